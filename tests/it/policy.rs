//! Who may do what, and what nobody may, by the Producer on the command line.

use crate::harness::Config;

const POLICY: &str = r#"
[[rule]]
name = "whoever is here stops small nets"
who = "unauthenticated"
actions = "deny"
targets = ["ipv4_net", "ipv6_net"]
outside = "10.0.0.0/8"
widest_ipv4 = "/24"
widest_ipv6 = "/64"
where.slpf.drop_process = "reject"

[[rule]]
name = "whoever is here tidies up"
who = "unauthenticated"
actions = "delete"
targets = "slpf:rule_number"
"#;

const GUARD: &str = r#"
[actuator.guard]
here = "198.51.100.1"
[[actuator.guard.keep]]
name = "management"
nets = "192.0.2.0/24"
protocol = "tcp"
port_here = 22
"#;

#[test]
fn a_command_passes_the_policy_and_then_the_guard() {
    // LS-141, ARCH-016
    let config = Config::new().policy(POLICY).slpf("dry-run", GUARD);
    let daemon = config.start();
    let deny = |net: &str| daemon.command(&["deny", "ipv4_net", net, "--drop-process", "reject"]);
    let number = deny("203.0.113.0/24").expect(200).rule();
    for forbidden in ["203.0.112.0/23", "10.1.2.3"] {
        deny(forbidden).expect(403).expect_text("the policy of this Consumer does not allow it");
    }
    daemon.command(&["deny", "ipv4_net", "203.0.113.0/24"]).expect(403).expect_text("the policy");
    daemon.command(&["query", "features"]).expect(403).expect_text("the policy");
    deny("192.0.2.0/24").expect(403).expect_text("not done: it would cut off management");
    daemon.command(&["delete", "slpf:rule_number", &number]).expect(200);
    let (_, log) = daemon.terminate();
    for part in [
        "rule=\"whoever is here stops small nets\" objection=\"203.0.112.0/23 is wider than /24\"",
        "objection=\"10.1.2.3/32 is not outside 10.0.0.0/8\"",
        "no rule allows peers that are not authenticated to query features",
        "it would cut off what has to stay reachable",
        "nobody has authenticated",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[test]
fn a_policy_is_asked_before_there_is_anything_to_perform_with() {
    let config = Config::new().policy("");
    assert!(config.policy_path().exists());
    let daemon = config.start();
    daemon.command(&["query", "features"]).expect(403);
    daemon.command(&["deny", "ipv4_net", "203.0.113.0/24"]).expect(403);
}
