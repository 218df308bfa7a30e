//! "Somebody else is in charge now" (異動などで担当が替わった): the reader names who, it changes hands at once, and whoever
//! takes over is asked by mail to accept. How a hand-over goes on is [`crate::ownership_transfers`]'.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};

use super::person::{self, Wording};
use super::small::{check_name, own};
use super::{DonePage, Opened, wrong};
use crate::answers::reader_name;
use crate::app::Scope;
use crate::entries::wire::Holder;
use crate::http::error::{ApiError, FieldError};
use crate::links::{LinkRow, Reader};
use crate::ownership_transfers;
use crate::pages::form::Form;
use crate::pages::frame::{Frame, page};

/// What the form says.
const WORDING: Wording = Wording {
    path: "hand-over",
    title: ["担当が替わったことを知らせる", "Somebody else is in charge now"],
    explained: [
        "新しい担当の人を選んで送ると、担当がその人に替わり、引き受けの確認のメールがその人に届きます。",
        "Choose who is in charge now. It becomes theirs at once, and they are asked by mail to accept.",
    ],
    text: ["理由（例：4月1日付けの異動）", "Reason (such as a transfer of 1 April)"],
    button: ["この人に引き継ぐ", "Hand over"],
    by_mail: false,
};

/// The form.
#[get("/r/{token}/hand-over/{obligation_id}")]
pub(super) async fn get_hand_over(
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    person::show(&request, &opened, &WORDING, id).await
}

/// Hands over.
#[post("/r/{token}/hand-over/{obligation_id}")]
pub(super) async fn hand_over(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    let (sent, about) = (form.clone(), id.clone());
    let written = opened.write(move |scope, link, person| carry_out(scope, link, person, &about, &sent));
    let frame = Frame::of(&request);
    match written.await {
        Ok(to) => {
            let template = DonePage {
                title: frame.t("引き継ぎました", "Handed over").to_owned(),
                lines: vec![
                    frame.lang.pick(
                        format!("担当は{to}さんになりました。{to}さんに、引き受けの確認のメールが届きます。"),
                        format!("It is {to}'s now. They are asked by mail to accept."),
                    ),
                    frame
                        .t(
                            "引き受けてもらえなかったときは、あなたに戻ります。",
                            "Should they decline, it comes back to you.",
                        )
                        .to_owned(),
                ],
                back: opened.base(),
                frame,
            };
            page(&request, StatusCode::OK, &template)
        }
        Err(error) => {
            let errors = wrong::of_form(error)?;
            person::show_again(&request, &opened, &WORDING, id, &form, &errors).await
        }
    }
}

fn carry_out(
    scope: &mut Scope<'_>,
    link: &LinkRow,
    person: &str,
    obligation_id: &str,
    form: &Form,
) -> Result<String, ApiError> {
    let asked = own(scope, link, obligation_id)?;
    let entry = asked.entry.as_ref().ok_or(ApiError::NotFound)?;
    let mut errors = vec![];
    let to = form.text("to").filter(|to| *to != person);
    if to.is_none() {
        errors.push(FieldError::new(
            "to",
            "required",
            "新しい担当の人（あなた以外の人）を探して選んでください。",
            "Search for and choose who is in charge now, somebody else than you.",
        ));
    }
    let reason = form.text("text");
    if reason.is_none() {
        errors.push(FieldError::new(
            "text",
            "required",
            "理由を入れてください。",
            "Say why.",
        ));
    }
    check_name(form, &reader_name(scope, link.reader()?)?, &mut errors);
    ApiError::unless_empty(errors)?;
    // What a post owns is handed over by its holder in the name of the post.
    let owns = asked.owner.as_ref().is_some_and(|(id, _)| id == person);
    let post_id = entry.owner_post_id.clone().filter(|_| owns);
    let giver = Holder {
        person_id: post_id.is_none().then(|| person.to_owned()),
        post_id,
    };
    let to = to.unwrap_or_default();
    ownership_transfers::hand_over(
        scope,
        giver,
        to,
        &entry.organization_id,
        vec![entry.id.clone()],
        reason.unwrap_or_default(),
    )?;
    reader_name(scope, Reader::Person(to))
}
