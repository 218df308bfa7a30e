//! Staging: the header is found, then the rows of the file are put beside the import, and the file goes.

use std::ops::ControlFlow;

use diesel::prelude::*;

use super::{CHUNK, begin_phase, claimed, finish, save};
use crate::app::{App, Tenant};
use crate::db::on_each_backend;
use crate::db::schema::{import_rows, imports};
use crate::domain::vocabulary::CodeWord;
use crate::files::store;
use crate::http::error::ApiError;
use crate::imports::plan::{self, Plan};
use crate::imports::rows::{self, ImportRow, Problem, RowError};
use crate::imports::wire::{ImportPhase, ImportStatus};
use crate::journal::Actor;
use crate::sheets::read::{MOST_ROWS, ReadError, Row, header, rows as sheet_rows};

/// Rows that are staged in one reading of the file: another reading passes over what is staged.
const AT_ONCE: usize = 20_000;

/// Stages the next rows, or ends the import when the file cannot be read; `None` when another replica is at it.
///
/// # Errors
/// A database failure.
pub(super) fn step(app: &App, tenant: &Tenant, import: &ImportRow) -> Result<Option<usize>, ApiError> {
    match stage(app, tenant, import) {
        Ok(staged) => Ok(staged),
        Err(Trouble::Ours(error)) => Err(error),
        Err(Trouble::File(error)) => fail(app, tenant, import, &of_file(&error)),
        Err(Trouble::Content(problem)) => fail(app, tenant, import, &problem),
    }
}

/// Why a file is not staged.
enum Trouble {
    File(ReadError),
    Content(Problem),
    Ours(ApiError),
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Self::File(error)
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self::Ours(error)
    }
}

fn of_file(error: &ReadError) -> Problem {
    tracing::info!(%error, "a file cannot be imported");
    Problem {
        code: error.code().to_owned(),
        ja: error.message_ja(),
        en: error.message_en(),
    }
}

