//! A small form on which a person is searched for and chosen: to hand over to ([`super::hand_over`]), or to ask for a draft
//! ([`super::staff`]).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::Opened;
use super::card::{Choice, Field};
use super::small::{About, own};
use super::wrong::Wrong;
use crate::answers::asked::Asked;
use crate::answers::reader_name;
use crate::app::Scope;
use crate::http::error::{ApiError, FieldError};
use crate::links::LinkRow;
use crate::pages::form::Form;
use crate::pages::frame::{Frame, page};
use crate::people::search::{Found, search};

/// What such a form says, in Japanese and English.
pub(super) struct Wording {
    /// The part of the address that is its own.
    pub path: &'static str,
    /// Its heading.
    pub title: [&'static str; 2],
    /// What will follow.
    pub explained: [&'static str; 2],
    /// What the text is for.
    pub text: [&'static str; 2],
    /// The button.
    pub button: [&'static str; 2],
    /// Whether only those are found who can be written to.
    pub by_mail: bool,
}

#[derive(Template)]
#[template(path = "answer_person.html")]
struct PersonPage {
    frame: Frame,
    title: &'static str,
    explained: &'static str,
    about: About,
    q: String,
    searched: bool,
    found: Vec<Choice>,
    choice_error: Option<String>,
    text_label: &'static str,
    text: Field,
    name: Field,
    expected: String,
    button: &'static str,
    errors: Vec<(String, String)>,
    action: String,
    back: String,
}

/// What the page is made of.
struct Choosing {
    /// About what.
    asked: Asked,
    /// Whose link it is.
    expected: String,
    /// Who was found.
    found: Vec<Found>,
}

/// Reads it; too short a word finds nobody, and nobody finds themselves.
fn choosing(scope: &mut Scope<'_>, link: &LinkRow, id: &str, q: &str) -> Result<Choosing, ApiError> {
    let mut found = match search(scope, q) {
        Err(ApiError::Validation(_)) => vec![],
        found => found?,
    };
    found.retain(|person| Some(&person.id) != link.person_id.as_ref());
    Ok(Choosing {
        asked: own(scope, link, id)?,
        expected: reader_name(scope, link.reader()?)?,
        found,
    })
}

/// The word that is searched for, from the address.
fn searched(request: &HttpRequest) -> String {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = query.map(web::Query::into_inner).unwrap_or_default();
    pairs
        .into_iter()
        .find(|(name, _)| name == "q")
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

fn choice(person: &Found, form: &Form) -> Choice {
    Choice {
        code: person.id.clone(),
        label: match person.departments.as_slice() {
            [] => person.name.clone(),
            departments => format!("{}（{}）", person.name, departments.join("、")),
        },
        checked: form.text("to") == Some(person.id.as_str()),
    }
}

/// The form as nobody has filled it in, with who was found.
pub(super) async fn show(
    request: &HttpRequest,
    opened: &Opened,
    wording: &Wording,
    id: String,
) -> Result<HttpResponse, ApiError> {
    opened.person()?;
    render(request, opened, wording, id, searched(request), &Form::default(), &[]).await
}

/// The form as it was sent, with what is wrong.
pub(super) async fn show_again(
    request: &HttpRequest,
    opened: &Opened,
    wording: &Wording,
    id: String,
    form: &Form,
    errors: &[FieldError],
) -> Result<HttpResponse, ApiError> {
    let q = form.text("q").unwrap_or_default().to_owned();
    render(request, opened, wording, id, q, form, errors).await
}

async fn render(
    request: &HttpRequest,
    opened: &Opened,
    wording: &Wording,
    id: String,
    q: String,
    form: &Form,
    errors: &[FieldError],
) -> Result<HttpResponse, ApiError> {
    let (words, about) = (q.clone(), id.clone());
    let read = opened.read(move |scope, link| choosing(scope, link, &about, &words));
    let loaded = read.await?;
    let frame = Frame::of(request);
    let wrong = Wrong::new(frame.lang, errors);
    let of = |[ja, en]: [&'static str; 2]| frame.lang.pick(ja, en);
    let mut found = loaded.found;
    // Whoever cannot be written to cannot be asked.
    found.retain(|person| person.has_address || !wording.by_mail);
    let template = PersonPage {
        title: of(wording.title),
        explained: of(wording.explained),
        about: About::of(&loaded.asked),
        searched: !q.is_empty(),
        found: found.iter().map(|person| choice(person, form)).collect(),
        choice_error: wrong.at("to"),
        text_label: of(wording.text),
        text: wrong.field(form, "text"),
        name: wrong.field(form, "name"),
        expected: loaded.expected,
        button: of(wording.button),
        errors: wrong.listed(),
        action: format!("{}/{}/{id}", opened.base(), wording.path),
        back: opened.base(),
        q,
        frame,
    };
    page(request, wrong.status(), &template)
}
