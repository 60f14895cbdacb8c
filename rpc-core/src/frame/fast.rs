//! The fast path: frames without escapes in their own fields, without white space around them, `kind` and `cid` first.
//! It answers `None` for everything it does not read, errors included, and the general parser decides.

use std::borrow::Cow;

use super::{Credit, Frame, Grant, Lag, MAX_CID_BYTES, Meta, Nxt, Offer, Req, Resume};
use super::{block, scan};

/// How much of a payload is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Syntax and depth of everything.
    All,
    /// Of a payload that ends the frame, only that it is not too deep and that no field can stand behind it.
    Lazily,
    /// Nothing of a payload, which is taken to end the frame.
    Envelope,
}

/// The frame, and whether its payload was checked in full or needs no check.
pub(super) fn decode(text: &str, depth: u32, check: Check) -> Option<(Frame<'_>, bool)> {
    let mut cursor = Cursor { text, at: 0, depth: depth.min(scan::MAX_DEPTH).checked_sub(1)?, check, checked: true };
    let kind = text.get(9..12)?;
    cursor.expect(b"{\"kind\":\"")?;
    cursor.at += 3;
    cursor.expect(b"\",\"cid\":")?;
    let cid = cursor.plain()?;
    if cid.len() > MAX_CID_BYTES {
        return None;
    }
    let cid = Cow::Borrowed(cid);
    let frame = match kind {
        "req" => req(&mut cursor, cid),
        "res" => res(&mut cursor, cid),
        "nxt" => nxt(&mut cursor, cid),
        "end" => end(&mut cursor, cid),
        "can" => can(&mut cursor, cid),
        _ => None,
    }?;
    Some((frame, cursor.checked))
}

/// Fields that might stand behind a payload.
struct Fields {
    names: &'static [&'static str],
    /// The beginnings of the names, a bit each.
    beginnings: u64,
}

impl Fields {
    const fn new(names: &'static [&'static str]) -> Fields {
        let (mut beginnings, mut at) = (0, 0);
        while at < names.len() {
            beginnings |= beginning(names[at].as_bytes()[0], names[at].as_bytes()[1]);
            at += 1;
        }
        Fields { names, beginnings }
    }

    /// Whether a name may begin with the two letters.
    fn may_begin(&self, one: u8, two: u8) -> bool {
        self.beginnings & beginning(one, two) != 0
    }

    /// Whether `text` begins with one of the names and a quote behind it.
    fn contain(&self, text: &[u8]) -> bool {
        let same = |name: &&str| text.get(name.len()) == Some(&b'"') && text.starts_with(name.as_bytes());
        self.names.iter().any(same)
    }
}

/// The bit of two letters, which other pairs may share; few keys that are common in payloads do.
const fn beginning(one: u8, two: u8) -> u64 {
    1 << (one.wrapping_add(two.wrapping_mul(29)) & 63)
}

const REQ_FIELDS: Fields = Fields::new(&["meta", "method", "payload", "kind", "cid"]);

const RES_FIELDS: Fields = Fields::new(&["ok", "result", "kind", "cid"]);

const NXT_FIELDS: Fields =
    Fields::new(&["seq", "pos", "data", "fc", "epoch", "skipped", "reset", "dir", "kind", "cid"]);

#[inline]
fn req<'a>(cursor: &mut Cursor<'a>, cid: Cow<'a, str>) -> Option<Frame<'a>> {
    let (mut method, mut payload, mut meta) = (None, None, None);
    if cursor.skip(b",\"method\":") {
        method = Some(cursor.plain()?);
        if cursor.skip(b",\"meta\":") {
            meta = Some(cursor.meta()?);
        }
        if cursor.skip(b",\"payload\":") {
            payload = Some(cursor.payload(&REQ_FIELDS)?);
        }
    }
    while let Some(key) = cursor.key()? {
        match key {
            "method" => once(&mut method, cursor.plain()?)?,
            "payload" => once(&mut payload, cursor.payload(&REQ_FIELDS)?)?,
            "meta" => once(&mut meta, cursor.meta()?)?,
            _ => return None,
        }
    }
    Some(Frame::Req(Req { cid, method: Cow::Borrowed(method?), payload, meta: meta.unwrap_or_default() }))
}

