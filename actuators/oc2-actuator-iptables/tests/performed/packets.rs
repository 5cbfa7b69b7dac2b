use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command as Process;
use std::time::{Duration, Instant};

use oc2_actuator_iptables::testing;
use oc2_core::Command;
use oc2_core::types::time;
use oc2_packet_filter::Flavor;
use oc2_profile_slpf::{Allow, Deny, Direction, DropProcess, RuleBuilder, Slpf};

use crate::support::{Firewall, family_of, iptables};

on_every_flavor! {
    // SLPF-023, SLPF-034
    fn a_deny_stops_packets_an_allow_counteracts_it_and_a_delete_undoes_it(flavor) {
        for_both_families(flavor, |firewall, server| {
            connect(server).unwrap();
            let deny = firewall.number(&deny_net(server).build().unwrap());
            assert_eq!(connect(server).unwrap_err().kind(), ErrorKind::TimedOut);
            let allow = firewall.number(&allow_net(server).build().unwrap());
            connect(server).unwrap();
            firewall.send(&Slpf::delete(allow).build().unwrap()).unwrap();
            connect(server).unwrap_err();
            firewall.send(&Slpf::delete(deny).build().unwrap()).unwrap();
            connect(server).unwrap();
        });
    }

    fn a_rule_placed_below_another_does_not_counteract_it(flavor) {
        for_both_families(flavor, |firewall, server| {
            let deny = firewall.number(&deny_net(server).build().unwrap());
            let below = oc2_profile_slpf::RuleNumber::new(deny.as_i64() + 1).unwrap();
            firewall.number(&allow_net(server).insert_rule(below).build().unwrap());
            connect(server).unwrap_err();
        });
    }

    fn a_port_is_denied_and_no_other(flavor) {
        for_both_families(flavor, |firewall, server| {
            let other = listen(server.ip());
            firewall.send(&deny_port(server)).unwrap();
            connect(server).unwrap_err();
            connect(other.local_addr().unwrap()).unwrap();
        });
    }

    fn the_source_of_a_rejected_packet_is_told(flavor) {
        for_both_families(flavor, |firewall, server| {
            for direction in [Direction::Ingress, Direction::Egress, Direction::Both] {
                let deny = deny_net(server).direction(direction).drop_process(DropProcess::Reject);
                let number = firewall.number(&deny.build().unwrap());
                // Over loopback a connection may hear of it with the next packet only, a second later.
                let error = TcpStream::connect_timeout(&server, PATIENCE * 20).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::HostUnreachable, "{direction}");
                firewall.send(&Slpf::delete(number).build().unwrap()).unwrap();
            }
        });
    }

    // SLPF-023, SLPF-024
    fn a_neighbor_whose_packets_are_rejected_is_told(flavor) {
        let Some(neighbor) = Neighbor::new("near", 1) else { return testing::skip("no network of a veth pair") };
        let firewall = Firewall::real(flavor);
        for (target, gateway) in [(r#""ipv4_net":"10.1.0.2""#, "10.1.0.1"), (r#""ipv6_net":"fd01::/16""#, "fd01::1")] {
            assert!(neighbor.reaches(gateway));
            for (drop_process, expected) in [("reject", Told::NoRoute), ("none", Told::Nothing)] {
                let deny = format!(
                    r#"{{"action":"deny","target":{{{target}}},"args":{{"slpf":{{"drop_process":"{drop_process}"}}}}}}"#
                );
                let number = firewall.number(&crate::support::command(&deny));
                assert_eq!(neighbor.connect(gateway, "1.5"), expected, "{deny}");
                firewall.send(&Slpf::delete(number).build().unwrap()).unwrap();
            }
        }
    }

    fn a_rule_ends_with_its_window(flavor) {
        for_both_families(flavor, |firewall, server| {
            let duration = time::Duration::from_millis(400).unwrap();
            firewall.number(&deny_net(server).duration(duration).build().unwrap());
            connect(server).unwrap_err();
            std::thread::sleep(Duration::from_millis(400));
            connect(server).unwrap();
            assert!(firewall.kernel_agrees());
        });
    }

    fn rules_of_others_are_met_by_what_we_do_not_decide_and_survive(flavor) {
        for_both_families(flavor, |firewall, server| {
            let family = family_of(server.ip());
            let theirs = format!("-A INPUT -p tcp -m tcp --dport {} -j DROP", server.port());
            iptables(flavor, family, &theirs);
            connect(server).unwrap_err();
            let allow = firewall.number(&allow_net(server).build().unwrap());
            connect(server).unwrap();
            firewall.send(&Slpf::delete(allow).build().unwrap()).unwrap();
            connect(server).unwrap_err();
            firewall.restart();
            assert!(iptables(flavor, family, "-S INPUT").lines().any(|line| line == theirs));
        });
    }

    fn what_is_uninstalled_leaves_no_trace(flavor) {
        let before = everything(flavor);
        let firewall = Firewall::real(flavor);
        firewall.number(&deny_net((Ipv4Addr::LOCALHOST, 1).into()).build().unwrap());
        firewall.block_on(firewall.actuator().close());
        assert_ne!(everything(flavor), before);
        let config = oc2_packet_filter::Config { flavor, ..Default::default() };
        oc2_actuator_iptables::uninstall(&config, firewall.dir.path()).unwrap();
        assert_eq!(everything(flavor), before);
    }

    /// A kernel may lack the module for ports of SCTP.
    fn what_the_kernel_has_no_means_for_is_unsupported_and_changes_nothing(flavor) {
        let firewall = Firewall::real(flavor);
        firewall.number(&deny_net((Ipv4Addr::LOCALHOST, 1).into()).build().unwrap());
        let sctp = crate::support::command(
            r#"{"action":"deny","target":{"ipv4_connection":{"protocol":"sctp","dst_port":1}}}"#,
        );
        if let Err(refusal) = firewall.send(&sctp) {
            assert_eq!(refusal.status().as_u16(), 501, "{refusal}");
            assert_eq!(refusal.text(), "Rule not updated: the kernel of this host does not take it");
            assert_eq!(firewall.numbers(), [999_990]);
        }
        assert!(firewall.kernel_agrees());
        firewall.number(&deny_net((Ipv6Addr::LOCALHOST, 1).into()).build().unwrap());
        assert!(firewall.kernel_agrees());
    }

    /// Two networks and a gateway between them; what passes through it is told by the outside interface.
    // SLPF-027
    fn a_gateway_filters_what_it_passes_on(flavor) {
        let Some(networks) = Networks::new() else { return testing::skip("no networks of veth pairs") };
        let config = format!("flavor = \"{}\"\nmode = \"gateway\"\noutside = [\"outside\"]", name_of(flavor));
        let firewall = Firewall::open(toml::from_str(&config).unwrap());
        for (inside, outside) in [("10.1.0.2", "10.2.0.2"), ("fd01::2", "fd02::2")] {
            let family = if inside.contains(':') { "ipv6" } else { "ipv4" };
            let deny = |direction: &str| crate::support::command(&format!(
                r#"{{"action":"deny","target":{{"{family}_connection":{{"protocol":"tcp","dst_port":9}}}},
                    "args":{{"slpf":{{"direction":"{direction}"}}}}}}"#,
            ));
            for (direction, outward_passes, inward_passes) in
                [("egress", false, true), ("ingress", true, false), ("both", false, false)]
            {
                assert!(networks.inside.reaches(outside) && networks.outside.reaches(inside), "{family}");
                let number = firewall.number(&deny(direction));
                assert_eq!(networks.inside.reaches(outside), outward_passes, "{family} {direction}");
                assert_eq!(networks.outside.reaches(inside), inward_passes, "{family} {direction}");
                firewall.send(&Slpf::delete(number).build().unwrap()).unwrap();
            }
        }
        assert!(firewall.kernel_agrees());
    }
}

