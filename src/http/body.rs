//! What a request carries, with our errors: bodies checked against the published schema, patches, parameters,
//! `If-Match`.
//!
//! A body is validated by the very schema of the document ([`super::openapi`]) before it becomes a Rust type, so all
//! mistakes are named at once, each with a JSON Pointer. Rules across fields are the slices'.

use std::collections::BTreeSet;
use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::etag;
use super::error::{ApiError, FieldError, Lang};
use super::openapi::Document;
use crate::domain::text;

type Later<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// A JSON body of the published schema of `T`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Later<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts = Parts::of(request, payload, &["application/json"]);
        Box::pin(async move {
            let (value, document, _) = parts?.read().await?;
            Ok(Self(typed::<T>(&document, value)?))
        })
    }
}

/// A patch type: which of its fields can be cleared.
pub trait Clearable {
    /// Names of the nullable fields; `facts` stands for `facts.<name>` of every fact.
    const CLEARABLE: &'static [&'static str];
}

/// A change of a record: `application/merge-patch+json` (RFC 7396, null clears) or `application/json`, where null means
/// absent and only what `clear` names is cleared, because generated clients send null for what was never set.
#[derive(Debug)]
pub struct Patch<T> {
    /// The values to set.
    pub set: T,
    /// The fields to clear, dotted inside `facts`.
    pub clear: BTreeSet<String>,
}

impl<T> Patch<T> {
    /// Puts a new value, if there is one.
    pub fn value<V>(target: &mut V, new: Option<V>) {
        if let Some(new) = new {
            *target = new;
        }
    }

    /// Puts a new value or clears, if the patch says so.
    pub fn nullable<V>(&self, target: &mut Option<V>, new: Option<V>, name: &str) {
        if new.is_some() {
            *target = new;
        } else if self.clear.contains(name) {
            *target = None;
        }
    }
}

impl<T: DeserializeOwned + ToSchema + Clearable + 'static> FromRequest for Patch<T> {
    type Error = ApiError;
    type Future = Later<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts = Parts::of(request, payload, &["application/json", "application/merge-patch+json"]);
        Box::pin(async move {
            let (value, document, merge) = parts?.read().await?;
            let Value::Object(object) = value else {
                return Err(typed::<T>(&document, value)
                    .err()
                    .unwrap_or(ApiError::MalformedJson("object".to_owned())));
            };
            Self::of(&document, object, merge)
        })
    }
}

impl<T: DeserializeOwned + ToSchema + Clearable> Patch<T> {
    /// Checks a change against the published schema; with `merge` null clears.
    ///
    /// # Errors
    /// 422 with every wrong value.
    pub(crate) fn of(document: &Document, mut object: Map<String, Value>, merge: bool) -> Result<Self, ApiError> {
        let mut clear = BTreeSet::new();
        if merge {
            take_nulls(&mut object, "", &mut clear);
        } else {
            drop_nulls(&mut object);
            if let Some(Value::Array(names)) = object.get("clear") {
                clear.extend(names.iter().filter_map(|name| name.as_str().map(str::to_owned)));
            }
        }
        let set = typed::<T>(document, Value::Object(object.clone()))?;
        let mut errors = vec![];
        for name in &clear {
            let root = name.split('.').next().unwrap_or_default();
            // Only facts are cleared one by one; a null inside another object is its absence.
            let (whole, facts) = (root == name, root == "facts");
            let wrong_depth = if facts { whole } else { !whole && !merge };
            if !T::CLEARABLE.contains(&root) || wrong_depth {
                errors.push(FieldError::new(
                    &pointer(name),
                    "null_not_allowed",
                    "この項目は空にできません。",
                    "This field cannot be cleared.",
                ));
            } else if value_at(&object, name).is_some() {
                errors.push(FieldError::new(
                    &pointer(name),
                    "set_and_cleared",
                    "同じ項目の設定と消去は同時にできません。",
                    "A field cannot be set and cleared at once.",
                ));
            }
        }
        ApiError::unless_empty(errors)?;
        Ok(Self { set, clear })
    }
}

fn pointer(dotted: &str) -> String {
    format!("/{}", dotted.replace('.', "/"))
}

fn value_at<'v>(object: &'v Map<String, Value>, dotted: &str) -> Option<&'v Value> {
    let mut names = dotted.split('.');
    let mut at = object.get(names.next()?)?;
    for name in names {
        at = at.get(name)?;
    }
    Some(at)
}

fn take_nulls(object: &mut Map<String, Value>, prefix: &str, clear: &mut BTreeSet<String>) {
    object.retain(|name, value| {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Null => {
                clear.insert(path);
                false
            }
            Value::Object(inner) => {
                take_nulls(inner, &path, clear);
                true
            }
            _ => true,
        }
    });
}

pub(crate) fn drop_nulls(object: &mut Map<String, Value>) {
    object.retain(|_, value| !value.is_null());
    for value in object.values_mut() {
        if let Value::Object(inner) = value {
            drop_nulls(inner);
        }
    }
}

/// A request's body before it is read.
pub(super) struct Parts {
    bytes: <web::Bytes as FromRequest>::Future,
    document: web::Data<Document>,
    merge: bool,
}

impl Parts {
    pub(super) fn of(request: &HttpRequest, payload: &mut Payload, accepted: &[&str]) -> Result<Self, ApiError> {
        let document = request
            .app_data::<web::Data<Document>>()
            .ok_or_else(|| ApiError::internal("no document"))?
            .clone();
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        let media_type = content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        if !accepted.contains(&media_type.as_str()) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let merge = media_type == "application/merge-patch+json";
        Ok(Self {
            bytes: web::Bytes::from_request(request, payload),
            document,
            merge,
        })
    }

