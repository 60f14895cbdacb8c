//! Claude Code, by its streamed JSON and its control protocol, which go both ways over one pair of pipes. Several permissions
//! may be asked for at once; nothing here waits for an answer.

mod asking;
mod blocks;
mod course;
mod questions;
mod result;
mod tools;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::agent::{Command, Fact, Launch, Prompt, Step, Told, Translator, unparsed};
use super::event::{Mode, Retry, SessionUpdate};
use super::item::{Content, Item, ItemKind, ItemStatus};
use super::problem::{Problem, ProblemKind};
use super::trust::FolderSettings;
use super::usage::{LimitStatus, Limits};
use blocks::Blocks;
use course::Course;
use result::Costs;

/// The id of our first request.
const INITIALISE: &str = "initialise";

/// The translator.
#[derive(Debug, Default)]
pub struct Claude {
    blocks: Blocks,
    /// What it asked and we have not answered, by its id of the request.
    asked: HashMap<String, Asked>,
    /// Tools that were denied, so that their failure is told as that.
    denied: HashSet<String>,
    costs: Costs,
    course: Course,
    /// What went wrong with the model's service in this turn.
    problem: Option<Problem>,
    requests: u64,
    interrupted: bool,
    /// What it is told before the first prompt.
    history: Option<String>,
    /// It is to go on with a session of its own, and has not begun.
    resumes: bool,
    /// The skills and commands that it had before it was asked anything: it finds others where it works.
    skills: HashSet<String>,
    /// Whether those are all.
    has_skills: bool,
}

#[derive(Debug)]
struct Asked {
    tool_use_id: Option<String>,
    input: Value,
    /// What it proposes to allow for this session.
    rules: Vec<Value>,
    /// What is to be filled in, where a tool server asks.
    form: Option<Value>,
    /// Whether it is of a kind that is not known here, and cannot be allowed.
    is_strange: bool,
}

impl Claude {
    /// The arguments of its program.
    pub fn arguments(launch: &Launch) -> Vec<String> {
        let fixed = [
            "-p",
            "--output-format=stream-json",
            "--verbose",
            "--input-format=stream-json",
            "--permission-prompt-tool=stdio",
            "--include-partial-messages",
        ];
        // What lies in the folder may be anybody's.
        let settings: &[&str] = match launch.settings {
            FolderSettings::Absent | FolderSettings::Unread => &["--setting-sources=user"],
            FolderSettings::Withheld => &["--setting-sources=user", "--strict-mcp-config"],
            FolderSettings::Trusted => &["--setting-sources=user,project,local"],
        };
        let mut arguments: Vec<String> = fixed.iter().chain(settings).map(|argument| (*argument).to_owned()).collect();
        arguments.extend(launch.model.iter().map(|model| format!("--model={model}")));
        arguments.extend(launch.resume.iter().map(|id| format!("--resume={id}")));
        arguments.extend(launch.is_fork.then(|| "--fork-session".to_owned()));
        arguments.push(format!("--permission-mode={}", mode(launch.mode)));
        arguments
    }

    fn request(&mut self, request: Value) -> Step {
        self.requests += 1;
        let id = format!("sixframe-{}", self.requests);
        Step::Say(json!({"type": "control_request", "request_id": id, "request": request}))
    }

    fn system(&mut self, message: &Value) -> Vec<Step> {
        let subtype = message["subtype"].as_str().unwrap_or_default();
        let name = format!("system/{subtype}");
        let fact = match subtype {
            "init" => {
                if !std::mem::replace(&mut self.has_skills, true) {
                    let had = ["skills", "slash_commands"].map(|key| names(&message[key], "name"));
                    self.skills.extend(had.into_iter().flatten().flatten());
                }
                Fact::Session(session(message))
            }
            "api_retry" => Fact::Retry(retry(message)),
            "compact_boundary" => {
                let item = Item::new(ItemKind::Compaction).status(ItemStatus::Completed);
                Fact::Item { id: identifier(message), item }
            }
            "permission_denied" => {
                self.denied.extend(message["tool_use_id"].as_str().map(str::to_owned));
                return vec![Step::Tell(Told::unknown(name, message))];
            }
            "informational" => {
                let text = message["content"].as_str().or(message["message"].as_str()).unwrap_or_default();
                let item = Item::new(ItemKind::Notice).status(ItemStatus::Completed).text(text);
                Fact::Item { id: identifier(message), item }
            }
            "status" | "session_state_changed" | "thinking_tokens" => Fact::Alive,
            _ => return vec![Step::Tell(Told::unknown(name, message))],
        };
        vec![Step::tell(&name, fact)]
    }

