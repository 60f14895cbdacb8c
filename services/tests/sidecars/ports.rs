//! Ports that others want, have, or take.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};
use sixframe_services::sidecars::api::{FailureCode, SidecarStatus};

use crate::house::{House, WELL, details, logged, python, server, shell};

/// Somebody else who answers everything with 200.
fn squatter(port: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    port
}

fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_port_that_somebody_has_is_told_with_its_holder_and_nothing_is_started() {
    let port = squatter(0);
    let house = House::of(&[python("web", &server(WELL), json!({"port": port, "health": "http"}))]);
    let fault = house.fails("web").await;
    assert_eq!(fault.code, "PORT_IN_USE");
    assert_eq!(details(&fault)["holder"]["pid"], std::process::id());
    assert!(fault.message.contains(&port.to_string()) && fault.message.contains("port to \"auto\""), "{fault}");
    assert_eq!(house.state("web").starts, 0);
}

#[tokio::test]
async fn a_port_that_somebody_has_by_ipv6_alone_is_told_with_its_holder() {
    let squatter = TcpListener::bind("[::1]:0").unwrap();
    let port = squatter.local_addr().unwrap().port();
    let house = House::of(&[python("web", &server(WELL), json!({"port": port, "health": "http"}))]);
    let fault = house.fails("web").await;
    assert_eq!(fault.code, "PORT_IN_USE", "{fault}");
    assert_eq!(details(&fault)["holder"]["pid"], std::process::id());
}

#[tokio::test]
async fn a_program_that_says_that_its_fixed_port_is_in_use_is_believed() {
    let restart = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1, "starts": 2});
    let keys = json!({"port": free(), "ready": "tcp", "restart": restart});
    let house = House::of(&[shell("web", "echo 'bind: Address already in use' >&2; exit 3", keys)]);
    let fault = house.fails("web").await;
    assert_eq!(fault.code, "PORT_IN_USE", "{fault}");
    assert!(fault.message.contains("web exited with 3 before it was ready"), "{fault}");
    assert!(fault.message.contains("in use: bind: Address already in use"), "nobody else is accused: {fault}");
    assert_eq!(details(&fault)["exit"], json!({"code": 3}));
    let state = house.until_status("web", SidecarStatus::Failed).await;
    assert_eq!(serde_json::to_value(state.failure.unwrap()).unwrap()["code"], "PORT_IN_USE");
}

#[tokio::test]
async fn a_program_that_says_that_another_address_is_in_use_has_ended_in_its_own_words() {
    let restart = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1, "starts": 2});
    let script = "echo 'metrics: listen tcp 127.0.0.1:909: bind: address already in use' >&2; exit 3";
    let keys = |port: Value| json!({"port": port, "env": {"P": "{port}"}, "ready": "tcp", "restart": restart});
    let house = House::of(&[shell("fixed", script, keys(json!(free()))), shell("auto", script, keys(json!("auto")))]);
    for name in ["fixed", "auto"] {
        let fault = house.fails(name).await;
        assert!(fault.code == "EXITED" && fault.message.contains("in use: metrics: listen tcp"), "{fault}");
        let state = house.until_status(name, SidecarStatus::Failed).await;
        assert_eq!((state.starts, state.failure.unwrap().code), (2, FailureCode::CrashLoop), "{name}");
    }
}

#[tokio::test]
async fn one_that_loses_every_port_is_started_again_as_its_restart_says() {
    let restart = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1, "starts": 2});
    let keys = json!({"port": "auto", "env": {"P": "{port}"}, "ready": "tcp", "restart": restart});
    let house = House::of(&[shell("web", "echo 'OSError: [Errno 98] Address already in use' >&2; exit 1", keys)]);
    house.sidecars.start("web").await.unwrap();
    let state = house.until_status("web", SidecarStatus::Failed).await;
    assert_eq!((state.starts, state.restarts, state.failure.unwrap().code), (10, 1, FailureCode::PortInUse));
}

#[tokio::test]
async fn an_answer_from_a_program_that_is_not_ours_is_not_readiness() {
    let port = free();
    let script = "while [ ! -e taken ]; do sleep 0.01; done; sleep 1000";
    let house = House::of(&[shell("web", script, json!({"port": port, "health": "http"}))]);
    house.sidecars.start("web").await.unwrap();
    house.until("web", |state| state.pid.is_some()).await;
    squatter(port);
    let fault = house.sidecars.wait_ready("web", crate::house::LONG).await.unwrap_err();
    assert_eq!(fault.code, "NOT_OURS");
    assert_eq!(details(&fault)["holder"]["pid"], std::process::id());
    house.until_status("web", SidecarStatus::Failed).await;
    assert!(house.processes().is_empty());
}

