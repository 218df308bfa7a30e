//! The shape of a policy profile: the same types read the data files and describe the profile in the API.
//!
//! Sections are printed as the source prints them (`6-8`, `6(7)`, `第6条(8)`), and every summary is in our own words.
//! Loading and the rules between the parts are in [`super`]. What a duty demands of an entry is the catalogue's.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar::ClosedDay;
use crate::domain::facts::{Availability, Confidentiality, Integrity};
use crate::domain::vocabulary::{Role, Zone};

use super::month_day::MonthDay;
use super::words::{
    AssetKind, AuditOccasion, DocumentKind, DutyKey, EmergencyForm, Ground, OrganizationKind, ReviewTrigger, TextBasis,
    Visibility,
};

/// What an organization's security policy switches on, as data with a version.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The name of the profile: `motosu`, `default` …
    #[serde(deserialize_with = "filled")]
    pub key: String,
    /// Raised with every change; stored with each result that the profile had a part in.
    #[serde(deserialize_with = "filled")]
    pub version: String,
    /// Japanese title.
    #[serde(deserialize_with = "filled")]
    pub title_ja: String,
    /// English title.
    #[serde(deserialize_with = "filled")]
    pub title_en: String,
    /// The policy that the profile was read from.
    pub source: ProfileSource,
    /// The local government (団体) of the policy.
    pub local_government: ProfileLocalGovernment,
    /// The organizations (機関) that the policy covers, at least one.
    pub organizations: Vec<ProfileOrganization>,
    /// Who is bound (duty `bound_persons`).
    pub bound_persons: ProfileBoundPersons,
    /// Which assets are covered (duty `asset_scope`).
    pub asset_scope: ProfileAssetScope,
    /// What governs each kind of entry.
    pub modules: ProfileModules,
    /// Levels of classification and, where the policy has none, the defaults (duty `classification`).
    pub classification: ProfileClassification,
    /// The network zones that exist here (duty `network_zones`), at least one.
    pub network_zones: Vec<ProfileZone>,
    /// Names of things on screens and in mails.
    pub labels: ProfileLabels,
    /// The documents of the policy, at most one of each kind.
    pub documents: Vec<ProfileDocument>,
    /// The duties that the policy states; with `absent_duties` every key exactly once.
    pub duties: Vec<ProfileDuty>,
    /// The duties that the policy does not state, each with the reason.
    pub absent_duties: Vec<ProfileAbsentDuty>,
    /// Roles under the policy's own titles; roles not listed carry the title of the vocabulary.
    pub roles: Vec<ProfileRole>,
    /// What the policy calls work that uses the My Number, `null` where it does not define it.
    #[schema(required)]
    pub my_number_definition: Option<ProfileDefinition>,
    /// What the policy prepares for emergencies (duty `emergency_response`).
    pub emergency: ProfileEmergency,
    /// Audit and self-inspection (duty `audit_and_self_inspection`).
    pub audit: ProfileAudit,
    /// Review of the policy (duty `policy_review`).
    pub review: ProfileReview,
    /// The month (1 to 12) that rounds of confirmation are aligned to, `null` for none.
    #[schema(required, minimum = 1, maximum = 12)]
    pub review_month: Option<u32>,
    /// Days on which the offices close beside weekends, holidays and the year end: `YYYY-MM-DD`, or each year `MM-DD`.
    #[schema(value_type = Vec<String>)]
    pub extra_closed_days: Vec<ClosedDay>,
    /// The day of the year, `MM-DD`, on which approvals of cloud services end unless decided otherwise.
    #[schema(value_type = String, example = "06-30")]
    pub approval_end: MonthDay,
}

/// The policy as it was printed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileSource {
    /// Title of the document.
    #[serde(deserialize_with = "filled")]
    pub title: String,
    /// Version as printed, `null` where none is.
    #[schema(required)]
    pub version: Option<String>,
    /// Date as printed, in the Japanese calendar, `null` where none is.
    #[schema(required)]
    pub date: Option<String>,
    /// Beginning of force as printed, `null` where none is.
    #[schema(required)]
    pub in_force: Option<String>,
    /// Peculiarities of the text that a reader of the source should know.
    pub notes: Vec<String>,
}

/// The tenant of a profile.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileLocalGovernment {
    /// 全国地方公共団体コード, six digits; `null` in a profile for any body.
    #[schema(required, pattern = "^[0-9]{6}$")]
    pub code: Option<String>,
    /// Name.
    #[serde(deserialize_with = "filled")]
    pub name: String,
    /// Name in katakana.
    #[serde(deserialize_with = "filled")]
    pub name_kana: String,
}

/// One organization (機関) that the policy covers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileOrganization {
    /// Stable within the profile.
    #[serde(deserialize_with = "filled")]
    pub key: String,
    /// Name.
    #[serde(deserialize_with = "filled")]
    pub name: String,
    /// What sort of body it is.
    pub kind: OrganizationKind,
    /// Its office or units as the policy lists them, `null` where it does not.
    #[schema(required)]
    pub units: Option<String>,
    /// Where the policy says that it is covered.
    #[serde(deserialize_with = "filled")]
    pub section: String,
}

/// Who must keep the policy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileBoundPersons {
    /// The policy's word for all of them together (職員等, 議員等).
    #[serde(deserialize_with = "filled")]
    pub label: String,
    /// The groups that it names, at least one.
    pub groups: Vec<String>,
}

