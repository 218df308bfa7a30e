//! Entries that other systems send by a key of theirs: what the three kinds share. Creating and changing are the kinds'.

use super::rows::{self, EntryRow};
use super::wire::EntryInput;
use crate::app::Scope;
use crate::domain::vocabulary::Kind;
use crate::external_ids::{self, ExternalId};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};

/// The entry of this kind that a key names.
///
/// # Errors
/// 404 for one that the caller may not touch, 409 `duplicate_external_id` for one of another kind.
pub(crate) fn recognised(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    kind: Kind,
    key: &ExternalId,
) -> Result<Option<EntryRow>, ApiError> {
    let Some(id) = external_ids::find(scope, rows::KIND, key)? else {
        return Ok(None);
    };
    let row = rows::find(scope, allowed, &id)?;
    if row.kind.0 == kind {
        Ok(Some(row))
    } else {
        Err(ApiError::duplicate("external_ids"))
    }
}

/// An entry stays where it is and keeps its number: a body that says otherwise is about another one.
///
/// # Errors
/// 422 `immutable_field`.
pub(crate) fn check_same(row: &EntryRow, sent: &EntryInput) -> Result<(), ApiError> {
    let mut errors = vec![];
    if sent.organization_id != row.organization_id {
        errors.push(immutable("/organization_id"));
    }
    if sent.control_number.as_ref().is_some_and(|n| *n != row.control_number) {
        errors.push(immutable("/control_number"));
    }
    ApiError::unless_empty(errors)
}

/// A value that a change cannot take.
pub(crate) fn immutable(pointer: &str) -> FieldError {
    FieldError::new(
        pointer,
        "immutable_field",
        "登録済みの記録のこの項目は変えられません。外部システムのキーを確かめてください。",
        "This field of a record that is there cannot change; check the key of the other system.",
    )
}

/// Completes the external ids that are sent by the key of the path; what a record has besides stays when none are sent.
/// Answers whether the record has just these already.
pub(crate) fn complete_keys(before: &[ExternalId], sent: &mut Option<Vec<ExternalId>>, key: &ExternalId) -> bool {
    let all = ExternalId::joined(sent.take().unwrap_or_else(|| before.to_vec()), Some(key));
    let same = all == before;
    *sent = Some(all);
    same
}
