//! A program that the daemon itself has started and that connects back: it runs as the same user and can open the socket and
//! read the token, but it is not the user.

use sixframe_core::{Identity, Scope};
use sixframe_supervisor::Supervisor;

/// The identity without the scopes that are for people, where it is a supervised program's or cannot be shown not to be.
pub(super) fn restrained(supervisor: &Supervisor, identity: Identity) -> Identity {
    let is_supervised = match identity.pid {
        Some(pid) => supervisor.owns(pid),
        None => supervisor.may_own_unseen(identity.uid),
    };
    match is_supervised {
        true => {
            tracing::info!(
                pid = identity.pid,
                "a supervised program has connected; it may neither approve nor administer"
            );
            let scopes = identity.scopes.without(Scope::Approve).without(Scope::Admin);
            Identity { scopes, ..identity }
        }
        false => identity,
    }
}
