//! The cross-register ledger: one list over the three kinds.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::rows::{self, EntryRow, KIND};
use super::wire::EntryPage;
use crate::app::Scope;
use crate::db::schema::{entries, risk_assessments, search_grams};
use crate::db::search;
use crate::db::types::Word;
use crate::domain::vocabulary::{CodeWord, Kind, Level, Phase, Status};
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, After};

/// The order of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntrySort {
    /// By id, the order of registration.
    Id,
    /// The earliest due date first; entries without one are left out.
    NextDueOn,
    /// The highest residual score first.
    #[serde(rename = "-residual_score")]
    ResidualScoreDescending,
    /// By control number.
    ControlNumber,
}

/// Filters of the ledger.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntryFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// The order; `id` without it, and always with `q`.
    #[param(nullable = false, inline)]
    pub sort: Option<EntrySort>,
    /// Of this kind.
    #[param(nullable = false)]
    pub kind: Option<Kind>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// Of this department.
    #[param(nullable = false, format = Uuid)]
    pub department_id: Option<String>,
    /// Owned by this person, not counting posts.
    #[param(nullable = false, format = Uuid)]
    pub owner_person_id: Option<String>,
    /// Owned by this post.
    #[param(nullable = false, format = Uuid)]
    pub owner_post_id: Option<String>,
    /// In this status.
    #[param(nullable = false)]
    pub status: Option<Status>,
    /// In this phase.
    #[param(nullable = false)]
    pub phase: Option<Phase>,
    /// At this residual level.
    #[param(nullable = false)]
    pub risk_level: Option<Level>,
    /// In this tier of inherent risk.
    #[param(nullable = false, minimum = 1, maximum = 4)]
    pub inherent_tier: Option<i32>,
    /// The next due date on this day or later.
    #[param(nullable = false)]
    pub next_due_from: Option<NaiveDate>,
    /// The next due date on this day or earlier.
    #[param(nullable = false)]
    pub next_due_to: Option<NaiveDate>,
    /// A part of the name, its kana or the control number, two characters or more.
    #[param(nullable = false, min_length = 2, max_length = 100)]
    pub q: Option<String>,
    /// Archived ones too.
    #[param(nullable = false)]
    pub include_archived: Option<bool>,
    /// Only what somebody at a page may see; never a parameter.
    #[serde(skip)]
    #[param(ignore)]
    pub(crate) within: Option<Within>,
    /// What a figure on a page counts; never a parameter.
    #[serde(skip)]
    #[param(ignore)]
    pub(crate) counted: Counted,
}

/// What figures count beside what programs filter by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Not ended.
    pub living: bool,
    /// Without an owner's post or person.
    pub ownerless: bool,
    /// With this impact and this exposure.
    pub square: Option<(i32, i32)>,
    /// Of one of these departments.
    pub departments: Option<Vec<String>>,
}

/// The entries that somebody sees: those of any of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Within {
    /// Of these organizations.
    pub organizations: Vec<String>,
    /// Of these departments.
    pub departments: Vec<String>,
    /// Owned or deputised by these persons.
    pub persons: Vec<String>,
    /// Owned or deputised by these posts.
    pub posts: Vec<String>,
    /// These themselves.
    pub entries: Vec<String>,
}

impl Within {
    /// Whether an entry is one of them.
    pub(crate) fn holds(&self, row: &EntryRow) -> bool {
        let named = |list: &[String], id: &Option<String>| id.as_ref().is_some_and(|id| list.contains(id));
        self.organizations.contains(&row.organization_id)
            || self.entries.contains(&row.id)
            || named(&self.departments, &row.department_id)
            || named(&self.persons, &row.owner_person_id)
            || named(&self.persons, &row.deputy_person_id)
            || named(&self.posts, &row.owner_post_id)
            || named(&self.posts, &row.deputy_post_id)
    }
}

