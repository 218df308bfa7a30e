//! Incidents: what happened, to which entries, what the law wants reported and until when, how it ended.
//!
//! An incident names the entries of one organization; a major one holds their risk up until it is closed. Its due dates
//! and the clocks of the law ([`crate::domain::incident`]) are obligations whose mails leave at once. Nothing of what
//! happened is ever mailed. A compromise that is reported for an account opens one by itself ([`settle`]).

mod rows;
mod settle;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::clock::Instant;
use crate::corrective_actions;
use crate::db::schema::incidents;
use crate::domain::corrective_action::CorrectiveActionOrigin;
use crate::domain::incident::IncidentState;
use crate::domain::policy_document::ReviewReasonKind;
use crate::domain::vocabulary::CodeWord;
use crate::entries::rows as entry_rows;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, clean_line, clean_lines, line, lines, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::policy_documents::{self, NewReason};
use rows::IncidentRow;
use settle::NewIncident;
use wire::{
    BreachWire, Incident, IncidentClosureCreate, IncidentCreate, IncidentEvent, IncidentEventCreate,
    IncidentEventFilter, IncidentEventPage, IncidentFilter, IncidentPage, IncidentPatch, IncidentProgress,
    IncidentReportCreate,
};

pub(crate) use rows::{concerns, dues, is_major_open, is_open, report_names};
pub(crate) use settle::follow_transition;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_incident)
        .service(list_incidents)
        .service(get_incident)
        .service(update_incident)
        .service(add_incident_event)
        .service(list_incident_events)
        .service(report_incident)
        .service(close_incident);
}

/// Report an incident
///
/// On the entries of one organization. Those who handle incidents and the owners are written to at once; with personal
/// information the clocks of the law start.
#[utoipa::path(tag = "incidents", request_body = IncidentCreate, security(("oauth2" = ["incidents:write"])), responses(
    (status = 201, description = "インシデント / The incident", body = Incident,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/incidents")]
async fn create_incident(
    caller: Caller<scope::IncidentsWrite>,
    Body(new): Body<IncidentCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let incident = create(scope, &caller.organizations, new)?;
            let location = format!("/api/v1/incidents/{}", incident.id);
            Ok(Answer::created(location, &incident)?.version(incident.version))
        })
        .await
}

/// Opens an incident; whoever has to know at once is written to.
///
/// # Errors
/// 422 for wrong values.
pub(crate) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    mut new: IncidentCreate,
) -> Result<Incident, ApiError> {
    let mut errors = vec![];
    new.title = line(&new.title, "/title", 200, &mut errors);
    clean_lines(&mut new.description, "/description", 4000, &mut errors);
    let noticed_at = new.noticed_at.unwrap_or(scope.at);
    let times = Times {
        occurred_at: new.occurred_at,
        noticed_at,
        contractor_noticed_on: new.contractor_noticed_on,
    };
    times.check(scope, &mut errors);
    let organization = check_entries(scope, allowed, &new.entry_ids, None, &mut errors)?;
    ApiError::unless_empty(errors)?;
    let organization_id = organization.ok_or_else(|| ApiError::internal("an incident without entries"))?;
    let row = NewIncident {
        organization_id: &organization_id,
        kind: new.kind,
        severity: new.severity,
        title: &new.title,
        description: new.description.as_deref(),
        occurred_at: new.occurred_at,
        noticed_at,
    };
    let id = settle::insert(scope, &row)?;
    set_breach(scope, &id, new.breach.as_ref())?;
    diesel::update(incidents::table.find((&scope.lg, &id)))
        .set(incidents::contractor_noticed_on.eq(new.contractor_noticed_on))
        .execute(scope.conn)?;
    settle::set_entries(scope, &id, &new.entry_ids)?;
    let payload = json!({"kind": new.kind, "severity": new.severity, "title": new.title,
        "description": new.description, "occurred_at": new.occurred_at, "noticed_at": noticed_at,
        "contractor_noticed_on": new.contractor_noticed_on, "breach": new.breach,
        "entry_ids": new.entry_ids});
    settle::settle(scope, &id, vec![], "incident.opened", payload)?;
    rows::one(scope, &id)
}

