//! Whether a change would cut off what has to stay reachable.
//!
//! What is guarded is a set of packets at times: from now on for ever, with and without a restart in between. A rule of the
//! kernel takes a set of packets for the time it is in force. Rules are walked in the order in which packets meet them, and
//! what a rule takes is taken out of the set; when a deny takes something of it, that would be cut off. So a deny below an
//! allow does no harm, unless the allow ends before it or is not persistent.
//!
//! Only what a change makes worse is looked at: packets that were stopped before do not keep other commands from being
//! performed. *Invariants.* Pure. What cannot be told within [`MAX_PIECES`] is refused.

mod region;

use std::ops::RangeInclusive;

use oc2_core::types::time::DateTime;
use oc2_core::{Class, Rejection};
use oc2_profile_slpf::{Direction, RuleNumber};

use super::list::{Entry, RuleList};
use super::{Edit, Step};
use crate::config::{Config, Guard, Keep, KeptProtocol, Mode};
use crate::rule::{Family, Hook, Interface, KernelRule, Network, Protocol, Verdict};

use self::region::{Range, Region, Side, addresses};

/// The guard of a configuration, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    names: Vec<String>,
    guarded: Vec<Guarded>,
    interfaces: Vec<Interface>,
}

/// Packets that have to pass.
#[derive(Clone, Debug)]
struct Guarded {
    /// The position of its name.
    name: usize,
    family: Family,
    hook: Hook,
    region: Region,
}

/// Why a change may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// This rule would stop what has this name.
    Off { name: String, by: RuleNumber },
    /// Rules overlap in too many ways.
    Unclear,
}

