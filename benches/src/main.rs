//! Sixframe beside its peers: `cargo run --release --manifest-path benches/Cargo.toml` prints one table of ratios.
//!
//! Server and client of every contender are processes of their own (this binary again). Samples are short and stand
//! between two samples of the baseline, so that a change of the machine's mood strikes both.

#[cfg(not(unix))]
compile_error!("the benchmarks need unix sockets");

mod contenders;
mod driver;
mod gate;
#[cfg(feature = "hub")]
mod hub;
mod machine;
mod memory;
mod payload;
mod peer;
mod placement;
mod process;
mod rounds;
#[cfg(feature = "services")]
mod services;
mod stall;
mod table;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;

use crate::placement::Placement;
use crate::rounds::Plan;

const USAGE: &str = "\
usage: sixframe-benches [--quick] [--only NAME,...] [--rounds N] [--placement WHERE] [--markdown FILE]
                                                              print the table
       sixframe-benches gate [--bless] [--only NAME,...]     compare instruction counts with instructions.json
       sixframe-benches hub [--seconds N] [--windows N] [--rate N]   the shared state: cost of a commit, of a window, of many
       sixframe-benches supervision [--quick]                 what it costs to hold child processes
       sixframe-benches agents [--quick]                      what stands between an agent's program and a window
       sixframe-benches list                                  contenders and workloads
NAME is a contender (floor), a workload (stream) or both (floor/stream). WHERE the two ends run: together on one
processor (the default), apart on two, or free.";

enum Command {
    Table {
        plan: Plan,
        markdown: Option<PathBuf>,
    },
    Gate {
        bless: bool,
        only: Vec<String>,
    },
    #[cfg(feature = "hub")]
    Hub(hub::Crowd),
    List,
    #[cfg(feature = "services")]
    Services(services::Command),
    Serve {
        contender: String,
        folder: String,
        upstream: Option<String>,
    },
    Drive {
        contender: String,
        address: String,
    },
    Iterate {
        contender: String,
        workload: String,
        count: u64,
    },
}

fn main() -> Result<ExitCode> {
    #[cfg(feature = "services")]
    if let Some(ended) = services::be_what_it_was_started_as()? {
        return Ok(ended);
    }
    run(parse(lexopt::Parser::from_env())?).map(|()| ExitCode::SUCCESS)
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Table { plan, markdown } => {
            let text = format!("{}\n{}", machine::describe(plan.placement()), table::render(&rounds::run(&plan)?));
            println!("{text}");
            markdown.map_or(Ok(()), |file| std::fs::write(&file, text).context("writing the table"))
        }
        Command::Gate { bless, only } => gate::run(bless, &only),
        #[cfg(feature = "hub")]
        Command::Hub(crowd) => hub::run(&crowd),
        Command::List => {
            println!("{}\n{}", contenders::names().join(" "), workload::Workload::ALL.map(|w| w.name()).join(" "));
            Ok(())
        }
        #[cfg(feature = "services")]
        Command::Services(command) => services::run(command),
        Command::Serve { contender, folder, upstream } => {
            process::serve(&contender, &folder, upstream.map(|address| address.parse()).transpose()?)
        }
        Command::Drive { contender, address } => (contenders::find(&contender)?.drive)(address.parse()?),
        Command::Iterate { contender, workload, count } => {
            (contenders::find(&contender)?.iterate)(workload.parse()?, count)
        }
    }
}

fn parse(mut arguments: lexopt::Parser) -> Result<Command> {
    let (mut words, mut only, mut markdown) = (Vec::new(), Vec::new(), None);
    let mut placement = Placement::Together;
    let (mut quick, mut bless, mut rounds) = (false, false, None);
    #[cfg(feature = "hub")]
    let mut crowd = hub::Crowd::default();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("quick") => quick = true,
            Long("bless") => bless = true,
            #[cfg(feature = "hub")]
            Long("seconds") => crowd.seconds = arguments.value()?.parse()?,
            #[cfg(feature = "hub")]
            Long("windows") => crowd.windows = arguments.value()?.parse()?,
            #[cfg(feature = "hub")]
            Long("rate") => crowd.rate = arguments.value()?.parse()?,
            Long("rounds") => rounds = Some(arguments.value()?.parse()?),
            Long("placement") => placement = arguments.value()?.string()?.parse()?,
            Long("only") => only.extend(arguments.value()?.string()?.split(',').map(str::to_owned)),
            Long("markdown") => markdown = Some(PathBuf::from(arguments.value()?)),
            Value(word) => words.push(word.string()?),
            _ => bail!("{}\n{USAGE}", argument.unexpected()),
        }
    }
    let mut words = words.into_iter();
    let mut word = |name: &str| words.next().with_context(|| format!("missing {name}\n{USAGE}"));
    Ok(match word("command").unwrap_or_default().as_str() {
        "" => Command::Table { plan: Plan::new(quick, rounds, placement, only)?, markdown },
        "gate" => Command::Gate { bless, only },
        #[cfg(feature = "hub")]
        "hub" => Command::Hub(crowd),
        "list" => Command::List,
        #[cfg(feature = "services")]
        "supervision" => Command::Services(services::Command::Supervision { quick }),
        #[cfg(feature = "services")]
        "agents" => Command::Services(services::Command::Agents { quick }),
        #[cfg(feature = "services")]
        "flood" => Command::Services(services::Command::Flood { bytes: word("bytes")?.parse()? }),
        #[cfg(feature = "services")]
        "supervised-host" => Command::Services(services::Command::SupervisedHost),
        #[cfg(feature = "services")]
        "answer" => Command::Services(services::Command::Answer {
            port: word("port")?.parse()?,
            folder: word("folder")?.into(),
        }),
        "serve" => {
            Command::Serve { contender: word("contender")?, folder: word("folder")?, upstream: word("upstream").ok() }
        }
        "drive" => Command::Drive { contender: word("contender")?, address: word("address")? },
        "ir" => Command::Iterate {
            contender: word("contender")?,
            workload: word("workload")?,
            count: word("count")?.parse()?,
        },
        other => bail!("no command {other:?}\n{USAGE}"),
    })
}
