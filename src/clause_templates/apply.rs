//! Applying a template to a period: its covered clauses are agreed there, the rest is listed.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::rows::{self, TemplateRow};
use super::wire::{
    AppliedClause, ClauseTemplateApplication, ClauseTemplateApplicationCreate, MissingClause, UnneededClause,
};
use crate::app::Scope;
use crate::clauses::stored::{FulfilmentRow, Stored};
use crate::clauses::{self, AgreementPut, FulfilmentPut};
use crate::db::schema::engagement_periods;
use crate::domain::fulfilment;
use crate::domain::requirement::requirements;
use crate::domain::vocabulary::{FulfilmentStatus, Phase};
use crate::entries::rows::EntryRow;
use crate::entries::{rows as entry_rows, state};
use crate::evidence;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError, Lang};

/// Sets the clauses that the template covers and the entry needs at some time of its life to agreed in the period.
///
/// # Errors
/// 404 for a period that the caller may not touch, 409 for an archived entry, 422 for a template or a piece of evidence
/// that does not fit.
pub(crate) fn apply(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    period_id: &str,
    new: &ClauseTemplateApplicationCreate,
    lang: Lang,
) -> Result<ClauseTemplateApplication, ApiError> {
    let (entry_id, starts_on): (String, NaiveDate) = engagement_periods::table
        .find((&scope.lg, period_id))
        .select((engagement_periods::engagement_id, engagement_periods::starts_on))
        .first(scope.conn)?;
    let entry = entry_rows::find(scope, allowed, &entry_id)?;
    entry_rows::require_live(&entry)?;
    let template = fitting(scope, allowed, &entry, new, starts_on)?;
    let evidence_id = new.evidence_id.as_ref().or(template.evidence_id.as_ref());
    let situation = state::situation(scope, entry)?;
    let (app, kind) = (scope.app, situation.entry.kind.0);
    let (required, _) = requirements(
        &app.catalogue,
        kind,
        &situation.entry.facts()?,
        &situation.defaults,
        Phase::Closing,
        scope.today,
    );
    let (mut applied, mut not_required) = (vec![], vec![]);
    for one in rows::articles(scope, &template.id)? {
        let Some(clause) = app.catalogue.clause(&one.clause_key) else {
            // A clause that a newer catalogue dropped is needed nowhere.
            not_required.push(UnneededClause {
                title: one.clause_key.clone(),
                clause_key: one.clause_key,
                article: one.article,
            });
            continue;
        };
        let title = lang.pick(&clause.title_ja, &clause.title_en).clone();
        if !required.iter().any(|requirement| requirement.clause.key == clause.key) {
            not_required.push(UnneededClause {
                clause_key: one.clause_key,
                title,
                article: one.article,
            });
            continue;
        }
        let before = situation.stored.agreement(&clause.key, Some(period_id));
        let agreed = AgreementPut {
            article: Some(one.article.clone()),
            quotation: one.quotation,
            agreed_on: new.agreed_on.or_else(|| before.and_then(|row| row.agreed_on)),
            evidence_id: evidence_id
                .or_else(|| before.and_then(|row| row.evidence_id.as_ref()))
                .cloned(),
        };
        let put = agreed_with(situation.stored.fulfilments.get(&clause.key), period_id, agreed);
        clauses::write(scope, &situation, clause, Some(period_id), &put)?;
        applied.push(AppliedClause {
            clause_key: one.clause_key,
            title,
            article: one.article,
            status: FulfilmentStatus::Agreed,
        });
    }
    if !applied.is_empty() {
        let keys: Vec<&String> = applied.iter().map(|clause| &clause.clause_key).collect();
        let payload = json!({"template_id": template.id, "template_version": template.version,
            "period_id": period_id, "evidence_id": evidence_id, "clause_keys": keys});
        scope.record("clause_template.applied", situation.entry.subject(), payload);
        entry_rows::touch(scope, &entry_id)?;
        state::refresh(scope, &entry_id, "clause_template_applied")?;
    }
    let stored = clauses::stored::load(scope, &entry_id)?;
    let current = situation.period.as_ref().map(|period| period.id.as_str());
    let today = scope.today;
    let status = |stored: &Stored, key: &str| {
        let clause = app.catalogue.clause(key);
        clause.map_or(FulfilmentStatus::Missing, |clause| {
            fulfilment::status(clause, kind, &stored.state(key, current, today), today)
        })
    };
    for clause in &mut applied {
        clause.status = status(&stored, &clause.clause_key);
    }
    let agreed: BTreeSet<&str> = stored
        .agreements
        .iter()
        .filter(|row| row.period_id.as_deref() == Some(period_id))
        .map(|row| row.clause_key.as_str())
        .collect();
    let still_missing = required
        .iter()
        .filter(|requirement| !agreed.contains(requirement.clause.key.as_str()))
        .map(|requirement| MissingClause {
            clause_key: requirement.clause.key.clone(),
            title: lang
                .pick(&requirement.clause.title_ja, &requirement.clause.title_en)
                .clone(),
            requirement_level: requirement.level,
            severity: requirement.clause.severity,
            status: status(&stored, &requirement.clause.key),
            agreement_required: requirement.clause.has_agreed_gate(kind),
        })
        .filter(|clause| clause.status != FulfilmentStatus::NotApplicable)
        .collect();
    Ok(ClauseTemplateApplication {
        entry_id,
        period_id: period_id.to_owned(),
        template_id: template.id,
        applied,
        not_required,
        still_missing,
    })
}

