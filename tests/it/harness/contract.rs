//! Every answer of every test against the published document: the status is declared, the media type is declared, the
//! body is valid against its schema, the code of a problem is explained. So a handler and its description cannot come apart unnoticed.

use std::collections::{BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix_web::http::Method;
use jsonschema::Validator;
use kakunin::http::error::{Lang, codes};
use serde_json::{Value, json};

use super::{Answered, document};

/// The path template of the document that a path is of; the one with the fewest parameters, as actix has them.
fn template(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_match = |template: &str| {
        let wanted: Vec<&str> = template.split('/').collect();
        wanted.len() == parts.len()
            && wanted
                .iter()
                .zip(&parts)
                .all(|(w, p)| if w.starts_with('{') { !p.is_empty() } else { w == p })
    };
    let document = document();
    let paths = document.json["paths"].as_object().unwrap();
    paths
        .keys()
        .filter(|t| is_match(t))
        .min_by_key(|t| t.matches('{').count())
        .cloned()
}

/// Panics when the answer is not one that the document declares.
pub fn check(method: &Method, uri: &str, answered: &Answered) {
    let path = uri.split('?').next().unwrap_or_default();
    if path.starts_with("/docs") {
        return;
    }
    let document = document();
    let call = &answered.call;
    explained(answered);
    let method = method.as_str().to_lowercase();
    let media_type = answered
        .header("content-type")
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    let template = template(path);
    let operation = template
        .as_deref()
        .map(|t| &document.json["paths"][t][&method])
        .filter(|op| op.is_object());
    let Some(operation) = operation else {
        assert!(
            matches!(answered.status, 404 | 405 | 415),
            "{call} is no operation but answers {}",
            answered.status
        );
        assert_eq!(media_type, "application/problem+json", "{call}");
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        return valid(call, ("no route", "", "problem"), &schema, &answered.body);
    };
    let status = answered.status.to_string();
    seen(operation["operationId"].as_str().unwrap(), &status);
    let responses = &operation["responses"];
    let declared = [status.as_str(), "default"]
        .into_iter()
        .find(|key| responses.get(key).is_some());
    let Some(declared) = declared else {
        panic!("{call} answers {status}, which the document does not declare")
    };
    assert!(
        declared != "default" || answered.status >= 400,
        "{call} answers {status}, which the document declares only as a problem: {:#}",
        answered.body
    );
    let Some(content) = responses[declared].get("content").and_then(Value::as_object) else {
        assert!(
            answered.body.is_null(),
            "{call} has a body that the document does not declare: {:#}",
            answered.body
        );
        return;
    };
    let schema = content.get(&media_type).map(|content| &content["schema"]);
    let Some(schema) = schema else {
        panic!("{call} answers {status} as {media_type:?}, which is not declared")
    };
    let answer = format!("{declared} {media_type}");
    let key = (
        template.as_deref().unwrap_or_default(),
        method.as_str(),
        answer.as_str(),
    );
    valid(call, key, schema, &answered.body);
}

/// Notes for `tests/document` which operation was answered with which status, where `tests/run` asks for it.
fn seen(operation: &str, status: &str) {
    static SEEN: OnceLock<Mutex<BTreeSet<String>>> = OnceLock::new();
    let Some(file) = std::env::var_os("KAKUNIN_TEST_ANSWERS") else {
        return;
    };
    let line = format!("{operation} {status}\n");
    let mut seen = SEEN
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if seen.insert(line.clone()) {
        let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// The code of a problem has its page, which says the same.
fn explained(answered: &Answered) {
    if !answered.header("content-type").starts_with("application/problem+json") {
        return;
    }
    let code = answered.text("/code");
    let Some(known) = codes::explained(code) else {
        panic!(
            "{} answers {code:?}: explain it in src/http/error/codes/",
            answered.call
        )
    };
    assert_eq!(answered.status, known.status, "{}: {code}", answered.call);
    let title = answered.text("/title");
    let titles = [Lang::Ja, Lang::En].map(|lang| known.title(lang));
    // What the state forbids is said in `detail`, so those answers share a title.
    assert!(
        answered.status == 409 || titles.contains(&title),
        "{}: {title:?} is not {titles:?}",
        answered.call
    );
}

fn valid(call: &str, key: (&str, &str, &str), schema: &Value, body: &Value) {
    static COMPILED: OnceLock<Mutex<HashMap<String, Arc<Validator>>>> = OnceLock::new();
    let key = format!("{} {} {}", key.0, key.1, key.2);
    let compiled = COMPILED.get_or_init(Mutex::default);
    let known = compiled
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
        .cloned();
    let validator = known.unwrap_or_else(|| {
        let validator = document().compile(json!({"allOf": [schema]})).unwrap();
        let validator = Arc::new(validator);
        compiled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, validator.clone());
        validator
    });
    let errors: Vec<String> = validator
        .iter_errors(body)
        .take(10)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{call} does not answer what the document says:\n{}\n{body:#}",
        errors.join("\n")
    );
}
