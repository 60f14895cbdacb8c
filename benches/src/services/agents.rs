//! What stands between an agent's program and a window: the time until its first word is there, a flood of deltas, the way
//! of a permission and back; and how long the real programs take to begin, where they are installed.

#[path = "../../../services/tests/agents/real/installed.rs"]
#[allow(clippy::unwrap_used, reason = "it is the tests'")]
mod installed;
#[path = "../../../services/tests/agents/model/mod.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "it is the tests', which wait for what nobody measures")]
mod model;
pub(crate) mod program;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use sixframe_core::{Config, Identity, Items, Router, RpcEndpoint, Scopes, connect, connect_with, memory};
use sixframe_hub::{Hub, HubConfig};
use sixframe_services::agents::{Agents, AgentsConfig, Program, router};
use sixframe_supervisor::Supervisor;

use super::supervision::spread;
use crate::memory::resident;

/// Starts in one row.
const STARTS: usize = 60;

/// Deltas of a flood, and floods.
const FLOOD: u64 = 1_000_000;
const FLOODS: usize = 5;

/// Permissions in a row.
const LEAVES: u64 = 400;

/// Runs everything and tells it as text. `quick` leaves out what takes long.
pub(crate) fn run(supervisor: fn() -> Result<Supervisor>, quick: bool) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut text = String::new();
    runtime.block_on(async {
        let house = House::of_speaker(supervisor()?)?;
        starts(&mut text, &house, if quick { STARTS / 4 } else { STARTS }).await?;
        leaves(&mut text, &house, if quick { LEAVES / 4 } else { LEAVES }).await?;
        floods(&mut text, &house, if quick { FLOOD / 10 } else { FLOOD }).await?;
        house.agents.halt().await;
        real(&mut text, supervisor()?, if quick { 2 } else { 7 }).await
    })?;
    Ok(text)
}

/// Agents, and a window on them.
struct House {
    folder: tempfile::TempDir,
    agents: Agents,
    window: RpcEndpoint,
    _hub: Hub,
}

impl House {
    /// With the speaker as Claude Code.
    fn of_speaker(supervisor: Supervisor) -> Result<House> {
        let mut speaker = Program::new(std::env::current_exe()?);
        speaker.args.push("speak".to_owned());
        House::new(supervisor, tempfile::tempdir()?, [speaker, Program::new("none"), Program::new("none")])
    }

    fn new(supervisor: Supervisor, folder: tempfile::TempDir, programs: [Program; 3]) -> Result<House> {
        std::fs::create_dir(folder.path().join("project"))?;
        let hub = Hub::new(HubConfig::default())?;
        let mut config = AgentsConfig::new(folder.path().join("sessions"));
        let [claude, codex, gemini] = programs;
        (config.claude.program, config.codex.program, config.gemini.program) = (claude, codex, gemini);
        let agents = Agents::open(config, supervisor, &hub)?;
        let (ours, theirs) = memory::pair(Default::default());
        let (window, calling) = connect(ours, Router::new());
        let identity = Identity { scopes: Scopes::ALL, ..Identity::default() };
        let (_, serving) = connect_with(Config { identity, ..Config::default() }, theirs, router(&agents));
        tokio::spawn(calling);
        tokio::spawn(serving);
        Ok(House { folder, agents, window, _hub: hub })
    }

    async fn session(&self, provider: &str) -> Result<String> {
        let params = json!({"provider": provider, "cwd": self.folder.path().join("project")});
        let created: Value = self.window.request_raw("agent.createSession", params).await?;
        Ok(created["sessionId"].as_str().context("a session has an id")?.to_owned())
    }

    fn prompt(&self, session: &str, text: &str) -> Items<Value> {
        let content = json!([{"type": "text", "text": text}]);
        self.window.stream_raw("agent.prompt", json!({"sessionId": session, "content": content}))
    }

    async fn close(&self, session: &str) -> Result<()> {
        self.window.request_raw::<_, Value>("agent.close", json!({"sessionId": session})).await?;
        Ok(())
    }

    /// From the wish for a session to the first word of its first turn, and to its first event of any kind.
    async fn first_word(&self, provider: &str) -> Result<(Duration, Duration)> {
        let begun = Instant::now();
        let session = self.session(provider).await?;
        let mut turn = self.prompt(&session, "hello there");
        let mut started = None;
        let word = loop {
            let event = turn.next().await.context("a turn without a word")??.data;
            match event["type"].as_str() {
                Some("item.delta") => break begun.elapsed(),
                Some("turn.started") => started = Some(begun.elapsed()),
                Some("turn.ended") => bail!("no word: {event}"),
                _ => (),
            }
        };
        while turn.next().await.is_some() {}
        self.close(&session).await?;
        Ok((word, started.unwrap_or(word)))
    }
}

