//! What leans on a piece of evidence: answers and agreements of clauses, and templates. It holds the piece fast, follows
//! its dates, and moves to the piece that renews it.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde_json::json;

use super::rows::EvidenceRow;
use crate::app::Scope;
use crate::db::on_tenant;
use crate::db::schema::{
    clause_agreements, clause_fulfilments, clause_templates, engagement_periods, engagements, entries,
};
use crate::domain::vocabulary::ObligationKind;
use crate::entries::rows::EntryRow;
use crate::entries::{rows as entry_rows, state};
use crate::http::error::ApiError;
use crate::obligations::cycles;

/// What an obligation about evidence is about: several entries can lean on one piece.
pub(crate) fn subject_id(entry_id: &str, evidence_id: &str) -> String {
    format!("{entry_id}/{evidence_id}")
}

/// The piece that an obligation of this subject is about.
pub(crate) fn of_subject(subject_id: &str) -> Option<String> {
    subject_id.split_once('/').map(|(_, id)| id.to_owned())
}

/// The agreement of a clause, with its period.
type Agreed = (String, String, String, Option<String>);

/// The answers of clauses that name a piece, as (entry, clause).
fn answered(scope: &mut Scope<'_>, id: &str) -> Result<Vec<(String, String)>, ApiError> {
    Ok(clause_fulfilments::table
        .filter(clause_fulfilments::local_government_id.eq(&scope.lg))
        .filter(clause_fulfilments::evidence_id.eq(Some(id)))
        .select((clause_fulfilments::entry_id, clause_fulfilments::clause_key))
        .load(scope.conn)?)
}

/// The agreements that name a piece.
fn agreed(scope: &mut Scope<'_>, id: &str) -> Result<Vec<Agreed>, ApiError> {
    Ok(clause_agreements::table
        .filter(clause_agreements::local_government_id.eq(&scope.lg))
        .filter(clause_agreements::evidence_id.eq(Some(id)))
        .select((
            clause_agreements::id,
            clause_agreements::entry_id,
            clause_agreements::clause_key,
            clause_agreements::period_id,
        ))
        .load(scope.conn)?)
}

/// The entries of these ids that are not archived.
fn live(scope: &mut Scope<'_>, ids: &BTreeSet<&str>) -> Result<Vec<EntryRow>, ApiError> {
    Ok(entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(ids))
        .filter(entries::archived_at.is_null())
        .order(entries::id)
        .select(EntryRow::as_select())
        .load(scope.conn)?)
}

/// The entries that lean on a piece and are not archived.
pub(super) fn entries_of(scope: &mut Scope<'_>, id: &str) -> Result<Vec<EntryRow>, ApiError> {
    let (answered, agreed) = (answered(scope, id)?, agreed(scope, id)?);
    let ids = answered.iter().map(|(entry, _)| entry.as_str());
    let ids = ids.chain(agreed.iter().map(|(_, entry, ..)| entry.as_str()));
    live(scope, &ids.collect())
}

/// Checks that nothing leans on a piece.
///
/// # Errors
/// 409 `in_use`.
pub(super) fn require_unused(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    let used_by = match entries_of(scope, id)?.first() {
        Some(entry) => Some(entry.control_number.clone()),
        None => clause_templates::table
            .filter(clause_templates::local_government_id.eq(&scope.lg))
            .filter(clause_templates::evidence_id.eq(Some(id)))
            .filter(clause_templates::archived_at.is_null())
            .select(clause_templates::name)
            .first(scope.conn)
            .optional()?,
    };
    match used_by {
        None => Ok(()),
        Some(name) => Err(ApiError::Conflict {
            code: "in_use",
            ja: format!(
                "「{name}」がこの証跡を使っています。replaces_id で新しい証跡に替えるか、先にそちらから外してください。"
            ),
            en: format!("{name} leans on it; renew it with replaces_id, or take it out there first."),
        }),
    }
}

