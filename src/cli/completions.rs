//! `sixframe completions`.

use anyhow::Error;
use clap::{Command, CommandFactory};

use super::args::CompletionsArgs;
use super::{Cli, print};

/// Prints the script that teaches a shell the command line.
pub(super) fn run(args: &CompletionsArgs) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown(), "sixframe", &mut script);
    Ok(print(&String::from_utf8(script)?)?)
}

/// The command line without the subcommands that only the daemon itself calls: the generators offer hidden ones too.
fn shown() -> Command {
    let whole = Cli::command();
    let known = whole.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()).cloned().collect::<Vec<_>>();
    Command::new("sixframe").version(env!("CARGO_PKG_VERSION")).propagate_version(true).subcommands(known)
}