/// A program whose listening socket the system shows nobody: it is a thread's alone. It answers as `answer(stream)` does.
fn hidden(answer: &str) -> String {
    format!(
        r#"
import ctypes, os, socket, sys, threading, time
{answer}
def says(stream, nonce):
    stream.sendall(f"HTTP/1.1 200 OK\r\nSixframe-Nonce: {{nonce}}\r\nContent-Length: 0\r\n\r\n".encode())
def serve():
    CLONE_FILES = 0x400
    assert ctypes.CDLL(None).unshare(CLONE_FILES) == 0
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    print("listens")
    while True:
        stream, _ = listener.accept()
        stream.recv(1024)
        answer(stream)
        stream.close()
threading.Thread(target=serve).start()
"#
    )
}

#[tokio::test]
async fn whose_sockets_are_hidden_has_time_to_show_the_nonce_of_its_run() {
    let answer = "
def answer(stream):
    if os.path.exists('shows'):
        print('shown')
        says(stream, os.environ['SIXFRAME_NONCE'])
    elif os.path.exists('forges'):
        print('forged')
        says(stream, 'f' * 32)
    else:
        print('closed')";
    let health = json!({"kind": "http", "intervalMs": 5, "timeoutMs": 60_000, "failures": 1});
    let keys =
        json!({"port": "auto", "health": health, "restart": "never", "ready": {"kind": "http", "timeoutMs": 60_000}});
    let house = House::of(&[python("web", &hidden(answer), keys)]);
    house.sidecars.start("web").await.unwrap();
    // Longer than somebody else would be believed to be somebody else.
    logged(&house, "web", "closed", 8).await;
    fs::write(house.file("forges"), "").unwrap();
    logged(&house, "web", "forged", 4).await;
    assert_eq!(house.state("web").status, SidecarStatus::Starting);
    fs::write(house.file("shows"), "").unwrap();
    house.sidecars.wait_ready("web", crate::house::LONG).await.unwrap();
    logged(&house, "web", "shown", 4).await;
    let state = house.state("web");
    assert_eq!((state.status, state.starts), (SidecarStatus::Ready, 1));
}

#[tokio::test]
async fn whose_sockets_are_hidden_and_who_never_shows_the_nonce_is_not_ours() {
    let answers = ["def answer(stream): time.sleep(1000)", "def answer(stream): says(stream, '')"];
    let health = json!({"kind": "http", "timeoutMs": 60_000});
    for (answer, port) in answers.into_iter().zip([json!(free()), json!("auto")]) {
        let keys = json!({"port": port, "health": health, "ready": {"kind": "http", "timeoutMs": 4000}});
        let house = House::of(&[python("web", &hidden(answer), keys)]);
        let fault = house.fails("web").await;
        assert_eq!(fault.code, "NOT_OURS", "{fault}");
        assert!(fault.message.contains("SIXFRAME_NONCE") && details(&fault)["holder"].is_null(), "{fault}");
    }
}

#[tokio::test]
async fn a_silent_program_that_has_taken_a_free_port_is_not_waited_for() {
    let keys = json!({
        "port": "auto", "env": {"P": "{port}"}, "restart": "never",
        "health": {"kind": "http", "timeoutMs": 600_000}, "ready": {"kind": "http", "timeoutMs": 600_000},
    });
    let house = House::of(&[shell("web", "exec sleep 1000", keys)]);
    house.sidecars.start("web").await.unwrap();
    let first = house.until("web", |state| state.pid.is_some()).await.port.unwrap();
    let _silent = TcpListener::bind(("127.0.0.1", first)).unwrap();
    let second = house.until("web", |state| state.starts == 2 && state.port.is_some()).await;
    assert!(second.port != Some(first) && second.status == SidecarStatus::Starting, "{second:?}");
}

#[tokio::test]
async fn a_program_that_vouches_has_the_nonce_of_the_run() {
    let ready = json!({"kind": "exec", "program": "sh", "args": ["-c", "test $(cat nonce) = $SIXFRAME_NONCE"]});
    let script = "printf %s $SIXFRAME_NONCE > nonce.new; mv nonce.new nonce; exec sleep 1000";
    let house = House::of(&[shell("web", script, json!({"ready": ready}))]);
    house.up("web").await;
    assert_eq!(fs::read_to_string(house.file("nonce")).unwrap().len(), 32);
}

#[tokio::test]
async fn a_program_that_finds_its_port_taken_when_it_binds_is_told_of_by_the_holder() {
    let port = free();
    let program = "
import os, sys, time
while not os.path.exists('taken'): time.sleep(0.01)
"
    .to_owned()
        + &server(WELL);
    let house =
        House::of(&[python("web", &program, json!({"port": port, "ready": {"kind": "line", "pattern": "never"}}))]);
    house.sidecars.start("web").await.unwrap();
    house.until("web", |state| state.pid.is_some()).await;
    squatter(port);
    fs::write(house.file("taken"), "").unwrap();
    let fault = house.sidecars.wait_ready("web", crate::house::LONG).await.unwrap_err();
    assert_eq!(fault.code, "PORT_IN_USE", "{fault:?}");
    assert_eq!(details(&fault)["holder"]["pid"], std::process::id());
}

