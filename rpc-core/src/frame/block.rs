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

/// Whether every byte of `text` that `marks` marks passes `test`, which is given its index.
#[inline]
pub(super) fn all(text: &[u8], marks: impl Fn(&Block) -> u32, test: impl Fn(usize) -> bool) -> bool {
    let (mut at, mut rest) = (0, text);
    loop {
        let (mut found, behind) = match rest.split_first_chunk() {
            Some((block, behind)) => (marks(block), Some(behind)),
            None => (marks_at_end(text, rest, &marks), None),
        };
        while found != 0 {
            if !test(at + found.trailing_zeros() as usize) {
                return false;
            }
            found &= found - 1;
        }
        match behind {
            Some(behind) => (at, rest) = (at + BYTES, behind),
            None => return true,
        }
    }
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
