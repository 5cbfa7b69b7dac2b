//! What was commanded, what was answered, and what has to be so therefore.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::kernel::Sight;
use super::rule::{Kind, leaves};
use super::tally::Tally;
use crate::failure::{Failure, Place, Result};

/// One rule that was commanded.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) kind: Kind,
    pub(super) address: IpAddr,
    pub(super) standing: Standing,
    pub(super) number: Option<i64>,
    /// When its window ends.
    pub(super) stop: Option<u64>,
    /// When it was commanded last; a fleeting one is gone after a later start.
    born: u64,
    /// What happened to it.
    pub(super) story: Vec<String>,
}

/// What is known of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody was told: wholly there or not at all.
    Open,
    InForce,
    Absent,
    /// A tool was killed under a command that was refused: to be so again once the rules were repaired, at a start at the latest.
    Refused {
        before: bool,
    },
}

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) command: Value,
    pub(super) about: About,
    /// The last word on it.
    pub(super) answer: Option<Value>,
    /// Whether a tool may have been killed under it.
    may_fail: bool,
}

/// What a request is about.
#[derive(Clone, Debug)]
pub(super) enum About {
    Rule(usize),
    Delete(usize),
    /// These take the place of all others.
    Update(Vec<usize>),
}

/// Since when, and of whom, something is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The daemon is dead; it was started then, in milliseconds since 1970.
    Left { since: u64 },
    /// It runs, and was started then.
    Alive { since: u64 },
}

/// All that was commanded.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) rules: Vec<Rule>,
    pub(super) requests: Vec<Request>,
    /// What a rule of a kind looks like in the kernel.
    pub(super) looks: BTreeMap<Kind, Vec<String>>,
    by_address: BTreeMap<IpAddr, usize>,
    numbers: BTreeSet<i64>,
    /// Whether a tool may be killed in the place of the daemon.
    tools_may_die: bool,
    /// Whether the rules of IPv4 and IPv6 change one after the other.
    are_families_apart: bool,
    /// How many numbers the Consumer may have chosen.
    pub(super) n_chosen: usize,
}

impl Ledger {
    /// Nothing was commanded yet; whether the rules of IPv4 and IPv6 change one after the other.
    pub(super) fn new(are_families_apart: bool) -> Self {
        Self { are_families_apart, ..Self::default() }
    }

    pub(super) fn add_rule(&mut self, kind: Kind, stop: Option<u64>) -> usize {
        let index = self.rules.len();
        let address = kind.address(u32::try_from(index).unwrap_or(u32::MAX));
        self.by_address.insert(address, index);
        self.rules.push(Rule {
            kind,
            address,
            standing: Standing::Open,
            number: None,
            stop,
            born: now(),
            story: Vec::new(),
        });
        index
    }

    pub(super) fn add_request(&mut self, command: Value, about: About) -> usize {
        let index = self.requests.len();
        self.requests.push(Request {
            id: format!("r{index}"),
            command,
            about,
            answer: None,
            may_fail: self.tools_may_die,
        });
        index
    }

    /// Says whether a tool may be killed in the place of the daemon in the life that begins.
    pub(super) fn set_tools_may_die(&mut self, may: bool) {
        self.tools_may_die = may;
        let open = self.requests.iter_mut().filter(|request| request.answer.is_none());
        open.for_each(|request| request.may_fail |= may);
    }

    /// A tool was killed under several commands, which were then performed one by one, with other numbers.
    pub(super) fn performed_anew(&mut self, n_commands: usize) {
        self.n_chosen += n_commands;
    }

    /// The requests that nobody has had the last word on.
    pub(super) fn open_requests(&self) -> Vec<usize> {
        (0..self.requests.len()).filter(|request| self.requests[*request].answer.is_none()).collect()
    }

    /// A request that never left.
    pub(super) fn withdraw(&mut self, request: usize) {
        self.requests[request].answer = Some(Value::Null);
        if let About::Rule(rule) = self.requests[request].about {
            self.rules[rule].standing = Standing::Absent;
        }
    }

