//! Signed checkpoints: what the head of a journal was, under a key whose public half the auditor holds.
//!
//! One for each day on which something was written, made by the worker after the day has ended; the signature is a
//! compact JWS (RFC 7515, ES256) over [`Checkpoint`].

use diesel::prelude::*;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};

use super::chain::Checkpoint;
use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::schema::{journal, journal_checkpoints, signing_keys};
use crate::db::{Conn, insert_new};
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::keys;

/// The type of a checkpoint's signature.
pub(super) const TYP: &str = "kakunin-checkpoint+jwt";

/// Signs a statement as a compact JWS; answers the key's id and the signature.
///
/// # Errors
/// A database failure, or no key.
pub(crate) fn sign(scope: &mut Scope<'_>, typ: &str, statement: &impl Serialize) -> Result<(String, String), ApiError> {
    let key = keys::signing_key(scope.conn, &scope.app.keys.master, scope.at)?;
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(key.kid.clone());
    header.typ = Some(typ.to_owned());
    let jws = jsonwebtoken::encode(&header, statement, &EncodingKey::from_ec_der(&key.private_der))
        .map_err(ApiError::internal)?;
    Ok((key.kid.clone(), jws))
}

/// Closes the days that have ended and have entries behind the last checkpoint. One checkpoint covers all of them: the
/// chain carries the rest. Answers how many were made.
///
/// # Errors
/// A database failure.
pub(crate) fn close_days(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    app.write_as(tenant, Actor::system(), |scope| {
        let last: Option<i64> = journal_checkpoints::table
            .filter(journal_checkpoints::local_government_id.eq(&scope.lg))
            .select(diesel::dsl::max(journal_checkpoints::seq))
            .first(scope.conn)?;
        let midnight = Instant::of_local(scope.today, 0, scope.zone);
        // The last entry of the days before today, walked backwards from the head by the primary key.
        let head: Option<(i64, String, Instant)> = journal::table
            .filter(journal::local_government_id.eq(&scope.lg))
            .filter(journal::seq.gt(last.unwrap_or(0)))
            .filter(journal::at.lt(midnight))
            .order(journal::seq.desc())
            .select((journal::seq, journal::hash, journal::at))
            .first(scope.conn)
            .optional()?;
        let Some((seq, hash, at)) = head else { return Ok(0) };
        let day = at.date_in(scope.zone);
        let checkpoint = Checkpoint {
            purpose: "daily".to_owned(),
            local_government_id: scope.lg.clone(),
            seq,
            hash: hash.clone(),
            day: day.to_string(),
            at: scope.at.to_string(),
            before_sha256: None,
        };
        let (kid, jws) = sign(scope, TYP, &checkpoint)?;
        let row = vec![(
            journal_checkpoints::local_government_id.eq(scope.lg.clone()),
            journal_checkpoints::seq.eq(seq),
            journal_checkpoints::hash.eq(hash),
            journal_checkpoints::day.eq(day),
            journal_checkpoints::kid.eq(kid),
            journal_checkpoints::jws.eq(jws),
            journal_checkpoints::created_at.eq(scope.at),
        )];
        // Another replica may have been quicker.
        let key = (journal_checkpoints::local_government_id, journal_checkpoints::seq);
        let made: usize = insert_new!(&mut *scope.conn, journal_checkpoints::table, row, key);
        Ok(made)
    })
}

/// The public halves of every key that ever signed, as a JSON Web Key Set: an old checkpoint needs an old key.
///
/// # Errors
/// A database failure.
pub fn key_set(conn: &mut Conn) -> Result<Value, ApiError> {
    let rows: Vec<String> = signing_keys::table
        .order((signing_keys::created_at, signing_keys::kid))
        .select(signing_keys::public_jwk)
        .load(conn)?;
    let keys: Result<Vec<Value>, _> = rows.iter().map(|text| serde_json::from_str(text)).collect();
    Ok(json!({"keys": keys?}))
}
