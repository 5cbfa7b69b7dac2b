//! The daemon and a real broker that goes away, refuses it, or is another one by now.

use oc2_tests_broker::Mosquitto;
use rustix::process::Signal;

use crate::harness::{Center, Config, DEVICE, deny, query};
use crate::mqtt::{ALL, SLPF, dry_run, rule};

#[test]
fn a_broker_that_goes_away_takes_nothing_with_it_but_itself() {
    // MQTT-058, MQTT-060, MQTT-061
    for keeps in [false, true] {
        let broker = if keeps { Mosquitto::with().keeping_sessions().start() } else { Mosquitto::start() };
        let Some(mut broker) = broker else { return };
        // Nobody is there when the daemon starts.
        broker.stop();
        let config = dry_run(broker.port());
        let daemon = config.start();
        daemon.wait_for_log("No connection to the broker; trying again.", 1);
        daemon.command(&["deny", "ipv4_net", "10.0.0.0/8"]).expect(200);
        broker.start_again();
        daemon.wait_connected(1);
        assert_eq!(rule(&Center::connect(broker.port()).ask(ALL, &deny("one", "10.0.0.0/8"))), Some(999_980));
        broker.stop();
        daemon.wait_for_log("The connection to the broker was lost; trying again.", 1);
        daemon.command(&["deny", "ipv4_net", "10.0.0.0/8"]).expect(200);
        broker.start_again();
        daemon.wait_connected(2);
        assert_eq!(rule(&Center::connect(broker.port()).ask(SLPF, &deny("two", "10.0.0.0/8"))), Some(999_960));
        let (status, log) = daemon.terminate();
        assert!(status.success(), "{log}");
        // MQTT-121
        assert_eq!(log.matches("No TLS: for testing only.").count(), 1, "{log}");
        if keeps {
            // What came while the daemon was away, over a restart of the broker.
            Center::connect(broker.port()).send(DEVICE, &deny("three", "10.0.0.0/8"));
            broker.stop();
            broker.start_again();
            let mut center = Center::connect(broker.port());
            let _daemon = config.start_connected();
            assert_eq!(rule(center.hear().response()), Some(999_950));
        }
    }
}

#[test]
fn a_broker_that_refuses_us_costs_no_http_and_is_tried_again() {
    // MQTT-120, Q15
    let Some(broker) = Mosquitto::with().user("fw1", "right").user("soc", "right").start() else { return };
    let config = Config::new().slpf("dry-run", "");
    let secret = config.folder().join("password");
    write_secret(&secret, "wrong\n");
    let line = format!("username = \"fw1\"\npassword_file = {secret:?}");
    let config = config.broker(broker.port()).mqtt(&line);
    let daemon = config.start();
    daemon.wait_for_log("the broker refused the connection", 1);
    daemon.wait_for_log("Nothing is commanded through the broker; trying again.", 1);
    daemon.command(&["deny", "ipv4_net", "10.0.0.0/8"]).expect(200);
    write_secret(&secret, "right\n");
    daemon.wait_connected(1);
    let (status, log) = daemon.terminate();
    assert!(status.success() && !log.contains("right"), "{log}");
}

#[test]
fn a_password_that_changes_is_read_anew() {
    // MQTT-120, Q15
    let Some(mut broker) = Mosquitto::with().user("fw1", "first").keeping_sessions().start() else { return };
    let config = Config::new().slpf("dry-run", "");
    let secret = config.folder().join("password");
    write_secret(&secret, "first\n");
    let config = config.broker(broker.port()).mqtt(&format!("username = \"fw1\"\npassword_file = {secret:?}"));
    let daemon = config.start_connected();
    broker.stop();
    broker.change_password("fw1", "second");
    broker.start_again();
    daemon.wait_for_log("the broker refused the connection", 1);
    // As long as only the broker knows it, each attempt is in vain.
    daemon.wait_for_log("with password and certificates as they are now", 2);
    std::fs::remove_file(&secret).unwrap();
    daemon.wait_for_log("What it takes to connect to the broker is not there any more.", 1);
    write_secret(&secret, "second\n");
    daemon.wait_connected(2);
    let (status, log) = daemon.terminate();
    assert!(status.success() && !log.contains("second"), "{log}");
}

#[test]
fn a_hangup_tells_that_a_change_of_broker_needs_a_restart() {
    let Some(broker) = Mosquitto::start() else { return };
    let config = dry_run(broker.port());
    let daemon = config.start_connected();
    let config = config.mqtt("device_id = \"zulu\"").consumer("mode = \"strict\"");
    config.write();
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("The configuration was reloaded.", 1);
    let log = daemon.log();
    assert_eq!(log.matches("This change needs a restart to take effect.").count(), 2, "{log}");
    assert!(log.contains("key=\"mqtt\"") && log.contains("key=\"consumer.mode, as to"), "{log}");
    assert_eq!(Center::connect(broker.port()).ask(DEVICE, &query())["status"], 200);
}

#[test]
fn a_daemon_without_http_needs_no_broker_to_start_and_to_stop() {
    let config = Config::new().slpf("dry-run", "").without_http().broker(1);
    let daemon = config.start();
    daemon.wait_for_log("No connection to the broker; trying again.", 2);
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
}

/// A file for the owner's eyes.
fn write_secret(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
