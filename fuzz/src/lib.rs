//! What the fuzz targets run: each takes the fuzzer's bytes, drives the engine by them and panics when an invariant does not
//! hold. They are plain functions, so that `tests/seeds.rs` runs the committed inputs without a fuzzer.

mod frame_decode;
mod framing;
mod input;
mod payload_read;
mod session_frames;
mod session_pair;

pub use frame_decode::frame_decode;
pub use framing::framing;
pub use payload_read::payload_read;
pub use session_frames::session_frames;
pub use session_pair::session_pair;
