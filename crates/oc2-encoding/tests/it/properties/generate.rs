//! Values of every type of LS 3.3 and 3.4, of the message around them and of three profiles, by the ways that a program has to
//! make them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use oc2_core::message::Recipients;
use oc2_core::response::{Pairs, Profiles, RateLimit, Versions};
use oc2_core::target::{
    Artifact, Device, File, Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net, Process, Properties, TargetKind,
};
use oc2_core::types::hashes::{Hash, Hashes};
use oc2_core::types::mac::MacAddr;
use oc2_core::types::payload::{Binary, Payload};
use oc2_core::types::port::{L4Protocol, Port};
use oc2_core::types::text::{
    CommandId, DomainName, EmailAddr, Hostname, IdnDomainName, IdnEmailAddr, IdnHostname, Iri, RequestId, Uri, Version,
};
use oc2_core::types::time::{DateTime, Duration};
use oc2_core::{
    Action, Actuator, Args, Command, Feature, Features, Headers, Message, Nsid, Pair, Profile, Response, ResponseType,
    Results, StatusCode, Target, TargetName,
};
use oc2_profile_slpf::{self as slpf, AssetTuple, Direction, DropProcess, Host, RuleNumber, Slpf};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::profiles::{Acme, Blinky, types};

/// The largest integer that every peer can represent.
const MAX: i64 = (1 << 53) - 1;

/// Requests and responses, every part of a profile typed.
pub(crate) fn message() -> BoxedStrategy<Message> {
    let content = prop_oneof![
        command().prop_map(|command| Message::request(Headers::default(), command)),
        response().prop_map(|response| Message::response(Headers::default(), response)),
    ];
    (headers(), content, option::weighted(0.2, text()))
        .prop_map(|(headers, message, signature)| Message { headers, signature, ..message })
        .boxed()
}

fn headers() -> BoxedStrategy<Headers> {
    let from = text().prop_filter("no control characters", |text| !text.chars().any(char::is_control));
    let to = vec(text(), 1..3).prop_map(|to| Recipients::new(to).expect("one at least"));
    let parts = (option::of(request_id()), option::of(time()), option::of(from), option::of(to));
    parts
        .prop_map(|(request_id, created, from, to)| {
            let mut headers = Headers::builder();
            if let Some(request_id) = request_id {
                headers = headers.request_id(request_id);
            }
            if let Some(created) = created {
                headers = headers.created(created);
            }
            if let Some(from) = from {
                headers = headers.from(from);
            }
            if let Some(to) = to {
                headers = headers.to(to);
            }
            headers.build().expect("headers")
        })
        .boxed()
}

pub(crate) fn command() -> BoxedStrategy<Command> {
    (select(Action::ALL), target(), args(), option::of(actuator()), option::of(command_id()))
        .prop_map(|(action, target, args, actuator, command_id)| Command {
            actuator,
            command_id,
            ..Command::new(action, target).with_args(args)
        })
        .boxed()
}

pub(crate) fn response() -> BoxedStrategy<Response> {
    (select(StatusCode::ALL), option::of(text()), results())
        .prop_map(|(status, status_text, results)| Response {
            status_text,
            ..Response::new(status).with_results(results)
        })
        .boxed()
}

fn target() -> BoxedStrategy<Target> {
    prop_oneof![
        artifact().prop_map(Target::from),
        command_id().prop_map(Target::Command),
        device().prop_map(Target::from),
        hostname().prop_map(|name| Target::DomainName(DomainName::new(&name).expect("a domain name"))),
        select(EMAILS).prop_map(|email| Target::EmailAddr(EmailAddr::new(email).expect("an address"))),
        vec(select(Feature::ALL), 0..5).prop_map(|features| Target::Features(Features::from_iter(features))),
        file().prop_map(Target::from),
        idn().prop_map(|name| Target::IdnDomainName(IdnDomainName::new(&name).expect("a domain name"))),
        select(IDN_EMAILS).prop_map(|email| Target::IdnEmailAddr(IdnEmailAddr::new(email).expect("an address"))),
        ipv4_net().prop_map(Target::Ipv4Net),
        ipv6_net().prop_map(Target::Ipv6Net),
        ipv4_connection().prop_map(Target::from),
        ipv6_connection().prop_map(Target::from),
        mac_addr().prop_map(Target::MacAddr),
        process(3).prop_map(Target::from),
        uri().prop_map(Target::Uri),
        select(IRIS).prop_map(|iri| Target::Iri(Iri::new(iri).expect("an IRI"))),
        properties().prop_map(Target::Properties),
        rule_number().prop_map(|number| extended::<Slpf>(slpf::Target::RuleNumber(number))),
        own_target().prop_map(extended::<Blinky>),
        own_target().prop_map(extended::<Acme>),
    ]
    .boxed()
}

