//! What ends in a fiscal year and has to be renewed, tendered again or let go: contract periods and approvals of cloud
//! services, by their last day.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::line::{self, Counterpart, EntryLine, shown};
use crate::app::Scope;
use crate::db::on_tenant;
use crate::db::schema::{cloud_services, engagement_periods, entries};
use crate::domain::calendar::{fiscal_year, fiscal_year_days};
use crate::domain::vocabulary::{CodeWord, Status, code_words};
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, After, page_of};
use crate::sheets::columns::{Cell, Column, words};

code_words! {
    /// What ends.
    RenewalKind {
        ContractPeriod = "contract_period", "契約期間の満了";
        CloudApproval = "cloud_approval", "クラウド利用承認の満了";
    }
}

/// Something that ends in the fiscal year.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Renewal {
    /// What ends.
    pub kind: RenewalKind,
    /// The contract period, when it is one.
    #[schema(required, format = Uuid)]
    pub period_id: Option<String>,
    /// The entry.
    pub entry: EntryLine,
    /// The company behind it.
    #[schema(required)]
    pub contractor: Option<Counterpart>,
    /// Its last day.
    pub ends_on: NaiveDate,
    /// Until when a renewal or an end must be announced.
    #[schema(required)]
    pub notice_deadline_on: Option<NaiveDate>,
    /// Number of the contract.
    #[schema(required)]
    pub contract_number: Option<String>,
    /// Amount in yen.
    #[schema(required)]
    pub amount_jpy: Option<i64>,
    /// Goes on by itself.
    pub auto_renewal: bool,
    /// A later period is registered already.
    pub is_renewed: bool,
}

page_of! {
    /// A page of renewals.
    RenewalPage of Renewal
}

/// Filters of the report.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RenewalFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The fiscal year, named by the year in which it begins; the present one without it.
    #[param(nullable = false, minimum = 2000, maximum = 2100)]
    fiscal_year: Option<i32>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
}

/// Report what is to be renewed
///
/// Contract periods and approvals of cloud services whose last day lies in the fiscal year (1 April to 31 March), by that
/// day; `is_renewed` says what is settled already. Archived and finished entries are left out.
#[utoipa::path(tag = "reports", params(RenewalFilter), security(("oauth2" = ["reports:read"])), responses(
    (status = 200, description = "更新予定 / A page of renewals", body = RenewalPage), Problems))]
#[get("/reports/renewals")]
pub(super) async fn list_renewals(
    caller: Caller<scope::ReportsRead>,
    request: HttpRequest,
    Params(filter): Params<RenewalFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, &filter)?;
            page::answer(&path, &query, &RenewalPage::new((items, next.clone())), next.as_deref())
        })
        .await
}

#[derive(Debug, Clone)]
struct Ending {
    kind: RenewalKind,
    /// Of the period, or of the cloud service.
    id: String,
    entry_id: String,
    ends_on: NaiveDate,
    period: Option<Period>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = engagement_periods)]
struct Period {
    id: String,
    engagement_id: String,
    contract_number: Option<String>,
    ends_on: NaiveDate,
    notice_deadline_on: Option<NaiveDate>,
    amount_jpy: Option<i64>,
    auto_renewal: bool,
}

/// The statuses in which an entry still has something to renew.
fn living() -> Vec<&'static str> {
    let living = Status::ALL.iter().filter(|status| !status.is_final());
    living.map(|status| status.code()).collect()
}

/// A page of the report and where it goes on.
pub(super) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &RenewalFilter,
) -> Result<(Vec<Renewal>, Option<String>), ApiError> {
    let limit = page::limit(filter.limit)?;
    let year = filter.fiscal_year.unwrap_or_else(|| fiscal_year(scope.today));
    let (first, last) = fiscal_year_days(year);
    let print = page::fingerprint("list_renewals", &(year, &filter.organization_id));
    let (from, after) = match page::after(filter.cursor.as_deref(), &print)? {
        None => (first, String::new()),
        Some(After { key, id }) => (key.parse().map_err(|_| ApiError::InvalidCursor)?, id),
    };
    let mut found = periods(scope, allowed, filter, (from, last), &after, limit)?;
    found.extend(approvals(scope, allowed, filter, (from, last), &after, limit)?);
    found.sort_by(|a, b| (a.ends_on, &a.id).cmp(&(b.ends_on, &b.id)));
    let (found, next) = page::cut(found, limit, None, &print, |ending: &Ending| After {
        key: ending.ends_on.to_string(),
        id: ending.id.clone(),
    });
    Ok((described(scope, found)?, next))
}