/// The template, when it is one that the contract of this entry can take, with evidence that can be named there.
fn fitting(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    entry: &EntryRow,
    new: &ClauseTemplateApplicationCreate,
    starts_on: NaiveDate,
) -> Result<TemplateRow, ApiError> {
    let pointer = "/template_id";
    let template = match rows::find(scope, allowed, &new.template_id) {
        Ok(template) => template,
        Err(ApiError::NotFound) => return Err(ApiError::Validation(vec![FieldError::reference(pointer)])),
        Err(error) => return Err(error),
    };
    let mut errors = vec![];
    if template.organization_id != entry.organization_id {
        errors.push(FieldError::new(
            pointer,
            "reference_wrong_organization",
            "台帳と同じ機関の標準特記仕様書を指定してください。",
            "Name a template of the entry's organization.",
        ));
    } else if template.archived_at.is_some() {
        errors.push(FieldError::new(
            pointer,
            "template_archived",
            "保管済みの標準特記仕様書です。今の版を指定してください。",
            "This template is archived; name the current edition.",
        ));
    } else if !template.is_valid_on(new.agreed_on.unwrap_or(starts_on)) {
        errors.push(FieldError::new(
            pointer,
            "template_not_in_effect",
            "合意の日（なければ契約期間の開始日）に有効な版ではありません。版か agreed_on を確かめてください。",
            "This edition is not in effect on agreed_on, or on the first day of the period; check either.",
        ));
    }
    if let Some(id) = &new.evidence_id {
        let place = evidence::place(scope, &entry.organization_id, Some(&entry.id))?;
        evidence::check_named(scope, &place, &[(id, "/evidence_id".to_owned())], &mut errors)?;
    }
    ApiError::unless_empty(errors)?;
    Ok(template)
}

/// What is recorded about a clause, with this agreement.
fn agreed_with(recorded: Option<&FulfilmentRow>, period_id: &str, agreed: AgreementPut) -> FulfilmentPut {
    let row = recorded.cloned().unwrap_or_default();
    FulfilmentPut {
        period_id: Some(period_id.to_owned()),
        agreed: Some(agreed),
        declared: row.declared,
        verified_on: row.verified_on,
        verified_by_person_id: row.verified_by_person_id,
        not_applicable_reason: row.not_applicable_reason,
        evidence_id: row.evidence_id,
        note: row.note,
    }
}
