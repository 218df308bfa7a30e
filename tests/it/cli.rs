//! The commands, run as an operator runs them: what they print, how they end, and that a mistake costs one sentence.
//!
//! What a running service answers is the other tests'; the demo has a file of its own.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use chrono::NaiveDate;
use diesel::prelude::*;
use kakunin::db::schema::{
    api_clients, contractors, journal, local_governments, organizations, people, role_assignments,
};
use kakunin::db::{Conn, Db, Url};
use kakunin::domain::vocabulary::{CodeWord, Role};
use kakunin::http::error::ApiError;
use kakunin::mail::templates;

use crate::harness::{Backend, Database};
use crate::program::{Ended, Running, call, file, kakunin, run, run_with, text_of, token};

const MOTOSU: &[&str] = &["init", "--code", "212181", "--profile", "motosu"];

fn db(dir: &Path) -> Db {
    let path = dir.join("kakunin.db");
    Db::open(&Url::Sqlite(text_of(path.as_os_str())), 1, Duration::from_mins(1)).unwrap()
}

fn read<T>(dir: &Path, f: impl FnOnce(&mut Conn) -> QueryResult<T>) -> T {
    db(dir).read(|conn| f(conn).map_err(ApiError::from)).unwrap()
}

/// How many rows `init` and the commands about clients have made.
fn rows(dir: &Path) -> BTreeMap<&'static str, i64> {
    read(dir, |conn| {
        Ok(BTreeMap::from([
            ("local_governments", local_governments::table.count().get_result(conn)?),
            ("organizations", organizations::table.count().get_result(conn)?),
            ("people", people::table.count().get_result(conn)?),
            ("api_clients", api_clients::table.count().get_result(conn)?),
            ("journal", journal::table.count().get_result(conn)?),
        ]))
    })
}

/// A service over the data directory; the address it listens on.
fn serve(dir: &Path) -> (Running, String) {
    let mut command = kakunin(dir);
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    listening(Running::follow_log(command))
}

fn listening(mut running: Running) -> (Running, String) {
    let line = running.line_with("address=");
    let (_, address) = line.split_once("address=").unwrap();
    let base_url = format!("http://{}", address.trim());
    (running, base_url)
}

#[test]
fn a_file_from_excel_is_checked_and_taken_in_at_the_terminal() {
    let (dir, _) = motosu();
    let csv = "法人番号,事業者名,状態\n7000012050002,株式会社甲,有効\n7000012050003,株式会社乙,休業\n";
    let path = dir.path().join("業者.csv");
    std::fs::write(&path, csv).unwrap();
    let path = text_of(path.as_os_str());
    let companies = || read(dir.path(), |conn| contractors::table.count().get_result::<i64>(conn));
    let tried = run(dir.path(), &["import", "contractors", &path]);
    assert_eq!((tried.code, companies()), (Some(1), 0), "{}{}", tried.out, tried.err);
    assert!(
        tried.out.contains("読込 2行 / 登録 1 / 変更 0 / 変更なし 0 / 誤り 1"),
        "{}",
        tried.out
    );
    assert!(tried.out.contains("C3: 決められた値ではありません"), "{}", tried.out);
    let errors = text_of(dir.path().join("誤り.csv").as_os_str());
    let applied = run(
        dir.path(),
        &[
            "import",
            "contractors",
            &path,
            "--apply",
            "--skip-rows",
            "--errors",
            &errors,
        ],
    );
    assert_eq!(
        (applied.code, companies()),
        (Some(1), 1),
        "{}{}",
        applied.out,
        applied.err
    );
    let errors = std::fs::read_to_string(errors).unwrap();
    assert!(
        errors.contains("株式会社乙") && !errors.contains("株式会社甲"),
        "{errors}"
    );
    std::fs::write(
        dir.path().join("業者.csv"),
        csv.replace("7000012050003,株式会社乙,休業\n", ""),
    )
    .unwrap();
    let again = run(dir.path(), &["import", "contractors", &path, "--apply"]).well();
    assert!(again.contains("変更なし 1"), "{again}");
    let refused = run(dir.path(), &["import", "companies", &path]).refused();
    assert!(refused.contains("contractors, engagements"), "{refused}");
}

