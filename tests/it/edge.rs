//! The edge of every request: problems in one form, limits, headers.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answered, document};
use crate::openapi::operations;

const ANY_ID: &str = "01960000-0000-7000-8000-00000000ffff";

fn filled(path: &str) -> String {
    // What stands behind a parameter stays: `/calendar/{key}.ics`.
    let mut parts = path.split('{');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole += ANY_ID;
        whole += part.split_once('}').unwrap().1;
    }
    whole
}

fn safe(answered: &Answered) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("vary", "Accept-Language, Authorization"),
    ] {
        assert_eq!(answered.header(name), value, "{}: {name}", answered.call);
    }
    assert!(!answered.header("request-id").is_empty(), "{}", answered.call);
}

db_test!(a_path_that_does_not_exist_is_a_problem, |app| {
    for path in [
        "/nothing",
        "/contractors/",
        "/api/v2/contractors",
        "/api/v1",
        "/health/nothing",
        "/api//contractors",
    ] {
        let answered = app.officer().get(path).await.problem(404, "route_not_found");
        assert_eq!(answered.header("content-type"), "application/problem+json");
        safe(&answered);
    }
    app.officer()
        .get("/contractors/not-an-id")
        .await
        .problem(404, "not_found");
});

db_test!(
    a_method_that_an_operation_does_not_have_is_refused_with_those_it_has,
    |app| {
        let operations = operations();
        for (path, _) in document().json["paths"].as_object().unwrap() {
            let methods: Vec<String> = operations
                .iter()
                .filter(|o| o.path == *path)
                .map(|o| o.method.to_uppercase())
                .collect();
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                if methods.contains(&method.to_string()) {
                    continue;
                }
                let answered = app
                    .anon()
                    .raw(method, &filled(path), "", b"")
                    .await
                    .problem(405, "method_not_allowed");
                let mut allowed: Vec<String> = answered.header("allow").split(", ").map(str::to_owned).collect();
                let mut wanted = methods.clone();
                if wanted.iter().any(|method| method == "GET") {
                    wanted.push("HEAD".to_owned());
                }
                allowed.sort();
                wanted.sort();
                assert_eq!(allowed, wanted, "{}", answered.call);
            }
        }
    }
);

db_test!(head_is_answered_wherever_get_is_and_without_its_bytes, |app| {
    for (path, _) in document().json["paths"].as_object().unwrap() {
        let path = filled(path);
        let get = app.anon().raw(Method::GET, &path, "", b"").await;
        let head = app.anon().raw(Method::HEAD, &path, "", b"").await;
        assert_eq!(head.status, get.status, "HEAD {path}");
        for name in ["content-type", "etag", "allow", "www-authenticate"] {
            assert_eq!(head.header(name), get.header(name), "HEAD {path}: {name}");
        }
        assert!(head.bytes.is_empty(), "HEAD {path}");
    }
    let yaml = app.anon().raw(Method::HEAD, "/openapi.yaml", "", b"").await.expect(200);
    assert!(yaml.header("content-type").contains("yaml"));
});

