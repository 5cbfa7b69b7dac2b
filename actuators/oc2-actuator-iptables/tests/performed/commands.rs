use std::path::Path;

use oc2_actuator::Context;
use oc2_actuator::testing::matrix;
use oc2_core::StatusCode;
use oc2_core::types::time::{DateTime, Window};
use oc2_packet_filter::{Config, OpenError, StoreError};
use oc2_profile_slpf::{Results, RuleNumber, Slpf};

use crate::support::{Firewall, command};

// SLPF-002, SLPF-052 to SLPF-056
#[test]
fn the_profile_is_kept_whatever_is_switched_off() {
    for settings in [
        "",
        "update_dir = \"/tmp\"",
        "disabled_pairs = [\"delete slpf:rule_number\", \"deny ipv6_net\"]",
        "disabled_args = [\"direction\", \"drop_process\", \"persistent\", \"insert_rule\"]",
    ] {
        let firewall = Firewall::dry_with(settings);
        firewall.block_on(matrix(firewall.actuator().clone()));
    }
}

#[test]
fn rules_come_in_the_order_that_the_numbers_say() {
    let firewall = Firewall::dry();
    for (json, expected) in [
        (r#"{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"}}"#, 999_990),
        (r#"{"action":"allow","target":{"ipv6_net":"2001:db8::/32"}}"#, 999_980),
        (
            r#"{"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","dst_port":23}},
                "args":{"response_requested":"complete","slpf":{"insert_rule":7,"drop_process":"reject"}}}"#,
            7,
        ),
        (
            r#"{"action":"allow","target":{"ipv6_connection":{"dst_port":80}},"args":{"slpf":{"direction":"egress"}}}"#,
            999_970,
        ),
    ] {
        assert_eq!(firewall.number(&command(json)).as_i64(), expected, "{json}");
    }
    assert_eq!(firewall.numbers(), [7, 999_970, 999_980, 999_990]);
    assert!(firewall.kernel_agrees());
}

/// Each action that makes a rule, with each target it takes.
fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    let targets = [
        r#""ipv4_net":"198.51.100.0/24""#,
        r#""ipv6_net":"2001:db8::/32""#,
        r#""ipv4_connection":{"protocol":"udp","dst_port":53}"#,
        r#""ipv6_connection":{"src_addr":"2001:db8::1"}"#,
    ];
    ["allow", "deny"].into_iter().flat_map(move |action| targets.map(|target| (action, target)))
}

// SLPF-030, SLPF-077 to SLPF-080, SLPF-121 to SLPF-124
#[test]
fn insert_rule_is_the_number_of_the_rule_unless_another_has_it() {
    for (action, target) in rules() {
        let firewall = Firewall::dry();
        let placed = |action: &str| {
            command(&format!(
                r#"{{"action":"{action}","target":{{{target}}},
                    "args":{{"response_requested":"complete","slpf":{{"insert_rule":-7}}}}}}"#
            ))
        };
        assert_eq!(firewall.number(&placed(action)).as_i64(), -7, "{action} {target}");
        for again in ["allow", "deny"] {
            let refusal = firewall.refusal(&placed(again));
            assert_eq!(refusal.status(), StatusCode::NotImplemented, "{again} {target}: {refusal}");
            assert_eq!(refusal.text(), "Rule number currently in use", "{again} {target}");
        }
        assert_eq!(firewall.numbers(), [-7], "{action} {target}");
        assert!(firewall.kernel_agrees());
    }
}

