//! Organizations (機関): the bodies inside a local government, each under its policy profile.

mod wire;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{App, Scope, Subject, Tenant};
use crate::clock::Instant;
use crate::db::schema::{entries, local_governments, organizations};
use crate::db::search;
use crate::domain::calendar::{Calendar, ClosedDay};
use crate::domain::profile::Profile;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};

pub use wire::{Organization, OrganizationCreate, OrganizationFilter, OrganizationPage, OrganizationPatch};

const KIND: &str = "organization";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_organizations)
        .service(create_organization)
        .service(get_organization)
        .service(get_organization_profile)
        .service(update_organization)
        .service(archive_organization);
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = organizations)]
struct Row {
    id: String,
    key: String,
    name: String,
    name_kana: String,
    kind: String,
    profile_key: String,
    extra_closed_days: String,
    review_month: Option<i32>,
    existing_gaps_due_on: Option<NaiveDate>,
    contact: Option<String>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
    archived_at: Option<Instant>,
}

impl Row {
    fn wire(self) -> Result<Organization, ApiError> {
        Ok(Organization {
            extra_closed_days: serde_json::from_str(&self.extra_closed_days)?,
            kind: serde_json::from_value(self.kind.into())?,
            id: self.id,
            key: self.key,
            name: self.name,
            name_kana: self.name_kana,
            profile_key: self.profile_key,
            review_month: self.review_month,
            existing_gaps_due_on: self.existing_gaps_due_on,
            contact: self.contact,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            archived_at: self.archived_at,
        })
    }
}

/// An organization as far as rules and mails need it.
#[derive(Debug, Clone)]
pub(crate) struct OrganizationRow {
    pub name: String,
    pub profile_key: String,
    pub extra_closed_days: Vec<ClosedDay>,
    pub review_month: Option<u32>,
    pub existing_gaps_due_on: Option<NaiveDate>,
}

impl OrganizationRow {
    /// The closed days of its profile and its own.
    pub(crate) fn calendar(&self, app: &App) -> Result<Calendar, ApiError> {
        let mut closed = app.profile(&self.profile_key)?.extra_closed_days.clone();
        closed.extend(self.extra_closed_days.iter().copied());
        Ok(app.calendar(&closed))
    }
}

/// An organization of the tenant.
pub(crate) fn row(scope: &mut Scope<'_>, id: &str) -> Result<OrganizationRow, ApiError> {
    let row: Row = organizations::table
        .find((&scope.lg, id))
        .select(Row::as_select())
        .first(scope.conn)?;
    Ok(OrganizationRow {
        extra_closed_days: serde_json::from_str(&row.extra_closed_days)?,
        review_month: row.review_month.and_then(|month| u32::try_from(month).ok()),
        existing_gaps_due_on: row.existing_gaps_due_on,
        name: row.name,
        profile_key: row.profile_key,
    })
}

/// Checks that an organization can be named by another record.
///
/// # Errors
/// 422 at `pointer`.
pub(crate) fn require(scope: &mut Scope<'_>, id: &str, pointer: &str) -> Result<(), ApiError> {
    let found: Option<String> = organizations::table
        .find((&scope.lg, id))
        .filter(organizations::archived_at.is_null())
        .select(organizations::id)
        .first(scope.conn)
        .optional()?;
    found
        .map(drop)
        .ok_or_else(|| ApiError::Validation(vec![FieldError::reference(pointer)]))
}

/// Those of these organizations that are seen and not archived.
pub(crate) fn of_ids(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    ids: &[String],
) -> Result<Vec<Organization>, ApiError> {
    let rows: Vec<Row> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .filter(organizations::id.eq_any(ids))
        .filter(organizations::archived_at.is_null())
        .select(Row::as_select())
        .load(scope.conn)?;
    rows.into_iter()
        .filter(|row| allowed.contains(&row.id))
        .map(Row::wire)
        .collect()
}

/// An organization as its public page names it.
#[derive(Debug, Clone)]
pub(crate) struct PublicOrganization {
    pub local_government_id: String,
    pub local_government: String,
    pub id: String,
    pub name: String,
    pub contact: String,
}

