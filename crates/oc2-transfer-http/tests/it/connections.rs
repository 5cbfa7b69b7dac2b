//! Connections: how many, how they end, and what that does to a Command.

use oc2_transfer_http::Settings;
use tokio::io::AsyncWriteExt;

use crate::raw::{Raw, post};
use crate::witness::{SHORT, Server};

// HTTPS-066, DECISIONS H2
#[tokio::test]
async fn a_connection_too_many_is_503() {
    let server = Server::with(Settings { max_connections: 2, ..Settings::default() }).await;
    let (_, first) = server.ask(post("", "first")).await;
    let (_, second) = server.ask(post("", "second")).await;
    for _ in 0..100 {
        let (answer, raw) = server.ask(post("X-Request-ID: a\r\n", "third")).await;
        assert_eq!((answer.status, answer.text()), (503, "there are too many connections"));
        assert_eq!((answer.field("connection"), answer.field("x-request-id")), (Some("close"), Some("a")));
        raw.ends().await;
    }
    assert_eq!(server.witness.requests().len(), 2);
    drop((first, second));
    while server.post("", "fourth").await.status == 503 {}
    server.stop().await;
}

#[tokio::test]
async fn far_too_many_connections_are_closed_unheard() {
    let server = Server::with(Settings { max_connections: 1, ..Settings::default() }).await;
    let (_, mut first) = server.ask(post("", "first")).await;
    let mut others = Vec::new();
    for _ in 0..65 {
        others.push(server.connect().await);
    }
    others.pop().expect("there are 65").ends().await;
    first.post("", "still here").await;
    assert_eq!(first.answer().await.text(), "still here");
    server.stop().await;
}

#[tokio::test]
async fn a_lost_connection_does_not_stop_the_command() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    raw.post("", "wait").await;
    server.witness.probe.waits().await;
    // The kernel resets the connection.
    raw.stream.tcp().set_zero_linger().unwrap();
    drop(raw);
    assert_eq!(server.post("", "another").await.status, 200);
    assert_eq!(server.witness.probe.handled(), 1);
    server.witness.probe.release();
    while server.witness.probe.handled() < 2 {
        tokio::task::yield_now().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_producer_that_has_sent_everything_may_say_so() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    raw.post("", "wait").await;
    raw.stream.shutdown().await.unwrap();
    server.witness.probe.waits().await;
    server.witness.probe.release();
    assert_eq!(raw.answer().await.text(), "wait");
    raw.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn a_panic_in_the_handler_is_500_and_the_connection_goes_on() {
    let server = Server::start().await;
    let (answer, mut raw) = server.ask(post("X-Request-ID: a\r\n", "panic")).await;
    assert_eq!(
        (answer.status, answer.field("content-length"), answer.field("x-request-id")),
        (500, Some("0"), Some("a"))
    );
    raw.post("", "next").await;
    assert_eq!(raw.answer().await.text(), "next");
    server.stop().await;
}

// HTTPS-007
#[tokio::test]
async fn a_connection_ends_when_the_producer_asks_for_it() {
    let server = Server::start().await;
    let (answer, raw) = server.ask(post("Connection: close\r\n", "x")).await;
    assert_eq!((answer.status, answer.field("connection")), (200, Some("close")));
    raw.ends().await;
    server.stop().await;
}

// HTTPS-007: old clients end a body with an empty line that does not belong to it.
#[tokio::test]
async fn empty_lines_between_requests_mean_nothing() {
    let server = Server::with(Settings { idle_timeout: SHORT, ..Settings::default() }).await;
    for is_closed_by_peer in [true, false] {
        let (_, mut raw) = server.ask(post("", "first") + "\r\n").await;
        raw.post("", "second").await;
        assert_eq!(raw.answer().await.text(), "second");
        raw.send("\r\n\r\n").await;
        if is_closed_by_peer {
            raw.stream.shutdown().await.unwrap();
        }
        raw.ends().await;
    }
    assert!(server.witness.refusals().is_empty());
    server.stop().await;
}

// HTTPS-012
#[tokio::test]
async fn a_thousand_connections_may_come_one_after_the_other() {
    let server = Server::with(Settings { max_connections: 4, ..Settings::default() }).await;
    for number in 0..1000 {
        let (answer, raw) = server.ask(post("Connection: close\r\n", &format!("number {number}"))).await;
        assert_eq!(answer.text(), format!("number {number}"));
        raw.ends().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn an_ipv6_peer_is_named_by_its_address() {
    let bound = oc2_transfer_http::HttpListener::bind("[::1]:0".parse().unwrap(), Settings::default()).await;
    // A host may have no IPv6.
    let Ok(listener) = bound else { return };
    let address = listener.local_addr();
    let witness = crate::witness::Witness::default();
    tokio::spawn(oc2_transfer::Listener::serve(listener, witness.clone(), std::future::pending()));
    let mut raw = Raw::to(address).await;
    raw.post("", "x").await;
    raw.answer().await;
    assert_eq!(witness.requests()[0].peer.name(), "::1");
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let server = Server::start().await;
    let error = oc2_transfer_http::HttpListener::bind(server.address, Settings::default()).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {}: ", server.address)), "{error}");
    server.stop().await;
}
