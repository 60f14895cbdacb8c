//! Who is at the other end of a connection, as far as the transport can vouch for it.

use serde::{Deserialize, Serialize};

/// What a token, or a transport that needs none, allows its holder to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Look: snapshots, watches, lists.
    Read,
    /// Act: everything that changes something and needs no person's consent.
    Call,
    /// Consent in a person's name.
    Approve,
    /// Administer the daemon itself.
    Admin,
}

/// A set of [`Scope`]s.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// No scope at all.
    pub const NONE: Scopes = Scopes(0);
    /// Every scope.
    pub const ALL: Scopes = Scopes(0b1111);

    /// Whether `scope` is in the set.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// The set with `scope` in it.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Scopes {
        Scopes(self.0 | (1 << scope as u8))
    }

    /// The set without `scope`.
    #[must_use]
    pub const fn without(self, scope: Scope) -> Scopes {
        Scopes(self.0 & !(1 << scope as u8))
    }
}

impl std::fmt::Debug for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = [Scope::Read, Scope::Call, Scope::Approve, Scope::Admin];
        f.debug_set().entries(all.into_iter().filter(|s| self.contains(*s))).finish()
    }
}

/// The peer of a connection: how it came, what it may do, and which process it is where the system says so.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Identity {
    /// The transport's name: `unix`, `pipe`, `ws`, `stdio`, `child`, `memory`, `relay`.
    pub transport: &'static str,
    /// The scopes that the peer's token, or the transport itself, grants.
    pub scopes: Scopes,
    /// The peer's process id: unix sockets, named pipes, children, and TCP within this machine where the socket table shows
    /// it.
    pub pid: Option<u32>,
    /// The peer's user id, on Unix.
    pub uid: Option<u32>,
    /// The peer's address, for logs.
    pub address: Option<String>,
    /// Why it has fewer scopes than another one that came the same way, in words behind "because": told to it when it is refused.
    pub restrained: Option<&'static str>,
}