// SLPF-047, SLPF-075, SLPF-076, SLPF-119, SLPF-120, SLPF-157 to SLPF-160
#[test]
fn each_rule_is_deleted_by_the_number_that_was_told() {
    let firewall = Firewall::dry();
    let kept = firewall.number(&command(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}"#));
    for (action, target) in rules() {
        let rule = command(&format!(
            r#"{{"action":"{action}","target":{{{target}}},"args":{{"response_requested":"complete"}}}}"#
        ));
        let number = firewall.number(&rule);
        assert_eq!(firewall.numbers(), [number.as_i64(), kept.as_i64()], "{action} {target}");
        let delete = Slpf::delete(number).build().unwrap();
        assert!(firewall.send(&delete).unwrap().is_none());
        assert_eq!(firewall.numbers(), [kept.as_i64()], "{action} {target}");
        let refusal = firewall.refusal(&delete);
        assert_eq!(refusal.status(), StatusCode::InternalError);
        assert!(refusal.text().starts_with("firewall rule not removed or updated"), "{refusal}");
    }
    assert!(firewall.kernel_agrees());
}

// SLPF-015, SLPF-029
#[test]
fn a_rule_keeps_its_number_for_life() {
    let mut firewall = Firewall::dry();
    let deny = |target: &str, insert_rule: &str| {
        command(&format!(
            r#"{{"action":"deny","target":{{{target}}},
                "args":{{"response_requested":"complete","slpf":{{{insert_rule}}}}}}}"#
        ))
    };
    let neighbor = r#""ipv6_net":"2001:db8::/32""#;
    let given = firewall.number(&deny(r#""ipv4_net":"192.0.2.1""#, ""));
    let chosen = firewall.number(&deny(r#""ipv4_net":"192.0.2.2""#, r#""insert_rule":7"#));
    let records = |firewall: &Firewall| {
        let rules = firewall.block_on(firewall.actuator().rules()).unwrap();
        let of = |number| rules.iter().find(|record| record.number == number).unwrap().clone();
        [of(given), of(chosen)]
    };
    let before = records(&firewall);
    assert_ne!(before[0].packets, before[1].packets);
    let mut neighbors: Vec<_> = ["6", "8", "999989", "999991"]
        .map(|n| firewall.number(&deny(neighbor, &format!("\"insert_rule\":{n}"))))
        .into();
    neighbors.push(firewall.number(&deny(neighbor, "")));
    assert_eq!(records(&firewall), before);
    for number in neighbors {
        firewall.send(&Slpf::delete(number).build().unwrap()).unwrap();
        assert_eq!(records(&firewall), before);
    }
    firewall.restart();
    assert_eq!(records(&firewall), before);
    assert_eq!(firewall.numbers(), [chosen.as_i64(), given.as_i64()]);
}

// SLPF-064, SLPF-065, SLPF-071 to SLPF-073, SLPF-080, SLPF-094, SLPF-112, SLPF-113, SLPF-126, SLPF-142, SLPF-159, SLPF-160
#[test]
fn each_refusal_has_the_sentence_of_the_standard() {
    let firewall = Firewall::dry_with(
        "disabled_pairs = [\"deny ipv6_net\", \"allow ipv6_connection\"]\ndisabled_args = [\"direction\"]",
    );
    firewall
        .number(&command(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"persistent":true}}}"#));
    for (json, status, text) in [
        (
            r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"drop_process":"false_ack"}}}"#,
            501,
            "Option not supported: args.slpf.drop_process: false_ack",
        ),
        (
            r#"{"action":"allow","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"drop_process":"none"}}}"#,
            501,
            "Option not supported",
        ),
        (
            r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"direction":"both"}}}"#,
            501,
            "Option not supported",
        ),
        (
            r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"},
                "args":{"response_requested":"complete","slpf":{"insert_rule":999990}}}"#,
            501,
            "Rule number currently in use",
        ),
        (
            r#"{"action":"deny","target":{"ipv4_connection":{"protocol":"icmp","dst_port":3}}}"#,
            501,
            "Rule not updated: an ICMP code says nothing without a type",
        ),
        (
            r#"{"action":"allow","target":{"ipv4_connection":{"protocol":"icmp","dst_port":3}}}"#,
            501,
            "Rule not updated: an ICMP code says nothing without a type",
        ),
        (
            r#"{"action":"deny","target":{"ipv6_connection":{"protocol":"icmp","src_port":255}}}"#,
            501,
            "Rule not updated: ICMP type 255 cannot be matched",
        ),
        (r#"{"action":"deny","target":{"ipv6_net":"2001:db8::1"}}"#, 501, "Target type not supported"),
        (r#"{"action":"allow","target":{"ipv6_connection":{"src_port":1}}}"#, 501, "Target type not supported"),
        (
            r#"{"action":"delete","target":{"slpf:rule_number":5}}"#,
            500,
            "firewall rule not removed or updated: no such rule",
        ),
        (r#"{"action":"update","target":{"file":{"name":"rules.json"}}}"#, 501, "Command not supported"),
    ] {
        let refusal = firewall.refusal(&command(json));
        assert_eq!(refusal.status().as_u16(), status, "{json}: {refusal}");
        assert!(refusal.text().starts_with(text), "{json}: {refusal}");
    }
    assert_eq!(firewall.numbers(), [999_990]);
}

#[test]
fn a_number_nobody_can_delete_by_is_not_told() {
    let firewall = Firewall::dry_with("disabled_pairs = [\"delete slpf:rule_number\"]");
    let deny = command(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}"#);
    let none: Option<Results> = None;
    firewall.block_on(oc2_actuator::testing::check(&firewall.any(), &deny, Ok(none)));
    let delete = Slpf::delete(RuleNumber::new(999_990).unwrap()).build().unwrap();
    let refused: Result<Option<Results>, _> = Err((StatusCode::NotImplemented, "target not supported"));
    firewall.block_on(oc2_actuator::testing::check(&firewall.any(), &delete, refused));
}

// SLPF-042, SLPF-043, S13
#[test]
fn only_those_who_are_meant_are_addressed() {
    let firewall = Firewall::dry_with("hostname = \"fw1.example.net\"\nasset_id = \"30\"");
    for (specifiers, expected) in [
        (r#"{"slpf":{}}"#, true),
        (r#"{"slpf":{"asset_id":"30"}}"#, true),
        (r#"{"slpf":{"asset_id":"30","hostname":"FW1.example.net"}}"#, true),
        (r#"{"slpf":{"asset_id":"30","named_group":"perimeter"}}"#, false),
        (r#"{"slpf":{"asset_id":"31"}}"#, false),
        (r#"{"x-other":{}}"#, false),
    ] {
        let json = format!(r#"{{"action":"deny","target":{{"ipv4_net":"192.0.2.1"}},"actuator":{specifiers}}}"#);
        assert_eq!(firewall.any().is_addressed(&command(&json)), Ok(expected), "{specifiers}");
    }
}

/// An `ack` promises that the command was found to be in order (DECISIONS L5).
#[test]
fn what_is_certain_is_refused_before_it_is_performed() {
    let firewall = Firewall::dry_with("update_dir = \"/nonexistent\"\nreject_expired = true");
    let deny = r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}"#;
    firewall.number(&command(&format!("{deny}}}")));
    let placed = format!(r#"{deny},"args":{{"response_requested":"complete","slpf":{{"insert_rule":999990}}}}}}"#);
    let update = r#"{"action":"update","target":{"file":{"name":"x"}}}"#;
    let delete = r#"{"action":"delete","target":{"slpf:rule_number":5}}"#;
    let [past, now, later] = [1_000, DateTime::now().as_millis(), DateTime::now().as_millis() + 60_000];
    for (json, start, stop, expected) in [
        (deny.to_owned() + "}", now, None, None),
        (deny.to_owned() + "}", past, Some(past + 1), Some(400)),
        (deny.to_owned() + "}", now, Some(now), None),
        (placed.clone(), now, None, Some(501)),
        (placed, later, None, Some(501)),
        (update.to_owned(), now, None, Some(500)),
        (update.to_owned(), later, None, None),
        (delete.to_owned(), now, None, Some(500)),
        (delete.to_owned(), later, None, None),
    ] {
        let at = |time| DateTime::from_millis(time).unwrap();
        let context = Context::new("producer", Window { start: at(start), stop: stop.map(at) });
        let prepared = firewall.block_on(firewall.any().prepare(&command(&json), context));
        let status = prepared.err().map(|rejection| rejection.status().as_u16());
        assert_eq!(status, expected, "{json} from {start} to {stop:?}");
    }
    assert_eq!(firewall.numbers(), [999_990]);
}

#[test]
fn the_examples_of_the_standard_lie_in_the_past_and_succeed_without_effect() {
    let firewall = Firewall::dry();
    let deny = r#"{"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","src_addr":"1.2.3.4"}},
        "args":{"start_time":1534775460000,"duration":500,"slpf":{"drop_process":"none"}}}"#;
    assert_eq!(firewall.number(&command(deny)).as_i64(), 999_990);
    assert_eq!(firewall.number(&command(deny)).as_i64(), 999_980);
    assert_eq!(firewall.numbers(), [] as [i64; 0]);
}

#[test]
fn one_store_has_one_user() {
    let firewall = Firewall::dry();
    let again = |dir: &Path| oc2_actuator_iptables::open(toml::from_str("backend = \"dry-run\"").unwrap(), dir);
    let error = again(firewall.dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::InUse { .. })), "{error}");
    let error = oc2_actuator_iptables::uninstall(&Config::default(), firewall.dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::InUse { .. })), "{error}");
    firewall.block_on(firewall.actuator().close());
    again(firewall.dir.path()).unwrap();
}
