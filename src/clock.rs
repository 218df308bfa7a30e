//! The only place that reads the time. Everything else is handed a [`Clock`] or an [`Instant`].
//!
//! Instants are microseconds since 1970 in UTC, civil dates are `NaiveDate` in the time zone of the local government.
//! Which days are business days is [`crate::domain::calendar`]'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Microseconds since 1970-01-01T00:00:00Z; on the wire RFC 3339 in UTC.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
pub struct Instant(pub i64);
crate::db::types::sql_newtype!(Instant as i64 => diesel::sql_types::BigInt);

impl Instant {
    /// Later by so many seconds (earlier when negative).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// As chrono's type; the far ends of the range clamp to the epoch.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }

    /// Whole seconds since 1970.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The civil date at this instant.
    pub fn date_in(self, zone: Tz) -> NaiveDate {
        self.to_utc().with_timezone(&zone).date_naive()
    }

    /// The instant of a civil date and minute of the day; the first valid one after a gap in the zone's time.
    pub fn of_local(on: NaiveDate, minute_of_day: u32, zone: Tz) -> Self {
        let time = NaiveTime::from_num_seconds_from_midnight_opt(minute_of_day.saturating_mul(60).min(86_399), 0);
        let mut local = on.and_time(time.unwrap_or_default());
        for _ in 0..8 {
            if let Some(found) = zone.from_local_datetime(&local).earliest() {
                return Self(found.timestamp_micros());
            }
            local += chrono::TimeDelta::minutes(30);
        }
        Self(local.and_utc().timestamp_micros())
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
        Ok(Self(at.timestamp_micros()))
    }
}

impl utoipa::PartialSchema for Instant {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2027-03-31T23:30:00.000000Z"])
            .into()
    }
}
impl utoipa::ToSchema for Instant {}

/// Where the time comes from.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The machine's clock.
    System,
    /// Starts at an instant and runs on with the monotonic clock: the demo.
    Running { start: Instant, since: std::time::Instant },
    /// Moves only when told to: tests.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Starts at `start` and runs on.
    pub fn running_from(start: Instant) -> Self {
        Self(Source::Running {
            start,
            since: std::time::Instant::now(),
        })
    }

    /// Stands still until [`Clock::set`].
    pub fn manual(at: Instant) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(at.0))))
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System => Instant(Utc::now().timestamp_micros()),
            Source::Running { start, since } => Instant(
                start
                    .0
                    .saturating_add(i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX)),
            ),
            Source::Manual(at) => Instant(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock; the others cannot be moved.
    pub fn set(&self, at: Instant) {
        if let Source::Manual(now) = &self.0 {
            now.store(at.0, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sending_minute_is_local() {
        let on = NaiveDate::from_ymd_opt(2027, 4, 1).unwrap();
        let at = Instant::of_local(on, 8 * 60 + 30, chrono_tz::Asia::Tokyo);
        assert_eq!(at.to_string(), "2027-03-31T23:30:00.000000Z");
        assert_eq!(at.date_in(chrono_tz::Asia::Tokyo), on);
    }

    #[test]
    fn an_instant_survives_its_text() {
        let at = Instant(1_806_449_400_123_456);
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(serde_json::from_str::<Instant>(&text).unwrap(), at);
    }
}
