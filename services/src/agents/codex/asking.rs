//! What it asks: leave, and what a person is to fill in.

use serde_json::{Value, json};

use super::super::agent::{Answers, Fact, Step, Told};
use super::super::permission::{Action, Ask, OptionKind, PermissionOption, Verdict};
use super::super::policy::Ruling;
use super::super::strange;
use super::{Codex, approvals, questions};

impl Codex {
    /// It asks us something.
    pub(super) fn asked(&mut self, method: &str, message: &Value) -> Vec<Step> {
        let (key, params) = (message["id"].to_string(), &message["params"]);
        let ask = match method {
            COMMAND => command_ask(&key, params),
            CHANGE => {
                let known = params["itemId"].as_str().and_then(|id| self.changes.get(id));
                change_ask(&key, params, known)
            }
            _ => return self.inquired(method, message),
        };
        self.asks.insert(key, message.clone());
        vec![Step::tell(method, Fact::Asked(ask))]
    }

    /// It asks us something that is not about commands or files.
    fn inquired(&mut self, method: &str, message: &Value) -> Vec<Step> {
        let (key, params) = (message["id"].to_string(), &message["params"]);
        let fact = match method {
            "item/tool/requestUserInput" => Some(Fact::Inquired(questions::inquiry(&key, params))),
            questions::FORM => questions::form(&key, params),
            _ => match approvals::ask(&key, method, params) {
                Some(ask) => Some(Fact::Asked(ask)),
                None => {
                    let refused = Step::Say(approvals::answer(message, false));
                    let id = self.names.next();
                    let notice = Step::tell(method, Fact::Item { id, item: strange::refused(method) });
                    return vec![refused, notice, Step::Tell(Told::unknown(method, message))];
                }
            },
        };
        match fact {
            Some(fact) => {
                self.asks.insert(key, message.clone());
                vec![Step::tell(method, fact)]
            }
            // What cannot be shown nobody can agree to.
            None => vec![questions::filled(message, None), Step::Tell(Told::unknown(method, message))],
        }
    }

    pub(super) fn answer(&mut self, key: &str, answers: Option<Answers>) -> Vec<Step> {
        let Some(message) = self.asks.remove(key) else { return Vec::new() };
        if message["method"] == questions::FORM {
            return vec![questions::filled(&message, answers.as_ref())];
        }
        vec![questions::answered(&message["id"], answers.unwrap_or_default())]
    }

    pub(super) fn decide(&mut self, key: &str, verdict: Verdict) -> Vec<Step> {
        let Some(message) = self.asks.remove(key) else { return Vec::new() };
        if message["method"] == questions::FORM {
            let allowed = matches!(verdict, Verdict::Allow { .. }).then(Answers::new);
            return vec![questions::filled(&message, allowed.as_ref())];
        }
        if !OURS.iter().any(|ours| message["method"] == *ours) {
            return vec![Step::Say(approvals::answer(&message, matches!(verdict, Verdict::Allow { .. })))];
        }
        let decision = match verdict {
            Verdict::Deny { .. } => json!("decline"),
            Verdict::Allow { option_id } if option_id == AMENDMENT => {
                let amendment = &message["params"]["proposedExecpolicyAmendment"];
                json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": amendment}})
            }
            Verdict::Allow { option_id } if option_id == "acceptForSession" => json!(option_id),
            Verdict::Allow { .. } => json!("accept"),
        };
        vec![Step::Say(json!({"id": message["id"], "result": {"decision": decision}}))]
    }
}

/// Its requests for leave whose answers are a decision among those that it offers.
const COMMAND: &str = "item/commandExecution/requestApproval";

pub(super) const CHANGE: &str = "item/fileChange/requestApproval";

const OURS: [&str; 2] = [COMMAND, CHANGE];

const AMENDMENT: &str = "acceptWithExecpolicyAmendment";

fn command_ask(key: &str, params: &Value) -> Ask {
    let command = params["command"].as_str().unwrap_or_default();
    let network = params.get("networkApprovalContext").filter(|context| !context.is_null());
    let mut input = json!({
        "command": command, "cwd": params["cwd"], "network": network, "actions": params["commandActions"],
    });
    for (name, value) in approvals::more(params) {
        input[name] = value.clone();
    }
    let mut options = vec![PermissionOption::new("accept", OptionKind::AllowOnce, "Allow")];
    let offered = |name: &str| {
        let decisions = params["availableDecisions"].as_array().into_iter().flatten();
        decisions.into_iter().any(|decision| decision == name || decision.get(name).is_some())
    };
    if offered("acceptForSession") {
        options.push(PermissionOption::new("acceptForSession", OptionKind::AllowSession, "Allow for this session"));
    }
    if offered(AMENDMENT) {
        let words = params["proposedExecpolicyAmendment"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let rule_preview = Some(shell_words::join(words));
        let option = PermissionOption::new(AMENDMENT, OptionKind::AllowAlways, "Always allow what begins with this");
        options.push(PermissionOption { rule_preview, ..option });
    }
    options.push(PermissionOption::new("decline", OptionKind::RejectOnce, "Deny"));
    let action = if network.is_some() { Action::Network } else { Action::Command };
    of(key, params, action, format!("run {command}"), input, Vec::new(), options)
}

pub(super) fn change_ask(key: &str, params: &Value, changes: Option<&Value>) -> Ask {
    let listed = changes.and_then(Value::as_array).into_iter().flatten();
    let moved = |change: &Value| change["kind"]["move_path"].as_str().map(str::to_owned);
    let paths: Vec<String> =
        listed.flat_map(|change| change["path"].as_str().map(str::to_owned).into_iter().chain(moved(change))).collect();
    let input = json!({"changes": changes, "grantRoot": params["grantRoot"]});
    let options = vec![
        PermissionOption::new("accept", OptionKind::AllowOnce, "Allow"),
        PermissionOption::new("acceptForSession", OptionKind::AllowSession, "Allow for this session"),
        PermissionOption::new("decline", OptionKind::RejectOnce, "Deny"),
    ];
    // What grants a whole folder is more than a change of files.
    let action = if params["grantRoot"].is_null() { Action::FileChange } else { Action::Unknown };
    of(key, params, action, format!("change {}", paths.join(", ")), input, paths, options)
}

fn of(
    key: &str,
    params: &Value,
    action: Action,
    title: String,
    input: Value,
    paths: Vec<String>,
    options: Vec<PermissionOption>,
) -> Ask {
    let text = |name: &str| params[name].as_str().map(str::to_owned);
    let (item, reason) = (text("itemId"), text("reason"));
    let (key, description, ruling) = (key.to_owned(), None, Ruling::default());
    Ask { key, item, action, title, description, reason, input, paths, skill: None, ruling, options }
}
