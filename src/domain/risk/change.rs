//! What changed from one assessment to the next, factor by factor, so that a score that moved explains itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::facts::Facts;
use super::super::vocabulary::{CodeWord, code_words};
use super::assessment::RiskAssessment;

code_words! {
    /// The part of an assessment that a change is in.
    ChangedPart {
        /// The numbers, the catalogue, the profile or the organization's policy version.
        Version = "version", "版";
        Fact = "fact", "事実";
        ImpactDimension = "impact_dimension", "影響度の観点";
        ExposureFactor = "exposure_factor", "露出度の要素";
        /// How far a clause is fulfilled and what it counts, or that it applies no more.
        Clause = "clause", "条項";
        Floor = "floor", "下限";
        /// What follows from the rest.
        Result = "result", "結果";
    }
}

/// One thing that differs between two assessments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssessmentChange {
    /// Where.
    pub part: ChangedPart,
    /// Which one: the fact, the dimension, the factor, the clause, the floor's rule, the figure.
    #[schema(example = "confidentiality-obligation")]
    pub name: String,
    /// What it was, as text; null: it was not there.
    #[schema(required, example = "missing, credit 0")]
    pub before: Option<String>,
    /// What it is; null: it is not there any more.
    #[schema(required, example = "agreed, credit 60")]
    pub after: Option<String>,
}

/// What an assessment was made of.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// Version of the clause catalogue.
    pub catalogue_version: &'a str,
    /// Key and version of the policy profile.
    pub profile_version: &'a str,
    /// The organization's policy version.
    pub policy_version_id: Option<&'a str>,
    /// What was recorded about the entry.
    pub facts: &'a Facts,
    /// The sum.
    pub assessment: &'a RiskAssessment,
}

type Named = BTreeMap<String, String>;

/// What changed, causes first: versions, facts, factors, clauses, floors, then what follows.
///
/// # Errors
/// A value that is no JSON, which no stored assessment has.
pub fn changes(before: &Recorded<'_>, after: &Recorded<'_>) -> Result<Vec<AssessmentChange>, serde_json::Error> {
    let mut found = vec![];
    for part in ChangedPart::ALL {
        let (old, new) = (named(before, *part)?, named(after, *part)?);
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let (was, is) = (old.get(name), new.get(name));
            if was != is {
                found.push(AssessmentChange {
                    part: *part,
                    name: name.clone(),
                    before: was.cloned(),
                    after: is.cloned(),
                });
            }
        }
    }
    Ok(found)
}

fn named(of: &Recorded<'_>, part: ChangedPart) -> Result<Named, serde_json::Error> {
    let RiskAssessment {
        impact,
        exposure,
        inherent,
        clauses,
        floors,
        ..
    } = of.assessment;
    let pairs = |list: Vec<(&str, String)>| list.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    Ok(match part {
        ChangedPart::Version => {
            let mut list = vec![
                ("risk_policy_version", of.assessment.risk_policy_version.clone()),
                ("catalogue_version", of.catalogue_version.to_owned()),
                ("profile_version", of.profile_version.to_owned()),
            ];
            list.extend(of.policy_version_id.map(|id| ("policy_version_id", id.to_owned())));
            pairs(list)
        }
        ChangedPart::Fact => texts(&serde_json::to_value(of.facts)?),
        ChangedPart::ImpactDimension => texts(&serde_json::to_value(&impact.dimensions)?),
        ChangedPart::ExposureFactor => texts(&serde_json::to_value(&exposure.factors)?),
        ChangedPart::Clause => clauses
            .iter()
            .map(|clause| {
                let late = match clause.days_overdue {
                    ..=0 => String::new(),
                    days => format!(", {days} days overdue"),
                };
                let text = format!("{}, credit {}{late}", clause.status.code(), clause.credit);
                (clause.clause_key.clone(), text)
            })
            .collect(),
        ChangedPart::Floor => floors
            .iter()
            .map(|floor| {
                let name = match &floor.clause_key {
                    Some(key) => format!("{}({key})", floor.rule.code()),
                    None => floor.rule.code().to_owned(),
                };
                (name, floor.level.code().to_owned())
            })
            .collect(),
        ChangedPart::Result => pairs(vec![
            ("impact", impact.value.to_string()),
            ("exposure", exposure.value.to_string()),
            ("inherent_score", inherent.score.to_string()),
            ("inherent_tier", inherent.tier.to_string()),
            ("coverage_bp", of.assessment.coverage_bp.to_string()),
            ("residual_score_x100", of.assessment.residual_score_x100.to_string()),
            ("score_level", of.assessment.score_level.code().to_owned()),
            ("residual_level", of.assessment.residual_level.code().to_owned()),
        ]),
    })
}

