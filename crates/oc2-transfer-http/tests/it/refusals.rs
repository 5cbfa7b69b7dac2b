//! What is not a request of OpenC2: nine statuses and no other (HTTPS 4.2.1-8, DECISIONS H2).

use oc2_transfer_http::Settings;
use tokio::io::AsyncWriteExt;

use crate::raw::post;
use crate::witness::{MEDIA_TYPE, Server};

/// Sends octets that are refused so that nobody knows where the next request begins.
async fn check_closed(server: &Server, octets: impl AsRef<[u8]>, status: u16, text: &str) {
    let (answer, raw) = server.ask(octets.as_ref()).await;
    let shown = String::from_utf8_lossy(&octets.as_ref()[..octets.as_ref().len().min(100)]).into_owned();
    assert_eq!((answer.status, answer.text()), (status, text), "{shown}");
    assert_eq!(answer.field("connection"), Some("close"), "{shown}");
    assert_eq!(answer.field("content-type"), Some(MEDIA_TYPE), "{shown}");
    assert_eq!(answer.field("cache-control"), Some("no-cache"), "{shown}");
    assert!(answer.field("date").is_some(), "{shown}");
    raw.ends().await;
    assert!(server.witness.requests().is_empty(), "{shown}");
}

/// Sends a request that is refused, and another one behind it.
async fn check_open(server: &Server, request: impl AsRef<[u8]>, status: u16, text: &str) {
    let (answer, mut raw) = server.ask(request.as_ref()).await;
    let shown = String::from_utf8_lossy(request.as_ref()).into_owned();
    assert_eq!((answer.status, answer.text()), (status, text), "{shown}");
    assert!(server.witness.requests().is_empty(), "{shown}");
    raw.post("", "next").await;
    assert_eq!(raw.answer().await.text(), "next", "{shown}");
    server.witness.requests();
}

// HTTPS-009, HTTPS-062, HTTPS-066
#[tokio::test]
async fn other_methods_are_501() {
    let server = Server::start().await;
    for target in ["/.well-known/openc2", "/", "*"] {
        for method in ["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "post", "X-ANY!"] {
            let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
            check_open(&server, request, 501, &format!("OpenC2 has no use for {method}, only for POST")).await;
        }
    }
    let (answer, _) = server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answer.field("allow"), Some("POST"));
    server.stop().await;
}

