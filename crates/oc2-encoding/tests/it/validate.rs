//! What the validator says of documents, and that it says what the readers say.

use oc2_core::shape::read::{Context, Read};
use oc2_core::{Command, Content, Mode, Response};
use oc2_encoding::{Cbor, Encoding, Json, JsonIn, Kind, MAX_MESSAGE, Syntax, Validator, read_json};
use oc2_profile_slpf::Slpf;

use crate::corpus;

fn validator(kind: Kind) -> Validator {
    Validator::new().kind(kind).profile::<Slpf>()
}

fn lines(validator: &Validator, document: &[u8]) -> Vec<String> {
    validator.check(document).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn check(kind: Kind, document: &str, expected: &[&str]) {
    assert_eq!(lines(&validator(kind), document.as_bytes()), expected, "{document}");
}

#[test]
fn every_fault_of_a_command_is_told_in_order() {
    check(
        Kind::Command,
        r#"{"action": "dny",
            "target": {"ipv4_connection": {"dst_port": 65536, "protocol": "tpc", "dest": 1}},
            "args": {"duration": "5m", "slpf": {"direction": "up", "insert_rule": 1.5}, "direction": "ingress"},
            "actuator": {"slpf": {"hostname": "a b"}},
            "command_id": "a b"}"#,
        &[
            "action: \"dny\" is not one of scan, locate, query, deny, contain, allow, start, stop, restart, cancel, set, update, redirect, create, delete, detonate, restore, copy, investigate, remediate [LS 3.3.1.1 (LS-095)]",
            "target.ipv4_connection.dst_port: 65536 is not a port (0..65535) [LS 3.4.2.14 (LS-200)]",
            "target.ipv4_connection.protocol: \"tpc\" is not one of icmp, tcp, udp, sctp [LS 3.4.2.10 (LS-195)]",
            "target.ipv4_connection: unknown member \"dest\"; IPv4-Connection has src_addr, src_port, dst_addr, dst_port, protocol [LS 3.4.1.10 (LS-170)]",
            "args.duration: invalid type: string \"5m\", expected a duration in milliseconds (0..9007199254740991) [LS 3.1.5 (LS-055)]",
            "args.slpf.direction: \"up\" is not one of both, ingress, egress [SLPF 2.1.3.2 (SLPF-026)]",
            "args.slpf.insert_rule: 1.5 is not a rule number (-9007199254740991..9007199254740991) [LS 3.1.5 (LS-055)]",
            "args.direction: neither an argument (start_time, stop_time, duration, response_requested) nor a namespace with its object [LS 3.3.1.4 (LS-119), LS 3.1.4 (LS-039)]",
            "actuator.slpf.hostname: \"a b\" is not a hostname: it has a character other than letters, digits, hyphens and dots [SLPF 2.1.4 (SLPF-038)]",
            "command_id: \"a b\" is not a Command-ID: it has white space [LS 3.4.2.16 (LS-202), DECISIONS L33]",
        ],
    );
}

#[test]
fn duplicates_are_found_along_with_the_rest() {
    check(
        Kind::Command,
        r#"{"action": "deny", "target": {"ipv4_net": "1.2.3"}, "args": {"x-a": {"b": 1, "b": 2}, "duration": -1}, "action": 1}"#,
        &[
            "target.ipv4_net: \"1.2.3\" is not an IPv4 net (a.b.c.d or a.b.c.d/0..32) [LS 3.1.5 (LS-051), LS 3.3.1.2 (LS-108)]",
            "args.x-a: the member \"b\" stands twice [LS 3.1.5 (LS-046), DECISIONS L34]",
            "args.duration: -1 is not a duration in milliseconds (0..9007199254740991) [LS 3.4.2.3 (LS-187)]",
            "the member \"action\" stands twice [LS 3.1.5 (LS-046), DECISIONS L34]",
        ],
    );
}

