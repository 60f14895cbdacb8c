//! Calls that are issued once more: over the next connection, or over one whose far side broke (spec: `resume.3`).

use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use super::{Call, Session, Stage};
use crate::error::Closed;
use crate::frame::Resume;
use crate::session::slots::Key;
use crate::session::{CallKey, CallSpec, Millis, Outcome, Phase};

/// What is needed to issue a call once more.
#[derive(Debug)]
pub(super) struct Again {
    method: SmolStr,
    payload: Bytes,
    lane: Option<SmolStr>,
    op: Option<SmolStr>,
    extra_meta: String,
    pub(super) resumable: bool,
    pub(super) tries: u32,
}

impl<W, H> Session<W, H> {
    pub(in crate::session) fn reissue_due(&mut self, now: Millis, key: CallKey) {
        if self.phase != Phase::Open {
            return;
        }
        if let Some(call) = self.calls.get_mut(key.0).filter(|call| matches!(call.stage, Stage::Detached)) {
            call.round = call.round.wrapping_add(1);
        }
        self.reissue(now, key);
    }

    pub(in crate::session) fn reissue_all(&mut self, now: Millis) {
        let keys: Vec<Key> = self.calls.keys().collect();
        keys.into_iter().for_each(|key| self.reissue(now, CallKey(key)));
    }

    fn reissue(&mut self, now: Millis, key: CallKey) {
        let Some(call) = self.calls.get_mut(key.0).filter(|call| matches!(call.stage, Stage::Detached)) else { return };
        let Some(again) = call.again.take() else { return };
        let cursor = call.down.as_mut().and_then(|down| {
            down.consumer.restart();
            Some((down.consumer.epoch.clone()?, down.consumer.pos?))
        });
        let spec = CallSpec {
            method: &again.method,
            payload: &again.payload,
            lane: again.lane.as_deref(),
            op: again.op.as_deref(),
            extra_meta: &again.extra_meta,
            ..CallSpec::default()
        };
        let resume = cursor.as_ref().map(|(epoch, after)| Resume { epoch: epoch.as_str().into(), after: *after });
        self.issue(now, key, &spec, resume);
        if let Some(call) = self.calls.get_mut(key.0) {
            call.again = Some(again);
        }
    }

    /// The connection broke: what cannot go on over the next one is settled.
    pub(in crate::session) fn break_calls(&mut self, now: Millis, closed: &Arc<Closed>, again: bool) {
        let keys: Vec<Key> = self.calls.keys().collect();
        for key in keys.into_iter().map(CallKey) {
            let Some(call) = self.calls.get_mut(key.0).filter(|call| call.is_live()) else { continue };
            let unsent = call.req.take().is_some();
            call.in_ring = false;
            call.up.iter_mut().for_each(|up| up.producer.clear());
            let waits = matches!(call.stage, Stage::Detached) || unsent || call.can_resume();
            if again && waits {
                call.stage = Stage::Detached;
                continue;
            }
            let error = call.broken(unsent || matches!(call.stage, Stage::Detached), closed.clone());
            self.settle(key, Outcome::Failed(error));
        }
        self.after_change(now);
    }
}

impl Again {
    pub(super) fn new(spec: &CallSpec<'_>) -> Again {
        Again {
            method: spec.method.into(),
            payload: Bytes::copy_from_slice(spec.payload),
            lane: spec.lane.map(SmolStr::new),
            op: spec.op.map(SmolStr::new),
            extra_meta: spec.extra_meta.to_owned(),
            resumable: spec.resumable,
            tries: 0,
        }
    }

    /// What it costs to keep a call that waits for a connection.
    pub(super) fn bytes(&self) -> usize {
        self.payload.len() + self.extra_meta.len() + size_of::<Call<()>>() + size_of::<Again>()
    }
}