/// The next contract periods that end, one more than the limit at most.
fn periods(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &RenewalFilter,
    (from, last): (NaiveDate, NaiveDate),
    after: &str,
    limit: i64,
) -> Result<Vec<Ending>, ApiError> {
    let mut query = engagement_periods::table
        .inner_join(entries::table.on(on_tenant!(engagement_periods.engagement_id = entries.id)))
        .filter(engagement_periods::local_government_id.eq(scope.lg.clone()))
        .filter(engagement_periods::ends_on.between(from, last))
        .filter(
            engagement_periods::ends_on
                .gt(from)
                .or(engagement_periods::id.gt(after.to_owned())),
        )
        .filter(entries::archived_at.is_null())
        .filter(entries::status.eq_any(living()))
        .order((engagement_periods::ends_on, engagement_periods::id))
        .limit(limit + 1)
        .select(Period::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(entries::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(entries::organization_id.eq(id.clone()));
    }
    let rows: Vec<Period> = query.load(scope.conn)?;
    let ending = |period: Period| Ending {
        kind: RenewalKind::ContractPeriod,
        id: period.id.clone(),
        entry_id: period.engagement_id.clone(),
        ends_on: period.ends_on,
        period: Some(period),
    };
    Ok(rows.into_iter().map(ending).collect())
}

/// The next approvals of cloud services that end, one more than the limit at most.
fn approvals(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &RenewalFilter,
    (from, last): (NaiveDate, NaiveDate),
    after: &str,
    limit: i64,
) -> Result<Vec<Ending>, ApiError> {
    let ends_on = cloud_services::approval_valid_until_on;
    let mut query = cloud_services::table
        .inner_join(entries::table.on(on_tenant!(cloud_services.id = entries.id)))
        .filter(cloud_services::local_government_id.eq(scope.lg.clone()))
        .filter(ends_on.between(Some(from), Some(last)))
        .filter(
            ends_on
                .gt(Some(from))
                .or(cloud_services::id.gt(after.to_owned()).nullable()),
        )
        .filter(entries::archived_at.is_null())
        .filter(entries::status.eq_any(living()))
        .order((ends_on, cloud_services::id))
        .limit(limit + 1)
        .select((cloud_services::id, ends_on))
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(entries::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(entries::organization_id.eq(id.clone()));
    }
    let rows: Vec<(String, Option<NaiveDate>)> = query.load(scope.conn)?;
    let ending = |(id, ends_on): (String, Option<NaiveDate>)| {
        Some(Ending {
            kind: RenewalKind::CloudApproval,
            entry_id: id.clone(),
            id,
            ends_on: ends_on?,
            period: None,
        })
    };
    Ok(rows.into_iter().filter_map(ending).collect())
}

fn described(scope: &mut Scope<'_>, found: Vec<Ending>) -> Result<Vec<Renewal>, ApiError> {
    let ids: BTreeSet<String> = found.iter().map(|ending| ending.entry_id.clone()).collect();
    let rows = line::rows(scope, &ids)?;
    let lines = line::lines(scope, &rows)?;
    let companies = line::counterparts(scope, &rows)?;
    let all: Vec<(String, NaiveDate)> = engagement_periods::table
        .filter(engagement_periods::local_government_id.eq(&scope.lg))
        .filter(engagement_periods::engagement_id.eq_any(&ids))
        .select((engagement_periods::engagement_id, engagement_periods::ends_on))
        .load(scope.conn)?;
    let renewal = |ending: Ending| {
        let later = all
            .iter()
            .any(|(entry, ends_on)| *entry == ending.entry_id && *ends_on > ending.ends_on);
        let period = ending.period;
        Some(Renewal {
            kind: ending.kind,
            entry: lines.get(&ending.entry_id)?.clone(),
            contractor: companies.get(&ending.entry_id).cloned(),
            ends_on: ending.ends_on,
            notice_deadline_on: period.as_ref().and_then(|period| period.notice_deadline_on),
            amount_jpy: period.as_ref().and_then(|period| period.amount_jpy),
            auto_renewal: period.as_ref().is_some_and(|period| period.auto_renewal),
            is_renewed: later && ending.kind == RenewalKind::ContractPeriod,
            period_id: period.as_ref().map(|period| period.id.clone()),
            contract_number: period.and_then(|period| period.contract_number),
        })
    };
    Ok(found.into_iter().filter_map(renewal).collect())
}

/// The columns of the report.
pub(super) fn columns() -> Vec<Column> {
    let mut columns = vec![
        shown("ends_on", "満了日", Cell::Date, "ends_on"),
        shown(
            "renewal_kind",
            "満了するもの",
            Cell::Word(words::<RenewalKind>()),
            "kind",
        ),
    ];
    columns.extend(line::line_columns());
    columns.extend(line::counterpart_columns());
    columns.extend([
        shown("contract_number", "契約番号", Cell::Code, "contract_number"),
        shown(
            "notice_deadline_on",
            "更新・解約の通知期限",
            Cell::Date,
            "notice_deadline_on",
        ),
        shown("amount_jpy", "契約金額（円）", Cell::Integer, "amount_jpy"),
        shown("auto_renewal", "自動更新", Cell::Boolean, "auto_renewal"),
        shown("is_renewed", "次の期間の登録", Cell::Boolean, "is_renewed"),
    ]);
    columns
}
