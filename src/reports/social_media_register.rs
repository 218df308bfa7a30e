//! The register of social-media accounts as the guidelines ask for it: service, procedure, responsible person, account,
//! who posts what for whom, proof that it is genuine.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::line::{self, EntryLine, shown};
use crate::app::Scope;
use crate::domain::vocabulary::Level;
use crate::entries::list::EntryFilter;
use crate::entries::wire::Holder;
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, page_of};
use crate::people::holders::Directory;
use crate::sheets::columns::{Cell, Column, Target, platforms, words};
use crate::sheets::names;
use crate::social_media_accounts;
use crate::social_media_accounts::wire::SocialMediaAccount;
use crate::social_media_services::wire::Platform;

/// A line of the register of social-media accounts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SocialMediaRegisterLine {
    /// The entry.
    pub entry: EntryLine,
    /// The platform.
    pub platform: Platform,
    /// The handle that is shown.
    pub handle: String,
    /// Handles that it had before; others may take them over.
    pub former_handles: Vec<String>,
    /// Where it is.
    pub url: String,
    /// What it is for.
    pub purpose: String,
    /// For whom.
    #[schema(required)]
    pub audience: Option<String>,
    /// What is posted.
    #[schema(required)]
    pub content: Option<String>,
    /// Who posts.
    #[schema(required)]
    pub posters: Option<String>,
    /// When it is attended.
    #[schema(required)]
    pub hours: Option<String>,
    /// Who is responsible for the service today.
    #[schema(required)]
    pub service_responsible_name: Option<String>,
    /// The operating procedure.
    #[schema(required)]
    pub operating_procedure: Option<String>,
    /// Has the platform's verified badge.
    pub verified_badge: bool,
    /// Is listed on the official site.
    pub listed_on_official_site: bool,
    /// The control number of the engagement that operates it.
    #[schema(required)]
    pub delegated_to: Option<String>,
    /// The last post.
    #[schema(required)]
    pub last_post_on: Option<NaiveDate>,
    /// In operation, and no post for long.
    pub looks_dormant: bool,
    /// The residual level.
    #[schema(required)]
    pub residual_level: Option<Level>,
    /// When its clauses were last confirmed.
    #[schema(required)]
    pub last_verified_on: Option<NaiveDate>,
    /// The earliest open due date.
    #[schema(required)]
    pub next_due_on: Option<NaiveDate>,
}

page_of! {
    /// A page of the register of social-media accounts.
    SocialMediaRegisterPage of SocialMediaRegisterLine
}

/// Report the register of social-media accounts
///
/// Each account with its service and procedure, its owner and who posts, and how its genuineness is shown; filters and
/// orders are those of `/entries`.
#[utoipa::path(tag = "reports", params(EntryFilter), security(("oauth2" = ["reports:read"])), responses(
    (status = 200, description = "ソーシャルメディア台帳 / A page of the register", body = SocialMediaRegisterPage), Problems))]
#[get("/reports/social-media-register")]
pub(super) async fn list_social_media_register(
    caller: Caller<scope::ReportsRead>,
    request: HttpRequest,
    Params(filter): Params<EntryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, filter)?;
            let page = SocialMediaRegisterPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// A page of the register and where it goes on.
