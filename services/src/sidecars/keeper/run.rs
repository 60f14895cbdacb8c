//! One run of a sidecar, from its start until nothing of it is left.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use futures_util::poll;
use sixframe_supervisor::Child;
use tokio::time::{Instant, sleep};

use super::came_to_nothing::{details, exited, in_words, last_lines, left, not_ours, too_slow};
use super::in_use;
use super::launch::{Launch, not_begun, rooted, taken, words};
use super::not_started::not_started;
use super::ready::{Foreign, Last, LastSeen, ready};
use super::secrets::without_secrets;
use super::{Keeper, Outcome, failure};
use crate::sidecars::api::{Failure, FailureCode, RunExit, SidecarStatus};
use crate::sidecars::board::now_ms;
use crate::sidecars::config::{Health, HealthKind, Port, Ready, ReadyKind, SidecarConfig};
use crate::sidecars::listener::{self, RunPort};
use crate::sidecars::liveness::{Liveness, Verdict};
use crate::sidecars::probe::{Probe, Seen};
use crate::sidecars::restart::Ended;

/// How many free ports are tried before it is given up.
const PORTS: usize = 5;

/// A run under way.
pub(super) struct Run {
    pub(super) config: Arc<SidecarConfig>,
    pub(super) child: Arc<Child>,
    pub(super) port: RunPort,
    generation: u64,
}

/// How the wait for readiness ended.
enum Met {
    Turned,
    Fallen,
    Ready,
    Foreign(Foreign),
    TimedOut,
}

/// How the time in which it was ready ended.
enum Lived {
    Turned,
    Fallen,
    Dead(String),
}

impl Keeper {
    /// Runs it once, as soon as what it depends on is there; and on another port where the one that was free is lost.
    pub(super) async fn attempt(&mut self, config: &Arc<SidecarConfig>) -> Outcome {
        let (supervisor, board, name) = (&self.around.supervisor, &self.around.board, &self.known.name);
        let says = |what: String| board.change_if(name, |state| state.waits_for.replace(what.clone()) != Some(what));
        let depended = async {
            // One of a daemon that was killed may still have the port.
            or_say(supervisor.settled(), || says("programs of an earlier daemon to end".to_owned())).await;
            or_say(board.all_up(&config.depends_on), || says(config.depends_on.join(", "))).await
        };
        let depended = tokio::select! {
            biased;
            () = self.mailbox.turned(board, name) => Err(Outcome::Turned),
            depended = depended => depended.map_err(Outcome::Failed),
        };
        board.change_if(name, |state| state.waits_for.take().is_some());
        if let Err(outcome) = depended {
            return outcome;
        }
        let mut outcome = self.run_once(config).await;
        for _ in 1..PORTS {
            match outcome {
                Outcome::PortLost(failure) if !self.mailbox.is_asked() => {
                    tracing::info!(sidecar = self.known.name, reason = failure.message, "trying another port");
                    outcome = self.run_once(config).await;
                }
                outcome => return outcome,
            }
        }
        outcome
    }

    async fn run_once(&mut self, config: &Arc<SidecarConfig>) -> Outcome {
        let launch = match Launch::prepare(config, &self.around).await {
            Ok(launch) => launch,
            Err(failure) => return not_run(failure),
        };
        if self.around.board.is_closing() {
            // Calls may still be under way; it is stopped with all the others behind them.
            self.mailbox.turned(&self.around.board, &self.known.name).await;
            return Outcome::Turned;
        }
        let child = match self.around.supervisor.spawn(launch.config) {
            Ok(child) => Arc::new(child),
            Err(error) => return not_run(not_begun(config, &error)),
        };
        launch.started.get_or_init(|| Arc::downgrade(&child));
        let run = self.has_begun(config, child, launch.port);
        let readiness = config.readiness();
        let last = LastSeen::default();
        let met = self.until_ready(&run, &readiness, &last).await;
        match met {
            Met::Turned => self.end(&run).await.map_or_else(Outcome::Left, |_| Outcome::Turned),
            Met::Fallen => self.fell(&run, &readiness).await,
            Met::Ready => self.live(&run, &readiness).await,
            Met::TimedOut => match last.take() {
                // It is nobody who could be seen: to wait as long on another port would tell nothing new.
                Last::Foreign(foreign) if foreign.holder.is_none() => {
                    let ended = self.end(&run).await;
                    ended.map_or_else(Outcome::Left, |_| Outcome::Failed(not_ours(&run, foreign)))
                }
                Last::Foreign(foreign) => self.is_not_ours(&run, &readiness, foreign).await,
                last => {
                    let failure = too_slow(&run, &readiness, last);
                    self.end(&run).await.map_or_else(Outcome::Left, |_| not_run(failure))
                }
            },
            Met::Foreign(foreign) => self.is_not_ours(&run, &readiness, foreign).await,
        }
    }

