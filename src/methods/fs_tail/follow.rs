//! Which file is followed: the one that has the name, until it is replaced and read to its end. Pure but for the file
//! system; the time comes as an argument.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sixframe_core::{Code, Fault, Item};

use super::super::api::{Edge, TailFrom, TailParams};
use super::super::chunk::Chunk;
use super::super::roots::{self, Roots};
use super::life::{FileIdentity, Life};

/// How long a replaced file is read on: its writer may not have noticed yet.
const LINGER: Duration = Duration::from_millis(300);

/// Files of a folder that are looked at for one that was renamed.
const SEARCHED: usize = 10_000;

/// A name that is followed.
pub(super) struct Follow {
    roots: Arc<Roots>,
    path: String,
    /// Where the file really is.
    folder: PathBuf,
    life: Life,
    /// The item that says where the stream begins, or begins anew.
    opening: Option<Item<Option<Chunk>>>,
    /// Since when another file has the name.
    replaced: Option<Instant>,
}

/// What there is to do.
pub(super) enum Step {
    /// Hand this over.
    Item(Item<Option<Chunk>>),
    /// Wait for a change, or for this long where that is known.
    Wait(Option<Duration>),
}

impl Follow {
    /// Finds the file: where a broken stream stopped, else where `params` say.
    pub(super) fn open(roots: Arc<Roots>, params: TailParams, resume: Option<(String, u64)>) -> Result<Follow, Fault> {
        let TailParams { path, from } = params;
        let opened = roots.open(&path);
        if let Some((epoch, after)) = &resume {
            let current = opened.as_ref().ok().and_then(|(file, found)| {
                Some((Life::resumed(file.try_clone().ok()?, epoch, *after)?, folder_of(found)))
            });
            if let Some((life, folder)) = current.or_else(|| renamed(&roots, &path, epoch, *after)) {
                let opening = Some(Item::at(Some(Chunk::empty()), life.pos, life.epoch.as_str()));
                return Ok(Follow { roots, path, folder, life, opening, replaced: None });
            }
        }
        let (file, found) = opened?;
        let failed = |error: std::io::Error| roots::fault(&path, &error);
        let length = file.metadata().map_err(failed)?.len();
        let pos = if resume.is_some() { 0 } else { start(from, length)? };
        let life = Life::new(file, pos).map_err(failed)?;
        let opening =
            if resume.is_some() { beginning(&life) } else { Item::at(Some(Chunk::empty()), pos, life.epoch.as_str()) };
        Ok(Follow { roots, path, folder: folder_of(&found), life, opening: Some(opening), replaced: None })
    }

    /// The folder to watch for changes.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads on, or finds that there is nothing to read yet.
    pub(super) fn step(&mut self, now: Instant) -> Result<Step, Fault> {
        if let Some(opening) = self.opening.take() {
            return Ok(Step::Item(opening));
        }
        let path = self.path.clone();
        let failed = |error: std::io::Error| roots::fault(&path, &error);
        if self.life.len().map_err(failed)? < self.life.pos {
            let life = self.life.reborn().map_err(failed)?;
            return Ok(Step::Item(self.begin(life)));
        }
        if let Some(chunk) = self.life.read().map_err(failed)? {
            let sharpened = self.life.sharpen().map_err(failed)?;
            let epoch = sharpened.then(|| self.life.epoch.as_str().into());
            return Ok(Step::Item(Item { epoch, pos: Some(self.life.pos), ..Item::from(Some(chunk)) }));
        }
        self.look_for_another(now)
    }

    /// At the end of the file: does its name lead to another one?
    fn look_for_another(&mut self, now: Instant) -> Result<Step, Fault> {
        let (file, found) = match self.roots.open(&self.path) {
            Ok(opened) => opened,
            Err(fault) if fault.code == Code::NOT_FOUND => return Ok(Step::Wait(None)),
            Err(fault) => return Err(fault),
        };
        let failed = |error: std::io::Error| roots::fault(&self.path, &error);
        if FileIdentity::of(&file.metadata().map_err(failed)?) == self.life.identity {
            self.replaced = None;
            return Ok(Step::Wait(None));
        }
        let since = *self.replaced.get_or_insert(now);
        let waited = now.saturating_duration_since(since);
        if waited < LINGER {
            return Ok(Step::Wait(Some(LINGER - waited)));
        }
        let life = Life::new(file, 0).map_err(failed)?;
        self.folder = folder_of(&found);
        Ok(Step::Item(self.begin(life)))
    }

    fn begin(&mut self, life: Life) -> Item<Option<Chunk>> {
        self.replaced = None;
        self.life = life;
        beginning(&self.life)
    }
}

/// The item that says: from the first byte of another life (spec: `resume.5`).
fn beginning(life: &Life) -> Item<Option<Chunk>> {
    Item::at(None, 0, life.epoch.as_str()).reset()
}

fn start(from: TailFrom, length: u64) -> Result<u64, Fault> {
    match from {
        TailFrom::Edge(Edge::Start) => Ok(0),
        TailFrom::Edge(Edge::End) | TailFrom::Unsaid => Ok(length),
        TailFrom::Offset(offset) if offset <= length => Ok(offset),
        TailFrom::Offset(offset) => {
            let message = format!("from is {offset}, but the file has {length} bytes");
            Err(Fault::new(Code::INVALID_PAYLOAD, message)
                .details(serde_json::json!({"path": "from", "length": length})))
        }
    }
}

