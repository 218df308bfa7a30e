//! The clause catalogue over HTTP: what can be required of an entry, and where that comes from.
//!
//! The catalogue is a data file of the build ([`crate::domain::catalogue`]); with the name of an organization it is shown
//! as that organization's policy has it on a day ([`crate::policies`]). Texts are in the language of the request. How far an entry fulfils its clauses is in the
//! module above; which clauses given facts call for can be asked of [`crate::what_if`].

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::domain::catalogue::{Basis, Catalogue, Clause, ClauseGroup, LevelFact, LevelFrom, SourceRef, When};
use crate::domain::facts::FactName;
use crate::domain::vocabulary::{FulfilmentStatus, Kind, Phase, RequirementLevel, Role, Severity};
use crate::http::answer::Answer;
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, Lang};
use crate::http::openapi::Problems;
use crate::http::page::{self, After, page_of};
use crate::organizations;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_clauses).service(get_clause);
}

/// A clause of the catalogue (必要条項).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CatalogueClause {
    /// Its stable name.
    #[schema(example = "return-and-disposal")]
    pub key: String,
    /// Its number, for people.
    pub number: u32,
    /// Its chapter.
    pub group: ClauseGroup,
    /// Title, in the language of the request.
    pub title: String,
    /// What is required, in the language of the request.
    pub requirement: String,
    /// The kinds of entry it concerns.
    pub applies_to: Vec<Kind>,
    /// Mandatory or recommended.
    pub requirement_level: RequirementLevel,
    /// A later, stricter level; null when there is none.
    #[schema(required)]
    pub requirement_level_from: Option<LaterLevel>,
    /// What its absence does.
    pub severity: Severity,
    /// Its weight in the coverage.
    #[schema(minimum = 1, maximum = 5)]
    pub weight: u32,
    /// The phase from which it counts.
    pub phase_from: Phase,
    /// The facts that call for it; null: every entry of its kinds.
    #[schema(required)]
    pub when: Option<When>,
    /// The transitions that wait for it.
    pub gates: Vec<KindGate>,
    /// The kinds of evidence that show it.
    pub evidence: Vec<String>,
    /// Months after which it is confirmed again, at the latest.
    pub reverify_months: u32,
    /// Who confirms it.
    pub verifier_role: Role,
    /// The number among the thirteen contract items of the ministry's guideline (契約項目).
    #[schema(required)]
    pub mic_contract_item: Option<u32>,
    /// Where it comes from.
    pub sources: Vec<ClauseSource>,
    /// The paragraphs of the bodies' own policies that ask for it.
    pub seed_basis: Vec<String>,
    /// Whether the law itself demands it, so that no exception can be granted.
    pub statutory: bool,
    /// What to know about it, in Japanese.
    #[schema(required)]
    pub note: Option<String>,
    /// The version of the catalogue.
    #[schema(example = "2026.1")]
    pub catalogue_version: String,
}

/// A level that replaces the first one for what is procured from a day on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LaterLevel {
    /// The fact whose date is compared.
    pub fact: FactName,
    /// The first day.
    pub from_on: NaiveDate,
    /// The level from then on.
    pub requirement_level: RequirementLevel,
}

/// A transition of one kind of entry that waits for the clause.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KindGate {
    /// The kind of entry.
    pub kind: Kind,
    /// The transition.
    #[schema(example = "conclude_contract")]
    pub transition: String,
    /// How far the clause must be fulfilled.
    pub min_status: FulfilmentStatus,
}

/// A place in a source.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClauseSource {
    /// The short name of the source.
    #[schema(example = "mic_gl_r8")]
    pub source: String,
    /// Title of the source, in Japanese.
    pub title: String,
    /// The section.
    pub section: String,
    /// How well this place is known.
    pub basis: Basis,
    /// Where the source is published.
    #[schema(required)]
    pub url: Option<String>,
}

page_of! {
    /// A page of the catalogue.
    CatalogueClausePage of CatalogueClause
}

impl CatalogueClause {
    fn of(catalogue: &Catalogue, clause: &Clause, lang: Lang) -> Self {
        let gates = clause.gates.iter().flat_map(|(kind, gates)| {
            gates.iter().map(|gate| KindGate {
                kind: *kind,
                transition: gate.transition.clone(),
                min_status: gate.min_status,
            })
        });
        Self {
            key: clause.key.clone(),
            number: clause.number,
            group: clause.group,
            title: lang.pick(&clause.title_ja, &clause.title_en).clone(),
            requirement: lang.pick(&clause.requirement_ja, &clause.requirement_en).clone(),
            applies_to: clause.applies_to.clone(),
            requirement_level: clause.requirement_level,
            requirement_level_from: clause.requirement_level_from.as_ref().map(LaterLevel::of),
            severity: clause.severity,
            weight: clause.weight,
            phase_from: clause.phase_from,
            when: clause.when.clone(),
            gates: gates.collect(),
            evidence: clause.evidence.clone(),
            reverify_months: clause.reverify_months,
            verifier_role: clause.verifier_role,
            mic_contract_item: clause.mic_contract_item,
            sources: clause
                .sources
                .iter()
                .map(|place| ClauseSource::of(catalogue, place))
                .collect(),
            seed_basis: clause.seed_basis.clone(),
            statutory: clause.is_statutory(),
            note: clause.note_ja.clone(),
            catalogue_version: catalogue.version.clone(),
        }
    }
}