// HTTPS-009
#[tokio::test]
async fn connect_is_501() {
    let server = Server::start().await;
    for target in ["fw1.example.net:80", "/.well-known/openc2"] {
        let (answer, _) = server.ask(format!("CONNECT {target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!((answer.status, answer.text()), (501, "OpenC2 has no use for CONNECT, only for POST"));
    }
    assert!(server.witness.requests().is_empty());
    server.stop().await;
}

// HTTPS-009
#[tokio::test]
async fn head_is_501_without_a_body() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    raw.send("HEAD /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nX-Request-ID: a\r\n\r\n").await;
    let head = raw.head().await;
    assert_eq!((head.status, head.field("allow"), head.field("x-request-id")), (501, Some("POST"), Some("a")));
    raw.post("", "next").await;
    assert_eq!(raw.answer().await.text(), "next");
    server.stop().await;
}

// HTTPS-016
#[tokio::test]
async fn other_paths_are_404() {
    let server = Server::start().await;
    for target in [
        "/",
        "/.well-known/openc2/",
        "/.well-known/openc2/x",
        "/.well-known/OpenC2",
        "/.well-known/openc2?x=1",
        "//.well-known/openc2",
        "/.well-known/%6Fpenc2",
        "http://a/",
        "openc2",
        "*",
    ] {
        let request = format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
        check_open(&server, request, 404, "Commands are posted to /.well-known/openc2").await;
    }
    server.stop().await;
}

// HTTPS-066, DECISIONS H9
#[tokio::test]
async fn an_accept_that_leaves_openc2_out_is_400() {
    let server = Server::start().await;
    for value in ["text/html", "application/json", "application/openc2+json;version=2.0", "*/*;q=0", "\u{fc}"] {
        let (answer, mut raw) = server.ask(post(&format!("Accept: {value}\r\n"), "x")).await;
        assert_eq!(answer.status, 400, "{value}");
        raw.post("", "next").await;
        assert_eq!(raw.answer().await.text(), "next");
    }
    assert_eq!(server.witness.requests().len(), 5);
    server.stop().await;
}

// HTTPS-066
#[tokio::test]
async fn fields_that_stand_twice_are_400() {
    let server = Server::start().await;
    let twice = |name: &str| post(&format!("{name}: a\r\n{name}: a\r\n"), "x");
    check_open(&server, twice("X-Request-ID"), 400, "the request has two x-request-id fields").await;
    check_open(&server, twice("Content-Type"), 400, "the request has two content-type fields").await;
    server.stop().await;
}

// HTTPS-077
#[tokio::test]
async fn a_request_without_host_or_with_two_is_400() {
    let server = Server::start().await;
    let request = |fields: &str| format!("POST /.well-known/openc2 HTTP/1.1\r\n{fields}Content-Length: 1\r\n\r\nx");
    check_closed(&server, request(""), 400, "the request has no Host field").await;
    check_closed(&server, request("Host: a\r\nHOST: a\r\n"), 400, "the request has two Host fields").await;
    check_closed(&server, request("Host: a, b\r\n"), 400, "the Host field is not a host").await;
    server.stop().await;
}

// HTTPS-066: 431 and 414 are not in the set.
#[tokio::test]
async fn heads_that_are_too_large_are_400() {
    let server = Server::start().await;
    let too_large = "the request head is larger than 16384 octets";
    let fill = "x".repeat(1 << 20);
    check_closed(&server, post(&format!("X: {}\r\n", &fill[..16384]), "x"), 400, too_large).await;
    check_closed(&server, post(&format!("X: {fill}\r\n"), "x"), 400, too_large).await;
    check_closed(&server, post(&format!("{}: x\r\n", &fill[..70_000]), "x"), 400, too_large).await;
    check_closed(&server, format!("POST /{fill} HTTP/1.1\r\nHost: a\r\n\r\n"), 400, too_large).await;
    check_closed(&server, format!("GET /{} HTTP/1.1\r\n", &fill[..70_000]), 400, too_large).await;
    check_closed(&server, fill, 400, too_large).await;
    check_closed(&server, "\r\n".repeat(10_000), 400, too_large).await;
    let too_many = "the request has more than 100 header fields";
    check_closed(&server, post(&"X: y\r\n".repeat(99), "x"), 400, too_many).await;
    let (answer, _) = server.ask(post(&"X: y\r\n".repeat(98), "x")).await;
    assert_eq!(answer.status, 200);
    server.stop().await;
}

// HTTPS-066
#[tokio::test]
async fn larger_limits_of_heads_are_kept_without_414_and_431() {
    let settings = Settings { max_head: 1 << 20, max_headers: 500, ..Settings::default() };
    let server = Server::with(settings).await;
    let fill = "x".repeat(1 << 20);
    assert_eq!(server.post(&"X: y\r\n".repeat(498), "x").await.status, 200);
    assert_eq!(server.post(&format!("X: {}\r\n", &fill[..60_000]), "x").await.status, 200);
    assert_eq!(server.post(&format!("{}: x\r\n", &fill[..60_000]), "x").await.status, 200);
    server.witness.requests();
    let too_large = "the request head is larger than 65000 octets";
    check_closed(&server, format!("POST /{} HTTP/1.1\r\nHost: a\r\n\r\n", &fill[..66_000]), 400, too_large).await;
    check_closed(&server, post(&format!("{}: x\r\n", &fill[..66_000]), "x"), 400, too_large).await;
    server.stop().await;
}

// HTTPS-066: 505 is not in the set.
#[tokio::test]
async fn what_is_not_http_1_is_400() {
    let server = Server::start().await;
    let version = "this is not an HTTP/1.1 request: invalid HTTP version";
    let token = "this is not an HTTP/1.1 request: invalid token";
    let name = "this is not an HTTP/1.1 request: invalid header name";
    check_closed(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, version).await;
    check_closed(&server, "POST /.well-known/openc2 HTTP/1.2\r\nHost: a\r\n\r\n", 400, version).await;
    check_closed(&server, "POST /.well-known/openc2 HTTP/3\r\nHost: a\r\n\r\n", 400, version).await;
    check_closed(&server, "POST /.well-known/openc2\r\n\r\n", 400, token).await;
    check_closed(&server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, token).await;
    check_closed(&server, "\0\0\0\0", 400, token).await;
    check_closed(&server, "{\"action\": \"query\"}", 400, token).await;
    check_closed(&server, post("no colon\r\n", "x"), 400, name).await;
    check_closed(&server, post("X: y\r\n folded\r\n", "x"), 400, name).await;
    let target = "the request target is not a URI";
    check_closed(&server, "POST http:// HTTP/1.1\r\nHost: a\r\n\r\n", 400, target).await;
    server.stop().await;
}

// HTTPS-066
#[tokio::test]
async fn a_head_that_is_cut_off_is_400() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    raw.send("POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nX-Request-ID: a\r\n").await;
    raw.stream.shutdown().await.unwrap();
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.field("x-request-id")), (400, Some("a")));
    raw.ends().await;
    server.stop().await;
}

// HTTPS-047
#[tokio::test]
async fn refusals_echo_the_request_id_and_know_who_is_refused() {
    let server = Server::start().await;
    let id = "X-Request-ID: an id\r\n";
    for request in [
        format!("GET / HTTP/1.1\r\nHost: a\r\n{id}\r\n"),
        format!("POST / HTTP/1.1\r\nHost: a\r\n{id}\r\n"),
        format!("POST / HTTP/1.1\r\n{id}\r\n"),
        format!("POST / HTTP/1.1\r\nHost: a\r\n{id}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        format!("POST / HTTP/1.1\r\n{id}X: {}", "x".repeat(20_000)),
        post(&format!("Accept: text/html\r\n{id}"), "x"),
    ] {
        let (answer, _) = server.ask(&request).await;
        assert_eq!(answer.field("x-request-id"), Some("an id"), "{request}");
        let [refusal] = &server.witness.refusals()[..] else { panic!("one refusal") };
        assert_eq!(refusal.request_id.as_deref(), Some("an id"));
        assert_eq!(refusal.peer, server.peer());
        assert_eq!(refusal.rejection.status().as_u16(), answer.status);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_handler_that_panics_over_a_refusal_is_500() {
    let server = Server::start().await;
    let (answer, mut raw) = server.ask("GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: panic\r\n\r\n").await;
    assert_eq!((answer.status, answer.text()), (500, ""));
    raw.post("", "next").await;
    assert_eq!(raw.answer().await.text(), "next");
    server.stop().await;
}

// HTTPS-066: 417 is not in the set.
#[tokio::test]
async fn who_waits_for_100_continue_is_refused_before_the_body() {
    let server = Server::start().await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    check_closed(&server, request, 404, "Commands are posted to /.well-known/openc2").await;
    let request =
        "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n";
    check_closed(&server, request, 400, "the body is larger than 1048576 octets").await;
    let (answer, _) = server.ask(post("Expect: miracles\r\n", "x")).await;
    assert_eq!((answer.status, answer.text()), (200, "x"));
    server.stop().await;
}
