//! What waits for leave: bound to what was shown, good for one answer, denied when nobody answers.

use std::time::Duration;

use serde_json::Value;

use super::super::agent::Command;
use super::super::event::{Event, Mode, Source};
use super::super::identifier::identifier;
use super::super::moment::Moment;
use super::super::permission::{
    Action, Ask, Decider, Decision, OptionKind, PermissionRequest, PermissionResolved, Risk, Verdict, input_sha256,
};
use super::super::policy::{ALLOW_ALWAYS, ALLOW_SESSION, Effect, Ruling};
use super::super::problem::{Problem, ProblemKind};
use super::{Output, Session};

/// The most requests that wait at once.
const WAITING: usize = 64;

/// How much the requests that wait may hold together, in bytes.
const BYTES: usize = 2 << 20;

/// How much one of them may, in bytes.
const LONGEST: usize = 1 << 20;

/// How many levels its input may have. The hub's state takes 56.
const LEVELS: usize = 32;

/// The rule by which what cannot be shown is denied.
const UNSHOWN: &str = "unshown";

/// A request that waits.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) ask: Ask,
    pub(super) request: PermissionRequest,
    /// How much it holds.
    bytes: usize,
    asked_at: Duration,
    pub(super) expires_at: Duration,
}

/// What somebody answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Yes.
    Approve {
        /// By this option; the one that allows it once where there is none.
        option_id: Option<String>,
        /// The hash of what they were shown, where they say so.
        input_sha256: Option<String>,
    },
    /// No.
    Reject {
        /// Why, for the agent.
        reason: Option<String>,
    },
}

/// Why an answer is not taken. The request goes on waiting, if it is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// There is none, or not any more.
    #[error("no permission with this id waits; it was answered, withdrawn, or has expired")]
    Gone,
    /// Something else was shown.
    #[error("what was shown is not what is asked for")]
    OtherInput {
        /// The hash of what is asked for.
        input_sha256: String,
    },
    /// There is no such option, or it does not allow.
    #[error("there is no option that allows this; the request lists those there are")]
    NoOption,
}

impl Session {
    /// Somebody answers a request.
    ///
    /// # Errors
    /// The answer does not fit what waits.
    pub fn decide(&mut self, now: Moment, permission_id: &str, choice: Choice, by: Decider) -> Result<(), Undecided> {
        let pending = self.permissions.get(permission_id).ok_or(Undecided::Gone)?;
        let (verdict, reason, remembers) = verdict(pending, choice)?;
        if let Some(is_kept) = remembers {
            let what = pending.ask.ruling.remembers.clone();
            self.outputs.push(Output::Remember { what, is_kept });
        }
        let chosen = remembers.map(|is_kept| if is_kept { ALLOW_ALWAYS } else { ALLOW_SESSION }.to_owned());
        self.resolve(now, permission_id, verdict, by, reason, chosen);
        Ok(())
    }

    /// The agent asks leave.
    pub(super) fn asked(&mut self, now: Moment, ask: Ask, src: Source) {
        self.would_write(&ask);
        // It asks the same anew, maybe with another input: what was shown before is void.
        self.withdraw(now, |pending| pending.ask.key == ask.key, &Decider::Agent);
        let ask = offered(ask);
        let bytes = ask.held();
        let ruled = self.ruled(&ask).or_else(|| unshowable(&ask, bytes)).or_else(|| self.one_too_many(&ask, bytes));
        let request = self.request(now, &ask);
        let id = request.permission_id.clone();
        let item = ask.item.clone();
        let expires_at = now.at + self.beginning.timers.approval;
        let pending = Pending { ask, request: request.clone(), bytes, asked_at: now.at, expires_at };
        self.permissions.insert(id.clone(), pending);
        self.waiting_since.get_or_insert(now.at);
        self.push(now, Event::PermissionRequested(Box::new(request)), item.as_deref(), src, None);
        if let Some((verdict, rule)) = ruled {
            let reason = match &verdict {
                Verdict::Deny { reason, .. } => Some(reason.clone()),
                Verdict::Allow { .. } => None,
            };
            self.resolve(now, &id, verdict, Decider::Policy { rule }, reason, None);
        }
    }

    fn request(&self, now: Moment, ask: &Ask) -> PermissionRequest {
        PermissionRequest {
            permission_id: identifier("perm"),
            action: ask.action,
            title: ask.title.clone(),
            description: ask.description.clone(),
            reason: ask.reason.clone(),
            risk: ask.ruling.risk,
            hits: ask.ruling.hits.clone(),
            shown_input: ask.input.clone(),
            input_sha256: input_sha256(&ask.input),
            paths: ask.paths.clone(),
            options: ask.options.clone(),
            expires_at_ms: now.after(self.beginning.timers.approval).wall_ms,
        }
    }

