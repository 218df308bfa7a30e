//! Files: contracts, certificates and reports as they came, for evidence to point at. They never change.
//!
//! The row is here, the bytes are in the data directory ([`store`]); [`upload`] receives them, [`clamd`] has them
//! looked through. A file is read as an attachment only: no browser shows it under this service's name.

mod clamd;
pub(crate) mod store;
pub(crate) mod upload;

use actix_multipart::Multipart;
use actix_web::body::SizedStream;
use actix_web::http::header::{self, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{App, Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::files;
use crate::db::types::Word;
use crate::domain::file_type::FileType;
use crate::domain::vocabulary::CodeWord;
use crate::http::answer::Answer;
use crate::http::body::{Params, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError, Problem};
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After, page_of};
use crate::{organizations, policy_documents};
use upload::Upload;

const KIND: &str = "file";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_files)
        .service(create_file)
        .service(get_file)
        .service(download_file);
}

/// A kept file; its bytes are at `/content`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StoredFile {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// Its name.
    #[schema(example = "認証登録証.pdf")]
    pub name: String,
    /// Its type, by extension and content.
    pub file_type: FileType,
    /// Its media type.
    #[schema(example = "application/pdf")]
    pub media_type: String,
    /// Bytes.
    #[schema(minimum = 1, maximum = 26_214_400)]
    pub size_bytes: i64,
    /// SHA-256 of the bytes, hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// Whether a malware scanner has looked through it on arrival.
    pub scanned: bool,
    /// When it arrived.
    pub created_at: Instant,
    /// Who sent it.
    pub created_by: String,
}

/// A file to keep, as `multipart/form-data`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The file, at most 25 MiB: `pdf`, `png`, `jpg`, `jpeg`, `docx`, `xlsx` without macros, or `csv` and `txt` in
    /// UTF-8 or CP932. Archives are not taken. The content must be what the extension says.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
    /// Its name, when the one of the file's part is not to count; only what stands behind the last slash.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub file_name: Option<String>,
}

/// The bytes of a file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct FileContent(pub Vec<u8>);

page_of! {
    /// A page of files.
    StoredFilePage of StoredFile
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = files)]
struct FileRow {
    id: String,
    organization_id: String,
    name: String,
    file_type: Word<FileType>,
    size_bytes: i64,
    sha256: String,
    storage_name: String,
    scanned: bool,
    created_at: Instant,
    created_by: String,
}

impl FileRow {
    fn wire(self) -> StoredFile {
        StoredFile {
            id: self.id,
            organization_id: self.organization_id,
            name: self.name,
            file_type: self.file_type.0,
            media_type: self.file_type.0.media_type().to_owned(),
            size_bytes: self.size_bytes,
            sha256: self.sha256,
            scanned: self.scanned,
            created_at: self.created_at,
            created_by: self.created_by,
        }
    }
}

/// The row of a file that the caller may touch.
fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<FileRow, ApiError> {
    let row: FileRow = files::table
        .find((&scope.lg, id))
        .select(FileRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// Whether there is a file of this id in the organization.
///
/// # Errors
/// A database failure.
pub(crate) fn is_of(scope: &mut Scope<'_>, organization_id: &str, id: &str) -> Result<bool, ApiError> {
    let found: Option<String> = files::table
        .find((&scope.lg, id))
        .filter(files::organization_id.eq(organization_id))
        .select(files::id)
        .first(scope.conn)
        .optional()?;
    Ok(found.is_some())
}

/// Checks that a record of this organization can name the file.
///
/// # Errors
/// 422 at `pointer`.
pub(crate) fn require(scope: &mut Scope<'_>, id: &str, organization_id: &str, pointer: &str) -> Result<(), ApiError> {
    if is_of(scope, organization_id, id)? {
        Ok(())
    } else {
        Err(ApiError::Validation(vec![FieldError::reference(pointer)]))
    }
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
}

/// List files
///
/// Sorted by id, which is the order of arrival.
#[utoipa::path(tag = "evidence", params(FileFilter), security(("oauth2" = ["files:read"])), responses(
    (status = 200, description = "ファイルの一覧 / A page of files", body = StoredFilePage), Problems))]
