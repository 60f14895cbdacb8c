//! The plain hand-written engine to which every ratio refers: newline JSON frames over a unix socket, the envelope read
//! with a borrowed payload, a typed decode on both sides, a `HashMap` of oneshots, one coalescing writer a connection.
//!
//! It knows no cancellation, no deadline, no credit and no limit: a stream that is not read blocks its connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Socket, Wire};
use crate::workload::Workload;

const READ_BUFFER: usize = 64 << 10;
/// Frames that may wait for the writer, and items that may wait for their consumer.
const QUEUE: usize = 256;

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    kind: &'a str,
    cid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Req<'a, T: ?Sized> {
    kind: &'static str,
    cid: &'a str,
    method: &'static str,
    payload: &'a T,
}

#[derive(Serialize)]
struct Res<'a, T: ?Sized> {
    kind: &'static str,
    cid: &'a str,
    ok: bool,
    result: &'a T,
}

#[derive(Serialize)]
struct Nxt<'a, T: ?Sized> {
    kind: &'static str,
    cid: &'a str,
    data: &'a T,
}

#[derive(Serialize)]
struct End<'a> {
    kind: &'static str,
    cid: &'a str,
}

enum Pending {
    Call(oneshot::Sender<Box<RawValue>>),
    Items(mpsc::Sender<Box<RawValue>>),
}

type Calls = Arc<Mutex<HashMap<u64, Pending>>>;

pub struct Floor {
    calls: Calls,
    last: AtomicU64,
    frames: mpsc::Sender<Vec<u8>>,
}

impl Peer for Floor {
    const NAME: &'static str = "floor";
    const ABOUT: &'static str = "the same frames by a plain hand-written engine (L1); every ratio is to it";
    const WIRE: Wire = Wire::Unix;
    const WORKLOADS: &'static [Workload] = &Workload::ALL;

    async fn serve(socket: Socket, _: Option<Address>) -> Result<()> {
        let listener = socket.unix()?;
        loop {
            let (stream, _) = listener.accept().await?;
            let (reads, writes) = stream.into_split();
            let (frames, queue) = mpsc::channel(QUEUE);
            tokio::spawn(write_frames(writes, queue));
            tokio::spawn(answer_all(Lines::new(reads), frames));
        }
    }

    async fn connect(address: &Address) -> Result<Self> {
        let (reads, writes) = UnixStream::connect(address.path()?).await?.into_split();
        let (frames, queue) = mpsc::channel(QUEUE);
        let calls = Calls::default();
        tokio::spawn(write_frames(writes, queue));
        tokio::spawn(settle_all(Lines::new(reads), Arc::clone(&calls)));
        Ok(Self { calls, last: AtomicU64::new(0), frames })
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        Ok(match load {
            Load::One(user) => Answer::One(serde_json::from_slice(self.request("echo", user).await?.get().as_bytes())?),
            Load::Many(users) => {
                Answer::Many(serde_json::from_slice(self.request("echoAll", users).await?.get().as_bytes())?)
            }
            Load::Opaque(value) => Answer::Opaque(Box::<str>::from(self.request("pass", value).await?).into()),
        })
    }

    async fn items(&self, count: u64) -> Result<impl Stream<Item = Result<User>> + Unpin> {
        let (items, consumer) = mpsc::channel(QUEUE);
        self.send("items", &count, Pending::Items(items)).await?;
        Ok(Box::pin(stream::try_unfold(consumer, async |mut consumer| {
            let Some(item) = consumer.recv().await else { return Ok(None) };
            Ok(Some((serde_json::from_slice(item.get().as_bytes())?, consumer)))
        })))
    }
}

impl Floor {
    async fn request<T: Serialize + ?Sized>(&self, method: &'static str, payload: &T) -> Result<Box<RawValue>> {
        let (answer, answered) = oneshot::channel();
        self.send(method, payload, Pending::Call(answer)).await?;
        answered.await.context("the connection was closed")
    }

    async fn send<T: Serialize + ?Sized>(&self, method: &'static str, payload: &T, pending: Pending) -> Result<()> {
        let cid = self.last.fetch_add(1, Ordering::Relaxed);
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).insert(cid, pending);
        let frame = line(&Req { kind: "req", cid: &cid.to_string(), method, payload })?;
        self.frames.send(frame).await.context("the connection was closed")
    }
}

