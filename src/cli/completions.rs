//! `sixframe completions`.

use anyhow::Error;
use clap::CommandFactory;

use super::args::CompletionsArgs;
use super::{Cli, print};

/// Prints the script that teaches a shell the command line.
pub(super) fn run(args: &CompletionsArgs) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sixframe", &mut script);
    Ok(print(&String::from_utf8(script)?)?)
}
