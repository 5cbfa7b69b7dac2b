use std::collections::{BTreeMap, BTreeSet};

use oc2_core::StatusCode;
use oc2_profile_slpf::{Flow, Ports, Traffic};

use super::*;
use crate::rule::KernelRule;
use crate::rule::{Family, Hook, Protocol};
use crate::ruleset::{Rules, Ruleset};

#[test]
fn the_newest_rule_comes_first() {
    let mut firewall = Firewall::default();
    assert_eq!((firewall.insert(1), firewall.insert(2), firewall.insert(3)), (999_990, 999_980, 999_970));
    assert_eq!(firewall.ports(), [3, 2, 1]);
}

// SLPF-077, SLPF-121, S1
#[test]
fn insert_rule_places_a_rule() {
    let mut firewall = Firewall::default();
    firewall.insert(1);
    firewall.insert(2);
    for (number, port) in [(999_985, 3), (1, 4), (2_000_000, 5), (-7, 6)] {
        assert_eq!(firewall.perform(placed(number, port), ALWAYS).unwrap(), Some(number));
    }
    assert_eq!(firewall.ports(), [6, 4, 2, 3, 1, 5]);
}

// SLPF-030, SLPF-080, SLPF-124, S1, S2
#[test]
fn a_number_is_never_given_twice() {
    let mut firewall = Firewall::default();
    let in_use = |firewall: &mut Firewall, number| firewall.perform(placed(number, 9), ALWAYS).unwrap_err();
    firewall.insert(1);
    firewall.perform(placed(5, 2), ALWAYS).unwrap();
    for number in [999_990, 5] {
        let rejection = in_use(&mut firewall, number);
        assert_eq!(rejection.status(), StatusCode::NotImplemented);
        assert_eq!(rejection.text(), "Rule number currently in use");
        firewall.perform(Order::Remove(number_of(number)), ALWAYS).unwrap();
        let rejection = in_use(&mut firewall, number);
        let expected = format!("Rule number currently in use: {number} was used before and numbers are never reused");
        assert_eq!(rejection.text(), expected);
    }
    assert_eq!(firewall.insert(3), 999_980);
}

// SLPF-159, SLPF-160, S9
#[test]
fn a_rule_that_is_deleted_is_gone_and_another_delete_fails() {
    let mut firewall = Firewall::default();
    firewall.insert(1);
    firewall.insert(2);
    firewall.perform(Order::Remove(number_of(999_990)), ALWAYS).unwrap();
    assert_eq!(firewall.ports(), [2]);
    let rejection = firewall.perform(Order::Remove(number_of(999_990)), ALWAYS).unwrap_err();
    assert_eq!(rejection.status(), StatusCode::InternalError);
    assert_eq!(rejection.text(), "firewall rule not removed or updated: no such rule");
}

#[test]
fn a_rule_ends_with_its_window() {
    let mut firewall = Firewall::default();
    firewall.perform(any(1), until(50)).unwrap();
    firewall.perform(any(2), until(20)).unwrap();
    firewall.perform(any(3), ALWAYS).unwrap();
    assert_eq!(firewall.state.rules.next_deadline(), Some(at(20)));
    firewall.advance(19);
    assert_eq!(firewall.ports(), [3, 2, 1]);
    firewall.advance(20);
    assert_eq!(firewall.ports(), [3, 1]);
    firewall.advance(1_000);
    assert_eq!(firewall.ports(), [3]);
    assert_eq!(firewall.state.rules.next_deadline(), None);
}

#[test]
fn a_window_that_is_over_leaves_no_rule_and_uses_up_a_number() {
    let mut firewall = Firewall { now: 100, ..Firewall::default() };
    assert_eq!(firewall.perform(any(1), until(100)).unwrap(), Some(999_990));
    assert_eq!(firewall.perform(placed(7, 2), until(50)).unwrap(), Some(7));
    assert_eq!(firewall.ports(), [] as [u16; 0]);
    firewall.perform(placed(7, 2), ALWAYS).unwrap_err();
    assert_eq!(firewall.insert(3), 999_980);
}

