//! The Producer's side against servers that answer octet by octet.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use oc2_core::StatusCode;
use oc2_transfer::{Answer, Outgoing, Transfer, TransferError};
use oc2_transfer_http::{HttpTransfer, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::witness::{MEDIA_TYPE, SHORT, Server};

/// A server with one script per connection: after each whole request it sends the next piece, and then it closes.
struct Script {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<String>,
}

impl Script {
    async fn play(connections: Vec<Vec<String>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for answers in connections {
                let (mut stream, _) = listener.accept().await.unwrap();
                for answer in answers {
                    let Some(request) = read(&mut stream).await else { break };
                    sender.send(request).unwrap();
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        Self { address, requests }
    }

    /// One connection with one answer.
    async fn once(answer: impl Into<String>) -> Self {
        Self::play(vec![vec![answer.into()]]).await
    }

    fn transfer(&self) -> HttpTransfer {
        HttpTransfer::new(&format!("http://{}", self.address)).unwrap()
    }

    async fn request(&mut self) -> String {
        self.requests.recv().await.expect("there was a request")
    }
}

/// A request with its body.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut octets = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&octets).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().unwrap() {
                return Some(text);
            }
        }
        if stream.read_buf(&mut octets).await.unwrap() == 0 {
            return None;
        }
    }
}

async fn exchange(transfer: &HttpTransfer, body: &'static str) -> Result<Answer, TransferError> {
    let outgoing = Outgoing { request_id: Some("id-1".into()), ..Outgoing::new(body, MEDIA_TYPE) };
    transfer.exchange(outgoing).await?.next().await.expect("one answer")
}

async fn check_error(answer: impl Into<String>, expected: &str) {
    let script = Script::once(answer).await;
    let error = exchange(&script.transfer(), "x").await.expect_err(expected);
    assert_eq!(error.to_string(), expected);
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

// HTTPS-008, HTTPS-013, HTTPS-014, HTTPS-043, HTTPS-048, HTTPS-049, HTTPS-050, HTTPS-051, HTTPS-053
#[tokio::test]
async fn the_request_is_as_the_standard_says() {
    let mut script = Script::once(ok("{}")).await;
    let answer = exchange(&script.transfer(), "a command").await.unwrap();
    assert_eq!((answer.status, answer.content_type.as_deref()), (Some(StatusCode::Ok), Some(MEDIA_TYPE)));
    assert_eq!(answer.body, "{}");
    let request = script.request().await;
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /.well-known/openc2 HTTP/1.1"));
    assert_eq!(body, "a command");
    let mut fields = lines.map(|line| line.split_once(": ").unwrap()).collect::<Vec<_>>();
    fields.sort_unstable();
    let date = fields.iter().find(|(name, _)| *name == "date").expect("there is a date").1;
    let host = script.address.to_string();
    assert_eq!(
        fields,
        [
            ("accept", "application/openc2+json;version=1.0"),
            ("cache-control", "no-cache"),
            ("content-length", "9"),
            ("content-type", "application/openc2+json;version=1.0"),
            ("date", date),
            ("host", &host),
            ("x-request-id", "id-1"),
        ]
    );
    let is_imf = date.len() == 29 && date.ends_with(" GMT") && httpdate::parse_http_date(date).is_ok();
    assert!(is_imf, "{date}");
}

#[tokio::test]
async fn an_id_that_no_header_can_carry_is_left_to_the_message() {
    let mut script = Script::once(ok("{}")).await;
    let outgoing = Outgoing { request_id: Some("line\nbreak".into()), ..Outgoing::new("x", MEDIA_TYPE) };
    script.transfer().exchange(outgoing).await.unwrap();
    assert!(!script.request().await.contains("x-request-id"));
}

// HTTPS-011
#[tokio::test]
async fn a_connection_is_used_again() {
    let mut script = Script::play(vec![vec![ok("1"), ok("2"), ok("3")]]).await;
    let transfer = script.transfer();
    for number in ["1", "2", "3"] {
        assert_eq!(exchange(&transfer, "x").await.unwrap().body, number);
        script.request().await;
    }
}

// HTTPS-012
#[tokio::test]
async fn a_connection_that_the_server_closed_at_rest_is_replaced() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let transfer = HttpTransfer::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let (close, told) = std::sync::mpsc::channel();
    let (closed, is_closed) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        for number in ["1", "2"] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut octet = [b' '];
            while octet != [0] {
                std::io::Read::read_exact(&mut stream, &mut octet).unwrap();
            }
            std::io::Write::write_all(&mut stream, ok(number).as_bytes()).unwrap();
            told.recv().unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    });
    assert_eq!(exchange(&transfer, "\0").await.unwrap().body, "1");
    // The runtime stands still: nobody notices the end of the connection before the next exchange begins.
    close.send(()).unwrap();
    is_closed.recv().unwrap();
    assert_eq!(exchange(&transfer, "\0").await.unwrap().body, "2");
    close.send(()).unwrap();
    server.join().unwrap();
}

