//! tarpc over a unix socket, with its JSON and its bincode format, driven as its example shows.

use anyhow::Result;
use futures_util::future::ready;
use futures_util::stream::{Stream, StreamExt};
use tarpc::context::{self, Context};
use tarpc::serde_transport::unix;
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::{Bincode, Json};
use tarpc::{ClientMessage, Response, Transport, client};

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Socket, Wire};
use crate::workload::Workload;

#[tarpc::service]
pub trait Echo {
    async fn echo(user: User) -> User;
    async fn echo_all(users: Vec<User>) -> Vec<User>;
    async fn pass(payload: String) -> String;
}

#[derive(Clone)]
struct Server;

impl Echo for Server {
    async fn echo(self, _: Context, user: User) -> User {
        user
    }

    async fn echo_all(self, _: Context, users: Vec<User>) -> Vec<User> {
        users
    }

    async fn pass(self, _: Context, payload: String) -> String {
        payload
    }
}

pub struct Tarpc<const BINCODE: bool>(EchoClient);

impl<const BINCODE: bool> Peer for Tarpc<BINCODE> {
    const NAME: &'static str = if BINCODE { "tarpc-bincode" } else { "tarpc-json" };
    const ABOUT: &'static str =
        if BINCODE { "tarpc with its bincode format; it has no streams" } else { "tarpc with its JSON format" };
    const WIRE: Wire = Wire::Unix;
    const WORKLOADS: &'static [Workload] = &[
        Workload::PingPong,
        Workload::Pipelined,
        Workload::Crowd,
        Workload::PipelinedOpaque,
        Workload::Kib16,
        Workload::Kib16Opaque,
        Workload::Mib1,
        Workload::Mib1Opaque,
        Workload::Idle,
        Workload::ColdStart,
    ];

    async fn serve(socket: Socket, _: Option<Address>) -> Result<()> {
        let listener = socket.unix()?;
        if BINCODE {
            accept(unix::listen_on(listener, Bincode::default).await?).await;
        } else {
            accept(unix::listen_on(listener, Json::default).await?).await;
        }
        Ok(())
    }

    async fn connect(address: &Address) -> Result<Self> {
        let (path, config) = (address.path()?, client::Config::default());
        Ok(Self(if BINCODE {
            EchoClient::new(config, unix::connect(path, Bincode::default).await?).spawn()
        } else {
            EchoClient::new(config, unix::connect(path, Json::default).await?).spawn()
        }))
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        let context = context::current();
        Ok(match load {
            Load::One(user) => Answer::One(self.0.echo(context, user.clone()).await?),
            Load::Many(users) => Answer::Many(self.0.echo_all(context, users.to_vec()).await?),
            Load::Opaque(value) => Answer::Opaque(self.0.pass(context, value.get().to_owned()).await?),
        })
    }
}

async fn accept<T>(incoming: impl Stream<Item = std::io::Result<T>>)
where
    T: Transport<Response<EchoResponse>, ClientMessage<EchoRequest>> + Send + 'static,
{
    let connections = incoming.filter_map(async |accepted| accepted.ok());
    connections
        .for_each(|transport| {
            let requests = BaseChannel::with_defaults(transport).execute(Server.serve());
            tokio::spawn(requests.for_each(|request| {
                tokio::spawn(request);
                ready(())
            }));
            ready(())
        })
        .await;
}
