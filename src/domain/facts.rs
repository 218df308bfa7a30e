//! What an entry handles and how: the twenty facts of the catalogue, typed, and what is done where one is missing.
//!
//! One table (`facts!` below) gives each fact its spelling, label and type; a test compares it with the `facts` section
//! of `catalogue.yaml`. Which clauses the facts call for is in [`super::requirement`], how they weigh in
//! [`super::risk`]. A fact that nobody has recorded never counts as harmless: each reader takes the worst value and says
//! so with a [`Note`]. Only a profile may give a default, and only for the three classifications (機密性・完全性・可用性).

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::vocabulary::{CodeWord, Zone, code_words};

code_words! {
    /// How secret the information is (自治体機密性), ascending.
    Confidentiality {
        C1 = "c1", "機密性1";
        C2 = "c2", "機密性2";
        C3c = "c3c", "機密性3C";
        C3b = "c3b", "機密性3B";
        C3a = "c3a", "機密性3A";
    }
}

code_words! {
    /// What an unnoticed change would do (自治体完全性), ascending.
    Integrity {
        I1 = "i1", "完全性1";
        I2 = "i2", "完全性2";
    }
}

code_words! {
    /// What an outage would do (自治体可用性), ascending.
    Availability {
        A1 = "a1", "可用性1";
        A2 = "a2", "可用性2";
    }
}

code_words! {
    /// How many persons the information is about (本人の数), ascending.
    DataSubjects {
        None = "none", "なし";
        UpTo100 = "up_to_100", "100人以下";
        UpTo10000 = "up_to_10000", "1万人以下";
        Over10000 = "over_10000", "1万人超";
    }
}

code_words! {
    /// How far the work is passed on (再委託).
    Subcontracting {
        None = "none", "なし";
        OneTier = "one_tier", "1段階";
        MultiTier = "multi_tier", "2段階以上";
        Unknown = "unknown", "不明";
    }
}

code_words! {
    /// How the supplier touches the information (情報への接し方).
    AccessMode {
        None = "none", "接しない";
        Onsite = "onsite", "庁内で作業";
        OffsiteCopy = "offsite_copy", "庁外へ複製・持出し";
        Remote = "remote", "リモート接続";
        Hosted = "hosted", "事業者側で保管・処理";
    }
}

code_words! {
    /// Whose law reaches the information (準拠法・保存場所).
    Jurisdiction {
        Domestic = "domestic", "国内";
        ForeignAssessed = "foreign_assessed", "国外（評価済み）";
        ForeignUnassessed = "foreign_unassessed", "国外（未評価）";
        Unknown = "unknown", "不明";
    }
}

code_words! {
    /// Whether the terms were negotiated or only accepted (契約形態).
    TermsForm {
        Negotiated = "negotiated", "個別契約";
        StandardTerms = "standard_terms", "定型約款のみ";
    }
}

code_words! {
    /// How easily another supplier could take over (代替の容易さ).
    Substitutability {
        Easy = "easy", "容易";
        Hard = "hard", "困難";
    }
}

code_words! {
    /// What is outsourced (業務委託の種類).
    EngagementKind {
        InformationSystemDevelopment = "information_system_development", "情報システムの開発・構築";
        InformationSystemOperation = "information_system_operation", "情報システムの運用・保守";
        OutsourcedService = "outsourced_service", "業務委託サービス（外部サービス）";
        ClericalWork = "clerical_work", "事務の委託";
        Other = "other", "その他";
    }
}

/// The type of a fact, as the catalogue names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactType {
    /// Yes or no.
    Boolean,
    /// One word of a set without order.
    Enum,
    /// One word of a set in ascending order: `gte` is allowed.
    OrderedEnum,
    /// Any number of words of a set.
    Set,
    /// A civil date.
    Date,
    /// A count.
    Integer,
}

/// A recorded value, as conditions compare it and as reasons show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum FactValue {
    /// Yes or no.
    Boolean(bool),
    /// A count.
    Integer(u64),
    /// A code word, or a date as `YYYY-MM-DD`.
    Word(String),
    /// Several code words.
    Words(Vec<String>),
}

