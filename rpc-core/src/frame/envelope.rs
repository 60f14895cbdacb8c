//! Frames that are passed on: a checked frame, and where in its bytes a hop may write. Everything that the hop does not
//! write stays as it came, byte for byte. Knows nothing of who is addressed or why.

use std::borrow::Cow;
use std::ops::Range;

use super::encode::write_string;
use super::{Frame, Malformed, MalformedReason, fast, general, peek, scan};
use crate::Message;

/// A frame that was checked in full, with the places that a hop rewrites.
///
/// A frame of an unknown kind has no `cid` to write at; it is passed on as it came.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    message: &'a [u8],
    frame: Frame<'a>,
    places: Places,
}

/// What a trusted hop writes into the `meta` of requests (spec: `identity.1`, `relay.1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// `"senderId":"…"`
    sender_id: String,
    /// `"doc":"…"`
    doc: String,
    /// Stands in front of the name of a lane, escaped as the inside of a string.
    lane: String,
}

const SENDER_ID: &str = "senderId";
const DOC: &str = "doc";

impl Stamp {
    /// The stamp of the window `sender_id` in the generation `doc` of its document. Its lanes get its id and a slash in
    /// front, in which slashes and per cent signs of the id are written `%2F` and `%25`: two windows never share one.
    pub fn new(sender_id: &str, doc: &str) -> Stamp {
        let lane = json(&format!("{}/", sender_id.replace('%', "%25").replace('/', "%2F")));
        let field = |name, value| format!("\"{name}\":{}", json(value));
        let lane = lane[1..lane.len() - 1].to_owned();
        Stamp { sender_id: field(SENDER_ID, sender_id), doc: field(DOC, doc), lane }
    }
}

/// Where the values stand, quotes included.
#[derive(Clone, Debug, Default)]
struct Places {
    cid: Range<usize>,
    /// Where a field may be put that is not there: behind the method of a request.
    gap: usize,
    meta: Option<Range<usize>>,
}

/// Texts in the place of others, which are empty where a text is inserted.
type Edits<'a> = Vec<(Range<usize>, &'a str)>;

impl<'a> Envelope<'a> {
    /// Checks syntax, nesting and repeated keys of a whole message (spec: `relay.3`).
    ///
    /// # Errors
    /// As [`super::decode`].
    pub fn open(message: &'a [u8], depth: u32) -> Result<Envelope<'a>, Malformed> {
        Envelope::check(message, depth, fast::Check::All)
    }

    /// As [`Envelope::open`], for a peer that is known to be this engine: see [`super::decode_trusted`].
    ///
    /// # Errors
    /// As [`super::decode_trusted`].
    pub fn open_trusted(message: &'a [u8], depth: u32) -> Result<Envelope<'a>, Malformed> {
        Envelope::check(message, depth, fast::Check::Envelope)
    }

    /// What the message says.
    pub fn frame(&self) -> &Frame<'a> {
        &self.frame
    }

    /// The message under another `cid`.
    pub fn readdress(&self, cid: &str) -> Message {
        let cid = json(cid);
        self.write(vec![(self.places.cid.clone(), &cid)])
    }

    /// A request under another `cid`, stamped: whatever its sender claimed to be is overwritten. Other frames are only
    /// readdressed.
    pub fn stamp(&self, cid: &str, stamp: &Stamp) -> Message {
        if !matches!(self.frame, Frame::Req(_)) {
            return self.readdress(cid);
        }
        let cid = json(cid);
        let mut edits = Edits::with_capacity(6);
        edits.push((self.places.cid.clone(), &cid));
        match &self.places.meta {
            None => edits.extend(whole(self.places.gap..self.places.gap, ",\"meta\":{", stamp)),
            Some(meta) if self.message[meta.start] != b'{' => edits.extend(whole(meta.clone(), "{", stamp)),
            Some(meta) => self.stamp_meta(meta, stamp, &mut edits),
        }
        self.write(edits)
    }

    fn stamp_meta<'s>(&self, meta: &Range<usize>, stamp: &'s Stamp, edits: &mut Edits<'s>) {
        let (mut sender_id, mut doc, mut empty) = (false, false, true);
        members(self.message, meta.start, |key, value| {
            empty = false;
            match key {
                SENDER_ID => {
                    sender_id = true;
                    edits.push((value, &stamp.sender_id[SENDER_ID.len() + 3..]));
                }
                DOC => {
                    doc = true;
                    edits.push((value, &stamp.doc[DOC.len() + 3..]));
                }
                "lane" if self.message[value.start] == b'"' => {
                    edits.push((value.start + 1..value.start + 1, &stamp.lane));
                }
                _ => (),
            }
        });
        let missing = [(&stamp.sender_id, sender_id), (&stamp.doc, doc)].into_iter().filter(|(_, there)| !there);
        let at = meta.start + 1..meta.start + 1;
        for (nth, (field, _)) in missing.enumerate() {
            if nth > 0 {
                edits.push((at.clone(), ","));
            }
            edits.push((at.clone(), field));
        }
        if !(empty || sender_id && doc) {
            edits.push((at, ","));
        }
    }

