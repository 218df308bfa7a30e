//! The mail log: what left, what waits and what was given up, each with every attempt, for those who see that mail
//! flows. A message can be tried again ([`crate::work::redrive`]).

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use serde::Deserialize;

use super::form::Form;
use super::frame::{Frame, page};
use super::said;
use super::sign_in::go_to;
use super::viewer::Viewer;
use crate::domain::sight::Room;
use crate::domain::vocabulary::CodeWord;
use crate::http::body::path_id;
use crate::http::error::{ApiError, Lang};
use crate::messages::{self, Message, MessageState};
use crate::reminders;
use crate::reports::line;
use crate::work::redrive;

/// Messages of a page.
const LIMIT: i64 = 50;

/// The filters, as the form sends them.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    state: String,
    #[serde(default)]
    cursor: String,
}

struct MailLine {
    id: String,
    subject: String,
    address: String,
    state: String,
    class: &'static str,
    made: String,
    attempts: usize,
    last: String,
}

const fn class(state: MessageState) -> &'static str {
    match state {
        MessageState::Accepted => "good",
        MessageState::InDoubt | MessageState::Held => "warn",
        MessageState::Dead => "bad",
        MessageState::Queued | MessageState::Leased | MessageState::Committing | MessageState::Cancelled => "",
    }
}

#[derive(Template)]
#[template(path = "mails.html")]
struct MailsPage {
    frame: Frame,
    counts: Vec<(&'static str, String, &'static str, i64, bool)>,
    lines: Vec<MailLine>,
    next: Option<String>,
}

fn subject(lang: Lang, message: &Message) -> String {
    let unwritten = || {
        lang.pick("（内容は送信時に決まります）", "(written when it is sent)")
            .to_owned()
    };
    message.subject.clone().unwrap_or_else(unwritten)
}

