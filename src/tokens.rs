//! Access tokens (RFC 6749 client credentials → RFC 9068 JWT, ES256, ten minutes) and what publishes them: the key set
//! and the server's metadata (RFC 8414).
//!
//! Times are checked against the injected clock, never by the library's own. Keys are in [`crate::keys`]; clients and
//! their secrets in [`crate::api_clients`].

use actix_web::{HttpRequest, HttpResponse, get, http::header, post, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::clock::Instant;
use crate::db::schema::{api_client_secrets, api_clients};
use crate::http::caller::{Organizations, scope};
use crate::http::error::{ApiError, Problem};
use crate::journal::sha256_hex;
use crate::keys::TOKEN_SECONDS;

/// Who this service's tokens are for.
pub const AUDIENCE: &str = "kakunin";
/// How far clocks may disagree, in seconds.
const LEEWAY: i64 = 30;

/// The claims of an access token (RFC 9068 §2.2 and ours).
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    scope: String,
    local_government_id: String,
    org_ids: OrgIds,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum OrgIds {
    All(String),
    Only(Vec<String>),
}

/// What a valid token says.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The tenant.
    pub local_government_id: String,
    /// The client.
    pub client_id: String,
    /// Where it may look.
    pub organizations: Organizations,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// Checks a token: form, key, signature, issuer, audience, times, type.
///
/// # Errors
/// 401 with the reason for the log.
pub fn check(app: &App, token: &str) -> Result<Verified, ApiError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| ApiError::InvalidToken("header"))?;
    if header.typ.as_deref().map(str::to_ascii_lowercase).as_deref() != Some("at+jwt") {
        return Err(ApiError::InvalidToken("typ"));
    }
    if header.alg != Algorithm::ES256 {
        return Err(ApiError::InvalidToken("alg"));
    }
    if header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some() || has_crit(token) {
        return Err(ApiError::InvalidToken("embedded key"));
    }
    let kid = header.kid.ok_or(ApiError::InvalidToken("no kid"))?;
    let now = app.clock.now();
    let ring = app.keys.ring(&app.db, now, Some(&kid));
    let key = ring
        .shown(now)
        .find(|key| key.kid == kid)
        .ok_or(ApiError::InvalidToken("unknown kid"))?;
    let key = DecodingKey::from_ec_components(&key.x, &key.y).map_err(ApiError::internal)?;

    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[&app.config.public_url]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(|_| ApiError::InvalidToken("signature or claims"))?
        .claims;

    let seconds = now.unix_seconds();
    if claims.exp + LEEWAY <= seconds {
        return Err(ApiError::ExpiredToken);
    }
    if claims.nbf > seconds + LEEWAY || claims.iat > seconds + LEEWAY {
        return Err(ApiError::InvalidToken("not yet valid"));
    }
    if claims.exp - claims.iat > TOKEN_SECONDS || claims.exp <= claims.iat {
        return Err(ApiError::InvalidToken("life"));
    }
    if claims.sub != claims.client_id || uuid::Uuid::try_parse(&claims.jti).is_err() {
        return Err(ApiError::InvalidToken("sub or jti"));
    }
    let organizations = match claims.org_ids {
        OrgIds::All(all) if all == "*" => Organizations::All,
        OrgIds::All(_) => return Err(ApiError::InvalidToken("org_ids")),
        OrgIds::Only(ids) => Organizations::Only(ids),
    };
    if ring.is_revoked(&claims.client_id) {
        return Err(ApiError::InvalidToken("revoked client"));
    }
    Ok(Verified {
        local_government_id: claims.local_government_id,
        client_id: claims.client_id,
        organizations,
        scopes: claims.scope.split_whitespace().map(str::to_owned).collect(),
    })
}

/// RFC 7515 §4.1.11: a token that names critical extensions is refused, for we understand none.
fn has_crit(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(header)
        .unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&bytes).is_ok_and(|header| header.get("crit").is_some())
}

/// A request for a token, form-encoded; the client may also name itself by HTTP Basic.
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// Always `client_credentials`.
    #[schema(example = "client_credentials", max_length = 40)]
    grant_type: Option<String>,
    /// The client, unless HTTP Basic names it.
    #[schema(nullable = false, max_length = 64)]
    client_id: Option<String>,
    /// Its secret, unless HTTP Basic carries it.
    #[schema(nullable = false, max_length = 200)]
    client_secret: Option<String>,
    /// Scopes to ask for, separated by spaces; without it all that the client has.
    #[schema(nullable = false, max_length = 1000, example = "entries:read contractors:read")]
    scope: Option<String>,
}

/// An access token (RFC 6749 §5.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenResponse {
    /// Send it as `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Its life in seconds.
    #[schema(example = 600)]
    expires_in: i64,
    /// The scopes that it carries.
    #[schema(example = "entries:read contractors:read")]
    scope: String,
}

