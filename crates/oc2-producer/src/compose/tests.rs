use clap::Parser;
use oc2_core::shape::write::Written;
use oc2_core::{Form, Profile};

use super::*;

const NOW: u64 = 1_700_000_000_000;

fn composed(line: &[&str]) -> Result<Composed, Failure> {
    let cli = Cli::try_parse_from([&["oc2-producer"], line].concat()).map_err(|error| {
        let text = error.to_string();
        Failure::usage(text.lines().next().unwrap_or_default().trim_start_matches("error: "))
    })?;
    let Verb::Action(action) = cli.verb else { panic!("{line:?} is not an action") };
    compose(action, &cli, DateTime::from_millis(NOW).unwrap())
}

/// Words without spaces in them.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn check(line: &str, expected: &str) {
    check_words(&words(line), expected);
}

fn check_words(line: &[&str], expected: &str) {
    let composed = composed(line).unwrap_or_else(|failure| panic!("{line:?}: {}", failure.sentence()));
    let json = serde_json::to_string(&Written(&composed.command, Form::DEFAULT)).unwrap();
    assert_eq!(json, expected, "{line:?}");
}

/// Where the language has the last word, `expected` ends with dots.
fn refuses(line: &str, expected: &str) {
    match (composed(&words(line)), expected.strip_suffix("...")) {
        (Err(failure), None) => assert_eq!(failure.sentence(), expected, "{line}"),
        (Err(failure), Some(start)) => assert!(failure.sentence().starts_with(start), "{line}: {}", failure.sentence()),
        (Ok(composed), _) => panic!("{line}: {:?}", composed.command),
    }
}

fn remarks(line: &str, expected: &[&str]) {
    assert_eq!(composed(&words(line)).unwrap().remarks, expected, "{line}");
}

