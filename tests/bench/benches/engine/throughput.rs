//! Many at once: rules that are durable and in force when they are answered.

use oc2_tests_bench::{Bar, Floor, Kind, Load, Rules, Unit, delete, deny, rule_number};

use crate::{Bench, Outcome};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let cases = [
        ("deny ipv4_net, 64 in flight; floor: fsync and kernel by 64", Kind::Address, 0, 1920),
        ("deny ipv4_connection, 64 in flight, up to 1,000 rules; floor: the same", Kind::Connection, 0, 1000),
        ("deny ipv4_connection, 64 in flight, at 10,000 rules; floor: the same", Kind::Connection, 10_000, 640),
    ];
    for (what, kind, n_before, n) in cases {
        let host = bench.host()?;
        let daemon = host.start()?;
        let mut floor = Floor::new(bench.dir())?;
        if n_before > 0 {
            daemon.hold(Rules { kind, n: n_before })?;
        }
        let mut load = daemon.connect(GROUP as usize)?;
        let mut next = n_before;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            floor.clear()?;
            for _ in 0..n_before / GROUP {
                floor.kernel(kind, GROUP)?;
            }
            let n_groups = n / GROUP;
            let mut elapsed = 0.0;
            for _ in 0..n_groups {
                elapsed += floor.commit(kind, GROUP)?.as_secs_f64();
            }
            let (ours, numbers) = add(&mut load, kind, &mut next, n);
            rounds.push((f64::from(n_groups * GROUP) / elapsed, ours));
            remove(&mut load, &numbers);
        }
        bench.add(what, Unit::PerSecond, &rounds, Some(Bar::AtLeast(0.5)));
    }
    Ok(())
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

const ROUNDS: usize = 5;
pub(crate) const GROUP: u32 = 64;
