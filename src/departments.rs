//! Departments (所属) of an organization, each with its own mailbox; what becomes of one is [`mod@successions`]'s,
//! their tree on a page [`mod@tree`]'s.

mod successions;
pub(crate) mod tree;

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::departments;
use crate::db::search;
use crate::domain::identifier::EmailAddress;
use crate::domain::text;
use crate::http::answer::Answer;
use crate::http::body::{Body, Clearable, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After, page_of};
use crate::organizations;

pub(crate) use successions::settle;

pub(crate) const KIND: &str = "department";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_departments)
        .service(create_department)
        .service(get_department)
        .service(update_department)
        .service(archive_department)
        .service(successions::list_department_successions)
        .service(successions::create_department_succession)
        .service(successions::cancel_department_succession);
}

/// A department (所属).
#[derive(Debug, Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = departments)]
pub struct Department {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The department above.
    #[schema(required, format = Uuid)]
    pub parent_id: Option<String>,
    /// Code, unique in the organization.
    #[schema(example = "0210")]
    pub code: String,
    /// Name.
    #[schema(example = "情報政策課")]
    pub name: String,
    /// Name in kana.
    #[schema(required)]
    pub name_kana: Option<String>,
    /// Mailbox of the department.
    #[schema(required, example = "joho@city.example.lg.jp")]
    pub mailbox: Option<String>,
    /// First day.
    #[schema(required)]
    pub valid_from_on: Option<NaiveDate>,
    /// Last day.
    #[schema(required)]
    pub valid_to_on: Option<NaiveDate>,
    /// The department that took over from it in a reorganisation; the first one of a split.
    #[schema(required, format = Uuid)]
    pub successor_id: Option<String>,
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
    /// A page of departments.
    DepartmentPage of Department
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DepartmentFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
    /// Archived ones too.
    #[param(nullable = false)]
    include_archived: Option<bool>,
}

/// A new department.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepartmentCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The department above.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub parent_id: Option<String>,
    /// Code, unique in the organization.
    #[schema(min_length = 1, max_length = 40)]
    pub code: String,
    /// Name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Name in kana.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub name_kana: Option<String>,
    /// Mailbox of the department.
    #[serde(default)]
    #[schema(max_length = 254)]
    pub mailbox: Option<String>,
    /// First day.
    #[serde(default)]
    pub valid_from_on: Option<NaiveDate>,
    /// Last day.
    #[serde(default)]
    pub valid_to_on: Option<NaiveDate>,
}

/// A change of a department.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepartmentPatch {
    /// The department above.
    #[schema(format = Uuid, max_length = 36)]
    pub parent_id: Option<String>,
    /// Name.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Name in kana.
    #[schema(max_length = 200)]
    pub name_kana: Option<String>,
    /// Mailbox of the department.
    #[schema(max_length = 254)]
    pub mailbox: Option<String>,
    /// First day.
    pub valid_from_on: Option<NaiveDate>,
    /// Last day.
    pub valid_to_on: Option<NaiveDate>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 10)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for DepartmentPatch {
    const CLEARABLE: &'static [&'static str] = &["parent_id", "name_kana", "mailbox", "valid_from_on", "valid_to_on"];
}

/// Checks that a department can be named by another record.
///
/// # Errors
/// 422 at `pointer`.
pub(crate) fn require(scope: &mut Scope<'_>, id: &str, pointer: &str) -> Result<(), ApiError> {
    let found: Option<String> = departments::table
        .find((&scope.lg, id))
        .filter(departments::archived_at.is_null())
        .select(departments::id)
        .first(scope.conn)
        .optional()?;
    found
        .map(drop)
        .ok_or_else(|| ApiError::Validation(vec![FieldError::reference(pointer)]))
}

/// The same for what begins or goes on today: a closed department takes nothing over.
///
/// # Errors
/// 422 at `pointer`.
pub(crate) fn require_open(scope: &mut Scope<'_>, id: &str, pointer: &str) -> Result<(), ApiError> {
    require(scope, id, pointer)?;
    let closed: Option<String> = departments::table
        .find((&scope.lg, id))
        .filter(departments::valid_to_on.lt(Some(scope.today)))
        .select(departments::id)
        .first(scope.conn)
        .optional()?;
    if closed.is_none() {
        return Ok(());
    }
    Err(ApiError::field(
        pointer,
        "department_closed",
        "この所属は廃止されています。後継の所属を指定してください。",
        "The department is closed; name its successor.",
    ))
}

/// A department that the caller may touch.
///
/// # Errors
/// 404.
pub(crate) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<Department, ApiError> {
    let found: Department = departments::table
        .find((&scope.lg, id))
        .select(Department::as_select())
        .first(scope.conn)?;
    allowed.check(&found.organization_id)?;
    Ok(found)
}

