//! Producers that show a token (RFC 6750, 7519).

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use oc2_core::StatusCode;
use oc2_transfer::{Outgoing, Peer, Transfer};
use oc2_transfer_http::{ClientAuth, HttpTransfer, ServerTls, Settings, TlsHandle, Token, Tokens};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::authority::{Authority, Issues, client};
use crate::raw::Answer;
use crate::witness::{MEDIA_TYPE, Secure, Server, connector};

const ISSUER: &str = "https://sso.example.net";
const AUDIENCE: &str = "openc2";

/// Somebody who signs tokens.
struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    jwk: Value,
}

impl Signer {
    fn new(algorithm: Algorithm, id: &str) -> Self {
        let coordinates = |key: &KeyPair, curve| {
            let (x, y) = key.public_key_raw()[1..].split_at(key.public_key_raw().len() / 2);
            json!({ "kty": "EC", "crv": curve, "kid": id, "x": BASE64URL_NOPAD.encode(x), "y": BASE64URL_NOPAD.encode(y) })
        };
        let pair = |kind| KeyPair::generate_for(kind).unwrap();
        let (key, jwk) = match algorithm {
            Algorithm::ES256 => {
                let key = pair(&PKCS_ECDSA_P256_SHA256);
                (EncodingKey::from_ec_der(key.serialized_der()), coordinates(&key, "P-256"))
            }
            Algorithm::ES384 => {
                let key = pair(&PKCS_ECDSA_P384_SHA384);
                (EncodingKey::from_ec_der(key.serialized_der()), coordinates(&key, "P-384"))
            }
            Algorithm::EdDSA => {
                let key = pair(&PKCS_ED25519);
                let x = BASE64URL_NOPAD.encode(key.public_key_raw());
                let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": x, "use": "sig", "alg": "EdDSA" });
                (EncodingKey::from_ed_der(key.serialized_der()), jwk)
            }
            algorithm => panic!("{algorithm:?} is not made here"),
        };
        Self { key, algorithm, jwk }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: self.jwk["kid"].as_str().map(str::to_owned), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "soc-1", "exp": now() + 300, "nbf": now() - 300 })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn tokens(signers: &[&Signer]) -> Tokens {
    let keys: Vec<_> = signers.iter().map(|signer| &signer.jwk).collect();
    Tokens::new(json!({ "keys": keys }).to_string().as_bytes(), ISSUER, AUDIENCE).expect("the keys can be used")
}

/// A Consumer that asks for tokens.
struct Site {
    authority: Authority,
    handle: TlsHandle,
    server: Server,
}

impl Site {
    async fn new(tokens: Tokens) -> Self {
        let authority = Authority::new("everybody");
        let handle = TlsHandle::new(tls(&authority, tokens));
        let secure = Secure { handle: handle.clone(), connector: connector(&authority.pem(), None) };
        Self { authority, handle, server: Server::secure(Settings::default(), secure).await }
    }

    async fn ask(&self, authorization: &str) -> Answer {
        self.server.post(&format!("Authorization: {authorization}\r\nX-Request-ID: a\r\n"), "x").await
    }

    async fn check_accepted(&self, token: &str, name: &str) {
        let answer = self.ask(&format!("Bearer {token}")).await;
        assert_eq!((answer.status, answer.text()), (200, "x"), "{name}");
        assert_eq!(self.server.witness.requests()[0].peer, Peer::Authenticated(name.into()));
    }

    async fn check_refused(&self, token: &str, expected: &str) {
        let answer = self.ask(&format!("Bearer {token}")).await;
        assert_eq!((answer.status, answer.text()), (401, expected));
        assert_eq!(answer.field("www-authenticate"), Some("Bearer realm=\"openc2\", error=\"invalid_token\""));
        assert_eq!((answer.field("connection"), answer.field("x-request-id")), (Some("close"), Some("a")));
        assert!(self.server.witness.requests().is_empty(), "{expected}");
        let refusals = self.server.witness.refusals();
        assert_eq!(refusals[0].peer, Peer::Unauthenticated("127.0.0.1".into()));
        assert_eq!(refusals[0].request_id.as_deref(), Some("a"));
    }
}

fn tls(authority: &Authority, tokens: Tokens) -> ServerTls {
    ServerTls::new(&authority.consumer(), ClientAuth::Tokens(tokens)).expect("it can be set up")
}

