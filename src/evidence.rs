//! Evidence (証跡): what shows that a clause is kept — a certificate, the article of a contract, a report — and until when.
//!
//! A piece is an entry's, a contractor's, or the organization's own; where it can be named is one rule
//! ([`crate::domain::evidence`], [`check_named`]). Its last day may follow from an assurance scheme
//! ([`crate::domain::assurance`]); a piece that a required clause leans on is due on that day
//! ([`crate::entries::state`]). Its renewal takes over all that leans on it ([`leaning`]).

mod leaning;
mod rows;
mod wire;

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::{cloud_services, engagements};
use crate::domain::evidence::{Place, check};
use crate::domain::vocabulary::CodeWord;
use crate::entries::rows::EntryRow;
use crate::entries::{rows as entry_rows, state};
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::{contractors, organizations};
use rows::EvidenceRow;

pub(crate) use leaning::{of_subject, subject_id};
pub use wire::{
    AssuranceScheme, AssuranceSchemes, Evidence, EvidenceCreate, EvidenceFilter, EvidencePage, EvidencePatch,
};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_evidence)
        .service(create_evidence)
        .service(get_evidence)
        .service(update_evidence)
        .service(archive_evidence)
        .service(get_assurance_schemes);
}

/// Where evidence of an entry, or of the organization as a whole, is named: with the entry's contractor or provider.
///
/// # Errors
/// A database failure.
pub(crate) fn place(scope: &mut Scope<'_>, organization_id: &str, entry_id: Option<&str>) -> Result<Place, ApiError> {
    let mut contractor_id: Option<Option<String>> = None;
    if let Some(id) = entry_id {
        contractor_id = engagements::table
            .find((&scope.lg, id))
            .select(engagements::contractor_id)
            .first(scope.conn)
            .optional()?;
        if contractor_id.is_none() {
            contractor_id = cloud_services::table
                .find((&scope.lg, id))
                .select(cloud_services::provider_contractor_id)
                .first(scope.conn)
                .optional()?;
        }
    }
    Ok(Place {
        organization_id: organization_id.to_owned(),
        entry_id: entry_id.map(str::to_owned),
        contractor_id: contractor_id.flatten(),
    })
}

/// Checks that these pieces can be named in a place; what is wrong with one joins the errors at its pointer.
///
/// # Errors
/// A database failure.
pub(crate) fn check_named(
    scope: &mut Scope<'_>,
    place: &Place,
    named: &[(&str, String)],
    errors: &mut Vec<FieldError>,
) -> Result<(), ApiError> {
    if named.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = named.iter().map(|(id, _)| *id).collect();
    let rows = rows::by_id(scope, &ids)?;
    for (id, pointer) in named {
        match rows
            .iter()
            .find(|row| row.id == *id)
            .map(|row| check(&row.piece(), place))
        {
            Some(Ok(())) => {}
            Some(Err(fault)) => errors.push(FieldError::new(pointer, fault.code(), fault.ja(), fault.en())),
            None => errors.push(FieldError::reference(pointer)),
        }
    }
    Ok(())
}

/// The titles of these pieces, by id.
///
/// # Errors
/// A database failure.
pub(crate) fn titles(scope: &mut Scope<'_>, ids: &[&str]) -> Result<BTreeMap<String, String>, ApiError> {
    let found = rows::by_id(scope, ids)?;
    Ok(found.into_iter().map(|row| (row.id, row.title)).collect())
}

/// List evidence
///
/// Sorted by id, which is the order of registration. `entry_id` and `contractor_id` find what is about them, not what
/// they lean on.
#[utoipa::path(tag = "evidence", params(EvidenceFilter), security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "証跡の一覧 / A page of evidence", body = EvidencePage), Problems))]
#[get("/evidence")]
async fn list_evidence(
    caller: Caller<scope::EntriesRead>,
    request: HttpRequest,
    Params(filter): Params<EvidenceFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_evidence", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &EvidenceRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(|row| row.wire(scope)).collect();
            let page = EvidencePage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Register evidence
///
/// With `replaces_id` it renews another piece: every clause of a running entry that leans on that one leans on this
/// one, due dates follow, and the old expiry closes as `renewed`, all at once.
#[utoipa::path(tag = "evidence", request_body = EvidenceCreate, security(("oauth2" = ["entries:write"])), responses(
    (status = 201, description = "登録した証跡 / The evidence", body = Evidence,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/evidence")]
async fn create_evidence(
    caller: Caller<scope::EntriesWrite>,
    Body(new): Body<EvidenceCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let evidence = create(scope, &caller.organizations, new)?;
            let location = format!("/api/v1/evidence/{}", evidence.id);
            Ok(Answer::created(location, &evidence)?.version(evidence.version))
        })
        .await
}

