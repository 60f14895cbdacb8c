//! Until a run is ready. It may take any time within its limit; nothing here ends it for being slow.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;
use sixframe_supervisor::{Child, From, Line, Stream};
use tokio::time::{Instant, sleep};

use crate::sidecars::api::Holder;
use crate::sidecars::check;
use crate::sidecars::config::{LogStreams, Ready, ReadyKind};
use crate::sidecars::listener::RunPort;
use crate::sidecars::portion::Portion;
use crate::sidecars::probe::{Probe, Seen};

/// How often a listener is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// What the time between two questions grows up to while the answers are bad.
const SLOWEST: Duration = Duration::from_millis(250);

/// How long somebody else may listen before that is believed: what is looked at is looked at piece by piece.
const BELIEF: Duration = Duration::from_millis(250);

/// Somebody else listens.
pub(super) struct Foreign {
    pub(super) port: u16,
    pub(super) holder: Option<Holder>,
}

/// What a run was last seen to do, in words behind its name.
#[derive(Default)]
pub(super) enum Last {
    /// Its program has not begun.
    #[default]
    NotBegun,
    /// It does this.
    Seen(String),
    /// It is not known by who is to vouch, for this reason, which more time does not mend.
    Unasked(String),
    /// Nobody could look, for this reason.
    Unseen(String),
    /// Somebody else listens, or nobody who has shown that it is the one.
    Foreign(Foreign),
}

/// The same while it changes.
#[derive(Default)]
pub(super) struct LastSeen(Mutex<Last>);

impl LastSeen {
    fn is(&self, what: String) {
        self.set(Last::Seen(what));
    }

