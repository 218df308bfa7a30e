//! `kakunin demo` as its reader meets it: one start of the program, a power cut, and a second start over the same
//! directory. What is on a single page of the API is the other tests'.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use kakunin::domain::profile;
use kakunin::domain::vocabulary::Kind;
use serde_json::Value;

use crate::program::{Running, call, kakunin, token};

const KINDS: [(Kind, &str); 3] = [
    (Kind::ContractorEngagement, "contractor_engagement"),
    (Kind::CloudService, "cloud_service"),
    (Kind::SocialMediaAccount, "social_media_account"),
];

fn start(dir: &Path, as_of: &str) -> Running {
    let mut command = kakunin(Path::new("nowhere"));
    command
        .args([
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--as-of",
            as_of,
            "--log",
            "warn",
            "--dir",
        ])
        .arg(dir);
    let mut running = Running::follow_output(command);
    running.line_with("Ctrl+C");
    running
}

fn document(dir: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join("demo.json")).unwrap()).unwrap()
}

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Names of files of a directory.
fn files(dir: &Path) -> BTreeSet<String> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The kind of every entry of every local government, in the order of the clients.
fn entries(document: &Value) -> Vec<Vec<String>> {
    let base_url = document["base_url"].as_str().unwrap();
    let clients = document["clients"].as_array().unwrap();
    let of_one = |client: &Value| {
        let text = |name: &str| client[name].as_str().unwrap();
        let (status, answer) = token(base_url, text("client_id"), text("client_secret"));
        assert_eq!(status, 200, "{answer}");
        let token = answer["access_token"].as_str().unwrap();
        let (status, page) = call(base_url, Some(token), "/api/v1/entries?limit=200", None);
        assert_eq!((status, &page["has_more"]), (200, &Value::Bool(false)), "{page}");
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["kind"].as_str().unwrap().to_owned())
            .collect()
    };
    clients.iter().map(of_one).collect()
}

