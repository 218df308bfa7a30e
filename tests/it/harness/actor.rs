//! Somebody who calls the API, and what comes back.

use actix_web::body::to_bytes;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, header};
use actix_web::test::TestRequest;
use serde_json::Value;

use super::{TestApp, contract};

/// A caller: a client with its scopes, or nobody.
#[derive(Clone)]
pub struct Actor<'a> {
    app: &'a TestApp,
    client: Option<(String, Option<String>)>,
    headers: Vec<(String, String)>,
}

/// What a request carries.
enum Content {
    None,
    Bytes { media_type: &'static str, bytes: Vec<u8> },
}

fn json(body: &Value) -> Content {
    Content::Bytes {
        media_type: "application/json",
        bytes: serde_json::to_vec(body).unwrap(),
    }
}

/// Paths of the API may be written without `/api/v1`.
fn absolute(path: &str) -> String {
    let roots = [
        "/api/",
        "/oauth/",
        "/health/",
        "/openapi",
        "/.well-known/",
        "/docs",
        "/problems/",
        "/calendar/",
    ];
    if roots.iter().any(|root| path.starts_with(root)) {
        path.to_owned()
    } else {
        format!("/api/v1{path}")
    }
}

impl<'a> Actor<'a> {
    pub(super) fn new(app: &'a TestApp, client: Option<(String, Option<String>)>) -> Self {
        Self {
            app,
            client,
            headers: vec![],
        }
    }

    /// In the name of this person.
    #[must_use]
    pub fn acting(self, person_id: &str) -> Self {
        self.header("Acting-Person", person_id)
    }

    /// Asks for answers in this language.
    #[must_use]
    pub fn lang(self, tag: &str) -> Self {
        self.header("Accept-Language", tag)
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this text as bearer token instead of a valid one.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.client = None;
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answered {
        self.call(Method::GET, path, "", Content::None).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answered {
        self.call(Method::POST, path, "", json(&body)).await
    }

    /// PUT of JSON; an empty `etag` sends no `If-Match`.
    pub async fn put(&self, path: &str, etag: &str, body: Value) -> Answered {
        self.call(Method::PUT, path, etag, json(&body)).await
    }

    /// PATCH as `application/json`; an empty `etag` sends no `If-Match`.
    pub async fn patch(&self, path: &str, etag: &str, body: Value) -> Answered {
        self.call(Method::PATCH, path, etag, json(&body)).await
    }

    /// PATCH as `application/merge-patch+json`; an empty `etag` sends no `If-Match`.
    pub async fn merge_patch(&self, path: &str, etag: &str, body: Value) -> Answered {
        let bytes = serde_json::to_vec(&body).unwrap();
        let content = Content::Bytes {
            media_type: "application/merge-patch+json",
            bytes,
        };
        self.call(Method::PATCH, path, etag, content).await
    }

    /// DELETE; an empty `etag` sends no `If-Match`.
    pub async fn delete(&self, path: &str, etag: &str) -> Answered {
        self.call(Method::DELETE, path, etag, Content::None).await
    }

    /// POST of a form.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answered {
        let bytes = serde_urlencoded(fields).into_bytes();
        let content = Content::Bytes {
            media_type: "application/x-www-form-urlencoded",
            bytes,
        };
        self.call(Method::POST, path, "", content).await
    }

    /// Any method and bytes.
    pub async fn raw(&self, method: Method, path: &str, media_type: &'static str, bytes: &[u8]) -> Answered {
        let content = if media_type.is_empty() {
            Content::None
        } else {
            Content::Bytes {
                media_type,
                bytes: bytes.to_vec(),
            }
        };
        self.call(method, path, "", content).await
    }

    async fn call(&self, method: Method, path: &str, etag: &str, content: Content) -> Answered {
        let uri = absolute(path);
        let mut request = TestRequest::with_uri(&uri).method(method.clone());
        if let Some((client, scopes)) = &self.client {
            let token = Box::pin(self.app.token(client, scopes.as_deref())).await;
            request = request.insert_header((header::AUTHORIZATION, format!("Bearer {token}")));
        }
        for (name, value) in &self.headers {
            request = request.insert_header((name.as_str(), value.as_str()));
        }
        if !etag.is_empty() {
            request = request.insert_header((header::IF_MATCH, etag));
        }
        if let Content::Bytes { media_type, bytes } = content {
            request = request
                .insert_header((header::CONTENT_TYPE, media_type))
                .set_payload(bytes);
        }
        let response = match (self.app.service)(request).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = to_bytes(response.into_body())
            .await
            .unwrap_or_else(|_| panic!("the body of {method} {uri} broke off"));
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let body = if bytes.is_empty() {
            Value::Null
        } else if media_type == Some("application/octet-stream") {
            // A file, whatever stands in it.
            Value::String(String::from_utf8_lossy(&bytes).into_owned())
        } else {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
        };
        let answered = Answered {
            call: format!("{method} {uri}"),
            status,
            headers,
            body,
            bytes: bytes.to_vec(),
        };
        // What answers HEAD is held against the answer to GET by whoever sends it.
        if method != Method::HEAD {
            contract::check(&method, &uri, &answered);
        }
        answered
    }
}

/// `application/x-www-form-urlencoded`, every byte that is not a letter or digit escaped.
fn serde_urlencoded(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| {
        text.bytes().fold(String::new(), |out, byte| {
            if byte.is_ascii_alphanumeric() {
                out + &char::from(byte).to_string()
            } else {
                out + &format!("%{byte:02X}")
            }
        })
    };
    fields
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// An answer, already checked against the document.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Method and path, for messages.
    pub call: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body; null when there is none, a string when it is not JSON.
    pub body: Value,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Answered {
    /// Panics with the body unless the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {:#}", self.call, self.body);
        self
    }

    /// Panics unless it is a problem of this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let answered = self.expect(status);
        assert_eq!(answered.text("/code"), code, "{}: {:#}", answered.call, answered.body);
        answered
    }

    /// Panics unless it is a 422 that names this value with this code.
    #[track_caller]
    pub fn invalid(self, pointer: &str, code: &str) -> Self {
        let answered = self.problem(422, "validation_failed");
        let errors = answered.items("/errors");
        let named = errors
            .iter()
            .any(|error| error["pointer"] == pointer && error["code"] == code);
        assert!(
            named,
            "{} does not say {code} at {pointer}: {:#}",
            answered.call, answered.body
        );
        answered
    }

    /// A header as text, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// The entity tag.
    #[track_caller]
    pub fn etag(&self) -> String {
        let tag = self.header("etag");
        assert!(!tag.is_empty(), "{} has no ETag", self.call);
        tag.to_owned()
    }

    /// The value at a JSON pointer.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        self.body
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{} has no {pointer}: {:#}", self.call, self.body))
    }

    /// The string at a JSON pointer.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer)
            .as_str()
            .unwrap_or_else(|| panic!("{pointer} of {} is no text: {:#}", self.call, self.body))
    }

    /// The id of the record.
    #[track_caller]
    pub fn id(&self) -> String {
        self.text("/id").to_owned()
    }

    /// The array at a JSON pointer.
    #[track_caller]
    pub fn items(&self, pointer: &str) -> &[Value] {
        self.at(pointer)
            .as_array()
            .unwrap_or_else(|| panic!("{pointer} of {} is no array: {:#}", self.call, self.body))
    }
}