/// Those of these departments that are seen and not archived.
pub(crate) fn of_ids(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    ids: &[String],
) -> Result<Vec<Department>, ApiError> {
    let mut found: Vec<Department> = departments::table
        .filter(departments::local_government_id.eq(&scope.lg))
        .filter(departments::id.eq_any(ids))
        .filter(departments::archived_at.is_null())
        .select(Department::as_select())
        .load(scope.conn)?;
    found.retain(|department| allowed.contains(&department.organization_id));
    Ok(found)
}

fn checked(scope: &mut Scope<'_>, mut department: Department) -> Result<Department, ApiError> {
    let mut errors = vec![];
    let mut line = |value: &mut String, pointer: &str, max: usize| match text::single_line(value, max) {
        Ok(clean) => *value = clean,
        Err(e) => errors.push(FieldError::new(pointer, e.code(), e.message_ja(), e.message_en())),
    };
    line(&mut department.code, "/code", 40);
    line(&mut department.name, "/name", 100);
    if let Some(kana) = &mut department.name_kana {
        line(kana, "/name_kana", 200);
    }
    if let Some(mailbox) = &department.mailbox
        && let Err(e) = EmailAddress::parse(mailbox)
    {
        errors.push(FieldError::new("/mailbox", e.code(), e.message_ja(), e.message_en()));
    }
    if let (Some(from), Some(to)) = (department.valid_from_on, department.valid_to_on)
        && to < from
    {
        errors.push(FieldError::new(
            "/valid_to_on",
            "date_order",
            "終了日は開始日以降にしてください。",
            "The last day must not be before the first.",
        ));
    }
    ApiError::unless_empty(errors)?;
    if let Some(parent) = &department.parent_id {
        let of: Option<String> = departments::table
            .find((&scope.lg, parent))
            .select(departments::organization_id)
            .first(scope.conn)
            .optional()?;
        if of.as_ref() != Some(&department.organization_id) || *parent == department.id {
            return Err(ApiError::Validation(vec![FieldError::reference("/parent_id")]));
        }
    }
    Ok(department)
}

fn record(scope: &mut Scope<'_>, action: &'static str, department: &Department) -> Result<(), ApiError> {
    let organization_id = Some(department.organization_id.as_str());
    let subject = Subject {
        kind: KIND,
        id: &department.id,
        organization_id,
        entry_id: None,
    };
    scope.record(action, subject, serde_json::to_value(department)?);
    Ok(())
}

/// Registers a department.
///
/// # Errors
/// 422 for wrong values, 409 for a code that is taken.
pub(crate) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: DepartmentCreate,
) -> Result<Department, ApiError> {
    if !allowed.contains(&new.organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
    }
    organizations::require(scope, &new.organization_id, "/organization_id")?;
    let department = Department {
        id: scope.new_id(),
        organization_id: new.organization_id,
        parent_id: new.parent_id,
        code: new.code,
        name: new.name,
        name_kana: new.name_kana,
        mailbox: new.mailbox,
        valid_from_on: new.valid_from_on,
        valid_to_on: new.valid_to_on,
        successor_id: None,
        version: 1,
        created_at: scope.at,
        updated_at: scope.at,
        archived_at: None,
    };
    let department = checked(scope, department)?;
    let folded = search::folded([Some(department.name.as_str()), department.name_kana.as_deref()]);
    diesel::insert_into(departments::table)
        .values((
            departments::local_government_id.eq(&scope.lg),
            departments::id.eq(&department.id),
            departments::organization_id.eq(&department.organization_id),
            departments::parent_id.eq(&department.parent_id),
            departments::code.eq(&department.code),
            departments::name.eq(&department.name),
            departments::name_kana.eq(&department.name_kana),
            departments::mailbox.eq(&department.mailbox),
            departments::valid_from_on.eq(department.valid_from_on),
            departments::valid_to_on.eq(department.valid_to_on),
            departments::search_text.eq(&folded),
            departments::version.eq(1),
            departments::created_at.eq(scope.at),
            departments::created_by.eq(scope.by()),
            departments::updated_at.eq(scope.at),
            departments::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    search::index(scope, KIND, &department.id, &folded)?;
    record(scope, "department.created", &department)?;
    Ok(department)
}

/// List departments
///
/// Those of the token's organizations, sorted by id.
#[utoipa::path(tag = "directory", params(DepartmentFilter), security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "所属の一覧 / A page of departments", body = DepartmentPage), Problems))]
#[get("/departments")]
async fn list_departments(
    caller: Caller<scope::DirectoryRead>,
    request: HttpRequest,
    Params(filter): Params<DepartmentFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, &filter)?;
            page::answer(
                &path,
                &query,
                &DepartmentPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// A page of the list and where it goes on.
///
/// # Errors
/// 400 for a filter that cannot be.
pub(crate) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &DepartmentFilter,
) -> Result<(Vec<Department>, Option<String>), ApiError> {
    let limit = page::limit(filter.limit)?;
    let print = page::fingerprint("list_departments", &(&filter.organization_id, filter.include_archived));
    let start = page::after(filter.cursor.as_deref(), &print)?
        .map(|after| after.id)
        .unwrap_or_default();
    let bound: Option<String> = departments::table
        .filter(departments::local_government_id.eq(&scope.lg))
        .filter(departments::id.gt(&start))
        .order(departments::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(departments::id)
        .first(scope.conn)
        .optional()?;
    let mut select = departments::table
        .filter(departments::local_government_id.eq(scope.lg.clone()))
        .filter(departments::id.gt(start))
        .order(departments::id)
        .limit(limit + 1)
        .select(Department::as_select())
        .into_boxed();
    if let Some(bound) = &bound {
        select = select.filter(departments::id.le(bound.clone()));
    }
    if let Some(ids) = allowed.list() {
        select = select.filter(departments::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        select = select.filter(departments::organization_id.eq(id.clone()));
    }
    if filter.include_archived != Some(true) {
        select = select.filter(departments::archived_at.is_null());
    }
    let rows: Vec<Department> = select.load(scope.conn)?;
    let bound = bound.map(|id| After { key: String::new(), id });
    Ok(page::cut(rows, limit, bound, &print, |row: &Department| After {
        key: String::new(),
        id: row.id.clone(),
    }))
}

/// Register a department
///
/// Its mailbox receives what a person without an address would.
#[utoipa::path(tag = "directory", request_body = DepartmentCreate, security(("oauth2" = ["directory:write"])), responses(
    (status = 201, description = "登録した所属 / The department", body = Department,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/departments")]
async fn create_department(
    caller: Caller<scope::DirectoryWrite>,
    Body(new): Body<DepartmentCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let department = create(scope, &caller.organizations, new)?;
            let location = format!("/api/v1/departments/{}", department.id);
            Ok(Answer::created(location, &department)?.version(department.version))
        })
        .await
}

/// Get a department
///
/// With its mailbox.
#[utoipa::path(tag = "directory", params(("department_id" = String, Path, description = "所属のID", format = Uuid)),
    security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "所属 / The department", body = Department, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/departments/{department_id}")]
async fn get_department(caller: Caller<scope::DirectoryRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let department = find(scope, &caller.organizations, &path_id(&id)?)?;
            Ok(Answer::ok(&department)?.version(department.version))
        })
        .await
}

/// Change a department
///
/// Organization and code stay.
#[utoipa::path(tag = "directory", request_body(content(
        (DepartmentPatch = "application/json"), (DepartmentPatch = "application/merge-patch+json"))),
    params(("department_id" = String, Path, description = "所属のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 200, description = "変更後の所属 / The department", body = Department, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/departments/{department_id}")]