    pub(super) async fn read(self) -> Result<(Value, web::Data<Document>, bool), ApiError> {
        let bytes = self.bytes.await.map_err(|error| {
            if error.as_response_error().status_code() == actix_web::http::StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::PayloadTooLarge("256 KiB")
            } else {
                ApiError::MalformedJson("body".to_owned())
            }
        })?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::MalformedJson(format!("line {}, column {}", error.line(), error.column())))?;
        if contains_nul(&value) {
            return Err(ApiError::field(
                "",
                "control_character",
                "NUL文字は使えません。",
                "NUL is not allowed.",
            ));
        }
        Ok((value, self.document, self.merge))
    }
}

fn contains_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains_nul),
        Value::Object(object) => object
            .iter()
            .any(|(name, value)| name.contains('\0') || contains_nul(value)),
        _ => false,
    }
}

/// A value of the published schema of `T`.
pub(crate) fn typed<T: DeserializeOwned + ToSchema>(document: &Document, value: Value) -> Result<T, ApiError> {
    let errors = document.validate(&T::name(), &value)?;
    ApiError::unless_empty(errors)?;
    serde_json::from_value(value).map_err(|error| {
        ApiError::field(
            "",
            "invalid",
            format!("値を読めません（{error}）。"),
            format!("Cannot be read ({error})."),
        )
    })
}

/// Query parameters, checked against the published schemas; one that the operation does not have is refused, so that a
/// filter is never silently ignored.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Params<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(params(request.query_string()).and_then(|read| {
            let document = request.app_data::<web::Data<Document>>();
            if let (Some(document), Some(pattern)) = (document, request.match_pattern()) {
                document.check_query(request.method().as_str(), &pattern, request.query_string())?;
            }
            Ok(Self(read))
        }))
    }
}

/// Reads a query string.
///
/// # Errors
/// 400 for a parameter that `T` does not have, and for a value that it cannot have.
pub(super) fn params<T: DeserializeOwned>(raw: &str) -> Result<T, ApiError> {
    web::Query::<T>::from_query(raw)
        .map(web::Query::into_inner)
        .map_err(|error| {
            let text = error.to_string();
            let quoted = text.split('`').nth(1).unwrap_or_default().to_owned();
            if text.contains("unknown field") {
                return ApiError::UnknownParameter(quoted);
            }
            let name = raw
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, _)| name)
                .find(|name| web::Query::<T>::from_query(&without(raw, name)).is_ok())
                .unwrap_or("query")
                .to_owned();
            ApiError::InvalidParameter {
                name,
                ja: format!("値を読めません（{text}）。"),
                en: text,
            }
        })
}

fn without(raw: &str, name: &str) -> String {
    raw.split('&')
        .filter(|pair| pair.split('=').next() != Some(name))
        .collect::<Vec<_>>()
        .join("&")
}

/// The `If-Match` header, checked by the handler after the body: RFC 9110 §13.2.1 wants it last.
#[derive(Debug, Clone)]
pub struct IfMatch(Option<String>);

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

impl IfMatch {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let value = request.headers().get(header::IF_MATCH);
        Self(value.map(|v| v.to_str().unwrap_or_default().to_owned()))
    }

    pub(super) const fn absent() -> Self {
        Self(None)
    }

    pub(super) const fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Compares with the version that is there; the language part of a tag does not matter for a write.
    ///
    /// # Errors
    /// 428 when the header is missing, 412 when it names another version.
    pub fn check(&self, version: impl std::fmt::Display, lang: Lang) -> Result<(), ApiError> {
        let Some(value) = &self.0 else {
            return Err(ApiError::PreconditionRequired);
        };
        let version = version.to_string();
        let matches = value.split(',').map(str::trim).any(|tag| {
            let inner = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
            tag == "*" || inner.is_some_and(|t| t.split('.').next() == Some(version.as_str()))
        });
        if matches {
            Ok(())
        } else {
            Err(ApiError::StaleVersion {
                current_etag: Some(etag(version, lang)),
            })
        }
    }
}

/// A UUID in the path; any other text names no record.
///
/// # Errors
/// 404.
pub fn path_id(text: &str) -> Result<String, ApiError> {
    uuid::Uuid::try_parse(text)
        .map(|id| id.to_string())
        .map_err(|_| ApiError::NotFound)
}
/// A text of one line, cleaned; what is wrong with it joins the errors.
pub(crate) fn line(value: &str, pointer: &str, max: usize, errors: &mut Vec<FieldError>) -> String {
    text::single_line(value, max).unwrap_or_else(|e| {
        errors.push(FieldError::new(pointer, e.code(), e.message_ja(), e.message_en()));
        String::new()
    })
}

/// A text of several lines, cleaned; what is wrong with it joins the errors.
pub(crate) fn lines(value: &str, pointer: &str, max: usize, errors: &mut Vec<FieldError>) -> String {
    text::multi_line(value, max).unwrap_or_else(|e| {
        errors.push(FieldError::new(pointer, e.code(), e.message_ja(), e.message_en()));
        String::new()
    })
}

/// The same in place, for a field that may be absent.
pub(crate) fn clean_line(value: &mut Option<String>, pointer: &str, max: usize, errors: &mut Vec<FieldError>) {
    if let Some(text) = value {
        *text = line(text, pointer, max, errors);
    }
}

/// The same in place, for a field of several lines that may be absent.
pub(crate) fn clean_lines(value: &mut Option<String>, pointer: &str, max: usize, errors: &mut Vec<FieldError>) {
    if let Some(text) = value {
        *text = lines(text, pointer, max, errors);
    }
}
