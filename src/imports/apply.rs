//! Writing a row: the record that it is about is recognised, and created or changed by the functions that the API uses, so
//! every rule holds and every answer is the same.
//!
//! What a row says is [`super::parse`]'s; in which transaction this runs, and whether it is taken back, [`super::steps`]'.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::parse::{self, Filled, Given};
use super::plan::Plan;
use super::references::References;
use super::rows::RowError;
use super::wire::ImportKey;
use crate::app::Scope;
use crate::clauses::{self, FulfilmentPut};
use crate::domain::matching::says_nothing_new;
use crate::domain::vocabulary::Kind;
use crate::entries::{rows as entry_rows, state};
use crate::external_ids::{self, ExternalId};
use crate::http::body::{Clearable, Patch, typed};
use crate::http::error::{ApiError, FieldError, Lang};
use crate::sheets::columns::{By, Column, Entity, Target};
use crate::{cloud_services, contractors, departments, engagements, people, social_media_accounts};

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Updated,
    Unchanged,
}

/// Why a row was not written: what is wrong with it.
#[derive(Debug)]
pub(super) enum Refusal {
    Wrong(Vec<RowError>),
    Refused(ApiError),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

/// Writes a row; what is wrong with it is the inner error, what is ours to fix or may go well later the outer one.
pub(super) fn row(
    scope: &mut Scope<'_>,
    plan: &Plan,
    cells: &[String],
    references: &mut References,
) -> Result<Result<Outcome, Vec<RowError>>, ApiError> {
    let mut wrong = None;
    let done = scope.attempt(|scope| {
        write(scope, plan, cells, references).map_err(|refusal| match refusal {
            Refusal::Wrong(errors) => {
                wrong = Some(errors);
                // Takes the part back; what is answered is above.
                ApiError::Validation(vec![])
            }
            Refusal::Refused(error) => error,
        })
    });
    match (done, wrong) {
        (Ok(outcome), _) => Ok(Ok(outcome)),
        (Err(_), Some(errors)) => Ok(Err(errors)),
        (Err(ApiError::Unavailable), None) => Err(ApiError::Unavailable),
        (Err(error), None) => Ok(Err(explained(plan, &error))),
    }
}

fn write(
    scope: &mut Scope<'_>,
    plan: &Plan,
    cells: &[String],
    references: &mut References,
) -> Result<Outcome, Refusal> {
    let filled = parse::read(scope, plan, cells, references)?.map_err(Refusal::Wrong)?;
    let allowed = &plan.allowed;
    let found = recognised(scope, plan, &filled, references)?;
    match plan.entity {
        Entity::Contractors => {
            let record = found.map(|id| contractors::find(scope, &id)).transpose()?;
            written(
                scope,
                plan,
                &filled,
                record,
                |scope, new: contractors::ContractorCreate| {
                    contractors::refuse_same_name(scope, &new)?;
                    contractors::create(scope, new).map(drop)
                },
                |scope, before, patch| contractors::change(scope, before, patch).map(drop),
            )
        }
        Entity::Engagements => {
            let record = found.map(|id| engagements::find(scope, allowed, &id)).transpose()?;
            written(
                scope,
                plan,
                &filled,
                record,
                |scope, new| engagements::create(scope, allowed, new).map(drop),
                |scope, before, patch| {
                    let row = entry_rows::find(scope, allowed, &before.entry.id)?;
                    engagements::change(scope, allowed, row, before, &patch).map(drop)
                },
            )
        }
        Entity::CloudServices => {
            let record = found.map(|id| cloud_services::find(scope, allowed, &id)).transpose()?;
            written(
                scope,
                plan,
                &filled,
                record,
                |scope, new| cloud_services::create(scope, allowed, new).map(drop),
                |scope, before, patch| {
                    let row = entry_rows::find(scope, allowed, &before.entry.id)?;
                    cloud_services::change(scope, allowed, row, before, &patch).map(drop)
                },
            )
        }
        Entity::SocialMediaAccounts => {
            let record = found
                .map(|id| social_media_accounts::find(scope, allowed, &id))
                .transpose()?;
            written(
                scope,
                plan,
                &filled,
                record,
                |scope, new| social_media_accounts::create(scope, allowed, new).map(drop),
                |scope, before, patch| {
                    let row = entry_rows::find(scope, allowed, &before.entry.id)?;
                    social_media_accounts::change(scope, allowed, row, before, &patch).map(drop)
                },
            )
        }
        Entity::People => {
            let record = found.map(|id| people::find(scope, allowed, &id)).transpose()?;
            written(
                scope,
                plan,
                &filled,
                record,
                |scope, new| people::create(scope, allowed, new).map(drop),
                |scope, before, patch| people::change(scope, allowed, before, patch).map(drop),
            )
        }
        Entity::Departments => {
            let record = found.map(|id| departments::find(scope, allowed, &id)).transpose()?;
            written(
                scope,
                plan,
                &filled,
                record,
                |scope, new| departments::create(scope, allowed, new).map(drop),
                |scope, before, patch| departments::change(scope, allowed, before, &patch).map(drop),
            )
        }
        Entity::ClauseStatuses => clause(scope, plan, &filled),
    }
}

/// Creates the record, or changes the one that is there when the row says something new.
fn written<R, C, P>(
    scope: &mut Scope<'_>,
    plan: &Plan,
    filled: &[Filled<'_>],
    record: Option<R>,
    create: impl FnOnce(&mut Scope<'_>, C) -> Result<(), ApiError>,
    change: impl FnOnce(&mut Scope<'_>, R, Patch<P>) -> Result<(), ApiError>,
) -> Result<Outcome, Refusal>
where
    R: Serialize,
    C: DeserializeOwned + ToSchema,
    P: DeserializeOwned + ToSchema + Clearable,
{
    let Some(record) = record else {
        let body = parse::creation(plan, filled, scope.today);
        create(scope, typed(plan.document, Value::Object(body))?)?;
        return Ok(Outcome::Created);
    };
    let known = serde_json::to_value(&record).map_err(ApiError::from)?;
    if known.get("archived_at").is_some_and(|at| !at.is_null()) {
        return Err(Refusal::Refused(ApiError::Conflict {
            code: "archived",
            ja: "この記録は保管済みのため変更できません。".to_owned(),
            en: "The record is archived and is not changed any more.".to_owned(),
        }));
    }
    let body = parse::change(filled, &known).map_err(Refusal::Wrong)?;
    if says_nothing_new(&body, &known) {
        return Ok(Outcome::Unchanged);
    }
    change(scope, record, Patch::of(plan.document, body, true)?)?;
    Ok(Outcome::Updated)
}

/// The record that a row is about, by the first of its keys that the plan counts; none: it is a new one.
fn recognised(
    scope: &mut Scope<'_>,
    plan: &Plan,
    filled: &[Filled<'_>],
    references: &mut References,
) -> Result<Option<String>, Refusal> {
    let text = |key: &str| {
        let cell = filled.iter().find(|cell| cell.column.key == key)?;
        match &cell.given {
            Given::Value(Value::String(text)) => Some((cell, text.clone())),
            _ => None,
        }
    };
    let counts = |key: ImportKey| plan.key.is_none_or(|only| only == key);
    if let Some((cell, id)) = text("id").filter(|_| counts(ImportKey::Id)) {
        let id = uuid::Uuid::try_parse(&id).map(|id| id.to_string());
        let there = match &id {
            Ok(id) => is_there(scope, plan, id)?,
            Err(_) => false,
        };
        return match (id, there) {
            (Ok(id), true) => Ok(Some(id)),
            _ => Err(Refusal::Wrong(vec![parse::error(
                cell.place,
                cell.column,
                "reference_not_found",
                "このIDの記録がありません。新しい記録ならIDを空にしてください。",
                "No record has this id; leave it blank for a new one.",
            )])),
        };
    }
    let mut has_key = plan.entity == Entity::ClauseStatuses;
    if let (true, Some(kind)) = (counts(ImportKey::ExternalId), plan.entity.external_kind()) {
        let mut found = vec![];
        for cell in filled {
            let Given::Keys(values) = &cell.given else { continue };
            let system = cell.column.key.strip_prefix("external_ids.").unwrap_or_default();
            for value in values {
                has_key = true;
                let key = ExternalId {
                    system: system.to_owned(),
                    value: value.clone(),
                };
                found.extend(external_ids::find(scope, kind, &key)?);
            }
        }
        found.dedup();
        match found.as_slice() {
            [] => {}
            [id] => return Ok(Some(id.clone())),
            _ => return Err(ApiError::duplicate("external_ids").into()),
        }
    }
    let own = match plan.entity {
        Entity::Contractors => text("corporate_number")
            .filter(|_| counts(ImportKey::CorporateNumber))
            .map(|(_, number)| (Target::Contractor, number)),
        Entity::People => text("employee_code")
            .filter(|_| plan.key.is_none())
            .map(|(_, code)| (Target::Person, code)),
        Entity::Departments => text("code")
            .filter(|_| plan.key.is_none())
            .map(|(_, code)| (Target::Department, code)),
        Entity::Engagements | Entity::CloudServices | Entity::SocialMediaAccounts => text("control_number")
            .filter(|_| plan.key.is_none())
            .map(|(_, number)| (Target::Entry, number)),
        Entity::ClauseStatuses => None,
    };
    if let Some((target, code)) = own {
        has_key = true;
        if target == Target::Contractor {
            // Its own number only, not a key in another system.
            if let Some(id) = contractors::of_number(scope, &code)? {
                return Ok(Some(id));
            }
        } else {
            let organization = text("organization")
                .or_else(|| text("organization_name"))
                .map(|(_, id)| id)
                .or_else(|| plan.organization_id.clone());
            let found = references.find(scope, (target, By::Code), &code, organization.as_deref())?;
            if let Ok(id) = found {
                return Ok(Some(id));
            }
        }
    }
    if has_key {
        return Ok(None);
    }
    Err(Refusal::Refused(ApiError::field(
        "",
        "identifier_required",
        "この行を見分ける値（ID、外部ID、法人番号、管理番号、職員番号、所属コードなど）がありません。",
        "Nothing in this row recognises a record.",
    )))
}

/// Whether there is a record of this id that the author may see.
fn is_there(scope: &mut Scope<'_>, plan: &Plan, id: &str) -> Result<bool, ApiError> {
    let allowed = &plan.allowed;
    let found = match plan.entity {
        Entity::Contractors => contractors::find(scope, id).map(drop),
        Entity::Engagements => entry_rows::find_kind(scope, allowed, Kind::ContractorEngagement, id).map(drop),
        Entity::CloudServices => entry_rows::find_kind(scope, allowed, Kind::CloudService, id).map(drop),
        Entity::SocialMediaAccounts => entry_rows::find_kind(scope, allowed, Kind::SocialMediaAccount, id).map(drop),
        Entity::People => people::find(scope, allowed, id).map(drop),
        Entity::Departments => departments::find(scope, allowed, id).map(drop),
        Entity::ClauseStatuses => entry_rows::find(scope, allowed, id).map(drop),
    };
    match found {
        Ok(()) => Ok(true),
        Err(ApiError::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Records how far a clause is fulfilled: what the row does not say stays.
fn clause(scope: &mut Scope<'_>, plan: &Plan, filled: &[Filled<'_>]) -> Result<Outcome, Refusal> {
    let value = |key: &str| {
        let found = filled.iter().find(|cell| cell.column.key == key)?;
        match &found.given {
            Given::Value(Value::String(text)) => Some(text.clone()),
            _ => None,
        }
    };
    let (Some(entry_id), Some(clause_key)) = (value("control_number"), value("clause_key")) else {
        return Err(Refusal::Refused(ApiError::field(
            "",
            "identifier_required",
            "管理番号と条項キーを入れてください。",
            "Give the control number and the clause.",
        )));
    };
    let entry = entry_rows::find(scope, &plan.allowed, &entry_id)?;
    entry_rows::require_live(&entry)?;
    let situation = state::situation(scope, entry)?;
    if situation.catalogue.clause(&clause_key).is_none() {
        return Err(Refusal::Refused(ApiError::field(
            "/clause_key",
            "reference_not_found",
            "この条項はありません。条項キーを確かめてください。",
            "There is no such clause.",
        )));
    }
    let known = clauses::entry_clauses(scope, &situation, Lang::Ja)
        .into_iter()
        .find(|clause| clause.clause_key == clause_key)
        .map(serde_json::to_value)
        .transpose()
        .map_err(ApiError::from)?
        .unwrap_or_else(|| json!({}));
    let before = recorded_clause(&known);
    let mut after = before.clone();
    for cell in filled
        .iter()
        .filter(|cell| !matches!(cell.column.key.as_ref(), "control_number" | "clause_key"))
    {
        let new = match &cell.given {
            Given::Value(value) => value.clone(),
            Given::Clear | Given::Keys(_) => Value::Null,
        };
        let place = cell.column.body.as_ref();
        match (place, new) {
            ("declared", Value::Null) => parse_into(&mut after, place, json!(false)),
            // Whether it is agreed at all; where and when stand beside it.
            ("agreed", Value::Bool(true)) if after.get("agreed").is_some_and(Value::is_object) => {}
            ("agreed", Value::Bool(true)) => parse_into(&mut after, place, json!({})),
            ("agreed", _) => parse_into(&mut after, place, Value::Null),
            (place, Value::Null)
                if place.starts_with("agreed.") && !after.get("agreed").is_some_and(Value::is_object) => {}
            (place, new) => parse_into(&mut after, place, new),
        }
    }
    if before == after {
        return Ok(Outcome::Unchanged);
    }
    let is_new = known.get("version").is_none_or(|version| *version == 0);
    let Value::Object(body) = after else {
        return Err(ApiError::internal("a clause that is no object").into());
    };
    let new: FulfilmentPut = typed(plan.document, Value::Object(body))?;
    clauses::put(scope, &plan.allowed, &entry_id, &clause_key, new)?;
    Ok(if is_new { Outcome::Created } else { Outcome::Updated })
}

/// Puts a value at a place of one or two names.
fn parse_into(body: &mut Value, place: &str, value: Value) {
    let Some(object) = body.as_object_mut() else { return };
    match place.split_once('.') {
        None => {
            object.insert(place.to_owned(), value);
        }
        Some((outer, inner)) => {
            let outer = object.entry(outer).or_insert(Value::Null);
            if !outer.is_object() {
                *outer = json!({});
            }
            if let Some(outer) = outer.as_object_mut() {
                outer.insert(inner.to_owned(), value);
            }
        }
    }
}

/// What is recorded of a clause, as the body that would record it.
fn recorded_clause(known: &Value) -> Value {
    let field = |from: &Value, name: &str| from.get(name).cloned().unwrap_or_default();
    let mut body = Map::new();
    body.insert("declared".to_owned(), json!(known["declared"] == true));
    let agreement = field(known, "agreement");
    let agreed = if agreement.is_object() {
        let names = ["article", "quotation", "agreed_on", "evidence_id"];
        Value::Object(
            names
                .iter()
                .map(|name| ((*name).to_owned(), field(&agreement, name)))
                .collect(),
        )
    } else {
        Value::Null
    };
    body.insert("agreed".to_owned(), agreed);
    for name in [
        "verified_on",
        "verified_by_person_id",
        "not_applicable_reason",
        "evidence_id",
        "note",
    ] {
        body.insert(name.to_owned(), field(known, name));
    }
    Value::Object(body)
}

/// What the API answers, by row and column.
fn explained(plan: &Plan, error: &ApiError) -> Vec<RowError> {
    match error {
        ApiError::Validation(errors) => errors.iter().map(|error| of_field(plan, error)).collect(),
        ApiError::Internal(cause) => {
            tracing::error!(%cause, "a row could not be written");
            vec![of_row(plan, error)]
        }
        _ => vec![of_row(plan, error)],
    }
}

fn of_field(plan: &Plan, error: &FieldError) -> RowError {
    let pointer = error.pointer.trim_start_matches('/').replace('/', ".");
    let found = place_of(plan, &pointer);
    // A field that no column of the sheet holds is named by its header.
    let missing = plan.entity.columns().into_iter().find(|column| column.body == pointer);
    let ja = match (&found, missing) {
        (None, Some(column)) => format!("{}: {}", column.ja, error.message),
        _ => error.message.clone(),
    };
    RowError {
        field: found
            .map(|(_, column)| column.key.to_string())
            .or_else(|| (!pointer.is_empty()).then_some(pointer)),
        column: found.map(|(place, _)| place),
        code: error.code.clone(),
        ja,
        en: error.message_en.clone(),
    }
}

/// The column that a pointer is about: its own, or one of the object that it names.
fn place_of<'p>(plan: &'p Plan, pointer: &str) -> Option<(usize, &'p Column)> {
    let is_own = |column: &Column| column.body == pointer || column.answer == pointer;
    let is_inside = |column: &Column| {
        let inner = column
            .body
            .strip_prefix(pointer)
            .is_some_and(|rest| rest.starts_with('.'));
        inner
            || pointer
                .strip_prefix(column.body.as_ref())
                .is_some_and(|rest| rest.starts_with('.'))
    };
    if pointer.is_empty() {
        return None;
    }
    let find = |is: &dyn Fn(&Column) -> bool| {
        let found = plan.columns.iter().find(|(_, column)| is(column));
        found.map(|(place, column)| (*place, column))
    };
    find(&is_own).or_else(|| find(&is_inside))
}

fn of_row(plan: &Plan, error: &ApiError) -> RowError {
    let (ja, en) = (error.problem(Lang::Ja, ""), error.problem(Lang::En, ""));
    let field = match error {
        ApiError::PossibleDuplicate(_) => Some("name"),
        _ => error.code().strip_prefix("duplicate_"),
    };
    let found = field.and_then(|field| place_of(plan, field));
    let names: Vec<&str> = ja.candidates.iter().map(|candidate| candidate.name.as_str()).collect();
    let candidates = if names.is_empty() {
        String::new()
    } else {
        format!("（{}）", names.join("、"))
    };
    RowError {
        column: found.map(|(place, _)| place),
        field: found.map(|(_, column)| column.key.to_string()),
        code: error.code().to_owned(),
        ja: ja.detail + &candidates,
        en: en.detail,
    }
}
