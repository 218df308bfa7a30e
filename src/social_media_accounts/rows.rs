//! The rows of social-media accounts beside their entries: read whole, checked, written with the history of handles.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{SocialMediaAccount, SocialMediaAccountCreate, SocialMediaAccountPatch, UsedHandle};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{account_handles, social_media_accounts};
use crate::domain::lifecycle::looks_dormant;
use crate::domain::vocabulary::Kind;
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::http::body::Patch;
use crate::http::body::{line, lines};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::social_media_services;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = social_media_accounts)]
struct AccountRow {
    id: String,
    social_media_service_id: String,
    platform_account_id: Option<String>,
    handle: String,
    url: String,
    purpose: String,
    audience: Option<String>,
    content: Option<String>,
    posters: Option<String>,
    hours: Option<String>,
    verified_badge: bool,
    listed_on_official_site: bool,
    delegated_engagement_id: Option<String>,
    last_post_on: Option<NaiveDate>,
    takes_applications: bool,
    data_path_entry_id: Option<String>,
}

/// The accounts of these entries: a constant number of queries.
pub(crate) fn complete(scope: &mut Scope<'_>, rows: Vec<EntryRow>) -> Result<Vec<SocialMediaAccount>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let entries = entry_rows::complete(scope, rows)?;
    let found: Vec<AccountRow> = social_media_accounts::table
        .filter(social_media_accounts::local_government_id.eq(&scope.lg))
        .filter(social_media_accounts::id.eq_any(&ids))
        .select(AccountRow::as_select())
        .load(scope.conn)?;
    let services: Vec<String> = found.iter().map(|row| row.social_media_service_id.clone()).collect();
    let services = social_media_services::inherited(scope, &services)?;
    let mut handles = handles(scope, &ids)?;
    let mut extensions: BTreeMap<String, AccountRow> = found.into_iter().map(|row| (row.id.clone(), row)).collect();
    entries
        .into_iter()
        .map(|entry| {
            let row = extensions.remove(&entry.id).ok_or(ApiError::NotFound)?;
            let service = services.get(&row.social_media_service_id).cloned();
            let service = service.ok_or(ApiError::NotFound)?;
            let began = entry.started_on.unwrap_or(scope.today);
            Ok(SocialMediaAccount {
                looks_dormant: looks_dormant(
                    entry.status,
                    row.last_post_on,
                    began,
                    service.dormant_after_days,
                    scope.today,
                ),
                service,
                handles: handles.remove(&entry.id).unwrap_or_default(),
                entry,
                social_media_service_id: row.social_media_service_id,
                platform_account_id: row.platform_account_id,
                handle: row.handle,
                url: row.url,
                purpose: row.purpose,
                audience: row.audience,
                content: row.content,
                posters: row.posters,
                hours: row.hours,
                verified_badge: row.verified_badge,
                listed_on_official_site: row.listed_on_official_site,
                delegated_engagement_id: row.delegated_engagement_id,
                last_post_on: row.last_post_on,
                takes_applications: row.takes_applications,
                data_path_entry_id: row.data_path_entry_id,
            })
        })
        .collect()
}

fn handles(scope: &mut Scope<'_>, ids: &[String]) -> Result<BTreeMap<String, Vec<UsedHandle>>, ApiError> {
    let rows: Vec<(String, String, Instant)> = account_handles::table
        .filter(account_handles::local_government_id.eq(&scope.lg))
        .filter(account_handles::account_id.eq_any(ids))
        .order((
            account_handles::account_id,
            account_handles::used_from_at,
            account_handles::id,
        ))
        .select((
            account_handles::account_id,
            account_handles::handle,
            account_handles::used_from_at,
        ))
        .load(scope.conn)?;
    let mut found: BTreeMap<String, Vec<UsedHandle>> = BTreeMap::new();
    for (id, handle, used_from_at) in rows {
        found.entry(id).or_default().push(UsedHandle { handle, used_from_at });
    }
    Ok(found)
}

/// The fields that can be written.
#[derive(Debug, Clone)]
pub(super) struct State {
    social_media_service_id: String,
    platform_account_id: Option<String>,
    pub handle: String,
    url: String,
    purpose: String,
    audience: Option<String>,
    content: Option<String>,
    posters: Option<String>,
    hours: Option<String>,
    verified_badge: bool,
    listed_on_official_site: bool,
    delegated_engagement_id: Option<String>,
    last_post_on: Option<NaiveDate>,
    takes_applications: bool,
    data_path_entry_id: Option<String>,
}

