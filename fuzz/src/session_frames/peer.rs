//! What a peer may conclude from the frames that a session sends: the model that they are held against.

use std::collections::{HashMap, VecDeque};

use sixframe_core::frame::{self, Credit, Frame, Grant, Nxt};
use sixframe_core::{Item, Message, Payload};

#[derive(Default)]
pub(super) struct Peer {
    /// Calls of the session, by their `cid`.
    pub(super) calls: HashMap<String, Called>,
    /// Their `cid`s in order of arrival.
    pub(super) order: Vec<String>,
    /// What this peer asked, by `cid`: the oldest whose terminal frame is outstanding comes first.
    asked: HashMap<String, VecDeque<Asked>>,
}

/// A call of the session, as its responder sees it.
#[derive(Default)]
pub(super) struct Called {
    /// The number that its next item would have.
    pub(super) next: u64,
    /// Whether an item said that this peer obeys credit.
    obeys: bool,
    upto: u64,
    acked: Option<u64>,
    granted: u64,
    sent: u64,
    half_closed: bool,
    cancelled: bool,
    up: bool,
}

/// A request of this peer, as its caller sees it.
#[derive(Default)]
struct Asked {
    /// The credit given; `None` where none was offered.
    upto: Option<u64>,
    sent: u64,
    refused: bool,
}

impl Peer {
    /// The connection ended, and its ids with it.
    pub(super) fn forget(&mut self) {
        *self = Peer::default();
    }

    pub(super) fn outstanding(&self) -> usize {
        self.asked.values().map(VecDeque::len).sum()
    }

    pub(super) fn asked_cids(&self) -> Vec<String> {
        self.asked.keys().cloned().collect()
    }

    /// A request was sent. `change` is by how many the session's table grew.
    pub(super) fn sent_request(&mut self, cid: &str, upto: Option<u64>, change: isize) {
        let asked = self.asked.entry(cid.to_owned()).or_default();
        match change {
            1 => asked.push_back(Asked { upto, ..Asked::default() }),
            0 => asked.push_back(Asked { refused: true, ..Asked::default() }),
            -1 => assert!(!asked.is_empty(), "only a live request is ended by another of its cid"),
            other => panic!("one frame changed the table of requests by {other}"),
        }
    }

    /// A frame for one of this peer's requests, or for a call of the session, was sent.
    pub(super) fn sent(&mut self, frame: &Frame<'_>) {
        let Frame::Nxt(nxt) = frame else { return };
        let upto = match nxt.fc {
            Credit::Grant(grant) => Some(grant.upto),
            Credit::Silent | Credit::Obeys => None,
        };
        if nxt.up {
            let asked = self.asked.get_mut(nxt.cid.as_ref()).and_then(VecDeque::back_mut);
            if let (Some(Asked { upto: Some(limit), .. }), Some(upto)) = (asked, upto) {
                *limit = (*limit).max(upto);
            }
        } else if let Some(called) = self.calls.get_mut(nxt.cid.as_ref()) {
            called.granted = called.granted.max(upto.unwrap_or(0));
            called.obeys |= nxt.fc == Credit::Obeys;
            if nxt.data.is_some() {
                called.next = called.next.max(nxt.seq.unwrap_or(called.next)) + 1;
            }
        }
    }

    /// Takes in what the session sent; returns how many bytes it had queued for that.
    pub(super) fn receive(&mut self, message: &Message) -> usize {
        let decoded = frame::decode(message, 64).expect("what a session sends is a frame");
        assert_eq!(Ok(&decoded), frame::decode_general(message, 64).as_ref());
        assert_eq!(Ok(&decoded), frame::decode_trusted(message, 64).as_ref());
        match &decoded {
            Frame::Req(req) if req.method == "rpc.ping" => message.len(),
            Frame::Req(req) => {
                let called = Called {
                    next: 1,
                    upto: req.meta.fc.map_or(0, |offer| offer.upto),
                    up: req.meta.up,
                    ..Called::default()
                };
                let before = self.calls.insert(req.cid.to_string(), called);
                assert!(before.is_none(), "the cid {} is used again", req.cid);
                self.order.push(req.cid.to_string());
                message.len()
            }
            Frame::Can { cid, .. } => {
                let called = self.live_call(cid);
                called.cancelled = true;
                message.len()
            }
            Frame::Nxt(nxt) if nxt.up => self.receive_up(nxt, message),
            Frame::End { cid, up: true } => {
                let called = self.live_call(cid);
                assert!(called.up && !called.half_closed, "a direction is half closed twice");
                called.half_closed = true;
                0
            }
            Frame::Nxt(nxt) => self.receive_down(nxt, message),
            Frame::Res { cid, .. } | Frame::Err { cid, .. } | Frame::End { cid, up: false } => {
                self.receive_terminal(cid);
                message.len()
            }
            Frame::Unknown => panic!("a session sends the six kinds"),
        }
    }

    fn receive_up(&mut self, nxt: &Nxt<'_>, message: &Message) -> usize {
        let called = self.live_call(&nxt.cid);
        if let Credit::Grant(Grant { upto, ack, bytes }) = nxt.fc {
            assert!(called.obeys, "a grant for a producer that did not say fc:1");
            assert!(upto > called.upto || ack > called.acked, "a grant that grants nothing");
            assert!(
                upto >= called.upto && ack >= called.acked && ack.is_some_and(|ack| ack < upto),
                "credit is taken back"
            );
            assert_eq!(bytes, None, "the bytes of a stream are offered with its request");
            (called.upto, called.acked) = (upto, ack);
            return message.len();
        }
        assert!(called.up && !called.half_closed, "an item behind the end");
        called.sent += 1;
        assert_eq!(nxt.seq, Some(called.sent), "upstream items are numbered without holes");
        assert!(called.sent <= called.granted, "an upstream item beyond the credit");
        nxt.data.map_or(0, str::len) + size_of::<Item<Payload>>()
    }

    fn receive_down(&mut self, nxt: &Nxt<'_>, message: &Message) -> usize {
        let asked = self.asked.get_mut(nxt.cid.as_ref()).and_then(VecDeque::front_mut);
        let asked = asked.unwrap_or_else(|| panic!("an item for {} behind its terminal frame", nxt.cid));
        assert!(!asked.refused, "an item for a request that was refused");
        if matches!(nxt.fc, Credit::Grant(_)) && nxt.data.is_none() {
            return message.len();
        }
        asked.sent += 1;
        assert_eq!(nxt.seq, Some(asked.sent), "items are numbered without holes");
        assert!(asked.upto.is_none_or(|upto| asked.sent <= upto), "an item beyond the credit");
        assert_eq!(nxt.fc == Credit::Obeys, asked.sent == 1 && asked.upto.is_some(), "the first item says fc:1");
        nxt.data.map_or(0, str::len) + size_of::<Item<Payload>>()
    }

    fn receive_terminal(&mut self, cid: &str) {
        let asked = self.asked.get_mut(cid).and_then(VecDeque::pop_front);
        assert!(asked.is_some(), "a second terminal frame for {cid}");
        if self.asked[cid].is_empty() {
            self.asked.remove(cid);
        }
    }

    fn live_call(&mut self, cid: &str) -> &mut Called {
        let called = self.calls.get_mut(cid).unwrap_or_else(|| panic!("a frame for {cid}, which was never called"));
        assert!(!called.cancelled, "a frame for {cid} behind its can");
        called
    }
}
