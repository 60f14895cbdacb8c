//! How much of a transcript there is in an answer: whole turns, and of one that fits into none by itself every entry, with its
//! texts cut. Entries are left out only where so many are in a turn that no cut is enough.

use std::mem::take;

use serde_json::Value;
use sixframe_core::{Code, Fault};

use super::super::super::fitting::{LEVELS, cut, shallow};
use super::super::super::transcript::{Transcript, TranscriptTurn};
use super::long;

/// Bytes of a transcript in one answer. Whoever asks takes 16 MiB by default.
pub(super) const ANSWER: usize = 8 << 20;

/// Bytes for what a turn says of its having been cut.
const MARKS: usize = 64;

/// How long a text may be, as a power of two in bytes: from the longest that is tried to the shortest.
const POWERS: std::ops::RangeInclusive<u32> = 8..=22;

/// How many levels a turn may have where its texts are cut to the shortest.
const FEW_LEVELS: usize = 8;

/// The lists of a turn, of which no entry is cut off.
const LISTS: [&str; 4] = ["permissions", "questions", "files", ITEMS];

/// The one that may have the room that the others leave.
const ITEMS: &str = "items";

/// As many turns as fit into an answer, and which is the next; one that does not by itself is cut.
pub(super) fn part(mut transcript: Transcript, from: u64) -> Result<(Transcript, Option<u64>), Fault> {
    let all = transcript.turns.len();
    let from = usize::try_from(from).unwrap_or(all).min(all);
    let turns = take(&mut transcript.turns);
    let mut bytes = length(&transcript)?;
    for mut turn in turns.into_iter().skip(from) {
        if transcript.turns.is_empty() {
            fit(&mut turn, ANSWER.saturating_sub(bytes)).map_err(unwritten)?;
        }
        bytes += length(&turn)?;
        if bytes > ANSWER {
            break;
        }
        transcript.turns.push(turn);
    }
    let next = from + transcript.turns.len();
    match (transcript.turns.is_empty() && next < all, next < all) {
        (true, _) => Err(long()),
        (false, true) => Ok((transcript, Some(next as u64))),
        (false, false) => Ok((transcript, None)),
    }
}

fn unwritten(error: serde_json::Error) -> Fault {
    Fault::new(Code::INTERNAL, error.to_string())
}

fn length(value: &impl serde::Serialize) -> Result<usize, Fault> {
    serde_json::to_vec(value).map(|text| text.len()).map_err(unwritten)
}

/// Cuts a turn that would fit into no answer.
fn fit(turn: &mut TranscriptTurn, most: usize) -> serde_json::Result<()> {
    let text = serde_json::to_string(turn)?;
    if text.len() > most {
        let (value, omitted_entries) = fitted(&text, most.saturating_sub(MARKS))?;
        let cut = serde_json::from_value(value)?;
        *turn = TranscriptTurn { is_cut: true, omitted_entries, ..cut };
    }
    Ok(())
}

/// A turn of so many bytes at most, and how many of its entries are left out for that.
fn fitted(text: &str, most: usize) -> serde_json::Result<(Value, u64)> {
    let mut turn: Value = serde_json::from_str(&shallow(text, LEVELS))?;
    for longest in POWERS.rev().map(|power| 1 << power) {
        if cut_entries(&mut turn, longest) && turn.to_string().len() <= most {
            return Ok((turn, 0));
        }
    }
    let mut turn: Value = serde_json::from_str(&shallow(&turn.to_string(), FEW_LEVELS))?;
    cut_entries(&mut turn, 1 << POWERS.start());
    let fits = turn.to_string().len() <= most;
    let omitted = if fits { 0 } else { leave_out(&mut turn, most) };
    Ok((turn, omitted))
}

/// Cuts the long texts of a turn, and long lists within its entries. Gives whether there were any.
fn cut_entries(turn: &mut Value, longest: usize) -> bool {
    let members = turn.as_object_mut().into_iter().flatten();
    members.fold(false, |is_cut, (name, value)| match value {
        Value::Array(entries) if LISTS.contains(&name.as_str()) => {
            entries.iter_mut().fold(is_cut, |is_cut, entry| cut(entry, longest) | is_cut)
        }
        value => cut(value, longest) | is_cut,
    })
}

/// Leaves as many entries out of the middle of each list as have no room. Gives how many.
fn leave_out(turn: &mut Value, most: usize) -> u64 {
    let lists = LISTS.map(|name| match turn.get_mut(name) {
        Some(Value::Array(entries)) => take(entries),
        _ => Vec::new(),
    });
    let (mut room, mut omitted) = (most.saturating_sub(turn.to_string().len()), 0);
    for (name, mut entries) in LISTS.into_iter().zip(lists) {
        let share = if name == ITEMS { room } else { room / 8 };
        let (left_out, bytes) = thin_out(&mut entries, share);
        (omitted, room) = (omitted + left_out, room - bytes);
        if let Some(list) = turn.get_mut(name) {
            *list = Value::Array(entries);
        }
    }
    omitted
}

