//! A prompt that was asked before, as the session's log has it: all that it said, and what was sent beside it.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::json;
use sixframe_core::{Code, Fault};
use tokio::task::spawn_blocking;

use super::super::agent::Prompt;
use super::super::api::PromptParams;
use super::super::event::PromptQueued;
use super::super::identifier::identifier;
use super::super::live::Handle;
use super::super::prompt_builder::PromptContext;
use super::composing::Making;
use super::lost_log;

/// What of an envelope matters here.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    data: serde_json::Value,
    #[serde(default)]
    ext: Ext,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ext {
    context: Option<String>,
}

/// The prompt that these parameters ask for again.
pub(super) fn asked(session: &Handle, prompt_id: &str, params: &PromptParams) -> Result<Making, Fault> {
    let is_more = !params.content.is_empty()
        || params.current_file.is_some()
        || params.selection.is_some()
        || params.template.is_some();
    if is_more {
        let message = "what is asked again is asked as it was; leave out what else it would say";
        return Err(Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "again"})));
    }
    let (reading, before, id) = (session.reading(), prompt_id.to_owned(), identifier("prompt"));
    Ok(Making::by(id.clone(), async move {
        let asked = before.clone();
        let found = spawn_blocking(move || found(reading.path(), &asked, id)).await.map_err(io::Error::other).flatten();
        found.map_err(|error| lost_log(&error))?.ok_or_else(|| {
            let details = json!({"promptId": before});
            Fault::new(Code::NOT_FOUND, format!("the session was never asked {before}")).details(details)
        })
    }))
}

/// The prompt of this id, under another one.
fn found(log: &Path, prompt_id: &str, id: String) -> io::Result<Option<Prompt>> {
    let (mut queued, mut context) = (None, None);
    let mut reader = BufReader::new(File::open(log)?);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let told =
            memchr::memmem::find(&line, prompt_id.as_bytes()).and_then(|_| serde_json::from_slice::<Told>(&line).ok());
        line.clear();
        let Some(Told { kind, data, ext }) = told.filter(|told| told.data["promptId"] == prompt_id) else { continue };
        match kind.as_str() {
            // Whoever edited it has told it again.
            "prompt.queued" => queued = serde_json::from_value::<PromptQueued>(data).ok(),
            "prompt.started" | "prompt.steered" => context = ext.context,
            _ => (),
        }
    }
    Ok(queued.map(|PromptQueued { content, context: summary, .. }| {
        let context = summary.zip(context).map(|(summary, text)| PromptContext { text, summary });
        Prompt { context, ..Prompt::new(id, content) }
    }))
}
