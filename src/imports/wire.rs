//! What an import looks like on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::vocabulary::code_words;
use crate::http::page::page_of;
use crate::sheets::columns::Entity;
use crate::sheets::read::{SheetEncoding, SheetFormat};

code_words! {
    /// Whether the rows are taken into the register, or only checked.
    ImportMode {
        /// Everything is checked and counted as if, and nothing is written.
        DryRun = "dry_run", "確認のみ";
        /// The rows are written.
        Apply = "apply", "反映";
    }
}

code_words! {
    /// What a wrong row does to the others.
    OnError {
        /// Nothing is written unless every row is right.
        AllOrNothing = "all_or_nothing", "すべてか無か";
        /// The others are written.
        SkipRow = "skip_row", "誤りの行を除く";
    }
}

code_words! {
    /// By what a row is recognised; without it by whichever of them the row has, the id first.
    ImportKey {
        /// By the id of this service.
        Id = "id", "ID";
        /// By keys in other systems.
        ExternalId = "external_id", "外部ID";
        /// By the corporate number of a contractor.
        CorporateNumber = "corporate_number", "法人番号";
    }
}

code_words! {
    /// Where an import stands.
    ImportStatus {
        Queued = "queued", "待機中";
        Running = "running", "処理中";
        Succeeded = "succeeded", "完了";
        /// Nothing more will come of it: the file cannot be read, or a row is wrong and nothing was to be skipped.
        Failed = "failed", "失敗";
        Cancelled = "cancelled", "取消し";
    }
}

code_words! {
    /// What is being done.
    ImportPhase {
        /// The file is read.
        Staging = "staging", "読み取り";
        /// Every row is tried.
        Checking = "checking", "確認";
        /// The rows are written, at most 500 in a transaction.
        Applying = "applying", "反映";
        Done = "done", "終了";
    }
}

/// A file to import, as `multipart/form-data`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportCreate {
    /// What a row of the file is.
    pub entity: Entity,
    /// The file, at most 10 MiB and 100,000 rows. Its first 20 rows are searched for the header.
    #[schema(format = Binary)]
    pub file: String,
    /// Its format; without it by the extension of its name.
    #[serde(default)]
    #[schema(nullable = false)]
    pub format: Option<SheetFormat>,
    /// How the texts of a CSV file are written; `auto` without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub encoding: Option<SheetEncoding>,
    /// `dry_run` without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub mode: Option<ImportMode>,
    /// `all_or_nothing` without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub on_error: Option<OnError>,
    /// By what a row is recognised.
    #[serde(default)]
    #[schema(nullable = false)]
    pub key: Option<ImportKey>,
    /// The organization of rows that name none.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub organization_id: Option<String>,
    /// A JSON object: header of the file → key of a column, for headers that are not recognised, as
    /// `{"相手方コード": "external_ids.zaimu"}`.
    #[serde(default)]
    #[schema(nullable = false, max_length = 16384)]
    pub mapping: Option<String>,
}

/// How far an import is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportProgress {
    /// Rows done in this phase.
    #[schema(minimum = 0)]
    pub done: i64,
    /// Rows of the file, as far as it is read.
    #[schema(minimum = 0)]
    pub total: i64,
}

/// What becomes of the rows; of a dry run, what would.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportCounts {
    /// Read.
    #[schema(minimum = 0)]
    pub read: i64,
    /// Registered.
    #[schema(minimum = 0)]
    pub created: i64,
    /// Changed.
    #[schema(minimum = 0)]
    pub updated: i64,
    /// Said what was known.
    #[schema(minimum = 0)]
    pub unchanged: i64,
    /// Wrong.
    #[schema(minimum = 0)]
    pub failed: i64,
}

/// What is wrong with a file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportProblem {
    /// The stable code.
    #[schema(example = "missing_key_column")]
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// An import (取込).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Import {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// What a row is.
    pub entity: Entity,
    /// The name of the file.
    pub file_name: String,
    /// Its format.
    pub format: SheetFormat,
    /// The encoding that was found; `auto` before it is read.
    pub encoding: SheetEncoding,
    /// Whether the rows are written.
    pub mode: ImportMode,
    /// What a wrong row does.
    pub on_error: OnError,
    /// By what a row is recognised.
    #[schema(required)]
    pub key: Option<ImportKey>,
    /// The organization of rows that name none.
    #[schema(required, format = Uuid)]
    pub organization_id: Option<String>,
    /// Headers that the client explained.
    pub mapping: BTreeMap<String, String>,
    /// Bytes.
    #[schema(minimum = 1)]
    pub size_bytes: i64,
    /// SHA-256 of the file, hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// An earlier import of the same file that was applied.
    #[schema(required, format = Uuid)]
    pub same_as_id: Option<String>,
    /// Where it stands.
    pub status: ImportStatus,
    /// What is being done.
    pub phase: ImportPhase,
    /// How far.
    pub progress: ImportProgress,
    /// What becomes of the rows.
    pub counts: ImportCounts,
    /// The row of the header, once it is found.
    #[schema(required, minimum = 1)]
    pub header_row: Option<u32>,
    /// Headers that are no column of this entity: their cells are not read.
    pub unknown_columns: Vec<String>,
    /// Columns that are shown by exports and never read by imports.
    pub ignored_columns: Vec<String>,
    /// Why the whole file is refused.
    #[schema(required)]
    pub problem: Option<ImportProblem>,
    /// When it was sent.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it ended.
    #[schema(required)]
    pub finished_at: Option<Instant>,
    /// When its rows and errors are erased.
    #[schema(required)]
    pub expires_at: Option<Instant>,
}

page_of! {
    /// A page of imports.
    ImportPage of Import
}

/// What is wrong with a cell or a row.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportRowError {
    /// The row, as the spreadsheet shows it.
    #[schema(minimum = 1, example = 5)]
    pub row: i64,
    /// The column by its letters; null when it is about the whole row.
    #[schema(required, example = "C")]
    pub column: Option<String>,
    /// The cell.
    #[schema(required, example = "C5")]
    pub cell: Option<String>,
    /// The key of the column.
    #[schema(required, example = "corporate_number")]
    pub field: Option<String>,
    /// The stable code.
    #[schema(example = "invalid_date")]
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
}

page_of! {
    /// A page of errors.
    ImportRowErrorPage of ImportRowError
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
}

/// Where a list of errors begins.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportErrorFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Errors on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
}

/// The bytes of an error file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct ErrorFileContent(pub Vec<u8>);
