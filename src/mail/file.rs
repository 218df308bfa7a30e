//! Mail into a folder: one `.eml` per message, named by its Message-ID.
//!
//! For the demonstration and for trying things out. Writing is atomic and idempotent: temporary file, fsync, rename,
//! fsync of the folder; the same Message-ID is the same file, so a resend changes nothing. It refuses no recipient.

use super::{DeliveryPhase, Outcome, Refusal};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// A folder that takes mail. It is created with the first message.
#[derive(Debug, Clone)]
pub struct FileTransport {
    /// The folder.
    pub dir: PathBuf,
}

impl FileTransport {
    /// Writes the message, or says why not. It is never in doubt: an unfinished file is invisible and can be repeated.
    pub async fn write(&self, bytes: &[u8]) -> Outcome {
        let Some(name) = file_name(bytes) else {
            return refused("the message has no Message-ID to name its file by".to_owned(), true).into();
        };
        let (dir, bytes, remote_ref) = (self.dir.clone(), bytes.to_vec(), name.clone());
        match tokio::task::spawn_blocking(move || write_atomically(&dir, &name, &bytes)).await {
            Ok(Ok(())) => Outcome::Accepted { remote_ref },
            Ok(Err(error)) => refused(format!("{}: {error}", self.dir.display()), false).into(),
            Err(error) => refused(error.to_string(), false).into(),
        }
    }
}

/// A full or missing disk concerns every message; a message without an id only itself.
fn refused(text: String, permanent: bool) -> Refusal {
    Refusal {
        phase: DeliveryPhase::Body,
        code: None,
        text,
        permanent,
        relay_wide: !permanent,
    }
}

/// The Message-ID without its angle brackets, with `.eml`; whatever could lead out of the folder becomes `_`.
fn file_name(bytes: &[u8]) -> Option<String> {
    let header = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .take_while(|line| !line.is_empty())
        .find(|line| {
            line.get(..11)
                .is_some_and(|name| name.eq_ignore_ascii_case(b"message-id:"))
        })?;
    let id = String::from_utf8_lossy(header.get(11..)?);
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_' | '+' | '=') {
            c
        } else {
            '_'
        }
    };
    (!id.is_empty()).then(|| format!("{}.eml", id.chars().map(safe).collect::<String>()))
}

fn write_atomically(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    // Two workers may write the same message: each has its own temporary file, and the last rename wins with equal bytes.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    fs::create_dir_all(dir)?;
    let temporary = dir.join(format!(
        ".{}-{}.tmp",
        process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, dir.join(name))
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"Subject: a\r\nMessage-ID: <r1.abc@example.lg.jp>\r\n\r\nMessage-ID: <not-this@one>\r\n";

    #[tokio::test]
    async fn the_same_message_is_the_same_file() {
        let dir = tempfile::tempdir().unwrap();
        let folder = FileTransport {
            dir: dir.path().join("mail"),
        };
        for _ in 0..2 {
            let outcome = folder.write(MAIL).await;
            assert_eq!(
                outcome,
                Outcome::Accepted {
                    remote_ref: "r1.abc@example.lg.jp.eml".to_owned()
                }
            );
        }
        let files: Vec<_> = fs::read_dir(&folder.dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(files, ["r1.abc@example.lg.jp.eml"]);
        assert_eq!(fs::read(folder.dir.join("r1.abc@example.lg.jp.eml")).unwrap(), MAIL);
    }

    #[test]
    fn a_message_id_never_leads_out_of_the_folder() {
        assert_eq!(
            file_name(b"message-id: <../../etc/passwd>\n\n").as_deref(),
            Some(".._.._etc_passwd.eml")
        );
        assert_eq!(file_name(b"Subject: a\r\n\r\nMessage-ID: <a@b>\r\n"), None);
        assert_eq!(file_name(b"Message-ID: <>\r\n\r\n"), None);
        assert_eq!(file_name(b""), None);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_a_fault_of_the_relay_kind() {
        let dir = tempfile::tempdir().unwrap();
        let occupied = dir.path().join("file");
        fs::write(&occupied, b"").unwrap();
        let Outcome::NotAccepted(refusal) = (FileTransport { dir: occupied }).write(MAIL).await else {
            panic!("accepted")
        };
        assert!(refusal.relay_wide && !refusal.permanent);
        let Outcome::NotAccepted(refusal) = (FileTransport { dir: dir.path().into() }).write(b"no headers").await
        else {
            panic!("accepted")
        };
        assert!(refusal.permanent);
    }
}
