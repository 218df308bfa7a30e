//! A small SMTP server that does what it is told to, wrongly if it is told so.
//!
//! It runs on its own thread, so that it serves any test and survives the runtime of the code under test. Its journal
//! of accepted messages is the truth that the database is compared with. What a client must make of each fault:
//! `smtp.rs`.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer},
};

/// Where in a connection something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Instead of the greeting.
    Greeting,
    /// Instead of the answer to EHLO.
    Ehlo,
    /// Instead of the answer to STARTTLS.
    StartTls,
    /// Instead of the answer to AUTH.
    Auth,
    /// Instead of the answer to MAIL.
    Mail,
    /// Instead of the answer to RCPT.
    Rcpt,
    /// Instead of the answer to DATA.
    Data,
    /// When the first line of the body has arrived. The message is not accepted, except after a delay.
    Body,
    /// Instead of the answer to the final dot; the message is not accepted, except after a delay.
    Dot,
    /// Instead of the answer to the final dot; the message *is* accepted.
    AfterDot,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this code.
    Refuse(u16),
    /// Answers with these bytes.
    Reply(Vec<u8>),
    /// Waits, then goes on properly.
    Delay(Duration),
    /// Closes the connection.
    Close,
    /// Answers with bytes that are no SMTP.
    Garbage,
    /// Says nothing more until the client hangs up.
    Silent,
}

/// How one connection goes.
#[derive(Debug, Clone, Default)]
pub struct Behaviour(Vec<(At, Fault)>);

impl Behaviour {
    /// Faultless.
    pub fn ok() -> Self {
        Self::default()
    }

    /// One fault.
    pub fn at(at: At, fault: Fault) -> Self {
        Self::ok().and(at, fault)
    }

    /// A further fault.
    pub fn and(mut self, at: At, fault: Fault) -> Self {
        self.0.push((at, fault));
        self
    }

    fn fault(&self, at: At) -> Option<Fault> {
        self.0
            .iter()
            .find(|(when, _)| *when == at)
            .map(|(_, fault)| fault.clone())
    }
}

/// Encryption that the server offers, with a certificate for 127.0.0.1 made on the spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// None.
    None,
    /// STARTTLS.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// A message that the server took responsibility for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// MAIL FROM.
    pub from: String,
    /// RCPT TO.
    pub to: Vec<String>,
    /// The message as its author wrote it (dots unstuffed).
    pub data: Vec<u8>,
    /// Number of the connection that brought it, from 1.
    pub connection: usize,
}

#[derive(Default)]
struct State {
    usual: Behaviour,
    script: VecDeque<Behaviour>,
    connections: usize,
    commands: Vec<String>,
    accepted: Vec<Received>,
}

/// The server; it stops when dropped.
pub struct FakeSmtp {
    port: u16,
    certificate_pem: Option<String>,
    state: Arc<Mutex<State>>,
    runtime: Option<Runtime>,
}

impl FakeSmtp {
    /// A plain server.
    pub fn start(usual: Behaviour) -> Self {
        Self::start_with(usual, Encryption::None)
    }

    /// A server with encryption.
    pub fn start_with(usual: Behaviour, encryption: Encryption) -> Self {
        let state = Arc::new(Mutex::new(State {
            usual,
            ..State::default()
        }));
        let (acceptor, certificate_pem) = if encryption == Encryption::None {
            (None, None)
        } else {
            self_signed()
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.spawn(serve(listener, Arc::clone(&state), encryption, acceptor));
        Self {
            port,
            certificate_pem,
            state,
            runtime: Some(runtime),
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its certificate, to be trusted by the client.
    pub fn certificate_pem(&self) -> Option<String> {
        self.certificate_pem.clone()
    }

    /// Changes how connections go from now on, unless the script says otherwise.
    pub fn set(&self, usual: Behaviour) {
        lock(&self.state).usual = usual;
    }

    /// How the next connections go, one each, before the usual behaviour returns.
    pub fn script(&self, next: impl IntoIterator<Item = Behaviour>) {
        lock(&self.state).script.extend(next);
    }

    /// Accepted messages, oldest first.
    pub fn accepted(&self) -> Vec<Received> {
        lock(&self.state).accepted.clone()
    }

    /// Every command line of every connection, in order of arrival.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.state).commands.clone()
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }
}

impl Drop for FakeSmtp {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A port on 127.0.0.1 where nobody listens.
pub fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap()
}

fn self_signed() -> (Option<TlsAcceptor>, Option<String>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Some(TlsAcceptor::from(Arc::new(config))), Some(made.cert.pem()))
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>, encryption: Encryption, acceptor: Option<TlsAcceptor>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let (number, behaviour) = {
            let mut state = lock(&state);
            state.connections += 1;
            (
                state.connections,
                state.script.pop_front().unwrap_or_else(|| state.usual.clone()),
            )
        };
        let (state, acceptor) = (Arc::clone(&state), acceptor.clone());
        // A client that hangs up in the middle is an everyday matter, not a failure of the server.
        tokio::spawn(async move {
            let _ = converse(
                stream,
                Connection {
                    number,
                    behaviour,
                    state,
                    encryption,
                    acceptor,
                },
            )
            .await;
        });
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}
type Stream = BufReader<Box<dyn Duplex>>;

struct Connection {
    number: usize,
    behaviour: Behaviour,
    state: Arc<Mutex<State>>,
    encryption: Encryption,
    acceptor: Option<TlsAcceptor>,
}

/// What to do after a place where a fault may be.
enum Next {
    Properly,
    Answered,
    HangUp,
}

impl Connection {
    async fn act(&self, stream: &mut Stream, at: At) -> io::Result<Next> {
        match self.behaviour.fault(at) {
            None => return Ok(Next::Properly),
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                return Ok(Next::Properly);
            }
            Some(Fault::Close) => return Ok(Next::HangUp),
            Some(Fault::Silent) => {
                tokio::io::copy(stream, &mut tokio::io::sink()).await?;
                return Ok(Next::HangUp);
            }
            Some(Fault::Refuse(code)) => say(stream, format!("{code} as the test demands\r\n").as_bytes()).await?,
            Some(Fault::Reply(bytes)) => say(stream, &bytes).await?,
            Some(Fault::Garbage) => say(stream, b"\x16\x03\x01\0 HTTP/1.1 400 Bad Request\r\n").await?,
        }
        Ok(Next::Answered)
    }

