//! Reorganisation (機構改革): a department is merged, split or renamed, and what it had goes to its successors on a day.
//!
//! Planned ahead, done by the worker on the day, once. Entries that are named go where they are named to, everything
//! else to the first successor: entries, posts, appointments, departments below, and roles unless the successor has a
//! holder of that role already. The old department keeps its history: it is closed, not archived, and gets no mail.

mod carry_out;

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Department, find};
use crate::app::{App, Scope, Subject, Tenant};
use crate::clock::Instant;
use crate::db::locked;
use crate::db::schema::{appointments, department_successions, departments, entries, posts, role_assignments};
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, lines, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After, page_of};
use crate::journal::Actor;
use carry_out::carry_out;

const KIND: &str = "department_succession";

/// What becomes of a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuccessionKind {
    /// It goes up in another one (統合).
    Merge,
    /// It becomes several (分割).
    Split,
    /// Another one takes its place (改称・後継).
    Successor,
}

impl SuccessionKind {
    const fn code(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Split => "split",
            Self::Successor => "successor",
        }
    }
}

/// A department that takes over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Successor {
    /// The department, of the same organization.
    #[schema(format = Uuid, max_length = 36)]
    pub department_id: String,
    /// The entries that go to it. What nobody names goes to the first successor.
    #[serde(default)]
    #[schema(value_type = Vec<uuid::Uuid>, max_items = 500)]
    pub entry_ids: Vec<String>,
}

/// The end of a department.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuccessionCreate {
    /// What becomes of it.
    pub kind: SuccessionKind,
    /// Who takes over; several only for a split.
    #[schema(min_items = 1, max_items = 20)]
    pub successors: Vec<Successor>,
    /// The first day on which it is not there; today or later.
    pub effective_on: NaiveDate,
    /// Why.
    #[schema(max_length = 1000, example = "機構改革のため")]
    pub reason: String,
}

/// A reorganisation of a department.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DepartmentSuccession {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The department that ends.
    #[schema(format = Uuid)]
    pub department_id: String,
    /// What becomes of it.
    pub kind: SuccessionKind,
    /// Who takes over.
    pub successors: Vec<Successor>,
    /// The first day on which it is not there.
    pub effective_on: NaiveDate,
    /// Why.
    pub reason: String,
    /// When it was done; null while it is planned.
    #[schema(required)]
    pub done_at: Option<Instant>,
    /// When it was registered.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
}

page_of! {
    /// A page of reorganisations.
    DepartmentSuccessionPage of DepartmentSuccession
}

/// What a reorganisation would move today.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SuccessionPreview {
    /// What each successor would get.
    pub successors: Vec<SuccessionShare>,
    /// Posts that go to the first successor.
    pub posts: i64,
    /// Roles that go to the first successor, or end because it has them.
    pub roles: i64,
    /// Appointments that go to the first successor.
    pub appointments: i64,
    /// Departments below that go to the first successor.
    pub departments: i64,
}

/// What one successor gets.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SuccessionShare {
    /// The successor.
    #[schema(format = Uuid)]
    pub department_id: String,
    /// Entries.
    pub entries: i64,
}

/// Filters of the list.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuccessionFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
    /// Of this department.
    #[param(nullable = false, format = Uuid)]
    department_id: Option<String>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = department_successions)]
struct Row {
    id: String,
    organization_id: String,
    department_id: String,
    kind: String,
    successors: String,
    effective_on: NaiveDate,
    reason: String,
    done_at: Option<Instant>,
    created_at: Instant,
    created_by: String,
}

impl Row {
    fn wire(self) -> Result<DepartmentSuccession, ApiError> {
        Ok(DepartmentSuccession {
            kind: serde_json::from_value(self.kind.into())?,
            successors: serde_json::from_str(&self.successors)?,
            id: self.id,
            organization_id: self.organization_id,
            department_id: self.department_id,
            effective_on: self.effective_on,
            reason: self.reason,
            done_at: self.done_at,
            created_at: self.created_at,
            created_by: self.created_by,
        })
    }
}

