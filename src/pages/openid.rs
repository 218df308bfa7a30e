//! Signing in at the provider that the operator names: the way there and the way back. What is said to the provider and
//! what of its answer counts is [`crate::sessions::openid`]'s; the button and what went wrong are on the sign-in page.
//!
//! The way there is a link, not a form: a browser holds the page's `form-action` against where a form ends up. It leads
//! to the public address, whose cookie the way back needs, also from a page that was reached by another name.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Deserialize;

use super::cookie::Kept;
use super::said::address;
use super::sign_in::{go_to, signed_in};
use crate::app::App;
use crate::http::error::{ApiError, Lang};
use crate::sessions::openid::{self, Answer, Errand, Trouble};

/// The button on the sign-in page.
pub(super) struct Door {
    /// What people call the provider.
    pub name: String,
    /// Where the button leads.
    pub url: String,
}

/// What went wrong, as the address of the sign-in page names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It was not begun here, or took too long.
    Stale,
    /// The provider did not sign the person in.
    Refused,
    /// The provider cannot be asked, or its answer does not hold.
    Failed,
    /// The provider's person is nobody here, or not one.
    Nobody,
}

impl Door {
    /// The button, where the operator names a provider.
    pub(super) fn of(app: &App, then: &str) -> Option<Self> {
        let setting = app.config.openid.as_ref()?;
        Some(Self {
            name: setting.name.clone(),
            url: address(
                &format!("{}/sign-in/openid", app.config.public_url),
                [("then", if then == "/" { "" } else { then })],
            ),
        })
    }
}

impl Wrong {
    /// By its word; another word says nothing.
    pub(super) fn of(word: &str) -> Option<Self> {
        let all = [Self::Stale, Self::Refused, Self::Failed, Self::Nobody];
        all.into_iter().find(|wrong| wrong.word() == word)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Nobody => "nobody",
        }
    }

    /// What happened, and what to do next.
    pub(super) fn text(self, lang: Lang, provider: &str) -> String {
        match self {
            Self::Stale => lang.pick(
                format!(
                    "{provider}でのサインインは完了していません。10分を過ぎたか、別の画面で始められたものです。\
                     もう一度「{provider}でサインイン」を押してください。"
                ),
                format!(
                    "Signing in with {provider} was not finished: it took more than ten minutes, or was begun in \
                     another window. Press “Sign in with {provider}” again."
                ),
            ),
            Self::Refused => lang.pick(
                format!(
                    "{provider}でのサインインは、取り消されたか、認められませんでした。もう一度押すか、\
                     下のメールのリンクでサインインしてください。"
                ),
                format!(
                    "Signing in with {provider} was cancelled or not allowed. Press the button again, or sign in by \
                     a mailed link below."
                ),
            ),
            Self::Failed => lang.pick(
                format!(
                    "{provider}と正しくやり取りできませんでした。下のメールのリンクでサインインしてください。\
                     続くときは、情報セキュリティ担当にお知らせください。"
                ),
                format!(
                    "{provider} could not be asked, or its answer does not hold. Sign in by a mailed link below. If \
                     this goes on, tell the information security office."
                ),
            ),
            Self::Nobody => lang.pick(
                format!(
                    "{provider}では認証されましたが、そのアカウントから、ここでサインインする方を1人に定められません。\
                     下のメールのリンクでサインインするか、情報セキュリティ担当にお問い合わせください。"
                ),
                format!(
                    "{provider} knows you, but its account does not lead to one person here. Sign in by a mailed \
                     link below, or ask the information security office."
                ),
            ),
        }
    }
}

/// Where to come back to.
#[derive(Debug, Deserialize)]
struct Query {
    then: Option<String>,
}

/// Goes to the provider.
#[get("/sign-in/openid")]
pub(super) async fn get_openid(
    request: HttpRequest,
    app: web::Data<App>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    app.limits.sign_in(&request)?;
    let then = query.into_inner().then.unwrap_or_default();
    let found = {
        let (app, then) = (app.get_ref().clone(), then.clone());
        web::block(move || openid::set_out(&app, &then))
            .await
            .map_err(ApiError::internal)?
    };
    match found {
        Ok((errand, url)) => {
            let mut away = go_to(&url);
            Kept::Errand.set(&app, &mut away, Some(errand.encoded()?))?;
            Ok(away)
        }
        Err(trouble) => sent_back(trouble, crate::sessions::local_path(&then)),
    }
}

/// Comes back from the provider: signed in, or to the sign-in page.
#[get("/sign-in/openid/back")]
pub(super) async fn get_openid_back(
    request: HttpRequest,
    app: web::Data<App>,
    answer: web::Query<Answer>,
) -> Result<HttpResponse, ApiError> {
    app.limits.sign_in(&request)?;
    let errand = Kept::Errand.sent(&app, &request);
    let errand = errand.and_then(|kept| Errand::decoded(&kept));
    let then = errand
        .as_ref()
        .map_or_else(|| "/".to_owned(), |errand| errand.leads_to().to_owned());
    let ended = {
        let app = app.get_ref().clone();
        web::block(move || openid::come_back(&app, errand.as_ref(), &answer))
            .await
            .map_err(ApiError::internal)?
    };
    let mut gone_on = match ended {
        Ok(started) => signed_in(&app, started)?,
        Err(trouble) => sent_back(trouble, &then)?,
    };
    // A code is exchanged once: whatever came of it, the next attempt begins anew.
    Kept::Errand.set(&app, &mut gone_on, None)?;
    Ok(gone_on)
}

/// To the sign-in page, which says what went wrong; the log says more.
fn sent_back(trouble: Trouble, then: &str) -> Result<HttpResponse, ApiError> {
    let wrong = match trouble {
        Trouble::Failure(error) => return Err(error),
        Trouble::Stale => Wrong::Stale,
        Trouble::Refused(_) => Wrong::Refused,
        Trouble::Provider(_) => Wrong::Failed,
        Trouble::Nobody(_) => Wrong::Nobody,
    };
    tracing::warn!(why = %trouble, "nobody was signed in by OpenID Connect");
    let then = if then == "/" { "" } else { then };
    Ok(go_to(&address("/sign-in", [("openid", wrong.word()), ("then", then)])))
}
