//! Reminder items (督促): one per obligation, cycle, stage and recipient. Read only: the planner makes them
//! ([`crate::work`]). The mails that carry them are in [`crate::messages`].

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{obligations, reminder_items};
use crate::db::types::Word;
use crate::domain::vocabulary::{CodeWord, Role, code_words};
use crate::http::answer::Answer;
use crate::http::body::{Params, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, After, page_of};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_reminders).service(get_reminder);
}

code_words! {
    /// What became of an item.
    ReminderState {
        Planned = "planned", "送信待ち";
        Fixed = "fixed", "送信中";
        Sent = "sent", "送信済み";
        Superseded = "superseded", "後の督促に置き換え";
        Cancelled = "cancelled", "取消し";
    }
}

/// One reminder to one recipient.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Reminder {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// What is due.
    #[schema(format = Uuid)]
    pub obligation_id: String,
    /// In which cycle.
    pub cycle: i32,
    /// The stage: `lead-30` is 30 days before the due date, `overdue-7` 7 days after it.
    #[schema(pattern = "^(lead|overdue)-[1-9][0-9]*$")]
    pub stage: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The entry that it is about.
    #[schema(required, format = Uuid)]
    pub entry_id: Option<String>,
    /// The role under which the recipient gets it.
    pub role: Role,
    /// The recipient, if it is a person.
    #[schema(required, format = Uuid)]
    pub person_id: Option<String>,
    /// The department whose mailbox receives it, if it is not a person.
    #[schema(required, format = Uuid)]
    pub department_id: Option<String>,
    /// The business day of the stage.
    pub planned_on: NaiveDate,
    /// When it may be sent; null once it has left or is not sent any more.
    #[schema(required)]
    pub send_at: Option<Instant>,
    /// What became of it.
    pub state: ReminderState,
    /// The mail that carries it.
    #[schema(required, format = Uuid)]
    pub message_id: Option<String>,
    /// What took its place: the later stage, or the contact (`person:…`, `department:…`) after an address that failed.
    #[schema(required)]
    pub superseded_by: Option<String>,
    /// When it was planned.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

page_of! {
    /// A page of reminders.
    ReminderPage of Reminder
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = reminder_items)]
struct ReminderRow {
    id: String,
    obligation_id: String,
    cycle: i32,
    stage: String,
    organization_id: String,
    entry_id: Option<String>,
    role: Word<Role>,
    person_id: Option<String>,
    department_id: Option<String>,
    planned_on: NaiveDate,
    send_at: Option<Instant>,
    state: Word<ReminderState>,
    message_id: Option<String>,
    superseded_by: Option<String>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<ReminderRow> for Reminder {
    fn from(row: ReminderRow) -> Self {
        Self {
            id: row.id,
            obligation_id: row.obligation_id,
            cycle: row.cycle,
            stage: row.stage,
            organization_id: row.organization_id,
            entry_id: row.entry_id,
            role: row.role.0,
            person_id: row.person_id,
            department_id: row.department_id,
            planned_on: row.planned_on,
            send_at: row.send_at,
            state: row.state.0,
            message_id: row.message_id,
            superseded_by: row.superseded_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReminderFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// About this entry.
    #[param(nullable = false, format = Uuid)]
    entry_id: Option<String>,
    /// About this obligation.
    #[param(nullable = false, format = Uuid)]
    obligation_id: Option<String>,
    /// Carried by this mail.
    #[param(nullable = false, format = Uuid)]
    message_id: Option<String>,
    /// In this state.
    #[param(nullable = false)]
    state: Option<ReminderState>,
}

/// List reminders
///
/// Sorted by id, which is the order of planning.
#[utoipa::path(tag = "reminders", params(ReminderFilter), security(("oauth2" = ["reminders:read"])), responses(
    (status = 200, description = "督促の一覧 / A page of reminders", body = ReminderPage), Problems))]
#[get("/reminders")]
async fn list_reminders(
    caller: Caller<scope::RemindersRead>,
    request: HttpRequest,
    Params(filter): Params<ReminderFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_reminders", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (rows, bound) = select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (rows, next) = page::cut(rows, limit, bound, &print, |row: &ReminderRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows.into_iter().map(Reminder::from).collect();
            page::answer(
                &path,
                &query,
                &ReminderPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &ReminderFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<ReminderRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = reminder_items::table
        .filter(reminder_items::local_government_id.eq(scope.lg.clone()))
        .filter(reminder_items::id.gt(start.clone()))
        .order(reminder_items::id)
        .limit(limit + 1)
        .select(ReminderRow::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(reminder_items::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(state) = filter.state {
        query = query.filter(reminder_items::state.eq(state.code()));
    }
    // An obligation, an entry's obligations and a message have their own indexes and a bounded number of items.
    let mut narrow = false;
    if let Some(id) = &filter.message_id {
        query = query.filter(reminder_items::message_id.eq(Some(id.clone())));
        narrow = true;
    }
    if let Some(id) = &filter.obligation_id {
        query = query.filter(reminder_items::obligation_id.eq(id.clone()));
        narrow = true;
    }
    if let Some(id) = &filter.entry_id {
        let ids: Vec<String> = obligations::table
            .filter(obligations::local_government_id.eq(&scope.lg))
            .filter(obligations::entry_id.eq(Some(id)))
            .select(obligations::id)
            .load(scope.conn)?;
        query = query.filter(reminder_items::obligation_id.eq_any(ids));
        narrow = true;
    }
    let bound: Option<String> = if narrow {
        None
    } else {
        reminder_items::table
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::id.gt(&start))
            .order(reminder_items::id)
            .offset(page::BUDGET)
            .limit(1)
            .select(reminder_items::id)
            .first(scope.conn)
            .optional()?
    };
    if let Some(bound) = &bound {
        query = query.filter(reminder_items::id.le(bound.clone()));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// The reminders that a message carries.
///
/// # Errors
/// A database failure.
pub(crate) fn of_message(scope: &mut Scope<'_>, message_id: &str) -> Result<Vec<Reminder>, ApiError> {
    let rows: Vec<ReminderRow> = reminder_items::table
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::message_id.eq(Some(message_id)))
        .order(reminder_items::id)
        .select(ReminderRow::as_select())
        .load(scope.conn)?;
    Ok(rows.into_iter().map(Reminder::from).collect())
}

/// Get a reminder
///
/// What became of one stage for one recipient.
#[utoipa::path(tag = "reminders", params(("reminder_id" = String, Path, description = "督促のID", format = Uuid)),
    security(("oauth2" = ["reminders:read"])), responses(
    (status = 200, description = "督促 / The reminder", body = Reminder), Problems))]
#[get("/reminders/{reminder_id}")]
async fn get_reminder(caller: Caller<scope::RemindersRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let row: ReminderRow = reminder_items::table
                .find((&scope.lg, path_id(&id)?))
                .select(ReminderRow::as_select())
                .first(scope.conn)?;
            caller.organizations.check(&row.organization_id)?;
            Answer::ok(Reminder::from(row))
        })
        .await
}
