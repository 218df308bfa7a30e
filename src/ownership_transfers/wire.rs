//! What a transfer of ownership looks like on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::hand_over::{HandOverCause, HandOverState};
use crate::http::page::page_of;

/// Ownership that goes from one person or post to another.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnershipTransfer {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Why there is one: requested here, a post with a new holder, or a term that ends without a successor.
    pub cause: HandOverCause,
    /// Where it stands.
    pub state: HandOverState,
    /// Only of this organization.
    #[schema(required, format = Uuid)]
    pub organization_id: Option<String>,
    /// The person who hands over.
    #[schema(required, format = Uuid)]
    pub from_person_id: Option<String>,
    /// The post that hands over, or whose holder changes.
    #[schema(required, format = Uuid)]
    pub from_post_id: Option<String>,
    /// The person who takes over.
    #[schema(required, format = Uuid)]
    pub to_person_id: Option<String>,
    /// The post that takes over.
    #[schema(required, format = Uuid)]
    pub to_post_id: Option<String>,
    /// Only these entries; null for everything.
    #[schema(required)]
    pub entry_ids: Option<Vec<String>>,
    /// The day of the move.
    pub effective_on: NaiveDate,
    /// Before this day it is shown to callers with `directory:write` only (内示前).
    #[schema(required)]
    pub announced_on: Option<NaiveDate>,
    /// The last day for acceptance.
    pub due_on: NaiveDate,
    /// Why.
    #[schema(required)]
    pub reason: Option<String>,
    /// When things moved; null before.
    #[schema(required)]
    pub moved_at: Option<Instant>,
    /// When the new owner answered.
    #[schema(required)]
    pub answered_on: Option<NaiveDate>,
    /// Who answered.
    #[schema(required, format = Uuid)]
    pub answered_by_person_id: Option<String>,
    /// What they said to it.
    #[schema(required)]
    pub answer_note: Option<String>,
    /// What it is about, the first 500: as it stands today before the move, as it was on the day of the move after
    /// it. Null in lists.
    #[schema(required)]
    pub objects: Option<Vec<TransferObject>>,
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
}

/// What is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferObjectKind {
    /// An entry that is owned.
    EntryOwner,
    /// An entry of which one is deputy.
    EntryDeputy,
    /// A social-media service that one is responsible for.
    SocialMediaService,
    /// A round of confirmation in which clauses wait for this person.
    Obligation,
    /// A post that is held. It is only listed: its successor is named at the post.
    Post,
}

impl TransferObjectKind {
    pub(super) const ALL: [Self; 5] = [
        Self::EntryOwner,
        Self::EntryDeputy,
        Self::SocialMediaService,
        Self::Obligation,
        Self::Post,
    ];

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::EntryOwner => "entry_owner",
            Self::EntryDeputy => "entry_deputy",
            Self::SocialMediaService => "social_media_service",
            Self::Obligation => "obligation",
            Self::Post => "post",
        }
    }
}

/// One thing that is handed over.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransferObject {
    /// What it is.
    pub kind: TransferObjectKind,
    /// Its id: of the entry, the social-media service, the obligation or the post.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The entry that it is about.
    #[schema(required, format = Uuid)]
    pub entry_id: Option<String>,
    /// The entry's control number.
    #[schema(required)]
    pub control_number: Option<String>,
    /// Its name, the platform of a service.
    pub name: String,
    /// The first day on which something about it is due.
    #[schema(required)]
    pub next_due_on: Option<NaiveDate>,
    /// Whether this transfer moves it.
    pub moves: bool,
}

page_of! {
    /// A page of transfers.
    OwnershipTransferPage of OwnershipTransfer
}

/// What a transfer would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnershipTransferPreview {
    /// The day of the move.
    pub effective_on: NaiveDate,
    /// When it would be announced.
    #[schema(required)]
    pub announced_on: Option<NaiveDate>,
    /// The last day for acceptance.
    pub due_on: NaiveDate,
    /// Everything that is concerned today.
    pub objects: Vec<TransferObject>,
}

/// A new transfer.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnershipTransferCreate {
    /// The person who hands over; also one who has left. Either this or `from_post_id`.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub from_person_id: Option<String>,
    /// The post that hands over.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub from_post_id: Option<String>,
    /// The person who takes over. Either this or `to_post_id`.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub to_person_id: Option<String>,
    /// The post that takes over.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub to_post_id: Option<String>,
    /// Only what belongs to this organization; a token that is limited to organizations must name one.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub organization_id: Option<String>,
    /// Only these entries; everything without it, also what is registered until the day.
    #[serde(default)]
    #[schema(value_type = Option<Vec<uuid::Uuid>>, nullable = false, min_items = 1, max_items = 500)]
    pub entry_ids: Option<Vec<String>>,
    /// The day of the move, at most 30 days ago.
    pub effective_on: NaiveDate,
    /// Before this day it is shown to callers with `directory:write` only. Without it a move of 1 April is announced
    /// on 15 March, any other one at once.
    #[serde(default)]
    #[schema(nullable = false)]
    pub announced_on: Option<NaiveDate>,
    /// Why.
    #[schema(max_length = 1000, example = "人事異動のため")]
    pub reason: String,
}

/// What the new owner says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AcceptanceWord {
    /// They take it over.
    Accept,
    /// They do not.
    Decline,
}

/// The answer of the new owner.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptanceCreate {
    /// What they say.
    pub answer: AcceptanceWord,
    /// A note; the reason, which declining needs.
    #[serde(default)]
    #[schema(nullable = false, max_length = 1000)]
    pub note: Option<String>,
}

/// Filters of the list.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnershipTransferFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// In this state.
    #[param(nullable = false)]
    pub state: Option<HandOverState>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// To this person.
    #[param(nullable = false, format = Uuid)]
    pub to_person_id: Option<String>,
}
