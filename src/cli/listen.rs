//! `sixframe listen`.

use anyhow::Error;
use serde_json::Value;
use sixframe_core::{Direction, Items};

use super::args::ListenArgs;
use super::failure::Failure;
use super::peer::Peer;
use super::signals::Signals;
use super::{print, reader};
use crate::methods::api::{RPC_TAP, TappedFrame};

/// Characters of a payload that people are shown.
const SHOWN: usize = 160;

/// Prints the frames of a daemon's other connections until ^C.
pub(super) async fn run(args: &ListenArgs) -> Result<(), Error> {
    let peer = Peer::connect(&args.peer).await?;
    // Before anything is said: whoever reads it may send one.
    let mut signals = Signals::new()?;
    let frames = peer.endpoint.stream(&RPC_TAP, ());
    eprintln!("sixframe: watching the frames of {}; ^C ends it", args.peer.address);
    let result = tokio::select! {
        result = show(frames, args.json) => result,
        () = reader::gone() => Ok(()),
        signal = signals.asked() => Err(Failure::Signalled(signal).into()),
    };
    peer.close().await;
    result
}

async fn show(mut frames: Items<TappedFrame>, json: bool) -> Result<(), Error> {
    while let Some(item) = frames.next().await {
        let item = item.map_err(Failure::Call)?;
        if item.skipped > 0 {
            eprintln!("sixframe: {} frames were dropped here", item.skipped);
        }
        let shown = if json { serde_json::to_string(&item.data)? } else { readable(&item.data) };
        print(&(shown + "\n"))?;
    }
    Ok(())
}

/// `12:34:56.789 #3 unix > req c5-1 fs.tail {"path":"log"}`.
fn readable(tapped: &TappedFrame) -> String {
    let arrow = match tapped.direction {
        Direction::Received => '>',
        Direction::Sent => '<',
    };
    let TappedFrame { connection, transport, frame, .. } = tapped;
    let word = |key: &str| frame[key].as_str().unwrap_or_default();
    let rest = ["payload", "result", "data", "message", "fc"].into_iter().find_map(|key| frame.get(key));
    let rest = rest.map(Value::to_string).unwrap_or_default();
    let shown: String = rest.chars().take(SHOWN).collect();
    let more = if shown.len() < rest.len() { "…" } else { "" };
    let words = [word("kind"), word("cid"), word("method"), word("code"), &shown];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    format!("{} #{connection} {transport} {arrow} {}{more}", clock(tapped.ts), words.join(" "))
}

/// The time of day, UTC.
fn clock(ts: u64) -> String {
    let (seconds, millis) = (ts / 1000, ts % 1000);
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_frame_is_one_readable_line() {
        let frame = json!({"kind": "req", "cid": "c1", "method": "fs.tail", "payload": {"path": "log"}});
        let (transport, direction) = ("unix".to_owned(), Direction::Received);
        let tapped = TappedFrame { connection: 3, transport, pid: None, direction, ts: 45_296_789, frame };
        assert_eq!(readable(&tapped), r#"12:34:56.789 #3 unix > req c1 fs.tail {"path":"log"}"#);
    }
}
