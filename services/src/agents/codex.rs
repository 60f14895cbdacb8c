//! Codex, by its app-server: JSON-RPC without the member `jsonrpc`, where both sides ask, and each counts its own requests.

mod approvals;
mod asking;
mod figures;
mod folder;
mod items;
mod patches;
mod problems;
mod questions;
mod sandbox;
mod steers;
mod subagents;
mod threads;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::agent::{Command, Fact, Launch, Prompt, Step, Told, Translator, unparsed};
use super::event::{
    DeltaField, DiffScope, DiffUpdate, Mode, Outcome, Plan, PlanEntry, PlanStatus, Retry, SessionUpdate,
};
use super::identifier::Names;
use super::item::{Content, Item, ItemKind, ItemStatus};
use super::problem::{Problem, ProblemKind};
use super::turn::TurnEnd;
use super::usage::UsageUpdate;
use figures::{Tally, limits};
use items::{diffs, item};
use problems::problem;
use sandbox::Sandbox;
use steers::Steers;
use subagents::name_apart;
use threads::Threads;

/// The translator.
#[derive(Debug, Default)]
pub struct Codex {
    launch: Launch,
    requests: u64,
    /// What we asked and it has not answered.
    open: HashMap<u64, Asked>,
    /// What it asked and we have not answered: by its id of the request, as JSON text, with a number behind it where it was
    /// asked for anew.
    asks: HashMap<String, Value>,
    /// What is to be changed in files, by item: it is told before leave is asked for it, and not again.
    changes: HashMap<String, Value>,
    /// How often something was asked for anew.
    renewed: u64,
    thread: Option<String>,
    turn: Option<String>,
    /// What is at work is to be interrupted as soon as it has a name, until there is another prompt.
    stops: bool,
    /// The turns that were interrupted, its subagents' too.
    stopped: HashSet<String>,
    /// Whether a subagent was stopped with the turn.
    is_cut_short: bool,
    threads: Threads,
    steers: Steers,
    sandbox: Sandbox,
    tally: Tally,
    problem: Option<Problem>,
    /// What it does not name.
    names: Names,
    /// What it is told before the first prompt.
    history: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Initialise,
    Resume,
    Start,
    /// A turn, in a mode.
    Turn(Mode),
    Steer(Prompt),
    /// The end of this turn, its subagents' too. It may be over, or may not have begun though it has a name.
    Interrupt(String),
}

impl Codex {
    /// The arguments of its program.
    pub fn arguments(launch: &Launch) -> Vec<String> {
        let mut arguments = folder::arguments(launch);
        arguments.push("app-server".to_owned());
        arguments
    }

    fn request(&mut self, asked: Asked, method: &str, params: Value) -> Step {
        self.requests += 1;
        self.open.insert(self.requests, asked);
        Step::Say(json!({"id": self.requests, "method": method, "params": params}))
    }

    fn thread_start(&mut self) -> Step {
        self.history.clone_from(&self.launch.history);
        let mut params = self.thread_params();
        params["developerInstructions"] = json!(self.launch.system_prompt);
        self.request(Asked::Start, "thread/start", params)
    }

    fn thread_params(&self) -> Value {
        let sandbox = if self.launch.mode == Mode::Plan { "read-only" } else { "workspace-write" };
        // It asks before everything that it does not know to be harmless; what needs no asking is decided here.
        json!({
            "cwd": self.launch.cwd, "model": self.launch.model, "approvalPolicy": "untrusted", "sandbox": sandbox,
        })
    }

