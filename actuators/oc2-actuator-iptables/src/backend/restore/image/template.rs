//! Rules about one net, without the net.

use oc2_packet_filter::{KernelRule, Matching, Network, Ports, Protocol, Verdict};

use crate::backend::ChainNames;

/// What the rules of the kernel are that a rule of the list about one net comes to, but for the net. Rules of one template can
/// be told by a set of nets: which of them comes first makes no difference.
///
/// Its parts have one verdict, but that a rule which rejects lets its own notices pass. What a part about notices takes is a part
/// of what the one after it would take, so the parts may be asked one after the other about all nets at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<(End, KernelRule)>,
}

/// Which end of a packet's way the net is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Source,
    Destination,
}

impl Template {
    /// The template of some rules, and the net; none if they are about anything but the addresses of one net and interfaces.
    pub(super) fn of<'r>(rules: impl IntoIterator<Item = &'r KernelRule>) -> Option<(Self, Network)> {
        let mut net = None;
        let mut parts = Vec::new();
        for rule in rules {
            let (end, network, matching) = without_net(rule)?;
            if *net.get_or_insert(network) != network || (rule.matching().protocol.is_some() && !rule.is_notice()) {
                return None;
            }
            parts.push((end, KernelRule::new(rule.family(), rule.hook(), matching, rule.verdict()).ok()?));
        }
        net.map(|net| (Self { parts }, net))
    }

    /// The rules that say it of the nets in a set, as iptables prints them.
    pub(super) fn lines(&self, set: &str, chains: &ChainNames) -> Vec<String> {
        let line = |(end, rule): &(End, KernelRule)| {
            let direction = match end {
                End::Source => "src",
                End::Destination => "dst",
            };
            let text = rule.specification(chains.reject()).to_string();
            let (matches, target) = text.split_at(text.rfind("-j ").unwrap_or(0));
            format!("{matches}-m set --match-set {set} {direction} {target}")
        };
        self.parts.iter().map(line).collect()
    }

    /// How many these are.
    pub(super) fn n_lines(&self) -> usize {
        self.parts.len()
    }

    /// Whether one more net means that fewer packets pass.
    pub(super) fn is_deny(&self) -> bool {
        self.parts.iter().any(|(_, rule)| rule.verdict() != Verdict::Accept)
    }

    /// Whether one of these rules says something else of some packet than this says of some net.
    pub(super) fn may_contradict(&self, rules: &[&KernelRule]) -> bool {
        self.contradictions(rules).next().is_some()
    }

    /// Whether one of these rules says something else of some packet than this says of this net.
    pub(super) fn contradicts(&self, net: Network, rules: &[&KernelRule]) -> bool {
        self.contradictions(rules).any(|(end, rule)| {
            let other = match end {
                End::Source => rule.matching().source,
                End::Destination => rule.matching().destination,
            };
            other.is_none_or(|other| networks_overlap(net, other))
        })
    }

    fn contradictions<'a>(&'a self, rules: &'a [&KernelRule]) -> impl Iterator<Item = (End, &'a KernelRule)> {
        let of = |(end, part): &'a (End, KernelRule)| {
            let end = *end;
            rules.iter().filter(move |rule| contradict(part, rule)).map(move |rule| (end, *rule))
        };
        self.parts.iter().flat_map(of)
    }
}

/// Whether two rules of one chain say different things of some packet, so that their order counts.
pub(super) fn contradict(one: &KernelRule, other: &KernelRule) -> bool {
    one.verdict() != other.verdict() && overlap(one.matching(), other.matching())
}

/// Whether some packet may look like both: never wrongly no.
fn overlap(one: &Matching, other: &Matching) -> bool {
    let nets = |one: Option<Network>, other: Option<Network>| match (one, other) {
        (Some(one), Some(other)) => networks_overlap(one, other),
        _ => true,
    };
    nets(one.source, other.source)
        && nets(one.destination, other.destination)
        && may_equal(one.in_interface.as_ref(), other.in_interface.as_ref())
        && may_equal(one.out_interface.as_ref(), other.out_interface.as_ref())
        && one.protocol.is_none_or(|one| other.protocol.is_none_or(|other| may_meet(one, other)))
}

fn may_meet(one: Protocol, other: Protocol) -> bool {
    let ports =
        |one: Ports, other: Ports| may_equal(one.src_port, other.src_port) && may_equal(one.dst_port, other.dst_port);
    match (one, other) {
        (Protocol::Tcp(one), Protocol::Tcp(other))
        | (Protocol::Udp(one), Protocol::Udp(other))
        | (Protocol::Sctp(one), Protocol::Sctp(other)) => ports(one, other),
        (Protocol::Icmp(Some(one)), Protocol::Icmp(Some(other))) => {
            one.kind() == other.kind() && may_equal(one.code(), other.code())
        }
        (Protocol::Icmp(_), Protocol::Icmp(_)) => true,
        _ => false,
    }
}

fn may_equal<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.is_none() || other.is_none() || one == other
}

fn networks_overlap(one: Network, other: Network) -> bool {
    let prefix = one.prefix().min(other.prefix());
    Network::new(one.address(), prefix) == Network::new(other.address(), prefix)
}

/// The net of a rule that has one, and what else it matches.
fn without_net(rule: &KernelRule) -> Option<(End, Network, Matching)> {
    let matching = rule.matching().clone();
    match (matching.source, matching.destination) {
        (Some(net), None) => Some((End::Source, net, Matching { source: None, ..matching })),
        (None, Some(net)) => Some((End::Destination, net, Matching { destination: None, ..matching })),
        _ => None,
    }
}