/// Puts a piece in the place of the one that it renews: what leans on the old one in a running entry leans on it from
/// now on, the old obligations close as `renewed`, and the old piece is archived. What a past period agreed stays as it
/// was.
///
/// # Errors
/// A database failure.
pub(super) fn renew(scope: &mut Scope<'_>, mut old: EvidenceRow, new: &EvidenceRow) -> Result<(), ApiError> {
    old.replaced_by_id = Some(new.id.clone());
    old.archived_at = Some(scope.at);
    old.update(scope)?;
    scope.record("evidence.replaced", old.subject(), json!({"replaced_by_id": new.id}));
    diesel::update(
        clause_templates::table
            .filter(clause_templates::local_government_id.eq(&scope.lg))
            .filter(clause_templates::evidence_id.eq(Some(&old.id)))
            .filter(clause_templates::archived_at.is_null()),
    )
    .set((
        clause_templates::evidence_id.eq(Some(&new.id)),
        clause_templates::version.eq(clause_templates::version + 1),
        clause_templates::updated_at.eq(scope.at),
        clause_templates::updated_by.eq(scope.by()),
    ))
    .execute(scope.conn)?;
    let mut entries: BTreeMap<String, EntryRow> = entries_of(scope, &old.id)?
        .into_iter()
        .filter(|entry| !entry.status.0.is_final())
        .map(|entry| (entry.id.clone(), entry))
        .collect();
    for (entry_id, clauses) in moved(scope, &old.id, &new.id, &entries)? {
        let Some(entry) = entries.remove(&entry_id) else {
            continue;
        };
        let payload = json!({"evidence_id": new.id, "replaces_id": old.id, "clause_keys": clauses});
        scope.record("clause.evidence_renewed", entry.subject(), payload);
        cycles::close(
            scope,
            ObligationKind::Evidence,
            &subject_id(&entry_id, &old.id),
            "renewed",
        )?;
        entry_rows::touch(scope, &entry_id)?;
        state::refresh(scope, &entry_id, "evidence_renewed")?;
    }
    Ok(())
}

/// Moves the answers and the agreements of these entries; the clauses that were touched, by entry.
fn moved(
    scope: &mut Scope<'_>,
    from: &str,
    to: &str,
    entries: &BTreeMap<String, EntryRow>,
) -> Result<BTreeMap<String, BTreeSet<String>>, ApiError> {
    let mut touched: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (entry_id, key) in answered(scope, from)? {
        if entries.contains_key(&entry_id) {
            diesel::update(clause_fulfilments::table.find((&scope.lg, &entry_id, &key)))
                .set(clause_fulfilments::evidence_id.eq(Some(to)))
                .execute(scope.conn)?;
            touched.entry(entry_id).or_default().insert(key);
        }
    }
    let agreements = agreed(scope, from)?;
    let periods: Vec<&String> = agreements.iter().filter_map(|(.., period)| period.as_ref()).collect();
    let running: BTreeSet<String> = engagement_periods::table
        .inner_join(engagements::table.on(on_tenant!(engagement_periods.engagement_id = engagements.id)))
        .filter(engagement_periods::local_government_id.eq(&scope.lg))
        .filter(engagement_periods::id.eq_any(periods))
        .filter(
            engagement_periods::ends_on
                .ge(scope.today)
                .or(engagements::current_period_id.eq(engagement_periods::id.nullable())),
        )
        .select(engagement_periods::id)
        .load(scope.conn)?
        .into_iter()
        .collect();
    for (id, entry_id, key, period) in agreements {
        if entries.contains_key(&entry_id) && period.is_none_or(|period| running.contains(&period)) {
            diesel::update(clause_agreements::table.find((&scope.lg, &id)))
                .set((
                    clause_agreements::evidence_id.eq(Some(to)),
                    clause_agreements::updated_at.eq(scope.at),
                    clause_agreements::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            touched.entry(entry_id).or_default().insert(key);
        }
    }
    for (entry_id, keys) in &touched {
        for key in keys {
            diesel::update(clause_fulfilments::table.find((&scope.lg, entry_id, key)))
                .set((
                    clause_fulfilments::version.eq(clause_fulfilments::version + 1),
                    clause_fulfilments::updated_at.eq(scope.at),
                    clause_fulfilments::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
        }
    }
    Ok(touched)
}
