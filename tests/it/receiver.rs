//! A receiver of webhooks: takes what is sent to it, answers what it is told to, and counts who connects.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Its headers, the names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Taken {
    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|h| h.0 == name)
            .map(|h| h.1.as_str())
            .unwrap_or_default()
    }
}

/// A server on an address of this machine, until it is dropped with its process.
#[derive(Clone)]
pub struct Receiver {
    /// Where it listens.
    pub at: SocketAddr,
    /// How many connections were made.
    connections: Arc<AtomicUsize>,
    taken: Arc<Mutex<Vec<Taken>>>,
    answers: Arc<Mutex<VecDeque<String>>>,
}

impl Receiver {
    /// Listens on this address.
    pub fn start(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let receiver = Self {
            at: listener.local_addr().unwrap(),
            connections: Arc::default(),
            taken: Arc::default(),
            answers: Arc::default(),
        };
        let own = receiver.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                own.connections.fetch_add(1, Ordering::SeqCst);
                drop(own.serve(stream));
            }
        });
        receiver
    }

    /// The next answers: status and headers of each, as `503 Busy\r\nRetry-After: 90`. Then 204 again.
    pub fn answers(&self, answers: &[&str]) {
        let mut next = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        next.extend(answers.iter().map(|answer| (*answer).to_owned()));
    }

    /// What came in so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.at)
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut headers, mut line) = (vec![], String::new());
        reader.read_line(&mut line)?;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
            }
        }
        let length = headers
            .iter()
            .find(|h| h.0 == "content-length")
            .and_then(|h| h.1.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        let next = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.pop_front().unwrap_or_else(|| "204 No Content".to_owned())
        };
        self.taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Taken { headers, body });
        let mut stream = stream;
        write!(
            stream,
            "HTTP/1.1 {next}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )?;
        stream.flush()
    }
}
