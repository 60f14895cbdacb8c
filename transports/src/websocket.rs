//! Messages over WebSocket, one text message each. Owns the liveness check and the close codes; the handshakes are in
//! `server` and `client`, who may enter in `access`.

mod access;
mod client;
mod handshake;
mod peer;
mod pooled;
mod server;
#[cfg(feature = "tls")]
mod tls;

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use sixframe_core::{Message, TransportError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Message as WsMessage, Role, WebSocketConfig as Tuning};

use crate::connections::Slot;

pub use access::{Access, Refusal, Token};
pub use client::{ClientConfig, ClientTransport, connect};
pub use handshake::open;
pub use peer::{Process, local_peer};
pub use server::{ServerConfig, ServerTransport, WebSocketListener, listen};
pub use tokio_tungstenite::tungstenite::http;

/// The subprotocol that both sides name.
pub const SUBPROTOCOL: &str = "sixframe.v0";

/// A second subprotocol with this prefix carries a browser's token; it is never echoed.
pub const TOKEN_SUBPROTOCOL: &str = "sixframe.token.";

/// What is read into the connection's own buffer at once; the socket itself is read in larger pieces, by `pooled`.
const READ_BYTES: usize = 1024;

/// Bytes of messages that are gathered before a write that nobody asked for.
const WRITE_BYTES: usize = 64 * 1024;

/// From this size on, a message is handed over in the buffer that it was read into, which is hardly larger.
const HANDED_OVER: usize = 256 * 1024;

/// Frames that carry no message, as pings, that are read before others have their turn.
const CONTROL_TURN: usize = 256;

/// A peer that stays silent for this long is pinged, and given up after a second ping that brings nothing.
const SILENCE: Duration = Duration::from_secs(20);

/// Whether a URL can be connected to by this build.
pub(crate) fn check(url: &str) -> Result<(), TransportError> {
    client::checked(url).map(drop)
}

/// Messages over an established WebSocket.
///
/// A peer that closes with 1000, 1001 or no code ends the stream cleanly; any other code is a fatal error that names code and
/// reason. A message that is too long closes the connection with 1009, a binary one with 1003: there is no way to skip
/// them. Closing sends what was started and then 1000 from a client, 1001 from a server, which closes to go away. Dropping cuts the connection.
pub struct WebSocketTransport<S> {
    socket: WebSocketStream<S>,
    silence: Pin<Box<Sleep>>,
    limit: usize,
    role: Role,
    heard: bool,
    pings: u8,
    ping_waits: bool,
    writer_waits: bool,
    close_sent: bool,
    ended: bool,
    _slot: Option<Slot>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketTransport<S> {
    /// Speaks over a WebSocket whose handshake somebody else did, and with it the checks of who may enter. Its own
    /// configuration bounds what is accepted; `message_bytes` is what an error then names.
    pub fn established(socket: WebSocketStream<S>, role: Role, message_bytes: usize) -> WebSocketTransport<S> {
        Self::new(socket, role, message_bytes, None)
    }

    pub(crate) fn new(
        socket: WebSocketStream<S>,
        role: Role,
        limit: usize,
        slot: Option<Slot>,
    ) -> WebSocketTransport<S> {
        WebSocketTransport {
            socket,
            silence: Box::pin(sleep(SILENCE)),
            limit,
            role,
            heard: false,
            pings: 0,
            ping_waits: false,
            writer_waits: false,
            close_sent: false,
            ended: false,
            _slot: slot,
        }
    }

    /// What a received item means; `None` for what only the transport cares about.
    fn item(
        &mut self,
        item: Option<Result<WsMessage, WsError>>,
        cx: &mut Context<'_>,
    ) -> Option<Option<Result<Message, TransportError>>> {
        match item {
            Some(Ok(WsMessage::Text(text))) if text.len() >= HANDED_OVER => Some(Some(Ok(text.into()))),
            Some(Ok(WsMessage::Text(text))) => Some(Some(Ok(Message::copy_from_slice(text.as_bytes())))),
            Some(Ok(WsMessage::Ping(_) | WsMessage::Pong(_) | WsMessage::Frame(_))) => None,
            Some(Ok(WsMessage::Binary(_))) => {
                self.say_close(CloseCode::Unsupported, "text messages only", cx);
                Some(Some(Err(broken("the peer sent a binary message; send text"))))
            }
            Some(Ok(WsMessage::Close(frame))) => {
                // Reading once more sends our answer to the close.
                at_once(cx, |cx| Pin::new(&mut self.socket).poll_next(cx));
                Some(closed(frame))
            }
            Some(Err(error)) => Some(self.failed(error, cx)),
            None => Some(None),
        }
    }

    fn failed(&mut self, error: WsError, cx: &mut Context<'_>) -> Option<Result<Message, TransportError>> {
        let told = match &error {
            WsError::ConnectionClosed | WsError::AlreadyClosed => return None,
            WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
                self.say_close(CloseCode::Size, "message longer than limits.message_bytes", cx);
                format!("message bytes limit of {} exceeded; raise it with limits.message_bytes", self.limit)
            }
            WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => "the connection was cut".to_owned(),
            WsError::Utf8(_) => {
                self.say_close(CloseCode::Invalid, "not UTF-8", cx);
                "the peer sent text that is not UTF-8".to_owned()
            }
            WsError::Protocol(violation) => {
                self.say_close(CloseCode::Protocol, "protocol error", cx);
                format!("the peer broke the WebSocket protocol: {violation}")
            }
            other => other.to_string(),
        };
        Some(Err(TransportError::new(told, Some(error.into()))))
    }

