//! The register of contractors: each company with what it does for the body today, and how risky that is.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::line::shown;
use crate::app::Scope;
use crate::contractors::{self, ContractorFilter, ContractorStatus, Debarment};
use crate::db::on_tenant;
use crate::db::schema::{cloud_services, engagements, entries};
use crate::db::types::Word;
use crate::domain::vocabulary::{CodeWord, Level, Phase, Status};
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, page_of};
use crate::sheets::columns::{Cell, Column, contractor_statuses, words};

/// A line of the register of contractors. Entries are those of the token's organizations.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContractorRegisterLine {
    /// The contractor.
    #[schema(format = Uuid)]
    pub contractor_id: String,
    /// Its name.
    pub name: String,
    /// Its corporate number.
    #[schema(required)]
    pub corporate_number: Option<String>,
    /// Address of the head office.
    #[schema(required)]
    pub address: Option<String>,
    /// Whether it may be chosen.
    pub status: ContractorStatus,
    /// Exclusion from bidding.
    #[schema(required)]
    pub debarment: Option<Debarment>,
    /// Commissioned work that is contracted or running.
    pub engagements: usize,
    /// Cloud services that are approved or in use.
    pub cloud_services: usize,
    /// Their control numbers, sorted.
    pub control_numbers: Vec<String>,
    /// The highest residual level among them.
    #[schema(required)]
    pub highest_level: Option<Level>,
    /// The earliest due date among them.
    #[schema(required)]
    pub next_due_on: Option<NaiveDate>,
}

page_of! {
    /// A page of the register of contractors.
    ContractorRegisterPage of ContractorRegisterLine
}

/// Report the register of contractors
///
/// Each company with the commissioned work and cloud services of the token's organizations that it stands behind today;
/// filters are those of `/contractors`.
#[utoipa::path(tag = "reports", params(ContractorFilter), security(("oauth2" = ["reports:read"])), responses(
    (status = 200, description = "委託事業者台帳 / A page of the register", body = ContractorRegisterPage), Problems))]
#[get("/reports/contractor-register")]
pub(super) async fn list_contractor_register(
    caller: Caller<scope::ReportsRead>,
    request: HttpRequest,
    Params(filter): Params<ContractorFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, &filter)?;
            let page = ContractorRegisterPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// An entry of a company: whose, control number, organization, status, level, next due date.
type Row = (
    Option<String>,
    String,
    String,
    Word<Status>,
    Option<String>,
    Option<NaiveDate>,
);

/// A page of the register and where it goes on.
pub(super) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &ContractorFilter,
) -> Result<(Vec<ContractorRegisterLine>, Option<String>), ApiError> {
    let (found, next) = contractors::listed(scope, filter)?;
    let ids: BTreeSet<Option<String>> = found.iter().map(|contractor| Some(contractor.id.clone())).collect();
    let columns = (
        entries::control_number,
        entries::organization_id,
        entries::status,
        entries::risk_level,
        entries::next_due_on,
    );
    let engaged: Vec<Row> = engagements::table
        .inner_join(entries::table.on(on_tenant!(engagements.id = entries.id)))
        .filter(engagements::local_government_id.eq(&scope.lg))
        .filter(engagements::contractor_id.eq_any(&ids))
        .filter(entries::archived_at.is_null())
        .select((
            engagements::contractor_id,
            columns.0,
            columns.1,
            columns.2,
            columns.3,
            columns.4,
        ))
        .load(scope.conn)?;
    let provided: Vec<Row> = cloud_services::table
        .inner_join(entries::table.on(on_tenant!(cloud_services.id = entries.id)))
        .filter(cloud_services::local_government_id.eq(&scope.lg))
        .filter(cloud_services::provider_contractor_id.eq_any(&ids))
        .filter(entries::archived_at.is_null())
        .select((
            cloud_services::provider_contractor_id,
            columns.0,
            columns.1,
            columns.2,
            columns.3,
            columns.4,
        ))
        .load(scope.conn)?;
    let lives = |row: &Row| {
        let phase = row.3.0.phase();
        let runs = matches!(phase, Phase::Contracting | Phase::Active | Phase::Closing) && !row.3.0.is_final();
        runs && allowed.contains(&row.2)
    };
    let by_company = |rows: Vec<Row>| {
        let mut found: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows.into_iter().filter(lives) {
            if let Some(id) = row.0.clone() {
                found.entry(id).or_default().push(row);
            }
        }
        found
    };
    let (mut engaged, mut provided) = (by_company(engaged), by_company(provided));
    let items = found.into_iter().map(|contractor| {
        let engaged = engaged.remove(&contractor.id).unwrap_or_default();
        let provided = provided.remove(&contractor.id).unwrap_or_default();
        let all = || engaged.iter().chain(&provided);
        let mut control_numbers: Vec<String> = all().map(|row| row.1.clone()).collect();
        control_numbers.sort();
        ContractorRegisterLine {
            contractor_id: contractor.id,
            name: contractor.name,
            corporate_number: contractor.corporate_number,
            address: contractor.address,
            status: contractor.status,
            debarment: contractor.debarment,
            engagements: engaged.len(),
            cloud_services: provided.len(),
            control_numbers,
            highest_level: all().filter_map(|row| Level::parse(row.4.as_deref()?)).max(),
            next_due_on: all().filter_map(|row| row.5).min(),
        }
    });
    Ok((items.collect(), next))
}

/// The columns of the register.
pub(super) fn columns() -> Vec<Column> {
    vec![
        shown("contractor_id", "ID", Cell::Code, "contractor_id"),
        shown("name", "事業者名", Cell::Text, "name"),
        shown("corporate_number", "法人番号", Cell::Code, "corporate_number"),
        shown("address", "所在地", Cell::Text, "address"),
        shown("status", "状態", Cell::Word(contractor_statuses()), "status"),
        shown("debarred_from_on", "指名停止開始日", Cell::Date, "debarment.from_on"),
        shown("debarred_to_on", "指名停止終了日", Cell::Date, "debarment.to_on"),
        shown("engagements", "業務委託の件数", Cell::Integer, "engagements"),
        shown(
            "cloud_services",
            "クラウドサービスの件数",
            Cell::Integer,
            "cloud_services",
        ),
        shown("control_numbers", "管理番号", Cell::Codes, "control_numbers"),
        shown(
            "highest_level",
            "最も高い残存リスク",
            Cell::Word(words::<Level>()),
            "highest_level",
        ),
        shown("next_due_on", "次の期限", Cell::Date, "next_due_on"),
    ]
}