/// What a Rust type of a fact knows about itself.
trait Recorded {
    /// The code words it allows, in order; empty for booleans, dates and counts.
    fn words() -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
    /// The value in the common form.
    fn recorded(&self) -> FactValue;
}

impl<W: CodeWord> Recorded for W {
    fn words() -> Vec<(&'static str, &'static str)> {
        W::ALL.iter().map(|word| (word.code(), word.ja())).collect()
    }
    fn recorded(&self) -> FactValue {
        FactValue::Word(self.code().to_owned())
    }
}

impl Recorded for BTreeSet<Zone> {
    fn words() -> Vec<(&'static str, &'static str)> {
        Zone::words()
    }
    fn recorded(&self) -> FactValue {
        FactValue::Words(self.iter().map(|zone| zone.code().to_owned()).collect())
    }
}

impl Recorded for bool {
    fn recorded(&self) -> FactValue {
        FactValue::Boolean(*self)
    }
}

impl Recorded for NaiveDate {
    fn recorded(&self) -> FactValue {
        FactValue::Word(self.to_string())
    }
}

impl Recorded for u64 {
    fn recorded(&self) -> FactValue {
        FactValue::Integer(*self)
    }
}

/// Declares the facts once: the names, the record, and what is done field by field.
macro_rules! facts {
    ($($(#[$meta:meta])* $field:ident, $name:ident: $type:ty, $kind:ident, $ja:literal;)+) => {
        /// The name of a fact. The order is the catalogue's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum FactName {
            $(#[doc = $ja] $name,)+
        }

        impl CodeWord for FactName {
            const ALL: &'static [Self] = &[$(Self::$name),+];
            fn code(self) -> &'static str {
                match self { $(Self::$name => stringify!($field)),+ }
            }
            fn ja(self) -> &'static str {
                match self { $(Self::$name => $ja),+ }
            }
        }

        impl FactName {
            /// Its type.
            pub const fn fact_type(self) -> FactType {
                match self { $(Self::$name => FactType::$kind),+ }
            }

            /// The code words it allows with their Japanese labels, in order; empty for booleans, dates and counts.
            pub fn words(self) -> Vec<(&'static str, &'static str)> {
                match self { $(Self::$name => <$type as Recorded>::words()),+ }
            }
        }

        /// What an entry handles and how. Every fact may be missing; a missing one counts at its worst value.
        #[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Facts {
            $(
                $(#[$meta])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                #[schema(nullable = false)]
                pub $field: Option<$type>,
            )+
        }

        impl Facts {
            /// Takes over every fact that the patch records; a set replaces the whole set.
            pub fn merge(&mut self, patch: &Self) {
                $(if let Some(value) = &patch.$field { self.$field = Some(value.clone()); })+
            }

            /// Forgets a fact. False when no fact has this name.
            pub fn clear(&mut self, name: &str) -> bool {
                match FactName::parse(name) {
                    $(Some(FactName::$name) => self.$field = None,)+
                    None => return false,
                }
                true
            }

            /// The recorded value of a fact.
            pub fn get(&self, name: FactName) -> Option<FactValue> {
                match name { $(FactName::$name => self.$field.as_ref().map(Recorded::recorded)),+ }
            }
        }
    };
}

