//! Skills that Claude Code asks leave to load. With a yes, what a skill brings along holds: hooks, which run at once and without leave,
//! and leave for commands. So that is no question for a person where nobody was shown the skill, and can have trusted it.

use std::path::{Path, PathBuf};

use super::super::permission::{AskedSkill, Hit};
use super::super::plain_file;
use super::super::trust;
use super::Ruling;
use super::place::Ground;
use super::rule::Effect;

/// The rule by which others are denied.
pub(super) const RULE: &str = "untrusted_skill";

/// Skills that it brings along itself, and does not tell of when it is started. No other one takes the name of such a one.
const BROUGHT_ALONG: [&str; 1] = ["keybindings-help"];

/// The longest skill, in bytes.
const LONGEST: u64 = 1 << 20;

/// Whether a skill is a person's own, the agent's, or one of the folders that are listed for it, and trusted where it is loaded. It
/// finds others in folders below, once it reads a file there, by names that none has that it was started with: `name`,
/// `folder:name`, or any other that the skill gives itself, that of a plugin's too. Looks at the disk.
pub(super) fn is_known(skill: &AskedSkill, ground: &Ground) -> bool {
    let taken = trust::taken_by_claude(&ground.folder, ground.home.as_deref());
    let mut folders = taken.iter().map(|folder| folder.join(".claude")).chain(own(ground));
    skill.was_there || BROUGHT_ALONG.contains(&skill.name.as_str()) || folders.any(|folder| holds(&folder, &skill.name))
}

/// What is decided about others.
pub(super) fn forbidden(skill: &AskedSkill) -> Ruling {
    let text = format!(
        "the skill {} does not lie in the session's folder, and could bring along what nobody has trusted; to use it, a person starts \
         a session in the folder that it lies in, and trusts it there; one that does lie there is called by the name of its own folder \
         in .claude/skills, not by one that its text gives it",
        skill.name
    );
    let hits = vec![Hit { rule: RULE.to_owned(), text }];
    Ruling { effect: Effect::Deny, rule: RULE.to_owned(), hits, ..Ruling::default() }
}

