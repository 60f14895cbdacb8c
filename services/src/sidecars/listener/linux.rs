//! Listening sockets and their processes, as `/proc` tells of them: by what it tells of ourselves, which is there where it is
//! mounted without all the rest too (`subset=pid`).

use std::fs;
use std::io::{self, BufRead as _, BufReader, ErrorKind};

use crate::sidecars::api::Holder;

/// The state of a socket that listens.
const LISTENS: &str = "0A";

/// The sockets that a connection to a port of the loopback address reaches, by their inodes: those bound to the most
/// specific address. There are several where they share the port. Errors: the tables cannot be read.
pub(super) fn listeners(port: u16, is_v4: bool) -> io::Result<Vec<u64>> {
    let bindings: &[(&str, &str)] = match is_v4 {
        true => &[
            ("/proc/self/net/tcp", "127.0.0.1"),
            ("/proc/self/net/tcp6", "::ffff:127.0.0.1"),
            ("/proc/self/net/tcp", "0.0.0.0"),
            ("/proc/self/net/tcp6", "::"),
        ],
        false => &[("/proc/self/net/tcp6", "::1"), ("/proc/self/net/tcp6", "::")],
    };
    for (table, address) in bindings {
        let found = read(table, address, port)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The inodes of one table. Listening sockets come first in it, and what follows can be long.
fn read(table: &str, address: &str, port: u16) -> io::Result<Vec<u64>> {
    let file = match fs::File::open(table) {
        Ok(file) => file,
        // A system without IPv6 has one table less.
        Err(error) if error.kind() == ErrorKind::NotFound && table.ends_with('6') => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let rows = BufReader::new(file).lines().skip(1).map_while(Result::ok);
    let rows = rows.filter_map(|row| Row::read(&row)).take_while(|row| row.listens);
    Ok(rows.filter(|row| row.port == port && row.address == address).map(|row| row.inode).collect())
}

struct Row {
    address: String,
    port: u16,
    listens: bool,
    inode: u64,
}

impl Row {
    fn read(row: &str) -> Option<Row> {
        let fields: Vec<&str> = row.split_ascii_whitespace().collect();
        let (address, port) = fields.get(1)?.split_once(':')?;
        Some(Row {
            address: written(address)?,
            port: u16::from_str_radix(port, 16).ok()?,
            listens: *fields.get(3)? == LISTENS,
            inode: fields.get(9)?.parse().ok()?,
        })
    }
}

/// An address from words of the machine's own byte order.
fn written(hex: &str) -> Option<String> {
    let mut bytes = Vec::new();
    for at in (0..hex.len()).step_by(8) {
        bytes.extend(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    }
    match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(v4) => Some(std::net::Ipv4Addr::from(v4).to_string()),
        Err(_) => <[u8; 16]>::try_from(bytes.as_slice()).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string()),
    }
}

/// The first of the sockets that none of the processes has open. Errors: this process cannot look.
pub(super) fn stranger(sockets: &[u64], pids: &[u32]) -> io::Result<Option<u64>> {
    let known: Vec<Vec<u64>> = pids.iter().map(|pid| sockets_of(*pid)).collect::<io::Result<_>>()?;
    Ok(sockets.iter().copied().find(|socket| !known.iter().any(|of| of.contains(socket))))
}

/// The process that has a socket open, as far as we may look.
pub(super) fn holder(socket: u64) -> io::Result<Option<Holder>> {
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if sockets_of(pid)?.contains(&socket) {
            let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            return Ok(Some(Holder { pid, program: program.trim_end().to_owned() }));
        }
    }
    Ok(None)
}

/// Whether there is room to look at all.
pub(super) fn may_look() -> io::Result<()> {
    fs::read_dir("/proc/self/task").map(drop)
}

/// None of a process that has ended, or is not ours to look at.
fn sockets_of(pid: u32) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(entries) => entries,
        Err(error) if is_want_of_room(&error) => return Err(error),
        Err(_) => return Ok(Vec::new()),
    };
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    Ok(links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect())
}

/// Whether this process, or the system, has no descriptors or no memory left.
fn is_want_of_room(error: &io::Error) -> bool {
    !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
        && error.raw_os_error() != Some(rustix::io::Errno::SRCH.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_table_is_read() {
        let row =
            "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0";
        let row = Row::read(row).unwrap();
        assert_eq!((row.address.as_str(), row.port, row.listens, row.inode), ("127.0.0.1", 8080, true, 31337));
        assert_eq!(written("0000000000000000FFFF00000100007F").unwrap(), "::ffff:127.0.0.1");
    }
}
