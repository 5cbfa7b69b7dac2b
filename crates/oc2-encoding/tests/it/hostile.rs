//! Input that wants time, memory, the stack or a panic (DECISIONS L24). Time is not measured here: what is refused within
//! the first thousand members, or 32 levels down, does not cost what stands behind.

use oc2_core::shape::read::{Context, Read};
use oc2_core::{Command, Message, Mode};
use oc2_encoding::{Encoding, Json, MAX_MESSAGE};

use crate::support::{accepted, check, in_request, refused, tolerated};

/// Reads in both modes; what comes of it is small, whatever was sent.
fn digest(bytes: &[u8]) -> [Result<Message, String>; 2] {
    [Mode::Lenient, Mode::Strict].map(|mode| match Json.decode(bytes, mode) {
        Ok(decoded) => {
            assert!(decoded.notes.len() <= 20, "{} notes", decoded.notes.len());
            assert!(decoded.notes.iter().all(|note| note.to_string().len() <= 4000));
            Ok(decoded.message)
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() <= 4000, "{} bytes: {}", text.len(), &text[..200]);
            Err(text)
        }
    })
}

#[track_caller]
fn refused_in_both(bytes: &[u8], words: &str) {
    for res in digest(bytes) {
        match res {
            Err(text) => assert!(text.contains(words), "{text}, without: {words}"),
            Ok(message) => panic!("read as {message:?}"),
        }
    }
}

const TARGET: &str = r#""action":"deny","target":{"uri":"a:"}"#;

