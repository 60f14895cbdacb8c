//! What host and guardian tell each other over the lease, the socket whose end means that the other one is gone. Knows the
//! words and their bytes; nothing of who acts on them.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Lifetime, ProcessId, Signal};

/// Longest message, in bytes: more than a system takes as arguments and environment together, at four bytes for each.
const LONGEST: usize = 64 << 20;

/// From the host.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Start this; its three descriptors came with the first byte.
    Launch(Box<Launch>),
    /// Send the signal to everything below, and kill what is left after `grace`.
    Stop { signal: Signal, grace: Duration },
    /// Send the signal to everything below; a courtesy, nothing follows.
    Signal(Signal),
    /// Kill everything below.
    Kill,
}

/// What to start.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) clear_env: bool,
    /// Set, or removed where there is no value.
    pub(crate) env: Vec<(OsString, Option<OsString>)>,
    pub(crate) cwd: Option<OsString>,
    pub(crate) lifetime: Lifetime,
    /// The process whose end is the host's.
    pub(crate) host: u32,
    /// What everything below carries in its environment.
    pub(crate) mark: String,
    /// What is done when the host is gone, and for what outlives the program.
    pub(crate) signal: Signal,
    pub(crate) grace: Duration,
}

/// From the guardian.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The program runs.
    Started(ProcessId),
    /// It could not be started: the system's error number.
    NotStarted(i32),
    /// The program has ended: with this status, as `wait` tells it.
    Exited(i32),
    /// What is below, the program itself included; told now and then.
    Members(Vec<ProcessId>),
    /// Nothing is below any more. The last report.
    Empty,
}

/// A message with its length in front.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    Ok([&length.to_le_bytes()[..], &body].concat())
}

/// Makes messages of what arrives.
#[derive(Default)]
pub(crate) struct Decoder(Vec<u8>);

impl Decoder {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next message that is complete.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some((length, rest)) = self.0.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the message on the lease is too long"));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = serde_json::from_slice(body)?;
        self.0.drain(..4 + length);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_however_they_were_cut() {
        let id = ProcessId { pid: 7, started: u64::MAX };
        let bytes = [encode(&Report::Started(id)).unwrap(), encode(&Report::Empty).unwrap()].concat();
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for byte in bytes {
            decoder.push(&[byte]);
            found.extend(decoder.next::<Report>().unwrap());
        }
        assert!(matches!(found[..], [Report::Started(same), Report::Empty] if same == id));
    }
}
