//! Codex's subagents: what they do is seen within the turn that they work for, and ends none.

use std::time::Duration;

use serde_json::{Value, json};
use sixframe_services::agents::{
    Abilities, Action, Beginning, Codex, Command, Content, Delivery, DeltaField, Event, Fact, ItemKind, ItemStatus,
    Launch, Mode, Moment, Outcome, Output, ProblemKind, Prompt, Session, Timers, Translator, Verdict,
};

use super::codex::played;
use super::replay::{self, Heard, text};

/// Where the facts of a kind stand among all that was told.
fn at(heard: &Heard, is: impl Fn(&Fact) -> bool) -> Vec<usize> {
    heard.told.iter().enumerate().filter(|(_, told)| is(&told.fact)).map(|(at, _)| at).collect()
}

fn is_end(fact: &Fact) -> bool {
    matches!(fact, Fact::Ended(_))
}

/// What is said within what else, and what the agent says itself.
fn said(heard: &Heard) -> (Vec<String>, Vec<String>) {
    let messages = heard.of_kind(ItemKind::AgentMessage);
    let (within, own): (Vec<_>, Vec<_>) = messages.into_iter().partition(|item| item.parent.is_some());
    (within.iter().map(text).collect(), own.iter().map(text).collect())
}

#[test]
fn a_turn_ends_with_the_words_of_its_own_thread_and_shows_what_a_subagent_does_below_its_call() {
    let heard = played("subagent");
    assert_eq!(heard.outcomes(), [Outcome::Completed]);
    assert_eq!(said(&heard), (vec!["child is done".to_owned()], vec!["main is done".to_owned()]));
    let items = heard.items();
    let (call, _) = items.iter().find(|(_, item)| item.kind == ItemKind::Subagent).unwrap();
    let (id, command) = items.iter().find(|(_, item)| item.kind == ItemKind::ToolCall).unwrap();
    assert_eq!((command.parent.as_ref(), command.status), (Some(call), Some(ItemStatus::Completed)));
    let ask = heard.asked()[0];
    assert_eq!((ask.action, ask.item.as_ref()), (Action::Command, Some(id)), "the leave is that of its item");
    assert_eq!(heard.said.last().unwrap(), &json!({"id": 0, "result": {"decision": "accept"}}));
    let usage = heard.ends()[0].usage.unwrap();
    assert_eq!(usage.output, 15, "three answers were the thread's own, and two its subagent's");
    let retold = at(&heard, |fact| matches!(fact, Fact::Usage(usage) if usage.session.unwrap().output > 15));
    assert_eq!(retold, [0; 0]);
}

#[test]
fn a_subagent_that_works_behind_the_words_of_its_turn_keeps_that_open_and_leaves_the_next_one_alone() {
    let heard = played("subagent-behind");
    assert_eq!(heard.outcomes(), [Outcome::Completed, Outcome::Completed]);
    let own = vec!["main is done".to_owned(), "second answer".to_owned()];
    assert_eq!(said(&heard), (vec!["child is done".to_owned()], own));
    let asked = at(&heard, |fact| matches!(fact, Fact::Asked(_)));
    assert!(asked[0] < at(&heard, is_end)[0], "what it asks is asked within the turn");
    let last = |words: &str| {
        let says = |fact: &Fact| matches!(fact, Fact::Item { item, .. } if text(item) == words);
        at(&heard, says).pop().unwrap()
    };
    let ends = at(&heard, is_end);
    assert!(last("main is done") < last("child is done") && last("child is done") < ends[0]);
    assert!(ends[0] < last("second answer") && last("second answer") < ends[1]);
}

#[test]
fn who_stops_a_turn_stops_its_subagents_which_would_go_on_otherwise() {
    let heard = played("subagent-interrupt");
    let recorded = replay::lines("codex-0.169.0-appserver-subagent-interrupt");
    let is_interrupt = |said: &&Value| said["method"] == "turn/interrupt";
    let expected: Vec<Value> = recorded
        .into_iter()
        .filter(|(is_agents, said)| !is_agents && is_interrupt(&said))
        .map(|(_, said)| said)
        .collect();
    assert_eq!(expected.len(), 2);
    let said: Vec<Value> = heard.said.iter().filter(is_interrupt).cloned().collect();
    assert_eq!(said[..2], expected[..], "the thread's own turn first");
    assert_eq!(said.len(), 2, "each once");
    assert_eq!(heard.outcomes(), [Outcome::Interrupted]);
    assert_eq!(heard.withdrew(), ["0"]);
}

