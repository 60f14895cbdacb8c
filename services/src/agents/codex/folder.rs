//! What Codex is told of the folder that it works in, by its arguments.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::agent::Launch;
use super::super::trust::{FolderSettings, WithheldFiles, main_checkouts};

/// The name of a skill's file.
const SKILL: &str = "SKILL.md";

/// By what it knows the top of what it looks through for settings, as we do: a person may have told it of another that lies above.
const MARKERS: &str = r#"project_root_markers=[".git"]"#;

/// The most bytes that skills are named in: systems begin no program with an argument that is much longer.
const NAMED: usize = 100_000;

/// Whether the folder is trusted, and what is to be left out of it else: Codex trusts every one that it may write to, for good, unless it is told otherwise.
pub(super) fn arguments(launch: &Launch) -> Vec<String> {
    let is_trusted = launch.settings == FolderSettings::Trusted;
    let level = if is_trusted { "trusted" } else { "untrusted" };
    let told = |folder: &PathBuf| format!("{}={{trust_level=\"{level}\"}}", quoted(&folder.to_string_lossy()));
    let each: Vec<String> = folders(&launch.cwd, is_trusted).iter().map(told).collect();
    let projects = format!("projects={{{}}}", each.join(","));
    let skills =
        if launch.settings == FolderSettings::Withheld { without_skills(&launch.withheld) } else { Vec::new() };
    [MARKERS.to_owned(), projects].into_iter().chain(skills).flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

/// What is quoted for JSON is quoted for TOML, but for one letter that this takes no more than other control characters.
fn quoted(text: &str) -> String {
    json!(text).to_string().replace('\u{7f}', "\\u007f")
}

/// Each skill of the folder is switched off by its path: Codex loads them whether it trusts the folder or not. Where not all are
/// known, or they are too many to be named, its model is told of none.
fn without_skills(withheld: &WithheldFiles) -> Vec<String> {
    let skills: Vec<&Path> = withheld.files.iter().map(PathBuf::as_path).filter(|file| file.ends_with(SKILL)).collect();
    let named: Vec<&str> = skills.iter().filter_map(|skill| skill.to_str()).collect();
    let off: Vec<String> = named.iter().map(|skill| format!("{{path={},enabled=false}}", quoted(skill))).collect();
    let are_few = off.iter().map(String::len).sum::<usize>() <= NAMED;
    let config = (are_few && !off.is_empty()).then(|| format!("skills.config=[{}]", off.join(",")));
    let are_known = withheld.is_whole && named.len() == skills.len();
    let untold = (!are_known || !are_few).then(|| "skills.include_instructions=false".to_owned());
    config.into_iter().chain(untold).collect()
}

/// The folders by which it looks for its trust, which a person may have told it of any between the session's and the repository's.
/// That of the repository that a worktree belongs to is none of the trusted ones: what Codex loads of it is not what was looked at.
fn folders(cwd: &Path, is_trusted: bool) -> BTreeSet<PathBuf> {
    // It takes a name for another one where a slash is behind it.
    let cwd: PathBuf = cwd.components().collect();
    let depth = cwd.ancestors().position(|folder| folder.join(".git").exists());
    let within: Vec<&Path> = cwd.ancestors().take(depth.unwrap_or_default() + 1).collect();
    let main = within.last().filter(|_| !is_trusted).map(|top| main_checkouts(top)).unwrap_or_default();
    within.into_iter().map(Path::to_owned).chain(main).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn whole(files: Vec<PathBuf>) -> WithheldFiles {
        WithheldFiles { files, is_whole: true }
    }

    /// What it is told of this folder.
    fn told(cwd: &Path, settings: FolderSettings) -> String {
        let told =
            all_told(&Launch { cwd: cwd.to_owned(), settings, withheld: whole(Vec::new()), ..Launch::default() });
        let [markers, projects] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(markers, MARKERS);
        projects.clone()
    }

    fn all_told(launch: &Launch) -> Vec<String> {
        let arguments = arguments(launch);
        assert!(arguments.iter().step_by(2).all(|argument| argument == "-c"), "{arguments:?}");
        arguments.into_iter().skip(1).step_by(2).collect()
    }

    #[test]
    fn skills_of_a_folder_are_switched_off_each_and_all_are_left_out_where_not_every_one_is_known() {
        let withheld = whole(vec!["/p/.agents/skills/one/SKILL.md".into(), "/p/.codex/config.toml".into()]);
        let mut launch = Launch { cwd: "/p".into(), settings: FolderSettings::Withheld, withheld, ..Launch::default() };
        let off = r#"skills.config=[{path="/p/.agents/skills/one/SKILL.md",enabled=false}]"#;
        assert_eq!(all_told(&launch)[2..], [off]);
        launch.withheld.is_whole = false;
        assert_eq!(all_told(&launch)[2..], [off, "skills.include_instructions=false"]);
        for settings in [FolderSettings::Trusted, FolderSettings::Absent, FolderSettings::Unread] {
            assert_eq!(all_told(&Launch { settings, ..launch.clone() }).len(), 2);
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStringExt as _;
            let nameless = std::ffi::OsString::from_vec(b"/p/.agents/skills/\xff/SKILL.md".to_vec());
            launch.withheld = whole(vec![nameless.into()]);
            assert_eq!(all_told(&launch)[2..], ["skills.include_instructions=false"]);
        }
    }

    #[test]
    fn skills_that_are_too_many_to_be_named_are_left_out_with_all_others() {
        let skill = |at: usize| PathBuf::from(format!("/p/.agents/skills/{at}-{}/SKILL.md", "x".repeat(100)));
        let withheld = whole((0..900).map(skill).collect());
        let launch = Launch { cwd: "/p".into(), settings: FolderSettings::Withheld, withheld, ..Launch::default() };
        assert_eq!(all_told(&launch)[2..], ["skills.include_instructions=false"]);
    }

    #[test]
    fn names_are_written_as_its_configuration_takes_them() {
        let withheld = whole(vec!["/p/.agents/skills/a\u{7f}\n\"/SKILL.md".into()]);
        let cwd = "/p\u{7f}".into();
        let launch = Launch { cwd, settings: FolderSettings::Withheld, withheld, ..Launch::default() };
        let project = r#"projects={"/p\u007f"={trust_level="untrusted"}}"#;
        let skill = r#"skills.config=[{path="/p/.agents/skills/a\u007f\n\"/SKILL.md",enabled=false}]"#;
        assert_eq!(all_told(&launch), [MARKERS, project, skill]);
    }

    #[test]
    fn a_folder_is_named_without_a_slash_and_with_the_repository_that_it_is_a_worktree_of() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let (main, worktree) = (place.join("main"), place.join("worktree"));
        let of_worktree = main.join(".git/worktrees/worktree");
        fs::create_dir_all(&of_worktree).unwrap();
        fs::write(of_worktree.join("commondir"), "../..\n").unwrap();
        fs::create_dir_all(worktree.join("src/deep")).unwrap();
        fs::write(worktree.join(".git"), format!("gitdir: {}\n", of_worktree.display())).unwrap();
        let entry = |folder: &Path, level: &str| format!("{}={{trust_level=\"{level}\"}}", json!(folder));
        let all = |folders: &[&Path], level: &str| {
            let each: Vec<String> = folders.iter().map(|folder| entry(folder, level)).collect();
            format!("projects={{{}}}", each.join(","))
        };

        for settings in [FolderSettings::Absent, FolderSettings::Unread, FolderSettings::Withheld] {
            assert_eq!(told(&worktree.join(""), settings), all(&[&main, &worktree], "untrusted"));
            let (between, deep) = (worktree.join("src"), worktree.join("src/deep"));
            assert_eq!(told(&deep, settings), all(&[&main, &worktree, &between, &deep], "untrusted"));
            assert_eq!(told(&main.join(""), settings), all(&[&main], "untrusted"));
        }
        assert_eq!(
            told(&worktree, FolderSettings::Trusted),
            all(&[&worktree], "trusted"),
            "the other was not looked at"
        );
        fs::write(worktree.join(".git"), "gitdir: nowhere\n").unwrap();
        assert_eq!(told(&worktree, FolderSettings::Withheld), all(&[&worktree], "untrusted"));
    }
}
