//! Makes the cards of the sheet: each thing that is asked, in the words of the page, with what was sent or prepared for it.

use chrono::NaiveDate;

use super::card::{Body, Card, Choice, ClauseCard, Field, Question, Round};
use super::wrong::Wrong;
use crate::answers::asked::{Asked, AskedClause, Standing};
use crate::answers::grace;
use crate::answers::history::LastAnswer;
use crate::domain::calendar::{days_between, wareki, wareki_with_weekday};
use crate::domain::grace::NoGrace;
use crate::domain::reminder::{ClosedBy, closes_by};
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::http::error::Lang;
use crate::obligations::{AnswerWord, DecisionWord, Method};
use crate::pages::form::Form;

/// How a due thing stands today, in words, and how it is marked.
fn left(lang: Lang, today: NaiveDate, due_on: NaiveDate) -> (String, &'static str) {
    match days_between(today, due_on) {
        0 => (lang.pick("本日が期限", "due today").to_owned(), "warn"),
        over if over < 0 => (
            lang.pick(
                format!("期限を{}日過ぎています", -over),
                format!("{} days overdue", -over),
            ),
            "bad",
        ),
        days => (
            lang.pick(format!("残り{days}日"), format!("{days} days left")),
            if days <= 14 { "warn" } else { "" },
        ),
    }
}

/// Makes cards.
pub(super) struct Maker<'m> {
    /// The language of the page.
    pub lang: Lang,
    /// Where the link's pages are.
    pub base: String,
    /// What was sent.
    pub texts: &'m Form,
    /// What is wrong with it.
    pub wrong: Wrong<'m>,
    /// The day.
    pub today: NaiveDate,
    /// Where to ask.
    pub contact: &'m str,
    /// Whether the pages around an answer are offered.
    pub around: bool,
}

