use super::*;

const FRAMINGS: [Framing; 3] = [Framing::Ndjson, Framing::ContentLength, Framing::NativeMessaging];

fn encoded(framing: Framing, messages: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    messages.iter().for_each(|message| framing.encode(message, &mut out));
    out
}

/// What a decoder makes of `pieces`: messages, `oversized:HEAD`, or `fatal:ERROR`, and then the end.
fn decoded<'a>(framing: Framing, limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut decoder = Decoder::new(framing, limit);
    let mut seen = Vec::new();
    for mut piece in pieces {
        while let Some(result) = decoder.decode(&mut piece) {
            let fatal = result.as_ref().is_err_and(TransportError::is_fatal);
            seen.push(shown(result));
            if fatal {
                return seen;
            }
        }
    }
    seen.extend(decoder.finish().map(shown));
    seen
}

fn shown(result: Result<Message, TransportError>) -> String {
    match result {
        Ok(message) => String::from_utf8_lossy(&message).into_owned(),
        Err(error) => match error.as_oversized() {
            Some((head, _)) => format!("oversized:{}", String::from_utf8_lossy(head)),
            None => format!("fatal:{error}"),
        },
    }
}

#[test]
fn every_framing_survives_a_split_at_every_byte() {
    for framing in FRAMINGS {
        let stream = encoded(framing, &[b"{\"a\":1}", b"{}", b"{\"long\":\"0123456789\"}", b"{\"b\":2}"]);
        let whole = decoded(framing, 8, [stream.as_slice()]);
        assert_eq!(whole, ["{\"a\":1}", "{}", "oversized:{\"long\":\"0123456789\"}", "{\"b\":2}"], "{framing:?}");
        for at in 0..=stream.len() {
            let (first, second) = stream.split_at(at);
            let split = decoded(framing, 8, [first, second]);
            assert_eq!(split.len(), whole.len(), "{framing:?} split at {at}");
            assert_eq!(split[3], whole[3], "{framing:?} split at {at}");
        }
        assert_eq!(decoded(framing, 8, stream.chunks(1))[3], whole[3], "{framing:?} byte by byte");
    }
}

#[test]
fn a_message_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    for framing in FRAMINGS {
        for chunk in [1, 3, 1000] {
            let stream = encoded(framing, &[b"{12345}", b"{123456}", b"{123}"]);
            let seen = decoded(framing, 7, stream.chunks(chunk));
            assert_eq!(seen.len(), 3, "{framing:?} {chunk}");
            assert_eq!([&*seen[0], &*seen[2]], ["{12345}", "{123}"], "{framing:?} {chunk}");
            assert!(seen[1].starts_with("oversized:{12345"), "{framing:?} {chunk}: {}", seen[1]);
        }
    }
}

#[test]
fn the_head_of_a_skipped_message_is_at_most_512_bytes_and_nothing_else_is_kept() {
    for framing in FRAMINGS {
        let long = vec![b'x'; 100_000];
        let stream = encoded(framing, &[&long, b"{}"]);
        let mut decoder = Decoder::new(framing, 1000);
        let mut heads = Vec::new();
        let mut messages = Vec::new();
        for mut piece in stream.chunks(100) {
            while let Some(result) = decoder.decode(&mut piece) {
                match result {
                    Ok(message) => messages.push(message),
                    Err(error) => heads.push(error.as_oversized().unwrap().0.len()),
                }
            }
            assert!(decoder.partial.capacity() <= 4096, "{framing:?} keeps {}", decoder.partial.capacity());
        }
        assert_eq!((heads, messages.len()), (vec![512], 1), "{framing:?}");
    }
}

#[test]
fn lines_may_end_in_crlf_and_empty_lines_are_skipped() {
    let stream = b"\n\r\n{\"a\":1}\r\n\n{}\n";
    assert_eq!(decoded(Framing::Ndjson, 7, stream.chunks(1)), ["{\"a\":1}", "{}"]);
    assert_eq!(decoded(Framing::Ndjson, 7, [&stream[..]]), ["{\"a\":1}", "{}"]);
}

#[test]
fn a_newline_inside_a_message_cannot_split_it() {
    let stream = encoded(Framing::Ndjson, &[b"{\n  \"a\": 1\r\n}"]);
    assert_eq!(decoded(Framing::Ndjson, 100, [stream.as_slice()]), ["{   \"a\": 1  }"]);
}

#[test]
fn a_last_line_without_its_newline_is_a_message_only_when_it_is_whole() {
    assert_eq!(decoded(Framing::Ndjson, 100, [&b"{}\n{\"a\":1}"[..]]), ["{}", "{\"a\":1}"]);
    let cut = decoded(Framing::Ndjson, 100, [&b"{}\n{\"a\":"[..]]);
    assert_eq!(cut, ["{}", "fatal:the connection ended inside a message"]);
}

