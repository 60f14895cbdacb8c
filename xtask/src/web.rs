//! What is written in TypeScript: the client, the console, and both in a real browser.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::agents;
use crate::house::House;
use crate::node::{self, BROWSER, CLIENT, Node, PAGE};
use crate::program;
use crate::suite;
use crate::test::Outcome;

/// What a browser is called that the tests can drive.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Installs the packages of the lock file.
pub(crate) fn packages(house: &House) -> Result<Outcome> {
    with_node(|node| node.install(house).map(|()| Outcome::held()))
}

/// The client: its types, its tests, its build.
pub(crate) fn client(house: &House) -> Result<Outcome> {
    with_node(|node| {
        node.ensure_installed(house)?;
        node.script(house, CLIENT, "check")?;
        let told = tests(house, node, CLIENT, &[])?;
        node.script(house, CLIENT, "build")?;
        Ok(told)
    })
}

/// The console: its types, its tests, its build.
pub(crate) fn console(house: &House) -> Result<Outcome> {
    if !node::has_page(house) {
        return Ok(Outcome::Skipped("NOT TESTED: console/index.html is missing".to_owned()));
    }
    with_node(|node| {
        node.ensure_installed(house)?;
        node.script(house, CLIENT, "build")?;
        node.script(house, PAGE, "check")?;
        let told = tests(house, node, PAGE, &[])?;
        node.script(house, PAGE, "build")?;
        Ok(told)
    })
}

/// The client, the console, the daemon and a real agent in Chromium.
pub(crate) fn browser(house: &House) -> Result<Outcome> {
    if !node::has_script(house, BROWSER, "test")? {
        return Ok(Outcome::Skipped(format!("NOT TESTED: {BROWSER}/package.json has no script test")));
    }
    if browser_program().is_none() {
        return Ok(Outcome::Missing("chromium; `apt-get install --no-install-recommends chromium`".to_owned()));
    }
    with_node(|node| {
        node.ensure_installed(house)?;
        node.build_console(house)?;
        node.script(house, BROWSER, "check")?;
        let agents = agents::ensure_installed(house, node)?;
        tests(house, node, BROWSER, &[("SIXFRAME_AGENTS", &agents)])
    })
}

fn with_node(step: impl FnOnce(&Node) -> Result<Outcome>) -> Result<Outcome> {
    match Node::find() {
        Ok(node) => step(&node),
        Err(why) => Ok(Outcome::Missing(why.to_string())),
    }
}

/// Runs the tests of a workspace, with a daemon and a browser for those that start one, and where more of what they need is.
fn tests(house: &House, node: &Node, workspace: &str, places: &[(&str, &Path)]) -> Result<Outcome> {
    suite::build(house)?;
    let mut command = node.npm(house, &["run", "--if-present", "--workspace", workspace, "test"]);
    let closing = program::run_watching(in_house(house, &mut command).envs(places.iter().copied()), is_closing)?;
    let told: Vec<&str> = closing.iter().map(|line| line.trim()).collect();
    Ok(Outcome::Held(told.join("; ")))
}

fn in_house<'a>(house: &House, command: &'a mut Command) -> &'a mut Command {
    command.env("SIXFRAME_BIN", house.built("debug", "sixframe"));
    command.env("SIXFRAME_CONSOLE_DIR", house.path(node::CONSOLE));
    match browser_program() {
        Some(browser) => command.env("SIXFRAME_CHROMIUM", browser),
        None => command,
    }
}

fn browser_program() -> Option<std::path::PathBuf> {
    BROWSERS.into_iter().find_map(program::find)
}

/// The lines with which vitest sums up.
fn is_closing(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("Test Files ") || line.starts_with("Tests ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_s_own_summary_is_picked_out() {
        let lines = [" Test Files  3 passed (3)", "      Tests  12 passed (12)", "   Start at  12:00:00", " ✓ a test"];
        assert_eq!(lines.map(is_closing), [true, true, false, false]);
    }
}
