//! What the kernel is told, as data: the steps of a transaction in our table.

use std::fmt;

use crate::octets::Octets;
use crate::rank::Rank;

/// A step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Makes our table, or finds it.
    AddTable,
    /// Takes our table with everything in it away.
    DeleteTable,
    /// A set, made for so many elements, or for more.
    AddSet(SetSpec, usize),
    /// Lets a set that is there have more elements than it was made for. Of no use to one that is new in this transaction.
    WidenSet(SetSpec),
    DeleteSet(String),
    /// Into this set.
    AddElements(String, Vec<Element>),
    /// From this set.
    DeleteElements(String, Vec<Element>),
    /// A chain, which packets at the hook meet if there is one.
    AddChain(String, Option<BaseHook>),
    /// Takes all rules out of a chain.
    FlushChain(String),
    /// Behind the other rules of the chain.
    AddRule(String, Vec<Expr>),
}

impl Op {
    /// The set that comes to be.
    pub(crate) fn new_set(&self) -> Option<&SetSpec> {
        match self {
            Self::AddSet(spec, _) => Some(spec),
            _ => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddTable => f.write_str("add table"),
            Self::DeleteTable => f.write_str("delete table"),
            Self::AddSet(spec, _) => write!(f, "add set {}", spec.name),
            Self::WidenSet(spec) => write!(f, "widen set {}", spec.name),
            Self::DeleteSet(name) => write!(f, "delete set {name}"),
            Self::AddElements(set, elements) => write!(f, "add {} elements to {set}", elements.len()),
            Self::DeleteElements(set, elements) => write!(f, "delete {} elements from {set}", elements.len()),
            Self::AddChain(name, _) => write!(f, "add chain {name}"),
            Self::FlushChain(name) => write!(f, "flush chain {name}"),
            Self::AddRule(chain, _) => write!(f, "add rule to {chain}"),
        }
    }
}

/// Where the kernel shows packets to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BaseHook {
    Input,
    Forward,
    Output,
}

/// A set, or a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetSpec {
    pub(crate) name: String,
    pub(crate) key: KeySpec,
    pub(crate) data: DataSpec,
}

impl SetSpec {
    /// Whether it is made for a number of elements.
    pub(crate) fn has_room(&self) -> bool {
        matches!((self.key, self.data), (KeySpec::Exact(_), DataSpec::Rank))
    }
}

/// What a set is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeySpec {
    /// A key of this many octets, which is there or is not.
    Exact(usize),
    /// A key of this many octets, in a range from one to another.
    Range(usize),
    /// Two ranks, each in a range of its own, and four octets between them.
    RankPairs,
}

impl KeySpec {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Exact(len) | Self::Range(len) => len,
            Self::RankPairs => Rank::LEN + Rank::ANSWER_LEN,
        }
    }
}

/// What a map answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataSpec {
    Nothing,
    Rank,
    Verdict,
}

/// A member of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Element {
    pub(crate) key: Key,
    pub(crate) data: Data,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// Whatever no other element is for.
    Other,
    Exact(Octets),
    /// From the first to the last.
    Range(Octets, Octets),
    /// Two ranks, each from its first to its last.
    Pair(Octets, Octets),
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Data {
    Nothing,
    Rank(Rank),
    Verdict(Target),
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Accept,
    Drop,
    /// It goes on to the rules of others.
    Return,
    /// It goes on in this chain and does not come back.
    Goto(&'static str),
}

/// A part of a rule. The parts are walked until one does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expr {
    Meta(Meta, Reg),
    /// So many octets of the packet from there on.
    Payload {
        base: Base,
        offset: u8,
        len: u8,
        reg: Reg,
    },
    /// Clears the bits that are not in the mask.
    And(Reg, Vec<u8>),
    /// Whether it is this.
    Equals(Reg, Vec<u8>),
    /// Whether it is anything else.
    Differs(Reg, Vec<u8>),
    /// Whether a set holds it, or what the map says of it.
    Lookup {
        set: String,
        reg: Reg,
        answer: Answer,
    },
    /// Writes this.
    Load(Reg, Vec<u8>),
    Verdict(Target),
    /// The packet disappears and its sender is told that the host cannot be reached.
    Reject,
}

/// What is known of a packet that does not stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meta {
    NfProto,
    L4Proto,
    /// As a number; 0 if it did not come in.
    Iif,
    IifName,
    OifName,
}

/// From where on the octets of a packet are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Network,
    Transport,
}

/// Where the answer of a set goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is none: the set holds it, or the rule does not apply.
    Holds,
    Reg(Reg),
    Verdict,
}

/// Four octets that a rule works with, counted from 0; there are sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reg(pub(crate) u8);
