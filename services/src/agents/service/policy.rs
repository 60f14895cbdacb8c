//! `policy.*`, served.

use std::path::{Path, PathBuf};

use serde_json::json;
use sixframe_core::{Code, Fault, Router};
use tokio::task::spawn_blocking;

use super::super::api::{
    Done, POLICY_EXPLAIN, POLICY_LIST, POLICY_REVOKE, PolicyExplainParams, PolicyExplained, PolicyListParams,
    PolicyRevokeParams, PolicyRules,
};
use super::super::event::Mode;
use super::super::policy::{Asked, NotKept};
use super::super::sessions::Agents;
use super::session;

pub(super) fn router(agents: &Agents) -> Router {
    let (list, explain, revoke) = (agents.clone(), agents.clone(), agents.clone());
    Router::new()
        .method(POLICY_LIST, move |_, params| listed(list.clone(), params))
        .method(POLICY_EXPLAIN, move |_, params| explained(explain.clone(), params))
        .method(POLICY_REVOKE, move |_, params| revoked(revoke.clone(), params))
}

async fn listed(agents: Agents, params: PolicyListParams) -> Result<PolicyRules, Fault> {
    let place = match params.session_id {
        Some(id) => {
            let cwd = session(&agents, &id)?.view().cwd;
            Some((id, PathBuf::from(cwd)))
        }
        None => None,
    };
    let rules =
        spawn_blocking(move || agents.policy().list(place.as_ref().map(|(id, cwd)| (id.as_str(), cwd.as_path()))));
    Ok(PolicyRules { rules: rules.await.map_err(|_| ended())? })
}

async fn explained(agents: Agents, params: PolicyExplainParams) -> Result<PolicyExplained, Fault> {
    let PolicyExplainParams { session_id, cwd, action, command, paths, input } = params;
    let (folder, mode) = match (&session_id, &cwd) {
        (Some(id), None) => {
            let view = session(&agents, id)?.view();
            (PathBuf::from(view.cwd), view.mode)
        }
        (None, Some(cwd)) => (agents.folder(cwd)?, Mode::Auto),
        (Some(_), Some(_)) | (None, None) => {
            let message = "name a session or a folder, and not both";
            return Err(Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "sessionId"})));
        }
    };
    let ruling = spawn_blocking(move || {
        let asked = Asked { command: command.as_deref(), paths: &paths, input: input.as_ref() };
        let folder: &Path = &folder;
        agents.policy().rule(action, &asked, &agents.ground(folder), mode, session_id.as_deref())
    });
    let ruling = ruling.await.map_err(|_| ended())?;
    Ok(PolicyExplained { effect: ruling.effect, rule: ruling.rule, risk: ruling.risk, hits: ruling.hits })
}

async fn revoked(agents: Agents, params: PolicyRevokeParams) -> Result<Done, Fault> {
    let id = params.id.clone();
    let revoked = spawn_blocking(move || agents.policy().revoke(&params.id)).await.map_err(|_| ended())?;
    match revoked? {
        true => Ok(Done { ok: true }),
        false => {
            let message = "no person has made a rule with this id; policy.list names those there are";
            Err(Fault::new(Code::NOT_FOUND, message).details(json!({"id": id})))
        }
    }
}

fn ended() -> Fault {
    Fault::new(Code::INTERNAL, "it was given up, because the daemon ends")
}

impl From<NotKept> for Fault {
    fn from(error: NotKept) -> Fault {
        Fault::new(Code::INTERNAL, error.to_string())
    }
}
