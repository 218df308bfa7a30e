//! External ids: the keys that other systems know a record by, unique per (local government, resource type, system,
//! value) (design §9). The slices keep theirs through these functions, and find by them what another system sends.

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

impl ExternalId {
    /// The key that a path names.
    ///
    /// # Errors
    /// 400 for one that no record could have.
    pub fn of_path((system, value): (String, String)) -> Result<Self, ApiError> {
        let invalid = |name: &str, ja: &str, en: &str| ApiError::InvalidParameter {
            name: name.to_owned(),
            ja: ja.to_owned(),
            en: en.to_owned(),
        };
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if !(2..=32).contains(&system.len())
            || !system.starts_with(|c: char| c.is_ascii_lowercase())
            || !system.chars().all(letters)
        {
            return Err(invalid(
                "system",
                "英小文字で始まる2から32字の英小文字、数字、_、- にしてください。",
                "2 to 32 of a-z, 0-9, _ and -, beginning with a letter.",
            ));
        }
        if !(1..=128).contains(&value.chars().count()) || value.chars().any(char::is_control) {
            return Err(invalid(
                "value",
                "制御文字を含まない1から128字にしてください。",
                "1 to 128 characters without control characters.",
            ));
        }
        Ok(Self { system, value })
    }

    /// These keys and this one, sorted, each once.
    #[must_use]
    pub fn joined(mut all: Vec<Self>, own: Option<&Self>) -> Vec<Self> {
        all.extend(own.cloned());
        all.sort();
        all.dedup();
        all
    }
}

/// The record of this type that a key names.
///
/// # Errors
/// A database failure.
pub fn find(scope: &mut Scope<'_>, resource_type: &str, key: &ExternalId) -> Result<Option<String>, ApiError> {
    Ok(external_ids::table
        .find((&scope.lg, resource_type, &key.system, &key.value))
        .select(external_ids::resource_id)
        .first(scope.conn)
        .optional()?)
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
    // Sorted here: SQLite, asked for this order, walks the primary key, which has it, through every record of the tenant.
    let mut rows: Vec<(String, String, String)> = external_ids::table
        .filter(external_ids::local_government_id.eq(&scope.lg))
        .filter(external_ids::resource_type.eq(resource_type))
        .filter(external_ids::resource_id.eq_any(ids))
        .select((external_ids::resource_id, external_ids::system, external_ids::value))
        .load(scope.conn)?;
    rows.sort_unstable();
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
