use std::time::{Duration, Instant};

use oc2_packet_filter::{Config, Drift, Family, Flavor};
use oc2_profile_slpf::Slpf;

use crate::support::{Firewall, command, iptables};

on_every_flavor! {
    // SLPF-035, SLPF-036, S12
    fn the_kernel_holds_what_the_store_holds_after_a_restart(flavor) {
        let mut firewall = Firewall::real(flavor);
        fill(&firewall);
        let [_, ours] = [Family::V4, Family::V6].map(|family| iptables(flavor, family, "-S"));
        firewall.restart();
        assert_eq!(firewall.numbers(), [5, 999_970, 999_990]);
        assert!(firewall.kernel_agrees());
        assert_ne!(iptables(flavor, Family::V6, "-S"), ours, "the rule that is not persistent is gone");
    }

    /// What was in the chains when nobody looked after them does not matter.
    fn a_start_puts_right_what_others_did_meanwhile(flavor) {
        let mut firewall = Firewall::real(flavor);
        fill(&firewall);
        firewall.block_on(firewall.actuator().close());
        iptables(flavor, Family::V4, "-F");
        iptables(flavor, Family::V4, "-X");
        iptables(flavor, Family::V6, "-A OC2-INPUT -j DROP");
        iptables(flavor, Family::V6, "-D INPUT -j OC2-INPUT");
        firewall.restart();
        assert!(firewall.kernel_agrees());
    }

    fn rules_stay_in_the_kernel_when_the_actuator_ends(flavor) {
        let firewall = Firewall::real(flavor);
        fill(&firewall);
        let before = Family::ALL.map(|family| iptables(flavor, family, "-S"));
        firewall.block_on(firewall.actuator().close());
        assert_eq!(Family::ALL.map(|family| iptables(flavor, family, "-S")), before);
    }

    fn a_foreign_flush_that_is_left_is_put_right_by_a_change_that_meets_it(flavor) {
        let firewall = Firewall::open(Config { flavor, drift: Drift::Leave, ..Config::default() });
        fill(&firewall);
        iptables(flavor, Family::V4, &format!("-F {}", shard(flavor)));
        assert!(!firewall.kernel_agrees());
        firewall.send(&Slpf::delete(oc2_profile_slpf::RuleNumber::new(5).unwrap()).build().unwrap()).unwrap();
        assert!(firewall.kernel_agrees());
    }

    fn what_others_change_in_our_chains_is_noticed_counted_and_mended(flavor) {
        let firewall = Firewall::open(Config { flavor, drift_interval: 1, ..Config::default() });
        fill(&firewall);
        for (n, change) in [
            (1, "-F OC2-INPUT".to_owned()),
            (2, "-I INPUT 1 -j ACCEPT".to_owned()),
            (3, format!("-D {} 1", shard(flavor))),
        ] {
            iptables(flavor, Family::V4, &change);
            wait_until(&firewall, |firewall| firewall.actuator().n_drifts() == n && firewall.kernel_agrees());
        }
        firewall.number(&command(r#"{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"}}"#));
        iptables(flavor, Family::V4, "-N THEIRS");
        assert_eq!(firewall.actuator().n_drifts(), 3, "neither what others do elsewhere nor what we do counts");
    }

    fn what_others_change_is_left_if_that_is_wanted(flavor) {
        let firewall = Firewall::open(Config { flavor, drift: Drift::Leave, drift_interval: 1, ..Config::default() });
        fill(&firewall);
        iptables(flavor, Family::V6, "-D INPUT -j OC2-INPUT");
        wait_until(&firewall, |firewall| firewall.actuator().n_drifts() > 0);
        assert!(!firewall.kernel_agrees());
    }
}

/// The first chain that ours for IPv4 INPUT leads to.
fn shard(flavor: Flavor) -> String {
    let printed = iptables(flavor, Family::V4, "-S OC2-INPUT");
    printed.lines().find_map(|line| line.strip_prefix("-A OC2-INPUT -j ")).unwrap().to_owned()
}

fn wait_until(firewall: &Firewall, is_so: impl Fn(&Firewall) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so(firewall) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Four rules of both families, one placed, one not persistent.
fn fill(firewall: &Firewall) {
    for json in [
        r#"{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"}}"#,
        r#"{"action":"deny","target":{"ipv6_net":"2001:db8::/32"},"args":{"slpf":{"persistent":false}}}"#,
        r#"{"action":"allow","target":{"ipv6_connection":{"protocol":"udp","dst_port":53}}}"#,
        r#"{"action":"deny","target":{"ipv4_connection":{"protocol":"icmp","src_port":8}},
            "args":{"response_requested":"complete","slpf":{"insert_rule":5,"drop_process":"reject"}}}"#,
    ] {
        firewall.number(&command(json));
    }
    assert!(firewall.kernel_agrees());
}
