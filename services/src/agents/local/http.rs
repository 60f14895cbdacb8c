//! One request to a model's service, over a connection of its own that ends with its answer. No redirect is followed, no proxy
//! is used, and a key goes to this machine or over an encrypted connection only.

#[cfg(feature = "tls")]
mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::problem::{Problem, ProblemKind};
use super::place::Place;

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// The most that is read of what a service says about an error, in bytes.
const COMPLAINT: usize = 64 << 10;

/// The longest text of an error that is told, in characters.
const TOLD: usize = 600;

/// The largest head of an answer, in bytes.
const HEAD: usize = 64 << 10;

/// An answer, and the connection that it comes over.
pub(super) struct Answered {
    response: Response<Incoming>,
    connection: Connection,
}

impl Answered {
    /// Whether it is one JSON, and no stream of events.
    pub(super) fn is_json(&self) -> bool {
        let media = self.response.headers().get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
        media.is_some_and(|media| media.starts_with("application/json"))
    }

    /// Its body, and what has to live as long as that is read.
    pub(super) fn into_parts(self) -> (Incoming, Connection) {
        (self.response.into_body(), self.connection)
    }
}

/// A connection. Dropping it ends it.
pub(super) struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks for something with a body of JSON.
pub(super) async fn post(place: &Place, key: Option<&str>, path: &str, body: String) -> Result<Answered, Problem> {
    request(place, key, Method::POST, path, body).await
}

/// Asks for something.
pub(super) async fn get(place: &Place, key: Option<&str>, path: &str) -> Result<Answered, Problem> {
    request(place, key, Method::GET, path, String::new()).await
}

