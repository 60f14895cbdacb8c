//! Server-sent events, read as they come. Pure: bytes in, events out. Whoever sends them may be hostile: a line and an event
//! have a longest length.

/// The longest event, in bytes.
pub(super) const LONGEST: usize = 1 << 20;

/// Something that a server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// An event's data.
    Data(Vec<u8>),
    /// A comment: the server is alive.
    Comment,
}

/// An event is longer than [`LONGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Reads events.
#[derive(Debug, Default)]
pub(super) struct EventStream {
    line: Vec<u8>,
    data: Option<Vec<u8>>,
    /// The last byte ended a line, and a line feed behind it belongs to that end.
    was_return: bool,
    is_begun: bool,
}

impl EventStream {
    /// What is complete by these bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Sent>, TooLong> {
        let mut sent = Vec::new();
        for byte in bytes {
            let is_rest_of_end = std::mem::replace(&mut self.was_return, *byte == b'\r') && *byte == b'\n';
            match byte {
                b'\n' if is_rest_of_end => (),
                b'\n' | b'\r' => sent.extend(self.end_line()?),
                byte if self.line.len() < LONGEST => self.line.push(*byte),
                _ => return Err(TooLong),
            }
        }
        Ok(sent)
    }

    /// What is left where a server ends without an empty line.
    pub(super) fn finish(&mut self) -> Result<Vec<Sent>, TooLong> {
        let mut sent: Vec<Sent> = self.end_line()?.into_iter().collect();
        sent.extend(self.data.take().map(Sent::Data));
        Ok(sent)
    }

    fn end_line(&mut self) -> Result<Option<Sent>, TooLong> {
        let line = std::mem::take(&mut self.line);
        let mark: &[u8] = "\u{feff}".as_bytes();
        let line = match std::mem::replace(&mut self.is_begun, true) {
            true => line.as_slice(),
            false => line.strip_prefix(mark).unwrap_or(&line),
        };
        if line.is_empty() {
            return Ok(self.data.take().map(Sent::Data));
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => return Ok(Some(Sent::Comment)),
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        if field == b"data" {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut self.data {
                Some(data) if data.len() + value.len() >= LONGEST => return Err(TooLong),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data(text: &str) -> Sent {
        Sent::Data(text.as_bytes().to_vec())
    }

    #[test]
    fn events_are_read_with_any_end_of_lines() {
        let text = "\u{feff}data: a\r\ndata:b\r\revent: x\rdata:  c\n\n: alive\nid\n\ndata\n\ndata: last";
        let mut stream = EventStream::default();
        let mut sent = stream.push(text.as_bytes()).unwrap();
        sent.extend(stream.finish().unwrap());
        assert_eq!(sent, [data("a\nb"), data(" c"), Sent::Comment, data(""), data("last")]);
    }

    #[test]
    fn what_has_no_end_is_given_up() {
        let mut stream = EventStream::default();
        assert_eq!(stream.push(&vec![b'x'; LONGEST + 1]), Err(TooLong));
        let mut stream = EventStream::default();
        let line = [&b"data: "[..], &vec![b'x'; LONGEST / 2], b"\n"].concat();
        assert!(stream.push(&line).is_ok());
        assert_eq!(stream.push(&line), Err(TooLong), "many lines of one event, too");
    }

    proptest! {
        #[test]
        fn it_is_the_same_however_it_is_cut(bytes in "[a:dt \\r\\n]{0,60}", cut in 0usize..60) {
            let bytes = bytes.as_bytes();
            let cut = cut.min(bytes.len());
            let read = |pieces: &[&[u8]]| {
                let mut stream = EventStream::default();
                let mut sent: Vec<Sent> = pieces.iter().flat_map(|piece| stream.push(piece).unwrap()).collect();
                sent.extend(stream.finish().unwrap());
                sent
            };
            prop_assert_eq!(read(&[bytes]), read(&[&bytes[..cut], &bytes[cut..]]));
        }
    }
}
