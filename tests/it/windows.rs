//! start_time, stop_time and duration, and cancelling, with packets: over the end of the daemon, with both back ends.

use std::fs;
use std::time::SystemTime;

use oc2_actuator_iptables::testing::in_namespace;
use serde_json::json;

use crate::harness::{Config, Daemon, Reach, reach, run, serve, wait_until};

const BACKENDS: [&str; 2] = ["iptables", "nftables"];

/// Milliseconds since 1970, by the clock of this host.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_millis()).expect("it is not so late")
}

/// What is seen before a time; none if it came meanwhile.
fn before<T>(time: u64, see: impl FnOnce() -> T) -> Option<T> {
    let seen = see();
    (now() < time).then_some(seen)
}

/// Tells a story about a time that is ahead with each back end; anew with more time to it where the machine was too slow.
fn with_a_time_ahead(test: &str, story: fn(&str, u64) -> Option<()>) {
    in_namespace(test, || {
        run("ip link set lo up");
        let _server = serve(7000);
        for backend in BACKENDS {
            let tell = |milliseconds| {
                // What the one before has left.
                run("nft flush ruleset");
                story(backend, now() + milliseconds)
            };
            let told = [8_000, 30_000].into_iter().find_map(tell);
            assert!(told.is_some(), "this machine is too slow");
        }
    });
}

/// A command that is answered so before a time; none if that came meanwhile.
fn told_before(time: u64, daemon: &Daemon, words: &[&str], status: u64) -> Option<()> {
    let answer = before(time, || daemon.command(words))?;
    answer.expect(status);
    Some(())
}

fn reaches(hosts: &[u8]) -> Vec<Reach> {
    hosts.iter().map(|host| reach(&format!("127.0.0.{host}"), 7000)).collect()
}

fn net(host: u8) -> String {
    format!("127.0.0.{host}")
}

fn kill_and_start(daemon: Daemon, config: &Config) -> Daemon {
    daemon.kill();
    config.start()
}

#[test]
fn what_has_an_end_ends_on_time_though_the_daemon_was_killed() {
    // SLPF-224, SLPF-225, LS-126, S3
    with_a_time_ahead("windows::what_has_an_end_ends_on_time_though_the_daemon_was_killed", |backend, stop| {
        let config = Config::new().slpf(backend, "");
        let (daemon, at) = (config.start(), stop.to_string());
        daemon.command(&["deny", "ipv4_net", &net(2), "--stop-time", &at]).expect(200);
        daemon.command(&["deny", "ipv4_net", &net(3)]).expect(200);
        daemon.command(&["allow", "ipv4_net", &net(3), "--stop-time", &at]).expect(200);
        let suspended = daemon.command(&["deny", "ipv4_net", &net(4)]).expect(200).rule();
        daemon.command(&["delete", "slpf:rule_number", &suspended, "--stop-time", &at, "--anyway"]).expect(200);
        let in_window = [Reach::Dropped, Reach::Passes, Reach::Passes];
        let daemon = before(stop, || kill_and_start(daemon, &config))?;
        assert_eq!(before(stop, || reaches(&[2, 3, 4]))?, in_window, "{backend}");
        wait_until("the end of the window", || reaches(&[2, 3, 4]) == [Reach::Passes, Reach::Dropped, Reach::Dropped]);
        assert!(now() >= stop, "{backend}: it ended before its time");
        drop(kill_and_start(daemon, &config));
        assert_eq!(reaches(&[2, 3, 4]), [Reach::Passes, Reach::Dropped, Reach::Dropped], "{backend}");
        Some(())
    });
}

#[test]
fn what_ends_while_the_daemon_is_away_has_ended_when_it_comes_back() {
    with_a_time_ahead("windows::what_ends_while_the_daemon_is_away_has_ended_when_it_comes_back", |backend, stop| {
        let config = Config::new().slpf(backend, "");
        let daemon = config.start();
        let milliseconds = stop.checked_sub(now())?;
        let duration = format!("{milliseconds}ms");
        daemon.command(&["deny", "ipv4_net", &net(2), "--duration", &duration]).expect(200);
        let suspended = daemon.command(&["deny", "ipv4_net", &net(4)]).expect(200).rule();
        daemon.command(&["delete", "slpf:rule_number", &suspended, "--duration", &duration, "--anyway"]).expect(200);
        let last = now() + milliseconds;
        daemon.kill();
        assert_eq!(before(stop, || reaches(&[2, 4]))?, [Reach::Dropped, Reach::Passes], "{backend}");
        wait_until("the end of the window", || now() >= last);
        let _daemon = config.start();
        assert_eq!(reaches(&[2, 4]), [Reach::Passes, Reach::Dropped], "{backend}");
        Some(())
    });
}