// L24: 32 levels of objects and lists, of which the message itself is the first.
#[test]
fn nesting_is_bounded_at_32_levels() {
    // Message, body, openc2, request, args, x-a: the list is the seventh.
    let nested =
        |n: usize| in_request(&format!(r#"{{{TARGET},"args":{{"x-a":{{"b":{}1{}}}}}}}"#, "[".repeat(n), "]".repeat(n)));
    check(nested(26).as_bytes(), &accepted());
    let words = format!("args.x-a.b{}: nested more than 32 levels deep", "[0]".repeat(27));
    check(nested(27).as_bytes(), &refused(words));
    let objects = |n: usize| {
        format!(
            r#"{{"headers":{{"a":{}1{}}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#,
            r#"{"b":"#.repeat(n),
            "}".repeat(n)
        )
    };
    check(objects(30).as_bytes(), &accepted());
    check(objects(31).as_bytes(), &refused(format!("headers.a{}: nested more than 32 levels deep", ".b".repeat(31))));
}

#[test]
fn nesting_of_any_depth_is_refused_at_the_bound() {
    for n in [100, 1000, 100_000] {
        let (open, close) = ("[".repeat(n), "]".repeat(n));
        let (open_objects, close_objects) = (r#"{"a":"#.repeat(n), "}".repeat(n));
        for (start, end) in
            [(&open, &close), (&open, &String::new()), (&open_objects, &close_objects), (&open_objects, &String::new())]
        {
            for text in [
                format!("{start}1{end}"),
                format!(r#"{{"headers":{{"x":{start}1{end}}}}}"#),
                format!(r#"{{"body":{{"openc2":{{"request":{{{TARGET},"args":{{"slpf":{start}1{end}}}}}}}}}}}"#),
                format!(r#"{{"body":{{"openc2":{{"request":{{{TARGET},"actuator":{{"slpf":{start}1{end}}}}}}}}}}}"#),
                format!(
                    r#"{{"body":{{"openc2":{{"request":{{"action":"deny","target":{{"x-a:b":{start}1{end}}}}}}}}}}}"#
                ),
                format!(
                    r#"{{"body":{{"openc2":{{"request":{{"action":"deny","target":{{"x-a":{start}1{end}}}}}}}}}}}"#
                ),
                format!(r#"{{"body":{{"openc2":{{"request":{start}1{end}}}}}}}"#),
                format!(r#"{{"body":{{"openc2":{{"response":{{"status":200,"x":{start}1{end}}}}}}}}}"#),
                format!(
                    r#"{{"body":{{"openc2":{{"response":{{"status":200,"results":{{"pairs":{start}1{end}}}}}}}}}}}"#
                ),
                format!(r#"{{"body":{{"openc2":{{"notification":{start}1{end}}}}}}}"#),
                format!(
                    r#"{{"body":{{"openc2":{{"request":{{"action":"deny","target":{{"features":{start}1{end}}}}}}}}}}}"#
                ),
                format!(r#"{{"x":{start}1{end}}}"#),
            ] {
                for res in digest(text.as_bytes()) {
                    res.expect_err(&text[..100]);
                }
            }
        }
        let n = n.min(90_000);
        let parents = format!(r#"{{"process":{}{{}}{}}}"#, r#"{"parent":"#.repeat(n), "}".repeat(n));
        refused_in_both(
            in_request(&format!(r#"{{"action":"stop","target":{parents}}}"#)).as_bytes(),
            "more than 16 parents",
        );
    }
}

#[test]
fn members_without_end_are_refused_at_the_bound() {
    let members: Vec<_> = (0..60_000).map(|i| format!("\"a{i}\":{i}")).collect();
    let members = members.join(",");
    for (text, words) in [
        (format!("{{{members}}}"), "more than 1000 members"),
        (format!(r#"{{"headers":{{{members}}},"body":{{}}}}"#), "headers: more than 1000 members"),
        (format!(r#"{{"headers":{{"a":{{{members}}}}},"body":{{}}}}"#), "headers.a: more than 1000 members"),
        (format!(r#"{{"body":{{{members}}}}}"#), "unknown member \"a0\"; Body"),
        (format!(r#"{{"body":{{"openc2":{{{members}}}}}}}"#), "unknown member \"a0\"; OpenC2-Content"),
        (in_request(&format!("{{{TARGET},{members}}}")), "unknown member \"a0\"; OpenC2-Command"),
        (in_request(&format!(r#"{{{TARGET},"args":{{{members}}}}}"#)), "args: more than 1000 members"),
        (in_request(&format!(r#"{{{TARGET},"args":{{"slpf":{{{members}}}}}}}"#)), "args.slpf: more than 1000 members"),
        (in_request(&format!(r#"{{{TARGET},"actuator":{{{members}}}}}"#)), "actuator.a0: specifiers are an object"),
        (
            in_request(&format!(r#"{{{TARGET},"actuator":{{"x-a":{{{members}}}}}}}"#)),
            "actuator.x-a: more than 1000 members",
        ),
        (in_request(&format!(r#"{{"action":"deny","target":{{{members}}}}}"#)), "Target: a0 is not a target"),
        (
            in_request(&format!(r#"{{"action":"deny","target":{{"x-a:b":{{{members}}}}}}}"#)),
            "target.x-a:b: more than 1000 members",
        ),
        (
            in_request(&format!(r#"{{"action":"deny","target":{{"file":{{{members}}}}}}}"#)),
            "target.file: unknown member \"a0\"",
        ),
        (
            format!(r#"{{"body":{{"openc2":{{"notification":{{{members}}}}}}}}}"#),
            "notification: more than 1000 members",
        ),
        (
            format!(r#"{{"body":{{"openc2":{{"response":{{"status":200,"results":{{"pairs":{{{members}}}}}}}}}}}}}"#),
            "pairs: \"a0\" is not one of",
        ),
    ] {
        refused_in_both(text.as_bytes(), words);
    }
    let response = format!(r#"{{"body":{{"openc2":{{"response":{{"status":200,{members}}}}}}}}}"#);
    let [lenient, strict] = digest(response.as_bytes());
    assert_eq!(lenient.expect_err("too many"), "body.openc2.response: more than 1000 members");
    assert_eq!(strict.expect_err("unknown"), "body.openc2.response.a0: unknown member");
}

#[test]
fn lists_without_end_are_refused_at_the_bound() {
    let items = |item: &str| vec![item; 100_000].join(",");
    for (text, words) in [
        (
            in_request(&format!(r#"{{"action":"query","target":{{"features":[{}]}}}}"#, items(r#""pairs""#))),
            "features: more than 1000 items",
        ),
        (
            in_request(&format!(r#"{{"action":"query","target":{{"properties":[{}]}}}}"#, items(r#""a""#))),
            "properties: more than 1000 items",
        ),
        (in_request(&format!(r#"{{{TARGET},"args":{{"x-a":{{"b":[{}]}}}}}}"#, items("1"))), "b: more than 1000 items"),
        (format!(r#"{{"headers":{{"to":[{}]}},"body":{{}}}}"#, items(r#""a""#)), "headers.to: more than 1000 items"),
        (
            format!(
                r#"{{"body":{{"openc2":{{"response":{{"status":200,"results":{{"versions":[{}]}}}}}}}}}}"#,
                items(r#""1""#)
            ),
            "versions: more than 1000 items",
        ),
        (
            format!(
                r#"{{"body":{{"openc2":{{"response":{{"status":200,"results":{{"profiles":[{}]}}}}}}}}}}"#,
                items(r#""a""#)
            ),
            "profiles: more than 1000 items",
        ),
        (
            format!(
                r#"{{"body":{{"openc2":{{"response":{{"status":200,"results":{{"pairs":{{"query":[{}]}}}}}}}}}}}}"#,
                items(r#""uri""#)
            ),
            "query: more than 1000 items",
        ),
    ] {
        refused_in_both(text.as_bytes(), words);
    }
}

// As many members as fit under the other bounds: no name is compared with every other.
#[test]
fn many_objects_of_many_members_are_read() {
    let object = |first: usize| {
        let members: Vec<_> = (0..999).map(|i| format!("\"{:x}\":{}", first + i, i % 10)).collect();
        format!("{{{}}}", members.join(","))
    };
    let objects: Vec<_> = (0..100).map(|_| object(0)).collect();
    let json = in_request(&format!(r#"{{{TARGET},"args":{{"x-a":{{"b":[{}]}}}}}}"#, objects.join(",")));
    assert!(json.len() < MAX_MESSAGE, "{}", json.len());
    check(json.as_bytes(), &accepted());
    let objects: Vec<_> = (0..150).map(|_| object(0)).collect();
    let json = in_request(&format!(r#"{{{TARGET},"args":{{"x-a":{{"b":[{}]}}}}}}"#, objects.join(",")));
    for res in digest(json.as_bytes()) {
        assert_eq!(res.is_ok(), json.len() <= MAX_MESSAGE);
    }
}

#[test]
fn long_texts_are_read_or_refused_in_a_short_sentence() {
    let long = "a".repeat(MAX_MESSAGE - 300);
    let wide = "\u{1F600}".repeat(20_000);
    for text in [long.as_str(), wide.as_str()] {
        let json = in_request(&format!(r#"{{"action":"deny","target":{{"file":{{"name":"{text}"}}}}}}"#));
        check(json.as_bytes(), &accepted());
        for target in [
            format!(r#"{{"domain_name":"{text}"}}"#),
            format!(r#"{{"idn_domain_name":"{text}"}}"#),
            format!(r#"{{"email_addr":"{text}"}}"#),
            format!(r#"{{"idn_email_addr":"{text}"}}"#),
            format!(r#"{{"uri":"{text}"}}"#),
            format!(r#"{{"iri":"{text}"}}"#),
            format!(r#"{{"mac_addr":"{text}"}}"#),
            format!(r#"{{"ipv4_net":"{text}"}}"#),
            format!(r#"{{"ipv6_net":"{text}"}}"#),
            format!(r#"{{"command":"{text}"}}"#),
            format!(r#"{{"features":["{text}"]}}"#),
            format!(r#"{{"features":"{text}"}}"#),
            format!(r#"{{"file":{{"hashes":{{"md5":"{text}"}}}}}}"#),
            format!(r#"{{"file":"{text}"}}"#),
            format!(r#"{{"process":{{"pid":"{text}"}}}}"#),
            format!(r#"{{"ipv4_connection":{{"dst_port":"{text}"}}}}"#),
            format!(r#"{{"ipv4_connection":{{"{text}":1}}}}"#),
            format!(r#"{{"{text}":1}}"#),
            format!(r#"{{"{text}:a":1}}"#),
            format!(r#"{{"slpf:{text}":1}}"#),
            format!(r#"{{"x-a":{{"{text}":1,"b":1}}}}"#),
            format!(r#""{text}""#),
        ] {
            for res in digest(in_request(&format!(r#"{{"action":"deny","target":{target}}}"#)).as_bytes()) {
                assert!(res.is_err());
            }
        }
        for json in [
            format!(r#"{{"headers":{{"request_id":"{text}"}},"body":{{}}}}"#),
            format!(r#"{{"headers":{{"created":"{text}"}},"body":{{}}}}"#),
            format!(r#"{{"{text}":1}}"#),
            format!(r#"{{"status":"{text}"}}"#),
            format!(r#"{{"action":"{text}"}}"#),
            format!("\"{text}\""),
            in_request(&format!(r#"{{{TARGET},"args":{{"duration":"{text}"}}}}"#)),
            in_request(&format!(r#"{{{TARGET},"args":{{"x-a":{{"{text}":[{{"b":1,"b":1}}]}}}}}}"#)),
            in_request(&format!(r#"{{{TARGET},"actuator":{{"{text}":1}}}}"#)),
        ] {
            for res in digest(json.as_bytes()) {
                assert!(res.is_err());
            }
        }
    }
}

// LS-048
#[test]
fn numbers_without_end_are_refused() {
    let digits = "9".repeat(100_000);
    let zeros = "0".repeat(100_000);
    for number in [
        digits.clone(),
        format!("-{digits}"),
        format!("1{zeros}"),
        format!("1e{digits}"),
        format!("-1e{digits}"),
        format!("{digits}e{digits}"),
    ] {
        for json in [
            format!(r#"{{"args":{{"duration":{number}}},{TARGET}}}"#),
            in_request(&format!(r#"{{{TARGET},"args":{{"duration":{number}}}}}"#)),
            in_request(&format!(r#"{{{TARGET},"args":{{"x-a":{{"b":{number}}}}}}}"#)),
            format!(r#"{{"status":{number}}}"#),
            format!(r#"{{"body":{{"openc2":{{"response":{{"status":200,"results":{{"rate_limit":{number}}}}}}}}}}}"#),
        ] {
            for res in digest(json.as_bytes()) {
                res.expect_err(&number[..10]);
            }
        }
    }
    // A fraction of any length is a number.
    for number in [format!("0.{digits}"), format!("0.{zeros}1"), format!("1e-{digits}"), format!("0e{digits}")] {
        for res in digest(in_request(&format!(r#"{{{TARGET},"args":{{"x-a":{{"b":{number}}}}}}}"#)).as_bytes()) {
            res.expect(&number[..10]);
        }
    }
}

// L24
#[test]
fn a_message_has_at_most_a_mebibyte() {
    let of_length = |n: usize| {
        let empty = in_request(r#"{"action":"deny","target":{"file":{"name":""}}}"#);
        empty.replace(r#""name":"""#, &format!(r#""name":"{}""#, "a".repeat(n - empty.len())))
    };
    let (fits, long) = (of_length(MAX_MESSAGE), of_length(MAX_MESSAGE + 1));
    assert_eq!((fits.len(), long.len()), (MAX_MESSAGE, MAX_MESSAGE + 1));
    check(fits.as_bytes(), &accepted());
    check(long.as_bytes(), &refused("the message has 1048577 bytes, at most 1048576 are read"));
    let white = format!("{}{}", fits, " ".repeat(100));
    refused_in_both(white.as_bytes(), "the message has 1048676 bytes");
}

#[test]
fn notes_are_few_however_much_is_tolerated() {
    let members: Vec<_> = (0..1000).map(|i| format!("\"a{i}\":{i}")).collect();
    let json = format!(r#"{{"body":{{"openc2":{{"response":{{"status":200,{}}}}}}}}}"#, members.join(","));
    let decoded = Json.decode(json.as_bytes(), Mode::Lenient).expect("kept");
    assert_eq!(decoded.notes.len(), 20);
    check(
        br#"{"body":{"openc2":{"response":{"status":200.0}}}}"#,
        &tolerated("body.openc2.response.status: an Integer is spelled as a fraction")
            .written(r#"{"body":{"openc2":{"response":{"status":200}}}}"#),
    );
}

/// A dozen messages with something of everything.
const MESSAGES: [&str; 13] = [
    r#"{"headers":{"request_id":"95ad511c-3339-4111-9c47-9156c47d37d3","created":1595268027000,"from":"a@example.com","to":["b","c"]},"body":{"openc2":{"request":{"action":"deny","target":{"uri":"http://www.example.com"}}}},"signature":"e30..c2ln"}"#,
    r#"{"headers":{"request_id":"a","x-trace":{"b":[1,-0.5,true,false,null,"c\u00e4\ud83d\ude00"]}},"body":{"openc2":{"response":{"status":200}}}}"#,
    r#"{"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","src_addr":"1.2.3.4","src_port":10996,"dst_addr":"198.2.3.0/24","dst_port":80}},"args":{"start_time":1534775460000,"duration":500,"response_requested":"ack","slpf":{"drop_process":"none"}},"actuator":{"slpf":{"asset_id":"30"}},"command_id":"c-1"}}}}"#,
    r#"{"body":{"openc2":{"request":{"action":"allow","target":{"ipv6_connection":{"dst_addr":"2001:db8::/32","protocol":"icmp"}},"args":{"stop_time":9007199254740991,"slpf":{"insert_rule":-5,"direction":"both","persistent":false}}}}}}"#,
    r#"{"body":{"openc2":{"request":{"action":"delete","target":{"slpf:rule_number":1234},"args":{"response_requested":"complete"}}}}}"#,
    r#"{"body":{"openc2":{"request":{"action":"update","target":{"file":{"path":"\\\\a\\b","name":"c.txt","hashes":{"md5":"00112233445566778899AABBCCDDEEFF"}}}}}}}"#,
    r#"{"body":{"openc2":{"request":{"action":"detonate","target":{"artifact":{"mime_type":"text/plain","payload":{"bin":"aGVsbG8"}}}}}}}"#,
    r#"{"body":{"openc2":{"request":{"action":"stop","target":{"process":{"pid":1,"parent":{"name":"a","executable":{"path":"/b"}}}}}}}}"#,
    r#"{"body":{"openc2":{"request":{"action":"query","target":{"features":["versions","pairs"]}}}}}"#,
    r#"{"body":{"openc2":{"request":{"action":"locate","target":{"mac_addr":"00:1A:2B:3C:4D:5E"}}}}}"#,
    r#"{"body":{"openc2":{"response":{"status":501,"status_text":"Option not supported: \"a\"","took":1.5}}}}"#,
    r#"{"body":{"openc2":{"response":{"status":200,"results":{"versions":["1.0"],"profiles":["slpf","x-lock"],"pairs":{"query":["features"],"delete":["slpf:rule_number"]},"rate_limit":30,"slpf":{"rule_number":1234}}}}}}"#,
    r#"{"action":"query","target":{"idn_domain_name":"bücher.example"},"args":{"x-a":{}}}"#,
];

#[test]
fn a_message_that_is_cut_anywhere_is_refused() {
    for message in MESSAGES {
        let [lenient, _] = digest(message.as_bytes());
        lenient.expect(message);
        for end in 0..message.len() {
            for res in digest(&message.as_bytes()[..end]) {
                res.expect_err(message);
            }
        }
    }
}

#[test]
fn a_message_with_a_byte_changed_is_refused_or_written_back_as_a_message() {
    for message in MESSAGES {
        for place in 0..message.len() {
            let mut bytes = message.as_bytes().to_vec();
            let flips =
                (0..8).map(|bit| 1_u8 << bit).chain([0xFF, bytes[place], bytes[place] ^ b'"', bytes[place] ^ b'}']);
            for flip in flips.collect::<Vec<_>>() {
                bytes[place] ^= flip;
                for res in digest(&bytes) {
                    let Ok(message) = res else { continue };
                    let written = Json.encode(&message, oc2_core::Form::DEFAULT).expect("a message");
                    let again = Json.decode(&written, Mode::Lenient).expect("what was written");
                    assert_eq!(again.message, message, "{}", String::from_utf8_lossy(&bytes));
                }
                bytes[place] ^= flip;
            }
        }
    }
}

#[test]
fn a_message_with_a_byte_missing_or_doubled_does_not_panic() {
    for message in MESSAGES {
        for place in 0..message.len() {
            let mut bytes = message.as_bytes().to_vec();
            let byte = bytes.remove(place);
            let _ = digest(&bytes);
            bytes.insert(place, byte);
            bytes.insert(place, byte);
            let _ = digest(&bytes);
        }
    }
}

#[test]
fn bytes_without_sense_do_not_panic() {
    let mut state: u64 = 0x2545_F491_4F6C_DD1D;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let tokens: Vec<&[u8]> = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\u",
        "\\ud83d",
        "null",
        "true",
        "1",
        "-",
        "1e9",
        "0.5",
        "\"body\"",
        "\"openc2\"",
        "\"request\"",
        "\"headers\"",
        "\"request_id\"",
        "\"action\"",
        "\"deny\"",
        "\"target\"",
        "\"args\"",
        "\"slpf\"",
        "\"uri\"",
        "\"a:\"",
        "\"status\"",
        "200",
        " ",
        "\u{FEFF}",
        "\u{FFFF}",
        "ä",
    ]
    .map(str::as_bytes)
    .to_vec();
    for _ in 0..20_000 {
        let n = next() % 40;
        let bytes: Vec<u8> = (0..n).flat_map(|_| tokens[(next() % 34) as usize].to_vec()).collect();
        let _ = digest(&bytes);
    }
}

#[test]
fn a_number_for_a_key_is_an_id_whoever_reads_it() {
    // {0: "deny"}, {255: "deny"}: neither the first row nor a row that is not there.
    for (bytes, id) in [(&b"\xa1\x00\x64deny"[..], 0), (b"\xa1\x18\xff\x64deny", 255)] {
        let mut context = Context::new(Mode::Strict);
        let mut foreign = serde_cbor::Deserializer::from_slice(bytes);
        let error = Command::read(&mut context, &mut foreign).expect_err("no such member").to_string();
        assert!(error.contains(&format!("unknown member {id};")), "{error}");
    }
}
