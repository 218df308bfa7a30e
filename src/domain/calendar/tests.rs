//! The calendar against known years, known dates, and its laws.

use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn closed(text: &str) -> ClosedDay {
    text.parse().unwrap()
}

fn holidays(year: i32) -> Vec<(String, &'static str)> {
    NaiveDate::from_ymd_opt(year, 1, 1)
        .unwrap()
        .iter_days()
        .take_while(|on| on.year() == year)
        .filter_map(|on| public_holiday(on).map(|name| (on.format("%m-%d").to_string(), name)))
        .collect()
}

#[test]
fn the_rule_gives_the_holidays_of_known_years() {
    let years = [
        (
            2007,
            "01-01 01-08 02-11 02-12 03-21 04-29 04-30 05-03 05-04 05-05 07-16 09-17 09-23 09-24 10-08 11-03 11-23 12-23 12-24",
        ),
        (
            2015,
            "01-01 01-12 02-11 03-21 04-29 05-03 05-04 05-05 05-06 07-20 09-21 09-22 09-23 10-12 11-03 11-23 12-23",
        ),
        (
            2019,
            "01-01 01-14 02-11 03-21 04-29 04-30 05-01 05-02 05-03 05-04 05-05 05-06 07-15 08-11 08-12 09-16 09-23 10-14 10-22 11-03 11-04 11-23",
        ),
        (
            2020,
            "01-01 01-13 02-11 02-23 02-24 03-20 04-29 05-03 05-04 05-05 05-06 07-23 07-24 08-10 09-21 09-22 11-03 11-23",
        ),
        (
            2021,
            "01-01 01-11 02-11 02-23 03-20 04-29 05-03 05-04 05-05 07-22 07-23 08-08 08-09 09-20 09-23 11-03 11-23",
        ),
        (
            2026,
            "01-01 01-12 02-11 02-23 03-20 04-29 05-03 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23",
        ),
        (
            2032,
            "01-01 01-12 02-11 02-23 03-20 04-29 05-03 05-04 05-05 07-19 08-11 09-20 09-21 09-22 10-11 11-03 11-23",
        ),
    ];
    for (year, expected) in years {
        let days: Vec<_> = holidays(year).into_iter().map(|(on, _)| on).collect();
        assert_eq!(days.join(" "), expected, "{year}");
    }
    assert_eq!(holidays(2006), []);
}

#[test]
fn holidays_have_their_names_and_special_years_their_own() {
    let cases = [
        ("2026-01-01", Some("元日")),
        ("2026-01-12", Some("成人の日")),
        ("2026-02-11", Some("建国記念の日")),
        ("2026-02-23", Some("天皇誕生日")),
        ("2026-03-20", Some("春分の日")),
        ("2026-04-29", Some("昭和の日")),
        ("2026-05-03", Some("憲法記念日")),
        ("2026-05-04", Some("みどりの日")),
        ("2026-05-05", Some("こどもの日")),
        ("2026-05-06", Some("振替休日")),
        ("2026-07-20", Some("海の日")),
        ("2026-08-11", Some("山の日")),
        ("2026-09-21", Some("敬老の日")),
        ("2026-09-22", Some("国民の休日")),
        ("2026-09-23", Some("秋分の日")),
        ("2026-10-12", Some("スポーツの日")),
        ("2026-11-03", Some("文化の日")),
        ("2026-11-23", Some("勤労感謝の日")),
        ("2018-12-23", Some("天皇誕生日")),
        ("2018-12-24", Some("振替休日")),
        ("2019-02-23", None),
        ("2019-12-23", None),
        ("2019-04-30", Some("国民の休日")),
        ("2019-05-01", Some("天皇の即位の日")),
        ("2019-05-02", Some("国民の休日")),
        ("2019-05-06", Some("振替休日")),
        ("2019-10-14", Some("体育の日")),
        ("2019-10-22", Some("即位礼正殿の儀の行われる日")),
        ("2020-07-20", None),
        ("2020-07-23", Some("海の日")),
        ("2020-07-24", Some("スポーツの日")),
        ("2020-08-10", Some("山の日")),
        ("2020-08-11", None),
        ("2020-10-12", None),
        ("2021-07-22", Some("海の日")),
        ("2021-07-23", Some("スポーツの日")),
        ("2021-08-08", Some("山の日")),
        ("2021-08-09", Some("振替休日")),
        ("2032-09-21", Some("国民の休日")),
        ("2099-09-23", Some("秋分の日")),
        ("2100-03-20", None),
        ("2100-04-29", Some("昭和の日")),
    ];
    for (on, name) in cases {
        assert_eq!(public_holiday(day(on)), name, "{on}");
    }
}

