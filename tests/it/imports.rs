//! Imports over the wire and from the watched folder: what is read, what is refused and where, what is written and when.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::Method;
use diesel::prelude::*;
use encoding_rs::SHIFT_JIS;
use futures_util::FutureExt;
use kakunin::db::schema::{contractors, import_errors, import_rows, imports, journal};
use kakunin::sheets::cells::Said;
use kakunin::sheets::write::XlsxFile;
use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::engagements;
use crate::files::{FORM, form, on_disk};
use crate::harness::{Actor, Answered, TestApp, seed};

const NUMBER: &str = "7000012050002";

/// Sends a file to import, with a key of its own.
async fn send(actor: &Actor<'_>, fields: &[(&str, &str)], name: &str, bytes: &[u8]) -> Answered {
    static KEY: AtomicUsize = AtomicUsize::new(0);
    let key = format!("import-{}", KEY.fetch_add(1, Ordering::SeqCst));
    let actor = actor.clone().header("Idempotency-Key", &key);
    actor
        .raw(Method::POST, "/imports", FORM, &form(fields, Some((name, bytes))))
        .await
}

/// An import that was taken on, for the walks through the document.
pub async fn taken(actor: &Actor<'_>) -> Answered {
    let fields = [("entity", "contractors")];
    send(actor, &fields, "contractors.csv", "法人番号,事業者名\n".as_bytes())
        .await
        .expect(202)
}

async fn tick(app: &TestApp) -> usize {
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap().imported
}

/// The import at its end.
async fn ended(app: &TestApp, taken: Answered) -> Answered {
    let taken = taken.expect(202);
    while tick(app).await > 0 {}
    let read = app.officer().get(taken.header("location")).await.expect(200);
    assert_eq!(read.text("/phase"), "done", "{:#}", read.body);
    read
}

/// Imports a file to its end.
pub async fn import(app: &TestApp, fields: &[(&str, &str)], name: &str, bytes: &[u8]) -> Answered {
    ended(app, send(&app.officer(), fields, name, bytes).await).await
}

/// `created/updated/unchanged/failed` of an import.
fn counts(import: &Answered) -> String {
    ["created", "updated", "unchanged", "failed"]
        .map(|name| import.at(&format!("/counts/{name}")).to_string())
        .join("/")
}

/// Status and counts.
pub fn outcome(import: &Answered) -> (String, String) {
    (import.text("/status").to_owned(), counts(import))
}

fn is(import: &Answered, status: &str, of: &str) {
    assert_eq!(outcome(import), (status.to_owned(), of.to_owned()), "{:#}", import.body);
}

pub async fn errors(app: &TestApp, import: &Answered) -> Vec<Value> {
    let path = format!("/imports/{}/errors", import.id());
    app.officer().get(&path).await.expect(200).items("/items").to_vec()
}

/// `cell code` of each error.
async fn places(app: &TestApp, import: &Answered) -> Vec<String> {
    let place = |error: &Value| {
        let cell = error["cell"]
            .as_str()
            .map_or_else(|| error["row"].to_string(), str::to_owned);
        format!("{cell} {}", error["code"].as_str().unwrap())
    };
    errors(app, import).await.iter().map(place).collect()
}

fn companies(app: &TestApp) -> i64 {
    app.db(|conn| contractors::table.count().get_result(conn))
}

async fn company(app: &TestApp, number: &str) -> Answered {
    let path = format!("/contractors/by-corporate-number/{number}");
    app.officer().get(&path).await.expect(200)
}

const APPLY: &[(&str, &str)] = &[("entity", "contractors"), ("mode", "apply")];

/// The clause that every contract has, as it is recorded.
async fn policy_clause(app: &TestApp, entry_id: &str) -> Value {
    let clauses = app
        .officer()
        .get(&format!("/entries/{entry_id}/clauses"))
        .await
        .expect(200);
    let found = clauses
        .items("/items")
        .iter()
        .find(|clause| clause["clause_key"] == "policy-compliance");
    found.unwrap().clone()
}

/// A workbook of texts.
fn book(directory: &Path, rows: &[&[&str]]) -> Vec<u8> {
    let (header, rows) = rows.split_first().unwrap();
    let on = chrono::NaiveDate::from_ymd_opt(2027, 4, 1).unwrap();
    let mut file = XlsxFile::begin(directory, "一覧", on, header).unwrap();
    for row in rows {
        let cells: Vec<Said> = row.iter().map(|cell| Said::Text((*cell).to_owned())).collect();
        file.row(&cells).unwrap();
    }
    let mut bytes = std::io::Cursor::new(vec![]);
    file.finish(&mut bytes).unwrap();
    bytes.into_inner()
}

