//! What a contender has to offer to stand in the table: a server, a client, and the workloads that it can run.

use std::cell::Cell;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, bail};
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, Stream, TryStreamExt};
#[cfg(feature = "peers")]
use tokio::net::TcpListener;
use tokio::net::UnixListener;

use crate::payload::{Load, User};
use crate::workload::Workload;

/// The socket under a contender.
#[derive(Clone, Copy, PartialEq)]
pub enum Wire {
    Unix,
    /// A TCP socket on the loopback interface, which WebSocket contenders upgrade.
    WebSocket,
}

/// A place for a server to listen at. Its address is announced once it is bound, not before.
pub struct Socket {
    folder: PathBuf,
    announce: Box<dyn FnOnce(Address)>,
}

impl Socket {
    /// A socket file in `folder`, or a free port.
    pub fn new(folder: &Path, announce: impl FnOnce(Address) + 'static) -> Self {
        Self { folder: folder.to_owned(), announce: Box::new(announce) }
    }

    /// Where a contender that binds its socket itself should make it.
    pub fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.sock", std::process::id()))
    }

    /// Says that somebody listens at `address`.
    pub fn announce(self, address: Address) {
        (self.announce)(address);
    }

    pub fn unix(self) -> Result<UnixListener> {
        let path = self.path();
        let listener = UnixListener::bind(&path)?;
        self.announce(Address::Unix(path));
        Ok(listener)
    }

    #[cfg(feature = "peers")]
    pub async fn tcp(self) -> Result<TcpListener> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        self.announce(Address::Tcp(address));
        Ok(listener)
    }
}

/// Where a server listens, as it prints it for its parent.
#[derive(Clone)]
pub enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl Address {
    pub fn path(&self) -> Result<&Path> {
        match self {
            Self::Unix(path) => Ok(path),
            Self::Tcp(_) => bail!("expected the address of a unix socket"),
        }
    }

    #[cfg(feature = "peers")]
    pub fn socket(&self) -> Result<SocketAddr> {
        match self {
            Self::Tcp(socket) => Ok(*socket),
            Self::Unix(_) => bail!("expected the address of a TCP socket"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(socket) => write!(f, "tcp:{socket}"),
        }
    }
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("tcp", socket)) => Ok(Self::Tcp(socket.parse()?)),
            _ => bail!("{text:?} is no address: write unix:PATH or tcp:HOST:PORT"),
        }
    }
}

/// How many calls may still start. A clock or a count ends it.
pub struct Quota(Cell<u64>);

impl Quota {
    pub fn of(calls: u64) -> Self {
        Self(Cell::new(calls))
    }

    pub fn endless() -> Self {
        Self::of(u64::MAX)
    }

    /// Takes up to `calls` and says how many it got.
    pub fn take(&self, calls: u64) -> u64 {
        let taken = calls.min(self.0.get());
        self.0.set(self.0.get() - taken);
        taken
    }

    pub fn close(&self) {
        self.0.set(0);
    }
}

/// One contender: both of its ends, used as its own documentation shows.
///
/// A value is one client connection. The provided methods keep their default wherever a library has an ordinary client;
/// only sockets without calls of their own (raw echoes) replace them.
pub trait Peer: Sized + 'static {
    const NAME: &'static str;
    /// A phrase for the table's legend.
    const ABOUT: &'static str;
    const WIRE: Wire;
    const WORKLOADS: &'static [Workload];
    /// The contender that this one forwards to, if it is a relay. It is served in a process of its own.
    const UPSTREAM: Option<&'static str> = None;

    /// Binds the socket, announces it, then accepts and serves connections until it is dropped.
    async fn serve(socket: Socket, upstream: Option<Address>) -> Result<()>;

    async fn connect(address: &Address) -> Result<Self>;

    /// Makes one call and waits for its answer.
    async fn call(&self, load: Load<'_>) -> Result<Answer>;

    /// Opens a stream of `count` records.
    async fn items(&self, count: u64) -> Result<impl Stream<Item = Result<User>> + Unpin> {
        bail!("{} has no stream of {count} items", Self::NAME) as Result<futures_util::stream::Empty<Result<User>>>
    }

    /// Keeps `depth` calls in flight until the quota is used up; returns how many were answered.
    async fn keep(&self, depth: usize, load: Load<'_>, quota: &Quota) -> Result<u64> {
        let lanes: FuturesUnordered<_> = (0..depth).map(|_| one_after_another(self, load, quota)).collect();
        lanes.try_fold(0, async |sum, lane| Ok(sum + lane)).await
    }

    /// Reads a stream of `count` records to its end; returns how many arrived.
    async fn drain(&self, count: u64) -> Result<u64> {
        let mut items = self.items(count).await?;
        let mut arrived = 0;
        while items.try_next().await?.is_some() {
            arrived += 1;
        }
        Ok(arrived)
    }
}

async fn one_after_another<P: Peer>(peer: &P, load: Load<'_>, quota: &Quota) -> Result<u64> {
    let mut answered = 0;
    while quota.take(1) == 1 {
        peer.call(load).await?;
        answered += 1;
    }
    Ok(answered)
}

/// What came back, for the check before a measurement.
pub enum Answer {
    One(User),
    Many(Vec<User>),
    Opaque(String),
    /// Bytes that a raw echo counted and did not look into.
    Counted(usize),
}

impl Answer {
    /// Whether this is what an honest echo of `load` returns.
    pub fn echoes(&self, load: Load<'_>) -> bool {
        match (self, load) {
            (Self::One(user), Load::One(sent)) => user == sent,
            (Self::Many(users), Load::Many(sent)) => users == sent,
            (Self::Opaque(value), Load::Opaque(sent)) => value == sent.get(),
            (Self::Counted(bytes), Load::One(sent)) => serde_json::to_vec(sent).is_ok_and(|json| *bytes >= json.len()),
            (Self::Counted(bytes), Load::Opaque(sent)) => *bytes >= sent.get().len(),
            _ => false,
        }
    }
}

/// A [`Peer`] behind function pointers, so that a table can hold all of them.
pub struct Contender {
    pub name: &'static str,
    pub about: &'static str,
    pub wire: Wire,
    pub workloads: &'static [Workload],
    pub upstream: Option<&'static str>,
    pub serve: fn(Socket, Option<Address>) -> LocalBoxFuture<'static, Result<()>>,
    pub drive: fn(Address) -> Result<()>,
    pub iterate: fn(Workload, u64) -> Result<()>,
}

impl Contender {
    pub const fn of<P: Peer>() -> Self {
        Self {
            name: P::NAME,
            about: P::ABOUT,
            wire: P::WIRE,
            workloads: P::WORKLOADS,
            upstream: P::UPSTREAM,
            serve: |socket, upstream| Box::pin(P::serve(socket, upstream)),
            drive: crate::driver::drive::<P>,
            iterate: crate::driver::iterate::<P>,
        }
    }
}
