use std::fmt;

use super::{Family, RuleError};

/// What a packet carries, and what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp(Ports),
    /// UDP.
    Udp(Ports),
    /// SCTP. A port needs the kernel module `xt_sctp`.
    Sctp(Ports),
    /// ICMP, which for IPv6 is ICMPv6. Absent means any type.
    Icmp(Option<IcmpKind>),
}

impl Protocol {
    pub(super) fn specify(self, family: Family, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, family) {
            (Self::Tcp(ports), family) => ports.specify("tcp", family, f),
            (Self::Udp(ports), family) => ports.specify("udp", family, f),
            (Self::Sctp(ports), family) => ports.specify("sctp", family, f),
            (Self::Icmp(None), Family::V4) => write!(f, "-p icmp "),
            (Self::Icmp(Some(kind)), Family::V4) => write!(f, "-p icmp -m icmp --icmp-type {kind} "),
            (Self::Icmp(None), Family::V6) => write!(f, "-p ipv6-icmp "),
            (Self::Icmp(Some(kind)), Family::V6) => write!(f, "-p ipv6-icmp -m icmp6 --icmpv6-type {kind} "),
        }
    }
}

/// The ports of a packet. What is absent may be any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Ports {
    /// The sender's.
    pub src_port: Option<u16>,
    /// The receiver's.
    pub dst_port: Option<u16>,
}

impl Ports {
    /// A later fragment has no ports (DECISIONS S20), and yet the nft flavor of iptables 1.8.9 finds some in it on a kernel 6.18:
    /// so it is told. For IPv6 there are no words for it.
    fn specify(self, protocol: &str, family: Family, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-p {protocol} ")?;
        if self == Self::default() {
            return Ok(());
        }
        if family == Family::V4 {
            write!(f, "! -f ")?;
        }
        write!(f, "-m {protocol} ")?;
        if let Some(port) = self.src_port {
            write!(f, "--sport {port} ")?;
        }
        if let Some(port) = self.dst_port {
            write!(f, "--dport {port} ")?;
        }
        Ok(())
    }
}

/// A type of ICMP message, with a code of that type or any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IcmpKind {
    kind: u8,
    code: Option<u8>,
}

impl IcmpKind {
    /// Messages of type `kind` with `code`; absent means any code.
    ///
    /// # Errors
    ///
    /// For type 255: in the kernel's IPv4 match it means any type, so the rule would be wider than what was asked for.
    /// No ICMP or ICMPv6 message has it, so it is refused for both.
    pub fn new(kind: u8, code: Option<u8>) -> Result<Self, RuleError> {
        if kind == ANY_TYPE { Err(RuleError::IcmpAny) } else { Ok(Self { kind, code }) }
    }

    /// The type.
    #[must_use]
    pub fn kind(self) -> u8 {
        self.kind
    }

    /// The code. Absent means any.
    #[must_use]
    pub fn code(self) -> Option<u8> {
        self.code
    }
}

impl fmt::Display for IcmpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            None => write!(f, "{}", self.kind),
            Some(code) => write!(f, "{}/{code}", self.kind),
        }
    }
}

const ANY_TYPE: u8 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_that_means_any_cannot_be_written_down() {
        assert_eq!(IcmpKind::new(255, None), Err(RuleError::IcmpAny));
        assert_eq!(IcmpKind::new(255, Some(0)), Err(RuleError::IcmpAny));
    }
}
