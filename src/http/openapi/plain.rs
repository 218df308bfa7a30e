//! Says what the macros say in the plainest words: whoever generates a client from them gets fewer surprises.
//!
//! A moment that may be absent is a string of a format and not "one of two schemas"; what is optional has no null for a
//! default; every operation names a problem of its caller. The rules themselves stay the schemas'.

use serde_json::{Map, Value, json};

/// Rewrites the document.
pub(super) fn rewrite(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    for (name, member) in document.as_object_mut().into_iter().flatten() {
        if name == "components" || name == "paths" {
            schemas_in(member, &schemas);
        }
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for operation in paths
        .into_iter()
        .flatten()
        .filter_map(|(_, item)| item.as_object_mut())
        .flatten()
        .map(|(_, operation)| operation)
    {
        name_a_problem(operation);
    }
}

fn schemas_in(value: &mut Value, schemas: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| schemas_in(item, schemas)),
        Value::Object(members) => {
            without_null_default(members);
            if let Some(plain) = nullable_text(members, schemas) {
                *members = plain;
            }
            for (name, member) in members {
                if !["example", "examples", "enum", "default"].contains(&name.as_str()) {
                    schemas_in(member, schemas);
                }
            }
        }
        _ => {}
    }
}

/// The macros write `default: null` for a field that may be absent, also where it must not be null.
fn without_null_default(schema: &mut Map<String, Value>) {
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}

/// "This text or null", where the text has a format or pattern and no name that a client would want to know.
fn nullable_text(schema: &Map<String, Value>, schemas: &Value) -> Option<Map<String, Value>> {
    let [reference, null] = schema.get("oneOf")?.as_array()?.as_slice() else {
        return None;
    };
    let name = reference["$ref"].as_str()?.strip_prefix("#/components/schemas/")?;
    let target = schemas.get(name)?.as_object()?;
    if null["type"] != "null" || target.get("type")? != "string" || target.contains_key("enum") {
        return None;
    }
    let mut plain = target.clone();
    plain.insert("type".to_owned(), json!(["string", "null"]));
    if let Some(description) = reference.get("description") {
        plain.insert("description".to_owned(), description.clone());
    }
    Some(plain)
}

/// The guard refuses a body that is encoded, whatever the operation ([`crate::http::guard`]); where no other problem of a
/// caller is declared, this one is.
fn name_a_problem(operation: &mut Value) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    if responses.keys().any(|status| status.starts_with('4')) {
        return;
    }
    let response = json!({
        "description": "受け取れない形式 / Unsupported media type",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    responses.insert("415".to_owned(), response);
}
