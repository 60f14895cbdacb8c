//! The example `stdio_echo` in a process of its own.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sixframe_transports::Framing;
use sixframe_transports::child::{self, ChildConfig, ChildTransport};

/// A client of the example `stdio_echo` in a process of its own.
pub(crate) fn child(framing: Framing, message_bytes: usize) -> ChildTransport {
    let argument = match framing {
        Framing::Ndjson => "ndjson",
        Framing::ContentLength => "content-length",
        Framing::NativeMessaging => "native-messaging",
    };
    let mut config = ChildConfig::new(program());
    config.args.push(argument.into());
    config.framing = framing;
    config.message_bytes = message_bytes;
    child::spawn(&config).expect("started").0
}

/// The example, built if it is not: cargo builds examples only for a run of all tests.
pub(crate) fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("our own path");
        let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
        let target = profile.parent().expect("target/PROFILE");
        let release = profile.ends_with("release").then_some("--release");
        let program = profile.join("examples/stdio_echo").with_extension(std::env::consts::EXE_EXTENSION);
        if is_newer_than_its_sources(&program) {
            return program;
        }
        let mut cargo = Command::new(env!("CARGO"));
        // What cargo says of this package to its tests: build scripts would take it for theirs, and for another one each time.
        let of_ours =
            |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|start| name.starts_with(start));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_ours)) {
            cargo.env_remove(name);
        }
        let built = cargo
            .args(["build", "--quiet", "--package", "sixframe-transports", "--example", "stdio_echo", "--target-dir"])
            .arg(target)
            .args(release)
            .status();
        assert!(built.expect("cargo runs").success());
        program
    })
}

/// By the list of them that cargo leaves beside it.
fn is_newer_than_its_sources(program: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified());
    let (Ok(built), Ok(list)) = (changed(program), std::fs::read_to_string(program.with_extension("d"))) else {
        return false;
    };
    let mut sources = list.split_whitespace().skip(1).map(Path::new);
    sources.all(|source| changed(source).is_ok_and(|changed| changed <= built))
}
