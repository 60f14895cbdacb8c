//! How a child ends, and that it does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "suite/echo.rs"]
mod echo;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sixframe_core::{Identity, TransportError};
use sixframe_transports::Framing;
use sixframe_transports::child::{self, ChildConfig, ChildTransport};
use tokio::time::timeout;

fn shell(script: &str) -> (ChildTransport, Identity) {
    let mut config = ChildConfig::new("/bin/sh");
    config.args = vec!["-c".into(), script.into()];
    child::spawn(&config).expect("started")
}

async fn next(child: &mut ChildTransport) -> Option<Result<Bytes, TransportError>> {
    timeout(Duration::from_secs(10), child.next()).await.expect("the child's stream hangs")
}

async fn end(child: &mut ChildTransport) -> TransportError {
    let error = next(child).await.expect("an item").expect_err("the end");
    assert!(error.is_fatal());
    assert!(next(child).await.is_none());
    error
}

#[tokio::test]
async fn the_exit_status_and_the_last_stderr_lines_are_in_the_error() {
    let mut child = echo::child(Framing::Ndjson, 1000);
    child.send(Bytes::from_static(b"{\"fail\":1}")).await.unwrap();
    let error = end(&mut child).await;
    assert!(error.to_string().ends_with("exited with status 3; its last words: out of cheese"), "{error}");
    assert!(error.to_string().contains("examples/stdio_echo"), "{error}");
    let expected = json!({"exit": {"code": 3, "signal": Value::Null}, "stderr": ["out of cheese"]});
    assert_eq!(error.details(), Some(&expected));
}

