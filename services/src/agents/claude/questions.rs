//! What Claude Code asks people: its tool for that, and the forms of its tool servers.

use serde_json::{Map, Value, json};

use super::super::agent::{Answers, Inquiry};
use super::super::event::{Question, QuestionOption};

/// The tool by which it asks. A request for leave to use it is the question itself.
pub(super) const TOOL: &str = "AskUserQuestion";

/// The questions of a request to use its tool.
pub(super) fn inquiry(key: &str, request: &Value) -> Inquiry {
    let listed = request["input"]["questions"].as_array().into_iter().flatten();
    let questions = listed.filter_map(question).collect();
    let item = request["tool_use_id"].as_str().map(str::to_owned);
    Inquiry { key: key.to_owned(), item, title: None, questions }
}

/// It knows its questions by their text.
fn question(asked: &Value) -> Option<Question> {
    let text = asked["question"].as_str()?.to_owned();
    let options = asked["options"].as_array().into_iter().flatten().filter_map(|option| {
        let description = option["description"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Some(QuestionOption { label: option["label"].as_str()?.to_owned(), description })
    });
    let (is_multiple, header) = (asked["multiSelect"] == true, asked["header"].as_str().map(str::to_owned));
    let options = options.collect();
    Some(Question { id: text.clone(), header, text, options, is_multiple, allows_other: true, ..Question::default() })
}

/// What its tool is given in the place of its input.
pub(super) fn answered(input: &Value, answers: &Answers) -> Value {
    let told: Map<String, Value> =
        answers.iter().map(|(text, given)| (text.clone(), json!(given.join(", ")))).collect();
    let mut input = input.clone();
    input["answers"] = Value::Object(told);
    input
}
