use proptest::prelude::*;

use super::super::hostile;
use super::*;

/// What Org sees: headings by their levels, wherever they stand; blocks with their texts; lines outside of both.
#[derive(Debug, Default)]
struct Seen {
    headings: Vec<usize>,
    blocks: Vec<String>,
    rest: Vec<String>,
}

fn read(page: &str) -> Seen {
    let mut seen = Seen::default();
    let mut block: Option<(String, Vec<String>)> = None;
    for line in page.split('\n') {
        let stars = line.len() - line.trim_start_matches('*').len();
        if stars > 0 && line[stars..].starts_with(' ') {
            assert!(block.is_none(), "a heading in a block: {page}");
            seen.headings.push(stars);
            continue;
        }
        let keyword = line.trim().to_lowercase();
        match &mut block {
            Some((name, lines)) if keyword == format!("#+end_{name}") => {
                seen.blocks.push(lines.join("\n"));
                block = None;
            }
            Some((_, lines)) => lines.push(unescaped(line)),
            None => match keyword.strip_prefix("#+begin_") {
                Some(rest) => block = rest.split(' ').next().map(|name| (name.to_owned(), Vec::new())),
                None => seen.rest.push(line.to_owned()),
            },
        }
    }
    assert!(block.is_none(), "a block without end: {page}");
    seen
}

/// As `org-unescape-code-in-string` has it.
fn unescaped(line: &str) -> String {
    let rest = line.trim_start_matches([' ', '\t']);
    let white = &line[..line.len() - rest.len()];
    match rest.strip_prefix(',').filter(|_| needs_comma(rest)) {
        Some(rest) => format!("{white}{rest}"),
        None => line.to_owned(),
    }
}

fn holds(transcript: &Transcript) {
    let page = transcript.org();
    let seen = read(&page);
    let blocks = transcript.document().blocks;
    let headings: Vec<usize> = blocks
        .iter()
        .filter_map(|block| match block {
            Block::Heading { level, .. } => Some(*level),
            _ => None,
        })
        .collect();
    assert_eq!(seen.headings, headings, "{page}");
    let texts = blocks.iter().filter_map(|block| match block {
        Block::Prose(text) | Block::Code { text, .. } => Some(visible(text).lines().collect::<Vec<_>>().join("\n")),
        Block::Lines(lines) => (!lines.is_empty()).then(|| {
            let lines: Vec<_> = lines.iter().map(|line| visible_line(line).into_owned()).collect();
            lines.join("\n").lines().collect::<Vec<_>>().join("\n")
        }),
        Block::Heading { .. } | Block::Label(_) => None,
    });
    assert_eq!(seen.blocks, texts.collect::<Vec<_>>(), "{page}");
    let mut is_drawer = false;
    for line in &seen.rest {
        match line.as_str() {
            ":PROPERTIES:" => is_drawer = true,
            ":END:" => {
                assert!(is_drawer, "the end of nothing: {page}");
                is_drawer = false;
            }
            line if is_drawer => assert!(line.starts_with(':') && line[1..].contains(": "), "{line:?} in {page}"),
            line => assert!(!line.trim_start().starts_with(':'), "{line:?} in {page}"),
        }
    }
    assert!(page.ends_with("\n\u{c}\n"), "nothing on the last page");
}

#[test]
fn what_org_would_read_in_a_block_is_escaped_as_org_does_it() {
    let mut page = String::new();
    block_of(&mut page, "example", "example", "* a\n  ,#+end_example\n,,* b\n:END:\nx * y");
    assert_eq!(page, "#+begin_example\n,* a\n  ,,#+end_example\n,,,* b\n:END:\nx * y\n#+end_example\n\n");
}

#[test]
fn a_heading_has_words_alone() {
    assert_eq!(words("Tool: mcp__x [[elisp:(y)]] <2026-01-01> :tag:"), "Tool: mcp__x elisp y 2026-01-01 tag");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn no_text_ends_a_block_or_a_drawer_or_makes_a_heading(transcript in hostile::transcript()) {
        holds(&transcript);
    }
}
