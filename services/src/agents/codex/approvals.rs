//! Codex's requests for leave that are neither about a command nor about files as its app-server tells of them today: more
//! rights, those of its older protocol, and those that are still to come.

use serde_json::{Value, json};

use super::super::permission::{Action, Ask};
use super::super::strange;

/// It asks for more than its sandbox allows, until the turn ends.
const RIGHTS: &str = "item/permissions/requestApproval";

/// The requests of its older protocol.
const OLD_COMMAND: &str = "execCommandApproval";
const OLD_CHANGE: &str = "applyPatchApproval";

/// The request as a person sees it; none where it is no request for leave.
pub(super) fn ask(key: &str, method: &str, params: &Value) -> Option<Ask> {
    let known = [RIGHTS, OLD_COMMAND, OLD_CHANGE].contains(&method);
    if !known && !strange::is_leave(method) {
        return None;
    }
    let ask = strange::ask(key, method, params, yes(method, params).is_some());
    Some(match method {
        OLD_COMMAND => known_as(ask, Action::Command, "run a command".to_owned(), params, Vec::new()),
        OLD_CHANGE => {
            let files = params["fileChanges"].as_object().into_iter().flatten();
            let paths: Vec<String> = files.map(|(path, _)| path.clone()).collect();
            // It may delete, move and ask for a whole folder beside; a person looks at all of it.
            known_as(ask, Action::Unknown, format!("change {}", paths.join(", ")), params, paths)
        }
        RIGHTS => known_as(ask, Action::Unknown, "more rights for this turn".to_owned(), params, Vec::new()),
        _ => ask,
    })
}

fn known_as(ask: Ask, action: Action, title: String, params: &Value, paths: Vec<String>) -> Ask {
    Ask { action, title, description: None, input: params.clone(), paths, ..ask }
}

/// The answer. What cannot be allowed is refused as a request that is not known.
pub(super) fn answer(message: &Value, is_allowed: bool) -> Value {
    let (method, params) = (message["method"].as_str().unwrap_or_default(), &message["params"]);
    let result = if is_allowed { yes(method, params) } else { no(method) };
    match result {
        Some(result) => json!({"id": message["id"], "result": result}),
        None => json!({"id": message["id"], "error": {"code": -32601, "message": "not supported"}}),
    }
}

fn yes(method: &str, params: &Value) -> Option<Value> {
    match method {
        RIGHTS => Some(json!({"permissions": params["permissions"], "scope": "turn"})),
        OLD_COMMAND | OLD_CHANGE => Some(json!({"decision": "approved"})),
        _ => method.ends_with("/requestApproval").then(|| json!({"decision": "accept"})),
    }
}

fn no(method: &str) -> Option<Value> {
    match method {
        RIGHTS => Some(json!({"permissions": {}, "scope": "turn"})),
        OLD_COMMAND | OLD_CHANGE => Some(json!({"decision": "denied"})),
        _ => method.ends_with("/requestApproval").then(|| json!({"decision": "decline"})),
    }
}

/// What Codex asks for a command beside itself, which a yes allows with it.
pub(super) fn more(params: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let of_the_request = [
        "threadId",
        "turnId",
        "itemId",
        "approvalId",
        "startedAtMs",
        "reason",
        "command",
        "cwd",
        "commandActions",
        "networkApprovalContext",
        "availableDecisions",
        "proposedExecpolicyAmendment",
        "proposedNetworkPolicyAmendments",
    ];
    let members = params.as_object().into_iter().flatten();
    members.filter(move |(name, value)| !value.is_null() && !of_the_request.contains(&name.as_str()))
}
