//! Webhooks: signed, the same bytes in every attempt, patient with a receiver that is down, and never sent to an address
//! that is not allowed.

use diesel::prelude::*;
use kakunin::config::WebhookConfig;
use kakunin::db::schema::webhook_deliveries;
use kakunin::work::{Faults, Worker};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::harness::{Answered, TestApp, seed};
use crate::receiver::{Receiver, Taken};

/// The application, which may send to this address alone.
async fn allowing(app: TestApp, network: &str) -> TestApp {
    let network = network.parse().unwrap();
    app.with_config(|config| {
        config.webhooks = WebhookConfig {
            allowed_networks: vec![network],
            allow_http: true,
            extra_authorities_pem: None,
        };
    })
    .await
}

fn worker(app: &TestApp) -> Worker {
    let transport = kakunin::work::transport(&app.app.config).unwrap().unwrap();
    Worker::new(app.app.clone()).unwrap().with(transport, Faults::default())
}

async fn endpoint(app: &TestApp, url: &str) -> Value {
    let contact = json!({"name": "受信 担当", "email": "p1@city.example.lg.jp"});
    let contact = app.officer().post("/people", contact).await.expect(201).id();
    json!({"organization_id": seed::MAYOR, "contact_person_id": contact, "url": url,
        "event_types": ["contractor.created", "contractor.updated"]})
}

async fn company(app: &TestApp, name: &str) -> String {
    app.officer()
        .post("/contractors", json!({"name": name}))
        .await
        .expect(201)
        .id()
}

/// Whether the signature is by this secret.
fn is_signed(taken: &Taken, secret: &str) -> bool {
    let timestamp = taken.header("webhook-timestamp").parse().unwrap();
    let webhook = Webhook::new(secret).unwrap();
    let own = webhook
        .sign(taken.header("webhook-id"), timestamp, taken.body.as_bytes())
        .unwrap();
    taken.header("webhook-signature").split(' ').any(|one| one == own)
}

async fn deliveries(app: &TestApp, endpoint: &str) -> Answered {
    app.officer()
        .get(&format!("/webhook-endpoints/{endpoint}/deliveries"))
        .await
        .expect(200)
}

db_test!(an_event_is_sent_once_signed_and_is_the_one_of_the_feed, |app| {
    let app = allowing(app, "127.0.0.1/32").await;
    let (receiver, officer) = (Receiver::start("127.0.0.1"), app.officer());
    company(&app, "株式会社前").await;
    let made = officer
        .post("/webhook-endpoints", endpoint(&app, &receiver.url()).await)
        .await
        .expect(201);
    let (id, secret) = (made.text("/endpoint/id").to_owned(), made.text("/secret").to_owned());
    let contractor = company(&app, "株式会社甲").await;
    let service = json!({"organization_id": seed::MAYOR, "name": "雲", "service_model": "saas", "purpose": "連絡"});
    officer.post("/cloud-services", service).await.expect(201);
    let ticked = worker(&app).tick().await.unwrap();
    assert_eq!(
        (ticked.events_queued, ticked.events_delivered),
        (1, 1),
        "what it wants, since it is there"
    );
    let taken = receiver.taken();
    assert_eq!(taken.len(), 1);
    assert!(is_signed(&taken[0], &secret), "{:?}", taken[0].headers);
    assert!(!is_signed(
        &taken[0],
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1aBbbd1bbd0="
    ));
    let feed = officer.get("/events?types=contractor.created").await.expect(200);
    let event = feed
        .items("/items")
        .iter()
        .find(|event| event["data"]["resource_id"] == contractor)
        .unwrap();
    assert_eq!(&serde_json::from_str::<Value>(&taken[0].body).unwrap(), event);
    assert_eq!(taken[0].header("webhook-id"), event["id"].as_str().unwrap());
    assert_eq!(taken[0].header("content-type"), "application/json");
    assert_eq!(worker(&app).tick().await.unwrap().events_delivered, 0);
    let list = deliveries(&app, &id).await;
    assert_eq!(list.at("/items/0/state"), "succeeded");
    let one = officer
        .get(&format!("/webhook-deliveries/{}", list.text("/items/0/id")))
        .await
        .expect(200);
    assert_eq!(one.at("/attempts/0/response_status"), &json!(204));
    assert_eq!(one.text("/body"), taken[0].body);

    // Sent again on demand: the same id, the same bytes.
    let path = format!("/webhook-deliveries/{}/redeliveries", list.text("/items/0/id"));
    officer.post(&path, Value::Null).await.expect(200);
    assert_eq!(worker(&app).tick().await.unwrap().events_delivered, 1);
    let again = receiver.taken().pop().unwrap();
    assert_eq!(
        (again.body.as_str(), again.header("webhook-id")),
        (taken[0].body.as_str(), taken[0].header("webhook-id"))
    );

    // A test says that it is one.
    officer
        .post(&format!("/webhook-endpoints/{id}/tests"), Value::Null)
        .await
        .expect(201);
    worker(&app).tick().await.unwrap();
    let test: Value = serde_json::from_str(&receiver.taken().pop().unwrap().body).unwrap();
    assert_eq!(test["type"], "webhook.test");
});