/// The file of a broken stream under a new name: rotation gives it one in the same folder.
fn renamed(roots: &Roots, path: &str, epoch: &str, after: u64) -> Option<(Life, PathBuf)> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let folder = roots.resolve(&folder.to_string_lossy()).ok()?;
    let entries = fs::read_dir(&folder).ok()?.flatten().take(SEARCHED);
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut lives = files.filter_map(|entry| Life::resumed(roots.open_resolved(&entry.path()).ok()?, epoch, after));
    lives.next().map(|life| (life, folder))
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(file).to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    struct World {
        folder: tempfile::TempDir,
        roots: Arc<Roots>,
        now: Instant,
    }

    impl World {
        fn new() -> World {
            let folder = tempfile::tempdir().unwrap();
            let roots = Arc::new(Roots::new(&[folder.path().to_owned()]));
            World { folder, roots, now: Instant::now() }
        }

        fn append(&self, name: &str, text: &str) {
            let path = self.folder.path().join(name);
            let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn rename(&self, from: &str, to: &str) {
            fs::rename(self.folder.path().join(from), self.folder.path().join(to)).unwrap();
        }

        fn follow(&self, from: TailFrom, resume: Option<(&str, u64)>) -> Follow {
            let params = TailParams { path: "log".to_owned(), from };
            let resume = resume.map(|(epoch, after)| (epoch.to_owned(), after));
            Follow::open(Arc::clone(&self.roots), params, resume).unwrap()
        }

        /// Everything that there is to read; `|` where the stream says reset.
        fn read(&mut self, follow: &mut Follow) -> String {
            let mut text = String::new();
            loop {
                match follow.step(self.now).unwrap() {
                    Step::Item(item) => {
                        text.push_str(if item.reset { "|" } else { "" });
                        text.push_str(&item.data.map(|chunk| chunk.data).unwrap_or_default());
                    }
                    Step::Wait(Some(pause)) => self.now += pause,
                    Step::Wait(None) => return text,
                }
            }
        }
    }

    fn place(follow: &Follow) -> (String, u64) {
        (follow.life.epoch.clone(), follow.life.pos)
    }

    #[test]
    fn a_rotated_file_is_read_to_its_end_before_the_new_one() {
        let mut world = World::new();
        world.append("log", "one\n");
        let mut follow = world.follow(TailFrom::Edge(Edge::Start), None);
        assert_eq!(world.read(&mut follow), "one\n");
        world.append("log", "two\n");
        world.rename("log", "log.1");
        world.append("log.1", "three\n");
        world.append("log", "four\n");
        assert_eq!(world.read(&mut follow), "two\nthree\n|four\n");
    }

    #[test]
    fn a_file_that_is_cut_short_begins_anew() {
        let mut world = World::new();
        world.append("log", "a long beginning\n");
        let mut follow = world.follow(TailFrom::Unsaid, None);
        assert_eq!(world.read(&mut follow), "");
        fs::write(world.folder.path().join("log"), "new\n").unwrap();
        assert_eq!(world.read(&mut follow), "|new\n");
    }

    #[test]
    fn a_resumed_stream_goes_on_behind_the_last_byte_even_in_a_file_that_was_renamed() {
        let mut world = World::new();
        world.append("log", "one\n");
        let mut follow = world.follow(TailFrom::Edge(Edge::Start), None);
        assert_eq!(world.read(&mut follow), "one\n");
        let (epoch, after) = place(&follow);
        world.append("log", "two\n");
        let mut again = world.follow(TailFrom::Edge(Edge::Start), Some((&epoch, after)));
        assert_eq!(world.read(&mut again), "two\n");
        world.rename("log", "log.1");
        world.append("log", "three\n");
        let mut again = world.follow(TailFrom::Edge(Edge::Start), Some((&epoch, after)));
        assert_eq!(world.read(&mut again), "two\n|three\n");
    }

    #[test]
    fn another_file_of_the_same_length_is_told_from_the_one_that_was_read() {
        let mut world = World::new();
        world.append("log", "");
        let mut follow = world.follow(TailFrom::Unsaid, None);
        world.append("log", "before\n");
        assert_eq!(world.read(&mut follow), "before\n");
        let (epoch, after) = place(&follow);
        fs::write(world.folder.path().join("log"), "behind\nand more\n").unwrap();
        let mut again = world.follow(TailFrom::Unsaid, Some((&epoch, after)));
        assert_eq!(world.read(&mut again), "|behind\nand more\n");
        let mut nonsense = world.follow(TailFrom::Unsaid, Some(("nonsense", 3)));
        assert_eq!(world.read(&mut nonsense), "|behind\nand more\n");
    }

    #[test]
    fn an_offset_behind_the_end_is_refused() {
        let world = World::new();
        world.append("log", "1234");
        let params = TailParams { path: "log".to_owned(), from: TailFrom::Offset(5) };
        let fault = Follow::open(Arc::clone(&world.roots), params, None).err().unwrap();
        assert_eq!(fault.code, Code::INVALID_PAYLOAD);
    }
}
