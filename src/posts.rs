//! Posts (職, such as 総務課長) with dated holders: then the new holder owns on the day, without a call.

mod holders;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{posts, role_assignments};
use crate::db::types::Word;
use crate::domain::text;
use crate::domain::vocabulary::{CodeWord, Role};
use crate::http::answer::Answer;
use crate::http::body::{Body, Clearable, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After, page_of};
use crate::{departments, organizations};
pub(crate) use holders::held_by;

const KIND: &str = "post";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_posts)
        .service(create_post)
        .service(get_post)
        .service(update_post)
        .service(archive_post);
}

/// Who holds a post for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostHolder {
    /// The person.
    #[schema(format = Uuid, max_length = 36)]
    pub person_id: String,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
    /// Before this day it is shown to callers with `directory:write` only (内示前).
    #[serde(default)]
    pub announced_on: Option<NaiveDate>,
}

/// A role that comes with a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostRole {
    /// The role.
    pub role: Role,
    /// The department; the whole organization without it.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub department_id: Option<String>,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
}

/// A post (職).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Post {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The department.
    #[schema(required, format = Uuid)]
    pub department_id: Option<String>,
    /// Name.
    #[schema(example = "総務課長")]
    pub name: String,
    /// Holders; those not announced yet are shown to callers with `directory:write` only.
    pub holders: Vec<PostHolder>,
    /// Roles that come with it.
    pub roles: Vec<PostRole>,
    /// Version, as in the entity tag.
    pub version: i64,
    /// When it was registered.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
    /// When it was archived.
    #[schema(required)]
    pub archived_at: Option<Instant>,
}

page_of! {
    /// A page of posts.
    PostPage of Post
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PostFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
}

/// A new post.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The department.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub department_id: Option<String>,
    /// Name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Holders.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub holders: Vec<PostHolder>,
    /// Roles that come with it.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub roles: Vec<PostRole>,
}

/// A change of a post.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostPatch {
    /// The department.
    #[schema(format = Uuid, max_length = 36)]
    pub department_id: Option<String>,
    /// Name.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Holders, replaced whole.
    #[schema(nullable = false, max_items = 100)]
    pub holders: Option<Vec<PostHolder>>,
    /// Roles, replaced whole.
    #[schema(nullable = false, max_items = 20)]
    pub roles: Option<Vec<PostRole>>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 10)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for PostPatch {
    const CLEARABLE: &'static [&'static str] = &["department_id"];
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = posts)]
struct PostRow {
    id: String,
    organization_id: String,
    department_id: Option<String>,
    name: String,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
    archived_at: Option<Instant>,
}

/// Checks that a post can be named by another record.
///
/// # Errors
/// 422 at `pointer`.
pub(crate) fn require(scope: &mut Scope<'_>, id: &str, pointer: &str) -> Result<(), ApiError> {
    let found: Option<String> = posts::table
        .find((&scope.lg, id))
        .filter(posts::archived_at.is_null())
        .select(posts::id)
        .first(scope.conn)
        .optional()?;
    found
        .map(drop)
        .ok_or_else(|| ApiError::Validation(vec![FieldError::reference(pointer)]))
}

/// Adds holders and roles, with one query each; without `planned` only the holders that everybody may know of.
fn complete(scope: &mut Scope<'_>, rows: Vec<PostRow>, planned: bool) -> Result<Vec<Post>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut holders = holders::of(scope, &ids, planned)?;
    type RoleRow = (Option<String>, Word<Role>, Option<String>, NaiveDate, Option<NaiveDate>);
    let found: Vec<RoleRow> = role_assignments::table
        .filter(role_assignments::local_government_id.eq(&scope.lg))
        .filter(role_assignments::post_id.eq_any(&ids))
        .order((
            role_assignments::post_id,
            role_assignments::starts_on,
            role_assignments::id,
        ))
        .select((
            role_assignments::post_id,
            role_assignments::role,
            role_assignments::department_id,
            role_assignments::starts_on,
            role_assignments::ends_on,
        ))
        .load(scope.conn)?;
    let mut roles: BTreeMap<String, Vec<PostRole>> = BTreeMap::new();
    for (post, role, department_id, starts_on, ends_on) in found {
        roles.entry(post.unwrap_or_default()).or_default().push(PostRole {
            role: role.0,
            department_id,
            starts_on,
            ends_on,
        });
    }
    Ok(rows
        .into_iter()
        .map(|row| Post {
            holders: holders.remove(&row.id).unwrap_or_default(),
            roles: roles.remove(&row.id).unwrap_or_default(),
            id: row.id,
            organization_id: row.organization_id,
            department_id: row.department_id,
            name: row.name,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            archived_at: row.archived_at,
        })
        .collect())
}

