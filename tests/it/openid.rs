//! Signing in at a provider of OpenID Connect: who gets in, and everything that lets nobody in.

use actix_web::test::TestRequest;
use diesel::prelude::*;
use kakunin::db::schema::{journal, journal_payloads, sessions};
use serde_json::{Value, json};

use crate::harness::{Browser, Page, TestApp, seed};
use crate::identity_provider::{CLIENT, IdentityProvider, Manners, SUB, Signature};
use crate::program::{run, run_with};
use crate::sign_in::{NO_ONES, people_without_an_address_of_their_own, somebody};
use crate::smtp_server::closed_port;

const ADDRESS: &str = "hanako@city.example.lg.jp";

async fn with(app: TestApp, provider: &IdentityProvider) -> TestApp {
    app.with_config(|config| config.openid = Some(provider.setting())).await
}

/// Presses the button: where the browser is sent.
async fn away(browser: &Browser<'_>, then: &str) -> String {
    let page = browser.get(&format!("/sign-in/openid?then={then}")).await.expect(303);
    page.header("location").to_owned()
}

/// There and back.
async fn there_and_back(browser: &Browser<'_>, provider: &IdentityProvider) -> Page {
    let back = provider.authorize(&away(browser, "/my-work").await);
    browser.get(&back).await
}

fn sessions_begun(app: &TestApp) -> i64 {
    app.db(|conn| sessions::table.count().get_result(conn))
}

/// Nobody was signed in, nothing stays in the browser, and the sign-in page says so.
#[track_caller]
fn refused(app: &TestApp, browser: &Browser<'_>, page: &Page, word: &str, case: &str) {
    assert_eq!(page.status, 303, "{case}");
    let expected = format!("/sign-in?openid={word}&then=/my-work");
    assert_eq!(page.header("location"), expected, "{case}");
    assert_eq!(browser.cookie("session"), None, "{case}");
    assert_eq!(browser.cookie("openid"), None, "{case}");
    assert_eq!(sessions_begun(app), 0, "{case}");
}

