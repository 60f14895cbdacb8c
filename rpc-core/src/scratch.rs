//! Buffers that a thread uses again: to write JSON into before its length is known, one of each kind, so that what is kept
//! has its own size; and for the text of received items.

use std::cell::{Cell, RefCell};

use bytes::{Bytes, BytesMut};

/// A buffer that grew beyond this is given away with what is in it, or dropped.
const KEPT: usize = 32 << 10;

thread_local! {
    static PAYLOAD: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static FRAME: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static CHUNK: Cell<BytesMut> = Cell::new(BytesMut::new());
    static BATCHES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
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

/// What `write` wrote, in a buffer of its own size: a copy, or the buffer itself where that is large and nearly full.
pub(crate) fn kept<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Bytes, E> {
    let mut buffer = PAYLOAD.take();
    buffer.clear();
    write(&mut buffer)?;
    if buffer.len() > KEPT && buffer.capacity() - buffer.len() <= buffer.len() / 4 {
        return Ok(Bytes::from(buffer));
    }
    let written = Bytes::copy_from_slice(&buffer);
    if buffer.capacity() <= KEPT {
        PAYLOAD.set(buffer);
    }
    Ok(written)
}

/// What `write` wrote, in a part of a chunk that it shares with what is written next: for frames that leave at once, which
/// cost no allocation of their own so.
pub(crate) fn transient(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut buffer = FRAME.take();
    buffer.clear();
    write(&mut buffer);
    if buffer.len() > CHUNK_BYTES / 8 {
        return own(buffer);
    }
    let mut chunk = CHUNK.take();
    if chunk.capacity() < buffer.len() {
        chunk = BytesMut::with_capacity(CHUNK_BYTES);
    }
    chunk.extend_from_slice(&buffer);
    let frame = chunk.split().freeze();
    CHUNK.set(chunk);
    FRAME.set(buffer);
    frame
}

/// The size of the chunks that transient frames share.
const CHUNK_BYTES: usize = 16 << 10;

/// What `write` wrote, in a buffer of its own.
pub(crate) fn frame(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut buffer = FRAME.take();
    buffer.clear();
    write(&mut buffer);
    own(buffer)
}

/// What is in the buffer for frames: a copy of its own size, or the buffer itself where it is large.
fn own(buffer: Vec<u8>) -> Bytes {
    if buffer.len() > KEPT {
        return Bytes::from(buffer);
    }
    let frame = Bytes::copy_from_slice(&buffer);
    if buffer.capacity() <= KEPT {
        FRAME.set(buffer);
    }
    frame
}

/// Batches of received items whose buffers are kept, and how large these may be.
const BATCHES_KEPT: usize = 4;
const BATCH_BYTES: std::ops::RangeInclusive<usize> = 16 << 10..=512 << 10;

/// An empty buffer for the text of a batch of received items, with the room that an earlier one left.
pub(crate) fn batch() -> String {
    BATCHES.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Takes the buffer of a batch that was consumed.
pub(crate) fn keep_batch(mut text: String) {
    if !BATCH_BYTES.contains(&text.capacity()) {
        return;
    }
    text.clear();
    // Where the thread ends, so does the buffer.
    let _ = BATCHES.try_with(|batches| {
        let mut batches = batches.borrow_mut();
        if batches.len() < BATCHES_KEPT {
            batches.push(text);
        }
    });
}