/// Which information assets are covered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileAssetScope {
    /// Kinds of asset, at least one.
    pub kinds: Vec<AssetKind>,
    /// Groups of examples that the policy gives.
    pub examples: Vec<String>,
}

/// The module of each kind of entry.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileModules {
    /// 業務委託.
    pub contractor_engagement: ProfileModule,
    /// クラウドサービス.
    pub cloud_service: ProfileModule,
    /// ソーシャルメディア.
    pub social_media_account: ProfileModule,
}

/// What governs one kind of entry, and what is cited for it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileModule {
    /// The governing document.
    pub ground: Ground,
    /// Its title, as cited on screens and in mails.
    #[serde(deserialize_with = "filled")]
    pub document: String,
    /// Its section.
    #[serde(deserialize_with = "filled")]
    pub section: String,
    /// How the section is known.
    pub basis: TextBasis,
}

/// The classification that facts are given in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileClassification {
    /// Levels of confidentiality in use, ascending.
    pub confidentiality: Vec<Confidentiality>,
    /// Levels of integrity in use, ascending.
    pub integrity: Vec<Integrity>,
    /// Levels of availability in use, ascending.
    pub availability: Vec<Availability>,
    /// Where the policy has no classification: what an unknown fact counts as. `null`: the worst value.
    #[schema(required)]
    pub defaults: Option<ProfileClassificationDefaults>,
}

/// What an unclassified entry counts as.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileClassificationDefaults {
    /// Confidentiality.
    pub confidentiality: Confidentiality,
    /// Integrity.
    pub integrity: Integrity,
    /// Availability.
    pub availability: Availability,
    /// Confidentiality when personal information is handled.
    pub confidentiality_with_personal_information: Confidentiality,
}

/// A network zone of the body.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileZone {
    /// The zone.
    pub zone: Zone,
    /// The policy's name for it.
    #[serde(deserialize_with = "filled")]
    pub label: String,
    /// Where the policy defines it and says what holds there.
    #[serde(deserialize_with = "filled")]
    pub section: String,
}

/// Names of things in the body's own words.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileLabels {
    /// Contracted work (業務委託).
    pub contractor_engagement: ProfileLabel,
    /// Cloud service.
    pub cloud_service: ProfileLabel,
    /// Social-media account.
    pub social_media_account: ProfileLabel,
    /// The company that does contracted work (委託事業者).
    pub contractor: ProfileLabel,
}

/// A name, and every wording of the policy that means the same.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileLabel {
    /// The name to show.
    #[serde(deserialize_with = "filled")]
    pub text: String,
    /// The policy's wordings; empty where it does not speak of the thing.
    pub wordings: Vec<ProfileDefinition>,
}

/// A piece of the policy's text, or its meaning, with its place.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileDefinition {
    /// The wording or its meaning.
    #[serde(deserialize_with = "filled")]
    pub text: String,
    /// Where it stands.
    #[serde(deserialize_with = "filled")]
    pub section: String,
}

/// A document that the policy consists of or asks for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileDocument {
    /// What it is.
    pub kind: DocumentKind,
    /// Title.
    #[serde(deserialize_with = "filled")]
    pub title: String,
    /// Who may read it: `restricted` where the policy says so, `internal` where it is silent.
    pub visibility: Visibility,
    /// Where the policy asks for it.
    #[serde(deserialize_with = "filled")]
    pub section: String,
}

/// A duty that the policy states.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileDuty {
    /// Which one.
    pub key: DutyKey,
    /// Where it stands.
    #[serde(deserialize_with = "filled")]
    pub section: String,
    /// What it demands, in our own words.
    #[serde(deserialize_with = "filled")]
    pub summary_ja: String,
    /// Who must act; empty where the policy names nobody.
    #[serde(default)]
    #[schema(required)]
    pub actors: Vec<ProfileActor>,
    /// How the section is known.
    pub basis: TextBasis,
}

/// Somebody whom a duty names.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileActor {
    /// The policy's name for them.
    #[serde(deserialize_with = "filled")]
    pub title: String,
    /// The role, `null` where the policy leaves it to another document.
    #[schema(required)]
    pub role: Option<Role>,
    /// Their part of the duty.
    #[serde(deserialize_with = "filled")]
    pub act_ja: String,
}

/// A duty that the policy does not state.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileAbsentDuty {
    /// Which one.
    pub key: DutyKey,
    /// Why it counts as absent, and what stands in for it.
    #[serde(deserialize_with = "filled")]
    pub reason_ja: String,
}

/// A role under the body's own title.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileRole {
    /// The role.
    pub role: Role,
    /// Its title here.
    #[serde(deserialize_with = "filled")]
    pub title: String,
    /// The office whose holder has the role, `null` where the policy does not say.
    #[schema(required)]
    pub held_by: Option<String>,
    /// The document that establishes it.
    pub ground: Ground,
    /// Its section.
    #[serde(deserialize_with = "filled")]
    pub section: String,
}

/// Emergencies.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileEmergency {
    /// A plan or measures.
    pub form: EmergencyForm,
}

/// Audit and self-inspection.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileAudit {
    /// When they are held.
    pub occasion: AuditOccasion,
}

/// Review of the policy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileReview {
    /// What triggers one, at least one.
    pub triggers: Vec<ReviewTrigger>,
    /// Whether the policy demands an analysis of likelihood and loss before it is revised.
    pub risk_analysis: bool,
}

/// Refuses empty text where it stands, so that the error names its line.
fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(serde::de::Error::custom(
            "expected text that is not empty and has no control characters",
        ));
    }
    Ok(text)
}
