//! Where to look for changes of settings: the folders that hold them, and those in which they may come.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::checkout::main_checkouts;
use super::folders::upwards;

/// Folders of settings in which more may come, though nothing lies there yet.
const NAMES: [&str; 4] = [".claude", ".codex", ".agents", ".gemini"];

/// What lies in those and is no setting.
const PASSED_OVER: &str = "worktrees";

/// The most folders, and how deep they lie in those of settings.
const MOST: (usize, usize) = (2_000, 12);

/// Folders to be watched, each without those in it.
#[derive(Debug, Default)]
pub(in super::super) struct Places {
    /// Those that hold other things, too: the session's, and those from which something is taken besides.
    pub(in super::super) mixed: BTreeSet<PathBuf>,
    /// Those that hold settings.
    pub(in super::super) own: BTreeSet<PathBuf>,
    /// The files that settings are linked to, which may be named in any way.
    pub(in super::super) linked: BTreeSet<PathBuf>,
    /// Whether there are no more.
    pub(in super::super) is_whole: bool,
}

impl Places {
    /// For a session's folder, and the settings that are known there.
    pub(super) fn of(cwd: &Path, home: Option<&Path>, files: impl Iterator<Item = PathBuf>) -> Places {
        Places::but(is_kept_by_the_system, cwd, home, files)
    }

    /// Without those above it and those of files that are so.
    fn but(
        is_kept: impl Fn(&Path) -> bool,
        cwd: &Path,
        home: Option<&Path>,
        files: impl Iterator<Item = PathBuf>,
    ) -> Places {
        let mut places = Places { is_whole: true, ..Places::default() };
        for above in upwards(cwd, home) {
            places.mixed.insert(above.to_owned());
            let below = cwd.strip_prefix(above).unwrap_or(Path::new(""));
            for main in main_checkouts(above) {
                let there = below.ancestors().map(|below| main.join(below));
                places.mixed.extend(there.filter(|folder| Some(folder.as_path()) != home && folder.is_dir()));
            }
        }
        let above = places.mixed.clone();
        for folder in &above {
            NAMES.iter().for_each(|name| places.add(&is_kept, &folder.join(name), 0));
        }
        places.mixed.retain(|folder| folder == cwd || !is_kept(folder));
        for file in files {
            // A link leads to what may change elsewhere. What the system does not keep changes in a folder that it keeps, too.
            let leads_to = file.canonicalize().ok();
            let is_kept_there = leads_to.as_deref().is_none_or(&is_kept);
            let there = leads_to.as_deref().and_then(Path::parent).filter(|there| !is_kept_there || !is_kept(there));
            places.linked.extend(leads_to.iter().filter(|there| **there != file).cloned());
            for folder in there.into_iter().chain(file.parent().filter(|here| !is_kept(here))) {
                match above.contains(folder) {
                    true => drop(places.mixed.insert(folder.to_owned())),
                    false => drop(places.insert(folder)),
                }
            }
        }
        places
    }

    fn add(&mut self, is_kept: &impl Fn(&Path) -> bool, folder: &Path, depth: usize) {
        // Links count by what they lead to.
        if !folder.is_dir() {
            return;
        }
        let entries = fs::read_dir(folder);
        // What the system hides from its user it hides from the agent.
        if entries.is_err() && is_kept(folder) || !self.insert(folder) {
            return;
        }
        if depth >= MOST.1 {
            self.is_whole = false;
            return;
        }
        let entries = entries.into_iter().flatten().flatten().take(MOST.0);
        let below = entries.map(|entry| entry.path()).filter(|path| depth > 0 || !path.ends_with(PASSED_OVER));
        below.for_each(|path| self.add(is_kept, &path, depth + 1));
    }

    fn insert(&mut self, folder: &Path) -> bool {
        if self.own.len() >= MOST.0 {
            self.is_whole = false;
            return false;
        }
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        self.own.insert(folder)
    }
}

/// Whether the system alone changes a file, or what lies directly in a folder, as in `/` and `/home`: it could do anything, and such
/// folders often may not be watched, or only with all that is below them.
#[cfg(unix)]
fn is_kept_by_the_system(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let is_kept = |found: fs::Metadata| found.uid() == 0 && found.mode() & 0o022 == 0;
    !rustix::process::geteuid().is_root() && fs::metadata(path).is_ok_and(is_kept)
}

