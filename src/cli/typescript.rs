//! `sixframe types`.

use anyhow::Error;
use sixframe_core::DISCOVER;

use super::args::TypesArgs;
use super::failure::Failure;
use super::peer::Peer;
use super::print;
use crate::typescript;

/// Prints a TypeScript module with the types of what the peer can do.
pub(super) async fn run(args: &TypesArgs) -> Result<(), Error> {
    let peer = Peer::connect(&args.peer).await?;
    let document = peer.endpoint.request(&DISCOVER, ()).await.map_err(Failure::Call);
    peer.close().await;
    let document = document?;
    let mut module = typescript::module(&document)?;
    if args.validators {
        module += &typescript::schemas(&document)?;
    }
    Ok(print(&module)?)
}
