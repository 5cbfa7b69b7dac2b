//! What the kernel holds, as its own tools list it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use super::Backend;
use crate::failure::{Failure, Result};
use crate::process;

/// Where each address stands in the kernel: in what, without what differs from rule to rule.
pub(super) type Sight = BTreeMap<IpAddr, Vec<String>>;

/// Has the tools list everything that is ours.
pub(super) fn look(backend: Backend) -> Result<Sight> {
    let mut sight = Sight::new();
    for (address, trace) in facts(backend)? {
        sight.entry(address).or_default().push(trace);
    }
    sight.values_mut().for_each(|traces| traces.sort());
    Ok(sight)
}

fn facts(backend: Backend) -> Result<Vec<(IpAddr, String)>> {
    Ok(match backend {
        Backend::Nftables => elements(&listed("nft", &["list", "table", "inet", "openc2"])?),
        Backend::Iptables => {
            let members = sets()?;
            let mut facts = rules(&listed("iptables-save", &["-t", "filter"])?, &members);
            facts.extend(rules(&listed("ip6tables-save", &["-t", "filter"])?, &members));
            facts
        }
    })
}

/// What the rules of one family say of addresses, in chains that packets get to; a rule about a set says it of each member.
fn rules(saved: &str, members: &str) -> Vec<(IpAddr, String)> {
    let rules: Vec<Vec<&str>> =
        saved.lines().filter_map(|line| Some(line.strip_prefix("-A ")?.split_whitespace().collect())).collect();
    let mut live = vec!["INPUT", "OUTPUT", "FORWARD"];
    let mut i = 0;
    while let Some(chain) = live.get(i).copied() {
        let jumps = rules.iter().filter(|rule| rule[0] == chain).filter_map(|rule| after(rule, "-j"));
        let new: Vec<_> = jumps.filter(|target| !live.contains(target)).collect();
        live.extend(new);
        i += 1;
    }
    let mut facts = Vec::new();
    for rule in rules.iter().filter(|rule| live.contains(&rule[0])) {
        // `OC2-INPUT`, or a part of it, `OC2-4I7`.
        let hook = rule[0].trim_start_matches("OC2-").trim_start_matches(['4', '6']).chars().next().unwrap_or('?');
        if let Some(set) = after(rule, "--match-set") {
            let say = |address| (address, format!("{hook} {}", text_of(rule, "--match-set")));
            let member = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["add", name, member, ..] if name == set => address(member),
                _ => None,
            };
            facts.extend(members.lines().filter_map(member).map(say));
        } else {
            let end = ["-s", "-d"].into_iter().find_map(|end| Some((end, address(after(rule, end)?)?)));
            facts.extend(end.map(|(end, address)| (address, format!("{hook} {}", text_of(rule, end)))));
        }
    }
    facts
}

fn after<'a>(rule: &[&'a str], word: &str) -> Option<&'a str> {
    rule.iter().position(|found| *found == word).and_then(|i| rule.get(i + 1)).copied()
}

/// A rule without its chain, its address is at this end; a set of addresses is no other than an address.
fn text_of(rule: &[&str], end: &str) -> String {
    let at = rule.iter().position(|found| *found == end).unwrap_or(0);
    let (before, rest) = rule.split_at(at);
    let before = before[1..].iter().copied();
    let (end, rest) = match (end, rest) {
        ("-s", [_, _, rest @ ..]) => ("src", rest),
        ("-d", [_, _, rest @ ..]) => ("dst", rest),
        (_, [_, _, end, rest @ ..]) => (*end, rest),
        _ => ("?", rest),
    };
    let words = before.chain(rest.iter().copied());
    let words: Vec<_> = words.collect();
    format!("{end} {}", words.join(" ").replace("-m set ", ""))
}

/// Takes all rules out of the kernel, as a foreign hand would.
pub(super) fn forget(backend: Backend) -> Result<()> {
    match backend {
        Backend::Nftables => change("nft", &["flush", "ruleset"]),
        Backend::Iptables => {
            change("iptables", &["-F"])?;
            change("ip6tables", &["-F"])
        }
    }
}

/// Takes half of a rule about an address out of the kernel.
pub(super) fn halve(backend: Backend, address: IpAddr) -> Result<()> {
    let address = address.to_string();
    match backend {
        Backend::Nftables => change("nft", &["delete", "element", "inet", "openc2", "in4-to32", "{", &address, "}"]),
        Backend::Iptables => {
            let saved = sets()?;
            let of_input = saved.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["add", set, member, ..] if member == address && set.contains('I') => Some(set),
                _ => None,
            });
            match of_input {
                Some(set) => change("ipset", &["del", set, &address]),
                // In whichever shard it is.
                None => {
                    let rules = listed("iptables", &["-S"])?;
                    let rule = rules.lines().find(|line| {
                        line.starts_with("-A OC2-I")
                            && line.contains(&format!("-d {address}/32 "))
                            && line.ends_with("DROP")
                    });
                    let rule = rule.ok_or_else(|| Failure::new(format!("no rule drops {address}:\n{rules}")))?;
                    let words: Vec<_> = ["-D"].into_iter().chain(rule.split_whitespace().skip(1)).collect();
                    change("iptables", &words)
                }
            }
        }
    }
}

