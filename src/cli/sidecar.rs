//! `sixframe sidecar`.

use std::time::{Duration, SystemTime};

use anyhow::Error;
use sixframe_core::{CallError, CallOptions, RpcEndpoint, Timeout};
use sixframe_services::sidecars::api::{
    LIST, LOGS, Listed, LogItem, LogsEdge, LogsFrom, LogsParams, ModeState, Named, RESTART, RunExit, START, STATUS,
    STOP, SidecarState, StopParams, WAIT_READY, WaitParams,
};

use super::args::{
    ConfigArgs, DaemonArgs, PeerArgs, SidecarArgs, SidecarCommand, SidecarListArgs, SidecarLogsArgs, SidecarStartArgs,
};
use super::config::loaded;
use super::failure::Failure;
use super::open::nearest;
use super::peer::Peer;
use super::signals::Signals;
use super::{print, reader};

/// Longer than any start: its own limit ends it.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Does what is asked for.
pub(super) async fn run(args: &SidecarArgs) -> Result<(), Error> {
    match &args.command {
        SidecarCommand::List(args) => list(args).await,
        SidecarCommand::Logs(args) => logs(args).await,
        SidecarCommand::Start(args) => {
            started(args, async |endpoint, named| endpoint.request(&START, named).await).await
        }
        SidecarCommand::Restart(args) => {
            started(args, async |endpoint, named| endpoint.request(&RESTART, named).await).await
        }
        SidecarCommand::Status(args) => {
            let named = Named { name: args.name.clone() };
            with_daemon(&args.daemon, async |endpoint| tell(endpoint.request(&STATUS, named).await)).await
        }
        SidecarCommand::Stop(args) => {
            let params = StopParams { name: args.name.clone(), dependents: true };
            with_daemon(&args.daemon, async |endpoint| tell(endpoint.request(&STOP, params).await)).await
        }
    }
}

/// Asks the daemon, for as long as it takes.
async fn with_daemon(args: &DaemonArgs, ask: impl AsyncFnOnce(RpcEndpoint) -> Result<(), Error>) -> Result<(), Error> {
    let address = match &args.addr {
        Some(address) => address.clone(),
        None => nearest(&loaded(&ConfigArgs::default(), None)?.config)?,
    };
    let peer = Peer::connect(&PeerArgs { address, reach: args.reach.clone() }).await?;
    let patient = CallOptions { timeout: Timeout::After(LONGEST), ..CallOptions::default() };
    let endpoint = peer.endpoint.with(patient);
    let mut signals = Signals::new()?;
    let result = tokio::select! {
        result = ask(endpoint) => result,
        signal = signals.asked() => Err(Failure::Signalled(signal).into()),
    };
    peer.close().await;
    result
}

async fn started(
    args: &SidecarStartArgs,
    start: impl AsyncFnOnce(&RpcEndpoint, Named) -> Result<SidecarState, CallError>,
) -> Result<(), Error> {
    let name = args.name.clone();
    with_daemon(&args.daemon, async |endpoint| {
        let state = start(&endpoint, Named { name: name.clone() }).await;
        if args.no_wait || state.is_err() {
            return tell(state);
        }
        let timeout_ms = LONGEST.as_millis() as u64;
        tell(endpoint.request(&WAIT_READY, WaitParams { name, timeout_ms }).await)
    })
    .await
}

fn tell(state: Result<SidecarState, CallError>) -> Result<(), Error> {
    let state = state.map_err(Failure::Call)?;
    Ok(print(&format!("{}\n", serde_json::to_string(&state)?))?)
}

async fn list(args: &SidecarListArgs) -> Result<(), Error> {
    with_daemon(&args.daemon, async |endpoint| {
        let listed = endpoint.request(&LIST, ()).await.map_err(Failure::Call)?;
        let text = if args.json { serde_json::to_string(&listed)? + "\n" } else { table(&listed) };
        Ok(print(&text)?)
    })
    .await
}

