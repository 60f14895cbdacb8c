//! What it asks: leave, and what a person is to fill in.

use serde_json::{Value, json};

use super::super::agent::{Answers, Fact, Inquiry, Step, Told};
use super::super::form;
use super::super::permission::{Action, Ask, AskedSkill, OptionKind, PermissionOption, Verdict};
use super::super::policy::Ruling;
use super::super::strange;
use super::{Asked, Claude, questions, tools};

impl Claude {
    /// It asks us something.
    pub(super) fn asks(&mut self, message: &Value) -> Vec<Step> {
        let (id, request) = (message["request_id"].as_str().unwrap_or_default(), &message["request"]);
        let subtype = request["subtype"].as_str().unwrap_or_default();
        let name = format!("control_request/{subtype}");
        let mut asked = Asked {
            tool_use_id: request["tool_use_id"].as_str().map(str::to_owned),
            input: request["input"].clone(),
            rules: session_rules(&request["permission_suggestions"]),
            form: None,
            is_strange: false,
        };
        let fact = match subtype {
            "can_use_tool" if request["tool_name"] == questions::TOOL => {
                Fact::Inquired(questions::inquiry(id, request))
            }
            "can_use_tool" => Fact::Asked(Ask { skill: self.skill(request), ..ask(id, request, &asked) }),
            "elicitation" => {
                asked.form = Some(request["requested_schema"].clone());
                match elicited(id, request) {
                    Some(fact) => fact,
                    // What cannot be shown nobody can agree to.
                    None => return vec![filled(id, None), Step::Tell(Told::unknown(name, message))],
                }
            }
            _ if strange::is_leave(subtype) || request["tool_name"].is_string() => {
                // What is about a tool is answered as any request to use one.
                asked.is_strange = !(request["tool_name"].is_string() && request["input"].is_object());
                Fact::Asked(strange::ask(id, subtype, request, !asked.is_strange))
            }
            _ => {
                let notice = Fact::Item { id: format!("refused-{id}"), item: strange::refused(subtype) };
                return vec![refused(id), Step::tell(&name, notice), Step::Tell(Told::unknown(name, message))];
            }
        };
        self.asked.insert(id.to_owned(), asked);
        vec![Step::tell(&name, fact)]
    }

    /// The skill that it is to load. A slash in front of its name is none of that.
    fn skill(&self, request: &Value) -> Option<AskedSkill> {
        let input = Some(&request["input"]).filter(|_| request["tool_name"] == "Skill")?;
        let name = input["skill"].as_str().or(input["command"].as_str()).unwrap_or_default().trim();
        let name = name.strip_prefix('/').unwrap_or(name).to_owned();
        Some(AskedSkill { was_there: self.skills.contains(&name), name })
    }

    pub(super) fn answer(&mut self, key: &str, answers: Option<Answers>) -> Vec<Step> {
        let Some(asked) = self.asked.remove(key) else { return Vec::new() };
        if let Some(schema) = asked.form {
            return vec![filled(key, answers.map(|answers| form::content(&schema, &answers)))];
        }
        let answer = match answers {
            Some(answers) => {
                json!({"behavior": "allow", "updatedInput": questions::answered(&asked.input, &answers)})
            }
            None => {
                self.denied.extend(asked.tool_use_id);
                json!({"behavior": "deny", "message": "the person did not answer", "interrupt": false})
            }
        };
        vec![respond(key, answer)]
    }

    pub(super) fn decide(&mut self, key: &str, verdict: Verdict) -> Vec<Step> {
        let Some(asked) = self.asked.remove(key) else { return Vec::new() };
        if asked.form.is_some() {
            return vec![filled(key, matches!(verdict, Verdict::Allow { .. }).then(|| json!({})))];
        }
        if asked.is_strange {
            return vec![refused(key)];
        }
        let answer = match verdict {
            Verdict::Allow { option_id } => {
                let mut answer = json!({"behavior": "allow", "updatedInput": asked.input});
                if option_id == ALLOW_SESSION {
                    answer["updatedPermissions"] = Value::Array(asked.rules);
                }
                answer
            }
            Verdict::Deny { reason, .. } => {
                self.denied.extend(asked.tool_use_id);
                json!({"behavior": "deny", "message": reason, "interrupt": false})
            }
        };
        vec![respond(key, answer)]
    }
}