    /// Takes note of an answer. `seen` is what was in force before the question, if it was asked again.
    pub(super) fn hear(
        &mut self,
        request: usize,
        answer: &Value,
        seen: Option<&Sight>,
        tally: &mut Tally,
    ) -> Result<()> {
        let status = answer["status"].as_u64().unwrap_or(0);
        let id = self.requests[request].id.clone();
        self.tell(request, format_args!("{id} answered {answer}"));
        if let Some(before) = &self.requests[request].answer {
            let is_same = before == answer;
            return if is_same { Ok(()) } else { Err(self.violation(request, &format!("first answered {before}"))) };
        }
        match (status, seen) {
            (102, _) => return Ok(()),
            // Nothing was performed, and a repetition is decided anew (DECISIONS M12): it is not asked again.
            (503, _) if self.requests[request].may_fail => {
                tally.count("commands refused for a tool that was killed");
                self.refused(request);
                self.requests[request].answer = Some(Value::Null);
                return Ok(());
            }
            (200, _) => self.performed(request, answer)?,
            (500, Some(seen)) if is_interrupted(answer) => {
                tally.count("of these: told that nobody knows, and they are as they were found");
                self.as_seen(request, seen);
            }
            (500, _) if self.requests[request].may_fail && is_failure_of_kernel(answer) => {
                tally.count("commands refused for a tool that was killed");
                self.refused(request);
            }
            _ => return Err(self.violation(request, "that is no answer to it")),
        }
        if status == 200 && seen.is_some() {
            tally.count("of these: answered 200 when asked again");
            self.reborn(request);
        }
        self.requests[request].answer = Some(answer.clone());
        Ok(())
    }

    fn performed(&mut self, request: usize, answer: &Value) -> Result<()> {
        match self.requests[request].about.clone() {
            About::Rule(rule) => {
                let number = answer.pointer("/results/slpf/rule_number").and_then(Value::as_i64);
                let Some(number) = number else { return Err(self.violation(request, "it tells no number")) };
                if !self.numbers.insert(number) {
                    return Err(self.violation(request, "that number was given before"));
                }
                self.n_chosen += usize::from(self.rules[rule].kind.is_numbered_by_consumer());
                self.rules[rule].number = Some(number);
                self.rules[rule].standing = Standing::InForce;
            }
            About::Delete(rule) => self.rules[rule].standing = Standing::Absent,
            About::Update(rules) => self.replaced(&rules),
        }
        Ok(())
    }

    /// A fleeting rule may have been performed before the kill, or now.
    fn reborn(&mut self, request: usize) {
        if let About::Rule(rule) = self.requests[request].about
            && self.rules[rule].kind == Kind::Fleeting
        {
            self.rules[rule].standing = Standing::Open;
            self.rules[rule].born = now();
        }
    }

    fn refused(&mut self, request: usize) {
        let refused = |rule: &mut Rule, before| rule.standing = Standing::Refused { before };
        match self.requests[request].about.clone() {
            About::Rule(rule) => {
                // A number that was given is used up.
                self.n_chosen += usize::from(self.rules[rule].kind.is_numbered_by_consumer());
                refused(&mut self.rules[rule], false);
            }
            About::Delete(rule) => refused(&mut self.rules[rule], true),
            About::Update(by) => {
                let others = self.rules.iter_mut().filter(|rule| rule.standing == Standing::InForce);
                others.for_each(|rule| refused(rule, true));
                self.n_chosen += by.len();
                by.into_iter().for_each(|rule| refused(&mut self.rules[rule], false));
            }
        }
    }

    fn replaced(&mut self, by: &[usize]) {
        self.n_chosen += by.len();
        for (index, rule) in self.rules.iter_mut().enumerate() {
            rule.standing = if by.contains(&index) { Standing::InForce } else { Standing::Absent };
        }
    }

    /// Nobody knows what became of a request; from now on it is as it was seen.
    fn as_seen(&mut self, request: usize, seen: &Sight) {
        let is_there = |rule: &Rule| seen.contains_key(&rule.address);
        match self.requests[request].about.clone() {
            About::Rule(rule) | About::Delete(rule) => {
                let rule = &mut self.rules[rule];
                rule.standing = if is_there(rule) { Standing::InForce } else { Standing::Absent };
                // With a number or without.
                self.n_chosen += usize::from(rule.kind.is_numbered_by_consumer() && rule.number.is_none());
            }
            About::Update(rules) if rules.iter().all(|rule| is_there(&self.rules[*rule])) => self.replaced(&rules),
            About::Update(rules) => {
                for rule in rules {
                    self.rules[rule].standing = Standing::Absent;
                }
            }
        }
    }

