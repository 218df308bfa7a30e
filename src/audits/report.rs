//! The report of an audit, and what the CISO confirms every year: the double roles that could not be avoided.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;
use std::collections::BTreeMap;

use super::findings;
use super::rows::{self, AuditRow};
use super::wire::{
    AuditReport, DoubleRole, DoubleRoleConfirmation, DoubleRoleConfirmationCreate, DoubleRoleConfirmationFilter,
    DoubleRoleConfirmationPage,
};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{audit_findings, double_role_confirmations, entries, transitions};
use crate::domain::audit::FindingState;
use crate::domain::calendar::{fiscal_year, fiscal_year_days};
use crate::domain::vocabulary::{CodeWord, Role};
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::organizations;
use crate::people::holders::Directory;

/// Findings and double roles that a report names.
const NAMED: i64 = 200;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = double_role_confirmations)]
struct ConfirmationRow {
    id: String,
    organization_id: String,
    fiscal_year: i32,
    note: String,
    person_id: String,
    confirmed_at: Instant,
}

impl ConfirmationRow {
    fn wire(self) -> DoubleRoleConfirmation {
        DoubleRoleConfirmation {
            id: self.id,
            organization_id: self.organization_id,
            fiscal_year: self.fiscal_year,
            note: self.note,
            person_id: self.person_id,
            confirmed_at: self.confirmed_at,
        }
    }
}

/// Get the report of an audit
///
/// Its findings; every transition of the fiscal year in which applicant and approver were one person, with the reason;
/// and whether the CISO has confirmed those.
#[utoipa::path(tag = "audits", params(("audit_id" = String, Path, description = "監査のID", format = Uuid)),
    security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "監査報告 / The report", body = AuditReport), Problems))]
#[get("/audits/{audit_id}/report")]
pub(super) async fn get_audit_report(
    caller: Caller<scope::AuditsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let audit = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            Answer::ok(report(scope, audit)?)
        })
        .await
}

fn report(scope: &mut Scope<'_>, audit: AuditRow) -> Result<AuditReport, ApiError> {
    let (from, to) = fiscal_year_days(audit.fiscal_year);
    let confirmation: Option<ConfirmationRow> = double_role_confirmations::table
        .filter(double_role_confirmations::local_government_id.eq(&scope.lg))
        .filter(double_role_confirmations::organization_id.eq(&audit.organization_id))
        .filter(double_role_confirmations::fiscal_year.eq(audit.fiscal_year))
        .order(double_role_confirmations::id.desc())
        .select(ConfirmationRow::as_select())
        .first(scope.conn)
        .optional()?;
    let confirmed_at = confirmation.as_ref().map(|confirmation| confirmation.confirmed_at);
    let double = || {
        transitions::table
            .filter(transitions::local_government_id.eq(scope.lg.clone()))
            .filter(transitions::organization_id.eq(audit.organization_id.clone()))
            .filter(transitions::double_role_reason.is_not_null())
            .filter(transitions::effective_on.between(from, to))
    };
    let (total, confirmed) = (
        double().select(count_star()),
        double()
            .filter(transitions::created_at.le(confirmed_at.unwrap_or(Instant(0))))
            .select(count_star()),
    );
    let double_roles_total: i64 = total.first(scope.conn)?;
    let double_roles_confirmed: i64 = confirmed.first(scope.conn)?;
    let of_audit = audit_findings::table
        .filter(audit_findings::local_government_id.eq(&scope.lg))
        .filter(audit_findings::audit_id.eq(&audit.id));
    let findings_total = of_audit.select(count_star()).first(scope.conn)?;
    let findings_open = of_audit
        .filter(audit_findings::state.eq(FindingState::Open.code()))
        .select(count_star())
        .first(scope.conn)?;
    let double_roles_unconfirmed = double_roles_total - double_roles_confirmed;
    Ok(AuditReport {
        period_from_on: from,
        period_to_on: to,
        findings_total,
        findings_open,
        findings: findings::of_audit(scope, &audit.id, NAMED)?,
        double_roles_total,
        double_roles: double_roles(scope, &audit.organization_id, (from, to), confirmed_at)?,
        double_roles_unconfirmed,
        confirmation_missing: double_roles_unconfirmed > 0,
        confirmation: confirmation.map(ConfirmationRow::wire),
        audit: audit.wire(),
    })
}

/// The last double roles of a time, with their entries by one more query.
fn double_roles(
    scope: &mut Scope<'_>,
    organization_id: &str,
    (from, to): (NaiveDate, NaiveDate),
    confirmed_at: Option<Instant>,
) -> Result<Vec<DoubleRole>, ApiError> {
    type Row = (String, String, String, NaiveDate, String, Option<String>, Instant);
    let rows: Vec<Row> = transitions::table
        .filter(transitions::local_government_id.eq(&scope.lg))
        .filter(transitions::organization_id.eq(organization_id))
        .filter(transitions::double_role_reason.is_not_null())
        .filter(transitions::effective_on.between(from, to))
        .order((transitions::effective_on.desc(), transitions::id.desc()))
        .limit(NAMED)
        .select((
            transitions::id,
            transitions::entry_id,
            transitions::transition,
            transitions::effective_on,
            transitions::person_id,
            transitions::double_role_reason,
            transitions::created_at,
        ))
        .load(scope.conn)?;
    let ids: Vec<&str> = rows.iter().map(|row| row.1.as_str()).collect();
    let named: Vec<(String, String, String)> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(ids))
        .select((entries::id, entries::control_number, entries::name))
        .load(scope.conn)?;
    let named: BTreeMap<String, (String, String)> = named
        .into_iter()
        .map(|(id, number, name)| (id, (number, name)))
        .collect();
    Ok(rows
        .into_iter()
        .map(
            |(transition_id, entry_id, transition, effective_on, person_id, reason, at)| {
                let (control_number, entry_name) = named.get(&entry_id).cloned().unwrap_or_default();
                DoubleRole {
                    transition_id,
                    control_number,
                    entry_name,
                    entry_id,
                    transition,
                    effective_on,
                    person_id,
                    reason: reason.unwrap_or_default(),
                    confirmed: confirmed_at.is_some_and(|confirmed| at <= confirmed),
                }
            },
        )
        .collect())
}