fn table(listed: &Listed) -> String {
    let head = ["NAME", "STATUS", "PID", "WHERE", "UP", "RESTARTS", "WHY"].map(str::to_owned);
    let rows: Vec<[String; 7]> =
        std::iter::once(head).chain(listed.sidecars.iter().map(|state| row(state, &listed.mode))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn row(state: &SidecarState, mode: &ModeState) -> [String; 7] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let status = serde_json::to_value(state.status).ok().and_then(|status| Some(status.as_str()?.to_owned()));
    [
        state.name.clone(),
        or_dash(status),
        or_dash(state.pid.map(|pid| pid.to_string())),
        or_dash(state.url.clone().or_else(|| mode.endpoints.get(&state.name).map(|endpoint| endpoint.url.clone()))),
        or_dash(state.ready_at.map(since)),
        state.restarts.to_string(),
        why(state, mode).map(|why| on_one_line(&why)).unwrap_or_default(),
    ]
}

/// Why it is not there.
fn why(state: &SidecarState, mode: &ModeState) -> Option<String> {
    let waits = state.waits_for.as_ref().map(|what| format!("waits for {what}"));
    let failure = state.failure.as_ref().map(|failure| failure.message.clone());
    waits.or(failure).or_else(|| mode.server_failure.clone())
}

/// A text that holds what a program has said: nothing in it steers a terminal.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// How long ago that was, in two units.
fn since(ms: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64);
    let seconds = now.saturating_sub(ms) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{}h", seconds / 86400, seconds / 3600 % 24),
    }
}

async fn logs(args: &SidecarLogsArgs) -> Result<(), Error> {
    let params = LogsParams {
        name: args.name.clone(),
        stream: args.stream.into(),
        from: args.last.map_or(LogsFrom::Edge(LogsEdge::Start), |last| LogsFrom::Last { last }),
        follow: args.follow,
        search: args.search.clone(),
    };
    with_daemon(&args.daemon, async |endpoint| {
        let mut items = endpoint.stream(&LOGS, params);
        let showing = async {
            while let Some(item) = items.next().await {
                show(&args.name, item.map_err(Failure::Call)?.data)?;
            }
            Ok(())
        };
        tokio::select! {
            shown = showing => shown,
            () = reader::gone() => Ok(()),
        }
    })
    .await
}

fn show(name: &str, item: LogItem) -> Result<(), Error> {
    match item {
        LogItem::Line { text, partial, rest, .. } => {
            let (missing, end) = (if rest { "…" } else { "" }, if partial { "" } else { "\n" });
            print(&format!("{missing}{text}{end}"))?;
        }
        // Of a stream to which nothing was written, nothing is missing.
        LogItem::Gap { from, to, .. } if from == to => (),
        LogItem::Gap { generation, last_generation: Some(last), from, to, .. } => {
            eprintln!("sixframe: runs {generation} to {last}, with {} bytes, are not kept any more", to - from);
        }
        LogItem::Gap { last_generation: None, from, to, .. } => {
            eprintln!("sixframe: {} bytes are not kept any more", to - from);
        }
        LogItem::Started { generation, pid } => {
            let process = pid.map_or_else(String::new, |pid| format!(", process {pid}"));
            eprintln!("sixframe: {name} was started (run {generation}{process})");
        }
        LogItem::Exited { generation, exit, .. } => eprintln!("sixframe: {name} {} (run {generation})", how(exit)),
    }
    Ok(())
}

fn how(exit: RunExit) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "has ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_that_waits_says_for_what() {
        let state = json!({"name": "web", "status": "starting", "generation": 0, "starts": 0, "restarts": 0,
            "changedAt": 0, "owner": "this", "dependsOn": ["store"], "autoStart": false, "waitsFor": "store"});
        let listed = json!({"mode": {"mode": "service", "endpoints": {}}, "sidecars": [state]});
        let table = table(&serde_json::from_value(listed).unwrap());
        assert!(table.ends_with("waits for store\n"), "{table:?}");
    }

    #[test]
    fn what_a_program_has_said_steers_no_terminal() {
        let mut state = json!({"name": "web", "status": "failed", "generation": 1, "starts": 1, "restarts": 0,
            "changedAt": 0, "owner": "none", "dependsOn": [], "autoStart": false});
        state["failure"] = json!({"code": "EXITED", "message": "it said: \u{1b}[2J\r\nweb2  ready\u{9b}1m"});
        let listed = json!({"mode": {"mode": "service", "endpoints": {}}, "sidecars": [state]});
        let table = table(&serde_json::from_value(listed).unwrap());
        assert_eq!(table.lines().count(), 2, "{table:?}");
        assert!(table.contains("it said: ") && !table.contains(['\u{1b}', '\r', '\u{9b}']), "{table:?}");
    }
}