/// A refusal of a token (RFC 6749 §5.2).
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenError {
    /// `invalid_request`, `invalid_client`, `unsupported_grant_type` or `invalid_scope`.
    #[schema(example = "invalid_client")]
    error: &'static str,
    /// What to do, in Japanese and English.
    error_description: &'static str,
}

fn refuse(error: &'static str, error_description: &'static str) -> HttpResponse {
    let mut response = if error == "invalid_client" {
        HttpResponse::Unauthorized()
    } else {
        HttpResponse::BadRequest()
    };
    if error == "invalid_client" {
        response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"kakunin\""));
    }
    response.json(TokenError {
        error,
        error_description,
    })
}

/// Obtain an access token
///
/// OAuth 2.0 client credentials (RFC 6749 §4.4). The token is a JWT (RFC 9068), signed with ES256, valid for ten minutes.
#[utoipa::path(tag = "auth", security(("client_basic" = []), ()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "トークン / The token", body = TokenResponse),
        (status = 400, description = "要求の誤り / Invalid request (RFC 6749 §5.2)", body = TokenError),
        (status = 401, description = "クライアントが正しくない / Invalid client", body = TokenError),
        (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[post("/oauth/token")]
pub async fn issue_token(
    app: web::Data<App>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let media_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if !media_type
        .to_ascii_lowercase()
        .starts_with("application/x-www-form-urlencoded")
    {
        return Err(ApiError::UnsupportedMediaType);
    }
    let text = String::from_utf8(body.to_vec()).unwrap_or_default();
    let Ok(form) = web::Query::<TokenRequest>::from_query(&text) else {
        return Ok(refuse("invalid_request", "本文を読めません。The form cannot be read."));
    };
    let form = form.into_inner();
    if form.grant_type.as_deref() != Some("client_credentials") {
        let error = if form.grant_type.is_none() {
            "invalid_request"
        } else {
            "unsupported_grant_type"
        };
        return Ok(refuse(
            error,
            "grant_type=client_credentials を指定してください。Use grant_type=client_credentials.",
        ));
    }
    let basic = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(basic_credentials);
    let (Some(client_id), Some(secret)) = (match basic {
        Some((id, secret)) => (Some(id), Some(secret)),
        None => (form.client_id, form.client_secret),
    }) else {
        return Ok(refuse(
            "invalid_client",
            "client_id と client_secret を付けてください。Send client_id and client_secret.",
        ));
    };
    let app = app.get_ref().clone();
    let wanted = form.scope;
    let issued = web::block(move || issue(&app, &client_id, &secret, wanted.as_deref()))
        .await
        .map_err(ApiError::internal)??;
    Ok(match issued {
        Ok(token) => HttpResponse::Ok()
            .insert_header((header::PRAGMA, "no-cache"))
            .json(token),
        Err((error, description)) => refuse(error, description),
    })
}

fn basic_credentials(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

type Refused = (&'static str, &'static str);

fn issue(
    app: &App,
    client_id: &str,
    secret: &str,
    wanted: Option<&str>,
) -> Result<Result<TokenResponse, Refused>, ApiError> {
    const UNKNOWN: Refused = (
        "invalid_client",
        "クライアントか秘密が正しくありません。The client or its secret is wrong.",
    );
    let now = app.clock.now();
    if client_id.contains('\0') {
        return Ok(Err(UNKNOWN));
    }
    type Row = (String, String, String, Option<chrono::NaiveDate>, Option<Instant>);
    let found: Option<(Row, Vec<String>)> = app.db.read(|conn| {
        let row: Option<Row> = api_clients::table
            .filter(api_clients::id.eq(client_id))
            .select((
                api_clients::local_government_id,
                api_clients::scopes,
                api_clients::organization_ids,
                api_clients::expires_on,
                api_clients::revoked_at,
            ))
            .first(conn)
            .optional()?;
        let hashes = api_client_secrets::table
            .filter(api_client_secrets::client_id.eq(client_id))
            .filter(
                api_client_secrets::expires_at
                    .is_null()
                    .or(api_client_secrets::expires_at.gt(Some(now))),
            )
            .select(api_client_secrets::secret_sha256)
            .load(conn)?;
        Ok(row.map(|row| (row, hashes)))
    })?;
    let Some(((local_government_id, scopes, organization_ids, expires_on, revoked_at), hashes)) = found else {
        return Ok(Err(UNKNOWN));
    };
    // A secret is 256 random bits, so its plain hash is safe to keep (ASVS 6.5.2) and to compare.
    let given = sha256_hex(secret.as_bytes());
    let known = hashes
        .iter()
        .any(|hash| aws_lc_rs::constant_time::verify_slices_are_equal(hash.as_bytes(), given.as_bytes()).is_ok());
    let expired = expires_on.is_some_and(|on| on < now.date_in(chrono_tz::Asia::Tokyo));
    if !known || revoked_at.is_some() || expired {
        return Ok(Err(UNKNOWN));
    }
    let held: Vec<String> = serde_json::from_str(&scopes)?;
    let granted: Vec<String> = match wanted {
        None => held,
        Some(wanted) => {
            let wanted: Vec<String> = wanted.split_whitespace().map(str::to_owned).collect();
            if wanted.is_empty() || wanted.iter().any(|scope| !held.contains(scope)) {
                return Ok(Err((
                    "invalid_scope",
                    "このクライアントにないスコープです。The client does not have this scope.",
                )));
            }
            wanted
        }
    };
    let scope = granted.join(" ");
    let organizations: Option<Vec<String>> = serde_json::from_str(&organization_ids)?;
    let org_ids = organizations.map_or_else(|| OrgIds::All("*".to_owned()), OrgIds::Only);
    let claims = Claims {
        iss: app.config.public_url.clone(),
        aud: AUDIENCE.to_owned(),
        sub: client_id.to_owned(),
        client_id: client_id.to_owned(),
        iat: now.unix_seconds(),
        nbf: now.unix_seconds(),
        exp: now.unix_seconds() + TOKEN_SECONDS,
        jti: app.random.id(now),
        scope: scope.clone(),
        local_government_id: local_government_id.clone(),
        org_ids,
    };
    let ring = app.keys.ring(&app.db, now, None);
    let key = ring.current(now).ok_or_else(|| ApiError::internal("no signing key"))?;
    let header = Header {
        typ: Some("at+jwt".to_owned()),
        kid: Some(key.kid.clone()),
        ..Header::new(Algorithm::ES256)
    };
    let access_token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&key.private_der))
        .map_err(ApiError::internal)?;
    // The day is enough to see which clients sleep, and costs one write a day, not one a token.
    app.db.write(|conn| {
        let stale = Some(now.plus_seconds(-24 * 3600));
        diesel::update(api_clients::table.find((&local_government_id, client_id)))
            .filter(
                api_clients::last_used_at
                    .is_null()
                    .or(api_clients::last_used_at.lt(stale)),
            )
            .set(api_clients::last_used_at.eq(Some(now)))
            .execute(conn)?;
        Ok(())
    })?;
    Ok(Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: TOKEN_SECONDS,
        scope,
    }))
}

