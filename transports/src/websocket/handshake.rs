//! The server's half of the opening handshake, bounded in bytes. Knows HTTP; who may enter it asks `access`.

use std::io;

use sixframe_core::Scopes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, create_response_with_body, write_response};
use tokio_tungstenite::tungstenite::http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{self, Response, StatusCode};
use tokio_tungstenite::tungstenite::protocol::Role;

use super::access::{Access, Admission, Refusal};
use super::{SUBPROTOCOL, tuning};

/// Longest request accepted, headers included.
const HEAD_BYTES: usize = 16 * 1024;

/// Answers the opening request on `socket`; who is refused gets an HTTP answer that says why.
pub(super) async fn accept<S>(
    mut socket: S,
    access: &Access,
    port: u16,
    message_bytes: usize,
) -> Result<(WebSocketStream<S>, Admission), WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let decided = match read_head(&mut socket).await {
        Ok((request, rest)) => upgrade(&request, access, port).map(|accepted| (accepted, rest)),
        Err(WsError::Io(error)) => return Err(WsError::Io(error)),
        Err(error) => Err(bad_request(&error)),
    };
    match decided {
        Ok(((answer, admission), rest)) => {
            socket.write_all(&answer).await?;
            socket.flush().await?;
            let config = Some(tuning(message_bytes));
            Ok((WebSocketStream::from_partially_read(socket, rest, Role::Server, config).await, admission))
        }
        Err(refusal) => {
            socket.write_all(refused(&refusal).as_bytes()).await?;
            socket.shutdown().await?;
            Err(WsError::Io(io::Error::other(format!("{}: {}", refusal.status, refusal.reason))))
        }
    }
}

/// The HTTP answer to a request that is turned away.
pub(super) fn refused(refusal: &Refusal) -> String {
    let Refusal { status, reason } = refusal;
    let challenge = if *status == StatusCode::UNAUTHORIZED { "WWW-Authenticate: Bearer\r\n" } else { "" };
    let length = reason.len() + 1;
    format!(
        "HTTP/1.1 {status}\r\n{challenge}Content-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{reason}\n"
    )
}

/// The request, and bytes that came behind it.
async fn read_head(socket: &mut (impl AsyncRead + Unpin)) -> Result<(Request, Vec<u8>), WsError> {
    let mut head = Vec::with_capacity(1024);
    loop {
        if let Some((length, request)) = Request::try_parse(&head)? {
            return Ok((request, head.split_off(length)));
        }
        if head.len() == HEAD_BYTES {
            return Err(WsError::AttackAttempt);
        }
        let room = HEAD_BYTES - head.len();
        if socket.take(room as u64).read_buf(&mut head).await? == 0 {
            return Err(WsError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

fn upgrade(request: &Request, access: &Access, port: u16) -> Result<(Vec<u8>, Admission), Refusal> {
    let admission = access.admit(request, port, |_| None)?;
    let mut answer = Vec::new();
    write_response(&mut answer, &response(request, &admission)?).map_err(|error| bad_request(&error))?;
    Ok((answer, admission))
}

/// An opening handshake that an HTTP server of the caller's own received on `port`: who is let in gets an answer to send
/// and scopes. Another token than those of `access` is let in where `known` says with which scopes.
///
/// The answer is 101; what the connection carries behind it belongs to [`ServerTransport::upgraded`].
///
/// [`ServerTransport::upgraded`]: super::ServerTransport::upgraded
pub fn open<B>(
    request: &http::Request<B>,
    access: &Access,
    port: u16,
    known: impl Fn(&str) -> Option<Scopes>,
) -> Result<(Response<()>, Scopes), Refusal> {
    let admission = access.admit(request, port, known)?;
    Ok((response(request, &admission)?, admission.scopes))
}

fn response<B>(request: &http::Request<B>, admission: &Admission) -> Result<Response<()>, Refusal> {
    let mut response = create_response_with_body(request, || ()).map_err(|error| bad_request(&error))?;
    if admission.subprotocol {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(response)
}

fn bad_request(error: &WsError) -> Refusal {
    match error {
        WsError::AttackAttempt | WsError::Capacity(_) => {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            Refusal { status, reason: "the request is longer than 16 KiB or has too many headers" }
        }
        _ => Refusal { status: StatusCode::BAD_REQUEST, reason: "this is not the opening handshake of a WebSocket" },
    }
}
