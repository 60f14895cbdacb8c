//! The connection under a driver: there, being made, waited for, or gone for good.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::Sleep;

use crate::config::Backoff;
use crate::transport::Connecting;
use crate::{Closed, Connector, Identity, Transport};

pub(super) struct Link<T: Transport> {
    state: State<T>,
    connector: Option<Box<dyn Connector<Transport = T>>>,
    backoff: Backoff,
    tries: u32,
    clean: bool,
}

enum State<T> {
    Up(T),
    Connecting(Connecting<T>),
    Waiting(Pin<Box<Sleep>>),
    Gone(Closed),
}

/// How a connection came to be there.
pub(super) enum Linked {
    Already,
    Anew(Identity),
}

impl<T: Transport> Link<T> {
    pub(super) fn over(transport: T) -> Link<T> {
        Link { state: State::Up(transport), connector: None, backoff: Backoff::default(), tries: 0, clean: false }
    }

    pub(super) fn by(mut connector: impl Connector<Transport = T>, backoff: Backoff) -> Link<T> {
        let state = State::Connecting(connector.connect());
        Link { state, connector: Some(Box::new(connector)), backoff, tries: 0, clean: false }
    }

    pub(super) fn transport(&mut self) -> Option<&mut T> {
        match &mut self.state {
            State::Up(transport) => Some(transport),
            State::Connecting(_) | State::Waiting(_) | State::Gone(_) => None,
        }
    }

    pub(super) fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<Result<Linked, Closed>> {
        loop {
            self.state = match &mut self.state {
                State::Up(_) => return Poll::Ready(Ok(Linked::Already)),
                State::Gone(closed) => return Poll::Ready(Err(closed.clone())),
                State::Waiting(sleep) => {
                    std::task::ready!(sleep.as_mut().poll(cx));
                    self.connect()
                }
                State::Connecting(connecting) => match std::task::ready!(connecting.as_mut().poll(cx)) {
                    Ok((transport, identity)) => {
                        self.clean = false;
                        self.state = State::Up(transport);
                        return Poll::Ready(Ok(Linked::Anew(identity)));
                    }
                    Err(error) if error.is_permanent() => State::Gone(Closed::from(&error)),
                    Err(error) => {
                        tracing::debug!(%error, tries = self.tries, "could not connect");
                        self.wait()
                    }
                },
            };
        }
    }

    /// The peer ended the connection in order.
    pub(super) fn ended_cleanly(&mut self) {
        self.clean = true;
    }

    pub(super) fn was_clean(&self) -> bool {
        self.clean
    }

    /// The connection is gone; the next one is made where there is a connector. The first attempt waits too: a server
    /// that breaks every connection at once must not be hammered.
    pub(super) fn lose(&mut self, closed: Closed) {
        if matches!(self.state, State::Gone(_)) {
            return;
        }
        self.state = if self.connector.is_some() { self.wait() } else { State::Gone(closed) };
    }

    pub(super) fn give_up(&mut self, closed: Closed) {
        self.connector = None;
        self.state = State::Gone(closed);
    }

    /// The peer answered: the next break begins with a short pause again.
    pub(super) fn is_stable(&mut self) {
        self.tries = 0;
    }

    fn connect(&mut self) -> State<T> {
        match &mut self.connector {
            Some(connector) => State::Connecting(connector.connect()),
            None => State::Gone(Closed::new("closed by this side")),
        }
    }

    fn wait(&mut self) -> State<T> {
        let pause = self.backoff.pause(self.tries);
        self.tries = self.tries.saturating_add(1);
        State::Waiting(Box::pin(tokio::time::sleep(pause)))
    }
}
