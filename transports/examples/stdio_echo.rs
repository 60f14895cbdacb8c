//! Serves its parent over stdio: sends every message back. What the tests of `child` and `stdio` start.
//!
//! `{"quit":…}` ends the service, `{"print":…}` prints to stdout beside the stream, `{"fail":…}` exits with status 3
//! after a word on stderr.

use anyhow::Result;
use futures_util::{SinkExt, StreamExt};
use sixframe_transports::{Framing, stdio};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let framing = match std::env::args().nth(1).as_deref() {
        Some("content-length") => Framing::ContentLength,
        Some("native-messaging") => Framing::NativeMessaging,
        _ => Framing::Ndjson,
    };
    let (mut parent, _) = stdio::open(framing, 64 << 20)?;
    while let Some(message) = parent.next().await {
        let message = message?;
        if message.starts_with(b"{\"quit\"") {
            break;
        }
        if message.starts_with(b"{\"print\"") {
            print_beside_the_stream();
        }
        if message.starts_with(b"{\"fail\"") {
            eprintln!("out of cheese");
            std::process::exit(3);
        }
        parent.send(message).await?;
    }
    parent.close().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the stray print is what the test is about")]
fn print_beside_the_stream() {
    println!("a stray print");
}
