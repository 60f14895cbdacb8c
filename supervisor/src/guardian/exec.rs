//! The start of the program: with three descriptors, a session of its own, and its end tied to the guardian's.

#![allow(
    unsafe_code,
    reason = "what is done between fork and exec must be said to the standard library by an unsafe call"
)]

mod image;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{Resource, Rlimit, getpid, getppid, getrlimit, setrlimit, setsid};

use crate::ProcessId;
use crate::lease::Launch;
use crate::process;
use image::Image;

/// Lets all signals through, to this process and to what it starts: a host may have been started with some held back.
pub(super) fn unblock_signals() -> io::Result<()> {
    let mut none = std::mem::MaybeUninit::uninit();
    // SAFETY: the set is made before it is read, and outlives both calls.
    let failed = unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut())
    };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Starts the program. Its signals are what a program expects: the guardian holds none back, and the standard library sees to
/// `SIGPIPE`.
pub(super) fn start(launch: &Launch, descriptors: Vec<OwnedFd>) -> io::Result<ProcessId> {
    // The system leaves out those for which this process has no room.
    let [stdin, stdout, stderr] = <[OwnedFd; 3]>::try_from(descriptors).map_err(|_| Errno::MFILE)?;
    let image = Image::new(launch)?;
    // What it says of the program is never used: it would have a shell read what the system cannot run.
    let mut command = Command::new(&launch.program);
    command.stdin(stdin).stdout(stdout).stderr(Stdio::from(stderr));
    if let Some(cwd) = &launch.cwd {
        command.current_dir(cwd);
    }
    close_on_exec();
    let (guardian, open_files) = (getpid(), launch.open_files);
    let before_exec = move || {
        setsid()?;
        if let Some(most) = open_files {
            limit_open_files(most)?;
        }
        die_with_guardian()?;
        // It may have ended before the kernel was told.
        match getppid() == Some(guardian) {
            true => Err(image.execute()),
            false => Err(io::ErrorKind::BrokenPipe.into()),
        }
    };
    // SAFETY: the closure makes system calls and allocates; this process has one thread, so that no lock can be held by
    // another at the fork.
    unsafe { command.pre_exec(before_exec) };
    let child = command.spawn()?;
    let started = process::process(child.id()).map_or(0, |process| process.id.started);
    Ok(ProcessId { pid: child.id(), started })
}

/// The program gets its three descriptors, and none that the host had from somewhere and that came here with its start.
fn close_on_exec() {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let numbers = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for number in numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()).filter(|fd| *fd > 2) {
        // SAFETY: it is open: this process has one thread, which is in this loop.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = fcntl_setfd(descriptor, FdFlags::CLOEXEC);
    }
}

/// The guardian keeps what it has: it needs descriptors to look for the family.
fn limit_open_files(most: u64) -> io::Result<()> {
    let ours = getrlimit(Resource::Nofile);
    let most = ours.maximum.map_or(most, |hard| most.min(hard));
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..ours })?)
}

/// Armed here and nowhere else: it is the end of the thread that starts a program which counts, and this process has one.
#[cfg(target_os = "linux")]
fn die_with_guardian() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?)
}

#[cfg(not(target_os = "linux"))]
fn die_with_guardian() -> io::Result<()> {
    Ok(())
}
