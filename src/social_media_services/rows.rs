//! The rows of social-media services: read, checked, written.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{InheritedService, Platform, SocialMediaService, SocialMediaServiceCreate, SocialMediaServicePatch};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::social_media_services;
use crate::db::search;
use crate::domain::lifecycle::DORMANT_AFTER_DAYS;
use crate::entries::rows::{check_holder, holder};
use crate::entries::wire::Holder;
use crate::http::body::Patch;
use crate::http::body::lines;
use crate::http::error::ApiError;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = social_media_services)]
pub(super) struct ServiceRow {
    pub id: String,
    pub organization_id: String,
    platform: String,
    responsible_person_id: Option<String>,
    responsible_post_id: Option<String>,
    operating_procedure: Option<String>,
    operating_procedure_revised_on: Option<NaiveDate>,
    publishable_information: Option<String>,
    dormant_after_days: Option<i32>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
    archived_at: Option<Instant>,
}

impl ServiceRow {
    pub(super) fn wire(self) -> Result<SocialMediaService, ApiError> {
        let platform = Platform::parse(&self.platform)
            .ok_or_else(|| ApiError::internal(format!("unknown platform {:?}", self.platform)))?;
        Ok(SocialMediaService {
            id: self.id,
            organization_id: self.organization_id,
            platform,
            responsible: holder(self.responsible_person_id, self.responsible_post_id),
            operating_procedure: self.operating_procedure,
            operating_procedure_revised_on: self.operating_procedure_revised_on,
            publishable_information: self.publishable_information,
            dormant_after_days: self.dormant_after_days,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
            archived_at: self.archived_at,
        })
    }
}

pub(super) fn find(scope: &mut Scope<'_>, id: &str) -> Result<SocialMediaService, ApiError> {
    social_media_services::table
        .find((&scope.lg, id))
        .select(ServiceRow::as_select())
        .first(scope.conn)?
        .wire()
}

/// The service of this platform in this organization, archived or not.
pub(super) fn of_platform(
    scope: &mut Scope<'_>,
    organization_id: &str,
    platform: Platform,
) -> Result<Option<SocialMediaService>, ApiError> {
    social_media_services::table
        .filter(social_media_services::local_government_id.eq(&scope.lg))
        .filter(social_media_services::organization_id.eq(organization_id))
        .filter(social_media_services::platform.eq(platform.code()))
        .select(ServiceRow::as_select())
        .first(scope.conn)
        .optional()?
        .map(ServiceRow::wire)
        .transpose()
}

/// What accounts inherit from these services, by id, with one query.
pub(super) fn inherited(scope: &mut Scope<'_>, ids: &[String]) -> Result<BTreeMap<String, InheritedService>, ApiError> {
    let rows: Vec<ServiceRow> = social_media_services::table
        .filter(social_media_services::local_government_id.eq(&scope.lg))
        .filter(social_media_services::id.eq_any(ids))
        .select(ServiceRow::as_select())
        .load(scope.conn)?;
    rows.into_iter()
        .map(|row| {
            let service = row.wire()?;
            let inherited = InheritedService {
                platform: service.platform,
                responsible: service.responsible,
                operating_procedure: service.operating_procedure,
                publishable_information: service.publishable_information,
                dormant_after_days: service.dormant_after_days.unwrap_or(DORMANT_AFTER_DAYS),
            };
            Ok((service.id, inherited))
        })
        .collect()
}

/// The fields that can be written.
#[derive(Debug, Clone)]
pub(super) struct State {
    platform: Platform,
    responsible: Option<Holder>,
    operating_procedure: Option<String>,
    operating_procedure_revised_on: Option<NaiveDate>,
    publishable_information: Option<String>,
    dormant_after_days: Option<i32>,
}

impl State {
    pub(super) fn from_create(scope: &mut Scope<'_>, new: SocialMediaServiceCreate) -> Result<Self, ApiError> {
        Self {
            platform: new.platform,
            responsible: new.responsible,
            operating_procedure: new.operating_procedure,
            operating_procedure_revised_on: new.operating_procedure_revised_on,
            publishable_information: new.publishable_information,
            dormant_after_days: new.dormant_after_days,
        }
        .checked(scope)
    }

