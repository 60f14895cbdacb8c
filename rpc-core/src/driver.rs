//! The driver: one task a connection that moves messages between a transport and the session, runs handlers, keeps the
//! time and reconnects. It reads however busy the writer is, and never awaits one inside the other.

mod handlers;
mod link;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use futures_util::StreamExt;
use tokio::time::Sleep;

use crate::config::Config;
use crate::context::Parts;
use crate::endpoint::RpcEndpoint;
use crate::frame;
use crate::service::Service;
use crate::session::{Event, Millis, millis};
use crate::shared::Shared;
use crate::tap::Direction;
use crate::{Closed, Message, Transport, TransportError};
use handlers::Handlers;
pub use link::{Link, Linked};

/// Bytes read before the writer has its turn.
const READ_TURN: usize = 64 << 10;

/// How long a connection keeps the memory of a busier time after its last call.
const IDLE_MS: Millis = 1000;

/// Turns before the task yields to others of its thread.
const TURNS: usize = 64;

/// Connects an endpoint to a transport, with the defaults. Nothing runs until the driver is polled or spawned.
pub fn connect<T: Transport>(transport: T, service: impl Into<Arc<dyn Service>>) -> (RpcEndpoint, Driver<T>) {
    connect_with(Config::default(), transport, service)
}

/// Connects an endpoint to a transport.
pub fn connect_with<T: Transport>(
    config: Config,
    transport: T,
    service: impl Into<Arc<dyn Service>>,
) -> (RpcEndpoint, Driver<T>) {
    start(config, Link::over(transport), service.into(), false)
}

/// Connects an endpoint by a connector, which is asked again after every break: calls that have not left wait for the
/// next connection, resumable streams go on (spec: `resume.4`).
pub fn reconnecting<C: crate::Connector>(
    config: Config,
    connector: C,
    service: impl Into<Arc<dyn Service>>,
) -> (RpcEndpoint, Driver<C::Transport>) {
    let backoff = config.backoff;
    start(config, Link::by(connector, backoff), service.into(), true)
}

fn start<T: Transport>(
    config: Config,
    link: Link<T>,
    service: Arc<dyn Service>,
    reconnects: bool,
) -> (RpcEndpoint, Driver<T>) {
    let shared = Shared::new(config, reconnects);
    let driver = Driver {
        shared: shared.clone(),
        link,
        handlers: Handlers::new(service),
        timer: None,
        heard: 0,
        asked: false,
        busy: 0,
        unflushed: false,
        done: false,
    };
    (RpcEndpoint::of(shared), driver)
}

/// Runs a connection. A future that completes when the connection has ended for good, with the reason.
///
/// Dropping it closes the transport at once, drops every handler and settles every call, as a lost connection does.
#[must_use = "nothing runs until the driver is polled or spawned"]
pub struct Driver<T: Transport> {
    shared: Arc<Shared>,
    link: Link<T>,
    handlers: Handlers,
    timer: Option<(Millis, Pin<Box<Sleep>>)>,
    /// When the peer was last heard, where there is a heartbeat.
    heard: Millis,
    /// Whether it was asked for a sign of life since.
    asked: bool,
    /// When there was something to do last.
    busy: Millis,
    unflushed: bool,
    done: bool,
}

