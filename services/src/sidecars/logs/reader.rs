//! A reader of logs: a place in one run, then in the next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use futures_core::Stream;
use futures_util::{FutureExt as _, stream};
use sixframe_core::Fault;
use sixframe_supervisor::{From, KeptOutput, Line, LineEnd, Lines, Piece};
use tokio::sync::watch;

use super::{Missing, RunLog};
use crate::sidecars::api::{LogItem, LogStream, LogsEdge, LogsFrom, LogsParams};
use crate::sidecars::config::LogStreams;
use crate::sidecars::keeper::Known;
use crate::sidecars::portion::Portion;

/// The logs as `sidecar.logs` tells them.
pub(crate) fn read(
    known: Arc<Known>,
    params: &LogsParams,
) -> impl Stream<Item = Result<LogItem, Fault>> + Send + use<> {
    let reader = Reader::new(known, params);
    stream::unfold(reader, |mut reader| async { Some((Ok(reader.next().await?), reader)) })
}

struct Reader {
    known: Arc<Known>,
    streams: LogStreams,
    search: Option<String>,
    follow: bool,
    newest: watch::Receiver<u64>,
    /// The run that was read last.
    passed: u64,
    /// Where the next run begins to be wanted.
    offset: u64,
    /// What is told before that is read.
    first: VecDeque<LogItem>,
    reading: Option<Reading>,
}

impl Reader {
    fn new(known: Arc<Known>, params: &LogsParams) -> Reader {
        let newest = known.runs.subscribe();
        let search = params.search.as_ref().map(|search| search.to_lowercase());
        let (streams, follow) = (params.stream, params.follow);
        let (passed, offset, first, reading) = (0, 0, VecDeque::new(), None);
        let mut reader = Reader { known, streams, search, follow, newest, passed, offset, first, reading };
        reader.begin(params.from);
        reader
    }

    fn begin(&mut self, from: LogsFrom) {
        let newest = self.known.runs.newest();
        let (run, from) = match from {
            LogsFrom::Edge(LogsEdge::Start) => return,
            LogsFrom::Edge(LogsEdge::End) => (newest, From::End),
            LogsFrom::Last { last } => (newest, From::Last(last)),
            LogsFrom::Place { generation: None, offset } => (newest, From::Offset(offset)),
            LogsFrom::Place { generation: Some(generation), offset } => match self.known.runs.run(generation) {
                Some(run) => (Some(run), From::Offset(offset)),
                // It is not kept any more, or is yet to come.
                None => {
                    (self.passed, self.offset) = (generation.saturating_sub(1), offset);
                    return;
                }
            },
        };
        let Some(run) = run else { return };
        self.passed = run.generation;
        // Its end is behind who begins there.
        if from == From::End && run.end.borrow().is_some() {
            return;
        }
        let has_begun = from != From::Offset(0);
        self.reading = Some(Reading::new(run, self.streams, from, has_begun));
    }

    async fn next(&mut self) -> Option<LogItem> {
        let mut portion = Portion::default();
        loop {
            if let Some(item) = self.first.pop_front() {
                return Some(item);
            }
            let item = match &mut self.reading {
                Some(reading) if self.follow => reading.next().await,
                Some(reading) => reading.next_now(),
                None => {
                    self.reading = Some(self.next_run().await?);
                    continue;
                }
            };
            match item {
                Some(item) if self.is_wanted(&item) => return Some(item),
                Some(item) => portion.passed(length(&item)).await,
                None => {
                    let was_live = self.reading.take().is_some_and(|reading| reading.until.is_some());
                    // Everything later was not there yet when it was asked for.
                    if was_live && !self.follow {
                        return None;
                    }
                }
            }
        }
    }

    /// The run behind the last one; nothing where there is none and nobody waits for it.
    async fn next_run(&mut self) -> Option<Reading> {
        loop {
            self.newest.borrow_and_update();
            if let Some((run, missing)) = self.known.runs.behind(self.passed, self.offset) {
                self.first.extend(missing.into_iter().flat_map(|missing| gaps(&missing, self.streams)));
                let is_wanted_from = run.generation == self.passed + 1;
                let from = if is_wanted_from { From::Offset(self.offset) } else { From::Start };
                (self.passed, self.offset) = (run.generation, 0);
                return Some(Reading::new(run, self.streams, from, false));
            }
            if !self.follow || self.newest.changed().await.is_err() {
                return None;
            }
        }
    }

    fn is_wanted(&self, item: &LogItem) -> bool {
        match (item, &self.search) {
            (LogItem::Line { text, .. }, Some(search)) => text.to_lowercase().contains(search),
            _ => true,
        }
    }
}

/// One run as it is read.
struct Reading {
    run: Arc<RunLog>,
    has_begun: bool,
    has_ended: bool,
    lines: [Option<Lines>; 2],
    /// Of each output a line that is to be told, with when it was read.
    ahead: [Option<(Option<Instant>, Line)>; 2],
    /// Where the outputs ended when it was begun, while the program could still write.
    until: Option<[u64; 2]>,
}

const STREAMS: [LogStream; 2] = [LogStream::Stdout, LogStream::Stderr];

impl Reading {
    fn new(run: Arc<RunLog>, streams: LogStreams, from: From, has_begun: bool) -> Reading {
        let of = |output: &KeptOutput| Some(output.subscribe(from).lines());
        let [stdout, stderr] = &run.outputs;
        let lines = match streams {
            LogStreams::Stdout => [of(stdout), None],
            LogStreams::Stderr => [None, of(stderr)],
            LogStreams::Both => [of(stdout), of(stderr)],
        };
        let until = run.end.borrow().is_none().then(|| run.ends());
        Reading { run, has_begun, has_ended: false, lines, ahead: [None, None], until }
    }

