//! A daemon within one subcommand: it listens nowhere, and ends with the work that it is for.

use std::time::Duration;

use anyhow::Error;
use sixframe_core::{Identity, Router, RpcEndpoint, Scopes, connect, memory};

use super::{Services, agents, connections, families, instance, open_hub, sidecars};
use crate::config::Config;

/// Time for the last frames to leave.
const CLOSING: Duration = Duration::from_secs(1);

/// Does the work with an endpoint to a daemon of our own. What that has started is gone when this completes.
pub(crate) async fn within<T>(config: &Config, work: impl AsyncFnOnce(RpcEndpoint) -> T) -> Result<T, Error> {
    let hub = open_hub(config)?;
    let families = families(config)?;
    let id = instance::of(&config.hub)?;
    let sidecars = sidecars(config, &hub, &families.all, &id)?;
    let agents = agents(config, &hub, &families.agents)?;
    let services = Services { sidecars: sidecars.clone(), agents, supervisor: families.all.clone() };
    let connections = connections(config, &hub, &id, None, &families, &services)?;
    let (ours, theirs) = memory::pair(memory::MemoryConfig::default());
    let pid = Some(std::process::id());
    let identity = Identity { transport: "memory", scopes: Scopes::ALL, pid, ..Identity::default() };
    connections.serve(theirs, identity);
    sidecars.begin();
    let (endpoint, driver) = connect(ours, Router::new());
    tokio::spawn(driver);
    let worked = work(endpoint.clone()).await;
    endpoint.close(CLOSING);
    connections.close(CLOSING);
    tokio::join!(connections.finished(), services.stop());
    hub.close()?;
    Ok(worked)
}
