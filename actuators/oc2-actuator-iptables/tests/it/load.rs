use oc2_actuator_iptables::backend::{BackendConfig, Restore};
use oc2_packet_filter::backend::{Backend, BackendError};
use oc2_packet_filter::{Family, Flavor, Hook, Ruleset};

use crate::support::{Host, insert, insert_port, numbered, ports, tcp};

on_every_flavor! {
    fn a_load_makes_chains_and_hooks_them_in_first(host) {
        for family in Family::ALL {
            host.iptables(family, "-A INPUT -i lo -j ACCEPT");
        }
        let rules = numbered(Family::ALL.into_iter().flat_map(|family| Hook::ALL.map(|hook| tcp(family, hook, 7))));
        let mut backend = host.loaded(&rules);
        for family in Family::ALL {
            assert_eq!(
                host.iptables(family, "-S INPUT"),
                "-P INPUT ACCEPT\n-A INPUT -j OC2-INPUT\n-A INPUT -i lo -j ACCEPT\n"
            );
            assert_eq!(host.iptables(family, "-S OUTPUT"), "-P OUTPUT ACCEPT\n-A OUTPUT -j OC2-OUTPUT\n");
            assert_eq!(host.iptables(family, "-S FORWARD"), "-P FORWARD ACCEPT\n");
        }
        assert!(backend.holds(&rules).unwrap());
    }

    fn a_load_replaces_what_was_there(host) {
        let mut backend = host.loaded(&ports(&[1, 2, 3]));
        host.iptables(Family::V4, "-A OC2-OUTPUT -j DROP");
        host.iptables(Family::V4, "-F OC2-REJECT");
        backend.load(&ports(&[4])).unwrap();
        assert!(backend.holds(&ports(&[4])).unwrap());
    }

    fn a_second_consumer_finds_what_the_first_left(host) {
        let first = host.loaded(&ports(&[1, 2, 3]));
        drop(first);
        let mut second = host.open();
        assert!(second.holds(&ports(&[1, 2, 3])).unwrap());
        second.load(&ports(&[2])).unwrap();
        second.apply(&[insert_port(20, 5)]).unwrap();
        assert!(second.holds(&ports(&[2, 5])).unwrap());
    }

    fn a_hook_that_was_moved_comes_back_to_the_top_and_is_one(host) {
        let mut backend = host.loaded(&Ruleset::new());
        for family in Family::ALL {
            host.iptables(family, "-I INPUT 1 -i lo -j ACCEPT");
            host.iptables(family, "-A INPUT -j OC2-INPUT");
            host.iptables(family, "-A INPUT -j OC2-INPUT");
            host.iptables(family, "-D OUTPUT -j OC2-OUTPUT");
        }
        let listing = backend.list().unwrap();
        assert_eq!(listing.v4.hooked_at(Hook::Input), [2, 3, 4]);
        assert!(!backend.holds(&Ruleset::new()).unwrap());
        backend.load(&Ruleset::new()).unwrap();
        assert!(backend.holds(&Ruleset::new()).unwrap());
        for family in Family::ALL {
            assert_eq!(
                host.iptables(family, "-S INPUT"),
                "-P INPUT ACCEPT\n-A INPUT -j OC2-INPUT\n-A INPUT -i lo -j ACCEPT\n"
            );
        }
    }

    fn only_a_gateway_has_a_hook_in_forward(host) {
        let gateway = BackendConfig { gateway: true, ..host.config() };
        let mut backend = Restore::open(&gateway).unwrap();
        backend.load(&Ruleset::new()).unwrap();
        assert_eq!(backend.list().unwrap().v6.hooked_at(Hook::Forward), [1]);
        drop(backend);
        let mut backend = host.open();
        assert!(!backend.holds(&Ruleset::new()).unwrap());
        backend.load(&Ruleset::new()).unwrap();
        assert!(backend.holds(&Ruleset::new()).unwrap());
        assert_eq!(host.iptables(Family::V6, "-S FORWARD"), "-P FORWARD ACCEPT\n");
    }

    fn consumers_with_two_prefixes_do_not_meet(host) {
        let other = BackendConfig { chain_prefix: "OC2-X".parse().unwrap(), ..host.config() };
        let mut other = Restore::open(&other).unwrap();
        other.load(&ports(&[9])).unwrap();
        let mut backend = host.loaded(&ports(&[1]));
        assert!(backend.holds(&ports(&[1])).unwrap());
        other.remove().unwrap();
        assert!(backend.holds(&ports(&[1])).unwrap());
    }

    fn what_is_removed_leaves_no_trace(host) {
        let empty = Family::ALL.map(|family| host.iptables(family, "-S"));
        let mut backend = host.open();
        backend.remove().unwrap();
        backend.load(&ports(&[1, 2])).unwrap();
        backend.remove().unwrap();
        assert_eq!(Family::ALL.map(|family| host.iptables(family, "-S")), empty);
        assert!(matches!(backend.apply(&[insert_port(1, 1)]), Err(BackendError::Unsynced)));
        backend.remove().unwrap();
        backend.load(&ports(&[3])).unwrap();
        assert!(backend.holds(&ports(&[3])).unwrap());
    }

    fn a_first_load_that_fails_for_ipv6_leaves_no_trace_in_ipv4(host) {
        let empty = host.iptables(Family::V4, "-S");
        let tools = host.tools_with(Family::V6, "echo 'no IPv6 here' >&2; exit 1");
        let mut backend = Restore::open(&BackendConfig { tool_dirs: vec![tools.path().into()], ..host.config() }).unwrap();
        let error = backend.load(&ports(&[1])).unwrap_err();
        assert_eq!(error.to_string(), "IPv6: refused: no IPv6 here");
        assert!(error.left_unchanged());
        assert_eq!(host.iptables(Family::V4, "-S"), empty);
        assert!(matches!(backend.apply(&[]), Err(BackendError::Unsynced)));
    }

    fn a_load_that_fails_for_ipv6_gives_ipv4_back_what_it_had(host) {
        drop(host.loaded(&ports(&[1, 2])));
        host.iptables(Family::V4, "-I INPUT 1 -i lo -j ACCEPT");
        host.iptables(Family::V4, "-A INPUT -j OC2-INPUT");
        host.iptables_output(Family::V4, &["-A", "OC2-INPUT", "-m", "comment", "--comment", "two  \"words\"", "-j", "RETURN"]);
        let before = host.iptables(Family::V4, "-S");
        let tools = host.tools_with(Family::V6, "exit 1");
        let mut backend = Restore::open(&BackendConfig { tool_dirs: vec![tools.path().into()], ..host.config() }).unwrap();
        let mut rules = ports(&[7, 8, 9]);
        rules.apply(&[insert(40, tcp(Family::V6, Hook::Input, 7))]).unwrap();
        assert!(backend.load(&rules).unwrap_err().left_unchanged());
        assert_eq!(host.iptables(Family::V4, "-S"), before);
    }

    fn a_load_whose_end_for_ipv6_is_not_known_asks_for_another(host) {
        let tools = host.tools_with(Family::V6, "read probe; echo \"$probe\"; read begin; kill -9 $$");
        let mut backend = Restore::open(&BackendConfig { tool_dirs: vec![tools.path().into()], ..host.config() }).unwrap();
        let error = backend.load(&ports(&[1])).unwrap_err();
        assert!(matches!(error, BackendError::Died { family: Some(Family::V6), .. }), "{error}");
        assert!(!error.left_unchanged());
        assert!(matches!(backend.apply(&[]), Err(BackendError::Unsynced)));
    }
}
