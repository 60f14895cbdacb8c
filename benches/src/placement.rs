//! Which processors the two ends of a contender run on.
//!
//! Children inherit the processor of the parent, so the parent moves before it starts one. Only Linux lets it.

use anyhow::{Result, bail};

/// Where server and client run.
#[derive(Clone, Copy, PartialEq)]
pub enum Placement {
    /// On one processor: the sum of the work of both ends, hardly disturbed by wake-ups between processors.
    Together,
    /// Each on its own.
    Apart,
    /// Wherever the scheduler puts them, which on small machines changes from sample to sample.
    Free,
}

impl std::str::FromStr for Placement {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "together" => Self::Together,
            "apart" => Self::Apart,
            "free" => Self::Free,
            _ => bail!("no placement {name:?}: write together, apart or free"),
        })
    }
}

impl Placement {
    /// For the head of the table.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Together => "on one processor",
            Self::Apart => "on two processors",
            Self::Free => "wherever the scheduler puts them",
        }
    }

    /// Moves this process to where a server belongs.
    pub fn before_server(self) -> Result<()> {
        self.pin(0)
    }

    /// Moves this process to where a client belongs.
    pub fn before_client(self) -> Result<()> {
        self.pin(usize::from(self == Self::Apart))
    }

    #[cfg(target_os = "linux")]
    fn pin(self, place: usize) -> Result<()> {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        use std::sync::OnceLock;

        static ALLOWED: OnceLock<CpuSet> = OnceLock::new();
        let allowed = match ALLOWED.get() {
            Some(allowed) => *allowed,
            None => *ALLOWED.get_or_init({
                let now = sched_getaffinity(None)?;
                move || now
            }),
        };
        if self == Self::Free {
            return Ok(());
        }
        // From the last one down: the first serves most interrupts.
        let Some(core) = (0..CpuSet::MAX_CPU).rev().filter(|&core| allowed.is_set(core)).nth(place) else {
            bail!("there are not enough processors for this placement: write --placement together");
        };
        let mut only = CpuSet::new();
        only.set(core);
        Ok(sched_setaffinity(None, &only)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn pin(self, _: usize) -> Result<()> {
        Ok(())
    }
}