    /// It answers what we asked.
    fn answered(&mut self, message: &Value) -> Vec<Step> {
        let Some(asked) = message["id"].as_u64().and_then(|id| self.open.remove(&id)) else { return alive("answer") };
        let failure = message.get("error").filter(|error| !error.is_null());
        let failure = failure.map(|error| error["message"].as_str().unwrap_or("it refused").to_owned());
        let result = &message["result"];
        match (asked, failure) {
            (Asked::Initialise, None) => {
                let initialised = Step::Say(json!({"method": "initialized"}));
                let next = match self.launch.resume.clone() {
                    Some(thread) => {
                        let mut params = self.thread_params();
                        (params["threadId"], params["excludeTurns"]) = (json!(thread), json!(true));
                        let method = if self.launch.is_fork { "thread/fork" } else { "thread/resume" };
                        self.tally = Tally::of_past();
                        self.request(Asked::Resume, method, params)
                    }
                    None => self.thread_start(),
                };
                vec![initialised, next]
            }
            (Asked::Resume, Some(error)) => {
                let text = format!(
                    "its earlier session cannot be gone on with: {error}; this is a new one, which is given a summary with the \
                     next prompt"
                );
                self.tally = Tally::default();
                vec![self.notice(&text), self.thread_start()]
            }
            (Asked::Resume | Asked::Start, None) => {
                let thread = &result["thread"];
                self.sandbox = Sandbox::of(self.launch.mode, &result["sandbox"]);
                self.thread = thread["id"].as_str().map(str::to_owned);
                let update = SessionUpdate {
                    native_session_id: self.thread.clone(),
                    model: result["model"].as_str().map(str::to_owned),
                    agent_version: thread["cliVersion"].as_str().map(str::to_owned),
                    ..SessionUpdate::default()
                };
                vec![Step::tell("thread/start", Fact::Ready(update))]
            }
            (Asked::Turn(mode), None) => {
                self.sandbox.changed(mode);
                if let (Some(turn), false) = (result["turn"]["id"].as_str(), self.steers.is_over()) {
                    self.is_at(turn.to_owned());
                }
                self.named()
            }
            (Asked::Turn(_), Some(error)) => {
                // It begins none.
                self.turn = None;
                let problem = self.problem.take();
                let problem = problem.unwrap_or_else(|| Problem::new(ProblemKind::InvalidRequest, error));
                self.ends("turn/start", TurnEnd::failed(problem))
            }
            (Asked::Steer(prompt), failure) => {
                let lost = self.steers.answered(prompt, failure.is_some());
                or_alive("turn/steer", lost.into_iter().chain(self.settled("turn/completed")).collect())
            }
            (Asked::Initialise | Asked::Start, Some(error)) => {
                let problem = Problem::new(ProblemKind::Protocol, format!("it refused to begin: {error}"));
                vec![Step::tell("thread/start", Fact::Problem(problem))]
            }
            (Asked::Interrupt(turn), Some(_)) => {
                // Where it goes on, it is interrupted again when the next is told of it.
                self.stopped.remove(&turn);
                alive("turn/interrupt")
            }
            (Asked::Interrupt(_), None) => alive("turn/interrupt"),
        }
    }

    fn noted(&mut self, method: &str, message: &Value) -> Vec<Step> {
        let params = &message["params"];
        let text = |key: &str| params[key].as_str().unwrap_or_default().to_owned();
        let grew = |field| vec![Step::tell(method, Fact::Grew { id: text("itemId"), field, text: text("delta") })];
        match method {
            "item/started" | "item/completed" => self.item(method, &params["item"]),
            "item/agentMessage/delta" | "item/plan/delta" => grew(DeltaField::Text),
            "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta" => grew(DeltaField::Thought),
            "item/commandExecution/outputDelta" => grew(DeltaField::ToolOutput),
            "turn/started" => {
                params["turn"]["id"].as_str().into_iter().for_each(|turn| self.is_at(turn.to_owned()));
                or_alive(method, self.named())
            }
            "turn/completed" => {
                let end = self.end(&params["turn"]);
                or_alive(method, self.ends(method, end))
            }
            "turn/diff/updated" => {
                let files = self.placed(diffs(&text("diff")));
                vec![Step::tell(method, Fact::Diff(DiffUpdate { scope: DiffScope::Turn, files }))]
            }
            "turn/plan/updated" => vec![Step::tell(method, Fact::Plan(plan(&params["plan"])))],
            "thread/tokenUsage/updated" => vec![Step::tell(method, Fact::Usage(self.usage(params)))],
            "account/rateLimits/updated" => match limits(&params["rateLimits"]) {
                Some(limits) => vec![Step::tell(method, Fact::Limits(limits))],
                None => alive(method),
            },
            "thread/name/updated" => {
                let title = params["threadName"].as_str().map(str::to_owned);
                vec![Step::tell(method, Fact::Session(SessionUpdate { title, ..SessionUpdate::default() }))]
            }
            "warning" | "guardianWarning" => vec![self.notice(&text("message"))],
            "configWarning" | "deprecationNotice" => {
                let parts = [text("summary"), text("details")];
                vec![self.notice(parts.iter().map(|part| part.trim()).collect::<Vec<_>>().join("\n").trim())]
            }
            "model/rerouted" => {
                let (from, to) = (text("fromModel"), text("toModel"));
                let notice = self.notice(&format!("another model answers: {to} instead of {from}"));
                let update = SessionUpdate { model: Some(to), ..SessionUpdate::default() };
                vec![notice, Step::tell(method, Fact::Session(update))]
            }
            "mcpServer/startupStatus/updated" => match params["error"].as_str() {
                Some(error) => vec![self.notice(&format!("the tool server {} did not start: {error}", text("name")))],
                None => alive(method),
            },
            "error" => self.error(method, params),
            "serverRequest/resolved" => self.taken_back(method, &params["requestId"]),
            "item/fileChange/patchUpdated" => self.patched(method, &text("itemId"), &params["changes"]),
            "thread/started"
            | "thread/status/changed"
            | "remoteControl/status/changed"
            | "item/reasoning/summaryPartAdded"
            | "item/mcpToolCall/progress" => alive(method),
            _ => vec![Step::Tell(Told::unknown(method, message))],
        }
    }

