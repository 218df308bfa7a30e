//! "I need more time" (期限を延ばしてほしい), and the page on which the superior grants it or not. What may be asked for is
//! [`crate::domain::grace`]'s.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use chrono::NaiveDate;

use super::card::{Choice, Field};
use super::small::{About, check_name, own};
use super::wrong::{self, Wrong};
use super::{DonePage, Opened, see_other};
use crate::answers::asked::{Asked, described};
use crate::answers::grace::{GraceRow, ask, days, decide as record, superior};
use crate::answers::{letters, reader_name};
use crate::app::Scope;
use crate::domain::calendar::{wareki, wareki_with_weekday};
use crate::domain::grace::NoGrace;
use crate::http::error::{ApiError, FieldError};
use crate::links::{LinkRow, Reader};
use crate::obligations::cycles::hold;
use crate::pages::form::Form;
use crate::pages::frame::{Frame, page};

#[derive(Template)]
#[template(path = "answer_more_time.html")]
struct MoreTimePage {
    frame: Frame,
    about: About,
    /// Why no more time can be asked for.
    refused: Option<String>,
    first: String,
    last: String,
    last_in_words: String,
    superior: Option<String>,
    until: Field,
    text: Field,
    name: Field,
    expected: String,
    errors: Vec<(String, String)>,
    action: String,
    back: String,
    contact: String,
}

struct MoreTime {
    asked: Asked,
    days: Result<(NaiveDate, NaiveDate), NoGrace>,
    superior: Option<String>,
    expected: String,
    contact: String,
}

fn load(scope: &mut Scope<'_>, link: &LinkRow, id: &str) -> Result<MoreTime, ApiError> {
    let asked = own(scope, link, id)?;
    let person = link.person_id.as_deref().unwrap_or_default();
    Ok(MoreTime {
        days: days(&asked, scope.today),
        superior: superior(scope, &asked, person)?.map(|contact| contact.name),
        expected: reader_name(scope, link.reader()?)?,
        contact: letters::house(scope)?.0,
        asked,
    })
}

const fn why(refused: NoGrace) -> (&'static str, &'static str) {
    match refused {
        NoGrace::Kind => (
            "この期限は法令・契約などで決まっているため、猶予はありません。",
            "This date is set by law or contract; no more time can be granted.",
        ),
        NoGrace::Statutory => (
            "法令が求める条項が含まれるため、猶予はありません。",
            "A clause that the law itself demands is among them; no more time can be granted.",
        ),
        NoGrace::Granted => (
            "この回の猶予は既に認められています。猶予は1回の確認につき1度だけです。",
            "More time was granted already, which happens once per cycle.",
        ),
        NoGrace::Asked => (
            "猶予を申し出ています。回答をお待ちください。",
            "More time was asked for; wait for the answer.",
        ),
    }
}

fn render(
    request: &HttpRequest,
    opened: &Opened,
    loaded: MoreTime,
    form: &Form,
    errors: &[FieldError],
) -> Result<HttpResponse, ApiError> {
    let frame = Frame::of(request);
    let wrong = Wrong::new(frame.lang, errors);
    let (first, last) = loaded.days.unwrap_or_default();
    let template = MoreTimePage {
        about: About::of(&loaded.asked),
        refused: loaded.days.err().map(|refused| {
            let (ja, en) = why(refused);
            frame.t(ja, en).to_owned()
        }),
        first: first.to_string(),
        last: last.to_string(),
        last_in_words: wareki_with_weekday(last),
        superior: loaded.superior,
        until: wrong.field(form, "until"),
        text: wrong.field(form, "text"),
        name: wrong.field(form, "name"),
        expected: loaded.expected,
        errors: wrong.listed(),
        action: format!("{}/more-time/{}", opened.base(), loaded.asked.row.id),
        back: opened.base(),
        contact: loaded.contact,
        frame,
    };
    page(request, wrong.status(), &template)
}

/// The form.
#[get("/r/{token}/more-time/{obligation_id}")]
pub(super) async fn get_more_time(
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    opened.person()?;
    let read = opened.read(move |scope, link| load(scope, link, &id));
    render(&request, &opened, read.await?, &Form::default(), &[])
}