/// Finds the header, then stages rows; `None` when another replica does.
fn stage(app: &App, tenant: &Tenant, import: &ImportRow) -> Result<Option<usize>, Trouble> {
    let settings = import.settings()?;
    let gone = || Problem {
        code: "file_is_gone".to_owned(),
        ja: "受け取ったファイルが見つかりません。もう一度送ってください。".to_owned(),
        en: "The file that was sent is gone; send it again.".to_owned(),
    };
    let storage_name = import.storage_name.as_deref().ok_or_else(|| Trouble::Content(gone()))?;
    let size = u64::try_from(settings.size_bytes).map_err(ApiError::internal)?;
    let file = store::open(app, storage_name, size).map_err(|error| {
        tracing::error!(%error, "the file of an import cannot be opened");
        Trouble::Content(gone())
    })?;
    let Some(header) = import.header()? else {
        let mut first: Vec<(u32, Vec<String>)> = vec![];
        let found = sheet_rows::<Trouble>(file, settings.format, settings.encoding, true, |row| {
            if row.number > header::HEADER_ROWS {
                return Ok(ControlFlow::Break(()));
            }
            first.push((row.number, row.cells));
            Ok(ControlFlow::Continue(()))
        })?;
        let header = plan::find(import.entity(), settings.key, &settings.mapping, &first).map_err(Trouble::Content)?;
        let settings = rows::Settings {
            encoding: found,
            ..settings
        };
        return Ok(app.write_as(tenant, Actor::system(), |scope| {
            let Some(import) = claimed(scope, import)? else {
                return Ok(None);
            };
            diesel::update(imports::table.find((&scope.lg, &import.id)))
                .set((
                    imports::status.eq(ImportStatus::Running.code()),
                    imports::settings.eq(serde_json::to_string(&settings)?),
                    imports::header.eq(Some(serde_json::to_string(&header)?)),
                    imports::last_row.eq(i64::from(header.row)),
                ))
                .execute(scope.conn)?;
            Ok(Some(1))
        })?);
    };
    let plan = Plan::of(import, &header)?;
    let (mut at, mut waiting, mut staged, mut lost, mut ended) = (import.clone(), vec![], 0, false, true);
    sheet_rows::<Trouble>(file, settings.format, settings.encoding, false, |row| {
        if i64::from(row.number) <= at.last_row {
            return Ok(ControlFlow::Continue(()));
        }
        waiting.push(row);
        if waiting.len() < CHUNK {
            return Ok(ControlFlow::Continue(()));
        }
        match put(app, tenant, &at, &plan, std::mem::take(&mut waiting))? {
            Some(moved) => at = moved,
            None => lost = true,
        }
        staged += CHUNK;
        ended = !lost && staged < AT_ONCE;
        Ok(if ended {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    if lost {
        return Ok(None);
    }
    staged += waiting.len();
    if !waiting.is_empty() {
        match put(app, tenant, &at, &plan, waiting)? {
            Some(moved) => at = moved,
            None => return Ok(None),
        }
    }
    if ended {
        if at.rows_total == 0 {
            return Err(Trouble::Content(Problem {
                code: "no_rows".to_owned(),
                ja: format!("見出し（{}行目）の下に行がありません。", header.row),
                en: format!("No rows below the header in row {}.", header.row),
            }));
        }
        let next = app.write_as(tenant, Actor::system(), |scope| {
            let Some(import) = claimed(scope, &at)? else {
                return Ok(None);
            };
            begin_phase(scope, &import, ImportPhase::Checking)?;
            diesel::update(imports::table.find((&scope.lg, &import.id)))
                .set(imports::storage_name.eq(None::<String>))
                .execute(scope.conn)?;
            Ok(Some(1))
        })?;
        remove(app, Some(storage_name));
        return Ok(next.map(|one| one + staged));
    }
    Ok(Some(staged))
}

/// Removes the file of an import; what fails is swept a day later.
fn remove(app: &App, storage_name: Option<&str>) {
    if let Some(name) = storage_name
        && let Err(error) = store::remove(app, name)
    {
        tracing::warn!(%error, "the file of an import stays until it is swept");
    }
}

/// Stages a chunk; answers where the import is now.
fn put(app: &App, tenant: &Tenant, at: &ImportRow, plan: &Plan, chunk: Vec<Row>) -> Result<Option<ImportRow>, Trouble> {
    let count = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
    if at.rows_total + count > i64::from(MOST_ROWS) {
        return Err(Trouble::Content(Problem {
            code: "too_many_rows".to_owned(),
            ja: format!("{MOST_ROWS}行を超えています。ファイルを分けてください。"),
            en: format!("More than {MOST_ROWS} rows; split the file."),
        }));
    }
    Ok(app.write_as(tenant, Actor::system(), |scope| {
        let Some(mut import) = claimed(scope, at)? else {
            return Ok(None);
        };
        let (mut staged, mut wrong) = (vec![], vec![]);
        for row in &chunk {
            let number = i64::from(row.number);
            staged.push((
                import_rows::local_government_id.eq(scope.lg.clone()),
                import_rows::import_id.eq(import.id.clone()),
                import_rows::row_number.eq(number),
                import_rows::cells.eq(serde_json::to_string(&row.cells)?.replace("\\u0000", "")),
                import_rows::row_key.eq(plan.row_key(&row.cells).map(|key| key.replace('\0', ""))),
                import_rows::failed.eq(false),
            ));
            import.last_row = number;
            if !row.unreadable.is_empty() {
                wrong.push((
                    number,
                    row.unreadable.iter().map(|column| unreadable(plan, *column)).collect(),
                ));
            }
        }
        on_each_backend!(&mut *scope.conn, |c| diesel::insert_into(import_rows::table)
            .values(&staged)
            .execute(c))?;
        rows::note_errors(scope, &import.id, &wrong)?;
        import.rows_total += count;
        import.rows_done += count;
        import.failed += i64::try_from(wrong.len()).unwrap_or(i64::MAX);
        save(scope, &import)?;
        Ok(Some(import))
    })?)
}

fn unreadable(plan: &Plan, column: usize) -> RowError {
    RowError {
        column: Some(column),
        field: plan.columns.get(&column).map(|column| column.key.to_string()),
        code: "invalid_bytes".to_owned(),
        ja: "文字コードとして正しくない文字があります。UTF-8 か CP932（Shift_JIS）で保存し直してください。".to_owned(),
        en: "A character is broken; save the file as UTF-8 or CP932 again.".to_owned(),
    }
}

fn fail(app: &App, tenant: &Tenant, import: &ImportRow, problem: &Problem) -> Result<Option<usize>, ApiError> {
    let done = app.write_as(tenant, Actor::system(), |scope| {
        let query = imports::table
            .find((&scope.lg, &import.id))
            .filter(imports::phase.eq(import.phase.0.code()))
            .select(ImportRow::as_select());
        let now: Option<ImportRow> = query.first(scope.conn).optional()?;
        let Some(now) = now else { return Ok(None) };
        finish(scope, &now, ImportStatus::Failed, Some(problem))?;
        Ok(Some(1))
    })?;
    remove(app, import.storage_name.as_deref());
    Ok(done)
}
