//! The last of what a child wrote to stderr, bounded in bytes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes kept of all lines together.
const TAIL_BYTES: usize = 64 * 1024;

/// Bytes kept of one line.
const LINE_BYTES: usize = 4 * 1024;

/// Written by the task that reads the pipe, read by whoever reports the exit.
#[derive(Default)]
pub(super) struct StderrTail(Mutex<Tail>);

#[derive(Default)]
struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
    open: Vec<u8>,
}

impl StderrTail {
    /// Reads until the end, so that the child never waits for us.
    pub(super) async fn collect(&self, mut pipe: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
            self.tail().push(&buffer[..count]);
        }
    }

    /// The lines, the last one complete or not.
    pub(super) fn lines(&self) -> Vec<String> {
        let tail = self.tail();
        let open = (!tail.open.is_empty()).then(|| shown(&tail.open));
        tail.lines.iter().cloned().chain(open).collect()
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES - self.open.len();
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            self.open.extend_from_slice(&text[..text.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = shown(&std::mem::take(&mut self.open));
        self.bytes += line.len();
        self.lines.push_back(line);
        // An empty line costs its `String` too.
        while self.bytes + self.lines.len() * size_of::<String>() > TAIL_BYTES {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
    }
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_bounded_and_keeps_the_last_lines() {
        let tail = StderrTail::default();
        (0..100_000).for_each(|n| tail.tail().push(format!("line {n}\n").as_bytes()));
        tail.tail().push(&[b'x'; 1_000_000]);
        let lines = tail.lines();
        assert_eq!(lines[lines.len() - 2], "line 99999");
        assert_eq!(lines[lines.len() - 1].len(), LINE_BYTES);
        assert!(
            lines.iter().map(|line| line.len() + size_of::<String>()).sum::<usize>() <= TAIL_BYTES + LINE_BYTES + 24
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        let tail = StderrTail::default();
        tail.tail().push(b"a\xffb\r\nc");
        assert_eq!(tail.lines(), ["a\u{fffd}b", "c"]);
    }
}
