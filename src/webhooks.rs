//! Webhooks: events of [`crate::sync`], sent to receivers as Standard Webhooks (<https://www.standardwebhooks.com/>).
//!
//! An endpoint is sent what happens after it was registered, each event with the same id and bytes in every attempt and
//! in no promised order. Routes and their shapes are here and in [`wire`]; queueing and the life of a delivery in
//! [`queue`], the POST itself in `send`; the worker drives both ([`crate::work`]).

pub(crate) mod queue;
mod rows;
mod send;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use diesel::prelude::*;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::journal_heads;
use crate::domain::address::may_connect;
use crate::domain::event;
use crate::domain::vocabulary::ObligationKind;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, clean_lines, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::obligations::cycles;
use crate::{organizations, people};
use rows::State;
pub(crate) use send::Poster;
use wire::{
    EndpointStatus, EndpointSwitch, EventTypeInfo, EventTypes, IssuedWebhookEndpoint, IssuedWebhookSecret,
    WebhookDelivery, WebhookDeliveryDetail, WebhookDeliveryFilter, WebhookDeliveryPage, WebhookEndpoint,
    WebhookEndpointCreate, WebhookEndpointFilter, WebhookEndpointPage, WebhookEndpointPatch, WebhookSecretRotate,
};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_event_types)
        .service(list_webhook_endpoints)
        .service(create_webhook_endpoint)
        .service(get_webhook_endpoint)
        .service(update_webhook_endpoint)
        .service(archive_webhook_endpoint)
        .service(rotate_webhook_secret)
        .service(test_webhook_endpoint)
        .service(list_webhook_deliveries)
        .service(get_webhook_delivery)
        .service(redeliver_webhook);
}

/// Get the events that there are
///
/// Each with its meaning; the list grows.
#[utoipa::path(tag = "webhooks", security(("oauth2" = [])), responses(
    (status = 200, description = "イベントの種類 / The events", body = EventTypes), Problems))]
#[get("/event-types")]
async fn get_event_types(caller: Caller<scope::AnyToken>) -> Result<HttpResponse, ApiError> {
    caller
        .read(|_, _| {
            let event_types = event::EVENTS
                .iter()
                .map(|event| EventTypeInfo {
                    code: event.code.to_owned(),
                    ja: event.ja.to_owned(),
                    en: event.en.to_owned(),
                })
                .collect();
            Answer::ok(&EventTypes { event_types })
        })
        .await
}

