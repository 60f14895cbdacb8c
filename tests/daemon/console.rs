//! The console's server as a browser and as an attacker sees it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Stdio;
use std::time::Instant;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use sixframe::Code;

use crate::sandbox::{Daemon, LONG, Sandbox};

/// What a browser sends when a page of ours asks.
const OWN_PAGE: &str = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n";

/// `127.0.0.1:PORT`.
fn host(daemon: &Daemon) -> String {
    let url = daemon.ready["console"].as_str().unwrap();
    url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned()
}

/// An answer: its status, its head in lower case, its body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line == header.to_lowercase())
    }
}

/// Sends a request as it stands, but for a `Host` and a `Connection` where it names none, and reads until the end.
fn ask(daemon: &Daemon, request: &str) -> Answer {
    let mut socket = TcpStream::connect(host(daemon)).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let (line, rest) = request.split_once("\r\n").unwrap();
    let of_our_own = |name: &str, value: &str| match rest.contains(name) {
        true => String::new(),
        false => format!("{name}: {value}\r\n"),
    };
    let own = of_our_own("Host", &host(daemon)) + &of_our_own("Connection", "close");
    // A server that refuses early may have closed already.
    let _ = write!(socket, "{line}\r\n{own}{rest}");
    let mut bytes = Vec::new();
    let _ = socket.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

fn get(daemon: &Daemon, path: &str, headers: &str) -> Answer {
    ask(daemon, &format!("GET {path} HTTP/1.1\r\n{headers}\r\n"))
}

fn post(daemon: &Daemon, headers: &str, body: &str) -> Answer {
    let about = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    ask(daemon, &format!("POST /session HTTP/1.1\r\n{about}{headers}\r\n{body}"))
}

/// The session that a ticket is exchanged for.
fn session(daemon: &Daemon, ticket: &str) -> String {
    let answer = post(daemon, OWN_PAGE, &json!({"ticket": ticket}).to_string());
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.has("cache-control: no-store"), "{}", answer.head);
    let session: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(session["expiresInMs"].as_u64().unwrap() > 3_600_000, "{session}");
    session["token"].as_str().unwrap().to_owned()
}

