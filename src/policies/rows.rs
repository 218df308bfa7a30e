//! The rows of policy versions.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{PolicyVersion, PolicyVersionCreate, Reassessment};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::policy_versions;
use crate::domain::overlay::{self, Overlay};
use crate::http::body::{clean_line, line, lines};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};

/// The word of policy versions in the journal.
const KIND: &str = "policy_version";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = policy_versions)]
pub(super) struct VersionRow {
    pub id: String,
    pub organization_id: String,
    pub valid_from_on: NaiveDate,
    decided_on: NaiveDate,
    document_number: Option<String>,
    reason: String,
    overlay: String,
    catalogue_version: String,
    recorded_by_person_id: String,
    entries_total: Option<i64>,
    entries_done: i64,
    reassessed_at: Option<Instant>,
    created_at: Instant,
    created_by: String,
}

impl VersionRow {
    pub(super) fn wire(self) -> Result<PolicyVersion, ApiError> {
        let Overlay { changes, clauses } = serde_json::from_str(&self.overlay)?;
        Ok(PolicyVersion {
            changes,
            clauses,
            id: self.id,
            organization_id: self.organization_id,
            valid_from_on: self.valid_from_on,
            decided_on: self.decided_on,
            document_number: self.document_number,
            reason: self.reason,
            catalogue_version: self.catalogue_version,
            reassessment: Reassessment {
                entries_total: self.entries_total,
                entries_done: self.entries_done,
                finished_at: self.reassessed_at,
            },
            recorded_by_person_id: self.recorded_by_person_id,
            created_at: self.created_at,
            created_by: self.created_by,
        })
    }
}

/// The row of a version that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<VersionRow, ApiError> {
    let row: VersionRow = policy_versions::table
        .find((&scope.lg, id))
        .select(VersionRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// A page of an organization's versions by their first day, and one more.
pub(super) fn page(
    scope: &mut Scope<'_>,
    organization_id: &str,
    after: Option<(NaiveDate, String)>,
    limit: i64,
) -> Result<Vec<VersionRow>, ApiError> {
    let mut select = policy_versions::table
        .filter(policy_versions::local_government_id.eq(scope.lg.clone()))
        .filter(policy_versions::organization_id.eq(organization_id.to_owned()))
        .order((policy_versions::valid_from_on, policy_versions::id))
        .limit(limit + 1)
        .select(VersionRow::as_select())
        .into_boxed();
    if let Some((on, id)) = after {
        let later = policy_versions::valid_from_on
            .gt(on)
            .or(policy_versions::valid_from_on.eq(on).and(policy_versions::id.gt(id)));
        select = select.filter(policy_versions::valid_from_on.ge(on)).filter(later);
    }
    Ok(select.load(scope.conn)?)
}

/// Cleans the texts of an overlay and holds it against the catalogue.
pub(super) fn checked(scope: &Scope<'_>, mut overlay: Overlay, errors: &mut Vec<FieldError>) -> Overlay {
    let mut word = |text: &mut String, at: String, max| *text = lines(text, &at, max, errors);
    for (n, change) in overlay.changes.iter_mut().enumerate() {
        for (name, wording) in [("wording", &mut change.wording), ("addition", &mut change.addition)] {
            if let Some(wording) = wording {
                word(&mut wording.ja, format!("/changes/{n}/{name}/ja"), 2000);
                word(&mut wording.en, format!("/changes/{n}/{name}/en"), 2000);
            }
        }
        for (i, source) in change.sources.iter_mut().enumerate() {
            word(&mut source.title, format!("/changes/{n}/sources/{i}/title"), 200);
            word(&mut source.section, format!("/changes/{n}/sources/{i}/section"), 100);
        }
    }
    for (n, own) in overlay.clauses.iter_mut().enumerate() {
        for (name, wording) in [("title", &mut own.title), ("requirement", &mut own.requirement)] {
            word(&mut wording.ja, format!("/clauses/{n}/{name}/ja"), 2000);
            word(&mut wording.en, format!("/clauses/{n}/{name}/en"), 2000);
        }
        for (i, source) in own.sources.iter_mut().enumerate() {
            word(&mut source.title, format!("/clauses/{n}/sources/{i}/title"), 200);
            word(&mut source.section, format!("/clauses/{n}/sources/{i}/section"), 100);
        }
    }
    for (n, own) in overlay.clauses.iter().enumerate() {
        // A title stands in lists and mails.
        for (text, tag) in [(&own.title.ja, "ja"), (&own.title.en, "en")] {
            if !text.is_empty() {
                line(text, &format!("/clauses/{n}/title/{tag}"), 100, errors);
            }
        }
    }
    let faults = overlay::check(&scope.app.catalogue, &overlay);
    errors.extend(
        faults
            .into_iter()
            .map(|fault| FieldError::new(&fault.pointer, fault.code, fault.ja, fault.en)),
    );
    overlay
}

/// Records a version.
///
/// # Errors
/// 422 with every wrong value.
pub(super) fn insert(
    scope: &mut Scope<'_>,
    organization_id: &str,
    person_id: &str,
    mut new: PolicyVersionCreate,
) -> Result<String, ApiError> {
    let mut errors = vec![];
    let reason = lines(&new.reason, "/reason", 1000, &mut errors);
    clean_line(&mut new.document_number, "/document_number", 100, &mut errors);
    if new.decided_on > scope.today {
        errors.push(FieldError::new(
            "/decided_on",
            "out_of_range",
            "決定日は今日以前にしてください。",
            "It must not be in the future.",
        ));
    }
    let overlay = Overlay {
        changes: new.changes,
        clauses: new.clauses,
    };
    let overlay = checked(scope, overlay, &mut errors);
    ApiError::unless_empty(errors)?;
    let id = scope.new_id();
    diesel::insert_into(policy_versions::table)
        .values((
            policy_versions::local_government_id.eq(&scope.lg),
            policy_versions::id.eq(&id),
            policy_versions::organization_id.eq(organization_id),
            policy_versions::valid_from_on.eq(new.valid_from_on),
            policy_versions::decided_on.eq(new.decided_on),
            policy_versions::document_number.eq(&new.document_number),
            policy_versions::reason.eq(&reason),
            policy_versions::overlay.eq(serde_json::to_string(&overlay)?),
            policy_versions::catalogue_version.eq(&scope.app.catalogue.version),
            policy_versions::recorded_by_person_id.eq(person_id),
            policy_versions::entries_done.eq(0),
            policy_versions::created_at.eq(scope.at),
            policy_versions::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    let subject = Subject {
        kind: KIND,
        id: &id,
        organization_id: Some(organization_id),
        entry_id: None,
    };
    let payload = serde_json::json!({"valid_from_on": new.valid_from_on, "decided_on": new.decided_on,
        "document_number": new.document_number, "reason": reason, "overlay": overlay});
    scope.record("policy_version.recorded", subject, payload);
    Ok(id)
}
