//! A kernel for tests: it keeps what it is told, refuses what the kernel would refuse, and shows what becomes of a packet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use oc2_packet_filter::{Packet, Verdict, Way};

use super::Chain;
use super::runs::{REJECT, REJECT_NOTICES};
use crate::op::{Answer, Base, BaseHook, Data, DataSpec, Element, Expr, Key, KeySpec, Meta, Op, Reg, SetSpec, Target};
use crate::rank::Rank;

/// Our table.
#[derive(Debug, Default)]
pub(super) struct Model {
    sets: BTreeMap<String, (SetSpec, BTreeMap<Key, Data>)>,
    chains: BTreeMap<String, Chain>,
}

impl Model {
    pub(super) fn perform(&mut self, op: Op) {
        match op {
            Op::AddTable => {}
            Op::DeleteTable => *self = Self::default(),
            Op::AddSet(spec) => {
                assert!(spec.key.len() <= 40, "a key has to fit into the registers");
                assert!(self.sets.insert(spec.name.clone(), (spec, BTreeMap::new())).is_none());
            }
            Op::DeleteSet(name) => {
                assert!(!self.is_used(&name), "{name} is in use");
                self.sets.remove(&name).unwrap();
            }
            Op::AddElements(set, elements) => elements.into_iter().for_each(|element| self.add(&set, element)),
            Op::DeleteElements(set, elements) => {
                let (_, members) = self.sets.get_mut(&set).unwrap();
                elements.into_iter().for_each(|gone| assert_eq!(members.remove(&gone.key), Some(gone.data), "{set}"));
            }
            Op::AddChain(name, hook) => {
                let chain = Chain { name: name.clone(), hook, rules: Vec::new() };
                assert!(self.chains.insert(name, chain).is_none());
            }
            Op::FlushChain(name) => self.chains.get_mut(&name).unwrap().rules.clear(),
            Op::AddRule(chain, rule) => {
                assert!(rule.len() < 128 && size(&rule) < 4096, "{} bytes", size(&rule));
                self.chains.get_mut(&chain).unwrap().rules.push(rule);
            }
        }
    }

    /// Everything in it, in one order.
    pub(super) fn contents(&self) -> (BTreeMap<String, BTreeSet<Element>>, BTreeMap<String, Chain>) {
        let elements = |members: &BTreeMap<Key, Data>| {
            members.iter().map(|(key, data)| Element { key: *key, data: *data }).collect()
        };
        let sets = self.sets.iter().map(|(name, (_, members))| (name.clone(), elements(members))).collect();
        (sets, self.chains.clone())
    }

    /// How many rules the longest chain has.
    pub(super) fn longest_chain(&self) -> usize {
        self.chains.values().map(|chain| chain.rules.len()).max().unwrap_or(0)
    }

    pub(super) fn verdict(&self, packet: &Packet) -> Option<Verdict> {
        let hook = match packet.way {
            Way::In(_) => BaseHook::Input,
            Way::Out(_) => BaseHook::Output,
            Way::Through(..) => BaseHook::Forward,
        };
        let base = self.chains.values().find(|chain| chain.hook == Some(hook))?;
        self.walk(base, packet)
    }

    fn walk(&self, chain: &Chain, packet: &Packet) -> Option<Verdict> {
        for rule in &chain.rules {
            match self.apply(rule, packet) {
                None => {}
                Some(Outcome::Reject) => return Some(Verdict::Reject),
                Some(Outcome::Target(Target::Accept)) => return Some(Verdict::Accept),
                Some(Outcome::Target(Target::Drop)) => return Some(Verdict::Drop),
                Some(Outcome::Target(Target::Return)) => return None,
                Some(Outcome::Target(Target::Goto(name))) => return self.walk(&self.chains[name], packet),
            }
        }
        assert!(![REJECT, REJECT_NOTICES].contains(&&*chain.name));
        None
    }

    fn apply(&self, rule: &[Expr], packet: &Packet) -> Option<Outcome> {
        let mut registers = Registers::default();
        for expr in rule {
            match expr {
                Expr::Meta(meta, reg) => registers.write(*reg, &meta_of(*meta, packet)?),
                Expr::Payload { base, offset, len, reg } => {
                    let octets = match base {
                        Base::Network => network(packet),
                        Base::Transport => transport(packet)?,
                    };
                    registers.write(*reg, octets.get(usize::from(*offset)..usize::from(offset + len))?);
                }
                Expr::And(reg, mask) => {
                    let masked: Vec<u8> =
                        registers.read(*reg, mask.len()).iter().zip(mask).map(|(a, b)| a & b).collect();
                    registers.write(*reg, &masked);
                }
                Expr::Equals(reg, value) => {
                    assert!(value.len() <= 16);
                    if registers.read(*reg, value.len()) != *value {
                        return None;
                    }
                }
                Expr::Lookup { set, reg, answer } => {
                    let data = self.look_up(set, &registers, *reg)?;
                    match (answer, data) {
                        (Answer::Holds, _) => {}
                        (Answer::Reg(into), Data::Rank(rank)) => registers.write(*into, &rank.answer()),
                        (Answer::Verdict, Data::Verdict(target)) => return Some(Outcome::Target(target)),
                        other => panic!("{set}: {other:?}"),
                    }
                }
                Expr::Load(reg, value) => registers.write(*reg, value),
                Expr::Verdict(target) => return Some(Outcome::Target(*target)),
                Expr::Reject => return Some(Outcome::Reject),
            }
        }
        panic!("a rule without a verdict: {rule:?}");
    }

