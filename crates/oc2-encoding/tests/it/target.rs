//! Targets (LS 3.3.1.2, 3.4.1).

use oc2_core::target::TargetKind;

use crate::support::{accepted, becomes, refused, targets, tolerated};

const HASH: &str = "22FE72A34F006EA67D26BB7004E2B6941B5C3953D43AE7EC24D41B1A928A6973";

// LS-008, LS-099 to LS-116
#[test]
fn each_of_the_eighteen_targets_is_read() {
    let rows = [
        (
            r#"{"artifact":{"mime_type":"text/plain","payload":{"bin":"aGVsbG8"},"hashes":{"md5":"00112233445566778899AABBCCDDEEFF"}}}"#,
            accepted(),
        ),
        (r#"{"command":"95ad511c-3339-4111-9c47-9156c47d37d3"}"#, accepted()),
        (r#"{"device":{"hostname":"a.example","idn_hostname":"bücher.example","device_id":"9BCE"}}"#, accepted()),
        (r#"{"domain_name":"example.com"}"#, accepted()),
        (r#"{"email_addr":"a@example.com"}"#, accepted()),
        (r#"{"features":["versions","profiles","pairs","rate_limit"]}"#, accepted()),
        (
            r#"{"file":{"name":"a","path":"/etc/a","hashes":{"sha1":"000102030405060708090A0B0C0D0E0F10111213"}}}"#,
            accepted(),
        ),
        (r#"{"idn_domain_name":"bücher.example"}"#, accepted()),
        (r#"{"idn_email_addr":"ä@bücher.example"}"#, accepted()),
        (r#"{"ipv4_net":"10.0.0.0/8"}"#, accepted()),
        (r#"{"ipv6_net":"2001:db8::/32"}"#, accepted()),
        (
            r#"{"ipv4_connection":{"src_addr":"1.2.3.4","src_port":1,"dst_addr":"10.0.0.0/8","dst_port":2,"protocol":"tcp"}}"#,
            accepted(),
        ),
        (
            r#"{"ipv6_connection":{"src_addr":"::1","src_port":1,"dst_addr":"2001:db8::/32","dst_port":2,"protocol":"sctp"}}"#,
            accepted(),
        ),
        (r#"{"iri":"http://exämple.org/ä"}"#, accepted()),
        (r#"{"mac_addr":"00:1A:2B:3C:4D:5E"}"#, accepted()),
        (
            r#"{"process":{"pid":1,"name":"a","cwd":"/","executable":{"name":"a"},"parent":{"pid":0},"command_line":"a -b"}}"#,
            accepted(),
        ),
        (r#"{"properties":["battery"]}"#, accepted()),
        (r#"{"uri":"http://example.com"}"#, accepted()),
    ];
    assert_eq!(rows.len(), TargetKind::ALL.len());
    targets(&rows);
}

// LS-009, LS-063, LS-097, LS-221
#[test]
fn a_target_is_an_object_of_exactly_one_member() {
    let no_object = "expected an object of one member (Target)";
    targets(&[
        ("{}", refused("target: exactly one member is due, there is none")),
        (r#"{"file":{"name":"a"},"uri":"a:"}"#, refused(r#"target: exactly one member is due, "uri" is a second"#)),
        (r#"{"uri":"a:","uri":"a:"}"#, refused(r#"target: exactly one member is due, "uri" is a second"#)),
        (r#"{"uri":"a:","foo":1}"#, refused(r#"target: exactly one member is due, "foo" is a second"#)),
        (r#"{"slpf:rule_number":1,"uri":"a:"}"#, refused(r#"target: exactly one member is due, "uri" is a second"#)),
        (r#""uri""#, refused(format!("target: invalid type: string \"uri\", {no_object}"))),
        (r#"["uri"]"#, refused(format!("target: invalid type: sequence, {no_object}"))),
        ("19", refused(format!("target: invalid type: integer `19`, {no_object}"))),
    ]);
}

// L2, SLPF A.1.2 case two
#[test]
fn a_bare_name_that_no_standard_has_is_named_as_slpf_names_it() {
    targets(&[
        (
            r#"{"ip_conection":{"dst_port":1}}"#,
            refused("Validation Error: Target: ip_conection is not a target (LS 3.3.1.2)"),
        ),
        (r#"{"Uri":"a:"}"#, refused("Validation Error: Target: Uri is not a target (LS 3.3.1.2)")),
        (r#"{"rule_number":1}"#, refused("Validation Error: Target: rule_number is not a target (LS 3.3.1.2)")),
        (r#"{"":1}"#, refused("Validation Error: Target:  is not a target (LS 3.3.1.2)")),
        (r#"{"acme":{"thing":1}}"#, refused("Validation Error: Target: acme is not a target (LS 3.3.1.2)")),
        (
            r#"{"slpf/rule_number":1}"#,
            refused("Validation Error: Target: slpf/rule_number is not a target (LS 3.3.1.2)"),
        ),
        (r#"{"a\nb":1}"#, refused(r"Validation Error: Target: a\nb is not a target (LS 3.3.1.2)")),
    ]);
    let long = format!(r#"{{"{}":1}}"#, "n".repeat(5000));
    let words = format!("Validation Error: Target: {}... is not a target (LS 3.3.1.2)", "n".repeat(60));
    targets(&[(&long, refused(words))]);
}

// ARCH-012, LS-036, LS-037
#[test]
fn an_extended_target_is_kept_whoever_knows_it() {
    targets(&[
        (r#"{"slpf:rule_number":1234}"#, accepted()),
        (r#"{"slpf:unknown":{"a":[1,2.5,"b",true]}}"#, accepted()),
        (r#"{"x-acme:thing":"a"}"#, accepted()),
        (r#"{"acme:thing":{}}"#, accepted().kept()),
        (r#"{"A-1_b:C-2_d":1}"#, accepted()),
        (r#"{"1:1":1}"#, accepted()),
        (r#"{"abcdefghijklmnop:abcdefghijklmnopqrstuvwxyzabcdef":1}"#, accepted()),
    ]);
}

// LS-002, LS-032, LS-197, L23, L30
#[test]
fn the_name_of_an_extended_target_is_a_namespace_a_colon_and_a_name() {
    let not_nsid = "is not a namespace identifier (1 to 16 letters, digits, - and _)";
    let not_name = "is not a name (1 to 32 letters, digits, - and _)";
    targets(&[
        (r#"{":a":1}"#, refused(format!("target: \"\" {not_nsid}"))),
        (r#"{"slpf:":1}"#, refused(format!("target: \"\" {not_name}"))),
        (r#"{"abcdefghijklmnopq:a":1}"#, refused(format!("target: \"abcdefghijklmnopq\" {not_nsid}"))),
        (r#"{"-a:a":1}"#, refused(format!("target: \"-a\" {not_nsid}"))),
        (r#"{"_a:a":1}"#, refused(format!("target: \"_a\" {not_nsid}"))),
        (r#"{"a b:a":1}"#, refused(format!("target: \"a b\" {not_nsid}"))),
        (r#"{"ä:a":1}"#, refused(format!("target: \"ä\" {not_nsid}"))),
        (r#"{"slpf:a:b":1}"#, refused(format!("target: \"a:b\" {not_name}"))),
        (r#"{"slpf:-a":1}"#, refused(format!("target: \"-a\" {not_name}"))),
        (
            r#"{"slpf:abcdefghijklmnopqrstuvwxyzabcdefg":1}"#,
            refused(format!("target: \"abcdefghijklmnopqrstuvwxyzabcdefg\" {not_name}")),
        ),
    ]);
}

// S15, L2
#[test]
fn a_nested_extended_target_is_read_in_lenient_mode_and_written_with_a_colon() {
    let note = |nsid: &str| format!("target.{nsid}: the target is to be spelled {nsid}:... (LS 3.1.4)");
    targets(&[
        (r#"{"slpf":{"rule_number":1234}}"#, tolerated(&note("slpf")).written(r#"{"slpf:rule_number":1234}"#)),
        (r#"{"x-acme":{"thing":{"a":1}}}"#, tolerated(&note("x-acme")).written(r#"{"x-acme:thing":{"a":1}}"#)),
    ]);
}

// S15
#[test]
fn a_nested_extended_target_is_one_target() {
    use oc2_core::Mode;
    use oc2_encoding::{Encoding, Json};

    for (target, words) in [
        (r#"{"slpf":{}}"#, "target.slpf: exactly one target is due"),
        (r#"{"slpf":{"a":1,"b":2}}"#, "target.slpf: exactly one target is due"),
        (r#"{"slpf":1}"#, "target.slpf: exactly one target is due"),
        (r#"{"x-acme":[]}"#, "target.x-acme: exactly one target is due"),
        (r#"{"slpf":{"a:b":1}}"#, "target.slpf: \"a:b\" is not a name (1 to 32 letters, digits, - and _)"),
        (r#"{"slpf":{"a":1,"a":2}}"#, "target.slpf: the member \"a\" stands twice"),
        (r#"{"slpf":{"a":1},"uri":"a:"}"#, "target: exactly one member is due, \"uri\" is a second"),
    ] {
        let message = crate::support::in_request(&format!(r#"{{"action":"scan","target":{target}}}"#));
        let error = Json.decode(message.as_bytes(), Mode::Lenient).expect_err(target);
        assert_eq!(error.to_string(), words, "{target}");
        Json.decode(message.as_bytes(), Mode::Strict).expect_err(target);
    }
}

// LS-152, LS-153, LS-198, LS-199, L15, L37
#[test]
fn an_artifact_has_a_type_a_payload_or_hashes() {
    let due = "target.artifact: at least one of mime_type, payload, hashes is due";
    targets(&[
        (r#"{"artifact":{}}"#, refused(due)),
        (r#"{"artifact":{"mime_type":"text/plain"}}"#, accepted()),
        (r#"{"artifact":{"mime_type":"not a type"}}"#, accepted()),
        (r#"{"artifact":{"mime_type":""}}"#, accepted()),
        (r#"{"artifact":{"payload":{"bin":""}}}"#, accepted()),
        (r#"{"artifact":{"payload":{"bin":"-_8"}}}"#, accepted()),
        (r#"{"artifact":{"payload":{"bin":"-_8="}}}"#, becomes(r#"{"artifact":{"payload":{"bin":"-_8"}}}"#)),
        (r#"{"artifact":{"payload":{"bin":"aA=="}}}"#, becomes(r#"{"artifact":{"payload":{"bin":"aA"}}}"#)),
        (r#"{"artifact":{"payload":{"url":"https://example.com/a"}}}"#, accepted()),
        (r#"{"artifact":{"hashes":{"md5":"00112233445566778899AABBCCDDEEFF"}}}"#, accepted()),
        (
            r#"{"artifact":{"payload":{}}}"#,
            refused("target.artifact.payload: exactly one member is due, there is none"),
        ),
        (
            r#"{"artifact":{"payload":{"bin":"","url":"a:"}}}"#,
            refused("target.artifact.payload: exactly one member is due, \"url\" is a second"),
        ),
        (
            r#"{"artifact":{"payload":{"text":""}}}"#,
            refused("target.artifact.payload: unknown member \"text\"; Payload is a choice of bin, url"),
        ),
        (
            r#"{"artifact":{"payload":"aA"}}"#,
            refused("target.artifact.payload: invalid type: string \"aA\", expected an object of one member (Payload)"),
        ),
        (
            r#"{"artifact":{"payload":{"url":"//a/b"}}}"#,
            refused("target.artifact.payload.url: \"//a/b\" is not a URI: it does not start with a scheme and a colon"),
        ),
        (
            r#"{"artifact":{"mime_type":1}}"#,
            refused("target.artifact.mime_type: invalid type: integer `1`, expected a string"),
        ),
        (
            r#"{"artifact":{"media_type":"text/plain"}}"#,
            refused("target.artifact: unknown member \"media_type\"; Artifact has mime_type, payload, hashes"),
        ),
        (
            r#"{"artifact":{"mime_type":null}}"#,
            refused(due).strictly("target.artifact.mime_type: null where the member is to be left out"),
        ),
    ]);
}

// LS-049, L15
#[test]
fn a_payload_is_base64url_and_nothing_else() {
    for bin in ["+/8", "-_8==", "=", "====", "a", "aGVsbG9", "aA=", "aA= =", "aA\\n", " aA", "aB", "ä", "aA==aA=="] {
        let target = format!(r#"{{"artifact":{{"payload":{{"bin":"{bin}"}}}}}}"#);
        let shown = bin.replace("\\n", "\n");
        targets(&[(&target, refused(format!("target.artifact.payload.bin: {shown:?} is not base64url")))]);
    }
    targets(&[(
        r#"{"artifact":{"payload":{"bin":[104]}}}"#,
        refused("target.artifact.payload.bin: invalid type: sequence, expected base64url"),
    )]);
}

// LS-154, LS-058, LS-191, LS-192
#[test]
fn a_device_has_a_name_or_an_id() {
    targets(&[
        (r#"{"device":{}}"#, refused("target.device: at least one of hostname, idn_hostname, device_id is due")),
        (r#"{"device":{"hostname":"3com.example"}}"#, accepted()),
        (r#"{"device":{"hostname":"A.Example."}}"#, becomes(r#"{"device":{"hostname":"A.Example"}}"#)),
        (r#"{"device":{"idn_hostname":"a.example"}}"#, accepted()),
        (r#"{"device":{"device_id":""}}"#, accepted()),
        (
            r#"{"device":{"device_id":30}}"#,
            refused("target.device.device_id: invalid type: integer `30`, expected a string"),
        ),
        (
            r#"{"device":{"hostname":"-a"}}"#,
            refused("target.device.hostname: \"-a\" is not a hostname: a label starts or ends with a hyphen"),
        ),
        (
            r#"{"device":{"hostname":"a","hostname":"a"}}"#,
            refused("target.device: the member \"hostname\" stands twice"),
        ),
        (
            r#"{"device":{"host":"a"}}"#,
            refused("target.device: unknown member \"host\"; Device has hostname, idn_hostname, device_id"),
        ),
        (r#"{"device":"a"}"#, refused("target.device: invalid type: string \"a\", expected an object (Device)")),
        (r#"{"device":[{}]}"#, refused("target.device: invalid type: sequence, expected an object (Device)")),
    ]);
}

// LS-020, LS-022 to LS-026, LS-155, LS-156, LS-164, LS-165, LS-176, LS-183, L18, L20, L32, L35; the formats have tests of
// their own beside the code, these rows show that each target has the right one.
#[test]
fn names_and_addresses_follow_their_formats() {
    let label = "a".repeat(63);
    let name = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    let (long_label, long_name) =
        (format!(r#"{{"domain_name":"{label}a"}}"#), format!(r#"{{"domain_name":"{name}a"}}"#));
    targets(&[
        (&format!(r#"{{"domain_name":"{label}"}}"#), accepted()),
        (&format!(r#"{{"domain_name":"{name}"}}"#), accepted()),
        (&format!(r#"{{"domain_name":"{name}."}}"#), becomes(&format!(r#"{{"domain_name":"{name}"}}"#))),
        (
            &long_label,
            refused(format!(
                "target.domain_name: \"{}\"... is not a hostname: a label has more than 63 characters",
                &label[..60]
            )),
        ),
        (
            &long_name,
            refused(format!(
                "target.domain_name: \"{}\"... is not a hostname: it has more than 253 characters",
                &label[..60]
            )),
        ),
        (
            r#"{"domain_name":"_dmarc.example"}"#,
            refused(
                "target.domain_name: \"_dmarc.example\" is not a hostname: it has a character other than letters, digits, hyphens and dots",
            ),
        ),
        (
            r#"{"domain_name":"bücher.example"}"#,
            refused(
                "target.domain_name: \"bücher.example\" is not a hostname: it has a character other than letters, digits, hyphens and dots",
            ),
        ),
        (
            r#"{"domain_name":"*.example"}"#,
            refused(
                "target.domain_name: \"*.example\" is not a hostname: it has a character other than letters, digits, hyphens and dots",
            ),
        ),
        (r#"{"domain_name":""}"#, refused("target.domain_name: \"\" is not a hostname: it has no label")),
        (r#"{"domain_name":"a..b"}"#, refused("target.domain_name: \"a..b\" is not a hostname: a label is empty")),
        (r#"{"domain_name":"1.2.3.4"}"#, accepted()),
        (r#"{"idn_domain_name":"例え.テスト"}"#, accepted()),
        (r#"{"idn_domain_name":"a.example"}"#, accepted()),
        (r#"{"email_addr":"\"a b\"@example.com"}"#, accepted()),
        (
            r#"{"email_addr":"a@"}"#,
            refused(
                "target.email_addr: \"a@\" is not an email address: its domain is neither atoms with dots between them nor a literal",
            ),
        ),
        (
            r#"{"email_addr":"@b"}"#,
            refused(
                "target.email_addr: \"@b\" is not an email address: its local part is neither atoms with dots between them nor quoted",
            ),
        ),
        (
            r#"{"email_addr":"ä@b"}"#,
            refused(
                "target.email_addr: \"ä@b\" is not an email address: its local part is neither atoms with dots between them nor quoted",
            ),
        ),
        (r#"{"idn_email_addr":"用户@例子.广告"}"#, accepted()),
        (r#"{"idn_email_addr":"ä"}"#, refused("target.idn_email_addr: \"ä\" is not an email address: it has no @")),
        (r#"{"uri":"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}"#, accepted()),
        (
            r#"{"uri":"//host/x"}"#,
            refused("target.uri: \"//host/x\" is not a URI: it does not start with a scheme and a colon"),
        ),
        (
            r#"{"uri":"http://exämple.org"}"#,
            refused("target.uri: \"http://exämple.org\" is not a URI: it has a character outside ASCII"),
        ),
        (
            r#"{"uri":"http://a b"}"#,
            refused(
                "target.uri: \"http://a b\" is not a URI: what follows the scheme is not in the syntax of RFC 3986",
            ),
        ),
        (r#"{"iri":"http://exämple.org/ä"}"#, accepted()),
        (r#"{"iri":"/ä"}"#, refused("target.iri: \"/ä\" is not an IRI: it does not start with a scheme and a colon")),
        (
            r#"{"iri":"http://a\u202E"}"#,
            refused("target.iri: \"http://a\\u{202e}\" is not an IRI: it has a bidirectional formatting character"),
        ),
    ]);
    for (target, what) in [
        ("command", "a command id"),
        ("domain_name", "a domain name"),
        ("email_addr", "an email address"),
        ("idn_domain_name", "an internationalized domain name"),
        ("idn_email_addr", "an internationalized email address"),
        ("ipv4_net", "IPv4-Net"),
        ("ipv6_net", "IPv6-Net"),
        ("iri", "an IRI"),
        ("mac_addr", "a MAC address"),
        ("uri", "a URI"),
    ] {
        for (value, found) in
            [("1", "integer `1`"), ("true", "boolean `true`"), ("null", "null"), ("[]", "sequence"), ("{}", "map")]
        {
            let json = format!(r#"{{"{target}":{value}}}"#);
            targets(&[(&json, refused(format!("target.{target}: invalid type: {found}, expected {what}")))]);
        }
    }
}

// LS-013, LS-029, LS-062, LS-157, LS-159, LS-188, LS-206, L9
#[test]
fn features_are_a_list_of_four_names_each_once() {
    let not_one = "is not one of versions, profiles, pairs, rate_limit";
    let ten = format!(r#"{{"features":[{}]}}"#, [r#""pairs""#; 10].join(","));
    let eleven = format!(r#"{{"features":[{}]}}"#, [r#""pairs""#; 11].join(","));
    let only_pairs = r#"{"features":["pairs"]}"#;
    targets(&[
        (r#"{"features":[]}"#, accepted()),
        (r#"{"features":["rate_limit","versions"]}"#, accepted()),
        (r#"{"features":["foo"]}"#, refused(format!("target.features[0]: \"foo\" {not_one}"))),
        (r#"{"features":["versions","Versions"]}"#, refused(format!("target.features[1]: \"Versions\" {not_one}"))),
        (
            r#"{"features":["versions",1]}"#,
            refused(
                "target.features[1]: invalid type: integer `1`, expected one of versions, profiles, pairs, rate_limit",
            ),
        ),
        (
            r#"{"features":[null]}"#,
            refused("target.features[0]: invalid type: null, expected one of versions, profiles, pairs, rate_limit"),
        ),
        (
            r#"{"features":"versions"}"#,
            refused("target.features: invalid type: string \"versions\", expected a list of features"),
        ),
        (r#"{"features":{}}"#, refused("target.features: invalid type: map, expected a list of features")),
        (r#"{"features":null}"#, refused("target.features: invalid type: null, expected a list of features")),
    ]);
    for (features, written) in [
        (r#"{"features":["versions","versions"]}"#, r#"{"features":["versions"]}"#),
        (r#"{"features":["pairs","versions","pairs"]}"#, r#"{"features":["pairs","versions"]}"#),
        (ten.as_str(), only_pairs),
        (eleven.as_str(), only_pairs),
    ] {
        targets(&[(features, becomes(written).remarked("target.features: a feature stands more than once"))]);
    }
}

// LS-162, LS-163
#[test]
fn a_file_has_a_name_a_path_or_hashes() {
    targets(&[
        (r#"{"file":{}}"#, refused("target.file: at least one of name, path, hashes is due")),
        (r#"{"file":{"name":""}}"#, accepted()),
        (r#"{"file":{"path":"relative/is/read"}}"#, accepted()),
        (&format!(r#"{{"file":{{"hashes":{{"sha256":"{HASH}"}}}}}}"#), accepted()),
        (r#"{"file":{"name":1}}"#, refused("target.file.name: invalid type: integer `1`, expected a string")),
        (r#"{"file":{"name":["a"]}}"#, refused("target.file.name: invalid type: sequence, expected a string")),
        (r#"{"file":{"size":1}}"#, refused("target.file: unknown member \"size\"; File has name, path, hashes")),
        (r#"{"file":{"path":"a","path":"b"}}"#, refused("target.file: the member \"path\" stands twice")),
        (
            r#"{"file":{"name":"a","path":null}}"#,
            tolerated("target.file.path: null where the member is to be left out").written(r#"{"file":{"name":"a"}}"#),
        ),
        (
            r#"{"file":{"name":"a","hashes":{}}}"#,
            refused("target.file.hashes: at least one of md5, sha1, sha256 is due"),
        ),
    ]);
}

// JADN-001, JADN-013, LS-015, LS-050, LS-189, LS-190, L16, L17
#[test]
fn hashes_have_their_lengths_in_base16() {
    let md5 = "00112233445566778899AABBCCDDEEFF";
    let sha1 = "00112233445566778899AABBCCDDEEFF00112233";
    let file = |hashes: &str| format!(r#"{{"file":{{"hashes":{{{hashes}}}}}}}"#);
    targets(&[
        (&file(&format!(r#""md5":"{md5}","sha1":"{sha1}","sha256":"{HASH}""#)), accepted()),
        (&file(&format!(r#""md5":"{md5}""#)), accepted()),
        (&file(&format!(r#""sha1":"{sha1}""#)), accepted()),
        (&file(r#""md5":"""#), refused("target.file.hashes.md5: 0 octets, where the hash has 16")),
        (&file(&format!(r#""md5":"{sha1}""#)), refused("target.file.hashes.md5: 20 octets, where the hash has 16")),
        (&file(&format!(r#""sha1":"{md5}""#)), refused("target.file.hashes.sha1: 16 octets, where the hash has 20")),
        (
            &file(&format!(r#""sha256":"{sha1}""#)),
            refused("target.file.hashes.sha256: 20 octets, where the hash has 32"),
        ),
        (
            &file(&format!(r#""sha256":"{HASH}00""#)),
            refused("target.file.hashes.sha256: 33 octets, where the hash has 32"),
        ),
        (
            &file(&format!(r#""md5":"{}""#, &md5[1..])),
            refused(format!("target.file.hashes.md5: {:?} is not Base16", &md5[1..])),
        ),
        (
            &file(r#""md5":"0x112233445566778899AABBCCDDEEFF""#),
            refused("target.file.hashes.md5: \"0x112233445566778899AABBCCDDEEFF\" is not Base16"),
        ),
        (
            &file(r#""md5":"00112233 445566778899AABBCCDDEEFF""#),
            refused("target.file.hashes.md5: \"00112233 445566778899AABBCCDDEEFF\" is not Base16"),
        ),
        (
            &file(r#""md5":"G0112233445566778899AABBCCDDEEFF""#),
            refused("target.file.hashes.md5: \"G0112233445566778899AABBCCDDEEFF\" is not Base16"),
        ),
        (&file(r#""md5":1"#), refused("target.file.hashes.md5: invalid type: integer `1`, expected Base16")),
        (
            &file(r#""sha512":"00""#),
            refused("target.file.hashes: unknown member \"sha512\"; Hashes has md5, sha1, sha256"),
        ),
        (
            &file(&format!(r#""md5":"{md5}","md5":"{md5}""#)),
            refused("target.file.hashes: the member \"md5\" stands twice"),
        ),
        (
            &file(&format!(r#""md5":"{}""#, md5.to_lowercase())),
            tolerated("target.file.hashes.md5: Base16 has no lower-case letters (RFC 4648 section 8)")
                .written(&file(&format!(r#""md5":"{md5}""#))),
        ),
        (
            &file(&format!(r#""sha256":"{}a""#, &HASH[..63])),
            tolerated("target.file.hashes.sha256: Base16 has no lower-case letters (RFC 4648 section 8)")
                .written(&file(&format!(r#""sha256":"{}A""#, &HASH[..63]))),
        ),
    ]);
}

// LS-114, LS-178 to LS-181, L24
#[test]
fn a_process_may_have_parents_with_at_least_one_property() {
    let due = "at least one of pid, name, cwd, executable, parent, command_line is due";
    let pid = "is not a process number (0..9007199254740991)";
    targets(&[
        (r#"{"process":{}}"#, refused(format!("target.process: {due}"))),
        (r#"{"process":{"pid":0}}"#, accepted()),
        (r#"{"process":{"pid":9007199254740991}}"#, accepted()),
        (r#"{"process":{"pid":-1}}"#, refused(format!("target.process.pid: -1 {pid}"))),
        (r#"{"process":{"pid":9007199254740992}}"#, refused(format!("target.process.pid: 9007199254740992 {pid}"))),
        (r#"{"process":{"pid":1.5}}"#, refused(format!("target.process.pid: 1.5 {pid}"))),
        (r#"{"process":{"name":"a"}}"#, accepted()),
        (r#"{"process":{"cwd":"/"}}"#, accepted()),
        (r#"{"process":{"executable":{"path":"/bin/a"}}}"#, accepted()),
        (r#"{"process":{"command_line":""}}"#, accepted()),
        (
            r#"{"process":{"executable":{}}}"#,
            refused("target.process.executable: at least one of name, path, hashes is due"),
        ),
        (
            r#"{"process":{"executable":"a"}}"#,
            refused("target.process.executable: invalid type: string \"a\", expected an object (File)"),
        ),
        (r#"{"process":{"parent":{}}}"#, refused(format!("target.process.parent: {due}"))),
        (
            r#"{"process":{"parent":1}}"#,
            refused("target.process.parent: invalid type: integer `1`, expected an object (Process)"),
        ),
        (r#"{"process":{"parent":{"parent":{}}}}"#, refused(format!("target.process.parent.parent: {due}"))),
        (
            r#"{"process":{"parent":{"parent":{"uid":1}}}}"#,
            refused(
                "target.process.parent.parent: unknown member \"uid\"; Process has pid, name, cwd, executable, parent, command_line",
            ),
        ),
        (
            r#"{"process":{"pid":1,"parent":null}}"#,
            tolerated("target.process.parent: null where the member is to be left out")
                .written(r#"{"process":{"pid":1}}"#),
        ),
    ]);
    let nested = |n: usize| format!(r#"{{"process":{}{{"pid":1}}{}}}"#, r#"{"parent":"#.repeat(n), "}".repeat(n));
    let words = format!("target.process{}: more than 16 parents above each other", ".parent".repeat(17));
    targets(&[(&nested(16), accepted()), (&nested(17), refused(words))]);
}

// JADN-015, LS-115, LS-182
#[test]
fn properties_are_names_each_once() {
    targets(&[
        (r#"{"properties":["a","b"]}"#, accepted()),
        (r#"{"properties":["b","a",""]}"#, accepted()),
        (r#"{"properties":[]}"#, refused("target.properties: at least one property is due")),
        (r#"{"properties":["a","b","a"]}"#, refused("target.properties: \"a\" stands twice")),
        (r#"{"properties":["a",1]}"#, refused("target.properties[1]: invalid type: integer `1`, expected a string")),
        (r#"{"properties":"a"}"#, refused("target.properties: invalid type: string \"a\", expected a list of strings")),
    ]);
}

// JADN-011, L24: 255 characters and 100 items are not what LS 1.0 limits its types to.
#[test]
fn the_default_sizes_of_jadn_do_not_apply() {
    let names: Vec<_> = (0..101).map(|i| format!("\"{i}\"")).collect();
    targets(&[
        (&format!(r#"{{"file":{{"name":"{}"}}}}"#, "a".repeat(256)), accepted()),
        (&format!(r#"{{"properties":["{}"]}}"#, "ä".repeat(256)), accepted()),
        (&format!(r#"{{"properties":[{}]}}"#, names.join(",")), accepted()),
    ]);
}

// L24
#[test]
fn a_list_has_at_most_a_thousand_items() {
    let list = |n: usize| {
        let names: Vec<_> = (0..n).map(|i| format!("\"{i}\"")).collect();
        format!(r#"{{"properties":[{}]}}"#, names.join(","))
    };
    targets(&[(&list(1000), accepted()), (&list(1001), refused("target.properties: more than 1000 items"))]);
}