#[test]
fn a_rule_deleted_for_a_time_comes_back() {
    let mut firewall = Firewall::default();
    firewall.insert(1);
    firewall.insert(2);
    let delete = || Order::Remove(number_of(999_990));
    firewall.perform(delete(), until(10)).unwrap();
    assert_eq!(firewall.ports(), [2]);
    firewall.perform(delete(), until(5)).unwrap();
    firewall.advance(9);
    assert_eq!(firewall.ports(), [2], "of two suspensions the longer counts");
    firewall.advance(10);
    assert_eq!(firewall.ports(), [2, 1]);
    firewall.perform(delete(), until(10)).unwrap();
    assert_eq!(firewall.ports(), [2, 1], "a suspension that is over has no effect");
    firewall.perform(delete(), until(30)).unwrap();
    firewall.perform(delete(), ALWAYS).unwrap();
    firewall.advance(30);
    assert_eq!(firewall.ports(), [2], "a rule that was deleted meanwhile does not come back");
}

#[test]
fn a_suspended_rule_ends_with_its_window_all_the_same() {
    let mut firewall = Firewall::default();
    firewall.perform(any(1), until(10)).unwrap();
    firewall.perform(Order::Remove(number_of(999_990)), until(20)).unwrap();
    firewall.advance(10);
    assert_eq!(firewall.state.rules.iter().len(), 0);
    firewall.advance(20);
    assert_eq!(firewall.ports(), [] as [u16; 0]);
}

#[test]
fn a_file_counts_as_commands_sent_one_after_the_other() {
    let mut firewall = Firewall::default();
    firewall.insert(1);
    firewall.perform(placed(5, 2), ALWAYS).unwrap();
    let file = [rule(10, None), rule(11, Some(7)), rule(12, None), rule(13, Some(5)), rule(14, Some(999_970))];
    firewall.perform(Order::Replace(file.into()), ALWAYS).unwrap();
    assert_eq!(firewall.ports(), [13, 11, 12, 14, 10], "5, 7, 999960, 999970, 999980");
    assert_eq!(firewall.insert(15), 999_950);
    firewall.perform(placed(999_990, 16), ALWAYS).unwrap_err();
    firewall.perform(placed(7, 16), ALWAYS).unwrap_err();
}

// SLPF-072, SLPF-073, S7
#[test]
fn what_cannot_be_done_here_is_refused() {
    let mode = &Mode::Host;
    let slpf_rule =
        |traffic| Rule { packets: flow(traffic), direction: Direction::Both, persistent: true, insert_rule: None };
    let false_ack = NewRule::deny(slpf_rule(Traffic::Any), DropProcess::FalseAck, mode).unwrap_err();
    assert_eq!(false_ack.status(), StatusCode::NotImplemented);
    assert_eq!(false_ack.text(), "Option not supported: args.slpf.drop_process: false_ack");
    let code = NewRule::allow(slpf_rule(Traffic::Icmp { kind: None, code: Some(0) }), mode).unwrap_err();
    assert_eq!(code.status(), StatusCode::NotImplemented);
    assert_eq!(code.text(), "Rule not updated: an ICMP code says nothing without a type");
    let any_type = NewRule::allow(slpf_rule(Traffic::Icmp { kind: Some(255), code: None }), mode).unwrap_err();
    assert!(any_type.text().starts_with("Rule not updated: ICMP type 255"), "{any_type}");
}

#[test]
fn nothing_is_left_of_a_plan_that_is_taken_back() {
    let mut firewall = Firewall::default();
    firewall.insert(1);
    firewall.perform(placed(5, 2), until(10)).unwrap();
    let orders: [fn() -> Order; 4] = [
        || any(3),
        || placed(6, 3),
        || Order::Remove(number_of(5)),
        || Order::Replace(vec![rule(4, Some(5)), rule(5, Some(8)), rule(6, None)]),
    ];
    for order in orders {
        let before = firewall.state.clone();
        let planned = plan(&firewall.state, order(), &context(ALWAYS), at(0), &Config::default()).unwrap();
        let (_, undo) = firewall.state.adopt(planned);
        firewall.state.take_back(undo);
        assert_eq!(firewall.state.rules, before.rules);
        let placed = |state: &State| state.numbering.placed().collect::<Vec<_>>();
        assert_eq!(placed(&firewall.state), placed(&before));
    }
}