db_test!(a_file_that_was_taken_on_wakes_the_worker, |app| {
    let woken = || app.app.wakes.files.notified().now_or_never().is_some();
    assert!(!woken(), "nobody has sent anything");
    app.officer().get("/imports").await.expect(200);
    assert!(!woken(), "a read is no work");
    taken(&app.officer()).await;
    assert!(woken());
});

db_test!(a_list_of_companies_is_checked_and_then_taken_in, |app| {
    let csv = "委託先一覧,,,\r\n法人番号,業者コード,※事業者名（必須）,所在地,独自の列\r\n\
        ７０００012050002,000123,株式会社みどり情報サービス,岐阜県本巣市1-1,x\r\n,000456,あお商店,-,\r\n";
    let bytes = SHIFT_JIS.encode(csv).0.into_owned();
    let tried = import(&app, &[("entity", "contractors")], "業者一覧.csv", &bytes).await;
    is(&tried, "succeeded", "2/0/0/0");
    assert_eq!((companies(&app), tried.text("/mode")), (0, "dry_run"));
    assert_eq!((tried.text("/encoding"), tried.at("/header_row")), ("cp932", &json!(2)));
    assert_eq!(tried.at("/unknown_columns"), &json!(["独自の列"]));
    assert_eq!(tried.at("/same_as_id"), &Value::Null);

    let applied = import(&app, APPLY, "業者一覧.csv", &bytes).await;
    is(&applied, "succeeded", "2/0/0/0");
    let made = company(&app, NUMBER).await;
    assert_eq!(made.text("/name"), "株式会社みどり情報サービス");
    assert_eq!(
        made.at("/external_ids"),
        &json!([{"system": "zaimu", "value": "000123"}])
    );
    assert_eq!(made.text("/created_by"), format!("client:{}", seed::MOTOSU_CLIENT));

    // The same file again changes nothing, and says that it is the same.
    let again = import(&app, APPLY, "業者一覧.csv", &bytes).await;
    is(&again, "succeeded", "0/0/2/0");
    assert_eq!(again.text("/same_as_id"), applied.id());
    assert_eq!(company(&app, NUMBER).await.body, made.body);

    // What is blank stays, what is a dash goes.
    let change = "\u{feff}法人番号,事業者名,所在地,備考\n7000012050002,,-,新しい備考\n";
    is(
        &import(&app, APPLY, "変更.csv", change.as_bytes()).await,
        "succeeded",
        "0/1/0/0",
    );
    let changed = company(&app, NUMBER).await;
    assert_eq!(changed.text("/name"), "株式会社みどり情報サービス");
    assert_eq!(
        (changed.at("/address"), changed.text("/note")),
        (&Value::Null, "新しい備考")
    );
    // Neither rows nor files are left.
    let rows: i64 = app.db(|conn| import_rows::table.count().get_result(conn));
    assert_eq!((rows, on_disk(&app)), (0, Vec::<PathBuf>::new()));
    let recorded: Vec<String> = app.db(|conn| {
        let of_import = journal::table.filter(journal::subject_type.eq("import"));
        of_import.order(journal::seq).select(journal::action).load(conn)
    });
    assert_eq!(recorded[..2], ["import.created", "import.finished"]);
});

