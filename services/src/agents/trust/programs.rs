//! Programs that the configuration names, and what they would run of the folder that an agent works in: that is anybody's.
//! It is found by how such programs are called; what they load by what they have found is not.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::policy::{programs_of, runs_texts};
use super::folders::upwards;

/// Files by which programs take code or commands from the folder that they are started in, and whether they look for them in
/// those above it too.
const RECIPES: [(&[&str], &[&str], bool); 11] = [
    (
        &["npm", "npx", "pnpm", "pnpx", "yarn", "bun", "bunx", "cnpm"],
        &["package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "bunfig.toml"],
        true,
    ),
    (&["deno"], &["deno.json", "deno.jsonc", "package.json"], true),
    (&["tsx", "ts-node"], &["tsconfig.json", "package.json"], true),
    (&["make", "gmake"], &["GNUmakefile", "makefile", "Makefile"], false),
    (&["just"], &["justfile", "Justfile", ".justfile"], true),
    (
        &["cargo"],
        &["Cargo.toml", ".cargo/config.toml", ".cargo/config", "build.rs", "rust-toolchain", "rust-toolchain.toml"],
        true,
    ),
    (&["go"], &["go.mod", "go.work"], true),
    (&["uv", "uvx", "poetry", "pdm", "hatch", "rye"], &["pyproject.toml", "uv.toml", ".python-version"], true),
    (&["bundle", "rake"], &["Gemfile", "Rakefile"], true),
    (&["gradle"], &["settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts"], true),
    (&["mvn"], &["pom.xml", ".mvn/extensions.xml", ".mvn/jvm.config", ".mvn/maven.config"], true),
];

/// Those that run a package of the folder where it has one of that name.
const PACKAGES: [&str; 8] = ["npm", "npx", "pnpm", "pnpx", "yarn", "bun", "bunx", "cnpm"];

/// How files end that hold code, or say what is run.
const CODE: [&str; 15] =
    ["py", "pyc", "so", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go", "rb", "sh", "json"];

/// Programs whose files are no agent's settings, though they may stand in front of one.
const NO_AGENTS: [&str; 5] = ["env", "git", "docker", "podman", "ssh"];

/// The shortest name of an agent by which its settings are looked for, in bytes.
const SHORTEST: usize = 3;

/// A program of the configuration.
#[derive(Clone, Debug)]
pub(in super::super) struct Configured {
    name: String,
    args: Vec<String>,
    settings: Option<Vec<String>>,
}

impl Configured {
    pub(in super::super) fn new(program: &OsStr, args: &[String]) -> Configured {
        let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
        Configured { name, args: args.to_vec(), settings: None }
    }

    /// The same with the names of the files and folders that it loads settings from, where that is known.
    pub(in super::super) fn loading(self, settings: Option<Vec<String>>) -> Configured {
        Configured { settings, ..self }
    }

    /// The names of what it loads settings from, where the configuration tells them.
    pub(super) fn settings(&self) -> Option<&[String]> {
        self.settings.as_deref()
    }

    /// What it is called, in small letters: nothing where it is one of those whose settings are known.
    pub(super) fn called(&self, provider: &str) -> Vec<String> {
        let Some((_, name)) = provider.split_once(':') else { return Vec::new() };
        let takes_code = |name: &str| runs_texts(name) || RECIPES.iter().any(|(names, ..)| names.contains(&name));
        let programs = programs_of(&self.words());
        let program = programs.last().map(|(name, _)| name).filter(|name| !takes_code(name));
        let stem = program.and_then(|name| Path::new(name).file_stem()).unwrap_or_default().to_string_lossy();
        let names = [name.to_lowercase(), stem.to_lowercase()].into_iter();
        names.filter(|name| name.len() >= SHORTEST && !NO_AGENTS.contains(&name.as_str())).collect()
    }

    /// Whether it takes code from folders at all.
    pub(super) fn takes_code(&self) -> bool {
        let takes = |name: &str| runs_texts(name) || RECIPES.iter().any(|(names, ..)| names.contains(&name));
        programs_of(&self.words()).iter().any(|(name, _)| takes(name))
    }

    fn words(&self) -> Vec<String> {
        [&self.name].into_iter().chain(&self.args).cloned().collect()
    }

    /// The files that it would take code from when it is started in a folder, which are there, without those of the home.
    pub(super) fn files(&self, cwd: &Path, home: Option<&Path>) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for (at, (name, words)) in programs_of(&self.words()).into_iter().enumerate() {
            let above: Vec<&Path> = upwards(cwd, home).collect();
            let recipes = RECIPES.iter().filter(|(names, ..)| names.contains(&name.as_str()));
            for (_, files, looks_up) in recipes {
                let folders = above.iter().filter(|folder| *looks_up || **folder == cwd);
                found.extend(folders.flat_map(|folder| files.iter().map(|file| folder.join(file))));
            }
            if PACKAGES.contains(&name.as_str()) {
                let packages = words.iter().skip(1).filter_map(|word| package(word));
                found.extend(
                    packages.flat_map(|package| above.iter().flat_map(move |folder| installed(folder, &package))),
                );
            }
            // What the configuration itself names is the person's, wherever it is.
            let own = if at == 0 { None } else { words.first().filter(|word| word.contains('/')) };
            // What stands behind a module of Python's is given to that.
            let (module, mine) = if name.starts_with("py") { modules(cwd, &words) } else { (Vec::new(), words.len()) };
            if runs_texts(&name) {
                found.extend(words.iter().take(mine).skip(1).flat_map(|word| named(cwd, word)));
            }
            found.extend(own.into_iter().flat_map(|word| named(cwd, word)));
            found.extend(module);
        }
        found.retain(|path| path.symlink_metadata().is_ok_and(|found| !found.is_dir()));
        found.sort();
        found.dedup();
        found
    }
}

/// A package as it is asked for, without its version.
fn package(word: &str) -> Option<String> {
    let (scope, name) = match word.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
        Some((scope, name)) => (format!("@{scope}/"), name),
        None => (String::new(), word),
    };
    let name = name.split('@').next().unwrap_or_default();
    let is_name = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@/".contains(c));
    let is_one = !name.is_empty() && !name.starts_with(['-', '.', '/']) && is_name(&scope) && is_name(name);
    is_one.then(|| format!("{scope}{name}"))
}

