//! Producers that show a token, between the two programs (DECISIONS H6).

use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ED25519};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Answer, Config, Daemon, Site};

/// Who issues tokens.
struct Issuer(KeyPair);

impl Issuer {
    fn new() -> Self {
        Self(KeyPair::generate_for(&PKCS_ED25519).unwrap())
    }

    fn keys(&self) -> String {
        let x = BASE64URL_NOPAD.encode(self.0.public_key_raw());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x, "use": "sig"}]}).to_string()
    }

    fn issue(&self, change: &Value) -> String {
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims(change), &EncodingKey::from_ed_der(self.0.serialized_der())).unwrap()
    }
}

fn claims(change: &Value) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims =
        json!({"iss": "https://sso.example.net", "aud": "openc2", "sub": "soc-1", "exp": now + 300, "nbf": now - 300});
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn site(issuer: &Issuer, lines: &str) -> Site {
    let site = Site::unlocked();
    let keys = site.write("jwks.json", &issuer.keys()).display().to_string();
    let tokens =
        format!("[http.tokens]\nissuer = \"https://sso.example.net\"\naudience = \"openc2\"\nkeys = {keys:?}\n{lines}");
    site.http(&tokens).policy(POLICY)
}

fn ask(site: &Site, daemon: &Daemon, token: &str) -> Answer {
    let path = site.write("token.jwt", token);
    site.ask(daemon, &["--token", path.to_str().unwrap(), "query", "features"])
}

const POLICY: &str = "[[rule]]\nname = \"soc-1 looks\"\nwho = \"soc-1\"\nactions = \"query\"\ntargets = \"any\"\n";

// HTTPS-027, HTTPS-074, HTTPS-076
#[test]
fn a_token_says_who_commands_and_a_bad_one_is_401() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let site = site(&issuer, "");
    let daemon = site.start();
    ask(&site, &daemon, &issuer.issue(&json!({}))).expect(200);
    ask(&site, &daemon, &issuer.issue(&json!({"sub": "soc-2"}))).expect(403);
    let unsigned = [json!({"alg": "none", "typ": "JWT"}), claims(&json!({}))]
        .map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
    for (token, reason) in [
        (issuer.issue(&json!({"exp": 1_600_000_000})), "the token has expired"),
        (issuer.issue(&json!({"aud": "another"})), "the token is for another audience"),
        (issuer.issue(&json!({"iss": "another"})), "the token is from another issuer"),
        (other.issue(&json!({})), "the signature of the token is wrong"),
        (format!("{}.", unsigned.join(".")), "the token is none, or not signed by an accepted algorithm"),
        ("nonsense".to_owned(), "the token is none, or not signed by an accepted algorithm"),
    ] {
        ask(&site, &daemon, &token).expect(401).expect_text(reason);
    }
    site.ask(&daemon, &["query", "features"]).expect(401).expect_text("a token is needed");
    // A certificate is not asked for, and does not help.
    site.ask_as(&daemon, &site.producer("soc-1"), &["query", "features"]).expect(401).expect_text("a token is needed");
    let (status, _) = site.line(&daemon, None).ask_with("Authorization: Basic c29jLTE6c2VjcmV0\r\n").unwrap();
    assert_eq!(status, "HTTP/1.1 401 Unauthorized");
}

#[test]
fn issuer_audience_claim_and_leeway_are_configured() {
    let issuer = Issuer::new();
    let site = site(&issuer, "claim = \"azp\"\nleeway = 600");
    let daemon = site.start();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    ask(&site, &daemon, &issuer.issue(&json!({"sub": "x", "azp": "soc-1", "exp": now - 300}))).expect(200);
    ask(&site, &daemon, &issuer.issue(&json!({"exp": now - 300})))
        .expect(401)
        .expect_text("the token does not name its owner");
    ask(&site, &daemon, &issuer.issue(&json!({"azp": "soc-1", "exp": now - 700})))
        .expect(401)
        .expect_text("the token has expired");
}

#[test]
fn keys_of_tokens_are_read_again_and_bad_ones_keep_the_former() {
    let (issuer, next) = (Issuer::new(), Issuer::new());
    let site = site(&issuer, "");
    let daemon = site.start();
    let mut line = site.line(&daemon, None);
    let field = |issuer: &Issuer| format!("Authorization: Bearer {}\r\n", issuer.issue(&json!({})));
    assert_eq!(line.ask_with(&field(&issuer)).unwrap().0, "HTTP/1.1 200 OK");
    site.write("jwks.json", "{}");
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("was not reloaded", 1);
    assert!(daemon.log().contains("http.tokens.keys"), "{}", daemon.log());
    assert_eq!(line.ask_with(&field(&issuer)).unwrap().0, "HTTP/1.1 200 OK");
    site.write("jwks.json", &next.keys());
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("The configuration was reloaded.", 1);
    assert_eq!(line.ask_with(&field(&next)).unwrap().0, "HTTP/1.1 200 OK");
    assert_eq!(line.ask_with(&field(&issuer)).unwrap().0, "HTTP/1.1 401 Unauthorized");
}

#[test]
fn what_is_wrong_with_tokens_is_said_with_its_key() {
    let issuer = Issuer::new();
    let good = site(&issuer, "");
    let output = good.config.check();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("for Producers with a token of \"https://sso.example.net\" for \"openc2\""), "{said}");
    good.write("jwks.json", r#"{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}"#);
    let refused = |site: &Site, reason: &str| {
        let said = String::from_utf8(site.config.check().stderr).unwrap();
        assert!(said.contains(reason), "{said}");
    };
    refused(&good, "a secret key is among them");
    refused(&site(&issuer, "leeway = 601"), "601 is not 0 to 600 seconds");
    refused(&site(&issuer, "algorithm = \"none\""), "unknown field `algorithm`");
}

#[test]
fn a_token_does_not_leave_this_host_unprotected() {
    let config = Config::new();
    let daemon = config.start();
    let path = config.folder().join("token");
    std::fs::write(&path, "a.b.c").unwrap();
    let token = ["--token", path.to_str().unwrap(), "query", "features"];
    // It means nothing to who does not ask for one.
    daemon.command(&token).expect(200);
    let port = daemon.address().port();
    let answer = crate::harness::command(&format!("http://localhost:{port}"), &token);
    assert!(answer.exit == Some(2) && answer.stderr.contains("a token would be there for all to read"), "{answer:?}");
    let forced = [&["--token-in-clear"], &token[..]].concat();
    let answer = crate::harness::command(&format!("http://localhost:{port}"), &forced).expect(200);
    assert!(answer.stderr.contains("anybody on the way can take the token"), "{answer:?}");
    let answer = daemon.command(&["--ca", path.to_str().unwrap(), "query", "features"]);
    assert!(answer.exit == Some(2) && answer.stderr.contains("--ca goes with TLS, and http:// has none"), "{answer:?}");
    let answer = daemon.command(&["--token-in-clear", "query", "features"]);
    assert!(answer.exit == Some(2) && answer.stderr.contains("there is no --token"), "{answer:?}");
    let answer = daemon.command(&["--token", "/nowhere", "query", "features"]);
    assert!(answer.exit == Some(2) && answer.stderr.contains("cannot read /nowhere"), "{answer:?}");
}
