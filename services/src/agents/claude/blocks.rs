//! The blocks of a model's messages, as they grow and as they are when they are done. A block that is done is told without its
//! number, so blocks are counted.

use std::collections::HashMap;

use serde_json::Value;

use super::super::agent::{Fact, Step};
use super::super::event::DeltaField;
use super::super::item::{Content, Item, ItemKind, ItemStatus};
use super::tools;

/// Messages that are being told, by the call of the subagent that says them, or none.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    streams: HashMap<Option<String>, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    message: String,
    /// Blocks that are done.
    finished: u64,
    /// The items of blocks by their number, and what of them grows.
    open: HashMap<u64, (String, DeltaField)>,
}

impl Stream {
    fn turn_to(&mut self, message: &str) {
        if self.message != message {
            *self = Stream { message: message.to_owned(), ..Stream::default() };
        }
    }
}

impl Blocks {
    /// A piece of a message.
    pub(super) fn streamed(&mut self, message: &Value) -> Vec<Step> {
        let (event, parent) = (&message["event"], parent(message));
        let stream = self.streams.entry(parent.clone()).or_default();
        let index = event["index"].as_u64().unwrap_or_default();
        let told = match event["type"].as_str().unwrap_or_default() {
            "message_start" => {
                let message = event["message"]["id"].as_str().unwrap_or_default().to_owned();
                *stream = Stream { message, ..Stream::default() };
                None
            }
            "content_block_start" => stream.begin(index, &event["content_block"], parent),
            "content_block_delta" => stream.grow(index, &event["delta"]),
            _ => None,
        };
        vec![Step::tell("stream_event", told.unwrap_or(Fact::Alive))]
    }

    /// Blocks that are done.
    pub(super) fn finished(&mut self, message: &Value) -> Vec<Step> {
        let parent = parent(message);
        let stream = self.streams.entry(parent.clone()).or_default();
        stream.turn_to(message["message"]["id"].as_str().unwrap_or_default());
        let blocks = message["message"]["content"].as_array().cloned().unwrap_or_default();
        let mut steps = Vec::new();
        for block in &blocks {
            let index = stream.finished;
            stream.finished += 1;
            stream.open.remove(&index);
            let Some((id, mut item)) = item(&stream.message, index, block) else { continue };
            item.parent.clone_from(&parent);
            steps.push(Step::tell("assistant", Fact::Item { id, item }));
            steps.extend(tools::plan(block).map(|plan| Step::tell("assistant", Fact::Plan(plan))));
        }
        steps
    }
}

impl Stream {
    fn begin(&mut self, index: u64, block: &Value, parent: Option<String>) -> Option<Fact> {
        let field = match block["type"].as_str()? {
            "text" => DeltaField::Text,
            "thinking" => DeltaField::Thought,
            "tool_use" | "server_tool_use" | "mcp_tool_use" => DeltaField::ToolInput,
            _ => return None,
        };
        let (id, mut item) = item(&self.message, index, block)?;
        // What it says so far is in the deltas.
        (item.content, item.parent) = (None, parent);
        item.status = Some(if field == DeltaField::ToolInput { ItemStatus::Pending } else { ItemStatus::InProgress });
        if let Some(tool) = &mut item.tool {
            (tool.input, tool.title) = (None, None);
        }
        self.open.insert(index, (id.clone(), field));
        Some(Fact::Item { id, item })
    }

    fn grow(&mut self, index: u64, delta: &Value) -> Option<Fact> {
        let text = ["text", "thinking", "partial_json"].into_iter().find_map(|key| delta[key].as_str())?;
        let (id, field) = self.open.get(&index).filter(|_| !text.is_empty())?;
        Some(Fact::Grew { id: id.clone(), field: *field, text: text.to_owned() })
    }
}

fn parent(message: &Value) -> Option<String> {
    message["parent_tool_use_id"].as_str().map(str::to_owned)
}

/// A block as an item, as it is when it is done.
fn item(message: &str, index: u64, block: &Value) -> Option<(String, Item)> {
    let numbered = format!("{message}:{index}");
    let done = |kind| Item::new(kind).status(ItemStatus::Completed);
    match block["type"].as_str()? {
        "text" => Some((numbered, done(ItemKind::AgentMessage).text(block["text"].as_str()?))),
        "thinking" => Some((numbered, done(ItemKind::Thought).text(block["thinking"].as_str()?))),
        "tool_use" | "server_tool_use" | "mcp_tool_use" => {
            let id = block["id"].as_str()?.to_owned();
            let name = block["name"].as_str().unwrap_or("unknown");
            let kind = if tools::is_subagent(name) { ItemKind::Subagent } else { ItemKind::ToolCall };
            let item = Item::new(kind).status(ItemStatus::InProgress).tool(tools::called(name, &block["input"]));
            Some((id, item))
        }
        "redacted_thinking" => None,
        _ => {
            let content = vec![Content::Other { value: block.clone() }];
            Some((numbered, Item { content: Some(content), ..done(ItemKind::AgentMessage) }))
        }
    }
}

/// The text of a message's content.
pub(super) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}
