use std::fs;
use std::os::unix::fs::symlink;

use oc2_core::Rejection;
use oc2_packet_filter::backend::{DryRun, Fault, Faulty};
use oc2_packet_filter::{Config, Flavor, PacketFilter};
use oc2_profile_slpf::Slpf;
use tempfile::TempDir;

use crate::support::{Firewall, command};

#[test]
fn the_rules_of_a_file_take_the_place_of_all() {
    let world = World::new();
    world.firewall.number(&command(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}"#));
    world.write(
        r#"[
            {"action":"deny","target":{"ipv4_net":"198.51.100.0/24"}},
            {"action":"allow","target":{"ipv6_net":"2001:db8::/32"},"args":{"slpf":{"insert_rule":1}}},
            {"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","dst_port":23}},
             "args":{"response_requested":"none","slpf":{"drop_process":"reject","persistent":false}},
             "actuator":{"slpf":{"asset_id":"30"}},"command_id":"c"}
        ]"#,
    );
    assert_eq!(world.update(""), Ok(()));
    assert_eq!(world.firewall.numbers(), [1, 999_970, 999_980]);
    assert!(world.firewall.kernel_agrees());
}

#[test]
fn a_file_with_nothing_in_it_removes_all_rules() {
    let world = World::new();
    world.firewall.number(&command(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}"#));
    world.write("[]");
    assert_eq!(world.update(""), Ok(()));
    assert_eq!(world.firewall.numbers(), [] as [i64; 0]);
}

#[test]
fn the_rules_of_a_file_survive_a_restart() {
    let mut world = World::new();
    world.write(
        r#"[
            {"action":"deny","target":{"ipv4_net":"198.51.100.0/24"}},
            {"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"persistent":false}}}
        ]"#,
    );
    assert_eq!(world.update(""), Ok(()));
    world.firewall.restart();
    assert_eq!(world.firewall.numbers(), [999_990]);
    assert!(world.firewall.kernel_agrees());
}

#[test]
fn a_path_is_the_directory_one_below_it_or_the_file() {
    let world = World::new();
    let dir = world.rules_dir.path().join("rules");
    fs::create_dir(dir.join("below")).unwrap();
    for file in [dir.join("rules.json"), dir.join("below/rules.json")] {
        fs::write(file, "[]").unwrap();
    }
    let dir = dir.to_str().unwrap();
    for path in [
        dir.to_owned(),
        format!("{dir}/"),
        format!("{dir}/below"),
        format!("{dir}/below/.."),
        format!("{dir}/rules.json"),
        format!("{dir}/below/rules.json"),
    ] {
        assert_eq!(world.update_from(&path), Ok(()), "{path}");
    }
    for path in [
        "",
        ".",
        "rules",
        "/",
        "/etc",
        "/nonexistent",
        &format!("{dir}/.."),
        &format!("{dir}/../rules2"),
        &format!("{dir}/below/other.json"),
        &format!("{dir}x"),
        &format!("{dir}/nonexistent"),
        "\\\\someshared-drive\\somedirectory\\configurations",
    ] {
        let refusal = world.update_from(path).unwrap_err();
        assert_eq!(refusal.status().as_u16(), 500, "{path}");
        assert!(refusal.text().starts_with("cannot access file: "), "{path}: {refusal}");
        assert!(!refusal.text().contains(dir), "{refusal}");
    }
}

// SLPF-177, SLPF-178
#[test]
fn nothing_but_a_file_of_the_directory_is_read() {
    let world = World::new();
    let dir = world.rules_dir.path().join("rules");
    fs::write(world.rules_dir.path().join("outside.json"), "[]").unwrap();
    symlink("../outside.json", dir.join("out.json")).unwrap();
    symlink("..", dir.join("up")).unwrap();
    symlink("/etc/passwd", dir.join("passwd")).unwrap();
    symlink("nowhere", dir.join("dangling")).unwrap();
    fs::write(dir.join("in.json"), "[]").unwrap();
    symlink("in.json", dir.join("link.json")).unwrap();
    fs::create_dir(dir.join("dir")).unwrap();
    std::process::Command::new("mkfifo").arg(dir.join("pipe")).status().unwrap();
    fs::File::create(dir.join("long")).unwrap().set_len((16 << 20) + 1).unwrap();
    for (name, expected) in [
        ("in.json", None),
        ("link.json", None),
        ("out.json", Some("the path is not that of the directory")),
        ("passwd", Some("the path is not that of the directory")),
        ("dangling", Some("there is no such file")),
        ("absent", Some("there is no such file")),
        ("dir", Some("it is not a regular file")),
        ("pipe", Some("it is not a regular file")),
        ("long", Some("it is longer than 16777216 bytes")),
        ("../outside.json", Some("the name is not that of a file alone")),
        ("up/outside.json", Some("the name is not that of a file alone")),
        ("/etc/passwd", Some("the name is not that of a file alone")),
        ("..", Some("the name is not that of a file alone")),
        ("", Some("the name is not that of a file alone")),
    ] {
        let refusal = world.update_named(name).err().map(|refusal| refusal.text().to_owned());
        let expected = expected.map(|reason| format!("cannot access file: {reason}"));
        let begins = refusal.as_deref().map(|text| expected.as_deref().is_some_and(|reason| text.starts_with(reason)));
        assert_eq!(begins, expected.as_ref().map(|_| true), "{name}: {refusal:?}");
    }
    let up = world.update_from(dir.join("up").to_str().unwrap()).unwrap_err();
    assert!(up.text().starts_with("cannot access file: the path"), "{up}");
}

#[test]
fn hashes_that_are_given_must_be_right() {
    let world = World::new();
    world.write("[]");
    let md5 = "D751713988987E9331980363E24189CE";
    let sha1 = "97D170E1550EEE4AFC0AF065B78CDA302A97674C";
    let sha256 = "4F53CDA18C2BAA0C0354BB5F9A3ECBE5ED12AB4D8E11BA873C2F11161202B945";
    let wrong = |hash: &str| format!("{}{}", if hash.starts_with('0') { 1 } else { 0 }, &hash[1..]);
    for (hashes, expected) in [
        (format!(r#""md5":"{md5}""#), None),
        (format!(r#""sha1":"{sha1}""#), None),
        (format!(r#""sha256":"{sha256}""#), None),
        (format!(r#""md5":"{md5}","sha1":"{sha1}","sha256":"{sha256}""#), None),
        (format!(r#""md5":"{}""#, wrong(md5)), Some("md5")),
        (format!(r#""sha1":"{}""#, wrong(sha1)), Some("sha1")),
        (format!(r#""sha256":"{}""#, wrong(sha256)), Some("sha256")),
        (format!(r#""md5":"{md5}","sha256":"{}""#, wrong(sha256)), Some("sha256")),
    ] {
        let refusal = world.update(&format!(r#","hashes":{{{hashes}}}"#)).err();
        let expected = expected.map(|name| format!("cannot access file: its {name} is another one"));
        assert_eq!(refusal.as_ref().map(Rejection::text), expected.as_deref(), "{hashes}");
    }
}

#[test]
fn content_that_is_no_list_of_rules_says_where() {
    let world = World::new();
    world.firewall.number(&command(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}"#));
    let good = r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}"#;
    for (content, expected) in [
        ("", "not JSON: "),
        ("[", "not JSON: "),
        ("{}", "invalid type: map, expected a list of commands"),
        ("[1]", "[0]: "),
        (&format!("[{good}] x"), "not JSON: "),
        (&format!("[{good},{{}}]"), "[1]: "),
        (
            &format!("[{good},{good},{{\"action\":\"deny\",\"target\":{{\"ipv4_net\":\"192.0.2\"}}}}]"),
            "[2].target.ipv4_net: ",
        ),
        (r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"x":1}]"#, "[0]"),
        (
            r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"duration":5}}]"#,
            "[0]: Option not supported: args.duration",
        ),
        (
            r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"start_time":5}}]"#,
            "[0]: Option not supported: args.start_time",
        ),
        (
            r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"x":5}}}]"#,
            "[0]: Option not supported: args.slpf.x",
        ),
        (
            r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"persistent":5}}}]"#,
            "[0]: args.slpf.persistent: ",
        ),
        (
            r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"drop_process":"false_ack"}}}]"#,
            "[0]: Option not supported: args.slpf.drop_process",
        ),
        (
            r#"[{"action":"deny","target":{"ipv4_connection":{"protocol":"icmp","dst_port":1}}}]"#,
            "[0]: Rule not updated: an ICMP code",
        ),
        (r#"[{"action":"delete","target":{"slpf:rule_number":5}}]"#, "[0]: a file of rules holds allow and deny"),
        (r#"[{"action":"update","target":{"file":{"name":"x"}}}]"#, "[0]: a file of rules holds allow and deny"),
        (r#"[{"action":"deny","target":{"domain_name":"a.example"}}]"#, "[0]: a file of rules holds allow and deny"),
        (
            r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"actuator":{"slpf":{"asset_id":"31"}}}]"#,
            "[0]: actuator: this is not the one",
        ),
        (
            r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"actuator":{"x-other":{}}}]"#,
            "[0]: actuator: this is not the one",
        ),
        (
            r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"insert_rule":5}}},
                {"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"insert_rule":5}}}]"#,
            "[1]: args.slpf.insert_rule: 5 stands twice",
        ),
    ] {
        world.write(content);
        let refusal = world.update("").unwrap_err();
        assert_eq!(refusal.status().as_u16(), 500, "{content}");
        assert!(refusal.text().starts_with(&format!("Rule not updated: {expected}")), "{content}: {refusal}");
        assert_eq!(world.firewall.numbers(), [999_990]);
    }
    world.write_bytes(b"[\"\xff\"]");
    assert!(world.update("").unwrap_err().text().starts_with("Rule not updated: not UTF-8 from byte 2 on"));
}