struct Talk {
    codex: Codex,
    heard: Heard,
}

impl Talk {
    /// A thread, `own`, at its turn `t`.
    fn begin() -> Talk {
        let mut talk = Talk { codex: Codex::default(), heard: Heard::default() };
        let steps = talk.codex.open(&Launch { mode: Mode::Ask, ..Launch::default() });
        talk.heard.take(steps);
        talk.hear(json!({"id": 1, "result": {}}));
        talk.hear(json!({"id": 2, "result": {"thread": {"id": "own"}}}));
        talk.prompt();
        talk.turn("started", "own", "t", "inProgress");
        talk
    }

    fn prompt(&mut self) {
        let content = vec![Content::Text { text: "x".to_owned() }];
        let steps = self.codex.command(Command::Prompt(Prompt::new("p", content)));
        self.heard.take(steps);
    }

    fn hear(&mut self, line: Value) {
        let steps = self.codex.hear(line.to_string().as_bytes());
        self.heard.take(steps);
    }

    fn tell(&mut self, method: &str, thread: &str, more: Value) {
        let mut params = json!({"threadId": thread});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.hear(json!({"method": method, "params": params}));
    }

    fn turn(&mut self, what: &str, thread: &str, turn: &str, status: &str) {
        let error = if status == "failed" { json!({"message": "refused"}) } else { Value::Null };
        let turn = json!({"id": turn, "rootTurnId": "t", "status": status, "error": error});
        self.tell(&format!("turn/{what}"), thread, json!({"turn": turn}));
    }

    /// A thread makes another one.
    fn spawns(&mut self, thread: &str, call: &str, child: &str) {
        let item = json!({
            "type": "collabAgentToolCall", "id": call, "tool": "spawnAgent", "status": "completed", "senderThreadId": thread,
            "receiverThreadIds": [child], "agentsStates": {child: {"status": "pendingInit", "message": null}},
        });
        self.tell("item/completed", thread, json!({"item": item}));
    }

    fn says(&mut self, thread: &str, id: &str, words: &str) {
        let item = |text: &str| json!({"item": {"type": "agentMessage", "id": id, "text": text}});
        self.tell("item/started", thread, item(""));
        self.tell("item/agentMessage/delta", thread, json!({"itemId": id, "delta": words}));
        self.tell("item/completed", thread, item(words));
    }

    fn interrupted(&self) -> Vec<&str> {
        let said = self.heard.said.iter().filter(|said| said["method"] == "turn/interrupt");
        said.map(|said| said["params"]["turnId"].as_str().unwrap()).collect()
    }

    fn interrupt(&mut self) {
        let steps = self.codex.command(Command::Interrupt);
        self.heard.take(steps);
    }
}

#[test]
fn items_of_threads_that_count_alike_are_told_apart_and_belong_to_the_call_of_their_thread() {
    let mut talk = Talk::begin();
    talk.spawns("own", "call", "child");
    talk.turn("started", "child", "c", "inProgress");
    talk.spawns("child", "call", "grandchild");
    talk.turn("started", "grandchild", "g", "inProgress");
    for thread in ["own", "child", "grandchild"] {
        talk.says(thread, "msg_1", thread);
    }
    let items = talk.heard.items();
    let of = |words: &str| items.iter().find(|(_, item)| text(item) == words).unwrap().clone();
    let (child, grandchild) = (of("child"), of("grandchild"));
    assert_eq!((of("own").0.as_str(), of("own").1.parent), ("msg_1", None));
    assert_eq!(child.1.parent.as_deref(), Some("call"));
    let call = grandchild.1.parent.unwrap();
    let (_, called) = items.iter().find(|(id, _)| *id == call).unwrap();
    assert_eq!((called.kind, called.parent.as_deref()), (ItemKind::Subagent, Some("call")));
    assert_ne!(call, "call");
    let grown = talk.heard.grown(DeltaField::Text);
    assert_eq!(grown.get(&child.0).map(String::as_str), Some("child"));
    assert_eq!(grown.len(), 3);
}

