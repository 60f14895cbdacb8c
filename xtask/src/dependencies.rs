//! `cargo deny`: licences, advisories, duplicate crates and sources of everything that is linked in.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::house::House;
use crate::program;
use crate::test::Outcome;

const VERSION: &str = "0.20.2";
/// It runs for seconds: building it fast matters more than what it could save.
const QUICKLY_BUILT: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
];

/// Runs `cargo deny check`; without its advisory database, everything but the advisories.
pub(crate) fn check(house: &House) -> Result<Outcome> {
    let Some(deny) = installed(house)? else {
        let how = format!("cargo-deny; `cargo install cargo-deny --locked --version {VERSION}`");
        return Ok(Outcome::Missing(how));
    };
    let deny = |args: &[&str]| {
        let mut command = Command::new(&deny);
        command.current_dir(&house.root).args(args);
        command
    };
    if program::succeeds(&mut deny(&["fetch", "db"])) {
        program::run(&mut deny(&["check"]))?;
        return Ok(Outcome::Held("advisories, bans, licenses, sources".to_owned()));
    }
    program::run(&mut deny(&["check", "bans", "licenses", "sources"]))?;
    Ok(Outcome::Held("bans, licenses, sources; NO ADVISORIES: their database cannot be fetched".to_owned()))
}

/// The program of the pinned version, which CI installs, or else any on the path.
fn installed(house: &House) -> Result<Option<PathBuf>> {
    let own = house.tools().join("bin").join("cargo-deny").with_extension(std::env::consts::EXE_EXTENSION);
    if own.is_file() {
        return Ok(Some(own));
    }
    if !house.strict {
        return Ok(program::find("cargo-deny"));
    }
    let install = ["install", "cargo-deny", "--locked", "--version", VERSION, "--root"];
    program::run(house.cargo(&install).arg(house.tools()).envs(QUICKLY_BUILT))?;
    Ok(Some(own))
}
