//! What can be exported: entities and reports, each with its columns, its records and the scope that reads it.
//!
//! The records are those of the list or report itself, asked page by page, so an export never shows what its list would
//! not.

use diesel::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wire::Order;
use crate::app::Scope;
use crate::clauses::statuses;
use crate::db::schema::external_ids;
use crate::domain::vocabulary::CodeWord;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::reports::{self, ReportKey};
use crate::sheets::columns::{self, Column, Entity};
use crate::{cloud_services, contractors, departments, engagements, people, social_media_accounts};

/// An entity or a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    Entity(Entity),
    Report(ReportKey),
}

/// Records of one page, and where it goes on.
pub(super) type Chunk = (Vec<Value>, Option<String>);

impl Subject {
    /// The one that a word names: `contractors`, `renewals`.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        let entity = Entity::parse(word).map(Self::Entity);
        entity.or_else(|| ReportKey::parse(word).map(Self::Report))
    }

    /// Its word.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Entity(entity) => entity.code(),
            Self::Report(report) => report.code(),
        }
    }

    /// Its Japanese name, as files and sheets are called.
    pub(crate) fn ja(self) -> &'static str {
        match self {
            Self::Entity(entity) => entity.ja(),
            Self::Report(report) => report.ja(),
        }
    }

    /// The scope that reads it.
    pub(crate) const fn read_scope(self) -> &'static str {
        match self {
            Self::Entity(entity) => entity.read_scope(),
            Self::Report(_) => "reports:read",
        }
    }

    /// Its columns; those of the keys in other systems as far as there are some.
    pub(crate) fn columns(self, scope: &mut Scope<'_>) -> Result<Vec<Column>, ApiError> {
        let entity = match self {
            Self::Report(report) => return Ok(report.columns()),
            Self::Entity(entity) => entity,
        };
        let mut all = entity.columns();
        if let Some(kind) = entity.external_kind() {
            let systems: Vec<String> = external_ids::table
                .filter(external_ids::local_government_id.eq(&scope.lg))
                .filter(external_ids::resource_type.eq(kind))
                .order(external_ids::system)
                .select(external_ids::system)
                .distinct()
                .load(scope.conn)?;
            // Behind the id: they are what other systems look for.
            all.splice(1..1, systems.iter().map(|system| columns::external(system)));
        }
        Ok(all)
    }

    /// Records as rows of a sheet: a record of a report may be several.
    pub(super) fn rows(self, records: Vec<Value>) -> Vec<Value> {
        match self {
            Self::Entity(_) => records,
            Self::Report(report) => report.rows(records),
        }
    }

    /// The next records.
    ///
    /// # Errors
    /// 422 for a filter that the list does not have.
    pub(super) fn chunk(
        self,
        scope: &mut Scope<'_>,
        order: &Order,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Chunk, ApiError> {
        let allowed = &order.organizations();
        let mut filter = order.filter.clone();
        filter.insert("limit".to_owned(), limit.into());
        if let Some(cursor) = cursor {
            filter.insert("cursor".to_owned(), cursor.into());
        }
        match self {
            Self::Entity(entity) => entity_chunk(scope, entity, order, allowed, filter),
            Self::Report(report) => reports::chunk(scope, report, allowed, filter, order.lang()),
        }
    }
}

fn entity_chunk(
    scope: &mut Scope<'_>,
    entity: Entity,
    order: &Order,
    allowed: &Organizations,
    mut filter: Map<String, Value>,
) -> Result<Chunk, ApiError> {
    match entity {
        Entity::Contractors => values(contractors::listed(scope, &typed(filter)?)?),
        Entity::Engagements => values(engagements::listed(scope, allowed, typed(filter)?)?),
        Entity::CloudServices => values(cloud_services::listed(scope, allowed, typed(filter)?)?),
        Entity::SocialMediaAccounts => values(social_media_accounts::listed(scope, allowed, typed(filter)?)?),
        Entity::People => values(people::listed(scope, allowed, &typed(filter)?, order.planned)?),
        Entity::Departments => values(departments::listed(scope, allowed, &typed(filter)?)?),
        Entity::ClauseStatuses => {
            // An entry has many clauses.
            let few = filter.get("limit").and_then(Value::as_i64).unwrap_or(1).min(20);
            filter.insert("limit".to_owned(), few.into());
            values(statuses::listed(scope, allowed, &typed(filter)?, order.lang())?)
        }
    }
}

/// Records as JSON.
pub(crate) fn values<T: Serialize>((items, next): (Vec<T>, Option<String>)) -> Result<Chunk, ApiError> {
    let items: Result<Vec<Value>, serde_json::Error> = items.iter().map(serde_json::to_value).collect();
    Ok((items?, next))
}

/// The filter of a list.
///
/// # Errors
/// 422 at `/filter` with what the list does not have or cannot read.
pub(crate) fn typed<F: DeserializeOwned>(filter: Map<String, Value>) -> Result<F, ApiError> {
    let error = match serde_json::from_value::<F>(Value::Object(filter.clone())) {
        Ok(read) => return Ok(read),
        Err(error) => error.to_string(),
    };
    // Which of them it is: the one that alone cannot be read either.
    let alone = |name: &String, value: &Value| {
        let one: Map<String, Value> = [(name.clone(), value.clone())].into_iter().collect();
        serde_json::from_value::<F>(Value::Object(one)).is_err()
    };
    let name = filter
        .iter()
        .find(|(name, value)| alone(name, value))
        .map(|(name, _)| name);
    let pointer = name.map_or_else(|| "/filter".to_owned(), |name| format!("/filter/{name}"));
    let is_unknown = error.starts_with("unknown field");
    Err(ApiError::Validation(vec![if is_unknown {
        FieldError::new(
            &pointer,
            "unknown_field",
            "この一覧にはこの絞り込みがありません。綴りを確かめてください。",
            "The list has no such filter; check the spelling.",
        )
    } else {
        FieldError::new(
            &pointer,
            "invalid",
            format!("値を読めません（{error}）。"),
            format!("Cannot be read ({error})."),
        )
    }]))
}
