//! Messages (メール): what left the house, what waits and what was given up, with every attempt. Never the bytes.
//!
//! Read only: the dispatcher makes them ([`crate::work`]). What a message carries are the reminders that name it
//! (`GET /reminders?message_id=…`). A client that is limited to organizations sees the messages that carry a reminder
//! of one of them.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{message_attempts, messages, reminder_items};
use crate::db::types::Word;
use crate::domain::vocabulary::{CodeWord, code_words};
use crate::http::answer::Answer;
use crate::http::body::{Params, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, After, page_of};
use crate::mail::DeliveryPhase;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_messages).service(get_message);
}

code_words! {
    /// How far a message came.
    MessageState {
        Queued = "queued", "送信待ち";
        Leased = "leased", "送信準備中";
        Committing = "committing", "送信中";
        InDoubt = "in_doubt", "受領不明";
        Accepted = "accepted", "受領済み";
        Dead = "dead", "送信不能";
        Cancelled = "cancelled", "取消し";
        Held = "held", "保留";
    }
}

impl MessageState {
    /// Nothing more happens to it.
    const fn has_ended(self) -> bool {
        matches!(self, Self::Accepted | Self::Dead | Self::Cancelled)
    }
}

code_words! {
    /// What sort of mail it is.
    MessageKind {
        /// Everything for one address on one day.
        Digest = "digest", "一日分";
        /// What cannot wait.
        Immediate = "immediate", "即時";
        /// No reminder: a receipt, a question to somebody.
        Notice = "notice", "通知";
    }
}

/// One attempt to hand a message over.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MessageAttempt {
    /// From 1.
    pub number: i32,
    /// The phase in which it ended.
    pub phase: DeliveryPhase,
    /// The relay's reply code.
    #[schema(required)]
    pub code: Option<i32>,
    /// The relay's words, or the fault.
    #[schema(required)]
    pub text: Option<String>,
    /// When it began.
    pub started_at: Instant,
    /// When it ended.
    #[schema(required)]
    pub ended_at: Option<Instant>,
}

/// One mail to one address.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Message {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// What sort of mail it is.
    pub kind: MessageKind,
    /// How far it came.
    pub state: MessageState,
    /// Where it goes.
    pub address: String,
    /// The local day that it is for.
    pub day_on: NaiveDate,
    /// The subject, once the content is fixed.
    #[schema(required)]
    pub subject: Option<String>,
    /// The `Message-ID` header, the same on every attempt.
    #[schema(required)]
    pub rfc_message_id: Option<String>,
    /// The template.
    #[schema(required)]
    pub template: Option<String>,
    /// Its version.
    #[schema(required)]
    pub template_version: Option<String>,
    /// SHA-256 of the bytes, in hexadecimal.
    #[schema(required)]
    pub body_sha256: Option<String>,
    /// Refusals that concern this message; 37 are five days, then it is given up.
    pub refusals: i32,
    /// How often nobody knew whether the relay took it.
    pub doubts: i32,
    /// How often the same bytes were sent again after a doubt: the most copies the recipient can have beside the first.
    pub resends: i32,
    /// When something happens next; null when it has ended.
    #[schema(required)]
    pub next_at: Option<Instant>,
    /// When its content was fixed or last sent.
    #[schema(required)]
    pub intent_at: Option<Instant>,
    /// The relay's words when it took the message.
    #[schema(required)]
    pub remote_ref: Option<String>,
    /// The last failure.
    #[schema(required)]
    pub last_error: Option<String>,
    /// Every attempt, in order.
    pub attempts: Vec<MessageAttempt>,
    /// When it was formed.
    pub created_at: Instant,
    /// When it ended.
    #[schema(required)]
    pub done_at: Option<Instant>,
}

