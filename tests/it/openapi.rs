//! The published document: it is current, it is the routes, and it keeps the house rules that generated clients need.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::harness::document;
use crate::source;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Lists whose length the caller's own parameters bound, so that they have no pages.
const BOUNDED_LISTS: &[&str] = &["list_business_days", "get_business_days", "list_entry_clauses"];

/// An operation of the document.
pub struct Operation {
    /// Its path template.
    pub path: String,
    /// Its method in lower case.
    pub method: String,
    /// Its description in the document.
    pub json: Value,
}

impl Operation {
    /// Its `operationId`.
    pub fn id(&self) -> &str {
        self.json["operationId"].as_str().unwrap_or_default()
    }

    /// The schema of its JSON body.
    pub fn body(&self) -> Option<&Value> {
        self.json.pointer("/requestBody/content/application~1json/schema")
    }

    /// Its parameters.
    pub fn parameters(&self) -> &[Value] {
        self.json["parameters"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

/// Every operation.
pub fn operations() -> &'static [Operation] {
    static OPERATIONS: OnceLock<Vec<Operation>> = OnceLock::new();
    OPERATIONS.get_or_init(|| {
        let document = document();
        let mut operations = vec![];
        for (path, item) in document.json["paths"].as_object().unwrap() {
            for method in METHODS {
                if let Some(json) = item.get(method) {
                    operations.push(Operation {
                        path: path.clone(),
                        method: method.to_owned(),
                        json: json.clone(),
                    });
                }
            }
        }
        operations
    })
}

/// Follows `$ref`.
pub fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => resolve(document, document.pointer(reference.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

/// Nothing is broken.
pub fn none(broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_committed_document_is_current() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let document = document();
    for (name, text) in [
        ("openapi.json", document.text()),
        ("openapi-3.0.json", document.text_30()),
    ] {
        let path = dir.join(name);
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(&path, text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "openapi/{name} is out of date: UPDATE_OPENAPI=1 cargo test --test it openapi"
        );
    }
}

#[test]
fn the_document_is_the_routes() {
    // Handlers as the source declares them; those of the API stand below its prefix. The pages for people are no part
    // of it; `office` has their table.
    let mut declared = BTreeSet::new();
    // Pages are for people, and the figures stand on a listener of their own.
    let of_the_api = |file: &source::File| !file.path.starts_with("src/pages") && file.path != "src/metrics.rs";
    for file in source::rust_files("src").into_iter().filter(of_the_api) {
        for line in file.text.lines().map(str::trim) {
            for method in METHODS {
                let Some(path) = line.strip_prefix(&format!("#[{method}(\"")) else {
                    continue;
                };
                declared.insert((method.to_owned(), path.split('"').next().unwrap().to_owned()));
            }
        }
    }
    let described: BTreeSet<(String, String)> = operations()
        .iter()
        .map(|operation| {
            let path = operation
                .path
                .strip_prefix("/api/v1")
                .unwrap_or(&operation.path)
                .to_owned();
            (operation.method.clone(), path)
        })
        .collect();
    assert_eq!(declared, described);
}

#[test]
fn every_operation_is_described() {
    let (mut broken, mut ids) = (vec![], BTreeSet::new());
    let document = document();
    let tags: Vec<&Value> = document.json["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    for operation in operations() {
        let mut rule = |holds: bool, what: &str| {
            if !holds {
                broken.push(format!(
                    "{} {} ({}): {what}",
                    operation.method,
                    operation.path,
                    operation.id()
                ));
            }
        };
        let filled = |name: &str| {
            operation.json[name]
                .as_str()
                .is_some_and(|text| !text.trim().is_empty())
        };
        rule(filled("summary"), "no summary");
        rule(filled("description"), "no description");
        let snake = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_lowercase())
                && text
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        rule(snake(operation.id()), "operationId is not in snake case");
        rule(ids.insert(operation.id().to_owned()), "operationId is taken");
        let own: Vec<&Value> = operation.json["tags"]
            .as_array()
            .map(|tags| tags.iter().collect())
            .unwrap_or_default();
        rule(own.len() == 1 && tags.contains(&own[0]), "not one declared tag");
        rule(operation.json.get("security").is_some(), "no security");
        let responses = operation.json["responses"].as_object().unwrap();
        for (status, response) in responses {
            let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
            rule(described, &format!("{status} has no description"));
            let problem = status == "default" || status.starts_with(['4', '5']);
            let oauth = operation.id() == "issue_token" && status != "default";
            let content = response.get("content").and_then(Value::as_object);
            let is_problem = content.is_some_and(|c| {
                c.get("application/problem+json")
                    .is_some_and(|c| c["schema"]["$ref"] == "#/components/schemas/Problem")
            });
            rule(
                !problem || oauth || is_problem,
                &format!("{status} is not problem+json"),
            );
        }
        rule(responses.contains_key("default"), "no default response");
        rule(responses.keys().any(|status| status.starts_with('2')), "no success");
        if !operation.json["security"][0].get("oauth2").is_none_or(Value::is_null) {
            for status in ["400", "401", "403", "404"] {
                rule(responses.contains_key(status), &format!("{status} is not declared"));
            }
        }
        if operation.json.get("requestBody").is_some() && operation.id() != "issue_token" {
            for status in ["413", "415", "422"] {
                rule(responses.contains_key(status), &format!("{status} is not declared"));
            }
        }
        let parameter = |name: &str| {
            operation
                .parameters()
                .iter()
                .find(|parameter| parameter["name"] == name)
        };
        let if_match = parameter("If-Match").is_some_and(|parameter| parameter["required"] == true);
        rule(
            if_match == responses.contains_key("428"),
            "a required If-Match and 428 go together",
        );
        rule(
            (parameter("If-Match").is_some() || parameter("If-None-Match").is_some()) == responses.contains_key("412"),
            "If-Match and 412 go together",
        );
        // What is there or not is the path's own to say in an upsert.
        let create_only = parameter("If-None-Match").is_some() && responses.contains_key("201");
        rule(
            create_only == operation.id().starts_with("upsert_"),
            "an upsert can be told to create only",
        );
        rule(operation.method != "patch" || if_match, "a change without If-Match");
    }
    none(broken);
}

#[test]
fn every_parameter_is_described_and_none_is_null() {
    let mut broken = vec![];
    for operation in operations() {
        let mut names = BTreeSet::new();
        for parameter in operation.parameters() {
            let name = parameter["name"].as_str().unwrap();
            let mut rule = |holds: bool, what: &str| {
                if !holds {
                    broken.push(format!("{} {}: {name} {what}", operation.method, operation.path));
                }
            };
            rule(
                parameter["description"].as_str().is_some_and(|text| !text.is_empty()),
                "has no description",
            );
            rule(!parameter["schema"].to_string().contains("\"null\""), "can be null");
            let is_path = parameter["in"] == "path";
            rule(
                !is_path || operation.path.contains(&format!("{{{name}}}")),
                "is not in the path",
            );
            names.insert(name.to_owned());
        }
        for name in operation
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        {
            if !names.contains(name) {
                broken.push(format!(
                    "{} {}: {name} is not described",
                    operation.method, operation.path
                ));
            }
        }
    }
    none(broken);
}

#[test]
fn every_list_has_pages() {
    let (document, mut broken) = (document(), vec![]);
    for operation in operations().iter().filter(|operation| operation.method == "get") {
        let Some(schema) = operation
            .json
            .pointer("/responses/200/content/application~1json/schema")
        else {
            continue;
        };
        let properties = &resolve(&document.json, schema)["properties"];
        let has = |name: &str| operation.parameters().iter().any(|parameter| parameter["name"] == name);
        let is_list = properties.get("items").is_some_and(|items| items["type"] == "array");
        let is_page = properties.get("next_cursor").is_some() && properties.get("has_more").is_some();
        let bounded = BOUNDED_LISTS.contains(&operation.id());
        if is_list && !bounded && !(is_page && has("cursor") && has("limit")) {
            broken.push(format!(
                "{} ({}) is a list without pages",
                operation.path,
                operation.id()
            ));
        }
        if is_list && !bounded && !operation.id().starts_with("list_") {
            broken.push(format!(
                "{} ({}) is a list by another name",
                operation.path,
                operation.id()
            ));
        }
    }
    none(broken);
}

#[test]
fn every_string_that_a_client_sends_has_a_bound() {
    let (document, mut broken) = (document(), vec![]);
    for operation in operations() {
        for parameter in operation
            .parameters()
            .iter()
            .filter(|parameter| parameter["in"] == "query")
        {
            let name = format!("{} {}", operation.id(), parameter["name"]);
            unbounded(
                &document.json,
                &parameter["schema"],
                &name,
                &mut BTreeSet::new(),
                &mut broken,
            );
        }
        let content = operation
            .json
            .pointer("/requestBody/content")
            .and_then(Value::as_object);
        for content in content.into_iter().flat_map(Map::values) {
            unbounded(
                &document.json,
                &content["schema"],
                operation.id(),
                &mut BTreeSet::new(),
                &mut broken,
            );
        }
    }
    none(broken);
}

fn unbounded(document: &Value, schema: &Value, at: &str, seen: &mut BTreeSet<String>, broken: &mut Vec<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        if seen.insert(reference.to_owned()) {
            let name = reference.rsplit('/').next().unwrap();
            unbounded(document, resolve(document, schema), name, seen, broken);
        }
        return;
    }
    let is = |wanted: &str| {
        schema["type"] == wanted || schema["type"].as_array().is_some_and(|t| t.contains(&json!(wanted)))
    };
    let bounds = ["maxLength", "enum", "const", "format"];
    // A pattern without repetition has a length.
    let pattern = schema["pattern"]
        .as_str()
        .is_some_and(|p| p.ends_with('$') && !p.contains(['*', '+']));
    if is("string") && !pattern && !bounds.iter().any(|bound| schema.get(bound).is_some()) {
        broken.push(format!("{at}: a string without maxLength"));
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        for part in schema[word].as_array().into_iter().flatten() {
            unbounded(document, part, at, seen, broken);
        }
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        unbounded(document, property, &format!("{at}.{name}"), seen, broken);
    }
    if is("array") {
        if schema.get("maxItems").is_none() {
            broken.push(format!("{at}: an array without maxItems"));
        }
        // Names of fields are few and checked one by one.
        if at.rsplit('.').next() != Some("clear") {
            unbounded(document, &schema["items"], &format!("{at}[]"), seen, broken);
        }
    }
}

#[test]
fn what_a_client_sends_is_closed_and_what_it_reads_is_whole() {
    let (document, mut broken) = (document(), vec![]);
    let schemas = document.json["components"]["schemas"].as_object().unwrap();
    let sent: BTreeSet<&str> = schemas
        .keys()
        .map(String::as_str)
        .filter(|name| {
            ["Create", "Patch", "Put", "Rotate"]
                .iter()
                .any(|end| name.ends_with(end))
        })
        .collect();
    for (name, schema) in schemas {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            continue;
        };
        for property in properties.keys() {
            let snake = property
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !snake {
                broken.push(format!("{name}.{property} is not in snake case"));
            }
        }
        if sent.contains(name.as_str()) && schema["additionalProperties"] != json!(false) {
            broken.push(format!("{name} takes unknown fields"));
        }
    }
    none(broken);
}

/// A change drops nulls before the schema is asked, so a null that must be sent could never be.
#[test]
fn nobody_must_send_null() {
    let (document, mut broken) = (document(), vec![]);
    let mut waiting: Vec<Value> = operations()
        .iter()
        .filter_map(|operation| {
            operation
                .json
                .pointer("/requestBody/content")
                .and_then(Value::as_object)
        })
        .flat_map(|content| {
            content
                .values()
                .map(|content| content["schema"].clone())
                .collect::<Vec<_>>()
        })
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(schema) = waiting.pop() {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if seen.insert(reference.to_owned()) {
                let schema = resolve(&document.json, &schema);
                for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                    let required = schema["required"].as_array().is_some_and(|r| r.contains(&json!(name)));
                    if required && property.to_string().contains("\"null\"") {
                        broken.push(format!("{reference}: {name}"));
                    }
                }
                waiting.push(schema.clone());
            }
        } else {
            match schema {
                Value::Object(object) => waiting.extend(object.into_iter().map(|(_, value)| value)),
                Value::Array(items) => waiting.extend(items),
                _ => {}
            }
        }
    }
    none(broken);
}
