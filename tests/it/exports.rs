//! Exports: asked for, made by the worker, downloaded by whoever asked, gone after a week; and what stands in them.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use encoding_rs::SHIFT_JIS;
use kakunin::domain::shielding;
use kakunin::sheets::cells::{self, HeaderLanguage, Manner, Names};
use kakunin::sheets::columns::{Entity, recognise};
use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::engagements;
use crate::files;
use crate::harness::{Actor, Answered, TestApp, seed};
use crate::imports;

const NUMBER: &str = "7000012050002";

/// Asks for an export with a key of its own.
async fn ask(actor: &Actor<'_>, body: Value) -> Answered {
    let key = kakunin::journal::sha256_hex(body.to_string().as_bytes());
    actor
        .clone()
        .header("Idempotency-Key", &key)
        .post("/exports", body)
        .await
}

async fn tick(app: &TestApp) {
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
}

/// Asks for an export, lets the worker make it, and answers it with its bytes.
async fn exported(app: &TestApp, actor: &Actor<'_>, body: Value) -> (Answered, Vec<u8>) {
    let asked = ask(actor, body).await.expect(202);
    tick(app).await;
    let path = asked.header("location").to_owned();
    let made = actor.get(&path).await.expect(200);
    assert_eq!(made.text("/status"), "succeeded", "{:#}", made.body);
    let content = actor.get(&format!("{path}/content")).await.expect(200);
    (made, content.bytes)
}

/// The rows of a CSV file in UTF-8 with its mark.
fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(bytes).unwrap().strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

/// The cell of a row below a header.
fn cell<'r>(rows: &'r [Vec<String>], row: usize, header: &str) -> &'r str {
    let column = rows[0].iter().position(|known| known == header);
    &rows[row][column.unwrap_or_else(|| panic!("no column {header} in {:?}", rows[0]))]
}

async fn company(app: &TestApp) -> Answered {
    let new = json!({"name": "株式会社みどり情報サービス", "corporate_number": NUMBER, "note": "=HYPERLINK(\"x\")",
        "address": "岐阜県本巣市文殊324", "external_ids": [{"system": "zaimu", "value": "000123"}]});
    app.officer().post("/contractors", new).await.expect(201)
}

db_test!(contractors_are_exported_as_excel_opens_them, |app| {
    let made = company(&app).await;
    let officer = app.officer();
    let asked = ask(&officer, json!({"entity": "contractors", "format": "csv"}))
        .await
        .expect(202);
    assert_eq!((asked.text("/status"), asked.header("retry-after")), ("queued", "5"));
    let path = asked.header("location").to_owned();
    officer
        .get(&format!("{path}/content"))
        .await
        .problem(409, "export_not_complete");
    tick(&app).await;

    let done = officer.get(&path).await.expect(200);
    assert_eq!(done.text("/status"), "succeeded", "{:#}", done.body);
    assert_eq!(done.at("/progress"), &json!({"done": 1, "total": 1}));
    assert_eq!(done.text("/file_name"), "委託事業者_20270401.csv");
    assert_eq!(done.text("/expires_at"), "2027-04-08T00:00:00.000000Z");
    let content = officer.get(&format!("{path}/content")).await.expect(200);
    let disposition = content.header("content-disposition");
    assert!(
        disposition.starts_with("attachment") && disposition.contains("export.csv"),
        "{disposition}"
    );
    assert!(disposition.contains("filename*=UTF-8''"), "{disposition}");
    assert_eq!(done.text("/sha256"), kakunin::journal::sha256_hex(&content.bytes));

    let rows = rows(&content.bytes);
    assert_eq!(rows[0][..3], ["ID", "外部ID（zaimu）", "事業者名"]);
    assert_eq!(rows.len(), 2);
    for (header, expected) in [
        ("ID", made.id().as_str()),
        ("外部ID（zaimu）", "000123"),
        ("法人番号", NUMBER),
        ("状態", "有効"),
        ("備考", "'=HYPERLINK(\"x\")"),
        ("登録日時", "2027-04-01 09:00"),
    ] {
        assert_eq!(cell(&rows, 1, header), expected, "{header}");
    }
    let text = String::from_utf8(content.bytes).unwrap();
    assert!(text.starts_with("\u{feff}\"ID\",") && text.ends_with("\r\n"));
});

