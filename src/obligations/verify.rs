//! The act of confirming: answers of one person about the clauses of a round, about the due thing itself, or about
//! clauses of an entry between two rounds. What follows is the same: fulfilment, risk, the next due date, queued mails,
//! and a corrective action for each clause that is not met, in one transaction.

mod check;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::cycles::{self, End};
use super::{KIND, ObligationRow, require_open};
use crate::app::{Scope, Subject};
use crate::corrective_actions;
use crate::db::schema::{clause_fulfilments, obligations, round_clauses, verification_answers, verifications};
use crate::delegations;
use crate::domain::reminder::ClosedBy;
use crate::domain::round::ALIGNMENT_DAYS;
use crate::entries::rows::{self, EntryRow};
use crate::entries::state;
use crate::http::body::clean_lines;
use crate::http::error::ApiError;
use crate::verifications::Verification;

/// The answer to one clause; there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerWord {
    /// The measure is in place.
    Met,
    /// It is not.
    NotMet,
    /// It cannot be told.
    CannotTell,
}

impl AnswerWord {
    /// The spelling in the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not_met",
            Self::CannotTell => "cannot_tell",
        }
    }

    /// As pages and receipts say it.
    pub const fn ja(self) -> &'static str {
        match self {
            Self::Met => "実施を確認した",
            Self::NotMet => "実施されていない",
            Self::CannotTell => "確認できない",
        }
    }

    /// The word with this spelling.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Met, Self::NotMet, Self::CannotTell]
            .into_iter()
            .find(|word| word.code() == code)
    }
}

/// How it was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By documents.
    Document,
    /// Remotely.
    Remote,
    /// On site (実地).
    OnSite,
}

impl Method {
    /// The method with this spelling.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Document, Self::Remote, Self::OnSite]
            .into_iter()
            .find(|method| method.code() == code)
    }

    /// The spelling in the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Remote => "remote",
            Self::OnSite => "on_site",
        }
    }
}

/// The answer about one clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The clause.
    #[schema(max_length = 100)]
    pub clause_key: String,
    /// What was found.
    pub answer: AnswerWord,
    /// How; the method of the whole confirmation without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub method: Option<Method>,
    /// The evidence.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub evidence_id: Option<String>,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// A confirmation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationCreate {
    /// When it was confirmed; today without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub verified_on: Option<NaiveDate>,
    /// How; `document` without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub method: Option<Method>,
    /// One answer per clause of the round; empty for other kinds.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub answers: Vec<Answer>,
    /// Why nobody went there, where the yearly inspection on site of work with personal information is answered in
    /// another way (video, photographs).
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub onsite_reason: Option<String>,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub note: Option<String>,
}

/// What the answers are about.
struct About<'a> {
    organization_id: &'a str,
    entry: Option<&'a EntryRow>,
    /// The round, or the other due thing, that is answered.
    due: Option<&'a ObligationRow>,
    /// The clauses that are asked with what is answered already; `None`: any clause of the entry.
    asked: Option<BTreeMap<String, Option<String>>>,
}

/// Records a confirmation and what follows from it, in the caller's transaction.
///
/// # Errors
/// 409 when the cycle is closed or of a kind that is not confirmed, 422 for wrong answers.
pub(crate) fn verify(
    scope: &mut Scope<'_>,
    row: &ObligationRow,
    person_id: &str,
    mut new: VerificationCreate,
) -> Result<Verification, ApiError> {
    require_open(row, ClosedBy::Verification)?;
    let asked = members(scope, row)?;
    let entry = match &row.entry_id {
        None => None,
        Some(id) => Some(rows::by_id(scope, id)?),
    };
    let about = About {
        organization_id: &row.organization_id,
        entry: entry.as_ref(),
        due: Some(row),
        asked: Some(asked.clone()),
    };
    let id = record(scope, &about, person_id, &mut new)?;
    let complete = answer_round(scope, row, &asked, &new)?;
    let action = if complete {
        "obligation.verified"
    } else {
        "obligation.answered"
    };
    let subject = Subject {
        kind: KIND,
        id: &row.id,
        organization_id: Some(&row.organization_id),
        entry_id: row.entry_id.as_deref(),
    };
    let acting_for = acting_for(scope, row, person_id)?;
    let mut said = payload(&id, Some(row), &new);
    if let Some(said) = said.as_object_mut() {
        said.insert("acting_for_person_ids".to_owned(), json!(acting_for));
    }
    scope.record(action, subject, said);
    if let Some(entry) = &entry {
        rows::touch(scope, &entry.id)?;
        state::refresh(scope, &entry.id, "verified")?;
    }
    if complete {
        let next: Option<NaiveDate> = obligations::table
            .find((&scope.lg, &row.id))
            .filter(obligations::state.eq("open"))
            .select(obligations::due_on)
            .first(scope.conn)
            .optional()?;
        diesel::update(verifications::table.find((&scope.lg, &id)))
            .set(verifications::next_due_on.eq(next))
            .execute(scope.conn)?;
    }
    finish(scope, entry.as_ref(), &id, &new)
}

