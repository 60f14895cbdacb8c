//! What it costs to hold a child: starting it from a large host, reading what it writes, knowing that it is ready, and the
//! time until nothing is left of it when its host is killed. Beside the supervisor stand the ways in which others do the same.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use sixframe_supervisor::{
    Child, ChildConfig, From, GuardProgram, Input, Lifetime, Output, Piece, Stream, Supervisor, SupervisorConfig,
};
use tokio::io::AsyncBufReadExt as _;

use super::readiness;
use crate::memory;

/// What a child writes in a round of draining, in bytes.
const FLOOD: u64 = 2 << 30;

/// A line of the flood.
const LINE: usize = 80;

/// Starts in one row.
const STARTS: usize = 60;

/// Hosts that are killed for one figure.
const KILLS: usize = 20;

/// Runs everything and tells it as text. `quick` leaves out what takes long.
pub(crate) fn run(quick: bool) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut text = String::new();
    runtime.block_on(async {
        starts(&mut text, if quick { &[0, 1] } else { &[0, 1, 4] }).await?;
        // On a task, as whoever holds many children reads them.
        text += &tokio::spawn(drains(if quick { FLOOD / 8 } else { FLOOD })).await??;
        readiness::run(&mut text, supervisor()?, quick).await
    })?;
    survivors(&mut text, if quick { KILLS / 4 } else { KILLS })?;
    Ok(text)
}

/// Writes lines as fast as they are taken: the child of the drains.
pub(crate) fn flood(bytes: u64) -> Result<()> {
    let mut line = vec![b'x'; LINE - 1];
    line.push(b'\n');
    let block = line.repeat((64 << 10) / LINE);
    let mut out = std::io::stdout().lock();
    let mut left = bytes;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(block.len()).min(block.len());
        out.write_all(&block[..part])?;
        left -= part as u64;
    }
    Ok(())
}

/// Holds children until it is killed: the host of the kills. Says that they run.
pub(crate) fn host() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let supervisor = supervisor()?;
        let mut config = ChildConfig::new("sh");
        config.args = ["-c".into(), "sleep 1000 & (setsid sleep 1000 &); wait".into()].into();
        config.lifetime = Lifetime::Tree;
        let child = supervisor.spawn(config)?;
        child.started().await?;
        println!("runs");
        std::future::pending::<()>().await;
        drop(child);
        Ok(())
    })
}

pub(crate) fn supervisor() -> Result<Supervisor> {
    Ok(Supervisor::new(SupervisorConfig::new(GuardProgram::this_program()?))?)
}

