//! Any agent that speaks the Agent Client Protocol, version 1: JSON-RPC 2.0, a line for each message. What an agent tells of a
//! tool may begin with the request for leave to use it, so everything told of a tool is put together.

mod asking;
mod choices;
mod problems;
mod tools;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::agent::{Command, Fact, Launch, Prompt, Step, Told, Translator, unparsed};
use super::event::{DeltaField, Mode, Outcome, Plan, PlanEntry, PlanStatus, SessionUpdate};
use super::identifier::Names;
use super::item::{Content, Item, ItemKind, ItemStatus};
use super::problem::{Problem, ProblemKind};
use super::turn::TurnEnd;
use super::usage::{Usage, UsageUpdate};
use asking::{answer, filled, refused};
use choices::Choices;
use problems::{failed, problem, text};

/// The translator.
#[derive(Debug, Default)]
pub struct Acp {
    launch: Launch,
    requests: u64,
    /// What we asked and it has not answered.
    open: HashMap<u64, Asked>,
    /// Requests for leave that we have not answered: the id of each, by its JSON text, and the tool's.
    asks: BTreeMap<String, (Value, String)>,
    /// Those of them that nobody knows how to allow.
    strangers: HashSet<String>,
    /// Forms that a person has not filled in: the id of each request, by its JSON text, and the form.
    forms: BTreeMap<String, (Value, Value)>,
    session: Option<String>,
    choices: Choices,
    /// What is known of each tool call.
    calls: HashMap<String, Map<String, Value>>,
    denied: HashSet<String>,
    /// What is being said.
    saying: Option<Saying>,
    /// What it does not name.
    names: Names,
    /// What it told of itself beside what it said: it failed.
    has_failed: bool,
    /// All that its model says has the name of a message. What has none it says itself.
    names_messages: bool,
    /// What it says itself, and not its model: a warning, or why it failed.
    remark: Option<String>,
    agent_version: Option<String>,
    /// What it is told before the first prompt.
    preface: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Initialise,
    NewSession,
    LoadSession,
    ForkSession,
    Prompt,
    Choice,
}

#[derive(Debug)]
struct Saying {
    id: String,
    kind: ItemKind,
    text: String,
}

impl Acp {
    /// There are none: how an agent is made to speak is its configuration's matter.
    pub fn arguments(_launch: &Launch) -> Vec<String> {
        Vec::new()
    }

    fn request(&mut self, asked: Asked, method: &str, params: Value) -> Step {
        self.requests += 1;
        self.open.insert(self.requests, asked);
        Step::Say(json!({"jsonrpc": "2.0", "id": self.requests, "method": method, "params": params}))
    }

    /// Goes on with its session where it is able to, and begins one else.
    fn begin(&mut self, can: &Value) -> Vec<Step> {
        let offers = |what: &str| can["sessionCapabilities"][what].is_object();
        let goes_on = match self.launch.is_fork {
            true => offers("fork").then_some((Asked::ForkSession, "session/fork")),
            false if can["loadSession"] == true => Some((Asked::LoadSession, "session/load")),
            false => offers("resume").then_some((Asked::LoadSession, "session/resume")),
        };
        match (self.launch.resume.clone(), goes_on) {
            (Some(session), Some((asked, method))) => {
                let params = json!({"sessionId": session, "cwd": self.launch.cwd, "mcpServers": []});
                self.session = Some(session).filter(|_| asked == Asked::LoadSession);
                vec![self.request(asked, method, params)]
            }
            (Some(_), None) if !self.launch.is_fork => self.begin_anew("it does not offer that"),
            (_, _) => vec![self.new_session()],
        }
    }

    fn begin_anew(&mut self, why: &str) -> Vec<Step> {
        self.session = None;
        let text = format!(
            "its earlier session cannot be gone on with: {why}; this is a new one, which is given a summary with the next prompt"
        );
        vec![self.notice(text), self.new_session()]
    }

    fn new_session(&mut self) -> Step {
        let told = self.preface.take().into_iter().chain(self.launch.history.clone());
        self.preface = Some(told.collect::<Vec<_>>().join("\n\n")).filter(|text| !text.is_empty());
        self.request(Asked::NewSession, "session/new", json!({"cwd": self.launch.cwd, "mcpServers": []}))
    }

