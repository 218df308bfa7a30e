//! What a contractor looks like on the wire, and the checks that its fields pass.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Instant;
use crate::domain::identifier::{CorporateNumber, EmailAddress, InvoiceRegistrationNumber};
use crate::domain::text;
use crate::external_ids::ExternalId;
use crate::http::body::{Clearable, Patch};
use crate::http::error::{ApiError, FieldError};
use crate::http::page::page_of;

/// Whether a contractor may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractorStatus {
    /// May be chosen.
    Active,
    /// Not for now.
    Suspended,
    /// Excluded from bidding (指名停止) for the time of `debarment`.
    Debarred,
}

/// Exclusion from bidding (指名停止).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Debarment {
    /// First day.
    pub from_on: NaiveDate,
    /// Last day, null while open.
    #[serde(default)]
    pub to_on: Option<NaiveDate>,
    /// Why.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// A certification or registration (`reference`: assurance schemes).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Certification {
    /// `ismap`, `iso27001`, `iso27017`, `p_mark`, `soc2`, `jc_star` … (the list grows).
    #[schema(min_length = 1, max_length = 40, example = "iso27001")]
    pub scheme: String,
    /// Its number.
    #[schema(max_length = 100)]
    #[serde(default)]
    pub number: Option<String>,
    /// What it covers.
    #[schema(max_length = 500)]
    #[serde(default)]
    pub scope: Option<String>,
    /// Its last day.
    #[serde(default)]
    pub valid_until_on: Option<NaiveDate>,
}

/// Whom to call there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractorContact {
    /// Name of a person or desk.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Mail address.
    #[schema(max_length = 254)]
    #[serde(default)]
    pub email: Option<String>,
    /// Telephone number.
    #[schema(max_length = 40)]
    #[serde(default)]
    pub phone: Option<String>,
    /// What for: `business`, `security`, `incident` …
    #[schema(min_length = 1, max_length = 40, example = "security")]
    pub kind: String,
}

/// A contractor (委託事業者).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Contractor {
    /// Id (`UUIDv7`).
    #[schema(format = Uuid)]
    pub id: String,
    /// Name.
    #[schema(example = "株式会社みどり情報サービス")]
    pub name: String,
    /// Name in kana.
    #[schema(required)]
    pub name_kana: Option<String>,
    /// Legal form as registered.
    #[schema(required, example = "株式会社")]
    pub legal_form: Option<String>,
    /// Corporate number (法人番号), 13 digits.
    #[schema(required, pattern = "^[1-9][0-9]{12}$", example = "7000012050002")]
    pub corporate_number: Option<String>,
    /// Registration number of a qualified invoice issuer (T + 13 digits).
    #[schema(required, pattern = "^T[1-9][0-9]{12}$", example = "T7000012050002")]
    pub invoice_registration_number: Option<String>,
    /// Country of the head office, ISO 3166-1.
    #[schema(example = "JP")]
    pub country: String,
    /// Prefecture of the head office, two digits (JIS X 0401).
    #[schema(required, example = "21")]
    pub prefecture_code: Option<String>,
    /// Address of the head office.
    #[schema(required)]
    pub address: Option<String>,
    /// The parent company, when it is registered too.
    #[schema(required, format = Uuid)]
    pub parent_contractor_id: Option<String>,
    /// Whether it may be chosen.
    pub status: ContractorStatus,
    /// Exclusion from bidding.
    #[schema(required)]
    pub debarment: Option<Debarment>,
    /// Certifications.
    pub certifications: Vec<Certification>,
    /// Contacts.
    pub contacts: Vec<ContractorContact>,
    /// Keys in other systems.
    pub external_ids: Vec<ExternalId>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
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
    /// A page of contractors.
    ContractorPage of Contractor
}