/// Likewise.
#[cfg(windows)]
fn is_kept_by_the_system(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_that_hold_settings_and_those_in_which_they_may_come() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let home = folder.path().canonicalize()?;
        let at = |path: &str| home.join(path);
        for path in ["top/cwd/.claude/skills/x", "top/.claude", "top/cwd/src", "elsewhere", "top/.claude/worktrees/y"] {
            fs::create_dir_all(at(path))?;
        }
        fs::create_dir_all(at(".claude/skills/own"))?;
        fs::write(at("elsewhere/shared.md"), "")?;
        std::os::unix::fs::symlink("../../elsewhere/shared.md", at("top/cwd/CLAUDE.md"))?;
        std::os::unix::fs::symlink("..", at("top/.claude/again"))?;
        let files = [at("top/cwd/CLAUDE.md"), at("top/cwd/.claude/settings.json")];
        let Places { mixed, own, linked, is_whole } = Places::of(&at("top/cwd"), Some(&home), files.into_iter());
        let all = |paths: &[&str]| paths.iter().map(|path| at(path)).collect::<BTreeSet<_>>();
        let above = home.ancestors().skip(1).filter(|folder| !is_kept_by_the_system(folder)).map(Path::to_owned);
        assert_eq!(
            mixed,
            all(&["top", "top/cwd"]).into_iter().chain(above).collect(),
            "all but the home, and what the system keeps"
        );
        let skills = ["top/cwd/.claude", "top/cwd/.claude/skills", "top/cwd/.claude/skills/x"];
        assert!(own.is_superset(&all(&skills)) && own.is_superset(&all(&["top/.claude", "elsewhere"])), "{own:?}");
        assert_eq!(linked, all(&["elsewhere/shared.md"]));
        assert!(!own.contains(&at("top/.claude/worktrees")) && !own.contains(&at(".claude")) && is_whole);
        Ok(())
    }

    #[test]
    fn what_the_system_keeps_is_not_watched_but_for_what_of_others_lies_in_it() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let home = folder.path().canonicalize()?;
        let at = |path: &str| home.join(path);
        for path in ["top/cwd/.claude", "top/.claude", "conf"] {
            fs::create_dir_all(at(path))?;
        }
        fs::write(at("top/.mcp.json"), "")?;
        fs::write(at("conf/settings.json"), "")?;
        std::os::unix::fs::symlink("../../../conf/settings.json", at("top/cwd/.claude/settings.json"))?;
        let places = |kept: &[&str]| {
            let files = [at("top/.mcp.json"), at("top/cwd/.claude/settings.json")].into_iter();
            let kept: Vec<_> = kept.iter().map(|path| at(path)).collect();
            let Places { mixed, own, .. } =
                Places::but(|path| kept.iter().any(|kept| kept == path), &at("top/cwd"), Some(&home), files);
            assert!(mixed.contains(&at("top/cwd")) && own.contains(&at("top/.claude")), "what lies in it is");
            (mixed.contains(&at("top")), own.contains(&at("conf")))
        };
        assert_eq!(places(&["top", "conf", "top/.mcp.json", "conf/settings.json"]), (false, false));
        assert_eq!(places(&["top", "conf", "conf/settings.json"]), (true, false), "it changes where it lies");
        assert_eq!(places(&["top", "conf", "top/.mcp.json"]), (false, true), "and where a link leads to");
        assert_eq!(places(&[]), (true, true));
        Ok(())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_system_hides_from_its_user_is_not_waited_for() -> std::io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir()?;
        let top = folder.path().canonicalize()?;
        let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
        fs::create_dir_all(top.join(".claude"))?;
        allow(&top, 0o755)?;
        for (mode, is_kept, is_seen) in [(0o000, true, false), (0o000, false, true), (0o755, true, true)] {
            allow(&top.join(".claude"), mode)?;
            let cwd = top.clone();
            let looked = std::thread::spawn(move || {
                // Nothing is hidden from root.
                if rustix::process::geteuid().is_root() {
                    rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(65_534)).unwrap();
                }
                Places::but(|_| is_kept, &cwd, None, std::iter::empty()).own.contains(&cwd.join(".claude"))
            });
            assert_eq!(looked.join().unwrap(), is_seen, "{mode:o} {is_kept}");
        }
        Ok(())
    }
}
