//! Receiving a file to import: the form, its fields checked by the published schema, the file on disk.

use actix_multipart::Multipart;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use futures_util::TryStreamExt;
use serde_json::{Map, Value};

use super::plan;
use super::rows::Settings;
use super::wire::{ImportCreate, ImportMode, OnError};
use crate::app::App;
use crate::domain::file_type::FileType;
use crate::domain::text;
use crate::files::store::Incoming;
use crate::files::upload::{file, looked_through, malformed, sent_name, short};
use crate::http::body::typed;
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::Document;
use crate::sheets::columns::Entity;
use crate::sheets::read::SheetFormat;

/// The largest file over HTTP, in bytes. Commands and the watched folder take [`super::folder::FILE_LIMIT`].
const FILE_LIMIT: (u64, &str) = (10 * 1024 * 1024, "10 MiB");
/// The longest of the other fields, in bytes: the mapping.
const FIELD_LIMIT: usize = 64 * 1024;
/// What the form around the file may take.
const FORM_LIMIT: u64 = 256 * 1024;

/// A whole upload, checked but for what only the database knows.
pub(super) struct Upload {
    pub entity: Entity,
    pub settings: Settings,
    pub incoming: Incoming,
}

/// Receives and checks an upload.
///
/// # Errors
/// 400 for a form that breaks off, 413 for a file above 10 MiB, 415 for another media type, 422 for a wrong field, a
/// file of another format, or malware; 503 when a scanner is set and does not answer.
pub(super) async fn receive(app: &App, request: &HttpRequest, mut form: Multipart) -> Result<Upload, ApiError> {
    let value = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let media_type = value(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Err(ApiError::UnsupportedMediaType);
    }
    let announced = value(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > FILE_LIMIT.0 + FORM_LIMIT) {
        return Err(ApiError::PayloadTooLarge(FILE_LIMIT.1));
    }
    let (mut fields, mut name, mut incoming) = (Map::new(), String::new(), None);
    while let Some(mut field) = form.try_next().await.map_err(malformed)? {
        let key = field.name().unwrap_or_default().to_owned();
        let pointer = format!("/{key}");
        if fields.contains_key(&key) {
            return Err(ApiError::field(
                &pointer,
                "duplicate_in_request",
                "同じ項目が二度あります。ファイルは一つずつ送ってください。",
                "The same field twice; send one file at a time.",
            ));
        }
        let text = if key == "file" {
            name = sent_name(&field).unwrap_or_default();
            incoming = Some(file(app, &mut field, FILE_LIMIT).await?);
            String::new()
        } else {
            short(&mut field, &pointer, FIELD_LIMIT).await?
        };
        fields.insert(key, Value::String(text));
    }
    let document = request
        .app_data::<web::Data<Document>>()
        .ok_or_else(|| ApiError::internal("no document"))?
        .clone();
    let app = app.clone();
    web::block(move || checked(&app, &document, fields, &name, incoming))
        .await
        .map_err(ApiError::internal)?
}

fn checked(
    app: &App,
    document: &Document,
    fields: Map<String, Value>,
    name: &str,
    incoming: Option<Incoming>,
) -> Result<Upload, ApiError> {
    let sent: ImportCreate = typed(document, Value::Object(fields))?;
    let mut incoming = incoming.ok_or_else(|| ApiError::internal("a form without its file"))?;
    // Some clients send the whole path.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut errors = vec![];
    let name = text::single_line(name, 200).unwrap_or_else(|e| {
        errors.push(FieldError::new("/file", e.code(), e.message_ja(), e.message_en()));
        String::new()
    });
    let format = sent.format.or_else(|| SheetFormat::of_name(&name));
    if format.is_none() && errors.is_empty() {
        errors.push(FieldError::new(
            "/file",
            "file_type_not_allowed",
            "受け取れる拡張子は csv, xlsx です。",
            "These extensions are taken: csv, xlsx.",
        ));
    }
    if incoming.size() == 0 {
        errors.push(FieldError::new(
            "/file",
            "too_short",
            "ファイルが空です。",
            "The file is empty.",
        ));
    }
    let mapping = match &sent.mapping {
        None => std::collections::BTreeMap::new(),
        Some(text) => plan::mapping(sent.entity, text).unwrap_or_else(|error| {
            errors.push(error);
            std::collections::BTreeMap::new()
        }),
    };
    ApiError::unless_empty(errors)?;
    let Some(format) = format else {
        return Err(ApiError::internal("an upload without what was checked"));
    };
    check_content(&mut incoming, format)?;
    if let Some(address) = &app.config.clamd_address {
        looked_through(&mut incoming, address, "/file")?;
    }
    Ok(Upload {
        entity: sent.entity,
        settings: Settings {
            file_name: name,
            format,
            encoding: sent.encoding.unwrap_or_default(),
            mode: sent.mode.unwrap_or(ImportMode::DryRun),
            on_error: sent.on_error.unwrap_or(OnError::AllOrNothing),
            key: sent.key,
            organization_id: sent.organization_id,
            mapping,
            size_bytes: i64::try_from(incoming.size()).map_err(ApiError::internal)?,
            same_as_id: None,
        },
        incoming,
    })
}

/// The content must be what the format says; a CSV file with a broken character is told by its rows.
fn check_content(incoming: &mut Incoming, format: SheetFormat) -> Result<(), ApiError> {
    let is_it = match format {
        SheetFormat::Csv => true,
        SheetFormat::Xlsx => incoming.is(FileType::Xlsx).map_err(ApiError::internal)?,
    };
    if is_it {
        return Ok(());
    }
    Err(ApiError::field(
        "/file",
        "file_type_mismatch",
        "中身が拡張子の示す種類ではありません。正しい形式で保存し直してください。",
        "The content is not what the extension says; save it in that format again.",
    ))
}
