//! The watched folder: files that arrive in `in/`, for systems without HTTP, and what becomes of them in `done/` and
//! `error/`, with a file that says so in Japanese.
//!
//! `IMPORT_DIR/CODE/in`, by the code of the local government; where there is only one, `IMPORT_DIR/in` too. The beginning
//! of a name tells the entity: `contractors_2027.csv`. A file is taken when its size and time have been the same for ten
//! seconds, so one that is half written waits; one that has been imported already is recognised by its content and not imported
//! again. The rows go the way of every import ([`super::steps`]).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use diesel::prelude::*;
use serde_json::json;

use super::rows::{self, ImportRow, Settings};
use super::wire::{ImportMode, ImportStatus, OnError};
use super::{error_file, take_on};
use crate::app::{App, Scope, Tenant};
use crate::db::schema::{imports, local_governments, organizations};
use crate::domain::file_type::FileType;
use crate::domain::text;
use crate::domain::vocabulary::CodeWord;
use crate::files::store::Incoming;
use crate::files::upload::looked_through;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::journal::Actor;
use crate::sheets::columns::Entity;
use crate::sheets::read::{SheetEncoding, SheetFormat};

/// The largest file of a command or of the folder, in bytes: 64 MiB.
pub(crate) const FILE_LIMIT: u64 = 64 * 1024 * 1024;
/// Bytes that are read at a time.
const STEP: u64 = 256 * 1024;
/// Errors that a reason names; the error file has all of them.
const NAMED: i64 = 50;

/// How long a file must have been the same, in seconds: who writes it is done then.
const SETTLED_SECONDS: i64 = 10;

/// What earlier looks saw: a file that has been the same for a while has been written to its end.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<BTreeMap<PathBuf, Sight>>);

/// A file as it was seen.
#[derive(Debug, Clone)]
struct Sight {
    size: u64,
    modified: Option<SystemTime>,
    /// Since when it is so, in seconds.
    since: i64,
    /// Its import, once one is under way.
    import_id: Option<String>,
}

/// Looks into the folders of a local government; answers how many files were taken or put away.
///
/// # Errors
/// A directory that cannot be read, or a database failure; what was done stays.
pub(crate) fn look(app: &App, tenant: &Tenant, seen: &Seen) -> Result<usize, ApiError> {
    let Some(root) = &app.config.import_dir else {
        return Ok(0);
    };
    let (code, alone) = app.db.read(|conn| {
        let code: String = local_governments::table
            .find(tenant.id())
            .select(local_governments::code)
            .first(conn)?;
        let all: i64 = local_governments::table.count().get_result(conn)?;
        Ok((code, all == 1))
    })?;
    let mut done = 0;
    for directory in [Some(root.join(code)), alone.then(|| root.clone())]
        .into_iter()
        .flatten()
    {
        if directory.join("in").is_dir() {
            done += look_into(app, tenant, seen, &directory)?;
        }
    }
    Ok(done)
}

fn look_into(app: &App, tenant: &Tenant, seen: &Seen, directory: &Path) -> Result<usize, ApiError> {
    let mut done = 0;
    let mut files: Vec<PathBuf> = fs::read_dir(directory.join("in"))
        .map_err(ApiError::internal)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    files.sort();
    for path in files {
        let Ok(about) = fs::symlink_metadata(&path) else {
            continue;
        };
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if !about.is_file() || is_unfinished(&name) {
            continue;
        }
        let (size, modified, now) = (about.len(), about.modified().ok(), app.clock.now().unix_seconds());
        let before = seen
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&path)
            .cloned();
        let mut sight = before
            .filter(|before| (before.size, before.modified) == (size, modified))
            .unwrap_or(Sight {
                size,
                modified,
                since: now,
                import_id: None,
            });
        let next = if now - sight.since >= SETTLED_SECONDS {
            one(app, tenant, directory, &path, &name, sight.import_id.as_deref())?
        } else {
            Next::Wait(None)
        };
        let mut known = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        match next {
            Next::PutAway => {
                done += 1;
                known.remove(&path);
            }
            Next::Taken(id) => {
                done += 1;
                sight.import_id = Some(id);
                known.insert(path, sight);
            }
            Next::Wait(id) => {
                sight.import_id = id;
                known.insert(path, sight);
            }
        }
    }
    Ok(done)
}

/// Names of files that are being written, or that a program left.
fn is_unfinished(name: &str) -> bool {
    let lower = name.to_lowercase();
    let ends = [".part", ".tmp", ".filepart", ".crdownload"];
    name.is_empty() || name.starts_with(['.', '~']) || ends.iter().any(|end| lower.ends_with(end))
}

/// What becomes of a file.
enum Next {
    /// Later, with this import under way.
    Wait(Option<String>),
    /// An import was begun.
    Taken(String),
    /// It is out of `in/`.
    PutAway,
}