    fn set(&self, last: Last) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    pub(super) fn take(&self) -> Last {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Waits until the run is ready. Errors: somebody else listens where it should.
pub(super) async fn ready(
    ready: &Ready,
    probe: Option<&Probe>,
    child: &Arc<Child>,
    port: &RunPort,
    longest: Duration,
    last: &LastSeen,
) -> Result<(), Foreign> {
    last.is("has just begun".to_owned());
    match ready.kind {
        ReadyKind::Started => Ok(()),
        ReadyKind::Line => {
            last.is(format!("has written no line with {:?}", ready.pattern.as_deref().unwrap_or_default()));
            line(ready, child).await;
            Ok(())
        }
        ReadyKind::Handshake => {
            last.is("has written no handshake, a line of JSON with its port, on standard output".to_owned());
            port.set(handshake(child).await);
            listening(&Probe::Tcp, child, port, longest, last).await
        }
        ReadyKind::Http | ReadyKind::Tcp | ReadyKind::Exec => match probe {
            Some(probe) => listening(probe, child, port, longest, last).await,
            None => Ok(()),
        },
    }
}

/// Looks until what is seen is good.
async fn listening(
    probe: &Probe,
    child: &Arc<Child>,
    port: &RunPort,
    longest: Duration,
    last: &LastSeen,
) -> Result<(), Foreign> {
    let mut wait = LOOK;
    let (mut foreign_since, mut has_answered) = (None, false);
    let at = || format!("on port {} of 127.0.0.1", port.get().unwrap_or_default());
    let foreign = |holder| Foreign { port: port.get().unwrap_or_default(), holder };
    loop {
        let listens = |is_ours| match is_ours {
            _ if has_answered => {}
            true => last.is(format!("listens {} and has not answered yet", at())),
            false => last.set(Last::Foreign(foreign(None))),
        };
        match probe.look(port, child, longest, listens).await {
            Seen::Good => return Ok(()),
            Seen::Nobody => {
                last.is(format!("does not listen {}", at()));
                (wait, foreign_since) = (LOOK, None);
            }
            Seen::Foreign(holder) => {
                if foreign_since.get_or_insert_with(Instant::now).elapsed() >= BELIEF {
                    return Err(foreign(holder));
                }
                last.set(Last::Foreign(foreign(holder)));
                wait = LOOK;
            }
            Seen::Unshown(why) => {
                last.set(if has_answered { Last::Seen(why) } else { Last::Foreign(foreign(None)) });
                (wait, foreign_since) = ((wait * 2).min(SLOWEST), None);
            }
            Seen::Bad(why) => {
                last.is(why);
                has_answered = true;
                wait = (wait * 2).min(SLOWEST);
            }
            Seen::Unasked(why) => {
                last.set(Last::Unasked(why));
                wait = (wait * 2).min(SLOWEST);
            }
            Seen::Unknown(why) => {
                last.set(Last::Unseen(why));
                (wait, foreign_since) = ((wait * 2).min(SLOWEST), None);
            }
        }
        sleep(wait).await;
    }
}

/// Waits for a line. A run that ends without it is told of elsewhere.
async fn line(ready: &Ready, child: &Arc<Child>) {
    let pattern = Pattern::new(ready.pattern.as_deref().unwrap_or_default());
    let of = |stream| {
        let mut lines = child.output(stream).subscribe(From::Start).lines();
        let pattern = &pattern;
        async move {
            let mut portion = Portion::default();
            while let Some(line) = lines.next().await {
                let Line::Text { text, .. } = line else { continue };
                if pattern.is_in(&text) {
                    return;
                }
                portion.passed(text.len()).await;
            }
            std::future::pending().await
        }
    };
    match ready.stream {
        LogStreams::Stdout => of(Stream::Stdout).await,
        LogStreams::Stderr => of(Stream::Stderr).await,
        LogStreams::Both => tokio::select! {
            () = of(Stream::Stdout) => (),
            () = of(Stream::Stderr) => (),
        },
    }
}

/// What a line must have.
enum Pattern {
    Part(String),
    Expression(Regex),
}

impl Pattern {
    fn new(pattern: &str) -> Pattern {
        match check::expression(pattern) {
            Some(Ok(expression)) => Pattern::Expression(expression),
            Some(Err(_)) | None => Pattern::Part(pattern.to_owned()),
        }
    }

    fn is_in(&self, text: &str) -> bool {
        match self {
            Pattern::Part(part) => text.contains(part.as_str()),
            Pattern::Expression(expression) => expression.is_match(text),
        }
    }
}

#[derive(Deserialize)]
struct Handshake {
    port: std::num::NonZeroU16,
}

/// The port of the first line that is a handshake; other lines before it are passed over.
async fn handshake(child: &Arc<Child>) -> u16 {
    let mut lines = child.output(Stream::Stdout).subscribe(From::Start).lines();
    let mut portion = Portion::default();
    while let Some(line) = lines.next().await {
        let Line::Text { text, .. } = line else { continue };
        if let Some(port) = port_in(&text) {
            return port;
        }
        portion.passed(text.len()).await;
    }
    std::future::pending().await
}

/// The port of a line that is a handshake: an object. What is read into a struct could be a list as well.
fn port_in(text: &str) -> Option<u16> {
    let text = text.trim_start();
    let handshake = text.starts_with('{').then(|| serde_json::from_str::<Handshake>(text).ok()).flatten();
    handshake.map(|handshake| handshake.port.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_part_of_the_line_or_an_expression_between_slashes() {
        assert!(Pattern::new("up (1)").is_in("now up (1)."));
        assert!(Pattern::new("/^up on \\d+$/").is_in("up on 80"));
        assert!(!Pattern::new("/^up$/").is_in("now up"));
        assert!(Pattern::new("/").is_in("a/b"));
    }

    #[test]
    fn a_handshake_is_an_object_with_a_port() {
        assert_eq!(port_in(" {\"port\": 80, \"pid\": 3}"), Some(80));
        let others =
            ["{}", "{\"port\": 0}", "{\"port\": \"80\"}", "80", "port", "[1]", " [80]", "[{\"port\": 80}]", ""];
        assert!(others.iter().all(|text| port_in(text).is_none()));
    }
}
