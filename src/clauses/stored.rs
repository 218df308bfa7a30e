//! What is stored about the clauses of an entry, loaded together; the status is derived from it, never stored alone
//! ([`crate::domain::fulfilment`]).

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::{clause_agreements, clause_fulfilments, evidence};
use crate::domain::exception::still_counts;
use crate::domain::fulfilment::ClauseState;
use crate::exceptions::{self, ExceptionInEffect};
use crate::http::error::ApiError;

/// What is known about a clause on the entry.
#[derive(Debug, Clone, Default, Queryable, Selectable)]
#[diesel(table_name = clause_fulfilments)]
pub(crate) struct FulfilmentRow {
    pub clause_key: String,
    pub declared: bool,
    pub answered_on: Option<NaiveDate>,
    pub answered_due_on: Option<NaiveDate>,
    pub verified_on: Option<NaiveDate>,
    pub verified_by_person_id: Option<String>,
    pub not_applicable_reason: Option<String>,
    pub evidence_id: Option<String>,
    pub note: Option<String>,
    pub version: i64,
}

/// Where a clause is agreed.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = clause_agreements)]
pub(crate) struct AgreementRow {
    pub clause_key: String,
    pub period_id: Option<String>,
    pub article: Option<String>,
    pub quotation: Option<String>,
    pub agreed_on: Option<NaiveDate>,
    pub evidence_id: Option<String>,
}

/// The last answer about a clause.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LastAnswer {
    pub answered_on: Option<NaiveDate>,
    pub answered_due_on: Option<NaiveDate>,
    pub evidence_valid_until: Option<NaiveDate>,
}

/// Everything stored about the clauses of one entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stored {
    pub fulfilments: BTreeMap<String, FulfilmentRow>,
    pub agreements: Vec<AgreementRow>,
    pub exceptions: Vec<ExceptionInEffect>,
    evidence: BTreeMap<String, NaiveDate>,
}

/// Loads it with four queries.
pub(crate) fn load(scope: &mut Scope<'_>, entry_id: &str) -> Result<Stored, ApiError> {
    let fulfilments: Vec<FulfilmentRow> = clause_fulfilments::table
        .filter(clause_fulfilments::local_government_id.eq(&scope.lg))
        .filter(clause_fulfilments::entry_id.eq(entry_id))
        .select((
            clause_fulfilments::clause_key,
            clause_fulfilments::declared,
            clause_fulfilments::answered_on,
            clause_fulfilments::answered_due_on,
            clause_fulfilments::verified_on,
            clause_fulfilments::verified_by_person_id,
            clause_fulfilments::not_applicable_reason,
            clause_fulfilments::evidence_id,
            clause_fulfilments::note,
            clause_fulfilments::version,
        ))
        .load(scope.conn)?;
    let agreements: Vec<AgreementRow> = clause_agreements::table
        .filter(clause_agreements::local_government_id.eq(&scope.lg))
        .filter(clause_agreements::entry_id.eq(entry_id))
        .select(AgreementRow::as_select())
        .load(scope.conn)?;
    let answered = fulfilments.iter().filter_map(|row| row.evidence_id.as_deref());
    let agreed = agreements.iter().filter_map(|row| row.evidence_id.as_deref());
    let named: BTreeSet<&str> = answered.chain(agreed).collect();
    let evidence: Vec<(String, Option<NaiveDate>)> = if named.is_empty() {
        vec![]
    } else {
        evidence::table
            .filter(evidence::local_government_id.eq(&scope.lg))
            .filter(evidence::id.eq_any(named))
            .select((evidence::id, evidence::valid_until_on))
            .load(scope.conn)?
    };
    Ok(Stored {
        fulfilments: fulfilments
            .into_iter()
            .map(|row| (row.clause_key.clone(), row))
            .collect(),
        agreements,
        exceptions: exceptions::in_effect(scope, entry_id)?,
        evidence: evidence
            .into_iter()
            .filter_map(|(id, until)| Some((id, until?)))
            .collect(),
    })
}

impl Stored {
    /// The agreement of a clause in this period; entries without periods have one agreement.
    pub(crate) fn agreement(&self, clause_key: &str, period_id: Option<&str>) -> Option<&AgreementRow> {
        self.agreements
            .iter()
            .find(|row| row.clause_key == clause_key && row.period_id.as_deref() == period_id)
    }

    /// The exception that weighs on a clause: the one that runs longest.
    pub(crate) fn exception(&self, clause_key: &str, today: NaiveDate) -> Option<&ExceptionInEffect> {
        let answered_on = self.fulfilments.get(clause_key).and_then(|row| row.answered_on);
        self.exceptions
            .iter()
            .filter(|exception| exception.clause_key == clause_key)
            .filter(|exception| still_counts(exception.expires_on, answered_on, today))
            .max_by_key(|exception| exception.expires_on)
    }

    /// What the rule of fulfilment needs.
    pub(crate) fn state(&self, clause_key: &str, period_id: Option<&str>, today: NaiveDate) -> ClauseState {
        let row = self.fulfilments.get(clause_key);
        ClauseState {
            agreed_in_current_period: self.agreement(clause_key, period_id).is_some(),
            declared: row.is_some_and(|row| row.declared),
            verified_on: row.and_then(|row| row.verified_on),
            not_applicable: row.is_some_and(|row| row.not_applicable_reason.is_some()),
            exception_expires_on: self.exception(clause_key, today).map(|exception| exception.expires_on),
        }
    }

    /// The last answer about a clause.
    pub(crate) fn answer(&self, clause_key: &str) -> LastAnswer {
        let Some(row) = self.fulfilments.get(clause_key) else {
            return LastAnswer::default();
        };
        LastAnswer {
            answered_on: row.answered_on,
            answered_due_on: row.answered_due_on,
            evidence_valid_until: row.evidence_id.as_ref().and_then(|id| self.evidence.get(id).copied()),
        }
    }

    /// The evidence with a last day that a clause leans on: behind its last answer, and behind its agreement in this
    /// period.
    pub(crate) fn expiring(
        &self,
        clause_key: &str,
        period_id: Option<&str>,
    ) -> impl Iterator<Item = (&str, NaiveDate)> {
        let answered = self.fulfilments.get(clause_key).map(|row| &row.evidence_id);
        let agreed = self.agreement(clause_key, period_id).map(|row| &row.evidence_id);
        let named = [answered, agreed].into_iter().flatten().flatten();
        named.filter_map(|id| Some((id.as_str(), *self.evidence.get(id)?)))
    }
}
