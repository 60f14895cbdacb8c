//! Another daemon in place of one's own sidecars: who it is, what it has, and when it is lost.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::sandbox::{Daemon, Sandbox, is_alive};
use crate::sidecars::{WEB, pid};

/// A server that has the same, and does not run it.
const HAS: &str = "[[sidecar]]\nname = \"web\"\nprogram = \"sleep\"\n";

impl Sandbox {
    /// Where a daemon has the token of the server that it is connected to.
    fn server_token(&self) -> PathBuf {
        self.folder.path().join("run/server-token")
    }

    fn knows_token(&self, server: &Daemon) {
        let file = self.server_token();
        std::fs::write(&file, server.token() + "\n").unwrap();
        std::fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
}

#[tokio::test]
async fn another_daemon_is_used_only_if_it_is_who_it_should_be() {
    let (here, there) = (Sandbox::new(), Sandbox::new());
    here.warm();
    let more = format!("{WEB}[[sidecar]]\nname = \"mine\"\nprogram = \"sleep\"\n");
    let (daemon, server) = (here.serve_configured(&more), there.serve_configured(HAS));
    let pid = pid(&daemon, "web").await;
    let peer = daemon.connect().await;
    let url = server.address("ws:");
    let set = |params: Value| peer.request_raw::<_, Value>("sidecar.setMode", params);
    let connected =
        |url: &str, identity: Option<&str>| json!({"mode": "connected", "serverUrl": url, "identity": identity});

    let unsafe_one = set(connected("ws://192.0.2.1:4700/", None)).await.unwrap_err();
    assert!(unsafe_one.to_string().contains("wss://"), "{unsafe_one}");
    let no_token = set(connected(&url, None)).await.unwrap_err();
    assert_eq!(no_token.code(), "UNREACHABLE");
    here.knows_token(&server);
    let file = here.server_token();
    std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let open = set(connected(&url, None)).await.unwrap_err().to_string();
    assert!(open.contains(&format!("chmod 600 {}", file.display())) && !open.contains(&server.token()), "{open}");
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let other = set(connected(&url, Some("somebody"))).await.unwrap_err();
    assert!(other.to_string().contains("another server than expected"), "{other}");
    assert!(is_alive(pid), "nothing has changed");

    let hello: Value = server.connect().await.request_raw("rpc.hello", json!({})).await.unwrap();
    let mode = set(connected(&url, hello["serverId"].as_str())).await.unwrap();
    assert_eq!(mode["endpoints"], json!({"web": {"url": url, "owner": "remote"}}), "it has none that is called mine");
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_daemon_is_no_server_for_itself() {
    for persist in ["true", "false"] {
        let sandbox = Sandbox::new();
        let daemon = sandbox.serve(&["--set", &format!("hub.persist={persist}")]);
        sandbox.knows_token(&daemon);
        let peer = daemon.connect().await;
        let params = json!({"mode": "connected", "serverUrl": daemon.address("ws:")});
        let refused = peer.request_raw::<_, Value>("sidecar.setMode", params).await.unwrap_err();
        assert!(refused.code() == "UNREACHABLE" && refused.to_string().contains("is this daemon itself"), "{refused}");
        let listed: Value = peer.request_raw("sidecar.list", json!({})).await.unwrap();
        assert_eq!(listed["mode"]["mode"], "service");
    }
}

#[tokio::test]
async fn a_server_that_is_started_anew_is_the_one_that_was_expected() {
    let (here, there) = (Sandbox::new(), Sandbox::new());
    let daemon = here.serve(&[]);
    let peer = daemon.connect().await;
    let hello =
        async |server: &Daemon| server.connect().await.request_raw::<_, Value>("rpc.hello", json!({})).await.unwrap();
    let mut server = there.serve(&[]);
    let first = hello(&server).await;
    server.signal(Signal::KILL);
    server.wait();
    let server = there.serve(&[]);
    let second = hello(&server).await;
    assert_eq!(first["serverId"], second["serverId"]);
    assert_ne!(first["epoch"], second["epoch"], "what was known of its state is void");
    assert_ne!(first["serverId"], hello(&daemon).await["serverId"], "two daemons are two servers");

    here.knows_token(&server);
    let expected = json!({"mode": "connected", "serverUrl": server.address("ws:"), "identity": first["serverId"]});
    let mode: Value = peer.request_raw("sidecar.setMode", expected).await.unwrap();
    assert_eq!(mode["mode"], "connected");
}

#[tokio::test]
async fn a_server_that_is_killed_or_replaced_is_not_used_until_it_is_back() {
    let (here, there, elsewhere) = (Sandbox::new(), Sandbox::new(), Sandbox::new());
    let daemon = here.serve_configured(&format!("app.server_check_ms = 20\n{WEB}"));
    let peer = daemon.connect().await;
    let mut server = there.serve_configured(HAS);
    here.knows_token(&server);
    let hello: Value = server.connect().await.request_raw("rpc.hello", json!({})).await.unwrap();
    let (id, url) = (hello["serverId"].clone(), server.address("ws:"));
    let listen = url.trim_end_matches('/').to_owned();
    let params = json!({"mode": "connected", "serverUrl": url, "identity": id});
    let mode: Value = peer.request_raw("sidecar.setMode", params).await.unwrap();
    assert_eq!(mode["serverId"], id);
    let mode = async |holds: &dyn Fn(&Value) -> bool| loop {
        let listed: Value = peer.request_raw("sidecar.list", json!({})).await.unwrap();
        if holds(&listed["mode"]) {
            return listed["mode"].clone();
        }
        tokio::task::yield_now().await;
    };
    server.signal(Signal::KILL);
    server.wait();
    let lost = mode(&|mode| mode.get("serverFailure").is_some()).await;
    assert!(lost["endpoints"] == json!({}) && lost["serverFailure"].as_str().unwrap().contains("reached"), "{lost}");
    let (code, table, _) = here.run(&["sidecar", "list"]);
    let shown = table.lines().find(|line| line.starts_with("web"));
    assert!(code == 0 && shown.is_some_and(|line| line.contains("cannot be reached")), "{table}");

    // Another daemon with the same token.
    let token = Path::new(server.ready["tokenFile"].as_str().unwrap());
    let run = elsewhere.folder.path().join("run");
    DirBuilder::new().mode(0o700).create(&run).unwrap();
    std::fs::copy(token, run.join(token.file_name().unwrap())).unwrap();
    let mut other = elsewhere.serve(&["--listen", &listen]);
    let replaced = mode(&|mode| mode["serverFailure"].as_str().is_some_and(|why| why.contains("another server"))).await;
    assert_eq!(replaced["endpoints"], json!({}));
    other.signal(Signal::KILL);
    other.wait();

    let _back = there.serve_configured(&format!("listen = [{listen:?}]\n{HAS}"));
    let back = mode(&|mode| mode.get("serverFailure").is_none()).await;
    assert_eq!((&back["serverId"], &back["endpoints"]["web"]["owner"]), (&id, &json!("remote")));
}
