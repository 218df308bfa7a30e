//! What an organization looks like on the wire, and the checks that its fields pass.

use chrono::NaiveDate;
use std::collections::BTreeSet;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::organizations;
use crate::domain::calendar::ClosedDay;
use crate::domain::profile::{self, OrganizationKind};
use crate::domain::text;
use crate::domain::vocabulary::CodeWord;
use crate::http::body::{Clearable, Patch};
use crate::http::error::{ApiError, FieldError};
use crate::http::page::page_of;

/// An organization (機関).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Organization {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Short name, stable and unique in the local government.
    #[schema(example = "assembly")]
    pub key: String,
    /// Name.
    #[schema(example = "本巣市議会")]
    pub name: String,
    /// Name in kana.
    pub name_kana: String,
    /// Kind of body.
    pub kind: OrganizationKind,
    /// Its policy profile.
    #[schema(example = "motosu")]
    pub profile_key: String,
    /// Days on which it is closed beside weekends, holidays and the year end.
    pub extra_closed_days: Vec<ClosedDay>,
    /// Its own review month; the profile's without it.
    #[schema(required, minimum = 1, maximum = 12)]
    pub review_month: Option<i32>,
    /// Until when what is registered as already running has to make good what it lacks; six months without it.
    #[schema(required)]
    pub existing_gaps_due_on: Option<NaiveDate>,
    /// Whom to ask, as mails print it.
    #[schema(required)]
    pub contact: Option<String>,
    /// Version, as in the entity tag.
    pub version: i64,
    /// When it was registered.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
    /// When it was archived.
    #[schema(required)]
    pub archived_at: Option<Instant>,
}

page_of! {
    /// A page of organizations.
    OrganizationPage of Organization
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrganizationFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Archived ones too.
    #[param(nullable = false)]
    pub include_archived: Option<bool>,
}

/// A new organization.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationCreate {
    /// Short name, stable and unique in the local government.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,39}$", max_length = 40, example = "waterworks")]
    pub key: String,
    /// Name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Name in kana.
    #[schema(min_length = 1, max_length = 200)]
    pub name_kana: String,
    /// Kind of body.
    pub kind: OrganizationKind,
    /// Its policy profile.
    #[schema(max_length = 40)]
    pub profile_key: String,
    /// Days on which it is closed beside those of the profile.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub extra_closed_days: Vec<ClosedDay>,
    /// Its own review month.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 12)]
    pub review_month: Option<i32>,
    /// Until when what is registered as already running has to make good what it lacks; six months without it.
    #[serde(default)]
    pub existing_gaps_due_on: Option<NaiveDate>,
    /// Whom to ask.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub contact: Option<String>,
}

/// A change of an organization.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationPatch {
    /// Name.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Name in kana.
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name_kana: Option<String>,
    /// Kind of body.
    #[schema(nullable = false)]
    pub kind: Option<OrganizationKind>,
    /// Its policy profile.
    #[schema(nullable = false, max_length = 40)]
    pub profile_key: Option<String>,
    /// Days on which it is closed, replaced whole.
    #[schema(nullable = false, max_items = 100)]
    pub extra_closed_days: Option<Vec<ClosedDay>>,
    /// Its own review month.
    #[schema(minimum = 1, maximum = 12)]
    pub review_month: Option<i32>,
    /// Until when what is registered as already running has to make good what it lacks; six months without it.
    pub existing_gaps_due_on: Option<NaiveDate>,
    /// Whom to ask.
    #[schema(max_length = 200)]
    pub contact: Option<String>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 10)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for OrganizationPatch {
    const CLEARABLE: &'static [&'static str] = &["review_month", "existing_gaps_due_on", "contact"];
}

/// The fields that can be written.
pub(super) struct State {
    pub key: String,
    pub name: String,
    pub name_kana: String,
    kind: OrganizationKind,
    profile_key: String,
    extra_closed_days: Vec<ClosedDay>,
    review_month: Option<i32>,
    existing_gaps_due_on: Option<NaiveDate>,
    contact: Option<String>,
}

