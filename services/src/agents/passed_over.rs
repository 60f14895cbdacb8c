//! What version control and searches pass over, by the patterns that lie in folders. Whoever wrote these may mean harm: only
//! ordinary files are read, and of all of them no more than people write.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder, gitconfig_excludes_path};
use ignore::{DirEntry, Match};

use super::plain_file;
use super::scope::Look;

/// The longest file of patterns that is read, and the longest pattern in it, in bytes.
const LONGEST: (u64, usize) = (64 << 10, 1_024);

/// The most bytes of patterns that are taken of all files, and what each pattern counts beside its own.
const MOST: (usize, usize) = (256 << 10, 64);

/// Which patterns count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patterns {
    /// Files of patterns beside those of version control, the strongest first. They count in all folders above as well.
    pub(super) names: &'static [&'static str],
    /// Whether those of version control count only in a repository.
    pub(super) needs_git: bool,
    /// Whether what is hidden is passed over, where no pattern names it.
    pub(super) hides: bool,
    /// Whether patterns with a slash, which are about one place, pass anything over.
    pub(super) places: bool,
}

/// Whose a file of patterns is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Folder,
    Person,
}

/// What is passed over in a folder.
#[derive(Debug)]
pub(super) struct PassedOver {
    patterns: Patterns,
    /// The folder of the repository; the folder itself where it is in none.
    top: PathBuf,
    /// What the person's settings of version control say of all repositories.
    everywhere: Option<Gitignore>,
    known: HashMap<PathBuf, Arc<Folder>>,
    /// Bytes of patterns that may still be taken.
    left: usize,
    is_whole: bool,
}

/// What the files say that lie in a folder.
#[derive(Debug)]
struct Folder {
    above: Option<Arc<Folder>>,
    /// Those of each kind: by their names, and then those of version control.
    kinds: Vec<Option<Gitignore>>,
    /// Whether a repository of git begins here.
    has_git: bool,
    /// Whether what is said above says nothing here: of any repository, as some searches know more than others.
    is_top: bool,
    /// Whether it is passed over itself, or one above it in the repository.
    is_passed: bool,
}

impl Folder {
    /// It, and those above it.
    fn chain(&self) -> impl Iterator<Item = &Folder> {
        std::iter::successors(Some(self), |folder| folder.above.as_deref())
    }
}

impl PassedOver {
    /// What is passed over below a folder, whose path has no links.
    pub(super) fn new(folder: &Path, patterns: Patterns) -> PassedOver {
        let top = folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(folder).to_owned();
        let known = HashMap::new();
        let mut passed_over = PassedOver { patterns, top, everywhere: None, known, left: MOST.0, is_whole: true };
        passed_over.everywhere = passed_over.of_person();
        passed_over
    }

