//! What the standard forbids cannot be built (LS 3.3, 3.4).

use oc2_core::message::Recipients;
use oc2_core::nsid::FieldName;
use oc2_core::response::{Pairs, Profiles, RateLimit, Versions};
use oc2_core::target::{
    Artifact, Device, File, Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net, Process, Properties, TargetName,
};
use oc2_core::types::hashes::{Hash, Hashes};
use oc2_core::types::mac::MacAddr;
use oc2_core::types::text::{CommandId, MimeType, RequestId, Version};
use oc2_core::types::time::{DateTime, Duration};
use oc2_core::{Action, Args, Feature, Features, Invalid, Nsid, Pair, StatusCode};

#[track_caller]
fn refused<T: std::fmt::Debug>(res: Result<T, Invalid>, words: &str) {
    assert_eq!(res.expect_err(words).to_string(), words);
}

// LS-152, LS-154, LS-162, LS-170, LS-174, LS-178, LS-189
#[test]
fn what_needs_a_property_cannot_be_built_without() {
    refused(Artifact::builder().build(), "at least one of mime_type, payload, hashes is due");
    refused(Device::builder().build(), "at least one of hostname, idn_hostname, device_id is due");
    refused(File::builder().build(), "at least one of name, path, hashes is due");
    refused(Hashes::builder().build(), "at least one of md5, sha1, sha256 is due");
    let parts = "at least one of src_addr, src_port, dst_addr, dst_port, protocol is due";
    refused(Ipv4Connection::builder().build(), parts);
    refused(Ipv6Connection::builder().build(), parts);
    refused(Process::builder().build(), "at least one of pid, name, cwd, executable, parent, command_line is due");
}

// LS-122, L14
#[test]
fn arguments_with_start_stop_and_duration_cannot_be_built() {
    let time = |milliseconds| DateTime::from_millis(milliseconds).expect("a time");
    let duration = |milliseconds| Duration::from_millis(milliseconds).expect("a duration");
    let max = (1 << 53) - 1;
    refused(
        Args::builder().start_time(time(1)).stop_time(time(2)).duration(duration(1)).build(),
        "at most two of start_time, stop_time and duration may be given",
    );
    refused(Args::builder().start_time(time(2)).stop_time(time(1)).build(), "stop_time lies before start_time");
    refused(
        Args::builder().start_time(time(max)).duration(duration(1)).build(),
        "start_time and duration lead beyond 2^53 - 1 milliseconds",
    );
    refused(
        Args::builder().stop_time(time(1)).duration(duration(2)).build(),
        "stop_time and duration lead to a start before 1970",
    );
    let built = Args::builder().start_time(time(1)).stop_time(time(2)).build().expect("arguments");
    built.into_builder().duration(duration(1)).build().expect_err("a third");
}

// LS-029, LS-030, LS-147, LS-150, LS-182, LS-184, LS-185, M5
#[test]
fn lists_are_not_empty_and_their_values_are_unique_where_the_table_says_so() {
    refused(Recipients::new(Vec::new()), "at least one recipient is due");
    refused(Properties::new(Vec::new()), "at least one property is due");
    refused(Properties::new(vec!["a".into(), "b".into(), "a".into()]), "\"a\" stands twice");
    refused(Versions::new(Vec::new()), "an empty list is to be left out");
    refused(Versions::new(vec![Version::v1_0(), Version::v1_0()]), "\"1.0\" stands twice");
    refused(Profiles::new(Vec::new()), "an empty list is to be left out");
    refused(Pairs::new([]), "at least one action is due");
    let pair: Pair = "query features".parse().expect("a pair");
    let pairs = Pairs::new([pair, pair]).expect("pairs");
    assert_eq!(pairs.iter().map(|(action, targets)| (action, targets.len())).collect::<Vec<_>>(), [(Action::Query, 1)]);
    assert!(pairs.contains(pair) && !pairs.contains("query file".parse().expect("a pair")));
}

// LS-150, L34
#[test]
fn a_rate_limit_is_a_number_that_can_be_written() {
    for limit in [0.0, 0.5, 30.0, 9_007_199_254_740_991.0] {
        assert_eq!(RateLimit::new(limit).map(RateLimit::per_minute), Ok(limit));
    }
    for limit in [-1.0, -0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 9_007_199_254_740_992.0, 1e300] {
        RateLimit::new(limit).expect_err("not a limit");
    }
}

// LS-158, L9
#[test]
fn a_feature_is_asked_for_once() {
    let features: Features = [Feature::Pairs, Feature::Versions, Feature::Pairs].into_iter().collect();
    assert_eq!(features.iter().collect::<Vec<_>>(), [Feature::Pairs, Feature::Versions]);
    assert!(features.contains(Feature::Versions) && !features.contains(Feature::Profiles));
}

// LS-002, LS-197, L23, L30
#[test]
fn names_have_their_lengths_and_letters() {
    for nsid in ["a", "9", "x-lock", "abcdefghijklmnop", "A_b-9"] {
        assert_eq!(nsid.parse::<Nsid>().expect(nsid).as_str(), nsid);
    }
    for nsid in ["", "abcdefghijklmnopq", "-a", "_a", "a b", "a:b", "a.b", "ä", "a\0"] {
        refused(
            nsid.parse::<Nsid>(),
            &format!("{nsid:?} is not a namespace identifier (1 to 16 letters, digits, - and _)"),
        );
    }
    assert_eq!("a".repeat(32).parse::<FieldName>().expect("a name").as_str().len(), 32);
    for name in ["".to_owned(), "a".repeat(33), "a:b".to_owned()] {
        refused(name.parse::<FieldName>(), &format!("{name:?} is not a name (1 to 32 letters, digits, - and _)"));
    }
    assert_eq!(Nsid::constant("x-lock"), "x-lock".parse().expect("a namespace"));
}