/// Against a list of numbers and ports that knows nothing of kernels, chains and edits.
#[test]
fn any_sequence_of_orders_is_what_a_plain_list_makes_of_it() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let (mut firewall, mut reference) = (Firewall::default(), Reference::default());
        for port in 1..400 {
            let stop = random.window(firewall.now);
            match random.below(10) {
                0..4 => reference.insert(&mut firewall, port, None, stop),
                4..6 => {
                    let number = [random.below(40) as i64, 999_990 - random.below(2_000) as i64][random.below(2)];
                    reference.insert(&mut firewall, port, Some(number), stop);
                }
                6..8 => reference.remove(&mut firewall, reference.any_number(&mut random), stop),
                8 => {
                    firewall.advance(firewall.now + random.below(4) as u64);
                    reference.advance(firewall.now);
                }
                _ if random.below(10) == 0 => reference.replace(&mut firewall, port, random.below(6) as u16),
                _ => {}
            }
            assert_eq!(firewall.ports(), reference.ports(), "seed {seed}, port {port}");
        }
    }
}

#[derive(Default)]
struct Reference {
    rules: BTreeMap<i64, Row>,
    used: BTreeSet<i64>,
    lowest: Option<i64>,
}

struct Row {
    port: u16,
    stop: Option<u64>,
    suspended_until: Option<u64>,
}

impl Reference {
    fn insert(&mut self, firewall: &mut Firewall, port: u16, number: Option<i64>, stop: Option<u64>) {
        let order = number.map_or_else(|| any(port), |number| placed(number, port));
        let given = firewall.perform(order, stop);
        if let Some(number) = number
            && self.used.contains(&number)
        {
            assert!(given.unwrap_err().text().starts_with("Rule number currently in use"));
            return;
        }
        let given = given.unwrap().unwrap();
        assert!(number.is_none_or(|number| number == given));
        assert!(self.used.insert(given), "{given} came twice");
        if number.is_none() {
            assert!(self.lowest.is_none_or(|lowest| given < lowest));
            self.lowest = Some(given);
        }
        if stop.is_none_or(|stop| stop > firewall.now) {
            self.rules.insert(given, Row { port, stop, suspended_until: None });
        }
    }

    fn remove(&mut self, firewall: &mut Firewall, number: i64, stop: Option<u64>) {
        let res = firewall.perform(Order::Remove(number_of(number)), stop);
        assert_eq!(res.is_ok(), self.rules.contains_key(&number));
        match (self.rules.get_mut(&number), stop) {
            (Some(row), Some(stop)) if stop > firewall.now => row.suspended_until = row.suspended_until.max(Some(stop)),
            (Some(_), None) => drop(self.rules.remove(&number)),
            _ => {}
        }
    }

    /// `n` rules, the second of which reuses the lowest number there ever was.
    fn replace(&mut self, firewall: &mut Firewall, port: u16, n: u16) {
        let reused = self.used.first().copied().unwrap_or(3);
        let port = |i| 10_000 + 10 * port + i;
        let rules = (0..n).map(|i| rule(port(i), (i == 1).then_some(reused))).collect();
        firewall.perform(Order::Replace(rules), ALWAYS).unwrap();
        let numbers = firewall.state.rules.iter().map(|entry| entry.record().number.as_i64());
        let mut automatic: Vec<i64> = numbers.filter(|number| *number != reused).collect();
        self.rules.clear();
        for i in 0..n {
            let number = if i == 1 { reused } else { automatic.pop().unwrap() };
            assert!(self.used.insert(number) || i == 1, "{number} came twice");
            assert!(i == 1 || self.lowest.is_none_or(|lowest| number < lowest));
            self.lowest = if i == 1 { self.lowest } else { Some(number) };
            self.rules.insert(number, Row { port: port(i), stop: None, suspended_until: None });
        }
        assert!(automatic.is_empty());
    }

