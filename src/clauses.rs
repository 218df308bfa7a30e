//! The clauses of an entry: which are required and why, how far each is fulfilled, and recording that.
//!
//! Reading and writing here is for systems and the section; confirming is a verification
//! ([`crate::verifications`]). The catalogue itself is listed by [`catalogue`].

pub mod catalogue;
mod put;
pub(crate) mod stored;

use actix_web::{HttpResponse, get, put, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::domain::requirement::{Reason, Requirement};
use crate::domain::vocabulary::{FulfilmentStatus, RequirementLevel, Role, Severity};
use crate::entries::rows;
use crate::entries::state::{self, Situation};
use crate::http::answer::{Answer, etag};
use crate::http::body::{Body, IfMatch, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, Lang};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};

pub use put::{AgreementPut, FulfilmentPut, put};
pub(crate) use put::{record, write};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_entry_clauses)
        .service(put_entry_clause)
        .configure(catalogue::routes);
}

/// Where a clause is agreed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Agreement {
    /// The period of the contract; null where the kind has no periods.
    #[schema(required, format = Uuid)]
    pub period_id: Option<String>,
    /// The article (条番号).
    #[schema(required, example = "第12条")]
    pub article: Option<String>,
    /// The words of the contract.
    #[schema(required)]
    pub quotation: Option<String>,
    /// When it was agreed.
    #[schema(required)]
    pub agreed_on: Option<NaiveDate>,
    /// The evidence.
    #[schema(required, format = Uuid)]
    pub evidence_id: Option<String>,
}

/// A clause of an entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryClause {
    /// The clause.
    #[schema(example = "confidentiality-obligation")]
    pub clause_key: String,
    /// Its title.
    pub title: String,
    /// What is required.
    pub requirement: String,
    /// Required of this entry today; false for one that was recorded and no longer applies.
    pub required: bool,
    /// Whether it must be there.
    #[schema(required)]
    pub requirement_level: Option<RequirementLevel>,
    /// What its absence does.
    pub severity: Severity,
    /// Its weight.
    pub weight: u32,
    /// Why it applies.
    pub reasons: Vec<Reason>,
    /// How far it is fulfilled today.
    pub status: FulfilmentStatus,
    /// Days since its round was due.
    pub days_overdue: i64,
    /// Declared by the contractor or the section.
    pub declared: bool,
    /// Where it is agreed in the current period.
    #[schema(required)]
    pub agreement: Option<Agreement>,
    /// When it was last found met.
    #[schema(required)]
    pub verified_on: Option<NaiveDate>,
    /// By whom.
    #[schema(required, format = Uuid)]
    pub verified_by_person_id: Option<String>,
    /// Why it does not apply here.
    #[schema(required)]
    pub not_applicable_reason: Option<String>,
    /// The evidence behind the last answer.
    #[schema(required, format = Uuid)]
    pub evidence_id: Option<String>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// Who confirms it.
    pub verifier_role: Role,
    /// Kinds of evidence that show it.
    pub evidence_kinds: Vec<String>,
    /// Version of the fulfilment; 0 while nothing is recorded.
    pub version: i64,
    /// Entity tag of the fulfilment, for `If-Match`.
    pub etag: String,
}

/// The clauses of an entry, by number.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryClauses {
    /// Every required clause, and those recorded earlier.
    pub items: Vec<EntryClause>,
    /// The version of the catalogue.
    pub catalogue_version: String,
    /// The organization's policy version that is merged into it; null while the catalogue alone holds.
    #[schema(required, format = Uuid)]
    pub policy_version_id: Option<String>,
}

/// List the clauses of an entry
///
/// Every clause that its facts, kind and phase require, with the reason, and how far it is fulfilled today. The list is
/// bounded by the catalogue and has no cursor.
#[utoipa::path(tag = "clauses", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "条項 / The clauses", body = EntryClauses), Problems))]
#[get("/entries/{entry_id}/clauses")]
async fn list_entry_clauses(
    caller: Caller<scope::EntriesRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let entry = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let situation = state::situation(scope, entry)?;
            let items = entry_clauses(scope, &situation, caller.lang);
            Answer::ok(EntryClauses {
                items,
                catalogue_version: situation.catalogue.version.clone(),
                policy_version_id: situation.catalogue.policy_version_id.clone(),
            })
        })
        .await
}

