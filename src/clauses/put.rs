//! Recording the fulfilment of a clause: the checks, the rows, the history, and what follows for the entry.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::stored;
use crate::app::Scope;
use crate::db::schema::{clause_agreements, clause_fulfilment_history, clause_fulfilments, engagement_periods};
use crate::domain::catalogue::Clause;
use crate::domain::fulfilment;
use crate::domain::vocabulary::{CodeWord, Kind};
use crate::entries::rows::EntryRow;
use crate::entries::state::Situation;
use crate::entries::{rows, state};
use crate::evidence;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::people;

/// Where a clause is agreed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementPut {
    /// The article (条番号).
    #[serde(default)]
    #[schema(max_length = 100, example = "第12条")]
    pub article: Option<String>,
    /// The words of the contract.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub quotation: Option<String>,
    /// When it was agreed.
    #[serde(default)]
    pub agreed_on: Option<NaiveDate>,
    /// The evidence.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub evidence_id: Option<String>,
}

/// How far a clause is fulfilled. The whole record is replaced; what is absent is empty.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilmentPut {
    /// The period that `agreed` is about; the current one without it.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub period_id: Option<String>,
    /// Where it is agreed; null: it is not.
    #[serde(default)]
    pub agreed: Option<AgreementPut>,
    /// Declared by the contractor or the section.
    #[serde(default)]
    pub declared: bool,
    /// When it was found met.
    #[serde(default)]
    pub verified_on: Option<NaiveDate>,
    /// By whom.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub verified_by_person_id: Option<String>,
    /// Why it does not apply here; refused for a statutory clause.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub not_applicable_reason: Option<String>,
    /// The evidence behind it.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub evidence_id: Option<String>,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub note: Option<String>,
}

/// Replaces what is recorded about a clause and brings risk and due dates in line.
///
/// # Errors
/// 404 for an entry that the caller may not touch, 422 for wrong values.
pub fn put(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    entry_id: &str,
    clause_key: &str,
    new: FulfilmentPut,
) -> Result<(), ApiError> {
    record(scope, allowed, entry_id, [(clause_key.to_owned(), new)])?;
    rows::touch(scope, entry_id)?;
    state::refresh(scope, entry_id, "clause_recorded")
}

/// Replaces what is recorded about clauses of an entry; the caller brings the entry in line once.
///
/// # Errors
/// As [`put`].
pub(crate) fn record(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    entry_id: &str,
    all: impl IntoIterator<Item = (String, FulfilmentPut)>,
) -> Result<(), ApiError> {
    let entry = rows::find(scope, allowed, entry_id)?;
    let situation = state::situation(scope, entry)?;
    for (clause_key, new) in all {
        let clause = situation.catalogue.clause(&clause_key).ok_or(ApiError::NotFound)?;
        check(scope, &situation.entry, clause, &new)?;
        let agreed_in = agreed_in(scope, &situation, &new)?;
        write(scope, &situation, clause, agreed_in.as_deref(), &new)?;
    }
    Ok(())
}

/// The period that `agreed` is about; kinds other than engagements have none.
fn agreed_in(
    scope: &mut Scope<'_>,
    situation: &Situation<'_>,
    new: &FulfilmentPut,
) -> Result<Option<String>, ApiError> {
    let kind = situation.entry.kind.0;
    let agreed_in = match (&new.period_id, kind) {
        (Some(period), Kind::ContractorEngagement) => {
            let found: Option<String> = engagement_periods::table
                .find((&scope.lg, period))
                .filter(engagement_periods::engagement_id.eq(&situation.entry.id))
                .select(engagement_periods::id)
                .first(scope.conn)
                .optional()?;
            Some(found.ok_or_else(|| ApiError::Validation(vec![FieldError::reference("/period_id")]))?)
        }
        (None, Kind::ContractorEngagement) => situation.period.as_ref().map(|period| period.id.clone()),
        (None, _) => None,
        (Some(_), _) => return Err(ApiError::Validation(vec![FieldError::reference("/period_id")])),
    };
    if new.agreed.is_some() && agreed_in.is_none() && kind == Kind::ContractorEngagement {
        return Err(ApiError::field(
            "/agreed",
            "no_period",
            "契約期間がまだありません。先に契約期間を登録してください。",
            "There is no period yet; register one first.",
        ));
    }
    Ok(agreed_in)
}

