//! What was carried untyped, typed by a profile: `args.of`, `actuator.of`, `target.of`, `results.of` (LS 3.1.4).

use oc2_core::{Command, Content, Message, Mode, Response};
use oc2_encoding::{Encoding, Json};
use oc2_profile_slpf::{AssetTuple, Direction, DropProcess, Host, RuleNumber, Slpf, Target};

use crate::support::{in_request, in_response};

fn decode(json: &str, mode: Mode) -> Message {
    match Json.decode(json.as_bytes(), mode) {
        Ok(decoded) => decoded.message,
        Err(error) => panic!("{json}: {error}"),
    }
}

fn command(json: &str, mode: Mode) -> Command {
    match decode(&in_request(json), mode).into_content() {
        Content::Request(command) => command,
        other => panic!("{other:?}"),
    }
}

fn response(json: &str, mode: Mode) -> Response {
    match decode(&in_response(json), mode).into_content() {
        Content::Response(response) => response,
        other => panic!("{other:?}"),
    }
}

/// The words in lenient and in strict mode; `None` where the value is typed.
type Words<'a> = [Option<&'a str>; 2];

const FINE: Words<'_> = [None, None];

const fn both(words: &str) -> Words<'_> {
    [Some(words), Some(words)]
}

const fn strict(words: &str) -> Words<'_> {
    [None, Some(words)]
}

