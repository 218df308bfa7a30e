//! One's own work: what is open, hand-overs that wait, decisions that wait ([`waiting`]); the preview of a hand-over, and
//! everything that one would hand over oneself.

mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;

use super::form::Form;
use super::frame::{Frame, page};
use super::said;
use super::sign_in::go_to;
use super::viewer::Viewer;
use crate::app::Scope;
use crate::domain::hand_over::HandOverState;
use crate::http::body::path_id;
use crate::http::error::{ApiError, FieldError, Lang};
use crate::obligations;
use crate::ownership_transfers::personal as transfers;
use crate::ownership_transfers::wire::{
    AcceptanceCreate, AcceptanceWord, OwnershipTransfer, TransferObject, TransferObjectKind,
};
use crate::reports::line;
use crate::sheets::columns::Target;
use crate::sheets::names;

/// Open due dates that the page shows.
const MOST_DUE: i64 = 100;

struct Due {
    entry_id: Option<String>,
    control_number: String,
    name: String,
    kind: String,
    due: String,
    distance: String,
    class: &'static str,
    open: String,
}

struct Transfer {
    id: String,
    state: String,
    class: &'static str,
    from: String,
    to: String,
    on: String,
    until: String,
}

#[derive(Template)]
#[template(path = "my_work.html")]
struct MyWorkPage {
    frame: Frame,
    name: String,
    roles: Vec<String>,
    late: usize,
    dues: Vec<Due>,
    transfers: Vec<Transfer>,
    decisions: Vec<waiting::Decision>,
}

