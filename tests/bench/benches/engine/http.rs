//! What a question costs that changes nothing.

use oc2_tests_bench::{Bar, BareServer, Load, Namespace, Unit, median, quantile, query_features};

use crate::{Bench, Outcome, microseconds};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let what = "query features, 32 connections kept; floor: bare hyper, a constant";
    if !bench.wants(what) {
        return Ok(());
    }
    let host = bench.host()?;
    let daemon = host.start()?;
    let mut ours = daemon.connect(CONNECTIONS)?;
    let (_, answer) = ours.ask(query_features);
    let elsewhere = Namespace::new()?;
    let address = "127.0.0.1:8080".parse()?;
    let _bare = BareServer::start(&elsewhere, address, answer.len())?;
    let mut bare = Load::connect(&elsewhere, address, CONNECTIONS)?;
    let question = |_, request: &mut Vec<u8>| query_features(request);
    let (mut rates, mut tails) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (floor, our) = (bare.run(N, question, |_, _| {}), ours.run(N, question, |_, _| {}));
        rates.push((floor.rate(), our.rate()));
        let tail = |times| microseconds(quantile(times, 990));
        tails.push((tail(&floor.times), tail(&our.times)));
    }
    bench.add(what, Unit::PerSecond, &rates, Some(Bar::AtLeast(0.75)));
    bench.add("the same, 99th percentile of latency", Unit::Microseconds, &tails, Some(Bar::AtMost(2.0)));
    eprintln!("    spread of the floor: {:.2}", spread(&rates));
    Ok(())
}

/// How noisy the machine is: the best round of the floor over the one in the middle.
fn spread(rounds: &[(f64, f64)]) -> f64 {
    let floors: Vec<_> = rounds.iter().map(|(floor, _)| *floor).collect();
    floors.iter().copied().fold(0.0, f64::max) / median(&floors)
}

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 15;
/// Questions in a round.
const N: usize = 6400;
