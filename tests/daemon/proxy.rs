//! A proxy between a client and the daemon that knows only bytes, and cuts each connection after a random number of them.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

pub(crate) struct CuttingProxy {
    path: PathBuf,
    cuts: Arc<AtomicU64>,
}

impl CuttingProxy {
    /// Listens in a folder of its own below `folder`; connections get at most `longest` bytes from `target`, and the first one
    /// `spared` bytes more.
    pub(crate) fn start(folder: &Path, target: &str, longest: u64, spared: u64) -> CuttingProxy {
        let folder = folder.join("proxy");
        std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        let path = folder.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let cuts = Arc::new(AtomicU64::new(0));
        let (target, counted) = (target.trim_start_matches("unix:").to_owned(), Arc::clone(&cuts));
        tokio::spawn(async move {
            let (mut random, mut spared) = (0x9e37_79b9_7f4a_7c15, spared);
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&target).await.unwrap();
                let most = next(&mut random) % longest + std::mem::take(&mut spared);
                tokio::spawn(carry(client, server, most, Arc::clone(&counted)));
            }
        });
        CuttingProxy { path, cuts }
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.path.display())
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

/// xorshift64.
pub(crate) fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Passes bytes both ways until `left` of them came from the server; then both connections break, wherever a frame is.
async fn carry(client: UnixStream, server: UnixStream, mut left: u64, cuts: Arc<AtomicU64>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut buffer = vec![0; 8192];
    while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
        let passed = read.min(left as usize);
        if to_client.write_all(&buffer[..passed]).await.is_err() {
            break;
        }
        left -= passed as u64;
        if left == 0 {
            cuts.fetch_add(1, Ordering::Relaxed);
            break;
        }
    }
    up.abort();
}