    /// Tells the peer why, as far as the socket takes it now: the connection ends anyway.
    fn say_close(&mut self, code: CloseCode, reason: &'static str, cx: &mut Context<'_>) {
        let frame = CloseFrame { code, reason: reason.into() };
        if Pin::new(&mut self.socket).start_send(WsMessage::Close(Some(frame))).is_ok() {
            at_once(cx, |cx| Pin::new(&mut self.socket).poll_flush(cx));
        }
    }

    /// Pings a silent peer; ready when it must be given up.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<TransportError> {
        while self.silence.as_mut().poll(cx).is_ready() {
            self.silence.as_mut().reset(Instant::now() + SILENCE);
            if std::mem::take(&mut self.heard) {
                self.pings = 0;
            } else if self.pings == 2 {
                return Poll::Ready(broken(format!("the peer answered no ping for {} s", 2 * SILENCE.as_secs())));
            } else {
                self.pings += 1;
                self.ping_waits = Pin::new(&mut self.socket).start_send(WsMessage::Ping(Message::new())).is_ok();
            }
        }
        // A writer that waits for the socket sends the ping along; flushing here would take its place in the waker.
        if self.ping_waits && !self.writer_waits && Pin::new(&mut self.socket).poll_flush(cx).is_ready() {
            self.ping_waits = false;
        }
        Poll::Pending
    }

    fn sent<T>(&mut self, outcome: Poll<Result<T, WsError>>) -> Poll<Result<T, TransportError>> {
        self.writer_waits = outcome.is_pending();
        outcome.map_err(write_failed)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocketTransport<S> {
    type Item = Result<Message, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        for _ in 0..CONTROL_TURN {
            if this.ended {
                return Poll::Ready(None);
            }
            let next = match Pin::new(&mut this.socket).poll_next(cx) {
                Poll::Ready(received) => {
                    this.heard = true;
                    match this.item(received, cx) {
                        None => continue,
                        Some(next) => next,
                    }
                }
                Poll::Pending => Some(Err(ready!(this.poll_silence(cx)))),
            };
            this.ended = !matches!(next, Some(Ok(_)));
            return Poll::Ready(next);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WebSocketTransport<S> {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_ready(cx);
        this.sent(outcome)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        // As a frame, because a text message would be checked for UTF-8 again.
        let frame = Frame::message(message, OpCode::Data(Data::Text), true);
        Pin::new(&mut self.get_mut().socket).start_send(WsMessage::Frame(frame)).map_err(write_failed)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_flush(cx);
        this.sent(outcome)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let this = self.get_mut();
        if !std::mem::replace(&mut this.close_sent, true) && !this.ended {
            let code = match this.role {
                Role::Client => CloseCode::Normal,
                Role::Server => CloseCode::Away,
            };
            let frame = CloseFrame { code, reason: "".into() };
            match Pin::new(&mut this.socket).start_send(WsMessage::Close(Some(frame))) {
                Ok(()) | Err(WsError::ConnectionClosed | WsError::AlreadyClosed | WsError::Protocol(_)) => {}
                Err(error) => return Poll::Ready(Err(write_failed(error))),
            }
        }
        let outcome = match ready!(Pin::new(&mut this.socket).poll_flush(cx)) {
            Err(WsError::AlreadyClosed) => Ok(()),
            outcome => outcome,
        };
        this.sent(Poll::Ready(outcome))
    }
}

/// Does what the socket takes now, though the task has had its share: nobody comes back to it.
fn at_once<T>(cx: &mut Context<'_>, deed: impl FnMut(&mut Context<'_>) -> Poll<T>) {
    let _ = pin!(unconstrained(poll_fn(deed))).poll(cx);
}

/// How the peer's close reads: cleanly ended, or an error.
fn closed(frame: Option<CloseFrame>) -> Option<Result<Message, TransportError>> {
    match frame {
        None => None,
        Some(CloseFrame { code: CloseCode::Normal | CloseCode::Away | CloseCode::Status, .. }) => None,
        Some(CloseFrame { code, reason }) => {
            Some(Err(broken(format!("the peer closed with code {}: {reason}", u16::from(code)))))
        }
    }
}

fn write_failed(error: WsError) -> TransportError {
    TransportError::new(format!("writing failed: {error}"), Some(error.into()))
}

fn broken(message: impl Into<String>) -> TransportError {
    TransportError::new(message, None)
}

/// Small buffers for many connections, and no message beyond the limit is ever reserved.
fn tuning(message_bytes: usize) -> Tuning {
    Tuning::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_message_size(Some(message_bytes))
        .max_frame_size(Some(message_bytes))
}
