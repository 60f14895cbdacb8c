//! The files of a folder that agents load settings from, as far as that is known of them, and those that programs of the
//! configuration run.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::permission::sha256;
use super::super::plain_file;
use super::checkout::are_known;
use super::folders::{are_of_one, beside, of_repository, upwards};
use super::names::{
    ABOVE, BESIDE, INSTRUCTIONS, KNOWN, Name, OTHERS, WITHOUT_REPOSITORY, called_like, instructions_of_gemini,
    is_another, is_passed_over, is_taken_over, runs_nothing,
};
use super::programs::Configured;

/// The most files and folders that are looked at, however often links lead to them; and the longest file, in bytes.
const MOST: (usize, u64) = (2_000, 8 << 20);

/// The most bytes that are read of all files.
const READ: u64 = 256 << 20;

/// How deep folders are looked into.
const DEEPEST: usize = 12;

/// A file of a folder that says something to agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TrustFile")]
pub struct SettingsFile {
    /// Its path, seen from the folder.
    pub path: String,
    /// What is in it.
    pub what: String,
    /// The SHA-256 of what it holds, in hexadecimal; empty where it cannot be read.
    pub sha256: String,
    #[serde(skip)]
    place: PathBuf,
    #[serde(skip)]
    reader: Reader,
}

/// Who takes something from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reader {
    /// Agents of these providers take settings; any where none is named.
    Agents(Vec<&'static str>),
    /// Agents of these providers tell their models what it says.
    Models(Vec<&'static str>),
    /// The agent of this provider takes settings.
    Agent(String),
    /// The program of this provider runs it.
    Program(String),
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::Agents(Vec::new())
    }
}

impl SettingsFile {
    /// Whether an agent of this provider may load settings from it.
    pub(super) fn is_read_by(&self, provider: &str) -> bool {
        let is_known = ["claude", "codex", "gemini"].contains(&provider);
        match &self.reader {
            Reader::Agents(readers) | Reader::Models(readers) => !is_known || readers.contains(&provider),
            Reader::Agent(_) => self.is_named_for(provider),
            Reader::Program(_) => false,
        }
    }

    /// Whether it is looked at for the agent of this provider alone.
    pub(super) fn is_named_for(&self, provider: &str) -> bool {
        matches!(&self.reader, Reader::Agent(reader) if reader == provider)
    }

    /// Whether it is no program's.
    pub(super) fn is_setting(&self) -> bool {
        !matches!(self.reader, Reader::Program(_))
    }

    /// Whether it is nothing but instructions for models.
    pub(super) fn is_instruction(&self) -> bool {
        matches!(self.reader, Reader::Models(_))
    }

    /// Whether it is known to run nothing, wherever it lies.
    pub(in super::super) fn runs_nothing(&self) -> bool {
        self.is_instruction() || runs_nothing(&self.place)
    }

    /// Whether Claude Code may take it over, or run it, where it comes while that runs.
    pub(in super::super) fn is_taken_over(&self) -> bool {
        !self.runs_nothing() && is_taken_over(&self.place)
    }

    /// Its full path.
    pub(in super::super) fn place(&self) -> &Path {
        &self.place
    }

    /// Whether the program of this provider runs it.
    pub(super) fn is_run_by(&self, provider: &str) -> bool {
        matches!(&self.reader, Reader::Program(runner) if runner == provider)
    }
}

/// What lies in a folder.
pub(super) struct Settings {
    pub(super) files: Vec<SettingsFile>,
    /// What all of it comes to. None where there is nothing, or not all can be read.
    pub(super) sha256: Option<String>,
    /// What the settings alone come to.
    pub(super) settings: Option<String>,
    /// What those come to that lie in the folder and above it. None where not all can be read.
    pub(super) own: Option<String>,
    /// The full paths of those of the main checkout, where the folder is in a worktree, and what they hold.
    pub(super) beside: Vec<(PathBuf, String)>,
    /// What each program would run of it, by its provider: those that would run something.
    pub(super) programs: BTreeMap<String, Option<String>>,
}

