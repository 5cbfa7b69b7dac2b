use oc2_packet_filter::testing::{Scenario, Told, n_cases};
use oc2_packet_filter::{Interface, Outside};

use super::model::Model;
use super::*;
use oc2_packet_filter::Ruleset;

// S1, S6, S8, S17
#[test]
fn the_table_says_what_the_list_says_for_a_host() {
    check(&Mode::Host);
}

// S1, S6, S8, S17
#[test]
fn the_table_says_what_the_list_says_for_a_gateway() {
    let interface = |name: &str| -> Interface { name.parse().unwrap() };
    check(&Mode::Gateway(Outside::new(vec![interface("eth0"), interface("ppp0")]).unwrap()));
}

/// Each case is a packet before a list; a list lives for some steps.
fn check(mode: &Mode) {
    let usual = 10_000;
    let (mut n_left, mut n_decided, mut n_linear) = (n_cases(usual), 0, 0);
    for seed in 0.. {
        let mut scenario = Scenario::new(seed, mode.clone());
        let mut image = Image::of(&Ruleset::new(), mode, None);
        let mut kernel = Model::default();
        image.load().for_each(|op| kernel.perform(op));
        for _ in 0..200 {
            let ops = match scenario.step() {
                Told::Apply(changes) => image.apply(&changes),
                Told::Load(rules) => {
                    image = Image::of(&rules, mode, None);
                    image.load().collect()
                }
            };
            ops.into_iter().for_each(|op| kernel.perform(op));
            n_linear += usize::from(kernel.longest_chain() > 9);
            let reference = scenario.reference();
            for _ in 0..4 {
                let packet = scenario.packet();
                let expected = reference.verdict(&packet);
                assert_eq!(kernel.verdict(&packet), expected, "{seed}: {packet:?} before {reference:#?}");
                n_decided += u64::from(expected.is_some());
                n_left -= 1;
                if n_left == 0 {
                    assert!(n_decided > n_cases(usual) / 4, "{n_decided} packets met a rule");
                    assert!(n_linear > 0, "no list had more shapes than maps");
                    return;
                }
            }
        }
        let mut whole = Model::default();
        image.load().for_each(|op| whole.perform(op));
        assert_eq!(kernel.contents(), whole.contents(), "{seed}: the steps come to the whole");
    }
}

#[test]
fn a_rule_among_many_is_as_few_steps_as_a_rule_alone() {
    use oc2_packet_filter::{Hook, Matching, Network};
    use oc2_profile_slpf::RuleNumber;

    let rule = |number: u32| {
        let net: Network = std::net::IpAddr::from((0x0a00_0000 + 2 * number).to_be_bytes()).into();
        let matching = Matching { source: Some(net), ..Matching::default() };
        let rule = KernelRule::new(Family::V4, Hook::Input, matching, Verdict::Drop).unwrap();
        InForce::new(RuleNumber::new(1_000_000 - i64::from(number)).unwrap(), [rule])
    };
    let rules: Ruleset = (0..20_000).map(rule).collect();
    let mut image = Image::of(&rules, &Mode::Host, None);
    let insert = Change::Insert(rule(20_000));
    for change in [insert.clone(), insert.inverse()] {
        let ops = image.apply([&change]);
        assert!(
            matches!(&ops[..], [Op::AddElements(_, elements) | Op::DeleteElements(_, elements)] if elements.len() == 1)
        );
    }
}
