//! Whether 地方自治法施行規則第16条の3 applies to an organization, and how each of its eight areas of measures stands.
//!
//! One record for each organization, replaced as a whole by whoever judges; the audit log keeps what was there before.
//! Words and dates of the rule are [`crate::domain::transitional`]'s; what it makes mandatory for each entry is in
//! [`crate::reports`].

use std::collections::BTreeSet;

use actix_web::{HttpResponse, get, put, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject};
use crate::db::schema::{measure_areas, organizations};
use crate::domain::transitional::{MeasureArea, MeasureState};
use crate::domain::vocabulary::CodeWord;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, clean_lines, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_measure_areas).service(put_measure_areas);
}

/// How an area of measures stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasureAreaState {
    /// The area.
    pub area: MeasureArea,
    /// How far its measures are in place.
    pub state: MeasureState,
    /// When they will be; needed unless they are.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
    /// Where they are laid down, or what is missing.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// Whether the rule applies to an organization, and how its areas stand.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MeasureAreas {
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// Whether the rule applies; null while nobody has judged, which counts as applying.
    #[schema(required)]
    pub applies: Option<bool>,
    /// Why.
    #[schema(required)]
    pub reason: Option<String>,
    /// The areas, in the order of the rule; empty while nobody has judged, and where it does not apply.
    pub areas: Vec<MeasureAreaState>,
    /// When it was judged.
    #[schema(required)]
    pub judged_on: Option<NaiveDate>,
    /// By whom.
    #[schema(required, format = Uuid)]
    pub judged_by_person_id: Option<String>,
    /// Version; 0 while nobody has judged.
    pub version: i64,
}

/// A judgement about the rule.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasureAreasPut {
    /// Whether the rule applies. It does not to a body without a connection to LGWAN or the like that holds few personal
    /// data, nor to a public safety commission.
    pub applies: bool,
    /// Why.
    #[schema(max_length = 1000)]
    pub reason: String,
    /// All eight areas where it applies, none where it does not.
    #[serde(default)]
    #[schema(max_items = 8)]
    pub areas: Vec<MeasureAreaState>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = measure_areas)]
struct MeasureAreasRow {
    organization_id: String,
    applies: bool,
    reason: String,
    areas: String,
    judged_on: NaiveDate,
    judged_by_person_id: String,
    version: i64,
}

impl MeasureAreasRow {
    fn wire(self) -> Result<MeasureAreas, ApiError> {
        Ok(MeasureAreas {
            organization_id: self.organization_id,
            applies: Some(self.applies),
            reason: Some(self.reason),
            areas: serde_json::from_str(&self.areas)?,
            judged_on: Some(self.judged_on),
            judged_by_person_id: Some(self.judged_by_person_id),
            version: self.version,
        })
    }
}

/// What was judged about each of these organizations; those of which nothing was are there too.
///
/// # Errors
/// A database failure.
pub(crate) fn of(scope: &mut Scope<'_>, organization_ids: &BTreeSet<String>) -> Result<Vec<MeasureAreas>, ApiError> {
    let rows: Vec<MeasureAreasRow> = measure_areas::table
        .filter(measure_areas::local_government_id.eq(&scope.lg))
        .filter(measure_areas::organization_id.eq_any(organization_ids))
        .select(MeasureAreasRow::as_select())
        .load(scope.conn)?;
    let mut found = vec![];
    for id in organization_ids {
        let row = rows.iter().find(|row| row.organization_id == *id).cloned();
        found.push(match row {
            Some(row) => row.wire()?,
            None => MeasureAreas {
                organization_id: id.clone(),
                applies: None,
                reason: None,
                areas: vec![],
                judged_on: None,
                judged_by_person_id: None,
                version: 0,
            },
        });
    }
    Ok(found)
}

fn one(scope: &mut Scope<'_>, id: &str) -> Result<MeasureAreas, ApiError> {
    let found: Option<String> = organizations::table
        .find((&scope.lg, id))
        .select(organizations::id)
        .first(scope.conn)
        .optional()?;
    let ids = found.into_iter().collect();
    of(scope, &ids)?.pop().ok_or(ApiError::NotFound)
}

