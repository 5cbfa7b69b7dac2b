//! What our table is to hold: from rules to sets and chains, without effects.
//!
//! The first rule that matches decides, and a packet meets as many rules of the kernel whether there are ten or a hundred
//! thousand. So a rule is no rule of the kernel but an element of maps: from the source of a packet, from its destination, and
//! from what rules of one shape look at, each to the rank of the first rule there. The lower of two ranks is found by a map of
//! runs ([`runs`]), and from the lowest of all by another what becomes of the packet.
//!
//! *Invariants.* What a transaction comes to depends on the rules alone, and on which shapes have a map. A change touches the
//! elements that it changes and no others. The judge is the reference of `oc2-packet-filter`.

mod delta;
mod intervals;
mod keys;
mod lane;
#[cfg(test)]
mod model;
mod path;
mod runs;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use oc2_packet_filter::{Change, Family, InForce, KernelRule, Mode, Protocol, Rules, Verdict};

use self::delta::{Delta, SetName};
use self::lane::{Lane, Maps};
use self::path::{Path, Way};
use self::runs::{Kind, REJECT, REJECT_NOTICES, Runs};
use self::shape::{SCTP, TCP, UDP, icmp, is_whole, transport};
use crate::op::{BaseHook, Data, DataSpec, Element, Expr, Key, KeySpec, Meta, Op, Reg, SetSpec, Target};
use crate::rank::Rank;

/// The rules, as sets and chains.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    mode: Mode,
    lanes: BTreeMap<Path, Lane>,
    runs: Runs,
}

/// What has a map, on each way.
pub(crate) type AllMaps = BTreeMap<Path, Maps>;

/// What is in a set, made as it is asked for.
pub(crate) type Elements<'i> = Box<dyn Iterator<Item = Element> + 'i>;

/// A chain with its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) name: String,
    pub(crate) hook: Option<BaseHook>,
    pub(crate) rules: Vec<Vec<Expr>>,
}

impl Image {
    /// That of these rules. What has a map in `former` has one again.
    pub(crate) fn of(rules: &dyn Rules, mode: &Mode, former: Option<&Self>) -> Self {
        let maps = |path: &Path| former.and_then(|former| former.lanes.get(path)).map(Lane::maps).unwrap_or_default();
        let lanes = Path::all(mode).into_iter().map(|path| (path, Lane::new(path, maps(&path)))).collect();
        let mut image = Self { mode: mode.clone(), lanes, runs: Runs::default() };
        let mut members = Vec::new();
        rules.in_order().for_each(|rule| image.gather(&rule, &mut members));
        image.runs = Runs::of(members);
        image.lanes.values_mut().for_each(Lane::count);
        image.settle(&mut Delta::idle());
        image
    }

