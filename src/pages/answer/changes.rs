//! "Something has changed" (変わったことがある): the facts of the entry as a form. What would follow is shown first, then the
//! change is saved; both are [`crate::answers::changes`]'.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;

use super::card::{Choice, Field};
use super::small::{About, check_name, own};
use super::wrong::{self, Wrong};
use super::{DonePage, Opened};
use crate::answers::asked::Asked;
use crate::answers::changes::{Consequences, Differing, asked_of, consequences, save};
use crate::answers::reader_name;
use crate::app::Scope;
use crate::domain::fact_change::FactChange;
use crate::domain::facts::{FactName, FactType, FactValue, Facts};
use crate::domain::vocabulary::{CodeWord, Level};
use crate::entries::rows::EntryRow;
use crate::http::error::{ApiError, FieldError};
use crate::links::LinkRow;
use crate::pages::form::Form;
use crate::pages::frame::{Frame, page};

/// One fact as a field.
struct FactField {
    name: String,
    label: String,
    input: Input,
    error: Option<String>,
}

/// How a fact is entered.
enum Input {
    Select(Vec<Choice>),
    Boxes(Vec<Choice>),
    Date(String),
    Number(String),
}

/// What would follow from a change, in words.
struct Preview {
    changed: Vec<String>,
    added: Vec<String>,
    removed: Vec<String>,
    level_before: Level,
    level_after: Level,
    score_before: String,
    score_after: String,
}

#[derive(Template)]
#[template(path = "answer_changes.html")]
struct ChangesPage {
    frame: Frame,
    about: About,
    facts: Vec<FactField>,
    preview: Option<Preview>,
    version: i64,
    name: Field,
    expected: String,
    errors: Vec<(String, String)>,
    action: String,
    back: String,
}

struct Loaded {
    asked: Asked,
    expected: String,
    shown: Vec<FactName>,
    facts: Facts,
    preview: Option<Consequences>,
}

/// What was entered, as a change.
fn entered(form: &Form, shown: &[FactName], now: &Facts) -> Result<FactChange, Vec<FieldError>> {
    FactChange::entered(shown, form.below("fact."), now).map_err(|names| {
        let wrong = |name: FactName| {
            FieldError::new(
                &format!("fact.{}", name.code()),
                "invalid_format",
                format!("「{}」の値を確かめてください。", name.ja()),
                format!("Check the value of {}.", name.code()),
            )
        };
        names.into_iter().map(wrong).collect()
    })
}

impl Preview {
    fn of(found: Consequences) -> Self {
        let line = |(name, was, will): &Differing| {
            let (was, will) = (name.said(was.as_ref()), name.said(will.as_ref()));
            format!("{}：{was} → {will}", name.ja())
        };
        Self {
            changed: found.changed.iter().map(line).collect(),
            added: found.added,
            removed: found.removed,
            level_before: found.before.level,
            level_after: found.after.level,
            score_before: score(found.before.score_x100),
            score_after: score(found.after.score_x100),
        }
    }
}

fn score(x100: i64) -> String {
    format!("{}.{:02}", x100 / 100, x100 % 100)
}

fn load(scope: &mut Scope<'_>, link: &LinkRow, id: &str, form: &Form) -> Result<Loaded, ApiError> {
    let asked = own(scope, link, id)?;
    let entry = asked.entry.clone().ok_or(ApiError::NotFound)?;
    let (shown, now) = asked_of(scope, &entry)?;
    let (facts, preview) = match (form.text("step"), entered(form, &shown, &now)) {
        (Some(_), Ok(change)) => {
            let after = change.after(&now);
            let preview = consequences(scope, &entry, &after)?;
            (after, preview)
        }
        _ => (now, None),
    };
    Ok(Loaded {
        expected: reader_name(scope, link.reader()?)?,
        asked,
        shown,
        facts,
        preview,
    })
}

fn fact_field(name: FactName, facts: &Facts, wrong: Wrong<'_>, frame: &Frame) -> FactField {
    let field = format!("fact.{}", name.code());
    let value = facts.get(name);
    let choice = |code: &str, label: &str, checked: bool| Choice {
        code: code.to_owned(),
        label: label.to_owned(),
        checked,
    };
    let unknown = choice("", frame.t("未登録", "not known"), value.is_none());
    let input = match (name.fact_type(), &value) {
        (FactType::Boolean, value) => Input::Select(vec![
            unknown,
            choice("true", frame.t("はい", "yes"), *value == Some(FactValue::Boolean(true))),
            choice(
                "false",
                frame.t("いいえ", "no"),
                *value == Some(FactValue::Boolean(false)),
            ),
        ]),
        (FactType::Enum | FactType::OrderedEnum, value) => {
            let is = |code: &str| *value == Some(FactValue::Word(code.to_owned()));
            let words = name.words();
            let words = words.iter().map(|(code, ja)| choice(code, ja, is(code)));
            Input::Select(std::iter::once(unknown).chain(words).collect())
        }
        (FactType::Set, value) => {
            let held = match value {
                Some(FactValue::Words(held)) => held.clone(),
                _ => vec![],
            };
            let words = name.words();
            Input::Boxes(
                words
                    .iter()
                    .map(|(code, ja)| choice(code, ja, held.iter().any(|one| one == code)))
                    .collect(),
            )
        }
        (FactType::Date, Some(FactValue::Word(day))) => Input::Date(day.clone()),
        (FactType::Date, _) => Input::Date(String::new()),
        (FactType::Integer, Some(FactValue::Integer(number))) => Input::Number(number.to_string()),
        (FactType::Integer, _) => Input::Number(String::new()),
    };
    FactField {
        label: name.ja().to_owned(),
        error: wrong.at(&field),
        name: field,
        input,
    }
}

