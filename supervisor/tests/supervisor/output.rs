//! What children write, and who reads it.

use std::time::{Duration, Instant};

use sixframe_supervisor::{Child, ChildConfig, From, Input, Line, LineEnd, Output, Piece, Stream, Supervisor};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::sandbox::{alone, supervisor};

fn shell(script: &str) -> ChildConfig {
    let mut config = ChildConfig::new("sh");
    config.args = ["-c".into(), script.into()].into();
    config.stdin = Input::Null;
    config
}

fn spawn(supervisor: &Supervisor, script: &str, ring: usize) -> Child {
    supervisor.spawn(ChildConfig { output_bytes: ring, ..shell(script) }).unwrap()
}

async fn lines(child: &Child, from: From) -> Vec<Line> {
    let mut lines = child.output(Stream::Stdout).subscribe(from).lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next().await {
        found.push(line);
    }
    found
}

fn text(at: u64, text: &str, end: LineEnd) -> Line {
    Line::Text { at, text: text.to_owned(), end, rest: false }
}

/// Our resident memory, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * rustix::param::page_size() as u64
}

#[tokio::test]
async fn lines_come_whole_whatever_their_ends_and_their_encoding() {
    let supervisor = supervisor();
    let child = spawn(&supervisor, r"printf 'a\r\nb\rc\n\303'; printf '\251\0z\377'", 4096);
    let expected = [
        text(0, "a", LineEnd::Newline),
        text(3, "b", LineEnd::Return),
        text(5, "c", LineEnd::Newline),
        text(7, "\u{e9}\0z\u{fffd}", LineEnd::Missing),
    ];
    assert_eq!(lines(&child, From::Start).await, expected);
    assert_eq!(child.exited().await.unwrap().stdout, 12);
    assert_eq!(lines(&child, From::Offset(5)).await, expected[2..]);
    assert_eq!(lines(&child, From::End).await, []);
}

#[tokio::test]
async fn a_late_subscriber_is_told_what_it_has_missed() {
    let supervisor = supervisor();
    let child = spawn(&supervisor, "head -c 100000 /dev/zero; echo end", 1000);
    child.stopped().await.unwrap();
    let output = child.output(Stream::Stdout);
    assert_eq!((output.start(), output.end()), (99_004, 100_004));
    let mut pieces = output.subscribe(From::Start);
    assert_eq!(pieces.next().await, Some(Piece::Gap { from: 0, to: 99_004 }));
    let mut next = 99_004;
    while let Some(piece) = pieces.next().await {
        let Piece::Bytes { at, bytes } = piece else { panic!("nothing is written any more") };
        assert_eq!(at, next);
        next += bytes.len() as u64;
    }
    assert_eq!((next, pieces.offset()), (100_004, 100_004));
    assert!(matches!(output.subscribe(From::Last(10)).next().await, Some(Piece::Bytes { at: 99_994, .. })));
    assert_eq!(output.last_lines(1)[0].trim_start_matches(['\u{2026}', '\0']), "end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_passes_no_one_and_every_missing_byte_is_told() {
    const BYTES: u64 = 300_000_000;
    const RING: usize = 1 << 20;
    if !alone("output::a_flood_passes_no_one_and_every_missing_byte_is_told") {
        return;
    }
    let supervisor = supervisor();
    let before = resident();
    let flood = format!("yes {} | head -c {BYTES}", "x".repeat(79));
    for (reading, stuck) in [(0, 0), (1, 0), (1, 1)] {
        let child = spawn(&supervisor, &flood, RING);
        let _stuck: Vec<_> = (0..stuck).map(|_| child.output(Stream::Stdout).subscribe(From::Start)).collect();
        let readers: Vec<_> = (0..reading).map(|_| tokio::spawn(follow(&child))).collect();
        assert_eq!(child.exited().await.unwrap().stdout, BYTES);
        for reader in readers {
            assert_eq!(reader.await.unwrap(), BYTES);
        }
        child.stopped().await.unwrap();
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 4 * RING as u64 + (8 << 20), "{grown} bytes more than before");
}

/// Reads to the end; where the last piece ends, if each has begun where the one before did.
fn follow(child: &Child) -> impl Future<Output = u64> + 'static {
    let mut pieces = child.output(Stream::Stdout).subscribe(From::Start);
    async move {
        let mut next = 0;
        while let Some(piece) = pieces.next().await {
            next = match piece {
                Piece::Bytes { at, bytes } if at == next => at + bytes.len() as u64,
                Piece::Gap { from, to } if from == next && to > from => to,
                torn => panic!("{torn:?} does not begin at {next}"),
            };
        }
        next
    }
}

