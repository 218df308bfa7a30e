//! What an organization makes of the answers, as dated data: shipped, they are only observed.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{GateEnforcement, GateEnforcementCreate, GateEnforcementFilter, GateEnforcementPage};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::gate_enforcements;
use crate::db::types::Word;
use crate::domain::gate::{EnforcementMode, GateAction};
use crate::domain::vocabulary::CodeWord;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::organizations;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = gate_enforcements)]
struct Row {
    id: String,
    organization_id: String,
    action: Word<GateAction>,
    mode: Word<EnforcementMode>,
    valid_from_on: NaiveDate,
    reason: String,
    decided_by_person_id: String,
    created_at: Instant,
    created_by: String,
}

impl Row {
    fn wire(self) -> GateEnforcement {
        GateEnforcement {
            id: self.id,
            organization_id: self.organization_id,
            action: self.action.0,
            mode: self.mode.0,
            valid_from_on: self.valid_from_on,
            reason: self.reason,
            decided_by_person_id: self.decided_by_person_id,
            created_at: self.created_at,
            created_by: self.created_by,
        }
    }
}

/// What holds for an action on a day: of those that have begun the latest, of one day the one recorded last.
pub(super) fn mode(
    scope: &mut Scope<'_>,
    organization_id: &str,
    action: GateAction,
    on: NaiveDate,
) -> Result<EnforcementMode, ApiError> {
    let found: Option<Word<EnforcementMode>> = gate_enforcements::table
        .filter(gate_enforcements::local_government_id.eq(&scope.lg))
        .filter(gate_enforcements::organization_id.eq(organization_id))
        .filter(gate_enforcements::action.eq(action.code()))
        .filter(gate_enforcements::valid_from_on.le(on))
        .order((gate_enforcements::valid_from_on.desc(), gate_enforcements::id.desc()))
        .select(gate_enforcements::mode)
        .first(scope.conn)
        .optional()?;
    Ok(found.map_or(EnforcementMode::Observe, |word| word.0))
}

/// Decide about enforcement
///
/// From a day on the answers to an action are observed, shown as warnings, or stop the other system. The acting person
/// decides; a later decision, also for the same day, takes its place.
#[utoipa::path(tag = "gate", request_body = GateEnforcementCreate,
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "決める人のID / who decides")),
    security(("oauth2" = ["policies:write"])), responses(
    (status = 201, description = "判定の扱い / The decision", body = GateEnforcement,
     headers(("Location" = String, description = "URL"))), Problems, WriteProblems))]
#[post("/organizations/{organization_id}/gate-enforcements")]
pub(super) async fn create_gate_enforcement(
    caller: Caller<scope::PoliciesWrite>,
    id: web::Path<String>,
    Body(new): Body<GateEnforcementCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let organization_id = path_id(&id)?;
            caller.organizations.check(&organization_id)?;
            organizations::row(scope, &organization_id)?;
            let person_id = caller.person()?.to_owned();
            let mut errors = vec![];
            let reason = lines(&new.reason, "/reason", 1000, &mut errors);
            if new.valid_from_on < scope.today {
                errors.push(FieldError::new(
                    "/valid_from_on",
                    "date_in_past",
                    "今日以後の日にしてください。",
                    "It must not lie in the past.",
                ));
            }
            ApiError::unless_empty(errors)?;
            let id = scope.new_id();
            diesel::insert_into(gate_enforcements::table)
                .values((
                    gate_enforcements::local_government_id.eq(&scope.lg),
                    gate_enforcements::id.eq(&id),
                    gate_enforcements::organization_id.eq(&organization_id),
                    gate_enforcements::action.eq(new.action.code()),
                    gate_enforcements::mode.eq(new.mode.code()),
                    gate_enforcements::valid_from_on.eq(new.valid_from_on),
                    gate_enforcements::reason.eq(reason),
                    gate_enforcements::decided_by_person_id.eq(person_id),
                    gate_enforcements::created_at.eq(scope.at),
                    gate_enforcements::created_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            let row: Row = gate_enforcements::table
                .find((&scope.lg, &id))
                .select(Row::as_select())
                .first(scope.conn)?;
            let enforcement = row.wire();
            let subject = Subject {
                organization_id: Some(&organization_id),
                ..Subject::of("gate_enforcement", &id)
            };
            scope.record("gate_enforcement.decided", subject, serde_json::to_value(&enforcement)?);
            let location = format!("/api/v1/organizations/{organization_id}/gate-enforcements");
            Answer::created(location, &enforcement)
        })
        .await
}

/// List the decisions about enforcement
///
/// Of an organization, in the order in which they were recorded.
#[utoipa::path(tag = "gate",
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid), GateEnforcementFilter),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "判定の扱いの一覧 / A page of decisions", body = GateEnforcementPage), Problems))]
#[get("/organizations/{organization_id}/gate-enforcements")]
pub(super) async fn list_gate_enforcements(
    caller: Caller<scope::PoliciesRead>,
    request: HttpRequest,
    id: web::Path<String>,
    Params(filter): Params<GateEnforcementFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let organization_id = path_id(&id)?;
            caller.organizations.check(&organization_id)?;
            organizations::row(scope, &organization_id)?;
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_gate_enforcements", &organization_id);
            let start = page::after(filter.cursor.as_deref(), &print)?.map(|after| after.id);
            let found: Vec<Row> = gate_enforcements::table
                .filter(gate_enforcements::local_government_id.eq(&scope.lg))
                .filter(gate_enforcements::organization_id.eq(&organization_id))
                .filter(gate_enforcements::id.gt(start.unwrap_or_default()))
                .order(gate_enforcements::id)
                .limit(limit + 1)
                .select(Row::as_select())
                .load(scope.conn)?;
            let (found, next) = page::cut(found, limit, None, &print, |row: &Row| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(Row::wire).collect();
            let page = GateEnforcementPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}
