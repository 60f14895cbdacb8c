//! The gate on instruction counts, which `benches/` measures under valgrind.

use anyhow::Result;

use crate::house::House;
use crate::program;
use crate::test::Outcome;

const MANIFEST: &str = "benches/Cargo.toml";

/// Compares today's counts with the committed ones. The peers are not built: they are most of the time it would take.
pub(crate) fn gate(house: &House) -> Result<Outcome> {
    if program::find("valgrind").is_none() {
        return Ok(Outcome::Missing("valgrind".to_owned()));
    }
    program::run(&mut house.cargo(&[
        "run",
        "--release",
        "--locked",
        "--no-default-features",
        "--manifest-path",
        MANIFEST,
        "--",
        "gate",
    ]))?;
    Ok(Outcome::held())
}
