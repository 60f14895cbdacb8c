//! `trust.*`, served.

use std::io;

use serde_json::json;
use sixframe_core::{Code, Fault, Router};
use tokio::task::spawn_blocking;

use super::super::api::{Done, TRUST_GRANT, TRUST_REVOKE, TRUST_STATUS, TrustFolder, TrustGrantParams, TrustStatus};
use super::super::sessions::Agents;

pub(super) fn router(agents: &Agents) -> Router {
    let (status, grant, revoke) = (agents.clone(), agents.clone(), agents.clone());
    Router::new()
        .method(TRUST_STATUS, move |_, params| told(status.clone(), params))
        .method(TRUST_GRANT, move |_, params| granted(grant.clone(), params))
        .method(TRUST_REVOKE, move |_, params| revoked(revoke.clone(), params))
}

async fn told(agents: Agents, params: TrustFolder) -> Result<TrustStatus, Fault> {
    let cwd = agents.folder(&params.cwd)?;
    let looked = spawn_blocking(move || (agents.trust().standing(&cwd), cwd)).await;
    let (standing, cwd) = looked.map_err(|_| ended())?;
    let cwd = cwd.to_string_lossy().into_owned();
    Ok(TrustStatus { cwd, is_trusted: standing.is_trusted, sha256: standing.sha256, files: standing.files })
}

async fn granted(agents: Agents, params: TrustGrantParams) -> Result<Done, Fault> {
    let cwd = agents.folder(&params.cwd)?;
    let granted = spawn_blocking(move || agents.trust().grant(&cwd, &params.sha256)).await.map_err(|_| ended())?;
    granted.map_err(|error| not_kept(&error))?.map_err(|now| {
        let message = "what lies in the folder is not what was shown; look at it again with trust.status";
        Fault::new(Code::CONFLICT, message).details(json!({"current": {"sha256": now}}))
    })?;
    Ok(Done { ok: true })
}

async fn revoked(agents: Agents, params: TrustFolder) -> Result<Done, Fault> {
    let cwd = agents.folder(&params.cwd)?;
    let revoked = spawn_blocking(move || agents.trust().revoke(&cwd)).await.map_err(|_| ended())?;
    revoked.map_err(|error| not_kept(&error))?;
    Ok(Done { ok: true })
}

fn ended() -> Fault {
    Fault::new(Code::INTERNAL, "it was given up, because the daemon ends")
}

fn not_kept(error: &io::Error) -> Fault {
    Fault::new(Code::INTERNAL, format!("whom to trust cannot be written down: {error}"))
}
