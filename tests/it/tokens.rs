//! Tokens: how they are obtained, which are refused, and how the keys behind them change.

use actix_web::http::Method;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use diesel::prelude::*;
use kakunin::db::schema::{api_clients, signing_keys};
use kakunin::http::error::ApiError;
use kakunin::keys::{self, Rotation};
use serde_json::{Value, json};

use crate::harness::{Answered, TestApp, seed};

const TOKEN: &str = "/oauth/token";
const JWKS: &str = "/.well-known/jwks.json";

fn credentials(extra: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", seed::MOTOSU_CLIENT),
        ("client_secret", seed::SECRET),
    ];
    own.into_iter()
        .filter(|(name, _)| !extra.iter().any(|(other, _)| other == name))
        .chain(extra.to_vec())
        .collect()
}

fn refused(answered: Answered, status: u16, error: &str) {
    assert_eq!(answered.expect(status).text("/error"), error);
}

/// The payload and header of a token, unverified.
fn parts(token: &str) -> (Value, Value) {
    let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let mut parts = token.split('.');
    (read(parts.next().unwrap()), read(parts.next().unwrap()))
}

fn unsigned(header: &Value, payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(payload))
}

fn signed(private_der: &[u8], header: &Value, payload: &Value) -> String {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private_der).unwrap();
    let text = unsigned(header, payload);
    let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

/// The private key of a `kid`, as an attacker with the database and the master key would have it.
fn private_key(app: &TestApp, kid: &str) -> Vec<u8> {
    let sealed: Vec<u8> = app.db(|conn| {
        signing_keys::table
            .find(kid)
            .select(signing_keys::private_sealed)
            .first(conn)
    });
    app.app.keys.master.open(kid, &sealed).unwrap()
}