fn line<T: Serialize>(frame: &T) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    Ok(line)
}

/// Takes what is queued, then writes it at once.
async fn write_frames(mut writes: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) -> Result<()> {
    let mut batch = Vec::new();
    while let Some(frame) = queue.recv().await {
        batch.extend_from_slice(&frame);
        while batch.len() < READ_BUFFER
            && let Ok(frame) = queue.try_recv()
        {
            batch.extend_from_slice(&frame);
        }
        writes.write_all(&batch).await?;
        batch.clear();
        batch.shrink_to(READ_BUFFER);
    }
    Ok(())
}

/// The read half, cut at newlines.
struct Lines {
    reads: OwnedReadHalf,
    buffer: Vec<u8>,
    /// Where the next line starts, and how far the bytes behind it were searched.
    start: usize,
    searched: usize,
}

impl Lines {
    fn new(reads: OwnedReadHalf) -> Self {
        Self { reads, buffer: Vec::with_capacity(READ_BUFFER), start: 0, searched: 0 }
    }

    /// Reads once; `false` at the end.
    async fn fill(&mut self) -> Result<bool> {
        self.buffer.drain(..self.start);
        (self.start, self.searched) = (0, self.searched - self.start);
        Ok(self.reads.read_buf(&mut self.buffer).await? > 0)
    }

    fn next(&mut self) -> Option<&[u8]> {
        let Some(length) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + length;
        let line = self.start..end;
        (self.start, self.searched) = (end + 1, end + 1);
        Some(&self.buffer[line])
    }
}

async fn answer_all(mut lines: Lines, frames: mpsc::Sender<Vec<u8>>) -> Result<()> {
    while lines.fill().await? {
        while let Some(line) = lines.next() {
            answer(line, &frames).await?;
        }
    }
    Ok(())
}

async fn settle_all(mut lines: Lines, calls: Calls) -> Result<()> {
    while lines.fill().await.unwrap_or(false) {
        while let Some(line) = lines.next() {
            settle(line, &calls).await?;
        }
    }
    calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    Ok(())
}

async fn answer(frame: &[u8], frames: &mpsc::Sender<Vec<u8>>) -> Result<()> {
    let Envelope { cid, method, payload, .. } = serde_json::from_slice(frame)?;
    let raw = payload.context("a request without payload")?;
    let payload = raw.get().as_bytes();
    let answer = match method {
        Some("echo") => result(cid, &serde_json::from_slice::<User>(payload)?)?,
        Some("echoAll") => result(cid, &serde_json::from_slice::<Vec<User>>(payload)?)?,
        Some("pass") => result(cid, raw)?,
        Some("items") => {
            tokio::spawn(produce(cid.to_owned(), serde_json::from_slice(payload)?, frames.clone()));
            return Ok(());
        }
        method => bail!("no method {method:?}"),
    };
    frames.send(answer).await.context("the connection was closed")
}

fn result<T: Serialize + ?Sized>(cid: &str, result: &T) -> Result<Vec<u8>> {
    line(&Res { kind: "res", cid, ok: true, result })
}

async fn produce(cid: String, count: u64, frames: mpsc::Sender<Vec<u8>>) -> Result<()> {
    for id in 0..count {
        frames.send(line(&Nxt { kind: "nxt", cid: &cid, data: &User::sample(id) })?).await?;
    }
    Ok(frames.send(line(&End { kind: "end", cid: &cid })?).await?)
}

async fn settle(frame: &[u8], calls: &Calls) -> Result<()> {
    let envelope: Envelope<'_> = serde_json::from_slice(frame)?;
    let cid = envelope.cid.parse()?;
    if let Some(item) = envelope.data {
        let items = match calls.lock().unwrap_or_else(PoisonError::into_inner).get(&cid) {
            Some(Pending::Items(items)) => items.clone(),
            _ => return Ok(()),
        };
        // The consumer may have dropped its stream; the rest of it is then skipped.
        let _ = items.send(item.to_owned()).await;
        return Ok(());
    }
    let pending = calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&cid);
    if let (Some(Pending::Call(call)), Some(result)) = (pending, envelope.result) {
        // The caller may have dropped its call.
        let _ = call.send(result.to_owned());
    }
    Ok(())
}
