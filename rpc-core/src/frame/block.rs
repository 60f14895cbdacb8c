//! Sixteen bytes of text looked at in one step. Knows bytes, not JSON.

use wide::u8x16;

const BYTES: usize = 16;

/// Sixteen bytes of a text.
pub(super) type Block = [u8; BYTES];

/// The index of the first byte at or after `at` that `marks` marks: a bit for each byte of a block, the lowest first.
#[inline]
pub(super) fn find(text: &[u8], mut at: usize, marks: impl Fn(&Block) -> u32) -> Option<usize> {
    let mut rest = text.get(at..)?;
    while let Some((block, behind)) = rest.split_first_chunk() {
        let found = marks(block);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        (at, rest) = (at + BYTES, behind);
    }
    let found = marks_at_end(text, rest, marks);
    (found != 0).then(|| at + found.trailing_zeros() as usize)
}

/// Whether every byte of `text` that `marks` marks passes `test`, which is given its index. Zeros must not be marked.
#[inline]
pub(super) fn all(text: &[u8], marks: impl Fn(&Block) -> u32, test: impl Fn(usize) -> bool) -> bool {
    let mut at = 0;
    while at < text.len() {
        let mut found = wide_marks(text, at, &marks);
        while found != 0 {
            if !test(at + found.trailing_zeros() as usize) {
                return false;
            }
            found &= found - 1;
        }
        at += WIDE;
    }
    true
}

/// The marks of `rest`, with which `text` ends and which is shorter than a block.
#[inline]
fn marks_at_end(text: &[u8], rest: &[u8], marks: impl Fn(&Block) -> u32) -> u32 {
    match text.last_chunk() {
        // What was seen before is shifted out.
        Some(block) => marks(block).checked_shr((BYTES - rest.len()) as u32).unwrap_or(0),
        None => {
            let mut block = [0; BYTES];
            block[..rest.len()].copy_from_slice(rest);
            marks(&block) & ((1 << rest.len()) - 1)
        }
    }
}

/// The quotes, backslashes and control characters of a text, marked four blocks at a time: where the next one stands then
/// depends on no load, and strings that follow each other closely are passed over together.
#[derive(Clone, Copy)]
pub(super) struct Stops {
    /// Where the marked blocks begin.
    base: usize,
    marks: u64,
}

const WIDE: usize = 4 * BYTES;

impl Stops {
    /// Those of `text`, for a reader that goes forward from `at`.
    #[inline]
    pub(super) fn new(text: &[u8], at: usize) -> Stops {
        Stops { base: at, marks: wide_marks(text, at, string_stops) }
    }

    /// The index of the first one in `text` at or after `at`, which is not in front of an earlier `at`.
    #[inline]
    pub(super) fn next(&mut self, text: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let offset = at - self.base;
            if offset < WIDE && self.marks >> offset != 0 {
                let stop = at + (self.marks >> offset).trailing_zeros() as usize;
                return (stop < text.len()).then_some(stop);
            }
            if self.base + WIDE >= text.len() {
                return None;
            }
            self.base += WIDE;
            self.marks = wide_marks(text, self.base, string_stops);
            at = at.max(self.base);
        }
    }
}

/// The marks of the four blocks at `at`, of which those that are not there are zeros.
#[inline]
fn wide_marks(text: &[u8], at: usize, marks: impl Fn(&Block) -> u32) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    let mut filled = [0; WIDE];
    let wide = rest.first_chunk::<WIDE>().unwrap_or_else(|| {
        filled[..rest.len()].copy_from_slice(rest);
        &filled
    });
    let (blocks, _) = wide.as_chunks();
    let marks = |nth: usize| u64::from(marks(&blocks[nth])) << (nth * BYTES);
    marks(0) | marks(1) | marks(2) | marks(3)
}

/// Marks the quotes, backslashes and control characters.
#[inline]
pub(super) fn string_stops(block: &Block) -> u32 {
    let bytes = u8x16::new(*block);
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (equals(bytes, b'"') | equals(bytes, b'\\') | control).to_bitmask()
}

/// Marks the bytes that are `one` or `other`.
#[inline]
pub(super) fn either(block: &Block, one: u8, other: u8) -> u32 {
    let bytes = u8x16::new(*block);
    (equals(bytes, one) | equals(bytes, other)).to_bitmask()
}

#[inline]
fn equals(bytes: u8x16, byte: u8) -> u8x16 {
    bytes.simd_eq(u8x16::splat(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_marked_for_what_it_is_in_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..BYTES {
                let mut block = [b'a'; BYTES];
                block[place] = byte;
                let expected = u32::from(byte < 0x20 || byte == b'"' || byte == b'\\') << place;
                assert_eq!(string_stops(&block), expected, "{byte} at {place}");
                let expected = u32::from(byte == b',' || byte == b'\\') << place;
                assert_eq!(either(&block, b',', b'\\'), expected, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn every_mark_is_tested_once_and_in_order() {
        for length in 0..50 {
            let text: Vec<u8> = (0..length).map(|at| if at % 3 == 0 { b',' } else { b'a' }).collect();
            let seen = std::cell::RefCell::new(Vec::new());
            let marks = |block: &Block| either(block, b',', b',');
            assert!(all(&text, marks, |at| {
                seen.borrow_mut().push(at);
                true
            }));
            assert_eq!(seen.into_inner(), (0..length).step_by(3).collect::<Vec<_>>());
            assert_eq!(all(&text, marks, |at| at < 30), length <= 30);
        }
    }

    #[test]
    fn the_first_mark_is_found_wherever_the_text_ends() {
        for length in 0..50 {
            for place in 0..length {
                let mut text = vec![b'a'; length];
                text[place] = b',';
                for from in 0..=length + 1 {
                    let found = find(&text, from, |block| either(block, b',', b','));
                    assert_eq!(found, (from <= place).then_some(place), "from {from} of {length}");
                }
            }
        }
    }
}