    /// The files are to be read again.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        (self.left, self.is_whole) = (MOST.0, true);
    }

    /// Whether all patterns were read that there are. Others may pass over less.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether a walk is to show this, which goes into no folder that is passed over.
    pub(super) fn shows(&mut self, entry: &DirEntry) -> bool {
        let is_hidden = || entry.file_name().as_encoded_bytes().starts_with(b".");
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        match entry.path().parent().and_then(|parent| self.folder(parent)) {
            Some(folder) => {
                let said = self.says(&folder, entry.path(), is_folder);
                !said.unwrap_or_else(|| self.patterns.hides && is_hidden())
            }
            None => true,
        }
    }

    /// Whether something in the repository is passed over, or a folder that it lies in. What lies elsewhere is.
    pub(super) fn holds(&mut self, path: &Path, is_folder: bool) -> bool {
        let Ok(below) = path.strip_prefix(&self.top) else { return true };
        if below.components().any(|part| part.as_os_str() == ".git") {
            return true;
        }
        let Some(folder) = path.parent().filter(|parent| parent.starts_with(&self.top)) else { return false };
        let folder = self.folder(folder);
        folder.is_some_and(|folder| folder.is_passed || self.says(&folder, path, is_folder).unwrap_or_default())
    }

    /// What the patterns say: that it is passed over, or that it is not.
    fn says(&self, folder: &Folder, path: &Path, is_folder: bool) -> Option<bool> {
        let names = self.patterns.names.len();
        let has_git = !self.patterns.needs_git || folder.chain().any(|folder| folder.has_git);
        for kind in 0..names + GIT.len() {
            let is_git = kind >= names;
            for folder in folder.chain().filter(|_| has_git || !is_git) {
                let said = folder.kinds[kind].as_ref().and_then(|patterns| said(patterns, path, is_folder));
                if said.is_some() {
                    return said;
                }
                if is_git && folder.is_top {
                    break;
                }
            }
        }
        self.everywhere.as_ref().filter(|_| has_git).and_then(|patterns| said(patterns, path, is_folder))
    }

    /// A folder, read where it is not known yet.
    fn folder(&mut self, path: &Path) -> Option<Arc<Folder>> {
        let mut above = path.ancestors().find_map(|above| self.known.get(above).cloned().map(|known| (above, known)));
        let missing: Vec<&Path> =
            path.ancestors().take_while(|missing| above.as_ref().is_none_or(|(above, _)| above != missing)).collect();
        for missing in missing.into_iter().rev() {
            let read = Arc::new(self.look(missing, above.take().map(|(_, folder)| folder)));
            self.known.insert(missing.to_owned(), Arc::clone(&read));
            above = Some((missing, read));
        }
        above.map(|(_, folder)| folder)
    }

    fn look(&mut self, path: &Path, above: Option<Arc<Folder>>) -> Folder {
        let counts = self.patterns.needs_git || path.starts_with(&self.top);
        let of_git = GIT.iter().filter(|_| counts);
        let mut kinds: Vec<Option<Gitignore>> = Vec::new();
        for name in self.patterns.names.iter().chain(of_git) {
            kinds.push(self.read(&path.join(name), path, Whose::Folder));
        }
        kinds.resize_with(self.patterns.names.len() + GIT.len(), || None);
        let has_git = counts && path.join(".git").exists();
        // Only newer searches take a folder of Jujutsu for a repository: what lies in it is passed over by none.
        let is_top = has_git || (counts && self.patterns.needs_git && path.join(".jj").exists());
        let is_below = path != self.top && path.starts_with(&self.top);
        let is_passed = above
            .as_ref()
            .filter(|_| is_below)
            .is_some_and(|above| above.is_passed || self.says(above, path, true).unwrap_or_default());
        Folder { above, kinds, has_git, is_top, is_passed }
    }

    /// Reads a file of patterns that are about what lies below a folder.
    fn read(&mut self, path: &Path, folder: &Path, whose: Whose) -> Option<Gitignore> {
        if Look::is_over() {
            self.is_whole = false;
            return None;
        }
        let bytes = match plain_file::read(path, LONGEST.0) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.is_whole &= matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
                return None;
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        self.is_whole &= matches!(text, Cow::Borrowed(_));
        let mut builder = GitignoreBuilder::new(folder);
        for line in text.trim_start_matches('\u{feff}').lines() {
            let cost = line.len() + MOST.1;
            if line.len() > LONGEST.1 || cost > self.left {
                self.is_whole = false;
                continue;
            }
            self.left -= cost;
            let is_place = line.trim_end().trim_end_matches('/').contains('/');
            // Searches take a person's places from the folder that they run in.
            let counts = self.patterns.places && (whose == Whose::Folder || !self.patterns.needs_git);
            match line.starts_with('!') {
                _ if counts || !is_place => (),
                true => self.is_whole &= whose == Whose::Folder,
                false => continue,
            }
            // What is wrong with one pattern is nothing to the others.
            let _ = builder.add_line(None, line);
        }
        let built = builder.build();
        self.is_whole &= built.is_ok();
        built.ok().filter(|patterns| !patterns.is_empty())
    }

    fn of_person(&mut self) -> Option<Gitignore> {
        // It is found by way of settings, which are read as far as they go.
        let home = std::env::home_dir().unwrap_or_default();
        let settings = [home.join(".gitconfig"), home.join(".config/git/config")];
        let is_sound =
            |path: &PathBuf| path.metadata().map_or(true, |found| found.is_file() && found.len() <= LONGEST.0);
        let path = settings.iter().all(is_sound).then(gitconfig_excludes_path)??;
        let top = self.top.clone();
        self.read(&path, &top, Whose::Person)
    }
}

/// Files of patterns that are version control's, the strongest first.
const GIT: [&str; 2] = [".gitignore", ".git/info/exclude"];

