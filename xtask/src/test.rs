//! `cargo xtask test`: the steps in their order, and the summary at the end. What a step does is its own file's.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::house::House;
use crate::{agents, dependencies, foreign, fuzz, instructions, lint, local_model, suite, web, websocket_conformance};

/// How a step that did not fail ended.
pub(crate) enum Outcome {
    /// It holds; a word about what was found.
    Held(String),
    /// It does not apply here, and why.
    Skipped(String),
    /// A program that it needs is not here; in CI that is a failure.
    Missing(String),
}

impl Outcome {
    /// It holds, and there is nothing to say about it.
    pub(crate) fn held() -> Outcome {
        Outcome::Held(String::new())
    }
}

struct Step {
    name: &'static str,
    run: fn(&House) -> Result<Outcome>,
}

/// The cheapest answers first.
const STEPS: &[Step] = &[
    Step { name: "fmt", run: lint::fmt },
    Step { name: "clippy", run: lint::clippy },
    Step { name: "docs", run: lint::docs },
    Step { name: "npm", run: web::packages },
    Step { name: "tests", run: suite::tests },
    Step { name: "doctests", run: suite::doctests },
    Step { name: "examples", run: suite::examples },
    Step { name: "typescript", run: web::client },
    Step { name: "console", run: web::console },
    Step { name: "browser", run: web::browser },
    Step { name: "agents", run: agents::check },
    Step { name: "drift", run: suite::drift },
    Step { name: "foreign", run: foreign::check },
    Step { name: "dependencies", run: dependencies::check },
    Step { name: "instructions", run: instructions::gate },
    Step { name: "fuzz", run: fuzz::check },
    Step { name: "local-model", run: local_model::check },
    Step { name: "websocket", run: websocket_conformance::check },
];

/// Runs the steps that `args` choose, stops at the first that fails, and sums up.
pub(crate) fn run(house: &House, args: &[String]) -> Result<ExitCode> {
    let steps = chosen(args)?;
    if args.iter().any(|arg| arg == "--list") {
        steps.iter().for_each(|step| eprintln!("{}", step.name));
        return Ok(ExitCode::SUCCESS);
    }
    let started = Instant::now();
    let mut summary = Vec::new();
    let mut good = true;
    for step in &steps {
        eprintln!("\n== {}", step.name);
        let begun = Instant::now();
        let result = (step.run)(house);
        good = match &result {
            Ok(Outcome::Held(_) | Outcome::Skipped(_)) => true,
            Ok(Outcome::Missing(_)) => !house.strict,
            Err(_) => false,
        };
        summary.push(told(step.name, begun.elapsed(), &result));
        if !good {
            break;
        }
    }
    let not_run = steps.iter().skip(summary.len()).map(|step| format!("not run            {}", step.name));
    summary.extend(not_run.collect::<Vec<_>>());
    eprintln!("\n== summary after {}\n{}", seconds(started.elapsed()), summary.join("\n"));
    eprintln!("{}", if good { "everything that ran holds" } else { "FAILED" });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chosen(args: &[String]) -> Result<Vec<&'static Step>> {
    let names = match args {
        [] => return Ok(STEPS.iter().collect()),
        [flag] if flag == "--list" => return Ok(STEPS.iter().collect()),
        [flag, names] if flag == "--only" => names,
        _ => bail!("{}", crate::USAGE),
    };
    let known = STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    let step = |name: &str| STEPS.iter().find(|step| step.name == name);
    names
        .split(',')
        .map(|name| step(name).ok_or_else(|| anyhow::anyhow!("no step {name:?}; there are {known}")))
        .collect()
}

fn told(name: &str, took: Duration, result: &Result<Outcome>) -> String {
    let (word, note) = match result {
        Ok(Outcome::Held(note)) => ("holds", note.clone()),
        Ok(Outcome::Skipped(why)) => ("SKIPPED", why.clone()),
        Ok(Outcome::Missing(what)) => ("MISSING", what.clone()),
        Err(error) => ("FAILED", format!("{error:#}")),
    };
    let line = format!("{word:<8}{:>9}  {name:<13} {note}", seconds(took));
    eprintln!("{line}");
    line.trim_end().to_owned()
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(args: &[&str]) -> Result<Vec<&'static str>> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Ok(chosen(&args)?.into_iter().map(|step| step.name).collect())
    }

    #[test]
    fn only_the_named_steps_are_chosen_in_the_given_order() {
        assert_eq!(names(&["--only", "docs,clippy"]).unwrap(), ["docs", "clippy"]);
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_known_ones() {
        let error = names(&["--only", "clipy"]).unwrap_err().to_string();
        assert!(error.contains("\"clipy\"; there are fmt, clippy, docs"), "{error}");
    }
}
