//! How the local model is just now. A service is asked for the list of its models, which costs nothing; a sidecar is looked up.

use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;
use tokio::time::timeout;

use super::super::agent::Agent as _;
use super::super::detect::{ProviderInfo, ProviderState};
use super::super::problem::{Problem, ProblemKind};
use super::http;
use super::place::{Place, Standing, Where, standing};
use super::{LocalAgent, LocalConfig};

/// How long a service may take to list its models.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest list of models that is read, in bytes.
const LISTED: usize = 4 << 20;

pub(super) async fn look(agent: &LocalAgent) -> ProviderInfo {
    let (state, hint) = match (lacking_key(&agent.config), &agent.place) {
        (Some(hint), _) => (ProviderState::LoggedOut, Some(hint)),
        (None, Where::Sidecar { name, hub }) => match standing(hub, name) {
            Standing::There(_) => (ProviderState::Ready, None),
            Standing::Absent { why, hint } => (ProviderState::Missing, Some(format!("{why}; {hint}"))),
        },
        (None, Where::Address(Err(why))) => (ProviderState::Broken, Some(format!("agent.local.url {why}"))),
        (None, Where::Address(Ok(place))) => asked(agent, place).await,
    };
    ProviderInfo {
        id: agent.provider().to_owned(),
        name: "Local model".to_owned(),
        state,
        hint,
        program: None,
        version: None,
        tested: None,
        auth_method: agent.key().map(|_| "api_key".to_owned()),
        abilities: agent.abilities(),
        install_url: None,
    }
}

/// What is to be done where the key is not there that should be.
fn lacking_key(config: &LocalConfig) -> Option<String> {
    let name = config.key_env.as_ref().filter(|_| super::key(config).is_none())?;
    Some(format!("set the variable {name}, which agent.local.key_env names, in the daemon's environment"))
}

async fn asked(agent: &LocalAgent, place: &Place) -> (ProviderState, Option<String>) {
    let key = agent.key();
    let asking = async {
        let answered = http::get(place, key.as_deref(), "models").await?;
        let (body, _connection) = answered.into_parts();
        let broken = |error| Problem::new(ProblemKind::Network, format!("its list of models broke off: {error}"));
        let body = Limited::new(body, LISTED).collect().await.map_err(broken)?.to_bytes();
        let listed = serde_json::from_slice::<Value>(&body).is_ok_and(|listed| listed.is_object());
        listed.then_some(()).ok_or_else(|| Problem::new(ProblemKind::Protocol, "it lists no models"))
    };
    let late = || Problem::new(ProblemKind::Timeout, "it does not answer");
    let problem = match timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(late())) {
        Ok(()) => return (ProviderState::Ready, None),
        Err(problem) => problem,
    };
    let text = agent.secrets.redacted(&problem.message).into_owned();
    let hint = Some(problem.hint.map_or_else(|| text.clone(), |hint| format!("{text}; {hint}")));
    match (problem.kind, problem.http_status) {
        (ProblemKind::AuthRequired, _) => (ProviderState::LoggedOut, hint),
        // Not every service has such a list.
        (_, Some(404 | 405 | 501)) => (ProviderState::Unknown, None),
        (ProblemKind::Network | ProblemKind::Timeout, _) => (ProviderState::Missing, hint),
        _ => (ProviderState::Broken, hint),
    }
}
