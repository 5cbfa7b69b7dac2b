//! Cost against number of rules, as a plot.

use std::error::Error;
use std::fs;
use std::path::Path;

use oc2_tests_bench::{Curve, Floor, Host, Kind, Plot, Rules, Style, median};

use crate::throughput::{GROUP, add, remove};
use crate::within::{Parts, change};
use crate::{Bench, Outcome, microseconds};

pub(crate) fn run(bench: &mut Bench, out: &Path) -> Outcome {
    if !bench.wants("curve") {
        return Ok(());
    }
    let mut curves = Vec::new();
    for (kind, name) in [(Kind::Address, "ipv4_net"), (Kind::Connection, "ipv4_connection")] {
        let [comes, goes, grouped] = measure(bench, kind)?;
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
        y: "microseconds for each command, answered when it is durable and in force".to_owned(),
        curves,
    };
    let file = out.join("engine.svg");
    fs::write(&file, plot.svg())?;
    eprintln!("The plot is in {}.", file.display());
    Ok(())
}

type Points = Vec<(f64, f64)>;

/// What comes, what goes and what comes by many, by the number of rules. All daemons are there at once and take turns, so that what else
/// the machine does meets all of them.
fn measure(bench: &mut Bench, kind: Kind) -> Result<[Points; 3], Box<dyn Error>> {
    let hosts = COUNTS.iter().map(|_| bench.host()).collect::<Result<Vec<_>, _>>()?;
    let daemons = hosts.iter().map(Host::start).collect::<Result<Vec<_>, _>>()?;
    let mut loads = Vec::new();
    for (daemon, n) in daemons.iter().zip(COUNTS) {
        daemon.hold(Rules { kind, n })?;
        loads.push((daemon.connect(1)?, daemon.connect(GROUP as usize)?));
    }
    let mut next = COUNTS[COUNTS.len() - 1];
    let mut figures = COUNTS.map(|_| [const { Vec::new() }; 3]);
    for _ in 0..ROUNDS {
        for ((one, many), figures) in loads.iter_mut().zip(&mut figures) {
            let (come, gone) = change(one, kind, &mut next);
            let (rate, numbers) = add(many, kind, &mut next, 5 * GROUP);
            remove(many, &numbers);
            figures.iter_mut().zip([come, gone, 1e6 / rate]).for_each(|(figures, figure)| figures.push(figure));
        }
    }
    let points = |which: usize| {
        let medians = figures.iter().map(|figures| median(&figures[which]));
        COUNTS.iter().map(|n| f64::from(*n)).zip(medians).collect()
    };
    Ok([points(0), points(1), points(2)])
}

const ROUNDS: usize = 5;
const COUNTS: [u32; 5] = [10, 100, 1_000, 10_000, 100_000];
