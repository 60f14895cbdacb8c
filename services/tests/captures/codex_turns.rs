//! What Codex is told in the midst of a turn, and in which sandbox it works.

use serde_json::{Value, json};
use sixframe_services::agents::{
    Codex, Command, Content, Fact, Launch, Mode, Outcome, Prompt, Translator, Usage, UsageUpdate,
};

use super::replay::Heard;

struct Talk {
    codex: Codex,
    heard: Heard,
}

impl Talk {
    /// A thread that was begun in a mode.
    fn begin(mode: Mode) -> Talk {
        Talk::launched(Launch { mode, ..Launch::default() })
    }

    fn launched(launch: Launch) -> Talk {
        let mode = launch.mode;
        let mut talk = Talk { codex: Codex::default(), heard: Heard::default() };
        let steps = talk.codex.open(&launch);
        talk.heard.take(steps);
        talk.hear(json!({"id": 1, "result": {}}));
        let sandbox =
            json!({"type": if mode == Mode::Plan { "readOnly" } else { "workspaceWrite" }, "networkAccess": true});
        talk.hear(json!({"id": 2, "result": {"thread": {"id": "thread"}, "sandbox": sandbox}}));
        talk
    }

    fn hear(&mut self, line: Value) {
        let steps = self.codex.hear(line.to_string().as_bytes());
        self.heard.take(steps);
    }

    fn command(&mut self, command: Command) {
        let steps = self.codex.command(command);
        self.heard.take(steps);
    }

    fn prompt(&mut self, text: &str) {
        self.command(Command::Prompt(prompt(text)));
    }

    fn steer(&mut self, text: &str) {
        self.command(Command::Steer(prompt(text)));
    }

    /// It takes the turn that it was asked for last.
    fn takes(&mut self, turn: &str) {
        let id = self.asked("turn/start").last().map(|asked| asked["id"].clone());
        self.hear(json!({"id": id, "result": {"turn": {"id": turn}}}));
    }

    fn starts(&mut self, turn: &str) {
        self.hear(json!({"method": "turn/started", "params": {"turn": {"id": turn}}}));
    }

    fn ends(&mut self, turn: &str) {
        self.hear(json!({"method": "turn/completed", "params": {"turn": {"id": turn, "status": "completed"}}}));
    }

    /// It counts what was used of the thread until now, by requests of ten tokens and five.
    fn counts(&mut self, turn: &str, requests: u64) {
        let tokens = |times: u64| json!({"inputTokens": 10 * times, "outputTokens": 5 * times});
        let told = json!({"total": tokens(requests), "last": tokens(1)});
        let params = json!({"threadId": "thread", "turnId": turn, "tokenUsage": told});
        self.hear(json!({"method": "thread/tokenUsage/updated", "params": params}));
    }

    /// What was used in turns, as it was told of while they went on and in their ends, in requests.
    fn used(&self) -> (Vec<Option<u64>>, Vec<Option<u64>>) {
        let requests = |usage: Usage| usage.input / 10;
        let facts = self.heard.told.iter().map(|told| &told.fact);
        let updates = facts.clone().filter_map(|fact| match fact {
            Fact::Usage(UsageUpdate { turn, .. }) => Some(turn.map(requests)),
            _ => None,
        });
        let ends = facts.filter_map(|fact| match fact {
            Fact::Ended(end) => Some(end.usage.map(requests)),
            _ => None,
        });
        (updates.collect(), ends.collect())
    }

    /// What it was asked by a method.
    fn asked(&self, method: &str) -> Vec<&Value> {
        self.heard.said.iter().filter(|said| said["method"] == method).collect()
    }

    /// What became of turns and of what was to join them.
    fn told(&self) -> Vec<String> {
        let short = |fact: &Fact| match fact {
            Fact::Unsteered(prompt) => Some(prompt.id.clone()),
            Fact::Ended(end) => Some(format!("{:?}", end.outcome)),
            Fact::Problem(problem) => Some(problem.message.clone()),
            _ => None,
        };
        self.heard.told.iter().filter_map(|told| short(&told.fact)).collect()
    }
}

fn prompt(text: &str) -> Prompt {
    Prompt::new(text, vec![Content::Text { text: text.to_owned() }])
}