/// The entity that a name begins with.
fn entity_of(name: &str) -> Option<Entity> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase();
    Entity::ALL.iter().copied().find(|entity| {
        let rest = stem.strip_prefix(entity.code());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '-', ' ', '.', '(']))
    })
}

fn one(
    app: &App,
    tenant: &Tenant,
    directory: &Path,
    path: &Path,
    name: &str,
    under_way: Option<&str>,
) -> Result<Next, ApiError> {
    if let Some(id) = under_way {
        let row = app.read_as(tenant, |scope| rows::by_id(scope, id))?;
        return end(app, tenant, directory, path, name, &row, false);
    }
    let refuse = |reason: String| -> Result<Next, ApiError> {
        let reason = format!("{name}\n\n取り込めませんでした: {reason}\n");
        put_away(
            &directory.join("error"),
            path,
            name,
            "",
            &[("reason.txt", reason.as_bytes())],
        )?;
        Ok(Next::PutAway)
    };
    let codes = || {
        Entity::ALL
            .iter()
            .map(|entity| entity.code())
            .collect::<Vec<_>>()
            .join("、")
    };
    let Some(entity) = entity_of(name) else {
        return refuse(format!(
            "ファイル名の先頭を取込の種類にしてください（{}）。例: contractors_2027.csv",
            codes()
        ));
    };
    let Some(format) = SheetFormat::of_name(name) else {
        return refuse("受け取れる拡張子は csv, xlsx です。".to_owned());
    };
    let mut incoming = match receive(app, path) {
        Ok(Some(incoming)) => incoming,
        Ok(None) => return refuse("ファイルが大きすぎます（64 MiBまで）。分けてください。".to_owned()),
        Err(error) => {
            tracing::warn!(%error, name, "a file of the watched folder cannot be read; the next look tries again");
            return Ok(Next::Wait(None));
        }
    };
    if incoming.size() == 0 {
        return refuse("ファイルが空です。".to_owned());
    }
    let sha256 = incoming.sha256();
    if let Some(row) = app.read_as(tenant, |scope| known(scope, entity, &sha256))? {
        return end(app, tenant, directory, path, name, &row, true);
    }
    if format == SheetFormat::Xlsx && !incoming.is(FileType::Xlsx).map_err(ApiError::internal)? {
        return refuse("Excelブック（.xlsx）として読めません。正しい形式で保存し直してください。".to_owned());
    }
    if let Some(address) = &app.config.clamd_address {
        match looked_through(&mut incoming, address, "/file") {
            Ok(()) => {}
            Err(ApiError::ScannerUnavailable) => return Ok(Next::Wait(None)),
            Err(_) => return refuse("ウイルスが見つかりました。情報システムの担当に知らせてください。".to_owned()),
        }
    }
    let row = app.write_as(tenant, Actor::system(), |scope| {
        let settings = settings(
            scope,
            name,
            format,
            SheetEncoding::Auto,
            incoming.size(),
            ImportMode::Apply,
        )?;
        take_on(scope, entity, settings, &mut incoming, true, &Organizations::All)
    })?;
    Ok(Next::Taken(row.id))
}

/// What a command or the folder asks for; the only organization is that of rows that name none.
pub(crate) fn settings(
    scope: &mut Scope<'_>,
    name: &str,
    format: SheetFormat,
    encoding: SheetEncoding,
    size: u64,
    mode: ImportMode,
) -> Result<Settings, ApiError> {
    let all: Vec<String> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .filter(organizations::archived_at.is_null())
        .limit(2)
        .select(organizations::id)
        .load(scope.conn)?;
    Ok(Settings {
        file_name: text::single_line(name, 200).unwrap_or_else(|_| "import".to_owned()),
        format,
        encoding,
        mode,
        on_error: OnError::AllOrNothing,
        key: None,
        organization_id: if let [only] = all.as_slice() {
            Some(only.clone())
        } else {
            None
        },
        mapping: BTreeMap::new(),
        size_bytes: i64::try_from(size).map_err(ApiError::internal)?,
        same_as_id: None,
    })
}

/// The bytes of a file on the disk of the store; `None`: it is too large.
pub(crate) fn receive(app: &App, path: &Path) -> io::Result<Option<Incoming>> {
    let mut file = fs::File::open(path)?;
    let mut incoming = Incoming::begin(app)?;
    loop {
        let mut bytes = vec![];
        io::Read::by_ref(&mut file).take(STEP).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            break;
        }
        incoming.take(&bytes)?;
        if incoming.size() > FILE_LIMIT {
            return Ok(None);
        }
    }
    incoming.end()?;
    Ok(Some(incoming))
}

