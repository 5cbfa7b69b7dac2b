//! What a command means (SLPF 2.1.2, 2.1.3, 2.3), with every default filled in.

use oc2_core::shape::read::Mode;
use oc2_core::{Action, Command as CommonCommand, Features, Profile};
use oc2_profile_slpf::{
    Command, Direction, DropProcess, Flow, Packets, Ports, Refusal, Rule, RuleNumber, Slpf, Traffic, UpdateFile,
};

use crate::support::{command, in_both_modes, understood};

#[track_caller]
fn means(json: &str, expected: &Command) {
    for found in in_both_modes(json) {
        assert_eq!(found.as_ref(), Ok(expected), "{json}");
    }
}

#[track_caller]
fn refused(json: &str, words: &str) {
    for found in in_both_modes(json) {
        assert_eq!(found.err().as_deref(), Some(words), "{json}");
    }
}

/// A net of either version.
#[track_caller]
fn packets(net: &str) -> Packets {
    match net.parse() {
        Ok(net) => Packets::Ipv4Net(net),
        Err(_) => Packets::Ipv6Net(net.parse().expect(net)),
    }
}

/// A rule with the defaults of 2.1.3.2.
fn rule(packets: Packets) -> Rule {
    Rule { packets, direction: Direction::Both, persistent: true, insert_rule: None }
}

fn deny(rule: Rule) -> Command {
    Command::Deny { rule, drop_process: DropProcess::None }
}

