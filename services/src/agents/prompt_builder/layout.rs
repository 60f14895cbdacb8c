//! How a context is written: sections of Markdown, each cut to what is left of the budget, with fences that nothing inside can
//! close.

use super::context::{ContextSummary, Omitted, OmittedWhy, PartKind, PromptContext, PromptPart, Selection};
use super::file::{Text, is_secret};
use super::room::Room;
use super::tree::Tree;
use super::{NAME, Place, Spoken, estimated_tokens, plain};

/// The most that a heading and the words below it take, without paths.
const HEADING: Room = Room::ascii(100);

/// Where a section stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    First,
    Tree,
    Middle,
    History,
    File,
    Selection,
    Last,
}

/// A heading and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    rank: Rank,
    heading: &'static str,
}

impl Section {
    pub(super) fn first(heading: &'static str) -> Section {
        Section { rank: Rank::First, heading }
    }

    pub(super) fn middle(heading: &'static str) -> Section {
        Section { rank: Rank::Middle, heading }
    }

    pub(super) fn last(heading: &'static str) -> Section {
        Section { rank: Rank::Last, heading }
    }
}

/// A context that is being written.
pub(super) struct Layout {
    left: Room,
    sections: Vec<(Rank, String, PromptPart)>,
    omitted: Vec<Omitted>,
}

impl Layout {
    pub(super) fn new(left: Room) -> Layout {
        Layout { left, sections: Vec::new(), omitted: Vec::new() }
    }

    /// What is left.
    pub(super) fn left(&self) -> Room {
        self.left
    }

    /// A text of the template.
    pub(super) fn text(&mut self, kind: PartKind, section: Section, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let (cut, missing) = (self.left - HEADING).beginning(text);
        let what = section.heading.to_lowercase();
        self.cut(&what, missing, "characters");
        self.push(section.rank, section.heading, cut, part(kind, None, cut, missing > 0));
    }

    /// What is selected; half of what is left at most.
    pub(super) fn selection(&mut self, selection: &Selection, place: Option<&Place>) {
        if !self.left.part(2).holds(around(&selection.text, place)) {
            return self.has_no_room("selection");
        }
        let most = self.left.part(2) - around(&selection.text, place);
        let (text, missing) = most.beginning(&selection.text);
        self.cut("selection", missing, "characters");
        let lines = match (selection.start_line, selection.end_line) {
            (Some(start), Some(end)) => format!("lines {start} to {end}"),
            (Some(start), None) => format!("from line {start}"),
            (None, _) => String::new(),
        };
        let at = place.map(|place| format!("`{}`", place.shown));
        let of: Vec<String> = at.into_iter().chain(Some(lines).filter(|lines| !lines.is_empty())).collect();
        let language = place.map(|place| language(&place.shown)).unwrap_or_default();
        let body = format!("{}{}", sentence(&of.join(", ")), fenced(text, language));
        let path = place.map(|place| place.shown.clone());
        self.push(Rank::Selection, "Selection", &body, part(PartKind::Selection, path, text, missing > 0));
    }

    /// What was said before; half of what is left at most, and the newest of it.
    pub(super) fn history(&mut self, history: &[Spoken]) {
        let mut left = self.left.part(2) - HEADING;
        let said = history.iter().rev().map(|spoken| {
            let who = if spoken.is_agent { "Agent" } else { "Person" };
            format!("{who}:\n\n{}\n", fenced(&spoken.text, ""))
        });
        let newest: Vec<String> = said
            .take_while(|said| {
                let taken = Room::of(said);
                let fits = left.holds(taken);
                left = left - taken;
                fits
            })
            .collect();
        let missing = history.len() - newest.len();
        self.cut("history", missing, "messages");
        if !newest.is_empty() {
            let text: String = newest.into_iter().rev().collect();
            self.push(Rank::History, "What was said before", &text, part(PartKind::History, None, &text, missing > 0));
        }
    }

