//! What a social-media service looks like on the wire.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Instant;
use crate::entries::wire::Holder;
use crate::http::body::Clearable;
use crate::http::page::page_of;

/// The platform (ソーシャルメディアサービスの種類).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// X.
    X,
    /// Facebook.
    Facebook,
    /// Instagram.
    Instagram,
    /// LINE.
    Line,
    /// `YouTube`.
    Youtube,
    /// `TikTok`.
    Tiktok,
    /// note.
    Note,
    /// Another one.
    Other,
}

impl Platform {
    /// The spelling in the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::X => "x",
            Self::Facebook => "facebook",
            Self::Instagram => "instagram",
            Self::Line => "line",
            Self::Youtube => "youtube",
            Self::Tiktok => "tiktok",
            Self::Note => "note",
            Self::Other => "other",
        }
    }

    /// The platform with this spelling.
    pub fn parse(code: &str) -> Option<Self> {
        use Platform::{Facebook, Instagram, Line, Note, Other, Tiktok, X, Youtube};
        [X, Facebook, Instagram, Line, Youtube, Tiktok, Note, Other]
            .into_iter()
            .find(|platform| platform.code() == code)
    }
}

/// A social-media service that an organization uses; its accounts inherit what is set here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SocialMediaService {
    /// Id (`UUIDv7`).
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization (機関) whose policy applies.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The platform, once per organization.
    pub platform: Platform,
    /// Who is responsible for the service (責任者).
    #[schema(required)]
    pub responsible: Option<Holder>,
    /// The operating procedure (運用手順), or where it is.
    #[schema(required)]
    pub operating_procedure: Option<String>,
    /// When the procedure was last revised.
    #[schema(required)]
    pub operating_procedure_revised_on: Option<NaiveDate>,
    /// What may be published (発信できる情報).
    #[schema(required)]
    pub publishable_information: Option<String>,
    /// After so many days without a post an account shows that it looks dormant; null: 180.
    #[schema(required, minimum = 1, maximum = 3650)]
    pub dormant_after_days: Option<i32>,
    /// Version, as in the entity tag.
    pub version: i64,
    /// When it was registered.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: String,
    /// When it was archived.
    #[schema(required)]
    pub archived_at: Option<Instant>,
}

page_of! {
    /// A page of social-media services.
    SocialMediaServicePage of SocialMediaService
}

/// What an account inherits from its service.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InheritedService {
    /// The platform.
    pub platform: Platform,
    /// Who is responsible for the service.
    #[schema(required)]
    pub responsible: Option<Holder>,
    /// The operating procedure.
    #[schema(required)]
    pub operating_procedure: Option<String>,
    /// What may be published.
    #[schema(required)]
    pub publishable_information: Option<String>,
    /// After so many days without a post an account looks dormant.
    #[schema(minimum = 1, maximum = 3650, example = 180)]
    pub dormant_after_days: i32,
}

/// A new social-media service.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SocialMediaServiceCreate {
    /// The organization (機関) whose policy applies.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The platform, once per organization.
    pub platform: Platform,
    /// Who is responsible for the service (責任者).
    #[serde(default)]
    pub responsible: Option<Holder>,
    /// The operating procedure (運用手順), or where it is.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub operating_procedure: Option<String>,
    /// When the procedure was last revised.
    #[serde(default)]
    pub operating_procedure_revised_on: Option<NaiveDate>,
    /// What may be published (発信できる情報).
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub publishable_information: Option<String>,
    /// After so many days without a post an account looks dormant; 180 without it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3650)]
    pub dormant_after_days: Option<i32>,
}

/// A change of a social-media service; absent fields stay.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SocialMediaServicePatch {
    /// Who is responsible for the service.
    pub responsible: Option<Holder>,
    /// The operating procedure, or where it is.
    #[schema(max_length = 20_000)]
    pub operating_procedure: Option<String>,
    /// When the procedure was last revised.
    pub operating_procedure_revised_on: Option<NaiveDate>,
    /// What may be published.
    #[schema(max_length = 4000)]
    pub publishable_information: Option<String>,
    /// After so many days without a post an account looks dormant.
    #[schema(minimum = 1, maximum = 3650)]
    pub dormant_after_days: Option<i32>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for SocialMediaServicePatch {
    const CLEARABLE: &'static [&'static str] = &[
        "responsible",
        "operating_procedure",
        "operating_procedure_revised_on",
        "publishable_information",
        "dormant_after_days",
    ];
}