/// The assignees of the round in whose place a delegate answered (不在代理).
fn acting_for(scope: &mut Scope<'_>, row: &ObligationRow, person_id: &str) -> Result<Vec<String>, ApiError> {
    let absent = delegations::acting_for(scope, &row.organization_id, person_id)?;
    let assigned = round_clauses::table
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::obligation_id.eq(&row.id))
        .filter(round_clauses::cycle.eq(row.cycle))
        .filter(round_clauses::assignee_person_id.eq_any(absent.into_iter().map(Some).collect::<Vec<_>>()))
        .order(round_clauses::assignee_person_id)
        .select(round_clauses::assignee_person_id.assume_not_null())
        .distinct();
    Ok(assigned.load(scope.conn)?)
}

/// Records a confirmation between two rounds. Where some of the round have answered already it is one of theirs;
/// otherwise the round follows from the new answers.
///
/// # Errors
/// 422 for wrong answers, 409 when the person is the supplier's.
pub(crate) fn verify_entry(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    person_id: &str,
    mut new: VerificationCreate,
) -> Result<Verification, ApiError> {
    let about = About {
        organization_id: &entry.organization_id,
        entry: Some(entry),
        due: None,
        asked: None,
    };
    let id = record(scope, &about, person_id, &mut new)?;
    if let Some(row) = super::open_round_of(scope, &entry.id)? {
        let asked = members(scope, &row)?;
        if asked.values().any(Option::is_some) {
            answer_round(scope, &row, &asked, &new)?;
        }
    }
    let subject = Subject {
        organization_id: Some(&entry.organization_id),
        entry_id: Some(&entry.id),
        ..Subject::of("verification", &id)
    };
    scope.record("entry.verified", subject, payload(&id, None, &new));
    rows::touch(scope, &entry.id)?;
    state::refresh(scope, &entry.id, "verified")?;
    let next = super::open_round_of(scope, &entry.id)?.map(|row| row.due_on);
    diesel::update(verifications::table.find((&scope.lg, &id)))
        .set(verifications::next_due_on.eq(next))
        .execute(scope.conn)?;
    finish(scope, Some(entry), &id, &new)
}

/// Opens the corrective actions and reads the act back.
fn finish(
    scope: &mut Scope<'_>,
    entry: Option<&EntryRow>,
    id: &str,
    new: &VerificationCreate,
) -> Result<Verification, ApiError> {
    let not_met = new.answers.iter().filter(|answer| answer.answer == AnswerWord::NotMet);
    let not_met: Vec<&str> = not_met.map(|answer| answer.clause_key.as_str()).collect();
    if let Some(entry) = entry.filter(|_| !not_met.is_empty()) {
        corrective_actions::open_not_met(scope, &entry.id, id, &not_met)?;
    }
    crate::verifications::find(scope, id)
}

fn payload(id: &str, row: Option<&ObligationRow>, new: &VerificationCreate) -> serde_json::Value {
    json!({"verification_id": id, "cycle": row.map(|row| row.cycle), "due_on": row.map(|row| row.due_on),
        "result": result(&new.answers), "verified_on": new.verified_on, "answers": new.answers,
        "onsite_reason": new.onsite_reason})
}

/// The worst of the answers.
fn result(answers: &[Answer]) -> &'static str {
    let any = |word| answers.iter().any(|answer| answer.answer == word);
    if any(AnswerWord::NotMet) {
        "not_met"
    } else if any(AnswerWord::CannotTell) {
        "cannot_tell"
    } else {
        "met"
    }
}

/// The clauses of a round with what is answered.
fn members(scope: &mut Scope<'_>, row: &ObligationRow) -> Result<BTreeMap<String, Option<String>>, ApiError> {
    Ok(round_clauses::table
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::obligation_id.eq(&row.id))
        .filter(round_clauses::cycle.eq(row.cycle))
        .select((round_clauses::clause_key, round_clauses::answer))
        .load::<(String, Option<String>)>(scope.conn)?
        .into_iter()
        .collect())
}

