//! The console: a page for a browser on this machine, and the way in for it. An HTTP server gives out the files of the page,
//! exchanges a single-use ticket for a session, and turns the page's WebSocket into a connection like any other. Knows no
//! method, and nothing of what the page shows.

mod answer;
mod connections;
mod entrance;
mod server;
mod site;

pub(crate) use entrance::Entrance;
pub(crate) use server::{ConsoleServer, Setup};
