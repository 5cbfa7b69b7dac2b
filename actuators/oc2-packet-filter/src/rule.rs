//! One rule of the kernel, as data and in the words of iptables.

mod family;
mod hook;
mod interface;
mod network;
mod protocol;

use std::fmt;

pub use family::Family;
pub use hook::Hook;
pub use interface::Interface;
pub use network::Network;
pub use protocol::{IcmpKind, Ports, Protocol};

/// What a rule of the list is to the kernel, or a part of it.
///
/// Every part is a type that cannot hold text of a command, so whatever a Producer sends, what the kernel or a tool is told
/// is addresses, numbers, configured interface names and our own words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KernelRule {
    family: Family,
    hook: Hook,
    matching: Matching,
    verdict: Verdict,
    is_notice: bool,
}

impl KernelRule {
    /// A rule for packets of `family` that pass `hook`.
    ///
    /// A network that holds every address (prefix 0) is dropped from `matching`: the kernel does not tell it from none,
    /// and two rules that are one to the kernel have to be equal here.
    ///
    /// # Errors
    ///
    /// When `matching` names an address of the other family, or an interface that packets at `hook` do not have.
    pub fn new(family: Family, hook: Hook, matching: Matching, verdict: Verdict) -> Result<Self, RuleError> {
        let matching = matching.without_universal_networks();
        if matching.networks().any(|network| network.family() != family) {
            return Err(RuleError::OtherFamily(family));
        }
        if matching.in_interface.is_some() && !hook.has_in_interface() {
            return Err(RuleError::NoInInterface(hook));
        }
        if matching.out_interface.is_some() && !hook.has_out_interface() {
            return Err(RuleError::NoOutInterface(hook));
        }
        Ok(Self { family, hook, matching, verdict, is_notice: false })
    }

    /// The same rule, as what lets the notice of a rejected packet pass (DECISIONS S17).
    #[must_use]
    pub(crate) fn for_notice(self) -> Self {
        Self { is_notice: true, ..self }
    }

    /// Whether it does nothing but let the notice of a rejected packet pass, above the rule that rejects (DECISIONS S17).
    #[must_use]
    pub fn is_notice(&self) -> bool {
        self.is_notice
    }

    /// Whether the two do the same with the same packets, whatever they are parts of.
    #[must_use]
    pub fn does_as(&self, other: &Self) -> bool {
        let does = |rule: &Self| (rule.family, rule.hook, rule.matching.clone(), rule.verdict);
        does(self) == does(other)
    }

    /// The packets it looks at: IPv4 or IPv6.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Where on its way a packet meets the rule.
    #[must_use]
    pub fn hook(&self) -> Hook {
        self.hook
    }

    /// What a packet must look like.
    #[must_use]
    pub fn matching(&self) -> &Matching {
        &self.matching
    }

    /// What happens to a packet that does.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The rule in the words of iptables, as `iptables-restore` reads it and `iptables -S` prints it, without the command
    /// and the chain. `reject` is the target of a rule that rejects.
    #[must_use]
    pub fn specification<'a>(&'a self, reject: &'a str) -> Specification<'a> {
        Specification { rule: self, reject }
    }
}

/// What a packet must look like. What is absent may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Matching {
    /// Where it comes from.
    pub source: Option<Network>,
    /// Where it goes.
    pub destination: Option<Network>,
    /// What it carries.
    pub protocol: Option<Protocol>,
    /// The interface it came in by. Not at [`Hook::Output`].
    pub in_interface: Option<Interface>,
    /// The interface it leaves by. Not at [`Hook::Input`].
    pub out_interface: Option<Interface>,
}

impl Matching {
    fn networks(&self) -> impl Iterator<Item = Network> {
        self.source.into_iter().chain(self.destination)
    }

    fn without_universal_networks(self) -> Self {
        Self {
            source: self.source.filter(|network| !network.is_universal()),
            destination: self.destination.filter(|network| !network.is_universal()),
            ..self
        }
    }
}

/// What happens to a packet that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It passes, whatever rules follow, foreign ones too.
    Accept,
    /// It disappears.
    Drop,
    /// It disappears and its sender is told that the host cannot be reached (SLPF 2.1.3.2).
    ///
    /// A back end does well to jump to a static chain that holds the one rule that rejects: to iptables it is a module, and
    /// with the nft flavor a rule that needs a module waits 8 to 16 ms when a delete went before it.
    Reject,
}

impl Verdict {
    /// Whether a packet that matches does not pass.
    pub(crate) fn is_deny(self) -> bool {
        match self {
            Self::Accept => false,
            Self::Drop | Self::Reject => true,
        }
    }
}

/// Why a rule cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// An address of the other family.
    #[error("an address in the rule is not {0}")]
    OtherFamily(Family),
    /// Packets there have no interface they came in by.
    #[error("a packet at {0} has no interface it came in by")]
    NoInInterface(Hook),
    /// Packets there have no interface they leave by.
    #[error("a packet at {0} has no interface it leaves by")]
    NoOutInterface(Hook),
    /// A prefix longer than the address.
    #[error("prefix length {prefix} is longer than the address {address}")]
    Prefix {
        /// The address it was given with.
        address: std::net::IpAddr,
        /// The length asked for.
        prefix: u8,
    },
    /// A text that is neither `address` nor `address/prefix`.
    #[error("{0:?} is not a network")]
    Network(String),
    /// ICMP type 255, which means "any type" to the kernel.
    #[error("ICMP type 255 cannot be matched: to the kernel it means any type")]
    IcmpAny,
    /// A text that is not the name of one interface.
    #[error("{0:?} is not the name of a network interface")]
    Interface(String),
}

