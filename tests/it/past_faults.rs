//! What went wrong with products of this kind, and must not with this one; the table is in SECURITY.md.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use oc2_actuator_iptables::testing::in_namespace;
use serde_json::{Value, json};

use crate::harness::{Config, exchange, post, run, wait_until};

const PATH: &str = "/.well-known/openc2";

#[test]
fn nothing_listens_but_what_is_configured() {
    in_namespace("past_faults::nothing_listens_but_what_is_configured", || {
        run("ip link set lo up");
        let config = Config::new().slpf("iptables", "").table("[metrics]\nlisten = \"127.0.0.1:9464\"");
        let daemon = config.start();
        // Its last listener.
        wait_until("the metrics", || TcpStream::connect("127.0.0.1:9464").is_ok());
        let expected = BTreeSet::from([daemon.address().port(), 9464]);
        assert_eq!(sockets("tcp", "0A"), expected, "listening over TCP");
        for table in ["tcp6", "udp", "udp6", "raw", "raw6"] {
            let state = if table.starts_with("tcp") { "0A" } else { "07" };
            assert_eq!(sockets(table, state), BTreeSet::new(), "{table}");
        }
        for path in ["/", "/console", "/debug", "/debug/pprof/", "/metrics", "/healthz", "/?__debugger__=yes"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: fw1\r\nConnection: close\r\n\r\n");
            let answer = exchange(daemon.address(), request.as_bytes());
            let is_refused = ["HTTP/1.1 404 ", "HTTP/1.1 501 "].iter().any(|line| answer.starts_with(line));
            assert!(is_refused && !answer.contains("<html"), "{path}: {answer}");
        }
    });
}

/// The local ports in a table of the kernel's whose sockets are in this state.
fn sockets(table: &str, state: &str) -> BTreeSet<u16> {
    let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap();
    let sockets = text.lines().skip(1).filter(|line| line.split_whitespace().nth(3) == Some(state));
    let ports = sockets.filter_map(|line| line.split_whitespace().nth(1)?.rsplit_once(':'));
    ports.map(|(_, port)| u16::from_str_radix(port, 16).unwrap()).collect()
}

#[test]
fn no_message_ends_the_daemon_and_no_answer_says_how_it_is_made() {
    let config = Config::new().slpf("dry-run", "");
    let daemon = config.start();
    let before = daemon.pid();
    let files = corpus();
    assert!(files.len() > 500, "the corpus is there: {}", files.len());
    for file in files {
        let body = fs::read(&file).unwrap();
        let answer = post_bytes(daemon.address(), &body);
        assert!(answer.starts_with("HTTP/1.1 "), "{}: {answer}", file.display());
        for secret in ["panicked", "backtrace", ".rs:", "oc2_", &config.folder().display().to_string()] {
            let is_echo = String::from_utf8_lossy(&body).contains(secret);
            assert!(is_echo || !answer.contains(secret), "{}: {secret:?} in {answer}", file.display());
        }
    }
    daemon.command(&["query", "features"]).expect(200);
    assert_eq!(daemon.pid(), before);
    let (status, log) = daemon.terminate();
    assert!(status.success() && !log.contains("panicked"), "{log}");
}

/// Every file of the corpus, right and wrong.
fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let folders = fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir());
    folders.flat_map(|entry| fs::read_dir(entry.path()).unwrap().flatten()).map(|entry| entry.path()).collect()
}

fn post_bytes(daemon: SocketAddr, body: &[u8]) -> String {
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: fw1\r\nContent-Type: application/openc2+json;version=1.0\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    exchange(daemon, &[head.as_bytes(), body].concat())
}

#[test]
fn a_denied_source_does_not_get_in() {
    in_namespace("past_faults::a_denied_source_does_not_get_in", || {
        run("ip link set lo up");
        let config = Config::new().slpf("iptables", "");
        let daemon = config.start();
        let here = UdpSocket::bind("127.0.0.1:7000").unwrap();
        let [denied, other] = ["127.0.0.2:0", "127.0.0.3:0"].map(|from| UdpSocket::bind(from).unwrap());
        let first = |text: &[u8]| {
            denied.send_to(text, "127.0.0.1:7000").map(drop).unwrap_or(());
            other.send_to(b"other", "127.0.0.1:7000").unwrap();
            let mut heard = [0; 16];
            let length = here.recv(&mut heard).unwrap();
            heard[..length].to_vec()
        };
        assert_eq!(first(b"before"), b"before");
        let mut heard = [0; 16];
        here.recv(&mut heard).unwrap();
        daemon.command(&["deny", "ipv4_net", "127.0.0.2", "--direction", "ingress"]).expect(200);
        // On one device packets keep their order: what was sent first would be heard first.
        assert_eq!(first(b"after"), b"other");
    });
}

