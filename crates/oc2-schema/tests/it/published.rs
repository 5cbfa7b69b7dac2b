//! The shapes against the JADN files that the technical committee published, where these lie beside the checkout.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use oc2_schema::Schema;
use serde_json::Value;

use crate::support::{root, schema};

// LS-086, LS-096, LS-098, LS-132, LS-136, LS-201
#[test]
fn the_language_is_the_published_one_but_for_known_differences() {
    check("oc2ls-v1.0.1.jadn", &Schema::of_language(), &[], &[IN_BOTH, OF_LANGUAGE]);
}

// SLPF-014, SLPF-017 to SLPF-020, SLPF-022, SLPF-026, SLPF-038 to SLPF-041, E2
#[test]
fn the_profile_is_the_published_one_but_for_known_differences() {
    let names = [
        ("P-Args", "Slpf-Args"),
        ("P-Actuator", "Slpf-Specifiers"),
        ("P-Results", "Slpf-Results"),
        ("Rule-ID", "Slpf-Rule-ID"),
        ("Drop-Process", "Slpf-Drop-Process"),
        ("Direction", "Slpf-Direction"),
    ];
    check("oc2slpf-v1.0.1.jadn", &schema(), &names, &[IN_BOTH, OF_SLPF]);
}

/// A file against a schema of ours. `names` are of types that are called otherwise here.
fn check(file: &str, schema: &Schema, names: &[(&str, &str)], known: &[&[(&str, &[&str])]]) {
    let path = root().join("../shared/specs/schemas").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: the published schemas do not lie beside the checkout");
        return;
    };
    let published = types(&serde_json::from_str(&text).expect("JSON"), &names.iter().copied().collect());
    let ours = types(&schema.jadn(), &BTreeMap::new());
    let differences = differences(&published, &ours);
    let known: Vec<_> = known.iter().copied().flatten().flat_map(|(_, lines)| lines.iter().copied()).collect();
    let unknown: Vec<_> = differences.iter().filter(|difference| !known.contains(&difference.as_str())).collect();
    assert!(unknown.is_empty(), "{file}, {} unknown differences:\n{unknown:#?}", unknown.len());
    let gone: Vec<_> =
        known.iter().filter(|known| !differences.iter().any(|difference| difference == *known)).collect();
    assert!(gone.is_empty(), "{file}, differences that are no more: {gone:#?}");
}

/// What is said of a type, and of each of its fields.
type Said = BTreeMap<String, (String, BTreeMap<String, String>)>;

fn types(document: &Value, names: &BTreeMap<&str, &str>) -> Said {
    let renamed = |name: &str| names.get(name).copied().unwrap_or(name).to_owned();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let options = |value: &Value| {
        let options: BTreeSet<_> = value.as_array().into_iter().flatten().map(text).collect();
        // In a list they say nothing that would not hold without them (JADN 3.2.1.7).
        let is_list = options.iter().any(|option| option.starts_with('*'));
        let options = options.into_iter().filter(|option| !(is_list && ["{0", "}0"].contains(&option.as_str())));
        options.map(|option| format!(" {option}")).collect::<String>()
    };
    let types = document["types"].as_array().expect("types").iter().map(|definition| {
        let base = text(&definition[1]);
        let fields = definition[4].as_array().into_iter().flatten().map(|field| {
            let of = if base == "Enumerated" {
                String::new()
            } else {
                format!(" {}{}", renamed(&text(&field[2])), options(&field[3]))
            };
            (text(&field[1]), format!("{}{of}", field[0]))
        });
        (renamed(&text(&definition[0])), (format!("{base}{}", options(&definition[2])), fields.collect()))
    });
    types.collect()
}

fn differences(published: &Said, ours: &Said) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, (said, fields)) in published {
        let Some((ours_said, ours_fields)) = ours.get(name) else {
            differences.push(format!("{name}: published only"));
            continue;
        };
        if said != ours_said {
            differences.push(format!("{name}: {said} | {ours_said}"));
        }
        for (field, said) in fields {
            match ours_fields.get(field) {
                None => differences.push(format!("{name}.{field}: published only")),
                Some(ours) if ours != said => differences.push(format!("{name}.{field}: {said} | {ours}")),
                Some(_) => {}
            }
        }
        let ours_only = ours_fields.keys().filter(|field| !fields.contains_key(*field));
        differences.extend(ours_only.map(|field| format!("{name}.{field}: here only")));
    }
    differences
        .extend(ours.keys().filter(|name| !published.contains_key(*name)).map(|name| format!("{name}: here only")));
    differences
}

