//! The outermost guard of every request: no compressed bodies, one time limit over everything, panics become 500, and
//! every answer carries a request id and safe headers. It also renders errors in the caller's language, and says in the
//! log and in the figures what was answered: by route template, never by path, address or name.
//!
//! HEAD is answered wherever GET is (RFC 9110 9.3.2), here and nowhere else: it goes on as GET, and of the answer the bytes
//! are left out.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant as Monotonic};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, error::InternalError, web};
use futures_util::FutureExt;

use super::error::{ApiError, Lang};
use super::limits::Left;
use crate::app::App;
use crate::{metrics, pages};

/// The longest that a request may take, its body's arrival included.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The same for files: 25 MiB over two megabits a second, and a malware scanner's look at them.
pub const UPLOAD_TIME_LIMIT: Duration = Duration::from_mins(3);

/// The id of a request, for answers that name it inside.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

/// The client of a request, once its token was believed; for the log.
#[derive(Debug, Clone)]
pub(super) struct ClientId(pub(super) String);

/// The body of an answer to HEAD: as long as GET's would be, and nothing of it.
struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

/// What is told of a request when it has been answered.
struct Told {
    app: Option<web::Data<App>>,
    method: Method,
    route: String,
    since: Monotonic,
}

impl Told {
    /// The route is asked for before the request goes on: an answer of an error has none any more.
    fn of(request: &ServiceRequest) -> Self {
        Self {
            app: request.app_data::<web::Data<App>>().cloned(),
            method: request.method().clone(),
            route: request.match_pattern().unwrap_or_else(|| "none".to_owned()),
            since: Monotonic::now(),
        }
    }

    fn tell(&self, status: StatusCode, request_id: &str, client_id: Option<&str>) {
        let (taken, status) = (self.since.elapsed(), status.as_u16());
        if let Some(app) = &self.app {
            app.metrics
                .request(&self.method, &self.route, status, taken.as_secs_f64());
        }
        let ms = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
        let (method, route) = (metrics::method_name(&self.method), self.route.as_str());
        // Probes ask every few seconds.
        if route.starts_with("/health/") {
            tracing::debug!(method, route, status, ms, request_id, client_id, "request");
        } else {
            tracing::info!(method, route, status, ms, request_id, client_id, "request");
        }
    }
}

/// The middleware.
///
/// # Errors
/// Never an error of its own: each becomes a problem document.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let told = Told::of(&request);
    let is_head = told.method == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
    }
    let request_id = request_id(&request);
    match answer(request, next, &told, &request_id).await {
        Ok(answered) => {
            let extensions = answered.request().extensions();
            let client_id = extensions.get::<ClientId>().map(|id| id.0.as_str());
            told.tell(answered.status(), &request_id, client_id);
            drop(extensions);
            Ok(if is_head {
                answered.map_body(|_, body| BoxBody::new(Unsent(body.size())))
            } else {
                answered
            })
        }
        Err((status, error)) => {
            told.tell(status, &request_id, None);
            Err(error)
        }
    }
}

/// The id that a client gave its request, if it can be one, or a new one.
fn request_id(request: &ServiceRequest) -> String {
    let given = request.headers().get(HeaderName::from_static("request-id"));
    given
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .map_or_else(
            || {
                let app = request.app_data::<web::Data<App>>();
                app.map_or_else(String::new, |app| app.random.id(app.clock.now()))
            },
            str::to_owned,
        )
}

