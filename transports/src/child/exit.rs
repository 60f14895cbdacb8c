//! How a child ended: a task that waits for it, and what is told about it.

use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::json;
use sixframe_core::TransportError;
use tokio::process::{Child, ChildStderr};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep, timeout};

use super::stderr::StderrTail;

/// Time for what an exited child left in its pipes, when somebody else keeps them open.
const DRAIN: Duration = Duration::from_millis(100);

/// Time for a child that closed its output to exit.
const LINGER: Duration = Duration::from_secs(1);

/// Lines of stderr in an error's message and in its details.
const MESSAGE_LINES: usize = 5;
const DETAIL_LINES: usize = 100;

/// Waits for a child. Dropping it kills the child's process group.
pub(super) struct Watch {
    name: String,
    pid: Option<u32>,
    exited: oneshot::Receiver<Option<ExitStatus>>,
    status: Option<Option<ExitStatus>>,
    patience: Option<Pin<Box<Sleep>>>,
    task: JoinHandle<()>,
}

/// How a child ended.
pub(super) struct Exit {
    name: String,
    how: How,
}

enum How {
    Exited(ExitStatus),
    Lost,
    ClosedOutput,
}

impl Watch {
    pub(super) fn start(name: String, mut child: Child, stderr: ChildStderr, tail: Arc<StderrTail>) -> Watch {
        let pid = child.id();
        let (sender, exited) = oneshot::channel();
        let task = tokio::spawn(async move {
            let waiting = std::pin::pin!(child.wait());
            let collecting = std::pin::pin!(tail.collect(stderr));
            let status = match select(waiting, collecting).await {
                Either::Right(((), waiting)) => waiting.await,
                Either::Left((status, collecting)) => {
                    let _ = timeout(DRAIN, collecting).await;
                    status
                }
            };
            let _ = sender.send(status.ok());
        });
        Watch { name, pid, exited, status: None, patience: None, task }
    }

    /// Ready when nothing more is to be expected: the child exited and its output ended or stayed silent for a moment, or it
    /// closed its output and goes on without us.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, output_ended: bool) -> Poll<Exit> {
        if self.status.is_none()
            && let Poll::Ready(status) = Pin::new(&mut self.exited).poll(cx)
        {
            self.status = Some(status.ok().flatten());
            self.patience = None;
        }
        let (wait, how) = match self.status {
            Some(status) if output_ended => return Poll::Ready(self.exit(status.map_or(How::Lost, How::Exited))),
            Some(status) => (DRAIN, status.map_or(How::Lost, How::Exited)),
            None if output_ended => (LINGER, How::ClosedOutput),
            None => return Poll::Pending,
        };
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(wait)));
        ready!(patience.as_mut().poll(cx));
        Poll::Ready(self.exit(how))
    }

    fn exit(&mut self, how: How) -> Exit {
        self.kill_group();
        Exit { name: self.name.clone(), how }
    }

    /// Once only: later the number may be another group's.
    fn kill_group(&mut self) {
        let Some(pid) = self.pid.take() else { return };
        #[cfg(unix)]
        if let Some(group) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        #[cfg(not(unix))]
        let _ = pid;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.kill_group();
        self.task.abort();
    }
}

impl Exit {
    pub(super) fn success(&self) -> bool {
        matches!(self.how, How::Exited(status) if status.success())
    }

    pub(super) fn error(&self, stderr: &StderrTail) -> TransportError {
        let lines = stderr.lines();
        let mut message = format!("{} {}", self.name, self.how);
        let last = &lines[lines.len().saturating_sub(MESSAGE_LINES)..];
        if !last.is_empty() {
            message = format!("{message}; its last words: {}", last.join(" | "));
        }
        let (code, signal) = self.how.numbers();
        let details = json!({
            "exit": {"code": code, "signal": signal},
            "stderr": &lines[lines.len().saturating_sub(DETAIL_LINES)..],
        });
        TransportError::new(message, None).with_details(details)
    }
}

impl How {
    fn numbers(&self) -> (Option<i32>, Option<i32>) {
        match self {
            #[cfg(unix)]
            How::Exited(status) => (status.code(), std::os::unix::process::ExitStatusExt::signal(status)),
            #[cfg(not(unix))]
            How::Exited(status) => (status.code(), None),
            How::Lost | How::ClosedOutput => (None, None),
        }
    }
}

impl std::fmt::Display for How {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self, self.numbers()) {
            (How::Exited(_), (Some(code), _)) => write!(f, "exited with status {code}"),
            (How::Exited(_), (None, Some(signal))) => write!(f, "was ended by signal {signal}"),
            (How::Exited(_) | How::Lost, _) => f.write_str("ended in a way that the system does not tell"),
            (How::ClosedOutput, _) => f.write_str("closed its output without exiting"),
        }
    }
}