// HTTPS-027, HTTPS-074
#[tokio::test]
async fn a_producer_is_known_by_its_token() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let signer = Signer::new(algorithm, "key 1");
        let site = Site::new(tokens(&[&Signer::new(algorithm, "key 0"), &signer])).await;
        site.check_accepted(&signer.sign(&claims()), "soc-1").await;
        site.check_accepted(&signer.sign(&with("aud", json!(["other", AUDIENCE]))), "soc-1").await;
        site.check_accepted(&signer.sign(&without("nbf")), "soc-1").await;
        // The clocks differ a little.
        site.check_accepted(&signer.sign(&with("exp", json!(now() - 5))), "soc-1").await;
        site.check_accepted(&signer.sign(&with("nbf", json!(now() + 5))), "soc-1").await;
        site.server.stop().await;
    }
}

// HTTPS-027, HTTPS-076
#[tokio::test]
async fn a_request_without_a_token_is_401() {
    let signer = Signer::new(Algorithm::ES256, "key 1");
    let site = Site::new(tokens(&[&signer])).await;
    let good = signer.sign(&claims());
    for lines in
        [String::new(), "Authorization: Basic c29jOnNlY3JldA==\r\n".into(), format!("Authorization: {good}\r\n")]
    {
        // Strangers do not learn which paths there are.
        for path in ["/.well-known/openc2", "/"] {
            let request = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: 1\r\n\r\nx");
            let (answer, raw) = site.server.ask(request).await;
            assert_eq!((answer.status, answer.text()), (401, "a token is needed (Authorization: Bearer)"));
            assert_eq!(answer.field("www-authenticate"), Some("Bearer realm=\"openc2\""));
            raw.ends().await;
        }
    }
    let two = format!("Authorization: Bearer {good}\r\nAuthorization: Bearer {good}\r\n");
    let answer = site.server.post(&two, "x").await;
    assert_eq!((answer.status, answer.text()), (401, "the request has two Authorization fields"));
    assert!(site.server.witness.requests().is_empty());
    site.server.stop().await;
}

// HTTPS-027, HTTPS-076
#[tokio::test]
async fn a_token_of_another_time_place_or_maker_is_401() {
    let signer = Signer::new(Algorithm::ES256, "key 1");
    let site = Site::new(tokens(&[&signer])).await;
    for (claims, expected) in [
        (with("exp", json!(now() - 60)), "the token has expired"),
        (with("nbf", json!(now() + 60)), "the token is not valid yet"),
        (with("aud", json!("other")), "the token is for another audience"),
        (with("aud", json!([])), "the token is for another audience"),
        (with("iss", json!("https://evil.example.net")), "the token is from another issuer"),
        (without("exp"), "the token lacks its issuer, its audience or its end"),
        (without("aud"), "the token lacks its issuer, its audience or its end"),
        (without("iss"), "the token lacks its issuer, its audience or its end"),
        (with("exp", json!("tomorrow")), "the token lacks its issuer, its audience or its end"),
        (with("nbf", json!("now")), "the token cannot be read"),
        (without("sub"), "the token does not name its owner"),
        (with("sub", json!("")), "the token does not name its owner"),
        (with("sub", json!(1)), "the token does not name its owner"),
        (with("sub", json!("a\nb")), "the token does not name its owner"),
        (with("sub", json!("x".repeat(257))), "the token does not name its owner"),
    ] {
        site.check_refused(&signer.sign(&claims), expected).await;
    }
    // Another key under the same id, and an id that is not known.
    site.check_refused(&Signer::new(Algorithm::ES256, "key 1").sign(&claims()), "the signature of the token is wrong")
        .await;
    let unknown = "the token is signed by a key that is not known";
    site.check_refused(&Signer::new(Algorithm::ES256, "key 2").sign(&claims()), unknown).await;
    // The right id, and an algorithm of another kind of key.
    site.check_refused(&Signer::new(Algorithm::EdDSA, "key 1").sign(&claims()), unknown).await;
    site.server.stop().await;
}