// HTTPS-012
#[tokio::test]
async fn a_connection_is_replaced_when_the_server_says_it_is_the_last() {
    let last = ok("1").replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let script = Script::play(vec![vec![last], vec![ok("2")]]).await;
    let transfer = script.transfer();
    assert_eq!(exchange(&transfer, "x").await.unwrap().body, "1");
    assert_eq!(exchange(&transfer, "x").await.unwrap().body, "2");
}

#[tokio::test]
async fn a_message_that_may_have_arrived_is_not_sent_again() {
    let mut script = Script::play(vec![vec![ok("1"), String::new()], vec![ok("2")]]).await;
    let transfer = script.transfer();
    exchange(&transfer, "first").await.unwrap();
    let error = exchange(&transfer, "second").await.unwrap_err();
    assert!(matches!(error, TransferError::Lost(_)), "{error}");
    assert!(script.request().await.ends_with("first"));
    assert!(script.request().await.ends_with("second"));
    exchange(&transfer, "third").await.unwrap();
    assert!(script.request().await.ends_with("third"));
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_lost() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nx"] {
        let script = Script::once(answer).await;
        let error = exchange(&script.transfer(), "x").await.unwrap_err();
        assert!(matches!(error, TransferError::Lost(_)), "{answer}: {error}");
    }
}

#[tokio::test]
async fn an_empty_answer_keeps_its_status() {
    for status in [200, 400, 401, 403, 404, 500, 501, 503] {
        let script = Script::once(format!("HTTP/1.1 {status} Any\r\nContent-Length: 0\r\n\r\n")).await;
        let answer = exchange(&script.transfer(), "x").await.unwrap();
        assert_eq!(answer.status, StatusCode::from_u16(status));
        assert_eq!((answer.content_type, answer.body.len()), (None, 0));
    }
}

// HTTPS-066
#[tokio::test]
async fn a_status_that_openc2_does_not_have_is_an_error_without_a_message() {
    check_error(
        "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n",
        "not an answer: HTTP status 405 Method Not Allowed is none of OpenC2",
    )
    .await;
    check_error("HTTP/1.1 204 No Content\r\n\r\n", "not an answer: HTTP status 204 No Content is none of OpenC2").await;
    check_error(
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno",
        "not an answer: HTTP status 502 Bad Gateway is none of OpenC2",
    )
    .await;
    let answer =
        format!("HTTP/1.1 422 Any\r\nContent-Type: {}\r\nContent-Length: 2\r\n\r\n{{}}", "Application/OpenC2-rsp+json");
    let answer = exchange(&Script::once(answer).await.transfer(), "x").await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (None, &b"{}"[..]));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    check_error(
        "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n",
        "not an answer: HTTP status 308 Permanent Redirect sends to \"https://elsewhere/\", and redirects are not followed",
    )
    .await;
}

// HTTPS-067: interim answers are none.
#[tokio::test]
async fn interim_answers_are_skipped() {
    let interim = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    let script = Script::once(format!("{interim}{}", ok("{}"))).await;
    assert_eq!(exchange(&script.transfer(), "x").await.unwrap().status, Some(StatusCode::Ok));
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    for answer in ["rubbish\r\n\r\n", "\x15\x03\x01\0\x02\x02F", "HTTP/2.0 200 OK\r\n\r\n"] {
        let error = exchange(&Script::once(answer).await.transfer(), "x").await.unwrap_err();
        assert!(matches!(error, TransferError::Protocol(_)), "{answer:?}: {error}");
    }
}

