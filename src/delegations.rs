//! Standing in for somebody who is away (不在代理): for a time, in one organization.
//!
//! While it lasts mail goes to both, and the delegate holds the roles of the absent person; what they do by them is
//! recorded as done in that person's place. The two never count as two for the separation of duties. It is not passed
//! on: a delegate's delegate gets nothing. Who stands in for whom is read by [`crate::people::holders::Directory`].

use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::delegations;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, line, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After, page_of};
use crate::{organizations, people};

const KIND: &str = "delegation";
/// The longest absence; a longer one is a new owner's.
const LONGEST_DAYS: u64 = 366;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_delegations)
        .service(create_delegation)
        .service(get_delegation)
        .service(end_delegation);
}

/// Somebody stands in for somebody else (不在代理).
#[derive(Debug, Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = delegations)]
pub struct Delegation {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// Who is away.
    #[schema(format = Uuid)]
    pub from_person_id: String,
    /// Who stands in.
    #[schema(format = Uuid)]
    pub to_person_id: String,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// Why.
    pub reason: String,
    /// Version, as in the entity tag.
    pub version: i64,
    /// When it was registered.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: String,
    /// When it was ended before its last day.
    #[schema(required)]
    pub archived_at: Option<Instant>,
}

page_of! {
    /// A page of delegations.
    DelegationPage of Delegation
}

/// Filters of the list.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DelegationFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// In this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
    /// Of or by this person.
    #[param(nullable = false, format = Uuid)]
    person_id: Option<String>,
    /// In force on this day.
    #[param(nullable = false)]
    on: Option<NaiveDate>,
}

/// A new delegation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DelegationCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// Who is away.
    #[schema(format = Uuid, max_length = 36)]
    pub from_person_id: String,
    /// Who stands in.
    #[schema(format = Uuid, max_length = 36)]
    pub to_person_id: String,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day; today or later, within a year of the first.
    pub ends_on: NaiveDate,
    /// Why.
    #[schema(max_length = 200, example = "育児休業のため")]
    pub reason: String,
}

fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<Delegation, ApiError> {
    let found: Delegation = delegations::table
        .find((&scope.lg, id))
        .select(Delegation::as_select())
        .first(scope.conn)?;
    allowed.check(&found.organization_id)?;
    Ok(found)
}

fn record(scope: &mut Scope<'_>, action: &'static str, delegation: &Delegation) -> Result<(), ApiError> {
    let subject = Subject {
        organization_id: Some(&delegation.organization_id),
        ..Subject::of(KIND, &delegation.id)
    };
    scope.record(action, subject, serde_json::to_value(delegation)?);
    Ok(())
}

/// Those in whose place a person acts in the organization today.
///
/// # Errors
/// A database failure.
pub(crate) fn acting_for(
    scope: &mut Scope<'_>,
    organization_id: &str,
    person_id: &str,
) -> Result<Vec<String>, ApiError> {
    Ok(delegations::table
        .filter(delegations::local_government_id.eq(&scope.lg))
        .filter(delegations::to_person_id.eq(person_id))
        .filter(delegations::ends_on.ge(scope.today))
        .filter(delegations::starts_on.le(scope.today))
        .filter(delegations::organization_id.eq(organization_id))
        .filter(delegations::archived_at.is_null())
        .order(delegations::from_person_id)
        .select(delegations::from_person_id)
        .distinct()
        .load(scope.conn)?)
}

/// Whether two persons count as one in the organization today, because they are, or one stands in for the other.
///
/// # Errors
/// A database failure.
pub(crate) fn are_one(scope: &mut Scope<'_>, organization_id: &str, a: &str, b: &str) -> Result<bool, ApiError> {
    if a == b {
        return Ok(true);
    }
    let stands_in = |absent: &String, other: &str| absent == other;
    Ok(acting_for(scope, organization_id, a)?
        .iter()
        .any(|absent| stands_in(absent, b))
        || acting_for(scope, organization_id, b)?
            .iter()
            .any(|absent| stands_in(absent, a)))
}

