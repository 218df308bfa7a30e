//! The columns of each kind of sheet: key, Japanese and English header, other spellings of the header, where the value
//! stands in the answers and bodies of the API, and what kind of cell it is.
//!
//! Exports write by this table and imports read by it. The tables themselves are in [`mod@contractors`], [`register`] and
//! [`directory`]; what a cell says is [`super::cells`]'. Columns of reports are beside their reports.
//!
//! A reference (所属, 責任者, 事業者 …) has two columns of one place: its code and its name. Whoever reads takes the first
//! that is filled in, in the order of the table.

mod contractors;
mod directory;
mod register;

use std::borrow::Cow;

use crate::domain::text::fold;
use crate::domain::vocabulary::{CodeWord, Kind, code_words};

code_words! {
    /// What a sheet holds, a record a row.
    Entity {
        Contractors = "contractors", "委託事業者";
        Engagements = "engagements", "業務委託";
        CloudServices = "cloud_services", "クラウドサービス";
        SocialMediaAccounts = "social_media_accounts", "ソーシャルメディアアカウント";
        People = "people", "職員";
        Departments = "departments", "所属";
        ClauseStatuses = "clause_statuses", "条項の状況";
    }
}

impl Entity {
    /// The kind of register entry that it is, if it is one.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Self::Engagements => Some(Kind::ContractorEngagement),
            Self::CloudServices => Some(Kind::CloudService),
            Self::SocialMediaAccounts => Some(Kind::SocialMediaAccount),
            Self::Contractors | Self::People | Self::Departments | Self::ClauseStatuses => None,
        }
    }

    /// The word of its records in `external_ids`; `None`: they have no keys in other systems.
    pub const fn external_kind(self) -> Option<&'static str> {
        match self {
            Self::Contractors => Some("contractor"),
            Self::Engagements | Self::CloudServices | Self::SocialMediaAccounts => Some("entry"),
            Self::People | Self::Departments | Self::ClauseStatuses => None,
        }
    }

    /// The scope that reads it.
    pub const fn read_scope(self) -> &'static str {
        match self {
            Self::Contractors => "contractors:read",
            Self::People | Self::Departments => "directory:read",
            Self::Engagements | Self::CloudServices | Self::SocialMediaAccounts | Self::ClauseStatuses => {
                "entries:read"
            }
        }
    }

    /// The scope that writes it.
    pub const fn write_scope(self) -> &'static str {
        match self {
            Self::Contractors => "contractors:write",
            Self::People | Self::Departments => "directory:write",
            Self::Engagements | Self::CloudServices | Self::SocialMediaAccounts | Self::ClauseStatuses => {
                "entries:write"
            }
        }
    }

    /// Its columns in their order, without those of [`external`].
    pub fn columns(self) -> Vec<Column> {
        match self {
            Self::Contractors => contractors::columns(),
            Self::Engagements => register::engagements(),
            Self::CloudServices => register::cloud_services(),
            Self::SocialMediaAccounts => register::social_media_accounts(),
            Self::People => directory::people(),
            Self::Departments => directory::departments(),
            Self::ClauseStatuses => register::clause_statuses(),
        }
    }
}

/// Codes with their Japanese labels.
pub type Words = Vec<(&'static str, &'static str)>;

/// The words of a set of code words.
pub fn words<W: CodeWord>() -> Words {
    W::ALL.iter().map(|word| (word.code(), word.ja())).collect()
}

/// What a reference is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// An organization; its code is its `key`.
    Organization,
    /// A department; its code is unique in its organization.
    Department,
    /// A person; the code is the employee code.
    Person,
    /// A post, known by its name.
    Post,
    /// A contractor; its code is the corporate number.
    Contractor,
    /// A social-media service; its code is the platform, unique in its organization.
    SocialMediaService,
    /// A register entry of any kind; its code is the control number.
    Entry,
}

/// By what a reference is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Its code.
    Code,
    /// Its name.
    Name,
}

/// What kind of cell a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text.
    Text,
    /// A code: text whose leading zeros count.
    Code,
    /// Several codes, one a line or between `、`.
    Codes,
    /// A civil date.
    Date,
    /// A moment, as date and time of the local government.
    Time,
    /// A whole number.
    Integer,
    /// A number of hundredths, written with two decimals.
    Hundredths,
    /// Yes or no.
    Boolean,
    /// One code word, by its label or its code.
    Word(Words),
    /// Several code words.
    SeveralWords(Words),
    /// Another record, stored by its id.
    Reference(Target, By),
    /// The keys of the record in one other system, one a line.
    External,
}

/// Whether a column is read by an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// By creations and changes.
    Always,
    /// By creations only; a change leaves it.
    AtCreation,
    /// Never: it follows from other things.
    Never,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its stable name, unique in the sheet.
    pub key: Cow<'static, str>,
    /// Japanese header.
    pub ja: Cow<'static, str>,
    /// English header.
    pub en: Cow<'static, str>,
    /// Other spellings of the header in the files of public bodies.
    pub aliases: &'static [&'static str],
    /// The way to the value in the answer, dotted: `owner.person_id`; a number is a place in a list, `*` every place.
    pub answer: Cow<'static, str>,
    /// The way to the value in the bodies that create and change.
    pub body: Cow<'static, str>,
    /// Whether an import reads it.
    pub written: Written,
    /// What kind of cell it holds.
    pub cell: Cell,
}

