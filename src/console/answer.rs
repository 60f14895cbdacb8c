//! What the console's server answers: the files of the page, a session for a ticket, the opening of a WebSocket. Every answer
//! carries the headers that keep foreign pages and foreign scripts out.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use sixframe_core::Scopes;
use sixframe_transports::websocket::{self, Access, Refusal};

use super::entrance::{Entrance, Session};
use super::site::{Asset, Site};

/// An answer that is whole in memory.
pub(super) type Answer = Response<Full<Bytes>>;

/// How long a body may take.
const ASKED_TIME: std::time::Duration = std::time::Duration::from_secs(5);

/// Longest body that is read.
const ASKED_BYTES: usize = 1024;

/// Where a WebSocket is opened.
const SOCKET_PATHS: [&str; 2] = ["/", "/ws"];

const SESSION_PATH: &str = "/session";

/// What stands in the page's place until it is there.
const NOT_BUILT: &str = "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><title>Sixframe</title>
<h1>The console is not built yet</h1>
<p>The daemon runs. Its console is a web page that Node.js (20.19 or newer) builds; in a clone of the repository:</p>
<pre>cargo xtask start</pre>
<p>builds both, or <code>npm ci &amp;&amp; npm run build -w sixframe -w sixframe-console</code> builds the page alone, and the daemon
takes it from the folder that <code>--console-dir console/dist</code> or the key <code>console.dir</code> names. Then load this page
again.</p>
</html>
";

/// What answers, the same for all connections.
pub(super) struct Desk {
    pub(super) site: Arc<Site>,
    pub(super) entrance: Arc<Entrance>,
    pub(super) access: Access,
    pub(super) port: u16,
}

/// What `POST /session` takes, unless it shows a session to renew.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    ticket: String,
}

impl Desk {
    /// Answers a request that opens no WebSocket.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let host = self.access.check_host(request.headers(), self.port).unwrap_or_default();
        let answer = match self.decided(request).await {
            Ok(answer) => answer,
            Err(refusal) => self.refused(&refusal),
        };
        guarded(answer, &host)
    }

    /// The answer to a request that is turned away.
    pub(super) fn refused(&self, refusal: &Refusal) -> Answer {
        tracing::info!(status = %refusal.status, reason = refusal.reason, "the console refused a request");
        said(refusal.status, refusal.reason)
    }

    /// Opens a WebSocket: the answer, and what its holder may do.
    pub(super) fn open(&self, request: &Request<Incoming>) -> Result<(Answer, Scopes), Refusal> {
        if !SOCKET_PATHS.contains(&request.uri().path()) {
            return Err(Refusal { status: StatusCode::NOT_FOUND, reason: "a WebSocket is opened at /" });
        }
        let known = |token: &str| self.entrance.scopes(token);
        let (response, scopes) = websocket::open(request, &self.access, self.port, known)?;
        Ok((response.map(|()| Full::default()), scopes))
    }

    async fn decided(&self, request: Request<Incoming>) -> Result<Answer, Refusal> {
        if request.uri().authority().is_some() {
            return Err(Refusal { status: StatusCode::BAD_REQUEST, reason: "this is no proxy; ask for a path" });
        }
        let is_session = request.uri().path() == SESSION_PATH;
        match *request.method() {
            Method::POST if is_session => self.session(request).await,
            Method::GET | Method::HEAD if !is_session => self.page(&request).await,
            _ if is_session => Ok(not_allowed("POST")),
            _ => Ok(not_allowed("GET, HEAD")),
        }
    }

    async fn page(&self, request: &Request<Incoming>) -> Result<Answer, Refusal> {
        self.access.check_page(request.headers(), self.port)?;
        let path = request.uri().path().to_owned();
        let accepted = text_of(request.headers(), header::ACCEPT_ENCODING).to_owned();
        let known_version = text_of(request.headers(), header::IF_NONE_MATCH).to_owned();
        let site = Arc::clone(&self.site);
        let found = move || match site.asset(&path, &accepted) {
            Some(asset) => file(asset, &known_version),
            None if path == "/" && !site.is_built() => not_built(),
            None => said(StatusCode::NOT_FOUND, "there is no such file"),
        };
        let answer = tokio::task::spawn_blocking(found).await;
        Ok(answer.unwrap_or_else(|_| said(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read")))
    }

    /// A session for a ticket, or for a session that has not ended.
    async fn session(&self, request: Request<Incoming>) -> Result<Answer, Refusal> {
        self.access.check_own_page(request.headers(), self.port)?;
        let shown = text_of(request.headers(), header::AUTHORIZATION);
        if let Some(token) = shown.strip_prefix("Bearer ") {
            return Ok(session_or(self.entrance.renew(token), "this session has ended"));
        }
        let bad = |reason| Refusal { status: StatusCode::BAD_REQUEST, reason };
        if text_of(request.headers(), header::CONTENT_TYPE) != "application/json" {
            return Err(bad("send {\"ticket\": …} as application/json"));
        }
        let read = tokio::time::timeout(ASKED_TIME, Limited::new(request.into_body(), ASKED_BYTES).collect());
        let body = read.await.map_err(|_| bad("the body took too long"))?;
        let body = body.map_err(|_| bad("the body is cut short or longer than 1 KiB"))?.to_bytes();
        let asked: Asked = serde_json::from_slice(&body).map_err(|_| bad("send {\"ticket\": …}"))?;
        Ok(session_or(self.entrance.redeem(&asked.ticket), "this link was used before or is too old"))
    }
}

fn session_or(session: Option<Session>, why_not: &str) -> Answer {
    let Some(session) = session else {
        return said(StatusCode::UNAUTHORIZED, &format!("{why_not}; `sixframe open` makes a new link"));
    };
    tracing::info!("a page of the console has a session");
    let told = json!({"token": session.token, "expiresInMs": session.lifetime.as_millis() as u64});
    answer(StatusCode::OK, "application/json", told.to_string().into())
}

fn file(asset: Asset, known_version: &str) -> Answer {
    let is_known = known_version.split(',').map(str::trim).any(|tag| tag.trim_start_matches("W/") == asset.tag);
    let mut answer = match is_known {
        true => answer(StatusCode::NOT_MODIFIED, asset.content_type, Bytes::new()),
        false => answer(StatusCode::OK, asset.content_type, asset.bytes.into()),
    };
    let kept = if asset.is_hashed { "private, max-age=31536000, immutable" } else { "no-cache" };
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::ETAG, HeaderValue::from_str(&asset.tag).expect("a tag is hexadecimal and plain words"));
    if let Some(encoding) = asset.encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    answer
}

fn not_built() -> Answer {
    answer(StatusCode::SERVICE_UNAVAILABLE, "text/html; charset=utf-8", Bytes::from_static(NOT_BUILT.as_bytes()))
}

fn not_allowed(allowed: &'static str) -> Answer {
    let mut answer = said(StatusCode::METHOD_NOT_ALLOWED, "this method is not served here");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
}

fn said(status: StatusCode, text: &str) -> Answer {
    answer(status, "text/plain; charset=utf-8", format!("{text}\n").into())
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Adds what a browser must know: whose scripts run in the page, whom it may talk to, who may embed it, and that nobody is
/// told where its user came from. `host` is one of ours, or empty.
pub(super) fn guarded(mut answer: Answer, host: &str) -> Answer {
    let socket = if host.is_empty() { String::new() } else { format!(" ws://{host}") };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{socket}; img-src 'self' data:; \
         font-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    );
    let headers = answer.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A header's text; empty where it is missing or no text.
fn text_of(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
