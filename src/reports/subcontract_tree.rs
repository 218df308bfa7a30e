//! Who works below whom (再委託の体制): the chain of subcontracts of each engagement, in the order of a tree. The rules of
//! the chain are [`crate::domain::subcontract`]'s, single subcontracts [`crate::subcontracts`]'.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::line::{self, Counterpart, EntryLine, shown};
use crate::app::Scope;
use crate::domain::subcontract::{self, SubcontractState};
use crate::domain::vocabulary::Kind;
use crate::entries::list::{EntryFilter, select_page};
use crate::entries::rows::EntryRow;
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, page_of};
use crate::sheets::columns::{Cell, Column, words};
use crate::subcontracts;
use crate::subcontracts::wire::Subcontract;

/// An engagement with everybody who works below its contractor.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubcontractTree {
    /// The engagement.
    pub entry: EntryLine,
    /// Its contractor.
    #[schema(required)]
    pub contractor: Option<Counterpart>,
    /// The subcontracts, each behind the one above it.
    pub subcontracts: Vec<SubcontractLine>,
}

/// A subcontract of the tree.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubcontractLine {
    /// Tiers and names from the top: `1-2` is the second below the first.
    #[schema(example = "1-2")]
    pub place: String,
    /// The subcontractor.
    #[schema(required)]
    pub contractor: Option<Counterpart>,
    /// The subcontract.
    pub subcontract: Subcontract,
}

page_of! {
    /// A page of trees.
    SubcontractTreePage of SubcontractTree
}

/// Report the trees of subcontracts
///
/// Engagements with subcontracts; filters and orders are those of `/entries`. `limit` counts the engagements that are
/// looked at, so a page can be short or empty and still have `next_cursor`.
#[utoipa::path(tag = "reports", params(EntryFilter), security(("oauth2" = ["reports:read"])), responses(
    (status = 200, description = "再委託の体制 / A page of trees", body = SubcontractTreePage), Problems))]
#[get("/reports/subcontract-tree")]
pub(super) async fn list_subcontract_trees(
    caller: Caller<scope::ReportsRead>,
    request: HttpRequest,
    Params(filter): Params<EntryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, filter)?;
            let page = SubcontractTreePage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// A page of the report and where it goes on.
pub(super) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: EntryFilter,
) -> Result<(Vec<SubcontractTree>, Option<String>), ApiError> {
    let filter = filter.of_kind(Kind::ContractorEngagement)?;
    let (rows, next) = select_page(scope, allowed, &filter, "list_subcontract_trees")?;
    Ok((trees(scope, &rows)?, next))
}

/// The trees of those of these engagements that have subcontracts.
///
/// # Errors
/// A database failure.
pub(crate) fn trees(scope: &mut Scope<'_>, rows: &[EntryRow]) -> Result<Vec<SubcontractTree>, ApiError> {
    let ids: BTreeSet<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut chains: BTreeMap<String, Vec<Subcontract>> = BTreeMap::new();
    for one in subcontracts::of_engagements(scope, &ids)? {
        chains.entry(one.engagement_id.clone()).or_default().push(one);
    }
    let named: BTreeSet<String> = chains.values().flatten().map(|one| one.contractor_id.clone()).collect();
    let below = line::companies(scope, &named)?;
    let mut lines = line::lines(scope, rows)?;
    let mut companies = line::counterparts(scope, rows)?;
    let mut items = vec![];
    for row in rows {
        let (Some(chain), Some(entry)) = (chains.remove(&row.id), lines.remove(&row.id)) else {
            continue;
        };
        let above: Vec<(String, Option<String>)> = chain
            .iter()
            .map(|one| (one.id.clone(), one.parent_subcontract_id.clone()))
            .collect();
        let mut chain: BTreeMap<String, Subcontract> = chain.into_iter().map(|one| (one.id.clone(), one)).collect();
        let ordered = subcontract::tree(&above).into_iter().filter_map(|(id, place)| {
            let subcontract = chain.remove(&id)?;
            Some(SubcontractLine {
                place,
                contractor: below.get(&subcontract.contractor_id).cloned(),
                subcontract,
            })
        });
        items.push(SubcontractTree {
            subcontracts: ordered.collect(),
            contractor: companies.remove(&row.id),
            entry,
        });
    }
    Ok(items)
}

/// The columns of the report: a row for each subcontract.
pub(super) fn columns() -> Vec<Column> {
    let mut columns = line::line_columns();
    columns.extend(line::counterpart_columns());
    columns.extend([
        shown("place", "階層", Cell::Code, "subcontracts.place"),
        shown("tier", "次数", Cell::Integer, "subcontracts.subcontract.tier"),
        shown(
            "subcontractor_name",
            "再委託先名",
            Cell::Text,
            "subcontracts.contractor.name",
        ),
        shown(
            "subcontractor_corporate_number",
            "再委託先法人番号",
            Cell::Code,
            "subcontracts.contractor.corporate_number",
        ),
        shown("work", "再委託の内容", Cell::Text, "subcontracts.subcontract.work"),
        shown(
            "state",
            "再委託の状態",
            Cell::Word(words::<SubcontractState>()),
            "subcontracts.subcontract.state",
        ),
        shown(
            "permitted",
            "承認が有効",
            Cell::Boolean,
            "subcontracts.subcontract.permitted",
        ),
        shown(
            "handles_personal_information",
            "個人情報",
            Cell::Boolean,
            "subcontracts.subcontract.handles_personal_information",
        ),
        shown(
            "handles_specific_personal_information",
            "特定個人情報",
            Cell::Boolean,
            "subcontracts.subcontract.handles_specific_personal_information",
        ),
        shown(
            "amount_jpy",
            "再委託金額（円）",
            Cell::Integer,
            "subcontracts.subcontract.amount_jpy",
        ),
        shown(
            "starts_on",
            "再委託開始日",
            Cell::Date,
            "subcontracts.subcontract.starts_on",
        ),
        shown(
            "ends_on",
            "再委託終了日",
            Cell::Date,
            "subcontracts.subcontract.ends_on",
        ),
        shown(
            "decided_on",
            "承認日",
            Cell::Date,
            "subcontracts.subcontract.decision.decided_on",
        ),
    ]);
    columns
}
