//! An example of every body that is sent and of every answer that is a success, built from the schemas.
//!
//! A property's own `example` comes first, then the glossary of `examples.yaml`, then what its type allows. Whole bodies
//! stand there too, where rules go beyond a schema. Examples are components, so an answer of several operations has one.
//! Tests hold each against its schema; writes' shared parameters are [`super::writes`]'.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ApiError;

/// What the schemas do not say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Glossary {
    /// Bodies by the name of their schema.
    bodies: BTreeMap<String, Value>,
    /// Texts by media type.
    texts: BTreeMap<String, String>,
    /// Values by the name of a property, or by `Schema.property`.
    words: BTreeMap<String, Value>,
}

/// What an example is for: of a body that is sent only what a caller would fill in, of an answer everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Request,
    Response,
}

/// Adds the examples.
///
/// # Errors
/// A glossary that cannot be read.
pub(super) fn add(document: &mut Value) -> Result<(), ApiError> {
    let glossary: Glossary = serde_saphyr::from_str(include_str!("examples.yaml")).map_err(ApiError::internal)?;
    let schemas = document
        .pointer("/components/schemas")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let builder = Builder {
        schemas: &schemas,
        glossary: &glossary,
    };
    let mut made = Map::new();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flatten().filter_map(|(_, item)| item.as_object_mut()) {
        for (_, operation) in item {
            if let Some(content) = operation.pointer_mut("/requestBody/content") {
                builder.content(content, Use::Request, &mut made);
            }
            let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
            for (_, response) in responses
                .into_iter()
                .flatten()
                .filter(|(status, _)| status.starts_with('2'))
            {
                if let Some(content) = response.get_mut("content") {
                    builder.content(content, Use::Response, &mut made);
                }
            }
        }
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("examples".to_owned(), Value::Object(made));
    }
    Ok(())
}

struct Builder<'a> {
    schemas: &'a Value,
    glossary: &'a Glossary,
}

