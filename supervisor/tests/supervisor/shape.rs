//! The shapes that a child's tree takes. Each process of a shape writes its number to the file `pids` first.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sixframe_supervisor::{ChildConfig, Lifetime};

/// What a program does with processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// One process.
    Plain,
    /// A launcher that waits for the real one, as PyInstaller makes them.
    Launcher,
    /// One process that ignores the polite signals.
    TermProof,
    /// A child in a session of its own.
    Setsid,
    /// A double fork, after which the launcher ends.
    Daemon,
    /// A double fork, and the launcher stays.
    DaemonStays,
    /// A process that starts its successor in a session of its own and ends, again and again.
    Hop,
    /// Processes that start their successors and end, again and again, and heed the polite signals. Not among [`Shape::ALL`].
    Swarm,
    /// One process that takes its time when it is asked to end, until there is a file `go`. Not among [`Shape::ALL`].
    Careful,
    /// A process that leaves its session, its parents and its environment behind and, as soon as there is a file `go`, kills
    /// its guardian. Not among [`Shape::ALL`].
    Fugitive,
}

impl Shape {
    pub(crate) const ALL: [Shape; 7] =
        [Shape::Plain, Shape::Launcher, Shape::TermProof, Shape::Setsid, Shape::Daemon, Shape::DaemonStays, Shape::Hop];

    /// How many processes it has, after which it stays as it is; the one that hops is told by its heartbeat.
    pub(crate) fn processes(self) -> usize {
        match self {
            Shape::Plain | Shape::TermProof | Shape::Careful | Shape::Fugitive => 1,
            Shape::Hop | Shape::Daemon | Shape::Swarm => 1,
            Shape::Launcher | Shape::Setsid | Shape::DaemonStays => 2,
        }
    }

    /// The child of this shape. It writes below `folder`, and hops by a script that is put there.
    pub(crate) fn config(self, folder: &Path) -> ChildConfig {
        let stay = "echo $$ >> pids; while :; do sleep 1; done";
        let script = match self {
            Shape::Plain => stay.to_owned(),
            Shape::Launcher => format!("echo $$ >> pids; sh -c '{stay}' & wait"),
            Shape::TermProof => format!("trap '' TERM HUP INT; {stay}"),
            Shape::Setsid => format!("setsid sh -c '{stay}' & {stay}"),
            Shape::Daemon => format!("(setsid sh -c '{stay}' &)"),
            Shape::DaemonStays => format!("(setsid sh -c '{stay}' &); {stay}"),
            Shape::Careful => {
                let end = "echo > asked; while ! [ -e go ]; do sleep 0.01; done; echo > done; exit 0";
                // Whose outputs are gone with the host; a shell that tells that its `sleep` was ended would end by that.
                format!("exec >/dev/null 2>&1; trap '{end}' TERM; {stay}")
            }
            Shape::Fugitive => {
                let flee = "while ! [ -e go ]; do /bin/sleep 0.01; done; kill -9 '$PPID'; exec /bin/sleep 1000";
                format!("(setsid env -i /bin/sh -c 'echo $$ >> pids; {flee}' &); while :; do sleep 1; done")
            }
            Shape::Hop => {
                let hop = "trap '' TERM HUP INT\necho . >> heartbeat\nsleep 0.003\nsetsid sh ./hop &\n";
                std::fs::write(folder.join("hop"), hop).unwrap();
                "echo $$ >> pids; exec sh ./hop".to_owned()
            }
            Shape::Swarm => {
                std::fs::write(folder.join("hop"), "echo . >> heartbeat\nsetsid sh ./hop &\n").unwrap();
                format!("for at in 1 2 3 4 5 6 7 8 9 10 11 12; do sh ./hop & done; {stay}")
            }
        };
        let mut config = ChildConfig::new("sh");
        config.args = ["-c".into(), script.into()].into();
        config.cwd = Some(folder.to_owned());
        config.name = format!("{self:?}");
        if matches!(self, Shape::Daemon | Shape::Hop | Shape::Swarm) {
            config.lifetime = Lifetime::Tree;
        }
        config
    }
}
