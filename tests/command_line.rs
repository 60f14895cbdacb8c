//! The program as a script sees it: what is on stdout, what is on stderr, and the exit code.

#![allow(clippy::unwrap_used, reason = "what cannot be started or read fails the test that needs it")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// The program in a world of its own: no variables of the caller's, and `home` as its home folder.
fn sixframe(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sixframe"));
    let kept = |name: &OsStr| name == "PATH" || name == "SystemRoot";
    let variables = std::env::vars_os().filter(|(name, _)| kept(name));
    command.env_clear().envs(variables).env("HOME", home).env("USERPROFILE", home).current_dir(home).args(args);
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn the_values_in_effect_are_toml_on_stdout_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) =
        run(sixframe(home.path(), &["config", "show", "--set", "drain_ms=7"]).env("SIXFRAME_LOG", "warn"));
    assert_eq!((code, stderr.as_str()), (0, ""));
    let shown: toml::Table = stdout.parse().unwrap();
    assert_eq!((shown["drain_ms"].as_integer(), shown["log"].as_str()), (Some(7), Some("warn")));
    assert!(
        stdout.contains("drain_ms = 7 # --set\n") && stdout.contains("log = \"warn\" # SIXFRAME_LOG\n"),
        "{stdout}"
    );
}

#[test]
fn every_fault_of_a_file_is_told_on_stderr_with_code_2() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("bad.toml"), "drain_ms = \"x\"\nlisten_on = []\n").unwrap();
    let (code, stdout, stderr) = run(&mut sixframe(home.path(), &["config", "check", "bad.toml"]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("bad.toml:1: drain_ms must be a whole number"), "{stderr}");
    assert!(stderr.contains("bad.toml:2: unknown key \"listen_on\"; the nearest known one is \"listen\""), "{stderr}");
}

#[test]
fn the_users_own_file_is_read_without_being_named() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(if cfg!(windows) { "AppData/Roaming/sixframe" } else { ".config/sixframe" });
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("sixframe.toml"), "drain_ms = 5\n").unwrap();
    let (_, stdout, _) = run(&mut sixframe(home.path(), &["config", "show"]));
    assert!(stdout.contains("drain_ms = 5 # "), "{stdout}");
}

#[test]
fn a_wrong_command_line_is_code_2_and_names_the_nearest() {
    let home = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = run(&mut sixframe(home.path(), &["confg"]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("'config'"), "{stderr}");
}

#[test]
fn completions_name_the_subcommands() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, stdout, stderr) = run(&mut sixframe(home.path(), &["completions", shell]));
        assert_eq!((code, stderr.as_str()), (0, ""), "{shell}");
        assert!(stdout.contains("config") && stdout.contains("completions"), "{shell}: {stdout}");
        assert!(!stdout.contains("guard"), "{shell}: {stdout}");
    }
}

#[test]
fn a_flag_that_names_a_table_is_told_the_nearest_key() {
    let home = tempfile::tempdir().unwrap();
    let (code, _, stderr) =
        run(&mut sixframe(home.path(), &["config", "check", "--set", "limit.depth=3", "--set", "fs=3"]));
    assert!(code == 2 && stderr.contains("\"limits.depth\"") && !stderr.contains("known one is \"fs\""), "{stderr}");
}