// SLPF-033 to SLPF-035, S6, S7, S12
#[test]
fn absent_arguments_have_their_defaults() {
    for (action, expected) in
        [("allow", Command::Allow(rule(packets("1.2.3.4")))), ("deny", deny(rule(packets("1.2.3.4"))))]
    {
        for args in ["", r#","args":{"slpf":{}}"#, r#","args":{"duration":1}"#] {
            means(&format!(r#"{{"action":"{action}","target":{{"ipv4_net":"1.2.3.4"}}{args}}}"#), &expected);
        }
        for args in ["{}", "null", r#"{"slpf":{"direction":null,"persistent":null,"insert_rule":null}}"#] {
            let json = format!(r#"{{"action":"{action}","target":{{"ipv4_net":"1.2.3.4"}},"args":{args}}}"#);
            assert_eq!(understood(&command(&json, Mode::Lenient)).as_ref(), Ok(&expected), "{json}");
        }
    }
}

// SLPF-017 to SLPF-020, SLPF-022, SLPF-026, SLPF-221 to SLPF-223
#[test]
fn given_arguments_are_kept() {
    let net = || packets("2001:db8::/32");
    let with = |args: &str| {
        format!(
            r#"{{"action":"deny","target":{{"ipv6_net":"2001:db8::/32"}},"args":{{"response_requested":"complete","slpf":{{{args}}}}}}}"#
        )
    };
    for (direction, text) in [(Direction::Both, "both"), (Direction::Ingress, "ingress"), (Direction::Egress, "egress")]
    {
        means(&with(&format!(r#""direction":"{text}""#)), &deny(Rule { direction, ..rule(net()) }));
    }
    for (drop_process, text) in
        [(DropProcess::None, "none"), (DropProcess::Reject, "reject"), (DropProcess::FalseAck, "false_ack")]
    {
        means(&with(&format!(r#""drop_process":"{text}""#)), &Command::Deny { rule: rule(net()), drop_process });
    }
    for persistent in [true, false] {
        means(&with(&format!(r#""persistent":{persistent}"#)), &deny(Rule { persistent, ..rule(net()) }));
    }
    for number in [0, 1, -1, 999_990, (1 << 53) - 1, -((1 << 53) - 1)] {
        let insert_rule = RuleNumber::new(number).ok();
        means(&with(&format!(r#""insert_rule":{number}"#)), &deny(Rule { insert_rule, ..rule(net()) }));
    }
    means(
        &with(r#""insert_rule":5,"persistent":false,"drop_process":"reject","direction":"egress""#),
        &Command::Deny {
            rule: Rule {
                packets: net(),
                direction: Direction::Egress,
                persistent: false,
                insert_rule: RuleNumber::new(5).ok(),
            },
            drop_process: DropProcess::Reject,
        },
    );
}

// LS-055, SLPF-018, SLPF-022, SLPF-026, SLPF-028, L2
#[test]
fn an_ill_typed_argument_is_malformed() {
    let with =
        |args: &str| format!(r#"{{"action":"deny","target":{{"ipv4_net":"1.2.3.4"}},"args":{{"slpf":{{{args}}}}}}}"#);
    let range = "(-9007199254740991..9007199254740991)";
    refused(&with(r#""direction":"up""#), r#"400 args.slpf.direction: "up" is not one of both, ingress, egress"#);
    refused(
        &with(r#""drop_process":"drop""#),
        r#"400 args.slpf.drop_process: "drop" is not one of none, reject, false_ack"#,
    );
    refused(
        &with(r#""persistent":"true""#),
        r#"400 args.slpf.persistent: invalid type: string "true", expected true or false"#,
    );
    refused(
        &with(r#""insert_rule":"5""#),
        &format!(r#"400 args.slpf.insert_rule: invalid type: string "5", expected a rule number {range}"#),
    );
    refused(&with(r#""insert_rule":0.5"#), &format!("400 args.slpf.insert_rule: 0.5 is not a rule number {range}"));
}

// S5, SLPF-070, SLPF-118
#[test]
fn insert_rule_without_complete_is_executed_in_lenient_mode_only() {
    for action in ["allow", "deny"] {
        for (args, is_complete) in [
            (r#""response_requested":"complete","#, true),
            ("", false),
            (r#""response_requested":"ack","#, false),
            (r#""response_requested":"status","#, false),
            (r#""response_requested":"none","#, false),
        ] {
            let json = format!(
                r#"{{"action":"{action}","target":{{"ipv4_net":"1.2.3.4"}},"args":{{{args}"slpf":{{"insert_rule":5}}}}}}"#
            );
            let [lenient, strict] = in_both_modes(&json);
            lenient.expect(&json);
            if is_complete {
                strict.expect(&json);
            } else {
                assert_eq!(
                    strict.expect_err(&json),
                    "400 args.slpf.insert_rule: goes with response_requested complete only"
                );
            }
        }
        // Without insert_rule any answer goes.
        for response in ["none", "ack", "status", "complete"] {
            let json = format!(
                r#"{{"action":"{action}","target":{{"ipv4_net":"1.2.3.4"}},"args":{{"response_requested":"{response}","slpf":{{"persistent":true}}}}}}"#
            );
            for found in in_both_modes(&json) {
                found.expect(&json);
            }
        }
    }
}

// SLPF-008 to SLPF-013, S8, L26
#[test]
fn ports_and_icmp_types_follow_the_protocol() {
    let ports = |source, destination| Ports { source, destination };
    let icmp = |kind, code| Ok(Traffic::Icmp { kind, code });
    let rows: [(&str, Result<Traffic, &str>); 24] = [
        (r#""src_addr":"{a}""#, Ok(Traffic::Any)),
        (r#""protocol":"tcp""#, Ok(Traffic::Tcp(ports(None, None)))),
        (r#""protocol":"udp""#, Ok(Traffic::Udp(ports(None, None)))),
        (r#""protocol":"sctp""#, Ok(Traffic::Sctp(ports(None, None)))),
        (r#""protocol":"icmp""#, icmp(None, None)),
        (r#""src_port":1"#, Ok(Traffic::AnyWithPorts(ports(Some(1), None)))),
        (r#""dst_port":0"#, Ok(Traffic::AnyWithPorts(ports(None, Some(0))))),
        (r#""src_port":1,"dst_port":65535"#, Ok(Traffic::AnyWithPorts(ports(Some(1), Some(65535))))),
        (r#""src_port":1,"protocol":"tcp""#, Ok(Traffic::Tcp(ports(Some(1), None)))),
        (r#""dst_port":2,"protocol":"tcp""#, Ok(Traffic::Tcp(ports(None, Some(2))))),
        (r#""src_port":1,"dst_port":2,"protocol":"tcp""#, Ok(Traffic::Tcp(ports(Some(1), Some(2))))),
        (r#""src_port":1,"dst_port":2,"protocol":"udp""#, Ok(Traffic::Udp(ports(Some(1), Some(2))))),
        (r#""src_port":1,"dst_port":2,"protocol":"sctp""#, Ok(Traffic::Sctp(ports(Some(1), Some(2))))),
        (r#""src_port":8,"protocol":"icmp""#, icmp(Some(8), None)),
        (r#""dst_port":1,"protocol":"icmp""#, icmp(None, Some(1))),
        (r#""src_port":0,"dst_port":0,"protocol":"icmp""#, icmp(Some(0), Some(0))),
        (r#""src_port":255,"dst_port":255,"protocol":"icmp""#, icmp(Some(255), Some(255))),
        (r#""src_port":256,"protocol":"icmp""#, Err("src_port: 256 is not an ICMP type (0..255)")),
        (r#""src_port":65535,"protocol":"icmp""#, Err("src_port: 65535 is not an ICMP type (0..255)")),
        (r#""dst_port":256,"protocol":"icmp""#, Err("dst_port: 256 is not an ICMP code (0..255)")),
        (r#""src_port":3,"dst_port":65535,"protocol":"icmp""#, Err("dst_port: 65535 is not an ICMP code (0..255)")),
        (r#""src_port":256,"dst_port":256,"protocol":"icmp""#, Err("src_port: 256 is not an ICMP type (0..255)")),
        (r#""src_addr":"{a}","protocol":"icmp""#, icmp(None, None)),
        (r#""src_addr":"{a}","src_port":8,"dst_port":0,"protocol":"icmp""#, icmp(Some(8), Some(0))),
    ];
    for (parts, expected) in rows {
        for (version, addr) in [("ipv4", "1.2.3.4"), ("ipv6", "2001:db8::1")] {
            for action in ["allow", "deny"] {
                let parts = parts.replace("{a}", addr);
                let json = format!(r#"{{"action":"{action}","target":{{"{version}_connection":{{{parts}}}}}}}"#);
                for found in in_both_modes(&json) {
                    let traffic = found.map(|command| match command {
                        Command::Allow(rule) | Command::Deny { rule, .. } => match rule.packets {
                            Packets::Ipv4Connection(flow) => flow.traffic,
                            Packets::Ipv6Connection(flow) => flow.traffic,
                            other => panic!("{other:?}"),
                        },
                        other => panic!("{other:?}"),
                    });
                    let expected = expected.map_err(|words| format!("400 target.{version}_connection.{words}"));
                    assert_eq!(traffic, expected, "{json}");
                }
            }
        }
    }
}

// SLPF-083, SLPF-084, SLPF-090, SLPF-091, SLPF-128, SLPF-132: an absent property means any.
#[test]
fn each_combination_of_the_five_properties_is_understood() {
    for set in 1..32_u8 {
        let has = |i: u8| set >> i & 1 == 1;
        let v4: Vec<_> = [
            r#""src_addr":"1.2.3.0/24""#,
            r#""dst_addr":"5.6.7.8""#,
            r#""src_port":1"#,
            r#""dst_port":2"#,
            r#""protocol":"udp""#,
        ]
        .into_iter()
        .zip(0..)
        .filter(|(_, i)| has(*i))
        .map(|(part, _)| part)
        .collect();
        let v4 = v4.join(",");
        let v6 = v4.replace("1.2.3.0/24", "2001:db8::/32").replace("5.6.7.8", "::1");
        let ports = Ports { source: has(2).then_some(1), destination: has(3).then_some(2) };
        let traffic = match (has(4), ports == Ports::default()) {
            (true, _) => Traffic::Udp(ports),
            (false, true) => Traffic::Any,
            (false, false) => Traffic::AnyWithPorts(ports),
        };
        let flow = Flow {
            source: has(0).then(|| "1.2.3.0/24".parse().expect("a net")),
            destination: has(1).then(|| "5.6.7.8".parse().expect("a net")),
            traffic,
        };
        means(
            &format!(r#"{{"action":"allow","target":{{"ipv4_connection":{{{v4}}}}}}}"#),
            &Command::Allow(rule(Packets::Ipv4Connection(flow))),
        );
        let flow = Flow {
            source: has(0).then(|| "2001:db8::/32".parse().expect("a net")),
            destination: has(1).then(|| "::1".parse().expect("a net")),
            traffic,
        };
        means(
            &format!(r#"{{"action":"deny","target":{{"ipv6_connection":{{{v6}}}}}}}"#),
            &deny(rule(Packets::Ipv6Connection(flow))),
        );
    }
}

// SLPF-097, SLPF-104, SLPF-136, SLPF-140, L19
#[test]
fn a_net_without_mask_is_one_address() {
    for (text, network, prefix) in [
        ("1.2.3.4", "1.2.3.4", 32),
        ("1.2.3.4/32", "1.2.3.4", 32),
        ("192.168.17.5/24", "192.168.17.0", 24),
        ("0.0.0.0/0", "0.0.0.0", 0),
    ] {
        let json = format!(r#"{{"action":"deny","target":{{"ipv4_net":"{text}"}}}}"#);
        match understood(&command(&json, Mode::Strict)) {
            Ok(Command::Deny { rule: Rule { packets: Packets::Ipv4Net(net), .. }, .. }) => {
                assert_eq!((net.network().to_string().as_str(), net.prefix()), (network, prefix));
            }
            other => panic!("{json}: {other:?}"),
        }
    }
    for (text, network, prefix) in
        [("2001:db8::1", "2001:db8::1", 128), ("2001:db8::5/32", "2001:db8::", 32), ("::/0", "::", 0)]
    {
        let json = format!(r#"{{"action":"allow","target":{{"ipv6_net":"{text}"}}}}"#);
        match understood(&command(&json, Mode::Strict)) {
            Ok(Command::Allow(Rule { packets: Packets::Ipv6Net(net), .. })) => {
                assert_eq!((net.network().to_string().as_str(), net.prefix()), (network, prefix));
            }
            other => panic!("{json}: {other:?}"),
        }
    }
}

// SLPF-014, SLPF-149 to SLPF-151, S3, S15
#[test]
fn delete_names_one_rule() {
    let number = |number| Command::Delete(RuleNumber::new(number).expect("a number"));
    means(r#"{"action":"delete","target":{"slpf:rule_number":1234}}"#, &number(1234));
    means(r#"{"action":"delete","target":{"slpf:rule_number":-5},"actuator":{"slpf":{}}}"#, &number(-5));
    means(r#"{"action":"delete","target":{"slpf:rule_number":1},"args":{"start_time":1,"duration":5}}"#, &number(1));
    let nested = r#"{"action":"delete","target":{"slpf":{"rule_number":7}}}"#;
    assert_eq!(understood(&command(nested, Mode::Lenient)), Ok(number(7)));
    let range = "(-9007199254740991..9007199254740991)";
    refused(
        r#"{"action":"delete","target":{"slpf:rule_number":"x"}}"#,
        &format!(r#"400 target.slpf:rule_number: invalid type: string "x", expected a rule number {range}"#),
    );
    refused(
        r#"{"action":"delete","target":{"slpf:rule_number":[1,2]}}"#,
        &format!("400 target.slpf:rule_number: invalid type: sequence, expected a rule number {range}"),
    );
    refused(
        r#"{"action":"delete","target":{"slpf:rule_number":1.5}}"#,
        &format!("400 target.slpf:rule_number: 1.5 is not a rule number {range}"),
    );
}

// SLPF-162, SLPF-168 to SLPF-171
#[test]
fn update_names_one_file() {
    let file = |path: Option<&str>| {
        Command::Update(UpdateFile { name: "a.conf".into(), path: path.map(Into::into), hashes: None })
    };
    means(r#"{"action":"update","target":{"file":{"name":"a.conf"}}}"#, &file(None));
    means(
        r#"{"action":"update","target":{"file":{"name":"a.conf","path":"\\\\share\\dir"}}}"#,
        &file(Some(r"\\share\dir")),
    );
    let with_hash =
        r#"{"action":"update","target":{"file":{"name":"a","hashes":{"md5":"00112233445566778899AABBCCDDEEFF"}}}}"#;
    match understood(&command(with_hash, Mode::Strict)) {
        Ok(Command::Update(UpdateFile { hashes: Some(hashes), .. })) => assert!(hashes.md5().is_some()),
        other => panic!("{other:?}"),
    }
    for file in [r#"{"path":"/a"}"#, r#"{"hashes":{"md5":"00112233445566778899AABBCCDDEEFF"}}"#] {
        refused(
            &format!(r#"{{"action":"update","target":{{"file":{file}}}}}"#),
            r#"400 target.file: the member "name" is missing (SLPF 2.3.5.1)"#,
        );
    }
}

// SLPF-048, SLPF-050, SLPF-051, SLPF-065, SLPF-073, SLPF-080, SLPF-087, SLPF-155, SLPF-160, SLPF-175, SLPF-178, S2, S9
#[test]
fn each_refusal_has_the_sentence_and_the_status_of_the_standard() {
    for (refusal, status, sentence) in [
        (Refusal::OptionNotSupported, 501, "Option not supported"),
        (Refusal::RuleNotUpdated, 501, "Rule not updated"),
        (Refusal::RuleNotInForce, 500, "Rule not updated"),
        (Refusal::RuleNumberInUse, 501, "Rule number currently in use"),
        (Refusal::TargetTypeNotSupported, 501, "Target type not supported"),
        (Refusal::TargetNotSupported, 501, "target not supported"),
        (Refusal::CommandNotSupported, 501, "Command not supported"),
        (Refusal::RuleNotRemoved, 500, "firewall rule not removed or updated"),
        (Refusal::CannotAccessFile, 500, "cannot access file"),
    ] {
        let rejection = oc2_core::Rejection::from(refusal);
        assert_eq!((rejection.status().as_u16(), rejection.text()), (status, sentence));
        let detailed = refusal.with("no such rule");
        let text = format!("{sentence}: no such rule");
        assert_eq!((detailed.status().as_u16(), detailed.text()), (status, text.as_str()));
    }
}

// SLPF-054
#[test]
fn what_is_not_a_row_is_refused_by_whoever_interprets_it_all_the_same() {
    for (action, sentence) in [
        (Action::Query, "Command not supported"),
        (Action::Delete, "target not supported"),
        (Action::Update, "Command not supported"),
        (Action::Allow, "Target type not supported"),
        (Action::Deny, "Target type not supported"),
        (Action::Scan, "Command not supported"),
    ] {
        let rejection = Slpf::interpret(&CommonCommand::new(action, Features::default())).expect_err("no row");
        assert_eq!((rejection.status().as_u16(), rejection.text()), (501, sentence), "{action}");
    }
}
