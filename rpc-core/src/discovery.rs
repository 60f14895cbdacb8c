//! The methods that every router has: `rpc.hello` and `rpc.discover`, and `rpc.ping`, which the session answers.

use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::frame::VERSIONS;
use crate::method::{Method, MethodInfo, Schemas, read_schema, written_schema};
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

/// `rpc.ping`: answered by the session itself (spec: `discover.5`).
pub const PING: Method<Value, Value> = Method::new("rpc.ping")
    .doc("Answers with what it was given, before anything that waits.")
    .scope(Scope::Read)
    .idempotent();

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
    /// The names of the capabilities: `fc`, `ahead`, `up`, `resume`, `lane`.
    pub capabilities: Vec<String>,
    /// The limits of the connection.
    pub limits: WelcomeLimits,
    /// Who the server is. Of one that keeps its name, as the daemon does with its state, the same after a restart; of others
    /// the same until they restart. A name and no proof.
    pub server_id: String,
    /// The life of the server's process: another one means that everything known of it is void.
    pub epoch: String,
    /// Changes when a method or a type of one does; words about them do not count. Empty, and left out, where the methods
    /// are another one's: of a relay.
    #[serde(default, skip_serializing_if = "String::is_empty")]
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
pub(crate) const CAPABILITIES: [&str; 5] = ["fc", "ahead", "up", "resume", "lane"];

/// What a router knows of its methods.
pub(crate) struct Discovery {
    methods: Vec<(MethodInfo, Option<Schemas>)>,
    described: OnceLock<Described>,
    server_id: Option<String>,
}

/// The methods as they are told of, made when somebody asks first.
struct Described {
    document: Payload,
    hash: String,
}

impl Discovery {
    /// `server_id` is the process's own where it is none.
    pub(crate) fn new(mut methods: Vec<(MethodInfo, Option<Schemas>)>, server_id: Option<String>) -> Discovery {
        let own = |info, params, result| (info, Some(Schemas { params, result, upstream: None }));
        methods.push(own(*HELLO.info(), read_schema::<Hello>, written_schema::<Welcome>));
        methods.push(own(*DISCOVER.info(), read_schema::<()>, written_schema::<Value>));
        methods.push(own(*PING.info(), read_schema::<Value>, written_schema::<Value>));
        methods.sort_by_key(|(info, _)| info.name);
        Discovery { methods, described: OnceLock::new(), server_id }
    }

    fn described(&self) -> &Described {
        self.described.get_or_init(|| {
            let methods: Vec<Value> = self.methods.iter().map(|(info, schemas)| describe(info, schemas)).collect();
            let hash = hash(&methods);
            let info = json!({"title": "Sixframe", "version": env!("CARGO_PKG_VERSION")});
            let document = json!({"openrpc": "1.3.2", "info": info, "methods": methods, "x-methodsHash": hash});
            Described { document: Payload::of(&document).expect("a JSON value can be written"), hash }
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
            server_id: self.server_id.as_deref().unwrap_or(process).to_owned(),
            epoch: process.to_owned(),
            methods_hash: self.described().hash.clone(),
        };
        Ok(Payload::of(&welcome).expect("the welcome can be written"))
    }
}

/// The handlers of the two methods.
pub(crate) fn handlers(discovery: Arc<Discovery>) -> [(MethodInfo, Handler); 2] {
    let hello = discovery.clone();
    [
        (*HELLO.info(), Box::new(move |request| Reply::Ready(hello.hello(&request)))),
        (*DISCOVER.info(), Box::new(move |_| Reply::Ready(Ok(discovery.described().document.clone())))),
    ]
}

/// An id made when the process first needs one.
fn process_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| format!("{:016x}", fastrand::u64(..)))
}

/// A number that two descriptions share if, and but for chance only if, they differ in nothing but words. The same on every
/// machine and in every version of the compiler.
fn hash(methods: &[Value]) -> String {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    methods.iter().for_each(|method| hasher.value(method));
    format!("{:016x}", hasher.0)
}

/// FNV-1a over JSON values: keys in their order; words for people, and who may call, are left out.
struct Fnv(u64);

impl Fnv {
    const LEFT_OUT: [&str; 4] = ["summary", "description", "title", "x-scope"];

    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.retain(|(key, value)| !(value.is_string() && Self::LEFT_OUT.contains(&key.as_str())));
                fields.sort_by_key(|(key, _)| *key);
                self.bytes(b"{");
                for (key, value) in fields {
                    self.bytes(key.as_bytes());
                    self.value(value);
                }
                self.bytes(b"}");
            }
            Value::Array(items) => {
                self.bytes(b"[");
                items.iter().for_each(|item| self.value(item));
                self.bytes(b"]");
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.bytes(value.to_string().as_bytes())
            }
        }
    }

    /// The text and its end.
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().copied().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_types_apart_and_not_words() {
        let method = |schema: Value| hash(&[json!({"name": "a.b", "result": {"schema": schema}})]);
        let first = method(json!({"type": "object", "description": "One.", "required": ["a", "b"]}));
        assert_eq!(
            first,
            method(json!({"required": ["a", "b"], "description": "Two.", "title": "T", "type": "object"}))
        );
        for other in [
            json!({"type": "object", "required": ["a"]}),
            json!({"type": "object", "required": ["ab"]}),
            json!({"type": "object", "required": ["b", "a"]}),
            json!({"type": "object", "required": ["a", "b"], "properties": {"title": {"type": "string"}}}),
            json!(true),
        ] {
            assert_ne!(first, method(other.clone()), "{other}");
        }
        assert_eq!(hash(&[]), "cbf29ce484222325");
    }

    #[test]
    fn every_method_of_the_protocol_is_described() {
        let discovery = Discovery::new(Vec::new(), None);
        let document: Value = serde_json::from_str(discovery.described().document.as_str()).unwrap();
        let names: Vec<&str> =
            document["methods"].as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect();
        assert_eq!(names, ["rpc.discover", "rpc.hello", "rpc.ping"]);
        assert_eq!(document["x-methodsHash"], discovery.described().hash);
    }
}