/// Confirm the double roles of a year
///
/// The acting person is the organization's CISO today and says that the double roles that are recorded so far could not
/// be avoided. What is recorded later needs a confirmation of its own.
#[utoipa::path(tag = "audits", request_body = DoubleRoleConfirmationCreate,
    params(("Acting-Person" = String, Header, description = "CISOのID / the CISO")),
    security(("oauth2" = ["audits:write"])), responses(
    (status = 200, description = "確認 / The confirmation", body = DoubleRoleConfirmation), Problems, WriteProblems))]
#[post("/double-role-confirmations")]
pub(super) async fn confirm_double_roles(
    caller: Caller<scope::AuditsWrite>,
    Body(new): Body<DoubleRoleConfirmationCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            if !caller.organizations.contains(&new.organization_id) {
                return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
            }
            organizations::require(scope, &new.organization_id, "/organization_id")?;
            let person = caller.person()?.to_owned();
            let mut errors = vec![];
            let note = lines(&new.note, "/note", 2000, &mut errors);
            if new.fiscal_year > fiscal_year(scope.today) {
                errors.push(FieldError::new(
                    "/fiscal_year",
                    "out_of_range",
                    "今年度までの年度にしてください。",
                    "It must not lie after the present fiscal year.",
                ));
            }
            ApiError::unless_empty(errors)?;
            require_ciso(scope, &new.organization_id, &person)?;
            let id = scope.new_id();
            diesel::insert_into(double_role_confirmations::table)
                .values((
                    double_role_confirmations::local_government_id.eq(&scope.lg),
                    double_role_confirmations::id.eq(&id),
                    double_role_confirmations::organization_id.eq(&new.organization_id),
                    double_role_confirmations::fiscal_year.eq(new.fiscal_year),
                    double_role_confirmations::note.eq(&note),
                    double_role_confirmations::person_id.eq(&person),
                    double_role_confirmations::confirmed_at.eq(scope.at),
                    double_role_confirmations::created_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            let row: ConfirmationRow = double_role_confirmations::table
                .find((&scope.lg, &id))
                .select(ConfirmationRow::as_select())
                .first(scope.conn)?;
            let confirmation = row.wire();
            let subject = Subject {
                kind: "double_role_confirmation",
                id: &confirmation.id,
                organization_id: Some(&confirmation.organization_id),
                entry_id: None,
            };
            scope.record("double_roles.confirmed", subject, serde_json::to_value(&confirmation)?);
            Answer::ok(confirmation)
        })
        .await
}

fn require_ciso(scope: &mut Scope<'_>, organization_id: &str, person_id: &str) -> Result<(), ApiError> {
    let organization = [organization_id.to_owned()];
    let directory = Directory::load(scope, &organization, &[person_id.to_owned()], &[], scope.today)?;
    if directory
        .roles_of(person_id, organization_id, None)
        .contains(&Role::Ciso)
    {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "role_required",
        ja: "兼務を確認できるのはこの機関のCISOだけです。".to_owned(),
        en: "Only the organization's CISO confirms double roles.".to_owned(),
    })
}

/// List the confirmations of double roles
///
/// Sorted by id, which is the order of confirming.
#[utoipa::path(tag = "audits", params(DoubleRoleConfirmationFilter), security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "兼務の確認の一覧 / A page of confirmations", body = DoubleRoleConfirmationPage), Problems))]
#[get("/double-role-confirmations")]
pub(super) async fn list_double_role_confirmations(
    caller: Caller<scope::AuditsRead>,
    request: HttpRequest,
    Params(filter): Params<DoubleRoleConfirmationFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_double_role_confirmations", &filter.organization_id);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let bound: Option<String> = double_role_confirmations::table
                .filter(double_role_confirmations::local_government_id.eq(&scope.lg))
                .filter(double_role_confirmations::id.gt(&start))
                .order(double_role_confirmations::id)
                .offset(page::BUDGET)
                .limit(1)
                .select(double_role_confirmations::id)
                .first(scope.conn)
                .optional()?;
            let mut query_rows = double_role_confirmations::table
                .filter(double_role_confirmations::local_government_id.eq(scope.lg.clone()))
                .filter(double_role_confirmations::id.gt(start))
                .order(double_role_confirmations::id)
                .limit(limit + 1)
                .select(ConfirmationRow::as_select())
                .into_boxed();
            if let Some(bound) = &bound {
                query_rows = query_rows.filter(double_role_confirmations::id.le(bound.clone()));
            }
            if let Some(ids) = caller.organizations.list() {
                query_rows = query_rows.filter(double_role_confirmations::organization_id.eq_any(ids.to_vec()));
            }
            if let Some(id) = &filter.organization_id {
                query_rows = query_rows.filter(double_role_confirmations::organization_id.eq(id.clone()));
            }
            let found = query_rows.load(scope.conn)?;
            let bound = bound.map(|id| After { key: String::new(), id });
            let (found, next) = page::cut(found, limit, bound, &print, |row: &ConfirmationRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(ConfirmationRow::wire).collect();
            let page = DoubleRoleConfirmationPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}
