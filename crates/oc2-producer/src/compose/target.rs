//! From words to a target.

use std::fmt::Display;
use std::str::FromStr;

use oc2_core::target::{File, Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net, Properties, TargetKind};
use oc2_core::types::hashes::Hashes;
use oc2_core::types::port::L4Protocol;
use oc2_core::{Feature, Features, Target, TargetName};
use oc2_profile_slpf::{self as slpf, Slpf};

use super::{Failure, read};
use crate::options::{ConnectionParts, FileParts};

/// The target of this name with its values and parts.
pub(super) fn target(
    name: &str,
    values: &[String],
    connection: &ConnectionParts,
    file: &FileParts,
) -> Result<Target, Failure> {
    let name: TargetName = name.parse().map_err(|error| Failure::usage(error).with_remedy(names()))?;
    let is_connection = matches!(name, TargetName::Standard(TargetKind::Ipv4Connection | TargetKind::Ipv6Connection));
    let is_file = name == TargetName::Standard(TargetKind::File);
    let foreign = connection.given().filter(|_| !is_connection).chain(file.given().filter(|_| !is_file)).next();
    if let Some(option) = foreign {
        return Err(Failure::usage(format!("{option} is not a part of the target {name}")));
    }
    match name {
        TargetName::Standard(kind) => standard(kind, values, connection, file),
        Slpf::RULE_NUMBER => {
            let number = text(name, values)?;
            Target::extended::<Slpf>(slpf::Target::RuleNumber(number)).map_err(Failure::usage)
        }
        TargetName::Extended(..) => json(name, one(name, values)?),
    }
}

fn standard(
    kind: TargetKind,
    values: &[String],
    connection: &ConnectionParts,
    file: &FileParts,
) -> Result<Target, Failure> {
    let name = TargetName::Standard(kind);
    match kind {
        TargetKind::Features => features(values),
        TargetKind::Properties => Properties::new(values.to_vec()).map(Target::Properties).map_err(in_target(name)),
        TargetKind::Ipv4Net => text(name, values).map(Target::Ipv4Net),
        TargetKind::Ipv6Net => text(name, values).map(Target::Ipv6Net),
        TargetKind::Command => text(name, values).map(Target::Command),
        TargetKind::DomainName => text(name, values).map(Target::DomainName),
        TargetKind::EmailAddr => text(name, values).map(Target::EmailAddr),
        TargetKind::IdnDomainName => text(name, values).map(Target::IdnDomainName),
        TargetKind::IdnEmailAddr => text(name, values).map(Target::IdnEmailAddr),
        TargetKind::Iri => text(name, values).map(Target::Iri),
        TargetKind::MacAddr => text(name, values).map(Target::MacAddr),
        TargetKind::Uri => text(name, values).map(Target::Uri),
        TargetKind::Ipv4Connection if values.is_empty() => ipv4_connection(name, connection),
        TargetKind::Ipv6Connection if values.is_empty() => ipv6_connection(name, connection),
        TargetKind::Ipv4Connection | TargetKind::Ipv6Connection => {
            no_parts_besides_json(name, connection.given())?;
            json(name, one(name, values)?)
        }
        TargetKind::File => match one_or_none(name, values)? {
            Some(value) if value.starts_with('{') => {
                no_parts_besides_json(name, file.given())?;
                json(name, value)
            }
            value => named_file(name, value, file),
        },
        TargetKind::Artifact | TargetKind::Device | TargetKind::Process => json(name, one(name, values)?),
    }
}

fn features(names: &[String]) -> Result<Target, Failure> {
    let features: Result<Features, _> = names.iter().map(|name| name.parse::<Feature>()).collect();
    features.map(Target::Features).map_err(Failure::usage)
}

/// Puts a connection together from its parts.
macro_rules! connection {
    ($function:ident: $connection:ident of $net:ident) => {
        fn $function(name: TargetName, parts: &ConnectionParts) -> Result<Target, Failure> {
            let (src_port, dst_port) = ports(parts)?;
            let mut builder = $connection::builder();
            if let Some(net) = &parts.src_addr {
                builder = builder.src_addr(option::<$net>("--src-addr", net)?);
            }
            if let Some(port) = src_port {
                builder = builder.src_port(port);
            }
            if let Some(net) = &parts.dst_addr {
                builder = builder.dst_addr(option::<$net>("--dst-addr", net)?);
            }
            if let Some(port) = dst_port {
                builder = builder.dst_port(port);
            }
            if let Some(protocol) = parts.protocol {
                builder = builder.protocol(protocol);
            }
            builder.build().map(Target::from).map_err(in_target(name)).map_err(|failure| failure.with_remedy(PARTS))
        }
    };
}

connection!(ipv4_connection: Ipv4Connection of Ipv4Net);
connection!(ipv6_connection: Ipv6Connection of Ipv6Net);

