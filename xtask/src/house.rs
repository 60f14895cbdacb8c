//! Where things are: the sources, the build's output, the tools that steps install for themselves.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// The tree that the steps work on.
pub(crate) struct House {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    /// Whether a missing program fails its step: the variable `CI` is set and is not `false`.
    pub(crate) strict: bool,
}

impl House {
    /// Asks cargo, so that a target folder set elsewhere is found.
    pub(crate) fn find() -> Result<House> {
        let output = Command::new(cargo_program()).args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim_end());
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
        let folder = |key: &str| metadata[key].as_str().map(PathBuf::from).with_context(|| format!("no {key} in it"));
        Ok(House {
            root: folder("workspace_root")?,
            target: folder("target_directory")?,
            strict: env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false"),
        })
    }

    /// `cargo`, at the root of the tree. What the one that runs this says of xtask's package is taken away: build scripts would take
    /// it for theirs, and what was built without it for out of date.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(cargo_program());
        command.current_dir(&self.root).args(args);
        let of_xtask = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_xtask)) {
            command.env_remove(name);
        }
        command
    }

    /// `cargo`, for a workspace of its own in the tree. What it shares with the tree it finds built there.
    pub(crate) fn cargo_of(&self, manifest: &str, args: &[&str]) -> Command {
        let mut command = self.cargo(args);
        command.args(["--manifest-path", manifest]).arg("--target-dir").arg(&self.target);
        command
    }

    /// A file or folder of the tree.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The folder for programs that steps install.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// A program that cargo built: `built("debug/examples", "ws_echo")`.
    pub(crate) fn built(&self, folder: &str, name: &str) -> PathBuf {
        self.target.join(folder).join(name).with_extension(env::consts::EXE_EXTENSION)
    }
}

fn cargo_program() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| Path::new("cargo").to_path_buf(), PathBuf::from)
}
