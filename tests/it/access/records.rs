//! Records made from the document alone: the smallest body that a schema allows, and what it refers to.
//!
//! A parameter `{x_id}` after `/xs` is a record of the collection `/xs`: made by a POST there, or the first of the list.
//! What a document cannot say stands in the tables below.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use kakunin::work::Worker;
use serde_json::{Map, Value, json};

use crate::files;
use crate::harness::{Actor, TestApp, document};
use crate::imports;
use crate::openapi::{Operation, operations, resolve};

/// What the smallest body of an operation lacks, where rules go beyond the schema. `{x_id}` stands for a record.
const BODIES: &[(&str, &str)] = &[
    ("create_person", r#"{"email": "tanto@city.example.lg.jp"}"#),
    (
        "create_engagement",
        r#"{"contractor_id": "{contractor_id}", "registered_as_existing": true, "status": "in_performance",
            "started_on": "2027-01-15", "owner": {"person_id": "{person_id}"},
            "period": {"starts_on": "2027-01-15", "ends_on": "2028-03-31"}}"#,
    ),
    ("create_incident", r#"{"title": "帳票の誤送付"}"#),
    (
        "create_ownership_transfer",
        r#"{"from_person_id": "{person_id}", "to_post_id": "{post_id}", "entry_ids": ["{entry_id}"]}"#,
    ),
    (
        "create_engagement_period",
        r#"{"starts_on": "2028-04-01", "ends_on": "2029-03-31"}"#,
    ),
    ("create_audit", r#"{"external_auditor": "監査法人見本"}"#),
    ("create_corrective_action", r#"{"entry_id": "{entry_id}"}"#),
    ("create_gate_check", r#"{"action": "sign", "entry_id": "{entry_id}"}"#),
    (
        "batch_create_gate_checks",
        r#"{"checks": [{"action": "sign", "entry_id": "{entry_id}"}]}"#,
    ),
    (
        "plan_clauses",
        r#"{"organization_id": "{organization_id}", "register_as": {"edition": "試行版", "valid_from_on": "2027-04-01"}}"#,
    ),
    ("create_gate_enforcement", r#"{"valid_from_on": "2027-04-01"}"#),
    ("create_fiscal_year_snapshot", r#"{"fiscal_year": 2027}"#),
    ("create_calendar_feed", r#"{"person_id": "{person_id}"}"#),
    ("create_export", r#"{"entity": "contractors"}"#),
];

/// Where a record is made whose parameter does not stand after its collection; the most telling one is the first.
const COLLECTIONS: &[(&str, &str)] = &[
    ("entry_id", "/api/v1/engagements"),
    ("engagement_period_id", "/api/v1/engagements/{engagement_id}/periods"),
    ("verification_id", "/api/v1/obligations/{obligation_id}/verifications"),
    ("exception_id", "/api/v1/entries/{entry_id}/exceptions"),
    ("audit_finding_id", "/api/v1/audits/{audit_id}/findings"),
    (
        "webhook_delivery_id",
        "/api/v1/webhook-endpoints/{webhook_endpoint_id}/tests",
    ),
    (
        "policy_version_id",
        "/api/v1/organizations/{organization_id}/policy-versions",
    ),
];

/// Records that only others bring about: their collection, what must be there first, and which of them is meant. The
/// worker turns what is due into reminders and messages.
const BROUGHT_ABOUT: &[(&str, &str, &str)] = &[
    ("/api/v1/obligations", "engagement_id", "?kind=reverification"),
    ("/api/v1/reminders", "engagement_id", ""),
    ("/api/v1/messages", "engagement_id", ""),
];

/// What may be there only once, so that a second record differs in it.
const SECOND: &[(&str, &str, &str)] = &[("create_social_media_service", "platform", "facebook")];

/// References by another name than the resource's own.
const NAMES: &[(&str, &str)] = &[
    ("parent_id", "department_id"),
    ("period_id", "engagement_period_id"),
    ("replaces_id", "evidence_id"),
    ("template_id", "clause_template_id"),
];

/// Whether a property of a body refers to a record.
fn is_reference(name: &str, schema: &Value) -> bool {
    let one = schema["format"] == "uuid";
    let many = schema["items"]["format"] == "uuid";
    (one && name.ends_with("_id")) || (many && name.ends_with("_ids"))
}

/// The parameter that a reference is to: `owner_person_id` and `person_ids` are to `{person_id}`.
fn parameter_of(reference: &str) -> Option<String> {
    let name = reference
        .strip_suffix("_ids")
        .map_or_else(|| reference.to_owned(), |stem| format!("{stem}_id"));
    let mut tail = NAMES
        .iter()
        .find(|(other, _)| *other == name)
        .map_or(name.as_str(), |(_, own)| own);
    loop {
        let known = operations().iter().any(|o| o.path.contains(&format!("{{{tail}}}")));
        if known || tail == "organization_id" {
            return Some(tail.to_owned());
        }
        tail = tail
            .split_once('_')
            .map(|(_, shorter)| shorter)
            .filter(|shorter| *shorter != "id")?;
    }
}

/// A place in a body that refers to a record: the way to it through properties and first items.
pub struct Reference {
    /// Properties, `0` for the first item.
    pub way: Vec<String>,
    /// The parameter that it is to; `None` when no operation has one.
    pub parameter: Option<String>,
    many: bool,
}

/// The references of an operation's body.
pub fn references(operation: &Operation) -> Vec<Reference> {
    let mut found = vec![];
    if let Some(schema) = operation.body() {
        collect(schema, &mut vec![], &mut found);
    }
    found
}

fn collect(schema: &Value, way: &mut Vec<String>, found: &mut Vec<Reference>) {
    let document = document();
    let schema = meant(&document.json, schema);
    if way.len() > 6 {
        return;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        way.push(name.clone());
        let property = meant(&document.json, property);
        if is_reference(name, property) {
            let many = name.ends_with("_ids");
            found.push(Reference {
                way: way.clone(),
                parameter: parameter_of(name),
                many,
            });
        } else if kind(property) == "array" {
            way.push("0".to_owned());
            collect(&property["items"], way, found);
            way.pop();
        } else {
            collect(property, way, found);
        }
        way.pop();
    }
}

/// The schema behind `$ref` and "this or null".
fn meant<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let schema = resolve(document, schema);
    for word in ["oneOf", "anyOf"] {
        let branches = schema[word].as_array().into_iter().flatten();
        if let Some(branch) = branches.into_iter().find(|branch| branch["type"] != "null") {
            return meant(document, branch);
        }
    }
    schema
}

/// The records of one caller, made when they are first needed.
pub struct Records<'a> {
    app: &'a TestApp,
    actor: Actor<'a>,
    organization_id: &'static str,
    made: HashMap<String, Value>,
}

type Later<'s, T> = Pin<Box<dyn Future<Output = T> + 's>>;

impl<'a> Records<'a> {
    pub fn new(app: &'a TestApp, actor: Actor<'a>, organization_id: &'static str) -> Self {
        Self {
            app,
            actor,
            organization_id,
            made: HashMap::new(),
        }
    }

    /// Who makes them, in the name of a person: some acts need one.
    pub async fn actor(&mut self) -> Actor<'a> {
        let people = "/api/v1/people";
        if !self.made.contains_key(people) && operations().iter().any(|o| o.path == people && o.method == "post") {
            // The person is made by nobody but the client.
            self.made.insert(people.to_owned(), Value::Null);
            let person = self.record(people, None).await;
            self.actor = self.actor.clone().acting(person["id"].as_str().unwrap());
        }
        self.actor.clone()
    }

    /// The path of an operation with records of one's own.
    pub fn path_of<'s>(&'s mut self, operation: &'s Operation) -> Later<'s, String> {
        Box::pin(async move {
            let mut path = operation.path.clone();
            for name in super::parameters(&operation.path) {
                path = path.replace(&format!("{{{name}}}"), &self.of_parameter(&operation.path, name).await);
            }
            path
        })
    }

    /// The smallest body of an operation that its schema and the rules allow.
    pub fn body_of<'s>(&'s mut self, operation: &'s Operation) -> Later<'s, Value> {
        Box::pin(async move {
            let Some(schema) = operation.body() else {
                return json!({});
            };
            let mut body = self.smallest("", schema).await;
            if operation.id() == "verify_obligation" {
                // One answer for each clause of the round.
                let round = self.record("/api/v1/obligations", None).await;
                let clauses = round["clauses"].as_array().unwrap().iter();
                body["answers"] = clauses
                    .map(|c| json!({"clause_key": c["clause_key"], "answer": "cannot_tell"}))
                    .collect();
            }
            if operation.id() == "create_subcontract" {
                // Another company than the contractor's.
                let other = json!({"name": "株式会社再委託先"});
                let other = self.actor().await.post("/contractors", other).await.expect(201);
                body["contractor_id"] = other.body["id"].clone();
            }
            if operation.id() == "create_delegation" {
                // Nobody stands in for themselves.
                let other = self.actor().await.post("/people", json!({"name": "代理 太郎"})).await;
                body["to_person_id"] = json!(other.expect(201).id());
            }
            let Some((_, more)) = BODIES.iter().find(|(id, _)| *id == operation.id()) else {
                return body;
            };
            let mut more = (*more).to_owned();
            while let Some((before, rest)) = more.split_once("\"{") {
                let (name, after) = rest.split_once('}').unwrap();
                more = format!("{before}\"{}{after}", self.of_reference(name).await);
            }
            let more: Map<String, Value> = serde_json::from_str(&more).unwrap();
            for (name, value) in more {
                body[name] = value;
            }
            body
        })
    }

    /// A body with this record at a reference; what the way needs and the body lacks is made.
    pub async fn body_with(&mut self, operation: &Operation, reference: &Reference, id: &str) -> Value {
        let mut body = self.body_of(operation).await;
        for (_, name, value) in SECOND.iter().filter(|(second, ..)| *second == operation.id()) {
            body[name] = json!(value);
        }
        let document = document();
        let mut schema = meant(&document.json, operation.body().unwrap());
        if let [first, _, ..] = reference.way.as_slice() {
            // What the rules filled in may go with one reference only.
            body[first] = Value::Null;
        }
        let mut at = &mut body;
        for step in &reference.way {
            if step == "0" {
                schema = meant(&document.json, &schema["items"]);
                if at.as_array().is_none_or(Vec::is_empty) {
                    *at = json!([self.smallest("", schema).await]);
                }
                at = &mut at[0];
            } else {
                if !at.is_object() {
                    *at = self.smallest("", schema).await;
                }
                schema = meant(&document.json, &schema["properties"][step]);
                at = &mut at[step.as_str()];
            }
        }
        *at = if reference.many { json!([id]) } else { json!(id) };
        body
    }

    /// The value of a parameter of a path.
    pub async fn of_parameter(&mut self, path: &str, name: &str) -> String {
        if let Some((_, value)) = super::SHARED.iter().find(|(shared, _)| *shared == name) {
            return (*value).to_owned();
        }
        if let Some((collection, _)) = path.split_once("/by-external-id/") {
            // `/engagement-periods` are made where `{engagement_period_id}` says.
            let singular = collection.rsplit('/').next().unwrap().replace('-', "_");
            let parameter = format!("{}_id", singular.trim_end_matches('s'));
            let made_at = COLLECTIONS.iter().find(|(known, _)| *known == parameter);
            let record = self
                .record(made_at.map_or(collection, |(_, other)| other), Some("external_ids"))
                .await;
            return record["external_ids"][0][name].as_str().unwrap().to_owned();
        }
        let (collection, _) = path.split_once(&format!("/{{{name}}}")).unwrap();
        if let Some((collection, key)) = collection.rsplit_once("/by-") {
            // `/contractors/by-corporate-number/{corporate_number}`: the record's own property.
            let record = self.record(collection, Some(&key.replace('-', "_"))).await;
            return record[name].as_str().unwrap().to_owned();
        }
        if name == "organization_id" {
            return self.organization_id.to_owned();
        }
        let collection = COLLECTIONS
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(collection, |(_, other)| other);
        let record = self.record(collection, None).await;
        record["id"]
            .as_str()
            .unwrap_or_else(|| panic!("a record of {collection} has no id: {record:#}"))
            .to_owned()
    }

    /// The id that a reference is to.
    pub async fn of_reference(&mut self, name: &str) -> String {
        let parameter = parameter_of(name).unwrap_or_else(|| panic!("no operation tells what {name} refers to"));
        if parameter == "organization_id" {
            return self.organization_id.to_owned();
        }
        let all = operations();
        let template = format!("{{{parameter}}}");
        let operation = all.iter().find(|o| o.path.contains(&template)).unwrap();
        self.of_parameter(&operation.path, &parameter).await
    }

    /// A record of a collection; `with` names a property that it must have.
    fn record<'s>(&'s mut self, collection: &'s str, with: Option<&'s str>) -> Later<'s, Value> {
        Box::pin(async move {
            let key = format!("{collection} {with:?}");
            if let Some(made) = self.made.get(&key) {
                return made.clone();
            }
            let brought_about = BROUGHT_ABOUT.iter().find(|(brought, ..)| *brought == collection);
            if let Some((_, first, _)) = brought_about {
                self.of_reference(first).await;
                Worker::new(self.app.app.clone()).unwrap().tick().await.unwrap();
            }
            let all = operations();
            let create = all.iter().find(|o| o.path == collection && o.method == "post");
            let record = if let Some(create) = create {
                let path = self.path_of(create).await;
                let mut body = self.body_of(create).await;
                if with == Some("external_ids") {
                    // Entries of all kinds share their keys.
                    let value = collection.replace(['/', '{', '}'], "");
                    body["external_ids"] = json!([{"system": "zaimu", "value": value}]);
                } else if let Some(name) = with {
                    let document = document();
                    let schema = resolve(&document.json, create.body().unwrap());
                    body[name] = example(&schema["properties"][name]);
                }
                let made = if collection == "/api/v1/files" {
                    files::paper(&self.actor().await, self.organization_id).await.body
                } else if collection == "/api/v1/imports" {
                    imports::taken(&self.actor().await).await.body
                } else {
                    // A question to the gate is answered, long work is taken on: as the document says.
                    let responses = create.json["responses"].as_object().unwrap();
                    let made = ["202", "201", "200"];
                    let status = made.into_iter().find(|status| responses.contains_key(*status)).unwrap();
                    let actor = self.actor().await;
                    if status == "202" {
                        let actor = actor.header("Idempotency-Key", collection);
                        let made = actor.post(&path, body).await.expect(202).body;
                        Worker::new(self.app.app.clone()).unwrap().tick().await.unwrap();
                        made
                    } else {
                        actor.post(&path, body).await.expect(status.parse().unwrap()).body
                    }
                };
                // Some answers hold the record beside what is shown once.
                made.as_object()
                    .unwrap()
                    .values()
                    .find(|v| v.get("id").is_some())
                    .filter(|_| made.get("id").is_none())
                    .cloned()
                    .unwrap_or(made)
            } else {
                let list = all.iter().find(|o| o.path == collection && o.method == "get");
                let list =
                    list.unwrap_or_else(|| panic!("{collection} has neither POST nor GET: how is a record made?"));
                let path = self.path_of(list).await + brought_about.map_or("", |(.., query)| query);
                let page = self.actor.get(&path).await.expect(200);
                page.items("/items")
                    .first()
                    .unwrap_or_else(|| panic!("{path} is empty"))
                    .clone()
            };
            self.made.insert(key, record.clone());
            record
        })
    }

    /// The smallest value of a schema; `name` is the property that it is for.
    fn smallest<'s>(&'s mut self, name: &'s str, schema: &'s Value) -> Later<'s, Value> {
        Box::pin(async move {
            let document = document();
            let schema = meant(&document.json, schema);
            if let Some(only) = schema.get("const").or_else(|| schema["enum"].get(0)) {
                return only.clone();
            }
            if let Some(parts) = schema["allOf"].as_array() {
                let mut whole = Map::new();
                for part in parts {
                    if let Value::Object(part) = self.smallest(name, part).await {
                        whole.extend(part);
                    }
                }
                return Value::Object(whole);
            }
            match kind(schema) {
                "object" => {
                    let mut object = Map::new();
                    for required in schema["required"].as_array().into_iter().flatten() {
                        let property = required.as_str().unwrap();
                        let schema = &schema["properties"][property];
                        let value = if may_be_null(schema) {
                            Value::Null
                        } else {
                            self.smallest(property, schema).await
                        };
                        object.insert(property.to_owned(), value);
                    }
                    Value::Object(object)
                }
                "array" => {
                    let count = schema["minItems"].as_u64().unwrap_or(0);
                    let mut items = vec![];
                    for _ in 0..count {
                        items.push(self.smallest(name, &schema["items"]).await);
                    }
                    Value::Array(items)
                }
                "string" if schema["format"] == "uuid" => Value::String(self.of_reference(name).await),
                _ => example(schema),
            }
        })
    }
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap_or("object"),
        kind => kind.as_str().unwrap_or("object"),
    }
}

fn may_be_null(schema: &Value) -> bool {
    let null = json!("null");
    let branches = ["oneOf", "anyOf"]
        .iter()
        .filter_map(|word| schema[word].as_array())
        .flatten();
    schema["type"].as_array().is_some_and(|kinds| kinds.contains(&null))
        || branches.into_iter().any(|b| b["type"] == null)
}

/// A value without references.
fn example(schema: &Value) -> Value {
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return example.clone();
    }
    match (kind(schema), schema["format"].as_str()) {
        ("string", Some("date")) => json!("2027-04-01"),
        ("string", Some("date-time")) => json!("2027-04-01T00:00:00Z"),
        ("string", _) => {
            assert!(schema.get("pattern").is_none(), "a pattern needs an example: {schema}");
            json!(
                "試験".repeat(
                    usize::try_from(schema["minLength"].as_u64().unwrap_or(1))
                        .unwrap()
                        .div_ceil(2)
                )
            )
        }
        ("integer" | "number", _) => json!(schema["minimum"].as_i64().unwrap_or(1)),
        ("boolean", _) => json!(false),
        _ => json!({}),
    }
}
