//! `cargo xtask start` builds and runs the daemon; `cargo xtask test` runs everything that must hold. Needs nothing but cargo;
//! steps that need another program say so, and fail where `CI` is set.

mod agents;
mod dependencies;
mod foreign;
mod fuzz;
mod house;
mod instructions;
mod lint;
mod local_model;
mod node;
mod program;
mod start;
mod suite;
mod test;
mod web;
mod websocket_conformance;

use std::env;
use std::process::ExitCode;

use house::House;

const USAGE: &str = "\
usage: cargo xtask start [ARGS...]         build the daemon and its console, and run `sixframe serve ARGS`
       cargo xtask start --with-local-model [ARGS...]
                                           the same, with a small language model as a sidecar
       cargo xtask test [--only A,B,...]   run every step, or these alone
       cargo xtask test --list             name the steps";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let result = match args.split_first() {
        Some((command, rest)) if command == "start" => House::find().and_then(|house| start::run(&house, rest)),
        Some((command, rest)) if command == "test" => House::find().and_then(|house| test::run(&house, rest)),
        Some(_) | None => Err(anyhow::anyhow!("{USAGE}")),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
