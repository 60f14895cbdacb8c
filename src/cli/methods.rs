//! `sixframe methods`.

use anyhow::Error;
use serde_json::Value;
use sixframe_core::DISCOVER;

use super::args::MethodsArgs;
use super::failure::Failure;
use super::peer::Peer;
use super::print;

/// Prints what the peer can do.
pub(super) async fn run(args: &MethodsArgs) -> Result<(), Error> {
    let peer = Peer::connect(&args.peer).await?;
    let document = peer.endpoint.request(&DISCOVER, ()).await.map_err(Failure::Call);
    peer.close().await;
    let document = document?;
    let text = if args.json { format!("{document}\n") } else { table(&document) };
    Ok(print(&text)?)
}

fn table(document: &Value) -> String {
    let methods = document["methods"].as_array().map(Vec::as_slice).unwrap_or_default();
    let columns = |method: &Value| {
        let word = |key: &str| method[key].as_str().unwrap_or("-").to_owned();
        let resumable = method["x-resumable"] == true;
        let shape = word("x-shape") + if resumable { ", resumable" } else { "" };
        [word("name"), shape, word("x-scope"), word("summary")]
    };
    let rows: Vec<[String; 4]> = methods.iter().map(columns).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name, shape, scope) = (width(0), width(1), width(2));
    let line = |row: &[String; 4]| format!("{:name$}  {:shape$}  {:scope$}  {}\n", row[0], row[1], row[2], row[3]);
    rows.iter().map(line).collect()
}
