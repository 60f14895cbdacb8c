//! What a process becomes: looked for as `execvp` does, and executed by the system alone. Where a file is no program, `execvp`
//! has a shell read it, and nothing here goes through a shell.

#![allow(unsafe_code, reason = "a process is replaced by a call of C")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString, c_char};
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use rustix::io::Errno;

use crate::lease::Launch;

/// Where a program is looked for by one that has no `PATH`.
const NO_PATH: &str = "/bin:/usr/bin";

/// A program with its arguments and its environment.
pub(super) struct Image {
    /// Where it may be, the first that is there counts.
    places: Vec<CString>,
    args: Vec<CString>,
    env: Vec<CString>,
}

impl Image {
    /// Errors: a text holds a NUL.
    pub(super) fn new(launch: &Launch) -> io::Result<Image> {
        let env = environment(launch);
        let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_else(|| NO_PATH.into());
        let args = std::iter::once(&launch.program).chain(&launch.args).map(|arg| c_string(arg.as_bytes()));
        let env = env.iter().map(|(name, value)| c_string(&[name.as_bytes(), b"=", value.as_bytes()].concat()));
        Ok(Image {
            places: places(&launch.program, &path)?,
            args: args.collect::<io::Result<_>>()?,
            env: env.collect::<io::Result<_>>()?,
        })
    }

    /// Becomes the program. Comes back only with why it could not.
    pub(super) fn execute(&self) -> io::Error {
        let (args, env) = (pointers(&self.args), pointers(&self.env));
        let mut told = Errno::NOENT;
        for place in &self.places {
            // SAFETY: all texts end with a NUL and both lists with a null, and they outlive the call.
            unsafe { libc::execve(place.as_ptr(), args.as_ptr(), env.as_ptr()) };
            let error = io::Error::last_os_error();
            match Errno::from_io_error(&error) {
                // One that may not be executed is told only where no other is found.
                Some(Errno::ACCESS) => told = Errno::ACCESS,
                Some(Errno::NOENT | Errno::NOTDIR | Errno::STALE | Errno::NODEV | Errno::TIMEDOUT) => (),
                _ => return error,
            }
        }
        told.into()
    }
}

fn environment(launch: &Launch) -> BTreeMap<OsString, OsString> {
    let ours = std::env::vars_os().filter(|_| !launch.clear_env);
    let mut env: BTreeMap<OsString, OsString> = ours.collect();
    for (name, value) in &launch.env {
        match value {
            Some(value) => drop(env.insert(name.clone(), value.clone())),
            None => drop(env.remove(name)),
        }
    }
    env
}

fn places(program: &OsStr, path: &OsStr) -> io::Result<Vec<CString>> {
    let program = program.as_bytes();
    if program.is_empty() {
        return Ok(Vec::new());
    }
    if program.contains(&b'/') {
        return Ok(vec![c_string(program)?]);
    }
    // An empty folder is the one that the program is to begin in.
    let folders = path.as_bytes().split(|byte| *byte == b':');
    folders
        .map(|folder| match folder {
            b"" => c_string(program),
            folder => c_string(&[folder, b"/", program].concat()),
        })
        .collect()
}

fn c_string(text: &[u8]) -> io::Result<CString> {
    CString::new(text).map_err(|_| Errno::INVAL.into())
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| CStr::as_ptr(text)).chain([std::ptr::null()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_in_each_folder_unless_its_path_is_told() {
        let found = |program: &str, path: &str| -> Vec<String> {
            let places = places(program.as_ref(), path.as_ref()).unwrap();
            places.into_iter().map(|place| place.into_string().unwrap()).collect()
        };
        assert_eq!(found("x", "/a:/b c/"), ["/a/x", "/b c//x"]);
        assert_eq!(found("x", ":/a:"), ["x", "/a/x", "x"]);
        assert_eq!(found("./x", "/a"), ["./x"]);
        assert!(found("", "/a").is_empty());
    }
}
