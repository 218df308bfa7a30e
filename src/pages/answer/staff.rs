//! "Ask my staff" (職員に頼む): somebody fills in the answers and the evidence, and the responsible person confirms the
//! prepared sheet. What is prepared is no answer.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};

use super::form::Received;
use super::person::{self, Wording};
use super::send::{confirmed, signed};
use super::small::{check_name, own};
use super::{DonePage, Opened, sheet, wrong};
use crate::answers::asked::Asked;
use crate::answers::{keep_evidence, letters, prepared, reader_name};
use crate::app::{Scope, Subject};
use crate::domain::vocabulary::ObligationKind;
use crate::http::error::{ApiError, FieldError};
use crate::links::{LinkRow, Reader};
use crate::pages::form::Form;
use crate::pages::frame::{Frame, page};

/// What the form says.
const WORDING: Wording = Wording {
    path: "staff",
    title: ["職員に下書きを頼む", "Ask my staff"],
    explained: [
        "選んだ人にメールのリンクが届き、答えと証跡を下書きできます。下書きができるとあなたにメールが届き、確かめて確定します。",
        "They get a link by mail to fill in answers and evidence. When they have, you are told and confirm it.",
    ],
    text: ["伝言（任意）", "Message (optional)"],
    button: ["この人に頼む", "Ask"],
    by_mail: true,
};

/// The form.
#[get("/r/{token}/staff/{obligation_id}")]
pub(super) async fn get_staff(
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    person::show(&request, &opened, &WORDING, id).await
}

/// Asks somebody.
#[post("/r/{token}/staff/{obligation_id}")]
pub(super) async fn ask_staff(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    let (sent, about) = (form.clone(), id.clone());
    let written = opened.write(move |scope, link, person| ask(scope, link, person, &about, &sent));
    let frame = Frame::of(&request);
    match written.await {
        Ok(to) => {
            let template = DonePage {
                title: frame.t("頼みました", "Asked").to_owned(),
                lines: vec![frame.lang.pick(
                    format!("{to}さんに、下書きのためのリンクをメールで送りました。"),
                    format!("{to} gets a link by mail."),
                )],
                back: opened.base(),
                frame,
            };
            page(&request, StatusCode::OK, &template)
        }
        Err(error) => {
            let errors = wrong::of_form(error)?;
            person::show_again(&request, &opened, &WORDING, id, &form, &errors).await
        }
    }
}

fn ask(
    scope: &mut Scope<'_>,
    link: &LinkRow,
    person: &str,
    obligation_id: &str,
    form: &Form,
) -> Result<String, ApiError> {
    let asked = own(scope, link, obligation_id)?;
    if asked.row.kind.0 != ObligationKind::Reverification {
        return Err(ApiError::NotFound);
    }
    let mut errors = vec![];
    let to = form.text("to").unwrap_or_default();
    let there = match crate::people::require(scope, to, "to") {
        Ok(()) => letters::person(scope, to)?.1.is_some(),
        Err(ApiError::Validation(_)) => false,
        Err(error) => return Err(error),
    };
    if !there || to == person {
        errors.push(FieldError::new(
            "to",
            "required",
            "頼む人（メールの届く、あなた以外の人）を探して選んでください。",
            "Search for and choose somebody else, who can be written to.",
        ));
    }
    let note = form.text("text").map(str::to_owned);
    if note.as_ref().is_some_and(|note| note.chars().count() > 500) {
        errors.push(FieldError::new(
            "text",
            "too_long",
            "伝言は500文字までにしてください。",
            "At most 500 characters.",
        ));
    }
    check_name(form, &reader_name(scope, link.reader()?)?, &mut errors);
    ApiError::unless_empty(errors)?;
    letters::prepare_asked(scope, &asked, to, person, note)?;
    let subject = Subject {
        kind: "obligation",
        id: &asked.row.id,
        organization_id: Some(&asked.row.organization_id),
        entry_id: asked.row.entry_id.as_deref(),
    };
    let payload = serde_json::json!({"cycle": asked.row.cycle, "preparer_person_id": to});
    scope.record("obligation.preparation_requested", subject, payload);
    reader_name(scope, Reader::Person(to))
}

/// Takes in what somebody has prepared.
///
/// # Errors
/// What no form can put right.
pub(super) async fn prepare(
    request: &HttpRequest,
    opened: Opened,
    received: Received,
) -> Result<HttpResponse, ApiError> {
    let (texts, files) = (received.texts.clone(), !received.files.is_empty());
    let sender = opened.clone();
    let done = web::block(move || take_in(&sender, received))
        .await
        .map_err(ApiError::internal)??;
    let frame = Frame::of(request);
    match done {
        Ok(by) => {
            let template = DonePage {
                title: frame.t("下書きを送りました", "Sent").to_owned(),
                lines: vec![frame.lang.pick(
                    format!("{by}さんに、下書きができたことをメールで知らせました。確定するまで、下書きは直せます。"),
                    format!("{by} is told by mail. Until it is confirmed you may change it."),
                )],
                back: opened.base(),
                frame,
            };
            page(request, StatusCode::OK, &template)
        }
        Err(errors) => sheet::render(request, &opened, &texts, &errors, files).await,
    }
}

type TakenIn = Result<String, Vec<FieldError>>;

fn take_in(opened: &Opened, received: Received) -> Result<TakenIn, ApiError> {
    let Received { texts, files } = received;
    let preparer = opened.person()?.to_owned();
    let loaded = opened.read_now(sheet::load)?;
    let mut errors = vec![];
    let mut by_field: BTreeMap<_, _> = files.into_iter().map(|file| (file.field.clone(), file)).collect();
    let said = match loaded.asked.first() {
        Some(about) => confirmed(&opened.app, about, &texts, &mut by_field, true, &mut errors)?,
        None => None,
    };
    let said = said.filter(|(new, _)| !new.answers.is_empty());
    if said.is_none() && errors.is_empty() {
        errors.push(FieldError::new(
            "main",
            "required",
            "まだ何も選ばれていません。",
            "Nothing is chosen yet.",
        ));
    }
    signed(&loaded, false, &texts, &mut errors);
    let Some((new, mut files)) = said.filter(|_| errors.is_empty()) else {
        return Ok(Err(errors));
    };
    let written = opened.write_now(&preparer, |scope, link| {
        let about = sheet::load(scope, link)?
            .asked
            .into_iter()
            .next()
            .ok_or(ApiError::NotFound)?;
        let responsible = link.by_person_id.clone().ok_or(ApiError::NotFound)?;
        let mut answers = new.answers;
        for answer in &mut answers {
            if let Some(file) = files.remove(&answer.clause_key) {
                answer.evidence_id = Some(keep_evidence(scope, &about, file)?);
            }
        }
        // The button pressed twice tells nobody twice.
        if is_new(&about, &answers) {
            prepared::keep(scope, &about, &preparer, &answers)?;
            letters::prepared(scope, &about, &responsible, &preparer)?;
        }
        reader_name(scope, Reader::Person(&responsible))
    });
    match written {
        Ok(by) => Ok(Ok(by)),
        Err(error) => Ok(Err(wrong::of_form(error)?)),
    }
}

fn is_new(about: &Asked, answers: &[crate::obligations::ClauseAnswer]) -> bool {
    answers.iter().any(|answer| {
        let before = about
            .clauses
            .iter()
            .find(|asked| asked.clause.key == answer.clause_key)
            .and_then(|asked| asked.prepared.as_ref());
        before.is_none_or(|before| {
            before.answer != Some(answer.answer)
                || before.note != answer.note
                || before.evidence_id != answer.evidence_id
        })
    })
}