/// The members of an object as text; null is not there.
fn texts(object: &Value) -> Named {
    let members = object.as_object().into_iter().flatten();
    members
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            (
                name.clone(),
                value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::catalogue::Catalogue;
    use super::super::super::facts::{AccessMode, Confidentiality, FactDefaults};
    use super::super::super::vocabulary::{FulfilmentStatus, Kind, Phase};
    use super::super::{ClauseInput, RiskInput, RiskPolicy, assess};
    use super::*;

    fn assessed(facts: &Facts, agreed: &[&str]) -> RiskAssessment {
        let input = RiskInput {
            kind: Kind::ContractorEngagement,
            phase: Phase::Active,
            facts: facts.clone(),
            fact_defaults: FactDefaults::default(),
            fulfilments: agreed
                .iter()
                .map(|key| ClauseInput {
                    clause_key: (*key).to_owned(),
                    status: FulfilmentStatus::Agreed,
                    days_overdue: 0,
                })
                .collect(),
            default_status: FulfilmentStatus::Missing,
            owner_missing: agreed.is_empty(),
            open_major_incident: false,
            as_of: "2027-04-01".parse().unwrap(),
        };
        let (policy, catalogue) = (RiskPolicy::embedded().unwrap(), Catalogue::embedded().unwrap());
        assess(&policy, &catalogue, &input)
    }

    fn recorded<'a>(facts: &'a Facts, assessment: &'a RiskAssessment, policy: Option<&'a str>) -> Recorded<'a> {
        Recorded {
            catalogue_version: "2026.1",
            profile_version: "motosu@2026.1",
            policy_version_id: policy,
            facts,
            assessment,
        }
    }

    #[test]
    fn nothing_changes_between_an_assessment_and_itself() {
        let facts = Facts::default();
        let one = assessed(&facts, &[]);
        let same = recorded(&facts, &one, None);
        assert_eq!(changes(&same, &same).unwrap(), []);
    }

    #[test]
    fn causes_come_before_what_follows_from_them() {
        let plain = Facts {
            confidentiality: Some(Confidentiality::C1),
            access_mode: Some(AccessMode::None),
            ..Facts::default()
        };
        let secret = Facts {
            confidentiality: Some(Confidentiality::C3a),
            ..plain.clone()
        };
        let (before, after) = (assessed(&plain, &[]), assessed(&secret, &["policy-compliance"]));
        let list = changes(&recorded(&plain, &before, None), &recorded(&secret, &after, Some("x"))).unwrap();
        let of = |part: ChangedPart, name: &str| {
            let one = list.iter().find(|change| change.part == part && change.name == name);
            one.map(|change| (change.before.as_deref(), change.after.as_deref()))
        };
        assert_eq!(of(ChangedPart::Version, "policy_version_id"), Some((None, Some("x"))));
        assert_eq!(
            of(ChangedPart::Fact, "confidentiality"),
            Some((Some("c1"), Some("c3a")))
        );
        assert_eq!(of(ChangedPart::Fact, "access_mode"), None);
        assert!(of(ChangedPart::ImpactDimension, "confidentiality").is_some());
        assert_eq!(
            of(ChangedPart::Clause, "policy-compliance"),
            Some((Some("missing, credit 0"), Some("agreed, credit 60")))
        );
        assert_eq!(of(ChangedPart::Floor, "owner_missing"), Some((Some("high"), None)));
        assert!(of(ChangedPart::Result, "residual_score_x100").is_some());
        assert!(list.is_sorted_by_key(|change| change.part));
    }
}
