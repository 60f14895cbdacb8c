//! What a store does so that what happened in a folder can be taken back: it keeps trees by name, makes one that is a part of
//! another, and writes the difference.

use std::path::Path;

use super::store::complained;
use super::{Answer, Applied, GitError, Store, Tree};

/// Below which name trees are kept.
const KEPT: &str = "refs/sixframe/";

impl Store {
    /// Keeps a tree under this name, a path of plain names.
    ///
    /// # Errors
    /// The store cannot be written, or git fails.
    pub async fn keep(&self, name: &str, tree: &Tree) -> Result<(), GitError> {
        let args = ["update-ref", &format!("{KEPT}{name}"), tree.name()];
        self.alone().args(args).run().await.map(drop)
    }

    /// The tree that is kept under this name.
    ///
    /// # Errors
    /// git fails.
    pub async fn kept(&self, name: &str) -> Result<Option<Tree>, GitError> {
        let args = ["rev-parse", "--verify", "--quiet", &format!("{KEPT}{name}")];
        let Answer { exit, stdout, .. } = self.alone().args(args).answer().await?;
        let name = String::from_utf8_lossy(&stdout).trim().to_owned();
        Ok((exit.is_success() && !name.is_empty()).then(|| Tree::named(name)))
    }

    /// The names of the trees that are kept, in their order.
    ///
    /// # Errors
    /// git fails.
    pub async fn all_kept(&self) -> Result<Vec<String>, GitError> {
        let text = self.alone().args(["for-each-ref", "--format=%(refname)", KEPT]).text().await?;
        Ok(text.lines().filter_map(|name| name.strip_prefix(KEPT)).map(str::to_owned).collect())
    }

    /// Lets go of these, and of what only they hold and nobody has just written.
    ///
    /// # Errors
    /// The store cannot be written, or git fails.
    pub async fn let_go(&self, names: &[String]) -> Result<(), GitError> {
        let lines: String = names.iter().map(|name| format!("delete {KEPT}{name}\n")).collect();
        self.alone().args(["update-ref", "--stdin"]).input(lines.into_bytes()).run().await?;
        self.alone().args(["prune", "--expire=10.minutes.ago"]).run().await.map(drop)
    }

    /// How much the store holds, in bytes.
    ///
    /// # Errors
    /// git fails.
    pub async fn bytes(&self) -> Result<u64, GitError> {
        let text = self.alone().args(["count-objects", "-v"]).text().await?;
        let sizes = text.lines().filter_map(|line| line.strip_prefix("size: ").or(line.strip_prefix("size-pack: ")));
        Ok(sizes.filter_map(|size| size.parse::<u64>().ok()).sum::<u64>() * 1024)
    }

    /// A tree in which these paths are as in `part`, be it that they are not there, and all others as in `rest`.
    ///
    /// # Errors
    /// The trees are not of this store, or git fails.
    pub async fn mixed(&self, rest: &Tree, part: &Tree, paths: &[String]) -> Result<Tree, GitError> {
        let listed = self.alone().args(["ls-tree", "-r", "-z", "--full-tree", part.name()]).run().await?;
        let path = |entry: &[u8]| memchr::memchr(b'\t', entry).map(|tab| entry[tab + 1..].to_vec());
        let wanted: std::collections::BTreeSet<&[u8]> = paths.iter().map(String::as_bytes).collect();
        let is_wanted = |entry: &&[u8]| path(entry).is_some_and(|path| wanted.contains(path.as_slice()));
        let nothing = "0".repeat(part.name().len());
        let gone = paths.iter().map(|path| format!("0 {nothing}\t{path}").into_bytes());
        let there = listed.split(|byte| *byte == 0).filter(is_wanted).map(<[u8]>::to_vec);
        let mut entries = Vec::new();
        for entry in gone.chain(there) {
            entries.extend_from_slice(&entry);
            entries.push(0);
        }
        self.at_index("mixed").args(["read-tree", rest.name()]).run().await?;
        self.at_index("mixed").args(["update-index", "-z", "--index-info"]).input(entries).run().await?;
        Ok(Tree::named(self.at_index("mixed").args(["write-tree"]).text().await?))
    }

    /// Writes what became of `from` on the way to `to` into a folder that is as `from`; all of it, or nothing where the folder
    /// is not.
    ///
    /// # Errors
    /// The folder cannot be written, or git fails.
    pub async fn write(&self, name: &str, folder: &Path, from: &Tree, to: &Tree) -> Result<Applied, GitError> {
        let diff = self.diff(from, to).await?;
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
}
