//! Hand-over on transfer of personnel (人事異動, 引継ぎ): what one person or post owns becomes another's on a day.
//!
//! A transfer is planned, announced, moved on its day and accepted by the new owner; acceptance is an obligation of its
//! own. A post with a new holder needs no call: the post stays owner, and [`mod@settle`] opens the same obligation for the
//! new holder. It also asks for a successor before a term ends. Dates: [`crate::domain::hand_over`].

mod mailing;
mod moving;
mod objects;
pub(crate) mod personal;
mod rows;
mod settle;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use chrono::{Days, Months, NaiveDate};
use diesel::prelude::*;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::on_tenant;
use crate::db::schema::{entries, ownership_transfer_objects, ownership_transfers, people, posts};
use crate::delegations;
use crate::domain::hand_over::{
    HandOverCause, HandOverState, acceptance_due, announced_by_default, late_before, late_from,
};
use crate::domain::vocabulary::ObligationKind;
use crate::entries::rows::EntryRow;
use crate::entries::wire::Holder;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, clean_line, line, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::obligations::cycles;
use crate::organizations;
use objects::Wanted;
use rows::{NewTransfer, TransferRow, Who};
use wire::{
    AcceptanceCreate, AcceptanceWord, OwnershipTransfer, OwnershipTransferCreate, OwnershipTransferFilter,
    OwnershipTransferPage, OwnershipTransferPreview,
};

pub(crate) use mailing::{HandOver, hand_overs, takeovers};
pub(crate) use settle::settle;

/// The most objects that one call moves, and that are shown of a transfer.
const MOST_OBJECTS: i64 = 500;
/// How far back a move may be recorded.
const DAYS_BACK: u64 = 30;
/// How far ahead it may be planned.
const MONTHS_AHEAD: u32 = 12;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_ownership_transfers)
        .service(create_ownership_transfer)
        .service(get_ownership_transfer)
        .service(answer_ownership_transfer)
        .service(cancel_ownership_transfer);
}

/// Whether an entry has no owner because acceptance of its hand-over is more than 30 days late.
///
/// # Errors
/// A database failure.
pub(crate) fn acceptance_is_late(scope: &mut Scope<'_>, entry: &EntryRow) -> Result<bool, ApiError> {
    let late: Vec<TransferRow> = ownership_transfer_objects::table
        .inner_join(ownership_transfers::table.on(on_tenant!(
            ownership_transfer_objects.transfer_id = ownership_transfers.id
        )))
        .filter(ownership_transfer_objects::local_government_id.eq(&scope.lg))
        .filter(ownership_transfer_objects::entry_id.eq(Some(&entry.id)))
        .filter(ownership_transfer_objects::kind.eq(wire::TransferObjectKind::EntryOwner.code()))
        .filter(ownership_transfers::state.eq_any(["pending", "declined"]))
        .filter(ownership_transfers::due_on.le(late_before(scope.today)))
        .select(TransferRow::as_select())
        .load(scope.conn)?;
    let owner = Who {
        person_id: entry.owner_person_id.clone(),
        post_id: entry.owner_post_id.clone(),
    };
    Ok(late.iter().any(|row| match row.cause.0 {
        HandOverCause::Requested => row.taker() == owner,
        HandOverCause::PostHolder => row.giver() == owner,
        HandOverCause::TermEnd => false,
    }))
}

fn shown(scope: &mut Scope<'_>, id: &str) -> Result<OwnershipTransfer, ApiError> {
    let row = rows::load(scope, id)?;
    let objects = objects::of(scope, &row, MOST_OBJECTS)?;
    row.wire(Some(objects))
}

