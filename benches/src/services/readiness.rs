//! How soon a sidecar is known to be ready: the time from the moment in which its port takes connections until whoever waits
//! for it is told, through the service as the daemon has it.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use sixframe_hub::{Hub, HubConfig};
use sixframe_services::sidecars::api::SetMode;
use sixframe_services::sidecars::{CheckServer, Port, ReadyKind, SidecarConfig, Sidecars, SidecarsConfig};
use sixframe_supervisor::Supervisor;

use super::supervision::spread;

/// Starts in one row.
const STARTS: usize = 40;

/// Longest wait for one.
const PATIENCE: Duration = Duration::from_secs(30);

/// The kinds of readiness that have to do with a port.
const KINDS: [(&str, ReadyKind); 2] = [("HTTP", ReadyKind::Http), ("TCP", ReadyKind::Tcp)];

/// Starts sidecars whose ports answer at times that nobody knows before, and tells how soon they were ready.
pub(crate) async fn run(text: &mut String, supervisor: Supervisor, quick: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let named = KINDS.map(|(name, kind)| config(name, kind, folder.path()));
    let [http, tcp] = named;
    let setup = SidecarsConfig {
        sidecars: vec![http?, tcp?],
        folder: Some(folder.path().to_path_buf()),
        mode: SetMode::Service { service_url: None },
        define_allowed: false,
        check_server: CheckServer::new(PATIENCE, |url, _| {
            futures_util::stream::iter([Err(format!("{url} is not there"))])
        }),
    };
    let sidecars = Sidecars::new(setup, &Hub::new(HubConfig::default())?, supervisor)?;
    writeln!(text, "\n| ready by | told after the port answers |\n|---|---|")?;
    for (name, _) in KINDS {
        let mut times = Vec::new();
        for round in 0..if quick { STARTS / 4 } else { STARTS } {
            let delay = 100 + (round * 7 % 31) as u64;
            std::fs::write(folder.path().join("delay"), delay.to_string())?;
            times.push(started(&sidecars, name, folder.path()).await?);
        }
        writeln!(text, "| {name} | {} |", spread(times))?;
    }
    sidecars.stop_all().await;
    Ok(())
}

async fn started(sidecars: &Sidecars, name: &str, folder: &Path) -> Result<Duration> {
    let failed = |fault: sixframe_core::Fault| anyhow::anyhow!("{name}: {fault}");
    sidecars.start(name).await.map_err(failed)?;
    sidecars.wait_ready(name, PATIENCE).await.map_err(failed)?;
    let told = now()?;
    let answered = std::fs::read_to_string(folder.join("answers")).context("the sidecar writes when it answers")?;
    let answered = Duration::from_nanos(answered.parse()?);
    ensure!(told >= answered, "ready before the port answers");
    sidecars.stop(name, true).await.map_err(failed)?;
    std::fs::remove_file(folder.join("answers"))?;
    Ok(told - answered)
}

fn config(name: &str, kind: ReadyKind, folder: &Path) -> Result<SidecarConfig> {
    let program = std::env::current_exe()?;
    let mut config = SidecarConfig::new(name, program.to_str().context("a path in UTF-8")?);
    config.args = vec!["answer".into(), "{port}".into(), folder.to_str().context("a path in UTF-8")?.into()];
    config.port = Port::Auto;
    config.ready = Some(kind.into());
    config.stop.close_stdin_ms = 0;
    Ok(config)
}

/// Listens after a while, says when in a file, and answers all that is asked: the sidecar.
pub(crate) fn answer(port: u16, folder: &Path) -> Result<()> {
    let delay = std::fs::read_to_string(folder.join("delay"))?.parse()?;
    std::thread::sleep(Duration::from_millis(delay));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let answers = now()?.as_nanos().to_string();
    std::fs::write(folder.join("new"), answers)?;
    std::fs::rename(folder.join("new"), folder.join("answers"))?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        // Whoever only connects goes away without a word.
        if matches!(stream.read(&mut [0; 4096]), Ok(read) if read > 0) {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    }
    Ok(())
}

/// By the clock that two processes share.
fn now() -> Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}