impl Builder<'_> {
    /// One example for each media type; bytes have none.
    fn content(&self, content: &mut Value, used: Use, made: &mut Map<String, Value>) {
        for (media_type, content) in content.as_object_mut().into_iter().flatten() {
            let Some(content) = content.as_object_mut() else {
                continue;
            };
            let Some(schema) = content.get("schema").filter(|schema| !self.is_binary(schema)) else {
                continue;
            };
            if content.contains_key("example") || content.contains_key("examples") {
                continue;
            }
            let text = self.glossary.texts.get(media_type);
            if let (Some(text), None) = (text, reference(schema)) {
                content.insert("example".to_owned(), json!(text));
                continue;
            }
            let Some(name) = reference(schema).map(str::to_owned) else {
                let example = self.of(schema, "", "", used, &mut vec![]);
                content.insert("example".to_owned(), example);
                continue;
            };
            if !made.contains_key(&name) {
                let example = match self.glossary.bodies.get(&name) {
                    Some(body) => body.clone(),
                    None => self.of(schema, "", "", used, &mut vec![]),
                };
                made.insert(name.clone(), json!({"value": example}));
            }
            let example = json!({"$ref": format!("#/components/examples/{name}")});
            content.insert("examples".to_owned(), json!({"example": example}));
        }
    }

    fn is_binary(&self, schema: &Value) -> bool {
        let schema = reference(schema).map_or(schema, |name| &self.schemas[name]);
        schema["format"] == "binary"
    }

    /// An example of a schema, as the property `name` of the schema `inside`.
    fn of(&self, schema: &Value, name: &str, inside: &str, used: Use, open: &mut Vec<String>) -> Value {
        if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
            return example.clone();
        }
        let words = &self.glossary.words;
        if let Some(word) = words.get(&format!("{inside}.{name}")) {
            return word.clone();
        }
        if let Some(target) = reference(schema) {
            if open.iter().any(|known| known == target) {
                return Value::Null;
            }
            open.push(target.to_owned());
            let example = self.of(&self.schemas[target], name, target, used, open);
            open.pop();
            return example;
        }
        if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
            return value.clone();
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut whole = Map::new();
            for part in parts {
                if let Value::Object(members) = self.of(part, name, inside, used, open) {
                    whole.extend(members);
                }
            }
            return Value::Object(whole);
        }
        for word in ["oneOf", "anyOf"] {
            let mut branches = schema[word].as_array().into_iter().flatten();
            if let Some(branch) = branches.find(|branch| branch["type"] != "null") {
                return self.of(branch, name, inside, used, open);
            }
        }
        let kinds = schema["type"].as_array().map_or_else(
            || vec![&schema["type"]],
            |kinds| kinds.iter().filter(|kind| **kind != "null").collect(),
        );
        match kinds.first().and_then(|kind| kind.as_str()) {
            Some("object") => self.object(schema, inside, used, open),
            Some("array") => {
                let item = self.of(&schema["items"], name, inside, used, open);
                if item.is_null() { json!([]) } else { json!([item]) }
            }
            Some("boolean") => words
                .get(name)
                .filter(|word| word.is_boolean())
                .cloned()
                .unwrap_or(json!(false)),
            Some("integer" | "number") => {
                let word = words.get(name).filter(|word| word.is_number()).cloned();
                word.unwrap_or_else(|| schema.get("minimum").cloned().unwrap_or(json!(1)))
            }
            Some("string") => words
                .get(name)
                .filter(|word| word.is_string())
                .cloned()
                .unwrap_or_else(|| text(schema, name)),
            _ => json!({}),
        }
    }

    fn object(&self, schema: &Value, inside: &str, used: Use, open: &mut Vec<String>) -> Value {
        let required = |name: &str| {
            let mut names = schema["required"].as_array().into_iter().flatten();
            names.any(|known| known == name)
        };
        let properties = schema["properties"].as_object();
        let wanted =
            |name: &str, property: &Value| used == Use::Response || required(name) || property.get("example").is_some();
        let mut whole: Map<String, Value> = properties
            .into_iter()
            .flatten()
            .filter(|(name, property)| wanted(name, property))
            // What is not there is never sent as an example; an answer says null.
            .filter(|(name, _)| used == Use::Response || required(name) || *name != "clear")
            .map(|(name, property)| (name.clone(), self.property(property, name, inside, used, open)))
            .collect();
        // A change of nothing shows nobody how to change something.
        if let (true, Use::Request, Some(properties)) = (whole.is_empty(), used, properties) {
            let telling = ["name", "title", "note", "reason"]
                .into_iter()
                .find_map(|name| properties.get_key_value(name))
                .or_else(|| properties.iter().find(|(_, property)| property["format"] != "uuid"));
            if let Some((name, property)) = telling {
                whole.insert(name.clone(), self.property(property, name, inside, used, open));
            }
        }
        Value::Object(whole)
    }

    /// What a property has; null where the glossary says that it mostly is, and the schema that it may be.
    fn property(&self, schema: &Value, name: &str, inside: &str, used: Use, open: &mut Vec<String>) -> Value {
        let own = self.glossary.words.get(&format!("{inside}.{name}"));
        let word = own.or_else(|| self.glossary.words.get(name));
        if word.is_some_and(Value::is_null) && may_be_null(schema) {
            return Value::Null;
        }
        self.of(schema, name, inside, used, open)
    }
}

fn may_be_null(schema: &Value) -> bool {
    let listed = schema["type"]
        .as_array()
        .is_some_and(|kinds| kinds.contains(&json!("null")));
    let branches = schema["oneOf"].as_array();
    listed || branches.is_some_and(|branches| branches.iter().any(|branch| branch["type"] == "null"))
}

/// The name of the schema behind `$ref`.
fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// A text that its schema allows: by its format, or what its description says.
fn text(schema: &Value, name: &str) -> Value {
    match schema["format"].as_str() {
        Some("uuid") => return json!(id(name)),
        Some("date") => {
            let is_end = ["ends_on", "to_on", "until_on", "due_on", "expires_on"]
                .iter()
                .any(|end| name.ends_with(end));
            return json!(if is_end { "2028-03-31" } else { "2027-04-01" });
        }
        Some("date-time") => return json!("2027-04-01T00:00:00.000000Z"),
        _ => {}
    }
    let described = schema["description"].as_str().unwrap_or(name);
    let sentence = described.split(['.', ';', ':', ',']).next().unwrap_or(name);
    let most = schema["maxLength"]
        .as_u64()
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(60);
    json!(sentence.chars().take(most).collect::<String>())
}

/// An id that is the same wherever the same name is, so that examples of two operations fit together.
fn id(name: &str) -> String {
    // FNV-1a: short, and the same on every machine.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("01993b5e-1c00-7000-8000-{:012x}", hash & 0xffff_ffff_ffff)
}
