//! Limits: so many requests in a minute, said in every answer, and what is refused has changed nothing.

use kakunin::config::LimitConfig;
use serde_json::json;

use crate::harness::TestApp;

async fn limited(app: TestApp) -> TestApp {
    app.with_config(|config| {
        config.limits = LimitConfig {
            per_client: 5,
            batches_per_client: 1,
            ..LimitConfig::default()
        };
    })
    .await
}

db_test!(a_client_is_told_what_is_left_and_when_to_come_again, |app| {
    let app = limited(app).await;
    let officer = app.officer();
    let new = json!({"name": "株式会社甲"});
    for left in (0..5).rev() {
        let answered = officer.get("/contractors").await.expect(200);
        assert_eq!(answered.header("ratelimit-policy"), "\"client\";q=5;w=60");
        assert!(
            answered
                .header("ratelimit")
                .starts_with(&format!("\"client\";r={left};t=")),
            "{}",
            answered.header("ratelimit")
        );
    }
    let refused = officer
        .post("/contractors", new.clone())
        .await
        .problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "12");
    assert_eq!(refused.header("ratelimit"), "\"client\";r=0;t=12");
    assert_eq!(
        refused.text("/type"),
        "https://iana.org/assignments/http-problem-types#quota-exceeded"
    );
    // Another client has its own.
    app.stranger().get("/contractors").await.expect(200);
    app.at("2027-04-01T09:01");
    assert_eq!(officer.get("/contractors").await.expect(200).items("/items").len(), 0);
    officer.post("/contractors", new).await.expect(201);
});

db_test!(batches_have_a_limit_of_their_own, |app| {
    let app = limited(app).await;
    let batch = json!({"items": [{"name": "株式会社甲", "external_ids": [{"system": "zaimu", "value": "1"}]}]});
    let first = app
        .officer()
        .header("Idempotency-Key", "one")
        .post("/contractors/batch-upsert", batch.clone())
        .await;
    assert_ne!(first.status, 429);
    let second = app
        .officer()
        .header("Idempotency-Key", "two")
        .post("/contractors/batch-upsert", batch)
        .await;
    let second = second.problem(429, "rate_limited");
    assert_eq!(second.header("ratelimit-policy"), "\"batch\";q=1;w=60");
});
