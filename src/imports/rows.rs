//! The rows of imports: the order, how far it is, the staged rows and what is wrong with them.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::wire::{
    Import, ImportCounts, ImportKey, ImportMode, ImportPhase, ImportProblem, ImportProgress, ImportRowError,
    ImportStatus, OnError,
};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::on_each_backend;
use crate::db::schema::{import_errors, import_rows, imports};
use crate::db::types::Word;
use crate::domain::vocabulary::CodeWord;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::http::page::After;
use crate::journal::Actor;
use crate::sheets::columns::Entity;
use crate::sheets::read::{SheetEncoding, SheetFormat, column_letters};

/// What was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub file_name: String,
    pub format: SheetFormat,
    pub encoding: SheetEncoding,
    pub mode: ImportMode,
    pub on_error: OnError,
    pub key: Option<ImportKey>,
    pub organization_id: Option<String>,
    pub mapping: BTreeMap<String, String>,
    pub size_bytes: i64,
    pub same_as_id: Option<String>,
}

/// The header that was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredHeader {
    pub row: u32,
    /// Keys of columns by their place in the sheet.
    pub fields: BTreeMap<usize, String>,
    /// The texts of the row, for the error file.
    pub cells: Vec<String>,
    pub unknown: Vec<String>,
    pub ignored: Vec<String>,
}

/// A problem in both languages, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Problem {
    pub code: String,
    pub ja: String,
    pub en: String,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = imports)]
pub(crate) struct ImportRow {
    pub id: String,
    entity: Word<Entity>,
    settings: String,
    sha256: String,
    pub storage_name: Option<String>,
    client_id: Option<String>,
    person_id: Option<String>,
    organization_ids: String,
    pub status: Word<ImportStatus>,
    pub phase: Word<ImportPhase>,
    header: Option<String>,
    pub last_row: i64,
    pub rows_total: i64,
    pub rows_done: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub failed: i64,
    problem: Option<String>,
    created_at: Instant,
    created_by: String,
    finished_at: Option<Instant>,
    expires_at: Option<Instant>,
}

impl ImportRow {
    pub(crate) const fn entity(&self) -> Entity {
        self.entity.0
    }

    /// Whether this person sent it.
    pub(super) fn is_of(&self, person_id: &str) -> bool {
        self.person_id.as_deref() == Some(person_id)
    }

    pub(crate) fn settings(&self) -> Result<Settings, ApiError> {
        Ok(serde_json::from_str(&self.settings)?)
    }

    pub(super) fn header(&self) -> Result<Option<StoredHeader>, ApiError> {
        Ok(self.header.as_deref().map(serde_json::from_str).transpose()?)
    }

    pub(crate) fn problem(&self, lang: Lang) -> Result<Option<ImportProblem>, ApiError> {
        let stored: Option<Problem> = self.problem.as_deref().map(serde_json::from_str).transpose()?;
        Ok(stored.map(|problem| ImportProblem {
            code: problem.code,
            message: lang.pick(problem.ja, problem.en),
        }))
    }

    /// Where its author may look.
    pub(super) fn allowed(&self) -> Result<Organizations, ApiError> {
        let ids: Option<Vec<String>> = serde_json::from_str(&self.organization_ids)?;
        Ok(ids.map_or(Organizations::All, Organizations::Only))
    }

    /// In whose name its rows are written.
    pub(super) fn actor(&self) -> Actor {
        Actor {
            via: if self.client_id.is_some() { "api" } else { "system" },
            client_id: self.client_id.clone(),
            person_id: self.person_id.clone(),
        }
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject::of(super::KIND, &self.id)
    }