#[test]
fn what_another_thread_tells_of_itself_is_not_told_of_the_session() {
    let mut talk = Talk::begin();
    talk.spawns("own", "call", "child");
    let before = talk.heard.told.len();
    let tokens = json!({"tokenUsage": {"total": {"outputTokens": 9}, "last": {"totalTokens": 9}}});
    talk.turn("started", "child", "c", "inProgress");
    talk.tell("thread/tokenUsage/updated", "child", tokens);
    talk.tell("thread/name/updated", "child", json!({"threadName": "another"}));
    talk.tell("model/rerouted", "child", json!({"fromModel": "a", "toModel": "b"}));
    talk.tell("turn/diff/updated", "child", json!({"diff": ""}));
    talk.tell("turn/plan/updated", "child", json!({"plan": []}));
    talk.tell("error", "child", json!({"error": {"message": "no"}, "willRetry": true}));
    talk.tell("error", "child", json!({"error": {"message": "no"}, "willRetry": false}));
    let told = &talk.heard.told[before..];
    assert!(told.len() == 8 && told.iter().all(|told| told.fact == Fact::Alive), "{told:?}");
    talk.turn("completed", "child", "c", "failed");
    let notice = talk.heard.of_kind(ItemKind::Notice).remove(0);
    assert_eq!((text(&notice).as_str(), notice.parent.as_deref()), ("the subagent failed: refused", Some("call")));
    talk.turn("completed", "own", "t", "failed");
    assert_eq!(talk.heard.failure().message, "refused", "its own end has its own error");
}

#[test]
fn a_thread_that_nobody_is_known_to_have_made_is_kept_as_it_came_and_keeps_no_turn_open() {
    let mut talk = Talk::begin();
    let turn = json!({"turn": {"id": "s", "rootTurnId": "s", "status": "inProgress"}});
    talk.tell("turn/started", "stranger", turn);
    talk.says("stranger", "msg_1", "who am I");
    assert_eq!(talk.heard.unknown(), ["item/started", "item/completed"]);
    assert!(talk.heard.messages().is_empty() && talk.heard.grown(DeltaField::Text).is_empty());
    talk.turn("completed", "own", "t", "completed");
    assert_eq!(talk.heard.outcomes(), [Outcome::Completed]);
    let ask = json!({"threadId": "stranger", "itemId": "i", "command": "ls"});
    talk.hear(json!({"id": 7, "method": "item/commandExecution/requestApproval", "params": ask}));
    assert_eq!(talk.heard.asked().len(), 1, "the session decides whether it belongs to a turn");
}

#[test]
fn a_subagent_that_is_about_to_begin_keeps_the_turn_open_and_one_that_ends_without_ends_it() {
    for end in ["turn/completed", "thread/closed"] {
        let mut talk = Talk::begin();
        talk.spawns("own", "call", "child");
        talk.turn("completed", "own", "t", "completed");
        assert!(talk.heard.ends().is_empty());
        talk.tell(end, "child", json!({"turn": {"id": "c", "status": "completed"}}));
        assert_eq!(talk.heard.outcomes(), [Outcome::Completed], "{end}");
    }
    let mut talk = Talk::begin();
    talk.spawns("own", "call", "child");
    let states = json!({"child": {"status": "errored", "message": "it could not begin"}});
    let wait = json!({"type": "collabAgentToolCall", "id": "w", "tool": "wait", "agentsStates": states});
    talk.tell("item/completed", "own", json!({"item": wait}));
    talk.turn("completed", "own", "t", "completed");
    assert_eq!(talk.heard.outcomes(), [Outcome::Completed], "one that came to nothing");
}

