//! The rows of the table. A contender is one file that implements [`Peer`](crate::peer::Peer), and one line here.

mod async_lsp;
mod floor;
mod jsonrpsee;
mod raw;
mod relay;
mod rmcp;
mod sixframe;
mod tarpc;
mod tonic;
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
    Contender::of::<tarpc::Tarpc<false>>(),
    Contender::of::<tarpc::Tarpc<true>>(),
    Contender::of::<tonic::Tonic>(),
    Contender::of::<async_lsp::AsyncLsp>(),
    Contender::of::<rmcp::Rmcp>(),
    Contender::of::<tungstenite::Tungstenite<false>>(),
    Contender::of::<tungstenite::Tungstenite<true>>(),
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
