//! The gate on instruction counts, which `benches/` measures under valgrind.

use anyhow::Result;

use crate::house::House;
use crate::program;
use crate::test::Outcome;

const MANIFEST: &str = "benches/Cargo.toml";

/// Compares today's counts with the committed ones.
pub(crate) fn gate(house: &House) -> Result<Outcome> {
    if !house.path(MANIFEST).is_file() {
        return Ok(Outcome::Skipped(format!("there is no {MANIFEST}")));
    }
    if program::find("valgrind").is_none() {
        return Ok(Outcome::Missing("valgrind".to_owned()));
    }
    program::run(&mut house.cargo(&["run", "--release", "--manifest-path", MANIFEST, "--", "gate"]))?;
    Ok(Outcome::held())
}
