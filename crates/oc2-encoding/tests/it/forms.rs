//! What each form refuses, and what lenient readers let pass: names and ids in each other's place, objects and lists, octets and
//! texts (JADN 4, DECISIONS E1 to E8, "CBOR and the integer ids"). Verbose JSON has files of its own.

mod profiles;
mod responses;
mod values;

use oc2_core::{Content, Envelope, Form, Message, Mode, Notation, ResponseType};
use oc2_encoding::{Cbor, DecodeError, Encoding, Json, JsonIn};
use oc2_profile_slpf::{Slpf, Target};

const COMPACT: JsonIn = JsonIn(Notation::Compact);
const CONCISE: JsonIn = JsonIn(Notation::Concise);

/// What is to become of a document.
enum Due<'a> {
    /// Read in both modes, written back as it came.
    Accepted,
    /// Read in both modes and written back like this.
    Becomes(&'a [u8]),
    /// Refused in both modes in these words.
    Refused(&'a str),
    /// Refused in these words in lenient mode, and in those in strict mode.
    Differs(&'a str, &'a str),
    /// Read in lenient mode with this note and written back like this; refused in strict mode in the same words.
    Tolerated(&'a str, &'a [u8]),
}
use Due::{Accepted, Becomes, Differs, Refused, Tolerated};

#[track_caller]
fn check(encoding: &dyn Encoding, wrap: impl Fn(&[u8]) -> Vec<u8>, rows: &[(&[u8], Due<'_>)]) {
    let mut faults = Vec::new();
    for (part, due) in rows {
        if let Err(fault) = verdict(encoding, &wrap(part), due, &wrap) {
            faults.push(format!("{}: {fault}", shown(part)));
        }
    }
    assert!(faults.is_empty(), "{} of {} rows:\n{}", faults.len(), rows.len(), faults.join("\n"));
}

fn verdict(
    encoding: &dyn Encoding,
    bytes: &[u8],
    due: &Due<'_>,
    wrap: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Result<(), String> {
    let refused = |mode: Mode, words: &str| match encoding.decode(bytes, mode) {
        Ok(decoded) => Err(format!("{mode:?}: read as {:?}", decoded.message)),
        Err(error) if error.to_string() == words => Ok(()),
        Err(error) => Err(format!("{mode:?}: refused in other words: {error}")),
    };
    let read = |mode: Mode, notes: &[&str], due: &[u8]| {
        let decoded = encoding.decode(bytes, mode).map_err(|error| format!("{mode:?}: {error}"))?;
        let noted: Vec<_> = decoded.notes.iter().map(ToString::to_string).collect();
        // Errors are placed in the Command, notes in the message.
        let in_command = |note: &String| match note.strip_prefix("body.openc2.request") {
            Some(note) => note.trim_start_matches(['.', ':', ' ']).to_owned(),
            None => note.clone(),
        };
        let noted: Vec<_> = noted.iter().map(in_command).collect();
        if noted != notes {
            return Err(format!("{mode:?}: noted {noted:?}"));
        }
        match encoding.encode(&decoded.message, decoded.form) {
            Ok(written) if written == due => Ok(()),
            other => Err(format!("{mode:?}: written as {:?}", other.map(|written| shown(&written)))),
        }
    };
    match due {
        Accepted => read(Mode::Lenient, &[], bytes).and_then(|()| read(Mode::Strict, &[], bytes)),
        Becomes(written) => {
            let written = wrap(written);
            read(Mode::Lenient, &[], &written).and_then(|()| read(Mode::Strict, &[], &written))
        }
        Differs(lenient, strict) => refused(Mode::Lenient, lenient).and_then(|()| refused(Mode::Strict, strict)),
        Refused(words) => refused(Mode::Lenient, words).and_then(|()| refused(Mode::Strict, words)),
        Tolerated(note, written) => {
            read(Mode::Lenient, &[note], &wrap(written)).and_then(|()| refused(Mode::Strict, note))
        }
    }
}

fn shown(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) if bytes.first().is_some_and(u8::is_ascii_graphic) => text.to_owned(),
        _ => data_encoding::HEXLOWER.encode(bytes),
    }
}

fn around(before: &'static [u8], behind: &'static [u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    move |part| [before, part, behind].concat()
}

/// The place of a Command in a message of CBOR by id.
fn request() -> impl Fn(&[u8]) -> Vec<u8> {
    around(b"\x82\xf6\xa1\x01\xa1\x01", b"")
}

/// The place of a target in the same.
fn target() -> impl Fn(&[u8]) -> Vec<u8> {
    around(b"\x82\xf6\xa1\x01\xa1\x01\x82\x01", b"")
}

/// The place of arguments.
fn args() -> impl Fn(&[u8]) -> Vec<u8> {
    around(b"\x82\xf6\xa1\x01\xa1\x01\x83\x01\xa1\x13\x62a:", b"")
}

/// The place of a Response.
fn response() -> impl Fn(&[u8]) -> Vec<u8> {
    around(b"\x82\xf6\xa1\x01\xa1\x02", b"")
}

// LS-071, JADN-019
#[test]
fn json_by_name_has_no_ids() {
    let request = |notation: &JsonIn, command: &str, words: &str| {
        let bytes = match notation.0 {
            Notation::Verbose => format!(r#"{{"body":{{"openc2":{{"request":{command}}}}}}}"#),
            _ => format!(r#"[null,{{"openc2":{{"request":{command}}}}}]"#),
        };
        for mode in [Mode::Lenient, Mode::Strict] {
            let error = notation.decode(bytes.as_bytes(), mode).expect_err(command).to_string();
            assert!(error.starts_with(words), "{command}: {error}");
        }
    };
    for notation in [JsonIn(Notation::Verbose), COMPACT] {
        let command = |action: &str, target: &str, args: &str| match notation.0 {
            Notation::Verbose => format!(r#"{{"action":{action},"target":{target},"args":{args}}}"#),
            _ => format!("[{action},{target},{args}]"),
        };
        let none = r#"{"duration":1}"#;
        request(
            &notation,
            &command("3", r#"{"features":[]}"#, none),
            "action: invalid type: integer `3`, expected one of",
        );
        request(&notation, &command(r#""query""#, r#"{"9":[]}"#, none), "Validation Error: Target: 9 is not a target");
        request(
            &notation,
            &command(r#""query""#, r#"{"features":[3]}"#, none),
            "target.features[0]: invalid type: integer",
        );
        let connection = match notation.0 {
            Notation::Verbose => r#"{"ipv4_connection":{"protocol":6}}"#,
            _ => r#"{"ipv4_connection":[null,null,null,null,6]}"#,
        };
        request(
            &notation,
            &command(r#""deny""#, connection, none),
            "target.ipv4_connection.protocol: invalid type: integer",
        );
        request(
            &notation,
            &command(r#""query""#, r#"{"features":[]}"#, r#"{"response_requested":1}"#),
            "args.response_requested: invalid type: integer `1`, expected one of none, ack, status, complete",
        );
    }
}

// LS-071, JADN-032, JADN-033, JADN-036, E6
#[test]
fn names_in_the_place_of_ids_are_tolerated() {
    check(
        &Cbor,
        request(),
        &[
            (b"\x82\x03\xa1\x09\x80", Accepted),
            (
                b"\x82\x65query\xa1\x09\x80",
                Tolerated("action: a name, where ids are used (JADN 4)", b"\x82\x03\xa1\x09\x80"),
            ),
            (
                b"\x82\x03\xa1\x09\x81\x65pairs",
                Tolerated("target.features[0]: a name, where ids are used (JADN 4)", b"\x82\x03\xa1\x09\x81\x03"),
            ),
        ],
    );
    check(
        &Cbor,
        target(),
        &[(b"\xa1\x63uri\x62a:", Tolerated("target: a name, where ids are used (JADN 4)", b"\xa1\x13\x62a:"))],
    );
    check(
        &Cbor,
        args(),
        &[
            (b"\xa1\x68duration\x01", Tolerated("args: a name, where ids are used (JADN 4)", b"\xa1\x03\x01")),
            (b"\xa1\x64slpf\xa0", Tolerated("args.slpf: a name, where ids are used (JADN 4)", b"\xa1\x19\x04\x00\xa0")),
            (b"\xa1\x66x-acme\xa0", Accepted),
            (
                b"\xa2\x19\x04\x00\xa0\x64slpf\xa0",
                Differs("args: the member \"slpf\" stands twice", "args.slpf: a name, where ids are used (JADN 4)"),
            ),
        ],
    );
    check(
        &Cbor,
        response(),
        &[(
            b"\xa1\x66status\x18\xc8",
            Tolerated("body.openc2.response: a name, where ids are used (JADN 4)", b"\xa1\x01\x18\xc8"),
        )],
    );
    check(
        &CONCISE,
        around(br#"[null,{"1":{"1":"#, b"}}]"),
        &[
            (br#"[3,{"9":[]}]"#, Accepted),
            (br#"["query",{"9":[]}]"#, Tolerated("action: a name, where ids are used (JADN 4)", br#"[3,{"9":[]}]"#)),
            (br#"[3,{"features":[]}]"#, Tolerated("target: a name, where ids are used (JADN 4)", br#"[3,{"9":[]}]"#)),
        ],
    );
}

// LS-071, E1
#[test]
fn verbose_cbor_tolerates_ids_and_octets() {
    let command = around(b"\xa1\x64body\xa1\x66openc2\xa1\x67request", b"");
    check(
        &Cbor,
        command,
        &[
            (b"\xa2\x66action\x65query\x66target\xa1\x68features\x80", Accepted),
            (
                b"\xa2\x66action\x03\x66target\xa1\x68features\x80",
                Tolerated(
                    "action: an id, where names are used",
                    b"\xa2\x66action\x65query\x66target\xa1\x68features\x80",
                ),
            ),
            (
                b"\xa2\x66action\x65query\x66target\xa1\x09\x80",
                Tolerated(
                    "target: an id, where names are used",
                    b"\xa2\x66action\x65query\x66target\xa1\x68features\x80",
                ),
            ),
            (
                b"\xa2\x66action\x64scan\x66target\xa1\x68mac_addr\x46\x00\x1a\x2b\x3c\x4d\x5e",
                Tolerated(
                    "target.mac_addr: octets, where a text is due",
                    b"\xa2\x66action\x64scan\x66target\xa1\x68mac_addr\x7100:1A:2B:3C:4D:5E",
                ),
            ),
            (b"\x82\x64scan\xa1\x63uri\x62a:", Refused("invalid type: sequence, expected an object (OpenC2-Command)")),
            (
                b"\xa3\x66action\x64scan\x66target\xa1\x63uri\x62a:\x64args\xa1\x19\x04\x00\xa0",
                Tolerated(
                    "args.1024: an id, where names are used",
                    b"\xa3\x66action\x64scan\x66target\xa1\x63uri\x62a:\x64args\xa1\x64slpf\xa0",
                ),
            ),
        ],
    );
}

// LS-071, JADN-022, JADN-025, JADN-034
#[test]
fn a_record_is_a_list_where_the_records_around_it_are() {
    check(
        &Cbor,
        request(),
        &[
            (b"\xa2\x01\x03\x02\xa1\x09\x80", Refused(LIKE_THE_RECORDS)),
            (b"\xa2\x66action\x03\x66target\xa1\x09\x80", Refused(LIKE_THE_RECORDS)),
            (b"\x80", Refused("the member \"action\" is missing")),
            (b"\x81\x03", Refused("the member \"target\" is missing")),
            (b"\x03", Refused("invalid type: integer `3`, expected a list (OpenC2-Command)")),
            (b"\xf6", Refused("invalid type: null, expected a list (OpenC2-Command)")),
            (
                b"\x86\x03\xa1\x09\x80\xf6\xf6\xf6\x00",
                Refused("more than 5 items; OpenC2-Command has action, target, args, actuator, command_id"),
            ),
            (
                b"\x82\xf6\xa1\x09\x80",
                Refused(
                    "action: invalid type: null, expected one of scan, locate, query, deny, contain, allow, start, stop, restart, cancel, set, update, redirect, create, delete, detonate, restore, copy, investigate, remediate",
                ),
            ),
            (b"\x82\x03\xf6", Refused("target: invalid type: null, expected an object of one member (Target)")),
            (b"\x85\x03\xa1\x09\x80\xf6\xf6\x61a", Accepted),
            (
                b"\x83\x03\xa1\x09\x80\xf6",
                Tolerated("null at the end of a list, where it is to be left out", b"\x82\x03\xa1\x09\x80"),
            ),
            (b"\x83\x03\xa1\x09\x80\xa0", Tolerated("args: must hold at least one member", b"\x82\x03\xa1\x09\x80")),
            (b"\x83\x03\xa1\x09\x80\x80", Refused("args: invalid type: sequence, expected an object (Args)")),
        ],
    );
    check(
        &COMPACT,
        around(br#"[null,{"openc2":{"request":"#, b"}}]"),
        &[
            (br#"["query",{"features":[]}]"#, Accepted),
            (br#"{"action":"query","target":{"features":[]}}"#, Refused(LIKE_THE_RECORDS)),
            (
                br#"["deny",{"ipv4_connection":{"dst_port":1}}]"#,
                Refused(
                    "target.ipv4_connection: an object, where IPv4-Connection is a list like the Records around it (JADN 4)",
                ),
            ),
            (br#"["deny",{"ipv4_connection":[null,null,null,1]}]"#, Accepted),
            (
                br#"["deny",{"ipv4_connection":[]}]"#,
                Refused(
                    "target.ipv4_connection: at least one of src_addr, src_port, dst_addr, dst_port, protocol is due",
                ),
            ),
            (
                br#"["deny",{"ipv4_connection":[null,null,null,null,null]}]"#,
                Differs(
                    "target.ipv4_connection: at least one of src_addr, src_port, dst_addr, dst_port, protocol is due",
                    "target.ipv4_connection: null at the end of a list, where it is to be left out",
                ),
            ),
            (
                br#"["deny",{"ipv4_connection":[null,null,null,1,"tcp",2]}]"#,
                Refused(
                    "target.ipv4_connection: more than 5 items; IPv4-Connection has src_addr, src_port, dst_addr, dst_port, protocol",
                ),
            ),
        ],
    );
    check(
        &JsonIn(Notation::Verbose),
        around(br#"{"body":{"openc2":{"request":"#, b"}}}"),
        &[(br#"["query",{"features":[]}]"#, Refused("invalid type: sequence, expected an object (OpenC2-Command)"))],
    );
    // The message itself.
    check(
        &Cbor,
        around(b"", b"\xa1\x01\xa1\x02\xa1\x01\x18\xc8"),
        &[
            (b"\x82\xf6", Accepted),
            (b"\x82\xa1\x01\x61a", Accepted),
            (b"\x82\xa0", Tolerated("headers: must hold at least one member", b"\x82\xf6")),
            (b"\x82\x80", Refused("invalid type: sequence, expected headers, an action or a status")),
        ],
    );
}

const LIKE_THE_RECORDS: &str = "an object, where OpenC2-Command is a list like the Records around it (JADN 4)";

// LS-035, LS-071, M15
#[test]
fn an_id_that_no_table_has_is_refused() {
    check(
        &Cbor,
        request(),
        &[
            (
                b"\x82\x04\xa1\x09\x80",
                Refused(
                    "action: 4 is not one of 1, 2, 3, 6, 7, 8, 9, 10, 11, 14, 15, 16, 18, 19, 20, 22, 23, 28, 30, 32",
                ),
            ),
            (
                b"\x82\x20\xa1\x09\x80",
                Refused(
                    "action: invalid type: integer `-1`, expected one of scan, locate, query, deny, contain, allow, start, stop, restart, cancel, set, update, redirect, create, delete, detonate, restore, copy, investigate, remediate",
                ),
            ),
            (b"\x82\x03\xa1\x09\x81\x05", Refused("target.features[0]: 5 is not one of 1, 2, 3, 4")),
            (b"\x82\x03\xa1\x04\x80", Refused("Validation Error: Target: 4 is not a target (LS 3.3.1.2)")),
            (b"\x82\x03\xa1\x20\x80", Refused("target: -1 is no id of a member")),
            (b"\x82\x03\xa2\x09\x80\x13\x62a:", Refused("target: exactly one member is due, \"uri\" is a second")),
            (b"\x82\x03\xa0", Refused("target: exactly one member is due, there is none")),
        ],
    );
    check(
        &Cbor,
        args(),
        &[
            // To refuse an argument that nobody knows is the Consumer's act (L2).
            (b"\xa1\x05\x61a", Accepted),
            (b"\xa1\x04\x04", Refused("args.response_requested: 4 is not one of 0, 1, 2, 3")),
            (b"\xa1\x19\x04\x00\x01", Refused("args.1024: a namespace holds an object")),
        ],
    );
    check(
        &Cbor,
        response(),
        &[
            (
                b"\xa1\x01\x18\xc9",
                Refused("body.openc2.response.status: 201 is not one of 102, 200, 400, 401, 403, 404, 500, 501, 503"),
            ),
            (
                b"\xa2\x01\x18\xc8\x04\x01",
                Tolerated("body.openc2.response.4: unknown member", b"\xa2\x01\x18\xc8\x04\x01"),
            ),
            (
                b"\xa2\x01\x18\xc8\x03\xa1\x18\x4d\xa0",
                Tolerated(
                    "body.openc2.response.results.77: not a namespace with its object",
                    b"\xa2\x01\x18\xc8\x03\xa1\x18\x4d\xa0",
                ),
            ),
        ],
    );
    check(
        &Cbor,
        target(),
        &[
            (
                b"\xa1\x12\xa1\x07\x01",
                Refused(
                    "target.process: unknown member 7; Process has pid, name, cwd, executable, parent, command_line",
                ),
            ),
            (
                b"\xa1\x12\xa1\x65color\x01",
                Refused(
                    "target.process: unknown member \"color\"; Process has pid, name, cwd, executable, parent, command_line",
                ),
            ),
        ],
    );
}
