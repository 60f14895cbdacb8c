//! The end of what is left without a guardian: found by what is known of it, by its mark, and by its parents.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::Duration;

use crate::mark::{Instance, VARIABLE};
use crate::process::{self, Process};
use crate::{ProcessId, orphans, tree};

/// Rounds after which what still comes back is left to itself, with the pause between them: the killed need a moment.
const ROUNDS: usize = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// Looks that find nobody before that is believed: one may miss what starts its successor and ends.
const VAIN: usize = 3;

/// What is looked for, with all that descends from it.
pub(crate) struct Sweep {
    /// Processes that are known to belong to it.
    pub(crate) known: HashSet<ProcessId>,
    /// The programs that began its sessions.
    pub(crate) leaders: Vec<ProcessId>,
    pub(crate) marked: Marked,
}

/// Who else belongs to it, by the mark.
pub(crate) enum Marked {
    /// Whoever carries that of this child; but where our orphans come to this process, only those of whom no parent shows that
    /// they did not: variables are copied.
    All(Instance, u64),
    /// Nobody, and of a session only those who carry that of this supervisor. What is known from a file alone may be true of
    /// another process by now, and variables are copied: a manager of services that was given ours gives them to all of its own.
    InSession(Instance),
}

/// What lives on, by its numbers, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Left(pub(crate) Vec<u32>);

/// Whom a look has found, and whether it could see everybody.
struct Look {
    found: Vec<ProcessId>,
    is_whole: bool,
}

/// What a process is to what is looked for.
enum Has {
    It,
    /// It carries the mark, which it may have copied.
    Perhaps,
    Not,
}

impl Sweep {
    /// Kills until some looks, one behind the other, see everybody and find nobody; how many there were. Errors: some cannot be
    /// killed, or looked for. Blocks for as long as they take to end.
    pub(crate) fn run(&self) -> Result<usize, Left> {
        self.run_for(ROUNDS)
    }

    /// The same where that has failed before, at little cost where it fails again.
    pub(crate) fn run_again(&mut self) -> Result<usize, Left> {
        let look = self.find();
        self.known.extend(look.found);
        if look.is_whole {
            // From here on they are known by themselves. The session's number may become a stranger's when they are gone.
            self.leaders.clear();
        }
        self.run_for(2 * VAIN)
    }

    fn run_for(&self, rounds: usize) -> Result<usize, Left> {
        let (mut killed, mut vain) = (0, 0);
        for _ in 0..rounds {
            let mut is_whole = true;
            let round = tree::end(|| {
                let look = self.find();
                is_whole &= look.is_whole;
                look.found
            });
            killed += round;
            vain = if round == 0 && is_whole { vain + 1 } else { 0 };
            if vain == VAIN {
                return Ok(killed);
            }
            std::thread::sleep(PAUSE);
        }
        Err(self.left())
    }

    fn left(&self) -> Left {
        let look = self.find();
        let mut left: Vec<u32> = look.found.iter().map(|id| id.pid).collect();
        if !look.is_whole {
            left.extend(self.known.iter().map(|id| id.pid).filter(|pid| orphans::is_taken(*pid)));
        }
        left.sort_unstable();
        left.dedup();
        Left(left)
    }

    fn find(&self) -> Look {
        let mut is_whole = true;
        // A session's number is nobody else's while somebody is in it; behind that, it may be a stranger's.
        let mut sessions = HashSet::new();
        for leader in &self.leaders {
            match process::look(leader.pid) {
                Ok(now) if now.is_none_or(|now| now.id == *leader) => drop(sessions.insert(leader.pid)),
                Ok(_) => (),
                Err(_) => is_whole = false,
            }
        }
        let (mut all, mut ours, mut marked) = (Vec::new(), HashSet::new(), Vec::new());
        let mut take = |process: Process| {
            orphans::reap_one(&process);
            // At once: it may be gone when all are known.
            match self.has(&process, &sessions) {
                Ok(Has::It) => drop(ours.insert(process.id)),
                Ok(Has::Perhaps) => marked.push(process),
                Ok(Has::Not) => (),
                Err(_) => is_whole = false,
            }
            all.push(process);
        };
        if process::each(&mut take).is_err() {
            // Those who are known can be ended all the same.
            self.known.iter().filter_map(|id| process::process(id.pid)).for_each(take);
            is_whole = false;
        }
        let by_number: HashMap<u32, Process> = all.iter().map(|process| (process.id.pid, *process)).collect();
        ours.extend(marked.into_iter().filter(|process| is_adrift(process, &by_number)).map(|process| process.id));
        let mut found = tree::closure(&all, |process| ours.contains(&process.id), true);
        if self.takes_orphans() {
            found.extend(orphans::hidden());
        }
        Look { found, is_whole }
    }

    /// Whether a process belongs to it by itself. Errors: there is no room to look at it.
    fn has(&self, process: &Process, sessions: &HashSet<u32>) -> io::Result<Has> {
        let is_in_session = sessions.contains(&process.session);
        let if_marked = |instance: &Instance, generation, has| {
            let value = process::variable(process.id.pid, VARIABLE)?;
            Ok(if value.is_some_and(|value| instance.is_in(&value, generation)) { has } else { Has::Not })
        };
        if self.known.contains(&process.id) {
            return Ok(Has::It);
        }
        match &self.marked {
            Marked::All(..) if is_in_session => Ok(Has::It),
            Marked::All(instance, generation) if self.takes_orphans() => match orphans::is_one(process) {
                true => Ok(Has::It),
                // What we start ourselves, but guardians, is not given the mark: such a child has come here, from wherever.
                false if orphans::is_child(process) => if_marked(instance, Some(*generation), Has::It),
                false => if_marked(instance, Some(*generation), Has::Perhaps),
            },
            Marked::All(instance, generation) => if_marked(instance, Some(*generation), Has::It),
            Marked::InSession(instance) if is_in_session => if_marked(instance, None, Has::It),
            Marked::InSession(_) => Ok(Has::Not),
        }
    }

    fn takes_orphans(&self) -> bool {
        matches!(self.marked, Marked::All(..)) && orphans::are_ours()
    }
}

/// Whether the parents of a process, among all that were seen, lead to one that has just ended and is about to hand it on to us.
/// Who is below one that came to us already is found by that one.
fn is_adrift(process: &Process, all: &HashMap<u32, Process>) -> bool {
    let mut parent = process.parent;
    for _ in 0..=all.len() {
        match all.get(&parent) {
            Some(above) if parent != std::process::id() => parent = above.parent,
            Some(_) => return false,
            None => return parent > 1 && !orphans::is_taken(parent),
        }
    }
    false
}