/// The keys that tokens are verified with (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonWebKeySet {
    /// Current, next and, for a while, previous.
    keys: Vec<JsonWebKey>,
}

/// A public key on P-256.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct JsonWebKey {
    /// Always `EC`.
    kty: String,
    /// Always `P-256`.
    crv: String,
    /// The point's x.
    x: String,
    /// The point's y.
    y: String,
    /// RFC 7638 thumbprint.
    kid: String,
    /// Always `sig`.
    r#use: String,
    /// Always `ES256`.
    alg: String,
}

/// The public keys
///
/// RFC 7517; a gateway verifies tokens with them without calling us. The next key shows at least 24 hours before use.
#[utoipa::path(tag = "auth", security(()), responses(
    (status = 200, description = "鍵 / The keys", body = JsonWebKeySet),
    (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[get("/.well-known/jwks.json")]
pub async fn get_jwks(app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let app = app.get_ref().clone();
    let set = web::block(move || {
        let now = app.clock.now();
        let ring = app.keys.ring(&app.db, now, None);
        let keys = ring
            .shown(now)
            .map(|key| serde_json::from_value(key.public_jwk.clone()))
            .collect::<Result<_, _>>()?;
        Ok::<_, ApiError>(JsonWebKeySet { keys })
    })
    .await
    .map_err(ApiError::internal)??;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(set))
}

/// Where and how to obtain tokens (RFC 8414).
#[derive(Debug, Serialize, ToSchema)]
pub struct AuthorizationServerMetadata {
    /// The issuer of the tokens.
    issuer: String,
    /// Where tokens are obtained.
    token_endpoint: String,
    /// Where the keys are.
    jwks_uri: String,
    /// Every scope.
    scopes_supported: Vec<&'static str>,
    /// Always empty: there is no authorization endpoint.
    response_types_supported: Vec<&'static str>,
    /// Always `client_credentials`.
    grant_types_supported: Vec<&'static str>,
    /// How a client names itself.
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    /// The document.
    service_documentation: String,
}

/// Authorization server metadata
///
/// RFC 8414.
#[utoipa::path(tag = "auth", security(()), responses(
    (status = 200, description = "メタデータ / Metadata", body = AuthorizationServerMetadata),
    (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[get("/.well-known/oauth-authorization-server")]
pub async fn get_authorization_server_metadata(app: web::Data<App>) -> HttpResponse {
    let base = &app.config.public_url;
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(AuthorizationServerMetadata {
            issuer: base.clone(),
            token_endpoint: format!("{base}/oauth/token"),
            jwks_uri: format!("{base}/.well-known/jwks.json"),
            scopes_supported: scope::ALL.iter().map(|(name, _)| *name).collect(),
            response_types_supported: vec![],
            grant_types_supported: vec!["client_credentials"],
            token_endpoint_auth_methods_supported: vec!["client_secret_basic", "client_secret_post"],
            service_documentation: format!("{base}/docs/"),
        })
}
