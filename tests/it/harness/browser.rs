//! Somebody at a browser: keeps cookies, sends forms, follows nothing by itself. Every page is held against what all
//! pages promise.

use std::cell::RefCell;
use std::collections::BTreeMap;

use actix_web::body::to_bytes;
use actix_web::cookie::Cookie;
use actix_web::http::header::{self, HeaderMap};
use actix_web::test::TestRequest;
use kakunin::sessions;

use super::TestApp;

/// A browser with its cookies.
pub struct Browser<'a> {
    app: &'a TestApp,
    cookies: RefCell<BTreeMap<String, String>>,
}

/// What came back.
pub struct Page {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The page, or whatever else it was.
    pub html: String,
    call: String,
}

impl TestApp {
    /// A browser without cookies.
    pub fn browser(&self) -> Browser<'_> {
        Browser {
            app: self,
            cookies: RefCell::default(),
        }
    }

    /// The browser of somebody who signed in by a link from the terminal, in the way of a mailed one.
    pub async fn signed_in(&self, address: &str) -> Browser<'_> {
        let browser = self.browser();
        let url = sessions::link_at_terminal(&self.app, address).unwrap();
        let path = url.strip_prefix(&self.app.config.public_url).unwrap().to_owned();
        browser.post(&path, &[("sign_in", "yes")]).await.expect(303);
        browser
    }
}

impl Browser<'_> {
    /// Opens an address.
    pub async fn get(&self, path: &str) -> Page {
        self.call(TestRequest::get().uri(path), format!("GET {path}")).await
    }

    /// Sends a form of a page of ours.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = TestRequest::post()
            .uri(path)
            .insert_header(("sec-fetch-site", "same-origin"));
        self.call(request.set_form(fields), format!("POST {path}")).await
    }

    /// Sends a request that no form of ours would.
    pub async fn send(&self, request: TestRequest) -> Page {
        self.call(request, "a request".to_owned()).await
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    async fn call(&self, mut request: TestRequest, call: String) -> Page {
        request = request
            .insert_header((header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8"))
            .insert_header((header::ACCEPT_LANGUAGE, "en-US,en;q=0.9"));
        for (name, value) in self.cookies.borrow().iter() {
            request = request.cookie(Cookie::new(name.clone(), value.clone()));
        }
        let response = match (self.app.service)(request).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        };
        for cookie in response.cookies() {
            let mut cookies = self.cookies.borrow_mut();
            if cookie
                .max_age()
                .is_some_and(|age| age == actix_web::cookie::time::Duration::ZERO)
            {
                cookies.remove(cookie.name());
            } else {
                cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = to_bytes(response.into_body()).await.unwrap();
        let page = Page {
            status,
            headers,
            html: String::from_utf8_lossy(&bytes).into_owned(),
            call,
        };
        // An answer to HEAD has the headers alone.
        if page.header("content-type").starts_with("text/html") && !page.html.is_empty() {
            page.keeps_its_promises();
        }
        page
    }
}

impl Page {
    /// The value of a header; empty without it.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// This page, which has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.call, self.html);
        self
    }

    /// The page says this.
    #[track_caller]
    pub fn says(&self, text: &str) {
        assert!(self.html.contains(text), "{}: no {text:?} in {}", self.call, self.html);
    }

    /// The page does not say this.
    #[track_caller]
    pub fn is_silent_about(&self, text: &str) {
        assert!(!self.html.contains(text), "{}: {text:?} in {}", self.call, self.html);
    }

    fn keeps_its_promises(&self) {
        let call = &self.call;
        let policy = self.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'"),
            "{call}: {policy}"
        );
        assert_eq!(self.header("cache-control"), "no-store", "{call}");
        assert_eq!(self.header("referrer-policy"), "no-referrer", "{call}");
        for forbidden in ["<script", " style=\"", "src=\"http", " onclick=", "javascript:"] {
            assert!(!self.html.contains(forbidden), "{call}: {forbidden} in {}", self.html);
        }
        for wanted in ["<html lang=\"", "<title>", "<main", "<h1"] {
            assert!(self.html.contains(wanted), "{call}: no {wanted} in {}", self.html);
        }
    }
}
