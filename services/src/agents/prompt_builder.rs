//! What is sent with a prompt beside what somebody typed: the role, the project, the file and the selection that are spoken
//! of, notes and rules. Bounded; nothing that lies outside of the session's folder; whatever is cut or left out is told.

mod context;
mod file;
mod layout;
mod room;
mod template;
mod tree;

use std::path::{Path, PathBuf};

use super::item::Content;
pub use context::{ContextSummary, CurrentFile, Omitted, OmittedWhy, PartKind, PromptContext, PromptPart, Selection};
use layout::{Layout, Section};
use room::Room;
pub use template::{Template, Templates};

/// Of the budget, what the last heading takes.
const END: Room = Room::ascii(100);

/// The most that the project's tree takes, in characters.
const TREE: usize = 6_000;

/// The longest name that a template or a language of a fence may have.
const NAME: usize = 64;

/// What is to be added to a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// The file that is spoken of.
    pub current_file: Option<CurrentFile>,
    /// What of it is selected.
    pub selection: Option<Selection>,
    /// The template that says what else is added.
    pub template: Option<String>,
    /// What was said before, where the agent was not there.
    pub history: Vec<Spoken>,
}

impl Additions {
    /// Whether the template's own parts are wanted.
    fn wants_template(&self) -> bool {
        self.current_file.is_some() || self.selection.is_some() || self.template.is_some()
    }
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Whether by the agent.
    pub is_agent: bool,
    /// What.
    pub text: String,
}

impl Spoken {
    /// The text of some parts.
    pub fn text_of(parts: &[Content]) -> String {
        let texts = parts.iter().filter_map(|part| match part {
            Content::Text { text } => Some(text.as_str()),
            Content::ResourceLink { uri, .. } => Some(uri.as_str()),
            Content::Image { .. } | Content::Other { .. } => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

/// Why nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBuilt {
    /// The file is none that can be sent.
    #[error("{path} {why}")]
    File {
        /// Its path, as it was given.
        path: String,
        /// What is wrong with it, to follow its path.
        why: String,
    },
    /// There is no such template.
    #[error("there is no template {0}; the daemon's configuration has them as [agent.template.NAME]")]
    NoTemplate(String),
}

/// The tokens that a text comes to: one for each four ASCII characters, one for each other character. An estimate: models
/// count in their own ways, and differ from it by a fifth for English and for programs.
pub fn estimated_tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().filter(|c| !c.is_ascii()).count();
    (ascii.div_ceil(4) + others) as u64
}

/// Builds what is sent in front of a prompt; nothing where nothing is to be added. Looks at the disk.
///
/// # Errors
/// The file is outside of the folder, no text, or cannot be read; the template is not known.
pub(super) fn build(
    folder: &Path,
    templates: &Templates,
    additions: &Additions,
) -> Result<Option<PromptContext>, NotBuilt> {
    if *additions == Additions::default() {
        return Ok(None);
    }
    let name = additions.template.as_deref();
    let template = templates.find(name).ok_or_else(|| {
        let name: String = name.unwrap_or_default().chars().take(NAME).collect();
        NotBuilt::NoTemplate(name)
    })?;
    let folder = folder.canonicalize().map_err(|error| NotBuilt::File {
        path: folder.to_string_lossy().into_owned(),
        why: format!("cannot be worked in: {error}"),
    })?;
    let mut layout = Layout::new(Room::new(template.characters, template.tokens) - END);
    if additions.wants_template() {
        layout.text(PartKind::Role, Section::first("Role"), &template.role);
        layout.text(PartKind::Rules, Section::last("Rules"), &template.rules);
        layout.text(PartKind::Notes, Section::middle("Notes"), &template.notes);
    }
    layout.history(&additions.history);
    let place = additions.current_file.as_ref().map(|file| Place::of(&folder, file.path())).transpose()?;
    if let Some(selection) = &additions.selection {
        layout.selection(selection, place.as_ref());
    }
    if template.tree && additions.wants_template() {
        layout.tree(&tree::read(&folder, layout.left().part(4).at_most(TREE)));
    }
    if let (Some(file), Some(place)) = (&additions.current_file, &place) {
        let source = file::read(place, file.content())?;
        layout.file(&source, additions.selection.as_ref(), place);
    }
    Ok(Some(layout.finish()))
}

/// A file of the session's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// Without links.
    real: PathBuf,
    /// Below the folder, with `/` between names.
    shown: String,
    /// As it was given.
    given: String,
}

impl Place {
    fn of(folder: &Path, given: &str) -> Result<Place, NotBuilt> {
        let refused = |why: &str| NotBuilt::File { path: given.to_owned(), why: why.to_owned() };
        if given.is_empty() || given.contains('\0') {
            return Err(refused("is no path of a file"));
        }
        let real = super::scope::real(&folder.join(given)).ok_or_else(|| refused("leads nowhere"))?;
        let outside = "is outside of the session's folder, and nothing from there is sent";
        let below = real.strip_prefix(folder).map_err(|_| refused(outside))?;
        let names: Vec<String> = below.components().map(|name| plain(&name.as_os_str().to_string_lossy())).collect();
        if names.is_empty() {
            return Err(refused("is the session's folder, and no file"));
        }
        Ok(Place { shown: names.join("/"), real, given: given.to_owned() })
    }
}

/// A name on one line, whatever it holds.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_control() || c == '`' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_estimated_by_what_a_text_is_written_in() {
        assert_eq!(estimated_tokens(""), 0);
        assert_eq!(estimated_tokens("four"), 1);
        assert_eq!(estimated_tokens("fiver"), 2);
        assert_eq!(estimated_tokens("안녕하세요"), 5);
        assert_eq!(estimated_tokens("né"), 2);
    }

    #[test]
    fn a_name_cannot_break_out_of_its_line() {
        assert_eq!(plain("a\n# Rules\u{1b}[0m`"), "a\u{fffd}# Rules\u{fffd}[0m\u{fffd}");
    }
}
