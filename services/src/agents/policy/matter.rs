//! What is asked, looked at once: its parts, what is dangerous about each, and which of them are harmless. Looks at the disk.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::permission::{Action, Risk};
use super::call::{Call, Standing, Wraps, calls};
use super::danger::{self, Finding, Scene, Stand};
use super::harmless;
use super::input;
use super::place::{Ground, Place};
use super::shell::{Join, Way};
use super::touched::{Touch, touched};

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matter {
    pub(super) action: Action,
    /// What it comes to. Nothing where that is not known.
    pub(super) parts: Vec<Part>,
    /// What is not understood of it.
    pub(super) unclear: Option<String>,
}

/// One thing that would be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// What it is, whatever the agent calls all of it.
    pub(super) action: Action,
    pub(super) subject: Subject,
    pub(super) findings: Vec<Finding>,
    /// By which rule it needs no person.
    pub(super) harmless: Option<&'static str>,
    /// Whether just this is done: there is nothing in it that is only known later.
    pub(super) is_exact: bool,
    /// Whether it is done in the session's folder itself.
    pub(super) is_here: bool,
    /// Whether what a command writes goes into a file.
    pub(super) writes: bool,
    /// Whether its words tell what it does: it is fed nothing that may be another thing the next time.
    pub(super) is_told: bool,
    /// Files that are touched by it, for rules that deny or ask.
    pub(super) touches: Vec<Touch>,
}

/// What a rule may be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A program and what it is given.
    Command(Vec<String>),
    /// A file, without links where it could be found.
    File(PathBuf),
    /// A name in the network.
    Host(String),
    /// Anything else.
    Other,
}

/// What somebody wants to be looked at.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Asked<'a> {
    /// The line of a command.
    pub(in super::super) command: Option<&'a str>,
    /// Files.
    pub(in super::super) paths: &'a [String],
    /// What a yes allows.
    pub(in super::super) input: Option<&'a Value>,
}

impl Matter {
    pub(super) fn look(action: Action, asked: &Asked<'_>, ground: &Ground) -> Matter {
        // Some agents say of a command that it reads, or that it changes files.
        let may_run = matches!(action, Action::Command | Action::Read | Action::FileChange);
        let told = || asked.input.map(input::lines).unwrap_or_default();
        let mut lines = asked.command.map_or_else(told, |line| vec![line.to_owned()]);
        lines.retain(|line| may_run && !line.trim().is_empty());
        let run = lines.iter().map(|line| run(line, asked.input, ground)).reduce(Matter::with);
        let beside = || asked.input.and_then(|input| input::beside(action, input));
        let run = run.map(|run| Matter { unclear: run.unclear.clone().or_else(beside), ..run });
        let is_file = matches!(action, Action::FileChange | Action::Read) && !asked.paths.is_empty();
        let told = is_file.then(|| files(action, asked, ground));
        match (run, told) {
            // What a model adds to what it asks for takes nothing away from it.
            (Some(run), Some(told)) => run.with(told),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) if action == Action::Network => reached(asked.input.and_then(input::host)),
            (None, None) => Matter { action, parts: Vec::new(), unclear: None },
        }
    }

    /// This, and another one with it.
    fn with(self, other: Matter) -> Matter {
        let parts = self.parts.into_iter().chain(other.parts).collect();
        Matter { parts, unclear: self.unclear.or(other.unclear), ..self }
    }

    /// Everything that is dangerous about it.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.parts.iter().flat_map(|part| &part.findings)
    }

    /// How much harm may be done.
    pub(super) fn risk(&self) -> Risk {
        let worst = self.findings().map(|finding| finding.risk).max();
        let is_harmless = !self.parts.is_empty() && self.parts.iter().all(|part| part.harmless.is_some());
        let base = match self.action {
            _ if self.unclear.is_some() => Risk::High,
            Action::Command if is_harmless => Risk::Low,
            Action::Command if !self.parts.is_empty() => Risk::Medium,
            action => action.risk(),
        };
        worst.map_or(base, |worst| worst.max(base))
    }
}

fn reached(host: Option<String>) -> Matter {
    let (action, subject) = (Action::Network, host.map_or(Subject::Other, Subject::Host));
    let part = Part {
        action,
        subject,
        findings: Vec::new(),
        harmless: None,
        is_exact: true,
        is_here: true,
        writes: false,
        is_told: true,
        touches: Vec::new(),
    };
    Matter { action, parts: vec![part], unclear: None }
}

