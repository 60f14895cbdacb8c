//! The daemon: listens, says that it is ready, serves connections with one service, and drains when it is told to stop.
//! Knows no method.

mod connections;
mod instance;
mod log;
mod open_files;
mod parent;
mod ready;
mod remote;
mod stop;
mod supervised;
mod token;
mod windows;
mod within;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Error};
use sixframe_core::layers::{self, Metrics, Operations};
use sixframe_core::{Router, Service};
use sixframe_hub::{Cut, Hub, OutboundChannel};
use sixframe_services::agents::Agents;
use sixframe_services::sidecars::{Sidecars, SidecarsConfig};
use sixframe_supervisor::{GuardProgram, Supervisor, SupervisorConfig};
use sixframe_transports::websocket::{Access, Token};
use sixframe_transports::{Address, Bounded, Framing, ListenConfig, Listener, TO_BROWSER_BYTES, listen, stdio};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::console::{ConsoleServer, Entrance, Setup};
use crate::methods::{self, Roots, Taps};
use connections::Connections;
pub(crate) use log::{finish as finish_log, init as init_log};
use parent::ParentTransport;
use ready::Ready;
use stop::Stop;
pub(crate) use stop::Stopped;
use supervised::Families;
pub(crate) use token::read as read_token;
use windows::Windows;
pub(crate) use within::within;

/// Time behind the drain for what is written last.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// What can be said once the daemon is ready.
pub(crate) struct Announcement {
    /// The line for programs.
    pub(crate) line: String,
    /// The way in by the console, where one is served.
    pub(crate) entrance: Option<Arc<Entrance>>,
}

/// Serves the addresses of `config` until a signal asks to stop. `announce` is called once every address is listened on.
pub(crate) async fn serve(
    config: &Config,
    announce: impl FnOnce(Announcement) -> Result<(), Error>,
) -> Result<Stopped, Error> {
    let mut stop = Stop::new()?;
    let access = access(config)?;
    let listeners = open(config, &access).await?;
    let console = console(config, access).await?;
    let entrance = console.as_ref().map(|console| Arc::clone(console.entrance()));
    let hub = open_hub(config)?;
    let families = families(config)?;
    let id = instance::of(&config.hub)?;
    let sidecars = sidecars(config, &hub, &families.all, &id)?;
    let agents = agents(config, &hub, &families.agents)?;
    let services = Services { sidecars: sidecars.clone(), agents, supervisor: families.all.clone() };
    let connections = connections(config, &hub, &id, entrance.clone(), &families, &services)?;
    let ready = Ready::of(config, &listeners, entrance.as_deref());
    announce(Announcement { line: serde_json::to_string(&ready)?, entrance })?;
    tracing::info!(listen = ?ready.listen, console = ready.console, "ready");
    sidecars.begin();
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(connections::accept(Arc::clone(&connections), listener));
    }
    if let Some(console) = console {
        let connections = Arc::clone(&connections);
        accepting.spawn(console.run(move |transport, identity| connections.serve(transport, identity)));
    }
    let failed = tokio::select! {
        () = stop.asked() => {
            sidecars.close();
            None
        }
        failed = accepting.join_next() => failed,
    };
    // Dropping the listeners removes the socket files, and nobody comes any more.
    accepting.shutdown().await;
    let stopped = drain(&connections, &services, config, &mut stop).await;
    hub.close()?;
    match failed {
        Some(failed) => failed?.context("an address cannot be served any more").map(|()| stopped),
        None => Ok(stopped),
    }
}

/// Serves the parent process over standard input and output until it closes our input; what it asked for before is still
/// answered, within the time for draining.
pub(crate) async fn serve_parent(config: &Config, framing: Framing) -> Result<Stopped, Error> {
    let mut stop = Stop::new()?;
    let hub = open_hub(config)?;
    let families = families(config)?;
    let id = instance::of(&config.hub)?;
    let sidecars = sidecars(config, &hub, &families.all, &id)?;
    let agents = agents(config, &hub, &families.agents)?;
    let services = Services { sidecars: sidecars.clone(), agents, supervisor: families.all.clone() };
    let connections = connections(config, &hub, &id, None, &families, &services)?;
    let (transport, identity) = stdio::open(framing, config.limits.of_connection().message_bytes)?;
    let longest = if framing == Framing::NativeMessaging { TO_BROWSER_BYTES } else { framing.longest() };
    let transport = Bounded::new(transport, longest, "a browser takes no more from a native messaging host");
    let (transport, ended) = ParentTransport::new(transport);
    connections.serve(transport, identity);
    sidecars.begin();
    let input = tokio::select! {
        () = connections.finished() => Ok(()),
        Ok(how) = ended => how,
        () = stop.asked() => {
            sidecars.close();
            Ok(())
        }
    };
    let stopped = drain(&connections, &services, config, &mut stop).await;
    hub.close()?;
    input.context("the input cannot be read any further; see --framing")?;
    Ok(stopped)
}

/// Lets what runs finish, as long as the configuration and a second signal allow; then stops the agents and the sidecars, which
/// have the time that their own steps take.
async fn drain(connections: &Connections, services: &Services, config: &Config, stop: &mut Stop) -> Stopped {
    let longest = Duration::from_millis(config.drain_ms);
    tracing::info!(connections = connections.len(), ?longest, "stopping");
    connections.close(longest);
    let finished = async {
        tokio::select! {
            () = connections.finished() => (),
            () = tokio::time::sleep(longest.saturating_add(LAST_WORDS)) => (),
        }
        services.stop().await;
    };
    tokio::select! {
        () = finished => Stopped::InOrder,
        () = stop.asked() => Stopped::AtOnce,
    }
}