    async fn is_not_ours(&mut self, run: &Run, readiness: &Ready, foreign: Foreign) -> Outcome {
        if let Err(left) = self.end(run).await {
            return Outcome::Left(left);
        }
        let failure = not_ours(run, foreign);
        match run.config.port {
            Port::Auto if readiness.kind != ReadyKind::Handshake => Outcome::PortLost(failure),
            Port::Auto | Port::Fixed(_) | Port::None => Outcome::Failed(failure),
        }
    }

    fn has_begun(&mut self, config: &Arc<SidecarConfig>, child: Arc<Child>, port: RunPort) -> Run {
        self.known.lives_as(&child);
        let state = self.change(|entry| {
            let state = &mut entry.state;
            // The run on another port has just ended.
            state.status = SidecarStatus::Starting;
            entry.is_falling = false;
            (state.generation, state.starts) = (state.generation + 1, state.starts + 1);
            (state.started_at, state.ready_at) = (Some(now_ms()), None);
            (state.port, state.url) = (port.get(), url(config, &port));
        });
        self.known.runs.begin(state.generation, &child, config.log_bytes);
        Run { config: Arc::clone(config), child, port, generation: state.generation }
    }

    async fn until_ready(&mut self, run: &Run, readiness: &Ready, last: &LastSeen) -> Met {
        let longest = Duration::from_millis(run.config.health.timeout_ms);
        let probe = self.probe_of_readiness(run, readiness);
        let (board, name, runs) = (&self.around.board, &self.known.name, &self.known.runs);
        let until = async {
            let Ok(program) = run.child.started().await else { return std::future::pending().await };
            runs.has_process(run.generation, program.pid);
            board.change(name, |entry| entry.state.pid = Some(program.pid));
            ready(readiness, probe.as_ref(), &run.child, &run.port, longest, last).await
        };
        tokio::select! {
            biased;
            () = self.mailbox.turned(board, name) => Met::Turned,
            _ = run.child.exited() => Met::Fallen,
            ready = until => ready.map_or_else(Met::Foreign, |()| Met::Ready),
            () = sleep(Duration::from_millis(readiness.timeout_ms)) => Met::TimedOut,
        }
    }

    fn probe_of_readiness(&self, run: &Run, ready: &Ready) -> Option<Probe> {
        match ready.kind {
            ReadyKind::Http => Some(Probe::http(ready.path.clone())),
            ReadyKind::Tcp => Some(Probe::Tcp),
            ReadyKind::Exec => Some(self.exec(run, ready.program.as_deref(), &ready.args)),
            ReadyKind::Started | ReadyKind::Line | ReadyKind::Handshake => None,
        }
    }

    fn probe_of_health(&self, run: &Run) -> Option<Probe> {
        let Health { kind, path, program, args, .. } = &run.config.health;
        match kind {
            HealthKind::None => None,
            HealthKind::Http => Some(Probe::http(path.clone())),
            HealthKind::Tcp => Some(Probe::Tcp),
            HealthKind::Exec => Some(self.exec(run, program.as_deref(), args)),
        }
    }

    fn exec(&self, run: &Run, program: Option<&str>, args: &[String]) -> Probe {
        let program = rooted(program.unwrap_or_default(), &self.around);
        let mut config = words(&run.config, program, args, &run.port, &self.around);
        config.name = format!("{} (probe)", run.config.name);
        Probe::exec(self.around.supervisor.clone(), config)
    }

