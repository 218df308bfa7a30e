//! What the lists cost: every query goes through an index on both databases, and a page is answered by a number of
//! statements that does not depend on its size (design §4.6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, Once, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation};
use diesel::prelude::*;
use diesel::sql_types::Text;
use kakunin::db::{Conn, Url};
use serde_json::json;

use crate::harness::{TestApp, document, seed};
use crate::policy_documents;

/// Statements by the database they ran on.
static SEEN: Mutex<BTreeMap<String, Vec<String>>> = Mutex::new(BTreeMap::new());

struct Recorder {
    url: String,
}

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => url.clone_into(&mut self.url),
            InstrumentationEvent::StartQuery { query, .. } => {
                let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(statements) = seen.get_mut(&self.url) {
                    let text = query.to_string();
                    statements.push(text.split(" -- binds").next().unwrap_or_default().to_owned());
                }
            }
            _ => {}
        }
    }
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_default_instrumentation(|| Some(Box::new(Recorder { url: String::new() }))).unwrap();
    });
}

/// Starts an application whose statements are recorded.
async fn recorded(backend: crate::harness::Backend) -> (TestApp, String) {
    install();
    let app = TestApp::start(backend).await;
    let url = match app.app.db.url() {
        Url::Sqlite(url) | Url::Postgres(url) => url.clone(),
    };
    (app, url)
}

/// The statements of one call.
async fn statements(app: &TestApp, url: &str, path: &str) -> Vec<String> {
    during(app, url, async {
        app.officer().get(path).await.expect(200);
    })
    .await
}

/// The statements of some calls.
async fn during(app: &TestApp, url: &str, calls: impl Future<Output = ()>) -> Vec<String> {
    app.token(seed::MOTOSU_CLIENT, None).await;
    SEEN.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(url.to_owned(), vec![]);
    calls.await;
    SEEN.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(url)
        .unwrap_or_default()
}

/// Registers engagements until there are this many.
async fn engagements(app: &TestApp, from: usize, to: usize) -> String {
    let mut last = String::new();
    for i in from..to {
        let body = json!({
            "organization_id": seed::MAYOR, "name": format!("情報システム運用保守 その{i}"),
            "facts": {"confidentiality": "c2", "access_mode": "remote"}, "registered_as_existing": true,
            "status": "contracted", "period": {"starts_on": "2027-04-01", "ends_on": "2028-03-31"},
        });
        let answered = app.officer().post("/engagements", body).await.expect(201);
        answered.text("/id").clone_into(&mut last);
    }
    last
}

/// What the parameters of the lists' paths name.
async fn ids(app: &TestApp, entry_id: &str) -> Vec<(&'static str, String)> {
    let document = policy_documents::document("control_standard");
    vec![
        ("{engagement_id}", entry_id.to_owned()),
        ("{entry_id}", entry_id.to_owned()),
        ("{organization_id}", seed::MAYOR.to_owned()),
        ("{incident_id}", incident(app, entry_id).await),
        ("{import_id}", crate::imports::taken(&app.officer()).await.id()),
        (
            "{policy_document_id}",
            app.officer().post("/policy-documents", document).await.expect(201).id(),
        ),
        ("{webhook_endpoint_id}", receiver(app).await),
    ]
}

/// An endpoint with deliveries.
async fn receiver(app: &TestApp) -> String {
    let officer = app.officer();
    let new = json!({"organization_id": seed::MAYOR, "contact_person_id": crate::engagements::person(app),
        "url": "https://zaimu.example.lg.jp/kakunin"});
    let made = officer.post("/webhook-endpoints", new).await.expect(201);
    let id = made.text("/endpoint/id").to_owned();
    for _ in 0..2 {
        officer
            .post(&format!("/webhook-endpoints/{id}/tests"), json!({}))
            .await
            .expect(201);
    }
    id
}

/// What the lists of deviations hold: an incident with an event, a corrective action, a measure.
async fn incident(app: &TestApp, entry_id: &str) -> String {
    let person = crate::engagements::person(app);
    let officer = app.officer().acting(&person);
    let mut last = String::new();
    for number in 0..2 {
        let new = json!({"entry_ids": [entry_id], "kind": "leak", "severity": "minor",
            "title": format!("誤送付 その{number}"), "breach": {}});
        officer
            .post("/incidents", new)
            .await
            .expect(201)
            .id()
            .clone_into(&mut last);
        let event = json!({"text": "連絡を受けた。"});
        officer
            .post(&format!("/incidents/{last}/events"), event)
            .await
            .expect(200);
        let action = json!({"entry_id": entry_id, "title": format!("是正 その{number}")});
        officer.post("/corrective-actions", action).await.expect(201);
        let measure = json!({"entry_id": entry_id, "kind": "damages", "contract_article": "第20条",
            "reason": "損害のため。", "notice_on": "2027-04-01", "document_number": format!("第{number}号")});
        officer.post("/contract-measures", measure).await.expect(201);
    }
    last
}

