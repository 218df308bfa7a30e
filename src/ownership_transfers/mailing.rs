//! What mails about hand-overs need: whom they concern, and what is taken over.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::rows::TransferRow;
use super::wire::TransferObjectKind;
use crate::app::Scope;
use crate::db::on_tenant;
use crate::db::schema::{entries, obligations, ownership_transfer_objects, ownership_transfers, posts};
use crate::domain::hand_over::HandOverCause;
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::http::error::ApiError;
use crate::mail::templates::digest::Takeover;

/// Things that a mail names before it only counts them.
const MOST_NAMED: usize = 10;

/// The people around a hand-over.
#[derive(Debug, Clone)]
pub(crate) struct HandOver {
    pub to_person_id: Option<String>,
    pub to_post_id: Option<String>,
    /// The department of the post, else of what is handed over.
    pub department_id: Option<String>,
    /// Deputies of what is handed over, persons or posts; nobody before the day of the move.
    pub deputies: Vec<(Option<String>, Option<String>)>,
}

impl HandOver {
    /// The persons to look up.
    pub(crate) fn persons(&self) -> impl Iterator<Item = String> {
        let deputies = self.deputies.iter().filter_map(|(person, _)| person.as_ref());
        self.to_person_id.iter().chain(deputies).cloned()
    }

    /// The posts to look up.
    pub(crate) fn posts(&self) -> impl Iterator<Item = String> {
        let deputies = self.deputies.iter().filter_map(|(_, post)| post.as_ref());
        self.to_post_id.iter().chain(deputies).cloned()
    }
}

/// The transfers behind those obligations that are hand-overs, by obligation.
fn transfers(scope: &mut Scope<'_>, obligation_ids: &BTreeSet<&str>) -> Result<Vec<(String, TransferRow)>, ApiError> {
    let subjects: Vec<(String, String)> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::id.eq_any(obligation_ids))
        .filter(obligations::kind.eq(ObligationKind::Handover.code()))
        .select((obligations::id, obligations::subject_id))
        .load(scope.conn)?;
    if subjects.is_empty() {
        return Ok(vec![]);
    }
    let rows: Vec<TransferRow> = ownership_transfers::table
        .filter(ownership_transfers::local_government_id.eq(&scope.lg))
        .filter(ownership_transfers::id.eq_any(subjects.iter().map(|(_, id)| id)))
        .select(TransferRow::as_select())
        .load(scope.conn)?;
    let rows: BTreeMap<String, TransferRow> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    Ok(subjects
        .into_iter()
        .filter_map(|(obligation, subject)| Some((obligation, rows.get(&subject)?.clone())))
        .collect())
}

fn posts_of(
    scope: &mut Scope<'_>,
    transfers: &[(String, TransferRow)],
) -> Result<BTreeMap<String, (String, Option<String>)>, ApiError> {
    let ids: BTreeSet<&str> = transfers
        .iter()
        .flat_map(|(_, row)| [&row.from_post_id, &row.to_post_id])
        .flatten()
        .map(String::as_str)
        .collect();
    Ok(posts::table
        .filter(posts::local_government_id.eq(&scope.lg))
        .filter(posts::id.eq_any(ids))
        .select((posts::id, (posts::name, posts::department_id)))
        .load(scope.conn)?
        .into_iter()
        .collect())
}

