//! Standard input and output on Unix: polled where they are pipes or sockets, else read by a thread and written directly.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::fs::{FileType, fstat};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

use super::thread_reader::ThreadReader;
use crate::closing::Closing;

/// Descriptors below this are the standard ones.
const FIRST_PRIVATE: i32 = 3;

pub(super) struct Stdio {
    pub(super) input: Input,
    pub(super) output: Closing<Output>,
}

impl Stdio {
    pub(super) fn take() -> io::Result<Stdio> {
        let input = Input::new(fcntl_dupfd_cloexec(stdio::stdin(), FIRST_PRIVATE)?)?;
        let output = Output::new(fcntl_dupfd_cloexec(stdio::stdout(), FIRST_PRIVATE)?)?;
        stdio::dup2_stdin(File::open("/dev/null")?)?;
        stdio::dup2_stdout(stdio::stderr())?;
        Ok(Stdio { input, output: Closing::new(output) })
    }
}

pub(super) enum Input {
    Pipe(pipe::Receiver),
    Socket(UnixStream),
    Thread(ThreadReader),
}

pub(super) enum Output {
    Pipe(pipe::Sender),
    Socket(UnixStream),
    /// A file or a terminal.
    Direct(File),
}

impl Input {
    fn new(fd: OwnedFd) -> io::Result<Input> {
        Ok(match kind(&fd)? {
            FileType::Fifo => Input::Pipe(pipe::Receiver::from_owned_fd(fd)?),
            FileType::Socket => Input::Socket(socket(fd)?),
            _ => Input::Thread(ThreadReader::start(File::from(fd))?),
        })
    }
}

impl Output {
    fn new(fd: OwnedFd) -> io::Result<Output> {
        Ok(match kind(&fd)? {
            FileType::Fifo => Output::Pipe(pipe::Sender::from_owned_fd(fd)?),
            FileType::Socket => Output::Socket(socket(fd)?),
            _ => Output::Direct(File::from(fd)),
        })
    }
}

fn kind(fd: impl AsFd) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(fstat(fd)?.st_mode))
}

fn socket(fd: OwnedFd) -> io::Result<UnixStream> {
    let socket = StdUnixStream::from(fd);
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}

impl AsyncRead for Input {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Input::Pipe(pipe) => Pin::new(pipe).poll_read(cx, buffer),
            Input::Socket(socket) => Pin::new(socket).poll_read(cx, buffer),
            Input::Thread(thread) => Pin::new(thread).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Output::Pipe(pipe) => Pin::new(pipe).poll_write(cx, bytes),
            Output::Socket(socket) => Pin::new(socket).poll_write(cx, bytes),
            Output::Direct(file) => Poll::Ready(file.write(bytes)),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Output::Pipe(pipe) => Pin::new(pipe).poll_write_vectored(cx, slices),
            Output::Socket(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Output::Direct(file) => Poll::Ready(file.write_vectored(slices)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