fn extended<P: Profile>(target: P::Target) -> Target {
    Target::extended::<P>(target).expect("a row of the table")
}

fn own_target() -> BoxedStrategy<types::Target> {
    prop_oneof![led().prop_map(types::Target::Led), any::<u16>().prop_map(|port| types::Target::Port(Port(port)))]
        .boxed()
}

fn led() -> BoxedStrategy<types::Led> {
    (option::of(text()), option::of(any::<bool>()), option::of(integer()))
        .prop_map(|(color, is_on, level)| types::Led { color, is_on, level })
        .boxed()
}

fn args() -> BoxedStrategy<Args> {
    let times = prop_oneof![
        Just((None, None, None)),
        (option::of(early()), Just(None), option::of(short())),
        (option::of(early()), late().prop_map(Some), Just(None)),
        (Just(None), late().prop_map(Some), option::of(short())),
    ];
    let response = option::of(select(ResponseType::ALL));
    let profiles = (option::of(slpf_args()), option::weighted(0.2, own_args()), option::weighted(0.2, own_args()));
    (times, response, profiles)
        .prop_map(|((start, stop, duration), response, (slpf, blinky, acme))| {
            let mut args = Args::builder();
            if let Some(start) = start {
                args = args.start_time(start);
            }
            if let Some(stop) = stop {
                args = args.stop_time(stop);
            }
            if let Some(duration) = duration {
                args = args.duration(duration);
            }
            if let Some(response) = response {
                args = args.response_requested(response);
            }
            if let Some(acme) = acme {
                args = args.set::<Acme>(acme);
            }
            if let Some(slpf) = slpf {
                args = args.set::<Slpf>(slpf);
            }
            if let Some(blinky) = blinky {
                args = args.set::<Blinky>(blinky);
            }
            args.build().expect("arguments")
        })
        .boxed()
}

fn slpf_args() -> BoxedStrategy<slpf::Args> {
    let parts = (
        option::of(select(DropProcess::ALL)),
        option::of(any::<bool>()),
        option::of(select(Direction::ALL)),
        option::of(rule_number()),
    );
    parts
        .prop_map(|(drop_process, persistent, direction, insert_rule)| slpf::Args {
            drop_process,
            persistent,
            direction,
            insert_rule,
        })
        .boxed()
}

fn own_args() -> BoxedStrategy<types::Args> {
    (option::of(led()), option::of(any::<u16>().prop_map(Port)))
        .prop_map(|(led, port)| types::Args { led, port })
        .boxed()
}

fn actuator() -> BoxedStrategy<Actuator> {
    let room = || option::of(text()).prop_map(|room| types::Specifiers { room });
    prop_oneof![
        specifiers().prop_map(Actuator::new::<Slpf>),
        room().prop_map(Actuator::new::<Blinky>),
        room().prop_map(Actuator::new::<Acme>),
    ]
    .boxed()
}

fn specifiers() -> BoxedStrategy<slpf::Specifiers> {
    let host = prop_oneof![
        hostname().prop_map(|name| name.parse::<Host>().expect("a host")),
        any::<Ipv4Addr>().prop_map(|addr| Host::Addr(IpAddr::V4(addr))),
        any::<Ipv6Addr>().prop_map(|addr| Host::Addr(IpAddr::V6(addr))),
    ];
    let tuple = vec(text(), 1..11).prop_map(|texts| AssetTuple::new(texts).expect("1 to 10"));
    (option::of(host), option::of(text()), option::of(text()), option::of(tuple))
        .prop_map(|(hostname, named_group, asset_id, asset_tuple)| slpf::Specifiers {
            hostname,
            named_group,
            asset_id,
            asset_tuple,
        })
        .boxed()
}