db_test!(columns_languages_and_encodings_are_chosen, |app| {
    company(&app).await;
    let officer = app.officer();
    let order = json!({"entity": "contractors", "format": "csv", "encoding": "cp932", "header_language": "key",
        "columns": ["corporate_number", "status", "external_ids.zaimu", "external_ids.egp"]});
    let (made, bytes) = exported(&app, &officer, order).await;
    let text = SHIFT_JIS.decode_without_bom_handling(&bytes).0;
    let expected = format!(
        "\"corporate_number\",\"status\",\"external_ids.zaimu\",\"external_ids.egp\"\r\n\
         \"{NUMBER}\",\"active\",\"000123\",\"\"\r\n"
    );
    assert_eq!(text, expected);
    assert_eq!(made.text("/encoding"), "cp932");

    // What CP932 lacks is named with its cell, in the language of who asks.
    let lacking = json!({"name": "𠮷野情報株式会社"});
    officer.post("/contractors", lacking).await.expect(201);
    let order = json!({"entity": "contractors", "format": "csv", "encoding": "cp932", "columns": ["country", "name"]});
    let asked = ask(&officer, order).await.expect(202);
    tick(&app).await;
    let path = asked.header("location");
    let failed = officer.get(path).await.expect(200);
    assert_eq!(failed.text("/error/code"), "unmappable_character");
    assert!(
        failed.text("/error/message").contains("セルB3の「𠮷」"),
        "{:#}",
        failed.body
    );
    let english = officer.clone().lang("en").get(path).await.expect(200);
    assert!(english.text("/error/message").contains("cell B3"), "{:#}", english.body);
    officer
        .get(&format!("{path}/content"))
        .await
        .problem(409, "export_not_complete");
});

/// A register with a record of every entity; answers its engagement.
async fn filled(app: &TestApp) -> Answered {
    let engagement = engagements::registered(app).await;
    engagements::person(app);
    let officer = app.officer();
    let department = json!({"organization_id": seed::MAYOR, "code": "0210", "name": "情報政策課"});
    officer.post("/departments", department).await.expect(201);
    let cloud = json!({"organization_id": seed::MAYOR, "name": "電子申請", "service_model": "saas", "purpose": "申請"});
    officer.post("/cloud-services", cloud).await.expect(201);
    let service = json!({"organization_id": seed::MAYOR, "platform": "x"});
    let service = officer.post("/social-media-services", service).await.expect(201);
    let account = json!({"organization_id": seed::MAYOR, "name": "公式X", "social_media_service_id": service.id(),
        "handle": "@motosu", "url": "https://x.com/motosu", "purpose": "広報"});
    officer.post("/social-media-accounts", account).await.expect(201);
    engagement
}

db_test!(what_was_exported_and_is_imported_again_changes_nothing, |app| {
    filled(&app).await;
    let officer = app.officer();
    let person = json!({"name": "山田 花子", "employee_code": "00042", "email": "hanako@motosu.example.lg.jp"});
    let person = officer.post("/people", person).await.expect(201).id();
    let dashes = json!({"organization_id": seed::MAYOR, "name": "-", "facts": engagements::plain_facts(),
        "owner": {"person_id": person}, "note": "'一行目\n=二行目", "procurement_method": "open_bid",
        "external_ids": [{"system": "keiyaku", "value": "0001"}, {"system": "keiyaku", "value": "-2"}]});
    officer.post("/engagements", dashes).await.expect(201);
    for entity in [
        "contractors",
        "departments",
        "people",
        "engagements",
        "cloud_services",
        "social_media_accounts",
        "clause_statuses",
    ] {
        for (format, language) in [("csv", "ja"), ("csv", "key"), ("xlsx", "en")] {
            let order = json!({"entity": entity, "format": format, "header_language": language});
            let (made, bytes) = exported(&app, &officer, order).await;
            let count = made.at("/progress/done").as_i64().unwrap();
            assert!(count > 0, "{entity}");
            let fields = [("entity", entity), ("mode", "apply"), ("organization_id", seed::MAYOR)];
            let imported = imports::import(&app, &fields, &format!("{entity}.{format}"), &bytes).await;
            let outcome = imports::outcome(&imported);
            let expected = ("succeeded".to_owned(), format!("0/0/{count}/0"));
            let errors = imports::errors(&app, &imported).await;
            assert_eq!(
                outcome, expected,
                "{entity} {format} {language}: {errors:#?} {:#}",
                imported.body
            );
        }
    }
});

