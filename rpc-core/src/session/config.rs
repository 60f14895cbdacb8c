//! What a session is made with.

use std::sync::Arc;

use super::Budget;
use crate::Limits;

/// What a session is made with.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// The limits of the connection.
    pub limits: Limits,
    /// Items that a consumer offers at first; afterwards the window is sized by bytes. Default 32.
    pub window: u32,
    /// Bytes that a consumer aims to have under way; 0 keeps windows as they were first offered. Default 256 KiB.
    pub window_bytes: usize,
    /// Bytes of a stream's items that a producer may send ahead of what was acknowledged; half of what
    /// `limits.stream_bytes` leaves beside the longest message bounds it too. 0 sets no bound. Default 8 MiB.
    pub ahead_bytes: usize,
    /// Whether the driver reconnects: unsent calls wait, resumable streams are re-issued. Default false.
    pub reconnects: bool,
    /// What all connections that share it may hold together. Default `None`.
    pub budget: Option<Arc<Budget>>,
}

impl SessionConfig {
    pub(crate) fn is_same(&self, other: &SessionConfig) -> bool {
        let budget = |config: &SessionConfig| config.budget.as_ref().map(Arc::as_ptr);
        let plain =
            |config: &SessionConfig| (config.window, config.window_bytes, config.ahead_bytes, config.reconnects);
        plain(self) == plain(other) && self.limits == other.limits && budget(self) == budget(other)
    }

    /// The bytes that a consumer lets its producer send ahead, so that one more message always fits.
    pub(super) fn ahead(&self) -> usize {
        let limits = &self.limits;
        self.ahead_bytes.min((limits.stream_bytes.saturating_sub(limits.message_bytes) / 2).max(1))
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        SessionConfig {
            limits: Limits::default(),
            window: 32,
            window_bytes: 256 << 10,
            ahead_bytes: 8 << 20,
            reconnects: false,
            budget: None,
        }
    }
}