// HTTPS-078: chunked the other way.
#[tokio::test]
async fn chunked_answers_are_read() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert_eq!(exchange(&Script::once(answer).await.transfer(), "x").await.unwrap().body, "abcde");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_an_error() {
    let exact = "x".repeat(1 << 20);
    assert_eq!(exchange(&Script::once(ok(&exact)).await.transfer(), "x").await.unwrap().body.len(), 1 << 20);
    check_error(ok(&format!("{exact}x")), "not an answer: it is larger than 1048576 octets").await;
    check_error(format!("HTTP/1.1 200 OK\r\n\r\n{exact}x"), "not an answer: it is larger than 1048576 octets").await;
}

#[tokio::test]
async fn a_refusal_of_a_large_message_arrives() {
    let server = Server::with(Settings { max_body: 10, ..Settings::default() }).await;
    let transfer = HttpTransfer::new(&format!("http://{}", server.address)).unwrap();
    let outgoing = Outgoing::new(vec![b'x'; 20 << 20], MEDIA_TYPE);
    let answer = transfer.exchange(outgoing).await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(answer.status, Some(StatusCode::BadRequest));
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout() {
    for (begin, is_kept) in [("", false), ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false), ("", true)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let transfer = HttpTransfer::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            if is_kept {
                read(&mut stream).await;
                stream.write_all(ok("{}").as_bytes()).await.unwrap();
            }
            read(&mut stream).await;
            stream.write_all(begin.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        if is_kept {
            exchange(&transfer, "x").await.unwrap();
        }
        let began = Instant::now();
        let outgoing = Outgoing { timeout: SHORT, ..Outgoing::new("x", MEDIA_TYPE) };
        let error = transfer.exchange(outgoing).await.unwrap_err();
        assert!(matches!(error, TransferError::Timeout(SHORT)), "{error}");
        assert!(began.elapsed() >= SHORT);
    }
}

#[tokio::test]
async fn the_longest_timeout_is_no_timeout() {
    let script = Script::once(ok("{}")).await;
    let transfer = script.transfer().with_connect_timeout(Duration::MAX);
    let outgoing = Outgoing { timeout: Duration::MAX, ..Outgoing::new("x", MEDIA_TYPE) };
    assert!(transfer.exchange(outgoing).await.is_ok());
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let transfer = HttpTransfer::new(&format!("http://{address}")).unwrap();
    let error = exchange(&transfer, "x").await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("{address} cannot be reached: ")), "{error}");

    let transfer = HttpTransfer::new("http://host.invalid").unwrap();
    let error = exchange(&transfer, "x").await.unwrap_err();
    assert!(matches!(error, TransferError::Unreachable { .. }), "{error}");
}

/// A port whose queue of connections is full answers nothing, like a host behind a filter.
#[tokio::test]
async fn a_connection_that_does_not_come_about_is_unreachable() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    let url = format!("http://{address}");
    let transfer = HttpTransfer::new(&url).unwrap().with_connect_timeout(SHORT);
    let error = exchange(&transfer, "x").await.unwrap_err();
    assert_eq!(error.to_string(), format!("{address} cannot be reached: no connection in time"));

    let transfer = HttpTransfer::new(&url).unwrap();
    let outgoing = Outgoing { timeout: SHORT, ..Outgoing::new("x", MEDIA_TYPE) };
    let error = transfer.exchange(outgoing).await.unwrap_err();
    assert!(matches!(error, TransferError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn names_and_ipv6_addresses_are_connected_to() {
    let server = Server::start().await;
    let transfer = HttpTransfer::new(&format!("http://localhost:{}", server.address.port())).unwrap();
    assert_eq!(exchange(&transfer, "x").await.unwrap().body, "x");
    server.stop().await;

    // A host may have no IPv6.
    let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
    let transfer = HttpTransfer::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read(&mut stream).await;
        stream.write_all(ok("{}").as_bytes()).await.unwrap();
    });
    assert_eq!(exchange(&transfer, "x").await.unwrap().body, "{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_connections_suffice_for_many_exchanges() {
    let server = Server::with(Settings { max_connections: 1, ..Settings::default() }).await;
    let transfer = HttpTransfer::new(&format!("http://{}", server.address)).unwrap();
    for _ in 0..500 {
        let answer = exchange(&transfer, "x").await.unwrap();
        assert_eq!(answer.status, Some(StatusCode::Ok), "a second connection was made");
    }
    server.stop().await;
}
