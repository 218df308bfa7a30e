//! How a reminder reads: subject, table by urgency, one section per organization.

use super::{AddressedAs, Digest, Item, item::State};
use crate::{
    domain::calendar::wareki,
    mail::templates::{
        Rendered,
        layout::{Page, cut, inline, padded},
    },
};
use chrono::NaiveDate;

/// Items that are described in full, most urgent first; the table holds all.
const MOST_DESCRIBED: usize = 20;

impl Digest {
    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let items = self.by_urgency();
        let mut page = Page::default();
        page.salutation(&self.recipient);
        if self.demo {
            page.paragraph("※体験版のデータです。事業者、担当者、契約の内容はすべて架空のものです。")
                .blank();
        }
        let subject = if let [item] = items.as_slice() {
            page.paragraph(&opening(item, self.as_of)).blank();
            single_subject(item, self.as_of)
        } else {
            let at_once = items
                .iter()
                .any(|item| matches!(item.state(self.as_of), State::Urgent(_)));
            let at_once = if at_once { "至急、" } else { "" };
            page.paragraph(&format!("次の{}件について、{at_once}対応をお願いします。", items.len()))
                .blank();
            self.table(&mut page, &items);
            self.summary_subject(&items)
        };
        self.describe_sections(&mut page, &items);
        if let Some(link) = &self.link {
            let told = |item: &&Item| matches!(item.addressed_as, AddressedAs::Superior(_) | AddressedAs::Informed(_));
            if items.iter().all(told) {
                page.link("内容と回答の状況は、次の画面で確認できます。", link);
            } else {
                page.link("次の画面で結果を登録してください。", link);
                page.paragraph("異動等で担当が替わった場合は、上の画面から引継ぎを行ってください。")
                    .blank();
            }
        } else {
            page.paragraph("対応の結果や担当の変更は、次の問合せ先へお知らせください。")
                .blank();
        }
        Rendered {
            subject,
            body: page.farewell(&self.contact),
        }
    }

    /// Every item, what was due first at the top.
    fn by_urgency(&self) -> Vec<&Item> {
        let mut items: Vec<_> = self.sections.iter().flat_map(|section| &section.items).collect();
        items.sort_by_key(|item| (item.due_on, &item.control_number, item.obligation));
        items
    }

    fn summary_subject(&self, items: &[&Item]) -> String {
        let count = |wanted: fn(State) -> bool| items.iter().filter(|item| wanted(item.state(self.as_of))).count();
        let overdue = count(|state| matches!(state, State::Overdue(_)));
        let handovers = count(|state| matches!(state, State::Handover(_)));
        let urgent = count(|state| matches!(state, State::Urgent(_)));
        let parts = [
            ("至急", urgent),
            ("要対応", items.len() - overdue - handovers - urgent),
            ("期限超過", overdue),
            ("引継ぎ", handovers),
        ];
        let parts: Vec<_> = parts
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(label, n)| format!("{label} {n}件"))
            .collect();
        let first = items
            .first()
            .map_or_else(String::new, |item| format!("（最も早い期限：{}）", wareki(item.due_on)));
        format!("【{}】確認のお願い{first}", parts.join("・"))
    }

    fn table(&self, page: &mut Page, items: &[&Item]) {
        page.line("■一覧（急ぐ順）");
        for (number, item) in (1..).zip(items) {
            page.line(&format!(
                "{number:>3}. {}{}{}",
                padded(&item.state(self.as_of).words(), 16),
                padded(&wareki(item.due_on), 20),
                cut(&inline(&item.control_number), 38)
            ));
            let name = item
                .takeover
                .as_ref()
                .map_or_else(|| inline(&item.name), super::Takeover::title);
            page.line(&cut(&format!("     {}：{name}", item.deadline()), 80));
        }
        page.blank();
    }

    fn describe_sections(&self, page: &mut Page, items: &[&Item]) {
        for section in &self.sections {
            let mine: Vec<_> = (1..)
                .zip(items)
                .filter(|(_, item)| section.items.iter().any(|own| std::ptr::eq(own, **item)))
                .collect();
            if mine.is_empty() {
                continue;
            }
            page.paragraph(&format!("■{}", inline(&section.organization)));
            let described = mine.iter().filter(|(number, _)| *number <= MOST_DESCRIBED);
            for (number, item) in described {
                if items.len() > 1 {
                    page.line(&format!("({number})"));
                }
                item.describe(page, self.as_of);
            }
            let others = mine.iter().filter(|(number, _)| *number > MOST_DESCRIBED).count();
            if others > 0 {
                page.paragraph(&format!("　このほか{others}件は、上の一覧のとおりです。"))
                    .blank();
            }
        }
    }
}

