//! Reads a log from an event on, as it is and as it grows. A reader that is slow costs nothing but its place in the file.

use std::borrow::Cow;
use std::io::{self, BufRead as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memchr;
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::sync::watch;

use super::super::fitting;
use super::Written;

/// Bytes that are read at once.
const READ: usize = 64 << 10;

/// Where no more than so many bytes are to be passed over, they are read.
const NEAR: u64 = 256 << 10;

/// A log that can be read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    path: PathBuf,
    written: watch::Receiver<Written>,
}

/// What every event begins with.
#[derive(Deserialize)]
struct First {
    epoch: String,
}

impl Reading {
    /// A log that somebody writes.
    pub(crate) fn new(path: PathBuf, written: watch::Receiver<Written>) -> Reading {
        Reading { path, written }
    }

    /// A log that nobody writes any more, and its epoch. None where there is none of that name.
    pub(crate) fn closed(folder: &Path, session_id: &str) -> Option<(Reading, String)> {
        let name = session_id.strip_prefix("ses_").or_else(|| session_id.strip_prefix("run_"))?;
        // A name comes from outside, and becomes a path.
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let path = super::place(folder, session_id);
        let mut first = String::new();
        io::BufReader::new(std::fs::File::open(&path).ok()?).read_line(&mut first).ok()?;
        let First { epoch } = serde_json::from_str(&first).ok()?;
        let bytes = path.metadata().ok()?.len();
        // The sender is gone, and so it is final.
        let (_, written) = watch::channel(Written { bytes, seq: 0, is_final: true, lost: None });
        Some((Reading { path, written }, epoch))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How much of it is written, in bytes, up to the end of an event.
    pub(crate) fn bytes(&self) -> u64 {
        self.written.borrow().bytes
    }

    /// How many events it has now.
    pub(crate) fn seq(&self) -> u64 {
        self.written.borrow().seq
    }

    /// The events behind the one with this number; 0 is before the first.
    pub(crate) fn follow(&self, after: u64) -> Follow {
        Follow::new(&self.path, self.written.clone(), after)
    }
}

/// A reader of a log that may still be written.
#[derive(Debug)]
pub(crate) struct Follow {
    path: PathBuf,
    written: watch::Receiver<Written>,
    file: Option<File>,
    /// Where the buffer begins in the file.
    at: u64,
    buffer: Vec<u8>,
    /// How much of the buffer is done with.
    done: usize,
    /// The number of the last event that was read.
    seq: u64,
    /// Events up to this one are passed over.
    after: u64,
}

impl Follow {
    /// The events behind the one with this number; 0 is before the first.
    pub(crate) fn new(path: &Path, written: watch::Receiver<Written>, after: u64) -> Follow {
        let path = path.to_owned();
        Follow { path, written, file: None, at: 0, buffer: Vec::new(), done: 0, seq: 0, after }
    }

    /// The next event, as a client can be sent it, and its number; none when nothing follows. May be dropped and called again at any time.
    pub(crate) async fn next(&mut self) -> io::Result<Option<(u64, String)>> {
        loop {
            while let Some(length) = memchr(b'\n', &self.buffer[self.done..]) {
                let line = self.done..self.done + length;
                self.done = line.end + 1;
                self.seq += 1;
                if self.seq > self.after {
                    let text = String::from_utf8(self.buffer[line].to_vec()).map_err(io::Error::other)?;
                    // One that stands there from before that was looked after.
                    let told = match fitting::event(&text) {
                        Cow::Owned(told) => Some(told),
                        Cow::Borrowed(_) => None,
                    };
                    return Ok(Some((self.seq, told.unwrap_or(text))));
                }
            }
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Where what it has read and not told begins in the file.
    #[cfg(test)]
    pub(super) fn passed_over(&self) -> u64 {
        self.at
    }

    /// Reads on; what is written, and no more, so that no event is seen before it is whole. False at the end.
    async fn read(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.done);
        self.at += std::mem::take(&mut self.done) as u64;
        let have = self.at + self.buffer.len() as u64;
        let behind = |written: &Written| written.bytes > have || written.is_final;
        let written = match self.written.wait_for(behind).await {
            Ok(written) => *written,
            // Whoever wrote it is gone.
            Err(_) => return Ok(false),
        };
        if written.bytes <= have {
            // All that stands in it was read; whoever waits for more has to know that there was more.
            return written.lost.map_or(Ok(false), |why| Err(super::unwritten(why)));
        }
        if self.file.is_none() {
            if self.after > 0 && have == 0 && written.bytes > NEAR {
                let (path, after) = (self.path.clone(), self.after);
                let found = tokio::task::spawn_blocking(move || place_of(&path, after, written.bytes)).await;
                (self.at, self.seq) = found.map_err(io::Error::other)??;
            }
            let have = self.at;
            let mut file = File::open(&self.path).await?;
            file.seek(SeekFrom::Start(have)).await?;
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else { return Ok(false) };
        let have = self.at + self.buffer.len() as u64;
        let most = usize::try_from(written.bytes - have).unwrap_or(READ).min(READ);
        let mut piece = vec![0; most];
        let read = file.read(&mut piece).await?;
        self.buffer.extend_from_slice(&piece[..read]);
        Ok(read > 0)
    }
}

/// The number of an event, wherever in its line it stands.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

/// Where in a log an event begins that is not behind the one that follows `after`, and how many are before it: halving the
/// log until what is left is short.
fn place_of(path: &Path, after: u64, bytes: u64) -> io::Result<(u64, u64)> {
    let mut reader = io::BufReader::new(std::fs::File::open(path)?);
    let (mut place, mut end) = ((0, 0), bytes);
    let mut line = Vec::new();
    while end - place.0 > NEAR {
        let middle = place.0 + (end - place.0) / 2;
        reader.seek(SeekFrom::Start(middle))?;
        line.clear();
        let start = middle + reader.read_until(b'\n', &mut line)? as u64;
        line.clear();
        let is_before_end = start < end && reader.read_until(b'\n', &mut line)? > 0;
        // Where one line fills all of the rest, or cannot be read, what is before it is near enough.
        let seq = is_before_end.then(|| serde_json::from_slice::<Numbered>(&line).ok()).flatten().map(|line| line.seq);
        match seq {
            Some(seq) if seq <= after + 1 => place = (start, seq - 1),
            Some(_) | None => end = middle,
        }
    }
    Ok(place)
}