/// With a fresh firewall and a listening socket at each address of this host.
fn for_both_families(flavor: Flavor, check: impl Fn(&mut Firewall, SocketAddr)) {
    if !ip("link set lo up") {
        return testing::skip("iproute2 is not installed");
    }
    for home in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
        let listener = listen(home);
        check(&mut Firewall::real(flavor), listener.local_addr().unwrap());
    }
}

fn listen(home: IpAddr) -> TcpListener {
    TcpListener::bind((home, 0)).unwrap()
}

fn connect(address: SocketAddr) -> io::Result<()> {
    TcpStream::connect_timeout(&address, PATIENCE).map(drop)
}

fn deny_net(server: SocketAddr) -> RuleBuilder<Deny> {
    match server.ip() {
        IpAddr::V4(address) => Slpf::deny(oc2_core::target::Ipv4Net::from(address)),
        IpAddr::V6(address) => Slpf::deny(oc2_core::target::Ipv6Net::from(address)),
    }
}

fn allow_net(server: SocketAddr) -> RuleBuilder<Allow> {
    match server.ip() {
        IpAddr::V4(address) => Slpf::allow(oc2_core::target::Ipv4Net::from(address)),
        IpAddr::V6(address) => Slpf::allow(oc2_core::target::Ipv6Net::from(address)),
    }
}

