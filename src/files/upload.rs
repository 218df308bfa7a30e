//! Receiving `multipart/form-data`: one file that goes to disk as it arrives, and a few short fields.

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use futures_util::TryStreamExt;

use super::clamd::Verdict;
use super::store::{FILE_LIMIT, Incoming};
use crate::app::App;
use crate::domain::file_type::{EXTENSIONS, FileType};
use crate::domain::text;
use crate::http::error::{ApiError, FieldError};

/// Bytes that go to disk at a time.
const STEP: usize = 256 * 1024;
/// The longest of the short fields, in bytes.
const FIELD_LIMIT: usize = 1024;
/// What the form around the file may take.
const FORM_LIMIT: u64 = 64 * 1024;

/// A whole upload, checked but for what only the database knows.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(super) organization_id: String,
    pub(super) name: String,
    pub(super) file_type: FileType,
    pub(super) scanned: bool,
    pub(super) incoming: Incoming,
}

impl Upload {
    /// Its name, without the path that some clients send.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Receives and checks an upload.
///
/// # Errors
/// 400 for a form that breaks off, 413 for a file above 25 MiB, 415 for another media type, 422 for a wrong field, a
/// file of another type than its name says, or malware; 503 when a scanner is set and does not answer.
pub(super) async fn receive(app: &App, request: &HttpRequest, form: Multipart) -> Result<Upload, ApiError> {
    let value = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let media_type = value(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Err(ApiError::UnsupportedMediaType);
    }
    let announced = value(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > FILE_LIMIT + FORM_LIMIT) {
        return Err(ApiError::PayloadTooLarge(LIMIT));
    }
    let form = Form::receive(app, form).await?;
    let app = app.clone();
    web::block(move || form.checked(&app))
        .await
        .map_err(ApiError::internal)?
}

/// The limit in words.
const LIMIT: &str = "25 MiB";

#[derive(Default)]
struct Form {
    organization_id: Option<String>,
    file_name: Option<String>,
    sent_name: Option<String>,
    incoming: Option<Incoming>,
}

impl Form {
    async fn receive(app: &App, mut fields: Multipart) -> Result<Self, ApiError> {
        let mut form = Self::default();
        while let Some(mut field) = fields.try_next().await.map_err(malformed)? {
            let name = field.name().unwrap_or_default().to_owned();
            let pointer = format!("/{name}");
            let taken = match name.as_str() {
                "file" => form.incoming.is_some(),
                "organization_id" => form.organization_id.is_some(),
                "file_name" => form.file_name.is_some(),
                _ => {
                    return Err(ApiError::field(
                        &pointer,
                        "unknown_field",
                        "この項目はありません。綴りを確かめてください。",
                        "There is no such field; check the spelling.",
                    ));
                }
            };
            if taken {
                return Err(ApiError::field(
                    &pointer,
                    "duplicate_in_request",
                    "同じ項目が二度あります。ファイルは一つずつ送ってください。",
                    "The same field twice; send one file at a time.",
                ));
            }
            match name.as_str() {
                "organization_id" => form.organization_id = Some(short(&mut field, &pointer, FIELD_LIMIT).await?),
                "file_name" => form.file_name = Some(short(&mut field, &pointer, FIELD_LIMIT).await?),
                _ => {
                    form.sent_name = sent_name(&field);
                    form.incoming = Some(file(app, &mut field, (FILE_LIMIT, LIMIT)).await?);
                }
            }
        }
        Ok(form)
    }

    fn checked(self, app: &App) -> Result<Upload, ApiError> {
        let mut errors = vec![];
        let required =
            |pointer| FieldError::new(pointer, "required", "この項目は必須です。", "This field is required.");
        let at = if self.file_name.is_some() {
            "/file_name"
        } else {
            "/file"
        };
        let name = self.file_name.or(self.sent_name).unwrap_or_default();
        let named = named(&name, at, &mut errors);
        if self.incoming.is_none() {
            errors.push(required("/file"));
        }
        if self.incoming.as_ref().is_some_and(|file| file.size() == 0) {
            errors.push(FieldError::new(
                "/file",
                "too_short",
                "ファイルが空です。",
                "The file is empty.",
            ));
        }
        let organization = self.organization_id.as_ref().map(|id| uuid::Uuid::try_parse(id));
        match &organization {
            None => errors.push(required("/organization_id")),
            Some(Err(_)) => errors.push(FieldError::new(
                "/organization_id",
                "invalid_format",
                "uuid の形式ではありません。",
                "Not a uuid.",
            )),
            Some(Ok(_)) => {}
        }
        ApiError::unless_empty(errors)?;
        let (Some(incoming), Some(named), Some(Ok(organization))) = (self.incoming, named, organization) else {
            return Err(ApiError::internal("an upload without what was checked"));
        };
        of_type(app, organization.to_string(), named, incoming, "/file")
    }
}

/// A file of a form of ours, checked; what is wrong with it stands at `pointer`.
///
/// # Errors
/// 422 for a file of another type than its name says, or malware; 503 when a scanner is set and does not answer.
pub(crate) fn checked(
    app: &App,
    organization_id: &str,
    name: &str,
    incoming: Incoming,
    pointer: &str,
) -> Result<Upload, ApiError> {
    let mut errors = vec![];
    let named = named(name, pointer, &mut errors);
    ApiError::unless_empty(errors)?;
    let named = named.ok_or_else(|| ApiError::internal("an upload without what was checked"))?;
    of_type(app, organization_id.to_owned(), named, incoming, pointer)
}

/// The name without its path, and the type that it says.
fn named(name: &str, pointer: &str, errors: &mut Vec<FieldError>) -> Option<(String, FileType)> {
    // Some clients send the whole path.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = match text::single_line(name, 200) {
        Ok(name) => name,
        Err(e) => {
            errors.push(FieldError::new(pointer, e.code(), e.message_ja(), e.message_en()));
            return None;
        }
    };
    let file_type = FileType::of_name(&name);
    if file_type.is_none() {
        errors.push(FieldError::new(
            pointer,
            "file_type_not_allowed",
            format!("受け取れる拡張子は {EXTENSIONS} です。"),
            format!("These extensions are taken: {EXTENSIONS}."),
        ));
    }
    Some((name, file_type?))
}

