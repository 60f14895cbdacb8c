//! A program that the daemon itself has started and that connects back: it runs as the same user and can open the socket and
//! read the token, but it is not the user.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

use sixframe_core::{Identity, Scope};
use sixframe_supervisor::Supervisor;

const SUPERVISED: &str =
    "it comes from a program that the daemon has started, or from one that cannot be told from such";
const OF_AN_AGENT: &str = "it comes from a program of an agent, or from one that cannot be told from such";
const HIDDEN: &str = "the process behind it cannot be seen, and the daemon has started programs that could hide so";

/// Those who hold what the daemon has started.
#[derive(Clone)]
pub(crate) struct Families {
    /// All of it.
    pub(crate) all: Supervisor,
    /// What was started for agents.
    pub(crate) agents: Supervisor,
}

impl Families {
    /// The identity without the scopes that are for people, where it is a supervised program's or cannot be shown not to be.
    /// What descends from an agent looks on alone: it may have no other agent do what its own may not.
    pub(super) fn restrained(&self, identity: Identity) -> Identity {
        let (held, whose) = match (is_below(&self.agents, &identity), is_below(&self.all, &identity)) {
            (true, _) => (&[Scope::Approve, Scope::Admin, Scope::Call][..], OF_AN_AGENT),
            (false, true) => (&[Scope::Approve, Scope::Admin][..], SUPERVISED),
            (false, false) => return identity,
        };
        let why = identity.pid.map_or(HIDDEN, |_| whose);
        tracing::info!(pid = identity.pid, "a connection does not have the scopes {held:?}, because {why}");
        let scopes = held.iter().fold(identity.scopes, |scopes, scope| scopes.without(*scope));
        Identity { scopes, restrained: Some(why), ..identity }
    }
}

fn is_below(supervisor: &Supervisor, identity: &Identity) -> bool {
    match identity.pid {
        Some(pid) => supervisor.owns(pid),
        None => is_of_this_machine(identity) && supervisor.may_own_unseen(identity.uid),
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
        assert!(!["203.0.113.7:80", "[::ffff:198.51.100.7]:80"].into_iter().any(of));
        assert!(is_of_this_machine(&Identity::default()));
        // Without IPv6 nobody comes by it, and what the system says to its addresses is no answer.
        if UdpSocket::bind("[::1]:0").is_ok() {
            assert!(of("[::1]:80") && !of("[2001:db8::7]:80"));
        }
    }

    #[test]
    fn another_address_of_this_machine_is_here_too() {
        // No packet is sent: the system only says from where one would be. There may be no such address.
        let outward = |ours: &str, theirs: &str| {
            let socket = UdpSocket::bind(ours).ok()?;
            socket.connect(theirs).ok()?;
            socket.local_addr().ok()
        };
        let addresses = [outward("0.0.0.0:0", "203.0.113.7:9"), outward("[::]:0", "[2001:db8::7]:9")];
        for address in addresses.into_iter().flatten() {
            let identity = Identity { address: Some(address.to_string()), ..Identity::default() };
            assert!(is_of_this_machine(&identity), "{address}");
        }
    }
}
