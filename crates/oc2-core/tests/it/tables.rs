//! Every shape against the table of Language Specification 1.0 it comes from (LS 3.3, 3.4).

use std::collections::BTreeSet;

use oc2_core::args::ResponseType;
use oc2_core::message::{Body, Content};
use oc2_core::shape::{Kind, Shape};
use oc2_core::target::{Artifact, Device, File, Ipv4Connection, Ipv6Connection, Process, TargetKind};
use oc2_core::types::hashes::Hashes;
use oc2_core::types::payload::Payload;
use oc2_core::types::port::L4Protocol;
use oc2_core::{Action, Args, Command, Feature, Headers, Message, Nsid, Response, Results, StatusCode, Target};

/// Rows as the standard prints them: id, name, type, and whether the multiplicity is 1.
#[track_caller]
fn check(shape: &Shape, name: &str, base: &str, rows: &[(u32, &str, &str, bool)]) {
    assert_eq!((shape.name, shape.kind.base()), (name, base));
    let fields: Vec<_> = shape
        .fields
        .iter()
        .map(|field| (field.id, field.name, field.shape.map_or("", |shape| shape().name), field.required))
        .collect();
    let mut expected = rows.to_vec();
    let mut found = fields;
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "{name}");
}

/// The rows of an enumeration: id and name.
#[track_caller]
fn names(shape: &Shape, name: &str, base: &str, rows: &[(u32, &str)]) {
    let rows: Vec<_> = rows.iter().map(|&(id, name)| (id, name, "", false)).collect();
    check(shape, name, base, &rows);
}

// LS-017, LS-086
#[test]
fn the_command_is_a_record_of_five() {
    let rows = [
        (1, "action", "Action", true),
        (2, "target", "Target", true),
        (3, "args", "Args", false),
        (4, "actuator", "Actuator", false),
        (5, "command_id", "Command-ID", false),
    ];
    check(&Command::SHAPE, "OpenC2-Command", "Record", &rows);
}

// LS-095, LS-096
#[test]
fn the_actions_are_twenty() {
    let rows = [
        (1, "scan"),
        (2, "locate"),
        (3, "query"),
        (6, "deny"),
        (7, "contain"),
        (8, "allow"),
        (9, "start"),
        (10, "stop"),
        (11, "restart"),
        (14, "cancel"),
        (15, "set"),
        (16, "update"),
        (18, "redirect"),
        (19, "create"),
        (20, "delete"),
        (22, "detonate"),
        (23, "restore"),
        (28, "copy"),
        (30, "investigate"),
        (32, "remediate"),
    ];
    names(&Action::SHAPE, "Action", "Enumerated", &rows);
}

// LS-017, LS-098 to LS-116, LS-232
#[test]
fn the_targets_are_eighteen() {
    let rows = [
        (1, "artifact", "Artifact"),
        (2, "command", "Command-ID"),
        (3, "device", "Device"),
        (7, "domain_name", "Domain-Name"),
        (8, "email_addr", "Email-Addr"),
        (9, "features", "Features"),
        (10, "file", "File"),
        (11, "idn_domain_name", "IDN-Domain-Name"),
        (12, "idn_email_addr", "IDN-Email-Addr"),
        (13, "ipv4_net", "IPv4-Net"),
        (14, "ipv6_net", "IPv6-Net"),
        (15, "ipv4_connection", "IPv4-Connection"),
        (16, "ipv6_connection", "IPv6-Connection"),
        (17, "mac_addr", "MAC-Addr"),
        (18, "process", "Process"),
        (19, "uri", "URI"),
        (20, "iri", "IRI"),
        (25, "properties", "Properties"),
    ];
    check(&Target::SHAPE, "Target", "Choice", &rows.map(|(id, name, ty)| (id, name, ty, false)));
    names(&TargetKind::SHAPE, "Target", "Enumerated", &rows.map(|(id, name, _)| (id, name)));
}

// LS-017, LS-119, LS-120, LS-201
#[test]
fn the_arguments_are_four() {
    let rows = [
        (1, "start_time", "Date-Time", false),
        (2, "stop_time", "Date-Time", false),
        (3, "duration", "Duration", false),
        (4, "response_requested", "Response-Type", false),
    ];
    check(&Args::SHAPE, "Args", "Map", &rows);
    let rows = [(0, "none"), (1, "ack"), (2, "status"), (3, "complete")];
    names(&ResponseType::SHAPE, "Response-Type", "Enumerated", &rows);
}

