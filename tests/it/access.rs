//! Who may do what, walked through the whole document: an operation that is added is tested without being named here.
//!
//! Nobody gets in, no token goes beyond its scopes, nothing of another local government can be reached by its id, and a
//! token of one organization sees nothing of another. Records to try it with are made by [`records`] from the document.

pub mod records;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::harness::{Actor, Answered, TestApp, seed};
use crate::openapi::{Operation, operations};
use records::Records;

/// Operations without a token. Whoever adds one adds it here.
const PUBLIC: &[&str] = &[
    "get_liveness",
    "get_readiness",
    "get_openapi_json",
    "get_openapi_yaml",
    "get_openapi_30_json",
    "get_problem_type",
    "issue_token",
    "get_jwks",
    "get_authorization_server_metadata",
    "get_calendar_feed",
];

/// Operations that any valid token may call.
const ANY_TOKEN: &[&str] = &["get_current_principal", "list_business_days", "get_event_types"];

/// Parameters of a path that name something all local governments share.
const SHARED: &[(&str, &str)] = &[("clause_key", "policy-compliance"), ("duty", "control_standard")];

fn protected() -> impl Iterator<Item = &'static Operation> {
    operations()
        .iter()
        .filter(|operation| !PUBLIC.contains(&operation.id()))
}

/// Calls an operation at a path, with this body where it takes one.
async fn call(actor: &Actor<'_>, operation: &Operation, path: &str, body: &Value) -> Answered {
    match operation.method.as_str() {
        "get" => actor.get(path).await,
        "post" => actor.post(path, body.clone()).await,
        "put" => actor.put(path, "*", body.clone()).await,
        "patch" => actor.patch(path, "*", body.clone()).await,
        _ => actor.raw(Method::DELETE, path, "", b"").await,
    }
}

/// Whether an operation creates what its path does not name yet: another's key is a new one. `upserts` tries these.
fn is_upsert(operation: &Operation) -> bool {
    operation.id().starts_with("upsert_")
}

/// The parameters of a path, in their order.
fn parameters(path: &str) -> Vec<&str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .collect()
}

#[test]
fn the_public_operations_are_those_without_a_token() {
    for operation in operations() {
        let oauth = operation.json["security"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s.get("oauth2").is_some());
        assert_eq!(!oauth, PUBLIC.contains(&operation.id()), "{}", operation.id());
        let scope = operation.json.get("x-required-scope");
        let none = PUBLIC.contains(&operation.id()) || ANY_TOKEN.contains(&operation.id());
        assert_eq!(scope.is_none(), none, "{}: {scope:?}", operation.id());
    }
}

db_test!(nobody_gets_in_without_a_token, |app| {
    for operation in protected() {
        call(&app.anon(), operation, &operation.path, &json!({}))
            .await
            .problem(401, "missing_token");
    }
});

db_test!(no_token_goes_beyond_its_scopes, |app| {
    for operation in protected().filter(|operation| !ANY_TOKEN.contains(&operation.id())) {
        let needed = operation.json["x-required-scope"].as_str().unwrap();
        let others: Vec<&str> = seed::all_scopes()
            .into_iter()
            .filter(|scope| *scope != needed)
            .collect();
        let refused = call(&app.with_scopes(&others), operation, &operation.path, &json!({})).await;
        let refused = refused.problem(403, "insufficient_scope");
        let header = format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"");
        assert_eq!(refused.header("www-authenticate"), header, "{}", operation.id());
    }
});

