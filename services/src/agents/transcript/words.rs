//! What a text is found by: its words, the parts of names in code, and every two characters of scripts that put no space between
//! words, or join to words what is searched without it.

/// The longest word that is told apart, in bytes; longer ones are no words.
const LONGEST: usize = 64;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// In small letters.
    pub(super) text: String,
    /// Where it is, in bytes.
    pub(super) from: usize,
    /// Where it ends.
    pub(super) to: usize,
    /// Its number among the words. A name in code has that of its first part, too.
    pub(super) position: usize,
    pub(super) kind: WordKind,
}

/// What kind of word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordKind {
    /// A word, or a part of a name.
    Plain,
    /// A name of several parts, as a whole.
    Name,
    /// Two characters, or one that stands alone.
    Pair,
    /// The last character of several, by itself.
    Tail,
}

/// The words of a text in order.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut position = 0;
    let mut rest = text.char_indices().peekable();
    while let Some((from, c)) = rest.next() {
        let is_same: fn(char) -> bool = match c {
            c if is_unspaced(c) => is_unspaced,
            c if is_of_word(c) => is_of_word,
            _ => continue,
        };
        let mut to = from + c.len_utf8();
        while let Some((at, c)) = rest.next_if(|(_, next)| is_same(*next)) {
            to = at + c.len_utf8();
        }
        match is_unspaced(c) {
            true => pairs(&text[from..to], from, &mut position, &mut words),
            false => parts(&text[from..to], from, &mut position, &mut words),
        }
    }
    words
}

fn pairs(run: &str, begin: usize, position: &mut usize, words: &mut Vec<Word>) {
    let at: Vec<usize> = run.char_indices().map(|(at, _)| at).chain([run.len()]).collect();
    let last = at.len() - 2;
    for start in 0..=last {
        let (from, to) = (at[start], at[(start + 2).min(at.len() - 1)]);
        let kind = if start == last && last > 0 { WordKind::Tail } else { WordKind::Pair };
        words.push(Word {
            text: run[from..to].to_lowercase(),
            from: begin + from,
            to: begin + to,
            position: *position,
            kind,
        });
        *position += 1;
    }
}

fn parts(run: &str, begin: usize, position: &mut usize, words: &mut Vec<Word>) {
    let parts = split(run);
    let word = |from: usize, to: usize, position: usize, kind| Word {
        text: short(&run[from..to]).to_lowercase(),
        from: begin + from,
        to: begin + to,
        position,
        kind,
    };
    if parts.len() > 1 {
        words.push(word(0, run.len(), *position, WordKind::Name));
    }
    for (from, to) in parts {
        words.push(word(from, to, *position, WordKind::Plain));
        *position += 1;
    }
}

/// The parts of a name: between underscores, and where a capital begins one.
fn split(name: &str) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut begin: Option<usize> = None;
    let mut before: Option<char> = None;
    let mut chars = name.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next_is_small = chars.peek().is_some_and(|(_, next)| next.is_lowercase());
        let is_new = match before {
            Some('_') | None => true,
            Some(before) => c.is_uppercase() && (!before.is_uppercase() || next_is_small),
        };
        if c == '_' || is_new {
            parts.extend(begin.take().map(|begin| (begin, at)));
        }
        if c != '_' {
            begin.get_or_insert(at);
        }
        before = Some(c);
    }
    parts.extend(begin.map(|begin| (begin, name.len())));
    parts
}

fn short(word: &str) -> &str {
    let end = (0..=LONGEST.min(word.len())).rev().find(|at| word.is_char_boundary(*at));
    &word[..end.unwrap_or_default()]
}

fn is_of_word(c: char) -> bool {
    (c.is_alphanumeric() || c == '_') && !is_unspaced(c)
}

/// Thai, Lao, Burmese, Khmer, Korean, Japanese, Chinese.
fn is_unspaced(c: char) -> bool {
    matches!(
        c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
            | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}'
            | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, usize)> {
        words(text).into_iter().map(|word| (word.text, word.position)).collect()
    }

    #[test]
    fn names_are_found_as_a_whole_and_by_their_parts() {
        let wanted =
            [("httpserver", 0), ("http", 0), ("server", 1), ("foo_bar2", 2), ("foo", 2), ("bar2", 3), ("x", 4)];
        assert_eq!(told("HTTPServer::foo_bar2(x)"), wanted.map(|(text, at)| (text.to_owned(), at)));
        assert_eq!(told("__ - _"), []);
    }

    #[test]
    fn korean_and_japanese_are_found_by_every_two_characters() {
        let wanted = [("검색", 0), ("색어", 1), ("어", 2), ("api", 3), ("は", 4)];
        assert_eq!(told("검색어 API は"), wanted.map(|(text, at)| (text.to_owned(), at)));
    }

    #[test]
    fn whatever_a_text_holds_its_words_lie_in_it_in_order() {
        let text = "a\u{301}İ__Ünï\u{200d}👩x\u{0}漢\u{ffff}字".repeat(3);
        for word in words(&text) {
            assert!(text.get(word.from..word.to).is_some_and(|part| !part.is_empty()), "{word:?}");
        }
    }
}
