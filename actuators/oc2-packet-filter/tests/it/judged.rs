//! What a list of rules is expanded to says of every packet what the list says.

use std::net::IpAddr;

use oc2_packet_filter::testing::{Scenario, Told, n_cases};
use oc2_packet_filter::{
    Family, Hook, Interface, KernelRule, Mode, Network, Outside, Packet, Ports, Protocol, Ruleset, Verdict, Way,
};

// S1, S6, S8, S17
#[test]
fn rules_of_the_kernel_say_what_the_list_says_for_a_host() {
    check(&Mode::Host);
}

// S1, S6, S8, S17
#[test]
fn rules_of_the_kernel_say_what_the_list_says_for_a_gateway() {
    let interface = |name: &str| -> Interface { name.parse().unwrap() };
    check(&Mode::Gateway(Outside::new(vec![interface("eth0"), interface("ppp0")]).unwrap()));
}

/// Each case is a packet before a list; a list lives for some steps.
fn check(mode: &Mode) {
    let mut n_left = n_cases(50_000);
    let mut n_decided = 0;
    for seed in 0.. {
        let mut scenario = Scenario::new(seed, mode.clone());
        let mut kernel = Ruleset::new();
        for _ in 0..40 {
            match scenario.step() {
                Told::Apply(changes) => kernel.apply(&changes).unwrap(),
                Told::Load(rules) => kernel = rules,
            }
            let reference = scenario.reference();
            for _ in 0..10 {
                let packet = scenario.packet();
                let expected = reference.verdict(&packet);
                assert_eq!(verdict(&kernel, &packet), expected, "{seed}: {packet:?} before {reference:#?}");
                n_decided += u64::from(expected.is_some());
                n_left -= 1;
                if n_left == 0 {
                    assert!(n_decided > n_cases(50_000) / 4, "{n_decided} packets met a rule");
                    return;
                }
            }
        }
    }
}

/// What the first rule of the chain that matches says.
fn verdict(rules: &Ruleset, packet: &Packet) -> Option<Verdict> {
    let (hook, in_interface, out_interface) = match &packet.way {
        Way::In(interface) => (Hook::Input, Some(interface), None),
        Way::Out(interface) => (Hook::Output, None, Some(interface)),
        Way::Through(from, to) => (Hook::Forward, Some(from), Some(to)),
    };
    let is_by = |wanted: &Option<Interface>, by| wanted.is_none() || wanted.as_ref() == by;
    let matches = |rule: &&KernelRule| {
        let matching = rule.matching();
        is_in(matching.source, packet.source)
            && is_in(matching.destination, packet.destination)
            && is_by(&matching.in_interface, in_interface)
            && is_by(&matching.out_interface, out_interface)
            && matching.protocol.is_none_or(|protocol| carries(protocol, packet))
    };
    rules.chain(packet.source.into(), hook).find(matches).map(KernelRule::verdict)
}

fn is_in(network: Option<Network>, address: IpAddr) -> bool {
    network.is_none_or(|network| Network::new(address, network.prefix()) == Ok(network))
}

fn carries(protocol: Protocol, packet: &Packet) -> bool {
    let are = |wanted: Ports| {
        wanted.src_port.is_none_or(|port| packet.ports.is_some_and(|(source, _)| source == port))
            && wanted.dst_port.is_none_or(|port| packet.ports.is_some_and(|(_, destination)| destination == port))
    };
    match (protocol, packet.protocol, Family::from(packet.source)) {
        (Protocol::Tcp(ports), 6, _) | (Protocol::Udp(ports), 17, _) | (Protocol::Sctp(ports), 132, _) => are(ports),
        (Protocol::Icmp(kind), 1, Family::V4) | (Protocol::Icmp(kind), 58, Family::V6) => {
            let src_port = kind.map(|kind| kind.kind().into());
            are(Ports { src_port, dst_port: kind.and_then(|kind| kind.code()).map(u16::from) })
        }
        _ => false,
    }
}