    pub(super) fn from_patch(
        scope: &mut Scope<'_>,
        now: SocialMediaService,
        patch: &Patch<SocialMediaServicePatch>,
    ) -> Result<Self, ApiError> {
        let set = patch.set.clone();
        let mut state = Self {
            platform: now.platform,
            responsible: now.responsible,
            operating_procedure: now.operating_procedure,
            operating_procedure_revised_on: now.operating_procedure_revised_on,
            publishable_information: now.publishable_information,
            dormant_after_days: now.dormant_after_days,
        };
        patch.nullable(&mut state.responsible, set.responsible, "responsible");
        patch.nullable(
            &mut state.operating_procedure,
            set.operating_procedure,
            "operating_procedure",
        );
        patch.nullable(
            &mut state.operating_procedure_revised_on,
            set.operating_procedure_revised_on,
            "operating_procedure_revised_on",
        );
        patch.nullable(
            &mut state.publishable_information,
            set.publishable_information,
            "publishable_information",
        );
        patch.nullable(
            &mut state.dormant_after_days,
            set.dormant_after_days,
            "dormant_after_days",
        );
        state.checked(scope)
    }

    fn checked(mut self, scope: &mut Scope<'_>) -> Result<Self, ApiError> {
        let mut errors = vec![];
        for (value, pointer, max) in [
            (&mut self.operating_procedure, "/operating_procedure", 20_000),
            (&mut self.publishable_information, "/publishable_information", 4000),
        ] {
            if let Some(value) = value {
                *value = lines(value, pointer, max, &mut errors);
            }
        }
        check_holder(scope, self.responsible.as_ref(), "/responsible", &mut errors)?;
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::Validation(errors))
        }
    }
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = social_media_services, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Values<'a> {
    platform: &'static str,
    responsible_person_id: Option<&'a str>,
    responsible_post_id: Option<&'a str>,
    operating_procedure: Option<&'a str>,
    operating_procedure_revised_on: Option<NaiveDate>,
    publishable_information: Option<&'a str>,
    dormant_after_days: Option<i32>,
    search_text: String,
    updated_at: Instant,
    updated_by: String,
    archived_at: Option<Instant>,
}

/// Written values are those of a live service.
fn values<'a>(scope: &Scope<'_>, state: &'a State) -> Values<'a> {
    let responsible = state.responsible.as_ref();
    Values {
        platform: state.platform.code(),
        responsible_person_id: responsible.and_then(|h| h.person_id.as_deref()),
        responsible_post_id: responsible.and_then(|h| h.post_id.as_deref()),
        operating_procedure: state.operating_procedure.as_deref(),
        operating_procedure_revised_on: state.operating_procedure_revised_on,
        publishable_information: state.publishable_information.as_deref(),
        dormant_after_days: state.dormant_after_days,
        search_text: search::folded([Some(state.platform.code())]),
        updated_at: scope.at,
        updated_by: scope.by(),
        archived_at: None,
    }
}

pub(super) fn insert(scope: &mut Scope<'_>, id: &str, organization_id: &str, state: &State) -> Result<(), ApiError> {
    diesel::insert_into(social_media_services::table)
        .values((
            social_media_services::local_government_id.eq(&scope.lg),
            social_media_services::id.eq(id),
            social_media_services::organization_id.eq(organization_id),
            values(scope, state),
            social_media_services::version.eq(1),
            social_media_services::created_at.eq(scope.at),
            social_media_services::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

pub(super) fn update(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::update(social_media_services::table.find((&scope.lg, id)))
        .set((
            values(scope, state),
            social_media_services::version.eq(social_media_services::version + 1),
        ))
        .execute(scope.conn)?;
    Ok(())
}

pub(super) fn archive(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(social_media_services::table.find((&scope.lg, id)))
        .set((
            social_media_services::archived_at.eq(Some(scope.at)),
            social_media_services::updated_at.eq(scope.at),
            social_media_services::updated_by.eq(scope.by()),
            social_media_services::version.eq(social_media_services::version + 1),
        ))
        .execute(scope.conn)?;
    Ok(())
}
