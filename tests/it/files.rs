//! Files over the wire: what is taken and what is refused, how they come back, who sees them, and what stays on disk.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::Method;
use diesel::prelude::*;
use kakunin::db::schema::{files, journal};
use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::harness::{Actor, Answered, TestApp, seed};

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0";

/// The form of an upload: fields, then the file under this name.
pub fn form(fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut body = vec![];
    for (name, value) in fields {
        let part = format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    if let Some((name, bytes)) = file {
        let head = format!(
            "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend(b"--limit--\r\n");
    body
}

pub const FORM: &str = "multipart/form-data; boundary=limit";

async fn send(actor: &Actor<'_>, fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Answered {
    actor.raw(Method::POST, "/files", FORM, &form(fields, file)).await
}

/// A file of 本巣市's mayor's office.
pub async fn keep(actor: &Actor<'_>, name: &str, bytes: &[u8]) -> Answered {
    send(actor, &[("organization_id", seed::MAYOR)], Some((name, bytes))).await
}

/// A PDF of an organization, whatever it says.
pub async fn paper(actor: &Actor<'_>, organization_id: &str) -> Answered {
    let fields = [("organization_id", organization_id)];
    send(actor, &fields, Some(("登録証.pdf", PDF))).await.expect(201)
}

/// Every file below the directory of the files.
pub fn on_disk(app: &TestApp) -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = vec![];
    walk(&app.app.config.data_dir.join("files"), &mut found);
    found
}

fn rows(app: &TestApp) -> i64 {
    app.db(|conn| files::table.count().get_result(conn))
}

/// Nothing was kept: no row, no byte, no word in the journal.
fn nothing_kept(app: &TestApp, why: &str) {
    assert_eq!(rows(app), 0, "{why}");
    assert_eq!(on_disk(app), Vec::<PathBuf>::new(), "{why}");
    let recorded: i64 = app.db(|conn| {
        journal::table
            .filter(journal::action.eq("file.created"))
            .count()
            .get_result(conn)
    });
    assert_eq!(recorded, 0, "{why}");
}

db_test!(a_file_is_kept_described_listed_and_comes_back_as_it_was, |app| {
    let officer = app.officer();
    let made = keep(&officer, "認証登録証 2027.pdf", PDF).await.expect(201);
    assert_eq!(made.text("/name"), "認証登録証 2027.pdf");
    assert_eq!(made.text("/media_type"), "application/pdf");
    assert_eq!(made.at("/size_bytes"), PDF.len());
    assert_eq!(made.text("/sha256"), kakunin::journal::sha256_hex(PDF));
    assert_eq!(made.at("/scanned"), false);
    let path = made.header("location").to_owned();
    assert_eq!(officer.get(&path).await.expect(200).body, made.body);
    let list = officer.get("/files").await.expect(200);
    assert_eq!(list.at("/items"), &json!([made.body]));

    let read = officer.get(&format!("{path}/content")).await.expect(200);
    assert_eq!(read.bytes, PDF);
    assert_eq!(read.header("content-type"), "application/octet-stream");
    assert_eq!(
        read.header("content-disposition"),
        "attachment; filename=\"file.pdf\"; filename*=UTF-8''%E8%AA%8D%E8%A8%BC%E7%99%BB%E9%8C%B2%E8%A8%BC%202027.pdf"
    );
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    assert_eq!(
        read.header("content-security-policy"),
        "sandbox; default-src 'none'; frame-ancestors 'none'"
    );
    assert_eq!(read.header("cache-control"), "no-store");

    let disk = on_disk(&app);
    assert_eq!(disk.len(), 1);
    assert_eq!(std::fs::read(&disk[0]).unwrap(), PDF);
    assert_eq!(disk[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let name = disk[0].file_name().unwrap().to_str().unwrap();
    let folder = disk[0].parent().unwrap();
    assert_eq!(folder.file_name().unwrap().to_str().unwrap(), &name[..2]);
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!made.body.to_string().contains(name), "the storage name stays inside");

    // The same once more is another record; a large one arrives in many pieces.
    let again = keep(&officer, "認証登録証 2027.pdf", PDF).await.expect(201);
    assert_ne!(again.id(), made.id());
    let large = [PDF, &vec![b' '; 3 * 1024 * 1024]].concat();
    let made = keep(&officer, "大.pdf", &large).await.expect(201);
    let read = officer.get(&format!("/files/{}/content", made.id())).await.expect(200);
    assert!(read.bytes == large);
    let first = officer.get("/files?limit=2").await.expect(200);
    let next = format!("/files?limit=2&cursor={}", first.text("/next_cursor"));
    assert_eq!(officer.get(&next).await.expect(200).text("/items/0/id"), made.id());
});

db_test!(every_type_of_the_list_is_taken_under_its_own_name_only, |app| {
    let officer = app.officer();
    let cp932 = encoding_rs::SHIFT_JIS
        .encode("番号,名称\r\n1,広報紙①\r\n")
        .0
        .into_owned();
    let utf8 = "番号,名称\n1,広報紙\n".as_bytes();
    for (name, bytes) in [
        ("写真.PNG", PNG),
        ("写真.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
        ("一覧.csv", cp932.as_slice()),
        ("一覧.csv", utf8),
        ("覚書.txt", utf8),
    ] {
        let made = keep(&officer, name, bytes).await.expect(201);
        let read = officer.get(&format!("/files/{}/content", made.id())).await.expect(200);
        assert_eq!(read.bytes, bytes, "{name}");
    }
    let kept = rows(&app);
    for (name, bytes) in [
        ("写真.jpg", PNG),
        ("写真.pdf", PNG),
        ("契約書.txt", PDF),
        ("契約書.docx", b"PK\x03\x04"),
        ("一覧.csv", b"a\0b"),
        ("一覧.csv", b"\xff\xfea\0"),
    ] {
        keep(&officer, name, bytes).await.invalid("/file", "file_type_mismatch");
    }
    for name in [
        "実行.exe",
        "頁.html",
        "図.svg",
        "束.zip",
        "表.xlsm",
        "名前だけ",
        ".pdf",
        "契約書.pdf.exe",
    ] {
        keep(&officer, name, PDF)
            .await
            .invalid("/file", "file_type_not_allowed");
    }
    assert_eq!(rows(&app), kept);
    assert_eq!(
        i64::try_from(on_disk(&app).len()),
        Ok(kept),
        "refused ones leave nothing"
    );
});

db_test!(a_form_that_is_not_right_keeps_nothing, |app| {
    let officer = app.officer();
    let organization = ("organization_id", seed::MAYOR);
    let file = Some(("登録証.pdf", PDF));
    let none = "01960000-0000-7000-8000-0000000000ff";
    send(&officer, &[], file).await.invalid("/organization_id", "required");
    send(&officer, &[organization], None).await.invalid("/file", "required");
    send(&officer, &[organization], Some(("登録証.pdf", b"")))
        .await
        .invalid("/file", "too_short");
    send(&officer, &[("organization_id", "市長部局")], file)
        .await
        .invalid("/organization_id", "invalid_format");
    for strange in [none, seed::KAGOSHIMA_ASSEMBLY] {
        send(&officer, &[("organization_id", strange)], file)
            .await
            .invalid("/organization_id", "reference_not_found");
    }
    send(&app.limited(&[seed::ASSEMBLY]), &[organization], file)
        .await
        .invalid("/organization_id", "reference_not_found");
    send(&officer, &[organization, ("colour", "red")], file)
        .await
        .invalid("/colour", "unknown_field");
    send(&officer, &[organization, organization], file)
        .await
        .invalid("/organization_id", "duplicate_in_request");
    let twice = [form(&[organization], file), form(&[], file)].concat();
    let twice = String::from_utf8(twice)
        .unwrap()
        .replacen("--limit--\r\n", "", 1)
        .into_bytes();
    officer
        .raw(Method::POST, "/files", FORM, &twice)
        .await
        .invalid("/file", "duplicate_in_request");
    send(&officer, &[organization, ("file_name", "改\u{7}名.pdf")], file)
        .await
        .invalid("/file_name", "control_character");
    send(&officer, &[organization, ("file_name", &"長".repeat(201))], file)
        .await
        .invalid("/file_name", "too_long");
    send(&officer, &[organization, ("file_name", &"長".repeat(2000))], file)
        .await
        .invalid("/file_name", "too_long");

    officer
        .post("/files", json!({"organization_id": seed::MAYOR}))
        .await
        .problem(415, "unsupported_media_type");
    let whole = form(&[organization], file);
    for (media_type, bytes) in [
        ("multipart/form-data", whole.as_slice()),
        (FORM, b""),
        (FORM, b"no form at all"),
        (FORM, &whole[..whole.len() - 40]),
    ] {
        officer
            .raw(Method::POST, "/files", media_type, bytes)
            .await
            .problem(400, "malformed_multipart");
    }
    let large = [PDF, &vec![b' '; 25 * 1024 * 1024]].concat();
    keep(&officer, "大.pdf", &large).await.problem(413, "payload_too_large");
    nothing_kept(&app, "every one was refused");

    // What is sent after all: the name of the field counts, without its path.
    let made = send(&officer, &[organization, ("file_name", r"C:\共有\令和9年.pdf")], file).await;
    assert_eq!(made.expect(201).text("/name"), "令和9年.pdf");
});

db_test!(a_file_belongs_to_its_organization, |app| {
    let made = keep(&app.officer(), "登録証.pdf", PDF).await.expect(201);
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        for path in [format!("/files/{}", made.id()), format!("/files/{}/content", made.id())] {
            outsider.get(&path).await.problem(404, "not_found");
        }
        assert_eq!(outsider.get("/files").await.expect(200).items("/items").len(), 0);
    }
    app.with_scopes(&["files:read"])
        .raw(Method::POST, "/files", FORM, &form(&[], None))
        .await
        .problem(403, "insufficient_scope");
});

db_test!(a_file_without_a_row_is_swept_after_a_day, |app| {
    let made = keep(&app.officer(), "登録証.pdf", PDF).await.expect(201);
    let kept = on_disk(&app);
    let root = app.app.config.data_dir.join("files");
    let (lost, broken) = (root.join("00").join("00lost"), root.join("incoming").join("11broken"));
    std::fs::create_dir_all(root.join("00")).unwrap();
    for path in [&lost, &broken] {
        std::fs::write(path, b"x").unwrap();
    }
    let now = app.clock.now().unix_seconds();
    let age = |path: &Path, seconds: i64| {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(now - seconds).unwrap());
        std::fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(at)
            .unwrap();
    };
    for path in [&lost, &broken, &kept[0]] {
        age(path, 24 * 3600);
    }
    let worker = Worker::new(app.app.clone()).unwrap();
    assert_eq!(worker.tick().await.unwrap().swept, 0, "a day is not over");
    app.clock.set(kakunin::clock::Instant(app.clock.now().0 + 1_000_000));
    assert_eq!(worker.tick().await.unwrap().swept, 0, "it looks once a day");
    let worker = Worker::new(app.app.clone()).unwrap();
    assert_eq!(worker.tick().await.unwrap().swept, 2);
    assert_eq!(on_disk(&app), kept, "what a row names stays");
    app.officer()
        .get(&format!("/files/{}/content", made.id()))
        .await
        .expect(200);

    // A file that somebody took away is our trouble and no empty answer.
    std::fs::remove_file(&kept[0]).unwrap();
    let gone = app.officer().get(&format!("/files/{}/content", made.id())).await;
    gone.problem(500, "internal_error");
});

/// A scanner that gives this answer to every stream and counts what it was sent; it lives as long as the test.
fn scanner(answer: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut command = [0; 10];
            stream.read_exact(&mut command).unwrap();
            assert_eq!(&command, b"zINSTREAM\0");
            loop {
                let mut length = [0; 4];
                stream.read_exact(&mut length).unwrap();
                let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
                if length == 0 {
                    break;
                }
                let mut piece = vec![0; length];
                stream.read_exact(&mut piece).unwrap();
                counted.fetch_add(length, Ordering::SeqCst);
            }
            stream.write_all(answer).unwrap();
        }
    });
    (address, seen)
}