// LS-017, LS-132 to LS-136, LS-147 to LS-150, LS-188
#[test]
fn the_response_is_a_map_of_three_with_four_results() {
    let rows =
        [(1, "status", "Status-Code", true), (2, "status_text", "String", false), (3, "results", "Results", false)];
    check(&Response::SHAPE, "OpenC2-Response", "Map", &rows);
    let rows = [
        (1, "versions", "ArrayOf", false),
        (2, "profiles", "ArrayOf", false),
        (3, "pairs", "Action-Targets", false),
        (4, "rate_limit", "Number", false),
    ];
    check(&Results::SHAPE, "Results", "Map", &rows);
    names(
        &Feature::SHAPE,
        "Feature",
        "Enumerated",
        &[(1, "versions"), (2, "profiles"), (3, "pairs"), (4, "rate_limit")],
    );
    assert_eq!(StatusCode::SHAPE.kind.base(), "Enumerated.ID");
    assert_eq!(
        StatusCode::ALL.iter().map(|code| code.id()).collect::<Vec<_>>(),
        [102, 200, 400, 401, 403, 404, 500, 501, 503]
    );
}

// LS-017, LS-152, LS-154, LS-162, LS-170, LS-174, LS-178, LS-189, LS-195, LS-198
#[test]
fn the_types_of_targets_have_their_rows() {
    let rows = [(1, "mime_type", "String", false), (2, "payload", "Payload", false), (3, "hashes", "Hashes", false)];
    check(&Artifact::SHAPE, "Artifact", "Record", &rows);
    check(&Payload::SHAPE, "Payload", "Choice", &[(1, "bin", "Binary", false), (2, "url", "URI", false)]);
    let rows = [(1, "md5", "Binary", false), (2, "sha1", "Binary", false), (3, "sha256", "Binary", false)];
    check(&Hashes::SHAPE, "Hashes", "Map", &rows);
    let rows = [
        (1, "hostname", "Hostname", false),
        (2, "idn_hostname", "IDN-Hostname", false),
        (3, "device_id", "String", false),
    ];
    check(&Device::SHAPE, "Device", "Map", &rows);
    let rows = [(1, "name", "String", false), (2, "path", "String", false), (3, "hashes", "Hashes", false)];
    check(&File::SHAPE, "File", "Map", &rows);
    for (shape, name, net) in [
        (&Ipv4Connection::SHAPE, "IPv4-Connection", "IPv4-Net"),
        (&Ipv6Connection::SHAPE, "IPv6-Connection", "IPv6-Net"),
    ] {
        let rows = [
            (1, "src_addr", net, false),
            (2, "src_port", "Port", false),
            (3, "dst_addr", net, false),
            (4, "dst_port", "Port", false),
            (5, "protocol", "L4-Protocol", false),
        ];
        check(shape, name, "Record", &rows);
    }
    let rows = [(1, "icmp"), (6, "tcp"), (17, "udp"), (132, "sctp")];
    names(&L4Protocol::SHAPE, "L4-Protocol", "Enumerated", &rows);
    let rows = [
        (1, "pid", "Integer", false),
        (2, "name", "String", false),
        (3, "cwd", "String", false),
        (4, "executable", "File", false),
        (5, "parent", "Process", false),
        (6, "command_line", "String", false),
    ];
    check(&Process::SHAPE, "Process", "Map", &rows);
}

// HTTPS 1.1 3.3.2; LS-196
#[test]
fn the_message_is_a_record_of_three() {
    let rows = [(1, "headers", "Headers", false), (2, "body", "Body", true), (3, "signature", "String", false)];
    check(&Message::SHAPE, "Message", "Record", &rows);
    let rows = [
        (1, "request_id", "String", false),
        (2, "created", "Date-Time", false),
        (3, "from", "String", false),
        (4, "to", "ArrayOf", false),
    ];
    check(&Headers::SHAPE, "Headers", "Map", &rows);
    check(&Body::SHAPE, "Body", "Choice", &[(1, "openc2", "OpenC2-Content", false)]);
    let rows = [
        (1, "request", "OpenC2-Command", false),
        (2, "response", "OpenC2-Response", false),
        (3, "notification", "OpenC2-Event", false),
    ];
    check(&Content::SHAPE, "OpenC2-Content", "Choice", &rows);
}