#[inline]
fn res<'a>(cursor: &mut Cursor<'a>, cid: Cow<'a, str>) -> Option<Frame<'a>> {
    let (mut ok, mut result) = (None, None);
    if cursor.skip(b",\"ok\":true,\"result\":") {
        ok = Some(true);
        result = Some(cursor.payload(&RES_FIELDS)?);
    }
    while let Some(key) = cursor.key()? {
        match key {
            "ok" => {
                cursor.expect(b"true")?;
                once(&mut ok, true)?;
            }
            "result" => once(&mut result, cursor.payload(&RES_FIELDS)?)?,
            _ => return None,
        }
    }
    Some(Frame::Res { cid, result: result.unwrap_or("null") })
}

#[inline]
fn nxt<'a>(cursor: &mut Cursor<'a>, cid: Cow<'a, str>) -> Option<Frame<'a>> {
    let (mut data, mut seq, mut pos, mut epoch, mut skipped, mut reset, mut fc, mut up) = Default::default();
    if cursor.skip(b",\"seq\":") {
        seq = Some(cursor.integer()?);
        if cursor.skip(b",\"data\":") {
            data = Some(cursor.payload(&NXT_FIELDS)?);
        }
    }
    while let Some(key) = cursor.key()? {
        match key {
            "seq" => once(&mut seq, cursor.integer()?)?,
            "pos" => once(&mut pos, cursor.integer()?)?,
            "data" => once(&mut data, cursor.payload(&NXT_FIELDS)?)?,
            "fc" => once(&mut fc, cursor.credit()?)?,
            "epoch" => once(&mut epoch, Cow::Borrowed(cursor.plain()?))?,
            "skipped" => once(&mut skipped, cursor.integer()?)?,
            "reset" => {
                cursor.expect(b"true")?;
                once(&mut reset, true)?;
            }
            "dir" => {
                cursor.expect(b"\"up\"")?;
                once(&mut up, true)?;
            }
            _ => return None,
        }
    }
    let fc = fc.unwrap_or_default();
    if data.is_none() && !matches!(fc, Credit::Grant { .. }) {
        data = Some("null");
    }
    let (skipped, reset, up) = (skipped.unwrap_or(0), reset.unwrap_or(false), up.unwrap_or(false));
    Some(Frame::Nxt(Nxt { cid, data, seq, pos, epoch, skipped, reset, fc, up }))
}

fn end<'a>(cursor: &mut Cursor<'a>, cid: Cow<'a, str>) -> Option<Frame<'a>> {
    let up = match cursor.key()? {
        Some("dir") => {
            cursor.expect(b"\"up\"")?;
            cursor.key()?.is_none().then_some(true)?
        }
        Some(_) => return None,
        None => false,
    };
    Some(Frame::End { cid, up })
}

fn can<'a>(cursor: &mut Cursor<'a>, cid: Cow<'a, str>) -> Option<Frame<'a>> {
    let reason = match cursor.key()? {
        Some("reason") => {
            let reason = cursor.plain()?;
            cursor.key()?.is_none().then_some(Cow::Borrowed(reason))
        }
        Some(_) => return None,
        None => return Some(Frame::Can { cid, reason: None }),
    };
    Some(Frame::Can { cid, reason: Some(reason?) })
}

/// Whether no field of the frame can stand behind the value that `text` begins with. A field would follow a comma, its
/// name in quotes; a text where that is less than obvious (escapes, white space) counts as one where a field might follow.
fn nothing_follows(text: &[u8], others: &Fields) -> bool {
    let goes_on = |at: usize| {
        // Most commas stand before a key that begins like no field.
        let plain = match text[at..] {
            [b',', b'"', one, two, ..] => !others.may_begin(one, two),
            _ => false,
        };
        plain || is_inside(text, at, others)
    };
    block::all(text, |block| block::either(block, b',', b'\\'), goes_on)
}

