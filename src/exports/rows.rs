//! The rows of exports.

use diesel::prelude::*;

use super::subject::Subject;
use super::wire::{Export, ExportError, ExportFilter, ExportProgress, ExportStatus, Order};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::exports;
use crate::db::types::Word;
use crate::http::caller::{Caller, Permission};
use crate::http::error::{ApiError, Lang};
use crate::http::page::{self, After};

/// How long an export is kept.
const KEPT_SECONDS: i64 = 7 * 24 * 60 * 60;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = exports)]
pub(super) struct ExportRow {
    pub id: String,
    order_json: String,
    pub status: Word<ExportStatus>,
    pub rows_done: i64,
    error_code: Option<String>,
    error_ja: Option<String>,
    error_en: Option<String>,
    pub file_name: Option<String>,
    pub storage_name: Option<String>,
    pub size_bytes: Option<i64>,
    sha256: Option<String>,
    created_at: Instant,
    created_by: String,
    finished_at: Option<Instant>,
    expires_at: Instant,
}

impl ExportRow {
    /// What was ordered.
    pub(super) fn order(&self) -> Result<Order, ApiError> {
        Ok(serde_json::from_str(&self.order_json)?)
    }

    pub(super) fn wire(self, lang: Lang) -> Result<Export, ApiError> {
        let order = self.order()?;
        let (entity, report_key) = match order.subject {
            Subject::Entity(entity) => (Some(entity), None),
            Subject::Report(report) => (None, Some(report)),
        };
        let message = lang.pick(self.error_ja, self.error_en);
        Ok(Export {
            entity,
            report_key,
            format: order.format,
            encoding: (order.format == super::wire::Format::Csv).then_some(order.encoding),
            header_language: order.format.is_sheet().then_some(order.language),
            columns: order.columns,
            filter: order.filter,
            progress: ExportProgress {
                done: self.rows_done,
                total: (self.status.0 == ExportStatus::Succeeded).then_some(self.rows_done),
            },
            error: self
                .error_code
                .zip(message)
                .map(|(code, message)| ExportError { code, message }),
            status: self.status.0,
            id: self.id,
            file_name: self.file_name,
            size_bytes: self.size_bytes,
            sha256: self.sha256,
            created_at: self.created_at,
            created_by: self.created_by,
            finished_at: self.finished_at,
            expires_at: self.expires_at,
        })
    }
}

/// Puts an order into the queue; answers its id.
pub(super) fn insert(scope: &mut Scope<'_>, client_id: &str, order: &Order) -> Result<String, ApiError> {
    let id = scope.new_id();
    diesel::insert_into(exports::table)
        .values((
            exports::local_government_id.eq(&scope.lg),
            exports::id.eq(&id),
            exports::client_id.eq(client_id),
            exports::subject.eq(order.subject.code()),
            exports::order_json.eq(serde_json::to_string(order)?),
            exports::status.eq(Word(ExportStatus::Queued)),
            exports::rows_done.eq(0),
            exports::created_at.eq(scope.at),
            exports::created_by.eq(scope.by()),
            exports::expires_at.eq(scope.at.plus_seconds(KEPT_SECONDS)),
        ))
        .execute(scope.conn)?;
    Ok(id)
}

/// An export of this client, as far as its token still reads what is in it.
///
/// # Errors
/// 404 for another client's, or for one made when the client could see more; 403 without the scope that reads it.
pub(super) fn find<P: Permission>(scope: &mut Scope<'_>, caller: &Caller<P>, id: &str) -> Result<ExportRow, ApiError> {
    let row: ExportRow = exports::table
        .find((&scope.lg, id))
        .filter(exports::client_id.eq(&caller.client_id))
        .select(ExportRow::as_select())
        .first(scope.conn)?;
    let order = row.order()?;
    let still = match (caller.organizations.list(), &order.organization_ids) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(_), Some(ids)) => ids.iter().all(|id| caller.organizations.contains(id)),
    };
    if !still {
        return Err(ApiError::NotFound);
    }
    caller.require_scope(order.subject.read_scope())?;
    Ok(row)
}

/// The client's exports, one more than the limit at most, and where the search ended.
pub(super) fn page(
    scope: &mut Scope<'_>,
    client_id: &str,
    filter: &ExportFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<ExportRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let bound: Option<String> = exports::table
        .filter(exports::local_government_id.eq(&scope.lg))
        .filter(exports::client_id.eq(client_id))
        .filter(exports::id.gt(&start))
        .order(exports::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(exports::id)
        .first(scope.conn)
        .optional()?;
    let mut query = exports::table
        .filter(exports::local_government_id.eq(scope.lg.clone()))
        .filter(exports::client_id.eq(client_id.to_owned()))
        .filter(exports::id.gt(start))
        .order(exports::id)
        .limit(limit + 1)
        .select(ExportRow::as_select())
        .into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(exports::status.eq(Word(status)));
    }
    if let Some(bound) = &bound {
        query = query.filter(exports::id.le(bound.clone()));
    }
    let bound = bound.map(|id| After { key: String::new(), id });
    Ok((query.load(scope.conn)?, bound))
}
