use super::*;

/// The key of the worked example (LS 1.1 C.4.3), which the draft prints in PEM.
const PUBLISHED_KEY: &str = r#"{"kty": "EC", "crv": "P-256", "kid": "Producer1@example.com",
    "x": "6BKxpty8cI-exDzCkh-goU6dXq3MbcY0cd1LaAxiNrU", "y": "mCbcvUzm44j3Lt2b5BPyQloQ91tf2D2V-gzeUxWaUdg"}"#;
/// `alg` ES256, as the steps of the example have it.
const ES256_HEADER: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6IlByb2R1Y2VyMUBleGFtcGxlLmNvbSJ9";
/// `alg` RS256, as its result is printed.
const RS256_HEADER: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6IlByb2R1Y2VyMUBleGFtcGxlLmNvbSJ9";
const PUBLISHED_SIGNATURE: &str =
    "PsJmWi726O_HTK-Svp_fIlZ8FdIH6jeWslM9F5Qrv1gFqv7EwREGOUU4rd53hHS59Yr0Zapk4Ryv9XFmPxHObw";

/// RFC 7515 A.3.1
const P256: &str = r#"{"kty": "EC", "crv": "P-256", "kid": "soc-1", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" D}"#;
const P256_SECRET: &str = r#", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#;
/// RFC 8037 A.1
const ED25519: &str =
    r#"{"kty": "OKP", "crv": "Ed25519", "kid": "soc-2", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" D}"#;
const ED25519_SECRET: &str = r#", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A""#;

