//! People: who belongs to the local government, with appointments in any number of organizations (併任) and dated roles.
//!
//! Who holds a role or a post on a day is answered by [`holders`]; posts are in [`crate::posts`].

pub(crate) mod holders;
pub(crate) mod planned;
mod rows;
pub(crate) mod search;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject};
use crate::db::schema::people;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use wire::{Person, PersonCreate, PersonFilter, PersonPage, PersonPatch};

const KIND: &str = "person";

pub(crate) use rows::find;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_people)
        .service(create_person)
        .service(get_person)
        .service(update_person)
        .service(archive_person);
}

/// Whether a person is there today: neither archived nor gone.
pub(crate) fn is_there(scope: &mut Scope<'_>, id: &str) -> Result<bool, ApiError> {
    let found: Option<String> = people::table
        .find((&scope.lg, id))
        .filter(people::archived_at.is_null())
        .filter(people::left_on.is_null().or(people::left_on.ge(Some(scope.today))))
        .select(people::id)
        .first(scope.conn)
        .optional()?;
    Ok(found.is_some())
}

/// Checks that a person can be named by another record.
///
/// # Errors
/// 422 at `pointer`.
pub(crate) fn require(scope: &mut Scope<'_>, id: &str, pointer: &str) -> Result<(), ApiError> {
    if is_there(scope, id)? {
        Ok(())
    } else {
        Err(ApiError::Validation(vec![FieldError::reference(pointer)]))
    }
}

/// Checks that a person can act today.
///
/// # Errors
/// 422 at the header `Acting-Person`.
pub(crate) fn require_active(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    require(scope, id, "Acting-Person")
}

fn record(scope: &mut Scope<'_>, action: &'static str, person: &Person) -> Result<(), ApiError> {
    scope.record(action, Subject::of(KIND, &person.id), serde_json::to_value(person)?);
    Ok(())
}

/// Registers a person.
///
/// # Errors
/// 422 for wrong values, 409 for an employee code that is taken.
pub(crate) fn create(scope: &mut Scope<'_>, allowed: &Organizations, new: PersonCreate) -> Result<Person, ApiError> {
    let id = scope.new_id();
    let state = wire::State::from_create(new).checked()?;
    rows::insert(scope, allowed, &id, &state)?;
    let person = rows::find(scope, allowed, &id)?;
    record(scope, "person.created", &person)?;
    Ok(person)
}

/// List people
///
/// Sorted by id; appointments and roles in organizations outside the token are left out, and so are moves that are not
/// announced yet, unless the token has `directory:write`.
#[utoipa::path(tag = "directory", params(PersonFilter), security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "人の一覧 / A page of people", body = PersonPage), Problems))]
#[get("/people")]
async fn list_people(
    caller: Caller<scope::DirectoryRead>,
    request: HttpRequest,
    Params(filter): Params<PersonFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, &filter, caller.sees_planned_moves())?;
            page::answer(&path, &query, &PersonPage::new((items, next.clone())), next.as_deref())
        })
        .await
}

/// A page of the list and where it goes on; without `planned` moves that are not announced are left out.
///
/// # Errors
/// 400 for a filter that cannot be.
pub(crate) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &PersonFilter,
    planned: bool,
) -> Result<(Vec<Person>, Option<String>), ApiError> {
    let limit = page::limit(filter.limit)?;
    let print = page::fingerprint("list_people", &(&filter.q, filter.include_archived));
    let after = page::after(filter.cursor.as_deref(), &print)?;
    let (found, bound) = rows::select_page(scope, filter, after, limit)?;
    let (found, next) = page::cut(found, limit, bound, &print, |row| After {
        key: String::new(),
        id: row.id.clone(),
    });
    Ok((rows::complete(scope, allowed, found, planned)?, next))
}

/// Register a person
///
/// With appointments and roles.
#[utoipa::path(tag = "directory", request_body = PersonCreate, security(("oauth2" = ["directory:write"])), responses(
    (status = 201, description = "登録した人 / The person", body = Person,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/people")]
async fn create_person(
    caller: Caller<scope::DirectoryWrite>,
    Body(new): Body<PersonCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let person = create(scope, &caller.organizations, new)?;
            Ok(Answer::created(format!("/api/v1/people/{}", person.id), &person)?.version(person.version))
        })
        .await
}

/// Get a person
///
/// With appointments and roles.
#[utoipa::path(tag = "directory", params(("person_id" = String, Path, description = "人のID", format = Uuid)),
    security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "人 / The person", body = Person, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/people/{person_id}")]
async fn get_person(caller: Caller<scope::DirectoryRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let planned = caller.sees_planned_moves();
            let person = rows::find_as(scope, &caller.organizations, &path_id(&id)?, planned)?;
            Ok(Answer::ok(&person)?.version(person.version))
        })
        .await
}

/// Change a person
///
/// Appointments and roles are replaced whole, as far as the token's organizations go.
#[utoipa::path(tag = "directory", request_body(content(
        (PersonPatch = "application/json"), (PersonPatch = "application/merge-patch+json"))),
    params(("person_id" = String, Path, description = "人のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 200, description = "変更後の人 / The person", body = Person, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/people/{person_id}")]
async fn update_person(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    patch: Patch<PersonPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let before = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(before.version, caller.lang)?;
            let person = change(scope, &caller.organizations, before, patch)?;
            Ok(Answer::ok(&person)?.version(person.version))
        })
        .await
}

/// Changes a person.
///
/// # Errors
/// 422 with what is wrong.
pub(crate) fn change(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    before: Person,
    patch: Patch<PersonPatch>,
) -> Result<Person, ApiError> {
    let (id, left_on) = (before.id.clone(), before.left_on);
    let state = wire::State::from_patch(before, patch).checked()?;
    rows::update(scope, allowed, &id, &state)?;
    if state.left_on != left_on {
        rows::look_at(scope, &id)?;
    }
    let person = rows::find(scope, allowed, &id)?;
    record(scope, "person.updated", &person)?;
    Ok(person)
}

/// Archive a person
///
/// Nothing is erased; what they own keeps them until it is handed over.
#[utoipa::path(tag = "directory",
    params(("person_id" = String, Path, description = "人のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/people/{person_id}")]
async fn archive_person(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let person = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(person.version, caller.lang)?;
            diesel::update(people::table.find((&scope.lg, &person.id)))
                .set((
                    people::archived_at.eq(Some(scope.at)),
                    people::version.eq(people::version + 1),
                    people::updated_at.eq(scope.at),
                    people::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            rows::look_at(scope, &person.id)?;
            record(scope, "person.archived", &person)?;
            Ok(Answer::no_content())
        })
        .await
}