    fn check(message: &'a [u8], depth: u32, check: fast::Check) -> Result<Envelope<'a>, Malformed> {
        let Ok(text) = simdutf8::basic::from_utf8(message) else {
            return Err(peek::malformed(message, MalformedReason::Utf8));
        };
        if let Some((frame, _)) = fast::decode(text, depth, check) {
            let places = canonical(message, &frame).unwrap_or_else(|| searched(message));
            return Ok(Envelope { message, frame, places });
        }
        let frame = general::decode(text, depth)?;
        let places = if matches!(frame, Frame::Unknown) { Places::default() } else { searched(message) };
        Ok(Envelope { message, frame, places })
    }

    /// The message with `edits`, which may stand in any order but must not overlap; texts for the same place are written
    /// in the order given.
    fn write(&self, mut edits: Edits<'_>) -> Message {
        if matches!(self.frame, Frame::Unknown) {
            return Message::copy_from_slice(self.message);
        }
        edits.sort_by_key(|(at, _)| at.end);
        let removed: usize = edits.iter().map(|(at, _)| at.len()).sum();
        let added: usize = edits.iter().map(|(_, text)| text.len()).sum();
        let mut out = Vec::with_capacity(self.message.len() - removed + added);
        let mut from = 0;
        for (at, text) in edits {
            out.extend_from_slice(&self.message[from..at.start]);
            out.extend_from_slice(text.as_bytes());
            from = at.end;
        }
        out.extend_from_slice(&self.message[from..]);
        out.into()
    }
}

/// A stamp alone as the whole of `meta`.
fn whole<'s>(at: Range<usize>, open: &'static str, stamp: &'s Stamp) -> [(Range<usize>, &'s str); 5] {
    let end = at.end..at.end;
    [(at, open), (end.clone(), &stamp.sender_id), (end.clone(), ","), (end.clone(), &stamp.doc), (end, "}")]
}

/// The places in a frame that the fast path read, which begins with its kind and its `cid`.
fn canonical(message: &[u8], frame: &Frame<'_>) -> Option<Places> {
    const CID: usize = "{\"kind\":\"req\",\"cid\":".len();
    let (cid, method, meta) = match frame {
        Frame::Req(req) => (&req.cid, req.method.len(), Some(&req.meta)),
        Frame::Res { cid, .. } | Frame::Err { cid, .. } | Frame::End { cid, .. } | Frame::Can { cid, .. } => {
            (cid, 0, None)
        }
        Frame::Nxt(nxt) => (&nxt.cid, 0, None),
        Frame::Unknown => return None,
    };
    let cid = CID..CID + cid.len() + 2;
    let Some(meta) = meta else { return Some(Places { cid, gap: 0, meta: None }) };
    let behind = message.get(cid.end..)?.strip_prefix(b",\"method\":\"")?;
    let gap = message.len() - behind.len() + method + 1;
    let Some(raw) = meta.raw else { return Some(Places { cid, gap, meta: None }) };
    let start = gap + ",\"meta\":".len();
    let there = message.get(gap..start)? == b",\"meta\":" && message.get(start..start + raw.len())? == raw.as_bytes();
    there.then(|| Places { cid, gap, meta: Some(start..start + raw.len()) })
}

/// The places in any frame, by a look at all its fields.
fn searched(message: &[u8]) -> Places {
    let mut places = Places::default();
    members(message, scan::space(message, 0), |key, value| match key {
        "cid" => places.cid = value,
        "method" => places.gap = value.end,
        "meta" => places.meta = Some(value),
        _ => (),
    });
    places
}

