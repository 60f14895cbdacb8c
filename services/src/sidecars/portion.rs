//! Much that is passed over, in portions: what is there at once would else hold a thread for as long as it lasts, and whoever
//! waits for two things would not be told of the other.

/// How much is passed over, in bytes, before others have their turn.
const MOST: usize = 64 << 10;

/// What looking at a line costs, however short it is, in bytes of text.
const EACH: usize = 64;

/// What was passed over since others had their turn.
#[derive(Default)]
pub(crate) struct Portion(usize);

impl Portion {
    /// A line of so many bytes was passed over. May be dropped at any time.
    pub(crate) async fn passed(&mut self, bytes: usize) {
        self.0 += EACH + bytes;
        if self.0 > MOST {
            self.0 = 0;
            tokio::task::yield_now().await;
        }
    }
}
