//! Receipts (受付): what was answered by a link, once for each sheet that was sent. Whoever sends the sheet again is shown
//! the first answer; nothing of it changes any more.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{people, receipts};
use crate::domain::calendar::fiscal_year;
use crate::http::error::ApiError;
use crate::links::LinkRow;
use crate::number_series;

/// What was answered about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnsweredThing {
    /// Its obligation.
    pub obligation_id: String,
    /// Its entry.
    pub entry_id: Option<String>,
    /// Its control number.
    pub control_number: Option<String>,
    /// Its name.
    pub name: String,
    /// What was due.
    pub due: String,
    /// When.
    pub due_on: NaiveDate,
    /// In a few words: 条項3件に回答.
    pub done: String,
    /// Each question with its answer and what was said to it.
    pub lines: Vec<AnsweredLine>,
    /// When the next cycle is due.
    pub next_due_on: Option<NaiveDate>,
}

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnsweredLine {
    /// What was asked.
    pub asked: String,
    /// What was answered.
    pub answer: String,
    /// What was said to it.
    pub note: Option<String>,
    /// The name of the file that was sent with it.
    pub file: Option<String>,
}

/// A receipt.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    /// Its number: `R9-000012`.
    pub number: String,
    /// Who answered.
    pub by: String,
    /// When.
    pub at: Instant,
    /// What.
    pub things: Vec<AnsweredThing>,
}

type Row = (String, String, String, Instant);

/// The receipt of a sheet that was sent before.
///
/// # Errors
/// A database failure.
pub(crate) fn of_sheet(scope: &mut Scope<'_>, link: &LinkRow, sheet: &str) -> Result<Option<String>, ApiError> {
    Ok(receipts::table
        .filter(receipts::local_government_id.eq(&scope.lg))
        .filter(receipts::link_id.eq(&link.id))
        .filter(receipts::sheet.eq(sheet))
        .select(receipts::number)
        .first(scope.conn)
        .optional()?)
}

/// The receipts of a link, the latest first.
///
/// # Errors
/// A database failure.
pub(crate) fn of_link(scope: &mut Scope<'_>, link: &LinkRow) -> Result<Vec<(String, Instant)>, ApiError> {
    Ok(receipts::table
        .filter(receipts::local_government_id.eq(&scope.lg))
        .filter(receipts::link_id.eq(&link.id))
        .order(receipts::id.desc())
        .select((receipts::number, receipts::created_at))
        .load(scope.conn)?)
}

/// A receipt of a link.
///
/// # Errors
/// 404.
pub(crate) fn find(scope: &mut Scope<'_>, link: &LinkRow, number: &str) -> Result<Receipt, ApiError> {
    let (number, person, answered, at): Row = receipts::table
        .filter(receipts::local_government_id.eq(&scope.lg))
        .filter(receipts::link_id.eq(&link.id))
        .filter(receipts::number.eq(number))
        .select((
            receipts::number,
            receipts::person_id,
            receipts::answered,
            receipts::created_at,
        ))
        .first(scope.conn)?;
    let by: String = people::table
        .find((&scope.lg, person))
        .select(people::name)
        .first(scope.conn)?;
    Ok(Receipt {
        number,
        by,
        at,
        things: serde_json::from_str(&answered)?,
    })
}

/// Issues the receipt of a sheet and answers its number.
///
/// # Errors
/// A database failure.
pub(super) fn issue(
    scope: &mut Scope<'_>,
    link: &LinkRow,
    sheet: &str,
    person_id: &str,
    things: &[AnsweredThing],
) -> Result<String, ApiError> {
    let number = next_number(scope)?;
    let id = scope.new_id();
    diesel::insert_into(receipts::table)
        .values((
            receipts::local_government_id.eq(&scope.lg),
            receipts::id.eq(&id),
            receipts::number.eq(&number),
            receipts::link_id.eq(&link.id),
            receipts::sheet.eq(sheet),
            receipts::person_id.eq(person_id),
            receipts::answered.eq(serde_json::to_string(things)?),
            receipts::created_at.eq(scope.at),
        ))
        .execute(scope.conn)?;
    // Whoever says that they never answered is shown by which mail somebody did.
    let obligations: Vec<&str> = things.iter().map(|thing| thing.obligation_id.as_str()).collect();
    let payload = json!({"number": number, "link_id": link.id, "message_id": link.message_id,
        "person_id": person_id, "obligation_ids": obligations});
    scope.record("receipt.issued", Subject::of("receipt", &id), payload);
    Ok(number)
}

/// Numbered within the fiscal year, as offices number what they receive.
fn next_number(scope: &mut Scope<'_>) -> Result<String, ApiError> {
    let series = format!("R{}", fiscal_year(scope.today) - 2018);
    let number = number_series::next(scope, &series)?;
    Ok(format!("{series}-{number:06}"))
}
