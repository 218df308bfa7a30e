//! "Somebody else is in charge now" (異動などで担当が替わった): the reader names who, it changes hands at once, and whoever
//! takes over is asked by mail to accept. How a hand-over goes on is [`crate::ownership_transfers`]'.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, post, route, web};
use askama::Template;

use super::card::{Choice, Field};
use super::sheet::said;
use super::{DonePage, Opened};
use crate::answers::asked::{Asked, Standing, asked_about};
use crate::answers::reader_name;
use crate::app::Scope;
use crate::domain::calendar::wareki_with_weekday;
use crate::domain::text::fold;
use crate::domain::vocabulary::CodeWord;
use crate::entries::wire::Holder;
use crate::http::error::{ApiError, FieldError};
use crate::links::LinkRow;
use crate::ownership_transfers;
use crate::pages::form::Form;
use crate::pages::frame::{Frame, page};
use crate::people::search::{Found, search};

/// What a small form is about, in a few words.
pub(super) struct About {
    /// What it is.
    pub heading: String,
    /// What is due, and when.
    pub due: String,
}

impl About {
    /// Of a thing.
    pub fn of(asked: &Asked) -> Self {
        let what = asked.detail.clone().unwrap_or_else(|| asked.row.kind.0.ja().to_owned());
        Self {
            heading: format!("{}：{}", asked.label, asked.name),
            due: format!("{what}　{}", wareki_with_weekday(asked.row.due_on)),
        }
    }
}

/// The thing that the reader of a link answers; forms about others are not there.
///
/// # Errors
/// 404.
pub(super) fn own(scope: &mut Scope<'_>, link: &LinkRow, obligation_id: &str) -> Result<Asked, ApiError> {
    asked_about(scope, link.reader()?, obligation_id)?
        .filter(|asked| asked.standing == Standing::Answers)
        .ok_or(ApiError::NotFound)
}

/// Whether the name that was typed is the reader's.
pub(super) fn check_name(form: &Form, name: &str, errors: &mut Vec<FieldError>) {
    if form.text("name").map(fold) != Some(fold(name)) {
        errors.push(FieldError::new(
            "name",
            "name_mismatch",
            format!("{name}さんの氏名を入れてください。"),
            format!("Type the name {name}."),
        ));
    }
}

/// A field of a small form as it was sent.
pub(super) fn field(form: &Form, name: &str, errors: &[FieldError], frame: &Frame) -> Field {
    let error = errors.iter().find(|error| error.pointer == name);
    Field {
        name: name.to_owned(),
        value: form.text(name).unwrap_or_default().to_owned(),
        error: error.map(|error| said(frame.lang, error)),
    }
}

/// The list on top of a form.
pub(super) fn listed(errors: &[FieldError], frame: &Frame) -> Vec<(String, String)> {
    errors
        .iter()
        .map(|error| (error.pointer.clone(), said(frame.lang, error)))
        .collect()
}

/// Those who were found, to choose from.
pub(super) fn choices(found: &[Found], chosen: Option<&str>) -> Vec<Choice> {
    found
        .iter()
        .map(|person| Choice {
            code: person.id.clone(),
            label: match person.departments.as_slice() {
                [] => person.name.clone(),
                departments => format!("{}（{}）", person.name, departments.join("、")),
            },
            checked: chosen == Some(person.id.as_str()),
        })
        .collect()
}

#[derive(Template)]
#[template(path = "answer_person.html")]
pub(super) struct PersonPage {
    pub frame: Frame,
    pub title: String,
    pub explained: String,
    pub about: About,
    pub q: String,
    pub searched: bool,
    pub found: Vec<Choice>,
    pub choice_error: Option<String>,
    pub text_label: String,
    pub text: Field,
    pub name: Field,
    pub expected: String,
    pub button: String,
    pub errors: Vec<(String, String)>,
    pub action: String,
    pub back: String,
}

/// What a page on which a person is chosen is made of.
pub(super) struct Choosing {
    /// About what.
    pub asked: Asked,
    /// Whose link it is.
    pub expected: String,
    /// Who was found.
    pub found: Vec<Found>,
}

/// Reads it; too short a word finds nobody.
pub(super) fn choosing(scope: &mut Scope<'_>, link: &LinkRow, id: &str, q: &str) -> Result<Choosing, ApiError> {
    let found = match search(scope, q) {
        Err(ApiError::Validation(_)) => vec![],
        found => found?,
    };
    Ok(Choosing {
        asked: own(scope, link, id)?,
        expected: reader_name(scope, link.reader()?)?,
        found,
    })
}

