//! The smallest whole: a server that answers and a client that calls it.
//!
//!     cargo run --example echo

#![allow(clippy::print_stdout, reason = "an example prints what it shows")]

use anyhow::Result;
use serde_json::{Value, json};
use sixframe::transports::memory;
use sixframe::{CallError, Code, Fault, Method, Router, connect};

const ECHO: Method<Value, Value> = Method::new("demo.echo").doc("Answers with what it is given.").idempotent();
const DIVIDE: Method<(i64, i64), i64> = Method::new("demo.divide").doc("Divides one number by another.");

fn router() -> Router {
    Router::new().method(ECHO, |_, value: Value| async move { Ok::<_, Fault>(value) }).function(
        DIVIDE,
        |_, (dividend, divisor): (i64, i64)| {
            dividend.checked_div(divisor).ok_or_else(|| Fault::new("NO_QUOTIENT", "the divisor is zero").domain("demo"))
        },
    )
}

#[tokio::main]
async fn main() -> Result<()> {
    let (ours, theirs) = memory::pair(Default::default());
    let (_server, serving) = connect(theirs, router());
    let (client, calling) = connect(ours, Router::new());
    tokio::spawn(serving);
    tokio::spawn(calling);

    let echoed = client.request(&ECHO, json!({"hello": "world"})).await?;
    println!("demo.echo answers {echoed}");

    println!("demo.divide answers {}", client.request(&DIVIDE, (84, 2)).await?);
    match client.request(&DIVIDE, (1, 0)).await {
        Err(CallError::Fault(fault)) => println!("demo.divide fails with {fault}"),
        other => anyhow::bail!("expected a fault, not {other:?}"),
    }

    let unknown = client.request_raw::<_, Value>("demo.unknown", ()).await.expect_err("nobody answers to this name");
    anyhow::ensure!(unknown.code() == Code::NO_HANDLER);
    println!("demo.unknown fails with {unknown}");
    Ok(())
}
