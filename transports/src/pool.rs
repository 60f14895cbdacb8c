//! Buffers lent to connections while bytes are on their way, one small pool per thread, so that an idle connection holds
//! none. Knows nothing of sockets or messages.

use std::cell::RefCell;

/// What one read asks the system for.
pub(crate) const BUFFER_BYTES: usize = 16 * 1024;

const LARGEST_KEPT: usize = 64 * 1024;
const BUFFERS_KEPT: usize = 8;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room for at least [`BUFFER_BYTES`].
pub(crate) fn borrow() -> Vec<u8> {
    let pooled = POOL.try_with(|pool| pool.borrow_mut().pop()).ok().flatten();
    pooled.unwrap_or_else(|| Vec::with_capacity(BUFFER_BYTES))
}

/// Gives a buffer back, whatever thread it came from. One that is too small, too large or too many is freed.
pub(crate) fn give_back(mut buffer: Vec<u8>) {
    if !(BUFFER_BYTES..=LARGEST_KEPT).contains(&buffer.capacity()) {
        return;
    }
    buffer.clear();
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < BUFFERS_KEPT {
            pool.push(buffer);
        }
    });
}
