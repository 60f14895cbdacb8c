//! Plays a recording to a translator, and keeps what it told.

use std::collections::BTreeMap;

use serde_json::Value;
use sixframe_services::agents::{
    Ask, DeltaField, Fact, Inquiry, Item, ItemKind, ItemStatus, Outcome, Problem, Step, Told, Translator, TurnEnd,
};

/// What a translator told and said.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) told: Vec<Told>,
    pub(crate) said: Vec<Value>,
}

impl Heard {
    pub(crate) fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Say(value) => self.said.push(value),
                Step::Tell(told) => self.told.push(told),
            }
        }
    }

    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.told.iter().map(|told| &told.fact)
    }

    /// The items as they are in the end, in the order in which they came up.
    pub(crate) fn items(&self) -> Vec<(String, Item)> {
        let mut order = Vec::<String>::new();
        let mut items = BTreeMap::<String, Item>::new();
        for fact in self.facts() {
            let Fact::Item { id, item } = fact else { continue };
            match items.get_mut(id) {
                Some(known) => known.apply(item.clone()),
                None => {
                    order.push(id.clone());
                    items.insert(id.clone(), item.clone());
                }
            }
        }
        order.into_iter().map(|id| (id.clone(), items.remove(&id).unwrap())).collect()
    }

    pub(crate) fn of_kind(&self, kind: ItemKind) -> Vec<Item> {
        self.items().into_iter().map(|(_, item)| item).filter(|item| item.kind == kind).collect()
    }

    /// What the agent's messages say.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.of_kind(ItemKind::AgentMessage).iter().map(text).collect()
    }

    /// What the items' deltas come to.
    pub(crate) fn grown(&self, field: DeltaField) -> BTreeMap<String, String> {
        let mut grown = BTreeMap::<String, String>::new();
        for fact in self.facts() {
            match fact {
                Fact::Grew { id, field: of, text } if *of == field => {
                    grown.entry(id.clone()).or_default().push_str(text)
                }
                _ => (),
            }
        }
        grown
    }

    pub(crate) fn asked(&self) -> Vec<&Ask> {
        self.facts().filter_map(|fact| if let Fact::Asked(ask) = fact { Some(ask) } else { None }).collect()
    }

    pub(crate) fn inquired(&self) -> Vec<&Inquiry> {
        self.facts().filter_map(|fact| if let Fact::Inquired(inquiry) = fact { Some(inquiry) } else { None }).collect()
    }

    pub(crate) fn withdrew(&self) -> Vec<&str> {
        self.facts().filter_map(|fact| if let Fact::Withdrew { key } = fact { Some(&**key) } else { None }).collect()
    }

    pub(crate) fn ends(&self) -> Vec<&TurnEnd> {
        self.facts().filter_map(|fact| if let Fact::Ended(end) = fact { Some(end) } else { None }).collect()
    }

    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        self.ends().iter().map(|end| end.outcome).collect()
    }

    pub(crate) fn failure(&self) -> &Problem {
        self.ends().last().unwrap().error.as_ref().unwrap()
    }

    pub(crate) fn tools(&self) -> Vec<(String, ItemStatus)> {
        let tools = self.of_kind(ItemKind::ToolCall).into_iter();
        tools.map(|item| (item.tool.unwrap().name.unwrap_or_default(), item.status.unwrap())).collect()
    }

    /// What has no name here.
    pub(crate) fn unknown(&self) -> Vec<String> {
        let unknown = self.told.iter().filter(|told| told.fact == Fact::Native);
        unknown.map(|told| told.native_type.clone().unwrap()).collect()
    }
}

pub(crate) fn text(item: &Item) -> String {
    use sixframe_services::agents::Content;
    let parts = item.content.iter().flatten();
    parts.map(|part| if let Content::Text { text } = part { text.as_str() } else { "" }).collect()
}

/// A line of a recording, and whether the agent said it.
pub(crate) fn lines(name: &str) -> Vec<(bool, Value)> {
    let path = format!("{}/tests/fixtures/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let recorded = std::fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        match line.get("dir") {
            Some(direction) => (direction == "<-", line["msg"].clone()),
            None => (true, line),
        }
    };
    recorded.lines().map(line).collect()
}

/// Plays a recording: what the agent says is heard; what the host said is given to `command`, which does likewise.
pub(crate) fn replay<T: Translator>(
    name: &str,
    translator: &mut T,
    mut command: impl FnMut(&mut T, &Value) -> Vec<Step>,
) -> Heard {
    let mut heard = Heard::default();
    for (is_agents, line) in lines(name) {
        let steps = match is_agents {
            true => translator.hear(line.to_string().as_bytes()),
            false => command(translator, &line),
        };
        heard.take(steps);
    }
    heard
}
