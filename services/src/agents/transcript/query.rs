//! What is looked for: words, each of which may be the beginning of one; phrases between quotes. All of them must be there.

use super::words::{Word, WordKind, words};

/// The longest query, in bytes.
pub(super) const LONGEST: usize = 1 << 10;

/// The most words and phrases of a query.
const CLAUSES: usize = 16;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// All of these, each in one of its forms.
    pub(super) clauses: Vec<Vec<Sequence>>,
}

/// Words that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    /// The words by their distance from the first.
    pub(super) words: Vec<(usize, String)>,
    /// Whether the last one may go on.
    pub(super) is_open: bool,
}

impl Query {
    /// Reads a query. None where it has no words, or is too long.
    pub(super) fn read(text: &str) -> Option<Query> {
        if text.len() > LONGEST {
            return None;
        }
        let mut clauses = Vec::new();
        // Every other part stands between quotes; one that is not closed goes to the end.
        for (at, part) in text.split('"').enumerate() {
            match at % 2 {
                1 => clauses.push(sequences(part, true)),
                _ => clauses.extend(part.split_whitespace().map(|word| sequences(word, false))),
            }
        }
        clauses.retain(|clause| !clause.is_empty());
        clauses.truncate(CLAUSES);
        (!clauses.is_empty()).then_some(Query { clauses })
    }

    /// Whether an index knows of each text that it has what is looked for. Of words of which the last goes on it knows that they
    /// are there, and not that they follow each other.
    pub(super) fn is_exact(&self) -> bool {
        !self.clauses.iter().flatten().any(|sequence| sequence.is_open && sequence.words.len() > 1)
    }

    /// Where a text has what is looked for, in bytes and in order. None where it has not all of it.
    pub(super) fn find(&self, text: &str) -> Option<Vec<(usize, usize)>> {
        let words = words(text);
        let mut ranges = Vec::new();
        for clause in &self.clauses {
            let before = ranges.len();
            clause.iter().for_each(|sequence| sequence.find(text, &words, &mut ranges));
            if ranges.len() == before {
                return None;
            }
        }
        ranges.sort_unstable();
        // Those that meet are one.
        ranges.dedup_by(|next, last| {
            let meet = next.0 <= last.1;
            if meet {
                last.1 = last.1.max(next.1);
            }
            meet
        });
        Some(ranges)
    }
}

/// The forms of a word or a phrase: its words in order, and a name as a whole.
fn sequences(text: &str, is_phrase: bool) -> Vec<Sequence> {
    let found = words(text);
    let is_part = |word: &&Word| matches!(word.kind, WordKind::Plain | WordKind::Pair);
    let parts: Vec<&Word> = found.iter().filter(is_part).collect();
    let Some((first, last)) = parts.first().zip(parts.last()) else { return Vec::new() };
    // A character alone is the first of pairs.
    let is_alone = last.kind == WordKind::Pair && last.text.chars().count() == 1;
    let is_open = is_alone || (!is_phrase && last.kind == WordKind::Plain);
    let words = parts.iter().map(|word| (word.position - first.position, word.text.clone())).collect();
    let mut forms = vec![Sequence { words, is_open }];
    if let [name, ..] = found.as_slice()
        && name.kind == WordKind::Name
        && name.to == text.trim_end().len()
    {
        forms.push(Sequence { words: vec![(0, name.text.clone())], is_open: !is_phrase });
    }
    forms
}

impl Sequence {
    fn find(&self, text: &str, words: &[Word], ranges: &mut Vec<(usize, usize)>) {
        let Some((_, first)) = self.words.first() else { return };
        for start in words.iter().filter(|word| self.fits(word, first, self.words.len() == 1)) {
            let end = self.words.iter().enumerate().skip(1).try_fold(start, |_, (at, (distance, wanted))| {
                let position = start.position + distance;
                let from = words.partition_point(|word| word.position < position);
                let there = words[from..].iter().take_while(|word| word.position == position);
                there.into_iter().find(|word| self.fits(word, wanted, at + 1 == self.words.len()))
            });
            let Some(end) = end else { continue };
            let length = self.words.last().map_or(0, |(_, last)| last.chars().count());
            let to = text[end.from..end.to].char_indices().nth(length).map_or(end.to, |(at, _)| end.from + at);
            ranges.push((start.from, to));
        }
    }

    fn fits(&self, word: &Word, wanted: &str, is_last: bool) -> bool {
        match is_last && self.is_open {
            true => word.text.starts_with(wanted),
            false => word.text == wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, text: &str) -> Option<Vec<String>> {
        let ranges = Query::read(query)?.find(text)?;
        Some(ranges.into_iter().map(|(from, to)| text[from..to].to_owned()).collect())
    }

    #[test]
    fn words_names_phrases_and_parts_of_unspaced_scripts_are_found() {
        let text = "The RpcEndpoint resumes 에이전트의 트랜스크립트를 검색한다; resume_from(検索結果)";
        for (query, wanted) in [
            ("endp", &["Endp"][..]),
            ("RpcEndpoint", &["RpcEndpoint"]),
            ("rpcendp", &["RpcEndp"]),
            ("resume_from", &["resume_from"]),
            ("resume", &["resume", "resume"]),
            ("\"endpoint resumes\"", &["Endpoint resumes"]),
            ("트랜스", &["트랜스"]),
            ("전트의", &["전트의"]),
            ("索結", &["索結"]),
            ("검", &["검"]),
            ("the 검색", &["The", "검색"]),
        ] {
            let wanted: Vec<String> = wanted.iter().map(|part| (*part).to_owned()).collect();
            assert_eq!(found(query, text), Some(wanted), "{query}");
        }
        for query in ["point", "\"endpoint resume\"", "트스", "resumes nothing", "\"resumes endpoint\""] {
            assert_eq!(found(query, text), None, "{query}");
        }
    }

    #[test]
    fn a_query_without_words_is_none() {
        for query in ["", " ", "\"\"", "()", &"x".repeat(LONGEST + 1)] {
            assert_eq!(Query::read(query), None, "{query}");
        }
    }
}
