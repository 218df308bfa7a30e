//! One SMTP connection in lock-step: a command, then its reply, each within a time limit.
//!
//! lettre's connection is not used, because it keeps bytes read before STARTTLS, lets a second unasked reply answer the
//! next command (in the worst case the final dot), fails on a reply that is not UTF-8 (Shift JIS after the dot would be
//! in doubt for ever) and has no time limits. Here a reply nobody asked for ends the connection before the next command
//! goes out. Which code means what is [`super`]'s business.

use futures_util::FutureExt;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    time::timeout,
};

/// Longest reply line; RFC 5321 §4.5.3.1.5 says 512, real servers say more.
const MAX_LINE: u64 = 4096;
/// Most lines of one reply.
const MAX_LINES: usize = 128;

/// A complete reply: 200–599 and its lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub code: u16,
    pub lines: Vec<String>,
}

impl Reply {
    /// The lines as one.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }
}

/// Why there is no reply to go on with.
#[derive(Debug)]
pub(super) enum Fault {
    Timeout,
    Closed,
    Io(io::Error),
    /// Bytes that are no reply.
    Garbage(String),
    /// A reply that was not awaited; with 4xx or 5xx it is the relay's farewell (often 421).
    Unasked(Reply),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The connection, plain or encrypted.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: BufReader<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Sends one command and reads its reply.
    pub async fn command(&mut self, line: &str, limit: Duration) -> Result<Reply, Fault> {
        self.expect_silence(limit).await?;
        let exchange = async {
            self.write(format!("{line}\r\n").as_bytes()).await?;
            self.read_reply().await
        };
        timeout(limit, exchange).await.unwrap_or(Err(Fault::Timeout))
    }

    /// Sends bytes without awaiting a reply.
    pub async fn send(&mut self, bytes: &[u8], limit: Duration) -> Result<(), Fault> {
        timeout(limit, self.write(bytes)).await.unwrap_or(Err(Fault::Timeout))
    }

    /// Reads one reply.
    pub async fn reply(&mut self, limit: Duration) -> Result<Reply, Fault> {
        timeout(limit, self.read_reply()).await.unwrap_or(Err(Fault::Timeout))
    }

