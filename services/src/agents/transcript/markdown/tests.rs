use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::super::hostile;
use super::*;

/// What a reader of Markdown sees: headings by their levels, blocks of code, and what is neither text nor shape.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    headings: Vec<usize>,
    code: Vec<String>,
    foreign: Vec<String>,
}

fn read(page: &str) -> Seen {
    let mut seen = Seen::default();
    let mut code: Option<String> = None;
    // With mathematics, this reader takes dollars within spans of code for formulas.
    for event in Parser::new_ext(page, Options::all().difference(Options::ENABLE_MATH)) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => seen.headings.push(level as usize),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => code = Some(String::new()),
            Event::End(TagEnd::CodeBlock) => seen.code.extend(code.take()),
            Event::Text(text) => code.iter_mut().for_each(|code| code.push_str(&text)),
            Event::Start(
                tag @ (Tag::Image { .. }
                | Tag::Link { .. }
                | Tag::HtmlBlock
                | Tag::FootnoteDefinition(_)
                | Tag::MetadataBlock(_)),
            ) => seen.foreign.push(format!("{tag:?}")),
            Event::Html(html) | Event::InlineHtml(html) => seen.foreign.push(html.into_string()),
            _ => (),
        }
    }
    seen
}

fn wanted(transcript: &Transcript) -> (Vec<usize>, Vec<String>) {
    let blocks = transcript.document().blocks;
    let headings = blocks.iter().filter_map(|block| match block {
        Block::Heading { level, .. } => Some((level + 1).min(HeadingLevel::H6 as usize)),
        _ => None,
    });
    let code = blocks.iter().filter_map(|block| match block {
        Block::Code { text, .. } => Some(visible(text).into_owned()),
        _ => None,
    });
    ([1].into_iter().chain(headings).collect(), code.collect())
}

fn holds(transcript: &Transcript) {
    let page = transcript.markdown();
    let seen = read(&page);
    let (headings, code) = wanted(transcript);
    assert_eq!(seen.headings, headings, "{page}");
    assert!(seen.foreign.is_empty(), "{:?} in {page}", seen.foreign);
    let mut found = seen.code.iter();
    for wanted in code {
        let is_it = |code: &String| code.trim_end_matches('\n') == wanted.trim_end_matches('\n');
        assert!(found.any(is_it), "{wanted:?} is not whole in {page}");
    }
}

#[test]
fn what_agents_write_stays_readable() {
    let mut page = String::new();
    prose(&mut page, "# Done\nUse `Vec<T>` and **see**:\n\n1. one\n   ```rust\n   let a: Vec<u8>;\n   ```\n<b>[x](y)");
    assert_eq!(
        page,
        "&#35; Done\nUse `Vec<T>` and **see**:\n\n1. one\n\n```rust\nlet a: Vec<u8>;\n```\n\n&lt;b>[x]&#40;y)\n\n"
    );
}

#[test]
fn a_row_of_a_table_hides_no_html_between_backticks() {
    let page = "| a | b |\n|---|---|\n| `x | <img src=e> | y` |\n";
    let mut shown = String::new();
    prose(&mut shown, page);
    assert_eq!(read(&shown).foreign, Vec::<String>::new(), "{shown}");
    assert_ne!(read(page).foreign, Vec::<String>::new(), "it would, as it came");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn no_text_ends_a_block_makes_a_heading_or_is_more_than_text(transcript in hostile::transcript()) {
        holds(&transcript);
    }

    #[test]
    fn a_line_of_ours_is_one_line(text in hostile::text()) {
        prop_assert!(!span(&text).contains('\n') && !escaped(&text).contains('\n'));
    }
}
