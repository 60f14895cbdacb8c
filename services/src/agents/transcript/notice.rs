//! What of an event is told beside what an agent says, in words.

use super::super::event::{Event, ProcessEvent, SessionUpdate, Subject, TurnOrigin, TurnStarted};
use super::super::problem::Problem;
use super::heads;

/// What the event says for people; none where it says nothing of its own.
pub(super) fn notice(event: &Event) -> Option<String> {
    match event.subject() {
        Subject::Session | Subject::Turn | Subject::Files | Subject::Agent => (),
        Subject::Prompt | Subject::Item | Subject::Asking | Subject::Run | Subject::Usage => {
            return None;
        }
    }
    match event {
        Event::LogRecovered(recovered) => Some(format!(
            "The end of the log was torn: {} bytes behind the last whole event were taken away.",
            recovered.bytes
        )),
        Event::SessionUpdated(update) => updated(update),
        Event::SessionClosed(_) => Some("The session was closed.".to_owned()),
        Event::FilesContended(contended) => {
            Some(format!("Somebody else changed what the turn was changing: {}", contended.paths.join(", ")))
        }
        Event::TurnUndone(undone) => {
            let paths: Vec<&str> = undone.files.iter().map(|file| file.path.as_str()).collect();
            Some(format!("What the turn {} had changed was taken back: {}", undone.turn_id, paths.join(", ")))
        }
        Event::RetryScheduled(retry) => Some(format!(
            "The agent asked its service again in {} ms (attempt {}): {}",
            retry.delay_ms,
            retry.attempt,
            problem(&retry.error)
        )),
        Event::ProcessEvent(ProcessEvent::Exited { exit_code, signal, .. }) => match (exit_code, signal) {
            (_, Some(signal)) => Some(format!("The agent's program was ended by the signal {signal}.")),
            (Some(0) | None, None) => None,
            (Some(code), None) => Some(format!("The agent's program ended with the exit code {code}.")),
        },
        Event::Error(error) => Some(problem(error)),
        Event::Unparsed(unparsed) => Some(format!(
            "The agent said {} bytes that cannot be read ({}): {}",
            unparsed.bytes, unparsed.error, unparsed.preview
        )),
        Event::TurnStarted(TurnStarted { origin: TurnOrigin::Agent, reason, .. }) => Some(match reason {
            Some(reason) => format!("The agent began this turn by itself: {reason}"),
            None => "The agent began this turn by itself.".to_owned(),
        }),
        // The rest is told where it belongs, or to nobody.
        _ => None,
    }
}

/// What went wrong, with what can be done about it.
pub(super) fn problem(problem: &Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{} ({hint})", problem.message),
        None => problem.message.clone(),
    }
}

fn updated(update: &SessionUpdate) -> Option<String> {
    let mode = update.mode.and_then(|mode| serde_json::to_value(mode).ok());
    let mode = mode.as_ref().and_then(|mode| mode.as_str());
    let news = [
        update.provider.as_deref().map(|provider| format!("The agent is {provider} from here on.")),
        mode.map(|mode| format!("The mode is {mode} from here on.")),
    ];
    let news: Vec<String> = news.into_iter().flatten().collect();
    (!news.is_empty()).then(|| news.join(" "))
}

/// What is said of a prompt that was never worked on.
pub(super) fn taken_back(content: &[super::super::item::Content]) -> String {
    format!("A prompt was taken back: {}", heads::text(content))
}
