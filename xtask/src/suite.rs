//! What is run: the tests, the examples in the documentation, the examples in their folder.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::house::House;
use crate::program;
use crate::test::Outcome;

/// Every example ends by itself, well within this.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(60);

/// Unit tests and integration tests, the vectors of the specification among them. With nextest where it is installed.
pub(crate) fn tests(house: &House) -> Result<Outcome> {
    let args: &[&str] = match program::find("cargo-nextest") {
        Some(_) => &["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"],
        None => {
            &["test", "--workspace", "--all-features", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]
        }
    };
    Ok(Outcome::Held(closing_lines(&mut house.cargo(args))?))
}

/// What is written by hand for a protocol of others, held to the protocol's own types.
pub(crate) fn drift(house: &House) -> Result<Outcome> {
    let args = ["test", "--locked", "--manifest-path", "drift/Cargo.toml", "--test", "acp"];
    closing_lines(&mut house.cargo(&args)).map(Outcome::Held)
}

/// The examples in doc comments.
pub(crate) fn doctests(house: &House) -> Result<Outcome> {
    Ok(Outcome::Held(closing_lines(&mut house.cargo(&["test", "--workspace", "--doc"]))?))
}

/// The programs in `examples/`, each in its own process and within a time limit.
pub(crate) fn examples(house: &House) -> Result<Outcome> {
    let names = example_names(house)?;
    if names.is_empty() {
        return Ok(Outcome::Skipped("there are no examples".to_owned()));
    }
    program::run(&mut house.cargo(&["build", "--package", "sixframe", "--examples"]))?;
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