fn of_department(scope: &mut Scope<'_>, department_id: &str) -> Result<Option<DepartmentSuccession>, ApiError> {
    let row: Option<Row> = department_successions::table
        .filter(department_successions::local_government_id.eq(&scope.lg))
        .filter(department_successions::department_id.eq(department_id))
        .select(Row::as_select())
        .first(scope.conn)
        .optional()?;
    row.map(Row::wire).transpose()
}

/// List reorganisations of departments
///
/// Those of the token's organizations, planned and done, sorted by id.
#[utoipa::path(tag = "directory", params(SuccessionFilter), security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "所属の再編の一覧 / A page of reorganisations", body = DepartmentSuccessionPage), Problems))]
#[get("/department-successions")]
pub(super) async fn list_department_successions(
    caller: Caller<scope::DirectoryRead>,
    request: HttpRequest,
    Params(filter): Params<SuccessionFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_department_successions", &unpaged);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let bound: Option<String> = department_successions::table
                .filter(department_successions::local_government_id.eq(&scope.lg))
                .filter(department_successions::id.gt(&start))
                .order(department_successions::id)
                .offset(page::BUDGET)
                .limit(1)
                .select(department_successions::id)
                .first(scope.conn)
                .optional()?;
            let mut select = department_successions::table
                .filter(department_successions::local_government_id.eq(scope.lg.clone()))
                .filter(department_successions::id.gt(start))
                .order(department_successions::id)
                .limit(limit + 1)
                .select(Row::as_select())
                .into_boxed();
            if let Some(bound) = &bound {
                select = select.filter(department_successions::id.le(bound.clone()));
            }
            if let Some(ids) = caller.organizations.list() {
                select = select.filter(department_successions::organization_id.eq_any(ids.to_vec()));
            }
            if let Some(id) = filter.organization_id {
                select = select.filter(department_successions::organization_id.eq(id));
            }
            if let Some(id) = filter.department_id {
                select = select.filter(department_successions::department_id.eq(id));
            }
            let rows: Vec<Row> = select.load(scope.conn)?;
            let bound = bound.map(|id| After { key: String::new(), id });
            let (rows, next) = page::cut(rows, limit, bound, &print, |row| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items: Result<Vec<_>, _> = rows.into_iter().map(Row::wire).collect();
            let page = DepartmentSuccessionPage::new((items?, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Reorganise a department
///
/// On the day its entries, posts, roles, appointments and the departments below go to the successors, and it is closed.
/// With `dry_run` the answer says what would move and nothing is written.
#[utoipa::path(tag = "directory", request_body = SuccessionCreate,
    params(("department_id" = String, Path, description = "所属のID", format = Uuid)),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 200, description = "試行の結果 / What it would do", body = SuccessionPreview),
    (status = 201, description = "登録した再編 / The reorganisation", body = DepartmentSuccession,
     headers(("Location" = String, description = "URL"))), Problems, WriteProblems))]