impl Column {
    /// A column whose value stands under its key, in the answer and in the bodies.
    pub const fn new(key: &'static str, ja: &'static str, en: &'static str, cell: Cell) -> Self {
        Self {
            key: Cow::Borrowed(key),
            ja: Cow::Borrowed(ja),
            en: Cow::Borrowed(en),
            aliases: &[],
            answer: Cow::Borrowed(key),
            body: Cow::Borrowed(key),
            written: Written::Always,
            cell,
        }
    }

    /// The same with the value at another place.
    #[must_use]
    pub fn at(self, place: &'static str) -> Self {
        Self {
            answer: Cow::Borrowed(place),
            body: Cow::Borrowed(place),
            ..self
        }
    }

    /// The same with the value at another place of the bodies.
    #[must_use]
    pub fn body(self, place: &'static str) -> Self {
        Self {
            body: Cow::Borrowed(place),
            ..self
        }
    }

    /// The same with other spellings of its header.
    #[must_use]
    pub fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// The same, read at creations only.
    #[must_use]
    pub fn at_creation(self) -> Self {
        Self {
            written: Written::AtCreation,
            ..self
        }
    }

    /// The same, never read.
    #[must_use]
    pub fn shown(self) -> Self {
        Self {
            written: Written::Never,
            ..self
        }
    }

    /// Whether a header means this column: key, either header or an alias, whatever its width, case and spaces.
    pub fn is_meant_by(&self, header: &str) -> bool {
        let header = fold(header);
        let own = [&self.key, &self.ja, &self.en].map(|own| fold(own));
        own.contains(&header) || self.aliases.iter().any(|alias| fold(alias) == header)
    }
}

/// The column of the keys in one other system: `external_ids.zaimu`, 外部ID（zaimu）.
pub fn external(system: &str) -> Column {
    let key = format!("external_ids.{system}");
    Column {
        ja: format!("外部ID（{system}）").into(),
        en: format!("External ID ({system})").into(),
        answer: key.clone().into(),
        body: key.clone().into(),
        key: key.into(),
        aliases: &[],
        written: Written::Always,
        cell: Cell::External,
    }
}

/// The column that a header means in this sheet; the keys of any other system among them.
pub fn recognise(columns: &[Column], header: &str) -> Option<Column> {
    if let Some(found) = columns.iter().find(|column| column.is_meant_by(header)) {
        return Some(found.clone());
    }
    let header = fold(header);
    let system = ["external_ids.", "externalid(", "外部id("]
        .iter()
        .find_map(|start| header.strip_prefix(start))?
        .trim_end_matches(')');
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    (system.starts_with(|c: char| c.is_ascii_lowercase()) && (2..=32).contains(&system.len()))
        .then_some(system)
        .filter(|system| system.chars().all(letters))
        .map(external)
}

/// The two columns of a reference: its code and its name, in this order.
fn reference(
    target: Target,
    place: &'static str,
    (code_key, code_ja, code_en): (&'static str, &'static str, &'static str),
    (name_key, name_ja, name_en): (&'static str, &'static str, &'static str),
) -> [Column; 2] {
    [
        Column::new(code_key, code_ja, code_en, Cell::Reference(target, By::Code)).at(place),
        Column::new(name_key, name_ja, name_en, Cell::Reference(target, By::Name)).at(place),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_header_means_one_column() {
        let mut twice = vec![];
        for entity in Entity::ALL {
            let columns = entity.columns();
            let mut taken = BTreeSet::new();
            for column in &columns {
                let own = [&column.key, &column.ja, &column.en].map(|own| fold(own));
                let own: BTreeSet<String> = own
                    .into_iter()
                    .chain(column.aliases.iter().map(|alias| fold(alias)))
                    .collect();
                for header in own {
                    if !taken.insert(header.clone()) {
                        twice.push(format!("{entity}: {header}"));
                    }
                    assert!(!header.is_empty(), "{entity}: {}", column.key);
                }
            }
            assert!(columns.len() > 8, "{entity}");
        }
        assert!(twice.is_empty(), "{twice:#?}");
    }

    #[test]
    fn headers_of_excel_are_recognised_whatever_their_width() {
        let contractors = Entity::Contractors.columns();
        for (header, key) in [
            ("法人番号", "corporate_number"),
            ("ﾎｳｼﾞﾝ", ""),
            ("事業者　名称", "name"),
            ("ＩＤ", "id"),
            ("Corporate Number", "corporate_number"),
            ("外部ID（zaimu）", "external_ids.zaimu"),
            ("外部ＩＤ(keiyaku)", "external_ids.keiyaku"),
            ("external_ids.egp", "external_ids.egp"),
            ("外部ID（財務）", ""),
            ("", ""),
        ] {
            let found = recognise(&contractors, header).map(|column| column.key.into_owned());
            assert_eq!(found.unwrap_or_default(), key, "{header}");
        }
    }
}
