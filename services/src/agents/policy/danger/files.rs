//! Files: what is deleted, opened to everybody, written outside of the folder, or secret.

use std::collections::HashSet;

use super::super::super::permission::Risk;
use super::super::call::{Call, Wraps};
use super::super::place::{Place, secret};
use super::super::shell::{Way, Word};
use super::{Finding, Scene, Stand, shown};

/// Programs that change the files that they are given.
const WRITERS: [&str; 20] = [
    "cp", "mv", "ln", "tee", "touch", "mkdir", "rmdir", "rm", "unlink", "install", "truncate", "split", "csplit",
    "patch", "tar", "unzip", "zip", "gunzip", "chmod", "dd",
];

pub(super) fn findings(call: &Call, scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(deleted(call, scene));
    found.extend(opened(call));
    found.extend(taken_away(call, scene));
    found.extend(copied(call, scene));
    found.extend(mirrored(call, scene));
    found.extend(call.redirects.iter().filter_map(|redirect| redirected(&redirect.target, redirect.way, scene)));
    found.extend(told(call, scene));
    if WRITERS.contains(&call.name.as_str()) || changes_in_place(call) {
        found.extend(call.operands().filter_map(|word| written(&word.text, word.is_known, scene)));
    }
    let redirected = call.redirects.iter().map(|redirect| &redirect.target);
    let words = call.words.iter().chain(&call.assignments).chain(redirected);
    found.extend(hidden(words.map(|word| word.text.as_str())));
    found
}

/// Characters in texts that cannot be seen.
pub(in super::super) fn hidden<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Finding> {
    let is_one = texts.into_iter().any(|text| text.chars().any(is_hidden));
    is_one.then(|| Finding::new("hidden_characters", Risk::High, "it holds characters that cannot be seen"))
}

/// Characters that change how a text looks and not what it does.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether it changes the files that it is given, as `sed -i` does.
pub(in super::super) fn changes_in_place(call: &Call) -> bool {
    ["sed", "perl", "ruby"].contains(&call.name.as_str()) && call.has("i", &["in-place"])
}

/// Deleting folders with everything in them.
fn deleted(call: &Call, scene: &Scene<'_>) -> Option<Finding> {
    let by_find = call.name == "find" && call.given().any(|word| word == "-delete");
    let is_deep = ["rm", "del", "rd", "trash"].contains(&call.name.as_str())
        && call.has("rR", &["recursive", "no-preserve-root"]);
    if !by_find && !is_deep {
        let removes = ["rm", "unlink", "truncate"].contains(&call.name.as_str());
        let text = || format!("`{}` deletes files", shown(call));
        return removes.then(|| Finding::new("delete", Risk::Medium, text()));
    }
    // `find` begins in folders that stand in front of its conditions, or here.
    let begins = |word: &&Word| !word.text.starts_with(['-', '!', '(']);
    let places: Vec<&Word> = match by_find {
        true => call.words.iter().skip(1).take_while(|word| begins(word)).collect(),
        false => call.operands().filter(|word| word.text != "--").collect(),
    };
    let is_inside = |word: &&&Word| {
        let place = scene.ground.place(scene.cwd, &word.text);
        let is_ours = scene.ground.holds_own(scene.cwd, &word.text);
        let is_placed = match scene.stand {
            Stand::Here => true,
            Stand::Within => word.text.starts_with('/') || !word.text.contains(".."),
            Stand::Anywhere => word.text.starts_with('/'),
        };
        word.is_known && is_placed && !is_ours && (place == Place::Inside || (by_find && place == Place::Folder))
    };
    let whole = call.has("", &["no-preserve-root"]);
    let is_bounded = !whole && !places.is_empty() && places.iter().filter(is_inside).count() == places.len();
    let (risk, text) = match is_bounded {
        true => (Risk::High, "deletes folders with everything in them"),
        false => (
            Risk::Critical,
            "deletes folders with everything in them, and which ones is not known or they are not this folder's",
        ),
    };
    Some(Finding::new("delete_all", risk, format!("`{}` {text}", shown(call))))
}