async fn request(
    place: &Place,
    key: Option<&str>,
    method: Method,
    path: &str,
    body: String,
) -> Result<Answered, Problem> {
    let at = place.authority();
    let unreachable = |error: &dyn std::fmt::Display| {
        Problem::new(ProblemKind::Network, format!("{at} cannot be reached: {error}"))
            .hint("is it running, and is agent.local.url right?")
    };
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}/{path}", place.base))
        .header(HOST, &at)
        .header(USER_AGENT, concat!("sixframe/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "text/event-stream, application/json");
    if let Some(key) = key {
        let no_key = |_| Problem::new(ProblemKind::AuthRequired, "the key holds what no key can");
        let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(no_key)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let request = request.body(Full::new(Bytes::from(body)));
    let request = request.map_err(|error| Problem::new(ProblemKind::InvalidRequest, error.to_string()))?;
    let connecting = timeout(CONNECTING, connect(place)).await;
    let late = io::Error::new(io::ErrorKind::TimedOut, "it does not answer");
    let stream = connecting.unwrap_or(Err(late)).map_err(|error| unreachable(&error))?;
    let broken =
        |error: hyper::Error| Problem::new(ProblemKind::Network, format!("{at} broke off: {}", source(&error)));
    let mut builder = http1::Builder::new();
    let handshake = builder.max_buf_size(HEAD).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(broken)?;
    // How the connection ends, the answer tells.
    let connection = Connection(tokio::spawn(async move { drop(connection.await) }));
    let response = sender.send_request(request).await.map_err(broken)?;
    match response.status() {
        StatusCode::OK => Ok(Answered { response, connection }),
        status => Err(refused(status, response).await),
    }
}

/// What hyper's errors are about stands in their source.
pub(super) fn source(error: &hyper::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

async fn connect(place: &Place) -> io::Result<Box<dyn Wire>> {
    let found: Vec<SocketAddr> = lookup_host((place.host.as_str(), place.port)).await?.collect();
    // A name such as localhost leads where the system says.
    let usable = found.into_iter().filter(|address| place.is_encrypted || address.ip().is_loopback());
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name leads to no address that may be used");
    for address in usable {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return encrypted(place, stream).await;
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(feature = "tls")]
async fn encrypted(place: &Place, stream: TcpStream) -> io::Result<Box<dyn Wire>> {
    match place.is_encrypted {
        true => Ok(Box::new(tls::encrypted(&place.host, stream).await?)),
        false => Ok(Box::new(stream)),
    }
}

#[cfg(not(feature = "tls"))]
async fn encrypted(place: &Place, stream: TcpStream) -> io::Result<Box<dyn Wire>> {
    match place.is_encrypted {
        true => Err(io::Error::new(io::ErrorKind::Unsupported, "this build cannot encrypt")),
        false => Ok(Box::new(stream)),
    }
}

/// What a service says instead of an answer.
async fn refused(status: StatusCode, response: Response<Incoming>) -> Problem {
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let is_moved = status.is_redirection();
    let body = Limited::new(response.into_body(), COMPLAINT).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let error = serde_json::from_slice::<Value>(&body).map(|body| complaint(&body)).unwrap_or_default();
    let Complaint { message, code } = error;
    let text = message.unwrap_or_else(|| match is_moved {
        true => "it leads elsewhere, and no redirect is followed; correct agent.local.url".to_owned(),
        false => format!("the service answered {status}"),
    });
    let problem = Problem::of_status(status.as_u16(), text);
    let problem = Problem { retry_after_ms: retry_after.map(|seconds| seconds.saturating_mul(1000)), ..problem };
    told(problem, code)
}

/// What a service has to say about an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    message: Option<String>,
    code: Option<String>,
}

/// Reads `{error: {message, type, code}}`, or what comes close to it.
pub(super) fn complaint(body: &Value) -> Complaint {
    let error = body.get("error").unwrap_or(body);
    let text = |value: &Value| value.as_str().map(|text| text.chars().take(TOLD).collect::<String>());
    let message = text(error).or_else(|| text(&error["message"])).or_else(|| text(&body["detail"]));
    let code = text(&error["code"]).or_else(|| text(&error["type"]));
    Complaint { message, code }
}

/// A problem that came in the midst of a stream.
pub(super) fn in_stream(body: &Value) -> Problem {
    let status = body["error"]["code"].as_u64().and_then(|status| u16::try_from(status).ok());
    let Complaint { message, code } = complaint(body);
    let text = message.unwrap_or_else(|| "the service failed in the midst of its answer".to_owned());
    let problem = match status.filter(|status| (400..600).contains(status)) {
        Some(status) => Problem::of_status(status, text),
        None => Problem::new(ProblemKind::ProviderError, text),
    };
    told(problem, code)
}

/// The same problem by the service's own word for it, where that says more than the status.
fn told(problem: Problem, code: Option<String>) -> Problem {
    let Some(code) = code else { return hinted(problem) };
    let kind = match code.as_str() {
        "context_length_exceeded" | "exceed_context_size_error" => ProblemKind::ContextOverflow,
        "insufficient_quota" => ProblemKind::QuotaExhausted,
        "model_not_found" => ProblemKind::ModelNotFound,
        "invalid_api_key" | "authentication_error" => ProblemKind::AuthRequired,
        "rate_limit_exceeded" => ProblemKind::RateLimited,
        "content_filter" | "content_policy_violation" => ProblemKind::ContentPolicy,
        "overloaded_error" | "unavailable_error" => ProblemKind::Overloaded,
        _ => problem.kind,
    };
    let retryable = if kind == problem.kind { problem.retryable } else { Problem::new(kind, "").retryable };
    hinted(Problem { kind, retryable, ..problem }.code(code))
}

fn hinted(problem: Problem) -> Problem {
    let hint = match problem.kind {
        ProblemKind::AuthRequired => "name the variable that holds the key with agent.local.key_env",
        ProblemKind::ModelNotFound => "name a model that the service has with agent.local.model",
        ProblemKind::ContextOverflow => "send less, or lower agent.local.history_characters",
        _ => return problem,
    };
    problem.hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_complaint_is_read_in_the_shapes_that_services_have() {
        let read = |body: Value| {
            let Complaint { message, code } = complaint(&body);
            (message.unwrap_or_default(), code.unwrap_or_default())
        };
        let openai = json!({"error": {"message": "no", "type": "invalid_request_error", "code": "model_not_found"}});
        assert_eq!(read(openai), ("no".to_owned(), "model_not_found".to_owned()));
        assert_eq!(read(json!({"error": "no"})), ("no".to_owned(), String::new()));
        assert_eq!(read(json!({"detail": "no"})), ("no".to_owned(), String::new()));
        assert_eq!(read(json!([1, 2])), (String::new(), String::new()));
    }

    #[test]
    fn the_services_word_says_more_than_its_status() {
        let kind = |status, code: &str| told(Problem::of_status(status, "x"), Some(code.to_owned())).kind;
        assert_eq!(kind(400, "exceed_context_size_error"), ProblemKind::ContextOverflow);
        assert_eq!(kind(429, "insufficient_quota"), ProblemKind::QuotaExhausted);
        assert_eq!(kind(429, "other"), ProblemKind::RateLimited);
        assert!(!told(Problem::of_status(429, "x"), Some("insufficient_quota".into())).retryable);
        let body = json!({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}});
        assert_eq!(in_stream(&body).kind, ProblemKind::Overloaded);
    }
}
