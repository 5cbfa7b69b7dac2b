use std::process::Command;

use oc2_actuator_iptables::testing;
use oc2_packet_filter::backend::{Backend, BackendError};
use oc2_packet_filter::{Family, Flavor};

use crate::support::{Host, delete_port, insert_port, ports};

on_every_flavor! {
    fn what_belongs_to_others_survives_everything(host) {
        for family in Family::ALL {
            for args in [
                "-P FORWARD DROP",
                "-N THEIRS",
                "-A THEIRS -p tcp -m tcp --dport 22 -j ACCEPT",
                "-A INPUT -i lo -j ACCEPT",
                "-A INPUT -j THEIRS",
                "-A OUTPUT -m state --state ESTABLISHED -j ACCEPT",
                "-A FORWARD -j REJECT",
                "-t mangle -A PREROUTING -p udp -j MARK --set-mark 1",
            ] {
                host.iptables(family, args);
            }
        }
        let before = theirs(host);
        let mut backend = host.loaded(&ports(&[1, 2]));
        backend.apply(&[insert_port(5, 9), delete_port(20, 2)]).unwrap();
        assert_eq!(theirs(host), before);
        host.iptables(Family::V4, "-F OC2-4I1");
        backend.apply(&[delete_port(10, 1)]).unwrap_err();
        assert_eq!(theirs(host), before);
        backend.load(&ports(&[1, 2, 3])).unwrap();
        assert_eq!(theirs(host), before);
        backend.remove().unwrap();
        assert_eq!(theirs(host), before);
    }

    fn a_delete_after_a_foreign_flush_is_refused_and_a_load_puts_right(host) {
        let mut backend = host.loaded(&ports(&[1, 2]));
        host.iptables(Family::V4, "-F OC2-4I1");
        let error = backend.apply(&[delete_port(10, 1)]).unwrap_err();
        assert!(matches!(error, BackendError::Refused { .. }), "{error}");
        assert!(!backend.holds(&ports(&[1, 2])).unwrap());
        backend.load(&ports(&[2])).unwrap();
        assert!(backend.holds(&ports(&[2])).unwrap());
        backend.apply(&[delete_port(10, 2)]).unwrap();
    }

    fn a_foreign_rule_in_our_chain_does_not_make_a_delete_hit_another(host) {
        let mut backend = host.loaded(&ports(&[1, 2, 3]));
        host.iptables(Family::V4, "-I OC2-4I1 1 -j RETURN");
        backend.apply(&[delete_port(20, 2)]).unwrap();
        host.iptables(Family::V4, "-D OC2-4I1 1");
        assert!(backend.holds(&ports(&[1, 3])).unwrap());
    }

    fn chains_that_were_deleted_are_made_again(host) {
        let mut backend = host.loaded(&ports(&[1]));
        for family in Family::ALL {
            host.iptables(family, "-F");
            host.iptables(family, "-X");
        }
        let error = backend.apply(&[insert_port(5, 2)]).unwrap_err();
        assert!(matches!(error, BackendError::Refused { .. }), "{error}");
        backend.load(&ports(&[2, 1])).unwrap();
        assert!(backend.holds(&ports(&[2, 1])).unwrap());
    }

    fn a_foreign_rule_that_leads_to_us_keeps_our_chain(host) {
        let mut backend = host.loaded(&ports(&[1]));
        host.iptables(Family::V4, "-A INPUT -i lo -j OC2-INPUT");
        let error = backend.remove().unwrap_err();
        assert!(matches!(error, BackendError::Refused { .. }), "{error}");
        host.iptables(Family::V4, "-D INPUT -i lo -j OC2-INPUT");
        backend.remove().unwrap();
    }
}

/// A table that iptables as a whole cannot list.
#[test]
fn chains_in_the_language_of_nft_do_not_disturb() {
    crate::support::run("it::foreign::chains_in_the_language_of_nft_do_not_disturb", Flavor::Nft, |host| {
        if !nft("add table ip filter") {
            return testing::note("nft is not installed");
        }
        for command in [
            "add set ip filter blocked { type ipv4_addr ; }",
            "add chain ip filter theirs { type filter hook input priority 5 ; }",
            "add rule ip filter theirs ip saddr @blocked log prefix theirs drop",
            "add rule ip filter theirs ip ttl 3 meta mark set 1",
        ] {
            assert!(nft(command), "{command}");
        }
        let before = nft_chain("theirs");
        let mut backend = host.loaded(&ports(&[1]));
        backend.apply(&[insert_port(20, 2), delete_port(10, 1)]).unwrap();
        assert!(backend.holds(&ports(&[2])).unwrap());
        assert!(nft("add rule ip filter INPUT ip saddr @blocked drop"));
        assert!(nft("add rule ip filter INPUT ip ttl 3 meta mark set 1"));
        backend.load(&ports(&[2, 3])).unwrap();
        assert!(backend.holds(&ports(&[2, 3])).unwrap());
        backend.remove().unwrap();
        assert_eq!(nft_chain("theirs"), before);
        assert!(nft_chain("INPUT").contains("ip saddr @blocked drop"));
    });
}

/// Behind a rule that it cannot express, iptables sees nothing: our hook there is lost to us, and a new one is made.
#[test]
fn a_rule_that_iptables_cannot_express_does_not_keep_us_from_the_top() {
    crate::support::run(
        "it::foreign::a_rule_that_iptables_cannot_express_does_not_keep_us_from_the_top",
        Flavor::Nft,
        |host| {
            let mut backend = host.loaded(&ports(&[1]));
            if !nft("insert rule ip filter INPUT ip ttl 3 meta mark set 1") {
                return testing::note("nft is not installed");
            }
            assert!(!backend.holds(&ports(&[1])).unwrap());
            backend.load(&ports(&[2, 3])).unwrap();
            assert!(backend.holds(&ports(&[2, 3])).unwrap());
            let chain = nft_chain("INPUT");
            assert!(chain.find("jump OC2-INPUT").unwrap() < chain.find("ip ttl 3").unwrap(), "{chain}");
        },
    );
}

/// Everything that is not ours, in all tables.
fn theirs(host: &Host) -> Vec<String> {
    let mut lines = Vec::new();
    for family in Family::ALL {
        for table in ["filter", "mangle"] {
            lines.extend(host.iptables(family, &format!("-t {table} -S")).lines().map(str::to_owned));
        }
    }
    lines.retain(|line| !line.contains("OC2-"));
    lines
}

fn nft(command: &str) -> bool {
    Command::new("nft").args(command.split(' ')).output().is_ok_and(|output| output.status.success())
}

fn nft_chain(chain: &str) -> String {
    let output = Command::new("nft").args(["list", "chain", "ip", "filter", chain]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