const SHAPES: [&Shape; 25] = [
    &Command::SHAPE,
    &Action::SHAPE,
    &Target::SHAPE,
    &TargetKind::SHAPE,
    &Args::SHAPE,
    &ResponseType::SHAPE,
    &Response::SHAPE,
    &Results::SHAPE,
    &Feature::SHAPE,
    &StatusCode::SHAPE,
    &Artifact::SHAPE,
    &Payload::SHAPE,
    &Hashes::SHAPE,
    &Device::SHAPE,
    &File::SHAPE,
    &Ipv4Connection::SHAPE,
    &Ipv6Connection::SHAPE,
    &L4Protocol::SHAPE,
    &Process::SHAPE,
    &Message::SHAPE,
    &Headers::SHAPE,
    &Body::SHAPE,
    &Content::SHAPE,
    &Message::SHAPE,
    &Args::SHAPE,
];

// JADN-007 to JADN-010, LS-002, LS-003, LS-018, LS-019
#[test]
fn ids_and_names_are_unique_and_names_are_lower_case() {
    for shape in SHAPES {
        let ids: BTreeSet<_> = shape.fields.iter().map(|field| field.id).collect();
        let names: BTreeSet<_> = shape.fields.iter().map(|field| field.name).collect();
        assert_eq!((ids.len(), names.len()), (shape.fields.len(), shape.fields.len()), "{}", shape.name);
        if matches!(shape.kind, Kind::Record { .. }) {
            let in_order: Vec<_> = shape.fields.iter().map(|field| field.id as usize).collect();
            assert_eq!(in_order, (1..=shape.fields.len()).collect::<Vec<_>>(), "{}", shape.name);
        }
        assert!((1..=32).contains(&shape.name.len()), "{}", shape.name);
        let is_type_name = shape.name.starts_with(|first: char| first.is_ascii_uppercase())
            && shape.name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        assert!(is_type_name, "{}", shape.name);
        for name in names.into_iter().filter(|_| !matches!(shape.kind, Kind::EnumeratedId)) {
            let is_lower =
                name.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'_');
            let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
            assert!(is_lower && starts_well && (1..=32).contains(&name.len()), "{}: {name}", shape.name);
        }
        // Readers remember in 64 bits which rows they met.
        assert!(shape.fields.len() <= 64, "{}", shape.name);
    }
}

// LS-033, LS-118, LS-151
#[test]
fn registered_profiles_have_their_ids() {
    for (nsid, id) in [
        ("slpf", 1024),
        ("sfpf", 1025),
        ("sbom", 1026),
        ("er", 1027),
        ("hop", 1028),
        ("av", 1029),
        ("ids", 1030),
        ("log", 1031),
        ("swup", 1032),
        ("pf", 1034),
        ("pac", 1035),
        ("hunt", 1036),
        ("blinky", 9001),
    ] {
        let parsed: Nsid = nsid.parse().expect(nsid);
        assert_eq!(parsed.registered_id(), Some(id), "{nsid}");
        assert!(!parsed.is_private(), "{nsid}");
    }
    // Of two names of one id the first has it: by the id alone nobody could tell which one came.
    for nsid in ["th", "x-slpf", "SLPF", "X-a", "acme", "1024"] {
        let parsed: Nsid = nsid.parse().expect(nsid);
        assert_eq!(parsed.registered_id(), None, "{nsid}");
        assert_eq!(parsed.is_private(), nsid == "x-slpf", "{nsid}");
        assert_eq!(parsed.is_registered(), nsid == "th", "{nsid}");
    }
}

// LS-186
#[test]
fn a_date_time_counts_from_1970() {
    let time = oc2_core::types::time::DateTime::from_millis(1_534_775_460_000).expect("a time");
    let since = std::time::Duration::from_millis(time.as_millis());
    // 2018-08-20T14:31:00Z: 17763 days, 14 hours, 31 minutes
    assert_eq!(since.as_secs(), 17_763 * 86_400 + 14 * 3_600 + 31 * 60);
    let now = oc2_core::types::time::DateTime::now();
    assert!(now.as_millis() > 1_700_000_000_000 && now.to_string().len() == 13, "{now}");
}