/// Asks the superior.
#[post("/r/{token}/more-time/{obligation_id}")]
pub(super) async fn ask_more_time(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    let (sent, about) = (form.clone(), id.clone());
    let written = opened.write(move |scope, link, person| ask_for(scope, link, person, &about, &sent));
    let frame = Frame::of(&request);
    match written.await {
        Ok(whom) => {
            let template = DonePage {
                title: frame.t("申し出ました", "Asked").to_owned(),
                lines: vec![frame.lang.pick(
                    format!("{whom}さんにメールで伝えました。結果はメールで届きます。期限は変わりません。"),
                    format!("{whom} is told by mail; you get the answer by mail. The due date stays."),
                )],
                back: opened.base(),
                frame,
            };
            page(&request, StatusCode::OK, &template)
        }
        Err(error) => {
            let errors = wrong::of_form(error)?;
            let read = opened.read(move |scope, link| load(scope, link, &id));
            render(&request, &opened, read.await?, &form, &errors)
        }
    }
}

fn ask_for(
    scope: &mut Scope<'_>,
    link: &LinkRow,
    person: &str,
    obligation_id: &str,
    form: &Form,
) -> Result<String, ApiError> {
    hold(scope, &[obligation_id])?;
    let asked = own(scope, link, obligation_id)?;
    let (first, last) = days(&asked, scope.today).map_err(|refused| {
        let (ja, en) = why(refused);
        ApiError::Validation(vec![FieldError::new("main", "no_grace", ja, en)])
    })?;
    let mut errors = vec![];
    let until = form.text("until").and_then(|text| text.parse::<NaiveDate>().ok());
    if until.is_none_or(|until| until < first || until > last) {
        errors.push(FieldError::new(
            "until",
            "out_of_range",
            format!("{}から{}までの日を選んでください。", wareki(first), wareki(last)),
            format!("Choose a day from {first} to {last}."),
        ));
    }
    let reason = form.text("text").filter(|text| text.chars().count() <= 1000);
    if reason.is_none() {
        errors.push(FieldError::new(
            "text",
            "required",
            "理由を1000文字以内で入れてください。",
            "Say why, in at most 1000 characters.",
        ));
    }
    check_name(form, &reader_name(scope, link.reader()?)?, &mut errors);
    let superior = superior(scope, &asked, person)?;
    if superior.is_none() {
        errors.push(FieldError::new(
            "main",
            "no_superior",
            "判断する上司が登録されていません。問合せ先へ知らせてください。",
            "No superior is registered who could decide; tell the contact.",
        ));
    }
    ApiError::unless_empty(errors)?;
    let (Some(until), Some(superior)) = (until, superior) else {
        return Err(ApiError::internal("a request without what was checked"));
    };
    ask(scope, &asked, person, until, reason.unwrap_or_default())?;
    letters::grace_asked(scope, &asked, &superior, person, until)?;
    Ok(superior.name)
}

#[derive(Template)]
#[template(path = "answer_grace.html")]
struct DecisionPage {
    frame: Frame,
    whom: String,
    about: Option<About>,
    by: String,
    until: String,
    reason: String,
    /// What was said already.
    decided: Option<String>,
    choices: Vec<Choice>,
    choice_error: Option<String>,
    text: Field,
    name: Field,
    errors: Vec<(String, String)>,
    action: String,
    contact: String,
}

struct Decision {
    whom: String,
    by: String,
    asked: Option<Asked>,
    request: Option<GraceRow>,
    contact: String,
}

/// The request that a superior's link is about: the last one of its cycle by whoever asked.
fn load_decision(scope: &mut Scope<'_>, link: &LinkRow) -> Result<Decision, ApiError> {
    let (Some(id), Some(cycle)) = (&link.obligation_id, link.cycle) else {
        return Err(ApiError::NotFound);
    };
    let asked = described(scope, id, cycle)?;
    let of = |row: &&GraceRow| Some(&row.requested_by_person_id) == link.by_person_id.as_ref();
    let request = asked.as_ref().and_then(|asked| asked.graces.iter().rfind(of)).cloned();
    Ok(Decision {
        whom: reader_name(scope, link.reader()?)?,
        by: match &link.by_person_id {
            Some(by) => reader_name(scope, Reader::Person(by))?,
            None => String::new(),
        },
        asked,
        request,
        contact: letters::house(scope)?.0,
    })
}

