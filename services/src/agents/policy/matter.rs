//! What is asked, looked at once: its parts, what is dangerous about each, and which of them are harmless. Looks at the disk.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::permission::{Action, Risk};
use super::super::scope;
use super::call::{Call, Standing, Wraps, calls};
use super::danger::{self, Finding, Scene};
use super::harmless;
use super::place::{Ground, Place};
use super::shell::{Join, Way};

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
    pub(super) subject: Subject,
    pub(super) findings: Vec<Finding>,
    /// By which rule it needs no person.
    pub(super) harmless: Option<&'static str>,
    /// Whether just this is done: there is nothing in it that is only known later.
    pub(super) is_exact: bool,
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
        let line = asked.command.map(str::to_owned).or_else(|| line(asked.input?));
        let cwd = asked.input.and_then(|input| input["cwd"].as_str().or(input["rawInput"]["cwd"].as_str()));
        let cwd = cwd.map(Path::new).filter(|cwd| cwd.is_absolute()).unwrap_or(&ground.folder);
        // Some agents say of a command that it reads, or that it changes files.
        let may_run = matches!(action, Action::Command | Action::Read | Action::FileChange);
        if let Some(line) = line.filter(|line| may_run && !line.trim().is_empty()) {
            let mut matter = command(&line, cwd, ground);
            let unbound = asked.input.is_some_and(|input| input["dangerouslyDisableSandbox"] == true);
            matter.unclear = matter.unclear.or(unbound.then(|| "it runs outside of the agent's sandbox".to_owned()));
            return matter;
        }
        match action {
            Action::Command => unknown(action),
            Action::FileChange | Action::Read if !asked.paths.is_empty() => files(action, asked.paths, ground),
            Action::Network => {
                let host = asked.input.and_then(host);
                let part = Part {
                    subject: host.map_or(Subject::Other, Subject::Host),
                    findings: Vec::new(),
                    harmless: None,
                    is_exact: true,
                };
                Matter { action, parts: vec![part], unclear: None }
            }
            Action::FileChange | Action::Read | Action::McpTool | Action::ModeSwitch | Action::Unknown => {
                unknown(action)
            }
        }
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

fn unknown(action: Action) -> Matter {
    Matter { action, parts: Vec::new(), unclear: None }
}

/// The line that is run, as agents tell it.
fn line(input: &Value) -> Option<String> {
    let told = [&input["command"], &input["rawInput"]["command"], &input["rawInput"]["cmd"]];
    told.into_iter().find_map(|told| match told {
        Value::String(line) => Some(line.clone()),
        Value::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            Some(shell_words::join(words?))
        }
        _ => None,
    })
}

/// The host in an address that is asked for.
fn host(input: &Value) -> Option<String> {
    let named = input["network"]["host"].as_str().map(str::to_owned);
    named.or_else(|| {
        let (_, rest) = input["url"].as_str()?.split_once("://")?;
        let host = rest.split(['/', '?', '#', '\\']).next()?;
        let is_plain = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
        is_plain.then(|| host.to_ascii_lowercase())
    })
}

fn files(action: Action, paths: &[String], ground: &Ground) -> Matter {
    let scene = Scene { ground, cwd: &ground.folder, has_fetched: false };
    let part = |path: &String| {
        let place = ground.place(&ground.folder, path);
        let finding = match action {
            Action::FileChange => danger::written(path, true, &scene),
            _ => danger::read(path, true, &scene),
        };
        let is_inside = place == Place::Inside || (action == Action::Read && place == Place::Folder);
        let rule = if action == Action::FileChange { "change_inside" } else { "read_inside" };
        let real = scope::real(&ground.folder.join(path));
        Part {
            harmless: (is_inside && finding.is_none()).then_some(rule),
            findings: finding.into_iter().collect(),
            is_exact: real.is_some(),
            subject: Subject::File(real.unwrap_or_else(|| ground.folder.join(path))),
        }
    };
    Matter { action, parts: paths.iter().map(part).collect(), unclear: None }
}

fn command(line: &str, cwd: &Path, ground: &Ground) -> Matter {
    let calls = calls(line);
    // Where lines are read by another grammar, nothing is sure.
    let other = cfg!(windows).then_some("the system's own shell may read it");
    let unclear = calls.unclear.first().copied().or(other);
    let unclear = unclear.map(|why| format!("it cannot be understood in full ({why})"));
    let fetched_inside = calls.calls.iter().any(|call| call.standing == Standing::Inner && danger::fetches(call));
    let mut place = Some(cwd.to_owned());
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
        let scene = Scene { ground, cwd: here, has_fetched: pipe_has_fetched || fetched_inside };
        let entered = harmless::entered(call, &scene).filter(|_| place.is_some() && is_waited_for(&calls.calls, at));
        parts.push(part(call, &scene, place.is_some(), entered.is_some()));
        if ["cd", "pushd", "popd", "chdir"].contains(&call.name.as_str()) {
            place = entered;
        }
        pipe_has_fetched |= danger::fetches(call);
    }
    Matter { action: Action::Command, parts, unclear }
}

fn has_moved(calls: &[Call]) -> bool {
    calls.iter().any(|call| ["cd", "pushd", "popd", "chdir"].contains(&call.name.as_str()))
}

/// Whether a call is no part of a pipeline, and what follows is done only if it went well.
fn is_waited_for(calls: &[Call], at: usize) -> bool {
    let next = calls[at + 1..].iter().find(|call| call.standing == Standing::Line);
    calls[at].standing == Standing::Line
        && calls[at].join != Join::Pipe
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
    let is_exact = is_placed && is_redirected_well && call.is_known() && call.assignments.is_empty();
    let is_harmless = is_exact && findings.is_empty() && (enters || harmless::is_harmless(call, scene));
    Part {
        subject: Subject::Command(call.words.iter().map(|word| word.text.clone()).collect()),
        findings,
        harmless: is_harmless.then_some(if call.wraps == Wraps::Exactly { super::WRAPPER } else { "looks_only" }),
        is_exact,
    }
}
