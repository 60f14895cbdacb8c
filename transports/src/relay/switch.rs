//! The relay's state: windows, forwarded calls, what waits for whom. Messages go in and come out, and the time is an
//! argument. It rewrites ids and decides who gets what; it knows no transport, no task and no clock.

mod bounds;
mod ends;
mod queues;

use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::Value;
use sixframe_core::frame::{self, Envelope, Frame, Kind, Malformed, MalformedReason, Req};
use sixframe_core::session::Millis;
use sixframe_core::{Code, Fault, Limits, Message, Welcome, WelcomeLimits};
use smol_str::{SmolStr, ToSmolStr};

use super::call::{Call, Way};
use super::upstream::Upstream;
use super::window::Window;
use super::{RelayConfig, RelayLoad, WindowId};

/// Numbers the forwarded calls; none is used twice.
pub(super) type CallId = u64;

/// Names an attached window; none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct WindowKey(u32);

/// One of the relay's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Port {
    Upstream,
    Window(WindowKey),
}

/// What passes through a relay, if both ends have it.
const CAPABILITIES: [&str; 5] = ["fc", "ahead", "up", "resume", "lane"];

const HELLO: &str = "rpc.hello";

/// What the upstream is asked for a window's `rpc.hello`, of which nothing is passed on: the session that it names is one of
/// many behind this connection (spec: `relay.9`).
fn question() -> Envelope<'static> {
    let text = br#"{"kind":"req","cid":"","method":"rpc.hello"}"#;
    Envelope::open(text, 1).expect("the question is a frame")
}

#[derive(Debug)]
pub(super) struct Switch {
    config: RelayConfig,
    /// Begins the ids of this relay's calls.
    prefix: SmolStr,
    calls: HashMap<CallId, Call>,
    next_call: CallId,
    windows: HashMap<WindowKey, Window>,
    next_window: u32,
    /// The present window of each sender.
    senders: HashMap<String, WindowKey>,
    upstream: Upstream,
    /// Bytes that wait for windows.
    down_bytes: usize,
    /// Bytes that the budget was told of.
    settled: usize,
    /// How many upstream connections there were: the epoch that windows are told.
    connections: u64,
    /// Windows for whom much waits, to be looked at.
    pressed: Vec<WindowKey>,
    /// Connections that have something to write, or were ended.
    woken: Vec<Port>,
    dropped: u64,
}

impl Switch {
    pub(super) fn new(config: RelayConfig) -> Switch {
        let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(6).collect();
        Switch {
            config,
            prefix: format!("{random}.").into(),
            calls: HashMap::new(),
            next_call: 0,
            windows: HashMap::new(),
            next_window: 0,
            senders: HashMap::new(),
            upstream: Upstream::default(),
            down_bytes: 0,
            settled: 0,
            connections: 0,
            pressed: Vec::new(),
            woken: Vec::new(),
            dropped: 0,
        }
    }

    /// Lets a window in. An earlier one of the same sender is fenced: its calls are cancelled, and nothing of it is heard
    /// or answered any more (spec: `identity.3`).
    pub(super) fn attach(&mut self, id: WindowId) -> WindowKey {
        if let Some(old) = self.senders.get(&id.sender_id).copied() {
            self.detach(old);
        }
        let key = WindowKey(self.next_window);
        self.next_window += 1;
        self.senders.insert(id.sender_id.clone(), key);
        self.windows.insert(key, Window::new(id));
        key
    }

    pub(super) fn is_attached(&self, key: WindowKey) -> bool {
        self.windows.contains_key(&key)
    }

    /// Takes in a message of one of the connections.
    pub(super) fn receive(&mut self, now: Millis, port: Port, message: &Message) {
        let limits = &self.config.limits;
        let opened = if message.len() > limits.message_bytes {
            Err(frame::peek_oversized(message))
        } else if self.config.trusted && port == Port::Upstream {
            Envelope::open_trusted(message, limits.depth)
        } else {
            Envelope::open(message, limits.depth)
        };
        match opened {
            Ok(envelope) => self.pass(now, port, &envelope),
            Err(malformed) => self.receive_malformed(now, port, &malformed),
        }
    }

