//! Which process is at the other end of a TCP connection within this machine. Linux only: it reads the socket table.

use std::net::SocketAddr;

/// The owner of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The user that made the socket.
    pub uid: u32,
    /// The process that alone holds it, where we may see that.
    pub pid: Option<u32>,
}

/// The process at the other end of the connection whose ends are `local`, ours, and `remote`, if it is of this machine.
///
/// `None` for connections from elsewhere, on other systems, and when the peer has closed its end already. Without `pid`
/// nobody was seen to hold the socket, which may be on its way from one process to another, or several were, any of which may
/// write to it. Reading happens on a thread that may block. A process that has handed its socket on, and keeps none, is named by
/// whoever holds it now.
pub async fn local_peer(local: SocketAddr, remote: SocketAddr) -> Option<Process> {
    let [local, remote] = [local, remote].map(|at| SocketAddr::new(at.ip().to_canonical(), at.port()));
    if !cfg!(target_os = "linux") {
        return None;
    }
    tokio::task::spawn_blocking(move || table::owner(local, remote)).await.ok().flatten()
}

mod table {
    use std::fs::{self, File};
    use std::io::{BufRead as _, BufReader};
    use std::net::{IpAddr, SocketAddr};
    use std::path::Path;

    use super::Process;

    /// By IPv4, a peer's socket may be one for IPv6 all the same, as those of Java are.
    pub(super) fn owner(local: SocketAddr, remote: SocketAddr) -> Option<Process> {
        let (uid, inode) = match (local.ip(), remote.ip()) {
            (IpAddr::V4(_), IpAddr::V4(_)) => row("/proc/self/net/tcp", local, remote)
                .or_else(|| row("/proc/self/net/tcp6", mapped(local), mapped(remote))),
            _ => row("/proc/self/net/tcp6", local, remote),
        }?;
        // Closed by its process: the row belongs to nobody any more, and names the user 0.
        if inode == "0" {
            return None;
        }
        Some(Process { uid, pid: holder(&format!("socket:[{inode}]")) })
    }

    fn mapped(address: SocketAddr) -> SocketAddr {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        SocketAddr::new(ip.into(), address.port())
    }

    /// User and inode of the peer's own row, which has our addresses swapped.
    fn row(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<(u32, String)> {
        let ends = format!(" {} {} ", written(remote), written(local));
        let (mut table, mut line) = (BufReader::new(File::open(table).ok()?), String::new());
        while table.read_line(&mut line).ok()? > 0 {
            if let Some((_, rest)) = line.split_once(&ends) {
                // Behind the ends: the state, the queues, a timer, a counter, the user, another counter, the inode.
                let mut columns = rest.split_ascii_whitespace();
                let uid = columns.nth(4)?.parse().ok()?;
                return Some((uid, columns.nth(1)?.to_owned()));
            }
            line.clear();
        }
        None
    }

    /// An address as the table writes it: 32-bit words in the machine's byte order, in hexadecimal.
    fn written(address: SocketAddr) -> String {
        let octets = match address.ip() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let words = octets.chunks_exact(4).filter_map(|word| word.try_into().ok()).map(u32::from_ne_bytes);
        let host: String = words.map(|word| format!("{word:08X}")).collect();
        format!("{host}:{:04X}", address.port())
    }

    fn holder(socket: &str) -> Option<u32> {
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let mut holders = pids.filter(|pid| {
            let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            links.filter_map(|link| fs::read_link(link.path()).ok()).any(|target| target == Path::new(socket))
        });
        let first = holders.next()?;
        holders.next().is_none().then_some(first)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn of_several_who_hold_it_none_is_taken_for_the_peer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, remote) = listener.accept().unwrap();
        let copy = std::os::fd::OwnedFd::from(client.try_clone().unwrap());
        let mut other = std::process::Command::new("cat").stdin(copy).spawn().unwrap();
        let shared = local_peer(server.local_addr().unwrap(), remote).await.unwrap();
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(shared.pid, None);
        let alone = local_peer(server.local_addr().unwrap(), remote).await.unwrap();
        assert_eq!((alone.pid, alone.uid), (Some(std::process::id()), shared.uid));
    }

    #[tokio::test]
    async fn a_peer_that_comes_by_another_address_of_this_machine_is_found() {
        // No packet is sent: the system only says from where one would be. There may be no such address.
        let outward = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        if outward.connect("203.0.113.7:9").is_err() {
            return;
        }
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let _client = TcpStream::connect((outward.local_addr().unwrap().ip(), port)).unwrap();
        let (server, remote) = listener.accept().unwrap();
        let peer = local_peer(server.local_addr().unwrap(), remote).await;
        assert_eq!(peer.unwrap().pid, Some(std::process::id()));
    }

    #[tokio::test]
    async fn a_peer_is_found_by_both_families_until_it_has_closed_its_end() {
        let (v4, v6) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("[::]:0").unwrap());
        let [four, six] = [&v4, &v6].map(|listener| listener.local_addr().unwrap().port());
        for (listener, to) in [
            (&v4, format!("127.0.0.1:{four}")),
            (&v4, format!("[::ffff:127.0.0.1]:{four}")),
            (&v6, format!("[::1]:{six}")),
            (&v6, format!("127.0.0.1:{six}")),
        ] {
            let client = TcpStream::connect(&to).unwrap();
            let (server, remote) = listener.accept().unwrap();
            let local = server.local_addr().unwrap();
            let peer = local_peer(local, remote).await;
            assert_eq!(peer.unwrap().pid, Some(std::process::id()), "{to}");
            drop(client);
            assert_eq!(local_peer(local, remote).await, None, "{to}");
        }
    }
}
