//! The clients of the demo and `demo.json`, the file that names them. Only that file knows a client's secret: whatever
//! it does not know any more, because it was removed or a start broke off, is revoked and made anew.

use std::path::Path;

use diesel::dsl::exists;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::ledger;
use crate::api_clients::{self, ApiClient, ApiClientCreate};
use crate::app::{App, Scope, Tenant};
use crate::cli::{Stop, all_scopes};
use crate::db::schema::{api_client_secrets, local_governments, organizations};
use crate::http::error::ApiError;
use crate::journal::{Actor, sha256_hex};
use crate::keys::write_private;

/// `demo.json`: what a program needs to call the demo. The last three are the first client's.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Document {
    pub base_url: String,
    pub docs_url: String,
    pub token_url: String,
    pub clients: Vec<Access>,
    pub client_id: String,
    pub client_secret: String,
    pub organizations: Vec<Organization>,
}

/// How to call in the name of one local government: a client with every scope.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Access {
    pub local_government_id: String,
    pub name: String,
    pub client_id: String,
    pub client_secret: String,
    pub organizations: Vec<Organization>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Organization {
    pub id: String,
    pub name: String,
}

/// Gives every local government of the demo a client that works, and writes them down.
pub(super) fn provide(app: &App, path: &Path) -> Result<Document, Stop> {
    let known = read(path);
    let mut clients = vec![];
    for profile in ledger::profiles(app) {
        let code = profile.local_government.code.as_deref().unwrap_or_default();
        let id: String = app.db.read(|conn| {
            Ok(local_governments::table
                .filter(local_governments::code.eq(code))
                .select(local_governments::id)
                .first(conn)?)
        })?;
        let name = &profile.local_government.name;
        clients.push(app.write_as(&Tenant::new(&id), Actor::system(), |scope| client(scope, name, &known))?);
    }
    let first = clients
        .first()
        .cloned()
        .ok_or_else(|| Stop("no profile names a local government".to_owned()))?;
    let base_url = app.config.public_url.clone();
    let document = Document {
        docs_url: format!("{base_url}/docs/"),
        token_url: format!("{base_url}/oauth/token"),
        base_url,
        clients,
        client_id: first.client_id,
        client_secret: first.client_secret,
        organizations: first.organizations,
    };
    let text = serde_json::to_string_pretty(&document).map_err(ApiError::internal)?;
    write_private(path, &(text + "\n"))?;
    Ok(document)
}

/// The clients of the start before; none of a file that is missing or is no `demo.json`.
fn read(path: &Path) -> Vec<Access> {
    std::fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Document>(&bytes).ok())
        .map(|document| document.clients)
        .unwrap_or_default()
}

fn client(scope: &mut Scope<'_>, local_government: &str, known: &[Access]) -> Result<Access, ApiError> {
    let name = format!("{local_government} デモ");
    let mut credentials = None;
    let mut registered = api_clients::all(scope)?;
    registered.retain(|client| client.revoked_at.is_none());
    for known in known {
        if works(scope, &registered, known)? {
            credentials = Some((known.client_id.clone(), known.client_secret.clone()));
        }
    }
    let (client_id, client_secret) = match credentials {
        Some(credentials) => credentials,
        None => fresh(scope, &registered, name)?,
    };
    let organizations: Vec<(String, String)> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .order(organizations::id)
        .select((organizations::id, organizations::name))
        .load(scope.conn)?;
    Ok(Access {
        local_government_id: scope.lg.clone(),
        name: local_government.to_owned(),
        client_id,
        client_secret,
        organizations: organizations
            .into_iter()
            .map(|(id, name)| Organization { id, name })
            .collect(),
    })
}

fn works(scope: &mut Scope<'_>, registered: &[ApiClient], known: &Access) -> Result<bool, ApiError> {
    let Some(client) = registered.iter().find(|client| client.id == known.client_id) else {
        return Ok(false);
    };
    let accepted: Vec<&str> = client.secrets.iter().map(|secret| secret.id.as_str()).collect();
    let secret = api_client_secrets::table
        .filter(api_client_secrets::local_government_id.eq(&scope.lg))
        .filter(api_client_secrets::id.eq_any(accepted))
        .filter(api_client_secrets::secret_sha256.eq(sha256_hex(known.client_secret.as_bytes())));
    Ok(diesel::select(exists(secret)).get_result(scope.conn)?)
}

/// A new client in place of those whose secret nobody has any more.
fn fresh(scope: &mut Scope<'_>, registered: &[ApiClient], name: String) -> Result<(String, String), ApiError> {
    for lost in registered.iter().filter(|client| client.name == name) {
        api_clients::revoke(scope, &lost.id)?;
    }
    scope.app.keys.forget();
    let new = ApiClientCreate {
        name,
        scopes: all_scopes(),
        organization_ids: None,
        contact_email: None,
        expires_on: None,
    };
    let (client, secret) = api_clients::create(scope, new)?;
    Ok((client.id, secret))
}