impl LaterLevel {
    fn of(later: &LevelFrom) -> Self {
        let LevelFact::ProcuredOn = later.fact;
        Self {
            fact: FactName::ProcuredOn,
            from_on: later.date,
            requirement_level: later.level,
        }
    }
}

impl ClauseSource {
    fn of(catalogue: &Catalogue, place: &SourceRef) -> Self {
        let source = catalogue.sources.get(&place.source);
        Self {
            source: place.source.clone(),
            title: source.map_or_else(|| place.source.clone(), |source| source.title_ja.clone()),
            section: place.section.clone(),
            basis: place.basis,
            url: source.and_then(|source| source.url.clone()),
        }
    }
}

/// Filters of the catalogue.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClauseFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Clauses on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Clauses that concern this kind of entry.
    #[param(nullable = false, inline)]
    kind: Option<Kind>,
    /// Clauses of this chapter.
    #[param(nullable = false, inline)]
    group: Option<ClauseGroup>,
    /// As the policy of this organization has them; the catalogue alone without it.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
    /// On this day; today without it.
    #[param(nullable = false)]
    as_of_on: Option<NaiveDate>,
}

/// Whose clause.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClausePolicy {
    /// As the policy of this organization has it; the catalogue alone without it.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
    /// On this day; today without it.
    #[param(nullable = false)]
    as_of_on: Option<NaiveDate>,
}

/// The catalogue, as an organization's policy has it on a day when one is named.
fn catalogue_for<'c>(
    scope: &mut Scope<'c>,
    allowed: &Organizations,
    organization_id: Option<&str>,
    as_of_on: Option<NaiveDate>,
) -> Result<&'c Catalogue, ApiError> {
    let Some(id) = organization_id else {
        return Ok(&scope.app.catalogue);
    };
    allowed.check(id)?;
    organizations::row(scope, id)?;
    scope.catalogue_of(id, as_of_on.unwrap_or(scope.today))
}

/// List clauses
///
/// The clause catalogue by number: what can be required, when it is, and where that comes from. Texts in the language
/// of `Accept-Language`.
#[utoipa::path(tag = "clauses", params(ClauseFilter), security(("oauth2" = ["clauses:read"])), responses(
    (status = 200, description = "条項の一覧 / A page of clauses", body = CatalogueClausePage), Problems))]
#[get("/clauses")]
async fn list_clauses(
    caller: Caller<scope::ClausesRead>,
    request: HttpRequest,
    Params(filter): Params<ClauseFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let shown = (filter.kind, filter.group, &filter.organization_id, filter.as_of_on);
            let print = page::fingerprint("list_clauses", &shown);
            let after = match page::after(filter.cursor.as_deref(), &print)? {
                Some(after) => after.key.parse().map_err(|_| ApiError::InvalidCursor)?,
                None => 0,
            };
            let (id, on) = (filter.organization_id.as_deref(), filter.as_of_on);
            let catalogue = catalogue_for(scope, &caller.organizations, id, on)?;
            let clauses = catalogue
                .clauses
                .iter()
                .filter(|clause| clause.number > after)
                .filter(|clause| filter.kind.is_none_or(|kind| clause.applies_to.contains(&kind)))
                .filter(|clause| filter.group.is_none_or(|group| clause.group == group))
                .take(usize::try_from(limit).unwrap_or(200) + 1)
                .collect();
            let (clauses, next) = page::cut(clauses, limit, None, &print, |clause: &&Clause| After {
                key: clause.number.to_string(),
                id: clause.key.clone(),
            });
            let items = clauses
                .into_iter()
                .map(|clause| CatalogueClause::of(catalogue, clause, caller.lang))
                .collect();
            let page = CatalogueClausePage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get a clause
///
/// By its stable name. Texts in the language of `Accept-Language`.
#[utoipa::path(tag = "clauses",
    params(("clause_key" = String, Path, description = "条項のキー / its stable name", example = "return-and-disposal", max_length = 100), ClausePolicy),
    security(("oauth2" = ["clauses:read"])), responses(
    (status = 200, description = "条項 / The clause", body = CatalogueClause), Problems))]
#[get("/clauses/{clause_key}")]
async fn get_clause(
    caller: Caller<scope::ClausesRead>,
    key: web::Path<String>,
    Params(policy): Params<ClausePolicy>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let id = policy.organization_id.as_deref();
            let catalogue = catalogue_for(scope, &caller.organizations, id, policy.as_of_on)?;
            let clause = catalogue.clause(&key).ok_or(ApiError::NotFound)?;
            Answer::ok(CatalogueClause::of(catalogue, clause, caller.lang))
        })
        .await
}
