//! Two endpoints, joined in memory.

use std::sync::Arc;

use crate::memory::{self, MemoryConfig};
use crate::{Config, RpcEndpoint, Service, connect_with};

/// Two endpoints that are each other's peer, with every scope; their drivers are spawned on the present runtime.
pub fn joined(one: impl Into<Arc<dyn Service>>, other: impl Into<Arc<dyn Service>>) -> (RpcEndpoint, RpcEndpoint) {
    let config = || Config { identity: memory::identity(), ..Config::default() };
    joined_with(MemoryConfig::default(), (config(), one), (config(), other))
}

/// As [`joined`], with the bounds of what may wait in between and the endpoints' configurations.
pub fn joined_with(
    memory: MemoryConfig,
    (config, one): (Config, impl Into<Arc<dyn Service>>),
    (other_config, other): (Config, impl Into<Arc<dyn Service>>),
) -> (RpcEndpoint, RpcEndpoint) {
    let (near, far) = memory::pair(memory);
    let (endpoint, driver) = connect_with(config, near, one);
    let (other_endpoint, other_driver) = connect_with(other_config, far, other);
    tokio::spawn(driver);
    tokio::spawn(other_driver);
    (endpoint, other_endpoint)
}
