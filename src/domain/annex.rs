//! The annex to a contract or specification (特記仕様書): the clauses that are needed, as numbered articles.
//!
//! The words are the catalogue's, the order is its chapters'. Which clauses are needed is [`super::requirement`]'s; how an
//! annex becomes a file is [`crate::what_if`]'s.

use std::fmt::Write;

use super::catalogue::Catalogue;
use super::facts::{FactName, FactValue, Facts};
use super::requirement::Requirement;
use super::vocabulary::{CodeWord, Kind, RequirementLevel};

/// One article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// The clause that it is about.
    pub clause_key: String,
    /// Its number, as `第1条`.
    pub number: String,
    /// Its title.
    pub title: String,
    /// Its paragraphs.
    pub paragraphs: Vec<String>,
}

/// A whole annex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annex {
    /// What it is called.
    pub title: String,
    /// What it was made for: each fact that is known, with its value.
    pub parameters: Vec<(String, String)>,
    /// Its articles.
    pub articles: Vec<Article>,
}

/// The annex for a piece of work, in Japanese, as contracts are. Recommended clauses are left out: who wants one asks for
/// it in words of their own.
pub fn annex(catalogue: &Catalogue, kind: Kind, facts: &Facts, requirements: &[Requirement<'_>]) -> Annex {
    let supplier = match kind {
        Kind::ContractorEngagement => "受注者",
        Kind::CloudService => "サービス提供者",
        Kind::SocialMediaAccount => "運用者",
    };
    let needed = requirements
        .iter()
        .filter(|requirement| requirement.level == RequirementLevel::Mandatory);
    let articles = needed
        .zip(1..)
        .map(|(Requirement { clause, .. }, number): (_, u32)| {
            let shown: Vec<&str> = clause
                .evidence
                .iter()
                .filter_map(|code| catalogue.evidence.get(code))
                .map(String::as_str)
                .collect();
            Article {
                clause_key: clause.key.clone(),
                number: format!("第{number}条"),
                title: clause.title_ja.clone(),
                paragraphs: vec![
                    format!("{supplier}は、本件の全期間を通じて、次に掲げる要件を満たさなければならない。"),
                    clause.requirement_ja.clone(),
                    format!(
                        "発注者は、前項の履行を少なくとも{}か月ごとに確認する。{supplier}は、発注者の求めに応じ、次の資料のうち当てはまるものを示すものとする：{}。",
                        clause.reverify_months,
                        shown.join("、")
                    ),
                ],
            }
        })
        .collect();
    Annex {
        title: format!("情報セキュリティに関する特記仕様書（{}）", kind.ja()),
        parameters: FactName::ALL
            .iter()
            .filter_map(|name| Some((name.ja().to_owned(), said(*name, &facts.get(*name)?))))
            .collect(),
        articles,
    }
}

/// A value as people write it.
fn said(name: FactName, value: &FactValue) -> String {
    match value {
        FactValue::Boolean(true) => "該当する".to_owned(),
        FactValue::Boolean(false) => "該当しない".to_owned(),
        FactValue::Integer(count) => count.to_string(),
        FactValue::Word(word) => name.label(word).to_owned(),
        FactValue::Words(words) => words.iter().map(|word| name.label(word)).collect::<Vec<_>>().join("、"),
    }
}

impl Article {
    /// Its paragraphs as a contract numbers them: the first without a number, the others from 2.
    pub fn text(&self) -> String {
        self.paragraphs.join("\n")
    }
}

impl Annex {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.title);
        // Writing to a string cannot fail.
        if !self.parameters.is_empty() {
            let _ = writeln!(text, "| 前提 | 内容 |\n| --- | --- |");
            for (name, value) in &self.parameters {
                let _ = writeln!(text, "| {name} | {value} |");
            }
            text.push('\n');
        }
        for article in &self.articles {
            let _ = writeln!(text, "## {}（{}）\n", article.number, article.title);
            for paragraph in &article.paragraphs {
                let _ = writeln!(text, "{paragraph}\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{Annex, annex};
    use crate::domain::catalogue::Catalogue;
    use crate::domain::facts::{FactDefaults, Facts};
    use crate::domain::requirement::requirements;
    use crate::domain::vocabulary::{Kind, Phase};

    fn made(facts: &Facts) -> Annex {
        let catalogue = Catalogue::embedded().unwrap();
        let on = NaiveDate::from_ymd_opt(2027, 4, 1).unwrap();
        let kind = Kind::ContractorEngagement;
        let (list, _) = requirements(
            &catalogue,
            kind,
            facts,
            &FactDefaults::default(),
            Phase::Contracting,
            on,
        );
        annex(&catalogue, kind, facts, &list)
    }

    #[test]
    fn articles_are_numbered_in_the_order_of_the_catalogue_and_say_what_was_chosen() {
        let facts = Facts {
            handles_personal_information: Some(true),
            ..Facts::default()
        };
        let annex = made(&facts);
        let numbers: Vec<&str> = annex.articles.iter().map(|article| article.number.as_str()).collect();
        let expected: Vec<String> = (1..=annex.articles.len())
            .map(|number| format!("第{number}条"))
            .collect();
        assert_eq!(numbers, expected);
        assert!(annex.articles.len() > 10, "{}", annex.articles.len());
        assert_eq!(annex.articles[0].clause_key, "policy-compliance");
        assert_eq!(
            annex.parameters,
            [("保有個人情報を取り扱う".to_owned(), "該当する".to_owned())]
        );
        let markdown = annex.markdown();
        assert!(markdown.starts_with("# 情報セキュリティに関する特記仕様書（業務委託）\n\n| 前提 | 内容 |"));
        assert!(markdown.contains("\n## 第1条（ポリシー・実施手順の遵守）\n\n受注者は、"));
    }
}
