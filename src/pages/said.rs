//! How pages say things: words of the vocabulary, days and moments, levels, and the addresses of pages.

use chrono::{NaiveDate, Timelike};
use chrono_tz::Tz;

use crate::clock::Instant;
use crate::domain::calendar::{days_between, wareki_with_weekday};
use crate::domain::event;
use crate::domain::text::escaped;
use crate::domain::vocabulary::{CodeWord, Kind, Level};
use crate::http::error::Lang;

/// A word of the vocabulary.
pub(super) fn word<W: CodeWord>(lang: Lang, word: W) -> String {
    lang.pick(word.ja().to_owned(), spaced(word.code()))
}

/// A code as English reads it.
fn spaced(code: &str) -> String {
    code.replace(['_', '.'], " ")
}

/// A day: 和暦 with the weekday.
pub(super) fn day(lang: Lang, on: NaiveDate) -> String {
    lang.pick(wareki_with_weekday(on), on.format("%Y-%m-%d (%a)").to_string())
}

/// A day that may not be there.
pub(super) fn day_or_dash(lang: Lang, on: Option<NaiveDate>) -> String {
    on.map_or_else(|| "―".to_owned(), |on| day(lang, on))
}

/// A moment, to the minute.
pub(super) fn moment(lang: Lang, at: Instant, zone: Tz) -> String {
    let local = at.to_utc().with_timezone(&zone);
    let day = day(lang, local.date_naive());
    format!("{day} {}:{:02}", local.hour(), local.minute())
}

/// How far a day is: `残り14日`, `3日超過`, `本日`.
pub(super) fn distance(lang: Lang, today: NaiveDate, on: NaiveDate) -> String {
    match days_between(today, on) {
        0 => lang.pick("本日", "today").to_owned(),
        left if left > 0 => lang.pick(format!("残り{left}日"), format!("{left} days left")),
        over => lang.pick(format!("{}日超過", -over), format!("{} days overdue", -over)),
    }
}

/// The class of a tag that says how far a day is.
pub(super) fn distance_class(today: NaiveDate, on: NaiveDate) -> &'static str {
    match days_between(today, on) {
        ..0 => "bad",
        0..=30 => "warn",
        _ => "",
    }
}

/// The class of a tag that says a level.
pub(super) const fn level_class(level: Level) -> &'static str {
    match level {
        Level::Low => "good",
        Level::Moderate => "",
        Level::High => "warn",
        Level::Critical => "bad",
    }
}

/// A stage of reminding: `lead-30` is thirty days before the due date, `overdue-7` seven days after it.
pub(super) fn stage(lang: Lang, stage: &str) -> String {
    match stage.split_once('-') {
        Some(("lead", days)) => lang.pick(format!("期限の{days}日前"), format!("{days} days before")),
        Some(("overdue", days)) => lang.pick(format!("超過{days}日目"), format!("{days} days overdue")),
        _ => stage.to_owned(),
    }
}

/// Hundredths as a number.
pub(super) fn hundredths(number: i64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

/// Basis points as whole percent.
pub(super) fn percent(basis_points: i64) -> String {
    format!("{}%", basis_points / 100)
}

/// What was done, as the journal names it.
pub(super) fn action(lang: Lang, action: &str, kind: Option<Kind>) -> String {
    if let Some(event) = event::of_action(action, kind) {
        return lang.pick(event.ja, event.en).to_owned();
    }
    let ja = match action {
        "entry.transition_taken" => "状態が変わった",
        "entry.transition_approved" => "手続を承認した",
        "entry.transitional_treatment_judged" => "経過措置を判断した",
        "entry.successor_created" => "後継の記録を作成した",
        "obligation.opened" => "期限を設けた",
        "obligation.verified" | "obligation.answered" => "確認に回答した",
        "obligation.decided" => "満了後の方針を決定した",
        "evidence.created" => "証跡を登録した",
        "evidence.updated" => "証跡を変更した",
        "evidence.replaced" | "clause.evidence_renewed" => "証跡を差し替えた",
        "evidence.archived" => "証跡を廃止した",
        "message.accepted" => "メールを送信した",
        "message.in_doubt" => "メールの受領が不明",
        "message.dead" => "メールを届けられなかった",
        "clause_template.applied" => "標準特記仕様書を適用した",
        "clause_template.created" => "標準特記仕様書を登録した",
        "engagement.subcontract_list_confirmed" => "再委託先の一覧を確認した",
        "subcontract.updated" => "再委託を変更した",
        "incident.reported" => "インシデントを報告した",
        "incident.event_added" => "インシデントの経過を記録した",
        "corrective_action.extended" => "是正措置の期限を延ばした",
        "gate_check.answered" => "進めてよいかの照会に回答した",
        "post.created" => "職を登録した",
        "post.updated" => "職を変更した",
        "department.created" => "所属を登録した",
        "department.updated" => "所属を変更した",
        "organization.created" => "機関を登録した",
        "organization.updated" => "機関を変更した",
        "social_media_service.created" => "ソーシャルメディアサービスを登録した",
        "social_media_service.updated" => "ソーシャルメディアサービスを変更した",
        "file.created" => "ファイルを登録した",
        "ownership_transfer.planned" => "引継ぎを予定した",
        "ownership_transfer.opened" => "引継ぎが始まった",
        "ownership_transfer.moved" => "引継ぎの対象が移った",
        "ownership_transfer.accepted" => "引継ぎを受け入れた",
        "ownership_transfer.declined" => "引継ぎを断った",
        "ownership_transfer.ended" => "引継ぎが終わった",
        other => return spaced(other),
    };
    lang.pick(ja.to_owned(), spaced(action))
}

/// An address with the filters that are set.
pub(super) fn address<'a>(path: &str, filters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let set = filters.into_iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = set.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_as_far_as_an_office_counts() {
        let today = on("2027-04-01");
        let cases = [
            ("2027-04-01", "本日", "warn"),
            ("2027-04-15", "残り14日", "warn"),
            ("2027-05-01", "残り30日", "warn"),
            ("2027-05-02", "残り31日", ""),
            ("2027-03-29", "3日超過", "bad"),
        ];
        for (at, text, class) in cases {
            assert_eq!(distance(Lang::Ja, today, on(at)), text, "{at}");
            assert_eq!(distance_class(today, on(at)), class, "{at}");
        }
        assert_eq!(day(Lang::Ja, today), "令和9年4月1日（木）");
        assert_eq!(day(Lang::En, today), "2027-04-01 (Thu)");
    }

    #[test]
    fn a_stage_is_said_in_days() {
        assert_eq!(stage(Lang::Ja, "lead-30"), "期限の30日前");
        assert_eq!(stage(Lang::En, "overdue-7"), "7 days overdue");
        assert_eq!(stage(Lang::Ja, "now"), "now");
    }

    #[test]
    fn an_address_has_the_filters_that_are_set() {
        assert_eq!(address("/entries", [("q", ""), ("kind", "")]), "/entries");
        let set = [("q", "情報 &"), ("kind", ""), ("status", "in_use")];
        assert_eq!(
            address("/entries", set),
            "/entries?q=%E6%83%85%E5%A0%B1%20%26&status=in_use"
        );
    }
}
