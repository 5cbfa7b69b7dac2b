//! Peers that take their time with a handshake, or make many.

use std::time::{Duration, Instant};

use oc2_transfer_http::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::raw::{PATIENCE, post};
use crate::witness::{SHORT, Secure, Server};

async fn server(settings: Settings) -> Server {
    Server::secure(settings, Secure::new()).await
}

/// A connection from another address of this host.
async fn from(address: &str, server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).expect("all of 127.0.0.0/8 is this host");
    socket.connect(server.address).await.unwrap()
}

async fn check_closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it ends in time");
    assert!(read.is_err() || rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn a_stalled_handshake_is_given_up() {
    let server = server(Settings { handshake_timeout: SHORT, ..Settings::default() }).await;
    // Nothing at all, and the begin of a record.
    for octets in [&b""[..], &[22, 3, 1, 2, 0, 1, 0]] {
        let began = Instant::now();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(octets).await.unwrap();
        check_closed(stream).await;
        assert!(began.elapsed() >= SHORT);
    }
    server.stop().await;
}

/// An octet now and then does not prolong it.
#[tokio::test]
async fn a_handshake_that_trickles_in_has_no_more_time() {
    let server = server(Settings { handshake_timeout: SHORT, ..Settings::default() }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let began = Instant::now();
    let record = [&[22, 3, 1, 2, 0, 1, 0, 1, 252][..], &[0; 500]].concat();
    for octet in record {
        if stream.write_all(&[octet]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn stalled_handshakes_of_one_address_keep_nobody_else_out() {
    let settings = Settings {
        handshake_timeout: Duration::from_secs(600),
        max_handshakes: 4,
        max_handshakes_per_address: 2,
        max_connections: 40,
        max_connections_per_address: 20,
        ..Settings::default()
    };
    let server = server(settings).await;
    let mut stalled = Vec::new();
    for _ in 0..60 {
        stalled.push(from("127.0.0.2", &server).await);
    }
    for _ in 0..10 {
        let answer = server.post("", "x").await;
        assert_eq!((answer.status, answer.text()), (200, "x"));
    }
    server.stop().await;
}

/// Who waits for its turn gets it when the one before is done.
#[tokio::test]
async fn a_handshake_of_the_same_address_waits_for_its_turn() {
    let settings = Settings { handshake_timeout: SHORT, max_handshakes_per_address: 1, ..Settings::default() };
    let server = server(settings).await;
    let stalled = TcpStream::connect(server.address).await.unwrap();
    let began = Instant::now();
    assert_eq!(server.post("", "x").await.status, 200);
    assert!(began.elapsed() >= SHORT - Duration::from_millis(50));
    check_closed(stalled).await;
    server.stop().await;
}

// HTTPS-066, DECISIONS H2
#[tokio::test]
async fn one_address_has_its_share_of_connections_and_no_more() {
    let settings = Settings { max_connections: 4, max_connections_per_address: 2, ..Settings::default() };
    let server = server(settings).await;
    let (_, first) = server.ask(post("", "first")).await;
    let (_, second) = server.ask(post("", "second")).await;
    let (answer, raw) = server.ask(post("X-Request-ID: a\r\n", "third")).await;
    assert_eq!((answer.status, answer.text()), (503, "there are too many connections"));
    raw.ends().await;
    let mut other = server.speak(from("127.0.0.2", &server).await).await;
    other.post("", "other").await;
    assert_eq!(other.answer().await.text(), "other");
    drop((first, second));
    while server.post("", "fourth").await.status == 503 {}
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_handshakes() {
    let mut server = server(Settings { handshake_timeout: Duration::from_secs(600), ..Settings::default() }).await;
    let stalled = TcpStream::connect(server.address).await.unwrap();
    server.post("", "x").await;
    let began = Instant::now();
    server.begin_shutdown();
    check_closed(stalled).await;
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// While one address floods, with handshakes that succeed and some that do not, another is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_handshakes_from_one_address_leaves_others_served() {
    let server = std::sync::Arc::new(server(Settings::default()).await);
    let flood = (0..64).map(|number| {
        let server = std::sync::Arc::clone(&server);
        tokio::spawn(async move {
            loop {
                let mut stream = from("127.0.0.2", &server).await;
                if number % 2 == 0 {
                    let _ = stream.write_all(&[22, 3, 1, 0, 4, 1, 0, 0, 0]).await;
                } else if let Some(secure) = server.secure_client() {
                    let _ = secure.shake_hands(stream).await;
                }
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    for _ in 0..20 {
        let answer = timeout(Duration::from_secs(10), server.post("", "x")).await.expect("it is served in time");
        assert_eq!(answer.status, 200);
    }
    for flooder in &flood {
        flooder.abort();
    }
}
