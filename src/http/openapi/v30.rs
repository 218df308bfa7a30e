//! The same document in OpenAPI 3.0.3, for tools that read nothing newer.
//!
//! Only words change: what 3.0 cannot say (`null` among types, `$ref` with a description, webhooks) is said in its way,
//! and lists of codes are open (`x-extensible-enum`): generators that read 3.0 make clients that fail on a code they do
//! not know, and lists of codes grow within a version. The document itself, and what is compiled from it, stays 3.1 ([`super::Document`]).

use serde_json::{Map, Value, json};

/// The document in 3.0.3.
pub(super) fn derive(document: &Value) -> Value {
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    let mut derived = converted(document, &schemas, false);
    if let Some(components) = derived.pointer_mut("/components/schemas") {
        *components = named(&schemas, &schemas, true);
    }
    if let Some(root) = derived.as_object_mut() {
        root.insert("openapi".to_owned(), json!("3.0.3"));
        root.remove("jsonSchemaDialect");
        if let Some(webhooks) = root.remove("webhooks") {
            root.insert("x-webhooks".to_owned(), webhooks);
        }
    }
    // An SPDX expression is not among the words of 3.0; the name says the same.
    if let Some(license) = derived.pointer_mut("/info/license").and_then(Value::as_object_mut) {
        license.remove("identifier");
    }
    derived
}

fn converted(value: &Value, schemas: &Value, open: bool) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| converted(item, schemas, open)).collect(),
        Value::Object(members) => {
            let mut whole = Map::new();
            for (name, member) in members {
                let member = match name.as_str() {
                    // Data, not schemas.
                    "example" | "value" | "default" | "enum" | "const" => member.clone(),
                    // Names that may be any word.
                    "properties" => named(member, schemas, open),
                    _ => converted(member, schemas, open),
                };
                whole.insert(name.clone(), member);
            }
            Value::Object(said(whole, schemas, open))
        }
        other => other.clone(),
    }
}

fn named(properties: &Value, schemas: &Value, open: bool) -> Value {
    let members = properties.as_object().into_iter().flatten();
    Value::Object(
        members
            .map(|(name, schema)| (name.clone(), converted(schema, schemas, open)))
            .collect(),
    )
}

/// One object, whose members are converted already.
fn said(mut schema: Map<String, Value>, schemas: &Value, open: bool) -> Map<String, Value> {
    if let Some(Value::Array(kinds)) = schema.get("type").cloned() {
        let mut kinds = kinds.into_iter().filter(|kind| kind != "null");
        schema.insert("type".to_owned(), kinds.next().unwrap_or_else(|| json!("object")));
        schema.insert("nullable".to_owned(), json!(true));
        if let Some(Value::Array(values)) = schema.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
    }
    for word in ["oneOf", "anyOf"] {
        let Some(Value::Array(branches)) = schema.get(word) else {
            continue;
        };
        let others: Vec<Value> = branches
            .iter()
            .filter(|branch| branch["type"] != "null")
            .cloned()
            .collect();
        if others.len() == branches.len() {
            continue;
        }
        let kind = others.first().and_then(|branch| kind_of(branch, schemas));
        schema.insert("nullable".to_owned(), json!(true));
        if others.len() == 1 {
            schema.remove(word);
            schema.insert("allOf".to_owned(), Value::Array(others));
            // `nullable` counts only beside a type.
            if let Some(kind) = kind {
                schema.insert("type".to_owned(), kind);
            }
        } else {
            schema.insert(word.to_owned(), Value::Array(others));
        }
    }
    // A choice of plain types makes clients that do not compile; as "anything" it is said in its description.
    let is_plain = |branch: &Value| branch.get("$ref").is_none() && branch.get("properties").is_none();
    let branches = schema.get("oneOf").and_then(Value::as_array);
    if branches.is_some_and(|branches| branches.iter().all(is_plain)) {
        schema.remove("oneOf");
    }
    if let Some(Value::Array(examples)) = schema.get("examples").cloned() {
        schema.remove("examples");
        if let Some(first) = examples.into_iter().next() {
            schema.insert("example".to_owned(), first);
        }
    }
    if let Some(value) = schema.remove("const") {
        schema.insert("enum".to_owned(), json!([value]));
    }
    for (bound, inclusive) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(limit) = schema.get(bound).filter(|limit| limit.is_number()).cloned() {
            schema.insert(inclusive.to_owned(), limit);
            schema.insert(bound.to_owned(), json!(true));
        }
    }
    if open && schema.get("type").is_some_and(|kind| kind == "string") {
        open_list(&mut schema);
    }
    for word in [
        "propertyNames",
        "patternProperties",
        "contentMediaType",
        "contentEncoding",
    ] {
        schema.remove(word);
    }
    let is_schema = schema
        .get("$ref")
        .and_then(Value::as_str)
        .is_some_and(|target| target.starts_with("#/components/schemas/"));
    if is_schema && schema.len() > 1 {
        // Beside `$ref` nothing else counts.
        let target = schema.remove("$ref").unwrap_or_default();
        schema.insert("allOf".to_owned(), json!([{"$ref": target}]));
    }
    schema
}

/// A list of codes that may grow.
fn open_list(schema: &mut Map<String, Value>) {
    let Some(Value::Array(values)) = schema.remove("enum") else {
        return;
    };
    let values: Vec<Value> = values.into_iter().filter(|value| !value.is_null()).collect();
    let words: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    let described = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let description = format!("{described} Known values: {}; more may come.", words.join(", "));
    schema.insert("description".to_owned(), json!(description.trim()));
    schema.insert("x-extensible-enum".to_owned(), Value::Array(values));
}

/// The type of a schema, through `$ref` and `allOf`, which a `$ref` with a description has become by now.
fn kind_of(schema: &Value, schemas: &Value) -> Option<Value> {
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.strip_prefix("#/components/schemas/")?;
        return kind_of(schemas.get(name)?, schemas);
    }
    if let Some(kind) = schema.get("type") {
        return Some(kind.clone()).filter(Value::is_string);
    }
    kind_of(schema["allOf"].get(0)?, schemas)
}
