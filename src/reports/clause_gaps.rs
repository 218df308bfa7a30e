//! Clauses that are required and neither agreed, confirmed nor excepted, entry by entry, from the stored assessments. One
//! entry's clauses with their reasons are in [`crate::clauses`].

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, get};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::line::{self, Counterpart, EntryLine, shown};
use crate::app::Scope;
use crate::db::schema::risk_assessments;
use crate::domain::fulfilment;
use crate::domain::risk::RiskAssessment;
use crate::domain::vocabulary::{FulfilmentStatus, Severity};
use crate::entries::list::{EntryFilter, select_page};
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, Lang};
use crate::http::openapi::Problems;
use crate::http::page::{self, page_of};
use crate::policies;
use crate::sheets::columns::{Cell, Column, words};

/// An entry with the clauses that it lacks.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClauseGaps {
    /// The entry.
    pub entry: EntryLine,
    /// The company behind it.
    #[schema(required)]
    pub contractor: Option<Counterpart>,
    /// The clauses, in the order of the catalogue.
    pub gaps: Vec<ClauseGap>,
}

/// A clause that is lacking.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClauseGap {
    /// The clause.
    pub clause_key: String,
    /// Its title.
    pub title: String,
    /// What its absence does.
    pub severity: Severity,
    /// How far it is fulfilled.
    pub status: FulfilmentStatus,
    /// Days since its round was due.
    pub days_overdue: i64,
}

page_of! {
    /// A page of entries that lack clauses.
    ClauseGapsPage of ClauseGaps
}

/// Report missing clauses
///
/// Entries that lack required clauses; filters and orders are those of `/entries`. `limit` counts the entries that are
/// looked at, so a page can be short or empty and still have `next_cursor`.
#[utoipa::path(tag = "reports", params(EntryFilter), security(("oauth2" = ["reports:read"])), responses(
    (status = 200, description = "条項の不足 / A page of entries that lack clauses", body = ClauseGapsPage), Problems))]
#[get("/reports/clause-gaps")]
pub(super) async fn list_clause_gaps(
    caller: Caller<scope::ReportsRead>,
    request: HttpRequest,
    Params(filter): Params<EntryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, &filter, caller.lang)?;
            page::answer(
                &path,
                &query,
                &ClauseGapsPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// A page of the report and where it goes on.
pub(super) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &EntryFilter,
    lang: Lang,
) -> Result<(Vec<ClauseGaps>, Option<String>), ApiError> {
    let (rows, next) = select_page(scope, allowed, filter, "list_clause_gaps")?;
    let assessments: BTreeSet<&String> = rows.iter().filter_map(|row| row.assessment_id.as_ref()).collect();
    let results: Vec<(String, String)> = risk_assessments::table
        .filter(risk_assessments::local_government_id.eq(&scope.lg))
        .filter(risk_assessments::id.eq_any(assessments))
        .select((risk_assessments::entry_id, risk_assessments::result))
        .load(scope.conn)?;
    let results: BTreeMap<String, String> = results.into_iter().collect();
    let mut lines = line::lines(scope, &rows)?;
    let mut companies = line::counterparts(scope, &rows)?;
    let bodies: BTreeSet<String> = rows.iter().map(|row| row.organization_id.clone()).collect();
    let today = scope.today;
    let catalogues = policies::catalogues_of(scope, &bodies, today)?;
    let mut items = vec![];
    for row in &rows {
        let Some(result) = results.get(&row.id).filter(|_| !row.status.0.is_final()) else {
            continue;
        };
        let assessment: RiskAssessment = serde_json::from_str(result)?;
        let catalogue = catalogues
            .get(&row.organization_id)
            .copied()
            .unwrap_or(&scope.app.catalogue);
        let lacking = assessment
            .clauses
            .into_iter()
            .filter(|clause| fulfilment::is_lacking(clause.status, clause.days_overdue));
        let gaps: Vec<ClauseGap> = lacking
            .map(|clause| ClauseGap {
                title: catalogue
                    .clause(&clause.clause_key)
                    .map(|known| lang.pick(&known.title_ja, &known.title_en).clone())
                    .unwrap_or_default(),
                clause_key: clause.clause_key,
                severity: clause.severity,
                status: clause.status,
                days_overdue: clause.days_overdue.max(0),
            })
            .collect();
        if let Some(entry) = lines.remove(&row.id).filter(|_| !gaps.is_empty()) {
            let contractor = companies.remove(&row.id);
            items.push(ClauseGaps {
                entry,
                contractor,
                gaps,
            });
        }
    }
    Ok((items, next))
}

/// The columns of the report: a row for each clause.
pub(super) fn columns() -> Vec<Column> {
    let mut columns = line::line_columns();
    columns.extend(line::counterpart_columns());
    columns.extend([
        shown("clause_key", "条項キー", Cell::Code, "gaps.clause_key"),
        shown("title", "条項名", Cell::Text, "gaps.title"),
        shown("severity", "重要度", Cell::Word(words::<Severity>()), "gaps.severity"),
        shown(
            "fulfilment",
            "状況",
            Cell::Word(words::<FulfilmentStatus>()),
            "gaps.status",
        ),
        shown("days_overdue", "超過日数", Cell::Integer, "gaps.days_overdue"),
    ]);
    columns
}
