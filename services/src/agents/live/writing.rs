//! Writing down what happens, then telling and showing it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use sixframe_hub::{Json, OutboundChannel};
use tokio::task::spawn_blocking;

use super::super::event::{Envelope, Event};
use super::super::log::Log;
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
        let written = log.written();
        self.log = Some(log);
        let lines = lines?;
        // Before it is told: what is asked for can be answered by then.
        if events.iter().any(|envelope| !matches!(envelope.event, Event::ItemDelta(_))) {
            self.show();
        }
        self.written.send_replace(written);
        tell(&self.surroundings.events, &events, &lines);
        if events.iter().any(|envelope| matches!(envelope.event, Event::TurnEnded(_) | Event::SessionClosed(_))) {
            self.surroundings.archive.ended(&events[0].session_id, written.bytes);
        }
        Ok(())
    }

    /// Shows the session as it is, without secrets.
    pub(super) fn show(&mut self) {
        let view = self.session.view();
        let place = format!("/{}", view.session_id);
        let text = serde_json::to_string(&view).map(|text| self.surroundings.secrets.redacted(&text).into_owned());
        match text.and_then(|text| serde_json::from_str::<Json>(&text)) {
            Ok(json) => {
                let shown = self.surroundings.views.commit(|write| write.set(&place, json));
                shown.inspect_err(|error| tracing::error!(%error, "a session cannot be shown")).ok();
            }
            Err(error) => tracing::error!(%error, "a session cannot be written as JSON"),
        }
        self.view.send_replace(view);
    }

    pub(super) fn path(&self) -> &Path {
        self.log.as_ref().map_or(Path::new(""), Log::path)
    }
}

/// Tells events to those who listen to all sessions.
pub(in super::super) fn tell(listeners: &OutboundChannel, events: &[Envelope], lines: &[String]) {
    for (envelope, line) in events.iter().zip(lines) {
        let told = serde_json::from_str::<Json>(line);
        let told = told.and_then(|json| listeners.emit(envelope.event.name(), json));
        told.inspect_err(|error| tracing::error!(%error, "an event cannot be told")).ok();
    }
}
