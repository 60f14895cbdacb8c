//! Buffers that a thread uses again: to write JSON into before its length is known, one of each kind, so that what is kept
//! has its own size; and for the text of received items.

use std::cell::{Cell, RefCell};

use bytes::{Bytes, BytesMut};

/// A buffer that grew beyond this is given away with what is in it, or dropped.
const KEPT: usize = 32 << 10;

thread_local! {
    static PAYLOAD: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static FRAME: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static CHUNK: Cell<Chunk> = Cell::new(Chunk::default());
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

/// Memory that short frames share, each a part of it: they cost no allocation of their own so. What one of them keeps is
/// the whole, so those that share must go at about the same time.
#[derive(Debug, Default)]
pub(crate) struct Chunk(BytesMut);

/// The size of a chunk, and of the longest frame in one.
const CHUNK_BYTES: usize = 4 << 10;
const SHARING_BYTES: usize = 512;

/// What `write` wrote, in a part of `chunk` where that is given, else in a buffer of its own.
pub(crate) fn frame_in(chunk: Option<&mut Chunk>, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut buffer = FRAME.take();
    buffer.clear();
    write(&mut buffer);
    let Some(Chunk(chunk)) = chunk.filter(|_| buffer.len() <= SHARING_BYTES) else { return own(buffer) };
    if chunk.capacity() < buffer.len() {
        *chunk = BytesMut::with_capacity(CHUNK_BYTES);
    }
    chunk.extend_from_slice(&buffer);
    FRAME.set(buffer);
    chunk.split().freeze()
}

/// What `write` wrote, in a part of the thread's own chunk: for frames that leave at once.
pub(crate) fn transient(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut chunk = CHUNK.take();
    let frame = frame_in(Some(&mut chunk), write);
    CHUNK.set(chunk);
    frame
}

/// What `write` wrote, in a buffer of its own.
pub(crate) fn frame(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    frame_in(None, write)
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
