//! Newline-ended bytes over a unix socket, echoed unparsed: what the kernel and tokio cost, and nothing else.

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Quota, Socket, Wire};
use crate::workload::Workload;

const BUFFER: usize = 64 << 10;

pub struct Raw {
    stream: Mutex<UnixStream>,
    /// The small record with its newline.
    line: Vec<u8>,
}

impl Peer for Raw {
    const NAME: &'static str = "raw";
    const ABOUT: &'static str = "newline-ended bytes echoed unparsed: the kernel's price (L0)";
    const WIRE: Wire = Wire::Unix;
    const WORKLOADS: &'static [Workload] = &[
        Workload::PingPong,
        Workload::Pipelined,
        Workload::Crowd,
        Workload::Stream,
        Workload::PipelinedOpaque,
        Workload::Kib16Opaque,
        Workload::Mib1Opaque,
        Workload::Idle,
        Workload::ColdStart,
    ];

    async fn serve(socket: Socket, _: Option<Address>) -> Result<()> {
        let listener = socket.unix()?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(echo(stream));
        }
    }

    async fn connect(address: &Address) -> Result<Self> {
        let mut line = serde_json::to_vec(&User::sample(1_234_567))?;
        line.push(b'\n');
        Ok(Self { stream: Mutex::new(UnixStream::connect(address.path()?).await?), line })
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        let Load::Opaque(value) = load else {
            return self.exchange(&self.line).await;
        };
        let mut line = value.get().as_bytes().to_vec();
        line.push(b'\n');
        self.exchange(&line).await
    }

    async fn keep(&self, depth: usize, _: Load<'_>, quota: &Quota) -> Result<u64> {
        let mut stream = self.stream.lock().await;
        let lines = self.line.repeat(depth);
        let mut in_flight = quota.take(depth as u64);
        let mut answered = 0;
        let mut buffer = vec![0; BUFFER];
        stream.write_all(&lines[..self.line.len() * in_flight as usize]).await?;
        while in_flight > 0 {
            let read = read(&mut *stream, &mut buffer).await?;
            let lines_read = memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
            answered += lines_read;
            let again = quota.take(lines_read);
            in_flight = in_flight + again - lines_read;
            stream.write_all(&lines[..self.line.len() * again as usize]).await?;
        }
        Ok(answered)
    }

    async fn drain(&self, count: u64) -> Result<u64> {
        let mut stream = self.stream.lock().await;
        stream.write_all(format!("s{count}\n").as_bytes()).await?;
        let mut buffer = vec![0; BUFFER];
        let mut arrived = 0;
        while arrived < count {
            let read = read(&mut *stream, &mut buffer).await?;
            arrived += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
        }
        Ok(arrived)
    }
}

impl Raw {
    /// Writes a line and reads as many bytes, both at once: the server echoes while it still receives.
    async fn exchange(&self, line: &[u8]) -> Result<Answer> {
        let mut stream = self.stream.lock().await;
        let (mut reads, mut writes) = stream.split();
        let receive = async {
            let mut buffer = vec![0; line.len().min(BUFFER)];
            let mut received = 0;
            while received < line.len() {
                received += read(&mut reads, &mut buffer).await?;
            }
            anyhow::Ok(received)
        };
        let send = async { Ok(writes.write_all(line).await?) };
        let ((), received) = tokio::try_join!(send, receive)?;
        ensure!(received == line.len(), "the echo is longer than what was sent");
        Ok(Answer::Counted(received))
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin), buffer: &mut [u8]) -> Result<usize> {
    match stream.read(buffer).await? {
        0 => bail!("the server closed the connection"),
        read => Ok(read),
    }
}

async fn echo(mut stream: UnixStream) -> Result<()> {
    let mut buffer = Vec::with_capacity(BUFFER);
    while stream.read_buf(&mut buffer).await? > 0 {
        match buffer.strip_prefix(b"s") {
            Some(request) => produce(&mut stream, request).await?,
            None => stream.write_all(&buffer).await?,
        }
        buffer.clear();
    }
    Ok(())
}

/// Answers `s<count>\n` with that many lines.
async fn produce(stream: &mut UnixStream, request: &[u8]) -> Result<()> {
    let mut left: usize = std::str::from_utf8(request)?.trim_end().parse()?;
    let mut line = serde_json::to_vec(&User::sample(1_234_567))?;
    line.push(b'\n');
    let batch = line.repeat(BUFFER / line.len());
    while left > 0 {
        let lines = left.min(batch.len() / line.len());
        stream.write_all(&batch[..lines * line.len()]).await?;
        left -= lines;
    }
    Ok(())
}
