//! tonic (gRPC, protobuf) over a unix socket. Messages, service and client are written out: they are what its generator
//! makes of a `.proto` file, without the compiler for it.

use std::convert::Infallible;
use std::task::{Context, Poll};

use anyhow::Result;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream, StreamExt};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::http::{self, Uri};
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, client, server};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Socket, Wire};
use crate::workload::Workload;

#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    email: String,
    #[prost(bool, tag = "4")]
    active: bool,
    #[prost(string, repeated, tag = "5")]
    tags: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Records {
    #[prost(message, repeated, tag = "1")]
    records: Vec<Record>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Opaque {
    #[prost(string, tag = "1")]
    json: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Count {
    #[prost(uint64, tag = "1")]
    count: u64,
}

impl From<User> for Record {
    fn from(User { id, name, email, active, tags }: User) -> Self {
        Self { id, name, email, active, tags }
    }
}

impl From<Record> for User {
    fn from(Record { id, name, email, active, tags }: Record) -> Self {
        Self { id, name, email, active, tags }
    }
}

pub struct Tonic(client::Grpc<Channel>);

impl Peer for Tonic {
    const NAME: &'static str = "tonic";
    const ABOUT: &'static str = "tonic, gRPC with protobuf instead of JSON";
    const WIRE: Wire = Wire::Unix;
    const WORKLOADS: &'static [Workload] = &Workload::ALL;

    async fn serve(socket: Socket, _: Option<Address>) -> Result<()> {
        let incoming = UnixListenerStream::new(socket.unix()?);
        Ok(Server::builder().add_service(Echo).serve_with_incoming(incoming).await?)
    }

    async fn connect(address: &Address) -> Result<Self> {
        let path = address.path()?.to_owned();
        let connector = service_fn(move |_: Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        Ok(Self(client::Grpc::new(Endpoint::from_static("http://socket").connect_with_connector(connector).await?)))
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        Ok(match load {
            Load::One(user) => {
                let record: Record = self.unary("/bench.Echo/Echo", Record::from(user.clone())).await?;
                Answer::One(record.into())
            }
            Load::Many(users) => {
                let records = Records { records: users.iter().cloned().map(Record::from).collect() };
                let answer: Records = self.unary("/bench.Echo/EchoAll", records).await?;
                Answer::Many(answer.records.into_iter().map(User::from).collect())
            }
            Load::Opaque(value) => {
                let answer: Opaque = self.unary("/bench.Echo/Pass", Opaque { json: value.get().into() }).await?;
                Answer::Opaque(answer.json)
            }
        })
    }

    async fn items(&self, count: u64) -> Result<impl Stream<Item = Result<User>> + Unpin> {
        let mut grpc = self.0.clone();
        grpc.ready().await?;
        let path = PathAndQuery::from_static("/bench.Echo/Items");
        let codec = ProstCodec::<Count, Record>::default();
        let items = grpc.server_streaming(Request::new(Count { count }), path, codec).await?.into_inner();
        Ok(items.map(|item| Ok(item?.into())))
    }
}

impl Tonic {
    async fn unary<M, R>(&self, path: &'static str, message: M) -> Result<R>
    where
        M: prost::Message + 'static,
        R: prost::Message + Default + 'static,
    {
        let mut grpc = self.0.clone();
        grpc.ready().await?;
        let codec = ProstCodec::<M, R>::default();
        Ok(grpc.unary(Request::new(message), PathAndQuery::from_static(path), codec).await?.into_inner())
    }
}

#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl Service<http::Request<tonic::body::Body>> for Echo {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        match request.uri().path() {
            "/bench.Echo/Echo" => Box::pin(echo::<Record>(request)),
            "/bench.Echo/EchoAll" => Box::pin(echo::<Records>(request)),
            "/bench.Echo/Pass" => Box::pin(echo::<Opaque>(request)),
            "/bench.Echo/Items" => Box::pin(items(request)),
            _ => Box::pin(async { Ok(Status::unimplemented("no such method").into_http()) }),
        }
    }
}

type Answered = Result<http::Response<tonic::body::Body>, Infallible>;

async fn echo<M: prost::Message + Default + 'static>(request: http::Request<tonic::body::Body>) -> Answered {
    let same = service_fn(|request: Request<M>| async { Ok::<_, Status>(Response::new(request.into_inner())) });
    Ok(server::Grpc::new(ProstCodec::<M, M>::default()).unary(same, request).await)
}

async fn items(request: http::Request<tonic::body::Body>) -> Answered {
    let produce = service_fn(|request: Request<Count>| async move {
        let records = (0..request.into_inner().count).map(|id| Ok::<_, Status>(Record::from(User::sample(id))));
        Ok::<_, Status>(Response::new(stream::iter(records)))
    });
    Ok(server::Grpc::new(ProstCodec::<Record, Count>::default()).server_streaming(produce, request).await)
}
