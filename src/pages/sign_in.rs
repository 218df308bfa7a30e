//! Signing in and out. The link of the mail shows a button and changes nothing by being opened; the button signs in.
//! Links and sessions are [`crate::sessions`]'; the way through a provider is in [`super::openid`].

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use serde::Deserialize;

use super::cookie::Kept;
use super::form::Form;
use super::frame::{Frame, page};
use super::openid::{Door, Wrong};
use super::viewer::Viewer;
use crate::app::App;
use crate::domain::identifier::EmailAddress;
use crate::domain::sight::Room;
use crate::http::error::ApiError;
use crate::sessions::{self, Started};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    then: String,
    /// What was typed, when it is no address.
    wrong: Option<String>,
    /// A link was asked for.
    is_sent: bool,
    /// Somebody signed out.
    is_out: bool,
    /// The other way in, where there is one.
    door: Option<Door>,
    /// What went wrong on that way.
    trouble: Option<String>,
}

impl SignInPage {
    fn of(request: &HttpRequest, app: &App, then: &str) -> Self {
        let then = sessions::local_path(then);
        Self {
            frame: Frame::of(request),
            then: then.to_owned(),
            wrong: None,
            is_sent: false,
            is_out: false,
            door: Door::of(app, then),
            trouble: None,
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct LinkPage {
    frame: Frame,
    name: String,
}

#[derive(Template)]
#[template(path = "sign_in_over.html")]
struct OverPage {
    frame: Frame,
}

/// Where to come back to.
#[derive(Debug, Deserialize)]
struct Query {
    then: Option<String>,
    out: Option<String>,
    openid: Option<String>,
}

/// Goes on to another page.
pub(super) fn go_to(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path.to_owned()))
        .finish()
}

/// Goes on to where somebody wanted to go, signed in.
///
/// # Errors
/// A secret that no cookie holds, which is ours to fix.
pub(super) fn signed_in(app: &App, started: Started) -> Result<HttpResponse, ApiError> {
    let mut gone_on = go_to(&started.leads_to);
    Kept::Session.set(app, &mut gone_on, Some(started.secret))?;
    Ok(gone_on)
}

/// The first page: the figures for whoever sees them, one's own work for everybody else.
#[get("/")]
pub(super) async fn get_home(viewer: Viewer) -> HttpResponse {
    let overview = viewer.session.seen.sight.enters(Room::Overview);
    go_to(if overview { "/overview" } else { "/my-work" })
}

/// The page that asks for a mail address.
#[get("/sign-in")]
pub(super) async fn get_sign_in(
    request: HttpRequest,
    app: web::Data<App>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let mut template = SignInPage::of(&request, &app, query.then.as_deref().unwrap_or("/"));
    template.is_out = query.out.is_some();
    let wrong = query.openid.as_deref().and_then(Wrong::of);
    if let (Some(wrong), Some(door)) = (wrong, &template.door) {
        template.trouble = Some(wrong.text(template.frame.lang, &door.name));
    }
    page(&request, StatusCode::OK, &template)
}

/// Mails a link, if the address is somebody's; the answer is the same if it is nobody's.
#[post("/sign-in")]
pub(super) async fn post_sign_in(
    request: HttpRequest,
    app: web::Data<App>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    app.limits.sign_in(&request)?;
    let typed = form.text("email").unwrap_or_default().to_owned();
    let mut template = SignInPage::of(&request, &app, form.text("then").unwrap_or("/"));
    let then = template.then.clone();
    if EmailAddress::parse(&typed).is_err() {
        template.wrong = Some(typed);
        return page(&request, StatusCode::UNPROCESSABLE_ENTITY, &template);
    }
    let app = app.get_ref().clone();
    web::block(move || sessions::request(&app, &typed, &then))
        .await
        .map_err(ApiError::internal)??;
    template.is_sent = true;
    page(&request, StatusCode::OK, &template)
}

/// The page of a link: whom it is for, and a button.
#[get("/s/{token}")]
pub(super) async fn get_link(
    request: HttpRequest,
    app: web::Data<App>,
    token: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    app.limits.sign_in(&request)?;
    let app = app.get_ref().clone();
    let found = web::block(move || sessions::open_link(&app, &token))
        .await
        .map_err(ApiError::internal)?;
    let frame = Frame::of(&request);
    match found {
        Ok(link) => {
            let name = link.person_name;
            page(&request, StatusCode::OK, &LinkPage { frame, name })
        }
        Err(ApiError::NotFound) => page(&request, StatusCode::NOT_FOUND, &OverPage { frame }),
        Err(error) => Err(error),
    }
}

/// Signs in.
#[post("/s/{token}")]
pub(super) async fn post_link(
    request: HttpRequest,
    app: web::Data<App>,
    token: web::Path<String>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    app.limits.sign_in(&request)?;
    // What presses buttons without reading leaves the field as it is sent, or leaves it out.
    if form.text("sign_in") != Some("yes") {
        return Err(ApiError::NotFound);
    }
    let started = {
        let app = app.get_ref().clone();
        web::block(move || sessions::start(&app, &token))
            .await
            .map_err(ApiError::internal)?
    };
    match started {
        Ok(started) => signed_in(&app, started),
        Err(ApiError::NotFound) => {
            let frame = Frame::of(&request);
            page(&request, StatusCode::NOT_FOUND, &OverPage { frame })
        }
        Err(error) => Err(error),
    }
}

/// Signs out, here or everywhere.
#[post("/sign-out")]
pub(super) async fn post_sign_out(viewer: Viewer, form: Form) -> Result<HttpResponse, ApiError> {
    let everywhere = form.text("where") == Some("everywhere");
    let ending = viewer.clone();
    web::block(move || sessions::end(ending.app(), &ending.session, everywhere))
        .await
        .map_err(ApiError::internal)??;
    let mut answer = go_to("/sign-in?out=1");
    Kept::Session.set(viewer.app(), &mut answer, None)?;
    Ok(answer)
}
