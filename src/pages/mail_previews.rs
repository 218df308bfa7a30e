//! Every kind of mail as it leaves, with sample data: what a phone shows while it is locked, and the text. For those who
//! see that mail flows; the same samples and the same words as `kakunin mail preview` ([`crate::mail::templates`]), never a
//! mail that was sent, whose text is sealed.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use serde::Deserialize;

use super::frame::{Frame, page};
use super::viewer::Viewer;
use crate::domain::sight::Room;
use crate::http::error::{ApiError, Lang};
use crate::mail::templates::{VERSION, samples};

/// Lines that a locked phone shows below the subject.
const LOCKED_LINES: usize = 3;

/// Which one.
#[derive(Debug, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    mail: String,
}

#[derive(Template)]
#[template(path = "mail_previews.html")]
struct PreviewsPage {
    frame: Frame,
    kinds: Vec<(&'static str, String, bool)>,
    name: String,
    template: &'static str,
    version: u32,
    subject: String,
    locked: Vec<String>,
    text: String,
}

/// What people call a mail, by its template.
fn called(lang: Lang, template: &str) -> String {
    let (ja, en) = match template {
        "reminder" => ("督促（1件）", "Reminder of one thing"),
        "reminder_overdue" => ("督促（期限超過、上司へ）", "Reminder, overdue, to a superior"),
        "reminder_handover" => ("督促（後任が未定のもの）", "Reminder to name a successor"),
        "reminder_takeover" => ("引継ぎ（異動の日）", "Hand-over, on the day"),
        "reminder_term_end" => ("引継ぎ（後任のない任期満了）", "Term that ends without a successor"),
        "reminder_exception" => ("督促（例外措置の終了）", "Reminder of an exception that ends"),
        "reminder_digest" => ("督促（まとめ）", "Digest of several things"),
        "sign_in" => ("サインインのリンク", "Sign-in link"),
        "weekly_summary" => ("週次のまとめ", "Weekly summary"),
        "weekly_summary_empty" => ("週次のまとめ（何もない週）", "Weekly summary, empty"),
        "receipt" => ("回答の受付", "Receipt"),
        "grace_request" => ("猶予の申出", "Request for more time"),
        "grace_decision" => ("猶予の結果", "Answer to a request for more time"),
        "prepare_request" => ("下書きの依頼", "Request to prepare answers"),
        "prepared" => ("下書きの完了", "Answers are prepared"),
        "test_mail" => ("試験メール", "Test mail"),
        "undelivered" => ("督促が届かなかったお知らせ", "A reminder could not be delivered"),
        "operator_warning" => ("運用者への警告", "Warning to operators"),
        other => (other, other),
    };
    lang.pick(ja, en).to_owned()
}

/// The lines below the subject of a locked phone: the first that say something.
fn locked(body: &str) -> Vec<String> {
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.take(LOCKED_LINES).map(str::to_owned).collect()
}

/// The page.
#[get("/mails/preview")]
pub(super) async fn get_mail_previews(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Mails)?;
    let frame = Frame::for_viewer(&request, &viewer);
    let lang = frame.lang;
    let all = samples();
    let wanted = query.mail.trim();
    let found = if wanted.is_empty() {
        all.first()
    } else {
        all.iter().find(|(name, _)| *name == wanted)
    };
    let (template, mail) = found.ok_or(ApiError::NotFound)?;
    let kind = |(name, _): &(&'static str, _)| (*name, called(lang, name), name == template);
    let shown = PreviewsPage {
        kinds: all.iter().map(kind).collect(),
        name: called(lang, template),
        template,
        version: VERSION,
        subject: mail.subject.clone(),
        locked: locked(&mail.body),
        text: mail.body.clone(),
        frame,
    };
    page(&request, StatusCode::OK, &shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mail_is_called_something_and_says_what_it_is_on_a_locked_phone() {
        for (name, mail) in samples() {
            assert_ne!(called(Lang::Ja, name), name);
            assert_ne!(called(Lang::En, name), name);
            let lines = locked(&mail.body);
            assert_eq!(lines.len(), LOCKED_LINES, "{name}");
            // A link alone says nothing; only where signing in is all there is to do it may stand so high.
            let has_link = lines.iter().any(|line| line.contains("https://"));
            assert!(!has_link || name == "sign_in", "{name}: {lines:?}");
        }
    }
}
