use oc2_core::types::time::DateTime;
use oc2_netlink::{Attributes, Header, Socket, Writer};
use oc2_packet_filter::backend::{Backend, BackendError};
use oc2_packet_filter::{Change, Family, Flavor, Hook, InForce, Matching, Ruleset, Verdict};
use oc2_profile_slpf::RuleNumber;

use crate::support::{Host, delete, first_shard, in_force, network, rule, tcp};

on_every_flavor! {
    fn an_address_among_many_is_a_member_and_no_rule(host) {
        let rules: Ruleset = (1..=250).map(|i| address(i, &format!("192.0.2.{i}"))).collect();
        let mut backend = host.loaded(&rules);
        assert_eq!(members(&mut backend), [250]);
        let before = host.iptables(Family::V4, "-S");
        backend.apply(&[Change::Insert(address(-1, "198.51.100.0/24"))]).unwrap();
        backend.apply(&[Change::Delete(address(7, "192.0.2.7"))]).unwrap();
        assert_eq!((host.iptables(Family::V4, "-S"), members(&mut backend)), (before, vec![250]));
        let mut expected = rules;
        let changes = [Change::Insert(address(-1, "198.51.100.0/24")), Change::Delete(address(7, "192.0.2.7"))];
        expected.apply(&changes).unwrap();
        assert!(backend.holds(&expected).unwrap());
        assert!(host.open().holds(&expected).unwrap());
        backend.remove().unwrap();
        assert_eq!(members(&mut backend), [0; 0]);
    }

    fn what_others_do_to_a_set_is_seen_and_a_load_puts_it_right(host) {
        let rules: Ruleset = (1..=3).map(|i| address(i, &format!("192.0.2.{i}"))).collect();
        let mut backend = host.loaded(&rules);
        ask(FLUSH, |w| w.put_text(2, "OC2-4I1"));
        assert!(!backend.holds(&rules).unwrap());
        let error = backend.apply(&[Change::Delete(address(1, "192.0.2.1"))]).unwrap_err();
        assert!(matches!(error, BackendError::Refused { family: Some(Family::V4), .. }), "{error}");
        assert!(error.to_string().contains("set OC2-4I1"), "{error}");
        backend.load(&rules).unwrap();
        assert!(backend.holds(&rules).unwrap());
        backend.apply(&[Change::Delete(address(1, "192.0.2.1"))]).unwrap();
    }

    fn members_are_taken_back_when_a_rule_is_refused(host) {
        let v6 = tcp(Family::V6, Hook::Input, 1);
        let before: Ruleset =
            [address(1, "192.0.2.1"), in_force(2, v6.clone()), in_force(3, v6.clone())].into_iter().collect();
        let mut backend = host.loaded(&before);
        let shard = host.iptables(Family::V6, "-S OC2-INPUT");
        let shard = shard.lines().find_map(|line| line.strip_prefix("-A OC2-INPUT -j ")).unwrap();
        host.iptables(Family::V6, &format!("-F {shard}"));
        let error = backend.apply(&[Change::Insert(address(4, "192.0.2.4")), delete(2, v6)]).unwrap_err();
        assert!(matches!(error, BackendError::Refused { family: Some(Family::V6), .. }), "{error}");
        assert_eq!(members(&mut backend), [1]);
        assert!(backend.holds(&before).unwrap());
        backend.apply(&[Change::Insert(address(4, "192.0.2.4"))]).unwrap();
        assert_eq!(members(&mut backend), [2]);
    }

    /// The engine ends windows. This is for when there is no engine any more.
    fn the_kernel_ends_a_window_by_itself_but_not_before_its_time(host) {
        let mut backend = host.loaded(&Ruleset::new());
        let now = DateTime::now();
        let stop = DateTime::from_millis(now.as_millis() + 500_000).unwrap();
        backend.apply(&[Change::Insert(address(1, "192.0.2.1").until(Some(stop)))]).unwrap();
        let left = timeouts("OC2-4I1");
        assert!(matches!(left[..], [500..=561]), "{left:?}");
        backend.apply(&[Change::Insert(address(2, "192.0.2.1"))]).unwrap();
        assert_eq!(timeouts("OC2-4I1"), [0], "another rule about it has no end");
    }

    fn a_connection_stands_in_a_chain(host) {
        let mut backend = host.loaded(&Ruleset::new());
        backend.apply(&[Change::Insert(in_force(1, tcp(Family::V4, Hook::Input, 7)))]).unwrap();
        let shard = first_shard(host);
        assert!(host.iptables(Family::V4, &format!("-S {shard}")).contains("--dport 7 -j DROP"));
    }
}

/// `deny` of a net, in.
fn address(number: i64, net: &str) -> InForce {
    let ends = [
        Matching { source: network(net), ..Matching::default() },
        Matching { destination: network(net), ..Matching::default() },
    ];
    let rules = ends.map(|matching| rule(Family::V4, Hook::Input, matching, Verdict::Drop));
    InForce::new(RuleNumber::new(number).unwrap(), rules)
}

/// How many members each set for IPv4 has.
fn members(backend: &mut oc2_actuator_iptables::backend::Restore) -> Vec<usize> {
    backend.list().unwrap().v4.sets().map(|(_, nets)| nets.len()).collect()
}

/// What is left of the time of each member of a set, in seconds; 0 is for ever.
fn timeouts(set: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let header = |sequence| Header { kind: IPSET | LIST, flags: 0x301, sequence, family: 2, resource: 0 };
    let write = |w: &mut Writer| {
        w.put(1, &[6]);
        w.put_text(2, set);
    };
    let hear = |message: &oc2_netlink::Message<'_>| {
        let members = Attributes::of(message).nested(8).into_iter().flat_map(Attributes::iter);
        found.extend(members.map(|(_, member)| Attributes(member).u32(6).unwrap()));
    };
    Socket::open(0).unwrap().list(header, write, hear).unwrap();
    found
}

/// What a foreign hand does.
fn ask(kind: u16, write: impl FnOnce(&mut Writer)) {
    let header = |sequence| Header { kind: IPSET | kind, flags: 5, sequence, family: 2, resource: 0 };
    let write = |w: &mut Writer| {
        w.put(1, &[6]);
        write(w);
    };
    Socket::open(0).unwrap().ask(header, write).unwrap();
}

const IPSET: u16 = 6 << 8;
const FLUSH: u16 = 4;
const LIST: u16 = 7;
