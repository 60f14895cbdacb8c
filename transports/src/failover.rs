//! Several ways to the same service, in order of preference. Waiting between attempts is the driver's business.

use sixframe_core::{Connecting, Connector, TransportError};

use crate::{Address, AnyTransport, ConnectConfig, connect};

/// A connector for one address.
pub struct AddressConnector {
    address: Address,
    config: ConnectConfig,
}

impl AddressConnector {
    /// Connects to `address` each time it is asked.
    pub fn new(address: Address, config: ConnectConfig) -> AddressConnector {
        AddressConnector { address, config }
    }
}

impl Connector for AddressConnector {
    type Transport = AnyTransport;

    fn connect(&mut self) -> Connecting<AnyTransport> {
        let (address, config) = (self.address.clone(), self.config.clone());
        Box::pin(async move { connect(&address, &config).await })
    }
}

/// A connector over others, the most preferred first.
///
/// Every attempt begins with the first again, so that a service returns to its preferred place as soon as that place is
/// back and the connection is made anew. An attempt fails when all have failed: with the last error, or permanently when all of them were
/// permanent.
pub struct Failover<C> {
    connectors: Vec<C>,
}

impl<C: Connector> Failover<C> {
    /// Over `connectors`, in order of preference.
    pub fn new(connectors: impl IntoIterator<Item = C>) -> Failover<C> {
        Failover { connectors: connectors.into_iter().collect() }
    }
}

impl Failover<AddressConnector> {
    /// Over `addresses`, in order of preference.
    pub fn over(addresses: impl IntoIterator<Item = Address>, config: &ConnectConfig) -> Failover<AddressConnector> {
        Failover::new(addresses.into_iter().map(|address| AddressConnector::new(address, config.clone())))
    }
}

impl<C: Connector> Connector for Failover<C> {
    type Transport = C::Transport;

    fn connect(&mut self) -> Connecting<C::Transport> {
        // Nothing is tried before it is awaited.
        let attempts: Vec<_> = self.connectors.iter_mut().map(C::connect).collect();
        Box::pin(async move {
            let mut failures: Vec<TransportError> = Vec::new();
            for attempt in attempts {
                match attempt.await {
                    Ok(connected) => return Ok(connected),
                    Err(error) => {
                        tracing::debug!(%error, "trying the next address");
                        failures.push(error);
                    }
                }
            }
            Err(summary(&failures))
        })
    }
}

fn summary(failures: &[TransportError]) -> TransportError {
    if let [only] = failures {
        return only.clone();
    }
    let reasons: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let message = match failures.len() {
        0 => "there is no address to connect to".to_owned(),
        count => format!("none of {count} addresses answers: {}", reasons.join("; ")),
    };
    match failures.iter().all(TransportError::is_permanent) {
        true => TransportError::permanent(message, None),
        false => TransportError::new(message, None),
    }
}
