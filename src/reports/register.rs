//! The register (台帳) as it is kept and printed: each entry with its company, contract, classification, risk and last
//! confirmation, by name. The entries themselves, for systems, are in [`crate::entries`].

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use diesel::dsl::max;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::line::{self, Counterpart, EntryLine, shown};
use crate::app::Scope;
use crate::db::on_tenant;
use crate::db::schema::{cloud_services, engagement_periods, engagements, verifications};
use crate::domain::facts::Facts;
use crate::domain::vocabulary::{CodeWord, Kind, Level};
use crate::entries::list::{EntryFilter, select_page};
use crate::entries::rows::EntryRow;
use crate::entries::wire::EntryRisk;
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, page_of};
use crate::sheets::columns::{Cell, Column, fact_columns, words};

/// A line of the register.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RegisterLine {
    /// The entry.
    pub entry: EntryLine,
    /// The company behind it.
    #[schema(required)]
    pub contractor: Option<Counterpart>,
    /// Number of the contract that runs, or of the nearest one.
    #[schema(required)]
    pub contract_number: Option<String>,
    /// Its first day.
    #[schema(required)]
    pub period_starts_on: Option<NaiveDate>,
    /// Its last day.
    #[schema(required)]
    pub period_ends_on: Option<NaiveDate>,
    /// Its amount in yen.
    #[schema(required)]
    pub amount_jpy: Option<i64>,
    /// Until when the use of a cloud service is approved.
    #[schema(required)]
    pub approval_valid_until_on: Option<NaiveDate>,
    /// First day of performance, use or operation.
    #[schema(required)]
    pub started_on: Option<NaiveDate>,
    /// What it handles and how.
    pub facts: Facts,
    /// The stored risk.
    pub risk: EntryRisk,
    /// When its clauses were last confirmed.
    #[schema(required)]
    pub last_verified_on: Option<NaiveDate>,
    /// The earliest open due date.
    #[schema(required)]
    pub next_due_on: Option<NaiveDate>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
}

page_of! {
    /// A page of the register.
    RegisterPage of RegisterLine
}

/// Report the register
///
/// The ledger with names instead of ids, as it is printed for auditors and the assembly; filters and orders are those of
/// `/entries`, so `kind` gives the register of one kind.
#[utoipa::path(tag = "reports", params(EntryFilter), security(("oauth2" = ["reports:read"])), responses(
    (status = 200, description = "台帳 / A page of the register", body = RegisterPage), Problems))]
#[get("/reports/register")]
pub(super) async fn list_register(
    caller: Caller<scope::ReportsRead>,
    request: HttpRequest,
    Params(filter): Params<EntryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, &filter)?;
            page::answer(
                &path,
                &query,
                &RegisterPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

type Period = (String, Option<String>, NaiveDate, NaiveDate, Option<i64>);

/// A page of the register and where it goes on.
pub(super) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &EntryFilter,
) -> Result<(Vec<RegisterLine>, Option<String>), ApiError> {
    let (rows, next) = select_page(scope, allowed, filter, "list_register")?;
    let ids: BTreeSet<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut lines = line::lines(scope, &rows)?;
    let mut companies = line::counterparts(scope, &rows)?;
    let periods: Vec<Period> = engagements::table
        .inner_join(engagement_periods::table.on(on_tenant!(engagements.current_period_id = engagement_periods.id)))
        .filter(engagements::local_government_id.eq(&scope.lg))
        .filter(engagements::id.eq_any(&ids))
        .select((
            engagements::id,
            engagement_periods::contract_number,
            engagement_periods::starts_on,
            engagement_periods::ends_on,
            engagement_periods::amount_jpy,
        ))
        .load(scope.conn)?;
    let mut periods: BTreeMap<String, Period> = periods.into_iter().map(|row| (row.0.clone(), row)).collect();
    let clouds: Vec<&String> = rows
        .iter()
        .filter(|row| row.kind.0 == Kind::CloudService)
        .map(|row| &row.id)
        .collect();
    let approvals: Vec<(String, Option<NaiveDate>)> = if clouds.is_empty() {
        vec![]
    } else {
        cloud_services::table
            .filter(cloud_services::local_government_id.eq(&scope.lg))
            .filter(cloud_services::id.eq_any(clouds))
            .select((cloud_services::id, cloud_services::approval_valid_until_on))
            .load(scope.conn)?
    };
    let approvals: BTreeMap<String, Option<NaiveDate>> = approvals.into_iter().collect();
    let verified = last_verified(scope, &ids, NaiveDate::MAX)?;
    let mut items = vec![];
    for row in rows {
        let period = periods.remove(&row.id);
        let facts = row.facts()?;
        let Some(line) = lines.remove(&row.id) else { continue };
        items.push(RegisterLine {
            entry: line,
            contractor: companies.remove(&row.id),
            period_starts_on: period.as_ref().map(|period| period.2),
            period_ends_on: period.as_ref().map(|period| period.3),
            amount_jpy: period.as_ref().and_then(|period| period.4),
            contract_number: period.and_then(|period| period.1),
            approval_valid_until_on: approvals.get(&row.id).copied().flatten(),
            started_on: row.started_on,
            risk: risk(&row),
            facts,
            last_verified_on: verified.get(&row.id).copied(),
            next_due_on: row.next_due_on,
            note: row.note,
        });
    }
    Ok((items, next))
}

