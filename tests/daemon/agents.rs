//! Agents of a daemon that is a process of its own: what they start, who may consent, and what is left when it is killed.

use rustix::process::Signal;
use serde_json::{Value, json};
use sixframe::RpcEndpoint;

use crate::sandbox::{Daemon, Sandbox, eventually, is_alive, line_of};

/// A session in the daemon's folder.
pub(crate) async fn session(peer: &RpcEndpoint, sandbox: &Sandbox, provider: &str) -> String {
    let params = json!({"provider": provider, "cwd": sandbox.work()});
    let created: Value = peer.request_raw("agent.createSession", params).await.unwrap();
    created["sessionId"].as_str().unwrap().to_owned()
}

/// Asks for something: its events.
pub(crate) fn prompt(peer: &RpcEndpoint, session: &str, text: &str) -> sixframe::Items<Value> {
    peer.stream_raw("agent.prompt", json!({"sessionId": session, "content": [{"type": "text", "text": text}]}))
}

pub(crate) async fn until(items: &mut sixframe::Items<Value>, kind: &str) -> Value {
    while let Some(item) = items.next().await {
        let event = item.unwrap().data;
        if event["type"] == kind {
            return event["data"].clone();
        }
    }
    panic!("no {kind}");
}

async fn allow(peer: &RpcEndpoint, items: &mut sixframe::Items<Value>) {
    let asked = until(items, "permission.requested").await;
    let answer = json!({"permissionId": asked["permissionId"], "inputSha256": asked["inputSha256"]});
    peer.request_raw::<_, Value>("agent.approve", answer).await.unwrap();
}

/// Starts a command that goes on, by an agent's leave: its process, and the turn.
async fn command_at_work(
    daemon: &Daemon,
    peer: &RpcEndpoint,
    sandbox: &Sandbox,
) -> (u32, String, sixframe::Items<Value>) {
    let id = session(peer, sandbox, "builtin").await;
    let mut turn = prompt(peer, &id, "run echo $$ > pid; exec sleep 600");
    allow(peer, &mut turn).await;
    let pid = line_of(&sandbox.work().join("pid")).await.trim().parse().unwrap();
    assert!(is_alive(pid) && pid != daemon.pid());
    (pid, id, turn)
}

#[tokio::test]
async fn an_agents_own_command_may_not_consent_in_its_users_name() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let session = session(&peer, &sandbox, "builtin").await;
    let (program, token) = (env!("CARGO_BIN_EXE_sixframe"), daemon.ready["tokenFile"].as_str().unwrap());
    let cwd = sandbox.work().to_str().unwrap().to_owned();
    let consents = [
        ("agent.approve", json!({"permissionId": "any"})),
        ("agent.answer", json!({"questionId": "any", "answers": {}})),
        ("agent.setMode", json!({"sessionId": session, "mode": "auto"})),
        ("agent.createSession", json!({"provider": "builtin", "cwd": cwd, "mode": "auto"})),
        ("policy.revoke", json!({"id": "any"})),
        ("trust.grant", json!({"cwd": cwd, "sha256": "any"})),
        ("trust.revoke", json!({"cwd": cwd})),
    ];
    for scheme in ["unix:", "ws:"] {
        let address = daemon.address(scheme);
        let calls: Vec<String> = consents
            .iter()
            .map(|(method, params)| format!("{program} call --token-file {token} {address} {method} '{params}'"))
            .collect();
        let detached = format!("setsid {}", calls[0]);
        let mut turn = prompt(&peer, &session, &format!("run {}; {detached}", calls.join("; ")));
        allow(&peer, &mut turn).await;
        let mut refusals = 0;
        while let Some(item) = turn.next().await {
            let event = item.unwrap().data;
            if event["type"] == "item.delta" {
                refusals += event["data"]["delta"].as_str().unwrap().matches("\"FORBIDDEN\"").count();
            }
        }
        let expected = consents.len() + 1;
        assert_eq!(refusals, expected, "{scheme}: with its user's token, and out of its parent's session");
    }
}