// HTTPS-027
#[tokio::test]
async fn a_token_that_is_not_signed_by_a_key_pair_is_401() {
    let signer = Signer::new(Algorithm::ES256, "key 1");
    let site = Site::new(tokens(&[&signer])).await;
    let none = "the token is none, or not signed by an accepted algorithm";
    let payload = BASE64URL_NOPAD.encode(claims().to_string().as_bytes());
    let made = |header: Value, signature: &str| {
        format!("{}.{payload}.{signature}", BASE64URL_NOPAD.encode(header.to_string().as_bytes()))
    };
    for algorithm in ["none", "None", "NONE", "nOnE", "", "ES512", "HS257"] {
        site.check_refused(&made(json!({ "alg": algorithm, "kid": "key 1" }), ""), none).await;
        site.check_refused(&made(json!({ "alg": algorithm, "typ": "JWT" }), "AAAA"), none).await;
    }
    site.check_refused(&made(json!({ "kid": "key 1" }), ""), none).await;
    for rubbish in ["x", "a.b", "a.b.c", "a.b.c.d", "..", "=.=.="] {
        site.check_refused(rubbish, none).await;
    }
    // The public key taken for a shared secret.
    let public = BASE64URL_NOPAD.decode(signer.jwk["x"].as_str().unwrap().as_bytes()).unwrap();
    for secret in [&public[..], signer.jwk.to_string().as_bytes(), b""] {
        let header = Header { kid: Some("key 1".into()), ..Header::new(Algorithm::HS256) };
        let forged = encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap();
        site.check_refused(&forged, "the token is signed by a key that is not known").await;
    }
    // A good signature of something else, and none where one has to be.
    let good = signer.sign(&claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let other = BASE64URL_NOPAD.encode(with("sub", json!("admin")).to_string().as_bytes());
    for forged in [format!("{header}.{other}.{signature}"), format!("{head}."), format!("{head}.AAAA")] {
        let answer = site.ask(&format!("Bearer {forged}")).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    // RFC 7515 4.1.11
    let header = Header { kid: Some("key 1".into()), crit: Some(vec!["b64".into()]), ..Header::new(Algorithm::ES256) };
    let critical = encode(&header, &claims(), &signer.key).unwrap();
    site.server.witness.refusals();
    site.check_refused(&critical, "the token asks for an extension that is not known").await;
    assert!(site.server.witness.requests().is_empty());
    site.server.stop().await;
}

#[tokio::test]
async fn another_claim_may_name_the_producer() {
    let signer = Signer::new(Algorithm::ES256, "key 1");
    let site = Site::new(tokens(&[&signer]).with_claim("client_id")).await;
    site.check_accepted(&signer.sign(&with("client_id", json!("soc-2"))), "soc-2").await;
    site.check_refused(&signer.sign(&claims()), "the token does not name its owner").await;
    site.server.stop().await;
}

#[tokio::test]
async fn new_keys_count_for_the_next_request_of_a_connection() {
    let (old, new) = (Signer::new(Algorithm::ES256, "key 1"), Signer::new(Algorithm::EdDSA, "key 2"));
    let site = Site::new(tokens(&[&old])).await;
    let mut raw = site.server.connect().await;
    let field = |signer: &Signer| format!("Authorization: bearer {}\r\n", signer.sign(&claims()));
    raw.post(&field(&old), "x").await;
    assert_eq!(raw.answer().await.status, 200);
    site.handle.reload(tls(&site.authority, tokens(&[&new])));
    raw.post(&field(&new), "x").await;
    assert_eq!(raw.answer().await.status, 200);
    raw.post(&field(&old), "x").await;
    assert_eq!(raw.answer().await.text(), "the token is signed by a key that is not known");
    raw.ends().await;
    site.server.stop().await;
}

#[tokio::test]
async fn a_token_is_asked_for_anew_with_each_message() {
    let signer = Signer::new(Algorithm::ES256, "key 1");
    let site = Site::new(tokens(&[&signer])).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let transfer = HttpTransfer::new(&format!("https://{}", site.server.address)).unwrap();
    let transfer = transfer.with_tls(client(site.authority.trusted(), None)).unwrap();
    let transfer = transfer.with_token(Token::from_file(&path)).unwrap();
    let exchange = async || transfer.exchange(Outgoing::new("x", MEDIA_TYPE)).await?.next().await.expect("one answer");
    let error = exchange().await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached: our token cannot be read: "), "{error}");
    for (expires, expected) in
        [(now() - 60, StatusCode::Unauthorized), (now() + 60, StatusCode::Ok), (now() + 61, StatusCode::Ok)]
    {
        fs::write(&path, signer.sign(&with("exp", json!(expires))) + "\n").unwrap();
        assert_eq!(exchange().await.unwrap().status, Some(expected));
    }
    site.server.stop().await;
}

#[test]
fn keys_that_cannot_be_used_are_named() {
    let check = |keys: Value, expected: &str| {
        let error = Tokens::new(keys.to_string().as_bytes(), ISSUER, AUDIENCE).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    let none = "the keys of tokens cannot be used: there is none for signatures of a kind that is accepted";
    let good = Signer::new(Algorithm::ES256, "key 1").jwk;
    let changed = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        json!({ "keys": [key] })
    };
    check(json!([]), "the keys of tokens cannot be read: ");
    check(json!({ "keys": [] }), none);
    check(changed("use", json!("enc")), none);
    check(changed("key_ops", json!(["encrypt"])), none);
    check(changed("alg", json!("ES384")), none);
    check(changed("crv", json!("P-521")), none);
    let secret = json!({ "kty": "oct", "k": "AAAA", "kid": "key 2" });
    check(json!({ "keys": [good, secret] }), "the keys of tokens cannot be used: a secret key is among them");
    check(json!({ "keys": vec![&good; 65] }), "the keys of tokens cannot be used: there are more than 64");
    assert!(Tokens::new(json!({ "keys": [good] }).to_string().as_bytes(), "", AUDIENCE).is_err());
    assert!(Tokens::new(json!({ "keys": [good] }).to_string().as_bytes(), ISSUER, "").is_err());
}

/// RSA keys take long to find, so openssl finds this one.
#[tokio::test]
async fn tokens_may_be_signed_by_rsa() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(folder.path()).output().ok()?;
        output.status.success().then_some(output.stdout)
    };
    let made = run(&["genrsa", "-out", "key.pem", "2048"])
        .and_then(|_| run(&["rsa", "-in", "key.pem", "-traditional", "-outform", "DER", "-out", "key.der"]))
        .and_then(|_| run(&["rsa", "-in", "key.pem", "-noout", "-modulus"]));
    let Some(modulus) = made else {
        assert!(std::env::var_os("CI").is_none(), "openssl is missing");
        return println!("skipped: openssl is not installed");
    };
    let modulus = String::from_utf8(modulus).unwrap();
    let n = HEXLOWER_PERMISSIVE.decode(modulus.trim().strip_prefix("Modulus=").unwrap().as_bytes()).unwrap();
    let jwk = json!({ "kty": "RSA", "kid": "key 1", "n": BASE64URL_NOPAD.encode(&n), "e": "AQAB" });
    let key = EncodingKey::from_rsa_der(&fs::read(folder.path().join("key.der")).unwrap());
    let mut signer = Signer { key, algorithm: Algorithm::RS256, jwk };
    let site = Site::new(tokens(&[&signer])).await;
    for algorithm in [Algorithm::RS256, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384] {
        signer.algorithm = algorithm;
        site.check_accepted(&signer.sign(&claims()), "soc-1").await;
    }
    site.server.stop().await;
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_token_is_in_no_log_and_no_answer() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let signer = Signer::new(Algorithm::ES256, "key 1");
    let site = Site::new(tokens(&[&signer])).await;
    let good = signer.sign(&claims());
    let bad = Signer::new(Algorithm::ES256, "key 1").sign(&claims());
    let parts: Vec<_> = [&good, &bad].into_iter().flat_map(|token| token.split('.').skip(1)).collect();
    for token in [good.as_str(), bad.as_str(), &good[..good.len() - 2], "rubbish.rubbish.rubbish"] {
        for lines in
            [format!("Authorization: Bearer {token}\r\n"), format!("Authorization: Bearer {token}\r\nHost: b\r\n")]
        {
            let answer = site.server.post(&lines, "panic").await;
            assert!(parts.iter().all(|part| !format!("{answer:?}").contains(part)), "{answer:?}");
        }
    }
    // A handshake that fails is logged, so the log is seen here.
    let mut raw = tokio::net::TcpStream::connect(site.server.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut raw, format!("Authorization: Bearer {good}\r\n").as_bytes())
        .await
        .unwrap();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut raw, &mut Vec::new()).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("A TLS handshake failed."), "{text}");
    assert!(parts.iter().all(|part| !text.contains(part)) && !text.contains("rubbish"), "{text}");
    assert!(!format!("{:?}", tokens(&[&signer])).contains(signer.jwk["x"].as_str().unwrap()));
    site.server.stop().await;
}
