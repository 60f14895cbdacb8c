//! What the caller of a session tells the agent about its task.

use serde_json::json;

use super::World;

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn claude_is_told_its_task_where_no_other_user_can_read_it() {
    let world = World::new().await;
    // Longer than an argument can be.
    let task = format!("The password of the day is magpie. {}", "Be brief. ".repeat(20_000));
    let begin = json!({"provider": "claude", "cwd": world.house.file(""), "systemPrompt": task});
    let begun = world.house.ask("agent.createSession", begin).await.unwrap();
    let session = begun["sessionId"].as_str().unwrap();
    for (is_closed_behind, word, expected) in
        [(false, "heron", "unknown"), (true, "magpie", "known"), (false, "magpie", "known")]
    {
        let mut turn = world.prompt(session, &format!("recall {word}"));
        assert_eq!(turn.end().await["outcome"], "completed", "{:?}", turn.seen);
        assert_eq!(turn.grown("text"), expected, "{word}");
        let logged = world.house.logged(session);
        let spawned = logged.iter().rfind(|event| event["data"]["what"] == "spawned").unwrap();
        let arguments = std::fs::read_to_string(format!("/proc/{}/cmdline", spawned["data"]["pid"])).unwrap();
        assert!(arguments.contains("--permission-mode") && !arguments.contains("magpie"), "{arguments}");
        if is_closed_behind {
            // The next one of it goes on with the same task.
            world.close(session).await;
            world.house.ask("agent.resume", json!({"sessionId": session})).await.unwrap();
        }
    }
    world.close(session).await;
}