/// Every list of the document: its path, and the same with the parameters filled in.
fn lists(ids: &[(&str, String)]) -> Vec<(String, String)> {
    let mut found = vec![];
    for (template, item) in document().json["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array();
        if parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "cursor")) {
            let path = ids
                .iter()
                .fold(template.clone(), |path, (name, id)| path.replace(name, id));
            assert!(!path.contains('{'), "no id for {path}");
            found.push((template.clone(), path));
        }
    }
    assert!(found.len() >= 15, "{found:?}");
    found
}

fn with(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// What the plan of a statement walks without an index; nothing when all is well.
fn full_scans(app: &TestApp, statement: &str) -> Vec<String> {
    app.db(|conn| match conn {
        Conn::Sqlite(conn) => {
            let steps: Vec<SqliteStep> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(conn)?;
            Ok(steps
                .into_iter()
                .map(|step| step.detail)
                .filter(|detail| detail.starts_with("SCAN ") && detail != "SCAN CONSTANT ROW")
                .collect())
        }
        Conn::Postgres(conn) => {
            let count = (1..=99).take_while(|n| statement.contains(&format!("${n}"))).count();
            let nulls = vec!["NULL"; count].join(", ");
            let arguments = if count == 0 {
                String::new()
            } else {
                format!("({nulls})")
            };
            // A test database is nearly empty, so the planner is told what a large one would choose.
            conn.batch_execute(&format!(
                "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan; \
                 PREPARE asked AS {statement}"
            ))?;
            let lines: Vec<PostgresLine> = diesel::sql_query(format!("EXPLAIN EXECUTE asked{arguments}")).load(conn)?;
            conn.batch_execute("DEALLOCATE asked")?;
            let lines: Vec<String> = lines.into_iter().map(|line| line.line).collect();
            let mut bad = vec![];
            for (i, line) in lines.iter().enumerate() {
                let unconditional = line.contains("Index")
                    && line.contains("Scan using")
                    && !lines.get(i + 1).is_some_and(|next| next.contains("Index Cond"));
                if line.contains("Seq Scan") || unconditional {
                    bad.push(line.clone());
                }
            }
            Ok(bad)
        }
    })
}

async fn every_list_uses_an_index(backend: crate::harness::Backend) {
    let (app, url) = recorded(backend).await;
    let entry = engagements(&app, 0, 3).await;
    let mut failures = BTreeSet::new();
    let mut asked = 0;
    for (template, path) in lists(&ids(&app, &entry).await) {
        let mut queries = vec![String::new(), "limit=1".to_owned()];
        let parameters = &document().json["paths"];
        let has = |name: &str| {
            parameters[&template]["get"]["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .any(|p| p["name"] == name && p["in"] == "query")
        };
        if has("q") {
            queries.push("q=情報".replace("情報", "%E6%83%85%E5%A0%B1"));
        }
        if has("sort") {
            queries.extend(["next_due_on", "-residual_score", "control_number"].map(|sort| format!("sort={sort}")));
        }
        if has("kind") && template.ends_with("/entries") {
            queries.push("kind=contractor_engagement".to_owned());
        }
        if has("entry_id") {
            queries.push(format!("entry_id={entry}"));
        }
        if has("contractor_id") {
            queries.push(format!("contractor_id={entry}"));
        }
        let first = app.officer().get(&with(&path, "limit=1")).await.expect(200);
        if let Some(cursor) = first.body["next_cursor"].as_str() {
            queries.push(format!("limit=1&cursor={cursor}"));
        }
        for query in queries {
            for statement in statements(&app, &url, &with(&path, &query)).await {
                if !statement.starts_with("SELECT") {
                    continue;
                }
                asked += 1;
                for scan in full_scans(&app, &statement) {
                    failures.insert(format!("{}: {scan}\n    {statement}", with(&path, &query)));
                }
            }
        }
    }
    assert!(asked > 50, "only {asked} statements were seen");
    assert!(
        failures.is_empty(),
        "{}",
        failures.into_iter().collect::<Vec<_>>().join("\n")
    );
}

/// Tables that stay short: what a body has of them does not grow with its contracts.
const SHORT: [&str; 11] = [
    "calendar_days",
    "departments",
    "gate_watch_positions",
    "incident_reports",
    "journal_heads",
    "local_governments",
    "number_series",
    "organizations",
    "policy_versions",
    "role_assignments",
    "signing_keys",
];

/// What a write looks up in a table that grows is found by more than its tenant. SQLite has no statistics here: where an
/// order of the result fits a key that begins with the tenant, it would walk that key to its end.
async fn a_write_finds_what_it_needs(backend: crate::harness::Backend) {
    let (app, url) = recorded(backend).await;
    let entry = engagements(&app, 0, 1).await;
    let officer = app.officer();
    let written = during(&app, &url, async {
        let made = json!({"name": "株式会社さがす", "external_ids": [{"system": "zaimu", "value": "1"}]});
        officer.post("/contractors", made).await.expect(201);
        let items = json!({"items": [
            {"name": "株式会社さがす", "external_ids": [{"system": "zaimu", "value": "1"}]},
            {"name": "株式会社みつける", "external_ids": [{"system": "zaimu", "value": "2"}]},
        ]});
        let many = officer.clone().header("Idempotency-Key", "many");
        many.post("/contractors/batch-upsert", items).await.expect(207);
        let put = json!({"declared": true, "agreed": {"article": "第5条"}});
        let path = format!("/entries/{entry}/clauses/confidentiality-obligation");
        officer.put(&path, "*", put).await.expect(200);
        let asked = json!({"action": "sign", "entry_id": entry});
        officer.post("/gate-checks", asked).await.expect(200);
    })
    .await;
    // Of an empty list nothing is looked up (1=0).
    let asks = |statement: &&String| {
        let verbs = ["SELECT", "UPDATE", "DELETE"];
        verbs.iter().any(|verb| statement.starts_with(verb)) && !statement.contains("1=0") && !statement.contains("0=1")
    };
    let (mut asked, mut wide) = (0, BTreeSet::new());
    for statement in written.iter().filter(asks) {
        let steps: Vec<SqliteStep> =
            app.db(|conn| diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(conn));
        asked += steps.len();
        let of_the_tenant = steps.into_iter().map(|step| step.detail).filter(|detail| {
            let short = SHORT.iter().any(|table| detail.contains(&format!("SEARCH {table} ")));
            detail.ends_with("(local_government_id=?)") && !short
        });
        wide.extend(of_the_tenant.map(|detail| format!("{detail}: {statement}")));
    }
    assert!(asked > 50, "only {asked} steps were seen");
    assert!(wide.is_empty(), "{wide:#?}");
}

async fn a_page_costs_the_same_however_long(backend: crate::harness::Backend) {
    let (app, url) = recorded(backend).await;
    let entry = engagements(&app, 0, 2).await;
    let mut few = BTreeMap::new();
    for (_, path) in lists(&ids(&app, &entry).await) {
        few.insert(path.clone(), statements(&app, &url, &path).await.len());
    }
    engagements(&app, 2, 12).await;
    for (path, before) in few {
        let after = statements(&app, &url, &path).await.len();
        assert_eq!(after, before, "{path}: statements grow with the page");
        assert!(before <= 12, "{path}: {before} statements");
    }
}

mod sqlite {
    use crate::harness::Backend;

    #[actix_web::test]
    async fn every_list_uses_an_index() {
        super::every_list_uses_an_index(Backend::Sqlite).await;
    }

    #[actix_web::test]
    async fn a_page_costs_the_same_however_long() {
        super::a_page_costs_the_same_however_long(Backend::Sqlite).await;
    }

    #[actix_web::test]
    async fn a_write_finds_what_it_needs() {
        super::a_write_finds_what_it_needs(Backend::Sqlite).await;
    }
}

mod postgres {
    use crate::harness::Backend;

    #[actix_web::test]
    async fn every_list_uses_an_index() {
        super::every_list_uses_an_index(Backend::Postgres).await;
    }

    #[actix_web::test]
    async fn a_page_costs_the_same_however_long() {
        super::a_page_costs_the_same_however_long(Backend::Postgres).await;
    }
}