#[test]
fn a_file_corrects_the_holidays() {
    let (dir, made) = motosu();
    let holidays = file(dir.path(), "holidays", "2028-05-01 臨時の祝日\n\n2028-05-03\n");
    let mut command = kakunin(dir.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--holidays-file", &holidays]);
    let (running, base_url) = listening(Running::follow_log(command));
    let (_, answer) = token(&base_url, &made.value("client_id:"), &made.value("client_secret:"));
    let path = "/api/v1/business-days?from=2028-05-01&to=2028-05-03";
    let (status, days) = call(&base_url, answer["access_token"].as_str(), path, None);
    assert_eq!(status, 200, "{days}");
    assert_eq!(days["items"][0]["name"], "臨時の祝日");
    assert_eq!(days["items"][1]["open"], true);
    assert_eq!(days["items"][2]["open"], true);
    assert_eq!(running.terminate(), Some(0));
    let wrong = file(dir.path(), "wrong", "2028-05-01 臨時の祝日\n05-03 毎年\n");
    let refused = run_with(dir.path(), &[("KAKUNIN_HOLIDAYS_FILE", &wrong)], &["serve"]).refused();
    assert!(refused.contains("wrong line 2:"), "{refused}");
}

/// A data directory with 本巣市.
fn motosu() -> (tempfile::TempDir, Ended) {
    let dir = tempfile::tempdir().unwrap();
    let ended = run(dir.path(), MOTOSU);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    (dir, ended)
}

#[test]
fn a_register_is_exported_without_http() {
    let (dir, _) = motosu();
    let out = text_of(dir.path().join("所属.csv").as_os_str());
    let said = run(dir.path(), &["export", "departments", "--out", &out]).well();
    assert!(said.contains("row(s) are in"), "{said}");
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.starts_with("\u{feff}\"ID\",\"機関コード\""), "{text}");
    let people = text_of(dir.path().join("people.ndjson").as_os_str());
    let arguments = [
        "export",
        "people",
        "--format",
        "ndjson",
        "--filter",
        "include_archived=true",
        "--out",
        &people,
    ];
    run(dir.path(), &arguments).well();
    assert!(std::fs::read_to_string(&people).unwrap().lines().count() >= 1);
    let report = text_of(dir.path().join("期限超過.xlsx").as_os_str());
    run(dir.path(), &["export", "overdue", "--format", "xlsx", "--out", &report]).well();
    assert!(std::fs::read(&report).unwrap().starts_with(b"PK"));
    for (arguments, words) in [
        (["export", "people", "--format", "ocds", "--out", &people], "/format"),
        (
            ["export", "people", "--filter", "colour=red", "--out", &people],
            "/filter/colour",
        ),
        (
            ["export", "people", "--columns", "colour", "--out", &people],
            "/columns/0",
        ),
        (
            ["export", "people", "--code", "999999", "--out", &people],
            "no local government with the code 999999",
        ),
    ] {
        let refused = run(dir.path(), &arguments).refused();
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn a_mistake_ends_with_status_2_and_one_sentence_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let long = "市".repeat(101);
    let cases: &[(&[(&str, &str)], &[&str], &str)] = &[
        (
            &[],
            &["--database-url", "postgress://db", "serve"],
            "sqlite:// followed by a path, or with postgres://",
        ),
        (
            &[("KAKUNIN_DATABASE_URL", "kakunin.db")],
            &["doctor"],
            "must begin with sqlite://",
        ),
        (
            &[("KAKUNIN_DATABASE_URL", "sqlite://")],
            &["migrate"],
            "must begin with sqlite://",
        ),
        (&[], &["serve", "--lisen", "127.0.0.1:1"], "--lisen"),
        (&[], &["serv"], "serv"),
        (&[], &["init", "--profile", "motosu"], "--code"),
        (&[], &["serve", "--listen", "here"], "KAKUNIN_LISTEN"),
        (&[("KAKUNIN_LISTEN", "here")], &["serve"], "KAKUNIN_LISTEN"),
        (&[("KAKUNIN_DEMO_LISTEN", "here")], &["demo"], "KAKUNIN_DEMO_LISTEN"),
        (&[], &["demo", "--as-of", "2027-02-30"], "--as-of"),
        (&[("KAKUNIN_SMTP_PORT", "smtp")], &["doctor"], "KAKUNIN_SMTP_PORT"),
        (
            &[("KAKUNIN_SMTP_SECURITY", "ssl")],
            &["doctor"],
            "[possible values: starttls, tls, plain]",
        ),
        (&[("KAKUNIN_CONNECTIONS", "0")], &["doctor"], "KAKUNIN_CONNECTIONS"),
        (&[("KAKUNIN_LOG_JSON", "perhaps")], &["doctor"], "KAKUNIN_LOG_JSON"),
        (&[("KAKUNIN_NO_WORKER", "perhaps")], &["serve"], "KAKUNIN_NO_WORKER"),
        (
            &[("KAKUNIN_PUBLIC_URL", "kakunin.example.lg.jp")],
            &["doctor"],
            "must begin with http://",
        ),
        (
            &[("KAKUNIN_NO_WORKER", "1")],
            &["serve"],
            "--no-worker needs PostgreSQL",
        ),
        (&[], &["serve", "--no-worker"], "--no-worker needs PostgreSQL"),
        (&[], &["work"], "`work` needs PostgreSQL"),
        (
            &[],
            &["--database-url", "postgres://127.0.0.1:1/x", "serve"],
            "--master-key-file",
        ),
        (
            &[],
            &["--smtp-host", "relay", "--smtp-user", "u", "doctor"],
            "belong together",
        ),
        (
            &[],
            &["--smtp-host", "relay", "--mail-dir", "mail", "doctor"],
            "cannot be used with",
        ),
        (
            &[("KAKUNIN_OPENID_ISSUER", "https://login.example.lg.jp")],
            &["doctor"],
            "--openid-issuer, --openid-client-id and --openid-client-secret-file belong together",
        ),
        (
            &[],
            &["--openid-ca-file", "ca.pem", "doctor"],
            "--openid-client-secret-file belong together",
        ),
        (
            &[
                ("KAKUNIN_OPENID_ISSUER", "http://login.example.lg.jp"),
                ("KAKUNIN_OPENID_CLIENT_ID", "kakunin"),
                ("KAKUNIN_OPENID_CLIENT_SECRET_FILE", "secret"),
            ],
            &["doctor"],
            "by https:// without query or fragment",
        ),
        (
            &[
                ("KAKUNIN_OPENID_ISSUER", "https://login.example.lg.jp"),
                ("KAKUNIN_OPENID_CLIENT_ID", "kakunin"),
                ("KAKUNIN_OPENID_CLIENT_SECRET_FILE", "no-such-secret"),
            ],
            &["doctor"],
            "no-such-secret cannot be read",
        ),
        (&[], &["init", "--code", "212180"], "--code 212180"),
        (
            &[],
            &["init", "--code", "212181", "--profile", "motos"],
            "known: motosu, kashiwa_election",
        ),
        (
            &[],
            &["init", "--code", "212181", "--person-email", "a@"],
            "--person-email",
        ),
        (&[], &["init", "--code", "212181", "--mail-from", "a"], "--mail-from"),
        (&[], &["init", "--code", "212181", "--name", &long], "--name: "),
        (
            &[],
            &["client", "list", "--code", "212181"],
            "no local government has the code 212181",
        ),
    ];
    for (variables, arguments, named) in cases {
        let sentence = run_with(dir.path(), variables, arguments).refused();
        assert!(sentence.contains(named), "{arguments:?}: {sentence}");
    }
}

#[test]
fn what_is_asked_for_is_no_mistake() {
    let dir = tempfile::tempdir().unwrap();
    assert!(run(dir.path(), &["--help"]).well().contains("local-government"));
    assert_eq!(
        run(dir.path(), &["--version"]).well(),
        concat!("kakunin ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn every_secret_may_stand_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let path = text_of(other.path().join("elsewhere.db").as_os_str());
    let url = file(dir.path(), "url", format!("sqlite://{path}\n"));
    let key = file(dir.path(), "key", "0123456789abcdef".repeat(4));
    let variables = [
        ("KAKUNIN_DATABASE_URL_FILE", url.as_str()),
        ("KAKUNIN_MASTER_KEY_FILE", key.as_str()),
    ];
    run_with(dir.path(), &variables, MOTOSU).well();
    assert!(Path::new(&path).exists());
    assert!(!dir.path().join("master.key").exists() && !dir.path().join("kakunin.db").exists());

    // The password: taken from the file, and missed without it.
    let password = file(dir.path(), "password", "secret\n");
    let relay = [
        ("KAKUNIN_SMTP_HOST", "127.0.0.1"),
        ("KAKUNIN_SMTP_PORT", "1"),
        ("KAKUNIN_SMTP_USER", "kakunin"),
    ];
    let ended = run_with(
        dir.path(),
        &[&relay[..], &[("KAKUNIN_SMTP_PASSWORD_FILE", &password)]].concat(),
        &["doctor"],
    );
    assert!(
        ended.out.contains("NG  mail: 127.0.0.1:1 does not answer well"),
        "{}",
        ended.out
    );
    assert!(
        run_with(dir.path(), &relay, &["doctor"])
            .refused()
            .contains("belong together")
    );

    let missing = text_of(dir.path().join("missing").as_os_str());
    let relay = [&relay[..], &[("KAKUNIN_SMTP_PASSWORD_FILE", &missing)]].concat();
    assert!(
        run_with(dir.path(), &relay, &["doctor"])
            .refused()
            .contains("missing cannot be read")
    );
    let sentence = run_with(dir.path(), &[("KAKUNIN_DATABASE_URL_FILE", &missing)], MOTOSU).refused();
    assert!(sentence.contains("missing cannot be read"), "{sentence}");
    let both = [variables[0], ("KAKUNIN_DATABASE_URL", "sqlite://x.db")];
    assert!(
        run_with(dir.path(), &both, MOTOSU)
            .refused()
            .contains("cannot be used with")
    );
    let variables = [variables[0], ("KAKUNIN_MASTER_KEY_FILE", missing.as_str())];
    assert!(
        run_with(dir.path(), &variables, MOTOSU)
            .refused()
            .contains("missing cannot be read")
    );
    let short = file(dir.path(), "short", "0123");
    let variables = [variables[0], ("KAKUNIN_MASTER_KEY_FILE", short.as_str())];
    assert!(
        run_with(dir.path(), &variables, MOTOSU)
            .refused()
            .contains("64 hexadecimal digits")
    );
}

#[test]
fn init_twice_changes_nothing_the_second_time_and_says_so() {
    let (dir, first) = motosu();
    assert!(first.value("client_secret:").starts_with("kk_"));
    let before = rows(dir.path());
    assert_eq!(
        (before["local_governments"], before["people"], before["api_clients"]),
        (1, 1, 1)
    );
    let second = run(dir.path(), MOTOSU).well();
    assert_eq!(second, "本巣市 (212181) is registered already; nothing was changed.\n");
    assert_eq!(rows(dir.path()), before);
}

#[test]
fn an_init_that_fails_leaves_nothing_half_made() {
    let dir = tempfile::tempdir().unwrap();
    // Refused by the person's own check only, when the local government and its organizations are there.
    let name = "名".repeat(1000);
    let sentence = run(dir.path(), &[MOTOSU, &["--person-name", &name]].concat()).refused();
    assert!(sentence.contains("/name"), "{sentence}");
    assert!(
        rows(dir.path()).values().all(|count| *count == 0),
        "{:?}",
        rows(dir.path())
    );
    run(dir.path(), MOTOSU).well();
}

#[test]
fn init_sends_a_test_mail_when_it_can_and_says_how_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mail = text_of(dir.path().join("mail").as_os_str());
    let arguments = [MOTOSU, &["--person-email", "ciso@example.lg.jp", "--mail-dir", &mail]].concat();
    assert!(run(dir.path(), &arguments).well().contains("Test mail: accepted"));
    assert_eq!(std::fs::read_dir(&mail).unwrap().count(), 1);
    let arguments = [
        "local-government",
        "create",
        "--code",
        "122173",
        "--profile",
        "kashiwa_election",
        "--person-email",
        "ciso@example.lg.jp",
    ];
    assert!(
        run(dir.path(), &arguments)
            .well()
            .contains("No test mail: no mail relay is set")
    );
}

#[test]
fn a_second_local_government_has_clients_of_its_own() {
    let (dir, _) = motosu();
    let arguments = [
        "local-government",
        "create",
        "--code",
        "462012",
        "--profile",
        "kagoshima_assembly",
    ];
    let made = run(dir.path(), &arguments);
    let id = made.value("client_id:");
    assert!(
        made.well()
            .starts_with("鹿児島市 (462012) is registered under the profile kagoshima_assembly.\n")
    );
    assert_eq!(rows(dir.path())["local_governments"], 2);
    assert!(
        run(dir.path(), &["client", "list", "--code", "462012"])
            .well()
            .starts_with(&id)
    );
    assert!(
        !run(dir.path(), &["client", "list", "--code", "212181"])
            .well()
            .contains(&id)
    );
    let sentence = run(dir.path(), &["client", "revoke", "--code", "212181", &id]).refused();
    assert!(sentence.contains("has no client"), "{sentence}");
}

#[test]
fn a_client_gets_tokens_until_it_is_revoked() {
    let (dir, _) = motosu();
    let create = ["client", "create", "--code", "212181", "--name", "財務会計"];
    let sentence = run(dir.path(), &[&create[..], &["--scopes", "entries:reed"]].concat()).refused();
    assert!(
        sentence.contains("entries:reed") && sentence.contains("entries:read"),
        "{sentence}"
    );

    let scopes = ["--scopes", "entries:read,contractors:read"];
    let made = run(dir.path(), &[&create[..], &scopes].concat());
    let (id, secret) = (made.value("client_id:"), made.value("client_secret:"));
    let list = || run(dir.path(), &["client", "list", "--code", "212181"]).well();
    assert!(
        list().contains(&format!("{id}  active    財務会計  [contractors:read entries:read]")),
        "{}",
        list()
    );

    let (running, base_url) = serve(dir.path());
    let (status, answer) = token(&base_url, &id, &secret);
    assert_eq!(
        (status, &answer["scope"]),
        (200, &"contractors:read entries:read".into())
    );
    // Beside the running service: the operator need not stop it.
    run(dir.path(), &["client", "revoke", "--code", "212181", &id]).well();
    assert_eq!(token(&base_url, &id, &secret).0, 401);
    assert_eq!(running.terminate(), Some(0));
    assert!(list().contains(&format!("{id}  revoked   財務会計")), "{}", list());
}

#[test]
fn openapi_prints_the_published_document() {
    let dir = tempfile::tempdir().unwrap();
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let published = std::fs::read_to_string(published).unwrap();
    assert!(
        run(dir.path(), &["openapi"]).well() == published,
        "run `kakunin openapi > openapi/openapi.json`"
    );
}

#[test]
fn mail_preview_prints_every_template() {
    let dir = tempfile::tempdir().unwrap();
    let printed = run(dir.path(), &["mail", "preview"]).well();
    let samples = templates::samples();
    assert_eq!(printed.matches("=== ").count(), samples.len());
    for (name, mail) in samples {
        assert!(
            printed.contains(&format!("=== {name}\nSubject: {}\n\n{}\n", mail.subject, mail.body)),
            "{name}"
        );
    }
}

#[test]
fn doctor_says_what_is_missing_at_every_step() {
    let dir = tempfile::tempdir().unwrap();
    let doctor = |variables: &[(&str, &str)]| {
        let ended = run_with(dir.path(), variables, &["doctor"]);
        assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""), "{}", ended.out);
        ended.out
    };
    let says = |out: &str, lines: &[&str]| {
        for line in lines {
            assert!(out.lines().any(|l| l.starts_with(line)), "no {line:?} in:\n{out}");
        }
    };

    says(
        &doctor(&[]),
        &["NG  mail: no relay is set", "NG  database: there is none"],
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it only looks");

    // A database whose schema was never made.
    std::fs::write(dir.path().join("kakunin.db"), "").unwrap();
    let out = doctor(&[]);
    says(&out, &["ok  database: answers", "NG  migrations: "]);
    assert!(out.contains("run `kakunin migrate`"), "{out}");

    run(dir.path(), &["migrate"]).well();
    let healthy = [
        "ok  database: answers",
        "ok  migrations: up to date",
        "ok  keys: master key ",
        "ok  clock: ",
    ];
    let out = doctor(&[]);
    says(&out, &healthy);
    says(&out, &["NG  local governments: none; run `kakunin init"]);

    run(dir.path(), MOTOSU).well();
    let out = doctor(&[("KAKUNIN_MAIL_DIR", "mail")]);
    says(&out, &healthy);
    says(
        &out,
        &[
            "ok  mail: written to mail",
            "ok  time zone: 本巣市 (212181): Asia/Tokyo",
        ],
    );
    let roles = "NG  roles: 本巣市長部局: nobody is ";
    assert_eq!(
        out.lines().filter(|line| line.starts_with(roles)).count(),
        3,
        "all but the CISO: {out}"
    );

    std::fs::write(dir.path().join("master.key"), "f".repeat(64)).unwrap();
    let out = doctor(&[]);
    assert!(
        out.contains("NG  keys: ") && out.contains("restore the master key"),
        "{out}"
    );
}

#[test]
fn doctor_ends_well_once_every_role_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let mail = text_of(dir.path().join("mail").as_os_str());
    let options = ["--person-email", "ciso@example.lg.jp", "--mail-dir", &mail];
    run(dir.path(), &[MOTOSU, &options].concat()).well();
    let insert = |conn: &mut Conn| -> QueryResult<()> {
        let held: Vec<(String, String, Option<String>, NaiveDate)> = role_assignments::table
            .select((
                role_assignments::local_government_id,
                role_assignments::organization_id,
                role_assignments::person_id,
                role_assignments::starts_on,
            ))
            .load(conn)?;
        let roles = [
            Role::SectionSecurityManager,
            Role::DivisionSecurityOfficer,
            Role::SupervisingSecurityOfficer,
        ];
        for (nth, (local_government, organization, person, from)) in held.iter().enumerate() {
            for (role, word) in roles.iter().enumerate() {
                diesel::insert_into(role_assignments::table)
                    .values((
                        role_assignments::local_government_id.eq(local_government),
                        role_assignments::id.eq(format!("01960000-0000-7000-8000-{nth:06}{role:06}")),
                        role_assignments::organization_id.eq(organization),
                        role_assignments::role.eq(word.code()),
                        role_assignments::person_id.eq(person),
                        role_assignments::starts_on.eq(from),
                    ))
                    .execute(conn)?;
            }
        }
        Ok(())
    };
    db(dir.path())
        .write(|conn| insert(conn).map_err(ApiError::from))
        .unwrap();
    let out = run(dir.path(), &["--mail-dir", &mail, "doctor"]).well();
    assert!(out.lines().all(|line| line.starts_with("ok  ")), "{out}");
}