    /// The project's files.
    pub(super) fn tree(&mut self, tree: &Tree) {
        let is_cut = tree.left_out > 0 || tree.is_endless;
        if is_cut {
            let more = if tree.is_endless { " or more" } else { "" };
            self.cut("tree", tree.left_out.max(1), &format!("entries{more}"));
        }
        let secret = |path: &String| Omitted {
            what: path.clone(),
            why: OmittedWhy::Secret,
            detail: "its name says that it holds secrets".to_owned(),
        };
        self.omitted.extend(tree.secrets.iter().map(secret));
        if tree.unreadable > 0 {
            let detail = format!("{} places cannot be read", tree.unreadable);
            self.omitted.push(Omitted { what: "tree".to_owned(), why: OmittedWhy::Unreadable, detail });
        }
        if !tree.text.is_empty() {
            let note = if is_cut { "Not all of its files:\n\n" } else { "" };
            let body = format!("{note}{}", fenced(&tree.text, ""));
            self.push(Rank::Tree, "Project", &body, part(PartKind::Tree, None, &tree.text, is_cut));
        }
    }

    /// The file, or that part of it that is nearest to what is selected.
    pub(super) fn file(&mut self, source: &Text, selection: Option<&Selection>, place: &Place) {
        let selected = selection.and_then(|selection| {
            let start = usize::try_from(selection.start_line?).ok()?.saturating_sub(1);
            let end = selection.end_line.and_then(|line| usize::try_from(line).ok()).unwrap_or(start + 1);
            Some((start, end.max(start + 1)))
        });
        if !self.left.holds(around(&source.text, Some(place))) {
            return self.has_no_room(&place.shown);
        }
        let most = self.left - around(&source.text, Some(place));
        let window = window(&source.text, most, selected.unwrap_or((0, 0)));
        let is_cut = !window.is_whole || source.unread > 0;
        if is_cut {
            let Window { first, last, of, .. } = window;
            let unread = match source.unread {
                0 => String::new(),
                bytes => format!(", and {bytes} bytes behind them were not read"),
            };
            let detail = format!("lines {first} to {last} of {of} are sent{unread}");
            self.omitted.push(Omitted { what: place.shown.clone(), why: OmittedWhy::Budget, detail });
        }
        let lines = match is_cut {
            true => format!(", lines {} to {}", window.first, window.last),
            false => String::new(),
        };
        let about = sentence(&format!("`{}`{lines}", place.shown));
        let body = format!("{about}{}", fenced(window.text, language(&place.shown)));
        let name = place.shown.rsplit('/').next().unwrap_or_default();
        let told = part(PartKind::File, Some(place.shown.clone()), window.text, is_cut);
        self.push(Rank::File, "Current file", &body, PromptPart { is_secret: is_secret(name), ..told });
    }

    pub(super) fn finish(self) -> PromptContext {
        let Layout { mut sections, omitted, .. } = self;
        sections.sort_by_key(|(rank, ..)| *rank);
        let (texts, parts): (Vec<String>, Vec<PromptPart>) =
            sections.into_iter().map(|(_, text, part)| (text, part)).unzip();
        let text = texts.concat() + "# What is asked";
        let summary = ContextSummary {
            characters: text.chars().count() as u64,
            estimated_tokens: estimated_tokens(&text),
            parts,
            omitted,
        };
        PromptContext { text, summary }
    }

    fn cut(&mut self, what: &str, missing: usize, of: &str) {
        if missing > 0 {
            let detail = format!("{missing} {of} are left out");
            self.omitted.push(Omitted { what: what.to_owned(), why: OmittedWhy::Budget, detail });
        }
    }

    fn has_no_room(&mut self, what: &str) {
        let detail = "there is no room for it".to_owned();
        self.omitted.push(Omitted { what: what.to_owned(), why: OmittedWhy::Budget, detail });
    }

    fn push(&mut self, rank: Rank, heading: &str, body: &str, part: PromptPart) {
        let text = format!("# {heading}\n\n{}\n\n", body.trim_end());
        self.left = self.left - Room::of(&text);
        self.sections.push((rank, text, part));
    }
}

