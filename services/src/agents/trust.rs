//! Whether what a folder says to agents is listened to: tool servers, hooks, settings that lie in it and may be anybody's. A
//! person trusts it by its path and by what the files hold; when one of them changes, the trust is gone. What is read now may
//! be another thing when an agent reads it.

mod checkout;
mod folders;
mod names;
mod places;
mod programs;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::agent::Outdated;
use super::permission::sha256;
use super::policy::write_privately;
use super::problem::{Problem, ProblemKind};
use super::runs;
pub(super) use checkout::main_checkouts;
pub(super) use folders::taken_by_claude;
pub(super) use names::are_settings;
pub(super) use places::Places;
pub(super) use programs::Configured;
use settings::Settings;
pub use settings::SettingsFile;

/// What becomes of the settings that lie in a folder when an agent is started in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FolderSettings {
    /// They are not to be loaded: nobody trusts them.
    #[default]
    Withheld,
    /// There are instructions for models alone that the agent would load, and nobody trusts them: they are not to be loaded by
    /// an agent that can be kept from it.
    Unread,
    /// There is nothing that the agent would load.
    Absent,
    /// They are loaded: a person trusts them as they are.
    Trusted,
}

/// The files of a folder that an agent is not to load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WithheldFiles {
    /// Their full paths.
    pub files: Vec<PathBuf>,
    /// Whether there are no others: not where they are too many to be looked at, or one cannot be read.
    pub is_whole: bool,
}

/// What becomes of what an agent's program would run of the folder that it is started in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FolderCode {
    /// It would run nothing of it.
    Absent,
    /// A person trusts what it would run, as it is, which comes to this.
    Trusted(String),
    /// Nobody trusts it: these files.
    Withheld(String),
}

/// What an agent does with the settings that lie in the folder it works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsUse {
    /// It reads none.
    Ignores,
    /// It loads them, unless it is told not to.
    CanWithhold,
    /// It may load them, whatever it is told.
    Loads,
}

/// What is known of a folder's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// The files.
    pub(super) files: Vec<SettingsFile>,
    /// What they come to. None where there are none, or not all can be read.
    pub(super) sha256: Option<String>,
    /// Whether a person trusts them as they are.
    pub(super) is_trusted: bool,
    /// Whether a person trusted settings as they were.
    pub(super) has_changed: bool,
    /// Whether the trust is that of the folder whose worktree this is, for a run.
    pub(super) is_lent: bool,
    /// Whether all settings are known.
    are_settings_whole: bool,
    /// Whether a person trusts the settings as they are, whatever programs run beside them.
    are_settings_trusted: bool,
    /// What each program would run of the folder, where a person trusts that as it is, by its provider.
    programs: BTreeMap<String, Option<String>>,
    /// The providers of which the configuration says what their agents load.
    told: BTreeSet<String>,
}

impl Standing {
    /// What an agent of this provider may load.
    pub(super) fn read_by(&self, provider: &str) -> impl Iterator<Item = &SettingsFile> {
        let is_told = self.told.contains(provider);
        let is_read = move |file: &&SettingsFile| match is_told {
            true => file.is_named_for(provider),
            false => file.is_read_by(provider),
        };
        self.files.iter().filter(is_read)
    }

    /// What becomes of the settings for an agent of this provider.
    pub(super) fn settings_for(&self, provider: &str) -> FolderSettings {
        let read = || self.read_by(provider);
        match read().next().is_some() {
            false => FolderSettings::Absent,
            true if self.are_settings_trusted => FolderSettings::Trusted,
            true if read().all(SettingsFile::is_instruction) => FolderSettings::Unread,
            true => FolderSettings::Withheld,
        }
    }

    /// What is not to be loaded by an agent of this provider, where nobody trusts it.
    pub(super) fn withheld_from(&self, provider: &str) -> WithheldFiles {
        let read = self.read_by(provider);
        WithheldFiles { files: read.map(|file| file.place().to_owned()).collect(), is_whole: self.are_settings_whole }
    }

    /// The paths of the files that this provider reads.
    pub(super) fn named_for(&self, provider: &str) -> String {
        listed(self.read_by(provider).map(|file| file.path.as_str()))
    }