fn results() -> BoxedStrategy<Results> {
    let versions = vec(select(&["1.0", "2.0", "x", "1234567890123456"][..]), 1..4).prop_map(|mut versions| {
        versions.sort_unstable();
        versions.dedup();
        let versions = versions.into_iter().map(|version| Version::new(version).expect("a version")).collect();
        Versions::new(versions).expect("versions")
    });
    let profiles = vec(nsid(), 1..4).prop_map(|profiles| Profiles::new(profiles).expect("profiles"));
    let limit = prop_oneof![
        (0..=MAX).prop_map(|limit| limit as f64),
        (0.0..1e9_f64),
        Just(0.0),
        Just(f64::MIN_POSITIVE),
        Just(f64::from(f32::MIN_POSITIVE)),
    ];
    let own = || {
        option::weighted(
            0.2,
            vec(led(), 0..3).prop_map(|leds| types::Results { leds: Some(leds), ..types::Results::default() }),
        )
    };
    let slpf = option::of(
        option::of(rule_number()).prop_map(|rule_number| slpf::Results { rule_number, ..slpf::Results::default() }),
    );
    let parts = (option::of(versions), option::of(profiles), option::of(pairs()), option::of(limit));
    (parts, slpf, own(), own())
        .prop_map(|((versions, profiles, pairs, limit), slpf, blinky, acme)| {
            let mut results = Results::builder();
            if let Some(versions) = versions {
                results = results.versions(versions);
            }
            if let Some(profiles) = profiles {
                results = results.profiles(profiles);
            }
            if let Some(pairs) = pairs {
                results = results.pairs(pairs);
            }
            if let Some(limit) = limit {
                results = results.rate_limit(RateLimit::new(limit).expect("a limit"));
            }
            if let Some(acme) = acme {
                results = results.set::<Acme>(acme);
            }
            if let Some(blinky) = blinky {
                results = results.set::<Blinky>(blinky);
            }
            if let Some(slpf) = slpf {
                results = results.set::<Slpf>(slpf);
            }
            results.build().expect("results")
        })
        .boxed()
}

fn pairs() -> BoxedStrategy<Pairs> {
    let extended = select(&["slpf:rule_number", "x-acme:led", "pf:advanced_connection", "blinky:led", "th:a"][..]);
    let target = prop_oneof![
        select(TargetKind::ALL).prop_map(TargetName::Standard),
        extended.prop_map(|name| name.parse().expect("a target")),
    ];
    vec((select(Action::ALL), target), 1..12)
        .prop_map(|pairs| Pairs::new(pairs.into_iter().map(|(action, target)| Pair { action, target })).expect("pairs"))
        .boxed()
}

/// Every profile of the registry, and others.
fn nsid() -> BoxedStrategy<Nsid> {
    let registered = &["slpf", "sfpf", "sbom", "er", "hop", "pf", "pac", "hunt", "th", "blinky", "x-acme", "7", "1024"];
    select(&registered[..]).prop_map(|nsid| nsid.parse().expect("an identifier")).boxed()
}

fn artifact() -> BoxedStrategy<Artifact> {
    let payload = prop_oneof![
        vec(any::<u8>(), 0..20).prop_map(|octets| Payload::Bin(Binary(octets))),
        uri().prop_map(Payload::Url),
    ];
    (option::of(text()), option::of(payload), option::of(hashes()))
        .prop_filter_map("one at least", |(mime_type, payload, hashes)| {
            let mut artifact = Artifact::builder();
            if let Some(mime_type) = mime_type {
                artifact = artifact.mime_type(mime_type);
            }
            if let Some(payload) = payload {
                artifact = artifact.payload(payload);
            }
            if let Some(hashes) = hashes {
                artifact = artifact.hashes(hashes);
            }
            artifact.build().ok()
        })
        .boxed()
}

fn hashes() -> BoxedStrategy<Hashes> {
    let sha1 = vec(any::<u8>(), 20).prop_map(|octets| Hash::<20>(octets.try_into().expect("20 octets")));
    (option::of(any::<[u8; 16]>().prop_map(Hash)), option::of(sha1), option::of(any::<[u8; 32]>().prop_map(Hash)))
        .prop_filter_map("one at least", |(md5, sha1, sha256)| {
            let mut hashes = Hashes::builder();
            if let Some(md5) = md5 {
                hashes = hashes.md5(md5);
            }
            if let Some(sha1) = sha1 {
                hashes = hashes.sha1(sha1);
            }
            if let Some(sha256) = sha256 {
                hashes = hashes.sha256(sha256);
            }
            hashes.build().ok()
        })
        .boxed()
}

