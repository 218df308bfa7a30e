//! "Something has changed" (変わったことがある): the facts of an entry that its owner is asked for, what would follow from a
//! change by the rules that will follow, and the change itself, saved as the API saves one. What was entered is read by
//! [`crate::domain::fact_change`].

use std::collections::BTreeMap;

use serde_json::json;

use crate::app::Scope;
use crate::domain::fact_change::{FactChange, asked};
use crate::domain::facts::{FactName, FactValue, Facts};
use crate::domain::vocabulary::{CodeWord, Kind, Level};
use crate::entries::rows::{self, EntryRow};
use crate::entries::state;
use crate::http::body::Patch;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::{cloud_services, engagements, social_media_accounts};

/// A fact that differs: what it was and what it will be.
pub(crate) type Differing = (FactName, Option<FactValue>, Option<FactValue>);

/// A risk: its level, and its score in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weighed {
    pub level: Level,
    pub score_x100: i64,
}

/// What would follow from a change.
#[derive(Debug, Clone)]
pub(crate) struct Consequences {
    /// The facts that differ.
    pub changed: Vec<Differing>,
    /// Titles of the clauses that are needed then and were not.
    pub added: Vec<String>,
    /// Titles of those that are not needed any more.
    pub removed: Vec<String>,
    /// The risk as it is.
    pub before: Weighed,
    /// And as it would be.
    pub after: Weighed,
}

/// The facts that the owner of an entry is asked for.
///
/// # Errors
/// A database failure.
pub(crate) fn asked_of(scope: &mut Scope<'_>, entry: &EntryRow) -> Result<(Vec<FactName>, Facts), ApiError> {
    let now = entry.facts()?;
    let catalogue = scope.catalogue_of(&entry.organization_id, scope.today)?;
    Ok((asked(catalogue, entry.kind.0, &now), now))
}

/// What would follow if these were the facts; `None` if they are.
///
/// # Errors
/// A database failure.
pub(crate) fn consequences(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    after: &Facts,
) -> Result<Option<Consequences>, ApiError> {
    let now = entry.facts()?;
    if now == *after {
        return Ok(None);
    }
    let changed = EntryRow {
        facts: serde_json::to_string(after)?,
        ..entry.clone()
    };
    let (was, before) = stand(scope, entry.clone())?;
    let (will, then) = stand(scope, changed)?;
    let only = |these: &BTreeMap<String, String>, those: &BTreeMap<String, String>| {
        let these = these.iter().filter(|(key, _)| !those.contains_key(*key));
        these.map(|(_, title)| title.clone()).collect()
    };
    let all = FactName::ALL
        .iter()
        .map(|name| (*name, now.get(*name), after.get(*name)));
    Ok(Some(Consequences {
        changed: all.filter(|(_, was, will)| was != will).collect(),
        added: only(&will, &was),
        removed: only(&was, &will),
        before,
        after: then,
    }))
}

/// The clauses that an entry needs, by key, and its risk.
fn stand(scope: &mut Scope<'_>, entry: EntryRow) -> Result<(BTreeMap<String, String>, Weighed), ApiError> {
    let situation = state::situation(scope, entry)?;
    let (risk, _) = state::assess(scope, &situation)?;
    let required = situation.requirements.iter();
    let titles = required.map(|one| (one.clause.key.clone(), one.clause.title_ja.clone()));
    let standing = Weighed {
        level: risk.residual_level,
        score_x100: risk.residual_score_x100.into(),
    };
    Ok((titles.collect(), standing))
}

/// Saves a change as the API saves one.
///
/// # Errors
/// 409 for an entry that is over; 422.
pub(crate) fn save(scope: &mut Scope<'_>, entry: EntryRow, change: FactChange) -> Result<(), ApiError> {
    rows::require_live(&entry)?;
    let (all, facts) = (Organizations::All, json!({"facts": change.set}));
    let cleared = change.clear.iter().map(|name| format!("facts.{}", name.code()));
    let clear = cleared.collect();
    match entry.kind.0 {
        Kind::ContractorEngagement => {
            let before = engagements::find(scope, &all, &entry.id)?;
            let set = serde_json::from_value(facts)?;
            engagements::change(scope, &all, entry, before, &Patch { set, clear }).map(drop)
        }
        Kind::CloudService => {
            let before = cloud_services::find(scope, &all, &entry.id)?;
            let set = serde_json::from_value(facts)?;
            cloud_services::change(scope, &all, entry, before, &Patch { set, clear }).map(drop)
        }
        Kind::SocialMediaAccount => {
            let before = social_media_accounts::find(scope, &all, &entry.id)?;
            let set = serde_json::from_value(facts)?;
            social_media_accounts::change(scope, &all, entry, before, &Patch { set, clear }).map(drop)
        }
    }
}
