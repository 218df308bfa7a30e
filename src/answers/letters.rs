//! The mails around an answer: who is written to about what. Their words are [`crate::mail::templates::answers`]', their way
//! is [`crate::work::notice`]'s.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::asked::Asked;
use super::grace::GraceRow;
use super::receipts::{self, AnsweredThing};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{local_governments, messages, people};
use crate::domain::calendar::wareki_with_weekday;
use crate::domain::link::{LinkPurpose, last_day};
use crate::domain::vocabulary::CodeWord;
use crate::http::error::ApiError;
use crate::links::{self, LinkRow, NewLink, Reader};
use crate::mail::templates::answers::{GraceAsked, GraceDecided, Matter, Preparation, Receipt, ReceiptLine};
use crate::mail::templates::{Recipient, Rendered};
use crate::people::holders::Contact;
use crate::work::notice::{Notice, post};

/// Where the local government's people ask, and where its pages are.
///
/// # Errors
/// A database failure.
pub(crate) fn house(scope: &mut Scope<'_>) -> Result<(String, String), ApiError> {
    Ok(local_governments::table
        .find(&scope.lg)
        .select((local_governments::contact, local_governments::public_url))
        .first(scope.conn)?)
}

/// A time as a receipt says it: 令和9年3月17日（水）10時24分.
pub(crate) fn in_words(scope: &Scope<'_>, at: Instant) -> String {
    let local = at.to_utc().with_timezone(&scope.zone);
    format!(
        "{}{}",
        wareki_with_weekday(local.date_naive()),
        local.format("%-H時%M分")
    )
}

/// Name and address of a person.
///
/// # Errors
/// A database failure.
pub(crate) fn person(scope: &mut Scope<'_>, id: &str) -> Result<(String, Option<String>), ApiError> {
    Ok(people::table
        .find((&scope.lg, id))
        .select((people::name, people::email))
        .first(scope.conn)?)
}

fn matter(asked: &Asked) -> Matter {
    Matter {
        control_number: asked.entry.as_ref().map(|entry| entry.control_number.clone()),
        name: asked.name.clone(),
        due: asked.detail.clone().unwrap_or_else(|| asked.row.kind.0.ja().to_owned()),
        due_on: asked.row.due_on,
    }
}

fn matter_of(thing: &AnsweredThing) -> Matter {
    Matter {
        control_number: thing.control_number.clone(),
        name: thing.name.clone(),
        due: thing.due.clone(),
        due_on: thing.due_on,
    }
}

fn named(name: &str) -> Recipient {
    Recipient {
        department: None,
        name: Some(name.to_owned()),
    }
}

fn send(
    scope: &mut Scope<'_>,
    address: &str,
    template: &'static str,
    rendered: Rendered,
    entry_id: Option<&str>,
) -> Result<(), ApiError> {
    let notice = Notice {
        address,
        template,
        rendered,
        entry_id,
    };
    post(scope, &notice).map(drop)
}

/// Sends the receipt to whoever answered; one without an address gets it where the link went.
///
/// # Errors
/// A database failure.
pub(crate) fn receipt(
    scope: &mut Scope<'_>,
    link: &LinkRow,
    token: &str,
    number: &str,
    person_id: &str,
) -> Result<(), ApiError> {
    let (name, own) = person(scope, person_id)?;
    let sent_to: Option<String> = match &link.message_id {
        Some(id) => messages::table
            .find((&scope.lg, id))
            .select(messages::address)
            .first(scope.conn)
            .optional()?,
        None => None,
    };
    let Some(address) = own.or(sent_to) else {
        return Ok(());
    };
    let receipt = receipts::find(scope, link, number)?;
    let (contact, base) = house(scope)?;
    let only = match receipt.things.as_slice() {
        [thing] => thing.entry_id.clone(),
        _ => None,
    };
    let mail = Receipt {
        recipient: named(&name),
        number: number.to_owned(),
        answered_at: in_words(scope, receipt.at),
        lines: receipt
            .things
            .iter()
            .map(|thing| ReceiptLine {
                matter: matter_of(thing),
                done: thing.done.clone(),
            })
            .collect(),
        url: format!("{base}/r/{token}/receipts/{number}"),
        contact,
    };
    send(scope, &address, "receipt", mail.render(), only.as_deref())
}