fn part(kind: PartKind, path: Option<String>, text: &str, is_cut: bool) -> PromptPart {
    PromptPart { kind, path, characters: text.chars().count() as u64, is_cut, is_secret: false }
}

fn sentence(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{text}:\n\n") }
}

/// Some lines of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window<'a> {
    text: &'a str,
    /// Of its lines, counted from 1.
    first: usize,
    last: usize,
    of: usize,
    is_whole: bool,
}

/// As many whole lines as there is room for, around some of them: these first, then what is before and behind in turn.
fn window(text: &str, most: Room, (start, end): (usize, usize)) -> Window<'_> {
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let of = starts.len() - usize::from(text.ends_with('\n'));
    let line = |at: usize| &text[starts[at]..starts.get(at + 1).copied().unwrap_or(text.len())];
    let start = start.min(of.saturating_sub(1));
    let (mut first, mut last, mut left) = (start, start, most);
    while first > 0 || last < of {
        let is_nearer = last.saturating_sub(end) <= start - first;
        let goes_on = last < of && (last < end || first == 0 || is_nearer);
        let next = if goes_on { last } else { first - 1 };
        let taken = Room::of(line(next));
        if !left.holds(taken) {
            break;
        }
        left = left - taken;
        if goes_on { last += 1 } else { first -= 1 }
    }
    if last == first && of > 0 {
        // Not one line fits: its beginning is better than nothing.
        let (text, _) = most.beginning(line(first));
        return Window { text, first: first + 1, last: first + 1, of, is_whole: false };
    }
    let end = starts.get(last).copied().unwrap_or(text.len());
    Window { text: &text[starts[first]..end], first: first + 1, last, of, is_whole: first == 0 && last >= of }
}

/// What a text needs around it: a heading, the path twice for its ending, two fences.
fn around(text: &str, place: Option<&Place>) -> Room {
    let path = place.map_or(Room::ascii(0), |place| Room::of(&place.shown));
    HEADING.and(path).and(path).and(Room::ascii(2 * fence(text).len()))
}

/// A fence that is longer than any in a text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// A text between fences that nothing in it can close.
fn fenced(text: &str, language: &str) -> String {
    let fence = fence(text);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n")
}

/// The language of a file, as fences name it: its ending.
fn language(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_plain = ending.len() <= NAME && ending.chars().all(|c| c.is_ascii_alphanumeric());
    if is_plain && plain(ending) == ending { ending } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fenced("a", "rs"), "```rs\na\n```\n");
        assert_eq!(fenced("````\n", ""), "`````\n````\n`````\n");
    }

    #[test]
    fn a_window_grows_around_what_is_selected() {
        let text = "1\n2\n3\n4\n5\n6\n7\n";
        let seen = |most, around| window(text, Room::ascii(most), around).text;
        assert_eq!(seen(14, (0, 0)), text);
        assert_eq!(seen(4, (0, 0)), "1\n2\n");
        assert_eq!(seen(6, (3, 4)), "3\n4\n5\n");
        assert_eq!(seen(2, (6, 7)), "7\n");
        assert_eq!(seen(6, (6, 7)), "5\n6\n7\n");
        assert_eq!(seen(4, (99, 100)), "6\n7\n", "a line that is not there is behind the last");
        assert_eq!(window("long line", Room::ascii(4), (0, 0)).text, "long");
        assert_eq!(window("", Room::ascii(4), (0, 0)), Window { text: "", first: 1, last: 1, of: 1, is_whole: true });
    }

    proptest! {
        #[test]
        fn a_window_is_never_longer_than_it_may_be(
            text in "[a\\né]{0,80}", most in (0usize..60, 0usize..30), start in 0usize..30, length in 0usize..10
        ) {
            let most = Room::new(most.0, most.1);
            let window = window(&text, most, (start, start + length));
            prop_assert!(most.holds(Room::of(window.text)));
            prop_assert!(text.contains(window.text));
            prop_assert_eq!(window.is_whole, window.text.len() == text.len());
        }
    }
}
