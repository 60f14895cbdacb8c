//! Messages as bytes: a length of four, the lowest first, and JSON.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest message, in bytes: more than a system takes as arguments and environment together, at four bytes for each.
const LONGEST: usize = 64 << 20;

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
    use crate::ProcessId;
    use crate::lease::Report;

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
