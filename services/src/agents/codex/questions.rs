//! What Codex asks people: its own questions, and the forms of its tool servers.

use serde_json::{Map, Value, json};

use super::super::agent::{Answers, Fact, Inquiry, Step};
use super::super::event::{Question, QuestionOption};
use super::super::form;
use super::super::permission::{Action, Ask, OptionKind, PermissionOption};
use super::super::policy::Ruling;

/// How it asks for a form to be filled in.
pub(super) const FORM: &str = "mcpServer/elicitation/request";

pub(super) fn inquiry(key: &str, params: &Value) -> Inquiry {
    let questions = params["questions"].as_array().into_iter().flatten().filter_map(question).collect();
    let item = params["itemId"].as_str().map(str::to_owned);
    Inquiry { key: key.to_owned(), item, title: None, questions }
}

fn question(asked: &Value) -> Option<Question> {
    let text = |key: &str| asked[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let options = asked["options"].as_array().into_iter().flatten().filter_map(|option| {
        let description = option["description"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Some(QuestionOption { label: option["label"].as_str()?.to_owned(), description })
    });
    Some(Question {
        id: text("id")?,
        header: text("header"),
        text: text("question")?,
        options: options.collect(),
        allows_other: asked["isOther"] == true,
        is_secret: asked["isSecret"] == true,
        ..Question::default()
    })
}

/// It takes no answers for "nobody answered".
pub(super) fn answered(id: &Value, answers: Answers) -> Step {
    let answers: Map<String, Value> =
        answers.into_iter().map(|(question, given)| (question, json!({"answers": given}))).collect();
    Step::Say(json!({"id": id, "result": {"answers": answers}}))
}

/// What a tool server asks for. None where it is nothing that can be shown here, such as a page to be opened.
pub(super) fn form(key: &str, params: &Value) -> Option<Fact> {
    let text = |name: &str| params[name].as_str().unwrap_or_default();
    let (schema, title) = (&params["requestedSchema"], format!("{}: {}", text("serverName"), text("message")));
    // Forms of its own kind hold more than those of the protocol; what is more cannot be shown.
    if !matches!(text("mode"), "form" | "openai/form" | "openaiForm") {
        return None;
    }
    if form::is_empty(schema) {
        return Some(Fact::Asked(consent(key, title, params)));
    }
    let questions = form::questions(schema, &Value::Null)?;
    Some(Fact::Inquired(Inquiry { key: key.to_owned(), item: None, title: Some(title), questions }))
}

/// A form with nothing to fill in is a request for leave: by it, it asks before it uses a tool of a server.
fn consent(key: &str, title: String, params: &Value) -> Ask {
    let options = vec![
        PermissionOption::new("accept", OptionKind::AllowOnce, "Allow"),
        PermissionOption::new("decline", OptionKind::RejectOnce, "Deny"),
    ];
    Ask {
        key: key.to_owned(),
        item: None,
        action: Action::McpTool,
        title,
        description: None,
        reason: None,
        input: params.clone(),
        paths: Vec::new(),
        skill: None,
        ruling: Ruling::default(),
        options,
    }
}

/// The answer to a request for a form.
pub(super) fn filled(message: &Value, answers: Option<&Answers>) -> Step {
    let result = match answers {
        Some(answers) => {
            json!({"action": "accept", "content": form::content(&message["params"]["requestedSchema"], answers)})
        }
        None => json!({"action": "decline", "content": null}),
    };
    Step::Say(json!({"id": message["id"], "result": result}))
}