    /// What the model said in full, one message for each block.
    fn assistant(&mut self, message: &Value) -> Vec<Step> {
        if let Some(error) = message["error"].as_str() {
            let text = blocks::text_of(&message["message"]["content"]);
            self.problem = Some(problem(error, &text));
            return vec![Step::tell("assistant", Fact::Alive)];
        }
        if message["message"]["model"] == "<synthetic>" {
            let text = blocks::text_of(&message["message"]["content"]);
            let item = Item::new(ItemKind::Notice).status(ItemStatus::Completed).text(text);
            return vec![Step::tell("assistant", Fact::Item { id: identifier(message), item })];
        }
        self.blocks.finished(message)
    }

    /// What tools answered.
    fn user(&mut self, message: &Value) -> Vec<Step> {
        let Some(parts) = message["message"]["content"].as_array() else { return alive("user") };
        let results = parts.iter().filter(|part| part["type"] == "tool_result");
        let steps: Vec<Step> = results
            .filter_map(|part| {
                let id = part["tool_use_id"].as_str()?;
                let failed = part["is_error"].as_bool().unwrap_or_default();
                let status = match (failed, self.denied.contains(id), self.interrupted) {
                    (false, _, _) => ItemStatus::Completed,
                    (true, true, _) => ItemStatus::Denied,
                    (true, false, true) => ItemStatus::Cancelled,
                    (true, false, false) => ItemStatus::Failed,
                };
                let item = tools::answered(part, &message["tool_use_result"], status);
                Some(Step::tell("user", Fact::Item { id: id.to_owned(), item }))
            })
            .collect();
        if steps.is_empty() { alive("user") } else { steps }
    }

    /// It answers what we asked.
    fn answers(&mut self, message: &Value) -> Vec<Step> {
        let response = &message["response"];
        let failed = response["subtype"] == "error";
        let error = response["error"].as_str().unwrap_or("refused").to_owned();
        match (response["request_id"].as_str(), failed) {
            (Some(INITIALISE), false) => {
                self.resumes = false;
                let answer = &response["response"];
                self.skills.extend(names(&answer["commands"], "name").into_iter().flatten());
                let update = SessionUpdate {
                    commands: names(&answer["commands"], "name"),
                    models: names(&answer["models"], "value"),
                    ..SessionUpdate::default()
                };
                vec![Step::tell("control_response", Fact::Ready(update))]
            }
            (Some(INITIALISE), true) => {
                let problem = Problem::new(ProblemKind::Protocol, format!("it refused to begin: {error}"));
                vec![Step::tell("control_response", Fact::Problem(problem))]
            }
            (_, true) => {
                let problem = Problem::new(ProblemKind::InvalidRequest, error);
                vec![Step::tell("control_response", Fact::Problem(problem))]
            }
            (_, false) => alive("control_response"),
        }
    }

    fn understand(&mut self, message: &Value) -> Vec<Step> {
        let kind = message["type"].as_str().unwrap_or_default();
        match kind {
            "system" => self.system(message),
            "stream_event" => self.blocks.streamed(message),
            "assistant" => self.assistant(message),
            "user" => self.user(message),
            "result" => self.result(message),
            "control_request" => self.asks(message),
            "control_response" => self.answers(message),
            "control_cancel_request" => {
                let key = message["request_id"].as_str().unwrap_or_default().to_owned();
                self.asked.remove(&key);
                vec![Step::tell(kind, Fact::Withdrew { key })]
            }
            "rate_limit_event" => match limits(&message["rate_limit_info"]) {
                Some(limits) => vec![Step::tell(kind, Fact::Limits(limits))],
                None => alive(kind),
            },
            "command_lifecycle" => match self.course.follow(message) {
                Some(end) => vec![Step::tell(kind, Fact::Ended(end))],
                None => alive(kind),
            },
            "tool_progress" | "keep_alive" => alive(kind),
            _ => vec![Step::Tell(Told::unknown(kind, message))],
        }
    }

    fn prompt(&mut self, prompt: &Prompt) -> Vec<Step> {
        (self.problem, self.interrupted) = (None, false);
        let history = self.history.take().map(|text| json!({"type": "text", "text": text}));
        let content: Vec<Value> = history.into_iter().chain(prompt.sent().iter().map(part)).collect();
        vec![Step::Say(course::prompt(content, self.course.give()))]
    }
}

impl Translator for Claude {
    fn open(&mut self, launch: &Launch) -> Vec<Step> {
        self.resumes = launch.resume.is_some();
        if self.resumes {
            self.costs = Costs::of_session(launch.spent.as_ref().filter(|_| !launch.is_fork));
        }
        self.history = launch.history.clone().filter(|_| !self.resumes);
        let mut request = json!({"subtype": "initialize", "hooks": null});
        if let Some(text) = &launch.system_prompt {
            // Not among the arguments, which every user of the machine can read, and which have an end.
            request["appendSystemPrompt"] = json!(text);
        }
        vec![Step::Say(json!({"type": "control_request", "request_id": INITIALISE, "request": request}))]
    }

    fn hear(&mut self, line: &[u8]) -> Vec<Step> {
        let message: Value = match serde_json::from_slice(line) {
            Ok(message) => message,
            Err(error) => return vec![unparsed(line, &error)],
        };
        let begun = self.course.hear(&message);
        let mut steps = self.understand(&message);
        steps.splice(0..0, begun);
        steps
    }