db_test!(every_entity_is_exported_in_every_format, |app| {
    let engagement = filled(&app).await;
    let officer = app.officer();
    for (entity, header, expected) in [
        ("contractors", "事業者名", "株式会社みどり情報サービス"),
        ("engagements", "契約番号", "R9-0001"),
        ("cloud_services", "サービスの形態", "SaaS"),
        ("social_media_accounts", "アカウント名", "'@motosu"),
        ("people", "氏名", "本巣 花子"),
        ("departments", "所属コード", "0210"),
        ("clause_statuses", "管理番号", engagement.text("/control_number")),
    ] {
        let (made, bytes) = exported(&app, &officer, json!({"entity": entity, "format": "csv"})).await;
        let rows = rows(&bytes);
        assert_eq!(cell(&rows, 1, header), expected, "{entity}");
        let count = rows.len() - 1;
        assert_eq!(made.at("/progress/done"), count, "{entity}");

        let (_, bytes) = exported(&app, &officer, json!({"entity": entity, "format": "xlsx"})).await;
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
        let sheet = book.worksheet_range_at(0).unwrap().unwrap();
        assert_eq!(sheet.height(), rows.len(), "{entity}");
        assert!(
            book.worksheet_formula(&book.sheet_names()[0])
                .unwrap()
                .used_cells()
                .next()
                .is_none()
        );

        let (_, bytes) = exported(&app, &officer, json!({"entity": entity, "format": "ndjson"})).await;
        let lines = String::from_utf8(bytes).unwrap();
        assert_eq!(lines.lines().count(), count, "{entity}");
        assert!(
            lines
                .lines()
                .all(|line| serde_json::from_str::<Value>(line).unwrap().is_object())
        );

        let (_, bytes) = exported(&app, &officer, json!({"entity": entity, "format": "json"})).await;
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(document["items"].as_array().unwrap().len(), count, "{entity}");
    }
    // Real dates, not their looks.
    let (_, bytes) = exported(
        &app,
        &officer,
        json!({"entity": "engagements", "format": "xlsx", "columns": ["period_starts_on"]}),
    )
    .await;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert!(matches!(sheet.get_value((1, 0)), Some(Data::DateTime(_))), "{sheet:?}");
});

db_test!(an_export_holds_what_its_list_shows, |app| {
    let officer = app.officer();
    for (organization, name) in [(seed::MAYOR, "長部局の業務"), (seed::ASSEMBLY, "議会の業務")] {
        let new = json!({"organization_id": organization, "name": name});
        officer.post("/engagements", new).await.expect(201);
    }
    let names = |bytes: &[u8]| -> Vec<String> {
        let rows = rows(bytes);
        (1..rows.len()).map(|row| cell(&rows, row, "名称").to_owned()).collect()
    };
    let order = |filter: Value| json!({"entity": "engagements", "format": "csv", "filter": filter});
    let (_, all) = exported(&app, &officer, order(json!({}))).await;
    assert_eq!(names(&all), ["長部局の業務", "議会の業務"]);
    let (_, one) = exported(
        &app,
        &officer,
        order(json!({"organization_id": seed::ASSEMBLY, "status": "draft"})),
    )
    .await;
    assert_eq!(names(&one), ["議会の業務"]);
    let limited = app.limited(&[seed::ASSEMBLY]);
    let (own, rest) = exported(&app, &limited, order(json!({}))).await;
    assert_eq!(names(&rest), ["議会の業務"]);
    // Nobody else sees the export, not even whoever sees more.
    officer
        .get(&format!("/exports/{}", own.id()))
        .await
        .problem(404, "not_found");
    assert_eq!(limited.get("/exports").await.expect(200).items("/items").len(), 1);
    assert_eq!(
        officer
            .get("/exports?status=succeeded")
            .await
            .expect(200)
            .items("/items")
            .len(),
        2
    );
    assert!(
        officer
            .get("/exports?status=failed")
            .await
            .expect(200)
            .items("/items")
            .is_empty()
    );
});