#[test]
fn names_of_targets_and_pairs_are_parsed_as_they_are_written() {
    for text in ["features", "ipv4_net", "slpf:rule_number", "x-lock:door"] {
        assert_eq!(text.parse::<TargetName>().expect(text).to_string(), text);
        let pair = format!("delete {text}");
        assert_eq!(pair.parse::<Pair>().expect(text).to_string(), pair);
    }
    for text in ["", "foo", "slpf:", ":a", "slpf:a:b", "slpf/rule_number", "Features"] {
        text.parse::<TargetName>().expect_err(text);
    }
    for text in ["", "query", "queryfeatures", "foo features", "query foo", "features query"] {
        text.parse::<Pair>().expect_err(text);
    }
}

// LS-136
#[test]
fn a_status_is_one_of_nine() {
    assert_eq!((0..=u16::MAX).filter_map(StatusCode::from_u16).count(), 9);
    for status in StatusCode::ALL {
        assert_eq!(StatusCode::from_u16(status.as_u16()), Some(*status));
        assert_eq!(status.is_success(), status.as_u16() < 400);
    }
}

// LS-051, LS-052, LS-168, LS-169, LS-172, LS-173, L18, L19
#[test]
fn nets_are_equal_when_they_hold_the_same_addresses() {
    let v4 = |text: &str| text.parse::<Ipv4Net>().expect(text);
    let v6 = |text: &str| text.parse::<Ipv6Net>().expect(text);
    assert_eq!(v4("10.0.0.1"), v4("10.0.0.1/32"));
    assert_eq!(v4("192.168.17.5/24"), v4("192.168.17.0/24"));
    assert_eq!(v4("1.2.3.4/0"), v4("0.0.0.0/0"));
    assert_ne!(v4("10.0.0.0/8"), v4("10.0.0.0/9"));
    assert_eq!(v4("192.168.17.5/24").to_string(), "192.168.17.5/24");
    assert_eq!(v4("192.168.17.5/24").network().to_string(), "192.168.17.0");
    assert_eq!(v4("255.255.255.255/1").network().to_string(), "128.0.0.0");
    assert_eq!(v6("2001:db8::1"), v6("2001:db8::1/128"));
    assert_eq!(v6("2001:db8::5/32"), v6("2001:db8::/32"));
    assert_eq!(v6("ffff::/0").network().to_string(), "::");
    assert_eq!(v6("2001:db8:ffff::/33").network().to_string(), "2001:db8:8000::");
    Ipv4Net::new([1, 2, 3, 4].into(), 33).expect_err("too long");
    Ipv6Net::new([0_u16; 8].into(), 129).expect_err("too long");
    let hash = |net: Ipv4Net| {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        BuildHasherDefault::<DefaultHasher>::default().hash_one(net)
    };
    assert_eq!(hash(v4("10.0.0.1")), hash(v4("10.0.0.1/32")));
    assert_eq!(hash(v4("192.168.17.5/24")), hash(v4("192.168.17.0/24")));
}

// LS-021, LS-050, LS-053, LS-190, L16, L17, L21
#[test]
fn octets_are_parsed_in_either_case_and_written_in_upper_case() {
    assert_eq!("00:1a:2b:3c:4d:5e".parse::<MacAddr>().map(|mac| mac.to_string()), Ok("00:1A:2B:3C:4D:5E".to_owned()));
    let eui_64: MacAddr = "00:1a:2b:ff:fe:3c:4d:5e".parse().expect("EUI-64");
    assert_eq!(eui_64.octets().len(), 8);
    let hash: Hash<16> = "00112233445566778899aabbccddeeff".parse().expect("a hash");
    assert_eq!(hash.to_string(), "00112233445566778899AABBCCDDEEFF");
    refused("00".parse::<Hash<16>>(), "1 octets, where the hash has 16");
    refused("0".parse::<Hash<16>>(), "\"0\" is not Base16");
}

// LS-153, LS-202, LS-203, L10, L33, L37, M9
#[test]
fn texts_follow_their_formats() {
    CommandId::new("").expect("an empty one matches the pattern");
    CommandId::new(&"a".repeat(37)).expect_err("37 characters");
    refused(RequestId::new(""), "\"\" is not a request id: it is empty");
    RequestId::new(&"ä".repeat(256)).expect("256 characters");
    RequestId::new(&"ä".repeat(257)).expect_err("257 characters");
    assert!(Version::v1_0().is_well_formed());
    assert!(!Version::new("1.x").expect("received").is_well_formed());
    MimeType::new("text/plain").expect("a media type");
    MimeType::new("not a type").expect_err("no media type");
}

#[test]
fn what_is_repeated_in_an_error_is_escaped_and_cut() {
    let long = "\n".repeat(1000);
    let words = long.parse::<Nsid>().expect_err("too long").to_string();
    assert_eq!(
        words,
        format!("\"{}\"... is not a namespace identifier (1 to 16 letters, digits, - and _)", "\\n".repeat(60))
    );
    let wide = "\u{1F600}".repeat(1000);
    assert!(
        wide.parse::<Action>()
            .expect_err("no action")
            .to_string()
            .starts_with(&format!("\"{}\"...", "\u{1F600}".repeat(60)))
    );
}
