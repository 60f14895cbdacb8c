//! A program that the daemon itself has started and that connects back: it runs as the same user and can open the socket and
//! read the token, but it is not the user.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

use sixframe_core::{Identity, Scope};
use sixframe_supervisor::Supervisor;

/// The identity without the scopes that are for people, where it is a supervised program's or cannot be shown not to be.
pub(super) fn restrained(supervisor: &Supervisor, identity: Identity) -> Identity {
    let is_supervised = match identity.pid {
        Some(pid) => supervisor.owns(pid),
        None => is_of_this_machine(&identity) && supervisor.may_own_unseen(identity.uid),
    };
    match is_supervised {
        true => {
            let who = identity.pid.map_or("what hides its process", |_| "a supervised program");
            tracing::info!(pid = identity.pid, "{who} has connected; it may neither approve nor administer");
            let scopes = identity.scopes.without(Scope::Approve).without(Scope::Admin);
            Identity { scopes, ..identity }
        }
        false => identity,
    }
}

/// Whether a peer may be of this machine: only an address that nobody could have here is from elsewhere.
fn is_of_this_machine(identity: &Identity) -> bool {
    let Some(mut at) = identity.address.as_ref().and_then(|address| address.parse::<SocketAddr>().ok()) else {
        return true;
    };
    at.set_ip(at.ip().to_canonical());
    at.set_port(0);
    !UdpSocket::bind(at).is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_nobody_has_here_is_from_elsewhere() {
        let of =
            |address: &str| is_of_this_machine(&Identity { address: Some(address.to_owned()), ..Identity::default() });
        assert!(["127.0.0.1:80", "127.4.5.6:80", "[::ffff:127.0.0.1]:80", "@abstract"].into_iter().all(of));
        assert!(!["192.0.2.7:80", "[::ffff:198.51.100.7]:80", "[2001:db8::7]:80"].into_iter().any(of));
        assert!(is_of_this_machine(&Identity::default()));
    }
}
