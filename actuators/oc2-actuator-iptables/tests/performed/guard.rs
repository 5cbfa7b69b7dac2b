//! What is guarded stays reachable, by real packets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use oc2_actuator_iptables::testing;
use oc2_core::types::time;
use oc2_core::{Rejection, StatusCode};
use oc2_packet_filter::Flavor;
use oc2_profile_slpf::{Direction, DropProcess, RuleNumber, Slpf};

use crate::packets::ip;
use crate::support::{Firewall, command};

on_every_flavor! {
    fn a_guarded_address_stays_reachable_whatever_is_commanded(flavor) {
        if !ip("link set lo up") {
            return testing::skip("iproute2 is not installed");
        }
        for address in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
            let (kept, other) = (listen(address), listen(address));
            // The same address at both ends: what is kept are a service and its clients.
            let config = format!(
                "flavor = \"{}\"\nupdate_dir = \"/tmp\"\n[guard]\nhere = \"{address}\"\n[[guard.keep]]\nname = \"management\"\n\
                 nets = \"{address}\"\nprotocol = \"tcp\"\nport_here = {}\n",
                format!("{flavor:?}").to_lowercase(),
                kept.port()
            );
            let mut firewall = Firewall::open(toml::from_str(&config).unwrap());
            let net = |verb: &str| {
                let family = if address.is_ipv4() { "ipv4_net" } else { "ipv6_net" };
                command(&format!(r#"{{"action": "{verb}", "target": {{"{family}": "{address}"}}}}"#))
            };
            let port = |port: u16| {
                let family = if address.is_ipv4() { "ipv4_connection" } else { "ipv6_connection" };
                command(&format!(
                    r#"{{"action": "deny", "target": {{"{family}": {{"protocol": "tcp", "dst_port": {port}}}}}, "args": {{"slpf": {{"direction": "ingress"}}}}}}"#
                ))
            };
            let is_reached = || reaches(kept);

            assert_cut(&firewall.refusal(&net("deny")));
            assert_cut(&firewall.refusal(&port(kept.port())));
            assert!(is_reached() && firewall.numbers().is_empty() && firewall.kernel_agrees());

            // What does not touch it is stopped as ever. (A port of a client is kept too, so it is denied by address.)
            let allow = firewall.number(&net("allow"));
            let below = RuleNumber::new(allow.as_i64() + 1).unwrap();
            let everything = if address.is_ipv4() {
                Slpf::deny("0.0.0.0/0".parse::<oc2_core::target::Ipv4Net>().unwrap()).insert_rule(below).build()
            } else {
                Slpf::deny("::/0".parse::<oc2_core::target::Ipv6Net>().unwrap()).insert_rule(below).build()
            };
            if address.is_ipv4() {
                firewall.number(&everything.unwrap());
                assert!(is_reached() && reaches(other));
                // The allow alone holds it open: it may not go, not even for a moment.
                assert_cut(&firewall.refusal(&Slpf::delete(allow).build().unwrap()));
                assert!(is_reached());
                firewall.restart();
                assert!(is_reached());
                assert_cut(&firewall.refusal(&Slpf::delete(allow).build().unwrap()));
            } else {
                // The link is kept as well: neighbor discovery from everywhere on it is not allowed by the one allow.
                assert_cut(&firewall.refusal(&everything.unwrap()));
            }
            assert!(is_reached() && firewall.kernel_agrees());
        }
    }

    fn an_allow_that_ends_does_not_take_the_guarded_address_with_it(flavor) {
        if !ip("link set lo up") {
            return testing::skip("iproute2 is not installed");
        }
        let address = IpAddr::from(Ipv4Addr::LOCALHOST);
        let kept = listen(address);
        let config = format!(
            "flavor = \"{}\"\n[guard]\nhere = \"{address}\"\n[[guard.keep]]\nname = \"management\"\nnets = \"{address}\"\n",
            format!("{flavor:?}").to_lowercase()
        );
        let firewall = Firewall::open(toml::from_str(&config).unwrap());
        let net = || "127.0.0.1".parse::<oc2_core::target::Ipv4Net>().unwrap();
        let lasting = |milliseconds| time::Duration::from_millis(milliseconds).unwrap();
        let allow = firewall.number(&Slpf::allow(net()).duration(lasting(600)).build().unwrap());
        let below = |n: i64| RuleNumber::new(allow.as_i64() + n).unwrap();
        let deny = || Slpf::deny(net()).drop_process(DropProcess::Reject).direction(Direction::Ingress);
        assert_cut(&firewall.refusal(&deny().insert_rule(below(1)).build().unwrap()));
        assert_cut(&firewall.refusal(&deny().insert_rule(below(1)).duration(lasting(900)).build().unwrap()));
        firewall.number(&deny().insert_rule(below(2)).duration(lasting(100)).build().unwrap());
        for _ in 0..10 {
            assert!(reaches(kept));
            std::thread::sleep(Duration::from_millis(80));
        }
        assert!(firewall.numbers().is_empty() && firewall.kernel_agrees());
    }
}

/// A file is judged as a whole and as it is; nothing is changed by one that is refused.
#[test]
fn a_file_of_rules_that_cuts_off_is_refused_and_changes_nothing() {
    let rules = tempfile::tempdir().unwrap();
    let settings = format!(
        "update_dir = \"{}\"\n[guard]\nhere = \"198.51.100.1\"\n[[guard.keep]]\nname = \"management\"\nnets = \"192.0.2.0/24\"\n",
        rules.path().display()
    );
    let firewall = Firewall::dry_with(&settings);
    let kept = firewall.number(&command(r#"{"action": "deny", "target": {"ipv4_net": "203.0.113.1"}}"#)).as_i64();
    let deny = r#"{"action": "deny", "target": {"ipv4_net": "192.0.2.0/24"}}"#;
    let allow = r#"{"action": "allow", "target": {"ipv4_net": "192.0.2.0/24"}}"#;
    let update =
        |name: &str| command(&format!(r#"{{"action": "update", "target": {{"file": {{"name": "{name}"}}}}}}"#));
    std::fs::write(rules.path().join("bad.json"), format!("[{allow}, {deny}]")).unwrap();
    std::fs::write(rules.path().join("good.json"), format!("[{deny}, {allow}]")).unwrap();
    assert_cut(&firewall.refusal(&update("bad.json")));
    assert_eq!(firewall.numbers(), [kept]);
    firewall.send(&update("good.json")).unwrap();
    assert_eq!(firewall.numbers().len(), 2);
}

/// A scheduled command is judged when it comes, so that its Producer hears of it, and when its time has come.
#[test]
fn a_command_for_later_is_judged_when_it_comes_and_when_it_begins() {
    let settings = "[guard]\nhere = \"198.51.100.1\"\n[[guard.keep]]\nname = \"management\"\nnets = \"192.0.2.0/24\"\n";
    let firewall = Firewall::dry_with(settings);
    let start = time::DateTime::now().as_millis() + 60_000;
    let later = |number: i64| {
        command(&format!(
            r#"{{"action": "deny", "target": {{"ipv4_net": "192.0.2.0/24"}}, "args": {{"start_time": {start},
                "response_requested": "complete", "slpf": {{"insert_rule": {number}}}}}}}"#
        ))
    };
    let prepare = |command: &oc2_core::Command| {
        let window = command.args.window(time::DateTime::now()).unwrap();
        firewall.block_on(firewall.any().prepare(command, oc2_actuator::Context::new("soc-1", window)))
    };
    assert_cut(&prepare(&later(2_000_000)).unwrap_err());
    let allow = firewall.number(&command(r#"{"action": "allow", "target": {"ipv4_net": "192.0.2.0/24"}}"#));
    let prepared = prepare(&later(2_000_000)).unwrap();
    // Before its time the allow goes, which is no harm yet.
    firewall.send(&Slpf::delete(allow).build().unwrap()).unwrap();
    assert_cut(&firewall.block_on(prepared.perform()).unwrap_err());
    assert!(firewall.numbers().is_empty());
}

#[test]
fn rules_from_before_the_guard_stay_in_force() {
    let mut firewall = Firewall::dry();
    let deny = firewall.number(&command(r#"{"action": "deny", "target": {"ipv4_net": "192.0.2.0/24"}}"#));
    let settings = "backend = \"dry-run\"\n[guard]\nhere = \"198.51.100.1\"\n[[guard.keep]]\nname = \"management\"\nnets = \"192.0.2.0/24\"\n";
    firewall.restart_with(toml::from_str(settings).unwrap());
    assert_eq!(firewall.numbers(), [deny.as_i64()]);
    firewall.send(&command(r#"{"action": "deny", "target": {"ipv4_net": "203.0.113.1"}}"#)).unwrap();
    firewall.send(&Slpf::delete(deny).build().unwrap()).unwrap();
}

#[track_caller]
fn assert_cut(rejection: &Rejection) {
    assert_eq!(rejection.status(), StatusCode::Forbidden, "{rejection}");
    assert!(rejection.text().starts_with("not done: it would cut off "), "{rejection}");
}

/// Serves for as long as the test lives.
fn listen(address: IpAddr) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::mem::forget(listener);
    address
}

fn reaches(server: SocketAddr) -> bool {
    TcpStream::connect_timeout(&server, Duration::from_millis(300)).is_ok()
}
