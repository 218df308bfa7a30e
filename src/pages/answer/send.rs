//! A sheet that was sent: its fields become what the API would be told, everything that is wrong is said at once, and only a
//! sheet without a fault changes anything. What was begun about a thing must be finished; what was not begun is left alone.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, post, web};
use chrono::NaiveDate;

use super::form::{Received, SentFile};
use super::sheet::{self, Sheet};
use super::{Opened, grace, see_other, staff};
use crate::answers::asked::{Asked, AskedClause, Standing, asked_of};
use crate::answers::{NewFile, Order, Said, letters, receipts, submit};
use crate::app::App;
use crate::domain::link::LinkPurpose;
use crate::domain::reminder::{ClosedBy, closes_by};
use crate::domain::text::fold;
use crate::files::upload::checked;
use crate::http::error::{ApiError, FieldError};
use crate::obligations::cycles::hold;
use crate::obligations::{AnswerWord, ClauseAnswer, DecisionCreate, DecisionWord, Method, VerificationCreate};
use crate::ownership_transfers::wire::{AcceptanceCreate, AcceptanceWord};
use crate::pages::form::Form;

/// How a sheet ended.
pub(super) enum Sent {
    /// With a receipt of this number, now or the first time.
    Receipt(String),
    /// Something is wrong.
    Wrong(Vec<FieldError>),
}

/// Sends what a link's page asks for.
#[post("/r/{token}")]
pub(super) async fn answer_link(
    request: HttpRequest,
    token: web::Path<String>,
    received: Received,
) -> Result<HttpResponse, ApiError> {
    let opened = Opened::of(&request, &token).await?;
    match opened.link.purpose.0 {
        LinkPurpose::Answer => answer(&request, opened, received).await,
        LinkPurpose::Prepare => staff::prepare(&request, opened, received).await,
        LinkPurpose::Grace => grace::decide(&request, opened, received.texts).await,
        // It asks nothing that is sent.
        LinkPurpose::Choose => Err(ApiError::NotFound),
    }
}

async fn answer(request: &HttpRequest, opened: Opened, received: Received) -> Result<HttpResponse, ApiError> {
    let texts = received.texts.clone();
    let files = !received.files.is_empty();
    let sender = opened.clone();
    let sent = web::block(move || send(&sender, received))
        .await
        .map_err(ApiError::internal)??;
    match sent {
        Sent::Receipt(number) => Ok(see_other(&format!("{}/receipts/{number}", opened.base()))),
        Sent::Wrong(errors) => sheet::render(request, &opened, &texts, &errors, files).await,
    }
}

fn send(opened: &Opened, received: Received) -> Result<Sent, ApiError> {
    let Received { texts, files } = received;
    let (answered, loaded) = opened.read_now(|scope, link| {
        let sheet = texts.text("sheet").unwrap_or_default();
        Ok((receipts::of_sheet(scope, link, sheet)?, sheet::load(scope, link)?))
    })?;
    if let Some(number) = answered {
        return Ok(Sent::Receipt(number));
    }
    let mut errors = vec![];
    let orders = orders(&opened.app, &loaded.asked, &texts, files, &mut errors)?;
    let person = signed(&loaded, opened.link.person_id.is_none(), &texts, &mut errors);
    let Some(person) = person.filter(|_| errors.is_empty()) else {
        return Ok(Sent::Wrong(errors));
    };
    let written = opened.write_now(&person, |scope, link| {
        let sheet = texts.text("sheet").unwrap_or_default();
        if let Some(number) = receipts::of_sheet(scope, link, sheet)? {
            return Ok(number);
        }
        let ids: Vec<&str> = orders.iter().map(|order| order.obligation_id.as_str()).collect();
        hold(scope, &ids)?;
        let mut asked = asked_of(scope, link.reader()?)?;
        asked.retain(|asked| asked.standing == Standing::Answers);
        let number = submit(scope, link, sheet, &person, &asked, orders)?;
        letters::receipt(scope, link, &opened.token, &number, &person)?;
        Ok(number)
    });
    match written {
        Ok(number) => Ok(Sent::Receipt(number)),
        Err(ApiError::Validation(mut errors)) => {
            for error in &mut errors {
                error.pointer = field_of(&error.pointer);
            }
            Ok(Sent::Wrong(errors))
        }
        Err(error) => Err(error),
    }
}

/// The field of the page that a pointer is about.
fn field_of(pointer: &str) -> String {
    let parts: Vec<&str> = pointer.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        [id, "answers", key, "note"] => format!("n.{id}.{key}"),
        [id, "answers", key, "file" | "evidence_id"] => format!("f.{id}.{key}"),
        [id, "answers", key, ..] => format!("a.{id}.{key}"),
        [id, "onsite_reason"] => format!("onsite.{id}"),
        [id, "note"] => format!("comment.{id}"),
        [id, "document_number"] => format!("doc.{id}"),
        [id, ..] => format!("o.{id}"),
        [] => String::new(),
    }
}

