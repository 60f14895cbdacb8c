//! The guardian's end of the lease: it is standard input at first, and nothing that is started inherits it.

use std::io::{self, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};

use crate::lease::{Decoder, Order, Report, encode};

/// The socket to the host.
pub(super) struct Line {
    /// None once the host is gone.
    socket: Option<UnixStream>,
    decoder: Decoder,
    descriptors: Vec<OwnedFd>,
}

impl Line {
    /// Moves the socket away from standard input, where nothing is left.
    pub(super) fn take() -> io::Result<Line> {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        let null = std::fs::File::open("/dev/null")?;
        rustix::stdio::dup2_stdin(&null)?;
        Ok(Line { socket: Some(UnixStream::from(socket)), decoder: Decoder::default(), descriptors: Vec::new() })
    }

    pub(super) fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(UnixStream::as_fd)
    }

    /// What has arrived. Fails when the host is gone, or speaks another language.
    pub(super) fn orders(&mut self) -> io::Result<Vec<Order>> {
        let socket = self.socket.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let mut bytes = [0; 16 << 10];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let read = match recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::empty()) {
            Ok(message) => message.bytes,
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        // Nothing can be started in between: this process has one thread.
        self.descriptors.iter().try_for_each(|descriptor| fcntl_setfd(descriptor, FdFlags::CLOEXEC))?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.decoder.push(&bytes[..read]);
        let mut orders = Vec::new();
        while let Some(order) = self.decoder.next()? {
            orders.push(order);
        }
        Ok(orders)
    }

    /// What came with the launch: the program's standard input, output and error.
    pub(super) fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.descriptors)
    }

    /// Tells the host, waiting for room if there is none.
    pub(super) fn report(&mut self, report: &Report) -> io::Result<()> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        socket.write_all(&encode(report)?)
    }

    /// Tells the host if there is room: a host that stands still must not hold us up.
    pub(super) fn mention(&mut self, report: &Report) {
        let (Some(socket), Ok(bytes)) = (&self.socket, encode(report)) else { return };
        // A part of a message would spoil the next, and is sent to its end.
        if let Ok(sent) = send(socket, &bytes, SendFlags::DONTWAIT)
            && sent < bytes.len()
            && let Some(mut socket) = self.socket.as_ref()
        {
            let _ = socket.write_all(&bytes[sent..]);
        }
    }

    /// The host is gone: nothing is said or heard any more.
    pub(super) fn is_cut(&mut self) {
        self.socket = None;
    }
}
