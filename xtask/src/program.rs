//! Running other programs: to the end, within a time limit, or with an eye on their closing lines.

use std::env;
use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

const POLL: Duration = Duration::from_millis(20);

/// Finds a program on the path.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let file = PathBuf::from(name).with_extension(env::consts::EXE_EXTENSION);
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// Whether the command runs and succeeds; what it prints is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs to the end, in front of the user.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| spelled(command))?;
    check(command, status)
}

/// Runs in front of the user and returns the lines that `closing` picks.
pub(crate) fn run_watching(command: &mut Command, closing: fn(&str) -> bool) -> Result<Vec<String>> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().with_context(|| spelled(command))?;
    let (lines, printed) = mpsc::channel();
    relay_lines(child.stdout.take(), lines.clone());
    relay_lines(child.stderr.take(), lines);
    let closing_lines = printed.iter().inspect(|line| eprintln!("{line}")).filter(|line| closing(line)).collect();
    check(command, child.wait()?)?;
    Ok(closing_lines)
}

fn relay_lines(stream: Option<impl Read + Send + 'static>, lines: mpsc::Sender<String>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            if lines.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// Runs to the end, or stops it and fails when `limit` has passed.
pub(crate) fn run_within(limit: Duration, command: &mut Command) -> Result<()> {
    let mut running = Running::start(command.stdin(Stdio::null()))?;
    let status =
        running.end_within(limit)?.with_context(|| format!("{}: not ended after {limit:?}", spelled(command)))?;
    check(command, status)
}

/// A child that does not outlive its owner.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Running> {
        Ok(Running(command.spawn().with_context(|| spelled(command))?))
    }

    /// The first line that it prints, for a child started with its output piped.
    pub(crate) fn first_line(&mut self, limit: Duration) -> Result<String> {
        let (lines, printed) = mpsc::channel();
        relay_lines(self.0.stdout.take(), lines);
        printed.recv_timeout(limit).with_context(|| format!("it printed no line in {limit:?}"))
    }

    fn end_within(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status));
            }
            thread::sleep(POLL);
        }
        Ok(None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It fails where the child has ended, which is what is wanted.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "{}: {status}", spelled(command));
    Ok(())
}

fn spelled(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    command.get_args().fold(name, |text, arg| text + " " + &arg.to_string_lossy())
}
