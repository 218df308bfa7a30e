//! The link of a mail that went to an address of several people: it answers nothing and asks who answers. Behind each name
//! is that person's own link, with their own name to type.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::Opened;
use crate::answers::asked::{Standing, asked_of};
use crate::answers::{letters, reader_name, require_open};
use crate::app::Scope;
use crate::http::error::ApiError;
use crate::links::{self, LinkRow};
use crate::pages::frame::{Frame, page};

/// One of those whom the mail was for.
struct Way {
    path: String,
    name: String,
    is_mailbox: bool,
    /// What they are asked today.
    waiting: usize,
}

#[derive(Template)]
#[template(path = "answer_choose.html")]
struct ChoosePage {
    frame: Frame,
    ways: Vec<Way>,
    contact: String,
}

/// Those whose links open, in the order of the mail; whoever has left is not among them.
fn load(scope: &mut Scope<'_>, link: &LinkRow) -> Result<(Vec<Way>, String), ApiError> {
    let mut ways = vec![];
    for (path, own) in links::of_message(scope, link)? {
        match require_open(scope, &own) {
            Ok(()) => {}
            Err(ApiError::LinkOver(_)) => continue,
            Err(error) => return Err(error),
        }
        let asked = asked_of(scope, own.reader()?)?;
        ways.push(Way {
            path,
            name: reader_name(scope, own.reader()?)?,
            is_mailbox: own.person_id.is_none(),
            waiting: asked.iter().filter(|one| one.standing == Standing::Answers).count(),
        });
    }
    Ok((ways, letters::house(scope)?.0))
}

/// The page.
pub(super) async fn show(request: &HttpRequest, opened: &Opened) -> Result<HttpResponse, ApiError> {
    let (ways, contact) = opened.read(load).await?;
    let template = ChoosePage {
        frame: Frame::of(request),
        ways,
        contact,
    };
    page(request, StatusCode::OK, &template)
}
