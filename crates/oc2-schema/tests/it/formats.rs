//! The patterns of the JSON Schema against the readers of the same types, on texts that are nearly right.

use oc2_core::target::{Ipv4Net, Ipv6Net};
use oc2_core::types::hashes::Hash;
use oc2_core::types::mac::MacAddr;
use oc2_core::types::text::{
    CommandId, DomainName, EmailAddr, Hostname, IdnDomainName, IdnEmailAddr, Iri, RequestId, Uri,
};
use oc2_core::{Nsid, TargetName};
use oc2_profile_slpf::Host;
use serde_json::json;

use crate::support::{schema, validator, validator_of};

// LS-020 to LS-022, LS-025, LS-026, LS-051, LS-060, LS-061, LS-169, LS-173, LS-197, LS-202
#[test]
fn patterns_and_readers_agree() {
    check("Hostname", HOSTS, |text| Hostname::new(text).is_ok());
    check("Domain-Name", HOSTS, |text| DomainName::new(text).is_ok());
    check("Email-Addr", EMAILS, |text| EmailAddr::new(text).is_ok());
    check("URI", URIS, |text| Uri::new(text).is_ok());
    check("IRI", URIS, |text| Iri::new(text).is_ok());
    check("IRI", IRIS, |text| Iri::new(text).is_ok());
    check("IPv4-Net", NETS, |text| text.parse::<Ipv4Net>().is_ok());
    check("IPv6-Net", NETS, |text| text.parse::<Ipv6Net>().is_ok());
    check("MAC-Addr", &["00:1a:2B:3C:4d:5E", "00:1A:2B:3C:4D:5E:6F:70"], |text| text.parse::<MacAddr>().is_ok());
    check("Command-ID", &["a b", "ä\u{85}\u{FEFF}", "123456789012345678901234567890123456"], |text| {
        CommandId::new(text).is_ok()
    });
    check("Nsid", &["x-lock", "a_b-c", "1234567890123456"], |text| text.parse::<Nsid>().is_ok());
    check("Targets-Enum", &["file", "slpf:rule_number", "x-a:b"], |text| text.parse::<TargetName>().is_ok());
}

#[test]
fn patterns_of_internationalized_names_accept_what_the_readers_do() {
    let hosts = ["bücher.example", "例え。テスト", "xn--bcher-kva.example", "faß.example."];
    check_accepted("IDN-Domain-Name", &[HOSTS, &hosts].concat(), |text| IdnDomainName::new(text).is_ok());
    let emails = ["用户@例子.广告", "\"ä b\"@bücher.example", "ä@[IPv6:2001:db8::1]", "a@[192.0.2.1]"];
    check_accepted("IDN-Email-Addr", &[EMAILS, &emails].concat(), |text| IdnEmailAddr::new(text).is_ok());
}

#[test]
fn bounds_in_members_agree_with_the_readers() {
    let definitions = schema().json_schema();
    let member = |of: &str, name: &str| {
        let definition = &definitions["$defs"][of]["properties"][name];
        assert!(definition.is_object(), "{of}.{name}");
        validator(&json!({"$defs": definitions["$defs"], "allOf": [definition]}))
    };
    let md5 = member("Hashes", "md5");
    compare(&md5, &["000102030405060708090A0B0C0D0E0F"], |text, is_valid| {
        // Lower case is read in lenient mode only (L16).
        is_valid == (text.parse::<Hash<16>>().is_ok() && !text.contains(|c: char| c.is_ascii_lowercase()))
    });
    let request_id = member("Headers", "request_id");
    compare(&request_id, &["a\u{7F}b", "\u{80}", &"ä".repeat(256)], |text, is_valid| {
        is_valid == (text.is_empty() || RequestId::new(text).is_ok())
    });
    let host = member("Slpf-Specifiers", "hostname");
    compare(&host, &[HOSTS, NETS].concat(), |text, is_valid| is_valid == text.parse::<Host>().is_ok());
}

#[track_caller]
fn check(name: &str, seeds: &[&str], accepts: impl Fn(&str) -> bool) {
    compare(&validator_of(&schema(), name), seeds, |text, is_valid| is_valid == accepts(text));
}

/// As [`check`], where a pattern may accept more.
#[track_caller]
fn check_accepted(name: &str, seeds: &[&str], accepts: impl Fn(&str) -> bool) {
    compare(&validator_of(&schema(), name), seeds, |text, is_valid| is_valid || !accepts(text));
}

/// The seeds, and each of them with one character put in, replaced or left out.
#[track_caller]
fn compare(validator: &jsonschema::Validator, seeds: &[&str], agrees: impl Fn(&str, bool) -> bool) {
    let agree = |text: String| {
        let is_valid = validator.is_valid(&json!(text));
        assert!(agrees(&text, is_valid), "{text:?} is {}valid to the schema", if is_valid { "" } else { "not " });
    };
    for seed in seeds {
        agree((*seed).to_owned());
        let chars: Vec<_> = seed.chars().collect();
        for i in 0..=chars.len() {
            let (before, behind): (String, String) = (chars[..i].iter().collect(), chars[i..].iter().collect());
            let rest: String = chars[i..].iter().skip(1).collect();
            agree(format!("{before}{rest}"));
            for c in EDITS.chars() {
                agree(format!("{before}{c}{behind}"));
                agree(format!("{before}{c}{rest}"));
            }
        }
    }
}

/// Characters that mean something in one format or another, or nothing in any.
const EDITS: &str =
    "0259aFgZ.-_:/@%+?#[]\"\\ ~*(|'`\n\t\u{7F}ä\u{A0}\u{200E}\u{2028}\u{3002}\u{E000}\u{FEFF}\u{10000}\u{1F600}";

const HOSTS: &[&str] = &["", "a", "a-b.example", "3com.example.", "A.1.z-", "a..b"];
const EMAILS: &[&str] = &["a@b.example", "a.b+c@d", "\"a b\\\"\"@c.example", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]"];
const URIS: &[&str] = &[
    "a:",
    "urn:a:b",
    "http://u:p@example.com:80/a/b?c=d/e?#f",
    "file:///etc/hosts",
    "http://[2001:db8::1]:80/",
    "http://[v1.a:b]/",
    "a:/b//c",
    "a://",
    "http://192.0.2.1/%C3%A4",
];
const IRIS: &[&str] = &["http://exämple.org/ä?ö#ü", "a:例え/道?\u{E000}", "mailto:ä@bücher.example"];
const NETS: &[&str] = &[
    "192.0.2.0/24",
    "0.0.0.0/0",
    "255.255.255.255/32",
    "1.10.100.249",
    "2001:db8::/32",
    "::",
    "::1/128",
    "1:2:3:4:5:6:7:8/100",
    "1::8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1:2:3::5:6:7:8/119",
    "::ffff:192.0.2.1/96",
    "1:2:3:4:5:6:1.2.3.4",
    "1::5:1.2.3.4/9",
    "::1.2.3.4",
];