fn device() -> BoxedStrategy<Device> {
    (option::of(hostname()), option::of(idn()), option::of(text()))
        .prop_filter_map("one at least", |(hostname, idn_hostname, device_id)| {
            let mut device = Device::builder();
            if let Some(hostname) = hostname {
                device = device.hostname(Hostname::new(&hostname).expect("a hostname"));
            }
            if let Some(idn_hostname) = idn_hostname {
                device = device.idn_hostname(IdnHostname::new(&idn_hostname).expect("a hostname"));
            }
            if let Some(device_id) = device_id {
                device = device.device_id(device_id);
            }
            device.build().ok()
        })
        .boxed()
}

fn file() -> BoxedStrategy<File> {
    (option::of(text()), option::of(text()), option::of(hashes()))
        .prop_filter_map("one at least", |(name, path, hashes)| {
            let mut file = File::builder();
            if let Some(name) = name {
                file = file.name(name);
            }
            if let Some(path) = path {
                file = file.path(path);
            }
            if let Some(hashes) = hashes {
                file = file.hashes(hashes);
            }
            file.build().ok()
        })
        .boxed()
}

fn process(n_generations: u32) -> BoxedStrategy<Process> {
    let parent = match n_generations {
        0 => Just(None).boxed(),
        n => option::weighted(0.4, process(n - 1)).boxed(),
    };
    let texts = (option::of(text()), option::of(text()), option::of(text()));
    (option::of(any::<u32>()), texts, option::weighted(0.3, file()), parent)
        .prop_filter_map("one at least", |(pid, (name, cwd, command_line), executable, parent)| {
            let mut process = Process::builder();
            if let Some(pid) = pid {
                process = process.pid(pid);
            }
            if let Some(name) = name {
                process = process.name(name);
            }
            if let Some(cwd) = cwd {
                process = process.cwd(cwd);
            }
            if let Some(command_line) = command_line {
                process = process.command_line(command_line);
            }
            if let Some(executable) = executable {
                process = process.executable(executable);
            }
            if let Some(parent) = parent {
                process = process.parent(parent);
            }
            process.build().ok()
        })
        .boxed()
}

fn properties() -> BoxedStrategy<Properties> {
    vec(text(), 1..4)
        .prop_map(|mut names| {
            names.sort_unstable();
            names.dedup();
            Properties::new(names).expect("properties")
        })
        .boxed()
}

fn mac_addr() -> BoxedStrategy<MacAddr> {
    prop_oneof![any::<[u8; 6]>().prop_map(MacAddr::Eui48), any::<[u8; 8]>().prop_map(MacAddr::Eui64)].boxed()
}

fn ipv4_net() -> BoxedStrategy<Ipv4Net> {
    let net = (any::<Ipv4Addr>(), 0..33_u8).prop_map(|(addr, prefix)| Ipv4Net::new(addr, prefix).expect("a net"));
    prop_oneof![any::<Ipv4Addr>().prop_map(Ipv4Net::from), net].boxed()
}

fn ipv6_net() -> BoxedStrategy<Ipv6Net> {
    let net = (any::<Ipv6Addr>(), 0..129_u8).prop_map(|(addr, prefix)| Ipv6Net::new(addr, prefix).expect("a net"));
    let short = (0..8_u16, 0..2_u16).prop_map(|(a, b)| Ipv6Addr::new(0x2001, 0xdb8, 0, b, 0, 0, 0, a));
    let mapped = any::<Ipv4Addr>().prop_map(|addr| addr.to_ipv6_mapped());
    prop_oneof![
        any::<Ipv6Addr>().prop_map(Ipv6Net::from),
        short.prop_map(Ipv6Net::from),
        mapped.prop_map(Ipv6Net::from),
        net
    ]
    .boxed()
}

macro_rules! connection {
    ($name:ident, $ty:ident, $net:ident) => {
        fn $name() -> BoxedStrategy<$ty> {
            let port = || option::of(any::<u16>());
            (option::of($net()), port(), option::of($net()), port(), option::of(select(L4Protocol::ALL)))
                .prop_filter_map("one at least", |(src_addr, src_port, dst_addr, dst_port, protocol)| {
                    let mut connection = $ty::builder();
                    if let Some(src_addr) = src_addr {
                        connection = connection.src_addr(src_addr);
                    }
                    if let Some(src_port) = src_port {
                        connection = connection.src_port(src_port);
                    }
                    if let Some(dst_addr) = dst_addr {
                        connection = connection.dst_addr(dst_addr);
                    }
                    if let Some(dst_port) = dst_port {
                        connection = connection.dst_port(dst_port);
                    }
                    if let Some(protocol) = protocol {
                        connection = connection.protocol(protocol);
                    }
                    connection.build().ok()
                })
                .boxed()
        }
    };
}

