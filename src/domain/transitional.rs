//! The rule that begins on 1 July 2027, and what was there before it.
//!
//! 地方自治法施行規則第16条の3 (令和8年総務省令第80号) makes eight areas of measures mandatory; its 附則2 leaves systems
//! that exist and commissioned work that runs on that day under the old rule for the areas 5 and 7. Whether a renewal
//! counts as new is a legal judgement, so somebody judges it for each entry and is named.

use chrono::NaiveDate;

use super::vocabulary::code_words;

/// The first day of the rule.
pub fn begins_on() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 7, 1).unwrap_or(NaiveDate::MAX)
}

code_words! {
    /// What was judged about an entry that was there before the rule.
    TransitionalTreatment {
        OldRule = "old_rule", "従前の例による";
        NewRule = "new_rule", "新しい規定を適用する";
    }
}

code_words! {
    /// How an entry stands to the rule on a day.
    TransitionalStanding {
        NotYet = "not_yet", "施行前";
        Applies = "applies", "適用される";
        Exempt = "exempt", "経過措置により従前の例による";
        ToBeJudged = "to_be_judged", "経過措置の判断が必要";
    }
}

/// How an entry that began on a day stands to the rule on another. What has not begun yet will be new.
pub fn standing(
    started_on: Option<NaiveDate>,
    judged: Option<TransitionalTreatment>,
    on: NaiveDate,
) -> TransitionalStanding {
    if on < begins_on() {
        return TransitionalStanding::NotYet;
    }
    let was_there = started_on.is_some_and(|day| day < begins_on());
    match judged {
        _ if !was_there => TransitionalStanding::Applies,
        None => TransitionalStanding::ToBeJudged,
        Some(TransitionalTreatment::OldRule) => TransitionalStanding::Exempt,
        Some(TransitionalTreatment::NewRule) => TransitionalStanding::Applies,
    }
}

code_words! {
    /// The eight areas of measures of the rule, in its order.
    MeasureArea {
        OrganizationalStructure = "organizational_structure", "組織体制";
        InformationAssets = "information_assets", "情報資産の分類及び管理";
        Physical = "physical", "物理的セキュリティ";
        Personnel = "personnel", "人的セキュリティ";
        Technical = "technical", "技術的セキュリティ";
        Operation = "operation", "運用";
        OutsourcingAndCloud = "outsourcing_and_cloud", "業務委託とクラウドサービスの適切な利用";
        AuditAndReview = "audit_and_review", "監査、自己点検及び見直し";
    }
}

code_words! {
    /// How far the measures of an area are in place.
    MeasureState {
        InPlace = "in_place", "実施済み";
        Partly = "partly", "一部実施";
        Planned = "planned", "予定";
        NotInPlace = "not_in_place", "未実施";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn only_what_was_there_and_judged_so_stays_under_the_old_rule() {
        use TransitionalStanding::{Applies, Exempt, NotYet, ToBeJudged};
        use TransitionalTreatment::{NewRule, OldRule};
        let cases = [
            (Some("2026-04-01"), None, "2027-06-30", NotYet),
            (Some("2026-04-01"), Some(OldRule), "2027-06-30", NotYet),
            (Some("2026-04-01"), None, "2027-07-01", ToBeJudged),
            (Some("2027-06-30"), Some(OldRule), "2027-07-01", Exempt),
            (Some("2027-06-30"), Some(NewRule), "2027-07-01", Applies),
            (Some("2027-07-01"), Some(OldRule), "2027-07-01", Applies),
            (Some("2027-07-01"), None, "2030-01-01", Applies),
            (None, None, "2027-07-01", Applies),
        ];
        for (started, judged, on, expected) in cases {
            assert_eq!(
                standing(started.map(day), judged, day(on)),
                expected,
                "{started:?} {judged:?} {on}"
            );
        }
    }
}
