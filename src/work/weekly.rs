//! The weekly summary: on the first open day of a week, at the hour of sending, one mail to each CISO and to the
//! operator, also when there is nothing to tell.
//!
//! A row for each week and recipient says that it was written, in the transaction that queues it, so nobody gets two.
//! A week whose first day passed while nothing ran is made up for, unless no summary was ever written: then the first
//! one comes on the next first day. The wording is [`crate::mail::templates::weekly`]'s.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::notice::{Notice, post};
use super::outbox::Sender;
use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::on_each_backend;
use crate::db::schema::{local_governments, messages, obligations, organizations, verifications, weekly_summaries};
use crate::domain::vocabulary::Role;
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::mail::Address;
use crate::mail::templates::Recipient;
use crate::mail::templates::notices::Finding;
use crate::mail::templates::weekly::{Mails, Week, WeeklySummary};
use crate::people::holders::{Directory, unfilled_roles};

/// Who gets a summary.
struct Reader {
    /// `person:ID`, `department:ID` or `operator`.
    key: String,
    name: Option<String>,
    address: String,
}

/// Writes this week's summaries where they are due; answers how many.
///
/// # Errors
/// A database failure; then none of the tenant's was written.
pub(super) fn write(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    if app.read_as(tenant, due)?.is_none() {
        return Ok(0);
    }
    app.write_as(tenant, Actor::system(), |scope| match due(scope)? {
        Some((week_on, readers)) => queue(scope, week_on, readers),
        None => Ok(0),
    })
}

fn monday(on: NaiveDate) -> NaiveDate {
    let days = u64::from(on.weekday().num_days_from_monday());
    on.checked_sub_days(Days::new(days)).unwrap_or(on)
}

/// The week and those who have no summary of it yet, once it is time.
fn due(scope: &mut Scope<'_>) -> Result<Option<(NaiveDate, Vec<Reader>)>, ApiError> {
    let calendar = scope.app.calendar(&[]);
    let week_on = monday(scope.today);
    let first_day = calendar.on_or_after(week_on);
    if scope.today < first_day || !calendar.is_open(scope.today) {
        return Ok(None);
    }
    let sender = Sender::of(scope)?;
    let minute = u32::try_from(sender.sending_minute).unwrap_or_default();
    if scope.at < Instant::of_local(scope.today, minute, scope.zone) {
        return Ok(None);
    }
    let written: Vec<(NaiveDate, String)> = weekly_summaries::table
        .filter(weekly_summaries::local_government_id.eq(&scope.lg))
        .order(weekly_summaries::week_on.desc())
        .select((weekly_summaries::week_on, weekly_summaries::recipient))
        .limit(500)
        .load(scope.conn)?;
    if written.is_empty() && scope.today > first_day {
        return Ok(None);
    }
    let have: BTreeSet<&str> = written
        .iter()
        .filter(|(week, _)| *week == week_on)
        .map(|(_, recipient)| recipient.as_str())
        .collect();
    let readers: Vec<Reader> = readers(scope)?
        .into_iter()
        .filter(|reader| !have.contains(reader.key.as_str()))
        .collect();
    Ok((!readers.is_empty()).then_some((week_on, readers)))
}

/// The CISO of every organization and the operator, each address once.
fn readers(scope: &mut Scope<'_>) -> Result<Vec<Reader>, ApiError> {
    let ids: Vec<String> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .filter(organizations::archived_at.is_null())
        .order(organizations::id)
        .select(organizations::id)
        .load(scope.conn)?;
    let directory = Directory::load(scope, &ids, &[], &[], scope.today)?;
    let mut seen = BTreeSet::new();
    let mut readers: Vec<Reader> = ids
        .iter()
        .flat_map(|id| directory.recipients(id, None, Role::Ciso))
        .map(|contact| Reader {
            key: contact.key,
            name: Some(contact.name).filter(|name| !name.is_empty()),
            address: contact.address,
        })
        .collect();
    readers.extend(scope.app.config.operator_email.as_ref().map(|address| Reader {
        key: "operator".to_owned(),
        name: None,
        address: address.to_string(),
    }));
    // An address that no mail can carry would stop all the others.
    readers.retain(|reader| Address::parse(&reader.address).is_ok() && seen.insert(reader.address.clone()));
    Ok(readers)
}

