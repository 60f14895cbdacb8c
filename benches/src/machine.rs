//! Where the figures were taken: printed above the table, since none of them travels alone.

use std::fs;
use std::process::Command;

use crate::placement::Placement;

const LOCK: &str = include_str!("../Cargo.lock");

/// Packages whose versions decide the figures.
const PACKAGES: &[&str] =
    &["tokio", "serde_json", "jsonrpsee", "tarpc", "tonic", "rmcp", "async-lsp", "tokio-tungstenite"];

/// Processor, kernel, compiler and versions, a line each.
pub fn describe(placement: Placement) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let versions: Vec<_> = PACKAGES.iter().filter_map(|name| Some(format!("{name} {}", version(name)?))).collect();
    format!(
        "Machine: {} × {}, {}, load {}\nCompiler: {}, release, fat LTO; server and client are processes of their own, \
         tokio current_thread, {}\nVersions: {}\n",
        cores,
        processor().unwrap_or_else(|| std::env::consts::ARCH.into()),
        output("uname", &["-sr"]),
        fs::read_to_string("/proc/loadavg").map_or_else(|_| "unknown".into(), |load| load.trim_end().to_owned()),
        output("rustc", &["--version"]),
        placement.describe(),
        versions.join(", "),
    )
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn version(package: &str) -> Option<&'static str> {
    // Where another peer drags in an older one, the newest is ours.
    let entry = LOCK.split("[[package]]").filter(|entry| entry.contains(&format!("name = \"{package}\"\n"))).last()?;
    entry.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
}