fn risk(row: &EntryRow) -> EntryRisk {
    EntryRisk {
        residual_level: row.risk_level.as_deref().and_then(Level::parse),
        residual_score_x100: row.risk_score_x100,
        inherent_tier: row.inherent_tier,
    }
}

/// When these entries were last confirmed, up to a day, by id.
pub(super) fn last_verified(
    scope: &mut Scope<'_>,
    ids: &BTreeSet<String>,
    until: NaiveDate,
) -> Result<BTreeMap<String, NaiveDate>, ApiError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query = verifications::table
        .filter(verifications::local_government_id.eq(scope.lg.clone()))
        .filter(verifications::entry_id.eq_any(ids.iter().cloned().map(Some).collect::<Vec<_>>()))
        .group_by(verifications::entry_id)
        .select((verifications::entry_id, max(verifications::verified_on)))
        .into_boxed();
    if until != NaiveDate::MAX {
        query = query.filter(verifications::verified_on.le(until));
    }
    let rows: Vec<(Option<String>, Option<NaiveDate>)> = query.load(scope.conn)?;
    Ok(rows.into_iter().filter_map(|(id, on)| Some((id?, on?))).collect())
}

/// The columns of the register.
pub(super) fn columns() -> Vec<Column> {
    let mut columns = line::line_columns();
    columns.extend(line::counterpart_columns());
    columns.extend([
        shown("contract_number", "契約番号", Cell::Code, "contract_number"),
        shown("period_starts_on", "契約開始日", Cell::Date, "period_starts_on"),
        shown("period_ends_on", "契約終了日", Cell::Date, "period_ends_on"),
        shown("amount_jpy", "契約金額（円）", Cell::Integer, "amount_jpy"),
        shown(
            "approval_valid_until_on",
            "利用承認の期限",
            Cell::Date,
            "approval_valid_until_on",
        ),
        shown("started_on", "開始日", Cell::Date, "started_on"),
    ]);
    columns.extend(fact_columns().map(Column::shown));
    columns.extend([
        shown(
            "risk_level",
            "残存リスク",
            Cell::Word(words::<Level>()),
            "risk.residual_level",
        ),
        shown(
            "risk_score",
            "残存リスク点数",
            Cell::Hundredths,
            "risk.residual_score_x100",
        ),
        shown("inherent_tier", "固有リスク区分", Cell::Integer, "risk.inherent_tier"),
        shown("last_verified_on", "最終確認日", Cell::Date, "last_verified_on"),
        shown("next_due_on", "次の期限", Cell::Date, "next_due_on"),
        shown("note", "備考", Cell::Text, "note"),
    ]);
    columns
}
