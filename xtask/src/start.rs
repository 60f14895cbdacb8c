//! `cargo xtask start`.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::house::House;
use crate::node::{self, Node};
use crate::program;

/// The variable that names the folder of the console's page.
const CONSOLE_DIR: &str = "SIXFRAME_CONSOLE_DIR";

/// Builds the daemon, and its console where Node is installed, and becomes the daemon.
pub(crate) fn run(house: &House, args: &[String]) -> Result<ExitCode> {
    program::run(&mut house.cargo(&["build", "--release", "--package", "sixframe", "--bin", "sixframe"]))?;
    if let Err(why) = build_console(house) {
        eprintln!("xtask: the console is not built; the daemon runs without its page: {why:#}");
    }
    let mut daemon = Command::new(house.built("release", "sixframe"));
    // As a variable, so that a flag among `args` goes over it.
    if env::var_os(CONSOLE_DIR).is_none() {
        daemon.env(CONSOLE_DIR, house.path(node::CONSOLE));
    }
    become_daemon(daemon.arg("serve").args(args))
}

fn build_console(house: &House) -> Result<()> {
    let node = Node::find()?;
    node.ensure_installed(house)?;
    node.build_console(house)
}

/// Replaces this process, so that signals reach the daemon itself.
#[cfg(unix)]
fn become_daemon(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn become_daemon(command: &mut Command) -> Result<ExitCode> {
    let status = command.status()?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
