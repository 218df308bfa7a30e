//! The risk formula: impact × exposure, lessened by what is fulfilled, never below what the law's floors say.
//!
//! Integers only, exact to the digit against `tests/vectors/risk.json` (domain §4.1). Every factor is returned, so that a
//! result can be re-explained years later without this program. The numbers are in [`policy`]; which clauses count is in
//! [`super::requirement`]; how far they are fulfilled comes in with the input. Input and result are in [`assessment`],
//! what differs between two results in [`change`].

pub mod assessment;
pub mod change;
pub mod policy;
mod table;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

pub use self::assessment::{
    AssessedClause, ClauseInput, Exposure, ExposureFactors, Floor, FloorRule, Impact, ImpactDimensions, Inherent,
    RiskAssessment, RiskInput,
};
pub use self::policy::{Governance, Response, ResponseAction, RiskPolicy, RiskPolicyError};
use super::catalogue::Catalogue;
use super::facts::{FactName, Facts, Note};
use super::requirement::{Requirement, applicable, facts_used};
use super::vocabulary::{CodeWord, FulfilmentStatus, RequirementLevel, Severity};

/// Assesses an entry.
///
/// A fulfilment for a clause that does not apply is passed over with a note, of two for the same clause the worse one
/// counts. Whether a key exists at all is the caller's question ([`Catalogue::clause`]).
pub fn assess(policy: &RiskPolicy, catalogue: &Catalogue, input: &RiskInput) -> RiskAssessment {
    let facts = input.facts.with_defaults(&input.fact_defaults);
    let impact = impact(policy, &facts);
    let exposure = exposure(policy, &facts);
    let inherent = inherent(policy, impact.value, exposure.value);
    let requirements = applicable(catalogue, input.kind, &facts, input.phase, input.as_of);
    let counted = count(policy, &requirements, input);

    let clauses: Vec<AssessedClause> = counted.iter().filter_map(|(_, clause)| clause.clone()).collect();
    // What an organization adds for itself can only ask for more: it never makes up for a clause of the catalogue.
    let shared = counted.iter().filter(|(requirement, _)| !requirement.clause.is_own());
    let coverage_bp = coverage(clauses.iter()).min(coverage(shared.filter_map(|(_, clause)| clause.as_ref())));
    let retained_bp = policy.retained.floor_bp + policy.retained.range_bp * (10_000 - coverage_bp) / 10_000;
    let residual_score_x100 = (inherent.score * retained_bp + 50) / 100;
    let score_level = policy.level_by_score_x100.at(residual_score_x100.into());
    let floors = floors(policy, input, &facts, impact.value, &counted);
    let residual_level = floors.iter().map(|floor| floor.level).fold(score_level, Ord::max);

    let mut used = facts_used(catalogue, input.kind, &facts, input.as_of);
    used.extend(risk_facts(&facts));
    let mut notes = input.facts.notes(&facts, &used);
    notes.extend(passed_over(&requirements, input));
    RiskAssessment {
        risk_policy_version: policy.version.clone(),
        impact,
        exposure,
        inherent,
        clauses,
        coverage_bp,
        retained_bp,
        residual_score_x100,
        score_level,
        floors,
        residual_level,
        notes,
    }
}

/// How much of the weight is fulfilled, in basis points.
fn coverage<'a>(clauses: impl Iterator<Item = &'a AssessedClause>) -> u32 {
    let (weight, credit) = clauses.fold((0, 0), |(weight, credit), clause| {
        (weight + clause.weight, credit + clause.weight * clause.credit)
    });
    (credit * 100).checked_div(weight).unwrap_or(10_000)
}

/// The first day after `as_of` on which time alone changes a credit or may start a floor (design §9, `holds_until_on`).
///
/// Each clause comes with its status and the day it is due, or on which its exception expires.
pub fn holds_until(
    policy: &RiskPolicy,
    ages: &[(FulfilmentStatus, Option<NaiveDate>)],
    as_of: NaiveDate,
) -> Option<NaiveDate> {
    let dated = ages.iter().filter_map(|(status, on)| on.map(|on| (*status, on)));
    dated
        .flat_map(|(status, on)| policy.ageing(status).into_iter().map(move |days| (on, days)))
        .filter_map(|(on, days)| on.checked_add_days(Days::new(days)))
        .filter(|change| *change > as_of)
        .min()
}

