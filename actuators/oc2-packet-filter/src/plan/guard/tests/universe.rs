//! Small worlds, of which every packet is looked at.

use std::net::IpAddr;

use super::*;

/// A few addresses, ports, interfaces and moments, and every packet of them.
///
/// Beside the addresses and ports that rules may name there is one that none does, of each kind.
pub(super) struct Universe {
    addresses: Vec<IpAddr>,
    ports: Vec<u16>,
    pub(super) packets: Vec<Packet>,
}

/// One packet.
#[derive(Clone, Debug)]
pub(super) struct Packet {
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
    pub(super) fn v4() -> Self {
        let addresses = (0..6).map(|n| IpAddr::from([10, 0, 0, n])).collect();
        Self::of(addresses, &[], 1, vec![1, 2000], 3000)
    }

    /// Types 134 and 135 are of neighbor discovery.
    pub(super) fn v6() -> Self {
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

    pub(super) fn config(&self, random: &mut Random) -> String {
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

    pub(super) fn order(&self, random: &mut Random, targets: &[String], state: &State) -> Order {
        let numbers: Vec<_> = state.rules.iter().map(|entry| entry.record().number).collect();
        match random.below(10) {
            0..=2 if !numbers.is_empty() => Order::Remove(numbers[random.below(numbers.len())]),
            3 => Order::Replace((0..random.below(4)).map(|_| self.rule(random, targets)).collect()),
            _ => Order::Insert(self.rule(random, targets)),
        }
    }

    pub(super) fn target(&self, random: &mut Random) -> String {
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
    pub(super) fn first_cut(
        packets: &[&Packet],
        before: &State,
        after: &State,
        order: &Order,
    ) -> Option<(Packet, u64, bool)> {
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
    pub(super) fn is_guarded(&self, guard: &Guard, gateway: bool) -> bool {
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
