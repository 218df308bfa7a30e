//! The secrets that a browser keeps for us, in cookies: of a session, and of the way to the provider of OpenID Connect. The
//! language, which is no secret, is [`super::frame`]'s.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse};

use crate::app::App;
use crate::http::error::ApiError;
use crate::sessions::openid::ERRAND_SECONDS;

/// What a browser keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// The secret of a session, until the browser is closed or the session ends.
    Session,
    /// What somebody who is on the way to the provider comes back with.
    Errand,
}

impl Kept {
    /// The name: only of this host, and only over TLS, unless the service is reached without it (a trial on this machine).
    fn name(self, app: &App) -> &'static str {
        match (self, is_secure(app)) {
            (Self::Session, true) => "__Host-session",
            (Self::Session, false) => "session",
            (Self::Errand, true) => "__Host-openid",
            (Self::Errand, false) => "openid",
        }
    }

    /// What the browser has sent.
    pub fn sent(self, app: &App, request: &HttpRequest) -> Option<String> {
        let cookie = request.cookie(self.name(app))?;
        Some(cookie.value().to_owned())
    }

    /// Gives it to the browser; without a value takes it away. A mail's link and the provider's answer are links of
    /// another site, so it comes with them only because it is `Lax`.
    ///
    /// # Errors
    /// A value that no cookie holds, which is ours to fix.
    pub fn set(self, app: &App, answer: &mut HttpResponse, value: Option<String>) -> Result<(), ApiError> {
        let is_over = value.is_none();
        let mut cookie = Cookie::build(self.name(app), value.unwrap_or_default())
            .path("/")
            .http_only(true)
            .secure(is_secure(app))
            .same_site(SameSite::Lax)
            .finish();
        if self == Self::Errand {
            cookie.set_max_age(Duration::seconds(ERRAND_SECONDS));
        }
        if is_over {
            cookie.make_removal();
        }
        answer.add_cookie(&cookie).map_err(ApiError::internal)
    }
}

/// Whether the service is reached by TLS.
fn is_secure(app: &App) -> bool {
    !app.config.public_url.starts_with("http://")
}