/// A new contractor.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractorCreate {
    /// Name.
    #[schema(min_length = 1, max_length = 200, example = "株式会社みどり情報サービス")]
    pub name: String,
    /// Name in kana.
    #[schema(max_length = 200, example = "カブシキガイシャミドリジョウホウサービス")]
    pub name_kana: Option<String>,
    /// Legal form as registered.
    #[schema(max_length = 40, example = "株式会社")]
    pub legal_form: Option<String>,
    /// Corporate number (法人番号).
    #[schema(pattern = "^[1-9][0-9]{12}$", max_length = 13, example = "7000012050002")]
    pub corporate_number: Option<String>,
    /// Registration number of a qualified invoice issuer.
    #[schema(pattern = "^T[1-9][0-9]{12}$", max_length = 14)]
    pub invoice_registration_number: Option<String>,
    /// Country of the head office, ISO 3166-1; `JP` without it.
    #[schema(nullable = false, pattern = "^[A-Z]{2}$", max_length = 2)]
    pub country: Option<String>,
    /// Prefecture of the head office.
    #[schema(pattern = "^[0-9]{2}$", max_length = 2)]
    pub prefecture_code: Option<String>,
    /// Address of the head office.
    #[schema(max_length = 300)]
    pub address: Option<String>,
    /// The parent company.
    #[schema(format = Uuid)]
    pub parent_contractor_id: Option<String>,
    /// Whether it may be chosen; `active` without it.
    #[schema(nullable = false)]
    pub status: Option<ContractorStatus>,
    /// Exclusion from bidding.
    pub debarment: Option<Debarment>,
    /// Certifications.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub certifications: Vec<Certification>,
    /// Contacts.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub contacts: Vec<ContractorContact>,
    /// Keys in other systems.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub external_ids: Vec<ExternalId>,
    /// Note.
    #[schema(max_length = 4000)]
    pub note: Option<String>,
}

/// A change of a contractor; absent fields stay, arrays are replaced whole.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractorPatch {
    /// Name.
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Name in kana.
    #[schema(max_length = 200)]
    pub name_kana: Option<String>,
    /// Legal form.
    #[schema(max_length = 40)]
    pub legal_form: Option<String>,
    /// Corporate number.
    #[schema(pattern = "^[1-9][0-9]{12}$", max_length = 13)]
    pub corporate_number: Option<String>,
    /// Registration number of a qualified invoice issuer.
    #[schema(pattern = "^T[1-9][0-9]{12}$", max_length = 14)]
    pub invoice_registration_number: Option<String>,
    /// Country of the head office.
    #[schema(nullable = false, pattern = "^[A-Z]{2}$", max_length = 2)]
    pub country: Option<String>,
    /// Prefecture of the head office.
    #[schema(pattern = "^[0-9]{2}$", max_length = 2)]
    pub prefecture_code: Option<String>,
    /// Address of the head office.
    #[schema(max_length = 300)]
    pub address: Option<String>,
    /// The parent company.
    #[schema(format = Uuid)]
    pub parent_contractor_id: Option<String>,
    /// Whether it may be chosen.
    #[schema(nullable = false)]
    pub status: Option<ContractorStatus>,
    /// Exclusion from bidding.
    pub debarment: Option<Debarment>,
    /// Certifications.
    #[schema(nullable = false, max_items = 50)]
    pub certifications: Option<Vec<Certification>>,
    /// Contacts.
    #[schema(nullable = false, max_items = 50)]
    pub contacts: Option<Vec<ContractorContact>>,
    /// Keys in other systems.
    #[schema(nullable = false, max_items = 20)]
    pub external_ids: Option<Vec<ExternalId>>,
    /// Note.
    #[schema(max_length = 4000)]
    pub note: Option<String>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for ContractorPatch {
    const CLEARABLE: &'static [&'static str] = &[
        "name_kana",
        "legal_form",
        "corporate_number",
        "invoice_registration_number",
        "prefecture_code",
        "address",
        "parent_contractor_id",
        "debarment",
        "note",
    ];
}

/// The fields that can be written, checked.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub name: String,
    pub name_kana: Option<String>,
    pub legal_form: Option<String>,
    pub corporate_number: Option<String>,
    pub invoice_registration_number: Option<String>,
    pub country: String,
    pub prefecture_code: Option<String>,
    pub address: Option<String>,
    pub parent_contractor_id: Option<String>,
    pub status: ContractorStatus,
    pub debarment: Option<Debarment>,
    pub certifications: Vec<Certification>,
    pub contacts: Vec<ContractorContact>,
    pub external_ids: Vec<ExternalId>,
    pub note: Option<String>,
}

impl State {
    pub(super) fn from_create(new: ContractorCreate) -> Result<Self, ApiError> {
        Self {
            name: new.name,
            name_kana: new.name_kana,
            legal_form: new.legal_form,
            corporate_number: new.corporate_number,
            invoice_registration_number: new.invoice_registration_number,
            country: new.country.unwrap_or_else(|| "JP".to_owned()),
            prefecture_code: new.prefecture_code,
            address: new.address,
            parent_contractor_id: new.parent_contractor_id,
            status: new.status.unwrap_or(ContractorStatus::Active),
            debarment: new.debarment,
            certifications: new.certifications,
            contacts: new.contacts,
            external_ids: new.external_ids,
            note: new.note,
        }
        .checked()
    }