db_test!(a_receiver_that_is_down_is_left_alone_and_gets_everything_later, |app| {
    let app = allowing(app, "127.0.0.1/32").await;
    let (receiver, officer) = (Receiver::start("127.0.0.1"), app.officer());
    let made = officer
        .post("/webhook-endpoints", endpoint(&app, &receiver.url()).await)
        .await
        .expect(201);
    let id = made.text("/endpoint/id").to_owned();
    for name in ["株式会社甲", "株式会社乙", "株式会社丙"] {
        company(&app, name).await;
    }
    receiver.answers(&["503 Busy\r\nRetry-After: 900"]);
    worker(&app).tick().await.unwrap();
    assert_eq!(receiver.connections(), 1, "the others wait with the first");
    let shown = officer.get(&format!("/webhook-endpoints/{id}")).await.expect(200);
    assert_eq!(shown.text("/failing_since"), "2027-04-01T00:00:00.000000Z");
    app.at("2027-04-01T09:14");
    worker(&app).tick().await.unwrap();
    assert_eq!(receiver.connections(), 1, "as long as it asked for");
    app.at("2027-04-01T09:16");
    assert_eq!(worker(&app).tick().await.unwrap().events_delivered, 3);
    let shown = officer.get(&format!("/webhook-endpoints/{id}")).await.expect(200);
    assert_eq!(shown.at("/failing_since"), &Value::Null);
    // A redirect is no answer, and one event that is refused does not hold up the next.
    receiver.answers(&["302 Found\r\nLocation: https://example.lg.jp/", "400 Bad Request"]);
    company(&app, "株式会社丁").await;
    company(&app, "株式会社戊").await;
    company(&app, "株式会社己").await;
    assert_eq!(worker(&app).tick().await.unwrap().events_delivered, 1);
    let waiting = officer
        .get(&format!("/webhook-endpoints/{id}/deliveries?state=queued"))
        .await
        .expect(200);
    assert_eq!(waiting.items("/items").len(), 2);
});

db_test!(an_event_is_given_up_after_the_tenth_attempt, |app| {
    let app = allowing(app, "127.0.0.1/32").await;
    let (receiver, officer) = (Receiver::start("127.0.0.1"), app.officer());
    let made = officer
        .post("/webhook-endpoints", endpoint(&app, &receiver.url()).await)
        .await
        .expect(201);
    let id = made.text("/endpoint/id").to_owned();
    company(&app, "株式会社甲").await;
    receiver.answers(&["400 Bad Request"; 10]);
    for hour in 0..12 {
        let (day, hour) = (1 + hour / 4, 9 + hour % 4);
        app.at(&format!("2027-04-{day:02}T{hour:02}:00"));
        app.db(|conn| {
            diesel::update(webhook_deliveries::table.filter(webhook_deliveries::done_at.is_null()))
                .set(webhook_deliveries::next_at.eq(Some(app.clock.now())))
                .execute(conn)
        });
        worker(&app).tick().await.unwrap();
    }
    assert_eq!(receiver.connections(), 10);
    let list = deliveries(&app, &id).await;
    assert_eq!(list.at("/items/0/state"), "dead");
});