/// A ticket by `sixframe open --print`.
fn ticket(sandbox: &Sandbox, daemon: &Daemon) -> String {
    let (code, stdout, stderr) = sandbox.run(&["open", &daemon.unix(), "--print"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let (url, ticket) = stdout.trim().split_once("#ticket=").unwrap();
    assert_eq!(url, daemon.ready["console"]);
    ticket.to_owned()
}

/// The status line and the head of what an opening handshake gets.
fn open_socket(daemon: &Daemon, path: &str, headers: &str) -> Answer {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut socket = TcpStream::connect(host(daemon)).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let own = if headers.contains("Host:") { String::new() } else { format!("Host: {}\r\n", host(daemon)) };
    write!(socket, "GET {path} HTTP/1.1\r\n{own}{upgrade}{headers}\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).unwrap();
    Answer { status: head[9..12].parse().unwrap(), head: head.to_lowercase(), body: String::new() }
}

/// A built page with one script.
fn page(sandbox: &Sandbox) -> String {
    let folder = sandbox.folder.path().join("dist");
    fs::create_dir_all(folder.join("assets")).unwrap();
    fs::write(sandbox.folder.path().join("secret.txt"), "s3cr3t").unwrap();
    fs::write(folder.join("index.html"), "<!doctype html><title>Console</title>").unwrap();
    fs::write(folder.join("assets/app-1a2b.js"), "console.log(1)").unwrap();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn the_page_comes_with_headers_that_keep_foreign_scripts_out() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--console-dir", &page(&sandbox)]);
    let answer = get(&daemon, "/", "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n");
    assert_eq!((answer.status, answer.body.as_str()), (200, "<!doctype html><title>Console</title>"));
    let policy = format!(
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://{}; \
         img-src 'self' data:; font-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
        host(&daemon)
    );
    for header in [
        policy.as_str(),
        "content-type: text/html; charset=utf-8",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "cache-control: no-cache",
    ] {
        assert!(answer.has(header), "{header}\n{}", answer.head);
    }
    let script = get(&daemon, "/assets/app-1a2b.js", OWN_PAGE);
    assert_eq!((script.status, script.body.as_str()), (200, "console.log(1)"));
    assert!(script.has("cache-control: private, max-age=31536000, immutable"), "{}", script.head);
}

#[test]
fn a_file_that_the_browser_has_is_not_sent_again() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--console-dir", &page(&sandbox)]);
    let first = get(&daemon, "/", "");
    let tag = first.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let again = get(&daemon, "/", &format!("If-None-Match: \"other\", W/{tag}\r\n"));
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    fs::write(sandbox.folder.path().join("dist/index.html"), "changed").unwrap();
    assert_eq!(get(&daemon, "/", &format!("If-None-Match: {tag}\r\n")).body, "changed");
    let head = ask(&daemon, "HEAD / HTTP/1.1\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.has("content-length: 7"), "{}", head.head);
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let sandbox = Sandbox::new();
    let folder = page(&sandbox);
    std::os::unix::fs::symlink("../secret.txt", format!("{folder}/link.txt")).unwrap();
    let daemon = sandbox.serve(&["--console-dir", &folder]);
    for path in
        ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "//secret.txt", "/link.txt", "/assets"]
    {
        let answer = get(&daemon, path, "");
        assert!(matches!(answer.status, 400 | 404) && !answer.body.contains("s3cr3t"), "{path}: {}", answer.body);
    }
    assert_eq!(get(&daemon, "http://127.0.0.1/", "").status, 400, "it is no proxy");
}

#[test]
fn requests_that_foreign_pages_and_names_cause_are_refused() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--console-dir", &page(&sandbox)]);
    let port = host(&daemon).rsplit_once(':').unwrap().1.to_owned();
    assert_eq!(get(&daemon, "/", &format!("Host: localhost:{port}\r\n")).status, 200);
    for headers in [
        format!("Host: evil.example:{port}\r\n"),
        "Host: 127.0.0.1:1\r\n".to_owned(),
        "Host: \r\n".to_owned(),
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n".to_owned(),
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n".to_owned(),
        "Origin: http://evil.example\r\n".to_owned(),
    ] {
        let answer = get(&daemon, "/", &headers);
        assert!(
            answer.status == 403 && !answer.body.contains("Console"),
            "{headers}: {} {}",
            answer.status,
            answer.body
        );
    }
    for (method, path) in [("PUT", "/"), ("DELETE", "/session"), ("GET", "/session"), ("OPTIONS", "/"), ("POST", "/")] {
        let answer = ask(&daemon, &format!("{method} {path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.head.contains("\nallow: "), "{}", answer.head);
    }
}

#[test]
fn without_a_page_the_daemon_says_how_to_build_it() {
    let sandbox = Sandbox::new();
    let folder = sandbox.folder.path().join("dist");
    let daemon = sandbox.serve(&["--console-dir", folder.to_str().unwrap()]);
    let answer = get(&daemon, "/", "");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("cargo xtask start") && answer.has("content-type: text/html; charset=utf-8"));
    page(&sandbox);
    assert_eq!(get(&daemon, "/", "").status, 200, "a page that was built meanwhile is found");
}

#[tokio::test]
async fn a_ticket_lets_in_once_and_its_session_outlives_the_daemon() {
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.serve(&[]);
    let ticket = ticket(&sandbox, &daemon);
    let token = session(&daemon, &ticket);
    let again = post(&daemon, OWN_PAGE, &json!({"ticket": ticket}).to_string());
    assert!(again.status == 401 && again.body.contains("sixframe open"), "{} {}", again.status, again.body);

    let address = |daemon: &Daemon| format!("ws://{}/", host(daemon));
    let peer = daemon.connect_as(&address(&daemon), token.clone()).await;
    peer.request_raw::<_, Value>("rpc.metrics", ()).await.unwrap();
    let port = host(&daemon).rsplit_once(':').unwrap().1.to_owned();
    daemon.signal(Signal::KILL);
    daemon.wait();
    let daemon = sandbox.serve(&["--console-port", &port]);
    assert_eq!(address(&daemon), format!("ws://127.0.0.1:{port}/"));
    let peer = daemon.connect_as(&address(&daemon), token.clone()).await;
    peer.request_raw::<_, Value>("rpc.metrics", ()).await.unwrap();

    let renewed = post(&daemon, &format!("{OWN_PAGE}Authorization: Bearer {token}\r\n"), "");
    let renewed: Value = serde_json::from_str(&renewed.body).unwrap();
    assert!(renewed["token"].as_str().unwrap() != token);
    daemon.connect_as(&address(&daemon), renewed["token"].as_str().unwrap().to_owned()).await;
}

#[test]
fn a_session_opens_a_web_socket_from_our_page_alone() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let token = session(&daemon, &ticket(&sandbox, &daemon));
    let shown = format!("Sec-WebSocket-Protocol: sixframe.v0, sixframe.token.{token}\r\n");
    let ours = format!("Origin: http://{}\r\n", host(&daemon));
    for path in ["/", "/ws"] {
        let opened = open_socket(&daemon, path, &format!("{shown}{ours}{OWN_PAGE}"));
        assert!(opened.status == 101 && opened.has("sec-websocket-protocol: sixframe.v0"), "{}", opened.head);
    }
    let status = |headers: &str| open_socket(&daemon, "/", headers).status;
    assert_eq!(status(&format!("{shown}Origin: http://evil.example\r\n")), 403);
    assert_eq!(status(&format!("{shown}Host: evil.example\r\n")), 403);
    assert_eq!(status(&format!("{shown}Sec-Fetch-Site: cross-site\r\n")), 403);
    assert_eq!(status("Sec-WebSocket-Protocol: sixframe.v0\r\n"), 401);
    assert_eq!(status(&shown.replace("token.", "token.A")), 401);
    assert_eq!(open_socket(&daemon, "/other", &shown).status, 404);
}

#[test]
fn a_session_is_given_to_our_page_alone() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let body = json!({"ticket": ticket(&sandbox, &daemon)}).to_string();
    for headers in [
        "",
        "Sec-Fetch-Site: same-site\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: none\r\n",
        "Sec-Fetch-Site: same-origin\r\nOrigin: http://evil.example\r\n",
        "Sec-Fetch-Site: same-origin\r\nHost: evil.example\r\n",
    ] {
        assert_eq!(post(&daemon, headers, &body).status, 403, "{headers}");
    }
    let large = json!({"ticket": "x".repeat(2000)}).to_string();
    for wrong in ["", "{}", "{\"ticket\":1}", "not json", large.as_str()] {
        assert_eq!(post(&daemon, OWN_PAGE, wrong).status, 400, "{wrong}");
    }
    assert_eq!(post(&daemon, OWN_PAGE, &body).status, 200, "none of these used the ticket up");
}