impl Maker<'_> {
    fn t<'t>(&self, ja: &'t str, en: &'t str) -> &'t str {
        self.lang.pick(ja, en)
    }

    fn error(&self, name: &str) -> Option<String> {
        self.wrong.at(name)
    }

    /// A field with what was sent.
    pub fn field(&self, name: &str) -> Field {
        self.field_or(name, None)
    }

    /// A field with what was sent, or with what was prepared while nothing was sent.
    fn field_or(&self, name: &str, prepared: Option<&str>) -> Field {
        Field {
            name: name.to_owned(),
            value: self.sent(name, prepared).unwrap_or_default().to_owned(),
            error: self.error(name),
        }
    }

    fn sent<'v>(&'v self, name: &str, prepared: Option<&'v str>) -> Option<&'v str> {
        let untouched = self.texts.names().all(|known| known == "sheet");
        if untouched { prepared } else { self.texts.text(name) }
    }

    fn choice(&self, name: &str, code: &str, label: &str, prepared: Option<&str>) -> Choice {
        Choice {
            code: code.to_owned(),
            label: label.to_owned(),
            checked: self.sent(name, prepared) == Some(code),
        }
    }

    /// The card of a thing.
    pub fn card(&self, asked: &Asked) -> Card {
        let id = &asked.row.id;
        let (left, left_class) = left(self.lang, self.today, asked.row.due_on);
        let answers = asked.standing == Standing::Answers;
        let body = match closes_by(asked.row.kind.0) {
            _ if !answers => Body::Told(self.told(asked)),
            ClosedBy::Verification => Body::Round(self.round(asked)),
            ClosedBy::Decision => Body::Question(self.decision(asked)),
            ClosedBy::Work => Body::Question(self.hand_over(asked)),
        };
        Card {
            heading: format!("{}：{}", asked.label, asked.name),
            asked: asked.detail.clone().unwrap_or_else(|| asked.row.kind.0.ja().to_owned()),
            due: wareki_with_weekday(asked.row.due_on),
            left,
            left_class,
            facts: self.facts(asked),
            body,
            error: self.error(&format!("o.{id}")),
            around: if self.around && answers {
                self.around(asked)
            } else {
                vec![]
            },
            grace: asked.row.grace_until_on.map(|until| {
                self.lang.pick(
                    format!("{}まで督促を止めています（猶予）。期限は変わりません。", wareki(until)),
                    format!("Reminders rest until {until} (grace). The due date stays."),
                )
            }),
            id: id.clone(),
        }
    }

    fn facts(&self, asked: &Asked) -> Vec<(String, String)> {
        let mut facts = vec![];
        let mut add = |label: &str, value: String| facts.push((label.to_owned(), value));
        if let Some(entry) = &asked.entry {
            add(self.t("管理番号", "Control number"), entry.control_number.clone());
        }
        if let Some(other) = &asked.counterpart {
            let number = other.corporate_number.as_deref();
            let number = number.map_or_else(String::new, |number| {
                self.lang.pick(
                    format!("（法人番号 {number}）"),
                    format!(" (corporate number {number})"),
                )
            });
            add(self.t("相手方", "Counterpart"), format!("{}{number}", other.name));
        }
        add(self.t("機関", "Organization"), asked.organization.clone());
        if asked.entry.is_some() {
            let owner = asked.owner.as_ref().map_or("（不在）", |(_, name)| name.as_str());
            let deputy = asked
                .deputy
                .as_ref()
                .map_or_else(String::new, |name| format!("（代理：{name}）"));
            let department = asked
                .department
                .as_ref()
                .map_or_else(String::new, |name| format!("{name}／"));
            add(
                self.t("所管課・責任者", "Department, owner"),
                format!("{department}{owner}{deputy}"),
            );
        }
        if let Some(risk) = asked.risk {
            add(self.t("現在のリスク", "Risk now"), risk.ja().to_owned());
        }
        facts
    }

    fn round(&self, asked: &Asked) -> Round {
        let id = &asked.row.id;
        let method = format!("method.{id}");
        let methods = [
            (Method::Document, "書類で確認", "by documents"),
            (Method::Remote, "遠隔で確認", "remotely"),
            (Method::OnSite, "実地で確認", "on site"),
        ];
        Round {
            clauses: asked.own().map(|clause| self.clause(id, clause)).collect(),
            others: asked
                .clauses
                .iter()
                .filter(|clause| !clause.own)
                .map(|clause| {
                    let whom = clause.assignee.as_deref().unwrap_or("（不在）");
                    format!("{}（{} {whom}）", clause.clause.title_ja, clause.role.ja())
                })
                .collect(),
            on_site: asked.on_site,
            methods: methods
                .iter()
                .map(|(word, ja, en)| self.choice(&method, word.code(), self.t(ja, en), None))
                .collect(),
            reason: self.field(&format!("onsite.{id}")),
            comment: self.field(&format!("comment.{id}")),
        }
    }

    fn clause(&self, id: &str, asked: &AskedClause) -> ClauseCard {
        let suffix = format!("{id}.{}", asked.clause.key);
        let name = format!("a.{suffix}");
        let prepared = asked.prepared.as_ref();
        let answer = prepared.and_then(|row| row.answer).map(AnswerWord::code);
        let words = [
            (AnswerWord::Met, "Confirmed: in place"),
            (AnswerWord::NotMet, "Not in place"),
            (AnswerWord::CannotTell, "Cannot tell"),
        ];
        let note = self.field_or(&format!("n.{suffix}"), prepared.and_then(|row| row.note.as_deref()));
        let file = self.field(&format!("f.{suffix}"));
        let valid_until = self.field(&format!("v.{suffix}"));
        let kind = format!("k.{suffix}");
        ClauseCard {
            title: self.t(&asked.clause.title_ja, &asked.clause.title_en).to_owned(),
            requirement: self
                .t(&asked.clause.requirement_ja, &asked.clause.requirement_en)
                .to_owned(),
            sources: asked.sources.clone(),
            article: asked.article.clone(),
            role: asked.substituted.then(|| {
                let role = asked.clause.verifier_role.ja();
                self.lang.pick(
                    format!("確認を担当する{role}が登録されていないため、責任者が確認します。"),
                    format!("Nobody holds the role that confirms this ({role}), so the owner does."),
                )
            }),
            last: self.last(asked.last.as_ref()),
            wanted: asked.evidence.iter().map(|(_, name)| name.clone()).collect(),
            choices: words
                .iter()
                .map(|(word, en)| self.choice(&name, word.code(), self.t(word.ja(), en), answer))
                .collect(),
            error: self.error(&name),
            prepared: prepared.map(|row| {
                let by = row.by.as_deref().unwrap_or("-");
                let shown = row.evidence_id.is_some();
                self.lang.pick(
                    format!("{by}さんの下書き{}", if shown { "（証跡あり）" } else { "" }),
                    format!("Prepared by {by}{}", if shown { ", with evidence" } else { "" }),
                )
            }),
            is_open: !note.value.is_empty()
                || note.error.is_some()
                || file.error.is_some()
                || valid_until.error.is_some(),
            kinds: asked
                .evidence
                .iter()
                .map(|(code, label)| self.choice(&kind, code, label, None))
                .collect(),
            note,
            file,
            valid_until,
            suffix,
        }
    }

    fn last(&self, last: Option<&LastAnswer>) -> String {
        let Some(last) = last else {
            return self.t("前回の回答はありません", "Never answered before").to_owned();
        };
        let word = last.answer.map_or("", AnswerWord::ja);
        let by = last.by.as_deref().unwrap_or("-");
        let shown = last
            .evidence
            .as_ref()
            .map_or_else(String::new, |title| format!("　証跡：{title}"));
        format!("前回：{} {word}（確認者：{by}）{shown}", wareki(last.on))
    }

    fn decision(&self, asked: &Asked) -> Question {
        let id = &asked.row.id;
        let name = format!("d.{id}");
        let words = [
            (DecisionWord::Renew, "renew", "Renew"),
            (DecisionWord::Retender, "retender", "Put out again"),
            (DecisionWord::End, "end", "End"),
        ];
        Question {
            legend: self
                .t("期間が終わった後、どうしますか", "What happens when it ends?")
                .to_owned(),
            choices: words
                .iter()
                .map(|(word, code, en)| self.choice(&name, code, self.t(word.ja(), en), None))
                .collect(),
            error: self.error(&name),
            lines: vec![],
            document: Some(self.field(&format!("doc.{id}"))),
            comment: self.field(&format!("comment.{id}")),
            name,
        }
    }

    fn hand_over(&self, asked: &Asked) -> Question {
        let id = &asked.row.id;
        let name = format!("h.{id}");
        let mut lines = vec![];
        if let Some(takeover) = &asked.takeover {
            if let Some(post) = &takeover.post {
                lines.push(post.clone());
            }
            lines.push(self.lang.pick(
                format!("{}付け、{}件", wareki(takeover.on), takeover.count),
                format!("{} things, from {}", takeover.count, takeover.on),
            ));
            lines.extend(takeover.first.iter().map(|(number, title, due)| {
                let due = due.map_or_else(String::new, |on| format!("（最初の期限：{}）", wareki(on)));
                format!("{number}　{title}{due}")
            }));
        }
        Question {
            legend: self.t("引き受けますか", "Do you take it over?").to_owned(),
            choices: vec![
                self.choice(&name, "accept", self.t("引き受ける", "Yes"), None),
                self.choice(
                    &name,
                    "decline",
                    self.t("引き受けない（理由をコメントに）", "No (say why below)"),
                    None,
                ),
            ],
            error: self.error(&name),
            lines,
            document: None,
            comment: self.field(&format!("comment.{id}")),
            name,
        }
    }

    /// Who answers, or what closes a thing that is not answered here.
    fn told(&self, asked: &Asked) -> String {
        let owner = asked.owner.as_ref().map_or("（不在）", |(_, name)| name.as_str());
        if asked.standing == Standing::Told && closes_by(asked.row.kind.0) != ClosedBy::Work {
            return self.lang.pick(
                format!("回答するのは責任者（{owner}）です。状況を確かめ、回答を促してください。"),
                format!("The owner ({owner}) answers. Look into it and ask them to."),
            );
        }
        let (ja, en) = closed_by_work(asked.row.kind.0);
        self.lang.pick(
            format!("{ja}と完了します。責任者：{owner}　問合せ先：{}", self.contact),
            format!("It is closed when {en}. Owner: {owner}. Ask: {}", self.contact),
        )
    }

    /// What else can be said about a thing, each on a page of its own.
    fn around(&self, asked: &Asked) -> Vec<(String, String)> {
        let id = &asked.row.id;
        let mut around = vec![];
        let mut add = |path: &str, label: &str| around.push((format!("{}/{path}/{id}", self.base), label.to_owned()));
        if asked.entry.is_some() {
            add(
                "hand-over",
                self.t("異動などで担当が替わった", "Somebody else is in charge now"),
            );
        }
        if !matches!(grace::days(asked, self.today), Err(NoGrace::Kind)) {
            add("more-time", self.t("期限を延ばしてほしい", "I need more time"));
        }
        if asked.row.kind.0 == ObligationKind::Reverification {
            add("staff", self.t("職員に頼む", "Ask my staff"));
        }
        if asked.entry.is_some() {
            add("changes", self.t("変わったことがある", "Something has changed"));
        }
        around
    }
}

