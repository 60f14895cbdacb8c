//! A store of ours for what files were at some moment. It is a repository that nobody else writes, and which reads the objects
//! of a person's one: filters, drivers and hooks that are set there mean nothing here, and nothing is written there.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::item::FileChange;
use super::super::log::make_private;
use super::super::plain_file;
use super::changes::{changes, names};
use super::{Answer, Call, Git, GitError, PATIENCE, Repository};

/// The longest list of a person's own patterns that is taken over, in bytes.
const EXCLUDE: u64 = 1 << 20;

/// The longest index of a repository that is taken over, in bytes.
const INDEX: u64 = 1 << 30;

/// All files of a folder at some moment, by the name that git has for them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Tree(String);

impl Tree {
    pub(super) fn named(name: String) -> Tree {
        Tree(name)
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

/// What became of one tree on the way to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// As git writes it, with binary files.
    pub patch: Vec<u8>,
    /// The same by files, whose paths begin at the folder.
    pub files: Vec<FileChange>,
}

/// What became of a try to bring changes into a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// They are there: what was changed.
    All(Vec<FileChange>),
    /// Nothing was changed, because these files were changed there in other ways.
    Conflict(Vec<String>),
}

/// A store.
#[derive(Clone, Debug)]
pub struct Store {
    git: Git,
    place: PathBuf,
    settings: Vec<(String, String)>,
    /// What a first look at a folder begins with, so that not every file of it has to be read.
    known: Option<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    top: PathBuf,
    index: PathBuf,
    head: Option<String>,
}

impl Store {
    /// The store at this place, made if it is not there. With a repository, its objects are had without being written again,
    /// and a person's habits there are kept: which files are passed over, how lines end.
    ///
    /// # Errors
    /// The place cannot be written, or git fails.
    pub async fn at(git: &Git, place: PathBuf, repository: Option<&Repository>) -> Result<Store, GitError> {
        if !place.join("HEAD").is_file() {
            make_private(&place).map_err(|error| lost(&place, &error))?;
            let format = repository.map_or("sha1", Repository::format);
            let args = ["init", "--quiet", "--bare", "--template=", "--object-format"];
            git.call(&place).args(args).args([format, "."]).run().await?;
        }
        let mut settings = Vec::new();
        let mut known = None;
        if let Some(repository) = repository {
            settings = repository.habits().await?;
            borrow(&place, repository).map_err(|error| lost(&place, &error))?;
            let head = repository.head().await.ok();
            known = Some(Known { top: repository.top().to_owned(), index: repository.index().to_owned(), head });
        }
        Ok(Store { git: git.clone(), place, settings, known })
    }

    /// The files of a folder as they are now, without those that its settings say to ignore and without repositories in it.
    /// `name` is what the folder is known by in this store, a part of a file's name; the next look at it is quicker.
    ///
    /// # Errors
    /// A file cannot be read, or git fails.
    pub async fn snapshot(&self, name: &str, folder: &Path) -> Result<Tree, GitError> {
        self.look(name, folder, &Bounds::NONE).await
    }

    /// The same within limits.
    ///
    /// # Errors
    /// A limit is passed, a file cannot be read, or git fails.
    pub async fn look(&self, name: &str, folder: &Path, limits: &Bounds) -> Result<Tree, GitError> {
        self.look_again(name, folder, limits, &mut None).await
    }

