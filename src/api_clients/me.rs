//! Who the caller is: what a client asks first, to see whether it was set up as intended.

use actix_web::{HttpResponse, get};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::rows;
use crate::db::schema::{local_governments, organizations};
use crate::http::answer::Answer;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;

/// More organizations than any local government has; no list is without a bound.
const MOST_ORGANIZATIONS: i64 = 500;

/// A local government, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrincipalLocalGovernment {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Local government code (全国地方公共団体コード), six digits.
    #[schema(example = "212181")]
    pub code: String,
    /// Name.
    #[schema(example = "本巣市")]
    pub name: String,
}

/// An organization, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationRef {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Key.
    #[schema(example = "mayor")]
    pub key: String,
    /// Name.
    #[schema(example = "本巣市長部局")]
    pub name: String,
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct Principal {
    /// The client.
    #[schema(format = Uuid)]
    pub client_id: String,
    /// Its name.
    #[schema(example = "財務会計システム")]
    pub name: String,
    /// The local government whose records it sees.
    pub local_government: PrincipalLocalGovernment,
    /// The scopes of this token.
    pub scopes: Vec<String>,
    /// Whether it may touch all organizations, also future ones.
    pub all_organizations: bool,
    /// The organizations that it may touch now.
    pub organizations: Vec<OrganizationRef>,
    /// Whether it may name the person who acts in `Acting-Person`; decisions and verifications need one.
    pub may_act_for_people: bool,
}

/// Who am I
///
/// What this token may do and where. Any valid token may ask.
#[utoipa::path(tag = "auth", security(("oauth2" = [])), responses(
    (status = 200, description = "呼び出し元 / The caller", body = Principal), Problems))]
#[get("/me")]
pub(super) async fn get_current_principal(caller: Caller<scope::AnyToken>) -> Result<HttpResponse, ApiError> {
    caller
        .read(|caller, scope| {
            let client = rows::find(scope, &caller.client_id)?;
            let (id, code, name) = local_governments::table
                .find(&scope.lg)
                .select((local_governments::id, local_governments::code, local_governments::name))
                .first(scope.conn)?;
            let mut query = organizations::table
                .filter(organizations::local_government_id.eq(scope.lg.clone()))
                .filter(organizations::archived_at.is_null())
                .order(organizations::id)
                .limit(MOST_ORGANIZATIONS)
                .select((organizations::id, organizations::key, organizations::name))
                .into_boxed();
            if let Some(ids) = caller.organizations.list() {
                query = query.filter(organizations::id.eq_any(ids.to_vec()));
            }
            let found: Vec<(String, String, String)> = query.load(scope.conn)?;
            Answer::ok(Principal {
                client_id: client.id,
                name: client.name,
                local_government: PrincipalLocalGovernment { id, code, name },
                scopes: caller.scopes.clone(),
                all_organizations: caller.organizations == Organizations::All,
                organizations: found
                    .into_iter()
                    .map(|(id, key, name)| OrganizationRef { id, key, name })
                    .collect(),
                may_act_for_people: caller.scopes.iter().any(|held| held == "act_for_people"),
            })
        })
        .await
}
