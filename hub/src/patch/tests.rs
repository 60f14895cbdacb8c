//! Folding is sound: what a subscriber makes of folded patches is what it would have seen.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fold;
use crate::json::Json;
use crate::op::Op;
use crate::pointer::Pointer;
use crate::selection::Selection;
use crate::state::{Recorded, apply};

pub(crate) fn pointer(text: &str) -> Pointer {
    text.parse().unwrap()
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![(0..5_u8).prop_map(|n| json!(n)), "[a-c]".prop_map(|text| json!(text)), Just(Value::Null)]
}

/// Objects and arrays of few keys, so that operations meet.
fn value() -> impl Strategy<Value = Value> {
    let element = (0..4_u8, scalar()).prop_map(|(id, x)| json!({"id": id, "x": x}));
    let leaf = prop_oneof![scalar(), prop::collection::vec(element, 0..4).prop_map(unique)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-d]", inner.clone(), 0..3).prop_map(|map| json!(map)),
            prop::collection::vec(inner, 0..3).prop_map(|elements| json!(elements)),
        ]
    })
}

fn unique(mut elements: Vec<Value>) -> Value {
    elements.sort_by_key(|element| element["id"].as_u64());
    elements.dedup_by_key(|element| element["id"].as_u64());
    json!(elements)
}

fn path() -> impl Strategy<Value = String> {
    let token = prop_oneof![4 => "[a-d]", 2 => "[0-3]", 1 => Just("-".to_owned()), 1 => Just("x".to_owned())];
    prop::collection::vec(token, 1..4).prop_map(|tokens| tokens.iter().map(|token| format!("/{token}")).collect())
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let by = prop_oneof![5 => Just("id".to_owned()), 1 => Just("x".to_owned())];
    let key = || prop_oneof![(0..4_u8).prop_map(|n| json!(n)), "[a-c]".prop_map(|text| json!(text))];
    let before = prop::option::weighted(0.3, key());
    (0..10_u8, path(), value(), by, key(), before, scalar()).prop_map(|(kind, path, value, by, key, before, x)| {
        let (path, before) = (pointer(&path), before.map(Json::from));
        let (element, value) = (Json::from(json!({"id": key, "x": x})), Json::from(value));
        match kind {
            0 | 1 => Op::Add { path, value },
            2 | 3 => Op::Replace { path, value },
            4 => Op::Remove { path },
            5 => Op::Merge { path, value },
            6 | 7 => Op::Put { path, by, value: element, before },
            8 => Op::Drop { path, by, key: key.into() },
            _ => Op::Move { path, by, key: key.into(), before },
        }
    })
}

pub(crate) fn state() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-d]", value(), 2..5).prop_map(|map| json!(map))
}

/// What the operations that can be carried out make of a state, and what was written down.
pub(crate) fn carried_out(state: &Json, ops: &[Op]) -> (Json, Vec<Recorded>, isize) {
    let (mut head, mut records, mut growth) = (state.clone(), Vec::new(), 0);
    for op in ops {
        let mut next = head.clone();
        if let Ok((done, grown)) = apply(&mut next, std::slice::from_ref(op)) {
            head = next;
            records.extend(done);
            growth += grown;
        }
    }
    (head, records, growth)
}

fn replayed(start: &Json, ops: &[Op]) -> Json {
    let mut state = start.clone();
    apply(&mut state, ops).unwrap_or_else(|refused| panic!("{refused:?}: {ops:?} on {start}"));
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_down_does_the_same_again(state in state(), ops in prop::collection::vec(op(), 1..12)) {
        let start = Json::from(state);
        let (head, records, growth) = carried_out(&start, &ops);
        let again: Vec<Op> = records.into_iter().map(|record| record.op).collect();
        prop_assert_eq!(replayed(&start, &again).to_string(), head.to_string());
        prop_assert_eq!(head.size() as isize - start.size() as isize, growth, "the bytes are kept count of");
    }

    #[test]
    fn a_folded_patch_leads_where_the_operations_led(state in state(), ops in prop::collection::vec(op(), 1..25)) {
        let start = Json::from(state);
        let (head, records, _) = carried_out(&start, &ops);
        let told = fold(records.iter(), &head, &Selection::all());
        let ops: Vec<Op> = told.iter().map(|told| told.op().clone()).collect();
        prop_assert_eq!(replayed(&start, &ops).to_string(), head.to_string());
    }

    #[test]
    fn a_part_of_the_state_is_led_where_that_part_is(
        state in state(),
        ops in prop::collection::vec(op(), 1..25),
        paths in prop::collection::vec(path(), 1..4),
    ) {
        let start = Json::from(state);
        let selection = Selection::of(paths.iter().map(|path| pointer(path)));
        let (head, records, _) = carried_out(&start, &ops);
        let told = fold(records.iter(), &head, &selection);
        let ops: Vec<Op> = told.iter().map(|told| told.op().clone()).collect();
        let seen = replayed(&selection.prune(&start), &ops);
        prop_assert_eq!(seen.to_string(), selection.prune(&head).to_string());
    }
}

#[test]
fn what_is_written_again_and_again_is_told_once() {
    let jobs: Vec<Value> = (1..50).map(|id| json!({"id": id, "done": 0})).collect();
    let start = Json::from(json!({"jobs": jobs, "at": 0, "gone": {}}));
    let mut ops = Vec::new();
    for done in 1..=1000_u64 {
        let job = Json::from(json!({"id": 1 + done % 2, "done": done}));
        ops.push(Op::Put { path: pointer("/jobs"), by: "id".to_owned(), value: job, before: None });
        ops.push(Op::Replace { path: pointer("/at"), value: done.into() });
        ops.push(Op::Add { path: pointer("/short"), value: done.into() });
    }
    ops.push(Op::Remove { path: pointer("/short") });
    ops.push(Op::Remove { path: pointer("/gone") });
    let (head, records, _) = carried_out(&start, &ops);
    let told = fold(records.iter(), &head, &Selection::all());
    let told: Value = serde_json::to_value(&told).unwrap();
    let expected = json!([
        {"op": "replace", "path": "/at", "value": 1000},
        {"op": "remove", "path": "/gone"},
        {"op": "put", "path": "/jobs", "by": "id", "value": {"id": 2, "done": 999}},
        {"op": "put", "path": "/jobs", "by": "id", "value": {"id": 1, "done": 1000}},
    ]);
    assert_eq!(told, expected);
}