fn impact(policy: &RiskPolicy, facts: &Facts) -> Impact {
    let numbers = &policy.impact;
    let (personal, specific) = (&numbers.personal_information, &numbers.specific_personal_information);
    let subjects = facts.data_subjects;
    let dimensions = ImpactDimensions {
        confidentiality: numbers.confidentiality.of(facts.confidentiality),
        integrity: numbers.integrity.of(facts.integrity),
        availability: numbers.availability.of(facts.availability),
        personal_information: if facts.may_handle_personal_information() {
            let sensitive = facts.handles_sensitive_personal_information.unwrap_or(true);
            let added = if sensitive { personal.sensitive_adds } else { 0 };
            (personal.handled.of(subjects) + added).min(personal.at_most)
        } else {
            personal.not_handled
        },
        specific_personal_information: if may_handle_specific(facts) {
            specific.handled.of(subjects)
        } else {
            specific.not_handled
        },
        network_zone: match &facts.network_zones {
            Some(zones) => zones
                .iter()
                .map(|zone| numbers.network_zone.zones.of(Some(*zone)))
                .fold(0, u32::max),
            None => numbers.network_zone.zones.of(None),
        }
        .max(numbers.network_zone.no_zone),
        reach: facts
            .audience_size
            .map_or(numbers.reach.worst(), |size| numbers.reach.at(size)),
    };
    let ImpactDimensions {
        confidentiality,
        integrity,
        availability,
        personal_information,
        specific_personal_information,
        network_zone,
        reach,
    } = dimensions;
    let value = [
        confidentiality,
        integrity,
        availability,
        personal_information,
        specific_personal_information,
    ]
    .into_iter()
    .chain([network_zone, reach])
    .fold(0, u32::max);
    Impact { value, dimensions }
}

fn exposure(policy: &RiskPolicy, facts: &Facts) -> Exposure {
    let numbers = &policy.exposure;
    let factors = ExposureFactors {
        access_mode: numbers.access_mode.of(facts.access_mode),
        internet_facing: numbers.internet_facing.of(facts.internet_facing),
        subcontracting: numbers.subcontracting.of(facts.subcontracting),
        jurisdiction: numbers.jurisdiction.of(facts.jurisdiction),
        terms_form: numbers.terms_form.of(facts.terms_form),
        substitutability: numbers.substitutability.of(facts.substitutability),
    };
    let ExposureFactors {
        access_mode,
        internet_facing,
        subcontracting,
        jurisdiction,
        terms_form,
        substitutability,
    } = factors;
    let points = access_mode + internet_facing + subcontracting + jurisdiction + terms_form + substitutability;
    let scale = &numbers.value;
    let value = (scale.base + (points + scale.add) / scale.divide_by).min(scale.at_most);
    Exposure { value, points, factors }
}

fn inherent(policy: &RiskPolicy, impact: u32, exposure: u32) -> Inherent {
    let numbers = &policy.inherent;
    let product = impact * exposure;
    let tier = numbers
        .tier_by_product
        .at(product.into())
        .min(numbers.tier_by_impact.at(impact.into()));
    Inherent {
        product,
        score: product * numbers.scale,
        tier,
    }
}

fn may_handle_specific(facts: &Facts) -> bool {
    facts.handles_specific_personal_information.unwrap_or(true)
}

/// The facts that a factor reads; what cannot change any factor is left out.
fn risk_facts(facts: &Facts) -> BTreeSet<FactName> {
    let personal = facts.may_handle_personal_information();
    FactName::ALL
        .iter()
        .copied()
        .filter(|name| match name {
            FactName::HandlesSensitivePersonalInformation => personal,
            FactName::DataSubjects => personal || may_handle_specific(facts),
            FactName::Confidentiality
            | FactName::Integrity
            | FactName::Availability
            | FactName::HandlesPersonalInformation
            | FactName::HandlesSpecificPersonalInformation
            | FactName::Subcontracting
            | FactName::NetworkZones
            | FactName::AccessMode
            | FactName::InternetFacing
            | FactName::Jurisdiction
            | FactName::TermsForm
            | FactName::Substitutability
            | FactName::AudienceSize => true,
            FactName::EngagementKind
            | FactName::IncludesEquipment
            | FactName::ProcuredOn
            | FactName::EmergencyChannel
            | FactName::OperationDelegated => false,
        })
        .collect()
}

/// Each requirement with the clause as it is counted; nothing for one that is marked as not applicable.
type Counted<'r, 'c> = (&'r Requirement<'c>, Option<AssessedClause>);