db_test!(a_wrong_row_stops_all_or_only_itself, |app| {
    let csv = "法人番号,事業者名,状態,指名停止開始日,連絡先メールアドレス,連絡先\n\
        7000012050002,株式会社甲,,,,\n\
        7000012050003,株式会社乙,,,,\n\
        ,株式会社丙,,,,\n\
        T7000012050002,株式会社丁,休業中,R9.2.30,,\n\
        7000012050002,株式会社甲,,,,\n";
    let stopped = import(&app, APPLY, "業者.csv", csv.as_bytes()).await;
    is(&stopped, "failed", "1/0/0/4");
    assert_eq!(
        (stopped.text("/problem/code"), companies(&app)),
        ("rows_with_errors", 0)
    );
    assert_eq!(
        places(&app, &stopped).await,
        [
            "A3 invalid_corporate_number_check_digit",
            "4 identifier_required",
            "C5 not_in_enum",
            "D5 invalid_era_date",
            "6 duplicate_in_file"
        ]
    );
    let list = format!("/imports/{}/errors?limit=2", stopped.id());
    let page = app.officer().lang("en").get(&list).await.expect(200);
    assert!(page.text("/items/0/message").is_ascii() && page.at("/has_more") == &json!(true));
    let next = format!("{list}&cursor={}", page.text("/next_cursor"));
    assert_eq!(app.officer().get(&next).await.expect(200).text("/items/0/cell"), "C5");

    let skipping = [APPLY, &[("on_error", "skip_row")]].concat();
    let skipped = import(&app, &skipping, "業者.csv", csv.as_bytes()).await;
    is(&skipped, "succeeded", "1/0/0/4");
    assert_eq!(companies(&app), 1);

    // The file of errors has the rows as they came; corrected, it is imported.
    let path = format!("/imports/{}/error-file", skipped.id());
    let file = app.officer().get(&path).await.expect(200);
    assert!(file.header("content-disposition").contains("errors.csv"));
    let text = String::from_utf8(file.bytes.clone()).unwrap();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').trim().lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].ends_with("\"元の行\",\"取込の誤り\"") && lines[3].contains("C5: 決められた値ではありません"));
    let corrected = text
        .replace("7000012050003", "1000012050001")
        .replace("T7000012050002", "5000012050004");
    let corrected = corrected.replace("休業中", "").replace("R9.2.30", "");
    let again = import(&app, &skipping, "直し.csv", corrected.as_bytes()).await;
    let codes = places(&app, &again).await;
    assert_eq!(again.at("/unknown_columns"), &json!(["元の行", "取込の誤り"]));
    assert!(
        codes
            .iter()
            .all(|code| code.contains("identifier_required") || code.contains("check_digit")),
        "{codes:?}"
    );
    let none = taken(&app.officer()).await;
    let file = app
        .officer()
        .get(&format!("/imports/{}/error-file", none.id()))
        .await
        .expect(200);
    let text = String::from_utf8(file.bytes).unwrap();
    assert_eq!(text.trim_start_matches('\u{feff}'), "\"元の行\",\"取込の誤り\"\r\n");
});

