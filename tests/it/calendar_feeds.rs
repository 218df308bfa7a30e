//! Calendar feeds: made for a person or a department, read without a token, gone with their feed.

use serde_json::json;

use crate::engagements;
use crate::harness::{Actor, Answered, TestApp, seed};

async fn feed(actor: &Actor<'_>, person_id: &str) -> Answered {
    let new = json!({"organization_id": seed::MAYOR, "person_id": person_id});
    actor.post("/calendar-feeds", new).await
}

/// The calendar that a link answers, unfolded.
async fn read(app: &TestApp, made: &Answered) -> String {
    let url = made.text("/url");
    let path = &url[url.find("/calendar/").unwrap()..];
    let answered = app.anon().get(path).await.expect(200);
    assert_eq!(answered.header("content-type"), "text/calendar; charset=utf-8");
    String::from_utf8(answered.bytes).unwrap().replace("\r\n ", "")
}

db_test!(a_calendar_shows_what_its_person_owns, |app| {
    let officer = app.officer();
    let person = engagements::person(&app);
    let made = engagements::registered(&app).await;
    let path = made.header("location").to_owned();
    let one = feed(&officer, &person).await.expect(201);
    assert!(!read(&app, &one).await.contains("BEGIN:VEVENT"), "nothing is owned yet");

    let owner = json!({"owner": {"person_id": person}});
    let owned = officer.patch(&path, &made.etag(), owner).await.expect(200);
    let text = read(&app, &one).await;
    let number = made.text("/control_number");
    assert!(
        text.contains("SUMMARY:【確認】契約期間の満了：広報紙の発送業務（"),
        "{text}"
    );
    assert!(
        text.contains(number) && text.contains("DTSTART;VALUE=DATE:20280331\r\n"),
        "{text}"
    );
    assert!(text.contains("X-WR-CALNAME:本巣市長部局の期限\r\n"), "{text}");
    let uids = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.starts_with("UID:"))
            .map(str::to_owned)
            .collect()
    };
    app.at("2027-04-01T15:00");
    let again = read(&app, &one).await;
    assert_eq!(uids(&again), uids(&text), "the same due date is the same event");

    // Through a post it is the holder of the day who sees it.
    let post = json!({"organization_id": seed::MAYOR, "name": "広報課長",
        "holders": [{"person_id": person, "starts_on": "2027-04-01"}]});
    let post = officer.post("/posts", post).await.expect(201).id();
    officer
        .patch(&path, &owned.etag(), json!({"owner": {"post_id": post}}))
        .await
        .expect(200);
    assert_eq!(uids(&read(&app, &one).await), uids(&text));
});

db_test!(a_calendar_shows_what_its_department_is_in_charge_of, |app| {
    let officer = app.officer();
    let department = json!({"organization_id": seed::MAYOR, "code": "0210", "name": "情報政策課"});
    let department = officer.post("/departments", department).await.expect(201).id();
    let made = engagements::registered(&app).await;
    let change = json!({"department_id": department});
    officer
        .patch(made.header("location"), &made.etag(), change)
        .await
        .expect(200);
    let new = json!({"organization_id": seed::MAYOR, "department_id": department});
    let one = officer.post("/calendar-feeds", new).await.expect(201);
    assert!(read(&app, &one).await.contains(made.text("/control_number")));
    // A department of another organization is none here.
    let wrong = json!({"organization_id": seed::ASSEMBLY, "department_id": department});
    officer
        .post("/calendar-feeds", wrong)
        .await
        .invalid("/department_id", "reference_not_found");
});

db_test!(a_link_is_shown_once_and_ends_with_its_feed, |app| {
    let officer = app.officer();
    let person = engagements::person(&app);
    let one = feed(&officer, &person).await.expect(201);
    let two = feed(&officer, &person).await.expect(201);
    assert_ne!(one.text("/url"), two.text("/url"));
    let listed = officer.get("/calendar-feeds").await.expect(200);
    assert_eq!(listed.items("/items").len(), 2);
    assert!(listed.items("/items").iter().all(|feed| feed["url"].is_null()));
    let limited = app.limited(&[seed::ASSEMBLY]);
    assert!(
        limited
            .get("/calendar-feeds")
            .await
            .expect(200)
            .items("/items")
            .is_empty()
    );
    limited
        .delete(one.header("location"), "")
        .await
        .problem(404, "not_found");
    officer.delete(one.header("location"), "").await.expect(204);
    let url = one.text("/url");
    let path = &url[url.find("/calendar/").unwrap()..];
    app.anon().get(path).await.problem(404, "not_found");
    read(&app, &two).await;
    app.anon().get("/calendar/unknown.ics").await.problem(404, "not_found");
});

db_test!(a_feed_is_of_a_person_or_of_a_department, |app| {
    let officer = app.officer();
    let none = json!({"organization_id": seed::MAYOR});
    officer
        .post("/calendar-feeds", none)
        .await
        .invalid("/person_id", "one_of_two");
});