    /// The same by somebody who looks again and again, and alone: where nothing has changed since what was `seen`, it costs one
    /// call.
    ///
    /// # Errors
    /// A limit is passed, a file cannot be read, or git fails.
    pub async fn look_again(
        &self,
        name: &str,
        folder: &Path,
        limits: &Bounds,
        seen: &mut Option<Glance>,
    ) -> Result<Tree, GitError> {
        let index = self.index(name);
        // Whoever else has written the index meanwhile, as another daemon may, has seen other things.
        let known = seen.take().filter(|known| Stamp::of(&index).is_some_and(|stamp| stamp == known.stamp));
        let (links, torn, before) = match known {
            Some(Glance { links, tree, stamp }) => (links, Vec::new(), Some((tree, stamp))),
            None => {
                self.unlock(&index);
                let listed = match self.seeded(name, folder).await? {
                    Some(listed) => listed,
                    None => self.call(name, folder).args(["ls-files", "--stage", "-z"]).run().await?,
                };
                let (links, torn) = special(&listed);
                (links, torn, None)
            }
        };
        let look = ["ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard"];
        let fresh = self.call(name, folder).args(look).run().await?;
        let mut paths = Vec::new();
        for path in fresh.split(|byte| *byte == 0).chain(torn.iter().map(Vec::as_slice)) {
            // A repository within the folder is listed with a slash, and has its own history.
            if !path.is_empty() && !path.ends_with(b"/") && !links.contains(path) {
                paths.extend_from_slice(path);
                paths.push(0);
            }
        }
        let paths = limits.within(folder, paths).await?;
        if let (true, Some((tree, stamp))) = (paths.is_empty(), before)
            && Stamp::of(&index).as_ref() == Some(&stamp)
        {
            *seen = Some(Glance { links, tree: tree.clone(), stamp });
            return Ok(tree);
        }
        if !paths.is_empty() {
            let take = ["update-index", "-z", "--add", "--remove", "--replace", "--stdin"];
            self.call(name, folder).args(take).input(paths).run().await?;
        }
        let tree = Tree(self.call(name, folder).args(["write-tree"]).text().await?);
        *seen = Stamp::of(&index).map(|stamp| Glance { links, tree: tree.clone(), stamp });
        Ok(tree)
    }

    /// Takes away the lock of a call that was killed, which nobody else would.
    fn unlock(&self, index: &Path) {
        let mut lock = index.as_os_str().to_owned();
        lock.push(".lock");
        let lock = Path::new(&lock);
        let made = lock.metadata().and_then(|lock| lock.modified());
        let is_old = made.ok().and_then(|made| made.elapsed().ok()).is_some_and(|age| age > PATIENCE);
        if is_old {
            let _ = std::fs::remove_file(lock);
        }
    }

    /// Writes all files of a tree into a folder that has none.
    ///
    /// # Errors
    /// The folder cannot be written, or git fails.
    pub async fn fill(&self, name: &str, folder: &Path, tree: &Tree) -> Result<(), GitError> {
        self.call(name, folder).args(["read-tree", &tree.0]).run().await?;
        self.call(name, folder).args(["checkout-index", "--all", "--quiet", "--index"]).run().await.map(drop)
    }

    /// What became of one tree on the way to another.
    ///
    /// # Errors
    /// The trees are not of this store, the changes are too long, or git fails.
    pub async fn diff(&self, from: &Tree, to: &Tree) -> Result<Diff, GitError> {
        if from == to {
            return Ok(Diff::default());
        }
        let trees = [from.0.as_str(), to.0.as_str()];
        let compare = |how: &[&str]| {
            let plain = ["diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv", "--no-color"];
            self.call("none", &self.place).args(plain).args(how).args(trees)
        };
        let raw = compare(&["-z", "--raw"]).run().await?;
        let patch = compare(&["-p", "--binary", "--full-index"]).run().await?;
        let files =
            changes(&raw, &patch).ok_or_else(|| GitError::Unfit("git tells of changes as never before".into()))?;
        Ok(Diff { patch, files })
    }

    /// Brings what became of `base` on the way to `theirs` into a folder, beside what became of that there: all of it, or
    /// nothing where both changed the same.
    ///
    /// # Errors
    /// The folder cannot be read or written, or git fails.
    pub async fn apply(&self, name: &str, folder: &Path, base: &Tree, theirs: &Tree) -> Result<Applied, GitError> {
        let ours = self.snapshot(name, folder).await?;
        let merged = match self.merge(base, &ours, theirs).await? {
            Merged::Tree(merged) => Some(merged),
            Merged::Conflict(names) => return Ok(Applied::Conflict(names)),
            Merged::Unable => None,
        };
        let diff = match &merged {
            Some(merged) => self.diff(&ours, merged).await?,
            None => self.diff(base, theirs).await?,
        };
        if diff.patch.is_empty() {
            return Ok(Applied::All(Vec::new()));
        }
        // It looks at all files before it writes the first one.
        let call = self.call(name, folder).args(["apply", "--whitespace=nowarn", "-"]).input(diff.patch);
        match call.answer().await? {
            Answer { exit, .. } if exit.is_success() => Ok(Applied::All(diff.files)),
            Answer { exit, said, .. } if exit.code == Some(1) => Ok(Applied::Conflict(complained(&said, &diff.files))),
            Answer { exit, said, .. } => Err(GitError::Failed { command: "apply".to_owned(), code: exit.code, said }),
        }
    }

