//! The yearly inspection (年次点検): what each post and owner has to confirm in a fiscal year, and when it was last
//! confirmed. Confirming is [`crate::obligations`]'; the body's own inspection is [`crate::self_inspections`]'.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use diesel::dsl::max;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::line::{self, EntryLine, shown};
use super::register::last_verified;
use crate::app::Scope;
use crate::db::schema::verifications;
use crate::domain::calendar::{fiscal_year, fiscal_year_days};
use crate::domain::vocabulary::{Kind, ObligationKind, Phase, Role};
use crate::entries::list::{EntryFilter, select_page};
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, Lang};
use crate::http::openapi::Problems;
use crate::http::page::{self, page_of};
use crate::obligations::{self, Obligation};
use crate::policies;
use crate::sheets::cells::Names;
use crate::sheets::columns::{Cell, Column, Target, words};
use crate::sheets::names;

/// An entry of the yearly inspection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct YearlyInspection {
    /// The entry.
    pub entry: EntryLine,
    /// The fiscal year.
    pub fiscal_year: i32,
    /// When its clauses were last confirmed, in the fiscal year or before.
    #[schema(required)]
    pub last_verified_on: Option<NaiveDate>,
    /// That was in the fiscal year.
    pub is_confirmed: bool,
    /// When somebody last went there.
    #[schema(required)]
    pub last_on_site_on: Option<NaiveDate>,
    /// When the open round is due.
    #[schema(required)]
    pub due_on: Option<NaiveDate>,
    /// The clauses of the open round.
    pub clauses: Vec<ClauseToInspect>,
}

/// A clause that is to be confirmed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClauseToInspect {
    /// The clause.
    pub clause_key: String,
    /// Its title.
    pub title: String,
    /// When the clause alone would be due.
    pub own_due_on: NaiveDate,
    /// In which role it is confirmed.
    pub assignee_role: Role,
    /// Who confirms it.
    #[schema(required)]
    pub assignee_name: Option<String>,
    /// It is answered already in this round.
    pub is_answered: bool,
}

page_of! {
    /// A page of the yearly inspection.
    YearlyInspectionPage of YearlyInspection
}

/// Filters of the report.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct YearlyInspectionFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Entries that are looked at, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The fiscal year, named by the year in which it begins; the present one without it.
    #[param(nullable = false, minimum = 2000, maximum = 2100)]
    fiscal_year: Option<i32>,
    /// Of this kind.
    #[param(nullable = false)]
    kind: Option<Kind>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
    /// Of this department.
    #[param(nullable = false, format = Uuid)]
    department_id: Option<String>,
    /// Owned by this person, not counting posts.
    #[param(nullable = false, format = Uuid)]
    owner_person_id: Option<String>,
    /// Owned by this post.
    #[param(nullable = false, format = Uuid)]
    owner_post_id: Option<String>,
}

/// Report the yearly inspection
///
/// Entries in performance, use or operation with the clauses that their owners have to confirm, and whether that was done
/// in the fiscal year; by entry. A page can be short or empty and still have `next_cursor`.
#[utoipa::path(tag = "reports", params(YearlyInspectionFilter), security(("oauth2" = ["reports:read"])), responses(
    (status = 200, description = "年次点検 / A page of the yearly inspection", body = YearlyInspectionPage), Problems))]
#[get("/reports/yearly-inspection")]
pub(super) async fn list_yearly_inspections(
    caller: Caller<scope::ReportsRead>,
    request: HttpRequest,
    Params(filter): Params<YearlyInspectionFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, &filter, caller.lang)?;
            let page = YearlyInspectionPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// A page of the report and where it goes on.
