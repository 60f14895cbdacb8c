//! Programs that the configuration names, and what they would run of the folder that an agent works in: that is anybody's, and
//! nobody was shown it.

use std::path::{Path, PathBuf};

use super::super::policy::runs_texts;
use super::super::problem::{Problem, ProblemKind};

/// The file of the folder that a program is told to run: a relative argument of an interpreter, or a module of Python's.
pub(in super::super) fn of_folder(program: &Path, args: &[String], folder: &Path) -> Option<PathBuf> {
    let name = program.file_name()?.to_string_lossy().into_owned();
    if !runs_texts(&name) {
        return None;
    }
    let is_file = |arg: &str| {
        let path = Path::new(arg);
        (!arg.is_empty() && !path.is_absolute() && folder.join(path).is_file()).then(|| path.to_owned())
    };
    let pieces = args.iter().flat_map(|arg| [Some(arg.as_str()), arg.split_once('=').map(|(_, value)| value)]);
    let module = args.iter().position(|arg| arg == "-m").and_then(|at| args.get(at + 1));
    let module = module.filter(|_| name.starts_with("py")).and_then(|name| {
        let first = name.split('.').next().unwrap_or_default();
        let names = [format!("{first}.py"), format!("{first}/__init__.py"), format!("{first}/__main__.py")];
        names.into_iter().find_map(|name| is_file(&name))
    });
    pieces.flatten().find_map(is_file).or(module)
}

/// What is told where it is so.
pub(in super::super) fn unshown(file: &Path) -> Problem {
    let text = format!("its configuration would run {}, as any folder has it that is worked in", file.display());
    Problem::new(ProblemKind::UntrustedWorkspace, text)
        .hint("name it by its full path in the configuration, if it is meant")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_interpreter_would_run_of_the_folder_is_found_and_what_is_read_is_not() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["ask.py", "tool.py", "README.md"] {
            std::fs::write(folder.path().join(name), "")?;
        }
        let found = |program: &str, args: &[&str]| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            of_folder(Path::new(program), &args, folder.path()).map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(found("/usr/bin/python3.12", &["-u", "ask.py"]).as_deref(), Some("ask.py"));
        assert_eq!(found("python", &["-m", "tool.main"]).as_deref(), Some("tool.py"));
        assert_eq!(found("node", &["--require=./ask.py"]).as_deref(), Some("./ask.py"));
        assert_eq!(found("/bin/sh", &["-c", "ask ask.py"]), None);
        assert_eq!(found("python", &["/srv/ask.py"]), None);
        assert_eq!(found("llm", &["--context", "README.md"]), None, "what it reads is its own matter");
        Ok(())
    }
}
