//! Commands, and what they do to packets.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use oc2_actuator::{AnyActuator, testing};
use oc2_core::shape::read::{Context, Read};
use oc2_core::{Command, Mode};
use oc2_packet_filter::{Config, Drift, PacketFilter};
use oc2_profile_slpf::{Results, RuleNumber, Slpf};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::{ip, nft};

in_namespace! {
    // SLPF-023, SLPF-024, SLPF-027, S1, S6, S7
    fn what_is_denied_is_stopped_and_what_is_allowed_above_it_passes() {
        let mut host = Host::new();
        for home in HOMES {
            let [net, connection] = match home {
                IpAddr::V4(_) => ["ipv4_net", "ipv4_connection"],
                IpAddr::V6(_) => ["ipv6_net", "ipv6_connection"],
            };
            let (from, to) = pair(home);
            let port = to.local_addr().unwrap().port();
            assert!(arrives(&from, &to), "{home}");
            let denied = host.number(&format!(r#"{{"action":"deny","target":{{"{net}":"{home}"}}}}"#));
            assert!(!arrives(&from, &to), "{home}");
            let target = format!(r#"{{"{connection}":{{"dst_port":{port},"protocol":"udp"}}}}"#);
            let allowed = host.number(&format!(r#"{{"action":"allow","target":{target}}}"#));
            assert!(arrives(&from, &to), "{home}: the newer rule comes first");
            host.delete(allowed);
            assert!(!arrives(&from, &to), "{home}");
            host.delete(denied);
            assert!(arrives(&from, &to), "{home}");
            for direction in ["ingress", "egress"] {
                // Maps in which nothing is left stay until then.
                host.restart();
                let number = host.number(&format!(
                    r#"{{"action":"deny","target":{target},"args":{{"slpf":{{"direction":"{direction}"}}}}}}"#
                ));
                let chains = ["in", "out"].map(|way| nft(&format!("list chain inet openc2 {way}{}-decide", if home.is_ipv4() { 4 } else { 6 })));
                assert_eq!(chains.map(|chain| chain.contains("port-protocols")), [direction == "ingress", direction == "egress"]);
                assert!(!arrives(&from, &to), "{home} {direction}");
                host.delete(number);
            }
            assert!(host.agrees());
        }
    }

    /// On loopback the message comes while connect still owns the socket, so it counts from the second SYN on, after a
    /// second.
    // S7, S17
    fn who_is_rejected_is_told_and_who_is_dropped_is_not() {
        let host = Host::new();
        for home in HOMES {
            let net = if home.is_ipv4() { "ipv4_net" } else { "ipv6_net" };
            for (drop_process, is_told) in [("reject", true), ("none", false)] {
                // On the way out the sender is told by the call itself.
                let number = host.number(&format!(
                    r#"{{"action":"deny","target":{{"{net}":"{home}"}},
                        "args":{{"slpf":{{"drop_process":"{drop_process}","direction":"ingress"}}}}}}"#
                ));
                let listener = TcpListener::bind((home, 0)).unwrap();
                let error = TcpStream::connect_timeout(&listener.local_addr().unwrap(), 10 * PATIENCE).unwrap_err();
                let expected = if is_told { ErrorKind::HostUnreachable } else { ErrorKind::TimedOut };
                assert_eq!(error.kind(), expected, "{home} {drop_process}");
                host.delete(number);
            }
        }
    }

    // S12
    fn a_restart_brings_back_what_is_persistent() {
        let mut host = Host::new();
        let (from, to) = pair(HOMES[0]);
        let deny = |persistent: bool, port: u16| {
            let target = format!(r#"{{"ipv4_connection":{{"dst_port":{port},"protocol":"udp"}}}}"#);
            format!(r#"{{"action":"deny","target":{target},"args":{{"slpf":{{"persistent":{persistent}}}}}}}"#)
        };
        let port = to.local_addr().unwrap().port();
        host.number(&deny(true, port));
        host.number(&deny(false, 9));
        assert!(!arrives(&from, &to));
        host.firewall = None;
        nft("delete table inet openc2");
        assert!(arrives(&from, &to));
        host.restart();
        assert!(!arrives(&from, &to));
        assert!(host.agrees());
        assert_eq!(host.runtime.block_on(host.firewall().rules()).unwrap().len(), 1);
        host.firewall = None;
        oc2_actuator_nftables::uninstall(&Config::default(), host.dir.path()).unwrap();
        assert_eq!(nft("list tables"), "");
    }

    fn what_others_do_in_our_table_is_noticed_and_mended() {
        let host = Host::new();
        let (from, to) = pair(HOMES[0]);
        host.number(r#"{"action":"deny","target":{"ipv4_net":"127.0.0.1"}}"#);
        for (n, foreign) in (1..).zip(["flush ruleset", "flush map inet openc2 in4-from32", "insert rule inet openc2 input accept"]) {
            nft(foreign);
            host.wait_until(|host| host.firewall().n_drifts() == n && host.agrees());
            assert!(!arrives(&from, &to), "{foreign}");
        }
        nft("add table inet foreign");
        host.number(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}"#);
        assert_eq!(host.firewall().n_drifts(), 3, "neither what others do elsewhere nor what we do counts");
    }

    /// The next command that meets it puts everything right.
    fn what_others_do_is_left_if_the_operator_says_so() {
        let mut host = Host::new();
        host.restart_with(Config { drift: Drift::Leave, ..Config::default() });
        let (from, to) = pair(HOMES[0]);
        host.number(r#"{"action":"deny","target":{"ipv4_net":"127.0.0.1"}}"#);
        nft("flush ruleset");
        host.wait_until(|host| host.firewall().n_drifts() == 1);
        assert!(arrives(&from, &to));
        host.number(r#"{"action":"deny","target":{"ipv6_net":"2001:db8::1"}}"#);
        assert!(!arrives(&from, &to));
        assert!(host.agrees());
    }
}

/// An actuator on a host that is alone in the world.
struct Host {
    dir: TempDir,
    firewall: Option<PacketFilter>,
    runtime: Runtime,
}

impl Host {
    fn new() -> Self {
        ip("link set lo up");
        let dir = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut host = Self { dir, firewall: None, runtime };
        host.restart();
        host
    }

    fn restart(&mut self) {
        self.restart_with(Config::default());
    }

    fn restart_with(&mut self, config: Config) {
        self.firewall = None;
        self.firewall = Some(oc2_actuator_nftables::open(config, self.dir.path()).unwrap());
    }

    fn firewall(&self) -> &PacketFilter {
        self.firewall.as_ref().unwrap()
    }

    fn wait_until(&self, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_so(self) {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn send(&self, command: &Command) -> oc2_actuator::Outcome {
        let any = AnyActuator::new(self.firewall().clone());
        self.runtime.block_on(testing::perform(&any, command))
    }

    /// The number of the rule that a command makes.
    fn number(&self, json: &str) -> RuleNumber {
        let command = Command::read(&mut Context::new(Mode::Strict), &mut serde_json::Deserializer::from_str(json));
        let results = self.send(&command.unwrap()).unwrap().unwrap().of::<Results>().unwrap();
        results.rule_number.unwrap()
    }

    fn delete(&self, number: RuleNumber) {
        self.send(&Slpf::delete(number).build().unwrap()).unwrap();
    }

    fn agrees(&self) -> bool {
        self.runtime.block_on(self.firewall.as_ref().unwrap().kernel_agrees()).unwrap()
    }
}

/// A socket that sends to the other.
fn pair(home: IpAddr) -> (UdpSocket, UdpSocket) {
    let open = || {
        let socket = UdpSocket::bind(SocketAddr::new(home, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    };
    let (from, to) = (open(), open());
    from.connect(to.local_addr().unwrap()).unwrap();
    (from, to)
}

fn arrives(from: &UdpSocket, to: &UdpSocket) -> bool {
    // Who is stopped on the way out is told so, and who was rejected before is told now.
    let _ = from.send(b"?");
    to.recv(&mut [0]).is_ok()
}

const HOMES: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// What goes over the loopback is there when the call that sends it returns.
const PATIENCE: Duration = Duration::from_millis(200);