db_test!(a_body_is_json_of_a_bounded_size, |app| {
    let officer = app.officer();
    let post = |media_type: &'static str, bytes: Vec<u8>| {
        let officer = officer.clone();
        async move { officer.raw(Method::POST, "/contractors", media_type, &bytes).await }
    };
    post("text/plain", b"{}".to_vec())
        .await
        .problem(415, "unsupported_media_type");
    post("", vec![]).await.problem(415, "unsupported_media_type");
    post("application/merge-patch+json", b"{}".to_vec())
        .await
        .problem(415, "unsupported_media_type");
    post("application/json", b"{".to_vec())
        .await
        .problem(400, "malformed_json");
    post("application/json", vec![]).await.problem(400, "malformed_json");
    post("application/json", b"\"\xff\"".to_vec())
        .await
        .problem(400, "malformed_json");
    post("application/json", b"[]".to_vec()).await.invalid("", "wrong_type");
    post("application/json", b"{}".to_vec())
        .await
        .invalid("/name", "required");
    post("application/json", br#"{"name":"a\u0000b"}"#.to_vec())
        .await
        .invalid("", "control_character");
    post("application/json; charset=utf-8", br#"{"name":"A"}"#.to_vec())
        .await
        .expect(201);
    let large = format!(r#"{{"name":"A","note":"{}"}}"#, "x".repeat(256 * 1024));
    post("application/json", large.into_bytes())
        .await
        .problem(413, "payload_too_large");
    let deep = "[".repeat(200) + &"]".repeat(200);
    post("application/json", deep.into_bytes())
        .await
        .problem(400, "malformed_json");
});

db_test!(a_compressed_body_is_refused, |app| {
    let officer = app.officer();
    for encoding in ["gzip", "br", "deflate", "zstd", "identity, gzip"] {
        let caller = officer.clone().header("Content-Encoding", encoding);
        safe(
            &caller
                .post("/contractors", json!({"name": "A"}))
                .await
                .problem(415, "unsupported_media_type"),
        );
    }
    for public in [
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/openapi.yaml",
        "/openapi-3.0.json",
        "/problems/not-found",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ] {
        let anybody = app.anon().header("Content-Encoding", "gzip");
        safe(&anybody.get(public).await.problem(415, "unsupported_media_type"));
    }
    officer
        .header("Content-Encoding", "identity")
        .post("/contractors", json!({"name": "A"}))
        .await
        .expect(201);
});

db_test!(a_parameter_that_is_unknown_or_wrong_is_refused, |app| {
    let officer = app.officer();
    let unknown = officer
        .get("/contractors?stauts=active")
        .await
        .problem(400, "unknown_parameter");
    assert!(unknown.text("/detail").contains("stauts"), "{:#}", unknown.body);
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "include_archived=maybe",
        "limit=1&limit=2",
    ] {
        let answered = officer.get(&format!("/contractors?{query}")).await;
        answered.problem(400, "invalid_parameter");
    }
    for cursor in ["x", "%00", "e30", "eyJrIjoiIiwiaSI6IiIsImYiOiIifQ"] {
        officer
            .get(&format!("/contractors?cursor={cursor}"))
            .await
            .problem(400, "invalid_cursor");
    }
});

db_test!(every_answer_has_safe_headers_and_a_request_id, |app| {
    let officer = app.officer();
    for path in [
        "/contractors",
        "/me",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/.well-known/jwks.json",
    ] {
        let answered = officer.get(path).await.expect(200);
        safe(&answered);
        let cacheable = path.starts_with("/openapi") || path.starts_with("/.well-known");
        assert_eq!(answered.header("cache-control") == "no-store", !cacheable, "{path}");
    }
    let own = officer.clone().header("Request-Id", "erp-2027-0001").get("/me").await;
    assert_eq!(own.header("request-id"), "erp-2027-0001");
    let bad = officer
        .clone()
        .header("Request-Id", "a b\"c")
        .get("/nothing")
        .await
        .expect(404);
    assert_ne!(bad.header("request-id"), "a b\"c");
    assert_eq!(
        bad.header("request-id"),
        bad.text("/request_id"),
        "the problem names the request"
    );
    let long = officer.header("Request-Id", &"a".repeat(65)).get("/me").await;
    assert_eq!(long.header("request-id").len(), 36);
});

db_test!(a_problem_speaks_the_language_that_was_asked_for, |app| {
    let ja = app.officer().get("/nothing").await;
    assert_eq!(
        (ja.header("content-language"), ja.text("/title")),
        ("ja", "このパスはありません")
    );
    let en = app.officer().lang("en-GB, ja;q=0.5").get("/nothing").await;
    assert_eq!(
        (en.header("content-language"), en.text("/title")),
        ("en", "No such path")
    );
    let field = app
        .officer()
        .lang("en")
        .post("/contractors", json!({}))
        .await
        .invalid("/name", "required");
    assert_eq!(field.text("/errors/0/message"), "This field is required.");
    assert_eq!(ja.text("/code"), en.text("/code"));
});

db_test!(the_document_is_served_as_it_is_committed, |app| {
    let json = app.anon().get("/openapi.json").await.expect(200);
    assert_eq!(json.body, document().json);
    let yaml = app.anon().get("/openapi.yaml").await.expect(200);
    let same: Value = serde_saphyr::from_str(yaml.body.as_str().unwrap()).unwrap();
    assert_eq!(same, document().json);
    let older = app.anon().get("/openapi-3.0.json").await.expect(200);
    assert_eq!(older.text("/openapi"), "3.0.3");
    app.anon().get("/docs/").await.expect(200);
});
