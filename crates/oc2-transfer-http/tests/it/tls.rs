//! Who is let in, and who is told what (HTTPS 3.2.3, 3.2.4).

use std::sync::Arc;

use oc2_core::StatusCode;
use oc2_transfer::{Answer, Outgoing, Peer, Transfer, TransferError};
use oc2_transfer_http::{
    Authorities, ClientAuth, ClientCertificates, ClientTls, HttpTransfer, Identity, ServerTls, Settings, TlsError,
    TlsHandle, Token,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, HERE, Issues, Order, Paper, client, mutual};
use crate::raw::{PATIENCE, post};
use crate::witness::{MEDIA_TYPE, Secure, Server, connector};

/// A server that speaks TLS like this.
async fn server(tls: ServerTls) -> Server {
    let unused = Secure::new();
    Server::secure(Settings::default(), Secure { handle: TlsHandle::new(tls), ..unused }).await
}

fn transfer(server: &Server, tls: ClientTls) -> HttpTransfer {
    to(&format!("https://{}", server.address), tls)
}

fn to(url: &str, tls: ClientTls) -> HttpTransfer {
    HttpTransfer::new(url).expect("it is an address").with_tls(tls).expect("it is secure")
}

async fn exchange(transfer: &HttpTransfer, body: &'static str) -> Result<Answer, TransferError> {
    transfer.exchange(Outgoing::new(body, MEDIA_TYPE)).await?.next().await.expect("one answer")
}

/// An exchange that fails for this reason, and is not handled. It fails so whether or not the Producer has sent its Command
/// before it learns the reason.
async fn check_refused(server: &Server, tls: ClientTls, expected: &str) {
    for _ in 0..5 {
        let error = exchange(&transfer(server, tls.clone()), "x").await.expect_err(expected);
        assert_eq!(error.to_string(), format!("no agreement with {}: {expected}", server.address));
    }
    assert!(server.witness.requests().is_empty(), "{expected}");
}

async fn check_accepted(server: &Server, tls: ClientTls, name: &str) {
    let answer = exchange(&transfer(server, tls), "a command").await.expect(name);
    assert_eq!((answer.status, &answer.body[..]), (Some(StatusCode::Ok), &b"a command"[..]));
    let [request] = &server.witness.requests()[..] else { panic!("one request") };
    assert_eq!(request.peer, Peer::Authenticated(name.into()));
}

// HTTPS-002, HTTPS-014, HTTPS-019, HTTPS-027, HTTPS-028, HTTPS-074
#[tokio::test]
async fn a_producer_is_known_by_its_certificate() {
    let authority = Authority::new("everybody");
    let server = server(mutual(&authority.consumer(), authority.trusted())).await;
    let tls = client(authority.trusted(), Some(authority.producer("SOC-1.example.net")));
    check_accepted(&server, tls.clone(), "soc-1.example.net").await;
    // By its name as well as by its address.
    let by_name = to(&format!("https://localhost:{}", server.address.port()), tls);
    assert_eq!(exchange(&by_name, "x").await.expect("it is trusted").body, "x");
    server.stop().await;
}

// HTTPS-027, HTTPS-074
#[tokio::test]
async fn a_producer_without_a_certificate_is_refused() {
    let authority = Authority::new("everybody");
    let server = server(mutual(&authority.consumer(), authority.trusted())).await;
    check_refused(&server, client(authority.trusted(), None), "it wants a certificate, and none was shown").await;
    server.stop().await;
}

// HTTPS-027, HTTPS-074
#[tokio::test]
async fn a_producer_with_a_bad_certificate_is_refused() {
    let authority = Authority::new("everybody");
    let other = Authority::new("somebody else");
    let server = server(mutual(&authority.consumer(), authority.trusted())).await;
    let valid = |from, to| authority.fill(Order::client("soc-1").valid(from, to)).identity();
    for (identity, expected) in [
        (valid(2000, 2001), "it refuses our certificate: it is not valid now"),
        (valid(4000, 4001), "it refuses our certificate: it is not valid now"),
        (other.producer("soc-1"), "it refuses our certificate: its authority is not trusted there"),
        // That of a Consumer does not make a Producer.
        (authority.consumer(), "it refuses our certificate (UnsupportedCertificate)"),
    ] {
        check_refused(&server, client(authority.trusted(), Some(identity)), expected).await;
    }
    server.stop().await;
}

