//! The slice `windows` of the hub: what is connected now, for everyone to see, and the events `window.opened` and
//! `window.closed` beside it. Knows nothing of how connections are made.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};
use sixframe_core::{Context, HELLO, Hello, Identity, Reply, Request, Service};
use sixframe_hub::{CommitError, Hub, Json, OutboundChannel, Slice, SliceConfig, SliceError, Version};

/// The connections as the hub shows them: `{<number>: {transport, since, address?, session?, name?}}`.
pub(super) struct Windows {
    shown: Slice<Json>,
    events: OutboundChannel,
}

impl Windows {
    /// None yet; nobody else may write the slice from now on.
    pub(super) fn new(hub: &Hub, events: OutboundChannel) -> Result<Windows, SliceError> {
        let shown = hub.own(SliceConfig::new("windows", Json::object()).volatile())?;
        Ok(Windows { shown, events })
    }

    /// A connection is there. `since` is in milliseconds since 1970.
    pub(super) fn opened(&self, number: u64, identity: &Identity) {
        let since =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let mut window = json!({"transport": identity.transport, "since": since});
        if let Some(address) = &identity.address {
            window["address"] = address.as_str().into();
        }
        told(self.shown.commit(|write| write.set(&format!("/{number}"), &window)));
        self.tell("window.opened", json!({"window": number.to_string(), "transport": identity.transport}));
    }

    /// A connection is gone.
    pub(super) fn closed(&self, number: u64) {
        told(self.shown.commit(|write| write.remove(&format!("/{number}"))));
        self.tell("window.closed", json!({"window": number.to_string()}));
    }

    fn tell(&self, event: &str, payload: Value) {
        if let Err(error) = self.events.emit(event, payload) {
            tracing::warn!(%error, event, "nobody is told");
        }
    }

    /// `service` for one connection, which is shown with what `rpc.hello` said of it.
    pub(super) fn introducing(windows: &Arc<Windows>, number: u64, service: Arc<dyn Service>) -> Arc<dyn Service> {
        let windows = Arc::clone(windows);
        Arc::new(move |request: Request| {
            if request.method != HELLO.info().name {
                return service.call(request);
            }
            let (hello, context) = (request.payload.parse::<Hello>(), request.context.clone());
            let reply = service.call(request);
            if let (Ok(hello), Reply::Ready(Ok(_))) = (hello, &reply) {
                windows.introduced(number, &hello, &context);
            }
            reply
        })
    }

    /// A session is shown by the id of its owner: its name is the caller's secret.
    fn introduced(&self, number: u64, hello: &Hello, context: &Context) {
        let mut said = serde_json::Map::<String, Value>::new();
        if hello.session.as_ref().is_some_and(|session| !session.is_empty()) {
            said.insert("session".to_owned(), context.owner().id().into());
        }
        if let Some(name) = &hello.name {
            said.insert("name".to_owned(), name.as_str().into());
        }
        told(self.shown.commit(|write| write.merge(&format!("/{number}"), said)));
    }
}

fn told(committed: Result<Version, CommitError>) {
    if let Err(error) = committed {
        tracing::warn!(%error, "the hub does not show a connection");
    }
}
