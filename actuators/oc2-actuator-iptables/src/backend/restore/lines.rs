//! An edit of a chain as lines of `iptables-restore`.
//!
//! A sequence of changes is not what the kernel is told. With the nft flavor a rule inserted before another of the same
//! transaction is tied to it by a number, and when the other is deleted again, iptables 1.8.9 numbers it anew and fails
//! (`RULE_INSERT failed (No such file or directory)`). In an edit what came and went has never been, and a new rule is
//! placed by an old one or by an end of the chain.

use std::fmt::Write;

use oc2_packet_filter::{Chain, Edit};

use crate::backend::ChainNames;

/// Writes an edit as lines of `iptables-restore`; `chain` is what it was before the edit.
pub(super) fn write(edit: &Edit<'_>, chain: &Chain, chains: &ChainNames, script: &mut String) {
    write_deletes(edit, chain, chains, script);
    write_inserts(edit, chain.len() - edit.removed().len(), chains, script);
}

/// From the last to the first, so that no delete moves what another one means.
///
/// A rule is deleted by what it says where that names it, because then a foreign hand in our chain makes the
/// transaction fail instead of making it delete the wrong rule. By its position where an equal one stands before it,
/// and where there are many: finding a rule by what it says costs the nft flavor up to a microsecond for each rule
/// in the chain.
fn write_deletes(edit: &Edit<'_>, chain: &Chain, chains: &ChainNames, script: &mut String) {
    let name = chains.of(edit.hook());
    let are_few = edit.removed().len() <= FEW_DELETES;
    for &position in edit.removed().iter().rev() {
        let rule = &chain[position];
        if are_few && !chain.iter().take(position).any(|earlier| earlier.does_as(rule)) {
            line(script, format_args!("-D {name} {}", rule.specification(chains.reject())));
        } else {
            line(script, format_args!("-D {name} {}", position + 1));
        }
    }
}

/// `len` is the length of the chain after the deletes.
///
/// The nft flavor has to fetch the whole chain from the kernel to insert anywhere but at its ends. So what ends up at
/// the top goes there last and in reverse, each rule above the one before.
fn write_inserts(edit: &Edit<'_>, mut len: usize, chains: &ChainNames, script: &mut String) {
    let name = chains.of(edit.hook());
    let n_top = edit.added().iter().enumerate().take_while(|&(i, &(position, _))| i == position).count();
    let (top, rest) = edit.added().split_at(n_top);
    for &(position, rule) in rest {
        let (position, specification) = (position - n_top, rule.specification(chains.reject()));
        if position == len {
            line(script, format_args!("-A {name} {specification}"));
        } else {
            line(script, format_args!("-I {name} {} {specification}", position + 1));
        }
        len += 1;
    }
    for (_, rule) in top.iter().rev() {
        line(script, format_args!("-I {name} 1 {}", rule.specification(chains.reject())));
    }
}

fn line(script: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(script, "{line}").expect("a String takes what is written to it");
}