db_test!(contracts_of_a_workbook_enter_with_eras_labels_and_names, |app| {
    let officer = app.officer();
    let contractor = json!({"name": "株式会社みどり情報サービス", "corporate_number": NUMBER});
    officer.post("/contractors", contractor).await.expect(201);
    let department = json!({"organization_id": seed::MAYOR, "code": "0101", "name": "情報政策課"});
    let department = officer.post("/departments", department).await.expect(201);
    let person = json!({"name": "山田 花子", "email": "yamada@city.example.lg.jp", "employee_code": "00012"});
    let person = officer.post("/people", person).await.expect(201);
    let directory = tempfile::tempdir().unwrap();
    let header: &[&str] = &[
        "管理番号",
        "契約件名",
        "委託先",
        "機関名",
        "課コード",
        "責任者",
        "状態",
        "開始日",
        "契約開始日",
        "契約終了日",
        "契約番号",
        "契約金額",
        "契約種別",
        "個人情報",
        "機密性",
        "ネットワーク領域",
        "既存",
    ];
    let row: &[&str] = &[
        "A-001",
        "住民情報システム運用保守",
        "(株)みどり情報サービス",
        "本巣市長部局",
        "0101",
        "山田　花子",
        "履行中",
        "令和9年4月1日",
        "R9.4.1",
        "2028/3/31",
        "000777",
        "1,234,567円",
        "委託契約",
        "有",
        "機密性3A",
        "LGWAN接続系、マイナンバー利用事務系",
        "",
    ];
    let fields = [("entity", "engagements"), ("mode", "apply")];
    // ㈱ folds to (株), which is not 株式会社: a name is never guessed.
    let refused = import(&app, &fields, "契約.xlsx", &book(directory.path(), &[header, row])).await;
    assert_eq!(places(&app, &refused).await, ["C2 reference_not_found"]);
    let right: Vec<&str> = row
        .iter()
        .map(|cell| {
            if cell.starts_with("(株)") {
                "株式会社 みどり情報サービス"
            } else {
                *cell
            }
        })
        .collect();
    let file = book(directory.path(), &[header, &right]);
    let made = import(&app, &fields, "契約.xlsx", &file).await;
    is(&made, "succeeded", "1/0/0/0");
    let entry = officer.get("/engagements").await.expect(200);
    let entry = &entry.items("/items")[0];
    assert_eq!(entry["control_number"], "A-001");
    assert_eq!(entry["department_id"], json!(department.id()));
    assert_eq!(entry["owner"]["person_id"], json!(person.id()));
    assert_eq!(
        (&entry["status"], &entry["registered_as_existing"]),
        (&json!("in_performance"), &json!(true))
    );
    let period = &entry["current_period"];
    assert_eq!(
        (&period["starts_on"], &period["ends_on"]),
        (&json!("2027-04-01"), &json!("2028-03-31"))
    );
    assert_eq!(
        (&period["contract_number"], &period["amount_jpy"]),
        (&json!("000777"), &json!(1_234_567))
    );
    assert_eq!(entry["facts"]["network_zones"], json!(["my_number", "lgwan"]));
    assert_eq!(
        (
            &entry["facts"]["confidentiality"],
            &entry["facts"]["handles_personal_information"]
        ),
        (&json!("c3a"), &json!(true))
    );
    is(&import(&app, &fields, "契約.xlsx", &file).await, "succeeded", "0/0/1/0");

    // What only a creation takes is not passed over in silence.
    let csv = "管理番号,契約終了日,備考,機密性\nA-001,2029-03-31,,\nA-002,,,\n";
    let refused = import(&app, &fields, "変更.csv", csv.as_bytes()).await;
    assert_eq!(
        places(&app, &refused).await,
        ["B2 immutable_field", "3 required", "3 required"]
    );
    let csv = "管理番号,契約終了日,備考,機密性\nA-001,令和10年3月31日,契約変更あり,-\n";
    is(
        &import(&app, &fields, "変更.csv", csv.as_bytes()).await,
        "succeeded",
        "0/1/0/0",
    );
    let entry = officer.get("/engagements").await.expect(200);
    assert_eq!(
        (
            entry.text("/items/0/note"),
            entry.body.pointer("/items/0/facts/confidentiality")
        ),
        ("契約変更あり", None)
    );
});

db_test!(departments_and_people_enter_in_the_order_of_their_file, |app| {
    let mayor = ("organization_id", seed::MAYOR);
    let csv = "所属コード,所属名,上位所属コード,設置日\n01,総務部,,H17.4.1\n0101,情報政策課,01,\n0102,課なし,09,\n";
    let fields = [("entity", "departments"), ("mode", "apply"), mayor];
    let refused = import(&app, &fields, "所属.csv", csv.as_bytes()).await;
    assert_eq!(places(&app, &refused).await, ["C4 reference_not_found"]);
    let right = csv.replace(",09,", ",01,");
    is(
        &import(&app, &fields, "所属.csv", right.as_bytes()).await,
        "succeeded",
        "3/0/0/0",
    );
    is(
        &import(&app, &fields, "所属.csv", right.as_bytes()).await,
        "succeeded",
        "0/0/3/0",
    );
    let all = app.officer().get("/departments").await.expect(200);
    let of_code = |code: &str| all.items("/items").iter().find(|item| item["code"] == code).unwrap();
    let (parent, child) = (of_code("01"), of_code("0101"));
    assert_eq!(
        (&child["parent_id"], &parent["valid_from_on"]),
        (&parent["id"], &json!("2005-04-01"))
    );

    let csv = "職員番号,氏名,メールアドレス,所属コード,配属日\n00012,山田 花子,yamada@city.example.lg.jp,0101,R9.4.1\n\
        00013,鈴木 一郎,suzuki,0101,\n";
    let fields = [("entity", "people"), ("mode", "apply"), ("on_error", "skip_row"), mayor];
    let some = import(&app, &fields, "職員.csv", csv.as_bytes()).await;
    is(&some, "succeeded", "1/0/0/1");
    assert_eq!(places(&app, &some).await, ["C3 invalid_email_address"]);
    let people = app.officer().get("/people").await.expect(200);
    let appointment = people.at("/items/0/appointments/0");
    assert_eq!(
        (&appointment["department_id"], &appointment["starts_on"]),
        (&child["id"], &json!("2027-04-01"))
    );
    let csv = "職員番号,氏名,退職日\n00012,山田 はな子,R10.3.31\n";
    is(
        &import(&app, &fields, "退職.csv", csv.as_bytes()).await,
        "succeeded",
        "0/1/0/0",
    );
    let people = app.officer().get("/people").await.expect(200);
    assert_eq!(
        (people.text("/items/0/name"), people.text("/items/0/left_on")),
        ("山田 はな子", "2028-03-31")
    );
    assert_eq!(people.at("/items/0/appointments/0"), appointment);
});