/// Folders that are moved or closed with what is the daemon's own in them.
fn taken_away(call: &Call, scene: &Scene<'_>) -> Option<Finding> {
    let given: Vec<&Word> = call.operands().filter(|word| word.text != "--").collect();
    let taken = match call.name.as_str() {
        "mv" => given.split_last().map_or(&[][..], |(_, moved)| moved),
        "rmdir" | "chmod" | "chown" => &given[..],
        _ => &[],
    };
    taken.iter().find_map(|word| held(&word.text, scene))
}

/// A folder with what is the daemon's own in it.
pub(in super::super) fn held(path: &str, scene: &Scene<'_>) -> Option<Finding> {
    let text = || format!("changes {path}, which holds what is the daemon's own");
    scene.ground.holds_own(scene.cwd, path).then(|| Finding::new("protected_files", Risk::Critical, text()))
}

/// Opening files to everybody, or giving programs their owner's rights.
fn opened(call: &Call) -> Option<Finding> {
    if call.name != "chmod" {
        return None;
    }
    let is_deep = call.has("R", &["recursive"]);
    let mode = call.operand(0);
    let digits = mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) && !mode.is_empty();
    let for_all = match digits {
        true => mode.bytes().last().is_some_and(|last| (last - b'0') & 2 != 0),
        false => mode.split(',').any(|part| {
            part.split_once(['+', '='])
                .is_some_and(|(who, what)| (who.is_empty() || who.contains(['a', 'o'])) && what.contains('w'))
        }),
    };
    let as_owner = if digits { mode.len() > 3 && !mode.starts_with('0') } else { mode.contains('s') };
    match (for_all || as_owner, is_deep) {
        (true, true) => {
            Some(Finding::new("permissions", Risk::Critical, "lets everybody change everything below a folder"))
        }
        (true, false) => {
            Some(Finding::new("permissions", Risk::High, "lets everybody change a file, or run it as its owner"))
        }
        (false, true) => {
            Some(Finding::new("permissions", Risk::Medium, "changes who may read everything below a folder"))
        }
        (false, false) => None,
    }
}

fn copied(call: &Call, scene: &Scene<'_>) -> Option<Finding> {
    if call.name != "dd" {
        return None;
    }
    let target = call.given().find_map(|word| word.strip_prefix("of="));
    let is_device = target.is_some_and(|target| {
        !matches!(scene.ground.place(scene.cwd, target), Place::Inside | Place::Nowhere | Place::Folder)
    });
    let risk = if is_device || !call.is_known() { Risk::Critical } else { Risk::High };
    Some(Finding::new("disk", risk, "`dd` overwrites what it is pointed at"))
}

/// Making a folder like another one, with everything deleted in it that is not in that.
fn mirrored(call: &Call, scene: &Scene<'_>) -> Option<Finding> {
    let deletes = call.given().any(|word| word.starts_with("--del") || word.starts_with("--remove-source"));
    if call.name != "rsync" || !deletes {
        return None;
    }
    let place = |word: &Word| scene.ground.place(scene.cwd, &word.text);
    let target = call.operands().last().filter(|word| word.is_known && scene.stand == Stand::Here);
    let is_inside = target.is_some_and(|word| !word.text.contains(':') && place(word) == Place::Inside);
    let risk = if is_inside { Risk::High } else { Risk::Critical };
    Some(Finding::new("delete_all", risk, format!("`{}` deletes what is not on the other side", shown(call))))
}

pub(super) fn redirected(target: &Word, way: Way, scene: &Scene<'_>) -> Option<Finding> {
    match way {
        Way::Same | Way::Text => None,
        Way::Write => written(&target.text, target.is_known, scene),
        Way::Read => read(&target.text, target.is_known, scene),
    }
}

