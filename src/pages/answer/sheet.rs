//! The sheet: everything that a reader is asked, on one page, most urgent first. Nothing is chosen before somebody chooses,
//! unless somebody else has prepared it. When something is wrong with a sheet, it comes back as it was sent, with what is
//! wrong at its field and in a list on top.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::NaiveDate;

use super::Opened;
use super::card::{Body, Card, Choice, Field};
use super::maker::Maker;
use super::wrong::Wrong;
use crate::answers::asked::{Asked, Standing, asked_about, asked_of};
use crate::answers::{answering, letters, reader_name, receipts};
use crate::app::Scope;
use crate::domain::link::LinkPurpose;
use crate::http::error::{ApiError, FieldError};
use crate::links::{LinkRow, Reader};
use crate::pages::form::Form;
use crate::pages::frame::{Frame, page};

#[derive(Template)]
#[template(path = "answer_sheet.html")]
struct SheetPage {
    frame: Frame,
    prepares: bool,
    whom: String,
    mailbox: bool,
    by: Option<String>,
    cards: Vec<Card>,
    told: Vec<Card>,
    who: Vec<Choice>,
    name: Field,
    expected: Option<String>,
    errors: Vec<(String, String)>,
    files_lost: bool,
    sheet: String,
    action: String,
    receipts: Vec<(String, String)>,
    contact: String,
}

/// What a sheet is made of.
pub(super) struct Sheet {
    /// What is asked.
    pub asked: Vec<Asked>,
    /// Who may answer: ids and names.
    pub people: Vec<(String, String)>,
    whom: String,
    by: Option<String>,
    receipts: Vec<(String, String)>,
    contact: String,
    today: NaiveDate,
}

/// Reads what the link's reader is asked.
///
/// # Errors
/// A database failure.
pub(super) fn load(scope: &mut Scope<'_>, link: &LinkRow) -> Result<Sheet, ApiError> {
    let reader = link.reader()?;
    let asked = match (link.purpose.0, &link.by_person_id, &link.obligation_id) {
        // Whoever prepares sees what the one who asked them answers.
        (LinkPurpose::Prepare, Some(by), Some(obligation)) => asked_about(scope, Reader::Person(by), obligation)?
            .filter(|asked| Some(asked.row.cycle) == link.cycle && asked.standing == Standing::Answers)
            .into_iter()
            .collect(),
        _ => asked_of(scope, reader)?,
    };
    let by = match &link.by_person_id {
        Some(by) => Some(reader_name(scope, Reader::Person(by))?),
        None => None,
    };
    let receipts = receipts::of_link(scope, link)?
        .into_iter()
        .map(|(number, at)| (number, letters::in_words(scope, at)))
        .collect();
    Ok(Sheet {
        asked,
        people: answering(scope, reader)?,
        whom: reader_name(scope, reader)?,
        by,
        receipts,
        contact: letters::house(scope)?.0,
        today: scope.today,
    })
}

/// The sheet as nobody has touched it.
pub(super) async fn show(request: &HttpRequest, opened: &Opened) -> Result<HttpResponse, ApiError> {
    let sheet = opened.app.random.secret();
    render(
        request,
        opened,
        &Form::of(vec![("sheet".to_owned(), sheet)]),
        &[],
        false,
    )
    .await
}

/// The sheet as it was sent, with what is wrong; without errors as it stands.
pub(super) async fn render(
    request: &HttpRequest,
    opened: &Opened,
    texts: &Form,
    errors: &[FieldError],
    files_lost: bool,
) -> Result<HttpResponse, ApiError> {
    let loaded = opened.read(load).await?;
    let frame = Frame::of(request);
    let wrong = Wrong::new(frame.lang, errors);
    let prepares = opened.link.purpose.0 == LinkPurpose::Prepare;
    let maker = Maker {
        lang: frame.lang,
        base: opened.base(),
        texts,
        wrong,
        today: loaded.today,
        contact: &loaded.contact,
        // What goes around an answer is done in the name of the person whom the link is for.
        around: !prepares && opened.link.person_id.is_some(),
    };
    let (answered, told): (Vec<&Asked>, Vec<&Asked>) = loaded
        .asked
        .iter()
        .partition(|asked| asked.standing == Standing::Answers);
    let mailbox = opened.link.person_id.is_none();
    let expected = loaded.people.first().filter(|_| !mailbox).map(|(_, name)| name.clone());
    let template = SheetPage {
        prepares,
        mailbox,
        cards: answered.into_iter().map(|asked| maker.card(asked)).collect(),
        told: told.into_iter().map(|asked| maker.card(asked)).collect(),
        who: loaded
            .people
            .iter()
            .filter(|_| mailbox)
            .map(|(id, name)| Choice {
                code: id.clone(),
                label: name.clone(),
                checked: texts.text("who") == Some(id),
            })
            .collect(),
        name: maker.field("name"),
        expected,
        errors: wrong.listed(),
        files_lost,
        sheet: texts.text("sheet").unwrap_or_default().to_owned(),
        action: opened.base(),
        receipts: loaded
            .receipts
            .iter()
            .map(|(number, at)| {
                (
                    format!("{}/receipts/{number}", opened.base()),
                    format!("{number}　{at}"),
                )
            })
            .collect(),
        whom: loaded.whom.clone(),
        by: loaded.by.clone(),
        contact: loaded.contact.clone(),
        frame,
    };
    page(request, wrong.status(), &template)
}
