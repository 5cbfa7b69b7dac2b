//! How far a target may reach: addresses, ports, protocols.

use std::fmt;
use std::str::FromStr;

use oc2_core::Target;
use oc2_core::types::port::L4Protocol;

use crate::policy::flow::{Flow, Net};

/// Bounds on targets with addresses. A target without is never within one of them.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Each address part lies in one of these.
    pub(super) within: Option<Vec<Net>>,
    /// No address part has an address in one of these.
    pub(super) outside: Vec<Net>,
    /// The shortest prefix.
    pub(super) widest_ipv4: Option<Prefix>,
    pub(super) widest_ipv6: Option<Prefix>,
    /// Whether an end that is not named counts as any address.
    pub(super) both_ends: bool,
    pub(super) src_ports: Option<Vec<PortRange>>,
    pub(super) dst_ports: Option<Vec<PortRange>>,
    pub(super) protocols: Option<Vec<L4Protocol>>,
}

impl Reach {
    pub(super) fn is_bounded(&self) -> bool {
        self.bounds_addresses() || self.src_ports.is_some() || self.dst_ports.is_some() || self.protocols.is_some()
    }

    fn bounds_addresses(&self) -> bool {
        let Self { within, outside, widest_ipv4, widest_ipv6, .. } = self;
        within.is_some() || !outside.is_empty() || widest_ipv4.is_some() || widest_ipv6.is_some()
    }

    /// Why a target reaches too far, if it does.
    pub(super) fn check(&self, target: &Target) -> Result<(), String> {
        if !self.is_bounded() {
            return Ok(());
        }
        let flow = Flow::of(target)
            .ok_or_else(|| format!("{} has no addresses or ports that could be bounded", target.name()))?;
        self.check_addresses(&flow)?;
        check_protocol(self.protocols.as_deref(), &flow)?;
        check_port("src_port", self.src_ports.as_deref(), flow.src_port, &flow)?;
        check_port("dst_port", self.dst_ports.as_deref(), flow.dst_port, &flow)
    }

    fn check_addresses(&self, flow: &Flow) -> Result<(), String> {
        if !self.bounds_addresses() {
            return Ok(());
        }
        let named: Vec<Net> = flow.ends.into_iter().flatten().collect();
        for net in &named {
            self.check_net(net, net)?;
        }
        // A flow that names no end is about all addresses.
        if named.is_empty() || (self.both_ends && named.len() < flow.ends.len()) {
            let everything = if flow.is_ipv4 { Net::ALL_IPV4 } else { Net::ALL_IPV6 };
            self.check_net(&everything, &"any address")?;
        }
        Ok(())
    }

    fn check_net(&self, net: &Net, shown: &dyn fmt::Display) -> Result<(), String> {
        if let Some(within) = &self.within
            && !within.iter().any(|outer| outer.contains(net))
        {
            return Err(format!("{shown} is not within {}", list(within)));
        }
        if let Some(inner) = self.outside.iter().find(|inner| inner.overlaps(net)) {
            return Err(format!("{shown} is not outside {inner}"));
        }
        let widest = if net.is_ipv4() { self.widest_ipv4 } else { self.widest_ipv6 };
        match widest {
            Some(Prefix(widest)) if net.prefix < widest => Err(format!("{shown} is wider than /{widest}")),
            _ => Ok(()),
        }
    }
}

fn check_protocol(allowed: Option<&[L4Protocol]>, flow: &Flow) -> Result<(), String> {
    let Some(allowed) = allowed else { return Ok(()) };
    let has_ports = flow.src_port.is_some() || flow.dst_port.is_some();
    // DECISIONS S8: ports alone are of every protocol that has ports.
    let with_ports = [L4Protocol::Tcp, L4Protocol::Udp, L4Protocol::Sctp];
    let is_allowed = match flow.protocol {
        Some(protocol) => allowed.contains(&protocol),
        None => has_ports && with_ports.iter().all(|protocol| allowed.contains(protocol)),
    };
    if is_allowed {
        return Ok(());
    }
    let shown = flow.protocol.map_or("any protocol", L4Protocol::name);
    Err(format!("{shown} is not among {}", list(allowed)))
}

fn check_port(name: &str, allowed: Option<&[PortRange]>, port: Option<u16>, flow: &Flow) -> Result<(), String> {
    let Some(allowed) = allowed else { return Ok(()) };
    // DECISIONS S8: with ICMP they are a type and a code.
    let port = port.filter(|_| flow.protocol != Some(L4Protocol::Icmp));
    match port {
        Some(port) if allowed.iter().any(|range| range.holds(port)) => Ok(()),
        Some(port) => Err(format!("{name} {port} is not among {}", list(allowed))),
        None => Err(format!("any {name} is not among {}", list(allowed))),
    }
}

/// `/24`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix(pub(super) u8);

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bits = text.strip_prefix('/').and_then(|bits| bits.parse().ok()).filter(|bits| *bits <= 128);
        bits.map(Self).ok_or_else(|| format!("{text:?} is not a prefix such as \"/24\""))
    }
}

/// One port, or those from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PortRange {
    pub(super) first: u16,
    pub(super) last: u16,
}

impl PortRange {
    fn holds(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(format!("{text:?} is neither a port nor two such as \"8000-8999\"")),
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