    fn answered(&mut self, message: &Value) -> Vec<Step> {
        let Some(asked) = message["id"].as_u64().and_then(|id| self.open.remove(&id)) else { return alive("answer") };
        let failure = message.get("error").filter(|error| !error.is_null());
        let result = &message["result"];
        match (asked, failure) {
            (Asked::Initialise, None) => {
                self.agent_version = result["agentInfo"]["version"].as_str().map(str::to_owned);
                let name = result["agentInfo"]["name"].as_str().unwrap_or_default();
                // Others go by that name as well, and name none of their messages.
                self.names_messages = name == "@agentclientprotocol/codex-acp";
                self.begin(&result["agentCapabilities"])
            }
            (Asked::LoadSession | Asked::ForkSession, Some(error)) => self.begin_anew(&text(error)),
            (Asked::NewSession | Asked::LoadSession | Asked::ForkSession, None) => self.begun(result),
            (Asked::Prompt, None) => self.ended(result),
            (Asked::Prompt, Some(error)) => {
                let mut steps = self.hush();
                steps.extend(self.remark());
                steps.push(Step::tell("session/prompt", Fact::Ended(TurnEnd::failed(problem(error)))));
                steps
            }
            (Asked::Choice, None) => self.chosen("answer", &result["configOptions"]),
            (Asked::Initialise | Asked::NewSession | Asked::Choice, Some(error)) => {
                vec![Step::tell("error", Fact::Problem(problem(error)))]
            }
        }
    }

    fn begun(&mut self, result: &Value) -> Vec<Step> {
        self.session = result["sessionId"].as_str().map(str::to_owned).or(self.session.take());
        self.choices = Choices::of(result);
        let update = SessionUpdate {
            native_session_id: self.session.clone(),
            model: self.choices.model(),
            agent_version: self.agent_version.clone(),
            models: self.choices.models(),
            ..SessionUpdate::default()
        };
        let mut steps = self.set_mode(self.launch.mode);
        let model = self.launch.model.clone();
        steps.extend(model.map(|model| self.set_model(&model)));
        steps.push(Step::tell("session/new", Fact::Ready(update)));
        steps
    }

    /// Of our modes it knows one at most; what needs no asking is decided here. So it is to ask for as much as it can.
    fn set_mode(&mut self, mode: Mode) -> Vec<Step> {
        let wanted: &[&str] = match mode {
            Mode::Plan => &["plan", "read-only"],
            Mode::Ask | Mode::AcceptEdits | Mode::Auto => &["default", "read-only"],
        };
        let set = self.choices.set_mode(self.session.as_deref(), wanted);
        set.map(|(method, params)| self.request(Asked::Choice, method, params)).into_iter().collect()
    }

    fn set_model(&mut self, model: &str) -> Step {
        let (method, params) = self.choices.set_model(self.session.as_deref(), model);
        self.request(Asked::Choice, method, params)
    }

    /// Its options are other ones now.
    fn chosen(&mut self, native_type: &str, options: &Value) -> Vec<Step> {
        let before = self.choices.model();
        self.choices.take(options);
        let model = self.choices.model().filter(|model| before.as_ref() != Some(model));
        match model {
            Some(_) => {
                let update = SessionUpdate { model, models: self.choices.models(), ..SessionUpdate::default() };
                vec![Step::tell(native_type, Fact::Session(update))]
            }
            None => alive(native_type),
        }
    }

    fn ended(&mut self, result: &Value) -> Vec<Step> {
        let said = self.saying.as_ref().map(|saying| saying.text.clone());
        let failure = self.remark.take_if(|_| self.has_failed);
        let mut steps = self.hush();
        steps.extend(self.remark());
        let reason = result["stopReason"].as_str().unwrap_or_default();
        let end = match reason {
            // An agent that failed may say so in its own words alone, and end as if nothing were.
            _ if std::mem::take(&mut self.has_failed) => {
                let text = failure.or(said).unwrap_or_else(|| "the agent failed".to_owned());
                TurnEnd::failed(failed(text.trim()))
            }
            "end_turn" => TurnEnd::new(Outcome::Completed),
            "cancelled" => TurnEnd::new(Outcome::Interrupted),
            "refusal" => TurnEnd::new(Outcome::Refused),
            "max_tokens" => TurnEnd::new(Outcome::MaxTokens),
            "max_turn_requests" => TurnEnd::new(Outcome::MaxTurns),
            other => TurnEnd::failed(Problem::new(ProblemKind::Protocol, format!("it stopped for {other:?}"))),
        };
        let end = TurnEnd { usage: usage(result), native_stop_reason: Some(reason.to_owned()), ..end };
        steps.push(Step::tell("session/prompt", Fact::Ended(end)));
        (self.calls, self.denied) = (HashMap::new(), HashSet::new());
        steps
    }

    /// What is new of a tool call; and all that is known of it.
    fn call(&mut self, name: &str, told: &Value) -> (Vec<Step>, Value) {
        let mut steps = self.hush();
        steps.extend(self.remark());
        let id = told["toolCallId"].as_str().unwrap_or_default().to_owned();
        let known = self.calls.entry(id.clone()).or_default();
        let members = told.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        known.extend(members.map(|(key, value)| (key.clone(), value.clone())));
        let call = Value::Object(known.clone());
        let item = tools::item(&call, told, self.denied.contains(&id));
        steps.push(Step::tell(name, Fact::Item { id, item }));
        (steps, call)
    }

