//! The page of an entry: what it is, its clauses with status and evidence, its score as a sum that one can follow, what is
//! due, who works below whom, and what happened.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::frame::{Frame, page};
use super::overview::register_path;
use super::registers::{self, Line};
use super::said;
use super::viewer::Viewer;
use crate::app::Scope;
use crate::audit_log::{self, JournalEntry};
use crate::clauses::{self, EntryClause};
use crate::domain::risk::RiskAssessment;
use crate::domain::vocabulary::{CodeWord, FulfilmentStatus, Kind, Level, RequirementLevel};
use crate::entries::rows::{self, EntryRow};
use crate::entries::state;
use crate::http::body::path_id;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::obligations::{self, ObligationFilter};
use crate::reports::subcontract_tree::{self, SubcontractLine};
use crate::sheets::cells::{self, HeaderLanguage, Manner};
use crate::sheets::columns::{Entity, Target};
use crate::sheets::names;
use crate::{cloud_services, engagements, evidence, risk, social_media_accounts};

/// Entries of the timeline at once.
const TIMELINE: i64 = 20;
/// Columns of the register that the head of the page says already, or that are for programs.
const SAID_ABOVE: &[&str] = &["id", "control_number", "name", "status", "note"];

/// Where to read on in the timeline.
#[derive(Debug, Deserialize)]
pub(super) struct Query {
    cursor: Option<String>,
}

struct ClauseLine {
    title: String,
    requirement: String,
    mandatory: bool,
    required: bool,
    severity: String,
    status: String,
    status_class: &'static str,
    article: String,
    verified: String,
    verified_by: String,
    evidence: String,
    late: String,
    weight: u32,
    credit: Option<u32>,
}

/// A row of a sum.
struct Term {
    name: &'static str,
    value: u32,
    counts: bool,
}

struct Sum {
    impact: Vec<Term>,
    impact_value: u32,
    exposure: Vec<Term>,
    exposure_points: u32,
    exposure_value: u32,
    product: u32,
    inherent: u32,
    tier: u32,
    coverage: String,
    retained: String,
    residual: String,
    score_level: String,
    floors: Vec<(String, String)>,
    level: String,
    level_class: &'static str,
    made: String,
    catalogue_version: String,
}

struct DueLine {
    kind: String,
    due: String,
    distance: String,
    class: &'static str,
    open: String,
    grace: String,
}

struct Event {
    at: String,
    what: String,
    who: String,
}

