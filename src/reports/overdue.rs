//! What is past its due date and still open, the oldest first. All due dates are in [`crate::obligations`].

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::line::{self, Counterpart, EntryLine, shown};
use crate::app::Scope;
use crate::domain::calendar::days_between;
use crate::domain::vocabulary::ObligationKind;
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, page_of};
use crate::obligations::{self, Obligation, ObligationFilter};
use crate::sheets::columns::{Cell, Column, words};

/// Something overdue.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Overdue {
    /// The obligation.
    #[schema(format = Uuid)]
    pub obligation_id: String,
    /// What is due.
    pub kind: ObligationKind,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The entry that it is about; null for what is about no entry, as a self-inspection.
    #[schema(required)]
    pub entry: Option<EntryLine>,
    /// The company behind it.
    #[schema(required)]
    pub contractor: Option<Counterpart>,
    /// When it was due.
    pub due_on: NaiveDate,
    /// Days since then.
    pub days_overdue: i64,
    /// The last stage of mail: `overdue-7` …
    #[schema(required)]
    pub last_stage: Option<String>,
    /// Mail is paused until this day.
    #[schema(required)]
    pub grace_until_on: Option<NaiveDate>,
    /// The clauses of a round that are not answered.
    pub open_clauses: Vec<String>,
}

page_of! {
    /// A page of what is overdue.
    OverduePage of Overdue
}

/// Filters of the report.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OverdueFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub(crate) cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub(crate) limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub(crate) organization_id: Option<String>,
    /// Of this kind.
    #[param(nullable = false)]
    pub(crate) kind: Option<ObligationKind>,
}

/// Report what is overdue
///
/// Every open due date before today, the oldest first, with who answers for it.
#[utoipa::path(tag = "reports", params(OverdueFilter), security(("oauth2" = ["reports:read"])), responses(
    (status = 200, description = "期限超過 / A page of what is overdue", body = OverduePage), Problems))]
#[get("/reports/overdue")]
pub(super) async fn list_overdue(
    caller: Caller<scope::ReportsRead>,
    request: HttpRequest,
    Params(filter): Params<OverdueFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, &filter)?;
            page::answer(&path, &query, &OverduePage::new((items, next.clone())), next.as_deref())
        })
        .await
}

/// A page of the report and where it goes on.
pub(crate) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &OverdueFilter,
) -> Result<(Vec<Overdue>, Option<String>), ApiError> {
    let wanted = ObligationFilter {
        cursor: filter.cursor.clone(),
        limit: filter.limit,
        organization_id: filter.organization_id.clone(),
        kind: filter.kind,
        due_to: scope.today.pred_opt(),
        ..ObligationFilter::default()
    };
    let (found, next) = obligations::listed(scope, allowed, &wanted, "list_overdue")?;
    Ok((completed(scope, found)?, next))
}

/// Open due dates of a span of days, which a page shows: the same lines, with another filter.
///
/// # Errors
/// 400 for a cursor of another list.
pub(crate) fn between(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    (due_from, due_to): (Option<NaiveDate>, Option<NaiveDate>),
    cursor: Option<String>,
    limit: i64,
) -> Result<(Vec<Overdue>, Option<String>), ApiError> {
    let wanted = ObligationFilter {
        cursor,
        limit: Some(limit),
        due_from,
        due_to,
        ..ObligationFilter::default()
    };
    let (found, next) = obligations::listed(scope, allowed, &wanted, "page of due dates")?;
    Ok((completed(scope, found)?, next))
}

/// With the entries and companies behind them.
fn completed(scope: &mut Scope<'_>, found: Vec<Obligation>) -> Result<Vec<Overdue>, ApiError> {
    let ids: BTreeSet<String> = found.iter().filter_map(|one| one.entry_id.clone()).collect();
    let rows = line::rows(scope, &ids)?;
    let lines = line::lines(scope, &rows)?;
    let companies = line::counterparts(scope, &rows)?;
    let today = scope.today;
    let items = found.into_iter().map(|one| {
        let of = one.entry_id.as_ref();
        Overdue {
            entry: of.and_then(|id| lines.get(id).cloned()),
            contractor: of.and_then(|id| companies.get(id).cloned()),
            days_overdue: days_between(one.due_on, today),
            open_clauses: one
                .clauses
                .iter()
                .filter(|clause| clause.answer.is_none())
                .map(|clause| clause.clause_key.clone())
                .collect(),
            obligation_id: one.id,
            kind: one.kind,
            organization_id: one.organization_id,
            due_on: one.due_on,
            last_stage: one.last_stage,
            grace_until_on: one.grace_until_on,
        }
    });
    Ok(items.collect())
}

/// The columns of the report.
pub(super) fn columns() -> Vec<Column> {
    let mut columns = vec![
        shown("due_on", "期限", Cell::Date, "due_on"),
        shown("days_overdue", "超過日数", Cell::Integer, "days_overdue"),
        shown(
            "obligation_kind",
            "期限の種類",
            Cell::Word(words::<ObligationKind>()),
            "kind",
        ),
    ];
    columns.extend(line::line_columns());
    columns.extend(line::counterpart_columns());
    columns.extend([
        shown("open_clauses", "未回答の条項", Cell::Codes, "open_clauses"),
        shown("last_stage", "最後の督促", Cell::Code, "last_stage"),
        shown("grace_until_on", "督促の停止期限", Cell::Date, "grace_until_on"),
    ]);
    columns
}
