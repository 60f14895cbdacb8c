//! Who may come in over HTTP: the right host, an allowed origin, a known token. Decides on headers alone, for WebSockets and
//! for a server that offers pages beside them.

use std::fmt;
use std::net::IpAddr;

use sixframe_core::Scopes;
use subtle::ConstantTimeEq;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Request, StatusCode};

use super::{SUBPROTOCOL, TOKEN_SUBPROTOCOL};

/// A secret that lets its holder in, and what it may then do. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    secret: String,
    /// What its holder may do.
    pub scopes: Scopes,
}

impl Token {
    /// A token; `secret` consists of letters, digits and `-._~`, so that it fits every header.
    pub fn new(secret: impl Into<String>, scopes: Scopes) -> Token {
        Token { secret: secret.into(), scopes }
    }

    fn is(&self, offered: &str) -> bool {
        !self.secret.is_empty() && bool::from(self.secret.as_bytes().ct_eq(offered.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?})", self.scopes)
    }
}

/// Who may connect. By default nobody: without a token there is no way in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The tokens that are known, each with its scopes.
    pub tokens: Vec<Token>,
    /// Values of the `Host` header that are accepted beside loopback names and addresses with our port: `name` or
    /// `name:port`, in lower case.
    pub hosts: Vec<String>,
    /// Origins of web pages that may connect, beside those that we serve ourselves: `https://app.example`, or `null`.
    /// A request without an origin comes from no web page and needs none.
    pub origins: Vec<String>,
}

/// Why a request is turned away, as its HTTP answer says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: StatusCode,
    /// Its body: one sentence, which names the setting where one could let the request in.
    pub reason: &'static str,
}

const fn refusal(status: StatusCode, reason: &'static str) -> Refusal {
    Refusal { status, reason }
}

/// What a request that is let in gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admission {
    pub(super) scopes: Scopes,
    /// Whether the peer offered our subprotocol, which is then named in the answer.
    pub(super) subprotocol: bool,
}

impl Access {
    /// Lets an opening handshake that came to `port` in. Host and origin first: a foreign page must not even learn whether
    /// its token is right. `known` says what the holder of a token may do that is not among [`Access::tokens`].
    pub(super) fn admit<B>(
        &self,
        request: &Request<B>,
        port: u16,
        known: impl Fn(&str) -> Option<Scopes>,
    ) -> Result<Admission, Refusal> {
        let headers = request.headers();
        self.check_source(headers, port)?;
        let offered = subprotocols(headers);
        let token = token(headers, &offered, request.uri().query())?;
        let scopes = self.scopes(token).or_else(|| known(token));
        let scopes = scopes.ok_or(refusal(StatusCode::UNAUTHORIZED, "this token is not known here"))?;
        let subprotocol = offered.contains(&SUBPROTOCOL);
        if !subprotocol && offered.iter().any(|name| !name.starts_with(TOKEN_SUBPROTOCOL)) {
            return Err(refusal(StatusCode::BAD_REQUEST, "offer the subprotocol sixframe.v0"));
        }
        Ok(Admission { scopes, subprotocol })
    }

    /// Refuses a request that came to `port` for a host that is not ours, as a foreign name that resolves to this machine
    /// makes a browser send it, or from a page of a foreign origin.
    pub fn check_source(&self, headers: &HeaderMap, port: u16) -> Result<(), Refusal> {
        let host = self.check_host(headers, port)?;
        self.check_origin(headers, &host)
    }

    /// Refuses a request for a page, or a part of one, that came to `port` for a host that is not ours, or that another
    /// site's page makes. That a link on another site leads here is no such request.
    pub fn check_page(&self, headers: &HeaderMap, port: u16) -> Result<(), Refusal> {
        let host = self.check_host(headers, port)?;
        let navigates = single(headers, "sec-fetch-mode")? == Some("navigate")
            && single(headers, "sec-fetch-dest")? == Some("document");
        if navigates { Ok(()) } else { self.check_origin(headers, &host) }
    }

    /// Refuses a request that came to `port` unless a browser vouches that a page of ours makes it.
    pub fn check_own_page(&self, headers: &HeaderMap, port: u16) -> Result<(), Refusal> {
        self.check_source(headers, port)?;
        match single(headers, "sec-fetch-site")? {
            Some("same-origin") => Ok(()),
            Some(_) | None => Err(refusal(StatusCode::FORBIDDEN, "only a page of this server may ask for this")),
        }
    }

    /// Refuses a request that came to `port` for a host that is not ours, and gives the host, in lower case, of any other.
    pub fn check_host(&self, headers: &HeaderMap, port: u16) -> Result<String, Refusal> {
        let host = single(headers, "host")?.unwrap_or_default().to_ascii_lowercase();
        if !self.host_is_ours(&host, port) {
            return Err(refusal(StatusCode::FORBIDDEN, "this host is not served here; add it to ws.allowed_hosts"));
        }
        Ok(host)
    }

