//! The numbers of the risk formula, as `risk_policy.yaml` gives them, checked for completeness when they are read.
//!
//! Nothing is computed here but look-ups: a missing fact looks up the worst value of its table. The formula is in
//! [`super`], the forms of table in `table`. A policy with a gap (a word without points, a status without credit, a tier without governance) is refused
//! as a whole, so that no assessment ever meets one.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::super::facts::{
    AccessMode, Availability, Confidentiality, DataSubjects, Integrity, Jurisdiction, Subcontracting, Substitutability,
    TermsForm,
};
use super::super::vocabulary::{CodeWord, FulfilmentStatus, Level, Role, Zone, code_words};
use super::table::{Points, Steps, TruthPoints};

/// The tiers of inherent risk, 1 being the one that asks for most.
const TIERS: std::ops::RangeInclusive<u32> = 1..=4;

code_words! {
    /// What a level of residual risk calls for.
    ResponseAction {
        StopOrException = "stop_or_exception", "停止又は例外措置";
        CorrectivePlan = "corrective_plan", "是正計画";
        PlanWithinFiscalYear = "plan_within_fiscal_year", "年度内の計画";
        Keep = "keep", "維持";
    }
}

/// What is wrong with a risk policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskPolicyError(String);

impl fmt::Display for RiskPolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "risk policy: {}", self.0)
    }
}

impl std::error::Error for RiskPolicyError {}

/// Every number of the risk model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskPolicy {
    /// Its version, stored with every assessment.
    pub version: String,
    pub(super) impact: ImpactPolicy,
    pub(super) exposure: ExposurePolicy,
    pub(super) inherent: InherentPolicy,
    credits: BTreeMap<FulfilmentStatus, Steps<u32>>,
    pub(super) retained: RetainedPolicy,
    pub(super) level_by_score_x100: Steps<Level>,
    pub(super) floors: FloorPolicy,
    governance: BTreeMap<u32, Governance>,
    response: BTreeMap<Level, Response>,
}

/// What a tier of inherent risk asks for (domain §4.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Governance {
    /// Who approves.
    pub approval_role: Role,
    /// How often the clauses are verified.
    pub verification_interval_months: u32,
    /// How often somebody goes there, if at all.
    pub on_site_interval_months: Option<u32>,
}

/// What a level of residual risk asks for (domain §4.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// What is to be done.
    pub action: ResponseAction,
    /// Within how many business days; none: see the action.
    pub business_days: Option<u32>,
    /// Who is told on the same day.
    #[serde(default)]
    pub inform_same_day: Vec<Role>,
}

/// The numbers as they are kept.
const YAML: &str = include_str!("../risk_policy.yaml");

impl RiskPolicy {
    /// The formula that uses the numbers (domain §4.1), one step a line; integers only, divisions round down.
    pub const FORMULA: [&str; 9] = [
        "impact I = max(confidentiality, integrity, availability, personal_information, specific_personal_information, network_zone, reach)",
        "exposure points S = access_mode + internet_facing + subcontracting + jurisdiction + terms_form + substitutability",
        "exposure E = min(at_most, base + (S + add) div divide_by)",
        "inherent score = I x E x scale; inherent tier = min(tier_by_product(I x E), tier_by_impact(I))",
        "coverage_bp = sum(weight x credit) x 100 div sum(weight); 10000 without a clause",
        "retained_bp = floor_bp + range_bp x (10000 - coverage_bp) div 10000",
        "residual_score_x100 = (inherent score x retained_bp + 50) div 100",
        "score_level = level_by_score_x100(residual_score_x100)",
        "residual_level = max(score_level, the level of every floor that fires)",
    ];

    /// The policy of this build.
    pub fn embedded() -> Result<Self, RiskPolicyError> {
        Self::load(YAML)
    }

    /// Every number as data, for readers outside this program.
    ///
    /// # Errors
    /// A file that is no YAML, which the build's tests refuse.
    pub fn parameters() -> Result<serde_json::Value, RiskPolicyError> {
        serde_saphyr::from_str(YAML).map_err(|error| RiskPolicyError(error.without_snippet().to_string()))
    }

