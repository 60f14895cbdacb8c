//! What may be done without a person, and why not: rules over what agents ask leave for. A request is looked at once, which
//! reads its command line and the disk; what is decided then follows from that and from the rules, and where a folder is searched
//! that may hold what a rule is about, from what is in it.

mod builtin;
mod call;
mod danger;
mod harmless;
mod input;
mod matter;
mod pattern;
mod place;
mod repository;
mod rule;
mod shell;
mod skill;
mod store;
mod touched;

use std::path::Path;
use std::sync::Arc;

use super::event::Mode;
use super::permission::{Action, Ask, Hit, OptionKind, PermissionOption, Risk};
use super::scope::Look;
pub(super) use matter::Asked;
use matter::{Matter, Part, Subject};
pub(super) use place::Ground;
pub use rule::{ConfigRule, Effect, PolicyConfig, Rule, RuleScope, RuleSource};
pub(super) use store::NotKept;
use store::Store;
pub(super) use store::write as write_privately;

/// Whether a program of this name runs what it is given as text, or what a folder tells it to.
pub(super) fn runs_texts(name: &str) -> bool {
    let lower = name.to_lowercase();
    let lower = lower.strip_suffix(".exe").unwrap_or(&lower);
    let name = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let runners = ["npx", "bunx", "uvx", "uv", "tsx", "ts-node", "make", "just", "go", "cargo", "env"];
    runners.contains(&name) || call::SHELLS.contains(&name) || danger::INTERPRETERS.contains(&name)
}

/// The programs that these words run, those that stand behind others among them: what each is held for, and its words.
pub(super) fn programs_of(words: &[String]) -> Vec<(String, Vec<String>)> {
    let calls = call::calls(&shell_words::join(words)).calls.into_iter();
    calls.map(|call| (call.name, call.words.into_iter().map(|word| word.text).collect())).collect()
}

/// Whether a file of this name may hold keys.
pub(super) fn is_secret(path: &str) -> bool {
    place::secret(path).is_some()
}

/// The option that remembers a yes for the session.
pub(super) const ALLOW_SESSION: &str = "sixframe:session";

/// The option that remembers a yes for good.
pub(super) const ALLOW_ALWAYS: &str = "sixframe:always";

/// The most parts of a request that are remembered together.
const REMEMBERED: usize = 3;

/// What is decided about a request, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What becomes of it.
    pub effect: Effect,
    /// The rule that says so; `ask` where none does.
    pub rule: String,
    /// How much harm may be done.
    pub risk: Risk,
    /// Why it is risky.
    pub hits: Vec<Hit>,
    /// Whether a command would be run, whatever the agent calls it.
    pub runs: bool,
    /// What a yes would be remembered as: a rule for each part. Empty where nothing is to be remembered.
    pub remembers: Vec<Remembered>,
}

impl Default for Ruling {
    fn default() -> Ruling {
        let (rule, risk) = ("ask".to_owned(), Risk::High);
        Ruling { effect: Effect::Ask, rule, risk, hits: Vec::new(), runs: false, remembers: Vec::new() }
    }
}

/// What is remembered of a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// What is allowed.
    pub action: Action,
    /// Of that, what.
    pub pattern: String,
}

impl Ruling {
    /// The reason for an agent, and for a person.
    pub(super) fn reason(&self) -> String {
        let texts: Vec<&str> = self.hits.iter().map(|hit| hit.text.as_str()).collect();
        if self.rule == skill::RULE {
            // No person is asked.
            return texts.join("; ");
        }
        let why = if texts.is_empty() { String::new() } else { format!(": {}", texts.join("; ")) };
        format!("the rule {} forbids this without a person{why}", self.rule)
    }

    /// What stands for what the rules could not say in time.
    pub(super) fn unsaid(ask: &Ask) -> Ruling {
        if let Some(skill) = &ask.skill {
            return skill::forbidden(skill);
        }
        let text = "it could not be looked at in time".to_owned();
        // It may run anything.
        Ruling { hits: vec![Hit { rule: "unclear".to_owned(), text }], runs: true, ..Ruling::default() }
    }

    /// The options by which a yes is remembered.
    pub(super) fn options(&self) -> Vec<PermissionOption> {
        if self.remembers.is_empty() {
            return Vec::new();
        }
        let each: Vec<&str> = self.remembers.iter().map(|remembered| remembered.pattern.as_str()).collect();
        let preview = Some(each.join(" and "));
        let option = |id, kind, label: &str| PermissionOption {
            rule_preview: preview.clone(),
            ..PermissionOption::new(id, kind, label)
        };
        vec![
            option(ALLOW_SESSION, OptionKind::AllowSession, "Allow this in this session"),
            option(ALLOW_ALWAYS, OptionKind::AllowAlways, "Always allow this in this folder"),
        ]
    }
}

