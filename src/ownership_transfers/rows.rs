//! The rows of transfers.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{OwnershipTransfer, OwnershipTransferFilter, TransferObject};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::ownership_transfers;
use crate::db::types::Word;
use crate::domain::hand_over::{HandOverCause, HandOverState};
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::http::page::{self, After};
use crate::people::holders::Directory;

/// The word of transfers in the journal.
const KIND: &str = "ownership_transfer";

/// A person or a post: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    pub person_id: Option<String>,
    pub post_id: Option<String>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = ownership_transfers)]
pub(super) struct TransferRow {
    pub id: String,
    pub cause: Word<HandOverCause>,
    pub state: Word<HandOverState>,
    pub organization_id: Option<String>,
    pub from_person_id: Option<String>,
    pub from_post_id: Option<String>,
    pub to_person_id: Option<String>,
    pub to_post_id: Option<String>,
    entry_ids: Option<String>,
    pub effective_on: NaiveDate,
    pub announced_on: Option<NaiveDate>,
    pub due_on: NaiveDate,
    reason: Option<String>,
    pub moved_at: Option<Instant>,
    pub answered_on: Option<NaiveDate>,
    answered_by_person_id: Option<String>,
    answer_note: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

impl TransferRow {
    /// Whose things they are: the post's, if it is about one, else the person's.
    pub(super) fn giver(&self) -> Who {
        Who {
            person_id: self.from_person_id.clone().filter(|_| self.from_post_id.is_none()),
            post_id: self.from_post_id.clone(),
        }
    }

    /// Whose they become.
    pub(super) fn taker(&self) -> Who {
        Who {
            person_id: self.to_person_id.clone(),
            post_id: self.to_post_id.clone(),
        }
    }

    /// Only these entries.
    pub(super) fn entry_ids(&self) -> Result<Option<Vec<String>>, ApiError> {
        Ok(self.entry_ids.as_deref().map(serde_json::from_str).transpose()?)
    }

    /// What a journal entry about it names.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            organization_id: self.organization_id.as_deref(),
            ..Subject::of(KIND, &self.id)
        }
    }

    pub(super) fn wire(self, objects: Option<Vec<TransferObject>>) -> Result<OwnershipTransfer, ApiError> {
        Ok(OwnershipTransfer {
            entry_ids: self.entry_ids()?,
            objects,
            id: self.id,
            cause: self.cause.0,
            state: self.state.0,
            organization_id: self.organization_id,
            from_person_id: self.from_person_id,
            from_post_id: self.from_post_id,
            to_person_id: self.to_person_id,
            to_post_id: self.to_post_id,
            effective_on: self.effective_on,
            announced_on: self.announced_on,
            due_on: self.due_on,
            reason: self.reason,
            moved_at: self.moved_at,
            answered_on: self.answered_on,
            answered_by_person_id: self.answered_by_person_id,
            answer_note: self.answer_note,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        })
    }
}

/// A transfer as it is inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = ownership_transfers)]
pub(super) struct NewTransfer {
    pub local_government_id: String,
    pub id: String,
    pub cause: Word<HandOverCause>,
    pub state: Word<HandOverState>,
    pub organization_id: Option<String>,
    pub from_person_id: Option<String>,
    pub from_post_id: Option<String>,
    pub to_person_id: Option<String>,
    pub to_post_id: Option<String>,
    pub entry_ids: Option<String>,
    pub effective_on: NaiveDate,
    pub announced_on: Option<NaiveDate>,
    pub due_on: NaiveDate,
    pub reason: Option<String>,
    pub change_key: Option<String>,
    pub settle_on: Option<NaiveDate>,
    pub moved_at: Option<Instant>,
    pub version: i64,
    pub created_at: Instant,
    pub created_by: String,
    pub updated_at: Instant,
    pub updated_by: String,
}