/// From the start of the program to its first word, by plain pipes.
fn plain_first_word() -> Result<Duration> {
    let begun = Instant::now();
    let mut command = Command::new(std::env::current_exe()?);
    let mut child = command.arg("speak").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("a pipe")?;
    let mut lines = BufReader::new(child.stdout.take().context("a pipe")?).lines();
    writeln!(input, "{}", json!({"type": "control_request", "request_id": "i", "request": {"subtype": "initialize"}}))?;
    lines.next().context("an answer")??;
    let content = json!([{"type": "text", "text": "hello there"}]);
    writeln!(input, "{}", json!({"type": "user", "message": {"role": "user", "content": content}}))?;
    loop {
        let line = lines.next().context("a word")??;
        let message: Value = serde_json::from_str(&line)?;
        if message["event"]["type"] == "content_block_delta" {
            break;
        }
    }
    let word = begun.elapsed();
    drop((input, lines));
    child.wait()?;
    Ok(word)
}

async fn starts(text: &mut String, house: &House, count: usize) -> Result<()> {
    let (mut plain, mut ours, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let one = tokio::task::spawn_blocking(plain_first_word).await??;
        let (other, _) = house.first_word("claude").await?;
        added.push(other.saturating_sub(one));
        plain.push(one);
        ours.push(other);
    }
    writeln!(text, "\n| to the first word of a program that says it at once | |\n|---|---|")?;
    writeln!(text, "| by plain pipes | {} |", spread(plain))?;
    writeln!(text, "| agent.createSession, agent.prompt, first item.delta | {} |", spread(ours))?;
    writeln!(text, "| what is added, round by round | {} |", spread(added))?;
    Ok(())
}

async fn leaves(text: &mut String, house: &House, count: u64) -> Result<()> {
    let session = house.session("claude").await?;
    let mut turn = house.prompt(&session, &format!("leave {count}"));
    let mut told = String::new();
    while let Some(item) = turn.next().await {
        let event = item?.data;
        match event["type"].as_str() {
            Some("permission.requested") => {
                let asked = &event["data"];
                let answer = json!({"permissionId": asked["permissionId"], "inputSha256": asked["inputSha256"]});
                house.window.request_raw::<_, Value>("agent.approve", answer).await?;
            }
            Some("item.delta") => told.push_str(event["data"]["delta"].as_str().unwrap_or_default()),
            _ => (),
        }
    }
    house.close(&session).await?;
    let times: Vec<u64> = serde_json::from_str(&told).with_context(|| format!("not the times: {told}"))?;
    let times = times.into_iter().map(Duration::from_micros).collect();
    writeln!(
        text,
        "\n| | |\n|---|---|\n| a permission, from the agent to a window that allows it and back | {} |",
        spread(times)
    )?;
    Ok(())
}

/// A session is flooded; whoever watches sees all of it, and the memory does not grow with it.
async fn floods(text: &mut String, house: &House, count: u64) -> Result<()> {
    writeln!(
        text,
        "\n| {count} deltas of {} bytes in one turn | deltas a second | resident |\n|---|---|---|",
        program::PIECE.len()
    )?;
    let session = house.session("claude").await?;
    for _ in 0..FLOODS {
        let begun = Instant::now();
        let mut turn = house.prompt(&session, &format!("flood {count}"));
        let (mut bytes, mut events) = (0, 0);
        while let Some(item) = turn.next().await {
            let event = item?.data;
            if event["type"] == "item.delta" {
                bytes += event["data"]["delta"].as_str().unwrap_or_default().len() as u64;
                events += 1;
            }
        }
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        ensure!(bytes == count * program::PIECE.len() as u64, "{bytes} bytes of {count} deltas arrived");
        let mib = resident(std::process::id())? as f64 / f64::from(1 << 20);
        writeln!(text, "| told in {events} events | {rate:.0} | {mib:.1} MiB |")?;
    }
    house.close(&session).await
}

/// The real programs, with a model on this machine that answers at once.
async fn real(text: &mut String, supervisor: Supervisor, count: usize) -> Result<()> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a workspace")?.join("target");
    if !target.join("agents/node_modules").is_dir() {
        writeln!(text, "\nthe real agents are not installed; `cargo xtask test --only agents` does that")?;
        return Ok(());
    }
    let model = model::Model::start().await;
    let folder = tempfile::tempdir()?;
    let programs = installed::all(&target, folder.path(), &model.url).map(|installed| {
        let program = Program::new(installed.program);
        let env = installed.variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Program { args: installed.args, env, ..program }
    });
    let house = House::new(supervisor, folder, programs)?;
    writeln!(text, "\n| from agent.createSession on | turn.started | first word of the model |\n|---|---|---|")?;
    for provider in ["claude", "codex", "gemini"] {
        let (mut started, mut word) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (first_word, first_event) = house.first_word(provider).await?;
            started.push(first_event);
            word.push(first_word);
        }
        writeln!(text, "| {provider} | {} | {} |", spread(started), spread(word))?;
    }
    house.agents.halt().await;
    Ok(())
}
