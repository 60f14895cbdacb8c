//! Where rules are: the configuration's, those of sessions in memory, those for good in a file each, private to their user.
//! They are read from the disk each time, so that what is revoked is revoked at once, by whichever daemon.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::identifier::identifier;
use super::super::permission::Action;
use super::rule::{Effect, PolicyConfig, Rule, RuleScope, RuleSource};
use super::{Remembered, builtin};

/// A rule is not written down, or not removed.
#[derive(Debug, thiserror::Error)]
#[error("the rule cannot be kept in {}", folder.display())]
pub(in super::super) struct NotKept {
    folder: PathBuf,
    source: io::Error,
}

/// The rules.
#[derive(Debug)]
pub(super) struct Store {
    config: Vec<Rule>,
    folder: PathBuf,
    of_sessions: Mutex<HashMap<String, Vec<Rule>>>,
}

impl Store {
    pub(super) fn new(config: PolicyConfig, folder: &Path) -> Store {
        let rule = |(at, rule): (usize, super::ConfigRule)| Rule {
            id: format!("config:{}", at + 1),
            source: RuleSource::Config,
            effect: rule.effect,
            text: told(rule.effect, rule.action, rule.pattern.as_deref()),
            action: rule.action,
            pattern: rule.pattern,
            scope: RuleScope::Always,
            session_id: None,
            cwd: None,
            created_at_ms: None,
        };
        let config = config.rules.into_iter().enumerate().map(rule).collect();
        Store { config, folder: folder.join("policy"), of_sessions: Mutex::default() }
    }

    /// The rules that decide in a folder, and in a session.
    pub(super) fn rules_for(&self, session: Option<&str>, folder: &Path) -> Vec<Rule> {
        let of_folder = |rule: &Rule| rule.cwd.as_deref().map(Path::new) == Some(folder);
        let kept = self.kept().into_iter().filter(of_folder);
        let sessions = self.sessions();
        let of_session = session.and_then(|session| sessions.get(session)).into_iter().flatten().cloned();
        self.config.iter().cloned().chain(kept).chain(of_session).collect()
    }

    pub(super) fn list(&self, session: Option<(&str, &Path)>) -> Vec<Rule> {
        let known = match session {
            Some((session, folder)) => self.rules_for(Some(session), folder),
            None => {
                let of_sessions: Vec<Rule> = self.sessions().values().flatten().cloned().collect();
                self.config.iter().cloned().chain(self.kept()).chain(of_sessions).collect()
            }
        };
        known.into_iter().chain(builtin::rules()).collect()
    }

    pub(super) fn remember(
        &self,
        what: &[Remembered],
        is_kept: bool,
        session: &str,
        folder: &Path,
        now_ms: u64,
    ) -> Result<(), NotKept> {
        let cwd = folder.to_string_lossy().into_owned();
        for Remembered { action, pattern } in what {
            let rule = Rule {
                id: identifier("rule"),
                source: RuleSource::Person,
                effect: Effect::Allow,
                text: told(Effect::Allow, Some(*action), Some(pattern)),
                action: Some(*action),
                pattern: Some(pattern.clone()),
                scope: if is_kept { RuleScope::Folder } else { RuleScope::Session },
                session_id: (!is_kept).then(|| session.to_owned()),
                cwd: Some(cwd.clone()),
                created_at_ms: Some(now_ms),
            };
            match is_kept {
                true => self.keep(&rule).map_err(|source| self.not_kept(source))?,
                false => self.sessions().entry(session.to_owned()).or_default().push(rule),
            }
        }
        Ok(())
    }

    pub(super) fn revoke(&self, id: &str) -> Result<bool, NotKept> {
        let mut sessions = self.sessions();
        for rules in sessions.values_mut() {
            let before = rules.len();
            rules.retain(|rule| rule.id != id);
            if rules.len() < before {
                return Ok(true);
            }
        }
        if !is_id(id) {
            return Ok(false);
        }
        match fs::remove_file(self.path(id)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.not_kept(error)),
        }
    }

    pub(super) fn forget(&self, session: &str) {
        self.sessions().remove(session);
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Vec<Rule>>> {
        self.of_sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn not_kept(&self, source: io::Error) -> NotKept {
        NotKept { folder: self.folder.clone(), source }
    }

    /// Writes a rule under another name first, so that nobody ever reads half of it.
    fn keep(&self, rule: &Rule) -> io::Result<()> {
        write(&self.path(&rule.id), &serde_json::to_vec_pretty(rule)?)
    }

    /// The rules that are on the disk. One that cannot be read allows nothing.
    fn kept(&self) -> Vec<Rule> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let rule = |entry: io::Result<fs::DirEntry>| {
            let path = entry.ok()?.path();
            let rule: Rule = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            let is_sound = rule.source == RuleSource::Person
                && rule.scope == RuleScope::Folder
                && rule.action.is_some()
                && rule.pattern.is_some()
                && path.file_stem().and_then(|name| name.to_str()) == Some(&rule.id);
            is_sound.then_some(rule)
        };
        let mut rules: Vec<Rule> = entries.filter_map(rule).collect();
        rules.sort_by(|one, other| (one.created_at_ms, &one.id).cmp(&(other.created_at_ms, &other.id)));
        rules
    }
}

fn is_id(id: &str) -> bool {
    id.starts_with("rule_") && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Writes a file that only its user can open, with the folder that it is in, all of it or nothing.
pub(in super::super) fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let draft = folder.join(identifier(".draft"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&draft, path));
    if renamed.is_err() {
        // What is left of it is of no use to anybody.
        let _ = fs::remove_file(&draft);
    }
    renamed
}

fn told(effect: Effect, action: Option<Action>, pattern: Option<&str>) -> String {
    let what = match action {
        Some(Action::Command) => "commands",
        Some(Action::FileChange) => "changes of files",
        Some(Action::McpTool) => "tools of MCP servers",
        Some(Action::Network) => "the network",
        Some(Action::Read) => "reading",
        Some(Action::ModeSwitch) => "going over to another mode",
        Some(Action::Unknown) => "what is not known here",
        None => "everything",
    };
    let verb = match effect {
        Effect::Allow => "allows",
        Effect::Ask => "asks about",
        Effect::Deny => "denies",
    };
    pattern.map_or_else(|| format!("{verb} {what}"), |pattern| format!("{verb} {what}: {pattern}"))
}
