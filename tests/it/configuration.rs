//! `oc2-consumer check`: what is wrong is said with its place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use oc2_tests_broker::{Authority, Order};

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
testing = true
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
        ("testing = true", "testing = true\n[http.limits]\nmax_body = 0", "line 11", "0 is not 1 to 1048576 octets"),
        ("testing = true", "testing = true\n[http.limits]\nmax_head = 65001", "line 11", "is not 1 to 65000 octets"),
        ("testing = true", "testing = true\n[http.limits]\nhead_timeout = 0", "line 11", "nonzero"),
        ("testing = true", "testing = true\n[http.limits]\nmax_conections = 1", "line 11", "max_conections"),
        ("testing = true", "", "line 7", "http.cert is missing"),
        ("id = \"fw1.example.net\"", "id = \"\"", "line 3", "at least one character"),
        ("backend = \"iptables\"", "backend = \"ipchains\"", "line 14", "ipchains"),
        ("profile = \"slpf\"", "profile = \"sfpf\"", "line 13", "sfpf"),
        ("asset_id = \"30\"", "asset_id = 30", "line 15", "asset_id"),
        ("asset_id = \"30\"", "disabled_pairs = [\"deny everything\"]", "line 15", "everything"),
        ("[consumer]", "[konsumer]", "line 2", "konsumer"),
        ("[http]\nlisten = \"127.0.0.1:8080\"\ntesting = true\n", "", "", "nothing listens"),
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

/// The same with the table [mqtt]; five lines come before its second key.
fn with_mqtt(broker: &str, lines: &str) -> String {
    let consumer = "[consumer]\nid = \"fw1\"\nstate_dir = \"/var/lib/oc2\"\n";
    format!("{consumer}[mqtt]\nbroker = {broker:?}\n{lines}\n[policy]\ndangerously_allow_everything = true\n")
}

const SECURE: &str = "mqtts://broker.example.net";

#[test]
fn what_is_wrong_about_a_broker_is_said_with_its_key() {
    // MQTT-012, MQTT-041, MQTT-052, MQTT-053
    let cases = [
        ("http://broker", "", "line 5", "mqtt.broker: the broker \"http://broker\" does not begin with mqtt://"),
        (SECURE, "keep_alive = 301", "line 6", "mqtt.keep_alive: 301 is not 1 to 300 seconds"),
        (SECURE, "keep_alive = 0", "line 6", "mqtt.keep_alive: 0 is not"),
        (SECURE, "keep_alive = -1", "line 6", "mqtt.keep_alive: -1 is not"),
        (SECURE, "session_expiry = 0", "line 6", "mqtt.session_expiry: 0 is not 1 to"),
        (SECURE, "qos = 0", "line 6", "mqtt.qos: 0 is not 1 (at least once)"),
        (SECURE, "device_id = \"a/b\"", "line 6", "mqtt.device_id: \"a/b\" cannot be a level of a topic"),
        (SECURE, "device_id = \"\"", "line 6", "mqtt.device_id"),
        (SECURE, "respond_to = \"none\"", "line 6", "`all` or `individual`"),
        (SECURE, "password = \"secret\"", "line 6", "unknown field `password`"),
        (SECURE, "max_commands = 0", "line 6", "nonzero"),
        (SECURE, "password_file = \"/x\"", "", "mqtt.password_file needs mqtt.username"),
        (SECURE, "cert = \"/x\"", "", "mqtt.cert needs mqtt.key"),
        (SECURE, "key = \"/x\"", "", "mqtt.key needs mqtt.cert"),
        ("mqtt://broker", "ca = \"/x\"", "", "mqtt.ca needs a broker with TLS"),
        (SECURE, "ca = \"/nowhere/ca.pem\"", "", "mqtt.ca /nowhere/ca.pem: No such file"),
    ];
    for (broker, lines, line, reason) in cases {
        let (is_fine, said) = check(&with_mqtt(broker, lines));
        assert!(!is_fine && !said.contains(": ok"), "{lines}: {said}");
        assert!(said.contains(line) && said.contains(reason), "{lines}: {said}");
    }
    let (is_fine, said) = check(&with_mqtt(SECURE, "").replace("fw1", "a/b"));
    assert!(!is_fine && said.contains("mqtt.device_id is missing, and consumer.id does not do"), "{said}");
}

#[test]
fn files_that_a_broker_needs_are_looked_into() {
    // Q14
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let authority = Authority::new("authority");
    let (own, other) = (authority.client("fw1"), authority.client("fw2"));
    let (ca, cert) = (write("ca.pem", authority.pem(), 0o644), write("fw1.pem", &own.pem, 0o644));
    let password = |text: &str, mode| format!("username = \"u\"\npassword_file = {:?}", write("password", text, mode));
    let identity = |key: &str, mode| format!("ca = {ca:?}\ncert = {cert:?}\nkey = {:?}", write("fw1.key", key, mode));
    for (mode, is_fine) in [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o660, false), (0o604, false)]
    {
        for lines in [password("secret\n", mode), identity(&own.key, mode)] {
            let (found, said) = check(&with_mqtt(SECURE, &lines));
            assert_eq!(found, is_fine, "{mode:o}: {said}");
            assert!(is_fine || said.contains(&format!("its mode {mode:o} lets others read or write it")), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }
    let expired = authority.fill(Order::client("fw1").valid(2000, 2001));
    fs::write(&cert, &expired.pem).unwrap();
    let (is_fine, said) = check(&with_mqtt(SECURE, &identity(&expired.key, 0o600)));
    assert!(is_fine && said.contains("WARNING: mqtt.cert") && said.contains("CN=fw1\" has expired"), "{said}");
    fs::write(&cert, &own.pem).unwrap();
    let refuse = |lines: String, reason: &str| {
        let (is_fine, said) = check(&with_mqtt(SECURE, &lines));
        assert!(!is_fine && said.contains(reason), "{reason}: {said}");
    };
    refuse(password("", 0o600), "there is no password in it");
    refuse(password("one\ntwo\n", 0o600), "one line");
    refuse(identity(&other.key, 0o600), "TLS: our certificate with our key cannot be used: keys may not be consistent");
    refuse(identity("no key", 0o600), "our key cannot be read");
    refuse(format!("ca = {:?}", write("junk.pem", "junk", 0o644)), "there is no certificate in it");
}

#[test]
fn a_check_says_whose_commands_are_taken() {
    // MQTT-121
    let (is_fine, said) = check(&with_mqtt(SECURE, "device_id = \"zulu\"\nusername = \"fw1\""));
    assert!(is_fine, "{said}");
    assert!(said.contains("from mqtts://broker.example.net:8883 as device \"zulu\", with user \"fw1\""), "{said}");
    let (is_fine, said) = check(&with_mqtt("mqtt://[::1]", ""));
    assert!(is_fine && said.contains("mqtt://[::1]:1883 as device \"fw1\"") && said.contains("without TLS"), "{said}");
}
