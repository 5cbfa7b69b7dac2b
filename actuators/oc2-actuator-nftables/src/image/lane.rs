//! The rules that packets of one family meet on one way.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use oc2_packet_filter::{Family, KernelRule, Network};

use super::delta::{Delta, SetName};
use super::intervals::{Difference, Intervals};
use super::keys::{self, Keys};
use super::path::Path;
use super::shape::{Carried, Shape, destination, icmp, is_whole, source, width};
use super::{Elements, PORT_PROTOCOLS, runs};
use crate::octets::Octets;
use crate::op::{Answer, Data, DataSpec, Element, Expr, Key, KeySpec, Meta, Reg, SetSpec, Target};
use crate::rank::Rank;

/// The rules of one chain of the kernel and its maps. Rules about one net are in two maps of ranges, those about a net of
/// a usual length or about more in maps by what they look at: to change a map of ranges costs the kernel (6.18) 0.2 us for each range in
/// it, to change one of keys nothing. Each map says the rank of the first rule that a packet meets in it; the first of these ranks
/// decides. Most packets are in none of them, and go on when that is seen: which of two ranks comes first is asked only of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    path: Path,
    sources: Intervals,
    destinations: Intervals,
    connections: BTreeMap<Shape, Keys>,
    maps: Maps,
    /// Whether the rules of the chain are others than the kernel has.
    is_other: bool,
}

/// What has a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Maps {
    /// The ends of packets for which there are ranges.
    ends: BTreeSet<End>,
    /// The rules of other shapes are looked at one after the other.
    shapes: BTreeSet<Shape>,
}

/// An end of a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Source,
    Destination,
}

impl End {
    /// The end of the name of its map of ranges.
    fn suffix(self) -> &'static str {
        match self {
            Self::Source => "-from",
            Self::Destination => "-to",
        }
    }

    fn load(self, family: Family, reg: Reg) -> Expr {
        match self {
            Self::Source => source(family, reg),
            Self::Destination => destination(family, reg),
        }
    }
}

impl Lane {
    /// One without rules. This gets a map first.
    pub(crate) fn new(path: Path, maps: Maps) -> Self {
        Self {
            path,
            sources: Intervals::default(),
            destinations: Intervals::default(),
            connections: BTreeMap::new(),
            maps,
            is_other: false,
        }
    }

    /// A rule comes.
    pub(crate) fn insert(&mut self, rule: &KernelRule, rank: Rank, delta: &mut Delta) {
        match self.side(rule) {
            Some((end, net)) => {
                let difference = self.ranges_mut(end).insert(net, rank);
                self.tell_ranges(end, difference, delta);
            }
            None => {
                let (shape, key) = Shape::of(rule);
                let keys = self.connections.entry(shape).or_insert_with(|| Keys::new(key.len()));
                let change = keys.insert(&key, rank);
                self.tell_key(shape, key, change, delta);
            }
        }
    }

    /// A rule comes, one of those that are there first. They count once they are [counted](Self::count).
    pub(crate) fn gather(&mut self, rule: &KernelRule, rank: Rank) {
        match self.side(rule) {
            Some((end, net)) => _ = self.ranges_mut(end).insert(net, rank),
            None => {
                let (shape, key) = Shape::of(rule);
                let keys = self.connections.entry(shape).or_insert_with(|| Keys::new(key.len()));
                keys.gather(&key, rank);
            }
        }
    }

    /// Counts what was gathered.
    pub(crate) fn count(&mut self) {
        self.connections.values_mut().for_each(Keys::settle);
    }

    /// A rule goes.
    pub(crate) fn remove(&mut self, rule: &KernelRule, rank: Rank, delta: &mut Delta) {
        match self.side(rule) {
            Some((end, net)) => {
                let difference = self.ranges_mut(end).remove(net, rank);
                self.tell_ranges(end, difference, delta);
            }
            None => {
                let (shape, key) = Shape::of(rule);
                let Some(keys) = self.connections.get_mut(&shape) else { return };
                let change = keys.remove(&key, rank);
                if keys.is_empty() {
                    self.connections.remove(&shape);
                }
                self.tell_key(shape, key, change, delta);
            }
        }
    }

    fn ranges(&self, end: End) -> &Intervals {
        match end {
            End::Source => &self.sources,
            End::Destination => &self.destinations,
        }
    }

    fn ranges_mut(&mut self, end: End) -> &mut Intervals {
        match end {
            End::Source => &mut self.sources,
            End::Destination => &mut self.destinations,
        }
    }