async fn update_department(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    patch: Patch<DepartmentPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let before = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(before.version, caller.lang)?;
            let department = change(scope, &caller.organizations, before, &patch)?;
            Ok(Answer::ok(&department)?.version(department.version))
        })
        .await
}

/// Changes a department.
///
/// # Errors
/// 422 with what is wrong.
pub(crate) fn change(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    mut department: Department,
    patch: &Patch<DepartmentPatch>,
) -> Result<Department, ApiError> {
    let set = patch.set.clone();
    patch.nullable(&mut department.parent_id, set.parent_id, "parent_id");
    Patch::<()>::value(&mut department.name, set.name);
    patch.nullable(&mut department.name_kana, set.name_kana, "name_kana");
    patch.nullable(&mut department.mailbox, set.mailbox, "mailbox");
    patch.nullable(&mut department.valid_from_on, set.valid_from_on, "valid_from_on");
    patch.nullable(&mut department.valid_to_on, set.valid_to_on, "valid_to_on");
    let department = checked(scope, department)?;
    let folded = search::folded([Some(department.name.as_str()), department.name_kana.as_deref()]);
    diesel::update(departments::table.find((&scope.lg, &department.id)))
        .set((
            departments::parent_id.eq(&department.parent_id),
            departments::name.eq(&department.name),
            departments::name_kana.eq(&department.name_kana),
            departments::mailbox.eq(&department.mailbox),
            departments::valid_from_on.eq(department.valid_from_on),
            departments::valid_to_on.eq(department.valid_to_on),
            departments::search_text.eq(&folded),
            departments::version.eq(departments::version + 1),
            departments::updated_at.eq(scope.at),
            departments::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    search::index(scope, KIND, &department.id, &folded)?;
    let department = find(scope, allowed, &department.id)?;
    record(scope, "department.updated", &department)?;
    Ok(department)
}

/// Archive a department
///
/// Its records keep it until they are moved.
#[utoipa::path(tag = "directory",
    params(("department_id" = String, Path, description = "所属のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/departments/{department_id}")]
async fn archive_department(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let department = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(department.version, caller.lang)?;
            diesel::update(departments::table.find((&scope.lg, &department.id)))
                .set((
                    departments::archived_at.eq(Some(scope.at)),
                    departments::version.eq(departments::version + 1),
                    departments::updated_at.eq(scope.at),
                    departments::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            record(scope, "department.archived", &department)?;
            Ok(Answer::no_content())
        })
        .await
}