    /// Fails if the server said something, or hung up, since its last reply. Sends nothing.
    pub async fn expect_silence(&mut self, limit: Duration) -> Result<(), Fault> {
        match self.stream.fill_buf().now_or_never() {
            None => Ok(()),
            Some(Ok([])) => Err(Fault::Closed),
            Some(Ok(_)) => Err(Fault::Unasked(self.reply(limit).await?)),
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// The stream under it. Plain text that arrived early must not be taken for an encrypted reply.
    pub async fn into_stream(mut self, limit: Duration) -> Result<S, Fault> {
        self.expect_silence(limit).await?;
        Ok(self.stream.into_inner())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    async fn read_reply(&mut self) -> Result<Reply, Fault> {
        let mut reply: Option<Reply> = None;
        loop {
            let mut line = Vec::new();
            (&mut self.stream).take(MAX_LINE).read_until(b'\n', &mut line).await?;
            if line.is_empty() {
                return Err(Fault::Closed);
            }
            let garbage = || Fault::Garbage(String::from_utf8_lossy(&line).into_owned());
            let (code, last, text) = parse_line(&line).ok_or_else(garbage)?;
            let reply = reply.get_or_insert_with(|| Reply {
                code,
                lines: Vec::new(),
            });
            if reply.code != code || reply.lines.len() == MAX_LINES {
                return Err(garbage());
            }
            reply.lines.push(text);
            if last {
                return Ok(reply.clone());
            }
        }
    }
}

/// `250-text` or `250 text` or `250`, to the end of the line.
fn parse_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (code, rest) = line.split_at_checked(3)?;
    if !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = std::str::from_utf8(code)
        .ok()?
        .parse()
        .ok()
        .filter(|code| (200..=599).contains(code))?;
    let (last, text) = match rest {
        [] => (true, rest),
        [b' ', text @ ..] => (true, text),
        [b'-', text @ ..] => (false, text),
        _ => return None,
    };
    Some((code, last, String::from_utf8_lossy(text).trim().to_owned()))
}

/// The bytes as they go over the wire: every line ends in CRLF, a leading dot is doubled, a lone dot ends it.
///
/// Bare CR and LF become CRLF, so that no relay can see an end of message where we see none (SMTP smuggling).
pub(super) fn dot_stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(bytes.len() + bytes.len() / 32 + 8);
    let mut line_start = true;
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte == b'\r' || byte == b'\n' {
            if byte == b'\r' {
                rest.next_if_eq(&b'\n');
            }
            wire.extend_from_slice(b"\r\n");
            line_start = true;
        } else {
            if line_start && byte == b'.' {
                wire.push(b'.');
            }
            wire.push(byte);
            line_start = false;
        }
    }
    wire.extend_from_slice(if line_start { b".\r\n" } else { b"\r\n.\r\n" });
    wire
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Parsed<'a> = Option<(u16, bool, &'a str)>;

    #[test]
    fn a_reply_line_is_a_code_and_a_text() {
        let cases: [(&[u8], Parsed); 11] = [
            (b"250 ok\r\n", Some((250, true, "ok"))),
            (b"250-PIPELINING\r\n", Some((250, false, "PIPELINING"))),
            (b"354\r\n", Some((354, true, ""))),
            (b"421 bye\n", Some((421, true, "bye"))),
            (b"250 \x8e\xf3\x95t\r\n", Some((250, true, "\u{fffd}\u{fffd}t"))),
            (b"250 ok", None),
            (b"25\r\n", None),
            (b"+50 ok\r\n", None),
            (b"150 no\r\n", None),
            (b"600 no\r\n", None),
            (b"HTTP/1.1 400 Bad Request\r\n", None),
        ];
        for (line, expected) in cases {
            let found = parse_line(line);
            assert_eq!(
                found.as_ref().map(|(code, last, text)| (*code, *last, text.as_str())),
                expected,
                "{line:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_reply_nobody_asked_for_stops_the_next_command() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let mut wire = Wire::new(ours);
        theirs
            .write_all(b"220-hello\r\n220 world\r\n250 too early\r\n")
            .await
            .unwrap();
        let limit = Duration::from_secs(5);
        assert_eq!(wire.reply(limit).await.unwrap().text(), "hello world");
        let Err(Fault::Unasked(reply)) = wire.command("EHLO x", limit).await else {
            panic!("sent")
        };
        assert_eq!(reply.code, 250);
        drop(wire);
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent, b"");
    }

    #[tokio::test]
    async fn endless_replies_end() {
        for endless in [b"250-again\r\n".as_slice(), b"2500000000"] {
            let bytes = endless.repeat(1000);
            let mut wire = Wire::new(io::Cursor::new(bytes));
            assert!(matches!(
                wire.reply(Duration::from_secs(5)).await,
                Err(Fault::Garbage(_))
            ));
        }
    }

    #[test]
    fn dots_are_doubled_and_lines_end_in_crlf() {
        let cases: [(&[u8], &[u8]); 6] = [
            (b"", b".\r\n"),
            (b"a\r\n", b"a\r\n.\r\n"),
            (b"a", b"a\r\n.\r\n"),
            (b"x\r\n.\r\ny\r\n", b"x\r\n..\r\ny\r\n.\r\n"),
            (b"x\n.\ny\r.\r", b"x\r\n..\r\ny\r\n..\r\n.\r\n"),
            (b".a.b\r\n", b"..a.b\r\n.\r\n"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(dot_stuffed(bytes), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn only_our_own_dot_ends_the_message(bytes in proptest::collection::vec(prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..200)) {
            let wire = dot_stuffed(&bytes);
            let ends = [&b"\r\n"[..], &wire].concat().windows(5).filter(|window| *window == b"\r\n.\r\n").count();
            prop_assert_eq!(ends, 1);
            prop_assert!(wire.ends_with(b".\r\n"));
            let bare = wire.windows(2).filter(|pair| (pair[1] == b'\n') != (pair[0] == b'\r')).count();
            prop_assert_eq!(bare, 0);
        }
    }
}