#[test]
fn of_several_reasons_the_strongest_is_told() {
    use ClosedReason::{Extra, PublicHoliday, Weekend, YearEnd};
    let calendar = Calendar::new(&[
        closed("06-23"),
        closed("2026-10-01"),
        closed("12-30"),
        closed("05-05"),
        closed("2026-08-08"),
    ]);
    let cases = [
        ("2026-09-17", None, None),
        ("2026-09-19", Some(Weekend), None),
        ("2026-09-22", Some(PublicHoliday), Some("国民の休日")),
        ("2026-12-28", None, None),
        ("2026-12-29", Some(YearEnd), Some("年末年始の休日")),
        ("2026-12-30", Some(YearEnd), Some("年末年始の休日")),
        ("2027-01-01", Some(PublicHoliday), Some("元日")),
        ("2027-01-02", Some(YearEnd), Some("年末年始の休日")),
        ("2027-01-03", Some(YearEnd), Some("年末年始の休日")),
        ("2027-01-04", None, None),
        ("2023-01-02", Some(PublicHoliday), Some("振替休日")),
        ("2026-06-23", Some(Extra), None),
        ("2027-06-23", Some(Extra), None),
        ("2026-10-01", Some(Extra), None),
        ("2027-10-01", None, None),
        ("2026-05-05", Some(PublicHoliday), Some("こどもの日")),
        ("2026-08-08", Some(Extra), None),
    ];
    for (on, reason, name) in cases {
        let on = day(on);
        let name = name.map(str::to_owned);
        let open = reason.is_none();
        assert_eq!(calendar.day(on), Day { on, open, reason, name });
    }
}

#[test]
fn a_day_shows_its_reason_on_the_wire() {
    let json = |on| serde_json::to_string(&Calendar::default().day(day(on))).unwrap();
    assert_eq!(
        json("2026-09-17"),
        r#"{"on":"2026-09-17","open":true,"reason":null,"name":null}"#
    );
    assert_eq!(
        json("2026-09-19"),
        r#"{"on":"2026-09-19","open":false,"reason":"weekend","name":null}"#
    );
    assert_eq!(
        json("2026-09-22"),
        r#"{"on":"2026-09-22","open":false,"reason":"public_holiday","name":"国民の休日"}"#
    );
}

#[test]
fn an_override_wins_over_the_rule() {
    let correction = |on, name: Option<&str>| HolidayOverride {
        on: day(on),
        name: name.map(str::to_owned),
    };
    for bad in ["05-01 毎年", "2028-02-30", "2028-5-1", ""] {
        assert!(bad.parse::<HolidayOverride>().is_err(), "{bad}");
    }
    let read = |line: &str| line.parse::<HolidayOverride>().unwrap();
    assert_eq!(read("2028-05-01　新しい祝日").name.as_deref(), Some("新しい祝日"));
    assert_eq!(read(" 2028-07-17 ").name, None);
    let calendar = Calendar::default().with_overrides([
        correction("2030-06-03", Some("臨時の祝日")),
        correction("2030-03-20", None),
        correction("2030-03-21", Some("春分の日")),
        correction("2027-01-01", None),
        correction("2030-05-04", None),
    ]);
    let told = |on| {
        let day = calendar.day(day(on));
        (day.reason, day.name)
    };
    assert_eq!(
        told("2030-06-03"),
        (Some(ClosedReason::PublicHoliday), Some("臨時の祝日".to_owned()))
    );
    assert_eq!(told("2030-03-20"), (None, None));
    assert_eq!(
        told("2030-03-21"),
        (Some(ClosedReason::PublicHoliday), Some("春分の日".to_owned()))
    );
    assert_eq!(told("2027-01-01").0, Some(ClosedReason::YearEnd));
    assert_eq!(told("2030-05-04").0, Some(ClosedReason::Weekend));
}

