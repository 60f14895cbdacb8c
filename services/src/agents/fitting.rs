//! What a client can be sent, whatever an agent says: no deeper and no longer than a frame may be. Knows JSON, and of events
//! only by which names they say that something of them is missing.

use std::borrow::Cow;

use memchr::memchr2_iter;
use serde_json::{Map, Value, json};

use super::event::Envelope;

/// How many levels there may be. A frame may have 64 and the hub's state 56, and each has some of its own.
pub(super) const LEVELS: usize = 40;

/// The longest event, in bytes. A frame may have 16 MiB.
const LONGEST: usize = 12 << 20;

/// How long a text may be, in bytes, and how many levels there may be, where all of it is too long: one after the other, until
/// it is not.
const STEPS: [(usize, usize); 5] =
    [(4 << 20, LEVELS), (1 << 20, LEVELS), (64 << 10, LEVELS), (4 << 10, LEVELS), (256, 8)];

/// The most members that an object has whatever it is cut to: more than there are in anything of ours.
const MEMBERS: usize = 64;

/// The line of an event as it can be sent. What is too deep in it is the text of its JSON; how many bytes of it are missing, its
/// `ext` says.
pub(super) fn event(line: &str) -> Cow<'_, str> {
    let told = fitted(line, LONGEST);
    let missing = line.len().saturating_sub(told.len());
    if missing == 0 {
        return told;
    }
    match serde_json::from_str::<Envelope>(&told) {
        Ok(mut envelope) => {
            let mut ext = envelope.ext.take().and_then(|ext| ext.as_object().cloned()).unwrap_or_default();
            ext.insert("omittedBytes".to_owned(), missing.into());
            serde_json::to_string(&Envelope { ext: Some(ext.into()), ..envelope }).map_or(told, Cow::Owned)
        }
        // It is of a later version.
        Err(_) => told,
    }
}

/// A text of JSON, as it is where that is no longer than `most` bytes and not too deep.
fn fitted(text: &str, most: usize) -> Cow<'_, str> {
    let mut told = shallow(text, LEVELS);
    for (longest, levels) in STEPS {
        if told.len() <= most {
            break;
        }
        let Ok(mut value) = serde_json::from_str::<Value>(&shallow(&told, levels)) else { break };
        cut(&mut value, longest);
        told = Cow::Owned(value.to_string());
    }
    told
}

/// A text of JSON in which what is below so many levels is the text of its JSON.
pub(super) fn shallow(text: &str, levels: usize) -> Cow<'_, str> {
    if memchr2_iter(b'{', b'[', text.as_bytes()).nth(levels).is_none() {
        return Cow::Borrowed(text);
    }
    let (mut flat, mut done) = (String::new(), 0);
    let (mut depth, mut from) = (0, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => (),
            b'{' | b'[' => {
                from = if depth == levels { at } else { from };
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == levels {
                    flat.push_str(&text[done..from]);
                    flat.push_str(&Value::from(&text[from..=at]).to_string());
                    done = at + 1;
                }
            }
            _ => (),
        }
    }
    match done {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(flat + &text[done..]),
    }
}