#[test]
fn a_request_that_takes_too_long_or_has_too_much_to_say_is_ended() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--set", "limits.handshake_ms=200"]);
    let begun = Instant::now();
    let mut slow = TcpStream::connect(host(&daemon)).unwrap();
    slow.set_read_timeout(Some(LONG)).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-").unwrap();
    let _ = slow.read_to_end(&mut Vec::new());
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
    assert_eq!(get(&daemon, "/", &format!("X-Long: {}\r\n", "x".repeat(20_000))).status, 431);
    assert_eq!(get(&daemon, "/", &"X-One: more\r\n".repeat(100)).status, 431);
    assert_eq!(get(&daemon, "/", "").status, 503, "others are served meanwhile");
}

#[test]
fn connections_that_ask_for_nothing_keep_nobody_out() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--set", "limits.handshake_ms=60000"]);
    let host = host(&daemon);
    let answered = format!("GET /none HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let body = "Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{";
    let half_a_body = format!("POST /session HTTP/1.1\r\nHost: {host}\r\n{OWN_PAGE}{body}");
    let said = ["", "GET / HTTP/1.1\r\nHost: a\r\nX-", &half_a_body, &answered];
    let begun = Instant::now();
    let mut silent: Vec<TcpStream> = Vec::new();
    for round in 0..4 {
        for number in 0..64 {
            let mut socket = TcpStream::connect(&host).unwrap();
            socket.set_read_timeout(Some(LONG)).unwrap();
            socket.write_all(said[number % said.len()].as_bytes()).unwrap();
            silent.push(socket);
        }
        assert_eq!(get(&daemon, "/", "").status, 503, "round {round}");
        // Whoever goes on saying a little has not asked for anything all the same, and may be gone.
        silent.iter_mut().for_each(|socket| _ = socket.write_all(b"a"));
    }
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
}

#[test]
fn a_port_that_is_taken_gives_way_to_the_next_and_stderr_says_so() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let taken = host(&daemon).rsplit_once(':').unwrap().1.to_owned();
    let other = Sandbox::new();
    let log = other.folder.path().join("log");
    let second = other.serve_with(&["--console-port", &taken], |command| {
        command.env("SIXFRAME_LOG", "warn").stderr(File::create(&log).unwrap());
    });
    assert_ne!(host(&second), host(&daemon));
    let told = fs::read_to_string(&log).unwrap();
    assert!(told.contains(&format!("port {taken} is taken")) && told.contains(&host(&second)), "{told}");
    assert_eq!(get(&second, "/", "").status, 503);
}

