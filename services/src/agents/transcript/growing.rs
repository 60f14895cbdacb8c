//! What deltas make of an item, until its next upsert says it in full.

use serde_json::Value;

use super::super::event::{Delta, DeltaField};
use super::super::fitting::{LEVELS, shallow};
use super::super::item::{Content, Item, ItemStatus, ToolOutput};

/// Stands where a delta is missing.
const GAP: &str = "\u{fffd}";

/// The fields of an item that grow.
#[derive(Clone, Debug, Default)]
pub(super) struct Growing {
    said: Grown,
    input: Grown,
    output: Grown,
    errors: Grown,
}

/// A field that grows.
#[derive(Clone, Debug, Default)]
struct Grown {
    text: String,
    /// Whether it grew since it was told in full.
    is_fresh: bool,
}

impl Grown {
    /// Takes over what comes behind `offset` bytes. What was known behind them does not hold.
    fn grow(&mut self, delta: Delta) {
        let offset = usize::try_from(delta.offset).unwrap_or(usize::MAX);
        if offset > self.text.len() {
            self.text.push_str(GAP);
        } else if self.text.is_char_boundary(offset) {
            self.text.truncate(offset);
        }
        self.text.push_str(&delta.delta);
        self.is_fresh = true;
    }

    /// It was told in full.
    fn told(&mut self) {
        self.is_fresh = false;
    }

    /// What it came to, if that holds.
    fn take(&mut self, is_told: bool, is_final: bool) -> Option<String> {
        let holds = !self.text.is_empty() && (!is_told || (self.is_fresh && !is_final));
        holds.then(|| std::mem::take(&mut self.text))
    }
}

impl Growing {
    /// The item grew.
    pub(super) fn grow(&mut self, delta: Delta) {
        match delta.field {
            DeltaField::Text | DeltaField::Thought => self.said.grow(delta),
            DeltaField::ToolInput => self.input.grow(delta),
            DeltaField::ToolOutput => self.output.grow(delta),
            DeltaField::ToolErrors => self.errors.grow(delta),
        }
    }

    /// The item was told of: what is said in full holds over what grew.
    pub(super) fn told(&mut self, patch: &Item) {
        if patch.content.is_some() {
            self.said.told();
        }
        let Some(tool) = &patch.tool else { return };
        if tool.input.is_some() {
            self.input.told();
        }
        if tool.output.is_some() {
            self.output.told();
            self.errors.told();
        }
    }

    /// Gives the item what only deltas have told.
    pub(super) fn settle(mut self, item: &mut Item) {
        let is_final = item.status.is_some_and(ItemStatus::is_final);
        if let Some(text) = self.said.take(item.content.is_some(), is_final) {
            item.content = Some(vec![Content::Text { text }]);
        }
        let known = item.tool.as_ref();
        let is_given = known.is_some_and(|tool| tool.input.as_ref().is_some_and(|input| !is_empty(input)));
        let is_answered = known.is_some_and(|tool| tool.output.is_some());
        let input = self.input.take(is_given, is_final);
        let outputs = [&mut self.output, &mut self.errors].map(|grown| grown.take(is_answered, is_final));
        if input.is_none() && outputs.iter().all(Option::is_none) {
            return;
        }
        let tool = item.tool.get_or_insert_default();
        if let Some(text) = input {
            let told = serde_json::from_str(&shallow(&text, LEVELS));
            tool.input = Some(told.unwrap_or(Value::String(text)));
        }
        let texts: Vec<String> = outputs.into_iter().flatten().collect();
        if !texts.is_empty() {
            tool.output = Some(ToolOutput::of_text(texts.join("\n")));
        }
    }
}

fn is_empty(input: &Value) -> bool {
    input.is_null() || input.as_object().is_some_and(serde_json::Map::is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::item::ItemKind;
    use super::*;

    #[test]
    fn an_input_that_is_too_deep_is_whole_but_for_its_depths() {
        let deep = (0..LEVELS + 10).fold(json!("a \"b\""), |inner, _| json!([inner]));
        let said = json!({"deep": deep, "content": "x".repeat(20_000)}).to_string();
        let mut growing = Growing::default();
        growing.grow(Delta { field: DeltaField::ToolInput, offset: 0, delta: said.clone() });
        let mut item = Item::new(ItemKind::ToolCall);
        growing.settle(&mut item);
        let input = item.tool.and_then(|tool| tool.input).unwrap_or_default();
        assert_eq!(input["content"].as_str().map(str::len), Some(20_000));
        let told = (1..LEVELS).fold(&input["deep"], |inner, _| &inner[0]);
        assert!(told.as_str().is_some_and(|text| text.starts_with("[[")), "{told}");
    }
}