    /// The ranges that a rule about one net changes; none for one that has a key.
    fn side(&self, rule: &KernelRule) -> Option<(End, Network)> {
        let matching = rule.matching();
        let is_usual = Shape::of(rule).0.is_usual_net(self.path.family);
        match (matching.protocol, matching.source, matching.destination) {
            (None, Some(net), None) if !is_usual => Some((End::Source, net)),
            (None, None, Some(net)) if !is_usual => Some((End::Destination, net)),
            (None, None, None) => Some((End::Source, all(self.path.family))),
            _ => None,
        }
    }

    fn tell_ranges(&self, end: End, Difference { gone, come }: Difference, delta: &mut Delta) {
        if !self.maps.ends.contains(&end) {
            return;
        }
        let (set, width) = (SetName::Ranges(self.path, end.suffix()), width(self.path.family));
        gone.into_iter().for_each(|range| delta.remove(set, element(range, width)));
        come.into_iter().for_each(|range| delta.add(set, element(range, width)));
    }

    fn tell_key(&mut self, shape: Shape, key: Octets, (before, after): keys::Change, delta: &mut Delta) {
        if before == after {
            return;
        }
        if !self.maps.shapes.contains(&shape) {
            self.is_other = true;
            return;
        }
        let set = SetName::Keys(self.path, shape);
        let element = |rank| Element { key: Key::Exact(key), data: Data::Rank(rank) };
        before.map(element).into_iter().for_each(|gone| delta.remove(set, gone));
        after.map(element).into_iter().for_each(|come| delta.add(set, come));
    }

    /// Gives as many shapes a map as may have one, those with the most rules first; what has one keeps it. Ranges and
    /// nets of a usual length always have one. A map in which nothing is left stays until another needs its place: what comes
    /// and goes, and comes again, costs an element and not a map.
    pub(crate) fn settle(&mut self, delta: &mut Delta) {
        let former = self.maps.clone();
        self.settle_shapes(&former.shapes);
        for gone in former.shapes.difference(&self.maps.shapes) {
            delta.delete_set(SetName::Keys(self.path, *gone));
        }
        for new in self.maps.shapes.difference(&former.shapes) {
            delta.add_set(SetName::Keys(self.path, *new), self.shape_spec(new), || self.shape_elements(*new).collect());
        }
        for new in [End::Source, End::Destination] {
            if !self.ranges(new).is_empty() && self.maps.ends.insert(new) {
                delta.add_set(SetName::Ranges(self.path, new.suffix()), self.end_spec(new), || {
                    self.end_elements(new).collect()
                });
            }
        }
        if self.is_other || self.maps != former {
            delta.replace_rules(self.path.decide(), self.deciding_rules());
            delta.replace_rules(self.path.chain(), self.rules());
        }
        self.is_other = false;
    }

    fn settle_shapes(&mut self, former: &BTreeSet<Shape>) {
        let mut waiting: Vec<_> = self.connections.iter().filter(|(shape, _)| !former.contains(shape)).collect();
        waiting.sort_by_key(|(_, keys)| Reverse(keys.len()));
        let is_usual = |shape: &Shape| shape.is_usual_net(self.path.family);
        let mut n_free = MAX_SHAPES.saturating_sub(former.iter().filter(|shape| !is_usual(shape)).count());
        let mut idle = former.iter().filter(|shape| !is_usual(shape) && !self.connections.contains_key(shape));
        for (shape, _) in waiting {
            if !is_usual(shape) {
                if n_free > 0 {
                    n_free -= 1;
                } else if let Some(idle) = idle.next() {
                    self.maps.shapes.remove(idle);
                } else {
                    continue;
                }
            }
            self.maps.shapes.insert(*shape);
        }
    }

    /// How many ranges and keys there are.
    pub(crate) fn len(&self) -> usize {
        let n_keys: usize = self.connections.values().map(Keys::len).sum();
        self.sources.len() + self.destinations.len() + n_keys
    }

    /// What has a map.
    pub(crate) fn maps(&self) -> Maps {
        self.maps.clone()
    }

    /// Says what has a map, as the kernel does.
    pub(crate) fn set_maps(&mut self, maps: Maps) {
        self.maps = maps;
    }

