//! What shows in the demo that clauses are kept: contracts, certificates with their schemes, and the clauses that lean on
//! them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{ALL, merge, offset, wire};
use crate::app::Scope;
use crate::clauses::stored::AgreementRow;
use crate::clauses::{self, AgreementPut, FulfilmentPut};
use crate::domain::assurance::ValidityRule;
use crate::domain::calendar::add_months;
use crate::entries::{rows, state};
use crate::evidence;
use crate::http::error::ApiError;

/// A paper of the ledger: it ends `in` so many days, and the answers of `clauses` name it.
#[derive(Debug, Deserialize)]
pub(super) struct Paper {
    title: String,
    kind: String,
    scheme: String,
    of_contractor: bool,
    r#in: i64,
    clauses: Vec<String>,
}

/// The evidence of an entry: what its agreements name, and its answers by clause.
#[derive(Default)]
pub(super) struct Proofs {
    pub contract: Option<String>,
    pub answers: BTreeMap<String, String>,
}

impl Proofs {
    /// A paper whose last day follows from the rule of its scheme.
    pub(super) fn add(
        &mut self,
        scope: &mut Scope<'_>,
        organization_id: &str,
        entry_id: &str,
        contractor_id: &str,
        paper: &Paper,
    ) -> Result<(), ApiError> {
        let app = scope.app;
        let scheme = app.assurance.scheme(&paper.scheme);
        let scheme = scheme.ok_or_else(|| ApiError::internal(format!("no scheme {:?}", paper.scheme)))?;
        let months = i32::try_from(scheme.months.unwrap_or(0)).unwrap_or(0);
        let first_day = add_months(offset(scope.today, paper.r#in + 1), -months);
        let mut new = json!({"organization_id": organization_id, "kind": paper.kind, "title": paper.title,
            "scheme": paper.scheme, "scope_text": "本業務に使う拠点とサービス"});
        let about = if paper.of_contractor {
            json!({"contractor_id": contractor_id})
        } else {
            json!({"entry_id": entry_id})
        };
        merge(&mut new, about);
        let counted_from = match scheme.rule {
            ValidityRule::AfterPeriodEnd => json!({"period_ends_on": first_day.pred_opt()}),
            _ => json!({"issued_on": first_day}),
        };
        merge(&mut new, counted_from);
        let id = evidence::create(scope, &ALL, wire(new)?)?.id;
        self.answers
            .extend(paper.clauses.iter().map(|key| (key.clone(), id.clone())));
        Ok(())
    }
}

/// Agrees every required clause but the missing ones, confirms them when somebody did, and brings the entry in line.
/// What a template has agreed already stays.
pub(super) fn fulfil(
    scope: &mut Scope<'_>,
    entry_id: &str,
    verified: Option<i64>,
    missing: &[String],
    proofs: &Proofs,
    nth: usize,
) -> Result<(), ApiError> {
    let entry = rows::find(scope, &ALL, entry_id)?;
    let started = entry.started_on;
    let clauses: Vec<(String, u32, Option<AgreementRow>)> = {
        let situation = state::situation(scope, entry)?;
        let period = situation.period.as_ref().map(|period| period.id.as_str());
        let required = situation.requirements.iter().map(|required| required.clause);
        required
            .filter(|clause| !missing.contains(&clause.key))
            .map(|clause| {
                let agreed = situation.stored.agreement(&clause.key, period).cloned();
                (clause.key.clone(), clause.number, agreed)
            })
            .collect()
    };
    let today = scope.today;
    let all = clauses.into_iter().map(|(key, number, agreed)| {
        let agreed = match agreed {
            Some(row) => AgreementPut {
                article: row.article,
                quotation: row.quotation,
                agreed_on: row.agreed_on,
                evidence_id: row.evidence_id,
            },
            None => AgreementPut {
                article: Some(format!("第{}条", number + 4)),
                quotation: None,
                agreed_on: started,
                evidence_id: proofs.contract.clone(),
            },
        };
        let new = FulfilmentPut {
            agreed: Some(agreed),
            declared: true,
            // Not everything was confirmed on the same day.
            verified_on: verified.map(|days| offset(today, days + i64::from(number % 3) * 2)),
            evidence_id: proofs.answers.get(&key).cloned(),
            note: (nth == 0 && number == 1).then(|| "契約書の写しを確認".to_owned()),
            ..FulfilmentPut::default()
        };
        (key, new)
    });
    clauses::record(scope, &ALL, entry_id, all)?;
    rows::touch(scope, entry_id)?;
    state::refresh(scope, entry_id, "registered")
}
