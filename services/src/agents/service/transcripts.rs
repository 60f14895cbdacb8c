//! `transcript.*`: what sessions were. Reads logs and files on threads of its own.

mod answer;

use std::path::{Path, PathBuf};

use serde_json::json;
use sixframe_core::{Code, Context, Fault, Router, Scope};
use tokio::task::spawn_blocking;

use super::super::api::{
    EXPORT_TRANSCRIPT, GET_TRANSCRIPT, LIST_TRANSCRIPTS, SEARCH_TRANSCRIPTS, TranscriptExportParams, TranscriptFiles,
    TranscriptFormat, TranscriptGetParams, TranscriptHits, TranscriptSearchParams, TranscriptText,
};
use super::super::sessions::Agents;
use super::super::transcript::{Archive, Folder, Found};
use super::no_session;
use answer::{ANSWER, part};

/// The methods `transcript.*`.
pub(super) fn router(agents: &Agents) -> Router {
    let each = || agents.clone();
    let (list, get, export, search) = (each(), each(), each(), each());
    Router::new()
        .method(LIST_TRANSCRIPTS, move |_, params| {
            let archive = list.archive().clone();
            off_the_loop(move || archive.list(&params).map_err(unreadable))
        })
        .method(GET_TRANSCRIPT, move |_, params| {
            let agents = get.clone();
            off_the_loop(move || read(&agents, params))
        })
        .method(EXPORT_TRANSCRIPT, move |context, params| {
            let agents = export.clone();
            off_the_loop(move || write(&agents, &context, &params))
        })
        .method(SEARCH_TRANSCRIPTS, move |_, params| {
            let archive = search.archive().clone();
            off_the_loop(move || look(&archive, &params))
        })
}

async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Fault::new(Code::INTERNAL, format!("reading the logs failed: {error}"))))
}

fn unreadable(error: std::io::Error) -> Fault {
    Fault::new(Code::INTERNAL, format!("the logs cannot be read: {error}"))
}

/// The log of a session, as far as it is written.
fn found(agents: &Agents, id: &str) -> Result<Found, Fault> {
    let found = agents.archive().found(id).ok_or_else(|| no_session(id))?;
    // Of one that is being written, the last line may not be whole yet.
    let length = agents.log(id).map_or(found.length, |(log, _)| log.bytes());
    Ok(Found { length, ..found })
}

fn read(agents: &Agents, params: TranscriptGetParams) -> Result<TranscriptText, Fault> {
    let TranscriptGetParams { session_id, format, from_turn } = params;
    let found = found(agents, &session_id)?;
    let transcript = agents.archive().transcript(&found).map_err(unreadable)?.ok_or_else(|| no_session(&session_id))?;
    let mut answer = TranscriptText { session_id, format, text: None, transcript: None, next_turn: None };
    match format {
        TranscriptFormat::Md => answer.text = Some(short(transcript.markdown())?),
        TranscriptFormat::Org => answer.text = Some(short(transcript.org())?),
        TranscriptFormat::Json => {
            let (part, next) = part(transcript, from_turn)?;
            (answer.transcript, answer.next_turn) = (Some(part), next);
        }
    }
    Ok(answer)
}

fn short(text: String) -> Result<String, Fault> {
    if text.len() > ANSWER {
        return Err(long());
    }
    Ok(text)
}

fn long() -> Fault {
    let message = format!("the transcript has more than {ANSWER} bytes; transcript.export writes it to a file");
    Fault::new(Code::RESOURCE_EXHAUSTED, message)
}

fn write(agents: &Agents, context: &Context, params: &TranscriptExportParams) -> Result<TranscriptFiles, Fault> {
    let found = found(agents, &params.session_id)?;
    let formats = if params.formats.is_empty() { &TranscriptFormat::ALL[..] } else { &params.formats };
    let own = params.dir.as_deref().map(|dir| own_folder(agents, context, dir)).transpose()?;
    let folder = match (&own, agents.archive().dir()) {
        (Some(own), _) => Folder::Exactly(own),
        (None, Some(dir)) => Folder::Below(dir),
        (None, None) => {
            let message = "there is no folder for transcripts; name one with dir, or set agent.transcripts";
            return Err(Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "dir"})));
        }
    };
    let written = agents.archive().export(&found, formats, folder);
    let paths =
        written.map_err(|error| Fault::new(Code::INTERNAL, format!("the transcript is not written: {error}")))?;
    Ok(TranscriptFiles { paths: paths.iter().map(|path| path.to_string_lossy().into_owned()).collect() })
}

/// A folder that a caller names. An agent could write with it where its own sandbox keeps it from writing.
fn own_folder(agents: &Agents, context: &Context, dir: &str) -> Result<PathBuf, Fault> {
    if !context.identity().scopes.contains(Scope::Approve) {
        let message = "writing to a folder of one's own needs the scope approve; leave dir out";
        return Err(Fault::new(Code::FORBIDDEN, message).details(json!({"scope": "approve"})));
    }
    if !Path::new(dir).is_absolute() {
        let message = "dir is an absolute path";
        return Err(Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "dir"})));
    }
    Ok(agents.folder(dir)?)
}

fn look(archive: &Archive, params: &TranscriptSearchParams) -> Result<TranscriptHits, Fault> {
    let nothing = || {
        let message = "a query has at least one word, and at most 1024 bytes";
        Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "query"}))
    };
    archive.search(params).ok_or_else(nothing)
}