    fn update(&mut self, message: &Value) -> Vec<Step> {
        // What a session that is loaded tells is its past.
        if self.open.values().any(|asked| matches!(asked, Asked::LoadSession | Asked::ForkSession)) {
            return alive("session/load");
        }
        let update = &message["params"]["update"];
        let kind = update["sessionUpdate"].as_str().unwrap_or_default();
        let session = |update: SessionUpdate| vec![Step::tell(kind, Fact::Session(update))];
        match kind {
            "agent_message_chunk" => self.say(kind, ItemKind::AgentMessage, update),
            "agent_thought_chunk" => self.say(kind, ItemKind::Thought, update),
            "tool_call" | "tool_call_update" => self.call(kind, update).0,
            "plan" => vec![Step::tell(kind, Fact::Plan(plan(update)))],
            "usage_update" => {
                let (context_used, context_size) = (update["used"].as_u64(), update["size"].as_u64());
                let usage = UsageUpdate { context_used, context_size, ..UsageUpdate::default() };
                vec![Step::tell(kind, Fact::Usage(usage))]
            }
            "available_commands_update" => {
                let listed = update["availableCommands"].as_array().into_iter().flatten();
                let names = listed.filter_map(|command| command["name"].as_str().map(str::to_owned)).collect();
                session(SessionUpdate { commands: Some(names), ..SessionUpdate::default() })
            }
            "session_info_update" => {
                self.has_failed |= update["_meta"]["codex"]["threadStatus"]["type"] == "systemError";
                match update["title"].as_str() {
                    Some(title) => session(SessionUpdate { title: Some(title.to_owned()), ..SessionUpdate::default() }),
                    None => alive(kind),
                }
            }
            "notice" => {
                let parts = [update["title"].as_str(), update["description"].as_str()];
                let text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
                vec![self.notice(text)]
            }
            "compaction_update" => match update["status"].as_str() {
                Some("completed") => {
                    let item = Item::new(ItemKind::Compaction).status(ItemStatus::Completed);
                    vec![Step::tell(kind, Fact::Item { id: self.names.next(), item })]
                }
                Some(_) | None => alive(kind),
            },
            "config_option_update" => self.chosen(kind, &update["configOptions"]),
            "user_message_chunk" | "current_mode_update" | "compaction_summary_chunk" => alive(kind),
            _ => vec![Step::Tell(Told::unknown(kind, message))],
        }
    }

    /// A piece of what it says or thinks. Where it does not name messages, one goes on until something else happens.
    fn say(&mut self, name: &str, kind: ItemKind, update: &Value) -> Vec<Step> {
        let Some(text) = update["content"]["text"].as_str() else {
            return vec![Step::Tell(Told::unknown(name, update))];
        };
        let named = update["messageId"].as_str();
        if self.names_messages && kind == ItemKind::AgentMessage && named.is_none() {
            // Why it failed is told as this before it is told that it did; it waits for what follows.
            let before = self.remark();
            self.remark = Some(text.to_owned());
            return before.map_or_else(|| alive(name), |step| vec![step]);
        }
        let goes_on = |saying: &Saying| saying.kind == kind && named.is_none_or(|id| id == saying.id);
        let mut steps: Vec<Step> = self.remark().into_iter().collect();
        if !self.saying.as_ref().is_some_and(goes_on) {
            steps.extend(self.hush());
            let id = named.map_or_else(|| self.names.next(), str::to_owned);
            let item = Item::new(kind).status(ItemStatus::InProgress);
            steps.push(Step::tell(name, Fact::Item { id: id.clone(), item }));
            self.saying = Some(Saying { id, kind, text: String::new() });
        }
        if let Some(saying) = &mut self.saying {
            saying.text.push_str(text);
            let field = if kind == ItemKind::Thought { DeltaField::Thought } else { DeltaField::Text };
            steps.push(Step::tell(name, Fact::Grew { id: saying.id.clone(), field, text: text.to_owned() }));
        }
        steps
    }

    /// What it said itself is no part of the answer.
    fn remark(&mut self) -> Option<Step> {
        self.remark.take().map(|text| self.notice(text.trim().to_owned()))
    }

    /// What was being said is said.
    fn hush(&mut self) -> Vec<Step> {
        let said = self.saying.take().map(|Saying { id, kind, text }| {
            let item = Item::new(kind).status(ItemStatus::Completed).text(text);
            Step::tell("message", Fact::Item { id, item })
        });
        said.into_iter().collect()
    }

    fn notice(&mut self, text: String) -> Step {
        let item = Item::new(ItemKind::Notice).status(ItemStatus::Completed).text(text);
        Step::tell("notice", Fact::Item { id: self.names.next(), item })
    }