#[test]
fn a_message_is_checked_with_what_it_holds() {
    check(
        Kind::Message,
        r#"{"headers": {"created": "now"}, "body": {"openc2": {"response": {"status": 201, "results": {"slpf": {"rule_number": "1"}}}}}}"#,
        &[
            "headers.created: invalid type: string \"now\", expected a time in milliseconds since 1970 (0..9007199254740991) [LS 3.1.5 (LS-055)]",
            "body.openc2.response.status: 201 is not one of 102, 200, 400, 401, 403, 404, 500, 501, 503 [LS 3.3.2.1 (LS-136)]",
            "body.openc2.response.results.slpf.rule_number: invalid type: string \"1\", expected a rule number (-9007199254740991..9007199254740991) [LS 3.1.5 (LS-055)]",
        ],
    );
    check(
        Kind::Message,
        r#"{"action": "deny", "target": {"uri": 1}}"#,
        &[
            "a bare Command is no message (HTTPS 1.1 3.3.2) [HTTPS 3.3.2 (HTTPS-032), DECISIONS M1]",
            "target.uri: invalid type: integer `1`, expected a URI [LS 3.1.5 (LS-058)]",
        ],
    );
    check(
        Kind::Message,
        r#"{"body": {"openc2": {"request": {"action": "update", "target": {"file": {"path": "/a"}}, "actuator": {"slpf": {}}}}}}"#,
        &["body.openc2.request.target.file: the member \"name\" is missing (SLPF 2.3.5.1) [SLPF 2.3.5.1 (SLPF-168)]"],
    );
}

