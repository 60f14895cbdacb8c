//! The words of the subcommands that call: `call`, `stream`, `listen`, `methods` and `bench`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Whom to call, and as whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct PeerArgs {
    /// unix:/path, pipe:name, ws://host:port, wss://host or 'exec:program args'
    #[arg(value_name = "ADDR")]
    pub(crate) address: String,

    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// How a peer is reached.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReachArgs {
    /// Show the token in this file to a WebSocket; by default, on this machine, the daemon's own (token_file of the
    /// configuration)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,

    /// Give up when connecting takes longer
    #[arg(long, value_name = "MS", default_value_t = 5_000)]
    pub(crate) connect_timeout_ms: u64,

    /// Print every frame on stderr as it passes
    #[arg(long)]
    pub(crate) trace: bool,
}

/// What to call, and with what.
#[derive(Args, Clone, Debug)]
pub(crate) struct RequestArgs {
    /// The method, as `sixframe methods ADDR` lists them
    pub(crate) method: String,

    /// The parameters; `-` reads them from stdin
    #[arg(value_name = "JSON")]
    pub(crate) payload: Option<String>,
}

/// `sixframe call`.
#[derive(Args, Debug)]
#[command(after_help = "\
The result is one line of JSON on stdout. An error of the peer is one line of JSON on stderr, and exit code 1; a connection that \
cannot be made or breaks is exit code 3; a deadline that passes is exit code 4. ^C cancels the call at the peer.

Examples:
  sixframe call unix:$XDG_RUNTIME_DIR/sixframe/sixframe.sock rpc.discover
  sixframe call 'exec:sixframe stdio' rpc.ping
  echo '{\"session\": \"me\"}' | sixframe call ws://127.0.0.1:4700/ rpc.hello -")]
pub(crate) struct CallArgs {
    #[command(flatten)]
    pub(crate) peer: PeerArgs,

    #[command(flatten)]
    pub(crate) request: RequestArgs,

    /// Let the call take this long at most; 0 is no limit
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub(crate) timeout_ms: u64,
}

/// `sixframe stream`.
#[derive(Args, Debug)]
#[command(after_help = "\
Each item is one line of JSON on stdout; ^C cancels the stream at the peer. A stream that the peer can resume goes on after a \
break where it stopped, and stderr says so.

Examples:
  sixframe stream unix:$XDG_RUNTIME_DIR/sixframe/sixframe.sock fs.watch '{\"path\": \".\", \"recursive\": true}'
  sixframe stream ws://127.0.0.1:4700/ fs.tail '{\"path\": \"app.log\"}' --take 10")]
pub(crate) struct StreamArgs {
    #[command(flatten)]
    pub(crate) peer: PeerArgs,

    #[command(flatten)]
    pub(crate) request: RequestArgs,

    /// Cancel after this many items
    #[arg(long, value_name = "ITEMS")]
    pub(crate) take: Option<NonZeroU32>,

    /// Let the peer send this many items ahead of the reader
    #[arg(long, value_name = "ITEMS", default_value = "256")]
    pub(crate) credit: NonZeroU32,

    /// Print each item with where it stands: {"data", "pos", "epoch", "reset", "skipped"}
    #[arg(long)]
    pub(crate) full: bool,

    /// End when the connection breaks, rather than connect again
    #[arg(long)]
    pub(crate) no_reconnect: bool,
}

/// `sixframe listen`.
#[derive(Args, Debug)]
#[command(after_help = "\
Shows the frames of all other connections of the daemon at ADDR as they pass, without secrets; > came to the daemon, < left it. \
Needs the scope admin, which the socket file and the daemon's own token grant.

Examples:
  sixframe listen unix:$XDG_RUNTIME_DIR/sixframe/sixframe.sock
  sixframe listen ws://127.0.0.1:4700/ --json | grep fs.tail")]
pub(crate) struct ListenArgs {
    #[command(flatten)]
    pub(crate) peer: PeerArgs,

    /// Print the frames as they are, one JSON a line, rather than for people
    #[arg(long)]
    pub(crate) json: bool,
}

/// `sixframe methods`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sixframe methods unix:$XDG_RUNTIME_DIR/sixframe/sixframe.sock
  sixframe methods 'exec:sixframe stdio' --json")]
pub(crate) struct MethodsArgs {
    #[command(flatten)]
    pub(crate) peer: PeerArgs,

    /// Print the whole answer of rpc.discover, schemas included
    #[arg(long)]
    pub(crate) json: bool,
}

/// `sixframe types`.
#[derive(Args, Debug)]
#[command(after_help = "\
The module is on stdout: an interface for each type, `Api` with what each method takes and gives, `methods` with how each is \
called, and `methodsHash`, which rpc.hello of a peer with the same types gives too.

Examples:
  sixframe types unix:$XDG_RUNTIME_DIR/sixframe/sixframe.sock > api.ts
  sixframe types 'exec:sixframe stdio' --validators > api.ts")]
pub(crate) struct TypesArgs {
    #[command(flatten)]
    pub(crate) peer: PeerArgs,

    /// Print the JSON Schemas too, as a constant for sixframe/validators
    #[arg(long)]
    pub(crate) validators: bool,
}

/// `sixframe open`.
#[derive(Args, Debug)]
#[command(after_help = "\
The link lets in once, within a minute; the page then keeps a session of its own. Needs the scope admin, which the socket file \
and the daemon's own token grant.

Examples:
  sixframe open
  sixframe open unix:$XDG_RUNTIME_DIR/sixframe/sixframe.sock --print")]
pub(crate) struct OpenArgs {
    /// The daemon's address; by default the first local one of the configuration
    #[arg(value_name = "ADDR")]
    pub(crate) address: Option<String>,

    /// Print the link, and open nothing
    #[arg(long)]
    pub(crate) print: bool,

    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `sixframe bench`.
#[derive(Args, Debug)]
#[command(after_help = "\
The numbers are one line of JSON on stdout, and words on stderr.

Example:
  sixframe bench unix:$XDG_RUNTIME_DIR/sixframe/sixframe.sock --in-flight 64 --seconds 5")]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) peer: PeerArgs,

    /// The method to call
    #[arg(long, default_value = "rpc.ping")]
    pub(crate) method: String,

    /// Calls under way at once on each connection, in the second part; in the first part there is one
    #[arg(long, value_name = "CALLS", default_value = "64")]
    pub(crate) in_flight: NonZeroU32,

    /// Connections open at once
    #[arg(long, value_name = "CONNECTIONS", default_value_t = NonZeroU32::MIN)]
    pub(crate) connections: NonZeroU32,

    /// Measure for this long, after a fifth of that to warm up
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    pub(crate) seconds: NonZeroU32,
}