/// Whether the byte at `at` tells that the value goes on behind it.
fn is_inside(text: &[u8], at: usize, others: &Fields) -> bool {
    match (text[at], text.get(at + 1)) {
        (b'\\', _) | (b',', None) => false,
        (b',', Some(b'"')) => !others.contain(&text[at + 2..]),
        (b',', Some(next)) => !next.is_ascii_whitespace(),
        _ => true,
    }
}

/// Whether no white space stands around `text`, which would become a part of the payload.
fn is_tight(text: &[u8]) -> bool {
    let solid = |byte: Option<&u8>| byte.is_some_and(|byte| *byte > b' ');
    solid(text.first()) && solid(text.last())
}

/// Whether `text` cannot be nested deeper than `depth`: it is too short for that, or too few arrays and objects open in it.
fn is_shallow(text: &[u8], depth: u32) -> bool {
    let opening = || text.iter().map(|byte| u32::from(matches!(byte, b'{' | b'['))).sum::<u32>();
    text.len() <= 2 * depth as usize || opening() <= depth
}

fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    check: Check,
    /// Whether everything passed over was checked, or nobody asked for that.
    checked: bool,
}

impl<'a> Cursor<'a> {
    fn expect(&mut self, word: &[u8]) -> Option<()> {
        let found = self.text.as_bytes().get(self.at..self.at + word.len())? == word;
        self.at += word.len();
        found.then_some(())
    }

