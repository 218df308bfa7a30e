//! Pages for people: what a browser gets. Every page's route is on this screen, and what all pages share is here: the
//! frame, the style sheet, the language, the policy that lets nothing in from elsewhere.
//!
//! A page computes nothing of its own: it asks the slices as the API does, and says it in HTML made at compile time.
//! It works without scripts; there are none. A page that changes something is a form, and a GET never changes anything.

mod answer;
mod failure;
mod form;
mod frame;

use actix_web::web::ServiceConfig;

pub(crate) use failure::respond as respond_failure;

/// Every page.
pub fn routes(config: &mut ServiceConfig) {
    config.service(frame::get_style_sheet).configure(answer::routes);
}

/// Whether a path belongs to people rather than programs, so that what goes wrong there is said as a page.
pub(crate) fn is_page(path: &str) -> bool {
    let of_programs = [
        "/api/",
        "/oauth/",
        "/openapi",
        "/docs",
        "/.well-known/",
        "/calendar/",
        "/health/",
        "/problems/",
    ];
    !of_programs.iter().any(|prefix| path.starts_with(prefix))
}