    fn look_up(&self, set: &str, registers: &Registers, reg: Reg) -> Option<Data> {
        let (spec, members) = &self.sets[set];
        let asked = registers.read(reg, spec.key.len());
        let found = match spec.key {
            KeySpec::Exact(_) => members.get(&Key::Exact(asked.as_slice().into())).copied(),
            KeySpec::Range(_) | KeySpec::RankPairs => {
                members.iter().find(|(key, _)| holds(spec.key, key, &asked)).map(|(_, data)| *data)
            }
        };
        found.or_else(|| members.get(&Key::Other).copied())
    }

    fn add(&mut self, set: &str, element: Element) {
        let (spec, members) = self.sets.get_mut(set).unwrap();
        match (&element.data, spec.data) {
            (Data::Nothing, DataSpec::Nothing) | (Data::Rank(_), DataSpec::Rank) => {}
            (Data::Verdict(target), DataSpec::Verdict) => {
                if let Target::Goto(chain) = target {
                    assert!(self.chains.contains_key(*chain), "{chain}");
                }
            }
            other => panic!("{set}: {other:?}"),
        }
        if let Some((first, last)) = ends(&element.key) {
            let meets = |key: &Key| {
                holds(spec.key, key, first) || holds(spec.key, key, last) || {
                    let Some((from, to)) = ends(key) else { return false };
                    holds(spec.key, &element.key, from) || holds(spec.key, &element.key, to)
                }
            };
            assert!(!members.keys().any(meets), "{set}: {element:?} overlaps");
        }
        assert_eq!(members.insert(element.key, element.data), None, "{set} has it");
    }

    fn is_used(&self, set: &str) -> bool {
        let uses = |expr: &Expr| matches!(expr, Expr::Lookup { set: used, .. } if used == set);
        self.chains.values().flat_map(|chain| &chain.rules).flatten().any(uses)
    }
}

/// The first and the last that a key is for, if it is more than one.
fn ends(key: &Key) -> Option<(&[u8], &[u8])> {
    match key {
        Key::Range(first, last) | Key::Pair(first, last) => Some((first, last)),
        Key::Other | Key::Exact(_) => None,
    }
}

enum Outcome {
    Target(Target),
    Reject,
}

/// Whether an element is for what is asked.
pub(super) fn holds(spec: KeySpec, key: &Key, asked: &[u8]) -> bool {
    let Some((first, last)) = ends(key) else { return false };
    let fields: &[usize] = match spec {
        KeySpec::RankPairs => &[Rank::LEN, Rank::ANSWER_LEN - Rank::LEN, Rank::LEN],
        other => &[other.len()],
    };
    let mut from = 0;
    fields.iter().all(|len| {
        let field = from..from + len;
        from += len;
        first[field.clone()] <= asked[field.clone()] && asked[field.clone()] <= last[field]
    })
}

/// What was not written may not be read.
#[derive(Default)]
struct Registers([Option<[u8; 4]>; 16]);

impl Registers {
    fn write(&mut self, reg: Reg, value: &[u8]) {
        for (i, part) in value.chunks(Reg::LEN).enumerate() {
            let mut octets = [0; 4];
            octets[..part.len()].copy_from_slice(part);
            self.0[usize::from(reg.0) + i] = Some(octets);
        }
    }

    fn read(&self, reg: Reg, len: usize) -> Vec<u8> {
        let whole = self.0[usize::from(reg.0)..][..len.div_ceil(Reg::LEN)].iter();
        let mut octets: Vec<u8> = whole.flat_map(|octets| octets.expect("it was written")).collect();
        octets.truncate(len);
        octets
    }
}

fn meta_of(meta: Meta, packet: &Packet) -> Option<Vec<u8>> {
    let (from, to) = match &packet.way {
        Way::In(interface) => (Some(interface), None),
        Way::Out(interface) => (None, Some(interface)),
        Way::Through(from, to) => (Some(from), Some(to)),
    };
    Some(match meta {
        Meta::NfProto => vec![if packet.source.is_ipv4() { 2 } else { 10 }],
        Meta::L4Proto => vec![packet.protocol],
        Meta::Iif => vec![u8::from(from.is_some()), 0, 0, 0],
        Meta::IifName => super::name(from.map_or("", |interface| interface.as_str())),
        Meta::OifName => super::name(to.map_or("", |interface| interface.as_str())),
    })
}

fn network(packet: &Packet) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut push = |address: IpAddr| match address {
        IpAddr::V4(address) => octets.extend(address.octets()),
        IpAddr::V6(address) => octets.extend(address.octets()),
    };
    push(packet.source);
    push(packet.destination);
    let header = if packet.source.is_ipv4() { 12 } else { 8 };
    [vec![0; header], octets].concat()
}

fn transport(packet: &Packet) -> Option<Vec<u8>> {
    let (one, other) = packet.ports?;
    Some(match packet.protocol {
        1 | 58 => vec![one as u8, other as u8, 0, 0],
        _ => [one.to_be_bytes(), other.to_be_bytes()].concat(),
    })
}

/// How much room the parts of a rule take in the kernel, at most.
fn size(rule: &[Expr]) -> usize {
    let of = |expr: &Expr| match expr {
        Expr::Meta(..) | Expr::Payload { .. } => 16,
        Expr::And(..) => 72,
        Expr::Equals(..) | Expr::Load(..) => 40,
        Expr::Lookup { .. } => 64,
        Expr::Verdict(_) | Expr::Reject => 40,
    };
    rule.iter().map(of).sum()
}
