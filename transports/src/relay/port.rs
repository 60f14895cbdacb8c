//! The tasks of a relay, one a connection, all within one driver: they move messages between a transport and the switch,
//! and wake each other. None of them waits for another's transport.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures_util::StreamExt;
use sixframe_core::session::Millis;
use sixframe_core::{Closed, Link, Linked, Transport, TransportError, frame};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::DropGuard;

use super::RelayConfig;
use super::switch::{Port, Switch, WindowKey};

/// Bytes read before the writer has its turn (spec: `bytes.2`).
const READ_TURN: usize = 64 << 10;

/// Moves the messages of one connection. Yields the reason when the relay is over with it.
pub(super) type Task = Pin<Box<dyn Future<Output = Option<Closed>> + Send>>;

/// What the tasks and the handles share; locked for moments only.
pub(super) struct Shared {
    state: Mutex<State>,
    started: Instant,
}

struct State {
    switch: Switch,
    wakers: HashMap<Port, Waker>,
    /// The tasks of windows that were just attached.
    joining: Vec<Task>,
    driver: Option<Waker>,
    closed: Option<Closed>,
}

impl Shared {
    pub(super) fn new(config: RelayConfig) -> Arc<Shared> {
        let state = State {
            switch: Switch::new(config),
            wakers: HashMap::new(),
            joining: Vec::new(),
            driver: None,
            closed: None,
        };
        Arc::new(Shared { state: Mutex::new(state), started: Instant::now() })
    }

