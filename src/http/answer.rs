//! The answer of a handler as data: status, headers, body. A write makes it inside its transaction, so that the edge
//! can store it with the effect ([`super::idempotency`]) or roll both back without touching handlers.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::{Deserialize, Serialize};

use super::error::{ApiError, Lang};

/// After how many seconds work that was taken on may be asked after.
const RETRY_AFTER: &str = "5";

/// Status, entity tag, location and body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    status: u16,
    version: Option<String>,
    location: Option<String>,
    next: Option<String>,
    /// The text itself: an answer that is given again is the same to the byte.
    body: Option<String>,
    #[serde(skip)]
    is_replay: bool,
    #[serde(skip)]
    is_rehearsal: bool,
}

impl Answer {
    /// 200 with a body.
    ///
    /// # Errors
    /// A body that cannot be JSON, which is ours to fix.
    pub fn ok(body: impl Serialize) -> Result<Self, ApiError> {
        Ok(Self {
            body: Some(serde_json::to_value(body)?.to_string()),
            ..Self::empty(StatusCode::OK)
        })
    }

    /// 201 with the new record and where it is.
    ///
    /// # Errors
    /// As [`Answer::ok`].
    pub fn created(location: String, body: impl Serialize) -> Result<Self, ApiError> {
        Ok(Self {
            status: StatusCode::CREATED.as_u16(),
            location: Some(location),
            ..Self::ok(body)?
        })
    }

    /// 202 with the work that was taken on, and where it can be followed.
    ///
    /// # Errors
    /// As [`Answer::ok`].
    pub fn accepted(location: String, body: impl Serialize) -> Result<Self, ApiError> {
        Ok(Self {
            status: StatusCode::ACCEPTED.as_u16(),
            location: Some(location),
            ..Self::ok(body)?
        })
    }

    /// Whether it says that work was taken on, to be done now.
    pub(super) fn has_begun_work(&self) -> bool {
        self.status == StatusCode::ACCEPTED.as_u16() && !self.is_rehearsal
    }

    /// 207 with the answers to many.
    ///
    /// # Errors
    /// As [`Answer::ok`].
    pub fn multi_status(body: impl Serialize) -> Result<Self, ApiError> {
        Ok(Self {
            status: StatusCode::MULTI_STATUS.as_u16(),
            ..Self::ok(body)?
        })
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    fn empty(status: StatusCode) -> Self {
        Self {
            status: status.as_u16(),
            version: None,
            location: None,
            next: None,
            body: None,
            is_replay: false,
            is_rehearsal: false,
        }
    }

    /// With the entity tag of this version.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = Some(version.to_string());
        self
    }

    /// With the address of what came of it, beside the answer itself.
    #[must_use]
    pub fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }

    /// With `Link: rel="next"`.
    #[must_use]
    pub fn next(mut self, next: Option<String>) -> Self {
        self.next = next;
        self
    }

    /// The same, given again.
    #[must_use]
    pub(super) fn replayed(mut self) -> Self {
        self.is_replay = true;
        self
    }

    /// The same, of a write that was taken back: where it would be and its version name nothing that is there.
    #[must_use]
    pub(super) fn rehearsed(self) -> Self {
        Self {
            version: None,
            location: None,
            is_rehearsal: true,
            ..self
        }
    }

    /// As an HTTP response in this language.
    pub fn respond(self, lang: Lang) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::from_u16(self.status).unwrap_or_default());
        response.insert_header((header::CONTENT_LANGUAGE, lang.tag()));
        if let Some(version) = &self.version {
            response.insert_header((header::ETAG, etag(version, lang)));
        }
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        if self.status == StatusCode::ACCEPTED.as_u16() && !self.is_rehearsal {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
        }
        if let Some(next) = self.next {
            response.insert_header((header::LINK, format!("<{next}>; rel=\"next\"")));
        }
        if self.is_replay {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        if self.is_rehearsal {
            response.insert_header(("Dry-Run", "true"));
        }
        match self.body {
            Some(body) => response.content_type("application/json").body(body),
            None => response.finish(),
        }
    }
}

/// A strong entity tag: the version and the language of the representation.
pub fn etag(version: impl std::fmt::Display, lang: Lang) -> String {
    format!("\"{version}.{}\"", lang.tag())
}