db_test!(clouds_accounts_and_clauses_enter_too, |app| {
    let officer = app.officer();
    let service = json!({"organization_id": seed::MAYOR, "platform": "x"});
    officer.post("/social-media-services", service).await.expect(201);
    let csv = "管理番号,名称,機関コード,サービスの形態,利用目的,データの保存国,ISMAP\nCL-1,電子申請,mayor,SaaS,住民の申請,JP、US,登録あり\n";
    let fields = [("entity", "cloud_services"), ("mode", "apply")];
    is(
        &import(&app, &fields, "cloud.csv", csv.as_bytes()).await,
        "succeeded",
        "1/0/0/0",
    );
    is(
        &import(&app, &fields, "cloud.csv", csv.as_bytes()).await,
        "succeeded",
        "0/0/1/0",
    );
    let read = officer.get("/cloud-services").await.expect(200);
    assert_eq!(read.at("/items/0/data_countries"), &json!(["JP", "US"]));
    assert_eq!(read.text("/items/0/ismap_status"), "registered");

    let csv = "管理番号,名称,機関名,媒体,アカウント,URL,運用目的,災害・緊急情報の発信に用いる\n\
        SN-1,本巣市公式X,本巣市長部局,X,@motosu_city,https://x.com/motosu_city,市政の情報,○\n";
    let fields = [("entity", "social_media_accounts"), ("mode", "apply")];
    is(
        &import(&app, &fields, "sns.csv", csv.as_bytes()).await,
        "succeeded",
        "1/0/0/0",
    );
    let read = officer.get("/social-media-accounts").await.expect(200);
    assert_eq!(
        (
            read.text("/items/0/handle"),
            read.at("/items/0/facts/emergency_channel")
        ),
        ("@motosu_city", &json!(true))
    );

    let entry = engagements::registered(&app).await;
    let number = entry.text("/control_number");
    let csv = format!(
        "管理番号,条項キー,契約で合意,条番号,合意日,確認日,備考\n{number},policy-compliance,有,第12条,R9.4.1,,確認中\n{number},no-such,,,,,\n"
    );
    let fields = [
        ("entity", "clause_statuses"),
        ("mode", "apply"),
        ("on_error", "skip_row"),
    ];
    let some = import(&app, &fields, "clauses.csv", csv.as_bytes()).await;
    is(&some, "succeeded", "1/0/0/1");
    assert_eq!(places(&app, &some).await, ["B3 reference_not_found"]);
    let clause = policy_clause(&app, &entry.id()).await;
    assert_eq!(
        (&clause["agreement"]["article"], &clause["note"]),
        (&json!("第12条"), &json!("確認中"))
    );
    is(
        &import(&app, &fields, "clauses.csv", csv.as_bytes()).await,
        "succeeded",
        "0/0/1/1",
    );
    let csv = format!("管理番号,条項キー,備考\n{number},policy-compliance,-\n");
    is(
        &import(&app, &fields, "clauses.csv", csv.as_bytes()).await,
        "succeeded",
        "0/1/0/0",
    );
    let clause = policy_clause(&app, &entry.id()).await;
    assert_eq!(
        (&clause["agreement"]["article"], &clause["note"]),
        (&json!("第12条"), &Value::Null)
    );
});

