//! The rows of the table. A contender is one file that implements [`Peer`](crate::peer::Peer), and one line here.

#[cfg(feature = "peers")]
mod async_lsp;
mod floor;
#[cfg(feature = "peers")]
mod jsonrpsee;
mod raw;
mod relay;
#[cfg(feature = "peers")]
mod rmcp;
mod sixframe;
#[cfg(feature = "peers")]
mod tarpc;
#[cfg(feature = "peers")]
mod tonic;
#[cfg(feature = "peers")]
mod tungstenite;

use anyhow::{Result, bail};

use crate::peer::Contender;

/// The contender to which every ratio refers.
pub const BASELINE: &str = <floor::Floor as crate::peer::Peer>::NAME;

pub const ALL: &[Contender] = &[
    Contender::of::<raw::Raw>(),
    Contender::of::<floor::Floor>(),
    Contender::of::<sixframe::Sixframe<false, false>>(),
    Contender::of::<sixframe::Sixframe<false, true>>(),
    Contender::of::<relay::SixframeRelay>(),
    Contender::of::<sixframe::Sixframe<true, false>>(),
    #[cfg(feature = "peers")]
    Contender::of::<tarpc::Tarpc<false>>(),
    #[cfg(feature = "peers")]
    Contender::of::<tarpc::Tarpc<true>>(),
    #[cfg(feature = "peers")]
    Contender::of::<tonic::Tonic>(),
    #[cfg(feature = "peers")]
    Contender::of::<async_lsp::AsyncLsp>(),
    #[cfg(feature = "peers")]
    Contender::of::<rmcp::Rmcp>(),
    #[cfg(feature = "peers")]
    Contender::of::<tungstenite::Tungstenite<false>>(),
    #[cfg(feature = "peers")]
    Contender::of::<tungstenite::Tungstenite<true>>(),
    #[cfg(feature = "peers")]
    Contender::of::<jsonrpsee::Jsonrpsee>(),
];

pub fn find(name: &str) -> Result<&'static Contender> {
    match ALL.iter().find(|contender| contender.name == name) {
        Some(contender) => Ok(contender),
        None => bail!("no contender {name:?}: write one of {}", names().join(", ")),
    }
}

pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|contender| contender.name).collect()
}