async fn starts(text: &mut String, weights: &[usize]) -> Result<()> {
    writeln!(
        text,
        "\n| host's memory | plain spawn | supervised spawn, the host's call | until the first byte of output |"
    )?;
    writeln!(text, "|---|---|---|---|")?;
    for gibibytes in weights {
        let weight = vec![1_u8; gibibytes << 30];
        let (mut plain, mut calls, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        let supervisor = supervisor()?;
        for _ in 0..STARTS {
            let begun = Instant::now();
            let mut child = tokio::process::Command::new("true").spawn()?;
            plain.push(begun.elapsed());
            child.wait().await?;
            let config = ChildConfig { stdin: Input::Null, args: vec!["x".into()], ..ChildConfig::new("echo") };
            let begun = Instant::now();
            let child = supervisor.spawn(config)?;
            calls.push(begun.elapsed());
            child.output(Stream::Stdout).subscribe(From::Start).next().await.context("echo writes")?;
            bytes.push(begun.elapsed());
            child.stopped().await?;
        }
        std::hint::black_box(&weight);
        let [plain, calls, bytes] = [plain, calls, bytes].map(spread);
        writeln!(text, "| {gibibytes} GiB | {plain} | {calls} | {bytes} |")?;
    }
    Ok(())
}

async fn drains(bytes: u64) -> Result<String> {
    let mut text = String::new();
    writeln!(text, "\n| lines of {LINE} bytes, read by | MB | GB/s | lines/s | memory |")?;
    writeln!(text, "|---|---|---|---|---|")?;
    for reading in [Reading::Nobody, Reading::Bytes, Reading::Stuck, Reading::Lines] {
        let before = memory::resident(std::process::id())?;
        let begun = Instant::now();
        let child = supervised_flood(bytes)?;
        reading.follow(&child, bytes).await?;
        child.stopped().await?;
        row(&mut text, reading.name(), bytes, begun.elapsed(), before)?;
    }
    for other in Other::ALL {
        let bytes = bytes / other.slowness();
        let before = memory::resident(std::process::id())?;
        let begun = Instant::now();
        other.follow(bytes).await?;
        row(&mut text, other.name(), bytes, begun.elapsed(), before)?;
    }
    Ok(text)
}

fn row(text: &mut String, name: &str, bytes: u64, took: Duration, before: u64) -> Result<()> {
    let grown = memory::resident(std::process::id())?.saturating_sub(before) as f64 / 1e6;
    let (rate, lines) =
        (bytes as f64 / took.as_secs_f64() / 1e9, bytes as f64 / LINE as f64 / took.as_secs_f64() / 1e6);
    Ok(writeln!(text, "| {name} | {} | {rate:.2} | {lines:.1} M | +{grown:.0} MB |", bytes / 1_000_000)?)
}

/// Who reads the supervisor's output.
#[derive(Clone, Copy)]
enum Reading {
    Nobody,
    Bytes,
    Stuck,
    Lines,
}

impl Reading {
    fn name(self) -> &'static str {
        match self {
            Reading::Nobody => "the supervisor, for nobody",
            Reading::Bytes => "the supervisor, for a subscriber of bytes",
            Reading::Stuck => "the supervisor, for a subscriber that stands still",
            Reading::Lines => "the supervisor, for a subscriber of lines",
        }
    }

    async fn follow(self, child: &Child, bytes: u64) -> Result<()> {
        let output = child.output(Stream::Stdout);
        let mut pieces = output.subscribe(From::Start);
        match self {
            Reading::Nobody | Reading::Stuck => {
                ensure!(child.exited().await?.stdout == bytes, "everything was read");
                drop(pieces);
            }
            Reading::Bytes => {
                let mut seen = 0;
                while let Some(piece) = pieces.next().await {
                    seen = match piece {
                        Piece::Bytes { at, bytes } => at + bytes.len() as u64,
                        Piece::Gap { to, .. } => to,
                    };
                }
                ensure!(seen == bytes, "everything was told, or told to be missing");
            }
            Reading::Lines => {
                let mut lines = pieces.lines();
                while let Some(line) = lines.next().await {
                    std::hint::black_box(&line);
                }
                ensure!(lines.offset() == bytes, "everything was told, or told to be missing");
            }
        }
        Ok(())
    }
}

/// Who else reads what a child writes.
#[derive(Clone, Copy)]
enum Other {
    #[cfg(feature = "supervision-peers")]
    ProcessTools,
    Lines,
    Thread,
}

impl Other {
    const ALL: &[Other] = &[
        #[cfg(feature = "supervision-peers")]
        Other::ProcessTools,
        Other::Lines,
        Other::Thread,
    ];

    fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "supervision-peers")]
            Other::ProcessTools => "tokio-process-tools, for a subscriber of lines, none lost",
            Other::Lines => "tokio's `lines()`, `mpsc(1024)` of strings",
            Other::Thread => "a thread, `read_until`, `mpsc(1)` of lines (as tauri-plugin-shell does)",
        }
    }

    /// Which part of the flood it reads, as the row says: those that are far slower read less, so that all end in some seconds.
    fn slowness(self) -> u64 {
        match self {
            #[cfg(feature = "supervision-peers")]
            Other::ProcessTools => 1,
            Other::Lines => 4,
            Other::Thread => 16,
        }
    }

    async fn follow(self, bytes: u64) -> Result<()> {
        match self {
            #[cfg(feature = "supervision-peers")]
            Other::ProcessTools => by_process_tools(bytes).await,
            Other::Lines => by_lines(bytes).await,
            Other::Thread => by_thread(bytes).await,
        }
    }
}

fn supervised_flood(bytes: u64) -> Result<Child> {
    let mut config = ChildConfig::new(std::env::current_exe()?);
    config.args = vec!["flood".into(), bytes.to_string().into()];
    (config.stdin, config.stderr) = (Input::Null, Output::Inherited);
    Ok(supervisor()?.spawn(config)?)
}