fn of_type(
    app: &App,
    organization_id: String,
    (name, file_type): (String, FileType),
    mut incoming: Incoming,
    pointer: &str,
) -> Result<Upload, ApiError> {
    if !incoming.is(file_type).map_err(ApiError::internal)? {
        return Err(ApiError::field(
            pointer,
            "file_type_mismatch",
            "中身が拡張子の示す種類ではありません。正しい形式で保存し直してください。",
            "The content is not what the extension says; save it in that format again.",
        ));
    }
    if let Some(address) = &app.config.clamd_address {
        looked_through(&mut incoming, address, pointer)?;
    }
    Ok(Upload {
        organization_id,
        name,
        file_type,
        scanned: app.config.clamd_address.is_some(),
        incoming,
    })
}

pub(crate) fn looked_through(incoming: &mut Incoming, address: &str, pointer: &str) -> Result<(), ApiError> {
    match incoming.scan(address) {
        Ok(Verdict::Clean) => Ok(()),
        Ok(Verdict::Infected(malware)) => {
            tracing::warn!(malware, "an upload was refused");
            Err(ApiError::field(
                pointer,
                "malware_found",
                "ウイルスが見つかったため受け取りませんでした。情報システムの担当に知らせてください。",
                "Malware was found and the file was refused; tell those in charge of information systems.",
            ))
        }
        Err(error) => {
            tracing::error!(%error, "the malware scanner cannot be asked");
            Err(ApiError::ScannerUnavailable)
        }
    }
}

/// The name of a file as its part of the form says it.
pub(crate) fn sent_name(field: &Field) -> Option<String> {
    field.content_disposition().and_then(|disposition| {
        let extended = disposition.get_filename_ext();
        extended
            .and_then(|name| String::from_utf8(name.value.clone()).ok())
            .or_else(|| disposition.get_filename().map(str::to_owned))
    })
}

/// A field of text of at most so many bytes.
pub(crate) async fn short(field: &mut Field, pointer: &str, limit: usize) -> Result<String, ApiError> {
    let bytes = field
        .bytes(limit)
        .await
        .map_err(|_| ApiError::field(pointer, "too_long", "長すぎます。", "It is too long."))?;
    let bytes = bytes.map_err(malformed)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        ApiError::field(
            pointer,
            "invalid_format",
            "文字コードは UTF-8 にしてください。",
            "Send it in UTF-8.",
        )
    })
}

/// The file, to disk as it arrives, of at most so many bytes; the limit in words too.
pub(crate) async fn file(
    app: &App,
    field: &mut Field,
    (limit, in_words): (u64, &'static str),
) -> Result<Incoming, ApiError> {
    let app = app.clone();
    let mut incoming = on_disk(move || Incoming::begin(&app)).await?;
    let mut waiting: Vec<u8> = vec![];
    let mut size = 0;
    while let Some(bytes) = field.try_next().await.map_err(malformed)? {
        size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > limit {
            return Err(ApiError::PayloadTooLarge(in_words));
        }
        waiting.extend_from_slice(&bytes);
        if waiting.len() >= STEP {
            let step = std::mem::take(&mut waiting);
            incoming = on_disk(move || incoming.take(&step).map(|()| incoming)).await?;
        }
    }
    on_disk(move || {
        incoming.take(&waiting)?;
        incoming.end()?;
        Ok(incoming)
    })
    .await
}

/// Runs disk work where it may block.
async fn on_disk<T: Send + 'static>(f: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T, ApiError> {
    web::block(f)
        .await
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)
}

pub(crate) fn malformed(error: MultipartError) -> ApiError {
    ApiError::MalformedMultipart(error.to_string())
}