pub(super) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &YearlyInspectionFilter,
    lang: Lang,
) -> Result<(Vec<YearlyInspection>, Option<String>), ApiError> {
    let year = filter.fiscal_year.unwrap_or_else(|| fiscal_year(scope.today));
    let (first, last) = fiscal_year_days(year);
    let wanted = EntryFilter {
        cursor: filter.cursor.clone(),
        limit: filter.limit,
        kind: filter.kind,
        organization_id: filter.organization_id.clone(),
        department_id: filter.department_id.clone(),
        owner_person_id: filter.owner_person_id.clone(),
        owner_post_id: filter.owner_post_id.clone(),
        phase: Some(Phase::Active),
        ..EntryFilter::default()
    };
    let (rows, next) = select_page(scope, allowed, &wanted, &format!("list_yearly_inspections {year}"))?;
    let ids: BTreeSet<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut lines = line::lines(scope, &rows)?;
    let verified = last_verified(scope, &ids, last)?;
    let on_site = on_site(scope, &ids, last)?;
    let mut rounds: BTreeMap<String, Obligation> = BTreeMap::new();
    for round in obligations::open_of_entries(scope, &ids, ObligationKind::Reverification)? {
        if let Some(entry) = round.entry_id.clone() {
            rounds.insert(entry, round);
        }
    }
    let people: BTreeSet<String> = rounds
        .values()
        .flat_map(|round| &round.clauses)
        .filter_map(|clause| clause.assignee_person_id.clone())
        .collect();
    let people = names::load(scope, BTreeMap::from([(Target::Person, people)]))?;
    let bodies: BTreeSet<String> = rows.iter().map(|row| row.organization_id.clone()).collect();
    let today = scope.today;
    let catalogues = policies::catalogues_of(scope, &bodies, today)?;
    let mut items = vec![];
    for row in &rows {
        let Some(entry) = lines.remove(&row.id) else { continue };
        let catalogue = catalogues
            .get(&row.organization_id)
            .copied()
            .unwrap_or(&scope.app.catalogue);
        let title = |key: &str| {
            let clause = catalogue.clause(key);
            clause.map(|clause| lang.pick(&clause.title_ja, &clause.title_en).clone())
        };
        let round = rounds.remove(&row.id);
        let last_verified_on = verified.get(&row.id).copied();
        items.push(YearlyInspection {
            entry,
            fiscal_year: year,
            is_confirmed: last_verified_on.is_some_and(|on| on >= first),
            last_verified_on,
            last_on_site_on: on_site.get(&row.id).copied(),
            due_on: round.as_ref().map(|round| round.due_on),
            clauses: round.map(|round| to_inspect(round, &people, title)).unwrap_or_default(),
        });
    }
    Ok((items, next))
}

fn to_inspect(round: Obligation, people: &Names, title: impl Fn(&str) -> Option<String>) -> Vec<ClauseToInspect> {
    let clauses = round.clauses.into_iter().map(|clause| {
        let assignee = clause.assignee_person_id.map(|id| (Target::Person, id));
        ClauseToInspect {
            title: title(&clause.clause_key).unwrap_or_default(),
            clause_key: clause.clause_key,
            own_due_on: clause.own_due_on,
            assignee_role: clause.assignee_role,
            assignee_name: assignee
                .and_then(|key| people.0.get(&key))
                .map(|person| person.name.clone()),
            is_answered: clause.answer.is_some(),
        }
    });
    clauses.collect()
}

/// When somebody last went there, up to a day, by entry.
fn on_site(
    scope: &mut Scope<'_>,
    ids: &BTreeSet<String>,
    until: NaiveDate,
) -> Result<BTreeMap<String, NaiveDate>, ApiError> {
    let rows: Vec<(Option<String>, Option<NaiveDate>)> = verifications::table
        .filter(verifications::local_government_id.eq(&scope.lg))
        .filter(verifications::entry_id.eq_any(ids.iter().map(Some)))
        .filter(verifications::on_site.eq(true))
        .filter(verifications::verified_on.le(until))
        .group_by(verifications::entry_id)
        .select((verifications::entry_id, max(verifications::verified_on)))
        .load(scope.conn)?;
    Ok(rows.into_iter().filter_map(|(id, on)| Some((id?, on?))).collect())
}

/// The columns of the report: a row for each clause, and one for an entry without any.
pub(super) fn columns() -> Vec<Column> {
    let mut columns = line::line_columns();
    columns.extend([
        shown("fiscal_year", "年度", Cell::Integer, "fiscal_year"),
        shown("is_confirmed", "年度内に確認済み", Cell::Boolean, "is_confirmed"),
        shown("last_verified_on", "最終確認日", Cell::Date, "last_verified_on"),
        shown("last_on_site_on", "最終実地確認日", Cell::Date, "last_on_site_on"),
        shown("due_on", "確認の期限", Cell::Date, "due_on"),
        shown("clause_key", "条項キー", Cell::Code, "clauses.clause_key"),
        shown("title", "条項名", Cell::Text, "clauses.title"),
        shown("own_due_on", "条項の期限", Cell::Date, "clauses.own_due_on"),
        shown(
            "assignee_role",
            "確認者の役割",
            Cell::Word(words::<Role>()),
            "clauses.assignee_role",
        ),
        shown("assignee_name", "確認者氏名", Cell::Text, "clauses.assignee_name"),
        shown("is_answered", "回答済み", Cell::Boolean, "clauses.is_answered"),
    ]);
    columns
}
