//! Policies in Cedar, as an operator tries them.

use std::fs;
use std::process::Command;

const POLICY: &str = r#"
@id("soc stops small nets")
permit (principal in OpenC2::Group::"soc", action == OpenC2::Action::"deny", resource is OpenC2::Net)
when { resource.prefix >= 24 && context has slpf.persistent && context.slpf.persistent == [false] };

@id("anybody looks")
permit (principal is OpenC2::Stranger, action == OpenC2::Action::"query", resource);

@id("nobody touches the management net")
forbid (principal, action, resource is OpenC2::Net)
when { resource.net.isInRange(ip("10.0.0.0/8")) || ip("10.0.0.0/8").isInRange(resource.net) };
"#;

const ENTITIES: &str = r#"[{"uid": {"type": "OpenC2::Peer", "id": "soc-1"}, "attrs": {"from": ["soc-1"]},
  "parents": [{"type": "OpenC2::Group", "id": "soc"}]}]"#;

/// A folder with a configuration and what it names.
fn folder(policy: &str, keys: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let path = dir.path().display();
    let keys = keys.replace('@', &path.to_string());
    let config = format!(
        "[consumer]\nid = \"fw1\"\nstate_dir = \"{path}/state\"\n[mqtt]\nbroker = \"mqtt://localhost\"\n[policy]\n{keys}\n\
         [[actuator]]\nprofile = \"slpf\"\nbackend = \"dry-run\"\n"
    );
    let command = |net: &str, persistent: bool| {
        format!(
            r#"{{"action": "deny", "target": {{"ipv4_net": "{net}"}}, "args": {{"slpf": {{"persistent": {persistent}}}}}}}"#
        )
    };
    for (name, text) in [
        ("consumer.toml", config),
        ("policy.cedar", policy.to_owned()),
        ("entities.json", ENTITIES.to_owned()),
        ("small.json", command("198.51.100.0/24", false)),
        ("wide.json", command("198.51.0.0/16", false)),
        ("lasting.json", command("198.51.100.0/24", true)),
        ("management.json", command("10.1.2.0/24", false)),
        ("query.json", r#"{"action": "query", "target": {"features": []}}"#.to_owned()),
    ] {
        fs::write(dir.path().join(name), text).expect("the folder is ours");
    }
    dir
}

fn run(dir: &tempfile::TempDir, args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_oc2-consumer")).args(args).current_dir(dir.path()).output();
    let output = output.expect("the binary starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("it is text")).join("");
    (output.status.success(), said)
}

fn check(dir: &tempfile::TempDir, args: &[&str]) -> (bool, String) {
    run(dir, &[&["check", "--config", "consumer.toml"], args].concat())
}

const KEYS: &str = "cedar = \"@/policy.cedar\"\nentities = \"@/entities.json\"";

#[test]
fn it_says_what_would_become_of_a_command() {
    let dir = folder(POLICY, KEYS);
    for (peer, command, is_allowed, part) in [
        ("soc-1", "small.json", true, "allowed by \"soc stops small nets\""),
        ("soc-1", "wide.json", false, "refused with 403: no policy permits soc-1 to deny ipv4_net through slpf"),
        ("soc-1", "lasting.json", false, "refused with 403: no policy permits"),
        ("soc-1", "management.json", false, "by the rule that forbids it or comes nearest, \"nobody touches"),
        ("soc-2", "small.json", false, "refused with 403: no policy permits soc-2"),
        ("unauthenticated", "query.json", true, "allowed by \"anybody looks\""),
        ("unauthenticated", "small.json", false, "refused with 403: no policy permits peers that are not"),
    ] {
        let (was_allowed, said) = check(&dir, &["--as", peer, "--command", command]);
        assert_eq!(was_allowed, is_allowed, "{peer} {command}: {said}");
        assert!(said.contains(part), "{peer} {command}: {said}");
    }
    let (is_fine, said) = check(&dir, &[]);
    assert!(is_fine && said.contains("    soc stops small nets\n    anybody looks\n"), "{said}");
    assert!(said.contains("NOTE: \"anybody looks\" is for peers that nobody has authenticated"), "{said}");
    let (is_fine, schema) = run(&dir, &["cedar-schema", "--config", "consumer.toml"]);
    assert!(is_fine && schema.starts_with("namespace OpenC2 {") && schema.contains("\"slpf\"?"), "{schema}");
}

#[test]
fn what_is_wrong_is_said_with_its_file_and_place() {
    for (policy, keys, reason) in [
        (POLICY.replace("resource.prefix", "resource.mask"), KEYS, "policy.cedar: line 4, column"),
        (POLICY.to_owned(), "cedar = \"@/policy.cedar\"\nentities = \"@/small.json\"", "small.json"),
        (POLICY.to_owned(), "cedar = \"@/other.cedar\"", "other.cedar: No such file"),
        (POLICY.to_owned(), "cedar = \"policy.cedar\"", "absolute paths"),
        (POLICY.to_owned(), "entities = \"@/entities.json\"", "policy.entities goes with policy.cedar"),
        (POLICY.to_owned(), "cedar = \"@/policy.cedar\"\nfile = \"@/policy.toml\"", "one of them only"),
        (POLICY.to_owned(), "cedar = \"@/policy.cedar\"\ndangerously_allow_everything = true", "one of them only"),
    ] {
        let (is_fine, said) = check(&folder(&policy, keys), &[]);
        assert!(!is_fine && said.contains(reason), "{keys}\n{said}");
        println!("{said}");
    }
}