    /// Takes in a message that is no frame.
    pub(super) fn receive_malformed(&mut self, now: Millis, port: Port, malformed: &Malformed) {
        let fault = malformed.reason.fault(&self.config.limits);
        match (malformed.kind, malformed.cid.as_deref()) {
            (Some(Kind::Req), Some(cid)) => match self.made_by(port, cid) {
                Some(id) => self.abort(id, &fault),
                None => self.refuse(port, cid, &fault),
            },
            (Some(Kind::Res | Kind::Err | Kind::Nxt | Kind::End), Some(cid)) if !malformed.up => {
                if let Some(id) = self.answered_by(port, cid) {
                    self.abort(id, &fault);
                }
            }
            _ if malformed.reason == MalformedReason::Oversized => self.fail(port, &fault.message),
            _ => (),
        }
        self.count_malformed(port);
        self.keep_bounds(now);
    }

    /// The next message for a connection. What is returned counts as handed over.
    pub(super) fn poll_message(&mut self, now: Millis, port: Port) -> Option<Message> {
        let message = match port {
            Port::Upstream => self.pop_upstream(),
            Port::Window(key) => self.pop_window(key),
        }?;
        self.made_progress(now, port);
        Some(message)
    }

    /// The connections that have something to write, or were ended, since this was last asked.
    pub(super) fn take_woken(&mut self) -> std::vec::Drain<'_, Port> {
        self.woken.drain(..)
    }

    pub(super) fn has_woken(&self) -> bool {
        !self.woken.is_empty()
    }

    pub(super) fn load(&self) -> RelayLoad {
        RelayLoad {
            windows: self.windows.len(),
            calls: self.calls.len(),
            queued_bytes: self.down_bytes + self.upstream.bytes,
            dropped: self.dropped,
        }
    }

    fn pass(&mut self, now: Millis, port: Port, envelope: &Envelope<'_>) {
        let known = match envelope.frame() {
            Frame::Req(req) => self.on_req(now, port, envelope, req),
            Frame::Can { cid, .. } => self.on_can(port, cid, envelope),
            Frame::Nxt(nxt) if nxt.up => self.on_caller_frame(port, &nxt.cid, envelope, nxt.data.is_none()),
            Frame::End { cid, up: true } => self.on_caller_frame(port, cid, envelope, false),
            Frame::Nxt(nxt) => self.on_item(port, &nxt.cid, envelope, nxt.data.is_none()),
            Frame::Res { cid, .. } | Frame::Err { cid, .. } | Frame::End { cid, up: false } => {
                self.on_terminal(port, cid, envelope)
            }
            Frame::Unknown => false,
        };
        self.dropped += u64::from(!known);
        if !self.pressed.is_empty() || self.upstream.is_pressed(&self.config.limits) {
            self.keep_bounds(now);
        }
    }

    fn on_req(&mut self, now: Millis, port: Port, envelope: &Envelope<'_>, req: &Req<'_>) -> bool {
        if let Port::Window(key) = port
            && !self.is_attached(key)
        {
            return false;
        }
        if let Some(id) = self.made_by(port, &req.cid) {
            let message = "the cid is in use by a live request, which ends with this";
            self.abort(id, &Fault::new(Code::DUPLICATE_CID, message));
            return true;
        }
        match self.route(now, port, req) {
            Ok(Route::Own(answer)) => self.send_own(port, answer),
            Ok(Route::On(window, way)) => self.forward(window, way, envelope, req),
            Err(fault) => self.refuse(port, &req.cid, &fault),
        }
        true
    }

    /// Where a request goes, if it may.
    fn route(&mut self, now: Millis, port: Port, req: &Req<'_>) -> Result<Route, Fault> {
        let to = match port {
            Port::Upstream => addressee(req)?,
            Port::Window(_) => None,
        };
        if to.is_none()
            && let Some(answer) = self.own_answer(port, req)
        {
            return Ok(Route::Own(answer));
        }
        let (key, way) = match port {
            Port::Upstream => (self.find(to)?, Way::Down),
            Port::Window(key) => (key, Way::Up),
        };
        self.admit(now, key, way)?;
        Ok(Route::On(key, way))
    }

    /// The answers that the relay gives itself (spec: `relay.5`).
    fn own_answer(&self, port: Port, req: &Req<'_>) -> Option<Message> {
        match (&*req.method, port) {
            ("rpc.ping", Port::Upstream | Port::Window(_)) => {
                Some(frame::res(&req.cid, req.payload.unwrap_or("null").as_bytes()))
            }
            // Each window answers for itself, where `meta.to` names it.
            (HELLO, Port::Upstream) => Some(frame::res(&req.cid, &self.welcome(Vec::new()))),
            (_, Port::Upstream | Port::Window(_)) => None,
        }
    }

    /// What a window is told for what the upstream said of itself; `None` for a failure that the window is to see.
    fn introduce(&self, cid: &str, said: &Frame<'_>) -> Option<Message> {
        #[derive(Deserialize)]
        struct Said {
            capabilities: Vec<String>,
        }
        let mut capabilities = match said {
            Frame::Res { result, .. } => {
                serde_json::from_str(result).map_or(Vec::new(), |said: Said| said.capabilities)
            }
            // It speaks the base profile.
            Frame::Err { fault, .. } if fault.code == Code::NO_HANDLER => Vec::new(),
            _ => return None,
        };
        capabilities.retain(|capability| CAPABILITIES.contains(&&**capability));
        Some(frame::res(cid, &self.welcome(capabilities)))
    }

    fn welcome(&self, capabilities: Vec<String>) -> Vec<u8> {
        let id = self.prefix.trim_end_matches('.');
        let epoch = format!("{id}.{}", self.connections);
        let welcome = Welcome {
            versions: frame::VERSIONS.map(str::to_owned).to_vec(),
            capabilities,
            limits: WelcomeLimits::from(&self.config.limits),
            server_id: id.to_owned(),
            methods_hash: String::new(),
            // Another connection may lead to another server, with another state.
            epoch,
        };
        serde_json::to_vec(&welcome).expect("the welcome can be written")
    }

    /// The window that the upstream means (spec: `identity.4`).
    fn find(&self, to: Option<Addressee>) -> Result<WindowKey, Fault> {
        let Some(to) = to else {
            return Err(Fault::new(Code::NOT_FOUND, "the request names no window; add meta.to with a senderId"));
        };
        let key = self.senders.get(&to.sender_id).copied();
        let meant = |key: &WindowKey| {
            let window = self.windows.get(key);
            window.is_some_and(|window| to.doc.as_ref().is_none_or(|doc| *doc == window.id.doc))
        };
        key.filter(meant).ok_or_else(|| Fault::new(Code::NOT_FOUND, "the window that meta.to names is not there"))
    }

    fn admit(&mut self, now: Millis, key: WindowKey, way: Way) -> Result<(), Fault> {
        let limits: &Limits = &self.config.limits;
        let Some(window) = self.windows.get_mut(&key) else {
            return Err(Fault::new(Code::NOT_FOUND, "the window is gone"));
        };
        let outlet = window.outlet(way);
        if outlet.in_flight >= limits.in_flight {
            return Err(Fault::limit("calls in flight", u64::from(limits.in_flight), "limits.in_flight"));
        }
        if outlet.bytes > limits.soft_bytes {
            return Err(Fault::limit("queued bytes", limits.soft_bytes as u64, "limits.soft_bytes"));
        }
        if let Some(budget) = &self.config.budget
            && outlet.bytes > budget.share_of(limits.soft_bytes)
        {
            return Err(Fault::limit("process bytes", budget.limit() as u64, "limits.process_bytes"));
        }
        match limits.requests_per_second {
            Some(limit) if way == Way::Up => window.admit_rate(now, limit),
            Some(_) | None => Ok(()),
        }
    }

    fn forward(&mut self, key: WindowKey, way: Way, envelope: &Envelope<'_>, req: &Req<'_>) {
        let id = self.next_call;
        let text = self.text_of(id);
        let Some(window) = self.windows.get_mut(&key) else { return };
        self.next_call += 1;
        let cid = SmolStr::new(&req.cid);
        let introduces = way == Way::Up && req.method == HELLO;
        let message = match way {
            Way::Up if introduces => question().stamp(&text, &window.stamp),
            Way::Up => envelope.stamp(&text, &window.stamp),
            Way::Down => envelope.readdress(&text),
        };
        match way {
            Way::Up => window.cids.insert(cid.clone(), id),
            Way::Down => self.upstream.cids.insert(cid.clone(), id),
        };
        window.outlet(way).in_flight += 1;
        let mut call = Call::new(key, way, cid, req.meta.fc.is_some());
        call.introduces = introduces;
        self.calls.insert(id, call);
        self.queue(id, way, message);
    }

    fn on_can(&mut self, port: Port, cid: &str, envelope: &Envelope<'_>) -> bool {
        let Some(id) = self.made_by(port, cid) else { return false };
        let cancel = envelope.readdress(&self.text_of(id));
        self.end(id, &Fault::new(Code::CANCELLED, "the caller cancelled"), cancel);
        true
    }

    /// Items and grants of a caller.
    fn on_caller_frame(&mut self, port: Port, cid: &str, envelope: &Envelope<'_>, grants: bool) -> bool {
        let Some(id) = self.made_by(port, cid) else { return false };
        let text = self.text_of(id);
        let Some(call) = self.calls.get(&id).filter(|call| !call.finished) else { return false };
        self.send(id, call.way, envelope.readdress(&text), grants && call.sent);
        true
    }

    /// Items and grants of a responder.
    fn on_item(&mut self, port: Port, cid: &str, envelope: &Envelope<'_>, grants: bool) -> bool {
        let Some(id) = self.answered_by(port, cid) else { return false };
        let Some(call) = self.calls.get_mut(&id) else { return false };
        call.streams |= !grants;
        let (way, message) = (call.way.back(), envelope.readdress(&call.cid));
        self.send(id, way, message, grants);
        true
    }

    fn on_terminal(&mut self, port: Port, cid: &str, envelope: &Envelope<'_>) -> bool {
        let Some(id) = self.answered_by(port, cid) else { return false };
        let Some(call) = self.calls.get(&id) else { return false };
        let own = if call.introduces { self.introduce(&call.cid, envelope.frame()) } else { None };
        let terminal = own.unwrap_or_else(|| envelope.readdress(&call.cid));
        self.finish(id, terminal);
        true
    }

    /// The call that this connection made under `cid`.
    fn made_by(&self, port: Port, cid: &str) -> Option<CallId> {
        match port {
            Port::Upstream => self.upstream.cids.get(cid).copied(),
            Port::Window(key) => self.windows.get(&key)?.cids.get(cid).copied(),
        }
    }

    /// The unfinished call that this connection was given as `cid`. Nobody answers a call that was not forwarded to him.
    fn answered_by(&self, port: Port, cid: &str) -> Option<CallId> {
        let id = cid.strip_prefix(&*self.prefix)?.parse().ok()?;
        let call = self.calls.get(&id).filter(|call| !call.finished && call.sent)?;
        let responder = match call.way {
            Way::Up => Port::Upstream,
            Way::Down => Port::Window(call.window),
        };
        (responder == port).then_some(id)
    }

    fn text_of(&self, id: CallId) -> SmolStr {
        let mut text = [0u8; 32];
        let start = self.prefix.len();
        text[..start].copy_from_slice(self.prefix.as_bytes());
        let digits = id.checked_ilog10().unwrap_or(0) as usize + 1;
        let mut rest = id;
        for at in (start..start + digits).rev() {
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        std::str::from_utf8(&text[..start + digits]).expect("an id is made of ASCII").to_smolstr()
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if let Some(budget) = &self.config.budget {
            budget.settle(self.settled, 0);
        }
    }
}

