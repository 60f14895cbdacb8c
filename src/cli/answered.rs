//! What tools answer, out of events: that of the last one that was completed.

use std::collections::HashMap;

use sixframe_services::agents::{DeltaField, Envelope, Event, Item, ItemKind, ItemStatus};

/// What tools have answered so far. Of those that are completed, the last one's alone is kept.
#[derive(Debug, Default)]
pub(super) struct Answered {
    at_work: HashMap<String, Output>,
    last: Option<(String, Output)>,
}

#[derive(Debug, Default)]
struct Output {
    text: String,
    is_cut: bool,
}

impl Answered {
    /// Takes what an event tells of a tool.
    pub(super) fn take(&mut self, envelope: &Envelope) {
        let Some(id) = envelope.item_id.as_deref() else { return };
        match &envelope.event {
            Event::ItemUpserted(item) if item.kind == ItemKind::ToolCall && item.parent.is_none() => {
                self.told(id, item);
            }
            Event::ItemDelta(delta) if delta.field == DeltaField::ToolOutput => {
                let output = self.at_work.get_mut(id);
                output.into_iter().for_each(|output| output.text.push_str(&delta.delta));
            }
            _ => (),
        }
    }

    /// The text that the last one answered, and whether it is only the beginning of it.
    pub(super) fn last(&self) -> (&str, bool) {
        self.last.as_ref().map_or(("", false), |(_, output)| (&output.text, output.is_cut))
    }

    fn told(&mut self, id: &str, item: &Item) {
        let (mut output, was_last) = match self.last.take_if(|(last, _)| last == id) {
            Some((_, output)) => (output, true),
            None => (self.at_work.remove(id).unwrap_or_default(), false),
        };
        let told = item.tool.as_ref().and_then(|tool| tool.output.as_ref());
        if let Some((told, text)) = told.and_then(|told| Some((told, told.text.clone()?))) {
            output = Output { text, is_cut: told.truncated };
        }
        match item.status {
            Some(ItemStatus::Completed) => self.last = Some((id.to_owned(), output)),
            // What a later word leaves out stays as it was.
            None if was_last => self.last = Some((id.to_owned(), output)),
            Some(status) if status.is_final() => (),
            None | Some(_) => drop(self.at_work.insert(id.to_owned(), output)),
        }
    }
}