    pub(crate) fn wire(&self, lang: Lang) -> Result<Import, ApiError> {
        let (settings, header) = (self.settings()?, self.header()?);
        Ok(Import {
            id: self.id.clone(),
            entity: self.entity.0,
            file_name: settings.file_name,
            format: settings.format,
            encoding: settings.encoding,
            mode: settings.mode,
            on_error: settings.on_error,
            key: settings.key,
            organization_id: settings.organization_id,
            mapping: settings.mapping,
            size_bytes: settings.size_bytes,
            sha256: self.sha256.clone(),
            same_as_id: settings.same_as_id,
            status: self.status.0,
            phase: self.phase.0,
            progress: ImportProgress {
                done: self.rows_done,
                total: self.rows_total,
            },
            counts: ImportCounts {
                read: self.rows_total,
                created: self.created,
                updated: self.updated,
                unchanged: self.unchanged,
                failed: self.failed,
            },
            header_row: header.as_ref().map(|header| header.row),
            unknown_columns: header.as_ref().map(|header| header.unknown.clone()).unwrap_or_default(),
            ignored_columns: header.map(|header| header.ignored).unwrap_or_default(),
            problem: self.problem(lang)?,
            created_at: self.created_at,
            created_by: self.created_by.clone(),
            finished_at: self.finished_at,
            expires_at: self.expires_at,
        })
    }
}

/// A new import.
pub(super) struct New<'a> {
    pub id: &'a str,
    pub entity: Entity,
    pub settings: &'a Settings,
    pub sha256: &'a str,
    pub storage_name: &'a str,
    pub allowed: &'a Organizations,
}