/// The import of a content that is under way, or has been applied: one that failed is tried again.
fn known(scope: &mut Scope<'_>, entity: Entity, sha256: &str) -> Result<Option<ImportRow>, ApiError> {
    let found: Vec<ImportRow> = imports::table
        .filter(imports::local_government_id.eq(&scope.lg))
        .filter(imports::sha256.eq(sha256))
        .filter(imports::entity.eq(entity.code()))
        .order(imports::id.desc())
        .limit(50)
        .select(ImportRow::as_select())
        .load(scope.conn)?;
    for row in found {
        let counts = !matches!(row.status.0, ImportStatus::Failed | ImportStatus::Cancelled);
        if counts && row.settings()?.mode == ImportMode::Apply {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Puts a file away whose import has ended.
fn end(
    app: &App,
    tenant: &Tenant,
    directory: &Path,
    path: &Path,
    name: &str,
    row: &ImportRow,
    again: bool,
) -> Result<Next, ApiError> {
    match row.status.0 {
        ImportStatus::Queued | ImportStatus::Running => Ok(Next::Wait(Some(row.id.clone()))),
        ImportStatus::Succeeded => {
            let import = row.wire(Lang::Ja)?;
            let result = json!({"import_id": row.id, "already_imported": again, "counts": import.counts,
                "unknown_columns": import.unknown_columns, "finished_at": import.finished_at});
            let text = serde_json::to_string_pretty(&result)? + "\n";
            put_away(
                &directory.join("done"),
                path,
                name,
                &row.id,
                &[("result.json", text.as_bytes())],
            )?;
            Ok(Next::PutAway)
        }
        ImportStatus::Failed | ImportStatus::Cancelled => {
            let reason = app.read_as(tenant, |scope| reason(scope, row, name))?;
            let made = if row.failed > 0 {
                Some(error_file::make(app, tenant, row, Lang::Ja)?)
            } else {
                None
            };
            let mut beside: Vec<(String, &[u8])> = vec![("reason.txt".to_owned(), reason.as_bytes())];
            if let Some((_, bytes)) = &made {
                beside.push((format!("errors.{}", row.settings()?.format.code()), bytes));
            }
            let beside: Vec<(&str, &[u8])> = beside.iter().map(|(end, bytes)| (end.as_str(), *bytes)).collect();
            put_away(&directory.join("error"), path, name, &row.id, &beside)?;
            Ok(Next::PutAway)
        }
    }
}

/// Why an import came to nothing, for people.
fn reason(scope: &mut Scope<'_>, row: &ImportRow, name: &str) -> Result<String, ApiError> {
    let mut lines = vec![name.to_owned(), String::new(), "取り込めませんでした。".to_owned()];
    lines.push(match row.problem(Lang::Ja)? {
        Some(problem) => format!("{}（{}）", problem.message, problem.code),
        None => "取込は取り消されました。".to_owned(),
    });
    for error in rows::errors(scope, &row.id, (0, -1), NAMED)? {
        let error = error.wire(Lang::Ja);
        let place = error.cell.unwrap_or_else(|| format!("{}行目", error.row));
        lines.push(format!("{place}: {}", error.message));
    }
    lines.push("\n誤りを直し、このファイルをもう一度 in に置いてください。\n".to_owned());
    Ok(lines.join("\n"))
}

/// Moves a file away with what is written beside it; a file of its name that is there already stays.
fn put_away(to: &Path, path: &Path, name: &str, id: &str, beside: &[(&str, &[u8])]) -> Result<(), ApiError> {
    fs::create_dir_all(to).map_err(ApiError::internal)?;
    let stamp = |number: u32| match (number, id) {
        (0, _) => name.to_owned(),
        (1, id) if !id.is_empty() => format!("{id}_{name}"),
        (number, _) => format!("{number}_{name}"),
    };
    let free = (0..10_000)
        .map(stamp)
        .find(|name| !to.join(name).exists())
        .ok_or_else(|| ApiError::internal("the watched folder is full"))?;
    // The words first: a file without them would tell nobody why.
    for (end, bytes) in beside {
        fs::write(to.join(format!("{free}.{end}")), bytes).map_err(ApiError::internal)?;
    }
    fs::rename(path, to.join(&free)).map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_name_tells_the_entity() {
        for (name, entity) in [
            ("contractors.csv", Some(Entity::Contractors)),
            ("contractors_2027.csv", Some(Entity::Contractors)),
            ("Cloud_Services-令和9年度.XLSX", Some(Entity::CloudServices)),
            ("people (1).xlsx", Some(Entity::People)),
            ("contractorsx.csv", None),
            ("業者一覧.csv", None),
        ] {
            assert_eq!(entity_of(name), entity, "{name}");
        }
    }

    #[test]
    fn a_file_that_is_being_written_is_left_alone() {
        for name in [
            "contractors.csv.part",
            "contractors.csv.TMP",
            ".contractors.csv",
            "~$contractors.xlsx",
            "",
        ] {
            assert!(is_unfinished(name), "{name}");
        }
        assert!(!is_unfinished("contractors.csv"));
    }
}
