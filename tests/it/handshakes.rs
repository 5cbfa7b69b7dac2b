//! Other implementations of TLS and HTTP at the door of the daemon: `openssl s_client` and `curl` (HTTPS 3.2.3).

use std::io::Write;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::harness::{Daemon, Site};

/// Whether there is such a program. Where everything has to run, there has to be one.
fn is_there(program: &str, to_try: &str) -> bool {
    let found = Command::new(program).arg(to_try).output().is_ok_and(|output| output.status.success());
    assert!(found || env::var_os("CI").is_none(), "{program} is missing");
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

fn has_openssl() -> bool {
    is_there("openssl", "version")
}

/// A daemon, and what a Producer needs for it.
fn site() -> (Site, Daemon) {
    let site = Site::new().http("[http.limits]\nhandshake_timeout = 2");
    let soc = site.producer("soc-1");
    for (name, text) in [("ca.pem", site.consumers.pem()), ("soc.pem", &soc.pem), ("soc.key", &soc.key)] {
        fs::write(site.config.folder().join(name), text).unwrap();
    }
    let daemon = site.start();
    (site, daemon)
}

/// Sends a Command by openssl; all that it says, and the answer.
fn ask(site: &Site, daemon: &Daemon, options: &[&str]) -> String {
    let mut child = Command::new("openssl")
        .args(["s_client", "-ign_eof", "-CAfile", "ca.pem", "-verify_return_error", "-verify_hostname", "localhost"])
        .args(["-connect", &daemon.address().to_string()])
        .args(options)
        .current_dir(site.config.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let body = r#"{"action":"query","target":{"features":[]}}"#;
    let request = format!(
        "POST /.well-known/openc2 HTTP/1.1\r\nHost: fw1\r\nConnection: close\r\nContent-Type: \
         application/openc2+json;version=1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stdin = child.stdin.take().expect("it is piped");
    // It may have ended already.
    let _ = stdin.write_all(request.as_bytes());
    let output = child.wait_with_output().expect("it ran");
    drop(stdin);
    [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("")
}

const SHOWN: [&str; 4] = ["-cert", "soc.pem", "-key", "soc.key"];

// HTTPS-018, HTTPS-019, HTTPS-020, HTTPS-073
#[test]
fn the_daemon_speaks_tls_1_2_and_1_3_and_nothing_older() {
    if !has_openssl() {
        return;
    }
    let (site, daemon) = site();
    let speak = |options: &[&str]| ask(&site, &daemon, &[&SHOWN, options].concat());
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = speak(&[version]);
        assert!(said.contains("HTTP/1.1 200 OK") && said.contains(&format!("New, {name}, Cipher is")), "{said}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let said = speak(&[version, "-cipher", "ALL:@SECLEVEL=0"]);
        assert!(said.contains("alert protocol version") || said.contains("alert handshake failure"), "{said}");
        assert!(!said.contains("HTTP/1.1"), "{said}");
    }
}

// HTTPS-023, HTTPS-025, HTTPS-026, HTTPS-073
#[test]
fn the_daemon_has_no_suite_that_is_forbidden_and_no_tickets() {
    if !has_openssl() {
        return;
    }
    let (site, daemon) = site();
    let speak = |options: &[&str]| ask(&site, &daemon, &[&SHOWN, options].concat());
    for suites in ["kRSA:kDHE", "CBC", "eNULL", "aNULL"] {
        let said = speak(&["-tls1_2", "-cipher", &format!("{suites}:@SECLEVEL=0")]);
        // What this openssl has not, it cannot offer.
        let reasons = ["alert handshake failure", "no cipher match", "no ciphers available"];
        assert!(reasons.iter().any(|reason| said.contains(reason)) && !said.contains("HTTP/1.1"), "{suites}: {said}");
    }
    assert!(speak(&["-tls1_2", "-cipher", "kRSA:kDHE:@SECLEVEL=0"]).contains("alert handshake failure"));
    for version in ["-tls1_2", "-tls1_3"] {
        let said = speak(&[version, "-msg"]);
        assert!(said.contains("HTTP/1.1 200 OK") && !said.contains("NewSessionTicket"), "{said}");
    }
}

// HTTPS-027
#[test]
fn who_shows_no_certificate_or_never_finishes_a_handshake_is_sent_away() {
    if !has_openssl() {
        return;
    }
    let (site, daemon) = site();
    for version in ["-tls1_2", "-tls1_3"] {
        let said = ask(&site, &daemon, &[version]);
        assert!(said.contains("alert certificate required") || said.contains("alert handshake failure"), "{said}");
        assert!(!said.contains("HTTP/1.1"), "{said}");
    }
    let mut silent = std::net::TcpStream::connect(daemon.address()).unwrap();
    let mut rest = Vec::new();
    // It ends, in whatever way: nothing was sent, and nothing comes.
    let _ = std::io::Read::read_to_end(&mut silent, &mut rest);
    assert!(rest.is_empty());
    daemon.wait_for_log("A TLS handshake took too long.", 1);
}

// HTTPS-014, HTTPS-027, HTTPS-074
#[test]
fn curl_commands_with_a_certificate_and_not_without() {
    if !is_there("curl", "--version") {
        return;
    }
    let (site, daemon) = site();
    let url = format!("https://localhost:{}/.well-known/openc2", daemon.address().port());
    let ask = |options: &[&str]| {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--cacert", "ca.pem", "--header"])
            .args(["Content-Type: application/openc2+json;version=1.0", "--data"])
            .args([r#"{"action":"query","target":{"features":["versions"]}}"#, "--write-out", " %{http_code}"])
            .args(options)
            .arg(&url)
            .current_dir(site.config.folder())
            .output()
            .expect("it starts");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("");
        (output.status.code(), said)
    };
    let shown = ["--cert", "soc.pem", "--key", "soc.key"];
    for version in ["--http1.1", "--tlsv1.3", "--tls-max=1.2"] {
        let option = version.split('=').collect::<Vec<_>>();
        let (status, said) = ask(&[&option[..], &shown].concat());
        assert_eq!(status, Some(0), "{version}: {said}");
        assert!(said.ends_with(" 200") && said.contains(r#""versions":["1.0"]"#), "{version}: {said}");
    }
    let (status, said) = ask(&[]);
    assert!(status != Some(0) && said.contains(" 000"), "no certificate: {status:?} {said}");
    let (status, said) = ask(&[&["--cacert", "soc.pem"], &shown[..]].concat());
    assert_eq!(status, Some(60), "another authority: {said}");
}
