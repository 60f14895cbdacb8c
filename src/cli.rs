//! The command line: what can be asked for, and which function answers. Data goes to stdout, words for people to stderr.

mod agents;
mod answered;
mod args;
mod bench;
mod call;
mod completions;
mod config;
mod exec;
mod failure;
mod listen;
mod methods;
mod open;
mod peer;
mod reader;
mod serve;
mod sidecar;
mod signals;
mod smoke;
mod stream;
mod typescript;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Error;
use clap::{Parser, Subcommand};

use crate::config::ConfigErrors;
use crate::server;
use failure::Failure;

/// Six frames, any transport: RPC between user interfaces and what runs beside them.
#[derive(Debug, Parser)]
#[command(name = "sixframe", version, propagate_version = true, after_help = args::EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve calls on a socket and a WebSocket of this machine
    Serve(args::ServeArgs),
    /// Serve calls of the parent process over standard input and output
    Stdio(args::StdioArgs),
    /// Call a method and print its result
    Call(args::CallArgs),
    /// Open a stream and print its items
    Stream(args::StreamArgs),
    /// Watch the frames that pass through a daemon
    Listen(args::ListenArgs),
    /// List the methods of a peer
    Methods(args::MethodsArgs),
    /// Print the types of a peer's methods as a TypeScript module
    Types(args::TypesArgs),
    /// List, start, stop and read the programs that a daemon keeps running
    Sidecar(args::SidecarArgs),
    /// Ask an agent for something and print its answer
    Exec(args::ExecArgs),
    /// Find out whether an agent works here, by one short prompt that costs tokens
    Smoke(args::SmokeArgs),
    /// Open the daemon's console in a browser
    Open(args::OpenArgs),
    /// Measure how fast a peer answers
    Bench(args::BenchArgs),
    /// Show, check or explain the daemon's configuration
    #[command(subcommand)]
    Config(args::ConfigCommand),
    /// Print completions for a shell
    Completions(args::CompletionsArgs),
}

impl Cli {
    /// Does what the command line asks for.
    pub(crate) fn run(self) -> Result<(), Error> {
        match self.command {
            Command::Serve(args) => serve::serve(&args),
            Command::Stdio(args) => serve::stdio(&args),
            Command::Call(args) => peer::block_on(call::run(&args)),
            Command::Stream(args) => peer::block_on(stream::run(&args)),
            Command::Listen(args) => peer::block_on(listen::run(&args)),
            Command::Methods(args) => peer::block_on(methods::run(&args)),
            Command::Types(args) => peer::block_on(typescript::run(&args)),
            Command::Sidecar(args) => peer::block_on(sidecar::run(&args)),
            Command::Exec(args) => peer::block_on(exec::run(&args)),
            Command::Smoke(args) => peer::block_on(smoke::run(&args)),
            Command::Open(args) => peer::block_on(open::run(&args)),
            Command::Bench(args) => peer::block_on(bench::run(&args)),
            Command::Config(command) => config::run(command),
            Command::Completions(args) => completions::run(&args),
        }
    }
}

/// Tells of an error on stderr, unless nobody reads that, and chooses the exit code that [`args::EXIT_CODES`] promises.
pub(crate) fn exit_code(result: Result<(), Error>) -> ExitCode {
    let is_read = server::finish_log();
    let Err(error) = result else { return ExitCode::SUCCESS };
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    if is_read {
        tell(&error);
    }
    ExitCode::from(match error.downcast_ref::<Failure>() {
        Some(failure) => failure.code(),
        None if error.is::<ConfigErrors>() => 2,
        None => 1,
    })
}

fn tell(error: &Error) {
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.tell(),
        None => chain(error).lines().for_each(|line| eprintln!("sixframe: {line}")),
    }
}

/// The error with its causes, but for those that it tells of already.
fn chain(error: &Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        told if told.contains(&cause) => text,
        told => format!("{told}: {cause}"),
    })
}

/// Writes data to stdout. A reader that has gone away is an error of kind `BrokenPipe`, which [`exit_code`] forgives.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
