//! Who may call what: the peer's scopes against those that methods ask for.

use std::sync::Arc;

use serde_json::json;

use crate::{Code, Fault, Reply, Request, Scope, Scopes, Service};

/// Refuses requests for which the peer lacks the method's scope; methods that the router does not know need
/// [`Scope::Call`].
///
/// The answer is `FORBIDDEN`, naming the scope in `details.scope`; `UNAUTHORIZED` for a peer that has no scope at all. A
/// service behind it never sees a refused request.
pub fn authorize() -> impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service> {
    |next| Arc::new(move |request: Request| refusal(&request).map_or_else(|| next.call(request), Reply::fault))
}

fn refusal(request: &Request) -> Option<Fault> {
    let scopes = request.context.identity().scopes;
    let needed = request.info().map_or(Scope::Call, |info| info.scope);
    if scopes.contains(needed) {
        return None;
    }
    if scopes == Scopes::NONE {
        return Some(Fault::new(Code::UNAUTHORIZED, "the connection grants nothing; connect with a token"));
    }
    let name = json!(needed);
    let why = request.context.identity().restrained.map(|why| format!(", because {why}")).unwrap_or_default();
    let message = format!("{} needs the scope {name}; the connection grants {scopes:?}{why}", request.method);
    Some(Fault::new(Code::FORBIDDEN, message).details(json!({"scope": name})))
}
