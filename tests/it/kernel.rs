//! Packets stop, pass, and stop again: the daemon, the Producer and a kernel in a namespace.

use std::fs;

use oc2_actuator_iptables::testing::in_namespace;
use serde_json::json;

use crate::harness::{Config, Daemon, Reach, reach, run, serve};

/// A namespace with addresses to deny, and a daemon in it.
fn firewall(config: &Config) -> Daemon {
    run("ip link set lo up");
    run("ip addr add 2001:db8::2/128 dev lo nodad");
    config.start()
}

fn iptables() -> Config {
    Config::new().slpf("iptables", "asset_id = \"30\"")
}

#[test]
fn a_deny_stops_packets_a_newer_allow_lets_them_pass_and_deletes_undo_both() {
    // SLPF-098, SLPF-105, SLPF-120, SLPF-157, S1
    in_namespace("kernel::a_deny_stops_packets_a_newer_allow_lets_them_pass_and_deletes_undo_both", || {
        let config = iptables();
        let daemon = firewall(&config);
        let _server = serve(7000);
        for (target, net, addr) in
            [("ipv4_net", "127.0.0.2/31", "127.0.0.2"), ("ipv6_net", "2001:db8::/64", "2001:db8::2")]
        {
            assert_eq!(reach(addr, 7000), Reach::Passes);
            let deny = daemon.command(&["deny", target, net]).expect(200).rule();
            assert_eq!(reach(addr, 7000), Reach::Dropped, "{net}");
            let allow = daemon.command(&["allow", target, addr]).expect(200).rule();
            assert_eq!(reach(addr, 7000), Reach::Passes, "{net}");
            daemon.command(&["delete", "slpf:rule_number", &allow]).expect(200);
            assert_eq!(reach(addr, 7000), Reach::Dropped, "{net}");
            daemon.command(&["delete", "slpf:rule_number", &deny]).expect(200);
            assert_eq!(reach(addr, 7000), Reach::Passes, "{net}");
            daemon
                .command(&["delete", "slpf:rule_number", &deny])
                .expect(500)
                .expect_text("firewall rule not removed or updated");
        }
    });
}

#[test]
fn the_same_with_nftables() {
    // SLPF-098, SLPF-105, SLPF-120, SLPF-157, S1
    in_namespace("kernel::the_same_with_nftables", || {
        for backend in ["nftables", "auto"] {
            let config = Config::new().slpf(backend, "");
            let daemon = firewall(&config);
            let _server = serve(7000);
            for (target, net, addr) in
                [("ipv4_net", "127.0.0.2/31", "127.0.0.2"), ("ipv6_net", "2001:db8::/64", "2001:db8::2")]
            {
                let deny = daemon.command(&["deny", target, net]).expect(200).rule();
                assert_eq!(reach(addr, 7000), Reach::Dropped, "{net}");
                let allow = daemon.command(&["allow", target, addr]).expect(200).rule();
                assert_eq!(reach(addr, 7000), Reach::Passes, "{net}");
                daemon.command(&["delete", "slpf:rule_number", &allow]).expect(200);
                assert_eq!(reach(addr, 7000), Reach::Dropped, "{net}");
                daemon.command(&["delete", "slpf:rule_number", &deny]).expect(200);
                assert_eq!(reach(addr, 7000), Reach::Passes, "{net}");
            }
            let tables = run("nft list tables");
            assert!(tables.contains("inet openc2"), "{tables}");
            run("ip addr del 2001:db8::2/128 dev lo");
        }
    });
}

#[test]
fn a_connection_is_denied_by_its_port_and_rejected_if_asked_for() {
    // SLPF-024, SLPF-084
    in_namespace("kernel::a_connection_is_denied_by_its_port_and_rejected_if_asked_for", || {
        let config = iptables();
        let daemon = firewall(&config);
        let (_one, _other) = (serve(7000), serve(7001));
        for target in ["ipv4_connection", "ipv6_connection"] {
            let args = ["deny", target, "--protocol", "tcp", "--dst-port", "7000", "--drop-process", "reject"];
            daemon.command(&args).expect(200);
        }
        for addr in ["127.0.0.1", "::1"] {
            assert_eq!((reach(addr, 7000), reach(addr, 7001)), (Reach::Rejected, Reach::Passes), "{addr}");
        }
    });
}

