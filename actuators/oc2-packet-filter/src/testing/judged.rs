//! Back ends before the judge, with a real kernel: random lists live in it, packets meet them, and each packet passes where the
//! [`Reference`](crate::Reference) says so, and nowhere else.
//!
//! To be called in a namespace ([`in_namespace_with`](super::in_namespace_with)) with `ip` and `nft`, which notes the packets that
//! come through, whatever back end is judged.

mod gateway;
mod sender;
mod witness;

use crate::backend::Backend;
use crate::config::Mode;
use crate::reference::{Packet, Reference, Way};
use crate::rule::Verdict;
use crate::ruleset::Ruleset;

use super::{Scenario, Told};
use gateway::Gateway;
use sender::{Sender, is_fragment, is_of_anybody};
use witness::Witness;

/// Judges so many lists by packets that a host sends to itself: every address is one of this host.
///
/// # Panics
/// A packet passes that should not, or one does not that should; or something is missing here.
pub fn on_loopback(n_lists: u64, mut open: impl FnMut() -> Box<dyn Backend>) {
    for command in ["link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"] {
        run("ip", command);
    }
    let (witness, sender) = (Witness::of_host(), Sender::new());
    let tally = each_list(n_lists, &Mode::Host, &mut open, |scenario, tally| {
        let packets: Vec<_> = (0..200).map(|_| scenario.packet()).collect();
        let sent: Vec<_> = (1..).zip(packets).filter(|(id, packet)| sender.send(packet, *id)).collect();
        let (out, into) = (witness.take("out"), witness.take("in"));
        let reference = scenario.reference();
        for (id, packet) in sent {
            let lo = || "lo".parse().expect("a name");
            let (goes_out, comes_in) =
                (passes(&reference, &packet, Way::Out(lo())), passes(&reference, &packet, Way::In(lo())));
            assert_eq!(
                out.contains(&id),
                goes_out,
                "out: {packet:?} before {reference:#?}\n{}",
                run("nft", "list ruleset")
            );
            // Fragments are put together before they come in, and not from everywhere may packets come.
            if !is_fragment(&packet) && is_of_anybody(packet.source) && is_of_anybody(packet.destination) {
                let comes = goes_out && comes_in;
                assert_eq!(
                    into.contains(&id),
                    comes,
                    "in: {packet:?} before {reference:#?}\n{}",
                    run("nft", "list ruleset")
                );
            }
            tally.count(goes_out && comes_in);
        }
    });
    tally.is_telling();
}

/// Judges so many lists by packets that come to a gateway from other namespaces, by links of their own, and are passed on.
///
/// # Panics
/// As [`on_loopback`].
pub fn through_a_gateway(n_lists: u64, mut open: impl FnMut() -> Box<dyn Backend>) {
    let gateway = Gateway::new();
    let tally = each_list(n_lists, &Gateway::mode(), &mut open, |scenario, tally| {
        let packets: Vec<_> = std::iter::repeat_with(|| scenario.packet())
            .filter(|packet| is_of_anybody(packet.source) && is_of_anybody(packet.destination))
            .take(100)
            .collect();
        let reference = scenario.reference();
        let (sent, seen) = gateway.pass_on(packets);
        for (id, packet) in sent {
            let is_passed = passes(&reference, &packet, packet.way.clone());
            assert_eq!(
                seen.contains(&id),
                is_passed,
                "{packet:?} before {reference:#?}\n{}",
                run("nft", "list ruleset")
            );
            tally.count(is_passed);
        }
    });
    tally.is_telling();
}

/// How it went.
#[derive(Debug, Default)]
struct Tally {
    n_judged: usize,
    n_stopped: usize,
}

impl Tally {
    fn count(&mut self, is_passed: bool) {
        self.n_judged += 1;
        self.n_stopped += usize::from(!is_passed);
    }

    fn is_telling(&self) {
        println!("{} packets, {} stopped", self.n_judged, self.n_stopped);
        assert!(self.n_judged > 500 && self.n_stopped > self.n_judged / 5, "{self:?}");
    }
}

/// A list lives for some steps, and is judged after each of the last.
fn each_list(
    n_lists: u64,
    mode: &Mode,
    open: &mut dyn FnMut() -> Box<dyn Backend>,
    mut judge: impl FnMut(&mut Scenario, &mut Tally),
) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..n_lists {
        let mut scenario = Scenario::new(seed, mode.clone());
        let mut backend = open();
        backend.load(&Ruleset::new()).expect("the kernel takes no rules");
        for step in 0..30 {
            match scenario.step() {
                Told::Apply(changes) => backend.apply(&changes),
                Told::Load(rules) => backend.load(&rules),
            }
            .expect("the kernel takes the rules");
            if step >= 26 {
                judge(&mut scenario, &mut tally);
            }
        }
        assert!(backend.holds(&scenario.ruleset()).expect("the kernel says what it holds"), "{seed}");
    }
    tally
}

fn passes(reference: &Reference, packet: &Packet, way: Way) -> bool {
    matches!(reference.verdict(&Packet { way, ..packet.clone() }), None | Some(Verdict::Accept))
}

/// What a tool says that must not fail.
fn run(tool: &str, args: &str) -> String {
    let mut command = std::process::Command::new(tool);
    let output = command.args(args.split(' ')).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").output();
    let output = output.unwrap_or_else(|error| panic!("{tool} is not installed: {error}"));
    assert!(output.status.success(), "{tool} {args}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
