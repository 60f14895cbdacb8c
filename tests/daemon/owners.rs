//! Whose a turn is: it outlives a connection that is lost and comes back, and ends behind one that does not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sixframe::RpcEndpoint;
use tokio::task::AbortHandle;

use super::sandbox::{Daemon, Sandbox};

/// Says something again and again.
const TICKING: &str =
    "[agent.command.ticking]\nprogram = \"/bin/sh\"\nargs = [\"-c\", \"while :; do echo tick; sleep 0.1; done\"]\n";

/// How long a lost connection is waited for, by the specification.
const GRACE: Duration = Duration::from_secs(5);

async fn window(daemon: &Daemon) -> (RpcEndpoint, AbortHandle) {
    let (window, connection) = daemon.driven(&daemon.address("ws:"), daemon.token()).await;
    window.request_raw::<_, Value>("rpc.hello", json!({"session": "window"})).await.unwrap();
    (window, connection)
}

#[tokio::test]
async fn a_turn_outlives_a_connection_that_comes_back_and_no_other() {
    let sandbox = Sandbox::new();
    let folder = sandbox.folder.path().join(".config/sixframe");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("sixframe.toml"), TICKING).unwrap();
    let daemon = sandbox.serve(&["--listen", "ws://127.0.0.1:0"]);
    let (watcher, _) = daemon.driven(&daemon.address("ws:"), daemon.token()).await;
    let (first, connection) = window(&daemon).await;
    let begin = json!({"provider": "command:ticking", "cwd": sandbox.work()});
    let session: Value = first.request_raw("agent.createSession", begin).await.unwrap();
    let mut events = watcher.stream_raw::<_, Value>("agent.events", json!({"sessions": [session["sessionId"]]}));
    let prompt = json!({"sessionId": session["sessionId"], "content": [{"type": "text", "text": "go"}]});
    let _turn = first.stream_raw::<_, Value>("agent.prompt", prompt);
    let mut until = async |is_it: &dyn Fn(&Value) -> bool| loop {
        let event = events.next().await.unwrap().unwrap().data;
        if is_it(&event) {
            return event;
        }
        assert_ne!(event["type"], "turn.ended", "{event}");
    };
    until(&|event| event["type"] == "item.delta").await;

    connection.abort();
    let cut = Instant::now();
    let (_second, connection) = window(&daemon).await;
    until(&|event| event["type"] == "item.delta" && cut.elapsed() > GRACE + Duration::from_secs(1)).await;

    connection.abort();
    let cut = Instant::now();
    let ended = until(&|event| event["type"] == "turn.ended").await;
    assert_eq!(ended["data"]["outcome"], "interrupted", "{ended}");
    assert!(cut.elapsed() > GRACE - Duration::from_secs(1), "{:?}", cut.elapsed());
}
