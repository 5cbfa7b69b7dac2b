//! Arguments and actuators (LS 3.3.1.3, 3.3.1.4).

use crate::support::{accepted, actuators, args, becomes, refused, tolerated};

const TIME: &str = "is not a time in milliseconds since 1970 (0..9007199254740991)";
const DURATION: &str = "is not a duration in milliseconds (0..9007199254740991)";

// LS-067, LS-119, LS-120, LS-201
#[test]
fn arguments_are_four_and_namespaces() {
    args(&[
        (r#"{"start_time":0}"#, accepted()),
        (r#"{"stop_time":1534775460000}"#, accepted()),
        (r#"{"duration":0}"#, accepted()),
        (r#"{"response_requested":"none"}"#, accepted()),
        (r#"{"response_requested":"ack"}"#, accepted()),
        (r#"{"response_requested":"status"}"#, accepted()),
        (r#"{"response_requested":"complete"}"#, accepted()),
        (r#"{"start_time":1,"duration":2,"response_requested":"ack","slpf":{"a":1},"x-b":{}}"#, accepted()),
        ("[]", refused("args: invalid type: sequence, expected an object (Args)")),
        (r#""ack""#, refused("args: invalid type: string \"ack\", expected an object (Args)")),
        ("1", refused("args: invalid type: integer `1`, expected an object (Args)")),
    ]);
    for text in ["None", "full", "", "0"] {
        let words = format!("args.response_requested: {text:?} is not one of none, ack, status, complete");
        args(&[(&format!(r#"{{"response_requested":"{text}"}}"#), refused(words))]);
    }
    for (value, found) in [("0", "integer `0`"), ("true", "boolean `true`"), (r#"["ack"]"#, "sequence")] {
        let words =
            format!("args.response_requested: invalid type: {found}, expected one of none, ack, status, complete");
        args(&[(&format!(r#"{{"response_requested":{value}}}"#), refused(words))]);
    }
}

// LS-093, L1, L31
#[test]
fn empty_arguments_are_absence_in_lenient_mode_and_a_namespace_is_an_argument() {
    // The tables of this module cannot leave the member out.
    let bare = r#"{"action":"deny","target":{"uri":"a:"}}"#;
    crate::support::commands(&[(
        r#"{"action":"deny","target":{"uri":"a:"},"args":{}}"#,
        tolerated("args: must hold at least one member").written(bare),
    )]);
    args(&[(r#"{"slpf":{}}"#, accepted()), (r#"{"x-acme":{"a":1}}"#, accepted())]);
}

// LS-186, LS-187, L14, L22
#[test]
fn times_are_whole_milliseconds_from_0_to_2_to_the_53_minus_1() {
    for (name, what) in [("start_time", TIME), ("stop_time", TIME), ("duration", DURATION)] {
        let with = |value: &str| format!(r#"{{"{name}":{value}}}"#);
        let expected = what.trim_start_matches("is not ");
        args(&[
            (&with("0"), accepted()),
            (&with("1534775460000"), accepted()),
            (&with("9007199254740991"), accepted()),
            (&with("9007199254740992"), refused(format!("args.{name}: 9007199254740992 {what}"))),
            (&with("-1"), refused(format!("args.{name}: -1 {what}"))),
            (&with("-9223372036854775808"), refused(format!("args.{name}: -9223372036854775808 {what}"))),
            (&with("-9223372036854775809"), refused(format!("args.{name}: -9223372036854776000 {what}"))),
            (&with("1e30"), refused(format!("args.{name}: 1000000000000000000000000000000 {what}"))),
            (&with("0.5"), refused(format!("args.{name}: 0.5 {what}"))),
            (&with("5e-1"), refused(format!("args.{name}: 0.5 {what}"))),
            (
                &with("500.0"),
                tolerated(&format!("args.{name}: an Integer is spelled as a fraction")).written(&with("500")),
            ),
            (
                &with("5e2"),
                tolerated(&format!("args.{name}: an Integer is spelled as a fraction")).written(&with("500")),
            ),
            // The parser of JSON does not tell these two apart, and the first is an Integer.
            (&with("-0"), becomes(&with("0"))),
            (&with("-0.0"), becomes(&with("0"))),
            (
                &with("9007199254740991.0"),
                tolerated(&format!("args.{name}: an Integer is spelled as a fraction"))
                    .written(&with("9007199254740991")),
            ),
            (&with("9007199254740992.0"), refused(format!("args.{name}: 9007199254740992 {what}"))),
            (&with(r#""500""#), refused(format!("args.{name}: invalid type: string \"500\", expected {expected}"))),
            (
                &with(r#""2018-08-20T14:31:00Z""#),
                refused(format!("args.{name}: invalid type: string \"2018-08-20T14:31:00Z\", expected {expected}")),
            ),
            (&with("true"), refused(format!("args.{name}: invalid type: boolean `true`, expected {expected}"))),
            (&with("[1]"), refused(format!("args.{name}: invalid type: sequence, expected {expected}"))),
            (&with("{}"), refused(format!("args.{name}: invalid type: map, expected {expected}"))),
        ]);
    }
}

// LS-122, LS-123, L2, L13, L14
#[test]
fn at_most_two_of_the_three_times_are_given_and_they_agree() {
    args(&[
        (r#"{"start_time":1,"stop_time":2}"#, accepted()),
        (r#"{"start_time":2,"stop_time":2}"#, accepted()),
        (r#"{"start_time":1,"duration":1}"#, accepted()),
        (r#"{"stop_time":1,"duration":1}"#, accepted()),
        (r#"{"start_time":1534775460000,"duration":500}"#, accepted()),
        (r#"{"start_time":0,"duration":9007199254740991}"#, accepted()),
        (
            r#"{"start_time":1,"stop_time":2,"duration":1}"#,
            refused("args: at most two of start_time, stop_time and duration may be given"),
        ),
        (
            r#"{"start_time":0,"stop_time":0,"duration":0}"#,
            refused("args: at most two of start_time, stop_time and duration may be given"),
        ),
        (r#"{"start_time":2,"stop_time":1}"#, refused("args: stop_time lies before start_time")),
        (r#"{"stop_time":1,"duration":2}"#, refused("args: stop_time and duration lead to a start before 1970")),
        (
            r#"{"start_time":1,"duration":9007199254740991}"#,
            refused("args: start_time and duration lead beyond 2^53 - 1 milliseconds"),
        ),
        (
            r#"{"start_time":9007199254740991,"duration":9007199254740991}"#,
            refused("args: start_time and duration lead beyond 2^53 - 1 milliseconds"),
        ),
    ]);
    // An absent one is not given, however it is spelled.
    args(&[(
        r#"{"start_time":1,"stop_time":2,"duration":null}"#,
        tolerated("args.duration: null where the member is to be left out")
            .written(r#"{"start_time":1,"stop_time":2}"#),
    )]);
}

// LS-010, LS-046
#[test]
fn no_argument_stands_twice() {
    args(&[
        (r#"{"duration":1,"duration":1}"#, refused(r#"args: the member "duration" stands twice"#)),
        (r#"{"duration":1,"dur\u0061tion":2}"#, refused(r#"args: the member "duration" stands twice"#)),
        (r#"{"slpf":{},"slpf":{}}"#, refused(r#"args: the member "slpf" stands twice"#)),
        (r#"{"slpf":{},"duration":1,"slp\u0066":{}}"#, refused(r#"args: the member "slpf" stands twice"#)),
        (r#"{"foo":1,"foo":1}"#, refused(r#"args: the member "foo" stands twice"#)),
        (r#"{"slpf":{"a":1,"a":1}}"#, refused(r#"args.slpf: the member "a" stands twice"#)),
        (r#"{"slpf":{"a":{"b":[{"c":1,"c":1}]}}}"#, refused(r#"args.slpf.a.b[0]: the member "c" stands twice"#)),
    ]);
}

// LS-038, LS-039, L2, L31, M15: what is not known here is refused by the consumer, with 501.
#[test]
fn an_unknown_argument_is_kept_and_a_namespace_is_an_object() {
    args(&[
        (r#"{"direction":"ingress"}"#, accepted()),
        (r#"{"comment":"of LS 2.0"}"#, accepted()),
        (r#"{"acme":5}"#, accepted()),
        (r#"{"":true}"#, accepted()),
        (r#"{"a name that is no namespace identifier":[1,{"b":2}]}"#, accepted()),
        (r#"{"Duration":1}"#, accepted()),
        (r#"{"X-a":1}"#, accepted()),
        (r#"{"slpf":5}"#, refused("args.slpf: a namespace holds an object")),
        (r#"{"slpf":[]}"#, refused("args.slpf: a namespace holds an object")),
        (r#"{"x-a":"b"}"#, refused("args.x-a: a namespace holds an object")),
        (r#"{"er":true}"#, refused("args.er: a namespace holds an object")),
    ]);
}

// L36
#[test]
fn a_null_argument_is_absent_in_lenient_mode() {
    for name in ["start_time", "stop_time", "duration", "response_requested"] {
        let note = format!("args.{name}: null where the member is to be left out");
        args(&[(&format!(r#"{{"x-a":{{}},"{name}":null}}"#), tolerated(&note).written(r#"{"x-a":{}}"#))]);
    }
    // A namespace is an optional member too, and stands once all the same.
    for name in ["slpf", "x-b", "acme", "er"] {
        let note = format!("args.{name}: null where the member is to be left out");
        args(&[
            (&format!(r#"{{"x-a":{{}},"{name}":null}}"#), tolerated(&note).written(r#"{"x-a":{}}"#)),
            (
                &format!(r#"{{"{name}":null,"{name}":{{}}}}"#),
                refused(format!("args: the member \"{name}\" stands twice")).strictly(&note),
            ),
        ]);
    }
}

// L24
#[test]
fn arguments_that_no_table_has_are_at_most_a_thousand() {
    let members = |n: usize| {
        let members: Vec<_> = (0..n).map(|i| format!("\"a{i}\":{i}")).collect();
        format!("{{{}}}", members.join(","))
    };
    args(&[
        (&members(1000), accepted()),
        (&members(1001), refused("args: more than 1000 members")),
        (&format!(r#"{{"slpf":{}}}"#, members(1000)), accepted()),
        (&format!(r#"{{"slpf":{}}}"#, members(1001)), refused("args.slpf: more than 1000 members")),
        (&format!(r#"{{"slpf":{{"a":[{}1]}}}}"#, "1,".repeat(999)), accepted()),
        (&format!(r#"{{"slpf":{{"a":[{}1]}}}}"#, "1,".repeat(1000)), refused("args.slpf.a: more than 1000 items")),
    ]);
}

// LS-040, LS-041, LS-117, L29, L31, SLPF-005, SLPF-037, SLPF-042
#[test]
fn an_actuator_is_one_profile_with_an_object_of_specifiers() {
    let no_object = "actuator: invalid type: {}, expected an object of one member, a namespace identifier";
    let none = "specifiers are an object under the profile's name (LS 3.1.4)";
    actuators(&[
        (r#"{"slpf":{}}"#, accepted()),
        (r#"{"slpf":{"asset_id":"30","hostname":"a"}}"#, accepted()),
        (r#"{"x-esm":{"asset_id":"TGEadsasd"}}"#, accepted()),
        (r#"{"acme":{"a":{"b":[1,true,0.5]}}}"#, accepted()),
        ("{}", refused("actuator: exactly one profile is due, there is none")),
        (r#"{"slpf":{},"er":{}}"#, refused(r#"actuator: exactly one profile is due, "er" is a second"#)),
        (r#"{"slpf":{},"slpf":{}}"#, refused(r#"actuator: exactly one profile is due, "slpf" is a second"#)),
        (r#"{"asset_id":"30"}"#, refused(format!("actuator.asset_id: {none}"))),
        (r#"{"hostname":"a"}"#, refused(format!("actuator.hostname: {none}"))),
        (r#"{"named_group":"a"}"#, refused(format!("actuator.named_group: {none}"))),
        (r#"{"asset_tuple":["a"]}"#, refused(format!("actuator.asset_tuple: {none}"))),
        (r#"{"slpf":null}"#, refused(format!("actuator.slpf: {none}"))),
        (r#"{"slpf":"30"}"#, refused(format!("actuator.slpf: {none}"))),
        (r#"{"slpf":[{}]}"#, refused(format!("actuator.slpf: {none}"))),
        (r#"{"slpf":{"a":1,"a":2}}"#, refused(r#"actuator.slpf: the member "a" stands twice"#)),
        ("[]", refused(no_object.replace("{}", "sequence"))),
        (r#""slpf""#, refused(no_object.replace("{}", "string \"slpf\""))),
        ("1024", refused(no_object.replace("{}", "integer `1024`"))),
    ]);
}

// JADN-013, LS-014, LS-033, LS-197, L23, L30
#[test]
fn a_namespace_identifier_has_1_to_16_letters_digits_hyphens_and_underscores() {
    for nsid in ["a", "1", "x-", "x-lock", "SLPF", "a-_b", "abcdefghijklmnop"] {
        actuators(&[(&format!(r#"{{"{nsid}":{{}}}}"#), accepted())]);
    }
    for nsid in
        ["", "abcdefghijklmnopq", "iot-front-door-lock", "-a", "_a", "a b", "a:b", "a.b", "a/b", "ä", "äbcdefghijklmno"]
    {
        let words = format!("actuator: {nsid:?} is not a namespace identifier (1 to 16 letters, digits, - and _)");
        actuators(&[(&format!(r#"{{"{nsid}":{{}}}}"#), refused(words))]);
    }
}
