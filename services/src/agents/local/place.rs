//! Where a model is reached: at an address of the configuration, or where a sidecar is just now.

use hyper::Uri;
use sixframe_hub::Hub;

use super::super::problem::{Problem, ProblemKind};
use super::LocalConfig;
use crate::sidecars::api::{SidecarState, SidecarStatus};

/// Where to look.
#[derive(Clone)]
pub(super) enum Where {
    Address(Result<Place, String>),
    Sidecar { name: String, hub: Hub },
}

/// An address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) is_encrypted: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// What stands in front of the API's own paths, without a slash at its end.
    pub(super) base: String,
}

/// How a sidecar stands.
pub(super) enum Standing {
    There(Place),
    /// And what to do about it.
    Absent {
        why: String,
        hint: String,
    },
}

impl Where {
    pub(super) fn new(config: &LocalConfig, hub: &Hub) -> Where {
        match &config.url {
            Some(url) => Where::Address(Place::of(url)),
            None => Where::Sidecar { name: config.sidecar.clone(), hub: hub.clone() },
        }
    }

    /// Where it is now.
    pub(super) fn now(&self) -> Result<Place, Problem> {
        match self {
            Where::Address(Ok(place)) => Ok(place.clone()),
            Where::Address(Err(why)) => {
                Err(Problem::new(ProblemKind::InvalidRequest, format!("agent.local.url {why}")))
            }
            Where::Sidecar { name, hub } => match standing(hub, name) {
                Standing::There(place) => Ok(place),
                Standing::Absent { why, hint } => Err(Problem::new(ProblemKind::CliMissing, why).hint(hint)),
            },
        }
    }
}

/// How a sidecar stands.
pub(super) fn standing(hub: &Hub, name: &str) -> Standing {
    let state = hub.state();
    // Names may hold anything that a pointer escapes.
    let known = state.at("/sidecars/services").and_then(|services| services.member(name));
    let Some(state) = known.and_then(|known| known.read::<SidecarState>().ok()) else {
        return Standing::Absent {
            why: format!("there is no sidecar {name}"),
            hint: format!("configure a sidecar that is called {name}, or name a service with agent.local.url"),
        };
    };
    let absent = |why: String, hint: String| Standing::Absent { why, hint };
    match (state.status, state.port) {
        (SidecarStatus::Ready | SidecarStatus::Running, Some(port)) => {
            Standing::There(Place { is_encrypted: false, host: "127.0.0.1".to_owned(), port, base: "/v1".to_owned() })
        }
        (SidecarStatus::Ready | SidecarStatus::Running, None) => {
            absent(format!("the sidecar {name} has no port"), "give it a port in the configuration".to_owned())
        }
        (SidecarStatus::Starting, _) => {
            absent(format!("the sidecar {name} is starting"), "wait until it is ready".to_owned())
        }
        (SidecarStatus::Stopping | SidecarStatus::Stopped, _) => {
            absent(format!("the sidecar {name} does not run"), format!("run `sixframe sidecar start {name}`"))
        }
        (SidecarStatus::Failed, _) => {
            let why = state.failure.map(|failure| failure.message).unwrap_or_default();
            absent(format!("the sidecar {name} has failed: {why}"), format!("run `sixframe sidecar logs {name}`"))
        }
    }
}

impl Place {
    /// Takes an address apart. The error follows the name of what holds it.
    pub(super) fn of(url: &str) -> Result<Place, String> {
        let wrong = || "must be an address such as http://127.0.0.1:8080/v1 or https://models.example/v1".to_owned();
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let is_encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err("holds a password; name the variable of the key with key_env".to_owned());
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(wrong());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if !is_encrypted && !is_this_machine(&host) {
            return Err("leads to another machine without encryption; use https".to_owned());
        }
        if is_encrypted && !cfg!(feature = "tls") {
            return Err("is encrypted, and this build cannot encrypt; build with the feature tls".to_owned());
        }
        let port = authority.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        Ok(Place { is_encrypted, host, port, base: uri.path().trim_end_matches('/').to_owned() })
    }

    /// The host and port, as HTTP and people write them.
    pub(super) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// Whether a host is this machine, by what it is called. Where the name leads is looked at once more when it is known.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What is wrong with the address of a local model, to follow `agent.local`.
pub fn faults(url: &str) -> Option<String> {
    Place::of(url).err().map(|why| format!("url {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_on_this_machine_or_encrypted() {
        for url in ["http://127.0.0.1:8080/v1", "http://localhost/v1/", "http://[::1]:1", "http://127.9.9.9/"] {
            assert!(Place::of(url).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1/v1",
            "http://example.org/v1",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://0.0.0.0/",
            "ftp://127.0.0.1/",
            "127.0.0.1:80",
            "",
            "http://user:pass@127.0.0.1/",
            "http://127.0.0.1/?a=b",
        ] {
            assert!(Place::of(url).is_err(), "{url}");
        }
        let place = Place::of("http://[::1]:81/v1/").unwrap();
        assert_eq!((place.authority().as_str(), place.base.as_str()), ("[::1]:81", "/v1"));
        #[cfg(feature = "tls")]
        assert_eq!(Place::of("https://models.example/v1").map(|place| place.port), Ok(443));
    }
}