/// The thread has said its last, and so has one of its two subagents, with whose result it has begun another turn, `u`; then the
/// other one ends.
fn own_turn_outlasts_subagents() -> Talk {
    let mut talk = Talk::begin();
    for (call, child, turn) in [("call_1", "a", "x"), ("call_2", "b", "y")] {
        talk.spawns("own", call, child);
        talk.turn("started", child, turn, "inProgress");
    }
    talk.tell("thread/tokenUsage/updated", "own", json!({"tokenUsage": {"total": {"outputTokens": 5}}}));
    talk.turn("completed", "own", "t", "completed");
    talk.turn("completed", "a", "x", "completed");
    talk.turn("started", "own", "u", "inProgress");
    talk.turn("completed", "b", "y", "completed");
    talk
}

#[test]
fn a_turn_goes_on_while_its_own_thread_works_with_what_has_become_of_its_subagents_and_ends_once() {
    let mut talk = own_turn_outlasts_subagents();
    assert!(talk.heard.ends().is_empty(), "it is at work");
    talk.says("own", "msg_1", "both are done");
    talk.tell("thread/tokenUsage/updated", "own", json!({"tokenUsage": {"total": {"outputTokens": 9}}}));
    talk.turn("completed", "own", "u", "completed");
    assert_eq!(talk.heard.outcomes(), [Outcome::Completed]);
    assert_eq!(talk.heard.ends()[0].usage.unwrap().output, 9, "what it used before its other turn is counted");
}

#[test]
fn another_turn_of_the_own_thread_can_be_stopped_and_ends_the_turn_by_that() {
    let mut talk = own_turn_outlasts_subagents();
    talk.interrupt();
    assert_eq!(talk.interrupted(), ["u"]);
    talk.turn("completed", "own", "u", "interrupted");
    assert_eq!(talk.heard.outcomes(), [Outcome::Interrupted]);
}

#[test]
fn the_files_of_a_diff_are_those_that_were_to_be_changed_wherever_its_paths_begin() {
    let mut talk = Talk::begin();
    let added = |path: &str| json!({"path": path, "kind": {"type": "add"}, "diff": "x\n"});
    let moved =
        json!({"path": "/top/sub/old.txt", "kind": {"type": "update", "move_path": "/top/sub/new.txt"}, "diff": ""});
    let changes = json!([added("/top/sub/a.txt"), added("/top/sub/sub/a.txt"), added("/top/b.txt"), moved]);
    let item = json!({"item": {"type": "fileChange", "id": "c", "changes": changes, "status": "inProgress"}});
    talk.tell("item/started", "own", item);
    let told = |talk: &mut Talk, diff: &str| {
        talk.tell("turn/diff/updated", "own", json!({"diff": diff}));
        match &talk.heard.told.last().unwrap().fact {
            Fact::Diff(diff) => diff.files.iter().map(|file| (file.old_path.clone(), file.path.clone())).collect(),
            other => panic!("{other:?}"),
        }
    };
    let new = |path: &str| {
        format!("diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n")
    };
    let renamed = "diff --git a/sub/old.txt b/sub/new.txt\nrename from sub/old.txt\nrename to sub/new.txt\n";
    let files: Vec<(Option<String>, String)> = told(
        &mut talk,
        &[new("sub/a.txt"), new("sub/sub/a.txt"), new("b.txt"), renamed.to_owned(), new("by_nobody.txt")].concat(),
    );
    let expected = [
        (None, "/top/sub/a.txt"),
        (None, "/top/sub/sub/a.txt"),
        (None, "/top/b.txt"),
        (Some("/top/sub/old.txt"), "/top/sub/new.txt"),
        (None, "by_nobody.txt"),
    ];
    let shown: Vec<_> = files.iter().map(|(old, path)| (old.as_deref(), path.as_str())).collect();
    assert_eq!(shown, expected);
}