#[tokio::test]
async fn a_daemon_without_a_console_says_so() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--no-console"]);
    assert_eq!(daemon.ready.get("console"), None);
    let refused = daemon.connect().await.request_raw::<_, Value>("console.ticket", ()).await.unwrap_err();
    assert_eq!(refused.code(), Code::UNSUPPORTED);
    let (code, stdout, stderr) = sandbox.run(&["open", &daemon.unix(), "--print"]);
    assert!(code == 1 && stdout.is_empty() && stderr.contains("console.enabled"), "{code} {stderr}");
}

#[test]
fn a_browser_is_told_of_a_private_file_and_not_of_the_ticket() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let programs = sandbox.folder.path().join("bin");
    fs::create_dir(&programs).unwrap();
    let opener = programs.join("xdg-open");
    fs::write(&opener, "#!/bin/sh\necho \"$@\" > opened\n").unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o700)).unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    // Without an address it finds the daemon that its own configuration would make.
    let output = sandbox.sixframe(&["open"]).env("PATH", path).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let opened = fs::read_to_string(sandbox.work().join("opened")).unwrap();
    let file = opened.trim();
    assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
    let html = fs::read_to_string(file).unwrap();
    let ticket = html.split("#ticket=").nth(1).unwrap().split('"').next().unwrap();
    assert!(!opened.contains(ticket));
    session(&daemon, ticket);

    let nothing = sandbox.sixframe(&["open"]).env("PATH", "/nonexistent").stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(nothing.stderr).unwrap();
    assert!(nothing.status.code() == Some(1) && told.contains("--print") && !told.contains("ticket="), "{told}");
}

#[test]
fn who_sits_before_the_terminal_is_shown_a_link_and_a_log_is_not() {
    let sandbox = Sandbox::new();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let daemon = sandbox.serve_with(&[], |command| {
        command.stderr(File::options().read(true).write(true).open(name).unwrap());
    });
    let mut lines = BufReader::new(File::from(terminal)).lines().map(Result::unwrap);
    let link = lines.find(|line| line.contains("#ticket=")).unwrap();
    assert!(link.contains(daemon.ready["console"].as_str().unwrap()), "{link}");
    session(&daemon, link.trim().split_once("#ticket=").unwrap().1);

    let other = Sandbox::new();
    let log = other.folder.path().join("log");
    let mut quiet = other.serve_with(&[], |command| _ = command.stderr(File::create(&log).unwrap()));
    quiet.signal(Signal::TERM);
    quiet.wait();
    assert!(!fs::read_to_string(&log).unwrap().contains("ticket"));
}

#[tokio::test]
async fn neither_the_log_nor_the_tap_holds_a_ticket_or_a_session() {
    let sandbox = Sandbox::new();
    let log = sandbox.folder.path().join("log");
    let daemon = sandbox.serve_with(&[], |command| {
        command.env("SIXFRAME_LOG", "trace").stderr(File::create(&log).unwrap());
    });
    let looking = daemon.connect().await;
    let mut frames = looking.stream_raw::<_, Value>("rpc.tap", ());
    // The tap is open when the connection's next call is answered.
    looking.request_raw::<_, Value>("rpc.metrics", ()).await.unwrap();
    let ticket = ticket(&sandbox, &daemon);
    let mut seen = String::new();
    while !seen.contains("expiresInMs") {
        seen.push_str(&frames.next().await.unwrap().unwrap().data.to_string());
    }
    assert!(!seen.contains(&ticket) && seen.contains("[redacted]"), "{seen}");
    let token = session(&daemon, &ticket);
    open_socket(&daemon, "/", &format!("Sec-WebSocket-Protocol: sixframe.v0, sixframe.token.{token}\r\n"));
    let logged = fs::read_to_string(&log).unwrap();
    assert!(logged.contains("has a session"), "{logged}");
    assert!(!logged.contains(&ticket) && !logged.contains(&token) && !logged.contains(&daemon.token()), "{logged}");
}