    /// Compares what the kernel holds, looked at between the two times, with what was promised.
    pub(super) fn check(&mut self, sight: &Sight, moment: Moment, [from, to]: [u64; 2]) -> Result<()> {
        if let Some(stranger) = sight.keys().find(|address| is_ours(address) && !self.by_address.contains_key(address))
        {
            return Err(Failure::new(format!("{stranger} is in the kernel and nobody commanded it")));
        }
        let open: Vec<_> = self.open_requests();
        let update = open.iter().find_map(|request| match &self.requests[*request].about {
            About::Update(rules) => Some(rules.clone()),
            About::Rule(_) | About::Delete(_) => None,
        });
        let deleting: BTreeSet<_> = open.iter().filter_map(|request| self.deletes(*request)).collect();
        let update = update.as_ref().map(|rules| self.world(rules, sight, moment));
        for index in 0..self.rules.len() {
            let rule = &self.rules[index];
            let due = rule.due(moment, [from, to]);
            let due = match &update {
                _ if deleting.contains(&index) => Standing::Open,
                Some(world) => world.due(index, rule, due),
                None => due,
            };
            let traces = sight.get(&rule.address).map_or(&[][..], Vec::as_slice);
            let look = self.looks.get(&rule.kind).map_or(&[][..], Vec::as_slice);
            let what = match due {
                // Sets and chains change one after the other; the next start mends what nobody was told is so.
                Standing::Open if self.are_families_apart && matches!(moment, Moment::Left { .. }) => continue,
                _ if !traces.is_empty() && traces != look => {
                    format!("not as a whole: {traces:#?}\nwhere a whole one is {look:#?}")
                }
                Standing::InForce if traces.is_empty() => "is not in the kernel".to_owned(),
                Standing::Absent if !traces.is_empty() => "is in the kernel".to_owned(),
                _ => continue,
            };
            return Err(Failure::new(format!("{moment:?}: the rule {what}\n{}", rule.tell())));
        }
        self.bury(moment);
        Ok(())
    }

    /// Whether a change is seen half made that is not made in one step, and of which nobody was told that it is made.
    pub(super) fn is_on_its_way(&self, sight: &Sight, moment: Moment, times: [u64; 2]) -> bool {
        let is_half = |rule: &Rule| {
            let look = self.looks.get(&rule.kind).map_or(&[][..], Vec::as_slice);
            sight.get(&rule.address).is_some_and(|traces| !traces.is_empty() && traces != look)
        };
        self.are_families_apart
            && matches!(moment, Moment::Alive { .. })
            && self.rules.iter().any(|rule| is_half(rule) && rule.due(moment, times) == Standing::Open)
    }

    /// Which of two worlds it is, while nobody has answered an update: all rules are in the same. Where both families are not
    /// changed at once each has its own, from a kill in between to the next start.
    fn world(&self, rules: &[usize], sight: &Sight, moment: Moment) -> World {
        let is_there = |rule: &&usize| sight.contains_key(&self.rules[**rule].address);
        let in_family = |is_ipv4| {
            let mut of_family = rules.iter().filter(|rule| self.rules[**rule].address.is_ipv4() == is_ipv4).peekable();
            of_family.peek().is_some().then(|| of_family.any(|rule| is_there(&rule)))
        };
        let is_updated = match moment {
            Moment::Left { .. } if self.are_families_apart => [in_family(true), in_family(false)],
            _ => [Some(rules.iter().any(|rule| is_there(&rule))); 2],
        };
        World { new: rules.to_vec(), is_updated }
    }

    /// What is not restored at a start is gone for good, and what was repaired is known.
    fn bury(&mut self, moment: Moment) {
        let Moment::Alive { since } = moment else { return };
        for rule in &mut self.rules {
            if let Standing::Refused { before } = rule.standing {
                rule.standing = in_force(before);
            }
        }
        let fleeting = self.rules.iter_mut().filter(|rule| rule.kind == Kind::Fleeting && rule.born < since);
        fleeting.for_each(|rule| rule.standing = Standing::Absent);
    }

    /// Sends a packet to each address of which it is known what becomes of it.
    pub(super) fn check_packets(&self, moment: Moment) -> Result<()> {
        if self.open_requests().iter().any(|request| !matches!(self.requests[*request].about, About::Rule(_))) {
            return Ok(());
        }
        for rule in &self.rules {
            let now = now();
            let is_in_force = match rule.due(moment, [now, now + 1000]) {
                Standing::Open => continue,
                standing => standing == Standing::InForce,
            };
            let Some(expected) = rule.kind.lets_leave(is_in_force) else { continue };
            let leaves = leaves(rule.address).place(rule.address)?;
            if leaves != expected {
                let what = if leaves { "leaves" } else { "does not leave" };
                return Err(Failure::new(format!("{moment:?}: a packet {what}\n{}", rule.tell())));
            }
        }
        Ok(())
    }

