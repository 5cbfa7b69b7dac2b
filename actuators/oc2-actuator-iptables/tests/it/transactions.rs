use oc2_actuator_iptables::backend::{BackendConfig, Restore};
use oc2_actuator_iptables::testing;
use oc2_packet_filter::backend::{Backend, BackendError};
use oc2_packet_filter::{
    Change, Family, Flavor, Hook, IcmpKind, InForce, KernelRule, Matching, Ports, Protocol, Ruleset, Verdict,
};

use crate::support::{
    Host, Random, delete, delete_port, end_tools, first_shard, insert, insert_port, network, numbered, ports, rule, tcp,
};

on_every_flavor! {
    fn rules_come_and_go_by_number(host) {
        let mut backend = host.loaded(&ports(&[1, 2, 3]));
        backend.apply(&[insert_port(5, 10)]).unwrap();
        backend.apply(&[insert_port(15, 11)]).unwrap();
        backend.apply(&[insert_port(35, 12)]).unwrap();
        assert!(backend.holds(&ports(&[10, 1, 11, 2, 3, 12])).unwrap());
        backend.apply(&[delete_port(10, 1)]).unwrap();
        backend.apply(&[delete_port(35, 12), delete_port(5, 10)]).unwrap();
        assert!(backend.holds(&ports(&[11, 2, 3])).unwrap());
        assert!(!backend.holds(&ports(&[2, 11, 3])).unwrap());
    }

    fn of_equal_rules_the_one_with_the_number_goes(host) {
        let mut backend = host.loaded(&ports(&[1, 2, 1, 3, 1]));
        backend.apply(&[delete_port(30, 1)]).unwrap();
        assert!(backend.holds(&ports(&[1, 2, 3, 1])).unwrap());
        backend.apply(&[delete_port(10, 1)]).unwrap();
        assert!(backend.holds(&ports(&[2, 3, 1])).unwrap());
    }

    /// Told as it is, this fails with the nft flavor of 1.8.9.
    fn a_rule_may_go_that_another_was_placed_by_in_the_same_transaction(host) {
        let mut backend = host.loaded(&ports(&[1, 2]));
        backend.apply(&[insert_port(15, 8), insert_port(14, 9), delete_port(15, 8)]).unwrap();
        assert!(backend.holds(&ports(&[1, 9, 2])).unwrap());
    }

    fn many_changes_in_one_transaction_are_what_they_are_one_by_one(host) {
        let mut backend = host.loaded(&Ruleset::new());
        let mut expected = Ruleset::new();
        let mut random = Random(1);
        for round in 0..200 {
            let changes = random_changes(&mut random, &expected);
            expected.apply(&changes).unwrap();
            backend.apply(&changes).unwrap();
            assert!(round % 10 != 9 || backend.holds(&expected).unwrap(), "round {round}: {changes:?}");
        }
        assert!(backend.holds(&expected).unwrap());
    }

    fn every_kind_of_rule_is_taken_listed_as_written_and_found_again(host) {
        let mut backend = Restore::open(&BackendConfig { gateway: true, ..host.config() }).unwrap();
        backend.load(&Ruleset::new()).unwrap();
        let mut kinds: Vec<KernelRule> = Family::ALL.into_iter().flat_map(every_kind).collect();
        let sctp = kinds.iter().find(|&rule| needs_xt_sctp(rule)).unwrap();
        if let Err(error) = backend.apply(&[insert(1, sctp.clone())]) {
            testing::note(&format!("this kernel has no xt_sctp: {error}"));
            kinds.retain(|rule| !needs_xt_sctp(rule));
        }
        let expected = numbered(kinds);
        backend.load(&expected).unwrap();
        assert!(backend.holds(&expected).unwrap());
        backend.load(&Ruleset::new()).unwrap();
        for rule in expected.iter().rev() {
            backend.apply(&[Change::Insert(rule.clone())]).unwrap();
        }
        assert!(backend.holds(&expected).unwrap());
        let mut left = expected.clone();
        let is_accept = |rule: &InForce| rule.kernel_rules()[0].verdict() == Verdict::Accept;
        for rule in expected.iter().rev().filter(|rule| !is_accept(rule)) {
            let change = [Change::Delete(rule.clone())];
            left.apply(&change).unwrap();
            backend.apply(&change).unwrap();
        }
        assert!(backend.holds(&left).unwrap());
    }

    fn a_transaction_with_one_bad_line_changes_nothing(host) {
        let mut backend = host.loaded(&ports(&[1, 2, 3]));
        host.iptables(Family::V4, &format!("-D {} 2", first_shard(host)));
        let error = backend.apply(&[insert_port(5, 9), delete_port(20, 2), insert_port(4, 8)]).unwrap_err();
        assert!(matches!(error, BackendError::Refused { family: Some(Family::V4), .. }), "{error}");
        assert!(error.left_unchanged());
        assert!(host.open().holds(&ports(&[1, 3])).unwrap());
        backend.apply(&[insert_port(5, 9)]).unwrap();
        assert!(backend.holds(&ports(&[9, 1, 2, 3])).unwrap(), "what others did is mended on the way");
    }

    fn changes_that_do_not_fit_never_reach_the_kernel(host) {
        let mut backend = host.loaded(&ports(&[1]));
        for changes in [[insert_port(5, 9), insert_port(10, 9)], [insert_port(5, 9), delete_port(6, 9)]] {
            let error = backend.apply(&changes).unwrap_err();
            assert!(matches!(error, BackendError::Mismatch(_)), "{error}");
            assert!(error.left_unchanged());
        }
        backend.apply(&[insert_port(20, 2)]).unwrap();
        assert!(backend.holds(&ports(&[1, 2])).unwrap());
    }

    fn ipv4_gets_back_what_it_had_when_ipv6_refuses(host) {
        let both = |port| Family::ALL.map(|family| tcp(family, Hook::Input, port));
        let before = numbered(both(1).into_iter().chain(both(2)));
        let mut backend = host.loaded(&before);
        host.iptables(Family::V6, &format!("-D {} 1", first_shard(host).replace("-4I", "-6I")));
        let of_v4 = || host.iptables(Family::V4, "-S").replace(&first_shard(host), "SHARD");
        let had = of_v4();
        let [v4, v6] = both(9);
        let [old_v4, old_v6] = both(1);
        let error =
            backend.apply(&[insert(50, v6), insert(5, v4), delete(10, old_v4), delete(20, old_v6)]).unwrap_err();
        assert!(matches!(error, BackendError::Refused { family: Some(Family::V6), .. }), "{error}");
        assert_eq!(of_v4(), had);
        assert!(backend.holds(&before).unwrap());
        backend.apply(&[delete(10, both(1)[0].clone())]).unwrap();
    }

    fn when_ipv4_cannot_get_back_what_it_had_only_a_load_helps(host) {
        let lister = host.tool(Family::V4, "");
        let sabotage = format!(
            "test -e ${{0%/*}}/sabotage || exec REAL \"$@\"
            read probe; echo \"$probe\"
            while read line; do test \"$line\" != COMMIT || {{ rm ${{0%/*}}/{}; echo no >&2; exit 1; }}; done",
            lister.file_name().unwrap().to_str().unwrap()
        );
        let tools = host.tools_with(Family::V6, &sabotage);
        let mut backend = Restore::open(&BackendConfig { tool_dirs: vec![tools.path().into()], ..host.config() }).unwrap();
        backend.load(&Ruleset::new()).unwrap();
        std::fs::write(tools.path().join("sabotage"), "").unwrap();
        end_tools();
        let [v4, v6] = Family::ALL.map(|family| tcp(family, Hook::Input, 1));
        let error = backend.apply(&[insert(1, v4), insert(2, v6)]).unwrap_err();
        assert!(matches!(error, BackendError::HalfApplied { .. }), "{error}");
        assert!(!error.left_unchanged());
        assert!(matches!(backend.apply(&[]), Err(BackendError::Unsynced)));
        std::fs::remove_file(tools.path().join("sabotage")).unwrap();
        std::os::unix::fs::symlink(&lister, tools.path().join(lister.file_name().unwrap())).unwrap();
        backend.load(&ports(&[1])).unwrap();
        assert!(backend.holds(&ports(&[1])).unwrap());
    }

    fn nothing_is_applied_before_the_first_load(host) {
        let mut backend = host.open();
        assert!(matches!(backend.apply(&[insert_port(1, 1)]), Err(BackendError::Unsynced)));
    }

    /// More than one COMMIT would be a moment with half of the rules.
    fn thousands_of_rules_are_one_transaction(host) {
        if is_user_namespace() {
            return testing::note("in a user namespace the nft flavor may not widen the buffer of its socket");
        }
        let many: Vec<u16> = (1..=5_000).collect();
        let mut backend = host.loaded(&ports(&many));
        assert!(backend.holds(&ports(&many)).unwrap());
        let changes: Vec<Change> = many.iter().rev().map(|&port| delete_port(10 * i64::from(port), port)).collect();
        backend.apply(&changes).unwrap();
        assert!(backend.holds(&Ruleset::new()).unwrap());
        let changes: Vec<Change> = many.iter().map(|&port| insert_port(-i64::from(port), port)).collect();
        backend.apply(&changes).unwrap();
        let newest_first: Vec<u16> = many.into_iter().rev().collect();
        assert!(backend.holds(&ports(&newest_first)).unwrap());
    }
}

