//! Days on which public offices are closed, the fiscal year, and dates as Japanese offices write them (和暦).
//!
//! Holidays follow the rule of 国民の祝日に関する法律 from 2007 on, the special laws for 2019 to 2021 included. The
//! equinoxes are official only after the gazette of the February before, and laws change, so a table of overrides wins
//! over the rule. Closed days otherwise are those of 地方自治法 第4条の2: weekends, 12/29 to 1/3, and local extra days.
//!
//! Which day is today is the clock's to say; which days are worth a mail is [`super::reminder`]'s.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt, iter,
    str::FromStr,
};

use chrono::{Datelike, Months, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// The rule of this file holds from this year on (昭和の日; 振替休日 over several days).
const FIRST_YEAR: i32 = 2007;
/// A calendar whose days are closed for longer than this has no open day worth waiting for.
const LONGEST_CLOSURE_DAYS: usize = 366;

/// Why an office is closed. When several reasons apply, the first of this order is told:
/// public holiday, year end, extra, weekend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosedReason {
    /// Saturday or Sunday.
    Weekend,
    /// 国民の祝日, 振替休日 or 国民の休日.
    PublicHoliday,
    /// 12/29 to 1/3.
    YearEnd,
    /// A day of the organization's own.
    Extra,
}

/// One day of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Day {
    /// The day.
    pub on: NaiveDate,
    /// Whether it is a business day.
    pub open: bool,
    /// Why it is none, `null` on a business day.
    #[schema(required)]
    pub reason: Option<ClosedReason>,
    /// What a public holiday or the year end is called, `null` on every other day.
    #[schema(required)]
    pub name: Option<String>,
}

/// A day on which an organization is closed beyond the common ones: once (`2026-10-01`) or each year (`06-23`).
/// `02-29` closes in leap years only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClosedDay {
    /// `None`: each year.
    year: Option<i32>,
    month: u32,
    day: u32,
}

/// The text is neither `YYYY-MM-DD` nor `MM-DD`, or there is no such day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadClosedDay(String);

impl fmt::Display for BadClosedDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a day; write YYYY-MM-DD, or MM-DD for each year", self.0)
    }
}

impl std::error::Error for BadClosedDay {}

impl FromStr for ClosedDay {
    type Err = BadClosedDay;

    fn from_str(text: &str) -> Result<Self, BadClosedDay> {
        let yearly = text.len() == 5;
        // 2000 is a leap year.
        let full = if yearly {
            format!("2000-{text}")
        } else {
            text.to_owned()
        };
        NaiveDate::parse_from_str(&full, "%Y-%m-%d")
            .ok()
            .map(|on| Self {
                year: (!yearly).then(|| on.year()),
                ..Self::each_year(on)
            })
            // chrono also reads signs and missing zeros.
            .filter(|day| day.to_string() == text)
            .ok_or_else(|| BadClosedDay(text.to_owned()))
    }
}

impl TryFrom<String> for ClosedDay {
    type Error = BadClosedDay;

    fn try_from(text: String) -> Result<Self, BadClosedDay> {
        text.parse()
    }
}

impl From<ClosedDay> for String {
    fn from(day: ClosedDay) -> Self {
        day.to_string()
    }
}

impl fmt::Display for ClosedDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(year) = self.year {
            write!(f, "{year:04}-")?;
        }
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl PartialSchema for ClosedDay {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(10))
            .pattern(Some("^([0-9]{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"))
            .description(Some("A closed day: `YYYY-MM-DD`, or `MM-DD` for each year."))
            .into()
    }
}

impl ToSchema for ClosedDay {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ClosedDay")
    }
}

impl ClosedDay {
    fn once(on: NaiveDate) -> Self {
        Self {
            year: Some(on.year()),
            ..Self::each_year(on)
        }
    }

    fn each_year(on: NaiveDate) -> Self {
        Self {
            year: None,
            month: on.month(),
            day: on.day(),
        }
    }
}

/// A correction of the holiday rule for one day. It touches no other day: a 振替休日 that follows from it, or falls
/// away with it, is an override of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidayOverride {
    /// The day.
    pub on: NaiveDate,
    /// The name of the holiday, `null` if the day is none.
    #[schema(required)]
    pub name: Option<String>,
}

/// `2028-05-01 新しい祝日`, or `2028-07-17` alone for a day that is none any more.
impl FromStr for HolidayOverride {
    type Err = BadClosedDay;

    fn from_str(text: &str) -> Result<Self, BadClosedDay> {
        let text = text.trim();
        let (on, name) = text.split_once([' ', '\t', '　']).unwrap_or((text, ""));
        let name = name.trim();
        match on.parse()? {
            ClosedDay {
                year: Some(year),
                month,
                day,
            } => NaiveDate::from_ymd_opt(year, month, day)
                .map(|on| Self {
                    on,
                    name: (!name.is_empty()).then(|| name.to_owned()),
                })
                .ok_or_else(|| BadClosedDay(on.to_owned())),
            _ => Err(BadClosedDay(on.to_owned())),
        }
    }
}