    fn encrypted_hello(&self, encrypted: bool) -> &'static [u8] {
        match (self.encryption, encrypted) {
            (Encryption::StartTls, false) => b"250-fake\r\n250-8BITMIME\r\n250 STARTTLS\r\n",
            (_, true) => b"250-fake\r\n250-8BITMIME\r\n250 AUTH LOGIN PLAIN\r\n",
            (_, false) => b"250-fake\r\n250 8BITMIME\r\n",
        }
    }
}

async fn say(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

async fn read_line(stream: &mut Stream) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await?;
    Ok(line.ends_with(b"\n").then_some(line))
}

async fn converse(stream: TcpStream, connection: Connection) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream: Stream = BufReader::new(Box::new(stream));
    let mut encrypted = connection.encryption == Encryption::Implicit;
    if encrypted {
        stream = encrypt(stream, &connection).await?;
    }
    match connection.act(&mut stream, At::Greeting).await? {
        Next::Properly => say(&mut stream, b"220 fake ESMTP\r\n").await?,
        Next::Answered => {}
        Next::HangUp => return Ok(()),
    }
    let (mut from, mut to) = (String::new(), Vec::new());
    while let Some(line) = read_line(&mut stream).await? {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        lock(&connection.state).commands.push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let (at, reply): (Option<At>, &[u8]) = match verb.as_str() {
            "EHLO" => (Some(At::Ehlo), connection.encrypted_hello(encrypted)),
            "STARTTLS" => (Some(At::StartTls), b"220 go ahead\r\n"),
            "AUTH" if line.eq_ignore_ascii_case("AUTH LOGIN") => (None, b"334 VXNlcm5hbWU6\r\n"),
            "AUTH" => (Some(At::Auth), b"235 welcome\r\n"),
            "MAIL" => (Some(At::Mail), b"250 ok\r\n"),
            "RCPT" => (Some(At::Rcpt), b"250 ok\r\n"),
            "DATA" => (Some(At::Data), b"354 go ahead\r\n"),
            "QUIT" => (None, b"221 bye\r\n"),
            // The two answers of AUTH LOGIN are the only lines without a verb: the name, then the password.
            _ if lock(&connection.state)
                .commands
                .iter()
                .rev()
                .nth(1)
                .is_some_and(|before| before == "AUTH LOGIN") =>
            {
                (None, b"334 UGFzc3dvcmQ6\r\n")
            }
            _ => (Some(At::Auth), b"235 welcome\r\n"),
        };
        let next = match at {
            Some(at) => connection.act(&mut stream, at).await?,
            None => Next::Properly,
        };
        match next {
            Next::Properly => say(&mut stream, reply).await?,
            // Behind a consent of the test's own wording comes what a real one is followed by.
            Next::Answered if verb == "DATA" || verb == "STARTTLS" => {}
            Next::Answered => continue,
            Next::HangUp => return Ok(()),
        }
        match verb.as_str() {
            "STARTTLS" => {
                stream = encrypt(stream, &connection).await?;
                encrypted = true;
            }
            "MAIL" => from = address(&line),
            "RCPT" => to.push(address(&line)),
            "DATA" => {
                let received = (std::mem::take(&mut from), std::mem::take(&mut to));
                if !receive(&mut stream, &connection, received).await? {
                    return Ok(());
                }
            }
            "QUIT" => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}

/// Reads a message up to its dot; false when the connection is over.
async fn receive(stream: &mut Stream, connection: &Connection, (from, to): (String, Vec<String>)) -> io::Result<bool> {
    let (mut data, mut first, mut refused) = (Vec::new(), true, false);
    loop {
        let Some(line) = read_line(stream).await? else {
            return Ok(false);
        };
        if std::mem::take(&mut first) {
            match connection.act(stream, At::Body).await? {
                Next::Properly => {}
                Next::Answered => refused = true,
                Next::HangUp => return Ok(false),
            }
        }
        if line == b".\r\n" {
            break;
        }
        data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
    if refused {
        return Ok(true);
    }
    match connection.act(stream, At::Dot).await? {
        Next::Properly => {}
        Next::Answered => return Ok(true),
        Next::HangUp => return Ok(false),
    }
    let count = {
        let mut state = lock(&connection.state);
        state.accepted.push(Received {
            from,
            to,
            data,
            connection: connection.number,
        });
        state.accepted.len()
    };
    match connection.act(stream, At::AfterDot).await? {
        Next::Properly => say(stream, format!("250 2.0.0 queued as FAKE{count}\r\n").as_bytes()).await?,
        Next::Answered => {}
        Next::HangUp => return Ok(false),
    }
    Ok(true)
}

async fn encrypt(stream: Stream, connection: &Connection) -> io::Result<Stream> {
    let acceptor = connection.acceptor.as_ref().ok_or(io::ErrorKind::Unsupported)?;
    Ok(BufReader::new(Box::new(acceptor.accept(stream.into_inner()).await?)))
}

fn address(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(line, |(address, _)| address)
        .to_owned()
}