impl NewTransfer {
    /// An empty one that begins now.
    pub(super) fn new(scope: &Scope<'_>, cause: HandOverCause, effective_on: NaiveDate, due_on: NaiveDate) -> Self {
        Self {
            local_government_id: scope.lg.clone(),
            id: scope.new_id(),
            cause: Word(cause),
            state: Word(HandOverState::Announced),
            organization_id: None,
            from_person_id: None,
            from_post_id: None,
            to_person_id: None,
            to_post_id: None,
            entry_ids: None,
            effective_on,
            announced_on: None,
            due_on,
            reason: None,
            change_key: None,
            settle_on: None,
            moved_at: None,
            version: 1,
            created_at: scope.at,
            created_by: scope.by(),
            updated_at: scope.at,
            updated_by: scope.by(),
        }
    }
}

pub(super) fn load(scope: &mut Scope<'_>, id: &str) -> Result<TransferRow, ApiError> {
    Ok(ownership_transfers::table
        .find((&scope.lg, id))
        .select(TransferRow::as_select())
        .first(scope.conn)?)
}

/// The row of a transfer that the caller may see.
pub(super) fn find(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    id: &str,
    planned: bool,
) -> Result<TransferRow, ApiError> {
    let row = load(scope, id)?;
    match (&row.organization_id, allowed.list()) {
        (Some(organization), _) => allowed.check(organization)?,
        (None, Some(_)) => return Err(ApiError::NotFound),
        (None, None) => {}
    }
    if !planned && row.announced_on.is_some_and(|on| on > scope.today) {
        return Err(ApiError::NotFound);
    }
    Ok(row)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &OwnershipTransferFilter,
    planned: bool,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<TransferRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let bound: Option<String> = ownership_transfers::table
        .filter(ownership_transfers::local_government_id.eq(&scope.lg))
        .filter(ownership_transfers::id.gt(&start))
        .order(ownership_transfers::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(ownership_transfers::id)
        .first(scope.conn)
        .optional()?;
    let mut query = ownership_transfers::table
        .filter(ownership_transfers::local_government_id.eq(scope.lg.clone()))
        .filter(ownership_transfers::id.gt(start))
        .order(ownership_transfers::id)
        .limit(limit + 1)
        .select(TransferRow::as_select())
        .into_boxed();
    if let Some(bound) = &bound {
        query = query.filter(ownership_transfers::id.le(bound.clone()));
    }
    if let Some(ids) = allowed.list() {
        let ids: Vec<Option<String>> = ids.iter().cloned().map(Some).collect();
        query = query.filter(ownership_transfers::organization_id.eq_any(ids));
    }
    if !planned {
        query = query.filter(
            ownership_transfers::announced_on
                .is_null()
                .or(ownership_transfers::announced_on.le(Some(scope.today))),
        );
    }
    if let Some(state) = filter.state {
        query = query.filter(ownership_transfers::state.eq(Word(state)));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(ownership_transfers::organization_id.eq(Some(id.clone())));
    }
    if let Some(id) = &filter.to_person_id {
        query = query.filter(ownership_transfers::to_person_id.eq(Some(id.clone())));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// Moves a transfer to another state; `settle_on` is the next day on which time alone does something to it.
pub(super) fn set_state(
    scope: &mut Scope<'_>,
    id: &str,
    state: HandOverState,
    settle_on: Option<NaiveDate>,
) -> Result<(), ApiError> {
    diesel::update(ownership_transfers::table.find((&scope.lg, id)))
        .set((
            ownership_transfers::state.eq(Word(state)),
            ownership_transfers::settle_on.eq(settle_on),
            ownership_transfers::version.eq(ownership_transfers::version + 1),
            ownership_transfers::updated_at.eq(scope.at),
            ownership_transfers::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// The person that this is on a day: themselves, or the holder of the post.
pub(super) fn person_of(scope: &mut Scope<'_>, who: &Who, on: NaiveDate) -> Result<Option<String>, ApiError> {
    if who.person_id.is_some() {
        return Ok(who.person_id.clone());
    }
    let posts: Vec<String> = who.post_id.iter().cloned().collect();
    let directory = Directory::load(scope, &[], &[], &posts, on)?;
    let holder = who.post_id.as_deref().and_then(|post| directory.holder_of_post(post));
    Ok(holder.map(|person| person.id.clone()))
}