/// The condition that [`Within::holds`] says, as a query asks it.
macro_rules! is_within {
    ($within:expr) => {{
        let some = |ids: &[String]| -> Vec<Option<String>> { ids.iter().cloned().map(Some).collect() };
        entries::organization_id
            .eq_any($within.organizations.clone())
            .or(entries::id.eq_any($within.entries.clone()))
            .or(entries::department_id.eq_any(some(&$within.departments)))
            .or(entries::owner_person_id.eq_any(some(&$within.persons)))
            .or(entries::deputy_person_id.eq_any(some(&$within.persons)))
            .or(entries::owner_post_id.eq_any(some(&$within.posts)))
            .or(entries::deputy_post_id.eq_any(some(&$within.posts)))
    }};
}

impl EntryFilter {
    /// The filter of a list of one kind.
    ///
    /// # Errors
    /// 400 when another kind is asked for.
    pub(crate) fn of_kind(self, kind: Kind) -> Result<Self, ApiError> {
        if self.kind.is_some_and(|asked| asked != kind) {
            return Err(ApiError::InvalidParameter {
                name: "kind".to_owned(),
                ja: format!(
                    "この一覧の種別は {} だけです。ほかの種別は /entries で探してください。",
                    kind.code()
                ),
                en: format!("This list holds {} only; look for others in /entries.", kind.code()),
            });
        }
        Ok(Self {
            kind: Some(kind),
            ..self
        })
    }
}

/// List entries
///
/// The cross-register ledger. One index per order is walked; other filters count on the way, and a page that walked
/// 5,000 records comes back short with `next_cursor`.
#[utoipa::path(tag = "entries", params(EntryFilter), security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "台帳 / A page of entries", body = EntryPage), Problems))]
#[get("/entries")]
pub(super) async fn list_entries(
    caller: Caller<scope::EntriesRead>,
    request: HttpRequest,
    Params(filter): Params<EntryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (rows, next) = select_page(scope, &caller.organizations, &filter, "list_entries")?;
            let items = rows::complete(scope, rows)?;
            page::answer(&path, &query, &EntryPage::new((items, next.clone())), next.as_deref())
        })
        .await
}

/// The living entries within that have something due, the earliest first.
///
/// # Errors
/// A database failure.
pub(crate) fn due_within(scope: &mut Scope<'_>, within: &Within, limit: i64) -> Result<Vec<String>, ApiError> {
    Ok(entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::archived_at.is_null())
        .filter(entries::next_due_on.is_not_null())
        .filter(is_within!(within))
        .order((entries::next_due_on, entries::id))
        .limit(limit)
        .select(entries::id)
        .load(scope.conn)?)
}

type Query<'q> = entries::BoxedQuery<'q, crate::db::MultiBackend>;

