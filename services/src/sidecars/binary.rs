//! Where a bundled program is: beside the daemon, as Tauri and Electron put it there, or in the folder of a project. Knows
//! nothing of how it is run.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

/// The target that this was built for, as bundlers write it behind the names of programs.
const TRIPLES: &[&str] = &triples();

const fn triples() -> [&'static str; 2] {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"]
    } else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
        ["aarch64-unknown-linux-gnu", "aarch64-unknown-linux-musl"]
    } else if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
        ["aarch64-apple-darwin", "universal-apple-darwin"]
    } else if cfg!(target_os = "macos") {
        ["x86_64-apple-darwin", "universal-apple-darwin"]
    } else if cfg!(all(windows, target_arch = "aarch64")) {
        ["aarch64-pc-windows-msvc", "aarch64-pc-windows-gnullvm"]
    } else {
        ["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"]
    }
}

/// Where bundled programs are looked for.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder of the daemon's own program.
    pub(crate) program: Option<PathBuf>,
    /// Folders with a folder `binaries`: that of the configuration file, the working folder.
    pub(crate) projects: Vec<PathBuf>,
}

impl Places {
    /// Those of this process, and `folder`.
    pub(crate) fn of_process(folder: Option<&Path>) -> Places {
        let program = env::current_exe().ok().and_then(|program| program.parent().map(Path::to_path_buf));
        let working = env::current_dir().ok();
        Places { program, projects: folder.map(Path::to_path_buf).into_iter().chain(working).collect() }
    }

    /// The bundled program `name`. Errors: every path that was tried.
    pub(crate) fn find(&self, name: &str) -> Result<PathBuf, Vec<PathBuf>> {
        let variable = variable(name);
        let named = env::var_os(&variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        let tried = match named {
            Some(path) => vec![path],
            None => self.candidates(name),
        };
        tried.iter().find(|path| path.is_file()).cloned().ok_or(tried)
    }

    fn candidates(&self, name: &str) -> Vec<PathBuf> {
        let plain = with_suffix(name);
        let marked: Vec<String> = TRIPLES.iter().map(|triple| with_suffix(&format!("{name}-{triple}"))).collect();
        let both = || [plain.clone()].into_iter().chain(marked.clone());
        let mut found = Vec::new();
        if let Some(folder) = &self.program {
            found.extend(both().map(|file| folder.join(file)));
            if cfg!(target_os = "macos") {
                let resources = folder.parent().unwrap_or(folder).join("Resources");
                found.extend(both().map(|file| resources.join(file)));
            }
            // A program that cargo has built for its tests.
            if folder.ends_with("deps") {
                found.extend(both().map(|file| folder.parent().unwrap_or(folder).join(file)));
            }
        }
        for project in &self.projects {
            found.extend(both().map(|file| project.join("binaries").join(file)));
        }
        let mut seen = BTreeSet::new();
        found.retain(|path| seen.insert(path.clone()));
        found
    }
}

/// The variable that says where the bundled program `name` is.
pub(crate) fn variable(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("SIXFRAME_BIN_{}", name.chars().map(plain).collect::<String>())
}

/// A name may hold dots, so that the suffix is put behind it and replaces nothing.
fn with_suffix(name: &str) -> String {
    if cfg!(windows) && !name.to_ascii_lowercase().ends_with(".exe") { format!("{name}.exe") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn places(folder: &Path) -> Places {
        Places { program: Some(folder.join("bin")), projects: vec![folder.join("project")] }
    }

    #[test]
    fn a_program_is_found_beside_ours_before_the_project_and_without_triple_before_with() {
        let folder = tempfile::tempdir().unwrap();
        let [bin, binaries] = ["bin", "project/binaries"].map(|name| folder.path().join(name));
        [&bin, &binaries].iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
        let in_order = [
            binaries.join(with_suffix(&format!("tool.v1-{}", TRIPLES[0]))),
            binaries.join(with_suffix("tool.v1")),
            bin.join(with_suffix(&format!("tool.v1-{}", TRIPLES[0]))),
            bin.join(with_suffix("tool.v1")),
        ];
        for file in in_order {
            fs::write(&file, "").unwrap();
            assert_eq!(places(folder.path()).find("tool.v1"), Ok(file));
        }
    }

    #[test]
    fn every_path_that_was_tried_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let tried = places(folder.path()).find("tool").unwrap_err();
        assert!(tried.len() >= 5 && tried.iter().all(|path| path.to_string_lossy().contains("tool")), "{tried:?}");
    }

    #[test]
    fn a_folder_that_is_a_project_twice_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut places = places(folder.path());
        let once = places.find("tool").unwrap_err();
        places.projects.extend(places.projects.clone());
        assert_eq!(places.find("tool").unwrap_err(), once);
    }

    #[test]
    fn the_variable_of_a_program_is_made_from_its_name() {
        assert_eq!(variable("text-embedding.v2"), "SIXFRAME_BIN_TEXT_EMBEDDING_V2");
    }
}