/// [`KernelRule::specification`].
#[derive(Debug, Clone, Copy)]
pub struct Specification<'a> {
    rule: &'a KernelRule,
    reject: &'a str,
}

impl fmt::Display for Specification<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KernelRule { family, matching, verdict, .. } = self.rule;
        if let Some(source) = matching.source {
            write!(f, "-s {source} ")?;
        }
        if let Some(destination) = matching.destination {
            write!(f, "-d {destination} ")?;
        }
        if let Some(interface) = &matching.in_interface {
            write!(f, "-i {interface} ")?;
        }
        if let Some(interface) = &matching.out_interface {
            write!(f, "-o {interface} ")?;
        }
        if let Some(protocol) = matching.protocol {
            protocol.specify(*family, f)?;
        }
        let target = match verdict {
            Verdict::Accept => "ACCEPT",
            Verdict::Drop => "DROP",
            Verdict::Reject => self.reject,
        };
        write!(f, "-j {target}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_as_iptables_prints_it() {
        check(
            Family::V4,
            Hook::Forward,
            Matching {
                source: Some(net("192.0.2.7", 24)),
                destination: Some(net("198.51.100.1", 32)),
                protocol: Some(Protocol::Tcp(Ports { src_port: Some(1), dst_port: Some(65535) })),
                in_interface: Some(interface("eth0.100")),
                out_interface: Some(interface("lo")),
            },
            "-s 192.0.2.0/24 -d 198.51.100.1/32 -i eth0.100 -o lo -p tcp ! -f -m tcp --sport 1 --dport 65535 -j DROP",
        );
    }

    #[test]
    fn nothing_asked_for_matches_everything() {
        check(Family::V6, Hook::Input, Matching::default(), "-j DROP");
    }

    #[test]
    fn protocols_have_their_modules_only_when_needed() {
        let none = Ports::default();
        let port = Ports { src_port: None, dst_port: Some(0) };
        for (protocol, expected) in [
            (Protocol::Tcp(none), "-p tcp -j DROP"),
            (Protocol::Udp(port), "-p udp ! -f -m udp --dport 0 -j DROP"),
            (Protocol::Sctp(none), "-p sctp -j DROP"),
            (Protocol::Sctp(port), "-p sctp ! -f -m sctp --dport 0 -j DROP"),
            (Protocol::Icmp(None), "-p icmp -j DROP"),
            (Protocol::Icmp(Some(icmp(8, None))), "-p icmp -m icmp --icmp-type 8 -j DROP"),
            (Protocol::Icmp(Some(icmp(3, Some(255)))), "-p icmp -m icmp --icmp-type 3/255 -j DROP"),
        ] {
            check(Family::V4, Hook::Input, Matching { protocol: Some(protocol), ..Matching::default() }, expected);
        }
    }

    #[test]
    fn icmp_is_icmpv6_for_ipv6() {
        for (kind, expected) in [
            (None, "-p ipv6-icmp -j DROP"),
            (Some(icmp(128, Some(0))), "-p ipv6-icmp -m icmp6 --icmpv6-type 128/0 -j DROP"),
        ] {
            let matching = Matching { protocol: Some(Protocol::Icmp(kind)), ..Matching::default() };
            check(Family::V6, Hook::Input, matching, expected);
        }
    }

    #[test]
    fn reject_jumps_to_the_chain_that_rejects() {
        let rule = KernelRule::new(Family::V4, Hook::Input, Matching::default(), Verdict::Reject).unwrap();
        assert_eq!(rule.specification("OC2-REJECT").to_string(), "-j OC2-REJECT");
    }

    #[test]
    fn a_network_of_all_addresses_is_no_network() {
        let matching = Matching { source: Some(net("10.1.2.3", 0)), ..Matching::default() };
        let rule = KernelRule::new(Family::V4, Hook::Input, matching, Verdict::Drop).unwrap();
        assert_eq!(rule, KernelRule::new(Family::V4, Hook::Input, Matching::default(), Verdict::Drop).unwrap());
    }

    #[test]
    fn families_do_not_mix() {
        let matching = Matching { source: Some(net("::1", 128)), ..Matching::default() };
        assert_eq!(
            KernelRule::new(Family::V4, Hook::Input, matching, Verdict::Drop),
            Err(RuleError::OtherFamily(Family::V4))
        );
    }

    #[test]
    fn interfaces_a_packet_does_not_have_are_refused() {
        let outside = Matching { in_interface: Some(interface("eth0")), ..Matching::default() };
        assert_eq!(
            KernelRule::new(Family::V4, Hook::Output, outside, Verdict::Drop),
            Err(RuleError::NoInInterface(Hook::Output))
        );
        let outside = Matching { out_interface: Some(interface("eth0")), ..Matching::default() };
        assert_eq!(
            KernelRule::new(Family::V4, Hook::Input, outside, Verdict::Drop),
            Err(RuleError::NoOutInterface(Hook::Input))
        );
    }

    fn check(family: Family, hook: Hook, matching: Matching, expected: &str) {
        let rule = KernelRule::new(family, hook, matching, Verdict::Drop).unwrap();
        assert_eq!(rule.specification("OC2-REJECT").to_string(), expected);
    }

    fn net(address: &str, prefix: u8) -> Network {
        Network::new(address.parse().unwrap(), prefix).unwrap()
    }

    fn interface(name: &str) -> Interface {
        name.parse().unwrap()
    }

    fn icmp(kind: u8, code: Option<u8>) -> IcmpKind {
        IcmpKind::new(kind, code).unwrap()
    }
}