/// What becomes of a request.
enum Route {
    Own(Message),
    On(WindowKey, Way),
}

/// Whom the upstream means by `meta.to`.
struct Addressee {
    sender_id: String,
    doc: Option<String>,
}

fn addressee(req: &Req<'_>) -> Result<Option<Addressee>, Fault> {
    #[derive(Deserialize)]
    struct Meta {
        to: Option<To>,
    }
    #[derive(Deserialize)]
    struct To {
        #[serde(rename = "senderId")]
        sender_id: Value,
        doc: Option<Value>,
    }
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let wrong = || Fault::new(Code::INVALID_FRAME, "meta.to is no {senderId, doc}");
    let Some(raw) = req.meta.raw else { return Ok(None) };
    let meta: Meta = serde_json::from_str(raw).map_err(|_| wrong())?;
    let Some(to) = meta.to else { return Ok(None) };
    let sender_id = text(to.sender_id).ok_or_else(wrong)?;
    let doc = to.doc.map(|doc| text(doc).ok_or_else(wrong)).transpose()?;
    Ok(Some(Addressee { sender_id, doc }))
}

/// What a consumer is told that takes too little.
fn slow(limit: &'static str, value: usize, setting: &'static str) -> Fault {
    Fault { code: Code::SLOW_CONSUMER.into(), ..Fault::limit(limit, value as u64, setting) }
}
