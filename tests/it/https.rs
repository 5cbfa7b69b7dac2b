//! Commands over HTTPS, between the two programs: who is let in, and who is told what (HTTPS 3.2.3, 3.2.4).

use oc2_tests_broker::{Authority, Order};
use serde_json::json;

use crate::harness::{Answer, Config, HERE, Line, Site, command};

const QUERY: [&str; 2] = ["query", "features"];

/// Nothing was exchanged, and this is why.
#[track_caller]
fn check_refused(answer: &Answer, reason: &str) {
    assert_eq!(answer.exit, Some(3), "{answer:?}");
    assert!(answer.stderr.contains(reason), "{reason}: {answer:?}");
}

const POLICY: &str = r#"
[from]
"soc-1.example.net" = ["soc-1", "night-shift"]
[[rule]]
name = "soc-1 stops nets"
who = "soc-1.example.net"
actions = ["deny", "query"]
targets = "any"
[[rule]]
name = "auditors look"
who = "auditor.example.net"
actions = "query"
targets = "features"
"#;

// HTTPS-001, HTTPS-014, HTTPS-027, HTTPS-028, HTTPS-070, HTTPS-073, HTTPS-074, M6
#[test]
fn a_certificate_says_who_commands_and_the_policy_what_they_may() {
    let site = Site::new().policy(POLICY).slpf();
    let audit = site.config.folder().join("audit.jsonl");
    let site =
        Site { config: site.config.table(&format!("[audit]\nfile = {:?}", audit.display().to_string())), ..site };
    let daemon = site.start();
    let (soc, auditor) = (site.producer("SOC-1.example.net"), site.producer("auditor.example.net"));
    let deny = ["deny", "ipv4_net", "198.51.100.0/24"];
    let as_soc = |from: &str| site.ask_as(&daemon, &soc, &[&["--from", from], &deny[..]].concat());
    assert_eq!(as_soc("soc-1").expect(200).rule(), "999990");
    as_soc("night-shift").expect(200);
    as_soc("auditor").expect(401).expect_text("headers.from: not a name of this peer");
    site.ask_as(&daemon, &auditor, &[&["--from", "auditor"], &QUERY[..]].concat()).expect(200);
    site.ask_as(&daemon, &auditor, &[&["--from", "auditor"], &deny[..]].concat()).expect(403);
    // A name that is listed for one is nobody else's.
    site.ask_as(&daemon, &auditor, &[&["--from", "soc-1"], &QUERY[..]].concat()).expect(401);
    let (status, log) = daemon.terminate();
    assert!(status.success() && !log.contains("Plain HTTP"), "{log}");
    assert!(log.contains("Listening on https://127.0.0.1:"), "{log}");
    let records = std::fs::read_to_string(audit).unwrap();
    let peers: Vec<_> = records
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|record| record["target"] != json!(null))
        .map(|record| record["peer"].clone())
        .collect();
    assert_eq!(peers.len(), 6, "{records}");
    assert_eq!((&peers[0], &peers[4]), (&json!("soc-1.example.net"), &json!("auditor.example.net")), "{records}");
}

// HTTPS-027, HTTPS-074
#[test]
fn whoever_has_no_good_certificate_is_not_let_in() {
    let site = Site::new();
    let list = site.write("revoked.pem", &site.producers.revoke(&[7], 4000));
    let site = site.http(&format!("crls = [{:?}]", list.display().to_string()));
    let daemon = site.start();
    let order = || Order::client("soc-1");
    let by_us = |order| site.producers.fill(order);
    check_refused(&site.ask(&daemon, &QUERY), "it wants a certificate, and none was shown");
    for (certificate, reason) in [
        (
            Authority::new("somebody else").fill(order()),
            "it refuses our certificate: its authority is not trusted there",
        ),
        (site.consumers.fill(order()), "it refuses our certificate: its authority is not trusted there"),
        (by_us(order().valid(2000, 2001)), "it refuses our certificate: it is not valid now"),
        (by_us(order().valid(4000, 4001)), "it refuses our certificate: it is not valid now"),
        (by_us(order().serial(7)), "it refuses our certificate: it was revoked"),
        (by_us(Order::server(&["soc-1"])), "it refuses our certificate"),
    ] {
        check_refused(&site.ask_as(&daemon, &certificate, &QUERY), reason);
    }
    // Who has one without a name in it is told so.
    let nameless = site.producers.client("soc-1");
    site.ask_as(&daemon, &nameless, &QUERY).expect(401).expect_text("the certificate does not name its owner");
    site.ask_as(&daemon, &by_us(order().serial(8)), &QUERY).expect(200);
    let (_, log) = daemon.terminate();
    assert!(log.contains("A TLS handshake failed."), "{log}");
}