db_test!(many_rows_go_chunk_by_chunk_and_an_import_may_be_cancelled, |app| {
    let lines: Vec<String> = (0..1_100).map(|n| format!("{n:06},事業者{n}\n")).collect();
    let csv = "外部ID（zaimu）,事業者名\n".to_owned() + &lines.concat();
    let taken = send(&app.officer(), APPLY, "多.csv", csv.as_bytes()).await.expect(202);
    assert_eq!((taken.text("/status"), taken.header("retry-after")), ("queued", "5"));
    let path = taken.header("location").to_owned();
    let done = ended(&app, taken).await;
    is(&done, "succeeded", "1100/0/0/0");
    assert_eq!(done.at("/progress"), &json!({"done": 1100, "total": 1100}));
    app.officer()
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .problem(409, "import_is_over");

    let twice = csv.replace("001050,", "000001,");
    let refused = import(&app, APPLY, "二重.csv", twice.as_bytes()).await;
    is(&refused, "failed", "0/0/1099/1");
    assert_eq!(places(&app, &refused).await, ["1052 duplicate_in_file"]);

    let renamed = csv.replace("事業者", "業者").replacen("業者名", "事業者名", 1);
    let taken = send(&app.officer(), APPLY, "取消.csv", renamed.as_bytes())
        .await
        .expect(202);
    let path = taken.header("location").to_owned();
    let cancelled = app
        .officer()
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .expect(200);
    assert_eq!(cancelled.text("/status"), "cancelled");
    assert_eq!(tick(&app).await, 0);
    let name: i64 = app.db(|conn| {
        contractors::table
            .filter(contractors::name.like("業者%"))
            .count()
            .get_result(conn)
    });
    assert_eq!(name, 0);
    // After 30 days nothing of the rows is left.
    let kept = || app.db(|conn| import_errors::table.count().get_result::<i64>(conn));
    assert_eq!(kept(), 1);
    app.clock.set(app.clock.now().plus_seconds(31 * 24 * 3600));
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
    let rows: i64 = app.db(|conn| import_rows::table.count().get_result(conn));
    assert_eq!((kept(), rows), (0, 0));
    app.officer().get(&path).await.expect(200);
});

db_test!(a_file_that_cannot_be_read_says_why, |app| {
    for (name, bytes, code) in [
        ("a.csv", "番号,名\n1,2\n".as_bytes(), "missing_header"),
        ("a.csv", "事業者名,所在地\n甲,乙\n".as_bytes(), "missing_key_column"),
        (
            "a.csv",
            "法人番号,事業者名,名称\n1,甲,乙\n".as_bytes(),
            "duplicate_column",
        ),
        ("a.csv", "法人番号,事業者名\n".as_bytes(), "no_rows"),
        ("a.csv", b"\xff\xfea\0,\0".as_slice(), "unsupported_encoding"),
    ] {
        let import = import(&app, APPLY, name, bytes).await;
        assert_eq!(
            (import.text("/status"), import.text("/problem/code")),
            ("failed", code),
            "{:#}",
            import.body
        );
        assert!(import.text("/problem/message").ends_with('。'));
    }
    let broken = import(&app, APPLY, "a.csv", b"corporate_number,name\n7000012050002,\x81 \n").await;
    assert_eq!(places(&app, &broken).await, ["B2 invalid_bytes"]);
    assert_eq!((companies(&app), on_disk(&app)), (0, Vec::<PathBuf>::new()));
});

