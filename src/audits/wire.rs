//! Audits, their findings and their report on the wire.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::audit::{AuditKind, FindingState};
use crate::domain::vocabulary::Severity;
use crate::http::body::Clearable;
use crate::http::page::page_of;

/// An audit (監査).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Audit {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// Why it is held.
    pub kind: AuditKind,
    /// The fiscal year that it looks at, named by the year in which it begins.
    #[schema(example = 2027)]
    pub fiscal_year: i32,
    /// What it looks at.
    pub scope: String,
    /// The auditor, if they are of the local government.
    #[schema(required, format = Uuid)]
    pub auditor_person_id: Option<String>,
    /// The auditor from outside.
    #[schema(required)]
    pub external_auditor: Option<String>,
    /// Who answers for what is audited.
    #[schema(format = Uuid)]
    pub auditee_person_id: String,
    /// When it is planned.
    #[schema(required)]
    pub planned_on: Option<NaiveDate>,
    /// Its first day.
    #[schema(required)]
    pub started_on: Option<NaiveDate>,
    /// Its last day.
    #[schema(required)]
    pub finished_on: Option<NaiveDate>,
    /// The day of its report.
    #[schema(required)]
    pub reported_on: Option<NaiveDate>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// Version.
    pub version: i64,
    /// When it was recorded.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: String,
}

page_of! {
    /// A page of audits.
    AuditPage of Audit
}

/// An audit to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// Why it is held.
    pub kind: AuditKind,
    /// The fiscal year that it looks at.
    #[schema(minimum = 2000, maximum = 2100, example = 2027)]
    pub fiscal_year: i32,
    /// What it looks at.
    #[schema(max_length = 4000)]
    pub scope: String,
    /// The auditor, if they are of the local government; never the one who is audited.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub auditor_person_id: Option<String>,
    /// The auditor from outside.
    #[serde(default)]
    #[schema(nullable = false, max_length = 200)]
    pub external_auditor: Option<String>,
    /// Who answers for what is audited.
    #[schema(format = Uuid, max_length = 36)]
    pub auditee_person_id: String,
    /// When it is planned.
    #[serde(default)]
    #[schema(nullable = false)]
    pub planned_on: Option<NaiveDate>,
    /// Its first day.
    #[serde(default)]
    #[schema(nullable = false)]
    pub started_on: Option<NaiveDate>,
    /// Its last day.
    #[serde(default)]
    #[schema(nullable = false)]
    pub finished_on: Option<NaiveDate>,
    /// The day of its report.
    #[serde(default)]
    #[schema(nullable = false)]
    pub reported_on: Option<NaiveDate>,
    /// Note.
    #[serde(default)]
    #[schema(nullable = false, max_length = 4000)]
    pub note: Option<String>,
}

/// A change of an audit; absent fields stay.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditPatch {
    /// What it looks at.
    #[schema(nullable = false, max_length = 4000)]
    pub scope: Option<String>,
    /// The auditor, if they are of the local government.
    #[schema(format = Uuid, max_length = 36)]
    pub auditor_person_id: Option<String>,
    /// The auditor from outside.
    #[schema(max_length = 200)]
    pub external_auditor: Option<String>,
    /// Who answers for what is audited.
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub auditee_person_id: Option<String>,
    /// When it is planned.
    pub planned_on: Option<NaiveDate>,
    /// Its first day.
    pub started_on: Option<NaiveDate>,
    /// Its last day.
    pub finished_on: Option<NaiveDate>,
    /// The day of its report.
    pub reported_on: Option<NaiveDate>,
    /// Note.
    #[schema(max_length = 4000)]
    pub note: Option<String>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for AuditPatch {
    const CLEARABLE: &'static [&'static str] = &[
        "auditor_person_id",
        "external_auditor",
        "planned_on",
        "started_on",
        "finished_on",
        "reported_on",
        "note",
    ];
}

/// Filters of the list of audits.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// About this fiscal year.
    #[param(nullable = false)]
    pub fiscal_year: Option<i32>,
    /// Of this kind.
    #[param(nullable = false, inline)]
    pub kind: Option<AuditKind>,
}

/// A finding of an audit (指摘事項) with its follow-up.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditFinding {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The audit.
    #[schema(format = Uuid)]
    pub audit_id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// How grave it is.
    pub severity: Severity,
    /// The clause that it is about.
    #[schema(required)]
    pub clause_key: Option<String>,
    /// The entry that it is about.
    #[schema(required, format = Uuid)]
    pub entry_id: Option<String>,
    /// The document that it is about; it shows that a review is needed.
    #[schema(required, format = Uuid)]
    pub policy_document_id: Option<String>,
    /// What was found.
    pub finding: String,
    /// What is recommended.
    pub recommendation: String,
    /// When it is to be settled; an obligation follows from it.
    pub due_on: NaiveDate,
    /// Who settles it.
    #[schema(format = Uuid)]
    pub owner_person_id: String,
    /// Where the follow-up stands.
    pub state: FindingState,
    /// How it was settled; null while it is open.
    #[schema(required)]
    pub closure: Option<FindingClosure>,
    /// Version.
    pub version: i64,
    /// When it was recorded.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: String,
}

