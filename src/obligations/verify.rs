//! The act of confirming: answers of one person about the clauses of a round, or about the due thing itself.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::cycles::{self, End};
use super::{KIND, ObligationRow, require_open};
use crate::app::{Scope, Subject};
use crate::db::schema::{clause_fulfilments, obligations, round_clauses, verification_answers, verifications};
use crate::delegations;
use crate::domain::reminder::ClosedBy;
use crate::domain::round::ALIGNMENT_DAYS;
use crate::domain::vocabulary::ObligationKind;
use crate::entries::{rows, state};
use crate::evidence;
use crate::http::body::clean_lines;
use crate::http::error::{ApiError, FieldError};
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
    /// Note.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub note: Option<String>,
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
    let verified_on = new.verified_on.unwrap_or(scope.today);
    let mut errors = vec![];
    clean_lines(&mut new.note, "/note", 4000, &mut errors);
    for (i, answer) in new.answers.iter_mut().enumerate() {
        clean_lines(&mut answer.note, &format!("/answers/{i}/note"), 1000, &mut errors);
    }
    ApiError::unless_empty(errors)?;
    let asked: BTreeMap<String, Option<String>> = round_clauses::table
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::obligation_id.eq(&row.id))
        .filter(round_clauses::cycle.eq(row.cycle))
        .select((round_clauses::clause_key, round_clauses::answer))
        .load::<(String, Option<String>)>(scope.conn)?
        .into_iter()
        .collect();
    check(scope, row, &asked, &new, verified_on)?;
    let id = scope.new_id();
    let worst = new.answers.iter().map(|answer| answer.answer);
    let result = if worst.clone().any(|word| word == AnswerWord::NotMet) {
        "not_met"
    } else if worst.clone().any(|word| word == AnswerWord::CannotTell) {
        "cannot_tell"
    } else {
        "met"
    };
    diesel::insert_into(verifications::table)
        .values((
            verifications::local_government_id.eq(&scope.lg),
            verifications::id.eq(&id),
            verifications::obligation_id.eq(&row.id),
            verifications::cycle.eq(row.cycle),
            verifications::organization_id.eq(&row.organization_id),
            verifications::entry_id.eq(&row.entry_id),
            verifications::verified_on.eq(verified_on),
            verifications::method.eq(new.method.unwrap_or(Method::Document).code()),
            verifications::verifier_person_id.eq(person_id),
            verifications::result.eq(result),
            verifications::note.eq(&new.note),
            verifications::created_at.eq(scope.at),
            verifications::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    for answer in &new.answers {
        record_answer(scope, row, &id, person_id, verified_on, answer)?;
    }
    let answered: BTreeSet<&str> = new.answers.iter().map(|answer| answer.clause_key.as_str()).collect();
    let complete = asked
        .iter()
        .all(|(key, old)| old.is_some() || answered.contains(key.as_str()));
    if complete {
        cycles::end_cycle(scope, &row.id, row.cycle, End::Closed, Some("verified"))?;
    }
    let subject = Subject {
        kind: KIND,
        id: &row.id,
        organization_id: Some(&row.organization_id),
        entry_id: row.entry_id.as_deref(),
    };
    let action = if complete {
        "obligation.verified"
    } else {
        "obligation.answered"
    };
    let acting_for = acting_for(scope, row, person_id)?;
    let payload = json!({"verification_id": id, "cycle": row.cycle, "due_on": row.due_on, "result": result,
        "verified_on": verified_on, "answers": new.answers, "acting_for_person_ids": acting_for});
    scope.record(action, subject, payload);
    if let Some(entry_id) = &row.entry_id {
        rows::touch(scope, entry_id)?;
        state::refresh(scope, entry_id, "verified")?;
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
    crate::verifications::find(scope, &id)
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

fn check(
    scope: &mut Scope<'_>,
    row: &ObligationRow,
    asked: &BTreeMap<String, Option<String>>,
    new: &VerificationCreate,
    verified_on: NaiveDate,
) -> Result<(), ApiError> {
    let mut errors = vec![];
    if verified_on > scope.today {
        errors.push(FieldError::new(
            "/verified_on",
            "out_of_range",
            "確認日は今日以前にしてください。",
            "It must not be in the future.",
        ));
    }
    if row.kind.0 == ObligationKind::Reverification && new.answers.is_empty() {
        errors.push(FieldError::new(
            "/answers",
            "required",
            "条項ごとの答えを入れてください。",
            "Answer each clause.",
        ));
    }
    let mut seen = BTreeSet::new();
    for (i, answer) in new.answers.iter().enumerate() {
        let pointer = format!("/answers/{i}/clause_key");
        match asked.get(&answer.clause_key) {
            None => errors.push(FieldError::reference(&pointer)),
            Some(Some(_)) => errors.push(FieldError::new(
                &pointer,
                "already_answered",
                "この条項は今回すでに答えられています。",
                "This clause is answered in this cycle already.",
            )),
            Some(None) if !seen.insert(&answer.clause_key) => errors.push(FieldError::new(
                &pointer,
                "duplicate_in_request",
                "同じ条項が二度あります。",
                "The same clause twice.",
            )),
            Some(None) => {}
        }
    }
    let named = new.answers.iter().enumerate();
    let named: Vec<(&str, String)> = named
        .filter_map(|(i, answer)| Some((answer.evidence_id.as_deref()?, format!("/answers/{i}/evidence_id"))))
        .collect();
    let place = evidence::place(scope, &row.organization_id, row.entry_id.as_deref())?;
    evidence::check_named(scope, &place, &named, &mut errors)?;
    ApiError::unless_empty(errors)
}

fn record_answer(
    scope: &mut Scope<'_>,
    row: &ObligationRow,
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
            verification_answers::evidence_id.eq(&answer.evidence_id),
            verification_answers::note.eq(&answer.note),
        ))
        .execute(scope.conn)?;
    diesel::update(round_clauses::table.find((&scope.lg, &row.id, row.cycle, &answer.clause_key)))
        .set((
            round_clauses::answer.eq(Some(answer.answer.code())),
            round_clauses::answered_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    let Some(entry_id) = &row.entry_id else { return Ok(()) };
    // An answer up to 92 days early counts from the due date of its round.
    let early = (row.due_on - verified_on).num_days();
    let answered_due_on = Some(row.due_on).filter(|_| (0..=ALIGNMENT_DAYS).contains(&early));
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
