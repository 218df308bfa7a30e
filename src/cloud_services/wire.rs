//! What a cloud service adds to an entry: the provider, where the data is, the terms and the approval.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::entries::wire::{Entry, entry_requests};
use crate::http::page::page_of;

/// What the provider runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceModel {
    /// The application.
    Saas,
    /// The platform.
    Paas,
    /// The infrastructure.
    Iaas,
}

/// Whether the service is on the government's list (ISMAP).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IsmapStatus {
    /// Registered.
    Registered,
    /// Registered for low-impact use (ISMAP-LIU).
    IsmapLiu,
    /// Not registered.
    NotRegistered,
    /// Not looked up yet.
    Unknown,
}

/// A country, ISO 3166-1 alpha-2.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(pattern = "^[A-Z]{2}$", min_length = 2, max_length = 2, example = "JP")]
pub struct CountryCode(pub String);

/// A cloud service in use (クラウドサービス): the entry, its provider and its approval.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CloudService {
    /// What every entry has.
    #[serde(flatten)]
    pub entry: Entry,
    /// The provider, when it is registered as a contractor.
    #[schema(required, format = Uuid)]
    pub provider_contractor_id: Option<String>,
    /// What the provider runs.
    pub service_model: ServiceModel,
    /// The plan.
    #[schema(required)]
    pub plan: Option<String>,
    /// What it is used for.
    pub purpose: String,
    /// Who uses it.
    #[schema(required)]
    pub users: Option<String>,
    /// Countries where the data may be, sorted.
    pub data_countries: Vec<CountryCode>,
    /// Where the terms of use are.
    #[schema(required)]
    pub terms_url: Option<String>,
    /// When they were last read.
    #[schema(required)]
    pub terms_checked_on: Option<NaiveDate>,
    /// Until when the use is approved; a due date follows from it.
    #[schema(required)]
    pub approval_valid_until_on: Option<NaiveDate>,
    /// The approval has run out, or there is none, and the service is in use all the same.
    pub approval_lapsed: bool,
    /// Registration with ISMAP.
    pub ismap_status: IsmapStatus,
}

page_of! {
    /// A page of cloud services.
    CloudServicePage of CloudService
}

entry_requests! {
    /// A new cloud service.
    create CloudServiceCreate {
        /// The provider, when it is registered as a contractor.
        #[serde(default)]
        #[schema(format = Uuid, max_length = 36)]
        provider_contractor_id: Option<String>,
        /// What the provider runs.
        service_model: ServiceModel,
        /// The plan.
        #[serde(default)]
        #[schema(max_length = 100)]
        plan: Option<String>,
        /// What it is used for.
        #[schema(min_length = 1, max_length = 1000)]
        purpose: String,
        /// Who uses it.
        #[serde(default)]
        #[schema(max_length = 500)]
        users: Option<String>,
        /// Countries where the data may be.
        #[serde(default)]
        #[schema(max_items = 50)]
        data_countries: BTreeSet<CountryCode>,
        /// Where the terms of use are.
        #[serde(default)]
        #[schema(max_length = 500, pattern = r"^https?://[^\s/?#@]+([/?#]\S*)?$")]
        terms_url: Option<String>,
        /// When they were last read.
        #[serde(default)]
        terms_checked_on: Option<NaiveDate>,
        /// Until when the use is approved.
        #[serde(default)]
        approval_valid_until_on: Option<NaiveDate>,
        /// Registration with ISMAP; `unknown` without it.
        #[serde(default)]
        #[schema(nullable = false)]
        ismap_status: Option<IsmapStatus>,
    }
    /// A change of a cloud service; its status changes by transitions.
    patch CloudServicePatch clears [
        "provider_contractor_id", "plan", "users", "terms_url", "terms_checked_on", "approval_valid_until_on"
    ] {
        /// The provider.
        #[schema(format = Uuid, max_length = 36)]
        provider_contractor_id: Option<String>,
        /// What the provider runs.
        #[schema(nullable = false)]
        service_model: Option<ServiceModel>,
        /// The plan.
        #[schema(max_length = 100)]
        plan: Option<String>,
        /// What it is used for.
        #[schema(nullable = false, min_length = 1, max_length = 1000)]
        purpose: Option<String>,
        /// Who uses it.
        #[schema(max_length = 500)]
        users: Option<String>,
        /// Countries where the data may be, replaced whole.
        #[schema(nullable = false, max_items = 50)]
        data_countries: Option<BTreeSet<CountryCode>>,
        /// Where the terms of use are.
        #[schema(max_length = 500, pattern = r"^https?://[^\s/?#@]+([/?#]\S*)?$")]
        terms_url: Option<String>,
        /// When they were last read.
        terms_checked_on: Option<NaiveDate>,
        /// Until when the use is approved.
        approval_valid_until_on: Option<NaiveDate>,
        /// Registration with ISMAP.
        #[schema(nullable = false)]
        ismap_status: Option<IsmapStatus>,
    }
}
