//! A job object: everything that a process in it starts is in it too, and all of it is killed when the last handle to the
//! job closes, as the death of this process closes it.

#![allow(unsafe_code, reason = "job objects are reached by calls of C alone")]

use std::ffi::c_void;
use std::io;
use std::mem::size_of;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle, RawHandle};
use std::ptr::{null, null_mut};
use std::time::Duration;

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::IO::{CreateIoCompletionPort, GetQueuedCompletionStatus};
use windows_sys::Win32::System::JobObjects::{
    CreateJobObjectW, IsProcessInJob, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_ASSOCIATE_COMPLETION_PORT,
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JOBOBJECTINFOCLASS,
    JobObjectAssociateCompletionPortInformation, JobObjectBasicAccountingInformation, JobObjectBasicProcessIdList,
    JobObjectExtendedLimitInformation, QueryInformationJobObject, SetInformationJobObject, TerminateJobObject,
};
use windows_sys::Win32::System::SystemServices::JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO;
use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION};

use super::start::start_time;
use crate::ProcessId;

/// The exit code of what is killed.
const KILLED: u32 = 1;

/// Processes that are asked for at once.
const MOST: usize = 1024;

/// `JOBOBJECT_BASIC_PROCESS_ID_LIST` with more than one place.
#[repr(C)]
struct ProcessIds {
    assigned: u32,
    listed: u32,
    ids: [usize; MOST],
}

/// A job, and the port on which it tells what happens in it. Dropping it kills everything inside.
#[derive(Debug)]
pub(crate) struct Job {
    job: OwnedHandle,
    port: OwnedHandle,
}

/// What a job has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Nothing is in it any more.
    Empty,
    /// Something else, or nothing for a while.
    Other,
}

impl Job {
    /// An empty job whose handles no child inherits.
    pub(crate) fn new() -> io::Result<Job> {
        // SAFETY: no argument is read where it is null, and the handles are ours alone.
        let (job, port) = unsafe {
            (
                owned(CreateJobObjectW(null(), null()))?,
                owned(CreateIoCompletionPort(INVALID_HANDLE_VALUE, null_mut(), 0, 1))?,
            )
        };
        let job = Job { job, port };
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        job.set(JobObjectExtendedLimitInformation, &limits)?;
        let told =
            JOBOBJECT_ASSOCIATE_COMPLETION_PORT { CompletionKey: null_mut(), CompletionPort: job.port.as_raw_handle() };
        job.set(JobObjectAssociateCompletionPortInformation, &told)?;
        Ok(job)
    }

    /// For the start of a process inside.
    pub(crate) fn handle(&self) -> RawHandle {
        self.job.as_raw_handle()
    }

    /// Waits for what the job tells, at most for `longest`. What is told may get lost, so that silence is a reason to look.
    pub(crate) fn wait(&self, longest: Duration) -> Event {
        let (mut message, mut key, mut data) = (0, 0, null_mut());
        let millis = u32::try_from(longest.as_millis()).unwrap_or(u32::MAX - 1);
        // SAFETY: the port is open as long as `self`, and what is written to outlives the call.
        let told = unsafe {
            GetQueuedCompletionStatus(self.port.as_raw_handle(), &raw mut message, &raw mut key, &raw mut data, millis)
                != 0
        };
        match told && message == JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO || !told && self.is_empty() {
            true => Event::Empty,
            false => Event::Other,
        }
    }

    /// Whether nothing lives inside.
    pub(crate) fn is_empty(&self) -> bool {
        let mut told = JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default();
        // SAFETY: the buffer is of the class's type and as large as its size says.
        let known = unsafe {
            QueryInformationJobObject(
                self.handle(),
                JobObjectBasicAccountingInformation,
                (&raw mut told).cast::<c_void>(),
                size_of::<JOBOBJECT_BASIC_ACCOUNTING_INFORMATION>() as u32,
                null_mut(),
            ) != 0
        };
        known && told.ActiveProcesses == 0
    }

    /// What lives inside: as many as are told at once.
    pub(crate) fn processes(&self) -> Vec<ProcessId> {
        let mut told = ProcessIds { assigned: 0, listed: 0, ids: [0; MOST] };
        // SAFETY: the buffer is laid out as the class's type, with room for as many numbers as its size says.
        let known = unsafe {
            QueryInformationJobObject(
                self.handle(),
                JobObjectBasicProcessIdList,
                (&raw mut told).cast::<c_void>(),
                size_of::<ProcessIds>() as u32,
                null_mut(),
            ) != 0
        };
        let count = if known { (told.listed as usize).min(MOST) } else { 0 };
        let pids = told.ids[..count].iter().filter_map(|id| u32::try_from(*id).ok());
        pids.filter_map(|pid| Some(ProcessId { pid, started: started(pid)? })).collect()
    }

    /// Whether a process is inside; none where nobody can tell.
    pub(crate) fn holds(&self, pid: u32) -> Option<bool> {
        // SAFETY: the handle that comes back is ours alone, and what is written to outlives the call.
        unsafe {
            let process = owned(OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid)).ok()?;
            let mut is_inside = 0;
            (IsProcessInJob(process.as_raw_handle(), self.handle(), &raw mut is_inside) != 0).then_some(is_inside != 0)
        }
    }

    /// Kills everything inside.
    pub(crate) fn kill(&self) {
        // SAFETY: the job is open as long as `self`. It fails where nothing is inside.
        unsafe { TerminateJobObject(self.handle(), KILLED) };
    }

    fn set<T>(&self, class: JOBOBJECTINFOCLASS, information: &T) -> io::Result<()> {
        let size = u32::try_from(size_of::<T>()).map_err(io::Error::other)?;
        // SAFETY: the information is of the class's type, as both callers pass it, and outlives the call.
        match unsafe { SetInformationJobObject(self.handle(), class, (&raw const *information).cast::<c_void>(), size) }
        {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

/// When a process was started; none when it is gone.
fn started(pid: u32) -> Option<u64> {
    // SAFETY: the handle that comes back is ours alone.
    let process = unsafe { owned(OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid)).ok()? };
    Some(start_time(&process))
}

/// # Safety
///
/// A handle that is not null must be open, and nobody else's.
unsafe fn owned(handle: RawHandle) -> io::Result<OwnedHandle> {
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as the caller promises.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}
