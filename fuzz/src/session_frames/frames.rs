//! The frames that the peer sends: well formed ones for what it knows of, and whatever the bytes say.

use std::fmt::Write as _;

use bytes::Bytes;
use sixframe_core::frame::{self, Frame, Kind};

use super::{MESSAGE_BYTES, World};
use crate::input::Input;

const CIDS: [&str; 4] = ["a", "b", "c", "\u{e9}"];
const DATA: [&str; 4] =
    ["null", "7", "{\"a\":[1,2]}", "\"0123456789012345678901234567890123456789012345678901234567890123456789\""];
const NUMBERS: [u64; 8] = [0, 1, 2, 3, 8, 40, 1 << 32, (1 << 53) - 1];

impl World {
    pub(super) fn peer_asks(&mut self, input: &mut Input<'_>) {
        let (cid, options) = (self.any_cid(input), input.byte());
        let mut text = format!("{{\"kind\":\"req\",\"cid\":\"{cid}\",\"method\":\"m\",\"meta\":{{\"x\":1");
        if options & 1 != 0 {
            let lag = input.pick(&[
                "",
                ",\"onLag\":\"block\"",
                ",\"onLag\":\"latest\"",
                ",\"onLag\":\"dropOldest\"",
                ",\"onLag\":\"close\"",
            ]);
            let bytes = input.pick(&["", ",\"bytes\":1", ",\"bytes\":30"]);
            _ = write!(text, ",\"fc\":{{\"upto\":{}{lag}{bytes}}}", input.pick(&NUMBERS[1..]));
        }
        if options & 2 != 0 {
            text.push_str(",\"up\":{}");
        }
        if options & 4 != 0 {
            _ = write!(text, ",\"lane\":\"{}\"", input.pick(&["x", "y"]));
        }
        if options & 8 != 0 {
            _ = write!(text, ",\"timeoutMs\":{}", input.pick(&NUMBERS));
        }
        if options & 16 != 0 {
            _ = write!(text, ",\"idleMs\":{}", input.pick(&NUMBERS));
        }
        if options & 32 != 0 {
            text.push_str(",\"resume\":{\"epoch\":\"e\",\"after\":3}");
        }
        _ = write!(text, "}},\"payload\":\"{}\"}}", "p".repeat(if options & 64 != 0 { 1500 } else { 10 }));
        self.say(text.into());
    }

    pub(super) fn peer_goes_on(&mut self, input: &mut Input<'_>) {
        let cid = self.any_cid(input);
        let text = match input.below(4) {
            0 => format!("{{\"kind\":\"can\",\"cid\":\"{cid}\"}}"),
            1 => format!("{{\"kind\":\"end\",\"cid\":\"{cid}\",\"dir\":\"up\"}}"),
            2 => {
                let upto = input.pick(&NUMBERS);
                let ack = input.pick(&["", ",\"ack\":2", ",\"ack\":9007199254740991"]);
                format!("{{\"kind\":\"nxt\",\"cid\":\"{cid}\",\"dir\":\"up\",\"fc\":{{\"upto\":{upto}{ack}}}}}")
            }
            _ => {
                let (seq, data) = (input.below(6), input.pick(&DATA));
                format!("{{\"kind\":\"nxt\",\"cid\":\"{cid}\",\"dir\":\"up\",\"seq\":{seq},\"data\":{data}}}")
            }
        };
        self.say(text.into());
    }

    pub(super) fn peer_answers(&mut self, input: &mut Input<'_>) {
        let cid = self.called_cid(input);
        let text = match input.below(6) {
            0 => format!("{{\"kind\":\"res\",\"cid\":\"{cid}\",\"ok\":true,\"result\":{}}}", input.pick(&DATA)),
            1 => {
                let code = input.pick(&["INTERNAL", "CONNECTION_CLOSED"]);
                format!("{{\"kind\":\"err\",\"cid\":\"{cid}\",\"ok\":false,\"message\":\"\",\"code\":\"{code}\"}}")
            }
            2 => format!("{{\"kind\":\"end\",\"cid\":\"{cid}\"}}"),
            3 => format!("{{\"kind\":\"nxt\",\"cid\":\"{cid}\",\"fc\":{{\"upto\":{}}}}}", input.pick(&NUMBERS)),
            _ => self.item(input, &cid),
        };
        self.say(text.into());
    }

