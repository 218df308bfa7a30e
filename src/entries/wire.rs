//! What every register entry looks like on the wire, whatever its kind; the kinds add their own fields.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use chrono::NaiveDate;

use crate::clock::Instant;
use crate::domain::facts::Facts;
use crate::domain::vocabulary::{Kind, Level, Phase, Status};
use crate::external_ids::ExternalId;
use crate::http::page::page_of;

/// Who holds the ownership: a post (職), then its holder of the day, or a person. Exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The person.
    #[serde(default)]
    #[schema(format = Uuid)]
    pub person_id: Option<String>,
    /// The post.
    #[serde(default)]
    #[schema(format = Uuid)]
    pub post_id: Option<String>,
}

/// The stored risk of an entry; the whole sum is at `/entries/{entry_id}/risk`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryRisk {
    /// The level that counts.
    #[schema(required)]
    pub residual_level: Option<Level>,
    /// The residual score in hundredths.
    #[schema(minimum = 0, maximum = 10000, example = 1572)]
    pub residual_score_x100: i32,
    /// The tier of the inherent risk, 1 highest to 4.
    #[schema(minimum = 1, maximum = 4, example = 2)]
    pub inherent_tier: i32,
}

/// A register entry (台帳の1件): what the three kinds share.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Entry {
    /// Id (`UUIDv7`).
    #[schema(format = Uuid)]
    pub id: String,
    /// The kind; its own fields are at the path of the kind.
    pub kind: Kind,
    /// Control number (管理番号), unique in the local government.
    #[schema(example = "EN-2027-0012")]
    pub control_number: String,
    /// The organization (機関) whose policy applies.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The organization that signs and pays.
    #[schema(format = Uuid)]
    pub contracting_organization_id: String,
    /// The department in charge (所管課).
    #[schema(required, format = Uuid)]
    pub department_id: Option<String>,
    /// Name.
    #[schema(example = "住民情報システム運用保守")]
    pub name: String,
    /// Name in kana.
    #[schema(required)]
    pub name_kana: Option<String>,
    /// Responsible owner (責任者).
    #[schema(required)]
    pub owner: Option<Holder>,
    /// Deputy (代理者).
    #[schema(required)]
    pub deputy: Option<Holder>,
    /// Lifecycle status.
    pub status: Status,
    /// Where in its life that is.
    pub phase: Phase,
    /// What it handles and how.
    pub facts: Facts,
    /// Was already running when it was registered.
    pub registered_as_existing: bool,
    /// First day of performance, use or operation.
    #[schema(required)]
    pub started_on: Option<NaiveDate>,
    /// The stored risk.
    pub risk: EntryRisk,
    /// The earliest open due date.
    #[schema(required)]
    pub next_due_on: Option<NaiveDate>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// Keys in other systems.
    pub external_ids: Vec<ExternalId>,
    /// Version of the entry with everything of its kind, as in the entity tag.
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
    /// A page of entries.
    EntryPage of Entry
}

/// The common part of a new entry.
#[derive(Debug, Clone)]
pub struct EntryInput {
    /// See [`Entry`].
    pub organization_id: String,
    /// The same as `organization_id` when absent.
    pub contracting_organization_id: Option<String>,
    /// See [`Entry`].
    pub department_id: Option<String>,
    /// Made when absent.
    pub control_number: Option<String>,
    /// See [`Entry`].
    pub name: String,
    /// See [`Entry`].
    pub name_kana: Option<String>,
    /// See [`Entry`].
    pub owner: Option<Holder>,
    /// See [`Entry`].
    pub deputy: Option<Holder>,
    /// See [`Entry`].
    pub facts: Facts,
    /// `draft` when absent.
    pub status: Option<Status>,
    /// See [`Entry`].
    pub registered_as_existing: bool,
    /// See [`Entry`].
    pub started_on: Option<NaiveDate>,
    /// See [`Entry`].
    pub note: Option<String>,
    /// See [`Entry`].
    pub external_ids: Vec<ExternalId>,
}

/// The common part of a change.
#[derive(Debug, Clone, Default)]
pub struct EntryChange {
    /// See [`Entry`].
    pub contracting_organization_id: Option<String>,
    /// See [`Entry`].
    pub department_id: Option<String>,
    /// See [`Entry`].
    pub name: Option<String>,
    /// See [`Entry`].
    pub name_kana: Option<String>,
    /// See [`Entry`].
    pub owner: Option<Holder>,
    /// See [`Entry`].
    pub deputy: Option<Holder>,
    /// See [`Entry`].
    pub facts: Option<Facts>,
    /// See [`Entry`].
    pub note: Option<String>,
    /// See [`Entry`].
    pub external_ids: Option<Vec<ExternalId>>,
}

