//! What holds work to whoever asked for it.

use sixframe_core::{Context, Owner};

/// Stops something when it is dropped, unless it was let go. Who has lost the connection has the grace to come back.
pub(super) struct Leash {
    held: Option<Held>,
}

struct Held {
    context: Context,
    owner: Owner,
    stop: Box<dyn FnOnce() + Send>,
}

impl Leash {
    pub(super) fn new(context: Context, stop: impl FnOnce() + Send + 'static) -> Leash {
        let owner = context.owner();
        Leash { held: Some(Held { context, owner, stop: Box::new(stop) }) }
    }

    pub(super) fn let_go(mut self) {
        self.held = None;
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        let Some(Held { context, owner, stop }) = self.held.take() else { return };
        match tokio::runtime::Handle::try_current() {
            // Who is lost may come back, and asks for the events then.
            Ok(runtime) if !context.is_connected() && !owner.has_ended() => drop(runtime.spawn(async move {
                owner.ended().await;
                stop();
            })),
            Ok(_) | Err(_) => stop(),
        }
    }
}
