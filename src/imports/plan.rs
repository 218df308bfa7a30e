//! Which column of a sheet is which field of the entity, and by which of them a row is recognised.
//!
//! The columns themselves are the table that exports write by ([`crate::sheets::columns`]); here are the explanations of
//! the client, the keys, and what is missing. What a row says is [`super::parse`]'s.

use std::collections::BTreeMap;

use super::rows::{ImportRow, Problem, StoredHeader};
use super::wire::ImportKey;
use crate::domain::cell;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::Document;
use crate::sheets::columns::{self, Column, Entity, Written};
use crate::sheets::read::header::{self, Header};

/// Headers under which public bodies keep the number of a company in their financial system.
const VENDOR_CODES: &[&str] = &[
    "業者コード",
    "業者番号",
    "債権者コード",
    "債権者番号",
    "取引先コード",
    "相手方コード",
];
/// The system that those numbers are of, unless a mapping says otherwise.
const FINANCE: &str = "zaimu";
/// The most explained headers.
const MOST_MAPPED: usize = 256;

/// What is done with each row.
pub(super) struct Plan {
    pub entity: Entity,
    /// The columns that are read, by their place in the sheet.
    pub columns: BTreeMap<usize, Column>,
    pub key: Option<ImportKey>,
    pub organization_id: Option<String>,
    pub allowed: Organizations,
    pub document: &'static Document,
}

impl Plan {
    /// The plan of an import whose header is known.
    pub(super) fn of(import: &ImportRow, header: &StoredHeader) -> Result<Self, ApiError> {
        let (entity, settings) = (import.entity(), import.settings()?);
        let known = entity.columns();
        let columns = header
            .fields
            .iter()
            .filter_map(|(place, key)| Some((*place, column(&known, key)?)))
            .collect();
        Ok(Self {
            entity,
            columns,
            key: settings.key,
            organization_id: settings.organization_id,
            allowed: import.allowed()?,
            document: super::document()?,
        })
    }

    /// The first key that a row has, as it is compared: two rows of one key are a mistake.
    pub(super) fn row_key(&self, cells: &[String]) -> Option<String> {
        let text = |place: usize| {
            let text = cell::code(cells.get(place).map(String::as_str).unwrap_or_default());
            (!text.is_empty()).then_some(text)
        };
        let (place, first) = keys(self.entity, self.key, &self.columns)
            .into_iter()
            .find_map(|place| Some((place, text(place)?)))?;
        let name = self
            .columns
            .get(&place)
            .map(|column| column.key.clone())
            .unwrap_or_default();
        // A code that is unique only beside another one.
        let beside: &[&str] = match (self.entity, name.as_ref()) {
            (Entity::ClauseStatuses, _) => &["clause_key"],
            (Entity::Departments, "code") => &["organization", "organization_name"],
            _ => &[],
        };
        let beside = self
            .columns
            .iter()
            .filter(|(_, column)| beside.contains(&column.key.as_ref()))
            .filter_map(|(place, _)| text(*place));
        Some(
            std::iter::once(first)
                .chain(beside)
                .fold(name.into_owned(), |key, part| key + "\u{1f}" + &part),
        )
    }
}

/// The places of the columns that recognise a row, the surest first.
pub(super) fn keys(entity: Entity, key: Option<ImportKey>, columns: &BTreeMap<usize, Column>) -> Vec<usize> {
    let own: &[&str] = match entity {
        Entity::Contractors => &["corporate_number"],
        Entity::Engagements | Entity::CloudServices | Entity::SocialMediaAccounts | Entity::ClauseStatuses => {
            &["control_number"]
        }
        Entity::People => &["employee_code"],
        Entity::Departments => &["code"],
    };
    let places = |is_meant: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let meant = columns.iter().filter(|(_, column)| is_meant(&column.key));
        meant.map(|(place, _)| *place).collect()
    };
    let id = || places(&|key| key == "id");
    let external = || places(&|key| key.starts_with("external_ids."));
    let own = || places(&|key| own.contains(&key));
    match key {
        Some(ImportKey::Id) => id(),
        Some(ImportKey::ExternalId) => external(),
        Some(ImportKey::CorporateNumber) if entity == Entity::Contractors => own(),
        Some(ImportKey::CorporateNumber) => vec![],
        None => [id(), external(), own()].concat(),
    }
}

/// The column of this key.
fn column(known: &[Column], key: &str) -> Option<Column> {
    known.iter().find(|column| column.key == key).cloned().or_else(|| {
        key.strip_prefix("external_ids.")
            .and_then(|_| columns::recognise(known, key))
    })
}

