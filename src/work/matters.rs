//! What an obligation without a register entry is about: how a mail names it, and whom it concerns first.
//!
//! A mail names the thing and says nothing of what is in it: no restricted title, no finding's text.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::{audit_findings, audits, policy_documents, self_inspections, webhook_endpoints};
use crate::db::types::Word;
use crate::domain::audit::AuditKind;
use crate::domain::calendar::fiscal_year_label;
use crate::domain::profile::{DocumentKind, Visibility};
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::http::error::ApiError;

/// What an obligation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matter {
    /// What sort of thing.
    pub label: String,
    /// Its name.
    pub name: String,
    /// Who answers for it; none: the line of command of the organization.
    pub person_id: Option<String>,
}

/// The matters of these obligations (kind, subject), by subject; a number of statements that does not depend on how many
/// there are.
///
/// # Errors
/// A database failure.
pub(crate) fn of<'o>(
    scope: &mut Scope<'_>,
    obligations: impl Iterator<Item = (ObligationKind, &'o str)>,
) -> Result<BTreeMap<String, Matter>, ApiError> {
    let mut subjects: BTreeMap<ObligationKind, Vec<&str>> = BTreeMap::new();
    for (kind, subject) in obligations {
        subjects.entry(kind).or_default().push(subject);
    }
    let mut matters = BTreeMap::new();
    for (kind, ids) in subjects {
        match kind {
            ObligationKind::DocumentReview => matters.extend(documents(scope, &ids)?),
            ObligationKind::AuditFollowUp => matters.extend(findings(scope, &ids)?),
            ObligationKind::SelfInspection => matters.extend(inspections(scope, &ids)?),
            ObligationKind::Webhook => matters.extend(receivers(scope, &ids)?),
            // The others are about entries.
            _ => {}
        }
    }
    Ok(matters)
}

fn documents(scope: &mut Scope<'_>, ids: &[&str]) -> Result<Vec<(String, Matter)>, ApiError> {
    type Row = (String, Word<DocumentKind>, Word<Visibility>, String);
    let rows: Vec<Row> = policy_documents::table
        .filter(policy_documents::local_government_id.eq(&scope.lg))
        .filter(policy_documents::id.eq_any(ids))
        .select((
            policy_documents::id,
            policy_documents::kind,
            policy_documents::visibility,
            policy_documents::title,
        ))
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, visibility, title)| {
            let matter = Matter {
                label: kind.0.ja().to_owned(),
                name: if visibility.0 == Visibility::Restricted {
                    "（非公開の文書）".to_owned()
                } else {
                    title
                },
                person_id: None,
            };
            (id, matter)
        })
        .collect())
}

/// By their audit, and to their owner.
fn findings(scope: &mut Scope<'_>, ids: &[&str]) -> Result<Vec<(String, Matter)>, ApiError> {
    let rows: Vec<(String, String, String)> = audit_findings::table
        .filter(audit_findings::local_government_id.eq(&scope.lg))
        .filter(audit_findings::id.eq_any(ids))
        .select((
            audit_findings::id,
            audit_findings::audit_id,
            audit_findings::owner_person_id,
        ))
        .load(scope.conn)?;
    let named: Vec<(String, Word<AuditKind>, i32)> = audits::table
        .filter(audits::local_government_id.eq(&scope.lg))
        .filter(audits::id.eq_any(rows.iter().map(|(_, audit, _)| audit)))
        .select((audits::id, audits::kind, audits::fiscal_year))
        .load(scope.conn)?;
    let named: BTreeMap<String, String> = named
        .into_iter()
        .map(|(id, kind, year)| (id, format!("{} {}", fiscal_year_label(year), kind.0.ja())))
        .collect();
    Ok(rows
        .into_iter()
        .map(|(id, audit, owner)| {
            let matter = Matter {
                label: "監査の指摘事項".to_owned(),
                name: named.get(&audit).cloned().unwrap_or_default(),
                person_id: Some(owner),
            };
            (id, matter)
        })
        .collect())
}

/// By the host that is sent to, to whoever is to be asked about it.
fn receivers(scope: &mut Scope<'_>, ids: &[&str]) -> Result<Vec<(String, Matter)>, ApiError> {
    let rows: Vec<(String, String, String)> = webhook_endpoints::table
        .filter(webhook_endpoints::local_government_id.eq(&scope.lg))
        .filter(webhook_endpoints::id.eq_any(ids))
        .select((
            webhook_endpoints::id,
            webhook_endpoints::url,
            webhook_endpoints::contact_person_id,
        ))
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, url, contact)| {
            let host = url.split('/').nth(2).unwrap_or_default();
            let matter = Matter {
                label: "Webhookの送り先".to_owned(),
                name: host.to_owned(),
                person_id: Some(contact),
            };
            (id, matter)
        })
        .collect())
}

fn inspections(scope: &mut Scope<'_>, ids: &[&str]) -> Result<Vec<(String, Matter)>, ApiError> {
    let rows: Vec<(String, i32)> = self_inspections::table
        .filter(self_inspections::local_government_id.eq(&scope.lg))
        .filter(self_inspections::id.eq_any(ids))
        .select((self_inspections::id, self_inspections::fiscal_year))
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, year)| {
            let matter = Matter {
                label: "自己点検".to_owned(),
                name: fiscal_year_label(year),
                person_id: None,
            };
            (id, matter)
        })
        .collect())
}
