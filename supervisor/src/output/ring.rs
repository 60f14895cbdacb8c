//! The newest bytes of a stream, with absolute offsets. Grows to its capacity as bytes come and then overwrites the oldest.

use std::time::Instant;

use super::arrivals::Arrivals;

/// Bytes by offset.
pub(super) struct Ring {
    bytes: Vec<u8>,
    capacity: usize,
    /// The offset behind the last byte.
    end: u64,
    arrivals: Arrivals,
}

impl Ring {
    /// Keeps at most `capacity` bytes, at least one.
    pub(super) fn new(capacity: usize) -> Ring {
        Ring { bytes: Vec::new(), capacity: capacity.max(1), end: 0, arrivals: Arrivals::default() }
    }

    /// The offset of the oldest byte.
    pub(super) fn start(&self) -> u64 {
        self.end - self.bytes.len() as u64
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// When the byte at `offset` came.
    pub(super) fn came(&self, offset: u64) -> Option<Instant> {
        self.arrivals.of(offset)
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.arrivals.note(self.end, Instant::now(), self.start());
        let passed_over = bytes.len().saturating_sub(self.capacity);
        self.end += passed_over as u64;
        let mut rest = &bytes[passed_over..];
        if passed_over > 0 {
            self.bytes.clear();
            self.bytes.resize(self.capacity, 0);
        }
        while !rest.is_empty() {
            let taken = if self.bytes.len() < self.capacity { self.append(rest) } else { self.overwrite(rest) };
            self.end += taken as u64;
            rest = &rest[taken..];
        }
    }

    /// Bytes from `offset` on, as many as lie together, at most `most`. None before the start, and none behind the end.
    pub(super) fn at(&self, offset: u64, most: usize) -> &[u8] {
        if offset < self.start() || offset >= self.end {
            return &[];
        }
        let place = self.place(offset);
        let left = usize::try_from(self.end - offset).unwrap_or(usize::MAX);
        let until = self.bytes.len().min(place.saturating_add(left)).min(place.saturating_add(most));
        &self.bytes[place..until]
    }

    /// Whether a line begins at `offset`, as far as is known.
    pub(super) fn begins_line(&self, offset: u64) -> bool {
        offset == 0 || matches!(self.at(offset - 1, 1), [b'\n' | b'\r'])
    }

    /// The newest bytes, at most `most`.
    pub(super) fn newest(&self, most: usize) -> Vec<u8> {
        let mut found = Vec::new();
        let mut offset = self.start().max(self.end.saturating_sub(most as u64));
        while offset < self.end {
            let part = self.at(offset, most);
            found.extend_from_slice(part);
            offset += part.len() as u64;
        }
        found
    }

    /// While it grows, a byte's place is its offset; afterwards, modulo the capacity.
    fn place(&self, offset: u64) -> usize {
        (offset % self.capacity as u64) as usize
    }

    fn append(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.capacity - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..taken]);
        taken
    }

    fn overwrite(&mut self, bytes: &[u8]) -> usize {
        let place = self.place(self.end);
        let taken = bytes.len().min(self.capacity - place);
        self.bytes[place..place + taken].copy_from_slice(&bytes[..taken]);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_at_its_offset_until_it_is_overwritten() {
        let byte = |offset: u64| (offset % 251) as u8;
        for capacity in [1, 7, 64] {
            let mut ring = Ring::new(capacity);
            for size in (0..40).chain([200, 1, 63, 64, 65]) {
                let piece: Vec<u8> = (ring.end()..ring.end() + size).map(byte).collect();
                ring.push(&piece);
                assert_eq!(ring.newest(usize::MAX), (ring.start()..ring.end()).map(byte).collect::<Vec<_>>());
                assert!(ring.end() - ring.start() <= capacity as u64);
            }
            assert_eq!(ring.end() - ring.start(), capacity as u64, "it is full");
            assert!(ring.at(ring.end(), 9).is_empty() && ring.at(ring.start().wrapping_sub(1), 9).is_empty());
        }
    }
}
