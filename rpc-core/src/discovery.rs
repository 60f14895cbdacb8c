//! The methods that every router has: `rpc.hello` and `rpc.discover`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::frame::VERSIONS;
use crate::method::{Method, MethodInfo, Schemas};
use crate::router::Handler;
use crate::service::{Reply, Request};
use crate::session::Shape;
use crate::{Code, Fault, Limits, Payload, Scope};

/// `rpc.hello`: optional, and may be sent again. Names the session that work belongs to.
pub const HELLO: Method<Hello, Welcome> = Method::new("rpc.hello")
    .doc("Introduces the caller; answers with what the server can do.")
    .scope(Scope::Read)
    .idempotent();

/// `rpc.discover`: the methods, as an OpenRPC document.
pub const DISCOVER: Method<(), Value> =
    Method::new("rpc.discover").doc("Describes every method as an OpenRPC document.").scope(Scope::Read).idempotent();

/// What `rpc.hello` takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Hello {
    /// The session that owns the caller's work: a secret of the caller's own choosing, at most 128 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What the caller calls itself, for people: at most 128 bytes. Shown to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The names of the capabilities that the caller has.
    pub capabilities: Vec<String>,
}

/// What `rpc.hello` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// The versions of the protocol that are served.
    pub versions: Vec<String>,
    /// The names of the capabilities: `fc`, `up`, `resume`, `lane`.
    pub capabilities: Vec<String>,
    /// The limits of the connection.
    pub limits: WelcomeLimits,
    /// Who the server is: the same until it restarts.
    pub server_id: String,
    /// The life of the server's state: another one means that everything known of it is void.
    pub epoch: String,
    /// Changes when the methods do.
    pub methods_hash: String,
}

/// The limits that a caller may want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WelcomeLimits {
    /// The longest message, in bytes.
    pub message_bytes: usize,
    /// The deepest nesting.
    pub depth: u32,
    /// Requests that may be unanswered at once.
    pub in_flight: u32,
    /// Streams that may be open at once.
    pub streams: u32,
}

impl From<&Limits> for WelcomeLimits {
    fn from(limits: &Limits) -> Self {
        let Limits { message_bytes, depth, in_flight, streams, .. } = *limits;
        WelcomeLimits { message_bytes, depth, in_flight, streams }
    }
}

/// The capabilities of this engine.
pub(crate) const CAPABILITIES: [&str; 4] = ["fc", "up", "resume", "lane"];

/// What a router knows of its methods.
pub(crate) struct Discovery {
    methods: Vec<(MethodInfo, Option<Schemas>)>,
    hash: String,
    document: OnceLock<Payload>,
}

impl Discovery {
    pub(crate) fn new(mut methods: Vec<(MethodInfo, Option<Schemas>)>) -> Discovery {
        let params = || crate::method::schema::<Hello>();
        let own = |info, params, result| (info, Some(Schemas { params, result, upstream: None }));
        methods.push(own(*HELLO.info(), params, crate::method::schema::<Welcome>));
        methods.push(own(*DISCOVER.info(), crate::method::schema::<()>, crate::method::schema::<Value>));
        methods.sort_by_key(|(info, _)| info.name);
        let mut hasher = DefaultHasher::new();
        for (info, _) in &methods {
            (info.name, info.shape, info.idempotent, info.resumable).hash(&mut hasher);
        }
        Discovery { methods, hash: format!("{:016x}", hasher.finish()), document: OnceLock::new() }
    }

    fn document(&self) -> &Payload {
        self.document.get_or_init(|| {
            let methods: Vec<Value> = self.methods.iter().map(|(info, schemas)| describe(info, schemas)).collect();
            let info = json!({"title": "Sixframe", "version": env!("CARGO_PKG_VERSION")});
            let document = json!({"openrpc": "1.3.2", "info": info, "methods": methods, "x-methodsHash": self.hash});
            Payload::of(&document).expect("a JSON value can be written")
        })
    }

    fn hello(&self, request: &Request) -> Result<Payload, Fault> {
        let hello: Hello = request.payload.parse()?;
        let shared = &request.context.0.shared;
        if hello.name.as_deref().is_some_and(|name| name.len() > 128) {
            return Err(Fault::new(Code::INVALID_PAYLOAD, "name is longer than 128 bytes"));
        }
        if let Some(session) = hello.session.as_deref().filter(|name| !name.is_empty()) {
            if session.len() > 128 {
                return Err(Fault::new(Code::INVALID_PAYLOAD, "session is longer than 128 bytes"));
            }
            shared.claim_session(session);
        }
        let process = process_id();
        let welcome = Welcome {
            versions: VERSIONS.map(str::to_owned).to_vec(),
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
            limits: WelcomeLimits::from(shared.limits()),
            server_id: process.to_owned(),
            epoch: process.to_owned(),
            methods_hash: self.hash.clone(),
        };
        Ok(Payload::of(&welcome).expect("the welcome can be written"))
    }
}

/// The handlers of the two methods.
pub(crate) fn handlers(discovery: Arc<Discovery>) -> [(MethodInfo, Handler); 2] {
    let hello = discovery.clone();
    [
        (*HELLO.info(), Box::new(move |request| Reply::Ready(hello.hello(&request)))),
        (*DISCOVER.info(), Box::new(move |_| Reply::Ready(Ok(discovery.document().clone())))),
    ]
}

/// An id made when the process first needs one.
fn process_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| format!("{:016x}", fastrand::u64(..)))
}

fn describe(info: &MethodInfo, schemas: &Option<Schemas>) -> Value {
    let any = || Value::Bool(true);
    let schema = |make: Option<fn() -> schemars::Schema>| make.map_or_else(any, |make| make().to_value());
    let mut method = Map::new();
    method.insert("name".into(), info.name.into());
    if !info.doc.is_empty() {
        method.insert("summary".into(), info.doc.into());
    }
    method.insert("paramStructure".into(), "by-name".into());
    let params = json!({"name": "payload", "schema": schema(schemas.map(|schemas| schemas.params))});
    method.insert("params".into(), json!([params]));
    let result = json!({"name": "result", "schema": schema(schemas.map(|schemas| schemas.result))});
    method.insert("result".into(), result);
    method.insert("x-shape".into(), shape(info.shape).into());
    method.insert("x-scope".into(), serde_json::to_value(info.scope).unwrap_or_default());
    method.insert("x-idempotent".into(), info.idempotent.into());
    if info.shape.has_down() {
        method.insert("x-onLag".into(), serde_json::to_value(info.lag).unwrap_or_default());
        method.insert("x-resumable".into(), info.resumable.into());
    }
    if let Some(upstream) = schemas.and_then(|schemas| schemas.upstream) {
        method.insert("x-upstream".into(), upstream().to_value());
    }
    Value::Object(method)
}

fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Unary => "unary",
        Shape::Stream => "stream",
        Shape::Upload => "upload",
        Shape::Duplex => "duplex",
    }
}
