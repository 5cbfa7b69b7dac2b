//! A start, and what the daemon takes of the memory.

use oc2_tests_bench::{Bar, Kind, Memory, Namespace, Row, Rules, Unit, nft, query_features};

use crate::{Bench, Outcome};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    if !bench.wants("resident memory, idle; with 100,000 rules; start with them") {
        return Ok(());
    }
    let host = bench.host()?;
    let daemon = host.start()?;
    daemon.connect(1)?.ask(query_features);
    tell(bench, "resident memory, idle", daemon.memory()?, 12.0);

    daemon.hold(Rules { kind: Kind::Address, n: N })?;
    tell(bench, "resident memory, 100,000 rules that were just commanded", daemon.memory()?, 60.0);
    daemon.stop()?;

    let elsewhere = Namespace::new()?;
    let (mut one_set, mut rebooted, mut four_sets) = (Vec::new(), Vec::new(), Vec::new());
    let mut memory = Memory::default();
    let mut started_in = || {
        let daemon = host.start()?;
        memory = daemon.memory()?;
        let started_in = daemon.started_in;
        daemon.stop()?;
        Ok::<_, std::io::Error>(started_in.as_secs_f64() * 1e3)
    };
    for _ in 0..ROUNDS {
        let ours = started_in()?;
        one_set.push((nft(&elsewhere, bench.dir(), N, 1)?.as_secs_f64() * 1e3, ours));
        host.reboot()?;
        rebooted.push((nft(&elsewhere, bench.dir(), N, 1)?.as_secs_f64() * 1e3, started_in()?));
        four_sets.push((nft(&elsewhere, bench.dir(), N, 4)?.as_secs_f64() * 1e3, ours));
    }
    tell(bench, "resident memory, 100,000 rules after a start", memory, 60.0);
    let what = "start with 100,000 rules until it listens; floor: one nft -f, one set";
    bench.add(what, Unit::Milliseconds, &one_set, Some(Bar::AtMost(2.0)));
    bench.add("the same, with nothing in the kernel", Unit::Milliseconds, &rebooted, Some(Bar::AtMost(2.0)));
    bench.add("the same; floor: from and to, in and out: four sets", Unit::Milliseconds, &four_sets, None);
    Ok(())
}

fn tell(bench: &mut Bench, what: &str, memory: Memory, most: f64) {
    let mib = |kib: u64| kib as f64 / 1024.0;
    let row = |what, ours, bar| Row { what, floor: None, ours, unit: Unit::MiB, ratio: None, bar };
    bench.report.add(row(what.to_owned(), mib(memory.resident), Some(Bar::AtMost(most))));
    bench.report.add(row(format!("{what}, proportional"), mib(memory.proportional), None));
}

const N: u32 = 100_000;
const ROUNDS: usize = 5;