#[tokio::test]
async fn however_an_agents_command_hides_where_it_comes_from_it_may_not_consent() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let session = session(&peer, &sandbox, "builtin").await;
    let (program, token) = (env!("CARGO_BIN_EXE_sixframe"), daemon.ready["tokenFile"].as_str().unwrap());
    for scheme in ["unix:", "ws:"] {
        let address = daemon.address(scheme);
        let call =
            format!("{program} call --token-file {token} {address} agent.approve '{{\"permissionId\": \"any\"}}'");
        let aside = |way: &str| format!("rm -f out; {way}; until test -s out; do sleep 0.05; done; cat out");
        let ways = [
            format!("env -i {call}"),
            // Its parents are gone, so that the system gives it another one.
            aside(&format!("( ( {call} > out.new 2>&1; mv out.new out ) & )")),
            aside(&format!(
                "( setsid nohup sh -c \"( {} > out.new 2>&1; mv out.new out ) &\" & )",
                call.replace('"', "\\\"")
            )),
            format!("cp {program} mine && {}", call.replace(program, "./mine")),
            format!("exec 3<>/dev/null; cd / && {call}"),
        ];
        for way in ways {
            let mut turn = prompt(&peer, &session, &format!("run {way}"));
            allow(&peer, &mut turn).await;
            let mut said = String::new();
            while let Some(item) = turn.next().await {
                let event = item.unwrap().data;
                said += event["data"]["delta"].as_str().filter(|_| event["type"] == "item.delta").unwrap_or_default();
            }
            assert!(said.contains("\"FORBIDDEN\""), "{scheme} {way}: {said}");
        }
    }
}

#[tokio::test]
async fn an_agents_own_command_looks_on_and_has_no_other_agent_do_anything() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    let (own, other) = (session(&peer, &sandbox, "builtin").await, session(&peer, &sandbox, "builtin").await);
    let mut at_work = prompt(&peer, &other, "run echo never");
    until(&mut at_work, "permission.requested").await;
    let mut waiting = prompt(&peer, &other, "list");
    let queued = until(&mut waiting, "prompt.queued").await["promptId"].clone();
    let (program, token) = (env!("CARGO_BIN_EXE_sixframe"), daemon.ready["tokenFile"].as_str().unwrap());
    let cwd = sandbox.work().to_str().unwrap().to_owned();
    let content = json!([{"type": "text", "text": "list"}]);
    let acts = [
        ("agent.createSession", json!({"provider": "builtin", "cwd": cwd})),
        ("agent.prompt", json!({"sessionId": other, "content": content})),
        ("agent.editPrompt", json!({"sessionId": other, "promptId": queued, "content": content})),
        ("agent.cancelPrompt", json!({"sessionId": other, "promptId": queued})),
        ("agent.interrupt", json!({"sessionId": other})),
        ("agent.setModel", json!({"sessionId": other, "model": "x"})),
        ("agent.setProvider", json!({"sessionId": other, "provider": "builtin"})),
        ("agent.fork", json!({"sessionId": other})),
        ("agent.resume", json!({"sessionId": other})),
        ("agent.close", json!({"sessionId": other})),
        ("agent.chat", json!({"agentId": "builtin", "messages": [{"role": "user", "content": "list"}]})),
        ("run.start", json!({"prompt": "list", "cwd": cwd, "members": [{"provider": "builtin"}]})),
        ("transcript.export", json!({"sessionId": other})),
        ("process.run", json!({"program": "true"})),
        ("hub.updateGlobal", json!({"x": 1})),
    ];
    let looks = [("agent.providers", json!({})), ("hub.getSnapshot", Value::Null)];
    for scheme in ["unix:", "ws:"] {
        let address = daemon.address(scheme);
        let call = |(method, params): &(&str, Value)| {
            format!("{program} call --token-file {token} {address} {method} '{params}'")
        };
        let calls: Vec<String> = acts.iter().map(call).collect();
        let mut turn = prompt(&peer, &own, &format!("run {}", calls.join("; ")));
        allow(&peer, &mut turn).await;
        let said = grown(&mut turn).await;
        assert_eq!(said.matches("\"FORBIDDEN\"").count(), acts.len(), "{scheme} {said}");
        let calls: Vec<String> = looks.iter().map(call).collect();
        let mut turn = prompt(&peer, &own, &format!("run {} && echo seen", calls.join(" && ")));
        allow(&peer, &mut turn).await;
        let said = grown(&mut turn).await;
        assert!(said.ends_with("seen\n") && said.contains("builtin"), "{scheme} {said}");
    }
    let state: Value = peer.request_raw("hub.getSnapshot", ()).await.unwrap();
    assert_eq!(state["agents"].as_object().unwrap().len(), 2, "no other session was begun");
    assert_eq!(state["agents"][&other]["queue"][0]["promptId"], queued);
    assert_eq!(state["agents"][&other]["state"]["name"], "waiting_approval");
}

