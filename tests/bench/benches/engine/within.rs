//! One at a time: alone, and among many rules.

use std::error::Error;
use std::time::Duration;

use oc2_tests_bench::{
    Bar, BareServer, Floor, Kind, Load, Rules, Unit, delete, deny, median, place, query_features, rule_number,
};

use crate::{Bench, Outcome, microseconds};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    among_addresses(bench)?;
    delete_within(bench)
}

/// Against the sum of what it is made of.
pub(crate) fn latency(bench: &mut Bench) -> Outcome {
    let what = "deny ipv4_net, 1 in flight; floor: fsync + kernel commit + hyper round trip";
    if !bench.wants(what) {
        return Ok(());
    }
    let mut parts = Parts::new(bench)?;
    let host = bench.host()?;
    let daemon = host.start()?;
    let mut load = daemon.connect(1)?;
    let mut next = 0;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let floor = parts.sum(Kind::Address)?;
        rounds.push((floor, change(&mut load, Kind::Address, &mut next).0));
    }
    bench.add(what, Unit::Microseconds, &rounds, Some(Bar::AtMost(1.5)));
    Ok(())
}

/// An address before 100,000 others, and before none.
fn among_addresses(bench: &mut Bench) -> Outcome {
    let what = "deny ipv4_net, 1 in flight, 100,000 address rules; floor: with none";
    if !bench.wants(what) {
        return Ok(());
    }
    let (few, many) = (bench.host()?, bench.host()?);
    let (few, many) = (few.start()?, many.start()?);
    many.hold(Rules { kind: Kind::Address, n: 100_000 })?;
    let (mut few, mut many) = (few.connect(1)?, many.connect(1)?);
    let (mut next, mut others) = (100_000, 100_000);
    let (mut denied, mut deleted) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (floor, ours) = (change(&mut few, Kind::Address, &mut next), change(&mut many, Kind::Address, &mut others));
        denied.push((floor.0, ours.0));
        deleted.push((floor.1, ours.1));
    }
    bench.add(what, Unit::Microseconds, &denied, Some(Bar::AtMost(1.5)));
    bench.add("the same, delete", Unit::Microseconds, &deleted, Some(Bar::AtMost(1.5)));
    Ok(())
}

/// An ordered rule in the middle of 10,000 others, and of 10.
fn delete_within(bench: &mut Bench) -> Outcome {
    let what = "delete slpf:rule_number, 1 in flight, 10,000 ordered rules; floor: with 10";
    if !bench.wants(what) {
        return Ok(());
    }
    let kind = Kind::Connection;
    let (some, all) = (Rules { kind, n: 10 }, Rules { kind, n: 10_000 });
    let (few, many) = (bench.host()?, bench.host()?);
    let (few, many) = (few.start()?, many.start()?);
    few.hold(some)?;
    many.hold(all)?;
    let (mut few, mut many) = (few.connect(1)?, many.connect(1)?);
    let (mut placed, mut deleted) = (Vec::new(), Vec::new());
    let mut next = 0;
    for _ in 0..ROUNDS {
        let (floor, ours) = (place_within(&mut few, some, next), place_within(&mut many, all, next));
        next += N;
        placed.push((floor.0, ours.0));
        deleted.push((floor.1, ours.1));
    }
    bench.add(what, Unit::Microseconds, &deleted, Some(Bar::AtMost(3.0)));
    bench.add("the same, deny ipv4_connection", Unit::Microseconds, &placed, None);
    Ok(())
}

/// Some rules that come before all others and go again: what a coming and what a going takes, in microseconds.
pub(crate) fn change(load: &mut Load, kind: Kind, next: &mut u32) -> (f64, f64) {
    let (mut come, mut gone) = (Vec::new(), Vec::new());
    for _ in 0..N {
        let (took, answer) = load.ask(|request| deny(kind, *next, request));
        *next += 1;
        come.push(microseconds(took));
        gone.push(microseconds(remove(load, rule_number(&answer))));
    }
    (median(&come), median(&gone))
}

/// The same in the middle of others.
fn place_within(load: &mut Load, rules: Rules, first: u32) -> (f64, f64) {
    let (mut come, mut gone) = (Vec::new(), Vec::new());
    for i in first..first + N {
        let number = rules.within(i);
        let (took, _) = load.ask(|request| place(rules.kind, 100_000 + i, number, request));
        come.push(microseconds(took));
        gone.push(microseconds(remove(load, number)));
    }
    (median(&come), median(&gone))
}

fn remove(load: &mut Load, number: u64) -> Duration {
    load.ask(|request| delete(number, request)).0
}

/// What a command is made of that nobody can save.
pub(crate) struct Parts {
    floor: Floor,
    load: Load,
    _bare: BareServer,
}

impl Parts {
    pub(crate) fn new(bench: &mut Bench) -> Result<Self, Box<dyn Error>> {
        let floor = Floor::new(bench.dir())?;
        let address = "127.0.0.1:8080".parse()?;
        let bare = BareServer::start(floor.namespace(), address, ANSWER)?;
        let load = Load::connect(floor.namespace(), address, 1)?;
        Ok(Self { floor, load, _bare: bare })
    }

    /// The medians of one write that is synced, one commit to the kernel and one round trip, one after the other.
    pub(crate) fn sum(&mut self, kind: Kind) -> Result<f64, Box<dyn Error>> {
        let (mut disk, mut kernel, mut trip) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..N {
            disk.push(microseconds(timed(|| self.floor.sync(1))?));
            kernel.push(microseconds(timed(|| self.floor.kernel(kind, 1))?));
            trip.push(microseconds(self.load.ask(query_features).0));
        }
        Ok(median(&disk) + median(&kernel) + median(&trip))
    }
}

fn timed(work: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<Duration> {
    let began = std::time::Instant::now();
    work()?;
    Ok(began.elapsed())
}

const ROUNDS: usize = 7;
/// Rules in a round; all rounds together place less than 999 in one gap.
const N: u32 = 40;
/// As long as an answer to `deny`.
const ANSWER: usize = 200;