fn opening(item: &Item, as_of: NaiveDate) -> String {
    match item.state(as_of) {
        State::Overdue(_) => format!(
            "次の項目の{}を過ぎています。至急、対応をお願いします。",
            item.deadline()
        ),
        State::Handover(_) if item.is_vacant() => {
            "次の職又は職員の任期・在職が終わりますが、後任の責任者が決まっていません。".to_owned()
        }
        State::Handover(_) if item.takeover.is_some() => {
            "異動に伴い、次のものを引き継ぐことになりました。内容を確かめて引き受けてください。".to_owned()
        }
        State::Handover(_) => "次の項目の責任者の引継ぎをお願いします。".to_owned(),
        State::Urgent(_) => "次の項目について、至急、対応をお願いします。".to_owned(),
        State::Exception(_) | State::Remaining(_) => format!("次の項目の{}が近づいています。", item.deadline()),
    }
}

fn single_subject(item: &Item, as_of: NaiveDate) -> String {
    // Room for the control number, which people search for, within the 200 characters of a subject.
    let name = cut(&inline(&item.name), 120);
    let tag = item.state(as_of).tag();
    if let Some(takeover) = &item.takeover {
        return format!("{tag}{}／{}", item.request(), cut(&takeover.title(), 120));
    }
    if item.kind.is_none() {
        return format!(
            "{tag}{}／{}：{name}",
            item.request(),
            cut(&inline(&item.kind_label), 60)
        );
    }
    format!(
        "{tag}{}／{}：{name}（管理番号 {}）",
        item.request(),
        item.role_of_entry(),
        inline(&item.control_number)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::vocabulary::{ObligationKind, Role},
        mail::templates::digest::{AddressedAs, Section},
    };

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn one(item: Item, as_of: NaiveDate) -> Rendered {
        let sections = vec![Section {
            organization: "市長部局".to_owned(),
            items: vec![item],
        }];
        Digest {
            as_of,
            sections,
            ..Digest::sample()
        }
        .render()
    }

    fn item() -> Item {
        Digest::sample().sections[0].items[0].clone()
    }

    #[test]
    fn a_single_item_has_its_state_in_the_subject() {
        let due = item().due_on;
        let cases = [
            (
                ObligationKind::Reverification,
                due - chrono::Days::new(14),
                "【要対応・残り14日】再確認のお願い／",
            ),
            (
                ObligationKind::Reverification,
                due,
                "【要対応・残り0日】再確認のお願い／",
            ),
            (
                ObligationKind::Reverification,
                due + chrono::Days::new(7),
                "【期限超過7日】再確認のお願い／",
            ),
            (
                ObligationKind::Exception,
                due - chrono::Days::new(7),
                "【例外期限】例外措置の見直しのお願い／",
            ),
            (
                ObligationKind::Exception,
                due + chrono::Days::new(1),
                "【期限超過1日】例外措置の見直しのお願い／",
            ),
            (
                ObligationKind::Handover,
                due - chrono::Days::new(7),
                "【引継ぎ】責任者の引継ぎのお願い／",
            ),
        ];
        for (obligation, as_of, subject) in cases {
            let mail = one(Item { obligation, ..item() }, as_of);
            assert!(mail.subject.starts_with(subject), "{}", mail.subject);
            assert!(
                mail.subject
                    .ends_with("委託先：基幹システム運用保守（管理番号 EN-2026-0012）"),
                "{}",
                mail.subject
            );
        }
    }

    #[test]
    fn several_items_are_counted_by_state() {
        let as_of = item().due_on - chrono::Days::new(14);
        let overdue = Item {
            due_on: as_of - chrono::Days::new(1),
            control_number: "EN-2".to_owned(),
            ..item()
        };
        let handover = Item {
            obligation: ObligationKind::Handover,
            ..item()
        };
        let cases = [
            (
                vec![item(), item()],
                "【要対応 2件】確認のお願い（最も早い期限：令和9年3月31日）",
            ),
            (
                vec![item(), overdue.clone()],
                "【要対応 1件・期限超過 1件】確認のお願い（最も早い期限：令和9年3月16日）",
            ),
            (
                vec![overdue.clone(), overdue.clone()],
                "【期限超過 2件】確認のお願い（最も早い期限：令和9年3月16日）",
            ),
            (
                vec![overdue, handover],
                "【期限超過 1件・引継ぎ 1件】確認のお願い（最も早い期限：令和9年3月16日）",
            ),
        ];
        for (items, subject) in cases {
            let sections = vec![Section {
                organization: "市長部局".to_owned(),
                items,
            }];
            assert_eq!(
                Digest {
                    as_of,
                    sections,
                    ..Digest::sample()
                }
                .render()
                .subject,
                subject
            );
        }
    }

    #[test]
    fn more_than_ten_clauses_are_counted() {
        let clauses = (1..=21).map(|n| format!("条項{n}")).collect();
        let body = one(Item { clauses, ..item() }, day(2027, 3, 17)).body;
        assert!(body.contains("・条項10\n　　　　　　　　　他11件\n"), "{body}");
        assert!(!body.contains("条項11"));
    }

    #[test]
    fn a_long_digest_describes_the_most_urgent_and_lists_all() {
        let numbered = |n: u64| Item {
            control_number: format!("EN-{n}"),
            due_on: item().due_on + chrono::Days::new(n),
            ..item()
        };
        let section = |name: &str, range: std::ops::Range<u64>| Section {
            organization: name.to_owned(),
            items: range.map(numbered).collect(),
        };
        let sections = vec![section("市長部局", 0..15), section("教育委員会", 15..30)];
        let body = Digest {
            sections,
            ..Digest::sample()
        }
        .render()
        .body;
        assert_eq!(body.matches("　管理番号").count(), 20);
        assert_eq!(body.matches("再確認の期限：").count(), 30);
        assert!(body.contains("このほか10件は"));
    }

    #[test]
    fn a_superior_reads_why_the_mail_came() {
        let addressed_as = AddressedAs::Superior(Role::SectionSecurityManager);
        let body = one(Item { addressed_as, ..item() }, day(2027, 4, 7)).body;
        assert!(
            body.contains("送付の理由　　：期限を過ぎても回答がないため、情報セキュリティ管理者として"),
            "{body}"
        );
    }

    #[test]
    fn hostile_or_empty_text_breaks_neither_lines_nor_subject() {
        let hostile = "x\r\nBcc: a@b\r\n\r\n<b>".to_owned();
        let item = Item {
            name: hostile.clone(),
            control_number: hostile.clone(),
            owner: None,
            deputy: None,
            counterpart: None,
            clauses: vec![hostile.clone()],
            last_verified: None,
            ..item()
        };
        let mail = one(item, day(2027, 3, 17));
        assert!(!mail.subject.contains('\n') && !mail.body.contains("\nBcc"));
        let empty = Digest {
            sections: Vec::new(),
            link: None,
            ..Digest::sample()
        }
        .render();
        assert!(empty.body.contains("問合せ先"));
    }
}