/// Who signs: the person whom the link is for, or one of the department whose mailbox it went to, by their full name.
pub(super) fn signed(sheet: &Sheet, mailbox: bool, texts: &Form, errors: &mut Vec<FieldError>) -> Option<String> {
    let typed = texts.text("name").map(fold);
    let signer = if mailbox {
        let chosen = texts.text("who");
        sheet.people.iter().find(|(id, _)| Some(id.as_str()) == chosen)
    } else {
        sheet.people.first()
    };
    if signer.is_none() {
        errors.push(FieldError::new(
            "who",
            "required",
            "回答する人を選んでください。",
            "Choose who answers.",
        ));
    }
    match (&typed, signer) {
        (None, _) => errors.push(FieldError::new(
            "name",
            "required",
            "氏名を入れてください。",
            "Type your name.",
        )),
        (Some(typed), Some((_, name))) if *typed != fold(name) => errors.push(FieldError::new(
            "name",
            "name_mismatch",
            format!("このページは{name}さん宛てです。{name}さんの氏名を入れてください。"),
            format!("This page is for {name}; type that name."),
        )),
        _ => {}
    }
    signer.map(|(id, _)| id.clone())
}

/// What was said about each thing; what is wrong with it joins the errors.
fn orders(
    app: &App,
    asked: &[Asked],
    texts: &Form,
    files: Vec<SentFile>,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<Order>, ApiError> {
    let mut by_field: BTreeMap<String, SentFile> = files.into_iter().map(|file| (file.field.clone(), file)).collect();
    let mut orders = vec![];
    for about in asked.iter().filter(|asked| asked.standing == Standing::Answers) {
        let said = match closes_by(about.row.kind.0) {
            ClosedBy::Verification => {
                let said = confirmed(app, about, texts, &mut by_field, false, errors)?;
                said.map(|(new, files)| Said::Confirmed(new, files))
            }
            ClosedBy::Decision => decided(about, texts, errors),
            ClosedBy::Work => accepted(about, texts, errors),
        };
        orders.extend(said.map(|said| Order {
            obligation_id: about.row.id.clone(),
            said,
        }));
    }
    // What the sheet asked about and this page does not ask any more: nobody should believe that it was answered.
    let known = |name: &str| asked.iter().any(|asked| name.contains(asked.row.id.as_str()));
    let gone = texts
        .names()
        .any(|name| (name.starts_with("a.") || name.starts_with("d.") || name.starts_with("h.")) && !known(name));
    if gone {
        errors.push(FieldError::new(
            "main",
            "already_closed",
            "送られた項目のうち、既に回答されたか担当が替わったものがあります。残りの項目を確かめて、もう一度送ってください。",
            "Some of what was sent is answered already or somebody else's now. Check what is left and send again.",
        ));
    } else if orders.is_empty() && errors.is_empty() {
        errors.push(FieldError::new(
            "main",
            "required",
            "まだ何も選ばれていません。項目ごとに答えを選んでください。",
            "Nothing is chosen yet. Choose an answer for each item.",
        ));
    }
    Ok(orders)
}

/// The answers about a round with the files that came with them, by clause.
pub(super) type Confirmed = (VerificationCreate, BTreeMap<String, NewFile>);

/// What was said about a round: every clause that the reader answers, once one of them is; with `partly` any of them.
pub(super) fn confirmed(
    app: &App,
    about: &Asked,
    texts: &Form,
    files: &mut BTreeMap<String, SentFile>,
    partly: bool,
    errors: &mut Vec<FieldError>,
) -> Result<Option<Confirmed>, ApiError> {
    let id = &about.row.id;
    let begun = about.own().any(|asked| {
        let suffix = format!("{id}.{}", asked.clause.key);
        ["a", "n"]
            .iter()
            .any(|field| texts.text(&format!("{field}.{suffix}")).is_some())
            || files.contains_key(&format!("f.{suffix}"))
    }) || texts.text(&format!("comment.{id}")).is_some();
    if !begun {
        return Ok(None);
    }
    let (mut answers, mut shown) = (vec![], BTreeMap::new());
    for asked in about.own() {
        let key = &asked.clause.key;
        let suffix = format!("{id}.{key}");
        let Some(answer) = texts.text(&format!("a.{suffix}")).and_then(AnswerWord::parse) else {
            if !partly {
                errors.push(FieldError::new(
                    &format!("a.{suffix}"),
                    "required",
                    format!("「{}」の答えを選んでください。", asked.clause.title_ja),
                    format!("Choose an answer for “{}”.", asked.clause.title_en),
                ));
            }
            continue;
        };
        if let Some(file) = files.remove(&format!("f.{suffix}")) {
            let file = new_file(app, about, asked, &suffix, texts, file, errors)?;
            shown.extend(file.map(|file| (key.clone(), file)));
        }
        answers.push(ClauseAnswer {
            clause_key: key.clone(),
            answer,
            method: None,
            evidence_id: asked.prepared.as_ref().and_then(|row| row.evidence_id.clone()),
            note: texts.text(&format!("n.{suffix}")).map(str::to_owned),
        });
    }
    let new = VerificationCreate {
        verified_on: None,
        method: texts.text(&format!("method.{id}")).and_then(Method::parse),
        answers,
        onsite_reason: texts.text(&format!("onsite.{id}")).map(str::to_owned),
        note: texts.text(&format!("comment.{id}")).map(str::to_owned),
    };
    Ok(Some((new, shown)))
}

/// A file as evidence of a clause.
fn new_file(
    app: &App,
    about: &Asked,
    asked: &AskedClause,
    suffix: &str,
    texts: &Form,
    file: SentFile,
    errors: &mut Vec<FieldError>,
) -> Result<Option<NewFile>, ApiError> {
    let chosen = texts.text(&format!("k.{suffix}"));
    let mut kinds = asked.evidence.iter().map(|(code, _)| code);
    let kind = match chosen {
        Some(chosen) => kinds.find(|code| *code == chosen),
        None => kinds.next().filter(|_| asked.evidence.len() == 1),
    };
    if kind.is_none() {
        errors.push(FieldError::new(
            &format!("k.{suffix}"),
            "required",
            "証跡の種類を選んでください。",
            "Choose the kind of evidence.",
        ));
    }
    let until = texts.text(&format!("v.{suffix}"));
    let valid_until_on: Option<NaiveDate> = until.and_then(|text| text.parse().ok());
    if until.is_some() && valid_until_on.is_none() {
        errors.push(FieldError::new(
            &format!("v.{suffix}"),
            "invalid_format",
            "有効期限は日付（例：2028-03-31）で入れてください。",
            "The last day must be a date (such as 2028-03-31).",
        ));
    }
    let pointer = format!("f.{suffix}");
    match (
        checked(app, &about.row.organization_id, &file.name, file.incoming, &pointer),
        kind,
    ) {
        (Ok(upload), Some(kind)) => Ok(Some(NewFile {
            name: upload.name().to_owned(),
            upload,
            kind: kind.clone(),
            valid_until_on,
        })),
        (Ok(_), None) => Ok(None),
        (Err(ApiError::Validation(more)), _) => {
            errors.extend(more);
            Ok(None)
        }
        (Err(error), _) => Err(error),
    }
}

fn unanswered(name: &str, about: &Asked) -> FieldError {
    FieldError::new(
        name,
        "required",
        format!("「{}」の答えを選んでください。", about.name),
        format!("Choose an answer for “{}”.", about.name),
    )
}

fn decided(about: &Asked, texts: &Form, errors: &mut Vec<FieldError>) -> Option<Said> {
    let id = &about.row.id;
    let (document, comment) = (texts.text(&format!("doc.{id}")), texts.text(&format!("comment.{id}")));
    let chosen = texts.text(&format!("d.{id}"));
    let decision = match chosen {
        Some("renew") => DecisionWord::Renew,
        Some("retender") => DecisionWord::Retender,
        Some("end") => DecisionWord::End,
        _ => {
            if chosen.or(document).or(comment).is_some() {
                errors.push(unanswered(&format!("d.{id}"), about));
            }
            return None;
        }
    };
    Some(Said::Decided(DecisionCreate {
        decision,
        decided_on: None,
        document_number: document.map(str::to_owned),
        note: comment.map(str::to_owned),
    }))
}

fn accepted(about: &Asked, texts: &Form, errors: &mut Vec<FieldError>) -> Option<Said> {
    let id = &about.row.id;
    let comment = texts.text(&format!("comment.{id}"));
    let chosen = texts.text(&format!("h.{id}"));
    let answer = match chosen {
        Some("accept") => AcceptanceWord::Accept,
        Some("decline") => AcceptanceWord::Decline,
        _ => {
            if chosen.or(comment).is_some() {
                errors.push(unanswered(&format!("h.{id}"), about));
            }
            return None;
        }
    };
    Some(Said::Accepted(AcceptanceCreate {
        answer,
        note: comment.map(str::to_owned),
    }))
}

#[cfg(test)]
mod tests {
    use super::field_of;

    #[test]
    fn what_is_wrong_stands_at_its_field() {
        for (pointer, field) in [
            ("/7", "o.7"),
            ("/7/answers/mfa/note", "n.7.mfa"),
            ("/7/answers/mfa/evidence_id", "f.7.mfa"),
            ("/7/answers/mfa/file", "f.7.mfa"),
            ("/7/answers/mfa/clause_key", "a.7.mfa"),
            ("/7/answers", "o.7"),
            ("/7/onsite_reason", "onsite.7"),
            ("/7/note", "comment.7"),
            ("/7/document_number", "doc.7"),
            ("/7/verified_on", "o.7"),
        ] {
            assert_eq!(field_of(pointer), field, "{pointer}");
        }
    }
}
