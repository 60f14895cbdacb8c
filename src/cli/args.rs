//! The words of the command line: subcommands, flags, and the help that teaches them. Knows nothing of what they do.

mod agent;
mod client;
mod daemon;
mod sidecar;

pub(crate) use agent::{ExecArgs, SmokeArgs};
pub(crate) use client::{
    BenchArgs, CallArgs, ListenArgs, MethodsArgs, OpenArgs, PeerArgs, RequestArgs, StreamArgs, TypesArgs,
};
pub(crate) use daemon::{Framing, ServeArgs, StdioArgs};
pub(crate) use sidecar::{DaemonArgs, SidecarArgs, SidecarCommand, SidecarListArgs, SidecarLogsArgs, SidecarStartArgs};

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use clap_complete::Shell;

use crate::config::{Flag, FlagValue};

/// What a script can rely on.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 the work failed, and stderr says why (the peer's error as one line of JSON); 2 the command line or the \
configuration is wrong; 3 the connection cannot be made or broke; 4 a time ran out; 130 ended by ^C, 143 by SIGTERM.";

/// Settings that come by flag. They go over the file and the variables, and a repeated flag makes one list that replaces
/// theirs.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    /// Read this file instead of the user's own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,

    /// Listen here: unix:/path, pipe:name or ws://127.0.0.1:0 (repeatable)
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,

    /// Keep the socket and the token in this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    runtime_dir: Option<String>,

    /// Write the token for WebSocket clients to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    token_file: Option<String>,

    /// Allow what is off by default: process.run, sidecar.define (repeatable)
    #[arg(long, value_name = "CAPABILITY")]
    allow: Vec<String>,

    /// Serve the console at this port of 127.0.0.1; 0 takes any free one
    #[arg(long, value_name = "PORT")]
    console_port: Option<String>,

    /// Serve the console's page from this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    console_dir: Option<String>,

    /// Serve no console
    #[arg(long)]
    no_console: bool,

    /// Set any key, as in --set limits.depth=32 (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

impl ConfigArgs {
    /// The flags that were given, in the order in which they apply.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        let flag =
            |spelling: &str, key: &str, value| Flag { spelling: spelling.to_owned(), key: key.to_owned(), value };
        let list = |spelling, key, items: &[String]| {
            (!items.is_empty()).then(|| flag(spelling, key, FlagValue::List(items.to_vec())))
        };
        let text =
            |spelling, key, text: &Option<String>| text.clone().map(|text| flag(spelling, key, FlagValue::Text(text)));
        let own = [
            list("--listen", "listen", &self.listen),
            text("--runtime-dir", "runtime_dir", &self.runtime_dir),
            text("--token-file", "token_file", &self.token_file),
            list("--allow", "allow", &self.allow),
            text("--console-port", "console.port", &self.console_port),
            text("--console-dir", "console.dir", &self.console_dir),
            text("--no-console", "console.enabled", &self.no_console.then(|| "false".to_owned())),
        ];
        let set = self.set.iter().map(|(key, value)| flag("--set", key, FlagValue::Text(value.clone())));
        own.into_iter().flatten().chain(set).collect()
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
    pair.ok_or_else(|| "write KEY=VALUE, as in limits.depth=32".to_owned())
}

/// What `sixframe config` does.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the values in effect as TOML, each with where it came from
    #[command(after_help = "\
Examples:
  sixframe config show
  SIXFRAME_LOG=debug sixframe config show --set limits.depth=32")]
    Show(ConfigArgs),

    /// Check a file, the variables and the flags, and tell of everything that is wrong
    #[command(after_help = "\
Examples:
  sixframe config check
  sixframe config check sixframe.toml")]
    Check(CheckArgs),

    /// Print the annotated example file
    #[command(after_help = "\
Example:
  sixframe config example > ~/.config/sixframe/sixframe.toml")]
    Example,
}

/// `sixframe config check [FILE]`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The file to check; by default the one that the daemon would read
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "config")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) settings: ConfigArgs,
}

/// `sixframe completions SHELL`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sixframe completions bash > ~/.local/share/bash-completion/completions/sixframe
  sixframe completions fish > ~/.config/fish/completions/sixframe.fish
  sixframe completions zsh > \"${fpath[1]}/_sixframe\"")]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: Shell,
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    #[test]
    fn every_subcommand_is_well_formed() {
        let augment: [fn(Command) -> Command; 14] = [
            ServeArgs::augment_args,
            StdioArgs::augment_args,
            CallArgs::augment_args,
            StreamArgs::augment_args,
            ListenArgs::augment_args,
            MethodsArgs::augment_args,
            TypesArgs::augment_args,
            OpenArgs::augment_args,
            ExecArgs::augment_args,
            SmokeArgs::augment_args,
            SidecarArgs::augment_args,
            BenchArgs::augment_args,
            CompletionsArgs::augment_args,
            ConfigCommand::augment_subcommands,
        ];
        augment.into_iter().for_each(|augment| augment(Command::new("sixframe")).debug_assert());
    }

    #[test]
    fn flags_keep_their_order_and_their_spelling() {
        let command = ConfigArgs::augment_args(Command::new("sixframe"));
        let line = ["sixframe", "--set", "limits.depth = 3", "--listen", "unix:/a", "--listen", "unix:/b"];
        let matches = command.try_get_matches_from(line).unwrap();
        let flags = <ConfigArgs as clap::FromArgMatches>::from_arg_matches(&matches).unwrap().flags();
        let told: Vec<_> = flags.iter().map(|flag| (flag.spelling.as_str(), flag.key.as_str(), &flag.value)).collect();
        let listen = FlagValue::List(vec!["unix:/a".to_owned(), "unix:/b".to_owned()]);
        let depth = FlagValue::Text("3".to_owned());
        assert_eq!(told, [("--listen", "listen", &listen), ("--set", "limits.depth", &depth)]);
    }
}
