//! Windows named pipes. The first instance claims the name, the descriptor lets only the owner in, and remote machines are
//! refused.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use interprocess::os::windows::named_pipe::tokio::{DuplexPipeStream, PipeListener as Listener};
use interprocess::os::windows::named_pipe::{PipeListenerOptions, pipe_mode::Bytes};
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use sixframe_core::{Identity, Scopes, TransportError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use widestring::u16cstr;

use super::IpcConfig;
use crate::ByteTransport;
use crate::connections::{AcceptBackoff, Connections};

/// Messages over a named pipe.
pub type PipeTransport = ByteTransport<PipeStream>;

/// A listening named pipe. Dropping it frees the name once its connections are closed.
pub struct PipeListener {
    listener: Listener<Bytes, Bytes>,
    connections: Connections,
    config: IpcConfig,
    name: String,
}

/// Listens on the pipe `name`, which stands behind `\\.\pipe\`. Only the user who runs the server may connect.
///
/// Errors, all permanent: another server has the name; the name is empty or holds a backslash.
pub fn listen(name: &str, config: IpcConfig) -> Result<PipeListener, TransportError> {
    let path = path(name)?;
    let failed = |error: io::Error| {
        let hint =
            if error.kind() == io::ErrorKind::PermissionDenied { ": address in use by a running server" } else { "" };
        TransportError::permanent(format!("cannot listen on pipe:{name}{hint}"), Some(error.into()))
    };
    let owner_only = SecurityDescriptor::deserialize(u16cstr!("D:P(A;;GA;;;OW)(A;;GA;;;SY)")).map_err(failed)?;
    let options = PipeListenerOptions::new().path(path.as_str()).security_descriptor(Some(owner_only));
    let listener = options.create_tokio_duplex::<Bytes>().map_err(failed)?;
    Ok(PipeListener { listener, connections: Connections::new(config.connections), config, name: name.to_owned() })
}

/// Connects to the server that listens on the pipe `name`. The identity is the server's process id.
pub async fn connect(name: &str, config: IpcConfig) -> Result<(PipeTransport, Identity), TransportError> {
    let stream = DuplexPipeStream::connect_by_path(path(name)?.as_str()).await;
    let stream = stream.map_err(|error| {
        TransportError::new(format!("cannot connect to pipe:{name}; is the server running?"), Some(error.into()))
    })?;
    let identity = identity(&stream, name);
    Ok((ByteTransport::new(PipeStream(stream), config.framing, config.message_bytes), identity))
}

impl PipeListener {
    /// The next connection and who is at its other end. May be dropped and called again at any time.
    ///
    /// A connection above the number allowed is dropped unread. An error that lasts is the listener's own.
    pub async fn accept(&self) -> Result<(PipeTransport, Identity), TransportError> {
        let mut backoff = AcceptBackoff::default();
        loop {
            let stream = match self.listener.accept().await {
                Ok(stream) => stream,
                Err(error) => {
                    backoff.after(error).await?;
                    continue;
                }
            };
            let Some(slot) = self.connections.claim() else { continue };
            let identity = identity(&stream, &self.name);
            let (framing, limit) = (self.config.framing, self.config.message_bytes);
            return Ok((ByteTransport::counted(PipeStream(stream), framing, limit, Some(slot)), identity));
        }
    }

    /// The name behind `\\.\pipe\`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn path(name: &str) -> Result<String, TransportError> {
    if name.is_empty() || name.contains(['\\', '\0']) {
        let why = "a pipe's name is not empty and holds no backslash; leave \\\\.\\pipe\\ out";
        return Err(TransportError::permanent(format!("cannot use pipe:{name}: {why}"), None));
    }
    Ok(format!(r"\\.\pipe\{name}"))
}

fn identity(stream: &DuplexPipeStream<Bytes>, name: &str) -> Identity {
    let pid = stream.peer_process_id().ok();
    let address = Some(format!("pipe:{name}"));
    Identity { transport: "pipe", scopes: Scopes::ALL, pid, address, ..Identity::default() }
}

/// A named pipe whose flush does not wait for the peer to read: only its shutdown does.
pub struct PipeStream(DuplexPipeStream<Bytes>);

impl AsyncRead for PipeStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PipeStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