    /// It is ready, and is looked after until that ends.
    async fn live(&mut self, run: &Run, readiness: &Ready) -> Outcome {
        let is_known = readiness.kind != ReadyKind::Started;
        let since = Instant::now();
        let state = self.change(|entry| {
            let state = &mut entry.state;
            state.status = if is_known { SidecarStatus::Ready } else { SidecarStatus::Running };
            (state.ready_at, state.failure) = (Some(now_ms()), None);
            (state.port, state.url) = (run.port.get(), url(&run.config, &run.port));
            entry.was_up = true;
        });
        tracing::info!(sidecar = self.known.name, pid = state.pid, port = state.port, "a sidecar is up");
        let probe = self.probe_of_health(run);
        let lived = {
            let (board, name) = (&self.around.board, &self.known.name);
            tokio::select! {
                biased;
                () = self.mailbox.turned(board, name) => Lived::Turned,
                _ = run.child.exited() => Lived::Fallen,
                why = look_after(run, probe.as_ref(), run.config.is_ready_by_health(), |failures| {
                    board.change(name, |entry| entry.state.health_failures = (failures > 0).then_some(failures));
                }) => Lived::Dead(why),
            }
        };
        match lived {
            Lived::Turned => self.end(run).await.map_or_else(Outcome::Left, |_| Outcome::Turned),
            Lived::Dead(why) => {
                let why = without_secrets(&run.config, run.port.get(), why);
                let message = format!("{} was ended because it {why}", self.known.name);
                let exit = match self.end(run).await {
                    Ok(exit) => exit,
                    Err(left) => return Outcome::Left(left),
                };
                let failure = failure(FailureCode::Unhealthy, message).with(details(run, exit));
                Outcome::Ended { how: Ended::Badly, ready: Some(since), failure }
            }
            Lived::Fallen => {
                let ended = self.settle(run, None).await;
                if let Some(left) = left(run, &ended) {
                    return Outcome::Left(left);
                }
                let (how, failure) = exited(run, ended, "");
                Outcome::Ended { how, ready: Some(since), failure }
            }
        }
    }

    /// Its program has ended, or never ran, before it was ready.
    async fn fell(&mut self, run: &Run, readiness: &Ready) -> Outcome {
        let fall = certain_fall(run, readiness).await;
        let ended = self.settle(run, fall).await;
        if let Some(left) = left(run, &ended) {
            return Outcome::Left(left);
        }
        use sixframe_supervisor::Failure::{NotNow, NotStarted};
        if let Err(error @ (NotStarted { .. } | NotNow { .. })) = ended {
            return not_run(not_started(&run.config, &self.around, error).await);
        }
        if let Some(clash) = clash(run).await {
            return clash;
        }
        vain(run, readiness, ended)
    }

    /// Stops what there is of it. Errors: some of it cannot be ended.
    async fn end(&mut self, run: &Run) -> Result<Option<RunExit>, Failure> {
        self.is_stopping();
        let stopped = self.stop(run).await;
        let left = left(run, &stopped);
        let exit = stopped.ok();
        self.is_over(run, exit);
        left.map_or_else(|| Ok(exit.map(Into::into)), Err)
    }

    /// Stops it, and takes wishes for what comes behind it meanwhile.
    async fn stop(&mut self, run: &Run) -> Result<sixframe_supervisor::Exit, sixframe_supervisor::Failure> {
        let stopping = run.child.stop();
        tokio::select! {
            biased;
            stopped = stopping => stopped,
            never = self.mailbox.collect() => match never {},
        }
    }

    /// Waits until nothing of it is left, since its program has ended; no longer than for a stop once somebody wishes that. How
    /// the program has ended is told before, and to those who wait for it the `fall` that follows from that.
    async fn settle(
        &mut self,
        run: &Run,
        fall: Option<Failure>,
    ) -> Result<sixframe_supervisor::Exit, sixframe_supervisor::Failure> {
        let exit = run.child.exited().await.ok();
        self.change(|entry| {
            entry.state.status = SidecarStatus::Stopping;
            if let Some(exit) = exit {
                entry.state.exit = Some(exit.into());
            }
            if let Some(fall) = fall {
                entry.is_falling(fall);
            }
        });
        let settled = tokio::select! {
            biased;
            stopped = run.child.stopped() => Some(stopped),
            () = self.mailbox.hurried() => None,
        };
        let stopped = match settled {
            Some(stopped) => stopped,
            None => self.stop(run).await,
        };
        self.is_over(run, stopped.as_ref().ok().copied().or(exit));
        stopped
    }

    fn is_stopping(&self) {
        self.change(|entry| entry.state.status = SidecarStatus::Stopping);
    }

    fn is_over(&self, run: &Run, exit: Option<sixframe_supervisor::Exit>) {
        self.change(|entry| {
            let state = &mut entry.state;
            (state.pid, state.port, state.url) = (None, None, None);
            (state.started_at, state.ready_at) = (None, None);
            (state.health_failures, state.usage) = (None, None);
            state.exit = exit.map(Into::into);
        });
        self.known.runs.end(run.generation, exit);
    }
}

/// Does the work; says so where it is not done at once.
async fn or_say<T>(work: impl Future<Output = T>, say: impl FnOnce()) -> T {
    tokio::pin!(work);
    if let Poll::Ready(done) = poll!(work.as_mut()) {
        return done;
    }
    say();
    work.await
}