    /// Whether more numbers were used than commands were performed, the last of which is given.
    pub(super) fn check_numbers(&self, last: usize) -> Result<()> {
        let About::Rule(rule) = self.requests[last].about else { return Ok(()) };
        let Some(last) = self.rules[rule].number else { return Err(self.violation(last, "it got no number")) };
        let n_used = (FIRST_NUMBER - last) / NUMBER_STEP + 1;
        if usize::try_from(n_used).is_ok_and(|n_used| n_used <= self.n_chosen) {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{n_used} numbers were used for {} commands that can have been performed: one was performed twice",
            self.n_chosen
        )))
    }

    /// The rule that a request deletes.
    pub(super) fn deletes(&self, request: usize) -> Option<usize> {
        match self.requests[request].about {
            About::Delete(rule) => Some(rule),
            About::Rule(_) | About::Update(_) => None,
        }
    }

    /// Adds to the story of what a request is about.
    pub(super) fn tell(&mut self, request: usize, what: impl ToString) {
        let rules = match &self.requests[request].about {
            About::Rule(rule) | About::Delete(rule) => vec![*rule],
            About::Update(rules) => rules.clone(),
        };
        let what = what.to_string();
        rules.into_iter().for_each(|rule| self.rules[rule].story.push(what.clone()));
    }

    fn violation(&self, request: usize, what: &str) -> Failure {
        let Request { id, command, about, .. } = &self.requests[request];
        let story = match about {
            About::Rule(rule) | About::Delete(rule) => self.rules[*rule].tell(),
            About::Update(rules) => rules.first().map(|rule| self.rules[*rule].tell()).unwrap_or_default(),
        };
        Failure::new(format!("{id} {command}: {what}\n{story}"))
    }
}

/// What an update that nobody has answered came to.
struct World {
    new: Vec<usize>,
    /// Of IPv4 and IPv6; none if that cannot be told.
    is_updated: [Option<bool>; 2],
}

impl World {
    fn due(&self, index: usize, rule: &Rule, without: Standing) -> Standing {
        let is_new = self.new.contains(&index);
        match self.is_updated[usize::from(rule.address.is_ipv6())] {
            Some(is_updated) if is_new => in_force(is_updated),
            Some(true) => Standing::Absent,
            Some(false) => without,
            None if without == Standing::Absent => Standing::Absent,
            None => Standing::Open,
        }
    }
}

impl Rule {
    /// What it has to be by now, by its kind and by the clock.
    fn due(&self, moment: Moment, [from, to]: [u64; 2]) -> Standing {
        if let Standing::Refused { before } = self.standing {
            return if matches!(moment, Moment::Left { .. }) { Standing::Open } else { in_force(before) };
        }
        match (moment, self.stop) {
            (Moment::Alive { since }, None) if self.kind == Kind::Fleeting && self.born < since => Standing::Absent,
            // It was killed before or after it had looked at its rules.
            (Moment::Left { since }, None) if self.kind == Kind::Fleeting && self.born < since => Standing::Open,
            (Moment::Alive { since }, Some(stop)) if stop < since || stop + MARGIN < from => Standing::Absent,
            (_, Some(stop)) if stop < to + MARGIN && self.standing == Standing::InForce => Standing::Open,
            _ => self.standing,
        }
    }

    fn tell(&self) -> String {
        let lines = self.story.iter().map(|line| format!("\n    {line}"));
        format!("  {:?} {} number {:?}{}", self.kind, self.address, self.number, lines.collect::<String>())
    }
}

fn in_force(is_in_force: bool) -> Standing {
    if is_in_force { Standing::InForce } else { Standing::Absent }
}

/// A command that nobody can tell the end of, which is an answer (DECISIONS M12).
fn is_interrupted(answer: &Value) -> bool {
    answer["status_text"].as_str().is_some_and(|text| text.contains("may have been performed"))
}

/// A command that came to nothing (SLPF 2.3).
fn is_failure_of_kernel(answer: &Value) -> bool {
    answer["status_text"].as_str().is_some_and(|text| text.contains("the kernel could not be changed"))
}

/// Whether rules have addresses like this; the wide net is listed with its first one.
fn is_ours(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == 10 && address.octets() != [10, 192, 0, 0],
        IpAddr::V6(address) => address.segments()[..2] == [0x2001, 0xdb8],
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// How late the end of a window may be on a busy host, in milliseconds.
const MARGIN: u64 = Duration::from_secs(4).as_millis() as u64;
const FIRST_NUMBER: i64 = 999_990;
const NUMBER_STEP: i64 = 10;