db_test!(nothing_is_kept_that_the_scanner_did_not_clear, |app| {
    let (clean, seen) = scanner(b"stream: OK\0");
    let (infected, _) = scanner(b"stream: Eicar-Signature FOUND\0");
    let (confused, _) = scanner(b"INSTREAM size limit exceeded. ERROR\0");
    let away = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let app = app.with_config(|config| config.clamd_address = Some(infected)).await;
    let refused = keep(&app.officer(), "登録証.pdf", PDF)
        .await
        .invalid("/file", "malware_found");
    assert!(!refused.body.to_string().contains("Eicar"), "the name is for the log");
    nothing_kept(&app, "malware");
    let mut app = app;
    for address in [confused, away] {
        app = app.with_config(|config| config.clamd_address = Some(address)).await;
        let refused = keep(&app.officer(), "登録証.pdf", PDF).await;
        assert_eq!(refused.problem(503, "scanner_unavailable").header("retry-after"), "60");
        nothing_kept(&app, "no verdict");
    }
    let app = app.with_config(|config| config.clamd_address = Some(clean)).await;
    let made = keep(&app.officer(), "登録証.pdf", PDF).await.expect(201);
    assert_eq!(made.at("/scanned"), &Value::Bool(true));
    assert_eq!(seen.load(Ordering::SeqCst), PDF.len());
});