fn check_document(dir: &Path) -> Value {
    let document = document(dir);
    let base_url = document["base_url"].as_str().unwrap();
    let (_, published) = call(base_url, None, "/openapi.json", None);
    assert_eq!(
        published["servers"][0]["url"], base_url,
        "whoever tries it out calls the demo"
    );
    let scheme = &published["components"]["securitySchemes"]["oauth2"];
    assert_eq!(scheme["flows"]["clientCredentials"]["tokenUrl"], document["token_url"]);
    let expected = [
        "base_url",
        "docs_url",
        "token_url",
        "clients",
        "client_id",
        "client_secret",
        "organizations",
    ];
    assert_eq!(names(&document), BTreeSet::from(expected));
    let base_url = document["base_url"].as_str().unwrap();
    assert!(base_url.starts_with("http://127.0.0.1:") && !base_url.ends_with(":0"));
    assert_eq!(document["docs_url"], format!("{base_url}/docs/"));
    assert_eq!(document["token_url"], format!("{base_url}/oauth/token"));
    let clients = document["clients"].as_array().unwrap();
    assert_eq!(clients.len(), 5);
    for client in clients {
        let expected = [
            "local_government_id",
            "name",
            "client_id",
            "client_secret",
            "organizations",
        ];
        assert_eq!(names(client), BTreeSet::from(expected));
        let organizations = client["organizations"].as_array().unwrap();
        assert!(!organizations.is_empty());
        for organization in organizations {
            assert_eq!(names(organization), BTreeSet::from(["id", "name"]));
        }
    }
    assert_eq!(clients[0]["name"], "本巣市");
    for name in ["client_id", "client_secret", "organizations"] {
        assert_eq!(document[name], clients[0][name], "{name} is the first client's");
    }
    let mode = std::fs::metadata(dir.join("demo.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds secrets");
    document
}

fn check_entries(document: &Value) -> Vec<Vec<String>> {
    let entries = entries(document);
    assert!(entries.iter().map(Vec::len).sum::<usize>() >= 60, "{entries:?}");
    let profiles = profile::all().unwrap();
    for (client, kinds) in document["clients"].as_array().unwrap().iter().zip(&entries) {
        assert!(kinds.len() >= 10, "{}: {kinds:?}", client["name"]);
        let profile = profiles
            .iter()
            .find(|profile| client["name"] == profile.local_government.name);
        for (kind, word) in KINDS {
            let used = profile.unwrap().module(kind).ground != profile::Ground::Unused;
            let present = kinds.iter().any(|kind| kind == word);
            assert_eq!(present, used, "{}: {word}", client["name"]);
        }
    }
    entries
}

fn check_mails(dir: &Path) -> BTreeSet<String> {
    let mails = files(&dir.join("mail"));
    assert!(mails.len() >= 5, "{mails:?}");
    for name in &mails {
        let mail = std::fs::read_to_string(dir.join("mail").join(name)).unwrap();
        let id = mail.lines().find_map(|line| line.strip_prefix("Message-ID: "));
        assert_eq!(
            format!("{}.eml", id.unwrap().trim_matches(['<', '>'])),
            *name,
            "a mail is named by its id, and no temporary file is left"
        );
    }
    mails
}

/// One test, because the ledger takes a while to load.
#[test]
fn the_demo_is_loaded_once_and_its_clients_work_after_a_power_cut_and_without_demo_json() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("demo");

    let running = start(&dir, "2027-04-15");
    let first = check_document(&dir);
    let ledger = check_entries(&first);
    let mails = check_mails(&dir);
    running.kill();

    // An earlier day does not take the clock back: nothing is due that was not due before.
    let running = start(&dir, "2027-01-04");
    let second = check_document(&dir);
    assert_eq!(second["clients"], first["clients"]);
    assert_eq!(check_entries(&second), ledger);
    assert_eq!(check_mails(&dir), mails);
    let tokens = files(&dir);
    assert_eq!(running.terminate(), Some(0));

    std::fs::remove_file(dir.join("demo.json")).unwrap();
    let running = start(&dir, "2027-04-15");
    let third = check_document(&dir);
    assert_eq!(check_entries(&third), ledger);
    assert_eq!(files(&dir), tokens, "no temporary file is left");
    let (base_url, old) = (third["base_url"].as_str().unwrap(), &first["clients"]);
    for (old, new) in old.as_array().unwrap().iter().zip(third["clients"].as_array().unwrap()) {
        assert_eq!(old["local_government_id"], new["local_government_id"]);
        assert_ne!(old["client_secret"], new["client_secret"]);
        let text = |name: &str| old[name].as_str().unwrap();
        let (status, _) = token(base_url, text("client_id"), text("client_secret"));
        assert_eq!(status, 401, "the secret that was lost opens nothing any more");
    }
    tour(&dir);
    snippets(&dir);
    assert_eq!(running.terminate(), Some(0));
}

/// The README's tour: one engagement from the clause plan to the erasure certificate.
fn tour(dir: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tour.sh");
    let ended = Command::new(script).arg(dir.join("demo.json")).output().unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
    );
    assert!(ended.status.success(), "{said}\n{complained}");
    for line in [
        "submit_for_selection → under_selection",
        "conclude_contract → contracted",
        "start_performance → in_performance",
        "complete_closing → closed",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(
        said.trim_end().ends_with("closed: 広報紙の発送業務（ツアー）"),
        "{said}"
    );
}

/// The snippets of `openapi/README.md`, in their order: what a client developer reads there works.
fn snippets(dir: &Path) {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/README.md");
    let text = std::fs::read_to_string(readme).unwrap();
    let snippets: Vec<String> = text
        .split("```bash\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        // Each prints a line of its own, and the next begins a new one.
        .map(|snippet| format!("{snippet}\necho\n"))
        .collect();
    let script = snippets.concat();
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", &script])
        .env("DEMO", dir.join("demo.json"));
    let ended = command.output().unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
    );
    assert!(ended.status.success(), "{said}\n{complained}");
    for expected in [
        "/name",
        "Correct each of errors",
        "カブシキガイシャミホン",
        "stale_version",
        "試行",
        "allow",
    ] {
        assert!(said.contains(expected), "{expected}: {said}\n{complained}");
    }
}