fn deny_port(server: SocketAddr) -> Command {
    let family = if server.is_ipv4() { "ipv4" } else { "ipv6" };
    let port = server.port();
    crate::support::command(&format!(
        r#"{{"action":"deny","target":{{"{family}_connection":{{"protocol":"tcp","dst_port":{port}}}}}}}"#
    ))
}

fn everything(flavor: Flavor) -> Vec<String> {
    oc2_packet_filter::Family::ALL.map(|family| iptables(flavor, family, "-S")).into()
}

fn name_of(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Auto => "auto",
        Flavor::Nft => "nft",
        Flavor::Legacy => "legacy",
    }
}

pub(crate) fn ip(args: &str) -> bool {
    Process::new("ip").args(args.split(' ')).output().is_ok_and(|output| output.status.success())
}

/// A network inside and one outside; the test's own namespace is the gateway between them.
struct Networks {
    inside: Neighbor,
    outside: Neighbor,
}

impl Networks {
    fn new() -> Option<Self> {
        let networks = Self { inside: Neighbor::new("inside", 1)?, outside: Neighbor::new("outside", 2)? };
        for switch in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            std::fs::write(format!("/proc/sys/net/{switch}"), "1").ok()?;
        }
        Some(networks)
    }
}

/// A host in a namespace of its own, at the other end of a cable.
struct Neighbor(std::process::Child);

impl Neighbor {
    /// Its interface is called `far`, the gateway's `name`; the number of the network is `n`, hosts are 1 (gateway) and 2.
    fn new(name: &str, n: u8) -> Option<Self> {
        let holder = Process::new("unshare").args(["--net", "sleep", "60"]).spawn().ok()?;
        let neighbor = Self(holder);
        let pid = neighbor.0.id();
        let deadline = Instant::now() + Duration::from_secs(5);
        let namespace = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        while namespace(&pid.to_string()) == namespace("self") && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        let is_made = ip(&format!("link add {name} type veth peer name far netns {pid}"))
            && ip(&format!("addr add 10.{n}.0.1/24 dev {name}"))
            && ip(&format!("addr add fd0{n}::1/64 dev {name} nodad"))
            && ip(&format!("link set {name} up"))
            && neighbor.run(&format!("ip addr add 10.{n}.0.2/24 dev far"))
            && neighbor.run(&format!("ip addr add fd0{n}::2/64 dev far nodad"))
            && neighbor.run("ip link set far up")
            && neighbor.run(&format!("ip route add default via 10.{n}.0.1"))
            && neighbor.run(&format!("ip -6 route add default via fd0{n}::1"));
        is_made.then_some(neighbor)
    }

    fn run(&self, command: &str) -> bool {
        let pid = self.0.id().to_string();
        let output = Process::new("nsenter").args(["-t", &pid, "--net"]).args(command.split(' ')).output();
        output.is_ok_and(|output| output.status.success())
    }

    /// Whether packets pass: a host refuses at once.
    fn reaches(&self, host: &str) -> bool {
        self.connect(host, "1") == Told::Refused
    }

    /// What it is told within so many seconds when it connects to a port that nobody listens at. Of an ICMP message it may
    /// hear with the second packet only, a second later.
    fn connect(&self, host: &str, seconds: &str) -> Told {
        let pid = self.0.id().to_string();
        let connect = format!("exec 3<>/dev/tcp/{host}/9");
        let output = Process::new("nsenter")
            .args(["-t", &pid, "--net", "timeout", seconds, "bash", "-c", &connect])
            .output()
            .unwrap();
        match String::from_utf8_lossy(&output.stderr) {
            text if text.contains("refused") => Told::Refused,
            text if text.contains("No route to host") => Told::NoRoute,
            text if text.is_empty() => Told::Nothing,
            text => panic!("{text}"),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Told {
    /// By the host itself: packets pass.
    Refused,
    /// By an ICMP host unreachable.
    NoRoute,
    Nothing,
}

impl Drop for Neighbor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PATIENCE: Duration = Duration::from_millis(200);
