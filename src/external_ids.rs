//! External ids: the keys that other systems know a record by, unique per (local government, resource type, system,
//! value) (design §9). The slices keep theirs through these functions; upserts by them come with the sync endpoints.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::Scope;
use crate::db::schema::external_ids;
use crate::http::error::ApiError;

/// The key of a record in another system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalId {
    /// The other system's short name: `zaimu`, `keiyaku`, `egp` …
    #[schema(
        pattern = "^[a-z][a-z0-9_-]{1,31}$",
        min_length = 2,
        max_length = 32,
        example = "zaimu"
    )]
    pub system: String,
    /// Its key there.
    #[schema(min_length = 1, max_length = 128, example = "000123")]
    pub value: String,
}

/// The external ids of these records, by record id.
///
/// # Errors
/// A database failure.
pub fn of(
    scope: &mut Scope<'_>,
    resource_type: &str,
    ids: &[String],
) -> Result<BTreeMap<String, Vec<ExternalId>>, ApiError> {
    let rows: Vec<(String, String, String)> = external_ids::table
        .filter(external_ids::local_government_id.eq(&scope.lg))
        .filter(external_ids::resource_type.eq(resource_type))
        .filter(external_ids::resource_id.eq_any(ids))
        .order((external_ids::system, external_ids::value))
        .select((external_ids::resource_id, external_ids::system, external_ids::value))
        .load(scope.conn)?;
    let mut found: BTreeMap<String, Vec<ExternalId>> = BTreeMap::new();
    for (id, system, value) in rows {
        found.entry(id).or_default().push(ExternalId { system, value });
    }
    Ok(found)
}

/// Replaces the external ids of a record.
///
/// # Errors
/// 409 `duplicate_external_id` when another record has one of them.
pub fn replace(scope: &mut Scope<'_>, resource_type: &str, id: &str, new: &[ExternalId]) -> Result<(), ApiError> {
    let mine = external_ids::table
        .filter(external_ids::local_government_id.eq(&scope.lg))
        .filter(external_ids::resource_type.eq(resource_type))
        .filter(external_ids::resource_id.eq(id));
    diesel::delete(mine).execute(scope.conn)?;
    for external in new {
        diesel::insert_into(external_ids::table)
            .values((
                external_ids::local_government_id.eq(&scope.lg),
                external_ids::resource_type.eq(resource_type),
                external_ids::system.eq(&external.system),
                external_ids::value.eq(&external.value),
                external_ids::resource_id.eq(id),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}
