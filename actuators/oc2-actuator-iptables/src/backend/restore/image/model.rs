//! What stands for the kernel: chains and sets, changed by the very lines that the tool is told, and packets that walk them.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use oc2_packet_filter::{Family, Hook, Network, Packet, Verdict, Way};

use super::{Delta, MemberChange, NewSet, SetChange};
use crate::backend::ChainNames;

/// One family. Whatever the kernel or the tool would refuse is a panic.
#[derive(Clone, Debug)]
pub(super) struct Model {
    chains: BTreeMap<String, Vec<Rule>>,
    sets: BTreeMap<String, HashSet<Network>>,
}

#[derive(Clone, Debug)]
struct Rule {
    text: String,
    conditions: Vec<Condition>,
    target: String,
}

#[derive(Clone, Debug)]
enum Condition {
    Source(Network),
    Destination(Network),
    In(String),
    Out(String),
    Protocol(u8),
    SrcPort(u16),
    DstPort(u16),
    Icmp(u16, Option<u16>),
    Set { name: String, is_source: bool },
}

impl Model {
    pub(super) fn new(names: &ChainNames) -> Self {
        let chains = Hook::ALL.map(|hook| names.of(hook).to_owned());
        Self { chains: chains.into_iter().map(|name| (name, Vec::new())).collect(), sets: BTreeMap::new() }
    }

    pub(super) fn perform(&mut self, delta: &Delta, mut between: impl FnMut(&Self)) {
        delta.new_sets.iter().for_each(|set| self.create(set));
        for change in &delta.narrowing {
            self.change(change, &mut between);
        }
        self.commit(&delta.script());
        between(self);
        for change in &delta.widening {
            self.change(change, &mut between);
        }
        delta.old_sets.iter().for_each(|name| self.destroy(name));
    }

    pub(super) fn create(&mut self, set: &NewSet) {
        let nets: HashSet<_> = set.members.iter().map(|member| member.net).collect();
        assert_eq!(nets.len(), set.members.len());
        assert!(nets.iter().all(|net| net.prefix() > 0));
        assert_eq!(self.sets.insert(set.name.clone(), nets), None, "{} exists", set.name);
    }

    fn destroy(&mut self, name: &str) {
        let mut rules = self.chains.values().flatten();
        assert!(!rules.any(|rule| rule.text.contains(&format!("--match-set {name} "))), "{name} is in use");
        self.sets.remove(name).expect("there is such a set");
    }

    fn change(&mut self, change: &SetChange, between: &mut impl FnMut(&Self)) {
        for member in &change.members {
            let nets = self.sets.get_mut(&change.name).expect("there is such a set");
            match member {
                MemberChange::Add(member) => assert!(nets.insert(member.net), "{} exists", member.net),
                MemberChange::Renew(member) => assert!(nets.contains(&member.net)),
                MemberChange::Remove { net, .. } => assert!(nets.remove(net), "there is no {net}"),
            }
            between(self);
        }
    }

