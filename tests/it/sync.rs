//! Following what changes: a copy that follows the cursor is the table, whatever writes at the same time; and what
//! happened is told once, in order, with the decisions of the gate that changed.

use std::collections::BTreeMap;

use diesel::prelude::*;
use futures_util::future::join_all;
use kakunin::db::schema::{entries, journal};
use kakunin::domain::event;
use kakunin::work::{Faults, Worker};
use serde_json::{Value, json};

use crate::engagements::registered;
use crate::harness::{Actor, Answered, TestApp, seed};

/// The types with the lists that show them and the field that brings them.
const TYPES: [(&str, &str, &str); 6] = [
    ("organization", "/organizations", "organization"),
    ("department", "/departments", "department"),
    ("contractor", "/contractors", "contractor"),
    ("contractor_engagement", "/engagements", "engagement"),
    ("cloud_service", "/cloud-services", "cloud_service"),
    ("social_media_account", "/social-media-accounts", "social_media_account"),
];

/// What a reader has that does nothing but apply what it is sent.
#[derive(Debug, Default)]
struct Copy {
    cursor: Option<String>,
    records: BTreeMap<(String, String), Value>,
    last_seq: i64,
}

impl Copy {
    async fn follow(&mut self, reader: &Actor<'_>, limit: i64) {
        loop {
            let cursor = self.cursor.as_ref().map(|c| format!("&cursor={c}")).unwrap_or_default();
            let page = reader.get(&format!("/changes?limit={limit}{cursor}")).await.expect(200);
            for change in page.items("/items") {
                let seq = change["seq"].as_i64().unwrap();
                assert!(seq >= self.last_seq, "in order: {seq} after {}", self.last_seq);
                self.last_seq = seq;
                let of = change["type"].as_str().unwrap();
                let key = (of.to_owned(), change["id"].as_str().unwrap().to_owned());
                let field = TYPES.iter().find(|known| known.0 == of).unwrap().2;
                match change["op"].as_str().unwrap() {
                    "upsert" => {
                        assert_eq!(change["version"], change[field]["version"]);
                        self.records.insert(key, change[field].clone());
                    }
                    _ => drop(self.records.remove(&key)),
                }
            }
            self.cursor = Some(page.text("/next_cursor").to_owned());
            if page.at("/has_more") == &json!(false) {
                return;
            }
        }
    }
}