impl Settings {
    /// Looks into a folder, into those above it, and into the main checkout where it is in a worktree.
    pub(super) fn read(cwd: &Path, home: Option<&Path>, programs: &BTreeMap<String, Configured>) -> Settings {
        let mut walk = Walk::new(cwd);
        let repository = of_repository(cwd);
        let told = home.map(instructions_of_gemini).unwrap_or_default();
        for folder in repository.iter().filter(|folder| Some(**folder) != home) {
            walk.look_for(folder, &KNOWN);
            walk.look_for(folder, &OTHERS.map(|name| (name, "settings of another agent", [].as_slice())));
            walk.look_for_instructions(folder, &told);
            programs.iter().for_each(|(provider, program)| walk.look_for_program(folder, provider, program));
        }
        walk.is_above = true;
        for folder in upwards(cwd, home).filter(|folder| !repository.contains(folder)) {
            walk.look_for(folder, &ABOVE);
            walk.look_for(folder, if are_of_one(&repository) { &[] } else { &[WITHOUT_REPOSITORY] });
        }
        walk.is_above = false;
        walk.is_whole &= repository.last().is_none_or(|top| are_known(top));
        let (own, known) = (walk.is_whole.then(|| hash_of(&walk.files)), walk.files.len());
        for folder in beside(&repository).iter().filter(|folder| Some(folder.as_path()) != home) {
            walk.look_for(folder, &[BESIDE]);
        }
        let beside = walk.files[known..].iter().map(|file| (file.place.clone(), file.sha256.clone())).collect();
        let (mut files, settings) = walk.end();
        let mut of_programs = BTreeMap::new();
        for (provider, program) in programs.iter().filter(|(_, program)| program.takes_code()) {
            let (run, sha256) = run_by(provider, program, cwd, home);
            if !run.is_empty() {
                files.extend(run);
                of_programs.insert(provider.clone(), sha256);
            }
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let is_whole = of_programs.values().chain([&settings]).flatten().count()
            == of_programs.len() + usize::from(files.iter().any(SettingsFile::is_setting));
        let sha256 = (is_whole && !files.is_empty()).then(|| hash_of(&files));
        Settings { files, sha256, settings, own, beside, programs: of_programs }
    }

    /// Whether all of these are there.
    pub(super) fn holds(&self, files: &[(PathBuf, String)]) -> bool {
        let has =
            |place: &Path, sha256: &str| self.files.iter().any(|file| file.place == place && file.sha256 == sha256);
        files.iter().all(|(place, sha256)| has(place, sha256))
    }
}

/// What a program would run of a folder, and what that comes to.
fn run_by(
    provider: &str,
    program: &Configured,
    cwd: &Path,
    home: Option<&Path>,
) -> (Vec<SettingsFile>, Option<String>) {
    let mut walk = Walk::new(cwd);
    let (what, reader) = (format!("what {provider} runs"), Reader::Program(provider.to_owned()));
    program.files(cwd, home).iter().for_each(|file| walk.look(file, &what, &reader));
    walk.end()
}

/// The names of what a program would run of a folder, and what that comes to; none where it would run nothing.
pub(super) fn code(program: &Configured, cwd: &Path, home: Option<&Path>) -> Option<(Vec<String>, Option<String>)> {
    let (files, sha256) = run_by("", program, cwd, home);
    let names: Vec<String> = files.into_iter().map(|file| file.path).collect();
    (!names.is_empty()).then_some((names, sha256))
}

/// What files come to.
fn hash_of(files: &[SettingsFile]) -> String {
    // No name holds a zero, and a hash has always the same length.
    let all: Vec<String> = files.iter().map(|file| format!("{}\0{}", file.path, file.sha256)).collect();
    sha256(all.concat().as_bytes())
}

struct Walk<'a> {
    cwd: &'a Path,
    files: Vec<SettingsFile>,
    /// How many files and folders may still be looked at, and how many bytes may be read.
    left: (usize, u64),
    is_whole: bool,
    /// Whether something was not looked at.
    is_cut: bool,
    /// Whether it looks above what the person works in, where others may have what is theirs.
    is_above: bool,
}

