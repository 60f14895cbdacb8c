//! Sidecars in the daemon: from ten lines of TOML to nothing left.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};
use sixframe::Code;

use crate::sandbox::{Daemon, Sandbox, eventually, is_alive};

/// A Python service that is ready when a file is there.
pub(crate) const WEB: &str = r#"
[[sidecar]]
name = "web"
program = "sh"
args = ["-c", "while [ ! -e warm ]; do sleep 0.01; done; exec python3 -u -m http.server {port} --bind 127.0.0.1"]
cwd = "."
port = "auto"
health = "http"
auto_start = true
stop = { close_stdin_ms = 0 }
"#;

impl Sandbox {
    /// Writes a configuration, and gives the flags that name it.
    fn configured(&self, text: &str) -> [String; 2] {
        let file = self.work().join("sixframe.toml");
        std::fs::write(&file, text).unwrap();
        ["--config".to_owned(), file.to_str().unwrap().to_owned()]
    }

    pub(crate) fn serve_configured(&self, text: &str) -> Daemon {
        let [flag, file] = self.configured(text);
        self.serve(&[&flag, &file])
    }

    pub(crate) fn warm(&self) -> PathBuf {
        let file = self.work().join("warm");
        std::fs::write(&file, "").unwrap();
        file
    }
}

pub(crate) async fn pid(daemon: &Daemon, name: &str) -> u32 {
    let peer = daemon.connect().await;
    let state: Value = peer.request_raw("sidecar.waitReady", json!({"name": name})).await.unwrap();
    u32::try_from(state["pid"].as_u64().unwrap()).unwrap()
}

#[tokio::test]
async fn its_lines_are_in_the_daemon_s_log_where_that_is_asked_for() {
    let sandbox = Sandbox::new();
    let entry = |name: &str, traced: bool| {
        format!(
            "[[sidecar]]\nname = {name:?}\nprogram = \"sh\"\nargs = [\"-c\", \"echo said by {name} >&2; exec sleep 1000\"]\nready = {{ kind = \"line\", pattern = \"said\" }}\nauto_start = true\ntrace_output = {traced}\n"
        )
    };
    let [flag, file] = sandbox.configured(&(entry("quiet", false) + &entry("loud", true)));
    let log = sandbox.folder.path().join("log");
    let daemon = sandbox.serve_with(&[&flag, &file], |command| {
        command.env("SIXFRAME_LOG", "info").stderr(std::fs::File::create(&log).unwrap());
    });
    pid(&daemon, "quiet").await;
    let text = || std::fs::read_to_string(&log).unwrap();
    eventually("the line is in the log", || text().contains("said by loud")).await;
    assert!(text().contains("sixframe_supervisor::output") && !text().contains("said by quiet"), "{}", text());
}

/// A daemon whose log nobody reads, and the process of its sidecar, which has said many times what a pipe holds on both outputs.
async fn unread(sandbox: &Sandbox, stop: &str) -> (Daemon, u32) {
    let flood = "yes a line | head -c 4000000; yes a line | head -c 4000000 >&2; echo done; exec sleep 1000";
    let entry = format!(
        "[[sidecar]]\nname = \"loud\"\nprogram = \"sh\"\nargs = [\"-c\", {flood:?}]\nready = {{ kind = \"line\", pattern = \"done\" }}\nauto_start = true\ntrace_output = true\n{stop}"
    );
    let [flag, file] = sandbox.configured(&entry);
    let daemon = sandbox.serve_with(&[&flag, &file], |command| {
        command.env("SIXFRAME_LOG", "info").stderr(Stdio::piped());
    });
    let pid = pid(&daemon, "loud").await;
    (daemon, pid)
}

