//! The rows of cloud services beside their entries: read whole, checked, written whole.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire::{CloudService, CloudServiceCreate, CloudServicePatch, CountryCode, IsmapStatus, ServiceModel};
use crate::app::Scope;
use crate::contractors;
use crate::db::schema::cloud_services;
use crate::domain::lifecycle::approval_lapsed;
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::http::body::Patch;
use crate::http::body::{line, lines};
use crate::http::error::{ApiError, FieldError};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = cloud_services)]
struct CloudServiceRow {
    id: String,
    provider_contractor_id: Option<String>,
    service_model: String,
    plan: Option<String>,
    purpose: String,
    users: Option<String>,
    data_countries: String,
    terms_url: Option<String>,
    terms_checked_on: Option<NaiveDate>,
    approval_valid_until_on: Option<NaiveDate>,
    ismap_status: String,
}

fn word(value: &impl Serialize) -> Result<String, ApiError> {
    Ok(serde_json::from_value(serde_json::to_value(value)?)?)
}

fn parse<T: DeserializeOwned>(text: String) -> Result<T, ApiError> {
    Ok(serde_json::from_value(text.into())?)
}

/// The cloud services of these entries: a constant number of queries.
pub(crate) fn complete(scope: &mut Scope<'_>, rows: Vec<EntryRow>) -> Result<Vec<CloudService>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let entries = entry_rows::complete(scope, rows)?;
    let found: Vec<CloudServiceRow> = cloud_services::table
        .filter(cloud_services::local_government_id.eq(&scope.lg))
        .filter(cloud_services::id.eq_any(&ids))
        .select(CloudServiceRow::as_select())
        .load(scope.conn)?;
    let mut extensions: BTreeMap<String, CloudServiceRow> =
        found.into_iter().map(|row| (row.id.clone(), row)).collect();
    entries
        .into_iter()
        .map(|entry| {
            let row = extensions.remove(&entry.id).ok_or(ApiError::NotFound)?;
            Ok(CloudService {
                approval_lapsed: approval_lapsed(entry.status, row.approval_valid_until_on, scope.today),
                entry,
                provider_contractor_id: row.provider_contractor_id,
                service_model: parse(row.service_model)?,
                plan: row.plan,
                purpose: row.purpose,
                users: row.users,
                data_countries: serde_json::from_str(&row.data_countries)?,
                terms_url: row.terms_url,
                terms_checked_on: row.terms_checked_on,
                approval_valid_until_on: row.approval_valid_until_on,
                ismap_status: parse(row.ismap_status)?,
            })
        })
        .collect()
}

/// The fields that can be written.
#[derive(Debug, Clone)]
pub(super) struct State {
    provider_contractor_id: Option<String>,
    service_model: ServiceModel,
    plan: Option<String>,
    purpose: String,
    users: Option<String>,
    data_countries: Vec<CountryCode>,
    terms_url: Option<String>,
    terms_checked_on: Option<NaiveDate>,
    approval_valid_until_on: Option<NaiveDate>,
    ismap_status: IsmapStatus,
}

impl State {
    pub(super) fn from_create(scope: &mut Scope<'_>, new: &CloudServiceCreate) -> Result<Self, ApiError> {
        Self {
            provider_contractor_id: new.provider_contractor_id.clone(),
            service_model: new.service_model,
            plan: new.plan.clone(),
            purpose: new.purpose.clone(),
            users: new.users.clone(),
            data_countries: new.data_countries.iter().cloned().collect(),
            terms_url: new.terms_url.clone(),
            terms_checked_on: new.terms_checked_on,
            approval_valid_until_on: new.approval_valid_until_on,
            ismap_status: new.ismap_status.unwrap_or(IsmapStatus::Unknown),
        }
        .checked(scope)
    }

    pub(super) fn from_patch(
        scope: &mut Scope<'_>,
        now: CloudService,
        patch: &Patch<CloudServicePatch>,
    ) -> Result<Self, ApiError> {
        let set = patch.set.clone();
        let mut state = Self {
            provider_contractor_id: now.provider_contractor_id,
            service_model: set.service_model.unwrap_or(now.service_model),
            plan: now.plan,
            purpose: set.purpose.unwrap_or(now.purpose),
            users: now.users,
            data_countries: set
                .data_countries
                .map_or(now.data_countries, |new| new.into_iter().collect()),
            terms_url: now.terms_url,
            terms_checked_on: now.terms_checked_on,
            approval_valid_until_on: now.approval_valid_until_on,
            ismap_status: set.ismap_status.unwrap_or(now.ismap_status),
        };
        let provider = set.provider_contractor_id;
        patch.nullable(&mut state.provider_contractor_id, provider, "provider_contractor_id");
        patch.nullable(&mut state.plan, set.plan, "plan");
        patch.nullable(&mut state.users, set.users, "users");
        patch.nullable(&mut state.terms_url, set.terms_url, "terms_url");
        patch.nullable(&mut state.terms_checked_on, set.terms_checked_on, "terms_checked_on");
        let until = set.approval_valid_until_on;
        patch.nullable(&mut state.approval_valid_until_on, until, "approval_valid_until_on");
        state.checked(scope)
    }

    fn checked(mut self, scope: &mut Scope<'_>) -> Result<Self, ApiError> {
        let mut errors = vec![];
        self.purpose = lines(&self.purpose, "/purpose", 1000, &mut errors);
        for (value, pointer, max) in [
            (&mut self.plan, "/plan", 100),
            (&mut self.users, "/users", 500),
            (&mut self.terms_url, "/terms_url", 500),
        ] {
            if let Some(value) = value {
                *value = line(value, pointer, max, &mut errors);
            }
        }
        if self.terms_checked_on.is_some_and(|on| on > scope.today) {
            errors.push(FieldError::new(
                "/terms_checked_on",
                "out_of_range",
                "規約を確かめた日は今日以前にしてください。",
                "It must not be in the future.",
            ));
        }
        ApiError::unless_empty(errors)?;
        if let Some(provider) = &self.provider_contractor_id {
            contractors::require(scope, provider, "/provider_contractor_id")?;
        }
        Ok(self)
    }
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = cloud_services, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Values<'a> {
    provider_contractor_id: Option<&'a str>,
    service_model: String,
    plan: Option<&'a str>,
    purpose: &'a str,
    users: Option<&'a str>,
    data_countries: String,
    terms_url: Option<&'a str>,
    terms_checked_on: Option<NaiveDate>,
    approval_valid_until_on: Option<NaiveDate>,
    ismap_status: String,
}

fn values(state: &State) -> Result<Values<'_>, ApiError> {
    Ok(Values {
        provider_contractor_id: state.provider_contractor_id.as_deref(),
        service_model: word(&state.service_model)?,
        plan: state.plan.as_deref(),
        purpose: &state.purpose,
        users: state.users.as_deref(),
        data_countries: serde_json::to_string(&state.data_countries)?,
        terms_url: state.terms_url.as_deref(),
        terms_checked_on: state.terms_checked_on,
        approval_valid_until_on: state.approval_valid_until_on,
        ismap_status: word(&state.ismap_status)?,
    })
}

pub(super) fn insert(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::insert_into(cloud_services::table)
        .values((
            cloud_services::local_government_id.eq(&scope.lg),
            cloud_services::id.eq(id),
            values(state)?,
        ))
        .execute(scope.conn)?;
    Ok(())
}

pub(super) fn update(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::update(cloud_services::table.find((&scope.lg, id)))
        .set(values(state)?)
        .execute(scope.conn)?;
    Ok(())
}