/// A file that is written.
pub(in super::super) fn written(path: &str, is_known: bool, scene: &Scene<'_>) -> Option<Finding> {
    if let Some(risk) = scene.ground.secret(scene.cwd, path) {
        return Some(Finding::new("secrets", risk, format!("changes {path}, which holds keys or may")));
    }
    let (risk, text) = match scene.ground.place(scene.cwd, path) {
        Place::Own => (Risk::Critical, "which is the daemon's own"),
        _ if !is_known => (Risk::High, "and where that is, is only known when it does"),
        Place::Inside | Place::Nowhere => return None,
        Place::Folder => (Risk::Medium, "the folder itself"),
        Place::Delicate => (Risk::High, "where a change is more than a change: it may run by itself"),
        Place::Outside => (Risk::High, "outside of the session's folder"),
        Place::System => (Risk::Critical, "which is the system's"),
    };
    let rule = match (risk, is_known) {
        (Risk::Critical, _) => "protected_files",
        (_, false) => "unknown_file",
        _ => "outside",
    };
    Some(Finding::new(rule, risk, format!("changes {path}, {text}")))
}

/// A file that is read.
pub(in super::super) fn read(path: &str, is_known: bool, scene: &Scene<'_>) -> Option<Finding> {
    if let Some(risk) = scene.ground.secret(scene.cwd, path) {
        return Some(Finding::new("secrets", risk, format!("reads {path}, which holds keys or may")));
    }
    match scene.ground.place(scene.cwd, path) {
        Place::Own => {
            Some(Finding::new("protected_files", Risk::Critical, format!("reads {path}, which is the daemon's own")))
        }
        _ if !is_known && !is_of_home(path) => None,
        Place::Outside | Place::System if looks_like_path(path) || is_of_home(path) => {
            Some(Finding::new("outside", Risk::Medium, format!("{path} is outside of the session's folder")))
        }
        _ => None,
    }
}

/// Whether a path begins in the home, however that is written.
fn is_of_home(path: &str) -> bool {
    ["~", "$HOME", "${HOME}"].iter().any(|home| {
        let rest = path.strip_prefix(home);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn looks_like_path(word: &str) -> bool {
    word.starts_with('/') || word.starts_with("..") || word.starts_with('~') || word.contains("/..")
}

/// Settings in the folder: what looks at them may change them as well.
fn delicate(path: &str, scene: &Scene<'_>) -> Option<Finding> {
    let text = || format!("names {path}, where a change is more than a change: it may run by itself");
    let is_delicate = scene.ground.place(scene.cwd, path) == Place::Delicate;
    is_delicate.then(|| Finding::new("outside", Risk::Medium, text()))
}

/// Files that a call names, in words and in the values of options.
fn told(call: &Call, scene: &Scene<'_>) -> Vec<Finding> {
    // What is behind it tells of itself.
    let is_whole = call.wraps == Wraps::Nothing || call.name == "find";
    let own = if is_whole { call.words.len() } else { call.own };
    let mut found: Vec<Finding> = Vec::new();
    let mut texts = HashSet::new();
    for word in call.words.iter().take(own).skip(1) {
        let pieces = word.text.split(['=', ':', '@', ',', '\'', '"']).filter(|piece| !piece.is_empty());
        let attached = word.text.get(2..).filter(|_| word.text.starts_with('-') && !word.text.starts_with("--"));
        for piece in pieces.chain(attached).chain([word.text.as_str()]) {
            let is_text = word.is_known && !word.text.starts_with('-') && !word.text.contains(':');
            let finding = match secret(piece) {
                Some(_) if is_text && scene.is_text(call, piece) => delicate(piece, scene),
                Some(risk) => Some(Finding::new("secrets", risk, format!("names {piece}, which holds keys or may"))),
                None => read(piece, word.is_known, scene).or_else(|| delicate(piece, scene)),
            };
            found.extend(finding.filter(|finding| texts.insert((finding.rule, finding.text.clone()))));
        }
    }
    found
}
