//! The ids of profiles: targets, arguments, pairs (DECISIONS E2, E6, "CBOR and the integer ids").

use super::*;

// LS-036, SLPF-049, E2
#[test]
fn a_target_of_a_profile_has_the_ids_of_three_tables() {
    check(
        &Cbor,
        target(),
        &[
            (b"\xa1\x19\x04\x00\x07", Accepted),
            (b"\xa1\x19\x03\x84\x07", Tolerated("target.900: the id of the target is 1024", b"\xa1\x19\x04\x00\x07")),
            (b"\xa1\x19\x04\x00\xa1\x01\x07", Tolerated(IN_ITS_PLACE, b"\xa1\x19\x04\x00\x07")),
            (b"\xa1\x19\x04\x00\xa1\x19\x04\x00\x07", Tolerated(IN_ITS_PLACE, b"\xa1\x19\x04\x00\x07")),
            (b"\xa1\x19\x04\x00\xa1\x6brule_number\x07", Tolerated(IN_ITS_PLACE, b"\xa1\x19\x04\x00\x07")),
            (b"\xa1\x19\x04\x00\xa1\x05\x07", Accepted),
            (b"\xa1\x19\x04\x00\xa0", Refused("target.1024: exactly one target is due")),
            (
                b"\xa1\x70slpf:rule_number\x07",
                Tolerated("target.slpf:rule_number: a name, where ids are used (JADN 4)", b"\xa1\x19\x04\x00\x07"),
            ),
            (b"\xa1\x19\x04\x0a\xa1\x19\x04\x01\x07", Accepted),
            (b"\xa1\x19\x04\x0a\xa1\x61a\x07", Accepted),
            (b"\xa1\x19\x04\x0a\x07", Refused("target.1034: exactly one target is due")),
            (b"\xa1\x19\x04\x0a\xa2\x01\x07\x02\x07", Refused("target.1034: exactly one target is due")),
            (b"\xa1\x6cx-acme:thing\x07", Accepted),
            (
                b"\xa1\x66x-acme\xa1\x65thing\x07",
                Tolerated(
                    "target.x-acme: the target is to be spelled x-acme:... (LS 3.1.4)",
                    b"\xa1\x6cx-acme:thing\x07",
                ),
            ),
            (b"\xa1\x19\x04\x09\xa0", Refused("Validation Error: Target: 1033 is not a target (LS 3.3.1.2)")),
        ],
    );
    let typed = |bytes: &[u8]| {
        let decoded = Cbor.decode(&target()(bytes), Mode::Lenient).expect("a message");
        let Content::Request(command) = decoded.message.into_content() else { panic!("no request") };
        command.target.of::<Slpf>()
    };
    for bytes in [&b"\xa1\x19\x04\x00\x07"[..], b"\xa1\x19\x03\x84\x07", b"\xa1\x19\x04\x00\xa1\x01\x07"] {
        let Ok(Some(Target::RuleNumber(number))) = typed(bytes) else { panic!("{bytes:02x?}") };
        assert_eq!(number.as_i64(), 7);
    }
    assert!(typed(b"\xa1\x19\x03\x84\xa1\x01\x07").is_err(), "900 is no namespace");
    assert_eq!(typed(b"\xa1\x19\x04\x00\xa1\x05\x07").map(|target| target.is_none()), Ok(true));
}

const IN_ITS_PLACE: &str = "target.1024: the target is to stand in the place of its namespace (SLPF 2.1.2.2)";

// E2
#[test]
fn arguments_of_packet_filtering_have_the_ids_of_two_tables() {
    for (bytes, due) in [
        (&b"\xa1\x19\x04\x00\xa4\x19\x04\x00\x01\x19\x04\x01\xf5\x19\x04\x02\x02\x19\x04\x03\x07"[..], None),
        (b"\xa1\x19\x04\x00\xa4\x01\x01\x02\xf5\x03\x02\x04\x07", None),
        (b"\xa1\x19\x04\x00\xa2\x01\x01\x19\x04\x00\x01", Some("args.slpf: the member \"drop_process\" stands twice")),
        (
            b"\xa1\x19\x04\x00\xa1\x05\x01",
            Some("args.slpf: unknown member 5; Args has drop_process, persistent, direction, insert_rule"),
        ),
        (b"\xa1\x19\x04\x00\xa1\x03\x04", Some("args.slpf.direction: 4 is not one of 1, 2, 3")),
    ] {
        let decoded = Cbor.decode(&args()(bytes), Mode::Strict).expect("a message");
        let Content::Request(command) = decoded.message.into_content() else { panic!("no request") };
        match (command.typed::<Slpf>(), due) {
            (Ok(command), None) => {
                let message = Message::request(oc2_core::Headers::default(), command);
                let by_id = Form::DEFAULT.with_notation(Notation::Concise);
                let due = &b"\xa1\x19\x04\x00\xa4\x19\x04\x00\x01\x19\x04\x01\xf5\x19\x04\x02\x02\x19\x04\x03\x07"[..];
                assert_eq!(Cbor.encode(&message, by_id).expect("CBOR"), args()(due));
            }
            (Err(error), Some(words)) => assert_eq!(error.to_string(), words),
            (other, _) => panic!("{bytes:02x?}: {other:?}"),
        }
    }
}

// LS-184, LS-232, JADN-018, JADN-037, E3, E4
#[test]
fn pairs_are_ids_and_a_target_without_one_is_a_text() {
    let pairs = || around(b"\x82\xf6\xa1\x01\xa1\x02\xa2\x01\x18\xc8\x03\xa1\x03", b"");
    check(
        &Cbor,
        pairs(),
        &[
            (b"\xa2\x03\x81\x09\x14\x81\x19\x04\x00", Accepted),
            (b"\xa1\x03\x83\x09\x0d\x68x-acme:a", Accepted),
            (b"\xa1\x03\x81\x64pf:a", Accepted),
            (
                b"\xa1\x14\x81\x19\x03\x84",
                Tolerated(
                    "body.openc2.response.results.pairs.delete[0]: the id of the target is 1024",
                    b"\xa1\x14\x81\x19\x04\x00",
                ),
            ),
            (
                b"\xa1\x65query\x81\x09",
                Tolerated(
                    "body.openc2.response.results.pairs: a name, where ids are used (JADN 4)",
                    b"\xa1\x03\x81\x09",
                ),
            ),
            (
                b"\xa1\x03\x81\x68features",
                Tolerated(
                    "body.openc2.response.results.pairs.query[0]: a name, where ids are used (JADN 4)",
                    b"\xa1\x03\x81\x09",
                ),
            ),
            (b"\xa1\x03\x82\x09\x09", Refused("body.openc2.response.results.pairs.query: \"features\" stands twice")),
            (
                b"\xa1\x03\x82\x19\x04\x00\x70slpf:rule_number",
                Differs(
                    "body.openc2.response.results.pairs.query: \"slpf:rule_number\" stands twice",
                    "body.openc2.response.results.pairs.query[1]: a name, where ids are used (JADN 4)",
                ),
            ),
            (
                b"\xa1\x03\x81\x04",
                Refused("body.openc2.response.results.pairs.query[0]: 4 is not the id of a target (LS 3.3.1.2)"),
            ),
            (b"\xa1\x03\x80", Refused("body.openc2.response.results.pairs.query: at least one target is due")),
            (
                b"\xa1\x05\x81\x09",
                Refused(
                    "body.openc2.response.results.pairs: 5 is not one of scan, locate, query, deny, contain, allow, start, stop, restart, cancel, set, update, redirect, create, delete, detonate, restore, copy, investigate, remediate",
                ),
            ),
        ],
    );
}
