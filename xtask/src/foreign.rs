//! Type checks for the systems that these tests do not run on.

use std::process::Command;

use anyhow::Result;

use crate::house::House;
use crate::program;
use crate::test::Outcome;

const TARGETS: [&str; 2] = ["x86_64-pc-windows-gnu", "x86_64-apple-darwin"];
const PACKAGES: [&str; 4] = ["sixframe-core", "sixframe-supervisor", "sixframe-transports", "sixframe"];

/// Leaves out `tls`, which compiles C for the target.
const WITHOUT_C: [&str; 2] = ["--no-default-features", "--features=sixframe/daemon"];

/// Checks the libraries and the daemon for each foreign target that rustup can add.
pub(crate) fn check(house: &House) -> Result<Outcome> {
    let (here, absent): (Vec<&str>, Vec<&str>) = TARGETS
        .into_iter()
        .partition(|target| program::succeeds(Command::new("rustup").args(["target", "add", target])));
    for target in &here {
        eprintln!("-- {target}");
        program::run(
            house
                .cargo(&["check", "--target", target])
                .args(WITHOUT_C)
                .args(PACKAGES.map(|package| format!("--package={package}"))),
        )?;
    }
    if here.is_empty() {
        return Ok(Outcome::Skipped(format!("NOT TYPE-CHECKED: rustup cannot add {}", absent.join(" and "))));
    }
    let unchecked =
        if absent.is_empty() { String::new() } else { format!("; NOT TYPE-CHECKED: {}", absent.join(" and ")) };
    Ok(Outcome::Held(here.join(", ") + &unchecked))
}
