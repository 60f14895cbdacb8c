//! The log: on stderr, filtered as the configuration says.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, registry};

/// Begins to log. A second call changes nothing.
pub(crate) fn init(filter: Targets) {
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    // It fails where a log was begun before, which then goes on.
    let _ = registry().with(lines).with(filter).try_init();
}
