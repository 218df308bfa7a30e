//! The bytes of files on disk: written beside their place, moved there when they are whole, swept when no row names
//! them.
//!
//! `DATA_DIR/files/ab/abcd…` is the place, by a random storage name that tells nothing; `DATA_DIR/files/incoming` is
//! on the same file system, so that the move is one step. The move comes before the row's commit: a row without its
//! file cannot be, a file without its row is swept after [`KEPT_WITHOUT_ROW`].

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::clamd;
use crate::app::App;
use crate::db::schema::{exports, files, imports};
use crate::domain::file_type::{FileType, TextCheck};
use crate::http::error::ApiError;

/// The largest file, in bytes: 25 MiB.
pub(crate) const FILE_LIMIT: u64 = 25 * 1024 * 1024;
/// How long a file stays that no row names: longer than any upload takes.
const KEPT_WITHOUT_ROW: i64 = 24 * 60 * 60;
/// Names that are looked up at a time.
const LOOKED_UP: usize = 500;
const INCOMING: &str = "incoming";

/// `DATA_DIR/files`.
fn root(app: &App) -> PathBuf {
    app.config.data_dir.join("files")
}

/// Where the file of a storage name is.
fn place(app: &App, storage_name: &str) -> PathBuf {
    root(app)
        .join(storage_name.chars().take(2).collect::<String>())
        .join(storage_name)
}

/// Makes a directory that only this user can enter.
fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file that is arriving. It is gone when it is dropped before [`Incoming::keep`].
#[derive(Debug)]
pub(crate) struct Incoming {
    app: App,
    storage_name: String,
    path: PathBuf,
    file: File,
    size: u64,
    hasher: Sha256,
    text: TextCheck,
    kept: bool,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "an upload that was given up stays until it is swept");
        }
    }
}

impl Incoming {
    /// An empty file under a new random name.
    pub(crate) fn begin(app: &App) -> io::Result<Self> {
        let storage_name = app
            .random
            .bytes::<16>()
            .iter()
            .fold(String::new(), |name, byte| name + &format!("{byte:02x}"));
        let directory = workplace(app)?;
        let path = directory.join(&storage_name);
        Ok(Self {
            app: app.clone(),
            file: new_file(&path)?,
            storage_name,
            path,
            size: 0,
            hasher: Sha256::new(),
            text: TextCheck::default(),
            kept: false,
        })
    }

    /// Takes the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.hasher.update(bytes);
        self.text.take(bytes, false);
        self.file.write_all(bytes)
    }

    /// Ends the arrival: every byte is on disk.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.text.take(&[], true);
        self.file.sync_all()
    }

    /// Bytes so far.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The random name that the row keeps.
    pub(crate) fn storage_name(&self) -> &str {
        &self.storage_name
    }

    /// Lower-case hexadecimal SHA-256 of the whole.
    pub(crate) fn sha256(&self) -> String {
        let digest = self.hasher.clone().finalize();
        digest
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Whether the whole is of this type.
    pub(crate) fn is(&mut self, file_type: FileType) -> io::Result<bool> {
        file_type.is_type_of(&mut self.file, &self.text)
    }

    /// Has the whole looked through by the scanner.
    pub(super) fn scan(&mut self, address: &str) -> io::Result<clamd::Verdict> {
        self.file.seek(SeekFrom::Start(0))?;
        clamd::scan(address, &mut self.file)
    }

    /// Moves the file to its place; the row follows in the same transaction.
    pub(crate) fn keep(&mut self) -> io::Result<()> {
        let place = place(&self.app, &self.storage_name);
        let directory = place.parent().unwrap_or(&place);
        make_directory(directory)?;
        fs::rename(&self.path, &place)?;
        self.kept = true;
        // The name must last as surely as the bytes.
        File::open(directory)?.sync_all()
    }
}

/// A directory on the disk of the files, for what is made there before it is kept.
///
/// # Errors
/// A directory that cannot be made.
pub(crate) fn workplace(app: &App) -> io::Result<PathBuf> {
    let directory = root(app).join(INCOMING);
    make_directory(&directory)?;
    Ok(directory)
}

/// Removes a kept file that no row names any more; one that is gone already is as good.
///
/// # Errors
/// A file that cannot be removed; it is swept a day later.
pub(crate) fn remove(app: &App, storage_name: &str) -> io::Result<()> {
    match fs::remove_file(place(app, storage_name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Opens a kept file of this size.
///
/// # Errors
/// A file that is gone or of another size: somebody was at the directory.
pub(crate) fn open(app: &App, storage_name: &str, size: u64) -> io::Result<File> {
    let file = File::open(place(app, storage_name))?;
    if file.metadata()?.len() == size {
        Ok(file)
    } else {
        Err(io::Error::other(format!(
            "{storage_name} is not {size} bytes long any more"
        )))
    }
}

/// The next bytes of a file, empty at its end.
pub(super) fn next_bytes(file: &mut File) -> io::Result<Vec<u8>> {
    const STEP: u64 = 64 * 1024;
    let mut bytes = vec![];
    file.take(STEP).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes files that no row names and that are a day old; answers how many.
///
/// # Errors
/// A directory that cannot be read, or a database failure; what was removed stays removed.
pub(crate) fn sweep(app: &App) -> Result<usize, ApiError> {
    let mut swept = 0;
    let root = root(app);
    if !root.exists() {
        return Ok(0);
    }
    for directory in fs::read_dir(&root).map_err(ApiError::internal)? {
        let directory = directory.map_err(ApiError::internal)?.path();
        let arriving = directory.file_name().is_some_and(|name| name == INCOMING);
        let mut old = vec![];
        for file in fs::read_dir(&directory).map_err(ApiError::internal)? {
            let file = file.map_err(ApiError::internal)?;
            // An upload that has ended meanwhile is there no more.
            let Ok(changed) = file.metadata().and_then(|about| about.modified()) else {
                continue;
            };
            let changed: chrono::DateTime<chrono::Utc> = changed.into();
            let age = app.clock.now().unix_seconds() - changed.timestamp();
            if age > KEPT_WITHOUT_ROW
                && let Ok(name) = file.file_name().into_string()
            {
                old.push(name);
            }
        }
        for names in old.chunks(LOOKED_UP) {
            let named = if arriving { BTreeSet::new() } else { named(app, names)? };
            for name in names.iter().filter(|name| !named.contains(*name)) {
                fs::remove_file(directory.join(name)).map_err(ApiError::internal)?;
                swept += 1;
            }
        }
    }
    if swept > 0 {
        tracing::warn!(swept, "files without a record were removed");
    }
    Ok(swept)
}

/// Which of these storage names a row has, in any local government: the names are random and tell nothing.
fn named(app: &App, names: &[String]) -> Result<BTreeSet<String>, ApiError> {
    app.db.read(|conn| {
        let uploads: Vec<String> = files::table
            .filter(files::storage_name.eq_any(names))
            .select(files::storage_name)
            .load(conn)?;
        let exported: Vec<Option<String>> = exports::table
            .filter(exports::storage_name.eq_any(names))
            .select(exports::storage_name)
            .load(conn)?;
        let imported: Vec<Option<String>> = imports::table
            .filter(imports::storage_name.eq_any(names))
            .select(imports::storage_name)
            .load(conn)?;
        let others = exported.into_iter().chain(imported).flatten();
        Ok(uploads.into_iter().chain(others).collect())
    })
}