fn files(action: Action, asked: &Asked<'_>, ground: &Ground) -> Matter {
    let scene = Scene { ground, cwd: &ground.folder, stand: Stand::Here, has_fetched: false, searches: 0 };
    let deletes = asked.input.is_some_and(input::deletes);
    let part = |path: &String| {
        let place = ground.place(&ground.folder, path);
        let is_known = is_plain(path) && ground.is_one(&ground.folder, path);
        let mut findings: Vec<Finding> = match action {
            Action::FileChange => danger::written(path, is_known, &scene).into_iter().collect(),
            _ => danger::read(path, is_known, &scene).into_iter().collect(),
        };
        if !is_known && findings.is_empty() {
            let text = format!("{path:?} may be another file than it seems");
            findings.push(Finding::new("unknown_file", Risk::High, text));
        }
        findings.extend(danger::hidden([path.as_str()]));
        if deletes {
            findings.extend(danger::held(path, &scene));
            findings.push(Finding::new("delete", Risk::Medium, format!("deletes {path}")));
        }
        let is_inside = place == Place::Inside || (action == Action::Read && place == Place::Folder);
        let rule = if action == Action::FileChange { "change_inside" } else { "read_inside" };
        let real = ground.real(&ground.folder, path);
        let touch =
            |real: &PathBuf| Touch { action, path: real.clone(), is_deep: real.is_dir(), through: None, is_sure: true };
        Part {
            action,
            touches: real.iter().map(touch).collect(),
            harmless: (is_inside && findings.is_empty()).then_some(rule),
            findings,
            is_exact: real.is_some() && is_known && !deletes,
            is_here: true,
            writes: false,
            is_told: true,
            subject: Subject::File(real.unwrap_or_else(|| ground.folder.join(path))),
        }
    };
    // What a model writes into its input may be what the tool goes by.
    let mut paths: Vec<String> = asked.paths.to_vec();
    paths.extend(asked.input.into_iter().flat_map(input::files).map(str::to_owned));
    let mut seen = HashSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    let moves = asked.input.is_some_and(input::moves);
    let unclear = match paths.len() {
        0 | 1 if moves => Some("where it is moved to is not told"),
        count if count > FILES => Some("it is about more files than are looked at"),
        _ => None,
    };
    let parts = paths.iter().take(FILES).map(part).collect();
    Matter { action, parts, unclear: unclear.map(str::to_owned) }
}

/// The most files that are looked at.
const FILES: usize = 1_000;

/// Whether a path is what it is written as: some agents cut off blanks, and take addresses of files.
fn is_plain(path: &str) -> bool {
    let is_address = path.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:"));
    path.trim() == path && !is_address && !path.chars().any(char::is_control)
}

/// A command, looked at from wherever it may run: what is told may be what the agent goes by, or nothing to it.
fn run(line: &str, input: Option<&Value>, ground: &Ground) -> Matter {
    let mut matter = command(line, &ground.folder, ground);
    for folder in input.into_iter().flat_map(input::folders) {
        let there = ground.folder.join(folder);
        let elsewhere = match ground.folder_at(&ground.folder, folder) {
            Some(there) => command(line, &there, ground),
            None => {
                let text = format!("it runs in {folder}, which is not in the session's folder");
                let mut elsewhere = command(line, &there, ground);
                elsewhere.parts.iter_mut().for_each(|part| part.lead_away(text.clone()));
                elsewhere
            }
        };
        matter.parts = matter.parts.into_iter().zip(elsewhere.parts).map(|(one, other)| one.and(other)).collect();
    }
    let is_unbound = input.is_some_and(input::is_unbound);
    let unbound = || "it may do what the agent's sandbox keeps others from".to_owned();
    matter.unclear = matter.unclear.or(is_unbound.then(unbound));
    matter
}

impl Part {
    /// It is done elsewhere.
    fn lead_away(&mut self, text: String) {
        self.findings.push(Finding::new("outside", Risk::Medium, text));
        (self.harmless, self.is_exact) = (None, false);
    }

    /// The same, as it looks from two places.
    fn and(mut self, other: Part) -> Part {
        let more = other.findings.into_iter().filter(|finding| !self.findings.contains(finding));
        let more: Vec<Finding> = more.collect();
        self.findings.extend(more);
        self.harmless = self.harmless.filter(|_| other.harmless.is_some());
        self.is_exact &= other.is_exact;
        self.is_here &= other.is_here;
        self.touches.extend(other.touches);
        self
    }
}

