//! A child held by a guardian: the host's end of the lease. Nothing but the guardian is started here, and plainly, since
//! anything to be done between fork and exec would make the standard library fork this process with all its memory.

mod guardian;

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::process::Stdio;

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, send, sendmsg};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::guard_program::GuardProgram;
use crate::lease::{Decoder, Launch, Order, Report, encode};
use crate::mark::VARIABLE;
use crate::{ChildConfig, ProcessId, SpawnError};
use crate::{orphans, process, tree};

use super::{Ends, pipes};
use guardian::Guardian;

/// Most that is still read of what a guardian that has ended had said, in bytes: somebody else may hold its end of the lease, and
/// speak for ever.
const LAST_WORDS: usize = 1 << 20;

/// A guardian and the lease that keeps its child alive. Dropping it ends the child's tree, the guardian sees to that.
pub(crate) struct Holder {
    lease: UnixStream,
    guardian: Guardian,
    root: Root,
    decoder: Decoder,
    /// The guardian has ended, and all that it said was read.
    is_over: bool,
    launch: Option<(Launch, [OwnedFd; 3])>,
}

/// What a process that is below this child has above it: the guardian.
#[derive(Clone, Debug)]
pub(crate) struct Root(pub(crate) ProcessId);

impl Root {
    /// The guardian's own process.
    pub(crate) fn guardian(&self) -> Option<ProcessId> {
        Some(self.0)
    }

    /// What lives below it.
    pub(crate) fn below(&self) -> Vec<ProcessId> {
        tree::below(self.0.pid)
    }
}

impl Holder {
    /// Starts the guardian, which takes the time of a plain `posix_spawn`; the rest follows with [`launch`](Holder::launch).
    pub(crate) fn start(
        config: &ChildConfig,
        guard: &GuardProgram,
        open_files: Option<u64>,
        mark: &str,
    ) -> Result<(Holder, Ends), SpawnError> {
        let program = || config.program.to_string_lossy().into_owned();
        let no_pipes = |source| SpawnError::Pipes { program: program(), source };
        let (ends, theirs) = pipes(config).map_err(no_pipes)?;
        let (lease, guards) = lease().map_err(no_pipes)?;
        let mut command = Command::new(&guard.path);
        command.args(&guard.args).arg0("sixframe-guardian").env(VARIABLE, mark);
        command.stdin(guards).stdout(Stdio::null()).stderr(Stdio::null());
        let known = |guardian: &Child| {
            let pid = guardian.id().unwrap_or_default();
            process::process(pid).map_or(ProcessId { pid, started: 0 }, |process| process.id)
        };
        let spawned = orphans::begin(|| command.spawn(), known);
        let guardian = spawned.map_err(|source| SpawnError::Guardian {
            program: program(),
            guardian: guard.path.clone(),
            source,
        })?;
        let root = Root(known(&guardian));
        let launch = Some((Launch { open_files, ..launch(config, mark) }, theirs));
        let (guardian, decoder) = (Guardian::new(guardian), Decoder::default());
        Ok((Holder { lease, guardian, root, decoder, is_over: false, launch }, ends))
    }

    /// What everything of the child is below.
    pub(crate) fn root(&self) -> Root {
        self.root.clone()
    }

    /// What lives below the guardian, as long as its number can be nobody else's.
    pub(crate) fn below(&self) -> Vec<ProcessId> {
        if self.guardian.is_reaped() { Vec::new() } else { self.root.below() }
    }

    /// The next report; none when the guardian is gone, or the lease says nothing more. May be dropped and called again at any time.
    pub(crate) async fn next(&mut self) -> Option<Report> {
        let mut bytes = [0; 4 << 10];
        loop {
            if let Some(report) = self.decoder.next().ok()? {
                return Some(report);
            }
            if self.is_over {
                return None;
            }
            tokio::select! {
                biased;
                () = self.guardian.ended() => self.hear_the_rest(),
                read = self.lease.read(&mut bytes) => match read {
                    Ok(read @ 1..) => self.decoder.push(&bytes[..read]),
                    Ok(0) | Err(_) => return None,
                },
            }
        }
    }

