//! Buffers to write JSON into before its length is known: one of each kind a thread, so that what is kept has its own size.

use std::cell::Cell;

use bytes::Bytes;

/// A buffer that grew beyond this is given away with what is in it, or dropped.
const KEPT: usize = 32 << 10;

thread_local! {
    static PAYLOAD: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static FRAME: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the buffer for payloads to `write`, then what was written to `read`.
pub(crate) fn payload<T, E>(
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    read: impl FnOnce(&[u8]) -> T,
) -> Result<T, E> {
    let mut buffer = PAYLOAD.take();
    buffer.clear();
    let written = write(&mut buffer);
    let result = written.map(|()| read(&buffer));
    if buffer.capacity() <= KEPT {
        PAYLOAD.set(buffer);
    }
    result
}

/// What `write` wrote, in a buffer of its own.
pub(crate) fn frame(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut buffer = FRAME.take();
    buffer.clear();
    write(&mut buffer);
    if buffer.capacity() > KEPT {
        return Bytes::from(buffer);
    }
    let frame = Bytes::copy_from_slice(&buffer);
    FRAME.set(buffer);
    frame
}