#[test]
fn a_closed_day_is_a_date_or_a_day_of_each_year() {
    for text in ["2026-10-01", "06-23", "02-29", "2028-02-29"] {
        let json = format!("{text:?}");
        let closed: ClosedDay = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&closed).unwrap(), json);
    }
    for wrong in [
        "",
        "6-23",
        "06-31",
        "2027-02-29",
        "2026-1-1",
        "06/23",
        "+026-10-01",
        " 06-23",
        "20261-0-01",
        "０６-２３",
    ] {
        assert!(wrong.parse::<ClosedDay>().is_err(), "{wrong}");
    }
}

#[test]
fn business_days_step_over_closed_ones() {
    let calendar = Calendar::default();
    assert_eq!(calendar.on_or_before(day("2026-09-23")), day("2026-09-18"));
    assert_eq!(calendar.on_or_after(day("2026-09-19")), day("2026-09-24"));
    assert_eq!(calendar.on_or_after(day("2026-12-29")), day("2027-01-04"));
    assert_eq!(calendar.on_or_before(day("2027-01-03")), day("2026-12-28"));
    let later = |n| calendar.add_business_days(day("2026-09-18"), n);
    assert_eq!(
        [later(0), later(1), later(3)],
        [day("2026-09-18"), day("2026-09-24"), day("2026-09-28")]
    );
}

#[test]
fn a_calendar_without_open_days_moves_nothing() {
    let every: Vec<_> = day("2028-01-01")
        .iter_days()
        .take(366)
        .map(ClosedDay::each_year)
        .collect();
    let calendar = Calendar::new(&every);
    for on in [day("2026-09-17"), NaiveDate::MIN, NaiveDate::MAX] {
        assert_eq!(calendar.on_or_before(on), on);
        assert_eq!(calendar.on_or_after(on), on);
        assert_eq!(calendar.add_business_days(on, u32::MAX), on);
    }
}

#[test]
fn a_fiscal_year_begins_in_april() {
    for (on, fy, end, label) in [
        ("2027-03-31", 2026, "2027-03-31", "令和8年度"),
        ("2027-04-01", 2027, "2028-03-31", "令和9年度"),
        ("2019-04-01", 2019, "2020-03-31", "令和元年度"),
        ("2019-03-31", 2018, "2019-03-31", "平成30年度"),
        ("1989-12-31", 1989, "1990-03-31", "平成元年度"),
        ("1988-12-31", 1988, "1989-03-31", "昭和63年度"),
    ] {
        let on = day(on);
        assert_eq!(fiscal_year(on), fy);
        assert_eq!(fiscal_year_end(on), day(end));
        assert_eq!(fiscal_year_label(fy), label);
    }
    assert_eq!(fiscal_year_end(NaiveDate::MAX), NaiveDate::MAX);
}

#[test]
fn dates_are_written_with_their_era() {
    for (on, text) in [
        ("2027-03-31", "令和9年3月31日（水）"),
        ("2020-01-01", "令和2年1月1日（水）"),
        ("2019-05-01", "令和元年5月1日（水）"),
        ("2019-04-30", "平成31年4月30日（火）"),
        ("1989-01-08", "平成元年1月8日（日）"),
        ("1989-01-07", "昭和64年1月7日（土）"),
        ("1926-12-25", "昭和元年12月25日（土）"),
        ("1926-12-24", "1926年12月24日（金）"),
    ] {
        assert_eq!(wareki_with_weekday(day(on)), text);
        assert!(text.starts_with(&wareki(day(on))));
    }
}

