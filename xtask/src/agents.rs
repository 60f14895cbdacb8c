//! The real programs of agents, in the versions that were tried, driven with models that the tests bring along. They are
//! installed below the target folder, and nothing of them is ours to ship.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::house::House;
use crate::node::Node;
use crate::test::Outcome;
use crate::{program, suite};

/// The packages and their versions. Without one, npm picks an older version for an older Node.js.
const PACKAGES: [&str; 3] = ["@anthropic-ai/claude-code@2.1.329", "@openai/codex@0.169.0", "@google/gemini-cli@0.61.0"];

/// Installs them where they are not, and runs the tests that need them and no browser.
pub(crate) fn check(house: &House) -> Result<Outcome> {
    if cfg!(windows) {
        return Ok(Outcome::Skipped("the tests' programs are scripts of a Unix shell".to_owned()));
    }
    let node = match Node::find() {
        Ok(node) => node,
        Err(missing) => return Ok(Outcome::Missing(format!("{missing:#}"))),
    };
    ensure_installed(house, &node)?;
    suite::real(house, &["agents", "daemon"])
}

/// Installs them where they are not, and gives the folder that they are in.
pub(crate) fn ensure_installed(house: &House, node: &Node) -> Result<PathBuf> {
    let folder = house.target.join("agents");
    if !PACKAGES.iter().all(|package| is_installed(&folder, package)) {
        let mut install = node.npm(house, &["install", "--no-fund", "--no-audit", "--prefix"]);
        program::run(install.arg(&folder).args(PACKAGES))?;
    }
    Ok(folder)
}

/// Whether a package is there in this version.
fn is_installed(folder: &Path, package: &str) -> bool {
    let Some((name, version)) = package.rsplit_once('@') else { return false };
    let manifest = std::fs::read_to_string(folder.join("node_modules").join(name).join("package.json"));
    manifest.is_ok_and(|text| {
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        manifest["version"] == version
    })
}