/// The page.
#[get("/my-work")]
pub(super) async fn get_my_work(request: HttpRequest, viewer: Viewer) -> Result<HttpResponse, ApiError> {
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| {
            let lang = frame.lang;
            let session = &viewer.session;
            let dues = dues(scope, lang, viewer)?;
            let found = transfers::of_person(scope, &session.person_id, &session.seen.posts)?;
            let decisions = waiting::of(scope, lang, viewer)?;
            Ok(MyWorkPage {
                name: session.person_name.clone(),
                roles: session
                    .seen
                    .roles()
                    .into_iter()
                    .map(|role| said::word(lang, role))
                    .collect(),
                late: dues.iter().filter(|due| due.class == "bad").count(),
                dues,
                transfers: shown(scope, lang, found)?,
                decisions,
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}

fn dues(scope: &mut Scope<'_>, lang: Lang, viewer: &Viewer) -> Result<Vec<Due>, ApiError> {
    let session = &viewer.session;
    let open = obligations::personal::of_person(scope, &session.seen.own, &session.person_id, MOST_DUE)?;
    let ids: BTreeSet<String> = open.iter().filter_map(|one| one.entry_id.clone()).collect();
    let rows = line::rows(scope, &ids)?;
    let lines = line::lines(scope, &rows)?;
    let today = scope.today;
    let due = |one: obligations::Obligation| {
        let entry = one.entry_id.as_ref().and_then(|id| lines.get(id));
        let unanswered = one.clauses.iter().filter(|clause| clause.answer.is_none()).count();
        Due {
            control_number: entry.map(|entry| entry.control_number.clone()).unwrap_or_default(),
            name: entry.map(|entry| entry.name.clone()).unwrap_or_default(),
            kind: said::word(lang, one.kind),
            due: said::day(lang, one.due_on),
            distance: said::distance(lang, today, one.due_on),
            class: said::distance_class(today, one.due_on),
            open: if one.clauses.is_empty() {
                String::new()
            } else {
                lang.pick(format!("条項 {unanswered}件"), format!("{unanswered} clauses"))
            },
            entry_id: one.entry_id,
        }
    };
    Ok(open.into_iter().map(due).collect())
}

/// Who hands over to whom, by name.
fn shown(scope: &mut Scope<'_>, lang: Lang, found: Vec<OwnershipTransfer>) -> Result<Vec<Transfer>, ApiError> {
    let ids = |of: fn(&OwnershipTransfer) -> [Option<&String>; 2]| -> BTreeSet<String> {
        found.iter().flat_map(of).flatten().cloned().collect()
    };
    let wanted = BTreeMap::from([
        (
            Target::Person,
            ids(|one| [one.from_person_id.as_ref(), one.to_person_id.as_ref()]),
        ),
        (
            Target::Post,
            ids(|one| [one.from_post_id.as_ref(), one.to_post_id.as_ref()]),
        ),
    ]);
    let names = names::load(scope, wanted)?;
    let who = |person: &Option<String>, post: &Option<String>| {
        let name = |target, id: &Option<String>| names.0.get(&(target, id.clone()?)).map(|name| name.name.clone());
        let all: Vec<String> = [name(Target::Post, post), name(Target::Person, person)]
            .into_iter()
            .flatten()
            .collect();
        if all.is_empty() {
            "―".to_owned()
        } else {
            all.join(" ")
        }
    };
    let transfer = |one: &OwnershipTransfer| Transfer {
        id: one.id.clone(),
        state: said::word(lang, one.state),
        class: match one.state {
            HandOverState::Pending => "warn",
            HandOverState::Declined => "bad",
            HandOverState::Accepted => "good",
            HandOverState::Announced | HandOverState::Ended => "",
        },
        from: who(&one.from_person_id, &one.from_post_id),
        to: who(&one.to_person_id, &one.to_post_id),
        on: said::day(lang, one.effective_on),
        until: said::day(lang, one.due_on),
    };
    Ok(found.iter().map(transfer).collect())
}

struct Object {
    kind: &'static str,
    name: String,
    control_number: String,
    entry_id: Option<String>,
    due: String,
    moves: bool,
}

fn object(lang: Lang, one: TransferObject) -> Object {
    let kind = match one.kind {
        TransferObjectKind::EntryOwner => lang.pick("責任者", "owner of"),
        TransferObjectKind::EntryDeputy => lang.pick("代理者", "deputy of"),
        TransferObjectKind::SocialMediaService => lang.pick("SNSサービスの責任者", "responsible for"),
        TransferObjectKind::Obligation => lang.pick("確認の担当", "confirms"),
        TransferObjectKind::Post => lang.pick("職", "post"),
    };
    Object {
        kind,
        name: one.name,
        control_number: one.control_number.unwrap_or_default(),
        entry_id: one.entry_id,
        due: said::day_or_dash(lang, one.next_due_on),
        moves: one.moves,
    }
}

#[derive(Template)]
#[template(path = "hand_over.html")]
struct HandOverPage {
    frame: Frame,
    /// The transfer; `None` for what one holds oneself.
    transfer: Option<Transfer>,
    reason: String,
    /// The viewer is asked to accept it.
    is_asked: bool,
    error: Option<String>,
    objects: Vec<Object>,
}

/// Everything that one would hand over.
#[get("/hand-over")]
pub(super) async fn get_own_hand_over(request: HttpRequest, viewer: Viewer) -> Result<HttpResponse, ApiError> {
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| {
            let session = &viewer.session;
            let held = transfers::held_by(scope, &session.person_id, &session.seen.posts)?;
            Ok(HandOverPage {
                transfer: None,
                reason: String::new(),
                is_asked: false,
                error: None,
                objects: held.into_iter().map(|one| object(frame.lang, one)).collect(),
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}

/// A transfer that the viewer takes part in, or whose organization they oversee.
fn found(viewer: &Viewer, scope: &mut Scope<'_>, id: &str) -> Result<OwnershipTransfer, ApiError> {
    let transfer = transfers::announced(scope, &path_id(id)?)?;
    let session = &viewer.session;
    let is_me = |person: &Option<String>| person.as_deref() == Some(session.person_id.as_str());
    let is_my_post = |post: &Option<String>| post.as_ref().is_some_and(|post| session.seen.posts.contains(post));
    let takes_part = is_me(&transfer.from_person_id)
        || is_me(&transfer.to_person_id)
        || is_my_post(&transfer.from_post_id)
        || is_my_post(&transfer.to_post_id);
    let oversees = match &transfer.organization_id {
        Some(organization) => session.seen.sight.organizations.contains(organization),
        None => session.seen.within.is_none(),
    };
    if takes_part || oversees {
        Ok(transfer)
    } else {
        Err(ApiError::NotFound)
    }
}

fn hand_over(
    frame: Frame,
    viewer: &Viewer,
    scope: &mut Scope<'_>,
    id: &str,
    error: Option<String>,
) -> Result<HandOverPage, ApiError> {
    let lang = frame.lang;
    let mut transfer = found(viewer, scope, id)?;
    let objects = transfer.objects.take().unwrap_or_default();
    let session = &viewer.session;
    let mine = transfer.to_person_id.as_deref() == Some(session.person_id.as_str());
    let takes = |post: &Option<String>| post.as_ref().is_some_and(|post| session.seen.posts.contains(post));
    let waits = matches!(transfer.state, HandOverState::Announced | HandOverState::Pending);
    Ok(HandOverPage {
        is_asked: waits && (mine || takes(&transfer.to_post_id) || takes(&transfer.from_post_id)),
        reason: transfer.reason.clone().unwrap_or_default(),
        transfer: shown(scope, lang, vec![transfer])?.pop(),
        error,
        objects: objects.into_iter().map(|one| object(lang, one)).collect(),
        frame,
    })
}

/// The preview of a hand-over.
#[get("/hand-overs/{transfer_id}")]
pub(super) async fn get_hand_over(
    request: HttpRequest,
    viewer: Viewer,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| hand_over(frame, viewer, scope, &id, None))
        .await?;
    page(&request, StatusCode::OK, &template)
}

/// Accepts or declines it.
#[post("/hand-overs/{transfer_id}")]
pub(super) async fn post_hand_over(
    request: HttpRequest,
    viewer: Viewer,
    id: web::Path<String>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    let frame = Frame::for_viewer(&request, &viewer);
    let lang = frame.lang;
    let answer = match form.text("answer") {
        Some("accept") => Ok(AcceptanceWord::Accept),
        Some("decline") => Ok(AcceptanceWord::Decline),
        _ => Err(lang
            .pick(
                "「引き受ける」か「引き受けない」を選んでください。",
                "Choose to accept or to decline.",
            )
            .to_owned()),
    };
    let note = form.text("note").map(str::to_owned);
    let id = id.into_inner();
    let sent = match answer {
        Err(text) => Err(text),
        Ok(answer) => {
            let id = id.clone();
            let done = viewer
                .write(move |viewer, scope| {
                    let transfer = found(viewer, scope, &id)?;
                    let new = AcceptanceCreate { answer, note };
                    transfers::answer_as(scope, &transfer.id, &viewer.session.person_id, new)
                })
                .await;
            match done {
                Err(ApiError::Validation(errors)) => Err(texts(lang, &errors)),
                Err(ApiError::Conflict { ja, en, .. }) => Err(lang.pick(ja, en)),
                other => Ok(other?),
            }
        }
    };
    match sent {
        Ok(()) => Ok(go_to("/my-work")),
        Err(text) => {
            let template = viewer
                .read(move |viewer, scope| hand_over(frame, viewer, scope, &id, Some(text)))
                .await?;
            page(&request, StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
    }
}

/// What is wrong, in one text.
pub(super) fn texts(lang: Lang, errors: &[FieldError]) -> String {
    let texts: Vec<&str> = errors
        .iter()
        .map(|error| lang.pick(error.message.as_str(), error.message_en.as_str()))
        .collect();
    texts.join(" ")
}
