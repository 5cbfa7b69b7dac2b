mod universe;

use oc2_actuator::Context;
use oc2_core::shape::read::{Context as Reading, Read};
use oc2_core::types::time::Window;
use oc2_core::{Command, Mode as Strictness, Profile};
use oc2_profile_slpf::{Command as SlpfCommand, Slpf};

use super::*;
use crate::plan::{NewRule, Order, State, plan};

use self::universe::Universe;

const GUARD: &str = r#"
[guard]
here = ["198.51.100.1", "2001:db8::1"]
[[guard.keep]]
name = "management"
nets = ["192.0.2.0/24", "2001:db8:1::/64"]
protocol = "tcp"
port_here = 22
[[guard.keep]]
name = "the broker"
nets = "203.0.113.7"
protocol = "tcp"
port_there = 8883
"#;

#[test]
fn what_stops_a_guarded_packet_is_refused() {
    for (target, name) in [
        (r#"{"ipv4_net": "192.0.2.0/24"}"#, "management"),
        (r#"{"ipv4_net": "192.0.2.7"}"#, "management"),
        (r#"{"ipv4_net": "0.0.0.0/0"}"#, "management"),
        (r#"{"ipv4_net": "192.0.0.0/8"}"#, "management"),
        // This host itself.
        (r#"{"ipv4_net": "198.51.100.1"}"#, "management"),
        (r#"{"ipv4_net": "203.0.113.7"}"#, "the broker"),
        (r#"{"ipv4_connection": {"protocol": "tcp"}}"#, "management"),
        (r#"{"ipv4_connection": {"dst_port": 22}}"#, "management"),
        (
            r#"{"ipv4_connection": {"src_addr": "198.51.100.1", "protocol": "tcp", "src_port": 1024, "dst_port": 8883}}"#,
            "the broker",
        ),
        // Whatever port a client has may be this one.
        (r#"{"ipv4_connection": {"protocol": "tcp", "src_port": 40000}}"#, "management"),
        // The answers.
        (r#"{"ipv4_connection": {"protocol": "tcp", "src_port": 22}}"#, "management"),
        (r#"{"ipv4_connection": {"src_addr": "192.0.2.1", "dst_addr": "198.51.100.0/24"}}"#, "management"),
        (r#"{"ipv6_net": "2001:db8:1::/64"}"#, "management"),
        (r#"{"ipv6_net": "::/0"}"#, "management"),
        (r#"{"ipv6_connection": {"protocol": "tcp", "dst_port": 22}}"#, "management"),
        (r#"{"ipv6_net": "fe80::/10"}"#, "IPv6 neighbor discovery"),
        (r#"{"ipv6_connection": {"protocol": "icmp"}}"#, "IPv6 neighbor discovery"),
        (r#"{"ipv6_connection": {"protocol": "icmp", "src_port": 135}}"#, "IPv6 neighbor discovery"),
    ] {
        let mut firewall = Firewall::new(GUARD);
        for args in ["", r#""drop_process": "reject""#, r#""persistent": false"#] {
            let refused = firewall.deny(target, args).unwrap_err();
            assert_eq!(refused.status().as_u16(), 403, "{target}");
            let text = format!("not done: it would cut off {name}, which has to stay reachable here");
            assert_eq!(refused.text(), text, "{target} {args}");
        }
        assert_eq!(firewall.state.rules.iter().len(), 0);
    }
}

#[test]
fn what_stops_nothing_guarded_is_performed() {
    let mut firewall = Firewall::new(GUARD);
    for target in [
        r#"{"ipv4_net": "198.51.100.2"}"#,
        r#"{"ipv4_net": "192.0.3.0/24"}"#,
        r#"{"ipv4_connection": {"protocol": "udp", "dst_port": 22}}"#,
        r#"{"ipv4_connection": {"protocol": "icmp"}}"#,
        r#"{"ipv4_connection": {"src_addr": "192.0.2.0/24", "protocol": "tcp", "dst_port": 23}}"#,
        r#"{"ipv4_connection": {"src_addr": "192.0.2.0/24", "dst_addr": "198.51.100.2"}}"#,
        r#"{"ipv4_connection": {"src_addr": "203.0.113.7", "protocol": "tcp", "src_port": 8884}}"#,
        r#"{"ipv6_net": "2001:db8:2::/64"}"#,
        r#"{"ipv6_connection": {"protocol": "icmp", "src_port": 128}}"#,
        // A service of others; a client does not come from this port.
        r#"{"ipv6_connection": {"protocol": "tcp", "dst_port": 23}}"#,
        r#"{"ipv4_connection": {"protocol": "tcp", "dst_port": 80}}"#,
    ] {
        firewall.deny(target, "").unwrap_or_else(|refused| panic!("{target}: {refused}"));
        firewall.deny(target, r#""drop_process": "reject""#).unwrap_or_else(|refused| panic!("{target}: {refused}"));
    }
    firewall.allow(r#"{"ipv4_net": "0.0.0.0/0"}"#, "").unwrap();
}

#[test]
fn a_deny_below_an_allow_does_no_harm_until_the_allow_goes() {
    let mut firewall = Firewall::new(GUARD);
    let allow = firewall.allow(MANAGEMENT, "").unwrap();
    firewall.deny(MANAGEMENT, "").unwrap_err();
    firewall.deny(MANAGEMENT, BELOW).unwrap();
    assert_eq!(firewall.delete(allow, None).unwrap_err().status().as_u16(), 403);
    // For a while is as bad.
    firewall.delete(allow, Some(60_000)).unwrap_err();
    // Two allows: either may go, and then the other may not.
    let other = firewall.allow(MANAGEMENT, "").unwrap();
    firewall.delete(allow, None).unwrap();
    firewall.delete(other, None).unwrap_err();
}

#[test]
fn a_part_that_no_allow_takes_is_cut_off() {
    let mut firewall = Firewall::new(GUARD);
    firewall.allow(r#"{"ipv4_net": "192.0.2.0/25"}"#, "").unwrap();
    firewall.deny(MANAGEMENT, BELOW).unwrap_err();
    firewall.allow(r#"{"ipv4_net": "192.0.2.128/26"}"#, "").unwrap();
    firewall.deny(MANAGEMENT, BELOW).unwrap_err();
    firewall.allow(r#"{"ipv4_net": "192.0.2.192/26"}"#, "").unwrap();
    firewall.deny(MANAGEMENT, BELOW).unwrap();
}

#[test]
fn an_allow_that_ends_first_does_not_help() {
    let mut firewall = Firewall::new(GUARD);
    firewall.insert("allow", MANAGEMENT, "", Some(5_000)).unwrap();
    firewall.deny(MANAGEMENT, BELOW).unwrap_err();
    firewall.insert("deny", MANAGEMENT, BELOW, Some(5_001)).unwrap_err();
    firewall.insert("deny", MANAGEMENT, BELOW, Some(5_000)).unwrap();
}

#[test]
fn an_allow_that_is_gone_after_a_restart_does_not_help() {
    let mut firewall = Firewall::new(GUARD);
    firewall.allow(MANAGEMENT, r#""persistent": false"#).unwrap();
    firewall.deny(MANAGEMENT, BELOW).unwrap_err();
    firewall.deny(MANAGEMENT, r#""insert_rule": 2000000, "persistent": false"#).unwrap();
}

/// It comes back, and what shadowed it must still be there.
#[test]
fn a_deny_out_of_force_counts_from_its_return() {
    let mut firewall = Firewall::new(GUARD);
    let allow = firewall.allow(MANAGEMENT, "").unwrap();
    let deny = firewall.deny(MANAGEMENT, BELOW).unwrap();
    firewall.delete(deny, Some(9_000)).unwrap();
    firewall.delete(allow, None).unwrap_err();
    // Both are out of force, and the allow is back before the deny.
    firewall.delete(allow, Some(9_000)).unwrap();
    let mut firewall = Firewall::new(GUARD);
    let allow = firewall.allow(MANAGEMENT, "").unwrap();
    let deny = firewall.deny(MANAGEMENT, BELOW).unwrap();
    firewall.delete(deny, Some(9_000)).unwrap();
    firewall.delete(allow, Some(9_001)).unwrap_err();
}

#[test]
fn rules_that_cut_off_already_do_not_keep_others_from_being_changed() {
    let mut firewall = Firewall::new("");
    let deny = firewall.deny(MANAGEMENT, "").unwrap();
    let allow = firewall.allow(r#"{"ipv4_net": "198.51.100.2"}"#, "").unwrap();
    firewall.guard(GUARD);
    let watch = firewall.watch.as_ref().unwrap();
    let number = RuleNumber::new(deny).unwrap();
    let cut = watch.check_all(&firewall.state.rules, at(NOW)).unwrap_err();
    assert_eq!(cut, Cut::Off { name: "management".to_owned(), by: number });
    firewall.deny(r#"{"ipv4_net": "198.51.100.3"}"#, "").unwrap();
    firewall.delete(allow, None).unwrap();
    firewall.deny(MANAGEMENT, "").unwrap_err();
    firewall.delete(deny, None).unwrap();
}

#[test]
fn the_rules_of_a_file_are_judged_as_a_whole() {
    let mut firewall = Firewall::new(GUARD);
    let deny = || firewall_rule("deny", MANAGEMENT, "");
    let allow = || firewall_rule("allow", MANAGEMENT, "");
    firewall.perform(Order::Replace(vec![deny()]), None).unwrap_err();
    // The later stands above the one before it.
    firewall.perform(Order::Replace(vec![allow(), deny()]), None).unwrap_err();
    firewall.perform(Order::Replace(vec![deny(), allow()]), None).unwrap();
    assert_eq!(firewall.state.rules.iter().len(), 2);
}

#[test]
fn a_gateway_keeps_what_it_passes_on() {
    let gateway =
        format!("mode = \"gateway\"\noutside = \"eth0\"\n{}", GUARD.replace("198.51.100.1", "198.51.100.0/28"));
    let mut firewall = Firewall::new(&gateway);
    firewall.deny(r#"{"ipv4_net": "198.51.100.9"}"#, "").unwrap_err();
    firewall.deny(r#"{"ipv4_net": "198.51.100.16"}"#, "").unwrap();
    // An allow of what comes in by one interface does not help what comes in by another.
    firewall.allow(MANAGEMENT, r#""direction": "ingress""#).unwrap();
    firewall.deny(MANAGEMENT, BELOW).unwrap_err();
    firewall.allow(MANAGEMENT, "").unwrap();
    firewall.deny(MANAGEMENT, BELOW).unwrap();
}

#[test]
fn one_direction_is_kept() {
    let guard = GUARD.replace("port_there = 8883", "port_there = 8883\ndirection = \"egress\"");
    let mut firewall = Firewall::new(&guard);
    let broker = r#"{"ipv4_net": "203.0.113.7"}"#;
    firewall.deny(broker, r#""direction": "ingress""#).unwrap();
    firewall.deny(broker, r#""direction": "egress""#).unwrap_err();
}

/// Rules that overlap in so many ways that it cannot be told are refused, and soon.
#[test]
fn what_cannot_be_told_is_refused() {
    let mut firewall = Firewall::new(&GUARD.replace("protocol = \"tcp\"\nport_here = 22\n", ""));
    for port in 0..3000 {
        let target = format!(
            r#"{{"ipv4_connection": {{"src_addr": "192.0.2.{}", "protocol": "tcp", "src_port": {}, "dst_port": {}}}}}"#,
            port % 250,
            port * 7 % 60_000,
            port * 13 % 60_000
        );
        firewall.allow(&target, "").unwrap();
    }
    let refused = firewall.deny(MANAGEMENT, BELOW).unwrap_err();
    assert_eq!(refused.status().as_u16(), 403);
    assert!(refused.text().contains("too many rules overlap"), "{refused}");
}

/// Whatever rules there are and whatever is commanded: what the guard says is what becomes of the packets, one by one.
#[test]
fn the_guard_says_what_becomes_of_every_packet() {
    let mut random = Random(1);
    let mut n_refused = 0;
    let mut n_changes = 0;
    for round in 0..500 {
        let universe = if round % 3 == 0 { Universe::v6() } else { Universe::v4() };
        let mut firewall = Firewall::new(&universe.config(&mut random));
        let guard = firewall.config.guard.clone().unwrap();
        let gateway = matches!(firewall.config.mode, Mode::Gateway(_));
        let guarded: Vec<_> = universe.packets.iter().filter(|packet| packet.is_guarded(&guard, gateway)).collect();
        // Few targets, so that rules lie above one another.
        let targets: Vec<_> = (0..3).map(|_| universe.target(&mut random)).collect();
        for _ in 0..9 {
            let order = universe.order(&mut random, &targets, &firewall.state);
            let window = [None, None, Some(50), Some(100)][random.below(4)];
            let context = context(window);
            let Ok(plan) = plan(&firewall.state, order.clone(), &context, at(NOW), &firewall.config) else { continue };
            let cut = firewall.watch.as_ref().unwrap().check(&firewall.state.rules, &plan.step, at(NOW));
            let before = firewall.state.clone();
            let mut after = firewall.state.clone();
            after.adopt(plan);
            let expected = Universe::first_cut(&guarded, &before, &after, &order);
            assert_eq!(cut.is_err(), expected.is_some(), "{order:?}\n{window:?}\n{before:?}\n{expected:?}\n{cut:?}");
            n_changes += 1;
            n_refused += usize::from(cut.is_err());
            // What is refused is sometimes done all the same, for rules of before there was a guard.
            if cut.is_ok() || random.below(3) == 0 {
                firewall.state = after;
            }
        }
    }
    assert!(n_changes > 3000 && n_refused > 500 && n_changes - n_refused > 1500, "{n_refused} of {n_changes}");
}

/// Rules and a guard, without a store and a kernel.
struct Firewall {
    config: Config,
    watch: Option<Watch>,
    state: State,
}

impl Firewall {
    fn new(config: &str) -> Self {
        let config: Config = toml::from_str(config).unwrap();
        Self { watch: Watch::of(&config), config, state: State::default() }
    }

    fn guard(&mut self, config: &str) {
        let Self { config, watch, .. } = Self::new(config);
        (self.config, self.watch) = (config, watch);
    }

    fn allow(&mut self, target: &str, args: &str) -> Result<i64, Rejection> {
        self.insert("allow", target, args, None)
    }

    fn deny(&mut self, target: &str, args: &str) -> Result<i64, Rejection> {
        self.insert("deny", target, args, None)
    }

    fn insert(&mut self, verb: &str, target: &str, args: &str, lasting: Option<u64>) -> Result<i64, Rejection> {
        let rule = interpreted(verb, target, args, &self.config.mode);
        self.perform(Order::Insert(rule), lasting).map(|number| number.unwrap().as_i64())
    }

    fn delete(&mut self, number: i64, lasting: Option<u64>) -> Result<(), Rejection> {
        self.perform(Order::Remove(RuleNumber::new(number).unwrap()), lasting).map(drop)
    }

    fn perform(&mut self, order: Order, lasting: Option<u64>) -> Result<Option<RuleNumber>, Rejection> {
        let plan = plan(&self.state, order, &context(lasting), at(NOW), &self.config)?;
        if let Some(watch) = &self.watch {
            watch.check(&self.state.rules, &plan.step, at(NOW))?;
        }
        let number = plan.number;
        self.state.adopt(plan);
        Ok(number)
    }
}

fn firewall_rule(verb: &str, target: &str, args: &str) -> NewRule {
    interpreted(verb, target, args, &Mode::Host)
}

fn interpreted(verb: &str, target: &str, args: &str, mode: &Mode) -> NewRule {
    let json = format!(
        r#"{{"action": "{verb}", "target": {target}, "args": {{"response_requested": "complete", "slpf": {{{args}}}}}}}"#
    );
    let command = Command::read(&mut Reading::new(Strictness::Strict), &mut serde_json::Deserializer::from_str(&json));
    match Slpf::interpret(&command.unwrap_or_else(|error| panic!("{json}: {error}"))).unwrap() {
        SlpfCommand::Allow(rule) => NewRule::allow(rule, mode).unwrap(),
        SlpfCommand::Deny { rule, drop_process } => NewRule::deny(rule, drop_process, mode).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn context(lasting: Option<u64>) -> Context {
    Context::new("producer", Window { start: at(NOW), stop: lasting.map(|time| at(NOW + time)) })
}

fn at(time: u64) -> DateTime {
    DateTime::from_millis(time).unwrap()
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

const NOW: u64 = 1000;
const MANAGEMENT: &str = r#"{"ipv4_net": "192.0.2.0/24"}"#;
const BELOW: &str = r#""insert_rule": 2000000"#;