/// Lets the request through, and answers whatever comes of it; an error carries its answer, whose status is beside it.
async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    told: &Told,
    request_id: &str,
) -> Result<ServiceResponse<BoxBody>, (StatusCode, Error)> {
    let header = |name: HeaderName| {
        request
            .headers()
            .get(name)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned)
    };
    let lang = Lang::of(header(header::ACCEPT_LANGUAGE).as_deref());
    // A browser is answered by a page, unless it asks where programs do.
    let reads_pages = header(header::ACCEPT).is_some_and(|accepted| accepted.contains("text/html"));
    let page = reads_pages && pages::is_page(request.path());
    let cacheable = ["/openapi", "/docs", "/.well-known/", "/assets/"]
        .iter()
        .any(|prefix| request.path().starts_with(prefix));

    // A sheet behind a link may carry files as well.
    let takes_files =
        ["/api/v1/files", "/api/v1/imports", "/imports"].contains(&request.path()) || request.path().starts_with("/r/");
    let upload = request.method() == Method::POST && takes_files;
    let limit = if upload { UPLOAD_TIME_LIMIT } else { TIME_LIMIT };

    let encoded = request
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| value != "identity");
    if encoded {
        let refused = ApiError::UnsupportedMediaType.respond(lang, request_id);
        return Ok(request.into_response(finish(refused, request_id, cacheable)));
    }
    // Whoever brings a token is counted as a client; a token that is none is counted below.
    let bearer = header(header::AUTHORIZATION).is_some_and(|value| value.starts_with("Bearer "));
    if !bearer && let Some(app) = request.app_data::<web::Data<App>>() {
        match app.limits.address(request.request()) {
            Ok(Some(left)) => drop(request.extensions_mut().insert(left)),
            Ok(None) => {}
            Err(error) if page => {
                let answer = pages::respond_failure(&error, request.request(), request_id);
                return Ok(request.into_response(finish(answer, request_id, cacheable)));
            }
            Err(error) => {
                let answer = error.respond(lang, request_id);
                return Ok(request.into_response(finish(answer, request_id, cacheable)));
            }
        }
    }
    request.extensions_mut().insert(RequestId(request_id.to_owned()));
    let called = AssertUnwindSafe(async move { next.call(request).await }).catch_unwind();
    match tokio::time::timeout(limit, called).await {
        Ok(Ok(Ok(response))) => {
            let error = response.response().error().and_then(Error::as_error::<ApiError>);
            let rendered = error.map(|error| {
                if page {
                    pages::respond_failure(error, response.request(), request_id)
                } else {
                    error.respond(lang, request_id)
                }
            });
            let (request, response) = response.map_into_boxed_body().into_parts();
            let mut response = rendered.unwrap_or(response);
            if response.status() == StatusCode::UNAUTHORIZED
                && let Some(app) = request.app_data::<web::Data<App>>()
                && !page
                && let Err(error) = app.limits.address(&request)
            {
                response = error.respond(lang, request_id);
            }
            if let Some(left) = request.extensions().get::<Left>()
                && !response.headers().contains_key("ratelimit")
            {
                left.write(response.headers_mut());
            }
            Ok(ServiceResponse::new(request, finish(response, request_id, cacheable)))
        }
        Ok(Ok(Err(error))) => {
            let rendered = error.as_error::<ApiError>().map_or_else(
                || ApiError::internal(error.to_string()).respond(lang, request_id),
                |error| error.respond(lang, request_id),
            );
            Err(as_error("problem", finish(rendered, request_id, cacheable)))
        }
        Ok(Err(_)) => {
            if let Some(app) = &told.app {
                app.metrics.panic();
            }
            let rendered = ApiError::internal("a handler panicked").respond(lang, request_id);
            Err(as_error("panic", finish(rendered, request_id, cacheable)))
        }
        Err(_) => {
            let mut rendered = ApiError::Timeout.respond(lang, request_id);
            rendered
                .head_mut()
                .set_connection_type(actix_web::http::ConnectionType::Close);
            Err(as_error("timeout", finish(rendered, request_id, cacheable)))
        }
    }
}

/// An answer that takes the way of an error: there is no request any more to put it beside.
fn as_error(what: &'static str, answer: HttpResponse) -> (StatusCode, Error) {
    (answer.status(), InternalError::from_response(what, answer).into())
}

fn finish(mut response: HttpResponse, request_id: &str, cacheable: bool) -> HttpResponse {
    // What went wrong once need not be wrong tomorrow.
    let cacheable = cacheable && !response.status().is_client_error() && !response.status().is_server_error();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("request-id"), value);
    }
    if !cacheable {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let policy = "default-src 'none'; frame-ancestors 'none'";
        // A handler may be stricter.
        if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language, Authorization"));
    response
}
