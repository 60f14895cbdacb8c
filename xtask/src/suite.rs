//! What is run: the tests, the examples in the documentation, the examples in their folder.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::house::House;
use crate::program;
use crate::test::Outcome;

/// Every example ends by itself, well within this.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(60);

/// What every step that runs something is built with: all of them run what was compiled once.
const BUILD: [&str; 2] = ["--workspace", "--all-features"];

/// Unit tests and integration tests, the vectors of the specification among them. With nextest where it is installed.
pub(crate) fn tests(house: &House) -> Result<Outcome> {
    if program::find("cargo-nextest").is_none() {
        let mut cargo = house.cargo(&["test", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]);
        return Ok(Outcome::Held(closing_lines(cargo.args(BUILD))?));
    }
    // Many wait for a process or a moment: with a test for each processor, the processors rest.
    let at_once = thread::available_parallelism().map_or(1, usize::from) * 3 / 2;
    let mut nextest = house.cargo(&["nextest", "run", "--no-fail-fast", &format!("--test-threads={at_once}")]);
    Ok(Outcome::Held(closing_lines(nextest.args(BUILD))?))
}

/// The tests of these targets that are ignored elsewhere, as they need programs that are not always there.
pub(crate) fn real(house: &House, targets: &[&str]) -> Result<Outcome> {
    let mut cargo = house.cargo(&["test"]);
    cargo.args(BUILD).args(targets.iter().flat_map(|target| ["--test", target])).args(["--", "--ignored", "real"]);
    closing_lines(&mut cargo).map(Outcome::Held)
}

/// What is written by hand for a protocol of others, held to the protocol's own types.
pub(crate) fn drift(house: &House) -> Result<Outcome> {
    let args = ["test", "--locked", "--test", "acp"];
    closing_lines(&mut house.cargo_of("drift/Cargo.toml", &args)).map(Outcome::Held)
}

/// The examples in doc comments.
pub(crate) fn doctests(house: &House) -> Result<Outcome> {
    Ok(Outcome::Held(closing_lines(house.cargo(&["test", "--doc"]).args(BUILD))?))
}

/// Builds the daemon and the examples. As examples may use what tests use, the daemon is the one of the tests.
pub(crate) fn build(house: &House) -> Result<()> {
    program::run(house.cargo(&["build", "--bin", "sixframe", "--examples"]).args(BUILD))
}

/// The programs in `examples/`, each in its own process and within a time limit.
pub(crate) fn examples(house: &House) -> Result<Outcome> {
    let names = example_names(house)?;
    if names.is_empty() {
        return Ok(Outcome::Skipped("there are no examples".to_owned()));
    }
    build(house)?;
    for name in &names {
        eprintln!("-- example {name}");
        let mut command = Command::new(house.built("debug/examples", name));
        program::run_within(EXAMPLE_LIMIT, command.current_dir(&house.root))?;
    }
    Ok(Outcome::Held(format!("{} examples", names.len())))
}

fn example_names(house: &House) -> Result<Vec<String>> {
    let folder = house.path("examples");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let programs = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let name = |stem: &std::ffi::OsStr| stem.to_str().map(str::to_owned).context("an example's name is not UTF-8");
    let mut names = programs.filter_map(|path| path.file_stem()).map(name).collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// The runner's own words about how it went.
pub(crate) fn closing_lines(command: &mut Command) -> Result<String> {
    let is_closing = |line: &str| {
        let line = line.trim_start();
        line.starts_with("Summary [")
            || (line.starts_with("test result:") && !line.contains(" 0 passed; 0 failed; 0 ignored"))
    };
    let lines = program::run_watching(command, is_closing)?;
    Ok(lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n                                   "))
}
