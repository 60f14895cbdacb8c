//! Skills that Claude Code asks leave to load. With a yes, what a skill brings along holds: hooks, which run at once and without leave,
//! and leave for commands. So that is no question for a person where nobody was shown the skill, and can have trusted it.

use std::path::{Path, PathBuf};

use super::super::permission::{AskedSkill, Hit};
use super::super::trust;
use super::Ruling;
use super::place::Ground;
use super::rule::Effect;

/// The rule by which others are denied.
pub(super) const RULE: &str = "untrusted_skill";

/// Skills that it brings along itself, and does not tell of when it is started. No other one takes the name of such a one.
const BROUGHT_ALONG: [&str; 1] = ["keybindings-help"];

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

fn holds(folder: &Path, name: &str) -> bool {
    let is_name = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
    let command = format!("{}.md", name.replace(':', "/"));
    is_name
        && !name.contains("..")
        && (folder.join("skills").join(name).join("SKILL.md").is_file()
            || folder.join("commands").join(command).is_file())
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
        assert!(known("bare/cwd", "a-name-of-its-own", true) && !known("bare/cwd", "a-name-of-its-own", false));
        Ok(())
    }
}