    fn advance(&mut self, now: u64) {
        self.rules.retain(|_, row| row.stop.is_none_or(|stop| stop > now));
        for row in self.rules.values_mut() {
            row.suspended_until = row.suspended_until.filter(|until| *until > now);
        }
    }

    fn any_number(&self, random: &mut Random) -> i64 {
        let used: Vec<_> = self.used.iter().collect();
        if used.is_empty() || random.below(8) == 0 { 12_345 } else { *used[random.below(used.len())] }
    }

    fn ports(&self) -> Vec<u16> {
        self.rules.values().filter(|row| row.suspended_until.is_none()).map(|row| row.port).collect()
    }
}

/// Plans and adopts like the keeper, with a kernel that is a [`Ruleset`].
#[derive(Default)]
struct Firewall {
    state: State,
    kernel: Ruleset,
    now: u64,
}

impl Firewall {
    fn insert(&mut self, port: u16) -> i64 {
        self.perform(any(port), ALWAYS).unwrap().unwrap()
    }

    fn perform(&mut self, order: Order, stop: Option<u64>) -> Result<Option<i64>, Rejection> {
        let planned = plan(&self.state, order, &context(stop), at(self.now), &Config::default())?;
        let number = planned.number;
        self.adopt(planned);
        Ok(number.map(RuleNumber::as_i64))
    }

    fn advance(&mut self, now: u64) {
        self.now = now;
        let step = Step::Edit(due(&self.state.rules, at(now)));
        self.adopt(Plan { step, claims: Claims::default(), number: None });
    }

    /// What the changes make of the kernel is what the list says.
    fn adopt(&mut self, plan: Plan) {
        match self.state.adopt(plan).0 {
            Work::Apply(changes) => self.kernel.apply(&changes).unwrap(),
            Work::Load => self.kernel = self.state.rules.in_order().collect(),
        }
        assert_eq!(self.kernel, self.state.rules.in_order().collect::<Ruleset>());
    }

    /// The rules in force by the port they are about, first match first. Those of the kernel for one of the list stand
    /// together, in both chains.
    fn ports(&self) -> Vec<u16> {
        let port = |rule: &KernelRule| match rule.matching().protocol {
            Some(Protocol::Tcp(ports) | Protocol::Udp(ports) | Protocol::Sctp(ports)) => ports.dst_port.unwrap(),
            _ => panic!("{rule:?}"),
        };
        let [input, output] = [Hook::Input, Hook::Output].map(|hook| {
            let mut ports: Vec<u16> = self.kernel.chain(Family::V4, hook).map(port).collect();
            ports.dedup();
            ports
        });
        assert_eq!(input, output);
        input
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn window(&mut self, now: u64) -> Option<u64> {
        (self.below(3) == 0).then(|| now + self.below(6) as u64)
    }
}

fn any(port: u16) -> Order {
    Order::Insert(rule(port, None))
}

fn placed(number: i64, port: u16) -> Order {
    Order::Insert(rule(port, Some(number)))
}

/// In each chain one rule of the kernel if the port is even, else three.
fn rule(port: u16, number: Option<i64>) -> NewRule {
    let ports = Ports { source: None, destination: Some(port) };
    let traffic = if port.is_multiple_of(2) { Traffic::Tcp(ports) } else { Traffic::AnyWithPorts(ports) };
    let insert_rule = number.map(number_of);
    let rule = Rule { packets: flow(traffic), direction: Direction::Both, persistent: true, insert_rule };
    NewRule::deny(rule, DropProcess::None, &Mode::Host).unwrap()
}

fn flow(traffic: Traffic) -> Packets {
    Packets::Ipv4Connection(Flow { source: None, destination: None, traffic })
}

fn context(stop: Option<u64>) -> Context {
    Context::new("producer", Window { start: at(0), stop: stop.map(at) })
}

fn until(time: u64) -> Option<u64> {
    Some(time)
}

fn at(time: u64) -> DateTime {
    DateTime::from_millis(time).unwrap()
}

fn number_of(number: i64) -> RuleNumber {
    RuleNumber::new(number).unwrap()
}

const ALWAYS: Option<u64> = None;
