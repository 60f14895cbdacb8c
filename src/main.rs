//! The `sixframe` program: parses the command line, runs what it asks for, and turns errors into exit codes.

mod cli;
mod config;
mod console;
mod methods;
mod private_file;
mod server;
mod typescript;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Started by a daemon to guard a program, it is nothing else.
    sixframe_supervisor::stand_guard_if_asked();
    cli::exit_code(cli::Cli::parse().run())
}
