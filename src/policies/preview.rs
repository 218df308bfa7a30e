//! What a policy version would change for the organization's entries, without storing anything.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::rows::checked;
use super::wire::{AffectedEntry, PolicyVersionPreview, PolicyVersionPreviewCreate};
use crate::app::Scope;
use crate::db::schema::entries;
use crate::domain::catalogue::Catalogue;
use crate::domain::facts::FactDefaults;
use crate::domain::overlay::{self, ClauseDifference, Overlay};
use crate::domain::requirement::requirements;
use crate::domain::vocabulary::CodeWord;
use crate::domain::vocabulary::Level;
use crate::entries::rows::EntryRow;
use crate::entries::state;
use crate::http::error::ApiError;
use crate::http::page::{self, After};
use crate::organizations;

/// Entries that are described in one answer.
const DESCRIBED: usize = 50;
/// Entries of one statement.
const STEP: i64 = 500;

/// Looks at the organization's entries under both catalogues.
///
/// # Errors
/// 422 for an overlay that could not be recorded either.
pub(super) fn preview(
    scope: &mut Scope<'_>,
    organization_id: &str,
    new: PolicyVersionPreviewCreate,
) -> Result<PolicyVersionPreview, ApiError> {
    let overlay = Overlay {
        changes: new.changes,
        clauses: new.clauses,
    };
    let print = page::fingerprint(
        "preview_policy_version",
        &(organization_id, new.valid_from_on, serde_json::to_string(&overlay)?),
    );
    let start = page::after(new.cursor.as_deref(), &print)?;
    let mut errors = vec![];
    let overlay = checked(scope, overlay, &mut errors);
    ApiError::unless_empty(errors)?;
    let after = overlay::merge(&scope.app.catalogue, &overlay);
    let pair = Pair {
        before: scope.catalogue_of(organization_id, new.valid_from_on)?,
        after: &after,
        defaults: {
            let organization = organizations::row(scope, organization_id)?;
            scope.app.profile(&organization.profile_key)?.fact_defaults()
        },
        on: new.valid_from_on,
    };
    let mut answer = PolicyVersionPreview {
        entries_examined: 0,
        entries_affected: 0,
        entries: vec![],
        next_cursor: None,
    };
    let mut last = start.map(|after| after.id).unwrap_or_default();
    while i64::from(answer.entries_examined) < page::BUDGET {
        let found: Vec<EntryRow> = entries::table
            .filter(entries::local_government_id.eq(&scope.lg))
            .filter(entries::organization_id.eq(organization_id))
            .filter(entries::archived_at.is_null())
            .filter(entries::id.gt(&last))
            .order(entries::id)
            .limit(STEP)
            .select(EntryRow::as_select())
            .load(scope.conn)?;
        let whole = i64::try_from(found.len()).is_ok_and(|count| count == STEP);
        for entry in found {
            last.clone_from(&entry.id);
            answer.entries_examined += 1;
            let changes = pair.differences(&entry)?;
            if changes.is_empty() {
                continue;
            }
            answer.entries_affected += 1;
            if answer.entries.len() < DESCRIBED {
                answer.entries.push(pair.describe(scope, entry, changes)?);
            }
        }
        if !whole {
            return Ok(answer);
        }
    }
    let after = After {
        key: String::new(),
        id: last,
    };
    answer.next_cursor = Some(page::cursor(after, &print));
    Ok(answer)
}

/// The catalogue that is in force and the one that would be.
struct Pair<'k> {
    before: &'k Catalogue,
    after: &'k Catalogue,
    defaults: FactDefaults,
    on: NaiveDate,
}

impl Pair<'_> {
    fn differences(&self, entry: &EntryRow) -> Result<Vec<ClauseDifference>, ApiError> {
        let facts = entry.facts()?;
        let (kind, phase) = (entry.kind.0, entry.status.0.phase());
        let ask = |catalogue| requirements(catalogue, kind, &facts, &self.defaults, phase, self.on).0;
        Ok(overlay::differences(&ask(self.before), &ask(self.after)))
    }

    fn describe(
        &self,
        scope: &mut Scope<'_>,
        entry: EntryRow,
        changes: Vec<ClauseDifference>,
    ) -> Result<AffectedEntry, ApiError> {
        let situation = state::situation_under(scope, entry, self.after)?;
        let (assessment, _) = state::assess(scope, &situation)?;
        let entry = situation.entry;
        Ok(AffectedEntry {
            changes,
            residual_level_before: entry.risk_level.as_deref().and_then(Level::parse),
            residual_level_after: assessment.residual_level,
            residual_score_x100_before: entry.risk_score_x100,
            residual_score_x100_after: assessment.residual_score_x100,
            entry_id: entry.id,
            kind: entry.kind.0,
            control_number: entry.control_number,
            name: entry.name,
        })
    }
}
