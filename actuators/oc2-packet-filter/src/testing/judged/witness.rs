use std::collections::BTreeSet;

use super::run;

/// Notes which of our packets, known by how far they may go, come behind the rules that are judged, and lets none go on to what
/// would answer.
#[derive(Debug)]
pub(super) struct Witness;

impl Witness {
    /// Where packets leave this host, and where they come to it.
    pub(super) fn of_host() -> Self {
        let witness = Self;
        witness.note("out", "output", 10, HOPS, "");
        witness.note("in", "input", 10, HOPS, " drop");
        witness
    }

    /// Where packets come from outside, before any rule, and where they are passed on.
    pub(super) fn of_gateway() -> Self {
        let witness = Self;
        witness.note("arrived", "prerouting", -450, HOPS, "");
        witness.note("passed", "forward", 10, HOPS - 1, " drop");
        witness
    }

    fn note(&self, what: &str, hook: &str, priority: i16, hops: u8, then: &str) {
        for command in [
            "add table inet watch".to_owned(),
            format!("add set inet watch {what}4 {{ typeof ip id; flags dynamic; }}"),
            format!("add set inet watch {what}6 {{ typeof ip6 flowlabel; flags dynamic; }}"),
            format!("add chain inet watch {hook} {{ type filter hook {hook} priority {priority}; }}"),
            format!("add rule inet watch {hook} ip ttl {hops} add @{what}4 {{ ip id }}{then}"),
            format!("add rule inet watch {hook} ip6 hoplimit {hops} add @{what}6 {{ ip6 flowlabel }}{then}"),
        ] {
            run("nft", &command);
        }
    }

    /// The numbers of the packets that were noted.
    pub(super) fn look(&self, what: &str) -> BTreeSet<u16> {
        let members = |set: String| {
            let listed = run("nft", &format!("list set inet watch {set}"));
            let elements = listed.split_once("elements = {").and_then(|(_, rest)| rest.split_once('}'));
            let ids = elements.map_or("", |(elements, _)| elements).split(',');
            ids.filter_map(|id| id.trim().parse().ok()).collect::<Vec<u16>>()
        };
        ["4", "6"].into_iter().flat_map(|family| members(format!("{what}{family}"))).collect()
    }

    /// The same, and forgets them.
    pub(super) fn take(&self, what: &str) -> BTreeSet<u16> {
        let seen = self.look(what);
        for family in ["4", "6"] {
            run("nft", &format!("flush set inet watch {what}{family}"));
        }
        seen
    }
}

/// How far our packets may go when they are sent.
pub(super) const HOPS: u8 = 77;