/// List webhook endpoints
///
/// Sorted by id. A page may be short while `has_more` is true: endpoints that are sent more than the caller may see are
/// left out.
#[utoipa::path(tag = "webhooks", params(WebhookEndpointFilter), security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 200, description = "送り先の一覧 / A page of endpoints", body = WebhookEndpointPage), Problems))]
#[get("/webhook-endpoints")]
async fn list_webhook_endpoints(
    caller: Caller<scope::WebhooksManage>,
    request: HttpRequest,
    Params(filter): Params<WebhookEndpointFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_webhook_endpoints", &());
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let rows = rows::select_page(scope, after, limit)?;
            let (rows, next) = page::cut(rows, limit, None, &print, |row| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows::seen(rows, &caller.organizations)?;
            page::answer(
                &path,
                &query,
                &WebhookEndpointPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// Register a webhook endpoint
///
/// It is sent what happens from now on. The secret is in this answer only; signatures are those of Standard Webhooks
/// (`webhook-id`, `webhook-timestamp`, `webhook-signature`). Receivers inside the house need the operator to allow their
/// network; 422 `forbidden_address` names an address that is not allowed.
#[utoipa::path(tag = "webhooks", request_body = WebhookEndpointCreate, security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 201, description = "登録した送り先と秘密 / The endpoint and its secret", body = IssuedWebhookEndpoint,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/webhook-endpoints")]
async fn create_webhook_endpoint(
    caller: Caller<scope::WebhooksManage>,
    Body(new): Body<WebhookEndpointCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let allowed = &caller.organizations;
            if !allowed.contains(&new.organization_id) {
                return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
            }
            organizations::require(scope, &new.organization_id, "/organization_id")?;
            let organization_ids = new.organization_ids.or_else(|| allowed.list().map(<[String]>::to_vec));
            for (i, id) in organization_ids.iter().flatten().enumerate() {
                let pointer = format!("/organization_ids/{i}");
                if !allowed.contains(id) {
                    return Err(ApiError::Validation(vec![FieldError::reference(&pointer)]));
                }
                organizations::require(scope, id, &pointer)?;
            }
            let state = State {
                contact_person_id: new.contact_person_id,
                url: new.url,
                event_types: new.event_types.unwrap_or_default(),
                organization_ids,
                note: new.note,
                status: EndpointStatus::Enabled,
            };
            let state = checked(scope, state)?;
            let id = scope.new_id();
            let position: i64 = journal_heads::table
                .find(&scope.lg)
                .select(journal_heads::seq)
                .first(scope.conn)?;
            let secret = rows::insert(scope, &id, &new.organization_id, &state, position)?;
            let endpoint = recorded(scope, &id, "webhook_endpoint.created")?;
            let (location, version) = (format!("/api/v1/webhook-endpoints/{id}"), endpoint.version);
            Ok(Answer::created(location, IssuedWebhookEndpoint { endpoint, secret })?.version(version))
        })
        .await
}

/// Get a webhook endpoint
///
/// `failing_since` and `disabled_reason` say how it fares.
#[utoipa::path(tag = "webhooks", params(("webhook_endpoint_id" = String, Path, description = "送り先のID", format = Uuid)),
    security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 200, description = "送り先 / The endpoint", body = WebhookEndpoint, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/webhook-endpoints/{webhook_endpoint_id}")]
async fn get_webhook_endpoint(
    caller: Caller<scope::WebhooksManage>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let endpoint = rows::find(scope, &caller.organizations, &path_id(&id)?)?.wire()?;
            Ok(Answer::ok(&endpoint)?.version(endpoint.version))
        })
        .await
}

/// Change a webhook endpoint
///
/// `status` switches it off and on; what happened meanwhile is sent when it is on again.
#[utoipa::path(tag = "webhooks", request_body(content(
        (WebhookEndpointPatch = "application/json"), (WebhookEndpointPatch = "application/merge-patch+json"))),
    params(("webhook_endpoint_id" = String, Path, description = "送り先のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 200, description = "変更後の送り先 / The endpoint", body = WebhookEndpoint, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/webhook-endpoints/{webhook_endpoint_id}")]
async fn update_webhook_endpoint(
    caller: Caller<scope::WebhooksManage>,
    id: web::Path<String>,
    patch: Patch<WebhookEndpointPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let before = rows::find(scope, &caller.organizations, &id)?.wire()?;
            if_match.check(before.version, caller.lang)?;
            let mut state = State {
                contact_person_id: before.contact_person_id,
                url: before.url,
                event_types: before.event_types,
                organization_ids: before.organization_ids,
                note: before.note,
                status: before.status,
            };
            patch.nullable(&mut state.note, patch.set.note.clone(), "note");
            let new = patch.set;
            Patch::<WebhookEndpointPatch>::value(&mut state.contact_person_id, new.contact_person_id);
            Patch::<WebhookEndpointPatch>::value(&mut state.url, new.url);
            Patch::<WebhookEndpointPatch>::value(&mut state.event_types, new.event_types);
            let switched = new.status.map(|switch| match switch {
                EndpointSwitch::Enabled => EndpointStatus::Enabled,
                EndpointSwitch::Disabled => EndpointStatus::Disabled,
            });
            Patch::<WebhookEndpointPatch>::value(&mut state.status, switched);
            let state = checked(scope, state)?;
            rows::update(scope, &id, &state)?;
            if state.status == EndpointStatus::Enabled && before.status != EndpointStatus::Enabled {
                rows::revive(scope, &id)?;
                cycles::close(scope, ObligationKind::Webhook, &id, "enabled")?;
            }
            let endpoint = recorded(scope, &id, "webhook_endpoint.updated")?;
            Ok(Answer::ok(&endpoint)?.version(endpoint.version))
        })
        .await
}