    /// Reads a policy and checks that nothing is missing.
    pub fn load(yaml: &str) -> Result<Self, RiskPolicyError> {
        let policy: Self =
            serde_saphyr::from_str(yaml).map_err(|error| RiskPolicyError(error.without_snippet().to_string()))?;
        match policy.gap() {
            Some(gap) => Err(RiskPolicyError(gap.to_owned())),
            None => Ok(policy),
        }
    }

    /// The credit of a clause in percent; none when it does not apply and is left out of the sums.
    pub fn credit(&self, status: FulfilmentStatus, days_overdue: i64) -> Option<u32> {
        self.credits
            .get(&status)
            .map(|credit| credit.at(u64::try_from(days_overdue).unwrap_or(0)))
    }

    /// What a tier of inherent risk asks for; none outside 1 to 4.
    pub fn governance(&self, tier: u32) -> Option<&Governance> {
        self.governance.get(&tier)
    }

    /// What a level of residual risk asks for; every level has its answer.
    pub fn response(&self, level: Level) -> Option<&Response> {
        self.response.get(&level)
    }

    /// The days past due on which the credit of this status changes, or a floor begins.
    pub(super) fn ageing(&self, status: FulfilmentStatus) -> Vec<u64> {
        let credit = self.credits.get(&status).into_iter().flat_map(Steps::turns);
        let FloorPolicy {
            critical_clause_overdue_90: first,
            critical_clause_overdue_180: second,
            ..
        } = &self.floors;
        let never = self.credits.get(&status).is_none_or(|credit| credit.last() == 0);
        let floors = [first.days_from, second.days_from].into_iter().filter(|_| !never);
        credit.chain(floors).collect()
    }

    fn gap(&self) -> Option<&'static str> {
        let FloorPolicy {
            critical_clause_overdue_90: first,
            critical_clause_overdue_180: second,
            ..
        } = &self.floors;
        let counted = |status: &FulfilmentStatus| *status != FulfilmentStatus::NotApplicable;
        let highest = self.impact.highest() * self.exposure.value.at_most * self.inherent.scale;
        let sound = [
            (!self.version.is_empty(), "the version is empty"),
            (highest <= 100, "the inherent score can exceed 100"),
            (
                self.impact.lowest() > 0 && self.exposure.value.base > 0,
                "impact and exposure start at 1",
            ),
            (self.exposure.value.divide_by > 0, "exposure.value.divide_by is 0"),
            (
                self.inherent.tiers().all(|tier| TIERS.contains(&tier)),
                "a tier is not between 1 and 4",
            ),
            (
                FulfilmentStatus::ALL
                    .iter()
                    .all(|status| self.credits.contains_key(status) == counted(status)),
                "credits needs every status but not_applicable",
            ),
            (self.credits.values().all(Steps::never_rises), "a credit rises with age"),
            (
                self.credits.values().all(|credit| credit.at(0) <= 100),
                "a credit is over 100 percent",
            ),
            (
                self.retained.floor_bp + self.retained.range_bp == 10_000,
                "retained floor and range are not 10000 together",
            ),
            (
                self.level_by_score_x100.values().eq(Level::ALL.iter().copied()),
                "levels are not low to critical",
            ),
            (
                0 < first.days_from && first.days_from < second.days_from,
                "the overdue floors are not ascending",
            ),
            (first.level <= second.level, "a longer delay has the lower floor"),
            (
                self.governance.keys().copied().eq(TIERS),
                "governance needs the tiers 1 to 4",
            ),
            (
                Level::ALL.iter().all(|level| self.response.contains_key(level)),
                "response needs every level",
            ),
        ];
        sound.into_iter().find(|(holds, _)| !holds).map(|(_, gap)| gap)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImpactPolicy {
    pub confidentiality: Points<Confidentiality>,
    pub integrity: Points<Integrity>,
    pub availability: Points<Availability>,
    pub personal_information: PersonalInformationPolicy,
    pub specific_personal_information: SpecificPersonalInformationPolicy,
    pub network_zone: ZonePolicy,
    pub reach: Steps<u32>,
}

impl ImpactPolicy {
    fn extremes(&self) -> impl Iterator<Item = (u32, u32)> {
        let Self {
            personal_information: personal,
            specific_personal_information: specific,
            network_zone: zone,
            ..
        } = self;
        [
            self.confidentiality.extremes(),
            self.integrity.extremes(),
            self.availability.extremes(),
            (
                personal.not_handled.min(personal.handled.extremes().0),
                personal.at_most,
            ),
            (
                specific.not_handled.min(specific.handled.extremes().0),
                specific.handled.extremes().1,
            ),
            (
                zone.no_zone.min(zone.zones.extremes().0),
                zone.zones.extremes().1.max(zone.no_zone),
            ),
            (self.reach.values().min().unwrap_or(0), self.reach.worst()),
        ]
        .into_iter()
    }

