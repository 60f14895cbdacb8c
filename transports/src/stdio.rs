//! This process's own standard input and output as a transport. Owns both for the life of the process, and on Unix keeps
//! stray prints out of them.
//!
//! On Unix the real output moves to a private descriptor and descriptor 1 becomes a second name of stderr, so `println!`,
//! and a C library's `printf` too, land on stderr; descriptor 0 reads as empty. On Windows the standard library offers no safe way
//! to do the same: there a stray print does corrupt the stream.

mod thread_reader;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::sync::atomic::{AtomicBool, Ordering};

use sixframe_core::{Identity, Scopes, TransportError};

#[cfg(unix)]
use unix::Stdio;
#[cfg(windows)]
use windows::Stdio;

use crate::{ByteTransport, Framing};

/// Messages over our own standard input and output. The stream ends when the parent closes our input; closing the sink
/// closes our output.
pub type StdioTransport = ByteTransport<StdioStream>;

/// Standard input and output, joined.
pub struct StdioStream(Stdio);

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes standard input and output, once in the life of the process, within a tokio runtime.
///
/// Reading never holds up the end of the runtime. The identity is the parent's: it started us, hence every scope.
pub fn open(framing: Framing, message_bytes: usize) -> Result<(StdioTransport, Identity), TransportError> {
    if TAKEN.swap(true, Ordering::AcqRel) {
        return Err(TransportError::permanent("standard input and output are a transport already", None));
    }
    let stream = Stdio::take()
        .map_err(|error| TransportError::permanent("cannot use standard input and output", Some(error.into())))?;
    Ok((ByteTransport::new(StdioStream(stream), framing, message_bytes), identity()))
}

fn identity() -> Identity {
    #[cfg(unix)]
    let pid = Some(std::os::unix::process::parent_id());
    #[cfg(not(unix))]
    let pid = None;
    Identity { transport: "stdio", scopes: Scopes::ALL, pid, ..Identity::default() }
}

mod delegate {
    use std::io::{self, IoSlice};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::StdioStream;

    impl AsyncRead for StdioStream {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0.input).poll_read(cx, buffer)
        }
    }

    impl AsyncWrite for StdioStream {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0.output).poll_write(cx, bytes)
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0.output).poll_write_vectored(cx, slices)
        }

        fn is_write_vectored(&self) -> bool {
            self.0.output.is_write_vectored()
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0.output).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0.output).poll_shutdown(cx)
        }
    }
}