    /// What a guardian has said has arrived when it has ended, though we may not have been told that yet.
    fn hear_the_rest(&mut self) {
        self.is_over = true;
        let (mut bytes, mut heard) = ([0; 4 << 10], 0);
        while heard < LAST_WORDS
            && let Ok((read @ 1.., _)) = recv(&self.lease, &mut bytes, RecvFlags::DONTWAIT)
        {
            heard += read;
            self.decoder.push(&bytes[..read]);
        }
    }

    /// Tells the guardian, waiting for room if there is none, but for a courtesy. One that is gone needs no order.
    pub(crate) async fn order(&mut self, order: &Order) {
        let Ok(bytes) = encode(order) else { return };
        let sent = match order {
            Order::Signal(_) => send(&self.lease, &bytes, SendFlags::DONTWAIT).unwrap_or(bytes.len()),
            Order::Launch(_) | Order::Stop { .. } | Order::Kill => 0,
        };
        // A part of a message would spoil the next, and is sent to its end.
        let _ = self.lease.write_all(&bytes[sent..]).await;
    }

    /// Takes notice of the guardian's end: whether it has ended by itself. May be dropped and called again at any time.
    pub(crate) async fn ended(&mut self) -> bool {
        let by_itself = self.guardian.reap().await;
        orphans::ended(self.root.0);
        by_itself
    }

    /// Ends a guardian that does not do its work.
    pub(crate) fn give_up(&mut self) {
        self.guardian.kill();
    }

    /// Tells the guardian what to start; to be called once, before all others. Errors: it is gone.
    pub(crate) async fn launch(&mut self) -> io::Result<()> {
        let Some((launch, descriptors)) = self.launch.take() else { return Ok(()) };
        let bytes = encode(&Order::Launch(Box::new(launch)))?;
        let sent = loop {
            self.lease.writable().await?;
            match self.lease.try_io(Interest::WRITABLE, || send_with(&self.lease, &bytes, &descriptors)) {
                Ok(sent) => break sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                Err(error) => return Err(error),
            }
        };
        // Ours would keep the child's pipes open.
        drop(descriptors);
        self.lease.write_all(&bytes[sent..]).await
    }
}

fn send_with(lease: &UnixStream, bytes: &[u8], descriptors: &[OwnedFd; 3]) -> io::Result<usize> {
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(|descriptor| descriptor.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&borrowed));
    Ok(sendmsg(lease, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty())?)
}

/// Our end, and the guardian's, which is its standard input.
fn lease() -> io::Result<(UnixStream, OwnedFd)> {
    let (ours, guards) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, guards.into()))
}

fn launch(config: &ChildConfig, mark: &str) -> Launch {
    let mut env = config.env.clone();
    env.push((VARIABLE.into(), Some(mark.into())));
    Launch {
        program: anchored(config),
        args: config.args.clone(),
        clear_env: config.clear_env,
        env,
        cwd: config.cwd.as_ref().map(|cwd| std::path::absolute(cwd).unwrap_or_else(|_| cwd.clone()).into()),
        lifetime: config.lifetime,
        host: std::process::id(),
        mark: mark.to_owned(),
        signal: config.stop.signal,
        grace: config.stop.signal_for,
        open_files: None,
    }
}

/// A path is meant from where we are, whatever folder the child starts in; a name is for `PATH`.
fn anchored(config: &ChildConfig) -> std::ffi::OsString {
    let is_path = config.program.as_encoded_bytes().contains(&b'/');
    match is_path.then(|| std::path::absolute(&config.program)) {
        Some(Ok(path)) => path.into(),
        Some(Err(_)) | None => config.program.clone(),
    }
}
