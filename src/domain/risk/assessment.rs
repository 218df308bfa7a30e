//! What goes into an assessment and what comes out: the types of the API, whose comments are its document.
//!
//! Field names and order are fixed by the API; a stored assessment is read back through the same types.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::facts::{FactDefaults, Facts, Note};
use super::super::vocabulary::{FulfilmentStatus, Kind, Level, Phase, Severity, code_words};

code_words! {
    /// The rules that hold the level up whatever the score says.
    FloorRule {
        /// A mandatory clause of critical severity has no credit.
        CriticalClauseMissing = "critical_clause_missing", "重大な必須条項が満たされていない";
        /// Such a clause is more than 90 days past due.
        CriticalClauseOverdue90 = "critical_clause_overdue_90", "重大な条項の確認が90日超過";
        /// Such a clause is more than 180 days past due.
        CriticalClauseOverdue180 = "critical_clause_overdue_180", "重大な条項の確認が180日超過";
        /// My Number is passed on without a confirmed permission (番号法第10条).
        MyNumberSubcontractUnpermitted = "my_number_subcontract_unpermitted", "個人番号の再委託の許諾がない";
        /// Confidentiality 2 or above on standard terms alone, without an exception.
        C2OnStandardTerms = "c2_on_standard_terms", "約款のみのサービスで機密性2以上を扱う";
        /// Nobody is responsible.
        OwnerMissing = "owner_missing", "責任者が不在";
        /// A major incident is open.
        OpenIncidentMajor = "open_incident_major", "重大なインシデントが未解決";
        /// The impact is the highest there is.
        Impact5Floor = "impact_5_floor", "影響度が最大";
    }
}

/// How far one clause is fulfilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClauseInput {
    /// The clause.
    #[schema(max_length = 100)]
    pub clause_key: String,
    /// How far it is fulfilled.
    pub status: FulfilmentStatus,
    /// Days since the due date, for an exception since its expiry; 0 or less: not yet past.
    #[serde(default)]
    #[schema(minimum = -100_000, maximum = 100_000)]
    pub days_overdue: i64,
}

/// Everything an assessment depends on, beside policy and catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskInput {
    /// The kind of entry.
    pub kind: Kind,
    /// Where in its life it stands.
    pub phase: Phase,
    /// What is recorded about it.
    pub facts: Facts,
    /// What the profile takes for granted.
    pub fact_defaults: FactDefaults,
    /// How far its clauses are fulfilled.
    pub fulfilments: Vec<ClauseInput>,
    /// The status of every clause that is not listed.
    pub default_status: FulfilmentStatus,
    /// Nobody holds the ownership.
    pub owner_missing: bool,
    /// A major incident is open.
    pub open_major_incident: bool,
    /// The day of the assessment.
    pub as_of: NaiveDate,
}

/// A risk assessment with every factor it was computed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RiskAssessment {
    /// The version of the numbers.
    pub risk_policy_version: String,
    /// What a failure would do.
    pub impact: Impact,
    /// How much lies open.
    pub exposure: Exposure,
    /// The risk before any clause is counted.
    pub inherent: Inherent,
    /// The clauses that count, by number; those that do not apply are left out.
    pub clauses: Vec<AssessedClause>,
    /// How much of the required weight is fulfilled, in basis points (0 to 10000); with clauses of the organization's
    /// own the lower of two: of all clauses, and of the catalogue's alone.
    #[schema(minimum = 0, maximum = 10000)]
    pub coverage_bp: u32,
    /// The share of the inherent risk that remains, in basis points (2000 to 10000).
    #[schema(minimum = 0, maximum = 10000)]
    pub retained_bp: u32,
    /// The residual score in hundredths: 1572 is 15.72.
    #[schema(minimum = 0, maximum = 10000)]
    pub residual_score_x100: u32,
    /// The level that the score alone gives.
    pub score_level: Level,
    /// The floors that hold the level up.
    pub floors: Vec<Floor>,
    /// The level that counts: the highest of the score's and the floors'.
    pub residual_level: Level,
    /// What was taken for granted or passed over.
    pub notes: Vec<Note>,
}

/// What a failure would do, 1 to 5: the highest of its dimensions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Impact {
    /// The highest dimension.
    #[schema(minimum = 1, maximum = 5)]
    pub value: u32,
    /// Each dimension.
    pub dimensions: ImpactDimensions,
}

/// The dimensions of the impact, each 1 to 5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImpactDimensions {
    /// By confidentiality.
    pub confidentiality: u32,
    /// By integrity.
    pub integrity: u32,
    /// By availability.
    pub availability: u32,
    /// By personal information: whether, of how many persons, and whether it is sensitive.
    pub personal_information: u32,
    /// By specific personal information (My Number).
    pub specific_personal_information: u32,
    /// By the most sensitive network zone it touches.
    pub network_zone: u32,
    /// By the number of users or followers.
    pub reach: u32,
}

/// How much lies open, 1 to 5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exposure {
    /// The value that counts.
    #[schema(minimum = 1, maximum = 5)]
    pub value: u32,
    /// The sum of the factors.
    pub points: u32,
    /// The points of each factor.
    pub factors: ExposureFactors,
}

/// The points of each factor of the exposure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExposureFactors {
    /// How the supplier touches the information.
    pub access_mode: u32,
    /// Whether it is reachable from the internet.
    pub internet_facing: u32,
    /// How far the work is passed on.
    pub subcontracting: u32,
    /// Whose law reaches the information.
    pub jurisdiction: u32,
    /// Negotiated contract or standard terms alone.
    pub terms_form: u32,
    /// How easily another supplier could take over.
    pub substitutability: u32,
}

/// The risk before any clause is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Inherent {
    /// Impact × exposure.
    pub product: u32,
    /// The product on the scale to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub score: u32,
    /// The tier, 1 being the one that asks for most: who approves and how often it is verified.
    #[schema(minimum = 1, maximum = 4)]
    pub tier: u32,
}

/// A clause as it was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssessedClause {
    /// The clause.
    pub clause_key: String,
    /// Its weight.
    pub weight: u32,
    /// What its absence does.
    pub severity: Severity,
    /// How far it is fulfilled.
    pub status: FulfilmentStatus,
    /// Days since the due date, for an exception since its expiry; 0: not past.
    pub days_overdue: i64,
    /// The percentage of its weight that counts.
    #[schema(minimum = 0, maximum = 100)]
    pub credit: u32,
}

/// A rule that holds the level up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Floor {
    /// The rule.
    pub rule: FloorRule,
    /// The level is at least this.
    pub level: Level,
    /// The clause that the rule is about.
    #[schema(required)]
    pub clause_key: Option<String>,
}