impl Watch {
    /// That of a configuration, if it has one.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        config.guard.as_ref().map(|guard| Self::new(guard, &config.mode))
    }

    fn new(guard: &Guard, mode: &Mode) -> Self {
        let interfaces = match mode {
            Mode::Host => Vec::new(),
            Mode::Gateway(outside) => outside.interfaces().to_vec(),
        };
        // An interface whose packets come from this host itself is told apart too.
        let loopback = "lo".parse().ok();
        let interfaces = interfaces.into_iter().chain(loopback).collect();
        let mut watch = Self { names: Vec::new(), guarded: Vec::new(), interfaces };
        for keep in guard.keep() {
            watch.names.push(keep.name.clone());
            watch.guard(keep, guard.here(), mode);
        }
        watch.guard_neighbors(guard);
        watch
    }

    fn guard(&mut self, keep: &Keep, here: &[Network], mode: &Mode) {
        let directions = match keep.direction {
            Direction::Both => &[Direction::Ingress, Direction::Egress][..],
            Direction::Ingress => &[Direction::Ingress],
            Direction::Egress => &[Direction::Egress],
        };
        for there in &keep.nets {
            let family = there.family();
            let is_of_family = |network: &&Network| network.family() == family;
            for (here, direction) in
                here.iter().filter(is_of_family).flat_map(|here| directions.iter().map(move |way| (here, way)))
            {
                let (hook, source, destination, sources, destinations) = match direction {
                    Direction::Egress => (Hook::Output, here, there, &keep.ports_here, &keep.ports_there),
                    _ => (Hook::Input, there, here, &keep.ports_there, &keep.ports_here),
                };
                let between =
                    Region::ALL.with(Side::Source, addresses(*source)).with(Side::Destination, addresses(*destination));
                let hooks = [Some(hook), matches!(mode, Mode::Gateway(_)).then_some(Hook::Forward)];
                for region in carrying(&between, family, keep.protocol, sources, destinations) {
                    let name = self.names.len() - 1;
                    let guarded = |hook| Guarded { name, family, hook, region: region.clone() };
                    self.guarded.extend(hooks.into_iter().flatten().map(guarded));
                }
            }
        }
    }

    /// Without neighbor discovery (RFC 4861) there is no way to an IPv6 address on the link, or to the router.
    fn guard_neighbors(&mut self, guard: &Guard) {
        let is_ipv6 = |network: &&Network| network.family() == Family::V6;
        let nets: Vec<_> = guard.keep().iter().flat_map(|keep| &keep.nets).filter(is_ipv6).collect();
        if nets.is_empty() {
            return;
        }
        self.names.push("IPv6 neighbor discovery".to_owned());
        let on_link = ["fe80::/10", "ff02::/16", "::"].map(|text| text.parse::<Network>());
        let on_link: Vec<Range> = on_link.into_iter().flatten().map(addresses).collect();
        let ends = || {
            let others = guard.here().iter().filter(is_ipv6).chain(nets.iter().copied());
            on_link.iter().copied().chain(others.map(|network| addresses(*network)))
        };
        for (source, destination) in ends().flat_map(|source| ends().map(move |destination| (source, destination))) {
            let region = Region::ALL
                .with(Side::Source, source)
                .with(Side::Destination, destination)
                .with(Side::Protocol, exactly(ICMPV6))
                .with(Side::SrcPort, (ROUTER_SOLICITATION, NEIGHBOR_ADVERTISEMENT));
            let name = self.names.len() - 1;
            let guarded = |hook| Guarded { name, family: Family::V6, hook, region: region.clone() };
            self.guarded.extend([Hook::Input, Hook::Output].map(guarded));
        }
    }

    /// Whether a change of these rules, made at `now`, cuts off what was not cut off before.
    pub(crate) fn check(&self, rules: &RuleList, step: &Step, now: DateTime) -> Result<(), Cut> {
        match step {
            Step::Replace(list) => self.check_all(list, now),
            Step::Edit(edits) => edits.iter().try_for_each(|edit| self.check_edit(rules, edit, now)),
        }
    }

    /// Whether these rules cut anything off from `now` on.
    pub(crate) fn check_all(&self, rules: &RuleList, now: DateTime) -> Result<(), Cut> {
        let mut open = Open::of(self, now, |region| Some(region.clone()), |_| true);
        rules.iter().try_for_each(|entry| open.pass(entry, Below::Changed))
    }

    fn check_edit(&self, rules: &RuleList, edit: &Edit, now: DateTime) -> Result<(), Cut> {
        match (&edit.before, &edit.after) {
            (None, Some(new)) => self.check_new(rules, new, now),
            (Some(former), after) => self.check_loss(rules, former, after.as_deref(), now),
            (None, None) => Ok(()),
        }
    }

    /// A new rule stops what it denies, unless rules above it take that first.
    fn check_new(&self, rules: &RuleList, new: &Entry, now: DateTime) -> Result<(), Cut> {
        let Some(mut open) = self.taken_by(new, now, Verdict::is_deny, new.in_force_from()) else { return Ok(()) };
        rules.above(new.record().number).try_for_each(|entry| open.pass(entry, Below::Unchanged))?;
        open.pass(new, Below::Changed)
    }

    /// Where an allow goes, for ever or for a while, the rules below it decide.
    fn check_loss(&self, rules: &RuleList, former: &Entry, after: Option<&Entry>, now: DateTime) -> Result<(), Cut> {
        let (from, until) = former.in_force_from();
        // Until it is back, if it comes back.
        let until = after.map_or(until, |after| until.min(after.in_force_from().0.saturating_sub(1)));
        if from > until {
            return Ok(());
        }
        let number = former.record().number;
        let taken = self.taken_by(former, now, |verdict| !verdict.is_deny(), (from, until));
        let Some(mut open) = taken else { return Ok(()) };
        for entry in rules.iter() {
            let other = entry.record().number;
            match other.cmp(&number) {
                std::cmp::Ordering::Less => open.pass(entry, Below::Unchanged)?,
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => open.pass(entry, Below::Changed)?,
            }
        }
        Ok(())
    }

    /// What is guarded of what a rule takes by some of its verdicts, at these times; `None` if nothing is.
    fn taken_by(
        &self,
        entry: &Entry,
        now: DateTime,
        is_meant: impl Fn(Verdict) -> bool,
        times: Range,
    ) -> Option<Open<'_>> {
        let mut open = Open { watch: self, pieces: Default::default(), n_pieces: 0 };
        for rule in entry.kernel_rules().iter().filter(|rule| is_meant(rule.verdict())) {
            let Some(region) = self.region(rule, entry) else { continue };
            let taken = region.with(Side::Time, times);
            let of_rule = Open::of(self, now, |region| region.intersection(&taken), |guarded| guarded.is_met_by(rule));
            open.absorb(of_rule);
        }
        (open.n_pieces > 0).then_some(open)
    }

    /// The packets that a rule matches, at the times when it is in force; `None` if it never is.
    fn region(&self, rule: &KernelRule, entry: &Entry) -> Option<Region> {
        let (from, until) = entry.in_force_from();
        if from > until {
            return None;
        }
        let matching = rule.matching();
        let network = |network: Option<Network>| network.map_or(ANYTHING, addresses);
        let restart = if entry.record().persistent { (0, 1) } else { (0, 0) };
        let region = Region::ALL
            .with(Side::Source, network(matching.source))
            .with(Side::Destination, network(matching.destination))
            .with(Side::InInterface, self.interface(matching.in_interface.as_ref(), rule.verdict())?)
            .with(Side::OutInterface, self.interface(matching.out_interface.as_ref(), rule.verdict())?)
            .with(Side::Time, (from, until))
            .with(Side::Restart, restart);
        let Some(protocol) = matching.protocol else { return Some(region) };
        let (number, src_port, dst_port) = match protocol {
            Protocol::Tcp(ports) => (TCP, ports.src_port, ports.dst_port),
            Protocol::Udp(ports) => (UDP, ports.src_port, ports.dst_port),
            Protocol::Sctp(ports) => (SCTP, ports.src_port, ports.dst_port),
            Protocol::Icmp(kind) => {
                let code = kind.and_then(|kind| kind.code());
                (icmp(rule.family()), kind.map(|kind| kind.kind().into()), code.map(u16::from))
            }
        };
        let port = |port: Option<u16>| port.map_or(ANYTHING, |port| exactly(port.into()));
        let region = region.with(Side::Protocol, exactly(number));
        Some(region.with(Side::SrcPort, port(src_port)).with(Side::DstPort, port(dst_port)))
    }

    /// One that is not known may be any to a deny and is none to an allow.
    fn interface(&self, interface: Option<&Interface>, verdict: Verdict) -> Option<Range> {
        let Some(interface) = interface else { return Some(ANYTHING) };
        match self.interfaces.iter().position(|known| known == interface) {
            Some(position) => Some(exactly(position as u128)),
            None => verdict.is_deny().then_some(ANYTHING),
        }
    }
}