    fn prompt(&mut self, prompt: &Prompt) -> Vec<Step> {
        (self.has_failed, self.remark) = (false, None);
        let part = |content: &Content| match content {
            Content::Text { text } => json!({"type": "text", "text": text}),
            Content::Image { mime_type, data } => json!({"type": "image", "mimeType": mime_type, "data": data}),
            Content::ResourceLink { uri, name } => {
                json!({"type": "resource_link", "uri": uri, "name": name.as_ref().unwrap_or(uri)})
            }
            Content::Other { value } => value.clone(),
        };
        // Version 1 knows no other place for it.
        let preface = self.preface.take().map(|text| json!({"type": "text", "text": text}));
        let content: Vec<Value> = preface.into_iter().chain(prompt.sent().iter().map(part)).collect();
        vec![self.request(Asked::Prompt, "session/prompt", json!({"sessionId": self.session, "prompt": content}))]
    }

    fn interrupt(&mut self) -> Vec<Step> {
        let cancel = json!({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": self.session}});
        // What is asked must be answered, and this is the answer to be given then.
        let asks = std::mem::take(&mut self.asks);
        let strangers = std::mem::take(&mut self.strangers);
        let asks =
            asks.iter().map(|(key, (id, _))| if strangers.contains(key) { refused(id) } else { answer(id, None) });
        let asks: Vec<Step> = asks.collect();
        let forms = std::mem::take(&mut self.forms).into_values().map(|(id, _)| filled(&id, None));
        [Step::Say(cancel)].into_iter().chain(asks).chain(forms).collect()
    }
}

impl Translator for Acp {
    fn open(&mut self, launch: &Launch) -> Vec<Step> {
        self.launch = launch.clone();
        self.preface.clone_from(&launch.system_prompt);
        let capabilities = json!({
            "fs": {"readTextFile": false, "writeTextFile": false}, "terminal": false, "elicitation": {"form": {}},
        });
        let info = json!({"name": "sixframe", "title": "Sixframe", "version": env!("CARGO_PKG_VERSION")});
        let params = json!({"protocolVersion": 1, "clientCapabilities": capabilities, "clientInfo": info});
        vec![self.request(Asked::Initialise, "initialize", params)]
    }

    fn hear(&mut self, line: &[u8]) -> Vec<Step> {
        let message: Value = match serde_json::from_slice(line) {
            Ok(message) => message,
            Err(error) => return vec![unparsed(line, &error)],
        };
        match (message["method"].as_str(), message.get("id")) {
            (Some(method), Some(_)) => self.asked(method, &message),
            (Some("session/update"), None) => self.update(&message),
            (Some(method), None) => vec![Step::Tell(Told::unknown(method, &message))],
            (None, Some(_)) => self.answered(&message),
            (None, None) => vec![Step::Tell(Told::unknown("", &message))],
        }
    }

    fn command(&mut self, command: Command) -> Vec<Step> {
        match command {
            Command::Prompt(prompt) | Command::Steer(prompt) => self.prompt(&prompt),
            Command::Interrupt => self.interrupt(),
            Command::Decide { key, verdict } => self.decide(&key, verdict),
            Command::Answer { key, answers } => self.answer(&key, answers),
            Command::SetMode(mode) => self.set_mode(mode),
            Command::SetModel(model) => vec![self.set_model(&model)],
            Command::Stop | Command::Kill | Command::Hold(_) => Vec::new(),
        }
    }
}

fn alive(native_type: &str) -> Vec<Step> {
    vec![Step::tell(native_type, Fact::Alive)]
}

fn plan(update: &Value) -> Plan {
    let entries = update["entries"].as_array().into_iter().flatten().filter_map(|entry| {
        let status = match entry["status"].as_str() {
            Some("completed") => PlanStatus::Completed,
            Some("in_progress") => PlanStatus::InProgress,
            _ => PlanStatus::Pending,
        };
        Some(PlanEntry { text: entry["content"].as_str()?.to_owned(), status })
    });
    Plan { entries: entries.collect() }
}

fn usage(result: &Value) -> Option<Usage> {
    let (told, quota) = (&result["usage"], &result["_meta"]["quota"]["token_count"]);
    let number = |key: &str, other: &str| told[key].as_u64().or(quota[other].as_u64()).unwrap_or_default();
    let usage = Usage {
        input: number("inputTokens", "input_tokens"),
        cached_read: number("cachedReadTokens", "cached_input_tokens"),
        cached_write: number("cachedWriteTokens", "cache_write_input_tokens"),
        output: number("outputTokens", "output_tokens"),
        reasoning: number("thoughtTokens", "reasoning_output_tokens"),
    };
    (told.is_object() || quota.is_object()).then_some(usage)
}

#[cfg(test)]
mod tests;
