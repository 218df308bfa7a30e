//! What shows that something was done: evidence or a file of the same organization.

use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::{entries, evidence};
use crate::files;
use crate::http::error::{ApiError, FieldError};

/// Notes evidence or a file that the organization does not have.
///
/// # Errors
/// A database failure.
pub(crate) fn check(
    scope: &mut Scope<'_>,
    organization_id: &str,
    evidence_id: Option<&str>,
    file_id: Option<&str>,
    errors: &mut Vec<FieldError>,
) -> Result<(), ApiError> {
    if let Some(id) = evidence_id
        && !is_of(scope, organization_id, id)?
    {
        errors.push(FieldError::reference("/evidence_id"));
    }
    if let Some(id) = file_id
        && !files::is_of(scope, organization_id, id)?
    {
        errors.push(FieldError::reference("/file_id"));
    }
    Ok(())
}

/// Evidence of an entry is of the entry's organization; other evidence is everybody's.
fn is_of(scope: &mut Scope<'_>, organization_id: &str, id: &str) -> Result<bool, ApiError> {
    let found: Option<Option<String>> = evidence::table
        .find((&scope.lg, id))
        .select(evidence::entry_id)
        .first(scope.conn)
        .optional()?;
    let Some(Some(entry_id)) = found else {
        return Ok(found.is_some());
    };
    let of: String = entries::table
        .find((&scope.lg, &entry_id))
        .select(entries::organization_id)
        .first(scope.conn)?;
    Ok(of == organization_id)
}
