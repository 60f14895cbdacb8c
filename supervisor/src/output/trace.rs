//! A child's lines in our own log: a subscriber like any other.

use super::{KeptOutput, Line, Stream};
use crate::output::From;

/// Logs every line of `output` until it ends.
pub(crate) async fn trace(child: String, stream: Stream, output: KeptOutput) {
    let mut lines = output.subscribe(From::Start).lines();
    let stream = match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    while let Some(line) = lines.next().await {
        match line {
            Line::Text { text, rest, .. } => {
                let missing = if rest { "…" } else { "" };
                tracing::info!(target: "sixframe_supervisor::output", child, stream, "{missing}{text}");
            }
            Line::Gap { from, to } => {
                tracing::warn!(target: "sixframe_supervisor::output", child, stream, from, to, "output was lost");
            }
        }
        // A flood would else have this thread for as long as it lasts.
        tokio::task::coop::consume_budget().await;
    }
}
