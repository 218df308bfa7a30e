//! The clauses of many entries, one after another: what the sheet of clause statuses holds. One entry's clauses are in
//! [`super`].

use serde::Serialize;

use super::{EntryClause, entry_clauses};
use crate::app::Scope;
use crate::domain::vocabulary::Kind;
use crate::entries::list::{EntryFilter, select_page};
use crate::entries::state;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};

/// A clause with the entry that it is of.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ClauseStatus {
    entry_id: String,
    kind: Kind,
    organization_id: String,
    /// Agreed in the current period.
    agreed: bool,
    #[serde(flatten)]
    clause: EntryClause,
}

/// The clauses of the next entries, in the ledger's order, and where it goes on.
///
/// # Errors
/// 400 for a filter that cannot be.
pub(crate) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &EntryFilter,
    lang: Lang,
) -> Result<(Vec<ClauseStatus>, Option<String>), ApiError> {
    let (entries, next) = select_page(scope, allowed, filter, "clause_statuses")?;
    let mut found = vec![];
    for entry in entries {
        let situation = state::situation(scope, entry)?;
        for clause in entry_clauses(scope, &situation, lang) {
            found.push(ClauseStatus {
                entry_id: situation.entry.id.clone(),
                kind: situation.entry.kind.0,
                organization_id: situation.entry.organization_id.clone(),
                agreed: clause.agreement.is_some(),
                clause,
            });
        }
    }
    Ok((found, next))
}
