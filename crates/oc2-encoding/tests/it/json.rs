//! I-JSON and how numbers are spelled (LS 3.1.5, RFC 7493, DECISIONS L22, L34).

use oc2_core::Mode;
use oc2_encoding::{Encoding, Json};

use crate::support::{accepted, args, becomes, check, commands, headers, messages, refused, responses, tolerated};

// LS-044, LS-045, L34
#[test]
fn a_message_is_utf_8_without_byte_order_mark() {
    let good = r#"{"body":{"openc2":{"response":{"status":200,"status_text":"ä"}}}}"#;
    check(good.as_bytes(), &accepted());
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Json.decode(&utf_16, Mode::Lenient).expect_err("UTF-16");
    let with_mark = format!("\u{FEFF}{good}");
    check(with_mark.as_bytes(), &refused("not JSON: expected value at line 1 column 1"));
    let latin_1: Vec<u8> = good.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    check(&latin_1, &refused("the message is not UTF-8 from byte 59 on"));
    for bytes in [&b"\xFF\xFE{\0}\0"[..], b"\x80", b"{\"body\":\xC0\xAF}", b"\"\xED\xA0\x80\"", b"\"\xF4\x90\x80\x80\""]
    {
        let error = Json.decode(bytes, Mode::Lenient).expect_err("not UTF-8").to_string();
        assert!(error.starts_with("the message is not UTF-8 from byte "), "{error}");
    }
}

