//! The WebSocket transport against the Autobahn cases, which kosoku runs: an echo server of ours, a fuzzing client of theirs.
//! Cases that send binary messages hold when the server refuses them with 1003, since a frame is text (spec: `frame.1`).
//! Those about compression are left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::house::House;
use crate::program::{self, Running};
use crate::suite;
use crate::test::Outcome;

const RUNNER: &str = "kosoku==0.1.0";
/// Groups about compression, which is not offered.
const LEFT_OUT: [&str; 2] = ["12.*", "13.*"];
/// Groups that send binary messages.
const BINARY: [&str; 5] = ["1.2.", "9.2.", "9.4.", "9.6.", "9.8."];
/// The close code that says that the server takes no such data (RFC 6455, section 7.4.1).
const UNSUPPORTED_DATA: u64 = 1003;
const START_LIMIT: Duration = Duration::from_secs(10);
/// All cases take seconds; against a server that answers none, each waits for its own time limit.
const CASES_LIMIT: Duration = Duration::from_secs(180);
/// About 300 cases remain; fewer than this means that they were not run.
const FEWEST_CASES: usize = 280;

/// Runs every case but those of the groups left out, and fails on any that failed.
pub(crate) fn check(house: &House) -> Result<Outcome> {
    let Some(kosoku) = installed(house)? else {
        return Ok(Outcome::Missing("python3 with venv and pip, which install kosoku".to_owned()));
    };
    suite::build(house)?;
    let mut echo = Command::new(house.built("debug/examples", "ws_echo"));
    let mut server = Running::start(echo.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let address = server.first_line(START_LIMIT).context("ws_echo must print its address")?;
    let report = house.target.join("websocket-conformance");
    run_cases(&kosoku, &address, &report)?;
    verdict(&report)
}

fn run_cases(kosoku: &Path, address: &str, report: &Path) -> Result<()> {
    if report.exists() {
        fs::remove_dir_all(report)?;
    }
    let host = address.trim_start_matches("ws://").trim_end_matches('/');
    let mut client = Command::new(kosoku);
    client.args(["-m", "fuzzingclient", "-p", "4"]).args(LEFT_OUT.iter().flat_map(|group| ["-x", group]));
    client.arg("-o").arg(report).arg(host);
    program::run_within(CASES_LIMIT, &mut client)
        .or_else(|error| if report.join("index.json").is_file() { Ok(()) } else { Err(error) })
}

fn verdict(report: &Path) -> Result<Outcome> {
    let text = fs::read_to_string(report.join("index.json")).context("kosoku wrote no report")?;
    let cases = cases(&serde_json::from_str(&text)?);
    ensure!(cases.len() >= FEWEST_CASES, "only {} cases were run", cases.len());
    let failed: Vec<&str> =
        cases.iter().filter(|(_, verdict)| verdict.as_str() == "FAILED").map(|(case, _)| case.as_str()).collect();
    ensure!(failed.is_empty(), "{} of {} cases failed: {}", failed.len(), cases.len(), failed.join(", "));
    Ok(Outcome::Held(counts(&cases)))
}

/// Each case with its verdict. One whose close failed has failed; a binary message is to be refused, whatever else the runner
/// would have liked.
fn cases(report: &Value) -> BTreeMap<String, String> {
    let agents = report.as_object().into_iter().flat_map(|agents| agents.values());
    let verdict = |name: &str, case: &Value| {
        if BINARY.iter().any(|group| name.starts_with(group)) {
            let refused = case["remoteCloseCode"] == UNSUPPORTED_DATA;
            return if refused { "REFUSED" } else { "FAILED" }.to_owned();
        }
        let failed = ["behavior", "behaviorClose"].iter().any(|key| case[*key] == "FAILED");
        if failed { "FAILED" } else { case["behavior"].as_str().unwrap_or("FAILED") }.to_owned()
    };
    let of_agent = |agent: &Value| agent.as_object().cloned().unwrap_or_default();
    let judged = |(name, case): (String, Value)| {
        let verdict = verdict(&name, &case);
        (name, verdict)
    };
    agents.flat_map(of_agent).map(judged).collect()
}

fn counts(cases: &BTreeMap<String, String>) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    cases.values().for_each(|verdict| *counts.entry(verdict).or_default() += 1);
    counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect::<Vec<_>>().join(", ")
}

/// The runner, in a Python environment of its own below the target folder.
fn installed(house: &House) -> Result<Option<PathBuf>> {
    let folder = house.tools().join(RUNNER.replace("==", "-"));
    let programs = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let kosoku = programs.join("kosoku").with_extension(std::env::consts::EXE_EXTENSION);
    if kosoku.is_file() {
        return Ok(Some(kosoku));
    }
    fs::create_dir_all(house.tools())?;
    if !program::succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder)) {
        return Ok(None);
    }
    let install = ["install", "--quiet", "--disable-pip-version-check", RUNNER];
    let python = programs.join("python").with_extension(std::env::consts::EXE_EXTENSION);
    program::run(Command::new(python).args(["-m", "pip"]).args(install))?;
    Ok(Some(kosoku))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_case_whose_close_failed_has_failed() {
        let report = json!({"us": {
            "1.1.1": {"behavior": "OK", "behaviorClose": "OK"},
            "1.1.2": {"behavior": "OK", "behaviorClose": "FAILED"},
            "1.1.3": {"behavior": "NON-STRICT", "behaviorClose": "OK"},
            "1.1.4": {},
        }});
        assert_eq!(counts(&cases(&report)), "2 FAILED, 1 NON-STRICT, 1 OK");
    }

    #[test]
    fn a_binary_message_must_be_refused_and_not_echoed() {
        let report = json!({"us": {
            "1.2.1": {"behavior": "FAILED", "behaviorClose": "FAILED", "remoteCloseCode": 1003},
            "9.8.6": {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000},
            "9.2.1": {"behavior": "FAILED", "remoteCloseCode": 1009},
            "1.1.1": {"behavior": "FAILED", "remoteCloseCode": 1003},
        }});
        assert_eq!(counts(&cases(&report)), "3 FAILED, 1 REFUSED");
    }

    /// The verdict on a report of `count` cases, the first of which ended with `first`.
    fn verdict_on(count: usize, first: &str) -> Result<Outcome> {
        let ending = |index| if index == 0 { first } else { "OK" };
        let cases = (0..count).map(|index| (format!("1.1.{index}"), json!({"behavior": ending(index)}))).collect();
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("index.json"), json!({"us": Value::Object(cases)}).to_string())?;
        verdict(folder.path())
    }

    #[test]
    fn a_failed_case_fails_the_step_and_is_named() {
        assert!(verdict_on(FEWEST_CASES, "OK").is_ok());
        let error = verdict_on(FEWEST_CASES, "FAILED").err().unwrap().to_string();
        assert!(error.ends_with("cases failed: 1.1.0"), "{error}");
    }

    #[test]
    fn a_report_of_too_few_cases_fails_the_step() {
        assert!(verdict_on(FEWEST_CASES - 1, "OK").is_err());
    }
}
