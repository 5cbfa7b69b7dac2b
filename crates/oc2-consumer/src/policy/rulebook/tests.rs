use oc2_core::shape::read::{Context, Read};
use oc2_core::{Mode, Profile};
use oc2_profile_slpf::Slpf;

use super::*;

/// The policy of the task: soc-1 may deny any net up to a /24 outside 10.0.0.0/8, never with persistent true, never the
/// management net; auditors may only query.
const POLICY: &str = r#"
[groups]
auditors = ["audit-1", "audit-2"]

[from]
soc-1 = ["soc-1", "soc-1@example.net"]

[[rule]]
name = "soc-1 stops small nets"
who = "soc-1"
actions = "deny"
targets = ["ipv4_net", "ipv6_net"]
profiles = "slpf"
outside = ["10.0.0.0/8", "192.0.2.0/24", "2001:db8:1::/48"]
widest_ipv4 = "/24"
widest_ipv6 = "/64"
where.slpf.persistent = false

[[rule]]
name = "auditors look"
groups = "auditors"
actions = "query"
targets = "any"
"#;

#[test]
fn a_command_within_the_bounds_of_a_rule_is_allowed_by_it() {
    let cases = [
        (r#"{"ipv4_net": "198.51.100.0/24"}"#, None),
        (r#"{"ipv4_net": "198.51.100.7"}"#, None),
        (r#"{"ipv4_net": "9.255.255.255/32"}"#, None),
        (r#"{"ipv4_net": "11.0.0.0/24"}"#, None),
        (r#"{"ipv4_net": "198.51.100.0/23"}"#, Some("198.51.100.0/23 is wider than /24")),
        (r#"{"ipv4_net": "0.0.0.0/0"}"#, Some("0.0.0.0/0 is not outside 10.0.0.0/8")),
        (r#"{"ipv4_net": "10.0.0.0/8"}"#, Some("10.0.0.0/8 is not outside 10.0.0.0/8")),
        (r#"{"ipv4_net": "10.255.255.255"}"#, Some("10.255.255.255/32 is not outside 10.0.0.0/8")),
        // Wider than what it must be outside of.
        (r#"{"ipv4_net": "8.0.0.0/6"}"#, Some("8.0.0.0/6 is not outside 10.0.0.0/8")),
        // L19: the bits beyond the prefix do not count.
        (r#"{"ipv4_net": "10.1.2.3/24"}"#, Some("10.1.2.0/24 is not outside 10.0.0.0/8")),
        (r#"{"ipv4_net": "192.0.2.200/25"}"#, Some("192.0.2.128/25 is not outside 192.0.2.0/24")),
        (r#"{"ipv6_net": "2001:db8:2::/64"}"#, None),
        (r#"{"ipv6_net": "2001:db8:2::1"}"#, None),
        (r#"{"ipv6_net": "2001:db8:2::/63"}"#, Some("2001:db8:2::/63 is wider than /64")),
        (r#"{"ipv6_net": "2001:db8:1:ffff::/64"}"#, Some("2001:db8:1:ffff::/64 is not outside 2001:db8:1::/48")),
        (r#"{"ipv6_net": "::/0"}"#, Some("::/0 is not outside 2001:db8:1::/48")),
    ];
    for (target, expected) in cases {
        let command =
            format!(r#"{{"action": "deny", "target": {target}, "args": {{"slpf": {{"persistent": false}}}}}}"#);
        let expected = expected.map_or(Ok("soc-1 stops small nets"), |reason| Err((403, reason)));
        check(POLICY, "soc-1", &command, expected);
    }
}

#[test]
fn what_is_not_said_is_bounded_as_the_profile_understands_it() {
    let reason = "slpf.persistent is true, where false is allowed";
    check(POLICY, "soc-1", DENY, Err((403, reason)));
    let command =
        r#"{"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}, "args": {"slpf": {"persistent": true}}}"#;
    check(POLICY, "soc-1", command, Err((403, reason)));
}

#[test]
fn nothing_is_allowed_besides() {
    let query = r#"{"action": "query", "target": {"features": []}}"#;
    check(POLICY, "audit-1", query, Ok("auditors look"));
    check(POLICY, "audit-2", query, Ok("auditors look"));
    check(POLICY, "audit-2", DENY, Err((403, "no rule allows audit-2 to deny ipv4_net through slpf")));
    check(POLICY, "soc-1", query, Err((403, "no rule allows soc-1 to query features")));
    check(POLICY, "SOC-1", DENY, Err((403, "no rule allows SOC-1 to deny ipv4_net through slpf")));
    check("", "soc-1", DENY, Err((403, "no rule allows soc-1 to deny ipv4_net through slpf")));
    let delete = r#"{"action": "delete", "target": {"slpf:rule_number": 1}}"#;
    check(POLICY, "soc-1", delete, Err((403, "no rule allows soc-1 to delete slpf:rule_number through slpf")));
}

#[test]
fn an_address_or_a_claim_is_no_identity() {
    let policy = parse(&rule("who = [\"soc-1\"]\nactions = \"deny\"\ntargets = \"any\"")).unwrap();
    let command = read(DENY);
    let slpf = [Terms::of::<Slpf>()];
    let peer = Peer::Unauthenticated("soc-1".into());
    let refused = policy.judge(&Question::new(&peer, Some("soc-1"), &command, &slpf)).unwrap_err();
    assert_eq!(refused.reason(), "no rule allows peers that are not authenticated to deny ipv4_net through slpf");
    assert_eq!(refused.rejection().status().as_u16(), 403);
}

#[test]
fn two_words_stand_for_whoever_has_an_identity_and_whoever_has_none() {
    let command = read(DENY);
    let slpf = [Terms::of::<Slpf>()];
    let peers = [Peer::Authenticated("x".into()), Peer::Unauthenticated("192.0.2.7".into())];
    for (word, expected) in [("authenticated", [true, false]), ("unauthenticated", [false, true])] {
        let policy = parse(&rule(&format!("who = \"{word}\"\nactions = \"any\"\ntargets = \"any\""))).unwrap();
        let allowed = peers.clone().map(|peer| policy.judge(&Question::new(&peer, None, &command, &slpf)).is_ok());
        assert_eq!(allowed, expected, "{word}");
        assert_eq!(policy.rules_for_unauthenticated().count(), usize::from(expected[1]));
    }
    // Nobody becomes everybody by a name.
    let policy = parse(&rule("who = \"soc-1\"\nactions = \"any\"\ntargets = \"any\"")).unwrap();
    for name in ["authenticated", "unauthenticated"] {
        let peer = Peer::Authenticated(name.into());
        policy.judge(&Question::new(&peer, None, &command, &slpf)).unwrap_err();
    }
}

// M6
#[test]
fn a_from_is_used_by_whom_it_is_listed_for() {
    let policy =
        parse(&format!("[from]\nsoc-1 = [\"soc-1\", \"s\"]\nunauthenticated = \"guest\"\n{}", rule(ALL))).unwrap();
    let command = read(DENY);
    let slpf = [Terms::of::<Slpf>()];
    let authenticated = |name: &str| Peer::Authenticated(name.into());
    for (peer, from, expected) in [
        (authenticated("soc-1"), Some("soc-1"), true),
        (authenticated("soc-1"), Some("s"), true),
        (authenticated("soc-1"), Some("S"), false),
        (authenticated("soc-1"), Some("other"), false),
        (authenticated("soc-1"), None, true),
        // For whom nothing is listed it is a label, but not one of somebody else.
        (authenticated("soc-2"), Some("anything"), true),
        (authenticated("soc-2"), Some("soc-1"), false),
        (authenticated("soc-2"), Some("guest"), false),
        (Peer::Unauthenticated("192.0.2.7".into()), Some("guest"), true),
        (Peer::Unauthenticated("192.0.2.7".into()), Some("soc-1"), false),
        (Peer::Unauthenticated("192.0.2.7".into()), Some("anything"), false),
    ] {
        let res = policy.judge(&Question::new(&peer, from, &command, &slpf));
        let status = res.err().map(|objection| objection.rejection().status().as_u16());
        assert_eq!(status, (!expected).then_some(401), "{peer} {from:?}");
    }
}

#[test]
fn every_address_part_of_a_connection_is_bounded() {
    let bounds = "outside = \"10.0.0.0/8\"\nwidest_ipv4 = \"/24\"";
    for (connection, both_ends, expected) in [
        (r#"{"src_addr": "198.51.100.0/24"}"#, false, None),
        (r#"{"dst_addr": "198.51.100.7"}"#, false, None),
        (r#"{"src_addr": "198.51.100.7", "dst_addr": "203.0.113.7"}"#, true, None),
        (r#"{"src_addr": "10.0.0.1"}"#, false, Some("10.0.0.1/32 is not outside 10.0.0.0/8")),
        (
            r#"{"src_addr": "198.51.100.7", "dst_addr": "10.0.0.1"}"#,
            false,
            Some("10.0.0.1/32 is not outside 10.0.0.0/8"),
        ),
        (
            r#"{"src_addr": "198.51.100.7", "dst_addr": "203.0.112.0/23"}"#,
            false,
            Some("203.0.112.0/23 is wider than /24"),
        ),
        (r#"{"protocol": "tcp", "dst_port": 23}"#, false, Some("any address is not outside 10.0.0.0/8")),
        (r#"{"src_addr": "198.51.100.7"}"#, true, Some("any address is not outside 10.0.0.0/8")),
    ] {
        let rule = rule(&format!(
            "who = \"p\"\nactions = \"deny\"\ntargets = \"ipv4_connection\"\n{bounds}\nboth_ends = {both_ends}"
        ));
        let command = format!(r#"{{"action": "deny", "target": {{"ipv4_connection": {connection}}}}}"#);
        check(&rule, "p", &command, expected.map_or(Ok("r"), |reason| Err((403, reason))));
    }
    let bounds = "within = \"2001:db8::/32\"\nwidest_ipv6 = \"/64\"";
    let rule = rule(&format!("who = \"p\"\nactions = \"any\"\ntargets = \"ipv6_connection\"\n{bounds}"));
    for (connection, expected) in [
        (r#"{"src_addr": "2001:db8::1", "dst_addr": "2001:db8:1::/64"}"#, None),
        (
            r#"{"src_addr": "2001:db8::1", "dst_addr": "2001:db9::1"}"#,
            Some("2001:db9::1/128 is not within 2001:db8::/32"),
        ),
        (r#"{"dst_addr": "2000::/3"}"#, Some("2000::/3 is not within 2001:db8::/32")),
        (r#"{"protocol": "udp"}"#, Some("any address is not within 2001:db8::/32")),
    ] {
        let command = format!(r#"{{"action": "allow", "target": {{"ipv6_connection": {connection}}}}}"#);
        check(&rule, "p", &command, expected.map_or(Ok("r"), |reason| Err((403, reason))));
    }
}

#[test]
fn families_are_bounded_apart() {
    let rule = rule("who = \"p\"\nactions = \"any\"\ntargets = \"any\"\nwithin = \"198.51.100.0/24\"");
    check(&rule, "p", DENY, Ok("r"));
    let mapped = r#"{"action": "deny", "target": {"ipv6_net": "::ffff:198.51.100.1"}}"#;
    check(&rule, "p", mapped, Err((403, "::ffff:198.51.100.1/128 is not within 198.51.100.0/24")));
    let everything =
        self::rule("who = \"p\"\nactions = \"any\"\ntargets = \"any\"\nwithin = [\"0.0.0.0/0\", \"::/0\"]");
    check(&everything, "p", mapped, Ok("r"));
    check(&everything, "p", r#"{"action": "deny", "target": {"ipv4_net": "0.0.0.0/0"}}"#, Ok("r"));
}

#[test]
fn ports_and_protocols_are_bounded() {
    let rule = rule(
        "who = \"p\"\nactions = \"any\"\ntargets = [\"ipv4_connection\", \"ipv4_net\"]\nprotocols = [\"tcp\", \"udp\"]\ndst_ports = [80, \"8000-8999\"]",
    );
    for (connection, expected) in [
        (r#"{"protocol": "tcp", "dst_port": 80}"#, None),
        (r#"{"protocol": "udp", "dst_port": 8000}"#, None),
        (r#"{"protocol": "udp", "dst_port": 8999, "src_port": 1}"#, None),
        (r#"{"protocol": "tcp", "dst_port": 9000}"#, Some("dst_port 9000 is not among 80, 8000-8999")),
        (r#"{"protocol": "tcp", "src_port": 80}"#, Some("any dst_port is not among 80, 8000-8999")),
        (r#"{"protocol": "tcp"}"#, Some("any dst_port is not among 80, 8000-8999")),
        // S8: ports alone are of sctp too.
        (r#"{"dst_port": 80}"#, Some("any protocol is not among tcp, udp")),
        (r#"{"src_addr": "192.0.2.1"}"#, Some("any protocol is not among tcp, udp")),
        (r#"{"protocol": "icmp", "src_port": 8}"#, Some("icmp is not among tcp, udp")),
    ] {
        let command = format!(r#"{{"action": "deny", "target": {{"ipv4_connection": {connection}}}}}"#);
        check(&rule, "p", &command, expected.map_or(Ok("r"), |reason| Err((403, reason))));
    }
    // A net is of every port and protocol.
    check(&rule, "p", DENY, Err((403, "any protocol is not among tcp, udp")));
    // S8: with icmp what stands for a port is none.
    let icmp =
        r#"{"action": "deny", "target": {"ipv4_connection": {"protocol": "icmp", "src_port": 8, "dst_port": 0}}}"#;
    for ports in ["src_ports = 8", "dst_ports = 0"] {
        let rule = self::rule(&format!("who = \"p\"\nactions = \"any\"\ntargets = \"ipv4_connection\"\n{ports}"));
        let name = &ports[..8];
        check(&rule, "p", icmp, Err((403, &format!("any {name} is not among {}", &ports[12..]))));
    }
    let all = self::rule(
        "who = \"p\"\nactions = \"any\"\ntargets = \"ipv4_connection\"\nprotocols = [\"tcp\", \"udp\", \"sctp\"]",
    );
    check(&all, "p", r#"{"action": "deny", "target": {"ipv4_connection": {"dst_port": 80}}}"#, Ok("r"));
}

#[test]
fn arguments_of_the_profile_are_bounded() {
    let rule = rule(
        "who = \"p\"\nactions = [\"allow\", \"deny\"]\ntargets = \"ipv4_net\"\n[rule.where.slpf]\ndirection = [\"ingress\", \"egress\"]\ndrop_process = [\"none\", \"reject\"]\ninsert_rule = false",
    );
    for (args, expected) in [
        (r#"{"direction": "ingress"}"#, None),
        (r#"{"direction": "egress", "drop_process": "reject"}"#, None),
        (r#"{}"#, Some(r#"slpf.direction is "both", where "ingress" or "egress" is allowed"#)),
        (
            r#"{"direction": "egress", "drop_process": "false_ack"}"#,
            Some(r#"slpf.drop_process is "false_ack", where "none" or "reject" is allowed"#),
        ),
        (r#"{"direction": "egress", "insert_rule": 1}"#, Some("slpf.insert_rule is true, where false is allowed")),
    ] {
        let command = format!(
            r#"{{"action": "deny", "target": {{"ipv4_net": "192.0.2.1"}}, "args": {{"response_requested": "complete", "slpf": {args}}}}}"#
        );
        check(&rule, "p", &command, expected.map_or(Ok("r"), |reason| Err((403, reason))));
    }
    let allow =
        r#"{"action": "allow", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"direction": "ingress"}}}"#;
    check(&rule, "p", allow, Ok("r"));
}

#[test]
fn what_cannot_be_known_is_not_within_a_bound() {
    let rule = rule("who = \"p\"\nactions = \"any\"\ntargets = \"any\"\nwhere.slpf.persistent = false");
    for (command, expected) in [
        (
            r#"{"action": "update", "target": {"file": {"name": "rules.json"}}}"#,
            "slpf.persistent is bounded, and not to be known of update file",
        ),
        (
            r#"{"action": "delete", "target": {"slpf:rule_number": 1}}"#,
            "slpf.persistent is bounded, and not to be known of delete slpf:rule_number",
        ),
    ] {
        check(&rule, "p", command, Err((403, expected)));
    }
    let query = r#"{"action": "query", "target": {"features": []}}"#;
    check(&rule, "p", query, Err((403, "slpf.persistent is bounded, and slpf would not perform it")));
    let rule = self::rule("who = \"p\"\nactions = \"any\"\ntargets = \"any\"\noutside = \"10.0.0.0/8\"");
    let update = r#"{"action": "update", "target": {"file": {"name": "rules.json"}}}"#;
    check(&rule, "p", update, Err((403, "file has no addresses or ports that could be bounded")));
}

#[test]
fn what_the_profile_refuses_is_refused_as_it_says() {
    let rule = rule("who = \"p\"\nactions = \"any\"\ntargets = \"any\"\nwhere.slpf.persistent = false");
    let command = r#"{"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"persistent": 1}}}"#;
    let policy = parse(&rule).unwrap();
    let refused = policy.judge(&Question::new(&peer("p"), None, &read(command), &[Terms::of::<Slpf>()])).unwrap_err();
    assert_eq!(refused.rejection().status().as_u16(), 400);
    assert!(refused.rejection().text().starts_with("args.slpf.persistent: "), "{}", refused.rejection());
}

#[test]
fn how_long_a_command_lasts_is_bounded() {
    let rule = rule("who = \"p\"\nactions = \"any\"\ntargets = \"any\"\nmax_duration = \"1h\"");
    for (args, expected) in [
        (r#"{"duration": 3600000}"#, None),
        (r#"{"start_time": 1700000000000, "stop_time": 1700003600000}"#, None),
        (r#"{"duration": 3600001}"#, Some("it lasts 3600.001 s, longer than 3600 s")),
        (r#"{"start_time": 1700000000000}"#, Some("it has no end, where 3600 s are allowed")),
        (r#"{"response_requested": "ack"}"#, Some("it has no end, where 3600 s are allowed")),
    ] {
        let command = format!(r#"{{"action": "deny", "target": {{"ipv4_net": "192.0.2.1"}}, "args": {args}}}"#);
        check(&rule, "p", &command, expected.map_or(Ok("r"), |reason| Err((403, reason))));
    }
}

#[test]
fn a_rate_is_of_each_peer_and_counts_when_a_command_is_taken_on() {
    let policy =
        parse(&rule("who = [\"a\", \"b\", \"authenticated\"]\nactions = \"any\"\ntargets = \"any\"\nrate = 1"))
            .unwrap();
    let command = read(DENY);
    let slpf = [Terms::of::<Slpf>()];
    let permit = |name: &str| policy.judge(&Question::new(&peer(name), None, &command, &slpf)).unwrap();
    let (first, second) = (permit("a"), permit("a"));
    first.admit().unwrap();
    assert_eq!(second.admit().unwrap_err().status().as_u16(), 503);
    permit("b").admit().unwrap();
    // Those who come by a word share one.
    permit("c").admit().unwrap();
    permit("d").admit().unwrap_err();
}

#[test]
fn the_first_rule_that_covers_a_command_allows_it() {
    let narrow = rule("who = \"p\"\nactions = \"deny\"\ntargets = \"ipv4_net\"\nwidest_ipv4 = \"/32\"");
    let wide = rule("who = \"p\"\nactions = \"deny\"\ntargets = \"ipv4_net\"").replace("\"r\"", "\"wide\"");
    check(&format!("{narrow}{wide}"), "p", DENY, Ok("wide"));
    check(&format!("{narrow}{wide}"), "p", r#"{"action": "deny", "target": {"ipv4_net": "192.0.2.1"}}"#, Ok("r"));
}

/// What is wrong is said with line and column.
#[test]
fn errors_name_their_place() {
    let good = "[[rule]]\nname = \"r\"\nwho = \"p\"\nactions = \"deny\"\ntargets = \"ipv4_net\"\n";
    parse(good).unwrap();
    let mut missed = Vec::new();
    for (bad, place, reason) in [
        (good.replace("who", "whom"), "line 3, column 1", "unknown field `whom`"),
        (format!("{good}wihtin = \"10.0.0.0/8\"\n"), "line 6, column 1", "unknown field `wihtin`"),
        (format!("[policy]\n{good}"), "line 1, column 2", "unknown field `policy`"),
        (good.replace("who = \"p\"\n", ""), "line 2, column 8", "add who or groups"),
        (good.replace("who = \"p\"", "groups = \"g\""), "line 3, column 10", "no group \"g\""),
        (good.replace("\"deny\"", "\"dney\""), "line 4, column 11", "dney"),
        (good.replace("\"deny\"", "[]"), "line 4, column 11", "an empty list"),
        (good.replace("ipv4_net", "ipv4net"), "line 5, column 11", "ipv4net"),
        (good.replace("ipv4_net", "slpf:rule_numbr"), "line 5, column 11", "no command of slpf has the target"),
        (
            good.replace("ipv4_net", "x-acme:door"),
            "line 5, column 11",
            "\"x-acme\" is no profile of this Consumer (slpf)",
        ),
        (format!("{good}profiles = \"pf\"\n"), "line 6, column 12", "\"pf\" is no profile of this Consumer"),
        (format!("{good}within = [\"10.0.0.0/33\"]\n"), "line 6, column 10", "10.0.0.0/33"),
        (format!("{good}widest_ipv4 = \"/33\"\n"), "line 6, column 15", "at most 32 bits"),
        (format!("{good}widest_ipv4 = 24\n"), "line 6, column 15", "expected a string"),
        (format!("{good}widest_ipv4 = \"24\"\n"), "line 6, column 15", "\"24\" is not a prefix"),
        (format!("{good}dst_ports = 65536\n"), "line 6, column 13", "65536 is not a port"),
        (format!("{good}dst_ports = \"9-8\"\n"), "line 6, column 13", "\"9-8\" is neither a port"),
        (format!("{good}protocols = \"gre\"\n"), "line 6, column 13", "gre"),
        (format!("{good}max_duration = \"1w\"\n"), "line 6, column 16", "\"1w\" is not a time"),
        (format!("{good}rate = 0\n"), "line 6, column 8", "nonzero"),
        (format!("{good}where.pf.persistent = false\n"), "line 6, column 7", "\"pf\" is no profile"),
        (
            format!("{good}where.slpf.persist = false\n"),
            "line 6, column 12",
            "slpf offers no persist to bound (persistent, ",
        ),
        (format!("{good}where.slpf.persistent = \"no\"\n"), "line 6, column 25", "persistent is true or false"),
        (
            format!("{good}where.slpf.direction = \"up\"\n"),
            "line 6, column 24",
            "direction is one of both, ingress, egress",
        ),
        (format!("{good}where.slpf.direction = {{ min = 1 }}\n"), "line 6, column 24", "direction is one of"),
        (format!("{good}where.slpf.persistent = {{ least = 1 }}\n"), "line 6, column 2", "unknown field `least`"),
        (format!("{good}{good}"), "line 7, column 8", "there are two rules \"r\""),
        (good.replace("\"r\"", "\" \""), "line 2, column 8", "at least one character"),
        (
            format!("{good}widest_ipv4 = \"/24\"\n").replace("\"ipv4_net\"", "[\"ipv4_net\", \"ipv6_net\"]"),
            "line 5, column 11",
            "add widest_ipv6",
        ),
        (
            format!("{good}widest_ipv6 = \"/64\"\n").replace("\"ipv4_net\"", "\"any\""),
            "line 5, column 11",
            "add widest_ipv4",
        ),
        (
            format!("{good}outside = \"10.0.0.0/8\"\n").replace("\"ipv4_net\"", "[\"ipv4_net\", \"file\"]"),
            "line 5, column 11",
            "would never let file pass",
        ),
        (format!("[from]\nauthenticated = \"a\"\n{good}"), "line 2, column 1", "one by one"),
        (format!("{good}\n{good}\n[[rule]").replacen("\"r\"", "\"q\"", 1), "line 13", ""),
    ] {
        let error = parse(&bad).unwrap_err().to_string();
        if !error.contains(place) || !error.contains(reason) {
            missed.push(format!("{bad}\n{error}\n{place}: {reason}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

fn check(policy: &str, who: &str, command: &str, expected: Result<&str, (u16, &str)>) {
    let policy = parse(policy).unwrap();
    let command = read(command);
    let slpf = [Terms::of::<Slpf>()];
    let is_of_slpf = Slpf::COMMANDS.iter().any(|row| row.pair() == command.pair_in::<Slpf>());
    let profiles = if is_of_slpf { &slpf[..] } else { &[] };
    let peer = peer(who);
    let decision = policy.judge(&Question::new(&peer, None, &command, profiles));
    let found = match &decision {
        Ok(permit) => Ok(permit.rule().unwrap()),
        Err(objection) => Err((objection.rejection().status().as_u16(), objection.reason())),
    };
    assert_eq!(found.as_deref().map_err(|no| *no), expected, "{command:?}");
    // Nothing of the reason goes to the peer.
    if let Err(objection) = &decision {
        assert_eq!(objection.rejection().text(), "the policy of this Consumer does not allow it");
    }
}

fn parse(text: &str) -> Result<Rulebook, PolicyError> {
    Rulebook::parse(text, &[Terms::of::<Slpf>()])
}

fn rule(lines: &str) -> String {
    format!("[[rule]]\nname = \"r\"\n{lines}\n")
}

fn peer(name: &str) -> Peer {
    Peer::Authenticated(name.into())
}

fn read(json: &str) -> Command {
    Command::read(&mut Context::new(Mode::Strict), &mut serde_json::Deserializer::from_str(json)).unwrap()
}

const DENY: &str = r#"{"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}}"#;
const ALL: &str = "who = [\"authenticated\", \"unauthenticated\"]\nactions = \"any\"\ntargets = \"any\"";
