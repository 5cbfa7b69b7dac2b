//! Cost against number of rules, as a plot.

use std::fs;
use std::path::Path;

use oc2_tests_bench::{Curve, Floor, Kind, Plot, Rules, Style, median};

use crate::throughput::{GROUP, add, remove};
use crate::within::{Parts, change};
use crate::{Bench, Outcome, microseconds};

pub(crate) fn run(bench: &mut Bench, out: &Path) -> Outcome {
    let mut curves = Vec::new();
    for (kind, name) in [(Kind::Address, "ipv4_net"), (Kind::Connection, "ipv4_connection")] {
        let (mut comes, mut goes, mut grouped) = (Vec::new(), Vec::new(), Vec::new());
        for n in COUNTS {
            let host = bench.host()?;
            let daemon = host.start()?;
            daemon.hold(Rules { kind, n })?;
            let mut next = n;
            let (come, gone) = change(&mut daemon.connect(1)?, kind, &mut next);
            let mut load = daemon.connect(GROUP as usize)?;
            let (rate, numbers) = add(&mut load, kind, &mut next, 10 * GROUP);
            remove(&mut load, &numbers);
            let n = f64::from(n);
            comes.push((n, come));
            goes.push((n, gone));
            grouped.push((n, 1e6 / rate));
        }
        let curve = |what: &str, points| Curve { name: what.to_owned(), style: Style::Measured, points };
        curves.push(curve(&format!("deny {name}, 1 in flight"), comes));
        curves.push(curve(&format!("delete of an {name}, 1 in flight"), goes));
        curves.push(curve(&format!("deny {name}, 64 in flight"), grouped));
    }
    let floor = |name: &str, cost| {
        let points = COUNTS.map(|n| (f64::from(n), cost)).to_vec();
        Curve { name: name.to_owned(), style: Style::Floor, points }
    };
    curves.push(floor("floor: fsync + kernel commit + hyper", Parts::new(bench)?.sum(Kind::Address)?));
    let mut groups = Floor::new(bench.dir())?;
    let commits: Result<Vec<_>, _> = (0..50).map(|_| groups.commit(Kind::Address, GROUP).map(microseconds)).collect();
    curves.push(floor("floor: fsync and kernel commit by 64", median(&commits?) / f64::from(GROUP)));
    let plot = Plot {
        title: "What a command costs, by the number of rules in force".to_owned(),
        x: "rules in force".to_owned(),
        y: "microseconds for each command, answered when durable and in force".to_owned(),
        curves,
    };
    let file = out.join("engine.svg");
    fs::write(&file, plot.svg())?;
    eprintln!("The plot is in {}.", file.display());
    Ok(())
}

const COUNTS: [u32; 5] = [10, 100, 1_000, 10_000, 100_000];