/// The post with everything that is planned.
fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<Post, ApiError> {
    find_as(scope, allowed, id, true)
}

fn find_as(scope: &mut Scope<'_>, allowed: &Organizations, id: &str, planned: bool) -> Result<Post, ApiError> {
    let row: PostRow = posts::table
        .find((&scope.lg, id))
        .select(PostRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    complete(scope, vec![row], planned)?.pop().ok_or(ApiError::NotFound)
}

fn record(scope: &mut Scope<'_>, action: &'static str, post: &Post) -> Result<(), ApiError> {
    let organization_id = Some(post.organization_id.as_str());
    let subject = Subject {
        kind: KIND,
        id: &post.id,
        organization_id,
        entry_id: None,
    };
    scope.record(action, subject, serde_json::to_value(post)?);
    Ok(())
}

fn clean_name(name: &str) -> Result<String, ApiError> {
    text::single_line(name, 100).map_err(|e| ApiError::field("/name", e.code(), e.message_ja(), e.message_en()))
}

/// Registers a post.
///
/// # Errors
/// 422 for wrong values.
pub(crate) fn create(scope: &mut Scope<'_>, allowed: &Organizations, new: PostCreate) -> Result<Post, ApiError> {
    if !allowed.contains(&new.organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
    }
    organizations::require(scope, &new.organization_id, "/organization_id")?;
    if let Some(department) = &new.department_id {
        departments::require(scope, department, "/department_id")?;
    }
    let name = clean_name(&new.name)?;
    let id = scope.new_id();
    diesel::insert_into(posts::table)
        .values((
            posts::local_government_id.eq(&scope.lg),
            posts::id.eq(&id),
            posts::organization_id.eq(&new.organization_id),
            posts::department_id.eq(&new.department_id),
            posts::name.eq(&name),
            posts::search_text.eq(text::fold(&name)),
            posts::version.eq(1),
            posts::created_at.eq(scope.at),
            posts::created_by.eq(scope.by()),
            posts::updated_at.eq(scope.at),
            posts::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    holders::write(scope, &id, &new.holders)?;
    write_roles(scope, &id, &new.organization_id, &new.roles)?;
    let post = find(scope, allowed, &id)?;
    record(scope, "post.created", &post)?;
    Ok(post)
}

fn write_roles(scope: &mut Scope<'_>, id: &str, organization_id: &str, new: &[PostRole]) -> Result<(), ApiError> {
    let mine = role_assignments::table
        .filter(role_assignments::local_government_id.eq(scope.lg.clone()))
        .filter(role_assignments::post_id.eq(Some(id)));
    diesel::delete(mine).execute(scope.conn)?;
    for (i, role) in new.iter().enumerate() {
        if let Some(department) = &role.department_id {
            departments::require(scope, department, &format!("/roles/{i}/department_id"))?;
        }
        check_span(role.starts_on, role.ends_on, &format!("/roles/{i}/ends_on"))?;
        diesel::insert_into(role_assignments::table)
            .values((
                role_assignments::local_government_id.eq(&scope.lg),
                role_assignments::id.eq(scope.new_id()),
                role_assignments::organization_id.eq(organization_id),
                role_assignments::department_id.eq(&role.department_id),
                role_assignments::role.eq(role.role.code()),
                role_assignments::post_id.eq(Some(id)),
                role_assignments::starts_on.eq(role.starts_on),
                role_assignments::ends_on.eq(role.ends_on),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}

fn check_span(starts_on: NaiveDate, ends_on: Option<NaiveDate>, pointer: &str) -> Result<(), ApiError> {
    if ends_on.is_none_or(|on| on >= starts_on) {
        return Ok(());
    }
    Err(ApiError::field(
        pointer,
        "date_order",
        "終了日は開始日以降にしてください。",
        "The last day must not be before the first.",
    ))
}

/// List posts
///
/// Those of the token's organizations, sorted by id.
#[utoipa::path(tag = "directory", params(PostFilter), security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "職の一覧 / A page of posts", body = PostPage), Problems))]
#[get("/posts")]
async fn list_posts(
    caller: Caller<scope::DirectoryRead>,
    request: HttpRequest,
    Params(filter): Params<PostFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_posts", &filter.organization_id);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let bound: Option<String> = posts::table
                .filter(posts::local_government_id.eq(&scope.lg))
                .filter(posts::id.gt(&start))
                .order(posts::id)
                .offset(page::BUDGET)
                .limit(1)
                .select(posts::id)
                .first(scope.conn)
                .optional()?;
            let mut select = posts::table
                .filter(posts::local_government_id.eq(scope.lg.clone()))
                .filter(posts::id.gt(start))
                .filter(posts::archived_at.is_null())
                .order(posts::id)
                .limit(limit + 1)
                .select(PostRow::as_select())
                .into_boxed();
            if let Some(bound) = &bound {
                select = select.filter(posts::id.le(bound.clone()));
            }
            if let Some(ids) = caller.organizations.list() {
                select = select.filter(posts::organization_id.eq_any(ids.to_vec()));
            }
            if let Some(id) = &filter.organization_id {
                select = select.filter(posts::organization_id.eq(id.clone()));
            }
            let rows: Vec<PostRow> = select.load(scope.conn)?;
            let bound = bound.map(|id| After { key: String::new(), id });
            let (rows, next) = page::cut(rows, limit, bound, &print, |row| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = complete(scope, rows, caller.sees_planned_moves())?;
            page::answer(&path, &query, &PostPage::new((items, next.clone())), next.as_deref())
        })
        .await
}

/// Register a post
///
/// With holders and roles.
#[utoipa::path(tag = "directory", request_body = PostCreate, security(("oauth2" = ["directory:write"])), responses(
    (status = 201, description = "登録した職 / The post", body = Post,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/posts")]
async fn create_post(
    caller: Caller<scope::DirectoryWrite>,
    Body(new): Body<PostCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let post = create(scope, &caller.organizations, new)?;
            Ok(Answer::created(format!("/api/v1/posts/{}", post.id), &post)?.version(post.version))
        })
        .await
}

/// Get a post
///
/// With holders and roles.
#[utoipa::path(tag = "directory", params(("post_id" = String, Path, description = "職のID", format = Uuid)),
    security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "職 / The post", body = Post, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/posts/{post_id}")]
async fn get_post(caller: Caller<scope::DirectoryRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let post = find_as(
                scope,
                &caller.organizations,
                &path_id(&id)?,
                caller.sees_planned_moves(),
            )?;
            Ok(Answer::ok(&post)?.version(post.version))
        })
        .await
}

/// Change a post
///
/// Holders and roles are replaced whole; on the day of a change the new holder owns what the post owns.
#[utoipa::path(tag = "directory", request_body(content(
        (PostPatch = "application/json"), (PostPatch = "application/merge-patch+json"))),
    params(("post_id" = String, Path, description = "職のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 200, description = "変更後の職 / The post", body = Post, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/posts/{post_id}")]