/// The organization of a public address: by its id, by its key where one local government has it alone, or by the
/// local government's code and its key (`212181-mayor`).
///
/// # Errors
/// 404, also when several could be meant.
pub(crate) fn public(app: &App, address: &str) -> Result<PublicOrganization, ApiError> {
    let governments: Vec<(String, String, String, String)> = app.db.read(|conn| {
        Ok(local_governments::table
            .order(local_governments::id)
            .select((
                local_governments::id,
                local_governments::code,
                local_governments::name,
                local_governments::contact,
            ))
            .load(conn)?)
    })?;
    let mut found = vec![];
    for (local_government_id, code, local_government, contact) in governments {
        let key = address.strip_prefix(&format!("{code}-")).unwrap_or(address);
        let organization: Option<(String, String, Option<String>)> =
            app.read_as(&Tenant::new(&local_government_id), |scope| {
                Ok(organizations::table
                    .filter(organizations::local_government_id.eq(&scope.lg))
                    .filter(organizations::id.eq(address).or(organizations::key.eq(key)))
                    .filter(organizations::archived_at.is_null())
                    .select((organizations::id, organizations::name, organizations::contact))
                    .first(scope.conn)
                    .optional()?)
            })?;
        if let Some((id, name, own_contact)) = organization {
            found.push(PublicOrganization {
                local_government_id,
                local_government,
                id,
                name,
                contact: own_contact.unwrap_or(contact),
            });
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(ApiError::NotFound),
    }
}

fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<Organization, ApiError> {
    allowed.check(id)?;
    let row: Row = organizations::table
        .find((&scope.lg, id))
        .select(Row::as_select())
        .first(scope.conn)?;
    row.wire()
}

/// List organizations
///
/// Those of the token, sorted by id.
#[utoipa::path(tag = "directory", params(OrganizationFilter), security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "機関の一覧 / A page of organizations", body = OrganizationPage), Problems))]
#[get("/organizations")]
async fn list_organizations(
    caller: Caller<scope::DirectoryRead>,
    request: HttpRequest,
    Params(filter): Params<OrganizationFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_organizations", &filter.include_archived);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let mut select = organizations::table
                .filter(organizations::local_government_id.eq(scope.lg.clone()))
                .filter(organizations::id.gt(start))
                .order(organizations::id)
                .limit(limit + 1)
                .select(Row::as_select())
                .into_boxed();
            if let Some(ids) = caller.organizations.list() {
                select = select.filter(organizations::id.eq_any(ids.to_vec()));
            }
            if filter.include_archived != Some(true) {
                select = select.filter(organizations::archived_at.is_null());
            }
            let rows: Vec<Row> = select.load(scope.conn)?;
            let (rows, next) = page::cut(rows, limit, None, &print, |row| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows.into_iter().map(Row::wire).collect::<Result<Vec<_>, _>>()?;
            page::answer(
                &path,
                &query,
                &OrganizationPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// Register an organization
///
/// Only a client for all organizations can: a limited one would not see it afterwards.
#[utoipa::path(tag = "directory", request_body = OrganizationCreate, security(("oauth2" = ["directory:write"])), responses(
    (status = 201, description = "登録した機関 / The organization", body = Organization,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/organizations")]
async fn create_organization(
    caller: Caller<scope::DirectoryWrite>,
    Body(new): Body<OrganizationCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            if caller.organizations != Organizations::All {
                return Err(ApiError::Conflict {
                    code: "organization_forbidden_action",
                    ja: "機関の登録には、すべての機関を扱えるクライアントが必要です。".to_owned(),
                    en: "Registering an organization needs a client for all organizations.".to_owned(),
                });
            }
            let organization = create(scope, new)?;
            let location = format!("/api/v1/organizations/{}", organization.id);
            Ok(Answer::created(location, &organization)?.version(organization.version))
        })
        .await
}

/// Registers an organization.
///
/// # Errors
/// 422 for wrong values, 409 for a key that is taken.
pub(crate) fn create(scope: &mut Scope<'_>, new: OrganizationCreate) -> Result<Organization, ApiError> {
    let state = wire::State::from_create(new).checked(scope)?;
    let id = scope.new_id();
    let text = search::folded([Some(state.name.as_str()), Some(state.name_kana.as_str())]);
    diesel::insert_into(organizations::table)
        .values((
            organizations::local_government_id.eq(&scope.lg),
            organizations::id.eq(&id),
            organizations::key.eq(&state.key),
            state.values(&text)?,
            organizations::version.eq(1),
            organizations::created_at.eq(scope.at),
            organizations::created_by.eq(scope.by()),
            organizations::updated_at.eq(scope.at),
            organizations::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    search::index(scope, KIND, &id, &text)?;
    let organization = find(scope, &Organizations::All, &id)?;
    record(scope, "organization.created", &organization)?;
    Ok(organization)
}

fn record(scope: &mut Scope<'_>, action: &'static str, organization: &Organization) -> Result<(), ApiError> {
    let id = organization.id.clone();
    let subject = Subject {
        kind: KIND,
        id: &id,
        organization_id: Some(&id),
        entry_id: None,
    };
    scope.record(action, subject, serde_json::to_value(organization)?);
    Ok(())
}

/// Get an organization
///
/// With the key of its policy profile.
#[utoipa::path(tag = "directory", params(("organization_id" = String, Path, description = "機関のID", format = Uuid)),
    security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "機関 / The organization", body = Organization, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/organizations/{organization_id}")]
async fn get_organization(
    caller: Caller<scope::DirectoryRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let organization = find(scope, &caller.organizations, &path_id(&id)?)?;
            Ok(Answer::ok(&organization)?.version(organization.version))
        })
        .await
}

/// Get the policy profile of an organization
///
/// What its policy switches on, each duty with its section.
#[utoipa::path(tag = "directory", params(("organization_id" = String, Path, description = "機関のID", format = Uuid)),
    security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "ポリシーの設定 / The profile", body = Profile), Problems))]
