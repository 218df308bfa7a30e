//! What anybody may read without signing in: an organization's official social-media accounts, and whether an account is
//! one of them. Nothing of the register behind them is shown.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use serde::Deserialize;

use super::frame::{Frame, page};
use super::said;
use crate::app::{App, Tenant};
use crate::domain::official_account::{Known, Verdict, is_public, verdict};
use crate::domain::vocabulary::Status;
use crate::entries::list::EntryFilter;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::organizations::{self, PublicOrganization};
use crate::sheets::columns::platforms;
use crate::social_media_accounts;
use crate::social_media_accounts::wire::SocialMediaAccount;

/// Accounts of one step.
const STEP: i64 = 200;
/// Steps at most: no body has so many accounts.
const STEPS: usize = 10;

/// The account that is asked about.
#[derive(Debug, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    account: String,
}

struct Account {
    platform: String,
    handle: String,
    url: String,
    purpose: String,
    hours: String,
    badge: bool,
    state: &'static str,
    class: &'static str,
}

#[derive(Template)]
#[template(path = "public.html")]
struct PublicPage {
    frame: Frame,
    path: String,
    local_government: String,
    organization: String,
    contact: String,
    today: String,
    asked: String,
    answer: Option<(&'static str, &'static str, String)>,
    accounts: Vec<Account>,
}

fn platform_name(code: &str) -> String {
    let known = platforms().into_iter().find(|(known, _)| *known == code);
    known.map_or_else(|| code.to_owned(), |(_, name)| name.to_owned())
}

fn shown(lang: Lang, one: &SocialMediaAccount) -> Account {
    let trusted = matches!(one.entry.status, Status::Operating | Status::Dormant);
    Account {
        platform: platform_name(one.service.platform.code()),
        handle: one.handle.clone(),
        url: one.url.clone(),
        purpose: one.purpose.clone(),
        hours: one.hours.clone().unwrap_or_default(),
        badge: one.verified_badge,
        state: match (trusted, one.entry.status) {
            (true, Status::Dormant) => lang.pick("公式（更新を休止中）", "official, resting"),
            (true, _) => lang.pick("公式", "official"),
            (false, _) => lang.pick("発信を停止中", "suspended: do not trust what it says now"),
        },
        class: if trusted { "good" } else { "bad" },
    }
}

/// What is answered about an account, and how it is shown.
fn answer(lang: Lang, found: Option<(Verdict, &SocialMediaAccount)>) -> (&'static str, &'static str, String) {
    let Some((verdict, account)) = found else {
        let ja = "この一覧にないアカウントです。なりすましのおそれがあります。個人情報を送ったり、リンクを開いたりしないでください。";
        let en = "It is not one of ours and may be an impostor. Send no personal information and open no links.";
        return (
            "bad",
            lang.pick("公式アカウントではありません", "Not ours"),
            lang.pick(ja, en).to_owned(),
        );
    };
    let handle = &account.handle;
    match verdict {
        Verdict::Ours => (
            "good",
            lang.pick("公式アカウントです", "It is ours"),
            format!("{handle} {}", account.url),
        ),
        Verdict::NotTrusted => (
            "bad",
            lang.pick(
                "公式アカウントですが、今は信頼しないでください",
                "Ours, but do not trust it now",
            ),
            lang.pick(
                format!("{handle} は、発信を停止して対応しています。"),
                format!("{handle} is suspended while we look into it."),
            ),
        ),
        Verdict::Closed => (
            "warn",
            lang.pick("運用を終えた公式アカウントです", "Ours, and closed"),
            lang.pick(
                format!("{handle} からは、もう発信していません。"),
                format!("{handle} is not used any more."),
            ),
        ),
        Verdict::Former => (
            "bad",
            lang.pick(
                "以前の名前です。今は別の人が使っているおそれがあります",
                "A former handle; somebody else may have it now",
            ),
            lang.pick(
                format!("今の公式アカウントは {handle} です。"),
                format!("Our account is {handle} now."),
            ),
        ),
    }
}

/// The account that fits best.
fn best<'a>(asked: &str, all: &'a [SocialMediaAccount]) -> Option<(Verdict, &'a SocialMediaAccount)> {
    let fits = all.iter().filter_map(|account| {
        let former: Vec<String> = account
            .handles
            .iter()
            .map(|used| used.handle.clone())
            .filter(|handle| *handle != account.handle)
            .collect();
        let known = Known {
            handle: &account.handle,
            former_handles: &former,
            url: &account.url,
            status: account.entry.status,
        };
        Some((verdict(asked, &known)?, account))
    });
    fits.max_by_key(|(verdict, _)| *verdict)
}

/// The page.
#[get("/public/{organization_key}")]
pub(super) async fn get_public(
    request: HttpRequest,
    app: web::Data<App>,
    key: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let frame = Frame::of(&request);
    let path = request.path().to_owned();
    let app = app.get_ref().clone();
    let template = web::block(move || made(&app, frame, path, &key, &query))
        .await
        .map_err(ApiError::internal)??;
    page(&request, StatusCode::OK, &template)
}

fn made(app: &App, frame: Frame, path: String, key: &str, query: &Query) -> Result<PublicPage, ApiError> {
    let of: PublicOrganization = organizations::public(app, key)?;
    app.read_as(&Tenant::new(&of.local_government_id), |scope| {
        let lang = frame.lang;
        let allowed = Organizations::Only(vec![of.id.clone()]);
        let (mut all, mut cursor) = (vec![], None);
        for _ in 0..STEPS {
            let filter = EntryFilter {
                limit: Some(STEP),
                cursor,
                ..EntryFilter::default()
            };
            let (found, next) = social_media_accounts::listed(scope, &allowed, filter)?;
            all.extend(found);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        let asked = query.account.trim().to_owned();
        let shown: Vec<Account> = all
            .iter()
            .filter(|account| is_public(account.entry.status))
            .map(|account| shown(lang, account))
            .collect();
        Ok(PublicPage {
            path,
            local_government: of.local_government.clone(),
            organization: of.name.clone(),
            contact: of.contact.clone(),
            today: said::day(lang, scope.today),
            answer: (!asked.is_empty()).then(|| answer(lang, best(&asked, &all))),
            asked,
            accounts: shown,
            frame,
        })
    })
}