#[test]
fn an_interrupt_that_is_refused_since_the_turn_is_not_at_work_yet_is_no_problem_and_is_asked_for_again() {
    let mut talk = own_turn_outlasts_subagents();
    talk.interrupt();
    let said = talk.heard.said.last().unwrap()["id"].clone();
    talk.hear(json!({"id": said, "error": {"code": -32600, "message": "no active turn to interrupt"}}));
    assert!(!talk.heard.told.iter().any(|told| matches!(told.fact, Fact::Problem(_))));
    assert_eq!(talk.interrupted(), ["u"], "it is asked for when something is told of the turn");
    talk.says("own", "msg_1", "at work");
    assert_eq!(talk.interrupted(), ["u", "u"], "once");
    let said = talk.heard.said.last().unwrap()["id"].clone();
    talk.hear(json!({"id": said, "result": {}}));
    talk.says("own", "msg_2", "still");
    assert_eq!(talk.interrupted(), ["u", "u"]);
    talk.turn("completed", "own", "u", "interrupted");
    assert_eq!(talk.heard.outcomes(), [Outcome::Interrupted]);

    let mut talk = own_turn_outlasts_subagents();
    talk.interrupt();
    talk.turn("completed", "own", "u", "completed");
    let said = talk.heard.said.last().unwrap()["id"].clone();
    talk.hear(json!({"id": said, "error": {"code": -32600, "message": "no active turn to interrupt"}}));
    talk.tell("thread/status/changed", "own", json!({}));
    assert_eq!(talk.interrupted(), ["u"], "what is over is not interrupted again");
}

#[test]
fn a_program_that_dies_in_another_turn_of_the_own_thread_ends_the_turn_by_that() {
    let talk = own_turn_outlasts_subagents();
    let created = json!({"provider": "codex", "cwd": "/p", "mode": "ask"});
    let beginning = Beginning {
        id: "ses_1".into(),
        epoch: "e1".into(),
        created: serde_json::from_value(created).unwrap(),
        abilities: Abilities::default(),
        patience: Duration::from_secs(10),
        timers: Timers::default(),
    };
    let now = Moment { at: Duration::ZERO, wall_ms: 1_800_000_000_000 };
    let mut session = Session::begin(now, beginning);
    let content = vec![Content::Text { text: "x".to_owned() }];
    session.prompt(now, Prompt::new("p", content), Delivery::Queue, Duration::from_secs(300)).unwrap();
    talk.heard.told.into_iter().for_each(|told| session.told(now, told));
    session.outputs();
    assert!(session.view().turn_id.is_some());
    session.told(now, Fact::Gone { problem: None }.into());
    let ended = session.outputs().into_iter().filter_map(|output| match output {
        Output::Log(envelope) => Some(envelope.event),
        _ => None,
    });
    let ended: Vec<_> =
        ended.filter_map(|event| if let Event::TurnEnded(end) = event { Some(end) } else { None }).collect();
    assert_eq!(ended.iter().map(|end| end.outcome).collect::<Vec<_>>(), [Outcome::Failed]);
    assert_eq!(ended[0].error.as_ref().unwrap().kind, ProblemKind::Crashed);
}

#[test]
fn a_steer_that_is_answered_late_ends_no_turn_in_which_the_own_thread_works() {
    let mut talk = Talk::begin();
    let steer = Prompt::new("q", vec![Content::Text { text: "y".to_owned() }]);
    let steps = talk.codex.command(Command::Steer(steer));
    talk.heard.take(steps);
    let asked = talk.heard.said.last().unwrap()["id"].clone();
    talk.turn("completed", "own", "t", "completed");
    talk.turn("started", "own", "u", "inProgress");
    talk.hear(json!({"id": asked, "result": {}}));
    assert!(talk.heard.ends().is_empty());
    talk.turn("completed", "own", "u", "completed");
    assert_eq!(talk.heard.outcomes(), [Outcome::Completed]);
}

#[test]
fn a_turn_that_is_refused_ends_at_once() {
    let mut talk = Talk::begin();
    talk.hear(json!({"id": 3, "error": {"message": "no"}}));
    assert_eq!(talk.heard.outcomes(), [Outcome::Failed]);
}

#[test]
fn subagents_of_the_newer_kind_are_told_of_likewise() {
    let mut talk = Talk::begin();
    let activity =
        |kind: &str| json!({"item": {"type": "subAgentActivity", "id": kind, "kind": kind, "agentThreadId": "child"}});
    talk.tell("item/started", "own", activity("started"));
    talk.tell("item/completed", "own", activity("started"));
    talk.turn("completed", "own", "t", "completed");
    assert!(talk.heard.ends().is_empty());
    talk.turn("started", "child", "c", "inProgress");
    talk.says("child", "msg_1", "done");
    talk.turn("completed", "child", "c", "completed");
    talk.tell("item/started", "own", activity("completed"));
    talk.tell("item/completed", "own", activity("completed"));
    assert_eq!(talk.heard.outcomes(), [Outcome::Completed]);
    let parents: Vec<_> = talk.heard.items().into_iter().map(|(_, item)| item.parent).collect();
    assert_eq!(parents, [None, Some("started".to_owned())], "what is told behind the end is no item of its own");
}

