//! Middleware is a function from a service to a service: here one of our own that counts, and one of the engine's that
//! refuses who lacks a scope.
//!
//!     cargo run --example middleware

#![allow(clippy::print_stdout, reason = "an example prints what it shows")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use sixframe::transports::memory;
use sixframe::{
    Config, Fault, Identity, Method, Request, Router, Scope, Scopes, Service, connect, connect_with, layers,
};

const READ: Method<(), u32> = Method::new("demo.read").doc("Looks.").scope(Scope::Read);
const WRITE: Method<u32, ()> = Method::new("demo.write").doc("Changes something.").scope(Scope::Call);

type Counts = Arc<Mutex<BTreeMap<String, u32>>>;

/// Counts requests by method.
fn counted(counts: Counts) -> impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service> {
    |next| {
        Arc::new(move |request: Request| {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(request.method.to_string()).or_default() += 1;
            drop(counts);
            next.call(request)
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let counts = Counts::default();
    // The layer that is added last sees a request first.
    let router = Router::new()
        .function(READ, |_, ()| Ok::<_, Fault>(42))
        .function(WRITE, |_, _: u32| Ok::<_, Fault>(()))
        .layer(counted(Arc::clone(&counts)))
        .layer(layers::authorize());

    let (ours, theirs) = memory::pair(Default::default());
    let reader = Identity { scopes: Scopes::NONE.with(Scope::Read), ..Identity::default() };
    let (_server, serving) = connect_with(Config { identity: reader, ..Config::default() }, theirs, router);
    let (client, calling) = connect(ours, Router::new());
    tokio::spawn(serving);
    tokio::spawn(calling);

    println!("demo.read answers {}", client.request(&READ, ()).await?);
    let refused = client.request(&WRITE, 1).await.expect_err("a reader may not write");
    println!("demo.write fails with {refused}");
    println!("requests that came through: {:?}", counts.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(())
}
