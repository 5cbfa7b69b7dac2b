use oc2_packet_filter::{Family, Flavor};
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

    fn a_foreign_flush_is_seen_and_put_right_by_a_change_that_meets_it(flavor) {
        let firewall = Firewall::real(flavor);
        fill(&firewall);
        iptables(flavor, Family::V4, "-F OC2-INPUT");
        assert!(!firewall.kernel_agrees());
        firewall.send(&Slpf::delete(oc2_profile_slpf::RuleNumber::new(5).unwrap()).build().unwrap()).unwrap();
        assert!(firewall.kernel_agrees());
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