    fn host_is_ours(&self, host: &str, port: u16) -> bool {
        if self.hosts.iter().any(|allowed| allowed == host) {
            return true;
        }
        let (name, at) = split_port(host);
        if self.hosts.iter().any(|allowed| allowed == name) {
            return at.is_none_or(|at| at == port);
        }
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let loopback = bare == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        loopback && at.unwrap_or(80) == port
    }

    fn check_origin(&self, headers: &HeaderMap, host: &str) -> Result<(), Refusal> {
        let origin = single(headers, "origin")?;
        let site = single(headers, "sec-fetch-site")?;
        let allowed = match origin {
            Some(origin) => self.origin_is_allowed(origin, host),
            None => !matches!(site, Some("cross-site" | "same-site")),
        };
        allowed
            .then_some(())
            .ok_or(refusal(StatusCode::FORBIDDEN, "this origin may not connect; add it to ws.allowed_origins"))
    }

    fn origin_is_allowed(&self, origin: &str, host: &str) -> bool {
        let own = origin.strip_prefix("http://").is_some_and(|of| of.eq_ignore_ascii_case(host));
        own || self.origins.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
    }

    /// All tokens are compared, so that the time tells nothing.
    fn scopes(&self, token: &str) -> Option<Scopes> {
        self.tokens.iter().fold(None, |known, candidate| match candidate.is(token) {
            true => Some(candidate.scopes),
            false => known,
        })
    }
}

/// The token that a request shows, as a header or as a subprotocol.
fn token<'a>(headers: &'a HeaderMap, offered: &[&'a str], query: Option<&str>) -> Result<&'a str, Refusal> {
    let bearer = single(headers, "authorization")?
        .map(|value| value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")));
    let token = match bearer {
        Some(Some((_, token))) => Some(token.trim()),
        Some(None) => None,
        None => offered.iter().find_map(|name| name.strip_prefix(TOKEN_SUBPROTOCOL)),
    };
    token.ok_or_else(|| {
        let hint = match query {
            Some(_) => "a token in the URL is not accepted; send it as Authorization: Bearer",
            None => "send a token as Authorization: Bearer, or as the subprotocol sixframe.token.TOKEN",
        };
        refusal(StatusCode::UNAUTHORIZED, hint)
    })
}

/// The header's one value; a second one could be read by somebody else as the first.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(refusal(StatusCode::BAD_REQUEST, "a header that decides on access stands twice"));
    }
    match value.map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(refusal(StatusCode::BAD_REQUEST, "a header that decides on access is not ASCII")),
    }
}

fn subprotocols(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all("sec-websocket-protocol").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty()).collect()
}

