//! What a session offers to choose from: its modes and its models. Agents offer them in lists of their own, each with a method,
//! or among their options, as later ones do.

use serde_json::{Value, json};

/// The modes and the models.
#[derive(Debug, Default)]
pub(super) struct Choices {
    mode: Choice,
    model: Choice,
}

/// What can be chosen, what is, and how that is changed.
#[derive(Debug, Default)]
struct Choice {
    values: Vec<String>,
    current: Option<String>,
    /// The id of the option that it is. None where it has a list and a method of its own.
    option: Option<String>,
}

impl Choices {
    /// What a session offers as it begins.
    pub(super) fn of(result: &Value) -> Choices {
        let mode = Choice::listed(&result["modes"], "availableModes", "id", "currentModeId");
        let model = Choice::listed(&result["models"], "availableModels", "modelId", "currentModelId");
        let mut choices = Choices { mode, model };
        choices.take(&result["configOptions"]);
        choices
    }

    /// Takes the options as they are now.
    pub(super) fn take(&mut self, options: &Value) {
        for (choice, category) in [(&mut self.mode, "mode"), (&mut self.model, "model")] {
            let options = options.as_array().into_iter().flatten();
            let mut options = options.filter(|option| option["category"] == category && option["type"] == "select");
            // One that has a list of its own is changed by that: it is what the agent was tried with.
            if let Some(option) = options.next().filter(|_| choice.values.is_empty() || choice.option.is_some()) {
                *choice = Choice::option(option);
            }
        }
    }

    pub(super) fn models(&self) -> Option<Vec<String>> {
        Some(self.model.values.clone()).filter(|models| !models.is_empty())
    }

    pub(super) fn model(&self) -> Option<String> {
        self.model.current.clone()
    }

    /// How the first of these modes is chosen that there is.
    pub(super) fn set_mode(&self, session: Option<&str>, wanted: &[&str]) -> Option<(&'static str, Value)> {
        let mode = wanted.iter().find(|wanted| self.mode.values.iter().any(|value| value == *wanted))?;
        Some(self.mode.set(session, mode, "session/set_mode", "modeId"))
    }

    /// How this model is chosen, though it may not be listed.
    pub(super) fn set_model(&self, session: Option<&str>, model: &str) -> (&'static str, Value) {
        self.model.set(session, model, "session/set_model", "modelId")
    }
}

impl Choice {
    fn listed(told: &Value, list: &str, id: &str, current: &str) -> Choice {
        let listed = told[list].as_array().into_iter().flatten();
        let values = listed.filter_map(|one| one[id].as_str().map(str::to_owned)).collect();
        Choice { values, current: told[current].as_str().map(str::to_owned), option: None }
    }

    fn option(option: &Value) -> Choice {
        let listed = option["options"].as_array().into_iter().flatten();
        // Groups have options of their own.
        let values = listed.flat_map(|one| match one["options"].as_array() {
            Some(group) => group.iter().collect::<Vec<_>>(),
            None => vec![one],
        });
        Choice {
            values: values.filter_map(|one| one["value"].as_str().map(str::to_owned)).collect(),
            current: option["currentValue"].as_str().map(str::to_owned),
            option: Some(option["id"].as_str().unwrap_or_default().to_owned()),
        }
    }

    fn set(&self, session: Option<&str>, value: &str, method: &'static str, key: &str) -> (&'static str, Value) {
        match &self.option {
            Some(option) => {
                let params = json!({"sessionId": session, "configId": option, "value": value});
                ("session/set_config_option", params)
            }
            None => (method, json!({"sessionId": session, key: value})),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(id: &str, category: &str, options: Value) -> Value {
        json!({"id": id, "name": id, "category": category, "type": "select", "currentValue": "a", "options": options})
    }

    #[test]
    fn what_is_chosen_by_an_option_is_told_by_it() {
        let models =
            json!([{"group": "g", "name": "G", "options": [{"value": "a", "name": "A"}]}, {"value": "b", "name": "B"}]);
        let modes = json!([{"value": "default", "name": "D"}, {"value": "plan", "name": "P"}]);
        let mut choices =
            Choices::of(&json!({"configOptions": [option("m", "model", models), option("mode", "mode", modes)]}));
        assert_eq!(choices.models(), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(choices.model().as_deref(), Some("a"));
        let set = ("session/set_config_option", json!({"sessionId": "s", "configId": "m", "value": "b"}));
        assert_eq!(choices.set_model(Some("s"), "b"), set);
        let set = ("session/set_config_option", json!({"sessionId": "s", "configId": "mode", "value": "plan"}));
        assert_eq!(choices.set_mode(Some("s"), &["plan", "read-only"]), Some(set));
        choices.take(&json!([option("m", "model", json!([{"value": "c", "name": "C"}]))]));
        assert_eq!(choices.models(), Some(vec!["c".to_owned()]));
    }

    #[test]
    fn what_has_a_list_of_its_own_is_told_by_its_own_method() {
        let choices = Choices::of(&json!({
            "modes": {"availableModes": [{"id": "read-only"}, {"id": "agent"}], "currentModeId": "agent"},
            "models": {"availableModels": [{"modelId": "x"}], "currentModelId": "x"},
            "configOptions": [option("mode", "mode", json!([{"value": "read-only", "name": "R"}]))],
        }));
        let set = ("session/set_mode", json!({"sessionId": "s", "modeId": "read-only"}));
        assert_eq!(choices.set_mode(Some("s"), &["default", "read-only"]), Some(set));
        assert_eq!(choices.set_mode(Some("s"), &["default"]), None);
        assert_eq!(choices.set_model(Some("s"), "y"), ("session/set_model", json!({"sessionId": "s", "modelId": "y"})));
    }
}
