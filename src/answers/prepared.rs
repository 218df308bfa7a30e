//! Prepared answers (下書き): what somebody has filled in for the responsible person. They count for nothing until that
//! person confirms them; then they are gone.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde_json::json;

use super::asked::Asked;
use crate::app::{Scope, Subject};
use crate::db::schema::{people, prepared_answers};
use crate::http::error::ApiError;
use crate::obligations::{AnswerWord, ClauseAnswer};

/// A prepared answer about one clause.
#[derive(Debug, Clone)]
pub(crate) struct PreparedRow {
    /// What was found.
    pub answer: Option<AnswerWord>,
    /// Note.
    pub note: Option<String>,
    /// The evidence.
    pub evidence_id: Option<String>,
    /// By whom: the name.
    pub by: Option<String>,
}

/// By obligation, cycle and clause.
pub(super) type Prepared = BTreeMap<(String, i32, String), PreparedRow>;

/// What is prepared for these obligations.
pub(super) fn of(scope: &mut Scope<'_>, obligation_ids: &BTreeSet<&str>) -> Result<Prepared, ApiError> {
    type Row = (String, i32, String, String, Option<String>, Option<String>, String);
    let rows: Vec<Row> = prepared_answers::table
        .filter(prepared_answers::local_government_id.eq(&scope.lg))
        .filter(prepared_answers::obligation_id.eq_any(obligation_ids))
        .select((
            prepared_answers::obligation_id,
            prepared_answers::cycle,
            prepared_answers::clause_key,
            prepared_answers::answer,
            prepared_answers::note,
            prepared_answers::evidence_id,
            prepared_answers::prepared_by_person_id,
        ))
        .load(scope.conn)?;
    let names: BTreeMap<String, String> = people::table
        .filter(people::local_government_id.eq(&scope.lg))
        .filter(people::id.eq_any(rows.iter().map(|row| &row.6)))
        .select((people::id, people::name))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let prepared = rows.into_iter().map(|(id, cycle, key, answer, note, evidence_id, by)| {
        let row = PreparedRow {
            answer: AnswerWord::parse(&answer),
            note,
            evidence_id,
            by: names.get(&by).cloned(),
        };
        ((id, cycle, key), row)
    });
    Ok(prepared.collect())
}

/// Keeps what a person has filled in, in place of what was filled in before.
///
/// # Errors
/// A database failure.
pub(crate) fn keep(
    scope: &mut Scope<'_>,
    asked: &Asked,
    person_id: &str,
    answers: &[ClauseAnswer],
) -> Result<(), ApiError> {
    let keys: Vec<&str> = answers.iter().map(|answer| answer.clause_key.as_str()).collect();
    diesel::delete(
        prepared_answers::table
            .filter(prepared_answers::local_government_id.eq(&scope.lg))
            .filter(prepared_answers::obligation_id.eq(&asked.row.id))
            .filter(prepared_answers::clause_key.eq_any(&keys)),
    )
    .execute(scope.conn)?;
    for answer in answers {
        diesel::insert_into(prepared_answers::table)
            .values((
                prepared_answers::local_government_id.eq(&scope.lg),
                prepared_answers::obligation_id.eq(&asked.row.id),
                prepared_answers::cycle.eq(asked.row.cycle),
                prepared_answers::clause_key.eq(&answer.clause_key),
                prepared_answers::answer.eq(answer.answer.code()),
                prepared_answers::note.eq(&answer.note),
                prepared_answers::evidence_id.eq(&answer.evidence_id),
                prepared_answers::prepared_by_person_id.eq(person_id),
                prepared_answers::prepared_at.eq(scope.at),
            ))
            .execute(scope.conn)?;
    }
    let subject = Subject {
        kind: "obligation",
        id: &asked.row.id,
        organization_id: Some(&asked.row.organization_id),
        entry_id: asked.row.entry_id.as_deref(),
    };
    scope.record(
        "obligation.prepared",
        subject,
        json!({"cycle": asked.row.cycle, "answers": answers}),
    );
    Ok(())
}

/// Forgets what was prepared for a cycle that has been answered.
pub(super) fn forget(scope: &mut Scope<'_>, obligation_id: &str, clause_keys: &[String]) -> Result<(), ApiError> {
    diesel::delete(
        prepared_answers::table
            .filter(prepared_answers::local_government_id.eq(&scope.lg))
            .filter(prepared_answers::obligation_id.eq(obligation_id))
            .filter(prepared_answers::clause_key.eq_any(clause_keys)),
    )
    .execute(scope.conn)?;
    Ok(())
}