fn queue(scope: &mut Scope<'_>, week_on: NaiveDate, readers: Vec<Reader>) -> Result<usize, ApiError> {
    let (local_government, contact, demo): (String, String, bool) = local_governments::table
        .find(&scope.lg)
        .select((
            local_governments::name,
            local_governments::contact,
            local_governments::is_demo,
        ))
        .first(scope.conn)?;
    let mut summary = WeeklySummary {
        local_government,
        recipient: Recipient {
            department: None,
            name: None,
        },
        week_on,
        weeks: weeks(scope, week_on)?,
        mails: mails(scope, week_on)?,
        findings: unfilled_roles(scope)?
            .into_iter()
            .map(|(organization, role)| Finding::UnfilledRole {
                organization,
                role,
                passed_to: role.next_up(),
            })
            .collect(),
        contact,
        demo,
    };
    let mut written = 0;
    for reader in readers {
        summary.recipient.name = reader.name;
        let notice = Notice {
            address: &reader.address,
            template: "weekly_summary",
            rendered: summary.render(),
            entry_id: None,
        };
        let message_id = post(scope, &notice)?;
        let row = (
            weekly_summaries::local_government_id.eq(&scope.lg),
            weekly_summaries::week_on.eq(week_on),
            weekly_summaries::recipient.eq(&reader.key),
            weekly_summaries::message_id.eq(&message_id),
        );
        let new = on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(weekly_summaries::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(conn))?;
        if new == 0 {
            // Another replica was faster: this mail is taken back before anybody can send it.
            diesel::delete(messages::table.find((&scope.lg, &message_id))).execute(scope.conn)?;
        }
        written += new;
    }
    Ok(written)
}

fn weeks(scope: &mut Scope<'_>, week_on: NaiveDate) -> Result<Vec<Week>, ApiError> {
    let (last_week, next_week) = (
        week_on.checked_sub_days(Days::new(7)).unwrap_or(week_on),
        week_on.checked_add_days(Days::new(7)).unwrap_or(week_on),
    );
    let open = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::state.eq("open"))
        .group_by(obligations::organization_id)
        .select((obligations::organization_id, count_star()));
    let overdue: BTreeMap<String, i64> = pairs(open.filter(obligations::due_on.lt(scope.today)).load(scope.conn)?);
    let due: BTreeMap<String, i64> = pairs(
        open.filter(obligations::due_on.ge(scope.today))
            .filter(obligations::due_on.lt(next_week))
            .load(scope.conn)?,
    );
    let confirmed: BTreeMap<String, i64> = pairs(
        verifications::table
            .filter(verifications::local_government_id.eq(&scope.lg))
            .filter(verifications::verified_on.ge(last_week))
            .filter(verifications::verified_on.lt(week_on))
            .group_by(verifications::organization_id)
            .select((verifications::organization_id, count_star()))
            .load(scope.conn)?,
    );
    let named: Vec<(String, String)> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .filter(organizations::archived_at.is_null())
        .order(organizations::id)
        .select((organizations::id, organizations::name))
        .load(scope.conn)?;
    let of = |counts: &BTreeMap<String, i64>, id: &str| counts.get(id).copied().unwrap_or_default();
    Ok(named
        .into_iter()
        .map(|(id, organization)| Week {
            organization,
            overdue: of(&overdue, &id),
            due: of(&due, &id),
            confirmed: of(&confirmed, &id),
        })
        .collect())
}

fn pairs(rows: Vec<(String, i64)>) -> BTreeMap<String, i64> {
    rows.into_iter().collect()
}

/// The last week's mails, and what of them is still open.
fn mails(scope: &mut Scope<'_>, week_on: NaiveDate) -> Result<Mails, ApiError> {
    let last_week = week_on.checked_sub_days(Days::new(7)).unwrap_or(week_on);
    let rows: Vec<(String, i64)> = messages::table
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::local_day.ge(last_week))
        .filter(messages::local_day.lt(week_on))
        .group_by(messages::state)
        .select((messages::state, count_star()))
        .load(scope.conn)?;
    let counts = pairs(rows);
    let bounced: i64 = messages::table
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::local_day.ge(last_week))
        .filter(messages::local_day.lt(week_on))
        .filter(messages::bounced_at.is_not_null())
        .count()
        .get_result(scope.conn)?;
    let of = |states: &[&str]| states.iter().filter_map(|state| counts.get(*state)).sum();
    Ok(Mails {
        accepted: of(&["accepted"]),
        waiting: of(&["queued", "leased", "committing", "held"]),
        in_doubt: of(&["in_doubt"]),
        given_up: of(&["dead"]),
        bounced,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (on, begins) in [
            ("2027-04-05", "2027-04-05"),
            ("2027-04-11", "2027-04-05"),
            ("2027-04-12", "2027-04-12"),
            ("2027-01-01", "2026-12-28"),
        ] {
            assert_eq!(monday(day(on)), day(begins), "{on}");
        }
    }
}
