//! Octets and numbers in each form (JADN 4.3, 4.4).

use super::*;

// LS-049, LS-167, LS-172, JADN-026, JADN-027
#[test]
fn octets_are_octets_where_ids_are_used() {
    check(
        &Cbor,
        target(),
        &[
            (b"\xa1\x0d\x81\x44\x0a\x00\x00\x00", Accepted),
            (b"\xa1\x0d\x82\x44\x0a\x00\x00\x00\x08", Accepted),
            (b"\xa1\x0d\x82\x44\x0a\x00\x00\x00\x18\x20", Accepted),
            (
                b"\xa1\x0d\x82\x44\x0a\x00\x00\x00\x18\x21",
                Refused("target.ipv4_net: 33 is not a prefix length (0..32)"),
            ),
            (
                b"\xa1\x0d\x82\x44\x0a\x00\x00\x00\x20",
                Refused("target.ipv4_net.prefix: -1 is not a prefix length (0..128)"),
            ),
            (b"\xa1\x0d\x81\x43\x0a\x00\x00", Refused("target.ipv4_net: 3 octets, where the address has 4")),
            (
                b"\xa1\x0d\x81\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                Refused("target.ipv4_net: 16 octets, where the address has 4"),
            ),
            (b"\xa1\x0d\x80", Refused("target.ipv4_net: the address is missing")),
            (
                b"\xa1\x0d\x83\x44\x0a\x00\x00\x00\x08\x00",
                Refused("target.ipv4_net: more than an address and a prefix"),
            ),
            (
                b"\xa1\x0d\x44\x0a\x00\x00\x00",
                Refused(
                    "target.ipv4_net: invalid type: byte array, expected a list of an address and a prefix (IPv4-Net)",
                ),
            ),
            (
                b"\xa1\x0d\x6810.0.0.0",
                Tolerated(
                    "target.ipv4_net: a text, where address and prefix stand in a list (LS 3.4.1.9)",
                    b"\xa1\x0d\x81\x44\x0a\x00\x00\x00",
                ),
            ),
            (b"\xa1\x0e\x82\x50\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0\x18\x80", Accepted),
            (
                b"\xa1\x0e\x82\x50\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0\x18\x81",
                Refused("target.ipv6_net.prefix: 129 is not a prefix length (0..128)"),
            ),
            (b"\xa1\x0e\x81\x44\x0a\x00\x00\x00", Refused("target.ipv6_net: 4 octets, where the address has 16")),
            (b"\xa1\x11\x46\x00\x1a\x2b\x3c\x4d\x5e", Accepted),
            (b"\xa1\x11\x45\x00\x1a\x2b\x3c\x4d", Refused("target.mac_addr: 5 octets, where a MAC address has 6 or 8")),
            (
                b"\xa1\x11\x7100:1A:2B:3C:4D:5E",
                Tolerated(
                    "target.mac_addr: a text, where octets are due (JADN 4.4)",
                    b"\xa1\x11\x46\x00\x1a\x2b\x3c\x4d\x5e",
                ),
            ),
            (b"\xa1\x01\x82\xf6\xa1\x01\x42\x01\x02", Accepted),
            (
                b"\xa1\x01\x82\xf6\xa1\x01\x63AQI",
                Tolerated(
                    "target.artifact.payload.bin: a text, where octets are due (JADN 4.4)",
                    b"\xa1\x01\x82\xf6\xa1\x01\x42\x01\x02",
                ),
            ),
            (
                b"\xa1\x0a\xa1\x03\xa1\x01\x4f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                Refused("target.file.hashes.md5: 15 octets, where the hash has 16"),
            ),
        ],
    );
    check(
        &CONCISE,
        around(br#"[null,{"1":{"1":[1,"#, b"]}}]"),
        &[
            (br#"{"13":["wKgRAA",24]}"#, Accepted),
            (br#"{"13":["wKgRAA=="]}"#, Becomes(br#"{"13":["wKgRAA"]}"#)),
            (br#"{"13":["192.168.17.0",24]}"#, Refused("target.ipv4_net.address: \"192.168.17.0\" is not base64url")),
            (
                br#"{"13":"192.168.17.0/24"}"#,
                Tolerated(
                    "target.ipv4_net: a text, where address and prefix stand in a list (LS 3.4.1.9)",
                    br#"{"13":["wKgRAA",24]}"#,
                ),
            ),
            (br#"{"17":"ABorPE1e"}"#, Accepted),
            (br#"{"17":"00:1A:2B:3C:4D:5E"}"#, Refused("target.mac_addr: \"00:1A:2B:3C:4D:5E\" is not base64url")),
            (br#"{"17":"ABorPE0"}"#, Refused("target.mac_addr: 5 octets, where a MAC address has 6 or 8")),
        ],
    );
}

// JADN-029, JADN-030, L22
#[test]
fn a_number_is_read_however_long_it_is() {
    let limit = || around(b"\x82\xf6\xa1\x01\xa1\x02\xa2\x01\x18\xc8\x03\xa1\x04", b"");
    for (bytes, due) in [
        (&b"\xfb\x40\x3e\0\0\0\0\0\0"[..], &b"\xfb\x40\x3e\0\0\0\0\0\0"[..]),
        (b"\x18\x1e", b"\xfb\x40\x3e\0\0\0\0\0\0"),
        (b"\xf9\x4f\x80", b"\xfb\x40\x3e\0\0\0\0\0\0"),
        (b"\xfa\x41\xf0\0\0", b"\xfb\x40\x3e\0\0\0\0\0\0"),
    ] {
        let decoded = Cbor.decode(&limit()(bytes), Mode::Strict).expect("a message");
        assert_eq!(Cbor.encode(&decoded.message, decoded.form).expect("CBOR"), limit()(due), "{bytes:02x?}");
        for (notation, text) in [(Notation::Verbose, r#""rate_limit":30}"#), (Notation::Concise, r#""4":30}"#)] {
            let json = Json.encode(&decoded.message, Form::DEFAULT.with_notation(notation)).expect("JSON");
            assert!(String::from_utf8_lossy(&json).contains(text), "{}", shown(&json));
        }
    }
    check(
        &Cbor,
        limit(),
        &[
            (b"\xf9\x7e\x00", Refused("body.openc2.response.results.rate_limit: NaN is not a number of at least 0")),
            (b"\xf9\x7c\x00", Refused("body.openc2.response.results.rate_limit: inf is not a number of at least 0")),
            (b"\x20", Refused("body.openc2.response.results.rate_limit: -1 is not a number of at least 0")),
            (
                b"\x6230",
                Refused(
                    "body.openc2.response.results.rate_limit: invalid type: string \"30\", expected a number of at least 0",
                ),
            ),
        ],
    );
}
