//! The due dates behind the figures of [`super::overview`]: what is overdue, what is due within 30 days, what in a month.
//! Each figure is the length of its list. They are counted and listed by [`crate::reports`].

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use chrono::{Datelike, Days, NaiveDate};
use serde::Deserialize;

use super::frame::{Frame, page};
use super::overview::{Choice, chosen};
use super::said;
use super::viewer::Viewer;
use crate::domain::calendar::add_months;
use crate::domain::sight::Room;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::reports::overdue::{self, Overdue};

/// Due dates of a page.
const LIMIT: i64 = 50;

/// The filters, as the figures and the form send them.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    organization_id: String,
    #[serde(default)]
    when: String,
    #[serde(default)]
    cursor: String,
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Before today.
    Overdue,
    /// Today and in the next 30 days.
    Soon,
    /// In the month of this first day; what is overdue is not among them.
    Month(NaiveDate),
}

impl When {
    /// How the address says it.
    pub(super) fn code(self) -> String {
        match self {
            Self::Overdue => "overdue".to_owned(),
            Self::Soon => "soon".to_owned(),
            Self::Month(first) => first.format("%Y-%m").to_string(),
        }
    }

    /// What the address says; what is overdue, where it says nothing.
    fn of(code: &str) -> Result<Self, ApiError> {
        match code {
            "" | "overdue" => Ok(Self::Overdue),
            "soon" => Ok(Self::Soon),
            month => {
                let first = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d");
                first.map(Self::Month).map_err(|_| ApiError::NotFound)
            }
        }
    }

    /// The first and the last day.
    fn days(self, today: NaiveDate) -> (Option<NaiveDate>, Option<NaiveDate>) {
        match self {
            Self::Overdue => (None, today.pred_opt()),
            Self::Soon => (Some(today), today.checked_add_days(Days::new(30))),
            Self::Month(first) => (Some(first.max(today)), add_months(first, 1).pred_opt()),
        }
    }

    fn title(self, lang: Lang) -> String {
        match self {
            Self::Overdue => lang.pick("期限を超過しているもの", "Overdue").to_owned(),
            Self::Soon => lang.pick("30日以内の期限", "Due within 30 days").to_owned(),
            Self::Month(first) => lang.pick(
                format!("{}年{}月の期限", first.year(), first.month()),
                format!("Due in {}", first.format("%B %Y")),
            ),
        }
    }
}

/// A due date as a row.
pub(super) struct Line {
    pub entry_id: Option<String>,
    pub control_number: String,
    pub name: String,
    pub kind: String,
    pub owner: String,
    pub due: String,
    pub distance: String,
    pub class: &'static str,
    pub last_stage: String,
}

impl Line {
    /// Of a due date.
    pub(super) fn of(lang: Lang, today: NaiveDate, one: Overdue) -> Self {
        let entry = one.entry;
        Self {
            entry_id: entry.as_ref().map(|entry| entry.entry_id.clone()),
            control_number: entry
                .as_ref()
                .map(|entry| entry.control_number.clone())
                .unwrap_or_default(),
            name: entry.as_ref().map(|entry| entry.name.clone()).unwrap_or_default(),
            owner: entry
                .and_then(|entry| entry.owner_name.or(entry.owner_post_name))
                .unwrap_or_else(|| "―".to_owned()),
            kind: said::word(lang, one.kind),
            due: said::day(lang, one.due_on),
            distance: said::distance(lang, today, one.due_on),
            class: said::distance_class(today, one.due_on),
            last_stage: one
                .last_stage
                .map_or_else(|| "―".to_owned(), |stage| said::stage(lang, &stage)),
        }
    }
}

#[derive(Template)]
#[template(path = "due_dates.html")]
struct DueDatesPage {
    frame: Frame,
    title: String,
    choices: Vec<Choice>,
    whens: Vec<(String, String, bool)>,
    lines: Vec<Line>,
    next: Option<String>,
}

/// The list.
#[get("/due-dates")]
pub(super) async fn get_due_dates(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Overview)?;
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| {
            let (lang, query, today) = (frame.lang, query.into_inner(), scope.today);
            let when = When::of(query.when.trim())?;
            let (ids, choices) = chosen(viewer, Room::Overview, Some(query.organization_id.as_str()))?;
            let (from, to) = when.days(today);
            let cursor = Some(query.cursor.clone()).filter(|cursor| !cursor.is_empty());
            let (found, next) = overdue::between(scope, &Organizations::Only(ids), (from, to), cursor, LIMIT)?;
            let mut whens = vec![When::Overdue, When::Soon];
            if matches!(when, When::Month(_)) {
                whens.push(when);
            }
            Ok(DueDatesPage {
                title: when.title(lang),
                choices,
                whens: whens
                    .into_iter()
                    .map(|one| (one.code(), one.title(lang), one == when))
                    .collect(),
                lines: found.into_iter().map(|one| Line::of(lang, today, one)).collect(),
                next: next.map(|cursor| {
                    let filters = [
                        ("organization_id", query.organization_id.as_str()),
                        ("when", &when.code()),
                        ("cursor", &cursor),
                    ];
                    said::address("/due-dates", filters)
                }),
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_says_which_days() {
        let today = on("2027-04-15");
        let cases = [
            ("", None, Some("2027-04-14")),
            ("overdue", None, Some("2027-04-14")),
            ("soon", Some("2027-04-15"), Some("2027-05-15")),
            ("2027-04", Some("2027-04-15"), Some("2027-04-30")),
            ("2027-12", Some("2027-12-01"), Some("2027-12-31")),
        ];
        for (code, from, to) in cases {
            let when = When::of(code).unwrap();
            assert_eq!(when.days(today), (from.map(on), to.map(on)), "{code}");
            assert_eq!(When::of(&when.code()).unwrap(), when);
        }
        assert!(When::of("2027-13").is_err());
        assert!(When::of("everything").is_err());
    }
}
