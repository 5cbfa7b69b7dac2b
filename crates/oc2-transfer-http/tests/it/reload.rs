//! New certificates, lists and authorities while connections are open.

use std::time::Duration;

use oc2_transfer::Peer;
use oc2_transfer_http::{Settings, TlsHandle};
use tokio::net::TcpStream;
use tokio::time;

use crate::authority::{Authority, Certificate, Issues, Order, mutual};
use crate::raw::{Raw, Wire};
use crate::witness::{Secure, Server, connector};

async fn server(handle: &TlsHandle) -> Server {
    let unused = Secure::new();
    Server::secure(Settings::default(), Secure { handle: handle.clone(), ..unused }).await
}

/// A connection of this Producer, and the certificate of the Consumer.
async fn connect(server: &Server, authority: &Authority, paper: &Certificate) -> (Raw, Vec<u8>) {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let connector = connector(&authority.pem(), Some(paper));
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.expect("it is trusted");
    let shown = stream.get_ref().1.peer_certificates().expect("it shows one")[0].to_vec();
    (Raw::over(Wire::Tls(Box::new(stream))), shown)
}

async fn check_served(raw: &mut Raw, server: &Server, name: &str) {
    raw.post("", "x").await;
    assert_eq!(raw.answer().await.status, 200);
    assert_eq!(server.witness.requests()[0].peer, Peer::Authenticated(name.into()));
}

async fn check_refused(mut raw: Raw, expected: &str) {
    raw.post("X-Request-ID: a\r\n", "x").await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.text()), (401, expected));
    assert_eq!(answer.field("www-authenticate"), Some("Bearer realm=\"openc2\""));
    assert_eq!((answer.field("connection"), answer.field("x-request-id")), (Some("close"), Some("a")));
    raw.ends().await;
}

#[tokio::test]
async fn a_connection_outlasts_a_reload_and_the_next_sees_the_new_certificate() {
    let authority = Authority::new("everybody");
    let handle = TlsHandle::new(mutual(&authority.consumer(), authority.trusted()));
    let server = server(&handle).await;
    let paper = authority.fill(Order::client("soc-1"));
    let (mut old, old_certificate) = connect(&server, &authority, &paper).await;
    check_served(&mut old, &server, "soc-1").await;
    handle.reload(mutual(&authority.consumer(), authority.trusted()));
    check_served(&mut old, &server, "soc-1").await;
    let (mut new, new_certificate) = connect(&server, &authority, &paper).await;
    check_served(&mut new, &server, "soc-1").await;
    check_served(&mut old, &server, "soc-1").await;
    assert_ne!(old_certificate, new_certificate);
    server.stop().await;
}

// HTTPS-027
#[tokio::test]
async fn who_is_revoked_meanwhile_is_refused_on_the_old_connection_too() {
    let authority = Authority::new("everybody");
    let consumer = authority.consumer();
    let with_list = |serials: &[u64]| {
        mutual(&consumer, authority.trusted().with_revocations(authority.revoke(serials, 4000).as_bytes()).unwrap())
    };
    let handle = TlsHandle::new(with_list(&[]));
    let server = server(&handle).await;
    let [(mut first, _), (mut second, _)] = [
        connect(&server, &authority, &authority.fill(Order::client("soc-1").serial(7))).await,
        connect(&server, &authority, &authority.fill(Order::client("soc-2").serial(8))).await,
    ];
    check_served(&mut first, &server, "soc-1").await;
    check_served(&mut second, &server, "soc-2").await;
    // A Command under way is not touched.
    first.post("", "wait").await;
    server.witness.probe.waits().await;
    server.witness.requests();
    handle.reload(with_list(&[7]));
    server.witness.probe.release();
    assert_eq!(first.answer().await.text(), "wait");
    check_refused(first, "the certificate was revoked").await;
    check_served(&mut second, &server, "soc-2").await;
    server.stop().await;
}

#[tokio::test]
async fn whose_authority_is_gone_is_refused_on_the_old_connection_too() {
    let (authority, next) = (Authority::new("everybody"), Authority::new("the next one"));
    let handle = TlsHandle::new(mutual(&authority.consumer(), authority.trusted()));
    let server = server(&handle).await;
    let (mut raw, _) = connect(&server, &authority, &authority.fill(Order::client("soc-1"))).await;
    check_served(&mut raw, &server, "soc-1").await;
    handle.reload(mutual(&authority.consumer(), next.trusted()));
    check_refused(raw, "the certificate was not issued by an authority that is trusted here").await;
    assert!(server.witness.requests().is_empty());
    server.stop().await;
}

/// A look at the certificate is taken once a minute.
#[tokio::test]
async fn a_connection_does_not_outlast_its_certificate() {
    let authority = Authority::new("everybody");
    let handle = TlsHandle::new(mutual(&authority.consumer(), authority.trusted()));
    let server = server(&handle).await;
    let life = Duration::from_secs(3);
    let [(mut short, _), (mut long, _)] = [
        connect(&server, &authority, &authority.fill(Order::client("soc-1").expires_in(life))).await,
        connect(&server, &authority, &authority.fill(Order::client("soc-2"))).await,
    ];
    check_served(&mut short, &server, "soc-1").await;
    check_served(&mut long, &server, "soc-2").await;
    time::sleep(life + Duration::from_secs(1)).await;
    time::pause();
    time::advance(Duration::from_secs(61)).await;
    time::resume();
    check_refused(short, "the certificate has expired").await;
    server.witness.requests();
    check_served(&mut long, &server, "soc-2").await;
    server.stop().await;
}
