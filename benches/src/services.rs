//! What the daemon's services cost: child processes and agents.

mod agents;
mod readiness;
mod supervision;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::machine;
use crate::placement::Placement;

/// What is asked for, or what a process of a run is to be.
pub(crate) enum Command {
    Supervision { quick: bool },
    Agents { quick: bool },
    Flood { bytes: u64 },
    SupervisedHost,
    Answer { port: u16, folder: PathBuf },
}

/// Is a guardian or an agent, where this process was started as one.
pub(crate) fn be_what_it_was_started_as() -> Result<Option<ExitCode>> {
    sixframe_supervisor::stand_guard_if_asked();
    // What else it is told is what an agent is told.
    if std::env::args().nth(1).as_deref() == Some("speak") {
        return agents::program::speak().map(|()| Some(ExitCode::SUCCESS));
    }
    Ok(None)
}

pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Supervision { quick } => print(&supervision::run(quick)?),
        Command::Agents { quick } => print(&agents::run(supervision::supervisor, quick)?),
        Command::Flood { bytes } => return supervision::flood(bytes),
        Command::SupervisedHost => return supervision::host(),
        Command::Answer { port, folder } => return readiness::answer(port, &folder),
    }
    Ok(())
}

fn print(figures: &str) {
    println!("{}\n{figures}", machine::describe(Placement::Free));
}