    pub(super) fn from_patch(now: Contractor, patch: Patch<ContractorPatch>) -> Result<Self, ApiError> {
        let mut state = Self {
            name: now.name,
            name_kana: now.name_kana,
            legal_form: now.legal_form,
            corporate_number: now.corporate_number,
            invoice_registration_number: now.invoice_registration_number,
            country: now.country,
            prefecture_code: now.prefecture_code,
            address: now.address,
            parent_contractor_id: now.parent_contractor_id,
            status: now.status,
            debarment: now.debarment,
            certifications: now.certifications,
            contacts: now.contacts,
            external_ids: now.external_ids,
            note: now.note,
        };
        let set = patch.set.clone();
        Patch::<()>::value(&mut state.name, set.name);
        patch.nullable(&mut state.name_kana, set.name_kana, "name_kana");
        patch.nullable(&mut state.legal_form, set.legal_form, "legal_form");
        patch.nullable(&mut state.corporate_number, set.corporate_number, "corporate_number");
        let invoice = set.invoice_registration_number;
        patch.nullable(
            &mut state.invoice_registration_number,
            invoice,
            "invoice_registration_number",
        );
        Patch::<()>::value(&mut state.country, set.country);
        patch.nullable(&mut state.prefecture_code, set.prefecture_code, "prefecture_code");
        patch.nullable(&mut state.address, set.address, "address");
        patch.nullable(
            &mut state.parent_contractor_id,
            set.parent_contractor_id,
            "parent_contractor_id",
        );
        Patch::<()>::value(&mut state.status, set.status);
        patch.nullable(&mut state.debarment, set.debarment, "debarment");
        Patch::<()>::value(&mut state.certifications, set.certifications);
        Patch::<()>::value(&mut state.contacts, set.contacts);
        Patch::<()>::value(&mut state.external_ids, set.external_ids);
        patch.nullable(&mut state.note, set.note, "note");
        state.checked()
    }

    fn checked(mut self) -> Result<Self, ApiError> {
        let mut errors = vec![];
        let mut line = |value: &mut String, pointer: &str, max: usize| match text::single_line(value, max) {
            Ok(clean) => *value = clean,
            Err(error) => errors.push(FieldError::new(
                pointer,
                error.code(),
                error.message_ja(),
                error.message_en(),
            )),
        };
        line(&mut self.name, "/name", 200);
        for (value, pointer, max) in [
            (&mut self.name_kana, "/name_kana", 200),
            (&mut self.legal_form, "/legal_form", 40),
            (&mut self.address, "/address", 300),
        ] {
            if let Some(value) = value {
                line(value, pointer, max);
            }
        }
        for (i, contact) in self.contacts.iter_mut().enumerate() {
            line(&mut contact.name, &format!("/contacts/{i}/name"), 100);
        }
        if let Some(note) = &mut self.note {
            match text::multi_line(note, 4000) {
                Ok(clean) => *note = clean,
                Err(e) => errors.push(FieldError::new("/note", e.code(), e.message_ja(), e.message_en())),
            }
        }
        if let Some(number) = &self.corporate_number
            && let Err(e) = CorporateNumber::parse(number)
        {
            errors.push(FieldError::new(
                "/corporate_number",
                e.code(),
                e.message_ja(),
                e.message_en(),
            ));
        }
        if let Some(number) = &self.invoice_registration_number
            && let Err(e) = InvoiceRegistrationNumber::parse(number)
        {
            errors.push(FieldError::new(
                "/invoice_registration_number",
                e.code(),
                e.message_ja(),
                e.message_en(),
            ));
        }
        for (i, contact) in self.contacts.iter().enumerate() {
            if let Some(email) = &contact.email
                && let Err(e) = EmailAddress::parse(email)
            {
                let pointer = format!("/contacts/{i}/email");
                errors.push(FieldError::new(&pointer, e.code(), e.message_ja(), e.message_en()));
            }
        }
        if self.status == ContractorStatus::Debarred && self.debarment.is_none() {
            errors.push(FieldError::new(
                "/debarment",
                "required",
                "指名停止の期間と理由を入れてください。",
                "Give the time and reason of the debarment.",
            ));
        }
        if let Some(debarment) = &self.debarment
            && debarment.to_on.is_some_and(|to| to < debarment.from_on)
        {
            errors.push(FieldError::new(
                "/debarment/to_on",
                "date_order",
                "終了日は開始日以降にしてください。",
                "The last day must not be before the first.",
            ));
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::Validation(errors))
        }
    }
}
