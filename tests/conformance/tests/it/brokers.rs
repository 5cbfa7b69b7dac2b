//! Consumers behind brokers that want to know who comes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use oc2_tests_broker::{Authority, Mosquitto};

use crate::ours::Daemon;
use crate::suite::run;

#[test]
fn a_consumer_behind_a_broker_with_tls_and_passwords_is_met() {
    let authority = Authority::new("tests");
    let server = authority.server(&["localhost"]);
    let builder = Mosquitto::with().tls(&server).user("fw1", "of the daemon").user("soc", "of the suite");
    let Some(broker) = builder.start() else { return };
    let dir = tempfile::tempdir().expect("there is room");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        path.display().to_string()
    };
    let (ca, own, wrong) = (file("ca", authority.pem()), file("suite", "of the suite\n"), file("wrong", "another"));
    let other = file("other", Authority::new("others").pem());
    let url = format!("mqtts://localhost:{}", broker.port());
    let _daemon = Daemon::at(
        broker.port(),
        &format!(
            "broker = {url:?}\nca = {ca:?}\nusername = \"fw1\"\npassword_file = {:?}\n",
            file("daemon", "of the daemon")
        ),
    );
    let common = ["--consumer", &url, "--device", "fw1.example.net", "--id", "MQTT-011", "--username", "soc"];
    let met = run(&[&common[..], &["--ca", &ca, "--password-file", &own]].concat());
    assert_eq!((met.exit, met.verdict("MQTT-011")), (Some(0), "met"), "{}", met.stderr);
    for (ca, password, reason) in [(&ca, &wrong, "not authorized"), (&other, &own, "invalid peer certificate")] {
        let refused = run(&[&common[..], &["--ca", ca, "--password-file", password]].concat());
        assert_eq!(refused.exit, Some(3), "{}", refused.stderr);
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
}