/// The packets between two ends by a protocol.
fn carrying(
    between: &Region,
    family: Family,
    protocol: Option<KeptProtocol>,
    sources: &[RangeInclusive<u16>],
    destinations: &[RangeInclusive<u16>],
) -> Vec<Region> {
    let protocols = match protocol {
        Some(KeptProtocol::Tcp) => vec![exactly(TCP)],
        Some(KeptProtocol::Udp) => vec![exactly(UDP)],
        Some(KeptProtocol::Sctp) => vec![exactly(SCTP)],
        Some(KeptProtocol::Icmp) => vec![exactly(icmp(family))],
        None if sources.is_empty() && destinations.is_empty() => vec![ANYTHING],
        None => [TCP, UDP, SCTP].map(exactly).into(),
    };
    let mut regions = Vec::new();
    for protocol in protocols {
        for source in ports(sources, destinations) {
            for destination in ports(destinations, sources) {
                let region = between.clone().with(Side::Protocol, protocol);
                regions.push(region.with(Side::SrcPort, source).with(Side::DstPort, destination));
            }
        }
    }
    regions
}

/// The ports of one end; where only the other end has a service, this one is a client, whose port is not privileged.
fn ports(own: &[RangeInclusive<u16>], other: &[RangeInclusive<u16>]) -> Vec<Range> {
    match (own, other) {
        ([], []) => vec![ANYTHING],
        ([], _) => vec![(1024, u16::MAX.into())],
        (own, _) => own.iter().map(|ports| (u128::from(*ports.start()), u128::from(*ports.end()))).collect(),
    }
}

