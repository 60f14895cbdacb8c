//! Why a run came to nothing, in words that say what to change.

use sixframe_supervisor::Stream;

use super::failure;
use super::ready::{Foreign, Last};
use super::run::Run;
use super::secrets::without_secrets;
use crate::sidecars::api::{Failure, FailureCode, FailureDetails, Holder, RunExit};
use crate::sidecars::config::Ready;
use crate::sidecars::restart::Ended;

/// How many of its last lines a failure tells.
const LAST_LINES: usize = 20;

/// Why nothing may be started beside what is left of it.
pub(super) fn left(
    run: &Run,
    ended: &Result<sixframe_supervisor::Exit, sixframe_supervisor::Failure>,
) -> Option<Failure> {
    let Err(sixframe_supervisor::Failure::Left { pids, .. }) = ended else { return None };
    let name = &run.config.name;
    let list = pids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let message = match pids.as_slice() {
        [] => format!("whether processes of {name} live on cannot be seen; look for them, then start it again"),
        [_] => {
            format!("the process {list} of {name} cannot be ended; end it, as root if need be, then start {name} again")
        }
        [..] => {
            format!(
                "the processes {list} of {name} cannot be ended; end them, as root if need be, then start {name} again"
            )
        }
    };
    Some(failure(FailureCode::Left, message).with(details(run, None)))
}

/// The last that it wrote on both outputs.
pub(super) fn last_lines(run: &Run) -> Vec<String> {
    [Stream::Stderr, Stream::Stdout].map(|stream| run.child.output(stream).last_lines(LAST_LINES)).concat()
}

/// Why it has ended, with the line in which it says that an address is in use.
pub(super) fn in_words(run: &Run, exited: Failure, line: &str, is_its_port: bool) -> Failure {
    let line = without_secrets(&run.config, run.port.get(), line.trim().to_owned());
    let message = format!("{}; it says that an address is in use: {line}", exited.message);
    let code = if is_its_port { FailureCode::PortInUse } else { exited.code };
    Failure { code, message, ..exited }
}

pub(super) fn exited(
    run: &Run,
    ended: Result<sixframe_supervisor::Exit, sixframe_supervisor::Failure>,
    when: &str,
) -> (Ended, Failure) {
    let name = &run.config.name;
    match ended {
        Ok(exit) => {
            let how = if exit.is_success() { Ended::Well } else { Ended::Badly };
            let message = format!("{name} {exit}{when}; sidecar.logs shows what it wrote");
            (how, failure(FailureCode::Exited, message).with(details(run, Some(exit.into()))))
        }
        Err(error) => (Ended::Badly, failure(FailureCode::Host, format!("{name} has ended: {error}"))),
    }
}

/// Its time is over. Where this daemon did not see to the last what it does, that is no fault of its own.
pub(super) fn too_slow(run: &Run, readiness: &Ready, last: Last) -> Failure {
    let (name, longest) = (&run.config.name, readiness.timeout_ms);
    let known = |why| without_secrets(&run.config, run.port.get(), why);
    match last {
        Last::Seen(why) => {
            let why = known(why);
            let message = format!(
                "{name} was not ready within {longest} ms: it {why}; if it needs longer, raise ready.timeout_ms"
            );
            failure(FailureCode::StartTimeout, message).with(details(run, None))
        }
        Last::Unasked(why) => {
            let message = format!("{name} was not ready within {longest} ms: it {}", known(why));
            failure(FailureCode::StartTimeout, message).with(details(run, None))
        }
        Last::Unseen(why) => {
            let message = format!("whether {name} was ready within {longest} ms is not known: it {}", known(why));
            failure(FailureCode::Host, message).with(details(run, None))
        }
        Last::Foreign(foreign) => not_ours(run, foreign),
        Last::NotBegun => {
            let message = format!("{name} was still being started after {longest} ms; the machine has too much to do");
            failure(FailureCode::Host, message)
        }
    }
}

pub(super) fn not_ours(run: &Run, Foreign { port, holder }: Foreign) -> Failure {
    let name = &run.config.name;
    let who = match &holder {
        Some(Holder { program, pid }) => {
            format!("{program} (process {pid}) listens on port {port}, and it was not started by {name}")
        }
        None => format!(
            "a program that the system does not tell listens on port {port}, and nothing shows that {name} started it, as \
             its SIXFRAME_NONCE in an answer to ready.kind = \"http\" would"
        ),
    };
    let message = format!(
        "{who}; stop it, or choose another port; where {name} has its work done by a service of the system, use ready.kind \
         = \"exec\" or \"line\""
    );
    failure(FailureCode::NotOurs, message).with(FailureDetails { holder, ..details(run, None) })
}

pub(super) fn details(run: &Run, exit: Option<RunExit>) -> FailureDetails {
    let stderr = run.child.output(Stream::Stderr).last_lines(LAST_LINES);
    let stderr = stderr.into_iter().map(|line| without_secrets(&run.config, run.port.get(), line)).collect();
    FailureDetails { exit, stderr, ..FailureDetails::default() }
}