    fn item(&mut self, method: &str, native: &Value) -> Vec<Step> {
        let id = native["id"].as_str().unwrap_or_default().to_owned();
        let is_done = method == "item/completed";
        self.threads.called(self.thread.as_deref(), &id, native);
        let Some(item) = item(native, is_done) else { return alive(method) };
        let mut steps = vec![Step::tell(method, Fact::Item { id: id.clone(), item })];
        if native["type"] == "fileChange" && !is_done {
            steps.extend(self.patched(method, &id, &native["changes"]));
        }
        steps
    }

    fn error(&mut self, method: &str, params: &Value) -> Vec<Step> {
        let error = problem(&params["error"]);
        if params["willRetry"].as_bool().unwrap_or_default() {
            let retry = Retry { attempt: 1, max: None, delay_ms: 0, error };
            return vec![Step::tell(method, Fact::Retry(retry))];
        }
        // The end of the turn tells it.
        self.problem = Some(error);
        alive(method)
    }

    fn end(&mut self, turn: &Value) -> TurnEnd {
        self.turn = None;
        let told = self.problem.take();
        let end = match turn["status"].as_str() {
            Some("completed") => TurnEnd::new(Outcome::Completed),
            Some("interrupted") => TurnEnd::new(Outcome::Interrupted),
            Some(_) | None => {
                let native = turn.get("error").filter(|error| !error.is_null()).map(problem);
                let unknown = || Problem::new(ProblemKind::ProviderError, "the turn failed");
                TurnEnd::failed(native.or(told).unwrap_or_else(unknown))
            }
        };
        TurnEnd { usage: self.tally.of_turn(), native_stop_reason: turn["status"].as_str().map(str::to_owned), ..end }
    }

    fn usage(&mut self, params: &Value) -> UsageUpdate {
        let told = &params["tokenUsage"];
        match params["turnId"].as_str() {
            Some(turn) if !self.threads.has_been_at(turn) => self.tally.take_past(told),
            Some(_) | None => self.tally.take(told),
        }
    }

    fn notice(&mut self, text: &str) -> Step {
        let item = Item::new(ItemKind::Notice).status(ItemStatus::Completed).text(text);
        Step::tell("warning", Fact::Item { id: self.names.next(), item })
    }

    fn is_at(&mut self, turn: String) {
        self.threads.is_at(&turn);
        self.turn = Some(turn);
    }

    /// The turn has a name: what has waited for that is said.
    fn named(&mut self) -> Vec<Step> {
        if self.stops { self.late_interrupts() } else { self.late_steers() }
    }

    fn steer(&mut self, prompt: Prompt) -> Vec<Step> {
        match self.steers.hold(prompt) {
            Some(lost) => vec![lost],
            None => self.late_steers(),
        }
    }

