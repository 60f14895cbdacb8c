//! What the keys must be to one another, once each is what it must be alone.

use sixframe_services::sidecars::{self, api::Mode};

use super::Config;

impl Config {
    /// What is wrong, as the key to change and a sentence about it.
    pub(crate) fn faults(&self) -> Vec<(&'static str, String)> {
        let limits = self.limits.of_connection();
        let mut faults = Vec::new();
        faults.extend(self.listen.iter().filter_map(|address| Some(("listen", address.fault()?))));
        faults.extend(sidecars::faults_together(&self.sidecars()).into_iter().map(|fault| ("sidecar", fault)));
        let mut require = |holds: bool, key: &'static str, change: String| {
            if !holds {
                faults.push((key, change));
            }
        };
        let is_connected = self.app.mode.0 == Mode::Connected;
        let needed = "must name the other daemon in the mode connected, as in wss://host".to_owned();
        require(!is_connected || !self.app.server_url.is_empty(), "app.server_url", needed);
        require(self.app.server_check_ms >= 1, "app.server_check_ms", "must be at least 1".to_owned());
        require(!self.listen.is_empty(), "listen", "must name at least one address".to_owned());
        require(limits.depth >= 1, "limits.depth", "must be at least 1".to_owned());
        require(limits.in_flight >= 1, "limits.in_flight", "must be at least 1".to_owned());
        require(limits.malformed >= 16, "limits.malformed", "must be at least 16".to_owned());
        require(self.limits.connections >= 1, "limits.connections", "must be at least 1".to_owned());
        require(self.limits.stall_ms >= 1, "limits.stall_ms", "must be at least 1".to_owned());
        require(self.limits.handshake_ms >= 1, "limits.handshake_ms", "must be at least 1".to_owned());
        require(self.agent.first_event_ms >= 1000, "agent.first_event_ms", "must be at least 1000".to_owned());
        require(self.agent.stall_ms >= 1000, "agent.stall_ms", "must be at least 1000".to_owned());
        require(limits.soft_bytes >= 1, "limits.soft_bytes", "must be at least 1".to_owned());
        require(limits.message_bytes >= 1024, "limits.message_bytes", "must be at least 1024".to_owned());
        // A snapshot is one message, in which strings have their escapes.
        require(
            self.hub.state_bytes <= self.limits.message_bytes / 2,
            "hub.state_bytes",
            format!("must be at most half of limits.message_bytes ({})", limits.message_bytes),
        );
        require(
            limits.message_bytes <= limits.hard_bytes,
            "limits.hard_bytes",
            format!("must be at least limits.message_bytes ({})", limits.message_bytes),
        );
        require(
            limits.soft_bytes < limits.hard_bytes,
            "limits.soft_bytes",
            format!("must be below limits.hard_bytes ({})", limits.hard_bytes),
        );
        faults
    }
}