struct Below {
    indent: usize,
    place: String,
    name: String,
    work: String,
    state: String,
    permitted: bool,
    until: String,
    personal: bool,
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage {
    frame: Frame,
    line: Line,
    register: &'static str,
    register_name: String,
    note: String,
    is_archived: bool,
    facts: Vec<(String, String)>,
    clauses: Vec<ClauseLine>,
    fulfilled: usize,
    sum: Option<Sum>,
    dues: Vec<DueLine>,
    below: Vec<Below>,
    has_chain: bool,
    events: Vec<Event>,
    next: Option<String>,
}

/// The row of an entry that the viewer sees.
///
/// # Errors
/// 404.
pub(super) fn seen(viewer: &Viewer, scope: &mut Scope<'_>, id: &str) -> Result<EntryRow, ApiError> {
    let row = rows::find(scope, &Organizations::All, &path_id(id)?)?;
    match &viewer.session.seen.within {
        Some(within) if !within.holds(&row) => Err(ApiError::NotFound),
        _ => Ok(row),
    }
}

/// The page.
#[get("/entries/{entry_id}")]
pub(super) async fn get_entry(
    request: HttpRequest,
    viewer: Viewer,
    id: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| {
            let lang = frame.lang;
            let row = seen(viewer, scope, &id)?;
            let line = registers::lines(scope, lang, std::slice::from_ref(&row))?.pop();
            let situation = state::situation(scope, row.clone())?;
            let clauses = clauses::entry_clauses(scope, &situation, lang);
            let assessed = match row.assessment_id {
                Some(_) => Some(risk::held(scope, &row.id, scope.today)?),
                None => None,
            };
            let sum = assessed.as_ref().map(|one| {
                let made = said::moment(lang, one.assessed_at, scope.zone);
                sum(lang, &one.assessment, made, one.catalogue_version.clone())
            });
            let clauses = clause_lines(scope, lang, clauses, assessed.as_ref().map(|one| &one.assessment))?;
            let chain = if row.kind.0 == Kind::ContractorEngagement {
                subcontract_tree::trees(scope, std::slice::from_ref(&row))?
            } else {
                vec![]
            };
            let chain = chain.into_iter().flat_map(|tree| tree.subcontracts);
            let (events, next) = audit_log::timeline(scope, &row.id, query.cursor.as_deref(), Some(TIMELINE))?;
            Ok(EntryPage {
                register: register_path(row.kind.0),
                register_name: said::word(lang, row.kind.0),
                note: row.note.clone().unwrap_or_default(),
                is_archived: row.archived_at.is_some(),
                facts: facts(scope, lang, &row)?,
                fulfilled: clauses
                    .iter()
                    .filter(|line| line.required && line.status_class == "good")
                    .count(),
                clauses,
                sum,
                dues: dues(scope, lang, &row)?,
                below: chain.map(|one| below(lang, one)).collect(),
                has_chain: row.kind.0 == Kind::ContractorEngagement,
                events: timeline(scope, lang, &row, events)?,
                next: next.map(|cursor| said::address(&format!("/entries/{}", row.id), [("cursor", cursor.as_str())])),
                line: line.ok_or(ApiError::NotFound)?,
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}

/// Every field that has a value, under the header that exports give it.
fn facts(scope: &mut Scope<'_>, lang: Lang, row: &EntryRow) -> Result<Vec<(String, String)>, ApiError> {
    let all = &Organizations::All;
    let (entity, record) = match row.kind.0 {
        Kind::ContractorEngagement => {
            let found = engagements::find(scope, all, &row.id)?;
            (Entity::Engagements, serde_json::to_value(found)?)
        }
        Kind::CloudService => {
            let found = cloud_services::find(scope, all, &row.id)?;
            (Entity::CloudServices, serde_json::to_value(found)?)
        }
        Kind::SocialMediaAccount => {
            let found = social_media_accounts::find(scope, all, &row.id)?;
            (Entity::SocialMediaAccounts, serde_json::to_value(found)?)
        }
    };
    let shown = |key: &str| !SAID_ABOVE.contains(&key) && !key.ends_with("_code");
    let mut columns = entity.columns();
    columns.retain(|column| shown(&column.key));
    let records: Vec<Value> = vec![record];
    let names = names::load(scope, cells::references(&columns, &records))?;
    let language = lang.pick(HeaderLanguage::Ja, HeaderLanguage::En);
    let manner = Manner {
        language,
        zone: scope.zone,
    };
    let mut facts = vec![];
    for record in &records {
        for column in &columns {
            let text = match cells::said(column, record, &names, manner) {
                cells::Said::Date(on) => said::day(lang, on),
                said => said.text(),
            };
            if !text.is_empty() {
                facts.push((language.header(column).to_owned(), text));
            }
        }
    }
    Ok(facts)
}

const fn status_class(status: FulfilmentStatus) -> &'static str {
    match status {
        FulfilmentStatus::Missing => "bad",
        FulfilmentStatus::Declared => "warn",
        FulfilmentStatus::Agreed | FulfilmentStatus::Verified => "good",
        FulfilmentStatus::Excepted | FulfilmentStatus::NotApplicable => "",
    }
}

fn clause_lines(
    scope: &mut Scope<'_>,
    lang: Lang,
    clauses: Vec<EntryClause>,
    assessment: Option<&RiskAssessment>,
) -> Result<Vec<ClauseLine>, ApiError> {
    let named = |of: fn(&EntryClause) -> Option<&String>| -> BTreeSet<String> {
        clauses.iter().filter_map(of).cloned().collect()
    };
    let persons = named(|clause| clause.verified_by_person_id.as_ref());
    let names = names::load(scope, BTreeMap::from([(Target::Person, persons)]))?;
    let mut pieces = named(|clause| clause.evidence_id.as_ref());
    pieces.extend(named(|clause| clause.agreement.as_ref()?.evidence_id.as_ref()));
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let titles = evidence::titles(scope, &pieces)?;
    let line = |clause: EntryClause| {
        let by = clause.verified_by_person_id.clone();
        let by = by.and_then(|id| names.0.get(&(Target::Person, id)));
        let agreement = clause.agreement.as_ref();
        let piece = clause
            .evidence_id
            .as_ref()
            .or_else(|| agreement.and_then(|agreed| agreed.evidence_id.as_ref()));
        let counted = assessment.and_then(|assessment| {
            let mut all = assessment.clauses.iter();
            all.find(|counted| counted.clause_key == clause.clause_key)
        });
        ClauseLine {
            mandatory: clause.requirement_level == Some(RequirementLevel::Mandatory),
            required: clause.required,
            severity: said::word(lang, clause.severity),
            status: said::word(lang, clause.status),
            status_class: status_class(clause.status),
            article: agreement.and_then(|agreed| agreed.article.clone()).unwrap_or_default(),
            verified: clause.verified_on.map(|on| said::day(lang, on)).unwrap_or_default(),
            verified_by: by.map(|name| name.name.clone()).unwrap_or_default(),
            evidence: piece.and_then(|id| titles.get(id)).cloned().unwrap_or_default(),
            late: if clause.days_overdue > 0 {
                let days = clause.days_overdue;
                lang.pick(format!("{days}日超過"), format!("{days} days overdue"))
            } else {
                String::new()
            },
            weight: clause.weight,
            credit: counted.map(|counted| counted.credit),
            title: clause.title,
            requirement: clause.requirement,
        }
    };
    Ok(clauses.into_iter().map(line).collect())
}

fn sum(lang: Lang, of: &RiskAssessment, made: String, catalogue_version: String) -> Sum {
    let dimensions = &of.impact.dimensions;
    let highest = of.impact.value;
    let term = |ja, en, value| Term {
        name: lang.pick(ja, en),
        value,
        counts: value == highest,
    };
    let impact = vec![
        term("機密性", "Confidentiality", dimensions.confidentiality),
        term("完全性", "Integrity", dimensions.integrity),
        term("可用性", "Availability", dimensions.availability),
        term("個人情報", "Personal information", dimensions.personal_information),
        term("特定個人情報", "My Number", dimensions.specific_personal_information),
        term("ネットワーク", "Network zone", dimensions.network_zone),
        term("利用者・閲覧者の数", "Reach", dimensions.reach),
    ];
    let factors = &of.exposure.factors;
    let point = |ja, en, value| Term {
        name: lang.pick(ja, en),
        value,
        counts: value > 0,
    };
    let exposure = vec![
        point("情報への接し方", "Access", factors.access_mode),
        point(
            "インターネットからの到達",
            "Reachable from the internet",
            factors.internet_facing,
        ),
        point("再委託", "Subcontracting", factors.subcontracting),
        point("適用される法", "Jurisdiction", factors.jurisdiction),
        point("契約の形式", "Form of the terms", factors.terms_form),
        point("代替のしやすさ", "Substitutability", factors.substitutability),
    ];
    let floors = of.floors.iter().map(|floor| {
        let rule = lang.pick(floor.rule.ja().to_owned(), floor.rule.code().replace('_', " "));
        (rule, said::word(lang, floor.level))
    });
    Sum {
        impact,
        impact_value: highest,
        exposure,
        exposure_points: of.exposure.points,
        exposure_value: of.exposure.value,
        product: of.inherent.product,
        inherent: of.inherent.score,
        tier: of.inherent.tier,
        coverage: said::hundredths(of.coverage_bp.into()),
        retained: said::hundredths(of.retained_bp.into()),
        residual: said::hundredths(of.residual_score_x100.into()),
        score_level: said::word(lang, of.score_level),
        floors: floors.collect(),
        level: said::word::<Level>(lang, of.residual_level),
        level_class: said::level_class(of.residual_level),
        made,
        catalogue_version,
    }
}

fn dues(scope: &mut Scope<'_>, lang: Lang, row: &EntryRow) -> Result<Vec<DueLine>, ApiError> {
    let filter = ObligationFilter {
        entry_id: Some(row.id.clone()),
        ..ObligationFilter::default()
    };
    let (open, _) = obligations::listed(scope, &Organizations::All, &filter, "page of an entry")?;
    let today = scope.today;
    let line = |one: obligations::Obligation| {
        let unanswered = one.clauses.iter().filter(|clause| clause.answer.is_none()).count();
        DueLine {
            kind: said::word(lang, one.kind),
            due: said::day(lang, one.due_on),
            distance: said::distance(lang, today, one.due_on),
            class: said::distance_class(today, one.due_on),
            open: match one.clauses.len() {
                0 => String::new(),
                all => lang.pick(
                    format!("条項 {unanswered}／{all} 件が未回答"),
                    format!("{unanswered} of {all} clauses open"),
                ),
            },
            grace: one.grace_until_on.map(|on| said::day(lang, on)).unwrap_or_default(),
        }
    };
    Ok(open.into_iter().map(line).collect())
}

fn below(lang: Lang, one: SubcontractLine) -> Below {
    let of = one.subcontract;
    Below {
        indent: one.place.matches('-').count().min(5),
        place: one.place,
        name: one.contractor.map(|company| company.name).unwrap_or_default(),
        work: of.work,
        state: said::word(lang, of.state),
        permitted: of.permitted,
        until: said::day(lang, of.ends_on),
        personal: of.handles_personal_information || of.handles_specific_personal_information,
    }
}

fn timeline(
    scope: &mut Scope<'_>,
    lang: Lang,
    row: &EntryRow,
    events: Vec<JournalEntry>,
) -> Result<Vec<Event>, ApiError> {
    let persons: BTreeSet<String> = events.iter().filter_map(|event| event.person_id.clone()).collect();
    let names = names::load(scope, BTreeMap::from([(Target::Person, persons)]))?;
    let zone = scope.zone;
    let said = events.into_iter().map(|event| {
        let name = event.person_id.and_then(|id| names.0.get(&(Target::Person, id)));
        Event {
            at: said::moment(lang, event.at, zone),
            what: said::action(lang, &event.action, Some(row.kind.0)),
            who: match (name, event.via.as_str()) {
                (Some(name), _) => name.name.clone(),
                (None, "system") => lang.pick("自動", "automatic").to_owned(),
                (None, _) => lang.pick("連携システム", "another system").to_owned(),
            },
        }
    });
    Ok(said.collect())
}