    /// Says what it is to consider, if the turn has a name.
    fn late_steers(&mut self) -> Vec<Step> {
        let Some(turn) = self.turn.clone() else { return Vec::new() };
        let thread = self.thread.clone();
        let steers = self.steers.send();
        let said = steers.into_iter().map(|prompt| {
            let params = json!({"threadId": thread, "input": input(&prompt), "expectedTurnId": turn});
            self.request(Asked::Steer(prompt), "turn/steer", params)
        });
        said.collect()
    }

    fn prompt(&mut self, prompt: &Prompt) -> Vec<Step> {
        (self.problem, self.turn) = (None, None);
        (self.stops, self.is_cut_short) = (false, false);
        self.tally.begin();
        self.stopped.clear();
        self.changes.clear();
        self.threads.forget_items();
        self.steers.begin();
        let history = self.history.take().map(|text| json!({"type": "text", "text": text}));
        let input: Vec<Value> = history.into_iter().chain(input(prompt)).collect();
        let mut params = json!({"threadId": self.thread, "input": input, "model": self.launch.model});
        if let Some(policy) = self.sandbox.change(self.launch.mode) {
            params["sandboxPolicy"] = policy;
        }
        vec![self.request(Asked::Turn(self.launch.mode), "turn/start", params)]
    }
}

impl Translator for Codex {
    fn open(&mut self, launch: &Launch) -> Vec<Step> {
        self.launch = launch.clone();
        let info = json!({"name": "sixframe", "title": "Sixframe", "version": env!("CARGO_PKG_VERSION")});
        vec![self.request(Asked::Initialise, "initialize", json!({"clientInfo": info}))]
    }

    fn hear(&mut self, line: &[u8]) -> Vec<Step> {
        let mut message: Value = match serde_json::from_slice(line) {
            Ok(message) => message,
            Err(error) => return vec![unparsed(line, &error)],
        };
        let other = self.other_thread(&message);
        other.iter().for_each(|thread| name_apart(&mut message, thread));
        match (message["method"].as_str(), message.get("id")) {
            (Some(method), Some(_)) => self.asked(method, &message),
            (Some(method), None) => {
                let steps = match other {
                    Some(thread) => self.noted_elsewhere(&thread, method, &message),
                    None => self.noted(method, &message),
                };
                steps.into_iter().chain(self.late_interrupts()).collect()
            }
            (None, Some(_)) => self.answered(&message),
            (None, None) => vec![Step::Tell(Told::unknown("", &message))],
        }
    }

    fn command(&mut self, command: Command) -> Vec<Step> {
        match command {
            Command::Prompt(prompt) => self.prompt(&prompt),
            Command::Steer(prompt) => self.steer(prompt),
            Command::Interrupt => self.interrupt(),
            Command::Decide { key, verdict } => self.decide(&key, verdict),
            Command::Answer { key, answers } => self.answer(&key, answers),
            Command::SetMode(mode) => {
                // The sandbox is another one from the next turn on.
                self.launch.mode = mode;
                Vec::new()
            }
            Command::SetModel(model) => {
                self.launch.model = Some(model);
                Vec::new()
            }
            Command::Stop | Command::Kill | Command::Hold(_) => Vec::new(),
        }
    }
}

fn alive(native_type: &str) -> Vec<Step> {
    vec![Step::tell(native_type, Fact::Alive)]
}

fn or_alive(native_type: &str, steps: Vec<Step>) -> Vec<Step> {
    if steps.is_empty() { alive(native_type) } else { steps }
}

fn input(prompt: &Prompt) -> Vec<Value> {
    let part = |content: &Content| match content {
        Content::Text { text } => json!({"type": "text", "text": text}),
        Content::Image { mime_type, data } => {
            json!({"type": "image", "url": format!("data:{mime_type};base64,{data}")})
        }
        Content::ResourceLink { uri, .. } => json!({"type": "text", "text": uri}),
        Content::Other { value } => value.clone(),
    };
    prompt.sent().iter().map(part).collect()
}

fn plan(steps: &Value) -> Plan {
    let entries = steps.as_array().into_iter().flatten().filter_map(|step| {
        let status = match step["status"].as_str() {
            Some("completed") => PlanStatus::Completed,
            Some("inProgress" | "in_progress") => PlanStatus::InProgress,
            _ => PlanStatus::Pending,
        };
        Some(PlanEntry { text: step["step"].as_str()?.to_owned(), status })
    });
    Plan { entries: entries.collect() }
}