impl Guarded {
    fn is_met_by(&self, rule: &KernelRule) -> bool {
        (self.family, self.hook) == (rule.family(), rule.hook())
    }
}

/// What of the guarded packets no rule has taken yet, by chain.
struct Open<'w> {
    watch: &'w Watch,
    pieces: [[Vec<(usize, Region)>; Hook::ALL.len()]; Family::ALL.len()],
    n_pieces: usize,
}

/// Whether what reaches a rule would have reached it without the change.
#[derive(Clone, Copy, PartialEq)]
enum Below {
    Unchanged,
    Changed,
}

impl<'w> Open<'w> {
    fn of(
        watch: &'w Watch,
        now: DateTime,
        part: impl Fn(&Region) -> Option<Region>,
        is_meant: impl Fn(&Guarded) -> bool,
    ) -> Self {
        let mut open = Self { watch, pieces: Default::default(), n_pieces: 0 };
        let from_now = (u128::from(now.as_millis()), u128::MAX);
        for guarded in watch.guarded.iter().filter(|guarded| is_meant(guarded)) {
            let region = guarded.region.clone().with(Side::Time, from_now);
            if let Some(region) = part(&region) {
                open.pieces[guarded.family as usize][guarded.hook as usize].push((guarded.name, region));
                open.n_pieces += 1;
            }
        }
        open
    }

    fn absorb(&mut self, other: Self) {
        self.n_pieces += other.n_pieces;
        let of_other = other.pieces.into_iter().flatten();
        self.pieces.iter_mut().flatten().zip(of_other).for_each(|(pieces, others)| pieces.extend(others));
    }

    /// Packets meet a rule of the list: what it takes is decided there.
    fn pass(&mut self, entry: &Entry, below: Below) -> Result<(), Cut> {
        for rule in &entry.kernel_rules() {
            let pieces = &mut self.pieces[rule.family() as usize][rule.hook() as usize];
            // Of most rules the addresses say that they take nothing; that is cheaper than the whole of their region.
            if !pieces.iter().any(|(_, piece)| piece.may_meet(rule.matching())) {
                continue;
            }
            let Some(taken) = self.watch.region(rule, entry) else { continue };
            let mut i = 0;
            let mut left = Vec::new();
            while let Some((name, piece)) = pieces.get(i) {
                if piece.intersection(&taken).is_none() {
                    i += 1;
                    continue;
                }
                if rule.verdict().is_deny() && below == Below::Changed {
                    let name = self.watch.names[*name].clone();
                    return Err(Cut::Off { name, by: entry.record().number });
                }
                let (name, piece) = pieces.swap_remove(i);
                let mut rest = Vec::new();
                piece.without(&taken, &mut rest);
                self.n_pieces = self.n_pieces + rest.len() - 1;
                left.extend(rest.into_iter().map(|piece| (name, piece)));
            }
            pieces.append(&mut left);
            if self.n_pieces > MAX_PIECES {
                return Err(Cut::Unclear);
            }
        }
        Ok(())
    }
}

impl From<Cut> for Rejection {
    fn from(cut: Cut) -> Self {
        let text = match cut {
            Cut::Off { name, .. } => format!("not done: it would cut off {name}, which has to stay reachable here"),
            Cut::Unclear => {
                "not done: too many rules overlap to tell whether what has to stay reachable here would".to_owned()
            }
        };
        Self::new(Class::Forbidden, text)
    }
}

fn exactly(value: u128) -> Range {
    (value, value)
}

fn icmp(family: Family) -> u128 {
    match family {
        Family::V4 => 1,
        Family::V6 => ICMPV6,
    }
}

const ANYTHING: Range = (0, u128::MAX);
const TCP: u128 = 6;
const UDP: u128 = 17;
const ICMPV6: u128 = 58;
const SCTP: u128 = 132;
/// Types 133 to 136.
const ROUTER_SOLICITATION: u128 = 133;
const NEIGHBOR_ADVERTISEMENT: u128 = 136;
/// More than rules that people write leave, and walked in some milliseconds.
const MAX_PIECES: usize = 4096;

#[cfg(test)]
mod tests;