fn said(patterns: &Gitignore, path: &Path, is_folder: bool) -> Option<bool> {
    match patterns.matched(path, is_folder) {
        Match::None => None,
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::sync::Mutex;

    use ignore::WalkBuilder;

    use super::*;

    fn make(folder: &Path, files: &[(&str, &str)]) -> io::Result<()> {
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, text)?;
        }
        Ok(())
    }

    fn seen(walk: &WalkBuilder) -> Vec<PathBuf> {
        let mut seen: Vec<PathBuf> = walk.build().flatten().map(ignore::DirEntry::into_path).collect();
        seen.sort();
        seen
    }

    #[test]
    fn a_walk_shows_what_searches_show() -> io::Result<()> {
        let outer = tempfile::tempdir()?;
        let folder = outer.path().canonicalize()?.join("project");
        make(
            &folder,
            &[
                (".gitignore", "\u{feff}*.log\n!keep.log\n/build/\nsub/deep\n# a.txt\n!.shown\nname\\ \n"),
                (".ignore", "*.tmp\n!b.log\nsub/*.c\n"),
                (".rgignore", "!c.tmp\n"),
                (".git/info/exclude", "excluded\n!d.log\n"),
                ("sub/.gitignore", "!*.log\n/own\n"),
                ("sub/.rgignore", "x.c\n!y.c\n"),
                ("inner/.git/HEAD", ""),
                ("inner/.gitignore", "only.txt\n"),
                ("other/.jj/repo", ""),
                ("other/.gitignore", "!a.log\n"),
                ("../.gitignore", "a.txt\n"),
                ("../.ignore", "above.txt\n"),
            ],
        )?;
        let names =
            ["a.txt", "a.log", "keep.log", "b.log", "c.tmp", "d.log", "e.tmp", "excluded", "above.txt", "name ", "own"];
        let more = ["x.c", "y.c", "z.c", "only.txt", ".hidden", ".shown", "build/x", "deep/x", "é.txt"];
        for below in ["", "sub", "inner", "other", "build", "sub/deep/sub"] {
            for name in names.iter().chain(&more) {
                make(&folder.join(below), &[(name, "")])?;
            }
        }
        for below in ["", "sub", "inner", "other"] {
            let place = folder.join(below);
            let mut theirs = WalkBuilder::new(&place);
            theirs.add_custom_ignore_filename(".rgignore");
            let patterns = Patterns { names: &[".rgignore", ".ignore"], needs_git: true, hides: true, places: true };
            let passed_over = Mutex::new(PassedOver::new(&place, patterns));
            let mut ours = WalkBuilder::new(&place);
            ours.standard_filters(false)
                .filter_entry(move |entry| passed_over.lock().is_ok_and(|mut it| it.shows(entry)));
            assert_eq!(seen(&ours), seen(&theirs), "{below:?}");
        }
        Ok(())
    }

    #[test]
    fn what_version_control_passes_over_is_known_by_what_lies_in_the_folders_of_the_repository() -> io::Result<()> {
        let outer = tempfile::tempdir()?;
        let folder = outer.path().canonicalize()?.join("project");
        make(
            &folder,
            &[
                ("../.gitignore", "*"),
                (".gitignore", "build/\n*.log\n"),
                (".git/info/exclude", "mine\n"),
                ("sub/.gitignore", "!b.log\n"),
            ],
        )?;
        let mut passed_over =
            PassedOver::new(&folder.join("sub"), Patterns { names: &[], needs_git: false, hides: false, places: true });
        let mut holds = |path: &str| passed_over.holds(&folder.join(path), false);
        for path in
            ["a.log", "build/a/b.txt", "sub/build/b.log", "mine", "sub/mine/x", ".git/config", "../x", "sub/.git"]
        {
            assert!(holds(path), "{path}");
        }
        for path in ["a.txt", "sub/b.log", "build", ".hidden", "sub/new/deep/x"] {
            assert!(!holds(path), "{path}");
        }
        make(&folder, &[(".gitignore", "a.txt\n")])?;
        assert!(!passed_over.holds(&folder.join("a.txt"), false));
        passed_over.forget();
        assert!(passed_over.holds(&folder.join("a.txt"), false) && passed_over.is_whole());
        Ok(())
    }

    #[test]
    fn what_a_person_passes_over_everywhere_says_nothing_of_the_folders_above_a_repository() -> io::Result<()> {
        let outer = tempfile::tempdir()?;
        let folder = outer.path().canonicalize()?.join("build/project");
        make(&folder, &[(".git/HEAD", ""), ("../../ignore", "build/\n/sub/b\n")])?;
        let mut passed_over = PassedOver::new(&folder, Patterns { needs_git: false, hides: false, ..SEARCH });
        passed_over.everywhere = passed_over.read(&outer.path().join("ignore"), &folder, Whose::Person);
        let mut holds = |path: &str, is_folder| passed_over.holds(&folder.join(path), is_folder);
        assert!(!holds("a.txt", false) && !holds("new/b.txt", false));
        assert!(holds("build", true) && holds("build/a.txt", false) && holds("sub/b", false));
        Ok(())
    }

    /// What `rg` goes by.
    const SEARCH: Patterns = Patterns { names: &[".rgignore", ".ignore"], needs_git: true, hides: true, places: true };

    /// Whether a walk through a folder shows a file, by patterns of a person and of the folder.
    fn shows(folder: &Path, person: &str, patterns: Patterns, file: &str) -> io::Result<(bool, bool)> {
        make(folder, &[("../person", person)])?;
        let mut passed_over = PassedOver::new(folder, patterns);
        let top = passed_over.top.clone();
        passed_over.everywhere = passed_over.read(&folder.join("../person"), &top, Whose::Person);
        let mut shown = WalkBuilder::new(folder).standard_filters(false).build().flatten();
        let is_shown = shown.any(|entry| entry.path() == folder.join(file) && passed_over.shows(&entry));
        Ok((is_shown, passed_over.is_whole()))
    }

    #[test]
    fn what_not_all_searches_pass_over_is_not_passed_over() -> io::Result<()> {
        let outer = tempfile::tempdir()?;
        let folder = outer.path().canonicalize()?.join("project");
        make(&folder, &[(".jj/repo", ""), (".gitignore", "key\n"), ("key", ""), ("sub/key", "")])?;
        assert_eq!(shows(&folder, "key\n", SEARCH, "key")?, (true, true), "some know no Jujutsu");
        make(&folder, &[(".git/HEAD", ""), (".gitignore", "")])?;
        assert_eq!(shows(&folder, "key\n", SEARCH, "sub/key")?, (false, true));
        assert_eq!(
            shows(&folder, "/sub/key\n", SEARCH, "sub/key")?,
            (true, true),
            "where it is depends on where they run"
        );
        assert!(!shows(&folder, "*\n!/sub/key\n", SEARCH, "sub/key")?.1);
        make(&folder, &[(".gitignore", "/sub/key\n*.x\n")])?;
        assert_eq!(shows(&folder, "", SEARCH, "sub/key")?, (false, true));
        let named = Patterns { places: false, ..SEARCH };
        assert_eq!(
            shows(&folder, "", named, "sub/key")?,
            (true, true),
            "some do not look at places below a folder that is named"
        );
        Ok(())
    }

    /// Whether `a.txt` is passed over by these patterns, and whether all of them were read.
    fn read(write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<(bool, bool)> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path().canonicalize()?;
        write(&folder.join(".gitignore"))?;
        let mut passed_over =
            PassedOver::new(&folder, Patterns { names: &[], needs_git: false, hides: false, places: true });
        Ok((passed_over.holds(&folder.join("a.txt"), false), passed_over.is_whole()))
    }

    #[test]
    fn no_more_is_read_than_people_write() -> io::Result<()> {
        assert_eq!(read(|path| fs::write(path, "*.o\na.txt\n"))?, (true, true));
        let long = format!("{}\na.txt\n", "{".repeat(2_000));
        assert_eq!(read(|path| fs::write(path, long))?, (true, false), "one that is too long is none");
        let many = "a.txt\n".repeat(20_000);
        assert_eq!(read(|path| fs::write(path, many))?, (false, false), "what is too long is no file of patterns");
        let comments = format!("{}a.txt\n", "#\n".repeat(20_000));
        assert_eq!(read(|path| fs::write(path, comments))?, (false, false), "nor is all of it read");
        assert_eq!(read(|path| fs::write(path, b"\xff\na.txt\n"))?, (true, false));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_ordinary_file_is_no_file_of_patterns() -> io::Result<()> {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let pipe = |path: &Path| Ok(mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?);
        assert_eq!(read(pipe)?, (false, false));
        assert_eq!(read(|path| std::os::unix::fs::symlink("/dev/zero", path))?, (false, false));
        Ok(())
    }
}
