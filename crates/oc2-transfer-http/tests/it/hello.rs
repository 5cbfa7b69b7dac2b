//! A TLS client that says hello octet by octet, so that it can offer what no library offers any more (HTTPS 3.2.3).

use std::fmt::Write as _;

use oc2_transfer_http::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::raw::PATIENCE;
use crate::witness::{Secure, Server};

/// What a server says to a hello.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// It goes on with this version and suite.
    Hello(u16, u16),
    /// It ends the connection with this alert.
    Alert(u8),
}

/// Says hello with this version, as the oldest and the newest that is spoken, and these suites.
async fn say_hello(server: &Server, version: u16, suites: &[u16]) -> Said {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&hello(version, suites)).await.unwrap();
    let mut head = [0; 5];
    timeout(PATIENCE, stream.read_exact(&mut head)).await.expect("it answers in time").expect("it answers");
    let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut record).await.expect("the record is whole");
    match head[0] {
        21 => {
            assert_eq!(record[0], 2, "the alert is not fatal");
            Said::Alert(record[1])
        }
        22 => {
            assert_eq!(record[0], 2, "it is not a hello");
            let session = usize::from(record[38]);
            Said::Hello(pair(&record[4..]), pair(&record[39 + session..]))
        }
        kind => panic!("a record of kind {kind} came"),
    }
}

fn pair(octets: &[u8]) -> u16 {
    u16::from_be_bytes([octets[0], octets[1]])
}

/// RFC 5246 7.4.1.2, with all extensions that a suite may need.
fn hello(version: u16, suites: &[u16]) -> Vec<u8> {
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    // All curves and finite groups that had numbers, all signatures of SHA-1 to SHA-512 by RSA, DSA and ECDSA, and PSS.
    let groups: Vec<u8> = (1..=30).chain(256..=260).flat_map(u16::to_be_bytes).collect();
    let signatures: Vec<u8> =
        (2..=6).flat_map(|hash| (1..=3).flat_map(move |key| [hash, key])).chain([8, 4, 8, 5, 8, 6]).collect();
    let extensions = [
        extension(10, &with_length(2, &groups)),
        extension(11, &[1, 0]),
        extension(13, &with_length(2, &signatures)),
        extension(23, &[]),
    ]
    .concat();
    let body = [
        &version.to_be_bytes()[..],
        &[7; 32],
        &[0],
        &with_length(2, &suites),
        // All three methods of compression.
        &[3, 0, 1, 64],
        &with_length(2, &extensions),
    ]
    .concat();
    let message = [&[1][..], &with_length(3, &body)].concat();
    [&[22][..], &version.min(0x0301).to_be_bytes(), &with_length(2, &message)].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &with_length(2, content)].concat()
}

fn with_length(n_octets: usize, content: &[u8]) -> Vec<u8> {
    [&u32::try_from(content.len()).unwrap().to_be_bytes()[4 - n_octets..], content].concat()
}

async fn server() -> Server {
    Server::secure(Settings::default(), Secure::new()).await
}

// HTTPS-018, HTTPS-023
#[tokio::test]
async fn a_client_of_tls_1_2_gets_a_suite_with_ephemeral_keys_and_authenticated_encryption() {
    let server = server().await;
    // The certificate has an elliptic curve.
    for suite in [0xc02b, 0xc02c, 0xcca9] {
        assert_eq!(say_hello(&server, 0x0303, &[suite]).await, Said::Hello(0x0303, suite));
    }
    server.stop().await;
}

// HTTPS-020, HTTPS-021
#[tokio::test]
async fn older_versions_are_refused() {
    let server = server().await;
    let all: Vec<u16> = (0x0000..=0x00ff).chain(0xc000..=0xc0ff).chain([0xcca8, 0xcca9, 0xccaa]).collect();
    for version in [0x0300, 0x0301, 0x0302] {
        assert_eq!(say_hello(&server, version, &all).await, Said::Alert(PROTOCOL_VERSION), "{version:#06x}");
    }
    // The hello of SSL 2.0 (RFC 6101 E) has no record around it.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let ssl_2 = [&[0x80, 0x2e, 1, 0, 2, 0, 21, 0, 0, 0, 16][..], &[1, 0, 128, 2, 0, 128, 3, 0, 128], &[7; 28]].concat();
    stream.write_all(&ssl_2).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it ends in time");
    assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
    assert!(server.witness.requests().is_empty());
    server.stop().await;
}

// HTTPS-023, HTTPS-025: RFC 7540 appendix A lies within 0x0000 to 0x00ff and 0xc001 to 0xc0af; all the numbers there, known or
// not, are offered, one by one and together, but those that the standard allows and we have.
#[tokio::test]
async fn suites_of_the_black_list_are_refused() {
    let server = server().await;
    let allowed = [0xc02b, 0xc02c, 0xc02f, 0xc030];
    let black: Vec<u16> = (0x0000..=0x00ff).chain(0xc000..=0xc0ff).filter(|suite| !allowed.contains(suite)).collect();
    assert_eq!(say_hello(&server, 0x0303, &black).await, Said::Alert(HANDSHAKE_FAILURE));
    let mut accepted = String::new();
    for &suite in &black {
        if say_hello(&server, 0x0303, &[suite]).await != Said::Alert(HANDSHAKE_FAILURE) {
            let _ = write!(accepted, " {suite:#06x}");
        }
    }
    assert_eq!(accepted, "");
    server.stop().await;
}

const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
