//! `sixframe config`.

use std::env;
use std::path::PathBuf;

use anyhow::Error;

use super::args::{ConfigArgs, ConfigCommand};
use super::print;
use crate::config::{self, ConfigErrors, Inputs, Loaded, Surroundings};

/// Shows, checks or explains the configuration.
pub(super) fn run(command: ConfigCommand) -> Result<(), Error> {
    match command {
        ConfigCommand::Show(settings) => Ok(print(&config::shown(&loaded(&settings, None)?))?),
        ConfigCommand::Check(args) => {
            loaded(&args.settings, args.file)?;
            eprintln!("sixframe: the configuration is good");
            Ok(())
        }
        ConfigCommand::Example => Ok(print(&config::example())?),
    }
}

/// The configuration that these flags, this process's variables and the file make. `file` goes before `--config`.
pub(super) fn loaded(settings: &ConfigArgs, file: Option<PathBuf>) -> Result<Loaded, ConfigErrors> {
    config::load(&Inputs {
        surroundings: Surroundings::of_process(),
        file: file.or_else(|| settings.config.clone()),
        variables: env::vars_os().collect(),
        flags: settings.flags(),
    })
}