/// Keeps of a list what has room, as many from its beginning as from its end, or one more from its end. Gives how many are left
/// out, and the bytes of those that are kept.
fn thin_out(entries: &mut Vec<Value>, room: usize) -> (u64, usize) {
    let (mut first, mut last, mut bytes) = (0, 0, 0);
    while first + last < entries.len() {
        let is_of_end = last <= first;
        let at = if is_of_end { entries.len() - 1 - last } else { first };
        // With a comma.
        let more = entries[at].to_string().len() + 1;
        if bytes + more > room {
            break;
        }
        bytes += more;
        *(if is_of_end { &mut last } else { &mut first }) += 1;
    }
    let behind = entries.len() - last;
    (entries.drain(first..behind).len() as u64, bytes)
}

#[cfg(test)]
mod tests {
    use super::super::super::super::item::{Content, Item, ItemKind, ToolCall, ToolOutput};
    use super::super::super::super::transcript::TranscriptItem;
    use super::*;

    fn entry(seq: u64, item: Item) -> TranscriptItem {
        TranscriptItem { item_id: format!("item_{seq}"), seq, at_ms: 0, item }
    }

    /// A turn of so many calls, each with an output of so many bytes, and an answer.
    fn turn(calls: u64, bytes: usize, answer: &str) -> TranscriptTurn {
        let call = |seq| {
            let output = ToolOutput::of_text("x".repeat(bytes));
            entry(seq, Item::new(ItemKind::ToolCall).tool(ToolCall { output: Some(output), ..ToolCall::default() }))
        };
        let asked = entry(0, Item::new(ItemKind::UserMessage).text("do it"));
        let answered = entry(calls + 1, Item::new(ItemKind::AgentMessage).text(answer));
        let items = [asked].into_iter().chain((1..=calls).map(call)).chain([answered]).collect();
        TranscriptTurn { turn_id: "turn_1".into(), items, ..TranscriptTurn::default() }
    }

    fn fit_into(mut turn: TranscriptTurn, most: usize) -> TranscriptTurn {
        fit(&mut turn, most).expect("it is a turn after it was cut");
        assert!(length(&turn).is_ok_and(|bytes| bytes <= most), "{:?} bytes", length(&turn));
        turn
    }

    fn said(item: &TranscriptItem) -> &str {
        match item.item.content.as_deref() {
            Some([Content::Text { text }]) => text,
            other => panic!("it says a text: {other:?}"),
        }
    }

    fn seqs(turn: &TranscriptTurn) -> Vec<u64> {
        turn.items.iter().map(|item| item.seq).collect()
    }

    #[test]
    fn a_long_turn_of_many_items_has_all_of_them_and_the_answer_in_full() {
        let told = fit_into(turn(500, 20_000, "done"), ANSWER);
        assert_eq!((told.is_cut, told.omitted_entries, told.items.len()), (true, 0, 502));
        assert_eq!(said(&told.items[501]), "done");
        assert!(length(&told).is_ok_and(|bytes| bytes > ANSWER / 2), "the room is made use of: {:?}", length(&told));
        for call in &told.items[1..=500] {
            let output = call.item.tool.as_ref().and_then(|tool| tool.output.as_ref()).expect("it has an output");
            assert!(output.truncated && output.text.as_ref().is_some_and(|text| text.len() > 10_000));
        }
    }

    #[test]
    fn an_answer_that_is_too_long_with_its_turn_is_cut_and_there() {
        let told = fit_into(turn(300, 4000, &"y".repeat(1 << 20)), 1 << 20);
        assert_eq!((told.is_cut, told.omitted_entries, told.items.len()), (true, 0, 302));
        let answer = said(&told.items[301]);
        assert!(answer.len() > 2000 && answer.ends_with('…'), "{} bytes", answer.len());
    }

    #[test]
    fn what_is_in_no_way_short_enough_is_left_out_of_the_middle_and_counted() {
        let told = fit_into(turn(500, 20_000, "done"), 10_000);
        let kept = seqs(&told);
        assert!(kept.len() > 10, "{kept:?}");
        assert_eq!((told.is_cut, told.omitted_entries), (true, 502 - kept.len() as u64));
        let first = kept.len() as u64 / 2;
        let last = kept.len() as u64 - first;
        assert_eq!(kept, (0..first).chain(502 - last..502).collect::<Vec<_>>());
    }

    #[test]
    fn a_turn_that_fits_is_as_it_was() {
        let whole = turn(5, 1000, "done");
        assert_eq!(fit_into(whole.clone(), ANSWER), whole);
    }
}