/// The rules of a daemon. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Policy(Arc<Store>);

impl Policy {
    /// The rules of the configuration, with those that people have made, which are kept in this folder.
    pub(super) fn new(config: PolicyConfig, folder: &Path) -> Policy {
        Policy(Arc::new(Store::new(config, folder)))
    }

    /// Decides. Looks at the disk: not for a thread that must not wait.
    pub(super) fn rule(
        &self,
        action: Action,
        asked: &Asked<'_>,
        ground: &Ground,
        mode: Mode,
        session: Option<&str>,
    ) -> Ruling {
        let look = Look::begin();
        let mut matter = Matter::look(action, asked, ground);
        if look.was_too_much() {
            matter.unclear.get_or_insert_with(|| "it is too much to be looked at in full".to_owned());
        }
        decide(&matter, &self.0.rules_for(session, &ground.folder), mode, &ground.folder)
    }

    /// What is decided about what an agent asks for.
    pub(super) fn rule_on(&self, ask: &Ask, ground: &Ground, mode: Mode, session: &str) -> Ruling {
        if let Some(skill) = ask.skill.as_ref().filter(|skill| !skill::is_known(skill, ground)) {
            return skill::forbidden(skill);
        }
        let asked = Asked { command: None, paths: &ask.paths, input: Some(&ask.input) };
        self.rule(ask.action, &asked, ground, mode, Some(session))
    }

    /// The rules that hold for a session; for all where none is named. Those that are built in are among them.
    pub(super) fn list(&self, session: Option<(&str, &Path)>) -> Vec<Rule> {
        self.0.list(session)
    }

    /// Remembers a yes.
    ///
    /// # Errors
    /// It cannot be written down.
    pub(super) fn remember(
        &self,
        what: &[Remembered],
        is_kept: bool,
        session: &str,
        folder: &Path,
        now_ms: u64,
    ) -> Result<(), NotKept> {
        self.0.remember(what, is_kept, session, folder, now_ms)
    }

    /// Forgets a rule that a person has made. False where there is none.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(super) fn revoke(&self, id: &str) -> Result<bool, NotKept> {
        self.0.revoke(id)
    }

    /// The session has ended, and what was remembered for it.
    pub(super) fn forget(&self, session: &str) {
        self.0.forget(session);
    }
}

/// The rule by which a program may run another one that is allowed.
const WRAPPER: &str = "wrapper";

/// What is decided about a part, and by which rule.
type Said = (Effect, String);

/// What follows from the rules. Whoever denies is stronger than whoever asks, and that one than whoever allows.
fn decide(matter: &Matter, rules: &[Rule], mode: Mode, folder: &Path) -> Ruling {
    let hits: Vec<Hit> = hits(matter);
    let risk = matter.risk();
    // What does nothing but run another program is judged by that one, but for what is said against it.
    let does = |part: &&Part| part.harmless != Some(WRAPPER) || part.writes || matter.parts.len() == 1;
    let parts: Vec<&Part> = matter.parts.iter().filter(does).collect();
    let of_parts: Vec<Said> = parts.iter().map(|part| of_part(part, rules, mode, folder)).collect();
    let wrappers = matter.parts.iter().filter(|part| !does(part));
    let against = wrappers.flat_map(|part| said_of(part, rules, folder)).filter(|(effect, _)| *effect != Effect::Allow);
    let said: Vec<Said> = of_whole(matter, rules).into_iter().chain(of_parts.iter().cloned()).chain(against).collect();
    let (effect, rule) = strongest(&said).unwrap_or((Effect::Ask, "ask".to_owned()));
    let can_be_remembered = effect == Effect::Ask && risk < Risk::Critical && matter.unclear.is_none();
    let mut remembers = Vec::new();
    if can_be_remembered {
        let asked = parts.iter().zip(&of_parts).filter(|(_, (effect, _))| *effect == Effect::Ask);
        let each: Option<Vec<Remembered>> =
            asked.map(|(part, _)| remembered(part).filter(|_| may_write(part, mode))).collect();
        remembers = each.filter(|each| each.len() <= REMEMBERED).unwrap_or_default();
        remembers.dedup();
        // Those that say that a person is to be asked are not to be talked round.
        let asks = |rule: &Rule| rule.effect != Effect::Allow && rule.source == RuleSource::Config;
        if rules.iter().any(|known| asks(known) && known.id == rule) {
            remembers.clear();
        }
    }
    Ruling { effect, rule, risk, hits, runs: matter.action == Action::Command, remembers }
}

