//! `sixframe call`.

use std::time::Duration;

use anyhow::Error;
use sixframe_core::{CallOptions, Timeout};

use super::args::CallArgs;
use super::failure::Failure;
use super::peer::{Peer, line, payload};
use super::print;
use super::signals::Signals;

/// Calls a method and prints its result. ^C cancels the call.
pub(super) async fn run(args: &CallArgs) -> Result<(), Error> {
    let payload = payload(&args.request)?;
    let peer = Peer::connect(&args.peer).await?;
    let timeout = match args.timeout_ms {
        0 => Timeout::Never,
        millis => Timeout::After(Duration::from_millis(millis)),
    };
    let endpoint = peer.endpoint.with(CallOptions { timeout, ..CallOptions::default() });
    let mut signals = Signals::new()?;
    let call = endpoint.forward(&args.request.method, payload);
    let answer = tokio::select! {
        answer = call => answer.map_err(Failure::Call),
        signal = signals.asked() => Err(Failure::Signalled(signal)),
    };
    peer.close().await;
    Ok(print(&(line(&answer?) + "\n"))?)
}
