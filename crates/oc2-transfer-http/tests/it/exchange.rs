//! A Command and its answer (HTTPS 3.3.1, 3.3.3, 3.4).

use oc2_core::StatusCode;
use oc2_transfer::Scope;
use tokio::task::yield_now;

use crate::raw::{PATIENCE, post};
use crate::witness::{MEDIA_TYPE, Server};

// HTTPS-001, HTTPS-003, HTTPS-004, HTTPS-013, HTTPS-015, HTTPS-017, HTTPS-030, HTTPS-047, HTTPS-052
#[tokio::test]
async fn a_command_is_handed_over_and_its_answer_comes_back() {
    let server = Server::start().await;
    let answer = server.post(&format!("Content-type: {MEDIA_TYPE}\r\nX-Request-ID: id 1\r\n"), "a command").await;
    assert_eq!((answer.version.as_str(), answer.status, answer.text()), ("HTTP/1.1", 200, "a command"));
    assert_eq!(answer.field("content-type"), Some("application/openc2+json;version=1.0"));
    assert_eq!(answer.field("cache-control"), Some("no-cache"));
    assert_eq!(answer.field("x-request-id"), Some("id 1"));
    let [request] = &server.witness.requests()[..] else { panic!("one request") };
    assert_eq!(request.peer, server.peer());
    assert_eq!(request.scope, Scope::Direct);
    assert_eq!(request.content_type.as_deref(), Some(MEDIA_TYPE));
    assert_eq!(request.request_id.as_deref(), Some("id 1"));
    assert_eq!(request.body, "a command");
    server.stop().await;
}

// HTTPS-055
#[tokio::test]
async fn the_content_type_is_handed_over_as_it_came() {
    let server = Server::start().await;
    for value in ["Application/OpenC2+JSON; version=\"1.0\"", "text/plain", "rubbish"] {
        assert_eq!(server.post(&format!("CONTENT-TYPE:  {value} \r\n"), "x").await.status, 200);
        assert_eq!(server.witness.requests()[0].content_type.as_deref(), Some(value));
    }
    server.post("", "x").await;
    assert_eq!(server.witness.requests()[0].content_type, None);
    server.stop().await;
}

// HTTPS-066, HTTPS-067
#[tokio::test]
async fn the_status_is_that_of_openc2_and_102_travels_in_200() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    for (status, expected) in
        [(102, 200), (200, 200), (400, 400), (401, 401), (403, 403), (404, 404), (500, 500), (501, 501), (503, 503)]
    {
        raw.post("", &format!("status {status}")).await;
        let answer = raw.answer().await;
        assert_eq!((answer.status, answer.text()), (expected, format!("status {status}").as_str()));
    }
    server.stop().await;
}

// HTTPS-076
#[tokio::test]
async fn unauthorized_names_a_scheme() {
    let server = Server::start().await;
    let answer = server.post("", "status 401").await;
    assert_eq!(answer.field("www-authenticate"), Some("Bearer realm=\"openc2\""));
    assert_eq!(server.post("", "status 403").await.field("www-authenticate"), None);
    server.stop().await;
}

// HTTPS-080
#[tokio::test]
async fn an_empty_reply_has_length_0_and_no_content_type() {
    let server = Server::start().await;
    for status in StatusCode::ALL {
        let answer = server.post("X-Request-ID: a\r\n", &format!("empty {}", status.as_u16())).await;
        assert_eq!(answer.field("content-length"), Some("0"));
        assert_eq!(answer.field("content-type"), None);
        assert_eq!(answer.field("cache-control"), Some("no-cache"));
        assert_eq!(answer.field("x-request-id"), Some("a"));
    }
    server.stop().await;
}

// HTTPS-053, HTTPS-054
#[tokio::test]
async fn the_date_is_an_imf_fixdate_of_now() {
    let server = Server::start().await;
    for body in ["x", "empty 200", "status 500"] {
        let answer = server.post("", body).await;
        let date = answer.field("date").expect("there is a date");
        let age = httpdate::parse_http_date(date).expect("it is a date").elapsed().unwrap_or_default();
        assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
        assert!(age < PATIENCE, "{date}");
    }
    server.stop().await;
}

// HTTPS-047
#[tokio::test]
async fn a_request_id_that_is_not_legal_is_echoed_and_not_used() {
    let server = Server::start().await;
    let longest = "x".repeat(256);
    let too_long = "x".repeat(257);
    for (value, used) in
        [("a", true), ("\u{fc}", true), ("tab\tin", false), (longest.as_str(), true), (too_long.as_str(), false)]
    {
        let answer = server.post(&format!("x-REQUEST-id: {value}\r\n"), "x").await;
        assert_eq!((answer.status, answer.field("x-request-id")), (200, Some(value)));
        assert_eq!(server.witness.requests()[0].request_id.as_deref(), used.then_some(value));
    }
    let answer = server.post("X-Request-ID:\r\n", "x").await;
    assert_eq!((answer.status, answer.field("x-request-id")), (200, None));
    assert_eq!(server.witness.requests()[0].request_id, None);
    server.stop().await;
}

