//! What the fuzz targets hold, held for their committed inputs. Fuzzing itself needs `cargo fuzz` and more time.

use anyhow::Result;

use crate::house::House;
use crate::program;
use crate::suite;
use crate::test::Outcome;

const MANIFEST: &str = "fuzz/Cargo.toml";

/// Builds the targets and runs each over its seeds.
pub(crate) fn check(house: &House) -> Result<Outcome> {
    if program::find("c++").is_none() {
        return Ok(Outcome::Missing("c++".to_owned()));
    }
    suite::closing_lines(&mut house.cargo_of(MANIFEST, &["test", "--test", "seeds"])).map(Outcome::Held)
}
