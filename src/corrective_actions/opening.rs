//! How a corrective action is opened: by hand, by a verification, by a self-inspection.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::rows;
use super::wire::CorrectiveActionCreate;
use crate::app::{Scope, Subject};
use crate::audits;
use crate::db::schema::{corrective_actions, verifications};
use crate::domain::corrective_action::{CorrectiveActionOrigin, CorrectiveActionState, due_on};
use crate::domain::vocabulary::{CodeWord, Level};
use crate::entries::rows::{self as entry_rows, EntryRow, check_holder};
use crate::entries::{state, wire::Holder};
use crate::http::body::{clean_lines, line};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::{incidents, organizations};

/// A corrective action as it is opened.
#[derive(Debug, Clone)]
pub(crate) struct NewAction {
    pub organization_id: String,
    pub entry_id: Option<String>,
    pub clause_key: Option<String>,
    pub origin_kind: CorrectiveActionOrigin,
    pub origin_id: Option<String>,
    pub title: String,
    /// Nobody: the owner of the entry.
    pub owner: Option<Holder>,
    pub due_on: NaiveDate,
    pub note: Option<String>,
}

/// Opens a corrective action; its due date follows when the entry is brought in line ([`super::settle`]).
///
/// # Errors
/// A database failure.
pub(crate) fn open(scope: &mut Scope<'_>, new: &NewAction) -> Result<String, ApiError> {
    let id = scope.new_id();
    let owner = new.owner.as_ref();
    diesel::insert_into(corrective_actions::table)
        .values((
            (
                corrective_actions::local_government_id.eq(&scope.lg),
                corrective_actions::id.eq(&id),
                corrective_actions::organization_id.eq(&new.organization_id),
                corrective_actions::entry_id.eq(&new.entry_id),
                corrective_actions::clause_key.eq(&new.clause_key),
                corrective_actions::origin_kind.eq(new.origin_kind.code()),
                corrective_actions::origin_id.eq(&new.origin_id),
                corrective_actions::title.eq(&new.title),
                corrective_actions::owner_person_id.eq(owner.and_then(|owner| owner.person_id.as_ref())),
                corrective_actions::owner_post_id.eq(owner.and_then(|owner| owner.post_id.as_ref())),
                corrective_actions::opened_on.eq(scope.today),
                corrective_actions::due_on.eq(new.due_on),
                corrective_actions::state.eq(CorrectiveActionState::Open.code()),
                corrective_actions::note.eq(&new.note),
            ),
            (
                corrective_actions::version.eq(1),
                corrective_actions::created_at.eq(scope.at),
                corrective_actions::created_by.eq(scope.by()),
                corrective_actions::updated_at.eq(scope.at),
                corrective_actions::updated_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    let subject = Subject {
        organization_id: Some(&new.organization_id),
        entry_id: new.entry_id.as_deref(),
        ..Subject::of("corrective_action", &id)
    };
    let payload = json!({"clause_key": new.clause_key, "origin_kind": new.origin_kind, "origin_id": new.origin_id,
        "title": new.title, "owner": new.owner, "due_on": new.due_on, "note": new.note});
    scope.record("corrective_action.opened", subject, payload);
    Ok(id)
}

/// Opens one for each clause that a verification found not met and that none is open about yet.
///
/// # Errors
/// A database failure.
pub(crate) fn open_not_met(
    scope: &mut Scope<'_>,
    entry_id: &str,
    verification_id: &str,
    clause_keys: &[&str],
) -> Result<(), ApiError> {
    let known = rows::open_clauses(scope, entry_id)?;
    let entry = entry_rows::by_id(scope, entry_id)?;
    let on = due_by_level(scope, &entry)?;
    let mut opened = false;
    for key in clause_keys.iter().filter(|key| !known.contains(**key)) {
        let title = scope
            .app
            .catalogue
            .clause(key)
            .map_or(*key, |clause| clause.title_ja.as_str());
        let new = NewAction {
            organization_id: entry.organization_id.clone(),
            entry_id: Some(entry.id.clone()),
            clause_key: Some((*key).to_owned()),
            origin_kind: CorrectiveActionOrigin::Verification,
            origin_id: Some(verification_id.to_owned()),
            title: format!("「{title}」の是正"),
            owner: None,
            due_on: on,
            note: None,
        };
        open(scope, &new)?;
        opened = true;
    }
    if opened {
        state::refresh(scope, entry_id, "corrective_action_opened")?;
    }
    Ok(())
}

/// When one that is opened today is due, by the risk level of the entry; the worst level while there is none.
fn due_by_level(scope: &mut Scope<'_>, entry: &EntryRow) -> Result<NaiveDate, ApiError> {
    let level = entry
        .risk_level
        .as_deref()
        .and_then(Level::parse)
        .unwrap_or(Level::Critical);
    let calendar = organizations::row(scope, &entry.organization_id)?.calendar(scope.app)?;
    Ok(due_on(&scope.app.risk_policy, level, scope.today, &calendar))
}

/// What the request says, checked; what it is about must exist and be open.
pub(super) fn checked(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: CorrectiveActionCreate,
) -> Result<NewAction, ApiError> {
    let mut errors = vec![];
    let finding = match &new.audit_finding_id {
        None => None,
        Some(id) => match audits::open_finding(scope, allowed, id) {
            Err(ApiError::NotFound) => Err(ApiError::Validation(vec![FieldError::reference("/audit_finding_id")])),
            other => other.map(Some),
        }?,
    };
    let of_finding = finding.as_ref().and_then(|finding| finding.entry_id.as_ref());
    let entry = match new.entry_id.as_ref().or(of_finding) {
        None => None,
        Some(id) => match entry_rows::find(scope, allowed, id) {
            Err(ApiError::NotFound) => Err(ApiError::Validation(vec![FieldError::reference("/entry_id")])),
            other => other.map(Some),
        }?,
    };
    let title = line(&new.title, "/title", 200, &mut errors);
    let mut note = new.note;
    clean_lines(&mut note, "/note", 4000, &mut errors);
    let organization_id = match (&entry, &finding) {
        (Some(entry), _) => entry.organization_id.clone(),
        (None, Some(finding)) => finding.organization_id.clone(),
        (None, None) => {
            errors.push(FieldError::new(
                "/entry_id",
                "required",
                "監査の指摘によらない是正措置には、台帳（entry_id）を指定してください。",
                "Name the entry, unless it is about a finding of an audit.",
            ));
            String::new()
        }
    };
    if finding.as_ref().is_some_and(|finding| {
        finding.organization_id != organization_id
            || of_finding.is_some_and(|of| new.entry_id.as_ref().is_some_and(|id| id != of))
    }) {
        errors.push(FieldError::reference("/audit_finding_id"));
    }
    let entry_id = entry.as_ref().map(|entry| entry.id.as_str());
    if let Some(key) = &new.clause_key
        && (organization_id.is_empty() || scope.catalogue_of(&organization_id, scope.today)?.clause(key).is_none())
    {
        errors.push(FieldError::reference("/clause_key"));
    }
    if let Some(id) = &new.verification_id {
        let of: Option<Option<String>> = verifications::table
            .find((&scope.lg, id))
            .select(verifications::entry_id)
            .first(scope.conn)
            .optional()?;
        if entry_id.is_none() || of.flatten().as_deref() != entry_id {
            errors.push(FieldError::reference("/verification_id"));
        }
    }
    if let Some(id) = &new.incident_id {
        let concerns = match entry_id {
            Some(entry_id) => incidents::concerns(scope, id, entry_id)?,
            None => false,
        };
        if !concerns {
            errors.push(FieldError::reference("/incident_id"));
        }
    }
    let origins = [
        (CorrectiveActionOrigin::Verification, new.verification_id),
        (CorrectiveActionOrigin::Incident, new.incident_id),
        (CorrectiveActionOrigin::AuditFinding, new.audit_finding_id),
    ];
    let mut named = origins.into_iter().filter_map(|(kind, id)| id.map(|id| (kind, id)));
    let origin = named.next();
    if named.next().is_some() {
        errors.push(FieldError::new(
            "",
            "one_of_several",
            "verification_id、incident_id、audit_finding_id のうち一つだけを指定してください。",
            "Give one of verification_id, incident_id and audit_finding_id only.",
        ));
    }
    if new.due_on.is_some_and(|on| on < scope.today) {
        errors.push(FieldError::new(
            "/due_on",
            "date_in_past",
            "期限は今日以後の日にしてください。",
            "It must not be in the past.",
        ));
    }
    check_holder(scope, new.owner.as_ref(), "/owner", &mut errors)?;
    // Without an entry nobody is its owner; the owner of the finding answers.
    let owner = match (new.owner, &entry, &finding) {
        (None, None, Some(finding)) => Some(Holder {
            person_id: Some(finding.owner_person_id.clone()),
            post_id: None,
        }),
        (owner, ..) => owner,
    };
    ApiError::unless_empty(errors)?;
    if let Some(entry) = &entry {
        entry_rows::require_live(entry)?;
    }
    let (origin_kind, origin_id) = match origin {
        Some((kind, id)) => (kind, Some(id)),
        None => (CorrectiveActionOrigin::Manual, None),
    };
    let due_on = match (new.due_on, &entry, &finding) {
        (Some(on), ..) => on,
        (None, _, Some(finding)) => finding.due_on.max(scope.today),
        (None, Some(entry), None) => due_by_level(scope, entry)?,
        (None, None, None) => scope.today,
    };
    Ok(NewAction {
        organization_id,
        entry_id: entry.map(|entry| entry.id),
        clause_key: new.clause_key,
        origin_kind,
        origin_id,
        title,
        owner,
        due_on,
        note,
    })
}
