//! The Consumer's side of HTTP, over a connection of the loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use oc2_core::StatusCode;
use oc2_transfer::{Encoded, Handler, Listener, Refusal, Reply, Request};
use oc2_transfer_http::{HttpListener, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// Octets on a connection of their own: the server ends it in time, and answers with the status codes of HTTPS 4.2.1 alone.
pub fn http(bytes: &[u8]) {
    SERVER.with(|server| {
        let answers = server.runtime.block_on(exchange(server.address, bytes));
        check(&answers);
    });
}

thread_local! {
    static SERVER: Server = Server::start();
}

/// A server that is driven by whoever waits for it.
struct Server {
    runtime: Runtime,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime.block_on(HttpListener::bind(any_port, Settings::default())).expect("a port");
        let address = listener.local_addr();
        runtime.spawn(listener.serve(Echo, std::future::pending()));
        Self { runtime, address }
    }
}

/// Answers a message with itself.
struct Echo;

impl Handler for Echo {
    async fn handle(&self, request: Request) -> Reply {
        Reply::new(StatusCode::Ok, Encoded { bytes: request.body, media_type: MEDIA_TYPE })
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let bytes = refusal.rejection.to_string().into_bytes().into();
        Reply::new(refusal.rejection.status(), Encoded { bytes, media_type: MEDIA_TYPE })
    }
}

async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    // The server may have heard enough before everything is sent.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answers = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answers)).await;
    assert!(read.is_ok(), "the connection does not end; so far came {}", answers.escape_ascii());
    answers
}

fn check(answers: &[u8]) {
    if answers.is_empty() {
        return;
    }
    let status = answers.strip_prefix(b"HTTP/1.1 ").or_else(|| answers.strip_prefix(b"HTTP/1.0 "));
    let status = status.and_then(|rest| rest.get(..3)).unwrap_or_default();
    assert!(STATUS.contains(&status), "no such status: {}", answers.escape_ascii());
    assert!(answers.windows(4).any(|four| four == b"\r\n\r\n"), "no end of a head: {}", answers.escape_ascii());
}

const MEDIA_TYPE: &str = "application/openc2+json;version=1.0";
const PATIENCE: Duration = Duration::from_secs(5);
/// Those that may be final, and the one before (DECISIONS H2).
const STATUS: &[&[u8]] = &[b"100", b"200", b"400", b"401", b"403", b"404", b"500", b"501", b"503"];