    /// What nobody could look through is denied at once.
    fn one_too_many(&self, ask: &Ask, bytes: usize) -> Option<(Verdict, String)> {
        let waiting = self.permissions.values().map(|pending| pending.bytes).sum::<usize>();
        let reason = match (self.permissions.len() >= WAITING, waiting + bytes > BYTES) {
            (true, _) => format!("{WAITING} requests for leave wait already; ask again when some are answered"),
            (false, true) => {
                let most = BYTES >> 20;
                format!("what waits for leave would be longer than {most} MiB with it, which nobody could look through")
            }
            (false, false) => return None,
        };
        Some((denied(ask, &reason), "too_many".to_owned()))
    }

    /// Whether whatever is asked is denied, since the turn is being stopped or the session is over.
    pub fn denies_all(&self) -> bool {
        self.closed || self.ladder.is_some()
    }

    /// What is decided without a person, and by which rule.
    fn ruled(&self, ask: &Ask) -> Option<(Verdict, String)> {
        if self.turns.open().is_none() || self.ladder.is_some() {
            return Some((denied(ask, "no turn is open that this could belong to"), "no_turn".to_owned()));
        }
        let changes = match ask.action {
            Action::Command | Action::FileChange | Action::McpTool | Action::Unknown => true,
            // Some agents say of a command that it reads.
            Action::Network | Action::Read | Action::ModeSwitch => ask.ruling.runs,
        };
        if self.mode == Mode::Plan && changes {
            return Some((denied(ask, "nothing is changed while planning"), "plan".to_owned()));
        }
        let Ruling { effect, rule, .. } = &ask.ruling;
        let verdict = match effect {
            Effect::Deny => denied(ask, &ask.ruling.reason()),
            Effect::Allow => Verdict::Allow { option_id: ask.option(true)?.option_id.clone() },
            Effect::Ask => return None,
        };
        Some((verdict, rule.clone()))
    }

    /// The option that was chosen is the one that the agent is told, where none is named.
    fn resolve(
        &mut self,
        now: Moment,
        id: &str,
        verdict: Verdict,
        by: Decider,
        reason: Option<String>,
        chosen: Option<String>,
    ) {
        let Some(pending) = self.permissions.remove(id) else { return };
        let (decision, option_id) = match &verdict {
            Verdict::Allow { option_id } => (Decision::Allowed, Some(option_id.clone())),
            Verdict::Deny { option_id, .. } => (Decision::Denied, option_id.clone()),
        };
        let option_id = chosen.or(option_id);
        if decision == Decision::Denied {
            self.denied.extend(pending.ask.item.clone());
        }
        let key = pending.ask.key.clone();
        self.outputs.push(Output::Tell(Command::Decide { key, verdict }));
        self.resolved(now, pending, decision, option_id, by, reason);
    }

    /// Requests that cannot be answered any more.
    pub(super) fn withdraw(&mut self, now: Moment, which: impl Fn(&Pending) -> bool, by: &Decider) {
        let ids: Vec<String> =
            self.permissions.iter().filter(|(_, pending)| which(pending)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(pending) = self.permissions.remove(&id) else { continue };
            self.resolved(now, pending, Decision::Withdrawn, None, by.clone(), None);
        }
    }

    pub(super) fn withdraw_all(&mut self, now: Moment, by: &Decider) {
        self.withdraw(now, |_| true, by);
        self.drop_questions(now, |_| true, by);
    }

    /// How much of what waits for a person has to be shown, in bytes.
    pub fn held(&self) -> usize {
        self.permissions.values().map(|pending| pending.bytes).sum::<usize>() + self.held_questions()
    }

    /// What waits for a person cannot be shown to any: nobody is waited for.
    pub fn unshown(&mut self, now: Moment, why: &str) {
        if !self.waits_for_people() {
            return;
        }
        let reason = format!("it cannot be shown to anybody: {why}");
        let by = Decider::Policy { rule: UNSHOWN.to_owned() };
        let waiting = self.permissions.iter();
        let waiting: Vec<_> = waiting.map(|(id, pending)| (id.clone(), denied(&pending.ask, &reason))).collect();
        for (id, verdict) in waiting {
            self.resolve(now, &id, verdict, by.clone(), Some(reason.clone()), None);
        }
        self.decline_questions(now, &by);
        let problem = Problem::new(ProblemKind::Unknown, format!("what the agent asked was denied, since {reason}"));
        self.log(now, Event::Error(problem), None);
    }