/// Reads the explanations of a client.
///
/// # Errors
/// 422 at `/mapping`.
pub(super) fn mapping(entity: Entity, text: &str) -> Result<BTreeMap<String, String>, FieldError> {
    let wrong = |ja: String, en: String| FieldError::new("/mapping", "invalid_mapping", ja, en);
    let mapping: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| {
        wrong(
            "見出しから項目のキーへの JSON オブジェクトにしてください。".to_owned(),
            "Give a JSON object from headers to keys of columns.".to_owned(),
        )
    })?;
    if mapping.len() > MOST_MAPPED {
        return Err(wrong(
            format!("{MOST_MAPPED}件までにしてください。"),
            format!("At most {MOST_MAPPED}."),
        ));
    }
    let known = entity.columns();
    let unknown: Vec<&str> = mapping
        .values()
        .filter(|key| {
            column(&known, key).is_none() || (key.starts_with("external_ids.") && entity.external_kind().is_none())
        })
        .map(String::as_str)
        .collect();
    if unknown.is_empty() {
        Ok(mapping)
    } else {
        let names = unknown.join(", ");
        Err(wrong(
            format!("この取込にない項目です: {names}"),
            format!("There is no such column here: {names}"),
        ))
    }
}

/// Finds the header among the first rows and says what it lacks.
///
/// # Errors
/// What is wrong with the file as a whole.
pub(super) fn find(
    entity: Entity,
    key: Option<ImportKey>,
    mapping: &BTreeMap<String, String>,
    first: &[(u32, Vec<String>)],
) -> Result<StoredHeader, Problem> {
    let known = entity.columns();
    let explained: BTreeMap<String, &String> = mapping.iter().map(|(name, key)| (header::name(name), key)).collect();
    let vendor_codes: Vec<String> = VENDOR_CODES.iter().map(|name| header::name(name)).collect();
    let field_of = |name: &str| {
        if let Some(key) = explained.get(name) {
            return Some((*key).clone());
        }
        if let Some(found) = columns::recognise(&known, name) {
            let foreign = found.key.starts_with("external_ids.") && entity.external_kind().is_none();
            return (!foreign).then(|| found.key.into_owned());
        }
        (entity == Entity::Contractors && vendor_codes.iter().any(|code| code == name))
            .then(|| format!("external_ids.{FINANCE}"))
    };
    let Some(found) = header::find(first, field_of) else {
        return Err(Problem {
            code: "missing_header".to_owned(),
            ja: format!(
                "先頭{}行に見出しの行が見つかりません。列の見出し（例: {}）を入れてください。",
                header::HEADER_ROWS,
                examples(&known)
            ),
            en: format!("No header in the first {} rows.", header::HEADER_ROWS),
        });
    };
    if !found.repeated.is_empty() {
        let names = names(&known, &found.repeated);
        return Err(Problem {
            code: "duplicate_column".to_owned(),
            ja: format!("同じ項目の列が二つ以上あります: {names}。一つにしてください。"),
            en: format!("More than one column for: {names}."),
        });
    }
    complete(entity, key, &known, found, first)
}

fn complete(
    entity: Entity,
    key: Option<ImportKey>,
    known: &[Column],
    found: Header,
    first: &[(u32, Vec<String>)],
) -> Result<StoredHeader, Problem> {
    let columns: BTreeMap<usize, Column> = found
        .fields
        .iter()
        .filter_map(|(place, key)| Some((*place, column(known, key)?)))
        .collect();
    let lacks_clause = entity == Entity::ClauseStatuses && !columns.values().any(|column| column.key == "clause_key");
    if lacks_clause || keys(entity, key, &columns).is_empty() {
        let wanted = wanted(entity, key);
        return Err(Problem {
            code: "missing_key_column".to_owned(),
            ja: format!(
                "記録を見分ける列がありません。{wanted} の列を入れてください（見出しは{}行目）。",
                found.row
            ),
            en: format!("No column recognises a record (header in row {}): {wanted}.", found.row),
        });
    }
    let is_read =
        |column: &Column| column.written != Written::Never || column.key == "id" || column.key == "clause_key";
    let ignored = columns
        .values()
        .filter(|column| !is_read(column))
        .map(|column| column.ja.to_string());
    let cells = first
        .iter()
        .find(|(row, _)| *row == found.row)
        .map(|(_, cells)| cells.clone());
    Ok(StoredHeader {
        row: found.row,
        fields: found.fields,
        cells: cells.unwrap_or_default(),
        unknown: found.unknown,
        ignored: ignored.collect(),
    })
}

/// The columns that would recognise a record, by their Japanese headers.
fn wanted(entity: Entity, key: Option<ImportKey>) -> &'static str {
    match (key, entity) {
        (_, Entity::ClauseStatuses) => "管理番号、条項キー",
        (Some(ImportKey::Id), _) => "ID",
        (Some(ImportKey::ExternalId), _) => "外部ID（システム名）",
        (Some(ImportKey::CorporateNumber), _) => "法人番号",
        (None, Entity::Contractors) => "法人番号、業者コード、外部ID（システム名）、ID のいずれか",
        (None, Entity::People) => "職員番号、ID のいずれか",
        (None, Entity::Departments) => "所属コード、ID のいずれか",
        (None, _) => "管理番号、外部ID（システム名）、ID のいずれか",
    }
}

fn examples(known: &[Column]) -> String {
    let headers = known.iter().filter(|column| column.written != Written::Never);
    headers
        .take(4)
        .map(|column| column.ja.as_ref())
        .collect::<Vec<_>>()
        .join("、")
}

fn names(known: &[Column], keys: &[String]) -> String {
    let header = |key: &String| column(known, key).map_or_else(|| key.clone(), |column| column.ja.into_owned());
    keys.iter().map(header).collect::<Vec<_>>().join("、")
}