fn render(
    request: &HttpRequest,
    opened: &Opened,
    loaded: Loaded,
    form: &Form,
    errors: &[FieldError],
) -> Result<HttpResponse, ApiError> {
    let frame = Frame::of(request);
    let wrong = Wrong::new(frame.lang, errors);
    let version = loaded.asked.entry.as_ref().map_or(0, |entry| entry.version);
    let template = ChangesPage {
        about: About::of(&loaded.asked),
        facts: loaded
            .shown
            .iter()
            .map(|name| fact_field(*name, &loaded.facts, wrong, &frame))
            .collect(),
        preview: loaded.preview.map(Preview::of),
        version,
        name: wrong.field(form, "name"),
        expected: loaded.expected,
        errors: wrong.listed(),
        action: format!("{}/changes/{}", opened.base(), loaded.asked.row.id),
        back: opened.base(),
        frame,
    };
    page(request, wrong.status(), &template)
}

/// The form.
#[get("/r/{token}/changes/{obligation_id}")]
pub(super) async fn get_changes(
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    opened.person()?;
    let read = opened.read(move |scope, link| load(scope, link, &id, &Form::default()));
    render(&request, &opened, read.await?, &Form::default(), &[])
}

/// Shows what would follow, or saves.
#[post("/r/{token}/changes/{obligation_id}")]
pub(super) async fn send_changes(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    opened.person()?;
    let saves = form.text("step") == Some("save");
    let (sent, about) = (form.clone(), id.clone());
    let done = if saves {
        let written = opened.write(move |scope, link, _| carry_out(scope, link, &about, &sent));
        written.await
    } else {
        // Nothing is written, but what is wrong is said.
        let read = opened.read(move |scope, link| check(scope, link, &about, &sent).map(drop));
        read.await
    };
    let errors = match done {
        Ok(()) if saves => {
            let frame = Frame::of(&request);
            let template = DonePage {
                title: frame.t("登録しました", "Saved").to_owned(),
                lines: vec![
                    frame
                        .t(
                            "台帳の内容を変更し、必要な条項とリスクを計算し直しました。回答がまだの項目は、続けて回答してください。",
                            "The entry was changed; its clauses and risk follow. Go on with what is not answered yet.",
                        )
                        .to_owned(),
                ],
                back: opened.base(),
                frame,
            };
            return page(&request, StatusCode::OK, &template);
        }
        Ok(()) => vec![],
        Err(error) => wrong::of_form(error)?,
    };
    let again = form.clone();
    let read = opened.read(move |scope, link| load(scope, link, &id, &again));
    render(&request, &opened, read.await?, &form, &errors)
}

/// The change that was entered, if it is one.
fn check(scope: &mut Scope<'_>, link: &LinkRow, id: &str, form: &Form) -> Result<(EntryRow, FactChange), ApiError> {
    let asked = own(scope, link, id)?;
    let entry = asked.entry.ok_or(ApiError::NotFound)?;
    let (shown, now) = asked_of(scope, &entry)?;
    let change = entered(form, &shown, &now).map_err(ApiError::Validation)?;
    if change.after(&now) == now {
        return Err(ApiError::Validation(vec![FieldError::new(
            "main",
            "required",
            "変わったところがありません。変わった項目を直してください。",
            "Nothing is different; change what has changed.",
        )]));
    }
    Ok((entry, change))
}

fn carry_out(scope: &mut Scope<'_>, link: &LinkRow, id: &str, form: &Form) -> Result<(), ApiError> {
    let (entry, change) = check(scope, link, id, form)?;
    let mut errors = vec![];
    check_name(form, &reader_name(scope, link.reader()?)?, &mut errors);
    if form.text("version") != Some(entry.version.to_string().as_str()) {
        errors.push(FieldError::new(
            "main",
            "stale_version",
            "この画面を開いた後に、台帳が変更されました。内容を確かめて、もう一度送ってください。",
            "The entry was changed after this page was opened; look again and send again.",
        ));
    }
    ApiError::unless_empty(errors)?;
    save(scope, entry, change)
}