/// List delegations
///
/// Those of the token's organizations, sorted by id.
#[utoipa::path(tag = "directory", params(DelegationFilter), security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "不在代理の一覧 / A page of delegations", body = DelegationPage), Problems))]
#[get("/delegations")]
async fn list_delegations(
    caller: Caller<scope::DirectoryRead>,
    request: HttpRequest,
    Params(filter): Params<DelegationFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_delegations", &unpaged);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let bound: Option<String> = delegations::table
                .filter(delegations::local_government_id.eq(&scope.lg))
                .filter(delegations::id.gt(&start))
                .order(delegations::id)
                .offset(page::BUDGET)
                .limit(1)
                .select(delegations::id)
                .first(scope.conn)
                .optional()?;
            let mut select = delegations::table
                .filter(delegations::local_government_id.eq(scope.lg.clone()))
                .filter(delegations::id.gt(start))
                .order(delegations::id)
                .limit(limit + 1)
                .select(Delegation::as_select())
                .into_boxed();
            if let Some(bound) = &bound {
                select = select.filter(delegations::id.le(bound.clone()));
            }
            if let Some(ids) = caller.organizations.list() {
                select = select.filter(delegations::organization_id.eq_any(ids.to_vec()));
            }
            if let Some(id) = filter.organization_id {
                select = select.filter(delegations::organization_id.eq(id));
            }
            if let Some(id) = filter.person_id {
                select = select.filter(
                    delegations::from_person_id
                        .eq(id.clone())
                        .or(delegations::to_person_id.eq(id)),
                );
            }
            if let Some(on) = filter.on {
                select = select
                    .filter(delegations::starts_on.le(on))
                    .filter(delegations::ends_on.ge(on))
                    .filter(delegations::archived_at.is_null());
            }
            let rows: Vec<Delegation> = select.load(scope.conn)?;
            let bound = bound.map(|id| After { key: String::new(), id });
            let (items, next) = page::cut(rows, limit, bound, &print, |row| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let page = DelegationPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Let somebody stand in
///
/// From the first to the last day mail goes to both, and the delegate may act in the roles of the absent person. Neither
/// may approve what the other applied for.
#[utoipa::path(tag = "directory", request_body = DelegationCreate, security(("oauth2" = ["directory:write"])), responses(
    (status = 201, description = "登録した不在代理 / The delegation", body = Delegation,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/delegations")]
async fn create_delegation(
    caller: Caller<scope::DirectoryWrite>,
    Body(new): Body<DelegationCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let reason = check(scope, &caller.organizations, &new)?;
            let id = scope.new_id();
            diesel::insert_into(delegations::table)
                .values((
                    delegations::local_government_id.eq(&scope.lg),
                    delegations::id.eq(&id),
                    delegations::organization_id.eq(&new.organization_id),
                    delegations::from_person_id.eq(&new.from_person_id),
                    delegations::to_person_id.eq(&new.to_person_id),
                    delegations::starts_on.eq(new.starts_on),
                    delegations::ends_on.eq(new.ends_on),
                    delegations::reason.eq(&reason),
                    delegations::version.eq(1),
                    delegations::created_at.eq(scope.at),
                    delegations::created_by.eq(scope.by()),
                    delegations::updated_at.eq(scope.at),
                    delegations::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            let delegation = find(scope, &caller.organizations, &id)?;
            record(scope, "delegation.created", &delegation)?;
            Ok(Answer::created(format!("/api/v1/delegations/{id}"), &delegation)?.version(delegation.version))
        })
        .await
}

/// Checks the values and answers the reason, cleaned.
fn check(scope: &mut Scope<'_>, allowed: &Organizations, new: &DelegationCreate) -> Result<String, ApiError> {
    if !allowed.contains(&new.organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
    }
    organizations::require(scope, &new.organization_id, "/organization_id")?;
    people::require(scope, &new.from_person_id, "/from_person_id")?;
    people::require(scope, &new.to_person_id, "/to_person_id")?;
    let mut errors = vec![];
    let reason = line(&new.reason, "/reason", 200, &mut errors);
    if new.from_person_id == new.to_person_id {
        errors.push(FieldError::new(
            "/to_person_id",
            "same_person",
            "不在の本人を代理にはできません。",
            "Nobody stands in for themselves.",
        ));
    }
    if new.ends_on < new.starts_on {
        errors.push(FieldError::new(
            "/ends_on",
            "date_order",
            "終了日は開始日以降にしてください。",
            "The last day must not be before the first.",
        ));
    } else if new.ends_on < scope.today {
        errors.push(FieldError::new(
            "/ends_on",
            "date_in_past",
            "終了日は今日以後にしてください。",
            "It must not be in the past.",
        ));
    } else if new
        .starts_on
        .checked_add_days(Days::new(LONGEST_DAYS))
        .is_some_and(|last| new.ends_on > last)
    {
        errors.push(FieldError::new(
            "/ends_on",
            "longer_than_one_year",
            "不在代理は1年以内にしてください。それより長いときは責任者を引き継いでください。",
            "It lasts for a year at most; for longer, transfer the ownership.",
        ));
    }
    ApiError::unless_empty(errors)?;
    Ok(reason)
}

/// Get a delegation
///
/// Also one that is over.
#[utoipa::path(tag = "directory", params(("delegation_id" = String, Path, description = "不在代理のID", format = Uuid)),
    security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "不在代理 / The delegation", body = Delegation, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/delegations/{delegation_id}")]
async fn get_delegation(caller: Caller<scope::DirectoryRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let delegation = find(scope, &caller.organizations, &path_id(&id)?)?;
            Ok(Answer::ok(&delegation)?.version(delegation.version))
        })
        .await
}

/// End a delegation
///
/// At once, before its last day; whoever was away is back.
#[utoipa::path(tag = "directory",
    params(("delegation_id" = String, Path, description = "不在代理のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 204, description = "終えた / Ended"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/delegations/{delegation_id}")]
async fn end_delegation(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let delegation = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(delegation.version, caller.lang)?;
            if delegation.archived_at.is_none() {
                diesel::update(delegations::table.find((&scope.lg, &delegation.id)))
                    .set((
                        delegations::archived_at.eq(Some(scope.at)),
                        delegations::version.eq(delegations::version + 1),
                        delegations::updated_at.eq(scope.at),
                        delegations::updated_by.eq(scope.by()),
                    ))
                    .execute(scope.conn)?;
                let delegation = find(scope, &caller.organizations, &delegation.id)?;
                record(scope, "delegation.ended", &delegation)?;
            }
            Ok(Answer::no_content())
        })
        .await
}