/// Asks the superior for more time.
///
/// # Errors
/// A database failure.
pub(crate) fn grace_asked(
    scope: &mut Scope<'_>,
    asked: &Asked,
    superior: &Contact,
    by_person_id: &str,
    until_on: NaiveDate,
) -> Result<(), ApiError> {
    let (by, _) = person(scope, by_person_id)?;
    let (contact, _) = house(scope)?;
    let Some(superior_id) = superior.person_id.as_deref() else {
        return Ok(());
    };
    let (_, link) = links::make(
        scope,
        &about(scope.today, asked, LinkPurpose::Grace, superior_id, by_person_id),
    )?;
    let mail = GraceAsked {
        recipient: named(&superior.name),
        matter: matter(asked),
        by,
        until_on,
        link,
        contact,
    };
    send(
        scope,
        &superior.address,
        "grace_request",
        mail.render(),
        asked.row.entry_id.as_deref(),
    )
}

/// Tells whoever asked for more time what was said to it.
///
/// # Errors
/// A database failure.
pub(crate) fn grace_decided(
    scope: &mut Scope<'_>,
    asked: &Asked,
    request: &GraceRow,
    by_person_id: &str,
    granted: bool,
) -> Result<(), ApiError> {
    let (by, _) = person(scope, by_person_id)?;
    let (name, address) = person(scope, &request.requested_by_person_id)?;
    let (contact, _) = house(scope)?;
    let Some(address) = address else { return Ok(()) };
    let mail = GraceDecided {
        recipient: named(&name),
        matter: matter(asked),
        until_on: granted.then_some(request.until_on),
        by,
        contact,
    };
    send(
        scope,
        &address,
        "grace_decision",
        mail.render(),
        asked.row.entry_id.as_deref(),
    )
}

/// Asks somebody to prepare an answer.
///
/// # Errors
/// A database failure.
pub(crate) fn prepare_asked(
    scope: &mut Scope<'_>,
    asked: &Asked,
    preparer_id: &str,
    by_person_id: &str,
    note: Option<String>,
) -> Result<(), ApiError> {
    let (by, _) = person(scope, by_person_id)?;
    let (name, address) = person(scope, preparer_id)?;
    let (contact, _) = house(scope)?;
    let Some(address) = address else { return Ok(()) };
    let (_, link) = links::make(
        scope,
        &about(scope.today, asked, LinkPurpose::Prepare, preparer_id, by_person_id),
    )?;
    let mail = Preparation {
        recipient: named(&name),
        matter: matter(asked),
        by,
        done: false,
        note,
        link,
        contact,
    };
    send(
        scope,
        &address,
        "prepare_request",
        mail.render(),
        asked.row.entry_id.as_deref(),
    )
}

/// Tells the responsible person that an answer is prepared, with a link of their own.
///
/// # Errors
/// A database failure.
pub(crate) fn prepared(
    scope: &mut Scope<'_>,
    asked: &Asked,
    responsible_id: &str,
    by_person_id: &str,
) -> Result<(), ApiError> {
    let (by, _) = person(scope, by_person_id)?;
    let (name, address) = person(scope, responsible_id)?;
    let (contact, _) = house(scope)?;
    let Some(address) = address else { return Ok(()) };
    let new = NewLink {
        purpose: LinkPurpose::Answer,
        reader: Some(Reader::Person(responsible_id)),
        by_person_id: Some(by_person_id),
        about: None,
        message_id: None,
        last_day: last_day(scope.today, [asked.row.due_on]),
    };
    let (_, link) = links::make(scope, &new)?;
    let mail = Preparation {
        recipient: named(&name),
        matter: matter(asked),
        by,
        done: true,
        note: None,
        link,
        contact,
    };
    send(
        scope,
        &address,
        "prepared",
        mail.render(),
        asked.row.entry_id.as_deref(),
    )
}

fn about<'l>(
    today: NaiveDate,
    asked: &'l Asked,
    purpose: LinkPurpose,
    reader_id: &'l str,
    by_person_id: &'l str,
) -> NewLink<'l> {
    NewLink {
        purpose,
        reader: Some(Reader::Person(reader_id)),
        by_person_id: Some(by_person_id),
        about: Some((&asked.row.id, asked.row.cycle)),
        message_id: None,
        last_day: last_day(today, [asked.row.due_on]),
    }
}
