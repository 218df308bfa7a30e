//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again has its effect once, and is
//! answered as it was the first time.
//!
//! [`once`] runs inside the transaction of the write ([`super::caller::Caller::write`]): effect and answer are committed
//! together or not at all, so nothing between them can be lost. A second request while the first one runs waits for it
//! and is answered by its answer. Problems are rolled back with everything else, so a request that failed may be
//! corrected and sent again with its key. Answers may hold secrets and personal data: they are kept sealed, for
//! [`KEPT_SECONDS`], then [`crate::work`] forgets them.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use diesel::prelude::*;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::caller::Organizations;
use super::error::{ApiError, Lang};
use crate::app::Scope;
use crate::db::on_each_backend;
use crate::db::schema::idempotency_keys;
use crate::journal::{hex, sha256_hex};

/// The header of a request.
pub(super) const HEADER: &str = "idempotency-key";
/// How long an answer is kept: a batch that broke off before a long weekend is sent again after it.
const KEPT_SECONDS: i64 = 7 * 24 * 3600;
/// The longest key.
const LONGEST: usize = 255;

/// The key of a request, and what makes it this request.
#[derive(Debug, Clone)]
pub(super) struct Key {
    text: String,
    request: String,
    body: Arc<Mutex<Sha256>>,
}

impl Key {
    /// The key of a request, if it has one; its body is noted as the handler reads it.
    ///
    /// Who acts and where the token may look belong to the request: an answer is never shown to a token that would not
    /// have been given it. The language does not: whoever asks again is answered as the first time.
    ///
    /// # Errors
    /// 400 `invalid_idempotency_key`.
    pub(super) fn of(
        request: &HttpRequest,
        payload: &mut Payload,
        organizations: &Organizations,
        acting_person: Option<&str>,
    ) -> Result<Option<Self>, ApiError> {
        let mut sent = request.headers().get_all(HEADER);
        let text = match (sent.next(), sent.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => value.to_str().ok().and_then(parse),
            (Some(_), Some(_)) => None,
        };
        let text = text.ok_or(ApiError::InvalidIdempotencyKey)?;
        let about = (
            request.method().as_str(),
            request.path(),
            organizations.list(),
            acting_person,
        );
        let body = Arc::new(Mutex::new(Sha256::new()));
        let noted = body.clone();
        *payload = Payload::Stream {
            payload: Box::pin(payload.take().inspect_ok(move |bytes| note(&noted, bytes))),
        };
        Ok(Some(Self {
            text,
            request: serde_json::to_string(&about)?,
            body,
        }))
    }

    /// What the body says, where two that say the same differ in their bytes: a form has another boundary each time.
    #[must_use]
    pub(super) fn saying(mut self, what: &str) -> Self {
        self.body = Arc::new(Mutex::new(Sha256::new_with_prefix(what)));
        self
    }

    fn fingerprint(&self) -> String {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).clone();
        sha256_hex(format!("{}\n{}", self.request, hex(body)).as_bytes())
    }

    /// What the answer is sealed for: it opens in this row only.
    fn purpose(&self, scope: &Scope<'_>, client_id: &str) -> String {
        format!("idempotency {} {client_id} {}", scope.lg, self.text)
    }
}

fn note(body: &Mutex<Sha256>, bytes: &[u8]) {
    body.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
}

