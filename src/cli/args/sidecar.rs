//! The words of `sixframe sidecar`.

use clap::{Args, Subcommand, ValueEnum};
use sixframe_services::sidecars::LogStreams;

use super::client::ReachArgs;

/// `sixframe sidecar`.
#[derive(Args, Debug)]
pub(crate) struct SidecarArgs {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: SidecarCommand,
}

/// Which daemon is asked.
#[derive(Args, Clone, Debug)]
pub(crate) struct DaemonArgs {
    /// The daemon's address; by default the first local one of the configuration
    #[arg(long, value_name = "ADDR")]
    pub(crate) addr: Option<String>,

    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// What to do with the programs that a daemon keeps running.
#[derive(Debug, Subcommand)]
pub(crate) enum SidecarCommand {
    /// List them
    #[command(after_help = "\
Examples:
  sixframe sidecar list
  sixframe sidecar list --addr ws://127.0.0.1:4700/ --json")]
    List(SidecarListArgs),
    /// Print the state of one as JSON
    Status(SidecarNameArgs),
    /// Start one, first what it depends on, and wait until it is ready
    Start(SidecarStartArgs),
    /// Stop one, first what depends on it, until no process of it is left
    Stop(SidecarNameArgs),
    /// Stop one and start it again, and wait until it is ready
    Restart(SidecarStartArgs),
    /// Print what one has written
    #[command(after_help = "\
What it wrote is on stdout; where a run began or ended, and what is not kept any more, is on stderr.

Examples:
  sixframe sidecar logs search
  sixframe sidecar logs search --follow --last 10000
  sixframe sidecar logs search --stream stderr --search error")]
    Logs(SidecarLogsArgs),
}

/// `sixframe sidecar list`.
#[derive(Args, Debug)]
pub(crate) struct SidecarListArgs {
    /// Print the answer of sidecar.list
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
}

/// `sixframe sidecar status` and `stop`.
#[derive(Args, Debug)]
pub(crate) struct SidecarNameArgs {
    /// Its name
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
}

/// `sixframe sidecar start` and `restart`.
#[derive(Args, Debug)]
pub(crate) struct SidecarStartArgs {
    /// Its name
    pub(crate) name: String,

    /// Return as soon as it is starting
    #[arg(long)]
    pub(crate) no_wait: bool,

    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
}

/// `sixframe sidecar logs`.
#[derive(Args, Debug)]
pub(crate) struct SidecarLogsArgs {
    /// Its name
    pub(crate) name: String,

    /// Go on with what comes, over restarts too
    #[arg(long, short)]
    pub(crate) follow: bool,

    /// Begin with the last bytes of the newest run
    #[arg(long, value_name = "BYTES")]
    pub(crate) last: Option<u64>,

    /// Which output
    #[arg(long, value_enum, default_value_t = WhichOutput::Both)]
    pub(crate) stream: WhichOutput,

    /// Print only lines that contain this, in whichever case
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,

    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
}

/// Which output of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhichOutput {
    /// Standard output
    Stdout,
    /// Standard error
    Stderr,
    /// Both
    Both,
}

impl From<WhichOutput> for LogStreams {
    fn from(which: WhichOutput) -> LogStreams {
        match which {
            WhichOutput::Stdout => LogStreams::Stdout,
            WhichOutput::Stderr => LogStreams::Stderr,
            WhichOutput::Both => LogStreams::Both,
        }
    }
}
