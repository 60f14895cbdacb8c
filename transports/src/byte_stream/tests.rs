use bytes::Bytes;
use futures_util::future::poll_fn;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::output::HIGH_WATER;

const LIMIT: usize = 1 << 20;

fn transport(buffer: usize) -> (ByteTransport<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(buffer);
    (ByteTransport::new(near, Framing::Ndjson, LIMIT), far)
}

fn held<S>(transport: &ByteTransport<S>) -> usize {
    transport.unread.capacity() + transport.decoder.held() + transport.output.held()
}

#[test]
fn a_connection_costs_a_few_hundred_bytes() {
    assert!(size_of::<ByteTransport<u64>>() <= 256, "{}", size_of::<ByteTransport<u64>>());
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffer() {
    let (mut transport, mut far) = transport(1 << 20);
    far.write_all(b"{\"a\":1}\n{\"b\":2}\n{\"par").await.unwrap();
    assert_eq!(transport.next().await.unwrap().unwrap(), "{\"a\":1}");
    assert_eq!(transport.next().await.unwrap().unwrap(), "{\"b\":2}");
    assert!(transport.next().now_or_never().is_none());
    assert!((5..=64).contains(&held(&transport)), "only the partial message is kept: {}", held(&transport));
    far.write_all(b"tial\":3}\n").await.unwrap();
    assert_eq!(transport.next().await.unwrap().unwrap(), "{\"partial\":3}");
    for length in [10, 100_000] {
        transport.send(vec![b'x'; length].into()).await.unwrap();
    }
    assert!(transport.next().now_or_never().is_none());
    assert_eq!(held(&transport), 0);
}

#[tokio::test]
async fn many_messages_of_one_read_come_without_another() {
    let (mut transport, mut far) = transport(1 << 20);
    far.write_all(&b"{}\n".repeat(1000)).await.unwrap();
    drop(far);
    for _ in 0..1000 {
        assert_eq!(transport.next().now_or_never().unwrap().unwrap().unwrap(), "{}");
    }
    assert!(transport.next().await.is_none());
}

#[tokio::test]
async fn a_sink_whose_peer_takes_nothing_is_pending_at_the_high_water_mark() {
    let (mut transport, mut far) = transport(1000);
    let message = Bytes::from(vec![b'x'; 1023]);
    let mut started = 0;
    while poll_fn(|cx| Pin::new(&mut transport).poll_ready(cx)).now_or_never().is_some() {
        Pin::new(&mut transport).start_send(message.clone()).unwrap();
        started += 1;
        assert!(started <= 70, "no backpressure");
    }
    assert!(transport.output.held() <= 2 * HIGH_WATER + 1024);
    let mut received = vec![0; started * 1024];
    let flushing = poll_fn(|cx| Pin::new(&mut transport).poll_flush(cx));
    let (flushed, read) = tokio::join!(flushing, far.read_exact(&mut received));
    flushed.unwrap();
    read.unwrap();
    assert!(received.chunks(1024).all(|line| line[..1023] == message[..] && line[1023] == b'\n'));
}

#[tokio::test]
async fn small_and_large_messages_leave_in_order_through_a_narrow_pipe() {
    let (mut transport, far) = transport(777);
    let mut peer = ByteTransport::new(far, Framing::Ndjson, LIMIT);
    let lengths = [5, 40_000, 7, 32 * 1024, 100_000, 3, 20_000, 20_000, 20_000, 70_000, 1];
    let message = |n: usize, length: usize| Bytes::from(vec![b'a' + n as u8; length]);
    let sending = async {
        for (n, length) in lengths.into_iter().enumerate() {
            transport.feed(message(n, length)).await.unwrap();
        }
        transport.flush().await.unwrap();
    };
    let receiving = async {
        for (n, length) in lengths.into_iter().enumerate() {
            assert!(peer.next().await.unwrap().unwrap() == message(n, length), "message {n}");
        }
    };
    tokio::join!(sending, receiving);
    assert_eq!(held(&transport), 0);
}

#[tokio::test]
async fn a_long_message_is_read_into_its_own_buffer_with_what_follows_it_intact() {
    for framing in [Framing::Ndjson, Framing::ContentLength, Framing::NativeMessaging] {
        let (near, mut far) = duplex(1 << 22);
        let mut transport = ByteTransport::new(near, framing, LIMIT);
        let mut stream = Vec::new();
        for length in [LIMIT, 10, LIMIT + 1, 20, 3 * LIMIT, 50_000] {
            framing.encode(&vec![b'x'; length], &mut stream);
        }
        let writing = async {
            for chunk in stream.chunks(50_000) {
                far.write_all(chunk).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(far);
        };
        let reading = async {
            let mut seen = Vec::new();
            while let Some(item) = transport.next().await {
                seen.push(item.map(|message| message.len()).map_err(|error| error.is_fatal()));
            }
            seen
        };
        let ((), seen) = tokio::join!(writing, reading);
        assert_eq!(seen, [Ok(LIMIT), Ok(10), Err(false), Ok(20), Err(false), Ok(50_000)], "{framing:?}");
    }
}

#[tokio::test]
async fn memory_stays_flat_through_a_line_that_never_ends() {
    let (mut transport, mut far) = transport(64 * 1024);
    let flood = async {
        let chunk = vec![b'x'; 64 * 1024];
        for _ in 0..1024 {
            far.write_all(&chunk).await.unwrap();
        }
        far.write_all(b"\n{}\n").await.unwrap();
    };
    let reading = async {
        let error = transport.next().await.unwrap().unwrap_err();
        assert_eq!(error.as_oversized().unwrap().0.len(), 512);
        assert_eq!(transport.next().await.unwrap().unwrap(), "{}");
        assert!(held(&transport) <= 16 * 1024);
    };
    tokio::join!(flood, reading);
}

#[tokio::test]
async fn a_fatal_error_is_the_last_item() {
    let (near, mut far) = duplex(1000);
    let mut transport = ByteTransport::new(near, Framing::ContentLength, LIMIT);
    far.write_all(b"Content-Length: 2\r\n\r\n{}nonsense\r\n\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
    assert_eq!(transport.next().await.unwrap().unwrap(), "{}");
    assert!(transport.next().await.unwrap().unwrap_err().is_fatal());
    assert!(transport.next().await.is_none());
}