    async fn merge(&self, base: &Tree, ours: &Tree, theirs: &Tree) -> Result<Merged, GitError> {
        let base = self.commit(base, None).await?;
        let (ours, theirs) = (self.commit(ours, Some(&base)).await?, self.commit(theirs, Some(&base)).await?);
        let args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z"];
        let answer = self.call("none", &self.place).args(args).args([ours, theirs]).answer().await?;
        let mut told = names(&answer.stdout);
        match (answer.exit.code, told.len()) {
            (Some(0), 1) => Ok(Merged::Tree(Tree(told.remove(0)))),
            (Some(1), 2..) => Ok(Merged::Conflict(told.split_off(1))),
            // Before 2.38 it knew no such thing.
            (Some(129), _) => Ok(Merged::Unable),
            (code, _) => Err(GitError::Failed { command: "merge-tree".to_owned(), code, said: answer.said }),
        }
    }

    /// A commit of a tree, which is what can be merged.
    async fn commit(&self, tree: &Tree, parent: Option<&str>) -> Result<String, GitError> {
        let parent = parent.into_iter().flat_map(|parent| ["-p", parent]);
        let args = ["commit-tree", "-m", "a moment"];
        self.call("none", &self.place).args(args).args(parent).args([&tree.0]).text().await
    }

    /// Where a folder is looked at for the first time: what its repository knows of it, taken over.
    async fn seeded(&self, name: &str, folder: &Path) -> Result<Option<Vec<u8>>, GitError> {
        let index = self.index(name);
        let Some(known) = self.known.as_ref().filter(|known| known.top == folder && !index.exists()) else {
            return Ok(None);
        };
        let list = || self.call(name, folder).args(["ls-files", "--stage", "-z"]);
        if taken_over(&known.index, &index).await.is_ok() {
            // Where it is only a part of one, it cannot be read here.
            match list().run().await {
                Ok(listed) => return Ok(Some(listed)),
                Err(GitError::Failed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let _ = tokio::fs::remove_file(&index).await;
        if let Some(head) = &known.head {
            self.call(name, folder).args(["read-tree", head]).run().await?;
        }
        list().run().await.map(Some)
    }

    fn index(&self, name: &str) -> PathBuf {
        self.place.join(format!("index.{name}"))
    }

    /// A call that has nothing to do with a folder.
    pub(super) fn alone(&self) -> Call<'_> {
        self.call("none", &self.place)
    }

    /// A call that works on an index alone.
    pub(super) fn at_index(&self, name: &str) -> Call<'_> {
        self.call(name, &self.place)
    }

    pub(super) fn call<'a>(&'a self, name: &str, folder: &'a Path) -> Call<'a> {
        let call = self.git.call(folder).settings(&self.settings);
        let index = self.index(name);
        call.env("GIT_DIR", &self.place).env("GIT_WORK_TREE", folder).env("GIT_INDEX_FILE", index)
    }
}

/// What a look has seen, for the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The paths of other repositories in the folder.
    links: BTreeSet<Vec<u8>>,
    tree: Tree,
    /// The index as it was then.
    stamp: Stamp,
}

/// What tells one version of a file from another: git writes an index anew each time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    file: u64,
    length: u64,
    modified: SystemTime,
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let file = path.metadata().ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&file);
        #[cfg(not(unix))]
        let number = 0;
        Some(Stamp { file: number, length: file.len(), modified: file.modified().ok()? })
    }
}

/// How much of a folder is taken into a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The longest file, in bytes; longer ones are left out.
    pub file_bytes: u64,
    /// The most files that have changed since the last look.
    pub files: usize,
    /// How long these may be together, in bytes.
    pub bytes: u64,
}

