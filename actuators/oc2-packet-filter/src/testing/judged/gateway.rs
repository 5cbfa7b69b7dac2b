use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::run;
use super::sender::Sender;
use super::witness::Witness;
use crate::config::{Mode, Outside};
use crate::reference::{Packet, Way};
use crate::rule::Interface;

/// This namespace as a gateway between four others, each behind an interface of its own.
#[derive(Debug)]
pub(super) struct Gateway {
    witness: Witness,
    neighbors: Vec<Neighbor>,
}

/// Another namespace, which ends with this.
#[derive(Debug)]
struct Neighbor {
    child: Child,
    sender: Sender,
    way: Way,
}

impl Gateway {
    /// The interfaces to the outside are two of the four.
    pub(super) fn mode() -> Mode {
        Mode::Gateway(Outside::new(["eth0", "ppp0"].map(interface).to_vec()).expect("two interfaces"))
    }

    pub(super) fn new() -> Self {
        for (key, value) in [
            ("ipv4/ip_forward", "1"),
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
            ("ipv6/conf/all/forwarding", "1"),
        ] {
            fs::write(format!("/proc/sys/net/{key}"), value).expect("root may say how packets are passed on");
        }
        let neighbors = WAYS.into_iter().zip(1..).map(|((from, to), i)| Neighbor::new(i, from, to)).collect();
        // The interfaces are all there now.
        for ((from, to), i) in WAYS.into_iter().zip(1..) {
            for family in ["-4", "-6"] {
                run("ip", &format!("{family} rule add iif {from} lookup {}", 100 + i));
                run("ip", &format!("{family} route add default dev {to} table {}", 100 + i));
            }
        }
        Self { witness: Witness::of_gateway(), neighbors }
    }

    /// Sends packets from all sides; those that were sent with their numbers and their ways, and the numbers of those that were
    /// passed on.
    pub(super) fn pass_on(&self, packets: Vec<Packet>) -> (Vec<(u16, Packet)>, BTreeSet<u16>) {
        let mut sent = Vec::new();
        for ((id, packet), neighbor) in (1..).zip(packets).zip(self.neighbors.iter().cycle()) {
            if neighbor.sender.send(&packet, id) {
                sent.push((id, Packet { way: neighbor.way.clone(), ..packet }));
            }
        }
        self.wait_for(sent.iter().map(|(id, _)| *id).collect());
        // Those that are sent now arrive when the others have been passed on or stopped.
        let last: Vec<_> = sent.iter().rev().take(2 * self.neighbors.len()).cloned().collect();
        let neighbor_of = |packet: &Packet| self.neighbors.iter().find(|neighbor| neighbor.way == packet.way);
        for ((_, packet), id) in last.iter().zip(FIRST_LAST_ID..) {
            neighbor_of(packet).expect("it came from somewhere").sender.send(packet, id);
        }
        self.wait_for((FIRST_LAST_ID..).take(last.len()).collect());
        self.witness.take("arrived");
        (sent, self.witness.take("passed"))
    }

    fn wait_for(&self, ids: BTreeSet<u16>) {
        let deadline = Instant::now() + PATIENCE;
        while !self.witness.look("arrived").is_superset(&ids) {
            assert!(Instant::now() < deadline, "packets do not arrive");
        }
    }
}

impl Neighbor {
    fn new(i: u8, from: &str, to: &str) -> Self {
        let child = Command::new("unshare")
            .args(["--net", "cat"])
            .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is unshare");
        let pid = child.id();
        let namespace = |pid: &str| fs::read_link(PathBuf::from(format!("/proc/{pid}/ns/net"))).ok();
        let deadline = Instant::now() + PATIENCE;
        while namespace(&pid.to_string()) == namespace("self") {
            assert!(Instant::now() < deadline, "no other namespace");
            thread::yield_now();
        }
        let (here, there) = (format!("02:00:00:00:00:{i:02}"), format!("02:00:00:00:01:{i:02}"));
        run("ip", &format!("link add {from} address {here} type veth peer name far address {there} netns {pid}"));
        run("ip", &format!("addr add 10.9.{i}.1/30 dev {from}"));
        run("ip", &format!("addr add fd09:{i}::1/64 dev {from} nodad"));
        run("ip", &format!("link set {from} up"));
        // No packet is needed to find a neighbor, so no rule keeps it from being found.
        for command in [
            "link set far up".to_owned(),
            format!("addr add 10.9.{i}.2/30 dev far"),
            format!("addr add fd09:{i}::2/64 dev far nodad"),
            format!("neigh replace 10.9.{i}.1 lladdr {here} dev far nud permanent"),
            format!("neigh replace fd09:{i}::1 lladdr {here} dev far nud permanent"),
            format!("route add default via 10.9.{i}.1"),
            format!("-6 route add default via fd09:{i}::1"),
        ] {
            run("nsenter", &format!("--net=/proc/{pid}/ns/net ip {command}"));
        }
        let way = Way::Through(interface(from), interface(to));
        Self { child, sender: sender_in(pid), way }
    }
}

impl Drop for Neighbor {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A socket stays where it was opened; a thread of its own goes there and ends.
fn sender_in(pid: u32) -> Sender {
    let open = move || {
        let namespace = File::open(format!("/proc/{pid}/ns/net")).expect("it is ours");
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may go there");
        Sender::new()
    };
    thread::spawn(open).join().expect("it got a socket")
}

fn interface(name: &str) -> Interface {
    name.parse().expect("a name")
}

/// From which interface to which: from outside in, from inside out, from outside to outside, and inside.
const WAYS: [(&str, &str); 4] = [("eth0", "eth9"), ("eth9", "ppp0"), ("ppp0", "eth0"), ("eth8", "eth9")];
const FIRST_LAST_ID: u16 = 1000;
const PATIENCE: Duration = Duration::from_secs(20);