#[tokio::test]
async fn a_free_port_that_is_lost_before_it_is_bound_is_replaced_by_another() {
    let program = "
import os, sys
if not os.path.exists('lost'):
    open('lost', 'w').write(sys.argv[1])
    sys.exit('OSError: [Errno 98] Address already in use')
"
    .to_owned()
        + &server(WELL);
    let house = House::of(&[python("web", &program, json!({"port": "auto", "health": "http", "restart": "never"}))]);
    let state = house.up("web").await;
    let lost: u16 = fs::read_to_string(house.file("lost")).unwrap().parse().unwrap();
    assert_ne!(state.port, Some(lost));
    assert_eq!((state.starts, state.restarts), (2, 0));
}

#[tokio::test]
async fn a_listener_below_a_launcher_is_ours() {
    let script = format!("cat > server.py <<'E'\n{}\nE\npython3 -u server.py $PORT & wait", server(WELL));
    let house =
        House::of(&[shell("web", &script, json!({"port": "auto", "health": "http", "env": {"PORT": "{port}"}}))]);
    assert_eq!(house.up("web").await.status, SidecarStatus::Ready);
    assert_eq!(logged(&house, "web", "asked", 1).await, ["asked /health 200"]);
    house.sidecars.stop("web", true).await.unwrap();
    assert!(house.processes().is_empty());
}

#[tokio::test]
async fn it_is_found_by_ipv6_alone_and_when_it_listens_everywhere() {
    let listener = |address: &str| {
        format!(
            "
import socket, sys
family = socket.AF_INET6 if ':' in '{address}' else socket.AF_INET
listener = socket.create_server(('{address}', int(sys.argv[1])), family=family, dualstack_ipv6='{address}' == '::')
while True: listener.accept()"
        )
    };
    let keys = || json!({"port": "auto", "ready": "tcp"});
    let house = House::of(&[
        python("six", &listener("::1"), keys()),
        python("all", &listener("::"), keys()),
        python("four", &listener("0.0.0.0"), keys()),
    ]);
    for name in ["six", "all", "four"] {
        let state = house.up(name).await;
        assert_eq!(state.status, SidecarStatus::Ready, "{name}");
        let host = if name == "six" { "[::1]" } else { "127.0.0.1" };
        assert_eq!(state.url, Some(format!("tcp://{host}:{}", state.port.unwrap())));
    }
}

#[tokio::test]
async fn an_answer_from_whoever_has_taken_its_port_is_no_life() {
    let script = "
import http.server, os, sys, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
while not os.path.exists('go'): time.sleep(0.01)
server.shutdown()
server.server_close()
print('gone')
time.sleep(1000)";
    let health = json!({"kind": "http", "intervalMs": 200, "failures": 3});
    let keys = json!({"port": "auto", "health": health, "restart": "never"});
    let house = House::of(&[python("web", script, keys)]);
    let port = house.up("web").await.port.unwrap();
    fs::write(house.file("go"), "").unwrap();
    logged(&house, "web", "gone", 1).await;
    squatter(port);
    let state = house.until_status("web", SidecarStatus::Failed).await;
    let failure = serde_json::to_value(state.failure).unwrap();
    assert!(failure["code"] == "UNHEALTHY" && failure["message"].as_str().unwrap().contains("another program"));
    assert!(house.processes().is_empty());
}

#[tokio::test]
async fn whoever_has_taken_its_port_is_not_asked_to_stop() {
    let script = "
import os, socket, sys, time
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
print('up')
while not os.path.exists('go'): time.sleep(0.01)
listener.close()
print('gone')
time.sleep(1000)";
    let keys = json!({"port": "auto", "ready": {"kind": "line", "pattern": "up"}, "stop": {"http": "POST /shutdown"}});
    let house = House::of(&[python("web", script, keys)]);
    let port = house.up("web").await.port.unwrap();
    fs::write(house.file("go"), "").unwrap();
    logged(&house, "web", "gone", 1).await;
    let squatter = TcpListener::bind(("127.0.0.1", port)).unwrap();
    house.sidecars.stop("web", true).await.unwrap();
    squatter.set_nonblocking(true).unwrap();
    while let Ok((mut stream, _)) = squatter.accept() {
        let mut heard = String::new();
        stream.set_nonblocking(false).unwrap();
        stream.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "");
    }
}

#[tokio::test]
async fn the_request_that_asks_it_to_stop_goes_to_its_port() {
    let answer = "def answer(path):\n    if path == '/shutdown': print('asked kindly'); os._exit(0)\n    return 200";
    let keys = json!({"port": "auto", "health": "http", "stop": {"http": "POST /shutdown", "closeStdinMs": 60000}});
    let house = House::of(&[python("web", &server(answer), keys)]);
    house.up("web").await;
    let state = house.sidecars.stop("web", true).await.unwrap();
    assert_eq!(state.exit.unwrap().code, Some(0));
}
