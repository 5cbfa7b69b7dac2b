//! Commands that are signed (DECISIONS M14).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use oc2_core::ResponseType;
use oc2_encoding::{Cbor, Encodings, SigningKey, VerifyingKeys};
use serde_json::{Value, json};

use crate::support::{Consumer, command, producer_of, response_to};

fn public() -> Value {
    // RFC 8037 A.1
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "soc-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

fn private() -> Value {
    let mut key = public();
    key["d"] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A".into();
    key
}

fn signing() -> SigningKey {
    SigningKey::from_json(private().to_string().as_bytes()).unwrap()
}

fn verifying() -> VerifyingKeys {
    VerifyingKeys::from_json(public().to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn every_command_is_signed_and_what_is_relayed_is_not() {
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":200}"#));
    let producer = producer_of(&consumer).sign_with(signing()).build();
    producer.ask(command(ResponseType::Complete)).await.unwrap();
    producer.heartbeat().await.unwrap();
    let relayed =
        br#"{"headers":{"request_id":"r"},"body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}}"#;
    producer.send_bytes(relayed.to_vec()).await.unwrap();
    let requests = consumer.requests();
    assert_eq!(verifying().verify(&requests[0].body), Ok("soc-1"));
    assert_eq!(verifying().verify(&requests[1].body), Ok("soc-1"));
    assert_eq!(requests[2].body, relayed[..]);
}

#[test]
fn only_json_by_name_is_signed() {
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":200}"#));
    let producer = producer_of(&consumer).sign_with(signing()).encodings(Encodings::of(Cbor)).build();
    let error = producer.prepare(command(ResponseType::Complete)).unwrap_err();
    assert!(error.to_string().contains("only a message in JSON by name can be signed"), "{error}");
}

fn program(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oc2-producer")).args(words).env_remove("OC2_TO").output().unwrap()
}

#[test]
fn the_program_signs_with_a_key_from_a_file() {
    let path = std::env::temp_dir().join(format!("oc2-sign-{}.jwk", std::process::id()));
    let file = path.to_str().unwrap();
    fs::write(&path, private().to_string()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let words = ["--dry-run", "--sign-key", file, "deny", "ipv4_net", "198.51.100.0/24"];
    let output = program(&words);
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    assert_eq!(verifying().verify(&output.stdout), Ok("soc-1"));
    let message: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(message["headers"]["from"], "soc-1");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let output = program(&words);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("can be read by others"), "{output:?}");

    let refused = [
        (&["--dry-run", "--sign-key", file, "send", "-"][..], "send takes the message as it is"),
        (&["--sign-key", file, "validate", "-"], "--sign-key"),
        (&["-n", "--sign-key", "/nonexistent", "query", "features"], "--sign-key /nonexistent: No such file"),
        (&["-n", "--sign-key", "/dev/null", "query", "features"], "--sign-key /dev/null: the keys are not JSON"),
        (&["-n", "--sign-key", file, "--encoding", "cbor", "query", "features"], "only a message in JSON by name"),
        (
            &["-n", "--sign-key", file, "--encoding", "json-compact", "query", "features"],
            "only a message in JSON by name",
        ),
    ];
    for (words, reason) in refused {
        let output = program(words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason), "{output:?}");
    }
    fs::remove_file(&path).unwrap();
}
