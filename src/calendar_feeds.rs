//! Calendar feeds (期限のカレンダー): links that Outlook and other calendars subscribe to, one for a person or a department
//! in an organization, showing what is open and when it is due.
//!
//! A calendar program signs in nowhere, so the link itself is the key: it is shown once, only its hash is kept, and it
//! ends with its feed. What the calendar says is [`ics`]'s.

mod ics;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{App, Scope, Subject, Tenant};
use crate::clock::Instant;
use crate::db::schema::{calendar_feeds, departments};
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError, Problem};
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After, page_of};
use crate::journal::sha256_hex;
use crate::{organizations, people};

/// The word of feeds in the journal.
const KIND: &str = "calendar_feed";
/// How long a calendar program may show what it has read, in seconds.
const MAX_AGE: u32 = 3_600;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_calendar_feed)
        .service(list_calendar_feeds)
        .service(delete_calendar_feed);
}

/// A calendar feed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CalendarFeed {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization whose due dates it shows.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// What this person owns or stands in for.
    #[schema(required, format = Uuid)]
    pub person_id: Option<String>,
    /// What this department is in charge of.
    #[schema(required, format = Uuid)]
    pub department_id: Option<String>,
    /// When it was made.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// The link to subscribe to; shown once, when the feed is made, and null afterwards.
    #[schema(required, example = "https://kakunin.example.lg.jp/calendar/3q2-7w.ics")]
    pub url: Option<String>,
}

page_of! {
    /// A page of calendar feeds.
    CalendarFeedPage of CalendarFeed
}

/// A new calendar feed; of a person or of a department.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarFeedCreate {
    /// The organization whose due dates it shows.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The person.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub person_id: Option<String>,
    /// The department, of the same organization.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub department_id: Option<String>,
}

/// Filters of the list.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CalendarFeedFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
}

/// A calendar (RFC 5545).
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct CalendarText(pub String);

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = calendar_feeds)]
struct FeedRow {
    id: String,
    organization_id: String,
    person_id: Option<String>,
    department_id: Option<String>,
    created_at: Instant,
    created_by: String,
}

impl FeedRow {
    fn wire(self, url: Option<String>) -> CalendarFeed {
        CalendarFeed {
            id: self.id,
            organization_id: self.organization_id,
            person_id: self.person_id,
            department_id: self.department_id,
            created_at: self.created_at,
            created_by: self.created_by,
            url,
        }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            organization_id: Some(&self.organization_id),
            ..Subject::of(KIND, &self.id)
        }
    }
}

fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<FeedRow, ApiError> {
    let row: FeedRow = calendar_feeds::table
        .find((&scope.lg, id))
        .select(FeedRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// Make a calendar feed
///
/// Answers once the link that a calendar program subscribes to, without signing in. It shows the open due dates of what
/// the person owns or stands in for, or of what the department is in charge of. Whoever has the link can read it; delete
/// the feed when it has become known.
#[utoipa::path(tag = "calendar", request_body = CalendarFeedCreate, security(("oauth2" = ["calendar:manage"])), responses(
    (status = 201, description = "カレンダーとその URL / The feed with its link", body = CalendarFeed), Problems, WriteProblems))]
#[post("/calendar-feeds")]
async fn create_calendar_feed(
    caller: Caller<scope::CalendarManage>,
    Body(new): Body<CalendarFeedCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            check(scope, &caller.organizations, &new)?;
            let id = scope.new_id();
            let link = URL_SAFE_NO_PAD.encode(scope.app.random.bytes::<32>());
            diesel::insert_into(calendar_feeds::table)
                .values((
                    calendar_feeds::local_government_id.eq(&scope.lg),
                    calendar_feeds::id.eq(&id),
                    calendar_feeds::organization_id.eq(&new.organization_id),
                    calendar_feeds::person_id.eq(&new.person_id),
                    calendar_feeds::department_id.eq(&new.department_id),
                    calendar_feeds::link_sha256.eq(sha256_hex(link.as_bytes())),
                    calendar_feeds::created_at.eq(scope.at),
                    calendar_feeds::created_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            let row = find(scope, &caller.organizations, &id)?;
            // The link stands in no journal.
            let payload = json!({"person_id": row.person_id, "department_id": row.department_id});
            scope.record("calendar_feed.created", row.subject(), payload);
            let url = format!("{}/calendar/{link}.ics", scope.app.config.public_url);
            Answer::created(format!("/api/v1/calendar-feeds/{id}"), row.wire(Some(url)))
        })
        .await
}