/// The key of a header: bare, or in the quotation marks of a structured field (RFC 9651 §3.3.3), which mean the same.
fn parse(header: &str) -> Option<String> {
    let header = header.trim();
    let text = match header.strip_prefix('"') {
        None => header.to_owned(),
        Some(rest) => {
            let mut inner = String::new();
            let mut letters = rest.strip_suffix('"')?.chars();
            while let Some(letter) = letters.next() {
                match letter {
                    '\\' => inner.push(letters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
                    '"' => return None,
                    _ => inner.push(letter),
                }
            }
            inner
        }
    };
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    (visible && (1..=LONGEST).contains(&text.len())).then_some(text)
}

/// Writes once for a key: the first request runs, every later one is answered by its answer, in its language.
///
/// # Errors
/// 422 `idempotency_key_reused` for another request, or what `write` answers; then the key is free again.
pub(super) fn once(
    scope: &mut Scope<'_>,
    client_id: &str,
    key: &Key,
    lang: Lang,
    write: impl FnOnce(&mut Scope<'_>) -> Result<Answer, ApiError>,
) -> Result<(Answer, Lang), ApiError> {
    let purpose = key.purpose(scope, client_id);
    if !claim(scope, client_id, key)? {
        return replay(scope, client_id, key, &purpose);
    }
    let first = (write(scope)?, lang);
    let text = serde_json::to_vec(&first)?;
    let sealed = scope.app.keys.master.seal(&scope.app.random, &purpose, &text)?;
    diesel::update(idempotency_keys::table.find((&scope.lg, client_id, &key.text)))
        .set(idempotency_keys::sealed_answer.eq(sealed))
        .execute(scope.conn)?;
    Ok(first)
}

/// Takes the key for this transaction; false when it is taken. While another transaction holds it, this waits for that
/// one's end: on its commit the key is taken, on its roll-back it is free.
fn claim(scope: &mut Scope<'_>, client_id: &str, key: &Key) -> Result<bool, ApiError> {
    // The worker may be late; a key's time is over at its second all the same.
    diesel::delete(
        idempotency_keys::table
            .find((&scope.lg, client_id, &key.text))
            .filter(idempotency_keys::expires_at.le(scope.at)),
    )
    .execute(scope.conn)?;
    let row = (
        idempotency_keys::local_government_id.eq(&scope.lg),
        idempotency_keys::client_id.eq(client_id),
        idempotency_keys::key.eq(&key.text),
        idempotency_keys::fingerprint.eq(key.fingerprint()),
        // Nobody else sees the row before the answer is in it.
        idempotency_keys::sealed_answer.eq(Vec::<u8>::new()),
        idempotency_keys::master_key_id.eq(scope.app.keys.master.id()),
        idempotency_keys::expires_at.eq(scope.at.plus_seconds(KEPT_SECONDS)),
    );
    let inserted = on_each_backend!(&mut *scope.conn, |c| diesel::insert_into(idempotency_keys::table)
        .values(row)
        .on_conflict((
            idempotency_keys::local_government_id,
            idempotency_keys::client_id,
            idempotency_keys::key,
        ))
        .do_nothing()
        .execute(c))?;
    Ok(inserted == 1)
}

fn replay(scope: &mut Scope<'_>, client_id: &str, key: &Key, purpose: &str) -> Result<(Answer, Lang), ApiError> {
    let (fingerprint, sealed): (String, Vec<u8>) = idempotency_keys::table
        .find((&scope.lg, client_id, &key.text))
        .select((idempotency_keys::fingerprint, idempotency_keys::sealed_answer))
        .first(scope.conn)?;
    if fingerprint != key.fingerprint() {
        return Err(ApiError::IdempotencyKeyReused);
    }
    let text = scope.app.keys.master.open(purpose, &sealed)?;
    let (answer, lang): (Answer, Lang) = serde_json::from_slice(&text)?;
    Ok((answer.replayed(), lang))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_key_is_visible_ascii_bare_or_quoted() {
        let longest = "k".repeat(255);
        for (header, key) in [
            ("a", "a"),
            (
                "8e03978e-40d5-43dd-bc93-6894a57f9324",
                "8e03978e-40d5-43dd-bc93-6894a57f9324",
            ),
            ("\"8e03978e\"", "8e03978e"),
            (" a ", "a"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            ("R9/0001#2", "R9/0001#2"),
            (longest.as_str(), longest.as_str()),
        ] {
            assert_eq!(parse(header).as_deref(), Some(key), "{header}");
        }
        let too_long = "k".repeat(256);
        for header in [
            "",
            "\"\"",
            "\"",
            "\"a",
            "a b",
            "\"a\"b\"",
            r#""a\""#,
            r#""a\n""#,
            "確認",
            too_long.as_str(),
        ] {
            assert_eq!(parse(header), None, "{header}");
        }
    }
}
