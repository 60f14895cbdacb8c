//! The words of `sixframe exec` and `sixframe smoke`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::sidecar::DaemonArgs;

/// Which agent is asked, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct PromptedArgs {
    /// The agent, as agent.providers lists them; by default the first one that can be used
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,

    /// The model, in the agent's words
    #[arg(long)]
    pub(crate) model: Option<String>,

    /// Stop the agent when its turn takes longer; by default after 300 s, of a smoke test after 60 s
    #[arg(long, value_name = "MS")]
    pub(crate) timeout_ms: Option<u64>,

    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
}

/// `sixframe exec`.
#[derive(Args, Debug)]
#[command(after_help = "\
What the agent says is on stdout, or, where it says nothing, what its last tool answered; what was not allowed is on stderr. \
Nobody is there to be asked: what the mode does not allow is denied at once. The daemon is used where one runs; else this \
process does its work and ends with it. ^C interrupts the agent, and ends with exit code 130, as SIGTERM does with 143; a turn \
that fails is exit code 1, one that takes too long exit code 4.

Examples:
  sixframe exec 'What does this project do?'
  sixframe exec --provider codex --mode acceptEdits --cwd ~/app 'Fix the typos in README.md'
  git diff | sixframe exec --provider claude --json - | jq -r .type")]
pub(crate) struct ExecArgs {
    #[command(flatten)]
    pub(crate) prompted: PromptedArgs,

    /// The folder to work in; by default this one
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cwd: Option<PathBuf>,

    /// Print the events as they come, one JSON a line
    #[arg(long)]
    pub(crate) json: bool,

    /// What is allowed without being asked for: ask (nothing), plan, acceptEdits, auto
    #[arg(long, default_value = "ask")]
    pub(crate) mode: String,

    /// Tell the agent this about its task
    #[arg(long, value_name = "TEXT")]
    pub(crate) system_prompt: Option<String>,

    /// Send this file with the prompt
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) current_file: Option<String>,

    /// Send with the prompt what this template of the configuration says
    #[arg(long, value_name = "NAME")]
    pub(crate) template: Option<String>,

    /// What to ask for; `-` reads it from stdin
    pub(crate) prompt: String,
}

/// `sixframe smoke`.
#[derive(Args, Debug)]
#[command(after_help = "\
One short prompt goes to the agent, which costs a few tokens of whoever is logged in. Each step is a line with the time that it \
took; where one fails, the exit code is 1 and stderr says what to do.

Example:
  sixframe smoke --provider claude")]
pub(crate) struct SmokeArgs {
    #[command(flatten)]
    pub(crate) prompted: PromptedArgs,

    /// The folder to work in; by default an empty one
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cwd: Option<PathBuf>,
}