/// Where a package lies that is installed in a folder, and the program of that name.
fn installed(folder: &Path, package: &str) -> [PathBuf; 2] {
    let modules = folder.join("node_modules");
    let name = package.rsplit('/').next().unwrap_or(package);
    [modules.join(".bin").join(name), modules.join(package).join("package.json")]
}

/// A file of the folder that a word names, or the code that lies in a folder of it.
fn named(cwd: &Path, word: &str) -> Vec<PathBuf> {
    let pieces = [Some(word), word.split_once('=').map(|(_, value)| value)].into_iter().flatten();
    let is_here = |piece: &&str| !piece.is_empty() && !Path::new(piece).is_absolute();
    pieces
        .filter(is_here)
        .flat_map(|piece| {
            let path: PathBuf = cwd.join(piece).components().collect();
            if path.is_dir() { code_in(&path) } else { vec![path] }
        })
        .collect()
}

/// What Python may take for a module, where it is told to run one or a line of its own, and how many words are its own.
fn modules(cwd: &Path, words: &[String]) -> (Vec<PathBuf>, usize) {
    let letter = |word: &String, letters: &[char]| {
        word.starts_with('-') && !word.starts_with("--") && word.trim_start_matches('-').contains(letters)
    };
    let Some(at) = words.iter().position(|word| letter(word, &['m', 'c'])) else { return (Vec::new(), words.len()) };
    if words[..=at].iter().any(|word| letter(word, &['I', 'P'])) {
        return (Vec::new(), at);
    }
    let module =
        words.get(at + 1).map(|name| name.split('.').next().unwrap_or_default()).filter(|name| !name.is_empty());
    let package = module.into_iter().flat_map(|name| code_in(&cwd.join(name)));
    let is_module = |path: &PathBuf| path.extension().is_some_and(|ending| ending != "json");
    (code_in(cwd).into_iter().filter(is_module).chain(package).collect(), at)
}

