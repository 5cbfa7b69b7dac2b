//! Signed Commands, from the real Producer to the real daemon (DECISIONS M14).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Config, post, wait_until};

/// RFC 8037 A.1, RFC 7515 A.3.1
fn keys() -> [(Value, &'static str); 2] {
    let ed25519 =
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "soc-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let p256 = json!({"kty": "EC", "crv": "P-256", "kid": "soc-2", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    [(ed25519, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"), (p256, "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")]
}

fn write_key(path: &Path, key: &Value) {
    fs::write(path, key.to_string()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn who_has_no_key_commands_nothing_and_who_signed_is_who_asked() {
    let config = Config::new().slpf("dry-run", "");
    let (public, records) = (config.folder().join("producers.jwks"), config.folder().join("audit.jsonl"));
    let mut private = Vec::new();
    let mut set = Vec::new();
    for (mut key, secret) in keys() {
        set.push(key.clone());
        key["d"] = secret.into();
        let path = config.folder().join(format!("{}.jwk", key["kid"].as_str().unwrap()));
        write_key(&path, &key);
        private.push(path.display().to_string());
    }
    fs::write(&public, json!({"keys": set[..1]}).to_string()).unwrap();
    let config = config
        .table(&format!("[signatures]\nmode = \"require\"\nkeys = {:?}", public.display().to_string()))
        .table(&format!("[audit]\nfile = {:?}\nrequired = true", records.display().to_string()));
    let daemon = config.start();
    let deny = ["deny", "ipv4_net", "198.51.100.0/24"];
    let signed = |key: &str, more: &[&str]| daemon.command(&[&["--sign-key", key][..], more, &deny[..]].concat());
    daemon.command(&deny).expect(401).expect_text("signature: the message has no signature");
    let (head, _) = post(daemon.address(), "/.well-known/openc2", r#"{"action": "query", "target": {"features": []}}"#);
    assert!(head.starts_with("http/1.1 401 ") && head.contains("www-authenticate:"), "{head}");
    signed(&private[0], &[]).expect(200);
    signed(&private[0], &["--from", "soc-9"]).expect(401).expect_text("signature: headers.from");
    signed(&private[1], &[]).expect(401);
    // A key that comes later counts from the next SIGHUP on.
    fs::write(&public, json!({"keys": set}).to_string()).unwrap();
    daemon.signal(Signal::HUP);
    wait_until("the new key", || signed(&private[1], &[]).response["status"] == 200);
    // Keys that cannot be read leave the former ones in force.
    fs::write(&public, "{").unwrap();
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("not reloaded", 1);
    signed(&private[0], &[]).expect(200);
    daemon.command(&deny).expect(401);
    let (_, log) = daemon.terminate();
    assert!(log.contains("not reloaded"), "{log}");
    let records: Vec<Value> =
        fs::read_to_string(&records).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let performed: Vec<_> = records.iter().filter(|record| record["end"] == "performed").collect();
    assert_eq!(performed[0]["key_id"], "soc-1");
    assert_eq!(performed[1]["key_id"], "soc-2");
}
