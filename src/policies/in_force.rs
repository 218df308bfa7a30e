//! The catalogue that holds for an organization on a day: the build's, with the overlay of the policy version in force.
//!
//! A version never changes, so what was merged once is kept beside the catalogue for as long as the process lives. Only
//! versions that somebody asks about are merged; a body has a handful.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::policy_versions;
use crate::domain::catalogue::Catalogue;
use crate::domain::overlay::{self, Overlay};
use crate::http::error::ApiError;

/// The catalogues of policy versions, in the order in which they were first needed. Nothing is ever taken out, so that
/// a catalogue can be borrowed from here like the build's own.
#[derive(Debug, Default)]
pub(crate) struct Merged(OnceLock<Box<Node>>);

#[derive(Debug)]
struct Node {
    policy_version_id: String,
    catalogue: Catalogue,
    next: Merged,
}

impl Merged {
    fn get(&self, policy_version_id: &str) -> Option<&Catalogue> {
        let mut at = self.0.get();
        while let Some(node) = at {
            if node.policy_version_id == policy_version_id {
                return Some(&node.catalogue);
            }
            at = node.next.0.get();
        }
        None
    }

    /// Puts it at the end; of two threads that merged the same version both are kept, and the first is used.
    fn keep(&self, policy_version_id: &str, catalogue: Catalogue) -> &Catalogue {
        let mut node = Box::new(Node {
            policy_version_id: policy_version_id.to_owned(),
            catalogue,
            next: Self::default(),
        });
        let mut at = self;
        loop {
            match at.0.set(node) {
                Ok(()) => return &at.0.wait().catalogue,
                Err(refused) => {
                    node = refused;
                    at = &at.0.wait().next;
                }
            }
        }
    }
}

impl<'c> Scope<'c> {
    /// The catalogue that holds for an organization on a day.
    ///
    /// # Errors
    /// A database failure.
    pub(crate) fn catalogue_of(&mut self, organization_id: &str, on: NaiveDate) -> Result<&'c Catalogue, ApiError> {
        let app = self.app;
        match in_force(self, organization_id, on)? {
            Some(id) => merged(self, &id),
            None => Ok(&app.catalogue),
        }
    }
}

/// The catalogues that hold for organizations on a day, in one statement and one more for each version that this process
/// has not met yet.
///
/// # Errors
/// A database failure.
pub(crate) fn catalogues_of<'c>(
    scope: &mut Scope<'c>,
    organization_ids: &BTreeSet<String>,
    on: NaiveDate,
) -> Result<BTreeMap<String, &'c Catalogue>, ApiError> {
    let begun: Vec<(String, String)> = policy_versions::table
        .filter(policy_versions::local_government_id.eq(&scope.lg))
        .filter(policy_versions::organization_id.eq_any(organization_ids))
        .filter(policy_versions::valid_from_on.le(on))
        .order((policy_versions::valid_from_on, policy_versions::id))
        .select((policy_versions::organization_id, policy_versions::id))
        .load(scope.conn)?;
    // The latest of each comes last.
    let versions: BTreeMap<String, String> = begun.into_iter().collect();
    let mut found = BTreeMap::new();
    for id in organization_ids {
        let catalogue = match versions.get(id) {
            Some(version) => merged(scope, version)?,
            None => &scope.app.catalogue,
        };
        found.insert(id.clone(), catalogue);
    }
    Ok(found)
}

/// The catalogue with the overlay of a version, merged once.
fn merged<'c>(scope: &mut Scope<'c>, id: &str) -> Result<&'c Catalogue, ApiError> {
    let app = scope.app;
    if let Some(known) = app.merged.get(id) {
        return Ok(known);
    }
    let overlay: String = policy_versions::table
        .find((&scope.lg, id))
        .select(policy_versions::overlay)
        .first(scope.conn)?;
    let overlay: Overlay = serde_json::from_str(&overlay)?;
    let mut catalogue = overlay::merge(&app.catalogue, &overlay);
    catalogue.policy_version_id = Some(id.to_owned());
    Ok(app.merged.keep(id, catalogue))
}

/// The catalogue of a version of the organization, in force or not; the catalogue alone for none.
///
/// # Errors
/// 404 for a version of another organization.
pub(super) fn catalogue_of_version<'c>(
    scope: &mut Scope<'c>,
    organization_id: &str,
    id: Option<&str>,
) -> Result<&'c Catalogue, ApiError> {
    let app = scope.app;
    let Some(id) = id else { return Ok(&app.catalogue) };
    let of: String = policy_versions::table
        .find((&scope.lg, id))
        .select(policy_versions::organization_id)
        .first(scope.conn)?;
    if of != organization_id {
        return Err(ApiError::NotFound);
    }
    merged(scope, id)
}

/// The policy version in force: of those that have begun the latest, of one day the one recorded last.
pub(super) fn in_force(
    scope: &mut Scope<'_>,
    organization_id: &str,
    on: NaiveDate,
) -> Result<Option<String>, ApiError> {
    Ok(policy_versions::table
        .filter(policy_versions::local_government_id.eq(&scope.lg))
        .filter(policy_versions::organization_id.eq(organization_id))
        .filter(policy_versions::valid_from_on.le(on))
        .order((policy_versions::valid_from_on.desc(), policy_versions::id.desc()))
        .select(policy_versions::id)
        .first(scope.conn)
        .optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_merged_is_found_again() {
        let merged = Merged::default();
        for id in ["a", "b", "c"] {
            assert!(merged.get(id).is_none());
            let mut catalogue = Catalogue::embedded().unwrap();
            catalogue.policy_version_id = Some(id.to_owned());
            merged.keep(id, catalogue);
        }
        for id in ["a", "b", "c"] {
            assert_eq!(merged.get(id).unwrap().policy_version_id.as_deref(), Some(id));
        }
    }
}
