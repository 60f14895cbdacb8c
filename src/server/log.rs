//! The log: on stderr, filtered as the configuration says. Lines are written by a thread of its own, so that a reader who stands
//! still keeps nobody else waiting; what does not fit into the queue before it is counted, and that is told.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, registry};

/// Most bytes of lines that wait to be written.
const WAITING: usize = 1 << 20;

/// How long the end of the program waits for the last lines to be read.
const LAST_LINES: Duration = Duration::from_secs(1);

static LINES: Lines = Lines::new();

/// Begins to log. A second call changes nothing.
pub(crate) fn init(filter: Targets) {
    let writer = thread::Builder::new().name("log".to_owned()).spawn(|| LINES.write_to(&mut io::stderr()));
    let lines = match writer {
        Ok(_) => BoxMakeWriter::new(|| &LINES),
        Err(_) => BoxMakeWriter::new(io::stderr),
    };
    let lines = fmt::layer().with_writer(lines).with_ansi(io::stderr().is_terminal());
    // It fails where a log was begun before, which then goes on.
    let _ = registry().with(lines).with(filter).try_init();
}

/// Waits until what was logged is written, but not for a reader who stands still. Gives whether it is; where not, stderr is still
/// being written to, and who writes to it waits.
pub(crate) fn finish() -> bool {
    LINES.finish(LAST_LINES)
}

/// Lines on their way.
struct Lines {
    waiting: Mutex<Waiting>,
    came: Condvar,
    written: Condvar,
}

struct Waiting {
    text: Vec<u8>,
    /// Lines that found no room behind `text`.
    lost: u64,
    /// What was taken out is not written yet.
    is_writing: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.lost == 0
    }
}

impl Lines {
    const fn new() -> Lines {
        let waiting = Mutex::new(Waiting { text: Vec::new(), lost: 0, is_writing: false });
        Lines { waiting, came: Condvar::new(), written: Condvar::new() }
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.text.len() + line.len() > WAITING {
            waiting.lost += 1;
        } else {
            waiting.text.extend_from_slice(line);
        }
        self.came.notify_one();
    }

    /// Writes what comes for as long as the program runs.
    fn write_to(&self, to: &mut impl Write) {
        loop {
            self.write_some(to);
        }
    }

    /// Waits for lines and writes them.
    fn write_some(&self, to: &mut impl Write) {
        let waiting = self.came.wait_while(self.lock(), |waiting| waiting.is_empty());
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let (text, lost) = (std::mem::take(&mut waiting.text), std::mem::take(&mut waiting.lost));
        waiting.is_writing = true;
        drop(waiting);
        // If that cannot be written, there is nobody who could be told.
        let _ = to.write_all(&text);
        if lost > 0 {
            let _ =
                writeln!(to, "sixframe: {lost} lines of the log are missing here: they came faster than this was read");
        }
        self.lock().is_writing = false;
        self.written.notify_all();
    }

    fn finish(&self, longest: Duration) -> bool {
        let is_left = |waiting: &mut Waiting| waiting.is_writing || !waiting.is_empty();
        let waited = self.written.wait_timeout_while(self.lock(), longest, is_left);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a line at a time, whole.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_while_nobody_reads_is_counted_and_told_behind_what_had() {
        let lines = Lines::new();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        for _ in 0..WAITING / line.len() + 7 {
            (&lines).write_all(&line).unwrap();
        }
        assert_eq!(lines.lock().text.len(), WAITING);
        let mut written = Vec::new();
        lines.write_some(&mut written);
        assert!(written.starts_with(&line.repeat(WAITING / line.len())));
        assert!(String::from_utf8_lossy(&written[WAITING..]).contains("7 lines of the log are missing here"));
        (&lines).write_all(b"the next\n").unwrap();
        written.clear();
        lines.write_some(&mut written);
        assert_eq!(written, b"the next\n");
    }

    #[test]
    fn the_end_waits_for_the_last_lines_and_not_for_ever() {
        let lines = Lines::new();
        (&lines).write_all(b"last words\n").unwrap();
        assert!(!lines.finish(Duration::ZERO));
        thread::scope(|scope| {
            let written = scope.spawn(|| {
                let mut written = Vec::new();
                lines.write_some(&mut written);
                written
            });
            assert!(lines.finish(Duration::from_secs(60)));
            assert!(lines.lock().is_empty());
            assert_eq!(written.join().unwrap(), b"last words\n");
        });
    }
}