/// The request as nobody has decided it, or what was said to it.
pub(super) async fn show_decision(request: &HttpRequest, opened: &Opened) -> Result<HttpResponse, ApiError> {
    render_decision(request, opened, &Form::default(), &[]).await
}

async fn render_decision(
    request: &HttpRequest,
    opened: &Opened,
    form: &Form,
    errors: &[FieldError],
) -> Result<HttpResponse, ApiError> {
    let loaded = opened.read(load_decision).await?;
    let frame = Frame::of(request);
    let wrong = Wrong::new(frame.lang, errors);
    let choice = |code: &str, label: &str| Choice {
        code: code.to_owned(),
        label: label.to_owned(),
        checked: form.text("granted") == Some(code),
    };
    let asked_for = loaded.request.as_ref();
    let template = DecisionPage {
        about: loaded.asked.as_ref().map(About::of),
        until: asked_for.map_or_else(String::new, |row| wareki_with_weekday(row.until_on)),
        reason: asked_for.map_or_else(String::new, |row| row.reason.clone()),
        decided: match asked_for.map(|row| row.granted) {
            Some(None) => None,
            Some(Some(true)) => Some(frame.t("猶予を認めました。", "More time was granted.").to_owned()),
            Some(Some(false)) => Some(
                frame
                    .t("猶予を認めませんでした。", "More time was not granted.")
                    .to_owned(),
            ),
            None => Some(
                frame
                    .t(
                        "この項目は既に回答されたか、次の回に移っています。",
                        "It was answered meanwhile.",
                    )
                    .to_owned(),
            ),
        },
        choices: vec![
            choice("yes", frame.t("認める", "Grant")),
            choice("no", frame.t("認めない", "Do not grant")),
        ],
        choice_error: wrong.at("granted"),
        text: wrong.field(form, "text"),
        name: wrong.field(form, "name"),
        errors: wrong.listed(),
        action: opened.base(),
        whom: loaded.whom,
        by: loaded.by,
        contact: loaded.contact,
        frame,
    };
    page(request, wrong.status(), &template)
}

/// Takes in what the superior says.
///
/// # Errors
/// What no form can put right.
pub(super) async fn decide(request: &HttpRequest, opened: Opened, form: Form) -> Result<HttpResponse, ApiError> {
    let sent = form.clone();
    let written = opened.write(move |scope, link, person| take_in(scope, link, person, &sent));
    match written.await {
        Ok(()) => Ok(see_other(&opened.base())),
        Err(error) => render_decision(request, &opened, &form, &wrong::of_form(error)?).await,
    }
}

fn take_in(scope: &mut Scope<'_>, link: &LinkRow, person: &str, form: &Form) -> Result<(), ApiError> {
    if let Some(id) = &link.obligation_id {
        hold(scope, &[id])?;
    }
    let loaded = load_decision(scope, link)?;
    let (Some(asked), Some(request)) = (loaded.asked, loaded.request) else {
        return Ok(());
    };
    // Sent again: the first word stands.
    if request.granted.is_some() {
        return Ok(());
    }
    let mut errors = vec![];
    let granted = match form.text("granted") {
        Some("yes") => true,
        Some("no") => false,
        _ => {
            errors.push(FieldError::new(
                "granted",
                "required",
                "認めるかどうかを選んでください。",
                "Choose whether to grant it.",
            ));
            false
        }
    };
    check_name(form, &loaded.whom, &mut errors);
    let note = form.text("text");
    if note.is_some_and(|note| note.chars().count() > 1000) {
        errors.push(FieldError::new(
            "text",
            "too_long",
            "1000文字以内にしてください。",
            "At most 1000 characters.",
        ));
    }
    ApiError::unless_empty(errors)?;
    record(scope, &asked, &request, person, granted, note)?;
    letters::grace_decided(scope, &asked, &request, person, granted)
}