/// Enough for what a few commands delete together.
const FEW_DELETES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use oc2_packet_filter::{Change, Family, Hook, KernelRule, Matching, Mismatch, Ports, Protocol, Ruleset, Verdict};

    #[test]
    fn new_rules_at_the_top_need_no_look_at_the_chain() {
        check(&[1, 2], &[insert(0, 8), insert(1, 9)], &["-I 1 9", "-I 1 8"], &[8, 9, 1, 2]);
    }

    #[test]
    fn new_rules_at_the_end_are_appended() {
        check(&[1, 2], &[insert(2, 8), insert(3, 9)], &["-A 8", "-A 9"], &[1, 2, 8, 9]);
        check(&[1], &[delete(0, 1), insert(0, 9)], &["-D 1", "-I 1 9"], &[9]);
    }

    #[test]
    fn new_rules_within_are_placed_from_above() {
        check(&[1, 2, 3], &[insert(1, 8), insert(3, 9)], &["-I 2 8", "-I 4 9"], &[1, 8, 2, 9, 3]);
        check(&[1, 2], &[insert(1, 8), insert(0, 9)], &["-I 2 8", "-I 1 9"], &[9, 1, 8, 2]);
    }

    #[test]
    fn what_comes_and_goes_has_never_been() {
        check(&[1], &[insert(1, 8), insert(1, 9), delete(2, 8)], &["-A 9"], &[1, 9]);
        check(&[1], &[insert(0, 8), delete(0, 8)], &[], &[1]);
    }

    #[test]
    fn a_rule_is_deleted_by_what_it_says_unless_an_equal_one_stands_before_it() {
        check(&[1, 2, 1], &[delete(0, 1)], &["-D 1"], &[2, 1]);
        check(&[1, 2, 1], &[delete(2, 1)], &["-D #3"], &[1, 2]);
        check(&[1, 1], &[delete(0, 1), delete(0, 1)], &["-D #2", "-D 1"], &[]);
    }

    #[test]
    fn many_rules_are_deleted_by_position_from_the_last() {
        let ports: Vec<u16> = (1..=9).collect();
        let changes: Vec<Change> = ports.iter().map(|&port| delete(0, port)).collect();
        check(
            &ports,
            &changes,
            &["-D #9", "-D #8", "-D #7", "-D #6", "-D #5", "-D #4", "-D #3", "-D #2", "-D #1"],
            &[],
        );
    }

    #[test]
    fn changes_that_do_not_fit_leave_everything_as_it_was() {
        for (changes, expected) in [
            (vec![insert(3, 9)], no_such_position(3, 2)),
            (vec![delete(2, 1)], no_such_position(2, 2)),
            (vec![delete(0, 1), delete(1, 2)], no_such_position(1, 1)),
            (vec![insert(0, 9), delete(0, 1)], other_rule(0)),
            (vec![insert(0, 9), delete(2, 1)], other_rule(2)),
        ] {
            let mut ruleset = rules(&[1, 2]);
            assert_eq!(ruleset.apply(&changes), Err(expected));
            assert_eq!(ruleset, rules(&[1, 2]));
        }
    }

    #[test]
    fn changes_and_their_inverses_come_to_nothing() {
        let before = rules(&[1, 2, 3]);
        let changes = [insert(1, 9), delete(3, 3), delete(0, 1), insert(2, 7)];
        let mut ruleset = before.clone();
        ruleset.apply(&changes).unwrap();
        assert_eq!(ruleset, rules(&[9, 2, 7]));
        let inverses: Vec<Change> = changes.iter().rev().map(Change::inverse).collect();
        ruleset.apply(&inverses).unwrap();
        assert_eq!(ruleset, before);
    }

    /// An edit is the same as its changes made one by one, and its lines, read one by one, as the edit.
    #[test]
    fn an_edit_is_what_its_changes_come_to() {
        let mut random: u64 = 7;
        let mut below = |n: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % n
        };
        for _ in 0..2_000 {
            let before: Vec<u16> = (0..below(6)).map(|_| below(3) as u16).collect();
            let mut after = before.clone();
            let changes: Vec<Change> = (0..below(9))
                .map(|_| {
                    if after.is_empty() || below(2) == 0 {
                        let (position, port) = (below(after.len() + 1), below(9) as u16);
                        after.insert(position, port);
                        insert(position, port)
                    } else {
                        let position = below(after.len());
                        delete(position, after.remove(position))
                    }
                })
                .collect();
            let mut ruleset = rules(&before);
            let script = script(&ruleset, &changes);
            ruleset.apply(&changes).unwrap();
            assert_eq!(ruleset, rules(&after), "{before:?} {changes:?}");
            assert_eq!(read(&before, &script), after, "{before:?} {changes:?} {script:?}");
        }
    }

    fn check(before: &[u16], changes: &[Change], lines: &[&str], after: &[u16]) {
        let mut ruleset = rules(before);
        assert_eq!(script(&ruleset, changes), lines);
        ruleset.apply(changes).unwrap();
        assert_eq!(ruleset, rules(after));
    }

    /// The lines for IPv4 INPUT without the chain, a rule as its port and a position to delete as `#`.
    fn script(ruleset: &Ruleset, changes: &[Change]) -> Vec<String> {
        let mut script = String::new();
        for edit in ruleset.edits(changes).unwrap() {
            write(&edit, ruleset.rules(Family::V4, Hook::Input), &ChainNames::default(), &mut script);
        }
        let rule = |port: &str| port.trim_end_matches(" -j DROP").to_owned();
        script
            .lines()
            .map(|line| {
                let line = line.replacen(" OC2-INPUT", "", 1);
                match line.split_once("-p tcp -m tcp --dport ") {
                    Some((command, port)) => format!("{command}{}", rule(port)),
                    None => line.replace("-D ", "-D #"),
                }
            })
            .collect()
    }

    /// What `iptables-restore` makes of the lines.
    fn read(before: &[u16], script: &[String]) -> Vec<u16> {
        let mut chain = before.to_vec();
        for line in script {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["-A", port] => chain.push(port.parse().unwrap()),
                ["-I", position, port] => chain.insert(position.parse::<usize>().unwrap() - 1, port.parse().unwrap()),
                ["-D", what] => {
                    let position = match what.strip_prefix('#') {
                        Some(position) => position.parse::<usize>().unwrap() - 1,
                        None => chain.iter().position(|port| what == port.to_string()).unwrap(),
                    };
                    chain.remove(position);
                }
                _ => panic!("{line}"),
            }
        }
        chain
    }

    fn rules(ports: &[u16]) -> Ruleset {
        ports.iter().map(|&port| rule(port)).collect()
    }

    fn insert(position: usize, port: u16) -> Change {
        Change::Insert { position, rule: rule(port) }
    }

    fn delete(position: usize, port: u16) -> Change {
        Change::Delete { position, rule: rule(port) }
    }

    fn rule(port: u16) -> KernelRule {
        let protocol = Some(Protocol::Tcp(Ports { src_port: None, dst_port: Some(port) }));
        let matching = Matching { protocol, ..Matching::default() };
        KernelRule::new(Family::V4, Hook::Input, matching, Verdict::Drop).unwrap()
    }

    fn no_such_position(position: usize, len: usize) -> Mismatch {
        Mismatch::NoSuchPosition { family: Family::V4, hook: Hook::Input, position, len }
    }

    fn other_rule(position: usize) -> Mismatch {
        Mismatch::OtherRule { family: Family::V4, hook: Hook::Input, position }
    }
}
