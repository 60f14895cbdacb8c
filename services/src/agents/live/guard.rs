//! What is done about settings that change while an agent runs that has loaded the trusted ones: it may load the others by itself, and
//! run what they name, at its end if not before. So they are watched, and looked at before it is asked to end.

use std::collections::BTreeSet;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::EventKind;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::super::agent::Command;
use super::super::trust::Places;
use super::Live;
use super::footing::Recheck;

/// How long a look may take before an agent is asked to end.
const LOOK: Duration = Duration::from_secs(2);

/// How often it is looked where not all can be watched. Claude Code loads what has not changed for a second.
const POLL: Duration = Duration::from_millis(500);

/// Looks at the settings of a folder until this is dropped.
#[derive(Debug)]
pub(super) struct Guard {
    recheck: Recheck,
    outdated: mpsc::Receiver<()>,
    bell: Arc<Bell>,
    task: JoinHandle<()>,
}

/// What a look is for.
#[derive(Debug, Default)]
struct Bell {
    /// What follows from a look just now.
    matters: AtomicU8,
    rung: Notify,
}

/// Which changes end an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matters {
    /// None: it is not there yet, or what it loads now is loaded for good.
    Nothing,
    /// Those of what it has loaded, and of what it takes over or runs by itself: it is at work.
    Settings,
    /// All.
    All,
}

impl Guard {
    /// For an agent that is being started.
    pub(super) fn begin(recheck: Recheck, pause: Duration) -> Guard {
        let (found, outdated) = mpsc::channel(1);
        let bell = Arc::new(Bell::default());
        let task = tokio::spawn(look(recheck.clone(), pause, Arc::clone(&bell), found));
        Guard { recheck, outdated, bell, task }
    }

    /// Which changes end the agent just now. Once more of them do, it is looked at what came before.
    pub(super) fn attend(&self, matters: Matters) {
        let before = self.bell.matters.swap(matters as u8, Ordering::Relaxed);
        if matters as u8 > before {
            self.bell.rung.notify_one();
        }
    }

