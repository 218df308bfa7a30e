//! One closed set of answers that are not successes, rendered as `application/problem+json` (RFC 9457).
//!
//! Named by what the client must do. The text for the client is here, in Japanese and English; the cause of an
//! internal failure goes to the log and never into the body. The outermost guard renders them in the caller's
//! language ([`crate::http::guard`]).

pub mod codes;
mod texts;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::lifecycle::Unmet;
use crate::health::Unready;

/// The language of the answer's texts; codes never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Lang {
    /// 日本語, unless the client asks otherwise.
    #[default]
    Ja,
    /// English, by `Accept-Language`.
    En,
}

impl Lang {
    /// The first of the two languages that the header names with the highest weight; Japanese otherwise.
    pub fn of(accept_language: Option<&str>) -> Self {
        let mut best = (Self::Ja, 0.0_f32);
        for part in accept_language.unwrap_or_default().split(',') {
            let mut fields = part.split(';');
            let tag = fields.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = fields
                .find_map(|f| f.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()))
                .unwrap_or(1.0);
            let lang = match tag.split('-').next() {
                Some("ja") => Self::Ja,
                Some("en") => Self::En,
                _ => continue,
            };
            if weight > best.1 {
                best = (lang, weight);
            }
        }
        best.0
    }

    /// `ja` or `en`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The one of two texts in this language.
    pub fn pick<T>(self, ja: T, en: T) -> T {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }
}

/// The body of every answer that is not a success (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The kind of problem: `/problems/` and the code with hyphens.
    #[schema(format = "uri-reference", max_length = 200, example = "/problems/validation-failed")]
    pub r#type: String,
    /// What is wrong, in a few words.
    #[schema(max_length = 200, example = "入力値に誤りがあります")]
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// The stable code for programs.
    #[schema(pattern = "^[a-z][a-z_]*$", max_length = 100, example = "validation_failed")]
    pub code: String,
    /// What is wrong and what to do next.
    #[schema(max_length = 4000, example = "2件の項目を修正してください。")]
    pub detail: String,
    /// Quote it when asking the operator.
    #[schema(max_length = 64, example = "01934c1e-8e0b-7c55-9d5e-0a4c6f1f2b3d")]
    pub request_id: String,
    /// Each wrong value, when values are wrong; the first thousand of them.
    #[schema(max_items = 1000)]
    pub errors: Vec<FieldError>,
    /// The current entity tag, when `If-Match` named an old one or `If-None-Match` wanted none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub current_etag: Option<String>,
    /// What stands against a transition, when it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 1000)]
    pub unmet: Vec<Unmet>,
    /// The records that may be the same, when one was not registered because of its name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 1000)]
    pub candidates: Vec<SameName>,
}

/// A record of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SameName {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name.
    #[schema(max_length = 200)]
    pub name: String,
    /// Its corporate number.
    #[schema(required, pattern = "^[1-9][0-9]{12}$")]
    pub corporate_number: Option<String>,
}

/// One wrong value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON Pointer (RFC 6901) into the body, or the name of a parameter or header.
    #[schema(max_length = 1000, example = "/corporate_number")]
    pub pointer: String,
    /// The stable code: `required`, `too_long`, `pattern_mismatch`, `reference_not_found` … (the list grows).
    #[schema(
        pattern = "^[a-z][a-z0-9_]*$",
        max_length = 100,
        example = "invalid_corporate_number_check_digit"
    )]
    pub code: String,
    /// What is wrong with it.
    #[schema(max_length = 2000, example = "法人番号の検査用数字が一致しません。")]
    pub message: String,
    /// The same in English, chosen by the guard.
    #[serde(skip)]
    #[schema(ignore)]
    pub message_en: String,
}

impl FieldError {
    /// A wrong value with its texts.
    pub fn new(pointer: &str, code: &str, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            message: ja.into(),
            message_en: en.into(),
        }
    }

    /// A reference that this tenant does not have.
    pub fn reference(pointer: &str) -> Self {
        Self::new(
            pointer,
            "reference_not_found",
            "指定されたIDの記録がありません。",
            "No record has this id.",
        )
    }
}

/// A link that opens nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOver {
    /// What it was about is somebody else's, or its reader has left; else its time is over.
    pub revoked: bool,
    /// Whom it was for.
    pub whom: String,
    /// Where to ask.
    pub contact: String,
}

