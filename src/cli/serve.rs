//! `sixframe serve` and `sixframe stdio`.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anyhow::{Error, bail};
use tokio::runtime::Runtime;

use super::args::{ConfigArgs, Framing, ServeArgs, StdioArgs};
use super::config::loaded;
use super::failure::Failure;
use super::print;
use crate::config::Loaded;
use crate::console::Entrance;
use crate::server::{self, Announcement, Stopped};

/// Time for blocking work that is under way when everything else has ended.
const BLOCKING: Duration = Duration::from_millis(200);

/// How long the link that is shown at the start lets in.
const INVITATION: Duration = Duration::from_secs(600);

/// Serves until a signal asks to stop.
pub(super) fn serve(args: &ServeArgs) -> Result<(), Error> {
    let config = begin(&args.settings)?.config;
    // Whoever started the daemon waits for this line: that it is gone is a failure, not a reader who has seen enough.
    let unread = |error| io::Error::other(format!("nobody reads the ready line: {error}"));
    let announce = |said: Announcement| {
        print(&format!("{}\n", said.line)).map_err(unread)?;
        said.entrance.map_or(Ok(()), |entrance| invite(&entrance))
    };
    run(async { server::serve(&config, announce).await })
}

/// Shows the way to the console to who sits before the terminal, and to nobody who reads a log.
fn invite(entrance: &Entrance) -> Result<(), Error> {
    if io::stderr().is_terminal() {
        let ticket = entrance.ticket(INVITATION)?;
        eprintln!("sixframe: the console is at {}", ticket.link(entrance.url()));
        eprintln!("sixframe: the link works once, for 10 minutes; `sixframe open` makes another");
    }
    Ok(())
}

/// Serves the parent process until it closes our input.
pub(super) fn stdio(args: &StdioArgs) -> Result<(), Error> {
    if let Some(word) = args.unexpected() {
        let hint = "only a browser's words may stand here, with --framing native";
        return Err(Failure::Usage(format!("unexpected argument {word:?}; {hint}")).into());
    }
    let mut loaded = begin(&args.settings)?;
    // Of these many may run at once, and a folder is for one.
    loaded.config.hub.persist &= loaded.is_given("hub.dir");
    loaded.config.agent.resume &= loaded.is_given("agent.dir");
    // Likewise the programs of the user's own file are started by the daemon; those of a file that is named, by whoever names it.
    if args.settings.config.is_none() && std::env::var_os("SIXFRAME_CONFIG").is_none() {
        loaded.config.sidecar.iter_mut().for_each(|entry| entry.config.auto_start = false);
    }
    let config = loaded.config;
    let framing = match args.framing {
        Framing::Ndjson => sixframe_transports::Framing::Ndjson,
        Framing::ContentLength => sixframe_transports::Framing::ContentLength,
        Framing::Native => sixframe_transports::Framing::NativeMessaging,
    };
    run(async { server::serve_parent(&config, framing).await })
}

fn begin(settings: &ConfigArgs) -> Result<Loaded, Error> {
    let loaded = loaded(settings, None)?;
    server::init_log(loaded.config.log.targets());
    Ok(loaded)
}

fn run(serving: impl Future<Output = Result<Stopped, Error>>) -> Result<(), Error> {
    let runtime = Runtime::new()?;
    let stopped = runtime.block_on(serving);
    // What still runs is dropped here, programs that were started included.
    runtime.shutdown_timeout(BLOCKING);
    match stopped? {
        Stopped::InOrder => Ok(()),
        Stopped::AtOnce => bail!("stopped by a second signal; some calls were cut off"),
    }
}