#[test]
fn a_200_means_that_the_kernel_has_the_rule() {
    in_namespace("past_faults::a_200_means_that_the_kernel_has_the_rule", || {
        run("ip link set lo up");
        let config = Config::new().slpf("iptables", "");
        let daemon = config.start();
        for last in 1..=20 {
            let net = format!("198.51.100.{last}");
            let target = json!({"ipv4_connection": {"src_addr": net, "protocol": "tcp"}});
            let command = json!({"action": "deny", "target": target});
            let (_, answer) = post(daemon.address(), PATH, &request(&command));
            // Before anything else is asked of it.
            let rules = run("iptables -S");
            assert_eq!(answer["body"]["openc2"]["response"]["status"], 200, "{answer}");
            assert!(rules.contains(&format!("-s {net}/32 -p tcp -j DROP")), "{net} in {rules}");
        }
    });
}

#[test]
fn no_text_of_a_message_becomes_text_of_a_rule() {
    in_namespace("past_faults::no_text_of_a_message_becomes_text_of_a_rule", || {
        run("ip link set lo up");
        let config = Config::new().slpf("iptables", "asset_id = \"30\"\nhostname = \"fw1\"");
        let daemon = config.start();
        let rules = || run("iptables-save -t filter").lines().filter(|line| !line.starts_with('#')).collect::<String>();
        let before = rules();
        for text in HOSTILE {
            for command in [
                json!({"action": "deny", "target": {"ipv4_net": text}}),
                json!({"action": "deny", "target": {"ipv6_net": text}}),
                json!({"action": "deny", "target": {"ipv4_connection": {"src_addr": text}}}),
                json!({"action": "deny", "target": {"ipv4_connection": {"protocol": text, "dst_port": 1}}}),
                json!({"action": "deny", "target": {"ipv4_connection": {"protocol": "tcp", "dst_port": text}}}),
                json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"direction": text}}}),
                json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"drop_process": text}}}),
                json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"insert_rule": text}}}),
                json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "actuator": {"slpf": {"asset_id": text}}}),
                json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "actuator": {"slpf": {"hostname": text}}}),
                json!({"action": "update", "target": {"file": {"name": text}}}),
                json!({"action": "delete", "target": {"slpf:rule_number": text}}),
            ] {
                let (_, answer) = post(daemon.address(), PATH, &request(&command));
                let status = answer["body"]["openc2"]["response"]["status"].as_u64();
                assert!(status.is_some_and(|status| status >= 400), "{command}: {answer}");
            }
        }
        assert_eq!(rules(), before);
        daemon.command(&["query", "features"]).expect(200);
    });
}

const HOSTILE: [&str; 5] = [
    "192.0.2.1 -j ACCEPT",
    "192.0.2.1\n-F INPUT\nCOMMIT\n",
    "192.0.2.1; iptables -F",
    "$(iptables -F)",
    "--modprobe=/tmp/x",
];

#[test]
fn nothing_that_a_message_names_is_fetched() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/document", trap.local_addr().unwrap());
    let keys = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "soc-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let config = Config::new().slpf("dry-run", "");
    let file = config.folder().join("keys.jwks");
    fs::write(&file, keys).unwrap();
    let daemon =
        config.table(&format!("[signatures]\nmode = \"verify\"\nkeys = {:?}", file.display().to_string())).start();
    let artifact = json!({"mime_type": "text/plain", "payload": {"url": url}, "hashes": {"md5": "00".repeat(16)}});
    for command in [
        json!({"action": "deny", "target": {"artifact": artifact}}),
        json!({"action": "scan", "target": {"uri": url}}),
        json!({"action": "update", "target": {"file": {"name": url}}}),
        json!({"action": "query", "target": {"features": []}, "$schema": url}),
    ] {
        let (head, _) = post(daemon.address(), PATH, &request(&command));
        assert!(head.starts_with("http/1.1 "), "{command}: {head}");
    }
    // {"alg":"EdDSA","kid":"soc-1","jku":URL}, and a signature that is none.
    let header = json!({"alg": "EdDSA", "kid": "soc-2", "jku": url, "x5u": url}).to_string();
    let signature = format!("{}..{}", base64url(header.as_bytes()), "A".repeat(86));
    let mut signed: Value =
        serde_json::from_str(&request(&json!({"action": "query", "target": {"features": []}}))).unwrap();
    signed["signature"] = signature.into();
    let (_, answer) = post(daemon.address(), PATH, &signed.to_string());
    assert_eq!(answer["body"]["openc2"]["response"]["status"], 401, "{answer}");
    // Whoever had connected would be waiting to be accepted.
    trap.set_nonblocking(true).unwrap();
    assert_eq!(trap.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    TcpStream::connect_timeout(&trap.local_addr().unwrap(), Duration::from_secs(5)).unwrap();
    assert!(trap.accept().is_ok(), "the trap works");
}

/// Without padding.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |value: u32| char::from(DIGITS[(value & 63) as usize]);
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        (0..=group.len()).map(move |index| digit(bits >> (18 - 6 * index))).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// A Command in a message under an id of its own.
fn request(command: &Value) -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static N_REQUESTS: AtomicUsize = AtomicUsize::new(0);
    let id = format!("past-{}", N_REQUESTS.fetch_add(1, Ordering::Relaxed));
    json!({"headers": {"request_id": id, "from": "soc-1"}, "body": {"openc2": {"request": command}}}).to_string()
}
