//! The part of a text that a search shows, on one line.

/// Characters in front of what was found.
const BEFORE: usize = 60;

/// The longest snippet, in characters.
const LONGEST: usize = 240;

/// A part of a text and where in it what was looked for stands, in UTF-16 code units, as JavaScript counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) text: String,
    pub(super) ranges: Vec<[u64; 2]>,
}

impl Snippet {
    /// The part around the first of these ranges, which are in order.
    pub(super) fn of(text: &str, found: &[(usize, usize)]) -> Snippet {
        let first = found.first().map_or(0, |(from, _)| *from);
        let begin = text[..first].char_indices().rev().take(BEFORE).last().map_or(first, |(at, _)| at);
        let end = text[begin..].char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| begin + at);
        let mut snippet = Snippet::default();
        let mut units = 0;
        if begin > 0 {
            snippet.text.push('…');
            units += 1;
        }
        let mut ranges = found.iter().filter(|(from, _)| *from < end).peekable();
        let mut open: Option<u64> = None;
        for (at, c) in text[begin..end].char_indices() {
            let at = begin + at;
            while let Some((from, to)) = ranges.peek() {
                if at >= *to {
                    snippet.ranges.extend(open.take().map(|from| [from, units]));
                    ranges.next();
                    continue;
                }
                if at >= *from {
                    open.get_or_insert(units);
                }
                break;
            }
            let c = if c.is_control() || c.is_whitespace() { ' ' } else { c };
            snippet.text.push(c);
            units += c.len_utf16() as u64;
        }
        snippet.ranges.extend(open.map(|from| [from, units]));
        if end < text.len() {
            snippet.text.push('…');
        }
        snippet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(snippet: &Snippet) -> Vec<String> {
        let units: Vec<u16> = snippet.text.encode_utf16().collect();
        let part = |[from, to]: &[u64; 2]| String::from_utf16(&units[*from as usize..*to as usize]);
        snippet.ranges.iter().map(|range| part(range).expect("ranges lie between characters")).collect()
    }

    #[test]
    fn ranges_count_as_javascript_does() {
        let text = "👩 one\ntwo one";
        let snippet = Snippet::of(text, &[(5, 8), (13, 16)]);
        assert_eq!(snippet.text, "👩 one two one");
        assert_eq!(shown(&snippet), ["one", "one"]);
        assert_eq!(snippet.ranges[0], [3, 6]);
    }

    #[test]
    fn a_long_text_is_cut_around_what_was_found() {
        let text = format!("{}글needle글{}", "글".repeat(1000), "글".repeat(1000));
        let at = text.find("needle").expect("it is there");
        let snippet = Snippet::of(&text, &[(at, at + 6)]);
        assert!(snippet.text.chars().count() <= LONGEST + 2);
        assert!(snippet.text.starts_with('…') && snippet.text.ends_with('…'));
        assert_eq!(shown(&snippet), ["needle"]);
        assert_eq!(Snippet::of("", &[]), Snippet::default());
    }
}