#[test]
fn what_has_a_start_begins_on_time_though_the_daemon_was_killed() {
    // SLPF-224, SLPF-225, S3, M12
    with_a_time_ahead("windows::what_has_a_start_begins_on_time_though_the_daemon_was_killed", |backend, start| {
        let (config, at) = (Config::new().slpf(backend, ""), start.to_string());
        let daemon = config.start();
        let later = |words: &[&str]| told_before(start, &daemon, &[words, &["--start-time", &at]].concat(), 102);
        daemon.command(&["deny", "ipv4_net", &net(3)]).expect(200);
        let deleted = daemon.command(&["deny", "ipv4_net", &net(4)]).expect(200).rule();
        let suspended = daemon.command(&["deny", "ipv4_net", &net(5)]).expect(200).rule();
        later(&["deny", "ipv4_net", &net(2)])?;
        later(&["allow", "ipv4_net", &net(3), "--duration", "1h"])?;
        later(&["delete", "slpf:rule_number", &deleted, "--anyway"])?;
        later(&["delete", "slpf:rule_number", &suspended, "--duration", "1h", "--anyway"])?;
        let daemon = before(start, || kill_and_start(daemon, &config))?;
        let closed = [Reach::Passes, Reach::Dropped, Reach::Dropped, Reach::Dropped];
        assert_eq!(before(start, || reaches(&[2, 3, 4, 5]))?, closed, "{backend}");
        let open = [Reach::Dropped, Reach::Passes, Reach::Passes, Reach::Passes];
        wait_until("the start", || reaches(&[2, 3, 4, 5]) == open);
        assert!(now() >= start, "{backend}: it began before its time");
        drop(kill_and_start(daemon, &config));
        assert_eq!(reaches(&[2, 3, 4, 5]), open, "{backend}");
        Some(())
    });
}

#[test]
fn what_begins_while_the_daemon_is_away_is_made_up_for_in_the_order_of_the_times() {
    // SLPF-224, L13, M12
    with_a_time_ahead(
        "windows::what_begins_while_the_daemon_is_away_is_made_up_for_in_the_order_of_the_times",
        |backend, start| {
            let config = Config::new().slpf_with_updates(backend);
            let rules = json!([{"action": "deny", "target": {"ipv4_net": net(2)}}]);
            fs::write(config.folder().join("rules").join("new.json"), rules.to_string()).unwrap();
            let daemon = config.start();
            let [at, after] = [start, start + 1].map(|time| time.to_string());
            daemon.command(&["deny", "ipv4_net", &net(4)]).expect(200);
            let told = |words: &[&str], status| told_before(start, &daemon, words, status);
            // Told in another order: the file replaces what is there, and the rule comes after it.
            told(&["deny", "ipv4_net", &net(3), "--start-time", &after], 102)?;
            told(&["update", "file", "new.json", "--start-time", &at, "--anyway"], 102)?;
            told(&["deny", "ipv4_net", &net(5), "--start-time", &at, "--duration", "1ms"], 102)?;
            told(&["deny", "ipv4_net", &net(6), "--start-time", &at, "--command-id", "void"], 102)?;
            told(&["cancel", "command", "void"], 200)?;
            daemon.kill();
            before(start, || ())?;
            wait_until("the start", || now() > start + 1);
            let daemon = config.start();
            let made_up = [Reach::Dropped, Reach::Dropped, Reach::Passes, Reach::Passes, Reach::Passes];
            wait_until("what is late", || reaches(&[2, 3, 4, 5, 6]) == made_up);
            daemon.command(&["query", "command", "void"]).expect(200).expect_text("cancelled");
            let no_end = ["update", "file", "new.json", "--duration", "1h", "--anyway"];
            daemon.command(&no_end).expect(501).expect_text("Option not supported");
            Some(())
        },
    );
}

#[test]
fn what_was_performed_before_a_kill_is_undone_after_it() {
    // L27
    in_namespace("windows::what_was_performed_before_a_kill_is_undone_after_it", || {
        run("ip link set lo up");
        let _server = serve(7000);
        for backend in BACKENDS {
            run("nft flush ruleset");
            let config = Config::new().slpf(backend, "");
            let daemon = config.start();
            daemon.command(&["deny", "ipv4_net", &net(2), "--command-id", "denied"]).expect(200);
            daemon.command(&["deny", "ipv4_net", &net(3)]).expect(200);
            daemon.command(&["allow", "ipv4_net", &net(3), "--command-id", "allowed"]).expect(200);
            let rule = daemon.command(&["deny", "ipv4_net", &net(4)]).expect(200).rule();
            let delete = ["delete", "slpf:rule_number", &rule, "--duration", "1h", "--command-id", "gone", "--anyway"];
            daemon.command(&delete).expect(200);
            let daemon = kill_and_start(daemon, &config);
            assert_eq!(reaches(&[2, 3, 4]), [Reach::Dropped, Reach::Passes, Reach::Passes], "{backend}");
            for name in ["denied", "allowed", "gone"] {
                daemon.command(&["query", "command", name]).expect(200).expect_text("done with 200");
                daemon.command(&["cancel", "command", name]).expect(200);
            }
            let daemon = kill_and_start(daemon, &config);
            assert_eq!(reaches(&[2, 3, 4]), [Reach::Passes, Reach::Dropped, Reach::Dropped], "{backend}");
            for name in ["denied", "allowed", "gone"] {
                daemon.command(&["query", "command", name]).expect(200).expect_text("cancelled");
                daemon.command(&["cancel", "command", name]).expect(500).expect_text("too late");
            }
            daemon.command(&["cancel", "command", "never-heard-of"]).expect(404);
        }
    });
}