    /// Passes over `word` if it stands here.
    #[inline]
    fn skip(&mut self, word: &[u8]) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next key of the frame, `Some(None)` at its end.
    fn key(&mut self) -> Option<Option<&'a str>> {
        match self.byte()? {
            b',' => {
                self.at += 1;
                let key = self.plain()?;
                self.expect(b":")?;
                Some(Some(key))
            }
            b'}' if self.at + 1 == self.text.len() => Some(None),
            _ => None,
        }
    }

    /// A string without escapes.
    #[inline]
    fn plain(&mut self) -> Option<&'a str> {
        if self.byte()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let end = scan::stop(self.text.as_bytes(), start)?;
        self.at = end + 1;
        if self.text.as_bytes()[end] == b'"' { self.text.get(start..end) } else { None }
    }

    fn value(&mut self, depth: u32) -> Option<&'a str> {
        let start = self.at;
        self.at = scan::value(self.text.as_bytes(), start, depth).ok()?;
        self.text.get(start..self.at)
    }

    /// A payload, behind which the fields `others` might stand, or those that stand in every frame.
    fn payload(&mut self, others: &Fields) -> Option<&'a str> {
        let rest = self.text.get(self.at..self.text.len() - 1)?;
        let ends_here = match self.check {
            Check::All => false,
            Check::Lazily => {
                let rest = rest.as_bytes();
                is_tight(rest) && is_shallow(rest, self.depth) && nothing_follows(rest, others)
            }
            Check::Envelope => true,
        };
        if !ends_here {
            return self.value(self.depth);
        }
        self.checked = self.check == Check::Envelope;
        self.at = self.text.len() - 1;
        (!rest.is_empty()).then_some(rest)
    }

    /// A number of at most fifteen digits, which every JSON reader keeps exactly.
    #[inline]
    fn integer(&mut self) -> Option<u64> {
        let rest = &self.text.as_bytes()[self.at..];
        let (mut number, mut digits) = (0u64, 0);
        while let Some(digit) = rest.get(digits).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            digits += 1;
        }
        if digits == 0 || digits > 15 || (digits > 1 && rest[0] == b'0') {
            return None;
        }
        self.at += digits;
        matches!(self.byte()?, b',' | b'}').then_some(number)
    }

    /// `None` where `levels` more would be nested too deep.
    fn has_room(&self, levels: u32) -> Option<()> {
        (self.depth >= levels).then_some(())
    }

    fn credit(&mut self) -> Option<Credit> {
        if self.byte()? == b'1' {
            self.at += 1;
            return matches!(self.byte()?, b',' | b'}').then_some(Credit::Obeys);
        }
        self.has_room(1)?;
        self.expect(b"{\"upto\":")?;
        let upto = self.integer()?;
        let ack = if self.skip(b",\"ack\":") { Some(self.integer()?) } else { None };
        let bytes = self.bytes_ahead()?;
        self.expect(b"}")?;
        Some(Credit::Grant(Grant { upto, ack, bytes }))
    }

    fn meta(&mut self) -> Option<Meta<'a>> {
        let start = self.at;
        self.has_room(1)?;
        let mut meta = Meta::default();
        if self.skip(b"{\"timeoutMs\":") {
            meta.timeout_ms = Some(self.integer()?);
            if self.skip(b"}") {
                meta.raw = self.text.get(start..self.at);
                return Some(meta);
            }
            (self.at, meta.timeout_ms) = (start, None);
        }
        self.expect(b"{")?;
        let mut seen: [&str; 8] = [""; 8];
        let mut count = 0;
        if self.byte()? == b'}' {
            self.at += 1;
            meta.raw = Some("{}");
            return Some(meta);
        }
        loop {
            let key = self.plain()?;
            self.expect(b":")?;
            if count == seen.len() || seen[..count].contains(&key) {
                return None;
            }
            seen[count] = key;
            count += 1;
            self.meta_field(key, &mut meta)?;
            match self.byte()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        self.at += 1;
        meta.raw = self.text.get(start..self.at);
        Some(meta)
    }

    fn meta_field(&mut self, key: &str, meta: &mut Meta<'a>) -> Option<()> {
        match key {
            "timeoutMs" => meta.timeout_ms = Some(self.integer()?),
            "idleMs" => meta.idle_ms = Some(self.integer()?),
            "lane" => meta.lane = Some(Cow::Borrowed(self.plain()?)),
            "rpcSpecVersion" => meta.version = Some(Cow::Borrowed(self.plain()?)),
            "up" => {
                self.has_room(2)?;
                self.expect(b"{}")?;
                meta.up = true;
            }
            "fc" => meta.fc = Some(self.offer()?),
            "resume" => meta.resume = Some(self.resume()?),
            _ => {
                self.value(self.depth.checked_sub(1)?)?;
            }
        }
        Some(())
    }

    fn offer(&mut self) -> Option<Offer> {
        self.has_room(2)?;
        self.expect(b"{\"upto\":")?;
        let upto = self.integer().filter(|upto| *upto > 0)?;
        let on_lag = if self.skip(b",\"onLag\":") { Some(lag(self.plain()?)?) } else { None };
        let bytes = self.bytes_ahead()?;
        self.expect(b"}")?;
        Some(Offer { upto, on_lag, bytes })
    }

    /// The `bytes` of credit, where they are said; `None` where they are not a number that can be.
    fn bytes_ahead(&mut self) -> Option<Option<u64>> {
        if !self.skip(b",\"bytes\":") {
            return Some(None);
        }
        self.integer().filter(|bytes| *bytes > 0).map(Some)
    }

    fn resume(&mut self) -> Option<Resume<'a>> {
        self.has_room(2)?;
        self.expect(b"{\"epoch\":")?;
        let epoch = Cow::Borrowed(self.plain()?);
        self.expect(b",\"after\":")?;
        let after = self.integer()?;
        self.expect(b"}")?;
        Some(Resume { epoch, after })
    }
}

fn lag(text: &str) -> Option<Lag> {
    Some(match text {
        "block" => Lag::Block,
        "latest" => Lag::Latest,
        "dropOldest" => Lag::DropOldest,
        "close" => Lag::Close,
        _ => return None,
    })
}
