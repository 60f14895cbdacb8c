//! Items both ways over one call, and a server that calls its caller back.
//!
//!     cargo run --example duplex

#![allow(clippy::print_stdout, reason = "an example prints what it shows")]

use anyhow::Result;
use futures_util::StreamExt;
use sixframe::transports::memory;
use sixframe::{Context, DuplexMethod, Fault, Method, Router, UploadMethod, Upstream, connect};

const SUM: UploadMethod<(), i64, i64> = UploadMethod::new("demo.sum").doc("Adds up what is sent.");
const SHOUT: DuplexMethod<(), String, String> = DuplexMethod::new("demo.shout").doc("Answers each line, louder.");
const GREET: Method<(), String> = Method::new("demo.greet").doc("Greets its caller, whose name it asks for.");
const NAME: Method<(), String> = Method::new("demo.name").doc("Tells who calls.");

fn server() -> Router {
    Router::new()
        .upload(SUM, |_, (), mut numbers: Upstream<i64>| async move {
            let mut sum = 0;
            while let Some(number) = numbers.next().await {
                sum += number?;
            }
            Ok::<_, Fault>(sum)
        })
        .duplex(SHOUT, |_, (), lines: Upstream<String>| {
            StreamExt::map(lines, |line| line.map(|line| line.to_uppercase()))
        })
        .method(GREET, |context: Context, ()| async move {
            let name = context.peer().request(&NAME, ()).await?;
            Ok::<_, Fault>(format!("hello, {name}"))
        })
}

#[tokio::main]
async fn main() -> Result<()> {
    let (ours, theirs) = memory::pair(Default::default());
    let (_server, serving) = connect(theirs, server());
    let (client, calling) = connect(ours, Router::new().function(NAME, |_, ()| Ok::<_, Fault>("Ada".to_owned())));
    tokio::spawn(serving);
    tokio::spawn(calling);

    let mut sum = client.upload(&SUM, ());
    for number in 1..=100 {
        sum.send(&number).await?;
    }
    println!("the sum of 1 to 100 is {}", sum.finish().await?);

    let (mut lines, mut answers) = client.duplex(&SHOUT, ());
    for line in ["six frames", "any transport"] {
        lines.send(&line.to_owned()).await?;
        if let Some(answer) = answers.next().await {
            println!("{line:?} came back as {:?}", answer?.data);
        }
    }
    lines.finish();
    println!("after the last line the answers end: {}", answers.next().await.is_none());

    println!("{}", client.request(&GREET, ()).await?);
    Ok(())
}