/// Shows the keys of the object that begins at `at`, escapes resolved, and where their values stand. Its syntax was checked
/// before; a walk that fails all the same ends early.
fn members(text: &[u8], at: usize, mut see: impl FnMut(&str, Range<usize>)) {
    let mut walk = || {
        let mut at = scan::space(text, at + 1);
        while scan::byte(text, at)? == b'"' {
            let key = at..scan::string(text, at)?;
            at = scan::space(text, scan::space(text, key.end) + 1);
            let value = at..scan::value(text, at, scan::MAX_DEPTH)?;
            at = scan::space(text, value.end);
            if let Some(key) = resolved(&text[key]) {
                see(&key, value);
            }
            if scan::byte(text, at)? == b',' {
                at = scan::space(text, at + 1);
            }
        }
        Ok::<_, scan::ScanError>(())
    };
    let walked = walk();
    debug_assert!(walked.is_ok(), "a checked object can be walked");
}

fn resolved(key: &[u8]) -> Option<Cow<'_, str>> {
    if key.contains(&b'\\') {
        return serde_json::from_slice(key).ok().map(Cow::Owned);
    }
    std::str::from_utf8(key.get(1..key.len() - 1)?).ok().map(Cow::Borrowed)
}

fn json(text: &str) -> String {
    let mut json = Vec::with_capacity(text.len() + 2);
    write_string(&mut json, text);
    String::from_utf8(json).expect("JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(frame: &str) -> String {
        let stamp = Stamp::new("3", "3.2");
        let envelope = Envelope::open(frame.as_bytes(), 64).expect("a frame");
        String::from_utf8(envelope.stamp("r0.1", &stamp).to_vec()).expect("UTF-8")
    }

    fn readdressed(frame: &str, cid: &str) -> String {
        let envelope = Envelope::open(frame.as_bytes(), 64).expect("a frame");
        String::from_utf8(envelope.readdress(cid).to_vec()).expect("UTF-8")
    }

    // proves: identity.1, relay.1, relay.2
    #[test]
    fn only_the_cid_and_what_is_stamped_changes() {
        for (frame, expected) in [
            (
                r#"{"kind":"req","cid":"a","method":"m"}"#,
                r#"{"kind":"req","cid":"r0.1","method":"m","meta":{"senderId":"3","doc":"3.2"}}"#,
            ),
            (
                r#"{"kind":"req","cid":"a","method":"m","meta":{},"payload":[1, 2]}"#,
                r#"{"kind":"req","cid":"r0.1","method":"m","meta":{"senderId":"3","doc":"3.2"},"payload":[1, 2]}"#,
            ),
            (
                r#"{"kind":"req","cid":"a","method":"m","meta":{"timeoutMs":5,"lane":"hub","x":1.0},"payload":1e2}"#,
                r#"{"kind":"req","cid":"r0.1","method":"m","meta":{"senderId":"3","doc":"3.2","timeoutMs":5,"lane":"3/hub","x":1.0},"payload":1e2}"#,
            ),
            (
                r#"{"kind":"req","cid":"a","method":"m","meta":{"doc":"9","x":null,"sender\u0049d":{"root":true}}}"#,
                r#"{"kind":"req","cid":"r0.1","method":"m","meta":{"doc":"3.2","x":null,"sender\u0049d":"3"}}"#,
            ),
            (
                r#"{"kind":"req","cid":"a","method":"m","meta":{"senderId":1,"lane":null}}"#,
                r#"{"kind":"req","cid":"r0.1","method":"m","meta":{"doc":"3.2","senderId":"3","lane":null}}"#,
            ),
            (
                " { \"payload\" : { \"cid\" : \"mine\" } , \"new\":[ ], \"m\\u0065ta\" : null,\n\"method\":\"m\",\"c\\u0069d\":\"\\u0061\",\"kind\":\"req\"}",
                " { \"payload\" : { \"cid\" : \"mine\" } , \"new\":[ ], \"m\\u0065ta\" : {\"senderId\":\"3\",\"doc\":\"3.2\"},\n\"method\":\"m\",\"c\\u0069d\":\"r0.1\",\"kind\":\"req\"}",
            ),
            (
                r#"{"meta":{"senderId":7 , "doc":8},"cid":"a","kind":"req","method":"m"}"#,
                r#"{"meta":{"senderId":"3" , "doc":"3.2"},"cid":"r0.1","kind":"req","method":"m"}"#,
            ),
            (
                r#"{"kind":"nxt","cid":"a","dir":"up","seq":1,"meta":{"senderId":"x"},"data":"é"}"#,
                r#"{"kind":"nxt","cid":"r0.1","dir":"up","seq":1,"meta":{"senderId":"x"},"data":"é"}"#,
            ),
        ] {
            assert_eq!(stamped(frame), expected, "{frame}");
        }
    }

    // proves: relay.2
    #[test]
    fn every_kind_is_readdressed_in_place() {
        for rest in [
            r#","ok":true,"result":{"a" : "\u00e9"},"later":[ 1.50 ]}"#,
            r#","ok":true,"result":null}"#,
            r#","ok":false,"message":"m","code":"C","domain":"d","details":{"cid":"x"},"z":0}"#,
            r#","method":"m","seq":1,"fc":1,"data":"\/"}"#,
            r#","fc":{"upto":3,"ack":1,"unknown":true}}"#,
            "}",
        ] {
            let kind = match rest {
                "}" => "can",
                rest if rest.contains("false") => "err",
                rest if rest.contains("fc") => "nxt",
                _ => "res",
            };
            let frame = |cid: &str| format!("{{\"kind\":\"{kind}\",\"cid\":{cid}{rest}");
            assert_eq!(readdressed(&frame("\"r0.77\""), "a\"b"), frame(r#""a\"b""#));
        }
        let unknown = r#"{"kind":"pub","cid":"a"}"#;
        assert_eq!(readdressed(unknown, "b"), unknown);
    }

    // proves: relay.1
    #[test]
    fn no_two_windows_share_a_lane() {
        let lane = |sender: &str, lane: &str| {
            let frame = format!(r#"{{"kind":"req","cid":"a","method":"m","meta":{{"lane":"{lane}"}}}}"#);
            let message = Envelope::open(frame.as_bytes(), 64).expect("a frame").stamp("c", &Stamp::new(sender, "1"));
            let frame: serde_json::Value = serde_json::from_slice(&message).expect("JSON");
            frame["meta"]["lane"].as_str().expect("a lane").to_owned()
        };
        assert_eq!(lane("3", "hub"), "3/hub");
        assert_ne!(lane("a/b", "c"), lane("a", "b/c"));
        assert_ne!(lane("a/b", "c"), lane("a%2Fb", "c"));
        assert_eq!(lane("qu\"ote", "c"), "qu\"ote/c");
    }

    // proves: relay.3
    #[test]
    fn what_two_parsers_could_read_differently_is_not_opened() {
        for frame in [
            r#"{"kind":"req","cid":"a","method":"m","meta":{"senderId":1,"sender\u0049d":2}}"#,
            r#"{"kind":"req","cid":"a","cid":"b","method":"m"}"#,
            r#"{"kind":"req","cid":"a","method":"m","payload":[1,]}"#,
            r#"{"kind":"req","cid":"a","method":"m","meta":1}"#,
        ] {
            assert!(Envelope::open(frame.as_bytes(), 64).is_err(), "{frame}");
        }
        let deep = format!(r#"{{"kind":"req","cid":"a","method":"m","payload":{}{}}}"#, "[".repeat(70), "]".repeat(70));
        assert_eq!(Envelope::open(deep.as_bytes(), 64).expect_err("too deep").reason, MalformedReason::Depth);
    }

    #[test]
    fn the_fast_path_and_the_search_find_the_same_places() {
        for frame in [
            r#"{"kind":"req","cid":"a","method":"m","meta":{"lane":"x"},"payload":{"meta":1}}"#,
            r#"{"kind":"req","cid":"","method":"m"}"#,
            r#"{"kind":"res","cid":"a","ok":true,"result":1}"#,
        ] {
            let frame_of = super::super::decode(frame.as_bytes(), 64).expect("a frame");
            let fast = canonical(frame.as_bytes(), &frame_of).expect("canonical");
            let slow = searched(frame.as_bytes());
            assert_eq!((fast.cid, fast.gap, fast.meta), (slow.cid, slow.gap, slow.meta), "{frame}");
        }
    }
}
