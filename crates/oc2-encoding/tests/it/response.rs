//! Responses and results (LS 3.3.2).

use oc2_core::StatusCode;

use crate::support::{accepted, becomes, refused, responses, results, tolerated};

const AT: &str = "body.openc2.response";

// LS-067, LS-132 to LS-135, LS-224, LS-225
#[test]
fn a_response_has_a_status_and_perhaps_a_text_and_results() {
    responses(&[
        (r#"{"status":200}"#, accepted()),
        (r#"{"status":200,"status_text":""}"#, accepted()),
        (r#"{"results":{"slpf":{"rule_number":1234}},"status_text":"a \"b\"\n","status":200}"#, accepted()),
        ("{}", refused(format!(r#"{AT}: the member "status" is missing"#))),
        (r#"{"status_text":"OK"}"#, refused(format!(r#"{AT}: the member "status" is missing"#))),
        (r#"{"status":200,"status":200}"#, refused(format!(r#"{AT}: the member "status" stands twice"#))),
        (
            r#"{"status":200,"status_text":"a","status_text":"a"}"#,
            refused(format!(r#"{AT}: the member "status_text" stands twice"#)),
        ),
        (
            r#"{"status":200,"results":{"x-a":{}},"results":{"x-a":{}}}"#,
            refused(format!(r#"{AT}: the member "results" stands twice"#)),
        ),
        ("[200]", refused(format!("{AT}: invalid type: sequence, expected an object (OpenC2-Response)"))),
        ("200", refused(format!("{AT}: invalid type: integer `200`, expected an object (OpenC2-Response)"))),
        (
            r#"{"status":200,"status_text":5}"#,
            refused(format!("{AT}.status_text: invalid type: integer `5`, expected a string")),
        ),
        (
            r#"{"status":200,"status_text":null}"#,
            tolerated(&format!("{AT}.status_text: null where the member is to be left out"))
                .written(r#"{"status":200}"#),
        ),
        (
            r#"{"status":200,"results":null}"#,
            tolerated(&format!("{AT}.results: null where the member is to be left out")).written(r#"{"status":200}"#),
        ),
    ]);
}

// LS-016, LS-066, LS-136
#[test]
fn a_status_is_one_of_nine_numbers() {
    assert_eq!(StatusCode::ALL.len(), 9);
    for status in ["102", "200", "400", "401", "403", "404", "500", "501", "503"] {
        responses(&[(&format!(r#"{{"status":{status}}}"#), accepted())]);
    }
    for status in ["0", "100", "201", "204", "402", "405", "418", "502", "504", "9007199254740991"] {
        let words = format!("{AT}.status: {status} is not one of 102, 200, 400, 401, 403, 404, 500, 501, 503");
        responses(&[(&format!(r#"{{"status":{status}}}"#), refused(words))]);
    }
    let expected = "Status-Code (0..9007199254740991)";
    for (value, words) in [
        ("-200", format!("-200 is not {expected}")),
        ("200.5", format!("200.5 is not {expected}")),
        (r#""200""#, format!("invalid type: string \"200\", expected {expected}")),
        (r#""OK""#, format!("invalid type: string \"OK\", expected {expected}")),
        ("true", format!("invalid type: boolean `true`, expected {expected}")),
        ("null", format!("invalid type: null, expected {expected}")),
        ("[200]", format!("invalid type: sequence, expected {expected}")),
    ] {
        responses(&[(&format!(r#"{{"status":{value}}}"#), refused(format!("{AT}.status: {words}")))]);
    }
    responses(&[(
        r#"{"status":200.0}"#,
        tolerated(&format!("{AT}.status: an Integer is spelled as a fraction")).written(r#"{"status":200}"#),
    )]);
}

// LS-132, M15
#[test]
fn unknown_members_of_responses_and_results_are_kept_in_lenient_mode() {
    responses(&[
        (r#"{"status":200,"took":{"ms":1.5,"a":[]}}"#, tolerated(&format!("{AT}.took: unknown member")).kept()),
        (
            r#"{"a":1,"status":200,"b":"c"}"#,
            tolerated(&format!("{AT}.a: unknown member")).noted(&format!("{AT}.b: unknown member")).kept(),
        ),
        (
            r#"{"status":200,"a":1,"\u0061":1}"#,
            refused(format!(r#"{AT}: the member "a" stands twice"#)).strictly(&format!("{AT}.a: unknown member")),
        ),
    ]);
    let note = |name: &str| format!("{AT}.results.{name}: not a namespace with its object");
    results(&[
        (r#"{"count":5}"#, tolerated(&note("count")).kept()),
        (r#"{"slpf":[1]}"#, tolerated(&note("slpf")).kept()),
        (r#"{"a name with spaces":{"b":1}}"#, tolerated(&note("a name with spaces")).kept()),
    ]);
}

// LS-042, LS-043, LS-147, LS-148, LS-149, LS-150
#[test]
fn results_are_four_and_namespaces() {
    results(&[
        (r#"{"versions":["1.0"]}"#, accepted()),
        (r#"{"profiles":["slpf","x-lock"]}"#, accepted()),
        (r#"{"pairs":{"query":["features"]}}"#, accepted()),
        (r#"{"rate_limit":30}"#, accepted()),
        (r#"{"slpf":{"rule_number":1234}}"#, accepted()),
        (r#"{"slpf":{}}"#, accepted()),
        (r#"{"acme":{}}"#, accepted()),
        (
            r#"{"x-esm":{"battery":{"capacity":0.577216,"visible_on_display":true,"mode":["high"]}},"rate_limit":0.5}"#,
            accepted(),
        ),
        ("[]", refused(format!("{AT}.results: invalid type: sequence, expected an object (Results)"))),
        (r#"{"slpf":{},"slpf":{}}"#, refused(format!(r#"{AT}.results: the member "slpf" stands twice"#))),
        (
            r#"{"rate_limit":1,"rate_limit":1}"#,
            refused(format!(r#"{AT}.results: the member "rate_limit" stands twice"#)),
        ),
    ]);
}

// JADN-004, JADN-017, LS-029, LS-031, LS-146, LS-184, L31, L36
#[test]
fn what_is_empty_is_left_out() {
    let empty = |at: &str| tolerated(&format!("{AT}.results{at}")).written(r#"{"status":200}"#);
    responses(&[
        (r#"{"status":200,"results":{}}"#, empty(": must hold at least one member")),
        (r#"{"status":200,"results":{"versions":[]}}"#, empty(".versions: an empty list is to be left out")),
        (r#"{"status":200,"results":{"pairs":{}}}"#, empty(".pairs: at least one action is due")),
        (
            r#"{"status":200,"results":{"rate_limit":null}}"#,
            empty(".rate_limit: null where the member is to be left out"),
        ),
        (
            r#"{"status":200,"results":{"versions":[],"rate_limit":1}}"#,
            tolerated(&format!("{AT}.results.versions: an empty list is to be left out"))
                .written(r#"{"status":200,"results":{"rate_limit":1}}"#),
        ),
        // Legal by LS 3.3.2.2, unwise by 3.1.3.
        (r#"{"status":200,"results":{"profiles":[]}}"#, becomes(r#"{"status":200}"#)),
        (
            r#"{"status":200,"results":{"profiles":[],"versions":["1.0"]}}"#,
            becomes(r#"{"status":200,"results":{"versions":["1.0"]}}"#),
        ),
    ]);
}

// JADN-015, LS-029, LS-147, LS-203, L10, L37
#[test]
fn versions_are_a_list_of_short_texts_each_once() {
    results(&[
        (r#"{"versions":["1.0","1.1","2.0"]}"#, accepted()),
        (r#"{"versions":["1.x"]}"#, accepted()),
        (r#"{"versions":["abcdefghijklmnop"]}"#, accepted()),
        (
            r#"{"versions":["abcdefghijklmnopq"]}"#,
            refused(format!(
                "{AT}.results.versions[0]: \"abcdefghijklmnopq\" is not a Version: it has more than 16 characters"
            )),
        ),
        (r#"{"versions":[""]}"#, refused(format!("{AT}.results.versions[0]: \"\" is not a Version: it is empty"))),
        (r#"{"versions":["1.0","1.0"]}"#, refused(format!("{AT}.results.versions: \"1.0\" stands twice"))),
        (
            r#"{"versions":[1.0]}"#,
            refused(format!("{AT}.results.versions[0]: invalid type: floating point `1.0`, expected a version")),
        ),
        (
            r#"{"versions":"1.0"}"#,
            refused(format!("{AT}.results.versions: invalid type: string \"1.0\", expected a list of versions")),
        ),
    ]);
}

// LS-148: the table asks for unique versions, not for unique profiles.
#[test]
fn profiles_are_a_list_of_namespace_identifiers() {
    results(&[
        (r#"{"profiles":["slpf"]}"#, accepted()),
        (r#"{"profiles":["edr","sbom"]}"#, accepted()),
        (r#"{"profiles":["slpf","slpf"]}"#, accepted()),
        (
            r#"{"profiles":["slpf",""]}"#,
            refused(format!(
                "{AT}.results.profiles[1]: \"\" is not a namespace identifier (1 to 16 letters, digits, - and _)"
            )),
        ),
        (
            r#"{"profiles":[1024]}"#,
            refused(format!(
                "{AT}.results.profiles[0]: invalid type: integer `1024`, expected a namespace identifier (1 to 16 letters, digits, - and _)"
            )),
        ),
        (
            r#"{"profiles":"slpf"}"#,
            refused(format!("{AT}.results.profiles: invalid type: string \"slpf\", expected a list of profiles")),
        ),
    ]);
}

// LS-012, LS-069, LS-149, LS-184, LS-185, LS-232
#[test]
fn pairs_map_actions_to_lists_of_targets() {
    let actions = "scan, locate, query, deny, contain, allow, start, stop, restart, cancel, set, update, redirect, \
                   create, delete, detonate, restore, copy, investigate, remediate";
    let at = format!("{AT}.results.pairs");
    results(&[
        (
            r#"{"pairs":{"delete":["slpf:rule_number"],"allow":["ipv6_net","ipv6_connection"],"query":["features"]}}"#,
            accepted(),
        ),
        (r#"{"pairs":{"set":["x-a:b","acme:c"]}}"#, accepted()),
        (r#"{"pairs":{"foo":["features"]}}"#, refused(format!("{at}: \"foo\" is not one of {actions}"))),
        (r#"{"pairs":{"3":["features"]}}"#, refused(format!("{at}: \"3\" is not one of {actions}"))),
        (r#"{"pairs":{"query":["foo"]}}"#, refused(format!("{at}.query[0]: \"foo\" is not a target (LS 3.3.1.2)"))),
        (r#"{"pairs":{"query":["features","features"]}}"#, refused(format!("{at}.query: \"features\" stands twice"))),
        (
            r#"{"pairs":{"query":["features"],"query":["file"]}}"#,
            refused(format!("{at}: the member \"query\" stands twice")),
        ),
        (r#"{"pairs":{"query":[]}}"#, refused(format!("{at}.query: at least one target is due"))),
        (
            r#"{"pairs":{"query":"features"}}"#,
            refused(format!("{at}.query: invalid type: string \"features\", expected a list of targets")),
        ),
        (
            r#"{"pairs":{"query":[9]}}"#,
            refused(format!("{at}.query[0]: invalid type: integer `9`, expected the name of a target")),
        ),
        (
            r#"{"pairs":{"delete":["slpf/rule_number"]}}"#,
            refused(format!("{at}.delete[0]: \"slpf/rule_number\" is not a target (LS 3.3.1.2)")),
        ),
        (
            r#"{"pairs":[{"query":["features"]}]}"#,
            refused(format!("{at}: invalid type: sequence, expected an object of actions and lists of targets")),
        ),
    ]);
}

// JADN-014, LS-056, LS-150, L34
#[test]
fn a_rate_limit_is_a_number_of_at_least_0() {
    let at = format!("{AT}.results.rate_limit");
    results(&[
        (r#"{"rate_limit":0}"#, accepted()),
        (r#"{"rate_limit":0.5}"#, accepted()),
        (r#"{"rate_limit":30}"#, accepted()),
        (r#"{"rate_limit":30.5}"#, accepted()),
        (r#"{"rate_limit":3e1}"#, becomes(r#"{"rate_limit":30}"#)),
        (r#"{"rate_limit":30.0}"#, becomes(r#"{"rate_limit":30}"#)),
        (r#"{"rate_limit":-0.0}"#, becomes(r#"{"rate_limit":0}"#)),
        (r#"{"rate_limit":9007199254740991}"#, accepted()),
        (
            r#"{"rate_limit":9007199254740992}"#,
            refused(format!("{at}: 9007199254740992 is beyond plus or minus 2^53 - 1")),
        ),
        (
            r#"{"rate_limit":9007199254740993}"#,
            refused(format!("{at}: 9007199254740993 is beyond plus or minus 2^53 - 1")),
        ),
        (r#"{"rate_limit":1e300}"#, refused(format!("{at}: 1e300 is beyond plus or minus 2^53 - 1"))),
        (r#"{"rate_limit":-1}"#, refused(format!("{at}: -1 is not a number of at least 0"))),
        (r#"{"rate_limit":-0.5}"#, refused(format!("{at}: -0.5 is not a number of at least 0"))),
        (
            r#"{"rate_limit":"30"}"#,
            refused(format!("{at}: invalid type: string \"30\", expected a number of at least 0")),
        ),
        (
            r#"{"rate_limit":true}"#,
            refused(format!("{at}: invalid type: boolean `true`, expected a number of at least 0")),
        ),
    ]);
}