/// The word that is searched for, from the address.
pub(super) fn searched(request: &HttpRequest) -> String {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = query.map(web::Query::into_inner).unwrap_or_default();
    pairs
        .into_iter()
        .find(|(name, _)| name == "q")
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

fn template(
    frame: Frame,
    opened: &Opened,
    choosing: Choosing,
    q: String,
    form: &Form,
    errors: &[FieldError],
) -> PersonPage {
    let id = choosing.asked.row.id.clone();
    PersonPage {
        title: frame
            .t("担当が替わったことを知らせる", "Somebody else is in charge now")
            .to_owned(),
        explained: frame
            .t(
                "新しい担当の人を選んで送ると、担当がその人に替わり、引き受けの確認のメールがその人に届きます。",
                "Choose who is in charge now. It becomes theirs at once, and they are asked by mail to accept.",
            )
            .to_owned(),
        about: About::of(&choosing.asked),
        searched: !q.is_empty(),
        found: choices(&choosing.found, form.text("to")),
        choice_error: errors
            .iter()
            .find(|error| error.pointer == "to")
            .map(|error| said(frame.lang, error)),
        text_label: frame
            .t("理由（例：4月1日付けの異動）", "Reason (such as a transfer of 1 April)")
            .to_owned(),
        text: field(form, "text", errors, &frame),
        name: field(form, "name", errors, &frame),
        expected: choosing.expected,
        button: frame.t("この人に引き継ぐ", "Hand over").to_owned(),
        errors: listed(errors, &frame),
        action: format!("{}/hand-over/{id}", opened.base()),
        back: opened.base(),
        q,
        frame,
    }
}

/// The form.
#[route("/r/{token}/hand-over/{obligation_id}", method = "GET", method = "HEAD")]
pub(super) async fn get_hand_over(
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    opened.person()?;
    let q = searched(&request);
    let words = q.clone();
    let read = opened.read(move |scope, link| choosing(scope, link, &id, &words));
    let choosing = read.await?;
    let template = template(Frame::of(&request), &opened, choosing, q, &Form::default(), &[]);
    page(&request, StatusCode::OK, &template)
}

/// Hands over.
#[post("/r/{token}/hand-over/{obligation_id}")]
pub(super) async fn hand_over(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    let (sent, about) = (form.clone(), id.clone());
    let written = opened.write(move |scope, link, person| carry_out(scope, link, person, &about, &sent));
    let frame = Frame::of(&request);
    match written.await {
        Ok(to) => {
            let template = DonePage {
                title: frame.t("引き継ぎました", "Handed over").to_owned(),
                lines: vec![
                    frame.lang.pick(
                        format!("担当は{to}さんになりました。{to}さんに、引き受けの確認のメールが届きます。"),
                        format!("It is {to}'s now. They are asked by mail to accept."),
                    ),
                    frame
                        .t(
                            "引き受けてもらえなかったときは、あなたに戻ります。",
                            "Should they decline, it comes back to you.",
                        )
                        .to_owned(),
                ],
                back: opened.base(),
                frame,
            };
            page(&request, StatusCode::OK, &template)
        }
        Err(error) => {
            let errors = as_fields(error)?;
            let q = form.text("q").unwrap_or_default().to_owned();
            let words = q.clone();
            let read = opened.read(move |scope, link| choosing(scope, link, &id, &words));
            let choosing = read.await?;
            let template = template(frame, &opened, choosing, q, &form, &errors);
            page(&request, StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
    }
}

/// What is wrong with a small form: wrong values at their fields, what the state forbids on top.
///
/// # Errors
/// What no form can put right.
pub(super) fn as_fields(error: ApiError) -> Result<Vec<FieldError>, ApiError> {
    match error {
        ApiError::Validation(mut errors) => {
            for error in &mut errors {
                error.pointer = match error.pointer.as_str() {
                    "/to_person_id" => "to".to_owned(),
                    "/reason" | "/note" => "text".to_owned(),
                    pointer if pointer.starts_with('/') => "main".to_owned(),
                    name => name.to_owned(),
                };
            }
            Ok(errors)
        }
        ApiError::Conflict { code, ja, en } => Ok(vec![FieldError::new("main", code, ja, en)]),
        other => Err(other),
    }
}

fn carry_out(
    scope: &mut Scope<'_>,
    link: &LinkRow,
    person: &str,
    obligation_id: &str,
    form: &Form,
) -> Result<String, ApiError> {
    let asked = own(scope, link, obligation_id)?;
    let entry = asked.entry.as_ref().ok_or(ApiError::NotFound)?;
    let mut errors = vec![];
    let to = form.text("to");
    if to.is_none() {
        errors.push(FieldError::new(
            "to",
            "required",
            "新しい担当の人を探して選んでください。",
            "Search for and choose who is in charge now.",
        ));
    }
    let reason = form.text("text");
    if reason.is_none() {
        errors.push(FieldError::new(
            "text",
            "required",
            "理由を入れてください。",
            "Say why.",
        ));
    }
    check_name(form, &reader_name(scope, link.reader()?)?, &mut errors);
    ApiError::unless_empty(errors)?;
    // What a post owns is handed over by its holder in the name of the post.
    let owns = asked.owner.as_ref().is_some_and(|(id, _)| id == person);
    let post_id = entry.owner_post_id.clone().filter(|_| owns);
    let giver = Holder {
        person_id: post_id.is_none().then(|| person.to_owned()),
        post_id,
    };
    let to = to.unwrap_or_default();
    ownership_transfers::hand_over(
        scope,
        giver,
        to,
        &entry.organization_id,
        vec![entry.id.clone()],
        reason.unwrap_or_default(),
    )?;
    reader_name(scope, crate::links::Reader::Person(to))
}
