//! What becomes of what waits until the folder was looked at.

use std::path::PathBuf;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use serde_json::json;
use sixframe_services::agents::{
    Abilities, Agent, AgentsConfig, Command, Fact, Launch, Outcome, Running, SessionUpdate, TurnEnd,
};
use tokio::sync::mpsc;

use super::house::{House, LONG};

/// A look at the folder that takes until this is dropped: git waits for what the folder says is to be ignored.
pub(crate) struct Look(PathBuf);

impl Look {
    pub(crate) fn held(house: &House) -> Look {
        let ignored = house.file(".gitignore");
        assert!(Process::new("mkfifo").arg(&ignored).status().unwrap().success());
        Look(ignored)
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        // Who has begun to open it may; nobody else finds it.
        let open = rustix::fs::open(&self.0, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()).ok();
        std::fs::remove_file(&self.0).unwrap();
        drop(open);
    }
}

pub(crate) fn patient(config: &mut AgentsConfig) {
    (config.undo.patience, config.undo.end_patience) = (LONG, LONG);
    config.watch.is_on = false;
}

/// An agent that takes prompts in the midst of turns, and tells what it was told.
struct Steerable(mpsc::UnboundedSender<Command>);

impl Agent for Steerable {
    fn provider(&self) -> &'static str {
        "steerable"
    }

    fn abilities(&self) -> Abilities {
        Abilities { steer: true, ..Abilities::default() }
    }

    fn start(&self, _: Launch) -> Running {
        let (commands, mut heard) = mpsc::unbounded_channel();
        let (told, facts) = mpsc::channel(64);
        let note = self.0.clone();
        tokio::spawn(async move {
            let tell = async |fact: Fact| drop(told.send(fact.into()).await);
            tell(Fact::Ready(SessionUpdate::default())).await;
            while let Some(command) = heard.recv().await {
                let end = match &command {
                    Command::Prompt(_) => Some(Outcome::Completed),
                    Command::Interrupt => Some(Outcome::Interrupted),
                    Command::Stop => break,
                    _ => None,
                };
                note.send(command).unwrap();
                if let Some(outcome) = end {
                    tell(Fact::Ended(TurnEnd::new(outcome))).await;
                }
            }
            tell(Fact::Gone { problem: None }).await;
        });
        Running { commands, facts }
    }
}

#[tokio::test]
async fn what_was_to_join_a_turn_that_no_agent_saw_has_a_turn_of_its_own_when_that_is_stopped() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let house = House::tuned_among(patient, vec![Arc::new(Steerable(told))]);
    let look = Look::held(&house);
    let session = house.session("steerable").await;
    let mut first = house.prompt(&session, "first");
    first.until("turn.started").await;
    let mut second = house.prompt_with(&session, "second", json!({"delivery": "steer"}));
    second.until("prompt.steered").await;
    house.ask("agent.setMode", json!({"sessionId": session, "mode": "plan"})).await.unwrap();
    house.ask("agent.interrupt", json!({"sessionId": session, "keepQueue": true})).await.unwrap();
    assert_eq!(first.end().await["outcome"], "interrupted");
    drop(look);
    assert_eq!(second.end().await["outcome"], "completed");
    let said = |text: &str, status: &str| {
        let is_said = |event: &&serde_json::Value| {
            event["data"]["kind"] == "user_message"
                && event["data"]["status"] == status
                && event["data"]["content"][0]["text"] == text
        };
        house.logged(&session).iter().filter(is_said).map(|event| event["turnId"].clone()).collect::<Vec<_>>()
    };
    let turns = said("second", "completed");
    assert!(turns.len() == 2 && turns[0] != turns[1], "{turns:?}");
    let cancelled = house.logged(&session).iter().any(|event| {
        event["data"]["status"] == "cancelled" && event["data"]["kind"] == "user_message" && event["turnId"] == turns[0]
    });
    assert!(cancelled, "it was not said in the turn that nobody saw");
    let told: Vec<String> = std::iter::from_fn(|| heard.try_recv().ok())
        .map(|command| match command {
            Command::Prompt(prompt) => prompt.text(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(told, ["SetMode(Plan)", "second"]);
}

#[tokio::test]
async fn a_prompt_that_waits_while_the_program_closes_its_output_is_given_to_the_next_one() {
    let house = House::tuned(|config| {
        patient(config);
        config.timers.exit = Duration::from_millis(200);
    });
    let go = house.folder.path().join("claude.go");
    assert!(Process::new("mkfifo").arg(&go).status().unwrap().success());
    house.install(
        r#"
read line
echo '{"type":"control_response","response":{"subtype":"success","request_id":"initialise","response":{}}}'
if [ -e "$0.begun" ]; then
  while read line; do
    case "$line" in *'"type":"user"'*) echo '{"type":"result","subtype":"success","is_error":false}';; esac
  done
  exit
fi
touch "$0.begun"
read go < "$0.go"
exec >&-
exec sleep 600
"#,
    );
    let look = Look::held(&house);
    let session = house.session("claude").await;
    let mut turn = house.prompt(&session, "hello");
    turn.until("turn.started").await;
    tokio::fs::write(&go, "go\n").await.unwrap();
    for mode in ["plan", "ask"].into_iter().cycle() {
        if house.shown(&session)["isReady"] == false {
            break;
        }
        house.ask("agent.setMode", json!({"sessionId": session, "mode": mode})).await.unwrap();
    }
    drop(look);
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    let logged = house.logged(&session);
    let count =
        |what: &str| logged.iter().filter(|event| event["type"] == what || event["data"]["what"] == what).count();
    assert_eq!((count("turn.started"), count("spawned")), (1, 2));
}
