//! What a turn consists of: messages, thoughts, tool calls. Each is known by an id and told by patches: what a patch leaves
//! out stays as it was.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::file_change::{ChangeKind, FileChange, FileMode};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentItemKind")]
pub enum ItemKind {
    /// What a person said.
    UserMessage,
    /// What the agent says.
    AgentMessage,
    /// What the agent thinks, as far as it shows it.
    Thought,
    /// A tool that the agent uses.
    ToolCall,
    /// Something that the agent's program has to say beside the conversation.
    Notice,
    /// The conversation was shortened, so that the model can read it.
    Compaction,
    /// Another agent that works for this one.
    Subagent,
}

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentItemStatus")]
pub enum ItemStatus {
    /// Known, and not begun.
    Pending,
    /// Under way.
    InProgress,
    /// Done.
    Completed,
    /// Done, without success.
    Failed,
    /// Not done, because it was not allowed.
    Denied,
    /// Not done, or not to its end, because the turn was ended.
    Cancelled,
}

impl ItemStatus {
    /// Whether it will not change any more.
    pub fn is_final(self) -> bool {
        match self {
            ItemStatus::Pending | ItemStatus::InProgress => false,
            ItemStatus::Completed | ItemStatus::Failed | ItemStatus::Denied | ItemStatus::Cancelled => true,
        }
    }
}

/// An item, or what is new of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentItem")]
pub struct Item {
    /// What it is. Stays the same for an id.
    pub kind: ItemKind,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
    /// The item that it belongs to: the subagent's call, for what a subagent does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What is said, in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Vec<Content>>,
    /// The tool and its use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolCall>,
}

impl Item {
    /// An item of which no more is known.
    pub fn new(kind: ItemKind) -> Item {
        Item { kind, status: None, parent: None, content: None, tool: None }
    }

    /// The same item, so far.
    #[must_use]
    pub fn status(self, status: ItemStatus) -> Item {
        Item { status: Some(status), ..self }
    }

    /// The same item, saying this.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Item {
        Item { content: Some(vec![Content::Text { text: text.into() }]), ..self }
    }

    /// The same item, with what is known of the tool.
    #[must_use]
    pub fn tool(self, tool: ToolCall) -> Item {
        Item { tool: Some(tool), ..self }
    }

    /// Takes over what `patch` says, and keeps what it leaves out.
    pub fn apply(&mut self, patch: Item) {
        let Item { kind: _, status, parent, content, tool } = patch;
        replace(&mut self.status, status);
        replace(&mut self.parent, parent);
        replace(&mut self.content, content);
        match (&mut self.tool, tool) {
            (Some(known), Some(patch)) => known.apply(patch),
            (known, Some(patch)) => *known = Some(patch),
            (_, None) => (),
        }
    }
}

fn replace<T>(known: &mut Option<T>, patch: Option<T>) {
    if patch.is_some() {
        *known = patch;
    }
}

/// A part of what is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "AgentContent")]
pub enum Content {
    /// Text, as Markdown.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    Image {
        /// Its media type.
        #[serde(rename = "mimeType")]
        mime_type: String,
        /// Its bytes, in base64.
        data: String,
    },
    /// A file or page that is spoken of.
    ResourceLink {
        /// Where it is.
        uri: String,
        /// What it is called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Something of a kind that is not known here, as the agent sent it.
    Other {
        /// What came.
        value: Value,
    },
}

/// What a tool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentToolKind")]
pub enum ToolKind {
    /// Looks into files.
    Read,
    /// Changes or makes files.
    Edit,
    /// Deletes files.
    Delete,
    /// Moves files.
    Move,
    /// Searches files or the web.
    Search,
    /// Runs a command.
    Execute,
    /// Fetches from the network.
    Fetch,
    /// Thinks aloud, plans.
    Think,
    /// A tool of an MCP server.
    Mcp,
    /// Asks for another mode.
    SwitchMode,
    /// Anything else.
    Other,
}

/// A tool and its use. What is absent is not known, or, in a patch, as it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "AgentToolCall")]
pub struct ToolCall {
    /// The tool's name, as the agent has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it does this time, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the tool is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_kind: Option<ToolKind>,
    /// What it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The files that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locations: Option<Vec<Location>>,
    /// What it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<ToolOutput>,
    /// What it changed in files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<FileChange>>,
    /// The command that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandRun>,
    /// The MCP server that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpTool>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ToolCall {
    fn apply(&mut self, patch: ToolCall) {
        let ToolCall { name, title, tool_kind, input, locations, output, changes, command, mcp, error } = patch;
        replace(&mut self.name, name);
        replace(&mut self.title, title);
        replace(&mut self.tool_kind, tool_kind);
        replace(&mut self.input, input);
        replace(&mut self.locations, locations);
        replace(&mut self.output, output);
        replace(&mut self.changes, changes);
        replace(&mut self.command, command);
        replace(&mut self.mcp, mcp);
        replace(&mut self.error, error);
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentLocation")]
pub struct Location {
    /// The file.
    pub path: String,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "AgentToolOutput")]
pub struct ToolOutput {
    /// As text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// As data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// Whether it was cut, because it was long.
    pub truncated: bool,
}

impl ToolOutput {
    /// The longest text that is kept of what a tool answered, in bytes.
    pub const LONGEST: usize = 256 << 10;

    /// An answer of text, cut to [`ToolOutput::LONGEST`].
    pub fn of_text(text: impl Into<String>) -> ToolOutput {
        let mut text = text.into();
        let truncated = text.len() > ToolOutput::LONGEST;
        if truncated {
            let boundary = (0..=ToolOutput::LONGEST).rev().find(|at| text.is_char_boundary(*at));
            text.truncate(boundary.unwrap_or_default());
        }
        ToolOutput { text: Some(text), json: None, truncated }
    }
}

/// A command that a tool runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "AgentCommandRun")]
pub struct CommandRun {
    /// The command, as a shell reads it.
    pub line: String,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// What it exited with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// A tool of an MCP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentMcpTool")]
pub struct McpTool {
    /// The server.
    pub server: String,
    /// Its tool.
    pub tool: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_keeps_what_it_leaves_out() {
        let tool = ToolCall { name: Some("Write".into()), title: Some("a.txt".into()), ..ToolCall::default() };
        let mut item = Item::new(ItemKind::ToolCall).status(ItemStatus::InProgress).tool(tool);
        let output = Some(ToolOutput::of_text("done"));
        let patch = ToolCall { output: output.clone(), ..ToolCall::default() };
        item.apply(Item::new(ItemKind::ToolCall).status(ItemStatus::Completed).tool(patch));
        let tool = item.tool.unwrap_or_default();
        assert_eq!(
            (tool.name.as_deref(), tool.title.as_deref(), &tool.output),
            (Some("Write"), Some("a.txt"), &output)
        );
        assert_eq!(item.status, Some(ItemStatus::Completed));
    }

    #[test]
    fn a_long_answer_is_cut_between_characters() {
        let output = ToolOutput::of_text("ä".repeat(ToolOutput::LONGEST));
        assert!(output.truncated && output.text.is_some_and(|text| text.len() <= ToolOutput::LONGEST));
    }
}
