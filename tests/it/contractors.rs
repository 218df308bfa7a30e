//! Contractors over the wire.

use serde_json::json;

db_test!(a_contractor_is_registered_read_and_listed, |app| {
    let officer = app.officer();
    let made = officer
        .post("/contractors", json!({"name": "株式会社みどり情報サービス"}))
        .await
        .expect(201);
    let read = officer.get(made.header("location")).await.expect(200);
    assert_eq!(read.body, made.body);
    assert_eq!(read.etag(), made.etag());
    app.stranger()
        .get(made.header("location"))
        .await
        .problem(404, "not_found");
});
