//! The end of a listener.

use std::time::{Duration, Instant};

use oc2_transfer_http::Settings;
use tokio::net::TcpStream;
use tokio::task::yield_now;

use crate::raw::post;
use crate::witness::{SHORT, Server};

#[tokio::test]
async fn a_shutdown_answers_what_is_under_way_and_closes_what_rests() {
    let mut server = Server::start().await;
    let (_, resting) = server.ask(post("", "first")).await;
    let fresh = server.connect().await;
    let mut busy = server.connect().await;
    busy.post("", "wait").await;
    server.witness.probe.waits().await;

    server.begin_shutdown();
    resting.ends().await;
    fresh.ends().await;
    assert!(TcpStream::connect(server.address).await.is_err(), "it still listens");
    assert!(!server.has_returned());

    server.witness.probe.release();
    let answer = busy.answer().await;
    assert_eq!((answer.text(), answer.field("connection")), ("wait", Some("close")));
    busy.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_without_connections_is_done_at_once() {
    let server = Server::start().await;
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_command_that_outlasts_the_grace_goes_on_without_its_connection() {
    let mut server = Server::with(Settings { grace: SHORT, ..Settings::default() }).await;
    let mut busy = server.connect().await;
    busy.post("", "wait").await;
    server.witness.probe.waits().await;
    let probe = server.witness.probe.clone();
    server.begin_shutdown();
    server.stop().await;
    assert_eq!(probe.handled(), 0);
    busy.ends_somehow().await;
    probe.release();
    while probe.handled() < 1 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_shutdown_takes_a_body_that_is_on_its_way() {
    let mut server = Server::start().await;
    let mut raw = server.connect().await;
    let request = post("", "a body");
    let (begin, rest) = request.split_at(request.len() - 3);
    raw.send(begin).await;
    // Another exchange gives the server the time to read what was sent.
    server.post("", "another").await;
    server.begin_shutdown();
    while TcpStream::connect(server.address).await.is_ok() {}
    raw.send(rest).await;
    assert_eq!(raw.answer().await.text(), "a body");
    raw.ends().await;
    server.stop().await;
}
