//! Contractors (委託事業者): the companies, shared by the organizations of one local government.
//!
//! Identity is the id, then an external id, then the corporate number (法人番号); never the name (design §4.11). What
//! they are contracted for is in [`crate::engagements`]. What other systems send, one by one or in batches, is received in
//! [`upserts`].

mod rows;
mod standing;
mod upserts;
pub(crate) mod wire;

use actix_web::guard::GuardContext;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject};
use crate::db::schema::{contractors, engagements, entries, search_grams};
use crate::db::{on_tenant, search};
use crate::domain::identifier::CorporateNumber;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};

pub use wire::{Contractor, ContractorCreate, ContractorPage, ContractorPatch, ContractorStatus, Debarment};

/// The word of this resource in journal, search and external ids.
pub(crate) const KIND: &str = "contractor";

pub(crate) use rows::{find, of_ids, of_number};
pub(crate) use standing::{companies, of_key, standing};
pub(crate) use upserts::refuse_same_name;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_contractors)
        .service(create_contractor)
        .service(get_contractor_by_corporate_number)
        .service(get_contractor)
        .service(update_contractor)
        .service(archive_contractor)
        .configure(upserts::routes);
}

/// Whether a path names a contractor; the methods that `batch-upsert` does not have are 405 and not a search for it.
fn is_contractor(context: &GuardContext<'_>) -> bool {
    !context.head().uri.path().ends_with("/contractors/batch-upsert")
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContractorFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// A part of the name or its kana, two characters or more.
    #[param(nullable = false, min_length = 2, max_length = 100)]
    q: Option<String>,
    /// The contractor with this corporate number (法人番号).
    #[param(nullable = false, pattern = "^[1-9][0-9]{12}$")]
    corporate_number: Option<String>,
    /// `active`, `suspended` or `debarred`.
    #[param(nullable = false, max_length = 20)]
    status: Option<String>,
    /// Archived ones too.
    #[param(nullable = false)]
    include_archived: Option<bool>,
}

/// List contractors
///
/// Sorted by id, which is the order of registration. With `q` it finds parts of names and kana.
#[utoipa::path(tag = "contractors", params(ContractorFilter), security(("oauth2" = ["contractors:read"])), responses(
    (status = 200, description = "事業者の一覧 / A page of contractors", body = ContractorPage), Problems))]