const ALLOW_ONCE: &str = "allow_once";

const ALLOW_SESSION: &str = "allow_session";

const REJECT_ONCE: &str = "reject_once";

/// What it proposes to allow from now on, as far as that is a rule and stays in this session. Where it would write it into
/// settings, it is told to keep it to itself.
fn session_rules(suggestions: &Value) -> Vec<Value> {
    let rules = suggestions.as_array().into_iter().flatten().filter(|suggestion| suggestion["type"] == "addRules");
    let kept = rules.filter(|suggestion| suggestion["behavior"] == "allow").map(|suggestion| {
        let mut rule = suggestion.clone();
        rule["destination"] = json!("session");
        rule
    });
    kept.collect()
}

fn ask(id: &str, request: &Value, asked: &Asked) -> Ask {
    let name = request["tool_name"].as_str().unwrap_or("unknown");
    let text = |key: &str| request[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let mut options = vec![PermissionOption::new(ALLOW_ONCE, OptionKind::AllowOnce, "Allow")];
    if !asked.rules.is_empty() {
        let option = PermissionOption::new(ALLOW_SESSION, OptionKind::AllowSession, "Allow for this session");
        options.push(PermissionOption { rule_preview: Some(tools::preview(&asked.rules)), ..option });
    }
    options.push(PermissionOption::new(REJECT_ONCE, OptionKind::RejectOnce, "Deny"));
    let mut paths = tools::paths(&asked.input);
    paths.extend(tools::reached(name, &asked.input));
    paths.extend(text("blocked_path").filter(|path| !paths.contains(path)));
    Ask {
        key: id.to_owned(),
        item: asked.tool_use_id.clone(),
        action: tools::action(name),
        title: tools::title(name, &asked.input),
        description: text("description"),
        reason: text("decision_reason"),
        input: asked.input.clone(),
        paths,
        skill: None,
        ruling: Ruling::default(),
        options,
    }
}

/// What a tool server asks for. None where it is nothing that can be shown here, such as a page to be opened.
fn elicited(key: &str, request: &Value) -> Option<Fact> {
    let (schema, text) = (&request["requested_schema"], |name: &str| request[name].as_str().unwrap_or_default());
    if text("mode") == "url" {
        return None;
    }
    let title = format!("{}: {}", text("mcp_server_name"), text("message"));
    if form::is_empty(schema) {
        return Some(Fact::Asked(consent(key, title, request)));
    }
    let questions = form::questions(schema, &request["property_order"])?;
    Some(Fact::Inquired(Inquiry { key: key.to_owned(), item: None, title: Some(title), questions }))
}

/// A form with nothing to fill in is a request for leave.
fn consent(key: &str, title: String, request: &Value) -> Ask {
    let options = vec![
        PermissionOption::new(ALLOW_ONCE, OptionKind::AllowOnce, "Allow"),
        PermissionOption::new(REJECT_ONCE, OptionKind::RejectOnce, "Deny"),
    ];
    Ask {
        key: key.to_owned(),
        item: None,
        action: Action::McpTool,
        title,
        description: None,
        reason: None,
        input: request.clone(),
        paths: Vec::new(),
        skill: None,
        ruling: Ruling::default(),
        options,
    }
}

fn filled(key: &str, content: Option<Value>) -> Step {
    respond(
        key,
        match content {
            Some(content) => json!({"action": "accept", "content": content}),
            None => json!({"action": "decline"}),
        },
    )
}

fn refused(key: &str) -> Step {
    let response = json!({
        "subtype": "error", "request_id": key, "error": "not supported", "error_code": "unsupported_request",
    });
    Step::Say(json!({"type": "control_response", "response": response}))
}

fn respond(key: &str, answer: Value) -> Step {
    let response = json!({"subtype": "success", "request_id": key, "response": answer});
    Step::Say(json!({"type": "control_response", "response": response}))
}
