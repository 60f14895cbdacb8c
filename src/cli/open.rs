//! `sixframe open`.
//!
//! A browser is given a file to open, not the link: the arguments of a program are there for every user of the machine to
//! read, and the file is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Error};
use tokio::process::Command;

use super::args::{ConfigArgs, OpenArgs, PeerArgs};
use super::config::loaded;
use super::failure::Failure;
use super::peer::Peer;
use super::print;
use crate::config::Config;
use crate::methods::api::{CONSOLE_TICKET, ConsoleTicket};
use crate::private_file;

/// A program that has not failed by then shows the page.
const STARTING: Duration = Duration::from_secs(2);

/// Opens the console in a browser, or prints the link to it.
pub(super) async fn run(args: &OpenArgs) -> Result<(), Error> {
    let config = loaded(&ConfigArgs::default(), None)?.config;
    let address = args.address.clone().map_or_else(|| nearest(&config), Ok)?;
    let peer = Peer::connect(&PeerArgs { address, reach: args.reach.clone() }).await?;
    let ticket = peer.endpoint.request(&CONSOLE_TICKET, ()).await.map_err(Failure::Call);
    peer.close().await;
    let link = link(&ticket?);
    if args.print {
        return Ok(print(&(link + "\n"))?);
    }
    let page = leading_page(&config, &link)?;
    show(&page).await
}

/// The address of the daemon that this configuration makes.
pub(super) fn nearest(config: &Config) -> Result<String, Failure> {
    let addresses: Vec<String> = config.addresses().into_iter().flatten().map(|address| address.to_string()).collect();
    let local = addresses.iter().find(|address| !address.starts_with("ws:")).or(addresses.first());
    local.cloned().ok_or_else(|| Failure::Usage("name the daemon's address".to_owned()))
}

fn link(ticket: &ConsoleTicket) -> String {
    format!("{}#ticket={}", ticket.url, ticket.ticket)
}

/// Writes a page that leads to `link`, for this user alone to read.
fn leading_page(config: &Config, link: &str) -> Result<PathBuf, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/.#=-_[]".contains(&byte);
    if !link.starts_with("http://") || !link.bytes().all(plain) {
        return Err(Failure::Usage("the daemon gave a link that is none".to_owned()).into());
    }
    let page = config.runtime_dir.join("open.html");
    let write = || {
        private_file::make_folder(&page)?;
        match fs::remove_file(&page) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        private_file::write(&page, &leading_html(link))
    };
    write().with_context(|| format!("cannot write {}", page.display()))?;
    Ok(page)
}

fn leading_html(link: &str) -> String {
    format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta http-equiv=\"refresh\" content=\"0;url={link}\"><title>Sixframe</title>\n"
    )
}

/// Starts what opens pages here.
async fn show(page: &Path) -> Result<(), Error> {
    for opener in open::commands(page) {
        let mut command = Command::from(opener);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else { continue };
        match tokio::time::timeout(STARTING, child.wait()).await {
            Ok(Ok(status)) if !status.success() => {}
            Ok(_) | Err(_) => return Ok(()),
        }
    }
    Err(Failure::NoBrowser.into())
}
