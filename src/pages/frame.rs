//! The frame of a page: its headers, its language, the style sheet.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, get};
use askama::Template;

use super::viewer::Viewer;
use crate::domain::sight::Room;
use crate::http::error::{ApiError, Lang};

/// The style sheet, the only thing that a page loads.
const STYLE_SHEET: &str = include_str!("style.css");
/// Changes with the version, so that a browser may keep it a day.
pub(super) const STYLE_SHEET_URL: &str = concat!("/assets/kakunin.css?v=", env!("CARGO_PKG_VERSION"));
/// Nothing from elsewhere, no script at all, forms only to ourselves, in nobody's frame.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The cookie that keeps the language; it says nothing about the person.
const LANGUAGE: &str = "lang";

/// What every page's template reaches as `frame`.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The language of the page.
    pub lang: Lang,
    /// The style sheet's address.
    pub style_sheet: &'static str,
    /// This page in the other language.
    pub other_language_url: String,
    /// The pages of whoever is signed in.
    pub menu: Option<Menu>,
}

/// The pages that somebody may go to, and who they are.
#[derive(Debug, Clone)]
pub(crate) struct Menu {
    pub items: Vec<MenuItem>,
    pub person: String,
}

/// A page in the menu.
#[derive(Debug, Clone)]
pub(crate) struct MenuItem {
    pub url: &'static str,
    pub ja: &'static str,
    pub en: &'static str,
    pub is_current: bool,
}

/// The menu, and the room behind each page of it.
const MENU: &[(&str, &str, &str, Option<Room>)] = &[
    ("/overview", "概況", "Overview", Some(Room::Overview)),
    ("/entries", "台帳", "Register", None),
    ("/contractors", "事業者", "Contractors", None),
    ("/my-work", "自分の仕事", "My work", None),
    ("/mails", "メール", "Mails", Some(Room::Mails)),
    ("/imports", "取込み", "Imports", Some(Room::Imports)),
];

impl Frame {
    /// For this request: the language that `?lang=` asks for, or that was asked for before; else Japanese, whatever the
    /// browser prefers: the office reads Japanese.
    pub fn of(request: &HttpRequest) -> Self {
        let asked = asked_language(request);
        let kept = request.cookie(LANGUAGE).and_then(|cookie| language(cookie.value()));
        let lang = asked.or(kept).unwrap_or_default();
        let other = lang.pick("en", "ja");
        let asked_here = format!("lang={other}");
        let pairs = request.query_string().split('&');
        let rest = pairs.filter(|pair| !pair.is_empty() && !pair.starts_with("lang="));
        let query: Vec<&str> = rest.chain([asked_here.as_str()]).collect();
        Self {
            lang,
            style_sheet: STYLE_SHEET_URL,
            other_language_url: format!("{}?{}", request.path(), query.join("&")),
            menu: None,
        }
    }

    /// The same with the menu of whoever looks.
    pub fn for_viewer(request: &HttpRequest, viewer: &Viewer) -> Self {
        let here = section(request.path());
        let seen = MENU
            .iter()
            .filter(|(.., room)| room.is_none_or(|room| viewer.session.seen.sight.enters(room)));
        let items = seen.map(|(url, ja, en, _)| MenuItem {
            url,
            ja,
            en,
            is_current: here == *url,
        });
        let menu = Menu {
            items: items.collect(),
            person: viewer.session.person_name.clone(),
        };
        Self {
            menu: Some(menu),
            ..Self::of(request)
        }
    }

    /// One of two texts.
    pub fn t<'a>(&self, ja: &'a str, en: &'a str) -> &'a str {
        self.lang.pick(ja, en)
    }

    /// The name of the other language, in itself.
    pub fn other_language(&self) -> &'static str {
        self.lang.pick("English", "日本語")
    }

    /// The tag of the other language.
    pub fn other_language_tag(&self) -> &'static str {
        self.lang.pick("en", "ja")
    }
}

/// The page of the menu under which a path stands.
fn section(path: &str) -> &str {
    match path.split('/').nth(1).unwrap_or_default() {
        "overview" | "due-dates" | "paper" => "/overview",
        "entries" | "engagements" | "cloud-services" | "social-media-accounts" => "/entries",
        "my-work" | "hand-over" | "hand-overs" => "/my-work",
        "contractors" => "/contractors",
        "mails" => "/mails",
        "imports" => "/imports",
        _ => "",
    }
}

fn asked_language(request: &HttpRequest) -> Option<Lang> {
    request
        .query_string()
        .split('&')
        .find_map(|pair| language(pair.strip_prefix("lang=")?))
}

fn language(tag: &str) -> Option<Lang> {
    match tag {
        "ja" => Some(Lang::Ja),
        "en" => Some(Lang::En),
        _ => None,
    }
}

/// A page as an answer.
///
/// # Errors
/// A template that cannot be rendered, which is ours to fix.
pub(crate) fn page(
    request: &HttpRequest,
    status: StatusCode,
    template: &impl Template,
) -> Result<HttpResponse, ApiError> {
    let html = template.render().map_err(ApiError::internal)?;
    let mut answer = HttpResponse::build(status);
    answer
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CONTENT_LANGUAGE, Frame::of(request).lang.tag()));
    if let Some(lang) = asked_language(request) {
        let kept = Cookie::build(LANGUAGE, lang.tag())
            .path("/")
            .same_site(SameSite::Lax)
            .http_only(true);
        answer.cookie(kept.finish());
    }
    Ok(answer.body(html))
}

/// The mark beside a page's name in the browser.
#[get("/assets/kakunin.svg")]
pub(super) async fn get_icon() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .body(include_str!("icon.svg"))
}

/// The style sheet.
#[get("/assets/kakunin.css")]
pub(super) async fn get_style_sheet() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .body(STYLE_SHEET)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_language_is_what_was_asked_for_last_and_japanese_at_first() {
        let cases = [
            ("/r", None, Lang::Ja),
            ("/r?lang=en", None, Lang::En),
            ("/r", Some("en"), Lang::En),
            ("/r?lang=ja", Some("en"), Lang::Ja),
            ("/r?lang=fr", Some("xx"), Lang::Ja),
        ];
        for (uri, kept, wanted) in cases {
            let mut request = TestRequest::with_uri(uri).insert_header((header::ACCEPT_LANGUAGE, "en-US"));
            if let Some(kept) = kept {
                request = request.cookie(Cookie::new(LANGUAGE, kept));
            }
            assert_eq!(Frame::of(&request.to_http_request()).lang, wanted, "{uri} {kept:?}");
        }
    }

    #[test]
    fn every_page_of_the_menu_is_a_section() {
        for (url, ..) in MENU {
            assert_eq!(section(url), *url);
            assert_eq!(section(&format!("{url}/01960000")), *url);
        }
        assert_eq!(section("/sign-in"), "");
    }

    #[test]
    fn the_other_language_keeps_the_filters() {
        let request = TestRequest::with_uri("/entries?kind=cloud_service&lang=en&overdue=true").to_http_request();
        let frame = Frame::of(&request);
        assert_eq!(
            frame.other_language_url,
            "/entries?kind=cloud_service&overdue=true&lang=ja"
        );
    }
}
