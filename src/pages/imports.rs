//! Importing a file from Excel: sending it, how far it is, and what is wrong with which cell. The page of one that is
//! under way asks again by itself, without a script.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use serde::Deserialize;

use super::form::{Form, is_from_here};
use super::frame::{Frame, page};
use super::my_work::texts;
use super::overview::Choice;
use super::said;
use super::sign_in::go_to;
use super::viewer::Viewer;
use crate::app::Scope;
use crate::domain::sight::Room;
use crate::domain::vocabulary::CodeWord;
use crate::http::body::path_id;
use crate::http::error::{ApiError, Lang};
use crate::imports::session::{self, Reader};
use crate::imports::wire::{Import, ImportMode, ImportRowError, ImportStatus};
use crate::sheets::columns::Entity;

/// Errors of a page.
const ERRORS: i64 = 100;

struct ImportLine {
    id: String,
    file: String,
    entity: String,
    mode: String,
    status: String,
    class: &'static str,
    at: String,
    rows: String,
}

const fn class(status: ImportStatus) -> &'static str {
    match status {
        ImportStatus::Succeeded => "good",
        ImportStatus::Failed => "bad",
        ImportStatus::Queued | ImportStatus::Running => "warn",
        ImportStatus::Cancelled => "",
    }
}

fn entity_name(lang: Lang, entity: Entity) -> String {
    said::word(lang, entity)
}

#[derive(Template)]
#[template(path = "imports.html")]
struct ImportsPage {
    frame: Frame,
    entities: Vec<(&'static str, String)>,
    organizations: Vec<Choice>,
    error: Option<String>,
    lines: Vec<ImportLine>,
}

fn imports(
    frame: Frame,
    viewer: &Viewer,
    scope: &mut Scope<'_>,
    error: Option<String>,
) -> Result<ImportsPage, ApiError> {
    let lang = frame.lang;
    let organizations = viewer.session.seen.room(Room::Imports);
    let reader = Reader {
        organizations: &organizations,
        person_id: &viewer.session.person_id,
    };
    let zone = scope.zone;
    let line = |one: Import| ImportLine {
        entity: entity_name(lang, one.entity),
        mode: said::word(lang, one.mode),
        status: said::word(lang, one.status),
        class: class(one.status),
        at: said::moment(lang, one.created_at, zone),
        rows: format!("{}／{}", one.counts.failed, one.counts.read),
        file: one.file_name,
        id: one.id,
    };
    let lines = session::newest(scope, &reader, lang)?.into_iter().map(line).collect();
    let open = viewer.session.seen.open(Room::Imports);
    Ok(ImportsPage {
        entities: Entity::ALL
            .iter()
            .map(|entity| (entity.code(), entity_name(lang, *entity)))
            .collect(),
        organizations: open
            .into_iter()
            .map(|one| Choice {
                id: one.id.clone(),
                name: one.name.clone(),
                is_chosen: false,
            })
            .collect(),
        error,
        lines,
        frame,
    })
}

/// The latest imports, and the form to send a file.
#[get("/imports")]
pub(super) async fn get_imports(request: HttpRequest, viewer: Viewer) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Imports)?;
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| imports(frame, viewer, scope, None))
        .await?;
    page(&request, StatusCode::OK, &template)
}

/// Takes a file on.
#[post("/imports")]
pub(super) async fn post_imports(
    request: HttpRequest,
    viewer: Viewer,
    form: Multipart,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Imports)?;
    if !is_from_here(&request) {
        return Err(ApiError::ForeignForm);
    }
    let frame = Frame::for_viewer(&request, &viewer);
    let begun = match session::receive(viewer.app(), &request, form).await {
        Ok(sent) => {
            let begin = move |viewer: &Viewer, scope: &mut Scope<'_>| {
                session::begin(scope, &viewer.session.seen.room(Room::Imports), sent)
            };
            viewer.write(begin).await
        }
        Err(error) => Err(error),
    };
    match begun {
        Ok(id) => Ok(go_to(&format!("/imports/{id}"))),
        Err(ApiError::Validation(errors)) => {
            let text = texts(frame.lang, &errors);
            let template = viewer
                .read(move |viewer, scope| imports(frame, viewer, scope, Some(text)))
                .await?;
            page(&request, StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
        Err(error) => Err(error),
    }
}

/// Where to read on.
#[derive(Debug, Deserialize)]
pub(super) struct Query {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    frame: Frame,
    one: Import,
    entity: String,
    mode: String,
    status: String,
    class: &'static str,
    phase: String,
    at: String,
    finished: String,
    is_running: bool,
    was_dry_run: bool,
    errors: Vec<ImportRowError>,
    next: Option<String>,
}

/// How far one is, and what is wrong.
#[get("/imports/{import_id}")]
pub(super) async fn get_import(
    request: HttpRequest,
    viewer: Viewer,
    id: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Imports)?;
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| {
            let lang = frame.lang;
            let organizations = viewer.session.seen.room(Room::Imports);
            let reader = Reader {
                organizations: &organizations,
                person_id: &viewer.session.person_id,
            };
            let one = session::find(scope, &reader, &path_id(&id)?, lang)?;
            let (errors, next) = session::errors(scope, &one.id, query.cursor.as_deref(), ERRORS, lang)?;
            Ok(ImportPage {
                entity: entity_name(lang, one.entity),
                mode: said::word(lang, one.mode),
                status: said::word(lang, one.status),
                class: class(one.status),
                phase: said::word(lang, one.phase),
                at: said::moment(lang, one.created_at, scope.zone),
                finished: one
                    .finished_at
                    .map(|at| said::moment(lang, at, scope.zone))
                    .unwrap_or_default(),
                is_running: matches!(one.status, ImportStatus::Queued | ImportStatus::Running),
                was_dry_run: one.mode == ImportMode::DryRun,
                next: next.map(|cursor| said::address(&format!("/imports/{}", one.id), [("cursor", cursor.as_str())])),
                errors,
                one,
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}

/// Cancels one.
#[post("/imports/{import_id}")]
pub(super) async fn post_import(viewer: Viewer, id: web::Path<String>, form: Form) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Imports)?;
    if form.text("cancel") != Some("yes") {
        return Err(ApiError::NotFound);
    }
    let id = path_id(&id)?;
    let wanted = id.clone();
    viewer
        .write(move |viewer, scope| {
            let organizations = viewer.session.seen.room(Room::Imports);
            let reader = Reader {
                organizations: &organizations,
                person_id: &viewer.session.person_id,
            };
            session::cancel(scope, &reader, &wanted)
        })
        .await?;
    Ok(go_to(&format!("/imports/{id}")))
}

/// The rows with errors, to correct and send again.
#[get("/imports/{import_id}/error-file")]
pub(super) async fn get_error_file(
    request: HttpRequest,
    viewer: Viewer,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Imports)?;
    let lang = Frame::of(&request).lang;
    let session = &viewer.session;
    let reader = (session.seen.room(Room::Imports), session.person_id.clone());
    session::download(
        viewer.app().clone(),
        session.tenant.clone(),
        reader,
        path_id(&id)?,
        lang,
    )
    .await
}
