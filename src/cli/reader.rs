//! Who reads our standard output, for subcommands that may have nothing to write for a long time.

/// Completes when nobody reads what we print any more; never on a file. A thread waits for it, which the end of the process
/// ends.
#[cfg(unix)]
pub(super) async fn gone() {
    use rustix::event::{PollFd, PollFlags, poll};
    // Asked for nothing, the system still tells of an error or a hang-up.
    let waiting = tokio::task::spawn_blocking(|| {
        let stdout = std::io::stdout();
        let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
        loop {
            match poll(&mut polled, None) {
                Err(rustix::io::Errno::INTR) => (),
                outcome => return outcome.is_ok(),
            }
        }
    });
    if !matches!(waiting.await, Ok(true)) {
        std::future::pending().await
    }
}

/// Never completes: on Windows only writing tells that nobody reads.
#[cfg(not(unix))]
pub(super) async fn gone() {
    std::future::pending().await
}