    /// Looks at or changes the switch, and wakes nobody.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Switch, Millis) -> R) -> R {
        let now = self.now();
        let switch = &mut self.state().switch;
        let result = act(switch, now);
        switch.settle();
        result
    }

    /// Changes the switch and wakes whoever has something to do for it, but for the task that acts.
    pub(super) fn act<R>(&self, own: Option<Port>, act: impl FnOnce(&mut Switch, Millis) -> R) -> R {
        let result = self.with(act);
        self.wake_others(own);
        result
    }

    pub(super) fn wake_others(&self, own: Option<Port>) {
        let wakers: Vec<Waker> = {
            let State { switch, wakers, .. } = &mut *self.state();
            if !switch.has_woken() {
                return;
            }
            switch
                .take_woken()
                .filter(|port| Some(*port) != own)
                .filter_map(|port| wakers.get(&port).cloned())
                .collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Gives a task to the driver; gives it back where there is none any more.
    pub(super) fn join(&self, task: Task) -> Option<Task> {
        let waker = {
            let state = &mut *self.state();
            if state.closed.is_some() {
                return Some(task);
            }
            state.joining.push(task);
            state.driver.take()
        };
        waker.into_iter().for_each(Waker::wake);
        None
    }

    /// The tasks that were given since this was last asked; the driver is woken for the next.
    pub(super) fn joining(&self, cx: &Context<'_>) -> Vec<Task> {
        let state = &mut *self.state();
        state.driver = Some(cx.waker().clone());
        std::mem::take(&mut state.joining)
    }

    /// Ends the relay; the first reason counts.
    pub(super) fn close(&self, closed: Closed) {
        let (tasks, waker) = {
            let state = &mut *self.state();
            state.closed.get_or_insert(closed);
            (std::mem::take(&mut state.joining), state.wakers.get(&Port::Upstream).cloned())
        };
        drop(tasks);
        waker.into_iter().for_each(Waker::wake);
    }

    fn closed(&self) -> Option<Closed> {
        self.state().closed.clone()
    }

    fn register(&self, port: Port, waker: &Waker) {
        let wakers = &mut self.state().wakers;
        if !wakers.get(&port).is_some_and(|known| known.will_wake(waker)) {
            wakers.insert(port, waker.clone());
        }
    }

    fn forget(&self, port: Port) {
        let waker = self.state().wakers.remove(&port);
        drop(waker);
    }

    fn now(&self) -> Millis {
        self.started.elapsed().as_millis() as Millis
    }

    fn instant(&self, at: Millis) -> Instant {
        self.started + Duration::from_millis(at)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// One connection's part in the traffic.
struct Pump {
    shared: Arc<Shared>,
    port: Port,
    timer: Option<(Millis, Pin<Box<Sleep>>)>,
    unflushed: bool,
}

/// What a turn brought.
#[derive(Default)]
struct Turn {
    received: bool,
    /// There may be more to do at once.
    more: bool,
}

impl Pump {
    fn new(shared: Arc<Shared>, port: Port) -> Pump {
        Pump { shared, port, timer: None, unflushed: false }
    }

    /// Reads, writes and looks at the time, once each.
    fn poll_turn<T: Transport>(&mut self, transport: &mut T, cx: &mut Context<'_>) -> Result<Turn, Closed> {
        let mut turn = Turn::default();
        let read = self.poll_read(transport, cx, &mut turn);
        self.shared.wake_others(Some(self.port));
        read?;
        let written = self.poll_write(transport, cx);
        self.shared.wake_others(Some(self.port));
        written.map_err(|error| Closed::from(&error))?;
        turn.more |= self.poll_time(cx);
        Ok(turn)
    }

    fn poll_read<T: Transport>(&self, transport: &mut T, cx: &mut Context<'_>, turn: &mut Turn) -> Result<(), Closed> {
        let mut budget = READ_TURN;
        while budget > 0 {
            match transport.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(message))) => {
                    turn.received = true;
                    budget = budget.saturating_sub(message.len() + 1);
                    self.shared.with(|switch, now| switch.receive(now, self.port, &message));
                }
                Poll::Ready(Some(Err(error))) => match error.as_oversized() {
                    Some((head, _)) => {
                        let malformed = frame::peek_oversized(head);
                        self.shared.with(|switch, now| switch.receive_malformed(now, self.port, &malformed));
                    }
                    None => return Err(Closed::from(&error)),
                },
                Poll::Ready(None) => return Err(Closed::new("the peer closed the connection")),
                Poll::Pending => return Ok(()),
            }
        }
        turn.more = true;
        Ok(())
    }

    fn poll_write<T: Transport>(&mut self, transport: &mut T, cx: &mut Context<'_>) -> Result<(), TransportError> {
        while let Poll::Ready(ready) = Pin::new(&mut *transport).poll_ready(cx) {
            ready?;
            let Some(message) = self.shared.with(|switch, now| switch.poll_message(now, self.port)) else { break };
            Pin::new(&mut *transport).start_send(message)?;
            self.unflushed = true;
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(transport).poll_flush(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Watches the deadline of the connection; true when it has come.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.shared.with(|switch, _| switch.next_deadline(self.port)) else {
            self.timer = None;
            return false;
        };
        if self.timer.as_ref().is_none_or(|(set, _)| *set != at) {
            self.timer = Some((at, Box::pin(tokio::time::sleep_until(self.shared.instant(at)))));
        }
        let due = self.timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_ready());
        if due {
            self.timer = None;
            self.shared.act(Some(self.port), |switch, now| switch.advance(now, self.port));
        }
        due
    }
}

/// The task of a window.
pub(super) struct WindowTask<T> {
    pump: Pump,
    key: WindowKey,
    transport: T,
    /// Tells the window's handle when this task is gone.
    _ended: DropGuard,
}

impl<T: Transport> WindowTask<T> {
    pub(super) fn new(shared: Arc<Shared>, key: WindowKey, transport: T, ended: DropGuard) -> WindowTask<T> {
        WindowTask { pump: Pump::new(shared, Port::Window(key)), key, transport, _ended: ended }
    }
}

impl<T: Transport> Future for WindowTask<T> {
    type Output = Option<Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Closed>> {
        let this = &mut *self;
        let shared = &this.pump.shared;
        shared.register(this.pump.port, cx.waker());
        if !shared.with(|switch, _| switch.is_attached(this.key)) {
            return Poll::Ready(None);
        }
        match this.pump.poll_turn(&mut this.transport, cx) {
            Ok(turn) => {
                if turn.more || !this.pump.shared.with(|switch, _| switch.is_attached(this.key)) {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Err(closed) => {
                tracing::debug!(reason = %closed, "a window is gone");
                Poll::Ready(None)
            }
        }
    }
}

impl<T> Drop for WindowTask<T> {
    fn drop(&mut self) {
        self.pump.shared.act(Some(self.pump.port), |switch, _| switch.detach(self.key));
        self.pump.shared.forget(self.pump.port);
    }
}

/// The task of the upstream.
pub(super) struct UpstreamTask<T: Transport> {
    pump: Pump,
    link: Link<T>,
}

impl<T: Transport> UpstreamTask<T> {
    pub(super) fn new(shared: Arc<Shared>, link: Link<T>) -> UpstreamTask<T> {
        UpstreamTask { pump: Pump::new(shared, Port::Upstream), link }
    }

    fn lose(&mut self, closed: Closed) {
        tracing::debug!(reason = %closed, "the relay's upstream is gone");
        self.pump.unflushed = false;
        self.pump.shared.act(Some(Port::Upstream), |switch, now| switch.disconnected(now, &closed));
        self.link.lose(closed);
    }
}

impl<T: Transport> Future for UpstreamTask<T> {
    type Output = Option<Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Closed>> {
        let this = &mut *self;
        this.pump.shared.register(Port::Upstream, cx.waker());
        loop {
            if let Some(closed) = this.pump.shared.closed() {
                return Poll::Ready(Some(closed));
            }
            match ready!(this.link.poll_connected(cx)) {
                Ok(Linked::Already) => (),
                Ok(Linked::Anew(_)) => this.pump.shared.with(|switch, _| switch.connected()),
                Err(closed) => return Poll::Ready(Some(closed)),
            }
            let Some(transport) = this.link.transport() else { continue };
            match this.pump.poll_turn(transport, cx) {
                Ok(turn) => {
                    if turn.received {
                        this.link.is_stable();
                    }
                    match this.pump.shared.with(|switch, _| switch.take_failure()) {
                        Some(closed) => this.lose(closed),
                        None => {
                            if turn.more {
                                cx.waker().wake_by_ref();
                            }
                            return Poll::Pending;
                        }
                    }
                }
                Err(closed) => this.lose(closed),
            }
        }
    }
}
