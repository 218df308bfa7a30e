//! Reports over the whole register that are no list of a resource: registers as they are printed, what is to be renewed,
//! overdue or missing, chains of subcontracts, the yearly inspection, entries without an owner, and how ready the
//! register is for the rule of 1 July 2027.
//!
//! Each is a page for programs and, by its [`ReportKey`], a file for people ([`crate::exports`]). How they name an entry is
//! [`mod@line`]'s.

mod clause_gaps;
mod contractor_register;
pub(crate) mod line;
pub(crate) mod overdue;
pub(crate) mod overview;
mod ownerless;
mod readiness;
mod register;
mod renewals;
mod social_media_register;
pub(crate) mod subcontract_tree;
mod yearly_inspection;

use serde_json::{Map, Value};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::domain::vocabulary::code_words;
use crate::exports::subject::{typed, values};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::sheets::columns::Column;

/// Entries that one page looks through; what belongs to them is looked up in as many statements for any number.
const WINDOW: i64 = 2_000;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(register::list_register)
        .service(social_media_register::list_social_media_register)
        .service(contractor_register::list_contractor_register)
        .service(renewals::list_renewals)
        .service(overdue::list_overdue)
        .service(clause_gaps::list_clause_gaps)
        .service(subcontract_tree::list_subcontract_trees)
        .service(yearly_inspection::list_yearly_inspections)
        .service(ownerless::list_ownerless_entries)
        .service(readiness::report_readiness);
}

code_words! {
    /// A report that can be exported.
    ReportKey {
        Register = "register", "台帳";
        SocialMediaRegister = "social_media_register", "ソーシャルメディア台帳";
        ContractorRegister = "contractor_register", "委託事業者台帳";
        Renewals = "renewals", "更新予定";
        Overdue = "overdue", "期限超過";
        ClauseGaps = "clause_gaps", "条項の不足";
        SubcontractTree = "subcontract_tree", "再委託の体制";
        YearlyInspection = "yearly_inspection", "年次点検";
    }
}

impl ReportKey {
    /// Its columns.
    pub fn columns(self) -> Vec<Column> {
        match self {
            Self::Register => register::columns(),
            Self::SocialMediaRegister => social_media_register::columns(),
            Self::ContractorRegister => contractor_register::columns(),
            Self::Renewals => renewals::columns(),
            Self::Overdue => overdue::columns(),
            Self::ClauseGaps => clause_gaps::columns(),
            Self::SubcontractTree => subcontract_tree::columns(),
            Self::YearlyInspection => yearly_inspection::columns(),
        }
    }

    /// The list in its items of which each member is a row of a sheet.
    const fn rows_are(self) -> Option<&'static str> {
        match self {
            Self::ClauseGaps => Some("gaps"),
            Self::SubcontractTree => Some("subcontracts"),
            Self::YearlyInspection => Some("clauses"),
            _ => None,
        }
    }

    /// The items of the report as rows of a sheet: one for each member of the list within, or one alone.
    pub(crate) fn rows(self, items: Vec<Value>) -> Vec<Value> {
        let Some(list) = self.rows_are() else { return items };
        let mut rows = vec![];
        for mut item in items {
            let members = match item.get_mut(list).map(Value::take) {
                Some(Value::Array(members)) if !members.is_empty() => members,
                _ => vec![Value::Null],
            };
            for member in members {
                let mut row = item.clone();
                if let Value::Object(fields) = &mut row {
                    fields.insert(list.to_owned(), member);
                }
                rows.push(row);
            }
        }
        rows
    }
}

/// The next items of a report, as JSON, and where it goes on.
///
/// # Errors
/// 422 for a filter that the report does not have.
pub(crate) fn chunk(
    scope: &mut Scope<'_>,
    report: ReportKey,
    allowed: &Organizations,
    filter: Map<String, Value>,
    lang: Lang,
) -> Result<(Vec<Value>, Option<String>), ApiError> {
    match report {
        ReportKey::Register => values(register::listed(scope, allowed, &typed(filter)?)?),
        ReportKey::SocialMediaRegister => values(social_media_register::listed(scope, allowed, typed(filter)?)?),
        ReportKey::ContractorRegister => values(contractor_register::listed(scope, allowed, &typed(filter)?)?),
        ReportKey::Renewals => values(renewals::listed(scope, allowed, &typed(filter)?)?),
        ReportKey::Overdue => values(overdue::listed(scope, allowed, &typed(filter)?)?),
        ReportKey::ClauseGaps => values(clause_gaps::listed(scope, allowed, &typed(filter)?, lang)?),
        ReportKey::SubcontractTree => values(subcontract_tree::listed(scope, allowed, typed(filter)?)?),
        ReportKey::YearlyInspection => values(yearly_inspection::listed(scope, allowed, &typed(filter)?, lang)?),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::domain::vocabulary::CodeWord;

    #[test]
    fn every_column_of_a_report_has_one_header() {
        for report in ReportKey::ALL {
            let columns = report.columns();
            for of in [
                |column: &Column| column.key.clone(),
                |column: &Column| column.ja.clone(),
            ] {
                let headers: BTreeSet<_> = columns.iter().map(of).collect();
                assert_eq!(headers.len(), columns.len(), "{report}");
            }
        }
    }

    #[test]
    fn a_list_within_an_item_becomes_rows() {
        let items = vec![
            json!({"a": 1, "gaps": [{"k": 1}, {"k": 2}]}),
            json!({"a": 2, "gaps": []}),
        ];
        let rows = ReportKey::ClauseGaps.rows(items);
        let expected = json!([{"a": 1, "gaps": {"k": 1}}, {"a": 1, "gaps": {"k": 2}}, {"a": 2, "gaps": null}]);
        assert_eq!(Value::Array(rows), expected);
        let alone = vec![json!({"a": 1})];
        assert_eq!(ReportKey::Register.rows(alone.clone()), alone);
    }
}
