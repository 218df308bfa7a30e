//! `/problems/{code}`: the page that `type` of every problem leads to. What it says is in [`super::error::codes`].

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::codes::{Code, explained};
use super::error::{ApiError, Lang, Problem};

/// What a code of a problem means.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemType {
    /// The kind of problem, as `type` names it.
    #[schema(format = "uri-reference", example = "/problems/stale-version")]
    pub r#type: String,
    /// The code.
    #[schema(example = "stale_version")]
    pub code: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 412)]
    pub status: u16,
    /// What it is called.
    #[schema(example = "ほかの更新が先に行われています")]
    pub title: &'static str,
    /// What has happened.
    #[schema(example = "If-Match の版は今の版ではありません。変更は行っていません。")]
    pub meaning: &'static str,
    /// What the client or its user does about it.
    #[schema(example = "読み直し、新しい ETag（current_etag）を If-Match に付けてやり直してください。")]
    pub what_to_do: &'static str,
}

/// Read about a problem
///
/// What the code of a problem means and what to do: `type` of every problem leads here. A page for people, or JSON for
/// whoever accepts `application/json`; in Japanese, or English by `Accept-Language`.
#[utoipa::path(tag = "meta", security(()),
    params(("code" = String, Path, description = "コード。アンダースコアの代わりにハイフンでもよい / The code, with hyphens or underscores",
        pattern = "^[a-z][a-z_-]*$", max_length = 60)),
    responses(
    (status = 200, description = "説明 / The explanation", content((ProblemType = "application/json"), (String = "text/html"))),
    (status = 404, description = "このコードはない / No such code", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[get("/problems/{code}")]
pub async fn get_problem_type(request: HttpRequest, code: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let known = explained(&code.replace('-', "_")).ok_or(ApiError::NotFound)?;
    let header = |name| {
        let value = request.headers().get(name)?;
        value.to_str().ok()
    };
    let lang = Lang::of(header(header::ACCEPT_LANGUAGE));
    let wants_json = header(header::ACCEPT).is_some_and(|accepted| accepted.contains("json"));
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_LANGUAGE, lang.tag()));
    if wants_json {
        return Ok(response.json(ProblemType {
            r#type: format!("/problems/{}", known.code.replace('_', "-")),
            code: known.code,
            status: known.status,
            title: known.title(lang),
            meaning: known.means(lang),
            what_to_do: known.todo(lang),
        }));
    }
    Ok(response
        .content_type("text/html; charset=utf-8")
        .body(page(known, lang)))
}

/// Nothing of the request stands on the page, so there is nothing to escape.
fn page(known: &Code, lang: Lang) -> String {
    let Code { code, status, .. } = known;
    let (title, means, todo) = (known.title(lang), known.means(lang), known.todo(lang));
    let what_to_do = lang.pick("どうすればよいか", "What to do");
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<meta charset=\"utf-8\">\n<title>{code} – Kakunin</title>\n\
         <h1>{title}</h1>\n<p>HTTP {status} <code>{code}</code></p>\n<p>{means}</p>\n<h2>{what_to_do}</h2>\n<p>{todo}</p>\n",
        lang.tag()
    )
}
