//! Sidecars that callers define.

use std::sync::PoisonError;

use serde_json::json;
use sixframe_core::{Code, Fault};

use super::{DOMAIN, Member, Sidecars, named_faults};
use crate::sidecars::api::{SidecarState, SidecarStatus};
use crate::sidecars::board::Entry;
use crate::sidecars::check;
use crate::sidecars::config::SidecarConfig;

impl Sidecars {
    /// Adds a sidecar, or gives one that is at rest another configuration.
    ///
    /// # Errors
    /// `FORBIDDEN` where that was not allowed; `INVALID_PAYLOAD` where it cannot be; `CONFLICT` where it runs;
    /// `RESOURCE_EXHAUSTED` where there are 128.
    pub fn define(&self, config: SidecarConfig) -> Result<SidecarState, Fault> {
        if !self.shared.define_allowed {
            let message = "sidecar.define is off; start the daemon with --allow sidecar.define";
            let details = json!({"setting": "allow", "flag": "--allow sidecar.define"});
            return Err(Fault::new(Code::FORBIDDEN, message).details(details));
        }
        let _alone = self.shared.defining.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<SidecarConfig> =
            self.members().values().map(|known| (*known.known.config()).clone()).collect();
        all.retain(|other| other.name != config.name);
        if all.len() >= check::MOST {
            let message = format!("there are {} sidecars; define one of them anew", check::MOST);
            let details = json!({"limit": "sidecars", "value": check::MOST});
            return Err(Fault::new(Code::RESOURCE_EXHAUSTED, message).details(details));
        }
        all.push(config.clone());
        let faults = [named_faults(&config), check::faults_together(&all)].concat();
        if !faults.is_empty() {
            let message = faults.join("; ");
            return Err(Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"faults": faults})));
        }
        match self.member(&config.name) {
            Err(_) => Ok(self.add(config, SidecarStatus::Stopped)),
            Ok(member) => self.redefine(&member, config),
        }
    }

    fn redefine(&self, member: &Member, config: SidecarConfig) -> Result<SidecarState, Fault> {
        let name = config.name.clone();
        if !self.status(&name)?.status.is_at_rest() {
            let message = format!("{name} runs; stop it before it is changed");
            return Err(Fault::new(Code::CONFLICT, message).domain(DOMAIN));
        }
        let (depends_on, auto_start) = (config.depends_on.clone(), config.auto_start);
        member.known.configure(config);
        let change = |entry: &mut Entry| {
            (entry.state.depends_on, entry.state.auto_start) = (depends_on, auto_start);
        };
        Ok(self.board().change(&name, change))
    }
}
