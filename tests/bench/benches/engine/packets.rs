//! What a packet costs on its way through the rules.

use std::net::UdpSocket;
use std::time::Instant;

use oc2_tests_bench::{Bar, Host, Kind, Namespace, Rules, Unit};

use crate::{Bench, Outcome, microseconds};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let what = "a packet through namespaces, 10,000 address rules; floor: with none";
    if !bench.wants(what) {
        return Ok(());
    }
    let (few, many) = (bench.host()?, bench.host()?);
    let (_one, other) = (few.start()?, many.start()?);
    other.hold(Rules { kind: Kind::Address, n: 10_000 })?;
    let (mut few, mut many) = (Wire::to(&few)?, Wire::to(&many)?);
    let rounds: Vec<_> = (0..ROUNDS).map(|_| (few.round(), many.round())).collect();
    bench.add(what, Unit::Microseconds, &rounds, Some(Bar::AtMost(1.1)));
    Ok(())
}

/// A host behind a wire, and somebody on it who answers.
struct Wire {
    peer: UdpSocket,
    server: UdpSocket,
    _elsewhere: Namespace,
}

impl Wire {
    fn to(host: &Host) -> std::io::Result<Self> {
        let elsewhere = Namespace::new()?;
        host.namespace.join(&elsewhere);
        let server = host.namespace.run(|| UdpSocket::bind("192.0.2.1:0"))?;
        let peer = elsewhere.run(|| UdpSocket::bind("192.0.2.2:0"))?;
        peer.connect(server.local_addr()?)?;
        server.connect(peer.local_addr()?)?;
        Ok(Self { peer, server, _elsewhere: elsewhere })
    }

    /// What one packet takes, in microseconds: in and out by turns.
    fn round(&mut self) -> f64 {
        let began = Instant::now();
        for _ in 0..N {
            for (from, to) in [(&self.peer, &self.server), (&self.server, &self.peer)] {
                from.send(b"?").expect("no rule is about it");
                to.recv(&mut [0]).expect("no rule is about it");
            }
        }
        microseconds(began.elapsed()) / f64::from(2 * N)
    }
}

const ROUNDS: usize = 41;
const N: u32 = 2000;
