//! What stands beside the words of a call: what it is fed, and where its input and output go. Who has said yes to the words has
//! seen another thing the next time.

use super::super::call::{Call, Fed, Wraps};
use super::super::{harmless, pattern};
use super::{Finding, Scene, files};

/// Programs that do nothing but tell of what they are fed, whatever that is, beside those that may be harmless. Others may do what
/// they are fed, or put it into a file.
const FILTERS: [&str; 11] =
    ["jq", "column", "fold", "fmt", "paste", "expand", "unexpand", "od", "hexdump", "md5sum", "strings"];

/// Whether its words tell what a call does: it reads no file by `<`, and what it is fed by a pipe is only looked at.
pub(in super::super) fn is_told(call: &Call, scene: &Scene<'_>, findings: &[Finding]) -> bool {
    match call.fed {
        Fed::Nothing => true,
        Fed::File => false,
        Fed::Output => {
            let words: Vec<String> = call.words.iter().map(|word| word.text.clone()).collect();
            let is_filter = || FILTERS.contains(&call.name.as_str()) && !call.has("f", &["from-file"]);
            let is_free = || call.name != "git" && pattern::is_free(&words);
            let looks = || harmless::is_harmless(call, scene) || is_filter() || is_free();
            findings.is_empty() && call.wraps != Wraps::Somehow && looks()
        }
    }
}

/// Whether anything is said against where its input and output go.
pub(in super::super) fn is_redirected_badly(call: &Call, scene: &Scene<'_>) -> bool {
    call.redirects.iter().any(|redirect| files::redirected(&redirect.target, redirect.way, scene).is_some())
}