/// The people around the hand-overs among these obligations, by obligation.
///
/// # Errors
/// A database failure.
pub(crate) fn hand_overs(
    scope: &mut Scope<'_>,
    obligation_ids: &BTreeSet<&str>,
) -> Result<BTreeMap<String, HandOver>, ApiError> {
    let transfers = transfers(scope, obligation_ids)?;
    if transfers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let posts = posts_of(scope, &transfers)?;
    type Beside = (String, Option<String>, Option<String>, Option<String>);
    let beside: Vec<Beside> = ownership_transfer_objects::table
        .inner_join(entries::table.on(on_tenant!(ownership_transfer_objects.entry_id = entries.id)))
        .filter(ownership_transfer_objects::local_government_id.eq(&scope.lg))
        .filter(ownership_transfer_objects::transfer_id.eq_any(transfers.iter().map(|(_, row)| &row.id)))
        .filter(ownership_transfer_objects::kind.eq(TransferObjectKind::EntryOwner.code()))
        .select((
            ownership_transfer_objects::transfer_id,
            entries::deputy_person_id,
            entries::deputy_post_id,
            entries::department_id,
        ))
        .distinct()
        .load(scope.conn)?;
    let today = scope.today;
    Ok(transfers
        .into_iter()
        .map(|(obligation, row)| {
            let mine: Vec<&Beside> = beside.iter().filter(|(id, ..)| *id == row.id).collect();
            let of_post = [&row.to_post_id, &row.from_post_id]
                .into_iter()
                .flatten()
                .find_map(|post| posts.get(post)?.1.clone());
            let hand_over = HandOver {
                department_id: of_post.or_else(|| mine.iter().find_map(|(.., department)| department.clone())),
                deputies: mine
                    .iter()
                    .filter(|_| row.effective_on <= today)
                    .map(|(_, person, post, _)| (person.clone(), post.clone()))
                    .collect(),
                to_person_id: row.to_person_id,
                to_post_id: row.to_post_id,
            };
            (obligation, hand_over)
        })
        .collect())
}

/// What is taken over by the hand-overs among these obligations, by obligation.
///
/// # Errors
/// A database failure.
pub(crate) fn takeovers(
    scope: &mut Scope<'_>,
    obligation_ids: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Takeover>, ApiError> {
    let transfers = transfers(scope, obligation_ids)?;
    if transfers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let posts = posts_of(scope, &transfers)?;
    type Thing = (String, String, String, Option<NaiveDate>);
    let mut things: BTreeMap<String, Vec<(Option<NaiveDate>, String, String)>> = BTreeMap::new();
    let rows: Vec<Thing> = ownership_transfer_objects::table
        .inner_join(entries::table.on(on_tenant!(ownership_transfer_objects.entry_id = entries.id)))
        .filter(ownership_transfer_objects::local_government_id.eq(&scope.lg))
        .filter(ownership_transfer_objects::transfer_id.eq_any(transfers.iter().map(|(_, row)| &row.id)))
        .filter(ownership_transfer_objects::kind.eq_any([
            TransferObjectKind::EntryOwner.code(),
            TransferObjectKind::EntryDeputy.code(),
        ]))
        .select((
            ownership_transfer_objects::transfer_id,
            entries::control_number,
            entries::name,
            entries::next_due_on,
        ))
        .distinct()
        .load(scope.conn)?;
    for (transfer, number, name, due_on) in rows {
        things.entry(transfer).or_default().push((due_on, number, name));
    }
    let services: Vec<(String, i64)> = ownership_transfer_objects::table
        .filter(ownership_transfer_objects::local_government_id.eq(&scope.lg))
        .filter(ownership_transfer_objects::transfer_id.eq_any(transfers.iter().map(|(_, row)| &row.id)))
        .filter(ownership_transfer_objects::kind.eq(TransferObjectKind::SocialMediaService.code()))
        .group_by(ownership_transfer_objects::transfer_id)
        .select((ownership_transfer_objects::transfer_id, diesel::dsl::count_star()))
        .load(scope.conn)?;
    let services: BTreeMap<String, i64> = services.into_iter().collect();
    Ok(transfers
        .into_iter()
        .map(|(obligation, row)| {
            let mut mine = things.remove(&row.id).unwrap_or_default();
            // What is due first stands first, what has no date last.
            mine.sort_by(|a, b| (a.0.is_none(), a).cmp(&(b.0.is_none(), b)));
            let more = services.get(&row.id).copied().unwrap_or_default();
            let vacant = row.cause.0 == HandOverCause::TermEnd;
            let takeover = Takeover {
                post: row
                    .from_post_id
                    .as_ref()
                    .and_then(|post| posts.get(post))
                    .map(|(name, _)| name.clone()),
                on: if vacant { row.due_on } else { row.effective_on },
                vacant,
                count: mine.len() + usize::try_from(more).unwrap_or_default(),
                first: mine
                    .into_iter()
                    .take(MOST_NAMED)
                    .map(|(due_on, number, name)| (number, name, due_on))
                    .collect(),
            };
            (obligation, takeover)
        })
        .collect())
}
