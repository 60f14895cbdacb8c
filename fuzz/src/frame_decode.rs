//! The fast path and the general parser are two readings of one grammar; whatever bytes come, they must agree.

use serde::de::IgnoredAny;
use sixframe_core::frame::{self, Frame, Malformed, Nxt, Req};

/// Decodes `data` in every way there is and compares. A leading `#` and a byte choose the depth that is allowed.
pub fn frame_decode(data: &[u8]) {
    let (depth, message) = match data {
        [b'#', depth, rest @ ..] => (u32::from(*depth), rest),
        whole => (64, whole),
    };
    let decoded = frame::decode(message, depth);
    assert_eq!(decoded, frame::decode_general(message, depth), "the fast path reads it otherwise");
    let trusted = frame::decode_trusted(message, depth);
    match &decoded {
        Ok(frame) => {
            check_payloads(frame);
            if payload_is_last(frame, message) {
                assert_eq!(&trusted, &decoded, "trust changes the reading");
            }
        }
        Err(malformed) => check_peek(malformed),
    }
    check_lazy(message, depth, &decoded);
    check_prefixes(message, decoded.as_ref().ok());
}

/// A payload that is left for later may turn out to be broken, or to end earlier; nothing else may.
fn check_lazy(message: &[u8], depth: u32, decoded: &Result<Frame<'_>, Malformed>) {
    match (frame::decode_lazily(message, depth), decoded) {
        (Ok((lazy, true)), Ok(frame)) => assert_eq!(&lazy, frame, "what was checked differs"),
        (Ok((lazy, false)), Ok(frame)) => {
            let [left, read] = [texts(&lazy)[0], texts(frame)[0]].map(Option::unwrap_or_default);
            assert!(left.trim_ascii_start().starts_with(read), "{left:?} does not begin with {read:?}");
            assert_eq!(bare(lazy), bare(frame.clone()), "a field of the engine differs");
        }
        (Ok((lazy, checked)), Err(malformed)) => {
            assert!(!checked, "{malformed:?} passed a full check");
            assert_eq!(malformed.cid.as_deref().or(cid(&lazy)), cid(&lazy), "the call differs");
        }
        (Err(lazy), decoded) => assert_eq!(Err(lazy), *decoded),
    }
}

/// The frame without its payload.
fn bare(frame: Frame<'_>) -> Frame<'_> {
    match frame {
        Frame::Req(req) => Frame::Req(Req { payload: None, ..req }),
        Frame::Res { cid, .. } => Frame::Res { cid, result: "" },
        Frame::Nxt(nxt) => Frame::Nxt(Nxt { data: None, ..nxt }),
        other @ (Frame::Err { .. } | Frame::End { .. } | Frame::Can { .. } | Frame::Unknown) => other,
    }
}

fn texts<'a>(frame: &Frame<'a>) -> [Option<&'a str>; 2] {
    match frame {
        Frame::Req(req) => [req.payload, req.meta.raw],
        Frame::Res { result, .. } => [Some(*result), None],
        Frame::Nxt(nxt) => [nxt.data, None],
        Frame::Err { .. } | Frame::End { .. } | Frame::Can { .. } | Frame::Unknown => [None, None],
    }
}

fn check_payloads(frame: &Frame<'_>) {
    for text in texts(frame).into_iter().flatten() {
        serde_json::from_str::<IgnoredAny>(text).expect("a payload is JSON");
    }
}

/// Whether the payload stands between a colon and the closing brace, or there is none.
fn payload_is_last(frame: &Frame<'_>, message: &[u8]) -> bool {
    let Some(payload) = texts(frame)[0] else { return true };
    let offset = (payload.as_ptr() as usize).wrapping_sub(message.as_ptr() as usize);
    offset >= message.len() || message[offset - 1] == b':' && offset + payload.len() + 1 == message.len()
}

fn check_peek(malformed: &Malformed) {
    assert!(malformed.cid.as_ref().is_none_or(|cid| cid.len() <= frame::MAX_CID_BYTES));
}

/// What the beginning of a frame says is what the whole says.
fn check_prefixes(message: &[u8], whole: Option<&Frame<'_>>) {
    let step = message.len() / 64 + 1;
    for cut in (0..=message.len()).step_by(step) {
        let peeked = frame::peek_oversized(&message[..cut]);
        check_peek(&peeked);
        let (Some(read), Some(cid)) = (peeked.cid, whole.and_then(cid)) else { continue };
        assert_eq!(read, cid, "the beginning names another call");
    }
}

fn cid<'a>(frame: &'a Frame<'_>) -> Option<&'a str> {
    match frame {
        Frame::Req(req) => Some(&req.cid),
        Frame::Nxt(nxt) => Some(&nxt.cid),
        Frame::Res { cid, .. } | Frame::Err { cid, .. } | Frame::End { cid, .. } | Frame::Can { cid, .. } => Some(cid),
        Frame::Unknown => None,
    }
}