impl State {
    pub(super) fn from_create(new: OrganizationCreate) -> Self {
        Self {
            key: new.key,
            name: new.name,
            name_kana: new.name_kana,
            kind: new.kind,
            profile_key: new.profile_key,
            extra_closed_days: new.extra_closed_days,
            review_month: new.review_month,
            existing_gaps_due_on: new.existing_gaps_due_on,
            contact: new.contact,
        }
    }

    pub(super) fn from_patch(now: Organization, patch: Patch<OrganizationPatch>) -> Self {
        let mut state = Self {
            key: now.key,
            name: now.name,
            name_kana: now.name_kana,
            kind: now.kind,
            profile_key: now.profile_key,
            extra_closed_days: now.extra_closed_days,
            review_month: now.review_month,
            existing_gaps_due_on: now.existing_gaps_due_on,
            contact: now.contact,
        };
        let set = patch.set.clone();
        Patch::<()>::value(&mut state.name, set.name);
        Patch::<()>::value(&mut state.name_kana, set.name_kana);
        Patch::<()>::value(&mut state.kind, set.kind);
        Patch::<()>::value(&mut state.profile_key, set.profile_key);
        Patch::<()>::value(&mut state.extra_closed_days, set.extra_closed_days);
        patch.nullable(&mut state.review_month, set.review_month, "review_month");
        patch.nullable(
            &mut state.existing_gaps_due_on,
            set.existing_gaps_due_on,
            "existing_gaps_due_on",
        );
        patch.nullable(&mut state.contact, set.contact, "contact");
        state
    }

    pub(super) fn checked(mut self, scope: &Scope<'_>) -> Result<Self, ApiError> {
        let mut errors = vec![];
        let mut line = |value: &mut String, pointer: &str, max: usize| match text::single_line(value, max) {
            Ok(clean) => *value = clean,
            Err(e) => errors.push(FieldError::new(pointer, e.code(), e.message_ja(), e.message_en())),
        };
        line(&mut self.name, "/name", 100);
        line(&mut self.name_kana, "/name_kana", 200);
        if let Some(contact) = &mut self.contact {
            line(contact, "/contact", 200);
        }
        if scope.app.profile(&self.profile_key).is_err() {
            errors.push(FieldError::new(
                "/profile_key",
                "not_in_enum",
                "この名前のポリシー設定はありません。",
                "There is no profile of this name.",
            ));
        }
        if profile::refuse_scanning_errors(&self.name).is_err() {
            errors.push(FieldError::new(
                "/name",
                "scanning_error",
                "読み取り誤りと思われる名前です（正しくは「本巣市」）。",
                "This looks like a scanning error (correct: 本巣市).",
            ));
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::Validation(errors))
        }
    }

    pub(super) fn values(&self, search_text: &str) -> Result<Values, ApiError> {
        Ok((
            organizations::name.eq(self.name.clone()),
            organizations::name_kana.eq(self.name_kana.clone()),
            organizations::kind.eq(self.kind.code()),
            organizations::profile_key.eq(self.profile_key.clone()),
            organizations::extra_closed_days.eq(serde_json::to_string(&self.extra_closed_days)?),
            organizations::review_month.eq(self.review_month),
            organizations::existing_gaps_due_on.eq(self.existing_gaps_due_on),
            organizations::contact.eq(self.contact.clone()),
            organizations::search_text.eq(search_text.to_owned()),
        ))
    }
}

type Values = (
    diesel::dsl::Eq<organizations::name, String>,
    diesel::dsl::Eq<organizations::name_kana, String>,
    diesel::dsl::Eq<organizations::kind, &'static str>,
    diesel::dsl::Eq<organizations::profile_key, String>,
    diesel::dsl::Eq<organizations::extra_closed_days, String>,
    diesel::dsl::Eq<organizations::review_month, Option<i32>>,
    diesel::dsl::Eq<organizations::existing_gaps_due_on, Option<NaiveDate>>,
    diesel::dsl::Eq<organizations::contact, Option<String>>,
    diesel::dsl::Eq<organizations::search_text, String>,
);