    /// Makes the changes, and says what they come to.
    pub(crate) fn apply<'c>(&mut self, changes: impl IntoIterator<Item = &'c Change>) -> Vec<Op> {
        let mut delta = Delta::default();
        for change in changes {
            match change {
                Change::Insert(rule) => self.insert(rule, &mut delta),
                Change::Delete(rule) => self.remove(rule, &mut delta),
            }
        }
        self.settle(&mut delta);
        delta.into_ops()
    }

    /// How many elements there are by the rules.
    pub(crate) fn len(&self) -> usize {
        self.lanes.values().map(Lane::len).sum()
    }

    /// What has a map.
    pub(crate) fn maps(&self) -> AllMaps {
        self.lanes.iter().map(|(path, lane)| (*path, lane.maps())).collect()
    }

    /// Makes changes that lead back to where this had a map; the kernel is there already.
    pub(crate) fn take_back(&mut self, changes: &[Change], maps: AllMaps) {
        self.apply(changes);
        for (path, maps) in maps {
            if let Some(lane) = self.lanes.get_mut(&path) {
                lane.set_maps(maps);
            }
        }
    }

    /// All steps that make our table from whatever it was, made as they are asked for: together they are many times the rules.
    ///
    /// Elements come last: with each rule that looks into a map the kernel walks through all that is in it.
    pub(crate) fn load(&self) -> impl Iterator<Item = Op> {
        // There has to be one to be deleted.
        let begin = [Op::AddTable, Op::DeleteTable, Op::AddTable];
        let (mut chains, mut rules) = (Vec::new(), Vec::new());
        for Chain { name, hook, rules: of_chain } in self.chains() {
            chains.push(Op::AddChain(name.clone(), hook));
            rules.extend(of_chain.into_iter().map(|rule| Op::AddRule(name.clone(), rule)));
        }
        let sets = self.sets().map(|(spec, len, _)| Op::AddSet(spec, len));
        let elements = self.sets().flat_map(|(spec, _, mut elements)| {
            let some =
                move || Some(elements.by_ref().take(MAX_AT_ONCE).collect()).filter(|some: &Vec<_>| !some.is_empty());
            std::iter::from_fn(some).map(move |some| Op::AddElements(spec.name.clone(), some))
        });
        begin.into_iter().chain(chains).chain(sets).chain(rules).chain(elements)
    }

    /// All sets, how much is in each, and what.
    pub(crate) fn sets(&self) -> impl Iterator<Item = (SetSpec, usize, Elements<'_>)> {
        let runs::Elements { first, verdict } = self.runs.elements();
        let runs = Runs::specs().into_iter().zip([first, verdict]);
        let few = outside(&self.mode).into_iter().chain([port_protocols()]).chain(runs);
        let few = few.map(|(spec, elements)| (spec, elements.len(), Box::new(elements.into_iter()) as Elements<'_>));
        few.chain(self.lanes.values().flat_map(Lane::sets))
    }

    /// All chains and their rules.
    pub(crate) fn chains(&self) -> Vec<Chain> {
        let chain = |name: &str, hook, rules| Chain { name: name.to_owned(), hook, rules };
        let mut chains =
            vec![chain(REJECT, None, reject_rules()), chain(REJECT_NOTICES, None, vec![vec![Expr::Reject]])];
        for lane in self.lanes.values() {
            chains.push(chain(lane.path().decide(), None, lane.deciding_rules()));
            chains.push(chain(lane.path().chain(), None, lane.rules()));
        }
        chains.push(chain("input", Some(BaseHook::Input), by_family(Way::Input, &[])));
        chains.push(chain("output", Some(BaseHook::Output), by_family(Way::Output, &[])));
        if matches!(self.mode, Mode::Gateway(_)) {
            chains.push(chain("forward", Some(BaseHook::Forward), by_interfaces()));
        }
        chains
    }

    fn gather(&mut self, rule: &InForce, members: &mut Vec<(Rank, (u32, Kind))>) {
        let rank = Rank::of(rule.number());
        for rule in lasting(rule) {
            for path in Path::of(rule, &self.mode) {
                let Some(lane) = self.lanes.get_mut(&path) else { continue };
                lane.gather(rule, rank);
                match members.last_mut() {
                    Some((last, (n_rules, _))) if *last == rank => *n_rules += 1,
                    _ => members.push((rank, (1, kind(rule)))),
                }
            }
        }
    }

    fn insert(&mut self, rule: &InForce, delta: &mut Delta) {
        let rank = Rank::of(rule.number());
        for rule in lasting(rule) {
            for path in Path::of(rule, &self.mode) {
                if let Some(lane) = self.lanes.get_mut(&path) {
                    lane.insert(rule, rank, delta);
                    tell(self.runs.insert(rank, kind(rule)), delta);
                }
            }
        }
    }

    fn remove(&mut self, rule: &InForce, delta: &mut Delta) {
        let rank = Rank::of(rule.number());
        for rule in lasting(rule) {
            for path in Path::of(rule, &self.mode) {
                if let Some(lane) = self.lanes.get_mut(&path) {
                    lane.remove(rule, rank, delta);
                    tell(self.runs.remove(rank), delta);
                }
            }
        }
    }

    fn settle(&mut self, delta: &mut Delta) {
        self.lanes.values_mut().for_each(|lane| lane.settle(delta));
    }
}

/// The chain that rejects lets notices pass; they need no rules of their own.
fn lasting(rule: &InForce) -> impl Iterator<Item = &KernelRule> {
    rule.kernel_rules().iter().filter(|rule| !rule.is_notice())
}

/// The chains that packets go on in.
pub(crate) fn chain_names() -> impl Iterator<Item = &'static str> {
    Path::every().flat_map(|path| [path.chain(), path.decide()]).chain([REJECT, REJECT_NOTICES])
}

fn tell(changed: Option<(runs::Elements, runs::Elements)>, delta: &mut Delta) {
    let Some((before, after)) = changed else { return };
    let (first, verdict) = (SetName::Other(runs::FIRST), SetName::Other(runs::VERDICT));
    before.first.into_iter().for_each(|element| delta.remove(first, element));
    before.verdict.into_iter().for_each(|element| delta.remove(verdict, element));
    after.first.into_iter().for_each(|element| delta.add(first, element));
    after.verdict.into_iter().for_each(|element| delta.add(verdict, element));
}

