//! One life of a file: which file it is, however it is named, and how far it was read. A life ends when the file is cut
//! short; its name may then lead to another life.

use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom};
use std::time::UNIX_EPOCH;

use super::super::chunk::Chunk;

/// Longest chunk, in bytes.
const CHUNK: usize = 64 << 10;

/// Bytes at a file's beginning that tell one life from the next.
const HEAD: u64 = 1024;

/// A file as it is followed.
pub(super) struct Life {
    file: File,
    pub(super) identity: FileIdentity,
    /// What the caller is told of the life: enough to find it again.
    pub(super) epoch: String,
    /// Bytes handed over.
    pub(super) pos: u64,
}

impl Life {
    /// `file`, read from `pos` on.
    pub(super) fn new(mut file: File, pos: u64) -> io::Result<Life> {
        let identity = FileIdentity::of(&file.metadata()?);
        let epoch = Epoch::of(identity, &mut file)?.to_string();
        Ok(Life { file, identity, epoch, pos })
    }

    /// `file`, if it is the one that `epoch` tells of and still has what was read of it.
    pub(super) fn resumed(mut file: File, epoch: &str, after: u64) -> Option<Life> {
        let wanted: Epoch = Epoch::parse(epoch)?;
        let metadata = file.metadata().ok()?;
        let identity = FileIdentity::of(&metadata);
        let same = identity == wanted.identity
            && metadata.len() >= after
            && head_hash(&mut file, wanted.head_bytes).ok()? == wanted.head_hash;
        same.then(|| Life { file, identity, epoch: epoch.to_owned(), pos: after })
    }

    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// The same file as a new life, from its first byte on.
    pub(super) fn reborn(&self) -> io::Result<Life> {
        Life::new(self.file.try_clone()?, 0)
    }

    /// What stands behind `pos`; nothing at the end.
    pub(super) fn read(&mut self) -> io::Result<Option<Chunk>> {
        self.file.seek(SeekFrom::Start(self.pos))?;
        let mut bytes = Vec::new();
        (&self.file).take(CHUNK as u64).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let (chunk, length) = Chunk::of(&bytes);
        self.pos += length as u64;
        Ok(Some(chunk))
    }

    /// A life that began with an empty file is told from the next one as soon as it has bytes; true when that changed the
    /// epoch.
    pub(super) fn sharpen(&mut self) -> io::Result<bool> {
        if Epoch::parse(&self.epoch).is_some_and(|epoch| epoch.head_bytes > 0) {
            return Ok(false);
        }
        self.epoch = Epoch::of(self.identity, &mut self.file)?.to_string();
        Ok(true)
    }
}

/// Which file it is: the name may be another's tomorrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
    /// Nanoseconds since 1970, where the file system tells: an inode's number is used again.
    born: u64,
}

impl FileIdentity {
    pub(super) fn of(metadata: &Metadata) -> FileIdentity {
        let born = metadata.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let born = born.map_or(0, |since| since.as_nanos() as u64);
        #[cfg(unix)]
        let (device, inode) = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let (device, inode) = (0, 0);
        FileIdentity { device, inode, born }
    }
}

/// A life as its `epoch` tells it: the file, and what it begins with, which a file that was cut short and written anew has
/// no more.
struct Epoch {
    identity: FileIdentity,
    head_bytes: u64,
    head_hash: u64,
}

impl Epoch {
    fn of(identity: FileIdentity, file: &mut File) -> io::Result<Epoch> {
        let head_bytes = file.metadata()?.len().min(HEAD);
        Ok(Epoch { identity, head_bytes, head_hash: head_hash(file, head_bytes)? })
    }

    fn parse(text: &str) -> Option<Epoch> {
        let mut numbers = text.split('-').map(|part| u64::from_str_radix(part, 16).ok());
        let mut number = || numbers.next().flatten();
        let identity = FileIdentity { device: number()?, inode: number()?, born: number()? };
        let epoch = Epoch { identity, head_bytes: number()?, head_hash: number()? };
        (epoch.head_bytes <= HEAD).then_some(epoch)
    }
}

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let FileIdentity { device, inode, born } = self.identity;
        write!(f, "{device:x}-{inode:x}-{born:x}-{:x}-{:x}", self.head_bytes, self.head_hash)
    }
}

fn head_hash(file: &mut File, length: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.take(length).read_to_end(&mut head)?;
    let mut hasher = DefaultHasher::new();
    head.hash(&mut hasher);
    Ok(hasher.finish())
}
