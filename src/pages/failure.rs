//! What goes wrong, said to people: the words of the API's problem with its code and the request's id, as a page.

use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use super::frame::{Frame, page};
use super::said;
use super::sign_in::go_to;
use crate::http::error::{ApiError, FieldError, LinkOver};

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

/// A link that is over: whom it was for, and where to ask. Whoever forwarded it or kept it too long is told what to do.
#[derive(Template)]
#[template(path = "answer_over.html")]
struct OverPage<'a> {
    frame: Frame,
    title: &'a str,
    detail: &'a str,
    over: &'a LinkOver,
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
    let status = error.status_code();
    let rendered = if let ApiError::LinkOver(over) = error {
        let template = OverPage {
            frame,
            title: &problem.title,
            detail: &problem.detail,
            over,
        };
        page(request, status, &template)
    } else {
        let template = FailurePage {
            frame,
            title: &problem.title,
            detail: &problem.detail,
            errors: &problem.errors,
            code: &problem.code,
            request_id,
        };
        page(request, status, &template)
    };
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