/// Cleans and checks the answers and stores the act with them; defaults are filled in.
fn record(
    scope: &mut Scope<'_>,
    about: &About<'_>,
    person_id: &str,
    new: &mut VerificationCreate,
) -> Result<String, ApiError> {
    let verified_on = *new.verified_on.get_or_insert(scope.today);
    let method = new.method.unwrap_or(Method::Document);
    let mut errors = vec![];
    clean_lines(&mut new.note, "/note", 4000, &mut errors);
    clean_lines(&mut new.onsite_reason, "/onsite_reason", 1000, &mut errors);
    for (i, answer) in new.answers.iter_mut().enumerate() {
        clean_lines(&mut answer.note, &format!("/answers/{i}/note"), 1000, &mut errors);
        answer.method.get_or_insert(method);
    }
    ApiError::unless_empty(errors)?;
    check::answers(scope, about, new, verified_on)?;
    if let Some(entry) = about.entry {
        check::require_not_supplier(scope, entry, person_id)?;
    }
    let on_site = method == Method::OnSite || new.answers.iter().any(|answer| answer.method == Some(Method::OnSite));
    let id = scope.new_id();
    diesel::insert_into(verifications::table)
        .values((
            verifications::local_government_id.eq(&scope.lg),
            verifications::id.eq(&id),
            verifications::obligation_id.eq(about.due.map(|row| &row.id)),
            verifications::cycle.eq(about.due.map(|row| row.cycle)),
            verifications::organization_id.eq(about.organization_id),
            verifications::entry_id.eq(about.entry.map(|entry| &entry.id)),
            verifications::verified_on.eq(verified_on),
            verifications::method.eq(method.code()),
            verifications::verifier_person_id.eq(person_id),
            verifications::on_site.eq(on_site),
            verifications::onsite_reason.eq(&new.onsite_reason),
            verifications::result.eq(result(&new.answers)),
            verifications::note.eq(&new.note),
            verifications::created_at.eq(scope.at),
            verifications::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    for answer in &new.answers {
        record_answer(scope, about, &id, person_id, verified_on, answer)?;
    }
    Ok(id)
}

/// Marks the clauses of the round that were answered; closes the cycle with the last of them.
fn answer_round(
    scope: &mut Scope<'_>,
    row: &ObligationRow,
    asked: &BTreeMap<String, Option<String>>,
    new: &VerificationCreate,
) -> Result<bool, ApiError> {
    let mut open: BTreeSet<&str> = asked
        .iter()
        .filter(|(_, answer)| answer.is_none())
        .map(|(key, _)| key.as_str())
        .collect();
    for answer in &new.answers {
        if !open.remove(answer.clause_key.as_str()) {
            continue;
        }
        diesel::update(round_clauses::table.find((&scope.lg, &row.id, row.cycle, &answer.clause_key)))
            .set((
                round_clauses::answer.eq(Some(answer.answer.code())),
                round_clauses::answered_at.eq(Some(scope.at)),
            ))
            .execute(scope.conn)?;
    }
    if open.is_empty() {
        cycles::end_cycle(scope, &row.id, row.cycle, End::Closed, Some("verified"))?;
    }
    Ok(open.is_empty())
}

fn record_answer(
    scope: &mut Scope<'_>,
    about: &About<'_>,
    verification_id: &str,
    person_id: &str,
    verified_on: NaiveDate,
    answer: &Answer,
) -> Result<(), ApiError> {
    diesel::insert_into(verification_answers::table)
        .values((
            verification_answers::local_government_id.eq(&scope.lg),
            verification_answers::verification_id.eq(verification_id),
            verification_answers::clause_key.eq(&answer.clause_key),
            verification_answers::answer.eq(answer.answer.code()),
            verification_answers::method.eq(answer.method.unwrap_or(Method::Document).code()),
            verification_answers::evidence_id.eq(&answer.evidence_id),
            verification_answers::note.eq(&answer.note),
        ))
        .execute(scope.conn)?;
    let Some(entry_id) = about.entry.map(|entry| &entry.id) else {
        return Ok(());
    };
    // An answer up to 92 days early counts from the due date of its round; one outside a round from its own day.
    let answered_due_on = about
        .due
        .map(|row| row.due_on)
        .filter(|due_on| (0..=ALIGNMENT_DAYS).contains(&(*due_on - verified_on).num_days()));
    let found_met = answer.answer == AnswerWord::Met;
    let exists: Option<i64> = clause_fulfilments::table
        .find((&scope.lg, entry_id, &answer.clause_key))
        .select(clause_fulfilments::version)
        .first(scope.conn)
        .optional()?;
    let values = (
        clause_fulfilments::answered_on.eq(Some(verified_on)),
        clause_fulfilments::answered_due_on.eq(answered_due_on),
        clause_fulfilments::verified_on.eq(found_met.then_some(verified_on)),
        clause_fulfilments::verified_by_person_id.eq(found_met.then_some(person_id)),
        clause_fulfilments::evidence_id.eq(&answer.evidence_id),
        clause_fulfilments::updated_at.eq(scope.at),
        clause_fulfilments::updated_by.eq(scope.by()),
    );
    if exists.is_some() {
        diesel::update(clause_fulfilments::table.find((&scope.lg, entry_id, &answer.clause_key)))
            .set((values, clause_fulfilments::version.eq(clause_fulfilments::version + 1)))
            .execute(scope.conn)?;
    } else {
        diesel::insert_into(clause_fulfilments::table)
            .values((
                clause_fulfilments::local_government_id.eq(&scope.lg),
                clause_fulfilments::entry_id.eq(entry_id),
                clause_fulfilments::clause_key.eq(&answer.clause_key),
                clause_fulfilments::declared.eq(false),
                clause_fulfilments::version.eq(1),
                values,
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}