/// The times of an incident.
struct Times {
    occurred_at: Option<Instant>,
    noticed_at: Instant,
    contractor_noticed_on: Option<NaiveDate>,
}

impl Times {
    fn check(&self, scope: &Scope<'_>, errors: &mut Vec<FieldError>) {
        let in_future = |pointer: &str| {
            FieldError::new(
                pointer,
                "out_of_range",
                "現在より後にはできません。",
                "It must not be in the future.",
            )
        };
        if self.noticed_at > scope.at {
            errors.push(in_future("/noticed_at"));
        }
        if self.contractor_noticed_on.is_some_and(|on| on > scope.today) {
            errors.push(in_future("/contractor_noticed_on"));
        }
        if self.occurred_at.is_some_and(|at| at > self.noticed_at) {
            errors.push(FieldError::new(
                "/occurred_at",
                "date_order",
                "発生日時は、知った日時以前にしてください。",
                "It cannot have happened after it became known.",
            ));
        }
    }
}

/// Checks that the entries are live ones of one organization; answers that organization.
fn check_entries(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    ids: &[String],
    of: Option<&str>,
    errors: &mut Vec<FieldError>,
) -> Result<Option<String>, ApiError> {
    let mut organization = of.map(str::to_owned);
    for (i, id) in ids.iter().enumerate() {
        let pointer = format!("/entry_ids/{i}");
        if ids.iter().take(i).any(|earlier| earlier == id) {
            errors.push(FieldError::new(
                &pointer,
                "duplicate_in_request",
                "同じ台帳が二度あります。",
                "The same entry twice.",
            ));
            continue;
        }
        let entry = match entry_rows::find(scope, allowed, id) {
            Ok(entry) => entry,
            Err(ApiError::NotFound) => {
                errors.push(FieldError::reference(&pointer));
                continue;
            }
            Err(error) => return Err(error),
        };
        entry_rows::require_live(&entry)?;
        let first = organization.get_or_insert_with(|| entry.organization_id.clone());
        if *first != entry.organization_id {
            errors.push(FieldError::new(
                &pointer,
                "other_organization",
                "ほかの機関の台帳です。インシデントは機関ごとに登録してください。",
                "An entry of another organization; each organization records its own incident.",
            ));
        }
    }
    Ok(organization)
}

fn set_breach(scope: &mut Scope<'_>, id: &str, breach: Option<&BreachWire>) -> Result<(), ApiError> {
    diesel::update(incidents::table.find((&scope.lg, id)))
        .set((
            incidents::personal_information.eq(breach.is_some()),
            incidents::affected_persons.eq(breach.and_then(|breach| breach.affected_persons)),
            incidents::sensitive_information.eq(breach.is_some_and(|breach| breach.sensitive_information)),
            incidents::financial_damage.eq(breach.is_some_and(|breach| breach.financial_damage)),
            incidents::malicious.eq(breach.is_some_and(|breach| breach.malicious)),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// List incidents
///
/// Sorted by id, which is the order of recording.
#[utoipa::path(tag = "incidents", params(IncidentFilter), security(("oauth2" = ["incidents:read"])), responses(
    (status = 200, description = "インシデントの一覧 / A page of incidents", body = IncidentPage), Problems))]
#[get("/incidents")]
async fn list_incidents(
    caller: Caller<scope::IncidentsRead>,
    request: HttpRequest,
    Params(filter): Params<IncidentFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_incidents", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &IncidentRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows::complete(scope, found)?;
            let page = IncidentPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get an incident
///
/// With its entries, its reports and its end.
#[utoipa::path(tag = "incidents", params(("incident_id" = String, Path, description = "インシデントのID", format = Uuid)),
    security(("oauth2" = ["incidents:read"])), responses(
    (status = 200, description = "インシデント / The incident", body = Incident,
     headers(("ETag" = String, description = "版 / its version"))), Problems))]