    fn command(&mut self, command: Command) -> Vec<Step> {
        match command {
            Command::Prompt(prompt) | Command::Steer(prompt) => self.prompt(&prompt),
            Command::Interrupt => {
                self.interrupted = true;
                vec![self.request(json!({"subtype": "interrupt", "cancel_queued": true}))]
            }
            Command::Decide { key, verdict } => self.decide(&key, verdict),
            Command::Answer { key, answers } => self.answer(&key, answers),
            Command::SetMode(to) => vec![self.request(json!({"subtype": "set_permission_mode", "mode": mode(to)}))],
            Command::SetModel(model) => vec![self.request(json!({"subtype": "set_model", "model": model}))],
            Command::Stop | Command::Kill | Command::Hold(_) => Vec::new(),
        }
    }
}

/// What it may do without asking is decided here and not there, but for planning, which changes what it is told.
fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Ask | Mode::AcceptEdits | Mode::Auto => "default",
        Mode::Plan => "plan",
    }
}

fn alive(native_type: &str) -> Vec<Step> {
    vec![Step::tell(native_type, Fact::Alive)]
}

fn identifier(message: &Value) -> String {
    message["uuid"].as_str().unwrap_or("unnamed").to_owned()
}

fn session(message: &Value) -> SessionUpdate {
    let text = |key: &str| message[key].as_str().map(str::to_owned);
    let servers = message["mcp_servers"].as_array().into_iter().flatten().filter_map(|server| {
        Some((server["name"].as_str()?.to_owned(), server["status"].as_str().unwrap_or("unknown").to_owned()))
    });
    SessionUpdate {
        native_session_id: text("session_id"),
        model: text("model"),
        agent_version: text("claude_code_version"),
        tools: names(&message["tools"], ""),
        commands: names(&message["slash_commands"], ""),
        mcp_servers: Some(servers.collect()),
        ..SessionUpdate::default()
    }
}

/// The strings of an array, or one member of each of its objects.
fn names(array: &Value, member: &str) -> Option<Vec<String>> {
    let name = |value: &Value| value.as_str().or(value[member].as_str()).map(str::to_owned);
    Some(array.as_array()?.iter().filter_map(name).collect())
}

fn retry(message: &Value) -> Retry {
    let status = message["error_status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let word = message["error"].as_str().unwrap_or("unknown");
    let error = match (word, status) {
        // Without a status, there was no answer.
        ("unknown", None) => Problem::new(ProblemKind::Network, "its service did not answer").code(word),
        _ => Problem { http_status: status, ..problem(word, word) },
    };
    Retry {
        attempt: message["attempt"].as_u64().unwrap_or(1),
        max: message["max_retries"].as_u64(),
        delay_ms: message["retry_delay_ms"].as_f64().unwrap_or_default().max(0.0) as u64,
        error,
    }
}

fn limits(info: &Value) -> Option<Limits> {
    let status = match info["status"].as_str()? {
        "allowed" => LimitStatus::Ok,
        "allowed_warning" => LimitStatus::Warning,
        _ => LimitStatus::Rejected,
    };
    let scope = info["rateLimitType"].as_str().unwrap_or("account").to_owned();
    let used_percent = info["utilization"].as_f64().map(|share| share * 100.0);
    Some(Limits { scope, status, used_percent, resets_at: info["resetsAt"].as_u64() })
}

/// Its word for what went wrong, in ours.
fn problem(word: &str, text: &str) -> Problem {
    use ProblemKind as Kind;
    let kind = match word {
        "authentication_failed" | "oauth_org_not_allowed" | "cloud_credential_error" => Kind::AuthRequired,
        "account_on_hold" | "billing_error" | "verification_required" => Kind::Billing,
        "rate_limit" => Kind::RateLimited,
        "overloaded" => Kind::Overloaded,
        "invalid_request" => Kind::InvalidRequest,
        "model_not_found" => Kind::ModelNotFound,
        // A service that has too much to do is told by the same word as one that fails.
        "server_error" if text.contains("529") || text.contains("verloaded") => Kind::Overloaded,
        "server_error" => Kind::ProviderError,
        "max_output_tokens" => Kind::MaxOutput,
        _ => Kind::Unknown,
    };
    let problem = Problem::new(kind, text).code(word);
    match kind {
        Kind::AuthRequired => problem.hint("log in with `claude auth login`, or set ANTHROPIC_API_KEY"),
        _ => problem,
    }
}

fn part(content: &Content) -> Value {
    match content {
        Content::Text { text } => json!({"type": "text", "text": text}),
        Content::Image { mime_type, data } => {
            json!({"type": "image", "source": {"type": "base64", "media_type": mime_type, "data": data}})
        }
        Content::ResourceLink { uri, .. } => json!({"type": "text", "text": uri}),
        Content::Other { value } => value.clone(),
    }
}