/// The business days of an organization.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    extra: BTreeSet<ClosedDay>,
    overrides: BTreeMap<NaiveDate, Option<String>>,
}

impl Calendar {
    /// The common calendar with an organization's own closed days.
    pub fn new(extra_closed_days: &[ClosedDay]) -> Self {
        Self {
            extra: extra_closed_days.iter().copied().collect(),
            overrides: BTreeMap::new(),
        }
    }

    /// The same with corrections of the holiday rule; the last one for a day counts.
    #[must_use]
    pub fn with_overrides(mut self, overrides: impl IntoIterator<Item = HolidayOverride>) -> Self {
        self.overrides
            .extend(overrides.into_iter().map(|correction| (correction.on, correction.name)));
        self
    }

    /// What the calendar says about a day.
    pub fn day(&self, on: NaiveDate) -> Day {
        let holiday = match self.overrides.get(&on) {
            Some(name) => name.as_deref(),
            None => public_holiday(on),
        };
        let (reason, name) = if holiday.is_some() {
            (Some(ClosedReason::PublicHoliday), holiday)
        } else if matches!((on.month(), on.day()), (12, 29..) | (1, ..=3)) {
            (Some(ClosedReason::YearEnd), Some("年末年始の休日"))
        } else if self.extra.contains(&ClosedDay::once(on)) || self.extra.contains(&ClosedDay::each_year(on)) {
            (Some(ClosedReason::Extra), None)
        } else if matches!(on.weekday(), Weekday::Sat | Weekday::Sun) {
            (Some(ClosedReason::Weekend), None)
        } else {
            (None, None)
        };
        Day {
            on,
            open: reason.is_none(),
            reason,
            name: name.map(str::to_owned),
        }
    }

    /// Whether the day is a business day.
    pub fn is_open(&self, on: NaiveDate) -> bool {
        self.day(on).open
    }

    /// The last business day that is not after `on`; `on` itself if a whole year is closed.
    pub fn on_or_before(&self, on: NaiveDate) -> NaiveDate {
        self.first_open(iter::successors(Some(on), NaiveDate::pred_opt))
            .unwrap_or(on)
    }

    /// The first business day that is not before `on`; `on` itself if a whole year is closed.
    pub fn on_or_after(&self, on: NaiveDate) -> NaiveDate {
        self.first_open(iter::successors(Some(on), NaiveDate::succ_opt))
            .unwrap_or(on)
    }

    /// The `n`-th business day after `from`, which itself is not counted; `from` for 0.
    pub fn add_business_days(&self, from: NaiveDate, n: u32) -> NaiveDate {
        let mut on = from;
        for _ in 0..n {
            match self.first_open(iter::successors(on.succ_opt(), NaiveDate::succ_opt)) {
                Some(next) => on = next,
                None => break,
            }
        }
        on
    }

    fn first_open(&self, days: impl Iterator<Item = NaiveDate>) -> Option<NaiveDate> {
        days.take(LONGEST_CLOSURE_DAYS).find(|on| self.is_open(*on))
    }
}

/// The holiday on a day by the rule alone: 国民の祝日 (第2条), 振替休日 (第3条2項) or 国民の休日 (第3条3項).
/// None before 2007; no equinox after 2099, where its formula ends.
pub fn public_holiday(on: NaiveDate) -> Option<&'static str> {
    if on.year() < FIRST_YEAR {
        return None;
    }
    let own = national_holiday(on);
    if own.is_some() {
        return own;
    }
    let is_holiday = |day: &NaiveDate| national_holiday(*day).is_some();
    // The days off that lead up to this one: a Sunday among them moves here.
    let moved = iter::successors(on.pred_opt(), NaiveDate::pred_opt)
        .take_while(is_holiday)
        .any(|day| day.weekday() == Weekday::Sun);
    if moved {
        return Some("振替休日");
    }
    let between =
        on.pred_opt().is_some_and(|day| is_holiday(&day)) && on.succ_opt().is_some_and(|day| is_holiday(&day));
    between.then_some("国民の休日")
}