fn count<'r, 'c>(policy: &RiskPolicy, requirements: &'r [Requirement<'c>], input: &RiskInput) -> Vec<Counted<'r, 'c>> {
    let mut listed: BTreeMap<&str, (FulfilmentStatus, i64)> = BTreeMap::new();
    let worse =
        |(status, days): (FulfilmentStatus, i64)| (policy.credit(status, days).unwrap_or(100), status, Reverse(days));
    for ClauseInput {
        clause_key,
        status,
        days_overdue,
    } in &input.fulfilments
    {
        let given = (*status, (*days_overdue).max(0));
        let kept = listed.entry(clause_key).or_insert(given);
        if worse(given) < worse(*kept) {
            *kept = given;
        }
    }
    let counted = |requirement: &'r Requirement<'c>| {
        let clause = requirement.clause;
        let (status, days_overdue) = listed
            .get(clause.key.as_str())
            .copied()
            .unwrap_or((input.default_status, 0));
        let assessed = policy.credit(status, days_overdue).map(|credit| AssessedClause {
            clause_key: clause.key.clone(),
            weight: clause.weight,
            severity: clause.severity,
            status,
            days_overdue,
            credit,
        });
        (requirement, assessed)
    };
    requirements.iter().map(counted).collect()
}

fn floors(policy: &RiskPolicy, input: &RiskInput, facts: &Facts, impact: u32, counted: &[Counted]) -> Vec<Floor> {
    let rules = &policy.floors;
    let mut floors = Vec::new();
    let mut fire = |rule, level, clause_key: Option<&str>| {
        floors.push(Floor {
            rule,
            level,
            clause_key: clause_key.map(str::to_owned),
        });
    };
    let mut forbidden_terms = false;
    for (requirement, assessed) in counted {
        let key = requirement.clause.key.as_str();
        let status = assessed.as_ref().map(|clause| clause.status);
        let critical =
            requirement.level == RequirementLevel::Mandatory && requirement.clause.severity == Severity::Critical;
        let counts = assessed.as_ref().filter(|_| critical);
        let missing = counts.is_some_and(|clause| clause.credit == 0);
        if missing {
            fire(
                FloorRule::CriticalClauseMissing,
                rules.critical_clause_missing.level,
                Some(key),
            );
        }
        // The facts decide whether the law asks for the permission: marking it as not applicable does not lift this.
        let unpermitted = &rules.my_number_subcontract_unpermitted;
        if key == unpermitted.clause && status != Some(FulfilmentStatus::Verified) {
            fire(FloorRule::MyNumberSubcontractUnpermitted, unpermitted.level, Some(key));
        }
        let days = counts.map_or(0, |clause| u64::try_from(clause.days_overdue).unwrap_or(0));
        let (first, second) = (&rules.critical_clause_overdue_90, &rules.critical_clause_overdue_180);
        if !missing && days >= second.days_from {
            fire(FloorRule::CriticalClauseOverdue180, second.level, Some(key));
        } else if !missing && days >= first.days_from {
            fire(FloorRule::CriticalClauseOverdue90, first.level, Some(key));
        }
        if key == rules.c2_on_standard_terms.clause {
            let lives = |clause: &AssessedClause| clause.status == FulfilmentStatus::Excepted && clause.credit > 0;
            let secret = facts
                .confidentiality
                .is_none_or(|word| word >= rules.c2_on_standard_terms.confidentiality_from);
            forbidden_terms = secret && !assessed.as_ref().is_some_and(lives);
        }
    }
    for (fires, rule, level) in [
        (
            forbidden_terms,
            FloorRule::C2OnStandardTerms,
            rules.c2_on_standard_terms.level,
        ),
        (input.owner_missing, FloorRule::OwnerMissing, rules.owner_missing.level),
        (
            input.open_major_incident,
            FloorRule::OpenIncidentMajor,
            rules.open_incident_major.level,
        ),
        (
            impact >= rules.impact_5_floor.impact_from,
            FloorRule::Impact5Floor,
            rules.impact_5_floor.level,
        ),
    ] {
        if fires {
            fire(rule, level, None);
        }
    }
    floors
}

/// A note for each clause that was given although it does not apply, by key.
fn passed_over(requirements: &[Requirement], input: &RiskInput) -> Vec<Note> {
    let given: BTreeSet<&str> = input
        .fulfilments
        .iter()
        .map(|fulfilment| fulfilment.clause_key.as_str())
        .collect();
    let applies = |key: &str| requirements.iter().any(|requirement| requirement.clause.key == key);
    let message = "この種別・事実・段階では適用されない条項のため、計算に含めていません。";
    given
        .into_iter()
        .filter(|key| !applies(key))
        .map(|key| Note {
            code: "clause_not_applicable_here".to_owned(),
            fact: None,
            clause_key: Some(key.to_owned()),
            message: message.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
