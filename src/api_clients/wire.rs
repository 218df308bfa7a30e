//! What an API client looks like on the wire, and the checks that its fields pass.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::clock::Instant;
use crate::domain::identifier::EmailAddress;
use crate::domain::text;
use crate::http::body::{Clearable, Patch};
use crate::http::caller::{Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::page::page_of;

/// A secret, by its times only.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiClientSecret {
    /// Id (`UUIDv7`).
    #[schema(format = Uuid)]
    pub id: String,
    /// When it was issued.
    pub created_at: Instant,
    /// Until when it is accepted; null without an end.
    #[schema(required)]
    pub expires_at: Option<Instant>,
}

/// A system that calls the API.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiClient {
    /// Id (`UUIDv7`), the OAuth `client_id`.
    #[schema(format = Uuid)]
    pub id: String,
    /// Name.
    #[schema(example = "財務会計システム")]
    pub name: String,
    /// What it may do.
    #[schema(example = json!(["contractors:read"]))]
    pub scopes: Vec<String>,
    /// The organizations whose records it may touch; null for all, also future ones.
    #[schema(required)]
    pub organization_ids: Option<Vec<String>>,
    /// Whom to ask about it.
    #[schema(required)]
    pub contact_email: Option<String>,
    /// Its last day; null without an end.
    #[schema(required)]
    pub expires_on: Option<NaiveDate>,
    /// The secrets that are accepted now.
    pub secrets: Vec<ApiClientSecret>,
    /// When it last obtained a token, to the day; null before the first.
    #[schema(required)]
    pub last_used_at: Option<Instant>,
    /// When it was revoked.
    #[schema(required)]
    pub revoked_at: Option<Instant>,
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

page_of! {
    /// A page of API clients.
    ApiClientPage of ApiClient
}

/// A scope in a request: one of those that exist now.
pub struct ScopeName;

impl utoipa::PartialSchema for ScopeName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let names = scope::ALL.iter().map(|(name, _)| *name);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A scope; what each grants is said at the security scheme."))
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for ScopeName {}

/// A new client with its secret.
#[derive(Serialize, ToSchema)]
pub struct IssuedApiClient {
    /// The client.
    pub client: ApiClient,
    /// The secret; it is shown here only.
    #[schema(example = "kk_01934c1e_…")]
    pub client_secret: String,
}

/// A new secret.
#[derive(Serialize, ToSchema)]
pub struct IssuedSecret {
    /// The client.
    #[schema(format = Uuid)]
    pub client_id: String,
    /// The secret; it is shown here only.
    #[schema(example = "kk_01934c1e_…")]
    pub client_secret: String,
    /// Until when the older secrets are accepted, unless they end sooner.
    pub previous_expire_at: Instant,
}

/// A new API client.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiClientCreate {
    /// Name.
    #[schema(min_length = 1, max_length = 100, example = "財務会計システム")]
    pub name: String,
    /// What it may do; see `scopes_supported` of the authorization server's metadata.
    #[schema(value_type = Vec<ScopeName>, min_items = 1, max_items = 50, example = json!(["contractors:read"]))]
    pub scopes: Vec<String>,
    /// The organizations whose records it may touch; null or absent for all, also future ones.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, min_items = 1, max_items = 100)]
    pub organization_ids: Option<Vec<String>>,
    /// Whom to ask about it.
    #[schema(max_length = 254, example = "zaimu@city.example.lg.jp")]
    pub contact_email: Option<String>,
    /// Its last day.
    pub expires_on: Option<NaiveDate>,
}

/// A change of an API client; absent fields stay.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiClientPatch {
    /// Name.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What it may do.
    #[schema(value_type = Option<Vec<ScopeName>>, nullable = false, min_items = 1, max_items = 50)]
    pub scopes: Option<Vec<String>>,
    /// The organizations whose records it may touch; cleared: all.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, min_items = 1, max_items = 100)]
    pub organization_ids: Option<Vec<String>>,
    /// Whom to ask about it.
    #[schema(max_length = 254)]
    pub contact_email: Option<String>,
    /// Its last day.
    pub expires_on: Option<NaiveDate>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for ApiClientPatch {
    const CLEARABLE: &'static [&'static str] = &["organization_ids", "contact_email", "expires_on"];
}

/// The wish for another secret.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRotate {
    /// How long the older secrets are still accepted; 24 hours without it, a week at most.
    #[schema(nullable = false, minimum = 0, maximum = 168, example = 24)]
    pub overlap_hours: Option<i64>,
}

/// The fields that can be written, checked.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub name: String,
    pub scopes: Vec<String>,
    pub organization_ids: Option<Vec<String>>,
    pub contact_email: Option<String>,
    pub expires_on: Option<NaiveDate>,
}

impl State {
    pub(super) fn from_create(new: ApiClientCreate) -> Result<Self, ApiError> {
        Self {
            name: new.name,
            scopes: new.scopes,
            organization_ids: new.organization_ids,
            contact_email: new.contact_email,
            expires_on: new.expires_on,
        }
        .checked()
    }

    pub(super) fn from_patch(now: ApiClient, patch: Patch<ApiClientPatch>) -> Result<Self, ApiError> {
        let mut state = Self {
            name: now.name,
            scopes: now.scopes,
            organization_ids: now.organization_ids,
            contact_email: now.contact_email,
            expires_on: now.expires_on,
        };
        let set = patch.set.clone();
        Patch::<()>::value(&mut state.name, set.name);
        Patch::<()>::value(&mut state.scopes, set.scopes);
        patch.nullable(&mut state.organization_ids, set.organization_ids, "organization_ids");
        patch.nullable(&mut state.contact_email, set.contact_email, "contact_email");
        patch.nullable(&mut state.expires_on, set.expires_on, "expires_on");
        state.checked()
    }

    fn checked(mut self) -> Result<Self, ApiError> {
        let mut errors = vec![];
        match text::single_line(&self.name, 100) {
            Ok(clean) => self.name = clean,
            Err(e) => errors.push(FieldError::new("/name", e.code(), e.message_ja(), e.message_en())),
        }
        // In the order of the document, each once.
        self.scopes = scope::ALL
            .iter()
            .filter(|(known, _)| self.scopes.iter().any(|given| given == known))
            .map(|(known, _)| (*known).to_owned())
            .collect();
        if let Some(email) = &self.contact_email
            && let Err(e) = EmailAddress::parse(email)
        {
            errors.push(FieldError::new(
                "/contact_email",
                e.code(),
                e.message_ja(),
                e.message_en(),
            ));
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::Validation(errors))
        }
    }
}

/// Nobody gives an organization that it does not hold; all of them only who holds all.
///
/// # Errors
/// 422 at the organization.
pub(super) fn check_organizations(given: Option<&[String]>, held: &Organizations) -> Result<(), ApiError> {
    let Some(given) = given else {
        return if *held == Organizations::All {
            Ok(())
        } else {
            Err(ApiError::field(
                "/organization_ids",
                "required",
                "このトークンで扱える機関を指定してください。",
                "Name organizations that this token may touch.",
            ))
        };
    };
    let errors: Vec<FieldError> = (0_usize..)
        .zip(given)
        .filter(|(_, id)| !held.contains(id))
        .map(|(i, _)| FieldError::reference(&format!("/organization_ids/{i}")))
        .collect();
    ApiError::unless_empty(errors)
}
