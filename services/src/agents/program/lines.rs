//! Lines of a program that speaks by them, of any length up to one that nobody can mean.

use std::io;

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest line that is kept, in bytes.
pub(super) const LONGEST: usize = 32 << 20;

/// Room that is kept between lines, in bytes.
const ROOM: usize = 64 << 10;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A line, without its end.
    Line(Vec<u8>),
    /// A line that was too long to be kept, so long.
    TooLong { bytes: u64 },
}

/// Reads lines. The last one needs no end.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    reader: R,
    buffer: Vec<u8>,
    /// How much of the buffer holds no end of a line.
    searched: usize,
    /// Bytes of a line that is passed over.
    skipped: u64,
    longest: usize,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(super) fn new(reader: R) -> LineReader<R> {
        LineReader { reader, buffer: Vec::new(), searched: 0, skipped: 0, longest: LONGEST }
    }

    /// The next line; none at the end. May be dropped and called again at any time.
    pub(super) async fn next(&mut self) -> io::Result<Option<Read>> {
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.searched..]) {
                return Ok(Some(self.cut(self.searched + at)));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > self.longest {
                self.skipped += self.buffer.len() as u64;
                (self.buffer, self.searched) = (Vec::new(), 0);
            }
            self.buffer.reserve(ROOM);
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                let is_over = self.buffer.is_empty() && self.skipped == 0;
                let end = self.buffer.len();
                self.buffer.push(b'\n');
                return Ok((!is_over).then(|| self.cut(end)));
            }
        }
    }

    fn cut(&mut self, end: usize) -> Read {
        let rest = self.buffer.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.buffer, rest);
        self.searched = 0;
        line.pop();
        match std::mem::take(&mut self.skipped) {
            0 if line.len() > self.longest => Read::TooLong { bytes: line.len() as u64 },
            0 => {
                line.pop_if(|last| *last == b'\r');
                Read::Line(line)
            }
            skipped => Read::TooLong { bytes: skipped + line.len() as u64 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8], longest: usize) -> Vec<Read> {
        let mut reader = LineReader { longest, ..LineReader::new(text) };
        let mut lines = Vec::new();
        while let Ok(Some(line)) = reader.next().await {
            lines.push(line);
        }
        lines
    }

    fn line(text: &str) -> Read {
        Read::Line(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn lines_are_cut_at_their_ends_and_the_last_needs_none() {
        assert_eq!(read(b"a\r\n\nb\nc", 9).await, [line("a"), line(""), line("b"), line("c")]);
        assert_eq!(read(b"", 9).await, []);
        assert_eq!(read(b"a\n", 9).await, [line("a")]);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_passed_over_and_the_next_one_is_read() {
        let long = [&b"x".repeat(300_000)[..], b"\nnext\n"].concat();
        assert_eq!(read(&long, 10).await, [Read::TooLong { bytes: 300_000 }, line("next")]);
        assert_eq!(read(b"xxxxxxxxxxxx\nnext", 10).await, [Read::TooLong { bytes: 12 }, line("next")]);
    }
}