/// Record how far a clause is fulfilled
///
/// `agreed` belongs to a period (the current one without `period_id`), the rest to the entry. Needs `If-Match` with the
/// clause's `etag`; `"0"` or `*` while nothing is recorded. Risk and due dates follow in the same transaction.
#[utoipa::path(tag = "clauses", request_body = FulfilmentPut,
    params(("entry_id" = String, Path, description = "台帳のID", format = Uuid),
           ("clause_key" = String, Path, description = "条項のキー"),
           ("If-Match" = String, Header, description = "条項の etag / the clause's etag")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "記録した条項 / The clause", body = EntryClause, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[put("/entries/{entry_id}/clauses/{clause_key}")]
async fn put_entry_clause(
    caller: Caller<scope::EntriesWrite>,
    path: web::Path<(String, String)>,
    Body(new): Body<FulfilmentPut>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let (id, key) = path.into_inner();
            let entry = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let catalogue = scope.catalogue_of(&entry.organization_id, scope.today)?;
            catalogue.clause(&key).ok_or(ApiError::NotFound)?;
            let before = stored::load(scope, &entry.id)?;
            if_match.check(before.fulfilments.get(&key).map_or(0, |row| row.version), caller.lang)?;
            rows::require_live(&entry)?;
            put(scope, &caller.organizations, &entry.id, &key, new)?;
            let entry = rows::find(scope, &caller.organizations, &entry.id)?;
            let situation = state::situation(scope, entry)?;
            let clause = entry_clauses(scope, &situation, caller.lang)
                .into_iter()
                .find(|clause| clause.clause_key == key)
                .ok_or(ApiError::NotFound)?;
            Ok(Answer::ok(&clause)?.version(clause.version))
        })
        .await
}

/// Every required clause and those recorded earlier, by number.
pub(crate) fn entry_clauses(scope: &Scope<'_>, situation: &Situation<'_>, lang: Lang) -> Vec<EntryClause> {
    let mut items = vec![];
    let period_id = situation.period.as_ref().map(|period| period.id.as_str());
    for clause in &situation.catalogue.clauses {
        let found = situation
            .requirements
            .iter()
            .find(|requirement| requirement.clause.key == clause.key);
        let row = situation.stored.fulfilments.get(&clause.key);
        let agreement = situation.stored.agreement(&clause.key, period_id);
        if found.is_none() && row.is_none() {
            continue;
        }
        let standing = Requirement {
            clause,
            level: found.map_or(clause.requirement_level, |requirement| requirement.level),
            reasons: found.map(|requirement| requirement.reasons.clone()).unwrap_or_default(),
        };
        let (status, days_overdue) = situation.status(&standing, scope.today);
        let blank = stored::FulfilmentRow::default();
        let row = row.unwrap_or(&blank);
        items.push(EntryClause {
            clause_key: clause.key.clone(),
            title: lang.pick(&clause.title_ja, &clause.title_en).clone(),
            requirement: lang.pick(&clause.requirement_ja, &clause.requirement_en).clone(),
            required: found.is_some(),
            requirement_level: found.map(|requirement| requirement.level),
            severity: clause.severity,
            weight: clause.weight,
            reasons: standing.reasons,
            status,
            days_overdue,
            declared: row.declared,
            agreement: agreement.map(|row| Agreement {
                period_id: row.period_id.clone(),
                article: row.article.clone(),
                quotation: row.quotation.clone(),
                agreed_on: row.agreed_on,
                evidence_id: row.evidence_id.clone(),
            }),
            verified_on: row.verified_on,
            verified_by_person_id: row.verified_by_person_id.clone(),
            not_applicable_reason: row.not_applicable_reason.clone(),
            evidence_id: row.evidence_id.clone(),
            note: row.note.clone(),
            verifier_role: clause.verifier_role,
            evidence_kinds: clause.evidence.clone(),
            version: row.version,
            etag: etag(row.version, lang),
        });
    }
    items
}
