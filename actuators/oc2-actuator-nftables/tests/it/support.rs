use std::process::{Command, Output};

use oc2_actuator_nftables::Nftables;
use oc2_packet_filter::testing;

/// Runs the bodies as tests in namespaces of their own.
macro_rules! in_namespace {
    ($($(#[$meta:meta])* fn $name:ident() $body:block)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            fn body() $body
            $crate::support::run(concat!(module_path!(), "::", stringify!($name)), body);
        }
    )*};
}

pub(crate) fn run(path: &str, body: fn()) {
    let (_crate_name, test) = path.split_once("::").unwrap();
    testing::in_namespace_with(&["nft", "ip"], test, || {
        if Nftables::is_available() { body() } else { testing::skip("this kernel has no nf_tables") }
    });
}

/// What a foreign hand does, and what it sees.
pub(crate) fn nft(args: &str) -> String {
    let output = tool("nft", args);
    assert!(output.status.success(), "nft {args}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn ip(args: &str) {
    let output = tool("ip", args);
    assert!(output.status.success(), "ip {args}: {output:?}");
}

fn tool(name: &str, args: &str) -> Output {
    Command::new(name).args(args.split(' ')).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").output().unwrap()
}