impl Bounds {
    /// None at all.
    pub const NONE: Bounds = Bounds { file_bytes: u64::MAX, files: usize::MAX, bytes: u64::MAX };

    /// Those of these paths, each with a NUL behind it, that are not too long.
    async fn within(self, folder: &Path, paths: Vec<u8>) -> Result<Vec<u8>, GitError> {
        if self == Bounds::NONE {
            return Ok(paths);
        }
        let folder = folder.to_owned();
        let weighed = tokio::task::spawn_blocking(move || self.weigh(&folder, &paths)).await;
        weighed.map_err(|_| GitError::Unfit("the runtime is shutting down".to_owned()))?
    }

    fn weigh(self, folder: &Path, paths: &[u8]) -> Result<Vec<u8>, GitError> {
        let (mut kept, mut files, mut bytes) = (Vec::new(), 0, 0);
        for path in paths.split_inclusive(|byte| *byte == 0) {
            let place = folder.join(String::from_utf8_lossy(&path[..path.len() - 1]).as_ref());
            let length = place.symlink_metadata().map_or(0, |file| file.len());
            if length > self.file_bytes {
                continue;
            }
            files += 1;
            bytes += length;
            kept.extend_from_slice(path);
        }
        match (files > self.files, bytes > self.bytes) {
            (true, _) => Err(GitError::Unfit(format!("there are more than {} files to look at", self.files))),
            (false, true) => Err(GitError::Unfit(format!("there are more than {} bytes to look at", self.bytes))),
            (false, false) => Ok(kept),
        }
    }
}

enum Merged {
    Tree(Tree),
    Conflict(Vec<String>),
    /// This git cannot merge without a folder to do it in.
    Unable,
}

/// Of an index: the paths of other repositories in it, and those that somebody has not finished merging.
fn special(listed: &[u8]) -> (BTreeSet<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut links, mut torn) = (BTreeSet::new(), Vec::new());
    for entry in listed.split(|byte| *byte == 0) {
        let Some(tab) = memchr::memchr(b'\t', entry) else { continue };
        let (head, path) = (&entry[..tab], &entry[tab + 1..]);
        if head.starts_with(b"160000 ") {
            links.insert(path.to_vec());
        } else if !head.ends_with(b" 0") {
            torn.push(path.to_vec());
        }
    }
    (links, torn)
}

/// Whose files git complained about; all where it named none.
pub(super) fn complained(said: &str, files: &[FileChange]) -> Vec<String> {
    let named: Vec<String> = files.iter().map(|file| file.path.clone()).filter(|path| said.contains(&**path)).collect();
    if named.is_empty() { files.iter().map(|file| file.path.clone()).collect() } else { named }
}

/// Reads the objects of a person's repository, and passes over what is passed over there.
fn borrow(place: &Path, repository: &Repository) -> io::Result<()> {
    let mut objects = repository.objects().as_os_str().as_encoded_bytes().to_vec();
    objects.push(b'\n');
    std::fs::create_dir_all(place.join("objects/info"))?;
    std::fs::write(place.join("objects/info/alternates"), objects)?;
    let exclude = repository.exclude();
    // What is no ordinary file might never end.
    if let Ok(patterns) = plain_file::read(exclude, EXCLUDE) {
        std::fs::create_dir_all(place.join("info"))?;
        std::fs::write(place.join("info/exclude"), patterns)?;
    }
    Ok(())
}

/// Copies an index, which is an ordinary file.
async fn taken_over(known: &Path, index: &Path) -> io::Result<u64> {
    let (known, index) = (known.to_owned(), index.to_owned());
    let copy = move || {
        let known = plain_file::open(&known)?;
        match known.metadata()?.len() > INDEX {
            true => Err(io::ErrorKind::FileTooLarge.into()),
            false => io::copy(&mut known.take(INDEX), &mut std::fs::File::create(index)?),
        }
    };
    tokio::task::spawn_blocking(copy).await.map_err(io::Error::other)?
}

fn lost(place: &Path, error: &io::Error) -> GitError {
    GitError::Unfit(format!("{} cannot be written: {error}", place.display()))
}