db_test!(nothing_of_another_local_government_is_reached_by_its_id, |app| {
    let (mut own, mut foreign) = (Records::new(&app, app.officer(), seed::MAYOR), foreign(&app));
    for operation in protected().filter(|operation| !is_upsert(operation)) {
        let names = parameters(&operation.path);
        let ids: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| !SHARED.iter().any(|(shared, _)| shared == name))
            .collect();
        // Each position once with the foreign record, the others with one's own.
        for strange in &ids {
            let mut path = operation.path.clone();
            for name in &names {
                let from = if name == strange { &mut foreign } else { &mut own };
                path = path.replace(&format!("{{{name}}}"), &from.of_parameter(&operation.path, name).await);
            }
            let body = own.body_of(operation).await;
            call(&app.officer(), operation, &path, &body)
                .await
                .problem(404, "not_found");
        }
        // The same call with one's own records is no 404, so the answers above have their reason.
        if !ids.is_empty() && operation.method == "get" {
            let path = own.path_of(operation).await;
            app.officer().get(&path).await.expect(200);
        }
    }
});

fn foreign(app: &TestApp) -> Records<'_> {
    Records::new(app, app.stranger(), seed::KAGOSHIMA_ASSEMBLY)
}

#[test]
fn every_reference_in_a_body_leads_to_an_operation() {
    for operation in protected() {
        for reference in records::references(operation) {
            assert!(
                reference.parameter.is_some(),
                "{}: what is {:?}?",
                operation.id(),
                reference.way
            );
        }
    }
}

db_test!(no_body_can_refer_to_another_local_government, |app| {
    let (mut own, mut foreign) = (Records::new(&app, app.officer(), seed::MAYOR), foreign(&app));
    // Each item of a batch is answered by itself; `upserts` tries one with a foreign reference.
    for operation in protected().filter(|operation| operation.id() != "batch_upsert_contractors") {
        for reference in records::references(operation) {
            let Some(parameter) = &reference.parameter else {
                continue;
            };
            let strange = foreign.of_reference(parameter).await;
            let body = own.body_with(operation, &reference, &strange).await;
            let path = own.path_of(operation).await;
            let pointer = format!("/{}", reference.way.join("/"));
            let once = format!("{}{pointer}", operation.id());
            let actor = own.actor().await.header("Idempotency-Key", &once);
            let refused = call(&actor, operation, &path, &body).await;
            let at = |error: &Value| error["pointer"].as_str().is_some_and(|at| at.starts_with(&pointer));
            let errors = refused.body["errors"].as_array().cloned().unwrap_or_default();
            let named = refused.status == 422 && errors.iter().any(at);
            // Of several questions each has its own answer.
            let several = refused.body["items"].as_array().cloned().unwrap_or_default();
            let inside = !several.is_empty() && several.iter().all(|result| result["status"] == 422);
            // An organization that the token may not touch is none at all; and other records are not of it.
            let none = matches!(refused.status, 404 | 422) && parameter == "organization_id";
            assert!(
                named || none || inside,
                "{} with a foreign {pointer}: {:#}",
                refused.call,
                refused.body
            );
        }
    }
});

db_test!(a_token_of_one_organization_sees_nothing_of_another, |app| {
    let mut own = Records::new(&app, app.officer(), seed::MAYOR);
    let limited = app.limited(&[seed::ASSEMBLY]);
    for operation in protected() {
        let names = parameters(&operation.path);
        let Some(first) = names.first() else { continue };
        let path = own.path_of(operation).await;
        // The record that the path begins with says whose it is.
        let at = operation.path.find(&format!("{{{first}}}")).unwrap();
        let length = path
            .split('/')
            .take(&operation.path[..at].matches('/').count() + 1)
            .map(|part| part.len() + 1)
            .sum::<usize>();
        let record = app.officer().get(&path[..length - 1]).await;
        if record.body["organization_id"] != seed::MAYOR && record.body["id"] != seed::MAYOR {
            continue;
        }
        let body = own.body_of(operation).await;
        call(&limited, operation, &path, &body).await.problem(404, "not_found");
    }
    // Lists leave them out.
    for operation in
        protected().filter(|o| o.method == "get" && o.id().starts_with("list_") && parameters(&o.path).is_empty())
    {
        let answered = limited.get(&operation.path).await;
        if answered.status != 200 {
            continue;
        }
        for item in answered.items("/items") {
            assert_ne!(item["organization_id"], seed::MAYOR, "{}", operation.id());
        }
    }
});