    /// What the program of this provider may run of the folder.
    pub(super) fn code_for(&self, provider: &str) -> FolderCode {
        match self.programs.get(provider) {
            None => FolderCode::Absent,
            Some(Some(sha256)) => FolderCode::Trusted(sha256.clone()),
            Some(None) => {
                let run = self.files.iter().filter(|file| file.is_run_by(provider));
                FolderCode::Withheld(listed(run.map(|file| file.path.as_str())))
            }
        }
    }
}

/// The first names, and whether there are more.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let more = names.len() > NAMED;
    names.into_iter().take(NAMED).chain(more.then_some("…")).collect::<Vec<_>>().join(", ")
}

/// The most files that are named.
const NAMED: usize = 4;

/// What an agent is told whose program would run what nobody trusts.
pub(super) fn unshown(names: &str) -> Problem {
    let text = format!("its program would run what lies in the folder and nobody trusts: {names}");
    let hint =
        "look at it, and trust it with trust.grant, or name what is to run by its full path in the configuration";
    Problem::new(ProblemKind::UntrustedWorkspace, text).hint(hint)
}

/// What a program would run of the folder that it is started in, unless it comes to this.
pub(super) fn untrusted_code(program: &Configured, cwd: &Path, trusted: Option<&str>) -> Option<Problem> {
    let (names, sha256) = settings::code(program, cwd, home().as_deref())?;
    let is_trusted = sha256.is_some() && sha256.as_deref() == trusted;
    (!is_trusted).then(|| unshown(&listed(names.iter().map(String::as_str))))
}

/// The person's home, without links.
pub(super) fn home() -> Option<PathBuf> {
    std::env::home_dir().and_then(|home| home.canonicalize().ok())
}

/// What an agent is told that would load settings that nobody trusts.
pub(super) fn untrusted(names: &str) -> Problem {
    let text = format!("the agent would load settings that lie in the folder and that nobody trusts: {names}");
    Problem::new(ProblemKind::UntrustedWorkspace, text).hint(
        "look at them, and trust them with trust.grant, or remove them, or say in the configuration what settings this agent \
         loads",
    )
}

/// What an agent is told whose program is too old to be kept from settings that nobody trusts.
pub(super) fn unkept(program: &Outdated, names: &str) -> Problem {
    let Outdated { name, version, oldest } = program;
    let text =
        format!("{name} {version} cannot be kept from settings that lie in the folder and that nobody trusts: {names}");
    Problem::new(ProblemKind::UntrustedWorkspace, text)
        .hint(format!("update it to {oldest} or newer, or look at them, and trust them with trust.grant"))
}

/// What was trusted.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    cwd: PathBuf,
    /// What the settings come to; empty where there were none.
    sha256: String,
    /// What each program would run, by its provider.
    #[serde(default)]
    programs: BTreeMap<String, String>,
}

/// What no settings come to.
const OTHER: &str = "other";

/// The folders that people trust, in a file each, private to their user.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    /// What is the daemon's.
    dir: PathBuf,
    home: Option<PathBuf>,
    programs: Arc<BTreeMap<String, Configured>>,
}

impl Trust {
    /// Those that are kept below the daemon's folder, with the programs of the configuration, by their providers.
    pub(super) fn below(dir: &Path, programs: BTreeMap<String, Configured>) -> Trust {
        Trust { dir: dir.to_owned(), home: home(), programs: Arc::new(programs) }
    }

    /// Whether the program of this provider may run something of a folder.
    pub(super) fn knows(&self, provider: &str) -> bool {
        self.programs.get(provider).is_some_and(Configured::takes_code)
    }