/// Every answer that is not a success.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: the body is not JSON.
    #[error("malformed JSON: {0}")]
    MalformedJson(String),
    /// 400: a query parameter that the operation does not have.
    #[error("unknown parameter {0}")]
    UnknownParameter(String),
    /// 400: a parameter or header with a value that it cannot have.
    #[error("invalid parameter {name}: {en}")]
    InvalidParameter {
        /// Its name.
        name: String,
        /// What is wrong, in Japanese.
        ja: String,
        /// What is wrong, in English.
        en: String,
    },
    /// 400: the cursor is not one of ours, or belongs to other filters.
    #[error("invalid cursor")]
    InvalidCursor,
    /// 400: the body is not a form.
    #[error("malformed multipart: {0}")]
    MalformedMultipart(String),
    /// 400: an operation that needs an `Idempotency-Key`.
    #[error("idempotency key required")]
    IdempotencyKeyRequired,
    /// 400: an `Idempotency-Key` that cannot be one.
    #[error("invalid idempotency key")]
    InvalidIdempotencyKey,
    /// 401: no token.
    #[error("missing token")]
    MissingToken,
    /// 401: a token that is not to be trusted; the reason is for the log only.
    #[error("invalid token: {0}")]
    InvalidToken(&'static str),
    /// 401: the token has expired.
    #[error("expired token")]
    ExpiredToken,
    /// 401: a page for people who are signed in; carries the path to come back to.
    #[error("sign-in required")]
    SignInRequired(String),
    /// 403: a form that another site sent.
    #[error("foreign form")]
    ForeignForm,
    /// 403: the token lacks this scope.
    #[error("insufficient scope: {0}")]
    InsufficientScope(&'static str),
    /// 404: no such record for this caller.
    #[error("not found")]
    NotFound,
    /// 404: no such path.
    #[error("no such path")]
    RouteNotFound,
    /// 405: the path exists, the method does not; carries the `Allow` header.
    #[error("method not allowed")]
    MethodNotAllowed(String),
    /// 406: the client accepts nothing that we can send.
    #[error("not acceptable")]
    NotAcceptable,
    /// 408: the request did not arrive in time.
    #[error("request timeout")]
    Timeout,
    /// 409: the state of things forbids it.
    #[error("conflict: {code}")]
    Conflict {
        /// The stable code.
        code: &'static str,
        /// What to do, in Japanese.
        ja: String,
        /// What to do, in English.
        en: String,
    },
    /// 409: these may be the same record; never empty.
    #[error("{} record(s) have the name", .0.len())]
    PossibleDuplicate(Vec<SameName>),
    /// 409: what stands against a transition; never empty.
    #[error("{} condition(s) of the transition are unmet", .0.len())]
    TransitionUnmet(Vec<Unmet>),
    /// 410: a cursor whose changes are too long ago; carries the address to begin again at.
    #[error("cursor expired")]
    CursorExpired(String),
    /// 410: the link of a mail opens nothing any more; the page says whom it was for, and where to ask.
    #[error("the link is over")]
    LinkOver(Box<LinkOver>),
    /// 412: `If-Match` names an old version.
    #[error("stale version")]
    StaleVersion {
        /// The tag of the version that is there now; `None` when nothing is there.
        current_etag: Option<String>,
    },
    /// 412: `If-None-Match: *`, and there is one.
    #[error("already exists")]
    AlreadyExists {
        /// Its tag.
        current_etag: String,
    },
    /// 413: larger than this.
    #[error("payload too large, more than {0}")]
    PayloadTooLarge(&'static str),
    /// 415: the body's media type or encoding.
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// 422: values are wrong.
    #[error("validation failed: {0:?}")]
    Validation(Vec<FieldError>),
    /// 422: an act of a person without `Acting-Person`.
    #[error("acting person required")]
    ActingPersonRequired,
    /// 422: the `Idempotency-Key` belongs to another request.
    #[error("idempotency key reused")]
    IdempotencyKeyReused,
    /// 428: `If-Match` is missing.
    #[error("precondition required")]
    PreconditionRequired,
    /// 429: too many requests.
    #[error("rate limited")]
    RateLimited {
        /// The limit, as the headers describe it.
        policy: String,
        /// Its name.
        name: &'static str,
        /// Seconds until the next request is answered.
        retry_after: u64,
    },
    /// 503: try again.
    #[error("unavailable")]
    Unavailable,
    /// 503: the service cannot work, for this reason.
    #[error("not ready: {}", .0.code())]
    NotReady(Unready),
    /// 503: the malware scanner does not answer, and nothing is kept without it.
    #[error("scanner unavailable")]
    ScannerUnavailable,
    /// 500: ours to fix.
    #[error("internal error: {0}")]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl ApiError {
    /// A failure that is ours to fix; the cause is logged, the client reads a constant.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// All wrong values at once, if there are any.
    pub(crate) fn unless_empty(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self::Validation(errors))
        }
    }

    /// One wrong value.
    pub fn field(pointer: &str, code: &str, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Validation(vec![FieldError::new(pointer, code, ja, en)])
    }

    /// A broken unique key, named `<table>_<columns>_key`.
    pub fn duplicate(key: &str) -> Self {
        let (code, ja, en) = match key {
            "contractors_corporate_number_key" => (
                "duplicate_corporate_number",
                "この法人番号の事業者は登録済みです。登録済みの事業者を使ってください。",
                "A contractor with this corporate number exists; use it.",
            ),
            k if k.starts_with("external_ids") => (
                "duplicate_external_id",
                "この外部IDは別の記録に使われています。",
                "Another record has this external id.",
            ),
            "organizations_key_key" => (
                "duplicate_key",
                "このキーの機関は登録済みです。",
                "An organization with this key exists.",
            ),
            "departments_organization_id_code_key" => (
                "duplicate_code",
                "このコードの所属は登録済みです。",
                "A department with this code exists.",
            ),
            "people_employee_code_key" => (
                "duplicate_employee_code",
                "この職員番号は登録済みです。",
                "A person with this employee code exists.",
            ),
            "entries_control_number_key" => (
                "duplicate_control_number",
                "この管理番号は使われています。",
                "This control number is taken.",
            ),
            "social_media_services_organization_id_platform_key" => (
                "duplicate_platform",
                "この機関のこのサービスは登録済みです。",
                "This organization's service on this platform exists.",
            ),
            // Its only unique key, whose name is too long for PostgreSQL.
            k if k.starts_with("clause_templates_") => (
                "duplicate_clause_template",
                "この機関のこの名前と版の標準特記仕様書は登録済みです。版を変えるか、登録済みのものを使ってください。",
                "This organization has a template of this name and edition; use it, or give another edition.",
            ),
            _ => {
                tracing::warn!(key, "a unique key that has no words of its own");
                ("duplicate", "同じ内容の記録があります。", "The same record exists.")
            }
        };
        Self::Conflict {
            code,
            ja: ja.to_owned(),
            en: en.to_owned(),
        }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson(_) => "malformed_json",
            Self::MalformedMultipart(_) => "malformed_multipart",
            Self::UnknownParameter(_) => "unknown_parameter",
            Self::InvalidParameter { .. } => "invalid_parameter",
            Self::InvalidCursor => "invalid_cursor",
            Self::IdempotencyKeyRequired => "idempotency_key_required",
            Self::InvalidIdempotencyKey => "invalid_idempotency_key",
            Self::MissingToken => "missing_token",
            Self::InvalidToken(_) => "invalid_token",
            Self::ExpiredToken => "expired_token",
            Self::SignInRequired(_) => "sign_in_required",
            Self::ForeignForm => "foreign_form",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::NotFound => "not_found",
            Self::RouteNotFound => "route_not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::Timeout => "request_timeout",
            Self::Conflict { code, .. } => code,
            Self::PossibleDuplicate(_) => "possible_duplicate",
            Self::TransitionUnmet(_) => "transition_unmet",
            Self::CursorExpired(_) => "cursor_expired",
            Self::LinkOver(_) => "link_over",
            Self::StaleVersion { .. } => "stale_version",
            Self::AlreadyExists { .. } => "already_exists",
            Self::PayloadTooLarge(_) => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Validation(_) => "validation_failed",
            Self::ActingPersonRequired => "acting_person_required",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::PreconditionRequired => "precondition_required",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::NotReady(reason) => reason.code(),
            Self::ScannerUnavailable => "scanner_unavailable",
            Self::Internal(_) => "internal_error",
        }
    }

    /// The body of the answer in a language.
    pub fn problem(&self, lang: Lang, request_id: &str) -> Problem {
        let (title, detail) = self.texts(lang);
        let errors = match self {
            Self::Validation(errors) => errors
                .iter()
                .take(1000)
                .cloned()
                .map(|mut error| {
                    if lang == Lang::En {
                        error.message.clone_from(&error.message_en);
                    }
                    // Both may quote what was sent, which may be as long as a body.
                    error.message = clipped(error.message, 2000);
                    error.pointer = clipped(error.pointer, 1000);
                    error
                })
                .collect(),
            _ => vec![],
        };
        let code = self.code();
        Problem {
            r#type: match self {
                // Registered for this (draft-ietf-httpapi-ratelimit-headers).
                Self::RateLimited { .. } => "https://iana.org/assignments/http-problem-types#quota-exceeded".to_owned(),
                _ => format!("/problems/{}", code.replace('_', "-")),
            },
            title,
            status: self.status_code().as_u16(),
            code: code.to_owned(),
            detail: clipped(detail, 4000),
            request_id: request_id.to_owned(),
            errors,
            current_etag: match self {
                Self::StaleVersion { current_etag } => current_etag.clone(),
                Self::AlreadyExists { current_etag } => Some(current_etag.clone()),
                _ => None,
            },
            unmet: match self {
                Self::TransitionUnmet(unmet) => unmet.clone(),
                _ => vec![],
            },
            candidates: match self {
                Self::PossibleDuplicate(candidates) => candidates.clone(),
                _ => vec![],
            },
        }
    }

    /// The answer in a language. Logs the cause of an internal failure.
    pub fn respond(&self, lang: Lang, request_id: &str) -> HttpResponse {
        if let Self::Internal(cause) = self {
            tracing::error!(%cause, request_id, "request failed");
        }
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::MissingToken => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Self::InvalidToken(_) | Self::ExpiredToken => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
            }
            Self::InsufficientScope(scope) => {
                let value = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
                response.insert_header((header::WWW_AUTHENTICATE, value));
            }
            Self::MethodNotAllowed(allow) => {
                response.insert_header((header::ALLOW, allow.as_str()));
            }
            Self::CursorExpired(restart) => {
                response.insert_header((header::LINK, format!("<{restart}>; rel=\"restart\"")));
            }
            Self::RateLimited {
                policy,
                name,
                retry_after,
            } => {
                response.insert_header(("ratelimit-policy", policy.as_str()));
                response.insert_header(("ratelimit", format!("\"{name}\";r=0;t={retry_after}")));
                response.insert_header((header::RETRY_AFTER, retry_after.to_string()));
            }
            Self::Unavailable => {
                response.insert_header((header::RETRY_AFTER, "2"));
            }
            Self::NotReady(_) | Self::ScannerUnavailable => {
                response.insert_header((header::RETRY_AFTER, "60"));
            }
            _ => {}
        }
        response
            .insert_header((header::CONTENT_LANGUAGE, lang.tag()))
            .content_type("application/problem+json")
            .json(self.problem(lang, request_id))
    }
}

