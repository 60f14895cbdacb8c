use std::time::Duration;

use sixframe_services::agents::{
    Action, ChangeKind, Choice, Decider, Delivery, DiffScope, DiffUpdate, Event, Fact, FileChange, FileSeen, Item,
    ItemKind, ItemStatus, Location, Mode, ToolCall, ToolKind,
};

use super::stage::Stage;

fn at_work() -> Stage {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage
}

fn tool(stage: &mut Stage, id: &str, status: ItemStatus, kind: ToolKind, path: &str) {
    let locations = Some(vec![Location { path: path.into(), line: None }]);
    let tool = ToolCall { tool_kind: Some(kind), locations, ..ToolCall::default() };
    stage.told(Fact::Item { id: id.into(), item: Item::new(ItemKind::ToolCall).status(status).tool(tool) });
}

fn seen(stage: &mut Stage, paths: &[&str]) -> Vec<Vec<String>> {
    let before = stage.log.len();
    let file = |path: &&str| FileSeen { path: (*path).into(), kind: ChangeKind::Modify };
    stage.session.seen(stage.now, paths.iter().map(file).collect(), 0);
    stage.drain();
    let contended = stage.log[before..].iter().filter_map(|envelope| match &envelope.event {
        Event::FilesContended(contended) => Some(contended.paths.clone()),
        _ => None,
    });
    contended.collect()
}

const NONE: [Vec<String>; 0] = [];

#[test]
fn what_is_seen_while_a_tool_writes_is_its_doing_and_later_somebody_elses() {
    let mut stage = at_work();
    assert_eq!(seen(&mut stage, &["a.txt"]), NONE, "the turn is not changing it");
    tool(&mut stage, "w", ItemStatus::InProgress, ToolKind::Edit, "/project/a.txt");
    assert_eq!(seen(&mut stage, &["a.txt"]), NONE);
    tool(&mut stage, "w", ItemStatus::Completed, ToolKind::Edit, "/project/a.txt");
    stage.pass(Duration::from_millis(900));
    assert_eq!(seen(&mut stage, &["a.txt"]), NONE, "the system may be late");
    stage.pass(Duration::from_millis(200));
    assert_eq!(seen(&mut stage, &["a.txt", "b.txt"]), [["a.txt"]]);
    assert_eq!(seen(&mut stage, &["a.txt"]), NONE, "it is said once in a turn");
    let names = stage.names();
    assert_eq!(names.iter().filter(|name| **name == "files.changed").count(), 5);
}

#[test]
fn a_file_that_the_agent_waits_for_leave_to_change_is_the_persons() {
    let mut stage = at_work();
    tool(&mut stage, "item-k", ItemStatus::InProgress, ToolKind::Edit, "/project/a.txt");
    let id = stage.asks("k", Action::FileChange);
    assert_eq!(seen(&mut stage, &["a.txt"]), [["a.txt"]], "nothing of the agent is at work");
    tool(&mut stage, "other", ItemStatus::InProgress, ToolKind::Execute, "/project");
    tool(&mut stage, "read", ItemStatus::InProgress, ToolKind::Read, "/project/c.txt");
    stage.session.decide(stage.now, &id, Choice::Reject { reason: None }, Decider::Timeout).unwrap();
    stage.drain();
    assert_eq!(seen(&mut stage, &["c.txt"]), NONE, "what is only read is not contended");
}

#[test]
fn a_command_may_write_anything_and_a_tool_that_reads_nothing() {
    let mut stage = at_work();
    tool(&mut stage, "w", ItemStatus::Completed, ToolKind::Edit, "./a.txt");
    stage.pass(Duration::from_secs(2));
    tool(&mut stage, "r", ItemStatus::InProgress, ToolKind::Execute, "/project");
    assert_eq!(seen(&mut stage, &["a.txt"]), NONE);
    tool(&mut stage, "r", ItemStatus::Failed, ToolKind::Execute, "/project");
    stage.pass(Duration::from_secs(2));
    tool(&mut stage, "s", ItemStatus::InProgress, ToolKind::Search, "/project");
    assert_eq!(seen(&mut stage, &["a.txt"]), [["a.txt"]]);
}

#[test]
fn outside_of_a_turn_nothing_is_told_and_the_next_turn_begins_anew() {
    let mut stage = at_work();
    tool(&mut stage, "w", ItemStatus::Completed, ToolKind::Edit, "/project/a.txt");
    stage.ends();
    let before = stage.log.len();
    stage.session.seen(stage.now, vec![FileSeen { path: "a.txt".into(), kind: ChangeKind::Modify }], 0);
    stage.drain();
    assert_eq!(stage.log.len(), before);
    stage.prompt("b", Delivery::Queue);
    stage.pass(Duration::from_secs(2));
    assert_eq!(seen(&mut stage, &["a.txt"]), NONE);
}

#[test]
fn what_was_changed_is_told_by_paths_from_the_folder_on_whoever_tells_it() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    let change = |path: &str| FileChange::without_diff(path, ChangeKind::Modify);
    let mut moved = change("/project/sub/new.txt");
    moved.old_path = Some("/project/old.txt".to_owned());
    let files = vec![change("/project/a.txt"), change("./b.txt"), change("/elsewhere/c.txt"), moved];
    let tool = ToolCall { changes: Some(files.clone()), ..ToolCall::default() };
    let item = Item::new(ItemKind::ToolCall).status(ItemStatus::Completed).tool(tool);
    stage.told(Fact::Item { id: "t".into(), item });
    stage.told(Fact::Diff(DiffUpdate { scope: DiffScope::Turn, files }));
    let told: Vec<Vec<FileChange>> = stage
        .log
        .iter()
        .filter_map(|envelope| match &envelope.event {
            Event::ItemUpserted(item) => item.tool.as_ref()?.changes.clone(),
            Event::DiffUpdated(diff) => Some(diff.files.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(told[0], told[1]);
    let paths: Vec<&str> = told[0].iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["a.txt", "b.txt", "/elsewhere/c.txt", "sub/new.txt"]);
    assert_eq!(told[0][3].old_path.as_deref(), Some("old.txt"));
}
