//! A child process: a program that leaves another one running behind it, of which nothing is left when it has ended. This
//! program is its child's guardian too.
//!
//!     cargo run --example child

#![allow(clippy::print_stdout, reason = "an example prints what it shows")]

use anyhow::{Result, ensure};
use sixframe_supervisor::{
    ChildConfig, From, GuardProgram, Line, Stream, Supervisor, SupervisorConfig, stand_guard_if_asked,
};

fn main() -> Result<()> {
    // Started once more for each child, this program is its guardian and goes no further.
    stand_guard_if_asked();
    run()
}

#[tokio::main]
async fn run() -> Result<()> {
    let supervisor = Supervisor::new(SupervisorConfig::new(GuardProgram::this_program()?))?;
    let mut program = ChildConfig::new("sh");
    program.args = ["-c", "sleep 1000 & echo \"a process is left running: $!\""].map(Into::into).into();
    let child = supervisor.spawn(program)?;
    let mut lines = child.output(Stream::Stdout).subscribe(From::Start).lines();
    let mut said = 0;
    while let Some(Line::Text { text, .. }) = lines.next().await {
        println!("{text}");
        said += 1;
    }
    ensure!(said == 1, "it ran once");
    let exit = child.stopped().await?;
    println!("the program has ended, and nothing of it is left: {exit}");
    Ok(())
}
