//! Node.js and npm: whether they are here and new enough, and running the scripts of the npm workspaces.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::house::House;
use crate::program;

/// The TypeScript client.
pub(crate) const CLIENT: &str = "clients/typescript";
/// The console's page.
pub(crate) const PAGE: &str = "console";
/// Where its build goes.
pub(crate) const CONSOLE: &str = "console/dist";
/// What is tested in a real browser.
pub(crate) const BROWSER: &str = "tests/browser";

/// The oldest that the packages in the lock file run on.
const OLDEST: (u32, u32) = (20, 19);

/// Node.js and npm, new enough.
pub(crate) struct Node {
    npm: PathBuf,
}

impl Node {
    /// Finds both; the error says what is missing and where to get it.
    pub(crate) fn find() -> Result<Node> {
        let get = "get Node.js 20.19 or newer from https://nodejs.org (Debian 12's own is too old)";
        let node = program::find("node").with_context(|| format!("node is missing; {get}"))?;
        let told = Command::new(node).arg("--version").stderr(Stdio::null()).output()?;
        let told = String::from_utf8_lossy(&told.stdout).trim().to_owned();
        ensure!(version(&told).is_some_and(|version| version >= OLDEST), "node {told} is too old; {get}");
        let npm = npm_program().with_context(|| format!("npm is missing; {get}"))?;
        Ok(Node { npm })
    }

    /// `npm`, at the root of the tree.
    pub(crate) fn npm(&self, house: &House, args: &[&str]) -> Command {
        let mut command = Command::new(&self.npm);
        command.current_dir(&house.root).args(args).stdin(Stdio::null()).env("NO_COLOR", "1");
        command
    }

    /// Installs what the lock file names, afresh.
    pub(crate) fn install(&self, house: &House) -> Result<()> {
        program::run(&mut self.npm(house, &["ci"]))
    }

    /// Installs what the lock file names, unless that was done since it last changed.
    pub(crate) fn ensure_installed(&self, house: &House) -> Result<()> {
        let modified = |path: &str| fs::metadata(house.path(path)).and_then(|about| about.modified());
        match (modified("node_modules/.package-lock.json"), modified("package-lock.json")) {
            (Ok(installed), Ok(locked)) if installed >= locked => Ok(()),
            _ => self.install(house),
        }
    }

    /// Runs a script of a workspace, if it has it, in front of the user.
    pub(crate) fn script(&self, house: &House, workspace: &str, script: &str) -> Result<()> {
        program::run(&mut self.npm(house, &["run", "--if-present", "--workspace", workspace, script]))
    }

    /// Builds the client and, with it, the console's page.
    pub(crate) fn build_console(&self, house: &House) -> Result<()> {
        self.script(house, CLIENT, "build")?;
        ensure!(has_page(house), "console/index.html is missing");
        self.script(house, PAGE, "build")
    }
}

/// Whether the console has a page to build.
pub(crate) fn has_page(house: &House) -> bool {
    house.path(PAGE).join("index.html").is_file()
}

/// Whether the `package.json` of a workspace names a script.
pub(crate) fn has_script(house: &House, workspace: &str, script: &str) -> Result<bool> {
    let text = fs::read_to_string(house.path(workspace).join("package.json"))?;
    let manifest: Value = serde_json::from_str(&text).with_context(|| format!("{workspace}/package.json"))?;
    Ok(manifest["scripts"][script].is_string())
}

/// npm is a script of the shell where Node.js was installed for Windows.
fn npm_program() -> Option<PathBuf> {
    if cfg!(windows) {
        let folder = program::find("node")?.parent()?.to_path_buf();
        return Some(folder.join("npm.cmd")).filter(|npm| npm.is_file());
    }
    program::find("npm")
}

/// `v20.19.1` as (20, 19).
fn version(told: &str) -> Option<(u32, u32)> {
    let mut numbers = told.strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("v20.9.0").unwrap() < OLDEST && version("v18.20.4").unwrap() < OLDEST);
        assert!(version("v20.19.0").unwrap() >= OLDEST && version("v22.1.0").unwrap() >= OLDEST);
        assert_eq!(version("20.19.0"), None);
        assert_eq!(version("nonsense"), None);
    }
}