/// Registers a piece of evidence.
///
/// # Errors
/// 422 with what is wrong, 409 for an archived entry.
pub(crate) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    mut new: EvidenceCreate,
) -> Result<Evidence, ApiError> {
    let replaces_id = new.replaces_id.take();
    let mut row = EvidenceRow::from_create(scope, new);
    check_subject(scope, allowed, &row)?;
    let old = match &replaces_id {
        Some(id) => Some(replaceable(scope, allowed, id, &row)?),
        None => None,
    };
    row.check(scope)?;
    row.insert(scope)?;
    let evidence = row.clone().wire(scope);
    scope.record("evidence.created", row.subject(), serde_json::to_value(&evidence)?);
    if let Some(old) = old {
        leaning::renew(scope, old, &row)?;
    }
    Ok(evidence)
}

/// Copies what still holds about the work of an entry to the one that succeeds it, and answers the new ids. Certificates
/// are about the company, and the company is another one.
///
/// # Errors
/// A database failure.
pub(crate) fn carry_over(scope: &mut Scope<'_>, from: &str, to: &str) -> Result<Vec<String>, ApiError> {
    let mut ids = vec![];
    for row in rows::about_the_work(scope, from)? {
        let copy = row.for_entry(scope, to);
        copy.insert(scope)?;
        let wire = copy.clone().wire(scope);
        scope.record("evidence.created", copy.subject(), serde_json::to_value(&wire)?);
        ids.push(copy.id);
    }
    Ok(ids)
}

/// Checks what the piece is about: at most one entry of the organization, or one contractor.
fn check_subject(scope: &mut Scope<'_>, allowed: &Organizations, row: &EvidenceRow) -> Result<(), ApiError> {
    if !allowed.contains(&row.organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
    }
    organizations::require(scope, &row.organization_id, "/organization_id")?;
    if let Some(contractor) = &row.contractor_id {
        if row.entry_id.is_some() {
            return Err(ApiError::field(
                "/contractor_id",
                "one_of_two",
                "entry_id か contractor_id のどちらか一方を指定してください。",
                "Give either entry_id or contractor_id.",
            ));
        }
        contractors::require(scope, contractor, "/contractor_id")?;
    }
    if let Some(id) = &row.entry_id {
        match entry_rows::find(scope, allowed, id) {
            Ok(entry) if entry.organization_id == row.organization_id => entry_rows::require_live(&entry)?,
            Ok(_) => {
                return Err(ApiError::field(
                    "/entry_id",
                    "reference_wrong_organization",
                    "証跡と同じ機関の台帳を指定してください。",
                    "Name an entry of the evidence's organization.",
                ));
            }
            Err(ApiError::NotFound) => return Err(ApiError::Validation(vec![FieldError::reference("/entry_id")])),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The piece that a new one renews: about the same, and still in use.
fn replaceable(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    id: &str,
    new: &EvidenceRow,
) -> Result<EvidenceRow, ApiError> {
    let old = match rows::find(scope, allowed, id) {
        Ok(old) => old,
        Err(ApiError::NotFound) => return Err(ApiError::Validation(vec![FieldError::reference("/replaces_id")])),
        Err(error) => return Err(error),
    };
    if old.piece() == new.piece() {
        Ok(old)
    } else if old.archived_at.is_some() {
        Err(ApiError::field(
            "/replaces_id",
            "evidence_archived",
            "保管済みの証跡です。今使われている証跡を指定してください。",
            "This piece is archived; name the one in use.",
        ))
    } else {
        Err(ApiError::field(
            "/replaces_id",
            "evidence_of_another_subject",
            "同じ機関の、同じ台帳又は同じ事業者の証跡だけを更新できます。",
            "Only evidence of the same organization and of the same entry or contractor is renewed.",
        ))
    }
}

/// Get a piece of evidence
///
/// With its last day, and what took its place.
#[utoipa::path(tag = "evidence", params(("evidence_id" = String, Path, description = "証跡のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "証跡 / The evidence", body = Evidence, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/evidence/{evidence_id}")]
async fn get_evidence(caller: Caller<scope::EntriesRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let evidence = rows::find(scope, &caller.organizations, &path_id(&id)?)?.wire(scope);
            Ok(Answer::ok(&evidence)?.version(evidence.version))
        })
        .await
}

/// Change a piece of evidence
///
/// What it is about stays. Where its last day moves, the due dates of the entries that lean on it follow at once. A new
/// certificate is a new piece: `POST /evidence` with `replaces_id`.
#[utoipa::path(tag = "evidence", request_body(content(
        (EvidencePatch = "application/json"), (EvidencePatch = "application/merge-patch+json"))),
    params(("evidence_id" = String, Path, description = "証跡のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "変更後の証跡 / The evidence", body = Evidence, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/evidence/{evidence_id}")]
