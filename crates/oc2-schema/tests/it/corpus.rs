//! The corpus in `tests/corpus`: the JSON Schema accepts and refuses what a receiver in strict mode does, but for what a
//! schema cannot say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use oc2_schema::Root;
use serde_json::Value;

use crate::support::{read, root, schema, validator};

// LS-219 to LS-225
#[test]
fn the_json_schema_agrees_with_the_verdicts() {
    let schema = schema();
    let validators: BTreeMap<_, _> =
        [("message", Root::Message), ("command", Root::Command), ("response", Root::Response)]
            .into_iter()
            .map(|(kind, root)| (kind, validator(&schema.json_schema_of(root))))
            .collect();
    let known: BTreeMap<_, _> =
        EXCEPTIONS.iter().flat_map(|(reason, paths)| paths.iter().map(move |path| (*path, *reason))).collect();
    let corpus = root().join("tests/corpus");
    let (mut met, mut faults) = (BTreeSet::new(), Vec::new());
    let index = read(&corpus.join("corpus.tsv"));
    for row in index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>()) {
        let [path, kind, _, strict, _, clause, why] = row[..] else { panic!("no row: {row:?}") };
        let bytes = fs::read(corpus.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        // What is no JSON never comes to a schema, and is refused.
        let is_accepted = serde_json::from_slice::<Value>(&bytes).is_ok_and(|value| validators[kind].is_valid(&value));
        let agrees = is_accepted == (strict == "good");
        match (agrees, known.get(path)) {
            (true, None) => {}
            (false, Some(_)) => {
                met.insert(path.to_owned());
            }
            (false, None) => faults.push(format!("{path}: the schema says otherwise than {strict}: {why} ({clause})")),
            (true, Some(reason)) => faults.push(format!("{path}: agrees by now; take it off {reason:?}")),
        }
    }
    faults.extend(known.keys().filter(|path| !met.contains(**path)).map(|path| format!("{path}: not met")));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Documents of which a schema says otherwise than a receiver in strict mode, by the reason.
const EXCEPTIONS: &[(&str, &[&str])] = &[
    (
        "Members that stand twice are gone before a schema looks (LS-046, L34).",
        &[
            "actuator/duplicate-specifier.json",
            "actuator/twice.json",
            "args/duplicate.json",
            "command/duplicate-action-escaped.json",
            "command/duplicate-action.json",
            "command/duplicate-args.json",
            "hashes/duplicate.json",
            "i-json/duplicate-by-surrogates.json",
            "i-json/duplicate-in-a-list.json",
            "i-json/duplicate-in-unknown-header.json",
            "i-json/duplicate-of-many.json",
            "message/content-twice.json",
            "message/duplicate-body.json",
            "message/headers-duplicate-unknown.json",
            "response/duplicate-status-escaped.json",
            "response/duplicate-status.json",
            "results/duplicate-within-namespace.json",
            "results/duplicate.json",
            "results/pairs-duplicate-action.json",
            "slpf-actuator/duplicate.json",
            "slpf-args/duplicate.json",
            "target-connection/ipv4-duplicate.json",
            "target-file/duplicate.json",
            "target-process/duplicate.json",
            "target/twice.json",
        ],
    ),
    (
        "What two times add up to (L2, L14).",
        &[
            "args-time/difference-negative.json",
            "args-time/stop-one-before-start.json",
            "args-time/sum-beyond-the-bound.json",
        ],
    ),
    (
        "A number is a value to a schema, whatever its spelling (L22).",
        &[
            "args-time/duration-exponent.json",
            "args-time/duration-point-zero.json",
            "args-time/largest-as-fraction.json",
            "message/headers-created-point-zero.json",
            "response/status-point-zero.json",
            "slpf-args/insert-rule-point-zero.json",
            "slpf-results/rule-number-point-zero.json",
            "slpf-target/rule-number-point-zero.json",
            "target-connection/ipv4-port-point-zero.json",
            "target-process/pid-point-zero.json",
        ],
    ),
    (
        "Nothing is said of values that only a profile knows: integers beyond 2^53 - 1 (LS-048, L34).",
        &[
            "args/private-integer-2-to-the-53.json",
            "args/private-integer-by-exponent.json",
            "i-json/integer-2-to-the-53.json",
            "i-json/integer-by-exponent.json",
        ],
    ),
    (
        "Limits of the reader, not of the types (L24).",
        &[
            "args/private-list-1001.json",
            "i-json/depth-33.json",
            "results/versions-1001.json",
            "target-process/parents-17.json",
            "target-properties/1001.json",
        ],
    ),
    (
        "No pattern for texts and names of any value: noncharacters (LS-047, L34).",
        &[
            "i-json/noncharacter-escaped.json",
            "i-json/noncharacter-in-a-name.json",
            "i-json/noncharacter-in-an-extension.json",
            "i-json/noncharacter-last.json",
            "i-json/noncharacter-of-second-plane.json",
            "i-json/noncharacter.json",
        ],
    ),
    (
        "The bound of `from` is a check of the headers, not of a type (M16).",
        &["message/headers-from-257.json", "message/headers-from-control.json"],
    ),
    (
        "Rules between members that the profile checks when it interprets a Command (S5, S8, SLPF-168).",
        &[
            "slpf-args/insert-rule-with-ack.json",
            "slpf-args/insert-rule-with-none-on-allow.json",
            "slpf-args/insert-rule-without-response-type.json",
            "slpf-target/icmp-code-256.json",
            "slpf-target/icmp-type-256.json",
            "slpf-target/icmpv6-type-256.json",
            "slpf-target/update-file-without-name.json",
        ],
    ),
    (
        "What IDNA2008 has no pattern can say (L32).",
        &[
            "target-domain/idn-a-label-not-decodable.json",
            "target-domain/idn-a-label-of-symbol.json",
            "target-domain/idn-hyphens-in-third-and-fourth-place.json",
            "target-domain/idn-joiner-out-of-place.json",
            "target-domain/idn-label-64-as-ascii.json",
            "target-domain/idn-leading-combining-mark.json",
            "target-domain/idn-middle-dot-elsewhere.json",
            "target-domain/idn-mixed-direction.json",
            "target-domain/idn-non-joiner-out-of-place.json",
            "target-domain/idn-private-use.json",
            "target-domain/idn-symbol.json",
            "target-domain/idn-two-kinds-of-arabic-digits.json",
            "target-email/idn-bad-domain.json",
        ],
    ),
    (
        "The schema is for what is sent; a receiver forgives features that stand twice (LS-159, L9).",
        &["target-features/duplicate.json", "target-features/eleven.json"],
    ),
];
