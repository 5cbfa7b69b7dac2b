//! The types of the profile against its tables (SLPF 2.1, 2.2).

use oc2_core::shape::Shape;
use oc2_core::target::TargetName;
use oc2_profile_slpf::{Args, AssetTuple, Direction, DropProcess, Host, Results, RuleNumber, Slpf, Specifiers, Target};

#[track_caller]
fn check(shape: &Shape, name: &str, kind: &str, rows: &[(u32, &str, &str)]) {
    assert_eq!((shape.name, shape.kind.base()), (name, kind));
    let fields: Vec<_> =
        shape.fields.iter().map(|field| (field.id, field.name, field.shape.map_or("", |shape| shape().name))).collect();
    assert_eq!(fields, rows, "{name}");
    assert!(shape.fields.iter().all(|field| !field.required), "{name}");
}

// SLPF-014, SLPF-017 to SLPF-020, SLPF-022, SLPF-026, SLPF-038 to SLPF-041, SLPF-047, E2
#[test]
fn the_types_have_the_rows_of_their_tables() {
    check(
        &Args::SHAPE,
        "Args",
        "Map",
        &[
            (1024, "drop_process", "Drop-Process"),
            (1025, "persistent", "Boolean"),
            (1026, "direction", "Direction"),
            (1027, "insert_rule", "Rule-ID"),
        ],
    );
    check(
        &DropProcess::SHAPE,
        "Drop-Process",
        "Enumerated",
        &[(1, "none", ""), (2, "reject", ""), (3, "false_ack", "")],
    );
    check(&Direction::SHAPE, "Direction", "Enumerated", &[(1, "both", ""), (2, "ingress", ""), (3, "egress", "")]);
    check(
        &Specifiers::SHAPE,
        "Specifiers",
        "Map",
        &[
            (1, "hostname", "String"),
            (2, "named_group", "String"),
            (3, "asset_id", "String"),
            (4, "asset_tuple", "ArrayOf"),
        ],
    );
    check(&Results::SHAPE, "Results", "Map", &[(1024, "rule_number", "Rule-ID")]);
    check(&Target::SHAPE, "Target", "Choice", &[(1024, "rule_number", "Rule-ID")]);
    assert_eq!(Slpf::RULE_NUMBER.to_string(), "slpf:rule_number");
    assert_eq!("slpf:rule_number".parse::<TargetName>(), Ok(Slpf::RULE_NUMBER));
}

// SLPF-028, S1
#[test]
fn a_rule_number_is_an_integer_that_every_peer_can_represent() {
    let max = (1 << 53) - 1;
    for number in [0, 1, -1, 1234, max, -max] {
        let rule = RuleNumber::new(number).expect("a number");
        assert_eq!(rule.as_i64(), number);
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    for number in [max + 1, -max - 1, i64::MAX, i64::MIN] {
        assert_eq!(
            RuleNumber::new(number).expect_err("too far").to_string(),
            format!("{number} is not a rule number (-9007199254740991..9007199254740991)")
        );
    }
    for text in ["", "a", "1.0", " 1", "9007199254740992"] {
        text.parse::<RuleNumber>().expect_err(text);
    }
    assert!(RuleNumber::new(1).expect("a number") < RuleNumber::new(2).expect("a number"));
}

// SLPF-038, S13
#[test]
fn a_host_is_a_name_without_case_or_an_address() {
    let host = |text: &str| text.parse::<Host>().expect(text);
    assert_eq!(host("FW.example"), host("fw.EXAMPLE."));
    assert_ne!(host("fw.example"), host("fw2.example"));
    assert_eq!(host("2001:DB8:0::1"), host("2001:db8::1"));
    assert!(matches!(host("198.51.100.1"), Host::Addr(_)));
    assert!(matches!(host("198.51.100.256"), Host::Name(_)));
    assert_ne!(host("198.51.100.1"), host("198.51.100.2"));
    for text in ["", "-a", "a b", "a_b", "2001:db8::g", "fe80::1%1", "[::1]", "a/24", "*.example"] {
        text.parse::<Host>().expect_err(text);
    }
}

// SLPF-041, S13
#[test]
fn an_asset_tuple_has_one_to_ten_texts_in_order() {
    let texts = |n: usize| vec!["a".to_owned(); n];
    for n in [1, 10] {
        assert_eq!(AssetTuple::new(texts(n)).expect("a tuple").as_slice().len(), n);
    }
    for n in [0, 11, 1000] {
        assert_eq!(
            AssetTuple::new(texts(n)).expect_err("no tuple").to_string(),
            format!("{n} texts, where 1 to 10 are due")
        );
    }
    assert_ne!(AssetTuple::new(vec!["a".into(), "b".into()]), AssetTuple::new(vec!["b".into(), "a".into()]));
}