/// Differences by their reason, each as `published | here`.
const IN_BOTH: &[(&str, &[&str])] = &[
    (
        "The files hold the language alone; the message around it is of HTTPS 1.1 3.3.2.",
        &[
            "Body: here only",
            "Headers: here only",
            "Message: here only",
            "OpenC2-Content: here only",
            "OpenC2-Event: here only",
        ],
    ),
    (
        "LS 3.3.1 and 3.4.2.16 of the text have Command-ID, the files have its base type.",
        &["Command-ID: here only", "OpenC2-Command.command_id: 5 String [0 | 5 Command-ID [0"],
    ),
    (
        "Here a type says where profiles have room (LS 3.1.4), with the option for types that may grow (JADN 3.2.1.11).",
        &[
            "Actuator: Choice | Choice X",
            "Args: Map {1 | Map X {1",
            "Results: Map {1 | Map X {1",
            "Target: Choice | Choice X",
        ],
    ),
    (
        "The number of octets follows from the algorithm (L17) and from the kind of address.",
        &[
            "Hashes.md5: 1 Binary /x [0 | 1 Binary /x [0 {16 }16",
            "Hashes.sha1: 2 Binary /x [0 | 2 Binary /x [0 {20 }20",
            "Hashes.sha256: 3 Binary /x [0 | 3 Binary /x [0 {32 }32",
            "IPv4-Addr: Binary /ipv4-addr | Binary /ipv4-addr {4 }4",
            "IPv6-Addr: Binary /ipv6-addr | Binary /ipv6-addr {16 }16",
        ],
    ),
    (
        "A prefix is not longer than the address (RFC 4632 3.1, RFC 4291 2.3).",
        &[
            "IPv4-Net.prefix_length: 2 Integer [0 | 2 Integer [0 {0 }32",
            "IPv6-Net.prefix_length: 2 Integer [0 | 2 Integer [0 {0 }128",
        ],
    ),
    ("The characters of an Nsid (L23, L30).", &["Nsid: String {1 }16 | String %^[A-Za-z0-9][A-Za-z0-9_-]*$ {1 }16"]),
    ("The length of a Version when received (L10).", &["Version: String | String {1 }16"]),
    (
        "LS 3.3.2.2 of the text has Number{0..*}; the file has no bound.",
        &["Results.rate_limit: 4 Number [0 | 4 Number [0 y0"],
    ),
    (
        "A multiplicity of 0..* here stands unfolded: absent, or a list of at least one (JADN 3.3.2, LS-029).",
        &["Results.versions: 1 Version [0 ]0 q | 1 ArrayOf *Version [0 q {1"],
    ),
    (
        "The labels of an Enumerated.ID mean nothing (JADN 3.2.1.1); LS 3.3.2.1 of the text prints them with spaces.",
        &[
            "Status-Code.BadRequest: published only",
            "Status-Code.InternalError: published only",
            "Status-Code.NotFound: published only",
            "Status-Code.NotImplemented: published only",
            "Status-Code.ServiceUnavailable: published only",
            "Status-Code.Bad Request: here only",
            "Status-Code.Internal Error: here only",
            "Status-Code.Not Found: here only",
            "Status-Code.Not Implemented: here only",
            "Status-Code.Service Unavailable: here only",
        ],
    ),
    ("The enumeration of targets has the ids of Target, not the numbers from 1 on (E3).", &["Targets-Enum: here only"]),
];