facts! {
    /// How secret the information is (自治体機密性).
    confidentiality, Confidentiality: Confidentiality, OrderedEnum, "自治体機密性";
    /// What an unnoticed change would do (自治体完全性).
    integrity, Integrity: Integrity, OrderedEnum, "自治体完全性";
    /// What an outage would do (自治体可用性).
    availability, Availability: Availability, OrderedEnum, "自治体可用性";
    /// Personal information held by the body is handled (保有個人情報).
    handles_personal_information, HandlesPersonalInformation: bool, Boolean, "保有個人情報を取り扱う";
    /// Personal information requiring special care is among it (要配慮個人情報).
    handles_sensitive_personal_information, HandlesSensitivePersonalInformation: bool, Boolean, "要配慮個人情報を取り扱う";
    /// Specific personal information, that is, My Number, is handled (特定個人情報).
    handles_specific_personal_information, HandlesSpecificPersonalInformation: bool, Boolean,
        "特定個人情報（マイナンバー）を取り扱う";
    /// How many persons the information is about (本人の数).
    data_subjects, DataSubjects: DataSubjects, OrderedEnum, "本人の数";
    /// How far the work is passed on (再委託).
    subcontracting, Subcontracting: Subcontracting, Enum, "再委託";
    /// The network zones it touches (接続するネットワーク領域); empty: none.
    #[schema(max_items = 4)]
    network_zones, NetworkZones: BTreeSet<Zone>, Set, "接続するネットワーク領域";
    /// How the supplier touches the information (情報への接し方).
    access_mode, AccessMode: AccessMode, Enum, "情報への接し方";
    /// Reachable from the internet (インターネットに公開).
    internet_facing, InternetFacing: bool, Boolean, "インターネットに公開";
    /// Whose law reaches the information (準拠法・保存場所).
    jurisdiction, Jurisdiction: Jurisdiction, Enum, "準拠法・保存場所";
    /// Negotiated contract, or standard terms alone (契約形態).
    terms_form, TermsForm: TermsForm, Enum, "契約形態（個別契約／定型約款のみ）";
    /// How easily another supplier could take over (代替の容易さ).
    substitutability, Substitutability: Substitutability, Enum, "代替の容易さ";
    /// What is outsourced (業務委託の種類).
    engagement_kind, EngagementKind: EngagementKind, Enum, "業務委託の種類";
    /// Equipment or software is procured with it (機器・ソフトウェアの調達).
    includes_equipment, IncludesEquipment: bool, Boolean, "機器・ソフトウェアの調達を含む";
    /// The day it was introduced or the work began (導入・委託開始の日).
    procured_on, ProcuredOn: NaiveDate, Date, "導入・委託開始の日";
    /// Used to send out disaster or emergency information (災害・緊急情報の発信).
    emergency_channel, EmergencyChannel: bool, Boolean, "災害・緊急情報の発信に用いる";
    /// Users or followers (利用者・フォロワー数).
    #[schema(maximum = 100_000_000_000_u64)]
    audience_size, AudienceSize: u64, Integer, "利用者・フォロワー数";
    /// The account is run by somebody outside (運用を外部に委託).
    operation_delegated, OperationDelegated: bool, Boolean, "運用を外部に委託";
}

impl FactName {
    /// The Japanese label of one of its words; the word itself when it has none.
    pub fn label(self, word: &str) -> &str {
        self.words()
            .into_iter()
            .find(|(code, _)| *code == word)
            .map_or(word, |(_, ja)| ja)
    }
}

/// The classifications that a profile takes for granted when nobody has recorded them (design §9).
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactDefaults {
    /// For information that is not about persons.
    #[serde(default)]
    pub confidentiality: Option<Confidentiality>,
    /// Integrity.
    #[serde(default)]
    pub integrity: Option<Integrity>,
    /// Availability.
    #[serde(default)]
    pub availability: Option<Availability>,
    /// At least this when personal information is handled, or nobody knows whether it is.
    #[serde(default)]
    pub confidentiality_with_personal_information: Option<Confidentiality>,
}

/// Something the reader of a result must know: what was taken for granted, what was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// `fact_unknown`, `fact_defaulted`, `clause_not_applicable_here` …; the set grows.
    #[schema(max_length = 60)]
    pub code: String,
    /// The fact it is about.
    #[schema(required)]
    pub fact: Option<String>,
    /// The clause it is about.
    #[schema(required)]
    pub clause_key: Option<String>,
    /// The same for people, in Japanese.
    pub message: String,
}

impl Note {
    /// Nobody recorded the fact, so it counts at its worst.
    pub fn fact_unknown(name: FactName) -> Self {
        let message = format!(
            "「{}」（{}）が未登録のため、最も厳しい側で扱いました。",
            name.ja(),
            name.code()
        );
        Self {
            code: "fact_unknown".to_owned(),
            fact: Some(name.code().to_owned()),
            clause_key: None,
            message,
        }
    }