#[test]
fn content_that_is_something_else_is_told_so() {
    check(Kind::Command, r#"{"status": 200}"#, &["a Response, where a Command is due [LS 1.2 (LS-007)]"]);
    check(Kind::Response, r#"{"body": {}}"#, &["a Message, where a Response is due [LS 1.2 (LS-007)]"]);
    let neither =
        "neither a Command (action, target), nor a Response (status), nor a Message (headers, body) [LS 1.2 (LS-007)]";
    for document in ["{}", "[]", "1", r#"{"x": 1}"#] {
        check(Kind::Auto, document, &[neither]);
    }
    for (document, fault) in [
        (r#"{"action": "deny"}"#, "the member \"target\" is missing [LS 3.3.1 (LS-088)]"),
        (
            r#"{"status": null}"#,
            "status: invalid type: null, expected Status-Code (0..9007199254740991) [LS 3.3.2 (LS-133)]",
        ),
        (r#"{"headers": {"from": "a"}}"#, "the member \"body\" is missing [HTTPS 3.3.2 (HTTPS-032)]"),
    ] {
        check(Kind::Auto, document, &[fault]);
    }
}

#[test]
fn bytes_that_are_no_document_get_one_reason() {
    let validator = validator(Kind::Auto);
    let one = |document: &[u8], expected: &str| assert_eq!(lines(&validator, document), [expected]);
    one(b"", "the document is empty [LS 3.1.5 (LS-044)]");
    one(b" \n", "the document is empty but for white space [LS 3.1.5 (LS-044)]");
    one(b"{\"a\xE9\"}", "byte 3: not UTF-8: 0xE9 has no place here [LS 3.1.5 (LS-045)]");
    one(b"{\0}\0", "not UTF-8; it looks like UTF-16 or UTF-32 [LS 3.1.5 (LS-045)]");
    one(b"\xEF\xBB\xBF{}", "a byte order mark stands before the text [LS 3.1.5 (LS-045)]");
    one(b"{\n\"a\":}", "line 2 column 5: not JSON: expected value [LS 3.1.5 (LS-044)]");
    one(b"{} {}", "line 1 column 4: not JSON: something stands behind the value [LS 3.1.5 (LS-044)]");
    one(br#"{"a":"\uD800"}"#, "line 1 column 13: half of a surrogate pair stands alone [LS 3.1.5 (LS-047)]");
    one(b"[1e999]", "line 1 column 6: the number is beyond every number of I-JSON [LS 3.1.5 (LS-048)]");
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    one(deep.as_bytes(), "line 1 column 128: nested more than 32 levels deep [DECISIONS L24]");
    one(&vec![b' '; 100_000_000], "the document is longer than 1048576 bytes [DECISIONS L24]");
    assert!(validator.check(&vec![b' '; MAX_MESSAGE]).is_err());
}

#[test]
fn what_is_nested_too_deep_for_us_and_not_for_the_parser_has_a_place() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let value = format!("{}1{}", open.repeat(40), close.repeat(40));
        let document = format!(r#"{{"action":"deny","target":{{"x-a:b":{value}}}}}"#);
        let lines = lines(&validator(Kind::Command), document.as_bytes());
        assert!(lines.len() == 1 && lines[0].ends_with("nested more than 32 levels deep [DECISIONS L24]"), "{lines:?}");
    }
}

#[test]
fn faults_are_few_however_much_is_wrong() {
    let items: Vec<_> = (0..900).map(|_| "1").collect();
    let document = format!(r#"{{"action":"query","target":{{"properties":[{}]}}}}"#, items.join(","));
    assert_eq!(lines(&validator(Kind::Command), document.as_bytes()).len(), 100);
}

#[test]
fn what_is_tolerated_is_noted() {
    let lenient = validator(Kind::Auto).mode(Mode::Lenient);
    let document = br#"{"action":"deny","target":{"ipv4_connection":{"dst_port":80.0}},"args":{}}"#;
    let notes: Vec<_> = lenient.check(document).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        ["target.ipv4_connection.dst_port: an Integer is spelled as a fraction", "args: must hold at least one member"]
    );
    let list = br#"["deny",{"uri":"http://a.example"}]"#;
    assert_eq!(lenient.check(list).unwrap()[0].to_string(), "JSON that is not by name (LS 3.1.5)");
    let unregistered = br#"{"action":"deny","target":{"uri":"http://a.example"},"args":{"acme":{}}}"#;
    let notes = validator(Kind::Command).check(unregistered).unwrap();
    assert_eq!(
        notes[0].to_string(),
        "args.acme: the namespace is neither registered nor marked as private by x- (LS 3.1.4)"
    );
}

#[test]
fn the_other_forms_are_read_as_agreed() {
    for (syntax, document) in [
        (Syntax::JsonCompact, &br#"["deny",{"uri":"http://a.example"}]"#[..]),
        (Syntax::JsonConcise, br#"[6,{"19":"http://a.example"}]"#),
        (Syntax::JsonConcise, br#"{"1":200}"#),
        (Syntax::Cbor, b"\x82\x03\xa1\x09\x80"),
        (Syntax::CborConcise, b"\xd9\xd9\xf7\x82\x03\xa1\x09\x80"),
        (Syntax::Cbor, b"\xa1\x66status\x18\xc8"),
        (Syntax::CborVerbose, b"\xa1\x66status\x18\xc8"),
        (Syntax::CborConcise, b"\xa1\x01\x18\xc8"),
    ] {
        let validator = validator(Kind::Auto).syntax(syntax);
        assert_eq!(lines(&validator, document), [] as [&str; 0], "{syntax}");
    }
    for (syntax, document, expected) in [
        (
            Syntax::Json,
            &br#"["deny",{"uri":"http://a.example"}]"#[..],
            "invalid type: sequence, expected an object (OpenC2-Command) [LS 3.1.5 (LS-070)]",
        ),
        (Syntax::Cbor, b"", "the document is empty [LS 3.1.5.1 (LS-071)]"),
        (Syntax::Cbor, b"\x82\x03", "byte 2: not CBOR: EOF while parsing a value [LS 3.1.5.1 (LS-071)]"),
        (Syntax::Cbor, b"\x82\x03\xa1\x09\x80\x00", "byte 6: not CBOR: trailing data [LS 3.1.5.1 (LS-071)]"),
        (
            Syntax::Cbor,
            b"\x82\x03\xa1\x09\x81\x07",
            "target.features[0]: 7 is not one of 1, 2, 3, 4 [LS 3.4.2.4 (LS-188)]",
        ),
        (
            Syntax::Cbor,
            b"\xa2\x01\x18\xc8\x01\x18\xc8",
            "the member \"status\" stands twice [LS 3.1.5 (LS-046), DECISIONS L34]",
        ),
    ] {
        let validator = validator(Kind::Auto).syntax(syntax);
        assert_eq!(lines(&validator, document), [expected], "{syntax}");
    }
}

// The corpus, and each of its documents with a byte changed, doubled or missing.
#[test]
fn the_verdict_is_that_of_the_readers() {
    let mut n_good = 0;
    for (kind, bytes) in corpus::documents() {
        n_good += agree(kind, &bytes);
        for (place, byte) in bytes.iter().copied().enumerate().take(400).step_by(11) {
            let with = |new: &[u8]| [&bytes[..place], new, &bytes[place + 1..]].concat();
            for new in [&[byte ^ 1][..], &[byte, byte], &[]] {
                n_good += agree(kind, &with(new));
            }
        }
    }
    assert!(n_good > 1000, "{n_good}");
}

/// How often the document was good, of the two modes.
fn agree(kind: Kind, bytes: &[u8]) -> usize {
    let modes = [Mode::Strict, Mode::Lenient];
    let good = modes.into_iter().filter(|mode| {
        let verdict = Validator::new().kind(kind).mode(*mode).profile::<Slpf>().check(bytes).is_ok();
        // What the validator checks beyond the readers makes a document bad only.
        let expected = decode(kind, bytes, *mode);
        let plain = match expected {
            Some(is_without_extensions) => verdict || !is_without_extensions,
            None => !verdict,
        };
        assert!(plain, "{kind} {mode:?} {verdict}: {}", String::from_utf8_lossy(bytes));
        verdict
    });
    good.count()
}

/// Whether the readers accept a document, and if so whether there is nothing in it that the validator looks at besides.
fn decode(kind: Kind, bytes: &[u8], mode: Mode) -> Option<bool> {
    let of_command = |command: &Command| {
        command.args.namespaces().is_empty() && command.faults::<Slpf>().is_empty() && command.actuator.is_none()
    };
    match kind {
        Kind::Message | Kind::Auto => {
            let decoded = Json.decode(bytes, mode).ok()?;
            Some(match decoded.message.content() {
                Content::Request(command) => of_command(command),
                Content::Response(response) => response.faults::<Slpf>().is_empty(),
                Content::Notification(_) => true,
            })
        }
        Kind::Command => read::<Command>(bytes, mode).map(|command| of_command(&command)),
        Kind::Response => read::<Response>(bytes, mode).map(|response| response.faults::<Slpf>().is_empty()),
    }
}

fn read<T: Read>(bytes: &[u8], mode: Mode) -> Option<T> {
    let context = Context::new(mode);
    let mut context = if mode == Mode::Strict { context.in_notation(oc2_core::Notation::Verbose) } else { context };
    read_json(bytes, &mut context).ok()
}

// Every good message of the corpus in every form, and what is left of it with a byte changed.
#[test]
fn the_verdict_is_that_of_the_readers_in_the_other_forms() {
    let mut n_good = 0;
    for (kind, bytes) in corpus::documents() {
        let Kind::Message = kind else { continue };
        let Ok(decoded) = Json.decode(&bytes, Mode::Strict) else { continue };
        let forms: [(Syntax, &dyn Encoding); 3] = [
            (Syntax::JsonCompact, &JsonIn(oc2_core::Notation::Compact)),
            (Syntax::JsonConcise, &JsonIn(oc2_core::Notation::Concise)),
            (Syntax::Cbor, &Cbor),
        ];
        for (syntax, encoding) in forms {
            let Ok(written) = encoding.encode(&decoded.message, encoding.default_form()) else { continue };
            let mut check = |bytes: &[u8]| {
                for mode in [Mode::Strict, Mode::Lenient] {
                    let verdict = Validator::new().kind(Kind::Message).mode(mode).syntax(syntax).check(bytes).is_ok();
                    let read = encoding.decode(bytes, mode);
                    let has_namespaces = matches!(&read, Ok(read) if matches!(read.message.content(), Content::Request(command) if !command.args.namespaces().is_empty()));
                    assert!(verdict == read.is_ok() || has_namespaces, "{syntax} {mode:?} {verdict}: {bytes:02x?}");
                    n_good += usize::from(verdict);
                }
            };
            check(&written);
            for place in 0..written.len() {
                let mut changed = written.clone();
                changed[place] ^= 1;
                check(&changed);
            }
        }
    }
    assert!(n_good > 200, "{n_good}");
}
