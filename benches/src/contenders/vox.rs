//! vox over a unix socket: typed calls in its own binary encoding, streams as channels with credit.

use anyhow::{Context, Result};
use facet::Facet;
use futures_util::stream::{self, Stream};
use tokio::net::UnixListener;
use vox::Attachment;
use vox::transport::tcp::StreamLink;

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Listener, Peer, Wire};
use crate::workload::Workload;

/// The record in the form that the library encodes.
#[derive(Clone, Facet)]
struct Record {
    id: u64,
    name: String,
    email: String,
    active: bool,
    tags: Vec<String>,
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

#[vox::service]
trait Echo {
    async fn echo(&self, record: Record) -> Record;
    async fn echo_all(&self, records: Vec<Record>) -> Vec<Record>;
    async fn pass(&self, payload: String) -> String;
    async fn items(&self, count: u64, items: vox::Tx<Record>);
}

#[derive(Clone)]
struct Service;

impl Echo for Service {
    async fn echo(&self, record: Record) -> Record {
        record
    }

    async fn echo_all(&self, records: Vec<Record>) -> Vec<Record> {
        records
    }

    async fn pass(&self, payload: String) -> String {
        payload
    }

    async fn items(&self, count: u64, items: vox::Tx<Record>) {
        for id in 0..count {
            if items.send(User::sample(id).into()).await.is_err() {
                break;
            }
        }
    }
}

struct Incoming(UnixListener);

impl vox::VoxListener for Incoming {
    type Link = StreamLink<tokio::net::unix::OwnedReadHalf, tokio::net::unix::OwnedWriteHalf>;

    async fn accept(&mut self) -> std::io::Result<Attachment<Self::Link>> {
        Ok(Attachment::initiator(StreamLink::unix(self.0.accept().await?.0)))
    }
}

pub struct Vox(EchoClient);

impl Peer for Vox {
    const NAME: &'static str = "vox";
    const ABOUT: &'static str = "vox, a release candidate, with its binary encoding";
    const WIRE: Wire = Wire::Unix;
    const WORKLOADS: &'static [Workload] = &Workload::ALL;

    async fn serve(listener: Listener, _: Option<Address>) -> Result<()> {
        Ok(vox::serve_listener(Incoming(listener.unix()?), EchoDispatcher::new(Service)).await?)
    }

    async fn connect(address: &Address) -> Result<Self> {
        let url = format!("local://{}", address.path()?.display());
        Ok(Self(vox::connect_lane::<EchoClient>(url).establish().await?))
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        Ok(match load {
            Load::One(user) => Answer::One(self.0.echo(user.clone().into()).await?.into()),
            Load::Many(users) => {
                let records = users.iter().cloned().map(Record::from).collect();
                Answer::Many(self.0.echo_all(records).await?.into_iter().map(User::from).collect())
            }
            Load::Opaque(value) => Answer::Opaque(self.0.pass(value.get().to_owned()).await?),
        })
    }

    async fn items(&self, count: u64) -> Result<impl Stream<Item = Result<User>> + Unpin> {
        let (producer, consumer) = vox::channel();
        let client = self.0.clone();
        tokio::spawn(async move { client.items(count, producer).await });
        Ok(Box::pin(stream::try_unfold(consumer, async |mut consumer| {
            let Some(item) = consumer.recv().await.context("the channel broke")? else { return Ok(None) };
            let mut user = None;
            item.map(|record: Record| user = Some(User::from(record)));
            Ok(user.map(|user| (user, consumer)))
        })))
    }
}