#[tokio::test]
async fn a_daemon_whose_log_nobody_reads_answers_and_ends_as_ever() {
    let sandbox = Sandbox::new();
    let (mut daemon, pid) = unread(&sandbox, "").await;
    let peer = daemon.connect().await;
    for _ in 0..100 {
        let _: Value = peer.request_raw("rpc.ping", ()).await.unwrap();
    }
    daemon.signal(Signal::TERM);
    assert!(daemon.wait().success());
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_daemon_whose_log_nobody_reads_ends_with_the_code_of_an_error_that_it_cannot_tell() {
    let sandbox = Sandbox::new();
    let (mut daemon, pid) = unread(&sandbox, "stop = { close_stdin_ms = 3600000 }\n").await;
    let socket = daemon.unix().trim_start_matches("unix:").to_owned();
    daemon.signal(Signal::TERM);
    eventually("nobody is let in any more", || !Path::new(&socket).exists()).await;
    daemon.signal(Signal::TERM);
    eventually("it ends", || !is_alive(daemon.pid())).await;
    assert_eq!(daemon.wait().code(), Some(1));
    eventually("the program is gone", || !is_alive(pid)).await;
}

#[tokio::test]
async fn a_bundled_program_is_started_from_where_its_variable_says() {
    let sandbox = Sandbox::new();
    let elsewhere = sandbox.folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "#!/bin/sh\nexec sleep 1000\n").unwrap();
    std::fs::set_permissions(&elsewhere, Permissions::from_mode(0o700)).unwrap();
    let [flag, file] =
        sandbox.configured("[[sidecar]]\nname = \"search\"\nbinary = \"search-server\"\nauto_start = true\n");
    let daemon = sandbox.serve_with(&[&flag, &file], |command| {
        command.env("SIXFRAME_BIN_SEARCH_SERVER", &elsewhere);
    });
    assert!(is_alive(pid(&daemon, "search").await));
}

#[tokio::test]
async fn a_newcomer_sees_a_service_become_ready_reads_its_logs_and_finds_nothing_left_of_it() {
    let sandbox = Sandbox::new();
    // The daemon is ready before the sidecar is: that waits for a file.
    let mut daemon = sandbox.serve_configured(WEB);
    let peer = daemon.connect().await;
    let state: Value = peer.request_raw("sidecar.status", json!({"name": "web"})).await.unwrap();
    assert_eq!(state["status"], "starting");
    sandbox.warm();
    let pid = pid(&daemon, "web").await;

    let (code, listed, _) = sandbox.run(&["sidecar", "list"]);
    assert!(code == 0 && listed.lines().nth(1).unwrap().starts_with("web   ready   "), "{listed}");
    let (code, logs, words) = sandbox.run(&["sidecar", "logs", "web", "--search", "serving"]);
    assert!(code == 0 && logs.starts_with("Serving HTTP on 127.0.0.1 port"), "{logs}");
    assert!(words.contains(&format!("web was started (run 1, process {pid})")), "{words}");
    let (code, _, error) = sandbox.run(&["sidecar", "start", "wep"]);
    assert!(code == 1 && error.contains("the nearest known ones are web"), "{error}");

    daemon.signal(Signal::KILL);
    daemon.wait();
    eventually("nothing is left", || !is_alive(pid)).await;
}