/// The log, the newest first.
#[get("/mails")]
pub(super) async fn get_mails(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Mails)?;
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| {
            let lang = frame.lang;
            let state = MessageState::parse(&query.state);
            let allowed = viewer.session.seen.room(Room::Mails);
            let cursor = Some(query.cursor.as_str()).filter(|cursor| !cursor.is_empty());
            let (found, next) = messages::newest(scope, &allowed, state, cursor, LIMIT)?;
            // How many there are in all, only to those who see all.
            let counts = if allowed.list().is_none() {
                messages::counts(scope)?
            } else {
                BTreeMap::new()
            };
            let zone = scope.zone;
            let line = |message: Message| MailLine {
                subject: subject(lang, &message),
                state: said::word(lang, message.state),
                class: class(message.state),
                made: said::moment(lang, message.created_at, zone),
                attempts: message.attempts.len(),
                last: message.last_error.unwrap_or_default(),
                address: message.address,
                id: message.id,
            };
            Ok(MailsPage {
                counts: MessageState::ALL
                    .iter()
                    .map(|one| {
                        let count = counts.get(one).copied().unwrap_or(0);
                        (
                            one.code(),
                            said::word(lang, *one),
                            class(*one),
                            count,
                            state == Some(*one),
                        )
                    })
                    .collect(),
                lines: found.into_iter().map(line).collect(),
                next: next.map(|cursor| {
                    said::address("/mails", [("state", query.state.as_str()), ("cursor", cursor.as_str())])
                }),
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}

struct AttemptLine {
    number: i32,
    at: String,
    phase: String,
    code: String,
    text: String,
}

struct ItemLine {
    entry_id: Option<String>,
    name: String,
    stage: String,
    state: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage {
    frame: Frame,
    subject: String,
    address: String,
    state: String,
    class: &'static str,
    kind: String,
    made: String,
    next_at: String,
    done_at: String,
    template: String,
    message_id: String,
    sha256: String,
    refusals: i32,
    doubts: i32,
    attempts: Vec<AttemptLine>,
    items: Vec<ItemLine>,
    can_redrive: bool,
    error: Option<String>,
}

fn mail(
    frame: Frame,
    viewer: &Viewer,
    scope: &mut crate::app::Scope<'_>,
    id: &str,
    error: Option<String>,
) -> Result<MailPage, ApiError> {
    let lang = frame.lang;
    let allowed = viewer.session.seen.room(Room::Mails);
    let message = messages::find(scope, &allowed, &path_id(id)?)?;
    let items = reminders::of_message(scope, &message.id)?;
    let ids: BTreeSet<String> = items.iter().filter_map(|item| item.entry_id.clone()).collect();
    let rows = line::rows(scope, &ids)?;
    let names: BTreeMap<String, String> = rows.into_iter().map(|row| (row.id, row.name)).collect();
    let has_bytes = redrive::has_bytes(scope, &message.id)?;
    let zone = scope.zone;
    let moment = |at| said::moment(lang, at, zone);
    let dash = || "―".to_owned();
    Ok(MailPage {
        subject: subject(lang, &message),
        state: said::word(lang, message.state),
        class: class(message.state),
        kind: said::word(lang, message.kind),
        made: moment(message.created_at),
        next_at: message.next_at.map_or_else(dash, moment),
        done_at: message.done_at.map_or_else(dash, moment),
        template: match (message.template, message.template_version) {
            (Some(name), Some(version)) => format!("{name} {version}"),
            (name, _) => name.unwrap_or_else(dash),
        },
        message_id: message.rfc_message_id.unwrap_or_else(dash),
        sha256: message.body_sha256.unwrap_or_else(dash),
        refusals: message.refusals,
        doubts: message.doubts,
        attempts: message
            .attempts
            .into_iter()
            .map(|attempt| AttemptLine {
                number: attempt.number,
                at: moment(attempt.started_at),
                phase: said::word(lang, attempt.phase),
                code: attempt.code.map_or_else(dash, |code| code.to_string()),
                text: attempt.text.unwrap_or_default(),
            })
            .collect(),
        items: items
            .into_iter()
            .map(|item| ItemLine {
                name: item
                    .entry_id
                    .as_ref()
                    .and_then(|id| names.get(id).cloned())
                    .unwrap_or_else(dash),
                entry_id: item.entry_id,
                stage: said::stage(lang, &item.stage),
                state: said::word(lang, item.state),
            })
            .collect(),
        can_redrive: redrive::is_possible(message.state.code(), has_bytes),
        address: message.address,
        error,
        frame,
    })
}

/// One message with every attempt.
#[get("/mails/{message_id}")]
pub(super) async fn get_mail(
    request: HttpRequest,
    viewer: Viewer,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Mails)?;
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| mail(frame, viewer, scope, &id, None))
        .await?;
    page(&request, StatusCode::OK, &template)
}

/// Has it tried again.
#[post("/mails/{message_id}")]
pub(super) async fn post_mail(
    request: HttpRequest,
    viewer: Viewer,
    id: web::Path<String>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Mails)?;
    if form.text("again") != Some("yes") {
        return Err(ApiError::NotFound);
    }
    let frame = Frame::for_viewer(&request, &viewer);
    let id = path_id(&id)?;
    let wanted = id.clone();
    let done = viewer
        .write(move |viewer, scope| {
            let allowed = viewer.session.seen.room(Room::Mails);
            let message = messages::find(scope, &allowed, &wanted)?;
            redrive::redrive(scope, &message.id)
        })
        .await;
    match done {
        Ok(()) => Ok(go_to(&format!("/mails/{id}"))),
        Err(ApiError::Conflict { ja, en, .. }) => {
            let text = frame.lang.pick(ja, en);
            let template = viewer
                .read(move |viewer, scope| mail(frame, viewer, scope, &id, Some(text)))
                .await?;
            page(&request, StatusCode::CONFLICT, &template)
        }
        Err(error) => Err(error),
    }
}
