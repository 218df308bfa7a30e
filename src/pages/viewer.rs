//! Who looks at a page, as an extractor: a page without one is public and listed as such in the tests.
//!
//! The cookie holds the session's secret; who that is and what they may see says [`crate::sessions`]. Whoever is not
//! signed in is sent to the sign-in page and comes back from there.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, web};

use super::cookie::Kept;
use crate::app::{App, Scope};
use crate::domain::sight::Room;
use crate::http::error::ApiError;
use crate::sessions::{self, Session};

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    pub session: Session,
    app: App,
}

impl Viewer {
    /// The application.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// A room that this person does not enter is not there for them.
    ///
    /// # Errors
    /// 404.
    pub fn require(&self, room: Room) -> Result<(), ApiError> {
        if self.session.seen.sight.enters(room) {
            Ok(())
        } else {
            Err(ApiError::NotFound)
        }
    }

    /// Reads within the viewer's local government, on a blocking thread.
    ///
    /// # Errors
    /// What `f` answers.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Self, &mut Scope<'_>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let viewer = self.clone();
        web::block(move || {
            viewer
                .app
                .read_as(&viewer.session.tenant.clone(), |scope| f(&viewer, scope))
        })
        .await
        .map_err(ApiError::internal)?
    }

    /// Writes within the viewer's local government, in their name, on a blocking thread.
    ///
    /// # Errors
    /// What `f` answers; then nothing was written.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Self, &mut Scope<'_>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let viewer = self.clone();
        web::block(move || {
            let (tenant, actor) = (viewer.session.tenant.clone(), viewer.session.actor());
            viewer.app.write_as(&tenant, actor, |scope| f(&viewer, scope))
        })
        .await
        .map_err(ApiError::internal)?
    }
}

/// Who is signed in, if anybody is.
async fn find(app: &App, request: &HttpRequest) -> Result<Option<Viewer>, ApiError> {
    let Some(secret) = Kept::Session.sent(app, request) else {
        return Ok(None);
    };
    let app = app.clone();
    web::block(move || {
        let session = sessions::current(&app, &secret)?;
        Ok(session.map(|session| Viewer { session, app }))
    })
    .await
    .map_err(ApiError::internal)?
}

impl FromRequest for Viewer {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = request
                .app_data::<web::Data<App>>()
                .ok_or_else(|| ApiError::internal("no application"))?;
            let come_back = || match (request.method() == Method::POST, request.query_string()) {
                // A form is not sent again by coming back.
                (true, _) => "/".to_owned(),
                (false, "") => request.path().to_owned(),
                (false, query) => format!("{}?{query}", request.path()),
            };
            let found = find(app.get_ref(), &request).await?;
            found.ok_or_else(|| ApiError::SignInRequired(come_back()))
        })
    }
}