/// Declares the bodies that create and change an entry of one kind: the common fields, and those of the kind. Written
/// out by macro because a flattened struct cannot refuse unknown fields.
macro_rules! entry_requests {
    (
        $(#[$create_meta:meta])* create $create:ident { $($(#[$cm:meta])* $cfield:ident: $cty:ty,)* }
        $(#[$patch_meta:meta])* patch $patch:ident clears [$($clearable:literal),*] { $($(#[$pm:meta])* $pfield:ident: $pty:ty,)* }
    ) => {
        $(#[$create_meta])*
        #[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $create {
            /// The organization (機関) whose policy applies.
            #[schema(format = Uuid, max_length = 36)]
            pub organization_id: String,
            /// The organization that signs and pays; the same without it.
            #[serde(default)]
            #[schema(nullable = false, format = Uuid, max_length = 36)]
            pub contracting_organization_id: Option<String>,
            /// The department in charge (所管課).
            #[serde(default)]
            #[schema(format = Uuid, max_length = 36)]
            pub department_id: Option<String>,
            /// Control number (管理番号); made when absent.
            #[serde(default)]
            #[schema(nullable = false, min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
            pub control_number: Option<String>,
            /// Name.
            #[schema(min_length = 1, max_length = 200)]
            pub name: String,
            /// Name in kana.
            #[serde(default)]
            #[schema(max_length = 200)]
            pub name_kana: Option<String>,
            /// Responsible owner (責任者).
            #[serde(default)]
            pub owner: Option<$crate::entries::wire::Holder>,
            /// Deputy (代理者).
            #[serde(default)]
            pub deputy: Option<$crate::entries::wire::Holder>,
            /// What it handles and how; what is left out counts as the worst.
            #[serde(default)]
            pub facts: $crate::domain::facts::Facts,
            /// `draft` without it; another only with `registered_as_existing`.
            #[serde(default)]
            #[schema(nullable = false)]
            pub status: Option<$crate::domain::vocabulary::Status>,
            /// It is already running: registered in its true state.
            #[serde(default)]
            pub registered_as_existing: bool,
            /// First day of performance, use or operation; needed with a running status.
            #[serde(default)]
            pub started_on: Option<chrono::NaiveDate>,
            /// Note.
            #[serde(default)]
            #[schema(max_length = 4000)]
            pub note: Option<String>,
            /// Keys in other systems.
            #[serde(default)]
            #[schema(max_items = 20)]
            pub external_ids: Vec<$crate::external_ids::ExternalId>,
            $($(#[$cm])* pub $cfield: $cty,)*
        }

        impl $create {
            pub(crate) fn entry(&self) -> $crate::entries::wire::EntryInput {
                $crate::entries::wire::EntryInput {
                    organization_id: self.organization_id.clone(),
                    contracting_organization_id: self.contracting_organization_id.clone(),
                    department_id: self.department_id.clone(),
                    control_number: self.control_number.clone(),
                    name: self.name.clone(),
                    name_kana: self.name_kana.clone(),
                    owner: self.owner.clone(),
                    deputy: self.deputy.clone(),
                    facts: self.facts.clone(),
                    status: self.status,
                    registered_as_existing: self.registered_as_existing,
                    started_on: self.started_on,
                    note: self.note.clone(),
                    external_ids: self.external_ids.clone(),
                }
            }
        }

        $(#[$patch_meta])*
        #[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $patch {
            /// The organization that signs and pays.
            #[schema(nullable = false, format = Uuid, max_length = 36)]
            pub contracting_organization_id: Option<String>,
            /// The department in charge.
            #[schema(format = Uuid, max_length = 36)]
            pub department_id: Option<String>,
            /// Name.
            #[schema(nullable = false, min_length = 1, max_length = 200)]
            pub name: Option<String>,
            /// Name in kana.
            #[schema(max_length = 200)]
            pub name_kana: Option<String>,
            /// Responsible owner.
            pub owner: Option<$crate::entries::wire::Holder>,
            /// Deputy.
            pub deputy: Option<$crate::entries::wire::Holder>,
            /// Facts to change, key by key; `facts.<name>` in `clear` forgets one.
            #[schema(nullable = false)]
            pub facts: Option<$crate::domain::facts::Facts>,
            /// Note.
            #[schema(max_length = 4000)]
            pub note: Option<String>,
            /// Keys in other systems, replaced whole.
            #[schema(nullable = false, max_items = 20)]
            pub external_ids: Option<Vec<$crate::external_ids::ExternalId>>,
            $($(#[$pm])* pub $pfield: $pty,)*
            /// Names of fields to clear, dotted inside `facts` (`application/json` only).
            #[schema(nullable = false, max_items = 40)]
            pub clear: Option<std::collections::BTreeSet<String>>,
        }

        impl $patch {
            pub(crate) fn entry(&self) -> $crate::entries::wire::EntryChange {
                $crate::entries::wire::EntryChange {
                    contracting_organization_id: self.contracting_organization_id.clone(),
                    department_id: self.department_id.clone(),
                    name: self.name.clone(),
                    name_kana: self.name_kana.clone(),
                    owner: self.owner.clone(),
                    deputy: self.deputy.clone(),
                    facts: self.facts.clone(),
                    note: self.note.clone(),
                    external_ids: self.external_ids.clone(),
                }
            }
        }

        impl $crate::http::body::Clearable for $patch {
            const CLEARABLE: &'static [&'static str] =
                &["department_id", "name_kana", "owner", "deputy", "note", "facts" $(, $clearable)*];
        }
    };
}
pub(crate) use entry_requests;
