//! The router: methods by name, the layers around them, and the methods of the `rpc.` namespace. It knows nothing of
//! connections; one router serves any number of them.

use std::future::Future;
use std::sync::Arc;

use futures_core::Stream;
use futures_util::StreamExt;
use hashbrown::HashMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use smol_str::SmolStr;

use crate::discovery::{self, Discovery};
use crate::endpoint::Upstream;
use crate::item::Item;
use crate::method::{
    DuplexMethod, Method, MethodInfo, Schemas, StreamMethod, UploadMethod, read_schema, written_schema,
};
use crate::service::{Reply, Request, Service};
use crate::{Code, Context, Fault, Payload};

/// A method as it is registered.
pub(crate) struct Entry {
    pub(crate) info: MethodInfo,
    pub(crate) schemas: Option<Schemas>,
    handler: Handler,
}

/// A handler, its types erased.
pub(crate) type Handler = Box<dyn Fn(Request) -> Reply + Send + Sync>;

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.info.fmt(f)
    }
}

type Layer = Box<dyn FnOnce(Arc<dyn Service>) -> Arc<dyn Service>>;

/// Builds a service from handlers. Registering a name twice replaces the first; `rpc.hello`, `rpc.discover` and
/// `rpc.ping` are there from the start.
#[derive(Default)]
pub struct Router {
    entries: HashMap<SmolStr, Arc<Entry>>,
    layers: Vec<Layer>,
    fallback: Option<Arc<dyn Service>>,
    server_id: Option<String>,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

impl Router {
    /// A router without methods of its own.
    pub fn new() -> Router {
        Router::default()
    }

