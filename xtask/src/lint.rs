//! What can be said about the code without running it.

use anyhow::Result;

use crate::house::House;
use crate::program;
use crate::test::Outcome;

/// The formatting is rustfmt's.
pub(crate) fn fmt(house: &House) -> Result<Outcome> {
    program::run(&mut house.cargo(&["fmt", "--all", "--check"]))?;
    Ok(Outcome::held())
}

/// What of the benchmarks is linted: all but the peers, which are most of what there is to build.
const BENCHES: [&str; 4] = ["clippy", "--all-targets", "--no-default-features", "--features=services"];

/// Clippy has nothing to say. In CI the lock file must be up to date as well.
pub(crate) fn clippy(house: &House) -> Result<Outcome> {
    let locked = if house.strict { &["--locked"][..] } else { &[] };
    let warnings = ["--", "--deny", "warnings"];
    program::run(house.cargo(&["clippy", "--workspace", "--all-targets"]).args(locked).args(warnings))?;
    program::run(house.cargo_of("benches/Cargo.toml", &BENCHES).args(locked).args(warnings))?;
    // Without the features that tests bring along.
    program::run(house.cargo(&["check", "--workspace"]).args(locked))?;
    Ok(Outcome::held())
}

/// The documentation builds without a broken link.
pub(crate) fn docs(house: &House) -> Result<Outcome> {
    program::run(house.cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings"))?;
    Ok(Outcome::held())
}