/// A page of entry rows and where it goes on; the kinds use it with their own `operation` and kind.
pub(crate) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &EntryFilter,
    operation: &str,
) -> Result<(Vec<EntryRow>, Option<String>), ApiError> {
    let limit = page::limit(filter.limit)?;
    let mut unpaged = filter.clone();
    (unpaged.cursor, unpaged.limit) = (None, None);
    let print = page::fingerprint(operation, &unpaged);
    let after = page::after(filter.cursor.as_deref(), &print)?;
    let sort = if filter.q.is_some() {
        EntrySort::Id
    } else {
        filter.sort.unwrap_or(EntrySort::Id)
    };
    let place = |row: &EntryRow| After {
        key: match sort {
            EntrySort::Id => String::new(),
            EntrySort::NextDueOn => row.next_due_on.map(|on| on.to_string()).unwrap_or_default(),
            EntrySort::ResidualScoreDescending => row.risk_score_x100.to_string(),
            EntrySort::ControlNumber => row.control_number.clone(),
        },
        id: row.id.clone(),
    };
    let mut query = filtered(entries::table.into_boxed(), scope, allowed, filter);
    if let Some(q) = &filter.q {
        let q = search::query(scope, KIND, q)?;
        let ids = search_grams::table
            .filter(search_grams::local_government_id.eq(&scope.lg))
            .filter(search_grams::kind.eq(KIND))
            .filter(search_grams::gram.eq(&q.gram))
            .filter(search_grams::id.gt(after.map(|after| after.id).unwrap_or_default()))
            .order(search_grams::id)
            .limit(page::BUDGET)
            .select(search_grams::id)
            .load::<String>(scope.conn)?;
        let bound = search::bound(&ids);
        query = query
            .filter(entries::id.eq_any(ids))
            .filter(entries::search_text.like(q.pattern).escape('\\'));
        let rows = query
            .order(entries::id)
            .limit(limit + 1)
            .select(EntryRow::as_select())
            .load(scope.conn)?;
        return Ok(page::cut(rows, limit, bound, &print, place));
    }
    let mine = || {
        entries::table
            .filter(entries::local_government_id.eq(scope.lg.clone()))
            .into_boxed()
    };
    let mut window = from(mine(), sort, after.as_ref(), Side::After)?;
    if let Some(kind) = filter.kind.filter(|_| sort == EntrySort::Id) {
        // The index of the kind is the one to walk.
        window = window.filter(entries::kind.eq(Word(kind)));
    }
    type Place = (String, Option<NaiveDate>, i32, String);
    let bound: Option<Place> = ordered(window, sort)
        .offset(page::BUDGET)
        .limit(1)
        .select((
            entries::id,
            entries::next_due_on,
            entries::risk_score_x100,
            entries::control_number,
        ))
        .first(scope.conn)
        .optional()?;
    let bound = bound.map(|(id, due, score, number)| After {
        key: match sort {
            EntrySort::Id => String::new(),
            EntrySort::NextDueOn => due.map(|on| on.to_string()).unwrap_or_default(),
            EntrySort::ResidualScoreDescending => score.to_string(),
            EntrySort::ControlNumber => number,
        },
        id,
    });
    query = from(query, sort, after.as_ref(), Side::After)?;
    query = from(query, sort, bound.as_ref(), Side::UpTo)?;
    let rows = ordered(query, sort)
        .limit(limit + 1)
        .select(EntryRow::as_select())
        .load(scope.conn)?;
    Ok(page::cut(rows, limit, bound, &print, place))
}

