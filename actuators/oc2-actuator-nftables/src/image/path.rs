//! The ways of packets through the host, each a chain of the kernel.

use oc2_packet_filter::{Family, Hook, Interface, KernelRule, Mode};

/// A way of packets of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path {
    pub(crate) family: Family,
    pub(crate) way: Way,
}

/// A way: what passes is told apart by whether it comes in and whether it leaves by an outside interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Input,
    Output,
    Through { from_outside: bool, to_outside: bool },
}

impl Path {
    /// All there can be.
    pub(crate) fn every() -> impl Iterator<Item = Self> {
        Family::ALL.into_iter().flat_map(|family| WAYS.into_iter().map(move |way| Self { family, way }))
    }

    /// All that a host in this mode knows.
    pub(crate) fn all(mode: &Mode) -> Vec<Self> {
        let ways: &[Way] = match mode {
            Mode::Host => &WAYS[..2],
            Mode::Gateway(_) => &WAYS,
        };
        Family::ALL.into_iter().flat_map(|family| ways.iter().map(move |way| Self { family, way: *way })).collect()
    }

    /// Those on which packets meet a rule; none if the rule is one of several that differ in the outside interface only, and
    /// not the first.
    pub(crate) fn of(rule: &KernelRule, mode: &Mode) -> impl Iterator<Item = Self> {
        let is_meant = move |way: &Way| match (rule.hook(), *way) {
            (Hook::Input, Way::Input) | (Hook::Output, Way::Output) => true,
            (Hook::Forward, Way::Through { from_outside, to_outside }) => {
                is_by(rule.matching().in_interface.as_ref(), from_outside, mode)
                    && is_by(rule.matching().out_interface.as_ref(), to_outside, mode)
            }
            _ => false,
        };
        WAYS.into_iter().filter(is_meant).map(|way| Self { family: rule.family(), way })
    }

    /// The name of its chain.
    pub(crate) fn chain(self) -> &'static str {
        match (self.family, self.way) {
            (Family::V4, Way::Input) => "in4",
            (Family::V6, Way::Input) => "in6",
            (Family::V4, Way::Output) => "out4",
            (Family::V6, Way::Output) => "out6",
            (Family::V4, Way::Through { from_outside: false, to_outside: false }) => "through4",
            (Family::V4, Way::Through { from_outside: true, to_outside: false }) => "through4-in",
            (Family::V4, Way::Through { from_outside: false, to_outside: true }) => "through4-out",
            (Family::V4, Way::Through { from_outside: true, to_outside: true }) => "through4-in-out",
            (Family::V6, Way::Through { from_outside: false, to_outside: false }) => "through6",
            (Family::V6, Way::Through { from_outside: true, to_outside: false }) => "through6-in",
            (Family::V6, Way::Through { from_outside: false, to_outside: true }) => "through6-out",
            (Family::V6, Way::Through { from_outside: true, to_outside: true }) => "through6-in-out",
        }
    }

    /// The name of the chain that says what becomes of packets that some rule is about.
    pub(crate) fn decide(self) -> &'static str {
        match (self.family, self.way) {
            (Family::V4, Way::Input) => "in4-decide",
            (Family::V6, Way::Input) => "in6-decide",
            (Family::V4, Way::Output) => "out4-decide",
            (Family::V6, Way::Output) => "out6-decide",
            (Family::V4, Way::Through { from_outside: false, to_outside: false }) => "through4-decide",
            (Family::V4, Way::Through { from_outside: true, to_outside: false }) => "through4-in-decide",
            (Family::V4, Way::Through { from_outside: false, to_outside: true }) => "through4-out-decide",
            (Family::V4, Way::Through { from_outside: true, to_outside: true }) => "through4-in-out-decide",
            (Family::V6, Way::Through { from_outside: false, to_outside: false }) => "through6-decide",
            (Family::V6, Way::Through { from_outside: true, to_outside: false }) => "through6-in-decide",
            (Family::V6, Way::Through { from_outside: false, to_outside: true }) => "through6-out-decide",
            (Family::V6, Way::Through { from_outside: true, to_outside: true }) => "through6-in-out-decide",
        }
    }

    /// The name of a set of it.
    pub(crate) fn set(self, suffix: &str) -> String {
        format!("{}{suffix}", self.chain())
    }
}

fn is_by(interface: Option<&Interface>, is_outside: bool, mode: &Mode) -> bool {
    match (interface, mode) {
        (None, _) => true,
        (Some(interface), Mode::Gateway(outside)) => is_outside && outside.interfaces().first() == Some(interface),
        (Some(_), Mode::Host) => false,
    }
}

/// Those of a host first.
const WAYS: [Way; 6] = [
    Way::Input,
    Way::Output,
    Way::Through { from_outside: true, to_outside: true },
    Way::Through { from_outside: true, to_outside: false },
    Way::Through { from_outside: false, to_outside: true },
    Way::Through { from_outside: false, to_outside: false },
];
