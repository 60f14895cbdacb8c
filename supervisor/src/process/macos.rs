//! Processes as `libproc` and `sysctl` show them. Type-checked, and not run.

#![allow(unsafe_code, reason = "macOS tells of processes by calls of C alone")]

use std::ffi::{CStr, c_void};
use std::io;
use std::mem::{MaybeUninit, size_of};

use rustix::process::{Pid, Signal, getsid, kill_process};

use super::{Process, ProcessId};

/// Most processes that are asked for at once.
const MOST: usize = 1 << 16;

/// The process with this number; none when there is none, or none that we may see. A look needs no descriptor.
pub(crate) fn look(pid: u32) -> io::Result<Option<Process>> {
    Ok(told(pid).map(|told| Process {
        id: ProcessId { pid, started: told.pbi_start_tvsec * 1_000_000 + told.pbi_start_tvusec },
        parent: told.pbi_ppid,
        session: session(pid),
        is_dead: told.pbi_status == libc::SZOMB,
    }))
}

/// Whether a process does not run any more: it is stopped, or has ended.
pub(crate) fn stands_still(pid: u32) -> bool {
    told(pid).is_none_or(|told| matches!(told.pbi_status, libc::SSTOP | libc::SZOMB))
}

/// Whether it is within a call of the system that does not heed signals, which is not told here: it may be.
pub(crate) fn is_held(_pid: u32) -> bool {
    true
}

fn told(pid: u32) -> Option<libc::proc_bsdinfo> {
    let mut told = MaybeUninit::<libc::proc_bsdinfo>::uninit();
    let size = i32::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    // SAFETY: the buffer is as large as its size says, and is read only where the call says that it has filled all of it.
    unsafe {
        let filled =
            libc::proc_pidinfo(pid.cast_signed(), libc::PROC_PIDTBSDINFO, 0, told.as_mut_ptr().cast::<c_void>(), size);
        if filled < size {
            return None;
        }
        Some(told.assume_init())
    }
}

/// All processes that can be seen.
pub(crate) fn each(tell: impl FnMut(Process)) -> io::Result<()> {
    // SAFETY: the buffer is as large as its size in bytes says.
    let pids = listed(|buffer, bytes| unsafe { libc::proc_listallpids(buffer, bytes) });
    pids.into_iter().filter_map(super::process).for_each(tell);
    Ok(())
}

/// The children of a process.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    // SAFETY: the buffer is as large as its size in bytes says.
    listed(|buffer, bytes| unsafe { libc::proc_listchildpids(pid.cast_signed(), buffer, bytes) })
}

/// Whether the kernel tells the children of a process directly.
pub(crate) fn tells_children() -> bool {
    true
}

/// The value of a variable in the environment that a process was started with; none for those that the system protects.
pub(crate) fn variable(pid: u32, name: &str) -> io::Result<Option<Vec<u8>>> {
    Ok(arguments(pid).and_then(|block| value_in(&block, name)))
}

fn value_in(block: &[u8], name: &str) -> Option<Vec<u8>> {
    let (count, rest) = block.split_first_chunk::<4>()?;
    let count = usize::try_from(i32::from_ne_bytes(*count)).ok()?;
    // The program's path and some zeros, its arguments, its environment.
    let path = rest.iter().position(|byte| *byte == 0)?;
    let rest = &rest[path..];
    let rest = &rest[rest.iter().position(|byte| *byte != 0)?..];
    let of = |variable: &[u8]| Some(variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_vec());
    rest.split(|byte| *byte == 0).skip(count).find_map(of)
}

/// Whether we may not see what it has open.
pub(crate) fn hides_descriptors(_pid: u32) -> bool {
    // No peer is looked for by its sockets on this system, so that a process can hide nothing by this.
    false
}

/// Whether who made a socket and was not found with it may be a process like ours.
pub(crate) fn may_pass_sockets(_uid: Option<u32>) -> bool {
    // As above: nobody looks for it.
    false
}

/// Sends a signal to this process if it still is the same. Between the look and the signal it may end: macOS has no handle
/// for a process.
pub(crate) fn signal(id: ProcessId, signal: Signal) {
    let Some(pid) = Pid::from_raw(id.pid.cast_signed()) else { return };
    if super::process(id.pid).is_some_and(|process| process.id == id) {
        let _ = kill_process(pid, signal);
    }
}

/// What tells one start of the system from another. The time of the start would not: it moves when the clock is set.
pub(crate) fn boot_id() -> io::Result<String> {
    let mut id = [0_u8; 64];
    let mut size = id.len();
    let buffer = id.as_mut_ptr().cast::<c_void>();
    // SAFETY: the name ends with a zero, and the buffer is as large as its size says.
    let failed = unsafe {
        libc::sysctlbyname(c"kern.bootsessionuuid".as_ptr(), buffer, &raw mut size, std::ptr::null_mut(), 0) != 0
    };
    if failed {
        return Err(io::Error::last_os_error());
    }
    // With the zero at its end.
    let id = CStr::from_bytes_until_nul(&id).map_err(io::Error::other)?;
    Ok(id.to_string_lossy().into_owned())
}

fn session(pid: u32) -> u32 {
    let session = Pid::from_raw(pid.cast_signed()).and_then(|pid| getsid(Some(pid)).ok());
    session.map_or(0, |session| session.as_raw_pid().cast_unsigned())
}

/// The numbers that a call writes, which answers with how many there are.
fn listed(list: impl Fn(*mut c_void, i32) -> i32) -> Vec<u32> {
    let mut pids = vec![0_i32; MOST];
    let bytes = i32::try_from(MOST * size_of::<i32>()).unwrap_or(i32::MAX);
    let count = usize::try_from(list(pids.as_mut_ptr().cast::<c_void>(), bytes)).unwrap_or_default();
    pids.into_iter().take(count).filter(|pid| *pid > 0).map(i32::cast_unsigned).collect()
}

/// Arguments and environment as the kernel keeps them.
fn arguments(pid: u32) -> Option<Vec<u8>> {
    let mut name = [libc::CTL_KERN, libc::KERN_PROCARGS2, pid.cast_signed()];
    let mut block = vec![0_u8; 1 << 20];
    let mut size = block.len();
    // SAFETY: the buffer is as large as its size says.
    let failed = unsafe {
        let buffer = block.as_mut_ptr().cast::<c_void>();
        libc::sysctl(name.as_mut_ptr(), 3, buffer, &raw mut size, std::ptr::null_mut(), 0) != 0
    };
    if failed {
        return None;
    }
    block.truncate(size);
    Some(block)
}