// LS-047, L34
#[test]
fn half_a_character_is_refused() {
    for text in [r"\uD800", r"\uDFFF", r"a\uD83D", r"\uD83Da", r"\uD83D\u0041", r"\uDE00\uD83D", r"\ud800\ud800"] {
        for json in [
            format!(r#"{{"body":{{"openc2":{{"response":{{"status":200,"status_text":"{text}"}}}}}}}}"#),
            format!(r#"{{"headers":{{"{text}":1}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#),
            format!(r#"{{"headers":{{"x":"{text}"}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#),
            format!(r#"{{"action":"{text}","target":{{"uri":"a:"}}}}"#),
        ] {
            for mode in [Mode::Lenient, Mode::Strict] {
                let error = Json.decode(json.as_bytes(), mode).expect_err(&json).to_string();
                assert!(error.contains("not JSON: ") || error.contains("is no message"), "{json}: {error}");
            }
        }
    }
    responses(&[(
        r#"{"status":200,"status_text":"\uD83D\uDE00"}"#,
        becomes("{\"status\":200,\"status_text\":\"\u{1F600}\"}"),
    )]);
}

// LS-047, L34
#[test]
fn noncharacters_are_refused_in_strict_mode_only() {
    for (c, shown) in [("\u{FFFF}", "\\u{ffff}"), ("\u{FDD0}", "\\u{fdd0}"), ("\u{1FFFE}", "\\u{1fffe}")] {
        let code = format!("U+{:04X}", u32::from(c.chars().next().expect("one")));
        for (json, place) in [
            (
                format!(r#"{{"headers":{{"from":"a{c}"}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#),
                "headers.from: ",
            ),
            (
                format!(r#"{{"headers":{{"request_id":"a{c}"}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#),
                "headers.request_id: ",
            ),
            (
                format!(r#"{{"headers":{{"x":"a{c}"}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#),
                "headers.x: ",
            ),
            (
                format!(r#"{{"headers":{{"x":{{"a{c}":1}}}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#),
                "headers.x: ",
            ),
            (format!(r#"{{"headers":{{"a{c}":1}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#), "headers: "),
            (
                format!(r#"{{"body":{{"openc2":{{"response":{{"status":200,"status_text":"a{c}"}}}}}}}}"#),
                "body.openc2.response.status_text: ",
            ),
            (
                format!(
                    r#"{{"body":{{"openc2":{{"request":{{"action":"deny","target":{{"file":{{"name":"a{c}"}}}}}}}}}}}}"#
                ),
                "target.file.name: ",
            ),
            (
                format!(
                    r#"{{"body":{{"openc2":{{"request":{{"action":"deny","target":{{"properties":["a{c}"]}}}}}}}}}}"#
                ),
                "target.properties[0]: ",
            ),
            (
                format!(r#"{{"body":{{"openc2":{{"request":{{"action":"deny","target":{{"slpf:a":["a{c}"]}}}}}}}}}}"#),
                "target.slpf:a[0]: ",
            ),
            (
                format!(
                    r#"{{"body":{{"openc2":{{"request":{{"action":"deny","target":{{"uri":"a:"}},"command_id":"a{c}"}}}}}}}}"#
                ),
                "command_id: ",
            ),
            (
                format!(
                    r#"{{"body":{{"openc2":{{"request":{{"action":"deny","target":{{"uri":"a:"}},"args":{{"slpf":{{"b":"a{c}"}}}}}}}}}}}}"#
                ),
                "args.slpf.b: ",
            ),
            (
                format!(
                    r#"{{"body":{{"openc2":{{"request":{{"action":"deny","target":{{"uri":"a:"}},"actuator":{{"slpf":{{"b":"a{c}"}}}}}}}}}}}}"#
                ),
                "actuator.slpf.b: ",
            ),
            (format!(r#"{{"body":{{"openc2":{{"response":{{"status":200}}}}}},"signature":"a{c}"}}"#), "signature: "),
        ] {
            Json.decode(json.as_bytes(), Mode::Lenient).expect(&json);
            let error = Json.decode(json.as_bytes(), Mode::Strict).expect_err(&json).to_string();
            assert_eq!(error, format!("{place}\"a{shown}\" holds the noncharacter {code}"), "{json}");
        }
    }
    // Escaped, it is the same text.
    let json = r#"{"body":{"openc2":{"response":{"status":200,"status_text":"\uFFFF"}}}}"#;
    Json.decode(json.as_bytes(), Mode::Lenient).expect(json);
    Json.decode(json.as_bytes(), Mode::Strict).expect_err(json);
    responses(&[("{\"status\":200,\"status_text\":\"\u{FFFD}\u{FDCF}\u{FDF0}\u{10FFFD}\"}", accepted())]);
}

// JADN-002, LS-046, LS-228, LS-231, L34: names count after unescaping, at every level.
#[test]
fn no_member_stands_twice_at_any_level() {
    commands(&[
        (
            r#"{"action":"deny","target":{"file":{"name":"a","n\u0061me":"a"}}}"#,
            refused(r#"target.file: the member "name" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"x-a:b":{"c":1,"\u0063":1}}}"#,
            refused(r#"target.x-a:b: the member "c" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"uri":"a:"},"args":{"x-a":{"b":{"":1,"":1}}}}"#,
            refused(r#"args.x-a.b: the member "" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"uri":"a:"},"actuator":{"x-a":{"b":1,"b":1}}}"#,
            refused(r#"actuator.x-a: the member "b" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"process":{"executable":{"path":"a","path":"a"}}}}"#,
            refused(r#"target.process.executable: the member "path" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"process":{"parent":{"pid":1,"pid":1}}}}"#,
            refused(r#"target.process.parent: the member "pid" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"artifact":{"mime_type":"a","mime_type":"a"}}}"#,
            refused(r#"target.artifact: the member "mime_type" stands twice"#),
        ),
    ]);
    // From the seventeenth name on another way is taken to find them.
    for n in [2, 15, 16, 17, 18, 100, 999] {
        let names: Vec<_> = (0..n).map(|i| format!("\"a{i}\":{i}")).collect();
        let twice = format!(r#"{{"x-a":{{{},"a{}":1}}}}"#, names.join(","), n - 1);
        args(&[(&twice, refused(format!(r#"args.x-a: the member "a{}" stands twice"#, n - 1)))]);
        let twice = format!("{{{},\"a0\":1}}", names.join(","));
        args(&[(&twice, refused(r#"args: the member "a0" stands twice"#))]);
        headers(&[(&twice, refused(r#"headers: the member "a0" stands twice"#))]);
    }
    // Names that differ in anything are different names.
    args(&[(r#"{"x-a":{"b":1,"B":1," b":1,"b\u0000":1,"\u00e9":1,"e\u0301":1}}"#, accepted())]);
}

// LS-048, L34
#[test]
fn an_integer_beyond_2_to_the_53_minus_1_is_refused_wherever_it_stands() {
    for (number, shown) in [
        ("9007199254740992", "9007199254740992"),
        ("-9007199254740992", "-9007199254740992"),
        ("9223372036854775808", "9223372036854775808"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("18446744073709551616", "18446744073709552000"),
        ("123456789012345678901234567890", "123456789012345680000000000000"),
        ("1e16", "10000000000000000"),
        ("-1e16", "-10000000000000000"),
    ] {
        let words = |place: &str| refused(format!("{place}: {shown} is beyond plus or minus 2^53 - 1"));
        args(&[(&format!(r#"{{"slpf":{{"insert_rule":{number}}}}}"#), words("args.slpf.insert_rule"))]);
        args(&[(&format!(r#"{{"x-a":{{"b":[{number}]}}}}"#), words("args.x-a.b[0]"))]);
        headers(&[(&format!(r#"{{"x":{number}}}"#), words("headers.x"))]);
        commands(&[(
            &format!(r#"{{"action":"delete","target":{{"slpf:rule_number":{number}}}}}"#),
            words("target.slpf:rule_number"),
        )]);
        commands(&[(
            &format!(r#"{{"action":"deny","target":{{"uri":"a:"}},"actuator":{{"x-a":{{"b":{number}}}}}}}"#),
            words("actuator.x-a.b"),
        )]);
    }
    for number in ["9007199254740991", "-9007199254740991", "0", "-1"] {
        args(&[(&format!(r#"{{"x-a":{{"b":{number}}}}}"#), accepted())]);
    }
}

// LS-056, L22: what nobody here can type is written as it came.
#[test]
fn numbers_of_extensions_keep_their_value() {
    for number in [
        "0.1",
        "-0.5",
        "0.577216",
        "3.141592653589793",
        "0.30000000000000004",
        "2.2250738585072014e-308",
        "5e-324",
        "1234.5678",
        "0.000001",
        "123456789.12345679",
        "9007199254740990.5",
        "4503599627370495.5",
    ] {
        args(&[(&format!(r#"{{"x-a":{{"b":{number}}}}}"#), accepted())]);
    }
    // Halfway between two doubles and other places where readers are off by one.
    let mut bits: u64 = 0x9E37_79B9_7F4A_7C15;
    for _ in 0..2000 {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        let value = f64::from_bits(bits);
        if value.is_finite() && value.fract() != 0.0 {
            let json = format!(r#"{{"body":{{"openc2":{{"notification":{{"a":{value:?}}}}}}}}}"#);
            let decoded = Json.decode(json.as_bytes(), Mode::Strict).expect(&json);
            let written = Json.encode(&decoded.message, decoded.form).expect("a message");
            let text = String::from_utf8(written).expect("UTF-8");
            let again =
                text.split_once(r#""a":"#).expect("a").1.trim_end_matches('}').parse::<f64>().expect("a number");
            assert_eq!(again.to_bits(), value.to_bits(), "{json} was written as {text}");
        }
    }
    args(&[(r#"{"x-a":{"b":1.0}}"#, accepted()), (r#"{"x-a":{"b":1e3}}"#, becomes(r#"{"x-a":{"b":1000.0}}"#))]);
}

// LS-057: no type of the language is Null; in what nobody here can type null is null and not the absence of something.
#[test]
fn null_in_an_extension_is_kept() {
    for value in ["null", "[null]", r#"{"c":null}"#] {
        args(&[(&format!(r#"{{"x-a":{{"b":{value}}}}}"#), accepted().kept())]);
    }
}

// LS-055, LS-187, L22: how an Integer may be spelled
#[test]
fn an_integer_is_spelled_as_one() {
    let fraction = "args.duration: an Integer is spelled as a fraction";
    args(&[
        (r#"{"duration":80}"#, accepted()),
        (r#"{"duration":80.0}"#, tolerated(fraction).written(r#"{"duration":80}"#)),
        (r#"{"duration":8e1}"#, tolerated(fraction).written(r#"{"duration":80}"#)),
        (r#"{"duration":800E-1}"#, tolerated(fraction).written(r#"{"duration":80}"#)),
    ]);
}

// LS-044: RFC 8259 and nothing beyond it
#[test]
fn what_is_not_json_is_refused() {
    let good = r#"{"body":{"openc2":{"response":{"status":200}}}}"#;
    for bad in [
        "",
        " ",
        "{",
        "}",
        "{]",
        "{}}",
        "{} {}",
        "{},",
        "{'body':1}",
        "{body:1}",
        r#"{"body"}"#,
        r#"{"body":}"#,
        r#"{"body":,}"#,
        r#"{,"body":1}"#,
        r#"{"a" "b"}"#,
        "nul",
        "True",
        "NaN",
        "-",
        "Infinity",
        "\u{0}",
        "// a\n{}",
        "/* a */{}",
        "{\"body\u{1}\":1}",
        r#"{"body":01}"#,
        r#"{"body":1.}"#,
        r#"{"body":.5}"#,
        r#"{"body":+1}"#,
        r#"{"body":1e}"#,
        r#"{"body":0x10}"#,
        r#"{"body":"\x41"}"#,
        r#"{"body":"\u12"}"#,
        r#"{"body":"a"#,
        "{\"body\":\"a\nb\"}",
        r#"{"headers":{"x":1e400}}"#,
        r#"{"headers":{"x":[1,]}}"#,
        r#"{"headers":{"x":{"y":1,}}}"#,
        r#"{"headers":{"x":[}]}}"#,
        r#"{"body":{"openc2":{"response":{"status":200,}}}}"#,
        r#"{"body":{"openc2":{"response":{"status":200}}}} x"#,
        r#"{"body":{"openc2":{"response":{"status":200}}}}{}"#,
        r#"{"body":{"openc2":{"response":{"status":200}}}},"#,
    ] {
        for mode in [Mode::Lenient, Mode::Strict] {
            Json.decode(bad.as_bytes(), mode).expect_err(bad);
        }
    }
    for space in [" ", "\n", "\r\n", "\t", "  \t\n"] {
        check(format!("{space}{good}{space}").as_bytes(), &accepted());
    }
    for space in ["\u{A0}", "\u{B}", "\u{C}", "\u{2028}", "\u{FEFF}", "\0"] {
        for text in [format!("{space}{good}"), format!("{good}{space}")] {
            Json.decode(text.as_bytes(), Mode::Lenient).expect_err(&text);
        }
    }
}

#[test]
fn what_is_not_json_is_told_with_line_and_column() {
    messages(&[
        ("", refused("not JSON: EOF while parsing a value at line 1 column 0")),
        (
            "{\n\"body\":{\"openc2\":{\"response\":{\"status\":tru}}}}",
            refused("body.openc2.response.status: not JSON: expected ident at line 2 column 43"),
        ),
        (
            r#"{"body":{"openc2":{"response":{"status":200}}}}]"#,
            refused("not JSON: trailing characters at line 1 column 48"),
        ),
    ]);
}

// LS-008: escapes are a matter of spelling.
#[test]
fn escapes_mean_what_they_stand_for() {
    responses(&[
        (
            r#"{"\u0073tatus":200,"status_text":"\u0041\"\\\/\b\f\n\r\t"}"#,
            becomes("{\"status\":200,\"status_text\":\"A\\\"\\\\/\\b\\f\\n\\r\\t\"}"),
        ),
        (r#"{"status":200,"status_text":"\u0000\u001f\u007f"}"#, accepted()),
    ]);
    commands(&[(
        r#"{"action":"d\u0065ny","target":{"\u0075ri":"a\u003A"},"args":{"response\u005frequested":"ac\u006b"}}"#,
        becomes(r#"{"action":"deny","target":{"uri":"a:"},"args":{"response_requested":"ack"}}"#),
    )]);
}

// LS-044: "at line" in a value is not the end of our sentence.
#[test]
fn a_quoted_value_stays_whole_in_the_error() {
    commands(&[
        (
            r#"{"action":"x at line 1 column 2","target":{"uri":"a:"}}"#,
            refused(
                "action: \"x at line 1 column 2\" is not one of scan, locate, query, deny, contain, allow, start, stop, \
                 restart, cancel, set, update, redirect, create, delete, detonate, restore, copy, investigate, remediate",
            ),
        ),
        (
            r#"{"action":"deny","target":{"mac_addr":5},"a at line 3 column 4":1}"#,
            refused("target.mac_addr: invalid type: integer `5`, expected a MAC address"),
        ),
        (
            r#"{"action":"deny","target":{"uri":"a:"},"a at line 3 column 4":1}"#,
            refused(
                "unknown member \"a at line 3 column 4\"; OpenC2-Command has action, target, args, actuator, command_id",
            ),
        ),
    ]);
}