impl Walk<'_> {
    fn new(cwd: &Path) -> Walk<'_> {
        Walk { cwd, files: Vec::new(), left: (MOST.0, READ), is_whole: true, is_cut: false, is_above: false }
    }

    /// The files that were found, and what they come to. None where there are none, or not all can be read.
    fn end(mut self) -> (Vec<SettingsFile>, Option<String>) {
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
        let sha256 = (self.is_whole && !self.files.is_empty()).then(|| hash_of(&self.files));
        (self.files, sha256)
    }

    fn look_for(&mut self, folder: &Path, names: &[Name]) {
        for (name, what, readers) in names {
            let path = folder.join(name);
            if !is_another(&path) {
                self.look(&path, what, &Reader::Agents(readers.to_vec()));
            }
        }
    }

    /// Looks for instructions, of which Gemini CLI is told to load these names besides.
    fn look_for_instructions(&mut self, folder: &Path, told: &[String]) {
        for (name, what, readers) in INSTRUCTIONS {
            let gemini = told.iter().any(|told| told == name).then_some("gemini");
            let readers = readers.iter().copied().chain(gemini).collect();
            self.look(&folder.join(name), what, &Reader::Models(readers));
        }
        let is_other = |name: &&String| INSTRUCTIONS.iter().all(|(known, ..)| known != name) && *name != "GEMINI.md";
        for name in told.iter().filter(is_other) {
            self.look(&folder.join(name), "instructions for Gemini CLI", &Reader::Models(vec!["gemini"]));
        }
    }

    /// Looks for what the configuration says that an agent loads, or else for what is called as it is.
    fn look_for_program(&mut self, folder: &Path, provider: &str, program: &Configured) {
        let like = || called_like(folder, &program.called(provider));
        let names = program.settings().map_or_else(like, <[String]>::to_vec);
        let (what, reader) = (format!("settings of {provider}"), Reader::Agent(provider.to_owned()));
        for path in names.iter().map(|name| folder.join(name)).filter(|path| !is_another(path)) {
            let is_known = program.settings().is_none()
                && self.files.iter().any(|file| file.is_read_by(provider) && file.place.starts_with(&path));
            if !is_known {
                self.look(&path, &what, &reader);
            }
        }
    }

    fn look(&mut self, path: &Path, what: &str, reader: &Reader) {
        let before = std::mem::replace(&mut self.is_cut, false);
        self.visit(path, what, reader, 0);
        // What was not looked at, for what came before it say, counts as there: who reads it is not to take it for absent.
        if self.is_cut && fs::symlink_metadata(path).is_ok() {
            self.add(path, what, reader, None);
        }
        self.is_cut |= before;
    }

    fn visit(&mut self, path: &Path, what: &str, reader: &Reader, depth: usize) {
        // Links count by what they lead to; one that leads nowhere may lead somewhere in a moment.
        let found = fs::metadata(path);
        if found.is_err() && fs::symlink_metadata(path).is_err() {
            return;
        }
        if depth > DEEPEST || self.left.0 == 0 {
            (self.is_whole, self.is_cut) = (false, true);
            return;
        }
        self.left.0 -= 1;
        let found = match found {
            Ok(found) => found,
            Err(error) => return self.fail(path, what, reader, &error),
        };
        if !found.is_dir() {
            return match self.hash(path) {
                Ok(sha256) => self.add(path, what, reader, Some(sha256)),
                Err(error) => self.fail(path, what, reader, &error),
            };
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            // What lies in it may be read where its name is known.
            Err(_) if fs::metadata(path.join(".")).is_ok() => return self.add(path, what, reader, None),
            Err(error) => return self.fail(path, what, reader, &error),
        };
        let mut below: Vec<PathBuf> = Vec::new();
        for entry in entries.take(MOST.0 + 1) {
            match entry {
                Ok(entry) => below.push(entry.path()),
                Err(_) => self.is_whole = false,
            }
        }
        below.sort();
        let is_setting = |path: &PathBuf| depth > 0 || !is_passed_over(path);
        for path in below.iter().filter(|path| is_setting(path)) {
            self.visit(path, what, reader, depth + 1);
        }
    }

    /// What cannot be read. Above what a person works in, there may be what others keep to themselves: no agent can read it either.
    fn fail(&mut self, path: &Path, what: &str, reader: &Reader, error: &io::Error) {
        if !(self.is_above && error.kind() == io::ErrorKind::PermissionDenied) {
            self.add(path, what, reader, None);
        }
    }

    fn add(&mut self, path: &Path, what: &str, reader: &Reader, sha256: Option<String>) {
        self.is_whole &= sha256.is_some();
        let sha256 = sha256.unwrap_or_default();
        let (path, place) = (self.seen(path), path.to_owned());
        self.files.push(SettingsFile { path, what: what.to_owned(), sha256, place, reader: reader.clone() });
    }

    fn hash(&mut self, path: &Path) -> io::Result<String> {
        let bytes = plain_file::read(path, self.left.1.min(MOST.1))?;
        self.left.1 -= bytes.len() as u64;
        Ok(sha256(&bytes))
    }

    /// The path as it is seen from the folder.
    fn seen(&self, path: &Path) -> String {
        let up = self.cwd.ancestors().position(|folder| path.starts_with(folder)).unwrap_or_default();
        let base = self.cwd.ancestors().nth(up).unwrap_or(self.cwd);
        let below = path.strip_prefix(base).unwrap_or(path);
        let steps = std::iter::repeat_n("..", up).map(PathBuf::from);
        let seen: PathBuf = steps.chain([below.to_owned()]).collect();
        seen.to_string_lossy().replace('\\', "/")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::scope;
    use super::*;

    #[test]
    fn what_agents_load_is_seen_and_no_ordinary_file() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        for name in KNOWN.map(|(name, ..)| name).into_iter().chain(OTHERS) {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
            fs::write(&path, name)?;
            // Variables are asked about for what they may hold.
            assert!(name == ".env" || !scope::is_ordinary(Path::new(name)), "{name}");
        }
        let seen = Settings::read(folder.path(), None, &BTreeMap::new());
        let paths: Vec<&str> = seen.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths.len(), KNOWN.len() + OTHERS.len(), "{paths:?}");
        assert!(
            scope::is_ordinary(Path::new(".github/workflows/x.yml")) && scope::is_ordinary(Path::new("src/hooks/x"))
        );
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_hold_themselves_many_times_are_looked_at_for_a_while_and_what_comes_behind_counts_as_there()
    -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join(".claude"))?;
        for name in 0..10 {
            std::os::unix::fs::symlink(".", folder.path().join(format!(".claude/{name}")))?;
        }
        fs::write(folder.path().join(".claude/settings.json"), "{}")?;
        fs::create_dir(folder.path().join(".codex"))?;
        fs::write(folder.path().join(".codex/config.toml"), "")?;
        let mut walk = Walk::new(folder.path());
        walk.look(&folder.path().join(".claude"), "", &Reader::Agents(vec!["claude"]));
        assert_eq!((walk.left.0, walk.is_whole), (0, false));
        let seen = Settings::read(folder.path(), None, &BTreeMap::new());
        assert_eq!(seen.sha256, None);
        for provider in ["claude", "codex"] {
            assert!(seen.files.iter().any(|file| file.is_read_by(provider)), "{provider}");
        }
        Ok(())
    }
}
