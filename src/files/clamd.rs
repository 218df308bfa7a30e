//! Asks clamd whether a file holds malware, by INSTREAM over TCP (`clamd(8)`). The one who asks treats every failure
//! as "not looked through".

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long the connection may take to stand.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one step may take; the scan itself is the longest.
const STEP: Duration = Duration::from_mins(1);
/// The longest answer that is read.
const ANSWER: u64 = 4096;

/// What the scanner found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Clean,
    /// Malware, with the scanner's name for it.
    Infected(String),
}

/// Sends the rest of a file and reads the verdict.
///
/// # Errors
/// A scanner that cannot be reached, breaks off, or answers anything but a verdict.
pub(super) fn scan(address: &str, file: &mut File) -> io::Result<Verdict> {
    let mut stream = connect(address)?;
    stream.write_all(b"zINSTREAM\0")?;
    loop {
        let bytes = super::store::next_bytes(file)?;
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        // A piece of no length ends the stream.
        stream.write_all(&length.to_be_bytes())?;
        if bytes.is_empty() {
            break;
        }
        stream.write_all(&bytes)?;
    }
    stream.flush()?;
    let mut answer = vec![];
    stream.take(ANSWER).read_to_end(&mut answer)?;
    verdict(&String::from_utf8_lossy(&answer))
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::other(format!("{address} names no address"));
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(STEP))?;
                stream.set_write_timeout(Some(STEP))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// `stream: OK`, `stream: Eicar-Signature FOUND`, or an error.
fn verdict(answer: &str) -> io::Result<Verdict> {
    let answer = answer.trim_end_matches(['\0', '\n']);
    let said = answer.strip_prefix("stream: ").unwrap_or(answer);
    if said == "OK" {
        Ok(Verdict::Clean)
    } else if let Some(name) = said.strip_suffix(" FOUND") {
        Ok(Verdict::Infected(name.to_owned()))
    } else {
        Err(io::Error::other(format!("the scanner answers {answer:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_verdict_is_one() {
        assert_eq!(verdict("stream: OK\0").unwrap(), Verdict::Clean);
        let found = Verdict::Infected("Eicar-Signature".to_owned());
        assert_eq!(verdict("stream: Eicar-Signature FOUND\0").unwrap(), found);
        for answer in [
            "",
            "stream: ",
            "INSTREAM size limit exceeded. ERROR\0",
            "UNKNOWN COMMAND\0",
            "PONG\0",
        ] {
            assert!(verdict(answer).is_err(), "{answer:?}");
        }
    }
}