#[post("/departments/{department_id}/successions")]
pub(super) async fn create_department_succession(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    Body(mut new): Body<SuccessionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let department = find(scope, &caller.organizations, &path_id(&id)?)?;
            check(scope, &caller.organizations, &department, &mut new)?;
            if of_department(scope, &department.id)?.is_some() {
                return Err(ApiError::Conflict {
                    code: "already_succeeded",
                    ja: "この所属の再編は登録済みです。変えるには、行われる前に取り消してください。".to_owned(),
                    en: "Its reorganisation is registered; cancel it before its day to change it.".to_owned(),
                });
            }
            if caller.dry_run {
                return Answer::ok(&preview(scope, &department, &new)?);
            }
            let id = scope.new_id();
            diesel::insert_into(department_successions::table)
                .values((
                    department_successions::local_government_id.eq(&scope.lg),
                    department_successions::id.eq(&id),
                    department_successions::organization_id.eq(&department.organization_id),
                    department_successions::department_id.eq(&department.id),
                    department_successions::kind.eq(new.kind.code()),
                    department_successions::successors.eq(serde_json::to_string(&new.successors)?),
                    department_successions::effective_on.eq(new.effective_on),
                    department_successions::reason.eq(&new.reason),
                    department_successions::settle_on.eq(Some(new.effective_on)),
                    department_successions::created_at.eq(scope.at),
                    department_successions::created_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            let planned = of_department(scope, &department.id)?.ok_or(ApiError::NotFound)?;
            note(scope, "department_succession.planned", &planned)?;
            if planned.effective_on <= scope.today {
                carry_out(scope, &planned)?;
            }
            let done = of_department(scope, &department.id)?.ok_or(ApiError::NotFound)?;
            let location = format!("/api/v1/department-successions?department_id={}", department.id);
            Answer::created(location, &done)
        })
        .await
}

fn note(scope: &mut Scope<'_>, action: &'static str, succession: &DepartmentSuccession) -> Result<(), ApiError> {
    let subject = Subject {
        organization_id: Some(&succession.organization_id),
        ..Subject::of(KIND, &succession.id)
    };
    scope.record(action, subject, serde_json::to_value(succession)?);
    Ok(())
}

fn check(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    department: &Department,
    new: &mut SuccessionCreate,
) -> Result<(), ApiError> {
    let mut errors = vec![];
    new.reason = lines(&new.reason, "/reason", 1000, &mut errors);
    if new.effective_on < scope.today {
        errors.push(FieldError::new(
            "/effective_on",
            "date_in_past",
            "再編の日は今日以後の日にしてください。",
            "It must not be in the past.",
        ));
    }
    if (new.successors.len() > 1) != (new.kind == SuccessionKind::Split) {
        errors.push(FieldError::new(
            "/successors",
            "wrong_count",
            "後継の所属は、分割のときは二つ以上、それ以外は一つにしてください。",
            "A split has two successors or more, anything else one.",
        ));
    }
    let (mut successors, mut named) = (BTreeSet::new(), BTreeSet::new());
    for (i, successor) in new.successors.iter().enumerate() {
        let pointer = format!("/successors/{i}/department_id");
        let found: Option<(String, Option<NaiveDate>)> = departments::table
            .find((&scope.lg, &successor.department_id))
            .filter(departments::archived_at.is_null())
            .select((departments::organization_id, departments::valid_to_on))
            .first(scope.conn)
            .optional()?;
        match found {
            Some((organization, _))
                if organization != department.organization_id || !allowed.contains(&organization) =>
            {
                errors.push(FieldError::reference(&pointer));
            }
            None => errors.push(FieldError::reference(&pointer)),
            Some((_, Some(last))) if last < new.effective_on => errors.push(FieldError::new(
                &pointer,
                "department_closed",
                "再編の日に廃止されている所属は後継にできません。",
                "It is closed on that day.",
            )),
            Some(_) if successor.department_id == department.id => errors.push(FieldError::new(
                &pointer,
                "same_department",
                "後継には別の所属を指定してください。",
                "A department does not succeed itself.",
            )),
            Some(_) if !successors.insert(&successor.department_id) => errors.push(FieldError::new(
                &pointer,
                "duplicate_in_request",
                "同じ所属が二度あります。",
                "The same department twice.",
            )),
            Some(_) => {}
        }
        for (j, id) in successor.entry_ids.iter().enumerate() {
            let of: Option<Option<String>> = entries::table
                .find((&scope.lg, id))
                .select(entries::department_id)
                .first(scope.conn)
                .optional()?;
            if of.flatten().as_ref() != Some(&department.id) || !named.insert(id) {
                errors.push(FieldError::reference(&format!("/successors/{i}/entry_ids/{j}")));
            }
        }
    }
    ApiError::unless_empty(errors)
}

