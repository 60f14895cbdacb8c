//! Child processes that never outlive their host.
//!
//! A [`Supervisor`] starts children from a [`ChildConfig`] and gives back a [`Child`]. However the host ends, by `kill -9`
//! too, nothing of a child's tree is left: on Unix a small guardian process stands between host and child, adopts what the
//! child leaves behind, and ends all of it when the host is gone; on Windows a job object does. *Stopped* means that the whole
//! tree is empty, not that one process has ended. What a child writes is read as fast as it comes, and told to subscribers
//! by offset, so that no reader can make it wait.
//!
//! ```no_run
//! use sixframe_supervisor::{ChildConfig, From, GuardProgram, Stream, Supervisor, SupervisorConfig, stand_guard_if_asked};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     stand_guard_if_asked(); // started once more for each child, this program is its guardian and goes no further
//!     run()
//! }
//!
//! # #[tokio::main]
//! async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let supervisor = Supervisor::new(SupervisorConfig::new(GuardProgram::this_program()?))?;
//! let child = supervisor.spawn(ChildConfig::new("sh"))?;
//! let mut lines = child.output(Stream::Stdout).subscribe(From::Start).lines();
//! while let Some(line) = lines.next().await {
//!     println!("{line:?}");
//! }
//! println!("{}", child.stop().await?);
//! # Ok(())
//! }
//! ```
//!
//! What leaves the tree with help from outside (`systemd-run`, `launchctl`, a container's daemon) is out of reach; stop it
//! by the ladder's [`Ask`].

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
compile_error!("how processes descend from each other is known for Linux, macOS and Windows");

mod child;
#[cfg(any(windows, test))]
mod command_line;
mod config;
mod descent;
mod guard_program;
#[cfg(unix)]
mod guardian;
mod holder;
mod keeper;
mod lease;
mod ledger;
mod mark;
#[cfg(unix)]
mod orphans;
mod output;
mod pipe;
mod process;
#[cfg(any(windows, test))]
mod shim;
#[cfg(unix)]
mod standstill;
mod status;
mod stdin;
mod supervisor;
#[cfg(unix)]
mod sweep;
#[cfg(unix)]
mod tree;
#[cfg(windows)]
mod windows;

pub use child::Child;
pub use config::{Ask, ChildConfig, Input, Lifetime, Output, Signal, StopLadder};
pub use descent::Descent;
#[cfg(windows)]
pub use guard_program::stand_guard;
pub use guard_program::{GuardProgram, NoGuard, stand_guard_if_asked};
#[cfg(unix)]
pub use guardian::stand_guard;
pub use output::{From, KeptOutput, Line, LineEnd, Lines, Piece, Stream, Subscription};
pub use pipe::ChildPipe;
pub use process::ProcessId;
pub use status::{Exit, Failure, SpawnError, Status};
pub use stdin::ChildStdin;
pub use supervisor::{Supervisor, SupervisorConfig};
