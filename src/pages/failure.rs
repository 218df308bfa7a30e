//! What goes wrong, said to people: the words of the API's problem with its code and the request's id, as a page.

use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use super::frame::{Frame, page};
use super::said;
use super::sign_in::go_to;
use crate::http::error::{ApiError, FieldError};

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    frame: Frame,
    title: &'a str,
    detail: &'a str,
    errors: &'a [FieldError],
    code: &'a str,
    request_id: &'a str,
}

/// The page of an error. What goes with its status (Retry-After and its like) is taken from the API's answer.
pub(crate) fn respond(error: &ApiError, request: &HttpRequest, request_id: &str) -> HttpResponse {
    if let ApiError::SignInRequired(then) = error {
        return go_to(&said::address("/sign-in", [("then", then.as_str())]));
    }
    let frame = Frame::of(request);
    let lang = frame.lang;
    let plain = error.respond(lang, request_id);
    let problem = error.problem(lang, request_id);
    let rendered = page(
        request,
        error.status_code(),
        &FailurePage {
            frame,
            title: &problem.title,
            detail: &problem.detail,
            errors: &problem.errors,
            code: &problem.code,
            request_id,
        },
    );
    match rendered {
        Ok(mut answer) => {
            for (name, value) in plain.headers() {
                if !answer.headers().contains_key(name) {
                    answer.headers_mut().insert(name.clone(), value.clone());
                }
            }
            answer
        }
        Err(_) => plain,
    }
}
