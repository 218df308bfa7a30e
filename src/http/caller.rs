//! Who calls and what they may do, as extractors: a handler without one of these is public and listed as such.
//!
//! `Caller<scope::…>` in a signature is the permission; the handler cannot be reached without it. Tokens are made and
//! checked in [`crate::tokens`].

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::answer::Answer;
use super::body::params;
use super::error::{ApiError, Lang};
use super::guard::{ClientId, RequestId};
use super::idempotency::{self, Key};
use crate::app::{App, Scope, Tenant};
use crate::journal::Actor;
use crate::tokens;

/// A permission, as a type.
pub trait Permission: 'static {
    /// The scope that a token must carry; `None`: any valid token.
    const SCOPE: Option<&'static str>;
}

macro_rules! permissions {
    ($($(#[$meta:meta])* $name:ident = $scope:literal, $ja:literal;)+) => {
        /// The scopes of the API (`reference`: design §9 "Scopes"), each as a type.
        pub mod scope {
            $($(#[$meta])* #[doc = $ja] #[derive(Debug, Clone)] pub struct $name;
            impl super::Permission for $name { const SCOPE: Option<&'static str> = Some($scope); })+
            /// Any valid token.
            #[derive(Debug)]
            pub struct AnyToken;
            impl super::Permission for AnyToken { const SCOPE: Option<&'static str> = None; }
            /// Every scope with its meaning, in the order of the document.
            pub const ALL: &[(&str, &str)] = &[$(($scope, $ja)),+];
        }
    };
}

permissions! {
    DirectoryRead = "directory:read", "機関・所属・職・人を読む";
    DirectoryWrite = "directory:write", "機関・所属・職・人を書く";
    ContractorsRead = "contractors:read", "事業者を読む";
    ContractorsWrite = "contractors:write", "事業者を書く";
    EntriesRead = "entries:read", "台帳を読む";
    EntriesWrite = "entries:write", "台帳を書く";
    EntriesDecide = "entries:decide", "台帳の状態を決める";
    ClausesRead = "clauses:read", "条項カタログと標準特記仕様書を読む";
    ClausesWrite = "clauses:write", "標準特記仕様書を書く";
    FilesRead = "files:read", "ファイルを読む";
    FilesWrite = "files:write", "ファイルを登録する";
    VerificationsRead = "verifications:read", "期限と確認を読む";
    VerificationsWrite = "verifications:write", "確認を記録する";
    ActionsRead = "actions:read", "是正措置と契約に基づく措置を読む";
    ActionsWrite = "actions:write", "是正措置と契約に基づく措置を書く";
    IncidentsRead = "incidents:read", "インシデントを読む";
    IncidentsWrite = "incidents:write", "インシデントを書く";
    RemindersRead = "reminders:read", "督促とメールを読む";
    PoliciesRead = "policies:read", "機関のポリシーと文書を読む";
    PoliciesWrite = "policies:write", "機関のポリシーと文書を書く";
    AuditsRead = "audits:read", "監査と自己点検を読む";
    AuditsWrite = "audits:write", "監査と自己点検を書く";
    AuditLogRead = "audit_log:read", "監査ログを読む";
    ImportsWrite = "imports:write", "書ける台帳へファイルを取り込む";
    ReportsRead = "reports:read", "報告を読む";
    ExportsCreate = "exports:create", "読める台帳と報告をファイルに出力する";
    CalendarManage = "calendar:manage", "期限のカレンダーを配る";
    RiskEvaluate = "risk:evaluate", "試算する";
    GateCheck = "gate:check", "進めてよいかを照会する";
    SyncRead = "sync:read", "変更とイベントを追う";
    WebhooksManage = "webhooks:manage", "Webhookの送り先を管理する";
    ClientsManage = "clients:manage", "APIクライアントを管理する";
    ActForPeople = "act_for_people", "人に代わって行う";
}

/// Which organizations a token may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Organizations {
    /// All of the local government, also future ones.
    All,
    /// These.
    Only(Vec<String>),
}

impl Organizations {
    /// Whether the token may touch this one.
    pub fn contains(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.iter().any(|known| known == id),
        }
    }

    /// The list to filter by, `None` for all.
    pub fn list(&self) -> Option<&[String]> {
        match self {
            Self::All => None,
            Self::Only(ids) => Some(ids),
        }
    }

    /// A record of an organization that the token may not touch does not exist for it.
    ///
    /// # Errors
    /// 404.
    pub fn check(&self, id: &str) -> Result<(), ApiError> {
        if self.contains(id) {
            Ok(())
        } else {
            Err(ApiError::NotFound)
        }
    }
}

/// An authenticated caller with the permission `P`.
#[derive(Debug, Clone)]
pub struct Caller<P: Permission> {
    /// The local government of the token.
    pub tenant: Tenant,
    /// The client.
    pub client_id: String,
    /// Where it may look.
    pub organizations: Organizations,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The person named by `Acting-Person`, not yet looked up.
    pub acting_person: Option<String>,
    /// The language of the answer.
    pub lang: Lang,
    /// The id of the request, as its answer names it.
    pub request_id: String,
    /// Whether the write is only tried (`?dry_run=true`): everything runs, is answered, and is taken back.
    pub dry_run: bool,
    /// The `Idempotency-Key` of a POST.
    retry: Option<Key>,
    app: App,
    permission: PhantomData<P>,
}

impl<P: Permission> Caller<P> {
    /// The application.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Whether moves that are not announced yet (内示前) are shown: to whoever keeps the directory.
    pub fn sees_planned_moves(&self) -> bool {
        self.scopes.iter().any(|held| held == "directory:write")
    }

    /// For operations that reach what another scope guards.
    ///
    /// # Errors
    /// 403 `insufficient_scope`.
    pub fn require_scope(&self, scope: &'static str) -> Result<(), ApiError> {
        if self.scopes.iter().any(|held| held == scope) {
            Ok(())
        } else {
            Err(ApiError::InsufficientScope(scope))
        }
    }

    /// For batches, which must not go without an `Idempotency-Key` and have a limit of their own; a trial needs no key.
    ///
    /// # Errors
    /// 400 `idempotency_key_required`; 429.
    pub fn require_key(&self) -> Result<(), ApiError> {
        if self.retry.is_none() && !self.dry_run {
            return Err(ApiError::IdempotencyKeyRequired);
        }
        self.app.limits.batch(&self.client_id)
    }

    /// The same, with what its body says; for bodies that differ in their bytes when they are sent again.
    #[must_use]
    pub fn saying(mut self, what: &str) -> Self {
        self.retry = self.retry.map(|key| key.saying(what));
        self
    }

    fn actor(&self) -> Actor {
        Actor {
            client_id: Some(self.client_id.clone()),
            person_id: self.acting_person.clone(),
            via: "api",
        }
    }

    /// The acting person, for acts that only a person can take.
    ///
    /// # Errors
    /// 422 `acting_person_required`.
    pub fn person(&self) -> Result<&str, ApiError> {
        self.acting_person.as_deref().ok_or(ApiError::ActingPersonRequired)
    }

    /// Reads within the caller's tenant, on a blocking thread, and renders the answer.
    ///
    /// # Errors
    /// What `f` answers.
    pub async fn read(
        self,
        f: impl FnOnce(&Self, &mut Scope<'_>) -> Result<Answer, ApiError> + Send + 'static,
    ) -> Result<HttpResponse, ApiError>
    where
        P: Send + Sync,
    {
        let lang = self.lang;
        Ok(self.fetch(f).await?.respond(lang))
    }

    /// Reads within the caller's tenant, on a blocking thread, for an answer that is no JSON.
    ///
    /// # Errors
    /// What `f` answers.
    pub async fn fetch<T: Send + 'static>(
        self,
        f: impl FnOnce(&Self, &mut Scope<'_>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError>
    where
        P: Send + Sync,
    {
        web::block(move || {
            let app = self.app.clone();
            app.read_as(&self.tenant.clone(), |scope| f(&self, scope))
        })
        .await
        .map_err(ApiError::internal)?
    }

    /// Writes within the caller's tenant, on a blocking thread: one transaction that makes the answer too, and keeps it
    /// for a request that is sent again ([`super::idempotency`]). A dry run does all of it and takes it back.
    ///
    /// # Errors
    /// What `f` answers; then nothing was written.
    pub async fn write(
        self,
        f: impl FnOnce(&Self, &mut Scope<'_>) -> Result<Answer, ApiError> + Send + 'static,
    ) -> Result<HttpResponse, ApiError>
    where
        P: Send + Sync,
    {
        let app = self.app.clone();
        let (answer, lang) = web::block(move || {
            let app = self.app.clone();
            let write = |scope: &mut Scope<'_>| {
                if let Some(person) = &self.acting_person {
                    crate::people::require_active(scope, person)?;
                }
                f(&self, scope)
            };
            if self.dry_run {
                let answer = app.rehearse_as(&self.tenant, self.actor(), write)?;
                return Ok((answer.rehearsed(), self.lang));
            }
            app.write_as(&self.tenant, self.actor(), |scope| match &self.retry {
                Some(key) => idempotency::once(scope, &self.client_id, key, self.lang, write),
                None => Ok((write(scope)?, self.lang)),
            })
        })
        .await
        .map_err(ApiError::internal)??;
        if answer.has_begun_work() {
            app.wakes.all();
        }
        Ok(answer.respond(lang))
    }
}

/// The query of a write. A parameter that is misspelt is refused: a trial must not become the real thing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteQuery {
    dry_run: Option<bool>,
}

impl<P: Permission> FromRequest for Caller<P> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(caller(request, payload))
    }
}

fn caller<P: Permission>(request: &HttpRequest, payload: &mut Payload) -> Result<Caller<P>, ApiError> {
    let app = request
        .app_data::<web::Data<App>>()
        .ok_or_else(|| ApiError::internal("no application"))?;
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let token = header(header::AUTHORIZATION.as_str())
        .ok_or(ApiError::MissingToken)?
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(ApiError::MissingToken)?;
    let claims = tokens::check(app, token)?;
    let left = app.limits.client(&claims.client_id)?;
    request.extensions_mut().insert(left);
    request.extensions_mut().insert(ClientId(claims.client_id.clone()));
    if let Some(scope) = P::SCOPE
        && !claims.scopes.iter().any(|held| held == scope)
    {
        return Err(ApiError::InsufficientScope(scope));
    }
    let acting_person = match request.headers().get("acting-person") {
        None => None,
        Some(value) => {
            if !claims.scopes.iter().any(|held| held == "act_for_people") {
                return Err(ApiError::InsufficientScope("act_for_people"));
            }
            let id = value.to_str().ok().and_then(|text| uuid::Uuid::try_parse(text).ok());
            Some(
                id.ok_or_else(|| ApiError::InvalidParameter {
                    name: "Acting-Person".to_owned(),
                    ja: "人のID（UUID）を指定してください。".to_owned(),
                    en: "name a person's id (UUID).".to_owned(),
                })?
                .to_string(),
            )
        }
    };
    let dry_run = !request.method().is_safe() && params::<WriteQuery>(request.query_string())?.dry_run == Some(true);
    // A change that names the version it is about needs no key: it cannot happen twice.
    let retry = if request.method() == Method::POST {
        Key::of(request, payload, &claims.organizations, acting_person.as_deref())?
    } else {
        None
    };
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    Ok(Caller {
        tenant: Tenant::new(&claims.local_government_id),
        client_id: claims.client_id,
        organizations: claims.organizations,
        scopes: claims.scopes,
        acting_person,
        request_id: request_id.unwrap_or_default(),
        dry_run,
        retry,
        lang: Lang::of(header(header::ACCEPT_LANGUAGE.as_str())),
        app: app.get_ref().clone(),
        permission: PhantomData,
    })
}
