//! What ends everything that a daemon that was ended has left open.

use super::super::event::{Envelope, Event, LogRecovered, Outcome, PromptRef, QuestionResolved, TurnEnded};
use super::super::item::{Item, ItemStatus};
use super::super::log::Remembered;
use super::super::moment::Moment;
use super::super::permission::{Decider, Decision, PermissionResolved};
use super::super::problem::Problem;

/// What ends everything that a daemon that was ended has left open, in the order in which it would have, with what the session is
/// doing then.
pub(in super::super) fn ends(remembered: &mut Remembered, now: Moment, why: &Problem) -> Vec<Envelope> {
    let mut events = Vec::new();
    if remembered.torn > 0 {
        events.push((Event::LogRecovered(LogRecovered { bytes: remembered.torn }), None, None));
    }
    let turn = remembered.turn.take();
    for (permission_id, item) in std::mem::take(&mut remembered.permissions) {
        let (decision, by) = (Decision::Withdrawn, Decider::Shutdown);
        let resolved = PermissionResolved { permission_id, decision, option_id: None, by, reason: None, latency_ms: 0 };
        events.push((Event::PermissionResolved(resolved), turn.clone(), item));
    }
    for (question_id, item) in std::mem::take(&mut remembered.questions) {
        let resolved = QuestionResolved { question_id, answers: None, by: Decider::Shutdown };
        events.push((Event::QuestionResolved(resolved), turn.clone(), item));
    }
    for (id, kind) in std::mem::take(&mut remembered.items) {
        let cancelled = Item::new(kind).status(ItemStatus::Cancelled);
        events.push((Event::ItemUpserted(cancelled), turn.clone(), Some(id)));
    }
    if turn.is_some() {
        let error = Some(why.clone());
        let (usage, cost, first_event_ms, native_stop_reason) = (None, None, None, None);
        let outcome = Outcome::Failed;
        let ended = TurnEnded { outcome, error, usage, cost, duration_ms: 0, first_event_ms, native_stop_reason };
        events.push((Event::TurnEnded(ended), turn, None));
    }
    for prompt_id in std::mem::take(&mut remembered.prompts) {
        events.push((Event::PromptCancelled(PromptRef { prompt_id }), None, None));
    }
    let mut told: Vec<Envelope> =
        events.into_iter().flat_map(|(event, turn, item)| remembered.tell(now, event, turn, item)).collect();
    // What was said of that last may be wrong though nothing is open.
    told.extend(remembered.tell_state(now, None));
    told
}