db_test!(
    an_endpoint_that_fails_for_five_days_is_disabled_and_its_contact_is_written_to,
    |app| {
        let app = allowing(app, "127.0.0.1/32").await;
        let (receiver, officer) = (Receiver::start("127.0.0.1"), app.officer());
        let made = officer
            .post("/webhook-endpoints", endpoint(&app, &receiver.url()).await)
            .await
            .expect(201);
        let id = made.text("/endpoint/id").to_owned();
        company(&app, "株式会社甲").await;
        receiver.answers(&["500 Broken"; 4]);
        for day in ["2027-04-01", "2027-04-02", "2027-04-05", "2027-04-06"] {
            app.at(&format!("{day}T10:00"));
            worker(&app).tick().await.unwrap();
        }
        let path = format!("/webhook-endpoints/{id}");
        let shown = officer.get(&path).await.expect(200);
        assert_eq!(shown.text("/status"), "auto_disabled");
        app.at("2027-04-07T09:00");
        worker(&app).tick().await.unwrap();
        let mails: Vec<String> = std::fs::read_dir(app.app.config.data_dir.join("mail"))
            .unwrap()
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        assert!(
            mails.iter().any(|mail| mail.contains("p1@city.example.lg.jp")),
            "{} mails",
            mails.len()
        );
        // What happens meanwhile waits, and is sent when somebody says that it is well.
        let before = receiver.connections();
        company(&app, "株式会社乙").await;
        worker(&app).tick().await.unwrap();
        assert_eq!(receiver.connections(), before);
        officer
            .patch(&path, "*", json!({"status": "enabled"}))
            .await
            .expect(200);
        let open = officer.get("/obligations?kind=webhook&state=open").await.expect(200);
        assert_eq!(open.items("/items").len(), 0);
        let mut delivered = 0;
        for day in 8..30 {
            app.at(&format!("2027-04-{day:02}T10:00"));
            delivered += worker(&app).tick().await.unwrap().events_delivered;
        }
        assert_eq!(delivered, 2);
        // A receiver that says that it is gone is believed at once.
        receiver.answers(&["410 Gone"]);
        company(&app, "株式会社丙").await;
        worker(&app).tick().await.unwrap();
        let gone = officer.get(&path).await.expect(200);
        assert_eq!(
            (gone.text("/status"), gone.text("/disabled_reason")),
            ("auto_disabled", "410 Gone")
        );
    }
);

db_test!(a_new_secret_signs_beside_the_old_one_until_its_time_is_over, |app| {
    let app = allowing(app, "127.0.0.1/32").await;
    let (receiver, officer) = (Receiver::start("127.0.0.1"), app.officer());
    let made = officer
        .post("/webhook-endpoints", endpoint(&app, &receiver.url()).await)
        .await
        .expect(201);
    let (id, old) = (made.text("/endpoint/id").to_owned(), made.text("/secret").to_owned());
    let issued = officer
        .post(&format!("/webhook-endpoints/{id}/secrets"), json!({"overlap_hours": 2}))
        .await
        .expect(201);
    let new = issued.text("/secret").to_owned();
    assert_ne!(old, new);
    company(&app, "株式会社甲").await;
    worker(&app).tick().await.unwrap();
    let both = receiver.taken().pop().unwrap();
    assert!(is_signed(&both, &old) && is_signed(&both, &new));
    app.at("2027-04-01T11:00");
    company(&app, "株式会社乙").await;
    worker(&app).tick().await.unwrap();
    let one = receiver.taken().pop().unwrap();
    assert!(!is_signed(&one, &old) && is_signed(&one, &new));
    // No secret is in what can be read later.
    let shown = officer.get(&format!("/webhook-endpoints/{id}")).await.expect(200);
    assert!(!shown.body.to_string().contains(&new[..20]), "{:#}", shown.body);
});

