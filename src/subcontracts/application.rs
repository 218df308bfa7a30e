//! What is applied for: its place in the chain, its days, and its changes until it is decided.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::rows::{Row, chain};
use super::wire::{SubcontractCreate, SubcontractPatch};
use super::{already_decided, not_in_the_future, settle};
use crate::app::Scope;
use crate::contractors;
use crate::db::schema::{engagements, subcontracts};
use crate::domain::subcontract::{SubcontractState, ancestors};
use crate::domain::vocabulary::{CodeWord, Kind};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::entries::state;
use crate::http::body::{Patch, clean_lines, lines};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};

/// Records an application; answers its id.
///
/// # Errors
/// 422 for what cannot be, and a chain that would close.
pub(crate) fn apply(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    mut new: SubcontractCreate,
) -> Result<String, ApiError> {
    let entry = match entry_rows::find_kind(scope, allowed, Kind::ContractorEngagement, &new.engagement_id) {
        Err(ApiError::NotFound) => return Err(ApiError::Validation(vec![FieldError::reference("/engagement_id")])),
        found => found?,
    };
    contractors::require(scope, &new.contractor_id, "/contractor_id")?;
    let mut errors = vec![];
    new.work = lines(&new.work, "/work", 1000, &mut errors);
    clean_lines(&mut new.note, "/note", 1000, &mut errors);
    let requested_on = new.requested_on.unwrap_or(scope.today);
    if requested_on > scope.today {
        errors.push(not_in_the_future("/requested_on"));
    }
    ApiError::unless_empty(errors)?;
    entry_rows::require_live(&entry)?;
    let tier = place(scope, &entry, &new)?;
    check_days(
        scope,
        &entry,
        new.parent_subcontract_id.as_deref(),
        new.starts_on,
        new.ends_on,
    )?;
    let id = scope.new_id();
    diesel::insert_into(subcontracts::table)
        .values((
            (
                subcontracts::local_government_id.eq(&scope.lg),
                subcontracts::id.eq(&id),
                subcontracts::organization_id.eq(&entry.organization_id),
                subcontracts::engagement_id.eq(&entry.id),
                subcontracts::parent_subcontract_id.eq(&new.parent_subcontract_id),
                subcontracts::tier.eq(tier),
                subcontracts::contractor_id.eq(&new.contractor_id),
                subcontracts::work.eq(&new.work),
                subcontracts::handles_personal_information.eq(new.handles_personal_information),
                subcontracts::handles_specific_personal_information.eq(new.handles_specific_personal_information),
                subcontracts::amount_jpy.eq(new.amount_jpy),
                subcontracts::starts_on.eq(new.starts_on),
                subcontracts::ends_on.eq(new.ends_on),
                subcontracts::state.eq(SubcontractState::Requested.code()),
                subcontracts::requested_on.eq(requested_on),
                subcontracts::flow_down_confirmed.eq(false),
                subcontracts::note.eq(&new.note),
            ),
            (
                subcontracts::version.eq(1),
                subcontracts::created_at.eq(scope.at),
                subcontracts::created_by.eq(scope.by()),
                subcontracts::updated_at.eq(scope.at),
                subcontracts::updated_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    settle(scope, allowed, &id, "subcontract.requested")?;
    Ok(id)
}

/// The tier below the subcontract that it names, and that no company stands twice on the way up.
fn place(scope: &mut Scope<'_>, entry: &EntryRow, new: &SubcontractCreate) -> Result<i32, ApiError> {
    let contractor: Option<String> = engagements::table
        .find((&scope.lg, &entry.id))
        .select(engagements::contractor_id)
        .first(scope.conn)?;
    let chain = chain(scope, &entry.id)?;
    let mut above: Vec<&str> = contractor.as_deref().into_iter().collect();
    let mut tier = 1;
    if let Some(parent) = &new.parent_subcontract_id {
        let way = ancestors(&chain, parent);
        let Some(parent) = way.first() else {
            return Err(ApiError::Validation(vec![FieldError::reference(
                "/parent_subcontract_id",
            )]));
        };
        if !parent.is_live(scope.today) {
            return Err(ApiError::field(
                "/parent_subcontract_id",
                "not_live",
                "上位の再委託は不承認か終了しています。",
                "The subcontract above is refused or over.",
            ));
        }
        tier = parent.tier + 1;
        above.extend(way.iter().map(|one| one.contractor_id.as_str()));
    }
    if above.contains(&new.contractor_id.as_str()) {
        return Err(ApiError::field(
            "/contractor_id",
            "circular_chain",
            "上位の委託先と同じ事業者です。",
            "The company stands further up in this chain.",
        ));
    }
    Ok(tier)
}

/// First and last day: in order, and not beyond the tier above.
fn check_days(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    parent_id: Option<&str>,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
) -> Result<(), ApiError> {
    let mut errors = vec![];
    if ends_on < starts_on {
        errors.push(FieldError::new(
            "/ends_on",
            "date_order",
            "終了日は開始日以降にしてください。",
            "The last day must not be before the first.",
        ));
    }
    let above = match parent_id {
        Some(id) => chain(scope, &entry.id)?
            .into_iter()
            .find(|one| one.id == id)
            .map(|one| one.ends_on),
        None => state::last_day(scope, &entry.id)?,
    };
    if above.is_some_and(|last| last < ends_on) {
        errors.push(FieldError::new(
            "/ends_on",
            "longer_than_above",
            "終了日は上位の契約の終了日までにしてください。",
            "It must not last longer than the contract above.",
        ));
    }
    ApiError::unless_empty(errors)
}

/// Puts the new values of a change.
pub(super) fn change(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    mut row: Row,
    patch: &Patch<SubcontractPatch>,
) -> Result<(), ApiError> {
    if row.state.0 != SubcontractState::Requested && patch.set.changes_the_application() {
        return Err(already_decided());
    }
    let mut errors = vec![];
    let set = patch.set.clone();
    if let Some(work) = &set.work {
        row.work = lines(work, "/work", 1000, &mut errors);
    }
    patch.nullable(&mut row.note, set.note, "note");
    clean_lines(&mut row.note, "/note", 1000, &mut errors);
    ApiError::unless_empty(errors)?;
    patch.nullable(&mut row.amount_jpy, set.amount_jpy, "amount_jpy");
    Patch::<SubcontractPatch>::value(&mut row.handles_personal_information, set.handles_personal_information);
    Patch::<SubcontractPatch>::value(
        &mut row.handles_specific_personal_information,
        set.handles_specific_personal_information,
    );
    Patch::<SubcontractPatch>::value(&mut row.starts_on, set.starts_on);
    Patch::<SubcontractPatch>::value(&mut row.ends_on, set.ends_on);
    if patch.set.changes_the_application() {
        check_days(
            scope,
            entry,
            row.parent_subcontract_id.as_deref(),
            row.starts_on,
            row.ends_on,
        )?;
    }
    diesel::update(subcontracts::table.find((&scope.lg, &row.id)))
        .set((
            subcontracts::work.eq(&row.work),
            subcontracts::handles_personal_information.eq(row.handles_personal_information),
            subcontracts::handles_specific_personal_information.eq(row.handles_specific_personal_information),
            subcontracts::amount_jpy.eq(row.amount_jpy),
            subcontracts::starts_on.eq(row.starts_on),
            subcontracts::ends_on.eq(row.ends_on),
            subcontracts::note.eq(&row.note),
            subcontracts::version.eq(subcontracts::version + 1),
            subcontracts::updated_at.eq(scope.at),
            subcontracts::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}
