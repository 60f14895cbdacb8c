//! `sixframe stream`.

use anyhow::Error;
use serde_json::json;
use serde_json::value::RawValue;
use sixframe_core::{CallOptions, Item, Items, Payload};

use super::args::StreamArgs;
use super::failure::Failure;
use super::peer::{Peer, line, payload};
use super::signals::Signals;
use super::{print, reader};

/// Opens a stream and prints its items, one a line. ^C cancels it.
pub(super) async fn run(args: &StreamArgs) -> Result<(), Error> {
    let payload = payload(&args.request)?;
    let peer = match args.no_reconnect {
        true => Peer::connect(&args.peer).await?,
        false => Peer::reconnecting(&args.peer).await?,
    };
    // Only the peer knows whether losing the stream stops something; such a one is never issued again.
    let resumable = peer.described(&args.request.method).await["x-resumable"].as_bool();
    let options = CallOptions { resumable, window: Some(args.credit.get()), ..CallOptions::default() };
    // Before the first item is seen: whoever sees it may send one.
    let mut signals = Signals::new()?;
    let items = peer.endpoint.with(options).forward_stream(&args.request.method, payload);
    let result = tokio::select! {
        result = show(items, args) => result,
        () = reader::gone() => Ok(()),
        signal = signals.asked() => Err(Failure::Signalled(signal).into()),
    };
    peer.close().await;
    result
}

async fn show(mut items: Items<Payload>, args: &StreamArgs) -> Result<(), Error> {
    let mut left = args.take.map(std::num::NonZeroU32::get);
    while left != Some(0) {
        let Some(item) = items.next().await else { break };
        let item = item.map_err(Failure::Call)?;
        if args.full {
            print(&full(&item)?)?;
        } else if !print_data(&item)? {
            continue;
        }
        left = left.map(|left| left - 1);
    }
    Ok(())
}

/// Prints the value alone, and says on stderr what it does not tell; false where there is no value.
fn print_data(item: &Item<Payload>) -> Result<bool, Error> {
    if item.skipped > 0 {
        eprintln!("sixframe: {} items were dropped here", item.skipped);
    }
    if item.reset {
        eprintln!("sixframe: the source starts over here");
    }
    let is_empty = item.reset && item.data == Payload::NULL;
    if !is_empty {
        print(&(line(&item.data) + "\n"))?;
    }
    Ok(!is_empty)
}

fn full(item: &Item<Payload>) -> Result<String, Error> {
    let data = RawValue::from_string(line(&item.data))?;
    let mut told = json!({"pos": item.pos, "reset": item.reset, "skipped": item.skipped}).to_string();
    let epoch = json!(item.epoch.as_deref());
    told.truncate(told.len() - 1);
    Ok(format!("{told},\"epoch\":{epoch},\"data\":{data}}}\n"))
}