/// List transfers of ownership
///
/// Those of the token's organizations, sorted by id. Those not announced yet are shown to tokens with `directory:write`.
#[utoipa::path(tag = "directory", params(OwnershipTransferFilter), security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "引継ぎの一覧 / A page of transfers", body = OwnershipTransferPage), Problems))]
#[get("/ownership-transfers")]
async fn list_ownership_transfers(
    caller: Caller<scope::DirectoryRead>,
    request: HttpRequest,
    Params(filter): Params<OwnershipTransferFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_ownership_transfers", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let planned = caller.sees_planned_moves();
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, planned, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &TransferRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items: Result<Vec<_>, _> = found.into_iter().map(|row| row.wire(None)).collect();
            let page = OwnershipTransferPage::new((items?, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Transfer ownership
///
/// From a person or a post to another: entries that are owned or deputised, social-media services, rounds that wait for
/// the person; posts that a person holds are only listed. It moves on its day; the new owner is asked to accept it by
/// 15 April (moves of 1 April) or within 15 days. With `dry_run` the answer lists every object and nothing is written.
#[utoipa::path(tag = "directory", request_body = OwnershipTransferCreate,
    security(("oauth2" = ["directory:write"])), responses(
    (status = 200, description = "試行の結果 / What it would do", body = OwnershipTransferPreview),
    (status = 201, description = "登録した引継ぎ / The transfer", body = OwnershipTransfer,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/ownership-transfers")]
async fn create_ownership_transfer(
    caller: Caller<scope::DirectoryWrite>,
    Body(mut new): Body<OwnershipTransferCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            check(scope, &caller.organizations, &mut new)?;
            let giver = Who {
                person_id: new.from_person_id.clone(),
                post_id: new.from_post_id.clone(),
            };
            let wanted = Wanted {
                of: &giver,
                organization_id: new.organization_id.as_deref(),
                entry_ids: new.entry_ids.as_deref(),
                on: new.effective_on,
                limit: MOST_OBJECTS + 1,
            };
            let found = objects::find(scope, &wanted)?;
            check_objects(&new, &found)?;
            let announced_on = new
                .announced_on
                .or_else(|| announced_by_default(new.effective_on, scope.today));
            let due_on = acceptance_due(new.effective_on);
            if caller.dry_run {
                return Answer::ok(&OwnershipTransferPreview {
                    effective_on: new.effective_on,
                    announced_on,
                    due_on,
                    objects: objects::describe(scope, found)?,
                });
            }
            let id = plan(scope, new, announced_on, due_on)?;
            let transfer = shown(scope, &id)?;
            let version = transfer.version;
            Ok(Answer::created(format!("/api/v1/ownership-transfers/{id}"), &transfer)?.version(version))
        })
        .await
}

/// Hands entries over today, from whoever has them to a person, who is asked to accept.
///
/// # Errors
/// 422 where the person is not there or the entries are not the giver's.
pub(crate) fn hand_over(
    scope: &mut Scope<'_>,
    giver: Holder,
    to_person_id: &str,
    organization_id: &str,
    entry_ids: Vec<String>,
    reason: &str,
) -> Result<String, ApiError> {
    let mut new = OwnershipTransferCreate {
        from_person_id: giver.person_id,
        from_post_id: giver.post_id,
        to_person_id: Some(to_person_id.to_owned()),
        to_post_id: None,
        organization_id: Some(organization_id.to_owned()),
        entry_ids: Some(entry_ids),
        effective_on: scope.today,
        announced_on: None,
        reason: reason.to_owned(),
    };
    check(scope, &Organizations::All, &mut new)?;
    let giver = Who {
        person_id: new.from_person_id.clone(),
        post_id: new.from_post_id.clone(),
    };
    let wanted = Wanted {
        of: &giver,
        organization_id: new.organization_id.as_deref(),
        entry_ids: new.entry_ids.as_deref(),
        on: new.effective_on,
        limit: MOST_OBJECTS + 1,
    };
    let found = objects::find(scope, &wanted)?;
    check_objects(&new, &found)?;
    let due_on = acceptance_due(new.effective_on);
    plan(scope, new, None, due_on)
}

/// Accepts or declines a transfer for the person who is asked.
///
/// # Errors
/// 409 where it is closed or somebody else's, 422 for a refusal without its reason.
pub(crate) fn accept(
    scope: &mut Scope<'_>,
    transfer_id: &str,
    person_id: &str,
    new: AcceptanceCreate,
) -> Result<(), ApiError> {
    let row = rows::load(scope, transfer_id)?;
    answer(scope, &row, person_id, new)
}

/// Inserts a transfer and moves at once what is due to move today.
fn plan(
    scope: &mut Scope<'_>,
    new: OwnershipTransferCreate,
    announced_on: Option<NaiveDate>,
    due_on: NaiveDate,
) -> Result<String, ApiError> {
    let entry_ids = new.entry_ids.as_ref().map(serde_json::to_string).transpose()?;
    let row = NewTransfer {
        organization_id: new.organization_id,
        from_person_id: new.from_person_id,
        from_post_id: new.from_post_id,
        to_person_id: new.to_person_id,
        to_post_id: new.to_post_id,
        entry_ids,
        announced_on,
        reason: Some(new.reason),
        settle_on: Some(new.effective_on),
        ..NewTransfer::new(scope, HandOverCause::Requested, new.effective_on, due_on)
    };
    diesel::insert_into(ownership_transfers::table)
        .values(&row)
        .execute(scope.conn)?;
    let planned = rows::load(scope, &row.id)?;
    let payload = serde_json::to_value(planned.clone().wire(None)?)?;
    scope.record("ownership_transfer.planned", planned.subject(), payload);
    if planned.effective_on <= scope.today {
        moving::apply(scope, &planned)?;
    }
    Ok(row.id)
}

/// Checks the values by themselves and what they refer to, and cleans the reason.
fn check(scope: &mut Scope<'_>, allowed: &Organizations, new: &mut OwnershipTransferCreate) -> Result<(), ApiError> {
    let mut errors = vec![];
    new.reason = line(&new.reason, "/reason", 1000, &mut errors);
    for (person, post, name) in [
        (&new.from_person_id, &new.from_post_id, "from"),
        (&new.to_person_id, &new.to_post_id, "to"),
    ] {
        if person.is_some() == post.is_some() {
            errors.push(FieldError::new(
                &format!("/{name}_person_id"),
                "one_of_two",
                format!("{name}_person_id か {name}_post_id のどちらか一方を指定してください。"),
                format!("Give either {name}_person_id or {name}_post_id."),
            ));
        }
        if let Some(id) = person {
            let there = exists_person(scope, id, name == "from")?;
            errors.extend((!there).then(|| FieldError::reference(&format!("/{name}_person_id"))));
        }
        if let Some(id) = post {
            let there = exists_post(scope, allowed, id)?;
            errors.extend((!there).then(|| FieldError::reference(&format!("/{name}_post_id"))));
        }
    }
    if (&new.from_person_id, &new.from_post_id) == (&new.to_person_id, &new.to_post_id) {
        errors.push(FieldError::new(
            "/to_person_id",
            "same_owner",
            "引継ぎ先には引継ぎ元と別の人か職を指定してください。",
            "It goes to another person or post.",
        ));
    }
    match &new.organization_id {
        Some(id) if !allowed.contains(id) => errors.push(FieldError::reference("/organization_id")),
        Some(id) => match organizations::require(scope, id, "/organization_id") {
            Err(ApiError::Validation(more)) => errors.extend(more),
            other => other?,
        },
        None if allowed.list().is_some() => errors.push(FieldError::new(
            "/organization_id",
            "required",
            "機関が限られたトークンでは、機関を指定してください。",
            "A token that is limited to organizations must name one.",
        )),
        None => {}
    }
    let earliest = scope.today.checked_sub_days(Days::new(DAYS_BACK));
    let latest = scope.today.checked_add_months(Months::new(MONTHS_AHEAD));
    if earliest.is_some_and(|on| new.effective_on < on) || latest.is_some_and(|on| new.effective_on > on) {
        errors.push(FieldError::new(
            "/effective_on",
            "out_of_range",
            "異動の日は30日前から12か月先までの日にしてください。",
            "It must lie between 30 days ago and twelve months ahead.",
        ));
    }
    if new.announced_on.is_some_and(|on| on > new.effective_on) {
        errors.push(FieldError::new(
            "/announced_on",
            "date_order",
            "内示の日は異動の日以前にしてください。",
            "It is announced on the day of the move at the latest.",
        ));
    }
    for (i, id) in new.entry_ids.iter().flatten().enumerate() {
        let found: Option<String> = entries::table
            .find((&scope.lg, id))
            .select(entries::organization_id)
            .first(scope.conn)
            .optional()?;
        if !found.is_some_and(|organization| allowed.contains(&organization)) {
            errors.push(FieldError::reference(&format!("/entry_ids/{i}")));
        }
    }
    ApiError::unless_empty(errors)
}

/// Whether a person is there to take over, or was there to hand over.
fn exists_person(scope: &mut Scope<'_>, id: &str, also_gone: bool) -> Result<bool, ApiError> {
    if also_gone {
        let found = people::table.find((&scope.lg, id)).select(people::id);
        return Ok(found.first::<String>(scope.conn).optional()?.is_some());
    }
    match crate::people::require(scope, id, "") {
        Ok(()) => Ok(true),
        Err(ApiError::Validation(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn exists_post(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<bool, ApiError> {
    let organization: Option<String> = posts::table
        .find((&scope.lg, id))
        .select(posts::organization_id)
        .first(scope.conn)
        .optional()?;
    Ok(organization.is_some_and(|organization| allowed.contains(&organization)))
}

/// Whatever is named belongs to the giver, and there is something, but not too much.
fn check_objects(new: &OwnershipTransferCreate, found: &[objects::ObjectRef]) -> Result<(), ApiError> {
    let mut errors = vec![];
    for (i, id) in new.entry_ids.iter().flatten().enumerate() {
        if !found.iter().any(|object| object.entry_id.as_ref() == Some(id)) {
            errors.push(FieldError::new(
                &format!("/entry_ids/{i}"),
                "not_the_owner",
                "引継ぎ元が責任者でも代理者でもない台帳です。",
                "Whoever hands over is neither its owner nor its deputy.",
            ));
        }
    }
    ApiError::unless_empty(errors)?;
    let moving = found
        .iter()
        .filter(|object| object.kind != wire::TransferObjectKind::Post)
        .count();
    if moving == 0 {
        return Err(ApiError::Conflict {
            code: "nothing_to_hand_over",
            ja: "引継ぎ元は何も持っていません。職に就く人の交代は、その職の保持者（holders）で登録してください。"
                .to_owned(),
            en: "There is nothing to hand over. Who holds a post is registered at the post (holders).".to_owned(),
        });
    }
    if i64::try_from(moving).unwrap_or(i64::MAX) > MOST_OBJECTS {
        return Err(ApiError::field(
            "/entry_ids",
            "too_many_objects",
            "一度に引き継げるのは500件までです。機関か台帳を指定して分けてください。",
            "At most 500 at a time; name an organization or entries, and make several transfers.",
        ));
    }
    Ok(())
}

/// Get a transfer of ownership
///
/// With everything it is about.
#[utoipa::path(tag = "directory", params(("ownership_transfer_id" = String, Path, description = "引継ぎのID", format = Uuid)),
    security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "引継ぎ / The transfer", body = OwnershipTransfer, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/ownership-transfers/{ownership_transfer_id}")]
async fn get_ownership_transfer(
    caller: Caller<scope::DirectoryRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let row = rows::find(
                scope,
                &caller.organizations,
                &path_id(&id)?,
                caller.sees_planned_moves(),
            )?;
            let transfer = shown(scope, &row.id)?;
            Ok(Answer::ok(&transfer)?.version(transfer.version))
        })
        .await
}

/// Accept or decline a transfer
///
/// The acting person is the new owner, the holder of the new post, or stands in for them. Accepting is possible from the
/// announcement on and closes the obligation. What is declined goes back to where it came from; what a post owns stays
/// with the post, and the question stays open.
#[utoipa::path(tag = "directory", request_body = AcceptanceCreate,
    params(("ownership_transfer_id" = String, Path, description = "引継ぎのID", format = Uuid),
           ("Acting-Person" = String, Header, description = "引き継ぐ人のID / the new owner")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "引継ぎ / The transfer", body = OwnershipTransfer, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems))]
#[post("/ownership-transfers/{ownership_transfer_id}/acceptance")]
async fn answer_ownership_transfer(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(new): Body<AcceptanceCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(
                scope,
                &caller.organizations,
                &path_id(&id)?,
                caller.sees_planned_moves(),
            )?;
            let person = caller.person()?.to_owned();
            answer(scope, &row, &person, new)?;
            let transfer = shown(scope, &row.id)?;
            Ok(Answer::ok(&transfer)?.version(transfer.version))
        })
        .await
}

fn answer(
    scope: &mut Scope<'_>,
    row: &TransferRow,
    person_id: &str,
    mut new: AcceptanceCreate,
) -> Result<(), ApiError> {
    let mut errors = vec![];
    clean_line(&mut new.note, "/note", 1000, &mut errors);
    if new.answer == AcceptanceWord::Decline && new.note.is_none() {
        errors.push(FieldError::new(
            "/note",
            "required",
            "引き受けない理由を入れてください。",
            "Say why it is declined.",
        ));
    }
    ApiError::unless_empty(errors)?;
    let moved = row.moved_at.is_some();
    if !(moving::is_asked(scope, row)? || row.state.0 == HandOverState::Announced) {
        return Err(ApiError::Conflict {
            code: "already_closed",
            ja: "この引継ぎは既に済んでいるか、引受けを待っていません。読み直してください。".to_owned(),
            en: "It is finished, or does not wait for anybody; read it again.".to_owned(),
        });
    }
    let acting_for = require_taker(scope, row, person_id)?;
    let accepts = new.answer == AcceptanceWord::Accept;
    match (accepts, moved) {
        (true, true) => {
            rows::set_state(scope, &row.id, HandOverState::Accepted, None)?;
            cycles::close(scope, ObligationKind::Handover, &row.id, "accepted")?;
            if row.due_on <= late_before(scope.today) {
                let by_post = row.cause.0 == HandOverCause::PostHolder;
                let owner = if by_post { row.giver() } else { row.taker() };
                moving::reassess(scope, &owner)?;
            }
        }
        (true, false) => rows::set_state(scope, &row.id, HandOverState::Accepted, Some(row.effective_on))?,
        (false, true) if row.cause.0 == HandOverCause::Requested => {
            moving::give_back(scope, row)?;
            rows::set_state(scope, &row.id, HandOverState::Declined, None)?;
            cycles::close(scope, ObligationKind::Handover, &row.id, "declined")?;
        }
        (false, true) => {
            let settle_on = Some(late_from(row.due_on)).filter(|on| *on > scope.today);
            rows::set_state(scope, &row.id, HandOverState::Declined, settle_on)?;
        }
        (false, false) => rows::set_state(scope, &row.id, HandOverState::Declined, None)?,
    }
    diesel::update(ownership_transfers::table.find((&scope.lg, &row.id)))
        .set((
            ownership_transfers::answered_on.eq(Some(scope.today)),
            ownership_transfers::answered_by_person_id.eq(Some(person_id)),
            ownership_transfers::answer_note.eq(&new.note),
        ))
        .execute(scope.conn)?;
    let payload = json!({"answer": new.answer, "note": new.note, "effective_on": row.effective_on,
        "due_on": row.due_on, "acting_for_person_ids": acting_for});
    let action = if accepts {
        "ownership_transfer.accepted"
    } else {
        "ownership_transfer.declined"
    };
    scope.record(action, row.subject(), payload);
    Ok(())
}

/// The acting person is the new owner, or stands in for them; answers for whom.
fn require_taker(scope: &mut Scope<'_>, row: &TransferRow, person_id: &str) -> Result<Vec<String>, ApiError> {
    let on = row.effective_on.max(scope.today);
    let taker = rows::person_of(scope, &row.taker(), on)?;
    if taker.as_deref() == Some(person_id) {
        return Ok(vec![]);
    }
    if let Some(taker) = taker {
        let organization = row.organization_id.clone();
        let absent = match organization {
            Some(organization) => delegations::acting_for(scope, &organization, person_id)?,
            None => vec![],
        };
        if absent.contains(&taker) {
            return Ok(vec![taker]);
        }
    }
    Err(ApiError::Conflict {
        code: "not_the_new_owner",
        ja: "引き受けるか断るかを決められるのは、引き継ぐ本人と不在代理者だけです。".to_owned(),
        en: "Only the new owner, or whoever stands in for them, accepts or declines.".to_owned(),
    })
}

/// Cancel a transfer
///
/// Before it moves; afterwards make another one.
#[utoipa::path(tag = "directory",
    params(("ownership_transfer_id" = String, Path, description = "引継ぎのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 204, description = "取り消した / Cancelled"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/ownership-transfers/{ownership_transfer_id}")]
async fn cancel_ownership_transfer(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?, true)?;
            if_match.check(row.version, caller.lang)?;
            let waits = matches!(row.state.0, HandOverState::Announced | HandOverState::Accepted);
            if row.moved_at.is_some() || !waits {
                return Err(ApiError::Conflict {
                    code: "already_moved",
                    ja: "引継ぎは既に行われたか、終わっています。戻すには逆向きの引継ぎを登録してください。".to_owned(),
                    en: "It has moved or is over; make another transfer to take it back.".to_owned(),
                });
            }
            moving::end(scope, &row)?;
            Ok(Answer::no_content())
        })
        .await
}
