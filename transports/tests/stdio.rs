//! Our own standard input and output, whatever stands behind them.
#![cfg(unix)]

#[path = "suite/echo.rs"]
mod echo;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

#[test]
fn files_serve_as_input_and_output() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    let lines = "{\"a\":1}\n{\"print\":1}\n{\"b\":2}";
    fs::write(&input, lines).unwrap();
    let status = Command::new(echo::program())
        .stdin(File::open(&input).unwrap())
        .stdout(File::create(&output).unwrap())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    assert_eq!(fs::read_to_string(&output).unwrap(), format!("{lines}\n"));
}

#[test]
fn a_socket_serves_as_both_as_node_gives_it() {
    let (mut near, far) = UnixStream::pair().unwrap();
    let end = |socket: &UnixStream| Stdio::from(OwnedFd::from(socket.try_clone().unwrap()));
    let mut child = Command::new(echo::program()).stdin(end(&far)).stdout(end(&far)).spawn().unwrap();
    drop(far);
    near.write_all(b"{\"a\":1}\n{\"quit\":1}\n").unwrap();
    let received: Vec<String> = BufReader::new(near).lines().map_while(Result::ok).collect();
    assert_eq!(received, ["{\"a\":1}"]);
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_process_ends_although_its_input_stays_open() {
    let mut child = Command::new(echo::program()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"{\"quit\":1}\n").unwrap();
    assert!(child.wait().unwrap().success());
    drop(input);
}