/// At most so many characters of a text.
fn clipped(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::MalformedJson(_)
            | Self::MalformedMultipart(_)
            | Self::UnknownParameter(_)
            | Self::InvalidParameter { .. }
            | Self::InvalidCursor
            | Self::IdempotencyKeyRequired
            | Self::InvalidIdempotencyKey => StatusCode::BAD_REQUEST,
            Self::MissingToken | Self::SignInRequired(_) | Self::InvalidToken(_) | Self::ExpiredToken => {
                StatusCode::UNAUTHORIZED
            }
            Self::ForeignForm | Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            Self::NotFound | Self::RouteNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict { .. } | Self::PossibleDuplicate(_) | Self::TransitionUnmet(_) => StatusCode::CONFLICT,
            Self::CursorExpired(_) | Self::LinkOver(_) => StatusCode::GONE,
            Self::StaleVersion { .. } | Self::AlreadyExists { .. } => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Validation(_) | Self::ActingPersonRequired | Self::IdempotencyKeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable | Self::NotReady(_) | Self::ScannerUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(Lang::Ja, "")
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::Lang;

    #[test]
    fn japanese_unless_english_is_preferred() {
        for (header, lang) in [
            (None, Lang::Ja),
            (Some("*"), Lang::Ja),
            (Some("fr"), Lang::Ja),
            (Some("en"), Lang::En),
            (Some("en-GB,en;q=0.9,ja;q=0.1"), Lang::En),
            (Some("ja,en;q=0.8"), Lang::Ja),
        ] {
            assert_eq!(Lang::of(header), lang, "{header:?}");
        }
    }
}