fn check(scope: &mut Scope<'_>, allowed: &Organizations, new: &CalendarFeedCreate) -> Result<(), ApiError> {
    if !allowed.contains(&new.organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
    }
    organizations::require(scope, &new.organization_id, "/organization_id")?;
    if let Some(person) = &new.person_id {
        people::require(scope, person, "/person_id")?;
    }
    if let Some(department) = &new.department_id {
        let of: Option<String> = departments::table
            .find((&scope.lg, department))
            .select(departments::organization_id)
            .first(scope.conn)
            .optional()?;
        if of.as_deref() != Some(&new.organization_id) {
            return Err(ApiError::Validation(vec![FieldError::reference("/department_id")]));
        }
    }
    if new.person_id.is_some() == new.department_id.is_some() {
        return Err(ApiError::field(
            "/person_id",
            "one_of_two",
            "person_id か department_id のどちらか一方を指定してください。",
            "Give either person_id or department_id.",
        ));
    }
    Ok(())
}

/// List calendar feeds
///
/// Of the token's organizations, sorted by id; without their links.
#[utoipa::path(tag = "calendar", params(CalendarFeedFilter), security(("oauth2" = ["calendar:manage"])), responses(
    (status = 200, description = "カレンダーの一覧 / A page of calendar feeds", body = CalendarFeedPage), Problems))]
#[get("/calendar-feeds")]
async fn list_calendar_feeds(
    caller: Caller<scope::CalendarManage>,
    request: HttpRequest,
    Params(filter): Params<CalendarFeedFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_calendar_feeds", &filter.organization_id);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let bound: Option<String> = calendar_feeds::table
                .filter(calendar_feeds::local_government_id.eq(&scope.lg))
                .filter(calendar_feeds::id.gt(&start))
                .order(calendar_feeds::id)
                .offset(page::BUDGET)
                .limit(1)
                .select(calendar_feeds::id)
                .first(scope.conn)
                .optional()?;
            let mut select = calendar_feeds::table
                .filter(calendar_feeds::local_government_id.eq(scope.lg.clone()))
                .filter(calendar_feeds::id.gt(start))
                .order(calendar_feeds::id)
                .limit(limit + 1)
                .select(FeedRow::as_select())
                .into_boxed();
            if let Some(bound) = &bound {
                select = select.filter(calendar_feeds::id.le(bound.clone()));
            }
            if let Some(ids) = caller.organizations.list() {
                select = select.filter(calendar_feeds::organization_id.eq_any(ids.to_vec()));
            }
            if let Some(id) = &filter.organization_id {
                select = select.filter(calendar_feeds::organization_id.eq(id.clone()));
            }
            let rows: Vec<FeedRow> = select.load(scope.conn)?;
            let bound = bound.map(|id| After { key: String::new(), id });
            let (rows, next) = page::cut(rows, limit, bound, &print, |row: &FeedRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows.into_iter().map(|row| row.wire(None)).collect();
            page::answer(
                &path,
                &query,
                &CalendarFeedPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// Delete a calendar feed
///
/// Its link answers 404 from then on.
#[utoipa::path(tag = "calendar", params(("calendar_feed_id" = String, Path, description = "カレンダーのID", format = Uuid)),
    security(("oauth2" = ["calendar:manage"])), responses(
    (status = 204, description = "削除した / Deleted"), Problems, WriteProblems))]
#[delete("/calendar-feeds/{calendar_feed_id}")]
async fn delete_calendar_feed(
    caller: Caller<scope::CalendarManage>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = find(scope, &caller.organizations, &path_id(&id)?)?;
            diesel::delete(calendar_feeds::table.find((&scope.lg, &row.id))).execute(scope.conn)?;
            scope.record("calendar_feed.deleted", row.subject(), serde_json::Value::Null);
            Ok(Answer::no_content())
        })
        .await
}

/// Read a calendar
///
/// For calendar programs: whole-day events of what is open and due, read again every twelve hours. Who has the link needs
/// no token.
#[utoipa::path(tag = "calendar", params(("feed_token" = String, Path, description = "カレンダーの URL の鍵 / the key in the link")),
    security(()), responses(
    (status = 200, description = "カレンダー / The calendar", body = CalendarText, content_type = "text/calendar"),
    (status = "default", description = "失敗 / A problem", body = Problem, content_type = "application/problem+json")))]
#[get("/calendar/{feed_token}.ics")]
pub(crate) async fn get_calendar_feed(app: web::Data<App>, link: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let app = app.get_ref().clone();
    let text = web::block(move || calendar(&app, &link))
        .await
        .map_err(ApiError::internal)??;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/calendar; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, format!("private, max-age={MAX_AGE}")))
        .body(text))
}

fn calendar(app: &App, link: &str) -> Result<String, ApiError> {
    let found: Option<(String, FeedRow)> = app.db.read(|conn| {
        Ok(calendar_feeds::table
            .filter(calendar_feeds::link_sha256.eq(sha256_hex(link.as_bytes())))
            .select((calendar_feeds::local_government_id, FeedRow::as_select()))
            .first(conn)
            .optional()?)
    })?;
    let (tenant, feed) = found.ok_or(ApiError::NotFound)?;
    app.read_as(&Tenant::new(&tenant), |scope| {
        let organization = organizations::row(scope, &feed.organization_id)?;
        let due = ics::due(scope, &feed)?;
        Ok(ics::write(&format!("{}の期限", organization.name), &due))
    })
}