#[test]
fn an_end_inside_a_length_or_a_body_is_an_error() {
    for (framing, bytes) in [
        (Framing::NativeMessaging, &b"\x05\x00"[..]),
        (Framing::NativeMessaging, &[&5u32.to_ne_bytes()[..], b"{"].concat()),
        (Framing::ContentLength, b"Content-Le"),
        (Framing::ContentLength, b"Content-Length: 5\r\n\r\n{"),
    ] {
        assert_eq!(decoded(framing, 100, [bytes]), ["fatal:the connection ended inside a message"]);
    }
}

#[test]
fn headers_are_read_as_the_language_server_protocol_says() {
    let stream = b"content-length:2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}Content-Length:  3\n\n{1}";
    for chunk in [1, 7, 1000] {
        assert_eq!(decoded(Framing::ContentLength, 100, stream.chunks(chunk)), ["{}", "{1}"]);
    }
}

#[test]
fn hostile_headers_are_refused_without_a_panic() {
    let endless = [b"X: ".as_slice(), &vec![b'a'; 10_000]].concat();
    for header in [
        &b"Content-Length: -1\r\n\r\n"[..],
        b"Content-Length: +5\r\n\r\n",
        b"Content-Length: \r\n\r\n",
        b"Content-Length: 99999999999999999999999\r\n\r\n",
        b"Content-Length: 4294967296\r\n\r\n",
        b"Content-Length: 0x10\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Type: text\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xfe\xff\r\n\r\n",
        b"\r\n\r\n",
        &endless,
    ] {
        for chunk in [1, 10_000] {
            let seen = decoded(Framing::ContentLength, 100, header.chunks(chunk));
            assert!(seen.len() == 1 && seen[0].starts_with("fatal:"), "{}: {seen:?}", header.escape_ascii());
        }
    }
}

#[test]
fn a_length_of_four_gigabytes_is_skipped_without_being_reserved() {
    let mut decoder = Decoder::new(Framing::NativeMessaging, 1000);
    let bytes = [&u32::MAX.to_ne_bytes()[..], &[b'x'; 600]].concat();
    let mut input = bytes.as_slice();
    assert!(decoder.decode(&mut input).unwrap().unwrap_err().as_oversized().is_some());
    assert!(decoder.decode(&mut input).is_none());
    assert_eq!(decoder.partial.capacity(), 0);
}

#[test]
fn a_promised_length_is_not_reserved_before_the_bytes_come() {
    let mut decoder = Decoder::new(Framing::ContentLength, usize::MAX);
    assert!(decoder.decode(&mut &b"Content-Length: 4000000000\r\n\r\n{"[..]).is_none());
    assert!(decoder.partial.capacity() <= 256 * 1024);
}

#[test]
fn every_message_has_a_buffer_of_its_own_size() {
    for framing in FRAMINGS {
        let stream = encoded(framing, &[&[b'x'; 5000], &[b'y'; 300]]);
        let mut decoder = Decoder::new(framing, 10_000);
        for mut piece in stream.chunks(4000) {
            while let Some(result) = decoder.decode(&mut piece) {
                let message = result.unwrap();
                let length = message.len();
                assert_eq!(Vec::from(message).capacity(), length, "{framing:?}");
            }
        }
    }
}

/// Reads one line of `length` bytes the way a socket brings it, and says how often its buffer grew.
fn gather(decoder: &mut Decoder, length: usize) -> (Message, usize) {
    let line = [vec![b'x'; length], b"\n".to_vec()].concat();
    assert!(decoder.decode(&mut &line[..BULK_BYTES]).is_none());
    let (mut read, mut capacity, mut grown) = (BULK_BYTES, decoder.held(), 0);
    loop {
        let (buffer, _) = decoder.bulk().unwrap();
        grown += usize::from(buffer.capacity() != capacity);
        capacity = buffer.capacity();
        let (start, count) = (buffer.len(), (capacity - buffer.len()).min(line.len() - read));
        buffer.extend_from_slice(&line[read..read + count]);
        read += count;
        if let Some(message) = decoder.bulk_read(start, &mut Vec::new()) {
            return (message.unwrap(), grown);
        }
    }
}

#[test]
fn a_long_message_is_gathered_in_a_buffer_as_large_as_the_last_one_needed() {
    let mut decoder = Decoder::new(Framing::Ndjson, 1 << 22);
    let (first, grown) = gather(&mut decoder, 1 << 20);
    assert!(first.len() == 1 << 20 && grown > 3, "{grown}");
    let (again, grown) = gather(&mut decoder, (1 << 20) + 1000);
    assert_eq!((again.len(), grown), ((1 << 20) + 1000, 1));
    let (short, _) = gather(&mut decoder, 100_000);
    assert!(Vec::from(short).capacity() <= 112_500, "a short one does not keep the room of a long one");
    assert_eq!(decoder.held(), 0);
}
