//! The connection under a driver: there, being made, waited for, or gone for good.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::Sleep;

use crate::config::Backoff;
use crate::transport::Connecting;
use crate::{Closed, Connector, Identity, Transport};

/// The connection under a driver: one that is there, or one that a [`Connector`] makes, with pauses between attempts.
pub struct Link<T: Transport> {
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
#[derive(Debug)]
pub enum Linked {
    /// It was there.
    Already,
    /// It was made just now, to this peer.
    Anew(Identity),
}

impl<T: Transport> Link<T> {
    /// Over a transport, which is not replaced when it is lost.
    pub fn over(transport: T) -> Link<T> {
        Link { state: State::Up(transport), connector: None, backoff: Backoff::default(), tries: 0, clean: false }
    }

    /// By a connector, which is asked again after every loss.
    pub fn by(mut connector: impl Connector<Transport = T>, backoff: Backoff) -> Link<T> {
        let state = State::Connecting(connector.connect());
        Link { state, connector: Some(Box::new(connector)), backoff, tries: 0, clean: false }
    }

    /// The transport, while it is there.
    pub fn transport(&mut self) -> Option<&mut T> {
        match &mut self.state {
            State::Up(transport) => Some(transport),
            State::Connecting(_) | State::Waiting(_) | State::Gone(_) => None,
        }
    }

    /// Makes sure that there is a transport.
    ///
    /// # Errors
    /// Why there will be none any more.
    pub fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<Result<Linked, Closed>> {
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
    pub fn ended_cleanly(&mut self) {
        self.clean = true;
    }

    /// Whether the peer ended the last connection in order.
    pub fn was_clean(&self) -> bool {
        self.clean
    }

    /// The connection is gone; the next one is made where there is a connector. The first attempt waits too: a server
    /// that breaks every connection at once must not be hammered.
    pub fn lose(&mut self, closed: Closed) {
        if matches!(self.state, State::Gone(_)) {
            return;
        }
        self.state = if self.connector.is_some() { self.wait() } else { State::Gone(closed) };
    }

    /// There shall be no other connection.
    pub fn give_up(&mut self, closed: Closed) {
        self.connector = None;
        self.state = State::Gone(closed);
    }

    /// The peer answered: the next break begins with a short pause again.
    pub fn is_stable(&mut self) {
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

impl<T: Transport> std::fmt::Debug for Link<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("tries", &self.tries).finish_non_exhaustive()
    }
}