/// Cuts long texts, and long lists as far as texts of 16 bytes would be as long. Gives whether there were any.
pub(super) fn cut(value: &mut Value, longest: usize) -> bool {
    match value {
        Value::String(text) => cut_text(text, longest),
        Value::Array(values) => {
            let is_long = values.len() > longest / 16;
            values.truncate(longest / 16);
            values.iter_mut().fold(is_long, |is_cut, value| cut(value, longest) | is_cut)
        }
        Value::Object(members) => cut_members(members, longest),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Cuts a text that is longer than so many bytes. Gives whether it was.
pub(super) fn cut_text(text: &mut String, longest: usize) -> bool {
    if text.len() <= longest {
        return false;
    }
    let end = (0..=longest).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.truncate(end);
    text.push('…');
    true
}

fn cut_members(members: &mut Map<String, Value>, longest: usize) -> bool {
    let is_long = |members: &Map<String, Value>, name: &str| {
        members.get(name).and_then(Value::as_str).is_some_and(|text| text.len() > longest)
    };
    if members.get("type").is_some_and(|kind| kind == "image") && is_long(members, "data") {
        // Of a picture, a part is none.
        let bytes = members["data"].as_str().map_or(0, str::len);
        *members =
            Map::from_iter([("type".to_owned(), "other".into()), ("value".to_owned(), json!({"omittedBytes": bytes}))]);
        return true;
    }
    let has_long_diff = is_long(members, "unifiedDiff");
    if has_long_diff {
        // Nor of a diff.
        members.remove("unifiedDiff");
        members.insert("isCut".to_owned(), true.into());
    }
    let (before, mut room) = (members.len(), MEMBERS.max(longest / 16));
    members.retain(|name, _| {
        let is_kept = name.len() <= longest && room > 0;
        room -= usize::from(is_kept);
        is_kept
    });
    let is_short = has_long_diff || members.len() < before;
    let is_cut = members.values_mut().fold(is_short, |is_cut, value| cut(value, longest) | is_cut);
    if is_cut && let Some(truncated) = members.get_mut("truncated") {
        *truncated = true.into();
    }
    is_cut
}

#[cfg(test)]
mod tests {
    use super::super::event::{DiffScope, DiffUpdate, Event, Source};
    use super::super::item::{ChangeKind, Content, FileChange, Item, ItemKind, ToolCall, ToolOutput};
    use super::*;

    fn line(event: Event) -> String {
        let envelope = Envelope {
            v: 1,
            epoch: "e".into(),
            seq: 7,
            ts: "2026-11-21T06:39:49.376Z".into(),
            session_id: "ses_1".into(),
            turn_id: None,
            item_id: Some("item_1".into()),
            event,
            src: Source::sixframe(),
            ext: None,
        };
        serde_json::to_string(&envelope).unwrap_or_default()
    }

    fn sent(line: &str) -> Envelope {
        let told = event(line);
        assert!(told.len() <= LONGEST + 64 && shallow(&told, LEVELS) == told);
        serde_json::from_str(&told).expect("an event is one after it was cut")
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!("a \"}] b"), |inner, _| json!([inner]))
    }

    fn tool(tool: ToolCall) -> Event {
        Event::ItemUpserted(Item::new(ItemKind::ToolCall).tool(tool))
    }

    fn input(line: &str) -> Value {
        let Event::ItemUpserted(item) = sent(line).event else { panic!("it is an item") };
        item.tool.and_then(|tool| tool.input).unwrap_or_default()
    }

    #[test]
    fn what_is_too_deep_is_the_text_of_its_json_and_all_else_is_as_it_was() {
        let of = |levels| line(tool(ToolCall { input: Some(nested(levels)), ..ToolCall::default() }));
        assert!(matches!(event(&of(LEVELS - 3)), Cow::Borrowed(_)));
        for levels in [LEVELS - 2, 70, 124, 500] {
            let mut told = &input(&of(levels));
            for _ in 0..LEVELS - 3 {
                told = &told[0];
            }
            assert_eq!(told.as_str(), Some(&*nested(levels - (LEVELS - 3)).to_string()));
        }
        assert_eq!(sent(&of(70)).ext, None, "nothing is missing");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let answer = Item::new(ItemKind::AgentMessage).text("ä".repeat(7 << 20));
        let told = sent(&line(Event::ItemUpserted(answer)));
        assert!(told.ext.is_some_and(|ext| ext["omittedBytes"].as_u64() > Some(9 << 20)));
        let Event::ItemUpserted(Item { content: Some(content), .. }) = told.event else { panic!("it says something") };
        assert!(matches!(&content[..], [Content::Text { text }] if text.len() > 4 << 20 && text.ends_with('…')));

        let long = json!({"file_path": "/project/a", "content": "\u{1}".repeat(3 << 20)});
        let told = input(&line(tool(ToolCall { input: Some(long), ..ToolCall::default() })));
        assert_eq!(told["file_path"], "/project/a");

        let output = ToolOutput { json: Some(json!(vec![1; 7 << 20])), ..ToolOutput::default() };
        let told = sent(&line(tool(ToolCall { output: Some(output), ..ToolCall::default() })));
        assert!(
            matches!(told.event, Event::ItemUpserted(Item { tool: Some(ToolCall { output: Some(output), .. }), .. }) if output.truncated)
        );
    }

    #[test]
    fn of_a_diff_or_a_picture_no_part_is_kept() {
        let change = FileChange::with_diff("a", ChangeKind::Modify, format!("@@\n+{}", "x".repeat(13 << 20)));
        let told = sent(&line(Event::DiffUpdated(DiffUpdate { scope: DiffScope::Turn, files: vec![change] })));
        let Event::DiffUpdated(DiffUpdate { files, .. }) = told.event else { panic!("it is a diff") };
        assert!(files[0].is_cut && files[0].unified_diff.is_none() && files[0].additions == 1);

        let picture = Content::Image { mime_type: "image/png".into(), data: "x".repeat(13 << 20) };
        let said = Item { content: Some(vec![picture]), ..Item::new(ItemKind::UserMessage) };
        let Event::ItemUpserted(item) = sent(&line(Event::ItemUpserted(said))).event else { panic!("it is an item") };
        assert_eq!(item.content, Some(vec![Content::Other { value: json!({"omittedBytes": 13 << 20}) }]));
    }
}
