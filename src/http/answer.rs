//! The answer of a handler as data: status, headers, body. A write makes it inside its transaction, so that the edge
//! can store it with the effect or roll both back without touching handlers.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use super::error::{ApiError, Lang};

/// Status, entity tag, location and body.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    version: Option<String>,
    location: Option<String>,
    next: Option<String>,
    body: Option<Value>,
}

impl Answer {
    /// 200 with a body.
    ///
    /// # Errors
    /// A body that cannot be JSON, which is ours to fix.
    pub fn ok(body: impl Serialize) -> Result<Self, ApiError> {
        Ok(Self {
            status: StatusCode::OK,
            version: None,
            location: None,
            next: None,
            body: Some(serde_json::to_value(body)?),
        })
    }

    /// 201 with the new record and where it is.
    ///
    /// # Errors
    /// As [`Answer::ok`].
    pub fn created(location: String, body: impl Serialize) -> Result<Self, ApiError> {
        Ok(Self {
            status: StatusCode::CREATED,
            location: Some(location),
            ..Self::ok(body)?
        })
    }

    /// 204.
    pub const fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            version: None,
            location: None,
            next: None,
            body: None,
        }
    }

    /// With another status.
    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With the entity tag of this version.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = Some(version.to_string());
        self
    }

    /// With `Link: rel="next"`.
    #[must_use]
    pub fn next(mut self, next: Option<String>) -> Self {
        self.next = next;
        self
    }

    /// As an HTTP response in this language.
    pub fn respond(self, lang: Lang) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CONTENT_LANGUAGE, lang.tag()));
        if let Some(version) = &self.version {
            response.insert_header((header::ETAG, etag(version, lang)));
        }
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(next) = self.next {
            response.insert_header((header::LINK, format!("<{next}>; rel=\"next\"")));
        }
        match self.body {
            Some(body) => response.json(body),
            None => response.finish(),
        }
    }
}

/// A strong entity tag: the version and the language of the representation.
pub fn etag(version: impl std::fmt::Display, lang: Lang) -> String {
    format!("\"{version}.{}\"", lang.tag())
}