#[test]
fn months_end_on_their_last_day() {
    for (on, months, result) in [
        ("2027-01-31", 1, "2027-02-28"),
        ("2027-03-31", -13, "2026-02-28"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-09-17", 0, "2026-09-17"),
    ] {
        assert_eq!(add_months(day(on), months), day(result));
    }
    assert_eq!(add_months(day("2026-09-17"), i32::MAX), NaiveDate::MAX);
    assert_eq!(add_months(day("2026-09-17"), i32::MIN), NaiveDate::MIN);
    assert_eq!(days_between(day("2027-03-31"), day("2027-04-30")), 30);
    assert_eq!(days_between(day("2027-03-31"), day("2027-03-30")), -1);
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0_u64..36_000).prop_map(|after| day("2001-01-01") + chrono::Days::new(after))
}

proptest! {
    #[test]
    fn moving_to_a_business_day_moves_no_further_than_needed(on in any_day(), extra in any_day()) {
        let calendar = Calendar::new(&[ClosedDay::once(extra), ClosedDay::each_year(extra)]);
        let (before, after) = (calendar.on_or_before(on), calendar.on_or_after(on));
        prop_assert!(before <= on && on <= after && calendar.is_open(before) && calendar.is_open(after));
        prop_assert!(before.iter_days().skip(1).take_while(|day| *day < after).all(|day| day == on || !calendar.is_open(day)));
        prop_assert_eq!(calendar.is_open(on), before == on && after == on);
        prop_assert!(!calendar.is_open(extra));
    }

    #[test]
    fn business_days_add_up(on in any_day(), a in 0_u32..30, b in 0_u32..30) {
        let calendar = Calendar::default();
        let sum = calendar.add_business_days(on, a + b);
        prop_assert_eq!(calendar.add_business_days(calendar.add_business_days(on, a), b), sum);
        let between = on.iter_days().skip(1).take_while(|day| *day <= sum).filter(|day| calendar.is_open(*day)).count();
        prop_assert_eq!(u32::try_from(between).unwrap(), a + b);
    }

    #[test]
    fn a_holiday_on_a_sunday_is_made_up_within_the_week(on in any_day()) {
        if on.weekday() == Weekday::Sun && public_holiday(on).is_some() {
            prop_assert!(on.iter_days().skip(1).take(6).any(|day| public_holiday(day) == Some("振替休日")));
        }
    }

    #[test]
    fn adding_months_lands_in_the_right_month_and_keeps_the_order(on in any_day(), other in any_day(), months in -600..600) {
        let later = add_months(on, months);
        let number = |day: NaiveDate| day.year() * 12 + i32::try_from(day.month0()).unwrap();
        prop_assert_eq!(number(later), number(on) + months);
        prop_assert!(later.day() <= on.day());
        prop_assert_eq!(add_months(on.min(other), months), later.min(add_months(other, months)));
    }

    #[test]
    fn no_day_is_too_far(offset in any::<i32>(), months in any::<i32>()) {
        let on = NaiveDate::MIN + chrono::Days::new(u64::from(offset.unsigned_abs()) % 191_000_000);
        let later = add_months(on, months);
        let _ = (wareki_with_weekday(later), fiscal_year_label(fiscal_year(later)), fiscal_year_end(later));
        let _ = (days_between(on, later), Calendar::default().on_or_after(later), Calendar::default().on_or_before(later));
    }

    #[test]
    fn a_closed_day_reads_as_it_is_written(on in any_day()) {
        for day in [ClosedDay::once(on), ClosedDay::each_year(on)] {
            prop_assert_eq!(day.to_string().parse::<ClosedDay>(), Ok(day));
        }
    }
}