fn hits(matter: &Matter) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    let unclear = matter.unclear.iter().map(|text| Hit { rule: "unclear".to_owned(), text: text.clone() });
    let found = matter.findings().map(|finding| Hit { rule: finding.rule.to_owned(), text: finding.text.clone() });
    for hit in found.chain(unclear) {
        if !hits.contains(&hit) && hits.len() < 16 {
            hits.push(hit);
        }
    }
    hits
}

fn strongest(said: &[Said]) -> Option<Said> {
    let of = |effect: Effect| said.iter().find(|(said, _)| *said == effect).cloned();
    of(Effect::Deny).or_else(|| of(Effect::Ask)).or_else(|| of(Effect::Allow))
}

/// What is said of all of it: what is not understood is not allowed.
fn of_whole(matter: &Matter, rules: &[Rule]) -> Option<Said> {
    if matter.unclear.is_some() {
        return Some((Effect::Ask, "unclear".to_owned()));
    }
    // What has no parts is judged by rules that name no pattern.
    let is_about = |rule: &&Rule| rule.pattern.is_none() && rule.action.is_none_or(|action| action == matter.action);
    let said: Vec<Said> = match matter.parts.is_empty() {
        true => rules.iter().filter(is_about).map(|rule| (rule.effect, rule.id.clone())).collect(),
        false => Vec::new(),
    };
    strongest(&said).or_else(|| matter.parts.is_empty().then(|| (Effect::Ask, "ask".to_owned())))
}

/// What the rules that are not built in say about a part.
fn said_of<'a>(part: &'a Part, rules: &'a [Rule], folder: &'a Path) -> impl Iterator<Item = Said> + 'a {
    rules.iter().filter_map(|rule| Some((rule.says(part, folder)?, rule.id.clone())))
}

fn of_part(part: &Part, rules: &[Rule], mode: Mode, folder: &Path) -> Said {
    let is_auto = mode == Mode::Auto;
    let accepts = mode == Mode::AcceptEdits && part.action == Action::FileChange;
    // To allow a command is not to allow that it writes into files, where that is not allowed by itself.
    let mut said: Vec<Said> =
        said_of(part, rules, folder).filter(|(effect, _)| may_write(part, mode) || *effect != Effect::Allow).collect();
    // Of those that are as bad, the first.
    let worst = part.findings.iter().rev().max_by_key(|finding| finding.risk);
    if let Some(finding) = worst.filter(|finding| is_auto && finding.is_ruinous()) {
        said.push((Effect::Deny, finding.rule.to_owned()));
    }
    // Nothing that is remembered or configured allows what nobody should do by the way.
    if worst.is_some_and(|finding| finding.is_ruinous()) {
        said.retain(|(effect, _)| *effect != Effect::Allow);
    }
    let harmless = part.harmless.filter(|_| is_auto || accepts);
    let harmless = harmless.map(|rule| (Effect::Allow, if accepts { "accept_edits" } else { rule }.to_owned()));
    let otherwise = || (Effect::Ask, worst.map_or("ask", |finding| finding.rule).to_owned());
    strongest(&said).or(harmless).unwrap_or_else(otherwise)
}

/// Whether a command that is allowed may write into ordinary files of the folder.
fn may_write(part: &Part, mode: Mode) -> bool {
    !part.writes || matches!(mode, Mode::Auto | Mode::AcceptEdits)
}

/// What would be remembered of a yes to this: as little as is of any use.
fn remembered(part: &Part) -> Option<Remembered> {
    let is_dull = part.findings.iter().all(|finding| finding.risk < Risk::High);
    if !part.is_told || (!part.is_here && !part.findings.is_empty()) {
        return None;
    }
    let pattern = match &part.subject {
        Subject::Command(words) if part.is_exact => pattern::of_command(words, part.findings.is_empty())?,
        Subject::File(path) if is_dull && part.is_exact => pattern::of_file(path)?,
        Subject::Host(host) => host.clone(),
        Subject::Command(_) | Subject::File(_) | Subject::Other => return None,
    };
    let is_interpreter = part.findings.iter().any(|finding| NEVER.contains(&finding.rule));
    (!is_interpreter).then_some(Remembered { action: part.action, pattern })
}

/// What is never remembered: the same words may do anything the next time.
const NEVER: [&str; 7] =
    ["interpreter", "given_program", "made_up", "unknown_program", "hidden_characters", "own_daemon", "secrets"];

#[cfg(all(test, unix))]
mod tests;
