//! The start of a process inside a job, with three handles and no others.

#![allow(unsafe_code, reason = "a process can be started inside a job by a call of C alone")]

use std::ffi::{OsStr, c_void};
use std::io;
use std::mem::size_of;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{FILETIME, HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation, WAIT_OBJECT_0};
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent, GetConsoleProcessList};
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, CREATE_UNICODE_ENVIRONMENT, CreateProcessW,
    DeleteProcThreadAttributeList, EXTENDED_STARTUPINFO_PRESENT, GetExitCodeProcess, GetProcessTimes, INFINITE,
    InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
    PROC_THREAD_ATTRIBUTE_JOB_LIST, PROCESS_INFORMATION, STARTF_USESTDHANDLES, STARTUPINFOEXW,
    UpdateProcThreadAttribute, WaitForSingleObject,
};

use super::environment;
use super::job::Job;
use super::program::Resolved;
use crate::{ChildConfig, ProcessId, command_line};

/// A process that was started here.
#[derive(Debug)]
pub(crate) struct Process {
    handle: OwnedHandle,
    pub(crate) id: ProcessId,
}

impl Process {
    /// Waits for its end: what it exited with.
    pub(crate) fn wait(&self) -> Option<u32> {
        let mut code = 0;
        // SAFETY: the handle is open as long as `self`, and the code outlives the call.
        let told = unsafe {
            WaitForSingleObject(self.handle.as_raw_handle(), INFINITE) == WAIT_OBJECT_0
                && GetExitCodeProcess(self.handle.as_raw_handle(), &raw mut code) != 0
        };
        told.then_some(code)
    }
}

/// Starts the program inside `job`. The handles are its standard input, output and error.
pub(crate) fn start(
    resolved: &Resolved,
    config: &ChildConfig,
    mark: (&str, &str),
    handles: &[OwnedHandle; 3],
    job: &Job,
) -> io::Result<Process> {
    let mut line = Vec::new();
    let words = resolved.first.iter().chain(&config.args);
    for word in std::iter::once(resolved.program.as_os_str()).chain(words.map(AsRef::as_ref)) {
        command_line::append(&mut line, &wide(word)?);
    }
    line.push(0);
    let program = terminated(resolved.program.as_os_str())?;
    let folder = config.cwd.as_deref().map(|folder: &Path| terminated(folder.as_os_str())).transpose()?;
    let variables = environment::block(&environment::variables(config, mark));
    let handles: Vec<HANDLE> = handles.iter().map(|handle| handle.as_raw_handle()).collect();
    for handle in &handles {
        // SAFETY: the handle is open: the caller holds it. Only this child takes it: the list below names it.
        check(unsafe { SetHandleInformation(*handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) })?;
    }
    let jobs = [job.handle()];
    let mut attributes = Attributes::new(2)?;
    attributes.set(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &handles)?;
    attributes.set(PROC_THREAD_ATTRIBUTE_JOB_LIST, &jobs)?;
    let mut startup = STARTUPINFOEXW::default();
    startup.StartupInfo.cb = size_of::<STARTUPINFOEXW>() as u32;
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    startup.StartupInfo.hStdInput = handles[0];
    startup.StartupInfo.hStdOutput = handles[1];
    startup.StartupInfo.hStdError = handles[2];
    startup.lpAttributeList = attributes.list();
    // Without a console of ours a program for the terminal would open a window.
    let window = if has_console() { 0 } else { CREATE_NO_WINDOW };
    let flags = CREATE_NEW_PROCESS_GROUP | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT | window;
    let mut started = PROCESS_INFORMATION::default();
    // SAFETY: every pointer is to a buffer above that outlives the call; the line may be written to and ends with a zero, as
    // do the program and the folder, and the variables with two; the startup information is of the size that it says.
    check(unsafe {
        CreateProcessW(
            program.as_ptr(),
            line.as_mut_ptr(),
            null(),
            null(),
            1,
            flags,
            variables.as_ptr().cast::<c_void>(),
            folder.as_ref().map_or(null(), |folder| folder.as_ptr()),
            (&raw const startup).cast(),
            &raw mut started,
        )
    })?;
    // SAFETY: both handles were just made for us.
    let handle = unsafe {
        drop(OwnedHandle::from_raw_handle(started.hThread));
        OwnedHandle::from_raw_handle(started.hProcess)
    };
    let id = ProcessId { pid: started.dwProcessId, started: start_time(&handle) };
    Ok(Process { handle, id })
}

/// Whether this process has a console, which its children share.
pub(crate) fn has_console() -> bool {
    let mut one = [0];
    // SAFETY: the list has room for as many as the call is told.
    unsafe { GetConsoleProcessList(one.as_mut_ptr(), 1) != 0 }
}

/// Sends `CTRL_BREAK` to a child's group, on the console that it shares with us. It fails where there is none.
pub(crate) fn break_group(leader: u32) {
    // SAFETY: the call takes numbers alone.
    unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, leader) };
}

/// When a process was started, in 100 ns since 1601.
pub(super) fn start_time(process: &OwnedHandle) -> u64 {
    let mut times = [FILETIME::default(); 4];
    let [made, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open, and the times outlive the call.
    let told = unsafe {
        GetProcessTimes(process.as_raw_handle(), &raw mut *made, &raw mut *ended, &raw mut *kernel, &raw mut *user) != 0
    };
    if told { u64::from(made.dwHighDateTime) << 32 | u64::from(made.dwLowDateTime) } else { 0 }
}

/// What is said of a process's start beyond the old structure.
struct Attributes {
    /// Of words, so that it is aligned for what Windows keeps in it.
    list: Vec<usize>,
}

impl Attributes {
    fn new(count: u32) -> io::Result<Attributes> {
        let mut bytes = 0;
        // SAFETY: without a list the call only tells the size; it is said to fail by that.
        unsafe { InitializeProcThreadAttributeList(null_mut(), count, 0, &raw mut bytes) };
        let mut list = vec![0_usize; bytes.div_ceil(size_of::<usize>())];
        // SAFETY: the list is at least as large as the size says.
        check(unsafe { InitializeProcThreadAttributeList(list.as_mut_ptr().cast(), count, 0, &raw mut bytes) })?;
        Ok(Attributes { list })
    }

    /// The handles are read at the start of the process: they must live until then.
    fn set(&mut self, attribute: u32, handles: &[HANDLE]) -> io::Result<()> {
        let (value, size) = (handles.as_ptr().cast::<c_void>(), size_of_val(handles));
        // SAFETY: the list was initialized for as many attributes as are set, and the handles are as many as the size says.
        check(unsafe { UpdateProcThreadAttribute(self.list(), 0, attribute as usize, value, size, null_mut(), null()) })
    }

    fn list(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.list.as_mut_ptr().cast()
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: the list was initialized.
        unsafe { DeleteProcThreadAttributeList(self.list()) };
    }
}

fn check(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn wide(text: &OsStr) -> io::Result<Vec<u16>> {
    let units: Vec<u16> = text.encode_wide().collect();
    if units.contains(&0) { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(units) }
}

fn terminated(text: &OsStr) -> io::Result<Vec<u16>> {
    let mut units = wide(text)?;
    units.push(0);
    Ok(units)
}