async fn by_thread(bytes: u64) -> Result<()> {
    let mut child =
        Command::new(std::env::current_exe()?).args(["flood", &bytes.to_string()]).stdout(Stdio::piped()).spawn()?;
    let mut pipe = BufReader::new(child.stdout.take().context("it is piped")?);
    let (sender, mut lines) = tokio::sync::mpsc::channel(1);
    let thread = std::thread::spawn(move || -> std::io::Result<()> {
        loop {
            let mut line = Vec::new();
            if pipe.read_until(b'\n', &mut line)? == 0 || sender.blocking_send(line).is_err() {
                return Ok(());
            }
        }
    });
    let mut seen = 0;
    while let Some(line) = lines.recv().await {
        seen += line.len() as u64;
    }
    child.wait()?;
    ensure!(seen == bytes && matches!(thread.join(), Ok(Ok(()))), "everything was read");
    Ok(())
}

async fn by_lines(bytes: u64) -> Result<()> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    let mut child = command.args(["flood", &bytes.to_string()]).stdout(Stdio::piped()).spawn()?;
    let mut pipe = tokio::io::BufReader::new(child.stdout.take().context("it is piped")?).lines();
    let (sender, mut lines) = tokio::sync::mpsc::channel(1024);
    tokio::spawn(async move {
        while let Ok(Some(line)) = pipe.next_line().await {
            if sender.send(line).await.is_err() {
                return;
            }
        }
    });
    let mut seen = 0;
    while let Some(line) = lines.recv().await {
        seen += line.len() as u64 + 1;
    }
    child.wait().await?;
    ensure!(seen >= bytes, "everything was read");
    Ok(())
}

#[cfg(feature = "supervision-peers")]
async fn by_process_tools(bytes: u64) -> Result<()> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use tokio_process_tools::{
        AutoName, Consumable as _, DEFAULT_MAX_BUFFERED_CHUNKS, LineParsingOptions, Next, NumBytesExt as _, ParseLines,
        Process, ProcessStreamBuilder,
    };
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(["flood", &bytes.to_string()]);
    let mut child = Process::new(command)
        .name(AutoName::program_only())
        .stdout(|stream| {
            let stream = stream.single_subscriber().reliable_with_backpressure().replay_last_bytes(4.megabytes());
            stream.read_chunk_size(64.kilobytes()).max_buffered_chunks(DEFAULT_MAX_BUFFERED_CHUNKS)
        })
        .stderr(ProcessStreamBuilder::discard)
        .spawn()?;
    let seen = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&seen);
    let counting = ParseLines::inspect(LineParsingOptions::default(), move |line| {
        sum.fetch_add(line.len() as u64 + 1, Ordering::Relaxed);
        Next::Continue
    });
    let lines = child.stdout().consume(counting)?;
    child.wait_for_completion(Duration::from_secs(600)).await?.expect_completed("the flood ends");
    lines.wait().await?;
    ensure!(seen.load(Ordering::Relaxed) >= bytes, "everything was read");
    Ok(())
}

/// Kills hosts and waits until everything that carried their mark is gone.
fn survivors(text: &mut String, kills: usize) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..kills {
        let mut host = Command::new(std::env::current_exe()?).arg("supervised-host").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(host.stdout.take().context("it is piped")?).read_line(&mut line)?;
        ensure!(line == "runs\n", "the host says that its children run");
        let family = wait_for_family(host.id())?;
        let begun = Instant::now();
        host.kill()?;
        while family.iter().any(|pid| is_alive(*pid)) {
            ensure!(begun.elapsed() < Duration::from_secs(10), "{family:?} have survived");
        }
        times.push(begun.elapsed());
        host.wait()?;
    }
    writeln!(text, "\nkill -9 of a host with four processes below: nothing is left after {}", spread(times))?;
    Ok(())
}

/// The guardian, the shell, its child, and its child in another session.
fn wait_for_family(host: u32) -> Result<Vec<u32>> {
    let begun = Instant::now();
    loop {
        let mut family = children(host);
        let mut at = 0;
        while at < family.len() {
            family.extend(children(family[at]));
            at += 1;
        }
        if family.len() == 4 {
            return Ok(family);
        }
        if begun.elapsed() > Duration::from_secs(10) {
            bail!("the host has {family:?} below it, and not four");
        }
    }
}

fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let told = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    told.flat_map(|text| text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Median and the slowest.
pub(crate) fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let millis = |at: usize| times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    format!("{:.2} ms (at most {:.2})", millis(times.len() / 2), millis(times.len().saturating_sub(1)))
}