/// The files of code that lie in a folder itself.
fn code_in(folder: &Path) -> Vec<PathBuf> {
    let is_code = |path: &PathBuf| {
        let ending = path.extension().and_then(OsStr::to_str);
        ending.is_some_and(|ending| CODE.contains(&ending))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_would_run_of_the_folder_is_found_and_what_is_read_is_not() -> std::io::Result<()> {
        let outer = tempfile::tempdir()?;
        let folder = outer.path().join("project");
        for name in [
            "ask.py",
            "tool/__main__.py",
            "README.md",
            "Makefile",
            "justfile",
            "package.json",
            "Cargo.toml",
            "go.mod",
            "cmd/agent/main.go",
            "node_modules/.bin/agent",
            "node_modules/@some/agent/package.json",
        ] {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            std::fs::write(path, "")?;
        }
        std::fs::write(outer.path().join("Makefile"), "")?;
        std::fs::write(outer.path().join(".npmrc"), "")?;
        let found = |program: &str, args: &[&str]| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            let files = Configured::new(OsStr::new(program), &args).files(&folder, None);
            let seen = files.iter().filter_map(|path| path.strip_prefix(outer.path()).ok());
            seen.map(|path| path.to_string_lossy().replace('\\', "/").replace("project/", "")).collect::<Vec<_>>()
        };
        let nothing: [&str; 0] = [];
        assert_eq!(found("/usr/bin/python3.12", &["-u", "ask.py"]), ["ask.py"]);
        assert_eq!(found("python", &["-m", "tool.main"]), ["ask.py", "tool/__main__.py"]);
        assert_eq!(found("python3", &["-c", "import os"]), ["ask.py"]);
        assert_eq!(found("python3", &["-P", "-m", "tool"]), nothing, "it does not look there");
        assert_eq!(found("node", &["--require=./ask.py"]), ["ask.py"]);
        assert_eq!(found("make", &["ask"]), ["Makefile"], "of the folder itself");
        assert_eq!(found("just", &[]), ["justfile"]);
        assert_eq!(found("cargo", &["run", "-q"]), ["Cargo.toml"]);
        assert_eq!(found("go", &["run", "./cmd/agent"]), ["cmd/agent/main.go", "go.mod"]);
        let packages = [".npmrc", "node_modules/.bin/agent", "node_modules/@some/agent/package.json", "package.json"];
        assert_eq!(found("npx", &["-y", "@some/agent@1.2", "--acp"]), packages);
        assert_eq!(found("env", &["A=1", "npx", "other"]), [".npmrc", "package.json"], "behind another one");
        assert_eq!(found("/bin/sh", &["-c", "exec npm exec -- other"]), [".npmrc", "package.json"]);
        assert_eq!(found("/bin/sh", &["-c", "./tool/__main__.py"]), ["tool/__main__.py"]);
        assert_eq!(found("/bin/sh", &["-c", "ask ask.py"]), nothing);
        assert_eq!(found("python", &["/srv/ask.py"]), nothing);
        assert_eq!(found("llm", &["--context", "README.md"]), nothing, "what it reads is its own matter");
        let of_home =
            |program: &str| Configured::new(OsStr::new(program), &["ask".to_owned()]).files(&folder, Some(&folder));
        assert_eq!(of_home("make"), [] as [PathBuf; 0], "what lies in the home is a person's own");
        assert_eq!(of_home("npx"), [outer.path().join(".npmrc")], "and what lies above it is not");
        Ok(())
    }
}