db_test!(what_cannot_be_exported_is_refused_at_once, |app| {
    let officer = app.officer();
    let order = |more: Value| {
        let mut order = json!({"entity": "engagements", "format": "csv"});
        for (name, value) in more.as_object().unwrap() {
            order[name] = value.clone();
        }
        order
    };
    for (more, pointer, code) in [
        (json!({"entity": null}), "/entity", "one_of_two"),
        (json!({"report_key": "overdue"}), "/entity", "one_of_two"),
        (json!({"columns": ["name", "owner"]}), "/columns/1", "unknown_column"),
        (
            json!({"columns": ["name"], "format": "json"}),
            "/columns",
            "format_not_for_this",
        ),
        (
            json!({"entity": "people", "format": "ocds"}),
            "/format",
            "format_not_for_this",
        ),
        (json!({"filter": {"colour": "red"}}), "/filter/colour", "unknown_field"),
        (json!({"filter": {"status": "asleep"}}), "/filter/status", "invalid"),
        (json!({"filter": {"q": "あ"}}), "/filter/q", "too_short"),
        (json!({"filter": {"limit": 1}}), "/filter/limit", "unknown_field"),
        (json!({"filter": {"kind": "cloud_service"}}), "/filter/kind", "invalid"),
    ] {
        let mut order = order(more);
        order.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        ask(&officer, order).await.invalid(pointer, code);
    }
    let plain = json!({"entity": "contractors", "format": "csv"});
    officer
        .post("/exports", plain.clone())
        .await
        .problem(400, "idempotency_key_required");
    let clerk = app.with_scopes(&["exports:create", "entries:read"]);
    ask(&clerk, plain).await.problem(403, "insufficient_scope");
    let report = json!({"report_key": "overdue", "format": "csv"});
    ask(&clerk, report).await.problem(403, "insufficient_scope");
    ask(&clerk, order(json!({}))).await.expect(202);
});

db_test!(an_export_is_gone_after_a_week, |app| {
    let app = app.since("2027-04-01T09:00").await;
    company(&app).await;
    let officer = app.officer();
    let (made, _) = exported(&app, &officer, json!({"entity": "contractors", "format": "csv"})).await;
    assert_eq!(files::on_disk(&app).len(), 1);
    app.at("2027-04-08T08:59");
    tick(&app).await;
    officer.get(&format!("/exports/{}", made.id())).await.expect(200);
    app.at("2027-04-08T09:00");
    tick(&app).await;
    officer
        .get(&format!("/exports/{}", made.id()))
        .await
        .problem(404, "not_found");
    assert!(files::on_disk(&app).is_empty());
});

