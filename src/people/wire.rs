//! What a person looks like on the wire, and the checks that the fields pass.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::identifier::{DisplayName, EmailAddress};
use crate::domain::text;
use crate::domain::vocabulary::Role;
use crate::http::body::{Clearable, Patch};
use crate::http::error::{ApiError, FieldError};
use crate::http::page::page_of;

/// An appointment in an organization, also beside another (併任).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Appointment {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The department.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub department_id: Option<String>,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
    /// Before this day it is shown to callers with `directory:write` only (内示前).
    #[serde(default)]
    pub announced_on: Option<NaiveDate>,
}

/// A role for a time, in an organization or one of its departments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldRole {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The department; the whole organization without it.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub department_id: Option<String>,
    /// The role; `owner`, `deputy` and `section_staff` are not given this way.
    pub role: Role,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
    /// Before this day it is shown to callers with `directory:write` only (内示前).
    #[serde(default)]
    pub announced_on: Option<NaiveDate>,
}

/// A person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Person {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Name.
    #[schema(example = "山田 花子")]
    pub name: String,
    /// Name in kana.
    #[schema(required)]
    pub name_kana: Option<String>,
    /// Mail address.
    #[schema(required, example = "yamada@city.example.lg.jp")]
    pub email: Option<String>,
    /// Employee code.
    #[schema(required)]
    pub employee_code: Option<String>,
    /// Last day of employment.
    #[schema(required)]
    pub left_on: Option<NaiveDate>,
    /// Appointments in the token's organizations.
    pub appointments: Vec<Appointment>,
    /// Roles in the token's organizations.
    pub roles: Vec<HeldRole>,
    /// Version, as in the entity tag.
    pub version: i64,
    /// When the person was registered.
    pub created_at: Instant,
    /// When the record was last changed.
    pub updated_at: Instant,
    /// When it was archived.
    #[schema(required)]
    pub archived_at: Option<Instant>,
}

page_of! {
    /// A page of people.
    PersonPage of Person
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PersonFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// A part of the name or its kana, two characters or more.
    #[param(nullable = false, min_length = 2, max_length = 100)]
    pub q: Option<String>,
    /// Archived ones too.
    #[param(nullable = false)]
    pub include_archived: Option<bool>,
}

/// A new person.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonCreate {
    /// Name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Name in kana.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub name_kana: Option<String>,
    /// Mail address; without one the department's mailbox receives the mail.
    #[serde(default)]
    #[schema(max_length = 254)]
    pub email: Option<String>,
    /// Employee code.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub employee_code: Option<String>,
    /// Last day of employment.
    #[serde(default)]
    pub left_on: Option<NaiveDate>,
    /// Appointments.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub appointments: Vec<Appointment>,
    /// Roles.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub roles: Vec<HeldRole>,
}

/// A change of a person.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonPatch {
    /// Name.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Name in kana.
    #[schema(max_length = 200)]
    pub name_kana: Option<String>,
    /// Mail address.
    #[schema(max_length = 254)]
    pub email: Option<String>,
    /// Employee code.
    #[schema(max_length = 40)]
    pub employee_code: Option<String>,
    /// Last day of employment.
    pub left_on: Option<NaiveDate>,
    /// Appointments, replaced whole.
    #[schema(nullable = false, max_items = 50)]
    pub appointments: Option<Vec<Appointment>>,
    /// Roles, replaced whole.
    #[schema(nullable = false, max_items = 50)]
    pub roles: Option<Vec<HeldRole>>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 10)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for PersonPatch {
    const CLEARABLE: &'static [&'static str] = &["name_kana", "email", "employee_code", "left_on"];
}

/// The fields that can be written.
pub(super) struct State {
    pub name: String,
    pub name_kana: Option<String>,
    pub email: Option<String>,
    pub employee_code: Option<String>,
    pub left_on: Option<NaiveDate>,
    /// `None`: they stay as they are.
    pub appointments: Option<Vec<Appointment>>,
    /// `None`: they stay as they are.
    pub roles: Option<Vec<HeldRole>>,
}

impl State {
    pub(super) fn from_create(new: PersonCreate) -> Self {
        Self {
            name: new.name,
            name_kana: new.name_kana,
            email: new.email,
            employee_code: new.employee_code,
            left_on: new.left_on,
            appointments: Some(new.appointments),
            roles: Some(new.roles),
        }
    }

    pub(super) fn from_patch(now: Person, patch: Patch<PersonPatch>) -> Self {
        let set = patch.set.clone();
        let mut state = Self {
            name: set.name.unwrap_or(now.name),
            name_kana: now.name_kana,
            email: now.email,
            employee_code: now.employee_code,
            left_on: now.left_on,
            appointments: set.appointments,
            roles: set.roles,
        };
        patch.nullable(&mut state.name_kana, set.name_kana, "name_kana");
        patch.nullable(&mut state.email, set.email, "email");
        patch.nullable(&mut state.employee_code, set.employee_code, "employee_code");
        patch.nullable(&mut state.left_on, set.left_on, "left_on");
        state
    }

    pub(super) fn checked(mut self) -> Result<Self, ApiError> {
        let mut errors = vec![];
        match DisplayName::parse(&self.name) {
            Ok(name) => name.as_str().clone_into(&mut self.name),
            Err(e) => errors.push(FieldError::new("/name", e.code(), e.message_ja(), e.message_en())),
        }
        for (value, pointer, max) in [
            (&mut self.name_kana, "/name_kana", 200),
            (&mut self.employee_code, "/employee_code", 40),
        ] {
            if let Some(value) = value {
                match text::single_line(value, max) {
                    Ok(clean) => *value = clean,
                    Err(e) => errors.push(FieldError::new(pointer, e.code(), e.message_ja(), e.message_en())),
                }
            }
        }
        if let Some(email) = &self.email
            && let Err(e) = EmailAddress::parse(email)
        {
            errors.push(FieldError::new("/email", e.code(), e.message_ja(), e.message_en()));
        }
        for (i, held) in self.roles.iter().flatten().enumerate() {
            if matches!(held.role, Role::Owner | Role::Deputy | Role::SectionStaff) {
                errors.push(FieldError::new(
                    &format!("/roles/{i}/role"),
                    "not_in_enum",
                    "この役割は台帳か所属で決まります。",
                    "This role follows from an entry or a department.",
                ));
            }
        }
        let spans = self
            .appointments
            .iter()
            .flatten()
            .map(|a| ("appointments", a.starts_on, a.ends_on, a.announced_on));
        let roles = self.roles.iter().flatten();
        let roles = roles.map(|r| ("roles", r.starts_on, r.ends_on, r.announced_on));
        for (name, starts_on, ends_on, announced_on) in spans.chain(roles) {
            if ends_on.is_some_and(|on| on < starts_on) {
                errors.push(FieldError::new(
                    &format!("/{name}"),
                    "date_order",
                    "終了日は開始日以降にしてください。",
                    "The last day must not be before the first.",
                ));
            }
            if announced_on.is_some_and(|on| on > starts_on) {
                errors.push(FieldError::new(
                    &format!("/{name}"),
                    "date_order",
                    "内示の日は開始日以前にしてください。",
                    "It is announced on the first day at the latest.",
                ));
            }
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::Validation(errors))
        }
    }
}
