//! Exports on the wire, and the order that the worker carries out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::subject::Subject;
use crate::clock::Instant;
use crate::domain::vocabulary::code_words;
use crate::http::caller::Organizations;
use crate::http::error::Lang;
use crate::http::page::page_of;
use crate::reports::ReportKey;
use crate::sheets::cells::HeaderLanguage;
use crate::sheets::columns::Entity;
use crate::sheets::write::Encoding;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values, as Excel opens them.
    Csv,
    /// Excel.
    Xlsx,
    /// One JSON object a line.
    Ndjson,
    /// One JSON document.
    Json,
    /// A release package of the Open Contracting Data Standard 1.1; engagements only.
    Ocds,
}

impl Format {
    /// The extension of its files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Ndjson => "ndjson",
            Self::Json | Self::Ocds => "json",
        }
    }

    /// Whether it has rows and columns.
    pub const fn is_sheet(self) -> bool {
        matches!(self, Self::Csv | Self::Xlsx)
    }
}

code_words! {
    /// How far an export is.
    ExportStatus {
        Queued = "queued", "受付済み";
        Running = "running", "作成中";
        Succeeded = "succeeded", "完了";
        Failed = "failed", "失敗";
    }
}

/// How far the work is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExportProgress {
    /// Rows written.
    pub done: i64,
    /// All rows, once they are known.
    #[schema(required)]
    pub total: Option<i64>,
}

/// Why an export failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExportError {
    /// The stable code: `unmappable_character`, `cell_too_long`, `too_many_rows`, `internal_error` … (the list grows).
    #[schema(example = "unmappable_character")]
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// An export.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Export {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// What is exported, when it is an entity.
    #[schema(required)]
    pub entity: Option<Entity>,
    /// What is exported, when it is a report.
    #[schema(required)]
    pub report_key: Option<ReportKey>,
    /// The format.
    pub format: Format,
    /// The encoding; of CSV only.
    #[schema(required)]
    pub encoding: Option<Encoding>,
    /// The language of headers and labels; of CSV and XLSX only.
    #[schema(required)]
    pub header_language: Option<HeaderLanguage>,
    /// The columns that were asked for; null: all.
    #[schema(required)]
    pub columns: Option<Vec<String>>,
    /// The filter.
    #[schema(value_type = Object)]
    pub filter: Map<String, Value>,
    /// How far it is.
    pub status: ExportStatus,
    /// Rows.
    pub progress: ExportProgress,
    /// Why it failed.
    #[schema(required)]
    pub error: Option<ExportError>,
    /// The name of the file.
    #[schema(required, example = "委託事業者_20270401.csv")]
    pub file_name: Option<String>,
    /// Its size in bytes.
    #[schema(required)]
    pub size_bytes: Option<i64>,
    /// SHA-256 of its bytes, in hexadecimal.
    #[schema(required)]
    pub sha256: Option<String>,
    /// When it was asked for.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it ended.
    #[schema(required)]
    pub finished_at: Option<Instant>,
    /// When export and file are removed.
    pub expires_at: Instant,
}

page_of! {
    /// A page of exports.
    ExportPage of Export
}

/// A file to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportCreate {
    /// What to export: an entity, or a report by `report_key`.
    #[serde(default)]
    #[schema(nullable = false)]
    pub entity: Option<Entity>,
    /// The report to export.
    #[serde(default)]
    #[schema(nullable = false)]
    pub report_key: Option<ReportKey>,
    /// The format.
    pub format: Format,
    /// The encoding of CSV; `utf-8-bom` without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub encoding: Option<Encoding>,
    /// Keys of the columns, in the order of the file; all without it. For CSV and XLSX.
    #[serde(default)]
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    pub columns: Option<Vec<ColumnKey>>,
    /// The same names and values as the parameters of the list or report, as `{"status": "active"}`.
    #[serde(default)]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub filter: Option<Map<String, Value>>,
    /// The language of headers and labels; `ja` without it. For CSV and XLSX.
    #[serde(default)]
    #[schema(nullable = false)]
    pub header_language: Option<HeaderLanguage>,
}

/// The key of a column: `corporate_number`, `external_ids.zaimu`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 60, example = "corporate_number")]
pub struct ColumnKey(pub String);

/// Filters of the list.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// In this status.
    #[param(nullable = false)]
    pub status: Option<ExportStatus>,
}

/// The bytes of a file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct ExportContent(pub Vec<u8>);

/// What is to be written, and as far as whose eyes reach.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub subject: Subject,
    pub format: Format,
    pub encoding: Encoding,
    pub language: HeaderLanguage,
    pub columns: Option<Vec<String>>,
    pub filter: Map<String, Value>,
    /// Of these organizations; none: of all.
    pub organization_ids: Option<Vec<String>>,
    /// Moves that are not announced yet are shown.
    pub planned: bool,
}

impl Order {
    /// The language of titles in the rows.
    pub(crate) const fn lang(&self) -> Lang {
        match self.language {
            HeaderLanguage::Ja => Lang::Ja,
            HeaderLanguage::En | HeaderLanguage::Key => Lang::En,
        }
    }

    /// Where the one who ordered it may look.
    pub(crate) fn organizations(&self) -> Organizations {
        match &self.organization_ids {
            None => Organizations::All,
            Some(ids) => Organizations::Only(ids.clone()),
        }
    }
}