#[tokio::test]
async fn a_child_killed_by_kill_9_ends_the_stream_with_the_signal() {
    let (mut child, identity) = shell("cat");
    child.send(Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(next(&mut child).await.unwrap().unwrap(), "{}");
    kill(identity.pid.unwrap());
    let error = end(&mut child).await;
    assert!(error.to_string().contains("ended by signal 9"), "{error}");
    assert_eq!(error.details().unwrap()["exit"], json!({"code": null, "signal": 9}));
}

#[tokio::test]
async fn a_child_killed_under_load_settles_reader_and_writer() {
    let (mut child, identity) = shell("cat");
    let (mut sink, mut stream) = (&mut child).split();
    let mut received = 0;
    let sending = async { while sink.send(Bytes::from(vec![b'x'; 64 * 1024])).await.is_ok() {} };
    let receiving = async {
        loop {
            match stream.next().await.expect("an error before the end") {
                Ok(_) => received += 1,
                Err(error) => break error,
            }
            if received == 20 {
                kill(identity.pid.unwrap());
            }
        }
    };
    let (_, error) =
        timeout(Duration::from_secs(10), async { tokio::join!(sending, receiving) }).await.expect("settled");
    assert!(error.to_string().contains("ended by signal 9"), "{error}");
}

#[tokio::test]
async fn writing_to_a_child_that_is_gone_tells_how_it_ended_rather_than_of_the_pipe() {
    let (mut child, _) = shell("exec <&-; echo '{}'; echo wrong arguments >&2; exit 2");
    assert_eq!(next(&mut child).await.unwrap().unwrap(), "{}");
    let error = timeout(Duration::from_secs(10), child.send(Bytes::from_static(b"{}"))).await.unwrap().unwrap_err();
    assert!(error.to_string().ends_with("exited with status 2; its last words: wrong arguments"), "{error}");
    assert_eq!(end(&mut child).await.to_string(), error.to_string());
}

#[tokio::test]
async fn an_exit_settles_the_stream_although_a_grandchild_keeps_the_output_open() {
    let (mut child, _) = shell("sleep 1000 & echo '{\"grandchild\":'$!'}'; echo gone >&2; exit 5");
    let grandchild = pid_in(&next(&mut child).await.unwrap().unwrap());
    let watched = watch(grandchild);
    let error = end(&mut child).await;
    assert!(error.to_string().contains("exited with status 5; its last words: gone"), "{error}");
    ended(watched).await;
}

#[tokio::test]
async fn dropping_the_transport_kills_the_whole_group() {
    let (mut child, identity) = shell("sleep 1000 & echo '{\"grandchild\":'$!'}'; wait");
    let grandchild = pid_in(&next(&mut child).await.unwrap().unwrap());
    let watched = [watch(identity.pid.unwrap()), watch(grandchild)];
    drop(child);
    for process in watched {
        ended(process).await;
    }
}

#[tokio::test]
async fn a_child_that_closes_its_output_and_stays_is_not_waited_for() {
    let (mut child, identity) = shell("exec >&-; sleep 1000");
    let watched = watch(identity.pid.unwrap());
    let error = end(&mut child).await;
    assert!(error.to_string().contains("closed its output without exiting"), "{error}");
    ended(watched).await;
}

#[tokio::test]
async fn a_flood_on_stderr_neither_stops_the_child_nor_grows() {
    let (mut child, _) = shell("yes 'a long complaint' | head -c 20000000 >&2; echo '{}'; cat");
    assert_eq!(next(&mut child).await.unwrap().unwrap(), "{}");
    assert!(child.stderr().iter().map(String::len).sum::<usize>() <= 64 * 1024);
}

#[tokio::test]
async fn a_stray_print_lands_on_stderr() {
    let mut child = echo::child(Framing::Ndjson, 1000);
    let message = Bytes::from_static(b"{\"print\":1}");
    child.send(message.clone()).await.unwrap();
    assert_eq!(next(&mut child).await.unwrap().unwrap(), message);
    child.send(Bytes::from_static(b"{\"fail\":1}")).await.unwrap();
    end(&mut child).await;
    assert_eq!(child.stderr(), ["a stray print", "out of cheese"]);
}

#[tokio::test]
async fn arguments_reach_the_program_as_they_stand() {
    let hostile = "{\"a\":\"$HOME `id` ; rm -rf * 'quoted'\"}";
    let mut config = ChildConfig::new("echo");
    config.args = vec![hostile.into()];
    let (mut child, identity) = child::spawn(&config).unwrap();
    assert_eq!(next(&mut child).await.unwrap().unwrap(), hostile);
    assert!(end(&mut child).await.to_string().starts_with("echo exited with status 0"));
    assert!(identity.transport == "child" && identity.pid.is_some());
}

#[tokio::test]
async fn environment_and_folder_are_the_configured_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = ChildConfig::new("/bin/sh");
    config.args = vec!["-c".into(), "echo \"{\\\"$NAME\\\":\\\"$PWD\\\"}\"".into()];
    config.env = vec![("NAME".into(), "value".into())];
    config.cwd = Some(folder.path().to_owned());
    let (mut child, _) = child::spawn(&config).unwrap();
    let expected = format!("{{\"value\":\"{}\"}}", folder.path().canonicalize().unwrap().display());
    assert_eq!(next(&mut child).await.unwrap().unwrap(), expected);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_permanent_error() {
    let error = child::spawn(&ChildConfig::new("/nonexistent/program")).err().unwrap();
    assert!(error.is_permanent() && error.to_string().contains("cannot start /nonexistent/program"), "{error}");
}

fn pid_in(message: &[u8]) -> u32 {
    let message: Value = serde_json::from_slice(message).unwrap();
    u32::try_from(message["grandchild"].as_u64().unwrap()).unwrap()
}

fn pid(pid: u32) -> rustix::process::Pid {
    rustix::process::Pid::from_raw(pid.cast_signed()).unwrap()
}

fn kill(process: u32) {
    rustix::process::kill_process(pid(process), rustix::process::Signal::KILL).unwrap();
}

/// A handle that becomes readable when the process ends, whoever reaps it.
#[cfg(target_os = "linux")]
fn watch(process: u32) -> std::os::fd::OwnedFd {
    rustix::process::pidfd_open(pid(process), rustix::process::PidfdFlags::empty()).unwrap()
}

#[cfg(target_os = "linux")]
async fn ended(process: std::os::fd::OwnedFd) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let ended = move || {
        let patience = Timespec { tv_sec: 10, tv_nsec: 0 };
        poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience)).unwrap()
    };
    assert_eq!(tokio::task::spawn_blocking(ended).await.unwrap(), 1, "the process lives on");
}

#[cfg(not(target_os = "linux"))]
fn watch(process: u32) -> u32 {
    process
}

/// Elsewhere the process is gone when signal 0 no longer reaches it.
#[cfg(not(target_os = "linux"))]
async fn ended(process: u32) {
    let gone = async {
        while rustix::process::test_kill_process(pid(process)).is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), gone).await.expect("the process lives on");
}