db_test!(no_forbidden_address_is_ever_connected_to, |app| {
    // Receivers on this machine: one that is allowed, and two that nobody may be led to.
    let app = allowing(app, "127.0.0.2/32").await;
    let (allowed, forbidden) = (Receiver::start("127.0.0.2"), Receiver::start("127.0.0.1"));
    let six = Receiver::start("::1");
    let officer = app.officer();
    let port = forbidden.at.port();
    let mut registered = 0;
    for (scheme, host) in [
        ("http", "127.0.0.1"),
        ("https", "127.0.0.1"),
        ("http", "localhost"),
        ("http", "LOCALHOST"),
        ("http", "localhost."),
        ("http", "0.0.0.0"),
        ("http", "0"),
        ("http", "127.1"),
        ("http", "0x7f.1"),
        ("http", "0x7f000001"),
        ("http", "2130706433"),
        ("http", "017700000001"),
        ("http", "127.0.0.1."),
        ("http", "[::ffff:127.0.0.1]"),
        ("http", "[::ffff:7f00:1]"),
        ("http", "[::127.0.0.1]"),
        ("http", "[::]"),
        ("http", "ip6-localhost"),
        ("http", "127.0.0.1%00.example.lg.jp"),
        ("http", "user@127.0.0.1"),
    ] {
        let url = format!("{scheme}://{host}:{port}/hook");
        let made = officer.post("/webhook-endpoints", endpoint(&app, &url).await).await;
        match made.status {
            201 => registered += 1,
            _ => assert_eq!(made.status, 422, "{url}: {:#}", made.body),
        }
    }
    let url = format!("http://[::1]:{}/hook", six.at.port());
    officer
        .post("/webhook-endpoints", endpoint(&app, &url).await)
        .await
        .invalid("/url", "forbidden_address");
    assert!(
        registered >= 5,
        "names are judged when they are connected to: {registered}"
    );
    // The allowed one redirects to the forbidden one.
    let made = officer
        .post("/webhook-endpoints", endpoint(&app, &allowed.url()).await)
        .await
        .expect(201);
    let location = format!("302 Found\r\nLocation: {}", forbidden.url());
    allowed.answers(&[location.as_str(), location.as_str()]);
    company(&app, "株式会社甲").await;
    for hour in 9..13 {
        app.at(&format!("2027-04-01T{hour:02}:30"));
        worker(&app).tick().await.unwrap();
    }
    assert!(allowed.connections() >= 2);
    assert_eq!((forbidden.connections(), six.connections()), (0, 0));
    let list = deliveries(&app, made.text("/endpoint/id")).await;
    assert_eq!(list.items("/items").len(), 1);
    // Without the operator's word not even the allowed one.
    let strict = app
        .with_config(|config| config.webhooks = WebhookConfig::default())
        .await;
    let before = allowed.connections();
    company(&strict, "株式会社乙").await;
    strict.at("2027-04-02T09:30");
    worker(&strict).tick().await.unwrap();
    assert_eq!(allowed.connections(), before);
    strict
        .officer()
        .post(
            "/webhook-endpoints",
            endpoint(&strict, "http://example.lg.jp/hook").await,
        )
        .await
        .invalid("/url", "invalid_url");
});

db_test!(an_endpoint_is_sent_no_more_than_whoever_registered_it_may_see, |app| {
    let limited = app.limited(&[seed::ASSEMBLY]);
    let mut new = endpoint(&app, "https://example.lg.jp/hook").await;
    limited
        .post("/webhook-endpoints", new.clone())
        .await
        .invalid("/organization_id", "reference_not_found");
    new["organization_id"] = json!(seed::ASSEMBLY);
    let made = limited.post("/webhook-endpoints", new.clone()).await.expect(201);
    assert_eq!(made.at("/endpoint/organization_ids"), &json!([seed::ASSEMBLY]));
    let wide = app.officer().post("/webhook-endpoints", new.clone()).await.expect(201);
    let path = format!("/webhook-endpoints/{}", wide.text("/endpoint/id"));
    limited.get(&path).await.problem(404, "not_found");
    assert_eq!(
        limited
            .get("/webhook-endpoints")
            .await
            .expect(200)
            .items("/items")
            .len(),
        1
    );
    new["organization_ids"] = json!([seed::MAYOR]);
    limited
        .post("/webhook-endpoints", new)
        .await
        .invalid("/organization_ids/0", "reference_not_found");
    let archived = app.officer().delete(&path, "*").await;
    archived.expect(204);
    app.officer().get(&path).await.problem(404, "not_found");
});
