//! The owner's page (`/r/…`): what a mail's link opens, without a password. Every route of it is on this screen.
//!
//! GET and HEAD change nothing, and a button pressed without answers changes nothing either: scanners of mails open links
//! and press buttons. What is asked comes from [`crate::answers`], who may open what from [`crate::links`]; here it is said
//! in HTML, and forms are read: [`sheet`] shows, [`send`] takes in, the other files are one small form each.

mod card;
mod changes;
mod choose;
mod code;
mod form;
mod grace;
mod hand_over;
mod maker;
mod person;
mod send;
mod sheet;
mod small;
mod staff;
mod wrong;

use actix_web::http::{StatusCode, header};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;

use super::frame::{Frame, page};
use crate::answers::{letters, receipts, require_open};
use crate::app::{App, Scope, Tenant};
use crate::domain::calendar::wareki_with_weekday;
use crate::domain::link::LinkPurpose;
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::links::{self, LinkRow};

/// Every page behind a link.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(code::get_code_form)
        .service(code::enter_code)
        .service(get_link)
        .service(send::answer_link)
        .service(get_receipt)
        .service(hand_over::get_hand_over)
        .service(hand_over::hand_over)
        .service(grace::get_more_time)
        .service(grace::ask_more_time)
        .service(staff::get_staff)
        .service(staff::ask_staff)
        .service(changes::get_changes)
        .service(changes::send_changes);
}

/// A link that somebody was sent.
#[derive(Debug, Clone)]
struct Opened {
    app: App,
    tenant: Tenant,
    link: LinkRow,
    token: String,
}

impl Opened {
    /// The link of a token.
    ///
    /// # Errors
    /// 404 for one that nobody was sent, 429 for many of them.
    async fn of(request: &HttpRequest, token: &str) -> Result<Self, ApiError> {
        let app = request
            .app_data::<web::Data<App>>()
            .ok_or_else(|| ApiError::internal("no application"))?
            .get_ref()
            .clone();
        let (finder, sent) = (app.clone(), token.to_owned());
        let found = web::block(move || links::find(&finder, &sent))
            .await
            .map_err(ApiError::internal)??;
        let Some((tenant, link)) = found else {
            app.limits.wrong_link(request)?;
            return Err(ApiError::NotFound);
        };
        Ok(Self {
            app,
            tenant,
            link,
            token: token.to_owned(),
        })
    }

    /// Where the link's pages are.
    fn base(&self) -> String {
        format!("/r/{}", self.token)
    }

    /// Reads what is behind the link, on the current thread.
    ///
    /// # Errors
    /// 410 for a link that is over; what `f` answers.
    fn read_now<T>(&self, f: impl FnOnce(&mut Scope<'_>, &LinkRow) -> Result<T, ApiError>) -> Result<T, ApiError> {
        self.app.read_as(&self.tenant, |scope| {
            require_open(scope, &self.link)?;
            f(scope, &self.link)
        })
    }

    /// The same on a blocking thread.
    async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Scope<'_>, &LinkRow) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let opened = self.clone();
        web::block(move || opened.read_now(f))
            .await
            .map_err(ApiError::internal)?
    }

    /// Writes in the name of a person, one sheet of the link after the other.
    ///
    /// # Errors
    /// 410 for a link that is over; what `f` answers.
    fn write_now<T>(
        &self,
        person_id: &str,
        f: impl FnOnce(&mut Scope<'_>, &LinkRow) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let actor = Actor {
            client_id: None,
            person_id: Some(person_id.to_owned()),
            via: "link",
        };
        self.app.write_as(&self.tenant, actor, |scope| {
            links::hold(scope, &self.link)?;
            require_open(scope, &self.link)?;
            f(scope, &self.link)
        })
    }

    /// Writes in the name of the person that the link is for, on a blocking thread.
    async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Scope<'_>, &LinkRow, &str) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let opened = self.clone();
        web::block(move || {
            let person = opened.person()?;
            opened.write_now(person, |scope, link| f(scope, link, person))
        })
        .await
        .map_err(ApiError::internal)?
    }

    /// The person that the link is for; forms that act in somebody's name are not for mailboxes.
    fn person(&self) -> Result<&str, ApiError> {
        self.link.person_id.as_deref().ok_or(ApiError::NotFound)
    }
}

/// What was done, and where to go on.
#[derive(Template)]
#[template(path = "answer_done.html")]
struct DonePage {
    frame: Frame,
    title: String,
    lines: Vec<String>,
    back: String,
}

fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .finish()
}

/// What a link opens.
#[get("/r/{token}")]
async fn get_link(request: HttpRequest, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let opened = Opened::of(&request, &token).await?;
    match opened.link.purpose.0 {
        LinkPurpose::Answer | LinkPurpose::Prepare => sheet::show(&request, &opened).await,
        LinkPurpose::Grace => grace::show_decision(&request, &opened).await,
        LinkPurpose::Choose => choose::show(&request, &opened).await,
    }
}

#[derive(Template)]
#[template(path = "answer_receipt.html")]
struct ReceiptPage {
    frame: Frame,
    number: String,
    by: String,
    at: String,
    things: Vec<ShownThing>,
    contact: String,
    back: String,
}

/// What was answered about one thing, in words.
struct ShownThing {
    title: String,
    due: String,
    next: Option<String>,
    lines: Vec<receipts::AnsweredLine>,
}

/// A receipt.
#[get("/r/{token}/receipts/{number}")]
async fn get_receipt(request: HttpRequest, path: web::Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let (token, number) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    let read = opened.read(move |scope, link| {
        let receipt = receipts::find(scope, link, &number)?;
        let at = letters::in_words(scope, receipt.at);
        let (contact, _) = letters::house(scope)?;
        Ok((receipt, at, contact))
    });
    let (receipt, at, contact) = read.await?;
    let things = receipt.things.into_iter().map(|thing| ShownThing {
        title: match &thing.control_number {
            Some(number) => format!("{}（{number}）", thing.name),
            None => thing.name.clone(),
        },
        due: format!("{} {}", thing.due, wareki_with_weekday(thing.due_on)),
        next: thing.next_due_on.map(wareki_with_weekday),
        lines: thing.lines,
    });
    let template = ReceiptPage {
        frame: Frame::of(&request),
        number: receipt.number,
        by: receipt.by,
        at,
        things: things.collect(),
        contact,
        back: opened.base(),
    };
    page(&request, StatusCode::OK, &template)
}
