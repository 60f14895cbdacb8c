//! Why a program did not run, in words that say what to change. The system tells a number, and means several things by it, so
//! that the file is looked at.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::launch::{folder, rooted};
use super::{Around, failure};
use crate::sidecars::api::{Failure, FailureCode};
use crate::sidecars::config::SidecarConfig;

/// Bytes in which the first line of a script is looked for; systems read no more either.
const FIRST_LINE: u64 = 256;

/// Why the program did not run.
pub(super) async fn not_started(
    config: &Arc<SidecarConfig>,
    around: &Arc<Around>,
    error: sixframe_supervisor::Failure,
) -> Failure {
    let (config, around) = (Arc::clone(config), Arc::clone(around));
    // A file may be far away, and who looks at it may wait.
    let look = move || why(&config, &around, &error);
    let told = tokio::task::spawn_blocking(look).await;
    told.unwrap_or_else(|error| failure(FailureCode::Host, format!("why it did not run cannot be looked at: {error}")))
}

fn why(config: &SidecarConfig, around: &Around, error: &sixframe_supervisor::Failure) -> Failure {
    use sixframe_supervisor::Failure::{GuardianLost, GuardianStuck, Left, NotNow, NotStarted};
    let program = config.program.as_ref().or(config.binary.as_ref()).map_or("", String::as_str);
    let (kind, reason) = match error {
        NotStarted { kind, reason, .. } => (kind, reason),
        NotNow { .. } | GuardianLost { .. } | GuardianStuck { .. } | Left { .. } => {
            return failure(FailureCode::Host, format!("{} did not run: {error}", config.name));
        }
    };
    let file = file(config, around);
    let interpreter = file.as_deref().and_then(interpreter);
    let (code, message) = match (kind, file, interpreter) {
        (_, Some(file), _) if file.is_dir() => {
            (FailureCode::Spawn, format!("{program} is a folder; name the program in it"))
        }
        (_, Some(file), _) if file.exists() && !file.is_file() => {
            (FailureCode::Spawn, format!("{program} is no file but a pipe, a socket or a device; name a program"))
        }
        (ErrorKind::NotFound, Some(_), Some(interpreter)) => {
            let message = format!(
                "{program} begins with #!, and {interpreter:?}, which is to run it, is not there; install it, or change the first line"
            );
            (FailureCode::NotFound, message)
        }
        (ErrorKind::NotFound, Some(file), None) => {
            let message = format!(
                "{} is there, and what it needs to be started is not, as the loader of programs that were built for another system; take the one for this system",
                file.display()
            );
            (FailureCode::NotFound, message)
        }
        (ErrorKind::NotFound, None, _) => (
            FailureCode::NotFound,
            format!("no program {program}; check the path or PATH{}", hint(program, config, around)),
        ),
        (ErrorKind::PermissionDenied, _, interpreter) => {
            let or = interpreter.map_or_else(String::new, |interpreter| {
                format!(", and the one of {interpreter:?}, which is to run it")
            });
            (FailureCode::Spawn, format!("the daemon's user may not start {program}; check its mode{or}"))
        }
        _ => (FailureCode::Spawn, format!("{program} cannot be started: {reason}")),
    };
    failure(code, message)
}

/// What may have been meant by a program that is not there.
fn hint(program: &str, config: &SidecarConfig, around: &Around) -> String {
    let folders = [around.folder.clone(), folder(config, around)];
    let is_name = Path::new(program).components().count() == 1;
    if is_name && folders.iter().flatten().any(|folder| folder.join(program).is_file()) {
        return format!("; a name is looked up in PATH alone: for the file here, write ./{program}");
    }
    if program.contains(' ') { "; words behind the program go into args".to_owned() } else { String::new() }
}

/// The file that is the program, if there is one.
fn file(config: &SidecarConfig, around: &Around) -> Option<PathBuf> {
    let Some(program) = &config.program else { return around.places().find(config.binary.as_ref()?).ok() };
    let path = PathBuf::from(rooted(program, around));
    if path.components().count() > 1 || program.contains('/') {
        return Some(path).filter(|path| path.exists());
    }
    let paths = config.env.get("PATH").map(OsString::from).or_else(|| env::var_os("PATH"))?;
    env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// The program that is to run a script, as its first line names it. A pipe is not opened: that would wait for who writes to it.
fn interpreter(file: &Path) -> Option<String> {
    let mut first = Vec::new();
    let file = Some(file).filter(|file| file.is_file())?;
    File::open(file).ok()?.take(FIRST_LINE).read_to_end(&mut first).ok()?;
    let line = first.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    // A carriage return is part of the name for the system, and shown as such.
    line.trim_matches([' ', '\t']).split([' ', '\t']).next().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_interpreter_of_a_script_is_the_first_word_of_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let of = |text: &str| {
            fs::write(folder.path().join("script"), text).unwrap();
            interpreter(&folder.path().join("script"))
        };
        assert_eq!(of("#! /usr/bin/env -S python3 -u\nprint()").as_deref(), Some("/usr/bin/env"));
        assert_eq!(of("#!/bin/sh\r\n").as_deref(), Some("/bin/sh\r"));
        assert!([of(""), of("#!"), of("\n#!/bin/sh"), of("\u{7f}ELF")].iter().all(Option::is_none));
        assert_eq!(interpreter(folder.path()), None);
    }
}