#[test]
fn what_it_is_to_consider_waits_until_the_turn_has_a_name() {
    let mut talk = Talk::begin(Mode::Ask);
    talk.prompt("a");
    talk.steer("b");
    talk.steer("c");
    assert_eq!(talk.asked("turn/steer").len(), 0, "{:?}", talk.heard.said);
    talk.starts("t1");
    talk.hear(json!({"id": 3, "result": {"turn": {"id": "t1"}}}));
    talk.steer("d");
    let asked = talk.asked("turn/steer");
    let said: Vec<_> = asked.iter().map(|asked| asked["params"]["input"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(said, ["b", "c", "d"]);
    assert!(asked.iter().all(|asked| asked["params"]["expectedTurnId"] == "t1"));
}

#[test]
fn what_it_did_not_take_into_the_turn_is_given_back_before_the_turn_ends() {
    let mut talk = Talk::begin(Mode::Ask);
    talk.prompt("a");
    talk.starts("t1");
    talk.steer("b");
    talk.steer("c");
    talk.ends("t1");
    assert_eq!(talk.told(), [""; 0], "it is not known yet what became of all");
    let refused = json!({"code": -32600, "message": "no active turn"});
    talk.hear(json!({"id": 4, "error": refused}));
    talk.hear(json!({"id": 5, "result": {"turnId": "t1"}}));
    assert_eq!(talk.told(), ["b", "Completed"]);
    talk.steer("d");
    assert_eq!(talk.told().last().unwrap(), "d", "there is no turn any more");
}

#[test]
fn a_turn_that_never_had_a_name_gives_back_what_was_to_join_it() {
    let mut talk = Talk::begin(Mode::Ask);
    talk.prompt("a");
    talk.steer("b");
    talk.hear(json!({"id": 3, "error": {"code": 1, "message": "no"}}));
    assert_eq!(talk.told(), ["b".to_owned(), format!("{:?}", Outcome::Failed)]);
}

/// The sandbox that it is told with each turn.
fn sandboxes(talk: &Talk) -> Vec<Value> {
    talk.asked("turn/start").iter().map(|asked| asked["params"]["sandboxPolicy"].clone()).collect()
}

#[test]
fn the_sandbox_goes_with_the_mode_from_the_next_turn_on() {
    let mut talk = Talk::begin(Mode::Plan);
    let modes = [Mode::Plan, Mode::Ask, Mode::AcceptEdits, Mode::Plan];
    for (number, mode) in modes.into_iter().enumerate() {
        talk.command(Command::SetMode(mode));
        talk.prompt("a");
        talk.takes(&format!("t{number}"));
        talk.starts(&format!("t{number}"));
        talk.ends(&format!("t{number}"));
    }
    let expected = [Value::Null, json!({"type": "workspaceWrite"}), Value::Null, json!({"type": "readOnly"})];
    assert_eq!(sandboxes(&talk), expected);
}

#[test]
fn behind_a_plan_the_sandbox_is_as_its_configuration_had_it() {
    let mut talk = Talk::begin(Mode::Ask);
    for mode in [Mode::Plan, Mode::Ask] {
        talk.command(Command::SetMode(mode));
        talk.prompt("a");
        talk.takes("t");
        talk.starts("t");
        talk.ends("t");
    }
    let expected = [json!({"type": "readOnly"}), json!({"type": "workspaceWrite", "networkAccess": true})];
    assert_eq!(sandboxes(&talk), expected);
}

#[test]
fn a_sandbox_that_came_with_a_turn_that_was_refused_comes_with_the_next_one() {
    let mut talk = Talk::begin(Mode::Ask);
    talk.command(Command::SetMode(Mode::Plan));
    talk.prompt("a");
    talk.hear(json!({"id": 3, "error": {"code": 1, "message": "no"}}));
    talk.prompt("b");
    talk.command(Command::SetMode(Mode::Ask));
    talk.takes("t");
    talk.ends("t");
    talk.prompt("c");
    let work = json!({"type": "workspaceWrite", "networkAccess": true});
    let expected = [json!({"type": "readOnly"}), json!({"type": "readOnly"}), work];
    assert_eq!(sandboxes(&talk), expected, "by what it was told for the turn, and not by what came to be wanted since");
}

#[test]
fn what_was_used_before_is_no_turns_of_a_thread_that_goes_on() {
    let resumed = || Launch { resume: Some("thread".into()), ..Launch::default() };
    // Of one that it goes on with it tells first what the last turn came to, maybe when it was given another prompt by then.
    for is_late in [false, true] {
        let mut talk = Talk::launched(resumed());
        if is_late {
            talk.prompt("a");
        }
        talk.counts("old", 7);
        if !is_late {
            talk.prompt("a");
        }
        talk.takes("t1");
        talk.counts("t1", 8);
        talk.counts("t1", 9);
        talk.ends("t1");
        assert_eq!(talk.used(), (vec![None, Some(1), Some(2)], vec![Some(2)]), "{is_late}");
    }
    // Of a fork, and of a fork that it goes on with, it tells nothing before its first turn.
    for is_fork in [true, false] {
        let mut talk = Talk::launched(Launch { is_fork, ..resumed() });
        for (turn, before) in [("t1", 7), ("t2", 9)] {
            talk.prompt("a");
            talk.takes(turn);
            talk.counts(turn, before + 1);
            talk.counts(turn, before + 2);
            talk.ends(turn);
        }
        assert_eq!(talk.used(), ([1, 2, 1, 2].map(Some).to_vec(), vec![Some(2), Some(2)]), "{is_fork}");
    }
    // What cannot be gone on with is begun anew, without a past.
    let mut talk = Talk { codex: Codex::default(), heard: Heard::default() };
    let steps = talk.codex.open(&resumed());
    talk.heard.take(steps);
    talk.hear(json!({"id": 1, "result": {}}));
    talk.hear(json!({"id": 2, "error": {"message": "no rollout found"}}));
    talk.hear(json!({"id": 3, "result": {"thread": {"id": "thread"}}}));
    talk.prompt("a");
    talk.takes("t1");
    talk.counts("t1", 2);
    talk.ends("t1");
    assert_eq!(talk.used(), (vec![Some(2)], vec![Some(2)]));
}