#[test]
fn migrate_twice_runs_nothing_the_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = run(dir.path(), &["migrate"]).well();
    assert!(
        first.ends_with(" migration(s) ran; the schema is up to date.\n") && !first.starts_with('0'),
        "{first}"
    );
    let second = run(dir.path(), &["migrate"]).well();
    assert_eq!(second, "0 migration(s) ran; the schema is up to date.\n");
}

#[test]
fn one_sqlite_file_has_one_process_and_one_port_one_service() {
    let (dir, _) = motosu();
    let (running, _) = serve(dir.path());
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        let sentence = run(dir.path(), arguments).refused();
        assert!(
            sentence.contains("another kakunin uses ") && sentence.contains("stop it first"),
            "{sentence}"
        );
    }
    assert_eq!(running.terminate(), Some(0));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let sentence = run(dir.path(), &["serve", "--listen", &address]).refused();
    assert!(
        sentence.contains(&address) && sentence.contains("choose another --listen"),
        "{sentence}"
    );
    // The lock went with the process that held it.
    let (running, _) = serve(dir.path());
    assert_eq!(running.terminate(), Some(0));
}

#[test]
fn with_postgresql_service_and_worker_run_apart_and_end_cleanly_when_told_to() {
    let database = Database::empty(Backend::Postgres);
    let Url::Postgres(url) = database.url() else {
        panic!("asked for PostgreSQL")
    };
    let dir = database.dir();
    let key = file(dir, "key", "0123456789abcdef".repeat(4));
    let variables = [
        ("KAKUNIN_DATABASE_URL", url.as_str()),
        ("KAKUNIN_MASTER_KEY_FILE", key.as_str()),
    ];
    for early in [MOTOSU, &["work"]] {
        let sentence = run_with(dir, &variables, early).refused();
        assert!(sentence.contains("run `kakunin migrate` first"), "{sentence}");
    }
    run_with(dir, &variables, &["migrate"]).well();
    let made = run_with(dir, &variables, MOTOSU);
    let (id, secret) = (made.value("client_id:"), made.value("client_secret:"));
    let second = run_with(dir, &variables, MOTOSU).well();
    assert!(second.ends_with("nothing was changed.\n"), "{second}");

    let start = |arguments: &[&str]| {
        let mut command = kakunin(dir);
        command.envs(variables).args(arguments);
        Running::follow_log(command)
    };
    let (service, base_url) = listening(start(&["serve", "--no-worker", "--listen", "127.0.0.1:0"]));
    let mut worker = start(&["work"]);
    worker.line_with("working");
    assert_eq!(token(&base_url, &id, &secret).0, 200);
    assert_eq!(worker.terminate(), Some(0));
    assert_eq!(service.terminate(), Some(0));
}