#[get("/incidents/{incident_id}")]
async fn get_incident(caller: Caller<scope::IncidentsRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let incident = rows::one(scope, &row.id)?;
            Ok(Answer::ok(&incident)?.version(incident.version))
        })
        .await
}

/// Change an incident
///
/// What becomes known while it is not closed. Clocks, due dates and risk follow.
#[utoipa::path(tag = "incidents", request_body = IncidentPatch,
    params(("incident_id" = String, Path, description = "インシデントのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["incidents:write"])), responses(
    (status = 200, description = "変更後のインシデント / The incident", body = Incident,
     headers(("ETag" = String, description = "版 / its version"))), Problems, WriteProblems, PreconditionProblems))]
#[patch("/incidents/{incident_id}")]
async fn update_incident(
    caller: Caller<scope::IncidentsWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
    patch: Patch<IncidentPatch>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            require_not_closed(&row)?;
            change(scope, &caller.organizations, row, &patch)?;
            let incident = rows::one(scope, &path_id(&id)?)?;
            Ok(Answer::ok(&incident)?.version(incident.version))
        })
        .await
}

fn require_not_closed(row: &IncidentRow) -> Result<(), ApiError> {
    if row.state.0 != IncidentState::Closed {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "already_closed",
        ja: "このインシデントは終結しています。新たに判明したことは新しく登録してください。".to_owned(),
        en: "The incident is closed; report what is new as another one.".to_owned(),
    })
}

fn change(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    mut row: IncidentRow,
    patch: &Patch<IncidentPatch>,
) -> Result<(), ApiError> {
    let (new, mut errors) = (&patch.set, vec![]);
    if let Some(title) = &new.title {
        row.title = line(title, "/title", 200, &mut errors);
    }
    let description = new
        .description
        .as_ref()
        .map(|text| lines(text, "/description", 4000, &mut errors));
    patch.nullable(&mut row.description, description, "description");
    patch.nullable(&mut row.occurred_at, new.occurred_at, "occurred_at");
    patch.nullable(
        &mut row.contractor_noticed_on,
        new.contractor_noticed_on,
        "contractor_noticed_on",
    );
    row.noticed_at = new.noticed_at.unwrap_or(row.noticed_at);
    let times = Times {
        occurred_at: row.occurred_at,
        noticed_at: row.noticed_at,
        contractor_noticed_on: row.contractor_noticed_on,
    };
    times.check(scope, &mut errors);
    let mut breach = row.breach_wire();
    patch.nullable(&mut breach, new.breach.clone(), "breach");
    if let Some(ids) = &new.entry_ids {
        check_entries(scope, allowed, ids, Some(&row.organization_id), &mut errors)?;
    }
    ApiError::unless_empty(errors)?;
    let state = match new.state {
        None => row.state.0,
        Some(IncidentProgress::Open) => IncidentState::Open,
        Some(IncidentProgress::Contained) => IncidentState::Contained,
    };
    let contained_on = (state == IncidentState::Contained).then(|| row.contained_on.unwrap_or(scope.today));
    let kind = new.kind.unwrap_or(row.kind.0);
    let severity = new.severity.unwrap_or(row.severity.0);
    diesel::update(incidents::table.find((&scope.lg, &row.id)))
        .set((
            incidents::kind.eq(kind.code()),
            incidents::severity.eq(severity.code()),
            incidents::state.eq(state.code()),
            incidents::contained_on.eq(contained_on),
            incidents::title.eq(&row.title),
            incidents::description.eq(&row.description),
            incidents::occurred_at.eq(row.occurred_at),
            incidents::noticed_at.eq(row.noticed_at),
            incidents::contractor_noticed_on.eq(row.contractor_noticed_on),
        ))
        .execute(scope.conn)?;
    set_breach(scope, &row.id, breach.as_ref())?;
    let released = match &new.entry_ids {
        Some(ids) => settle::set_entries(scope, &row.id, ids)?,
        None => vec![],
    };
    settle::touch(scope, &row.id)?;
    let payload = json!({"kind": kind, "severity": severity, "state": state, "title": row.title,
        "description": row.description, "occurred_at": row.occurred_at, "noticed_at": row.noticed_at,
        "contractor_noticed_on": row.contractor_noticed_on, "breach": breach, "entry_ids": new.entry_ids});
    settle::settle(scope, &row.id, released, "incident.updated", payload)
}

