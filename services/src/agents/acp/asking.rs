//! What an agent asks: leave, and what a person is to fill in.

use serde_json::{Value, json};

use super::super::agent::{Answers, Fact, Inquiry, Step, Told};
use super::super::form;
use super::super::item::{Item, ItemKind, ItemStatus};
use super::super::permission::{Ask, OptionKind, PermissionOption, Verdict};
use super::super::policy::Ruling;
use super::super::strange;
use super::{Acp, tools};

impl Acp {
    pub(super) fn asked(&mut self, method: &str, message: &Value) -> Vec<Step> {
        if method == "elicitation/create" {
            return self.elicited(method, message);
        }
        if method != "session/request_permission" {
            return self.strange(method, message);
        }
        let (key, params) = (message["id"].to_string(), &message["params"]);
        let (mut steps, call) = self.call(method, &params["toolCall"]);
        let id = params["toolCall"]["toolCallId"].as_str().unwrap_or_default().to_owned();
        let ask = Ask {
            key: key.clone(),
            item: Some(id.clone()),
            action: tools::action(&call),
            title: call["title"].as_str().unwrap_or("use a tool").to_owned(),
            description: None,
            reason: None,
            input: tools::shown(&call),
            paths: tools::paths(&call),
            skill: None,
            ruling: Ruling::default(),
            options: options(&params["options"]),
        };
        self.asks.insert(key, (message["id"].clone(), id));
        steps.push(Step::tell(method, Fact::Asked(ask)));
        steps
    }

    /// It asks something that the protocol does not know.
    fn strange(&mut self, method: &str, message: &Value) -> Vec<Step> {
        let (key, params) = (message["id"].to_string(), &message["params"]);
        if !strange::is_leave(method) {
            let notice = Fact::Item { id: self.names.next(), item: strange::refused(method) };
            return vec![
                refused(&message["id"]),
                Step::tell(method, notice),
                Step::Tell(Told::unknown(method, message)),
            ];
        }
        // What offers options as the protocol does is answered as the protocol does.
        let offered = options(&params["options"]);
        let mut ask = strange::ask(&key, method, params, false);
        if offered.iter().any(|option| option.kind.allows()) {
            ask = Ask { options: offered, ..strange::ask(&key, method, params, true) };
        } else {
            self.strangers.insert(key.clone());
        }
        self.asks.insert(key, (message["id"].clone(), ask.item.clone().unwrap_or_default()));
        vec![Step::tell(method, Fact::Asked(ask))]
    }

    /// A person is to fill something in.
    fn elicited(&mut self, method: &str, message: &Value) -> Vec<Step> {
        let (key, params) = (message["id"].to_string(), &message["params"]);
        let schema = &params["requestedSchema"];
        let questions = form::questions(schema, &Value::Null).filter(|_| params["mode"] != "url");
        let Some(questions) = questions else {
            // What cannot be shown nobody can agree to.
            return vec![filled(&message["id"], None), Step::Tell(Told::unknown(method, message))];
        };
        let text = |name: &str| params[name].as_str().map(str::to_owned);
        let inquiry = Inquiry { key: key.clone(), item: text("toolCallId"), title: text("message"), questions };
        self.forms.insert(key, (message["id"].clone(), schema.clone()));
        vec![Step::tell(method, Fact::Inquired(inquiry))]
    }

    pub(super) fn answer(&mut self, key: &str, answers: Option<Answers>) -> Vec<Step> {
        let Some((id, schema)) = self.forms.remove(key) else { return Vec::new() };
        vec![filled(&id, answers.map(|answers| form::content(&schema, &answers)))]
    }

    pub(super) fn decide(&mut self, key: &str, verdict: Verdict) -> Vec<Step> {
        let Some((id, call)) = self.asks.remove(key) else { return Vec::new() };
        if self.strangers.remove(key) {
            return vec![refused(&id)];
        }
        match verdict {
            Verdict::Allow { option_id } => vec![answer(&id, Some(&option_id))],
            Verdict::Deny { option_id, .. } if call.is_empty() => vec![answer(&id, option_id.as_deref())],
            Verdict::Deny { option_id, .. } => {
                self.denied.insert(call.clone());
                // Some never tell of a tool again that was denied.
                let item = Item::new(ItemKind::ToolCall).status(ItemStatus::Denied);
                vec![answer(&id, option_id.as_deref()), Step::tell("denied", Fact::Item { id: call, item })]
            }
        }
    }
}

pub(super) fn answer(id: &Value, option: Option<&str>) -> Step {
    let outcome = match option {
        Some(option) => json!({"outcome": "selected", "optionId": option}),
        None => json!({"outcome": "cancelled"}),
    };
    Step::Say(json!({"jsonrpc": "2.0", "id": id, "result": {"outcome": outcome}}))
}

pub(super) fn refused(id: &Value) -> Step {
    Step::Say(json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "not supported"}}))
}

pub(super) fn filled(id: &Value, content: Option<Value>) -> Step {
    let result = match content {
        Some(content) => json!({"action": "accept", "content": content}),
        None => json!({"action": "cancel"}),
    };
    Step::Say(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn options(listed: &Value) -> Vec<PermissionOption> {
    let options = listed.as_array().into_iter().flatten().filter_map(|option| {
        // Agents call their options as they like; what one means is its kind.
        let kind = match option["kind"].as_str()? {
            "allow_once" => OptionKind::AllowOnce,
            "allow_always" => OptionKind::AllowAlways,
            "reject_once" => OptionKind::RejectOnce,
            "reject_always" => OptionKind::RejectAlways,
            _ => return None,
        };
        Some(PermissionOption::new(option["optionId"].as_str()?, kind, option["name"].as_str().unwrap_or_default()))
    });
    options.collect()
}