// LS-204, LS-206, LS-207, LS-158
#[test]
fn query_features() {
    check("query features", r#"{"action":"query","target":{"features":[]}}"#);
    check("query features versions pairs", r#"{"action":"query","target":{"features":["versions","pairs"]}}"#);
    check("query features pairs pairs", r#"{"action":"query","target":{"features":["pairs"]}}"#);
    check(
        "query features rate_limit --response-requested complete --profile slpf",
        r#"{"action":"query","target":{"features":["rate_limit"]},"args":{"response_requested":"complete"},"actuator":{"slpf":{}}}"#,
    );
    refuses("query features colour", r#""colour" is not one of versions, profiles, pairs, rate_limit"#);
    refuses("query", "query needs a TARGET");
}

// SLPF-191 to SLPF-194, SLPF-068, SLPF-116
#[test]
fn allow_and_deny_of_packets() {
    check(
        "deny ipv4_net 198.51.100.0/24 --direction ingress --drop-process reject",
        r#"{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"},"args":{"response_requested":"complete","slpf":{"drop_process":"reject","direction":"ingress"}}}"#,
    );
    check(
        "allow ipv6_net 2001:DB8::/32",
        r#"{"action":"allow","target":{"ipv6_net":"2001:db8::/32"},"args":{"response_requested":"complete"}}"#,
    );
    check(
        "deny ipv4_connection --protocol tcp --dst-port 23",
        r#"{"action":"deny","target":{"ipv4_connection":{"dst_port":23,"protocol":"tcp"}},"args":{"response_requested":"complete"}}"#,
    );
    check(
        "allow ipv6_connection --src-addr 2001:db8::1 --src-port 1 --dst-addr 2001:db8::/64 --dst-port 2 --protocol udp",
        r#"{"action":"allow","target":{"ipv6_connection":{"src_addr":"2001:db8::1","src_port":1,"dst_addr":"2001:db8::/64","dst_port":2,"protocol":"udp"}},"args":{"response_requested":"complete"}}"#,
    );
    check_words(
        &["deny", "ipv4_connection", r#"{"protocol":"sctp"}"#, "--response-requested", "none"],
        r#"{"action":"deny","target":{"ipv4_connection":{"protocol":"sctp"}},"args":{"response_requested":"none"}}"#,
    );
    refuses("deny ipv4_net 2001:db8::/32", "ipv4_net: \"2001:db8::/32\" is not an IPv4 net (a.b.c.d or a.b.c.d/0..32)");
    refuses("deny ipv4_net", "ipv4_net needs a VALUE");
    refuses("deny ipv4_net 192.0.2.1 192.0.2.2", r#"ipv4_net has one VALUE, "192.0.2.2" is a second"#);
    refuses(
        "deny ipv4_connection --src-addr 2001:db8::1",
        "--src-addr: \"2001:db8::1\" is not an IPv4 net (a.b.c.d or a.b.c.d/0..32)",
    );
    refuses(
        "deny ipv4_connection",
        "ipv4_connection: at least one of src_addr, src_port, dst_addr, dst_port, protocol is due",
    );
    refuses(
        "deny ipv4_connection --dst-port 65536",
        "invalid value '65536' for '--dst-port <PORT>': 65536 is not in 0..=65535",
    );
}

// SLPF-197 to SLPF-199, SLPF-069, SLPF-117
#[test]
fn options_of_rules() {
    check(
        "--persistent false --insert-rule=-10 deny ipv4_net 192.0.2.1",
        r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"response_requested":"complete","slpf":{"persistent":false,"insert_rule":-10}}}"#,
    );
    check(
        "allow ipv4_net 192.0.2.1 --insert-rule -10 --direction both",
        r#"{"action":"allow","target":{"ipv4_net":"192.0.2.1"},"args":{"response_requested":"complete","slpf":{"direction":"both","insert_rule":-10}}}"#,
    );
    refuses(
        "deny ipv4_net 192.0.2.1 --direction up",
        r#"invalid value 'up' for '--direction <WHICH>': "up" is not one of both, ingress, egress"#,
    );
    refuses(
        "contain domain_name example.com --direction ingress",
        "--direction is for allow and deny of packets, not for contain domain_name",
    );
}

// SLPF-070, SLPF-118
#[test]
fn a_number_for_a_rule_goes_with_a_complete_response() {
    for pair in ["allow ipv4_net 192.0.2.1", "deny ipv4_net 192.0.2.1"] {
        refuses(
            &format!("{pair} --insert-rule 5 --response-requested ack"),
            "insert_rule goes with response_requested complete only (SLPF 2.3.1)",
        );
    }
}

// SLPF table 2.3-2
#[test]
fn allow_drops_nothing() {
    refuses(
        "allow ipv4_net 192.0.2.1 --drop-process none",
        "allow drops nothing, so drop_process has no place (SLPF table 2.3-2)",
    );
}

// DECISIONS S8
#[test]
fn icmp_has_a_type_and_a_code() {
    check(
        "deny ipv6_connection --protocol icmp --icmp-type 128 --icmp-code 0",
        r#"{"action":"deny","target":{"ipv6_connection":{"src_port":128,"dst_port":0,"protocol":"icmp"}},"args":{"response_requested":"complete"}}"#,
    );
    refuses(
        "deny ipv4_connection --protocol icmp --icmp-type 256",
        "invalid value '256' for '--icmp-type <TYPE>': 256 is not in 0..=255",
    );
    refuses("deny ipv4_connection --protocol icmp --dst-port 8", "icmp has no ports");
    refuses("deny ipv4_connection --protocol tcp --icmp-type 8", "--icmp-type and --icmp-code go with --protocol icmp");
    refuses("deny ipv4_connection --icmp-code 0", "--icmp-type and --icmp-code go with --protocol icmp");
    refuses(
        r#"deny ipv4_connection {"protocol":"icmp","src_port":300}"#,
        "target.ipv4_connection.src_port: 300 is not an ICMP type (0..255)",
    );
}

// SLPF-146, SLPF-147, SLPF-149, SLPF-196
#[test]
fn delete_of_a_rule() {
    let expected = |n| {
        format!(
            r#"{{"action":"delete","target":{{"slpf:rule_number":{n}}},"args":{{"response_requested":"complete"}}}}"#
        )
    };
    check("delete slpf:rule_number 999990", &expected(999_990));
    check("delete slpf:rule_number -- -10", &expected(-10));
    check("delete slpf:rule_number -10", &expected(-10));
    refuses("delete slpf:rule_number", "slpf:rule_number needs a VALUE");
    refuses("delete slpf:rule_number 1 2", r#"slpf:rule_number has one VALUE, "2" is a second"#);
    refuses("delete slpf:rule_number one", r#"slpf:rule_number: "one" is not a rule number"#);
}

// SLPF-148, SLPF-167, DECISIONS S3
#[test]
fn delete_and_update_take_no_other_argument() {
    for option in [
        "start_time --start-time +5m",
        "stop_time --stop-time +5m",
        "duration --duration 5m",
        "drop_process --drop-process none",
        "persistent --persistent true",
        "direction --direction both",
        "insert_rule --insert-rule 1",
    ] {
        let (name, option) = option.split_once(' ').unwrap();
        let reason = |pair, section| {
            format!("{pair} takes response_requested and no other argument, so {name} has no place (SLPF {section})")
        };
        refuses(&format!("delete slpf:rule_number 1 {option}"), &reason("delete slpf:rule_number", "2.3.4.1"));
        refuses(&format!("update file a {option}"), &reason("update file", "2.3.5.1"));
    }
}

// SLPF-195, SLPF-166, SLPF-168
#[test]
fn update_of_a_file() {
    let sha256 = "00".repeat(32);
    check(
        &format!("update file rules.json --path /etc/oc2 --sha256 {sha256} --response-requested ack"),
        &format!(
            r#"{{"action":"update","target":{{"file":{{"name":"rules.json","path":"/etc/oc2","hashes":{{"sha256":"{sha256}"}}}}}},"args":{{"response_requested":"ack"}}}}"#
        ),
    );
    check_words(
        &["update", "file", r#"{"name":"{odd}","path":"/"}"#],
        r#"{"action":"update","target":{"file":{"name":"{odd}","path":"/"}},"args":{"response_requested":"complete"}}"#,
    );
    refuses("update file --path /etc", "update file needs the name of the file (SLPF 2.3.5.1)");
    refuses("update file", "file: at least one of name, path, hashes is due");
    refuses(
        "update file a --response-requested status",
        "update file is answered by complete, ack or none only (SLPF 2.3.5.1)",
    );
    refuses(r#"update file {"name":"a"} --path /etc"#, "file is given as JSON, so --path has no place");
}

// SLPF-169
#[test]
fn an_update_should_say_where_the_file_lies() {
    remarks("update file a", &["update file should say where the file lies: --path (SLPF 2.3.5.1)"]);
    remarks("update file a --path /etc", &[]);
}

// LS-122, SLPF-200, SLPF-201
#[test]
fn times() {
    let args = |args| {
        format!(
            r#"{{"action":"deny","target":{{"ipv4_net":"192.0.2.1"}},"args":{{{args},"response_requested":"complete"}}}}"#
        )
    };
    check("deny ipv4_net 192.0.2.1 --duration 1500ms", &args(r#""duration":1500"#));
    check(
        "deny ipv4_net 192.0.2.1 --start-time 2018-08-20T16:31:00+02:00 --stop-time +10m",
        &args(r#""start_time":1534775460000,"stop_time":1700000600000"#),
    );
}

// LS-122
#[test]
fn times_that_contradict_each_other_are_refused_always() {
    let too_many = "at most two of start_time, stop_time and duration may be given";
    refuses("deny ipv4_net 192.0.2.1 --start-time +1m --stop-time +2m --duration 1m", too_many);
    refuses("deny ipv4_net 192.0.2.1 --start-time +1m --stop-time +2m --duration 1m --anyway", too_many);
    refuses("deny ipv4_net 192.0.2.1 --start-time +2m --stop-time +1m", "stop_time lies before start_time");
}

// DECISIONS M4
#[test]
fn a_time_in_seconds_is_remarked_on() {
    let remark = "--start-time 1534775460 lies before 1974: milliseconds are due, not seconds";
    remarks("deny ipv4_net 192.0.2.1 --start-time 1534775460", &[remark]);
    remarks("deny ipv4_net 192.0.2.1 --start-time 1534775460000", &[]);
}

// SLPF-038, SLPF-041, SLPF-042
#[test]
fn actuators() {
    let expected = |actuator| {
        format!(
            r#"{{"action":"deny","target":{{"ipv4_net":"192.0.2.1"}},"args":{{"response_requested":"complete"}},"actuator":{actuator}}}"#
        )
    };
    check("deny ipv4_net 192.0.2.1 --profile slpf", &expected(r#"{"slpf":{}}"#));
    check(
        "deny ipv4_net 192.0.2.1 --hostname fw1 --named-group a --asset-id 30 --asset-tuple a,b --asset-tuple c",
        &expected(r#"{"slpf":{"hostname":"fw1","named_group":"a","asset_id":"30","asset_tuple":["a","b","c"]}}"#),
    );
    check("deny ipv4_net 192.0.2.1 --profile slpf --asset-id 30", &expected(r#"{"slpf":{"asset_id":"30"}}"#));
    check(
        r#"deny ipv4_net 192.0.2.1 --actuator {"slpf":{"asset_id":"30"}}"#,
        &expected(r#"{"slpf":{"asset_id":"30"}}"#),
    );
    refuses("deny ipv4_net 192.0.2.1 --profile er --asset-id 30", "--asset-id is a specifier of slpf, not of er");
    refuses(
        "deny ipv4_net 192.0.2.1 --asset-tuple 0,1,2,3,4,5,6,7,8,9,a",
        "--asset-tuple: 11 texts, where 1 to 10 are due",
    );
    refuses(
        r#"deny ipv4_net 192.0.2.1 --actuator {"slpf":{"floor":3}}"#,
        r#"actuator.slpf: unknown member "floor"..."#,
    );
    refuses(
        r#"deny ipv4_net 192.0.2.1 --actuator {"slpf":{}} --profile slpf"#,
        "the argument '--actuator <JSON>' cannot be used with '--profile <NSID>'",
    );
    refuses(
        r#"deny ipv4_net 192.0.2.1 --actuator {"slpf":3}"#,
        "--actuator: slpf: specifiers are an object under the profile's name (LS 3.1.4)",
    );
}

#[test]
fn a_pair_of_slpf_for_another_profile_is_not_checked_by_slpf() {
    check(
        r#"deny ipv4_net 192.0.2.1 --profile x-acme --args {"x-acme":{"speed":3}}"#,
        r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"x-acme":{"speed":3}},"actuator":{"x-acme":{}}}"#,
    );
    refuses(
        r#"deny ipv4_net 192.0.2.1 --args {"x-acme":{"speed":3}}"#,
        "deny ipv4_net takes no arguments of x-acme (SLPF 2.3)",
    );
}

#[test]
fn arguments_as_json_are_merged_with_options() {
    check(
        r#"deny ipv4_net 192.0.2.1 --args {"duration":5,"slpf":{"direction":"egress"}} --persistent true"#,
        r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"duration":5,"response_requested":"complete","slpf":{"persistent":true,"direction":"egress"}}}"#,
    );
    refuses(r#"deny ipv4_net 192.0.2.1 --args {"duration":5} --duration 5s"#, "--duration is in --args too");
    refuses(
        r#"deny ipv4_net 192.0.2.1 --args {"slpf":{"direction":"both"}} --direction both"#,
        "--direction is in --args too",
    );
    refuses(
        r#"deny ipv4_net 192.0.2.1 --args {"slpf":{"direction":"up"}}"#,
        r#"args.slpf.direction: "up" is not one of both, ingress, egress"#,
    );
    refuses(r#"deny ipv4_net 192.0.2.1 --args {"duration":"5"}"#, "--args: duration: ...");
    refuses(
        r#"deny ipv4_net 192.0.2.1 --args {"duration":5}}"#,
        "--args: not JSON: trailing characters at line 1 column 15",
    );
    refuses(r#"deny ipv4_net 192.0.2.1 --args {"duration":5,"duration":6}"#, "--args: ...");
}

#[test]
fn what_is_refused_is_sent_anyway() {
    check(
        "allow ipv4_net 192.0.2.1 --drop-process reject --anyway",
        r#"{"action":"allow","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"drop_process":"reject"}}}"#,
    );
    check(
        "delete slpf:rule_number 1 --duration 5m --anyway",
        r#"{"action":"delete","target":{"slpf:rule_number":1},"args":{"duration":300000}}"#,
    );
    check(
        r#"deny ipv4_net 192.0.2.1 --args {"slpf":{"direction":"up"}} --anyway"#,
        r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"direction":"up"}}}"#,
    );
    check(
        "query features --direction both --anyway",
        r#"{"action":"query","target":{"features":[]},"args":{"slpf":{"direction":"both"}}}"#,
    );
    refuses("deny ipv4_net here --anyway", "ipv4_net: \"here\" is not an IPv4 net (a.b.c.d or a.b.c.d/0..32)");
}

#[test]
fn targets_of_the_language() {
    let target = |target| format!(r#"{{"action":"scan","target":{target}}}"#);
    check("scan domain_name www.example.com", &target(r#"{"domain_name":"www.example.com"}"#));
    check("scan email_addr a@example.com", &target(r#"{"email_addr":"a@example.com"}"#));
    check("scan idn_domain_name www.ä.example", &target(r#"{"idn_domain_name":"www.ä.example"}"#));
    check("scan idn_email_addr ä@example.com", &target(r#"{"idn_email_addr":"ä@example.com"}"#));
    check("scan iri https://example.com/ä", &target(r#"{"iri":"https://example.com/ä"}"#));
    check("scan uri https://example.com/a", &target(r#"{"uri":"https://example.com/a"}"#));
    check("scan mac_addr 00:1a:2b:3c:4d:5e", &target(r#"{"mac_addr":"00:1A:2B:3C:4D:5E"}"#));
    check("scan command a-b-c", &target(r#"{"command":"a-b-c"}"#));
    check("scan properties battery temperature", &target(r#"{"properties":["battery","temperature"]}"#));
    check(r#"scan device {"hostname":"a"}"#, &target(r#"{"device":{"hostname":"a"}}"#));
    check(r#"scan process {"pid":5}"#, &target(r#"{"process":{"pid":5}}"#));
    check(r#"scan artifact {"mime_type":"text/plain"}"#, &target(r#"{"artifact":{"mime_type":"text/plain"}}"#));
    check(
        "scan file --md5 00112233445566778899aabbccddeeff",
        &target(r#"{"file":{"hashes":{"md5":"00112233445566778899AABBCCDDEEFF"}}}"#),
    );
    check("scan x-acme:door 3", &target(r#"{"x-acme:door":3}"#));
    check(r#"scan x-acme:door {"a":[1,null]}"#, &target(r#"{"x-acme:door":{"a":[1,null]}}"#));
    check("cancel command a --command-id b", r#"{"action":"cancel","target":{"command":"a"},"command_id":"b"}"#);
}

#[test]
fn values_that_are_none_are_refused() {
    refuses("scan domain_name a_b.example", "domain_name: \"a_b.example\" is not ...");
    refuses("scan device fw1", "the VALUE of device is due as JSON: expected ident at line 1 column 2");
    refuses(
        r#"scan device {"hostname":"a"},"x":{}"#,
        "the VALUE of device is due as JSON: trailing characters at line 1 column 17",
    );
    refuses(r#"scan device {"colour":"a"}"#, "TARGET: device: unknown member \"colour\"...");
    refuses("scan x-acme:door", "x-acme:door needs a VALUE");
    refuses("scan ipv4net 192.0.2.1", r#""ipv4net" is not a target (LS 3.3.1.2)"#);
    refuses("scan device --path /a", "--path is not a part of the target device");
    refuses("scan file a --protocol tcp", "--protocol is not a part of the target file");
    refuses(
        r#"scan ipv4_connection {"protocol":"tcp"} --dst-port 1"#,
        "ipv4_connection is given as JSON, so --dst-port has no place",
    );
    refuses("scan properties", "properties: at least one property is due");
    refuses("block ipv4_net 192.0.2.1", "invalid value 'block' for '<ACTION>'");
}

#[test]
fn every_pair_of_slpf_is_built_by_its_builder() {
    for row in Slpf::COMMANDS {
        let value = match row.target.to_string().as_str() {
            "ipv4_net" => "192.0.2.1",
            "ipv6_net" => "2001:db8::1",
            "ipv4_connection" | "ipv6_connection" => "--protocol tcp",
            "slpf:rule_number" => "1",
            _ => "a",
        };
        let command = composed(&words(&format!("{} {value}", row.pair()))).unwrap().command;
        assert_eq!(command.args.response_requested(), Some(&oc2_core::ResponseType::Complete), "{}", row.pair());
    }
}