impl State {
    pub(super) fn from_create(
        scope: &mut Scope<'_>,
        allowed: &Organizations,
        new: &SocialMediaAccountCreate,
    ) -> Result<Self, ApiError> {
        let service = &new.social_media_service_id;
        social_media_services::require(scope, allowed, service, &new.organization_id)?;
        let state = Self {
            social_media_service_id: service.clone(),
            platform_account_id: new.platform_account_id.clone(),
            handle: new.handle.clone(),
            url: new.url.clone(),
            purpose: new.purpose.clone(),
            audience: new.audience.clone(),
            content: new.content.clone(),
            posters: new.posters.clone(),
            hours: new.hours.clone(),
            verified_badge: new.verified_badge,
            listed_on_official_site: new.listed_on_official_site,
            delegated_engagement_id: new.delegated_engagement_id.clone(),
            last_post_on: new.last_post_on,
            takes_applications: new.takes_applications,
            data_path_entry_id: new.data_path_entry_id.clone(),
        };
        check_engagement(scope, allowed, state.delegated_engagement_id.as_deref())?;
        check_data_path(scope, allowed, state.data_path_entry_id.as_deref())?;
        state.checked(scope)
    }

    pub(super) fn from_patch(
        scope: &mut Scope<'_>,
        allowed: &Organizations,
        now: SocialMediaAccount,
        patch: &Patch<SocialMediaAccountPatch>,
    ) -> Result<Self, ApiError> {
        let set = patch.set.clone();
        let mut state = Self {
            social_media_service_id: now.social_media_service_id,
            platform_account_id: now.platform_account_id,
            handle: set.handle.unwrap_or(now.handle),
            url: set.url.unwrap_or(now.url),
            purpose: set.purpose.unwrap_or(now.purpose),
            audience: now.audience,
            content: now.content,
            posters: now.posters,
            hours: now.hours,
            verified_badge: set.verified_badge.unwrap_or(now.verified_badge),
            listed_on_official_site: set.listed_on_official_site.unwrap_or(now.listed_on_official_site),
            delegated_engagement_id: now.delegated_engagement_id,
            last_post_on: now.last_post_on,
            takes_applications: set.takes_applications.unwrap_or(now.takes_applications),
            data_path_entry_id: now.data_path_entry_id,
        };
        check_engagement(scope, allowed, set.delegated_engagement_id.as_deref())?;
        check_data_path(scope, allowed, set.data_path_entry_id.as_deref())?;
        for (value, new, name) in [
            (
                &mut state.platform_account_id,
                set.platform_account_id,
                "platform_account_id",
            ),
            (&mut state.audience, set.audience, "audience"),
            (&mut state.content, set.content, "content"),
            (&mut state.posters, set.posters, "posters"),
            (&mut state.hours, set.hours, "hours"),
            (
                &mut state.delegated_engagement_id,
                set.delegated_engagement_id,
                "delegated_engagement_id",
            ),
            (
                &mut state.data_path_entry_id,
                set.data_path_entry_id,
                "data_path_entry_id",
            ),
        ] {
            patch.nullable(value, new, name);
        }
        patch.nullable(&mut state.last_post_on, set.last_post_on, "last_post_on");
        state.checked(scope)
    }

    fn checked(mut self, scope: &Scope<'_>) -> Result<Self, ApiError> {
        let mut errors = vec![];
        self.handle = line(&self.handle, "/handle", 100, &mut errors);
        self.url = line(&self.url, "/url", 500, &mut errors);
        self.purpose = lines(&self.purpose, "/purpose", 1000, &mut errors);
        if let Some(content) = &mut self.content {
            *content = lines(content, "/content", 1000, &mut errors);
        }
        for (value, pointer, max) in [
            (&mut self.platform_account_id, "/platform_account_id", 100),
            (&mut self.audience, "/audience", 500),
            (&mut self.posters, "/posters", 500),
            (&mut self.hours, "/hours", 200),
        ] {
            if let Some(value) = value {
                *value = line(value, pointer, max, &mut errors);
            }
        }
        if self.last_post_on.is_some_and(|on| on > scope.today) {
            errors.push(FieldError::new(
                "/last_post_on",
                "out_of_range",
                "最後の投稿の日は今日以前にしてください。",
                "It must not be in the future.",
            ));
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::Validation(errors))
        }
    }
}