#[get("/contractors")]
async fn list_contractors(
    caller: Caller<scope::ContractorsRead>,
    request: HttpRequest,
    Params(filter): Params<ContractorFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |_, scope| {
            let (items, next) = listed(scope, &filter)?;
            page::answer(
                &path,
                &query,
                &ContractorPage::new((items, next.clone())),
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
    filter: &ContractorFilter,
) -> Result<(Vec<Contractor>, Option<String>), ApiError> {
    let limit = page::limit(filter.limit)?;
    let print = page::fingerprint(
        "list_contractors",
        &(
            &filter.q,
            &filter.corporate_number,
            &filter.status,
            filter.include_archived,
        ),
    );
    let after = page::after(filter.cursor.as_deref(), &print)?;
    let (rows, bound) = select_page(scope, filter, after, limit)?;
    let (rows, next) = page::cut(rows, limit, bound, &print, |row: &rows::ContractorRow| After {
        key: String::new(),
        id: row.id.clone(),
    });
    Ok((rows::complete(scope, rows)?, next))
}

fn select_page(
    scope: &mut Scope<'_>,
    filter: &ContractorFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<rows::ContractorRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = contractors::table
        .filter(contractors::local_government_id.eq(scope.lg.clone()))
        .order(contractors::id)
        .limit(limit + 1)
        .select(rows::ContractorRow::as_select())
        .into_boxed();
    if filter.include_archived != Some(true) {
        query = query.filter(contractors::archived_at.is_null());
    }
    if let Some(number) = &filter.corporate_number {
        // The unique key answers alone.
        return Ok((
            query
                .filter(contractors::corporate_number.eq(Some(number.clone())))
                .load(scope.conn)?,
            None,
        ));
    }
    if let Some(status) = &filter.status {
        query = query.filter(contractors::status.eq(status.clone()));
    }
    if let Some(q) = &filter.q {
        let q = search::query(scope, KIND, q)?;
        let ids = search_grams::table
            .filter(search_grams::local_government_id.eq(&scope.lg))
            .filter(search_grams::kind.eq(KIND))
            .filter(search_grams::gram.eq(&q.gram))
            .filter(search_grams::id.gt(&start))
            .order(search_grams::id)
            .limit(page::BUDGET)
            .select(search_grams::id)
            .load::<String>(scope.conn)?;
        let bound = search::bound(&ids);
        let rows = query
            .filter(contractors::id.eq_any(ids))
            .filter(contractors::search_text.like(q.pattern).escape('\\'))
            .load(scope.conn)?;
        return Ok((rows, bound));
    }
    let bound = contractors::table
        .filter(contractors::local_government_id.eq(&scope.lg))
        .filter(contractors::id.gt(&start))
        .order(contractors::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(contractors::id)
        .first::<String>(scope.conn)
        .optional()?;
    query = query.filter(contractors::id.gt(start));
    if let Some(bound) = &bound {
        query = query.filter(contractors::id.le(bound.clone()));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// Register a contractor
///
/// A Japanese corporation is registered with its corporate number (法人番号); its check digit is verified and a second
/// contractor with the same number is refused.
#[utoipa::path(tag = "contractors", request_body = ContractorCreate, security(("oauth2" = ["contractors:write"])), responses(
    (status = 201, description = "登録した事業者 / The contractor", body = Contractor,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/contractors")]
async fn create_contractor(
    caller: Caller<scope::ContractorsWrite>,
    Body(new): Body<ContractorCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |_, scope| {
            let contractor = create(scope, new)?;
            let location = format!("/api/v1/contractors/{}", contractor.id);
            Ok(Answer::created(location, &contractor)?.version(contractor.version))
        })
        .await
}

/// Get a contractor
///
/// With its certifications, contacts and external ids.
#[utoipa::path(tag = "contractors", params(("contractor_id" = String, Path, description = "事業者のID", format = Uuid)),
    security(("oauth2" = ["contractors:read"])), responses(
    (status = 200, description = "事業者 / The contractor", body = Contractor, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/contractors/{contractor_id}", guard = "is_contractor")]
async fn get_contractor(
    caller: Caller<scope::ContractorsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |_, scope| {
            let contractor = rows::find(scope, &path_id(&id)?)?;
            Ok(Answer::ok(&contractor)?.version(contractor.version))
        })
        .await
}

/// Get a contractor by its corporate number
///
/// 404 when none is registered; a number with a wrong check digit names none.
#[utoipa::path(tag = "contractors",
    params(("corporate_number" = String, Path, description = "法人番号13桁", pattern = "^[1-9][0-9]{12}$")),
    security(("oauth2" = ["contractors:read"])), responses(
    (status = 200, description = "事業者 / The contractor", body = Contractor, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/contractors/by-corporate-number/{corporate_number}")]
async fn get_contractor_by_corporate_number(
    caller: Caller<scope::ContractorsRead>,
    number: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |_, scope| {
            let number = CorporateNumber::parse(&number).map_err(|_| ApiError::NotFound)?;
            let id = rows::of_number(scope, number.as_str())?.ok_or(ApiError::NotFound)?;
            let contractor = rows::find(scope, &id)?;
            Ok(Answer::ok(&contractor)?.version(contractor.version))
        })
        .await
}

/// Change a contractor
///
/// `application/merge-patch+json` clears with null; `application/json` clears what `clear` names.
#[utoipa::path(tag = "contractors", request_body(content(
        (ContractorPatch = "application/json"), (ContractorPatch = "application/merge-patch+json"))),
    params(("contractor_id" = String, Path, description = "事業者のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["contractors:write"])), responses(
    (status = 200, description = "変更後の事業者 / The contractor", body = Contractor, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/contractors/{contractor_id}", guard = "is_contractor")]
async fn update_contractor(
    caller: Caller<scope::ContractorsWrite>,
    id: web::Path<String>,
    patch: Patch<ContractorPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let before = rows::find(scope, &id)?;
            if_match.check(before.version, caller.lang)?;
            let contractor = change(scope, before, patch)?;
            Ok(Answer::ok(&contractor)?.version(contractor.version))
        })
        .await
}

/// Archive a contractor
///
/// Nothing is erased; 409 `in_use` while an engagement that is not over names it.
#[utoipa::path(tag = "contractors",
    params(("contractor_id" = String, Path, description = "事業者のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["contractors:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/contractors/{contractor_id}", guard = "is_contractor")]
async fn archive_contractor(
    caller: Caller<scope::ContractorsWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let before = rows::find(scope, &id)?;
            if_match.check(before.version, caller.lang)?;
            let used: Option<String> = engagements::table
                .inner_join(entries::table.on(on_tenant!(engagements.id = entries.id)))
                .filter(engagements::local_government_id.eq(&scope.lg))
                .filter(engagements::contractor_id.eq(Some(&id)))
                .filter(entries::archived_at.is_null())
                .select(entries::control_number)
                .first(scope.conn)
                .optional()?;
            if let Some(number) = used {
                return Err(ApiError::Conflict {
                    code: "in_use",
                    ja: format!("業務委託 {number} で使われています。先にそちらを終えてください。"),
                    en: format!("Engagement {number} names it; finish that first."),
                });
            }
            rows::archive(scope, &id)?;
            scope.record("contractor.archived", Subject::of(KIND, &id), serde_json::Value::Null);
            Ok(Answer::no_content())
        })
        .await
}

/// Registers a contractor.
///
/// # Errors
/// 422 for wrong values, 409 for a corporate number or external id that is taken.
pub(crate) fn create(scope: &mut Scope<'_>, new: ContractorCreate) -> Result<Contractor, ApiError> {
    let id = scope.new_id();
    let state = wire::State::from_create(new)?;
    check_parent(scope, &id, &state)?;
    rows::insert(scope, &id, &state)?;
    let contractor = rows::find(scope, &id)?;
    scope.record(
        "contractor.created",
        Subject::of(KIND, &id),
        serde_json::to_value(&contractor)?,
    );
    Ok(contractor)
}

/// Changes a contractor.
///
/// # Errors
/// As [`create`].
pub(crate) fn change(
    scope: &mut Scope<'_>,
    before: Contractor,
    patch: Patch<ContractorPatch>,
) -> Result<Contractor, ApiError> {
    let id = before.id.clone();
    let state = wire::State::from_patch(before, patch)?;
    check_parent(scope, &id, &state)?;
    rows::update(scope, &id, &state)?;
    let contractor = rows::find(scope, &id)?;
    scope.record(
        "contractor.updated",
        Subject::of(KIND, &id),
        serde_json::to_value(&contractor)?,
    );
    Ok(contractor)
}

fn check_parent(scope: &mut Scope<'_>, id: &str, state: &wire::State) -> Result<(), ApiError> {
    let Some(parent) = &state.parent_contractor_id else {
        return Ok(());
    };
    let found = rows::exists(scope, parent)?;
    if found && parent != id {
        Ok(())
    } else {
        Err(ApiError::Validation(vec![FieldError::reference(
            "/parent_contractor_id",
        )]))
    }
}

/// Checks that a contractor can be named by another record.
///
/// # Errors
/// 422 at `pointer`.
pub(crate) fn require(scope: &mut Scope<'_>, id: &str, pointer: &str) -> Result<(), ApiError> {
    if rows::exists(scope, id)? {
        Ok(())
    } else {
        Err(ApiError::Validation(vec![FieldError::reference(pointer)]))
    }
}