    /// A handler that returns a future. Dropped when the caller cancels, when its time runs out, and at the
    /// connection's end.
    #[must_use]
    pub fn method<P, R, F, Fut, E>(self, method: Method<P, R>, handler: F) -> Router
    where
        P: DeserializeOwned + JsonSchema + 'static,
        R: Serialize + JsonSchema + 'static,
        F: Fn(Context, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        E: Into<Fault> + 'static,
    {
        let handler = move |request: Request| match request.payload.parse::<P>() {
            Ok(params) => {
                let answer = handler(request.context, params);
                Reply::Future(Box::pin(async move { encode(answer.await) }))
            }
            Err(unfit) => Reply::fault(unfit),
        };
        self.insert(*method.info(), Some(schemas::<P, R>()), handler)
    }

    /// A handler that has its answer at once.
    #[must_use]
    pub fn function<P, R, F, E>(self, method: Method<P, R>, handler: F) -> Router
    where
        P: DeserializeOwned + JsonSchema + 'static,
        R: Serialize + JsonSchema + 'static,
        F: Fn(Context, P) -> Result<R, E> + Send + Sync + 'static,
        E: Into<Fault> + 'static,
    {
        let handler = move |request: Request| match request.payload.parse::<P>() {
            Ok(params) => Reply::Ready(encode(handler(request.context, params))),
            Err(unfit) => Reply::fault(unfit),
        };
        self.insert(*method.info(), Some(schemas::<P, R>()), handler)
    }

    /// A handler that blocks its thread, which runs on tokio's threads for that. It cannot be dropped while it runs: a
    /// cancelled one ends when it looks at [`Context::is_cancelled`], or by itself, and its answer is discarded.
    #[must_use]
    pub fn blocking<P, R, F, E>(self, method: Method<P, R>, handler: F) -> Router
    where
        P: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema + 'static,
        F: Fn(Context, P) -> Result<R, E> + Send + Sync + 'static,
        E: Into<Fault> + 'static,
    {
        let handler = Arc::new(handler);
        let handler = move |request: Request| match request.payload.parse::<P>() {
            Ok(params) => {
                let (handler, context) = (handler.clone(), request.context);
                let running = tokio::task::spawn_blocking(move || encode(handler(context, params)));
                Reply::Future(Box::pin(async move {
                    match running.await {
                        Ok(answer) => answer,
                        Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
                        Err(_) => Err(Fault::new(Code::INTERNAL, "the runtime is shutting down")),
                    }
                }))
            }
            Err(unfit) => Reply::fault(unfit),
        };
        self.insert(*method.info(), Some(schemas::<P, R>()), handler)
    }

    /// A handler that returns a stream, whose items are values or [`Item`]s. The stream is polled while the consumer has
    /// credit, as the lag policy says, and dropped when nobody wants it any more.
    #[must_use]
    pub fn stream<P, T, F, S, I, E>(self, method: StreamMethod<P, T>, handler: F) -> Router
    where
        P: DeserializeOwned + JsonSchema + 'static,
        T: Serialize + JsonSchema + 'static,
        F: Fn(Context, P) -> S + Send + Sync + 'static,
        S: Stream<Item = Result<I, E>> + Send + 'static,
        I: Into<Item<T>> + 'static,
        E: Into<Fault> + 'static,
    {
        let delivery = method.info().delivery();
        let handler = move |request: Request| match request.payload.parse::<P>() {
            Ok(params) => Reply::Stream(delivery, Box::pin(handler(request.context, params).map(encode_item))),
            Err(unfit) => Reply::fault(unfit),
        };
        self.insert(*method.info(), Some(schemas::<P, T>()), handler)
    }

    /// As [`Router::stream`], for items that are JSON text already, of which one may go to many consumers. That they have
    /// the shape that the method promises is the handler's to keep.
    #[must_use]
    pub fn written<P, T, F, S, E>(self, method: StreamMethod<P, T>, handler: F) -> Router
    where
        P: DeserializeOwned + JsonSchema + 'static,
        T: JsonSchema + 'static,
        F: Fn(Context, P) -> S + Send + Sync + 'static,
        S: Stream<Item = Result<Item<Payload>, E>> + Send + 'static,
        E: Into<Fault> + 'static,
    {
        let delivery = method.info().delivery();
        let handler = move |request: Request| match request.payload.parse::<P>() {
            Ok(params) => {
                let items = handler(request.context, params);
                Reply::Stream(delivery, Box::pin(items.map(|item| item.map_err(Into::into))))
            }
            Err(unfit) => Reply::fault(unfit),
        };
        self.insert(*method.info(), Some(schemas::<P, T>()), handler)
    }

    /// A handler that takes items from the caller and answers once.
    #[must_use]
    pub fn upload<P, U, R, F, Fut, E>(self, method: UploadMethod<P, U, R>, handler: F) -> Router
    where
        P: DeserializeOwned + JsonSchema + 'static,
        U: DeserializeOwned + JsonSchema + 'static,
        R: Serialize + JsonSchema + 'static,
        F: Fn(Context, P, Upstream<U>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        E: Into<Fault> + 'static,
    {
        let handler = move |request: Request| match with_upstream::<P, U>(&request) {
            Ok((params, upstream)) => {
                let answer = handler(request.context, params, upstream);
                Reply::Future(Box::pin(async move { encode(answer.await) }))
            }
            Err(fault) => Reply::fault(fault),
        };
        let schemas = Schemas { upstream: Some(read_schema::<U>), ..schemas::<P, R>() };
        self.insert(*method.info(), Some(schemas), handler)
    }

    /// A handler that takes items from the caller and returns a stream.
    #[must_use]
    pub fn duplex<P, U, T, F, S, I, E>(self, method: DuplexMethod<P, U, T>, handler: F) -> Router
    where
        P: DeserializeOwned + JsonSchema + 'static,
        U: DeserializeOwned + JsonSchema + 'static,
        T: Serialize + JsonSchema + 'static,
        F: Fn(Context, P, Upstream<U>) -> S + Send + Sync + 'static,
        S: Stream<Item = Result<I, E>> + Send + 'static,
        I: Into<Item<T>> + 'static,
        E: Into<Fault> + 'static,
    {
        let delivery = method.info().delivery();
        let handler = move |request: Request| match with_upstream::<P, U>(&request) {
            Ok((params, upstream)) => {
                Reply::Stream(delivery, Box::pin(handler(request.context, params, upstream).map(encode_item)))
            }
            Err(fault) => Reply::fault(fault),
        };
        let schemas = Schemas { upstream: Some(read_schema::<U>), ..schemas::<P, T>() };
        self.insert(*method.info(), Some(schemas), handler)
    }

    /// A handler of raw JSON: the payload is not parsed, and what it replies is sent as it is.
    #[must_use]
    pub fn raw<F>(self, info: MethodInfo, handler: F) -> Router
    where
        F: Fn(Request) -> Reply + Send + Sync + 'static,
    {
        self.insert(info, None, handler)
    }

    /// What answers the methods that nobody registered; `NO_HANDLER` where there is none.
    #[must_use]
    pub fn fallback(mut self, service: impl Service) -> Router {
        self.fallback = Some(Arc::new(service));
        self
    }

    /// Wraps everything registered so far and later. The layer added last sees a request first.
    #[must_use]
    pub fn layer<F, S>(mut self, layer: F) -> Router
    where
        F: FnOnce(Arc<dyn Service>) -> S + 'static,
        S: Service,
    {
        self.layers.push(Box::new(move |next| Arc::new(layer(next))));
        self
    }

    /// What `rpc.hello` tells as `serverId`: the same whenever this server is started, and no other server's. A number of the
    /// process where none is given. It names and proves nothing: whoever may call can read it.
    #[must_use]
    pub fn server_id(mut self, id: impl Into<String>) -> Router {
        self.server_id = Some(id.into());
        self
    }

    /// Adds the methods of `other`, without its layers.
    #[must_use]
    pub fn merge(mut self, other: Router) -> Router {
        self.entries.extend(other.entries);
        self.fallback = other.fallback.or(self.fallback);
        self.server_id = other.server_id.or(self.server_id);
        self
    }

    /// The finished service, to be shared by any number of connections.
    pub fn into_service(mut self) -> Arc<dyn Service> {
        let described = self.entries.values().map(|entry| (entry.info, entry.schemas));
        let discovery = Arc::new(Discovery::new(described.collect(), self.server_id.take()));
        for (info, handler) in discovery::handlers(discovery) {
            self = self.insert(info, None, handler);
        }
        let fallback = self.fallback;
        let dispatch: Arc<dyn Service> = Arc::new(move |request: Request| dispatch(request, fallback.as_ref()));
        let layered = !self.layers.is_empty();
        let chain = self.layers.into_iter().fold(dispatch, |next, layer| layer(next));
        Arc::new(RouterService { entries: self.entries, chain, layered })
    }

    fn insert(
        mut self,
        info: MethodInfo,
        schemas: Option<Schemas>,
        handler: impl Fn(Request) -> Reply + Send + Sync + 'static,
    ) -> Router {
        let entry = Entry { info, schemas, handler: Box::new(handler) };
        self.entries.insert(SmolStr::new_static(info.name), Arc::new(entry));
        self
    }
}

impl From<Router> for Arc<dyn Service> {
    fn from(router: Router) -> Self {
        router.into_service()
    }
}

struct RouterService {
    entries: HashMap<SmolStr, Arc<Entry>>,
    chain: Arc<dyn Service>,
    layered: bool,
}

impl Service for RouterService {
    fn call(&self, mut request: Request) -> Reply {
        match self.entries.get(&request.method) {
            Some(entry) if request.context.sends_items() && !entry.info.shape.has_up() => {
                Reply::fault(Fault::new(Code::UNSUPPORTED, "the method takes no upstream items; call it without"))
            }
            Some(entry) if !self.layered => (entry.handler)(request),
            Some(entry) => {
                request.entry = Some(entry.clone());
                self.chain.call(request)
            }
            None => self.chain.call(request),
        }
    }
}

fn dispatch(mut request: Request, fallback: Option<&Arc<dyn Service>>) -> Reply {
    match (request.entry.take(), fallback) {
        (Some(entry), _) => (entry.handler)(request),
        (None, Some(fallback)) => fallback.call(request),
        (None, None) => {
            let details = serde_json::json!({"method": request.method.as_str()});
            let message = format!("no handler for {}; rpc.discover lists the methods", request.method);
            Reply::fault(Fault::new(Code::NO_HANDLER, message).details(details))
        }
    }
}

fn schemas<P: JsonSchema, R: JsonSchema>() -> Schemas {
    Schemas { params: read_schema::<P>, result: written_schema::<R>, upstream: None }
}

fn with_upstream<P: DeserializeOwned, U>(request: &Request) -> Result<(P, Upstream<U>), Fault> {
    let params = request.payload.parse()?;
    let upstream = request.context.upstream()?;
    Ok((params, upstream))
}

fn encode<R: Serialize, E: Into<Fault>>(answer: Result<R, E>) -> Result<Payload, Fault> {
    Payload::of(&answer.map_err(Into::into)?).map_err(unwritable)
}

fn encode_item<T: Serialize, I: Into<Item<T>>, E: Into<Fault>>(item: Result<I, E>) -> Result<Item<Payload>, Fault> {
    let item: Item<T> = item.map_err(Into::into)?.into();
    let data = Payload::of(&item.data).map_err(unwritable)?;
    Ok(item.map(|_| data))
}

fn unwritable(error: serde_json::Error) -> Fault {
    tracing::error!(%error, "a handler's answer cannot be written as JSON");
    Fault::new(Code::INTERNAL, "the answer cannot be written as JSON")
}
