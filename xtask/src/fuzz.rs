//! The fuzz targets compile; running them takes another toolchain and more time.

use anyhow::Result;

use crate::house::House;
use crate::program;
use crate::test::Outcome;

const MANIFEST: &str = "fuzz/Cargo.toml";

/// Type-checks the fuzz targets.
pub(crate) fn check(house: &House) -> Result<Outcome> {
    if !house.path(MANIFEST).is_file() {
        return Ok(Outcome::Skipped(format!("there is no {MANIFEST}")));
    }
    program::run(&mut house.cargo(&["check", "--manifest-path", MANIFEST]))?;
    Ok(Outcome::held())
}
