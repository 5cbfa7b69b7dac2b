//! Many at once: rules that are durable and in force when they are answered.
//!
//! Beside the floor, which knows no requests, stands a [prototype](Prototype) that takes the same requests over the same connections
//! and does the least for them.

use std::error::Error;

use oc2_tests_bench::{Bar, Floor, Kind, Load, Namespace, Prototype, Rules, Unit, delete, deny, rule_number};

use crate::{Bench, Outcome};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let cases = [
        ("deny ipv4_net, 64 in flight; floor: fsync and kernel by 64", Kind::Address, 0, 1920),
        ("deny ipv4_connection, 64 in flight, up to 1,000 rules; floor: the same", Kind::Connection, 0, 1000),
        ("deny ipv4_connection, 64 in flight, at 10,000 rules; floor: the same", Kind::Connection, 10_000, 640),
    ];
    for (what, kind, n_before, n) in cases {
        if bench.wants(what) {
            measure(bench, what, Case { kind, n_before, n })?;
        }
    }
    Ok(())
}

/// How many rules come in a round, and how many there are before.
struct Case {
    kind: Kind,
    n_before: u32,
    n: u32,
}

fn measure(bench: &mut Bench, what: &str, case: Case) -> Outcome {
    let Case { kind, n_before, n } = case;
    let host = bench.host()?;
    let daemon = host.start()?;
    let mut floor = Floor::new(bench.dir())?;
    if n_before > 0 {
        daemon.hold(Rules { kind, n: n_before })?;
    }
    let mut load = daemon.connect(GROUP as usize)?;
    let elsewhere = Namespace::new()?;
    let mut next = n_before;
    let (mut floors, mut rates, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floors.push(of_floor(&mut floor, &case)?);
        peers.push(of_prototype(bench, &elsewhere, &case)?);
        let (ours, numbers) = add(&mut load, kind, &mut next, n);
        rates.push(ours);
        remove(&mut load, &numbers);
    }
    let beside = |floors: &[f64], rates: &[f64]| floors.iter().copied().zip(rates.iter().copied()).collect::<Vec<_>>();
    bench.add(what, Unit::PerSecond, &beside(&floors, &rates), Some(Bar::AtLeast(0.5)));
    bench.add("  a prototype with HTTP (see below); floor: the same", Unit::PerSecond, &beside(&floors, &peers), None);
    let peer = "  ours; peer: bare hyper, syntax of JSON, fsync and kernel by what waits";
    bench.add(peer, Unit::PerSecond, &beside(&peers, &rates), None);
    Ok(())
}

/// How many a second the disk and the kernel take by 64, and nobody asks for.
fn of_floor(floor: &mut Floor, case: &Case) -> Result<f64, Box<dyn Error>> {
    floor.clear()?;
    for _ in 0..case.n_before / GROUP {
        floor.kernel(case.kind, GROUP)?;
    }
    let n_groups = case.n / GROUP;
    let mut elapsed = 0.0;
    for _ in 0..n_groups {
        elapsed += floor.commit(case.kind, GROUP)?.as_secs_f64();
    }
    Ok(f64::from(n_groups * GROUP) / elapsed)
}

/// How many a second a server does that does the least.
fn of_prototype(bench: &Bench, elsewhere: &Namespace, case: &Case) -> Result<f64, Box<dyn Error>> {
    let prototype = Prototype::start(elsewhere, &bench.dir().join("prototype"), case.kind, case.n_before)?;
    let mut load = prototype.connect(elsewhere, GROUP as usize)?;
    let mut next = case.n_before;
    // Ours has been asked before, too.
    load.run(GROUP as usize, |_, request| deny(case.kind, 0, request), |_, _| {});
    let write = |_, request: &mut Vec<u8>| {
        deny(case.kind, next, request);
        next += 1;
    };
    Ok(load.run(case.n as usize, write, |_, _| {}).rate())
}

/// So many new rules: how many a second, and their numbers.
pub(crate) fn add(load: &mut Load, kind: Kind, next: &mut u32, n: u32) -> (f64, Vec<u64>) {
    let mut numbers = Vec::new();
    let write = |_, request: &mut Vec<u8>| {
        deny(kind, *next, request);
        *next += 1;
    };
    let run = load.run(n as usize, write, |_, answer| numbers.push(answer.to_vec()));
    (run.rate(), numbers.iter().map(|answer| rule_number(answer)).collect())
}

/// Deletes them again.
pub(crate) fn remove(load: &mut Load, numbers: &[u64]) {
    load.run(numbers.len(), |i, request| delete(numbers[i], request), |_, _| {});
}

const ROUNDS: usize = 9;
pub(crate) const GROUP: u32 = 64;