    /// Its maps, how much is in each, and what.
    pub(crate) fn sets(&self) -> impl Iterator<Item = (SetSpec, usize, Elements<'_>)> {
        let of_end = |end: &End| {
            (self.end_spec(*end), self.ranges(*end).len() + 1, Box::new(self.end_elements(*end)) as Elements<'_>)
        };
        let of_shape = |shape: &Shape| {
            let n_keys = self.connections.get(shape).map_or(0, Keys::len);
            (self.shape_spec(shape), n_keys + 1, Box::new(self.shape_elements(*shape)) as Elements<'_>)
        };
        self.maps.ends.iter().map(of_end).chain(self.maps.shapes.iter().map(of_shape))
    }

    /// The rules of its chain: who is in no map is what no rule is about. A part of a packet that cannot be read is in none.
    pub(crate) fn rules(&self) -> Vec<Vec<Expr>> {
        let go = Expr::Verdict(Target::Goto(self.path.decide()));
        if !self.unmapped().is_empty() {
            return vec![vec![go]];
        }
        let family = self.path.family;
        let is_in = |load: &dyn Fn(&mut Vec<Expr>), set: String| {
            let mut rule = Vec::new();
            load(&mut rule);
            rule.push(Expr::Lookup { set, reg: KEY, answer: Answer::Reg(BEST) });
            rule.push(Expr::Differs(RANK, Rank::NONE.octets()[..Reg::LEN].to_vec()));
            rule.push(go.clone());
            rule
        };
        let ends = self
            .maps
            .ends
            .iter()
            .map(|end| is_in(&|rule| rule.push(end.load(family, KEY)), self.path.set(end.suffix())));
        let shapes = self
            .maps
            .shapes
            .iter()
            .map(|shape| is_in(&|rule| shape.load(family, KEY, rule), self.path.set(&shape.to_string())));
        ends.chain(shapes).collect()
    }

    /// The rules of the chain for packets that some rule is about. A rule does not apply if a part of it cannot be read, such as the
    /// ports of a later fragment; then the next one does with less.
    pub(crate) fn deciding_rules(&self) -> Vec<Vec<Expr>> {
        let mut rules = Vec::new();
        for (rank, shape, key) in self.unmapped() {
            self.decide(&matches(&shape, self.path.family, key), Some(rank), &mut rules);
        }
        self.decide(&[], None, &mut rules);
        rules
    }

    pub(crate) fn path(&self) -> Path {
        self.path
    }

    fn unmapped(&self) -> Vec<(Rank, Shape, &[u8])> {
        let unmapped = self.connections.iter().filter(|(shape, _)| !self.maps.shapes.contains(shape));
        let mut rules: Vec<_> =
            unmapped.flat_map(|(shape, keys)| keys.iter().map(|(key, rank)| (rank, *shape, key))).collect();
        rules.sort();
        rules
    }

    /// Finds the first of all ranks that a packet meets, and does what it says. `rank` is known before.
    fn decide(&self, prelude: &[Expr], rank: Option<Rank>, rules: &mut Vec<Vec<Expr>>) {
        let is_there = |is_meant: fn(&Carried) -> bool| self.maps.shapes.iter().any(|shape| is_meant(&shape.carried));
        let readable = [
            (
                is_there(is_about_ports as fn(&Carried) -> bool),
                is_with_ports as fn(&Carried) -> bool,
                Some(Readable::Ports),
            ),
            (is_there(is_about_icmp), is_with_icmp, Some(Readable::Icmp)),
            (is_there(|carried| *carried == Carried::Protocol), is_of_protocol, None),
            (true, |carried| *carried == Carried::Anything, None),
        ];
        for (is_needed, is_meant, readable) in readable {
            if !is_needed {
                continue;
            }
            let mut rule = prelude.to_vec();
            self.ask(readable, &mut rule);
            if !self.find_first(rank, is_meant, &mut rule) {
                continue;
            }
            rule.push(Expr::Lookup { set: runs::VERDICT.to_owned(), reg: RANK, answer: Answer::Verdict });
            rules.push(rule);
        }
    }

    fn ask(&self, readable: Option<Readable>, rule: &mut Vec<Expr>) {
        if readable.is_some() {
            rule.push(Expr::Meta(Meta::L4Proto, KEY));
        }
        match readable {
            Some(Readable::Ports) => {
                rule.push(Expr::Lookup { set: PORT_PROTOCOLS.to_owned(), reg: KEY, answer: Answer::Holds });
            }
            Some(Readable::Icmp) => rule.push(Expr::Equals(KEY, vec![icmp(self.path.family)])),
            None => return,
        }
        rule.push(is_whole(KEY));
    }

    /// False where there is nothing to find one in.
    fn find_first(&self, rank: Option<Rank>, is_meant: fn(&Carried) -> bool, rule: &mut Vec<Expr>) -> bool {
        let family = self.path.family;
        let mut is_first = true;
        if let Some(rank) = rank {
            rule.push(Expr::Load(BEST, rank.answer().to_vec()));
            is_first = false;
        }
        let mut look_up = |set: String, rule: &mut Vec<Expr>| {
            let into = if is_first { BEST } else { OTHER };
            rule.push(Expr::Lookup { set, reg: KEY, answer: Answer::Reg(into) });
            if !is_first {
                let set = runs::FIRST.to_owned();
                rule.push(Expr::Lookup { set, reg: RANK, answer: Answer::Reg(BEST) });
            }
            is_first = false;
        };
        for end in &self.maps.ends {
            rule.push(end.load(family, KEY));
            look_up(self.path.set(end.suffix()), rule);
        }
        for shape in self.maps.shapes.iter().filter(|shape| is_meant(&shape.carried)) {
            shape.load(family, KEY, rule);
            look_up(self.path.set(&shape.to_string()), rule);
        }
        !is_first
    }

    fn end_spec(&self, end: End) -> SetSpec {
        let key = KeySpec::Range(width(self.path.family));
        SetSpec { name: self.path.set(end.suffix()), key, data: DataSpec::Rank }
    }

    fn end_elements(&self, end: End) -> impl Iterator<Item = Element> {
        let width = width(self.path.family);
        self.ranges(end).iter().map(move |range| element(range, width)).chain([nobody()])
    }

    fn shape_spec(&self, shape: &Shape) -> SetSpec {
        let key = KeySpec::Exact(shape.key_len(self.path.family));
        SetSpec { name: self.path.set(&shape.to_string()), key, data: DataSpec::Rank }
    }

    fn shape_elements(&self, shape: Shape) -> impl Iterator<Item = Element> {
        let keys = self.connections.get(&shape).into_iter().flat_map(Keys::iter);
        let element = |(key, rank): (&[u8], Rank)| Element { key: Key::Exact(key.into()), data: Data::Rank(rank) };
        keys.map(element).chain([nobody()])
    }
}

/// What of a packet can be read.
#[derive(Clone, Copy)]
enum Readable {
    Ports,
    Icmp,
}

fn is_about_ports(carried: &Carried) -> bool {
    matches!(carried, Carried::Ports { .. })
}

fn is_about_icmp(carried: &Carried) -> bool {
    matches!(carried, Carried::Icmp { .. })
}

fn is_of_protocol(carried: &Carried) -> bool {
    matches!(carried, Carried::Anything | Carried::Protocol)
}

fn is_with_ports(carried: &Carried) -> bool {
    is_of_protocol(carried) || is_about_ports(carried)
}

fn is_with_icmp(carried: &Carried) -> bool {
    is_of_protocol(carried) || is_about_icmp(carried)
}

/// Whether a packet has this key.
fn matches(shape: &Shape, family: Family, key: &[u8]) -> Vec<Expr> {
    let mut rule = Vec::new();
    if is_about_ports(&shape.carried) || is_about_icmp(&shape.carried) {
        rule.push(is_whole(KEY));
    }
    shape.load(family, KEY, &mut rule);
    let parts = key.chunks(MAX_EQUALS).enumerate();
    rule.extend(parts.map(|(i, part)| Expr::Equals(KEY.after(i * MAX_EQUALS), part.to_vec())));
    rule
}

/// The answer for packets that no rule is about.
fn nobody() -> Element {
    Element { key: Key::Other, data: Data::Rank(Rank::NONE) }
}

fn element((first, last, rank): (u128, u128, Rank), width: usize) -> Element {
    let octets = |address: u128| Octets::from(&address.to_be_bytes()[16 - width..]);
    Element { key: Key::Range(octets(first), octets(last)), data: Data::Rank(rank) }
}

fn all(family: Family) -> Network {
    let address = match family {
        Family::V4 => std::net::IpAddr::from([0; 4]),
        Family::V6 => std::net::IpAddr::from([0_u16; 8]),
    };
    Network::new(address, 0).expect("every family has a net of all addresses")
}

/// The rank that was found first so far, beside the one that is compared with it.
const BEST: Reg = Reg(0);
const OTHER: Reg = Reg(3);
/// The rank in what was answered, and then the other answer: where two ranks are compared.
const RANK: Reg = Reg(1);
const KEY: Reg = Reg(6);
/// Besides those of nets of a usual length. A rule of the kernel has 4 KiB for its parts.
const MAX_SHAPES: usize = 6;
/// The kernel compares no more at once.
const MAX_EQUALS: usize = 16;
