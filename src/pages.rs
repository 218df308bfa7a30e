//! Pages for people: what a browser gets. Every page's route is on this screen, and what all pages share is here: the
//! frame, the style sheet, the language, the policy that lets nothing in from elsewhere.
//!
//! A page computes nothing of its own: it asks the slices as the API does, and says it in HTML made at compile time.
//! It works without scripts; there are none. A page that changes something is a form, and a GET never changes anything.

mod answer;
mod chart;
mod cookie;
mod due_dates;
mod entry;
mod failure;
mod form;
mod frame;
mod imports;
mod mail_previews;
mod mails;
mod my_work;
mod openid;
mod overview;
mod paper;
mod public;
mod registers;
mod said;
mod sign_in;
mod viewer;

use actix_web::web::ServiceConfig;

pub(crate) use failure::respond as respond_failure;

/// Every page.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(frame::get_style_sheet)
        .service(frame::get_icon)
        .service(sign_in::get_home)
        .service(sign_in::get_sign_in)
        .service(sign_in::post_sign_in)
        .service(openid::get_openid)
        .service(openid::get_openid_back)
        .service(sign_in::get_link)
        .service(sign_in::post_link)
        .service(sign_in::post_sign_out)
        .service(overview::get_overview)
        .service(due_dates::get_due_dates)
        .service(registers::get_entries)
        .service(registers::get_engagements)
        .service(registers::get_cloud_services)
        .service(registers::get_social_media_accounts)
        .service(registers::get_contractors)
        .service(entry::get_entry)
        .service(my_work::get_my_work)
        .service(my_work::get_own_hand_over)
        .service(my_work::get_hand_over)
        .service(my_work::post_hand_over)
        .service(mails::get_mails)
        .service(mail_previews::get_mail_previews)
        .service(mails::get_mail)
        .service(mails::post_mail)
        .service(imports::get_imports)
        .service(imports::post_imports)
        .service(imports::get_import)
        .service(imports::post_import)
        .service(imports::get_error_file)
        .service(paper::get_paper)
        .service(public::get_public)
        .configure(answer::routes);
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