/// Add an event to an incident
///
/// To its timeline: what was seen, done, decided, told to whom. Also after it is closed.
#[utoipa::path(tag = "incidents", request_body = IncidentEventCreate,
    params(("incident_id" = String, Path, description = "インシデントのID", format = Uuid)),
    security(("oauth2" = ["incidents:write"])), responses(
    (status = 200, description = "経過 / The event", body = IncidentEvent), Problems, WriteProblems))]
#[post("/incidents/{incident_id}/events")]
async fn add_incident_event(
    caller: Caller<scope::IncidentsWrite>,
    id: web::Path<String>,
    Body(new): Body<IncidentEventCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let mut errors = vec![];
            let text = lines(&new.text, "/text", 4000, &mut errors);
            let happened_at = new.happened_at.unwrap_or(scope.at);
            if happened_at > scope.at {
                errors.push(FieldError::new(
                    "/happened_at",
                    "out_of_range",
                    "現在より後にはできません。",
                    "It must not be in the future.",
                ));
            }
            ApiError::unless_empty(errors)?;
            let event_id = settle::add_event(scope, &row.id, happened_at, &text)?;
            let entry_ids = rows::entries_of(scope, &[&row.id])?.remove(&row.id).unwrap_or_default();
            let payload = json!({"event_id": event_id, "happened_at": happened_at, "text": text});
            let subject = row.subject(entry_ids.first().map(String::as_str));
            scope.record("incident.event_added", subject, payload);
            Answer::ok(IncidentEvent {
                id: event_id,
                happened_at,
                text,
                created_at: scope.at,
                created_by: scope.by(),
            })
        })
        .await
}

/// List the events of an incident
///
/// In the order of recording.
#[utoipa::path(tag = "incidents",
    params(("incident_id" = String, Path, description = "インシデントのID", format = Uuid), IncidentEventFilter),
    security(("oauth2" = ["incidents:read"])), responses(
    (status = 200, description = "経過の一覧 / A page of events", body = IncidentEventPage), Problems))]
#[get("/incidents/{incident_id}/events")]
async fn list_incident_events(
    caller: Caller<scope::IncidentsRead>,
    id: web::Path<String>,
    request: HttpRequest,
    Params(filter): Params<IncidentEventFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_incident_events", &row.id);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let found = rows::events(scope, &row.id, after, limit)?;
            let (found, next) = page::cut(found, limit, None, &print, |event: &IncidentEvent| After {
                key: String::new(),
                id: event.id.clone(),
            });
            let page = IncidentEventPage::new((found, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Record a report that the law asks for
///
/// When it was made and under which number it was received; its clock stops. Also after the incident is closed.
#[utoipa::path(tag = "incidents", request_body = IncidentReportCreate,
    params(("incident_id" = String, Path, description = "インシデントのID", format = Uuid)),
    security(("oauth2" = ["incidents:write"])), responses(
    (status = 200, description = "報告後のインシデント / The incident", body = Incident,
     headers(("ETag" = String, description = "版 / its version"))), Problems, WriteProblems))]
#[post("/incidents/{incident_id}/reports")]
async fn report_incident(
    caller: Caller<scope::IncidentsWrite>,
    id: web::Path<String>,
    Body(mut new): Body<IncidentReportCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let mut errors = vec![];
            clean_line(&mut new.reference, "/reference", 100, &mut errors);
            let reported_on = new.reported_on.unwrap_or(scope.today);
            if reported_on > scope.today {
                errors.push(FieldError::new(
                    "/reported_on",
                    "out_of_range",
                    "報告日は今日以前にしてください。",
                    "It must not be in the future.",
                ));
            }
            ApiError::unless_empty(errors)?;
            let before = rows::one(scope, &row.id)?;
            let known = before.reports.iter().find(|report| report.kind == new.kind);
            let (code, ja, en) = match known {
                Some(report) if report.reported_on.is_none() => ("", "", ""),
                Some(_) => (
                    "already_closed",
                    "この報告は記録済みです。読み直してください。",
                    "This report is recorded already; read it again.",
                ),
                None => (
                    "report_not_asked",
                    "このインシデントにこの報告の期限はありません。breach の内容を確かめてください。",
                    "The law does not ask for this report here; check `breach`.",
                ),
            };
            if !code.is_empty() {
                return Err(ApiError::Conflict {
                    code,
                    ja: ja.to_owned(),
                    en: en.to_owned(),
                });
            }
            settle::set_reported(scope, &row.id, new.kind, reported_on, new.reference.as_deref())?;
            settle::touch(scope, &row.id)?;
            let payload = json!({"report": new.kind, "reported_on": reported_on, "reference": new.reference});
            settle::settle(scope, &row.id, vec![], "incident.reported", payload)?;
            let incident = rows::one(scope, &row.id)?;
            Ok(Answer::ok(&incident)?.version(incident.version))
        })
        .await
}

