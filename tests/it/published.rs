//! What is published beside the operations themselves: examples, the document in 3.0, and a page for every code of a
//! problem. The rules for operations are in [`crate::openapi`].

use std::collections::BTreeSet;

use kakunin::http::error::{Lang, codes};
use serde_json::{Value, json};

use crate::harness::{Backend, TestApp, document};
use crate::openapi::{none, operations, resolve};
use crate::source;

/// Whether a value is one of a schema of the document.
fn check(schema: &Value, value: &Value) -> Result<(), String> {
    let validator = document().compile(json!({"allOf": [schema]})).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.join("; "))
    }
}

#[test]
fn every_example_of_a_property_is_one() {
    let (document, mut broken) = (document(), vec![]);
    for (name, schema) in document.json["components"]["schemas"].as_object().unwrap() {
        for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
            let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) else {
                continue;
            };
            if let Err(error) = check(schema, example) {
                broken.push(format!("{name}.{property}: {error}"));
            }
        }
    }
    none(broken);
}

/// What a client sends and what it is answered, each with an example that is one. A wrong one is put right in
/// `src/http/openapi/examples.yaml`, or by an `example` at the field.
#[test]
fn every_body_and_every_success_has_an_example() {
    let (document, mut broken, mut checked) = (document(), vec![], BTreeSet::new());
    for operation in operations() {
        let mut contents = vec![("body".to_owned(), operation.json.pointer("/requestBody/content"))];
        for (status, response) in operation.json["responses"].as_object().unwrap() {
            if status.starts_with('2') {
                contents.push((status.clone(), response.get("content")));
            }
        }
        for (place, content) in contents {
            for (media_type, content) in content.and_then(Value::as_object).into_iter().flatten() {
                let at = format!("{} {place} {media_type}", operation.id());
                let schema = &content["schema"];
                if resolve(&document.json, schema)["format"] == "binary" {
                    continue;
                }
                let named = content
                    .pointer("/examples/example")
                    .map(|example| resolve(&document.json, example));
                let Some(example) = named
                    .map(|example| &example["value"])
                    .or_else(|| content.get("example"))
                else {
                    broken.push(format!("{at}: no example"));
                    continue;
                };
                if checked.insert(format!("{schema} {example}"))
                    && let Err(error) = check(schema, example)
                {
                    broken.push(format!("{at}: {error}"));
                }
            }
        }
    }
    none(broken);
}

/// The derived document has nothing that 3.0 does not know; that it is valid as a whole, `tests/document` asks a tool.
#[test]
fn the_document_in_3_0_says_nothing_that_is_newer() {
    fn walk(value: &Value, at: &str, broken: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(item, at, broken)),
            Value::Object(members) => {
                for (name, member) in members {
                    if ["example", "value", "default"].contains(&name.as_str()) {
                        continue;
                    }
                    let at = format!("{at}/{name}");
                    let newer = [
                        "const",
                        "propertyNames",
                        "patternProperties",
                        "webhooks",
                        "jsonSchemaDialect",
                    ];
                    if !at.contains("/properties/") && newer.contains(&name.as_str()) {
                        broken.push(at.clone());
                    }
                    let is_null =
                        member == "null" || member.as_array().is_some_and(|kinds| kinds.contains(&json!("null")));
                    if name == "type" && is_null {
                        broken.push(format!("{at}: null is no type"));
                    }
                    walk(member, &at, broken);
                }
                let reference = members.get("$ref").and_then(Value::as_str);
                if reference.is_some_and(|target| target.contains("/schemas/")) && members.len() > 1 {
                    broken.push(format!("{at}: something beside $ref"));
                }
            }
            _ => {}
        }
    }
    let mut broken = vec![];
    let derived: Value = serde_json::from_str(document().text_30()).unwrap();
    assert_eq!(derived["openapi"], "3.0.3");
    walk(&derived, "", &mut broken);
    none(broken);
    let ids = |document: &Value| {
        let paths = document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|item| item.as_object().unwrap().values());
        operations
            .map(|operation| operation["operationId"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&derived), ids(&document().json), "the operations are the same");
}

/// Every code that stands in the source has its page; those that a request can bring about are also checked wherever
/// a test meets them (`harness/contract.rs`).
#[test]
fn every_code_in_the_source_is_explained_and_every_explained_code_is_in_the_source() {
    let mut found = BTreeSet::new();
    for file in source::rust_files("src") {
        if file.path.contains("http/error/codes") {
            continue;
        }
        let mut rest = file.text.as_str();
        while let Some((_, after)) = rest.split_once("ApiError::Conflict {") {
            let inside = after.split('}').next().unwrap();
            let code = inside
                .split_once("code: \"")
                .and_then(|(_, text)| text.split('"').next());
            found.extend(code.map(str::to_owned));
            rest = after;
        }
        if file.path.ends_with("http/error.rs") {
            let codes = file.text.split_once("pub const fn code(").unwrap().1;
            let codes = codes.split_once("\n    }\n").unwrap().0;
            found.extend(codes.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    assert!(found.len() > 40, "{found:?}");
    let unexplained: Vec<&String> = found.iter().filter(|code| codes::explained(code).is_none()).collect();
    assert!(
        unexplained.is_empty(),
        "add them in src/http/error/codes/: {unexplained:?}"
    );
    let sources: Vec<source::File> = source::rust_files("src")
        .into_iter()
        .filter(|file| !file.path.contains("http/error/codes"))
        .collect();
    for known in codes::all() {
        let quoted = format!("\"{}\"", known.code);
        assert!(
            sources.iter().any(|file| file.text.contains(&quoted)),
            "nothing answers {quoted}"
        );
    }
}

#[actix_web::test]
async fn the_page_of_a_problem_is_for_people_and_for_programs_in_two_languages() {
    let app = TestApp::start(Backend::Sqlite).await;
    for known in codes::all() {
        let path = format!("/problems/{}", known.code.replace('_', "-"));
        let page = app.anon().get(&path).await.expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let page = String::from_utf8(page.bytes).unwrap();
        for text in [
            known.title(Lang::Ja),
            known.means(Lang::Ja),
            known.todo(Lang::Ja),
            known.code,
        ] {
            assert!(page.contains(text), "{path}: {text}");
        }
        let json = app
            .anon()
            .lang("en")
            .header("Accept", "application/json")
            .get(&path)
            .await
            .expect(200);
        assert_eq!(json.text("/what_to_do"), known.todo(Lang::En));
        assert_eq!(json.text("/type"), path);
        assert_eq!(json.at("/status"), known.status);
        for text in [known.title(Lang::En), known.means(Lang::En), known.todo(Lang::En)] {
            assert!(text.is_ascii() || text.contains('…'), "{path}: {text}");
        }
    }
    app.anon()
        .get("/problems/nothing-of-ours")
        .await
        .problem(404, "not_found");
}
