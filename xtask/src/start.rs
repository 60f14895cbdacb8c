//! `cargo xtask start`.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::house::House;
use crate::program;

/// Builds the daemon and becomes it.
pub(crate) fn run(house: &House, args: &[String]) -> Result<ExitCode> {
    program::run(&mut house.cargo(&["build", "--release", "--package", "sixframe", "--bin", "sixframe"]))?;
    become_daemon(Command::new(house.built("release", "sixframe")).arg("serve").args(args))
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