const MESSAGE: &str = r#"{"headers": {"request_id": "a", "from": "soc-1", "x-trace": {"b": 0.10, "a": [1e3, "\u00e9"]}},
    "body": {"openc2": {"request": {"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}}}}}"#;

fn private(key: &str, secret: &str) -> SigningKey {
    SigningKey::from_json(key.replace(" D", secret).as_bytes()).expect("a key")
}

fn public(keys: &[&str]) -> VerifyingKeys {
    let set = format!(r#"{{"keys": [{}]}}"#, keys.join(",").replace(" D", ""));
    VerifyingKeys::from_json(set.as_bytes()).expect("keys")
}

fn both() -> VerifyingKeys {
    public(&[P256, ED25519])
}

fn signed(signature: &str) -> String {
    MESSAGE.replacen('{', &format!(r#"{{"signature": "{signature}","#), 1)
}

fn published(header: &str) -> String {
    format!(
        r#"{{
  "headers": {{
    "request_id": "95ad511c-3339-4111-9c47-9156c47d37d3",
    "created": 1595268027000,
    "from": "Producer1@example.com",
    "to": ["consumer1@example.com", "consumer2@example.com", "consumer3@example.com"]
  }},
  "body": {{
    "openc2": {{
      "request": {{
        "action": "deny",
        "target": {{
          "uri": "http://www.example.com"
                }}
            }}
        }}
    }},
    "signature": "{header}..{PUBLISHED_SIGNATURE}"
}}"#
    )
}

// DECISIONS M14
#[test]
fn the_published_example_verifies_with_the_header_of_its_steps_and_not_as_printed() {
    let keys = public(&[PUBLISHED_KEY]);
    assert_eq!(keys.verify(published(ES256_HEADER).as_bytes()), Ok("Producer1@example.com"));
    assert_eq!(keys.verify(published(RS256_HEADER).as_bytes()), Err(SignatureError::Algorithm));
    let changed = published(ES256_HEADER).replace("deny", "allow");
    assert_eq!(keys.verify(changed.as_bytes()), Err(SignatureError::Wrong));
}

#[test]
fn the_header_of_the_published_example_is_the_one_that_is_written() {
    let key = private(&P256.replace("soc-1", "Producer1@example.com"), P256_SECRET);
    let signature = key.sign(published(ES256_HEADER).as_bytes()).expect("a message");
    assert!(signature.starts_with(&format!("{ES256_HEADER}..")), "{signature}");
}

// RFC 7515 A.3, RFC 8037 A.4 and A.5
#[test]
fn the_vectors_of_the_standards_hold() {
    let input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
                 Ijp0cnVlfQ";
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let keys = both();
    let key = keys.key(Some("soc-1"), Algorithm::Es256).expect("it is there");
    let octets = BASE64URL_NOPAD.decode(signature.as_bytes()).expect("octets");
    let verified = UnparsedPublicKey::new(Algorithm::Es256.verification(), key.public());
    assert!(verified.verify(input.as_bytes(), &octets).is_ok());

    let signed = private(ED25519, ED25519_SECRET).over(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(BASE64URL_NOPAD.encode(&signed), expected);
}

#[test]
fn what_is_signed_verifies_and_what_is_changed_does_not() {
    for (key, secret, id) in [(P256, P256_SECRET, "soc-1"), (ED25519, ED25519_SECRET, "soc-2")] {
        let signature = private(key, secret).sign(MESSAGE.as_bytes()).expect("a message");
        let message = signed(&signature);
        assert_eq!(both().verify(message.as_bytes()), Ok(id));
        // Another spelling of the same.
        let respelled =
            message.replace("0.10", "1e-1").replace("1e3", "1000").replace(r"\u00e9", "\u{e9}").replace('\n', "");
        assert_ne!(respelled, message);
        assert_eq!(both().verify(respelled.as_bytes()), Ok(id));
        for (from, to) in
            [("198.51.100.0", "198.51.100.1"), ("0.10", "0.11"), ("x-trace", "x-trade"), ("soc-1", "soc-3")]
        {
            let changed = message.replacen(from, to, 1);
            assert_ne!(changed, message);
            assert_eq!(both().verify(changed.as_bytes()), Err(SignatureError::Wrong), "{from}");
        }
        let more = message.replacen(r#""headers""#, r#""x": 1, "headers""#, 1);
        assert_eq!(both().verify(more.as_bytes()), Err(SignatureError::Wrong));
        // Signing again what is signed already signs the same.
        let again = private(key, secret).sign(message.as_bytes()).expect("a message");
        assert_eq!(both().verify(signed(&again).as_bytes()), Ok(id));
    }
}

#[test]
fn every_flipped_bit_of_a_signature_is_noticed() {
    let signature = private(ED25519, ED25519_SECRET).sign(MESSAGE.as_bytes()).expect("a message");
    let (header, value) = signature.split_once("..").expect("detached");
    let octets = BASE64URL_NOPAD.decode(value.as_bytes()).expect("octets");
    for bit in 0..octets.len() * 8 {
        let mut changed = octets.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let message = signed(&format!("{header}..{}", BASE64URL_NOPAD.encode(&changed)));
        assert_eq!(both().verify(message.as_bytes()), Err(SignatureError::Wrong), "bit {bit}");
    }
    // A text that decodes to the same octets is another text.
    let respelled = signed(&format!("{signature}=="));
    assert!(matches!(both().verify(respelled.as_bytes()), Err(SignatureError::Malformed(_))));
}

#[test]
fn a_signature_counts_with_the_key_it_names_and_with_no_other() {
    let signature = private(P256, P256_SECRET).sign(MESSAGE.as_bytes()).expect("a message");
    let message = signed(&signature);
    assert_eq!(public(&[ED25519]).verify(message.as_bytes()), Err(SignatureError::UnknownKey));
    let taken = public(&[&ED25519.replace("soc-2", "soc-1")]);
    assert_eq!(taken.verify(message.as_bytes()), Err(SignatureError::Algorithm));
    let renamed = public(&[&PUBLISHED_KEY.replace("Producer1@example.com", "soc-1")]);
    assert_eq!(renamed.verify(message.as_bytes()), Err(SignatureError::Wrong));
}

fn with_header(header: &str) -> Result<String, SignatureError> {
    let key = private(ED25519, ED25519_SECRET);
    let (payload, _) = taken_apart(MESSAGE.as_bytes()).expect("a message");
    let header = BASE64URL_NOPAD.encode(header.as_bytes());
    let signature = BASE64URL_NOPAD.encode(&key.over(signing_input(&header, &payload).as_bytes()));
    both().verify(signed(&format!("{header}..{signature}")).as_bytes()).map(str::to_owned)
}

#[test]
fn a_header_chooses_nothing() {
    assert_eq!(with_header(r#"{"alg": "EdDSA", "kid": "soc-2"}"#).as_deref(), Ok("soc-2"));
    // Without a key id, the only key for the algorithm.
    assert_eq!(with_header(r#"{"alg": "EdDSA"}"#).as_deref(), Ok("soc-2"));
    // A key that comes along, and where to fetch one, are not looked at.
    let offering =
        r#"{"alg": "EdDSA", "kid": "soc-2", "jwk": {"kty": "OKP"}, "jku": "https://192.0.2.1/keys", "x5c": ["AA"]}"#;
    assert_eq!(with_header(offering).as_deref(), Ok("soc-2"));
    let malformed = |header: &str| {
        let error = with_header(header).expect_err(header);
        assert!(matches!(error, SignatureError::Malformed(_)), "{header}: {error}");
    };
    for header in [
        r#"{"alg": "none"}"#,
        r#"{"alg": "none", "kid": "soc-2"}"#,
        r#"{"alg": "ES256", "kid": "soc-2"}"#,
        r#"{"alg": "HS256", "kid": "soc-2"}"#,
        r#"{"alg": "eddsa", "kid": "soc-2"}"#,
        r#"{"alg": ["EdDSA"], "kid": "soc-2"}"#,
        r#"{"kid": "soc-2"}"#,
        "[]",
        "7",
    ] {
        assert_eq!(with_header(header), Err(SignatureError::Algorithm), "{header}");
    }
    for header in [
        r#"{"alg": "EdDSA", "kid": "soc-2", "crit": ["b64"], "b64": false}"#,
        r#"{"alg": "EdDSA", "kid": "soc-2", "crit": []}"#,
        r#"{"alg": "none", "crit": null}"#,
    ] {
        assert_eq!(with_header(header), Err(SignatureError::Critical), "{header}");
    }
    malformed(r#"{"alg": "EdDSA", "alg": "EdDSA", "kid": "soc-2"}"#);
    malformed(r#"{"alg": "EdDSA", "kid": "soc-1", "kid": "soc-2"}"#);
    malformed(r#"{"alg": "EdDSA", "kid": 2}"#);
    malformed(r#"{"alg": "EdDSA", "#);
    malformed(&format!(r#"{{"alg": "EdDSA", "kid": "soc-2", "x": "{}"}}"#, "x".repeat(10_000)));
    malformed(&"[".repeat(5000));
    assert_eq!(with_header(r#"{"alg": "EdDSA", "kid": "soc-3"}"#), Err(SignatureError::UnknownKey));
}

#[test]
fn what_is_no_detached_signature_is_told() {
    let keys = both();
    let verify = |signature: &str| keys.verify(signed(signature).as_bytes());
    let payload = "eyJhbGciOiJFZERTQSIsImtpZCI6InNvYy0yIn0.e30.AAAA";
    for signature in [
        "",
        ".",
        "..",
        "....",
        "a..b..c",
        "x",
        "\u{e9}..\u{e9}",
        "e30=..AAAA",
        "e31..AAAA",
        payload,
        &"A".repeat(1 << 19),
    ] {
        let error = verify(signature).expect_err("no signature");
        assert!(matches!(error, SignatureError::Malformed(_)), "{error}");
    }
    // Too short, too long, and of another size of curve.
    let header = BASE64URL_NOPAD.encode(br#"{"alg":"ES256","kid":"soc-1"}"#);
    for n in [0, 1, 63, 65, 70, 96, 132] {
        let signature = format!("{header}..{}", BASE64URL_NOPAD.encode(&vec![0; n]));
        assert_eq!(verify(&signature), Err(SignatureError::Wrong), "{n}");
    }
    assert_eq!(verify(&format!("{header}..{}", BASE64URL_NOPAD.encode(&[0; 64]))), Err(SignatureError::Wrong));
    assert_eq!(keys.verify(MESSAGE.as_bytes()), Err(SignatureError::Absent));
    let null = MESSAGE.replacen('{', r#"{"signature": null,"#, 1);
    assert_eq!(keys.verify(null.as_bytes()), Err(SignatureError::Absent));
    let number = MESSAGE.replacen('{', r#"{"signature": 7,"#, 1);
    assert!(matches!(keys.verify(number.as_bytes()), Err(SignatureError::Malformed(_))));
}

#[test]
fn only_messages_in_json_by_name_are_signed() {
    let signature = private(ED25519, ED25519_SECRET).sign(MESSAGE.as_bytes()).expect("a message");
    let twice = signed(&signature).replacen('{', r#"{"signature": "e30..","#, 1);
    for document in [twice.as_bytes(), b"\xa1\x01\x02", b"[{}, {}, \"e30..\"]", b"7", b"{", b"\xff"] {
        assert!(matches!(both().verify(document), Err(SignatureError::NotJson(_))));
    }
    for document in [&b"{\"action\": \"query\"}"[..], b"{\"status\": 200, \"signature\": \"e30..\"}"] {
        assert_eq!(both().verify(document), Err(SignatureError::Absent));
    }
    assert!(private(ED25519, ED25519_SECRET).sign(b"[1, 2]").is_err());
}

#[test]
fn keys_say_what_is_wrong_with_them() {
    let verifying = |key: &str| VerifyingKeys::from_json(key.as_bytes());
    let public_of = |key: &str| key.replace(" D", "");
    let reason = |key: &str| verifying(key).expect_err(key).to_string();
    assert_eq!(verifying(&P256.replace(" D", P256_SECRET)), Err(KeyError::Private("soc-1".into())));
    assert_eq!(verifying(&public_of(&ED25519.replace("kid", "id"))), Err(KeyError::NoId));
    let set = format!(r#"{{"keys": [{0}, {0}]}}"#, public_of(ED25519));
    assert_eq!(verifying(&set), Err(KeyError::SameId("soc-2".into())));
    assert!(matches!(verifying("{"), Err(KeyError::NotJson(_))));
    assert!(matches!(verifying("{}"), Err(KeyError::NotAKey(_))));
    assert!(matches!(verifying(r#"{"keys": {}}"#), Err(KeyError::NotAKey(_))));
    assert_eq!(verifying(r#"{"keys": []}"#), Err(KeyError::None));
    // Other curves, other kinds, other uses.
    assert_eq!(verifying(&public_of(&P256.replace("P-256", "P-384"))), Err(KeyError::None));
    assert_eq!(verifying(&public_of(&ED25519.replace("Ed25519", "X25519"))), Err(KeyError::None));
    assert_eq!(verifying(&public_of(&P256.replace(" D", r#", "use": "enc""#))), Err(KeyError::None));
    assert_eq!(verifying(&public_of(&P256.replace(" D", r#", "alg": "ES384""#))), Err(KeyError::None));
    assert_eq!(verifying(&public_of(&P256.replace(" D", r#", "key_ops": ["sign"]"#))), Err(KeyError::None));
    let mixed = format!(r#"{{"keys": [{{"kty": "RSA", "kid": "old"}}, {}]}}"#, public_of(ED25519));
    let keys = verifying(&mixed).expect("one of two");
    assert_eq!(keys.ids().collect::<Vec<_>>(), ["soc-2"]);
    assert_eq!(keys.skipped(), [r#"old: the kind "RSA" is neither EC nor OKP"#]);
    // A point beside the curve, a coordinate of another length.
    let beside = public_of(&P256.replace("x_FEzRu9m36HLN", "x_FEzRu9m36HLM"));
    assert_eq!(reason(&beside), r#"key "soc-1": its coordinates are no key on its curve"#);
    let short = public_of(&ED25519.replace("11qYAYKxCrf", "11qYAYKx"));
    assert_eq!(reason(&short), r#"key "soc-2": its x is not 32 octets in base64url"#);
    let signing = |key: &str| SigningKey::from_json(key.as_bytes()).expect_err("no key").to_string();
    assert_eq!(signing(&public_of(P256)), "one private key is due, and there are 0");
    let others = P256.replace(" D", &P256_SECRET.replace("jpsQ", "jpsR"));
    assert_eq!(signing(&others), r#"key "soc-1": the private half does not belong to the public one"#);
    let debug = format!("{:?}", private(P256, P256_SECRET));
    assert_eq!(debug, r#"SigningKey("soc-1", ES256)"#);
}
