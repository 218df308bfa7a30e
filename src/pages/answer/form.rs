//! What was sent with a sheet: texts, and files that go to disk as they arrive. Plain forms are read as well, because what
//! has no files needs none of it. What the fields mean is [`super::send`]'s.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::TryStreamExt;

use crate::app::App;
use crate::files::store::{FILE_LIMIT, Incoming};
use crate::files::upload::{file, malformed, sent_name, short};
use crate::http::error::{ApiError, FieldError};
use crate::pages::form::{Form, is_from_here};

/// The longest text, in bytes: a thousand characters and their line ends.
const TEXT_LIMIT: usize = 16 * 1024;
/// The most fields of a sheet.
const MOST_FIELDS: usize = 2_000;
/// The most files of a sheet.
const MOST_FILES: usize = 20;

/// A form that was sent.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// The texts, in the order of the page.
    pub texts: Form,
    /// The files that were chosen.
    pub files: Vec<SentFile>,
}

/// A file that was chosen.
#[derive(Debug)]
pub(super) struct SentFile {
    /// The field.
    pub field: String,
    /// The name that it has there.
    pub name: String,
    /// Its bytes, on disk.
    pub incoming: Incoming,
}

impl FromRequest for Received {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let from_here = is_from_here(request);
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let multipart = media_type
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/form-data"));
        let app = request.app_data::<web::Data<App>>().cloned();
        if multipart {
            let parts = Multipart::from_request(request, payload);
            return Box::pin(async move {
                if !from_here {
                    return Err(ApiError::ForeignForm);
                }
                let app = app.ok_or_else(|| ApiError::internal("no application"))?;
                let parts = parts
                    .await
                    .map_err(|error| ApiError::MalformedMultipart(error.to_string()))?;
                receive(&app, parts).await
            });
        }
        let plain = web::Form::<Vec<(String, String)>>::from_request(request, payload);
        Box::pin(async move {
            if !from_here {
                return Err(ApiError::ForeignForm);
            }
            let plain = plain
                .await
                .map_err(|error| ApiError::MalformedMultipart(error.to_string()))?;
            Ok(Self {
                texts: Form::of(plain.into_inner()),
                files: vec![],
            })
        })
    }
}

async fn receive(app: &App, mut parts: Multipart) -> Result<Received, ApiError> {
    let (mut texts, mut files) = (vec![], vec![]);
    while let Some(mut part) = parts.try_next().await.map_err(malformed)? {
        let field = part.name().unwrap_or_default().to_owned();
        if texts.len() + files.len() >= MOST_FIELDS {
            return Err(ApiError::PayloadTooLarge("2,000 fields"));
        }
        match sent_name(&part) {
            None => {
                let text = short(&mut part, &field, TEXT_LIMIT).await?;
                // Browsers end the lines of a text as mails do.
                texts.push((field, text.replace("\r\n", "\n")));
            }
            // A file field in which nothing was chosen.
            Some(name) if name.is_empty() => drop(short(&mut part, &field, TEXT_LIMIT).await?),
            Some(_) if files.len() >= MOST_FILES => {
                return Err(ApiError::Validation(vec![FieldError::new(
                    &field,
                    "too_many",
                    format!("一度に送れるファイルは{MOST_FILES}個までです。"),
                    format!("At most {MOST_FILES} files at a time."),
                )]));
            }
            Some(name) => {
                let incoming = file(app, &mut part, (FILE_LIMIT, "25 MiB")).await?;
                files.push(SentFile { field, name, incoming });
            }
        }
    }
    Ok(Received {
        texts: Form::of(texts),
        files,
    })
}
