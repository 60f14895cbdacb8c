//! One HTTP request over a connection of its own: no redirect is followed, nothing is kept, nobody's body is read.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The header in which a program shows the nonce that it was given.
const NONCE: &str = "sixframe-nonce";

/// What is looked at of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The nonce that it shows.
    pub(crate) nonce: Option<String>,
}

/// Sends a request. Errors: what broke, in words.
pub(crate) async fn request(stream: TcpStream, port: u16, method: &str, path: &str) -> Result<Answer, String> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, format!("127.0.0.1:{port}"))
        .header(USER_AGENT, "sixframe")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let told = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
    let answer = sender.send_request(request);
    tokio::pin!(answer, connection);
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        // The connection may end right behind the answer.
        ended = &mut connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(error),
        },
    };
    let answer = answer.map_err(told)?;
    let nonce = answer.headers().get(NONCE).and_then(|nonce| Some(nonce.to_str().ok()?.to_owned()));
    Ok(Answer { status: answer.status().as_u16(), nonce })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn answered(answer: &'static [u8]) -> (Result<Answer, String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asking = tokio::spawn(async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            request(stream, port, "GET", "/health").await
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 1024];
        let read = stream.read(&mut asked).await.unwrap();
        stream.write_all(answer).await.unwrap();
        drop(stream);
        asked.truncate(read);
        (asking.await.unwrap(), String::from_utf8(asked).unwrap())
    }

    #[tokio::test]
    async fn the_status_is_told_and_a_redirect_is_not_followed() {
        let (answer, asked) =
            answered(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n\r\n").await;
        assert_eq!(answer, Ok(Answer { status: 307, nonce: None }));
        assert!(asked.starts_with("GET /health HTTP/1.1\r\n") && asked.contains("connection: close"), "{asked}");
    }

    #[tokio::test]
    async fn the_nonce_is_told_that_an_answer_shows() {
        let (answer, _) = answered(b"HTTP/1.1 200 OK\r\nSixframe-Nonce: abc\r\n\r\n").await;
        assert_eq!(answer.unwrap().nonce.as_deref(), Some("abc"));
    }

    #[tokio::test]
    async fn what_is_no_http_is_an_error() {
        assert!(answered(b"+OK hello\r\n").await.0.is_err());
        assert!(answered(b"").await.0.is_err());
    }
}
