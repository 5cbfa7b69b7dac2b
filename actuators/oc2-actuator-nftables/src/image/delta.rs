//! What changes between two transactions.

use std::collections::BTreeMap;
use std::fmt;

use super::path::Path;
use super::shape::Shape;
use crate::op::{Data, Element, Expr, Key, Op, SetSpec};

/// Changes on their way to a transaction. What came and went has never been.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delta {
    /// Nobody wants to know: what all of it comes to is told as a whole.
    is_idle: bool,
    elements: BTreeMap<SetName, BTreeMap<Key, Changed>>,
    new_sets: Vec<(SetSpec, Vec<Element>)>,
    old_sets: Vec<SetName>,
    rules: Vec<(&'static str, Vec<Vec<Expr>>)>,
}

/// What a key was answered with, and is.
#[derive(Clone, Copy, Debug, Default)]
struct Changed {
    before: Option<Data>,
    after: Option<Data>,
}

impl Delta {
    /// One that notes nothing.
    pub(crate) fn idle() -> Self {
        Self { is_idle: true, ..Self::default() }
    }

    pub(crate) fn add(&mut self, set: SetName, element: Element) {
        if self.is_idle {
            return;
        }
        self.changed(set, element.key).after = Some(element.data);
    }

    pub(crate) fn remove(&mut self, set: SetName, element: Element) {
        if self.is_idle {
            return;
        }
        let changed = self.changed(set, element.key);
        if changed.after.take().is_none() {
            changed.before = Some(element.data);
        }
    }

    /// A set with these elements, whatever was added to it before.
    pub(crate) fn add_set(&mut self, set: SetName, spec: SetSpec, elements: impl FnOnce() -> Vec<Element>) {
        if self.is_idle {
            return;
        }
        self.elements.remove(&set);
        self.new_sets.push((spec, elements()));
    }

    pub(crate) fn delete_set(&mut self, set: SetName) {
        self.elements.remove(&set);
        self.old_sets.push(set);
    }

    pub(crate) fn replace_rules(&mut self, chain: &'static str, rules: Vec<Vec<Expr>>) {
        self.rules.push((chain, rules));
    }

    /// The steps, in the order of what needs what.
    pub(crate) fn into_ops(self) -> Vec<Op> {
        let (mut deletes, mut adds) = (Vec::new(), Vec::new());
        for (set, changes) in self.elements {
            let (mut gone, mut come) = (Vec::new(), Vec::new());
            for (key, Changed { before, after }) in changes {
                if before == after {
                    continue;
                }
                gone.extend(before.map(|data| Element { key, data }));
                come.extend(after.map(|data| Element { key, data }));
            }
            if !gone.is_empty() {
                deletes.push(Op::DeleteElements(set.to_string(), gone));
            }
            if !come.is_empty() {
                adds.push(Op::AddElements(set.to_string(), come));
            }
        }
        let mut ops = Vec::new();
        for (spec, elements) in self.new_sets {
            let name = spec.name.clone();
            ops.extend([Op::AddSet(spec, elements.len()), Op::AddElements(name, elements)]);
        }
        ops.append(&mut deletes);
        ops.append(&mut adds);
        for (chain, rules) in self.rules {
            ops.push(Op::FlushChain(chain.to_owned()));
            ops.extend(rules.into_iter().map(|rule| Op::AddRule(chain.to_owned(), rule)));
        }
        ops.extend(self.old_sets.into_iter().map(|set| Op::DeleteSet(set.to_string())));
        ops
    }

    fn changed(&mut self, set: SetName, key: Key) -> &mut Changed {
        self.elements.entry(set).or_default().entry(key).or_default()
    }
}

/// The name of a set, as long as nobody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SetName {
    /// Of a way, the ranges that end so.
    Ranges(Path, &'static str),
    /// Of a way, what rules of this shape want to see.
    Keys(Path, Shape),
    /// This.
    Other(&'static str),
}

impl fmt::Display for SetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ranges(path, end) => write!(f, "{}{end}", path.chain()),
            Self::Keys(path, shape) => write!(f, "{}{shape}", path.chain()),
            Self::Other(name) => f.write_str(name),
        }
    }
}