fn change(program: &str, arguments: &[&str]) -> Result<()> {
    let output = process::output_within(Command::new(program).args(arguments), LIMIT)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr))))
}

/// The members of ipsets.
fn sets() -> Result<String> {
    listed("ipset", &["save"])
}

/// Without a table there is nothing in it; anything else that is wrong is seen by what is missing.
fn listed(program: &str, arguments: &[&str]) -> Result<String> {
    let output = process::output_within(Command::new(program).args(arguments), LIMIT)?;
    let text = String::from_utf8(output.stdout).map_err(|_| Failure::new(format!("{program} does not write text")))?;
    Ok(text)
}

/// The elements of sets and maps as nft lists them: `map NAME { ... elements = { KEY : VALUE, ... } }`.
fn elements(listed: &str) -> Vec<(IpAddr, String)> {
    let mut facts = Vec::new();
    let mut name = "";
    let mut within = false;
    for line in listed.lines().map(str::trim) {
        if let Some(head) = line.strip_suffix(" {") {
            name = head;
        }
        let text = line.strip_prefix("elements = {");
        within |= text.is_some();
        if within {
            facts.extend(text.unwrap_or(line).trim_end_matches('}').split(',').filter_map(|text| fact(text, name)));
            within = !line.ends_with('}');
        }
    }
    facts
}

/// One thing that speaks of one address.
fn fact(text: &str, place: &str) -> Option<(IpAddr, String)> {
    let mut found = None;
    let words: Vec<_> = text
        .split_whitespace()
        .map(|word| match address(word) {
            Some(address) if found.is_none() => {
                found = Some(address);
                "@".to_owned()
            }
            // Ranks, ports, and the numbers of chains.
            _ => word.replace(|c: char| c.is_ascii_digit(), ""),
        })
        .collect();
    found.map(|address| (address, format!("{place} {}", words.join(" "))))
}

/// An address alone, as a net of one, or at the beginning of a long number.
fn address(word: &str) -> Option<IpAddr> {
    let alone = word.strip_suffix("/32").or_else(|| word.strip_suffix("/128")).unwrap_or(word);
    let alone = alone.split(',').next().unwrap_or(alone);
    if let Ok(address) = alone.parse() {
        return Some(address);
    }
    // A connection: nft writes a key that it knows no type of as one number. Ranks are below 2^64.
    let number: u128 = word.parse().ok().filter(|number| *number > u128::from(u64::MAX))?;
    let octets = number.to_be_bytes();
    let n_zeros = octets.iter().take_while(|octet| **octet == 0).count();
    let first = octets.get(n_zeros - n_zeros % 4..)?.first_chunk::<4>()?;
    Some(IpAddr::from(*first))
}

const LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_what_tools_list() {
        let listed = "table inet openc2 {\n\tmap in4-to32 {\n\t\ttype ipv4_addr : 0\n\t\telements = { 10.0.0.1 : 999,\n\
                      \t\t\t     10.0.0.5 : 998, * : 18446744073709551615 }\n\t}\n\tmap out4-to32-dport {\n\
                      \t\telements = { 3094850172432772546342617088 : 77 }\n\t}\n}";
        let found = |text: &str, trace: &str| (text.parse::<IpAddr>().unwrap(), trace.to_owned());
        assert_eq!(
            elements(listed),
            [
                found("10.0.0.1", "map in4-to32 @ : "),
                found("10.0.0.5", "map in4-to32 @ : "),
                found("10.0.0.4", "map out4-to32-dport @ : ")
            ]
        );
    }

    #[test]
    fn a_rule_is_the_same_whether_it_stands_alone_or_in_a_set() {
        let saved = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j OC2-INPUT\n-A OC2-INPUT -j OC2-4I4\n\
                     -A OC2-INPUT -i lo -p icmp -m set --match-set OC2-4I7 src -j ACCEPT\n\
                     -A OC2-4I4 -s 10.0.0.1/32 -i lo -p icmp -j ACCEPT\n-A OC2-4I9 -s 10.0.0.3/32 -j DROP\n";
        let facts =
            rules(saved, "create OC2-4I7 hash:net\nadd OC2-4I7 10.0.0.2 timeout 0\nadd OC2-4I8 10.0.0.4 timeout 0\n");
        let accepted = |address: &str| (address.parse::<IpAddr>().unwrap(), "I src -i lo -p icmp -j ACCEPT".to_owned());
        assert_eq!(facts, [accepted("10.0.0.2"), accepted("10.0.0.1")], "no packet gets to OC2-4I9");
    }
}
