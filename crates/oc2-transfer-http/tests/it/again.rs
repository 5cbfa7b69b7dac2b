//! The tests of plain HTTP, once more over TLS (HTTPS 4.2.2-1).

use std::env;
use std::process::Command;

/// Whether the servers of this run speak TLS.
pub(crate) fn is_over_tls() -> bool {
    env::var_os(OVER_TLS).is_some()
}

// HTTPS-070
#[test]
fn what_holds_for_testing_holds_for_operations() {
    if is_over_tls() {
        return;
    }
    let program = env::current_exe().expect("this is a program");
    let output = Command::new(program).args(MODULES).args(["--skip", UNHEARD]).env(OVER_TLS, "1").output();
    let output = output.expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let n_passed =
        text.split_once("test result: ok. ").and_then(|(_, rest)| rest.split_once(" passed")?.0.parse().ok());
    assert!(n_passed.is_some_and(|n: usize| n > 50), "{text}");
}

const OVER_TLS: &str = "OC2_TESTS_OVER_TLS";

const MODULES: [&str; 6] = ["connections::", "exchange::", "framing::", "refusals::", "shutdown::", "slow::"];

/// A connection that is closed unheard has no handshake.
const UNHEARD: &str = "far_too_many_connections_are_closed_unheard";