db_test!(whoever_the_provider_knows_is_signed_in, |app| {
    let provider = IdentityProvider::start();
    let app = with(app, &provider).await;
    let person = somebody(&app, ADDRESS, &["ciso"]).await;
    let browser = app.browser();
    browser
        .get("/sign-in?then=/my-work")
        .await
        .expect(200)
        .says("href=\"http://127.0.0.1:8080/sign-in/openid?then=/my-work\">庁内認証でサインイン</a>");
    browser
        .get("/sign-in?lang=en")
        .await
        .expect(200)
        .says("Sign in with 庁内認証");

    let page = browser.get("/sign-in/openid?then=/my-work").await.expect(303);
    let set = page.header("set-cookie").to_owned();
    for part in ["openid=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "{set}");
    let back = provider.authorize(page.header("location"));
    let asked = provider.asked();
    assert_eq!(asked["scope"], "openid email");
    assert_eq!(asked["redirect_uri"], "http://127.0.0.1:8080/sign-in/openid/back");
    assert_ne!(asked["state"], asked["nonce"]);
    provider.seen();

    let page = browser.get(&back).await.expect(303);
    assert_eq!(page.header("location"), "/my-work");
    assert_eq!(browser.cookie("openid"), None);
    browser.get("/my-work").await.expect(200).says("見本 花子");
    let seen = provider.seen();
    let expected = [
        ("/.well-known/openid-configuration", "none"),
        ("/token", "basic"),
        ("/keys", "none"),
    ];
    assert_eq!(seen, expected.map(|(path, proof)| (path.to_owned(), proof)));
    // The answer is used up, also in this browser.
    let again = browser.get(&back).await.expect(303);
    assert_eq!(again.header("location"), "/sign-in?openid=stale");
    assert!(provider.seen().is_empty());

    let done: Vec<(String, String, Option<String>, Option<String>)> = app.db(|conn| {
        journal::table
            .inner_join(
                journal_payloads::table.on(journal_payloads::local_government_id
                    .eq(journal::local_government_id)
                    .and(journal_payloads::seq.eq(journal::seq))),
            )
            .filter(journal::subject_type.eq("session"))
            .select((
                journal::action,
                journal::via,
                journal::actor_person_id,
                journal_payloads::body,
            ))
            .load(conn)
    });
    let payload = json!({"person_id": person, "by": "openid"}).to_string();
    assert_eq!(
        done,
        [(
            "session.started".to_owned(),
            "session".to_owned(),
            Some(person),
            Some(payload)
        )]
    );
});

db_test!(nobody_is_signed_in_by_what_does_not_hold, |app| {
    let provider = IdentityProvider::start();
    let app = with(app, &provider).await;
    somebody(&app, ADDRESS, &["ciso"]).await;
    let now = Manners::default().now;
    let id_token = |changes: Value| Manners {
        id_token: changes,
        ..Manners::default()
    };
    let signed = |signature, kid| Manners {
        signature,
        kid,
        ..Manners::default()
    };
    let found = |changes: Value| Manners {
        discovery: changes,
        ..Manners::default()
    };
    let token = |status, body: &str| Manners {
        token: Some((status, body.to_owned())),
        ..Manners::default()
    };
    let user_info = |changes: Value| Manners {
        id_token: json!({"email": null, "email_verified": null}),
        user_info: Some(changes),
        ..Manners::default()
    };
    let cases = [
        ("nonce", id_token(json!({"nonce": "another"})), "failed"),
        ("no nonce", id_token(json!({"nonce": null})), "failed"),
        ("aud", id_token(json!({"aud": "another"})), "failed"),
        ("no azp", id_token(json!({"aud": [CLIENT, "another"]})), "failed"),
        ("azp", id_token(json!({"azp": "another"})), "failed"),
        ("iss", id_token(json!({"iss": "https://login.example.com"})), "failed"),
        ("exp", id_token(json!({"exp": now - 60})), "failed"),
        ("iat", id_token(json!({"iat": now + 61})), "failed"),
        ("none", signed(Signature::None, Some("es")), "failed"),
        ("HS256", signed(Signature::Hs256, Some("es")), "failed"),
        ("HS256 without kid", signed(Signature::Hs256, None), "failed"),
        ("unknown kid", signed(Signature::Es256, Some("new")), "failed"),
        ("kid of another kind", signed(Signature::Es256, Some("rs")), "failed"),
        ("foreign key", signed(Signature::Foreign, Some("es")), "failed"),
        ("not verified", id_token(json!({"email_verified": false})), "nobody"),
        (
            "verified in words",
            id_token(json!({"email_verified": "true"})),
            "nobody",
        ),
        ("not said", id_token(json!({"email_verified": null})), "nobody"),
        ("no address", id_token(json!({"email": null})), "nobody"),
        ("no address at all", id_token(json!({"email": "hanako"})), "nobody"),
        (
            "unknown address",
            id_token(json!({"email": "x@city.example.lg.jp"})),
            "nobody",
        ),
        (
            "UserInfo of another",
            user_info(json!({"sub": "4712", "email": ADDRESS, "email_verified": true})),
            "failed",
        ),
        ("UserInfo not verified", user_info(json!({"email": ADDRESS})), "nobody"),
        ("a refused code", token(400, r#"{"error": "invalid_grant"}"#), "failed"),
        ("a redirect", token(302, ""), "failed"),
        ("no JSON", token(200, "<html>"), "failed"),
        ("no ID token", token(200, r#"{"access_token": "a"}"#), "failed"),
        ("too long", token(200, &" ".repeat(1024 * 1024 + 1)), "failed"),
        (
            "discovery of another",
            found(json!({"issuer": "https://login.example.com"})),
            "failed",
        ),
        (
            "keys in the clear",
            found(json!({"jwks_uri": "http://login.example.com/keys"})),
            "failed",
        ),
    ];
    for (case, manners, word) in cases {
        provider.behaves(Manners::default());
        let browser = app.browser();
        let back = provider.authorize(&away(&browser, "/my-work").await);
        provider.behaves(manners);
        refused(&app, &browser, &browser.get(&back).await, word, case);
    }
    // All is as before when it behaves.
    provider.behaves(Manners::default());
    let page = there_and_back(&app.browser(), &provider).await.expect(303);
    assert_eq!(page.header("location"), "/my-work");
});

db_test!(
    an_answer_counts_only_in_the_browser_that_asked_and_within_ten_minutes,
    |app| {
        let provider = IdentityProvider::start();
        let app = with(app, &provider).await;
        somebody(&app, ADDRESS, &["ciso"]).await;
        // Somebody else's answer, brought to a browser that asked nothing.
        let back = provider.authorize(&away(&app.browser(), "/my-work").await);
        provider.seen();
        let page = app.browser().get(&back).await.expect(303);
        assert_eq!(page.header("location"), "/sign-in?openid=stale");
        // To one that asked something else; without state; with a wrong one; with a cookie that is none.
        let browser = app.browser();
        away(&browser, "/my-work").await;
        refused(&app, &browser, &browser.get(&back).await, "stale", "another state");
        let browser = app.browser();
        let own = provider.authorize(&away(&browser, "/my-work").await);
        let (without, _) = own.split_once("&state=").unwrap();
        refused(&app, &browser, &browser.get(without).await, "stale", "no state");
        let nonsense = TestRequest::get().uri(&own).insert_header(("cookie", "openid=e30"));
        let page = app.browser().send(nonsense).await.expect(303);
        assert_eq!(page.header("location"), "/sign-in?openid=stale");
        // Too late.
        let browser = app.browser();
        let late = provider.authorize(&away(&browser, "/my-work").await);
        provider.seen();
        app.at("2027-04-01T09:10");
        refused(&app, &browser, &browser.get(&late).await, "stale", "late");
        assert!(
            provider.seen().is_empty(),
            "the provider is not asked about what was not asked here"
        );
        app.browser()
            .get("/sign-in?openid=stale")
            .await
            .expect(200)
            .says("庁内認証でのサインインは完了していません");
    }
);

db_test!(what_the_provider_refuses_is_said_on_the_sign_in_page, |app| {
    let provider = IdentityProvider::start();
    let app = with(app, &provider).await;
    somebody(&app, ADDRESS, &["ciso"]).await;
    let answered = async |change: &dyn Fn(&str) -> String, word: &str| {
        let browser = app.browser();
        let back = provider.authorize(&away(&browser, "/my-work").await);
        let changed = change(&back);
        assert_ne!(changed, back);
        refused(&app, &browser, &browser.get(&changed).await, word, &changed);
    };
    answered(
        &|back| back.replace("code=c%2B1", "error=access_denied&error_description=Hanako"),
        "refused",
    )
    .await;
    answered(&|back| back.replace("code=c%2B1", "error=%3Cb%3E"), "refused").await;
    answered(&|back| back.replace("code=c%2B1&", ""), "failed").await;
    // RFC 9207: of another issuer, or not of the one that promises to name itself.
    answered(&|back| format!("{back}x"), "failed").await;
    answered(&|back| back.split("&iss=").next().unwrap().to_owned(), "failed").await;
    let wrong = [
        ("stale", "もう一度「庁内認証でサインイン」を押してください"),
        ("refused", "取り消されたか、認められませんでした"),
        ("failed", "正しくやり取りできませんでした"),
        ("nobody", "1人に定められません"),
    ];
    for (word, text) in wrong {
        let page = app
            .browser()
            .get(&format!("/sign-in?openid={word}&then=/my-work"))
            .await
            .expect(200);
        page.says(text);
        page.says("role=\"alert\"");
        page.says("name=\"then\" value=\"/my-work\"");
        let english = app
            .browser()
            .get(&format!("/sign-in?openid={word}&lang=en"))
            .await
            .expect(200);
        english.is_silent_about(text);
    }
    app.browser()
        .get("/sign-in?openid=%3Cb%3E")
        .await
        .expect(200)
        .is_silent_about("role=\"alert\"");
});

db_test!(an_address_that_is_not_one_persons_lets_nobody_in, |app| {
    let provider = IdentityProvider::start();
    let app = with(app, &provider).await;
    people_without_an_address_of_their_own(&app).await;
    somebody(&app, "both@city.example.lg.jp", &["ciso"]).await;
    let there = json!({"name": "見本 花子", "email": "both@city.example.lg.jp",
        "roles": [{"organization_id": seed::KAGOSHIMA_ASSEMBLY, "role": "ciso", "starts_on": "2027-01-01"}]});
    app.stranger().post("/people", there).await.expect(201);
    for address in NO_ONES.into_iter().chain(["both@city.example.lg.jp"]) {
        provider.behaves(Manners {
            id_token: json!({"email": address}),
            ..Manners::default()
        });
        let browser = app.browser();
        refused(
            &app,
            &browser,
            &there_and_back(&browser, &provider).await,
            "nobody",
            address,
        );
    }
    // The case of an address does not matter, as with mails.
    somebody(&app, ADDRESS, &[]).await;
    provider.behaves(Manners {
        id_token: json!({"email": "Hanako@City.example.lg.jp"}),
        ..Manners::default()
    });
    let page = there_and_back(&app.browser(), &provider).await.expect(303);
    assert_eq!(page.header("location"), "/my-work");
});

db_test!(providers_differ_in_keys_secrets_and_where_they_say_who_it_is, |app| {
    let provider = IdentityProvider::start();
    let app = app
        .with_config(|config| {
            let mut setting = provider.setting();
            setting.claim = "upn".to_owned();
            config.openid = Some(setting);
        })
        .await;
    somebody(&app, ADDRESS, &["ciso"]).await;
    let upn = json!({"email": null, "email_verified": null, "upn": ADDRESS});
    let cases = [
        Manners {
            signature: Signature::Rs256,
            kid: Some("rs"),
            ..Manners::default()
        },
        Manners {
            kid: None,
            ..Manners::default()
        },
        Manners {
            discovery: json!({"token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post"],
                "code_challenge_methods_supported": ["plain", "S256"],
                "id_token_signing_alg_values_supported": ["HS256", "ES256"]}),
            ..Manners::default()
        },
    ];
    for case in cases {
        provider.behaves(Manners {
            id_token: upn.clone(),
            ..case.clone()
        });
        let page = there_and_back(&app.browser(), &provider).await.expect(303);
        assert_eq!(page.header("location"), "/my-work", "{case:?}");
        assert_eq!(provider.asked()["scope"], "openid email profile");
    }
    assert!(provider.seen().contains(&("/token".to_owned(), "post")));
    // A claim that only UserInfo tells.
    provider.behaves(Manners {
        id_token: json!({"email": null}),
        user_info: Some(json!({"sub": SUB, "upn": ADDRESS})),
        ..Manners::default()
    });
    let page = there_and_back(&app.browser(), &provider).await.expect(303);
    assert_eq!(page.header("location"), "/my-work");
    assert!(provider.seen().contains(&("/userinfo".to_owned(), "bearer")));
    // Another claim than the one that was set is not looked at.
    provider.behaves(Manners::default());
    let page = there_and_back(&app.browser(), &provider).await.expect(303);
    assert_eq!(page.header("location"), "/sign-in?openid=nobody&then=/my-work");
    assert_eq!(sessions_begun(&app), 4);
});

db_test!(a_provider_that_cannot_be_asked_leaves_the_mailed_link, |app| {
    let provider = IdentityProvider::start();
    let app = with(app, &provider).await;
    let answers = [
        (500, "{}".to_owned()),
        (302, String::new()),
        (200, "{".to_owned()),
        (200, json!({"issuer": provider.issuer}).to_string()),
    ];
    for found in answers {
        provider.behaves(Manners {
            found: Some(found.clone()),
            ..Manners::default()
        });
        let browser = app.browser();
        let page = browser.get("/sign-in/openid?then=/my-work").await;
        refused(&app, &browser, &page, "failed", &found.1);
    }
    for changes in [
        json!({"issuer": format!("{}/", provider.issuer)}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"authorization_endpoint": "http://login.example.com/"}),
        json!({"code_challenge_methods_supported": ["plain"]}),
        json!({"id_token_signing_alg_values_supported": ["HS256", "none"]}),
        json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}),
    ] {
        provider.behaves(Manners {
            discovery: changes.clone(),
            ..Manners::default()
        });
        let browser = app.browser();
        let page = browser.get("/sign-in/openid?then=/my-work").await;
        refused(&app, &browser, &page, "failed", &changes.to_string());
    }
    let app = app
        .with_config(|config| {
            if let Some(setting) = &mut config.openid {
                setting.issuer = format!("http://127.0.0.1:{}", closed_port());
            }
        })
        .await;
    let browser = app.browser();
    let page = browser.get("/sign-in/openid?then=/my-work").await;
    refused(&app, &browser, &page, "failed", "nobody listens");
    let page = browser.get(page.header("location")).await.expect(200);
    page.says("メールのリンクでサインインしてください");
    page.says("id=\"email\"");
});

db_test!(
    a_provider_with_an_authority_of_the_house_is_trusted_when_it_is_named,
    |app| {
        let provider = IdentityProvider::with_tls();
        let app = with(app, &provider)
            .await
            .with_config(|config| config.public_url = "https://kakunin.city.example.lg.jp".to_owned())
            .await;
        somebody(&app, ADDRESS, &["ciso"]).await;
        let browser = app.browser();
        let page = browser.get("/sign-in/openid?then=/my-work").await.expect(303);
        let set = page.header("set-cookie");
        assert!(set.starts_with("__Host-openid=") && set.contains("Secure"), "{set}");
        let back = provider.authorize(page.header("location"));
        let page = browser.get(&back).await.expect(303);
        assert_eq!(page.header("location"), "/my-work");
        assert!(browser.cookie("__Host-session").is_some());
        assert_eq!(browser.cookie("__Host-openid"), None);

        let app = app
            .with_config(|config| {
                if let Some(setting) = &mut config.openid {
                    setting.extra_authorities_pem = None;
                }
            })
            .await;
        let page = app.browser().get("/sign-in/openid").await.expect(303);
        assert_eq!(page.header("location"), "/sign-in?openid=failed");
    }
);

db_test!(nobody_is_sent_elsewhere_after_signing_in, |app| {
    let provider = IdentityProvider::start();
    let app = with(app, &provider).await;
    somebody(&app, ADDRESS, &["ciso"]).await;
    for then in [
        "https://evil.example/",
        "//evil.example/",
        "/%5Cevil.example",
        "/a%0D%0Ab",
    ] {
        let browser = app.browser();
        let back = provider.authorize(&away(&browser, then).await);
        let page = browser.get(&back).await.expect(303);
        assert_eq!(page.header("location"), "/", "{then}");
    }
    // Nor by a cookie that somebody changed.
    let browser = app.browser();
    let back = provider.authorize(&away(&browser, "/my-work").await);
    let changed = {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let kept = URL_SAFE_NO_PAD.decode(browser.cookie("openid").unwrap()).unwrap();
        let mut kept: Value = serde_json::from_slice(&kept).unwrap();
        kept["then"] = json!("https://evil.example/");
        URL_SAFE_NO_PAD.encode(kept.to_string())
    };
    let request = TestRequest::get()
        .uri(&back)
        .insert_header(("cookie", format!("openid={changed}")));
    let page = app.browser().send(request).await.expect(303);
    assert_eq!(page.header("location"), "/");
});

db_test!(without_a_provider_there_is_no_such_way, |app| {
    let browser = app.browser();
    let page = browser.get("/sign-in?openid=failed").await.expect(200);
    page.is_silent_about("/sign-in/openid");
    page.is_silent_about("role=\"alert\"");
    browser.get("/sign-in/openid").await.expect(404);
    browser.get("/sign-in/openid/back?code=a&state=b").await.expect(404);
});

db_test!(asking_the_provider_is_limited_by_where_it_comes_from, |app| {
    let attempt = |path: &str| {
        TestRequest::get()
            .uri(path)
            .peer_addr("192.0.2.1:4711".parse().unwrap())
    };
    let browser = app.browser();
    for _ in 0..10 {
        browser.send(attempt("/sign-in/openid")).await.expect(404);
        browser.send(attempt("/sign-in/openid/back")).await.expect(404);
    }
    browser.send(attempt("/sign-in/openid")).await.expect(429);
    browser.send(attempt("/sign-in/openid/back")).await.expect(429);
});

#[test]
fn doctor_asks_the_provider() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "an invented secret\n").unwrap();
    let secret = secret.to_str().unwrap().to_owned();
    let provider = IdentityProvider::start();
    let doctor = |issuer: &str| {
        let variables = [
            ("KAKUNIN_OPENID_ISSUER", issuer),
            ("KAKUNIN_OPENID_CLIENT_ID", "kakunin"),
            ("KAKUNIN_OPENID_CLIENT_SECRET_FILE", &secret),
        ];
        let out = run_with(dir.path(), &variables, &["doctor"]).out;
        let line = out.lines().find(|line| line.contains("openid: ")).unwrap();
        line.to_owned()
    };
    let well = doctor(&provider.issuer);
    assert!(
        well.starts_with("ok  openid: ") && well.contains("by `email`"),
        "{well}"
    );
    assert!(well.ends_with("http://127.0.0.1:8080/sign-in/openid/back"), "{well}");
    let other = doctor(&format!("{}/", provider.issuer));
    assert!(
        other.starts_with("NG  openid: ") && other.contains("letter by letter"),
        "{other}"
    );
    let silent = doctor(&format!("http://127.0.0.1:{}", closed_port()));
    assert!(
        silent.starts_with("NG  openid: ") && silent.contains("does not answer"),
        "{silent}"
    );
    provider.behaves(Manners {
        discovery: json!({"code_challenge_methods_supported": ["plain"]}),
        ..Manners::default()
    });
    assert!(doctor(&provider.issuer).contains("S256"));
    assert!(!run(dir.path(), &["doctor"]).out.contains("openid"));
}
