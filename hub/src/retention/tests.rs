//! What is kept of operations leads where what is kept of the state is.

use proptest::prelude::*;
use serde_json::json;

use super::Retention;
use crate::json::Json;
use crate::op::Op;
use crate::patch::tests::{carried_out, op, pointer, state};
use crate::slice::SliceConfig;
use crate::state::apply;

fn config(places: &[String], initial: serde_json::Value) -> SliceConfig {
    places.iter().fold(SliceConfig::new("any", initial), |config, place| config.volatile_at(pointer(place)))
}

fn places() -> impl Strategy<Value = Vec<String>> {
    let token = prop_oneof![3 => "[a-d]", 1 => "[0-1]", 2 => Just("*".to_owned())];
    let place = prop::collection::vec(token, 1..4);
    let place = place.prop_map(|tokens| tokens.iter().map(|token| format!("/{token}")).collect());
    prop::collection::vec(place, 1..4)
}

fn kept(retention: &Retention, state: &Json) -> Json {
    state.members().filter_map(|(name, slice)| Some((name.to_owned(), retention.kept(slice)?))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_of_operations_does_to_what_is_kept_what_they_did(
        state in state(),
        ops in prop::collection::vec(op(), 1..12),
        places in places(),
        initial in state(),
    ) {
        let retention = Retention::of(&config(&places, initial));
        let state = Json::from(state);
        let (head, records, _) = carried_out(&state, &ops);
        let logged: Vec<Op> = records.iter().filter_map(|record| retention.kept_of(record)).collect();
        let mut again = kept(&retention, &state);
        prop_assert!(apply(&mut again, &logged).is_ok(), "{logged:?} does not fit");
        prop_assert_eq!(&again, &kept(&retention, &head));
        for (name, slice) in head.members() {
            let new = retention.anew(slice, None);
            prop_assert_eq!(retention.kept(&new), retention.kept(slice), "{}", name);
            let left = retention.kept(slice).unwrap_or_default();
            prop_assert_eq!(new, retention.anew(&left, None), "what is not kept does not tell");
        }
    }
}

#[test]
fn a_place_that_is_not_kept_holds_in_a_new_life_what_it_held_at_first_or_nothing() {
    let initial = json!({"progress": 0, "jobs": {"main": {"pid": null}, "gone": {"pid": null}}, "pid": 1});
    let places = ["/progress", "/jobs/*/pid", "/draft", "/list/0", "/a~1b/*"].map(str::to_owned);
    let retention = Retention::of(&config(&places, initial));
    let slice = Json::from(json!({
        "progress": 70, "draft": "x", "pid": 2, "list": [1],
        "jobs": {"main": {"pid": 7, "name": "m"}, "other": {"pid": 8, "name": "o"}, "none": 3},
        "a/b": {"c": 1},
    }));
    let kept = json!({
        "pid": 2, "list": [1], "jobs": {"main": {"name": "m"}, "other": {"name": "o"}, "none": 3}, "a/b": {},
    });
    assert_eq!(retention.kept(&slice), Some(kept.into()));
    let anew = json!({
        "progress": 0, "pid": 2, "list": [1],
        "jobs": {"main": {"pid": null, "name": "m"}, "other": {"name": "o"}, "none": 3},
        "a/b": {},
    });
    assert_eq!(retention.anew(&slice, None), anew.into());
}
