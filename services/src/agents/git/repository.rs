//! A person's repository: where it is, and the worktrees that we have in it. Nothing here reads or writes the content of its
//! files: that is for a store of ours, whose settings nobody else writes.

use std::path::{Path, PathBuf};

use super::{Call, Git, GitError};

/// How much of a repository's settings is read, in bytes.
const SETTINGS: usize = 4 << 20;

/// A person's repository.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(super) git: Git,
    /// The folder of its files, without links.
    top: PathBuf,
    /// Where its objects are.
    objects: PathBuf,
    /// The index of this folder of files.
    index: PathBuf,
    /// Patterns of files that are nobody's matter but this repository's user's.
    exclude: PathBuf,
    /// How its objects are called.
    format: String,
}

impl Repository {
    /// The repository that this folder is in.
    ///
    /// # Errors
    /// It is in none, or in one of somebody else's, or in one whose settings say that its files are elsewhere.
    pub async fn of(git: &Git, folder: &Path) -> Result<Repository, GitError> {
        let folder = folder.canonicalize().map_err(|error| GitError::Unfit(format!("the folder is lost: {error}")))?;
        let asked = [
            "rev-parse",
            "--path-format=absolute",
            "--show-object-format",
            "--show-toplevel",
            "--git-path",
            "objects",
            "--git-path",
            "index",
            "--git-path",
            "info/exclude",
        ];
        let text = git.call(&folder).args(asked).text().await?;
        let lines: Vec<&str> = text.lines().collect();
        let [format, top, objects, index, exclude] = lines[..] else {
            return Err(GitError::Unfit("the repository's folder has a name that cannot be used".to_owned()));
        };
        let top = Path::new(top).canonicalize().ok().filter(|top| folder.starts_with(top));
        // Its settings may name any folder of this machine as that of its files.
        let elsewhere = || GitError::Unfit("the repository's settings name another folder for its files".to_owned());
        let top = top.ok_or_else(elsewhere)?;
        let (objects, index, exclude) = (objects.into(), index.into(), exclude.into());
        Ok(Repository { git: git.clone(), top, objects, index, exclude, format: format.to_owned() })
    }

    /// The folder of its files, without links.
    pub fn top(&self) -> &Path {
        &self.top
    }

    pub(super) fn objects(&self) -> &Path {
        &self.objects
    }

    pub(super) fn index(&self) -> &Path {
        &self.index
    }

    pub(super) fn exclude(&self) -> &Path {
        &self.exclude
    }

    pub(super) fn format(&self) -> &str {
        &self.format
    }

    /// The commit that its files are of.
    ///
    /// # Errors
    /// There is none yet.
    pub async fn head(&self) -> Result<String, GitError> {
        let asked = self.git.call(&self.top).args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).text().await;
        asked.map_err(|error| match error {
            GitError::Failed { .. } => GitError::Unfit("the repository has no commit yet; make one".to_owned()),
            error => error,
        })
    }

    /// Adds a worktree at a commit, on no branch and without files.
    ///
    /// # Errors
    /// The path is taken, or git fails.
    pub async fn add_worktree(&self, path: &Path, commit: &str) -> Result<(), GitError> {
        let args = ["worktree", "add", "--quiet", "--detach", "--no-checkout"];
        let call = self.guarded().await?.args(args).args([path.as_os_str()]).args([commit]);
        call.run().await.map(drop)
    }

    /// Makes the index of a worktree that of a commit. What its files hold is not looked at.
    ///
    /// # Errors
    /// There is no such worktree, or git fails.
    pub async fn read_commit(&self, worktree: &Path, commit: &str) -> Result<(), GitError> {
        let settings = self.programs_at(worktree).await?;
        self.git.call(worktree).settings(&settings).args(["read-tree", commit]).run().await.map(drop)
    }

    /// Forgets a worktree whose folder is not there any more. Others are not looked at.
    ///
    /// # Errors
    /// Its folder is there, or the repository does not know it.
    pub async fn forget_worktree(&self, path: &Path) -> Result<(), GitError> {
        if path.exists() {
            return Err(GitError::Unfit(format!("{} is still there", path.display())));
        }
        let args = ["worktree", "remove", "--force", "--force"];
        self.guarded().await?.args(args).args([path.as_os_str()]).run().await.map(drop)
    }

    /// The worktrees that it knows, itself among them.
    ///
    /// # Errors
    /// git fails.
    pub async fn worktrees(&self) -> Result<Vec<PathBuf>, GitError> {
        let listed = self.git.call(&self.top).args(["worktree", "list", "--porcelain", "-z"]).run().await?;
        let lines = listed.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        Ok(lines.filter_map(|line| line.strip_prefix("worktree ").map(PathBuf::from)).collect())
    }

    async fn guarded(&self) -> Result<Call<'_>, GitError> {
        let settings = self.programs().await?;
        Ok(self.git.call(&self.top).settings(&settings))
    }

    /// How a person's settings have files written: ends of lines, and which files nobody asks for.
    pub(super) async fn habits(&self) -> Result<Vec<(String, String)>, GitError> {
        const HABITS: &str =
            "^core\\.(autocrlf|eol|filemode|ignorecase|symlinks|precomposeunicode|excludesfile|bigfilethreshold)$";
        let mut call = self.git.call(&self.top).args(["config", "-z", "--get-regexp", HABITS]).most(SETTINGS);
        // These alone are read from the person's own settings, too, and reading starts nothing.
        call.env.push(("GIT_CONFIG_NOSYSTEM".into(), "0".into()));
        call = call.unset("GIT_CONFIG_GLOBAL");
        let answer = call.answer().await?;
        let pairs = answer.stdout.split(|byte| *byte == 0).filter_map(|pair| std::str::from_utf8(pair).ok());
        let pairs = pairs.filter_map(|pair| pair.split_once('\n'));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}
