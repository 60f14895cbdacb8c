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
  sixframe stdio --framing content-length

As a native messaging host it is started by the browser, which passes the origin of the extension, so that a manifest names a \
script of two lines:
  #!/bin/sh
  exec sixframe stdio --framing native \"$@\"")]
pub(crate) struct StdioArgs {
    /// How messages are told apart
    #[arg(long, value_enum, default_value_t = Framing::Ndjson)]
    pub(crate) framing: Framing,

    #[command(flatten)]
    pub(crate) settings: ConfigArgs,

    /// What a browser passes to a native messaging host: the extension's origin, or the manifest and the extension's id
    #[arg(value_name = "ORIGIN", allow_hyphen_values = true, trailing_var_arg = true)]
    pub(crate) origin: Vec<String>,
}

impl StdioArgs {
    /// What stands behind the flags though no browser would have put it there.
    pub(crate) fn unexpected(&self) -> Option<&String> {
        let is_flag = |word: &str| word.starts_with('-') && !word.starts_with("--parent-window=");
        self.origin.iter().find(|word| self.framing != Framing::Native || is_flag(word))
    }
}

/// How messages are told apart on a stream of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Framing {
    /// One message a line
    #[value(alias = "lines")]
    Ndjson,
    /// A Content-Length header before each, as editors write it
    ContentLength,
    /// A length of four bytes before each, as the native messaging of browsers has it
    Native,
}
