//! Standard input and output on Windows, where neither can be polled: a thread reads, tokio's pool writes.

use std::io;

use super::thread_reader::ThreadReader;
use crate::closing::Closing;

pub(super) struct Stdio {
    pub(super) input: ThreadReader,
    pub(super) output: Closing<tokio::io::Stdout>,
}

impl Stdio {
    pub(super) fn take() -> io::Result<Stdio> {
        let input = ThreadReader::start(io::stdin())?;
        Ok(Stdio { input, output: Closing::new(tokio::io::stdout()) })
    }
}