fn random_changes(random: &mut Random, held: &Ruleset) -> Vec<Change> {
    let mut held = held.clone();
    let mut changes = Vec::new();
    for _ in 0..1 + random.below(12) {
        let change = if held.is_empty() || random.below(9) < if held.len() < 400 { 5 } else { 1 } {
            let rule = tcp(Family::ALL[random.below(2)], Hook::ALL[random.below(2)], random.below(20) as u16);
            insert(random.below(1_000_000) as i64, rule)
        } else {
            Change::Delete(held.iter().nth(random.below(held.len())).unwrap().clone())
        };
        if held.apply(std::slice::from_ref(&change)).is_ok() {
            changes.push(change);
        }
    }
    changes
}

fn every_kind(family: Family) -> Vec<KernelRule> {
    let ports = |src_port, dst_port| Ports { src_port, dst_port };
    let icmp = |kind, code| Protocol::Icmp(Some(IcmpKind::new(kind, code).unwrap()));
    let of_ports: [fn(Ports) -> Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
    let with_ports = of_ports.iter().flat_map(|protocol| {
        [(None, None), (Some(0), None), (None, Some(65535)), (Some(1), Some(2))]
            .map(|(src, dst)| protocol(ports(src, dst)))
    });
    let icmps = [
        Protocol::Icmp(None),
        icmp(0, None),
        icmp(8, Some(0)),
        icmp(3, Some(255)),
        icmp(254, Some(1)),
        icmp(128, None),
    ];
    let of_protocols = with_ports.chain(icmps).flat_map(|protocol| {
        [Verdict::Drop, Verdict::Accept, Verdict::Reject].map(|verdict| {
            let matching = Matching { protocol: Some(protocol), ..Matching::default() };
            rule(family, Hook::Input, matching, verdict)
        })
    });
    let networks = match family {
        Family::V4 => ["192.0.2.7", "10.0.0.0/9", "128.0.0.0/1", "0.0.0.0/0", "255.255.255.255"],
        Family::V6 => ["2001:db8::/32", "::1.2.3.4", "::ffff:1.2.3.4", "fe80::/10", "1:0:0:2::3"],
    };
    let of_networks = networks.into_iter().flat_map(|text| {
        let source = Matching { source: network(text), ..Matching::default() };
        let destination = Matching { destination: network(text), ..Matching::default() };
        [source, destination].map(|matching| rule(family, Hook::Output, matching, Verdict::Accept))
    });
    let lo = Some("lo".parse().unwrap());
    let long = Some("a.b-c_d@1234567".parse().unwrap());
    let whole = Matching {
        source: network(networks[0]),
        destination: network(networks[1]),
        protocol: Some(Protocol::Udp(ports(Some(53), Some(53)))),
        in_interface: lo,
        out_interface: long,
    };
    let nothing = rule(family, Hook::Forward, Matching::default(), Verdict::Reject);
    let whole = rule(family, Hook::Forward, whole, Verdict::Drop);
    of_protocols.chain(of_networks).chain([nothing, whole]).collect()
}

fn needs_xt_sctp(rule: &KernelRule) -> bool {
    matches!(rule.matching().protocol, Some(Protocol::Sctp(ports)) if ports != Ports::default())
}

fn is_user_namespace() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap();
    map.split_whitespace().nth(2) != Some("4294967295")
}
