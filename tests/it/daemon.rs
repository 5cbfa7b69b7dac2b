//! The daemon and the Producer on the command line.

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Config, command};

#[test]
fn the_producer_learns_what_the_daemon_can_do() {
    // LS-204, LS-205, SLPF-143
    let config = Config::new().consumer("rate_limit = 6000").slpf_with_updates("dry-run");
    let daemon = config.start();
    let answer = daemon.command(&["query", "features", "versions", "profiles", "pairs", "rate_limit"]).expect(200);
    let packets = json!(["ipv4_connection", "ipv6_connection", "ipv4_net", "ipv6_net"]);
    let pairs = json!({
        "query": ["features"], "deny": packets, "allow": packets, "update": ["file"],
        "delete": ["slpf:rule_number"],
    });
    let expected = json!({"versions": ["1.0"], "profiles": ["slpf"], "pairs": pairs, "rate_limit": 6000});
    assert_eq!(answer.response["results"], expected);
}

#[test]
fn a_pair_that_is_switched_off_is_neither_listed_nor_performed() {
    // SLPF-137, SLPF-138, SLPF-153 to SLPF-155, SLPF-173 to SLPF-175
    let off = r#"disabled_pairs = ["deny ipv4_net", "delete slpf:rule_number"]"#;
    let daemon_config = Config::new().slpf("dry-run", off);
    let daemon = daemon_config.start();
    let pairs = daemon.command(&["query", "features", "pairs"]).expect(200).response["results"]["pairs"].clone();
    assert_eq!(
        (&pairs["deny"], &pairs["delete"], &pairs["update"]),
        (&json!(["ipv4_connection", "ipv6_connection", "ipv6_net"]), &json!(null), &json!(null))
    );
    daemon.command(&["deny", "ipv4_net", "10.0.0.0/8"]).expect(501).expect_text("Target type not supported");
    daemon.command(&["delete", "slpf:rule_number", "1"]).expect(501).expect_text("target not supported");
    daemon.command(&["update", "file", "rules.json"]).expect(501).expect_text("Command not supported");
}

#[test]
fn numbers_count_down_and_a_number_in_use_is_refused() {
    // SLPF-078 to SLPF-080, S1
    let config = Config::new().slpf("dry-run", "");
    let daemon = config.start();
    assert_eq!(daemon.command(&["deny", "ipv4_net", "10.0.0.0/8"]).expect(200).rule(), "999990");
    assert_eq!(daemon.command(&["deny", "ipv4_net", "10.0.0.0/8"]).expect(200).rule(), "999980");
    assert_eq!(daemon.command(&["allow", "ipv4_net", "10.0.0.1", "--insert-rule", "7"]).expect(200).rule(), "7");
    daemon
        .command(&["allow", "ipv4_net", "10.0.0.1", "--insert-rule", "7"])
        .expect(501)
        .expect_text("Rule number currently in use");
    daemon
        .command(&["deny", "ipv4_net", "10.0.0.1", "--drop-process", "false_ack"])
        .expect(501)
        .expect_text("Option not supported");
}

#[test]
fn producer_and_daemon_keep_the_clauses_of_packet_filtering() {
    // SLPF-182, SLPF-188, SLPF-190 to SLPF-198, SLPF-203, SLPF-209, SLPF-214 to SLPF-222
    let config = Config::new().slpf_with_updates("dry-run");
    std::fs::write(config.folder().join("rules/rules.json"), "[]").unwrap();
    let daemon = config.start();
    let connection = ["--protocol", "tcp", "--dst-port", "80"];
    for action in ["allow", "deny"] {
        for target in [
            vec!["ipv4_net", "192.0.2.0/24"],
            vec!["ipv6_net", "2001:db8::/32"],
            [&["ipv4_connection"], &connection[..]].concat(),
            [&["ipv6_connection"], &connection[..]].concat(),
        ] {
            for args in [
                vec![],
                vec!["--persistent", "false"],
                vec!["--direction", "ingress", "--response-requested", "complete"],
                vec!["--start-time", "1", "--stop-time", "+1h"],
                vec!["--duration", "1h"],
            ] {
                let words = [&[action], &target[..], &args[..]].concat();
                let number = daemon.command(&words).expect(200).rule();
                daemon.command(&["delete", "slpf:rule_number", &number]).expect(200);
                daemon.command(&["delete", "slpf:rule_number", &number]).expect(500);
            }
        }
    }
    // SLPF-199, SLPF-223
    daemon.command(&["deny", "ipv4_net", "192.0.2.0/24", "--drop-process", "reject"]).expect(200);
    daemon.command(&["update", "file", "rules.json"]).expect(200);
    daemon.command(&["query", "features"]).expect(200);
}

#[test]
fn only_who_is_meant_performs() {
    // SLPF-043
    let config = Config::new().slpf("dry-run", "asset_id = \"30\"\nhostname = \"fw1.example.net\"");
    let daemon = config.start();
    daemon.command(&["deny", "ipv4_net", "10.0.0.0/8", "--asset-id", "31"]).expect(404);
    daemon
        .command(&["deny", "ipv4_net", "10.0.0.0/8", "--asset-id", "30", "--hostname", "FW1.example.net"])
        .expect(200);
    daemon.command(&["deny", "ipv4_net", "10.0.0.0/8", "--named-group", "edge"]).expect(404);
}

#[test]
fn a_consumer_that_is_not_there_is_exit_status_3() {
    let config = Config::new();
    let daemon = config.start();
    let url = daemon.url();
    daemon.kill();
    let answer = command(&url, &["query", "features"]);
    assert_eq!(answer.exit, Some(3), "{answer:?}");
    assert!(answer.stderr.contains("cannot be reached"), "{answer:?}");
}

#[test]
fn a_hangup_reads_the_configuration_again() {
    let config = Config::new();
    let daemon = config.start();
    let config = config.consumer("rate_limit = 60");
    config.write();
    daemon.signal(Signal::HUP);
    for _ in 0..200 {
        if daemon.command(&["query", "features", "rate_limit"]).response["results"]["rate_limit"] == 60 {
            return;
        }
    }
    panic!("the new rate limit is not told");
}

#[test]
fn a_configuration_that_became_wrong_changes_nothing() {
    let config = Config::new().consumer("rate_limit = 600");
    let daemon = config.start();
    std::fs::write(config.path(), "[consumer]\nid = 7").unwrap();
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("was not reloaded", 1);
    let answer = daemon.command(&["query", "features", "rate_limit"]).expect(200);
    assert_eq!(answer.response["results"]["rate_limit"], 600);
    let (status, log) = daemon.terminate();
    assert!(status.success() && log.contains("was not reloaded"), "{log}");
}
