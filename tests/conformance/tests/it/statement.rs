//! `CONFORMANCE.md` is what a run says.

use std::path::Path;

use oc2_tests_broker::Mosquitto;

use crate::suite::run;

#[test]
fn the_statement_in_the_repository_is_that_of_a_run() {
    // Without a broker half of it would be missing; where CI is set that is a failure, and says so.
    if Mosquitto::start().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("there is room");
    let file = dir.path().join("CONFORMANCE.md");
    let run = run(&["--statement", &file.display().to_string()]);
    let empty: [String; 0] = [];
    assert_eq!(run.with("not met"), empty, "{}", run.stderr);
    assert_eq!(run.exit, Some(0), "{}", run.stderr);
    // Nor does it say what packets show where there are no namespaces for them.
    if run.stderr.contains("No packet was looked at") {
        assert!(std::env::var_os("CI").is_none(), "{}", run.stderr);
        println!("skipped: {}", run.stderr);
        return;
    }
    let kept = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../CONFORMANCE.md"));
    let (kept, now) = (kept.expect("it is kept"), std::fs::read_to_string(&file).expect("it was written"));
    let differing = kept.lines().zip(now.lines()).find(|(kept, now)| kept != now);
    assert!(kept == now, "run `cargo xtask conformance --statement` and look at what changed: {differing:?}");
}