    fn item(&mut self, input: &mut Input<'_>, cid: &str) -> String {
        let (options, next) = (input.byte(), self.peer.calls.get(cid).map_or(1, |called| called.next));
        let mut text = format!("{{\"kind\":\"nxt\",\"cid\":\"{cid}\"");
        match options & 3 {
            0 | 1 => _ = write!(text, ",\"seq\":{next}"),
            2 => _ = write!(text, ",\"seq\":{}", input.pick(&NUMBERS)),
            _ => {}
        }
        if options & 4 != 0 {
            _ = write!(text, ",\"pos\":{},\"epoch\":\"{}\"", input.pick(&NUMBERS), input.pick(&["e", "f"]));
        }
        if options & 8 != 0 {
            _ = write!(text, ",\"skipped\":{}", input.pick(&NUMBERS));
        }
        if options & 16 != 0 {
            text.push_str(",\"reset\":true");
        }
        if options & 32 == 0 {
            text.push_str(",\"fc\":1");
        }
        _ = write!(text, ",\"data\":{}}}", input.pick(&DATA));
        text
    }

    /// The same item many times, each with the number that is its turn.
    pub(super) fn peer_floods(&mut self, input: &mut Input<'_>) {
        let (cid, options, count) = (self.called_cid(input), [input.byte(); 4], input.short() % 400);
        let count = if self.received < 1000 { count } else { 0 };
        for _ in 0..count {
            let text = self.item(&mut Input::new(&options), &cid);
            self.say(text.into());
        }
    }

    pub(super) fn peer_babbles(&mut self, input: &mut Input<'_>) {
        let count = input.byte();
        self.say(Bytes::copy_from_slice(input.bytes(count.into())));
    }

    pub(super) fn peer_is_oversized(&mut self, input: &mut Input<'_>) {
        let (kind, up) =
            (input.pick(&["req", "res", "nxt", "end", "can", "err"]), input.pick(&["", ",\"dir\":\"up\""]));
        let cid = if input.flag() { self.any_cid(input) } else { self.called_cid(input) };
        let head = format!("{{\"kind\":\"{kind}\",\"cid\":\"{cid}\"{up},\"data\":\"xxxxxx");
        if self.is_open() {
            let malformed = frame::peek_oversized(head.as_bytes());
            self.say_malformed(&malformed);
        }
    }

    /// Hands one message to the session as a driver would.
    pub(super) fn say(&mut self, message: Bytes) {
        if !self.is_open() {
            return;
        }
        if message.len() > MESSAGE_BYTES {
            return self.say_malformed(&frame::peek_oversized(&message));
        }
        match frame::decode(&message, self.limits.depth) {
            Ok(decoded) => {
                let before = self.session.table_sizes().1;
                self.received += 1;
                self.session.receive(self.now, &message, &decoded);
                match &decoded {
                    Frame::Req(req) => {
                        let change = self.session.table_sizes().1 as isize - before as isize;
                        self.peer.sent_request(&req.cid, req.meta.fc.map(|offer| offer.upto), change);
                    }
                    other => self.peer.sent(other),
                }
            }
            Err(malformed) => self.say_malformed(&malformed),
        }
    }

    fn say_malformed(&mut self, malformed: &frame::Malformed) {
        let before = self.session.table_sizes().1;
        self.malformed += 1;
        self.session.receive_malformed(self.now, malformed);
        if let (Some(Kind::Req), Some(cid)) = (malformed.kind, &malformed.cid) {
            let change = self.session.table_sizes().1 as isize - before as isize;
            self.peer.sent_request(cid, None, change);
        }
    }

    /// One of the peer's own ids, or one that the session made.
    fn any_cid(&self, input: &mut Input<'_>) -> String {
        match input.below(6) {
            5 => self.called_cid(input),
            index => CIDS[index.min(3)].to_owned(),
        }
    }

    fn called_cid(&self, input: &mut Input<'_>) -> String {
        let index = input.below(8);
        let newest = self.peer.order.iter().rev().nth(index);
        newest.cloned().unwrap_or_else(|| "unknown".to_owned())
    }
}