db_test!(what_was_exported_is_read_again_with_the_same_values, |app| {
    let officer = app.officer();
    let person = json!({"name": "山田 花子", "employee_code": "00042"});
    let person = officer.post("/people", person).await.expect(201).id();
    let contractor = company(&app).await.id();
    let new = json!({
        "organization_id": seed::MAYOR, "name": "-", "contractor_id": contractor, "facts": engagements::plain_facts(),
        "registered_as_existing": true, "status": "in_performance", "started_on": "2027-04-01",
        "owner": {"person_id": person}, "note": "'一行目\n=二行目", "procurement_method": "open_bid",
        "period": {"contract_number": "000-1", "starts_on": "2027-04-01", "ends_on": "2028-03-31", "amount_jpy": 1},
        "external_ids": [{"system": "keiyaku", "value": "0001"}, {"system": "keiyaku", "value": "-2"}],
    });
    let made = officer.post("/engagements", new).await.expect(201);
    let record = officer.get(made.header("location")).await.expect(200).body;
    let manner = Manner {
        language: HeaderLanguage::Ja,
        zone: chrono_tz::Asia::Tokyo,
    };
    let mut compared = 0;
    for (format, header) in [("csv", "ja"), ("csv", "key"), ("xlsx", "en")] {
        let order = json!({"entity": "engagements", "format": format, "header_language": header});
        let (_, bytes) = exported(&app, &officer, order).await;
        let (headers, cells): (Vec<String>, Vec<String>) = if format == "csv" {
            let mut rows = rows(&bytes).into_iter();
            (rows.next().unwrap(), rows.next().unwrap())
        } else {
            let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
            let sheet = book.worksheet_range_at(0).unwrap().unwrap();
            let texts = |row: u32| -> Vec<String> {
                let last = sheet.end().unwrap().1;
                (0..=last)
                    .map(|column| sheet.get_value((row, column)).map(Data::to_string).unwrap_or_default())
                    .collect()
            };
            (texts(0), texts(1))
        };
        let columns = Entity::Engagements.columns();
        for (header, text) in headers.iter().zip(&cells) {
            let column = recognise(&columns, header).unwrap_or_else(|| panic!("{header} is not recognised"));
            // Dates and numbers of XLSX have their own types; codes and labels of other languages their own test.
            if let cells::Said::Text(expected) = cells::said(&column, &record, &Names::default(), manner)
                && matches!(
                    column.cell,
                    kakunin::sheets::columns::Cell::Text
                        | kakunin::sheets::columns::Cell::Code
                        | kakunin::sheets::columns::Cell::External
                )
            {
                assert_eq!(shielding::read(text), expected, "{format} {header}");
                compared += 1;
            }
        }
        let find = |key: &str| {
            let place = headers
                .iter()
                .position(|header| recognise(&columns, header).unwrap().key == key);
            cells[place.unwrap()].clone()
        };
        // Never a lone dash: it would clear on the way back.
        assert_eq!(find("name"), "'-");
        assert_eq!(
            find("external_ids.keiyaku"),
            "'-2\n0001".replacen('\'', if format == "csv" { "'" } else { "" }, 1)
        );
        assert_eq!(
            (find("owner_employee_code"), find("contractor_corporate_number")),
            ("00042".to_owned(), NUMBER.to_owned())
        );
    }
    assert!(compared >= 18, "{compared}");
});

/// The parts of the schema of OCDS 1.1.5 release packages that an engagement fills: required members, code lists, types.
fn ocds_schema() -> Value {
    let organization = json!({"type": "object", "required": ["id", "name"],
        "properties": {"id": {"type": "string", "minLength": 1}, "name": {"type": "string"}}});
    let period = json!({"type": "object", "properties": {
        "startDate": {"type": "string", "format": "date-time"}, "endDate": {"type": "string", "format": "date-time"}}});
    let value = json!({"type": "object", "properties": {
        "amount": {"type": "number", "minimum": 0}, "currency": {"const": "JPY"}}});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object", "required": ["uri", "publisher", "publishedDate", "releases", "version"],
        "properties": {
            "uri": {"type": "string", "format": "uri"},
            "version": {"type": "string", "pattern": "^(\\d+\\.)(\\d+)$"},
            "publishedDate": {"type": "string", "format": "date-time"},
            "publisher": {"type": "object", "required": ["name"]},
            "releases": {"type": "array", "minItems": 1, "items": {
                "type": "object", "required": ["ocid", "id", "date", "tag", "initiationType"],
                "properties": {
                    "ocid": {"type": "string", "minLength": 1}, "id": {"type": "string", "minLength": 1},
                    "date": {"type": "string", "format": "date-time"},
                    "tag": {"type": "array", "minItems": 1, "items": {"enum": ["planning", "tender", "award", "contract"]}},
                    "initiationType": {"enum": ["tender"]},
                    "buyer": organization,
                    "parties": {"type": "array", "items": {
                        "type": "object", "required": ["id", "name", "roles"],
                        "properties": {
                            "roles": {"type": "array", "items": {"enum": ["buyer", "procuringEntity", "supplier"]}},
                            "identifier": {"type": "object", "properties": {
                                "scheme": {"const": "JP-JCN"}, "id": {"pattern": "^[1-9][0-9]{12}$"}}}}}},
                    "tender": {"type": "object", "required": ["id"], "properties": {
                        "procurementMethod": {"enum": ["open", "selective", "limited", "direct"]}}},
                    "awards": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {
                        "status": {"enum": ["pending", "active", "cancelled", "unsuccessful"]},
                        "suppliers": {"type": "array", "items": organization}, "contractPeriod": period, "value": value}}},
                    "contracts": {"type": "array", "items": {"type": "object", "required": ["id", "awardID"],
                        "properties": {"status": {"enum": ["pending", "active", "cancelled", "terminated"]},
                            "period": period, "value": value}}},
                }}},
        },
    })
}