// HTTPS-007
#[tokio::test]
async fn accept_is_understood() {
    let server = Server::start().await;
    for value in [
        "*/*",
        "application/*",
        "application/openc2+json;version=1.0",
        "text/html, application/openc2+json; version=\"1.0\"; q=0.5",
        "text/html\r\nAccept: */*",
        "",
    ] {
        assert_eq!(server.post(&format!("Accept: {value}\r\n"), "x").await.status, 200, "{value}");
    }
    server.stop().await;
}

// HTTPS-007
#[tokio::test]
async fn a_producer_that_waits_for_100_continue_is_told_to_go_on() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    raw.send("POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").await;
    assert_eq!(raw.head().await.status, 100);
    raw.send("body").await;
    assert_eq!(raw.answer().await.text(), "body");
    raw.post("", "next").await;
    assert_eq!(raw.answer().await.text(), "next");
    server.stop().await;
}

// HTTPS-007
#[tokio::test]
async fn http_10_is_answered_and_the_connection_ends() {
    let server = Server::start().await;
    let (answer, raw) = server.ask("POST /.well-known/openc2 HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody").await;
    assert_eq!((answer.status, answer.text()), (200, "body"));
    raw.ends().await;
    server.stop().await;
}

// HTTPS-007
#[tokio::test]
async fn a_target_in_absolute_form_is_understood() {
    let server = Server::start().await;
    let target = "http://fw1.example.net/.well-known/openc2";
    let (answer, _) = server.ask(format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")).await;
    assert_eq!(answer.status, 200);
    server.stop().await;
}

// HTTPS-007: Java's client offers an upgrade with every first request.
#[tokio::test]
async fn an_upgrade_that_is_offered_is_ignored() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    raw.post("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n", "x").await;
    assert_eq!(raw.answer().await.text(), "x");
    server.stop().await;
}

// HTTPS-011
#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    let all = (0..50).map(|number| post("", &format!("number {number}"))).collect::<String>();
    raw.send(format!("\r\n{all}")).await;
    for number in 0..50 {
        assert_eq!(raw.answer().await.text(), format!("number {number}"));
    }
    server.stop().await;
}

// HTTPS-011
#[tokio::test]
async fn it_does_not_matter_by_which_way_requests_are_answered() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    // Hyper has the second kind, since the gate leaves it what says something of the peer, and the third, since it does not come at once.
    let lines = ["", "Authorization: none\r\n", ""];
    let body = |number: usize| format!("{number} {}", "x".repeat(if number % 3 == 2 { 20_000 } else { number }));
    let all = (0..9).map(|number| post(lines[number % 3], &body(number))).collect::<String>();
    raw.send(all).await;
    for number in 0..9 {
        let answer = raw.answer().await;
        assert_eq!((answer.status, answer.text()), (200, &*body(number)), "{number}");
    }
    server.stop().await;
}

// HTTPS-011
#[tokio::test]
async fn who_waits_for_an_answer_holds_up_those_behind_it() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    let last = "POST /.well-known/openc2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nend";
    raw.send([&post("", "wait"), &post("X-Request-ID: 2\r\n", "second"), last].concat()).await;
    server.witness.probe.waits().await;
    assert_eq!(server.witness.requests().len(), 1);
    server.witness.probe.release();
    assert_eq!(raw.answer().await.text(), "wait");
    let answer = raw.answer().await;
    assert_eq!((answer.text(), answer.field("x-request-id")), ("second", Some("2")));
    assert_eq!(raw.answer().await.status, 400);
    raw.ends().await;
    server.stop().await;
}

// HTTPS-011, HTTPS-077: the gate sees every head, also in a stream that is cut at every octet.
#[tokio::test]
async fn it_does_not_matter_how_the_octets_arrive() {
    let server = Server::start().await;
    let mut raw = server.connect().await;
    raw.stream.tcp().set_nodelay(true).unwrap();
    let last = "POST /.well-known/openc2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nend";
    for octet in [post("", "one"), post("X: y\r\n", "two"), last.to_owned()].concat().bytes() {
        raw.send([octet]).await;
        yield_now().await;
    }
    assert_eq!(raw.answer().await.text(), "one");
    assert_eq!(raw.answer().await.text(), "two");
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.text()), (400, "the request has no Host field"));
    raw.ends().await;
    server.stop().await;
}