#[test]
fn rules_of_others_survive_whatever_we_do() {
    in_namespace("kernel::rules_of_others_survive_whatever_we_do", || {
        for tool in ["iptables", "ip6tables"] {
            run(&format!("{tool} -N ADMIN"));
            run(&format!("{tool} -A ADMIN -p tcp --dport 9 -j DROP"));
            run(&format!("{tool} -A INPUT -p udp --dport 53 -j ADMIN"));
            run(&format!("{tool} -I OUTPUT -p tcp --dport 25 -j DROP"));
        }
        let foreign = || {
            ["iptables-save", "ip6tables-save"]
                .map(run)
                .join("")
                .lines()
                .filter(|line| !line.starts_with('#'))
                .filter(|line| !line.contains("OC2-") && !line.starts_with(':'))
                .map(ToOwned::to_owned)
                .collect::<Vec<_>>()
        };
        let before = foreign();
        let config = iptables();
        let daemon = firewall(&config);
        let number = daemon.command(&["deny", "ipv4_net", "127.0.0.2"]).expect(200).rule();
        daemon.command(&["deny", "ipv6_connection", "--protocol", "tcp", "--dst-port", "7000"]).expect(200);
        run("iptables -A INPUT -p tcp --dport 26 -j DROP");
        daemon.command(&["allow", "ipv4_net", "127.0.0.3", "--insert-rule", "1"]).expect(200);
        daemon.command(&["delete", "slpf:rule_number", &number]).expect(200);
        run("iptables -D INPUT -p tcp --dport 26 -j DROP");
        daemon.kill();
        drop(config.start());
        assert_eq!(foreign(), before);
    });
}

#[test]
fn a_rule_set_replaces_the_rules_or_changes_nothing() {
    // SLPF-163, SLPF-164, SLPF-177, SLPF-178, SLPF-180
    in_namespace("kernel::a_rule_set_replaces_the_rules_or_changes_nothing", || {
        let config = Config::new().slpf_with_updates("iptables");
        let rules = config.folder().join("rules");
        let daemon = firewall(&config);
        let _server = serve(7000);
        daemon.command(&["deny", "ipv4_net", "127.0.0.2"]).expect(200);
        let good = json!([
            {"action": "deny", "target": {"ipv4_net": "127.0.0.3"}},
            {"action": "deny", "target": {"ipv6_net": "2001:db8::2"}},
        ]);
        fs::write(rules.join("good.json"), good.to_string()).unwrap();
        let bad = json!([{"action": "allow", "target": {"ipv4_net": "127.0.0.2"}}, {"action": "deny", "target": {"ipv4_net": "x"}}]);
        fs::write(rules.join("bad.json"), bad.to_string()).unwrap();
        daemon.command(&["update", "file", "bad.json"]).expect(500);
        daemon.command(&["update", "file", "none.json"]).expect(500).expect_text("cannot access file");
        daemon.command(&["update", "file", "../consumer.toml"]).expect(500).expect_text("cannot access file");
        assert_eq!((reach("127.0.0.2", 7000), reach("127.0.0.3", 7000)), (Reach::Dropped, Reach::Passes));
        daemon.command(&["update", "file", "good.json"]).expect(200);
        assert_eq!((reach("127.0.0.2", 7000), reach("127.0.0.3", 7000)), (Reach::Passes, Reach::Dropped));
        assert_eq!(reach("2001:db8::2", 7000), Reach::Dropped);
    });
}

#[test]
fn a_rule_ends_when_its_time_is_over() {
    // LS-126, SLPF-225
    in_namespace("kernel::a_rule_ends_when_its_time_is_over", || {
        let config = iptables();
        let daemon = firewall(&config);
        let _server = serve(7000);
        daemon.command(&["deny", "ipv4_net", "127.0.0.2", "--duration", "4s"]).expect(200);
        assert_eq!(reach("127.0.0.2", 7000), Reach::Dropped);
        for _ in 0..50 {
            if reach("127.0.0.2", 7000) == Reach::Passes {
                return;
            }
        }
        panic!("the rule is still in force");
    });
}