impl<T: Transport> Future for Driver<T> {
    type Output = Arc<Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        drop(this.shared.begin_look(cx));
        for _ in 0..TURNS {
            match this.poll_link(cx) {
                Poll::Ready(Ok(())) => (),
                Poll::Ready(Err(closed)) => return Poll::Ready(this.end(closed)),
                Poll::Pending => {
                    ready!(this.poll_disconnected(cx));
                    continue;
                }
            }
            match this.poll_connected(cx) {
                Ok(Progress::Made) => (),
                Ok(Progress::Idle) => {
                    this.shared.drive(|session| session.release_little());
                    this.handlers.release_memory();
                    return Poll::Pending;
                }
                Err(End::Lost(closed)) => this.lose(closed),
                Err(End::Closed(closed)) => {
                    this.say_close(cx);
                    this.release(true);
                    return Poll::Ready(this.end(closed));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

enum Progress {
    Made,
    Idle,
}

enum End {
    /// The connection broke, or its peer ended it.
    Lost(Closed),
    /// This side closed it.
    Closed(Closed),
}

impl<T: Transport> Driver<T> {
    /// One turn of everything: read, run handlers, write, look at the time.
    fn poll_connected(&mut self, cx: &mut TaskContext<'_>) -> Result<Progress, End> {
        let now = self.shared.now();
        let read = self.poll_read(cx, now)?;
        let ran = self.handlers.poll(cx);
        let full = self.poll_write(cx, now)?;
        let late = self.poll_time(cx)?;
        let handled = self.handle_events()?;
        let more = !full && self.shared.drive(|session| session.has_messages());
        if ran || handled || more {
            self.busy = now;
        }
        Ok(if read || ran || late || handled || more { Progress::Made } else { Progress::Idle })
    }

    /// Reads a turn's worth; true when there may be more.
    fn poll_read(&mut self, cx: &mut TaskContext<'_>, now: Millis) -> Result<bool, End> {
        let mut budget = READ_TURN;
        let more = loop {
            let Some(transport) = self.link.transport() else { break false };
            match transport.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(message))) => {
                    budget = budget.saturating_sub(message.len() + 1);
                    self.busy = now;
                    self.link.is_stable();
                    self.receive(&message, now)?;
                }
                Poll::Ready(Some(Err(error))) => self.receive_error(&error)?,
                Poll::Ready(None) => {
                    self.link.ended_cleanly();
                    return Err(End::Lost(Closed::new("the peer closed the connection")));
                }
                Poll::Pending => break false,
            }
            if budget == 0 {
                break true;
            }
        };
        self.handlers.wake_all();
        Ok(more)
    }

    fn receive(&mut self, message: &Message, now: Millis) -> Result<(), End> {
        if let Some(tap) = &self.shared.config.on_frame {
            tap.see(Direction::Received, message);
        }
        if self.shared.config.heartbeat.is_some() {
            (self.heard, self.asked) = (now, false);
        }
        let limits = self.shared.limits();
        let decoded = if message.len() > limits.message_bytes {
            Err(frame::peek_oversized(message))
        } else if self.shared.config.trusted {
            frame::decode_trusted(message, limits.depth).map(|frame| (frame, true))
        } else {
            frame::decode_lazily(message, limits.depth)
        };
        let events = self.handlers.events();
        let any = self.shared.drive(|session| {
            match &decoded {
                Ok((frame, checked)) => session.receive_as(now, message, frame, *checked),
                Err(malformed) => session.receive_malformed(now, malformed),
            }
            let any = session.has_events();
            if any {
                session.swap_events(events);
            }
            any
        });
        if let Err(malformed) = decoded {
            tracing::debug!(reason = %malformed.reason, "malformed message");
        }
        if any { self.run_events(now) } else { Ok(()) }
    }

    fn receive_error(&mut self, error: &TransportError) -> Result<(), End> {
        let Some((head, _)) = error.as_oversized() else {
            return Err(End::Lost(Closed::from(error)));
        };
        let malformed = frame::peek_oversized(head);
        let now = self.shared.now();
        self.shared.drive(|session| session.receive_malformed(now, &malformed));
        self.handle_events().map(drop)
    }

    /// Carries out what the session asks for; true when it asked for anything.
    fn handle_events(&mut self) -> Result<bool, End> {
        let events = self.handlers.events();
        let any = self.shared.drive(|session| {
            session.swap_events(events);
            !events.is_empty()
        });
        if any {
            let now = self.shared.now();
            self.run_events(now)?;
            self.handlers.wake_all();
        }
        Ok(any)
    }

    fn run_events(&mut self, now: Millis) -> Result<(), End> {
        while let Some(event) = self.handlers.events().pop_front() {
            match event {
                Event::Request(incoming) => self.handlers.start(&self.shared, incoming, now),
                Event::Wake(waker) => self.handlers.wake_later(waker),
                Event::Stopped(_, parts) => stop(parts),
                Event::Close(closed) => {
                    tracing::warn!(reason = %closed, "closing the connection");
                    return Err(End::Lost(closed));
                }
            }
        }
        Ok(())
    }

    /// Hands messages over until there are none or the transport takes no more; true when it does not.
    fn poll_write(&mut self, cx: &mut TaskContext<'_>, now: Millis) -> Result<bool, End> {
        let Some(transport) = self.link.transport() else { return Ok(false) };
        let lost = |error: TransportError| End::Lost(Closed::from(&error));
        let full = loop {
            match Pin::new(&mut *transport).poll_ready(cx) {
                Poll::Ready(ready) => ready.map_err(lost)?,
                Poll::Pending => break true,
            }
            let Some(message) = self.shared.drive(|session| session.poll_message(now)) else { break false };
            if let Some(tap) = &self.shared.config.on_frame {
                tap.see(Direction::Sent, &message);
            }
            Pin::new(&mut *transport).start_send(message).map_err(lost)?;
            self.unflushed = true;
        };
        if self.unflushed {
            match Pin::new(transport).poll_flush(cx) {
                Poll::Ready(flushed) => {
                    flushed.map_err(lost)?;
                    self.unflushed = false;
                }
                Poll::Pending => (),
            }
        }
        Ok(full)
    }

    /// Arms the one timer; true when something was due.
    fn poll_time(&mut self, cx: &mut TaskContext<'_>) -> Result<bool, End> {
        let look = self.shared.look();
        if look.close_at.is_some() && look.is_drained && !self.unflushed {
            return Err(End::Closed(Closed::new("closed by this side")));
        }
        let every = self.shared.config.heartbeat.filter(|_| self.link.transport().is_some());
        let heartbeat = every.map(|every| self.heard + millis(every));
        let tidy = look.holds_memory.then(|| self.busy + IDLE_MS);
        let Some(at) = [look.next_deadline, look.close_at, heartbeat, tidy].into_iter().flatten().min() else {
            self.timer = None;
            return Ok(false);
        };
        if !self.poll_timer(cx, at) {
            return Ok(false);
        }
        let now = self.shared.now();
        if look.close_at.is_some_and(|at| at <= now) {
            return Err(End::Closed(Closed::new("closed by this side before everything was finished")));
        }
        if heartbeat.is_some_and(|at| at <= now) {
            self.ask_for_life(now)?;
        }
        if tidy.is_some_and(|at| at <= now) {
            self.shared.drive(|session| session.release_memory());
        }
        self.shared.drive(|session| session.advance(now));
        Ok(true)
    }

    /// Whether `at` has come. A timer that is set to an earlier time is left to fire, and looked at again then.
    fn poll_timer(&mut self, cx: &mut TaskContext<'_>, at: Millis) -> bool {
        let now = self.shared.now();
        if at <= now {
            self.timer = None;
            return true;
        }
        let instant = |at| self.shared.instant(at);
        match &mut self.timer {
            Some((set, _)) if *set <= at => (),
            Some((set, sleep)) => {
                *set = at;
                sleep.as_mut().reset(instant(at));
            }
            None => self.timer = Some((at, Box::pin(tokio::time::sleep_until(instant(at))))),
        }
        while let Some((set, sleep)) = &mut self.timer {
            if sleep.as_mut().poll(cx).is_pending() {
                return false;
            }
            let now = self.shared.now();
            if at <= now {
                self.timer = None;
                return true;
            }
            *set = at;
            sleep.as_mut().reset(self.shared.instant(at));
        }
        false
    }

    /// Sends a heartbeat to a silent peer, or gives up on one that did not answer the last.
    fn ask_for_life(&mut self, now: Millis) -> Result<(), End> {
        if std::mem::replace(&mut self.asked, true) {
            return Err(End::Lost(Closed::new("the peer gave no sign of life; see heartbeat")));
        }
        self.heard = now;
        self.shared.drive(|session| session.ping());
        Ok(())
    }

    /// Makes sure that there is a connection. `Err` when there will be none.
    fn poll_link(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Closed>> {
        match ready!(self.link.poll_connected(cx)) {
            Ok(Linked::Already) => Poll::Ready(Ok(())),
            Ok(Linked::Anew(identity)) => {
                self.shared.set_identity(identity);
                let now = self.shared.now();
                (self.heard, self.asked) = (now, false);
                self.shared.drive(|session| session.reconnect(now));
                Poll::Ready(Ok(()))
            }
            Err(closed) => Poll::Ready(Err(closed)),
        }
    }

    /// Between two connections only the time matters.
    fn poll_disconnected(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let timed = self.poll_time(cx);
        if timed.is_err() || self.shared.look().is_drained {
            self.link.give_up(Closed::new("closed by this side"));
            return Poll::Ready(());
        }
        let events = self.handle_events();
        match (timed, events) {
            (Ok(false), Ok(false)) => Poll::Pending,
            (Ok(_) | Err(_), Ok(_) | Err(_)) => Poll::Ready(()),
        }
    }

    /// The connection is gone; what waits for the next one stays.
    fn lose(&mut self, closed: Closed) {
        let now = self.shared.now();
        self.shared.drive(|session| session.disconnect(now, closed.clone()));
        self.release(self.link.was_clean());
        self.settle_events();
        self.handlers.clear();
        self.unflushed = false;
        self.link.lose(closed);
    }

    /// Tells the peer that this end is meant, as far as the transport takes it now.
    fn say_close(&mut self, cx: &mut TaskContext<'_>) {
        let Some(transport) = self.link.transport() else { return };
        if let Poll::Ready(Err(error)) = Pin::new(transport).poll_close(cx) {
            tracing::debug!(%error, "could not close in order");
        }
    }

    /// Settles everything for good.
    fn end(&mut self, closed: Closed) -> Arc<Closed> {
        let now = self.shared.now();
        self.done = true;
        self.shared.drive(|session| session.give_up(now, closed.clone()));
        self.release(self.link.was_clean());
        self.settle_events();
        self.handlers.clear();
        self.link.give_up(closed.clone());
        self.shared.drive(|session| session.closed()).unwrap_or_else(|| Arc::new(closed))
    }

    fn release(&mut self, clean: bool) {
        self.shared.release_owner(clean);
    }

    /// Carries out what a settled session left to do, whatever it is.
    fn settle_events(&mut self) {
        let mut events = std::collections::VecDeque::new();
        self.shared.drive(|session| session.swap_events(&mut events));
        for event in std::mem::take(self.handlers.events()).into_iter().chain(events) {
            match event {
                Event::Wake(waker) => waker.wake(),
                Event::Stopped(_, parts) => stop(parts),
                Event::Request(_) | Event::Close(_) => (),
            }
        }
        self.handlers.wake_all();
    }
}

fn stop(parts: Option<Arc<Parts>>) {
    if let Some(parts) = parts {
        parts.stop();
    }
}

impl<T: Transport> Drop for Driver<T> {
    fn drop(&mut self) {
        if !self.done {
            self.end(Closed::new("the driver was dropped"));
        }
    }
}

impl<T: Transport> std::fmt::Debug for Driver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("done", &self.done).finish_non_exhaustive()
    }
}
