//! On a task, as soon as there is something to read.

use std::io;
use std::os::fd::OwnedFd;

use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::KeptOutput;

/// Bytes read at once: as many as a pipe holds at first.
const READ: usize = 64 << 10;

/// Bytes that the pipe of a flood holds on Linux. A child that fills its pipe would stand still until we have been woken, once
/// for each 64 KiB; of those that write less, the system's memory is not asked for.
#[cfg(target_os = "linux")]
const WIDE: usize = 256 << 10;

/// Reads between which others have their turn.
const TURN: usize = 16;

/// Reads a pipe into its ring on a task of its own. Dropping it ends the task, and the output with it.
pub(crate) struct Reader {
    output: KeptOutput,
    task: JoinHandle<()>,
    marks: mpsc::UnboundedSender<oneshot::Sender<u64>>,
}

impl Reader {
    /// Begins to read, within a runtime.
    pub(crate) fn start(pipe: OwnedFd, output: KeptOutput) -> io::Result<Reader> {
        let pipe = pipe::Receiver::from_owned_fd(pipe)?;
        let (marks, asked) = mpsc::unbounded_channel();
        let into = output.clone();
        let task =
            tokio::spawn(async move { Reading { pipe, into, buffer: Vec::new(), is_wide: false }.run(asked).await });
        Ok(Reader { output, task, marks })
    }

    /// The offset behind everything that was written up to now; what is written meanwhile does not delay it.
    pub(crate) async fn end_so_far(&self) -> u64 {
        let (sender, told) = oneshot::channel();
        let mut end = self.output.shared.end.subscribe();
        let asked = self.marks.send(sender).is_ok();
        let told = tokio::select! {
            told = told, if asked => told.ok(),
            // A question that is put at the very moment in which the task ends is neither answered nor dropped: it stays in
            // its channel for as long as we may ask.
            _ = end.wait_for(|end| end.is_final) => None,
        };
        told.unwrap_or_else(|| self.output.end())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
        self.output.finish();
    }
}

struct Reading {
    pipe: pipe::Receiver,
    into: KeptOutput,
    /// Made with the first byte: many children never write to standard error.
    buffer: Vec<u8>,
    /// The pipe was full once.
    is_wide: bool,
}

impl Reading {
    async fn run(mut self, mut marks: mpsc::UnboundedReceiver<oneshot::Sender<u64>>) {
        loop {
            tokio::select! {
                biased;
                Some(mark) = marks.recv() => {
                    let _ = mark.send(self.read_what_is_there());
                }
                more = self.read_turn() => match more {
                    true => tokio::task::yield_now().await,
                    false => break,
                },
            }
        }
        self.into.finish();
    }

    /// Reads as long as it is our turn; whether more may come.
    async fn read_turn(&mut self) -> bool {
        if self.pipe.readable().await.is_err() {
            return false;
        }
        self.buffer.resize(READ, 0);
        for _ in 0..TURN {
            match self.pipe.try_read(&mut self.buffer) {
                Ok(0) => return false,
                Ok(read) => {
                    self.into.push(&self.buffer[..read]);
                    self.widen_if_full(read);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(_) => return false,
            }
        }
        true
    }

    /// Once, and if the system lets the user have it: a pipe that stays as it was is read as well.
    fn widen_if_full(&mut self, read: usize) {
        // Writes that end within a page leave the rest of it empty.
        if read >= READ / 2 && !self.is_wide {
            self.is_wide = true;
            #[cfg(target_os = "linux")]
            let _ = rustix::pipe::fcntl_setpipe_size(&self.pipe, WIDE);
        }
    }

    fn read_what_is_there(&mut self) -> u64 {
        let mut left = rustix::io::ioctl_fionread(&self.pipe).unwrap_or_default();
        self.buffer.resize(if left > 0 { READ } else { self.buffer.len() }, 0);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(READ).min(READ);
            match rustix::io::read(&self.pipe, &mut self.buffer[..most]) {
                Ok(read) if read > 0 => {
                    self.into.push(&self.buffer[..read]);
                    left = left.saturating_sub(read as u64);
                }
                Err(rustix::io::Errno::INTR) => (),
                Ok(_) | Err(_) => break,
            }
        }
        self.into.end()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_pipe_of_a_flood_is_made_wider_and_that_of_others_is_left_as_it_is() {
        for (written, holds) in [(READ, WIDE), (READ / 2, WIDE), (READ / 2 - 1, READ)] {
            let (theirs, ours) = rustix::pipe::pipe().unwrap();
            rustix::io::ioctl_fionbio(&theirs, true).unwrap();
            assert_eq!(rustix::io::write(&ours, &vec![b'x'; written]), Ok(written));
            let output = KeptOutput::new(READ);
            let reader = Reader::start(theirs, output.clone()).unwrap();
            let mut pieces = output.subscribe(crate::From::Start);
            while pieces.offset() < written as u64 {
                pieces.next().await.unwrap();
            }
            assert_eq!(rustix::pipe::fcntl_getpipe_size(&ours), Ok(holds));
            drop(reader);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn whoever_asks_for_the_end_while_the_pipe_ends_is_answered() {
        for _ in 0..2_000 {
            let (theirs, ours) = rustix::pipe::pipe().unwrap();
            rustix::io::ioctl_fionbio(&theirs, true).unwrap();
            let reader = Reader::start(theirs, KeptOutput::new(16)).unwrap();
            let closing = tokio::spawn(async move { drop(ours) });
            let told = tokio::time::timeout(Duration::from_secs(20), reader.end_so_far()).await;
            assert_eq!(told, Ok(0));
            closing.await.unwrap();
        }
    }
}
