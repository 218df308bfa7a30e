//! The program itself, run as a process with nothing of this environment but `PATH`, and a small HTTP client for it.
//!
//! Whoever waits for a process waits for a line that it writes or for its end, never for a time.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The program without arguments; its data directory is `dir`.
pub fn kakunin(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kakunin"));
    command
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH"))
        .env("KAKUNIN_DATA_DIR", dir)
        .stdin(Stdio::null());
    command
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ended {
    /// The exit status.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs it to its end.
pub fn run(dir: &Path, arguments: &[&str]) -> Ended {
    run_with(dir, &[], arguments)
}

/// Runs it to its end with these variables.
pub fn run_with(dir: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let variables = variables.iter().copied();
    kakunin(dir).envs(variables).args(arguments).output().unwrap().into()
}

impl Ended {
    /// What it printed; it must have ended well and silently otherwise.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// The one sentence with which it refused.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(2), ""), "{}", self.err);
        let sentence = self.err.strip_suffix('\n').unwrap();
        assert!(
            sentence.starts_with("kakunin: ") && !sentence.contains('\n'),
            "not one sentence: {sentence}"
        );
        sentence.to_owned()
    }

    /// The value that stands behind this name on a line of its own.
    #[track_caller]
    pub fn value(&self, name: &str) -> String {
        let value = self.out.lines().find_map(|line| line.strip_prefix(name));
        value
            .unwrap_or_else(|| panic!("no {name} in {}{}", self.out, self.err))
            .trim()
            .to_owned()
    }
}

/// A process that runs until it is told to stop; killed when the test ends early.
pub struct Running {
    child: Child,
    lines: Box<dyn BufRead>,
}

impl Running {
    /// Starts a command of which standard error is followed: the log.
    pub fn follow_log(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Box::new(BufReader::new(child.stderr.take().unwrap()));
        Self { child, lines }
    }

    /// Starts a command of which standard output is followed.
    pub fn follow_output(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = Box::new(BufReader::new(child.stdout.take().unwrap()));
        Self { child, lines }
    }

    /// Waits for a line that contains this, and answers it.
    #[track_caller]
    pub fn line_with(&mut self, text: &str) -> String {
        let mut seen = String::new();
        loop {
            let start = seen.len();
            let read = self.lines.read_line(&mut seen).unwrap();
            assert_ne!(read, 0, "it ended before it wrote {text:?}: {seen}");
            if seen[start..].contains(text) {
                return seen[start..].trim().to_owned();
            }
        }
    }

    /// Sends SIGTERM, as a service manager does, and waits for the end.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status();
        assert!(sent.unwrap().success());
        // What it still writes must not fill the pipe.
        let mut rest = vec![];
        self.lines.read_to_end(&mut rest).unwrap();
        self.child.wait().unwrap().code()
    }

    /// Ends it as a service manager does; everything that it has still written, as text.
    pub fn rest(mut self) -> String {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status();
        assert!(sent.unwrap().success());
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap();
        rest
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless the test did not come to its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request; the status and the JSON of the answer.
pub fn call(base_url: &str, token: Option<&str>, path: &str, form: Option<&str>) -> (u16, Value) {
    let authority = base_url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let authorization = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let head = format!("Host: {authority}\r\nConnection: close\r\n{authorization}");
    let request = match form {
        None => format!("GET {path} HTTP/1.1\r\n{head}\r\n"),
        Some(form) => format!(
            "POST {path} HTTP/1.1\r\n{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ),
    };
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// Asks for a token; the status and the answer.
pub fn token(base_url: &str, client_id: &str, client_secret: &str) -> (u16, Value) {
    // Ids and secrets have no character that a form would escape.
    let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}");
    call(base_url, None, "/oauth/token", Some(&form))
}

/// A file of a test, as an option names it.
pub fn file(dir: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    text_of(path.as_os_str())
}

/// A path as text.
pub fn text_of(path: &OsStr) -> String {
    path.to_str().unwrap().to_owned()
}