page_of! {
    /// A page of messages.
    MessagePage of Message
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
struct MessageRow {
    id: String,
    kind: Word<MessageKind>,
    state: Word<MessageState>,
    address: String,
    local_day: NaiveDate,
    subject: Option<String>,
    rfc_message_id: Option<String>,
    template: Option<String>,
    template_version: Option<String>,
    body_sha256: Option<String>,
    attempts: i32,
    doubts: i32,
    resends: i32,
    next_at: Option<Instant>,
    intent_at: Option<Instant>,
    remote_ref: Option<String>,
    last_error: Option<String>,
    created_at: Instant,
    done_at: Option<Instant>,
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// In this state.
    #[param(nullable = false)]
    state: Option<MessageState>,
}

/// Adds the attempts, with one query.
fn complete(scope: &mut Scope<'_>, rows: Vec<MessageRow>) -> Result<Vec<Message>, ApiError> {
    type Row = (
        String,
        i32,
        Word<DeliveryPhase>,
        Option<i32>,
        Option<String>,
        Instant,
        Option<Instant>,
    );
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let found: Vec<Row> = message_attempts::table
        .filter(message_attempts::local_government_id.eq(&scope.lg))
        .filter(message_attempts::message_id.eq_any(ids))
        .order((message_attempts::message_id, message_attempts::number))
        .select((
            message_attempts::message_id,
            message_attempts::number,
            message_attempts::phase,
            message_attempts::code,
            message_attempts::text,
            message_attempts::started_at,
            message_attempts::ended_at,
        ))
        .load(scope.conn)?;
    let mut attempts: BTreeMap<String, Vec<MessageAttempt>> = BTreeMap::new();
    for (id, number, phase, code, text, started_at, ended_at) in found {
        attempts.entry(id).or_default().push(MessageAttempt {
            number,
            phase: phase.0,
            code,
            text,
            started_at,
            ended_at,
        });
    }
    Ok(rows
        .into_iter()
        .map(|row| Message {
            attempts: attempts.remove(&row.id).unwrap_or_default(),
            id: row.id,
            kind: row.kind.0,
            state: row.state.0,
            address: row.address,
            day_on: row.local_day,
            subject: row.subject,
            rfc_message_id: row.rfc_message_id,
            template: row.template,
            template_version: row.template_version,
            body_sha256: row.body_sha256,
            refusals: row.attempts,
            doubts: row.doubts,
            resends: row.resends,
            next_at: row.next_at.filter(|_| !row.state.0.has_ended()),
            intent_at: row.intent_at,
            remote_ref: row.remote_ref,
            last_error: row.last_error,
            created_at: row.created_at,
            done_at: row.done_at,
        })
        .collect())
}

/// List messages
///
/// Sorted by id, which is the order of forming.
#[utoipa::path(tag = "reminders", params(MessageFilter), security(("oauth2" = ["reminders:read"])), responses(
    (status = 200, description = "メールの一覧 / A page of messages", body = MessagePage), Problems))]
#[get("/messages")]
async fn list_messages(
    caller: Caller<scope::RemindersRead>,
    request: HttpRequest,
    Params(filter): Params<MessageFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_messages", &filter.state);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (rows, bound) = select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (rows, next) = page::cut(rows, limit, bound, &print, |row: &MessageRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = complete(scope, rows)?;
            page::answer(&path, &query, &MessagePage::new((items, next.clone())), next.as_deref())
        })
        .await
}

fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &MessageFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<MessageRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = messages::table
        .filter(messages::local_government_id.eq(scope.lg.clone()))
        .filter(messages::id.gt(start.clone()))
        .order(messages::id)
        .limit(limit + 1)
        .select(MessageRow::as_select())
        .into_boxed();
    if let Some(state) = filter.state {
        query = query.filter(messages::state.eq(state.code()));
    }
    if let Some(ids) = allowed.list() {
        query = query.filter(exists(
            reminder_items::table
                .filter(reminder_items::local_government_id.eq(scope.lg.clone()))
                .filter(reminder_items::message_id.eq(messages::id.nullable()))
                .filter(reminder_items::organization_id.eq_any(ids.to_vec())),
        ));
    }
    let bound: Option<String> = messages::table
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::id.gt(&start))
        .order(messages::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(messages::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(messages::id.le(bound.clone()));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// Get a message
///
/// With every attempt to hand it over.
#[utoipa::path(tag = "reminders", params(("message_id" = String, Path, description = "メールのID", format = Uuid)),
    security(("oauth2" = ["reminders:read"])), responses(
    (status = 200, description = "メール / The message", body = Message), Problems))]
#[get("/messages/{message_id}")]
async fn get_message(caller: Caller<scope::RemindersRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let row: MessageRow = messages::table
                .find((&scope.lg, path_id(&id)?))
                .select(MessageRow::as_select())
                .first(scope.conn)?;
            if let Some(ids) = caller.organizations.list() {
                let seen: Option<String> = reminder_items::table
                    .filter(reminder_items::local_government_id.eq(&scope.lg))
                    .filter(reminder_items::message_id.eq(Some(&row.id)))
                    .filter(reminder_items::organization_id.eq_any(ids))
                    .select(reminder_items::id)
                    .first(scope.conn)
                    .optional()?;
                seen.ok_or(ApiError::NotFound)?;
            }
            let message = complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)?;
            Answer::ok(message)
        })
        .await
}
