//! What the kernel holds after each step is what it should.

use std::net::IpAddr;

use oc2_actuator_nftables::Nftables;
use oc2_packet_filter::backend::{Backend, BackendError};
use oc2_packet_filter::testing::{Scenario, Told, n_cases};
use oc2_packet_filter::{
    Change, Config, Family, Hook, InForce, Interface, KernelRule, Matching, Mode, Network, Outside, Ruleset, Verdict,
};
use oc2_profile_slpf::RuleNumber;

use crate::support::{ip, nft};

in_namespace! {
    fn the_kernel_holds_what_random_lists_come_to() {
        for seed in 0..n_cases(12) {
            let mode = if seed % 3 == 2 { gateway() } else { Mode::Host };
            let mut backend = open(&mode);
            let mut scenario = Scenario::new(seed, mode);
            backend.load(&Ruleset::new()).unwrap();
            for step in 0..50 {
                match scenario.step() {
                    Told::Apply(changes) => backend.apply(&changes),
                    Told::Load(rules) => backend.load(&rules),
                }
                .unwrap_or_else(|error| panic!("{seed}, {step}: {error}"));
                assert!(backend.holds(&scenario.ruleset()).unwrap(), "{seed}, {step}: {}", nft("list ruleset"));
            }
            backend.remove().unwrap();
            assert_eq!(nft("list tables"), "");
        }
    }

    /// Some come and go within one transaction, which the kernel never sees.
    fn many_commands_in_one_transaction_are_what_they_are_one_by_one() {
        for seed in 100..100 + n_cases(12) {
            let mode = if seed % 3 == 2 { gateway() } else { Mode::Host };
            let mut backend = open(&mode);
            let mut scenario = Scenario::new(seed, mode);
            backend.load(&Ruleset::new()).unwrap();
            for group in 0..20 {
                let mut changes = Vec::new();
                let n_commands = 1 + scenario.random.below(24);
                for _ in 0..n_commands {
                    match scenario.step() {
                        Told::Apply(more) => changes.extend(more),
                        Told::Load(rules) => {
                            changes.clear();
                            backend.load(&rules).unwrap();
                        }
                    }
                }
                backend.apply(&changes).unwrap_or_else(|error| panic!("{seed}, {group}: {error}"));
                assert!(backend.holds(&scenario.ruleset()).unwrap(), "{seed}, {group}: {}", nft("list ruleset"));
            }
            backend.remove().unwrap();
        }
    }

    fn a_restart_finds_what_there_is_and_mends_what_is_not() {
        let mut scenario = Scenario::new(7, Mode::Host);
        (0..60).for_each(|_| drop(scenario.step()));
        let rules = scenario.ruleset();
        assert!(rules.len() > 20);
        open(&Mode::Host).load(&rules).unwrap();
        let handles = nft("-a list table inet openc2");
        let mut again = open(&Mode::Host);
        assert!(again.holds(&rules).unwrap());
        again.load(&rules).unwrap();
        assert_eq!(nft("-a list table inet openc2"), handles, "nothing was made anew");
        for foreign in [
            "add rule inet openc2 in4 accept",
            "insert rule inet openc2 input drop",
            "flush chain inet openc2 rejected",
            "add chain inet openc2 foreign",
            "add set inet openc2 foreign { type ipv4_addr; }",
            "flush map inet openc2 in4-from",
            "add element inet openc2 port-protocols { 1 }",
            "delete table inet openc2",
        ] {
            nft(foreign);
            assert!(!again.holds(&rules).unwrap(), "{foreign}");
            open(&Mode::Host).load(&rules).unwrap();
            assert!(again.holds(&rules).unwrap(), "{foreign}");
        }
    }

    fn what_belongs_to_others_is_left_alone() {
        nft("add table inet foreign");
        nft("add chain inet foreign input { type filter hook input priority 0; policy drop; }");
        nft("add rule inet foreign input tcp dport 22 accept");
        let before = nft("list table inet foreign");
        let mut backend = open(&Mode::Host);
        backend.load(&Ruleset::new()).unwrap();
        assert_eq!(nft("list table inet foreign"), before);
        backend.remove().unwrap();
        backend.remove().unwrap();
        assert_eq!(nft("list tables"), "table inet foreign\n");
        assert_eq!(nft("list table inet foreign"), before);
    }

    fn a_change_that_is_refused_leaves_everything_and_names_its_rule() {
        let mut scenario = Scenario::new(3, Mode::Host);
        let mut backend = open(&Mode::Host);
        backend.load(&scenario.ruleset()).unwrap();
        for _ in 0..40 {
            if let Told::Apply(changes) = scenario.step() {
                backend.apply(&changes).unwrap();
            } else {
                backend.load(&scenario.ruleset()).unwrap();
            }
        }
        let rules = scenario.ruleset();
        let changes = loop {
            match scenario.step() {
                Told::Apply(changes) if changes.iter().any(|change| matches!(change, Change::Insert(_))) => break changes,
                Told::Apply(changes) if changes.is_empty() => {}
                _ => return,
            }
        };
        nft("delete table inet openc2");
        let error = backend.apply(&changes).unwrap_err();
        assert!(matches!(error, BackendError::Refused { .. }) && error.left_unchanged(), "{error}");
        let number = changes[0].rule().number();
        assert!(error.to_string().contains(&format!("for rule {number}")), "{error}");
        assert_eq!(nft("list tables"), "");
        backend.load(&rules).unwrap();
        backend.apply(&changes).unwrap();
        assert!(backend.holds(&scenario.ruleset()).unwrap());
    }

    /// A new map is made for some ten thousand.
    fn a_map_takes_as_many_elements_as_there_are_rules() {
        let mut backend = open(&Mode::Host);
        backend.load(&Ruleset::new()).unwrap();
        let rules: Ruleset = (0..30_000).map(address).collect();
        let inserts: Vec<_> = rules.iter().cloned().map(Change::Insert).collect();
        inserts.chunks(1_000).for_each(|some| backend.apply(some).unwrap());
        assert!(backend.holds(&rules).unwrap());
        let more: Vec<_> = (30_000..50_000).map(address).map(Change::Insert).collect();
        backend.load(&rules).unwrap();
        more.chunks(1_000).for_each(|some| backend.apply(some).unwrap());
        assert!(nft("list map inet openc2 in4-from32").contains("10.0.195.79"));
    }

    fn packets_that_no_rule_is_about_are_asked_for_in_maps_that_hold_something_only() {
        let mut backend = open(&Mode::Host);
        backend.load(&Ruleset::new()).unwrap();
        let chain = |name: &str| {
            let listed = nft(&format!("list chain inet openc2 {name}"));
            listed.lines().filter(|line| line.contains("goto")).count()
        };
        assert_eq!(["in4", "in6", "out4", "out6"].map(chain), [0; 4]);
        let change = Change::Insert(address(1));
        backend.apply(std::slice::from_ref(&change)).unwrap();
        assert_eq!(["in4", "in6", "out4", "out6"].map(chain), [1, 0, 0, 0]);
        backend.apply(&[change.inverse()]).unwrap();
        open(&Mode::Host).load(&Ruleset::new()).unwrap();
        assert_eq!(["in4", "in6", "out4", "out6"].map(chain), [0; 4]);
    }

    fn nothing_is_changed_before_the_first_load() {
        assert!(matches!(open(&Mode::Host).apply(&[]), Err(BackendError::Unsynced)));
        assert_eq!(nft("list tables"), "");
    }

    fn two_prefixes_are_two_tables() {
        let with = |prefix: &str| {
            let config = Config { chain_prefix: prefix.parse().unwrap(), ..Config::default() };
            Nftables::open(&config).unwrap()
        };
        let (mut one, mut other) = (with("OC2"), with("FW-1"));
        one.load(&Ruleset::new()).unwrap();
        other.load(&Ruleset::new()).unwrap();
        assert_eq!(nft("list tables"), "table inet openc2\ntable inet openc2-fw-1\n");
        one.remove().unwrap();
        assert!(other.holds(&Ruleset::new()).unwrap());
        ip("link set lo up");
    }
}

/// That nothing comes in from an address.
fn address(i: u32) -> InForce {
    let net = Network::from(IpAddr::from((0x0a00_0000 + i).to_be_bytes()));
    let matching = Matching { source: Some(net), ..Matching::default() };
    let rule = KernelRule::new(Family::V4, Hook::Input, matching, Verdict::Drop).unwrap();
    InForce::new(RuleNumber::new(i.into()).unwrap(), [rule])
}

fn open(mode: &Mode) -> Nftables {
    Nftables::open(&Config { mode: mode.clone(), ..Config::default() }).unwrap()
}

fn gateway() -> Mode {
    let interface = |name: &str| -> Interface { name.parse().unwrap() };
    Mode::Gateway(Outside::new(vec![interface("eth0"), interface("ppp0")]).unwrap())
}