    /// Asks the agent to end in order, where the settings are those that it was started for, and ends it at once else.
    pub(super) fn stop(&self, commands: mpsc::UnboundedSender<Command>) {
        let recheck = self.recheck.clone();
        tokio::spawn(async move {
            // Where nobody could look, nothing is trusted.
            let looking = timeout(LOOK, spawn_blocking(move || recheck.has_changed()));
            let is_outdated = looking.await.ok().and_then(Result::ok).unwrap_or(true);
            // It may be gone by itself.
            let _ = commands.send(if is_outdated { Command::Kill } else { Command::Stop });
        });
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends when the settings were seen to be others than those that the agent was started for.
pub(super) async fn outdated(guard: &mut Option<Guard>) {
    match guard {
        Some(guard) => match guard.outdated.recv().await {
            Some(()) => (),
            None => pending().await,
        },
        None => pending().await,
    }
}

impl Live {
    /// Other settings lie there than those that the agent was started for, and it may load them.
    pub(super) fn outdated(&mut self) {
        let holds_prompt = self.holds_prompt() && self.session.is_ready();
        self.return_held();
        match holds_prompt {
            true => self.session.start_anew(self.now()),
            false => self.session.outdated(self.now()),
        }
    }

    /// Waits for a look behind a turn that the agent has ended, while it is guarded as it is between turns.
    pub(super) async fn guarded<T>(&mut self, look: impl Future<Output = T> + Send) -> T {
        self.guard.iter().for_each(|guard| guard.attend(Matters::All));
        let mut look = pin!(look);
        loop {
            tokio::select! {
                biased;
                () = outdated(&mut self.guard) => {
                    self.session.outdated_behind();
                    self.settle().await;
                }
                looked = &mut look => return looked,
            }
        }
    }
}

async fn look(recheck: Recheck, pause: Duration, bell: Arc<Bell>, found: mpsc::Sender<()>) {
    let mut watch = None;
    loop {
        let (known, recheck, rung) = (watch.take(), recheck.clone(), Arc::clone(&bell));
        let looking = spawn_blocking(move || {
            let matters = rung.matters.load(Ordering::Relaxed);
            let is_heard = matters > Matters::Nothing as u8;
            // What comes behind the look is told by what watches by then.
            let watch = if known.is_some() && !is_heard { known } else { Watch::renewed(known, &recheck, &rung) };
            let is_outdated = match matters == Matters::All as u8 {
                true => recheck.has_changed(),
                false => recheck.takes_over(),
            };
            (is_heard && is_outdated, watch)
        });
        let Ok((is_outdated, watching)) = looking.await else { return };
        if is_outdated && found.send(()).await.is_err() {
            return;
        }
        let is_whole = watching.as_ref().is_some_and(|watch| watch.is_whole);
        watch = watching;
        match is_whole {
            true => bell.rung.notified().await,
            false => drop(timeout(POLL, bell.rung.notified()).await),
        }
        tokio::time::sleep(pause).await;
    }
}

/// What watches the places of the settings.
struct Watch {
    watcher: RecommendedWatcher,
    sieve: Arc<Mutex<Sieve>>,
    folders: BTreeSet<PathBuf>,
    is_whole: bool,
}

impl Watch {
    /// Watches the places as they are now. None where the system watches nothing.
    fn renewed(known: Option<Watch>, recheck: &Recheck, bell: &Arc<Bell>) -> Option<Watch> {
        let Places { mixed, own, linked, is_whole } = recheck.trust.places(&recheck.cwd, &recheck.provider);
        let folders: BTreeSet<PathBuf> = mixed.iter().chain(&own).cloned().collect();
        let sieve = Sieve { mixed, linked };
        let mut watch = match known {
            Some(watch) => {
                *watch.sieve.lock().unwrap_or_else(PoisonError::into_inner) = sieve;
                watch
            }
            None => {
                let (bell, sieve) = (Arc::clone(bell), Arc::new(Mutex::new(sieve)));
                let current = Arc::clone(&sieve);
                let tell = move |event| {
                    if current.lock().unwrap_or_else(PoisonError::into_inner).lets_through(&event) {
                        bell.rung.notify_one();
                    }
                };
                let watcher = RecommendedWatcher::new(tell, notify::Config::default()).ok()?;
                Watch { watcher, sieve, folders: BTreeSet::new(), is_whole }
            }
        };
        watch.is_whole = is_whole;
        for gone in watch.folders.difference(&folders) {
            // What is there no more is not watched by itself.
            let _ = watch.watcher.unwatch(gone);
        }
        for folder in &folders {
            // One that was watched may be another one by now.
            watch.is_whole &= watch.watcher.watch(folder, RecursiveMode::NonRecursive).is_ok();
        }
        watch.folders = folders;
        Some(watch)
    }
}

/// Tells changes of settings from what else happens.
#[derive(Debug)]
struct Sieve {
    /// Folders that hold other things, too: most of what happens there is none.
    mixed: BTreeSet<PathBuf>,
    /// Files that are settings whatever their name.
    linked: BTreeSet<PathBuf>,
}

impl Sieve {
    /// Whether settings may have changed.
    fn lets_through(&self, event: &notify::Result<notify::Event>) -> bool {
        let Ok(event) = event else { return true };
        match event.kind {
            EventKind::Access(_) => false,
            EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => {
                event.paths.is_empty()
                    || event.need_rescan()
                    || event.paths.iter().any(|path| self.may_be_a_setting(path))
            }
        }
    }

    fn may_be_a_setting(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_named_so = name.starts_with('.') || [".md", ".json", ".jsonc"].iter().any(|end| name.ends_with(end));
        let is_mixed = path.parent().is_some_and(|folder| self.mixed.contains(folder));
        !is_mixed || is_named_so || self.linked.contains(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_folder_that_holds_other_things_what_is_named_so_or_linked_to_may_be_a_setting() {
        let set = |path: &str| BTreeSet::from([PathBuf::from(path)]);
        let sieve = Sieve { mixed: set("/cwd"), linked: set("/cwd/shared") };
        let changed = |path: &str| Ok(notify::Event::new(EventKind::Any).add_path(path.into()));
        let through =
            ["/cwd/shared", "/cwd/.mcp.json", "/cwd/CLAUDE.md", "/cwd/.claude/x", "/cwd/main.rs", "/cwd/other"]
                .map(|path| sieve.lets_through(&changed(path)));
        assert_eq!(through, [true, true, true, true, false, false]);
    }
}