#[get("/files")]
async fn list_files(
    caller: Caller<scope::FilesRead>,
    request: HttpRequest,
    Params(filter): Params<FileFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_files", &filter.organization_id);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let bound: Option<String> = files::table
                .filter(files::local_government_id.eq(&scope.lg))
                .filter(files::id.gt(&start))
                .order(files::id)
                .offset(page::BUDGET)
                .limit(1)
                .select(files::id)
                .first(scope.conn)
                .optional()?;
            let mut select = files::table
                .filter(files::local_government_id.eq(scope.lg.clone()))
                .filter(files::id.gt(start))
                .order(files::id)
                .limit(limit + 1)
                .select(FileRow::as_select())
                .into_boxed();
            if let Some(bound) = &bound {
                select = select.filter(files::id.le(bound.clone()));
            }
            if let Some(ids) = caller.organizations.list() {
                select = select.filter(files::organization_id.eq_any(ids.to_vec()));
            }
            if let Some(id) = &filter.organization_id {
                select = select.filter(files::organization_id.eq(id.clone()));
            }
            let rows = select.load(scope.conn)?;
            let bound = bound.map(|id| After { key: String::new(), id });
            let (rows, next) = page::cut(rows, limit, bound, &print, |row: &FileRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows.into_iter().map(FileRow::wire).collect();
            page::answer(
                &path,
                &query,
                &StoredFilePage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// Keep a file
///
/// The content must be what the extension says (422 `file_type_mismatch`). Where a malware scanner is set, the file is
/// looked through before it is kept: 422 `malware_found`, and 503 `scanner_unavailable` while the scanner is away.
#[utoipa::path(tag = "evidence", request_body(content = FileCreate, content_type = "multipart/form-data"),
    security(("oauth2" = ["files:write"])), responses(
    (status = 201, description = "受け取ったファイル / The file", body = StoredFile,
     headers(("Location" = String, description = "URL"))),
    (status = 503, description = "ウイルス検査ができない / The malware scanner is away", body = Problem,
     content_type = "application/problem+json"),
    Problems, WriteProblems))]
#[post("/files")]
async fn create_file(
    caller: Caller<scope::FilesWrite>,
    request: HttpRequest,
    form: Multipart,
) -> Result<HttpResponse, ApiError> {
    let upload = upload::receive(caller.app(), &request, form).await?;
    let (organization_id, name, sha256) = (&upload.organization_id, &upload.name, upload.incoming.sha256());
    let said = format!("{organization_id}\n{name}\n{sha256}");
    caller
        .saying(&said)
        .write(move |caller, scope| {
            if !caller.organizations.contains(&upload.organization_id) {
                return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
            }
            organizations::require(scope, &upload.organization_id, "/organization_id")?;
            // What is not kept goes with the upload.
            let file = keep(scope, upload, !caller.dry_run)?;
            Answer::created(format!("/api/v1/files/{}", file.id), file)
        })
        .await
}

/// Keeps a checked upload; without `for_good` its row is written and its bytes go with the upload.
///
/// # Errors
/// A file that cannot be moved to its place.
pub(crate) fn keep(scope: &mut Scope<'_>, mut upload: Upload, for_good: bool) -> Result<StoredFile, ApiError> {
    if for_good {
        upload.incoming.keep().map_err(ApiError::internal)?;
    }
    let id = scope.new_id();
    diesel::insert_into(files::table)
        .values((
            files::local_government_id.eq(&scope.lg),
            files::id.eq(&id),
            files::organization_id.eq(&upload.organization_id),
            files::name.eq(&upload.name),
            files::file_type.eq(upload.file_type.code()),
            files::size_bytes.eq(i64::try_from(upload.incoming.size()).map_err(ApiError::internal)?),
            files::sha256.eq(upload.incoming.sha256()),
            files::storage_name.eq(upload.incoming.storage_name()),
            files::scanned.eq(upload.scanned),
            files::created_at.eq(scope.at),
            files::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    let file = find(scope, &Organizations::All, &id)?.wire();
    let subject = Subject {
        kind: KIND,
        id: &id,
        organization_id: Some(&file.organization_id),
        entry_id: None,
    };
    scope.record("file.created", subject, serde_json::to_value(&file)?);
    Ok(file)
}

/// Get a file's description
///
/// Name, type, size and hash; the bytes are at `/content`.
#[utoipa::path(tag = "evidence", params(("file_id" = String, Path, description = "ファイルのID", format = Uuid)),
    security(("oauth2" = ["files:read"])), responses(
    (status = 200, description = "ファイル / The file", body = StoredFile), Problems))]
#[get("/files/{file_id}")]
async fn get_file(caller: Caller<scope::FilesRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| Answer::ok(find(scope, &caller.organizations, &path_id(&id)?)?.wire()))
        .await
}

/// Download a file
///
/// The bytes as they came, always as an attachment of no particular type, so that no browser shows them. A file of a
/// restricted document is not given out (409 `restricted_document`).
#[utoipa::path(tag = "evidence", params(("file_id" = String, Path, description = "ファイルのID", format = Uuid)),
    security(("oauth2" = ["files:read"])), responses(
    (status = 200, description = "ファイルの中身 / The bytes", body = FileContent, content_type = "application/octet-stream",
     headers(("Content-Disposition" = String, description = "attachment と名前 / attachment with the name"))),
    Problems))]
#[get("/files/{file_id}/content")]
async fn download_file(caller: Caller<scope::FilesRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let app = caller.app().clone();
    let row = caller
        .fetch(move |caller, scope| {
            let row = find(scope, &caller.organizations, &path_id(&id)?)?;
            policy_documents::require_unrestricted(scope, &row.id)?;
            Ok(row)
        })
        .await?;
    let plain = format!("file.{}", row.file_type.0.code());
    attachment(app, row.storage_name, row.size_bytes, &row.name, &plain).await
}

/// A kept file as an attachment that no browser shows.
///
/// # Errors
/// A file that is gone.
pub(crate) async fn attachment(
    app: App,
    storage_name: String,
    size_bytes: i64,
    name: &str,
    plain: &str,
) -> Result<HttpResponse, ApiError> {
    let size = u64::try_from(size_bytes).map_err(ApiError::internal)?;
    let file = web::block(move || store::open(&app, &storage_name, size))
        .await
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)?;
    let bytes = futures_util::stream::try_unfold(file, |mut file| async move {
        let (file, bytes) = web::block(move || store::next_bytes(&mut file).map(|bytes| (file, bytes)))
            .await
            .map_err(ApiError::internal)?
            .map_err(ApiError::internal)?;
        Ok::<_, ApiError>((!bytes.is_empty()).then(|| (web::Bytes::from(bytes), file)))
    });
    Ok(HttpResponse::Ok()
        .insert_header(disposition(name, plain))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ))
        .content_type("application/octet-stream")
        .body(SizedStream::new(size, Box::pin(bytes))))
}

/// The name for every client: in UTF-8 (RFC 6266 `filename*`), and one of ASCII for those that cannot read that.
fn disposition(name: &str, plain: &str) -> ContentDisposition {
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![
            DispositionParam::Filename(plain.to_owned()),
            DispositionParam::FilenameExt(ExtendedValue {
                charset: Charset::Ext("UTF-8".to_owned()),
                language_tag: None,
                value: name.as_bytes().to_vec(),
            }),
        ],
    }
}
