//! `cargo xtask start`.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::house::House;
use crate::local_model::LocalModel;
use crate::node::{self, Node};
use crate::program;

/// The variable that names the folder of the console's page.
const CONSOLE_DIR: &str = "SIXFRAME_CONSOLE_DIR";
/// The variable that names the configuration file.
const CONFIG: &str = "SIXFRAME_CONFIG";
/// Installs a small language model, and runs it as a sidecar.
const WITH_LOCAL_MODEL: &str = "--with-local-model";

/// Builds the daemon, and its console where Node is installed, and becomes the daemon.
pub(crate) fn run(house: &House, args: &[String]) -> Result<ExitCode> {
    let (own, args): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|arg| matches!(arg.as_str(), "--" | WITH_LOCAL_MODEL));
    let model = match own.iter().any(|arg| *arg == WITH_LOCAL_MODEL) {
        true => Some(with_local_model(house, &args)?),
        false => None,
    };
    program::run(&mut house.cargo(&["build", "--release", "--package", "sixframe", "--bin", "sixframe"]))?;
    if let Err(why) = build_console(house) {
        eprintln!("xtask: the console is not built; the daemon runs without its page: {why:#}");
    }
    let mut daemon = Command::new(house.built("release", "sixframe"));
    // As a variable, so that a flag among `args` goes over it.
    if env::var_os(CONSOLE_DIR).is_none() {
        daemon.env(CONSOLE_DIR, house.path(node::CONSOLE));
    }
    daemon.arg("serve");
    if let Some(model) = model {
        eprintln!("xtask: the configuration is {}; your own is not read", model.config.display());
        daemon.arg("--config").arg(model.config);
    }
    become_daemon(daemon.args(args))
}

/// A daemon reads one configuration file, and here that is the model's.
fn with_local_model(house: &House, args: &[&String]) -> Result<LocalModel> {
    let model = LocalModel::install(house)?;
    let is_config = |arg: &&String| *arg == "--config" || arg.starts_with("--config=");
    if args.iter().any(is_config) || env::var_os(CONFIG).is_some() {
        bail!("give {WITH_LOCAL_MODEL} or a configuration file; into one of yours, copy {}", model.config.display());
    }
    Ok(model)
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
