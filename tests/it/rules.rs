//! `oc2-consumer rules`: what is in force, for people and for programs; and the rules that a former back end has left.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use oc2_packet_filter::testing::in_namespace_with;
use serde_json::{Value, json};

use crate::harness::{Config, binary, run, wait_until};

fn rules(config: &Config, args: &[&str]) -> Output {
    Command::new(binary("oc2-consumer")).args(["rules", "--config"]).arg(config.path()).args(args).output().unwrap()
}

/// What iptables and the sets hold.
fn iptables() -> String {
    ["iptables -S", "ip6tables -S", "ipset save"].map(run).join("")
}

#[track_caller]
fn text(config: &Config) -> String {
    let output = rules(config, &[]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn json(config: &Config) -> Value {
    let output = rules(config, &["--json"]);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn refusal(config: &Config) -> String {
    let output = rules(config, &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_in_force_is_listed_by_the_daemon_and_without_it() {
    in_namespace_with(&["nft"], "rules::what_is_in_force_is_listed_by_the_daemon_and_without_it", || {
        run("ip link set lo up");
        let config = Config::new().slpf("nftables", "drift = \"leave\"");
        config.write();
        assert!(refusal(&config).contains("no daemon runs, and nothing was kept in"), "{}", refusal(&config));

        let daemon = config.start();
        assert!(text(&config).contains("slpf by nftables, prefix OC2: 0 rules; the kernel holds exactly this"));
        let deny = ["--from", "soc-1", "deny", "ipv4_net", "198.51.100.0/24", "--drop-process", "reject"];
        daemon.command(&deny).expect(200);
        daemon
            .command(&[
                "allow",
                "ipv4_connection",
                "--protocol",
                "tcp",
                "--dst-addr",
                "198.51.100.7",
                "--dst-port",
                "443",
                "--direction",
                "egress",
                "--insert-rule",
                "5",
                "--duration",
                "1h",
            ])
            .expect(200);
        daemon.command(&["deny", "ipv6_net", "2001:db8::/32", "--persistent", "false"]).expect(200);

        let mode = std::fs::metadata(config.folder().join("state/rules.sock")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let listed = json(&config);
        assert_eq!((&listed["source"], &listed["consumer"]), (&json!("daemon"), &json!("fw1.example.net")));
        let actuator = &listed["actuators"][0];
        for (member, expected) in [
            ("profile", json!("slpf")),
            ("backend", json!("nftables")),
            ("chain_prefix", json!("OC2")),
            ("kernel_agrees", json!(true)),
        ] {
            assert_eq!(actuator[member], expected, "{listed}");
        }
        let [first, second, third] = actuator["rules"].as_array().unwrap().as_slice() else { panic!("{listed}") };
        let connection = json!({"dst_addr": "198.51.100.7", "dst_port": 443, "protocol": "tcp"});
        assert_eq!(first["target"], json!({"ipv4_connection": connection}));
        assert_eq!(
            (&first["rule_number"], &first["action"], &first["direction"]),
            (&json!(5), &json!("allow"), &json!("egress"))
        );
        let window = first["stop_time"].as_u64().unwrap() - first["created"].as_u64().unwrap();
        assert!(window.abs_diff(60 * 60 * 1000) < 60_000 && first.get("drop_process").is_none(), "{first}");
        assert_eq!((&second["target"], &second["persistent"]), (&json!({"ipv6_net": "2001:db8::/32"}), &json!(false)));
        assert_eq!((&third["drop_process"], &third["producer"]), (&json!("reject"), &json!("soc-1")), "{third}");
        assert!(third.get("stop_time").is_none() && third["rule_number"] == 999_990, "{third}");

        let table = text(&config);
        for expected in ["NUMBER", "deny (reject)", "ipv4 tcp any -> 198.51.100.7 port 443", "until a restart", "soc-1"]
        {
            assert!(table.contains(expected), "{expected} is not in\n{table}");
        }
        run("nft delete table inet openc2");
        assert_eq!(json(&config)["actuators"][0]["kernel_agrees"], false);
        assert!(text(&config).contains("THE KERNEL HOLDS SOMETHING ELSE"), "{}", text(&config));

        // Files that were not closed in order are looked at and left as they are.
        daemon.kill();
        let kept =
            || ["state.redb", "state.log"].map(|name| std::fs::read(config.folder().join("state").join(name)).unwrap());
        let before = kept();
        let listed = json(&config);
        let numbers: Vec<_> =
            listed["actuators"][0]["rules"].as_array().unwrap().iter().map(|rule| &rule["rule_number"]).collect();
        assert_eq!((&listed["source"], numbers), (&json!("store"), vec![&json!(5), &json!(999_990)]));
        assert_eq!(listed["actuators"][0]["kernel_agrees"], Value::Null);
        assert!(text(&config).starts_with("No daemon runs."), "{}", text(&config));
        assert!(kept() == before, "the files were written to");

        let daemon = config.start();
        assert_eq!(json(&config)["source"], "daemon");
        let (status, log) = daemon.terminate();
        assert!(status.success(), "{log}");
        assert!(!config.folder().join("state/rules.sock").exists());
        assert_eq!(json(&config)["actuators"][0]["rules"][1]["rule_number"], 999_990);
    });
}

#[test]
fn a_rule_out_of_force_for_a_while_is_listed_as_such() {
    let config = Config::new().slpf("dry-run", "");
    let daemon = config.start();
    let number = daemon.command(&["deny", "ipv4_net", "198.51.100.0/24"]).expect(200).rule();
    daemon.command(&["delete", "slpf:rule_number", &number, "--duration", "1h", "--anyway"]).expect(200);
    assert!(json(&config)["actuators"][0]["rules"][0]["suspended_until"].is_u64(), "{}", json(&config));
    assert!(text(&config).contains("out of force until 20"), "{}", text(&config));
}

#[test]
fn whoever_may_not_ask_is_told_who_may() {
    let config = Config::new().slpf("dry-run", "");
    let _daemon = config.start();
    let folder = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(config.folder(), folder).unwrap();
    let program = config.folder().join("oc2-consumer");
    std::fs::copy(binary("oc2-consumer"), &program).unwrap();
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    let output = nobody.args(["rules", "--config"]).arg(config.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if stderr.contains("setpriv:") {
        return oc2_packet_filter::testing::note("this user cannot become another");
    }
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("only root and the user of the daemon may ask it"), "{stderr}");
}

#[test]
fn questions_to_the_socket_are_bounded_and_others_are_still_answered() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    let config = Config::new().slpf("dry-run", "");
    let daemon = config.start();
    let ask = |request: &[u8]| {
        let mut stream = UnixStream::connect(config.folder().join("state/rules.sock")).unwrap();
        // It may have been closed before the end.
        let _ = stream.write_all(request);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    assert_eq!(ask(b"RULES\n"), r#"{"error":"unknown request"}"#);
    assert!(ask(&[b'x'; 1 << 20]).len() < 64);
    // Silent ones hold no more than their places, and not for long.
    let silent: Vec<_> =
        (0..8).map(|_| UnixStream::connect(config.folder().join("state/rules.sock")).unwrap()).collect();
    wait_until("an answer", || rules(&config, &[]).status.success());
    drop(silent);
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
}

#[test]
fn the_rules_of_a_former_back_end_go_when_those_of_another_are_in_force() {
    let name = "rules::the_rules_of_a_former_back_end_go_when_those_of_another_are_in_force";
    in_namespace_with(&["nft", "iptables-restore", "ipset"], name, || {
        run("ip link set lo up");
        let config = Config::new().slpf("iptables", "flavor = \"nft\"");
        let daemon = config.start();
        daemon.command(&["deny", "ipv4_net", "198.51.100.7"]).expect(200);
        // Of others, and stays.
        run("iptables -A INPUT -s 203.0.113.9 -j DROP");
        daemon.kill();
        let config = config.with_backend("iptables", "nftables");
        let daemon = config.start();
        assert!(run("nft list table inet openc2").contains("198.51.100.7"));
        let left = iptables();
        assert!(!left.contains("OC2") && left.contains("203.0.113.9"), "{left}");
        daemon.wait_for_log("The rules of the former back end were taken out of the kernel.", 1);
        daemon.kill();

        let config = config.with_backend("nftables", "iptables");
        let daemon = config.start();
        assert!(iptables().contains("198.51.100.7"));
        assert!(!run("nft list tables").contains("openc2"));
        daemon.kill();

        // Trying things out changes nothing, and is not forgotten.
        let config = config.with_backend("iptables", "dry-run");
        let daemon = config.start();
        assert!(iptables().contains("198.51.100.7"));
        daemon.wait_for_log("dry-run changes nothing", 1);
        daemon.kill();
        let config = config.with_backend("dry-run", "nftables");
        let _daemon = config.start();
        assert!(!iptables().contains("OC2"));
    });
}
