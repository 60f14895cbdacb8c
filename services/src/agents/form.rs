//! Forms that tool servers ask people to fill in, by the Model Context Protocol's elicitation, as questions. A form is a JSON
//! Schema of one object with plain members; what else one may say is not understood, and then nobody is asked.

use serde_json::{Map, Value, json};

use super::agent::Answers;
use super::event::{AnswerKind, Question, QuestionOption};

/// The most members that a form may have.
const MOST: usize = 32;

/// The questions of a form, in the order of the names where it gives none. None where it cannot be understood.
pub(super) fn questions(schema: &Value, order: &Value) -> Option<Vec<Question>> {
    let members = schema["properties"].as_object().filter(|members| !members.is_empty() && members.len() <= MOST)?;
    let required = names(&schema["required"]);
    let place = |id: &str| order.as_array().and_then(|order| order.iter().position(|name| name == id));
    let questions = members.iter().map(|(id, member)| question(id, member, required.contains(&id.as_str())));
    let mut questions: Vec<Question> = questions.collect::<Option<_>>()?;
    questions.sort_by_key(|question| place(&question.id).unwrap_or(MOST));
    Some(questions)
}

/// Whether a form has nothing to fill in: a yes or a no is all that is asked.
pub(super) fn is_empty(schema: &Value) -> bool {
    schema["properties"].as_object().is_none_or(Map::is_empty)
}

/// What was answered, as the form wants it.
pub(super) fn content(schema: &Value, answers: &Answers) -> Value {
    let filled = answers.iter().filter_map(|(id, given)| Some((id.clone(), filled(&schema["properties"][id], given)?)));
    Value::Object(filled.collect())
}

fn question(id: &str, member: &Value, is_required: bool) -> Option<Question> {
    let text = |key: &str| member[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let (kind, choices, is_multiple) = match member["type"].as_str()? {
        "string" => (AnswerKind::Text, choices(member), false),
        "number" => (AnswerKind::Number, Vec::new(), false),
        "integer" => (AnswerKind::Integer, Vec::new(), false),
        "boolean" => (AnswerKind::Text, vec![(YES.to_owned(), json!(true)), (NO.to_owned(), json!(false))], false),
        "array" => {
            let choices = choices(&member["items"]);
            (AnswerKind::Text, (!choices.is_empty()).then_some(choices)?, true)
        }
        _ => return None,
    };
    let options = choices.into_iter().map(|(label, _)| QuestionOption { label, description: None }).collect();
    let header = text("title").filter(|_| text("description").is_some());
    let text = text("description").or(text("title")).unwrap_or_else(|| id.to_owned());
    Some(Question { id: id.to_owned(), header, text, options, is_multiple, is_required, kind, ..Question::default() })
}

const YES: &str = "yes";
const NO: &str = "no";

/// What may be chosen: what is shown of it, and what it stands for.
fn choices(member: &Value) -> Vec<(String, Value)> {
    let titled = ["oneOf", "anyOf"].into_iter().find_map(|key| member[key].as_array());
    if let Some(titled) = titled {
        let choice = |one: &Value| {
            let value = one["const"].as_str()?;
            Some((one["title"].as_str().unwrap_or(value).to_owned(), json!(value)))
        };
        return titled.iter().filter_map(choice).collect();
    }
    let values = names(&member["enum"]);
    let shown = names(&member["enumNames"]);
    let label = |at: usize, value: &str| shown.get(at).copied().unwrap_or(value).to_owned();
    values.iter().enumerate().map(|(at, value)| (label(at, value), json!(value))).collect()
}

fn filled(member: &Value, given: &[String]) -> Option<Value> {
    let of = |answer: &String, choices: &[(String, Value)]| {
        let chosen = choices.iter().find(|(label, _)| label == answer);
        chosen.map_or_else(|| json!(answer), |(_, value)| value.clone())
    };
    let first = given.first();
    match member["type"].as_str()? {
        "array" => Some(given.iter().map(|answer| of(answer, &choices(&member["items"]))).collect()),
        "boolean" => first.map(|answer| json!(answer == YES)),
        "integer" => first?.trim().parse::<i64>().ok().map(|number| json!(number)),
        "number" => first?.trim().parse::<f64>().ok().map(|number| json!(number)),
        _ => first.map(|answer| of(answer, &choices(member))),
    }
}

fn names(array: &Value) -> Vec<&str> {
    array.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_asked_member_by_member_and_answered_as_it_wants_it() {
        let schema = json!({"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "title": "Name", "description": "Who are you?"},
            "age": {"type": "integer"},
            "share": {"type": "number"},
            "agree": {"type": "boolean"},
            "colour": {"type": "string", "enum": ["r", "g"], "enumNames": ["Red", "Green"]},
            "size": {"type": "string", "oneOf": [{"const": "s", "title": "Small"}, {"const": "l", "title": "Large"}]},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
        }});
        let asked = questions(&schema, &json!(["name", "agree"])).expect("each member is plain");
        let ids: Vec<&str> = asked.iter().map(|question| question.id.as_str()).collect();
        assert_eq!(ids, ["name", "agree", "age", "colour", "share", "size", "tags"]);
        assert_eq!((asked[0].text.as_str(), asked[0].header.as_deref()), ("Who are you?", Some("Name")));
        assert!(asked[0].is_required && !asked[1].is_required && asked[6].is_multiple);
        let labels: Vec<&str> = asked[3].options.iter().map(|option| option.label.as_str()).collect();
        assert_eq!(labels, ["Red", "Green"]);
        let given = [
            ("name", vec!["Ada"]),
            ("age", vec!["36"]),
            ("share", vec!["0.5"]),
            ("agree", vec!["yes"]),
            ("colour", vec!["Green"]),
            ("size", vec!["Large"]),
            ("tags", vec!["a", "b"]),
        ];
        let answers = given.map(|(id, given)| (id.to_owned(), given.into_iter().map(str::to_owned).collect()));
        let expected = json!({"name": "Ada", "age": 36, "share": 0.5, "agree": true, "colour": "g", "size": "l",
            "tags": ["a", "b"]});
        assert_eq!(content(&schema, &Answers::from(answers)), expected);
    }

    #[test]
    fn a_form_that_is_more_than_plain_is_not_asked() {
        let nested = json!({"properties": {"a": {"type": "object"}}});
        assert_eq!(questions(&nested, &Value::Null), None);
        assert_eq!(questions(&json!({"properties": {"a": {"type": "array", "items": {}}}}), &Value::Null), None);
        assert!(is_empty(&json!({"type": "object", "properties": {}})) && !is_empty(&nested));
    }
}
