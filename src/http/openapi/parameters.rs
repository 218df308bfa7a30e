//! Query parameters held against the very schemas that the document publishes, as bodies are.
//!
//! Rust's types know that a parameter is a text or a number; that the text is a UUID or short, only the document knows.
//! Called by [`crate::http::body::Params`] for every operation that has any.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix_web::web;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::{ApiError, compiled, field_errors};

/// The query parameters of every operation, by method and path template.
pub(super) struct Parameters(BTreeMap<String, Vec<Parameter>>);

struct Parameter {
    name: String,
    is_text: bool,
    validator: Arc<Validator>,
}

impl Parameters {
    /// Compiles the schemas; parameters that say the same share one.
    ///
    /// # Errors
    /// A schema that is not one.
    pub(super) fn of(document: &Value) -> Result<Self, ApiError> {
        let mut shared: HashMap<String, Arc<Validator>> = HashMap::new();
        let mut all = BTreeMap::new();
        let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let listed = operation["parameters"].as_array().into_iter().flatten();
                let mut parameters = vec![];
                for parameter in listed.filter(|parameter| parameter["in"] == "query") {
                    let schema = &parameter["schema"];
                    let known = shared.get(&schema.to_string()).cloned();
                    let validator = if let Some(validator) = known {
                        validator
                    } else {
                        let made = Arc::new(compiled(json!({"allOf": [schema]}), &schemas)?);
                        shared.insert(schema.to_string(), made.clone());
                        made
                    };
                    parameters.push(Parameter {
                        name: parameter["name"].as_str().unwrap_or_default().to_owned(),
                        is_text: ["integer", "number", "boolean"]
                            .iter()
                            .all(|kind| schema["type"] != *kind),
                        validator,
                    });
                }
                all.insert(key(method, path), parameters);
            }
        }
        Ok(Self(all))
    }

    /// Refuses a value that its parameter cannot have.
    ///
    /// # Errors
    /// 400 for the first such parameter.
    pub(super) fn check(&self, method: &str, path: &str, query: &str) -> Result<(), ApiError> {
        let Some(parameters) = self.0.get(&key(method, path)) else {
            return Ok(());
        };
        let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map_err(ApiError::internal)?;
        for (name, text) in pairs.into_inner() {
            let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
                continue;
            };
            // What is no number at all was refused by its type.
            let value = if parameter.is_text {
                Value::String(text)
            } else {
                serde_json::from_str(&text).unwrap_or(Value::String(text))
            };
            let found = parameter.validator.iter_errors(&value).next();
            if let Some(wrong) = found.and_then(|error| field_errors(&error).into_iter().next()) {
                return Err(ApiError::InvalidParameter {
                    name,
                    ja: wrong.message,
                    en: wrong.message_en,
                });
            }
        }
        Ok(())
    }
}

fn key(method: &str, path: &str) -> String {
    format!("{} {path}", method.to_ascii_uppercase())
}
