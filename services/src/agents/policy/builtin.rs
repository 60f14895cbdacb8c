//! The rules that are built in, as they are listed. What they find, `danger` and `harmless` know.

use super::super::permission::Action;
use super::rule::{Effect, Rule, RuleScope, RuleSource};

/// Names, what becomes of what they find in the mode `auto`, and words for a person.
const RULES: [(&str, Effect, Option<Action>, &str); 45] = [
    ("looks_only", Effect::Allow, Some(Action::Command), "commands that only look at ordinary files of the folder"),
    ("wrapper", Effect::Allow, Some(Action::Command), "programs that do nothing but run another one that is allowed"),
    ("change_inside", Effect::Allow, Some(Action::FileChange), "changes of ordinary files of the folder"),
    ("read_inside", Effect::Allow, Some(Action::Read), "reading ordinary files of the folder"),
    (
        "unclear",
        Effect::Ask,
        Some(Action::Command),
        "lines that cannot be understood in full: substitutions, loops, functions, texts for commands",
    ),
    ("delete", Effect::Ask, None, "deleting files"),
    (
        "delete_all",
        Effect::Deny,
        Some(Action::Command),
        "deleting folders with everything in them, as rm -rf and find -delete do; below the folder, a person is asked",
    ),
    ("fetched_code", Effect::Deny, Some(Action::Command), "running what comes from the network, as curl | sh does"),
    ("interpreter", Effect::Ask, Some(Action::Command), "interpreters and shells, which may do anything"),
    ("made_up", Effect::Ask, Some(Action::Command), "eval and what reads or changes commands"),
    ("unknown_program", Effect::Ask, Some(Action::Command), "programs whose name is only known when they run"),
    (
        "given_program",
        Effect::Ask,
        Some(Action::Command),
        "options that name a program to run, or settings that can: make --eval, tar --to-command, rsync -e",
    ),
    ("unknown_file", Effect::Ask, None, "files of which it is only known then which they are"),
    ("hidden_characters", Effect::Ask, None, "characters that cannot be seen"),
    ("loader_variable", Effect::Ask, Some(Action::Command), "variables that change what is run or loaded"),
    ("force_push", Effect::Deny, Some(Action::Command), "overwriting or deleting what others have pushed"),
    ("push", Effect::Ask, Some(Action::Command), "pushing"),
    (
        "git_discard",
        Effect::Ask,
        Some(Action::Command),
        "throwing away work: git reset --hard, clean, checkout, branch -D",
    ),
    ("git_history", Effect::Ask, Some(Action::Command), "changing what was committed"),
    ("git_settings", Effect::Ask, Some(Action::Command), "settings of git, which can name programs"),
    (
        "permissions",
        Effect::Deny,
        Some(Action::Command),
        "opening folders to everybody, as chmod -R 777 does; for one file, a person is asked",
    ),
    (
        "disk",
        Effect::Deny,
        Some(Action::Command),
        "writing to disks: dd, mkfs and the like; dd within the folder, a person is asked",
    ),
    ("other_user", Effect::Deny, Some(Action::Command), "the rights of another user: sudo, doas, su"),
    ("power", Effect::Deny, Some(Action::Command), "ending the machine"),
    ("system_settings", Effect::Deny, Some(Action::Command), "settings of the system"),
    ("later", Effect::Ask, Some(Action::Command), "making something run later or by itself"),
    ("processes", Effect::Ask, Some(Action::Command), "ending programs; all of them is denied"),
    ("install", Effect::Ask, Some(Action::Command), "installing packages, which run programs of their own"),
    ("foreign_program", Effect::Ask, Some(Action::Command), "fetching a program and running it"),
    ("publish", Effect::Ask, Some(Action::Command), "publishing"),
    ("network", Effect::Ask, None, "the network"),
    ("databases", Effect::Ask, Some(Action::Command), "programs that change what databases hold"),
    ("containers", Effect::Ask, Some(Action::Command), "containers and machines"),
    ("other_agent", Effect::Ask, Some(Action::Command), "starting another agent"),
    ("own_daemon", Effect::Ask, Some(Action::Command), "calling the daemon that watches over agents"),
    ("secrets", Effect::Ask, None, "keys, files that may hold some, the environment; what is surely a key is denied"),
    ("outside", Effect::Ask, None, "files outside of the session's folder, and settings in it"),
    (
        "protected_files",
        Effect::Deny,
        None,
        "changing files of the system; changing or reading what is the daemon's: its configuration, its tokens, the rules, whom people trust",
    ),
    ("no_turn", Effect::Deny, None, "what is asked outside of a turn"),
    (
        "too_many",
        Effect::Deny,
        None,
        "what is asked while 64 requests of the session wait, or 2 MiB of them; or 4 MiB of all sessions",
    ),
    ("unshown", Effect::Deny, None, "what no window can show: more than 1 MiB, or nested deeper than 32 levels"),
    (
        "untrusted_skill",
        Effect::Deny,
        None,
        "skills of Claude Code that are neither a person's own nor among what lies, and can be trusted, in the session's folder and those above it up to its repository's",
    ),
    ("plan", Effect::Deny, None, "in the mode plan, what changes anything"),
    (
        "accept_edits",
        Effect::Allow,
        Some(Action::FileChange),
        "in the mode acceptEdits, changes of ordinary files of the folder",
    ),
    ("ask", Effect::Ask, None, "everything else"),
];

/// The rules that are built in.
pub(super) fn rules() -> impl Iterator<Item = Rule> {
    RULES.into_iter().map(|(id, effect, action, text)| Rule {
        id: id.to_owned(),
        source: RuleSource::Builtin,
        effect,
        text: text.to_owned(),
        action,
        pattern: None,
        scope: RuleScope::Always,
        session_id: None,
        cwd: None,
        created_at_ms: None,
    })
}
