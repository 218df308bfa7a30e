//! What is on record about the clauses that are asked: where the contract says them, and the last answer about each.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::{clause_agreements, engagements, evidence, people, verification_answers, verifications};
use crate::http::error::ApiError;
use crate::obligations::AnswerWord;

/// The last answers, by entry and clause.
pub(super) type Last = BTreeMap<(String, String), LastAnswer>;

/// The last answer about a clause.
#[derive(Debug, Clone)]
pub(crate) struct LastAnswer {
    /// When.
    pub on: NaiveDate,
    /// By whom.
    pub by: Option<String>,
    /// What was found.
    pub answer: Option<AnswerWord>,
    /// The title of its evidence.
    pub evidence: Option<String>,
}

/// Where the contract in force says what: by entry and clause.
pub(super) fn articles(
    scope: &mut Scope<'_>,
    entry_ids: &BTreeSet<String>,
) -> Result<BTreeMap<(String, String), String>, ApiError> {
    let periods: BTreeMap<String, Option<String>> = engagements::table
        .filter(engagements::local_government_id.eq(&scope.lg))
        .filter(engagements::id.eq_any(entry_ids))
        .select((engagements::id, engagements::current_period_id))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let rows: Vec<(String, Option<String>, String, Option<String>)> = clause_agreements::table
        .filter(clause_agreements::local_government_id.eq(&scope.lg))
        .filter(clause_agreements::entry_id.eq_any(entry_ids))
        .filter(clause_agreements::article.is_not_null())
        .select((
            clause_agreements::entry_id,
            clause_agreements::period_id,
            clause_agreements::clause_key,
            clause_agreements::article,
        ))
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .filter(|(entry, period, ..)| periods.get(entry).cloned().flatten() == *period)
        .filter_map(|(entry, _, key, article)| Some(((entry, key), article?)))
        .collect())
}

/// The last answer about each clause of these entries.
pub(super) fn last_answers(scope: &mut Scope<'_>, entry_ids: &BTreeSet<String>) -> Result<Last, ApiError> {
    let acts: Vec<(String, Option<String>, NaiveDate, String)> = verifications::table
        .filter(verifications::local_government_id.eq(&scope.lg))
        .filter(verifications::entry_id.eq_any(entry_ids.iter().map(|id| Some(id.as_str()))))
        .order((verifications::verified_on, verifications::id))
        .select((
            verifications::id,
            verifications::entry_id,
            verifications::verified_on,
            verifications::verifier_person_id,
        ))
        .load(scope.conn)?;
    let given: Vec<(String, String, String, Option<String>)> = verification_answers::table
        .filter(verification_answers::local_government_id.eq(&scope.lg))
        .filter(verification_answers::verification_id.eq_any(acts.iter().map(|(id, ..)| id)))
        .select((
            verification_answers::verification_id,
            verification_answers::clause_key,
            verification_answers::answer,
            verification_answers::evidence_id,
        ))
        .load(scope.conn)?;
    let names: BTreeMap<String, String> = people::table
        .filter(people::local_government_id.eq(&scope.lg))
        .filter(people::id.eq_any(acts.iter().map(|(.., person)| person)))
        .select((people::id, people::name))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let titles: BTreeMap<String, String> = evidence::table
        .filter(evidence::local_government_id.eq(&scope.lg))
        .filter(evidence::id.eq_any(given.iter().filter_map(|(.., id)| id.as_ref())))
        .select((evidence::id, evidence::title))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let mut by_act: BTreeMap<&str, Vec<(&str, &str, Option<&str>)>> = BTreeMap::new();
    for (act, key, answer, shown) in &given {
        by_act.entry(act).or_default().push((key, answer, shown.as_deref()));
    }
    let mut last = Last::new();
    // The oldest first, so that a later one takes the place of one before.
    for (id, entry, on, person) in &acts {
        let Some(entry) = entry else { continue };
        for (key, answer, shown) in by_act.get(id.as_str()).into_iter().flatten() {
            let answer = LastAnswer {
                on: *on,
                by: names.get(person).cloned(),
                answer: AnswerWord::parse(answer),
                evidence: shown.and_then(|id| titles.get(id).cloned()),
            };
            last.insert((entry.clone(), (*key).to_owned()), answer);
        }
    }
    Ok(last)
}