/// A command that runs in this folder.
fn command(line: &str, cwd: &Path, ground: &Ground) -> Matter {
    let calls = calls(line);
    // Where lines are read by another grammar, nothing is sure.
    let other = cfg!(windows).then_some("the system's own shell may read it");
    let unclear = calls.unclear.first().copied().or(other);
    let unclear = unclear.map(|why| format!("it cannot be understood in full ({why})"));
    let fetched_inside = calls.calls.iter().any(|call| call.standing == Standing::Inner && danger::fetches(call));
    let mut place = Some(cwd.to_owned());
    let mut has_left = false;
    let mut pipe_has_fetched = false;
    let mut parts = Vec::new();
    for (at, call) in calls.calls.iter().enumerate() {
        if call.join != Join::Pipe {
            pipe_has_fetched = false;
        }
        // Where the command in front of it has gone is only known where it was waited for, and where that went well.
        if call.join != Join::And
            && call.join != Join::Pipe
            && at > 0
            && call.standing == Standing::Line
            && has_moved(&calls.calls[..at])
        {
            place = None;
        }
        let here = place.as_deref().unwrap_or(cwd);
        let stand = match (place.is_some(), has_left) {
            (true, _) => Stand::Here,
            (false, false) => Stand::Within,
            (false, true) => Stand::Anywhere,
        };
        let has_fetched = pipe_has_fetched || fetched_inside;
        let searches = calls.calls[..at].iter().filter(|call| call.name == "rg").take(SEARCHES).count();
        let scene = Scene { ground, cwd: here, stand, has_fetched, searches };
        let entered = harmless::entered(call, &scene).filter(|_| place.is_some() && is_waited_for(&calls.calls, at));
        parts.push(part(call, &scene, place.is_some(), entered.is_some()));
        if MOVES.contains(&call.name.as_str()) {
            has_left |= !stays(call, &scene);
            place = entered;
        }
        pipe_has_fetched |= danger::fetches(call);
    }
    // Looking through folders takes time: of others, it is said that they may hold anything.
    let searches =
        parts.iter_mut().flat_map(|part: &mut Part| &mut part.touches).filter(|touch| touch.through.is_some());
    searches.skip(SEARCHES).for_each(|touch| touch.through = None);
    Matter { action: Action::Command, parts, unclear }
}

/// The most folders that a line has searched of which it is looked up what is in them.
pub(super) const SEARCHES: usize = 8;

fn has_moved(calls: &[Call]) -> bool {
    calls.iter().any(|call| MOVES.contains(&call.name.as_str()))
}

/// Commands that go to another folder.
const MOVES: [&str; 4] = ["cd", "pushd", "popd", "chdir"];

/// Whether a command that goes to another folder goes to one of the session's, if it goes at all: by words, as shells do, or by
/// links, as programs do.
fn stays(call: &Call, scene: &Scene<'_>) -> bool {
    let [_, folder] = call.words.as_slice() else { return false };
    let is_named = folder.is_known && !folder.text.is_empty() && !folder.text.starts_with('-');
    let place = || scene.ground.place(scene.cwd, &folder.text);
    let is_straight = || scene.ground.is_straight(scene.cwd, &folder.text);
    is_named
        && scene.stand != Stand::Anywhere
        && matches!(place(), Place::Inside | Place::Folder | Place::Delicate)
        && is_straight()
}

/// Whether a call is no part of a pipeline and done in any case where what follows is, which is done only if it went well: what
/// stands behind `a || b &&` is done as well where `a` went well and `b` was passed over.
fn is_waited_for(calls: &[Call], at: usize) -> bool {
    let next = calls[at + 1..].iter().find(|call| call.standing == Standing::Line);
    calls[at].standing == Standing::Line
        && !matches!(calls[at].join, Join::Pipe | Join::Or)
        && next.is_some_and(|next| next.join == Join::And)
}

fn part(call: &Call, scene: &Scene<'_>, is_placed: bool, enters: bool) -> Part {
    let findings = danger::findings(call, scene);
    let is_redirected_well = call.redirects.iter().all(|redirect| match redirect.way {
        Way::Same => redirect.target.is_known,
        Way::Text => false,
        Way::Read | Way::Write => {
            let place = scene.ground.place(scene.cwd, &redirect.target.text);
            redirect.target.is_known && matches!(place, Place::Inside | Place::Nowhere)
        }
    });
    let is_redirected_well = is_redirected_well && !danger::is_redirected_badly(call, scene);
    let is_exact = is_placed && is_redirected_well && call.is_known() && call.assignments.is_empty();
    let is_harmless = is_exact && findings.is_empty() && (enters || harmless::is_harmless(call, scene));
    Part {
        action: Action::Command,
        subject: Subject::Command(call.words.iter().map(|word| word.text.clone()).collect()),
        is_told: danger::is_told(call, scene, &findings),
        findings,
        harmless: is_harmless.then_some(if call.wraps == Wraps::Exactly { super::WRAPPER } else { "looks_only" }),
        is_exact,
        is_here: scene.cwd == scene.ground.folder,
        writes: call.redirects.iter().any(|redirect| {
            redirect.way == Way::Write && scene.ground.place(scene.cwd, &redirect.target.text) != Place::Nowhere
        }),
        touches: touched(call, scene),
    }
}
