//! What is told of the agent's process and of what it says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::problem::Problem;

/// The agent will ask its service again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRetry")]
pub struct Retry {
    /// For which time, from 1.
    pub attempt: u64,
    /// How often at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// In how many milliseconds.
    pub delay_ms: u64,
    /// Why.
    pub error: Problem,
}

/// Something became of the agent's process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
#[schemars(rename = "AgentProcessEvent")]
pub enum ProcessEvent {
    /// It was started.
    Spawned {
        /// Its process id.
        pid: u32,
    },
    /// It can be spoken to.
    Ready,
    /// It is being stopped.
    Stopping,
    /// It ended.
    Exited {
        /// What it exited with.
        #[serde(default, rename = "exitCode", skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// The signal that ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
        /// The last that it wrote to its standard error since its last turn began, or ended, as plain text.
        #[serde(default, rename = "stderrTail", skip_serializing_if = "Vec::is_empty")]
        stderr_tail: Vec<String>,
    },
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentUnparsed")]
pub struct Unparsed {
    /// Its beginning, at most 256 bytes.
    pub preview: String,
    /// How long it was, in bytes.
    pub bytes: u64,
    /// What is wrong with it.
    pub error: String,
}

/// The agent said what has no name here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentNative")]
pub struct Native {}