    /// The next item, waited for; none when the run is over and told. May be dropped and called again at any time.
    async fn next(&mut self) -> Option<LogItem> {
        if !self.has_begun {
            let (mut process, mut end) = (self.run.process.subscribe(), self.run.end.subscribe());
            tokio::select! {
                _ = process.wait_for(Option::is_some) => (),
                _ = end.wait_for(Option::is_some) => (),
            }
            return Some(self.started());
        }
        loop {
            self.look_ahead(None);
            if let Some(item) = self.first_read() {
                return Some(item);
            }
            if self.lines.iter().all(Option::is_none) {
                break;
            }
            let [stdout, stderr] = &mut self.lines;
            let (at, line) = tokio::select! {
                line = next_of(stdout) => (0, line),
                line = next_of(stderr) => (1, line),
            };
            self.has_come(at, line);
        }
        let mut end = self.run.end.subscribe();
        if self.has_ended || end.wait_for(Option::is_some).await.is_err() {
            return None;
        }
        self.ended()
    }

    /// The next item of what was there when it was begun; none when there is no more.
    fn next_now(&mut self) -> Option<LogItem> {
        if !self.has_begun {
            return Some(self.started());
        }
        self.look_ahead(self.until);
        if let Some(item) = self.first_read() {
            return Some(item);
        }
        // What has no end yet is told as far as it is there.
        for at in 0..STREAMS.len() {
            let Some(lines) = self.lines[at].take() else { continue };
            if let Some(item) = self.unfinished(at, lines.offset(), lines.is_within_line()) {
                return Some(item);
            }
        }
        if self.has_ended || self.until.is_some() { None } else { self.ended() }
    }

    /// Takes a line of each output where there is one now, up to where it is to be read.
    fn look_ahead(&mut self, until: Option<[u64; 2]>) {
        for at in 0..STREAMS.len() {
            let Some(lines) = self.lines[at].as_mut().filter(|_| self.ahead[at].is_none()) else { continue };
            match until {
                Some(until) if lines.offset() >= until[at] => self.lines[at] = None,
                _ => {
                    if let Some(line) = lines.next().now_or_never() {
                        self.has_come(at, line);
                    }
                }
            }
        }
    }

    fn has_come(&mut self, at: usize, line: Option<Line>) {
        match (line, &self.lines[at]) {
            // It came with its last byte.
            (Some(line), Some(lines)) => {
                let read = self.run.outputs[at].came(lines.offset().saturating_sub(1));
                self.ahead[at] = Some((read, line));
            }
            _ => self.lines[at] = None,
        }
    }

    /// Of the lines that are to be told, the one that was read first.
    fn first_read(&mut self) -> Option<LogItem> {
        let read = |at: usize| self.ahead[at].as_ref().map(|(read, _)| *read);
        let at = (0..STREAMS.len()).filter(|at| self.ahead[*at].is_some()).min_by_key(|at| read(*at))?;
        let (_, line) = self.ahead[at].take()?;
        Some(item(&self.run, STREAMS[at], line))
    }

    fn unfinished(&self, at: usize, offset: u64, rest: bool) -> Option<LogItem> {
        match self.run.outputs[at].subscribe(From::Offset(offset)).try_next()? {
            Piece::Bytes { at: offset, bytes } => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                Some(LogItem::Line {
                    stream: STREAMS[at],
                    generation: self.run.generation,
                    offset,
                    text,
                    partial: true,
                    rest,
                })
            }
            Piece::Gap { .. } => None,
        }
    }

    fn started(&mut self) -> LogItem {
        self.has_begun = true;
        LogItem::Started { generation: self.run.generation, pid: *self.run.process.borrow() }
    }

    fn ended(&mut self) -> Option<LogItem> {
        let end = (*self.run.end.borrow())?;
        self.has_ended = true;
        let generation = self.run.generation;
        Some(LogItem::Exited { generation, exit: end.exit, last_offset: end.last_offset })
    }
}

/// Bytes of its text.
fn length(item: &LogItem) -> usize {
    match item {
        LogItem::Line { text, .. } => text.len(),
        LogItem::Gap { .. } | LogItem::Started { .. } | LogItem::Exited { .. } => 0,
    }
}

/// One gap for each output that is wanted, though it may have had nothing in these runs.
fn gaps(missing: &Missing, streams: LogStreams) -> Vec<LogItem> {
    let is_wanted = |at: usize| match streams {
        LogStreams::Both => true,
        LogStreams::Stdout => at == 0,
        LogStreams::Stderr => at == 1,
    };
    let gap = |at: usize| {
        let (from, to) = missing.bytes[at];
        LogItem::Gap { stream: STREAMS[at], generation: missing.first, last_generation: Some(missing.last), from, to }
    };
    (0..STREAMS.len()).filter(|at| is_wanted(*at)).map(gap).collect()
}

async fn next_of(lines: &mut Option<Lines>) -> Option<Line> {
    match lines {
        Some(lines) => lines.next().await,
        None => std::future::pending().await,
    }
}

fn item(run: &RunLog, stream: LogStream, line: Line) -> LogItem {
    let generation = run.generation;
    match line {
        Line::Text { at, text, end, rest } => {
            LogItem::Line { stream, generation, offset: at, text, partial: end == LineEnd::Cut, rest }
        }
        Line::Gap { from, to } => LogItem::Gap { stream, generation, last_generation: None, from, to },
    }
}
