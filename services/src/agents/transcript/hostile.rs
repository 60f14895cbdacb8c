//! Texts that try to be more than text, for tests of whatever writes texts down.

use proptest::prelude::*;

use super::super::item::{ChangeKind, FileChange, FileMode, Item, ItemKind, ItemStatus, ToolCall, ToolOutput};
use super::{Transcript, TranscriptInfo, TranscriptItem, TranscriptNotice, TranscriptTurn};

const PIECES: [&str; 64] = [
    "```",
    "````",
    "~~~",
    "`",
    "``",
    "# h",
    "## h",
    "#",
    "* h",
    "** h",
    "*",
    "\n",
    "\n",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    ":END:",
    ":PROPERTIES:",
    "#+end_src",
    "#+END_EXAMPLE",
    "#+begin_src sh",
    "#+TITLE: x",
    ",*",
    ",#+end_src",
    "  ",
    "    ",
    "\t",
    "<script>",
    "</div>",
    "<!--",
    "-->",
    "<",
    "![x](http://e/)",
    "](",
    "[a]: http://e",
    "[a]",
    "]:",
    "[[elisp:x]]",
    "---",
    "- ",
    "-",
    "===",
    "=",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{0}",
    "\\",
    "> ",
    "1. ",
    "+ ",
    "|",
    "| a | b |\n|---|---|\n",
    "`a | <b> | c`",
    "text",
    "한국어",
    "$$",
    "&lt;",
    "\u{c}",
    "# Local Variables:\n# eval: (x)\n# End:",
    "<2026-11-21 Sat>",
    "src_sh{x}",
    "{{{x}}}",
    "[fn:1] x",
];

pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![8 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A transcript in which every text is hostile.
pub(super) fn transcript() -> impl Strategy<Value = Transcript> {
    prop::collection::vec(text(), 12).prop_map(|texts| of_texts(&texts))
}

/// A transcript of twelve texts.
pub(super) fn of_texts(texts: &[String]) -> Transcript {
    let text = |at: usize| texts[at].clone();
    let item = |kind, at| TranscriptItem {
        item_id: text(11),
        seq: 1,
        at_ms: 1,
        item: Item::new(kind).status(ItemStatus::Failed).text(text(at)),
    };
    let tool = ToolCall {
        name: Some(text(3)),
        title: Some(text(4)),
        input: Some(serde_json::json!({"text": text(5)})),
        output: Some(ToolOutput::of_text(text(6))),
        changes: Some(vec![FileChange {
            new_mode: Some(FileMode::Link),
            link_to: Some(text(10)),
            ..FileChange::with_diff(text(7), ChangeKind::Modify, text(8))
        }]),
        ..ToolCall::default()
    };
    let mut call = item(ItemKind::ToolCall, 9);
    call.item = call.item.tool(tool);
    let turn = TranscriptTurn {
        turn_id: "turn_1".into(),
        prompt: text(0),
        items: vec![item(ItemKind::UserMessage, 0), item(ItemKind::AgentMessage, 1), item(ItemKind::Thought, 2), call],
        ..TranscriptTurn::default()
    };
    let notice =
        TranscriptNotice { seq: 1, at_ms: 0, turn_id: Some("turn_1".into()), kind: "error".into(), text: text(10) };
    let info = TranscriptInfo {
        session_id: "ses_1".into(),
        provider: text(11),
        cwd: format!("/{}", text(9)),
        model: Some(text(10)),
        title: Some(text(3)),
        ..TranscriptInfo::default()
    };
    let apart = TranscriptNotice { turn_id: None, ..notice.clone() };
    Transcript { info, turns: vec![turn], notices: vec![notice, apart], ..Transcript::default() }
}