pub(super) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: EntryFilter,
) -> Result<(Vec<SocialMediaRegisterLine>, Option<String>), ApiError> {
    let (accounts, next) = social_media_accounts::listed(scope, allowed, filter)?;
    let ids: BTreeSet<String> = accounts.iter().map(|account| account.entry.id.clone()).collect();
    let rows = line::rows(scope, &ids)?;
    let mut lines = line::lines(scope, &rows)?;
    let verified = super::register::last_verified(scope, &ids, NaiveDate::MAX)?;
    let delegated: BTreeSet<String> = accounts
        .iter()
        .filter_map(|account| account.delegated_engagement_id.clone())
        .collect();
    let delegated = names::load(scope, BTreeMap::from([(Target::Entry, delegated)]))?;
    let responsible: Vec<&Holder> = accounts
        .iter()
        .filter_map(|account| account.service.responsible.as_ref())
        .collect();
    let persons: Vec<String> = responsible
        .iter()
        .filter_map(|holder| holder.person_id.clone())
        .collect();
    let posts: Vec<String> = responsible.iter().filter_map(|holder| holder.post_id.clone()).collect();
    let directory = if responsible.is_empty() {
        None
    } else {
        Some(Directory::load(scope, &[], &persons, &posts, scope.today)?)
    };
    let described = |account: SocialMediaAccount| {
        let line = lines.remove(&account.entry.id)?;
        let holder = account.service.responsible.as_ref().zip(directory.as_ref());
        let holder = holder
            .and_then(|(holder, directory)| directory.owner(holder.person_id.as_deref(), holder.post_id.as_deref()));
        let delegated_to = account.delegated_engagement_id.and_then(|id| {
            let name = delegated.0.get(&(Target::Entry, id))?;
            name.code.clone()
        });
        let former = account.handles.into_iter().map(|used| used.handle);
        Some(SocialMediaRegisterLine {
            entry: line,
            platform: account.service.platform,
            former_handles: former.filter(|handle| *handle != account.handle).collect(),
            handle: account.handle,
            url: account.url,
            purpose: account.purpose,
            audience: account.audience,
            content: account.content,
            posters: account.posters,
            hours: account.hours,
            service_responsible_name: holder.map(|person| person.name.clone()),
            operating_procedure: account.service.operating_procedure,
            verified_badge: account.verified_badge,
            listed_on_official_site: account.listed_on_official_site,
            delegated_to,
            last_post_on: account.last_post_on,
            looks_dormant: account.looks_dormant,
            residual_level: account.entry.risk.residual_level,
            last_verified_on: verified.get(&account.entry.id).copied(),
            next_due_on: account.entry.next_due_on,
        })
    };
    Ok((accounts.into_iter().filter_map(described).collect(), next))
}

/// The columns of the register.
pub(super) fn columns() -> Vec<Column> {
    let mut columns = line::line_columns();
    columns.extend([
        shown("platform", "サービス", Cell::Word(platforms()), "platform"),
        shown("handle", "アカウント名", Cell::Text, "handle"),
        shown("former_handles", "以前のアカウント名", Cell::Codes, "former_handles"),
        shown("url", "URL", Cell::Text, "url"),
        shown("purpose", "運用目的", Cell::Text, "purpose"),
        shown("audience", "対象者", Cell::Text, "audience"),
        shown("content", "発信内容", Cell::Text, "content"),
        shown("posters", "投稿者", Cell::Text, "posters"),
        shown("hours", "対応時間", Cell::Text, "hours"),
        shown(
            "service_responsible_name",
            "サービスの責任者",
            Cell::Text,
            "service_responsible_name",
        ),
        shown("operating_procedure", "運用手順", Cell::Text, "operating_procedure"),
        shown("verified_badge", "認証バッジ", Cell::Boolean, "verified_badge"),
        shown(
            "listed_on_official_site",
            "公式サイトに掲載",
            Cell::Boolean,
            "listed_on_official_site",
        ),
        shown("delegated_to", "運用委託の管理番号", Cell::Code, "delegated_to"),
        shown("last_post_on", "最終投稿日", Cell::Date, "last_post_on"),
        shown("looks_dormant", "休眠の疑い", Cell::Boolean, "looks_dormant"),
        shown(
            "risk_level",
            "残存リスク",
            Cell::Word(words::<Level>()),
            "residual_level",
        ),
        shown("last_verified_on", "最終確認日", Cell::Date, "last_verified_on"),
        shown("next_due_on", "次の期限", Cell::Date, "next_due_on"),
    ]);
    columns
}