#[test]
fn a_subagent_that_has_begun_before_its_call_was_told_is_one_of_the_turn() {
    let mut talk = Talk::begin();
    talk.turn("started", "child", "c", "inProgress");
    talk.turn("completed", "own", "t", "completed");
    assert!(talk.heard.ends().is_empty(), "it says itself which turn it works for");
    talk.interrupt();
    assert_eq!(talk.interrupted(), ["c"]);
    talk.turn("completed", "child", "c", "interrupted");
    assert_eq!(talk.heard.outcomes(), [Outcome::Interrupted], "it was stopped, though the answer stood");
}

#[test]
fn a_turn_of_which_a_subagent_was_stopped_was_interrupted_whichever_ends_first() {
    for is_child_first in [true, false] {
        let mut talk = Talk::begin();
        talk.spawns("own", "call", "child");
        talk.turn("started", "child", "c", "inProgress");
        talk.interrupt();
        let ends = [("child", "c", "interrupted"), ("own", "t", "completed")];
        for at in if is_child_first { [0, 1] } else { [1, 0] } {
            let (thread, turn, status) = ends[at];
            talk.turn("completed", thread, turn, status);
        }
        assert_eq!(talk.heard.outcomes(), [Outcome::Interrupted]);
    }
}

#[test]
fn what_begins_behind_a_stop_is_stopped_until_there_is_another_prompt() {
    let mut talk = Talk::begin();
    talk.interrupt();
    talk.turn("completed", "own", "t", "interrupted");
    assert_eq!(talk.heard.outcomes(), [Outcome::Interrupted]);
    talk.turn("started", "child", "c", "inProgress");
    assert_eq!(talk.interrupted(), ["t", "c"]);
    talk.turn("completed", "child", "c", "interrupted");
    talk.hear(json!({"id": 5, "error": {"message": "no active turn"}}));
    let problems = at(&talk.heard, |fact| matches!(fact, Fact::Problem(_)));
    assert_eq!(problems, [0; 0], "that it was over is no problem");
    talk.prompt();
    talk.turn("started", "own", "u", "inProgress");
    talk.turn("completed", "own", "u", "completed");
    assert_eq!((talk.interrupted().len(), talk.heard.outcomes().len()), (2, 2));
}

#[test]
fn files_that_a_subagent_changes_are_shown_as_they_were_told_also_behind_the_words_of_its_turn() {
    let mut talk = Talk::begin();
    talk.spawns("own", "call", "child");
    talk.turn("started", "child", "c", "inProgress");
    let changes = json!([{"path": "/p/a.txt", "kind": {"type": "add"}, "diff": "one"}]);
    let item = json!({"type": "fileChange", "id": "i", "status": "inProgress", "changes": changes});
    talk.tell("item/started", "child", json!({"item": item}));
    talk.turn("completed", "own", "t", "completed");
    let params = json!({"threadId": "child", "itemId": "i"});
    talk.hear(json!({"id": 7, "method": "item/fileChange/requestApproval", "params": params}));
    assert_eq!(talk.heard.asked()[0].input["changes"], changes);
    let patched = json!([{"path": "/p/a.txt", "kind": {"type": "add"}, "diff": "two"}]);
    talk.tell("item/fileChange/patchUpdated", "child", json!({"itemId": "i", "changes": patched}));
    assert_eq!(talk.heard.withdrew(), ["7"]);
    let ask = talk.heard.asked()[1].clone();
    assert_eq!(ask.input["changes"], patched);
    let verdict = Verdict::Allow { option_id: "accept".into() };
    let steps = talk.codex.command(Command::Decide { key: ask.key, verdict });
    talk.heard.take(steps);
    assert_eq!(talk.heard.said.last().unwrap(), &json!({"id": 7, "result": {"decision": "accept"}}));
}
