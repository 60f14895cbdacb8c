//! What the files of a store say: the newest snapshot that is whole, then the commits of the logs behind it, up to the first
//! record that is not one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::folder::{Folder, private};
use super::record::{Found, Record, decode};
use crate::json::Json;
use crate::mutations::Mutations;
use crate::state::apply;

/// What a snapshot holds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) epoch: String,
    pub(super) revision: u64,
    /// The revision of the last commit in it that was written.
    pub(super) last: u64,
    pub(super) state: Json,
    pub(super) mutations: Mutations,
}

/// What was found when a hub was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Commits that were carried out again from the log.
    pub commits: u64,
    /// What was cut off, because it was not whole.
    pub cut: Option<Cut>,
    /// Whether commits that were answered may be lost. The epoch is another one then.
    pub lost: bool,
}

/// The part of a log that was cut off. It is kept beside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The log's name.
    pub file: String,
    /// Where it was cut, in bytes.
    pub offset: u64,
    /// How many bytes were cut off.
    pub bytes: u64,
    /// Why.
    pub reason: String,
}

/// The state as the files have it.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) saved: Saved,
    pub(super) report: Recovery,
    /// The log to go on with, and its length.
    pub(super) open: Option<(u64, u64)>,
    /// The length of the snapshot that it began with.
    pub(super) snapshot: u64,
    /// The highest number by which a file is called.
    pub(super) highest: u64,
    /// Whether there was anything.
    pub(super) existed: bool,
}

pub(super) fn recover(folder: &Folder, boot: Option<&str>) -> io::Result<Recovered> {
    let (saved, snapshot, bad_snapshot) = newest_snapshot(folder)?;
    let logs = folder.logs()?;
    let highest = folder.snapshots()?.into_iter().chain(logs.iter().copied()).max().unwrap_or(0);
    let existed = saved.revision > 0 || !logs.is_empty();
    let report = Recovery { lost: bad_snapshot, ..Recovery::default() };
    let mut replay = Replay { reserved: 0, closed: true, boot: None, report, saved };
    let mut open = None;
    for (at, log) in logs.iter().enumerate() {
        let (whole, length) = replay.log(folder, *log, at + 1 == logs.len())?;
        open = Some((*log, length));
        if !whole {
            for later in &logs[at + 1..] {
                replay.report.lost = true;
                set_aside(&folder.log(*later), &fs::read(folder.log(*later))?)?;
                fs::remove_file(folder.log(*later))?;
            }
            break;
        }
    }
    let same_boot = boot.is_some() && replay.boot.as_deref() == boot;
    // What a process wrote outlives it, but not the machine.
    replay.report.lost |= existed && !replay.closed && !same_boot;
    if !replay.closed {
        replay.saved.revision = replay.saved.revision.max(replay.reserved);
    }
    Ok(Recovered { saved: replay.saved, report: replay.report, open, snapshot, highest, existed })
}

/// The newest snapshot that is whole, with its length; and whether there is one that is not.
fn newest_snapshot(folder: &Folder) -> io::Result<(Saved, u64, bool)> {
    let mut bad = false;
    for revision in folder.snapshots()?.into_iter().rev() {
        match decode::<Saved>(&fs::read(folder.snapshot(revision))?) {
            Found::Record(saved, length) => return Ok((saved, length as u64, bad)),
            Found::End | Found::Torn | Found::Damaged(_) => {
                bad = true;
                fs::rename(folder.snapshot(revision), folder.snapshot(revision).with_extension("damaged"))?;
            }
        }
    }
    Ok((Saved { state: Json::object(), ..Saved::default() }, 0, bad))
}

struct Replay {
    saved: Saved,
    reserved: u64,
    closed: bool,
    boot: Option<String>,
    report: Recovery,
}

impl Replay {
    /// Carries out what a log says. Gives whether it is whole, and how long it is then.
    fn log(&mut self, folder: &Folder, number: u64, newest: bool) -> io::Result<(bool, u64)> {
        let path = folder.log(number);
        let bytes = fs::read(&path)?;
        let mut offset = 0;
        let reason = loop {
            match decode::<Record>(&bytes[offset..]) {
                Found::Record(record, length) => match self.record(record) {
                    Ok(()) => offset += length,
                    Err(reason) => {
                        self.report.lost = true;
                        break reason;
                    }
                },
                Found::End => return Ok((true, offset as u64)),
                // The commit was never answered: it is written to its end before.
                Found::Torn if newest => break "the last record was not written to its end".to_owned(),
                Found::Torn => {
                    self.report.lost = true;
                    break "a record was not written to its end".to_owned();
                }
                Found::Damaged(reason) => {
                    self.report.lost = true;
                    break reason.to_owned();
                }
            }
        };
        self.closed = false;
        self.cut(&path, &bytes, offset, reason)?;
        Ok((false, offset as u64))
    }

    fn record(&mut self, record: Record) -> Result<(), String> {
        match record {
            Record::Opened { epoch, revision, last, boot } => {
                // What comes next is behind the snapshot only if it is not older.
                if revision >= self.saved.revision && last > self.saved.last {
                    return Err(format!("commits up to revision {last} are missing before it"));
                }
                if revision >= self.saved.revision {
                    (self.saved.epoch, self.saved.revision) = (epoch, revision);
                }
                (self.boot, self.closed) = (boot, false);
            }
            Record::Commit { revision, ops, mutation } => {
                self.closed = false;
                if revision <= self.saved.last {
                    return Ok(());
                }
                let mut state = self.saved.state.clone();
                apply(&mut state, &ops).map_err(|_| format!("the commit of revision {revision} does not fit"))?;
                self.saved.state = state;
                if let Some(mutation) = &mutation {
                    self.saved.mutations.note(mutation, revision);
                }
                (self.saved.revision, self.saved.last) = (revision, revision);
                self.report.commits += 1;
            }
            Record::Reserved(revision) => self.reserved = self.reserved.max(revision),
            Record::Closed(revision) => {
                self.saved.revision = self.saved.revision.max(revision);
                self.closed = true;
            }
        }
        Ok(())
    }

    fn cut(&mut self, path: &Path, bytes: &[u8], offset: usize, reason: String) -> io::Result<()> {
        set_aside(path, &bytes[offset..])?;
        let file = fs::OpenOptions::new().write(true).open(path)?;
        file.set_len(offset as u64)?;
        file.sync_all()?;
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        self.report.cut = Some(Cut { file, offset: offset as u64, bytes: (bytes.len() - offset) as u64, reason });
        Ok(())
    }
}

/// Keeps what is cut off, for whoever wants to look at it.
fn set_aside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut aside = private().create(true).write(true).truncate(true).open(path.with_extension("cut"))?;
    aside.write_all(bytes)
}
