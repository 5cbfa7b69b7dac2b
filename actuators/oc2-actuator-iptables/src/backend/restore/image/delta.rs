//! What the kernel is told of a transaction.

use oc2_core::types::time::DateTime;
use oc2_packet_filter::Network;

/// The steps of a transaction for one family.
///
/// Members of sets do not change with the rules in one moment, so the order of the steps is such that no packet passes meanwhile
/// that neither the rules before nor those after let pass: what lets fewer packets pass comes before the rules, what lets more
/// pass comes after them. Sets that are new are made before all, when no rule speaks of them.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    /// Sets that nothing leads to yet.
    pub(crate) new_sets: Vec<NewSet>,
    /// Changes of members that let fewer packets pass.
    pub(crate) narrowing: Vec<SetChange>,
    /// Changes of members that let more packets pass.
    pub(crate) widening: Vec<SetChange>,
    /// Sets that nothing leads to any more.
    pub(crate) old_sets: Vec<String>,
    chains: Vec<String>,
    lines: Vec<String>,
    pub(super) edits: String,
    old_chains: Vec<String>,
}

/// A set that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSet {
    pub(crate) name: String,
    pub(crate) members: Vec<Member>,
}

/// A net in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) net: Network,
    /// When the kernel may let go of it, at the earliest.
    pub(crate) stop: Option<DateTime>,
}

/// What becomes of members of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetChange {
    pub(crate) name: String,
    pub(crate) members: Vec<MemberChange>,
}

/// What becomes of a net in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberChange {
    /// It comes, and is not there.
    Add(Member),
    /// It is there, if it has not gone by itself, and has another end.
    Renew(Member),
    /// It goes.
    Remove { net: Network, may_be_gone: bool },
}

impl Delta {
    /// Whether there is nothing to tell.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { new_sets, narrowing, widening, old_sets, chains, lines, edits, old_chains } = self;
        new_sets.is_empty()
            && narrowing.is_empty()
            && widening.is_empty()
            && [old_sets, chains, lines, old_chains].into_iter().all(Vec::is_empty)
            && edits.is_empty()
    }

    /// The lines for `iptables-restore`, in the order of what needs what: chains, rules that jump to them, and at last chains
    /// that nothing leads to any more. `:CHAIN` makes a chain or empties it.
    pub(crate) fn script(&self) -> String {
        let empty = self.chains.iter().chain(&self.old_chains).map(|chain| format!(":{chain} - [0:0]\n"));
        let lines = self.lines.iter().map(|line| format!("{line}\n"));
        let gone = self.old_chains.iter().map(|chain| format!("-X {chain}\n"));
        empty.chain(lines).chain([self.edits.clone()]).chain(gone).collect()
    }

    pub(super) fn change_members(&mut self, set: &str, is_deny: bool, members: Vec<MemberChange>) {
        let (removed, added): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|change| matches!(change, MemberChange::Remove { .. }));
        let (narrowing, widening) = if is_deny { (added, removed) } else { (removed, added) };
        for (changes, members) in [(&mut self.narrowing, narrowing), (&mut self.widening, widening)] {
            if !members.is_empty() {
                changes.push(SetChange { name: set.to_owned(), members });
            }
        }
    }

    /// A chain that holds these rules and nothing else.
    pub(super) fn new_chain(&mut self, name: &str, rules: impl Iterator<Item = String>) {
        self.chains.push(name.to_owned());
        self.lines.extend(rules.map(|rule| format!("-A {name} {rule}")));
    }

    /// A chain that nothing leads to any more.
    pub(super) fn old_chain(&mut self, name: String) {
        self.old_chains.push(name);
    }
}
