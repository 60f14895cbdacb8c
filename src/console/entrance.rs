//! Who may come in by the console: tickets, which a link carries and which let in once, and sessions, which a page keeps.
//!
//! A session is a token that says when it ends, sealed with the daemon's own token: it outlives a restart without being
//! stored, and a new token file ends them all.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sixframe_core::Scopes;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

/// Tickets that may be waiting; the oldest gives way.
const MOST_TICKETS: usize = 16;

/// How long a session lasts. A page renews it whenever it is loaded.
const SESSION: Duration = Duration::from_secs(7 * 24 * 3600);

/// What the seal of a session is about, so that it fits nothing else.
const PURPOSE: &[u8] = b"sixframe console session 1";

const NONCE_BYTES: usize = 16;
const EXPIRY_BYTES: usize = 8;

/// The way in by the console.
pub(crate) struct Entrance {
    url: String,
    secret: String,
    tickets: Mutex<VecDeque<Waiting>>,
}

/// A ticket as its holder gets it.
pub(crate) struct Ticket {
    pub(crate) secret: String,
    pub(crate) lifetime: Duration,
}

/// A session as its page gets it.
pub(crate) struct Session {
    pub(super) token: String,
    pub(super) lifetime: Duration,
}

/// A ticket that nobody has used.
struct Waiting {
    secret: String,
    until: Instant,
}

impl Entrance {
    /// The entrance at `url`, sealed with the daemon's token.
    pub(crate) fn new(url: String, token: String) -> Entrance {
        Entrance { url, secret: token, tickets: Mutex::default() }
    }

    /// Where the console is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A ticket that lets in once, within `lifetime`.
    pub(crate) fn ticket(&self, lifetime: Duration) -> Result<Ticket, getrandom::Error> {
        let secret = random_text()?;
        let mut tickets = self.tickets();
        let now = Instant::now();
        tickets.retain(|waiting| waiting.until > now);
        if tickets.len() == MOST_TICKETS {
            tickets.pop_front();
        }
        tickets.push_back(Waiting { secret: secret.clone(), until: now + lifetime });
        Ok(Ticket { secret, lifetime })
    }

    /// Takes a ticket in, and begins a session; `None` for one that is unknown, used, or too old.
    pub(super) fn redeem(&self, ticket: &str) -> Option<Session> {
        let used = {
            let mut tickets = self.tickets();
            let found =
                tickets.iter().position(|waiting| bool::from(waiting.secret.as_bytes().ct_eq(ticket.as_bytes())))?;
            tickets.remove(found)?
        };
        if used.until > Instant::now() { self.session() } else { None }
    }

    /// A new session for the holder of one that has not ended.
    pub(super) fn renew(&self, token: &str) -> Option<Session> {
        self.holds(token).then(|| self.session()).flatten()
    }

    /// What the holder of a session may do: whatever its user may.
    pub(super) fn scopes(&self, token: &str) -> Option<Scopes> {
        self.holds(token).then_some(Scopes::ALL)
    }

    fn session(&self) -> Option<Session> {
        let mut sealed = (seconds_now() + SESSION.as_secs()).to_be_bytes().to_vec();
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).ok()?;
        sealed.extend_from_slice(&nonce);
        let seal = self.seal(&sealed).finalize().into_bytes();
        sealed.extend_from_slice(&seal);
        Some(Session { token: URL_SAFE_NO_PAD.encode(sealed), lifetime: SESSION })
    }

    fn holds(&self, token: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else { return false };
        let Some((said, seal)) = bytes.split_at_checked(EXPIRY_BYTES + NONCE_BYTES) else { return false };
        let Some(expiry) = said.first_chunk::<EXPIRY_BYTES>() else { return false };
        self.seal(said).verify_slice(seal).is_ok() && u64::from_be_bytes(*expiry) > seconds_now()
    }

    fn seal(&self, said: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("a key may have any length");
        mac.update(PURPOSE);
        mac.update(said);
        mac
    }

    fn tickets(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The link that carries the ticket where no server sees it: behind the `#`.
    pub(crate) fn link(&self, url: &str) -> String {
        format!("{url}#ticket={}", self.secret)
    }
}

fn random_text() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn entrance(token: &str) -> Entrance {
        Entrance::new("http://127.0.0.1:9420/".to_owned(), token.to_owned())
    }

    #[test]
    fn a_ticket_lets_in_once() {
        let entrance = entrance("secret");
        let ticket = entrance.ticket(MINUTE).unwrap();
        assert_eq!(ticket.link(entrance.url()), format!("http://127.0.0.1:9420/#ticket={}", ticket.secret));
        assert!(entrance.redeem("").is_none() && entrance.redeem(&ticket.secret[1..]).is_none());
        assert!(entrance.redeem(&ticket.secret).is_some());
        assert!(entrance.redeem(&ticket.secret).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_ticket_that_is_too_old_lets_nobody_in() {
        let entrance = entrance("secret");
        let ticket = entrance.ticket(MINUTE).unwrap();
        tokio::time::advance(MINUTE).await;
        assert!(entrance.redeem(&ticket.secret).is_none());
    }

    #[test]
    fn the_oldest_of_too_many_tickets_gives_way() {
        let entrance = entrance("secret");
        let tickets: Vec<Ticket> = (0..=MOST_TICKETS).map(|_| entrance.ticket(MINUTE).unwrap()).collect();
        assert!(entrance.redeem(&tickets[0].secret).is_none());
        assert!(entrance.redeem(&tickets[1].secret).is_some());
    }

    #[test]
    fn a_session_outlives_the_daemon_that_began_it_but_not_its_token() {
        let session = entrance("secret").session().unwrap();
        assert_eq!(entrance("secret").scopes(&session.token), Some(Scopes::ALL));
        assert!(entrance("secret").renew(&session.token).is_some());
        assert!(entrance("other").scopes(&session.token).is_none());
        assert!(session.token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }

    #[test]
    fn a_session_that_was_changed_or_has_ended_is_none() {
        let entrance = entrance("secret");
        let sealed = |expiry: u64| {
            let mut said = expiry.to_be_bytes().to_vec();
            said.extend_from_slice(&[7; NONCE_BYTES]);
            let seal = entrance.seal(&said).finalize().into_bytes();
            said.extend_from_slice(&seal);
            said
        };
        let holds = |bytes: &[u8]| entrance.holds(&URL_SAFE_NO_PAD.encode(bytes));
        let good = sealed(seconds_now() + 60);
        assert!(holds(&good));
        assert!(!holds(&sealed(seconds_now())));
        for changed in 0..good.len() {
            let mut bytes = good.clone();
            bytes[changed] ^= 1;
            assert!(!holds(&bytes), "byte {changed}");
            assert!(!holds(&good[..changed]), "cut to {changed}");
        }
        assert!(!entrance.holds("") && !entrance.holds("not base64!"));
    }
}
