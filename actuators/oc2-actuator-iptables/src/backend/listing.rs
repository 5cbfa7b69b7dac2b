use std::collections::{BTreeMap, HashSet};
use std::fmt;

use oc2_packet_filter::{Family, Hook, Network};

use super::ChainNames;

/// What the kernel holds of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// For IPv4.
    pub v4: FamilyListing,
    /// For IPv6.
    pub v6: FamilyListing,
}

impl Listing {
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
    chains: BTreeMap<String, Vec<String>>,
    sets: BTreeMap<String, HashSet<Network>>,
    /// Sets that are called like ours and are of another kind.
    odd_sets: Vec<String>,
}

impl FamilyListing {
    /// What the kernel holds when there are no rules.
    pub(super) fn empty(family: Family, chains: &ChainNames, gateway: bool) -> Self {
        let mut listing = Self { hooked_at: Hook::ALL.map(|hook| hooks(hook, gateway)), ..Self::default() };
        for hook in Hook::ALL {
            listing.add_chain(chains.of(hook).to_owned(), Vec::new());
        }
        listing.add_chain(chains.reject().to_owned(), vec![reject_rule(family).to_owned()]);
        listing
    }

    /// One more chain of ours, with its rules.
    pub(super) fn add_chain(&mut self, name: String, rules: Vec<String>) {
        self.chains.insert(name, rules);
    }

    /// One more set of ours, with its members.
    pub(super) fn add_set(&mut self, name: String, nets: impl IntoIterator<Item = Network>) {
        self.sets.insert(name, nets.into_iter().collect());
    }

    /// A set that is called like ours and is of another kind.
    pub(super) fn add_odd_set(&mut self, name: String) {
        self.odd_sets.push(name);
    }

    /// Takes in what `iptables -S` prints for a chain that is there anyway, or for the whole table.
    pub(super) fn read_built_in(&mut self, text: &str, hook: Hook, chains: &ChainNames) {
        self.hooked_at[hook as usize] = positions(text, hook, chains);
    }

    /// Takes in what `iptables -S` prints for a chain of ours, or for the whole table.
    pub(super) fn read_chains(&mut self, text: &str, is_ours: impl Fn(&str) -> bool) {
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("-N ").filter(|name| is_ours(name)) {
                self.chains.entry(name.to_owned()).or_default();
            } else if let Some((name, rule)) = line.strip_prefix("-A ").and_then(|rest| rest.split_once(' '))
                && let Some(rules) = self.chains.get_mut(name)
            {
                rules.push(canonical(rule));
            }
        }
    }

    /// At which positions of the chain that is there anyway packets are sent to ours, counted from 1.
    #[must_use]
    pub fn hooked_at(&self, hook: Hook) -> &[usize] {
        &self.hooked_at[hook as usize]
    }

    /// Our chains with what is in them, as `iptables -S` prints it, in the order of their names.
    pub fn chains(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.chains.iter().map(|(name, rules)| (name.as_str(), rules.as_slice()))
    }

    /// The rules in a chain of ours, if there is one of that name.
    #[must_use]
    pub fn chain(&self, name: &str) -> Option<&[String]> {
        self.chains.get(name).map(Vec::as_slice)
    }

    /// Our sets with the nets in them, in the order of their names.
    pub fn sets(&self) -> impl Iterator<Item = (&str, &HashSet<Network>)> {
        self.sets.iter().map(|(name, nets)| (name.as_str(), nets))
    }

    /// The nets in a set of ours, if there is one of that name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&HashSet<Network>> {
        self.sets.get(name)
    }

    /// The sets that are called like ours, whatever is in them.
    pub(super) fn set_names(&self) -> impl Iterator<Item = &str> {
        self.sets.keys().chain(&self.odd_sets).map(String::as_str)
    }

    /// The same chains, with the sets of another listing.
    pub(super) fn with_sets_of(self, other: &Self) -> Self {
        Self { sets: other.sets.clone(), odd_sets: other.odd_sets.clone(), ..self }
    }

    /// Forgets a set.
    pub(super) fn remove_set(&mut self, name: &str) {
        self.sets.remove(name);
        self.odd_sets.retain(|odd| odd != name);
    }
}

impl fmt::Display for FamilyListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hook in Hook::ALL {
            writeln!(f, "{hook} leads here at {:?}", self.hooked_at(hook))?;
        }
        for (name, rules) in self.chains() {
            writeln!(f, "{name}")?;
            rules.iter().try_for_each(|rule| writeln!(f, "  {rule}"))?;
        }
        self.sets().try_for_each(|(name, nets)| writeln!(f, "{name}: {} nets", nets.len()))
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
    let appends = format!("-A {} ", hook.built_in_chain());
    let rules = text.lines().filter_map(|line| line.strip_prefix(&appends));
    rules.zip(1..).filter(|&(rule, _)| rule == ours).map(|(_, position)| position).collect()
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

    #[test]
    fn a_whole_table_is_read_as_its_chains_are() {
        let text = "-P INPUT ACCEPT\n-N OC2-INPUT\n-N OTHER\n-A INPUT -j OC2-INPUT\n-A OC2-INPUT -j OC2-4I1\n-A OTHER -j DROP\n";
        let mut listing = FamilyListing::default();
        listing.read_chains(text, |name| name != "OTHER");
        assert_eq!(listing.chains().collect::<Vec<_>>(), [("OC2-INPUT", &["-j OC2-4I1".to_owned()][..])]);
    }
}