#[track_caller]
fn check_all(rows: &[(&str, Words<'_>)], error: impl Fn(&str, Mode) -> Option<String>) {
    for (json, words) in rows {
        for (mode, words) in [Mode::Lenient, Mode::Strict].into_iter().zip(words) {
            assert_eq!(error(json, mode).as_deref(), *words, "{mode:?}: {json}");
        }
    }
}

#[track_caller]
fn args(rows: &[(&str, Words<'_>)]) {
    check_all(rows, |json, mode| {
        let json = format!(r#"{{"action":"deny","target":{{"ipv4_net":"1.2.3.4"}},"args":{{"slpf":{json}}}}}"#);
        command(&json, mode).args.of::<Slpf>().err().map(|error| error.to_string())
    });
}

#[track_caller]
fn specifiers(rows: &[(&str, Words<'_>)]) {
    check_all(rows, |json, mode| {
        let json = format!(r#"{{"action":"deny","target":{{"ipv4_net":"1.2.3.4"}},"actuator":{{"slpf":{json}}}}}"#);
        command(&json, mode).actuator.expect("an actuator").of::<Slpf>().err().map(|error| error.to_string())
    });
}

#[track_caller]
fn targets(rows: &[(&str, Words<'_>)]) {
    check_all(rows, |json, mode| {
        let json = format!(r#"{{"action":"delete","target":{json}}}"#);
        command(&json, mode).target.of::<Slpf>().err().map(|error| error.to_string())
    });
}

#[track_caller]
fn results(rows: &[(&str, Words<'_>)]) {
    check_all(rows, |json, mode| {
        let json = format!(r#"{{"status":200,"results":{{"slpf":{json}}}}}"#);
        response(&json, mode).results.of::<Slpf>().err().map(|error| error.to_string())
    });
}

// LS-038, LS-054, SLPF-017 to SLPF-022, SLPF-026, SLPF-028
#[test]
fn slpf_arguments_are_typed_with_their_place() {
    let unknown = "args.slpf: unknown member \"stateful\"; Args has drop_process, persistent, direction, insert_rule";
    let range = "(-9007199254740991..9007199254740991)";
    args(&[
        ("{}", FINE),
        (r#"{"drop_process":"false_ack","persistent":false,"direction":"egress","insert_rule":-1}"#, FINE),
        (r#"{"drop_process":"none"}"#, FINE),
        (r#"{"drop_process":"reject"}"#, FINE),
        (r#"{"direction":"both"}"#, FINE),
        (r#"{"direction":"ingress"}"#, FINE),
        (r#"{"persistent":true}"#, FINE),
        (r#"{"insert_rule":9007199254740991}"#, FINE),
        (r#"{"insert_rule":-9007199254740991}"#, FINE),
        (r#"{"direction":"up"}"#, both(r#"args.slpf.direction: "up" is not one of both, ingress, egress"#)),
        (r#"{"direction":"Both"}"#, both(r#"args.slpf.direction: "Both" is not one of both, ingress, egress"#)),
        (
            r#"{"direction":1}"#,
            both("args.slpf.direction: invalid type: integer `1`, expected one of both, ingress, egress"),
        ),
        (r#"{"drop_process":"drop"}"#, both(r#"args.slpf.drop_process: "drop" is not one of none, reject, false_ack"#)),
        (
            r#"{"drop_process":["none"]}"#,
            both("args.slpf.drop_process: invalid type: sequence, expected one of none, reject, false_ack"),
        ),
        (
            r#"{"persistent":"true"}"#,
            both(r#"args.slpf.persistent: invalid type: string "true", expected true or false"#),
        ),
        (r#"{"persistent":1}"#, both("args.slpf.persistent: invalid type: integer `1`, expected true or false")),
        (
            r#"{"insert_rule":"5"}"#,
            both(&format!(r#"args.slpf.insert_rule: invalid type: string "5", expected a rule number {range}"#)),
        ),
        (r#"{"insert_rule":1.5}"#, both(&format!("args.slpf.insert_rule: 1.5 is not a rule number {range}"))),
        (r#"{"insert_rule":5.0}"#, strict("args.slpf.insert_rule: an Integer is spelled as a fraction")),
        (r#"{"direction":null}"#, strict("args.slpf.direction: null where the member is to be left out")),
        (r#"{"stateful":true}"#, both(unknown)),
    ]);
    let long = format!(r#"{{"insert_rule":"{}"}}"#, "5".repeat(100_000));
    let json = format!(r#"{{"action":"deny","target":{{"ipv4_net":"1.2.3.4"}},"args":{{"slpf":{long}}}}}"#);
    let error = command(&json, Mode::Strict).args.of::<Slpf>().expect_err("a long text").to_string();
    assert!(error.len() < 1000, "{} bytes", error.len());

    let json = r#"{"action":"deny","target":{"ipv4_net":"1.2.3.4"},"args":{"slpf":
        {"direction":"ingress","drop_process":"reject","insert_rule":5,"persistent":false}}}"#;
    let args = command(json, Mode::Strict).args.of::<Slpf>().expect("typed").expect("present");
    assert_eq!(args.direction, Some(Direction::Ingress));
    assert_eq!(args.drop_process, Some(DropProcess::Reject));
    assert_eq!(args.insert_rule, RuleNumber::new(5).ok());
    assert_eq!(args.persistent, Some(false));
    let none = command(r#"{"action":"deny","target":{"ipv4_net":"1.2.3.4"}}"#, Mode::Strict);
    assert_eq!(none.args.of::<Slpf>(), Ok(None));
}

// LS-041, S13, SLPF-038 to SLPF-042
#[test]
fn slpf_specifiers_are_typed_with_their_place() {
    let at = "actuator.slpf";
    let eleven = format!(r#"{{"asset_tuple":[{}]}}"#, [r#""a""#; 11].join(","));
    let ten = format!(r#"{{"asset_tuple":[{}]}}"#, [r#""a""#; 10].join(","));
    specifiers(&[
        ("{}", FINE),
        (r#"{"hostname":"fw.example","named_group":"perimeter","asset_id":"30","asset_tuple":["a"]}"#, FINE),
        (r#"{"hostname":"198.51.100.1"}"#, FINE),
        (r#"{"hostname":"2001:db8::1"}"#, FINE),
        (r#"{"hostname":"a.example."}"#, FINE),
        (&ten, FINE),
        (&eleven, both(&format!("{at}.asset_tuple: 11 texts, where 1 to 10 are due"))),
        (r#"{"asset_tuple":[]}"#, both(&format!("{at}.asset_tuple: 0 texts, where 1 to 10 are due"))),
        (
            r#"{"asset_tuple":["a",1]}"#,
            both(&format!("{at}.asset_tuple[1]: invalid type: integer `1`, expected a string")),
        ),
        (
            r#"{"asset_tuple":"a"}"#,
            both(&format!("{at}.asset_tuple: invalid type: string \"a\", expected a list of strings")),
        ),
        (r#"{"asset_id":30}"#, both(&format!("{at}.asset_id: invalid type: integer `30`, expected a string"))),
        (
            r#"{"hostname":"-a"}"#,
            both(&format!("{at}.hostname: \"-a\" is not a hostname: a label starts or ends with a hyphen")),
        ),
        (r#"{"named_group":null}"#, strict(&format!("{at}.named_group: null where the member is to be left out"))),
        (
            r#"{"asset":"30"}"#,
            both(&format!(
                "{at}: unknown member \"asset\"; Specifiers has hostname, named_group, asset_id, asset_tuple"
            )),
        ),
    ]);
    let json = r#"{"action":"deny","target":{"ipv4_net":"1.2.3.4"},
        "actuator":{"slpf":{"hostname":"FW.example","asset_tuple":["b","a"]}}}"#;
    let actuator = command(json, Mode::Strict).actuator.expect("an actuator");
    let specifiers = actuator.of::<Slpf>().expect("typed").expect("of slpf");
    assert_eq!(specifiers.hostname, "fw.EXAMPLE".parse::<Host>().ok());
    assert_eq!(specifiers.asset_tuple, AssetTuple::new(vec!["b".into(), "a".into()]).ok());
    let other = r#"{"action":"deny","target":{"ipv4_net":"1.2.3.4"},"actuator":{"x-a":{"hostname":5}}}"#;
    assert_eq!(command(other, Mode::Strict).actuator.expect("an actuator").of::<Slpf>(), Ok(None));
}

// LS-036, LS-037, SLPF-014, SLPF-028, SLPF-149, SLPF-150
#[test]
fn a_rule_number_is_typed_with_its_place() {
    let range = "(-9007199254740991..9007199254740991)";
    let at = "target.slpf:rule_number";
    targets(&[
        (r#"{"slpf:rule_number":1234}"#, FINE),
        (r#"{"slpf:rule_number":-9007199254740991}"#, FINE),
        (r#"{"slpf:rule_number":0}"#, FINE),
        (
            r#"{"slpf:rule_number":"x"}"#,
            both(&format!(r#"{at}: invalid type: string "x", expected a rule number {range}"#)),
        ),
        (
            r#"{"slpf:rule_number":[1,2]}"#,
            both(&format!("{at}: invalid type: sequence, expected a rule number {range}")),
        ),
        (r#"{"slpf:rule_number":null}"#, both(&format!("{at}: invalid type: null, expected a rule number {range}"))),
        (r#"{"slpf:rule_number":1.5}"#, both(&format!("{at}: 1.5 is not a rule number {range}"))),
        (r#"{"slpf:rule_number":5.0}"#, strict(&format!("{at}: an Integer is spelled as a fraction"))),
        (r#"{"slpf:other":"x"}"#, FINE),
        (r#"{"x-a:rule_number":"x"}"#, FINE),
        (r#"{"uri":"a:"}"#, FINE),
    ]);
    for (json, expected) in [
        (r#"{"slpf:rule_number":1234}"#, RuleNumber::new(1234).ok()),
        (r#"{"slpf":{"rule_number":1234}}"#, RuleNumber::new(1234).ok()),
        (r#"{"slpf:other":1234}"#, None),
        (r#"{"x-a:rule_number":1234}"#, None),
        (r#"{"ipv4_net":"1.2.3.4"}"#, None),
    ] {
        let command = command(&format!(r#"{{"action":"delete","target":{json}}}"#), Mode::Lenient);
        let typed = command.target.of::<Slpf>().expect("typed").map(|Target::RuleNumber(number)| number);
        assert_eq!(typed, expected, "{json}");
    }
    let nested = r#"{"action":"delete","target":{"slpf":{"rule_number":"x"}}}"#;
    let error = command(nested, Mode::Lenient).target.of::<Slpf>().expect_err("ill-typed").to_string();
    assert_eq!(error, format!(r#"{at}: invalid type: string "x", expected a rule number {range}"#));
}

// LS-042, LS-043, SLPF-047
#[test]
fn slpf_results_are_typed_with_their_place() {
    let at = "results.slpf";
    results(&[
        ("{}", FINE),
        (r#"{"rule_number":1234}"#, FINE),
        (
            r#"{"rule_number":"1234"}"#,
            both(&format!(
                r#"{at}.rule_number: invalid type: string "1234", expected a rule number (-9007199254740991..9007199254740991)"#
            )),
        ),
        (r#"{"rule_number":1234.0}"#, strict(&format!("{at}.rule_number: an Integer is spelled as a fraction"))),
    ]);
    // M15
    results(&[(r#"{"rule_number":1,"table":7}"#, strict("results.slpf.table: unknown member"))]);
    let more = response(r#"{"status":200,"results":{"slpf":{"rule_number":1,"table":7}}}"#, Mode::Lenient).results;
    let more = more.of::<Slpf>().expect("typed").expect("present");
    assert_eq!((more.rule_number, more.others.len()), (RuleNumber::new(1).ok(), 1));
    let results = response(r#"{"status":200,"results":{"slpf":{"rule_number":1234}}}"#, Mode::Strict).results;
    let number = results.of::<Slpf>().expect("typed").expect("present").rule_number;
    assert_eq!(number, RuleNumber::new(1234).ok());
    assert_eq!(response(r#"{"status":200}"#, Mode::Strict).results.of::<Slpf>(), Ok(None));
}