/// Looks at it again and again, until it does not live any more: in which way.
async fn look_after(run: &Run, probe: Option<&Probe>, has_lived: bool, mut tell: impl FnMut(u32)) -> String {
    let Some(probe) = probe else { return std::future::pending().await };
    let health = &run.config.health;
    let (interval, longest) = (Duration::from_millis(health.interval_ms), Duration::from_millis(health.timeout_ms));
    // A program that vouches, or one more path, may be asked behind what took its time.
    let expected = interval + longest * 4;
    let mut liveness = Liveness::new(health.failures, has_lived);
    loop {
        liveness.begin(Instant::now(), SystemTime::now());
        sleep(interval).await;
        let seen = probe.look(&run.port, &run.child, longest, |_| ()).await;
        if let Seen::Unknown(why) = &seen {
            tracing::warn!(sidecar = run.config.name, "it {why}");
            continue;
        }
        let before = liveness.failures();
        let is_good = matches!(seen, Seen::Good);
        let verdict = liveness.end(is_good, expected, Instant::now(), SystemTime::now());
        if liveness.failures() != before {
            tell(liveness.failures());
        }
        if verdict == Verdict::Dead {
            return match seen {
                Seen::Good | Seen::Nobody => "does not listen any more".to_owned(),
                Seen::Foreign(_) => "does not listen any more, but another program does".to_owned(),
                Seen::Bad(why) | Seen::Unasked(why) | Seen::Unshown(why) | Seen::Unknown(why) => why,
            };
        }
    }
}

/// It could not begin, or came to nothing. That the daemon could not do its part may pass; anything else stays as it is.
fn not_run(failure: Failure) -> Outcome {
    match failure.code {
        FailureCode::Host => Outcome::Ended { how: Ended::Badly, ready: None, failure },
        _ => Outcome::Failed(failure),
    }
}

/// Why it will not be ready, its program having ended, where that is certain though some of it may still be there. It is not
/// where it has done its work, or where another port may be tried.
async fn certain_fall(run: &Run, readiness: &Ready) -> Option<Failure> {
    let exit = run.child.exited().await.ok()?;
    if let Some(port) = run.port.get().filter(|port| listener::is_taken(*port)) {
        // What it has left behind may listen there.
        let holder = listener::holder(port).await?;
        run.child.processes().iter().find(|process| process.pid == holder.pid)?;
    }
    match vain(run, readiness, Ok(exit)) {
        Outcome::Ended { how: Ended::Badly, failure, .. } => Some(failure),
        _ => None,
    }
}

/// What follows from an end before it was ready, where nobody else has its port now.
fn vain(
    run: &Run,
    readiness: &Ready,
    ended: Result<sixframe_supervisor::Exit, sixframe_supervisor::Failure>,
) -> Outcome {
    let asks_nothing = readiness.kind == ReadyKind::Started;
    let (how, failure) = exited(run, ended, if asks_nothing { "" } else { " before it was ready" });
    let how = if asks_nothing { how } else { Ended::Badly };
    let Some(line) = in_use::said(last_lines(run)) else {
        return Outcome::Ended { how, ready: None, failure };
    };
    // Whoever had its port has given it back, or it means another one.
    let is_its_port = run.port.get().is_some_and(|port| in_use::may_mean(&line, port));
    let failure = in_words(run, failure, &line, is_its_port);
    match run.config.port {
        Port::Auto if is_its_port => Outcome::PortLost(failure),
        Port::Auto | Port::Fixed(_) | Port::None => Outcome::Ended { how, ready: None, failure },
    }
}

/// Whether it ended because somebody else has its port.
async fn clash(run: &Run) -> Option<Outcome> {
    let port = run.port.get().filter(|port| listener::is_taken(*port))?;
    match run.config.port {
        Port::Auto => Some(Outcome::PortLost(taken(port).await)),
        Port::Fixed(_) => Some(Outcome::Failed(taken(port).await)),
        Port::None => None,
    }
}

/// Where it is reached; `[::1]` where it does not listen by IPv4.
fn url(config: &SidecarConfig, port: &RunPort) -> Option<String> {
    let (ready, health) = (config.readiness().kind, config.health.kind);
    let is_http = ready == ReadyKind::Http || health == HealthKind::Http;
    let is_tcp = ready == ReadyKind::Tcp || health == HealthKind::Tcp;
    let scheme = if is_tcp && !is_http { "tcp" } else { "http" };
    let host = if port.is_ipv6() { "[::1]" } else { "127.0.0.1" };
    port.get().map(|port| format!("{scheme}://{host}:{port}"))
}
