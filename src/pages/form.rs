//! A form that was sent: `application/x-www-form-urlencoded`, whose fields depend on what was asked.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use crate::app::App;
use crate::http::error::ApiError;

/// The fields of a form, in the order of the page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// These fields.
    pub const fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The field of this name, trimmed; `None` when it is empty or absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| known == name)?.1.trim();
        (!value.is_empty()).then_some(value)
    }

    /// The fields whose names begin with `prefix`, without it.
    pub fn below<'f>(&'f self, prefix: &'f str) -> impl Iterator<Item = (&'f str, &'f str)> {
        let named = self.0.iter();
        named.filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

impl FromRequest for Form {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let from_here = is_from_here(request);
        let read = web::Form::<Vec<(String, String)>>::from_request(request, payload);
        Box::pin(async move {
            if !from_here {
                return Err(ApiError::ForeignForm);
            }
            let form = read
                .await
                .map_err(|error| ApiError::MalformedMultipart(error.to_string()))?;
            Ok(Self(form.into_inner()))
        })
    }
}

/// Whether the browser says that the form stood on a page of ours. A browser that says nothing is believed: what a form
/// may do hangs on a link or a cookie that another site does not have.
pub(super) fn is_from_here(request: &HttpRequest) -> bool {
    let named = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = named("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let ours = request
        .app_data::<web::Data<App>>()
        .map(|app| app.config.public_url.as_str());
    // Local governments and network zones may have names of their own for the same service: then the page's host is the
    // host that was asked, which another site cannot choose for a browser.
    let host = named(header::HOST.as_str());
    named(header::ORIGIN.as_str()).is_none_or(|origin| {
        let of = origin.split_once("://").map(|(_, host)| host);
        Some(origin) == ours || (of.is_some() && of == host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_its_text_or_nothing() {
        let pairs = [
            ("name", " 山田 "),
            ("comment", "  "),
            ("answer.A-1", "met"),
            ("answer.A-2", "not_met"),
        ];
        let form = Form(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        );
        assert_eq!(form.text("name"), Some("山田"));
        assert_eq!(form.text("comment"), None);
        assert_eq!(form.text("missing"), None);
        let answers: Vec<_> = form.below("answer.").collect();
        assert_eq!(answers, [("A-1", "met"), ("A-2", "not_met")]);
    }
}
