//! Entries without an owner.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, get};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::WINDOW;
use crate::app::Scope;
use crate::db::schema::entries;
use crate::db::types::Word;
use crate::domain::vocabulary::{Kind, Status};
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, After, page_of};
use crate::people::holders::Directory;

/// Why an entry has no owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnerlessReason {
    /// None was ever named.
    NotNamed,
    /// The person has left.
    PersonLeft,
    /// Nobody holds the post.
    PostEmpty,
}

/// An entry without an owner.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnerlessEntry {
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// Its kind.
    pub kind: Kind,
    /// Its control number.
    pub control_number: String,
    /// Its name.
    pub name: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The department.
    #[schema(required, format = Uuid)]
    pub department_id: Option<String>,
    /// Why there is none.
    pub reason: OwnerlessReason,
    /// The person who was the owner.
    #[schema(required, format = Uuid)]
    pub owner_person_id: Option<String>,
    /// The post that is.
    #[schema(required, format = Uuid)]
    pub owner_post_id: Option<String>,
    /// Whether a deputy is there.
    pub has_deputy: bool,
}

page_of! {
    /// A page of entries without an owner.
    OwnerlessEntryPage of OwnerlessEntry
}

/// Filters of the report.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnerlessFilter {
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

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = entries)]
struct Row {
    id: String,
    kind: Word<Kind>,
    control_number: String,
    name: String,
    organization_id: String,
    department_id: Option<String>,
    owner_person_id: Option<String>,
    owner_post_id: Option<String>,
    deputy_person_id: Option<String>,
    deputy_post_id: Option<String>,
    status: Word<Status>,
    archived_at: Option<crate::clock::Instant>,
}

/// Report entries without an owner
///
/// Living entries whose owner was never named or has left, or whose post nobody holds today; sorted by id. A page that
/// looked through 2,000 entries comes back short with `next_cursor`.
#[utoipa::path(tag = "entries", params(OwnerlessFilter), security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "責任者のいない台帳 / A page of entries without an owner", body = OwnerlessEntryPage), Problems))]
#[get("/reports/ownerless-entries")]
pub(super) async fn list_ownerless_entries(
    caller: Caller<scope::EntriesRead>,
    request: HttpRequest,
    Params(filter): Params<OwnerlessFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_ownerless_entries", &filter.organization_id);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let (found, bound) = ownerless(scope, &caller.organizations, &filter, &start, limit)?;
            let (items, next) = page::cut(found, limit, bound, &print, |entry: &OwnerlessEntry| After {
                key: String::new(),
                id: entry.entry_id.clone(),
            });
            let page = OwnerlessEntryPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Those of the next window, one more than the limit at most, and where the window ended.
fn ownerless(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &OwnerlessFilter,
    start: &str,
    limit: i64,
) -> Result<(Vec<OwnerlessEntry>, Option<After>), ApiError> {
    let window: Vec<Row> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.gt(start))
        .order(entries::id)
        .limit(WINDOW)
        .select(Row::as_select())
        .load(scope.conn)?;
    let full = i64::try_from(window.len()).unwrap_or(i64::MAX) >= WINDOW;
    let bound = window.last().filter(|_| full).map(|row| After {
        key: String::new(),
        id: row.id.clone(),
    });
    let living: Vec<Row> = window
        .into_iter()
        .filter(|row| row.archived_at.is_none() && !row.status.0.is_final())
        .filter(|row| allowed.contains(&row.organization_id))
        .filter(|row| {
            filter
                .organization_id
                .as_ref()
                .is_none_or(|id| *id == row.organization_id)
        })
        .collect();
    let distinct = |ids: Vec<&Option<String>>| -> Vec<String> {
        let ids: BTreeSet<&String> = ids.into_iter().flatten().collect();
        ids.into_iter().cloned().collect()
    };
    let of = |row: fn(&Row) -> [&Option<String>; 2]| distinct(living.iter().flat_map(row).collect());
    let persons = of(|row| [&row.owner_person_id, &row.deputy_person_id]);
    let posts = of(|row| [&row.owner_post_id, &row.deputy_post_id]);
    let directory = Directory::load(scope, &[], &persons, &posts, scope.today)?;
    let most = usize::try_from(limit.saturating_add(1)).unwrap_or(usize::MAX);
    let found = living.into_iter().filter_map(|row| {
        let holder = directory.owner(row.owner_person_id.as_deref(), row.owner_post_id.as_deref());
        let deputy = directory.owner(row.deputy_person_id.as_deref(), row.deputy_post_id.as_deref());
        let reason = match (&row.owner_person_id, &row.owner_post_id) {
            _ if holder.is_some() => return None,
            (Some(_), _) => OwnerlessReason::PersonLeft,
            (None, Some(_)) => OwnerlessReason::PostEmpty,
            (None, None) => OwnerlessReason::NotNamed,
        };
        Some(OwnerlessEntry {
            has_deputy: deputy.is_some(),
            entry_id: row.id,
            kind: row.kind.0,
            control_number: row.control_number,
            name: row.name,
            organization_id: row.organization_id,
            department_id: row.department_id,
            reason,
            owner_person_id: row.owner_person_id,
            owner_post_id: row.owner_post_id,
        })
    });
    Ok((found.take(most).collect(), bound))
}
