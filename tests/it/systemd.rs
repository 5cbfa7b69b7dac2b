//! The unit in `contrib/systemd`, judged by systemd itself where it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oc2_actuator_iptables::testing::note;
use tempfile::TempDir;

use crate::harness::binary;

/// A worse exposure than this, of 10, fails. It was 1.6 with systemd 252.
const MOST_EXPOSURE: f32 = 2.0;

fn unit() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above");
    root.join("contrib/systemd/oc2-consumer.service")
}

/// What `systemd-analyze` says; none where there is none.
fn systemd_analyze(arguments: &[&str], unit: &Path) -> Option<(bool, String)> {
    let Ok(output) = Command::new("systemd-analyze").args(arguments).arg(unit).env("LC_ALL", "C.UTF-8").output() else {
        note("systemd is not installed");
        return None;
    };
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn the_unit_is_right() {
    // Where the program is here.
    let text = fs::read_to_string(unit()).unwrap();
    assert!(text.contains("ExecStart=/usr/bin/oc2-consumer run "), "{text}");
    let folder = TempDir::new().unwrap();
    let here = folder.path().join("oc2-consumer.service");
    fs::write(&here, text.replace("/usr/bin/oc2-consumer", &binary("oc2-consumer").display().to_string())).unwrap();
    if let Some((is_right, said)) = systemd_analyze(&["verify", "--man=no"], &here) {
        assert!(is_right && said.is_empty(), "{said}");
    }
}

#[test]
fn the_unit_exposes_little() {
    let Some((_, said)) = systemd_analyze(&["security", "--offline=yes", "--no-pager"], &unit()) else { return };
    if said.contains("unrecognized option") {
        return note("systemd is older than 250");
    }
    let last = said.lines().find_map(|line| line.split_once("Overall exposure level for oc2-consumer.service: "));
    let (_, exposure) = last.unwrap_or_else(|| panic!("{said}"));
    let exposure: f32 = exposure.split_whitespace().next().and_then(|text| text.parse().ok()).expect("a number");
    println!("exposure {exposure}");
    assert!(exposure <= MOST_EXPOSURE, "{said}");
}

#[test]
fn the_unit_asks_for_one_capability_and_two_folders() {
    let text = fs::read_to_string(unit()).unwrap();
    let values = |key: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.split_once('=').filter(|(name, _)| *name == key));
        lines.map(|(_, value)| value.to_owned()).collect()
    };
    for key in ["AmbientCapabilities", "CapabilityBoundingSet"] {
        assert_eq!(values(key), ["CAP_NET_ADMIN"], "{key}");
    }
    assert_eq!((values("StateDirectory"), values("StateDirectoryMode")), (vec!["oc2".into()], vec!["0700".into()]));
    assert_eq!((values("LogsDirectory"), values("LogsDirectoryMode")), (vec!["oc2".into()], vec!["0700".into()]));
    assert_eq!(values("ProtectSystem"), ["strict"]);
    assert!(values("ReadWritePaths").is_empty() && values("RuntimeDirectory").is_empty());
}
