//! Reads a log line by line, whatever it holds: a line may be longer than memory, the last one may be torn.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use memchr::{memchr, memmem};

/// The longest line that is read, in bytes. No event is as long.
const LONGEST: usize = 64 << 20;

/// Bytes of an event in which its type stands.
const FRONT: usize = 4 << 10;

/// Reads the lines of a log from one place, which begins a line, to another. Each is told with where it ends; one that is too
/// long is told as nothing. Gives how many bytes follow behind the last whole line.
pub(crate) fn lines(path: &Path, from: u64, to: u64, mut each: impl FnMut(u64, Option<&[u8]>)) -> io::Result<u64> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::with_capacity(256 << 10, file.take(to.saturating_sub(from)));
    let mut line = Vec::new();
    let (mut at, mut is_long) = (from, false);
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            let torn = if is_long { to.saturating_sub(at) } else { line.len() as u64 };
            return Ok(torn);
        }
        let end = memchr(b'\n', piece);
        let taken = end.map_or(piece.len(), |end| end + 1);
        let is_whole_here = end.is_some() && line.is_empty() && !is_long;
        if is_whole_here {
            at += taken as u64;
            each(at, Some(&piece[..taken - 1]));
            reader.consume(taken);
            continue;
        }
        match is_long || line.len() + taken > LONGEST {
            true => is_long = true,
            false => line.extend_from_slice(&piece[..taken]),
        }
        reader.consume(taken);
        at += taken as u64;
        if end.is_some() {
            each(at, (!is_long).then(|| &line[..line.len() - 1]));
            line.clear();
            is_long = false;
        }
        if is_long {
            line = Vec::new();
        }
    }
}

/// The type of the event on a line, without reading the line as JSON. In a text of JSON these quotes would be escaped.
pub(crate) fn kind(line: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = br#""type":""#;
    let front = &line[..line.len().min(FRONT)];
    let begin = memmem::find(front, NAME)? + NAME.len();
    let length = memchr(b'"', &front[begin..])?;
    Some(&front[begin..begin + length])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], from: u64) -> (Vec<(u64, Option<usize>)>, u64) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        std::fs::write(&path, text).expect("a file");
        let mut seen = Vec::new();
        let torn = lines(&path, from, text.len() as u64, |at, line| seen.push((at, line.map(<[u8]>::len))));
        (seen, torn.expect("it can be read"))
    }

    #[test]
    fn lines_are_told_with_their_ends_and_what_is_torn_is_counted() {
        assert_eq!(read(b"ab\n\ncde\nfg", 0), (vec![(3, Some(2)), (4, Some(0)), (8, Some(3))], 2));
        assert_eq!(read(b"ab\ncd\n", 3), (vec![(6, Some(2))], 0));
        assert_eq!(read(b"", 0), (vec![], 0));
    }

    #[test]
    fn a_line_may_be_longer_than_what_is_read_at_once_and_one_that_is_too_long_is_passed_over() {
        let long = vec![b'x'; 300 << 10];
        let text = [&long[..], b"\na\n"].concat();
        assert_eq!(read(&text, 0).0, [(307_201, Some(307_200)), (307_203, Some(1))]);
        let longer = vec![b'x'; LONGEST + 1];
        let text = [&longer[..], b"\na\n"].concat();
        assert_eq!(read(&text, 0).0.iter().map(|(_, line)| *line).collect::<Vec<_>>(), [None, Some(1)]);
    }

    #[test]
    fn the_type_of_a_line_is_not_taken_from_a_text_in_it() {
        let line = br#"{"v":1,"itemId":"x\",\"type\":\"evil\"","type":"item.delta","data":{"type":"text"}}"#;
        assert_eq!(kind(line), Some(&b"item.delta"[..]));
        assert_eq!(kind(b"{}"), None);
    }
}