fn split_port(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && (!name.contains(':') || name.ends_with(']')) => {
            (name, Some(port.parse().unwrap_or(0)))
        }
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sixframe_core::Scope;
    use tokio_tungstenite::tungstenite::http::header::{HeaderName, HeaderValue};

    fn access() -> Access {
        Access {
            tokens: vec![Token::new("other", Scopes::ALL), Token::new("right", Scopes::NONE.with(Scope::Read))],
            hosts: vec!["box.lan".to_owned(), "proxy.example:443".to_owned()],
            origins: vec!["https://app.example".to_owned()],
        }
    }

    fn status(headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().uri("/?token=right");
        for (name, value) in [("host", "localhost:4000"), ("authorization", "Bearer right")] {
            if !headers.iter().any(|(named, _)| *named == name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        match access().admit(&request.body(()).unwrap(), 4000, |_| None) {
            Ok(_) => 101,
            Err(refusal) => refusal.status.as_u16(),
        }
    }

    #[test]
    fn only_our_own_hosts_are_served() {
        for host in [
            "localhost:4000",
            "LOCALHOST:4000",
            "127.0.0.1:4000",
            "127.1.2.3:4000",
            "[::1]:4000",
            "box.lan:4000",
            "box.lan",
            "proxy.example:443",
        ] {
            assert_eq!(status(&[("host", host)]), 101, "{host}");
        }
        for host in [
            "",
            "localhost",
            "localhost:4001",
            "evil.example:4000",
            "localhost.evil.example:4000",
            "127.0.0.1.evil:4000",
            "box.lan:1",
            "proxy.example",
            "10.0.0.1:4000",
            ":4000",
            "localhost:4000:4000",
            "localhost:x",
        ] {
            assert_eq!(status(&[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(&[("host", "localhost:4000"), ("host", "evil:1")]), 400);
    }

    #[test]
    fn only_allowed_pages_may_connect() {
        for origin in ["https://app.example", "HTTPS://App.example", "http://localhost:4000"] {
            assert_eq!(status(&[("origin", origin)]), 101, "{origin}");
            assert_eq!(status(&[("origin", origin), ("sec-fetch-site", "cross-site")]), 101, "{origin}");
        }
        for origin in
            ["null", "https://evil.example", "http://localhost:4001", "http://app.example", "https://app.example.evil"]
        {
            assert_eq!(status(&[("origin", origin)]), 403, "{origin}");
        }
        assert_eq!(status(&[("sec-fetch-site", "cross-site")]), 403);
        assert_eq!(status(&[("sec-fetch-site", "same-site")]), 403);
        assert_eq!(status(&[("sec-fetch-site", "same-origin")]), 101);
        assert_eq!(status(&[("sec-fetch-site", "none")]), 101);
    }

    #[test]
    fn a_page_is_for_our_own_pages_and_for_people_who_follow_a_link() {
        let checked = |check: fn(&Access, &HeaderMap, u16) -> Result<(), Refusal>, host: &str, fetch: [&str; 3]| {
            let names = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"];
            let headers = [("host", host)].into_iter().chain(names.into_iter().zip(fetch));
            let headers = headers
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()));
            check(&access(), &headers.collect(), 4000).is_ok()
        };
        let ours = "localhost:4000";
        let (page, own_page) = (Access::check_page, Access::check_own_page);
        for fetch in [["", "", ""], ["none", "navigate", "document"], ["same-origin", "cors", "script"]] {
            assert!(checked(page, ours, fetch), "{fetch:?}");
            assert!(!checked(page, "evil.example:4000", fetch), "{fetch:?}");
        }
        assert!(checked(page, ours, ["cross-site", "navigate", "document"]));
        for fetch in [
            ["cross-site", "no-cors", "script"],
            ["cross-site", "navigate", "iframe"],
            ["same-site", "no-cors", "image"],
            ["same-site", "cors", "empty"],
        ] {
            assert!(!checked(page, ours, fetch), "{fetch:?}");
        }
        assert!(checked(own_page, ours, ["same-origin", "cors", "empty"]));
        for site in ["", "none", "same-site", "cross-site"] {
            assert!(!checked(own_page, ours, [site, "navigate", "document"]), "{site:?}");
        }
        assert!(!checked(own_page, "evil.example:4000", ["same-origin", "cors", "empty"]));
    }

    #[test]
    fn only_a_token_in_a_header_lets_in() {
        for credentials in [("authorization", "Bearer right"), ("authorization", "bearer  right")] {
            assert_eq!(status(&[credentials]), 101, "{credentials:?}");
        }
        for credentials in ["Bearer wrong", "Bearer ", "Bearer", "Basic right", "right", "Bearer rightt", ""] {
            assert_eq!(status(&[("authorization", credentials)]), 401, "{credentials:?}");
        }
        let by = |protocols| status(&[("authorization", ""), ("sec-websocket-protocol", protocols)]);
        assert_eq!(by("sixframe.v0, sixframe.token.right"), 101);
        assert_eq!(by("sixframe.v0, sixframe.token.wrong"), 401);
        assert_eq!(by("sixframe.v0"), 401);
        let both = [("authorization", "Bearer wrong"), ("sec-websocket-protocol", "sixframe.v0, sixframe.token.right")];
        assert_eq!(status(&both), 401);
    }

    #[test]
    fn a_token_brings_its_own_scopes_and_no_others() {
        let request = Request::builder().header("host", "localhost:4000").header("authorization", "Bearer right");
        let admission = access().admit(&request.body(()).unwrap(), 4000, |_| None).unwrap();
        assert_eq!(admission, Admission { scopes: Scopes::NONE.with(Scope::Read), subprotocol: false });
    }

    #[test]
    fn without_tokens_nobody_comes_in() {
        let nobody = Access { tokens: vec![Token::new("", Scopes::ALL)], ..Access::default() };
        for credentials in ["Bearer ", "Bearer x"] {
            let request = Request::builder().header("host", "localhost:4000").header("authorization", credentials);
            let refusal = nobody.admit(&request.body(()).unwrap(), 4000, |_| None).unwrap_err();
            assert_eq!(refusal.status, StatusCode::UNAUTHORIZED);
        }
    }

    #[test]
    fn an_unknown_subprotocol_is_refused() {
        assert_eq!(status(&[("sec-websocket-protocol", "chat")]), 400);
        assert_eq!(status(&[("sec-websocket-protocol", "chat, sixframe.v0")]), 101);
    }

    #[test]
    fn no_debug_output_shows_a_secret() {
        assert!(!format!("{:?}", access()).contains("right"));
    }
}
