//! What a social-media account adds to an entry: where it is, what it is for, who runs it, and what it inherits.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Instant;
use crate::entries::wire::{Entry, entry_requests};
use crate::http::page::page_of;
use crate::social_media_services::wire::InheritedService;

/// A handle that the account has or had; the old ones show what others may take over (なりすまし).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UsedHandle {
    /// The handle.
    #[schema(example = "@motosu_city")]
    pub handle: String,
    /// Since when it is recorded.
    pub used_from_at: Instant,
}

/// A social-media account (ソーシャルメディアアカウント): the entry, its place on the platform, its service.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what the account does and does not do, each by itself"
)]
pub struct SocialMediaAccount {
    /// What every entry has.
    #[serde(flatten)]
    pub entry: Entry,
    /// The service that it belongs to.
    #[schema(format = Uuid)]
    pub social_media_service_id: String,
    /// What it inherits from the service.
    pub service: InheritedService,
    /// The permanent id that the platform gives the account.
    #[schema(required)]
    pub platform_account_id: Option<String>,
    /// The handle that is shown.
    #[schema(example = "@motosu_city")]
    pub handle: String,
    /// Every handle that is recorded, oldest first.
    pub handles: Vec<UsedHandle>,
    /// Where it is.
    #[schema(example = "https://x.com/motosu_city")]
    pub url: String,
    /// What it is for.
    pub purpose: String,
    /// For whom.
    #[schema(required)]
    pub audience: Option<String>,
    /// What is posted.
    #[schema(required)]
    pub content: Option<String>,
    /// Who posts.
    #[schema(required)]
    pub posters: Option<String>,
    /// When it is attended.
    #[schema(required)]
    pub hours: Option<String>,
    /// Has the platform's verified badge.
    pub verified_badge: bool,
    /// Is listed on the official site.
    pub listed_on_official_site: bool,
    /// The engagement that operates it, when that is delegated.
    #[schema(required, format = Uuid)]
    pub delegated_engagement_id: Option<String>,
    /// The last post.
    #[schema(required)]
    pub last_post_on: Option<NaiveDate>,
    /// Citizens send applications or ask for advice through it.
    pub takes_applications: bool,
    /// The engagement or cloud service that carries what they send.
    #[schema(required, format = Uuid)]
    pub data_path_entry_id: Option<String>,
    /// In operation, and no post for so long that it should rest or be closed.
    pub looks_dormant: bool,
}

page_of! {
    /// A page of social-media accounts.
    SocialMediaAccountPage of SocialMediaAccount
}

entry_requests! {
    /// A new social-media account.
    create SocialMediaAccountCreate {
        /// The service that it belongs to, of the same organization.
        #[schema(format = Uuid, max_length = 36)]
        social_media_service_id: String,
        /// The permanent id that the platform gives the account.
        #[serde(default)]
        #[schema(max_length = 100)]
        platform_account_id: Option<String>,
        /// The handle that is shown.
        #[schema(min_length = 1, max_length = 100, example = "@motosu_city")]
        handle: String,
        /// Where it is.
        #[schema(max_length = 500, pattern = r"^https?://[^\s/?#@]+([/?#]\S*)?$", example = "https://x.com/motosu_city")]
        url: String,
        /// What it is for.
        #[schema(min_length = 1, max_length = 1000)]
        purpose: String,
        /// For whom.
        #[serde(default)]
        #[schema(max_length = 500)]
        audience: Option<String>,
        /// What is posted.
        #[serde(default)]
        #[schema(max_length = 1000)]
        content: Option<String>,
        /// Who posts.
        #[serde(default)]
        #[schema(max_length = 500)]
        posters: Option<String>,
        /// When it is attended.
        #[serde(default)]
        #[schema(max_length = 200)]
        hours: Option<String>,
        /// Has the platform's verified badge.
        #[serde(default)]
        verified_badge: bool,
        /// Is listed on the official site.
        #[serde(default)]
        listed_on_official_site: bool,
        /// The engagement that operates it, when that is delegated.
        #[serde(default)]
        #[schema(format = Uuid, max_length = 36)]
        delegated_engagement_id: Option<String>,
        /// The last post.
        #[serde(default)]
        last_post_on: Option<NaiveDate>,
        /// Citizens send applications or ask for advice through it.
        #[serde(default)]
        takes_applications: bool,
        /// The engagement or cloud service that carries what they send.
        #[serde(default)]
        #[schema(format = Uuid, max_length = 36)]
        data_path_entry_id: Option<String>,
    }
    /// A change of a social-media account; its service stays, its status changes by transitions.
    patch SocialMediaAccountPatch clears [
        "platform_account_id", "audience", "content", "posters", "hours", "delegated_engagement_id", "last_post_on",
        "data_path_entry_id"
    ] {
        /// The permanent id that the platform gives the account.
        #[schema(max_length = 100)]
        platform_account_id: Option<String>,
        /// The handle that is shown; the old one stays in the history.
        #[schema(nullable = false, min_length = 1, max_length = 100)]
        handle: Option<String>,
        /// Where it is.
        #[schema(nullable = false, max_length = 500, pattern = r"^https?://[^\s/?#@]+([/?#]\S*)?$")]
        url: Option<String>,
        /// What it is for.
        #[schema(nullable = false, min_length = 1, max_length = 1000)]
        purpose: Option<String>,
        /// For whom.
        #[schema(max_length = 500)]
        audience: Option<String>,
        /// What is posted.
        #[schema(max_length = 1000)]
        content: Option<String>,
        /// Who posts.
        #[schema(max_length = 500)]
        posters: Option<String>,
        /// When it is attended.
        #[schema(max_length = 200)]
        hours: Option<String>,
        /// Has the platform's verified badge.
        #[schema(nullable = false)]
        verified_badge: Option<bool>,
        /// Is listed on the official site.
        #[schema(nullable = false)]
        listed_on_official_site: Option<bool>,
        /// The engagement that operates it, when that is delegated.
        #[schema(format = Uuid, max_length = 36)]
        delegated_engagement_id: Option<String>,
        /// The last post.
        last_post_on: Option<NaiveDate>,
        /// Citizens send applications or ask for advice through it.
        #[schema(nullable = false)]
        takes_applications: Option<bool>,
        /// The engagement or cloud service that carries what they send.
        #[schema(format = Uuid, max_length = 36)]
        data_path_entry_id: Option<String>,
    }
}