/// What the lists show now.
async fn lists(reader: &Actor<'_>) -> BTreeMap<(String, String), Value> {
    let mut all = BTreeMap::new();
    for (of, path, _) in TYPES {
        let mut cursor = String::new();
        loop {
            let page = reader.get(&format!("{path}?limit=200{cursor}")).await.expect(200);
            for record in page.items("/items") {
                let id = record["id"].as_str().unwrap().to_owned();
                all.insert((of.to_owned(), id), record.clone());
            }
            match page.at("/next_cursor").as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
    }
    all
}

async fn company(officer: &Actor<'_>, name: &str) -> Answered {
    officer.post("/contractors", json!({"name": name})).await.expect(201)
}

fn cloud(name: &str, organization: &str) -> Value {
    json!({"organization_id": organization, "name": name, "service_model": "saas", "purpose": "連絡"})
}

async fn rename(officer: &Actor<'_>, path: &str, name: &str) {
    officer.patch(path, "*", json!({"name": name})).await.expect(200);
}

db_test!(
    a_copy_that_follows_is_the_table_whatever_writes_at_the_same_time,
    |app| {
        let officer = app.officer();
        let mut copy = Copy::default();
        let (mut companies, mut services) = (vec![], vec![]);
        for round in 0..8_usize {
            let one = async {
                let made = company(&officer, &format!("株式会社{round}の一")).await.id();
                rename(&officer, &format!("/contractors/{made}"), &format!("株式会社{round}改")).await;
                made
            };
            let two = async {
                let made = officer
                    .post("/cloud-services", cloud(&format!("雲{round}"), seed::MAYOR))
                    .await
                    .expect(201)
                    .id();
                rename(&officer, &format!("/cloud-services/{made}"), &format!("雲{round}改")).await;
                made
            };
            let archived = async {
                if round % 3 == 2 {
                    let path = format!("/contractors/{}", companies[round / 2]);
                    officer.delete(&path, "*").await.expect(204);
                    let path = format!("/cloud-services/{}", services[round / 2]);
                    officer.delete(&path, "*").await.expect(204);
                }
            };
            // Pages of one, so that a page ends between any two changes.
            let (one, two, (), ()) = tokio::join!(one, two, archived, copy.follow(&officer, 1));
            companies.push(one);
            services.push(two);
        }
        let engagement = registered(&app).await.id();
        rename(&officer, &format!("/engagements/{engagement}"), "改めた業務").await;
        copy.follow(&officer, 7).await;
        let shown = lists(&officer).await;
        assert!(shown.len() > 10, "{}", shown.len());
        assert_eq!(copy.records, shown);
        // A second reader, who begins now, has the same.
        let mut late = Copy::default();
        late.follow(&officer, 3).await;
        assert_eq!(late.records, shown);
        // Nothing is left to say.
        let before = copy.last_seq;
        copy.follow(&officer, 500).await;
        assert_eq!(copy.last_seq, before);
    }
);

db_test!(a_limited_reader_is_told_what_leaves_its_sight_and_nothing_else, |app| {
    let officer = app.officer();
    let mayor = officer
        .post("/cloud-services", cloud("市長の雲", seed::MAYOR))
        .await
        .expect(201);
    let path = format!("/cloud-services/{}", mayor.id());
    let limited = app.limited(&[seed::ASSEMBLY]);
    let (mut copy, mut own) = (Copy::default(), Copy::default());
    copy.follow(&limited, 100).await;
    assert_eq!(copy.records, lists(&limited).await);
    let theirs = officer
        .post("/cloud-services", cloud("議会の雲", seed::ASSEMBLY))
        .await
        .expect(201);
    own.follow(&officer, 100).await;
    copy.follow(&limited, 100).await;
    assert!(copy.records.contains_key(&("cloud_service".to_owned(), theirs.id())));

    // What was never seen is not named when it changes.
    rename(&officer, &path, "市長の雲改").await;
    let cursor = copy.cursor.clone().unwrap();
    let page = limited.get(&format!("/changes?cursor={cursor}")).await.expect(200);
    assert_eq!(page.items("/items").len(), 0);

    // What goes elsewhere is taken away from the one and stays with the other.
    app.db(|conn| {
        diesel::update(entries::table.filter(entries::id.eq(theirs.id())))
            .set(entries::organization_id.eq(seed::MAYOR))
            .execute(conn)
    });
    rename(&officer, &format!("/cloud-services/{}", theirs.id()), "移った雲").await;
    let page = limited.get(&format!("/changes?cursor={cursor}")).await.expect(200);
    let gone = page.items("/items");
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert_eq!(
        (&gone[0]["id"], &gone[0]["op"], &gone[0]["reason"]),
        (&json!(theirs.id()), &json!("delete"), &json!("out_of_scope"))
    );
    copy.follow(&limited, 100).await;
    assert_eq!(copy.records, lists(&limited).await);
    own.follow(&officer, 100).await;
    assert_eq!(own.records, lists(&officer).await);

    officer.delete(&path, "*").await.expect(204);
    let page = officer
        .get(&format!("/changes?cursor={}", own.cursor.clone().unwrap()))
        .await;
    assert_eq!(page.expect(200).at("/items/0/reason"), &json!("archived"));
    // Another local government sees none of it.
    let mut strange = Copy::default();
    strange.follow(&app.stranger(), 100).await;
    assert_eq!(strange.records, lists(&app.stranger()).await);
});

db_test!(
    a_cursor_holds_for_ninety_days_after_the_first_change_that_it_misses,
    |app| {
        let officer = app.officer();
        company(&officer, "株式会社甲").await;
        let mut copy = Copy::default();
        copy.follow(&officer, 100).await;
        let changes = format!("/changes?cursor={}", copy.cursor.clone().unwrap());
        let events = officer.get("/events").await.expect(200);
        let events = format!("/events?cursor={}", events.text("/next_cursor"));
        // Nothing was missed: however old it is, it holds.
        app.at("2027-09-01T09:00");
        officer.get(&changes).await.expect(200);
        company(&officer, "株式会社乙").await;
        app.at("2027-11-29T09:00");
        officer.get(&changes).await.expect(200);
        app.at("2027-12-01T09:00");
        for (path, restart) in [(&changes, "/api/v1/changes"), (&events, "/api/v1/events")] {
            let late = officer.get(path).await.problem(410, "cursor_expired");
            assert_eq!(late.header("link"), format!("<{restart}>; rel=\"restart\""));
        }
        // Whoever begins again begins with what is still told.
        let again = officer.get("/events").await.expect(200);
        assert_eq!(again.items("/items").len(), 0);
        let mut again = Copy::default();
        again.follow(&officer, 100).await;
        assert_eq!(again.records, lists(&officer).await);
    }
);

db_test!(a_type_needs_its_reading_scope_and_a_cursor_its_question, |app| {
    let officer = app.officer();
    company(&officer, "株式会社甲").await;
    let reader = app.with_scopes(&["sync:read", "contractors:read"]);
    let page = reader.get("/changes?limit=500").await.expect(200);
    let mut types: Vec<&str> = page
        .items("/items")
        .iter()
        .map(|c| c["type"].as_str().unwrap())
        .collect();
    types.dedup();
    assert!(types.is_empty() || types == ["contractor"], "{types:?}");
    let mut copy = Copy::default();
    copy.follow(&reader, 100).await;
    assert!(copy.records.keys().all(|key| key.0 == "contractor") && !copy.records.is_empty());
    reader
        .get("/changes?types=contractor,department")
        .await
        .problem(403, "insufficient_scope");
    reader
        .get("/changes?types=contractors")
        .await
        .problem(400, "invalid_parameter");
    reader.get("/changes?limit=501").await.problem(400, "invalid_parameter");
    reader
        .get("/events?types=nothing.happened")
        .await
        .problem(400, "invalid_parameter");
    let cursor = copy.cursor.unwrap();
    reader
        .get(&format!("/changes?types=contractor&cursor={cursor}"))
        .await
        .expect(200);
    officer
        .get(&format!("/changes?cursor={cursor}"))
        .await
        .problem(400, "invalid_cursor");
    app.with_scopes(&["contractors:read"])
        .get("/changes")
        .await
        .problem(403, "insufficient_scope");
});

db_test!(what_happened_is_told_in_order_and_leads_to_the_record, |app| {
    let officer = app.officer();
    let made = officer
        .post(
            "/contractors",
            json!({"name": "株式会社甲", "external_ids": [{"system": "zaimu", "value": "000123"}]}),
        )
        .await
        .expect(201)
        .id();
    let service = officer
        .post("/cloud-services", cloud("雲", seed::ASSEMBLY))
        .await
        .expect(201)
        .id();
    rename(&officer, &format!("/contractors/{made}"), "株式会社甲改").await;
    let mut events = vec![];
    let mut cursor = String::new();
    loop {
        let page = officer.get(&format!("/events?limit=1{cursor}")).await.expect(200);
        events.extend(page.items("/items").to_vec());
        cursor = format!("&cursor={}", page.text("/next_cursor"));
        if page.at("/has_more") == &json!(false) {
            break;
        }
    }
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    for expected in [
        "contractor.created",
        "cloud_service.created",
        "risk.assessed",
        "contractor.updated",
    ] {
        assert!(types.contains(&expected), "{types:?}");
    }
    let seqs: Vec<i64> = events
        .iter()
        .map(|event| event["data"]["seq"].as_i64().unwrap())
        .collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    let first = events
        .iter()
        .find(|event| event["type"] == "contractor.created")
        .unwrap();
    assert_eq!(
        first["data"]["external_ids"],
        json!([{"system": "zaimu", "value": "000123"}])
    );
    for event in &events {
        let href = event["data"]["href"].as_str();
        let path = href.map(|href| href.strip_prefix("/api/v1").unwrap());
        let read = officer.get(path.unwrap_or("/me")).await;
        assert_eq!(read.status, 200, "{event:#}");
    }
    let only = officer.get("/events?types=cloud_service.created").await.expect(200);
    assert_eq!(only.items("/items").len(), 1);
    assert_eq!(only.at("/items/0/data/entry_id"), &json!(service));
    // What belongs to another organization is not told; what belongs to all is.
    let limited = app.limited(&[seed::MAYOR]).get("/events").await.expect(200);
    let of: Vec<&Value> = limited
        .items("/items")
        .iter()
        .map(|event| &event["data"]["organization_id"])
        .collect();
    assert!(
        !of.is_empty() && of.iter().all(|id| **id == Value::Null || **id == seed::MAYOR),
        "{of:?}"
    );
    assert_eq!(app.stranger().get("/events").await.expect(200).items("/items").len(), 0);
    // Every event that is published is an action that the journal can have, and back.
    let known = officer.get("/event-types").await.expect(200);
    assert_eq!(known.items("/event_types").len(), event::EVENTS.len());
});

fn worker(app: &TestApp) -> Worker {
    let transport = kakunin::work::transport(&app.app.config).unwrap().unwrap();
    Worker::new(app.app.clone()).unwrap().with(transport, Faults::default())
}

async fn gate_events(officer: &Actor<'_>) -> Vec<Value> {
    let page = officer
        .get("/events?types=gate_decision.changed&limit=500")
        .await
        .expect(200);
    page.items("/items").to_vec()
}

db_test!(a_decision_that_changes_is_told_to_whoever_asked_once, |app| {
    let officer = app.officer();
    let made = registered(&app).await;
    let contractor = made.text("/contractor_id").to_owned();
    let ask = |action: &str| json!({"action": action, "entry_id": made.id()});
    let asked = officer.post("/gate-checks", ask("amend")).await.expect(200);
    worker(&app).tick().await.unwrap();
    worker(&app).tick().await.unwrap();
    assert_eq!(gate_events(&officer).await.len(), 0, "nothing changed");

    // The company above it is debarred.
    let above = company(&officer, "株式会社親").await.id();
    let path = format!("/contractors/{contractor}");
    officer
        .patch(&path, "*", json!({"parent_contractor_id": above}))
        .await
        .expect(200);
    let debar = json!({"status": "debarred", "debarment": {"from_on": "2027-04-01", "reason": "談合"}});
    officer
        .patch(&format!("/contractors/{above}"), "*", debar)
        .await
        .expect(200);
    worker(&app).tick().await.unwrap();
    let told = gate_events(&officer).await;
    let now = officer.post("/gate-checks", ask("amend")).await.expect(200);
    if now.text("/decision") == asked.text("/decision") {
        assert!(told.is_empty(), "{told:#?}");
    } else {
        assert_eq!(told.len(), 1, "{told:#?}");
        let gate = &told[0]["data"]["gate"];
        assert_eq!(gate["action"], "amend");
        assert_eq!(gate["old_decision"], asked.text("/decision"));
        assert_eq!(gate["new_decision"], now.text("/decision"));
        assert_eq!(&gate["reasons"], now.at("/reasons"));
        assert_eq!(&gate["erp"], now.at("/erp"));
        assert_eq!(told[0]["data"]["entry_id"], made.id());
    }
    worker(&app).tick().await.unwrap();
    assert_eq!(gate_events(&officer).await.len(), told.len(), "told once");
    // What nobody asked about is not watched.
    let actions: Vec<String> = app.db(|conn| {
        kakunin::db::schema::gate_watches::table
            .select(kakunin::db::schema::gate_watches::action)
            .load(conn)
    });
    assert_eq!(actions, ["amend"]);
});

db_test!(time_alone_changes_a_decision_and_that_is_told_too, |app| {
    let officer = app.officer();
    let made = registered(&app).await;
    let ask = json!({"action": "amend", "entry_id": made.id()});
    let before = officer.post("/gate-checks", ask.clone()).await.expect(200);
    worker(&app).tick().await.unwrap();
    // Its contract period has ended.
    app.at("2028-06-15T09:00");
    worker(&app).tick().await.unwrap();
    let now = officer.post("/gate-checks", ask).await.expect(200);
    assert_ne!(
        before.text("/decision"),
        now.text("/decision"),
        "the case shows nothing"
    );
    let told = gate_events(&officer).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["data"]["gate"]["new_decision"], now.text("/decision"));
});

db_test!(numbers_are_without_gaps_under_concurrent_writers, |app| {
    let officer = app.officer();
    join_all((0..12).map(|n| {
        let officer = &officer;
        async move { company(officer, &format!("株式会社{n}")).await }
    }))
    .await;
    let seqs: Vec<i64> = app.db(|conn| {
        journal::table
            .filter(journal::local_government_id.eq(seed::MOTOSU))
            .order(journal::seq)
            .select(journal::seq)
            .load(conn)
    });
    let whole: Vec<i64> = (1..=i64::try_from(seqs.len()).unwrap()).collect();
    assert_eq!(seqs, whole);
});