/// Source and destination; with ICMP, type and code take their place (DECISIONS S8).
fn ports(parts: &ConnectionParts) -> Result<(Option<u16>, Option<u16>), Failure> {
    let ConnectionParts { protocol, src_port, dst_port, icmp_type, icmp_code, .. } = parts;
    let has_ports = src_port.is_some() || dst_port.is_some();
    let has_icmp = icmp_type.is_some() || icmp_code.is_some();
    match protocol {
        Some(L4Protocol::Icmp) if has_ports => {
            Err(Failure::usage("icmp has no ports").with_remedy("It has --icmp-type and --icmp-code."))
        }
        Some(L4Protocol::Icmp) => Ok((icmp_type.map(u16::from), icmp_code.map(u16::from))),
        _ if has_icmp => Err(Failure::usage("--icmp-type and --icmp-code go with --protocol icmp")),
        _ => Ok((*src_port, *dst_port)),
    }
}

fn named_file(target: TargetName, name: Option<&str>, parts: &FileParts) -> Result<Target, Failure> {
    let FileParts { path, md5, sha1, sha256 } = parts;
    let mut builder = File::builder();
    if let Some(name) = name {
        builder = builder.name(name);
    }
    if let Some(path) = path {
        builder = builder.path(path.as_str());
    }
    if md5.is_some() || sha1.is_some() || sha256.is_some() {
        let mut hashes = Hashes::builder();
        if let Some(hash) = md5 {
            hashes = hashes.md5(*hash);
        }
        if let Some(hash) = sha1 {
            hashes = hashes.sha1(*hash);
        }
        if let Some(hash) = sha256 {
            hashes = hashes.sha256(*hash);
        }
        builder = builder.hashes(hashes.build().map_err(in_target(target))?);
    }
    builder.build().map(Target::from).map_err(in_target(target))
}

/// What is given as text.
fn text<T: FromStr<Err: Display>>(name: TargetName, values: &[String]) -> Result<T, Failure> {
    one(name, values)?.parse().map_err(in_target(name))
}

/// What is given as JSON.
fn json(name: TargetName, value: &str) -> Result<Target, Failure> {
    // Alone first, so that it cannot end the object it is put into.
    serde_json::from_str::<serde_json::Value>(value).map_err(|error| {
        Failure::usage(format!("the VALUE of {name} is due as JSON: {error}"))
            .with_remedy("Text in JSON has quotes: '\"text\"'")
    })?;
    read("TARGET", &format!("{{\"{name}\":{value}}}"))
}

fn one(name: TargetName, values: &[String]) -> Result<&str, Failure> {
    one_or_none(name, values)?.ok_or_else(|| {
        Failure::usage(format!("{name} needs a VALUE")).with_remedy(format!("For instance: {name} {}", example(name)))
    })
}

fn one_or_none(name: TargetName, values: &[String]) -> Result<Option<&str>, Failure> {
    match values {
        [] => Ok(None),
        [value] => Ok(Some(value)),
        [_, second, ..] => {
            let sentence = format!("{name} has one VALUE, {second:?} is a second");
            Err(Failure::usage(sentence).with_remedy("A VALUE with spaces goes in quotes."))
        }
    }
}

fn option<T: FromStr<Err: Display>>(name: &str, value: &str) -> Result<T, Failure> {
    value.parse().map_err(|error| super::option(name, error))
}

fn no_parts_besides_json(name: TargetName, mut given: impl Iterator<Item = &'static str>) -> Result<(), Failure> {
    match given.next() {
        Some(option) => Err(Failure::usage(format!("{name} is given as JSON, so {option} has no place"))),
        None => Ok(()),
    }
}

fn in_target<E: Display>(name: TargetName) -> impl Fn(E) -> Failure {
    move |error| Failure::usage(format!("{name}: {error}"))
}

fn names() -> String {
    let names: Vec<_> = TargetKind::ALL.iter().map(|kind| kind.name()).collect();
    format!("Targets are {}, {}, and those of other profiles.", names.join(", "), Slpf::RULE_NUMBER)
}

/// A value as an example of what is due.
fn example(name: TargetName) -> &'static str {
    let TargetName::Standard(kind) = name else {
        return if name == Slpf::RULE_NUMBER { "999990" } else { "'{\"name\":\"value\"}'" };
    };
    match kind {
        TargetKind::Artifact => "'{\"mime_type\":\"text/plain\"}'",
        TargetKind::Command => "61d5f2a7-0c1c-4a0e-8a7e-5d2d2c1c6c1e",
        TargetKind::Device => "'{\"hostname\":\"fw1\"}'",
        TargetKind::DomainName => "www.example.com",
        TargetKind::EmailAddr => "ada@example.com",
        TargetKind::Features => "versions",
        TargetKind::File => "rules.json",
        TargetKind::IdnDomainName => "www.例え.jp",
        TargetKind::IdnEmailAddr => "ada@例え.jp",
        TargetKind::Ipv4Net => "198.51.100.0/24",
        TargetKind::Ipv6Net => "2001:db8::/32",
        TargetKind::Ipv4Connection | TargetKind::Ipv6Connection => "--protocol tcp --dst-port 23",
        TargetKind::MacAddr => "00:1A:2B:3C:4D:5E",
        TargetKind::Process => "'{\"name\":\"httpd\"}'",
        TargetKind::Uri => "https://www.example.com/a",
        TargetKind::Iri => "https://www.example.com/ä",
        TargetKind::Properties => "battery",
    }
}

const PARTS: &str =
    "The parts are --protocol, --src-addr, --src-port, --dst-addr, --dst-port, --icmp-type and --icmp-code.";
