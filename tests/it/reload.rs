//! Certificates, lists and keys that are replaced while connections are open (DECISIONS H7).

use oc2_tests_broker::{Authority, Order};
use rustix::process::Signal;

use crate::harness::{Daemon, HERE, Site};

const QUERY: [&str; 2] = ["query", "features"];
const OK: &str = "HTTP/1.1 200 OK";

fn hang_up(daemon: &Daemon, n_reloads: usize) {
    daemon.signal(Signal::HUP);
    daemon.wait_for_log("The configuration was reloaded.", n_reloads);
}

#[test]
fn a_new_certificate_is_served_and_old_connections_go_on() {
    let mut site = Site::new();
    let daemon = site.start();
    let soc = site.producer("soc-1");
    let mut line = site.line(&daemon, Some(&soc));
    assert_eq!(line.ask().unwrap().0, OK);
    // By another authority, so that it is seen from outside which of the two is shown.
    let next = Authority::new("the next one");
    site.identify(&next.fill(Order::server(&HERE)));
    hang_up(&daemon, 1);
    assert_eq!(line.ask().unwrap().0, OK);
    let answer = site.ask_as(&daemon, &soc, &QUERY);
    assert!(answer.exit == Some(3) && answer.stderr.contains("was not issued by an authority"), "{answer:?}");
    site.consumers = next;
    site.ask_as(&daemon, &soc, &QUERY).expect(200);
    assert_eq!(line.ask().unwrap().0, OK);
    let (status, log) = daemon.terminate();
    assert!(status.success() && !log.contains("has expired"), "{log}");
}

#[test]
fn a_certificate_that_has_expired_is_told_of_at_the_start_and_at_a_reload() {
    let site = Site::new();
    let expire = || site.identify(&site.consumers.fill(Order::server(&HERE).valid(2000, 2001)));
    expire();
    let daemon = site.start();
    daemon.wait_for_log("the certificate of \"CN=server\" has expired", 1);
    hang_up(&daemon, 1);
    daemon.wait_for_log("the certificate of \"CN=server\" has expired", 2);
    site.identify(&site.consumers.fill(Order::server(&HERE)));
    hang_up(&daemon, 2);
    site.ask_as(&daemon, &site.producer("soc-1"), &QUERY).expect(200);
    let (_, log) = daemon.terminate();
    assert_eq!(log.matches("has expired").count(), 2, "{log}");
}

// HTTPS-027
#[test]
fn who_is_revoked_is_refused_from_the_reload_on() {
    let site = Site::new();
    let list = site.write("revoked.pem", &site.producers.revoke(&[], 4000));
    let site = site.http(&format!("crls = [{:?}]", list.display().to_string()));
    let daemon = site.start();
    let [first, second] = [7, 8].map(|serial| site.producers.fill(Order::client("soc-1").serial(serial)));
    let (mut revoked, mut other) = (site.line(&daemon, Some(&first)), site.line(&daemon, Some(&second)));
    assert_eq!((revoked.ask().unwrap().0, other.ask().unwrap().0), (OK.to_owned(), OK.to_owned()));
    site.write("revoked.pem", &site.producers.revoke(&[7], 4000));
    hang_up(&daemon, 1);
    // On the connection that was there, in words; a new one does not come about.
    let (status, body) = revoked.ask().unwrap();
    assert!(status == "HTTP/1.1 401 Unauthorized" && body.contains("the certificate was revoked"), "{status} {body}");
    let answer = site.ask_as(&daemon, &first, &QUERY);
    assert!(answer.exit == Some(3) && answer.stderr.contains("it was revoked"), "{answer:?}");
    assert_eq!(other.ask().unwrap().0, OK);
    site.ask_as(&daemon, &second, &QUERY).expect(200);
}

#[test]
fn a_reload_that_fails_changes_nothing_and_says_why() {
    let site = Site::new();
    let daemon = site.start();
    let soc = site.producer("soc-1");
    let good = std::fs::read_to_string(site.config.folder().join("fw1.key")).unwrap();
    let other = site.consumers.fill(Order::server(&HERE));
    for (n_failures, (name, text, reason)) in (1..).zip([
        ("fw1.key", &other.key[..], "our certificate with our key cannot be used"),
        ("fw1.key", "no PEM", "our key cannot be read"),
        ("producers.pem", "", "the authorities cannot be read"),
    ]) {
        site.write(name, text);
        daemon.signal(Signal::HUP);
        daemon.wait_for_log("was not reloaded: it, policy and certificates stay as they were", n_failures);
        assert!(daemon.log().contains(reason), "{reason}: {}", daemon.log());
        site.ask_as(&daemon, &soc, &QUERY).expect(200);
        site.write("fw1.key", &good);
        site.write("producers.pem", site.producers.pem());
    }
    hang_up(&daemon, 1);
    site.ask_as(&daemon, &soc, &QUERY).expect(200);
}

#[test]
fn what_takes_a_restart_is_said_and_security_is_not_lost_meanwhile() {
    let site = Site::new();
    let daemon = site.start();
    let text = std::fs::read_to_string(site.config.path()).unwrap();
    let kept: Vec<_> =
        text.lines().filter(|line| !["cert =", "key =", "ca ="].iter().any(|key| line.starts_with(key))).collect();
    std::fs::write(site.config.path(), kept.join("\n").replace("[http]", "[http]\ntesting = true")).unwrap();
    hang_up(&daemon, 1);
    assert!(daemon.log().contains("needs a restart") && daemon.log().contains("key=\"http"), "{}", daemon.log());
    site.ask_as(&daemon, &site.producer("soc-1"), &QUERY).expect(200);
    let answer = site.ask(&daemon, &QUERY);
    assert!(answer.exit == Some(3) && answer.stderr.contains("it wants a certificate"), "{answer:?}");
}
