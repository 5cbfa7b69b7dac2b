use std::fmt;

use super::ChainNames;
use oc2_packet_filter::{Family, Hook, Network, Ruleset};

/// What the kernel holds of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// For IPv4.
    pub v4: FamilyListing,
    /// For IPv6.
    pub v6: FamilyListing,
}

impl Listing {
    /// What the kernel holds once `rules` are loaded.
    #[must_use]
    pub fn of(rules: &Ruleset, chains: &ChainNames, gateway: bool) -> Self {
        let of = |family| FamilyListing::of(rules, family, chains, gateway);
        Self { v4: of(Family::V4), v6: of(Family::V6) }
    }

    /// What the kernel holds of one family.
    #[must_use]
    pub fn family(&self, family: Family) -> &FamilyListing {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

/// What the kernel holds of ours for one family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FamilyListing {
    hooked_at: [Vec<usize>; Hook::ALL.len()],
    chains: [Option<Vec<String>>; Hook::ALL.len()],
    reject: Option<Vec<String>>,
}

impl FamilyListing {
    /// What the kernel holds once `rules` are loaded.
    pub(super) fn of(rules: &Ruleset, family: Family, chains: &ChainNames, gateway: bool) -> Self {
        let specify =
            |hook| rules.chain(family, hook).map(|rule| rule.specification(chains.reject()).to_string()).collect();
        Self {
            hooked_at: Hook::ALL.map(|hook| hooks(hook, gateway)),
            chains: Hook::ALL.map(|hook| Some(specify(hook))),
            reject: Some(vec![reject_rule(family).to_owned()]),
        }
    }

    /// What the kernel says it holds, from the lines that `iptables -S` prints for a chain of the kernel and, if there is
    /// one, for a chain of ours.
    ///
    /// # Errors
    ///
    /// What the readers say.
    pub(super) fn read<E>(
        chains: &ChainNames,
        built_in: impl Fn(&str) -> Result<String, E>,
        ours: impl Fn(&str) -> Result<Option<String>, E>,
    ) -> Result<Self, E> {
        let ours = |chain| Ok(ours(chain)?.map(|text| specifications(&text, chain)));
        let mut listing = Self::default();
        for hook in Hook::ALL {
            listing.hooked_at[hook as usize] = positions(&built_in(hook.built_in_chain())?, hook, chains);
            listing.chains[hook as usize] = ours(chains.of(hook))?;
        }
        listing.reject = ours(chains.reject())?;
        Ok(listing)
    }

    /// At which positions of the chain that is there anyway packets are sent to ours, counted from 1.
    #[must_use]
    pub fn hooked_at(&self, hook: Hook) -> &[usize] {
        &self.hooked_at[hook as usize]
    }

    /// The rules of our chain as [`KernelRule::specification`](oc2_packet_filter::KernelRule::specification) writes them; none if there
    /// is no such chain.
    #[must_use]
    pub fn rules(&self, hook: Hook) -> Option<&[String]> {
        self.chains[hook as usize].as_deref()
    }

    /// Our chains with what is in them; none for a chain that does not exist.
    pub(super) fn chains<'a>(&'a self, names: &'a ChainNames) -> impl Iterator<Item = (&'a str, Option<&'a [String]>)> {
        let of_hooks = Hook::ALL.into_iter().map(|hook| (names.of(hook), self.rules(hook)));
        of_hooks.chain([(names.reject(), self.reject.as_deref())])
    }
}

impl fmt::Display for FamilyListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hook in Hook::ALL {
            writeln!(f, "{hook} leads here at {:?}", self.hooked_at(hook))?;
            match self.rules(hook) {
                None => writeln!(f, "  (no chain)")?,
                Some(rules) => rules.iter().try_for_each(|rule| writeln!(f, "  {rule}"))?,
            }
        }
        Ok(())
    }
}

/// Where our chain is to be hooked in, counted from 1.
pub(super) fn hooks(hook: Hook, gateway: bool) -> Vec<usize> {
    if hook == Hook::Forward && !gateway { vec![] } else { vec![1] }
}

/// The one rule of the chain that rejects: "an ICMP host unreachable (or equivalent)" (SLPF 2.1.3.2).
pub(super) fn reject_rule(family: Family) -> &'static str {
    match family {
        Family::V4 => "-j REJECT --reject-with icmp-host-unreachable",
        Family::V6 => "-j REJECT --reject-with icmp6-addr-unreachable",
    }
}

/// A jump with a condition is somebody else's rule, even if it leads to us.
fn positions(text: &str, hook: Hook, chains: &ChainNames) -> Vec<usize> {
    let ours = format!("-j {}", chains.of(hook));
    let rules = specifications(text, hook.built_in_chain());
    rules.iter().zip(1..).filter(|&(rule, _)| *rule == ours).map(|(_, position)| position).collect()
}

fn specifications(text: &str, chain: &str) -> Vec<String> {
    let appends = format!("-A {chain} ");
    text.lines().filter_map(|line| line.strip_prefix(&appends)).map(canonical).collect()
}

/// Versions of iptables and of the C library differ in how they spell ICMPv6 and some IPv6 addresses.
fn canonical(specification: &str) -> String {
    let mut option = "";
    let words = specification.split(' ').map(|word| match std::mem::replace(&mut option, word) {
        "-s" | "-d" => word.parse::<Network>().map_or_else(|_| word.to_owned(), |network| network.to_string()),
        "-p" if word == "icmpv6" => "ipv6-icmp".to_owned(),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_rule_are_made_equal() {
        for (printed, expected) in [
            ("-s ::1.2.3.4/128 -p icmpv6 -j DROP", "-s ::102:304/128 -p ipv6-icmp -j DROP"),
            ("-d 192.0.2.7 -j DROP", "-d 192.0.2.7/32 -j DROP"),
            (
                "-s 192.0.2.7/255.0.255.0 -m comment --comment \"a  b\" -j X",
                "-s 192.0.2.7/255.0.255.0 -m comment --comment \"a  b\" -j X",
            ),
        ] {
            assert_eq!(canonical(printed), expected);
        }
    }

    #[test]
    fn only_an_unconditional_jump_is_our_hook() {
        let text = "-P INPUT ACCEPT\n-A INPUT -i lo -j OC2-INPUT\n-A INPUT -j OC2-INPUT\n-A INPUT -j OC2-INPUT-2\n-A INPUT -j OC2-INPUT\n";
        assert_eq!(positions(text, Hook::Input, &ChainNames::default()), [2, 4]);
    }
}
