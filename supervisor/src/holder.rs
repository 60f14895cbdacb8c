//! What holds a child, as its system allows: a guardian on Unix, a job object on Windows. Reports what happens below and
//! takes orders; knows nothing of ladders and rings.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Holder, Root};
#[cfg(windows)]
pub(crate) use windows::{Holder, Root};

use std::io;
use std::io::{PipeReader, PipeWriter};

use crate::pipe::{Handle, WriteEnd, write_end};
use crate::{ChildConfig, Input, Output};

/// The ends of a child's pipes that stay here.
#[derive(Default)]
pub(crate) struct Ends {
    pub(crate) stdin: Option<WriteEnd>,
    pub(crate) outputs: [Option<Handle>; 2],
}

/// Both sides of a child's input and outputs; the second is the child's.
fn pipes(config: &ChildConfig) -> io::Result<(Ends, [Handle; 3])> {
    let mut ends = Ends::default();
    let stdin = match config.stdin {
        Input::Piped => {
            let (theirs, ours): (PipeReader, PipeWriter) = io::pipe()?;
            ends.stdin = Some(write_end(ours.into())?);
            theirs.into()
        }
        Input::Null => std::fs::File::open(NULL)?.into(),
    };
    let mut output = |at: usize, output: Output| -> io::Result<Handle> {
        match output {
            Output::Kept | Output::Piped => {
                let (ours, theirs): (PipeReader, PipeWriter) = io::pipe()?;
                ends.outputs[at] = Some(ours.into());
                Ok(theirs.into())
            }
            Output::Null => Ok(std::fs::File::options().write(true).open(NULL)?.into()),
            Output::Inherited => inherited(at),
        }
    };
    let theirs = [stdin, output(0, config.stdout)?, output(1, config.stderr)?];
    Ok((ends, theirs))
}

/// Where our own output goes.
#[cfg(unix)]
fn inherited(at: usize) -> io::Result<Handle> {
    use std::os::fd::AsFd as _;
    if at == 0 { io::stdout().as_fd().try_clone_to_owned() } else { io::stderr().as_fd().try_clone_to_owned() }
}

/// Where our own output goes.
#[cfg(windows)]
fn inherited(at: usize) -> io::Result<Handle> {
    use std::os::windows::io::AsHandle as _;
    if at == 0 { io::stdout().as_handle().try_clone_to_owned() } else { io::stderr().as_handle().try_clone_to_owned() }
}

#[cfg(unix)]
const NULL: &str = "/dev/null";
#[cfg(windows)]
const NULL: &str = "NUL";
