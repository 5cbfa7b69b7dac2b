//! Peers that take their time.

use std::time::{Duration, Instant};

use oc2_transfer_http::Settings;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::time::sleep;

use crate::raw::{PATIENCE, post};
use crate::witness::{SHORT, Server};

// HTTPS-066, DECISIONS H2
#[tokio::test]
async fn a_head_that_takes_too_long_is_503() {
    let server = Server::with(Settings { head_timeout: SHORT, ..Settings::default() }).await;
    let began = Instant::now();
    let (answer, raw) = server.ask("POST / HTTP/1.1\r\nX-Request-ID: a\r\nHost:").await;
    assert_eq!((answer.status, answer.text()), (503, "the request head took too long"));
    assert_eq!(answer.field("x-request-id"), Some("a"));
    assert!(began.elapsed() >= SHORT);
    raw.ends().await;
    server.stop().await;
}

// HTTPS-066, DECISIONS H2
#[tokio::test]
async fn a_later_head_has_the_same_time() {
    let server = Server::with(Settings { head_timeout: SHORT, ..Settings::default() }).await;
    let (_, mut raw) = server.ask(post("", "first")).await;
    // Long enough for the server to wait for the next head.
    sleep(SHORT / 2).await;
    let began = Instant::now();
    raw.send("POST / HTTP/1.1\r\n").await;
    assert_eq!(raw.answer().await.status, 503);
    assert!(began.elapsed() >= SHORT - Duration::from_millis(10));
    raw.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_trickles_in_has_no_more_time() {
    let server = Server::with(Settings { head_timeout: SHORT, ..Settings::default() }).await;
    let raw = server.connect().await;
    let (mut reader, mut writer) = tokio::io::split(raw.stream);
    let trickle = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answer = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut reader, &mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
    trickle.abort();
    server.stop().await;
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let server = Server::with(Settings { head_timeout: SHORT, ..Settings::default() }).await;
    let began = Instant::now();
    server.connect().await.ends().await;
    assert!(began.elapsed() >= SHORT);
    assert!(server.witness.refusals().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_rests_too_long_is_closed() {
    let server = Server::with(Settings { idle_timeout: SHORT, ..Settings::default() }).await;
    let (_, mut raw) = server.ask(post("", "first")).await;
    raw.post("", "second").await;
    assert_eq!(raw.answer().await.text(), "second");
    let began = Instant::now();
    raw.ends().await;
    assert!(began.elapsed() >= SHORT - Duration::from_millis(10));
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_rests_shortly_is_kept() {
    let server = Server::with(Settings { head_timeout: SHORT, ..Settings::default() }).await;
    let (_, mut raw) = server.ask(post("", "first")).await;
    sleep(SHORT * 2).await;
    raw.post("", "second").await;
    assert_eq!(raw.answer().await.text(), "second");
    server.stop().await;
}

// HTTPS-066, DECISIONS H2
#[tokio::test]
async fn a_body_that_takes_too_long_is_503_and_not_handled() {
    let server = Server::with(Settings { body_timeout: SHORT, ..Settings::default() }).await;
    for octets in [
        "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nX-Request-ID: a\r\nContent-Length: 9\r\n\r\nbody",
        "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nX-Request-ID: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo",
    ] {
        let began = Instant::now();
        let (answer, raw) = server.ask(octets).await;
        assert_eq!((answer.status, answer.text()), (503, "the body took too long"));
        assert_eq!((answer.field("connection"), answer.field("x-request-id")), (Some("close"), Some("a")));
        assert!(began.elapsed() >= SHORT);
        raw.ends().await;
    }
    assert!(server.witness.requests().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_trickles_in_has_no_more_time() {
    let server = Server::with(Settings { body_timeout: SHORT, ..Settings::default() }).await;
    let mut raw = server.connect().await;
    raw.send("POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").await;
    let (mut reader, mut writer) = tokio::io::split(raw.stream);
    let trickle = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answer = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut reader, &mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
    trickle.abort();
    server.stop().await;
}

/// The place of a peer that takes nothing of its answers is free again for another.
#[tokio::test]
async fn a_peer_that_takes_no_answer_is_cut_off() {
    let settings = Settings { write_timeout: SHORT, max_connections: 1, ..Settings::default() };
    let server = Server::with(settings).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = server.speak(socket.connect(server.address).await.unwrap()).await.stream;
    let request = post("", &"x".repeat(1 << 20));
    // As many as fill the buffers of both kernels: the server reads no more requests than it can answer.
    let sending = tokio::spawn(async move {
        while stream.write_all(request.as_bytes()).await.is_ok() {}
        stream
    });
    let began = Instant::now();
    loop {
        let answer = server.post("", "place").await;
        if answer.status == 200 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "the place is still taken");
        sleep(Duration::from_millis(20)).await;
    }
    sending.abort();
    server.stop().await;
}