async fn kids(app: &TestApp) -> Vec<String> {
    let set = app.anon().get(JWKS).await.expect(200);
    set.items("/keys")
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

async fn kid_of_a_new_token(app: &TestApp) -> String {
    let answered = app.anon().form(TOKEN, &credentials(&[])).await.expect(200);
    parts(answered.text("/access_token")).0["kid"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn rotate(app: &TestApp, emergency: bool) -> Rotation {
    let now = app.clock.now();
    let done = app
        .app
        .db
        .write(|conn| keys::rotate(conn, &app.app.keys.master, &app.app.random, now, emergency))
        .unwrap();
    app.app.keys.forget();
    done
}

db_test!(a_client_obtains_a_token_by_form_or_by_basic, |app| {
    let by_form = app.anon().form(TOKEN, &credentials(&[])).await.expect(200);
    assert_eq!(by_form.header("cache-control"), "no-store");
    assert_eq!(by_form.at("/expires_in"), 600);
    let (header, claims) = parts(by_form.text("/access_token"));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    assert_eq!(
        (&claims["sub"], &claims["org_ids"]),
        (&json!(seed::MOTOSU_CLIENT), &json!("*"))
    );
    assert_eq!(
        claims["scope"].as_str().unwrap().split(' ').collect::<Vec<_>>(),
        seed::all_scopes()
    );

    let basic = STANDARD.encode(format!("{}:{}", seed::MOTOSU_CLIENT, seed::SECRET));
    let by_basic = app.anon().header("Authorization", &format!("Basic {basic}"));
    let by_basic = by_basic
        .form(TOKEN, &[("grant_type", "client_credentials")])
        .await
        .expect(200);
    app.anon()
        .bearer(by_basic.text("/access_token"))
        .get("/me")
        .await
        .expect(200);
});

db_test!(a_token_carries_the_scopes_that_were_asked_for, |app| {
    let narrow = app
        .anon()
        .form(TOKEN, &credentials(&[("scope", "contractors:read")]))
        .await
        .expect(200);
    assert_eq!(narrow.text("/scope"), "contractors:read");
    let caller = app.anon().bearer(narrow.text("/access_token"));
    caller.get("/contractors").await.expect(200);
    caller
        .post("/contractors", json!({"name": "株式会社みどり"}))
        .await
        .problem(403, "insufficient_scope");
    assert_eq!(
        caller.get("/me").await.expect(200).at("/scopes"),
        &json!(["contractors:read"])
    );
});

db_test!(
    a_request_for_a_token_that_is_wrong_is_refused_in_the_words_of_oauth,
    |app| {
        let ask = |extra: &'static [(&'static str, &'static str)]| {
            let (anon, form) = (app.anon(), credentials(extra));
            async move { anon.form(TOKEN, &form).await }
        };
        refused(ask(&[("client_secret", "wrong")]).await, 401, "invalid_client");
        refused(ask(&[("client_id", "nobody")]).await, 401, "invalid_client");
        refused(ask(&[("client_id", "nul\0")]).await, 401, "invalid_client");
        refused(ask(&[("grant_type", "password")]).await, 400, "unsupported_grant_type");
        refused(ask(&[("scope", "everything")]).await, 400, "invalid_scope");
        refused(app.anon().form(TOKEN, &[]).await, 400, "invalid_request");
        refused(
            app.anon().form(TOKEN, &[("grant_type", "client_credentials")]).await,
            401,
            "invalid_client",
        );
        let json = app.anon().raw(Method::POST, TOKEN, "application/json", b"{}").await;
        json.problem(415, "unsupported_media_type");
    }
);

db_test!(an_expired_or_revoked_client_gets_no_token, |app| {
    let last_day = chrono::NaiveDate::from_ymd_opt(2027, 4, 1).unwrap();
    app.db(|conn| {
        diesel::update(api_clients::table.filter(api_clients::id.eq(seed::MOTOSU_CLIENT)))
            .set(api_clients::expires_on.eq(Some(last_day)))
            .execute(conn)
    });
    app.at("2027-04-01T23:59");
    app.anon().form(TOKEN, &credentials(&[])).await.expect(200);
    app.at("2027-04-02T00:00");
    refused(app.anon().form(TOKEN, &credentials(&[])).await, 401, "invalid_client");

    let made = app.client(seed::KAGOSHIMA, &["contractors:read"], None);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", made.as_str()),
        ("client_secret", seed::SECRET),
    ];
    app.anon().form(TOKEN, &form).await.expect(200);
    let path = format!("/api-clients/{made}");
    app.stranger().delete(&path, "*").await.expect(204);
    refused(app.anon().form(TOKEN, &form).await, 401, "invalid_client");
});

db_test!(a_token_expires_by_the_injected_clock, |app| {
    let token = app.token(seed::MOTOSU_CLIENT, None).await;
    let caller = app.anon().bearer(&token);
    caller.get("/me").await.expect(200);
    // Ten minutes and half a minute for clocks that disagree.
    let issued = app.clock.now();
    app.clock.set(issued.plus_seconds(629));
    caller.get("/me").await.expect(200);
    app.clock.set(issued.plus_seconds(630));
    let late = caller.get("/me").await.problem(401, "expired_token");
    assert_eq!(late.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    // A clock that was set back does not make a token of the future valid.
    app.clock.set(issued.plus_seconds(-31));
    caller.get("/me").await.problem(401, "invalid_token");
});

/// A change of a token's header or payload.
type Forgery = fn(&mut Value, &mut Value, i64);

const FORGERIES: &[(&str, Forgery)] = &[
    ("typ of an ID token", |h, _, _| h["typ"] = json!("JWT")),
    ("no typ", |h, _, _| drop(h.as_object_mut().unwrap().remove("typ"))),
    ("another algorithm", |h, _, _| h["alg"] = json!("ES384")),
    ("unknown kid", |h, _, _| {
        h["kid"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    }),
    ("kid with a path", |h, _, _| h["kid"] = json!("../../etc/passwd")),
    ("no kid", |h, _, _| drop(h.as_object_mut().unwrap().remove("kid"))),
    ("jku", |h, _, _| h["jku"] = json!("https://attacker.example/jwks.json")),
    ("x5u", |h, _, _| h["x5u"] = json!("https://attacker.example/x5u")),
    ("x5c", |h, _, _| h["x5c"] = json!(["MIIB"])),
    ("jwk", |h, _, _| {
        h["jwk"] = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
    }),
    ("crit", |h, _, _| h["crit"] = json!(["exp"])),
    ("another issuer", |_, p, _| p["iss"] = json!("https://attacker.example")),
    ("another audience", |_, p, _| p["aud"] = json!("another-service")),
    ("no issuer", |_, p, _| drop(p.as_object_mut().unwrap().remove("iss"))),
    ("no audience", |_, p, _| drop(p.as_object_mut().unwrap().remove("aud"))),
    ("no subject", |_, p, _| drop(p.as_object_mut().unwrap().remove("sub"))),
    ("no expiry", |_, p, _| drop(p.as_object_mut().unwrap().remove("exp"))),
    ("expiry as text", |_, p, _| p["exp"] = json!("9999999999")),
    ("not before", |_, p, now| p["nbf"] = json!(now + 31)),
    ("issued in the future", |_, p, now| p["iat"] = json!(now + 31)),
    ("a life too long", |_, p, now| p["exp"] = json!(now + 601)),
    ("expiry before issue", |_, p, now| p["iat"] = json!(now + 25)),
    ("another subject", |_, p, _| p["sub"] = json!(seed::KAGOSHIMA_CLIENT)),
    ("jti that is no UUID", |_, p, _| p["jti"] = json!("1")),
    ("organizations by another word", |_, p, _| p["org_ids"] = json!("all")),
    ("a local government that is gone", |_, p, _| {
        p["local_government_id"] = json!(seed::MAYOR);
    }),
];

db_test!(a_bad_token_is_refused, |app| {
    let good = app.token(seed::MOTOSU_CLIENT, None).await;
    let (header, payload) = parts(&good);
    let now = app.clock.now().unix_seconds();
    let key = private_key(&app, header["kid"].as_str().unwrap());
    // Forged with nothing changed it is accepted, so each refusal below has the reason that it is listed with.
    app.anon()
        .bearer(&signed(&key, &header, &payload))
        .get("/me")
        .await
        .expect(200);

    for (name, forge) in FORGERIES {
        let (mut header, mut payload) = (header.clone(), payload.clone());
        if *name == "expiry before issue" {
            payload["exp"] = json!(now - 10);
        }
        forge(&mut header, &mut payload, now);
        let answered = app.anon().bearer(&signed(&key, &header, &payload)).get("/me").await;
        assert_eq!(
            (answered.status, answered.text("/code")),
            (401, "invalid_token"),
            "{name}"
        );
    }

    let with_alg = |alg: &str| {
        let mut header = header.clone();
        header["alg"] = json!(alg);
        unsigned(&header, &payload)
    };
    let set = app.anon().get(JWKS).await.expect(200);
    let public_key = set
        .items("/keys")
        .iter()
        .find(|key| key["kid"] == header["kid"])
        .unwrap()
        .to_string();
    let hmac_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public_key.as_bytes());
    let hs256 = with_alg("HS256");
    let tag = aws_lc_rs::hmac::sign(&hmac_key, hs256.as_bytes());
    let other = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let mut more = payload.clone();
    more["scope"] = json!("clients:manage");
    let signature = good.rsplit('.').next().unwrap();
    for (name, token) in [
        ("garbage", "garbage".to_owned()),
        ("three empty parts", "..".to_owned()),
        ("no signature", format!("{}.", unsigned(&header, &payload))),
        ("no algorithm", format!("{}.", with_alg("none"))),
        (
            "HS256 with what is public",
            format!("{hs256}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref())),
        ),
        ("another key", signed(other.as_ref(), &header, &payload)),
        ("a changed payload", format!("{}.{signature}", unsigned(&header, &more))),
        ("a fourth part", format!("{good}.{signature}")),
    ] {
        let answered = app.anon().bearer(&token).get("/me").await;
        assert_eq!(
            (answered.status, answered.text("/code")),
            (401, "invalid_token"),
            "{name}"
        );
    }

    for scheme in ["", "Basic abc", "Token abc", &good] {
        app.anon()
            .header("Authorization", scheme)
            .get("/me")
            .await
            .problem(401, "missing_token");
    }
    let none = app.anon().get("/me").await.problem(401, "missing_token");
    assert_eq!(none.header("www-authenticate"), "Bearer");
    app.anon()
        .get(&format!("/me?access_token={good}"))
        .await
        .problem(401, "missing_token");
});

db_test!(the_tokens_of_a_revoked_client_are_refused_at_once, |app| {
    let id = app.client(seed::MOTOSU, &["contractors:read"], None);
    let token = app.token(&id, None).await;
    let caller = app.anon().bearer(&token);
    caller.get("/contractors").await.expect(200);
    app.officer()
        .delete(&format!("/api-clients/{id}"), "*")
        .await
        .expect(204);
    caller.get("/contractors").await.problem(401, "invalid_token");
    // Also later, as long as such a token could live.
    app.clock.set(app.clock.now().plus_seconds(599));
    caller.get("/contractors").await.problem(401, "invalid_token");
});

db_test!(the_next_key_is_shown_a_day_before_it_signs, |app| {
    let shown = kids(&app).await;
    assert_eq!(shown.len(), 2, "current and next");
    let current = kid_of_a_new_token(&app).await;
    assert!(shown.contains(&current));
    assert_eq!(rotate(&app, false), Rotation::TooEarly);
    app.at("2027-04-02T08:59");
    assert_eq!(rotate(&app, false), Rotation::TooEarly);
    app.at("2027-04-02T09:00");
    let old_token = app.token(seed::MOTOSU_CLIENT, None).await;
    assert_eq!(rotate(&app, false), Rotation::Done);
    let next = kid_of_a_new_token(&app).await;
    assert!(
        next != current && shown.contains(&next),
        "the key that was announced signs now"
    );

    let after = kids(&app).await;
    assert_eq!(after.len(), 3, "previous, current and next");
    assert!(after.contains(&current));
    app.anon().bearer(&old_token).get("/me").await.expect(200);
    // The previous key goes when no token of it can live any more: ten minutes and an hour.
    app.at("2027-04-02T10:09");
    assert!(kids(&app).await.contains(&current));
    app.at("2027-04-02T10:10");
    assert!(!kids(&app).await.contains(&current));

    let now = app.clock.now();
    let app_ref = &app.app;
    app.app
        .db
        .write(|conn| keys::maintain(conn, &app_ref.keys.master, &app_ref.random, now))
        .unwrap();
    let retired: Vec<String> = app.db(|conn| {
        signing_keys::table
            .filter(signing_keys::retired_at.is_not_null())
            .select(signing_keys::kid)
            .load(conn)
    });
    assert_eq!(retired, [current.as_str()]);
    // What it signs now is refused, whatever it says.
    let (header, mut payload) = parts(&old_token);
    let seconds = now.unix_seconds();
    (payload["iat"], payload["nbf"], payload["exp"]) = (json!(seconds), json!(seconds), json!(seconds + 600));
    let forged = signed(&private_key(&app, &current), &header, &payload);
    app.anon()
        .bearer(&forged)
        .get("/me")
        .await
        .problem(401, "invalid_token");
});

db_test!(a_key_that_nobody_rotates_gives_way_by_itself, |app| {
    let first = kid_of_a_new_token(&app).await;
    app.at("2027-06-30T09:00");
    let second = kid_of_a_new_token(&app).await;
    assert_ne!(first, second);
    let now = app.clock.now();
    app.app
        .db
        .write(|conn| keys::maintain(conn, &app.app.keys.master, &app.app.random, now))
        .unwrap();
    app.app.keys.forget();
    assert_eq!(
        kids(&app).await.len(),
        3,
        "previous, current, and a next one that has time to be seen"
    );
});

db_test!(in_an_emergency_the_old_key_ends_at_once, |app| {
    let token = app.token(seed::MOTOSU_CLIENT, None).await;
    let current = kid_of_a_new_token(&app).await;
    app.clock.set(app.clock.now().plus_seconds(1));
    assert_eq!(rotate(&app, true), Rotation::Done);
    assert!(!kids(&app).await.contains(&current));
    app.anon().bearer(&token).get("/me").await.problem(401, "invalid_token");
    let fresh = app.anon().form(TOKEN, &credentials(&[])).await.expect(200);
    app.anon()
        .bearer(fresh.text("/access_token"))
        .get("/me")
        .await
        .expect(200);
    assert_eq!(kids(&app).await.len(), 2, "current and next");
});

db_test!(the_published_keys_are_public_halves_only, |app| {
    let set = app.anon().get(JWKS).await.expect(200);
    for key in set.items("/keys") {
        assert!(key.get("d").is_none());
        let names: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["kty", "crv", "x", "y", "kid", "use", "alg"]);
    }
    assert_eq!(set.header("cache-control"), "public, max-age=300");
    let metadata = app
        .anon()
        .get("/.well-known/oauth-authorization-server")
        .await
        .expect(200);
    assert_eq!(metadata.text("/issuer"), app.app.config.public_url);
    assert_eq!(metadata.at("/scopes_supported"), &json!(seed::all_scopes()));
});

db_test!(another_master_key_opens_nothing, |app| {
    let dir = tempfile::tempdir().unwrap();
    let config = kakunin::config::Config::in_dir(dir.path());
    let loaded = keys::Keys::load(&app.app.db, &config, &app.clock, &app.app.random);
    assert!(matches!(loaded, Err(ApiError::Internal(_))));
});