/// Archive a webhook endpoint
///
/// What waits for it is given up.
#[utoipa::path(tag = "webhooks",
    params(("webhook_endpoint_id" = String, Path, description = "送り先のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 204, description = "廃止した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/webhook-endpoints/{webhook_endpoint_id}")]
async fn archive_webhook_endpoint(
    caller: Caller<scope::WebhooksManage>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let row = rows::find(scope, &caller.organizations, &id)?;
            if_match.check(row.clone().wire()?.version, caller.lang)?;
            rows::archive(scope, &id)?;
            cycles::retire(scope, ObligationKind::Webhook, &id)?;
            scope.record("webhook_endpoint.archived", row.subject(), serde_json::Value::Null);
            Ok(Answer::no_content())
        })
        .await
}

/// Issue another secret for a webhook endpoint
///
/// The new secret is in this answer only. For `overlap_hours` events are signed with both, so that the receiver can be
/// changed over without a gap; 0 ends the one before at once.
#[utoipa::path(tag = "webhooks", request_body = WebhookSecretRotate,
    params(("webhook_endpoint_id" = String, Path, description = "送り先のID", format = Uuid)),
    security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 201, description = "新しい秘密 / The new secret", body = IssuedWebhookSecret), Problems, WriteProblems))]
#[post("/webhook-endpoints/{webhook_endpoint_id}/secrets")]
async fn rotate_webhook_secret(
    caller: Caller<scope::WebhooksManage>,
    id: web::Path<String>,
    Body(rotate): Body<WebhookSecretRotate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let row = rows::find(scope, &caller.organizations, &id)?;
            let previous_secret_until = scope.at.plus_seconds(rotate.overlap_hours.unwrap_or(24) * 3600);
            let secret = rows::rotate(scope, &id, previous_secret_until)?;
            let payload = json!({"previous_secret_until": previous_secret_until});
            scope.record("webhook_endpoint.secret_issued", row.subject(), payload);
            let issued = IssuedWebhookSecret {
                secret,
                previous_secret_until,
            };
            Answer::created(format!("/api/v1/webhook-endpoints/{id}"), issued)
        })
        .await
}

/// Send a test event
///
/// Queues a `webhook.test`, which a healthy receiver answers with 2xx; the delivery says how it went.
#[utoipa::path(tag = "webhooks",
    params(("webhook_endpoint_id" = String, Path, description = "送り先のID", format = Uuid)),
    security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 201, description = "待っている配信 / The delivery that waits", body = WebhookDelivery,
     headers(("Location" = String, description = "URL"))), Problems, WriteProblems))]
#[post("/webhook-endpoints/{webhook_endpoint_id}/tests")]
async fn test_webhook_endpoint(
    caller: Caller<scope::WebhooksManage>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let id = queue::test(scope, &row)?;
            scope.record("webhook_endpoint.tested", row.subject(), json!({"delivery_id": id}));
            let delivery = rows::find_delivery(scope, &Organizations::All, &id)?.wire()?;
            Answer::created(format!("/api/v1/webhook-deliveries/{id}"), delivery)
        })
        .await
}

/// List the deliveries of a webhook endpoint
///
/// The newest first, for 90 days after they ended.
#[utoipa::path(tag = "webhooks",
    params(("webhook_endpoint_id" = String, Path, description = "送り先のID", format = Uuid), WebhookDeliveryFilter),
    security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 200, description = "配信の一覧 / A page of deliveries", body = WebhookDeliveryPage), Problems))]
#[get("/webhook-endpoints/{webhook_endpoint_id}/deliveries")]
async fn list_webhook_deliveries(
    caller: Caller<scope::WebhooksManage>,
    request: HttpRequest,
    id: web::Path<String>,
    Params(filter): Params<WebhookDeliveryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let print = page::fingerprint("list_webhook_deliveries", &(&row.id, filter.state));
            let before = page::after(filter.cursor.as_deref(), &print)?;
            let found = rows::select_deliveries(scope, &row.id, filter.state, before, limit)?;
            let (found, next) = page::cut(found, limit, None, &print, |row| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found
                .into_iter()
                .map(rows::DeliveryRow::wire)
                .collect::<Result<Vec<_>, _>>()?;
            page::answer(
                &path,
                &query,
                &WebhookDeliveryPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// Get a webhook delivery
///
/// With the bytes that are sent and every attempt.
#[utoipa::path(tag = "webhooks",
    params(("webhook_delivery_id" = String, Path, description = "配信のID", format = Uuid)),
    security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 200, description = "配信とその試み / The delivery and its attempts", body = WebhookDeliveryDetail), Problems))]