#[get("/organizations/{organization_id}/profile")]
async fn get_organization_profile(
    caller: Caller<scope::DirectoryRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let organization = find(scope, &caller.organizations, &path_id(&id)?)?;
            Answer::ok(scope.app.profile(&organization.profile_key)?)
        })
        .await
}

/// Change an organization
///
/// Its key stays.
#[utoipa::path(tag = "directory", request_body(content(
        (OrganizationPatch = "application/json"), (OrganizationPatch = "application/merge-patch+json"))),
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 200, description = "変更後の機関 / The organization", body = Organization, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/organizations/{organization_id}")]
async fn update_organization(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    patch: Patch<OrganizationPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let before = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(before.version, caller.lang)?;
            let id = before.id.clone();
            let state = wire::State::from_patch(before, patch).checked(scope)?;
            let text = search::folded([Some(state.name.as_str()), Some(state.name_kana.as_str())]);
            diesel::update(organizations::table.find((&scope.lg, &id)))
                .set((
                    state.values(&text)?,
                    organizations::version.eq(organizations::version + 1),
                    organizations::updated_at.eq(scope.at),
                    organizations::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            search::index(scope, KIND, &id, &text)?;
            let organization = find(scope, &caller.organizations, &id)?;
            record(scope, "organization.updated", &organization)?;
            Ok(Answer::ok(&organization)?.version(organization.version))
        })
        .await
}

/// Archive an organization
///
/// 409 `in_use` while it has live entries.
#[utoipa::path(tag = "directory",
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/organizations/{organization_id}")]
async fn archive_organization(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let before = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(before.version, caller.lang)?;
            let used: Option<String> = entries::table
                .filter(entries::local_government_id.eq(&scope.lg))
                .filter(entries::organization_id.eq(&before.id))
                .filter(entries::archived_at.is_null())
                .select(entries::control_number)
                .first(scope.conn)
                .optional()?;
            if let Some(number) = used {
                return Err(ApiError::Conflict {
                    code: "in_use",
                    ja: format!("台帳 {number} があります。先にそちらを終えてください。"),
                    en: format!("Entry {number} belongs to it; finish that first."),
                });
            }
            diesel::update(organizations::table.find((&scope.lg, &before.id)))
                .set((
                    organizations::archived_at.eq(Some(scope.at)),
                    organizations::version.eq(organizations::version + 1),
                    organizations::updated_at.eq(scope.at),
                    organizations::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            record(scope, "organization.archived", &before)?;
            Ok(Answer::no_content())
        })
        .await
}
