use std::collections::BTreeSet;

use crate::backend::{ChainNames, FamilyListing};
use oc2_packet_filter::Hook;

/// The lines that turn what is `present` of our chains and hooks into `target`.
///
/// The order is that of what needs what: chains, rules that jump to them, hooks, and at last chains that nothing leads to
/// any more. `:CHAIN` makes a chain or empties it.
///
/// What stands as it should is left alone, so its counters go on. And with the nft flavor to write a REJECT anew takes 16
/// ms, in which another writer may get in between and make iptables begin again, and again.
pub(super) fn turn(present: &FamilyListing, target: &FamilyListing, chains: &ChainNames) -> String {
    let names: BTreeSet<_> = present.chains().chain(target.chains()).map(|(name, _)| name).collect();
    let differing: Vec<_> = names.into_iter().filter(|name| present.chain(name) != target.chain(name)).collect();
    let mut lines: Vec<_> = differing.iter().map(|chain| format!(":{chain} - [0:0]")).collect();
    for chain in &differing {
        lines.extend(target.chain(chain).into_iter().flatten().map(|rule| format!("-A {chain} {rule}")));
    }
    for hook in Hook::ALL {
        move_hooks(hook, present.hooked_at(hook), target.hooked_at(hook), chains, &mut lines);
    }
    let superfluous = differing.iter().filter(|chain| target.chain(chain).is_none());
    lines.extend(superfluous.map(|chain| format!("-X {chain}")));
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

fn move_hooks(hook: Hook, from: &[usize], to: &[usize], chains: &ChainNames, lines: &mut Vec<String>) {
    if from == to {
        return;
    }
    let (built_in, ours) = (hook.built_in_chain(), chains.of(hook));
    lines.extend(from.iter().map(|_| format!("-D {built_in} -j {ours}")));
    lines.extend(to.iter().map(|position| format!("-I {built_in} {position} -j {ours}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use oc2_packet_filter::Family;

    #[test]
    fn the_first_load_makes_chains_and_hooks() {
        check(
            &FamilyListing::default(),
            &holding("DROP", false),
            &[
                ":OC2-FORWARD - [0:0]",
                ":OC2-INPUT - [0:0]",
                ":OC2-OUTPUT - [0:0]",
                ":OC2-REJECT - [0:0]",
                "-A OC2-INPUT -j DROP",
                "-A OC2-REJECT -j REJECT --reject-with icmp-host-unreachable",
                "-I INPUT 1 -j OC2-INPUT",
                "-I OUTPUT 1 -j OC2-OUTPUT",
            ],
        );
    }

    #[test]
    fn what_stands_as_it_should_is_left_alone() {
        check(
            &holding("DROP", true),
            &holding("ACCEPT", false),
            &[":OC2-INPUT - [0:0]", "-A OC2-INPUT -j ACCEPT", "-D FORWARD -j OC2-FORWARD"],
        );
        check(&holding("DROP", true), &holding("DROP", true), &[]);
    }

    #[test]
    fn every_misplaced_hook_goes_and_one_comes_to_the_top() {
        let text = "-A INPUT -j OC2-INPUT\n-A INPUT -j ACCEPT\n-A INPUT -j OC2-INPUT\n";
        let mut present = FamilyListing::default();
        present.read_built_in(text, Hook::Input, &ChainNames::default());
        let hook_lines: Vec<String> = turn(&present, &holding("DROP", false), &ChainNames::default())
            .lines()
            .filter(|line| line.contains(" INPUT "))
            .map(str::to_owned)
            .collect();
        assert_eq!(hook_lines, ["-D INPUT -j OC2-INPUT", "-D INPUT -j OC2-INPUT", "-I INPUT 1 -j OC2-INPUT"]);
    }

    #[test]
    fn chains_go_when_nothing_leads_to_them_any_more() {
        check(
            &holding("DROP", false),
            &FamilyListing::default(),
            &[
                ":OC2-FORWARD - [0:0]",
                ":OC2-INPUT - [0:0]",
                ":OC2-OUTPUT - [0:0]",
                ":OC2-REJECT - [0:0]",
                "-D INPUT -j OC2-INPUT",
                "-D OUTPUT -j OC2-OUTPUT",
                "-X OC2-FORWARD",
                "-X OC2-INPUT",
                "-X OC2-OUTPUT",
                "-X OC2-REJECT",
            ],
        );
        check(&FamilyListing::default(), &FamilyListing::default(), &[]);
    }

    fn check(present: &FamilyListing, target: &FamilyListing, expected: &[&str]) {
        assert_eq!(turn(present, target, &ChainNames::default()).lines().collect::<Vec<_>>(), expected);
    }

    fn holding(verdict: &str, gateway: bool) -> FamilyListing {
        let mut listing = FamilyListing::empty(Family::V4, &ChainNames::default(), gateway);
        listing.add_chain("OC2-INPUT".to_owned(), vec![format!("-j {verdict}")]);
        listing
    }
}