/// 国民の祝日 of 第2条, with the special laws for 2019, 2020 and 2021.
fn national_holiday(on: NaiveDate) -> Option<&'static str> {
    let (year, month, day) = (on.year(), on.month(), on.day());
    let monday = |nth: u32| on.weekday() == Weekday::Mon && day.div_ceil(7) == nth;
    let moved = matches!(year, 2020 | 2021);
    Some(match (year, month, day) {
        (2019, 5, 1) => "天皇の即位の日",
        (2019, 10, 22) => "即位礼正殿の儀の行われる日",
        (2020, 7, 23) | (2021, 7, 22) => "海の日",
        (2020, 7, 24) | (2021, 7, 23) => "スポーツの日",
        (2020, 8, 10) | (2021, 8, 8) => "山の日",
        (_, 1, 1) => "元日",
        (_, 1, _) if monday(2) => "成人の日",
        (_, 2, 11) => "建国記念の日",
        (2020.., 2, 23) | (..=2018, 12, 23) => "天皇誕生日",
        (_, 3, _) if equinox(year, VERNAL) == Some(day) => "春分の日",
        (_, 4, 29) => "昭和の日",
        (_, 5, 3) => "憲法記念日",
        (_, 5, 4) => "みどりの日",
        (_, 5, 5) => "こどもの日",
        (_, 7, _) if monday(3) && !moved => "海の日",
        (2016.., 8, 11) if !moved => "山の日",
        (_, 9, _) if monday(3) => "敬老の日",
        (_, 9, _) if equinox(year, AUTUMNAL) == Some(day) => "秋分の日",
        (..=2019, 10, _) if monday(2) => "体育の日",
        (_, 10, _) if monday(2) && !moved => "スポーツの日",
        (_, 11, 3) => "文化の日",
        (_, 11, 23) => "勤労感謝の日",
        _ => return None,
    })
}

/// March, in ten-thousandths of a day.
const VERNAL: u32 = 208_431;
/// September, in ten-thousandths of a day.
const AUTUMNAL: u32 = 232_488;

/// The day of the month of an equinox, by the usual approximation for 1980 to 2099.
fn equinox(year: i32, in_1980: u32) -> Option<u32> {
    let years = u32::try_from(year.checked_sub(1980)?)
        .ok()
        .filter(|years| *years < 120)?;
    Some((in_1980 * 100 + 242_194 * years) / 1_000_000 - years / 4)
}

/// The fiscal year of a day: 1 April to 31 March, named by the year in which it begins.
pub fn fiscal_year(on: NaiveDate) -> i32 {
    if on.month() >= 4 { on.year() } else { on.year() - 1 }
}

/// The last day (31 March) of the fiscal year of a day.
pub fn fiscal_year_end(on: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(fiscal_year(on).saturating_add(1), 3, 31).unwrap_or(NaiveDate::MAX)
}

/// The first and the last day of a fiscal year, named by the year in which it begins.
pub fn fiscal_year_days(fy: i32) -> (NaiveDate, NaiveDate) {
    let first = NaiveDate::from_ymd_opt(fy, 4, 1).unwrap_or(NaiveDate::MAX);
    (first, fiscal_year_end(first))
}

/// A fiscal year as offices write it: 令和9年度. The year 2019 is 令和元年度.
pub fn fiscal_year_label(fy: i32) -> String {
    match fy {
        2019.. => format!("{}年度", era_year("令和", fy, 2019)),
        1989.. => format!("{}年度", era_year("平成", fy, 1989)),
        1926.. => format!("{}年度", era_year("昭和", fy, 1926)),
        _ => format!("{fy}年度"),
    }
}

/// A day as offices write it: 令和9年3月31日. Before 昭和 the year is the western one.
pub fn wareki(on: NaiveDate) -> String {
    let (year, month, day) = (on.year(), on.month(), on.day());
    let in_era = match (year, month, day) {
        (2020.., ..) | (2019, 5.., _) => era_year("令和", year, 2019),
        (1990.., ..) | (1989, 2.., _) | (1989, 1, 8..) => era_year("平成", year, 1989),
        (1927.., ..) | (1926, 12, 25..) => era_year("昭和", year, 1926),
        _ => year.to_string(),
    };
    format!("{in_era}年{month}月{day}日")
}

/// A day with its day of the week: 令和9年3月31日（水）.
pub fn wareki_with_weekday(on: NaiveDate) -> String {
    let weekday = match on.weekday() {
        Weekday::Mon => '月',
        Weekday::Tue => '火',
        Weekday::Wed => '水',
        Weekday::Thu => '木',
        Weekday::Fri => '金',
        Weekday::Sat => '土',
        Weekday::Sun => '日',
    };
    format!("{}（{weekday}）", wareki(on))
}

/// The first year of an era is 元年.
fn era_year(era: &str, year: i32, first: i32) -> String {
    if year == first {
        format!("{era}元")
    } else {
        format!("{era}{}", year - first + 1)
    }
}

/// The same day some months later (or earlier), at most the last day of that month; stops where dates end.
pub fn add_months(on: NaiveDate, months: i32) -> NaiveDate {
    let span = Months::new(months.unsigned_abs());
    if months < 0 {
        on.checked_sub_months(span).unwrap_or(NaiveDate::MIN)
    } else {
        on.checked_add_months(span).unwrap_or(NaiveDate::MAX)
    }
}

/// Days from one day to another, negative if the other is earlier.
pub fn days_between(from: NaiveDate, to: NaiveDate) -> i64 {
    to.signed_duration_since(from).num_days()
}

#[cfg(test)]
mod tests;
