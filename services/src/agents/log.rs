//! The log of a session: one envelope a line, only ever appended to, on the disk when a turn has ended. What a crash tore off
//! its end is taken away and said.

mod follow;
mod recovery;

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::event::{Envelope, Event};
use super::fitting;
use super::lock::Lock;
use super::secrets::Secrets;
pub(super) use follow::{Follow, Reading};
pub(super) use recovery::{Remembered, is_closed, is_tied, read, recover};

/// Members of an envelope that nobody but us writes.
const OURS: [&str; 9] = ["v", "epoch", "seq", "ts", "sessionId", "turnId", "itemId", "type", "src"];

/// How far a log is written: what followers wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// In bytes, up to the end of an event.
    pub(super) bytes: u64,
    /// In events.
    pub(super) seq: u64,
    /// Whether nothing follows.
    pub(super) is_final: bool,
    /// Why that is, where it cannot be written any more.
    pub(super) lost: Option<io::ErrorKind>,
}

/// What is said of a log that cannot be written.
pub(super) fn unwritten(why: io::ErrorKind) -> io::Error {
    io::Error::new(why, format!("it cannot be written: {why}"))
}

/// The right to write a log, which one daemon has at a time: it lasts as long as this does. A file beside the log, since on
/// Windows nobody could read what is locked.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    _lock: Lock,
}

impl Claim {
    /// The right to the log at this path; none where another daemon has it.
    pub(super) fn take(log: &Path) -> io::Result<Option<Claim>> {
        let path = log.with_extension("lock");
        Ok(Lock::take(&path)?.map(|_lock| Claim { path, _lock }))
    }

    /// Gives the right up for good: nobody will want it again.
    pub(super) fn discard(self) {
        // What is left behind is an empty file.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A log that is written to. Others may read it meanwhile.
#[derive(Debug)]
pub(super) struct Log {
    claim: Claim,
    file: File,
    path: PathBuf,
    written: Written,
}

impl Log {
    /// A log that is new.
    pub(super) fn create(folder: &Path, session_id: &str) -> io::Result<Log> {
        make_private(folder)?;
        let path = place(folder, session_id);
        let taken = || io::Error::new(io::ErrorKind::AlreadyExists, "another daemon writes a log of this name");
        let claim = Claim::take(&path)?.ok_or_else(taken)?;
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        private(&mut options);
        match options.open(&path) {
            Ok(file) => Ok(Log { claim, file, path, written: Written::default() }),
            Err(error) => {
                claim.discard();
                Err(error)
            }
        }
    }

    /// A log that is there, and ends with an event.
    pub(super) fn open(claim: Claim, path: PathBuf, seq: u64) -> io::Result<Log> {
        let file = OpenOptions::new().append(true).open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Log { claim, file, path, written: Written { bytes, seq, is_final: false, lost: None } })
    }

    /// Nothing will be appended any more.
    pub(super) fn close(self) {
        self.claim.discard();
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How far it is written.
    pub(super) fn written(&self) -> Written {
        self.written
    }

    /// Appends events, without secrets, and as far as clients can be sent them; they are on the disk when a turn ends. Gives their lines. Where it fails, what was
    /// written of them is taken away again.
    pub(super) fn append(&mut self, envelopes: &[Envelope], secrets: &Secrets) -> io::Result<Vec<String>> {
        let lines = envelopes.iter().map(|envelope| {
            let line = serde_json::to_string(envelope).map_err(io::Error::other)?;
            let line = secrets.redacted_json(&line, &OURS, envelope.event.open_ends());
            // What is cut now cannot end with a part of a secret.
            Ok(fitting::event(&line).into_owned())
        });
        let lines: Vec<String> = lines.collect::<io::Result<_>>()?;
        let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
        let is_turning_point =
            envelopes.iter().any(|envelope| matches!(envelope.event, Event::TurnEnded(_) | Event::RunEnded(_)));
        let appended = self.file.write_all(text.as_bytes()).and_then(|()| match is_turning_point {
            true => self.file.sync_data(),
            false => Ok(()),
        });
        if let Err(error) = appended {
            self.file.set_len(self.written.bytes)?;
            return Err(error);
        }
        self.written.bytes += text.len() as u64;
        self.written.seq += envelopes.len() as u64;
        Ok(lines)
    }
}

/// The logs in a folder that somebody has left a lock beside: what they tell of is open, or was when its daemon ended. What was
/// closed has none, and however many of those there are, none is opened. None where there is no folder.
pub(super) fn unclosed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut logs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let log = path.with_extension("jsonl");
        if path.extension().is_some_and(|ending| ending == "lock") && log.is_file() {
            logs.push(log);
        }
    }
    Ok(logs)
}

/// Takes away a log in which nothing stands.
pub(super) fn erase(folder: &Path, session_id: &str) {
    let path = place(folder, session_id);
    // The lock goes last: as long as it is there, nobody else takes the log for one that is left.
    let removed = std::fs::remove_file(&path).and_then(|()| std::fs::remove_file(path.with_extension("lock")));
    removed.inspect_err(|error| tracing::warn!(%error, log = %path.display(), "an empty log is left behind")).ok();
}

/// Where the log of a session is.
pub(super) fn place(folder: &Path, session_id: &str) -> PathBuf {
    folder.join(format!("{session_id}.jsonl"))
}

pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    private(&mut options);
    options.open(path)?.write_all(bytes)
}

#[cfg(unix)]
pub(super) fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
pub(super) fn private(_options: &mut OpenOptions) {}

#[cfg(unix)]
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests;