fn connections(
    config: &Config,
    hub: &Hub,
    id: &str,
    entrance: Option<Arc<Entrance>>,
    families: &Families,
    services: &Services,
) -> Result<Arc<Connections>, Error> {
    let taps = Arc::new(Taps::default());
    let metrics = Metrics::new();
    let events = OutboundChannel::new(config.hub.of_events());
    let methods = methods::router(&methods::Surroundings {
        roots: Arc::new(Roots::new(&config.fs.roots)),
        run_allowed: config.allows_process_run(),
        supervisor: families.all.clone(),
        taps: Arc::clone(&taps),
        metrics: metrics.clone(),
        entrance,
        hub: hub.clone(),
        events: events.clone(),
        sidecars: services.sidecars.clone(),
        agents: services.agents.clone(),
    });
    let windows = Windows::new(hub, events)?;
    let service = service(methods.server_id(id), &metrics);
    Ok(Connections::new(config, service, taps, windows, families.clone()))
}

/// What runs programs of its own, and has to be stopped.
struct Services {
    sidecars: Sidecars,
    agents: Agents,
    supervisor: Supervisor,
}

impl Services {
    /// Stops all of it, and waits until nothing of it is left.
    async fn stop(&self) {
        tokio::join!(self.agents.halt(), self.sidecars.stop_all());
        // Whoever asked for programs that run briefly, as to look at a folder, may not wait for them.
        self.supervisor.stop_all().await;
    }
}

/// The agents, with the sessions that an earlier daemon has left.
fn agents(config: &Config, hub: &Hub, supervisor: &Supervisor) -> Result<Agents, Error> {
    let opened = Agents::open(config.of_agents(), supervisor.clone(), hub);
    opened.context("set agent.dir to another folder")
}

/// The programs that are kept running; none runs yet. `id` is who this daemon is.
fn sidecars(config: &Config, hub: &Hub, supervisor: &Supervisor, id: &str) -> Result<Sidecars, Error> {
    let setup = SidecarsConfig {
        sidecars: config.sidecars(),
        folder: config.sidecar_folder().map(Into::into),
        mode: config.app.of_sidecars(),
        define_allowed: config.allows_sidecar_define(),
        check_server: remote::check(&config.app, id),
    };
    Sidecars::new(setup, hub, supervisor.clone()).context("the sidecars cannot be kept")
}

/// What holds the programs that are started, after it has ended what an earlier daemon has left behind.
fn families(config: &Config) -> Result<Families, Error> {
    let guard = GuardProgram::this_program()?;
    let ledger = Some(config.runtime_dir.join("children"));
    let config = SupervisorConfig { guard, ledger, open_files: open_files::raise(), child_subreaper: true };
    let all = Supervisor::new(config).context("child processes cannot be held")?;
    Ok(Families { agents: all.apart(), all })
}

/// The state, as it was when the last daemon of this folder ended.
fn open_hub(config: &Config) -> Result<Hub, Error> {
    if !config.hub.persist {
        return Ok(Hub::new(config.hub.of_hub())?);
    }
    let opened = Hub::open(config.hub.of_hub(), &config.hub.dir);
    let (hub, recovery) = opened.context("set hub.dir to another folder, or hub.persist to false")?;
    if let Some(cut) = &recovery.cut {
        let Cut { file, offset, bytes, reason } = cut;
        tracing::warn!(file, offset, bytes, reason, "the end of the hub's log was cut off and is kept beside it");
    }
    if recovery.lost {
        tracing::warn!("changes to the hub's state may be lost; everyone gets it anew");
    }
    tracing::info!(folder = %config.hub.dir.display(), commits = recovery.commits, "the hub's state is read");
    Ok(hub)
}

/// The one service of all connections. A request passes the layers from the last to the first: who may not call is refused
/// before an operation is remembered, but counted and logged.
fn service(methods: Router, metrics: &Metrics) -> Arc<dyn Service> {
    methods
        .layer(layers::operations(Operations::default()))
        .layer(layers::authorize())
        .layer(metrics.layer())
        .layer(layers::logging())
        .layer(layers::trace())
        .into_service()
}

async fn open(config: &Config, access: &Access) -> Result<Vec<Listener>, Error> {
    let mut listeners = Vec::new();
    let listening = ListenConfig {
        message_bytes: config.limits.of_connection().message_bytes,
        connections: config.limits.connections as usize,
        access: access.clone(),
        handshake: Duration::from_millis(config.limits.handshake_ms),
        ..ListenConfig::default()
    };
    for address in config.addresses()? {
        listeners.push(listen(&address, &listening).await?);
    }
    Ok(listeners)
}

async fn console(config: &Config, access: Access) -> Result<Option<ConsoleServer>, Error> {
    if !config.console.enabled {
        return Ok(None);
    }
    let setup = Setup {
        port: config.console.port,
        dir: config.console.dir.clone(),
        token: token::provide(&config.token_file)?,
        access,
        message_bytes: config.limits.of_connection().message_bytes,
        handshake: Duration::from_millis(config.limits.handshake_ms),
    };
    ConsoleServer::bind(setup).await.map(Some)
}

/// Who may open a WebSocket, at an address or at the console.
fn access(config: &Config) -> Result<Access, Error> {
    let has_web_socket = config.addresses()?.iter().any(|address| matches!(address, Address::WebSocket(_)));
    let tokens = match has_web_socket || config.console.enabled {
        true => vec![Token::new(token::provide(&config.token_file)?, sixframe_core::Scopes::ALL)],
        false => Vec::new(),
    };
    Ok(Access { tokens, hosts: config.ws.hosts(), origins: config.ws.origins() })
}