/// Writes what was checked: the agreement of the period, the record of the clause, its history, the journal.
///
/// # Errors
/// A database failure.
pub(crate) fn write(
    scope: &mut Scope<'_>,
    situation: &Situation<'_>,
    clause: &Clause,
    agreed_in: Option<&str>,
    new: &FulfilmentPut,
) -> Result<(), ApiError> {
    let (entry_id, clause_key) = (situation.entry.id.as_str(), clause.key.as_str());
    replace_agreement(scope, entry_id, clause_key, agreed_in, new.agreed.as_ref())?;
    let before = situation.stored.fulfilments.get(clause_key);
    let moved = before.and_then(|row| row.verified_on) != new.verified_on;
    let (answered_on, answered_due_on) = match (before, moved) {
        (Some(row), false) => (row.answered_on, row.answered_due_on),
        _ => (new.verified_on, None),
    };
    write_row(
        scope,
        entry_id,
        clause_key,
        before.is_some(),
        new,
        answered_on,
        answered_due_on,
    )?;
    let after = stored::load(scope, entry_id)?;
    let current = situation.period.as_ref().map(|period| period.id.as_str());
    let status = fulfilment::status(
        clause,
        situation.entry.kind.0,
        &after.state(clause_key, current, scope.today),
        scope.today,
    );
    diesel::insert_into(clause_fulfilment_history::table)
        .values((
            clause_fulfilment_history::local_government_id.eq(&scope.lg),
            clause_fulfilment_history::id.eq(scope.new_id()),
            clause_fulfilment_history::entry_id.eq(entry_id),
            clause_fulfilment_history::clause_key.eq(clause_key),
            clause_fulfilment_history::period_id.eq(agreed_in),
            clause_fulfilment_history::status.eq(status.code()),
            clause_fulfilment_history::article.eq(new.agreed.as_ref().and_then(|a| a.article.as_ref())),
            clause_fulfilment_history::quotation.eq(new.agreed.as_ref().and_then(|a| a.quotation.as_ref())),
            clause_fulfilment_history::evidence_id.eq(&new.evidence_id),
            clause_fulfilment_history::changed_at.eq(scope.at),
            clause_fulfilment_history::changed_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    let payload = json!({"clause_key": clause_key, "status": status, "verified_on": new.verified_on});
    scope.record("clause.recorded", situation.entry.subject(), payload);
    Ok(())
}

fn check(scope: &mut Scope<'_>, entry: &EntryRow, clause: &Clause, new: &FulfilmentPut) -> Result<(), ApiError> {
    let mut errors = vec![];
    if !clause.applies_to.contains(&entry.kind.0) {
        errors.push(FieldError::new(
            "",
            "clause_of_another_kind",
            "この種類の台帳にない条項です。",
            "This clause is not one of this kind of entry.",
        ));
    }
    if let Some(reason) = &new.not_applicable_reason {
        if clause.is_statutory() {
            errors.push(FieldError::new(
                "/not_applicable_reason",
                "statutory_clause",
                "法律が求める条項は適用外にできません。",
                "A statutory clause cannot be declared not applicable.",
            ));
        } else if !fulfilment::is_reason(Some(reason)) {
            errors.push(FieldError::new(
                "/not_applicable_reason",
                "required",
                "適用外とする理由を書いてください。",
                "Say why it does not apply.",
            ));
        }
    }
    if new.verified_on.is_some_and(|on| on > scope.today) {
        errors.push(FieldError::new(
            "/verified_on",
            "out_of_range",
            "確認日は今日以前にしてください。",
            "It must not be in the future.",
        ));
    }
    if let Some(person) = &new.verified_by_person_id {
        people::require(scope, person, "/verified_by_person_id")?;
    }
    let agreed = new.agreed.as_ref().and_then(|agreed| agreed.evidence_id.as_deref());
    let named: Vec<(&str, String)> = [
        (new.evidence_id.as_deref(), "/evidence_id"),
        (agreed, "/agreed/evidence_id"),
    ]
    .into_iter()
    .filter_map(|(id, pointer)| Some((id?, pointer.to_owned())))
    .collect();
    let place = evidence::place(scope, &entry.organization_id, Some(&entry.id))?;
    evidence::check_named(scope, &place, &named, &mut errors)?;
    ApiError::unless_empty(errors)
}

fn replace_agreement(
    scope: &mut Scope<'_>,
    entry_id: &str,
    clause_key: &str,
    period_id: Option<&str>,
    new: Option<&AgreementPut>,
) -> Result<(), ApiError> {
    let mine = clause_agreements::table
        .filter(clause_agreements::local_government_id.eq(&scope.lg))
        .filter(clause_agreements::entry_id.eq(entry_id))
        .filter(clause_agreements::clause_key.eq(clause_key));
    match period_id {
        Some(period) => {
            diesel::delete(mine.filter(clause_agreements::period_id.eq(Some(period)))).execute(scope.conn)?
        }
        None => diesel::delete(mine.filter(clause_agreements::period_id.is_null())).execute(scope.conn)?,
    };
    let Some(new) = new else { return Ok(()) };
    diesel::insert_into(clause_agreements::table)
        .values((
            clause_agreements::local_government_id.eq(&scope.lg),
            clause_agreements::id.eq(scope.new_id()),
            clause_agreements::entry_id.eq(entry_id),
            clause_agreements::period_id.eq(period_id),
            clause_agreements::clause_key.eq(clause_key),
            clause_agreements::article.eq(&new.article),
            clause_agreements::quotation.eq(&new.quotation),
            clause_agreements::agreed_on.eq(new.agreed_on),
            clause_agreements::evidence_id.eq(&new.evidence_id),
            clause_agreements::updated_at.eq(scope.at),
            clause_agreements::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

fn write_row(
    scope: &mut Scope<'_>,
    entry_id: &str,
    clause_key: &str,
    exists: bool,
    new: &FulfilmentPut,
    answered_on: Option<NaiveDate>,
    answered_due_on: Option<NaiveDate>,
) -> Result<(), ApiError> {
    let values = (
        clause_fulfilments::declared.eq(new.declared),
        clause_fulfilments::answered_on.eq(answered_on),
        clause_fulfilments::answered_due_on.eq(answered_due_on),
        clause_fulfilments::verified_on.eq(new.verified_on),
        clause_fulfilments::verified_by_person_id.eq(&new.verified_by_person_id),
        clause_fulfilments::not_applicable_reason.eq(&new.not_applicable_reason),
        clause_fulfilments::evidence_id.eq(&new.evidence_id),
        clause_fulfilments::note.eq(&new.note),
        clause_fulfilments::updated_at.eq(scope.at),
        clause_fulfilments::updated_by.eq(scope.by()),
    );
    if exists {
        diesel::update(clause_fulfilments::table.find((&scope.lg, entry_id, clause_key)))
            .set((values, clause_fulfilments::version.eq(clause_fulfilments::version + 1)))
            .execute(scope.conn)?;
    } else {
        diesel::insert_into(clause_fulfilments::table)
            .values((
                clause_fulfilments::local_government_id.eq(&scope.lg),
                clause_fulfilments::entry_id.eq(entry_id),
                clause_fulfilments::clause_key.eq(clause_key),
                clause_fulfilments::version.eq(1),
                values,
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}