fn preview(
    scope: &mut Scope<'_>,
    department: &Department,
    new: &SuccessionCreate,
) -> Result<SuccessionPreview, ApiError> {
    let id = Some(department.id.clone());
    let all: i64 = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::department_id.eq(&id))
        .filter(entries::archived_at.is_null())
        .count()
        .get_result(scope.conn)?;
    let named: usize = new.successors.iter().map(|successor| successor.entry_ids.len()).sum();
    let mut unnamed = all - i64::try_from(named).unwrap_or(0);
    let successors = new
        .successors
        .iter()
        .map(|successor| SuccessionShare {
            department_id: successor.department_id.clone(),
            entries: i64::try_from(successor.entry_ids.len()).unwrap_or(0) + std::mem::take(&mut unnamed),
        })
        .collect();
    let on = new.effective_on;
    Ok(SuccessionPreview {
        successors,
        posts: posts::table
            .filter(posts::local_government_id.eq(&scope.lg))
            .filter(posts::department_id.eq(&id))
            .filter(posts::archived_at.is_null())
            .count()
            .get_result(scope.conn)?,
        roles: role_assignments::table
            .filter(role_assignments::local_government_id.eq(&scope.lg))
            .filter(role_assignments::department_id.eq(&id))
            .filter(
                role_assignments::ends_on
                    .is_null()
                    .or(role_assignments::ends_on.ge(Some(on))),
            )
            .count()
            .get_result(scope.conn)?,
        appointments: appointments::table
            .filter(appointments::local_government_id.eq(&scope.lg))
            .filter(appointments::department_id.eq(&id))
            .filter(appointments::ends_on.is_null().or(appointments::ends_on.ge(Some(on))))
            .count()
            .get_result(scope.conn)?,
        departments: departments::table
            .filter(departments::local_government_id.eq(&scope.lg))
            .filter(departments::parent_id.eq(&id))
            .filter(departments::archived_at.is_null())
            .count()
            .get_result(scope.conn)?,
    })
}

/// Cancel a reorganisation
///
/// Before its day.
#[utoipa::path(tag = "directory",
    params(("department_id" = String, Path, description = "所属のID", format = Uuid),
           ("If-Match" = String, Header, description = "所属の ETag / the ETag of the department")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 204, description = "取り消した / Cancelled"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/departments/{department_id}/successions")]
pub(super) async fn cancel_department_succession(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let department = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(department.version, caller.lang)?;
            let planned = of_department(scope, &department.id)?.filter(|planned| planned.done_at.is_none());
            let Some(planned) = planned else {
                return Err(ApiError::Conflict {
                    code: "nothing_planned",
                    ja: "取り消せる再編の予定がありません。".to_owned(),
                    en: "No reorganisation of it is planned.".to_owned(),
                });
            };
            diesel::delete(department_successions::table.find((&scope.lg, &planned.id))).execute(scope.conn)?;
            note(scope, "department_succession.cancelled", &planned)?;
            Ok(Answer::no_content())
        })
        .await
}

/// Carries out what is due in a tenant, one a transaction; answers how many.
///
/// # Errors
/// A database failure; what was finished stays.
pub(crate) fn settle(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let mut done = 0;
    loop {
        let any = app.write_as(tenant, Actor::system(), |scope| {
            let due = department_successions::table
                .filter(department_successions::settle_on.le(Some(scope.today)))
                .filter(department_successions::local_government_id.eq(&scope.lg))
                .order(department_successions::settle_on)
                .limit(1);
            let rows: Vec<Row> = locked!(skip &mut *scope.conn, due.select(Row::as_select()), |q, c| q.load(c))?;
            let Some(row) = rows.into_iter().next() else {
                return Ok(false);
            };
            carry_out(scope, &row.wire()?)?;
            Ok(true)
        })?;
        if !any {
            return Ok(done);
        }
        done += 1;
    }
}
