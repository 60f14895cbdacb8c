//! Lines of what are only bytes: however they were cut, without an end, of any length, and of any encoding.

use std::collections::VecDeque;

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
    open: Open,
    ready: VecDeque<Line>,
    is_over: bool,
}

impl Lines {
    pub(super) fn new(pieces: Subscription) -> Lines {
        let open = Open::new(pieces.offset(), pieces.begins_within_line());
        Lines { pieces, open, ready: VecDeque::new(), is_over: false }
    }

    /// The next line; none when the output has ended. A line without an end is told when the output ends. May be dropped
    /// and called again at any time.
    pub async fn next(&mut self) -> Option<Line> {
        while self.ready.is_empty() && !self.is_over {
            match self.pieces.next().await {
                Some(piece) => self.take(piece),
                None => {
                    self.is_over = true;
                    self.open.close(LineEnd::Missing, 0, &mut self.ready);
                }
            }
        }
        self.ready.pop_front()
    }

    /// The offset behind the last line that was told: what to subscribe from to go on later.
    pub fn offset(&self) -> u64 {
        match self.ready.front() {
            Some(Line::Text { at, .. } | Line::Gap { from: at, .. }) => *at,
            None => self.open.at,
        }
    }

    /// Whether what was not told yet begins with the rest of a line.
    pub fn is_within_line(&self) -> bool {
        match self.ready.front() {
            Some(Line::Text { rest, .. }) => *rest,
            Some(Line::Gap { .. }) => false,
            None => self.open.is_rest,
        }
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Bytes { bytes, .. } => self.open.push(&bytes, &mut self.ready),
            Piece::Gap { from, to } => {
                self.open.close(LineEnd::Missing, 0, &mut self.ready);
                self.ready.push_back(Line::Gap { from, to });
                self.open = Open::new(to, true);
            }
        }
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

    fn push(&mut self, mut bytes: &[u8], into: &mut VecDeque<Line>) {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return) && bytes[0] == b'\n' {
                self.at += 1;
                self.correct_last(into);
                bytes = &bytes[1..];
                continue;
            }
            let end = memchr2(b'\n', b'\r', bytes);
            let room = LONGEST - self.text.len();
            let taken = end.unwrap_or(bytes.len()).min(room);
            self.text.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            match bytes.first() {
                Some(b'\n') => self.close(LineEnd::Newline, 1, into),
                Some(b'\r') => {
                    self.close(LineEnd::Return, 1, into);
                    self.after_return = true;
                }
                _ if self.text.len() == LONGEST => {
                    self.cut(into);
                    continue;
                }
                _ => return,
            }
            bytes = &bytes[1..];
        }
    }

    /// A carriage return and a line feed are one end, if the line is still here to be told so.
    fn correct_last(&self, into: &mut VecDeque<Line>) {
        if let Some(Line::Text { end, .. }) = into.back_mut() {
            *end = LineEnd::Newline;
        }
    }

    fn close(&mut self, end: LineEnd, width: u64, into: &mut VecDeque<Line>) {
        let length = self.text.len() as u64;
        if end != LineEnd::Missing || length > 0 {
            let rest = std::mem::take(&mut self.is_rest);
            into.push_back(Line::Text { at: self.at, text: shown(&self.text), end, rest });
        }
        self.text.clear();
        self.at += length + width;
    }

    /// A character that is not whole yet stays for the next part.
    fn cut(&mut self, into: &mut VecDeque<Line>) {
        let whole = self.text.len() - unfinished(&self.text);
        let rest = self.text.split_off(whole);
        self.close(LineEnd::Cut, 0, into);
        self.text = rest;
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
    String::from_utf8_lossy(text).into_owned()
}

/// The last lines of `bytes`, which may begin with the rest of one; that is marked.
pub(super) fn of(bytes: &[u8], most: usize, begins_within_line: bool) -> Vec<String> {
    let mut open = Open::new(0, begins_within_line);
    let mut found = VecDeque::new();
    open.push(bytes, &mut found);
    open.close(LineEnd::Missing, 0, &mut found);
    let texts = found.into_iter().filter_map(|line| match line {
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
        let mut found = VecDeque::new();
        pieces.iter().for_each(|piece| open.push(piece, &mut found));
        open.close(LineEnd::Missing, 0, &mut found);
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
        let expected = vec![
            line(0, "a", LineEnd::Newline),
            line(3, "b", LineEnd::Return),
            line(5, "c", LineEnd::Newline),
            line(7, "", LineEnd::Newline),
            line(8, "d\u{e9}\0f", LineEnd::Missing),
        ];
        assert_eq!(lines(&[text]), expected);
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
