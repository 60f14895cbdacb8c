//! Lines of what are only bytes: however they were cut, without an end, of any length, and of any encoding.

use bytes::{Buf as _, Bytes};
use memchr::memchr2;

use super::{Piece, Subscription};

/// Longest text that is told at once, in bytes. A longer line comes in parts.
const LONGEST: usize = 64 << 10;

/// A line, or what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, or a part of one that is longer than 64 KiB.
    Text {
        /// The offset of its first byte.
        at: u64,
        /// Without its end. What is no UTF-8 is shown as replacement characters.
        text: String,
        /// How it ends.
        end: LineEnd,
        /// Whether this is the rest of a line, of which the beginning is missing: behind a gap, where that is not known, or
        /// where it was not asked for.
        rest: bool,
    },
    /// The subscriber was too slow for these bytes.
    Gap {
        /// The offset of the first byte that is lost.
        from: u64,
        /// The offset behind the last.
        to: u64,
    },
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// With a line feed, or a carriage return and a line feed.
    Newline,
    /// With a carriage return alone: what follows is meant to be written over it, as programs do that show progress.
    Return,
    /// Not here: it is too long, and the next part follows.
    Cut,
    /// With the output, or with a gap in it.
    Missing,
}

/// The lines of a subscription.
pub struct Lines {
    pieces: Subscription,
    /// What has come and was not told yet.
    piece: Bytes,
    /// A gap behind the line that is open.
    gap: Option<(u64, u64)>,
    open: Open,
    is_over: bool,
}

impl Lines {
    pub(super) fn new(pieces: Subscription) -> Lines {
        let open = Open::new(pieces.offset(), pieces.begins_within_line());
        Lines { pieces, piece: Bytes::new(), gap: None, open, is_over: false }
    }

    /// The next line; none when the output has ended. A line without an end is told when the output ends. May be dropped
    /// and called again at any time.
    pub async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.take() {
                return Some(line);
            }
            if self.is_over {
                return None;
            }
            match self.pieces.next().await {
                Some(Piece::Bytes { bytes, .. }) => self.piece = bytes,
                Some(Piece::Gap { from, to }) => self.gap = Some((from, to)),
                None => self.is_over = true,
            }
        }
    }

    /// The offset behind the last line that was told: what to subscribe from to go on later.
    pub fn offset(&self) -> u64 {
        self.open.at
    }

    /// Whether what was not told yet begins with the rest of a line.
    pub fn is_within_line(&self) -> bool {
        self.open.is_rest
    }

    /// The next line of what has come.
    fn take(&mut self) -> Option<Line> {
        let (line, used) = self.open.take(&self.piece);
        self.piece.advance(used);
        if line.is_some() {
            return line;
        }
        if self.gap.is_none() && !self.is_over {
            return None;
        }
        self.open.close().or_else(|| {
            let (from, to) = self.gap.take()?;
            self.open = Open::new(to, true);
            Some(Line::Gap { from, to })
        })
    }
}

/// The line that has not ended yet.
struct Open {
    at: u64,
    text: Vec<u8>,
    /// The last byte was a carriage return that ended a line: a line feed now belongs to it.
    after_return: bool,
    /// Its beginning is missing.
    is_rest: bool,
}

impl Open {
    fn new(at: u64, is_rest: bool) -> Open {
        Open { at, text: Vec::new(), after_return: false, is_rest }
    }

    /// The line that ends in `bytes`, and how many of them are used up: all of them where none ends there.
    fn take(&mut self, bytes: &[u8]) -> (Option<Line>, usize) {
        let skipped = usize::from(self.after_return && bytes.first() == Some(&b'\n'));
        if !bytes.is_empty() {
            self.after_return = false;
        }
        self.at += skipped as u64;
        let bytes = &bytes[skipped..];
        let end = memchr2(b'\n', b'\r', bytes);
        let taken = end.unwrap_or(bytes.len()).min(LONGEST - self.text.len());
        let (part, rest) = bytes.split_at(taken);
        let used = skipped + taken;
        let (end, width) = match rest {
            [b'\r', b'\n', ..] => (LineEnd::Newline, 2),
            [b'\n', ..] => (LineEnd::Newline, 1),
            [b'\r', ..] => (LineEnd::Return, 1),
            _ => {
                self.text.extend_from_slice(part);
                let is_cut = self.text.len() == LONGEST;
                return (is_cut.then(|| self.cut()), used);
            }
        };
        self.after_return = end == LineEnd::Return;
        // Most lines lie in one piece, and are copied once.
        let line = if self.text.is_empty() {
            self.line(part, end, width)
        } else {
            let mut text = std::mem::take(&mut self.text);
            text.extend_from_slice(part);
            self.line(&text, end, width)
        };
        (Some(line), used + width)
    }