    /// Denies what nobody answered in time.
    pub(super) fn expire(&mut self, now: Moment) {
        let expired = self.permissions.iter().filter(|(_, pending)| now.at >= pending.expires_at);
        let expired: Vec<(String, Verdict)> =
            expired.map(|(id, pending)| (id.clone(), denied(&pending.ask, "nobody answered in time"))).collect();
        for (id, verdict) in expired {
            self.resolve(now, &id, verdict, Decider::Timeout, None, None);
        }
        self.expire_questions(now);
    }

    /// Whether a person is waited for.
    pub(super) fn waits_for_people(&self) -> bool {
        !self.permissions.is_empty() || !self.questions.is_empty()
    }

    /// If nobody is waited for any more, the agent's time runs again: what people take is not the agent's.
    pub(super) fn go_on(&mut self, now: Moment) {
        if !self.waits_for_people() {
            let waited = self.waiting_since.take().map(|since| now.at.saturating_sub(since));
            self.turn_by += waited.unwrap_or_default();
            self.heard.alive = now.at;
        }
    }

    /// Whether an item must not be done, or not yet.
    pub(super) fn must_wait(&self, item: &str) -> bool {
        let waits = self.permissions.values().any(|pending| pending.ask.item.as_deref() == Some(item));
        waits || self.denied.contains(item)
    }

    fn resolved(
        &mut self,
        now: Moment,
        pending: Pending,
        decision: Decision,
        option_id: Option<String>,
        by: Decider,
        reason: Option<String>,
    ) {
        let Pending { ask, request, asked_at, .. } = pending;
        let latency_ms = now.at.saturating_sub(asked_at).as_millis() as u64;
        let permission_id = request.permission_id;
        let resolved = PermissionResolved { permission_id, decision, option_id, by, reason, latency_ms };
        self.log(now, Event::PermissionResolved(resolved), ask.item.as_deref());
        self.go_on(now);
    }
}

/// What no window could show is denied at once.
fn unshowable(ask: &Ask, bytes: usize) -> Option<(Verdict, String)> {
    let reason = match (bytes > LONGEST, levels(&ask.input) > LEVELS) {
        (true, _) => format!("what is asked is longer than {} MiB, which nobody could look through", LONGEST >> 20),
        (false, true) => format!("what is asked is nested deeper than {LEVELS} levels, which cannot be shown"),
        (false, false) => return None,
    };
    Some((denied(ask, &reason), UNSHOWN.to_owned()))
}

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(levels).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn denied(ask: &Ask, reason: &str) -> Verdict {
    let option_id = ask.option(false).map(|option| option.option_id.clone());
    Verdict::Deny { option_id, reason: reason.to_owned() }
}

/// What may be answered: what is ruinous is not to be remembered, and what is remembered here has an option of ours.
fn offered(mut ask: Ask) -> Ask {
    if ask.ruling.risk == Risk::Critical {
        ask.options.retain(|option| !matches!(option.kind, OptionKind::AllowSession | OptionKind::AllowAlways));
    }
    // No agent's option may pass for one of ours.
    ask.options.retain(|option| ![ALLOW_SESSION, ALLOW_ALWAYS].contains(&option.option_id.as_str()));
    if ask.option(true).is_some() {
        ask.options.extend(ask.ruling.options());
    }
    ask
}

/// What the agent is told, why, and whether it is remembered: for the session, or for good.
type Answer = (Verdict, Option<String>, Option<bool>);

fn verdict(pending: &Pending, choice: Choice) -> Result<Answer, Undecided> {
    let Pending { ask, request, .. } = pending;
    match choice {
        Choice::Approve { input_sha256: Some(shown), .. } if shown != request.input_sha256 => {
            Err(Undecided::OtherInput { input_sha256: request.input_sha256.clone() })
        }
        Choice::Approve { option_id, .. } => {
            let option = match option_id {
                Some(id) => ask.options.iter().find(|option| option.option_id == id && option.kind.allows()),
                None => ask.option(true),
            };
            let option = option.ok_or(Undecided::NoOption)?;
            let remembers = match option.option_id.as_str() {
                ALLOW_SESSION => Some(false),
                ALLOW_ALWAYS => Some(true),
                _ => None,
            };
            // What is remembered here, the agent is told as a yes to this alone.
            let option = if remembers.is_some() { ask.option(true).ok_or(Undecided::NoOption)? } else { option };
            Ok((Verdict::Allow { option_id: option.option_id.clone() }, None, remembers))
        }
        Choice::Reject { reason } => {
            let told = reason.clone().unwrap_or_else(|| "the person said no".to_owned());
            Ok((denied(ask, &told), reason, None))
        }
    }
}