async fn update_evidence(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    patch: Patch<EvidencePatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let mut row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            require_current(&row)?;
            let before = row.valid_until_on;
            row.patch(patch);
            row.check(scope)?;
            row.update(scope)?;
            let evidence = row.clone().wire(scope);
            scope.record("evidence.updated", row.subject(), serde_json::to_value(&evidence)?);
            if evidence.valid_until_on != before {
                refresh(scope, &evidence.id)?;
            }
            Ok(Answer::ok(&evidence)?.version(evidence.version))
        })
        .await
}

/// Brings the entries that lean on a piece in line with its dates.
fn refresh(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    let leaning: Vec<EntryRow> = leaning::entries_of(scope, id)?;
    for entry in leaning {
        state::refresh(scope, &entry.id, "evidence_changed")?;
    }
    Ok(())
}

fn require_current(row: &EvidenceRow) -> Result<(), ApiError> {
    if row.archived_at.is_none() {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "archived",
        ja: "保管済みの証跡は変更できません。必要なら新しく登録してください。".to_owned(),
        en: "Archived evidence is not changed any more; register a new piece if it is needed.".to_owned(),
    })
}

/// Archive a piece of evidence
///
/// 409 `in_use` while a clause of an entry that is not archived, or a clause template, leans on it. Past confirmations
/// keep naming it.
#[utoipa::path(tag = "evidence",
    params(("evidence_id" = String, Path, description = "証跡のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/evidence/{evidence_id}")]
async fn archive_evidence(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let mut row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            require_current(&row)?;
            leaning::require_unused(scope, &row.id)?;
            row.archived_at = Some(scope.at);
            row.update(scope)?;
            scope.record("evidence.archived", row.subject(), serde_json::Value::Null);
            Ok(Answer::no_content())
        })
        .await
}

/// Get the assurance schemes
///
/// How long the papers of each scheme hold (ISMAP, ISO/IEC 27001 …); `scheme` of a piece of evidence names one by its
/// key.
#[utoipa::path(tag = "evidence", security(("oauth2" = ["clauses:read"])), responses(
    (status = 200, description = "認証等の制度 / The assurance schemes", body = AssuranceSchemes), Problems))]
#[get("/assurance-schemes")]
async fn get_assurance_schemes(caller: Caller<scope::ClausesRead>) -> Result<HttpResponse, ApiError> {
    let known = &caller.app().assurance;
    let schemes = known.schemes.iter().map(|scheme| AssuranceScheme {
        key: scheme.key.clone(),
        title: caller.lang.pick(&scheme.title_ja, &scheme.title_en).clone(),
        rule: scheme.rule,
        needs: scheme.rule.needs().map(str::to_owned),
        months: scheme.months,
        surveillance_months: scheme.surveillance_months,
        source: scheme.source.clone(),
    });
    let answer = AssuranceSchemes {
        version: known.version.clone(),
        schemes: schemes.collect(),
    };
    Ok(Answer::ok(answer)?.respond(caller.lang))
}