#[get("/webhook-deliveries/{webhook_delivery_id}")]
async fn get_webhook_delivery(
    caller: Caller<scope::WebhooksManage>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let row = rows::find_delivery(scope, &caller.organizations, &path_id(&id)?)?;
            Answer::ok(&rows::detail(scope, row)?)
        })
        .await
}

/// Send a webhook delivery again
///
/// The same id and bytes, whatever became of it before.
#[utoipa::path(tag = "webhooks",
    params(("webhook_delivery_id" = String, Path, description = "配信のID", format = Uuid)),
    security(("oauth2" = ["webhooks:manage"])), responses(
    (status = 200, description = "待っている配信 / The delivery that waits", body = WebhookDelivery), Problems, WriteProblems))]
#[post("/webhook-deliveries/{webhook_delivery_id}/redeliveries")]
async fn redeliver_webhook(
    caller: Caller<scope::WebhooksManage>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find_delivery(scope, &caller.organizations, &path_id(&id)?)?;
            let endpoint = rows::find(scope, &caller.organizations, &row.endpoint_id)?;
            rows::queue_again(scope, &row.id)?;
            scope.record(
                "webhook_endpoint.redelivered",
                endpoint.subject(),
                json!({"delivery_id": row.id}),
            );
            Answer::ok(&rows::find_delivery(scope, &Organizations::All, &row.id)?.wire()?)
        })
        .await
}

fn recorded(scope: &mut Scope<'_>, id: &str, action: &'static str) -> Result<WebhookEndpoint, ApiError> {
    let row = rows::find(scope, &Organizations::All, id)?;
    let endpoint = row.clone().wire()?;
    scope.record(action, row.subject(), serde_json::to_value(&endpoint)?);
    Ok(endpoint)
}

fn checked(scope: &mut Scope<'_>, mut state: State) -> Result<State, ApiError> {
    let mut errors = vec![];
    clean_lines(&mut state.note, "/note", 1000, &mut errors);
    errors.extend(check_url(scope, &state.url));
    ApiError::unless_empty(errors)?;
    state.event_types.sort();
    state.event_types.dedup();
    people::require(scope, &state.contact_person_id, "/contact_person_id")?;
    Ok(state)
}

/// What is wrong with an address, as far as it can be seen before its name is resolved.
fn check_url(scope: &Scope<'_>, url: &str) -> Option<FieldError> {
    let config = &scope.app.config.webhooks;
    let invalid = || {
        FieldError::new(
            "/url",
            "invalid_url",
            "https://ホスト名/… の形の URL にしてください。利用者名、断片（#）、全角文字は使えません。",
            "Give a URL as https://host/… without user name, fragment or letters outside ASCII.",
        )
    };
    let Ok(uri) = url.parse::<ureq::http::Uri>() else {
        return Some(invalid());
    };
    let https = uri.scheme_str() == Some("https");
    let plain = uri.scheme_str() == Some("http") && config.allow_http;
    let authority = uri
        .authority()
        .map(ureq::http::uri::Authority::as_str)
        .unwrap_or_default();
    if !(https || plain) || authority.is_empty() || authority.contains('@') || !url.is_ascii() || url.contains('#') {
        return Some(invalid());
    }
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
    let literal: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if literal.is_some_and(|address| !may_connect(address, port, &config.allowed_networks)) {
        return Some(FieldError::new(
            "/url",
            "forbidden_address",
            "この宛先には送れません。庁内の受信先は、運用者がそのネットワークを許可する必要があります。",
            "Webhooks may not be sent to this address; for a receiver inside the house the operator must allow its network.",
        ));
    }
    None
}
