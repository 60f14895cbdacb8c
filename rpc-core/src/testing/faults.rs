//! A transport that misbehaves as its seed says: the same seed, the same faults.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::time::Sleep;

use crate::{Message, Transport, TransportError};

/// What may happen to a message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The connection breaks before the message passes: this end gets an error, the other sees its peer gone.
    Cut,
    /// Nothing passes in this direction any more, this message included.
    Stall,
    /// The message passes later, by a random part of this time; those behind it wait, so that their order stays.
    Delay(Duration),
    /// The message passes twice.
    Duplicate,
    /// Only the beginning of the message passes.
    Truncate,
    /// The message passes as two.
    Split,
}

/// Which messages a disturbance befalls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// Each with this probability.
    Chance(f64),
    /// The n-th in its direction, counted from 1.
    At(u64),
}

/// One thing that may go wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// What happens.
    pub disturbance: Disturbance,
    /// To which messages. The first rule that applies to a message is the one that does.
    pub when: When,
}

impl Rule {
    /// The n-th message, counted from 1.
    pub fn at(n: u64, disturbance: Disturbance) -> Rule {
        Rule { disturbance, when: When::At(n) }
    }

    /// Each message with this probability.
    pub fn chance(probability: f64, disturbance: Disturbance) -> Rule {
        Rule { disturbance, when: When::Chance(probability) }
    }
}

/// What goes wrong, in each direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Where the chances come from.
    pub seed: u64,
    /// What befalls messages that this end sends.
    pub sent: Vec<Rule>,
    /// What befalls messages that this end receives.
    pub received: Vec<Rule>,
}

/// A transport around another, with faults. Dropping it drops the other.
pub struct FaultTransport<T> {
    transport: Option<T>,
    sent: Way,
    received: Way,
}

/// One direction, and what waits in it to pass.
struct Way {
    rules: Vec<Rule>,
    chances: fastrand::Rng,
    count: u64,
    waiting: VecDeque<Message>,
    hold: Option<Pin<Box<Sleep>>>,
    stalled: bool,
}

impl<T: Transport> FaultTransport<T> {
    /// Puts faults around `transport`.
    pub fn new(transport: T, faults: Faults) -> FaultTransport<T> {
        let mut chances = fastrand::Rng::with_seed(faults.seed);
        let (sent, received) = (Way::new(faults.sent, chances.fork()), Way::new(faults.received, chances.fork()));
        FaultTransport { transport: Some(transport), sent, received }
    }

    fn cut(&mut self) -> TransportError {
        self.transport = None;
        self.received.waiting.clear();
        TransportError::new("the connection was cut by a fault", None)
    }

    /// Moves what waits to be sent on, as far as the transport takes it.
    fn poll_pass(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.sent.poll_free(cx));
        while !self.sent.waiting.is_empty() {
            let Some(transport) = &mut self.transport else { return Poll::Ready(Err(self.cut())) };
            ready!(Pin::new(&mut *transport).poll_ready(cx))?;
            if let Some(message) = self.sent.waiting.pop_front() {
                Pin::new(transport).start_send(message)?;
            }
        }
        Poll::Ready(if self.transport.is_some() { Ok(()) } else { Err(self.cut()) })
    }
}

impl Way {
    fn new(rules: Vec<Rule>, chances: fastrand::Rng) -> Way {
        Way { rules, chances, count: 0, waiting: VecDeque::new(), hold: None, stalled: false }
    }

    /// Takes a message in; false where it cuts the connection.
    fn take(&mut self, message: Message) -> bool {
        self.count += 1;
        match self.befalls() {
            None => self.waiting.push_back(message),
            Some(Disturbance::Cut) => return false,
            Some(Disturbance::Stall) => self.stalled = true,
            Some(Disturbance::Delay(longest)) => {
                self.hold = Some(Box::pin(tokio::time::sleep(longest.mul_f64(self.chances.f64()))));
                self.waiting.push_back(message);
            }
            Some(Disturbance::Duplicate) => self.waiting.extend([message.clone(), message]),
            Some(Disturbance::Truncate) => {
                self.waiting.push_back(message.slice(..self.chances.usize(..=message.len())))
            }
            Some(Disturbance::Split) => {
                let at = self.chances.usize(..=message.len());
                self.waiting.extend([message.slice(..at), message.slice(at..)]);
            }
        }
        true
    }

    fn befalls(&mut self) -> Option<Disturbance> {
        let (chances, count) = (&mut self.chances, self.count);
        let applies = |rule: &&Rule| match rule.when {
            When::At(n) => n == count,
            When::Chance(probability) => chances.f64() < probability,
        };
        self.rules.iter().find(applies).map(|rule| rule.disturbance)
    }

    /// Whether anything may pass now.
    fn poll_free(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stalled {
            return Poll::Pending;
        }
        if let Some(hold) = &mut self.hold {
            ready!(hold.as_mut().poll(cx));
            self.hold = None;
        }
        Poll::Ready(())
    }
}

impl<T: Transport> Stream for FaultTransport<T> {
    type Item = Result<Message, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            ready!(this.received.poll_free(cx));
            if let Some(message) = this.received.waiting.pop_front() {
                return Poll::Ready(Some(Ok(message)));
            }
            let Some(transport) = &mut this.transport else { return Poll::Ready(Some(Err(this.cut()))) };
            match ready!(Pin::new(transport).poll_next(cx)) {
                Some(Ok(message)) => {
                    if !this.received.take(message) {
                        return Poll::Ready(Some(Err(this.cut())));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T: Transport> Sink<Message> for FaultTransport<T> {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.poll_pass(cx))?;
        match &mut self.transport {
            Some(transport) => Pin::new(transport).poll_ready(cx),
            None => Poll::Ready(Err(self.cut())),
        }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        if self.sent.take(message) { Ok(()) } else { Err(self.cut()) }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.poll_pass(cx))?;
        match &mut self.transport {
            Some(transport) => Pin::new(transport).poll_flush(cx),
            None => Poll::Ready(Err(self.cut())),
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.poll_pass(cx))?;
        match &mut self.transport {
            Some(transport) => Pin::new(transport).poll_close(cx),
            None => Poll::Ready(Err(self.cut())),
        }
    }
}

impl<T> std::fmt::Debug for FaultTransport<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = (self.sent.count, self.received.count);
        f.debug_struct("FaultTransport").field("sent_received", &counts).finish_non_exhaustive()
    }
}