const OF_LANGUAGE: &[(&str, &[&str])] = &[
    (
        "LS 3.3.1.2 of the text has Command-ID, the file has its base type.",
        &["Target.command: 2 String | 2 Command-ID"],
    ),
    (
        "No text of these formats is empty, and a hostname has at most 253 characters (RFC 1034 3.1).",
        &[
            "Domain-Name: String /hostname | String /hostname {1 }253",
            "Email-Addr: String /email | String /email {1",
            "Hostname: String /hostname | String /hostname {1 }253",
            "IDN-Domain-Name: String /idn-hostname | String /idn-hostname {1",
            "IDN-Email-Addr: String /idn-email | String /idn-email {1",
            "IDN-Hostname: String /idn-hostname | String /idn-hostname {1",
            "IRI: String /iri | String /iri {1",
            "URI: String /uri | String /uri {1",
        ],
    ),
    ("An EUI has 6 or 8 octets (LS-021).", &["MAC-Addr: Binary /eui | Binary /eui {6 }8"]),
    (
        "The enumeration of targets has the ids of Target, not the numbers from 1 on (E3), and a name of its own.",
        &["Target$Pointer: published only", "Targets: ArrayOf *Target$Pointer q {1 | ArrayOf *Targets-Enum q {1"],
    ),
];

const OF_SLPF: &[(&str, &[&str])] = &[
    (
        "The file numbers the target 900, the published table 1024, which is what is written; 900 is read as well (E2).",
        &["Target.slpf:rule_number: 900 Slpf-Rule-ID | 1024 Slpf-Rule-ID"],
    ),
    (
        "`<` is for pointers (JADN 3.3.5), of which LS 1.0 has none.",
        &[
            "Actuator.slpf: 1024 Slpf-Specifiers < [0 | 1024 Slpf-Specifiers",
            "Args.slpf: 1024 Slpf-Args < [0 | 1024 Slpf-Args [0",
            "Results.slpf: 1024 Slpf-Results < [0 | 1024 Slpf-Results [0",
        ],
    ),
    (
        "SLPF 2.1.3.2 of the text has a Map without bound, and an empty namespace is good (L31).",
        &["Slpf-Args: Map {1 | Map"],
    ),
    (
        "SLPF 2.1.4 of the text: absent, or 1 to 10 texts (S13), here unfolded (JADN 3.3.2).",
        &["Slpf-Specifiers.asset_tuple: 4 String [0 ]10 | 4 ArrayOf *String [0 {1 }10"],
    ),
    ("A hostname or an address is not empty.", &["Slpf-Specifiers.hostname: 1 String [0 | 1 String [0 {1"]),
    (
        "The file leaves out what of the language the profile does not use; here the language is whole.",
        &[
            "Action.cancel: here only",
            "Action.contain: here only",
            "Action.copy: here only",
            "Action.create: here only",
            "Action.detonate: here only",
            "Action.investigate: here only",
            "Action.locate: here only",
            "Action.redirect: here only",
            "Action.remediate: here only",
            "Action.restart: here only",
            "Action.restore: here only",
            "Action.scan: here only",
            "Action.set: here only",
            "Action.start: here only",
            "Action.stop: here only",
            "Artifact: here only",
            "Device: here only",
            "Domain-Name: here only",
            "Email-Addr: here only",
            "Hostname: here only",
            "IDN-Domain-Name: here only",
            "IDN-Email-Addr: here only",
            "IDN-Hostname: here only",
            "IRI: here only",
            "MAC-Addr: here only",
            "Payload: here only",
            "Process: here only",
            "Properties: here only",
            "Target.artifact: here only",
            "Target.command: here only",
            "Target.device: here only",
            "Target.domain_name: here only",
            "Target.email_addr: here only",
            "Target.idn_domain_name: here only",
            "Target.idn_email_addr: here only",
            "Target.iri: here only",
            "Target.mac_addr: here only",
            "Target.process: here only",
            "Target.properties: here only",
            "Target.uri: here only",
            "URI: here only",
        ],
    ),
    (
        "The file lists the pairs of the profile as types; here they are `Profile::COMMANDS`, and `pairs` is that of LS 3.4.2.1.",
        &[
            "Action-Targets: Map {1 | MapOf *Targets +Action {1",
            "Action-Targets.allow: published only",
            "Action-Targets.delete: published only",
            "Action-Targets.deny: published only",
            "Action-Targets.query: published only",
            "Action-Targets.update: published only",
            "Targets: here only",
            "Tgt-allow-deny: published only",
            "Tgt-delete: published only",
            "Tgt-query: published only",
            "Tgt-update: published only",
        ],
    ),
];