#[tokio::test]
async fn the_command_line_starts_restarts_and_stops_one() {
    let sandbox = Sandbox::new();
    sandbox.warm();
    let daemon = sandbox.serve_configured(&WEB.replace("auto_start = true", ""));
    let state = |args: &[&str]| {
        let (code, text, error) = sandbox.run(&[&["sidecar"], args, &["--addr", &daemon.unix()]].concat());
        assert_eq!(code, 0, "{error}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    assert_eq!(state(&["status", "web"])["status"], "stopped");
    let first = state(&["start", "web"]);
    let second = state(&["restart", "web"]);
    assert_eq!((&first["status"], &second["status"]), (&json!("ready"), &json!("ready")));
    assert_ne!(first["pid"], second["pid"]);
    assert_eq!(state(&["stop", "web"])["status"], "stopped");
    assert_eq!(state(&["list", "--json"])["sidecars"][0]["status"], "stopped");
}

#[tokio::test]
async fn a_daemon_that_is_asked_to_stop_stops_them_in_order_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let one = |name: &str, depends: &str| {
        let script =
            format!("trap 'echo {name} >> ended; exit 0' TERM; echo $$ >> pids; echo up; while :; do sleep 0.01; done");
        format!(
            "[[sidecar]]\nname = \"{name}\"\nprogram = \"sh\"\nargs = [\"-c\", \"{script}\"]\ncwd = \".\"\n\
             auto_start = true\ndepends_on = [{depends}]\nready = {{ kind = \"line\", pattern = \"up\" }}\n\
             stop = {{ close_stdin_ms = 0 }}\n"
        )
    };
    let mut daemon = sandbox.serve_configured(&(one("app", "\"store\"") + &one("store", "")));
    pid(&daemon, "app").await;
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
    assert_eq!(std::fs::read_to_string(sandbox.work().join("ended")).unwrap(), "app\nstore\n");
    let pids = std::fs::read_to_string(sandbox.work().join("pids")).unwrap();
    assert!(pids.lines().count() == 2 && pids.lines().all(|pid| !is_alive(pid.parse().unwrap())));
}

#[tokio::test]
async fn a_sidecar_that_connects_back_may_read_and_not_administer() {
    let sandbox = Sandbox::new();
    let socket = format!("unix:{}", sandbox.folder.path().join("run/sixframe.sock").display());
    let program = env!("CARGO_BIN_EXE_sixframe");
    let call = |name: &str, method: &str, params: &str| {
        format!(
            "[[sidecar]]\nname = \"{name}\"\nprogram = \"{program}\"\nrestart = \"never\"\n\
             args = [\"call\", \"{socket}\", \"{method}\", '{params}']\n"
        )
    };
    let text = call("reads", "sidecar.status", r#"{"name": "reads"}"#)
        + &call("switches", "sidecar.setMode", r#"{"mode": "standalone"}"#)
        + &call("approves", "agent.approve", r#"{"session": "s", "permission": "p", "option": "o"}"#);
    let daemon = sandbox.serve_configured(&text);
    let peer = daemon.connect().await;
    let ends = async |name: &str| {
        let _: Value = peer.request_raw("sidecar.start", json!({"name": name})).await.unwrap();
        let mut states = peer.stream_raw::<_, Value>("sidecar.watch", json!({"names": [name]}));
        loop {
            let state = states.next().await.unwrap().unwrap().data;
            if ["stopped", "failed"].contains(&state["status"].as_str().unwrap()) {
                return state;
            }
        }
    };
    assert_eq!(ends("reads").await["exit"], json!({"code": 0}));
    for name in ["switches", "approves"] {
        let ended = ends(name).await;
        assert!(ended["failure"]["details"]["stderr"][0].as_str().unwrap().contains("FORBIDDEN"), "{ended}");
    }
}

#[tokio::test]
async fn a_sidecar_that_connects_back_is_refused_every_method_that_is_for_people_however_it_comes() {
    let sandbox = Sandbox::new();
    // What to ask for is read from the daemon while it runs.
    let script = "while read -r address method params; do echo $address $method $params $($PROGRAM call $address $method $params 2>&1); done < asks";
    let program = env!("CARGO_BIN_EXE_sixframe");
    let daemon = sandbox.serve_configured(&format!(
        "[[sidecar]]\nname = \"asks\"\nprogram = \"sh\"\nargs = [\"-c\", \"{script}\"]\ncwd = \".\"\n\
         env = {{ PROGRAM = \"{program}\" }}\nrestart = \"never\"\n"
    ));
    let peer = daemon.connect().await;
    let document = peer.request(&sixframe::DISCOVER, ()).await.unwrap();
    let methods = document["methods"].as_array().unwrap().iter();
    let for_people: Vec<&str> = methods
        .filter(|method| method["x-scope"] == "approve" || method["x-scope"] == "admin")
        .map(|method| method["name"].as_str().unwrap())
        .collect();
    for method in ["agent.approve", "agent.setMode", "sidecar.setMode", "console.ticket", "rpc.tap"] {
        assert!(for_people.contains(&method), "{for_people:?}");
    }
    let addresses = [daemon.address("unix:"), daemon.address("ws:")];
    let define = r#"sidecar.define {"name":"late","program":"sleep"}"#;
    let asked =
        for_people.iter().map(|method| format!("{method} {{}}")).chain([define, "sidecar.list {}"].map(Into::into));
    let asks: Vec<String> =
        asked.flat_map(|asked| addresses.iter().map(move |address| format!("{address} {asked}"))).collect();
    std::fs::write(sandbox.work().join("asks"), asks.join("\n") + "\n").unwrap();
    let _: Value = peer.request_raw("sidecar.start", json!({"name": "asks"})).await.unwrap();
    let mut logs = peer.stream_raw::<_, Value>("sidecar.logs", json!({"name": "asks"}));
    let mut answers = Vec::new();
    loop {
        let item = logs.next().await.unwrap().unwrap().data;
        match item["kind"].as_str().unwrap() {
            "line" => answers.push(item["text"].as_str().unwrap().to_owned()),
            "exited" => break,
            _ => {}
        }
    }
    assert_eq!(answers.len(), asks.len(), "{answers:#?}");
    for (ask, answer) in asks.iter().zip(&answers) {
        let is_answered = match ask.split(' ').nth(1).unwrap() {
            "sidecar.list" => answer.contains(r#""name":"asks""#),
            "sidecar.define" => answer.contains("FORBIDDEN") && answer.contains("--allow sidecar.define"),
            _ => {
                answer.contains("FORBIDDEN")
                    && answer.contains("needs the scope")
                    && answer.contains("because it comes from a program that the daemon has started")
            }
        };
        assert!(answer.starts_with(ask) && is_answered, "{answer}");
    }
}

#[tokio::test]
async fn a_daemon_may_open_all_that_the_system_grants_and_its_programs_begin_as_before() {
    let sandbox = Sandbox::new();
    let shell = |name: &str| {
        format!(
            "[[sidecar]]\nname = \"{name}\"\nprogram = \"sh\"\nrestart = \"never\"\n\
             args = [\"-c\", \"echo $(ulimit -Sn) $(ulimit -Hn)\"]\n"
        )
    };
    let [flag, file] = sandbox.configured(&shell("limits"));
    let daemon = sandbox.serve_with(&[&flag, &file], |command| {
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "ulimit -Sn 200; ulimit -Hn 4000; exec \"$0\" \"$@\""]).arg(command.get_program());
        limited.args(command.get_args()).env_clear().current_dir(command.get_current_dir().unwrap());
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        *command = limited;
    });
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let files: Vec<&str> =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap().split_ascii_whitespace().collect();
    assert_eq!(files[..2], ["4000", "4000"]);
    let peer = daemon.connect().await;
    let _: Value = peer.request_raw("sidecar.start", json!({"name": "limits"})).await.unwrap();
    let mut logs = peer.stream_raw::<_, Value>("sidecar.logs", json!({"name": "limits", "stream": "stdout"}));
    let line = loop {
        let item = logs.next().await.unwrap().unwrap().data;
        if item["kind"] == "line" {
            break item;
        }
    };
    assert_eq!(line["text"], "200 4000");
}

/// Asks by the daemon's WebSocket for what needs a scope that it has not, and takes care that nobody sees it do so: it closes
/// the socket behind its words, or ends, or has the socket under way to itself while the daemon looks whose it is.
const SNEAK: &str = r#"
import json, os, socket, struct, sys, time
how, port = sys.argv[1], int(open("port").read())
token = open("token").read().strip()
def frame(frame):
    text = json.dumps({"kind": "req", **frame}).encode()
    assert 125 >= len(text)
    return b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text
words = frame({"cid": "1", "method": "sidecar.setMode", "payload": {"mode": "standalone"}})
words += frame({"cid": "2", "method": "hub.updateGlobal", "payload": {how: "asked"}})
s = socket.create_connection(("127.0.0.1", port))
hello = f"""GET / HTTP/1.1\r
Host: 127.0.0.1:{port}\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Protocol: sixframe.v0\r
Authorization: Bearer {token}\r
\r
""".encode()
if how == "passes":
    ours, theirs = socket.socketpair()
    s.sendall(hello)
    socket.send_fds(ours, [b"x"], [s.fileno()])
    s.close()
    time.sleep(0.5)
    s = socket.socket(fileno=socket.recv_fds(theirs, 1, 1)[1][0])
    s.sendall(words)
else:
    s.sendall(hello + words)
    if how == "ends": os._exit(0)
    if how == "closes": s.close()
time.sleep(1000)
"#;

#[tokio::test]
async fn a_sidecar_of_which_nobody_sees_that_it_connects_back_may_not_administer_either() {
    let sandbox = Sandbox::new();
    let ways = ["stays", "closes", "ends", "passes"];
    let sidecar = |how: &str| {
        format!(
            "[[sidecar]]\nname = \"{how}\"\nprogram = \"python3\"\nargs = [\"sneak.py\", \"{how}\"]\n\
             cwd = \".\"\nstop = {{ close_stdin_ms = 0 }}\n"
        )
    };
    let daemon = sandbox.serve_configured(&ways.map(sidecar).concat());
    let port = daemon.address("ws").rsplit_once(':').unwrap().1.trim_end_matches('/').to_owned();
    for (name, text) in [("sneak.py", SNEAK), ("port", &port), ("token", &daemon.token())] {
        std::fs::write(sandbox.work().join(name), text).unwrap();
    }
    let peer = daemon.connect().await;
    for how in ways {
        let _: Value = peer.request_raw("sidecar.start", json!({"name": how})).await.unwrap();
        let params = json!({"paths": [format!("/global/{how}"), "/sidecars/mode"], "mode": "state"});
        let mut watch = peer.stream_raw::<_, Value>("hub.watch", params);
        let state = loop {
            let state = watch.next().await.unwrap().unwrap().data["value"].clone();
            if state["global"][how] == "asked" {
                break state;
            }
        };
        assert_eq!(state["sidecars"]["mode"], json!({"mode": "service", "endpoints": {}}), "{how}");
        let _: Value = peer.request_raw("sidecar.stop", json!({"name": how})).await.unwrap();
        let mode: Value = peer.request_raw("sidecar.list", json!({})).await.unwrap();
        assert_eq!(mode["mode"], json!({"mode": "service", "endpoints": {}}), "{how}");
    }
}

#[tokio::test]
async fn defining_one_needs_leave() {
    let sandbox = Sandbox::new();
    let config = json!({"name": "late", "program": "sleep", "args": ["1000"]});
    for (flags, is_allowed) in [(&[][..], false), (&["--allow", "sidecar.define"][..], true)] {
        let daemon = sandbox.serve(flags);
        let peer = daemon.connect().await;
        let defined = peer.request_raw::<_, Value>("sidecar.define", &config).await;
        match is_allowed {
            true => assert_eq!(defined.unwrap()["status"], "stopped"),
            false => assert_eq!(defined.unwrap_err().code(), Code::FORBIDDEN),
        }
    }
}

#[test]
fn a_configuration_that_cannot_be_is_told_of_before_anything_starts() {
    let sandbox = Sandbox::new();
    let [flag, file] = sandbox.configured("[[sidecar]]\nname = \"a\"\nprogram = \"p\"\nauto_strat = true\n");
    for command in [&["config", "check"][..], &["serve"][..]] {
        let (code, _, error) = sandbox.run(&[command, &[&flag, &file]].concat());
        assert!(code == 2 && error.contains("the nearest known one is \"auto_start\""), "{error}");
    }
}