/// Close an incident
///
/// With its cause and what keeps it from happening again, when no corrective action of it is open. Clocks of reports
/// that were not made run on.
#[utoipa::path(tag = "incidents", request_body = IncidentClosureCreate,
    params(("incident_id" = String, Path, description = "インシデントのID", format = Uuid),
           ("Acting-Person" = String, Header, description = "終結とした人のID / who closes it")),
    security(("oauth2" = ["incidents:write"])), responses(
    (status = 200, description = "終結したインシデント / The incident", body = Incident,
     headers(("ETag" = String, description = "版 / its version"))), Problems, WriteProblems))]
#[post("/incidents/{incident_id}/closures")]
async fn close_incident(
    caller: Caller<scope::IncidentsWrite>,
    id: web::Path<String>,
    Body(new): Body<IncidentClosureCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            let mut errors = vec![];
            let cause = lines(&new.cause, "/cause", 4000, &mut errors);
            let prevention = lines(&new.prevention, "/prevention", 4000, &mut errors);
            let mut documents = vec![];
            for (i, id) in new.policy_document_ids.iter().enumerate() {
                match policy_documents::of_organization(scope, &row.organization_id, id)? {
                    Some(document) => documents.push(document),
                    None => errors.push(FieldError::reference(&format!("/policy_document_ids/{i}"))),
                }
            }
            ApiError::unless_empty(errors)?;
            require_not_closed(&row)?;
            if corrective_actions::is_open_from(scope, CorrectiveActionOrigin::Incident, &row.id)? {
                return Err(ApiError::Conflict {
                    code: "open_items_remain",
                    ja: "このインシデントの是正措置が完了していません。先に完了させてください。".to_owned(),
                    en: "A corrective action of this incident is open; close it first.".to_owned(),
                });
            }
            diesel::update(incidents::table.find((&scope.lg, &row.id)))
                .set((
                    incidents::state.eq(IncidentState::Closed.code()),
                    incidents::contained_on.eq(Some(row.contained_on.unwrap_or(scope.today))),
                    incidents::closed_on.eq(Some(scope.today)),
                    incidents::closed_by_person_id.eq(Some(&person)),
                    incidents::cause.eq(Some(&cause)),
                    incidents::prevention.eq(Some(&prevention)),
                ))
                .execute(scope.conn)?;
            settle::touch(scope, &row.id)?;
            for document in &documents {
                let reason = NewReason {
                    kind: ReviewReasonKind::Incident,
                    note: &cause,
                    origin_id: Some(&row.id),
                    origin_reference: None,
                };
                policy_documents::raise(scope, document, &reason)?;
            }
            let payload = json!({"cause": cause, "prevention": prevention, "closed_by_person_id": person});
            settle::settle(scope, &row.id, vec![], "incident.closed", payload)?;
            let incident = rows::one(scope, &row.id)?;
            Ok(Answer::ok(&incident)?.version(incident.version))
        })
        .await
}