// H6
#[test]
fn the_common_name_counts_where_the_operator_says_so() {
    let site = Site::new()
        .http("identity = \"alternative-or-common-name\"")
        .policy(&POLICY.replace("auditor.example.net", "soc 2"));
    let daemon = site.start();
    site.ask_as(&daemon, &site.producers.client("soc 2"), &QUERY).expect(200);
    site.ask_as(&daemon, &site.producers.client("soc 3"), &QUERY).expect(403);
}

// HTTPS-028, HTTPS-074
#[test]
fn a_producer_does_not_command_whom_it_cannot_verify() {
    let by = |order: Order| {
        let site = Site::new();
        site.identify(&site.consumers.fill(order));
        site
    };
    let here = || Order::server(&HERE);
    for (site, reason) in [
        (by(here().valid(2000, 2001)), "its certificate has expired"),
        (by(here().valid(4000, 4001)), "its certificate is not valid yet"),
        (by(Order::server(&["fw2.example.net"])), "its certificate is for another name: fw2.example.net"),
        (by(Order::client("localhost")), "its certificate is for another"),
        (
            Site { consumers: Authority::new("somebody else"), ..Site::new() },
            "its certificate was not issued by an authority that is trusted here",
        ),
    ] {
        let daemon = site.start();
        let answer = site.ask_as(&daemon, &site.producer("soc-1"), &QUERY);
        check_refused(&answer, reason);
        assert!(answer.stderr.contains("--ca says whom to trust"), "{answer:?}");
        let (_, log) = daemon.terminate();
        assert!(!log.contains("oc2::audit"), "nothing was performed: {log}");
    }
}

// HTTPS-058
#[test]
fn the_wrong_scheme_is_said_in_plain_words() {
    let site = Site::new();
    let daemon = site.start();
    let answer = command(&daemon.url().replace("https", "http"), &QUERY);
    check_refused(&answer, "if TLS is spoken there, it is https://");
    assert_eq!(Line::to(daemon.address().port()).ask(), None, "no HTTP, and no redirect");
    drop(daemon);

    let config = Config::new();
    let daemon = config.start();
    check_refused(&site.ask_at(&daemon.url().replace("http", "https")), "it does not speak TLS");
}

// HTTPS-056, HTTPS-057, H5
#[test]
fn nothing_starts_that_is_neither_secure_nor_meant_for_testing() {
    for (lines, reason) in [
        ("", "http.cert is missing: commands over HTTP come by TLS"),
        ("cert = \"/x\"", "http.key is missing"),
        ("cert = \"/x\"\nkey = \"/y\"", "http.ca is missing: nobody commands unknown"),
        ("testing = false", "http.cert is missing"),
        ("testing = true\ncert = \"/x\"", "http.cert goes with TLS, and http.testing = true is plain HTTP"),
        ("testing = true\nca = \"/x\"", "http.ca goes with TLS"),
        ("force = true", "http.force is for plain HTTP"),
        ("cert = \"/nowhere\"\nkey = \"/y\"\nca = \"/z\"", "http.cert /nowhere: No such file"),
        (
            "cert = \"/x\"\nkey = \"/y\"\nca = \"/z\"\n[http.tokens]\nissuer = \"i\"\naudience = \"a\"\nkeys = \"/k\"",
            "http.ca or [http.tokens], and not both",
        ),
        ("tls = true", "unknown field `tls`"),
    ] {
        // The scheme keeps the harness from adding a line of its own.
        let config = lines.lines().fold(Config::new().secure(), Config::http);
        let said = String::from_utf8(config.check().stderr).unwrap();
        assert!(said.contains(reason), "{lines}: {said}");
        let (status, log) = config.launch().ends();
        assert!(status.code() == Some(1) && log.contains(reason), "{lines}: {log}");
    }
    let said = String::from_utf8(Config::new().secure().check().stderr).unwrap();
    assert!(said.contains("say testing = true") && said.contains("[http]"), "{said}");
}

