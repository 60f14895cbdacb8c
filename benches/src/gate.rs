//! Instructions per iteration, counted by callgrind and compared with a committed file: what continuous integration runs.
//!
//! Both ends run in one thread, in user space only. The difference of two lengths cancels start and end, so that the
//! figures repeat to a fraction of a per cent on one toolchain, whatever else the machine does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::workload::Workload;

/// What is watched. The floor tells a change of the toolchain from a change of ours.
const GATED: &[(&str, Workload)] = &[
    ("floor", Workload::Pipelined),
    ("sixframe", Workload::Pipelined),
    ("sixframe", Workload::Stream),
    ("sixframe", Workload::PipelinedOpaque),
    ("sixframe-trusted", Workload::PipelinedOpaque),
    ("sixframe-ws", Workload::Pipelined),
];

const SHORT: u64 = 2_000;
const LONG: u64 = 10_000;

/// `instructions.json`.
#[derive(Serialize, Deserialize)]
struct Baseline {
    /// The part by which a figure may exceed its value here.
    tolerance: f64,
    /// Instructions per iteration, both ends together, by `contender/workload`.
    instructions: BTreeMap<String, u64>,
}

/// Counts and compares; with `bless` writes the file instead. Fails on a regression and on a figure that is not in the file.
pub fn run(bless: bool, only: &[String]) -> Result<()> {
    let mut baseline = load()?;
    let mut regressions = Vec::new();
    println!("{:<36} {:>10} {:>10} {:>8}", "instructions per iteration", "committed", "now", "change");
    for &(contender, workload) in GATED {
        let name = format!("{contender}/{workload}");
        if !only.is_empty() && !only.iter().any(|wanted| *wanted == name || wanted == contender) {
            continue;
        }
        let now = per_iteration(contender, workload)?;
        let change = baseline.instructions.get(&name).map(|&committed| now as f64 / committed as f64 - 1.0);
        println!(
            "{name:<36} {:>10} {now:>10} {:>8}",
            baseline.instructions.get(&name).map_or("-".into(), u64::to_string),
            change.map_or("-".into(), |change| format!("{:+.1} %", change * 100.0)),
        );
        if !bless && change.is_none_or(|change| change > baseline.tolerance) {
            regressions.push(name);
        } else if bless {
            baseline.instructions.insert(name, now);
        }
    }
    if bless {
        return save(&baseline);
    }
    let allowed = baseline.tolerance * 100.0;
    ensure!(
        regressions.is_empty(),
        "over the committed count by more than {allowed} %, or not committed: {}; make it cheaper, or run `gate --bless` \
         and say why in the commit",
        regressions.join(", ")
    );
    Ok(())
}

fn per_iteration(contender: &str, workload: Workload) -> Result<u64> {
    let (short, long) = (count(contender, workload, SHORT)?, count(contender, workload, LONG)?);
    Ok(long.saturating_sub(short) / (LONG - SHORT))
}

fn count(contender: &str, workload: Workload, iterations: u64) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("callgrind.out");
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(std::env::current_exe()?)
        .args(["ir", contender, workload.name(), &iterations.to_string()])
        .stdin(Stdio::null())
        .status()
        .context("running valgrind (install it with your package manager)")?;
    ensure!(status.success(), "{contender}/{workload} failed under callgrind");
    total(&output)
}

fn total(output: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(output)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    Ok(total.context("callgrind wrote no total")?.trim().parse()?)
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

fn load() -> Result<Baseline> {
    Ok(serde_json::from_str(&std::fs::read_to_string(file()).context("reading instructions.json")?)?)
}

fn save(baseline: &Baseline) -> Result<()> {
    Ok(std::fs::write(file(), serde_json::to_string_pretty(baseline)? + "\n")?)
}