#[test]
fn a_file_may_give_numbers_that_were_used_before() {
    let world = World::new();
    let number = world.firewall.number(&command(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}"#));
    world.firewall.send(&Slpf::delete(number).build().unwrap()).unwrap();
    let rule = r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"insert_rule":999990}}}"#;
    for _ in 0..2 {
        world.write(&format!("[{rule}]"));
        assert_eq!(world.update(""), Ok(()));
        assert_eq!(world.firewall.numbers(), [999_990]);
    }
}

/// In force whole, in both families and in the store, or everything is as it was.
#[tokio::test]
async fn a_file_is_put_in_force_whole_or_not_at_all() {
    let rules_dir = TempDir::new().unwrap();
    let content =
        r#"[{"action":"deny","target":{"ipv4_net":"192.0.2.9"}},{"action":"deny","target":{"ipv6_net":"::9"}}]"#;
    fs::write(rules_dir.path().join("rules.json"), content).unwrap();
    let config = Config { update_dir: Some(rules_dir.path().into()), ..Config::default() };
    for fault in [Fault::Refuse, Fault::LoseCommand, Fault::LoseAnswer] {
        let state_dir = TempDir::new().unwrap();
        let kernel = DryRun::new();
        let (backend, faults) = Faulty::new(kernel.clone());
        let actuator = PacketFilter::open(config.clone(), state_dir.path(), Box::new(backend)).unwrap();
        let any = oc2_actuator::AnyActuator::new(actuator.clone());
        for net in [r#"{"ipv4_net":"192.0.2.1"}"#, r#"{"ipv6_net":"::1"}"#] {
            let deny = command(&format!(r#"{{"action":"deny","target":{net}}}"#));
            oc2_actuator::testing::perform(&any, &deny).await.unwrap();
        }
        let (rules, held) = (actuator.rules().await.unwrap(), kernel.rules());
        let update = Slpf::update("rules.json").build().unwrap();
        faults.on_call(0, fault);
        let refusal = oc2_actuator::testing::perform(&any, &update).await.unwrap_err();
        assert!(refusal.text().starts_with("Rule not updated: the kernel"), "{refusal}");
        assert_eq!(actuator.rules().await.unwrap(), rules);
        assert_eq!(kernel.rules(), held);
        oc2_actuator::testing::perform(&any, &update).await.unwrap();
        assert_ne!(kernel.rules(), held);
        assert_eq!(actuator.rules().await.unwrap().len(), 2);
    }
}

on_every_flavor! {
    // SLPF-163, SLPF-164
    fn the_kernel_holds_the_rules_of_a_file(flavor) {
        let rules_dir = TempDir::new().unwrap();
        let config = Config { flavor, update_dir: Some(rules_dir.path().into()), ..Config::default() };
        let mut firewall = Firewall::open(config);
        firewall.number(&command(r#"{"action":"deny","target":{"ipv6_net":"2001:db8::1"}}"#));
        let update = Slpf::update("rules.json").build().unwrap();
        for (n, is_good) in [(100, true), (0, true), (7, true), (3, false)] {
            let rule = |i| format!(r#"{{"action":"deny","target":{{"ipv4_net":"192.0.2.{i}"}}}}"#);
            let v6 = r#"{"action":"allow","target":{"ipv6_connection":{"protocol":"tcp","dst_port":80}}}"#.to_owned();
            let last = if is_good { v6 } else { "{}".to_owned() };
            let rules: Vec<String> = (0..n).map(rule).chain([last]).collect();
            fs::write(rules_dir.path().join("rules.json"), format!("[{}]", rules.join(","))).unwrap();
            let numbers = firewall.numbers();
            assert_eq!(firewall.send(&update).is_ok(), is_good);
            assert_eq!(firewall.numbers() == numbers, !is_good);
            assert!(firewall.kernel_agrees());
            firewall.restart();
            assert!(firewall.kernel_agrees());
        }
    }
}

#[test]
fn many_rules_are_read_and_too_many_are_refused() {
    let world = World::new();
    let rule =
        |i: usize| format!(r#"{{"action":"deny","target":{{"ipv4_net":"10.{}.{}.0/24"}}}}"#, i / 256 % 256, i % 256);
    let file = |n: usize| format!("[{}]", (0..n).map(rule).collect::<Vec<_>>().join(","));
    world.write(&file(20_000));
    assert_eq!(world.update(""), Ok(()));
    assert_eq!(world.firewall.numbers().len(), 20_000);
    world.write(&file(100_001));
    let refusal = world.update("").unwrap_err();
    assert!(refusal.text().starts_with("Rule not updated: more than 100000 commands"), "{refusal}");
}

/// A firewall with the asset id 30, and a directory of rules: `rules` in one of its own.
struct World {
    firewall: Firewall,
    rules_dir: TempDir,
}

impl World {
    fn new() -> Self {
        let rules_dir = TempDir::new().unwrap();
        let dir = rules_dir.path().join("rules");
        fs::create_dir(&dir).unwrap();
        let firewall = Firewall::dry_with(&format!("asset_id = \"30\"\nupdate_dir = {dir:?}"));
        Self { firewall, rules_dir }
    }

    fn write(&self, content: &str) {
        self.write_bytes(content.as_bytes());
    }

    fn write_bytes(&self, content: &[u8]) {
        fs::write(self.rules_dir.path().join("rules/rules.json"), content).unwrap();
    }

    /// What becomes of an update from `rules.json`, with more of the target if there is more.
    fn update(&self, more: &str) -> Result<(), Rejection> {
        self.send(&format!(r#"{{"name":"rules.json"{more}}}"#))
    }

    fn update_from(&self, path: &str) -> Result<(), Rejection> {
        self.update(&format!(r#","path":{}"#, serde_json::to_string(path).unwrap()))
    }

    fn update_named(&self, name: &str) -> Result<(), Rejection> {
        self.send(&format!(r#"{{"name":{}}}"#, serde_json::to_string(name).unwrap()))
    }

    fn send(&self, file: &str) -> Result<(), Rejection> {
        let update = command(&format!(r#"{{"action":"update","target":{{"file":{file}}}}}"#));
        let results = self.firewall.send(&update)?;
        assert!(results.is_none());
        Ok(())
    }
}
