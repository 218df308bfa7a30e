//! What every write of the document has alike: the edge gives it ([`crate::http::caller::Caller::write`]), so it is
//! described here once and not at a hundred handlers.

use serde_json::{Value, json};

/// POSTs that only ask.
const QUESTIONS: &[&str] = &["evaluate_risk", "plan_reminders", "preview_policy_version"];

/// POSTs that take on work of many rows: without a key a request sent again would do it again.
const LONG_WORK: &[&str] = &["create_export", "create_import"];

/// Describes the parameters and headers that writes share.
pub(super) fn describe(document: &mut Value) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else {
        return;
    };
    for item in paths.values_mut().filter_map(Value::as_object_mut) {
        for (method, operation) in item {
            if is_write(method, operation) {
                describe_write(method, operation);
            }
        }
    }
}

fn is_write(method: &str, operation: &Value) -> bool {
    let has_token = operation.pointer("/security/0/oauth2").is_some();
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    ["post", "put", "patch", "delete"].contains(&method) && has_token && !QUESTIONS.contains(&id)
}

fn describe_write(method: &str, operation: &mut Value) {
    add_parameter(
        operation,
        json!({
            "name": "dry_run",
            "in": "query",
            "description": "true: すべてを確かめ、行った場合の応答を返し、何も書かない / true: everything is checked and answered as if, nothing is written",
            "required": false,
            "schema": {"type": "boolean"},
        }),
    );
    add_header(
        operation,
        "Dry-Run",
        "試行の応答 / true: nothing was written, neither ETag nor Location is given",
    );
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    // A batch does too much to be done twice (`Caller::require_key`).
    let (is_upsert, is_batch) = (
        id.starts_with("upsert_"),
        id.starts_with("batch_") || LONG_WORK.contains(&id),
    );
    if is_upsert {
        for (name, description, schema) in [
            (
                "If-Match",
                "読み取ったときの ETag。付けたときは、その版だけを変更する / the ETag that you read: only that version is changed",
                json!({"type": "string", "maxLength": 1024}),
            ),
            (
                "If-None-Match",
                "*: 新規登録だけを行い、すでにあれば 412 / *: create only, 412 when it is there",
                json!({"type": "string", "enum": ["*"]}),
            ),
        ] {
            add_parameter(
                operation,
                json!({"name": name, "in": "header", "description": description, "required": false, "schema": schema}),
            );
        }
    }
    if method == "post" {
        // Bare, or in the quotation marks of a structured field: what `http/idempotency.rs` reads.
        const KEY: &str = r#"^("([!#-\[\]-~]|\\["\\])+"|[!#-~][!-~]*)$"#;
        add_parameter(
            operation,
            json!({
                "name": "Idempotency-Key",
                "in": "header",
                "description": "再送しても一度だけ行うためのキー。7日間、同じ要求には最初の応答を返す / Sent again with this key, the request has its effect once and is answered as the first time, for 7 days",
                "required": is_batch,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": KEY},
            }),
        );
        add_header(
            operation,
            "Idempotency-Replayed",
            "再送への最初の応答 / true: the first answer, given again",
        );
    }
}

fn add_parameter(operation: &mut Value, parameter: Value) {
    let Some(operation) = operation.as_object_mut() else {
        return;
    };
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.push(parameter);
    }
}

/// Adds a header to every success.
fn add_header(operation: &mut Value, name: &str, description: &str) {
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (_, response) in responses
        .into_iter()
        .flatten()
        .filter(|(status, _)| status.starts_with('2'))
    {
        let Some(response) = response.as_object_mut() else {
            continue;
        };
        let headers = response.entry("headers").or_insert_with(|| json!({}));
        if let Some(headers) = headers.as_object_mut() {
            headers.insert(
                name.to_owned(),
                json!({"description": description, "schema": {"type": "boolean"}}),
            );
        }
    }
}
