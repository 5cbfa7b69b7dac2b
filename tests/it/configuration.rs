//! `oc2-consumer check`: what is wrong is said with its place.

use std::process::Command;

use crate::harness::{Config, binary};

/// Checks a configuration file of this text; whether it is fine, and what was said.
fn check(text: &str) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("consumer.toml");
    std::fs::write(&path, text).unwrap();
    let output = Command::new(binary("oc2-consumer")).args(["check", "--config"]).arg(path).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).join("");
    (output.status.success(), said)
}

const GOOD: &str = r#"
[consumer]
id = "fw1.example.net"
state_dir = "/var/lib/oc2"
rate_limit = 6000
mode = "lenient"
[http]
listen = "127.0.0.1:8080"
[policy]
dangerously_allow_everything = true
[[actuator]]
profile = "slpf"
backend = "iptables"
asset_id = "30"
update_dir = "/etc/oc2/rules"
"#;

#[test]
fn the_configuration_of_the_readme_is_fine() {
    let (is_fine, said) = check(GOOD);
    assert!(is_fine, "{said}");
    assert!(said.contains("ok") && said.contains("127.0.0.1:8080"), "{said}");
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let cases = [
        ("mode = \"lenient\"", "mode = \"loose\"", "line 6", "loose"),
        ("rate_limit = 6000", "rate_limit = 0", "line 5", "0"),
        ("rate_limit = 6000", "rate_limt = 6000", "line 5", "rate_limt"),
        ("listen = \"127.0.0.1:8080\"", "listen = \"localhost\"", "line 8", "socket address"),
        ("id = \"fw1.example.net\"", "id = \"\"", "line 3", "at least one character"),
        ("backend = \"iptables\"", "backend = \"ipchains\"", "line 13", "ipchains"),
        ("profile = \"slpf\"", "profile = \"sfpf\"", "line 12", "sfpf"),
        ("asset_id = \"30\"", "asset_id = 30", "line 14", "asset_id"),
        ("asset_id = \"30\"", "disabled_pairs = [\"deny everything\"]", "line 14", "everything"),
        ("[consumer]", "[konsumer]", "line 2", "konsumer"),
        ("[http]\nlisten = \"127.0.0.1:8080\"\n", "", "", "nothing listens"),
    ];
    for (good, bad, line, reason) in cases {
        let (is_fine, said) = check(&GOOD.replace(good, bad));
        assert!(!is_fine, "{bad}");
        assert!(said.contains(line) && said.contains(reason), "{bad}: {said}");
    }
}

#[test]
fn without_an_address_it_is_the_port_of_http_on_loopback() {
    // HTTPS-005, HTTPS-061, H4
    let (is_fine, said) = check(&GOOD.replace("listen = \"127.0.0.1:8080\"\n", ""));
    assert!(is_fine && said.contains("http://127.0.0.1:80/"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let config = Config::new();
    let output = Command::new(binary("oc2-consumer")).args(["check", "--config"]).arg(config.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("consumer.toml"));
}

#[test]
fn two_daemons_do_not_share_a_state_folder() {
    let config = Config::new().slpf("dry-run", "");
    let _daemon = config.start();
    let output = Command::new(binary("oc2-consumer")).args(["run", "--config"]).arg(config.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}
