//! Two policy versions side by side: what each clause of the merged catalogues says under one and the other.

use std::collections::{BTreeMap, BTreeSet};

use super::in_force::catalogue_of_version;
use super::wire::{ClauseUnderPolicy, ComparedClause, GatesOfKind, PolicyComparison, PolicyComparisonFilter};
use crate::app::Scope;
use crate::domain::catalogue::{Catalogue, Clause};
use crate::http::error::{ApiError, Lang};

/// Compares two versions of an organization; the catalogue alone stands where none is named.
///
/// # Errors
/// 404 for a version that is not the organization's.
pub(super) fn compare(
    scope: &mut Scope<'_>,
    organization_id: &str,
    filter: PolicyComparisonFilter,
    lang: Lang,
) -> Result<PolicyComparison, ApiError> {
    let before = catalogue_of_version(scope, organization_id, filter.before.as_deref())?;
    let after = catalogue_of_version(scope, organization_id, filter.after.as_deref())?;
    let (old, new) = (described(before, lang), described(after, lang));
    let keys: Vec<&str> = ordered(before, after);
    let clauses = keys
        .into_iter()
        .filter_map(|key| {
            let (was, is) = (old.get(key), new.get(key));
            (was != is).then(|| ComparedClause {
                clause_key: key.to_owned(),
                before: was.cloned(),
                after: is.cloned(),
            })
        })
        .collect();
    Ok(PolicyComparison {
        organization_id: organization_id.to_owned(),
        before: filter.before,
        after: filter.after,
        catalogue_version: scope.app.catalogue.version.clone(),
        clauses,
    })
}

/// The keys of both, each once, by number.
fn ordered<'k>(before: &'k Catalogue, after: &'k Catalogue) -> Vec<&'k str> {
    let both = before.clauses.iter().chain(&after.clauses);
    let keys: BTreeSet<(u32, &str)> = both.map(|clause| (clause.number, clause.key.as_str())).collect();
    keys.into_iter().map(|(_, key)| key).collect()
}

fn described(catalogue: &Catalogue, lang: Lang) -> BTreeMap<&str, ClauseUnderPolicy> {
    let describe = |clause: &Clause| ClauseUnderPolicy {
        title: lang.pick(&clause.title_ja, &clause.title_en).clone(),
        requirement: lang.pick(&clause.requirement_ja, &clause.requirement_en).clone(),
        requirement_level: clause.requirement_level,
        severity: clause.severity,
        weight: clause.weight,
        reverify_months: clause.reverify_months,
        gates: clause
            .gates
            .iter()
            .map(|(kind, gates)| GatesOfKind {
                kind: *kind,
                gates: gates.clone(),
            })
            .collect(),
    };
    catalogue
        .clauses
        .iter()
        .map(|clause| (clause.key.as_str(), describe(clause)))
        .collect()
}