db_test!(an_order_that_is_not_right_is_refused_at_once, |app| {
    let officer = app.officer();
    let csv = "法人番号,事業者名\n7000012050002,甲\n".as_bytes();
    let entity = ("entity", "contractors");
    for (fields, pointer, code) in [
        (vec![], "/entity", "required"),
        (vec![("entity", "companies")], "/entity", "not_in_enum"),
        (vec![entity, ("mode", "now")], "/mode", "not_in_enum"),
        (
            vec![entity, ("organization_id", "mayor")],
            "/organization_id",
            "invalid_format",
        ),
        (
            vec![entity, ("organization_id", seed::KAGOSHIMA_ASSEMBLY)],
            "/organization_id",
            "reference_not_found",
        ),
        (vec![entity, ("mapping", "{")], "/mapping", "invalid_mapping"),
        (
            vec![entity, ("mapping", "{\"番号\": \"no_such\"}")],
            "/mapping",
            "invalid_mapping",
        ),
        (vec![entity, ("dryrun", "true")], "/dryrun", "unknown_field"),
    ] {
        send(&officer, &fields, "a.csv", csv).await.invalid(pointer, code);
    }
    send(&officer, &[entity], "a.pdf", csv)
        .await
        .invalid("/file", "file_type_not_allowed");
    send(&officer, &[entity], "a.xlsx", csv)
        .await
        .invalid("/file", "file_type_mismatch");
    send(&officer, &[entity], "a.csv", b"")
        .await
        .invalid("/file", "too_short");
    let form = form(&[entity], Some(("a.csv", csv)));
    let keyless = officer.raw(Method::POST, "/imports", FORM, &form).await;
    keyless.problem(400, "idempotency_key_required");
    let scopes = ["imports:write", "entries:write"];
    send(&app.with_scopes(&scopes), &[entity], "a.csv", csv)
        .await
        .problem(403, "insufficient_scope");
    let large = vec![b'a'; 10 * 1024 * 1024 + 1];
    send(&officer, &[entity], "a.csv", &large)
        .await
        .problem(413, "payload_too_large");
    let all: i64 = app.db(|conn| imports::table.count().get_result(conn));
    assert_eq!((all, on_disk(&app)), (0, Vec::<PathBuf>::new()));

    // Headers of one's own are explained; what one client imports another one does not see.
    let limited = app.limited(&[seed::MAYOR]);
    let fields = [
        entity,
        ("mapping", "{\"相手方\": \"name\", \"番号\": \"external_ids.egp\"}"),
    ];
    let made = send(&limited, &fields, "a.csv", "番号,相手方\n01,甲\n".as_bytes())
        .await
        .expect(202);
    let path = made.header("location");
    limited.get(path).await.expect(200);
    app.officer().get(path).await.expect(200);
    app.limited(&[seed::MAYOR]).get(path).await.problem(404, "not_found");
    assert_eq!(
        app.limited(&[seed::MAYOR])
            .get("/imports")
            .await
            .expect(200)
            .items("/items")
            .len(),
        0
    );
    is(&ended(&app, made).await, "succeeded", "1/0/0/0");
});

db_test!(files_of_the_watched_folder_are_taken_in_or_given_back, |app| {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_owned();
    let app = app.with_config(|config| config.import_dir = Some(root.clone())).await;
    let place = root.join("212181");
    std::fs::create_dir_all(place.join("in")).unwrap();
    let put = |name: &str, text: &str| std::fs::write(place.join("in").join(name), text).unwrap();
    let names = |folder: &str| {
        let entries = std::fs::read_dir(place.join(folder)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let worker = Worker::new(app.app.clone()).unwrap();
    let look = async || {
        for _ in 0..8 {
            app.clock.set(app.clock.now().plus_seconds(11));
            worker.tick().await.unwrap();
        }
    };
    put("contractors_1.csv", "法人番号,事業者名\n7000012050002,株式会社甲\n");
    put("contractors_2.csv.part", "法人番号,事業者名\n");
    put("contractors_3.csv", "法人番号,事業者名\n7000012050003,株式会社乙\n");
    put("一覧.csv", "法人番号\n");
    // One look alone takes nothing: it may be half written.
    worker.tick().await.unwrap();
    worker.tick().await.unwrap();
    assert_eq!((names("in").len(), companies(&app)), (4, 0));
    look().await;
    assert_eq!(names("in"), ["contractors_2.csv.part"]);
    assert_eq!(names("done"), ["contractors_1.csv", "contractors_1.csv.result.json"]);
    assert_eq!(
        names("error"),
        [
            "contractors_3.csv",
            "contractors_3.csv.errors.csv",
            "contractors_3.csv.reason.txt",
            "一覧.csv",
            "一覧.csv.reason.txt"
        ]
    );
    let reason = std::fs::read_to_string(place.join("error/contractors_3.csv.reason.txt")).unwrap();
    assert!(
        reason.contains("A2: ") && reason.contains("反映しませんでした"),
        "{reason}"
    );
    assert_eq!(companies(&app), 1);
    assert_eq!(company(&app, NUMBER).await.text("/created_by"), "system");

    // What comes twice is known by its content; what failed is tried again.
    put("contractors_9.csv", "法人番号,事業者名\n7000012050002,株式会社甲\n");
    put("contractors_3.csv", "法人番号,事業者名\n7000012050003,株式会社乙\n");
    let before: i64 = app.db(|conn| imports::table.count().get_result(conn));
    look().await;
    let after: i64 = app.db(|conn| imports::table.count().get_result(conn));
    assert_eq!((after - before, names("in").len()), (1, 1));
    let result = std::fs::read_to_string(place.join("done/contractors_9.csv.result.json")).unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(
        (&result["already_imported"], &result["counts"]["created"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(
        names("error")
            .iter()
            .filter(|name| name.ends_with("contractors_3.csv"))
            .count(),
        2
    );
});