/// What closes a thing that nobody answers on a page.
const fn closed_by_work(kind: ObligationKind) -> (&'static str, &'static str) {
    match kind {
        ObligationKind::Evidence => ("新しい証跡が台帳に登録される", "new evidence is registered"),
        ObligationKind::Exception => (
            "例外措置の終了か新しい承認が登録される",
            "the exception ends or is approved anew",
        ),
        ObligationKind::ApprovalExpiry => ("利用承認の更新が登録される", "the approval is renewed"),
        ObligationKind::SubcontractExpiry => (
            "再委託の承認の更新か終了が登録される",
            "the permission is renewed or ends",
        ),
        ObligationKind::Gap => ("未充足の事項が解消される", "the gap is closed"),
        ObligationKind::CorrectiveAction => (
            "是正措置の完了が登録され、確認される",
            "the measure is done and verified",
        ),
        ObligationKind::Handover => ("後任の責任者が登録される", "a successor is registered"),
        ObligationKind::SelfInspection => ("自己点検の結果が登録される", "the inspection is registered"),
        ObligationKind::DocumentReview => ("文書の見直しの結果が登録される", "the review is registered"),
        ObligationKind::AuditFollowUp => ("指摘への対応が登録され、確認される", "the finding is dealt with"),
        ObligationKind::MeasureAnswer => ("相手方の回答が登録される", "the contractor's answer is registered"),
        ObligationKind::StatutoryReport => ("報告の実施が登録される", "the report is registered"),
        ObligationKind::Incident | ObligationKind::AccountTakeover => {
            ("インシデントの終結が登録される", "the incident is closed")
        }
        ObligationKind::Webhook => ("送り先が再開される", "the receiver is enabled again"),
        ObligationKind::Reverification | ObligationKind::ContractEnd | ObligationKind::NoticeDeadline => {
            ("回答される", "it is answered")
        }
    }
}
