//! On a thread: anonymous pipes can be read in no other way. Type-checked, and not run.

#![allow(unsafe_code, reason = "how much a pipe holds can be asked by a call of C alone")]

use std::fs::File;
use std::io::{self, Read as _};
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::sync::Arc;
use std::time::Duration;

use windows_sys::Win32::System::Pipes::PeekNamedPipe;

use crate::KeptOutput;

/// Bytes read at once.
const READ: usize = 64 << 10;

/// How often, and how many times at most, an emptied pipe is waited for.
const PAUSE: Duration = Duration::from_millis(1);
const LOOKS: usize = 500;

/// Reads a pipe into its ring on a thread of its own, which ends with the pipe. Dropping it ends the output.
pub(crate) struct Reader {
    output: KeptOutput,
    pipe: Arc<File>,
}

impl Reader {
    /// Begins to read.
    pub(crate) fn start(pipe: OwnedHandle, output: KeptOutput) -> io::Result<Reader> {
        let pipe = Arc::new(File::from(pipe));
        let (from, into) = (Arc::clone(&pipe), output.clone());
        std::thread::Builder::new().name("child output".to_owned()).spawn(move || read(&from, &into))?;
        Ok(Reader { output, pipe })
    }

    /// The offset behind everything that was written up to now, as soon as all of it is read.
    pub(crate) async fn end_so_far(&self) -> u64 {
        for _ in 0..LOOKS {
            let before = self.output.end();
            if self.is_empty() {
                tokio::time::sleep(PAUSE).await;
                if self.output.end() == before {
                    break;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.output.end()
    }

    /// Whether nothing waits to be read; so too where nobody can write any more.
    fn is_empty(&self) -> bool {
        let (none, mut waiting) = (std::ptr::null_mut(), 0);
        // SAFETY: the handle is open as long as `self`, and the count outlives the call.
        let told = unsafe {
            PeekNamedPipe(self.pipe.as_raw_handle(), none, 0, none.cast(), &raw mut waiting, none.cast()) != 0
        };
        !told || waiting == 0
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.output.finish();
    }
}

fn read(mut pipe: &File, into: &KeptOutput) {
    let mut buffer = vec![0; READ];
    loop {
        match pipe.read(&mut buffer) {
            Ok(read @ 1..) => into.push(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Ok(0) | Err(_) => break,
        }
    }
    into.finish();
}
