//! The kinds of rules that are commanded, each about an address of its own.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use serde_json::{Value, json};

/// What a rule is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Deny,
    DenyOut,
    DenyIn,
    Deny6,
    Reject,
    /// From within a net that is denied.
    Allow,
    Connection,
    /// At a place of its own.
    Placed,
    /// Ends soon.
    Window,
    /// Begins soon.
    Scheduled,
    /// Is not restored at a start.
    Fleeting,
}

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::Deny,
        Self::DenyOut,
        Self::DenyIn,
        Self::Deny6,
        Self::Reject,
        Self::Allow,
        Self::Connection,
        Self::Placed,
        Self::Window,
        Self::Scheduled,
        Self::Fleeting,
    ];

    /// The address of the n-th rule.
    pub(super) fn address(self, n: u32) -> IpAddr {
        let [high, octets @ ..] = n.to_be_bytes();
        let [a, b, c] = octets;
        debug_assert_eq!((high, a & 0xc0), (0, 0), "so many rules are not made");
        match self {
            Self::Deny6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 1, u16::from(a), u16::from_be_bytes([b, c])).into(),
            Self::Allow => Ipv4Addr::new(10, 192 | a, b, c).into(),
            _ => Ipv4Addr::new(10, a, b, c).into(),
        }
    }

    /// The Command for it, with what goes for the kind: a number for a placed one, a time for one with a window.
    pub(super) fn command(self, address: IpAddr, extra: i64) -> Value {
        let action = if self == Self::Allow { "allow" } else { "deny" };
        let target = match (self, address) {
            (Self::Connection, _) => {
                json!({"ipv4_connection": {"dst_addr": address, "dst_port": PORT, "protocol": "udp"}})
            }
            (_, IpAddr::V6(_)) => json!({"ipv6_net": address}),
            (_, IpAddr::V4(_)) => json!({"ipv4_net": address}),
        };
        let args = match self {
            Self::Deny | Self::Deny6 | Self::Connection => json!({}),
            Self::DenyOut | Self::Allow => json!({"slpf": {"direction": "egress"}}),
            Self::DenyIn => json!({"slpf": {"direction": "ingress"}}),
            Self::Reject => json!({"slpf": {"drop_process": "reject"}}),
            Self::Placed => json!({"response_requested": "complete", "slpf": {"insert_rule": extra}}),
            Self::Window => json!({"stop_time": extra}),
            Self::Scheduled => json!({"start_time": extra}),
            Self::Fleeting => json!({"slpf": {"persistent": false}}),
        };
        let mut command = json!({"action": action, "target": target});
        if args != json!({}) {
            command["args"] = args;
        }
        command
    }

    /// Whether its number is chosen by the Consumer.
    pub(super) fn is_numbered_by_consumer(self) -> bool {
        self != Self::Placed
    }

    /// What becomes of a packet to the address: whether it leaves, or none where that cannot be seen from here.
    pub(super) fn lets_leave(self, is_in_force: bool) -> Option<bool> {
        match self {
            Self::DenyIn => None,
            Self::Allow => Some(is_in_force),
            _ => Some(!is_in_force),
        }
    }
}

/// Whether the kernel lets a packet to an address leave.
pub(super) fn leaves(address: IpAddr) -> std::io::Result<bool> {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    match UdpSocket::bind((any, 0))?.send_to(b"?", SocketAddr::new(address, PORT)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}

/// The net within which some addresses are allowed, and the number of its rule, below all others.
pub(super) fn wide() -> Value {
    json!({"action": "deny", "target": {"ipv4_net": "10.192.0.0/10"}, "args": {"response_requested": "complete",
        "slpf": {"insert_rule": WIDE, "direction": "egress"}}})
}

pub(super) const WIDE: i64 = 2_000_000_000;
const PORT: u16 = 4444;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_an_address_of_its_own() {
        assert_eq!(Kind::Deny.address(0x12345).to_string(), "10.1.35.69");
        assert_eq!(Kind::Allow.address(0x12345).to_string(), "10.193.35.69");
        assert_eq!(Kind::Deny6.address(0x12345).to_string(), "2001:db8::1:1:2345");
    }
}
