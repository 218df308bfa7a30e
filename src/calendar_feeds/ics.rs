//! The calendar of a feed (RFC 5545): a whole-day event for each open due date. It says what a mail would say in its
//! subject, kind, name and control number, and nothing of what is in the thing.

use chrono::NaiveDate;
use diesel::prelude::*;
use icalendar::{Calendar, Component, Event, EventLike, Parameter, Property};

use super::FeedRow;
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::on_tenant;
use crate::db::schema::{entries, obligations};
use crate::db::types::Word;
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::http::error::ApiError;
use crate::posts;

/// How often a calendar program reads again (RFC 7986).
const REFRESH: &str = "PT12H";
/// The most due dates of one calendar; the earliest are in it.
const LIMIT: i64 = 2_000;

/// An open due date.
#[derive(Debug, Queryable)]
pub(super) struct Due {
    obligation_id: String,
    cycle: i32,
    kind: Word<ObligationKind>,
    due_on: NaiveDate,
    opened_at: Instant,
    name: String,
    control_number: String,
}

/// What is open for the feed's person or department, the earliest first.
pub(super) fn due(scope: &mut Scope<'_>, feed: &FeedRow) -> Result<Vec<Due>, ApiError> {
    let mut due = obligations::table
        .inner_join(entries::table.on(on_tenant!(obligations.entry_id = entries.id)))
        .filter(obligations::local_government_id.eq(scope.lg.clone()))
        .filter(obligations::state.eq("open"))
        .filter(entries::organization_id.eq(feed.organization_id.clone()))
        .filter(entries::archived_at.is_null())
        .order((obligations::due_on, obligations::id))
        .limit(LIMIT)
        .select((
            obligations::id,
            obligations::cycle,
            obligations::kind,
            obligations::due_on,
            obligations::opened_at,
            entries::name,
            entries::control_number,
        ))
        .into_boxed();
    if let Some(department) = &feed.department_id {
        due = due.filter(entries::department_id.eq(Some(department.clone())));
    }
    if let Some(person) = &feed.person_id {
        let posts = posts::held_by(scope, person, scope.today)?;
        let posts: Vec<Option<String>> = posts.into_iter().map(Some).collect();
        due = due.filter(
            entries::owner_person_id
                .eq(Some(person.clone()))
                .or(entries::deputy_person_id.eq(Some(person.clone())))
                .or(entries::owner_post_id.eq_any(posts.clone()))
                .or(entries::deputy_post_id.eq_any(posts)),
        );
    }
    Ok(due.load(scope.conn)?)
}

/// The calendar as it is sent.
pub(super) fn write(title: &str, due: &[Due]) -> String {
    let mut calendar = Calendar {
        properties: vec![
            Property::new("VERSION", "2.0").done(),
            Property::new("PRODID", "-//Kakunin//Kakunin//JA").done(),
            Property::new("CALSCALE", "GREGORIAN").done(),
            Property::new("METHOD", "PUBLISH").done(),
            Property::new("REFRESH-INTERVAL", REFRESH)
                .append_parameter(Parameter::new("VALUE", "DURATION"))
                .done(),
            Property::new("X-PUBLISHED-TTL", REFRESH).done(),
        ],
        components: vec![],
    };
    calendar.name(title);
    for one in due {
        // The id and the stamp are the cycle's own: the same due date is the same event, whenever it is read.
        let mut event = Event::new();
        event
            .uid(&format!("{}-{}@kakunin", one.obligation_id, one.cycle))
            .timestamp(one.opened_at.to_utc())
            .starts(one.due_on)
            .summary(&format!(
                "【確認】{}：{}（{}）",
                one.kind.0.ja(),
                one.name,
                one.control_number
            ))
            .add_property("TRANSP", "TRANSPARENT");
        calendar.push(event.done());
    }
    calendar.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_is_one_of_the_standard() {
        let due = Due {
            obligation_id: "01960000".to_owned(),
            cycle: 2,
            kind: Word(ObligationKind::ContractEnd),
            due_on: "2028-03-31".parse().unwrap(),
            opened_at: Instant(0),
            name: "住民情報システム運用保守、帳票の印刷; 封入, 発送".repeat(3),
            control_number: "EN-2027-0001".to_owned(),
        };
        let text = write("本巣市長部局の期限", &[due]);
        assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"));
        assert!(!text.replace("\r\n", "").contains('\n'), "every line ends with CRLF");
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        for line in [
            "DTSTART;VALUE=DATE:20280331",
            "DTSTAMP:19700101T000000Z",
            "UID:01960000-2@kakunin",
            "REFRESH-INTERVAL;VALUE=DURATION:PT12H",
            "TRANSP:TRANSPARENT",
            "METHOD:PUBLISH",
        ] {
            assert!(text.split("\r\n").any(|known| known == line), "{line} in {text}");
        }
        assert!(!text.contains("DTEND") && text.matches("VERSION:").count() == 1);
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains("SUMMARY:【確認】契約期間の満了："), "{unfolded}");
        assert!(
            unfolded.contains(r"印刷\; 封入\, 発送") && unfolded.contains("（EN-2027-0001）"),
            "{unfolded}"
        );
    }
}