pub(super) fn insert(scope: &mut Scope<'_>, new: &New<'_>) -> Result<(), ApiError> {
    diesel::insert_into(imports::table)
        .values((
            imports::local_government_id.eq(&scope.lg),
            imports::id.eq(new.id),
            imports::entity.eq(new.entity.code()),
            imports::settings.eq(serde_json::to_string(new.settings)?),
            imports::sha256.eq(new.sha256),
            imports::storage_name.eq(Some(new.storage_name)),
            imports::client_id.eq(&scope.actor.client_id),
            imports::person_id.eq(&scope.actor.person_id),
            imports::organization_ids.eq(serde_json::to_string(&new.allowed.list())?),
            imports::status.eq(ImportStatus::Queued.code()),
            imports::phase.eq(ImportPhase::Staging.code()),
            (
                imports::last_row.eq(0_i64),
                imports::rows_total.eq(0_i64),
                imports::rows_done.eq(0_i64),
                imports::created.eq(0_i64),
                imports::updated.eq(0_i64),
                imports::unchanged.eq(0_i64),
                imports::failed.eq(0_i64),
                imports::created_at.eq(scope.at),
                imports::created_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// The import of this id in the tenant.
pub(crate) fn by_id(scope: &mut Scope<'_>, id: &str) -> Result<ImportRow, ApiError> {
    Ok(imports::table
        .find((&scope.lg, id))
        .select(ImportRow::as_select())
        .first(scope.conn)?)
}

/// An import shows what is in its file, so it is its client's, and of those that may see everything.
pub(super) fn find(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    client_id: &str,
    id: &str,
) -> Result<ImportRow, ApiError> {
    let row = by_id(scope, id)?;
    if *allowed == Organizations::All || row.client_id.as_deref() == Some(client_id) {
        Ok(row)
    } else {
        Err(ApiError::NotFound)
    }
}

/// The next ones, one more than the limit at most, and where the search ended when it was cut short.
pub(super) fn page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    client_id: &str,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<ImportRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let bound: Option<String> = imports::table
        .filter(imports::local_government_id.eq(&scope.lg))
        .filter(imports::id.gt(&start))
        .order(imports::id)
        .offset(crate::http::page::BUDGET)
        .limit(1)
        .select(imports::id)
        .first(scope.conn)
        .optional()?;
    let mut query = imports::table
        .filter(imports::local_government_id.eq(scope.lg.clone()))
        .filter(imports::id.gt(start))
        .order(imports::id)
        .limit(limit + 1)
        .select(ImportRow::as_select())
        .into_boxed();
    if *allowed != Organizations::All {
        query = query.filter(imports::client_id.eq(Some(client_id.to_owned())));
    }
    if let Some(bound) = &bound {
        query = query.filter(imports::id.le(bound.clone()));
    }
    let bound = bound.map(|id| After { key: String::new(), id });
    Ok((query.load(scope.conn)?, bound))
}

/// The latest import of the same file that was applied.
pub(super) fn same_file(scope: &mut Scope<'_>, entity: Entity, sha256: &str) -> Result<Option<String>, ApiError> {
    let rows: Vec<ImportRow> = imports::table
        .filter(imports::local_government_id.eq(&scope.lg))
        .filter(imports::sha256.eq(sha256))
        .filter(imports::entity.eq(entity.code()))
        .filter(imports::status.eq(ImportStatus::Succeeded.code()))
        .order(imports::id.desc())
        .limit(50)
        .select(ImportRow::as_select())
        .load(scope.conn)?;
    for row in rows {
        if row.settings()?.mode == ImportMode::Apply {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

/// What is wrong with a row, in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowError {
    /// The column of the sheet, from 0.
    pub column: Option<usize>,
    pub field: Option<String>,
    pub code: String,
    pub ja: String,
    pub en: String,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = import_errors)]
pub(crate) struct ErrorRow {
    pub row_number: i64,
    pub position: i64,
    sheet_column: Option<i64>,
    field: Option<String>,
    code: String,
    message_ja: String,
    message_en: String,
}

impl ErrorRow {
    pub(crate) fn wire(self, lang: Lang) -> ImportRowError {
        let column = self.sheet_column.and_then(|column| usize::try_from(column).ok());
        let letters = column.map(column_letters);
        ImportRowError {
            row: self.row_number,
            cell: letters.as_ref().map(|letters| format!("{letters}{}", self.row_number)),
            column: letters,
            field: self.field,
            code: self.code,
            message: lang.pick(self.message_ja, self.message_en),
        }
    }
}

/// The errors after this row and place, one more than the limit at most.
pub(crate) fn errors(
    scope: &mut Scope<'_>,
    import_id: &str,
    (row, position): (i64, i64),
    limit: i64,
) -> Result<Vec<ErrorRow>, ApiError> {
    Ok(import_errors::table
        .filter(import_errors::local_government_id.eq(&scope.lg))
        .filter(import_errors::import_id.eq(import_id))
        .filter(import_errors::row_number.ge(row))
        .filter(
            import_errors::row_number
                .gt(row)
                .or(import_errors::position.gt(position)),
        )
        .order((import_errors::row_number, import_errors::position))
        .limit(limit + 1)
        .select(ErrorRow::as_select())
        .load(scope.conn)?)
}

/// Records what is wrong with rows, and marks them.
pub(super) fn note_errors(
    scope: &mut Scope<'_>,
    import_id: &str,
    wrong: &[(i64, Vec<RowError>)],
) -> Result<(), ApiError> {
    let mut rows = vec![];
    for (row_number, errors) in wrong {
        for (error, position) in errors.iter().zip(0_i64..) {
            rows.push((
                import_errors::local_government_id.eq(scope.lg.clone()),
                import_errors::import_id.eq(import_id.to_owned()),
                import_errors::row_number.eq(*row_number),
                import_errors::position.eq(position),
                import_errors::sheet_column.eq(error.column.and_then(|column| i64::try_from(column).ok())),
                import_errors::field.eq(error.field.clone()),
                import_errors::code.eq(error.code.clone()),
                import_errors::message_ja.eq(error.ja.clone()),
                import_errors::message_en.eq(error.en.clone()),
            ));
        }
    }
    // Each database bounds the parameters of a statement.
    for some in rows.chunks(500) {
        on_each_backend!(&mut *scope.conn, |c| diesel::insert_into(import_errors::table)
            .values(some)
            .execute(c))?;
    }
    let numbers: Vec<i64> = wrong.iter().map(|(number, _)| *number).collect();
    diesel::update(
        import_rows::table
            .filter(import_rows::local_government_id.eq(&scope.lg))
            .filter(import_rows::import_id.eq(import_id))
            .filter(import_rows::row_number.eq_any(numbers)),
    )
    .set(import_rows::failed.eq(true))
    .execute(scope.conn)?;
    Ok(())
}

/// A row as it was read.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = import_rows)]
pub(super) struct StagedRow {
    pub row_number: i64,
    pub cells: String,
    pub row_key: Option<String>,
    pub failed: bool,
}

/// The next staged rows after this one.
pub(super) fn staged(
    scope: &mut Scope<'_>,
    import_id: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<StagedRow>, ApiError> {
    Ok(import_rows::table
        .filter(import_rows::local_government_id.eq(&scope.lg))
        .filter(import_rows::import_id.eq(import_id))
        .filter(import_rows::row_number.gt(after))
        .order(import_rows::row_number)
        .limit(limit)
        .select(StagedRow::as_select())
        .load(scope.conn)?)
}