/// What a command writes, to the end of its turn.
async fn grown(turn: &mut sixframe::Items<Value>) -> String {
    let mut said = String::new();
    while let Some(item) = turn.next().await {
        let event = item.unwrap().data;
        said += event["data"]["delta"].as_str().filter(|_| event["type"] == "item.delta").unwrap_or_default();
    }
    said
}

#[tokio::test]
async fn an_agents_command_is_told_no_token_and_reads_none_by_the_way() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let session = session(&peer, &sandbox, "builtin").await;
    let mut turn =
        prompt(&peer, &session, "run env; tr '\\0' '\\n' < /proc/$PPID/environ; tr '\\0' ' ' < /proc/$PPID/cmdline");
    allow(&peer, &mut turn).await;
    let mut said = String::new();
    while let Some(item) = turn.next().await {
        said += &item.unwrap().data.to_string();
    }
    assert!(said.contains("PATH=") && !said.contains(&daemon.token()), "{said}");
    // The daemon's own file of settings is no file like others, wherever the session works.
    let explained: Value = peer
        .request_raw(
            "policy.explain",
            json!({"cwd": sandbox.folder.path(), "action": "file_change", "paths": [".config/sixframe/sixframe.toml"]}),
        )
        .await
        .unwrap();
    assert_eq!((&explained["rule"], &explained["risk"]), (&json!("protected_files"), &json!("critical")));
}

#[tokio::test]
async fn a_window_that_closes_stops_the_turn_that_it_asked_for() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let (window, other) = (daemon.connect().await, daemon.connect().await);
    let (pid, session, turn) = command_at_work(&daemon, &window, &sandbox).await;
    window.close(std::time::Duration::ZERO);
    let mut events = other.stream_raw::<_, Value>("agent.events", json!({"sessions": [session]}));
    assert_eq!(until(&mut events, "turn.ended").await["outcome"], "interrupted");
    eventually("the command ends", || !is_alive(pid)).await;
    drop(turn);
}

#[tokio::test]
async fn a_daemon_that_is_killed_in_midturn_leaves_no_process_and_a_log_that_opens() {
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let (pid, id, turn) = command_at_work(&daemon, &peer, &sandbox).await;
    daemon.signal(Signal::KILL);
    daemon.wait();
    drop((turn, peer));
    eventually("what the agent started ends with its daemon", || !is_alive(pid)).await;

    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let mut events = peer.stream_raw::<_, Value>("agent.events", json!({"sessions": [id]}));
    let ended = until(&mut events, "turn.ended").await;
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("crashed")));
    let mut turn = prompt(&peer, &id, "list");
    assert_eq!(until(&mut turn, "turn.ended").await["outcome"], "completed", "and the session goes on");
    let state: Value = peer.request_raw("hub.getSnapshot", ()).await.unwrap();
    assert_eq!(state["agents"][&id]["state"]["name"], "idle");
}

#[tokio::test]
async fn a_daemon_that_is_killed_in_a_run_leaves_no_process_and_the_next_one_no_worktree() {
    let sandbox = Sandbox::new();
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=person", "-c", "user.email=person@localhost"]).args(args);
        let output = command.current_dir(sandbox.work()).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "first"]);
    let mut daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let pid = sandbox.folder.path().join("pid");
    let params = json!({
        "prompt": format!("run echo $$ > {}; exec sleep 600", pid.display()), "cwd": sandbox.work(), "worktrees": true,
        "members": [{"provider": "builtin", "name": "one"}, {"provider": "builtin", "name": "two"}]
    });
    let mut run = peer.stream_raw::<_, Value>("run.start", params);
    let started = run.next().await.unwrap().unwrap().data;
    allow(&peer, &mut run).await;
    let pid = line_of(&pid).await.trim().parse().unwrap();
    let worktrees = || git(&["worktree", "list", "--porcelain"]).matches("worktree ").count() - 1;
    assert!(is_alive(pid) && worktrees() == 2);
    daemon.signal(Signal::KILL);
    daemon.wait();
    drop((run, peer));
    eventually("what the members started ends with their daemon", || !is_alive(pid)).await;
    assert_eq!(worktrees(), 2, "nobody is there to take them away");

    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    eventually("the next one takes them away", || worktrees() == 0).await;
    let place = std::path::PathBuf::from(started["data"]["members"][0]["worktree"].as_str().unwrap());
    eventually("with everything beside them", || {
        place.ancestors().nth(2).unwrap().read_dir().unwrap().next().is_none()
    })
    .await;
    let of_it = json!({"sessions": [started["sessionId"]]});
    let ended = loop {
        let mut events = peer.stream_raw::<_, Value>("agent.events", of_it.clone());
        let mut ended = None;
        while let Some(Ok(item)) = events.next().await {
            ended = (item.data["type"] == "run.ended").then(|| item.data["data"].clone()).or(ended);
        }
        if let Some(ended) = ended {
            break ended;
        }
    };
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("crashed")));
}

