//! Upserts: a PUT that names a record by another system's key, or by its number, creates it where it is not there and
//! changes it where it is. The body is that of the creation; on a record that is there it is a change: what is not sent
//! stays, and null counts as not sent, because generated clients send null for what was never set.
//!
//! [`Batch`] are many of them in one body, each judged by itself. Which record is meant is the slice's question
//! ([`crate::external_ids`], [`crate::domain::matching`]).

use std::collections::BTreeSet;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::etag;
use super::body::{IfMatch, Parts, Patch, drop_nulls, typed};
use super::error::{ApiError, Lang};
use super::openapi::Document;
use crate::domain::matching::says_nothing_new;

/// What to write, whether the record is there or not.
#[derive(Debug)]
pub struct Upsert<C, P> {
    /// The whole record, when it is not.
    pub create: C,
    /// The change of it, when it is.
    pub change: Patch<P>,
    sent: Map<String, Value>,
}

impl<C: DeserializeOwned + ToSchema, P: DeserializeOwned + ToSchema> Upsert<C, P> {
    /// Checks a body against the published schema.
    fn read(document: &Document, value: Value) -> Result<Self, ApiError> {
        let create = typed::<C>(document, value.clone())?;
        let Value::Object(mut sent) = value else {
            return Err(ApiError::internal(format!("{} is no object", C::name())));
        };
        drop_nulls(&mut sent);
        // What only a creation takes is not there in the change.
        sent.retain(|name, _| document.has_property(&P::name(), name));
        Ok(Self {
            create,
            change: Patch {
                set: typed::<P>(document, Value::Object(sent.clone()))?,
                clear: BTreeSet::new(),
            },
            sent,
        })
    }

    /// Whether a record, as it is on the wire, says all of this already; its external ids, which the path completes, are
    /// the slice's to compare.
    ///
    /// # Errors
    /// A record that cannot be JSON, which is ours to fix.
    pub fn says_nothing_new(&self, record: &impl serde::Serialize) -> Result<bool, ApiError> {
        let mut sent = self.sent.clone();
        sent.remove("external_ids");
        Ok(says_nothing_new(&sent, &serde_json::to_value(record)?))
    }
}

impl<C, P> FromRequest for Upsert<C, P>
where
    C: DeserializeOwned + ToSchema + 'static,
    P: DeserializeOwned + ToSchema + 'static,
{
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts = Parts::of(request, payload, &["application/json"]);
        Box::pin(async move {
            let (value, document, _) = parts?.read().await?;
            Self::read(&document, value)
        })
    }
}

/// Many upserts in one body of the schema `B`, `{"items": […]}`: one that is wrong does not stop the others.
pub struct Batch<B, C, P> {
    /// Each as it was sent; not yet checked.
    items: Vec<Value>,
    document: web::Data<Document>,
    of: PhantomData<fn() -> (B, C, P)>,
}

impl<B, C: DeserializeOwned + ToSchema, P: DeserializeOwned + ToSchema> Batch<B, C, P> {
    /// Each item, or what is wrong with it.
    pub fn read(self) -> impl Iterator<Item = Result<Upsert<C, P>, ApiError>> {
        let document = self.document;
        self.items.into_iter().map(move |item| Upsert::read(&document, item))
    }
}

impl<B, C, P> FromRequest for Batch<B, C, P>
where
    B: ToSchema + 'static,
    C: 'static,
    P: 'static,
{
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts = Parts::of(request, payload, &["application/json"]);
        Box::pin(async move {
            let (mut value, document, _) = parts?.read().await?;
            // What is wrong inside an item is that item's answer.
            ApiError::unless_empty(document.validate_outside(&B::name(), &value, "/items/")?)?;
            let items = value.get_mut("items").map(Value::take);
            let Some(Value::Array(items)) = items else {
                return Err(ApiError::internal(format!("{} has no items", B::name())));
            };
            Ok(Self {
                items,
                document,
                of: PhantomData,
            })
        })
    }
}

/// What an upsert expects to find: `If-None-Match: *` nothing, `If-Match` this version, neither: whatever is there.
#[derive(Debug, Clone)]
pub struct Expected {
    nothing: bool,
    version: IfMatch,
}

impl Expected {
    /// Whatever is there.
    pub const fn anything() -> Self {
        Self {
            nothing: false,
            version: IfMatch::absent(),
        }
    }

    /// For a record that is there.
    ///
    /// # Errors
    /// 412 `already_exists` or `stale_version`.
    pub fn check_there(&self, version: i64, lang: Lang) -> Result<(), ApiError> {
        if self.nothing {
            return Err(ApiError::AlreadyExists {
                current_etag: etag(version, lang),
            });
        }
        if self.version.is_given() {
            self.version.check(version, lang)
        } else {
            Ok(())
        }
    }

    /// For a record that is not there.
    ///
    /// # Errors
    /// 412 `stale_version`: no version of nothing is the one that was read.
    pub fn check_absent(&self) -> Result<(), ApiError> {
        if self.version.is_given() {
            Err(ApiError::StaleVersion { current_etag: None })
        } else {
            Ok(())
        }
    }
}

impl FromRequest for Expected {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let nothing = match request.headers().get(header::IF_NONE_MATCH) {
            None => Ok(false),
            Some(value) if value == "*" => Ok(true),
            Some(_) => Err(ApiError::InvalidParameter {
                name: "If-None-Match".to_owned(),
                ja: "書き込みでは * だけを指定できます。".to_owned(),
                en: "a write takes * only.".to_owned(),
            }),
        };
        ready(nothing.map(|nothing| Self {
            nothing,
            version: IfMatch::of(request),
        }))
    }
}
