//! Where a body ends (RFC 7230 3.3.3).

use oc2_transfer_http::Settings;
use tokio::io::AsyncWriteExt;

use crate::raw::{Answer, post};
use crate::witness::Server;

const CHUNKED: &str = "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What must not be taken for a request.
fn smuggled() -> String {
    post("", "smuggled")
}

/// Sends octets with a request hidden in them, over a new connection and over one that was used before.
async fn check_smuggling(octets: &str, text: &str) {
    let server = Server::start().await;
    for is_used in [false, true] {
        let mut raw = server.connect().await;
        if is_used {
            raw.post("", "first").await;
            assert_eq!(raw.answer().await.text(), "first");
            server.witness.requests();
        }
        raw.send(octets).await;
        raw.send(smuggled()).await;
        let answer = raw.answer().await;
        assert_eq!((answer.status, answer.text()), (400, text), "{octets}");
        raw.ends().await;
        assert!(server.witness.requests().is_empty(), "{octets}");
    }
    server.stop().await;
}

/// Sends a chunked body; its answer is the last on the connection.
async fn chunked(server: &Server, body: &str) -> Answer {
    let (answer, raw) = server.ask([CHUNKED, body, &smuggled()].concat()).await;
    assert_eq!(answer.field("connection"), Some("close"));
    raw.ends().await;
    answer
}

// HTTPS-078
#[tokio::test]
async fn chunked_bodies_are_read() {
    let server = Server::start().await;
    for body in [
        "4\r\nbody\r\n0\r\n\r\n",
        "1\r\nb\r\n003\r\nody\r\n0\r\n\r\n",
        "4;name=value\r\nbody\r\n0\r\nTrailer: x\r\n\r\n",
    ] {
        assert_eq!(chunked(&server, body).await.text(), "body", "{body}");
    }
    let requests = server.witness.requests();
    assert!(requests.iter().all(|request| request.body == "body") && requests.len() == 3);
    server.stop().await;
}

// HTTPS-079
#[tokio::test]
async fn chunks_that_are_none_are_400() {
    let server = Server::start().await;
    for body in
        ["4\r\nbodyX\r\n0\r\n\r\n", "x\r\nbody\r\n0\r\n\r\n", "fffffffffffffffff\r\n", "-4\r\nbody\r\n0\r\n\r\n"]
    {
        assert_eq!(chunked(&server, body).await.status, 400, "{body}");
    }
    assert!(server.witness.requests().is_empty());
    server.stop().await;
}

// HTTPS-079
#[tokio::test]
async fn content_length_beside_transfer_encoding_is_400() {
    let head = |fields: &str| format!("POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let both = "the request has both Content-Length and Transfer-Encoding";
    for fields in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "transfer-encoding: CHUNKED\r\nX: y\r\ncontent-length: 0\r\n",
    ] {
        check_smuggling(&format!("{}0\r\n\r\n", head(fields)), both).await;
    }
}

// HTTPS-079
#[tokio::test]
async fn lengths_that_differ_or_are_none_are_400() {
    let head = |fields: &str| format!("POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let two = "the request has two Content-Length fields";
    check_smuggling(&head("Content-Length: 0\r\nContent-Length: 100\r\n"), two).await;
    check_smuggling(&head("Content-Length: 0\r\nContent-Length: 0\r\n"), two).await;
    let number = "the Content-Length field is not a number of octets";
    check_smuggling(&head("Content-Length: 0, 100\r\n"), number).await;
    check_smuggling(&head("Content-Length: +0\r\n"), number).await;
    check_smuggling(&head("Content-Length: 18446744073709551616\r\n"), number).await;
    let coding = "no Transfer-Encoding but chunked is read";
    check_smuggling(&head("Transfer-Encoding: gzip\r\n"), coding).await;
    check_smuggling(&head("Transfer-Encoding: chunked, gzip\r\n"), coding).await;
    check_smuggling(&head("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), coding).await;
}

// HTTPS-079: hyper reads a request that was sent ahead from the buffer it has; the gate has seen it before.
#[tokio::test]
async fn an_ambiguous_request_behind_another_is_400() {
    let server = Server::start().await;
    let ambiguous =
        "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (answer, mut raw) = server.ask([&post("", "first"), ambiguous, "0\r\n\r\n", &smuggled()].concat()).await;
    assert_eq!(answer.text(), "first");
    assert_eq!(raw.answer().await.status, 400);
    raw.ends().await;
    assert_eq!(server.witness.requests().len(), 1);
    server.stop().await;
}

// HTTPS-066: 413 is not in the set. DECISIONS H2
#[tokio::test]
async fn a_body_that_is_too_large_is_400_and_the_last() {
    let server = Server::with(Settings { max_body: 10, ..Settings::default() }).await;
    let text = "the body is larger than 10 octets";
    let (answer, raw) = server.ask(post("X-Request-ID: a\r\n", &"x".repeat(5_000_000))).await;
    assert_eq!((answer.status, answer.text(), answer.field("x-request-id")), (400, text, Some("a")));
    raw.ends().await;
    let (answer, raw) = server.ask(format!("{CHUNKED}b\r\n12345678901\r\n")).await;
    assert_eq!((answer.status, answer.text(), answer.field("connection")), (400, text, Some("close")));
    raw.ends().await;
    assert!(server.witness.requests().is_empty());
    assert_eq!(server.post("", "1234567890").await.text(), "1234567890");
    assert_eq!(chunked(&server, "a\r\n1234567890\r\n0\r\n\r\n").await.text(), "1234567890");
    server.stop().await;
}

// HTTPS-066: hyper does not close a connection in order when an upgrade was offered.
#[tokio::test]
async fn an_upgrade_that_is_offered_does_not_cost_the_refusal() {
    let server = Server::with(Settings { max_body: 10, ..Settings::default() }).await;
    let head = CHUNKED.replace("Host: a", "Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c");
    for _ in 0..10 {
        let (answer, raw) = server.ask(format!("{head}4c4b40\r\n{}", "x".repeat(5_000_000))).await;
        assert_eq!(answer.status, 400);
        raw.ends().await;
    }
    server.stop().await;
}

// HTTPS-066: 411 is not in the set.
#[tokio::test]
async fn a_request_without_a_length_has_an_empty_body() {
    let server = Server::start().await;
    let (_, mut raw) = server.ask("POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    raw.post("", "next").await;
    assert_eq!(raw.answer().await.text(), "next");
    assert!(server.witness.requests()[0].body.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_400_and_not_handled() {
    let server = Server::start().await;
    for octets in [post("", "whole").strip_suffix('e').unwrap(), &format!("{CHUNKED}4\r\nbo")] {
        let mut raw = server.connect().await;
        raw.send(octets).await;
        raw.stream.shutdown().await.unwrap();
        let answer = raw.answer().await;
        assert_eq!((answer.status, answer.text()), (400, "the body is cut off or not chunked as it says"));
        raw.ends().await;
    }
    assert!(server.witness.requests().is_empty());
    server.stop().await;
}