    pub(super) fn commit(&mut self, script: &str) {
        for line in script.lines() {
            let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (chain, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            if let Some(name) = command.strip_prefix(':') {
                self.chains.insert(name.to_owned(), Vec::new());
                continue;
            }
            let rules = self.chains.get_mut(chain).unwrap_or_else(|| panic!("{line}: no such chain"));
            match command {
                "-A" => rules.push(Rule::read(rest)),
                "-I" => {
                    let (position, rule) = rest.split_once(' ').unwrap();
                    rules.insert(position.parse::<usize>().unwrap() - 1, Rule::read(rule));
                }
                "-D" => {
                    let position = match rest.parse::<usize>() {
                        Ok(position) => position - 1,
                        Err(_) => rules.iter().position(|rule| rule.text == rest).unwrap_or_else(|| panic!("{line}")),
                    };
                    rules.remove(position);
                }
                "-X" => {
                    assert!(rules.is_empty(), "{line}");
                    self.chains.remove(chain);
                    assert!(!self.chains.values().flatten().any(|rule| rule.target == chain), "{line}: it is in use");
                }
                _ => panic!("{line}"),
            }
        }
        let sets_of = |rule: &Rule| {
            rule.conditions.iter().all(|condition| match condition {
                Condition::Set { name, .. } => self.sets.contains_key(name),
                _ => true,
            })
        };
        assert!(self.chains.values().flatten().all(sets_of), "every set exists");
    }

    pub(super) fn chains(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.chains.iter().map(|(name, rules)| (name.as_str(), rules.iter().map(|rule| rule.text.as_str()).collect()))
    }

    pub(super) fn sets(&self) -> &BTreeMap<String, HashSet<Network>> {
        &self.sets
    }

    pub(super) fn verdict(&self, packet: &Packet, names: &ChainNames) -> Option<Verdict> {
        let hook = match packet.way {
            Way::In(_) => Hook::Input,
            Way::Out(_) => Hook::Output,
            Way::Through(..) => Hook::Forward,
        };
        self.walk(names.of(hook), packet, names)
    }

    fn walk(&self, chain: &str, packet: &Packet, names: &ChainNames) -> Option<Verdict> {
        let matching = self.chains[chain].iter().filter(|rule| rule.conditions.iter().all(|c| self.holds(c, packet)));
        matching
            .map(|rule| match rule.target.as_str() {
                "ACCEPT" => Some(Verdict::Accept),
                "DROP" => Some(Verdict::Drop),
                target if target == names.reject() => Some(Verdict::Reject),
                chain => self.walk(chain, packet, names),
            })
            .find_map(|verdict| verdict)
    }

    fn holds(&self, condition: &Condition, packet: &Packet) -> bool {
        let (in_by, out_by) = match &packet.way {
            Way::In(interface) => (Some(interface.as_str()), None),
            Way::Out(interface) => (None, Some(interface.as_str())),
            Way::Through(from, to) => (Some(from.as_str()), Some(to.as_str())),
        };
        match condition {
            Condition::Source(net) => is_in(*net, packet.source),
            Condition::Destination(net) => is_in(*net, packet.destination),
            Condition::In(name) => in_by == Some(name),
            Condition::Out(name) => out_by == Some(name),
            Condition::Protocol(number) => packet.protocol == *number,
            Condition::SrcPort(port) => packet.ports.is_some_and(|(source, _)| source == *port),
            Condition::DstPort(port) => packet.ports.is_some_and(|(_, destination)| destination == *port),
            Condition::Icmp(kind, code) => {
                packet.ports.is_some_and(|found| found.0 == *kind && code.is_none_or(|code| code == found.1))
            }
            Condition::Set { name, is_source } => {
                let address = if *is_source { packet.source } else { packet.destination };
                self.sets[name].iter().any(|net| is_in(*net, address))
            }
        }
    }
}

impl Rule {
    fn read(text: &str) -> Self {
        let mut words = text.split(' ');
        let (mut conditions, mut target) = (Vec::new(), None);
        while let Some(option) = words.next() {
            let word = words.next().unwrap_or_else(|| panic!("{text}"));
            let port = || word.parse().unwrap();
            conditions.push(match option {
                "-s" => Condition::Source(word.parse().unwrap()),
                "-d" => Condition::Destination(word.parse().unwrap()),
                "-i" => Condition::In(word.to_owned()),
                "-o" => Condition::Out(word.to_owned()),
                "-p" => Condition::Protocol(match word {
                    "icmp" => 1,
                    "tcp" => 6,
                    "udp" => 17,
                    "ipv6-icmp" => 58,
                    "sctp" => 132,
                    _ => panic!("{text}"),
                }),
                "--sport" => Condition::SrcPort(port()),
                "--dport" => Condition::DstPort(port()),
                "--icmp-type" | "--icmpv6-type" => match word.split_once('/') {
                    Some((kind, code)) => Condition::Icmp(kind.parse().unwrap(), Some(code.parse().unwrap())),
                    None => Condition::Icmp(port(), None),
                },
                "--match-set" => Condition::Set { name: word.to_owned(), is_source: words.next() == Some("src") },
                // Later fragments have no ports here.
                "-m" | "!" => continue,
                "-j" => {
                    target = Some(word.to_owned());
                    continue;
                }
                _ => panic!("{text}"),
            });
        }
        Self { text: text.to_owned(), conditions, target: target.unwrap_or_else(|| panic!("{text}")) }
    }
}

fn is_in(net: Network, address: IpAddr) -> bool {
    Family::from(address) == net.family() && Network::new(address, net.prefix()) == Ok(net)
}