fn filtered<'q>(mut query: Query<'q>, scope: &Scope<'_>, allowed: &Organizations, filter: &EntryFilter) -> Query<'q> {
    query = query.filter(entries::local_government_id.eq(scope.lg.clone()));
    if let Some(ids) = allowed.list() {
        query = query.filter(entries::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(within) = &filter.within {
        query = query.filter(is_within!(within));
    }
    if filter.include_archived != Some(true) {
        query = query.filter(entries::archived_at.is_null());
    }
    if let Some(kind) = filter.kind {
        query = query.filter(entries::kind.eq(Word(kind)));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(entries::organization_id.eq(id.clone()));
    }
    if let Some(id) = &filter.department_id {
        query = query.filter(entries::department_id.eq(Some(id.clone())));
    }
    if let Some(id) = &filter.owner_person_id {
        query = query.filter(entries::owner_person_id.eq(Some(id.clone())));
    }
    if let Some(id) = &filter.owner_post_id {
        query = query.filter(entries::owner_post_id.eq(Some(id.clone())));
    }
    if let Some(status) = filter.status {
        query = query.filter(entries::status.eq(Word(status)));
    }
    if let Some(phase) = filter.phase {
        let statuses: Vec<&'static str> = Status::ALL
            .iter()
            .filter(|status| status.phase() == phase)
            .map(|status| status.code())
            .collect();
        query = query.filter(entries::status.eq_any(statuses));
    }
    if let Some(level) = filter.risk_level {
        query = query.filter(entries::risk_level.eq(Some(level.code())));
    }
    if let Some(tier) = filter.inherent_tier {
        query = query.filter(entries::inherent_tier.eq(tier));
    }
    if let Some(on) = filter.next_due_from {
        query = query.filter(entries::next_due_on.ge(Some(on)));
    }
    if let Some(on) = filter.next_due_to {
        query = query.filter(entries::next_due_on.le(Some(on)));
    }
    counted(query, &filter.counted)
}

fn counted<'q>(mut query: Query<'q>, counted: &Counted) -> Query<'q> {
    if counted.living {
        let ended = Status::ALL.iter().filter(|status| status.is_final());
        let ended: Vec<&'static str> = ended.map(|status| status.code()).collect();
        query = query.filter(entries::status.ne_all(ended));
    }
    if counted.ownerless {
        query = query.filter(entries::owner_person_id.is_null());
        query = query.filter(entries::owner_post_id.is_null());
    }
    if let Some((impact, exposure)) = counted.square {
        let there = risk_assessments::table
            .filter(risk_assessments::local_government_id.eq(entries::local_government_id))
            .filter(risk_assessments::id.nullable().eq(entries::assessment_id))
            .filter(risk_assessments::impact.eq(impact))
            .filter(risk_assessments::exposure.eq(exposure));
        query = query.filter(exists(there));
    }
    if let Some(ids) = &counted.departments {
        let ids: Vec<Option<String>> = ids.iter().cloned().map(Some).collect();
        query = query.filter(entries::department_id.eq_any(ids));
    }
    query
}

fn ordered(query: Query<'_>, sort: EntrySort) -> Query<'_> {
    match sort {
        EntrySort::Id => query.order(entries::id),
        EntrySort::NextDueOn => query
            .filter(entries::next_due_on.is_not_null())
            .order((entries::next_due_on, entries::id)),
        EntrySort::ResidualScoreDescending => query.order((entries::risk_score_x100.desc(), entries::id.desc())),
        EntrySort::ControlNumber => query.order(entries::control_number),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    After,
    UpTo,
}

/// Cuts a query at a place in its order.
fn from<'q>(query: Query<'q>, sort: EntrySort, place: Option<&After>, side: Side) -> Result<Query<'q>, ApiError> {
    let Some(After { key, id }) = place.cloned() else {
        return Ok(query);
    };
    Ok(match (sort, side) {
        (EntrySort::Id, Side::After) => query.filter(entries::id.gt(id)),
        (EntrySort::Id, Side::UpTo) => query.filter(entries::id.le(id)),
        (EntrySort::NextDueOn, _) => {
            let on: NaiveDate = key.parse().map_err(|_| ApiError::InvalidCursor)?;
            let due = entries::next_due_on;
            match side {
                Side::After => query
                    .filter(due.ge(Some(on)))
                    .filter(due.gt(Some(on)).or(due.eq(Some(on)).and(entries::id.gt(id).nullable()))),
                Side::UpTo => query
                    .filter(due.le(Some(on)))
                    .filter(due.lt(Some(on)).or(due.eq(Some(on)).and(entries::id.le(id).nullable()))),
            }
        }
        (EntrySort::ResidualScoreDescending, _) => {
            let at: i32 = key.parse().map_err(|_| ApiError::InvalidCursor)?;
            let score = entries::risk_score_x100;
            match side {
                Side::After => query
                    .filter(score.le(at))
                    .filter(score.lt(at).or(score.eq(at).and(entries::id.lt(id)))),
                Side::UpTo => query
                    .filter(score.ge(at))
                    .filter(score.gt(at).or(score.eq(at).and(entries::id.ge(id)))),
            }
        }
        (EntrySort::ControlNumber, Side::After) => query.filter(entries::control_number.gt(key)),
        (EntrySort::ControlNumber, Side::UpTo) => query.filter(entries::control_number.le(key)),
    })
}