    /// Looks at a folder, given without links. Reads its settings: not for a thread that must not wait.
    pub(super) fn standing(&self, cwd: &Path) -> Standing {
        let now = self.read(cwd);
        let (record, is_lent) = match self.record(cwd) {
            None => (self.lent(cwd, &now), true),
            own => (own, false),
        };
        let Settings { files, sha256, settings, programs, .. } = now;
        let is_trusted = |known: Option<&String>, now: &Option<String>| now.is_some() && known == now.as_ref();
        let trusted = record.as_ref().map(|record| &record.sha256).filter(|trusted| !trusted.is_empty());
        let are_settings_trusted = is_trusted(trusted, &settings);
        let has_settings = files.iter().any(SettingsFile::is_setting);
        let known = |provider: &String| record.as_ref().and_then(|record| record.programs.get(provider));
        let programs: BTreeMap<_, _> = programs
            .into_iter()
            .map(|(provider, now)| {
                let is_trusted = is_trusted(known(&provider), &now);
                (provider, now.filter(|_| is_trusted))
            })
            .collect();
        let told = self.programs.iter().filter(|(_, program)| program.settings().is_some());
        Standing {
            has_changed: trusted.is_some() && !are_settings_trusted && has_settings,
            is_trusted: !files.is_empty()
                && (are_settings_trusted || !has_settings)
                && programs.values().all(Option::is_some),
            is_lent: is_lent && record.is_some(),
            are_settings_whole: settings.is_some(),
            are_settings_trusted,
            programs,
            told: told.map(|(provider, _)| provider.clone()).collect(),
            files,
            sha256,
        }
    }

    /// The folders in which something changes when settings do that agents of this provider load. Reads folders, as
    /// [`Trust::standing`] does.
    pub(super) fn places(&self, cwd: &Path, provider: &str) -> Places {
        let read = self.read(cwd).files.into_iter().filter(|file| file.is_read_by(provider));
        Places::of(cwd, self.home.as_deref(), read.map(|file| file.place().to_owned()))
    }

    /// Trusts a folder's settings as they are, and what programs would run of it, if that is what they come to; else gives
    /// what they do.
    ///
    /// # Errors
    /// It cannot be written down.
    pub(super) fn grant(&self, cwd: &Path, sha256: &str) -> io::Result<Result<(), Option<String>>> {
        let Settings { sha256: now, settings, programs, .. } = self.read(cwd);
        if now.as_deref() != Some(sha256) {
            return Ok(Err(now));
        }
        let programs = programs.into_iter().filter_map(|(provider, sha256)| Some((provider, sha256?))).collect();
        let record = Record { cwd: cwd.to_owned(), sha256: settings.unwrap_or_default(), programs };
        write_privately(&self.path(cwd), &serde_json::to_vec_pretty(&record)?).map(Ok)
    }

    fn read(&self, cwd: &Path) -> Settings {
        Settings::read(cwd, self.home.as_deref(), &self.programs)
    }

    /// Trusts a folder no more: neither for itself nor for the folder whose worktree it is.
    ///
    /// # Errors
    /// What was written down cannot be removed, or it cannot be written down.
    pub(super) fn revoke(&self, cwd: &Path) -> io::Result<()> {
        if runs::origin(&self.dir, cwd).is_some() {
            // What a worktree has a record for is lent to it no more.
            let nothing = Record { cwd: cwd.to_owned(), sha256: String::new(), programs: BTreeMap::new() };
            return write_privately(&self.path(cwd), &serde_json::to_vec_pretty(&nothing)?);
        }
        match fs::remove_file(self.path(cwd)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn record(&self, cwd: &Path) -> Option<Record> {
        let record: Record = serde_json::from_slice(&fs::read(self.path(cwd)).ok()?).ok()?;
        (record.cwd == cwd).then_some(record)
    }

    /// What is trusted in the folder whose worktree this is, for a run, as far as it is still so. It holds for the same, at the
    /// same place in it, and where nothing is loaded from beside it that is not among what is trusted there.
    fn lent(&self, cwd: &Path, now: &Settings) -> Option<Record> {
        let origin = runs::origin(&self.dir, cwd)?;
        let mut record = self.record(&origin)?;
        let there = self.read(&origin);
        record
            .programs
            .retain(|provider, known| there.programs.get(provider).is_some_and(|now| now.as_ref() == Some(known)));
        let is_so = there.settings.as_ref() == Some(&record.sha256);
        let is_same = now.own.is_some() && now.own == there.own && there.holds(&now.beside);
        if is_so && is_same {
            record.sha256 = now.settings.clone().unwrap_or_default();
        } else if !record.sha256.is_empty() {
            record.sha256 = OTHER.to_owned();
        }
        Some(record)
    }

    fn path(&self, cwd: &Path) -> PathBuf {
        let name = sha256(cwd.as_os_str().as_encoded_bytes());
        self.dir.join("trust").join(format!("{name}.json"))
    }
}
