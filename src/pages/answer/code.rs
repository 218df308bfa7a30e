//! `/r`: for whoever cannot open the link of a mail, the page where its short code is typed.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;

use super::see_other;
use crate::app::App;
use crate::http::error::ApiError;
use crate::links;
use crate::pages::form::Form;
use crate::pages::frame::{Frame, page};

#[derive(Template)]
#[template(path = "answer_code.html")]
struct CodePage {
    frame: Frame,
    typed: String,
    wrong: bool,
}

/// The page that asks for a code.
#[get("/r")]
pub(super) async fn get_code_form(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let template = CodePage {
        frame: Frame::of(&request),
        typed: String::new(),
        wrong: false,
    };
    page(&request, StatusCode::OK, &template)
}

/// Goes on to what the code opens.
#[post("/r")]
pub(super) async fn enter_code(
    app: web::Data<App>,
    request: HttpRequest,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    app.limits.code(&request)?;
    let typed = form.text("code").unwrap_or_default().to_owned();
    let (finder, code) = (app.get_ref().clone(), typed.clone());
    let found = web::block(move || links::token_of_code(&finder, &code))
        .await
        .map_err(ApiError::internal)??;
    if let Some(token) = found {
        return Ok(see_other(&format!("/r/{token}")));
    }
    let template = CodePage {
        frame: Frame::of(&request),
        typed,
        wrong: true,
    };
    page(&request, StatusCode::UNPROCESSABLE_ENTITY, &template)
}