/// The operation may be delegated to an engagement that the caller may touch, also of another organization.
fn check_engagement(scope: &mut Scope<'_>, allowed: &Organizations, id: Option<&str>) -> Result<(), ApiError> {
    let Some(id) = id else { return Ok(()) };
    let unknown = || ApiError::Validation(vec![FieldError::reference("/delegated_engagement_id")]);
    match entry_rows::find_kind(scope, allowed, Kind::ContractorEngagement, id) {
        Ok(row) if row.archived_at.is_none() => Ok(()),
        Ok(_) | Err(ApiError::NotFound) => Err(unknown()),
        Err(error) => Err(error),
    }
}

/// What citizens send is carried by an engagement or a cloud service that the caller may touch.
fn check_data_path(scope: &mut Scope<'_>, allowed: &Organizations, id: Option<&str>) -> Result<(), ApiError> {
    let Some(id) = id else { return Ok(()) };
    match entry_rows::find(scope, allowed, id) {
        Ok(row) if row.archived_at.is_none() && row.kind.0 != Kind::SocialMediaAccount => Ok(()),
        Ok(_) | Err(ApiError::NotFound) => {
            Err(ApiError::Validation(vec![FieldError::reference("/data_path_entry_id")]))
        }
        Err(error) => Err(error),
    }
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = social_media_accounts, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Values<'a> {
    social_media_service_id: &'a str,
    platform_account_id: Option<&'a str>,
    handle: &'a str,
    url: &'a str,
    purpose: &'a str,
    audience: Option<&'a str>,
    content: Option<&'a str>,
    posters: Option<&'a str>,
    hours: Option<&'a str>,
    verified_badge: bool,
    listed_on_official_site: bool,
    delegated_engagement_id: Option<&'a str>,
    last_post_on: Option<NaiveDate>,
    takes_applications: bool,
    data_path_entry_id: Option<&'a str>,
}

fn values(state: &State) -> Values<'_> {
    Values {
        social_media_service_id: &state.social_media_service_id,
        platform_account_id: state.platform_account_id.as_deref(),
        handle: &state.handle,
        url: &state.url,
        purpose: &state.purpose,
        audience: state.audience.as_deref(),
        content: state.content.as_deref(),
        posters: state.posters.as_deref(),
        hours: state.hours.as_deref(),
        verified_badge: state.verified_badge,
        listed_on_official_site: state.listed_on_official_site,
        delegated_engagement_id: state.delegated_engagement_id.as_deref(),
        last_post_on: state.last_post_on,
        takes_applications: state.takes_applications,
        data_path_entry_id: state.data_path_entry_id.as_deref(),
    }
}

pub(super) fn insert(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::insert_into(social_media_accounts::table)
        .values((
            social_media_accounts::local_government_id.eq(&scope.lg),
            social_media_accounts::id.eq(id),
            values(state),
        ))
        .execute(scope.conn)?;
    add_handle(scope, id, &state.handle)
}

/// Writes the fields; a handle other than `old_handle` joins the history.
pub(super) fn update(scope: &mut Scope<'_>, id: &str, state: &State, old_handle: &str) -> Result<(), ApiError> {
    diesel::update(social_media_accounts::table.find((&scope.lg, id)))
        .set(values(state))
        .execute(scope.conn)?;
    if state.handle == old_handle {
        Ok(())
    } else {
        add_handle(scope, id, &state.handle)
    }
}

fn add_handle(scope: &mut Scope<'_>, account_id: &str, handle: &str) -> Result<(), ApiError> {
    diesel::insert_into(account_handles::table)
        .values((
            account_handles::local_government_id.eq(&scope.lg),
            account_handles::id.eq(scope.new_id()),
            account_handles::account_id.eq(account_id),
            account_handles::handle.eq(handle),
            account_handles::used_from_at.eq(scope.at),
        ))
        .execute(scope.conn)?;
    Ok(())
}