/// How a finding was settled.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingClosure {
    /// When.
    pub closed_on: NaiveDate,
    /// Who found it settled.
    #[schema(format = Uuid)]
    pub closed_by_person_id: String,
    /// What was done.
    pub result: String,
    /// The evidence.
    #[schema(required, format = Uuid)]
    pub evidence_id: Option<String>,
    /// The file that shows it.
    #[schema(required, format = Uuid)]
    pub file_id: Option<String>,
}

page_of! {
    /// A page of findings.
    AuditFindingPage of AuditFinding
}

/// A finding to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditFindingCreate {
    /// How grave it is.
    pub severity: Severity,
    /// The clause that it is about.
    #[serde(default)]
    #[schema(nullable = false, max_length = 100)]
    pub clause_key: Option<String>,
    /// The entry that it is about.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub entry_id: Option<String>,
    /// The document that it is about.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub policy_document_id: Option<String>,
    /// What was found.
    #[schema(max_length = 4000)]
    pub finding: String,
    /// What is recommended.
    #[schema(max_length = 4000)]
    pub recommendation: String,
    /// When it is to be settled.
    pub due_on: NaiveDate,
    /// Who settles it; never the auditor.
    #[schema(format = Uuid, max_length = 36)]
    pub owner_person_id: String,
}

/// A change of an open finding; absent fields stay.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditFindingPatch {
    /// What is recommended.
    #[schema(nullable = false, max_length = 4000)]
    pub recommendation: Option<String>,
    /// When it is to be settled.
    #[schema(nullable = false)]
    pub due_on: Option<NaiveDate>,
    /// Who settles it.
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub owner_person_id: Option<String>,
    /// Names of fields to clear (`application/json` only); none can be.
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for AuditFindingPatch {
    const CLEARABLE: &'static [&'static str] = &[];
}

/// That a finding is settled, with what shows it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingClosureCreate {
    /// What was done.
    #[schema(max_length = 4000)]
    pub result: String,
    /// When; today without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub closed_on: Option<NaiveDate>,
    /// The evidence; this or a file is needed.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub evidence_id: Option<String>,
    /// The file that shows it.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub file_id: Option<String>,
}

/// Filters of the list of findings.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditFindingFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// Of this audit.
    #[param(nullable = false, format = Uuid)]
    pub audit_id: Option<String>,
    /// In this state.
    #[param(nullable = false, inline)]
    pub state: Option<FindingState>,
    /// Due on this day or earlier.
    #[param(nullable = false)]
    pub due_to: Option<NaiveDate>,
}

/// The report of an audit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditReport {
    /// The audit.
    pub audit: Audit,
    /// The first day of the time it looks at.
    pub period_from_on: NaiveDate,
    /// The last day of it.
    pub period_to_on: NaiveDate,
    /// How many findings there are.
    pub findings_total: i64,
    /// How many of them are open.
    pub findings_open: i64,
    /// The first 200; all of them are at `/audit-findings?audit_id=…`.
    pub findings: Vec<AuditFinding>,
    /// How many transitions of that time had one person in two roles.
    pub double_roles_total: i64,
    /// The last 200 of them.
    pub double_roles: Vec<DoubleRole>,
    /// How many of them the CISO has not confirmed.
    pub double_roles_unconfirmed: i64,
    /// Whether the yearly confirmation of the CISO is missing.
    pub confirmation_missing: bool,
    /// The last confirmation of that fiscal year.
    #[schema(required)]
    pub confirmation: Option<DoubleRoleConfirmation>,
}

/// A transition in which applicant and approver could not be two persons.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DoubleRole {
    /// The transition that was taken.
    #[schema(format = Uuid)]
    pub transition_id: String,
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// Its control number.
    pub control_number: String,
    /// Its name.
    pub entry_name: String,
    /// Which transition.
    #[schema(example = "conclude_contract")]
    pub transition: String,
    /// Since when.
    pub effective_on: NaiveDate,
    /// Who acted.
    #[schema(format = Uuid)]
    pub person_id: String,
    /// Why they could not be two.
    pub reason: String,
    /// Whether the CISO has confirmed it since.
    pub confirmed: bool,
}

/// The CISO's confirmation that the double roles of a fiscal year, as far as they are recorded, could not be avoided.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DoubleRoleConfirmation {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The fiscal year.
    #[schema(example = 2027)]
    pub fiscal_year: i32,
    /// What the CISO says about it.
    pub note: String,
    /// The CISO.
    #[schema(format = Uuid)]
    pub person_id: String,
    /// When.
    pub confirmed_at: Instant,
}

page_of! {
    /// A page of confirmations.
    DoubleRoleConfirmationPage of DoubleRoleConfirmation
}

/// A confirmation to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoubleRoleConfirmationCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The fiscal year, at the latest the present one.
    #[schema(minimum = 2000, maximum = 2100, example = 2027)]
    pub fiscal_year: i32,
    /// What the CISO says about it.
    #[schema(max_length = 2000)]
    pub note: String,
}

/// Filters of the list of confirmations.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DoubleRoleConfirmationFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
}
