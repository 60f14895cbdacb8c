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
    let found = match text.last_chunk() {
        // The last block is looked at once more, without what was seen before.
        Some(block) => marks(block).checked_shr((BYTES - rest.len()) as u32)?,
        None => {
            let mut block = [0; BYTES];
            block[..rest.len()].copy_from_slice(rest);
            marks(&block) & ((1 << rest.len()) - 1)
        }
    };
    (found != 0).then(|| at + found.trailing_zeros() as usize)
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
