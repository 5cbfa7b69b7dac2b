use std::net::IpAddr;

use oc2_actuator::Context;
use oc2_core::shape::read::{Context as Reading, Read};
use oc2_core::types::time::Window;
use oc2_core::{Command, Mode as Strictness, Profile};
use oc2_profile_slpf::{Command as SlpfCommand, Slpf};

use super::*;
use crate::plan::{NewRule, Order, State, plan};

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

/// A few addresses, ports, interfaces and moments, and every packet of them.
///
/// Beside the addresses and ports that rules may name there is one that none does, of each kind.
struct Universe {
    addresses: Vec<IpAddr>,
    ports: Vec<u16>,
    packets: Vec<Packet>,
}

/// One packet.
#[derive(Clone, Debug)]
struct Packet {
    family: Family,
    hook: Hook,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    src_port: u16,
    dst_port: u16,
    in_interface: Option<&'static str>,
    out_interface: Option<&'static str>,
}

impl Universe {
    fn v4() -> Self {
        let addresses = (0..6).map(|n| IpAddr::from([10, 0, 0, n])).collect();
        Self::of(addresses, &[], 1, vec![1, 2000], 3000)
    }

    /// Types 134 and 135 are of neighbor discovery.
    fn v6() -> Self {
        let mut addresses: Vec<IpAddr> = (0..6).map(|n| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, n])).collect();
        addresses.push("fe80::1".parse().unwrap());
        Self::of(addresses, &["fe80::ff".parse().unwrap()], 58, vec![135, 2000], 134)
    }

    fn of(addresses: Vec<IpAddr>, others: &[IpAddr], icmp: u8, ports: Vec<u16>, other_port: u16) -> Self {
        let ways = [
            (Hook::Input, Some("eth0"), None),
            (Hook::Input, Some("lo"), None),
            (Hook::Output, None, Some("eth0")),
            (Hook::Forward, Some("eth0"), Some("eth1")),
            (Hook::Forward, Some("eth1"), Some("eth0")),
            (Hook::Forward, Some("eth1"), Some("eth1")),
        ];
        let all_ports: Vec<_> = ports.iter().copied().chain([other_port, 3001]).collect();
        let all_addresses: Vec<_> = addresses.iter().chain(others).copied().collect();
        let mut packets = Vec::new();
        for (hook, in_interface, out_interface) in ways {
            for (source, destination) in pairs(&all_addresses) {
                for protocol in [icmp, 6, 17, 47] {
                    for (src_port, dst_port) in pairs(&all_ports) {
                        let family = source.into();
                        packets.push(Packet {
                            family,
                            hook,
                            source,
                            destination,
                            protocol,
                            src_port,
                            dst_port,
                            in_interface,
                            out_interface,
                        });
                    }
                }
            }
        }
        Self { addresses, ports, packets }
    }

    fn net(&self, random: &mut Random) -> String {
        let address = self.addresses[random.below(self.addresses.len())];
        let width = if address.is_ipv4() { 32 } else { 128 };
        match random.below(6) {
            0 => format!("{address}/0"),
            n => format!("{address}/{}", width - [0, 1, 1, 2, 3][n - 1]),
        }
    }

    fn config(&self, random: &mut Random) -> String {
        let mode = ["", "mode = \"gateway\"\noutside = \"eth0\"\n"][random.below(2)];
        let width = if self.addresses[0].is_ipv4() { 32 } else { 128 };
        let here = format!("{}/{}", self.addresses[4], width - 1);
        let there = format!("{}/{}", self.addresses[random.below(4)], width - random.below(3));
        let protocol = ["", "protocol = \"tcp\"", "protocol = \"udp\"", "protocol = \"icmp\""][random.below(4)];
        let [low, high] = [self.ports[0], self.ports[1]];
        let ports = [
            String::new(),
            format!("port_here = {low}"),
            format!("port_there = [{low}, \"{high}-{high}\"]"),
            format!("port_here = {low}\nport_there = \"{low}-{high}\""),
        ];
        let ports = if protocol.contains("icmp") { &ports[0] } else { &ports[random.below(4)] };
        let direction = ["both", "ingress", "egress"][random.below(3)];
        format!(
            "{mode}[guard]\nhere = \"{here}\"\n[[guard.keep]]\nname = \"k\"\nnets = \"{there}\"\n{protocol}\n{ports}\ndirection = \"{direction}\"\n"
        )
    }

    fn order(&self, random: &mut Random, targets: &[String], state: &State) -> Order {
        let numbers: Vec<_> = state.rules.iter().map(|entry| entry.record().number).collect();
        match random.below(10) {
            0..=2 if !numbers.is_empty() => Order::Remove(numbers[random.below(numbers.len())]),
            3 => Order::Replace((0..random.below(4)).map(|_| self.rule(random, targets)).collect()),
            _ => Order::Insert(self.rule(random, targets)),
        }
    }

    fn target(&self, random: &mut Random) -> String {
        let family = if self.addresses[0].is_ipv4() { "ipv4" } else { "ipv6" };
        if random.below(2) == 0 {
            format!(r#"{{"{family}_net": "{}"}}"#, self.net(random))
        } else {
            let mut parts = Vec::new();
            if random.below(2) == 0 {
                parts.push(format!(r#""src_addr": "{}""#, self.net(random)));
            }
            if random.below(2) == 0 {
                parts.push(format!(r#""dst_addr": "{}""#, self.net(random)));
            }
            let protocol = ["tcp", "udp", "icmp"][random.below(3)];
            let has_protocol = random.below(3) > 0 || parts.is_empty();
            if has_protocol {
                parts.push(format!(r#""protocol": "{protocol}""#));
            }
            // A type is one octet, and a code says nothing without one.
            let n_ports = if has_protocol && protocol == "icmp" { 1 } else { 2 };
            if random.below(2) == 0 {
                parts.push(format!(r#""src_port": {}"#, self.ports[random.below(n_ports)]));
                if random.below(2) == 0 {
                    parts.push(format!(r#""dst_port": {}"#, self.ports[random.below(n_ports)]));
                }
            }
            format!(r#"{{"{family}_connection": {{{}}}}}"#, parts.join(", "))
        }
    }

    fn rule(&self, random: &mut Random, targets: &[String]) -> NewRule {
        let target = &targets[random.below(targets.len())];
        let verb = ["allow", "allow", "deny"][random.below(3)];
        let mut args = vec![format!(r#""direction": "{}""#, ["both", "both", "ingress", "egress"][random.below(4)])];
        if random.below(4) == 0 {
            args.push(r#""persistent": false"#.to_owned());
        }
        if random.below(3) > 0 {
            args.push(format!(r#""insert_rule": {}"#, random.below(1000)));
        }
        if verb == "deny" && random.below(3) == 0 {
            args.push(r#""drop_process": "reject""#.to_owned());
        }
        firewall_rule(verb, target, &args.join(", "))
    }

    /// A guarded packet, the moment, and whether it is after a restart, that is stopped by the change.
    fn first_cut(packets: &[&Packet], before: &State, after: &State, order: &Order) -> Option<(Packet, u64, bool)> {
        let moments = [NOW, NOW + 49, NOW + 50, NOW + 100];
        // About all others nothing has changed.
        let changed: Vec<_> = [(before, after), (after, before)]
            .into_iter()
            .flat_map(|(one, other)| one.rules.iter().map(move |entry| (entry, other.rules.get(entry.record().number))))
            .filter(|(entry, other)| Some(*entry) != *other)
            .flat_map(|(entry, _)| entry.kernel_rules())
            .collect();
        let is_touched = |packet: &Packet| changed.iter().any(|rule| packet.matches(rule));
        let is_replaced = matches!(order, Order::Replace(_));
        for packet in packets.iter().filter(|packet| is_replaced || is_touched(packet)) {
            for moment in moments {
                for is_restarted in [false, true] {
                    let met = |state: &State| packet.first_match(state, moment, is_restarted);
                    let (was, is) = (met(before), met(after));
                    let is_stopped = is.is_some_and(|(_, verdict)| verdict.is_deny());
                    let is_other = match order {
                        Order::Replace(_) => true,
                        Order::Insert(_) => is != was,
                        Order::Remove(_) | Order::Undo(_) => {
                            is != was && !was.is_some_and(|(_, verdict)| verdict.is_deny())
                        }
                    };
                    if is_stopped && is_other {
                        return Some(((*packet).clone(), moment, is_restarted));
                    }
                }
            }
        }
        None
    }
}

impl Packet {
    fn is_guarded(&self, guard: &Guard, gateway: bool) -> bool {
        let keep = &guard.keep()[0];
        let holds = |nets: &[Network], address| nets.iter().any(|net| in_network(*net, address));
        let goes_in = holds(&keep.nets, self.source) && holds(guard.here(), self.destination);
        let goes_out = holds(guard.here(), self.source) && holds(&keep.nets, self.destination);
        let is_protocol = |protocol| self.protocol == protocol;
        let has_ports = !keep.ports_here.is_empty() || !keep.ports_there.is_empty();
        let of_protocol = match keep.protocol {
            Some(KeptProtocol::Tcp) => is_protocol(6),
            Some(KeptProtocol::Udp) => is_protocol(17),
            Some(KeptProtocol::Sctp) => is_protocol(132),
            Some(KeptProtocol::Icmp) => is_protocol(1) || is_protocol(58),
            None => !has_ports || is_protocol(6) || is_protocol(17),
        };
        let of_ports = |here: &u16, there: &u16| {
            let is_one = |ports: &[RangeInclusive<u16>], port: &u16| {
                (ports.is_empty() && (!has_ports || *port >= 1024)) || ports.iter().any(|range| range.contains(port))
            };
            is_one(&keep.ports_here, here) && is_one(&keep.ports_there, there)
        };
        let ingress = keep.direction != Direction::Egress
            && goes_in
            && of_ports(&self.dst_port, &self.src_port)
            && (self.hook == Hook::Input || (gateway && self.hook == Hook::Forward));
        let egress = keep.direction != Direction::Ingress
            && goes_out
            && of_ports(&self.src_port, &self.dst_port)
            && (self.hook == Hook::Output || (gateway && self.hook == Hook::Forward));
        (of_protocol && (ingress || egress)) || self.is_of_neighbors(guard)
    }

    fn is_of_neighbors(&self, guard: &Guard) -> bool {
        let on_link = |address: IpAddr| {
            let nets = &guard.keep()[0].nets;
            in_network("fe80::/10".parse().unwrap(), address)
                || nets.iter().chain(guard.here()).any(|net| in_network(*net, address))
        };
        self.family == Family::V6
            && self.protocol == 58
            && (133..=136).contains(&self.src_port)
            && self.hook != Hook::Forward
            && on_link(self.source)
            && on_link(self.destination)
    }

    /// The rule that decides about the packet, as the kernel finds it.
    fn first_match(&self, state: &State, moment: u64, is_restarted: bool) -> Option<(RuleNumber, Verdict)> {
        let moment = at(moment);
        for entry in state.rules.iter() {
            let record = entry.record();
            let is_in_force = record.suspended_until.is_none_or(|until| until <= moment)
                && !record.is_over(moment)
                && (record.persistent || !is_restarted);
            if !is_in_force {
                continue;
            }
            if let Some(rule) = entry.kernel_rules().iter().find(|rule| self.matches(rule)) {
                return Some((record.number, rule.verdict()));
            }
        }
        None
    }

    fn matches(&self, rule: &KernelRule) -> bool {
        let matching = rule.matching();
        let interface = |asked: &Option<Interface>, name: Option<&str>| {
            asked.as_ref().is_none_or(|asked| name.is_some_and(|name| asked.to_string() == name))
        };
        (self.family, self.hook) == (rule.family(), rule.hook())
            && matching.source.is_none_or(|net| in_network(net, self.source))
            && matching.destination.is_none_or(|net| in_network(net, self.destination))
            && interface(&matching.in_interface, self.in_interface)
            && interface(&matching.out_interface, self.out_interface)
            && matching.protocol.is_none_or(|protocol| self.carries(protocol))
    }

    fn carries(&self, protocol: Protocol) -> bool {
        let has = |asked: Option<u16>, port: u16| asked.is_none_or(|asked| asked == port);
        match protocol {
            Protocol::Tcp(ports) => {
                self.protocol == 6 && has(ports.src_port, self.src_port) && has(ports.dst_port, self.dst_port)
            }
            Protocol::Udp(ports) => {
                self.protocol == 17 && has(ports.src_port, self.src_port) && has(ports.dst_port, self.dst_port)
            }
            Protocol::Sctp(ports) => {
                self.protocol == 132 && has(ports.src_port, self.src_port) && has(ports.dst_port, self.dst_port)
            }
            Protocol::Icmp(kind) => {
                let is_icmp = self.protocol == if self.family == Family::V4 { 1 } else { 58 };
                is_icmp
                    && kind.is_none_or(|kind| {
                        u16::from(kind.kind()) == self.src_port && has(kind.code().map(u16::from), self.dst_port)
                    })
            }
        }
    }
}

fn in_network(network: Network, address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let ((first, width), (bits, other_width)) = (bits(network.address()), bits(address));
    let n_host_bits = width - u32::from(network.prefix());
    width == other_width && first.checked_shr(n_host_bits) == bits.checked_shr(n_host_bits)
}

fn pairs<T: Copy>(items: &[T]) -> impl Iterator<Item = (T, T)> {
    items.iter().flat_map(move |first| items.iter().map(move |second| (*first, *second)))
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