/// A daemon whose files can be no longer than is said later; what passes that is an error, and no signal.
fn serve_within_limits(sandbox: &Sandbox) -> Daemon {
    sandbox.serve_with(&[], |command| {
        let plain = std::mem::replace(command, std::process::Command::new("sh"));
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(plain.get_program()).args(plain.get_args());
        command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(plain.get_current_dir().unwrap());
        command.env("PATH", std::env::var_os("PATH").unwrap());
    })
}

fn limit_files(daemon: &Daemon, bytes: Option<u64>) {
    let limit = rustix::process::Rlimit { current: bytes, maximum: None };
    let pid = rustix::process::Pid::from_raw(daemon.pid() as i32);
    rustix::process::prlimit(pid, rustix::process::Resource::Fsize, limit).unwrap();
}

#[tokio::test]
async fn where_the_log_has_no_room_the_turn_ends_with_that_and_the_session_goes_on_when_there_is_some() {
    let sandbox = Sandbox::new();
    let daemon = serve_within_limits(&sandbox);
    let peer = daemon.connect().await;
    let log = |id: &str| sandbox.folder.path().join("run/agents").join(format!("{id}.jsonl"));
    // Room for nothing at all, for a last word, and then for more again.
    for room in [0, 40_000] {
        let id = session(&peer, &sandbox, "builtin").await;
        let mut turn = prompt(&peer, &id, "ask Well?\nrun head -c 100000 /dev/zero | tr '\\0' x");
        let asked = until(&mut turn, "question.requested").await;
        let queued = peer.stream_raw::<_, Value>(
            "agent.prompt",
            json!({
                "sessionId": id, "content": [{"type": "text", "text": "list"}],
            }),
        );
        eventually("it waits", || std::fs::read_to_string(log(&id)).unwrap().matches("prompt.queued").count() == 2)
            .await;
        let mut events = peer.stream_raw::<_, Value>("agent.events", json!({"sessions": [id]}));
        until(&mut events, "question.requested").await;
        let written = std::fs::metadata(log(&id)).unwrap().len();
        limit_files(&daemon, Some(written + room));
        let answer = json!({"questionId": asked["questionId"], "answers": {"answer": ["yes"]}});
        let answered = peer.request_raw::<_, Value>("agent.answer", answer).await;
        if answered.is_ok() {
            allow(&peer, &mut turn).await;
        }
        let told = end_of(turn).await;
        assert!(end_of(queued).await.is_err_and(|error| error == "RESOURCE_EXHAUSTED") || room > 0);
        let heard = end_of(events).await;
        match room {
            0 => assert_eq!((told, heard), (Err("RESOURCE_EXHAUSTED".into()), Err("RESOURCE_EXHAUSTED".into()))),
            _ => {
                assert_eq!(told.as_ref().unwrap()["type"], "turn.ended");
                let problem = &told.unwrap()["data"]["error"];
                assert!(problem["message"].as_str().unwrap().contains("log cannot be written"), "{problem}");
                assert_eq!(heard.unwrap()["type"], "prompt.cancelled");
            }
        }
        let refused = prompt(&peer, &id, "list").next().await.unwrap().unwrap_err();
        assert!(refused.to_string().contains("agent.resume"), "{refused}");
        limit_files(&daemon, None);
        peer.request_raw::<_, Value>("agent.resume", json!({"sessionId": id})).await.unwrap();
        let mut turn = prompt(&peer, &id, "list");
        assert_eq!(until(&mut turn, "turn.ended").await["outcome"], "completed");
        let text = std::fs::read_to_string(log(&id)).unwrap();
        assert_eq!(
            (text.matches(r#""type":"turn.started""#).count(), text.matches(r#""type":"turn.ended""#).count()),
            (2, 2)
        );
        let numbers = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap());
        assert!(numbers.eq(1..=text.lines().count() as u64), "without holes");
    }
}

/// The last event of a stream, or the code of what ended it.
async fn end_of(mut items: sixframe::Items<Value>) -> Result<Value, String> {
    let mut last = Value::Null;
    while let Some(item) = items.next().await {
        last = item.map_err(|error| error.code().to_string())?.data;
    }
    Ok(last)
}
