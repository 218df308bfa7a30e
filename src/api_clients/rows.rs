//! The rows of an API client and its secrets.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{ApiClient, ApiClientSecret, State};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{api_client_secrets, api_clients, organizations};
use crate::http::error::{ApiError, FieldError};
use crate::http::page::After;
use crate::journal::sha256_hex;

/// The row, without its secrets.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = api_clients)]
pub(super) struct ApiClientRow {
    pub id: String,
    name: String,
    scopes: String,
    organization_ids: String,
    contact_email: Option<String>,
    expires_on: Option<NaiveDate>,
    last_used_at: Option<Instant>,
    revoked_at: Option<Instant>,
    version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    include_revoked: bool,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<ApiClientRow>, ApiError> {
    let mut query = api_clients::table
        .filter(api_clients::local_government_id.eq(scope.lg.clone()))
        .filter(api_clients::id.gt(after.map(|after| after.id).unwrap_or_default()))
        .order(api_clients::id)
        .limit(limit + 1)
        .select(ApiClientRow::as_select())
        .into_boxed();
    if !include_revoked {
        query = query.filter(api_clients::revoked_at.is_null());
    }
    Ok(query.load(scope.conn)?)
}

/// Adds the secrets that are accepted now, with one query.
pub(super) fn complete(scope: &mut Scope<'_>, rows: Vec<ApiClientRow>) -> Result<Vec<ApiClient>, ApiError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let found: Vec<(String, String, Instant, Option<Instant>)> = api_client_secrets::table
        .filter(api_client_secrets::local_government_id.eq(&scope.lg))
        .filter(api_client_secrets::client_id.eq_any(ids))
        .filter(
            api_client_secrets::expires_at
                .is_null()
                .or(api_client_secrets::expires_at.gt(Some(scope.at))),
        )
        .order(api_client_secrets::id)
        .select((
            api_client_secrets::client_id,
            api_client_secrets::id,
            api_client_secrets::created_at,
            api_client_secrets::expires_at,
        ))
        .load(scope.conn)?;
    let mut secrets: BTreeMap<String, Vec<ApiClientSecret>> = BTreeMap::new();
    for (client_id, id, created_at, expires_at) in found {
        secrets.entry(client_id).or_default().push(ApiClientSecret {
            id,
            created_at,
            expires_at,
        });
    }
    rows.into_iter()
        .map(|row| {
            Ok(ApiClient {
                secrets: secrets.remove(&row.id).unwrap_or_default(),
                scopes: serde_json::from_str(&row.scopes)?,
                organization_ids: serde_json::from_str(&row.organization_ids)?,
                id: row.id,
                name: row.name,
                contact_email: row.contact_email,
                expires_on: row.expires_on,
                last_used_at: row.last_used_at,
                revoked_at: row.revoked_at,
                version: row.version,
                created_at: row.created_at,
                created_by: row.created_by,
                updated_at: row.updated_at,
                updated_by: row.updated_by,
            })
        })
        .collect()
}

pub(super) fn find(scope: &mut Scope<'_>, id: &str) -> Result<ApiClient, ApiError> {
    let row = api_clients::table
        .find((&scope.lg, id))
        .select(ApiClientRow::as_select())
        .first(scope.conn)?;
    complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = api_clients, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Values<'a> {
    name: &'a str,
    scopes: String,
    organization_ids: String,
    contact_email: Option<&'a str>,
    expires_on: Option<NaiveDate>,
    updated_at: Instant,
    updated_by: String,
}

fn values<'a>(scope: &Scope<'_>, state: &'a State) -> Result<Values<'a>, ApiError> {
    Ok(Values {
        name: &state.name,
        scopes: serde_json::to_string(&state.scopes)?,
        organization_ids: serde_json::to_string(&state.organization_ids)?,
        contact_email: state.contact_email.as_deref(),
        expires_on: state.expires_on,
        updated_at: scope.at,
        updated_by: scope.by(),
    })
}

pub(super) fn insert(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::insert_into(api_clients::table)
        .values((
            api_clients::local_government_id.eq(&scope.lg),
            api_clients::id.eq(id),
            values(scope, state)?,
            api_clients::version.eq(1),
            api_clients::created_at.eq(scope.at),
            api_clients::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

pub(super) fn update(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::update(api_clients::table.find((&scope.lg, id)))
        .set((values(scope, state)?, api_clients::version.eq(api_clients::version + 1)))
        .execute(scope.conn)?;
    Ok(())
}

/// Counts a change that is not in the row itself.
pub(super) fn touch(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(api_clients::table.find((&scope.lg, id)))
        .set((
            api_clients::version.eq(api_clients::version + 1),
            api_clients::updated_at.eq(scope.at),
            api_clients::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

pub(super) fn revoke(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(api_clients::table.find((&scope.lg, id)))
        .set(api_clients::revoked_at.eq(Some(scope.at)))
        .execute(scope.conn)?;
    touch(scope, id)
}

/// Issues a secret; only its hash is kept.
pub(super) fn insert_secret(scope: &mut Scope<'_>, client_id: &str) -> Result<String, ApiError> {
    let name: String = client_id.chars().take(8).collect();
    let secret = format!("kk_{name}_{}", scope.app.random.secret());
    diesel::insert_into(api_client_secrets::table)
        .values((
            api_client_secrets::local_government_id.eq(&scope.lg),
            api_client_secrets::id.eq(scope.new_id()),
            api_client_secrets::client_id.eq(client_id),
            api_client_secrets::secret_sha256.eq(sha256_hex(secret.as_bytes())),
            api_client_secrets::created_at.eq(scope.at),
        ))
        .execute(scope.conn)?;
    Ok(secret)
}

/// Ends the secrets of a client at `at`; those that end sooner stay as they are.
pub(super) fn expire_secrets(scope: &mut Scope<'_>, client_id: &str, at: Instant) -> Result<(), ApiError> {
    let mine = api_client_secrets::table
        .filter(api_client_secrets::local_government_id.eq(&scope.lg))
        .filter(api_client_secrets::client_id.eq(client_id))
        .filter(
            api_client_secrets::expires_at
                .is_null()
                .or(api_client_secrets::expires_at.gt(Some(at))),
        );
    diesel::update(mine)
        .set(api_client_secrets::expires_at.eq(Some(at)))
        .execute(scope.conn)?;
    Ok(())
}

/// Checks that these organizations are there.
///
/// # Errors
/// 422 at each that is not.
pub(super) fn require_organizations(scope: &mut Scope<'_>, ids: Option<&[String]>) -> Result<(), ApiError> {
    let Some(ids) = ids else { return Ok(()) };
    let known: Vec<String> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .filter(organizations::id.eq_any(ids))
        .filter(organizations::archived_at.is_null())
        .select(organizations::id)
        .load(scope.conn)?;
    let errors: Vec<FieldError> = (0_usize..)
        .zip(ids)
        .filter(|(_, id)| !known.contains(id))
        .map(|(i, _)| FieldError::reference(&format!("/organization_ids/{i}")))
        .collect();
    ApiError::unless_empty(errors)
}