/// Get the areas of measures
///
/// Whether 地方自治法施行規則第16条の3, in force from 1 July 2027, applies to the organization, and how its eight areas stand.
#[utoipa::path(tag = "policies",
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid)),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "措置の8分野 / The areas", body = MeasureAreas, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/organizations/{organization_id}/measure-areas")]
async fn get_measure_areas(
    caller: Caller<scope::PoliciesRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let id = path_id(&id)?;
            caller.organizations.check(&id)?;
            let areas = one(scope, &id)?;
            Ok(Answer::ok(&areas)?.version(areas.version))
        })
        .await
}

/// Judge the areas of measures
///
/// The acting person records whether the rule applies and why, and how each of the eight areas stands. Needs `If-Match`;
/// version 0 while nobody has judged.
#[utoipa::path(tag = "policies", request_body = MeasureAreasPut,
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read"),
           ("Acting-Person" = String, Header, description = "判断する人のID / who judges")),
    security(("oauth2" = ["policies:write"])), responses(
    (status = 200, description = "措置の8分野 / The areas", body = MeasureAreas, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[put("/organizations/{organization_id}/measure-areas")]
async fn put_measure_areas(
    caller: Caller<scope::PoliciesWrite>,
    id: web::Path<String>,
    Body(mut new): Body<MeasureAreasPut>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            caller.organizations.check(&id)?;
            let before = one(scope, &id)?;
            if_match.check(before.version, caller.lang)?;
            let person_id = caller.person()?.to_owned();
            let reason = checked(&mut new)?;
            let set = (
                measure_areas::applies.eq(new.applies),
                measure_areas::reason.eq(reason),
                measure_areas::areas.eq(serde_json::to_string(&new.areas)?),
                measure_areas::judged_on.eq(scope.today),
                measure_areas::judged_by_person_id.eq(person_id),
                measure_areas::version.eq(before.version + 1),
            );
            if before.version == 0 {
                let key = (
                    measure_areas::local_government_id.eq(&scope.lg),
                    measure_areas::organization_id.eq(&id),
                );
                diesel::insert_into(measure_areas::table)
                    .values((key, set))
                    .execute(scope.conn)?;
            } else {
                diesel::update(measure_areas::table.find((&scope.lg, &id)))
                    .set(set)
                    .execute(scope.conn)?;
            }
            let areas = one(scope, &id)?;
            let subject = Subject {
                organization_id: Some(&id),
                ..Subject::of("organization", &id)
            };
            scope.record(
                "organization.measure_areas_judged",
                subject,
                serde_json::to_value(&areas)?,
            );
            Ok(Answer::ok(&areas)?.version(areas.version))
        })
        .await
}

/// The reason, once everything fits together; the areas come into the order of the rule.
fn checked(new: &mut MeasureAreasPut) -> Result<String, ApiError> {
    let mut errors = vec![];
    let reason = lines(&new.reason, "/reason", 1000, &mut errors);
    let named: BTreeSet<MeasureArea> = new.areas.iter().map(|one| one.area).collect();
    let wanted = if new.applies { MeasureArea::ALL.len() } else { 0 };
    if named.len() != new.areas.len() || named.len() != wanted {
        errors.push(FieldError::new(
            "/areas",
            "areas_incomplete",
            "適用される場合は8分野をそれぞれ一度ずつ、適用されない場合は空にしてください。",
            "Give each of the eight areas once where the rule applies, and none where it does not.",
        ));
    }
    for (i, one) in new.areas.iter_mut().enumerate() {
        clean_lines(&mut one.note, &format!("/areas/{i}/note"), 1000, &mut errors);
        if one.due_on.is_some() == (one.state == MeasureState::InPlace) {
            errors.push(FieldError::new(
                &format!("/areas/{i}/due_on"),
                "due_on_unless_in_place",
                "実施済みでない分野には期限を、実施済みの分野には期限なしを指定してください。",
                "An area that is not in place needs its day, one that is has none.",
            ));
        }
    }
    ApiError::unless_empty(errors)?;
    new.areas.sort_by_key(|one| one.area);
    Ok(reason)
}