async fn update_post(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    patch: Patch<PostPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let before = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(before.version, caller.lang)?;
            let mut department_id = before.department_id.clone();
            patch.nullable(&mut department_id, patch.set.department_id.clone(), "department_id");
            if let Some(department) = &department_id {
                departments::require(scope, department, "/department_id")?;
            }
            let name = clean_name(patch.set.name.as_deref().unwrap_or(&before.name))?;
            diesel::update(posts::table.find((&scope.lg, &before.id)))
                .set((
                    posts::department_id.eq(department_id),
                    posts::search_text.eq(text::fold(&name)),
                    posts::name.eq(name),
                    posts::version.eq(posts::version + 1),
                    posts::updated_at.eq(scope.at),
                    posts::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            if let Some(new) = &patch.set.holders {
                holders::write(scope, &before.id, new)?;
            }
            if let Some(roles) = &patch.set.roles {
                write_roles(scope, &before.id, &before.organization_id, roles)?;
            }
            let post = find(scope, &caller.organizations, &before.id)?;
            record(scope, "post.updated", &post)?;
            Ok(Answer::ok(&post)?.version(post.version))
        })
        .await
}

/// Archive a post
///
/// What it owns keeps it until it is handed over.
#[utoipa::path(tag = "directory",
    params(("post_id" = String, Path, description = "職のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/posts/{post_id}")]
async fn archive_post(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let post = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(post.version, caller.lang)?;
            diesel::update(posts::table.find((&scope.lg, &post.id)))
                .set((
                    posts::archived_at.eq(Some(scope.at)),
                    posts::version.eq(posts::version + 1),
                    posts::updated_at.eq(scope.at),
                    posts::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            record(scope, "post.archived", &post)?;
            Ok(Answer::no_content())
        })
        .await
}