// HTTPS-006, HTTPS-057, HTTPS-071, HTTPS-072, H4, H5
#[test]
fn a_secure_consumer_listens_on_the_port_of_https_and_on_no_other() {
    let site = Site::new();
    let daemon = site.start();
    assert_eq!(daemon.ports(), [daemon.address().port()]);
    drop(daemon);
    let text = std::fs::read_to_string(site.config.path()).unwrap();
    let listen = text.lines().find(|line| line.starts_with("listen")).unwrap();
    std::fs::write(site.config.path(), text.replace(listen, "")).unwrap();
    let said = String::from_utf8(site.config.check_as_it_is().stdout).unwrap();
    assert!(said.contains("listens on https://0.0.0.0:443/.well-known/openc2"), "{said}");
}

// HTTPS-005, HTTPS-056, HTTPS-061, H5
#[test]
fn plain_http_stays_on_this_host_unless_it_is_forced() {
    let open_to_all = |lines: &str| {
        let config = lines.lines().fold(Config::new(), Config::http);
        config.write();
        let text = std::fs::read_to_string(config.path()).unwrap().replace("127.0.0.1", "0.0.0.0");
        std::fs::write(config.path(), text).unwrap();
        config
    };
    let config = open_to_all("");
    let (status, log) = config.launch_as_it_is().ends();
    assert!(
        status.code() == Some(1) && log.contains("can be reached from other hosts") && log.contains("force = true"),
        "{log}"
    );
    let config = open_to_all("force = true");
    let daemon = config.launch_as_it_is();
    daemon.wait_for_log("Listening on http://0.0.0.0:", 1);
    let (_, log) = daemon.terminate();
    assert!(log.contains("Plain HTTP (http.testing = true)") && log.contains("DANGER: http.force is set"), "{log}");

    let config = Config::new();
    let (_, log) = config.start().terminate();
    assert!(log.contains("Plain HTTP (http.testing = true)") && !log.contains("DANGER: http.force"), "{log}");
}

#[test]
fn a_check_looks_into_certificates_and_keys() {
    let site = Site::new();
    let check = |site: &Site| {
        let output = site.config.check();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).join("");
        (output.status.success(), said)
    };
    let (is_fine, said) = check(&site);
    assert!(is_fine && said.contains("listens on https://127.0.0.1:") && !said.contains("WARNING"), "{said}");
    assert!(
        said.contains("for Producers with a certificate of an authority in")
            && said.contains("(without revocation lists)"),
        "{said}"
    );

    site.identify(&site.consumers.fill(Order::server(&HERE).valid(2000, 2001)));
    let (is_fine, said) = check(&site);
    assert!(is_fine && said.contains("WARNING: http.cert") && said.contains("CN=server\" has expired"), "{said}");

    let (own, other) = (site.consumers.fill(Order::server(&["a"])), site.consumers.fill(Order::server(&["a"])));
    site.write("fw1.pem", &own.pem);
    site.write("fw1.key", &other.key);
    let (is_fine, said) = check(&site);
    assert!(!is_fine && said.contains("fw1.key: our certificate with our key cannot be used"), "{said}");
    assert!(!said.contains(": ok"), "{said}");
    site.write("fw1.pem", "no PEM");
    let (is_fine, said) = check(&site);
    assert!(!is_fine && said.contains("http.cert") && said.contains("there is no certificate in it"), "{said}");
    site.identify(&own);
    site.write("producers.pem", "no PEM");
    let (is_fine, said) = check(&site);
    assert!(!is_fine && said.contains("http.ca") && said.contains("there is no certificate in it"), "{said}");
    site.write("producers.pem", site.producers.pem());
    let key = site.write("fw1.key", &own.key);
    std::fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (is_fine, said) = check(&site);
    assert!(
        !is_fine && said.contains("http.key") && said.contains("its mode 644 lets others read or write it"),
        "{said}"
    );

    let site = Site::new();
    let list = site.write("revoked.pem", &site.producers.revoke(&[7], 2001));
    let site = site.http(&format!("crls = [{:?}]", list.display().to_string()));
    let (is_fine, said) = check(&site);
    assert!(is_fine && said.contains("WARNING: http.crls") && said.contains("CN=producers\" has expired"), "{said}");
}