connection!(ipv4_connection, Ipv4Connection, ipv4_net);
connection!(ipv6_connection, Ipv6Connection, ipv6_net);

fn request_id() -> BoxedStrategy<RequestId> {
    text().prop_filter_map("a request id", |text| RequestId::new(&text).ok()).boxed()
}

fn command_id() -> BoxedStrategy<CommandId> {
    text().prop_filter_map("a command id", |text| CommandId::new(&text).ok()).boxed()
}

fn rule_number() -> BoxedStrategy<RuleNumber> {
    integer().prop_map(|number| RuleNumber::new(number).expect("a number")).boxed()
}

/// Every length that CBOR writes an integer in, and its bounds.
fn integer() -> BoxedStrategy<i64> {
    let bounds = select(&[0, -1, 23, 24, -24, -25, 255, 256, -256, -257, 65_535, 65_536, 1 << 32, MAX, -MAX][..]);
    prop_oneof![bounds, -MAX..=MAX, -300..300_i64].boxed()
}

fn time() -> BoxedStrategy<DateTime> {
    (0..=MAX).prop_map(|time| DateTime::from_millis(time.unsigned_abs()).expect("a time")).boxed()
}

fn early() -> BoxedStrategy<DateTime> {
    (0..1_i64 << 41).prop_map(|time| DateTime::from_millis(time.unsigned_abs()).expect("a time")).boxed()
}

fn late() -> BoxedStrategy<DateTime> {
    (1_i64 << 41..MAX).prop_map(|time| DateTime::from_millis(time.unsigned_abs()).expect("a time")).boxed()
}

fn short() -> BoxedStrategy<Duration> {
    (0..1_i64 << 40).prop_map(|time| Duration::from_millis(time.unsigned_abs()).expect("a duration")).boxed()
}

/// Texts that both modes read: escapes, every plane, texts that look like something else.
pub(crate) fn text() -> BoxedStrategy<String> {
    let is_character = |char: &char| {
        let code = u32::from(*char);
        code & 0xfffe != 0xfffe && !(0xfdd0..=0xfdef).contains(&code)
    };
    let plain = select(&["", "a", "null", "1", "1024", "a b", "\u{e4}", "\"\\/\u{8}\n", "{}", "\u{0}", "\u{2028}"][..]);
    let any = vec(any::<char>().prop_filter("a character", is_character), 0..30);
    prop_oneof![
        plain.prop_map(str::to_owned),
        any.prop_map(String::from_iter),
        vec(prop::char::range(' ', '~'), 0..40).prop_map(String::from_iter),
    ]
    .boxed()
}

fn hostname() -> BoxedStrategy<String> {
    let label = (select(LETTERS), vec(select(LETTERS), 0..10), select(LETTERS))
        .prop_map(|(first, middle, last)| format!("{first}{}{last}", String::from_iter(middle)));
    vec(label, 1..4).prop_map(|labels| labels.join(".")).boxed()
}

fn idn() -> BoxedStrategy<String> {
    let unusual =
        select(&["b\u{fc}cher.example", "xn--bcher-kva.example", "\u{5d0}\u{5d1}.example", "\u{4f8b}.\u{6d4b}"][..]);
    prop_oneof![hostname(), unusual.prop_map(str::to_owned)].boxed()
}

fn uri() -> BoxedStrategy<Uri> {
    let plain =
        select(&["a:", "http://www.example.com/a?b=c#d", "urn:uuid:95ad511c", "http://[2001:db8::1]:80/%20"][..]);
    plain.prop_map(|uri| Uri::new(uri).expect("a URI")).boxed()
}

const LETTERS: &[char] = &['a', 'b', 'Z', '0', '9'];
const EMAILS: &[&str] = &["a@example.com", "\"a b\"@example.com", "a.b+c@[192.0.2.1]"];
const IDN_EMAILS: &[&str] = &["a@example.com", "\u{fc}@example.com", "\u{7528}\u{6237}@\u{4f8b}.\u{6d4b}"];
const IRIS: &[&str] = &["a:", "http://www.example.com/\u{fc}", "http://\u{4f8b}.\u{6d4b}/?\u{e4}#\u{f6}"];
