//! Who listens on a port of this machine: nobody, a process below a child of ours, or somebody else. Knows nothing of what is
//! said to whoever listens.

#[cfg(target_os = "linux")]
mod linux;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};

use sixframe_supervisor::Child;
use tokio::net::{TcpSocket, TcpStream};

use super::api::Holder;

/// The port of a run, once it is known. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunPort(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    port: AtomicU16,
    is_ipv6: AtomicBool,
    nonce: OnceLock<String>,
}

impl RunPort {
    pub(crate) fn get(&self) -> Option<u16> {
        Some(self.0.port.load(Ordering::Relaxed)).filter(|port| *port > 0)
    }

    pub(crate) fn set(&self, port: u16) {
        self.0.port.store(port, Ordering::Relaxed);
    }

    /// What the run is given, to show by it at this port that it is the one. Empty where the system has no random numbers.
    pub(crate) fn nonce(&self) -> &str {
        self.0.nonce.get_or_init(|| {
            let mut bytes = [0; 16];
            let is_random = getrandom::fill(&mut bytes).is_ok();
            if is_random { format!("{:032x}", u128::from_ne_bytes(bytes)) } else { String::new() }
        })
    }

    /// Whether whoever listens there was last found by IPv6.
    pub(crate) fn is_ipv6(&self) -> bool {
        self.0.is_ipv6.load(Ordering::Relaxed)
    }
}

/// Who answered at a port.
pub(crate) enum Answered {
    /// Nobody.
    Nobody,
    /// A process below the child; the connection to it.
    Ours(TcpStream),
    /// Another process, which the system may tell; the connection to it.
    Foreign(Option<Holder>, TcpStream),
    /// Nobody knows: this process could not look, for want of descriptors as a rule.
    Unknown(io::Error),
}

/// Connects to the port of a run and looks whose it is. A port that is not known yet is one where nobody listens. Where the
/// system does not tell (other than Linux) it is taken for ours: the port was free before the child was started.
pub(crate) async fn ask(at: &RunPort, child: &Arc<Child>) -> Answered {
    let Some(port) = at.get() else { return Answered::Nobody };
    let stream = match connect(port).await {
        Ok(Some(stream)) => stream,
        Ok(None) => return Answered::Nobody,
        Err(error) => return Answered::Unknown(error),
    };
    at.0.is_ipv6.store(stream.peer_addr().is_ok_and(|peer| peer.is_ipv6()), Ordering::Relaxed);
    match whose(port, &stream, child).await {
        Ok(Whose::Ours) => Answered::Ours(stream),
        Ok(Whose::Foreign(holder)) => Answered::Foreign(holder, stream),
        Err(error) => Answered::Unknown(error),
    }
}

/// Whose a listening socket is.
enum Whose {
    Ours,
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "other systems do not tell"))]
    Foreign(Option<Holder>),
}

#[cfg(target_os = "linux")]
async fn whose(port: u16, stream: &TcpStream, child: &Arc<Child>) -> io::Result<Whose> {
    let (child, is_v4) = (Arc::clone(child), stream.peer_addr().is_ok_and(|peer| peer.is_ipv4()));
    let look = move || {
        let sockets = linux::listeners(port, is_v4)?;
        let pids: Vec<u32> = child.processes().iter().map(|process| process.pid).collect();
        let whose = match linux::stranger(&sockets, &pids)? {
            None if !sockets.is_empty() => Whose::Ours,
            None => Whose::Foreign(None),
            Some(inode) => Whose::Foreign(linux::holder(inode)?),
        };
        // Processes and sockets of which there was no room to read are none that were looked for in vain.
        linux::may_look().map(|()| whose)
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(not(target_os = "linux"))]
async fn whose(_port: u16, _stream: &TcpStream, _child: &Arc<Child>) -> io::Result<Whose> {
    Ok(Whose::Ours)
}

/// A connection to the port by IPv4, or by IPv6 where nobody listens there; none where nobody listens. Errors: this process
/// cannot connect.
pub(crate) async fn connect(port: u16) -> io::Result<Option<TcpStream>> {
    let by_ipv4 = connect_by(IpAddr::V4(Ipv4Addr::LOCALHOST), port).await;
    if let Ok(Some(stream)) = by_ipv4 {
        return Ok(Some(stream));
    }
    // That there may be no IPv6 says nothing.
    if let Ok(Some(stream)) = connect_by(IpAddr::V6(Ipv6Addr::LOCALHOST), port).await {
        return Ok(Some(stream));
    }
    match by_ipv4 {
        Err(error) if !is_an_answer(&error) => Err(error),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Whether an error at connecting comes from the other side, though that is only its system.
fn is_an_answer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, TimedOut};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | HostUnreachable | TimedOut)
}

/// Bound before it connects: the system could give a socket the very port that it connects to, and the socket would reach
/// itself and keep the child from having it.
async fn connect_by(ip: IpAddr, port: u16) -> io::Result<Option<TcpStream>> {
    let socket = if ip.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.bind(SocketAddr::new(ip, 0))?;
    if socket.local_addr()?.port() == port {
        return Ok(None);
    }
    socket.connect(SocketAddr::new(ip, port)).await.map(Some)
}

/// A port that is free at this moment.
pub(crate) fn free_port() -> io::Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr().map(|address| address.port())
}

/// Whether somebody has a port, by IPv4 or by IPv6.
pub(crate) fn is_taken(port: u16) -> bool {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].into_iter().any(|ip| {
        let bound = TcpListener::bind((ip, port));
        bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    })
}

/// Who has a port, where the system tells.
#[cfg(target_os = "linux")]
pub(crate) async fn holder(port: u16) -> Option<Holder> {
    let look = move || {
        let first = |is_v4| linux::listeners(port, is_v4).ok()?.first().copied();
        linux::holder(first(true).or_else(|| first(false))?).ok().flatten()
    };
    tokio::task::spawn_blocking(look).await.ok().flatten()
}

/// Who has a port, where the system tells.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn holder(_port: u16) -> Option<Holder> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_free_port_is_not_taken_and_nobody_answers_there() {
        let port = free_port().unwrap();
        assert!(!is_taken(port));
        assert!(connect(port).await.unwrap().is_none());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(is_taken(port));
        assert!(connect(port).await.unwrap().is_some());
        drop(listener);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_holder_of_a_port_is_named() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            assert!(is_taken(listener.local_addr().unwrap().port()), "{address}");
            let holder = holder(listener.local_addr().unwrap().port()).await.unwrap();
            assert_eq!(holder.pid, std::process::id(), "{address}");
            assert!(!holder.program.is_empty());
        }
    }
}
