//! Writing down what happens, then telling and showing it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use sixframe_hub::{Json, OutboundChannel};
use tokio::task::spawn_blocking;

use super::super::event::{Envelope, Event};
use super::super::log::{Log, read};
use super::super::problem::{Problem, ProblemKind};
use super::super::sessions::ends;
use super::Live;

impl Live {
    pub(super) async fn write(&mut self, events: Vec<Envelope>) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let lost = || io::Error::other("the log is lost");
        let (mut log, secrets) = (self.log.take().ok_or_else(lost)?, Arc::clone(&self.surroundings.secrets));
        let writing = spawn_blocking(move || {
            let lines = log.append(&events, &secrets);
            (log, events, lines)
        });
        let (log, events, lines) = writing.await.map_err(io::Error::other)?;
        self.log = Some(log);
        self.wrote(&events, &lines?);
        Ok(())
    }

    /// Shows and tells what stands in the log now.
    pub(super) fn wrote(&mut self, events: &[Envelope], lines: &[String]) {
        let Some(written) = self.log.as_ref().map(Log::written).filter(|_| !events.is_empty()) else { return };
        // Before it is told: what is asked for can be answered by then.
        if events.iter().any(|envelope| !matches!(envelope.event, Event::ItemDelta(_))) {
            self.show();
        }
        self.written.send_replace(written);
        tell(&self.surroundings.events, events, lines);
        if events.iter().any(|envelope| matches!(envelope.event, Event::TurnEnded(_) | Event::SessionClosed(_))) {
            self.surroundings.archive.ended(&events[0].session_id, written.bytes);
        }
    }

    /// What could not be written is lost. That it is, and the end of what was open, may still find room; else those who follow
    /// the log are told, and whoever opens it again ends what was open.
    pub(super) async fn end_log(&mut self, error: &io::Error) {
        let (log, secrets, now) = (self.log.take(), Arc::clone(&self.surroundings.secrets), self.now());
        let (why, problem) = (error.kind(), unwritten(error));
        let ending = spawn_blocking(move || {
            let mut log = log.ok_or_else(|| io::Error::other("the log is lost"))?;
            let nothing = || io::Error::other("the log tells of no session");
            let mut remembered = read(log.path())?.ok_or_else(nothing)?;
            let is_in_turn = remembered.turn.is_some();
            let mut ends = ends(&mut remembered, now, &problem);
            if !is_in_turn {
                ends.extend(remembered.tell(now, Event::Error(problem), None, None));
            }
            let lines = log.append(&ends, &secrets)?;
            Ok::<_, io::Error>((log, ends, lines))
        });
        match ending.await.map_err(io::Error::other).flatten() {
            Ok((log, ends, lines)) => {
                let written = log.written();
                self.log = Some(log);
                self.written.send_replace(written);
                tell(&self.surroundings.events, &ends, &lines);
                self.surroundings.archive.ended(&self.view.borrow().session_id, written.bytes);
            }
            Err(_) => self.written.send_modify(|written| written.lost = Some(why)),
        }
    }

    /// Shows the session as it is, without secrets.
    pub(super) fn show(&mut self) {
        self.share.set(self.session.held());
        let view = self.session.view();
        let place = format!("/{}", view.session_id);
        let text = view.shown(&self.surroundings.secrets);
        match text.and_then(|text| serde_json::from_str::<Json>(&text)) {
            Ok(json) => {
                let shown = self.surroundings.views.commit(|write| write.set(&place, json));
                if let Err(error) = shown {
                    tracing::error!(%error, "a session cannot be shown");
                    // Whom nobody sees, nobody answers.
                    self.session.unshown(self.now(), &error.to_string());
                }
            }
            Err(error) => tracing::error!(%error, "a session cannot be written as JSON"),
        }
        self.view.send_replace(view);
    }

    pub(super) fn path(&self) -> &Path {
        self.log.as_ref().map_or(Path::new(""), Log::path)
    }
}

fn unwritten(error: &io::Error) -> Problem {
    let text = format!("the session's log cannot be written, and what happened last is not in it: {error}");
    Problem::new(ProblemKind::Unknown, text).hint("make room on the disk of agent.dir, and open the session again")
}

/// Tells events to those who listen to all sessions.
pub(in super::super) fn tell(listeners: &OutboundChannel, events: &[Envelope], lines: &[String]) {
    for (envelope, line) in events.iter().zip(lines) {
        let told = serde_json::from_str::<Json>(line);
        let told = told.and_then(|json| listeners.emit(envelope.event.name(), json));
        told.inspect_err(|error| tracing::error!(%error, "an event cannot be told")).ok();
    }
}