    /// Nobody recorded the fact, so the profile's default counts.
    pub fn fact_defaulted(name: FactName, word: &str) -> Self {
        let label = name.label(word);
        let message = format!(
            "「{}」が未登録のため、既定値の{label}（{word}）を用いました。",
            name.ja()
        );
        Self {
            code: "fact_defaulted".to_owned(),
            fact: Some(name.code().to_owned()),
            clause_key: None,
            message,
        }
    }
}

impl Facts {
    /// Whether personal information is handled; not known counts as handled.
    pub fn may_handle_personal_information(&self) -> bool {
        self.handles_personal_information.unwrap_or(true)
    }

    /// The facts with the profile's defaults filled in where a classification is missing.
    #[must_use]
    pub fn with_defaults(&self, defaults: &FactDefaults) -> Self {
        let raised = defaults
            .confidentiality_with_personal_information
            .filter(|_| self.may_handle_personal_information());
        Self {
            confidentiality: self.confidentiality.or_else(|| {
                defaults
                    .confidentiality
                    .map(|usual| raised.map_or(usual, |raised| raised.max(usual)))
            }),
            integrity: self.integrity.or(defaults.integrity),
            availability: self.availability.or(defaults.availability),
            ..self.clone()
        }
    }

    /// A note for each of these facts that was not recorded: taken from the profile, or unknown altogether.
    pub fn notes(&self, filled: &Self, used: &BTreeSet<FactName>) -> Vec<Note> {
        let missing = used.iter().filter(|name| self.get(**name).is_none());
        missing
            .map(|name| match filled.get(*name) {
                Some(FactValue::Word(word)) => Note::fact_defaulted(*name, &word),
                _ => Note::fact_unknown(*name),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(value: serde_json::Value) -> Facts {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_table_is_the_catalogues_facts_section() {
        #[derive(Deserialize)]
        struct Section {
            facts: serde_json::Map<String, serde_json::Value>,
        }
        let section: Section = serde_saphyr::from_str(include_str!("catalogue.yaml")).unwrap();
        assert_eq!(section.facts.len(), FactName::ALL.len());
        for name in FactName::ALL {
            let entry = &section.facts[name.code()];
            let declared: FactType = serde_json::from_value(entry["type"].clone()).unwrap();
            assert_eq!(declared, name.fact_type(), "{name:?}");
            assert_eq!(entry["ja"], name.ja(), "{name:?}");
            let words: Vec<_> = name.words().into_iter().map(|(code, _)| code).collect();
            assert_eq!(
                entry.get("values").cloned().unwrap_or(json!([])),
                json!(words),
                "{name:?}"
            );
            assert_eq!(serde_json::to_value(name).unwrap(), json!(name.code()));
        }
        let order: Vec<_> = include_str!("catalogue.yaml")
            .lines()
            .skip_while(|line| *line != "facts:")
            .skip(1)
            .collect();
        for (name, line) in FactName::ALL.iter().zip(order) {
            assert!(
                line.starts_with(&format!("  {}:", name.code())),
                "{name:?} stands elsewhere: {line}"
            );
        }
    }

    #[test]
    fn a_record_keeps_its_spelling_and_leaves_out_what_is_missing() {
        let record = json!({"confidentiality": "c3b", "network_zones": ["my_number", "lgwan"], "procured_on": "2027-07-01",
            "audience_size": 12_000, "emergency_channel": false, "data_subjects": "up_to_100"});
        assert_eq!(serde_json::to_value(facts(record.clone())).unwrap(), record);
        assert_eq!(serde_json::to_value(Facts::default()).unwrap(), json!({}));
    }

    #[test]
    fn an_unknown_fact_or_value_is_refused() {
        for bad in [
            json!({"confidentialty": "c2"}),
            json!({"confidentiality": "c4"}),
            json!({"audience_size": -1}),
            json!({"network_zones": ["dmz"]}),
            json!({"procured_on": "2027-02-30"}),
            json!({"internet_facing": "yes"}),
        ] {
            assert!(serde_json::from_value::<Facts>(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_patch_replaces_fact_by_fact_and_sets_as_a_whole() {
        let mut record =
            facts(json!({"confidentiality": "c2", "network_zones": ["lgwan", "internet"], "audience_size": 5}));
        record.merge(&facts(
            json!({"network_zones": ["my_number"], "audience_size": 0, "internet_facing": true}),
        ));
        let merged = json!({"confidentiality": "c2", "network_zones": ["my_number"], "audience_size": 0, "internet_facing": true});
        assert_eq!(record, facts(merged));
        record.merge(&facts(json!({"network_zones": []})));
        assert_eq!(record.network_zones, Some(BTreeSet::new()));
    }

    #[test]
    fn every_fact_can_be_read_and_forgotten_by_name() {
        let full = json!({"confidentiality": "c1", "integrity": "i1", "availability": "a1", "handles_personal_information": false,
            "handles_sensitive_personal_information": false, "handles_specific_personal_information": false,
            "data_subjects": "none", "subcontracting": "none", "network_zones": [], "access_mode": "none",
            "internet_facing": false, "jurisdiction": "domestic", "terms_form": "negotiated", "substitutability": "easy",
            "engagement_kind": "other", "includes_equipment": false, "procured_on": "2026-04-01",
            "emergency_channel": false, "audience_size": 0, "operation_delegated": false});
        let mut record = facts(full.clone());
        for name in FactName::ALL {
            assert_eq!(serde_json::to_value(record.get(*name)).unwrap(), full[name.code()]);
            assert!(record.clear(name.code()));
            assert_eq!(record.get(*name), None);
        }
        assert_eq!(record, Facts::default());
        assert!(!record.clear("audience"));
    }

    #[test]
    fn a_missing_classification_takes_the_profiles_default_and_says_so() {
        let defaults = FactDefaults {
            confidentiality: Some(Confidentiality::C2),
            integrity: Some(Integrity::I1),
            availability: Some(Availability::A1),
            confidentiality_with_personal_information: Some(Confidentiality::C3b),
        };
        let classifications = BTreeSet::from([FactName::Confidentiality, FactName::Integrity, FactName::Availability]);
        for (record, taken, codes) in [
            (json!({}), "c3b", vec!["confidentiality", "integrity", "availability"]),
            (
                json!({"handles_personal_information": true}),
                "c3b",
                vec!["confidentiality", "integrity", "availability"],
            ),
            (
                json!({"handles_personal_information": false, "integrity": "i2"}),
                "c2",
                vec!["confidentiality", "availability"],
            ),
            (
                json!({"confidentiality": "c1"}),
                "c1",
                vec!["integrity", "availability"],
            ),
        ] {
            let recorded = facts(record.clone());
            let filled = recorded.with_defaults(&defaults);
            assert_eq!(filled.confidentiality.unwrap().code(), taken, "{record}");
            let notes = recorded.notes(&filled, &classifications);
            assert!(
                notes
                    .iter()
                    .all(|note| note.code == "fact_defaulted" && !note.message.is_empty())
            );
            let named: Vec<_> = notes.into_iter().filter_map(|note| note.fact).collect();
            assert_eq!(named, codes, "{record}");
        }
        let nothing = Facts::default();
        assert_eq!(nothing.with_defaults(&FactDefaults::default()), nothing);
        let notes = nothing.notes(&nothing, &classifications);
        assert!(notes.len() == 3 && notes.iter().all(|note| note.code == "fact_unknown"));
    }

    #[test]
    fn words_are_spelled_alike_in_record_and_document() {
        fn alike<W: CodeWord + Serialize + utoipa::PartialSchema>() {
            let codes: Vec<_> = W::ALL.iter().map(|word| word.code()).collect();
            assert_eq!(serde_json::to_value(W::ALL).unwrap(), json!(codes));
            assert_eq!(serde_json::to_value(W::schema()).unwrap()["enum"], json!(codes));
        }
        alike::<FactName>();
        alike::<Confidentiality>();
        alike::<DataSubjects>();
        alike::<AccessMode>();
        alike::<EngagementKind>();
    }

    #[test]
    fn the_schema_asks_for_nothing_and_refuses_null() {
        let schema = serde_json::to_value(<Facts as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(schema["required"], json!(null));
        assert_eq!(schema["additionalProperties"], json!(false));
        for name in FactName::ALL {
            let property = schema["properties"][name.code()].to_string();
            assert!(
                property.contains("description") && !property.contains("null"),
                "{name:?}: {property}"
            );
        }
    }
}