#[tokio::test]
async fn a_line_without_end_takes_no_more_memory_than_the_ring() {
    const BYTES: u64 = 200_000_000;
    if !alone("output::a_line_without_end_takes_no_more_memory_than_the_ring") {
        return;
    }
    let supervisor = supervisor();
    let before = resident();
    let child = spawn(&supervisor, &format!("tr '\\0' x < /dev/zero | head -c {BYTES}"), 1 << 20);
    let mut lines = child.output(Stream::Stdout).subscribe(From::Start).lines();
    let mut next = 0;
    while let Some(line) = lines.next().await {
        next = match line {
            Line::Text { at, text, .. } => {
                assert!(at == next && text.len() <= 64 << 10);
                at + text.len() as u64
            }
            Line::Gap { from, to } => {
                assert_eq!(from, next);
                to
            }
        };
    }
    assert_eq!(next, BYTES);
    assert!(resident().saturating_sub(before) < 16 << 20);
}

#[tokio::test]
async fn an_exit_is_told_though_another_process_keeps_the_output_open() {
    let supervisor = supervisor();
    let script = "sh -c 'trap \"\" TERM; echo in; while :; do sleep 1; done' & \
        echo out; read line < /dev/null; exec 3>&1; sh -c 'exit 0'; while ! kill -0 $!; do :; done; exit 3";
    let mut config = shell(script);
    config.stop.signal_for = Duration::from_secs(60);
    let child = supervisor.spawn(config).unwrap();
    let begun = Instant::now();
    let exit = child.exited().await.unwrap();
    assert_eq!(exit.code, Some(3));
    assert!(exit.stdout >= 4 && begun.elapsed() < Duration::from_secs(5));
    assert!(!child.status().is_final(), "the other one lives");
    child.kill().await.unwrap();
    let told = lines(&child, From::Start).await;
    assert!(told.iter().any(|line| matches!(line, Line::Text { text, .. } if text == "out")), "{told:?}");
}

#[tokio::test]
async fn both_outputs_are_kept_apart_and_outlive_the_child() {
    let supervisor = supervisor();
    let child = spawn(&supervisor, "echo one; echo two >&2", 4096);
    let exit = child.stopped().await.unwrap();
    assert_eq!((exit.stdout, exit.stderr), (4, 4));
    let (stdout, stderr) = (child.output(Stream::Stdout), child.output(Stream::Stderr));
    drop(child);
    assert_eq!((stdout.last_lines(9), stderr.last_lines(9)), (vec!["one".to_owned()], vec!["two".to_owned()]));
}

#[tokio::test]
async fn a_pipe_that_is_taken_makes_the_child_wait() {
    let supervisor = supervisor();
    let mut config = shell("while :; do echo x; done");
    config.stdout = Output::Piped;
    let child = supervisor.spawn(config).unwrap();
    let mut pipe = child.take_pipe(Stream::Stdout).unwrap();
    assert!(child.take_pipe(Stream::Stdout).is_none(), "once");
    let mut bytes = vec![0; 1 << 20];
    pipe.read_exact(&mut bytes).await.unwrap();
    assert!(bytes.chunks(2).all(|line| line == b"x\n"));
    let asleep = || std::fs::read_to_string(format!("/proc/{}/wchan", pid(&child))).unwrap_or_default();
    crate::sandbox::until("it waits to write", || asleep().contains("pipe").then_some(()));
    assert_eq!(child.output(Stream::Stdout).end(), 0);
    child.kill().await.unwrap();
}

fn pid(child: &Child) -> u32 {
    match child.status() {
        sixframe_supervisor::Status::Running { program } => program.pid,
        other => panic!("it runs, and is not {other:?}"),
    }
}

#[tokio::test]
async fn input_is_written_until_it_is_closed_and_a_writer_that_waits_is_told() {
    let supervisor = supervisor();
    let mut config = shell("echo up; exec sleep 1000");
    config.stdin = Input::Piped;
    let child = supervisor.spawn(config).unwrap();
    child.started().await.unwrap();
    let mut stdin = child.stdin();
    let writing = tokio::spawn(async move { stdin.write_all(&vec![0; 1 << 20]).await });
    let (stopped, written) = tokio::join!(child.kill(), writing);
    stopped.unwrap();
    assert_eq!(written.unwrap().unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    assert!(!child.stdin().is_open());
    let refused = child.stdin().write_all(b"x").await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn lines_are_logged_where_that_is_asked_for() {
    if !alone("output::lines_are_logged_where_that_is_asked_for") {
        return;
    }
    #[derive(Clone, Default)]
    struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let supervisor = supervisor();
            let mut config = shell("echo logged line");
            config.trace_output = true;
            config.name = "teller".into();
            supervisor.spawn(config).unwrap().stopped().await.unwrap();
            while !String::from_utf8_lossy(&log.0.lock().unwrap()).contains("logged line") {
                tokio::task::yield_now().await;
            }
        });
    });
    let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(told.contains("INFO") && told.contains("teller") && told.contains("stdout"), "{told}");
}