/// Where a person keeps their own.
fn own(ground: &Ground) -> Option<PathBuf> {
    let elsewhere = std::env::var_os("CLAUDE_CONFIG_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    elsewhere.or_else(|| ground.home.as_ref().map(|home| home.join(".claude")))
}

/// Whether a folder has a skill that has had this name since Claude Code was started. One that it has by another name already, or
/// takes only when files of some paths are read, leaves its name to others.
fn holds(folder: &Path, name: &str) -> bool {
    let is_name = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.') && !name.contains("..");
    let skill = Path::new(name).join("SKILL.md");
    let command = PathBuf::from(format!("{}.md", name.replace(':', "/")));
    let is_there = |kind: &str, file: &Path| {
        let found = folder.join(kind).join(file).canonicalize().ok().filter(|found| found.ends_with(file));
        found.and_then(|found| plain_file::read(&found, LONGEST).ok()).is_some_and(|text| !is_for_paths(&text))
    };
    is_name && (is_there("skills", &skill) || is_there("commands", &command))
}

/// Whether what a skill says of itself may say for which paths it is. It is YAML: what is no plain `word: value` at the beginning of a
/// line, or a part of such a one, may be that by another spelling.
fn is_for_paths(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some(head) = text.trim_start_matches('\u{feff}').trim_start().strip_prefix("---") else { return false };
    // What ends a line there may be none here, in a comment too.
    let is_break = |letter: char| matches!(letter, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let is_end = |(at, line): &(usize, &str)| *at > 0 && line.trim_end() == "---";
    let mut lines = head.lines().enumerate().take_while(|line| !is_end(line)).map(|(_, line)| line);
    if lines.clone().any(|line| line.contains(is_break)) {
        return true;
    }
    // The mark ends with its line.
    lines.next();
    let mut has_begun = false;
    lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#')).any(|line| {
        let is_part = line.starts_with([' ', '\t']) || line.starts_with("- ") || line == "-";
        let key = line.split_once(':').filter(|(_, value)| value.is_empty() || value.starts_with([' ', '\t']));
        let is_plain = |key: &str| {
            key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter)) && key != "paths"
        };
        let is_known = (is_part && has_begun) || key.is_some_and(|(key, _)| is_plain(key.trim_end()));
        has_begun = true;
        !is_known
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn skills_are_known_that_are_a_persons_own_the_agents_or_of_the_folders_that_can_be_trusted() -> std::io::Result<()>
    {
        let at = tempfile::tempdir()?;
        let home = at.path().canonicalize()?.join("home");
        for path in [
            ".claude/skills/own/SKILL.md",
            "top/.git/HEAD",
            "top/.claude/commands/sub/top.md",
            "top/cwd/.claude/skills/here/SKILL.md",
            "top/cwd/pkg/.claude/skills/below/SKILL.md",
            "bare/.claude/skills/above/SKILL.md",
            "bare/cwd/f",
            "../.claude/skills/higher/SKILL.md",
        ] {
            let path = home.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&home))?;
            fs::write(path, "")?;
        }
        let known = |folder: &str, name: &str, was_there: bool| {
            let ground =
                Ground { folder: home.join(folder), own: Vec::new(), is_lent: false, home: Some(home.clone()) };
            is_known(&AskedSkill { name: name.to_owned(), was_there }, &ground)
        };
        for name in ["own", "here", "sub:top", "keybindings-help"] {
            assert!(known("top/cwd", name, false), "{name}");
        }
        for name in [
            "below",
            "plugin:skill",
            "pkg:own",
            "pkg/a:own",
            "../cwd:own",
            "../cwd/pkg/.claude/skills/below",
            "",
            ":own",
            "a..b",
        ] {
            assert!(!known("top/cwd", name, false), "{name}");
        }
        assert!(known("top/cwd", "claude-api", true) && known("top/cwd", "plugin:skill", true));
        for name in ["above", "higher", "own", "keybindings-help"] {
            assert!(known("bare/cwd", name, false), "{name}");
        }
        assert!(!known("top/cwd", "higher", false), "a repository keeps them out");
        for (text, leaves_its_name) in [
            ("---\ndescription: paths\n---\npaths: x", false),
            ("---\ndescription: x\n\"paths\": src/**\n---\n", true),
            ("---\npaths:\n  - src/**\n---\n", true),
            ("---\nname: here\nallowed-tools:\n- Bash(ls *)\nhooks:\n  Stop: []\n\n# paths\n---\npaths: x", false),
            ("---\n{description: t, paths: \"zzz/**\"}\n---\n", true),
            ("---\n? paths\n: zzz/**\n---\n", true),
            ("---\n\"\\u0070aths\": zzz/**\n---\n", true),
            ("---\n!!str paths: zzz/**\n---\n", true),
            ("---\nx: &a paths\n*a : zzz/**\n---\n", true),
            ("---\n<<: {paths: x}\n---\n", true),
            ("---\n  paths: x\n---\n", true),
            ("---\nx: y\n  ---\npaths : x\n---\n", true),
            ("\u{feff}\n---  \nx: y\rpaths: z\n---\n", true),
            ("---\nx: y\n# c\rpaths: z\n---\n", true),
            ("---\rpaths: z\n---\n", true),
            ("---\r\nx: y\r\n---\r\npaths: z\r\n", false),
        ] {
            fs::write(home.join("top/cwd/.claude/skills/here/SKILL.md"), text)?;
            assert_eq!(known("top/cwd", "here", false), !leaves_its_name, "{text}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("above", home.join("bare/.claude/skills/again"))?;
            fs::create_dir_all(home.join("kept/linked"))?;
            fs::write(home.join("kept/linked/SKILL.md"), "")?;
            std::os::unix::fs::symlink(home.join("kept/linked"), home.join(".claude/skills/linked"))?;
            assert!(!known("bare/cwd", "again", false), "it has that one by another name");
            assert!(known("bare/cwd", "again", true) && known("bare/cwd", "linked", false));
        }
        assert!(known("bare/cwd", "a-name-of-its-own", true) && !known("bare/cwd", "a-name-of-its-own", false));
        Ok(())
    }
}