// HTTPS-027
#[tokio::test]
async fn a_revoked_producer_is_refused() {
    let authority = Authority::new("everybody");
    let trusted = authority.trusted().with_revocations(authority.revoke(&[7], 4000).as_bytes()).unwrap();
    let server = server(mutual(&authority.consumer(), trusted)).await;
    let numbered = |serial| authority.fill(Order::client("soc-1").serial(serial)).identity();
    let revoked = client(authority.trusted(), Some(numbered(7)));
    check_refused(&server, revoked, "it refuses our certificate: it was revoked").await;
    check_accepted(&server, client(authority.trusted(), Some(numbered(8))), "soc-1").await;
    server.stop().await;
}

#[tokio::test]
async fn who_cannot_be_told_from_a_revoked_producer_is_refused() {
    let authority = Authority::new("everybody");
    let other = Authority::new("somebody else");
    let soc = client(authority.trusted(), Some(authority.producer("soc-1")));
    for list in [authority.revoke(&[], 2001), other.revoke(&[], 4000)] {
        let trusted = authority.trusted().with_revocations(list.as_bytes()).unwrap();
        let server = server(mutual(&authority.consumer(), trusted)).await;
        // The alert for both says no more.
        check_refused(&server, soc.clone(), "it refuses our certificate: its authority is not trusted there").await;
        server.stop().await;
    }
}

// HTTPS-027, HTTPS-076
#[tokio::test]
async fn a_certificate_that_names_nobody_is_401_with_a_reason() {
    let authority = Authority::new("everybody");
    let paper = || authority.fill(Order::client_without_names("soc 1")).identity();
    let server = server(mutual(&authority.consumer(), authority.trusted())).await;
    let answer = exchange(&transfer(&server, client(authority.trusted(), Some(paper()))), "x").await.unwrap();
    assert_eq!(
        (answer.status, &answer.body[..]),
        (Some(StatusCode::Unauthorized), &b"the certificate does not name its owner"[..])
    );
    assert!(server.witness.requests().is_empty());
    assert_eq!(server.witness.refusals()[0].peer, Peer::Unauthenticated("127.0.0.1".into()));
    server.stop().await;

    let clients = ClientCertificates::new(authority.trusted()).with_common_name();
    let tls = ServerTls::new(&authority.consumer(), ClientAuth::Certificates(clients)).unwrap();
    let server = self::server(tls).await;
    check_accepted(&server, client(authority.trusted(), Some(paper())), "soc 1").await;
    server.stop().await;
}

// HTTPS-028, HTTPS-074
#[tokio::test]
async fn a_producer_refuses_a_bad_consumer() {
    let authority = Authority::new("everybody");
    let other = Authority::new("somebody else");
    let paper = |order: Order| authority.fill(order).identity();
    for (identity, expected) in [
        (other.consumer(), "its certificate was not issued by an authority that is trusted here"),
        (paper(Order::server(&HERE).valid(2000, 2001)), "its certificate has expired"),
        (paper(Order::server(&HERE).valid(4000, 4001)), "its certificate is not valid yet"),
        (paper(Order::server(&["fw2.example.net"])), "its certificate is for another name: fw2.example.net"),
        // That of a Producer does not make a Consumer.
        (authority.producer("localhost"), "its certificate is for another purpose"),
        (paper(Order::server(&HERE).serial(7)), "its certificate was revoked"),
    ] {
        let server = server(mutual(&identity, authority.trusted())).await;
        let trusted = authority.trusted().with_revocations(authority.revoke(&[7], 4000).as_bytes()).unwrap();
        check_refused(&server, client(trusted, Some(authority.producer("soc-1"))), expected).await;
        server.stop().await;
    }
}

// HTTPS-028
#[tokio::test]
async fn an_authority_of_tests_is_not_one_of_the_system() {
    let authority = Authority::new("everybody");
    let server = server(mutual(&authority.consumer(), authority.trusted())).await;
    let transfer = HttpTransfer::new(&format!("https://{}", server.address)).unwrap();
    let error = exchange(&transfer, "x").await.unwrap_err().to_string();
    let expected = [
        "its certificate was not issued by an authority that is trusted here",
        "the authorities of the system cannot be read",
    ];
    assert!(expected.iter().any(|reason| error.contains(reason)), "{error}");
    server.stop().await;
}