db_test!(engagements_are_published_in_the_open_contracting_standard, |app| {
    let officer = app.officer();
    let contractor = company(&app).await.id();
    let new = json!({
        "organization_id": seed::MAYOR, "name": "情報システム運用保守", "contractor_id": contractor,
        "facts": engagements::plain_facts(), "registered_as_existing": true, "status": "in_performance",
        "started_on": "2027-04-01", "procurement_method": "designated_bid",
        "period": {"contract_number": "R9-1", "starts_on": "2027-04-01", "ends_on": "2028-03-31", "amount_jpy": 1_200_000},
    });
    let made = officer.post("/engagements", new).await.expect(201);
    let later = json!({"starts_on": "2028-04-01", "ends_on": "2029-03-31"});
    let path = format!("/engagements/{}/periods", made.id());
    officer.post(&path, later).await.expect(201);
    let draft = json!({"organization_id": seed::ASSEMBLY, "name": "議会だより"});
    officer.post("/engagements", draft).await.expect(201);

    let (made_file, bytes) = exported(&app, &officer, json!({"entity": "engagements", "format": "ocds"})).await;
    assert_eq!(made_file.at("/progress/done"), 2);
    let package: Value = serde_json::from_slice(&bytes).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&ocds_schema())
        .unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&package)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{package:#}");
    let release = &package["releases"][0];
    assert_eq!(release["tag"], json!(["tender", "award", "contract"]));
    let supplier = &release["awards"][0]["suppliers"][0]["id"];
    assert_eq!(supplier, &format!("JP-JCN-{NUMBER}"));
    let named = release["parties"]
        .as_array()
        .unwrap()
        .iter()
        .any(|party| party["id"] == *supplier);
    assert!(named, "a supplier is a party");
    let standing: Vec<&Value> = release["contracts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(standing, ["active", "pending"]);
    assert_eq!(
        release["contracts"][0]["value"],
        json!({"amount": 1_200_000, "currency": "JPY"})
    );
    assert_eq!(package["releases"][1]["tag"], json!(["planning"]));
    // Nothing of the register's own leaves with it.
    let text = package.to_string();
    assert!(!text.contains("confidentiality") && !text.contains("risk"), "{text}");
});

db_test!(many_rows_are_exported_page_by_page, |app| {
    let officer = app.officer();
    for i in 0..205 {
        officer
            .post("/contractors", json!({"name": format!("事業者{i:03}")}))
            .await
            .expect(201);
    }
    let (made, bytes) = exported(&app, &officer, json!({"entity": "contractors", "format": "csv"})).await;
    assert_eq!(made.at("/progress/done"), 205);
    let rows = rows(&bytes);
    let names: Vec<&str> = (1..rows.len()).map(|row| cell(&rows, row, "事業者名")).collect();
    assert_eq!((names.len(), names[0], names[204]), (205, "事業者000", "事業者204"));
    // The same order again is the same work, once.
    let again = ask(&officer, json!({"entity": "contractors", "format": "csv"}))
        .await
        .expect(202);
    assert_eq!((again.header("idempotency-replayed"), again.id()), ("true", made.id()));
});
