//! The words of the subcommands that answer calls: `serve` and `stdio`.

use clap::{Args, ValueEnum};

use super::ConfigArgs;

/// `sixframe serve`.
#[derive(Args, Debug)]
#[command(after_help = "\
Ready, it prints one line of JSON on stdout, for programs that start it:
  {\"ready\":true,\"pid\":4711,\"listen\":[\"unix:/run/user/1000/sixframe/sixframe.sock\"],\"console\":\"http://127.0.0.1:9420/\",\"tokenFile\":\"...\"}
SIGTERM and ^C let running calls finish first (drain_ms) and exit with code 0; a second one ends everything at once, with code 1.

Examples:
  sixframe serve
  sixframe serve --listen ws://127.0.0.1:4700 --token-file ./token
  sixframe serve --allow process.run --set fs.roots=~/notes,~/projects")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) settings: ConfigArgs,
}

/// `sixframe stdio`.
#[derive(Args, Debug)]
#[command(after_help = "\
Ends when stdin does. Nothing but frames is written to stdout; the log is on stderr.

Examples:
  sixframe call 'exec:sixframe stdio' rpc.discover
  sixframe stdio --framing content-length")]
pub(crate) struct StdioArgs {
    /// How messages are told apart
    #[arg(long, value_enum, default_value_t = Framing::Ndjson)]
    pub(crate) framing: Framing,

    #[command(flatten)]
    pub(crate) settings: ConfigArgs,
}

/// How messages are told apart on a stream of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Framing {
    /// One message a line
    Ndjson,
    /// A Content-Length header before each, as editors write it
    ContentLength,
    /// A length of four bytes before each, as Chrome's native messaging has it
    Native,
}
