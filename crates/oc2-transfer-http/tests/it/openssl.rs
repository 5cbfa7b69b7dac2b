//! Another implementation of TLS at our door: `openssl s_client` (HTTPS 3.2.3).

use std::env;
use std::process::Stdio;

use oc2_transfer_http::Settings;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::authority::{Authority, Order};
use crate::raw::{PATIENCE, post};
use crate::witness::{Secure, Server};

/// Whether there is an openssl. Where everything has to run, there has to be one.
async fn is_there() -> bool {
    let found = Command::new("openssl").arg("version").output().await.is_ok_and(|output| output.status.success());
    assert!(found || env::var_os("CI").is_none(), "openssl is missing");
    if !found {
        println!("skipped: openssl is not installed");
    }
    found
}

struct Site {
    server: Server,
    folder: TempDir,
}

impl Site {
    /// None where there is no openssl.
    async fn new() -> Option<Self> {
        if !is_there().await {
            return None;
        }
        let authority = Authority::new("everybody");
        let paper = authority.fill(Order::client("soc-1"));
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("ca.pem", authority.pem()), ("soc.pem", &paper.pem), ("soc.key", &paper.key)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Some(Self { server: Server::secure(Settings::default(), Secure::by(&authority)).await, folder })
    }

    /// Sends a Command over the TLS of openssl, with the certificate of soc-1; all that it says, and the answer.
    async fn ask(&self, options: &[&str]) -> String {
        self.tell(&[AS_SOC_1, options].concat(), post("Connection: close\r\n", "a command").as_bytes()).await
    }

    /// Has it say something over the TLS of openssl; all that this says.
    async fn tell(&self, options: &[&str], octets: &[u8]) -> String {
        let mut child = Command::new("openssl")
            .args(["s_client", "-CAfile", "ca.pem", "-verify_return_error", "-verify_hostname", "localhost"])
            .args(["-connect", &self.server.address.to_string()])
            .args(options)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        // It may have ended already.
        let _ = stdin.write_all(octets).await;
        let output = timeout(PATIENCE, child.wait_with_output()).await.expect("it ends in time").expect("it ran");
        drop(stdin);
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }
}

// HTTPS-018, HTTPS-019, HTTPS-022
#[tokio::test]
async fn openssl_speaks_both_versions_with_us() {
    let Some(site) = Site::new().await else { return };
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = site.ask(&[version]).await;
        assert!(said.contains("HTTP/1.1 200 OK") && said.contains("a command"), "{said}");
        assert!(said.contains(&format!("New, {name}, Cipher is")), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    site.server.stop().await;
}

// HTTPS-026
#[tokio::test]
async fn openssl_gets_no_ticket_and_cannot_send_early() {
    let Some(site) = Site::new().await else { return };
    let said = site.ask(&["-tls1_3", "-msg", "-sess_out", "session.pem"]).await;
    assert!(said.contains("HTTP/1.1 200 OK") && !said.contains("NewSessionTicket"), "{said}");
    let said = site.ask(&["-tls1_2", "-msg"]).await;
    assert!(said.contains("HTTP/1.1 200 OK") && !said.contains("NewSessionTicket"), "{said}");
    site.server.stop().await;
}

// HTTPS-020
#[tokio::test]
async fn openssl_is_refused_with_older_versions() {
    let Some(site) = Site::new().await else { return };
    for version in ["-tls1", "-tls1_1"] {
        let said = site.ask(&[version, "-cipher", "ALL:@SECLEVEL=0"]).await;
        // Which of its faults is named depends on what else is missing in so old a hello.
        assert!(said.contains("alert protocol version") || said.contains("alert handshake failure"), "{said}");
        assert!(!said.contains("HTTP/1.1"), "{said}");
    }
    assert!(site.server.witness.requests().is_empty());
    site.server.stop().await;
}

// HTTPS-023, HTTPS-025
#[tokio::test]
async fn openssl_is_refused_with_suites_of_the_black_list() {
    let Some(site) = Site::new().await else { return };
    for suites in [
        "kRSA",
        "kDHE",
        "CBC",
        "eNULL",
        "aNULL",
        "PSK",
        "ALL:COMPLEMENTOFALL:!ECDHE",
        "ECDHE:!AESGCM:!CHACHA20:!AESCCM",
    ] {
        let said = site.ask(&["-tls1_2", "-cipher", &format!("{suites}:@SECLEVEL=0")]).await;
        let is_refused = said.contains("alert handshake failure");
        // What this openssl has not, it cannot offer.
        assert!(
            is_refused || said.contains("no cipher match") || said.contains("no ciphers available"),
            "{suites}: {said}"
        );
        assert!(!said.contains("HTTP/1.1"), "{said}");
    }
    let said = site.ask(&["-tls1_2", "-cipher", "kRSA:kDHE:@SECLEVEL=0"]).await;
    assert!(said.contains("alert handshake failure"), "{said}");
    assert!(site.server.witness.requests().is_empty());
    site.server.stop().await;
}

// HTTPS-027
#[tokio::test]
async fn openssl_is_refused_without_a_certificate() {
    let Some(site) = Site::new().await else { return };
    for version in ["-tls1_2", "-tls1_3"] {
        let said = site.tell(&["-ign_eof", version], post("Connection: close\r\n", "a command").as_bytes()).await;
        assert!(said.contains("alert certificate required") || said.contains("alert handshake failure"), "{said}");
        assert!(!said.contains("HTTP/1.1"), "{said}");
    }
    assert!(site.server.witness.requests().is_empty());
    site.server.stop().await;
}

// HTTPS-024: it is not implemented, which the standard permits.
#[tokio::test]
async fn openssl_cannot_renegotiate() {
    let Some(site) = Site::new().await else { return };
    let said = site.tell(&["-tls1_2", "-cert", "soc.pem", "-key", "soc.key"], b"R\n").await;
    assert!(said.contains("RENEGOTIATING") && said.contains("no renegotiation"), "{said}");
    assert!(site.server.witness.requests().is_empty());
    site.server.stop().await;
}

/// With `-ign_eof` openssl sends all that it is told; without, a line `R` is a command to it.
const AS_SOC_1: &[&str] = &["-ign_eof", "-cert", "soc.pem", "-key", "soc.key"];