fn kind(rule: &KernelRule) -> Kind {
    match (rule.verdict(), rule.matching().protocol) {
        (Verdict::Accept, _) => Kind::Accept,
        (Verdict::Drop, _) => Kind::Drop,
        (Verdict::Reject, None | Some(Protocol::Icmp(None))) => Kind::Reject,
        (Verdict::Reject, Some(_)) => Kind::RejectNotices,
    }
}

/// The interfaces that lead outside.
fn outside(mode: &Mode) -> Option<(SetSpec, Vec<Element>)> {
    let Mode::Gateway(outside) = mode else { return None };
    let names = outside.interfaces().iter().map(|interface| Key::Exact(name(interface.as_str()).as_slice().into()));
    let elements = names.map(|key| Element { key, data: Data::Nothing }).collect();
    Some((SetSpec { name: OUTSIDE.to_owned(), key: KeySpec::Exact(NAME_LEN), data: DataSpec::Nothing }, elements))
}

fn port_protocols() -> (SetSpec, Vec<Element>) {
    let key = |protocol| Key::Exact([protocol, 0, 0, 0].into());
    let elements = [TCP, UDP, SCTP].map(|protocol| Element { key: key(protocol), data: Data::Nothing });
    let name = PORT_PROTOCOLS.to_owned();
    (SetSpec { name, key: KeySpec::Exact(Reg::LEN), data: DataSpec::Nothing }, elements.into())
}

/// The name of an interface as the kernel compares it.
fn name(interface: &str) -> Vec<u8> {
    let mut name = interface.as_bytes().to_vec();
    name.resize(NAME_LEN, 0);
    name
}

fn is_of(family: Family) -> [Expr; 2] {
    let number = match family {
        Family::V4 => 2,
        Family::V6 => 10,
    };
    [Expr::Meta(Meta::NfProto, Reg(0)), Expr::Equals(Reg(0), vec![number])]
}

fn by_family(way: Way, conditions: &[Expr]) -> Vec<Vec<Expr>> {
    let rule = |family| {
        let go = Expr::Verdict(Target::Goto(Path { family, way }.chain()));
        is_of(family).into_iter().chain(conditions.iter().cloned()).chain([go]).collect()
    };
    Family::ALL.map(rule).into()
}

fn by_interfaces() -> Vec<Vec<Expr>> {
    let is_outside = |meta| {
        let answer = crate::op::Answer::Holds;
        [Expr::Meta(meta, Reg(0)), Expr::Lookup { set: OUTSIDE.to_owned(), reg: Reg(0), answer }]
    };
    let mut rules = Vec::new();
    for (from_outside, to_outside) in [(true, true), (true, false), (false, true), (false, false)] {
        let from = from_outside.then(|| is_outside(Meta::IifName)).into_iter().flatten();
        let to = to_outside.then(|| is_outside(Meta::OifName)).into_iter().flatten();
        rules.extend(by_family(Way::Through { from_outside, to_outside }, &from.chain(to).collect::<Vec<_>>()));
    }
    rules
}

/// "An ICMP host unreachable (or equivalent)" (SLPF 2.1.3.2); the notice of it passes on its way out, and to a process here
/// (DECISIONS S17).
fn reject_rules() -> Vec<Vec<Expr>> {
    let mut rules = Vec::new();
    for family in Family::ALL {
        let notice: [u8; 2] = match family {
            Family::V4 => [3, 1],
            Family::V6 => [1, 3],
        };
        let mut is_notice: Vec<Expr> = is_of(family).into();
        is_notice.push(Expr::Meta(Meta::L4Proto, Reg(0)));
        is_notice.push(Expr::Equals(Reg(0), vec![icmp(family)]));
        is_notice.push(is_whole(Reg(0)));
        is_notice.push(transport(0, 2, Reg(0)));
        is_notice.push(Expr::Equals(Reg(0), notice.into()));
        let is = |meta, value| [Expr::Meta(meta, Reg(0)), Expr::Equals(Reg(0), value)];
        let is_out = is(Meta::Iif, vec![0; 4]).to_vec();
        let is_in = [is(Meta::IifName, name("lo")), is(Meta::OifName, name(""))].concat();
        for is_here in [is_out, is_in] {
            let accept = Expr::Verdict(Target::Accept);
            rules.push(is_notice.iter().cloned().chain(is_here).chain([accept]).collect());
        }
    }
    rules.push(vec![Expr::Reject]);
    rules
}

/// The protocols that have ports.
const PORT_PROTOCOLS: &str = "port-protocols";
const OUTSIDE: &str = "outside";
/// `IFNAMSIZ`.
const NAME_LEN: usize = 16;
/// Elements in one step.
const MAX_AT_ONCE: usize = 256;
