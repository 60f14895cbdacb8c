//! What stands beside the words of a call: what it is fed, and where its input and output go. Who has said yes to the words has
//! seen another thing the next time.

use super::super::call::{Call, Fed, Wraps};
use super::super::pattern;
use super::{Finding, Scene, files};

/// Programs that do what they are fed, or put it into a file, beside those that are dangerous by their name.
const OBEDIENT: [&str; 25] = [
    "patch", "tar", "bsdtar", "gtar", "cpio", "pax", "unzip", "ed", "ex", "vi", "vim", "nvim", "emacs", "gdb", "lldb",
    "make", "gmake", "dd", "tee", "sponge", "m4", "dc", "expect", "jshell", "ghci",
];

/// Whether its words tell what a call does: it reads no file by `<`, and what it is fed by a pipe is only looked at.
pub(in super::super) fn is_told(call: &Call, findings: &[Finding]) -> bool {
    match call.fed {
        Fed::Nothing => true,
        Fed::File => false,
        Fed::Output => {
            let words: Vec<String> = call.words.iter().map(|word| word.text.clone()).collect();
            let obeys = OBEDIENT.contains(&call.name.as_str()) || (call.name == "git" && !pattern::is_free(&words));
            findings.is_empty() && call.wraps != Wraps::Somehow && !obeys
        }
    }
}

/// Whether anything is said against where its input and output go.
pub(in super::super) fn is_redirected_badly(call: &Call, scene: &Scene<'_>) -> bool {
    call.redirects.iter().any(|redirect| files::redirected(&redirect.target, redirect.way, scene).is_some())
}