    fn lowest(&self) -> u32 {
        self.extremes().map(|(least, _)| least).min().unwrap_or(0)
    }

    fn highest(&self) -> u32 {
        self.extremes().map(|(_, most)| most).max().unwrap_or(0)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonalInformationPolicy {
    pub not_handled: u32,
    pub handled: Points<DataSubjects>,
    pub sensitive_adds: u32,
    pub at_most: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpecificPersonalInformationPolicy {
    pub not_handled: u32,
    pub handled: Points<DataSubjects>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ZonePolicy {
    pub no_zone: u32,
    pub zones: Points<Zone>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExposurePolicy {
    pub access_mode: Points<AccessMode>,
    pub internet_facing: TruthPoints,
    pub subcontracting: Points<Subcontracting>,
    pub jurisdiction: Points<Jurisdiction>,
    pub terms_form: Points<TermsForm>,
    pub substitutability: Points<Substitutability>,
    pub value: ExposureValue,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExposureValue {
    pub base: u32,
    pub add: u32,
    pub divide_by: u32,
    pub at_most: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InherentPolicy {
    pub scale: u32,
    pub tier_by_product: Steps<u32>,
    pub tier_by_impact: Steps<u32>,
}

impl InherentPolicy {
    fn tiers(&self) -> impl Iterator<Item = u32> {
        self.tier_by_product.values().chain(self.tier_by_impact.values())
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetainedPolicy {
    pub floor_bp: u32,
    pub range_bp: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FloorPolicy {
    pub critical_clause_missing: PlainFloor,
    pub critical_clause_overdue_90: OverdueFloor,
    pub critical_clause_overdue_180: OverdueFloor,
    pub my_number_subcontract_unpermitted: ClauseFloor,
    pub c2_on_standard_terms: StandardTermsFloor,
    pub owner_missing: PlainFloor,
    pub open_incident_major: PlainFloor,
    pub impact_5_floor: ImpactFloor,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlainFloor {
    pub level: Level,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OverdueFloor {
    pub level: Level,
    pub days_from: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClauseFloor {
    pub level: Level,
    pub clause: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StandardTermsFloor {
    pub level: Level,
    pub clause: String,
    pub confidentiality_from: Confidentiality,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImpactFloor {
    pub level: Level,
    pub impact_from: u32,
}

#[cfg(test)]
mod tests {
    use super::super::super::catalogue::Catalogue;
    use super::*;

    const YAML: &str = include_str!("../risk_policy.yaml");

    #[test]
    fn the_policy_of_this_build_is_complete_and_names_clauses_of_the_catalogue() {
        let policy = RiskPolicy::embedded().unwrap();
        assert_eq!(policy.version, "2026.1");
        let catalogue = Catalogue::embedded().unwrap();
        let floors = &policy.floors;
        let unpermitted = catalogue
            .clause(&floors.my_number_subcontract_unpermitted.clause)
            .unwrap();
        assert_eq!((unpermitted.number, unpermitted.is_statutory()), (21, true));
        assert_eq!(
            catalogue.clause(&floors.c2_on_standard_terms.clause).unwrap().number,
            38
        );
        for (status, credit) in catalogue.credits {
            assert_eq!(
                policy.credit(status, 0),
                credit,
                "the catalogue tells its readers otherwise: {status}"
            );
        }
    }

    #[test]
    fn credits_age_by_the_day() {
        use FulfilmentStatus::{Agreed, Declared, Excepted, Missing, NotApplicable, Verified};
        let policy = RiskPolicy::embedded().unwrap();
        for (status, days, credit) in [
            (Verified, -30, 100),
            (Verified, 0, 100),
            (Verified, 1, 80),
            (Verified, 90, 80),
            (Verified, 91, 70),
            (Verified, 180, 70),
            (Verified, 181, 60),
            (Verified, 9999, 60),
            (Agreed, 0, 60),
            (Agreed, 400, 60),
            (Declared, 0, 40),
            (Declared, 1, 20),
            (Excepted, -1, 30),
            (Excepted, 0, 30),
            (Excepted, 1, 0),
            (Missing, 0, 0),
        ] {
            assert_eq!(policy.credit(status, days), Some(credit), "{status} {days}");
        }
        assert_eq!(policy.credit(NotApplicable, 0), None);
    }

    #[test]
    fn governance_and_response_follow_tier_and_level() {
        let policy = RiskPolicy::embedded().unwrap();
        let tiers: Vec<_> = (1..=4).map(|tier| policy.governance(tier).unwrap()).collect();
        let months: Vec<_> = tiers.iter().map(|tier| tier.verification_interval_months).collect();
        assert_eq!(months, [6, 12, 12, 24]);
        assert_eq!(
            (tiers[0].approval_role, tiers[3].approval_role),
            (Role::Ciso, Role::SectionSecurityManager)
        );
        assert_eq!(
            (tiers[0].on_site_interval_months, tiers[1].on_site_interval_months),
            (Some(12), None)
        );
        assert_eq!(policy.governance(5), None);
        let days: Vec<_> = Level::ALL
            .iter()
            .map(|level| policy.response(*level).unwrap().business_days)
            .collect();
        assert_eq!(days, [None, None, Some(10), Some(5)]);
        assert_eq!(policy.response(Level::Critical).unwrap().inform_same_day, [Role::Ciso]);
    }

    #[test]
    fn a_policy_with_a_gap_is_refused() {
        for (from, to, word) in [
            ("c3a: 5", "c3d: 5", "c3d"),
            (", c3a: 5", "", "c3a"),
            ("remote: 2, ", "", "remote"),
            (
                "{from: 0, is: 1}, {from: 1000",
                "{from: 1, is: 1}, {from: 1000",
                "begin at 0",
            ),
            (
                "{from: 1000, is: 2}, {from: 10000, is: 3}",
                "{from: 10000, is: 2}, {from: 1000, is: 3}",
                "ascend",
            ),
            ("c3a: 5", "c3a: 6", "exceed 100"),
            ("i1: 1", "i1: 0", "start at 1"),
            ("divide_by: 2", "divide_by: 0", "divide_by"),
            ("{from: 16, is: 1}", "{from: 16, is: 5}", "tier"),
            ("  missing: [{from: 0, is: 0}]\n", "", "every status"),
            ("{from: 91, is: 70}", "{from: 91, is: 90}", "rises"),
            ("range_bp: 8000", "range_bp: 8001", "10000"),
            ("{from: 2000, is: moderate}, ", "", "low to critical"),
            ("days_from: 181", "days_from: 91", "ascending"),
            (
                "level: high, days_from: 181",
                "level: low, days_from: 181",
                "lower floor",
            ),
            ("  4: {approval_role", "  5: {approval_role", "tiers 1 to 4"),
            ("  low: {action: keep}\n", "", "every level"),
            ("  owner_missing: {level: high}\n", "", "owner_missing"),
            ("version:", "verzion:", "verzion"),
            ("approval_role: ciso", "approval_role: boss", "boss"),
        ] {
            assert!(YAML.contains(from), "{from}");
            let error = RiskPolicy::load(&YAML.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(error.contains(word), "{from} → {to}: {error}");
        }
    }
}