// HTTPS-058
#[tokio::test]
async fn plain_http_gets_no_http_from_a_secure_port() {
    let authority = Authority::new("everybody");
    let server = server(mutual(&authority.consumer(), authority.trusted())).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(post("", "x").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it ends").expect("in order");
    assert!(!answer.windows(4).any(|four| four == b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    assert!(answer.len() < 10, "{answer:?}");
    assert!(server.witness.requests().is_empty() && server.witness.refusals().is_empty());
    server.stop().await;
}

// HTTPS-058
#[tokio::test]
async fn a_plain_port_is_recognized() {
    let server = Server::start().await;
    let authority = Authority::new("everybody");
    let error = exchange(&to(&format!("https://{}", server.address), client(authority.trusted(), None)), "x").await;
    assert!(error.unwrap_err().to_string().ends_with("it does not speak TLS"));
    server.stop().await;
}

/// A Consumer that speaks TLS like this, and nothing behind it.
async fn foreign(
    change: impl FnOnce(&mut rustls::ServerConfig),
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> (Authority, String) {
    use rustls::pki_types::pem::PemObject;
    let authority = Authority::new("everybody");
    let paper = authority.fill(Order::server(&HERE));
    let chain = vec![rustls::pki_types::CertificateDer::from_pem_slice(paper.pem.as_bytes()).unwrap()];
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(paper.key.as_bytes()).unwrap();
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    let builder =
        rustls::ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    change(&mut config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let early = stream.get_ref().1.handshake_kind();
            let body = format!("{early:?} {:?}", stream.get_ref().1.alpn_protocol().map(String::from_utf8_lossy));
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (authority, url)
}

// HTTPS-018, HTTPS-019, HTTPS-026: the Consumer here resumes sessions and takes early data, and our Producer offers neither.
#[tokio::test]
async fn a_producer_speaks_both_versions_and_never_resumes() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (authority, url) = foreign(
            |config| {
                config.max_early_data_size = u32::MAX;
                config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            },
            &[version],
        )
        .await;
        let transfer = to(&url, client(authority.trusted(), None));
        for _ in 0..3 {
            let answer = exchange(&transfer, "x").await.expect("it is trusted");
            assert_eq!(answer.body, "Some(Full) Some(\"http/1.1\")");
        }
    }
}

#[tokio::test]
async fn a_consumer_of_http_2_only_is_refused() {
    let (authority, url) = foreign(|config| config.alpn_protocols = vec![b"h2".to_vec()], rustls::ALL_VERSIONS).await;
    let error = exchange(&to(&url, client(authority.trusted(), None)), "x").await.unwrap_err();
    assert!(error.to_string().ends_with("it does not speak HTTP/1.1"), "{error}");
}

// HTTPS-026: no ticket, so nothing to resume and nothing to send early.
#[tokio::test]
async fn a_consumer_gives_no_tickets_and_resumes_nothing() {
    let authority = Authority::new("everybody");
    let server = server(mutual(&authority.consumer(), authority.trusted())).await;
    let paper = authority.fill(Order::client("soc-1"));
    // One client, which would resume if it could.
    let connector = connector(&authority.pem(), Some(&paper));
    for _ in 0..3 {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        stream.write_all((post("Connection: close\r\n", "x")).as_bytes()).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.tls13_tickets_received(), 0);
        assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert!(!session.is_early_data_accepted());
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_for_tls_is_refused_with_plain_http() {
    let authority = Authority::new("everybody");
    let plain = || HttpTransfer::new("http://192.0.2.1").unwrap();
    let error = plain().with_tls(client(authority.trusted(), None)).unwrap_err();
    assert_eq!(error.to_string(), "the address \"http://192.0.2.1\" is plain HTTP, and settings of TLS were given");
    let error = plain().with_token(Token::from_fn(|| Ok("secret".to_owned()))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the address \"http://192.0.2.1\" is plain HTTP, and a token would be there for all to read"
    );
}

#[test]
fn what_cannot_be_used_is_named() {
    let authority = Authority::new("everybody");
    let (one, two) = (authority.fill(Order::server(&HERE)), authority.fill(Order::server(&HERE)));
    let check = |error: TlsError, expected: &str| assert!(error.to_string().starts_with(expected), "{error}");
    check(Identity::from_pem(b"", one.key.as_bytes()).unwrap_err(), "our certificate cannot be read: there is no");
    check(Identity::from_pem(one.pem.as_bytes(), b"").unwrap_err(), "our key cannot be read: ");
    check(
        Identity::from_pem(one.pem.as_bytes(), two.key.as_bytes()).unwrap_err(),
        "our certificate with our key cannot be used: ",
    );
    check(Authorities::from_pem(b"").unwrap_err(), "the authorities cannot be read: there is no certificate in it");
    check(
        authority.trusted().with_revocations(one.pem.as_bytes()).unwrap_err(),
        "the revocation lists cannot be read: there is none in it",
    );
    assert!(!format!("{:?}", one.identity()).contains("PRIVATE"));
}