    /// What has no end, where nothing follows.
    fn close(&mut self) -> Option<Line> {
        let text = std::mem::take(&mut self.text);
        (!text.is_empty()).then(|| self.line(&text, LineEnd::Missing, 0))
    }

    /// A character that is not whole yet stays for the next part.
    fn cut(&mut self) -> Line {
        let mut text = std::mem::take(&mut self.text);
        self.text = text.split_off(text.len() - unfinished(&text));
        self.line(&text, LineEnd::Cut, 0)
    }

    fn line(&mut self, text: &[u8], end: LineEnd, width: usize) -> Line {
        let at = self.at;
        self.at += (text.len() + width) as u64;
        let rest = std::mem::take(&mut self.is_rest);
        Line::Text { at, text: shown(text), end, rest }
    }
}

/// How many bytes at the end begin a character and do not finish it.
fn unfinished(text: &[u8]) -> usize {
    for (back, byte) in text.iter().rev().take(3).enumerate() {
        let width = match byte {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x80..=0xBF => continue,
            _ => return 0,
        };
        return if back + 1 < width { back + 1 } else { 0 };
    }
    0
}

fn shown(text: &[u8]) -> String {
    // To check what is right is many times faster than to look for what is wrong.
    str::from_utf8(text).map_or_else(|_| String::from_utf8_lossy(text).into_owned(), str::to_owned)
}

/// The last lines of `bytes`, which may begin with the rest of one; that is marked.
pub(super) fn of(mut bytes: &[u8], most: usize, begins_within_line: bool) -> Vec<String> {
    let mut open = Open::new(0, begins_within_line);
    let lines = std::iter::from_fn(|| {
        let (line, used) = open.take(bytes);
        bytes = &bytes[used..];
        line.or_else(|| open.close())
    });
    let texts = lines.filter_map(|line| match line {
        Line::Text { text, rest, .. } => Some(if rest { format!("…{text}") } else { text }),
        Line::Gap { .. } => None,
    });
    let mut texts: Vec<String> = texts.collect();
    texts.drain(..texts.len().saturating_sub(most));
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<(u64, String, LineEnd)> {
        let mut open = Open::new(0, false);
        let mut found = Vec::new();
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() {
                let (line, used) = open.take(piece);
                found.extend(line);
                piece = &piece[used..];
            }
        }
        found.extend(open.close());
        let texts = found.into_iter().map(|line| match line {
            Line::Text { at, text, end, rest } => {
                assert!(!rest, "no beginning is missing");
                (at, text, end)
            }
            Line::Gap { .. } => panic!("no bytes were lost"),
        });
        texts.collect()
    }

    fn line(at: u64, text: &str, end: LineEnd) -> (u64, String, LineEnd) {
        (at, text.to_owned(), end)
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_were_cut() {
        let text = "a\r\nb\rc\n\nd\u{e9}\0f".as_bytes();
        let mut expected = vec![
            line(0, "a", LineEnd::Newline),
            line(3, "b", LineEnd::Return),
            line(5, "c", LineEnd::Newline),
            line(7, "", LineEnd::Newline),
            line(8, "d\u{e9}\0f", LineEnd::Missing),
        ];
        assert_eq!(lines(&[text]), expected);
        expected[0].2 = LineEnd::Return; // told before it was known what follows
        assert_eq!(lines(&text.iter().map(std::slice::from_ref).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn a_long_line_comes_in_parts_that_cut_no_character() {
        let long = format!("x{}", "\u{e9}".repeat(LONGEST));
        let found = lines(&[long.as_bytes()]);
        assert_eq!(found.iter().map(|(_, text, _)| text.as_str()).collect::<String>(), long);
        assert!(found.iter().all(|(_, text, _)| text.len() <= LONGEST && !text.contains('\u{fffd}')));
        assert_eq!(found.iter().filter(|(_, _, end)| *end == LineEnd::Cut).count(), found.len() - 1);
        assert_eq!(found[1].0, found[0].1.len() as u64);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(lines(&[b"a\xffb\n"]), [line(0, "a\u{fffd}b", LineEnd::Newline)]);
        assert_eq!(of(b"1\n2\n3", 2, true), ["2", "3"]);
        assert_eq!(of(b"1\n2", 2, true), ["…1", "2"]);
    }
}
